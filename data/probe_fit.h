// probe_fit.h: linear maps fitted to what an encoder makes of pictures, and how right they are on others:
// depth, labels, classes, neighbours, pictures found again. Include spatialboost.h first.
//
// Refuses: to fit to the pictures that it reports on (the caller gives two sets). Fits are exact (fit.h). Of
// rooms and scenes patches are judged, of a data set the picture's own pixels, in tiles of several scales.
// Read from top: fitting, scoring of patches, of pixels, of whole pictures, one encoder.
#ifndef SB_PROBE_FIT_H
#define SB_PROBE_FIT_H
#include "dpt.h"
#include "probe.h"

// The probes of one encoder: of patches, on features of the last `layers` blocks, and of whole pictures.
// bins: depth is read from so many; from low to high.
typedef struct {
    SbLinear depth, segment, main_class, multi;
    SbDpt dpt;
    int layers, bins;
    double low, high;
} SbProbes;
enum { SB_PROBE_CHUNK = 32, SB_SEGMENT_ROOMS = 1000 };
#define SB_DPT_BYTES 2e9        // features that a DPT head is fitted on: those of so many first pictures

// Add the rows whose depth is known: x [n][C] stays, y [n].
static void sb_add_depths(SbMoments *m, const real *x, const real *y, long n) {
    for (long first = 0, end; first < n; first = end + 1) {
        for (end = first; end < n && y[end] > 0; end++) continue;
        if (end > first) sb_moments_add(m, x + first * m->C, y + first, end - first);
    }
}
// Depths [n] of x [n][C]; logit: room for n rows of bins.
static void sb_probe_depths(const SbProbes *p, real *depth, real *logit, const real *x, long n) {
    if (p->bins) sb_bins_apply(&p->depth, p->low, p->high, depth, logit, x, n);
    else sb_linear_apply(&p->depth, depth, x, n);
}
// Pictures first .. first + n - 1, square where patches are asked about, and what is known of their patches.
typedef struct { int n, own; SbShot shot[SB_PROBE_CHUNK]; real *depth; int *label; } SbTaken;
static void sb_take(SbTaken *t, const SbViews *v, int first, int n) {
    int P = v->patches, grid = (int)(sqrt(P) + .5);
    t->n = n, t->own = v->data != NULL;
    t->depth = t->own ? (real *)sb_calloc((size_t)(n * P), sizeof(real)) : v->depth + (long)first * P;
    t->label = t->own ? (int *)sb_calloc((size_t)(n * P), sizeof(int)) : v->label + (long)first * P;
    for (int i = 0; i < n; i++) {
        SbTruth truth;
        t->shot[i] = sb_shot_of(v, first + i);
        if (!t->own || !(v->known & (SB_KNOW_DEPTHS | SB_KNOW_LABELS))) continue;
        sb_truth_read(&truth, v->data->layout, v->data->part[v->part].item + first + i, t->shot[i].w,
                      t->shot[i].h);
        if (truth.depth) sb_patch_depths(t->depth + i * P, truth.depth, truth.w, truth.h, grid);
        if (truth.label) sb_patch_labels(t->label + i * P, &truth, v->labels, grid);
        sb_shot_square(t->shot + i, v->side);
        sb_truth_free(&truth);
    }
}
static void sb_taken_free(SbTaken *t) {
    for (int i = 0; i < t->n && t->own; i++) free(t->shot[i].rgb);
    if (t->own) free(t->depth), free(t->label);
}
// Rows of patches that a probe is fitted to in the end: of rooms all of the first SB_SEGMENT_ROOMS, else
// `each` a picture, evenly spread, of those of which something is known.
typedef struct { long n, room; real *x, *depth; int *label; } SbKept;
static void sb_keep(SbKept *k, const SbTaken *t, const real *x, int first, int P, int C, int each) {
    for (int i = 0; i < t->n; i++)
        for (int j = 0; j < each; j++) {
            int at = i * P + (t->own ? (int)((j * (long)P + sb_hash(5, (uint64_t)(first + i)) % (uint64_t)P) /
                                             each) % P : j);
            if (t->own && !(t->depth[at] > 0) && t->label[at] < 0) continue;
            if (k->n == k->room) {
                k->room = 2 * k->room + 4096;
                k->x = (real *)sb_realloc(k->x, (size_t)k->room * (size_t)C * sizeof *x);
                k->depth = (real *)sb_realloc(k->depth, (size_t)k->room * sizeof *k->depth);
                k->label = (int *)sb_realloc(k->label, (size_t)k->room * sizeof *k->label);
            }
            memcpy(k->x + k->n * C, x + (long)at * C, (size_t)C * sizeof *x);
            k->depth[k->n] = t->depth[at], k->label[k->n++] = t->label[at];
        }
}
// The DPT head on v's first pictures, as many as their features x [n][P][C] fit into SB_DPT_BYTES.
static void sb_fit_dpt(SbProbes *p, SbServed *e, const SbViews *v) {
    int P = v->patches, W = e->model.config.enc_width, C = p->layers * W, n = v->n;
    double most = SB_DPT_BYTES / ((double)P * C * sizeof(real));
    if (n > most) n = most < 1 ? 1 : (int)most, printf("probe: the DPT head is fitted on %d pictures\n", n);
    real *x = (real *)sb_calloc((size_t)n * (size_t)P * (size_t)C, sizeof *x);
    for (int first = 0; first < n; first += SB_PROBE_CHUNK) {
        SbTaken t;
        sb_take(&t, v, first, sb_min(SB_PROBE_CHUNK, n - first));
        sb_encode_shots(e, t.shot, t.n, p->layers, NULL, x + (long)first * P * C);
        sb_taken_free(&t);
    }
    sb_dpt_make(&p->dpt, p->layers, W, (int)(sqrt(P) + .5), SB_DPT_BATCH, 21);
    sb_dpt_fit(&p->dpt, x, v->depth, n, SB_DPT_EPOCHS);
    free(x);
}
// The class of whole pictures, from cls [n][C].
static void sb_fit_class(SbProbes *p, const SbViews *v, const real *cls, int C, double decay) {
    real *x = (real *)sb_calloc((size_t)v->n * (size_t)C, sizeof *x);
    int *label = (int *)sb_calloc((size_t)v->n, sizeof *label);
    long n = 0;
    for (int i = 0; i < v->n; i++) {
        if (v->main_class[i] < 0) continue;
        memcpy(x + n * C, cls + (long)i * C, (size_t)C * sizeof *x);
        label[n++] = v->main_class[i];
    }
    if (decay > 0) sb_logistic(&p->main_class, x, label, n, C, v->classes, decay, 100);
    else printf("probe: decay %g of the linear classifier\n",
                sb_logistic_chosen(&p->main_class, x, label, n, C, v->classes, 100));
    free(x), free(label);
}
// Fit on the pictures of v; cls [n][C] becomes their CLS features.
static void sb_fit_probes(SbProbes *p, SbServed *e, const SbViews *v, real *cls, const SbProbeFlags *o) {
    int W = e->model.config.enc_width, C = p->layers * W, P = v->patches, K = v->classes, known = v->known;
    int each = o->rows / v->n < 1 ? 1 : sb_min(P, o->rows / v->n);
    SbMoments depth, multi;
    SbKept kept;
    SbTaken t;
    memset(&kept, 0, sizeof kept);
    sb_moments_make(&depth, C, 1), sb_moments_make(&multi, W, K);
    size_t room = known & (SB_KNOW_DEPTHS | SB_KNOW_LABELS) ? (size_t)(SB_PROBE_CHUNK * P) * (size_t)C : 0;
    real *x = room ? (real *)sb_calloc(room, sizeof *x) : NULL;
    real *y = (real *)sb_calloc((size_t)(SB_PROBE_CHUNK * K), sizeof *y);
    for (int first = 0; first < v->n; first += SB_PROBE_CHUNK) {
        sb_take(&t, v, first, sb_min(SB_PROBE_CHUNK, v->n - first));
        sb_encode_shots(e, t.shot, t.n, p->layers,
                        known & (SB_KNOW_CLASSES | SB_KNOW_RANKS) ? cls + (long)first * W : NULL, x);
        if (known & SB_KNOW_DEPTHS && !p->bins) sb_add_depths(&depth, x, t.depth, (long)t.n * P);
        for (int i = 0; known & SB_KNOW_OBJECTS && i < t.n * K; i++) y[i] = v->multi[(long)first * K + i];
        if (known & SB_KNOW_OBJECTS) sb_moments_add(&multi, cls + (long)first * W, y, t.n);
        if (v->data && x) sb_keep(&kept, &t, x, first, P, C, each);
        else if (known & SB_KNOW_LABELS && first < SB_SEGMENT_ROOMS)
            t.n = sb_min(t.n, SB_SEGMENT_ROOMS - first), sb_keep(&kept, &t, x, first, P, C, P);
        sb_taken_free(&t);
    }
    if (v->data && x && !kept.n) sb_die("%s: no patch to fit on: nothing is known of any", v->data->folder);
    if (p->bins)
        sb_bins(&p->depth, kept.x, kept.depth, kept.n, C, p->bins, p->low, p->high, 1e-6, 100);
    else if (known & SB_KNOW_DEPTHS) sb_ridge(&p->depth, &depth, 1e-4);
    if (known & SB_KNOW_DPT) sb_fit_dpt(p, e, v);
    if (known & SB_KNOW_OBJECTS) sb_ridge(&p->multi, &multi, 1e-3);
    if (known & SB_KNOW_LABELS) sb_logistic(&p->segment, kept.x, kept.label, kept.n, C, v->labels, 1e-4, 60);
    if (known & SB_KNOW_CLASSES) sb_fit_class(p, v, cls, W, o->decay > 0 || v->data ? o->decay : 1e-3);
    free(x), free(y), free(kept.x), free(kept.depth), free(kept.label);
    sb_moments_free(&depth), sb_moments_free(&multi);
}
// Depth by the DPT head of n pictures from first on.
static void sb_score_dpt(SbProbeResult *r, SbProbes *p, const SbViews *v, int first, int n, const real *x,
                         real *out) {
    int P = v->patches;
    sb_dpt_apply(&p->dpt, out, x, n);
    for (long i = 0; i < (long)n * P; i++) {
        double *sum = r->image[first + i / P].sum, d = v->depth[(long)first * P + i], z = out[i], e = z - d;
        if (d <= 0) continue;
        sum[SB_SUM_DPT_PATCHES]++, sum[SB_SUM_DPT_SQUARES] += e * e, sum[SB_SUM_DPT_RELATIVE] += fabs(e) / d;
        sum[SB_SUM_DPT_CLOSE] += z > d / 1.25 && z < d * 1.25;
    }
}
// Depth and segmentation of n pictures from first on, x [n][P][C] their features.
static void sb_score_chunk(SbProbeResult *r, SbProbes *p, const SbViews *v, int first, int n,
                           const real *x, real *out) {
    int P = v->patches, L = r->labels;
    real *depth = out, *logits = out + (long)n * P;
    if (v->known & SB_KNOW_DPT) sb_score_dpt(r, p, v, first, n, x, out);
    sb_linear_apply(&p->depth, depth, x, (long)n * P);
    if (v->known & SB_KNOW_LABELS) sb_linear_apply(&p->segment, logits, x, (long)n * P);
    for (int i = 0; i < n; i++) {
        SbProbed *s = r->image + first + i;
        unsigned *count = r->count + (long)(first + i) * SB_COUNTS * L;
        for (int k = 0; k < P; k++) {
            long at = (long)(first + i) * P + k;
            double d = v->depth[at], z = depth[i * P + k], e = z - d;
            if (d <= 0) continue;
            int is = v->label[at], said = sb_argmax(logits + (long)(i * P + k) * L, L);
            s->sum[SB_SUM_PATCHES]++, s->sum[SB_SUM_SQUARES] += e * e, s->sum[SB_SUM_RELATIVE] += fabs(e) / d;
            s->sum[SB_SUM_CLOSE] += z > d / 1.25 && z < d * 1.25;
            if (is < 0) continue;
            if (is >= 3) s->sum[SB_SUM_OBJECT_PATCHES]++, s->sum[SB_SUM_OBJECT_SQUARES] += e * e;
            count[SB_BOTH * L + is] += is == said, count[SB_IS * L + is]++, count[SB_SAID * L + said]++;
        }
    }
}
// What a picture's tiles are looked at for, [tiles][P][K]: depth, or logits of labels.
static real *sb_tile_values(const SbProbes *p, SbServed *e, const SbShot *s, const SbTile *tile, int tiles,
                            int P, int K) {
    const SbConfig *c = &e->model.config;
    int side = c->image, C = p->layers * c->enc_width, done = 0;
    real *value = (real *)sb_calloc((size_t)(tiles * P) * (size_t)K, sizeof *value);
    real *x = (real *)sb_calloc((size_t)(SB_PROBE_CHUNK * P) * (size_t)(C + p->bins), sizeof *x);
    SbShot shot[SB_PROBE_CHUNK];
    unsigned char *square = NULL;
    for (int i = 0; i < tiles; i++) {
        int full = i - done, S = tile[i].square;
        if (!i || S != tile[i - 1].square) free(square), square = sb_square(s->rgb, s->w, s->h, S);
        SbShot part = {(unsigned char *)sb_calloc((size_t)(side * side), 3), side, side};
        for (int y = 0; y < side; y++)
            memcpy(part.rgb + y * side * 3, square + 3 * ((tile[i].y + y) * (long)S + tile[i].x),
                   (size_t)side * 3);
        shot[full] = part;
        if (++full < SB_PROBE_CHUNK && i + 1 < tiles) continue;
        sb_encode_shots(e, shot, full, p->layers, NULL, x);
        if (K == 1)
            sb_probe_depths(p, value + (long)done * P, x + (long)SB_PROBE_CHUNK * P * C, x, (long)full * P);
        else sb_linear_apply(&p->segment, value + (long)done * P * K, x, (long)full * P);
        for (done = i + 1; full > 0;) free(shot[--full].rgb);
    }
    free(x), free(square);
    return value;
}
// Depth or segmentation of picture i of a data set, pixel by pixel.
static void sb_score_pixels(SbProbeResult *r, const SbProbes *p, SbServed *e, const SbViews *v, int i,
                            const SbTile *tile, int tiles) {
    const SbLayout *l = v->data->layout;
    int P = v->patches, K = v->known & SB_KNOW_DEPTHS ? 1 : v->labels, L = r->labels;
    SbTruth truth;
    SbShot shot = sb_shot_of(v, i);
    sb_truth_read(&truth, l, v->data->part[v->part].item + i, shot.w, shot.h);
    real *value = sb_tile_values(p, e, &shot, tile, tiles, P, K);
    float *said = (float *)sb_calloc((size_t)shot.w * (size_t)shot.h, sizeof *said);
    sb_tiles_pixels(said, shot.w, shot.h, tile, tiles, v->side, (int)(sqrt(P) + .5), value, K);
    if (truth.depth) {
        SbDepthErrors d = sb_depth_errors(said, truth.depth, shot.w, shot.h, l->crop, l->low, l->high);
        double *sum = r->image[i].sum;
        sum[SB_SUM_PATCHES] = d.n, sum[SB_SUM_SQUARES] = d.squares, sum[SB_SUM_RELATIVE] = d.relative,
        sum[SB_SUM_CLOSE] = d.close;
    }
    for (long k = 0; truth.label && k < (long)shot.w * shot.h; k++) {
        unsigned *count = r->count + (long)i * SB_COUNTS * L;
        int is = truth.label[k] - 1, says = (int)said[k];
        if (is < 0) continue;
        count[SB_BOTH * L + is] += is == says, count[SB_IS * L + is]++, count[SB_SAID * L + says]++;
    }
    free(said), free(value), free(shot.rgb), sb_truth_free(&truth);
}
// Class of the main object and which objects show, from CLS: fit_cls [fit->n][C], cls [v->n][C].
static void sb_score_classes(SbProbeResult *r, const SbProbes *p, const SbViews *fit, const SbViews *v,
                             const real *fit_cls, const real *cls, int nearest) {
    int C = p->main_class.in, K = r->classes, n = v->n, chunks = (n + 63) / 64;
    real *score = (real *)sb_calloc((size_t)n * (size_t)K, sizeof *score);
    real *a = (real *)sb_calloc((size_t)(fit->n + n) * (size_t)C, sizeof *a), *b = a + (long)fit->n * C;
    double *mean = (double *)sb_calloc((size_t)C, sizeof *mean);
    sb_linear_apply(&p->main_class, score, cls, n);
    for (int i = 0; i < n; i++) {
        if (v->main_class[i] < 0) continue;
        r->image[i].sum[SB_SUM_CLASSED] = 1;
        r->image[i].sum[SB_SUM_CLASS_RIGHT] = sb_argmax(score + (long)i * K, K) == v->main_class[i];
    }
    for (int i = 0; i < fit->n && !fit->data; i++)  // rooms are alike: what they have in common says nothing
        for (int c = 0; c < C; c++) mean[c] += fit_cls[(long)i * C + c] / (double)fit->n;
    sb_directions(a, fit_cls, mean, fit->n, C);
    sb_directions(b, cls, mean, n, C);
#pragma omp parallel for schedule(dynamic)
    for (int t = 0; t < chunks; t++) {
        int rows = sb_min(64, n - 64 * t);
        real *cosine = (real *)sb_calloc((size_t)rows * (size_t)fit->n, sizeof *cosine);
        SB_CPU sb_matmul(rows, fit->n, C, b + (long)64 * t * C, C, 1, a, SB_NATIVE, 1, C, cosine, fit->n, 0);
        for (int i = 0; i < rows; i++) {
            int is = v->main_class[64 * t + i];
            int said = sb_neighbours_vote(cosine + (long)i * fit->n, fit->main_class, fit->n, K, nearest);
            r->image[64 * t + i].sum[SB_SUM_KNN_RIGHT] = is >= 0 && is == said;
        }
        free(cosine);
    }
    if (v->known & SB_KNOW_OBJECTS) sb_linear_apply(&p->multi, score, cls, n);
    for (int k = 0; k < K && v->known & SB_KNOW_OBJECTS; k++) {
        SbRanked *ranked = r->ranked + (long)k * n;
        for (int i = 0; i < n; i++) ranked[i].score = score[(long)i * K + k], ranked[i].index = i;
        qsort(ranked, (size_t)n, sizeof *ranked, sb_compare_ranked);
    }
    free(score), free(a), free(mean);
}
// How well cls [test->n][C] of queries find the pictures whose features are fit_cls [fit->n][C], by cosine.
static void sb_score_ranks(SbProbeResult *r, const SbViews *fit, const SbViews *test, const real *fit_cls,
                           const real *cls, int C) {
    int n = fit->n;
    real *a = (real *)sb_calloc((size_t)(n + test->n) * (size_t)C, sizeof *a), *b = a + (long)n * C;
    double *zero = (double *)sb_calloc((size_t)C, sizeof *zero);
    sb_directions(a, fit_cls, zero, n, C), sb_directions(b, cls, zero, test->n, C);
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < test->n; i++) {
        double precision[SB_REVISITED];
        real *cosine = (real *)sb_calloc((size_t)n, sizeof *cosine);
        int query = test->data->part[test->part].item[i].is;
        SB_CPU sb_matmul(1, n, C, b + (long)i * C, C, 1, a, SB_NATIVE, 1, C, cosine, n, 0);
        sb_revisited_score(precision, test->data->revisited.query + query, cosine, n);
        for (int k = 0; k < SB_REVISITED; k++) {
            if (isnan(precision[k])) continue;
            r->image[i].sum[SB_SUM_RANKED + k] = 1, r->image[i].sum[SB_SUM_PRECISE + k] = precision[k];
        }
        free(cosine);
    }
    free(a), free(zero);
}
// Fit on the pictures of fit, score those of test.
static SB_UNUSED void sb_probe_encoder(SbProbeResult *r, SbServed *e, const SbViews *fit, const SbViews *test,
                                       const SbProbeFlags *o) {
    int W = e->model.config.enc_width, C = o->layers * W, P = test->patches, known = test->known, tiles;
    int data = test->data != NULL, pixels = data && known & (SB_KNOW_DEPTHS | SB_KNOW_LABELS);
    SbProbes p;
    real *fit_cls = (real *)sb_calloc((size_t)fit->n * (size_t)W, sizeof(real));
    real *cls = (real *)sb_calloc((size_t)test->n * (size_t)W, sizeof(real));
    size_t room = (size_t)(SB_PROBE_CHUNK * P) * (size_t)(C + 1 + test->labels);
    real *x = data ? NULL : (real *)sb_calloc(room, sizeof(real));
    SbTile *tile = sb_tiles(o->scales, test->side, &tiles);
    memset(&p, 0, sizeof p);
    p.layers = o->layers;
    if (data && known & SB_KNOW_DEPTHS)
        p.bins = o->bins, p.low = test->data->layout->low, p.high = test->data->layout->high;
    r->n = test->n, r->classes = test->classes, r->labels = test->labels, r->each = data;
    r->multi = test->multi;
    r->image = (SbProbed *)sb_calloc((size_t)test->n, sizeof *r->image);
    r->count = (unsigned *)sb_calloc((size_t)test->n * (size_t)(SB_COUNTS * r->labels), sizeof *r->count);
    r->ranked = (SbRanked *)sb_calloc((size_t)test->n * (size_t)test->classes, sizeof *r->ranked);
    sb_fit_probes(&p, e, fit, fit_cls, o);
    for (int i = 0; pixels && i < test->n; i++) sb_score_pixels(r, &p, e, test, i, tile, tiles);
    for (int first = 0; !pixels && first < test->n; first += SB_PROBE_CHUNK) {
        SbTaken t;
        int n = sb_min(SB_PROBE_CHUNK, test->n - first);
        sb_take(&t, test, first, n);
        sb_encode_shots(e, t.shot, n, p.layers,
                        known & (SB_KNOW_CLASSES | SB_KNOW_RANKS) ? cls + (long)first * W : NULL, x);
        if (x) sb_score_chunk(r, &p, test, first, n, x, x + (long)SB_PROBE_CHUNK * P * C);
        sb_taken_free(&t);
    }
    if (known & SB_KNOW_RANKS) sb_score_ranks(r, fit, test, fit_cls, cls, W);
    if (known & SB_KNOW_CLASSES) sb_score_classes(r, &p, fit, test, fit_cls, cls, o->neighbours);
    sb_linear_free(&p.depth), sb_linear_free(&p.segment), sb_dpt_free(&p.dpt);
    sb_linear_free(&p.main_class), sb_linear_free(&p.multi);
    free(fit_cls), free(cls), free(x), free(tile);
}
#endif
