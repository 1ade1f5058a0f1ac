// spatial.h: the other questions about objects and the room: directions from an object, support and contact,
// counting, order of size, depth of objects, paths, what fits where. One function per answer.
//
// Refuses: what answers.h refuses. Read answers.h first. From top: directions on the floor plan, floor plans,
// then the functions in the order of the table.
#ifndef SB_SPATIAL_H
#define SB_SPATIAL_H
#include "answers.h"

static const double sb_degree = 3.14159265358979323846 / 180;

// ---- on the floor plan

// The direction on the floor plan from a to b: degrees from Z, to the right positive. *apart: metres.
static double sb_plan_direction(const double a[3], const double b[3], double *apart) {
    *apart = hypot(b[0] - a[0], b[2] - a[2]);
    return atan2(b[0] - a[0], b[2] - a[2]) / sb_degree;
}

// An angle in degrees, brought into -180 .. 180.
static double sb_half_turn(double degrees) { return remainder(degrees, 360); }

// Where something at this angle (to the right positive) is: 0 ahead, 1 right, 2 behind, 3 left. *off: degrees
// from the nearest border of a quadrant.
static int sb_quadrant(double degrees, double *off) {
    double turns = floor(degrees / 90 + .5);
    *off = 45 - fabs(degrees - 90 * turns);
    return ((int)turns % 4 + 4) % 4;
}

// The body's floor plan as a solid: a slab or a disc one metre thick, at the height of the camera.
static SbSolid sb_plan(const SbSolid *s) {
    SbSolid plan = *s;
    if (plan.shape == SB_SOLID_SPHERE) plan.shape = SB_SOLID_CYLINDER;
    plan.centre[1] = 0;
    plan.half[1] = .5;
    return plan;
}

// Metres from a point to the border of the body's floor plan, positive inside.
static double sb_plan_inside(const SbSolid *s, const double p[3]) {
    double d[3] = {p[0] - s->centre[0], 0, p[2] - s->centre[2]}, on[3];
    double x = s->half[0] - fabs(sb_dot3(s->axis[0], d)), z = s->half[2] - fabs(sb_dot3(s->axis[2], d));
    double level[3] = {p[0], 0, p[2]};
    if (s->shape != SB_SOLID_BOX) return s->half[0] - hypot(d[0], d[2]);
    if (x > 0 && z > 0) return fmin(x, z);
    SbSolid plan = sb_plan(s);
    sb_solid_nearest(&plan, level, on);
    return -sb_distance3(level, on);
}

// Should the answer be yes? As often as no, where both can be. Any will do for a case drawn already.
static int sb_want_yes(SbAsk *q) { return (int)sb_next_int(&q->random, 2); }

static void sb_say_so(SbAsk *q) {
    if (q->mix->rationale) sb_say(q, "so ");
}

static void sb_say_yes(SbAsk *q, int yes) {
    sb_say_so(q);
    sb_say(q, "%s", yes != q->inverse ? "yes" : "no");
}

// A rationale's positions of the first count objects.
static void sb_state_centres(SbAsk *q, int count) {
    for (int k = 0; k < count && q->mix->rationale; k++)
        sb_state_position(q, q->object[k], sb_centre(q, q->object[k]));
}

// "12 degrees to the left".
static void sb_say_turn(SbAsk *q, double degrees, const char *positive, const char *negative) {
    int whole = (int)floor(fabs(degrees) + .5);
    sb_say(q, "%d degree%s %s", whole, whole == 1 ? "" : "s", degrees > 0 ? positive : negative);
}

// ---- objects

// At what o'clock is B, seen from A, with 12 along Z?
static int sb_ask_clock(SbAsk *q) {
    for (int i = 0; i < SB_TRIES && sb_draw_objects(q, 2); i++) {
        const double *from = sb_centre(q, q->object[0]), *to = sb_centre(q, q->object[1]);
        double apart, hours = sb_plan_direction(from, to, &apart) / 30;
        int hour = (int)floor(hours + .5);
        double off = 15 - 30 * fabs(hours - hour);
        if (sb_vague(q, apart < SB_MARGIN_PLAN || off < SB_MARGIN_HOUR)) continue;
        sb_state_centres(q, 2);
        sb_say_so(q);
        sb_say(q, "%d o'clock", (hour + 11) % 12 + 1);
        return 1;
    }
    return 0;
}

// Does B carry A?
static int sb_ask_on(SbAsk *q) {
    int want = sb_want_yes(q);
    for (int i = 0; i < SB_TRIES && sb_draw_objects(q, 2); i++) {
        const SbSeen *a = &q->info->object[q->object[0]], *b = &q->info->object[q->object[1]];
        double apart = fabs(a->low[1] - b->high[1]), over = sb_plan_inside(&b->solid, a->solid.centre);
        int contact = apart <= SB_MARGIN_CONTACT, yes = contact && over > 0;
        int clear = yes ? over > SB_MARGIN_GAP : apart > SB_MARGIN_GAP || over < -SB_MARGIN_GAP;
        if (sb_vague(q, !clear || yes != want)) continue;
        if (q->mix->rationale) {
            sb_state(q, q->object[0], "foot Y", a->low[1]);
            sb_state(q, q->object[1], "top Y", b->high[1]);
        }
        sb_say_yes(q, yes);
        return 1;
    }
    return 0;
}

// Is A nearer to B than to C?
static int sb_ask_proximity(SbAsk *q) {
    for (int i = 0; i < SB_TRIES && sb_draw_objects(q, 3); i++) {
        const double *from = sb_centre(q, q->object[0]);
        double d[2] = {sb_distance3(from, sb_centre(q, q->object[1])),
                       sb_distance3(from, sb_centre(q, q->object[2]))};
        if (sb_vague(q, fabs(d[0] - d[1]) < SB_MARGIN)) continue;
        for (int k = 0; k < 2 && q->mix->rationale; k++) sb_state(q, q->object[k + 1], "distance", d[k]);
        sb_say_yes(q, d[0] < d[1]);
        return 1;
    }
    return 0;
}

static int sb_ask_touch(SbAsk *q) {
    int want = sb_want_yes(q);
    for (int i = 0; i < SB_TRIES && sb_draw_objects(q, 2); i++) {
        double on_a[3], on_b[3], gap = sb_solid_gap(&q->info->object[q->object[0]].solid,
                                                    &q->info->object[q->object[1]].solid, on_a, on_b);
        int yes = gap <= SB_MARGIN_TOUCH;
        if (sb_vague(q, (!yes && gap < SB_MARGIN_GAP) || yes != want)) continue;
        if (q->mix->rationale) sb_say_axis(q, "gap", gap), sb_say(q, ", ");
        sb_say_yes(q, yes);
        return 1;
    }
    return 0;
}

// How many objects of q->kind are seen; *half: how many show a few pixels only.
static int sb_count_kind(const SbAsk *q, int *half) {
    int count = 0;
    *half = 0;
    for (int i = 0; i < q->info->scene->objects; i++) {
        const SbSeen *s = &q->info->object[i];
        if (!s->thing || strcmp(q->info->scene->object[i].category, q->kind)) continue;
        count += s->seen;
        *half += !s->seen && s->pixels > 0;
    }
    return count;
}

// A thing of the scene, in view or not; 0: there is none.
static int sb_draw_thing(SbAsk *q) {
    int objects = q->info->scene->objects;
    if (q->again) return 1;
    for (int i = 0; i < SB_TRIES && objects; i++) {
        q->object[0] = (int)sb_next_int(&q->random, (uint32_t)objects);
        if (q->info->object[q->object[0]].thing) return 1;
    }
    return 0;
}

static int sb_ask_count(SbAsk *q) {
    int half;
    for (int i = 0; i < SB_TRIES && sb_draw_thing(q); i++) {
        if (!q->again) q->kind = q->info->scene->object[q->object[0]].category;
        int count = sb_count_kind(q, &half);
        if (sb_vague(q, half)) continue;
        sb_say(q, "%d", count);
        return 1;
    }
    return 0;
}

// Is an object of that name in view?
static int sb_ask_exists(SbAsk *q) {
    int want = sb_want_yes(q);
    for (int i = 0; i < SB_TRIES && sb_draw_thing(q); i++) {
        int seen = 0, shown = 0;
        for (int k = 0; k < q->info->scene->objects; k++) {
            if (strcmp(sb_name(q, k), sb_name(q, q->object[0]))) continue;
            seen |= q->info->object[k].seen;
            shown |= q->info->object[k].pixels > 0;
        }
        if (sb_vague(q, seen != shown || seen != want)) continue;
        sb_say(q, "%s", shown != q->inverse ? "yes" : "no");
        return 1;
    }
    return 0;
}

// Three objects by volume, the biggest first.
static int sb_ask_sizes(SbAsk *q) {
    for (int i = 0; i < SB_TRIES && sb_draw_objects(q, 3); i++) {
        double smaller[3];
        int rank[3];
        for (int k = 0; k < 3; k++) smaller[k] = -log(sb_solid_volume(&q->info->object[q->object[k]].solid));
        if (sb_vague(q, sb_rank(smaller, 3, rank) < log(SB_MARGIN_VOLUME))) continue;
        for (int k = 0; k < 3 && q->mix->rationale; k++) sb_state_measure(q, q->object[k], SB_ASK_bigger);
        sb_say_so(q);
        sb_say(q, "%s, %s, %s", sb_name(q, q->object[rank[0]]), sb_name(q, q->object[rank[1]]),
               sb_name(q, q->object[rank[2]]));
        return 1;
    }
    return 0;
}

static int sb_ask_away(SbAsk *q) {
    static const double camera[3] = {0, 0, 0};
    if (!sb_draw_objects(q, 1)) return 0;
    sb_state_centres(q, 1);
    sb_say_so(q);
    sb_say_length(q, sb_distance3(camera, sb_centre(q, q->object[0])));
    return 1;
}

// The planar depth of an object's centre: its part along the camera's own forward.
static double sb_object_depth(const SbAsk *q, int object) {
    double z = 0;
    for (int i = 0; i < 3; i++) z += q->info->turn[i][2] * sb_centre(q, object)[i];
    return z;
}

// Of one object's centre, or how much two differ.
static int sb_ask_deep(SbAsk *q) {
    int two = q->type == SB_ASK_deeper;
    if (!sb_draw_objects(q, 1 + two)) return 0;
    double z[2] = {sb_object_depth(q, q->object[0]), two ? sb_object_depth(q, q->object[1]) : 0};
    for (int k = 0; k < 2 && two && q->mix->rationale; k++) sb_state(q, q->object[k], "depth", z[k]);
    if (two) sb_say_so(q);
    sb_say_length(q, two ? fabs(z[0] - z[1]) : z[0]);
    return 1;
}

static int sb_ask_bearing(SbAsk *q) {
    static const double camera[3] = {0, 0, 0};
    for (int i = 0; i < SB_TRIES && sb_draw_objects(q, 1); i++) {
        double apart, angle = sb_plan_direction(camera, sb_centre(q, q->object[0]), &apart);
        if (sb_vague(q, apart < SB_MARGIN_PLAN || fabs(angle) < SB_MARGIN_HOUR)) continue;
        sb_state_centres(q, 1);
        sb_say_so(q);
        sb_say_turn(q, angle, "to the right", "to the left");
        return 1;
    }
    return 0;
}

// At A, facing B: where is C? At A, facing the camera: is B left?
static int sb_ask_stand(SbAsk *q) {
    static const char *const name[4] = {"in front of you", "to the right", "behind you", "to the left"};
    static const double camera[3] = {0, 0, 0};
    int turned = q->type == SB_ASK_turned;
    for (int i = 0; i < SB_TRIES && sb_draw_objects(q, turned ? 2 : 3); i++) {
        const double *a = sb_centre(q, q->object[0]), *faced = turned ? camera : sb_centre(q, q->object[1]);
        double ahead, away, off, front = sb_plan_direction(a, faced, &ahead);
        double angle = sb_plan_direction(a, sb_centre(q, q->object[turned ? 1 : 2]), &away);
        angle = sb_half_turn(angle - front);
        int where = sb_quadrant(angle, &off);
        if (turned) off = fmin(fabs(angle), 180 - fabs(angle));
        if (sb_vague(q, fmin(ahead, away) < SB_MARGIN_PLAN || off < SB_MARGIN_QUADRANT)) continue;
        sb_state_centres(q, turned ? 2 : 3);
        if (turned) sb_say_yes(q, angle < 0);
        else sb_say_so(q), sb_say(q, "%s", name[where]);
        return 1;
    }
    return 0;
}

// ---- the scene

static int sb_ask_clearance(SbAsk *q) {
    for (int i = 0; i < SB_TRIES && sb_draw_objects(q, 2); i++) {
        const SbSeen *a = &q->info->object[q->object[0]], *b = &q->info->object[q->object[1]];
        double gap = fmax(a->low[1] - b->high[1], b->low[1] - a->high[1]);
        int upper = a->low[1] < b->low[1];
        if (sb_vague(q, fabs(gap) < SB_MARGIN_GAP)) continue;
        if (q->mix->rationale) {
            sb_state(q, q->object[upper], "foot Y", upper ? b->low[1] : a->low[1]);
            sb_state(q, q->object[!upper], "top Y", upper ? a->high[1] : b->high[1]);
        }
        sb_say_so(q);
        if (gap > 0) sb_say_length(q, gap);
        else sb_say(q, "none, their heights overlap");
        return 1;
    }
    return 0;
}

static int sb_ask_room(SbAsk *q) {
    int feet = q->units == SB_UNITS_FT || q->units == SB_UNITS_IN;
    double area = q->info->scene->floor_area, per = feet ? sb_unit[SB_UNITS_FT].per_metre : 1;
    sb_say_number(q, area * per * per, 1);
    sb_say(q, feet ? " square feet" : " square metres");
    q->said = area;
    return 1;
}

// The turns at B and C of the way from A over B and C to D.
static int sb_ask_route(SbAsk *q) {
    static const char *const name[4] = {"straight on", "right", "back", "left"};
    for (int i = 0; i < SB_TRIES && sb_draw_objects(q, 4); i++) {
        double leg[3], apart[3], least, off, clear = 90;
        int turn[2];
        for (int k = 0; k < 3; k++)
            leg[k] = sb_plan_direction(sb_centre(q, q->object[k]), sb_centre(q, q->object[k + 1]), &apart[k]);
        least = fmin(apart[0], fmin(apart[1], apart[2]));
        for (int k = 0; k < 2; k++) {
            turn[k] = sb_quadrant(sb_half_turn(leg[k + 1] - leg[k]), &off);
            clear = fmin(clear, off);
        }
        if (sb_vague(q, least < SB_MARGIN_PLAN || clear < SB_MARGIN_QUADRANT)) continue;
        sb_state_centres(q, 4);
        sb_say_so(q);
        sb_say(q, "%s, then %s", name[turn[0]], name[turn[1]]);
        return 1;
    }
    return 0;
}

// Is there room for something 30 cm to 2 m wide between A and B, on the floor plan? The width is drawn around
// the gap, so that yes and no come equally often.
static int sb_ask_fit(SbAsk *q) {
    for (int i = 0; i < SB_TRIES && sb_draw_objects(q, 2); i++) {
        double on_a[3], on_b[3];
        SbSolid a = sb_plan(&q->info->object[q->object[0]].solid);
        SbSolid b = sb_plan(&q->info->object[q->object[1]].solid);
        double gap = sb_solid_gap(&a, &b, on_a, on_b);
        if (!q->again) q->length = floor(20 * gap * (.4 + 1.2 * sb_next_unit(&q->random)) + .5) / 20;
        if (sb_vague(q, q->length < .3 || q->length > 2 || fabs(gap - q->length) < SB_MARGIN)) continue;
        if (q->mix->rationale) sb_say_axis(q, "gap", gap), sb_say(q, ", ");
        sb_say_yes(q, gap > q->length);
        return 1;
    }
    return 0;
}
#endif
