// fit.h: small exact fits to rows of numbers: ridge, logistic regression, bins of depth, nearest neighbours,
// principal components. Include spatialboost.h first: its matmul does the work.
//
// Refuses: models, files, results that hang on the number of threads (sums are cut into fixed parts, added in
// order). Rows are features [n][C] as an encoder gives them; what standardising them needs is folded into the
// result, which applies to features as they are.
// Read from top: linear maps, ridge, logistic regression, neighbours, principal components as colours.
#ifndef SB_FIT_H
#define SB_FIT_H
#include "file.h"
#ifndef SB_CPU                          // train.cu names the namespace of the CPU's operations
#define SB_CPU
#endif

// ---- linear maps

// y [out] = w x + b, w [out][in].
typedef struct { int in, out; real *w, *b; } SbLinear;

static SB_UNUSED void sb_linear_make(SbLinear *l, int in, int out) {
    l->in = in, l->out = out;
    l->w = (real *)sb_calloc((size_t)in * (size_t)out, sizeof(real));
    l->b = (real *)sb_calloc((size_t)out, sizeof(real));
}
static SB_UNUSED void sb_linear_free(SbLinear *l) { free(l->w), free(l->b); }

// y [n][out] of x [n][in].
static SB_UNUSED void sb_linear_apply(const SbLinear *l, real *y, const real *x, long n) {
    SB_CPU sb_matmul((int)n, l->out, l->in, x, l->in, 1, l->w, SB_NATIVE, 1, l->in, y, l->out, 0);
    for (long i = 0; i < n; i++)
        for (int k = 0; k < l->out; k++) y[i * l->out + k] += l->b[k];
}
static SB_UNUSED int sb_argmax(const real *x, int n) {
    int best = 0;
    for (int i = 1; i < n; i++) if (x[i] > x[best]) best = i;
    return best;
}
static SB_UNUSED double sb_dot(const double *a, const double *b, int n) {
    double s = 0;
    for (int i = 0; i < n; i++) s += a[i] * b[i];
    return s;
}

// ---- ridge regression

// Sums over rows from which it follows, in double: x [C], x x^T [C][C], y [K], y x^T [K][C].
typedef struct { int C, K; double n, *x, *xx, *y, *yx; real *scratch; } SbMoments;

static SB_UNUSED void sb_moments_make(SbMoments *m, int C, int K) {
    m->C = C, m->K = K, m->n = 0;
    m->x = (double *)sb_calloc((size_t)(C + C * C + K + K * C), sizeof(double));
    m->xx = m->x + C, m->y = m->xx + C * C, m->yx = m->y + K;
    m->scratch = (real *)sb_calloc((size_t)(C * C + K * C), sizeof(real));
}
static SB_UNUSED void sb_moments_free(SbMoments *m) { free(m->x), free(m->scratch); }

// Add n rows; a few thousand at a time keep the products' sums in `real` exact enough.
static SB_UNUSED void sb_moments_add(SbMoments *m, const real *x, const real *y, long n) {
    int C = m->C, K = m->K;
    real *xx = m->scratch, *yx = xx + C * C;
    SB_CPU sb_matmul(C, C, (int)n, x, 1, C, x, SB_NATIVE, C, 1, xx, C, 0);
    SB_CPU sb_matmul(K, C, (int)n, y, 1, K, x, SB_NATIVE, C, 1, yx, C, 0);
    for (int i = 0; i < C * C; i++) m->xx[i] += xx[i];
    for (int i = 0; i < K * C; i++) m->yx[i] += yx[i];
    for (long i = 0; i < n; i++) {
        for (int c = 0; c < C; c++) m->x[c] += x[i * C + c];
        for (int k = 0; k < K; k++) m->y[k] += y[i * K + k];
    }
    m->n += (double)n;
}
// Solve A X = B for K right-hand sides b [K][n], in place, by Cholesky's factor of a [n][n], symmetric and
// positive definite, which is destroyed.
static SB_UNUSED void sb_solve(double *a, double *b, int n, int K) {
    for (int j = 0; j < n; j++)
        for (int i = j; i < n; i++) {
            double s = a[i * n + j] - sb_dot(a + i * n, a + j * n, j);
            a[i * n + j] = i == j ? sqrt(s > 1e-300 ? s : 1e-300) : s / a[j * n + j];
        }
    for (double *x = b; x < b + (size_t)K * (size_t)n; x += n) {
        for (int i = 0; i < n; i++) x[i] = (x[i] - sb_dot(a + i * n, x, i)) / a[i * n + i];
        for (int i = n - 1; i >= 0; i--) {
            for (int k = i + 1; k < n; k++) x[i] -= a[k * n + i] * x[k];
            x[i] /= a[i * n + i];
        }
    }
}
// The minimum over W, b of mean |W u + b - y|^2 + lambda |W|^2, u the standardised features.
static SB_UNUSED void sb_ridge(SbLinear *out, const SbMoments *m, double lambda) {
    int C = m->C, K = m->K;
    double n = m->n > 0 ? m->n : 1, *a = (double *)sb_calloc((size_t)(C * C + K * C + 2 * C), sizeof *a);
    double *b = a + C * C, *mean = b + K * C, *sd = mean + C;
    sb_linear_make(out, C, K);
    for (int i = 0; i < C; i++) {
        mean[i] = m->x[i] / n;
        sd[i] = sqrt(fmax(m->xx[i * C + i] / n - mean[i] * mean[i], 0)) + 1e-6;
    }
    for (int i = 0; i < C; i++)
        for (int j = 0; j < C; j++)
            a[i * C + j] = (m->xx[i * C + j] / n - mean[i] * mean[j]) / (sd[i] * sd[j]) + lambda * (i == j);
    for (int k = 0; k < K; k++)
        for (int j = 0; j < C; j++) b[k * C + j] = (m->yx[k * C + j] - m->y[k] * mean[j]) / n / sd[j];
    sb_solve(a, b, C, K);
    for (int k = 0; k < K; k++) {
        double bias = m->y[k] / n;
        for (int j = 0; j < C; j++) {
            bias -= b[k * C + j] / sd[j] * mean[j];
            out->w[k * C + j] = (real)(b[k * C + j] / sd[j]);
        }
        out->b[k] = (real)bias;
    }
    free(a);
}

// ---- a linear map under a softmax, or under bins of depth, by L-BFGS

// The minimum over theta [K][C+1] (weights on the standardised features u, then the bias) of L + decay |W|^2.
// Standardised: what batch normalisation in front of the map comes to. Of labels y:
//     L = mean -log softmax(W u + b)[y]                                      multinomial logistic regression
// Of depths z, K bins with centres c from low to high (DINOv2's linear head for depth; its loss: SigLoss):
//     p = max(W u + b, 0) + .1   d = sum p c / sum p   g = log d - log z   L = mean g^2 - .85 (mean g)^2
typedef struct {
    const real *x;              // [n][C]
    const int *y;               // [n] 0..K-1; or
    const real *z;              // [n] metres
    long n;
    int C, K;
    double decay, *mean, *sd;   // [C] of the features
    double *part;               // [parts][K*(C+1) + 1] gradient and loss of fixed parts of the rows
    double low, high, off;      // bins; off: mean g of the map that is tried
} SbLogistic;
enum { SB_LOGISTIC_ROWS = 2048, SB_LOGISTIC_PARTS = 64 };
#define SB_BIN_FLOOR 0.1
#define SB_BIN_SCALE 0.85

static double sb_bin(const SbLogistic *g, int k) {
    return g->K > 1 ? g->low + (g->high - g->low) * k / (g->K - 1) : g->low;
}
// The depth d that logits [K] mean; *sum: of p.
static double sb_bins_depth(const SbLogistic *g, const real *logit, double *sum) {
    double depth = *sum = 0;
    for (int k = 0; k < g->K; k++) {
        double p = (logit[k] > 0 ? logit[k] : 0) + SB_BIN_FLOOR;
        *sum += p, depth += p * sb_bin(g, k);
    }
    return depth / *sum;
}
// The loss of rows first .. first + n - 1, summed; their logits p [n][K] become its gradient. Bins: g^2.
static double sb_logistic_rows(const SbLogistic *g, real *p, long first, int n) {
    int K = g->K;
    double loss = 0, all;
    for (int i = 0; i < n; i++) {
        real *row = p + (long)i * K;
        if (g->z) {
            double d = sb_bins_depth(g, row, &all), off = log(d / g->z[first + i]);
            double scale = 2 * (off - SB_BIN_SCALE * g->off) / (all * d);
            for (int k = 0; k < K; k++) row[k] = row[k] > 0 ? (real)(scale * (sb_bin(g, k) - d)) : 0;
            loss += off * off;
            continue;
        }
        int right = g->y[first + i];
        real most = row[sb_argmax(row, K)], sum = 0, logit = row[right];
        for (int k = 0; k < K; k++) row[k] = SB_CPU sb_exp(row[k] - most), sum += row[k];
        for (int k = 0; k < K; k++) row[k] /= sum;
        loss += log((double)sum) + most - logit;
        row[right] -= 1;
    }
    return loss;
}
// Gradient with respect to W on the features as they are, and to b, then the loss: summed over n rows.
static SB_UNUSED void sb_logistic_part(const SbLogistic *g, const SbLinear *l, long first, int n,
                                       double *part) {
    int C = g->C, K = g->K;
    const real *x = g->x + first * C;
    real *p = (real *)sb_calloc((size_t)n * (size_t)K + (size_t)(K * C), sizeof *p), *w = p + (long)n * K;
    memset(part, 0, (size_t)(K * (C + 1) + 1) * sizeof *part);
    sb_linear_apply(l, p, x, n);
    part[K * (C + 1)] = sb_logistic_rows(g, p, first, n);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < K; k++) part[k * (C + 1) + C] += p[(long)i * K + k];
    SB_CPU sb_matmul(K, C, n, p, 1, K, x, SB_NATIVE, C, 1, w, C, 0);
    for (int k = 0; k < K; k++)
        for (int c = 0; c < C; c++) part[k * (C + 1) + c] = w[k * C + c];
    free(p);
}
// theta as a map of the features as they are.
static SB_UNUSED void sb_logistic_fold(const SbLogistic *g, const double *theta, SbLinear *l) {
    for (int k = 0; k < g->K; k++) {
        const double *t = theta + k * (g->C + 1);
        double bias = t[g->C];
        for (int c = 0; c < g->C; c++) {
            bias -= t[c] * g->mean[c] / g->sd[c];
            l->w[k * g->C + c] = (real)(t[c] / g->sd[c]);
        }
        l->b[k] = (real)bias;
    }
}
// Rows of a part: as many that memory holds the parts' sums.
static long sb_logistic_size(long n) {
    long parts = (n + SB_LOGISTIC_ROWS - 1) / SB_LOGISTIC_ROWS;
    return SB_LOGISTIC_ROWS * ((parts + SB_LOGISTIC_PARTS - 1) / SB_LOGISTIC_PARTS);
}
// Mean g of bins under the map l.
static double sb_bins_off(const SbLogistic *g, const SbLinear *l) {
    double off = 0, all;
    real *p = (real *)sb_calloc((size_t)SB_LOGISTIC_ROWS * (size_t)g->K, sizeof *p);
    for (long first = 0; first < g->n; first += SB_LOGISTIC_ROWS) {
        long n = sb_lmin(SB_LOGISTIC_ROWS, g->n - first);
        sb_linear_apply(l, p, g->x + first * g->C, n);
        for (long i = 0; i < n; i++) off += log(sb_bins_depth(g, p + i * g->K, &all) / g->z[first + i]);
    }
    free(p);
    return off / (double)g->n;
}
static SB_UNUSED double sb_logistic_loss(SbLogistic *g, const double *theta, double *grad, SbLinear *l) {
    int C = g->C, K = g->K, size = K * (C + 1);
    long each = sb_logistic_size(g->n), parts = (g->n + each - 1) / each;
    double loss = 0, n = (double)g->n;
    sb_logistic_fold(g, theta, l);
    if (g->z) g->off = sb_bins_off(g, l), loss = -SB_BIN_SCALE * g->off * g->off;
#pragma omp parallel for schedule(dynamic)
    for (long i = 0; i < parts; i++)
        sb_logistic_part(g, l, i * each, (int)sb_lmin(each, g->n - i * each), g->part + i * (size + 1));
    memset(grad, 0, (size_t)size * sizeof *grad);
    for (long i = 0; i < parts; i++) {
        const double *part = g->part + i * (size + 1);
        for (int j = 0; j < size; j++) grad[j] += part[j] / n;
        loss += part[size] / n;
    }
    for (int k = 0; k < K; k++) {
        double *gk = grad + k * (C + 1);
        const double *t = theta + k * (C + 1);
        for (int c = 0; c < C; c++) {
            gk[c] = (gk[c] - gk[C] * g->mean[c]) / g->sd[c] + 2 * g->decay * t[c];
            loss += g->decay * t[c] * t[c];
        }
    }
    return loss;
}

// Pairs of steps and changes of the gradient, newest first; rho = 1 / (s . y).
enum { SB_LBFGS_PAIRS = 10 };
typedef struct {
    int size, pairs;
    double *s[SB_LBFGS_PAIRS], *y[SB_LBFGS_PAIRS], rho[SB_LBFGS_PAIRS];
} SbLbfgs;

// d = -H grad by the two loops over the pairs (Nocedal and Wright, algorithm 7.4).
static SB_UNUSED void sb_lbfgs_direction(const SbLbfgs *q, const double *grad, double *d) {
    int n = q->size;
    double a[SB_LBFGS_PAIRS], scale = q->pairs ? 1 / (q->rho[0] * sb_dot(q->y[0], q->y[0], n)) : 1;
    for (int i = 0; i < n; i++) d[i] = -grad[i];
    for (int k = 0; k < q->pairs; k++) {
        a[k] = q->rho[k] * sb_dot(q->s[k], d, n);
        for (int i = 0; i < n; i++) d[i] -= a[k] * q->y[k][i];
    }
    for (int i = 0; i < n; i++) d[i] *= scale;
    for (int k = q->pairs - 1; k >= 0; k--) {
        double b = q->rho[k] * sb_dot(q->y[k], d, n);
        for (int i = 0; i < n; i++) d[i] += q->s[k][i] * (a[k] - b);
    }
}
// Keep the pair (t1 - t0, g1 - g0), unless the curvature along it is not positive.
static SB_UNUSED void sb_lbfgs_push(SbLbfgs *q, const double *t0, const double *t1, const double *g0,
                                    const double *g1) {
    int last = SB_LBFGS_PAIRS - 1;
    double *s = q->s[last], *y = q->y[last];
    for (int i = 0; i < q->size; i++) s[i] = t1[i] - t0[i], y[i] = g1[i] - g0[i];
    double sy = sb_dot(s, y, q->size);
    if (sy <= 1e-10 * sb_dot(y, y, q->size)) return;
    for (int k = last; k > 0; k--) q->s[k] = q->s[k - 1], q->y[k] = q->y[k - 1], q->rho[k] = q->rho[k - 1];
    q->s[0] = s, q->y[0] = y, q->rho[0] = 1 / sy;
    if (q->pairs < last) q->pairs++;
}
static SB_UNUSED void sb_logistic_minimise(SbLinear *out, SbLogistic *g, int iterations) {
    int size = g->K * (g->C + 1);
    size_t bytes = (size_t)size * sizeof(double);
    SbLbfgs q;
    memset(&q, 0, sizeof q);
    q.size = size;
    double *theta = (double *)sb_calloc((size_t)size * (5 + 2 * SB_LBFGS_PAIRS), sizeof *theta);
    double *grad = theta + size, *d = grad + size, *next = d + size, *next_grad = next + size;
    for (int k = 0; k < SB_LBFGS_PAIRS; k++)
        q.s[k] = next_grad + (size_t)(1 + 2 * k) * (size_t)size, q.y[k] = q.s[k] + size;
    for (int k = 0; g->z && k < g->K; k++) theta[k * (g->C + 1) + g->C] = 1;    // at 0 no bin has a slope
    double loss = sb_logistic_loss(g, theta, grad, out);
    for (int it = 0; it < iterations; it++) {
        sb_lbfgs_direction(&q, grad, d);
        double slope = sb_dot(grad, d, size), step = q.pairs ? 1 : fmin(1, 1 / sqrt(fmax(-slope, 1e-300)));
        double tried = loss;
        if (slope > -1e-12) break;
        for (int halved = 0; halved < 20; halved++, step /= 2) {
            for (int i = 0; i < size; i++) next[i] = theta[i] + step * d[i];
            tried = sb_logistic_loss(g, next, next_grad, out);
            if (tried <= loss + 1e-4 * step * slope) break;
        }
        if (!(tried < loss)) break;
        sb_lbfgs_push(&q, theta, next, grad, next_grad);
        memcpy(theta, next, bytes), memcpy(grad, next_grad, bytes);
        loss = tried;
    }
    sb_logistic_fold(g, theta, out);
    free(theta);
}
static void sb_logistic_fit(SbLinear *out, SbLogistic *g, int iterations) {
    int C = g->C, K = g->K;
    long n = g->n, each = sb_logistic_size(n), parts = n ? (n + each - 1) / each : 0;
    double *mean = (double *)sb_calloc((size_t)(2 * C + parts * (K * (C + 1) + 1)), sizeof *mean);
    double *sd = mean + C;
    g->mean = mean, g->sd = sd, g->part = sd + C;
    for (long i = 0; i < n; i++)
        for (int c = 0; c < C; c++) mean[c] += g->x[i * C + c] / (double)n;
    for (long i = 0; i < n; i++)
        for (int c = 0; c < C; c++)
            sd[c] += (g->x[i * C + c] - mean[c]) * (g->x[i * C + c] - mean[c]) / (double)n;
    for (int c = 0; c < C; c++) sd[c] = sqrt(sd[c]) + 1e-6;
    sb_linear_make(out, C, K);
    if (n) sb_logistic_minimise(out, g, iterations);
    free(mean);
}
// Fit to n rows x [n][C] with labels y 0..K-1.
static SB_UNUSED void sb_logistic(SbLinear *out, const real *x, const int *y, long n, int C, int K,
                                  double decay, int iterations) {
    SbLogistic g = {x, y, NULL, n, C, K, decay, NULL, NULL, NULL, 0, 0, 0};
    sb_logistic_fit(out, &g, iterations);
}
// The same under the decay, of 1e-6, 1e-5 .. 1, that labels best every tenth row when it is fitted to the
// others; returns it.
static SB_UNUSED double sb_logistic_chosen(SbLinear *out, const real *x, const int *y, long n, int C, int K,
                                           int iterations) {
    long fit = 0, held = 0;
    double best = 1e-3, most = -1;
    real *a = (real *)sb_calloc((size_t)n * (size_t)(C + K), sizeof *a), *logit = a + n * C;
    int *label = (int *)sb_calloc((size_t)n, sizeof *label);
    for (long i = 0; i < n; i++) {
        long at = i % 10 == 9 ? n - ++held : fit++;
        memcpy(a + at * C, x + i * C, (size_t)C * sizeof *a), label[at] = y[i];
    }
    for (int k = -6; held && k <= 0; k++) {
        SbLinear l;
        double right = 0;
        sb_logistic(&l, a, label, fit, C, K, pow(10, k), iterations);
        sb_linear_apply(&l, logit, a + fit * C, held);
        for (long i = 0; i < held; i++) right += sb_argmax(logit + i * K, K) == label[fit + i];
        if (right >= most) most = right, best = pow(10, k);
        sb_linear_free(&l);
    }
    sb_logistic(out, x, y, n, C, K, best, iterations);
    free(a), free(label);
    return best;
}
// Fit K bins from low to high to n rows with depths z > 0.
static SB_UNUSED void sb_bins(SbLinear *out, const real *x, const real *z, long n, int C, int K, double low,
                              double high, double decay, int iterations) {
    SbLogistic g = {x, NULL, z, n, C, K, decay, NULL, NULL, NULL, low, high, 0};
    sb_logistic_fit(out, &g, iterations);
}
// Depths [n] of x [n][C]; logit [n][K] is overwritten.
static SB_UNUSED void sb_bins_apply(const SbLinear *l, double low, double high, real *depth, real *logit,
                                    const real *x, long n) {
    SbLogistic g = {NULL, NULL, NULL, n, l->in, l->out, 0, NULL, NULL, NULL, low, high, 0};
    double all;
    sb_linear_apply(l, logit, x, n);
    for (long i = 0; i < n; i++) depth[i] = (real)sb_bins_depth(&g, logit + i * l->out, &all);
}

// ---- nearest neighbours

enum { SB_NEAREST_MAX = 200 };

// out [n][C] = x - mean, to length 1.
static SB_UNUSED void sb_directions(real *out, const real *x, const double *mean, int n, int C) {
#pragma omp parallel for
    for (int i = 0; i < n; i++) {
        const real *row = x + (long)i * C;
        double sum = 1e-24;
        for (int c = 0; c < C; c++) sum += (row[c] - mean[c]) * (row[c] - mean[c]);
        for (int c = 0; c < C; c++) out[(long)i * C + c] = (real)((row[c] - mean[c]) / sqrt(sum));
    }
}
// The class (0..classes-1) for which the `nearest` (at most SB_NEAREST_MAX) of n rows vote by
// exp(cosine / .07); label -1: no vote.
static SB_UNUSED int sb_neighbours_vote(const real *cosine, const int *label, int n, int classes,
                                        int nearest) {
    int best[SB_NEAREST_MAX], count = 0, winner = 0;
    double *vote = (double *)sb_calloc((size_t)classes, sizeof *vote);
    for (int i = 0; i < n; i++) {
        if (label[i] < 0 || (count == nearest && cosine[i] <= cosine[best[nearest - 1]])) continue;
        int at = count < nearest ? count++ : nearest - 1;
        for (; at > 0 && cosine[best[at - 1]] < cosine[i]; at--) best[at] = best[at - 1];
        best[at] = i;
    }
    for (int i = 0; i < count; i++) vote[label[best[i]]] += exp(cosine[best[i]] / .07);
    for (int k = 1; k < classes; k++) if (vote[k] > vote[winner]) winner = k;
    free(vote);
    return winner;
}

// For qsort: the best score first; of equal ones the lower index.
typedef struct { real score; int index; } SbRanked;
static SB_UNUSED int sb_compare_ranked(const void *a, const void *b) {
    const SbRanked *x = (const SbRanked *)a, *y = (const SbRanked *)b;
    return x->score != y->score ? (x->score < y->score) - (x->score > y->score) : x->index - y->index;
}

// ---- principal components as colours

// The three directions axis [3][C] of largest variance of some rows, their mean, the deviations along them.
typedef struct { int C; double *mean, *axis, spread[3]; } SbColours;

// Row k of v [3][C]: minus its parts along the rows before it, to length 1 (Gram and Schmidt).
static SB_UNUSED void sb_orthogonalise(double *v, int k, int C) {
    for (int j = 0; j <= k; j++) {
        double s = sb_dot(v + j * C, v + k * C, C), scale = 1 / sqrt(s + 1e-300);
        for (int c = 0; c < C; c++)
            v[k * C + c] = j < k ? v[k * C + c] - s * v[j * C + c] : v[k * C + c] * scale;
    }
}
// By orthogonal iteration (Golub and Van Loan, 8.2.4) from fixed numbers.
static SB_UNUSED void sb_colours_fit(SbColours *p, const real *x, long n, int C) {
    SbMoments m;
    real zero = 0;
    double *next = (double *)sb_calloc((size_t)(3 * C), sizeof *next);
    sb_moments_make(&m, C, 1);
    for (long i = 0; i < n; i++) sb_moments_add(&m, x + i * C, &zero, 1);
    p->C = C;
    p->mean = (double *)sb_calloc((size_t)(4 * C), sizeof(double)), p->axis = p->mean + C;
    for (int a = 0; a < C; a++) p->mean[a] = m.x[a] / (double)n;
    for (int a = 0; a < C; a++)
        for (int b = 0; b < C; b++) m.xx[a * C + b] = m.xx[a * C + b] / (double)n - p->mean[a] * p->mean[b];
    SbRandom start = sb_random(3, 0);
    for (int i = 0; i < 3 * C; i++) p->axis[i] = sb_next_unit(&start) - .5;
    for (int it = 0; it < 200; it++) {
        for (int k = 0; k < 3; k++)
            for (int a = 0; a < C; a++) next[k * C + a] = sb_dot(m.xx + a * C, p->axis + k * C, C);
        for (int k = 0; k < 3; k++) {
            p->spread[k] = sqrt(sqrt(sb_dot(next + k * C, next + k * C, C)));
            sb_orthogonalise(next, k, C);
        }
        memcpy(p->axis, next, (size_t)(3 * C) * sizeof *next);
    }
    sb_moments_free(&m), free(next);
}
static SB_UNUSED void sb_colours_free(SbColours *p) { free(p->mean); }

// Colours rgb [n][3] of n rows: the mean is grey, 1.8 deviations away is full or none.
static SB_UNUSED void sb_colours_of(const SbColours *p, unsigned char *rgb, const real *x, int n) {
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 3; k++) {
            double s = 0;
            for (int c = 0; c < p->C; c++) s += p->axis[k * p->C + c] * (x[(long)i * p->C + c] - p->mean[c]);
            s = .5 + s / (3.6 * p->spread[k] + 1e-12);
            rgb[3 * i + k] = (unsigned char)(255 * fmin(fmax(s, 0), 1) + .5);
        }
}
#endif
