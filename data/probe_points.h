// probe_points.h: what features know of points in space, in scene folders: two views registered by them,
// labels of voxels. Include spatialboost.h first.
//
// Refuses: scenes without an object to fit on. Pairs are views of one scene that see enough of each other;
// points are fitted on every other scene. Read from top: scenes and pairs, features in space, pairs, points.
#ifndef SB_PROBE_POINTS_H
#define SB_PROBE_POINTS_H
#include "lifted.h"
#include "probe.h"

// The scenes of --scenes, pairs of views of one that show at least SB_SEEN of each other, labels of objects.
#define SB_SEEN 0.3
typedef struct { int scene, a, b; } SbViewPair;
typedef struct {
    SbSource source;
    SbViewPair *pair;
    char **label;               // categories, in the order in which they come
    const char *folder;
    int pairs, labels, *first;  // first [scenes]: where a scene's views begin among all of them
} SbLifting;

static SB_UNUSED void sb_lifting_open(SbLifting *l, const SbConfig *c, const SbProbeFlags *o) {
    int most = o->images ? o->images : 1000, found = 0;
    SbSource *s = &l->source;
    memset(l, 0, sizeof *l);
    l->folder = o->scenes;
    sb_source_init(s, c, SB_TASK_RECOGNISE, SB_POOL_TEST, "rec", 1, 0);
    sb_source_scenes(s, o->scenes), sb_source_ready(s);
    l->first = (int *)sb_calloc((size_t)s->scenes, sizeof *l->first);
    for (int i = 0, at = 0; i < s->scenes; at += s->scene[i++].views) {
        SbScene *scene = s->scene + i;
        double *overlap = sb_overlaps(scene);
        l->first[i] = at;
        for (int p = 0; p < scene->views * scene->views; p++) {
            SbViewPair pair = {i, p / scene->views, p % scene->views};
            if (pair.a >= pair.b || overlap[p] < SB_SEEN) continue;
            l->pair = (SbViewPair *)sb_realloc(l->pair, (size_t)++l->pairs * sizeof pair);
            l->pair[l->pairs - 1] = pair;
        }
        for (int k = 0; k < scene->objects; k++) {
            const char *name = scene->object[k].category;
            int is = 0;
            while (is < l->labels && strcmp(l->label[is], name)) is++;
            if (is < l->labels) continue;
            l->label = (char **)sb_realloc(l->label, (size_t)++l->labels * sizeof *l->label);
            l->label[is] = sb_copy(name);
        }
        free(overlap);
    }
    for (int i = 0; i < l->pairs && most < l->pairs; i++)       // evenly spread
        if (found < most && (long)found * l->pairs / most == i) l->pair[found++] = l->pair[i];
    if (most < l->pairs) l->pairs = most;
}
// Features of all views of a scene, lifted. Free what is in it.
static SbLifted *sb_lift_scene(const SbLifting *l, SbServed *e, int scene) {
    const SbConfig *c = &e->model.config;
    const SbScene *s = l->source.scene + scene;
    int P = l->source.grid * l->source.grid, C = c->enc_width;
    SbLifted *lifted = (SbLifted *)sb_calloc((size_t)s->views, sizeof *lifted);
    real *x = (real *)sb_calloc((size_t)(SB_PROBE_CHUNK * P) * (size_t)C, sizeof *x);
    for (int first = 0; first < s->views; first += SB_PROBE_CHUNK) {
        SbShot shot[SB_PROBE_CHUNK];
        int n = sb_min(SB_PROBE_CHUNK, s->views - first);
        for (int i = 0; i < n; i++) {
            SbShot one = {l->source.picture[l->first[scene] + first + i], c->image, c->image};
            shot[i] = one;
        }
        sb_encode_shots(e, shot, n, 1, NULL, x);
        for (int i = 0; i < n; i++)
            sb_lift_view(lifted + first + i, s, s->view + first + i, x + (long)i * P * C, l->source.grid, C);
    }
    free(x);
    return lifted;
}
static void sb_lift_free(SbLifted *lifted, int views) {
    for (int i = 0; i < views; i++) sb_lifted_free(lifted + i);
    free(lifted);
}
// Every pair of views: matches of their features against the true motion.
static SB_UNUSED void sb_probe_pairs(SbProbeResult *r, SbServed *e, const SbLifting *l) {
    r->n = l->pairs;
    r->image = (SbProbed *)sb_calloc((size_t)r->n, sizeof *r->image);
    for (int i = 0, scene = 0; scene < l->source.scenes; scene++) {
        const SbScene *s = l->source.scene + scene;
        SbLifted *lifted = i < l->pairs && l->pair[i].scene == scene ? sb_lift_scene(l, e, scene) : NULL;
        for (; i < l->pairs && l->pair[i].scene == scene; i++) {
            double truth[12], *sum = r->image[i].sum;
            const SbViewPair *p = l->pair + i;
            sb_relative_pose(s->view[p->a].pose, s->view[p->b].pose, truth);
            SbRegistered got = sb_register(lifted + p->a, lifted + p->b, truth, (uint64_t)i);
            sum[SB_SUM_PAIRED] = 1, sum[SB_SUM_RECALLED] = got.recalled;
            sum[SB_SUM_METRES] = got.metres, sum[SB_SUM_DEGREES] = got.degrees;
        }
        if (lifted) sb_lift_free(lifted, s->views);
    }
}
// Voxels of a scene with a label: x [n][C], label [n] among l->labels. Returns n.
static int sb_labelled_voxels(const SbLifting *l, SbServed *e, int scene, real **x, int **label) {
    const SbScene *s = l->source.scene + scene;
    int C = e->model.config.enc_width, n = 0;
    SbLifted *lifted = sb_lift_scene(l, e, scene);
    int all = sb_voxels(s, lifted, x, label);
    for (int i = 0; i < all; i++) {
        int is = 0, object = (*label)[i];
        if (object < 0) continue;
        while (strcmp(l->label[is], s->object[object].category)) is++;
        memmove(*x + (long)n * C, *x + (long)i * C, (size_t)C * sizeof(real)), (*label)[n++] = is;
    }
    sb_lift_free(lifted, s->views);
    return n;
}
// Labels of points: a linear map fitted on every other scene, reported on the rest.
static SB_UNUSED void sb_probe_points(SbProbeResult *r, SbServed *e, const SbLifting *l) {
    int C = e->model.config.enc_width, L = l->labels, *label = NULL, *is;
    long rows = 0;
    real *all = NULL, *x;
    SbLinear map;
    r->n = l->source.scenes / 2, r->labels = L;
    r->image = (SbProbed *)sb_calloc((size_t)r->n, sizeof *r->image);
    r->count = (unsigned *)sb_calloc((size_t)r->n * (size_t)(SB_COUNTS * L), sizeof *r->count);
    for (int i = 0; i < l->source.scenes; i += 2) {
        int n = sb_labelled_voxels(l, e, i, &x, &is);
        all = (real *)sb_realloc(all, (size_t)(rows + n + 1) * (size_t)C * sizeof *all);
        label = (int *)sb_realloc(label, (size_t)(rows + n + 1) * sizeof *label);
        memcpy(all + rows * C, x, (size_t)n * (size_t)C * sizeof *x);
        memcpy(label + rows, is, (size_t)n * sizeof *is);
        rows += n, free(x), free(is);
    }
    if (!rows) sb_die("%s: no object (instance/, objects.json) in the scenes to fit on", l->folder);
    sb_logistic(&map, all, label, rows, C, L, 1e-4, 60);
    for (int i = 1; i < l->source.scenes; i += 2) {
        int n = sb_labelled_voxels(l, e, i, &x, &is);
        real *logit = (real *)sb_calloc((size_t)n * (size_t)L + 1, sizeof *logit);
        unsigned *count = r->count + (long)(i / 2) * SB_COUNTS * L;
        sb_linear_apply(&map, logit, x, n);
        for (int k = 0; k < n; k++) {
            int said = sb_argmax(logit + (long)k * L, L);
            r->image[i / 2].sum[SB_SUM_POINTED]++, r->image[i / 2].sum[SB_SUM_POINT_RIGHT] += said == is[k];
            count[SB_BOTH * L + is[k]] += said == is[k];
            count[SB_IS * L + is[k]]++, count[SB_SAID * L + said]++;
        }
        free(logit), free(x), free(is);
    }
    free(all), free(label), sb_linear_free(&map);
}
#endif
