// answers.h: one function per question: it finds a case in the view and writes the answer, or there is none.
//
// Refuses: files; tokens (words.h has them); to guess: an answer is computed from the depth and instance
// images and from the boxes of the scene, and a question whose answer hangs on a hair (margins) is not asked.
// Read questions.h (frame, margins, table) and view.h (what is known of a view) first; then from top: a
// dialogue in memory, saying things, drawing cases, the answers.
#ifndef SB_ANSWERS_H
#define SB_ANSWERS_H
#include "view.h"

// ---- a dialogue

// type: SB_ASK_..., -1 = not one of ours; question and answer: offsets into the text.
typedef struct { int type; size_t question, answer; } SbDialogueTurn;
typedef struct {
    SbText text;                   // questions and answers, each with its NUL
    SbDialogueTurn *turn;
    int turns, turn_room;
    int skipped;                   // questions that the mix wanted and the view could not answer
    int *deck, deck_left, deck_room; // patches that a depth question has not used
    SbViewInfo info;               // of sb_converse
} SbDialogue;

// One question in the making.
typedef struct {
    int x, y;               // text grid
    int cell;               // pixel or patch number
    int object;             // index, -1 = none
    double ray[2], depth;   // camera point = depth * (ray[0], ray[1], 1)
} SbPoint;
struct SbAsk {
    const SbViewInfo *info;
    const SbMix *mix;
    SbDialogue *out;
    SbRandom random;
    int type, inverse;
    const SbViewInfo *const *all, *other; // all pictures; {J}, where info is {I}
    int pictures, picture[2];             // {I} {J}: places in all
    SbPoint point[2];       // {P} {Q}
    int object[4];          // {A} {B} {C} {D}: indices
};


static SB_UNUSED const char *sb_dialogue_question(const SbDialogue *d, int turn) {
    return d->text.data + d->turn[turn].question;
}
static SB_UNUSED const char *sb_dialogue_answer(const SbDialogue *d, int turn) {
    return d->text.data + d->turn[turn].answer;
}

// Start a new dialogue in d's memory; add a turn to it. Start from zeros.
static SB_UNUSED void sb_dialogue_clear(SbDialogue *d) {
    d->text.size = 0;
    d->turns = d->skipped = 0;
    d->deck_left = -1;
}

static SbDialogueTurn *sb_dialogue_turn(SbDialogue *d, int type) {
    if (d->turns == d->turn_room) {
        d->turn_room = 2 * d->turn_room + 32;
        d->turn = (SbDialogueTurn *)sb_realloc(d->turn, (size_t)d->turn_room * sizeof *d->turn);
    }
    d->turn[d->turns].type = type;
    return &d->turn[d->turns];
}

static SB_UNUSED void sb_dialogue_add(SbDialogue *d, const char *question, const char *answer, int type) {
    SbDialogueTurn *t = sb_dialogue_turn(d, type);
    t->question = d->text.size;
    sb_text_bytes(&d->text, question, strlen(question) + 1);
    t->answer = d->text.size;
    sb_text_bytes(&d->text, answer, strlen(answer) + 1);
    d->turns++;
}

static SB_UNUSED void sb_dialogue_free(SbDialogue *d) {
    free(d->text.data);
    free(d->turn);
    free(d->deck);
    sb_view_info_free(&d->info);
    memset(d, 0, sizeof *d);
}

// ---- saying things

static SB_PRINTF(2, 3) void sb_say(SbAsk *q, const char *format, ...) {
    va_list args;
    va_start(args, format);
    sb_text_vadd(&q->out->text, format, args);
    va_end(args);
}

static const char *sb_name(const SbAsk *q, int object) { return q->info->scene->object[object].name; }

// |metres| in whole centimetres; see Lengths above.
static int sb_centimetres(double metres) { return (int)sb_clamp(floor(fabs(metres) * 100 + .5), 0, 1e9); }

static void sb_say_length(SbAsk *q, double metres) {
    int cm = sb_centimetres(metres);
    const char *sign = metres < 0 && cm ? "-" : "";
    if (q->mix->units == SB_UNITS_M) sb_say(q, "%s%d.%02d m", sign, cm / 100, cm % 100);
    else sb_say(q, "%s%d cm", sign, cm);
}

static void sb_say_axis(SbAsk *q, const char *axis, double metres) {
    sb_say(q, "%s ", axis);
    sb_say_length(q, metres);
}

static void sb_say_position(SbAsk *q, const double p[3]) {
    sb_say_axis(q, "X", p[0]);
    sb_say_axis(q, ", Y", p[1]);
    sb_say_axis(q, ", Z", p[2]);
}

// A rationale's "the red box X 35 cm, ".
static void sb_state(SbAsk *q, int object, const char *axis, double metres) {
    sb_say(q, "the %s ", sb_name(q, object));
    sb_say_axis(q, axis, metres);
    sb_say(q, ", ");
}

static void sb_state_position(SbAsk *q, int object, const double p[3]) {
    sb_say(q, "the %s ", sb_name(q, object));
    sb_say_position(q, p);
    sb_say(q, ", ");
}

// A paraphrase with its points and objects filled in.
static void sb_say_question(SbAsk *q, const char *from, const char *end) {
    if (q->pictures > 1 && !q->other) sb_say(q, "Picture %d: ", q->picture[0] + 1);
    for (const char *c = from; c < end;) {
        const char *brace = (const char *)memchr(c, '{', (size_t)(end - c));
        sb_text_bytes(&q->out->text, c, (size_t)((brace ? brace : end) - c));
        if (!brace) break;
        int letter = brace[1];
        if (letter == 'I' || letter == 'J') sb_say(q, "picture %d", q->picture[letter - 'I'] + 1);
        else if (letter >= 'P') sb_say(q, "(%d, %d)", q->point[letter - 'P'].x, q->point[letter - 'P'].y);
        else sb_say(q, "the %s", sb_name(q, q->object[letter - 'A']));
        c = brace + 3;
    }
    sb_text_bytes(&q->out->text, "", 1);
}

// ---- drawing cases

enum { SB_WANT_DEPTH, SB_WANT_NAME, SB_WANT_THING };

static int sb_wanted(const SbViewInfo *info, int want, int object, double depth) {
    if (want == SB_WANT_DEPTH) return depth > 0;
    return object >= 0 && (want == SB_WANT_NAME || info->object[object].thing);
}

static void sb_patch_point(const SbViewInfo *info, int patch, SbPoint *p) {
    const SbView *view = info->view;
    double u = (patch % info->grid + .5) * view->w / info->grid - .5;
    double v = (patch / info->grid + .5) * view->h / info->grid - .5;
    p->cell = patch;
    p->x = sb_text_coordinate(u, view->w);
    p->y = sb_text_coordinate(v, view->h);
    p->ray[0] = (u - view->k.cx) / view->k.fx;
    p->ray[1] = (v - view->k.cy) / view->k.fy;
    p->object = info->patch_object[patch];
    p->depth = info->patch_depth[patch];
}

static int sb_pixel_point(const SbViewInfo *info, int pixel, SbPoint *p) {
    const SbView *view = info->view;
    int id = view->mask ? view->mask[pixel] : 0;
    p->cell = pixel;
    p->ray[0] = (pixel % view->dw - view->dk.cx) / view->dk.fx;
    p->ray[1] = (pixel / view->dw - view->dk.cy) / view->dk.fy;
    double u = view->k.fx * p->ray[0] + view->k.cx, v = view->k.fy * p->ray[1] + view->k.cy;
    p->x = sb_text_coordinate(u, view->w);
    p->y = sb_text_coordinate(v, view->h);
    p->depth = view->depth ? view->depth[pixel] : 0;
    p->object = sb_object_index(info->scene, id);
    return u >= -.5 && v >= -.5 && u < view->w - .5 && v < view->h - .5;
}

// A random point of the wanted kind. Patches: each that qualifies is equally likely. Pixels: found by trying;
// 0 if 64 tries find none.
static int sb_draw_point(SbAsk *q, int want, SbPoint *p) {
    const SbViewInfo *info = q->info;
    if (!info->grid) {
        for (int i = 0; i < 64; i++) {
            int pixel = (int)sb_next_int(&q->random, (uint32_t)(info->view->dw * info->view->dh));
            if (sb_pixel_point(info, pixel, p) && sb_wanted(info, want, p->object, p->depth)) return 1;
        }
        return 0;
    }
    int count = 0, patches = info->grid * info->grid;
    for (int i = 0; i < patches; i++)
        count += sb_wanted(info, want, info->patch_object[i], info->patch_depth[i]);
    if (!count) return 0;
    int pick = (int)sb_next_int(&q->random, (uint32_t)count), patch = -1;
    while (pick >= 0) {
        patch++;
        pick -= sb_wanted(info, want, info->patch_object[patch], info->patch_depth[patch]);
    }
    sb_patch_point(info, patch, p);
    return 1;
}

// The next patch with depth, of any picture, that this dialogue has not been asked about.
static int sb_deal_patch(SbAsk *q, SbPoint *p) {
    SbDialogue *d = q->out;
    int patches = q->info->grid * q->info->grid, all = patches * q->pictures;
    if (d->deck_left < 0) {
        if (d->deck_room < all) {
            d->deck_room = all;
            d->deck = (int *)sb_realloc(d->deck, (size_t)all * sizeof *d->deck);
        }
        d->deck_left = 0;
        for (int i = 0; i < all; i++)
            if (q->all[i / patches]->patch_depth[i % patches] > 0) d->deck[d->deck_left++] = i;
    }
    if (!d->deck_left) return 0;
    int pick = (int)sb_next_int(&q->random, (uint32_t)d->deck_left), patch = d->deck[pick];
    d->deck[pick] = d->deck[--d->deck_left];
    q->picture[0] = patch / patches;
    q->info = q->all[q->picture[0]];
    sb_patch_point(q->info, patch % patches, p);
    return 1;
}

static int sb_draw_two_points(SbAsk *q) {
    return sb_draw_point(q, SB_WANT_DEPTH, &q->point[0]) && sb_draw_point(q, SB_WANT_DEPTH, &q->point[1]) &&
           q->point[0].cell != q->point[1].cell;
}

// count different objects that may be asked about, in random order.
static int sb_draw_objects(SbAsk *q, int count) {
    const SbViewInfo *info = q->info;
    if (info->asked_count < count) return 0;
    for (int i = 0; i < count; i++) {
        int again = 1;
        while (again) {
            q->object[i] = info->asked[sb_next_int(&q->random, (uint32_t)info->asked_count)];
            again = 0;
            for (int j = 0; j < i; j++) again |= q->object[j] == q->object[i];
        }
    }
    return 1;
}

#define SB_TRIES 32

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
        if (q->info->grid ? high < low * SB_MARGIN_PATCH_RATIO
                          : high < low * SB_MARGIN_PIXEL_RATIO || high - low < SB_MARGIN_PIXEL) continue;
        sb_say(q, "%s", a < b ? "first" : "second");
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
    int thing = sb_next_unit(&q->random) < SB_OBJECT_SHARE;
    if (!(thing && sb_draw_point(q, SB_WANT_THING, p)) && !sb_draw_point(q, SB_WANT_NAME, p)) return 0;
    sb_say(q, "%s", sb_name(q, p->object));
    return 1;
}

// "A is more so than B" of a relation: the sign of the difference of this measure.
static double sb_measure(const SbSeen *s, int type) {
    switch (type) {
    case SB_ASK_left: return -s->solid.centre[0];
    case SB_ASK_front: return -s->low[2];
    case SB_ASK_above: return s->solid.centre[1];
    case SB_ASK_taller: return s->high[1] - s->low[1];
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

static void sb_state_measure(SbAsk *q, int object) {
    const SbSeen *s = &q->info->object[object];
    double m = sb_measure(s, q->type);
    if (q->type == SB_ASK_left) sb_state(q, object, "X", -m);
    if (q->type == SB_ASK_front) sb_state(q, object, "Z", -m);
    if (q->type == SB_ASK_above) sb_state(q, object, "Y", m);
    if (q->type == SB_ASK_taller) sb_state(q, object, "height", m);
    if (q->type != SB_ASK_bigger) return;
    sb_state(q, object, "width", 2 * s->solid.half[0]);
    sb_say_axis(q, "height", 2 * s->solid.half[1]);
    sb_say_axis(q, ", depth", 2 * s->solid.half[2]);
    sb_say(q, ", ");
}

static int sb_ask_relation(SbAsk *q) {
    int holds = 0;
    for (int i = 0; i < SB_TRIES && !holds && sb_draw_objects(q, 2); i++)
        holds = sb_relation(&q->info->object[q->object[0]], &q->info->object[q->object[1]], q->type);
    if (!holds) return 0;
    if (q->mix->rationale) {
        sb_state_measure(q, q->object[0]);
        sb_state_measure(q, q->object[1]);
        sb_say(q, "so ");
    }
    sb_say(q, "%s", (holds > 0) != q->inverse ? "yes" : "no");
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
    for (int i = 0; i < 4 && gap < SB_MARGIN_GAP && sb_draw_objects(q, 2); i++)
        gap = sb_solid_gap(&q->info->object[q->object[0]].solid, &q->info->object[q->object[1]].solid, a, b);
    if (gap < SB_MARGIN_GAP) return 0;
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
        double d[4], second = 1e30;
        int best = 1;
        for (int k = 1; k < 4; k++) {
            d[k] = sb_distance3(sb_centre(q, q->object[0]), sb_centre(q, q->object[k]));
            if (d[k] < d[best]) best = k;
        }
        for (int k = 1; k < 4; k++)
            if (k != best && d[k] < second) second = d[k];
        if (second - d[best] < SB_MARGIN) continue;
        for (int k = 1; k < 4 && q->mix->rationale; k++) sb_state(q, q->object[k], "distance", d[k]);
        sb_say(q, "%s%s", q->mix->rationale ? "so " : "", sb_name(q, q->object[best]));
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
        for (int k = 0; k < 3; k++) {
            int at = k;
            d[k] = sb_distance3(camera, sb_centre(q, q->object[k]));
            for (; at > 0 && d[rank[at - 1]] > d[k]; at--) rank[at] = rank[at - 1];
            rank[at] = k;
        }
        if (d[rank[1]] - d[rank[0]] < SB_MARGIN || d[rank[2]] - d[rank[1]] < SB_MARGIN) continue;
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
        const char *name = sb_name(q, i), *article = strchr("aeiouAEIOU", name[0]) ? "an" : "a";
        sb_say(q, count ? ", %s %s" : "A%s %s", count ? article : article + 1, name);
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
