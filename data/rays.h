// rays.h: rays that start at one point against the shapes of a room.
//
// Refuses: meshes; a ray that starts inside an object. Read from top: rays, the room in metres, one function
// a shape, what was hit and its normal.
#ifndef SB_RAYS_H
#define SB_RAYS_H
#include "room.h"

// ---- rays against shapes. Rays that start at one point (the camera; the light) are traced together, each
// shape a plain loop over them without a branch, which compilers turn into vector code (with sqrt in it
// only under -fno-math-errno: twice as fast). All shapes are convex: a ray is inside for an interval of t,
// and what it hits is the interval's start (of the room, seen from inside, its end).

enum { SB_RAYS = 256, SB_THE_ROOM = -1, SB_NOTHING = -2 };

typedef struct {
    int n;
    double from[3];                                         // where all rays start
    double x[SB_RAYS], y[SB_RAYS], z[SB_RAYS];              // directions, any length
    double t[SB_RAYS];                                      // the hit is at from + t (x,y,z)
    int64_t hit[SB_RAYS];                                   // object 0.. or one of the above; as wide as t
} SbRays;

// An object in metres.
typedef struct {
    int shape;
    double at[3], half[3], cosine, sine;                    // of yaw
    double colour[3], bands;                                // shade included; bands per metre of height
} SbRoomBody;

// The room in metres, as the renderer reads it.
typedef struct {
    double size[3], light[3], ambient, level;
    double face_colour[6][3], frequency[6], contrast[6], phase[6];
    int texture[6], bodies;
    SbRoomBody body[SB_ROOM_OBJECTS];
} SbRoomStage;

static void sb_room_stage(SbRoomStage *s, const SbRoom *room) {
    for (int j = 0; j < 3; j++) {
        s->size[j] = room->size[j] * 1e-3;
        s->light[j] = room->light[j] * 1e-3;
    }
    s->ambient = room->ambient * room->level * 1e-6;
    s->level = room->level * 1e-3;
    for (int k = 0; k < 6; k++) {
        for (int j = 0; j < 3; j++) s->face_colour[k][j] = room->face[k].colour[j] * 1e-3;
        s->texture[k] = room->face[k].texture;
        s->frequency[k] = 1e3 / room->face[k].period;
        s->contrast[k] = room->face[k].contrast * 1e-3;
        s->phase[k] = room->face[k].phase * 1e-3;
    }
    s->bodies = room->objects;
    for (int k = 0; k < room->objects; k++) {
        const SbRoomObject *o = &room->object[k];
        SbRoomBody *b = &s->body[k];
        b->shape = o->shape;
        for (int j = 0; j < 3; j++) {
            b->at[j] = o->at[j] * 1e-3;
            b->half[j] = o->half[j] * 1e-3;
            b->colour[j] = sb_colour_rgb[o->colour][j] * o->shade * 1e-3;
        }
        b->cosine = cos(o->yaw * 1e-3);
        b->sine = sin(o->yaw * 1e-3);
        b->bands = o->band ? 1e3 / o->band : 0;
    }
}

// 1/x, finite for 0 as well (0 * infinity would be NaN), without a branch.
static inline double sb_sim_inverse(double x) { return 1 / copysign(fabs(x) + 1e-30, x); }

// Both ends of the interval in which o + t d lies within -h..h, given inv = 1/d.
static inline double sb_rays_enter(double o, double inv, double h) { return -o * inv - h * fabs(inv); }
static inline double sb_rays_leave(double o, double inv, double h) { return -o * inv + h * fabs(inv); }
static inline double sb_sim_least(double a, double b) { return a < b ? a : b; }
static inline double sb_sim_most(double a, double b) { return a > b ? a : b; }

// Object k takes ray i if the interval is not empty and starts before what the ray has hit so far.
static inline void sb_rays_take(SbRays *r, int i, double enter, double leave, int k) {
    int hit = (enter < leave) & (enter > 1e-6) & (enter < r->t[i]);
    r->t[i] = hit ? enter : r->t[i];
    r->hit[i] = hit ? k : r->hit[i];
}

// The walls, floor and ceiling: the first to be left of three slabs.
static void sb_rays_room(SbRays *r, const double size[3]) {
    const int n = r->n;
    const double hx = size[0] / 2, hy = size[1] / 2, hz = size[2] / 2;
    const double ox = r->from[0] - hx, oy = r->from[1] - hy, oz = r->from[2] - hz;
    for (int i = 0; i < n; i++) {
        double tx = sb_rays_leave(ox, sb_sim_inverse(r->x[i]), hx);
        double ty = sb_rays_leave(oy, sb_sim_inverse(r->y[i]), hy);
        double tz = sb_rays_leave(oz, sb_sim_inverse(r->z[i]), hz);
        r->t[i] = sb_sim_least(sb_sim_least(tx, ty), tz);
        r->hit[i] = SB_THE_ROOM;
    }
}

// |o + t d|^2 = r^2:  t = (-b -+ sqrt(q)) / a  with  a = d.d, b = o.d, q = b^2 - a (o.o - r^2). If q < 0 the
// root's sign turns the interval around, and an interval that ends before it starts is never hit.
static void sb_rays_sphere(SbRays *r, SbRoomBody s, int k) {
    const int n = r->n;
    const double ox = r->from[0] - s.at[0], oy = r->from[1] - s.at[1], oz = r->from[2] - s.at[2];
    const double c = ox * ox + oy * oy + oz * oz - s.half[0] * s.half[0];
    for (int i = 0; i < n; i++) {
        double a = r->x[i] * r->x[i] + r->y[i] * r->y[i] + r->z[i] * r->z[i];
        double b = ox * r->x[i] + oy * r->y[i] + oz * r->z[i];
        double q = b * b - a * c, root = copysign(sqrt(fabs(q)), q), inverse = 1 / a;
        sb_rays_take(r, i, (-b - root) * inverse, (-b + root) * inverse, k);
    }
}

// Three slabs in the box's own axes.
static void sb_rays_box(SbRays *r, SbRoomBody s, int k) {
    const int n = r->n;
    const double px = r->from[0] - s.at[0], py = r->from[1] - s.at[1], oz = r->from[2] - s.at[2];
    const double ox = s.cosine * px + s.sine * py, oy = s.cosine * py - s.sine * px;
    for (int i = 0; i < n; i++) {
        double ix = sb_sim_inverse(s.cosine * r->x[i] + s.sine * r->y[i]);
        double iy = sb_sim_inverse(s.cosine * r->y[i] - s.sine * r->x[i]);
        double iz = sb_sim_inverse(r->z[i]);
        double enter = sb_sim_most(sb_rays_enter(ox, ix, s.half[0]), sb_rays_enter(oy, iy, s.half[1]));
        double leave = sb_sim_least(sb_rays_leave(ox, ix, s.half[0]), sb_rays_leave(oy, iy, s.half[1]));
        enter = sb_sim_most(enter, sb_rays_enter(oz, iz, s.half[2]));
        leave = sb_sim_least(leave, sb_rays_leave(oz, iz, s.half[2]));
        sb_rays_take(r, i, enter, leave, k);
    }
}

// The quadratic above in x and y, and a slab in z. A vertical ray is in the circle for ever or never: a > 0.
static void sb_rays_cylinder(SbRays *r, SbRoomBody s, int k) {
    const int n = r->n;
    const double ox = r->from[0] - s.at[0], oy = r->from[1] - s.at[1], oz = r->from[2] - s.at[2];
    const double c = ox * ox + oy * oy - s.half[0] * s.half[0];
    for (int i = 0; i < n; i++) {
        double a = r->x[i] * r->x[i] + r->y[i] * r->y[i] + 1e-20;
        double b = ox * r->x[i] + oy * r->y[i];
        double q = b * b - a * c, root = copysign(sqrt(fabs(q)), q), inverse = 1 / a;
        double iz = sb_sim_inverse(r->z[i]);
        double enter = sb_sim_most((-b - root) * inverse, sb_rays_enter(oz, iz, s.half[2]));
        double leave = sb_sim_least((-b + root) * inverse, sb_rays_leave(oz, iz, s.half[2]));
        sb_rays_take(r, i, enter, leave, k);
    }
}

// t and hit must hold what may be in front already.
static void sb_rays_bodies(SbRays *r, const SbRoomStage *s) {
    for (int k = 0; k < s->bodies; k++) {
        if (s->body[k].shape == SB_SPHERE) sb_rays_sphere(r, s->body[k], k);
        else if (s->body[k].shape == SB_BOX) sb_rays_box(r, s->body[k], k);
        else sb_rays_cylinder(r, s->body[k], k);
    }
}

static void sb_rays_point(const SbRays *r, int i, double p[3]) {
    p[0] = r->from[0] + r->t[i] * r->x[i];
    p[1] = r->from[1] + r->t[i] * r->y[i];
    p[2] = r->from[2] + r->t[i] * r->z[i];
}

// The axis along which q (relative to the middle) is farthest out in units of half: the normal's axis if q
// is on the surface of the box.
static int sb_room_box_axis(const double q[3], const double half[3]) {
    double x = fabs(q[0]) * half[1], y = fabs(q[1]) * half[0];
    if (x > y) return fabs(q[0]) * half[2] > fabs(q[2]) * half[0] ? 0 : 2;
    return fabs(q[1]) * half[2] > fabs(q[2]) * half[1] ? 1 : 2;
}

// Which face of the room (in SbRoom's order) p is on.
static int sb_room_face(const SbRoomStage *s, const double p[3]) {
    double q[3], half[3];
    for (int j = 0; j < 3; j++) {
        half[j] = s->size[j] / 2;
        q[j] = p[j] - half[j];
    }
    int axis = sb_room_box_axis(q, half);
    return 2 * axis + (q[axis] > 0);
}

static int sb_room_hit_id(const SbRoomStage *s, int64_t hit, const double p[3]) {
    if (hit >= 0) return SB_ID_OBJECT + (int)hit;
    int face = sb_room_face(s, p);
    return face < 4 ? SB_ID_WALL : face == 4 ? SB_ID_FLOOR : SB_ID_CEILING;
}

// Normal of length 1 in the point p on an object's surface, outwards.
static void sb_room_body_normal(const SbRoomBody *b, const double p[3], double n[3]) {
    double x = p[0] - b->at[0], y = p[1] - b->at[1], z = p[2] - b->at[2];
    n[0] = n[1] = n[2] = 0;
    if (b->shape == SB_BOX) {
        double q[3] = {b->cosine * x + b->sine * y, b->cosine * y - b->sine * x, z};
        int axis = sb_room_box_axis(q, b->half);
        double sign = q[axis] > 0 ? 1 : -1;
        n[0] = axis == 0 ? sign * b->cosine : axis == 1 ? -sign * b->sine : 0;
        n[1] = axis == 0 ? sign * b->sine : axis == 1 ? sign * b->cosine : 0;
        n[2] = axis == 2 ? sign : 0;
    } else if (b->shape == SB_CYLINDER && (x * x + y * y) * b->half[2] < fabs(z) * b->half[0] * b->half[0]) {
        n[2] = z > 0 ? 1 : -1;
    } else {
        n[0] = x / b->half[0];
        n[1] = y / b->half[0];
        n[2] = b->shape == SB_SPHERE ? z / b->half[0] : 0;
    }
}
#endif
