// likeness.h: how alike the pictures of a scene are to an encoder, from the features that it has of them:
//
//     ./eval features --model boost.safetensors --pictures SCENE/color --to SCENE/features.safetensors
//
// Refuses: to run an encoder; a file that has not every view, or numbers that have no direction. Read from
// top: what a file must hold, the cosines.
#ifndef SB_LIKENESS_H
#define SB_LIKENESS_H
#include "checkpoint.h"
#include "scene.h"

// Rows of the file (its "names", a path a line) in the order of the scene's views; free() it.
static int *sb_likeness_rows(const SbCheckpoint *file, const SbScene *s, int64_t rows) {
    const char *names = sb_checkpoint_text(file, "names");
    int *row = (int *)sb_calloc((size_t)s->views, sizeof *row), lines = 0;
    if (!names) sb_die("%s: no \"names\" in it, expected a file of ./eval features", file->path);
    for (int v = 0; v < s->views; v++) row[v] = -1;
    for (const char *at = names; *at; lines++) {
        size_t size = strcspn(at, "\n");
        char *name = sb_format("%.*s", (int)size, at), *slash = strrchr(name, '/');
        char *base = slash ? slash + 1 : name, *dot = strrchr(base, '.');
        if (dot) *dot = 0;
        for (int v = 0; v < s->views; v++)
            if (!strcmp(base, s->view[v].name)) row[v] = lines;
        free(name);
        at += size + (at[size] == '\n');
    }
    if (lines != rows) sb_die("%s: features of %lld pictures, %d names", file->path, (long long)rows, lines);
    for (int v = 0; v < s->views; v++)
        if (row[v] < 0) sb_die("%s: no features of view %s; make it again from all pictures of the scene",
                               file->path, s->view[v].name);
    return row;
}

// Mean cosine of n pairs of vectors x, y [n][width].
static double sb_mean_cosine(const float *x, const float *y, int64_t n, int64_t width, const char *where) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++, x += width, y += width) {
        double xy = 0, xx = 0, yy = 0;
        for (int64_t c = 0; c < width; c++) {
            xy += (double)x[c] * (double)y[c];
            xx += (double)x[c] * (double)x[c], yy += (double)y[c] * (double)y[c];
        }
        if (!(xx > 0 && yy > 0 && isfinite(xx) && isfinite(yy)))
            sb_die("%s: a feature is zero or not finite; it has no direction", where);
        sum += xy / sqrt(xx * yy);
    }
    return sum / (double)n;
}

// Cosines of all pairs of views, [views][views]. patches 1: mean over the cosines of patches at one place
// (LPIPS of one layer with equal weights is the mean of |x/|x| - y/|y||^2 = 2 - 2 cosine, so this is
// 1 - LPIPS / 2; Zhang 2018, eq. 1); 0: of the whole pictures (their pooled features if the encoder has some,
// else CLS), as CLIP compares. free() it.
static SB_UNUSED double *sb_likeness(const SbScene *s, const char *path, int patches) {
    SbCheckpoint file;
    sb_checkpoint_open(&file, path);
    const SbFileTensor *t = sb_checkpoint_find(&file, patches ? "patches" : "pooled");
    if (!t && !patches) t = sb_checkpoint_find(&file, "cls");
    if (!t) sb_die("%s: no tensor %s; expected a file of ./eval features%s", path,
                   patches ? "patches" : "pooled or cls", patches ? "" : ", of an encoder that has one");
    if (strcmp(t->type, "F32") || t->rank != (patches ? 3 : 2) || !sb_tensor_bytes(t, path))
        sb_die("%s: tensor %s: expected F32 [pictures,%swidth], found %s", path, t->name,
               patches ? "patches," : "", sb_shape_text(t->type, t->rank, t->shape));
    int64_t each = patches ? t->shape[1] : 1, width = t->shape[t->rank - 1];
    int *row = sb_likeness_rows(&file, s, t->shape[0]), n = s->views;
    double *cosine = (double *)sb_calloc((size_t)n * (size_t)n, sizeof *cosine);
    const float *x = (const float *)t->data;
    for (int a = 0; a < n; a++)
        for (int b = 0; b <= a; b++)
            cosine[a * n + b] = cosine[b * n + a] =
                sb_mean_cosine(x + row[a] * each * width, x + row[b] * each * width, each, width, path);
    free(row);
    sb_checkpoint_close(&file);
    return cosine;
}
#endif
