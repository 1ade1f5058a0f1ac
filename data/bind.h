// bind.h: a hub folder's weights as a model's: adopted where they lie, or copied where they train.
//
// Refuses: tensors that are missing, of another shape or type than config.json says, or not finite; all that
// do not fit are named in one error. Include spatialboost.h first.
// Read from top: where a tensor's numbers lie, adopting, what to say, binding, filling.
#ifndef SB_BIND_H
#define SB_BIND_H
#include "families.h"
#include "resample.h"

// Where the numbers of one of our tensors lie: elements [first, ...) of t.
typedef struct {
    SbFolderTensor *in;
    long first;
    int rows;
} SbFamilySource;

// Is this tensor of the model in the family's tower?
static SB_UNUSED int sb_family_tower(const SbFamily *y, const SbParam *p) {
    if (y->family & SB_LANGUAGE) return !strncmp(p->name, "llm.", 4);
    return !strncmp(p->name, "enc.", 4) || !strncmp(p->name, "pool.", 5);
}

// Does this folder have it? A second channel only if it is dual.
static SB_UNUSED int sb_family_held(const SbFolder *f, const SbFamily *y, const SbParam *p) {
    int second = (p->group & (SB_PLUS | SB_ALPHA)) != 0;
    return sb_family_tower(y, p) && (!second || sb_family_channels(f) == SB_EXPORT_DUAL);
}

// Does this folder fill it?
static SB_UNUSED int sb_family_ours(const SbFolder *f, const SbFamily *y, const SbParam *p) {
    return !p->adopted && sb_family_held(f, y, p);
}

// Choose what stands in front of the names in this folder.
static SB_UNUSED void sb_family_prefix(SbFolder *f, const SbModel *m) {
    const SbFamily *y = sb_family_of(f);
    char **name = (char **)sb_calloc((size_t)m->params, sizeof *name), text[256];
    int names = 0;
    for (int i = 0; i < m->params; i++)
        if (sb_family_held(f, y, m->param[i]) &&
            sb_family_theirs(y, m->config.enc_gated, m->param[i]->name, text, sizeof text))
            name[names++] = sb_copy(text);
    sb_folder_prefix(f, name, names);
    sb_free_names(name, names);
}

// The grid's side of a table of n positions, 0 if it is no square.
static SB_UNUSED int sb_family_grid(const SbConfig *c, int64_t n) {
    int side = (int)sqrt((double)(n - c->enc_cls) + .5);
    return (int64_t)side * side + c->enc_cls == n ? side : 0;
}

// Find the source of p. What is wrong goes to wrong, in one line with what was wrong before; *count counts.
static SB_UNUSED void sb_family_source(const SbFolder *f, const SbFamily *y, const SbModel *m,
                                       const SbParam *p, SbFamilySource *s, SbText *wrong, int *count) {
    char name[256];
    const SbConfig *c = &m->config;
    const SbFamilyName *row = sb_family_theirs(y, c->enc_gated, p->name, name, sizeof name);
    if (!row) sb_die("%s: the family %s has no name for our tensor %s", f->path, y->type, p->name);
    int parts = row->parts ? row->parts : 1, rank = p->rank, skip = 0, fits = 0;
    int64_t shape[4] = {(int64_t)p->w.rows * parts, p->w.cols, c->patch, c->patch};
    if (!strcmp(p->name, "enc.patch_w")) rank = 4, shape[1] = 3;
    s->in = sb_folder_lookup(f, f->prefix, name);
    s->first = (long)row->part * p->w.rows * p->w.cols;
    s->rows = p->w.rows;
    const SbFileTensor *t = s->in ? s->in->t : NULL;
    if (t) {
        while (t->rank - skip > rank && t->shape[skip] == 1) skip++;
        int64_t n = t->rank - skip == 2 ? t->shape[skip] : 0;
        if (!strcmp(p->name, "enc.pos") && sb_family_grid(c, n)) shape[0] = n, s->rows = (int)n;
        fits = t->rank - skip == rank &&
               (!strcmp(t->type, "F32") || !strcmp(t->type, "BF16") || !strcmp(t->type, "F16"));
        for (int i = 0; fits && i < rank; i++) fits = t->shape[skip + i] == shape[i];
    }
    if (fits || (*count)++ >= 8) return;
    char *wanted = sb_shape_text("F32, BF16 or F16", rank, shape);
    char *found = t ? sb_shape_text(t->type, t->rank, t->shape) : sb_copy("nothing");
    sb_text_add(wrong, "%s%s: expected %s, found %s", wrong->size ? "; " : "", t ? t->name : name, wanted,
                found);
    free(wanted), free(found);
}

// The numbers of p as float, out [rows][cols]; positions of another grid are carried over.
static SB_UNUSED void sb_family_floats(const SbFamily *y, const SbModel *m, const SbParam *p,
                                       const SbFamilySource *s, float *out) {
    const SbConfig *c = &m->config;
    long n = (long)s->rows * p->w.cols;
    if (s->rows == p->w.rows) {
        sb_tensor_floats(out, s->in->t, s->first, n);
        return;
    }
    float *table = (float *)sb_calloc((size_t)n, sizeof *table);
    int grid = c->image / c->patch;
    sb_tensor_floats(table, s->in->t, 0, n);
    sb_grid_resize(y->grid, table, c->enc_cls, sb_family_grid(c, s->rows), p->w.cols, out, grid, grid);
    free(table);
}

// A frozen tensor: as it lies in the file, unless it is F16 or a table that does not fit.
static SB_UNUSED void sb_family_adopt(SbFolder *f, const SbFamily *y, SbModel *m, SbParam *p,
                                      const SbFamilySource *s) {
    const SbFileTensor *t = s->in->t;
    int half = !strcmp(t->type, "F16"), brain = !strcmp(t->type, "BF16");
    long n = sb_param_count(p);
    if (half || s->rows != p->w.rows) {
        float *own = sb_folder_memory(f, n);
        sb_family_floats(y, m, p, s, own);
        if (half) f->widened += (uint64_t)n * sizeof *own;
        sb_model_adopt(m, p, own, SB_F32);
    } else {
        sb_model_adopt(m, p, (const char *)t->data + s->first * (brain ? 2 : 4), brain ? SB_BF16 : SB_F32);
    }
}

// What should be said once, behind sb_family_bind: tensors that nobody took and that are not known to be
// needless, and what F16 costs; "" if nothing. free() it.
static SB_UNUSED char *sb_family_notes(const SbFolder *f) {
    const SbFamily *y = sb_family_of(f);
    SbText names = {NULL, 0, 0}, notes = {NULL, 0, 0};
    int extra = 0;
    for (int i = 0; i < f->tensors; i++) {
        const SbFolderTensor *t = f->tensor + i;
        if (t->used || sb_family_needless(y, t->t->name)) continue;
        if (extra++ < 4) sb_text_add(&names, "%s%s", extra > 1 ? ", " : "", t->t->name);
    }
    sb_text_add(&notes, "%s", "");
    if (extra)
        sb_text_add(&notes, "%s: %d tensors are not used: %s%s\n", f->path, extra, names.data,
                    extra > 4 ? ", ..." : "");
    if (f->widened)
        sb_text_add(&notes, "%s: F16 is kept as F32, which takes %.1f MB of memory\n", f->path,
                    (double)f->widened / 1e6);
    free(names.data);
    return notes.data;
}

// Give the model (planned: sb_model_plan) this folder's weights. Frozen ones (not in the groups trained) are
// adopted: F32 and BF16 as they lie in the file; the folder must outlive the model. Then call
// sb_model_memory, and sb_family_fill for what trains. All tensors that are missing or do not fit are named
// in one error.
static SB_UNUSED void sb_family_bind(SbFolder *f, SbModel *m, int trained) {
    const SbFamily *y = sb_family_of(f);
    SbFamilySource *s = (SbFamilySource *)sb_calloc((size_t)m->params, sizeof *s);
    long *bad = (long *)sb_calloc((size_t)m->params, sizeof *bad);
    SbText wrong = {NULL, 0, 0};
    int count = 0;
    if ((m->parts & SB_DUAL) && sb_family_channels(f) == SB_EXPORT_FOLDED)
        sb_die("%s: its second channel is folded into the first, and there is no third: take the dual folder",
               f->path);
    sb_family_prefix(f, m);
    for (int i = 0; i < m->params; i++)
        if (sb_family_ours(f, y, m->param[i])) sb_family_source(f, y, m, m->param[i], s + i, &wrong, &count);
    if (count)
        sb_die("%s: %d tensors do not fit its config.json (%s): %s%s", f->path, count, y->type, wrong.data,
               count > 8 ? "; ..." : "");
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic)
#endif
    for (int i = 0; i < m->params; i++) {
        long n = (long)s[i].rows * m->param[i]->w.cols;
        bad[i] = s[i].in ? sb_tensor_nonfinite(s[i].in->t, s[i].first, n) : -1;
    }
    for (int i = 0; i < m->params; i++) {
        if (!s[i].in) continue;
        if (bad[i] >= 0)
            sb_die("%s: tensor %s is not finite at element %ld; is the download damaged?", s[i].in->path,
                   s[i].in->t->name, bad[i]);
        s[i].in->used = 1;
        if (!(m->param[i]->group & trained)) sb_family_adopt(f, y, m, m->param[i], s + i);
    }
    free(s), free(bad);
}

// Fill what trains from the folder, behind sb_model_memory.
static SB_UNUSED void sb_family_fill(const SbFolder *f, SbModel *m, int trained) {
    const SbFamily *y = sb_family_of(f);
    for (int i = 0; i < m->params; i++) {
        SbParam *p = m->param[i];
        if (!(p->group & trained) || !sb_family_ours(f, y, p)) continue;
        SbFamilySource s;
        SbText wrong = {NULL, 0, 0};
        int count = 0;
        long n = sb_param_count(p);
        sb_family_source(f, y, m, p, &s, &wrong, &count);
        float *x = (float *)sb_calloc((size_t)n, sizeof *x);
        param_t *host = (param_t *)sb_calloc((size_t)n, sizeof *host);
        sb_family_floats(y, m, p, &s, x);
        for (long k = 0; k < n; k++) host[k] = (param_t)x[k];
        sb_put((void *)(uintptr_t)p->w.p, host, (size_t)n * sizeof *host);
        free(x), free(host);
    }
}
#endif
