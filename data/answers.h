// answers.h: one function per question: it finds a case in the view and writes the answer, or there is none.
//
// Refuses: to guess: an answer is computed from the depth and instance images and from the boxes of the
// scene, and a question whose answer hangs on a hair (margins) is not asked. Read ask.h first (a question in
// the making). Here: pixels, then objects, distances and captions; spatial.h has what else is asked about
// objects, pair.h what is asked about two pictures.
#ifndef SB_ANSWERS_H
#define SB_ANSWERS_H
#include "ask.h"

#define SB_MARGIN_FLAT .01              // of 1/z over a plane, see sb_pixel_normal

// ---- the questions, in the order of the table. Each finds a case and writes the answer, or nothing and is 0

static int sb_ask_depth(SbAsk *q) {
    SbPoint *p = &q->point[0];
    if (!(q->info->grid ? sb_deal_patch(q, p) : sb_draw_point(q, SB_WANT_DEPTH, p))) return 0;
    sb_say_length(q, p->depth);
    return 1;
}

static int sb_ask_closer(SbAsk *q) {
    for (int i = 0; i < SB_TRIES; i++) {
        if (!sb_draw_two_points(q)) continue;
        double a = q->point[0].depth, b = q->point[1].depth, low = fmin(a, b), high = fmax(a, b);
        if (sb_vague(q, sb_depths_near(q, low, high))) continue;
        sb_say(q, "%s", (a < b) != q->inverse ? "first" : "second");
        return 1;
    }
    return 0;
}

static void sb_point_position(const SbViewInfo *info, const SbPoint *p, double out[3]) {
    double camera[3] = {p->ray[0] * p->depth, p->ray[1] * p->depth, p->depth};
    for (int i = 0; i < 3; i++) out[i] = sb_dot3(info->turn[i], camera);
}

// Depth difference |z_P - z_Q|, and separation |P - Q|.
static int sb_ask_two_points(SbAsk *q) {
    int found = 0;
    for (int i = 0; i < SB_TRIES && !found; i++) found = sb_draw_two_points(q);
    if (!found) return 0;
    double a[3], b[3], difference = fabs(q->point[0].depth - q->point[1].depth);
    sb_point_position(q->info, &q->point[0], a);
    sb_point_position(q->info, &q->point[1], b);
    sb_say_length(q, q->type == SB_ASK_separation ? sb_distance3(a, b) : difference);
    return 1;
}

static int sb_ask_position(SbAsk *q) {
    double p[3];
    if (!sb_draw_point(q, SB_WANT_DEPTH, &q->point[0])) return 0;
    sb_point_position(q->info, &q->point[0], p);
    sb_say_position(q, p);
    return 1;
}

static int sb_ask_what(SbAsk *q) {
    SbPoint *p = &q->point[0];
    int thing = sb_next_unit(&q->random) < SB_OBJECT_SHARE && !q->again;
    if (!(thing && sb_draw_point(q, SB_WANT_THING, p)) && !sb_draw_point(q, SB_WANT_NAME, p)) return 0;
    sb_say(q, "%s", sb_name(q, p->object));
    return 1;
}

// Three points by depth, nearest first.
static int sb_ask_rank(SbAsk *q) {
    for (int i = 0; i < SB_TRIES; i++) {
        double z[3];
        int rank[3], found = 1;
        for (int k = 0; k < 3 && found; k++) {
            found = sb_draw_point(q, SB_WANT_DEPTH, &q->point[k]);
            z[k] = q->point[k].depth;
        }
        if (!found) return 0;
        sb_rank(z, 3, rank);
        if (sb_vague(q, sb_depths_near(q, z[rank[0]], z[rank[1]]) ||
                        sb_depths_near(q, z[rank[1]], z[rank[2]]))) continue;
        for (int k = 0; k < 3; k++)
            sb_say(q, "%s(%d, %d)", k ? ", " : "", q->point[rank[k]].x, q->point[rank[k]].y);
        return 1;
    }
    return 0;
}

// The normal of the surface at a pixel of the depth image, towards the camera, in the frame: of the plane
// through its four neighbours (a 64th of the picture's width off, for cameras that measure with noise).
// strict: given that it is one: 1/z, linear across a plane's picture, is at the pixel what it is on average
// at either pair of them (to SB_MARGIN_FLAT), and all belong to one object. 0: there is none.
static int sb_pixel_normal(const SbViewInfo *info, int pixel, int strict, double out[3]) {
    static const int step[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    const SbView *v = info->view;
    double p[4][3], z[4], n[3], here = (double)v->depth[pixel];
    int x = pixel % v->dw, y = pixel / v->dw, off = v->dw < 128 ? 1 : v->dw / 64;
    if (x < off || y < off || x >= v->dw - off || y >= v->dh - off || !(here > 0)) return 0;
    for (int k = 0; k < 4; k++) {
        int at = pixel + off * (step[k][0] + step[k][1] * v->dw);
        z[k] = (double)v->depth[at];
        if (!(z[k] > 0) || (strict && v->mask && v->mask[at] != v->mask[pixel])) return 0;
        p[k][0] = (x + off * step[k][0] - v->dk.cx) / v->dk.fx * z[k];
        p[k][1] = (y + off * step[k][1] - v->dk.cy) / v->dk.fy * z[k];
        p[k][2] = z[k];
    }
    for (int k = 0; k < 4; k += 2)
        if (strict && fabs(here / z[k] + here / z[k + 1] - 2) > SB_MARGIN_FLAT) return 0;
    for (int k = 0; k < 3; k++) {
        int i = (k + 1) % 3, j = (k + 2) % 3;
        n[k] = (p[3][i] - p[2][i]) * (p[1][j] - p[0][j]) - (p[3][j] - p[2][j]) * (p[1][i] - p[0][i]);
    }
    double length = sqrt(sb_dot3(n, n));
    for (int i = 0; i < 3; i++) out[i] = sb_dot3(info->turn[i], n) / length;
    return length > 0;
}

// The depth pixel at a point: its own, or the one in the middle of a patch (of two the right one).
static int sb_point_pixel(const SbViewInfo *info, const SbPoint *p) {
    const SbView *v = info->view;
    if (!info->grid) return p->cell;
    const double half = .5 + 1e-6;
    int x = (int)sb_clamp(floor(p->ray[0] * v->dk.fx + v->dk.cx + half), 0, v->dw - 1);
    return x + v->dw * (int)sb_clamp(floor(p->ray[1] * v->dk.fy + v->dk.cy + half), 0, v->dh - 1);
}

static int sb_ask_facing(SbAsk *q) {
    static const char *const name[5] = {"up", "down", "towards us", "right", "left"};
    static const double way[5][3] = {{0, 1, 0}, {0, -1, 0}, {0, 0, -1}, {1, 0, 0}, {-1, 0, 0}};
    const double least = cos(SB_MARGIN_FACING * 3.14159265358979323846 / 180);
    for (int i = 0; i < SB_TRIES; i++) {
        double n[3];
        int best = 0;
        if (!sb_draw_point(q, SB_WANT_DEPTH, &q->point[0])) return 0;
        int pixel = sb_point_pixel(q->info, &q->point[0]);
        if (!sb_pixel_normal(q->info, pixel, !q->again, n)) continue;
        for (int k = 1; k < 5; k++) best = sb_dot3(n, way[k]) > sb_dot3(n, way[best]) ? k : best;
        if (sb_vague(q, sb_dot3(n, way[best]) < least)) continue;
        sb_say(q, "%s", name[best]);
        return 1;
    }
    return 0;
}

// "A is more so than B" of a relation: the sign of the difference of this measure.
static double sb_measure(const SbSeen *s, int type) {
    switch (type) {
    case SB_ASK_left: return -s->solid.centre[0];
    case SB_ASK_front: return -s->low[2];
    case SB_ASK_above: return s->solid.centre[1];
    case SB_ASK_taller: return s->high[1] - s->low[1];
    case SB_ASK_wider: return s->high[0] - s->low[0];
    default: return sb_solid_volume(&s->solid);
    }
}

// Does the relation hold (1), its opposite (-1), or is it too close to say (0)?
static int sb_relation(const SbSeen *a, const SbSeen *b, int type) {
    double x = sb_measure(a, type), y = sb_measure(b, type);
    double margin = type == SB_ASK_bigger ? (SB_MARGIN_VOLUME - 1) * fmin(x, y) : SB_MARGIN;
    if (fabs(x - y) < margin) return 0;
    if (type == SB_ASK_left && (x > y) != (a->x < b->x)) return 0;
    return x > y ? 1 : -1;
}

static void sb_state_measure(SbAsk *q, int object, int type) {
    const SbSeen *s = &q->info->object[object];
    double m = sb_measure(s, type);
    if (type == SB_ASK_left) sb_state(q, object, "X", -m);
    if (type == SB_ASK_front) sb_state(q, object, "Z", -m);
    if (type == SB_ASK_above) sb_state(q, object, "Y", m);
    if (type == SB_ASK_taller) sb_state(q, object, "height", m);
    if (type == SB_ASK_wider) sb_state(q, object, "width", m);
    if (type != SB_ASK_bigger) return;
    sb_state(q, object, "width", 2 * s->solid.half[0]);
    sb_say_axis(q, "height", 2 * s->solid.half[1]);
    sb_say_axis(q, ", depth", 2 * s->solid.half[2]);
    sb_say(q, ", ");
}

// "Is A more so than B?", and "Which of them is?": the same relation.
static int sb_ask_relation(SbAsk *q) {
    int holds = 0, names = sb_question_row(q->type)->kind == SB_KIND_NAME, type = q->type;
    if (names) type += SB_ASK_left - SB_ASK_which_left;
    for (int i = 0; i < SB_TRIES && !holds && sb_draw_objects(q, 2); i++) {
        const SbSeen *a = &q->info->object[q->object[0]], *b = &q->info->object[q->object[1]];
        holds = sb_relation(a, b, type);
        if (q->again) holds = sb_measure(a, type) > sb_measure(b, type) ? 1 : -1;
    }
    if (!holds) return 0;
    if (q->mix->rationale) {
        sb_state_measure(q, q->object[0], type);
        sb_state_measure(q, q->object[1], type);
        sb_say(q, "so ");
    }
    holds = (holds > 0) != q->inverse;
    sb_say(q, "%s", names ? sb_name(q, q->object[!holds]) : holds ? "yes" : "no");
    return 1;
}

static int sb_ask_extent(SbAsk *q) {
    int k = q->type == SB_ASK_width ? 0 : 1;
    if (!sb_draw_objects(q, 1)) return 0;
    const SbSeen *s = &q->info->object[q->object[0]];
    if (q->mix->rationale) {
        sb_state(q, q->object[0], k ? "Y" : "X", s->low[k]);
        sb_say_axis(q, k ? "Y" : "X", s->high[k]);
        sb_say(q, ", so ");
    }
    sb_say_length(q, s->high[k] - s->low[k]);
    return 1;
}

static int sb_ask_bounds(SbAsk *q) {
    if (!sb_draw_objects(q, 1)) return 0;
    const SbSeen *s = &q->info->object[q->object[0]];
    sb_say_position(q, s->solid.centre);
    sb_say_axis(q, ", width", s->high[0] - s->low[0]);
    sb_say_axis(q, ", height", s->high[1] - s->low[1]);
    sb_say_axis(q, ", depth", s->high[2] - s->low[2]);
    return 1;
}

static const double *sb_centre(const SbAsk *q, int object) { return q->info->object[object].solid.centre; }

static int sb_ask_distance(SbAsk *q) {
    if (!sb_draw_objects(q, 2)) return 0;
    const double *a = sb_centre(q, q->object[0]), *b = sb_centre(q, q->object[1]);
    double dx = a[0] - b[0], dz = a[2] - b[2];
    if (q->mix->rationale) {
        sb_state_position(q, q->object[0], a);
        sb_state_position(q, q->object[1], b);
        sb_say(q, "so ");
    }
    sb_say_length(q, q->type == SB_ASK_vertical ? fabs(a[1] - b[1])
                   : q->type == SB_ASK_horizontal ? sqrt(dx * dx + dz * dz) : sb_distance3(a, b));
    return 1;
}

static int sb_ask_gap(SbAsk *q) {
    double a[3], b[3], gap = 0;
    if (q->again && !sb_draw_objects(q, 2)) return 0;
    for (int i = 0; i < 4 && gap < SB_MARGIN_GAP && sb_draw_objects(q, 2); i++)
        gap = sb_solid_gap(&q->info->object[q->object[0]].solid, &q->info->object[q->object[1]].solid, a, b);
    if (sb_vague(q, gap < SB_MARGIN_GAP)) return 0;
    if (q->mix->rationale) {
        sb_state_position(q, q->object[0], a);
        sb_state_position(q, q->object[1], b);
        sb_say(q, "so ");
    }
    sb_say_length(q, gap);
    return 1;
}

static int sb_ask_nearest(SbAsk *q) {
    for (int i = 0; i < SB_TRIES && sb_draw_objects(q, 4); i++) {
        double d[3], gap;
        int rank[3], best = q->inverse ? 2 : 0;
        const double *from = sb_centre(q, q->object[0]);
        for (int k = 0; k < 3; k++) d[k] = sb_distance3(from, sb_centre(q, q->object[k + 1]));
        sb_rank(d, 3, rank);
        gap = fabs(d[rank[best]] - d[rank[1]]);
        if (sb_vague(q, gap < SB_MARGIN)) continue;
        for (int k = 0; k < 3 && q->mix->rationale; k++) sb_state(q, q->object[k + 1], "distance", d[k]);
        sb_say(q, "%s%s", q->mix->rationale ? "so " : "", sb_name(q, q->object[rank[best] + 1]));
        return 1;
    }
    return 0;
}

// Three objects by the distance of their centres from the camera.
static int sb_ask_order(SbAsk *q) {
    static const double camera[3] = {0, 0, 0};
    for (int i = 0; i < SB_TRIES && sb_draw_objects(q, 3); i++) {
        double d[3];
        int rank[3];
        for (int k = 0; k < 3; k++) d[k] = sb_distance3(camera, sb_centre(q, q->object[k]));
        if (sb_vague(q, sb_rank(d, 3, rank) < SB_MARGIN)) continue;
        for (int k = 0; k < 3 && q->mix->rationale; k++) sb_state(q, q->object[k], "distance", d[k]);
        sb_say(q, "%s%s, %s, %s", q->mix->rationale ? "so " : "", sb_name(q, q->object[rank[0]]),
               sb_name(q, q->object[rank[1]]), sb_name(q, q->object[rank[2]]));
        return 1;
    }
    return 0;
}

// The object after `last` (-1: the first) from left to right among those seen, or among those that may be
// asked about; -1 at the end. Ties by index.
static int sb_next_right(const SbViewInfo *info, int last, int asked) {
    int best = -1;
    for (int i = 0; i < info->scene->objects; i++) {
        const SbSeen *s = &info->object[i];
        if (!(asked ? s->asked : s->seen) || i == last) continue;
        double x = last < 0 ? -1e30 : info->object[last].x;
        if (s->x < x || (s->x == x && i < last)) continue;
        if (best < 0 || s->x < info->object[best].x) best = i;
    }
    return best;
}

// "A red box, a blue sphere." from left to right.
static int sb_ask_describe(SbAsk *q) {
    int count = 0;
    for (int i = sb_next_right(q->info, -1, 0); i >= 0; i = sb_next_right(q->info, i, 0), count++) {
        if (count) sb_say(q, ", ");
        sb_say_article(q, count ? "a" : "A", sb_name(q, i));
    }
    sb_say(q, count ? "." : "No objects.");
    return 1;
}

// The count, then up to three relations between neighbours from left to right.
static int sb_ask_layout(SbAsk *q) {
    int count = 0, said = 0;
    for (int i = 0; i < q->info->scene->objects; i++) count += q->info->object[i].seen;
    sb_say(q, count == 1 ? "There is %d object." : "There are %d objects.", count);
    int a = sb_next_right(q->info, -1, 1);
    for (int b = a; a >= 0 && said < 3; a = b) {
        b = sb_next_right(q->info, a, 1);
        if (b < 0) break;
        int left = sb_relation(&q->info->object[a], &q->info->object[b], SB_ASK_left);
        int front = sb_relation(&q->info->object[a], &q->info->object[b], SB_ASK_front);
        if (left && front && sb_next_int(&q->random, 2)) left = 0;
        if (!left && !front) continue;
        const char *relation = left ? "to the left of" : front > 0 ? "in front of" : "behind";
        sb_say(q, " The %s is %s the %s.", sb_name(q, a), relation, sb_name(q, b));
        said++;
    }
    return 1;
}
#endif
