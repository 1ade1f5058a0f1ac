// view.h: what is known of one view of a scene: what it shows, patch by patch, and where the objects are.
//
// Refuses: files, text. Frame, units and what "seen" means are stated in questions.h. Read from top: the
// structs, geometry, statistics of a view (sb_view_info).
#ifndef SB_VIEW_H
#define SB_VIEW_H
#include "questions.h"

// ---- what is known of a view

// A convex body in the frame above: half lengths along its own axes. axis[1] is the upright one (also
// of a cylinder).
enum { SB_SOLID_BOX, SB_SOLID_SPHERE, SB_SOLID_CYLINDER };
typedef struct {
    int shape;
    double centre[3], half[3], axis[3][3];
} SbSolid;

// One object as the view shows it.
typedef struct {
    int thing;                // not floor, wall or ceiling
    int pixels;               // visible ones
    int seen, asked;          // enough pixels; may be asked about by name (see Objects above)
    double x;                 // mean of the visible pixels, text grid, not rounded
    SbSolid solid;            // if the object has a box, as the rest
    double low[3], high[3];   // its extent along X, Y, Z
} SbSeen;

// Statistics of one view, computed once and read by any number of threads. It points into the scene.
typedef struct {
    const SbScene *scene;
    const SbView *view;
    int index, grid, has;          // has: SB_NEED_ bits that the view can serve
    double axis[3][3], turn[3][3]; // X, Y, Z in the world; camera vector -> frame (row-major)
    SbSeen *object;                // [scene->objects]
    int *asked, asked_count;       // indices of the objects that may be asked about
    int *patch_object;             // [grid*grid] row-major: index of the majority's object, -1 = none
    double *patch_depth;           // [grid*grid] mean depth over it, 0 = not measured
    double *tally;                 // scratch
    int object_room, patch_room;
} SbViewInfo;

static SB_UNUSED void sb_view_info_free(SbViewInfo *info) {
    free(info->object);
    free(info->asked);
    free(info->patch_object);
    free(info->patch_depth);
    free(info->tally);
    memset(info, 0, sizeof *info);
}

// ---- geometry

static double sb_distance3(const double a[3], const double b[3]) {
    double d[3] = {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
    return sqrt(sb_dot3(d, d));
}

// v -= (v . up) up, then to length 1; 0 if nothing is left.
static int sb_make_level(double v[3], const double up[3]) {
    double s = sb_dot3(v, up);
    for (int i = 0; i < 3; i++) v[i] -= s * up[i];
    double n = sqrt(sb_dot3(v, v));
    for (int i = 0; i < 3; i++) v[i] = n > 1e-9 ? v[i] / n : 0;
    return n > 1e-6;
}

// The frame's axes in the world, rows X, Y, Z: Y = up, Z = the camera's forward made horizontal, X = Z x Y,
// which is right. A camera that looks straight down (or up) has no such forward; then the top (bottom) of the
// picture is.
static SB_UNUSED void sb_frame(const double pose[16], const double up[3], double axis[3][3]) {
    double *x = axis[0], *y = axis[1], *z = axis[2];
    for (int i = 0; i < 3; i++) {
        y[i] = up[i];
        z[i] = pose[4 * i + 2];
    }
    double side = sb_dot3(z, y) > 0 ? 1 : -1;
    if (!sb_make_level(z, y)) {
        for (int i = 0; i < 3; i++) z[i] = side * pose[4 * i + 1];
        sb_make_level(z, y);
    }
    x[0] = z[1] * y[2] - z[2] * y[1];
    x[1] = z[2] * y[0] - z[0] * y[2];
    x[2] = z[0] * y[1] - z[1] * y[0];
}

// An object with a box as a body in the frame of a camera.
static SB_UNUSED void sb_solid(SbSolid *s, const SbObject *o, const double up[3], const double pose[16],
                               const double axis[3][3]) {
    s->shape = !strcmp(o->category, "sphere") ? SB_SOLID_SPHERE
             : !strcmp(o->category, "cylinder") ? SB_SOLID_CYLINDER : SB_SOLID_BOX;
    int upright = 0, place[3] = {0, 1, 2};  // place[i]: which own axis is kept as axis[i]
    for (int i = 1; i < 3; i++)
        if (fabs(up[i]) > fabs(up[upright])) upright = i;
    place[1] = upright;
    place[upright] = 1;
    double offset[3] = {o->center[0] - pose[3], o->center[1] - pose[7], o->center[2] - pose[11]};
    for (int i = 0; i < 3; i++) {
        double own[3] = {0, 0, 0}, world[3];
        own[place[i]] = 1;
        sb_turn_about(own, up, o->yaw, world);
        for (int k = 0; k < 3; k++) s->axis[i][k] = sb_dot3(axis[k], world);
        s->half[i] = o->size[place[i]] / 2;
        s->centre[i] = sb_dot3(axis[i], offset);
    }
}

// Half the body's extent along the frame's axis k (its support function).
static double sb_solid_reach(const SbSolid *s, int k) {
    const double *h = s->half;
    double upright = fabs(s->axis[1][k]);
    if (s->shape == SB_SOLID_SPHERE) return h[0];
    if (s->shape == SB_SOLID_CYLINDER) return h[1] * upright + h[0] * sqrt(fmax(0, 1 - upright * upright));
    return h[0] * fabs(s->axis[0][k]) + h[1] * upright + h[2] * fabs(s->axis[2][k]);
}

static double sb_solid_volume(const SbSolid *s) {
    const double pi = 3.14159265358979323846, *h = s->half;
    if (s->shape == SB_SOLID_SPHERE) return 4 * pi / 3 * h[0] * h[0] * h[0];
    if (s->shape == SB_SOLID_CYLINDER) return 2 * pi * h[0] * h[0] * h[1];
    return 8 * h[0] * h[1] * h[2];
}

static double sb_clamp(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

// The point of the body that is nearest to p (p itself inside).
static void sb_solid_nearest(const SbSolid *s, const double p[3], double out[3]) {
    double d[3] = {p[0] - s->centre[0], p[1] - s->centre[1], p[2] - s->centre[2]}, q[3];
    for (int i = 0; i < 3; i++) q[i] = sb_dot3(s->axis[i], d);
    if (s->shape == SB_SOLID_BOX) {
        for (int i = 0; i < 3; i++) q[i] = sb_clamp(q[i], -s->half[i], s->half[i]);
    } else {
        int ball = s->shape == SB_SOLID_SPHERE;
        double r = sqrt(q[0] * q[0] + q[2] * q[2] + (ball ? q[1] * q[1] : 0));
        double shrink = r > s->half[0] ? s->half[0] / r : 1;
        q[0] *= shrink;
        q[2] *= shrink;
        q[1] = ball ? q[1] * shrink : sb_clamp(q[1], -s->half[1], s->half[1]);
    }
    for (int k = 0; k < 3; k++)
        out[k] = s->centre[k] + q[0] * s->axis[0][k] + q[1] * s->axis[1][k] + q[2] * s->axis[2][k];
}

// The nearest points of two bodies; returns their distance. Projections in turn are gradient descent on half
// the squared distance; with Nesterov's momentum (Beck and Teboulle 2009) it is within 2 |x0 - x*|^2 / n^2
// after n steps.
static SB_UNUSED double sb_solid_gap(const SbSolid *a, const SbSolid *b, double on_a[3], double on_b[3]) {
    double x[3], old[3], y[3];
    memcpy(x, a->centre, sizeof x);
    memcpy(old, x, sizeof old);
    for (int n = 1; n <= 240; n++) {
        double momentum = n <= 200 ? (n - 1.) / (n + 2.) : 0;  // the last steps only settle
        for (int i = 0; i < 3; i++) y[i] = x[i] + momentum * (x[i] - old[i]);
        memcpy(old, x, sizeof old);
        sb_solid_nearest(b, y, on_b);
        sb_solid_nearest(a, on_b, x);
        if (momentum == 0 && sb_distance3(x, old) < 1e-9) break;
    }
    memcpy(on_a, x, sizeof x);
    return sb_distance3(on_a, on_b);
}

// ---- statistics of a view

// One axis of the depth image against the colour image: colour u = a * depth u + b.
static void sb_axis_map(double f, double c, double df, double dc, double *a, double *b) {
    *a = f / df;
    *b = c - *a * dc;
}

// The depth pixels [*from, *to) whose centres fall in cell p of `cells` along an axis with `size` colour
// pixels.
static void sb_cell_range(double a, double b, int size, int depth_size, int cells, int p, int *from,
                          int *to) {
    double edge0 = ((double)p * size / cells - .5 - b) / a, edge1 = ((p + 1.) * size / cells - .5 - b) / a;
    *from = (int)sb_clamp(ceil(edge0), 0, depth_size);
    *to = (int)sb_clamp(ceil(edge1), 0, depth_size);
}

static int sb_text_coordinate(double u, int size) {
    return (int)sb_clamp(floor(SB_TEXT_GRID * (u + .5) / size), 0, SB_TEXT_GRID - 1);
}

// Count the pixels of one cell: per object, their measured depth, and the sum of their columns. tally: 2
// numbers per object (pixels, depth) and 1 more (measured pixels), object -1 first.
static void sb_count_cell(SbViewInfo *info, const int from[2], const int to[2]) {
    const SbView *view = info->view;
    int last_id = 0, last = -1;
    memset(info->tally, 0, (size_t)(3 * (info->scene->objects + 1)) * sizeof *info->tally);
    for (int v = from[1]; v < to[1]; v++) {
        for (int u = from[0]; u < to[0]; u++) {
            size_t i = (size_t)v * view->dw + u;
            int id = view->mask ? view->mask[i] : 0;
            if (id != last_id) {
                last = sb_object_index(info->scene, id);
                last_id = id;
            }
            double *t = info->tally + 3 * (last + 1), z = view->depth ? view->depth[i] : 0;
            t[0]++;
            t[1] += z > 0 ? z : 0;
            t[2] += z > 0;
            if (last >= 0) info->object[last].x += u;
        }
    }
}

static void sb_count_pixels(SbViewInfo *info) {
    const SbView *view = info->view;
    double ax, bx, ay, by;
    int cells = info->grid ? info->grid : 1, n = info->scene->objects, from[2], to[2];
    sb_axis_map(view->k.fx, view->k.cx, view->dk.fx, view->dk.cx, &ax, &bx);
    sb_axis_map(view->k.fy, view->k.cy, view->dk.fy, view->dk.cy, &ay, &by);
    for (int p = 0; p < cells * cells; p++) {
        sb_cell_range(ax, bx, view->w, view->dw, cells, p % cells, &from[0], &to[0]);
        sb_cell_range(ay, by, view->h, view->dh, cells, p / cells, &from[1], &to[1]);
        sb_count_cell(info, from, to);
        int best = 0;
        for (int i = 0; i <= n; i++) {
            if (info->tally[3 * i] > info->tally[3 * best]) best = i;
            if (i) info->object[i - 1].pixels += (int)info->tally[3 * i];
            if (info->tally[3 * i + 2] > 0) info->has |= SB_NEED_DEPTH;
        }
        if (!info->grid) continue;
        const double *t = info->tally + 3 * best;
        info->patch_object[p] = best - 1;
        info->patch_depth[p] = t[2] > 0 ? t[1] / t[2] : 0;
    }
    for (int i = 0; i < n; i++) {
        SbSeen *o = &info->object[i];
        if (o->pixels) o->x = SB_TEXT_GRID * (ax * o->x / o->pixels + bx + .5) / view->w;
    }
}

// Which objects are seen, which may be asked about, and where they are.
static void sb_find_objects(SbViewInfo *info) {
    const SbScene *scene = info->scene;
    double enough = SB_SEEN_PIXELS * ((double)info->view->dw * info->view->dh / 4096);
    for (int i = 0; i < scene->objects; i++) {
        SbSeen *s = &info->object[i];
        const SbObject *o = &scene->object[i];
        s->thing = !sb_is_surface(o->category);
        s->seen = s->thing && s->pixels > 0 && s->pixels >= enough;
        s->asked = s->seen && o->has_box;
        if (s->pixels) info->has |= SB_NEED_MASK;
        for (int j = 0; j < scene->objects && s->asked; j++)
            if (j != i && info->object[j].pixels && !strcmp(scene->object[j].name, o->name)) s->asked = 0;
        if (!s->asked) continue;
        info->has |= SB_NEED_BOX;
        info->asked[info->asked_count++] = i;
        sb_solid(&s->solid, o, scene->up, info->view->pose, info->axis);
        for (int k = 0; k < 3; k++) {
            double reach = sb_solid_reach(&s->solid, k);
            s->low[k] = s->solid.centre[k] - reach;
            s->high[k] = s->solid.centre[k] + reach;
        }
    }
}

// What is known of a view; grid as in SbMix. info starts from zeros and may be filled again;
// sb_view_info_free when done. Costs one look at each pixel.
static SB_UNUSED void sb_view_info(SbViewInfo *info, const SbScene *scene, int view, int grid) {
    int n = scene->objects;
    if (view < 0 || view >= scene->views)
        sb_die("%s: has %d views, no view %d", scene->name, scene->views, view);
    if (grid < 0 || grid > SB_GRID_MAX)
        sb_die("a grid of %d patches a side: 0 to %d expected", grid, SB_GRID_MAX);
    if (!info->tally || info->object_room < n) {
        info->object = (SbSeen *)sb_realloc(info->object, (size_t)n * sizeof *info->object);
        info->asked = (int *)sb_realloc(info->asked, (size_t)n * sizeof *info->asked);
        info->tally = (double *)sb_realloc(info->tally, (size_t)(3 * (n + 1)) * sizeof *info->tally);
        info->object_room = n;
    }
    if (info->patch_room < grid * grid) {
        info->patch_room = grid * grid;
        info->patch_object = (int *)sb_realloc(info->patch_object, (size_t)(grid * grid) * sizeof(int));
        info->patch_depth = (double *)sb_realloc(info->patch_depth, (size_t)(grid * grid) * sizeof(double));
    }
    info->scene = scene;
    info->view = &scene->view[view];
    info->index = view;
    info->grid = grid;
    info->has = scene->floor_area > 0 ? SB_NEED_ROOM : 0;
    info->asked_count = 0;
    memset(info->object, 0, (size_t)n * sizeof *info->object);
    const double *pose = info->view->pose;
    sb_frame(pose, scene->up, info->axis);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            info->turn[i][k] = info->axis[i][0] * pose[k] + info->axis[i][1] * pose[4 + k] +
                               info->axis[i][2] * pose[8 + k];
    sb_count_pixels(info);
    sb_find_objects(info);
}
#endif
