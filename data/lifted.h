// lifted.h: features of a view's patches, lifted into space by its depth, and what is known of them there.
//
// A view is sampled on a square of SB_LIFTED x side places; a place's feature is linear between the four
// nearest patch centres, its point lies on the colour camera's ray at the measured depth.
// Refuses: nothing; a place without depth gives no point. Read from top: the points of a view, the
// registration of two views, voxels.
#ifndef SB_LIFTED_H
#define SB_LIFTED_H
#include "pair.h"
#include "rigid.h"
#include "tiles.h"

// ---- the points of a view

enum { SB_LIFTED = 2 };         // places a patch, along an axis
typedef struct {
    int n, C;
    double (*point)[3];         // in the camera's axes, metres
    real *feature;              // [n][C] to length 1
    int *object;                // index of the scene's object, -1: none
} SbLifted;

static SB_UNUSED void sb_lifted_free(SbLifted *l) { free(l->point), free(l->feature), free(l->object); }

// The feature at a share of the picture, to length 1; patch [grid * grid][C].
static void sb_lift_feature(real *out, const real *patch, int grid, int C, double u, double v) {
    SbPlace x = sb_place(u, grid, 0, grid, grid), y = sb_place(v, grid, 0, grid, grid);
    const real *a = patch + ((long)y.first * grid + x.first) * C, *b = a + (long)x.step * C;
    const real *c = a + (long)y.step * grid * C, *d = b + (long)y.step * grid * C;
    double sum = 1e-24;
    for (int k = 0; k < C; k++) {
        double top = a[k] + x.second * (b[k] - a[k]), low = c[k] + x.second * (d[k] - c[k]);
        out[k] = (real)(top + y.second * (low - top)), sum += (double)out[k] * out[k];
    }
    for (int k = 0; k < C; k++) out[k] = (real)(out[k] / sqrt(sum));
}
static SB_UNUSED void sb_lift_view(SbLifted *l, const SbScene *scene, const SbView *view, const real *patch,
                                   int grid, int C) {
    int side = SB_LIFTED * grid;
    size_t room = (size_t)(side * side);
    l->n = 0, l->C = C;
    l->point = (double(*)[3])sb_calloc(room, sizeof *l->point);
    l->feature = (real *)sb_calloc(room * (size_t)C, sizeof *l->feature);
    l->object = (int *)sb_calloc(room, sizeof *l->object);
    for (int i = 0; i < side * side; i++) {
        const SbIntrinsics *k = &view->k, *d = &view->dk;       // a pixel's centre is a whole number
        double u = (i % side + .5) / side, v = (i / side + .5) / side;
        double ray[2] = {(u * view->w - .5 - k->cx) / k->fx, (v * view->h - .5 - k->cy) / k->fy};
        double x = floor(ray[0] * d->fx + d->cx + .5), y = floor(ray[1] * d->fy + d->cy + .5);
        if (!view->depth || !(x >= 0 && y >= 0 && x < view->dw && y < view->dh)) continue;
        size_t at = (size_t)y * (size_t)view->dw + (size_t)x;
        double z = view->depth[at], *point = l->point[l->n];
        if (!(z > 0)) continue;
        point[0] = ray[0] * z, point[1] = ray[1] * z, point[2] = z;
        sb_lift_feature(l->feature + (long)l->n * C, patch, grid, C, u, v);
        l->object[l->n++] = view->mask ? sb_object_index(scene, view->mask[at]) : -1;
    }
}

// ---- the registration of two views

// recalled: the points of a, carried by the found motion, are within
// SB_RECALLED (root mean square) of where the true one carries them; metres and degrees: between the two.
typedef struct { int matches, agree, recalled; double rmse, metres, degrees; } SbRegistered;
#define SB_RECALLED 0.05
#define SB_AGREES 0.1           // metres: two thirds of a patch of 64 pixels at 2 m

static SB_UNUSED SbRegistered sb_register(const SbLifted *a, const SbLifted *b, const double truth[12],
                                          uint64_t seed) {
    SbRegistered r = {0, 0, 0, 0, 0, 0};
    SbRandom random = sb_random(seed, 9);
    int *match = (int *)sb_calloc((size_t)a->n + 1, sizeof *match), n = 0;
    double m[12], trace = 0;
    r.matches = sb_mutual(match, a->feature, a->n, b->feature, b->n, a->C);
    double(*p)[3] = (double(*)[3])sb_calloc((size_t)r.matches + 1, sizeof *p);
    double(*q)[3] = (double(*)[3])sb_calloc((size_t)r.matches + 1, sizeof *q);
    for (int i = 0; i < a->n; i++) {
        if (match[i] < 0) continue;
        memcpy(p[n], a->point[i], sizeof *p), memcpy(q[n++], b->point[match[i]], sizeof *q);
    }
    r.agree = sb_rigid_ransac(m, (const double(*)[3])p, (const double(*)[3])q, n, SB_AGREES, 2000, &random);
    for (int i = 0; i < a->n; i++) {
        double to[3];
        sb_rigid_apply(truth, a->point[i], to);
        r.rmse += pow(sb_rigid_off(m, a->point[i], to), 2) / a->n;
    }
    for (int i = 0; i < 9; i++) trace += m[i] * truth[i];
    for (int i = 9; i < 12; i++) r.metres += (m[i] - truth[i]) * (m[i] - truth[i]);
    r.rmse = sqrt(r.rmse), r.metres = sqrt(r.metres), r.recalled = a->n > 0 && r.rmse < SB_RECALLED;
    r.degrees = acos(fmax(-1, fmin(1, (trace - 1) / 2))) * 180 / 3.14159265358979323846;
    free(match), free(p), free(q);
    return r;
}

// ---- voxels: what all views of a scene say of a place

typedef struct { int64_t cell; int object, view, place; } SbVoxelPoint;
#define SB_VOXEL 0.1            // metres

static int sb_compare_voxels(const void *a, const void *b) {
    const SbVoxelPoint *x = (const SbVoxelPoint *)a, *y = (const SbVoxelPoint *)b;
    if (x->cell != y->cell) return x->cell < y->cell ? -1 : 1;
    if (x->object != y->object) return x->object - y->object;
    return x->view != y->view ? x->view - y->view : x->place - y->place;
}
// The voxels of a scene, whose views were lifted: mean features x [n][C] (the caller frees), the object of
// most of their points (of equally many the first) in object [n]. Returns n.
static SB_UNUSED int sb_voxels(const SbScene *scene, const SbLifted *lifted, real **x, int **object) {
    long points = 0, k = 0;
    int n = 0, C = scene->views ? lifted[0].C : 0;
    for (int v = 0; v < scene->views; v++) points += lifted[v].n;
    SbVoxelPoint *all = (SbVoxelPoint *)sb_calloc((size_t)points + 1, sizeof *all);
    for (int v = 0; v < scene->views; v++)
        for (int i = 0; i < lifted[v].n; i++, k++) {
            const double *m = scene->view[v].pose, *p = lifted[v].point[i];
            int64_t cell = 0;
            for (int j = 0; j < 3; j++) {
                double at = m[4 * j] * p[0] + m[4 * j + 1] * p[1] + m[4 * j + 2] * p[2] + m[4 * j + 3];
                cell = cell * (1 << 20) + ((int64_t)floor(at / SB_VOXEL) & ((1 << 20) - 1));
            }
            SbVoxelPoint one = {cell, lifted[v].object[i], v, i};
            all[k] = one;
        }
    qsort(all, (size_t)points, sizeof *all, sb_compare_voxels);
    *x = (real *)sb_calloc((size_t)points * (size_t)C + 1, sizeof **x);
    *object = (int *)sb_calloc((size_t)points + 1, sizeof **object);
    for (long i = 0, end; i < points; i = end, n++) {
        long most = 0;
        for (end = i; end < points && all[end].cell == all[i].cell; end++) continue;
        for (long j = i, run; j < end; j += run) {
            for (run = 1; j + run < end && all[j + run].object == all[j].object; run++) continue;
            if (run > most) most = run, (*object)[n] = all[j].object;
        }
        for (long j = i; j < end; j++) {
            const real *feature = lifted[all[j].view].feature + (long)all[j].place * C;
            for (int c = 0; c < C; c++) (*x)[(long)n * C + c] += feature[c] / (real)(end - i);
        }
    }
    free(all);
    return n;
}
#endif
