// room.h: a simulated room as a list of integers, and how its objects and cameras are drawn.
//
// Millimetres, milliradians, thousandths; whatever is drawn follows from the scene number alone: the same on
// every machine. Refuses: pixels (simulate.h renders). Read from top: the room, scene numbers, its layout.
// World: x right, y away from the first camera, z up; origin in a corner of the floor.
#ifndef SB_ROOM_H
#define SB_ROOM_H
#include <stddef.h>
#include "scene.h"

enum { SB_ROOM_OBJECTS = 8, SB_ROOM_VIEWS = 16, SB_ROOM_COLOURS = 6, SB_ANTIALIAS_MAX = 4 };
enum { SB_SPHERE, SB_BOX, SB_CYLINDER, SB_SHAPES };
enum { SB_ID_FLOOR = 1, SB_ID_WALL, SB_ID_CEILING, SB_ID_OBJECT };  // mask values; object k: SB_ID_OBJECT + k
enum { SB_FACE_PLAIN, SB_FACE_CHECKS, SB_FACE_STRIPES, SB_FACE_WAVES, SB_FACE_TEXTURES };

typedef struct {
    int w, h;                   // pixels
    int views;                  // per room, 1..SB_ROOM_VIEWS
    int fov_min, fov_max;       // horizontal field of view, degrees
    int difficulty;             // 0: 2-3 objects, plain walls; 1: 3-6 objects; 2: 5-8, busy walls, less light
    int antialias;              // colour is the mean of antialias x antialias rays per pixel
    double noise;               // standard deviation of the colour noise, in levels of 255
    int overlap_min, overlap_max; // percent that a view shares with the one before (sb_room_overlap): the
                                // camera walks; 0,0: it does not, all views stand beside the first
} SbSimConfig;

// One of the room's six faces. Units: 1/1000, enum, mm, 1/1000, mm.
typedef struct { int colour[3], texture, period, contrast, phase; } SbRoomFace;

// Objects stand on the floor. Sphere: half[0..2] = radius; cylinder: half[0] = half[1] = radius. `at`: the
// middle; yaw: counter-clockwise seen from above. Units: enum, enum, mm, mm, mrad, 1/1000, mm (0: no bands).
typedef struct { int shape, colour, at[3], half[3], yaw, shade, band; } SbRoomObject;

// yaw: counter-clockwise seen from above, 0 looks along +y; pitch: up; fov: horizontal. Milliradians.
typedef struct { int at[3], yaw, pitch, fov; } SbRoomCamera;

// Everything before `scene` is int, so that the hash of the layout can walk it.
typedef struct {
    int size[3], light[3];              // mm; the room is [0, size]
    int ambient, level;                 // 1/1000: share of light that casts no shadow; all light
    SbRoomFace face[6];                 // x = 0, x = size, y = 0, y = size, floor, ceiling
    int objects, views;
    SbRoomObject object[SB_ROOM_OBJECTS];
    SbRoomCamera camera[SB_ROOM_VIEWS];
    uint64_t scene;                     // its number
} SbRoom;

static const char *const sb_shape_name[SB_SHAPES] = {"sphere", "box", "cylinder"};
static const char *const sb_colour_name[SB_ROOM_COLOURS] = {"red",    "green",  "blue",
                                                            "yellow", "purple", "cyan"};
static const double sb_colour_rgb[SB_ROOM_COLOURS][3] = {
    {.80, .15, .15}, {.15, .65, .20}, {.15, .25, .85}, {.90, .80, .15}, {.60, .20, .70}, {.15, .75, .80}};

// ---- scene numbers: what is trained on is never tested on

enum { SB_POOL_TRAIN, SB_POOL_TEXT, SB_POOL_VALID, SB_POOL_PROBE, SB_POOL_TEST, SB_POOL_TUNE, SB_POOLS };

// The i-th scene of a pool, i < 2^40: encoder and dialogues (TRAIN), text-only stage of the language model
// (TEXT), validation loss (VALID), fitting of probes (PROBE), reported results (TEST), learning rates (TUNE).
static SB_UNUSED uint64_t sb_pool(int pool, uint64_t i) { return ((uint64_t)pool << 40) + i; }

// The rooms of the default training job.
static SB_UNUSED SbSimConfig sb_sim_default(void) {
    SbSimConfig c;
    c.w = c.h = 64;
    c.views = 2;
    c.fov_min = 50;
    c.fov_max = 80;
    c.difficulty = 1;
    c.antialias = 2;
    c.noise = 3.25;
    c.overlap_min = c.overlap_max = 0;
    return c;
}

// Ends with a line that names the field if one is out of range.
static SB_UNUSED void sb_sim_check(const SbSimConfig *c) {
    if (c->w < 1 || c->h < 1 || c->w > 8192 || c->h > 8192)
        sb_die("simulator: image of %d x %d pixels, 1..8192 wanted", c->w, c->h);
    if (c->views < 1 || c->views > SB_ROOM_VIEWS)
        sb_die("simulator: %d views per room, 1..%d wanted", c->views, (int)SB_ROOM_VIEWS);
    if (c->fov_min < 10 || c->fov_max > 120 || c->fov_min > c->fov_max)
        sb_die("simulator: field of view %d..%d degrees, 10 <= a <= b <= 120 wanted", c->fov_min, c->fov_max);
    if (c->difficulty < 0 || c->difficulty > 2)
        sb_die("simulator: difficulty %d, 0..2 wanted", c->difficulty);
    if (c->antialias < 1 || c->antialias > SB_ANTIALIAS_MAX)
        sb_die("simulator: antialias %d, 1..%d wanted", c->antialias, (int)SB_ANTIALIAS_MAX);
    if (!(c->noise >= 0 && c->noise <= 255)) sb_die("simulator: noise %g, 0..255 wanted", c->noise);
    if (c->overlap_max && (c->overlap_min < 0 || c->overlap_max > 95 || c->overlap_max < c->overlap_min + 20))
        sb_die("simulator: overlap of %d..%d percent, 0 <= a <= b - 20 <= 75 wanted (0,0: no path)",
               c->overlap_min, c->overlap_max);
}

// ---- layout: integers only, so that no compiler or libm can move an object

// A uniform integer in [low, high].
static int sb_room_draw(SbRandom *r, int low, int high) {
    return low + (int)sb_next_int(r, (uint32_t)(high - low + 1));
}

// 10^6 sin (first = 1) or cos (first = 0) of an angle in mrad by its series; |angle| <= pi/2, error < 1e-5.
static int64_t sb_room_series(int mrad, int first) {
    const int64_t one = 1000000, x = (int64_t)mrad * 1000;
    int64_t term = first ? x : one, sum = term;
    for (int k = first + 1; k < 14; k += 2) {
        term = -term * x / one * x / (one * k * (k + 1));
        sum += term;
    }
    return sum;
}

static void sb_room_faces(SbRoom *room, const SbSimConfig *c, SbRandom *r) {
    for (int k = 0; k < 6; k++) {
        SbRoomFace *f = &room->face[k];
        int base = sb_room_draw(r, 350, 900);
        for (int j = 0; j < 3; j++) {
            int v = base * sb_room_draw(r, 800, 1150) / 1000;
            f->colour[j] = v < 1000 ? v : 1000;
        }
        f->texture = sb_room_draw(r, 0, SB_FACE_TEXTURES - 1);
        f->period = sb_room_draw(r, 280, 1400);
        f->contrast = c->difficulty == 2 ? sb_room_draw(r, 300, 600) : sb_room_draw(r, 100, 450);
        f->phase = sb_room_draw(r, 0, 3000);
        if (c->difficulty == 0 || k == 5) f->texture = SB_FACE_PLAIN;
    }
}

// The first camera stands near the wall y = 0 and looks into the room.
static void sb_room_first_camera(SbRoom *room, const SbSimConfig *c) {
    SbRandom r = sb_random(room->scene, 1);
    SbRoomCamera *first = &room->camera[0];
    first->at[0] = room->size[0] * sb_room_draw(&r, 300, 700) / 1000;
    first->at[1] = sb_room_draw(&r, 300, 600);
    first->at[2] = sb_room_draw(&r, 700, 2000);
    first->yaw = sb_room_draw(&r, -350, 350);
    first->pitch = -sb_room_draw(&r, 50, 450);
    first->fov = sb_room_draw(&r, c->fov_min * 17453 / 1000, c->fov_max * 17453 / 1000);
}

// The others are shifted from it and turn back towards what it sees.
static void sb_room_cameras_beside(SbRoom *room, const SbSimConfig *c) {
    const SbRoomCamera *first = &room->camera[0];
    for (int k = 1; k < c->views; k++) {
        SbRandom r = sb_random(room->scene, 100 + (uint64_t)k);
        SbRoomCamera *e = &room->camera[k];
        int side = sb_room_draw(&r, 0, 1) ? 1 : -1;
        int x = first->at[0] + side * sb_room_draw(&r, 300, 1000), high = room->size[0] - 200;
        e->at[0] = x < 200 ? 200 : x > high ? high : x;
        e->at[1] = first->at[1] + sb_room_draw(&r, 0, 400);
        e->at[2] = first->at[2] + sb_room_draw(&r, -300, 300);
        if (e->at[2] < 600) e->at[2] = 600;
        e->yaw = first->yaw + 2 * (e->at[0] - first->at[0]) * sb_room_draw(&r, 400, 1100) / room->size[1];
        e->pitch = first->pitch + sb_room_draw(&r, -80, 50);
        e->fov = first->fov;
    }
}

// Radius of the circle on the floor that holds the object whatever its yaw; rounded up.
static int sb_room_reach(const SbRoomObject *o) {
    int s = o->half[0] * o->half[0] + o->half[1] * o->half[1], r = o->half[0];
    if (o->shape != SB_BOX) return r;
    while (r * r < s) r++;
    return r;
}

// An object of random shape, colour and size at a random place in the first camera's field of view; or, where
// the cameras walk, at any place 1 m and more from the first.
static void sb_room_propose(const SbRoom *room, int walk, SbRandom *r, SbRoomObject *o) {
    const SbRoomCamera *cam = &room->camera[0];
    memset(o, 0, sizeof *o);
    o->shape = sb_room_draw(r, 0, SB_SHAPES - 1);
    o->colour = sb_room_draw(r, 0, SB_ROOM_COLOURS - 1);
    if (o->shape == SB_SPHERE) {
        o->half[0] = o->half[1] = o->half[2] = sb_room_draw(r, 150, 600);
    } else if (o->shape == SB_BOX) {
        o->half[0] = sb_room_draw(r, 120, 500);
        o->half[1] = sb_room_draw(r, 120, 500);
        o->half[2] = sb_room_draw(r, 120, 700);
        o->yaw = sb_room_draw(r, 0, 3141);
    } else {
        o->half[0] = o->half[1] = sb_room_draw(r, 120, 450);
        o->half[2] = sb_room_draw(r, 120, 700);
    }
    o->shade = sb_room_draw(r, 750, 1050);
    o->band = sb_room_draw(r, 0, 2) ? 0 : sb_room_draw(r, 80, 300);
    int ahead = sb_room_draw(r, 1300, room->size[1] - 600);
    int angle = cam->yaw + cam->fov * sb_room_draw(r, -382, 382) / 1000;
    o->at[0] = cam->at[0] - (int)(ahead * sb_room_series(angle, 1) / sb_room_series(angle, 0));
    o->at[1] = cam->at[1] + ahead;
    o->at[2] = o->half[2];
    for (int j = 0; j < 2 && walk; j++) o->at[j] = sb_room_draw(r, 0, room->size[j]);
}

// Is a point on the floor less than `space` from the object, whatever its yaw?
static int sb_room_near(const SbRoomObject *o, const int at[3], int space) {
    int64_t dx = o->at[0] - at[0], dy = o->at[1] - at[1], gap = sb_room_reach(o) + space;
    return dx * dx + dy * dy < gap * gap;
}

// No part in a wall, 6 cm from every other object, and no second object of the same name.
static int sb_room_fits(const SbRoom *room, const SbRoomObject *o) {
    int reach = sb_room_reach(o);
    for (int j = 0; j < 2; j++)
        if (o->at[j] < reach || o->at[j] > room->size[j] - reach) return 0;
    for (int k = 0; k < room->objects; k++) {
        const SbRoomObject *q = &room->object[k];
        if (sb_room_near(q, o->at, reach + 60)) return 0;
        if (o->shape == q->shape && o->colour == q->colour) return 0;
    }
    return 1;
}

// A fingerprint of the layout, the same everywhere.
static SB_UNUSED uint64_t sb_room_hash(const SbRoom *room) {
    int word[offsetof(SbRoom, scene) / sizeof(int)];
    uint64_t hash = room->scene;
    memcpy(word, room, sizeof word);
    for (size_t i = 0; i < sizeof word / sizeof word[0]; i++) hash = sb_hash(hash, (uint64_t)word[i]);
    return hash;
}
#endif
