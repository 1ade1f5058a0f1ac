// pair.h: what two views of a scene share, and the questions about both of them.
//
// Refuses: a question whose answer hangs on a hair (margins in questions.h). Read from top: a point carried
// from one view into another, overlap, which views go together (bins, windows), one function per answer.
#ifndef SB_PAIR_H
#define SB_PAIR_H
#include "spatial.h"

// ---- a point in another view

// The point at depth z on a ray of view a, given m of sb_relative_pose(a, b): c is where b's camera has it. 1
// if b shows it: it lands in b's depth image, among four pixels between whose depths its own lies, but for
// SB_MARGIN_HIDDEN. Where an edge runs through the four (*edge) it must fit the nearest, to half an edge.
static int sb_carry(const SbView *b, const double m[12], const double ray[2], double z, double c[3],
                    int *edge) {
    double low = 1e30, high = 0, margin = SB_MARGIN_HIDDEN;
    for (int i = 0; i < 3; i++)
        c[i] = (m[3 * i] * ray[0] + m[3 * i + 1] * ray[1] + m[3 * i + 2]) * z + m[9 + i];
    if (!(c[2] > 0)) return 0;
    double u = b->dk.fx * c[0] / c[2] + b->dk.cx, v = b->dk.fy * c[1] / c[2] + b->dk.cy;
    if (!(u > -.5 && v > -.5 && u < b->dw - .5 && v < b->dh - .5)) return 0;
    for (int k = 0; k < 4; k++) {
        int x = (int)sb_clamp(floor(u) + k % 2, 0, b->dw - 1);
        int y = (int)sb_clamp(floor(v) + k / 2, 0, b->dh - 1);
        double found = (double)b->depth[(size_t)y * (size_t)b->dw + (size_t)x];
        low = found > 0 ? fmin(low, found) : low;
        high = fmax(high, found);
    }
    *edge = high > low * SB_MARGIN_EDGE;
    if (*edge) {
        low = high = (double)b->depth[(size_t)(v + .5) * (size_t)b->dw + (size_t)(u + .5)];
        margin = sqrt(SB_MARGIN_EDGE);
    }
    return high > 0 && c[2] < high * margin && c[2] * margin > low;
}

// Depth on a ray of view v, between its four pixels: 1/z is linear across a plane's picture. 0: one that
// counts is not measured or lies outside, or an edge runs through them: of depths or of objects.
static double sb_depth_between(const SbView *v, const double ray[2]) {
    double x = v->dk.fx * ray[0] + v->dk.cx, y = v->dk.fy * ray[1] + v->dk.cy, sum = 0, low = 1e30, high = 0;
    int x0 = (int)floor(x + 1e-9), y0 = (int)floor(y + 1e-9);   // on a pixel's centre it alone counts
    if (x0 < 0 || y0 < 0 || x0 >= v->dw || y0 >= v->dh) return 0;
    for (int k = 0; k < 4; k++) {
        int px = x0 + k % 2, py = y0 + k / 2;
        double weight = (1 - fabs(x - px)) * (1 - fabs(y - py)), z = 0;
        size_t at = (size_t)py * (size_t)v->dw + (size_t)px;
        if (px < v->dw && py < v->dh) z = (double)v->depth[at];
        if (!(z > 0) && weight > 1e-8) return 0;
        if (!(z > 0)) continue;
        if (v->mask && v->mask[at] != v->mask[(size_t)y0 * (size_t)v->dw + (size_t)x0]) return 0;
        sum += weight / z;
        low = fmin(low, z);
        high = fmax(high, z);
    }
    return high > low * SB_MARGIN_EDGE ? 0 : 1 / sum;
}

// Where b shows the point p of a: at[] in shares of b's colour image. 0: nowhere, or on an edge of either.
static int sb_match(const SbView *a, const SbView *b, const SbPoint *p, double at[2]) {
    double m[12], c[3], z = sb_depth_between(a, p->ray);
    int edge;
    sb_relative_pose(a->pose, b->pose, m);
    if (!(z > 0) || !sb_carry(b, m, p->ray, z, c, &edge) || edge) return 0;
    at[0] = (b->k.fx * c[0] / c[2] + b->k.cx + .5) / b->w;
    at[1] = (b->k.fy * c[1] / c[2] + b->k.cy + .5) / b->h;
    return at[0] >= 0 && at[1] >= 0 && at[0] < 1 && at[1] < 1;
}

// Overlap of a with b: the share of a's measured pixels that b shows too (some 4000 of them are tried). 0
// without a depth image.
static SB_UNUSED double sb_overlap(const SbView *a, const SbView *b) {
    double m[12], c[3];
    long measured = 0, shown = 0;
    int step = 1, edge;
    if (!a->depth || !b->depth) return 0;
    while ((double)a->dw * a->dh > 4096. * step * step) step++;
    sb_relative_pose(a->pose, b->pose, m);
    for (int y = step / 2; y < a->dh; y += step)
        for (int x = step / 2; x < a->dw; x += step) {
            double z = (double)a->depth[(size_t)y * (size_t)a->dw + (size_t)x];
            double ray[2] = {(x - a->dk.cx) / a->dk.fx, (y - a->dk.cy) / a->dk.fy};
            measured += z > 0;
            shown += z > 0 && sb_carry(b, m, ray, z, c, &edge);
        }
    return measured ? (double)shown / (double)measured : 0;
}

// ---- which views go together

// Bins of a pair's overlap, from 0: the pictures of a dialogue are drawn so that each bin comes as often as
// the scene allows.
enum { SB_OVERLAP_BINS = 5 };
static SB_UNUSED const double sb_overlap_bin[SB_OVERLAP_BINS] = {.05, .25, .5, .75, 1.01};

// Overlaps of all pairs of a scene, [views][views]: the smaller of both directions. free() it.
static SB_UNUSED double *sb_overlaps(const SbScene *s) {
    double *overlap = (double *)sb_calloc((size_t)s->views * (size_t)s->views, sizeof *overlap);
    for (int a = 0; a < s->views; a++)
        for (int b = 0; b < a; b++)
            overlap[a * s->views + b] = overlap[b * s->views + a] =
                fmin(sb_overlap(s->view + a, s->view + b), sb_overlap(s->view + b, s->view + a));
    return overlap;
}

// What a pair of views is judged by: overlap, 0..1, the smaller of both directions; baseline, metres between
// the cameras, from their poses; cosines of an encoder's features (likeness.h), of patches and of pictures.
enum { SB_BY_OVERLAP, SB_BY_BASELINE, SB_BY_PATCHES, SB_BY_PICTURES, SB_BYS };
// Which pairs may stand in a dialogue: from and to, both included.
typedef struct { double range[SB_BYS][2]; } SbWindow;

// Strike out of the overlaps of a scene the pairs that a window shuts out (they become -1). cosine:
// [views][views] of patches and of pictures; NULL: not asked for. Returns how many are left.
static SB_UNUSED long sb_window(const SbScene *s, const SbWindow *w, double *overlap,
                                double *const cosine[2]) {
    long left = 0;
    for (int a = 0; a < s->views; a++)
        for (int b = 0; b < a; b++) {
            const double *p = s->view[a].pose, *q = s->view[b].pose;
            double from[3] = {p[3], p[7], p[11]}, to[3] = {q[3], q[7], q[11]};
            double is[SB_BYS] = {overlap[a * s->views + b], sb_distance3(from, to)};
            int in = 1;
            for (int k = 0; k < SB_BYS; k++) {
                const double *like = k < SB_BY_PATCHES ? NULL : cosine[k - SB_BY_PATCHES];
                if (k >= SB_BY_PATCHES && !like) continue;
                if (like) is[k] = like[a * s->views + b];
                in &= is[k] >= w->range[k][0] && is[k] <= w->range[k][1];
            }
            left += in;
            if (!in) overlap[a * s->views + b] = overlap[b * s->views + a] = -1;
        }
    return left;
}

// count different views, view[0] given: each next one is drawn from a random bin (of those that have one) of
// overlap with one that was drawn before. overlap: of sb_overlaps; pairs below 0 never come. Returns how many
// there are.
static SB_UNUSED int sb_draw_views(const double *overlap, int views, int count, SbRandom *r, int *view) {
    int n = 1;
    for (; n < count && n < views; n++) {
        int with = view[sb_next_int(r, (uint32_t)n)], bin[SB_OVERLAP_BINS] = {0}, pick[SB_OVERLAP_BINS] = {0};
        for (int v = 0; v < views; v++) {
            int used = 0, b = 0;
            for (int i = 0; i < n; i++) used |= view[i] == v;
            while (overlap[with * views + v] > sb_overlap_bin[b]) b++;
            if (overlap[with * views + v] < 0) continue;
            if (!used && sb_next_int(r, (uint32_t)++bin[b]) == 0) pick[b] = v;  // each equally likely
        }
        int b = (int)sb_next_int(r, SB_OVERLAP_BINS), tries = 0;
        while (!bin[b] && tries++ < SB_OVERLAP_BINS) b = (b + 1) % SB_OVERLAP_BINS;
        if (!bin[b]) break;
        view[n] = pick[b];
    }
    return n;
}

// ---- the questions, in the order of the table; about q->info (picture I) and q->other (picture J)

// Where J shows the point P of I.
static int sb_ask_match(SbAsk *q) {
    int cells = q->info->grid;
    double at[2];
    for (int i = 0; i < SB_TRIES; i++) {
        if (!sb_draw_point(q, SB_WANT_DEPTH, &q->point[0])) return 0;
        if (!sb_match(q->info->view, q->other->view, &q->point[0], at)) continue;
        double rim = 1;
        for (int k = 0; k < 2 && cells; k++) {
            double in = at[k] * cells - floor(at[k] * cells);
            rim = fmin(rim, fmin(in, 1 - in));
        }
        if (sb_vague(q, rim < SB_MARGIN_RIM)) continue;
        sb_say(q, "(%d, %d)", (int)(at[0] * SB_TEXT_GRID), (int)(at[1] * SB_TEXT_GRID));
        return 1;
    }
    return 0;
}

// A world point in the frame of a view: X, Y, Z.
static void sb_in_frame(const SbViewInfo *info, const double world[3], double out[3]) {
    const double *p = info->view->pose, d[3] = {world[0] - p[3], world[1] - p[7], world[2] - p[11]};
    for (int i = 0; i < 3; i++) out[i] = sb_dot3(info->axis[i], d);
}

// J's camera in the frame of I.
static void sb_camera_moved(const SbAsk *q, double moved[3]) {
    const double *p = q->other->view->pose, camera[3] = {p[3], p[7], p[11]};
    sb_in_frame(q->info, camera, moved);
}

// A rationale's "from picture 1 the camera of picture 2 X 35 cm, Y 8 cm, Z 210 cm, so ".
static void sb_state_camera(SbAsk *q, const double moved[3]) {
    if (!q->mix->rationale) return;
    sb_say(q, "from picture %d the camera of picture %d ", q->picture[0] + 1, q->picture[1] + 1);
    sb_say_position(q, moved);
    sb_say(q, ", so ");
}

static int sb_ask_moved(SbAsk *q) {
    double moved[3];
    sb_camera_moved(q, moved);
    sb_state_camera(q, moved);
    sb_say_length(q, sqrt(sb_dot3(moved, moved)));
    return 1;
}

// How far up a view looks, in degrees.
static double sb_pitch(const SbViewInfo *info) {
    const double *p = info->view->pose, *up = info->axis[1];
    return asin(sb_clamp(p[2] * up[0] + p[6] * up[1] + p[10] * up[2], -1, 1)) / sb_degree;
}

// How far right of I's level direction that of J is, in degrees.
static double sb_yaw(const SbAsk *q) {
    const double *ahead = q->other->axis[2];
    return atan2(sb_dot3(q->info->axis[0], ahead), sb_dot3(q->info->axis[2], ahead)) / sb_degree;
}

// Left, forward and up of the camera's move; left and up of its turn.
static int sb_ask_move(SbAsk *q) {
    double moved[3], value, margin = SB_MARGIN, most = 1e30;
    sb_camera_moved(q, moved);
    value = q->type == SB_ASK_aside ? -moved[0] : q->type == SB_ASK_ahead ? moved[2] : moved[1];
    if (q->type == SB_ASK_look) value = -sb_yaw(q), most = SB_MARGIN_AROUND;
    if (q->type == SB_ASK_tilt) value = sb_pitch(q->other) - sb_pitch(q->info);
    if (q->type == SB_ASK_look || q->type == SB_ASK_tilt) margin = SB_MARGIN_TURN;
    if (sb_vague(q, fabs(value) < margin || fabs(value) > most)) return 0;
    sb_say(q, "%s", (value > 0) != q->inverse ? "yes" : "no");
    return 1;
}

static int sb_ask_angle(SbAsk *q) {
    const double *a = q->info->view->pose, *b = q->other->view->pose;
    double cosine = a[2] * b[2] + a[6] * b[6] + a[10] * b[10];
    sb_say(q, "%d degrees", (int)floor(acos(sb_clamp(cosine, -1, 1)) / sb_degree + .5));
    return 1;
}

// Is what P shows in I what Q shows in J? As often yes as no, where both can be.
static int sb_ask_same(SbAsk *q) {
    const SbViewInfo *info = q->info;
    int yes = (int)sb_next_int(&q->random, 2);
    for (int i = 0; i < SB_TRIES; i++) {
        if (!sb_draw_point(q, SB_WANT_THING, &q->point[0])) return 0;
        q->info = q->other;
        int found = sb_draw_point(q, SB_WANT_THING, &q->point[1]);
        q->info = info;
        if (!found) return 0;
        int a = q->point[0].object, b = q->point[1].object;
        if (sb_vague(q, (a == b) != yes || (a != b && !strcmp(sb_name(q, a), sb_name(q, b))))) continue;
        sb_say(q, "%s", a == b ? "yes" : "no");
        return 1;
    }
    return 0;
}

static void sb_point_world(const SbView *v, const SbPoint *p, double out[3]) {
    for (int i = 0; i < 3; i++) {
        const double *row = v->pose + 4 * i;
        out[i] = (row[0] * p->ray[0] + row[1] * p->ray[1] + row[2]) * p->depth + row[3];
    }
}

// A rationale's "from picture 1 the point (437, 562) of picture 2 X 35 cm, Y 8 cm, Z 210 cm, ".
static void sb_state_point(SbAsk *q, int k, const double world[3]) {
    double place[3];
    if (!q->mix->rationale) return;
    sb_in_frame(q->info, world, place);
    sb_say(q, "from picture %d the point (%d, %d) of picture %d ", q->picture[0] + 1, q->point[k].x,
           q->point[k].y, q->picture[k] + 1);
    sb_say_position(q, place);
    sb_say(q, ", ");
}

// The distance between a point of I and a point of J.
static int sb_ask_across(SbAsk *q) {
    const SbViewInfo *info = q->info;
    double a[3], b[3];
    if (!sb_draw_point(q, SB_WANT_DEPTH, &q->point[0])) return 0;
    q->info = q->other;
    int found = sb_draw_point(q, SB_WANT_DEPTH, &q->point[1]);
    q->info = info;
    if (!found) return 0;
    sb_point_world(info->view, &q->point[0], a);
    sb_point_world(q->other->view, &q->point[1], b);
    sb_state_point(q, 0, a);
    sb_state_point(q, 1, b);
    sb_say_so(q);
    sb_say_length(q, sb_distance3(a, b));
    return 1;
}

// Does the view show anything of the object, or of another by its name?
static int sb_shows_name(const SbViewInfo *info, int object) {
    const SbObject *o = info->scene->object;
    for (int i = 0; i < info->scene->objects; i++)
        if (info->object[i].pixels && !strcmp(o[i].name, o[object].name)) return 1;
    return 0;
}

// An object that may be asked about in the view, drawn into {A} or {B}; 0: there is none (any more).
static int sb_draw_one(SbAsk *q, const SbViewInfo *info, int letter) {
    int *object = &q->object[letter];
    if (q->again) return info->object[*object].asked;
    if (info->asked_count) *object = info->asked[sb_next_int(&q->random, (uint32_t)info->asked_count)];
    return info->asked_count > 0;
}

// {A} that only I shows and {B} that only J shows.
static int sb_draw_apart(SbAsk *q) {
    const SbViewInfo *a = q->info, *b = q->other;
    for (int i = 0; i < SB_TRIES && a->asked_count && b->asked_count; i++) {
        if (!sb_draw_one(q, a, 0) || !sb_draw_one(q, b, 1)) return 0;
        if (!sb_vague(q, sb_shows_name(b, q->object[0]) || sb_shows_name(a, q->object[1]))) return 1;
    }
    return 0;
}

// {A} that may be asked about in I and in J.
static int sb_draw_common(SbAsk *q) {
    for (int i = 0; i < SB_TRIES && sb_draw_one(q, q->info, 0); i++)
        if (q->other->object[q->object[0]].asked) return 1;
    return 0;
}

// A rationale's "from picture 1 the red box X 35 cm, Y 8 cm, Z 210 cm, ": an object before I's (0) or J's
// camera, whether it is seen there or not.
static void sb_state_seen(SbAsk *q, int picture, int object) {
    const SbViewInfo *info = picture ? q->other : q->info;
    SbSolid s;
    if (!q->mix->rationale) return;
    sb_solid(&s, info->scene->object + object, info->scene->up, info->view->pose, info->axis);
    sb_say(q, "from picture %d ", q->picture[picture] + 1);
    sb_state_position(q, object, s.centre);
}

// The distance between an object that only I shows and one that only J shows.
static int sb_ask_between(SbAsk *q) {
    if (!sb_draw_apart(q)) return 0;
    const SbObject *a = q->info->scene->object, *b = q->other->scene->object;
    for (int k = 0; k < 2; k++) sb_state_seen(q, 0, q->object[k]);
    sb_say_so(q);
    sb_say_length(q, sb_distance3(a[q->object[0]].center, b[q->object[1]].center));
    return 1;
}

// In steps of 10 percent; a share too near to the middle between two is not asked for.
static int sb_ask_overlap(SbAsk *q) {
    double percent = 100 * sb_overlap(q->info->view, q->other->view), tens = floor(percent / 10 + .5);
    if (sb_vague(q, 5 - fabs(percent - 10 * tens) < SB_MARGIN_SHARE)) return 0;
    sb_say(q, "%d %%", (int)(10 * tens));
    return 1;
}

// A point of J that shows what no point of `point[from..to)` shows: SB_MARGIN_CHOICE off in the picture and
// SB_MARGIN_APART in space. 0: not found.
static int sb_draw_wrong(SbAsk *q, const int right[2], const double world[3], SbPoint *p) {
    const SbViewInfo *info = q->info;
    double away[3];
    q->info = q->other;
    int found = sb_draw_point(q, SB_WANT_DEPTH, p);
    q->info = info;
    if (!found || q->again) return found;
    sb_point_world(q->other->view, p, away);
    return (abs(p->x - right[0]) >= SB_MARGIN_CHOICE || abs(p->y - right[1]) >= SB_MARGIN_CHOICE) &&
           sb_distance3(world, away) >= SB_MARGIN_APART;
}

// Which of four points of J shows what P of I shows? Said again, the one that is nearest to where P lands.
static int sb_ask_choose(SbAsk *q) {
    static const char *const name[4] = {"first", "second", "third", "fourth"};
    for (int i = 0; i < SB_TRIES; i++) {
        double at[2], world[3];
        if (!sb_draw_point(q, SB_WANT_DEPTH, &q->point[0])) return 0;
        if (!sb_match(q->info->view, q->other->view, &q->point[0], at)) continue;
        int right[2] = {(int)(at[0] * SB_TEXT_GRID), (int)(at[1] * SB_TEXT_GRID)}, best = 1, found = 1;
        int place = 1 + (int)sb_next_int(&q->random, 4);
        sb_point_world(q->info->view, &q->point[0], world);
        for (int k = 1; k < 5 && !q->again; k++) {
            if (k == place) q->point[k].x = right[0], q->point[k].y = right[1];
            else found &= sb_draw_wrong(q, right, world, &q->point[k]);
        }
        if (!found) continue;
        for (int k = 2; k < 5; k++)
            if (hypot(q->point[k].x - right[0], q->point[k].y - right[1]) <
                hypot(q->point[best].x - right[0], q->point[best].y - right[1])) best = k;
        sb_say(q, "%s", name[best - 1]);
        return 1;
    }
    return 0;
}

// How far the camera moved aside, ahead and up.
static int sb_ask_shift(SbAsk *q) {
    static const char *const way[3][2] = {{"to the left", "to the right"}, {"backward", "forward"},
                                          {"down", "up"}};
    double moved[3], part[3];
    sb_camera_moved(q, moved);
    sb_state_camera(q, moved);
    part[0] = moved[0], part[1] = moved[2], part[2] = moved[1];
    for (int k = 0; k < 3; k++) {
        if (k) sb_say(q, ", ");
        sb_say_length(q, fabs(part[k]));
        sb_say(q, " %s", way[k][part[k] > 0]);
    }
    return 1;
}

static int sb_ask_turn(SbAsk *q) {
    double yaw = sb_yaw(q);
    if (sb_vague(q, fabs(yaw) > SB_MARGIN_AROUND)) return 0;
    sb_say_turn(q, yaw, "to the right", "to the left");
    sb_say(q, ", ");
    sb_say_turn(q, sb_pitch(q->other) - sb_pitch(q->info), "up", "down");
    return 1;
}

// The largest of three moves and two turns, each in units of its margin: 10 cm count as 6 degrees.
static int sb_ask_action(SbAsk *q) {
    static const char *const way[5][2] = {{"move left", "move right"}, {"move down", "move up"},
                                          {"move backward", "move forward"}, {"turn left", "turn right"},
                                          {"turn down", "turn up"}};
    double moved[5], size[5];
    int rank[5];
    sb_camera_moved(q, moved);
    moved[3] = sb_yaw(q);
    moved[4] = sb_pitch(q->other) - sb_pitch(q->info);
    for (int k = 0; k < 5; k++) size[k] = fabs(moved[k]) / (k < 3 ? SB_MARGIN : SB_MARGIN_TURN);
    sb_rank(size, 5, rank);
    int main = rank[4], around = main == 3 && fabs(moved[3]) > SB_MARGIN_AROUND;
    if (sb_vague(q, around || size[main] < 1 || size[main] < SB_MARGIN_MAIN * size[rank[3]])) return 0;
    sb_say(q, "%s", way[main][moved[main] > 0]);
    return 1;
}

// Where in J is A: the mean of its visible pixels.
static int sb_ask_find(SbAsk *q) {
    if (!sb_draw_common(q)) return 0;
    const SbView *v = q->other->view;
    int id = q->other->scene->object[q->object[0]].id;
    double u = 0, w = 0, count = 0;
    for (int i = 0; i < v->dw * v->dh; i++)
        if (v->mask[i] == id) u += i % v->dw, w += i / v->dw, count++;
    u = (u / count - v->dk.cx) / v->dk.fx * v->k.fx + v->k.cx;
    w = (w / count - v->dk.cy) / v->dk.fy * v->k.fy + v->k.cy;
    sb_say(q, "(%d, %d)", sb_text_coordinate(u, v->w), sb_text_coordinate(w, v->h));
    return 1;
}

static int sb_ask_grows(SbAsk *q) {
    for (int i = 0; i < SB_TRIES && sb_draw_common(q); i++) {
        double before = q->info->object[q->object[0]].pixels, after = q->other->object[q->object[0]].pixels;
        if (sb_vague(q, fmax(before, after) < SB_MARGIN_VOLUME * fmin(before, after))) continue;
        sb_say(q, "%s", (after > before) != q->inverse ? "yes" : "no");
        return 1;
    }
    return 0;
}

static int sb_ask_motion(SbAsk *q) {
    double moved[3];
    if (!sb_draw_common(q)) return 0;
    const SbSolid *a = &q->info->object[q->object[0]].solid, *b = &q->other->object[q->object[0]].solid;
    for (int k = 0; k < 3; k++) moved[k] = b->centre[k] - a->centre[k];
    for (int k = 0; k < 2; k++) sb_state_seen(q, k, q->object[0]);
    sb_say_so(q);
    sb_say_position(q, moved);
    return 1;
}

// An object's centre from I's camera, wherever it is seen.
static double sb_from_camera(const SbViewInfo *info, const SbScene *scene, int object) {
    const double *p = info->view->pose, camera[3] = {p[3], p[7], p[11]};
    return sb_distance3(camera, scene->object[object].center);
}

// How far from I's camera is A, which only J shows?
static int sb_ask_unseen(SbAsk *q) {
    for (int i = 0; i < SB_TRIES && sb_draw_one(q, q->other, 0); i++) {
        if (sb_vague(q, sb_shows_name(q->info, q->object[0]))) continue;
        sb_state_seen(q, 0, q->object[0]);
        sb_say_so(q);
        sb_say_length(q, sb_from_camera(q->info, q->other->scene, q->object[0]));
        return 1;
    }
    return 0;
}

static int sb_ask_nearer(SbAsk *q) {
    for (int i = 0; i < SB_TRIES && sb_draw_apart(q); i++) {
        double a = sb_from_camera(q->info, q->info->scene, q->object[0]);
        double b = sb_from_camera(q->info, q->other->scene, q->object[1]);
        if (sb_vague(q, fabs(a - b) < SB_MARGIN)) continue;
        for (int k = 0; k < 2 && q->mix->rationale; k++) sb_state(q, q->object[k], "distance", k ? b : a);
        sb_say_so(q);
        sb_say(q, "%s", sb_name(q, q->object[(a < b) == q->inverse]));
        return 1;
    }
    return 0;
}

// The first of all pictures that shows an object; -1: none, or one before it shows a few pixels of that name.
static int sb_first_shown(const SbAsk *q, int object) {
    for (int k = 0; k < q->pictures; k++) {
        if (q->all[k]->object[object].asked) return k;
        if (!q->again && sb_shows_name(q->all[k], object)) return -1;
    }
    return -1;
}

// Of two objects, which do the pictures show first?
static int sb_ask_appears(SbAsk *q) {
    for (int i = 0; i < SB_TRIES; i++) {
        if (!sb_draw_one(q, q->info, 0) || !sb_draw_one(q, q->other, 1)) return 0;
        int a = sb_first_shown(q, q->object[0]), b = sb_first_shown(q, q->object[1]);
        if (a < 0 || b < 0 || a == b) continue;
        sb_say(q, "%s", sb_name(q, q->object[a > b]));
        return 1;
    }
    return 0;
}
#endif
