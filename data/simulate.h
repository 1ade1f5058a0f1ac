// simulate.h: rooms with objects whose every pixel, depth and distance is known.
//
// A room (room.h) is a list of integers that follows from its scene number alone: the same on every machine,
// for any thread count. Colour, planar depth and object masks are ray-cast.
// Refuses: files (scene.h saves what sb_room_scene makes), meshes, reflections, camera roll, a second light.
//
//     SbSimConfig c = sb_sim_default();  SbScene scene = {0};   // one SbScene per thread: buffers are reused
//     SbRoom room;  sb_room_make(&room, &c, sb_pool(SB_POOL_TRAIN, 17));  sb_room_scene(&scene, &room, &c);
//
// Read rays.h first; then from top: shading, views, overlap, the whole layout, scenes, single rays.
#ifndef SB_SIMULATE_H
#define SB_SIMULATE_H
#include "rays.h"

// ---- shading: Lambert's law for one point light near the ceiling with hard shadows, plus ambient light

// A sine's likeness of period 1 from two parabolas, x >= 0.
static double sb_sim_wave(double x) {
    double f = x - (double)(int)x;
    return f < .5 ? 16 * f * (.5 - f) : -16 * (f - .5) * (1 - f);
}

// Share of the face's colour at (u, v) metres, in [1 - contrast, 1].
static double sb_room_texture(const SbRoomStage *s, int face, double u, double v) {
    double a = (u + s->phase[face]) * s->frequency[face], b = (v + s->phase[face]) * s->frequency[face];
    switch (s->texture[face]) {
    case SB_FACE_CHECKS: return 1 - s->contrast[face] * (((int)a + (int)b) & 1);
    case SB_FACE_STRIPES: return 1 - s->contrast[face] * ((int)a & 1);
    case SB_FACE_WAVES: return 1 - s->contrast[face] * (.5 + .5 * sb_sim_wave(a) * sb_sim_wave(b));
    default: return 1;
    }
}

// Colour before light, and normal, of what is hit in p.
static void sb_room_hit_surface(const SbRoomStage *s, int64_t hit, const double p[3], double rgb[3],
                                double n[3]) {
    const double *base;
    double share;
    if (hit >= 0) {
        const SbRoomBody *b = &s->body[hit];
        base = b->colour;
        share = 1 - .25 * ((int)((p[2] - 1e-6) * b->bands) & 1);  // a top on a boundary is in the band below
        sb_room_body_normal(b, p, n);
    } else {
        int face = sb_room_face(s, p);
        base = s->face_colour[face];
        share = sb_room_texture(s, face, face < 2 ? p[1] : p[0], face < 4 ? p[2] : p[1]);
        n[0] = n[1] = n[2] = 0;
        n[face >> 1] = face & 1 ? -1 : 1;
    }
    for (int j = 0; j < 3; j++) rgb[j] = base[j] * share;
}

// Colours [3][SB_RAYS] in 0..1 of what the rays have hit. `light` is scratch: it becomes the rays from the
// light to the hit points (t = 1), so that an object hit before t = 1 throws a shadow.
static void sb_rays_shade(const SbRays *r, const SbRoomStage *s, SbRays *light, double colour[3][SB_RAYS]) {
    double lambert[SB_RAYS];
    const int n = r->n;
    const double ambient = s->ambient, direct = s->level - s->ambient;
    light->n = n;
    memcpy(light->from, s->light, sizeof light->from);
    for (int i = 0; i < n; i++) {
        double p[3], normal[3], rgb[3];
        sb_rays_point(r, i, p);
        sb_room_hit_surface(s, r->hit[i], p, rgb, normal);
        for (int j = 0; j < 3; j++) colour[j][i] = rgb[j];
        light->x[i] = p[0] - s->light[0];
        light->y[i] = p[1] - s->light[1];
        light->z[i] = p[2] - s->light[2];
        lambert[i] = -(normal[0] * light->x[i] + normal[1] * light->y[i] + normal[2] * light->z[i]);
        light->t[i] = .999;
        light->hit[i] = SB_NOTHING;
    }
    sb_rays_bodies(light, s);
    for (int i = 0; i < n; i++) {
        double x = light->x[i], y = light->y[i], z = light->z[i];
        double cosine = lambert[i] / sqrt(x * x + y * y + z * z);
        cosine = light->hit[i] == SB_NOTHING ? sb_sim_most(cosine, 0) : 0;
        for (int j = 0; j < 3; j++) colour[j][i] *= ambient + direct * cosine;
    }
}

// ---- views

// Intrinsics (pixel centres at integers) and camera-to-world pose (x right, y down, z forward) of a view.
static SB_UNUSED void sb_room_camera(const SbRoom *room, const SbSimConfig *c, int view, SbIntrinsics *k,
                                     double pose[16]) {
    const SbRoomCamera *e = &room->camera[view];
    const double yaw = e->yaw * 1e-3, pitch = e->pitch * 1e-3;
    const double cy = cos(yaw), sy = sin(yaw), cp = cos(pitch), sp = sin(pitch);
    const double right[3] = {cy, sy, 0}, down[3] = {-sy * sp, cy * sp, -cp};
    const double ahead[3] = {-sy * cp, cy * cp, sp};
    k->fx = k->fy = c->w * .5 / tan(e->fov * .5e-3);
    k->cx = (c->w - 1) * .5;
    k->cy = (c->h - 1) * .5;
    for (int j = 0; j < 3; j++) {
        pose[4 * j] = right[j];
        pose[4 * j + 1] = down[j];
        pose[4 * j + 2] = ahead[j];
        pose[4 * j + 3] = e->at[j] * 1e-3;
        pose[12 + j] = 0;
    }
    pose[15] = 1;
}

// Trace rays through the pixels (u0 + i step, v), i < n. In camera axes their z is 1: t is planar depth.
static void sb_rays_row(SbRays *r, const SbRoomStage *s, const SbIntrinsics *k, const double pose[16], int n,
                        double u0, double step, double v) {
    double b = (v - k->cy) / k->fy;
    r->n = n;
    for (int j = 0; j < 3; j++) r->from[j] = pose[4 * j + 3];
    for (int i = 0; i < n; i++) {
        double a = (u0 + i * step - k->cx) / k->fx;
        r->x[i] = a * pose[0] + b * pose[1] + pose[2];
        r->y[i] = a * pose[4] + b * pose[5] + pose[6];
        r->z[i] = a * pose[8] + b * pose[9] + pose[10];
    }
    sb_rays_room(r, s->size);
    sb_rays_bodies(r, s);
}

// One pixel of 8 bits; in each channel the noise is the sum of two uniform numbers of 10 bits.
static void sb_room_pixel(unsigned char rgb[3], const double sum[3], double scale, double noise,
                          uint64_t bits) {
    for (int j = 0; j < 3; j++, bits >>= 20) {
        int random = (int)(bits & 1023) + (int)(bits >> 10 & 1023) - 1023;      // standard deviation 418.05
        double v = sum[j] * scale + random * (noise / 418.05) + .5;
        rgb[j] = (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

// A view: rgb [h][w][3], depth [h][w] planar z in metres through pixel centres, mask [h][w] ids; NULL: not
// wanted. A pixel's noise depends on scene, view and place only.
static SB_UNUSED void sb_room_render(const SbRoom *room, const SbSimConfig *c, int view, unsigned char *rgb,
                                     float *depth, unsigned short *mask) {
    SbRoomStage stage;
    SbIntrinsics k;
    SbRays rays, light;
    double pose[16], colour[3][SB_RAYS];
    const int aa = c->antialias, most = SB_RAYS / aa;
    const double scale = 255. / (aa * aa);
    const uint64_t key = sb_hash(room->scene, 1000 + (uint64_t)view);
    sb_room_stage(&stage, room);
    sb_room_camera(room, c, view, &k, pose);
    for (int y = 0; y < c->h; y++)
        for (int x = 0; x < c->w; x += most) {
            const int n = c->w - x < most ? c->w - x : most;
            const size_t at = (size_t)y * (size_t)c->w + (size_t)x;
            double sum[SB_RAYS][3] = {{0}};
            if (depth || mask) sb_rays_row(&rays, &stage, &k, pose, n, x, 1, y);
            for (int i = 0; i < n && depth; i++) depth[at + (size_t)i] = (float)rays.t[i];
            for (int i = 0; i < n && mask; i++) {
                double p[3];
                sb_rays_point(&rays, i, p);
                mask[at + (size_t)i] = (unsigned short)sb_room_hit_id(&stage, rays.hit[i], p);
            }
            if (!rgb) continue;
            for (int sub = 0; sub < aa; sub++) {
                double first = .5 / aa - .5, v = y + first + sub * (1. / aa);
                sb_rays_row(&rays, &stage, &k, pose, n * aa, x + first, 1. / aa, v);
                sb_rays_shade(&rays, &stage, &light, colour);
                for (int i = 0; i < n; i++)
                    for (int j = 0; j < 3; j++)
                        for (int q = 0; q < aa; q++) sum[i][j] += colour[j][i * aa + q];
            }
            for (size_t i = 0; i < (size_t)n; i++)
                sb_room_pixel(rgb + 3 * (at + i), sum[i], scale, c->noise, sb_hash(key, at + i));
        }
}

// ---- overlap, and a path of cameras
//
// The overlap of view a with view b is the share of a's pixels whose point lies inside b's picture and is not
// hidden from b; that of the pair is the smaller of a with b and b with a. It is measured on 24 x 24 rays, in
// doubles: a ray that grazes an edge to the last bit is the one thing by which machines could differ here.

enum { SB_OVERLAP_RAYS = 24, SB_PATH_TRIES = 200, SB_PATHS = 40 };

// A camera as the rays below want it.
typedef struct { SbIntrinsics k; double pose[16]; } SbRoomEye;

// Where a world point lands in a view of w x h pixels; 1 if inside the picture.
static int sb_eye_sees(const SbRoomEye *e, const double p[3], int w, int h) {
    double c[3] = {0, 0, 0};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) c[i] += e->pose[4 * j + i] * (p[j] - e->pose[4 * j + 3]);
    if (!(c[2] > 0)) return 0;
    double u = e->k.fx * c[0] / c[2] + e->k.cx, v = e->k.fy * c[1] / c[2] + e->k.cy;
    return u > -.5 && v > -.5 && u < w - .5 && v < h - .5;
}

// Overlap of a with b; *depth is the mean planar depth of a. The room is convex: only objects hide a point.
static double sb_room_share(const SbRoomStage *s, const SbSimConfig *c, const SbRoomEye *a,
                            const SbRoomEye *b, double *depth) {
    enum { N = SB_OVERLAP_RAYS };
    SbRays rays, back;
    int shared = 0;
    *depth = 0;
    for (int y = 0; y < N; y++) {
        sb_rays_row(&rays, s, &a->k, a->pose, N, .5 * c->w / N - .5, (double)c->w / N,
                    (y + .5) * c->h / N - .5);
        back.n = 0;
        for (int j = 0; j < 3; j++) back.from[j] = b->pose[4 * j + 3];
        for (int i = 0; i < N; i++) {
            double p[3];
            sb_rays_point(&rays, i, p);
            *depth += rays.t[i] / (N * N);
            if (!sb_eye_sees(b, p, c->w, c->h)) continue;
            back.x[back.n] = p[0] - back.from[0];
            back.y[back.n] = p[1] - back.from[1];
            back.z[back.n] = p[2] - back.from[2];
            back.t[back.n] = .999;
            back.hit[back.n++] = SB_NOTHING;
        }
        sb_rays_bodies(&back, s);
        for (int i = 0; i < back.n; i++) shared += back.hit[i] == SB_NOTHING;
    }
    return shared / (double)(N * N);
}

// Overlap in 0..1 of two views of a room, as a pair.
static SB_UNUSED double sb_room_overlap(const SbRoom *room, const SbSimConfig *c, int a, int b) {
    SbRoomStage stage;
    SbRoomEye eye[2];
    double depth;
    sb_room_stage(&stage, room);
    sb_room_camera(room, c, a, &eye[0].k, eye[0].pose);
    sb_room_camera(room, c, b, &eye[1].k, eye[1].pose);
    return sb_sim_least(sb_room_share(&stage, c, &eye[0], &eye[1], &depth),
                        sb_room_share(&stage, c, &eye[1], &eye[0], &depth));
}

// A step from `last`: either of a random length, up to 1.2 m and 70 degrees, or up to 2 m and any turn. 0: it
// ends in a wall or an object.
static int sb_room_stride(const SbRoom *room, const SbRoomCamera *last, SbRandom *r, SbRoomCamera *e) {
    int far_off = sb_room_draw(r, 0, 1), scale = far_off ? 1000 : sb_room_draw(r, 20, 1000);
    int metres = far_off ? 2000 : 1200, turn = far_off ? 3142 : 1200;
    e->fov = last->fov;
    for (int j = 0; j < 2; j++) e->at[j] = last->at[j] + sb_room_draw(r, -metres, metres) * scale / 1000;
    e->at[2] = last->at[2] + sb_room_draw(r, -400, 400) * scale / 1000;
    e->yaw = last->yaw + sb_room_draw(r, -turn, turn) * scale / 1000;
    e->pitch = last->pitch + sb_room_draw(r, -400, 400) * scale / 1000;
    for (int j = 0; j < 2; j++)
        if (e->at[j] < 300 || e->at[j] > room->size[j] - 300) return 0;
    for (int k = 0; k < room->objects; k++)
        if (sb_room_near(&room->object[k], e->at, 300)) return 0;
    return e->at[2] >= 700 && e->at[2] <= 2000 && e->pitch >= -450 && e->pitch <= -50;
}

// The camera's k-th stop: a goal is drawn in the bin, and of SB_PATH_TRIES steps from the stop before the
// first within 3 percent of it is taken, else the nearest, one in the bin if there is one. The mean depth of
// a view is `deep` metres, or not less than it was. Returns by how many percent the stop misses the bin.
static double sb_room_stop(SbRoom *room, const SbSimConfig *c, const SbRoomStage *s, int k, double deep,
                           SbRandom r) {
    const double goal = c->overlap_min + (c->overlap_max - c->overlap_min) * sb_next_unit(&r);
    SbRoomEye eye[2];
    SbRoomCamera best = room->camera[k - 1], *e = &room->camera[k];
    double miss = 100, least = 1e9, depth, before;
    sb_room_camera(room, c, k - 1, &eye[0].k, eye[0].pose);
    for (int tries = 0; tries < SB_PATH_TRIES && least > 3; tries++) {
        if (!sb_room_stride(room, &room->camera[k - 1], &r, e)) continue;
        sb_room_camera(room, c, k, &eye[1].k, eye[1].pose);
        double percent = 100 * sb_room_share(s, c, &eye[1], &eye[0], &depth);
        percent = sb_sim_least(percent, 100 * sb_room_share(s, c, &eye[0], &eye[1], &before));
        if (depth < deep && depth < before) continue;
        double off = sb_sim_most(sb_sim_most(c->overlap_min - percent, percent - c->overlap_max), 0);
        if (100 * off + fabs(percent - goal) >= least) continue;
        least = 100 * off + fabs(percent - goal);
        miss = off;
        best = *e;
    }
    *e = best;
    return miss;
}

// A camera that walks through the room. A path that ends where no step keeps to the bin is begun again, and
// may look at nearer walls.
static void sb_room_path(SbRoom *room, const SbSimConfig *c) {
    SbRoomStage stage;
    sb_room_stage(&stage, room);
    for (int path = 1; path <= SB_PATHS; path++) {
        double miss = 0;
        for (int k = 1; k < c->views && (miss == 0 || path == SB_PATHS); k++)
            miss += sb_room_stop(room, c, &stage, k, 2.05 - .05 * path,
                                 sb_random(room->scene, (uint64_t)(100 * path + k)));
        if (miss == 0) return;
    }
}

// ---- the whole layout

// The layout of a scene: a function of its number and of the config's views, fov, difficulty and overlap (of
// the picture's shape too, where the camera walks).
static SB_UNUSED void sb_room_make(SbRoom *room, const SbSimConfig *c, uint64_t scene) {
    static const int least[3] = {2, 3, 5}, most[3] = {3, 6, 8};
    const int walk = c->overlap_max > 0;
    sb_sim_check(c);
    memset(room, 0, sizeof *room);
    room->scene = scene;
    room->views = c->views;
    SbRandom r = sb_random(scene, 0);
    room->size[0] = sb_room_draw(&r, 4000, 8000);
    room->size[1] = sb_room_draw(&r, 4000, 8000);
    room->size[2] = sb_room_draw(&r, 2400, 3400);
    room->light[0] = room->size[0] * sb_room_draw(&r, 200, 800) / 1000;
    room->light[1] = room->size[1] * sb_room_draw(&r, 100, 900) / 1000;
    room->light[2] = room->size[2] - sb_room_draw(&r, 100, 400);
    room->ambient = c->difficulty == 2 ? sb_room_draw(&r, 200, 350) : sb_room_draw(&r, 350, 600);
    room->level = c->difficulty == 2 ? sb_room_draw(&r, 700, 1000) : 1000;
    sb_room_faces(room, c, &r);
    sb_room_first_camera(room, c);
    if (!walk) sb_room_cameras_beside(room, c);
    r = sb_random(scene, 2);
    int wanted = sb_room_draw(&r, least[c->difficulty], most[c->difficulty]);
    for (int tries = 0; tries < 200 && room->objects < wanted; tries++) {
        SbRoomObject *o = &room->object[room->objects];
        sb_room_propose(room, walk, &r, o);
        room->objects += sb_room_fits(room, o) && !(walk && sb_room_near(o, room->camera[0].at, 1000));
    }
    if (room->objects < SB_ROOM_OBJECTS) memset(&room->object[room->objects], 0, sizeof(SbRoomObject));
    if (walk) sb_room_path(room, c);
}

// ---- scenes in memory

// Buffers for a scene's views; kept as they are when the scene has them already.
static void sb_room_scene_buffers(SbScene *scene, const SbSimConfig *c, int views) {
    const size_t pixels = (size_t)c->w * (size_t)c->h;
    if (scene->views == views && scene->view[0].w == c->w && scene->view[0].h == c->h) return;
    sb_scene_free(scene);
    scene->views = views;
    scene->view = (SbView *)sb_calloc((size_t)views, sizeof(SbView));
    scene->object = (SbObject *)sb_calloc(SB_ID_OBJECT - 1 + SB_ROOM_OBJECTS, sizeof(SbObject));
    for (int i = 0; i < views; i++) {
        SbView *v = &scene->view[i];
        v->w = v->dw = c->w;
        v->h = v->dh = c->h;
        v->rgb = (unsigned char *)sb_calloc(pixels, 3);
        v->depth = (float *)sb_calloc(pixels, sizeof(float));
        v->mask = (unsigned short *)sb_calloc(pixels, sizeof(unsigned short));
        snprintf(v->name, sizeof v->name, "%d", i);
    }
}

// Floor, wall and ceiling without a box, then the objects; id = place + 1.
static void sb_room_scene_objects(SbScene *scene, const SbRoom *room) {
    static const char *const shell[3] = {"floor", "wall", "ceiling"};
    scene->objects = SB_ID_OBJECT - 1 + room->objects;
    memset(scene->object, 0, (size_t)scene->objects * sizeof(SbObject));
    for (int i = 0; i < scene->objects; i++) {
        SbObject *o = &scene->object[i];
        const SbRoomObject *from = i < SB_ID_OBJECT - 1 ? NULL : &room->object[i - (SB_ID_OBJECT - 1)];
        o->id = i + 1;
        if (from) {
            const char *shape = sb_shape_name[from->shape];
            snprintf(o->name, sizeof o->name, "%s %s", sb_colour_name[from->colour], shape);
            snprintf(o->category, sizeof o->category, "%s", shape);
            o->has_box = 1;
            o->yaw = from->yaw * 1e-3;
            for (int j = 0; j < 3; j++) {
                o->center[j] = from->at[j] * 1e-3;
                o->size[j] = from->half[j] * 2e-3;
            }
        } else {
            snprintf(o->name, sizeof o->name, "%s", shell[i]);
            snprintf(o->category, sizeof o->category, "%s", shell[i]);
        }
    }
}

// The room as a scene: every view rendered, every object listed. The scene is zeroed, or one that this
// function filled before; same number and size of views: nothing is allocated. Free with sb_scene_free.
static SB_UNUSED void sb_room_scene(SbScene *scene, const SbRoom *room, const SbSimConfig *c) {
    sb_sim_check(c);
    sb_room_scene_buffers(scene, c, room->views);
    sb_room_scene_objects(scene, room);
    snprintf(scene->name, sizeof scene->name, "scene %llu", (unsigned long long)room->scene);
    scene->up[0] = scene->up[1] = 0;
    scene->up[2] = 1;
    scene->floor_area = room->size[0] * 1e-3 * room->size[1] * 1e-3;
    for (int i = 0; i < room->views; i++) {
        SbView *v = &scene->view[i];
        sb_room_camera(room, c, i, &v->k, v->pose);
        v->dk = v->k;
        sb_room_render(room, c, i, v->rgb, v->depth, v->mask);
    }
}

// ---- for checks: single rays and points

// The ray origin + t dir, t > 0, from a point inside the room and outside the objects: returns the id of
// what it meets first, its t, and the normal of length 1 there, towards the ray's side.
static SB_UNUSED int sb_room_cast(const SbRoom *room, const double origin[3], const double dir[3], double *t,
                                  double normal[3]) {
    SbRoomStage stage;
    SbRays ray;
    double p[3], rgb[3];
    sb_room_stage(&stage, room);
    ray.n = 1;
    memcpy(ray.from, origin, sizeof ray.from);
    ray.x[0] = dir[0];
    ray.y[0] = dir[1];
    ray.z[0] = dir[2];
    sb_rays_room(&ray, stage.size);
    sb_rays_bodies(&ray, &stage);
    sb_rays_point(&ray, 0, p);
    sb_room_hit_surface(&stage, ray.hit[0], p, rgb, normal);
    *t = ray.t[0];
    return sb_room_hit_id(&stage, ray.hit[0], p);
}

// A point in metres, uniform over the closed surface of object 0..objects-1 (its face on the floor included).
static SB_UNUSED void sb_room_surface_point(const SbRoom *room, int object, SbRandom *random,
                                            double point[3]) {
    const double two_pi = 6.283185307179586;
    const SbRoomObject *o = &room->object[object];
    const double hx = o->half[0] * 1e-3, hy = o->half[1] * 1e-3, hz = o->half[2] * 1e-3;
    const double yaw = o->yaw * 1e-3, pick = sb_next_unit(random);
    double a = 2 * sb_next_unit(random) - 1, b = 2 * sb_next_unit(random) - 1, q[3];
    if (o->shape == SB_BOX) {           // a pair of faces by area, a side of it, a place on it
        double xy = hx * hy, yz = hy * hz, zx = hz * hx, u = pick * (xy + yz + zx);
        double side = sb_next_unit(random) < .5 ? -1 : 1;
        q[0] = hx * (u < yz ? side : a);
        q[1] = hy * (u < yz ? a : u < yz + zx ? side : b);
        q[2] = hz * (u < yz + zx ? b : side);
    } else if (o->shape == SB_SPHERE) { // the height of a uniform point is uniform (Archimedes)
        double ring = sqrt(1 - a * a);
        q[0] = hx * ring * cos(two_pi * pick);
        q[1] = hx * ring * sin(two_pi * pick);
        q[2] = hx * a;
    } else {                            // side 2 pi r 2h, two discs of pi r^2: as 2h : r
        int on_side = pick * (2 * hz + hx) < 2 * hz;
        double ring = on_side ? hx : hx * sqrt(fabs(a)), angle = two_pi * sb_next_unit(random);
        q[0] = ring * cos(angle);
        q[1] = ring * sin(angle);
        q[2] = on_side ? hz * a : b < 0 ? -hz : hz;
    }
    point[0] = o->at[0] * 1e-3 + cos(yaw) * q[0] - sin(yaw) * q[1];
    point[1] = o->at[1] * 1e-3 + sin(yaw) * q[0] + cos(yaw) * q[1];
    point[2] = o->at[2] * 1e-3 + q[2];
}
#endif
