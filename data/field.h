// field.h: how well Spa3R predicts what views that it never saw look like, and against what. Include
// samples.h first; field_page.h shows it.
//
// Refuses: a figure without its baselines. Target views of simulated test rooms, patch by patch:
//     copy   the nearest context view's feature at the same place (nearest: metres + radians between cameras)
//     warp   the feature of the context patch that shows the same point, found by the true depth; where no
//            context view shows it, copy
//     mean   the mean feature of that place over training rooms
//     blind  the same model, trained for as many steps with a context that it cannot see: only the camera
//     ours
// Read from top: a scene's results, baselines, sums, two contexts of one room, the table, a camera of one's
// own.
#ifndef SB_FIELD_H
#define SB_FIELD_H
#include "fit.h"
#include "samples.h"

enum { SB_BY_COPY, SB_BY_WARP, SB_BY_MEAN, SB_BY_BLIND, SB_BY_US, SB_WHOS, SB_BY_TRUTH = SB_WHOS,
       SB_FIELD_COLUMNS };
enum { SB_GEO_TARGET, SB_SEM_TARGET, SB_FEATURE_TARGETS };
static SB_UNUSED const char *const sb_who_name[SB_FIELD_COLUMNS] = {"copy",  "warp", "mean",
                                                                    "blind", "ours", "truth"};
static SB_UNUSED const char *const sb_target_name[SB_FEATURE_TARGETS] = {"geo", "sem"};

// What a model says of a batch, on the host. truth, guess: features [image tokens][width of the target];
// depth: true (0: not known) and by the probe [image tokens]; latent [latents][their width].
typedef struct {
    long n;
    int width[SB_FEATURE_TARGETS];
    real *truth[SB_FEATURE_TARGETS], *guess[SB_FEATURE_TARGETS], *latent;
    double *depth, *probe;
} SbFieldView;

typedef struct {
    SbModel *model;
    SbSource source;
    SbSample slot;
    SbBatch batch;
    SbFieldView said;
} SbFieldSide;

static SB_UNUSED void sb_field_open(SbFieldSide *s, SbModel *m, int pool, int views, uint64_t seed) {
    memset(s, 0, sizeof *s);
    s->model = m;
    sb_source_init(&s->source, &m->config, SB_TASK_FIELD, pool, "lean", views, seed);
}
static SB_UNUSED void sb_field_close(SbFieldSide *s) {
    for (int k = 0; k < SB_FEATURE_TARGETS; k++) free(s->said.truth[k]), free(s->said.guess[k]);
    free(s->said.depth), free(s->said.probe), free(s->said.latent);
    sb_batch_free(&s->batch);
    memset(s, 0, sizeof *s);
}
// All that the model says of the views of the batch at hand, of which the probe is asked for every patch.
static SB_UNUSED void sb_field_read(SbFieldSide *s) {
    SbFieldView *v = &s->said;
    SbModel *m = s->model;
    sb_step_field(m, &s->batch, 0);
    v->n = m->n.vis;
    const real *truth[SB_FEATURE_TARGETS] = {m->acts.geo_feature, m->acts.patch_feature},
               *guess[SB_FEATURE_TARGETS] = {m->acts.fgeo_y, m->acts.fsem_y};
    for (int k = 0; k < SB_FEATURE_TARGETS; k++) {
        v->width[k] = m->config.enc_width * (k == SB_GEO_TARGET ? 2 : 1);
        size_t bytes = (size_t)v->n * (size_t)v->width[k] * sizeof(real);
        v->truth[k] = (real *)sb_realloc(v->truth[k], bytes);
        v->guess[k] = (real *)sb_realloc(v->guess[k], bytes);
        sb_get(v->truth[k], truth[k], bytes);
        if (m->config.targets >> k & 1) sb_get(v->guess[k], guess[k], bytes);
        else memset(v->guess[k], 0, bytes);
    }
    size_t latents = (size_t)(m->config.latents * m->config.field_width) * sizeof(real);
    v->latent = (real *)sb_realloc(v->latent, latents);
    sb_get(v->latent, m->acts.latent, latents);
    real *probe = (real *)sb_calloc((size_t)v->n, sizeof *probe);
    v->probe = (double *)sb_realloc(v->probe, (size_t)v->n * sizeof(double));
    sb_get(probe, m->acts.probe_y, (size_t)v->n * sizeof *probe);
    for (long r = 0; r < v->n; r++) v->probe[s->batch.geometry_row[r]] = (double)probe[r];
    free(probe);
}
// The same of n views of one scene, those marked in context [n] being read, the first always. picture: as the
// encoder takes it; NULL: a camera that took none, whose true features mean nothing and whose depth is 0.
static SB_UNUSED void sb_field_views(SbFieldSide *s, const SbView *const *view, unsigned char *const *picture,
                                     const int *context, int n) {
    const SbConfig *c = &s->model->config;
    SbCamera camera[SB_VIEWS];
    int P = s->source.grid * s->source.grid, pixels = c->image * c->image;
    unsigned char *grey = (unsigned char *)sb_calloc((size_t)pixels, 3);
    memset(grey, 128, (size_t)pixels * 3);
    s->said.depth = (double *)sb_realloc(s->said.depth, (size_t)(n * P) * sizeof(double));
    sb_batch_clear(&s->batch);
    for (int v = 0; v < n; v++) {
        sb_batch_image(&s->batch, c, picture[v] ? picture[v] : grey, c->image, c->image);
        camera[v] = sb_view_camera(view[v], c->image);
    }
    sb_batch_scene(&s->batch, c, camera, context, n);
    for (int r = 0; r < n * P; r++) {
        double depth = picture[r / P] ? sb_view_depth(view[r / P], s->source.grid, r % P) : 0;
        s->said.depth[r] = depth;
        sb_batch_geometry(&s->batch, c, r, depth > 0 ? depth : 1);
    }
    sb_field_read(s);
    free(grey);
}
// Room i of the source; then what the model says of n of its views (which NULL: all of them).
static SB_UNUSED void sb_field_room(SbFieldSide *s, uint64_t i) {
    sb_source_samples(&s->source, &s->slot, 1, i);
}
static SB_UNUSED void sb_field_pick(SbFieldSide *s, const int *which, const int *context, int n) {
    const SbView *view[SB_ROOM_VIEWS];
    unsigned char *picture[SB_ROOM_VIEWS];
    for (int k = 0; k < n; k++)
        view[k] = s->slot.view[which ? which[k] : k], picture[k] = s->slot.picture[which ? which[k] : k];
    sb_field_views(s, view, picture, context, n);
}
// Room i, its views shared out as in training.
static SB_UNUSED void sb_field_scene(SbFieldSide *s, uint64_t i) {
    int context[SB_ROOM_VIEWS], n = s->source.posed;
    sb_field_room(s, i);
    sb_view_split(context, n, s->source.config.context, s->source.seed, i);
    sb_field_pick(s, NULL, context, n);
}

// ---- baselines

// Metres plus radians between two cameras.
static double sb_field_apart(const SbCamera *a, const SbCamera *b) {
    double to_a[16], to_b[16], square = 0, trace = 0;
    sb_pose_inverse(to_a, a->pose), sb_pose_inverse(to_b, b->pose);
    for (int i = 0; i < 3; i++) {
        square += (to_a[4 * i + 3] - to_b[4 * i + 3]) * (to_a[4 * i + 3] - to_b[4 * i + 3]);
        for (int j = 0; j < 3; j++) trace += to_a[4 * i + j] * to_b[4 * i + j];
    }
    return sqrt(square) + acos(fmin(fmax((trace - 1) / 2, -1), 1));
}
// The context view nearest to view v.
static int sb_field_nearest(const SbBatch *b, int v) {
    int best = -1;
    double least = 0;
    for (int u = 0; u < b->views; u++) {
        double apart = b->view[u].context ? sb_field_apart(&b->view[u].camera, &b->view[v].camera) : 0;
        if (b->view[u].context && (best < 0 || apart < least)) best = u, least = apart;
    }
    return best;
}
// The image token of a context view that shows the point at patch p of view v, nearest cameras first; -1:
// none does. A point is shown where the context's own depth is within 5 % and 5 cm of it.
static long sb_field_warp(const SbFieldSide *s, int v, int p) {
    const SbBatch *b = &s->batch;
    int grid = s->source.grid, side = s->source.config.image, patch = s->source.config.patch;
    const SbCamera *k = &b->view[v].camera;
    double depth = s->said.depth[b->image_vis[v] + p], world[16], at[3], least = 1e9;
    long found = -1;
    if (depth <= 0) return -1;
    double ray[3] = {depth * ((p % grid + .5) * patch - k->cx) / k->fx,
                     depth * ((p / grid + .5) * patch - k->cy) / k->fy, depth};
    sb_pose_inverse(world, k->pose);
    for (int i = 0; i < 3; i++)
        at[i] =
            world[4 * i] * ray[0] + world[4 * i + 1] * ray[1] + world[4 * i + 2] * ray[2] + world[4 * i + 3];
    for (int u = 0; u < b->views; u++) {
        const SbCamera *c = &b->view[u].camera;
        double q[3], apart = sb_field_apart(c, k);
        if (!b->view[u].context || apart >= least) continue;
        for (int i = 0; i < 3; i++)
            q[i] = c->pose[4 * i] * at[0] + c->pose[4 * i + 1] * at[1] + c->pose[4 * i + 2] * at[2] +
                   c->pose[4 * i + 3];
        double x = c->fx * q[0] / q[2] + c->cx, y = c->fy * q[1] / q[2] + c->cy;
        if (q[2] <= 0 || x < 0 || y < 0 || x >= side || y >= side) continue;
        long token = b->image_vis[u] + (long)(y / patch) * grid + (long)(x / patch);
        if (fabs(s->said.depth[token] - q[2]) > .05 * q[2] + .05) continue;
        least = apart, found = token;
    }
    return found;
}

// ---- sums over target views

typedef struct {
    double l1[SB_FEATURE_TARGETS][SB_WHOS], cosine[SB_FEATURE_TARGETS][SB_WHOS], depth[SB_WHOS];
    long rows, depths, shown;                               // shown: rows that some context view shows
} SbFieldSums;
typedef struct {
    int patches, views, targets, blind;     // targets: those that ours predicts; blind: there is one
    double *mean[SB_FEATURE_TARGETS], *mean_depth;          // [patches][width], [patches]
    SbFieldSums all, by[SB_ROOM_VIEWS];     // by[n]: the last view, after n context views
} SbFieldScore;

// Begin: the means over the views of `rooms` training rooms.
static SB_UNUSED void sb_field_means(SbFieldScore *t, SbModel *m, int views, int rooms) {
    SbFieldSide s;
    sb_field_open(&s, m, SB_POOL_PROBE, views, 5);
    t->patches = s.source.grid * s.source.grid, t->views = views, t->targets = m->config.targets;
    t->mean_depth = (double *)sb_calloc((size_t)t->patches, sizeof(double));
    double seen = 0, *count = (double *)sb_calloc((size_t)t->patches, sizeof(double));
    for (int r = 0; r < rooms; r++) {
        sb_field_scene(&s, (uint64_t)r);
        for (int k = 0; k < SB_FEATURE_TARGETS; k++) {
            int W = s.said.width[k];
            if (!t->mean[k])
                t->mean[k] = (double *)sb_calloc((size_t)t->patches * (size_t)W, sizeof(double));
            for (long i = 0; i < s.said.n * W; i++)
                t->mean[k][i / W % t->patches * W + i % W] += (double)s.said.truth[k][i];
        }
        for (long i = 0; i < s.said.n; i++)
            if (s.said.depth[i] > 0)
                t->mean_depth[i % t->patches] += s.said.depth[i], count[i % t->patches]++;
        seen += s.source.posed;
    }
    for (int k = 0; k < SB_FEATURE_TARGETS; k++)
        for (int i = 0; i < t->patches * s.said.width[k]; i++) t->mean[k][i] /= seen;
    for (int p = 0; p < t->patches; p++) t->mean_depth[p] /= fmax(count[p], 1);
    free(count), sb_field_close(&s);
}
// Add the target views, from the `from`-th view on, of the scene at hand. blind: the same scene, or NULL.
static SB_UNUSED void sb_field_add(SbFieldSums *sums, const SbFieldScore *t, const SbFieldSide *s,
                                   const SbFieldSide *blind, int from) {
    const SbBatch *b = &s->batch;
    for (int v = from; v < b->views; v++) {
        int near = sb_field_nearest(b, v);
        for (int p = 0; p < t->patches && !b->view[v].context; p++, sums->rows++) {
            long row = b->image_vis[v] + p, copy = b->image_vis[near] + p, warp = sb_field_warp(s, v, p);
            sums->shown += warp >= 0;
            if (warp < 0) warp = copy;
            for (int k = 0; k < SB_FEATURE_TARGETS; k++) {
                int W = s->said.width[k];
                const real *y = s->said.truth[k] + row * W;
                for (int w = 0; w < SB_WHOS; w++) {
                    double off = 0, dot = 0, xx = 0, yy = 0;
                    if (w == SB_BY_BLIND && !blind) continue;
                    const real *x = w == SB_BY_COPY ? s->said.truth[k] + copy * W
                                  : w == SB_BY_WARP ? s->said.truth[k] + warp * W
                                  : w == SB_BY_US ? s->said.guess[k] + row * W
                                  : w == SB_BY_BLIND ? blind->said.guess[k] + row * W : NULL;
                    for (int c = 0; c < W; c++) {
                        double guess = x ? (double)x[c] : t->mean[k][p * W + c];
                        off += fabs(guess - (double)y[c]) / W, dot += guess * (double)y[c];
                        xx += guess * guess, yy += (double)y[c] * (double)y[c];
                    }
                    sums->l1[k][w] += off, sums->cosine[k][w] += dot / sqrt(fmax(xx * yy, 1e-24));
                }
            }
            double depth = s->said.depth[row];
            if (depth <= 0) continue;
            double guess[SB_WHOS] = {s->said.depth[copy], 0, t->mean_depth[p],
                                     blind ? blind->said.probe[row] : 0, s->said.probe[row]};
            for (int w = 0; w < SB_WHOS; w++) sums->depth[w] += (guess[w] - depth) * (guess[w] - depth);
            sums->depths++;
        }
    }
}
// One room: its target views; and its last view with the first 1, 2, ... as context. The last view's own
// truth in geo moves a little with the context, since the aggregator reads them together.
static SB_UNUSED void sb_field_score(SbFieldScore *t, SbFieldSide *s, SbFieldSide *blind, uint64_t room) {
    int context[SB_ROOM_VIEWS] = {0};
    t->blind = blind != NULL;
    sb_field_scene(s, room);
    if (blind) sb_field_scene(blind, room);
    sb_field_add(&t->all, t, s, blind, 0);
    for (int n = 1; n < t->views; n++) {
        context[n - 1] = 1;
        sb_field_pick(s, NULL, context, t->views);
        if (blind) sb_field_pick(blind, NULL, context, t->views);
        sb_field_add(t->by + n, t, s, blind, t->views - 1);
    }
}
enum { SB_SEM_L1, SB_SEM_COSINE, SB_GEO_L1, SB_GEO_COSINE, SB_DEPTH_RMSE, SB_FIELD_ERRORS };
static SB_UNUSED const char *const sb_error_name[SB_FIELD_ERRORS][2] = {
    {"sem", "l1"}, {"sem", "cosine"}, {"geo", "l1"}, {"geo", "cosine"}, {"depth", "rmse"}};
// Mean over rows of one predictor; NaN: it makes no such prediction (depth by warp: it is the truth).
static SB_UNUSED double sb_field_mean_error(const SbFieldScore *t, const SbFieldSums *sums, int error,
                                            int who) {
    int k = error < SB_GEO_L1 ? SB_SEM_TARGET : SB_GEO_TARGET;
    if (who == SB_BY_BLIND && !t->blind) return NAN;
    if (error == SB_DEPTH_RMSE)
        return who == SB_BY_WARP ? NAN : sqrt(sums->depth[who] / (double)sums->depths);
    if ((who == SB_BY_BLIND || who == SB_BY_US) && !(t->targets >> k & 1)) return NAN;
    return (error % 2 ? sums->cosine : sums->l1)[k][who] / (double)sums->rows;
}

// ---- two contexts of one room that share no view: is what is made of them the room's, or everybody's?

// [rooms][width] of either context.
typedef struct { int rooms, width; real *of[2]; } SbFieldPair;
enum { SB_PAIR_LATENTS = SB_FEATURE_TARGETS, SB_FIELD_PAIRS };

static void sb_pair_make(SbFieldPair *p, int rooms, int width) {
    p->rooms = rooms, p->width = width;
    for (int side = 0; side < 2; side++)
        p->of[side] = (real *)sb_calloc((size_t)rooms * (size_t)width, sizeof(real));
}
static void sb_pair_keep(SbFieldPair *p, int side, int room, const real *row) {
    memcpy(p->of[side] + (size_t)room * (size_t)p->width, row, (size_t)p->width * sizeof *row);
}
// Rooms of twice `half` views and one more. The first half is read, then the second, each in the frame of its
// own first view, and both are asked for the last view. said: latents and predicted features of that view;
// truth: its true ones, which for geo depend on the frame.
static SB_UNUSED void sb_field_pairs(SbFieldPair said[SB_FIELD_PAIRS], SbFieldPair truth[SB_FIELD_PAIRS],
                                     SbModel *m, int half, int rooms) {
    SbFieldSide s;
    int context[SB_ROOM_VIEWS] = {0}, which[SB_ROOM_VIEWS];
    sb_field_open(&s, m, SB_POOL_TEST, 2 * half + 1, 8);
    for (int k = 0; k < SB_FIELD_PAIRS; k++) {
        int W = k == SB_PAIR_LATENTS ? m->config.latents * m->config.field_width
              : s.source.grid * s.source.grid * m->config.enc_width * (k == SB_GEO_TARGET ? 2 : 1);
        sb_pair_make(said + k, rooms, W), sb_pair_make(truth + k, rooms, W);
    }
    for (int v = 0; v < half; v++) context[v] = 1;
    for (int r = 0; r < rooms; r++) {
        sb_field_room(&s, (uint64_t)r);
        for (int side = 0; side < 2; side++) {
            for (int v = 0; v <= half; v++) which[v] = v < half ? side * half + v : 2 * half;
            sb_field_pick(&s, which, context, half + 1);
            long last = s.batch.image_vis[half];
            for (int k = 0; k < SB_FEATURE_TARGETS; k++) {
                sb_pair_keep(said + k, side, r, s.said.guess[k] + last * s.said.width[k]);
                sb_pair_keep(truth + k, side, r, s.said.truth[k] + last * s.said.width[k]);
            }
            sb_pair_keep(said + SB_PAIR_LATENTS, side, r, s.said.latent);
        }
    }
    sb_field_close(&s);
}
static SB_UNUSED void sb_pairs_free(SbFieldPair p[SB_FIELD_PAIRS]) {
    for (int k = 0; k < SB_FIELD_PAIRS; k++) free(p[k].of[0]), free(p[k].of[1]);
}
static double sb_row_dot(const real *a, const real *b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}
// Mean cosine between both contexts of a room, *other between one room's first and another's second, and
// *found, the share of rooms whose second is more like its own first than like any other room's.
static SB_UNUSED double sb_pair_likeness(const SbFieldPair *p, double *other, double *found) {
    int n = p->rooms, W = p->width;
    double same = 0, *length = (double *)sb_calloc((size_t)(2 * n), sizeof *length);
    *other = *found = 0;
    for (int i = 0; i < 2 * n; i++) {
        const real *row = p->of[i / n] + (size_t)(i % n) * (size_t)W;
        length[i] = sqrt(fmax(sb_row_dot(row, row, W), 1e-24));
    }
    for (int j = 0; j < n; j++) {
        const real *second = p->of[1] + (size_t)j * (size_t)W;
        double most = -2;
        int best = 0;
        for (int i = 0; i < n; i++) {
            double dot = sb_row_dot(p->of[0] + (size_t)i * (size_t)W, second, W);
            double cosine = dot / (length[i] * length[n + j]);
            *(i == j ? &same : other) += cosine;
            if (cosine > most) most = cosine, best = i;
        }
        *found += best == j;
    }
    free(length);
    *other /= (double)n * (n - 1), *found /= n;
    return same / n;
}
// Effective rank of n rows x [n][C]: the participation ratio (sum of l)^2 / sum of l^2 of the variances l
// along the principal axes; k equal ones give k, rows that are all the same 0. Chosen because many small
// variances, which are noise, hardly lift it, while they lift the entropy of singular values; and because it
// needs no decomposition: with G the rows' Gram matrix, their mean taken away, it is trace(G)^2 / |G|^2.
static SB_UNUSED double sb_effective_rank(const real *x, int n, int C) {
    size_t width = (size_t)C;
    double trace = 0, square = 0, *d = (double *)sb_calloc((size_t)n * width, sizeof *d);
    for (size_t c = 0; c < width; c++) {
        double sum = 0;                 // of floats that are all the same it is exact, and so is sum / n
        for (int i = 0; i < n; i++) sum += (double)x[(size_t)i * width + c];
        for (int i = 0; i < n; i++) d[(size_t)i * width + c] = (double)x[(size_t)i * width + c] - sum / n;
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            double g = sb_dot(d + (size_t)i * width, d + (size_t)j * width, C);
            if (i == j) trace += g;
            square += g * g * (i == j ? 1 : 2);
        }
    free(d);
    return square > 0 ? trace * trace / square : 0;
}

// ---- the table

// A row of the table, printed too; NaN: not known, left empty.
static void sb_field_line(SbText *csv, const char *target, const char *metric,
                         const double v[SB_FIELD_COLUMNS]) {
    sb_text_add(csv, "%s,%s", target, metric);
    printf("%-8s %-18s", target, metric);
    for (int w = 0; w < SB_FIELD_COLUMNS; w++)
        if (isfinite(v[w])) sb_text_add(csv, ",%.6g", v[w]), printf(" %8.4f", v[w]);
        else sb_text_add(csv, ","), printf(" %8s", w < SB_WHOS ? "-" : "");
    sb_text_add(csv, "\n"), printf("\n");
}
static void sb_field_errors(SbText *csv, const SbFieldScore *t, const SbFieldSums *sums, int context) {
    for (int error = 0; error < SB_FIELD_ERRORS; error++) {
        double v[SB_FIELD_COLUMNS];
        const char *metric = sb_error_name[error][1];
        char *name = context ? sb_format("%s_context_%d", metric, context) : sb_copy(metric);
        for (int w = 0; w < SB_WHOS; w++) v[w] = sb_field_mean_error(t, sums, error, w);
        v[SB_BY_TRUTH] = NAN;
        sb_field_line(csv, sb_error_name[error][0], name, v);
        free(name);
    }
}
// The measures over pairs of contexts. rank_rooms: of the first contexts' rows; rank_within: of one room's
// latents, mean over rooms. blind NULL: none.
static SB_UNUSED void sb_field_likes(SbText *csv, const SbFieldPair *ours, const SbFieldPair *blind,
                                     const SbFieldPair *truth, int targets, int latents) {
    enum { SAME, OTHER, FOUND, RANK, WITHIN, LIKES };
    static const char *const name[LIKES] = {"cosine_same_room", "cosine_other_room", "found", "rank_rooms",
                                            "rank_within"};
    static const int order[SB_FIELD_PAIRS] = {SB_PAIR_LATENTS, SB_SEM_TARGET, SB_GEO_TARGET};
    for (int j = 0; j < SB_FIELD_PAIRS; j++) {
        double v[LIKES][SB_FIELD_COLUMNS];
        int k = order[j], is_latent = k == SB_PAIR_LATENTS;
        for (int w = 0; w < SB_FIELD_COLUMNS; w++) {
            const SbFieldPair *p = w == SB_BY_US    ? ours
                                 : w == SB_BY_BLIND ? blind
                                 : w == SB_BY_TRUTH && !is_latent ? truth : NULL;
            for (int m = 0; m < LIKES; m++) v[m][w] = NAN;
            if (!p || (w < SB_WHOS && !is_latent && !(targets >> k & 1))) continue;
            v[SAME][w] = sb_pair_likeness(p + k, &v[OTHER][w], &v[FOUND][w]);
            v[RANK][w] = sb_effective_rank(p[k].of[0], p[k].rooms, p[k].width);
            v[WITHIN][w] = 0;
            for (int r = 0; r < p[k].rooms && is_latent; r++) {
                const real *row = p[k].of[0] + (size_t)r * (size_t)p[k].width;
                v[WITHIN][w] += sb_effective_rank(row, latents, p[k].width / latents) / p[k].rooms;
            }
        }
        for (int m = 0; m < WITHIN + is_latent; m++)
            sb_field_line(csv, is_latent ? "latents" : sb_target_name[k], name[m], v[m]);
    }
}
// target,metric,copy,warp,mean,blind,ours,truth
static SB_UNUSED void sb_field_table(SbText *csv, const SbFieldScore *t) {
    sb_text_add(csv, "target,metric");
    printf("\n%-27s", "target views");
    for (int w = 0; w < SB_FIELD_COLUMNS; w++)
        sb_text_add(csv, ",%s", sb_who_name[w]), printf(" %8s", sb_who_name[w]);
    sb_text_add(csv, "\n"), printf("\n");
    sb_field_errors(csv, t, &t->all, 0);
    printf("%ld patches of target views, %.0f %% of them shown by a context view\n", t->all.rows,
           100.0 * (double)t->all.shown / (double)t->all.rows);
    for (int n = 1; n < t->views; n++) sb_field_errors(csv, t, t->by + n, n);
}

// ---- a camera of one's own

// A loaded scene's views, as many as `views`, evenly spread, as context, and one more view that is nobody's
// picture: pose [16] camera to world, with the first view's intrinsics. Afterwards s->said holds its features
// (behind all the context's) and its probed depth. Returns metres plus radians to the nearest context view.
static SB_UNUSED double sb_field_ask(SbFieldSide *s, const SbScene *scene, const double *pose, int views) {
    const SbView *view[SB_ROOM_VIEWS];
    unsigned char *picture[SB_ROOM_VIEWS];
    int context[SB_ROOM_VIEWS], n = sb_min(sb_min(views, scene->views), SB_ROOM_VIEWS - 1);
    if (n < 2) sb_die("%s: %d view; two and more are wanted as context", scene->name, scene->views);
    SbView asked = scene->view[0];
    memcpy(asked.pose, pose, sizeof asked.pose);
    for (int i = 0; i <= n; i++) {
        view[i] = i < n ? scene->view + (long)i * (scene->views - 1) / (n - 1) : &asked;
        picture[i] = i < n ? sb_square(view[i]->rgb, view[i]->w, view[i]->h, s->model->config.image) : NULL;
        context[i] = i < n;
    }
    sb_field_views(s, view, picture, context, n + 1);
    for (int i = 0; i < n; i++) free(picture[i]);
    return sb_field_apart(&s->batch.view[n].camera, &s->batch.view[sb_field_nearest(&s->batch, n)].camera);
}
#endif
