// lift.h: objects of a scene from masks and depth: what the masked pixels of all views are in space.
//
// Pixels become points of the world; masks of different views that show the same surface become one object;
// outliers are removed, the largest cluster is kept, and an upright box is put around it, in SpatialRGPT's
// manner (Cheng et al. 2024) but turned about the vertical; NOTEBOOK.md says where its limits were changed
// and why. Refuses: to guess what no view saw: a box ends where the seen points end. What is too small, too
// thin, or fills the picture gets no box and is counted. Read from top: the structs, points, cleaning, the
// box, the same object in two views, the objects of a scene.
#ifndef SB_LIFT_H
#define SB_LIFT_H
#include "masks.h"
#include "scene.h"

#define SB_LIFT_PIXELS 25       // of a mask, at least
#define SB_LIFT_POINTS 16       // measured ones, of an object, before cleaning, at least
#define SB_LIFT_CLEAN 10        // cells with points, after cleaning, at least
#define SB_LIFT_VOLUME 1e-6     // cubic metres, at least
#define SB_LIFT_FILLS 0.75      // a mask whose rectangle is more of the picture, in most views: background
#define SB_LIFT_CELL 0.01       // metres; cells are made larger until there are at most
#define SB_LIFT_CELLS 4000
#define SB_LIFT_NEIGHBOURS 10   // an outlier's mean distance to so many neighbours is above the mean
#define SB_LIFT_SIGMA 3         // by so many standard deviations
#define SB_LIFT_REACH 2         // DBSCAN's eps (Ester et al. 1996), in mean distances to the neighbours
#define SB_LIFT_CORE 10         // cells within it that make a core
#define SB_LIFT_SAME 0.5        // share of the visible pixels, both ways, that make two masks one object

typedef struct { double *p; long n, room; } SbPoints;   // [n][3] metres, world

// One mask of one view.
typedef struct { int view, label, pixels, low[2], high[2], group; SbPoints points; } SbRegion;

// What became of the masks.
typedef struct { int regions, objects, boxes, small, background, thin; } SbLiftCounts;

// ---- points

static void sb_points_add(SbPoints *s, const double *p) {
    if (s->n == s->room) {
        s->room = 2 * s->room + 64;
        s->p = (double *)sb_realloc(s->p, (size_t)s->room * 3 * sizeof *s->p);
    }
    memcpy(s->p + 3 * s->n++, p, 3 * sizeof *p);
}

// ---- cleaning

typedef struct { uint64_t key; long index; } SbCell;

static int sb_cell_order(const void *a, const void *b) {
    const SbCell *x = (const SbCell *)a, *y = (const SbCell *)b;
    return x->key != y->key ? (x->key < y->key ? -1 : 1) : x->index < y->index ? -1 : x->index > y->index;
}

// Sort the points into cubes of a side; returns how many hold points.
static long sb_cells_fill(const SbPoints *s, const double *low, double side, SbCell *cell) {
    long cells = 0;
    for (long i = 0; i < s->n; i++) {
        uint64_t key = 0;
        for (int k = 0; k < 3; k++) key = key << 21 | (uint64_t)((s->p[3 * i + k] - low[k]) / side);
        cell[i].key = key;
        cell[i].index = i;
    }
    qsort(cell, (size_t)s->n, sizeof *cell, sb_cell_order);
    for (long i = 0; i < s->n; i++) cells += i == 0 || cell[i].key != cell[i - 1].key;
    return cells;
}

static double sb_square_distance(const double *a, const double *b) {
    double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
    return x * x + y * y + z * z;
}

// keep[i] = 0 for centres whose mean distance to their neighbours is an outlier's. Returns the average of
// those distances.
static double sb_drop_outliers(const double *centre, long n, unsigned char *keep) {
    double *mean = (double *)sb_calloc((size_t)n, sizeof *mean), sum = 0, squares = 0;
    int count = n - 1 < SB_LIFT_NEIGHBOURS ? (int)n - 1 : SB_LIFT_NEIGHBOURS;
    for (long i = 0; i < n; i++) {
        double near[SB_LIFT_NEIGHBOURS];
        for (int k = 0; k < count; k++) near[k] = INFINITY;
        for (long j = 0; j < n; j++) {
            double d = sb_square_distance(centre + 3 * i, centre + 3 * j);
            if (i == j || count == 0 || d >= near[count - 1]) continue;
            int k = count - 1;
            for (; k > 0 && near[k - 1] > d; k--) near[k] = near[k - 1];
            near[k] = d;
        }
        for (int k = 0; k < count; k++) mean[i] += sqrt(near[k]) / count;
        sum += mean[i];
        squares += mean[i] * mean[i];
    }
    double average = sum / (double)n, spread = sqrt(fmax(0, squares / (double)n - average * average));
    for (long i = 0; i < n; i++) keep[i] = mean[i] <= average + SB_LIFT_SIGMA * spread + 1e-12;
    free(mean);
    return average;
}

// DBSCAN: keep only the largest cluster of the kept centres (all of them if there is no core).
static void sb_keep_cluster(const double *centre, long n, double reach, unsigned char *keep) {
    int *cluster = (int *)sb_calloc((size_t)n, sizeof *cluster), clusters = 0, best = 0;
    long *queue = (long *)sb_calloc((size_t)n, sizeof *queue), largest = 0;
    unsigned char *core = (unsigned char *)sb_calloc((size_t)n, 1);
    for (long i = 0; i < n; i++) {
        int near = 0;
        for (long j = 0; j < n && keep[i] && near < SB_LIFT_CORE; j++)
            near += keep[j] && sb_square_distance(centre + 3 * i, centre + 3 * j) <= reach * reach;
        core[i] = near >= SB_LIFT_CORE;
    }
    for (long i = 0; i < n; i++) {
        long size = 0;
        if (!core[i] || cluster[i]) continue;
        queue[size++] = i;
        cluster[i] = ++clusters;
        for (long at = 0; at < size; at++)
            for (long j = 0; j < n && core[queue[at]]; j++) {
                if (!keep[j] || cluster[j]) continue;
                if (sb_square_distance(centre + 3 * queue[at], centre + 3 * j) > reach * reach) continue;
                cluster[j] = clusters;
                queue[size++] = j;
            }
        if (size > largest) largest = size, best = clusters;
    }
    for (long i = 0; i < n && clusters; i++) keep[i] = keep[i] && cluster[i] == best;
    free(cluster);
    free(queue);
    free(core);
}

// Remove outliers and all but the largest cluster. Works on cells of SB_LIFT_CELL and more, so that near and
// far surfaces count alike; the points that stay are as they were. Returns how many cells stay.
static SB_UNUSED long sb_points_clean(SbPoints *s) {
    double low[3], mean[3] = {0, 0, 0}, square = 0, side;
    SbCell *cell = (SbCell *)sb_calloc((size_t)s->n, sizeof *cell);
    for (int k = 0; k < 3; k++) low[k] = s->p[k];
    for (long i = 0; i < 3 * s->n; i++) {
        low[i % 3] = fmin(low[i % 3], s->p[i]);
        mean[i % 3] += s->p[i] / (double)s->n;
    }
    for (long i = 0; i < s->n; i++) square += sb_square_distance(s->p + 3 * i, mean) / (double)s->n;
    side = fmax(SB_LIFT_CELL, 3 * sqrt(square) / 40);
    long cells = sb_cells_fill(s, low, side, cell);
    while (cells > SB_LIFT_CELLS) cells = sb_cells_fill(s, low, side *= 1.3, cell);
    double *centre = (double *)sb_calloc((size_t)cells, 3 * sizeof *centre);
    unsigned char *keep = (unsigned char *)sb_calloc((size_t)cells, 1);
    for (long i = 0, c = -1, from = 0; i < s->n; i++) {
        if (i == 0 || cell[i].key != cell[i - 1].key) c++, from = i;
        for (int k = 0; k < 3; k++)   // the running mean of the cell's points
            centre[3 * c + k] += (s->p[3 * cell[i].index + k] - centre[3 * c + k]) / (double)(i - from + 1);
    }
    double apart = sb_drop_outliers(centre, cells, keep);
    sb_keep_cluster(centre, cells, SB_LIFT_REACH * apart, keep);
    SbPoints kept = {NULL, 0, 0};
    long left = 0;
    for (long i = 0, c = -1; i < s->n; i++) {
        int first = i == 0 || cell[i].key != cell[i - 1].key;
        c += first;
        left += first && keep[c];
        if (keep[c]) sb_points_add(&kept, s->p + 3 * cell[i].index);
    }
    free(s->p);
    *s = kept;
    free(cell);
    free(centre);
    free(keep);
    return left;
}

// ---- the box

// The extent of the points along three axes: middle (along them) and sizes.
static void sb_points_extent(const SbPoints *s, double axis[3][3], double *middle, double *size) {
    for (int k = 0; k < 3; k++) {
        double low = INFINITY, high = -INFINITY;
        for (long i = 0; i < s->n; i++) {
            double x = sb_dot3(axis[k], s->p + 3 * i);
            low = fmin(low, x);
            high = fmax(high, x);
        }
        middle[k] = (low + high) / 2;
        size[k] = high - low;
    }
}

// The upright box of least ground around the points: yaw of 0 to 89 degrees about up, which is a world axis;
// center, size and yaw as SbObject has them. Returns its volume.
static SB_UNUSED double sb_points_box(const SbPoints *s, const double up[3], SbObject *o) {
    double axis[3][3], middle[3], size[3], least = INFINITY;
    int upright = fabs(up[1]) > fabs(up[0]);
    if (fabs(up[2]) > fabs(up[upright])) upright = 2;
    for (int degree = 0; degree <= 90; degree++) {  // the last round: the best one again, kept
        double yaw = degree < 90 ? degree * 3.14159265358979323846 / 180 : o->yaw;
        for (int k = 0; k < 3; k++) {
            double own[3] = {0, 0, 0};
            own[k] = 1;
            sb_turn_about(own, up, yaw, axis[k]);
        }
        sb_points_extent(s, axis, middle, size);
        double ground = size[(upright + 1) % 3] * size[(upright + 2) % 3];
        if (degree < 90 && ground < least * (1 - 1e-9)) least = ground, o->yaw = yaw;
    }
    for (int i = 0; i < 3; i++) {
        o->center[i] = axis[0][i] * middle[0] + axis[1][i] * middle[1] + axis[2][i] * middle[2];
        o->size[i] = size[i];
    }
    return size[0] * size[1] * size[2];
}

// ---- the same object in two views

typedef struct { double share; int a, b; } SbEdge;

static int sb_edge_order(const void *a, const void *b) {
    const SbEdge *x = (const SbEdge *)a, *y = (const SbEdge *)b;
    return x->share != y->share ? (x->share < y->share ? 1 : -1) : x->a != y->a ? x->a - y->a : x->b - y->b;
}

// Carry the masks of view i into view j: seen[l] of label l's pixels land on what j measured there (3 % and
// 2 cm), vote[l * (m + 1) + k] of them on its label k. Labels of i are below n + 1, of j below m + 1.
static void sb_carry_masks(const SbView *a, const SbView *b, int m, long *seen, long *vote) {
    double to[12], uv[2], z;
    int step = 1;
    while ((long)(a->dw / step) * (a->dh / step) > 60000) step++;
    sb_relative_pose(a->pose, b->pose, to);
    for (int y = 0; y < a->dh; y += step)
        for (int x = 0; x < a->dw; x += step) {
            size_t at = (size_t)y * (size_t)a->dw + (size_t)x;
            if (!a->mask[at] || !(a->depth[at] > 0)) continue;
            if (!sb_reproject_pixel(a, b, to, x, y, (double)a->depth[at], uv, &z)) continue;
            size_t there = (size_t)uv[1] * (size_t)b->dw + (size_t)uv[0];
            if (fabs((double)b->depth[there] - z) > 0.03 * z + 0.02) continue;
            seen[a->mask[at]]++;
            vote[(size_t)a->mask[at] * (size_t)(m + 1) + b->mask[there]]++;
        }
}

// Edges between the masks of views i and j: both ways more than SB_LIFT_SAME of what is seen is the other.
static int sb_find_edges(const SbScene *s, int i, int j, const int *labels, int *const *region, SbEdge **edge,
                         int edges) {
    int n = labels[i], m = labels[j];
    size_t cells = (size_t)(n + 1) * (size_t)(m + 1);
    long *ij = (long *)sb_calloc(2 * cells + (size_t)(n + m + 2), sizeof *ij), *ji = ij + cells;
    long *seen_i = ji + cells, *seen_j = seen_i + n + 1;
    sb_carry_masks(s->view + i, s->view + j, m, seen_i, ij);
    sb_carry_masks(s->view + j, s->view + i, n, seen_j, ji);
    for (int a = 1; a <= n; a++)
        for (int b = 1; b <= m; b++) {
            double out = (double)ij[a * (m + 1) + b] / (double)(seen_i[a] ? seen_i[a] : 1);
            double back = (double)ji[b * (n + 1) + a] / (double)(seen_j[b] ? seen_j[b] : 1);
            if (!(fmin(out, back) > SB_LIFT_SAME) || region[i][a] < 0 || region[j][b] < 0) continue;
            *edge = (SbEdge *)sb_realloc(*edge, (size_t)(edges + 1) * sizeof **edge);
            SbEdge e = {fmin(out, back), region[i][a], region[j][b]};
            (*edge)[edges++] = e;
        }
    free(ij);
    return edges;
}

// Groups of regions that are one object: the surest edges first; a group holds one mask of a view at most.
static void sb_group_regions(const SbScene *s, SbRegion *region, int regions) {
    int *labels = (int *)sb_calloc((size_t)s->views, sizeof *labels), edges = 0;
    int **of = (int **)sb_calloc((size_t)s->views, sizeof *of);
    SbEdge *edge = NULL;
    for (int r = 0; r < regions; r++)
        if (labels[region[r].view] < region[r].label) labels[region[r].view] = region[r].label;
    for (int v = 0; v < s->views; v++) {
        of[v] = (int *)sb_calloc((size_t)labels[v] + 1, sizeof **of);
        for (int l = 0; l <= labels[v]; l++) of[v][l] = -1;
    }
    for (int r = 0; r < regions; r++) of[region[r].view][region[r].label] = region[r].group = r;
    for (int i = 0; i < s->views; i++)
        for (int j = i + 1; j < s->views; j++) edges = sb_find_edges(s, i, j, labels, of, &edge, edges);
    if (edges) qsort(edge, (size_t)edges, sizeof *edge, sb_edge_order);
    for (int e = 0; e < edges; e++) {
        int a = region[edge[e].a].group, b = region[edge[e].b].group, clash = 0;
        for (int i = 0; i < regions && a != b; i++)
            for (int j = 0; j < regions && region[i].group == a; j++)
                clash |= region[j].group == b && region[i].view == region[j].view;
        for (int i = 0; i < regions && a != b && !clash; i++)
            if (region[i].group == (a < b ? b : a)) region[i].group = a < b ? a : b;
    }
    for (int v = 0; v < s->views; v++) free(of[v]);
    free(of);
    free(labels);
    free(edge);
}

// ---- the objects of a scene

// Every mask of a view with its measured points in the world.
static SbRegion *sb_find_regions(const SbScene *s, int *regions) {
    SbRegion *region = NULL;
    int *of = (int *)sb_calloc(65536, sizeof *of), n = 0;
    for (int i = 0; i < s->views; i++) {
        const SbView *v = s->view + i;
        for (int l = 0; l < 65536; l++) of[l] = -1;
        for (int y = 0; y < v->dh; y++)
            for (int x = 0; x < v->dw; x++) {
                int label = v->mask[(size_t)y * (size_t)v->dw + (size_t)x];
                if (!label) continue;
                if (of[label] < 0) {
                    region = (SbRegion *)sb_realloc(region, (size_t)(n + 1) * sizeof *region);
                    SbRegion fresh = {i, label, 0, {x, y}, {x, y}, 0, {NULL, 0, 0}};
                    region[of[label] = n++] = fresh;
                }
                SbRegion *r = region + of[label];
                double z = (double)v->depth[(size_t)y * (size_t)v->dw + (size_t)x], p[3];
                double ray[3] = {(x - v->dk.cx) / v->dk.fx * z, (y - v->dk.cy) / v->dk.fy * z, z};
                r->pixels++;
                if (x < r->low[0]) r->low[0] = x;
                if (x > r->high[0]) r->high[0] = x;
                if (y > r->high[1]) r->high[1] = y;
                for (int k = 0; k < 3; k++) p[k] = sb_dot3(v->pose + 4 * k, ray) + v->pose[4 * k + 3];
                if (z > 0) sb_points_add(&r->points, p);
            }
    }
    free(of);
    *regions = n;
    return region;
}

// The listed object of an id (NULL: not listed), or a name that a file gave the region.
static void sb_name_object(SbObject *o, const SbScene *listed, const char *given) {
    int i = listed ? sb_object_index(listed, o->id) : -1;
    if (i >= 0) {
        snprintf(o->name, sizeof o->name, "%s", listed->object[i].name);
        snprintf(o->category, sizeof o->category, "%s", listed->object[i].category);
    } else if (*given) {
        sb_fill(o->name, sizeof o->name, given, "the name", "masks");
        sb_fill(o->category, sizeof o->category, given, "the category", "masks");
    } else {
        snprintf(o->name, sizeof o->name, "object %d", o->id);
        snprintf(o->category, sizeof o->category, "object");
    }
}

// Put a box around the points of a group's regions, if it may have one. Returns 1, or 0 and counts why not.
static int sb_lift_group(const SbScene *s, SbRegion *region, int regions, int group, SbObject *o,
                         SbLiftCounts *c) {
    SbPoints points = {NULL, 0, 0};
    int fills = 0, masks = 0;
    for (int r = 0; r < regions; r++) {
        const SbRegion *g = region + r;
        if (g->group != group) continue;
        const SbView *v = s->view + g->view;
        double area = (double)(g->high[0] - g->low[0] + 1) * (g->high[1] - g->low[1] + 1);
        fills += area > SB_LIFT_FILLS * v->dw * v->dh;
        masks++;
        for (long i = 0; i < g->points.n && g->pixels >= SB_LIFT_PIXELS; i++)
            sb_points_add(&points, g->points.p + 3 * i);
    }
    int few = points.n < SB_LIFT_POINTS || sb_points_clean(&points) < SB_LIFT_CLEAN;
    if (2 * fills > masks) c->background++;
    else if (few) c->small++;
    else if (!(sb_points_box(&points, s->up, o) >= SB_LIFT_VOLUME)) c->thin++;
    else o->has_box = 1;
    free(points.p);
    return o->has_box;
}

// Objects from the masks of all views: s->object is made, masks hold its ids, 0 where no object came out. up
// must be a world axis. listed: names of ids, or NULL. labels: [views] names of each view's regions, or NULL.
// local: 1, the labels of one view have nothing to do with those of another. Floor, wall and ceiling, if so
// named, stay without a box.
static SB_UNUSED SbLiftCounts sb_lift_objects(SbScene *s, const SbScene *listed, const SbLabels *labels,
                                              int local) {
    SbLiftCounts c = {0, 0, 0, 0, 0, 0};
    SbRegion *region = sb_find_regions(s, &c.regions);
    if (local) sb_group_regions(s, region, c.regions);
    for (int r = 0; r < c.regions && !local; r++) region[r].group = region[r].label;
    unsigned char *done = (unsigned char *)sb_calloc(65536 + (size_t)c.regions, 1);
    int *id = (int *)sb_calloc(65536 + (size_t)c.regions, sizeof *id);
    free(s->object);
    s->object = NULL;
    s->objects = 0;
    for (int r = 0; r < c.regions; r++) {
        int group = region[r].group;
        SbObject o;
        if (done[group]++) continue;
        memset(&o, 0, sizeof o);
        o.id = local ? c.objects + 1 : region[r].label;
        const SbLabels *l = labels ? labels + region[r].view : NULL;
        sb_name_object(&o, listed,
                       l && l->name && region[r].label <= l->regions ? l->name[region[r].label] : "");
        if (!sb_is_surface(o.category) && !sb_lift_group(s, region, c.regions, group, &o, &c)) continue;
        if (o.id > 65535) sb_die("%s: more than 65535 objects", s->name);
        s->object = (SbObject *)sb_realloc(s->object, (size_t)(c.objects + 1) * sizeof *s->object);
        s->object[c.objects++] = o;
        s->objects = c.objects;
        id[group] = o.id;
        c.boxes += o.has_box;
    }
    unsigned short *to = (unsigned short *)sb_calloc((size_t)s->views * 65536, sizeof *to);
    for (int r = 0; r < c.regions; r++)
        to[(size_t)region[r].view * 65536 + (size_t)region[r].label] = (unsigned short)id[region[r].group];
    for (int i = 0; i < s->views; i++)
        for (size_t k = 0; k < (size_t)s->view[i].dw * (size_t)s->view[i].dh; k++)
            s->view[i].mask[k] = to[(size_t)i * 65536 + s->view[i].mask[k]];
    for (int r = 0; r < c.regions; r++) free(region[r].points.p);
    free(region);
    free(done);
    free(id);
    free(to);
    return c;
}
#endif
