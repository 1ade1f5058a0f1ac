// probe_pose.h: how far two views' features tell how the camera moved between them. Include spatialboost.h
// first.
//
// Each view's patches are averaged to SB_POSE_CELLS x SB_POSE_CELLS cells; what a pair is known by are the
// cosines of every cell of one with every cell of the other, less the mean of both: where what one shows is
// found in the other. A ridge map reads the motion off them: a quaternion and a translation, of the second
// camera's axes (sb_relative_pose). Concatenated or subtracted features do not tell it to a linear map, which
// cannot compare (dev/NOTEBOOK.md).
// Refuses: an error without that of the mean motion of the pairs that it was fitted on; scenes of which none
// are left to fit or to report on. Read from top: motions, features of a pair, pairs, the fit, one encoder.
#ifndef SB_PROBE_POSE_H
#define SB_PROBE_POSE_H
#include "probe_points.h"

// ---- motions: a unit quaternion (w >= 0, last), a translation in metres

enum { SB_MOTION = 7, SB_POSE_CELLS = 4, SB_POSE_WIDTH = 256, SB_POSE_AT_ONCE = SB_PROBE_CHUNK / 2 };
#define SB_POSE_DECAY 1e-2
#define SB_POSE_STILL 0.01          // metres: a shorter translation has no direction

static SB_UNUSED void sb_motion(real y[SB_MOTION], const SbView *a, const SbView *b) {
    double m[12], e[16], q[4];
    sb_relative_pose(a->pose, b->pose, m);
    for (int i = 0; i < 9; i++) e[i / 3 * 4 + i % 3] = m[i];
    sb_pose_quaternion(q, e);
    for (int i = 0; i < SB_MOTION; i++) y[i] = (real)(i < 4 ? q[i] : m[9 + i - 4]);
}
// Degrees between two directions [n] of any lengths but 0; of quaternions half the angle of the rotation that
// carries one into the other.
static double sb_degrees_apart(const real *a, const real *b, int n) {
    double u = 0, v = 0, off = 0, sum = 0;
    for (int i = 0; i < n; i++) u += (double)a[i] * a[i], v += (double)b[i] * b[i];
    u = 1 / sqrt(fmax(u, 1e-300)), v = 1 / sqrt(fmax(v, 1e-300));
    for (int i = 0; i < n; i++) off += pow(u * a[i] - v * b[i], 2), sum += pow(u * a[i] + v * b[i], 2);
    return 2 * atan2(sqrt(off), sqrt(sum)) * 180 / 3.14159265358979323846;
}
static double sb_metres(const real *t) { return hypot(hypot(t[0], t[1]), t[2]); }
// Sums of one pair: what a motion that was said is off by, and what the mean motion is.
static SB_UNUSED void sb_motion_errors(double *sum, const real *truth, const real *said, const real *mean) {
    real off[3], usual[3];
    for (int i = 0; i < 3; i++) off[i] = said[4 + i] - truth[4 + i], usual[i] = mean[4 + i] - truth[4 + i];
    double turn = 2 * sb_degrees_apart(said, truth, 4), still = 2 * sb_degrees_apart(mean, truth, 4);
    sum[SB_SUM_MOVED] = 1;
    sum[SB_SUM_TURN] = fmin(turn, 360 - turn), sum[SB_SUM_MEAN_TURN] = fmin(still, 360 - still);
    sum[SB_SUM_SHIFT] = sb_metres(off), sum[SB_SUM_MEAN_SHIFT] = sb_metres(usual);
    sum[SB_SUM_SHIFTED] = sb_metres(truth + 4) > SB_POSE_STILL;
    if (sum[SB_SUM_SHIFTED] > 0) sum[SB_SUM_DIRECTION] = sb_degrees_apart(said + 4, truth + 4, 3);
}

// ---- features of a pair

// x [SB_POSE_WIDTH] of the patches [grid * grid][C] of two views.
static SB_UNUSED void sb_pose_feature(real *x, const real *a, const real *b, int grid, int C) {
    enum { CELLS = SB_POSE_CELLS * SB_POSE_CELLS };
    int P = grid * grid, count[CELLS] = {0};
    real *u = (real *)sb_calloc((size_t)(4 * CELLS) * (size_t)C, sizeof *u), *unit = u + 2 * CELLS * (long)C;
    double *mean = (double *)sb_calloc((size_t)C, sizeof *mean);
    for (int p = 0; p < P; p++) {
        int cell = p / grid * SB_POSE_CELLS / grid * SB_POSE_CELLS + p % grid * SB_POSE_CELLS / grid;
        count[cell]++;
        real *ua = u + cell * (long)C, *ub = ua + CELLS * (long)C;
        const real *pa = a + p * (long)C, *pb = b + p * (long)C;
        for (int c = 0; c < C; c++)
            ua[c] += pa[c], ub[c] += pb[c], mean[c] += ((double)pa[c] + pb[c]) / (2 * P);
    }
    for (long i = 0; i < 2 * CELLS * (long)C; i++) u[i] /= (real)sb_lmax(count[i / C % CELLS], 1);
    sb_directions(unit, u, mean, 2 * CELLS, C);
    SB_CPU sb_matmul(CELLS, CELLS, C, unit, C, 1, unit + CELLS * (long)C, SB_NATIVE, 1, C, x, CELLS, 0);
    free(u), free(mean);
}

// ---- pairs of views

// y [n][SB_MOTION]; pictures rgb [2 n], squares of the encoder's size; own: to be freed.
typedef struct { int n, own; unsigned char **rgb; real *y; } SbPosePairs;

static SB_UNUSED void sb_pose_add(SbPosePairs *p, const SbView *a, const SbView *b, unsigned char *rgb_a,
                                  unsigned char *rgb_b) {
    size_t n = (size_t)++p->n;
    p->rgb = (unsigned char **)sb_realloc(p->rgb, 2 * n * sizeof *p->rgb);
    p->y = (real *)sb_realloc(p->y, n * SB_MOTION * sizeof *p->y);
    p->rgb[2 * n - 2] = rgb_a, p->rgb[2 * n - 1] = rgb_b;
    sb_motion(p->y + (n - 1) * SB_MOTION, a, b);
}
static SB_UNUSED void sb_pose_free(SbPosePairs *p) {
    for (int i = 0; p->own && i < 2 * p->n; i++) free(p->rgb[i]);
    free(p->rgb), free(p->y);
}
// Rooms 0 .. n - 1 of a pool, two views of each, of which 30 to 80 % overlap.
static void sb_pose_rooms(SbPosePairs *p, const SbConfig *c, int pool, int n) {
    enum { AT_ONCE = 64 };
    static SbSample slot[AT_ONCE];
    SbSource source;
    p->own = 1;
    sb_source_init(&source, c, SB_TASK_GEOMETRY, pool, "rec", 2, 0);
    for (int first = 0; first < n; first += AT_ONCE) {
        int k = sb_min(AT_ONCE, n - first);
        sb_source_samples(&source, slot, k, (uint64_t)first);
        for (int i = 0; i < k; i++) {
            const SbView *const *v = slot[i].view;
            sb_pose_add(p, v[0], v[1], sb_square(v[0]->rgb, v[0]->w, v[0]->h, c->image),
                        sb_square(v[1]->rgb, v[1]->w, v[1]->h, c->image));
        }
    }
}
// Pairs of views of scenes: those of every other scene are reported on.
static void sb_pose_scenes(SbPosePairs *fit, SbPosePairs *test, const SbLifting *l) {
    for (int i = 0; i < l->pairs; i++) {
        const SbViewPair *p = l->pair + i;
        const SbView *v = l->source.scene[p->scene].view;
        unsigned char **rgb = l->source.picture + l->first[p->scene];
        sb_pose_add(p->scene % 2 ? test : fit, v + p->a, v + p->b, rgb[p->a], rgb[p->b]);
    }
    if (!fit->n || !test->n)
        sb_die("%s: %d pairs of views to fit on, %d to report on; every other scene is reported on, and a "
               "pair must show %.0f %% of each other", l->folder, fit->n, test->n, 100 * SB_SEEN);
}

// ---- the fit

static SB_UNUSED void sb_pose_fit(SbLinear *map, const real *x, const real *y, long n, int C, double decay) {
    enum { ROWS = 1024 };
    SbMoments m;
    sb_moments_make(&m, C, SB_MOTION);
    for (long i = 0; i < n; i += ROWS)
        sb_moments_add(&m, x + i * C, y + i * SB_MOTION, sb_lmin(ROWS, n - i));
    sb_ridge(map, &m, decay);
    sb_moments_free(&m);
}
static SB_UNUSED void sb_pose_mean(real mean[SB_MOTION], const real *y, long n) {
    double sum[SB_MOTION] = {0};
    for (long i = 0; i < n * SB_MOTION; i++) sum[i % SB_MOTION] += y[i];
    for (int k = 0; k < SB_MOTION; k++) mean[k] = (real)(sum[k] / (double)n);
}
// x [n][SB_POSE_WIDTH] of pairs.
static real *sb_pose_features(SbServed *e, const SbPosePairs *p) {
    const SbConfig *c = &e->model.config;
    int grid = c->image / c->patch, C = c->enc_width;
    long each = (long)grid * grid * C;
    real *x = (real *)sb_calloc((size_t)p->n * SB_POSE_WIDTH, sizeof *x);
    real *patch = (real *)sb_calloc((size_t)(2 * SB_POSE_AT_ONCE * each), sizeof *patch);
    for (int first = 0; first < p->n; first += SB_POSE_AT_ONCE) {
        SbShot shot[2 * SB_POSE_AT_ONCE];
        int n = sb_min(SB_POSE_AT_ONCE, p->n - first);
        for (int i = 0; i < 2 * n; i++) {
            SbShot one = {p->rgb[2 * first + i], c->image, c->image};
            shot[i] = one;
        }
        sb_encode_shots(e, shot, 2 * n, 1, NULL, patch);
        for (int i = 0; i < n; i++)
            sb_pose_feature(x + (long)(first + i) * SB_POSE_WIDTH, patch + 2 * i * each,
                            patch + (2 * i + 1) * each, grid, C);
    }
    free(patch);
    return x;
}

// ---- one encoder

// Fit on the pairs of fit, report on those of test.
static SB_UNUSED void sb_probe_pose(SbProbeResult *r, SbServed *e, const SbPosePairs *fit,
                                    const SbPosePairs *test) {
    SbLinear map;
    real mean[SB_MOTION], *x = sb_pose_features(e, fit), *z = sb_pose_features(e, test);
    real *said = (real *)sb_calloc((size_t)test->n * SB_MOTION, sizeof *said);
    r->n = test->n;
    r->image = (SbProbed *)sb_calloc((size_t)r->n, sizeof *r->image);
    sb_pose_fit(&map, x, fit->y, fit->n, SB_POSE_WIDTH, SB_POSE_DECAY);
    sb_pose_mean(mean, fit->y, fit->n);
    sb_linear_apply(&map, said, z, test->n);
    for (long i = 0; i < test->n; i++)
        sb_motion_errors(r->image[i].sum, test->y + i * SB_MOTION, said + i * SB_MOTION, mean);
    free(x), free(z), free(said), sb_linear_free(&map);
}
// Pairs of rooms or, if they are named, of scenes; all encoders.
static SB_UNUSED void sb_probe_poses(SbProbeResult *result, SbServed *e, const SbProbeFlags *o, int *fitted,
                                     int *n) {
    const SbServed *base = e + SB_PROBED_BASE;
    const SbConfig *c = &base->model.config;
    SbPosePairs fit = {0, 0, NULL, NULL}, test = {0, 0, NULL, NULL};
    static SbLifting l;
    if (o->scenes) {
        sb_lifting_open(&l, c, o), sb_pose_scenes(&fit, &test, &l);
    } else {
        sb_pose_rooms(&fit, c, SB_POOL_PROBE, o->fit ? o->fit : base->served ? 1000 : 4000);
        sb_pose_rooms(&test, c, o->tune ? SB_POOL_TUNE : SB_POOL_TEST, o->images ? o->images : 1000);
    }
    printf("probe: pose: %d pairs of views to fit on, %d to report on\n", fit.n, test.n);
    for (int k = 0; k < SB_PROBED; k++)
        if (e[k].path) sb_probe_pose(result + k, e + k, &fit, &test);
    *fitted = fit.n, *n = test.n;
    sb_pose_free(&fit), sb_pose_free(&test);
}
#endif
