// ask.h: a question in the making: the dialogue it goes into, how things are said, how cases are drawn.
//
// Refuses: files; tokens (words.h has them); to answer (answers.h, spatial.h, pair.h do). Read questions.h
// (frame, margins, table) and view.h (what is known of a view) first; then from top: a dialogue in memory,
// saying things, drawing cases, margins.
#ifndef SB_ASK_H
#define SB_ASK_H
#include "view.h"

// ---- a dialogue

// type: SB_ASK_..., -1 = not one of ours; question and answer: offsets into the text.
typedef struct { int type; size_t question, answer; } SbDialogueTurn;
typedef struct {
    SbText text;                   // questions and answers, each with its NUL
    SbDialogueTurn *turn;
    int turns, turn_room;
    int skipped;                   // questions that the mix wanted and the view could not answer
    int again, changed, wrong, lost; // by noise: answered, changed, wrong (sb_answer_again), not answered
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
    SbRandom random, drawn;               // drawn: random as it was before this case
    int type, inverse;
    const SbViewInfo *const *all, *other; // all pictures; {J}, where info is {I}
    int pictures, picture[2];             // {I} {J}: places in all
    SbPoint point[5];       // {P} {Q} {R} {S} {T}
    int object[4];          // {A} {B} {C} {D}: indices
    const char *kind;       // {K}
    double length;          // {L}
    int units;              // of this question
    int again;              // 1: the case is drawn, answer it from what the pictures now say, margins or not
    double said;            // the length said last, metres
    const struct SbNoise *noise;                // the rest: of sb_converse_with, NULL: none
    const SbViewInfo *const *noisy;
    SbRandom flips;
    struct SbBalance *balance;
    struct SbCensus *census;
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
    d->turns = d->skipped = d->again = d->changed = d->wrong = d->lost = 0;
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

static int sb_is_digit(int c) { return c >= '0' && c <= '9'; }
static int sb_is_letter(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 128 || sb_is_digit(c);
}

static SB_PRINTF(2, 3) void sb_say(SbAsk *q, const char *format, ...) {
    va_list args;
    va_start(args, format);
    sb_text_vadd(&q->out->text, format, args);
    va_end(args);
}

static const char *sb_name(const SbAsk *q, int object) { return q->info->scene->object[object].name; }

typedef struct { const char *name; double per_metre; int decimals; } SbUnit;
static SB_UNUSED const SbUnit sb_unit[SB_UNITS_MIXED] = {
    {"cm", 100, 0}, {"m", 1, 2}, {"ft", 1 / .3048, 2}, {"in", 1 / .0254, 0}};

// A number with so many decimals, halves away from zero, no minus before 0.
static void sb_say_number(SbAsk *q, double value, int decimals) {
    double scale = 1;
    for (int i = 0; i < decimals; i++) scale *= 10;
    int64_t steps = (int64_t)sb_clamp(floor(fabs(value) * scale + .5), 0, 1e15), whole = (int64_t)scale;
    sb_say(q, "%s%lld", value < 0 && steps ? "-" : "", (long long)(steps / whole));
    if (decimals) sb_say(q, ".%0*lld", decimals, (long long)(steps % whole));
}

static void sb_say_length(SbAsk *q, double metres) {
    const SbUnit *unit = &sb_unit[q->units];
    sb_say_number(q, metres * unit->per_metre, q->mix->decimals ? q->mix->decimals - 1 : unit->decimals);
    sb_say(q, " %s", unit->name);
    q->said = metres;
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

// "a red box", "An orange box".
static void sb_say_article(SbAsk *q, const char *a, const char *name) {
    sb_say(q, "%s%s %s", a, strchr("aeiouAEIOU", name[0]) ? "n" : "", name);
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
        else if (letter == 'K') sb_say(q, "%s", q->kind);
        else if (letter == 'L') sb_say_length(q, q->length);
        else if (letter == 'N') sb_say_article(q, "a", sb_name(q, q->object[0]));
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

// What the view says now where a point was drawn before.
static void sb_point_again(const SbViewInfo *info, SbPoint *p) {
    if (info->grid) sb_patch_point(info, p->cell, p);
    else sb_pixel_point(info, p->cell, p);
}

// A random point of the wanted kind. Patches: each that qualifies is equally likely. Pixels: found by trying;
// 0 if 64 tries find none.
static int sb_draw_point(SbAsk *q, int want, SbPoint *p) {
    const SbViewInfo *info = q->info;
    if (q->again) {
        sb_point_again(info, p);
        return sb_wanted(info, want, p->object, p->depth);
    }
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
    if (q->again) return sb_draw_point(q, SB_WANT_DEPTH, p);
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
    if (q->again) {
        for (int i = 0; i < count; i++)
            if (!info->object[q->object[i]].asked) return 0;
        return 1;
    }
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

// ---- margins

#define SB_TRIES 32

// Is the case too close to call? Never, if it is drawn already.
static int sb_vague(const SbAsk *q, int close) { return close && !q->again; }

// Two depths too near to each other to be told apart?
static int sb_depths_near(const SbAsk *q, double low, double high) {
    if (q->info->grid) return high < low * SB_MARGIN_PATCH_RATIO;
    return high < low * SB_MARGIN_PIXEL_RATIO || high - low < SB_MARGIN_PIXEL;
}

// rank[k]: place of the k-th smallest of count values. Returns the smallest difference between two of them.
static double sb_rank(const double *value, int count, int *rank) {
    double least = 1e30;
    for (int k = 0; k < count; k++) {
        int at = k;
        for (; at > 0 && value[rank[at - 1]] > value[k]; at--) rank[at] = rank[at - 1];
        rank[at] = k;
    }
    for (int k = 1; k < count; k++) least = fmin(least, value[rank[k]] - value[rank[k - 1]]);
    return least;
}
#endif
