// test_simulate.h: tests of data/simulate.h; included by test_spatialboost.c.
//
// The independent answer is `test_room_ray`: every shape intersected in another way than in the renderer
// (spheres by closest approach, boxes face by face, cylinders by side and discs, the room plane by plane),
// straight from the integer layout. Colours are checked by signs only; depth, ids, normals, poses and boxes
// by number.
#ifndef SB_TEST_SIMULATE_H
#define SB_TEST_SIMULATE_H
#include "../data/simulate.h"
#include "test.h"

// ---- the independent ray

typedef struct {
    double t, normal[3];
    int id;
} TestHit;

static void test_hit_take(TestHit *h, double t, int id, double nx, double ny, double nz) {
    if (!(t > 1e-6 && t < h->t)) return;
    h->t = t;
    h->id = id;
    h->normal[0] = nx;
    h->normal[1] = ny;
    h->normal[2] = nz;
}

// From the point of closest approach back by half the chord. o: origin relative to the middle.
static void test_hit_sphere(TestHit *h, const double o[3], const double d[3], double r, int id) {
    double dd = d[0] * d[0] + d[1] * d[1] + d[2] * d[2], m[3];
    double near_t = -(o[0] * d[0] + o[1] * d[1] + o[2] * d[2]) / dd;
    for (int j = 0; j < 3; j++) m[j] = o[j] + near_t * d[j];
    double miss = m[0] * m[0] + m[1] * m[1] + m[2] * m[2];
    if (miss >= r * r) return;
    double t = near_t - sqrt((r * r - miss) / dd);
    test_hit_take(h, t, id, (o[0] + t * d[0]) / r, (o[1] + t * d[1]) / r, (o[2] + t * d[2]) / r);
}

// Six rectangles: axis[j] are the box's own directions, half[j] its half sizes.
static void test_hit_box(TestHit *h, const double o[3], const double d[3], const double axis[3][3],
                         const double half[3], int id) {
    for (int f = 0; f < 6; f++) {
        const int a = f / 2, side = f % 2 ? -1 : 1;
        double od = 0, dd = 0, inside = 1, t;
        for (int j = 0; j < 3; j++) {
            od += side * axis[a][j] * o[j];
            dd += side * axis[a][j] * d[j];
        }
        if (dd >= 0) continue;
        t = (half[a] - od) / dd;
        for (int b = 0; b < 3; b++) {
            double along = 0;
            for (int j = 0; j < 3; j++) along += axis[b][j] * (o[j] + t * d[j]);
            if (b != a && fabs(along) > half[b]) inside = 0;
        }
        if (inside > 0) test_hit_take(h, t, id, side * axis[a][0], side * axis[a][1], side * axis[a][2]);
    }
}

// The mantle by closest approach in the plane, then two discs.
static void test_hit_cylinder(TestHit *h, const double o[3], const double d[3], double r, double half,
                              int id) {
    double dd = d[0] * d[0] + d[1] * d[1], near_t = -(o[0] * d[0] + o[1] * d[1]) / dd;
    double x = o[0] + near_t * d[0], y = o[1] + near_t * d[1], room = r * r - x * x - y * y;
    if (room > 0) {
        double t = near_t - sqrt(room / dd);
        if (fabs(o[2] + t * d[2]) <= half)
            test_hit_take(h, t, id, (o[0] + t * d[0]) / r, (o[1] + t * d[1]) / r, 0);
    }
    for (int side = -1; side <= 1; side += 2) {
        double t = (side * half - o[2]) / d[2];
        x = o[0] + t * d[0];
        y = o[1] + t * d[1];
        if (side * d[2] < 0 && x * x + y * y <= r * r) test_hit_take(h, t, id, 0, 0, side);
    }
}

static TestHit test_room_ray(const SbRoom *room, const double from[3], const double d[3]) {
    TestHit h = {1e30, {0, 0, 0}, 0};
    for (int j = 0; j < 3; j++) {       // the plane 0 and the plane `size` across each axis
        const int x = j == 0, y = j == 1, z = j == 2;
        const double far_t = (room->size[j] * 1e-3 - from[j]) / d[j];
        test_hit_take(&h, -from[j] / d[j], z ? SB_ID_FLOOR : SB_ID_WALL, x, y, z);
        test_hit_take(&h, far_t, z ? SB_ID_CEILING : SB_ID_WALL, -x, -y, -z);
    }
    for (int k = 0; k < room->objects; k++) {
        const SbRoomObject *q = &room->object[k];
        double o[3], half[3], cy = cos(q->yaw / 1e3), sy = sin(q->yaw / 1e3);
        double axis[3][3] = {{cy, sy, 0}, {-sy, cy, 0}, {0, 0, 1}};
        for (int j = 0; j < 3; j++) {
            o[j] = from[j] - q->at[j] * 1e-3;
            half[j] = q->half[j] * 1e-3;
        }
        if (q->shape == SB_SPHERE) test_hit_sphere(&h, o, d, half[0], SB_ID_OBJECT + k);
        else if (q->shape == SB_BOX) test_hit_box(&h, o, d, axis, half, SB_ID_OBJECT + k);
        else test_hit_cylinder(&h, o, d, half[0], half[2], SB_ID_OBJECT + k);
    }
    return h;
}

// ---- helpers

static void test_pixel_ray(const SbView *v, double x, double y, double from[3], double d[3]) {
    double a = (x - v->k.cx) / v->k.fx, b = (y - v->k.cy) / v->k.fy;
    for (int j = 0; j < 3; j++) {
        from[j] = v->pose[4 * j + 3];
        d[j] = a * v->pose[4 * j] + b * v->pose[4 * j + 1] + v->pose[4 * j + 2];
    }
}

// World point to pixel and planar depth (the pose's rotation is orthonormal: its inverse is its transpose).
static void test_project(const SbView *v, const double p[3], double *x, double *y, double *z) {
    double c[3] = {0, 0, 0};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) c[i] += v->pose[4 * j + i] * (p[j] - v->pose[4 * j + 3]);
    *z = c[2];
    *x = v->k.fx * c[0] / c[2] + v->k.cx;
    *y = v->k.fy * c[1] / c[2] + v->k.cy;
}

static SbSimConfig test_sim_config(int w, int h, int views, int difficulty) {
    SbSimConfig c = sb_sim_default();
    c.w = w;
    c.h = h;
    c.views = views;
    c.difficulty = difficulty;
    return c;
}

static int test_compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Signed distance-like measure of a world point from an object's surface in metres: 0 on it, negative inside.
static double test_outside(const SbRoomObject *o, const double p[3]) {
    double x = p[0] - o->at[0] * 1e-3, y = p[1] - o->at[1] * 1e-3, z = p[2] - o->at[2] * 1e-3;
    double hx = o->half[0] * 1e-3, hy = o->half[1] * 1e-3, hz = o->half[2] * 1e-3;
    if (o->shape == SB_SPHERE) return sqrt(x * x + y * y + z * z) - hx;
    if (o->shape == SB_CYLINDER) return fmax(sqrt(x * x + y * y) - hx, fabs(z) - hz);
    double c = cos(o->yaw * 1e-3), s = sin(o->yaw * 1e-3);
    return fmax(fmax(fabs(c * x + s * y) - hx, fabs(c * y - s * x) - hy), fabs(z) - hz);
}

// ---- tests

// Scene 17 has one layout for ever, and no thread count changes a layout, a pixel or a depth.
static void test_simulate_same_everywhere(void) {
    enum { ROOMS = 24 };
    static uint64_t sums[3][ROOMS];
    SbSimConfig c = test_sim_config(24, 24, 2, 1);
    SbRoom room;
    sb_room_make(&room, &c, 17);
    CHECK(sb_room_hash(&room) == 0x8078A93018B66228ull, "layout of scene 17 has hash %llx",
          (unsigned long long)sb_room_hash(&room));
    uint64_t all = 0;
    for (uint64_t i = 0; i < 999; i++) {
        c.difficulty = (int)(i % 3);
        sb_room_make(&room, &c, sb_pool((int)(i % SB_POOLS), i));
        all = sb_hash(all, sb_room_hash(&room));
    }
    CHECK(all == 0x30DF889C50D4EB86ull, "layouts of 999 scenes have hash %llx", (unsigned long long)all);
    SbSimConfig walk = test_sim_config(64, 64, 6, 2);
    walk.overlap_min = 20, walk.overlap_max = 70;
    for (uint64_t i = all = 0; i < 60; i++) {
        sb_room_make(&room, &walk, sb_pool(SB_POOL_TEST, 100 + i));
        all = sb_hash(all, sb_room_hash(&room));
    }
    CHECK(all == 0xBB0C06F3E09CC774ull, "layouts of 60 walks have hash %llx", (unsigned long long)all);
    c.difficulty = 1;
    for (int threads = 1; threads <= 3; threads++) {
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(dynamic)
#endif
        for (int i = 0; i < ROOMS; i++) {
            SbRoom r;
            SbScene scene;
            memset(&scene, 0, sizeof scene);
            sb_room_make(&r, &c, (uint64_t)i);
            sb_room_scene(&scene, &r, &c);
            uint64_t sum = sb_room_hash(&r);
            for (int v = 0; v < 2; v++)
                for (int k = 0; k < 24 * 24; k++) {
                    uint32_t bits;
                    memcpy(&bits, &scene.view[v].depth[k], 4);
                    for (int j = 0; j < 3; j++) sum = sb_hash(sum, scene.view[v].rgb[3 * k + j]);
                    sum = sb_hash(sum, bits) + scene.view[v].mask[k];
                }
            sums[threads - 1][i] = sum;
            sb_scene_free(&scene);
        }
    }
    for (int i = 0; i < ROOMS; i++)
        CHECK(sums[0][i] == sums[1][i] && sums[0][i] == sums[2][i],
              "room %d differs between 1, 2 and 3 threads", i);
}

// Depth, ids, sb_room_cast and normals against the independent ray, at every pixel. Depth is a float: half
// a unit in the last place is at most 2^-24 of it; the double arithmetic before it adds less than 1 % of
// that.
static void test_simulate_against_rays(void) {
    SbSimConfig c = test_sim_config(45, 30, 3, 2);
    SbScene scene;
    SbRoom room;
    double worst = 0, worst_cast = 0, worst_normal = 0;
    long pixels = 0, wrong_id = 0, wrong_cast = 0, seen[SB_SHAPES] = {0, 0, 0};
    memset(&scene, 0, sizeof scene);
    for (uint64_t i = 0; i < 12; i++) {
        sb_room_make(&room, &c, sb_pool(SB_POOL_VALID, i));
        sb_room_scene(&scene, &room, &c);
        for (int k = 0; k < 3 * c.w * c.h; k++, pixels++) {
            const SbView *v = &scene.view[k / (c.w * c.h)];
            const int at = k % (c.w * c.h);
            double from[3], d[3], t, normal[3], gap = 0;
            test_pixel_ray(v, at % c.w, at / c.w, from, d);
            TestHit h = test_room_ray(&room, from, d);
            int id = sb_room_cast(&room, from, d, &t, normal);
            for (int j = 0; j < 3; j++) gap += fabs(normal[j] - h.normal[j]);
            wrong_id += v->mask[at] != h.id;
            wrong_cast += id != h.id;
            worst = fmax(worst, fabs(v->depth[at] - h.t) / h.t);
            worst_cast = fmax(worst_cast, fabs(t - h.t) / h.t);
            worst_normal = fmax(worst_normal, gap);
            if (h.id >= SB_ID_OBJECT) seen[room.object[h.id - SB_ID_OBJECT].shape]++;
        }
    }
    sb_scene_free(&scene);
    for (int s = 0; s < SB_SHAPES; s++)
        CHECK(seen[s] > 500, "only %ld pixels on a %s", seen[s], sb_shape_name[s]);
    CHECK(wrong_id == 0 && wrong_cast == 0, "of %ld pixels %ld in the mask, %ld cast have another id", pixels,
          wrong_id, wrong_cast);
    CHECK(worst <= 1.01 * 0x1p-24, "depth is off by %.3g of itself, 2^-24 = %.3g allowed", worst, 0x1p-24);
    CHECK(worst > .25 * 0x1p-24, "depth is off by %.3g only: the bound says nothing", worst);
    CHECK(worst_cast < 1e-11 && worst_normal < 1e-9, "cast: t off by %.3g, normal by %.3g", worst_cast,
          worst_normal);
}

// The depth of view `to` at (x, y) inside four pixels of one plane: 1/z is linear across a plane's picture.
// 0: not one plane.
static double test_plane_depth(const SbRoom *room, const SbView *to, double x, double y) {
    const int x0 = (int)floor(x), y0 = (int)floor(y);
    double first[3] = {0, 0, 0}, inverse = 0, from[3], d[3], t, n[3];
    int first_id = 0;
    if (x0 < 0 || y0 < 0 || x0 + 1 >= to->w || y0 + 1 >= to->h) return 0;
    for (int k = 0; k < 4; k++) {
        const int px = x0 + k % 2, py = y0 + k / 2;
        test_pixel_ray(to, px, py, from, d);
        int id = sb_room_cast(room, from, d, &t, n);
        if (k == 0) {
            first_id = id;
            memcpy(first, n, sizeof first);
        }
        double turn = fabs(n[0] - first[0]) + fabs(n[1] - first[1]) + fabs(n[2] - first[2]);
        if (id != first_id || turn > 1e-9) return 0;
        inverse += (k % 2 ? x - x0 : x0 + 1 - x) * (k / 2 ? y - y0 : y0 + 1 - y) / to->depth[py * to->w + px];
    }
    return 1 / inverse;
}

typedef struct {
    double *error;              // |depth found - depth expected| / depth expected
    int count, curved;
} TestErrors;

// Lift every pixel of `from` by its depth into the world, project it into `to`, and compare its depth there
// with what `to` holds (planes) or a ray says (curved), where `to` can see the point at all.
static void test_reproject(const SbRoom *room, const SbView *from, const SbView *to, TestErrors *e) {
    for (int k = 0; k < from->w * from->h; k++) {
        double o[3], d[3], p[3], n[3], n2[3], t, x, y, z, found;
        test_pixel_ray(from, k % from->w, k / from->w, o, d);
        int id = sb_room_cast(room, o, d, &t, n);
        for (int j = 0; j < 3; j++) p[j] = o[j] + from->depth[k] * d[j];
        test_project(to, p, &x, &y, &z);
        if (z < .1 || x < 0 || y < 0 || x > to->w - 1 || y > to->h - 1) continue;
        test_pixel_ray(to, x, y, o, d);
        if (sb_room_cast(room, o, d, &found, n2) != id || fabs(found - z) > .01 * z) continue;  // hidden
        int curved = id >= SB_ID_OBJECT && room->object[id - SB_ID_OBJECT].shape != SB_BOX && fabs(n[2]) < 1;
        if (!curved) found = test_plane_depth(room, to, x, y);
        if (found == 0) continue;
        e->curved += curved;
        e->error[e->count++] = fabs(found - z) / z;
    }
}

// Reprojection of view 0 into view 1 and back. Both depths are floats, off by at most 2^-24 of themselves
// and by half of that or less in the median; a rounding of z moves the point along its ray, which a slanted
// surface turns into a few times as much: bounds 2^-24 for the median, 2^-22 for 99 %. A principal point
// that is half a pixel off must break the bound a thousandfold.
static void test_simulate_reprojection(void) {
    SbSimConfig c = test_sim_config(48, 48, 2, 1);
    SbScene scene;
    SbRoom room;
    TestErrors e = {NULL, 0, 0}, off = {NULL, 0, 0};
    e.error = (double *)sb_calloc(2 * 10 * 48 * 48, sizeof(double));
    off.error = (double *)sb_calloc(2 * 10 * 48 * 48, sizeof(double));
    memset(&scene, 0, sizeof scene);
    for (uint64_t i = 0; i < 10; i++) {
        sb_room_make(&room, &c, sb_pool(SB_POOL_TEST, i));
        sb_room_scene(&scene, &room, &c);
        test_reproject(&room, &scene.view[0], &scene.view[1], &e);
        test_reproject(&room, &scene.view[1], &scene.view[0], &e);
        scene.view[0].k.cx += .5;
        test_reproject(&room, &scene.view[0], &scene.view[1], &off);
    }
    sb_scene_free(&scene);
    qsort(e.error, (size_t)e.count, sizeof(double), test_compare_doubles);
    qsort(off.error, (size_t)off.count, sizeof(double), test_compare_doubles);
    double median = e.error[e.count / 2], p99 = e.error[e.count * 99 / 100], wrong = off.error[off.count / 2];
    CHECK(e.count > 15000 && e.curved > 500, "only %d points, %d on curved objects", e.count, e.curved);
    CHECK(median < 0x1p-24 && p99 < 0x1p-22, "depth off by %.3g (median), %.3g (99 %%)", median, p99);
    CHECK(wrong > 1000 * 0x1p-24, "half a pixel off changes the depth by %.3g only", wrong);
    free(e.error);
    free(off.error);
}

// objects.json's boxes against points of the surface, and against the pixels of the object in every view.
static void test_simulate_boxes(void) {
    enum { POINTS = 4000 };
    SbSimConfig c = test_sim_config(64, 64, 2, 1);
    SbScene scene;
    SbRoom room;
    long pixels = 0;
    memset(&scene, 0, sizeof scene);
    for (uint64_t i = 0; i < 8; i++) {
        sb_room_make(&room, &c, sb_pool(SB_POOL_PROBE, i));
        sb_room_scene(&scene, &room, &c);
        CHECK(scene.objects == 3 + room.objects, "%d objects listed", scene.objects);
        for (int k = 0; k < room.objects; k++) {
            const SbObject *o = &scene.object[3 + k];
            SbRandom random = sb_random(i, (uint64_t)k);
            double reach[3] = {0, 0, 0}, mean[3] = {0, 0, 0}, worst = 0;
            CHECK(o->id == SB_ID_OBJECT + k && o->has_box, "object %d: id %d, box %d", k, o->id, o->has_box);
            for (int n = 0; n < POINTS; n++) {
                double p[3], q[3];
                sb_room_surface_point(&room, k, &random, p);
                worst = fmax(worst, fabs(test_outside(&room.object[k], p)));
                for (int j = 0; j < 3; j++) mean[j] += (p[j] - o->center[j]) / POINTS;
                q[0] = cos(o->yaw) * (p[0] - o->center[0]) + sin(o->yaw) * (p[1] - o->center[1]);
                q[1] = cos(o->yaw) * (p[1] - o->center[1]) - sin(o->yaw) * (p[0] - o->center[0]);
                q[2] = p[2] - o->center[2];
                for (int j = 0; j < 3; j++) reach[j] = fmax(reach[j], fabs(q[j]) / (o->size[j] / 2));
            }
            CHECK(worst < 1e-9, "%s: sampled points are %.3g m off the surface", o->name, worst);
            double diagonal = hypot(hypot(o->size[0], o->size[1]), o->size[2]);
            for (int j = 0; j < 3; j++) {       // no coordinate deviates more than half the diagonal: 6 sigma
                CHECK(reach[j] > .97 && reach[j] < 1 + 1e-9, "%s: points reach %.4f of size[%d]", o->name,
                      reach[j], j);
                CHECK(fabs(mean[j]) < 6 * diagonal / 2 / sqrt((double)POINTS),
                      "%s: mean of the points is %.3g m from center[%d]", o->name, mean[j], j);
            }
        }
        for (int n = 0; n < 2 * 64 * 64; n++) {
            const SbView *v = &scene.view[n / 4096];
            const int id = v->mask[n % 4096];
            double from[3], d[3], p[3];
            if (id < SB_ID_OBJECT) continue;
            test_pixel_ray(v, n % 4096 % 64, n % 4096 / 64, from, d);
            for (int j = 0; j < 3; j++) p[j] = from[j] + v->depth[n % 4096] * d[j];
            double out = test_outside(&room.object[id - SB_ID_OBJECT], p);
            pixels++;
            CHECK(fabs(out) < 2e-6, "%s: pixel %d lies %.3g m off", scene.object[id - 1].name, n, out);
        }
    }
    CHECK(pixels > 5000, "only %ld pixels on objects", pixels);
    sb_scene_free(&scene);
}

// ---- signs, in a room written by hand

// A red sphere to the left and near, a blue box to the right and far; the light above the sphere's left.
static SbRoom test_hand_room(void) {
    SbRoom room;
    memset(&room, 0, sizeof room);
    const SbRoomObject red = {SB_SPHERE, 0, {2400, 2500, 300}, {300, 300, 300}, 0, 1000, 0};
    const SbRoomObject blue = {SB_BOX, 2, {3800, 4500, 300}, {300, 200, 300}, 500, 1000, 0};
    const SbRoomCamera camera = {{3000, 300, 1200}, 0, -200, 1200};
    room.size[0] = room.size[1] = 6000;
    room.size[2] = 3000;
    room.light[0] = 1000;
    room.light[1] = 2500;
    room.light[2] = 2500;
    room.ambient = 400;
    room.level = 1000;
    for (int k = 0; k < 6; k++) {
        for (int j = 0; j < 3; j++) room.face[k].colour[j] = 700;
        room.face[k].period = 1000;
    }
    room.objects = 2;
    room.object[0] = red;
    room.object[1] = blue;
    room.views = 1;
    room.camera[0] = camera;
    return room;
}

typedef struct { double x, y, depth, rgb[3], count; } TestBlob;

// Mean place, depth and colour of the pixels of one id in view 0 of the room.
static TestBlob test_blob(const SbRoom *room, int id) {
    SbSimConfig c = test_sim_config(64, 64, 1, 1);
    SbScene scene;
    TestBlob b = {0, 0, 0, {0, 0, 0}, 0};
    memset(&scene, 0, sizeof scene);
    c.noise = 0;
    sb_room_scene(&scene, room, &c);
    for (int k = 0; k < 64 * 64; k++) {
        if (scene.view[0].mask[k] != id) continue;
        b.x += k % 64;
        b.y += k / 64;
        b.depth += scene.view[0].depth[k];
        for (int j = 0; j < 3; j++) b.rgb[j] += scene.view[0].rgb[3 * k + j];
        b.count++;
    }
    sb_scene_free(&scene);
    double n = b.count > 0 ? b.count : 1;
    b.x /= n;
    b.y /= n;
    b.depth /= n;
    for (int j = 0; j < 3; j++) b.rgb[j] /= n;
    return b;
}

static void test_simulate_signs(void) {
    SbRoom room = test_hand_room();
    TestBlob red = test_blob(&room, 4), blue = test_blob(&room, 5), floor_ = test_blob(&room, SB_ID_FLOOR);
    TestBlob ceiling = test_blob(&room, SB_ID_CEILING), turned;
    CHECK(red.count > 50 && blue.count > 20 && floor_.count > 500, "red %g, blue %g, floor %g pixels",
          red.count, blue.count, floor_.count);
    CHECK(red.x < 28 && blue.x > 36, "left sphere at x = %.1f, right box at x = %.1f", red.x, blue.x);
    CHECK(red.depth < blue.depth - 1.5, "near sphere %.2f m, far box %.2f m", red.depth, blue.depth);
    CHECK(red.y > blue.y + 5, "near sphere at y = %.1f, far box at y = %.1f", red.y, blue.y);
    CHECK(ceiling.count > 0 && ceiling.y < floor_.y - 20, "ceiling at y = %.1f, floor at %.1f", ceiling.y,
          floor_.y);
    CHECK(red.rgb[0] > 2 * red.rgb[2] && blue.rgb[2] > 2 * blue.rgb[0], "red sphere %.0f,%.0f,%.0f",
          red.rgb[0], red.rgb[1], red.rgb[2]);
    CHECK(red.count > 1.2 * blue.count, "the nearer one is not larger: %g, %g pixels", red.count, blue.count);
    SbSimConfig c = test_sim_config(64, 32, 1, 1);
    SbIntrinsics k;
    double pose[16];
    sb_room_camera(&room, &c, 0, &k, pose);     // the outer edges of the outer pixels are fov apart
    CHECK(fabs((63.5 - k.cx) / k.fx - tan(.6)) < 1e-12 && fabs((-.5 - k.cx) / k.fx + tan(.6)) < 1e-12 &&
              k.fy == k.fx && k.cy == 15.5, "intrinsics %g %g %g %g", k.fx, k.fy, k.cx, k.cy);
    room.camera[0].yaw += 150;          // to the left: things move right
    turned = test_blob(&room, 4);
    CHECK(turned.x > red.x + 3, "turning left moved the sphere from x = %.1f to %.1f", red.x, turned.x);
    room = test_hand_room();
    room.camera[0].pitch += 150;        // up: things move down
    turned = test_blob(&room, 5);
    CHECK(turned.y > blue.y + 3, "looking up moved the box from y = %.1f to %.1f", blue.y, turned.y);
    room = test_hand_room();
    room.camera[0].at[0] += 400;        // to the right: things move left
    turned = test_blob(&room, 4);
    CHECK(turned.x < red.x - 3, "a step right moved the sphere from x = %.1f to %.1f", red.x, turned.x);
    room = test_hand_room();
    room.camera[0].fov += 300;          // wider: things become smaller
    turned = test_blob(&room, 4);
    CHECK(turned.count < .8 * red.count, "a wider view shows the sphere on %g pixels, not %g", turned.count,
          red.count);
}

// The sphere's shadow lies away from the light; a yaw of a box turns its front face's normal
// counter-clockwise.
static void test_simulate_light_and_yaw(void) {
    SbRoom room = test_hand_room();
    SbSimConfig c = test_sim_config(64, 64, 1, 1);
    SbScene scene;
    double level[2];
    memset(&scene, 0, sizeof scene);
    c.noise = 0;
    sb_room_scene(&scene, &room, &c);
    for (int side = 0; side < 2; side++) {      // the floor 40 cm left and right of where the sphere stands
        double p[3] = {side ? 2.8 : 2.0, 2.5, 0}, x, y, z;
        test_project(&scene.view[0], p, &x, &y, &z);
        const int at = (int)(y + .5) * 64 + (int)(x + .5);
        CHECK(scene.view[0].mask[at] == SB_ID_FLOOR, "pixel %.1f, %.1f is not floor", x, y);
        level[side] = scene.view[0].rgb[3 * at];
    }
    // Lambert's law, 70 % grey, 40 % ambient: the light hangs 2.5 m over and 1 m to the left of the lit point
    double lit = .7 * 255 * (.4 + .6 * 2.5 / hypot(1, 2.5)), shadow = .7 * 255 * .4;
    CHECK(fabs(level[0] - lit) < 1.5, "floor left of the sphere %.0f, not %.1f", level[0], lit);
    CHECK(fabs(level[1] - shadow) < 1, "floor in the sphere's shadow %.0f, not %.1f", level[1], shadow);
    sb_scene_free(&scene);
    double from[3] = {3.8, 1, .3}, d[3] = {0, 1, 0}, t, n[3];
    sb_room_cast(&room, from, d, &t, n);        // the front face's normal (0,-1,0), turned by yaw
    CHECK(fabs(n[0] - sin(.5)) < 1e-9 && fabs(n[1] + cos(.5)) < 1e-9, "normal %.3f, %.3f", n[0], n[1]);
}

// ---- what rooms are like

// Nothing overlaps, leaves the room or holds a camera; names are unique; counts and pools are as documented.
static void test_simulate_layouts(void) {
    static const int least[3] = {2, 3, 5}, most[3] = {3, 6, 8};
    long bad = 0, same = 0, few = 0, rooms = 0;
    for (int difficulty = 0; difficulty < 3; difficulty++)
        for (uint64_t i = 0; i < 1500; i++, rooms++) {
            SbSimConfig c = test_sim_config(8, 8, 4, difficulty);
            SbRoom room;
            sb_room_make(&room, &c, i);
            few += room.objects < least[difficulty];
            bad += room.objects > most[difficulty] || room.objects < 1;
            for (int a = 0; a < room.objects; a++) {
                const SbRoomObject *o = &room.object[a];
                const int r = sb_room_reach(o);
                bad += o->at[2] != o->half[2];
                for (int j = 0; j < 2; j++) bad += o->at[j] - r < 0 || o->at[j] + r > room.size[j];
                for (int b = 0; b < a; b++) {
                    const SbRoomObject *q = &room.object[b];
                    bad += hypot(o->at[0] - q->at[0], o->at[1] - q->at[1]) < r + sb_room_reach(q) + 59;
                    same += o->shape == q->shape && o->colour == q->colour;
                }
                for (int v = 0; v < room.views; v++) {
                    double p[3];
                    for (int j = 0; j < 3; j++) p[j] = room.camera[v].at[j] * 1e-3;
                    bad += test_outside(o, p) < .05;
                }
            }
            for (int v = 0; v < room.views; v++)
                for (int j = 0; j < 3; j++)
                    bad += room.camera[v].at[j] < 100 || room.camera[v].at[j] > room.size[j] - 50;
        }
    CHECK(bad == 0 && same == 0, "%ld faults and %ld double names in %ld rooms", bad, same, rooms);
    CHECK(few < rooms / 50, "%ld of %ld rooms have fewer objects than wanted", few, rooms);
    for (int p = 1; p < SB_POOLS; p++)
        CHECK(sb_pool(p, 0) > sb_pool(p - 1, (1ull << 40) - 1), "pool %d overlaps the one before", p);
    CHECK(sb_pool(SB_POOL_TRAIN, 17) == 17, "training scene 17 is not scene 17");
}

// Depth is spread as in the rooms that the training recipe was found on: .5 to 9 m, mean 3.3, deviation 1.6.
static void test_simulate_statistics(void) {
    enum { ROOMS = 150, PIXELS = 16 * 16 };
    static float depth[PIXELS];
    static unsigned short mask[PIXELS];
    SbSimConfig c = test_sim_config(16, 16, 2, 1);
    SbRoom room;
    double sum = 0, squares = 0, low = 1e9, high = 0, on_object = 0;
    const double n = 2. * ROOMS * PIXELS;
    for (uint64_t i = 0; i < 2 * ROOMS; i++) {
        sb_room_make(&room, &c, i / 2);
        sb_room_render(&room, &c, (int)(i % 2), NULL, depth, mask);
        for (int k = 0; k < PIXELS; k++) {
            sum += depth[k];
            squares += (double)depth[k] * depth[k];
            low = fmin(low, depth[k]);
            high = fmax(high, depth[k]);
            on_object += mask[k] >= SB_ID_OBJECT;
        }
    }
    double mean = sum / n, deviation = sqrt(squares / n - mean * mean);
    CHECK(mean > 3 && mean < 3.7 && deviation > 1.35 && deviation < 1.85, "depth %.2f +- %.2f m", mean,
          deviation);
    CHECK(low > .3 && high < 10, "depth from %.2f to %.2f m", low, high);
    CHECK(on_object / n > .08 && on_object / n < .3, "%.1f %% of pixels show objects", 100 * on_object / n);
}

// Rendering into a used scene: the same buffers, the same result as in a fresh one; and any antialias and
// noise.
static void test_simulate_reuse(void) {
    SbSimConfig c = test_sim_config(40, 24, 2, 1);
    SbScene used, fresh;
    SbRoom room;
    memset(&used, 0, sizeof used);
    memset(&fresh, 0, sizeof fresh);
    sb_room_make(&room, &c, 1);
    sb_room_scene(&used, &room, &c);
    const unsigned char *rgb = used.view[1].rgb;
    const SbObject *object = used.object;
    strcpy(used.view[1].name, "kept");  // freed and allocated again, the memory might be at the same place
    sb_room_make(&room, &c, 2);
    sb_room_scene(&used, &room, &c);
    sb_room_scene(&fresh, &room, &c);
    CHECK(used.view[1].rgb == rgb && used.object == object && !strcmp(used.view[1].name, "kept"),
          "the second room was given new memory");
    CHECK(used.objects == fresh.objects && !strcmp(used.name, "scene 2"), "%d objects in %s", used.objects,
          used.name);
    CHECK(!memcmp(used.object, fresh.object, (size_t)used.objects * sizeof(SbObject)), "objects differ");
    for (int v = 0; v < 2; v++)
        CHECK(!memcmp(used.view[v].rgb, fresh.view[v].rgb, 40 * 24 * 3) &&
                  !memcmp(used.view[v].depth, fresh.view[v].depth, 40 * 24 * sizeof(float)) &&
                  !memcmp(used.view[v].mask, fresh.view[v].mask, 40 * 24 * sizeof(unsigned short)),
              "view %d differs between a used and a fresh scene", v);
    c.noise = 0;
    double gap = 0;
    sb_room_scene(&used, &room, &c);
    for (int k = 0; k < 40 * 24 * 3; k++) gap += pow((double)used.view[0].rgb[k] - fresh.view[0].rgb[k], 2);
    gap = sqrt(gap / (40 * 24 * 3));
    CHECK(gap > 2.9 && gap < 3.5, "the noise's standard deviation is %.2f, 3.25 wanted", gap);
    c.w = 300;                          // more pixels than SB_RAYS in a row
    c.h = 30;
    c.antialias = 3;
    sb_room_scene(&used, &room, &c);
    c.antialias = 1;
    sb_room_scene(&fresh, &room, &c);
    gap = 0;
    for (int k = 0; k < 300 * 30 * 3; k++) gap += abs(used.view[1].rgb[k] - fresh.view[1].rgb[k]) / 27000.;
    CHECK(gap > .01 && gap < 2, "pictures with 9 rays and 1 ray per pixel differ by %.3f levels", gap);
    sb_scene_free(&used);
    sb_scene_free(&fresh);
}

// ---- a camera that walks

// Overlap of a with b, pixel by pixel: does the independent ray from b's camera to the point end there?
static double test_overlap(const SbRoom *room, const SbView *a, const SbView *b) {
    long shared = 0;
    for (int k = 0; k < a->w * a->h; k++) {
        double from[3], d[3], p[3], x, y, z;
        test_pixel_ray(a, k % a->w, k / a->w, from, d);
        double t = test_room_ray(room, from, d).t;
        for (int j = 0; j < 3; j++) p[j] = from[j] + t * d[j];
        test_project(b, p, &x, &y, &z);
        if (!(z > 0 && x > -.5 && y > -.5 && x < b->w - .5 && y < b->h - .5)) continue;
        for (int j = 0; j < 3; j++) from[j] = b->pose[4 * j + 3], d[j] = p[j] - from[j];
        shared += test_room_ray(room, from, d).t > .999;
    }
    return (double)shared / (double)(a->w * a->h);
}

// The overlap of neighbours lies in the bin that was asked for, and brute force finds the same overlap: to a
// ray on 24 x 24 pixels, which are the rays of the layout, and to 3 % on 64 x 64. Cameras stand in the open.
static void test_simulate_path(void) {
    static const int bin[4][2] = {{0, 20}, {15, 35}, {30, 60}, {75, 95}};
    enum { ROOMS = 20, VIEWS = 12 };
    SbScene scene;
    SbRoom room, again;
    long outside = 0, wrong = 0, bad = 0, used = 0, checked = 0;
    double worst = 0, sum[4] = {0, 0, 0, 0};
    memset(&scene, 0, sizeof scene);
    for (int i = 0; i < 4 * ROOMS; i++) {
        SbSimConfig c = test_sim_config(24, 24, VIEWS, 1 + i % 2);
        c.overlap_min = bin[i % 4][0];
        c.overlap_max = bin[i % 4][1];
        sb_room_make(&room, &c, sb_pool(SB_POOL_TEST, (uint64_t)i));
        sb_room_make(&again, &c, sb_pool(SB_POOL_TEST, (uint64_t)i));
        wrong += sb_room_hash(&room) != sb_room_hash(&again);
        for (int v = 0; v < VIEWS; v++) {
            double p[3];
            for (int j = 0; j < 3; j++) p[j] = room.camera[v].at[j] * 1e-3;
            for (int k = 0; k < room.objects; k++) bad += test_outside(&room.object[k], p) < .05;
            for (int j = 0; j < 3; j++) bad += p[j] < .1 || p[j] > room.size[j] * 1e-3 - .1;
        }
        for (int v = 1; v < VIEWS; v++, used++) {
            double percent = 100 * sb_room_overlap(&room, &c, v - 1, v);
            outside += percent < c.overlap_min - 1e-9 || percent > c.overlap_max + 1e-9;
            sum[i % 4] += percent / (ROOMS * (VIEWS - 1));
        }
        if (i / 4 % 5) continue;        // a fifth of the rooms by brute force
        sb_room_scene(&scene, &room, &c);
        for (int v = 1; v < VIEWS; v += 3, checked++) {
            double brute = fmin(test_overlap(&room, &scene.view[v - 1], &scene.view[v]),
                                test_overlap(&room, &scene.view[v], &scene.view[v - 1]));
            double found = sb_room_overlap(&room, &c, v - 1, v);
            wrong += fabs(brute - found) > 1.5 / 576;   // one ray may graze an edge
        }
        c.w = c.h = 64;
        sb_room_scene(&scene, &room, &c);
        double fine = fmin(test_overlap(&room, &scene.view[1], &scene.view[2]),
                           test_overlap(&room, &scene.view[2], &scene.view[1]));
        worst = fmax(worst, fabs(fine - sb_room_overlap(&room, &c, 1, 2)));
    }
    CHECK(used == 4 * ROOMS * (VIEWS - 1) && outside == 0, "%ld of %ld pairs are not in their bin", outside,
          used);
    CHECK(checked > 60 && wrong == 0, "%ld of %ld overlaps differ from brute force", wrong, checked);
    CHECK(worst < .03, "24 x 24 rays and 64 x 64 pixels differ by %.3f", worst);
    CHECK(bad == 0, "%ld cameras stand in an object or a wall", bad);
    for (int b = 0; b < 4; b++) {       // evenly spread: the mean of 220 is off by less than 2 percent
        double middle = (bin[b][0] + bin[b][1]) / 2.;
        CHECK(fabs(sum[b] - middle) < 2, "bin %d..%d: mean %.1f", bin[b][0], bin[b][1], sum[b]);
    }
    sb_scene_free(&scene);
}

static void test_simulate_refuses(void) {
    SbSimConfig c = sb_sim_default();
    SbRoom room;
    c.w = 0;
    EXPECT_DIE(sb_room_make(&room, &c, 1), "image of 0 x 64 pixels");
    c = sb_sim_default();
    c.views = SB_ROOM_VIEWS + 1;
    EXPECT_DIE(sb_room_make(&room, &c, 1), "17 views per room");
    c = sb_sim_default();
    c.fov_min = 90;
    EXPECT_DIE(sb_room_make(&room, &c, 1), "field of view 90..80 degrees");
    c = sb_sim_default();
    c.difficulty = 3;
    EXPECT_DIE(sb_room_make(&room, &c, 1), "difficulty 3");
    c = sb_sim_default();
    c.antialias = SB_ANTIALIAS_MAX + 1;
    EXPECT_DIE(sb_room_make(&room, &c, 1), "antialias 5");
    c = sb_sim_default();
    c.noise = NAN;
    EXPECT_DIE(sb_room_make(&room, &c, 1), "noise nan");
    c = sb_sim_default();
    c.overlap_min = 50;
    c.overlap_max = 60;
    EXPECT_DIE(sb_room_make(&room, &c, 1), "overlap of 50..60 percent");
    c.overlap_max = 99;
    EXPECT_DIE(sb_room_make(&room, &c, 1), "overlap of 50..99 percent");
}

// Rooms come again after --rooms of them, whoever asks; seen by another camera the room is the same one.
static void test_simulate_rooms_again(void) {
    static SbSample slot[3][6];
    static SbSource s[3];       // one that trains, two that probe: the same pictures, and from elsewhere
    SbConfig c = sb_config_preset(SB_TOY);
    size_t bytes = (size_t)(3 * c.image * c.image);
    sb_source_init(s, &c, SB_TASK_DIALOGUE, SB_POOL_TRAIN, "mix", 1, 5);
    for (int k = 1; k < 3; k++) sb_source_init(s + k, &c, SB_TASK_RECOGNISE, SB_POOL_TRAIN, "rec", 1, 0);
    s[0].rooms = 4;
    s[2].first = 1, s[2].sim.views = 2;
    for (int k = 0; k < 3; k++) sb_source_samples(s + k, slot[k], 6, 0);
    for (int i = 0; i < 6; i++) {
        const SbSample *train = slot[0] + i, *same = slot[1] + i % 4, *other = slot[2] + i % 4;
        const SbScene *room = &same->scene, *again = &other->scene;
        CHECK(!memcmp(train->picture[0], same->picture[0], bytes), "sample %d is not of room %d", i, i % 4);
        CHECK(i == 4 || !i || memcmp(train->picture[0], slot[0]->picture[0], bytes), "room %d is room 0", i);
        CHECK(memcmp(train->picture[0], other->picture[0], bytes) && other->info->view == again->view + 1,
              "sample %d: the other camera sees the same", i);
        CHECK(again->objects == room->objects && !memcmp(again->view->rgb, room->view->rgb, bytes),
              "sample %d: another room", i);
        for (int k = 0; k < room->objects; k++)
            CHECK(!memcmp(again->object[k].center, room->object[k].center, sizeof room->object[k].center) &&
                      !strcmp(again->object[k].name, room->object[k].name), "sample %d, object %d", i, k);
    }
}
static void test_simulate_all(void) {
    RUN(test_simulate_same_everywhere);
    RUN(test_simulate_against_rays);
    RUN(test_simulate_reprojection);
    RUN(test_simulate_boxes);
    RUN(test_simulate_signs);
    RUN(test_simulate_light_and_yaw);
    RUN(test_simulate_layouts);
    RUN(test_simulate_statistics);
    RUN(test_simulate_reuse);
    RUN(test_simulate_path);
    RUN(test_simulate_rooms_again);
    RUN(test_simulate_refuses);
}
#endif
