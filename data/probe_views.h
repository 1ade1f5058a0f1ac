// probe_views.h: pictures, what is known of their patches, and what an encoder makes of them. Include
// spatialboost.h first.
//
// Pictures are rooms or scenes, which are here as squares of the encoder's size, or items of a data set
// (layouts.h), which are read when they are wanted, in their own size.
// Refuses: scenes of which none are left to fit or to report on. Read from top: views of scenes, of rooms, of
// data, one picture, features.
#ifndef SB_PROBE_VIEWS_H
#define SB_PROBE_VIEWS_H
#include "layouts.h"
#include "samples.h"
#include "serve.h"

// n pictures and what is known of them. P patches a picture.
enum { SB_KNOW_DEPTHS = 1, SB_KNOW_LABELS = 2, SB_KNOW_CLASSES = 4, SB_KNOW_OBJECTS = 8, SB_KNOW_ROOMS = 15,
       SB_KNOW_RANKS = 16, SB_KNOW_PAIRS = 32, SB_KNOW_POINTS = 64, SB_KNOW_MOTION = 128,
       SB_KNOW_DPT = 256 };     // DPT: depth, and a DPT head is asked for it too
typedef struct {
    int n, side, patches, classes, labels, known;   // known: of the above
    const SbDataset *data;      // NULL: the pictures are here; else they, depth and labels are read from its
    int part;                   // items when they are wanted
    unsigned char *rgb;         // [n][side][side][3]
    real *depth;                // [n][P] mean over all pixels of the patch, metres; 0: not known
    int *label;                 // [n][P] 0 floor, 1 wall, 2 ceiling, 3 + class, -1: not known
    int *main_class;            // [n] the object that shows most, -1: none
    unsigned char *multi;       // [n][classes] which objects show
} SbViews;

static SB_UNUSED void sb_views_alloc(SbViews *v, const SbConfig *c, int n) {
    int grid = c->image / c->patch;
    v->n = n, v->side = c->image, v->patches = grid * grid, v->classes = c->classes, v->labels = c->labels;
    v->known = SB_KNOW_ROOMS, v->data = NULL;
    size_t m = (size_t)n, P = (size_t)v->patches;
    v->rgb = (unsigned char *)sb_calloc(m, (size_t)(c->image * c->image * 3));
    v->depth = (real *)sb_calloc(m * P, sizeof(real));
    v->label = (int *)sb_calloc(m * P, sizeof(int));
    v->main_class = (int *)sb_calloc(m, sizeof(int));
    v->multi = (unsigned char *)sb_calloc(m, (size_t)c->classes);
}
static SB_UNUSED void sb_views_free(SbViews *v) {
    free(v->rgb), free(v->depth), free(v->label), free(v->main_class), free(v->multi);
    memset(v, 0, sizeof *v);
}
// Views of scene folders: every other scene is reported on, of one scene alone the second half of its views;
// the rest is to fit.
static SB_UNUSED void sb_views_scenes(SbViews *fit, SbViews *test, const SbConfig *c, const char *dir) {
    SbSource s;
    int n[2] = {0, 0};
    sb_source_init(&s, c, SB_TASK_RECOGNISE, SB_POOL_TEST, "rec", 1, 0);
    sb_source_scenes(&s, dir), sb_source_ready(&s);
    SbViews *v[2] = {fit, test};
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; pass && i < 2; i++) {
            if (!n[i]) sb_die("%s: %d views in %d scenes: none to %s", dir, s.views, s.scenes,
                       i ? "report on" : "fit");
            sb_views_alloc(v[i], c, n[i]), v[i]->known = SB_KNOW_DEPTHS, n[i] = 0;
            memset(v[i]->label, -1, (size_t)(v[i]->n * v[i]->patches) * sizeof(int));
            memset(v[i]->main_class, -1, (size_t)v[i]->n * sizeof(int));
        }
        for (int i = 0, k = 0; i < s.scenes; i++)
            for (int j = 0; j < s.scene[i].views; j++, k++) {
                int to = s.scenes > 1 ? i % 2 : 2 * j >= s.scene[i].views, at = n[to]++;
                size_t bytes = (size_t)(c->image * c->image * 3);
                if (!pass) continue;
                memcpy(v[to]->rgb + (size_t)at * bytes, s.picture[k], bytes);
                const SbView *view = s.scene[i].view + j;
                sb_patch_depths(v[to]->depth + at * v[to]->patches, view->depth, view->dw, view->dh, s.grid);
            }
    }
    printf("probe: depth on real views: fitted on %d, reported on %d (%s)\n", fit->n, test->n,
           s.scenes > 1 ? "every other scene" : "one scene: its second half, so the same room");
}
// Rooms from .. from + n - 1 of a pool, from their first camera or another one.
static SB_UNUSED void sb_views_rooms(SbViews *v, const SbConfig *c, int pool, int from, int n, int camera) {
    enum { AT_ONCE = 64 };
    static SbSample slot[AT_ONCE];
    SbBatch batch;
    SbSource source;
    sb_views_alloc(v, c, n);
    memset(&batch, 0, sizeof batch);
    sb_source_init(&source, c, SB_TASK_RECOGNISE, pool, "rec", 1, 0);
    source.first = camera, source.sim.views = camera + 1;
    for (int first = 0; first < n; first += AT_ONCE) {
        int k = sb_min(AT_ONCE, n - first), P = v->patches;
        sb_source_batch(&source, slot, &batch, k, (uint64_t)(from + first));
        memcpy(v->label + first * P, batch.label, (size_t)(k * P) * sizeof(int));
        memcpy(v->main_class + first, batch.main_class, (size_t)k * sizeof(int));
        for (int i = 0; i < k * c->classes; i++) v->multi[first * c->classes + i] = batch.multi[i] > 0;
        for (int i = 0; i < k; i++) {
            size_t bytes = (size_t)(c->image * c->image * 3);
            memcpy(v->rgb + (size_t)(first + i) * bytes, slot[i].picture[0], bytes);
            const SbView *view = slot[i].info->view;
            sb_patch_depths(v->depth + (first + i) * P, view->depth, view->dw, view->dh, source.grid);
        }
    }
    sb_batch_free(&batch);
}
// Pictures of a data set: of these nothing is here but which class they show.
static SB_UNUSED void sb_views_data(SbViews *v, const SbConfig *c, const SbDataset *d, int part) {
    static const int known[] = {SB_KNOW_CLASSES, SB_KNOW_LABELS, SB_KNOW_DEPTHS, SB_KNOW_RANKS};
    int grid = c->image / c->patch;
    memset(v, 0, sizeof *v);
    v->n = d->part[part].n, v->side = c->image, v->patches = grid * grid, v->data = d, v->part = part;
    v->known = known[d->layout->kind], v->classes = d->classes, v->labels = d->layout->labels;
    v->main_class = (int *)sb_calloc((size_t)v->n, sizeof(int));
    for (int i = 0; i < v->n; i++) v->main_class[i] = d->part[part].item[i].is;
}
// One picture, [h][w][3].
typedef struct { unsigned char *rgb; int w, h; } SbShot;

static SB_UNUSED SbShot sb_shot_of(const SbViews *v, int i) {
    SbShot shot = {NULL, v->side, v->side};
    if (!v->data) shot.rgb = v->rgb + (size_t)i * (size_t)(v->side * v->side * 3);
    else shot.rgb = sb_item_load(v->data, v->data->part[v->part].item + i, &shot.w, &shot.h);
    return shot;
}
// Make it a square.
static SB_UNUSED void sb_shot_square(SbShot *s, int side) {
    if (s->w == side && s->h == side) return;
    unsigned char *rgb = sb_square(s->rgb, s->w, s->h, side);
    free(s->rgb);
    s->rgb = rgb, s->w = s->h = side;
}
// After the blocks before block l: acts.feature becomes what an encoder that ended with it would give.
static void sb_encode_block(SbModel *m, int l) {
    SbActs *s = &m->acts;
    const SbShape *c = &m->enc_shape;
    long n = m->n.enc;
    SbRows rows = {0, n, n, s->enc_keys, s->enc_table};
    SbWeight one = {NULL, SB_NATIVE, c->width, 1, 1};
    sb_block_forward(m->enc + l, c, s->enc + l, s->enc[l - 1].r2, s->enc[l - 1].y2, &rows);
    const real *r = s->enc[l].r2, *y = s->enc[l].y2;
    if (m->config.enc_final)
        sb_add_norm_forward(s->enc_r, s->feature, s->enc_stat, r, y, SB_WB(m->enc_norm), n, c->eps, 1);
    else sb_add_norm_forward(s->feature, s->enc_r, s->enc_stat, r, y, one, sb_absent, n, c->eps, 1);
}
// Features of n pictures, final norm applied: cls [n][C] (of encoders without a CLS row what their head
// pools, else the patches' mean) behind the last block; patch [n][P][layers][C] behind each of the last
// `layers` blocks, the last one's last. NULL: not wanted.
static SB_UNUSED void sb_encode_shots(SbServed *e, const SbShot *shot, int n, int layers, real *cls,
                                      real *patch) {
    const SbConfig *c = &e->model.config;
    SbShape *shape = &e->model.enc_shape;
    size_t C = (size_t)c->enc_width, row = C * sizeof(real);
    long P = (long)(c->image / c->patch) * (c->image / c->patch);
    int blocks = shape->layers;
    sb_batch_clear(&e->batch);
    for (int i = 0; i < n; i++) {
        const SbShot *s = shot + i;
        float *pixels = e->served ? sb_pretrained_picture(&e->hub, s->rgb, s->w, s->h) : NULL;
        unsigned char *square = pixels ? NULL : sb_square(s->rgb, s->w, s->h, c->image);
        if (pixels) sb_batch_pixels(&e->batch, c, pixels, c->image, c->image);
        else sb_batch_image(&e->batch, c, square, c->image, c->image);
        free(pixels), free(square);
    }
    sb_batch_upload(&e->model, &e->batch);
    long each = e->batch.n.enc / n;
    real *all = (real *)sb_calloc((size_t)P, row);
    for (int l = 0; l < layers; l++) {
        if (l) sb_encode_block(&e->model, blocks - layers + l);
        else shape->layers = blocks - layers + 1, sb_encoder_forward(&e->model), shape->layers = blocks;
        for (int i = 0; patch && i < n; i++) {
            sb_get(all, e->model.acts.feature + (size_t)((i + 1) * each - P) * C, row * (size_t)P);
            for (long p = 0; p < P; p++)
                memcpy(patch + ((i * P + p) * layers + l) * (long)C, all + p * (long)C, row);
        }
    }
    if (cls && c->enc_pool) sb_pool_forward(&e->model), sb_get(cls, e->model.acts.pooled, row * (size_t)n);
    for (int i = 0; cls && !c->enc_pool && i < n; i++) {
        const real *feature = e->model.acts.feature + (size_t)(i * each) * C;
        real *to = cls + (size_t)i * C;
        if (c->enc_cls) sb_get(to, feature, row);
        if (c->enc_cls) continue;
        sb_get(all, feature + (each - P) * (long)C, row * (size_t)P);
        memset(to, 0, row);
        for (size_t k = 0; k < (size_t)P * C; k++) to[k % C] += all[k] / (real)P;
    }
    free(all);
}
// Of pictures first .. first + n - 1 that are here.
static SB_UNUSED void sb_encode(SbServed *e, const SbViews *v, int first, int n, real *cls, real *patch) {
    SbShot *shot = (SbShot *)sb_calloc((size_t)n, sizeof *shot);
    for (int i = 0; i < n; i++) shot[i] = sb_shot_of(v, first + i);
    sb_encode_shots(e, shot, n, 1, cls, patch);
    free(shot);
}
#endif
