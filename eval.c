// eval.c: what an encoder knows, asked in several ways.      ./eval WHAT [flags]      ./eval --help
//
//     probe      linear probes on frozen features: depth, segmentation, class        out/probe.csv
//     questions  how often the answers are right, with the image and without         out/questions.csv
//     ask        a conversation about a picture, and where the model looked
//     features   a picture's features as colours                                     a PNG
//     real       the same on photographs                                             out/real.html
//     report     everything that stands in out/ on one page                          out/report.html
//
// What it refuses to do: train, or report on a room that was trained on: probes are fitted on the rooms of
// SB_POOL_PROBE, every figure comes from SB_POOL_TEST (--tune: SB_POOL_TUNE). How to read it: the options, then one
// section a word of the list above. To add a probe: a row in `metrics`, and what it sums in score_chunk.
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "data/file.h"
#define SB_FAIL(...) sb_die(__VA_ARGS__)
#include "spatialboost.h"

#include "data/flags.h"
#include "data/model.h"
#include "data/samples.h"
#include <time.h>

// ---- options. X(for what, flag kind, C type, name, default, hint, low, high, help)
enum { PROBE = 1, QUESTIONS = 2, ASK = 4, FEATURES = 8, REAL = 16, REPORT = 32, ALL = 63 };
#define EVAL_OPTIONS(X) \
    X(ALL, TEXT, const char *, out, "out", "DIR", 0, 0, "folder of checkpoints, logs and results") \
    X(PROBE | REAL | REPORT, TEXT, const char *, base, NULL, "FILE", 0, 0, \
      "the base encoder (DIR/encoder.safetensors)") \
    X(PROBE | QUESTIONS | REAL | REPORT, TEXT, const char *, boost, NULL, "FILE", 0, 0, \
      "the boosted one (DIR/boost.safetensors)") \
    X(PROBE | QUESTIONS | REPORT, TEXT, const char *, control, NULL, "FILE", 0, 0, \
      "boosted without spatial questions (DIR/control.safetensors)") \
    X(QUESTIONS, TEXT, const char *, before, NULL, "FILE", 0, 0, "the LLM with the base (DIR/instruct.safetensors)") \
    X(PROBE | QUESTIONS, INT, int, images, 0, "N", 0, 1e6, "rooms to report on; 0: 10000 to probe, 1000 to question") \
    X(PROBE, INT, int, fit, 4000, "N", 50, 1e6, "rooms to fit the probes on") \
    X(PROBE | QUESTIONS, SWITCH, int, tune, 0, "", 0, 1, \
      "report on rooms kept for choosing settings, not on the test rooms") \
    X(PROBE | QUESTIONS, TEXT, const char *, to, NULL, "NAME", 0, 0, "the table is DIR/NAME.csv (probe, questions)") \
    X(QUESTIONS, TEXT, const char *, mix, "mix", "MIX", 0, 0, "questions: a name or counts (./data/converse --help)") \
    X(ASK | FEATURES, TEXT, const char *, model, NULL, "FILE", 0, 0, "whom to ask (DIR/boost.safetensors)") \
    X(ASK | FEATURES, TEXT, const char *, image, NULL, "FILE", 0, 0, "a picture, PNG or JPEG; it is squeezed into a square") \
    X(ASK | FEATURES, INT, int, scene, 0, "N", 0, 1e9, "a simulated test room instead") \
    X(FEATURES, TEXT, const char *, png, "features.png", "FILE", 0, 0, "the result")

typedef struct {
#define X(what, kind, type, name, start, hint, low, high, help) type name;
    EVAL_OPTIONS(X)
#undef X
} Options;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// ---- encoders and pictures

enum { BASE, BOOST, CONTROL, ENCODERS };
static const char *const encoder_name[ENCODERS] = {"base", "boost", "control"};

typedef struct {
    char *path;                 // NULL: there is none
    SbModel model;
    SbBatch batch;
} Encoder;

// Load path, or DIR/stage.safetensors where path is NULL; returns 0 if that does not stand there and need is 0.
static int open_encoder(Encoder *e, const Options *o, const char *path, const char *stage, int need) {
    memset(e, 0, sizeof *e);
    char *file = path ? sb_copy(path) : sb_format("%s/%s.safetensors", o->out, stage);
    if (!sb_exists(file)) {
        if (need || path) sb_die("%s: missing; make it with ./train %s, or name a file", file, stage);
        free(file);
        return 0;
    }
    sb_model_load(&e->model, file);
    e->path = file;
    return 1;
}
// The first of three must be there; all are of one size.
static void open_encoders(Encoder *e, const Options *o, const char *const given[ENCODERS],
                          const char *const stage[ENCODERS]) {
    for (int i = 0; i < ENCODERS; i++) {
        if (!open_encoder(e + i, o, given[i], stage[i], i == BASE)) continue;
        const SbConfig *a = &e[BASE].model.config, *b = &e[i].model.config;
        if (a->image != b->image || a->patch != b->patch || a->enc_width != b->enc_width || a->vocab != b->vocab)
            sb_die("%s: another size of picture, patch, encoder or vocabulary than %s", e[i].path, e[BASE].path);
    }
}
static void open_probed(Encoder *e, const Options *o) {
    const char *given[ENCODERS] = {o->base, o->boost, o->control};
    static const char *const stage[ENCODERS] = {"encoder", "boost", "control"};
    open_encoders(e, o, given, stage);
}

// n pictures and what is known of them. P patches a picture.
typedef struct {
    int n, side, patches, classes;
    unsigned char *rgb;         // [n][side][side][3]
    real *depth;                // [n][P] mean over all pixels of the patch, metres; 0: not known
    int *label;                 // [n][P] 0 floor, 1 wall, 2 ceiling, 3 + class, -1: not known
    int *main_class;            // [n] the object that shows most, -1: none
    unsigned char *multi;       // [n][classes] which objects show
} Views;

static void views_alloc(Views *v, const SbConfig *c, int n) {
    int grid = c->image / c->patch;
    v->n = n, v->side = c->image, v->patches = grid * grid, v->classes = c->classes;
    size_t m = (size_t)n, P = (size_t)v->patches;
    v->rgb = (unsigned char *)sb_calloc(m, (size_t)(c->image * c->image * 3));
    v->depth = (real *)sb_calloc(m * P, sizeof(real));
    v->label = (int *)sb_calloc(m * P, sizeof(int));
    v->main_class = (int *)sb_calloc(m, sizeof(int));
    v->multi = (unsigned char *)sb_calloc(m, (size_t)c->classes);
}
static void views_free(Views *v) {
    free(v->rgb), free(v->depth), free(v->label), free(v->main_class), free(v->multi);
    memset(v, 0, sizeof *v);
}
// Mean depth of every patch, over all its pixels that have one.
static void mean_depths(real *mean, const SbView *view, int grid) {
    for (int p = 0; p < grid * grid; p++) {
        int y0 = p / grid * view->dh / grid, y1 = (p / grid + 1) * view->dh / grid, count = 0;
        int x0 = p % grid * view->dw / grid, x1 = (p % grid + 1) * view->dw / grid;
        double sum = 0;
        for (int y = y0; y < y1; y++)
            for (int x = x0; x < x1; x++) sum += view->depth[y * view->dw + x], count += view->depth[y * view->dw + x] > 0;
        mean[p] = count ? (real)(sum / count) : 0;
    }
}
// Rooms 0 .. n-1 of a pool.
static void views_rooms(Views *v, const SbConfig *c, int pool, int n) {
    enum { AT_ONCE = 64 };
    static SbSample slot[AT_ONCE];
    SbBatch batch;
    SbSource source;
    views_alloc(v, c, n);
    memset(&batch, 0, sizeof batch);
    sb_source_init(&source, c, SB_TASK_RECOGNISE, pool, "rec", 0);
    for (int first = 0; first < n; first += AT_ONCE) {
        int k = sb_min(AT_ONCE, n - first), P = v->patches;
        sb_source_batch(&source, slot, &batch, k, (uint64_t)first);
        memcpy(v->label + first * P, batch.label, (size_t)(k * P) * sizeof(int));
        memcpy(v->main_class + first, batch.main_class, (size_t)k * sizeof(int));
        for (int i = 0; i < k * c->classes; i++) v->multi[first * c->classes + i] = batch.multi[i] > 0;
        for (int i = 0; i < k; i++) {
            size_t bytes = (size_t)(c->image * c->image * 3);
            memcpy(v->rgb + (size_t)(first + i) * bytes, slot[i].picture[0], bytes);
            mean_depths(v->depth + (first + i) * P, slot[i].info->view, source.grid);
        }
    }
    sb_batch_free(&batch);
}
// Features of pictures first .. first + n - 1, final norm applied: cls [n][C] and patch [n][P][C], either may be NULL.
static void encode(Encoder *e, const Views *v, int first, int n, real *cls, real *patch) {
    const SbConfig *c = &e->model.config;
    size_t bytes = (size_t)(c->image * c->image * 3), C = (size_t)c->enc_width, row = C * sizeof(real);
    sb_batch_clear(&e->batch);
    for (int i = 0; i < n; i++) sb_batch_image(&e->batch, c, v->rgb + (size_t)(first + i) * bytes, c->image, c->image);
    sb_batch_upload(&e->model, &e->batch);
    sb_encoder_forward(&e->model);
    for (int i = 0; i < n; i++) {
        const real *feature = e->model.acts.feature + (size_t)e->batch.cls_row[i] * C;
        if (cls) sb_get(cls + (size_t)i * C, feature, row);
        if (patch) sb_get(patch + (size_t)(i * v->patches) * C, feature + C, row * (size_t)v->patches);
    }
}

// ---- linear maps fitted to features

// y [out] = w x + b on features as they are; standardising is folded in.
typedef struct { int in, out; real *w, *b; } Linear;

static void linear_alloc(Linear *l, int in, int out) {
    l->in = in, l->out = out;
    l->w = (real *)sb_calloc((size_t)in * (size_t)out, sizeof(real));
    l->b = (real *)sb_calloc((size_t)out, sizeof(real));
}
static void linear_free(Linear *l) { free(l->w), free(l->b); }
static void linear_apply(const Linear *l, real *y, const real *x, long n) {
    sb_matmul((int)n, l->out, l->in, x, l->in, 1, l->w, SB_NATIVE, 1, l->in, y, l->out, 0);
    for (long i = 0; i < n; i++)
        for (int k = 0; k < l->out; k++) y[i * l->out + k] += l->b[k];
}

// Sums from which a ridge regression follows, in double: of x [C], x x^T [C][C], y [K], y x^T [K][C].
typedef struct { int C, K; double n, *x, *xx, *y, *yx; real *scratch; } Moments;

static void moments_alloc(Moments *m, int C, int K) {
    m->C = C, m->K = K, m->n = 0;
    m->x = (double *)sb_calloc((size_t)(C + C * C + K + K * C), sizeof(double));
    m->xx = m->x + C, m->y = m->xx + C * C, m->yx = m->y + K;
    m->scratch = (real *)sb_calloc((size_t)(C * C + K * C), sizeof(real));
}
static void moments_free(Moments *m) { free(m->x), free(m->scratch); }
// Add n rows; a few thousand at a time keeps the float sums of the products exact enough.
static void moments_add(Moments *m, const real *x, const real *y, long n) {
    int C = m->C, K = m->K;
    real *xx = m->scratch, *yx = xx + C * C;
    sb_matmul(C, C, (int)n, x, 1, C, x, SB_NATIVE, C, 1, xx, C, 0);
    sb_matmul(K, C, (int)n, y, 1, K, x, SB_NATIVE, C, 1, yx, C, 0);
    for (int i = 0; i < C * C; i++) m->xx[i] += xx[i];
    for (int i = 0; i < K * C; i++) m->yx[i] += yx[i];
    for (long i = 0; i < n; i++) {
        for (int c = 0; c < C; c++) m->x[c] += x[i * C + c];
        for (int k = 0; k < K; k++) m->y[k] += y[i * K + k];
    }
    m->n += (double)n;
}
// Solve A X = B for K right-hand sides b [K][n], in place; A [n][n] symmetric positive definite, destroyed (Cholesky).
static void solve(double *a, double *b, int n, int K) {
    for (int j = 0; j < n; j++)
        for (int i = j; i < n; i++) {
            double s = a[i * n + j];
            for (int k = 0; k < j; k++) s -= a[i * n + k] * a[j * n + k];
            a[i * n + j] = i == j ? sqrt(s > 1e-300 ? s : 1e-300) : s / a[j * n + j];
        }
    for (int r = 0; r < K; r++) {
        double *x = b + (size_t)r * (size_t)n;
        for (int i = 0; i < n; i++) {
            for (int k = 0; k < i; k++) x[i] -= a[i * n + k] * x[k];
            x[i] /= a[i * n + i];
        }
        for (int i = n - 1; i >= 0; i--) {
            for (int k = i + 1; k < n; k++) x[i] -= a[k * n + i] * x[k];
            x[i] /= a[i * n + i];
        }
    }
}
// argmin over W, b of mean |W u + b - y|^2 + lambda |W|^2, u the standardised features.
static void ridge(Linear *out, const Moments *m, double lambda) {
    int C = m->C, K = m->K;
    double n = m->n > 0 ? m->n : 1, *a = (double *)sb_calloc((size_t)(C * C + K * C + C), sizeof *a);
    double *b = a + C * C, *sd = b + K * C;
    linear_alloc(out, C, K);
    for (int i = 0; i < C; i++) sd[i] = sqrt(fmax(m->xx[i * C + i] / n - m->x[i] / n * (m->x[i] / n), 0)) + 1e-6;
    for (int i = 0; i < C; i++)
        for (int j = 0; j < C; j++)
            a[i * C + j] = (m->xx[i * C + j] / n - m->x[i] / n * (m->x[j] / n)) / (sd[i] * sd[j]) + lambda * (i == j);
    for (int k = 0; k < K; k++)
        for (int j = 0; j < C; j++) b[k * C + j] = (m->yx[k * C + j] / n - m->y[k] / n * (m->x[j] / n)) / sd[j];
    solve(a, b, C, K);
    for (int k = 0; k < K; k++) {
        double bias = m->y[k] / n;
        for (int j = 0; j < C; j++) bias -= b[k * C + j] / sd[j] * m->x[j] / n;
        for (int j = 0; j < C; j++) out->w[k * C + j] = (real)(b[k * C + j] / sd[j]);
        out->b[k] = (real)bias;
    }
    free(a);
}

// Logistic regression: theta [K][C+1] (weights on standardised features, bias) minimises
// mean -log softmax(W u + b)[y] + decay |W|^2.
typedef struct { const real *x; const int *y; long n; int C, K; double decay, *mean, *sd; double *part; } Logistic;
enum { LOGISTIC_ROWS = 2048 };          // rows a unit of work; its sums are added in order, whoever computed them

// Loss and gradient of rows [first, first + n), summed: part [K][C+1], then the loss.
static void logistic_chunk(const Logistic *g, const Linear *l, long first, int n, double *part) {
    int C = g->C, K = g->K;
    const real *x = g->x + first * C;
    real *p = (real *)sb_calloc((size_t)(n * K + K * C), sizeof *p), *gw = p + n * K;
    double loss = 0;
    memset(part, 0, (size_t)(K * (C + 1) + 1) * sizeof *part);
    linear_apply(l, p, x, n);
    for (int i = 0; i < n; i++) {
        real *row = p + i * K, most = row[0], sum = 0, right = row[g->y[first + i]];
        for (int k = 1; k < K; k++) if (row[k] > most) most = row[k];
        for (int k = 0; k < K; k++) row[k] = sb_exp(row[k] - most), sum += row[k];
        for (int k = 0; k < K; k++) row[k] /= sum;
        loss += log((double)sum) + most - right;
        row[g->y[first + i]] -= 1;
        for (int k = 0; k < K; k++) part[k * (C + 1) + C] += row[k];
    }
    sb_matmul(K, C, n, p, 1, K, x, SB_NATIVE, C, 1, gw, C, 0);
    for (int k = 0; k < K; k++)
        for (int c = 0; c < C; c++) part[k * (C + 1) + c] = gw[k * C + c];
    part[K * (C + 1)] = loss;
    free(p);
}
static void logistic_fold(const Logistic *g, const double *theta, Linear *l) {
    for (int k = 0; k < g->K; k++) {
        const double *t = theta + k * (g->C + 1);
        double bias = t[g->C];
        for (int c = 0; c < g->C; c++) bias -= t[c] * g->mean[c] / g->sd[c];
        for (int c = 0; c < g->C; c++) l->w[k * g->C + c] = (real)(t[c] / g->sd[c]);
        l->b[k] = (real)bias;
    }
}
static double logistic_loss(const Logistic *g, const double *theta, double *grad, Linear *l) {
    int C = g->C, K = g->K, size = K * (C + 1), chunks = (int)((g->n + LOGISTIC_ROWS - 1) / LOGISTIC_ROWS);
    double loss = 0;
    logistic_fold(g, theta, l);
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < chunks; i++) {
        long first = (long)i * LOGISTIC_ROWS;
        logistic_chunk(g, l, first, (int)sb_lmin(LOGISTIC_ROWS, g->n - first), g->part + (size_t)i * (size_t)(size + 1));
    }
    memset(grad, 0, (size_t)size * sizeof *grad);
    for (int i = 0; i < chunks; i++) {
        const double *part = g->part + (size_t)i * (size_t)(size + 1);
        for (int j = 0; j < size; j++) grad[j] += part[j];
        loss += part[size];
    }
    loss /= (double)g->n;
    for (int k = 0; k < K; k++) {
        double *gk = grad + k * (C + 1), bias = gk[C];
        const double *t = theta + k * (C + 1);
        for (int c = 0; c < C; c++) {
            gk[c] = (gk[c] - bias * g->mean[c]) / g->sd[c] / (double)g->n + 2 * g->decay * t[c];
            loss += g->decay * t[c] * t[c];
        }
        gk[C] = bias / (double)g->n;
    }
    return loss;
}
static double dot(const double *a, const double *b, int n) {
    double s = 0;
    for (int i = 0; i < n; i++) s += a[i] * b[i];
    return s;
}
// Limited-memory BFGS (Nocedal and Wright, algorithm 7.4) with backtracking; g->y in 0..K-1.
enum { LBFGS_PAIRS = 10 };
typedef struct { int size, pairs; double *s[LBFGS_PAIRS], *y[LBFGS_PAIRS], rho[LBFGS_PAIRS]; } Lbfgs;

// d = -H g by the two loops over the stored pairs, newest first.
static void lbfgs_direction(const Lbfgs *q, const double *grad, double *d) {
    double a[LBFGS_PAIRS], scale = 1;
    int n = q->size;
    for (int i = 0; i < n; i++) d[i] = -grad[i];
    for (int k = 0; k < q->pairs; k++) {
        a[k] = q->rho[k] * dot(q->s[k], d, n);
        for (int i = 0; i < n; i++) d[i] -= a[k] * q->y[k][i];
    }
    if (q->pairs) scale = 1 / (q->rho[0] * dot(q->y[0], q->y[0], n));
    for (int i = 0; i < n; i++) d[i] *= scale;
    for (int k = q->pairs - 1; k >= 0; k--) {
        double b = q->rho[k] * dot(q->y[k], d, n);
        for (int i = 0; i < n; i++) d[i] += q->s[k][i] * (a[k] - b);
    }
}
// Store s = t1 - t0, y = g1 - g0 as the newest pair, if the curvature along it is positive.
static void lbfgs_push(Lbfgs *q, const double *t0, const double *t1, const double *g0, const double *g1) {
    double *s = q->s[LBFGS_PAIRS - 1], *y = q->y[LBFGS_PAIRS - 1];
    for (int i = 0; i < q->size; i++) s[i] = t1[i] - t0[i], y[i] = g1[i] - g0[i];
    double sy = dot(s, y, q->size);
    if (sy <= 1e-10 * dot(y, y, q->size)) return;
    for (int k = LBFGS_PAIRS - 1; k > 0; k--) q->s[k] = q->s[k - 1], q->y[k] = q->y[k - 1], q->rho[k] = q->rho[k - 1];
    q->s[0] = s, q->y[0] = y, q->rho[0] = 1 / sy;
    if (q->pairs < LBFGS_PAIRS - 1) q->pairs++;
}
static void logistic_fit(Linear *out, Logistic *g, int iterations) {
    int size = g->K * (g->C + 1), chunks = (int)((g->n + LOGISTIC_ROWS - 1) / LOGISTIC_ROWS);
    Lbfgs q;
    memset(&q, 0, sizeof q);
    q.size = size;
    double *all = (double *)sb_calloc((size_t)size * (5 + 2 * LBFGS_PAIRS), sizeof *all), *free_at = all;
    double *theta = free_at, *grad = theta + size, *d = grad + size, *next = d + size, *next_grad = next + size;
    for (int k = 0; k < LBFGS_PAIRS; k++)
        q.s[k] = all + (size_t)(5 + 2 * k) * (size_t)size, q.y[k] = q.s[k] + size;
    g->part = (double *)sb_calloc((size_t)chunks * (size_t)(size + 1), sizeof(double));
    linear_alloc(out, g->C, g->K);
    double loss = logistic_loss(g, theta, grad, out);
    for (int it = 0; it < iterations; it++) {
        double slope, step = 1, tried = loss;
        lbfgs_direction(&q, grad, d);
        slope = dot(grad, d, size);
        if (slope > -1e-12) break;
        if (!q.pairs) step = fmin(1, 1 / sqrt(-slope));
        for (int halved = 0; halved < 20; halved++, step /= 2) {
            for (int i = 0; i < size; i++) next[i] = theta[i] + step * d[i];
            tried = logistic_loss(g, next, next_grad, out);
            if (tried <= loss + 1e-4 * step * slope) break;
        }
        if (!(tried < loss)) break;
        lbfgs_push(&q, theta, next, grad, next_grad);
        memcpy(theta, next, (size_t)size * sizeof *theta);
        memcpy(grad, next_grad, (size_t)size * sizeof *grad);
        loss = tried;
    }
    logistic_fold(g, theta, out);
    free(all), free(g->part);
}
// Fit on n rows with labels 0..K-1. Mean and standard deviation of the features are taken from them.
static void logistic(Linear *out, const real *x, const int *y, long n, int C, int K, double decay, int iterations) {
    double *mean = (double *)sb_calloc((size_t)(2 * C), sizeof *mean), *sd = mean + C;
    Logistic g = {x, y, n, C, K, decay, mean, sd, NULL};
    for (long i = 0; i < n; i++)
        for (int c = 0; c < C; c++) mean[c] += x[i * C + c] / (double)n;
    for (long i = 0; i < n; i++)
        for (int c = 0; c < C; c++) sd[c] += (x[i * C + c] - mean[c]) * (x[i * C + c] - mean[c]) / (double)n;
    for (int c = 0; c < C; c++) sd[c] = sqrt(sd[c]) + 1e-6;
    logistic_fit(out, &g, iterations);
    free(mean);
}
static int argmax(const real *x, int n) {
    int best = 0;
    for (int i = 1; i < n; i++) if (x[i] > x[best]) best = i;
    return best;
}

// ---- probe

// What one encoder got on one test picture: sums, from which every metric of any set of pictures follows.
enum { PATCHES, SQUARES, OBJECT_PATCHES, OBJECT_SQUARES, RELATIVE, CLOSE, CLASSED, CLASS_RIGHT, KNN_RIGHT, SUMS };
enum { LABELS_MAX = 32 };
typedef struct {
    double sum[SUMS];
    unsigned short both[LABELS_MAX], said[LABELS_MAX], is[LABELS_MAX];     // patches by label
} Scored;
typedef struct { real score; int image; } Ranked;
typedef struct {
    int n, classes, labels;
    Scored *image;                      // [n]
    Ranked *ranked;                     // [classes][n], best score first
    const unsigned char *multi;         // [n][classes]
} Result;

// One row a metric. RATIO: top / bottom; ROOT: its square root; IOU, PRECISION: functions of their own.
enum { RATIO, ROOT, IOU, PRECISION };
typedef struct { const char *probe, *metric; int kind, top, bottom, better; const char *label; } Metric;
static const Metric metrics[] = {
    {"depth", "rmse", ROOT, SQUARES, PATCHES, -1, "depth, RMSE in metres"},
    {"depth", "rmse_objects", ROOT, OBJECT_SQUARES, OBJECT_PATCHES, -1, "depth on objects, RMSE in metres"},
    {"depth", "absrel", RATIO, RELATIVE, PATCHES, -1, "depth, mean relative error"},
    {"depth", "delta1", RATIO, CLOSE, PATCHES, 1, "depth, share within a factor of 1.25"},
    {"segmentation", "miou", IOU, 0, 0, 1, "segmentation, mIoU of 21 labels"},
    {"class", "linear", RATIO, CLASS_RIGHT, CLASSED, 1, "main object of 18, linear"},
    {"class", "knn", RATIO, KNN_RIGHT, CLASSED, 1, "main object of 18, 20 neighbours"},
    {"class", "map", PRECISION, 0, 0, 1, "all objects, mean average precision"},
};
enum { METRICS = sizeof metrics / sizeof *metrics, DRAWS = 200 };

// Mean over labels of intersection over union; weight[i]: how often picture i counts.
static double mean_iou(const Result *r, const int *weight) {
    double both[LABELS_MAX] = {0}, either[LABELS_MAX] = {0}, sum = 0;
    for (int i = 0; i < r->n; i++) {
        const Scored *s = r->image + i;
        for (int k = 0; weight[i] && k < r->labels; k++) {
            both[k] += weight[i] * s->both[k];
            either[k] += weight[i] * (s->said[k] + s->is[k] - s->both[k]);
        }
    }
    for (int k = 0; k < r->labels; k++) sum += both[k] / fmax(either[k], 1);
    return sum / r->labels;
}
// Mean over classes of the average precision: the mean, over pictures that show the class, of the share of such
// pictures among all that score as high.
static double mean_precision(const Result *r, const int *weight) {
    double sum = 0;
    for (int k = 0; k < r->classes; k++) {
        double seen = 0, found = 0, precision = 0;
        for (int i = 0; i < r->n; i++) {
            int image = r->ranked[(long)k * r->n + i].image, w = weight[image];
            seen += w;
            if (!w || !r->multi[(long)image * r->classes + k]) continue;
            found += w;
            precision += w * found / seen;
        }
        sum += precision / fmax(found, 1);
    }
    return sum / r->classes;
}
static double metric_value(const Metric *m, const Result *r, const int *weight) {
    double top = 0, bottom = 0;
    if (m->kind == IOU) return mean_iou(r, weight);
    if (m->kind == PRECISION) return mean_precision(r, weight);
    for (int i = 0; i < r->n; i++) {
        top += weight[i] * r->image[i].sum[m->top];
        bottom += weight[i] * r->image[i].sum[m->bottom];
    }
    top /= bottom > 0 ? bottom : 1;
    return m->kind == ROOT ? sqrt(top) : top;
}

// The probes of one encoder.
typedef struct { Linear depth, segment, main_class, multi; } Probes;
enum { CHUNK = 32, SEGMENT_ROOMS = 1000 };

// Fit on the pictures of v; cls [n][C] becomes their CLS features.
static void fit_probes(Probes *p, Encoder *e, const Views *v, real *cls) {
    const SbConfig *c = &e->model.config;
    int C = c->enc_width, P = v->patches, K = c->classes, rooms = sb_min(SEGMENT_ROOMS, v->n);
    Moments depth, multi;
    moments_alloc(&depth, C, 1), moments_alloc(&multi, C, K);
    real *patch = (real *)sb_calloc((size_t)((rooms + CHUNK) * P) * (size_t)C, sizeof *patch);
    real *y = (real *)sb_calloc((size_t)(CHUNK * K), sizeof *y);
    int *label = (int *)sb_calloc((size_t)v->n, sizeof *label);
    for (int first = 0; first < v->n; first += CHUNK) {
        int n = sb_min(CHUNK, v->n - first);
        real *x = patch + (size_t)(sb_min(first, rooms) * P) * (size_t)C;
        encode(e, v, first, n, cls + (long)first * C, x);
        moments_add(&depth, x, v->depth + first * P, (long)n * P);
        for (int i = 0; i < n * K; i++) y[i] = v->multi[first * K + i];
        moments_add(&multi, cls + (long)first * C, y, n);
    }
    ridge(&p->depth, &depth, 1e-4);
    ridge(&p->multi, &multi, 1e-3);
    logistic(&p->segment, patch, v->label, (long)rooms * P, C, c->labels, 1e-4, 60);
    free(patch), free(y);
    real *x = (real *)sb_calloc((size_t)v->n * (size_t)C, sizeof *x);
    long n = 0;
    for (int i = 0; i < v->n; i++) {
        if (v->main_class[i] < 0) continue;
        memcpy(x + n * C, cls + (long)i * C, (size_t)C * sizeof *x);
        label[n++] = v->main_class[i];
    }
    logistic(&p->main_class, x, label, n, C, K, 1e-3, 100);
    free(x), free(label), moments_free(&depth), moments_free(&multi);
}
// Depth and segmentation of n pictures from first on, x [n][P][C] their features.
static void score_chunk(Result *r, const Probes *p, const Views *v, int first, int n, const real *x, real *out) {
    int P = v->patches, L = r->labels;
    real *depth = out, *logits = out + (long)n * P;
    linear_apply(&p->depth, depth, x, (long)n * P);
    linear_apply(&p->segment, logits, x, (long)n * P);
    for (int i = 0; i < n; i++) {
        Scored *s = r->image + first + i;
        for (int k = 0; k < P; k++) {
            long at = (long)(first + i) * P + k;
            double d = v->depth[at], z = depth[i * P + k], e = z - d;
            int is = v->label[at], said = argmax(logits + (long)(i * P + k) * L, L);
            s->sum[PATCHES]++, s->sum[SQUARES] += e * e, s->sum[RELATIVE] += fabs(e) / d;
            s->sum[CLOSE] += z > d / 1.25 && z < d * 1.25;
            if (is >= 3) s->sum[OBJECT_PATCHES]++, s->sum[OBJECT_SQUARES] += e * e;
            s->both[is] += is == said, s->is[is]++, s->said[said]++;
        }
    }
}
static int compare_ranked(const void *a, const void *b) {
    const Ranked *x = (const Ranked *)a, *y = (const Ranked *)b;
    return x->score != y->score ? (x->score < y->score) - (x->score > y->score) : x->image - y->image;
}
// x[i] - mean, to length 1.
static void centre_rows(real *out, const real *x, const double *mean, int n, int C) {
#pragma omp parallel for
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int c = 0; c < C; c++) sum += (x[(long)i * C + c] - mean[c]) * (x[(long)i * C + c] - mean[c]);
        for (int c = 0; c < C; c++) out[(long)i * C + c] = (real)((x[(long)i * C + c] - mean[c]) / sqrt(sum + 1e-24));
    }
}
// Vote of the 20 nearest of n_fit rows, cosine s weighted by exp(s / .07).
static int knn_vote(const real *cosine, const int *label, int n_fit, int classes) {
    enum { NEAREST = 20 };
    int best[NEAREST], count = 0, winner = 0;
    double vote[LABELS_MAX] = {0};
    for (int i = 0; i < n_fit; i++) {
        if (label[i] < 0 || (count == NEAREST && cosine[i] <= cosine[best[NEAREST - 1]])) continue;
        int at = count < NEAREST ? count++ : NEAREST - 1;
        for (; at > 0 && cosine[best[at - 1]] < cosine[i]; at--) best[at] = best[at - 1];
        best[at] = i;
    }
    for (int i = 0; i < count; i++) vote[label[best[i]]] += exp(cosine[best[i]] / .07);
    for (int k = 1; k < classes; k++) if (vote[k] > vote[winner]) winner = k;
    return winner;
}
// Class of the main object and which objects show, from CLS: fit_cls [fit->n][C], cls [v->n][C].
static void score_classes(Result *r, const Probes *p, const Views *fit, const Views *v, const real *fit_cls,
                          const real *cls) {
    int C = p->main_class.in, K = r->classes, n = v->n, chunks = (n + 63) / 64;
    real *score = (real *)sb_calloc((size_t)n * (size_t)K, sizeof *score);
    real *a = (real *)sb_calloc((size_t)(fit->n + n) * (size_t)C, sizeof *a), *b = a + (long)fit->n * C;
    double *mean = (double *)sb_calloc((size_t)C, sizeof *mean);
    linear_apply(&p->main_class, score, cls, n);
    for (int i = 0; i < n; i++) {
        if (v->main_class[i] < 0) continue;
        r->image[i].sum[CLASSED] = 1;
        r->image[i].sum[CLASS_RIGHT] = argmax(score + (long)i * K, K) == v->main_class[i];
    }
    for (int i = 0; i < fit->n; i++)
        for (int c = 0; c < C; c++) mean[c] += fit_cls[(long)i * C + c] / (double)fit->n;
    centre_rows(a, fit_cls, mean, fit->n, C);
    centre_rows(b, cls, mean, n, C);
#pragma omp parallel for schedule(dynamic)
    for (int t = 0; t < chunks; t++) {
        int rows = sb_min(64, n - 64 * t);
        real *cosine = (real *)sb_calloc((size_t)rows * (size_t)fit->n, sizeof *cosine);
        sb_matmul(rows, fit->n, C, b + (long)64 * t * C, C, 1, a, SB_NATIVE, 1, C, cosine, fit->n, 0);
        for (int i = 0; i < rows; i++)
            if (v->main_class[64 * t + i] >= 0)
                r->image[64 * t + i].sum[KNN_RIGHT] =
                    knn_vote(cosine + (long)i * fit->n, fit->main_class, fit->n, K) == v->main_class[64 * t + i];
        free(cosine);
    }
    linear_apply(&p->multi, score, cls, n);
    for (int k = 0; k < K; k++) {
        Ranked *ranked = r->ranked + (long)k * n;
        for (int i = 0; i < n; i++) ranked[i].score = score[(long)i * K + k], ranked[i].image = i;
        qsort(ranked, (size_t)n, sizeof *ranked, compare_ranked);
    }
    free(score), free(a), free(mean);
}
// Fit on the rooms of fit, score those of test.
static void probe_encoder(Result *r, Encoder *e, const Views *fit, const Views *test) {
    const SbConfig *c = &e->model.config;
    int C = c->enc_width, P = test->patches;
    Probes p;
    real *fit_cls = (real *)sb_calloc((size_t)fit->n * (size_t)C, sizeof(real));
    real *cls = (real *)sb_calloc((size_t)test->n * (size_t)C, sizeof(real));
    real *x = (real *)sb_calloc((size_t)(CHUNK * P) * (size_t)(C + 1 + c->labels), sizeof(real));
    r->n = test->n, r->classes = c->classes, r->labels = c->labels, r->multi = test->multi;
    r->image = (Scored *)sb_calloc((size_t)test->n, sizeof *r->image);
    r->ranked = (Ranked *)sb_calloc((size_t)test->n * (size_t)c->classes, sizeof *r->ranked);
    fit_probes(&p, e, fit, fit_cls);
    for (int first = 0; first < test->n; first += CHUNK) {
        int n = sb_min(CHUNK, test->n - first);
        encode(e, test, first, n, cls + (long)first * C, x);
        score_chunk(r, &p, test, first, n, x, x + (long)CHUNK * P * C);
    }
    score_classes(r, &p, fit, test, fit_cls, cls);
    linear_free(&p.depth), linear_free(&p.segment), linear_free(&p.main_class), linear_free(&p.multi);
    free(fit_cls), free(cls), free(x);
}

// Values of all metrics for every encoder: of the test rooms as they are (draw 0), and of DRAWS resamplings of them.
typedef double Table[ENCODERS][METRICS][1 + DRAWS];
static void bootstrap(Table *t, const Result *r, const Encoder *e, int n) {
#pragma omp parallel for schedule(dynamic)
    for (int d = 0; d <= DRAWS; d++) {
        int *weight = (int *)sb_calloc((size_t)n, sizeof *weight);
        SbRandom random = sb_random(2, (uint64_t)d);
        for (int i = 0; i < n; i++) weight[d ? (int)sb_next_int(&random, (uint32_t)n) : i]++;
        for (int k = 0; k < ENCODERS; k++)
            for (int m = 0; e[k].path && m < METRICS; m++) (*t)[k][m][d] = metric_value(metrics + m, r + k, weight);
        free(weight);
    }
}
// Figures that follow from a metric's values of the three encoders. Changes are relative to the base.
enum { BASE_VALUE, BOOST_VALUE, CONTROL_VALUE, BOOST_CHANGE, CONTROL_CHANGE, BEYOND_CONTROL, CONTROL_SHARE, FIGURES };
static const char *const figure_name[FIGURES] = {"base", "boost", "control", "boost_change", "control_change",
                                                 "boost_beyond_control", "control_share"};
static double figure(const Table *t, int metric, int which, int draw) {
    double v[ENCODERS];
    for (int k = 0; k < ENCODERS; k++) v[k] = (*t)[k][metric][draw];
    if (which <= CONTROL_VALUE) return v[which];
    if (which == BOOST_CHANGE) return v[BOOST] / v[BASE] - 1;
    if (which == CONTROL_CHANGE) return v[CONTROL] / v[BASE] - 1;
    if (which == BEYOND_CONTROL) return (v[BOOST] - v[CONTROL]) / v[BASE];
    return (v[CONTROL] - v[BASE]) / (v[BOOST] - v[BASE]);
}
// Standard error: the spread of the figure over the resamplings, the same rooms for every encoder.
static double figure_error(const Table *t, int metric, int which) {
    double mean = 0, square = 0;
    for (int d = 1; d <= DRAWS; d++) mean += figure(t, metric, which, d) / DRAWS;
    for (int d = 1; d <= DRAWS; d++) square += (figure(t, metric, which, d) - mean) * (figure(t, metric, which, d) - mean);
    return sqrt(square / (DRAWS - 1));
}
static int figure_known(const Encoder *e, int which) {
    int boost = which == BOOST_VALUE || which == BOOST_CHANGE || which >= BEYOND_CONTROL;
    int control = which == CONTROL_VALUE || which == CONTROL_CHANGE || which >= BEYOND_CONTROL;
    return (!boost || e[BOOST].path) && (!control || e[CONTROL].path);
}
static void write_probe(const char *path, const Table *t, const Encoder *e) {
    SbWriter w;
    sb_write_open(&w, path);
    sb_write_text(&w, "probe,metric");
    for (int f = 0; f < FIGURES; f++) sb_write_text(&w, ",%s", figure_name[f]);
    for (int f = 0; f < FIGURES; f++) sb_write_text(&w, ",%s_se", figure_name[f]);
    for (int m = 0; m < METRICS; m++) {
        sb_write_text(&w, "\n%s,%s", metrics[m].probe, metrics[m].metric);
        for (int f = 0; f < 2 * FIGURES; f++) {
            if (!figure_known(e, f % FIGURES)) sb_write_text(&w, ",");
            else sb_write_text(&w, ",%.6g", f < FIGURES ? figure(t, m, f, 0) : figure_error(t, m, f - FIGURES));
        }
    }
    sb_write_text(&w, "\n");
    sb_write_close(&w);
}
static void print_probe(const Table *t, const Encoder *e) {
    printf("\n%-36s %15s %15s %15s   %14s %14s %14s\n", "", "base", "boost", "control", "boost, %", "control, %",
           "difference");
    for (int m = 0; m < METRICS; m++) {
        printf("%-36s", metrics[m].label);
        for (int f = 0; f <= BEYOND_CONTROL; f++) {
            double scale = f > CONTROL_VALUE ? 100 : 1, v = figure(t, m, f, 0) * scale;
            if (f == BOOST_CHANGE) printf("  ");
            if (!figure_known(e, f)) printf(" %*s", f > CONTROL_VALUE ? 14 : 15, "-");
            else if (f > CONTROL_VALUE) printf("  %+6.1f +- %-3.1f", v, figure_error(t, m, f) * scale);
            else printf("  %6.4f (%.4f)", v, figure_error(t, m, f));
        }
        printf("\n");
    }
    printf("\nStandard errors by resampling the rooms %d times. %% and difference: relative to the base.\n", DRAWS);
    if (figure_known(e, CONTROL_SHARE))
        printf("Depth RMSE: the boost changes it by %+.1f %%; the control, which heard no spatial question, by %+.1f %%:\n"
               "%.0f %% +- %.0f of the gain.\n", 100 * figure(t, 0, BOOST_CHANGE, 0), 100 * figure(t, 0, CONTROL_CHANGE, 0),
               100 * figure(t, 0, CONTROL_SHARE, 0), 100 * figure_error(t, 0, CONTROL_SHARE));
}
static void run_probe(const Options *o) {
    static Encoder e[ENCODERS];
    static Table table;
    static Result result[ENCODERS];
    Views fit, test;
    double start = now();
    open_probed(e, o);
    const SbConfig *c = &e[BASE].model.config;
    int images = o->images ? o->images : 10000;
    if (c->labels > LABELS_MAX || c->classes > LABELS_MAX) sb_die("probe: at most %d labels", LABELS_MAX);
    views_rooms(&fit, c, SB_POOL_PROBE, o->fit);
    views_rooms(&test, c, o->tune ? SB_POOL_TUNE : SB_POOL_TEST, images);
    fprintf(stderr, "probe: %d rooms to fit, %d to report, rendered in %.1f s\n", o->fit, images, now() - start);
    for (int k = 0; k < ENCODERS; k++) {
        if (!e[k].path) continue;
        start = now();
        probe_encoder(result + k, e + k, &fit, &test);
        fprintf(stderr, "probe: %s (%s) in %.1f s\n", encoder_name[k], e[k].path, now() - start);
    }
    start = now();
    bootstrap(&table, result, e, test.n);
    fprintf(stderr, "probe: bootstrap in %.1f s\n", now() - start);
    char *path = sb_format("%s/%s.csv", o->out, o->to ? o->to : "probe");
    write_probe(path, &table, e);
    print_probe(&table, e);
    printf("%s\n", path);
    views_free(&fit), views_free(&test), free(path);
}

// ---- questions

// Whose answers: before (LLM and projector of `instruct`, base encoder), boost, control; boost without the picture;
// and the best answer that never looks: per type and patch the commonest one, of two patches the usually nearer.
enum { BLANK = ENCODERS, BLIND, ANSWERERS };
static const char *const answerer_name[ANSWERERS] = {"before", "boost", "control", "boost_blank", "blind"};

typedef struct {
    int type, patch[2], room;   // patches named in the question, -1: none
    uint32_t answer;            // hash of its words
    double length;              // metres, if the answer is one; else 0
    int right[ANSWERERS];
    double error[ANSWERERS];    // of a length: |middle of the metre word - length| / length
} Asked;
typedef struct { Asked *asked; long n, room; } AskedList;

// Metres that a text begins with ("342 cm"), 0: it does not.
static double length_of(const char *text) {
    char *end;
    double v = strtod(text, &end);
    return end == text ? 0 : !strncmp(end, " cm", 3) ? v / 100 : !strncmp(end, " m", 2) ? v : 0;
}
static uint32_t hash_words(uint32_t h, int word) { return (h ^ (uint32_t)word) * 16777619u; }

// Append the turns of a sample; said (may be NULL): the words that a model says in place of the targets, in order.
// Returns how many targets there were.
static long add_turns(AskedList *l, const SbSample *s, int room) {
    const SbSequence *q = &s->sequence;
    long targets = 0;
    for (int i = 0, last = -1; i < q->n; i++) {
        if (q->turn[i] != last) {
            if (l->n == l->room)
                l->asked = (Asked *)sb_realloc(l->asked, (size_t)(l->room = 2 * l->room + 1024) * sizeof *l->asked);
            Asked *a = l->asked + l->n++;
            memset(a, 0, sizeof *a);
            last = q->turn[i];
            a->type = s->dialogue.turn[last].type, a->room = room, a->patch[0] = a->patch[1] = -1;
            a->length = length_of(sb_dialogue_answer(&s->dialogue, last));
        }
        Asked *a = l->asked + l->n - 1;
        int patch = q->token[i] - SB_WORD_PATCH;
        if (a->answer == 0 && patch >= 0 && patch < SB_WORD_METRE - SB_WORD_PATCH)
            a->patch[a->patch[0] >= 0] = patch;
        if (q->target[i] >= 0) a->answer = hash_words(a->answer, q->target[i]), targets++;
    }
    return targets;
}
// What a model says: for every row with a target the likeliest word, the words before it being the true ones. An
// answer that is right word by word is the one that greedy generation gives.
static void likeliest(SbModel *m, const SbBatch *b, int *word) {
    int V = m->config.vocab, D = m->config.llm_width;
    real *logits = (real *)sb_calloc((size_t)(SB_CHUNK * V), sizeof *logits);
    sb_batch_upload(m, b);
    sb_encoder_forward(m), sb_projector_forward(m);
    sb_llm_forward(m, 0, m->n.llm);
    sb_llm_head_rows(m, m->n.loss);
    for (long first = 0; first < m->n.loss; first += SB_CHUNK) {
        long n = sb_lmin(SB_CHUNK, m->n.loss - first);
        sb_linear_forward(m->acts.logits, V, m->acts.head_n + first * D, D, m->llm_emb.w, sb_dense(NULL, 0, 0), n);
        sb_get(logits, m->acts.logits, (size_t)(n * V) * sizeof(real));
        for (long i = 0; i < n; i++) word[first + i] = argmax(logits + i * V, V);
    }
    free(logits);
}
// Mark the answers of one room by one model: word, its words in the order of the targets. Returns how many targets.
static long mark_turns(Asked *a, const SbSample *s, int who, const int *word) {
    const SbSequence *q = &s->sequence;
    long at = 0;
    for (int i = 0, last = -1; i < q->n; i++) {
        if (q->target[i] < 0) continue;
        Asked *t = a + q->turn[i];
        if (q->turn[i] != last) {
            int metre = word[at] - SB_WORD_METRE;
            t->right[who] = 1;
            t->error[who] = metre < 0 || t->length <= 0 ? 1 : fabs(metre + .5 - t->length) / t->length;
            last = q->turn[i];
        }
        t->right[who] &= word[at++] == q->target[i];
    }
    return at;
}

// The blind answerer: (key, answer) pairs of other rooms, sorted; for each key the commonest answer.
typedef struct { int key; uint32_t answer; } Guess;
static int compare_guesses(const void *a, const void *b) {
    const Guess *x = (const Guess *)a, *y = (const Guess *)b;
    return x->key != y->key ? (x->key > y->key) - (x->key < y->key) : (x->answer > y->answer) - (x->answer < y->answer);
}
enum { KEYS = 4096 };           // a type
static int guess_key(const Asked *a, const double *depth) {
    int two = a->patch[1] >= 0, key = two ? depth[a->patch[0]] < depth[a->patch[1]] : 2 + a->patch[0];
    return a->type * KEYS + key;
}
// Learn from what was asked in other rooms; best [types * KEYS].
static void learn_guesses(uint32_t *best, const AskedList *l, const double *depth) {
    Guess *g = (Guess *)sb_calloc((size_t)l->n, sizeof *g);
    int *most = (int *)sb_calloc(SB_ASK_COUNT * KEYS, sizeof *most);
    for (long i = 0; i < l->n; i++) g[i].key = guess_key(l->asked + i, depth), g[i].answer = l->asked[i].answer;
    qsort(g, (size_t)l->n, sizeof *g, compare_guesses);
    for (long i = 0, n; i < l->n; i += n) {
        for (n = 1; i + n < l->n && !compare_guesses(g + i, g + i + n); n++) continue;
        if (n > most[g[i].key]) most[g[i].key] = (int)n, best[g[i].key] = g[i].answer;
    }
    free(g), free(most);
}
static void guess_blindly(AskedList *test, const SbConfig *c, const char *mix, int rooms) {
    enum { AT_ONCE = 64 };
    static SbSample slot[AT_ONCE];
    AskedList l = {NULL, 0, 0};
    SbSource source;
    double depth[SB_GRID_MAX * SB_GRID_MAX] = {0};
    uint32_t *best = (uint32_t *)sb_calloc(SB_ASK_COUNT * KEYS, sizeof *best);
    sb_source_init(&source, c, SB_TASK_DIALOGUE, SB_POOL_PROBE, mix, 11);
    for (int first = 0; first < rooms; first += AT_ONCE) {
        sb_source_samples(&source, slot, AT_ONCE, (uint64_t)first);
        for (int i = 0; i < AT_ONCE; i++) {
            add_turns(&l, slot + i, first + i);
            for (int p = 0; p < source.grid * source.grid; p++) depth[p] += slot[i].info->patch_depth[p];
        }
    }
    learn_guesses(best, &l, depth);
    for (long i = 0; i < test->n; i++)
        test->asked[i].right[BLIND] = best[guess_key(test->asked + i, depth)] == test->asked[i].answer;
    free(best), free(l.asked);
}

// Ask all of them about rooms first .. of the pool.
static void ask_rooms(AskedList *l, Encoder *e, SbSource *source, int rooms) {
    enum { AT_ONCE = 16 };
    static SbSample slot[AT_ONCE];
    SbBatch batch;
    memset(&batch, 0, sizeof batch);
    for (int first = 0; first < rooms; first += AT_ONCE) {
        int n = sb_min(AT_ONCE, rooms - first);
        long old = l->n;
        sb_source_batch(source, slot, &batch, n, (uint64_t)first);
        int *word = (int *)sb_calloc((size_t)batch.n.loss, sizeof *word);
        for (int i = 0; i < n; i++) add_turns(l, slot + i, first + i);
        for (int who = 0; who <= BLANK; who++) {
            Encoder *model = who == BLANK ? e + BOOST : e + who;
            if (!model->path) continue;
            if (who == BLANK) memset(batch.pixels, 0, (size_t)batch.n.pixels * 3 * sizeof *batch.pixels);
            likeliest(&model->model, &batch, word);
            Asked *a = l->asked + old;
            long at = 0;
            for (int i = 0; i < n; a += slot[i++].dialogue.turns) at += mark_turns(a, slot + i, who, word + at);
        }
        free(word);
    }
    sb_batch_free(&batch);
}

// Share of right answers among those of one type (or level), its standard error over rooms, mean error of lengths.
typedef struct { long answers; double right, right_se, error; } Score;
static Score score_answers(const AskedList *l, int who, int type, int level) {
    Score s = {0, 0, 0, 0};
    double lengths = 0, square = 0;
    for (long i = 0; i < l->n; i++) {
        const Asked *a = l->asked + i;
        if (type >= 0 ? a->type != type : sb_question_row(a->type)->level != level) continue;
        s.answers++, s.right += a->right[who];
        if (a->length > 0) lengths++, s.error += a->error[who];
    }
    if (!s.answers) return s;
    s.right /= (double)s.answers, s.error /= lengths > 0 ? lengths : 1;
    for (long i = 0; i < l->n;) {       // a ratio of sums over rooms: sum over rooms of (right - share * answers)^2
        double off = 0;
        int room = l->asked[i].room;
        for (; i < l->n && l->asked[i].room == room; i++) {
            const Asked *a = l->asked + i;
            if (type >= 0 ? a->type == type : sb_question_row(a->type)->level == level) off += a->right[who] - s.right;
        }
        square += off * off;
    }
    s.right_se = sqrt(square) / (double)s.answers;
    return s;
}
static void write_questions(const char *path, const AskedList *l, const Encoder *e) {
    SbWriter w;
    sb_write_open(&w, path);
    sb_write_text(&w, "question,level,answers");
    for (int k = 0; k < ANSWERERS; k++) sb_write_text(&w, ",%s,%s_se", answerer_name[k], answerer_name[k]);
    for (int k = 0; k < BLIND; k++) sb_write_text(&w, ",%s_length_error", answerer_name[k]);
    printf("%-22s %8s", "right answers, %", "asked");
    for (int k = 0; k < ANSWERERS; k++) printf(" %14s", answerer_name[k]);
    for (int row = 0; row < SB_ASK_COUNT + SB_LEVELS; row++) {
        int type = row < SB_ASK_COUNT ? row : -1, level = type < 0 ? row - SB_ASK_COUNT : sb_question_row(type)->level;
        long answers = score_answers(l, BLIND, type, level).answers;
        const char *name = type < 0 ? "all" : sb_question_row(type)->name;
        if (!answers) continue;
        sb_write_text(&w, "\n%s,%s,%ld", name, sb_level_name[level], answers);
        printf("\n%-12s %-9s %8ld", name, sb_level_name[level], answers);
        for (int k = 0; k < ANSWERERS; k++) {
            Score s = score_answers(l, k, type, level);
            int known = k >= BLIND || e[k == BLANK ? BOOST : k].path;
            if (known) sb_write_text(&w, ",%.5f,%.5f", s.right, s.right_se);
            else sb_write_text(&w, ",,");
            if (known) printf("   %5.1f +- %.1f", 100 * s.right, 100 * s.right_se);
            else printf(" %14s", "-");
        }
        for (int k = 0; k < BLIND; k++) {
            Score s = score_answers(l, k, type, level);
            if (!e[k == BLANK ? BOOST : k].path || s.error == 0) sb_write_text(&w, ",");
            else sb_write_text(&w, ",%.5f", s.error);
        }
    }
    sb_write_text(&w, "\n");
    sb_write_close(&w);
}
static void run_questions(const Options *o) {
    static Encoder e[ENCODERS];
    const char *given[ENCODERS] = {o->before, o->boost, o->control};
    static const char *const stage[ENCODERS] = {"instruct", "boost", "control"};
    AskedList l = {NULL, 0, 0};
    SbSource source;
    open_encoders(e, o, given, stage);
    const SbConfig *c = &e[BASE].model.config;
    sb_source_init(&source, c, SB_TASK_DIALOGUE, o->tune ? SB_POOL_TUNE : SB_POOL_TEST, o->mix, 12);
    ask_rooms(&l, e, &source, o->images ? o->images : 1000);
    guess_blindly(&l, c, o->mix, 2000);
    char *path = sb_format("%s/%s.csv", o->out, o->to ? o->to : "questions");
    write_questions(path, &l, e);
    printf("\n\nblank: the picture grey. blind: of each type and patch the commonest answer in other rooms; of two\n"
           "patches the one that is usually nearer. Errors: standard errors over rooms.\n%s\n", path);
    free(path), free(l.asked);
}

// ---- ask

// When is an answer complete? No word says so: a turn ends with its last word, so the question decides.
typedef struct { int want, noun, metre, stop; } Ending;      // ends when `want` final words of these kinds stand
static Ending ending_of(const int *question, int n) {
    Ending e = {1, 1, 1, 0};
    for (int i = 0; i < n; i++) {
        const char *w = question[i] < SB_WORD_PATCH ? sb_word[question[i]] : "";
        if (!strcmp(w, "order")) e.want = 3;
        if (!strcmp(w, "position")) e.want = 3;
        if (!strcmp(w, "bounds")) e.want = 6;
        if (!strcmp(w, "describe")) e.noun = e.metre = 0, e.stop = 1;
        if (!strcmp(w, "layout")) e.want = 4;
    }
    return e;
}
static int ending_done(void *context, int word) {
    static const char *const final[] = {"first", "second", "yes", "no", "sphere", "box", "cylinder", "floor", "wall",
                                        "ceiling"};
    Ending *e = (Ending *)context;
    int hit = word == SB_WORD_STOP ? e->stop : word >= SB_WORD_METRE ? e->metre : 0;
    for (size_t i = 0; i < sizeof final / sizeof *final && word < SB_WORD_PATCH; i++)
        hit |= e->noun && !strcmp(sb_word[word], final[i]);
    e->want -= hit;
    return e->want <= 0 || word == SB_WORD_PAD;
}
// The answer to a question (its words, the first one SB_WORD_Q) about a picture [side][side][3]; returns how many words.
enum { ANSWER_MAX = 40 };
static int answer(Encoder *e, const unsigned char *rgb, const int *question, int n, int *word) {
    const SbConfig *c = &e->model.config;
    Ending ending = ending_of(question, n);
    sb_batch_clear(&e->batch);
    sb_batch_image(&e->batch, c, rgb, c->image, c->image);
    sb_batch_sample(&e->batch);
    sb_batch_prefix_image(&e->batch, c, 0);
    sb_batch_turn(&e->batch, c, question, NULL, NULL, n);
    return sb_generate(&e->model, &e->batch, word, ANSWER_MAX, ending_done, &ending);
}
// After answer(): where the row that said the first word looked, in the last layer: attention over the P image tokens,
// mean over heads, as shares of what fell on the image.
static void looked_at(const SbModel *m, long row, int P, double *share) {
    const SbShape *c = &m->llm_shape;
    const SbBlockActs *s = m->acts.llm + m->config.llm_layers - 1;
    int M = c->heads * c->dim, ld = M + 2 * c->kv_heads * c->dim;
    real *qkv = (real *)sb_calloc((size_t)(row + 1) * (size_t)ld, sizeof *qkv);
    double sum = 0;
    sb_get(qkv, s->qkv, (size_t)(row + 1) * (size_t)ld * sizeof *qkv);
    memset(share, 0, (size_t)P * sizeof *share);
    for (int h = 0; h < c->heads; h++) {
        const real *q = qkv + row * ld + h * c->dim;
        stat_t lse;
        sb_get(&lse, s->lse + row * c->heads + h, sizeof lse);
        for (int p = 0; p < P; p++) {
            const real *k = qkv + (long)p * ld + M + h / (c->heads / c->kv_heads) * c->dim;
            double score = 0;
            for (int d = 0; d < c->dim; d++) score += (double)q[d] * k[d];
            share[p] += exp(score / sqrt(c->dim) - (double)lse);
        }
    }
    for (int p = 0; p < P; p++) sum += share[p];
    for (int p = 0; p < P; p++) share[p] /= sum > 0 ? sum : 1;
}
static void print_map(const double *share, int grid, int terminal) {
    double most = 1e-12;
    for (int p = 0; p < grid * grid; p++) most = fmax(most, share[p]);
    for (int p = 0; p < grid * grid; p++) {
        double v = share[p] / most;
        if (p % grid == 0) printf("    ");
        if (terminal) printf("\033[48;5;%dm  \033[0m", 232 + (int)(v * 23.99));
        else printf("%c%c", " .:-=+*#%@"[(int)(v * 9.99)], " .:-=+*#%@"[(int)(v * 9.99)]);
        if (p % grid == grid - 1) printf("%s\n", terminal ? "" : "|");
    }
}
// The patches that got most, with their points and, if the room is known, what is there.
static void print_tops(const SbWords *words, double *share, const SbViewInfo *info) {
    for (int k = 0; k < 3; k++) {
        int best = 0;
        SbText text = {NULL, 0, 0};
        for (int p = 1; p < words->grid * words->grid; p++) if (share[p] > share[best]) best = p;
        int word = SB_WORD_PATCH + best;
        sb_words_decode(words, &word, 1, &text);
        printf("    %2.0f %% at %s", 100 * share[best], text.data);
        if (info && info->patch_object[best] >= 0)
            printf(", %s, %.2f m", info->scene->object[info->patch_object[best]].name, info->patch_depth[best]);
        printf("\n");
        share[best] = -1;
        free(text.data);
    }
}
// The picture that --image or --scene names, as the encoder's square; info is filled for a room.
typedef struct { unsigned char *rgb; SbSample sample; SbSource source; const SbViewInfo *info; } Picture;
static void open_picture(Picture *p, const Options *o, const SbConfig *c) {
    memset(p, 0, sizeof *p);
    sb_source_init(&p->source, c, SB_TASK_RECOGNISE, SB_POOL_TEST, "rec", 0);
    if (o->image) {
        int w, h;
        unsigned char *rgb = sb_image_load(o->image, &w, &h);
        p->rgb = sb_square(rgb, w, h, c->image);
        free(rgb);
        return;
    }
    sb_source_samples(&p->source, &p->sample, 1, (uint64_t)o->scene);
    p->rgb = p->sample.picture[0], p->info = p->sample.info;
}
static void ask_line(Encoder *e, const Picture *p, const char *line, int terminal) {
    SbTokens t;
    SbText text = {NULL, 0, 0};
    double share[SB_GRID_MAX * SB_GRID_MAX];
    int word[ANSWER_MAX], grid = p->source.grid;
    memset(&t, 0, sizeof t);
    sb_tokens_push(&t, SB_WORD_Q);
    sb_words_encode(&p->source.words, &t, line, 1);
    if (t.unknown) {
        printf("    it knows no such word: %s\n", t.unknown_words);
    } else if (t.n > 1) {
        int n = answer(e, p->rgb, t.id, t.n, word);
        sb_words_decode(&p->source.words, word, n, &text);
        printf("    %s\n", text.data);
        looked_at(&e->model, grid * grid + t.n - 1, grid * grid, share);
        print_map(share, grid, terminal);
        print_tops(&p->source.words, share, p->info);
    }
    fflush(stdout);
    free(t.id), free(text.data);
}
static void run_ask(const Options *o) {
    static Encoder e;
    static Picture p;
    char line[1024];
    int terminal = isatty(0) && isatty(1);
    open_encoder(&e, o, o->model, "boost", 1);
    open_picture(&p, o, &e.model.config);
    printf("%s looks at ", e.path);
    if (o->image) printf("%s.\n", o->image);
    else printf("test room %d:", o->scene);
    for (int i = 0; p.info && i < p.info->scene->objects; i++)
        if (p.info->object[i].seen) printf(" %s (%d pixels)", p.info->scene->object[i].name, p.info->object[i].pixels);
    printf("%sAsk: \"What is the depth at (500, 700)?\", \"What is at (200, 400)?\", \"Which point is closer, (100, 200)\n"
           "or (800, 900)?\", \"Describe the view.\" Points count 0..999 from the left and from the top.\n",
           o->image ? "" : "\n");
    while (1) {
        if (terminal) printf("> "), fflush(stdout);
        if (!fgets(line, sizeof line, stdin)) break;
        line[strcspn(line, "\r\n")] = 0;
        if (!terminal && *line) printf("> %s\n", line);
        ask_line(&e, &p, line, terminal);
    }
    if (terminal) printf("\n");
}

// ---- features as colours

// The three directions [3][C] of largest variance of n rows, and the mean [C] and deviations [3] along them, by
// orthogonal iteration (Golub and Van Loan, 8.2) from fixed numbers.
typedef struct { int C; double *mean, *axis, spread[3]; } Colours;
static void orthogonalise(double *v, int k, int C) {
    for (int j = 0; j <= k; j++) {
        double s = j < k ? dot(v + j * C, v + k * C, C) : 1 / sqrt(dot(v + k * C, v + k * C, C) + 1e-300);
        for (int c = 0; c < C; c++) v[k * C + c] = j < k ? v[k * C + c] - s * v[j * C + c] : v[k * C + c] * s;
    }
}
static void fit_colours(Colours *p, const real *x, long n, int C) {
    double *cov = (double *)sb_calloc((size_t)(C * C + 3 * C + C), sizeof *cov), *next = cov + C * C;
    p->C = C;
    p->mean = (double *)sb_calloc((size_t)(4 * C), sizeof(double)), p->axis = p->mean + C;
    for (long i = 0; i < n; i++)
        for (int c = 0; c < C; c++) p->mean[c] += x[i * C + c] / (double)n;
    for (long i = 0; i < n; i++)
        for (int a = 0; a < C; a++)
            for (int b = 0; b < C; b++)
                cov[a * C + b] += (x[i * C + a] - p->mean[a]) * (x[i * C + b] - p->mean[b]) / (double)n;
    for (int i = 0; i < 3 * C; i++) p->axis[i] = (double)(sb_hash(3, (uint64_t)i) >> 40) / 16777216.0 - .5;
    for (int it = 0; it < 200; it++) {
        for (int k = 0; k < 3; k++)
            for (int a = 0; a < C; a++) next[k * C + a] = dot(cov + a * C, p->axis + k * C, C);
        for (int k = 0; k < 3; k++) {
            p->spread[k] = sqrt(sqrt(dot(next + k * C, next + k * C, C)));
            orthogonalise(next, k, C);
        }
        memcpy(p->axis, next, (size_t)(3 * C) * sizeof *next);
    }
    free(cov);
}
// Colours [n][3] of n rows: mean grey, 1.8 deviations to either end.
static void colour_rows(const Colours *p, unsigned char *rgb, const real *x, int n) {
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 3; k++) {
            double s = 0;
            for (int c = 0; c < p->C; c++) s += p->axis[k * p->C + c] * (x[(long)i * p->C + c] - p->mean[c]);
            rgb[3 * i + k] = (unsigned char)(sb_clamp(.5 + s / (3.6 * p->spread[k] + 1e-12), 0, 1) * 255 + .5);
        }
}
// dst [side][side][3] at column x of rows `width` wide = src [n][n][3] in squares.
static void enlarge(unsigned char *dst, int width, int x, int side, const unsigned char *src, int n) {
    for (int y = 0; y < side; y++)
        for (int i = 0; i < side; i++)
            memcpy(dst + 3 * ((size_t)y * (size_t)width + (size_t)(x + i)), src + 3 * (y * n / side * n + i * n / side), 3);
}
static void run_features(const Options *o) {
    enum { SIDE = 384 };
    static Encoder e;
    static Picture p;
    Colours colours;
    Views v;
    open_encoder(&e, o, o->model, "boost", 1);
    open_picture(&p, o, &e.model.config);
    const SbConfig *c = &e.model.config;
    views_alloc(&v, c, 1);
    memcpy(v.rgb, p.rgb, (size_t)(c->image * c->image * 3));
    real *x = (real *)sb_calloc((size_t)v.patches * (size_t)c->enc_width, sizeof *x);
    unsigned char *rgb = (unsigned char *)sb_calloc((size_t)v.patches, 3);
    unsigned char *both = (unsigned char *)sb_calloc(2 * SIDE * SIDE, 3);
    encode(&e, &v, 0, 1, NULL, x);
    fit_colours(&colours, x, v.patches, c->enc_width);
    colour_rows(&colours, rgb, x, v.patches);
    enlarge(both, 2 * SIDE, 0, SIDE, p.rgb, c->image);
    enlarge(both, 2 * SIDE, SIDE, SIDE, rgb, c->image / c->patch);
    sb_png_write(o->png, both, 2 * SIDE, SIDE);
    printf("%s: the picture, and the first three principal components of %s's features\n", o->png, e.path);
    views_free(&v), free(x), free(rgb), free(both), free(colours.mean);
}

// ---- command line

typedef struct { const char *name; int bit; void (*run)(const Options *); const char *help; } What;
static const What whats[] = {
    {"probe", PROBE, run_probe, "linear probes on frozen features of rooms never seen: DIR/probe.csv"},
    {"questions", QUESTIONS, run_questions, "how often the answers are right, by type of question: DIR/questions.csv"},
    {"ask", ASK, run_ask, "type questions about a picture; see the answers and where the model looked"},
    {"features", FEATURES, run_features, "a picture and its features as colours: a PNG"},
};
enum { WHATS = sizeof whats / sizeof *whats };

static void print_usage(void) {
    printf("usage: ./eval WHAT [flags]\n\n");
    for (int i = 0; i < WHATS; i++) printf("  %-10s %s\n", whats[i].name, whats[i].help);
    printf("\n./eval WHAT --help lists the flags and their defaults.\n");
}
int main(int argc, char **argv) {
    const What *w = NULL;
    Options o;
    SbFlag flag[40];
    int flags = 0;
    for (int i = 0; argc > 1 && i < WHATS; i++) if (!strcmp(argv[1], whats[i].name)) w = whats + i;
    if (!w) {
        print_usage();
        if (argc > 1 && strcmp(argv[1], "--help") && strcmp(argv[1], "-h")) sb_die("nothing is called %s", argv[1]);
        return argc < 2;
    }
#define X(what, kind, type, name, start, hint, low, high, help) \
    o.name = start; \
    if ((what) & w->bit) flag[flags++] = sb_flag(#name, hint, SB_FLAG_##kind, &o.name, low, high, help);
    EVAL_OPTIONS(X)
#undef X
    char *usage = sb_format("usage: ./eval %s [flags]\n%s", w->name, w->help);
    sb_flags_parse(flag, flags, argc, argv, 2, usage, NULL, 0);
    free(usage);
    w->run(&o);
    return 0;
}
