// upright.h: which way is up in a recording: given, fitted to the largest level surface, or assumed.
//
// Refuses: a fit that too few points support, where it was asked for. Every choice is printed, with the share
// of the surfaces that face it. Read from top: surfaces, the fit, the choice, turning the world upright.
#ifndef SB_UPRIGHT_H
#define SB_UPRIGHT_H
#include "import.h"

#define SB_FLOOR_TILT 0.866    // cosine: a level surface is within 30 degrees of the cameras' mean up
#define SB_FLOOR_METRES 0.02   // of a plane's points
#define SB_FLOOR_TRIES 1000    // planes through three random points
#define SB_FLOOR_SHARE 0.30    // of the level points, that the plane must hold

// ---- surfaces

// The point of a depth pixel in the world; 0 where nothing was measured.
static SB_UNUSED int sb_world_point(const SbView *v, int x, int y, double *p) {
    double z = (double)v->depth[(size_t)y * (size_t)v->dw + (size_t)x];
    double ray[3] = {(x - v->dk.cx) / v->dk.fx * z, (y - v->dk.cy) / v->dk.fy * z, z};
    for (int i = 0; i < 3; i++) {
        const double *row = v->pose + 4 * i;
        p[i] = row[0] * ray[0] + row[1] * ray[1] + row[2] * z + row[3];
    }
    return z > 0;
}

// The unit normal, towards the camera, of the surface around a pixel at least d from the border; 0 if
// unknown.
static int sb_world_normal(const SbView *v, int x, int y, int d, double *n) {
    double l[3], r[3], t[3], b[3];
    if (!sb_world_point(v, x - d, y, l) || !sb_world_point(v, x + d, y, r)) return 0;
    if (!sb_world_point(v, x, y - d, t) || !sb_world_point(v, x, y + d, b)) return 0;
    for (int c = 0; c < 3; c++) r[c] -= l[c], b[c] -= t[c];
    n[0] = b[1] * r[2] - b[2] * r[1];
    n[1] = b[2] * r[0] - b[0] * r[2];
    n[2] = b[0] * r[1] - b[1] * r[0];
    double length = sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]);
    for (int c = 0; c < 3; c++) n[c] /= length > 0 ? length : 1;
    return length > 0;
}

// Points of the surfaces whose normal is nearer to up than the cosine says, at most room; *all: looked at.
static long sb_facing_points(const SbScene *s, const double *up, double cosine, double *point, long room,
                             long *all) {
    long facing = 0;
    *all = 0;
    for (int i = 0; i < s->views; i++) {
        const SbView *v = s->view + i;
        const int d = v->dw > 213 ? v->dw * 3 / 320 : 2, step = v->dw > 80 ? v->dw / 80 : 1;
        for (int y = d; y + d < v->dh; y += step)
            for (int x = d; x + d < v->dw; x += step) {
                double n[3], p[3];
                if (!sb_world_normal(v, x, y, d, n)) continue;
                (*all)++;
                if (n[0] * up[0] + n[1] * up[1] + n[2] * up[2] <= cosine) continue;
                if (sb_world_point(v, x, y, p) && facing < room) memcpy(point + 3 * facing, p, sizeof p);
                facing++;
            }
    }
    return facing;
}

static void sb_mean_up(const SbScene *s, double *up) {
    memset(up, 0, 3 * sizeof *up);
    for (int i = 0; i < s->views; i++)
        for (int c = 0; c < 3; c++) up[c] -= s->view[i].pose[4 * c + 1] / s->views;
    sb_unit_vector(up, "--up is needed, the mean of the cameras' up directions");
}

// ---- the fit: RANSAC (Fischler and Bolles 1981) among level points, then least squares on the plane's own

// How many points lie within SB_FLOOR_METRES of the plane n . p = n . q.
static long sb_plane_points(const double *point, long points, const double *n, const double *q) {
    double at = n[0] * q[0] + n[1] * q[1] + n[2] * q[2];
    long inside = 0;
    for (long i = 0; i < points; i++) {
        const double *p = point + 3 * i;
        inside += fabs(n[0] * p[0] + n[1] * p[1] + n[2] * p[2] - at) < SB_FLOOR_METRES;
    }
    return inside;
}

// Tilt n and move q to the least squares plane of its points: height = a u + b v + c along axes u, v, n.
static void sb_plane_refine(const double *point, long points, double *n, double *q) {
    double u[3] = {0, 0, 0}, v[3], sum[9] = {0, 0, 0, 0, 0, 0, 0, 0, 0};
    int least = fabs(n[1]) < fabs(n[0]);
    if (fabs(n[2]) < fabs(n[least])) least = 2;
    for (int i = 0; i < 3; i++) u[i] = (i == least) - n[least] * n[i];
    sb_unit_vector(u, "floor");
    for (int i = 0; i < 3; i++) v[i] = n[(i + 1) % 3] * u[(i + 2) % 3] - n[(i + 2) % 3] * u[(i + 1) % 3];
    for (long i = 0; i < points; i++) {
        double d[3], x[3] = {0, 0, 0};
        for (int k = 0; k < 3; k++) d[k] = point[3 * i + k] - q[k];
        for (int k = 0; k < 3; k++) x[0] += d[k] * u[k], x[1] += d[k] * v[k], x[2] += d[k] * n[k];
        if (fabs(x[2]) >= SB_FLOOR_METRES) continue;
        sum[0]++;
        for (int k = 0; k < 3; k++) sum[1 + k] += x[k];
        sum[4] += x[0] * x[0], sum[5] += x[0] * x[1], sum[6] += x[1] * x[1];
        sum[7] += x[0] * x[2], sum[8] += x[1] * x[2];
    }
    double m = sum[0], uu = sum[4] - sum[1] * sum[1] / m, uv = sum[5] - sum[1] * sum[2] / m;
    double vv = sum[6] - sum[2] * sum[2] / m, uh = sum[7] - sum[1] * sum[3] / m;
    double vh = sum[8] - sum[2] * sum[3] / m, det = uu * vv - uv * uv;
    if (!(m > 3 && det > 1e-12 * uu * vv)) return;
    double a = (vv * uh - uv * vh) / det, b = (uu * vh - uv * uh) / det;
    for (int i = 0; i < 3; i++) {
        q[i] += (sum[1] * u[i] + sum[2] * v[i] + sum[3] * n[i]) / m;
        n[i] -= a * u[i] + b * v[i];
    }
    sb_unit_vector(n, "floor");
}

// The normal of the largest level surface, and the share of the level points that lie on it; 0: none.
static SB_UNUSED double sb_floor_fit(const SbScene *s, double *up) {
    enum { ROOM = 20000 };
    double mean[3], best_n[3] = {0, 0, 0}, best_q[3] = {0, 0, 0};
    double *point = (double *)sb_calloc(ROOM, 3 * sizeof *point);
    long all, best = 0;
    sb_mean_up(s, mean);
    long points = sb_facing_points(s, mean, SB_FLOOR_TILT, point, ROOM, &all);
    if (points > ROOM) points = ROOM;
    SbRandom random = sb_random(1, 0);
    for (int t = 0; t < SB_FLOOR_TRIES && points >= 100; t++) {
        double *p[3], a[3], b[3], n[3];
        for (int i = 0; i < 3; i++) p[i] = point + 3 * sb_next_int(&random, (uint32_t)points);
        for (int i = 0; i < 3; i++) a[i] = p[1][i] - p[0][i], b[i] = p[2][i] - p[0][i];
        for (int i = 0; i < 3; i++) n[i] = a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3];
        double length = sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]), cosine = 0;
        if (!(length > 1e-4)) continue;   // square metres: a sliver has no direction
        for (int i = 0; i < 3; i++) cosine += n[i] * mean[i] / length;
        if (fabs(cosine) < SB_FLOOR_TILT) continue;
        for (int i = 0; i < 3; i++) n[i] *= (cosine < 0 ? -1 : 1) / length;
        long inside = sb_plane_points(point, points, n, p[0]);
        if (inside <= best) continue;
        best = inside;
        memcpy(best_n, n, sizeof n);
        memcpy(best_q, p[0], sizeof best_q);
    }
    for (int i = 0; i < 5 && best; i++) sb_plane_refine(point, points, best_n, best_q);
    if (best) best = sb_plane_points(point, points, best_n, best_q);
    memcpy(up, best_n, sizeof best_n);
    free(point);
    return points ? (double)best / (double)points : 0;
}

// ---- the choice

static double sb_degrees_between(const double *a, const double *b) {
    double cosine = a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    return acos(cosine > 1 ? 1 : cosine < -1 ? -1 : cosine) * 57.29577951308232;
}

// The world axis (or its opposite) nearest to a direction; returns how many degrees away it is.
static double sb_nearest_axis(const double *v, double *axis) {
    int best = fabs(v[1]) > fabs(v[0]);
    if (fabs(v[2]) > fabs(v[best])) best = 2;
    for (int i = 0; i < 3; i++) axis[i] = i != best ? 0 : v[i] < 0 ? -1 : 1;
    return sb_degrees_between(v, axis);
}

static const char *sb_axis_name(const double *axis) {
    return axis[0] > 0 ? "+x" : axis[0] < 0 ? "-x" : axis[1] > 0 ? "+y" : axis[1] < 0 ? "-y"
         : axis[2] > 0 ? "+z" : "-z";
}

// s->up from "x,y,z", "axis" (the world axis nearest to the cameras' mean up) or "floor" (the largest level
// surface's normal; a world axis within half a degree is taken for it). soft: without a floor, the cameras'
// up.
static SB_UNUSED void sb_choose_up(SbScene *s, const char *how, int soft) {
    double mean[3], axis[3];
    long all = 0;
    if (!strcmp(how, "axis")) {
        sb_mean_up(s, mean);
        double away = sb_nearest_axis(mean, s->up);
        printf(
            "up: assumed %s, the world axis nearest to the cameras' mean up (%.0f degrees away; --up gives "
            "another)",
            sb_axis_name(s->up), away);
    } else if (!strcmp(how, "floor")) {
        double share = sb_floor_fit(s, s->up);
        if (share >= SB_FLOOR_SHARE) {
            if (sb_nearest_axis(s->up, axis) < 0.5) memcpy(s->up, axis, sizeof axis);
            printf(
                "up: (%.4g, %.4g, %.4g), the normal of the largest level surface, which holds %.0f %% of the "
                "level points",
                s->up[0], s->up[1], s->up[2], 100 * share);
        } else {
            if (!soft)
                sb_die("--up floor: the largest level surface holds %.0f %% of the level points, %g %% are "
                       "needed; give --up x,y,z", 100 * share, 100 * SB_FLOOR_SHARE);
            sb_mean_up(s, s->up);
            printf("up: assumed (%.3g, %.3g, %.3g), the mean of the cameras' own, as no floor is seen",
                   s->up[0], s->up[1], s->up[2]);
        }
    } else {
        sb_parse_numbers("up", how, s->up, 3);
        sb_unit_vector(s->up, "--up");
        printf("up: (%g, %g, %g)", s->up[0], s->up[1], s->up[2]);
    }
    long facing = sb_facing_points(s, s->up, 0.985, NULL, 0, &all);
    printf("; %.0f %% of the surfaces face it\n", all ? 100.0 * (double)facing / (double)all : 0.0);
}

// ---- turning the world: boxes stand along a world axis (view.h), so up must be one where there are objects

// Turn the world about the origin by the smallest rotation that takes up to the nearest axis.
//     R = I + [w] + [w]^2 / (1 + c),  w = up x axis, c = up . axis
static SB_UNUSED void sb_turn_upright(SbScene *s) {
    double axis[3], away = sb_nearest_axis(s->up, axis), w[3], r[9], c = 0;
    const double *u = s->up;
    if (away == 0) return;
    for (int i = 0; i < 3; i++) {
        w[i] = u[(i + 1) % 3] * axis[(i + 2) % 3] - u[(i + 2) % 3] * axis[(i + 1) % 3];
        c += u[i] * axis[i];
    }
    double cross[9] = {0, -w[2], w[1], w[2], 0, -w[0], -w[1], w[0], 0};
    for (int i = 0; i < 9; i++) {
        r[i] = (i % 4 == 0) + cross[i];
        for (int k = 0; k < 3; k++) r[i] += cross[i / 3 * 3 + k] * cross[3 * k + i % 3] / (1 + c);
    }
    for (int v = 0; v < s->views; v++) {
        double old[16], *p = s->view[v].pose;
        memcpy(old, p, sizeof old);
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 4; j++)
                p[4 * i + j] = r[3 * i] * old[j] + r[3 * i + 1] * old[4 + j] + r[3 * i + 2] * old[8 + j];
    }
    memcpy(s->up, axis, sizeof axis);
    printf("note: the world is turned by %.2g degrees so that %s is up, and boxes can stand upright\n", away,
           sb_axis_name(axis));
}
#endif
