// field.h: how well Spa3R predicts what views that it never saw look like, and against what. Include
// samples.h, fit.h and page.h first.
//
// Refuses: a figure without its baselines. Target views of simulated test rooms, patch by patch:
//     copy   the nearest context view's feature at the same place (nearest: metres + radians between cameras)
//     warp   the feature of the context patch that shows the same point, found by the true depth; where no
//            context view shows it, copy
//     mean   the mean feature of that place over training rooms
//     blind  the same model, trained for as many steps with a context that it cannot see: only the camera
//     ours
// Read from top: one scene's results, baselines, the table, pictures, a camera of one's own.
#ifndef SB_FIELD_H
#define SB_FIELD_H
#include "fit.h"
#include "page.h"
#include "samples.h"

enum { SB_BY_COPY, SB_BY_WARP, SB_BY_MEAN, SB_BY_BLIND, SB_BY_US, SB_WHOS };
enum { SB_GEO_TARGET, SB_SEM_TARGET, SB_FEATURE_TARGETS };
static SB_UNUSED const char *const sb_who_name[SB_WHOS] = {"copy", "warp", "mean", "blind", "ours"};
static SB_UNUSED const char *const sb_target_name[SB_FEATURE_TARGETS] = {"geo", "sem"};

// What a model says of a batch: true features, predicted ones, depth by its probe, on the host. [image
// tokens] [width of the target]; depth: true (0: not known) and predicted [image tokens].
typedef struct {
    long n;
    int width[SB_FEATURE_TARGETS];
    real *truth[SB_FEATURE_TARGETS], *guess[SB_FEATURE_TARGETS];
    double *depth, *probe;
} SbFieldView;

typedef struct {
    SbModel *model;
    SbSource source;
    SbSample slot;
    SbBatch batch;
    SbFieldView said;
} SbFieldSide;

typedef struct {
    int patches;
    double *mean[SB_FEATURE_TARGETS], *mean_depth, *count;  // [patches][width], [patches]
    double l1[SB_FEATURE_TARGETS][SB_WHOS], cosine[SB_FEATURE_TARGETS][SB_WHOS], depth[SB_WHOS];
    long rows, depths, shown;                               // shown: rows that some context view shows
} SbFieldScore;

static SB_UNUSED void sb_field_open(SbFieldSide *s, SbModel *m, int pool, int views, uint64_t seed) {
    memset(s, 0, sizeof *s);
    s->model = m;
    sb_source_init(&s->source, &m->config, SB_TASK_FIELD, pool, "lean", views, seed);
}
static SB_UNUSED void sb_field_close(SbFieldSide *s) {
    for (int k = 0; k < SB_FEATURE_TARGETS; k++) free(s->said.truth[k]), free(s->said.guess[k]);
    free(s->said.depth), free(s->said.probe);
    sb_batch_free(&s->batch);
    memset(s, 0, sizeof *s);
}
// All that the model says of the views of the batch at hand.
static SB_UNUSED void sb_field_read(SbFieldSide *s) {
    SbFieldView *v = &s->said;
    SbModel *m = s->model;
    sb_step_field(m, &s->batch, 0);
    v->n = m->n.vis;
    v->depth = (double *)sb_realloc(v->depth, (size_t)v->n * sizeof(double));
    v->probe = (double *)sb_realloc(v->probe, (size_t)v->n * sizeof(double));
    memset(v->depth, 0, (size_t)v->n * sizeof(double)), memset(v->probe, 0, (size_t)v->n * sizeof(double));
    const real *truth[SB_FEATURE_TARGETS] = {m->acts.geo_feature, m->acts.patch_feature},
               *guess[SB_FEATURE_TARGETS] = {m->acts.fgeo_y, m->acts.fsem_y};
    for (int k = 0; k < SB_FEATURE_TARGETS; k++) {
        v->width[k] = m->config.enc_width * (k == SB_GEO_TARGET ? 2 : 1);
        size_t bytes = (size_t)v->n * (size_t)v->width[k] * sizeof(real);
        v->truth[k] = (real *)sb_realloc(v->truth[k], bytes),
        v->guess[k] = (real *)sb_realloc(v->guess[k], bytes);
        sb_get(v->truth[k], truth[k], bytes);
        if (m->config.targets >> k & 1) sb_get(v->guess[k], guess[k], bytes);
        else memset(v->guess[k], 0, bytes);
    }
    long rows = m->n.geometry;
    real *probe = (real *)sb_calloc((size_t)rows + 1, sizeof *probe);
    sb_get(probe, m->acts.probe_y, (size_t)rows * sizeof *probe);
    for (long r = 0; r < rows; r++) {
        v->depth[s->batch.geometry_row[r]] = (double)s->batch.depth[r];
        v->probe[s->batch.geometry_row[r]] = (double)probe[r];
    }
    free(probe);
}

// The same of scene number i of the source.
static SB_UNUSED void sb_field_scene(SbFieldSide *s, uint64_t i) {
    sb_source_batch(&s->source, &s->slot, &s->batch, 1, i);
    sb_field_read(s);
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

// ---- the table

// Means over the views of `rooms` training rooms.
static SB_UNUSED void sb_field_means(SbFieldScore *t, SbModel *m, int views, int rooms) {
    SbFieldSide s;
    sb_field_open(&s, m, SB_POOL_PROBE, views, 5);
    t->patches = s.source.grid * s.source.grid;
    t->mean_depth = (double *)sb_calloc((size_t)t->patches, sizeof(double));
    t->count = (double *)sb_calloc((size_t)t->patches, sizeof(double));
    double seen = 0;
    for (int r = 0; r < rooms; r++) {
        sb_field_scene(&s, (uint64_t)r);
        for (int k = 0; k < SB_FEATURE_TARGETS; k++) {
            int W = s.said.width[k];
            if (!t->mean[k]) t->mean[k] = (double *)sb_calloc((size_t)t->patches * (size_t)W, sizeof(double));
            for (long i = 0; i < s.said.n * W; i++)
                t->mean[k][i / W % t->patches * W + i % W] += (double)s.said.truth[k][i];
        }
        for (long i = 0; i < s.said.n; i++)
            if (s.said.depth[i] > 0)
                t->mean_depth[i % t->patches] += s.said.depth[i], t->count[i % t->patches]++;
        seen += s.source.posed;
    }
    for (int k = 0; k < SB_FEATURE_TARGETS; k++)
        for (int i = 0; i < t->patches * s.said.width[k]; i++) t->mean[k][i] /= seen;
    for (int p = 0; p < t->patches; p++) t->mean_depth[p] /= fmax(t->count[p], 1);
    sb_field_close(&s);
}
// Add the target views of the scene at hand. blind: the same scene, or NULL.
static SB_UNUSED void sb_field_add(SbFieldScore *t, const SbFieldSide *s, const SbFieldSide *blind) {
    const SbBatch *b = &s->batch;
    for (int v = 0; v < b->views; v++) {
        int from = sb_field_nearest(b, v);
        for (int p = 0; p < t->patches && !b->view[v].context; p++, t->rows++) {
            long row = b->image_vis[v] + p, copy = b->image_vis[from] + p, warp = sb_field_warp(s, v, p);
            t->shown += warp >= 0;
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
                    t->l1[k][w] += off, t->cosine[k][w] += dot / sqrt(fmax(xx * yy, 1e-24));
                }
            }
            double depth = s->said.depth[row];
            if (depth <= 0) continue;
            double guess[SB_WHOS] = {s->said.depth[copy], 0, t->mean_depth[p],
                                     blind ? blind->said.probe[row] : 0, s->said.probe[row]};
            for (int w = 0; w < SB_WHOS; w++) t->depth[w] += (guess[w] - depth) * (guess[w] - depth);
            t->depths++;
        }
    }
}
// target,metric,copy,warp,mean,blind,ours: what is not known stays empty (depth by warp: it is the truth).
static SB_UNUSED void sb_field_table(const SbFieldScore *t, int blind, const char *path) {
    SbText csv = {NULL, 0, 0};
    sb_text_add(&csv, "target,metric");
    for (int w = 0; w < SB_WHOS; w++) sb_text_add(&csv, ",%s", sb_who_name[w]);
    printf("\n%-12s", "target views");
    for (int w = 0; w < SB_WHOS; w++) printf(" %8s", sb_who_name[w]);
    for (int row = 0; row < 5; row++) {
        int k = row / 2 ? SB_GEO_TARGET : SB_SEM_TARGET, depth = row == 4;
        const char *target = depth ? "depth" : sb_target_name[k], *metric = depth     ? "rmse"
                                                                            : row % 2 ? "cosine"
                                                                                      : "l1";
        sb_text_add(&csv, "\n%s,%s", target, metric);
        printf("\n%-5s %-6s", target, metric);
        for (int w = 0; w < SB_WHOS; w++) {
            double v = depth ? sqrt(t->depth[w] / (double)t->depths)
                     : (row % 2 ? t->cosine[k][w] : t->l1[k][w]) / (double)t->rows;
            if ((w == SB_BY_BLIND && !blind) || (depth && w == SB_BY_WARP))
                sb_text_add(&csv, ","), printf(" %8s", "-");
            else sb_text_add(&csv, ",%.6g", v), printf(" %8.4f", v);
        }
    }
    sb_text_add(&csv, "\n");
    printf("\n%ld patches of target views, %.0f %% of them shown by a context view\n", t->rows,
           100.0 * (double)t->shown / (double)t->rows);
    sb_write_file(path, csv.data, csv.size);
    free(csv.data);
}

// ---- pictures: a room a row of the page's table

enum { SB_FIELD_TILE = 96 };
static void sb_field_tile(SbText *t, const unsigned char *rgb, int n, const char *alt) {
    unsigned char *big = (unsigned char *)sb_calloc(SB_FIELD_TILE * SB_FIELD_TILE, 3);
    for (int i = 0; i < SB_FIELD_TILE * SB_FIELD_TILE; i++)
        memcpy(big + 3 * i,
               rgb + 3 * (i / SB_FIELD_TILE * n / SB_FIELD_TILE * n + i % SB_FIELD_TILE * n / SB_FIELD_TILE),
               3);
    sb_html_picture(t, big, SB_FIELD_TILE, SB_FIELD_TILE, alt);
    free(big);
}
static void sb_field_depths(SbText *t, const double *depth, int grid, const char *alt) {
    unsigned char *rgb = (unsigned char *)sb_calloc((size_t)(grid * grid), 3);
    for (int p = 0; p < grid * grid; p++)
        if (depth[p] > 0) sb_heat_colour(1 - depth[p] / 6, rgb + 3 * p);
        else memset(rgb + 3 * p, 128, 3);
    sb_field_tile(t, rgb, grid, alt);
    free(rgb);
}
// The scene's first target view: context pictures, what it looks like, features and depth, true and
// predicted.
static SB_UNUSED void sb_field_card(SbText *t, const SbFieldSide *s, const SbFieldSide *blind,
                                   const SbColours *colours) {
    const SbBatch *b = &s->batch;
    int grid = s->source.grid, side = s->source.config.image, v = 0, W = s->said.width[SB_SEM_TARGET];
    unsigned char *rgb = (unsigned char *)sb_calloc((size_t)(grid * grid), 3);
    while (v < b->views - 1 && b->view[v].context) v++;
    long row = b->image_vis[v];
    sb_html(t, "<tr><td>");
    for (int u = 0; u < b->views; u++)
        if (b->view[u].context) sb_field_tile(t, s->slot.picture[u], side, "a context view");
    sb_html(t, "<td>");
    sb_field_tile(t, s->slot.picture[v], side, "the view that is asked for");
    const real *picture[3] = {s->said.truth[SB_SEM_TARGET], s->said.guess[SB_SEM_TARGET],
                              blind ? blind->said.guess[SB_SEM_TARGET] : NULL};
    for (int i = 0; i < 3; i++) {
        sb_html(t, "<td>");
        if (!picture[i]) continue;
        sb_colours_of(colours, rgb, picture[i] + row * W, grid * grid);
        sb_field_tile(t, rgb, grid, "features as colours");
    }
    const double *depth[3] = {s->said.depth, s->said.probe, blind ? blind->said.probe : NULL};
    for (int i = 0; i < 3; i++) {
        sb_html(t, "<td>");
        if (depth[i]) sb_field_depths(t, depth[i] + row, grid, "depth");
    }
    sb_html(t, "\n");
    free(rgb);
}

// ---- a camera of one's own

// A loaded scene's views, as many as `views`, evenly spread, as context, and one more view that is nobody's
// picture: pose [16] camera to world, with the first view's intrinsics. Afterwards s->said holds its features
// (behind all the context's) and its probed depth. Returns metres plus radians to the nearest context view.
static SB_UNUSED double sb_field_ask(SbFieldSide *s, const SbScene *scene, const double *pose, int views) {
    const SbConfig *c = &s->model->config;
    SbCamera camera[SB_ROOM_VIEWS];
    int context[SB_ROOM_VIEWS], n = sb_min(sb_min(views, scene->views), SB_ROOM_VIEWS - 1),
                                grid = s->source.grid;
    if (n < 2) sb_die("%s: %d view; two and more are wanted as context", scene->name, scene->views);
    SbView asked = scene->view[0];
    memcpy(asked.pose, pose, sizeof asked.pose);
    unsigned char *grey = (unsigned char *)sb_calloc((size_t)(c->image * c->image), 3);
    memset(grey, 128, (size_t)(c->image * c->image) * 3);
    sb_batch_clear(&s->batch);
    for (int i = 0; i <= n; i++) {
        const SbView *v = i < n ? scene->view + (long)i * (scene->views - 1) / (n - 1) : &asked;
        unsigned char *rgb = i < n ? sb_square(v->rgb, v->w, v->h, c->image) : grey;
        sb_batch_image(&s->batch, c, rgb, c->image, c->image);
        camera[i] = sb_view_camera(v, c->image), context[i] = i < n;
        free(rgb);
    }
    sb_batch_scene(&s->batch, c, camera, context, n + 1);
    for (int p = 0; p < grid * grid; p++) sb_batch_geometry(&s->batch, c, s->batch.image_vis[n] + p, 1);
    sb_field_read(s);
    return sb_field_apart(&s->batch.view[n].camera, &s->batch.view[sb_field_nearest(&s->batch, n)].camera);
}
// It as a picture: the context, the features that the asked camera would see, their depth. rgb
// [SB_FIELD_TILE] [tiles * SB_FIELD_TILE][3]; returns how many tiles.
static SB_UNUSED int sb_field_strip(const SbFieldSide *s, const SbScene *scene, unsigned char **rgb) {
    const SbBatch *b = &s->batch;
    int grid = s->source.grid, side = s->source.config.image, n = b->views - 1,
        W = s->said.width[SB_SEM_TARGET];
    int tiles = n + 2, T = SB_FIELD_TILE;
    long row = b->image_vis[n];
    SbColours colours;
    unsigned char *small = (unsigned char *)sb_calloc((size_t)(side * side), 3);
    *rgb = (unsigned char *)sb_calloc((size_t)(tiles * T * T), 3);
    sb_colours_fit(&colours, s->said.truth[SB_SEM_TARGET], row, W);
    for (int i = 0; i < tiles; i++) {
        const SbView *v = scene->view + (long)i * (scene->views - 1) / (n - 1);
        int wide = i < n ? side : grid;
        if (i < n) sb_image_resize(v->rgb, v->w, v->h, small, side, side);
        else if (i == n) sb_colours_of(&colours, small, s->said.guess[SB_SEM_TARGET] + row * W, grid * grid);
        else
            for (int p = 0; p < grid * grid; p++)
                sb_heat_colour(1 - s->said.probe[row + p] / 6, small + 3 * p);
        for (int y = 0; y < T; y++)
            for (int x = 0; x < T; x++)
                memcpy(*rgb + 3 * ((long)y * tiles * T + i * T + x),
                       small + 3 * (y * wide / T * wide + x * wide / T), 3);
    }
    sb_colours_free(&colours), free(small);
    return tiles;
}
#endif
