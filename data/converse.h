// converse.h: dialogues about one view of a scene: questions with exact answers, as text.
//
// Refuses: files; tokens (words.h has them); to guess: an answer is computed from the depth and instance
// images and from the boxes of the scene, and a question whose answer hangs on a hair (margins) is not asked.
// Read from top: frame, units, margins; the table of questions, one row each; mixes: how many of which; what
// is known of a view (SbViewInfo); geometry; one function per answer; sb_converse, which strings it together.
#ifndef SB_CONVERSE_H
#define SB_CONVERSE_H
#include "scene.h"

// ---- frame, units, margins: stated here, nowhere else
//
//   Frame     Origin at the camera, gravity-aligned: Y up, Z the viewing direction made horizontal, X right.
//             "Depth" is the camera's planar z; everything else speaks in this frame. Metres.
//   Points    (x, y) in the colour image, x = floor(1000 (u + 1/2) / W): 0..999 from the left; y from top.
//             grid 0: one measured pixel of the depth image. grid G: the centre of a patch of a G x G grid,
//             and the answer is the patch's: the instance with most pixels in it, the mean depth of those.
//   Lengths   whole centimetres ("342 cm"), halves away from zero; or the same in metres ("3.42 m").
//   Objects   whatever is not floor, wall or ceiling. Seen: 25 pixels of 64 x 64 or more, in proportion in
//             larger images. Asked about by name: seen, with a box, and alone in this view to bear its name.
//             Spheres and upright cylinders are taken as such, all else as its box; hidden parts count.
//   Left      the centre has the smaller X, and the visible pixels lie to the left: picture and space agree.
//   Front     the nearest point has the smaller Z.  Above: the centre has the larger Y.  Taller: along Y.
//   Bigger    more volume.  Width, height: extent in X, Y.  Bounds: centre and extents along X, Y, Z.
//   Distance  centre to centre; vertical |dY|, horizontal sqrt(dX^2 + dZ^2).  Gap: between nearest points.
//   Margins   left, front, above, taller, nearest, order: 10 cm between the numbers compared; bigger: a ratio
//             of 1.25; gap: at least 5 cm; closer: 3 % and 5 cm between pixels, |log ratio| > .15 between
//             patches, whose means are coarse.
#define SB_TEXT_GRID 1000
#define SB_SEEN_PIXELS 25
#define SB_MARGIN .10
#define SB_MARGIN_VOLUME 1.25
#define SB_MARGIN_GAP .05
#define SB_MARGIN_PIXEL .05
#define SB_MARGIN_PIXEL_RATIO 1.03
#define SB_MARGIN_PATCH_RATIO 1.1618342427282831  // exp(.15)
#define SB_OBJECT_SHARE .6                        // of "what" questions look for an object first
#define SB_GRID_MAX 32

// ---- the questions

enum { SB_LEVEL_PIXEL, SB_LEVEL_OBJECT, SB_LEVEL_SCENE, SB_LEVEL_CAPTION, SB_LEVELS };
enum { SB_KIND_LENGTH, SB_KIND_CHOICE, SB_KIND_YESNO, SB_KIND_NAME, SB_KIND_POSITION, SB_KIND_BOUNDS,
       SB_KIND_NAMES, SB_KIND_TEXT };
enum { SB_NEED_DEPTH = 1, SB_NEED_MASK = 2, SB_NEED_BOX = 4 };
#define SB_NEED_OBJECT (SB_NEED_MASK | SB_NEED_BOX)

// One question: X(name, level, kind of answer, what the view must have, function, paraphrases). Rows stand in
// the order of levels. Paraphrases are separated by |; one that begins with ! asks the opposite (yes and no
// change places). {P} {Q} are points, {A} {B} {C} {D} objects. To add a question: a row here, its function
// below, its check in dev/test_converse.h (which does not compile without), and its words in words.h.
#define SB_QUESTIONS(X)                                                                                     \
    X(depth, PIXEL, LENGTH, DEPTH, sb_ask_depth,                                                            \
      "What is the depth at {P}?|What is the depth value at coordinate {P}?|How deep is the point {P}?")    \
    X(closer, PIXEL, CHOICE, DEPTH, sb_ask_closer,                                                          \
      "Which point is closer, {P} or {Q}?|Which is nearer to the camera, {P} or {Q}?")                      \
    X(difference, PIXEL, LENGTH, DEPTH, sb_ask_two_points,                                                  \
      "What is the depth difference between {P} and {Q}?")                                                  \
    X(position, PIXEL, POSITION, DEPTH, sb_ask_position,                                                    \
      "What is the 3-D position of {P}?|Where is {P} in 3-D?")                                              \
    X(separation, PIXEL, LENGTH, DEPTH, sb_ask_two_points,                                                  \
      "What is the 3-D distance between {P} and {Q}?|How far apart in 3-D are {P} and {Q}?")                \
    X(what, PIXEL, NAME, MASK, sb_ask_what,                                                                 \
      "What is at {P}?|Which object is at {P}?|What object do you see at {P}?")                             \
    X(left, OBJECT, YESNO, OBJECT, sb_ask_relation,                                                         \
      "Is {A} to the left of {B}?|Is {A} on the left side of {B}?|!Is {A} to the right of {B}?")            \
    X(front, OBJECT, YESNO, OBJECT, sb_ask_relation, "Is {A} in front of {B}?|!Is {A} behind {B}?")         \
    X(above, OBJECT, YESNO, OBJECT, sb_ask_relation,                                                        \
      "Is the centre of {A} above that of {B}?|!Is the centre of {A} below that of {B}?")                   \
    X(taller, OBJECT, YESNO, OBJECT, sb_ask_relation, "Is {A} taller than {B}?|!Is {A} shorter than {B}?")  \
    X(bigger, OBJECT, YESNO, OBJECT, sb_ask_relation,                                                       \
      "Is {A} bigger than {B}?|Does {A} have a larger volume than {B}?|!Is {A} smaller than {B}?")          \
    X(width, OBJECT, LENGTH, OBJECT, sb_ask_extent,                                                         \
      "How wide is {A}, seen from here?|What is the width of {A}, seen from here?")                         \
    X(height, OBJECT, LENGTH, OBJECT, sb_ask_extent, "How tall is {A}?|What is the height of {A}?")         \
    X(bounds, OBJECT, BOUNDS, OBJECT, sb_ask_bounds,                                                        \
      "What are the 3-D bounds of {A}?|Which 3-D bounds contain {A}?")                                      \
    X(distance, SCENE, LENGTH, OBJECT, sb_ask_distance,                                                     \
      "How far is {A} from {B}, centre to centre?|"                                                         \
      "What is the distance between the centres of {A} and {B}?")                                           \
    X(gap, SCENE, LENGTH, OBJECT, sb_ask_gap,                                                               \
      "What is the gap between {A} and {B}?|What is the smallest gap between the surfaces of {A} and {B}?") \
    X(vertical, SCENE, LENGTH, OBJECT, sb_ask_distance,                                                     \
      "What is the vertical distance between {A} and {B}, centre to centre?")                               \
    X(horizontal, SCENE, LENGTH, OBJECT, sb_ask_distance,                                                   \
      "What is the horizontal distance between {A} and {B}, centre to centre?")                             \
    X(nearest, SCENE, NAME, OBJECT, sb_ask_nearest, "Which is nearest to {A}: {B}, {C} or {D}?")            \
    X(order, SCENE, NAMES, OBJECT, sb_ask_order, "Order {A}, {B} and {C}, nearest first.")                  \
    X(describe, CAPTION, TEXT, MASK, sb_ask_describe, "Describe the view.|Describe what you see.")          \
    X(layout, CAPTION, TEXT, OBJECT, sb_ask_layout, "Describe the layout.|"                                 \
      "Describe the layout of the view.")

#define SB_ROW(name, level, kind, needs, function, words) SB_ASK_##name,
enum { SB_QUESTIONS(SB_ROW) SB_ASK_COUNT };
#undef SB_ROW

// ---- mixes

enum { SB_ORDER_FORWARD, SB_ORDER_REVERSE, SB_ORDER_RANDOM };
enum { SB_UNITS_CM, SB_UNITS_M };

// How many questions of which type. count[type] of one type and level[l] of any types of a level, each in
// turn; a fraction is the probability of one more. order: levels from pixel to caption (the paper's), the
// reverse, or all turns shuffled. rationale: object and scene answers state what they need, then conclude
// with "so".
typedef struct {
    char name[32];
    double count[SB_ASK_COUNT], level[SB_LEVELS];
    int order, grid, units, rationale;
} SbMix;

// The named mixes. rec is mix's control: recognition only, the same number of answer words (tested), in the
// same pictures; its count of "what" was measured on simulated rooms.
typedef struct { const char *name, *spec, *help; } SbMixRow;
static SB_UNUSED const SbMixRow sb_mix_row[] = {
    {"full", "pixel=5,object=3,scene=2,caption=2", "all levels, 12 turns as in the paper"},
    {"mix", "depth=14,closer=2,what=10,describe=1", "depth and recognition: the boost stage in miniature"},
    {"rec", "what=19.6,describe=1", "control: recognition only, as many answer words as mix"},
    {"lean", "depth=12,closer=2,what=10,describe=1", "for the llm and align stages"},
    {"recshort", "what=24,describe=1", "recognition only: for the instruct stage"},
    {"pixel", "depth=10,closer=2", "depth only: photographs without masks and boxes"},
};
#define SB_MIX_ROWS ((int)(sizeof sb_mix_row / sizeof sb_mix_row[0]))

static SB_UNUSED const char *const sb_level_name[SB_LEVELS] = {"pixel", "object", "scene", "caption"};
static SB_UNUSED const char *const sb_order_name[] = {"forward", "reverse", "random"};
static SB_UNUSED const char *const sb_units_name[] = {"cm", "m"};

// ---- what is known of a view

// A convex body in the frame above: half lengths along its own axes. axis[1] is the upright one (also
// of a cylinder).
enum { SB_SOLID_BOX, SB_SOLID_SPHERE, SB_SOLID_CYLINDER };
typedef struct {
    int shape;
    double centre[3], half[3], axis[3][3];
} SbSolid;

// One object as the view shows it.
typedef struct {
    int thing;                // not floor, wall or ceiling
    int pixels;               // visible ones
    int seen, asked;          // enough pixels; may be asked about by name (see Objects above)
    double x;                 // mean of the visible pixels, text grid, not rounded
    SbSolid solid;            // if the object has a box, as the rest
    double low[3], high[3];   // its extent along X, Y, Z
} SbSeen;

// Statistics of one view, computed once and read by any number of threads. It points into the scene.
typedef struct {
    const SbScene *scene;
    const SbView *view;
    int index, grid, has;          // has: SB_NEED_ bits that the view can serve
    double axis[3][3], turn[3][3]; // X, Y, Z in the world; camera vector -> frame (row-major)
    SbSeen *object;                // [scene->objects]
    int *asked, asked_count;       // indices of the objects that may be asked about
    int *patch_object;             // [grid*grid] row-major: index of the majority's object, -1 = none
    double *patch_depth;           // [grid*grid] mean depth over it, 0 = not measured
    double *tally;                 // scratch
    int object_room, patch_room;
} SbViewInfo;

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
typedef struct {
    const SbViewInfo *info;
    const SbMix *mix;
    SbDialogue *out;
    SbRandom random;
    int type, inverse;
    SbPoint point[2];       // {P} {Q}
    int object[4];          // {A} {B} {C} {D}: indices
} SbAsk;

typedef struct {
    const char *name;
    int level, kind, needs;
    int (*ask)(SbAsk *);    // finds a case and writes its answer; 0: the view has none
    const char *words;
} SbQuestion;
static const SbQuestion *sb_question_row(int type);

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

static SB_UNUSED void sb_view_info_free(SbViewInfo *info) {
    free(info->object);
    free(info->asked);
    free(info->patch_object);
    free(info->patch_depth);
    free(info->tally);
    memset(info, 0, sizeof *info);
}

static SB_UNUSED void sb_dialogue_free(SbDialogue *d) {
    free(d->text.data);
    free(d->turn);
    free(d->deck);
    sb_view_info_free(&d->info);
    memset(d, 0, sizeof *d);
}

// ---- mixes from text

// Index of a name of length size in a table of names, -1 if it is not there.
static int sb_find_name(const char *const *names, int count, const char *text, size_t size) {
    for (int i = 0; i < count; i++)
        if (strlen(names[i]) == size && !memcmp(names[i], text, size)) return i;
    return -1;
}

static SB_UNUSED SB_NORETURN void sb_mix_die(const char *text, const char *at, const char *why) {
    SbText known = {NULL, 0, 0};
    for (int i = 0; i < SB_MIX_ROWS; i++) sb_text_add(&known, " %s", sb_mix_row[i].name);
    sb_text_add(&known, "; or counts such as \"depth=14,what=10.5\" of:");
    for (int i = 0; i < SB_LEVELS; i++) sb_text_add(&known, " %s", sb_level_name[i]);
    for (int i = 0; i < SB_ASK_COUNT; i++) sb_text_add(&known, " %s", sb_question_row(i)->name);
    sb_die("mix \"%s\": %s at \"%.40s\"; known:%s", text, why, at, known.data);
}

// One "name=count" at `at`; returns where it ends.
static const char *sb_mix_count(SbMix *mix, const char *text, const char *at) {
    size_t size = strcspn(at, "=,");
    if (at[size] != '=') sb_mix_die(text, at, "expected name=count");
    const char *digits = at + size + 1, *end = digits + strspn(digits, "0123456789.");
    double value = 0, place = 0;
    int dots = 0;
    for (const char *c = digits; c < end && value <= 1000; c++) {
        if (*c == '.') dots++, place = 1;
        else if (place > 0) value += (*c - '0') * (place /= 10);
        else value = 10 * value + (*c - '0');
    }
    if (end == digits || dots > 1 || (dots && end - digits == 1) || (*end && *end != ','))
        sb_mix_die(text, at, "expected a number after the =");
    if (value > 1000) sb_mix_die(text, at, "more than 1000 questions");
    int level = sb_find_name(sb_level_name, SB_LEVELS, at, size), type = 0;
    if (level >= 0) {
        mix->level[level] += value;
        return end;
    }
    while (type < SB_ASK_COUNT && (strlen(sb_question_row(type)->name) != size ||
                                   memcmp(sb_question_row(type)->name, at, size))) type++;
    if (type == SB_ASK_COUNT) sb_mix_die(text, at, "no such mix, level or question");
    mix->count[type] += value;
    return end;
}

// A mix by name ("rec") or by counts ("depth=14,what=10.5,object=3"); forward, pixels, centimetres, no
// rationale. Errors: dies with the names there are.
static SB_UNUSED SbMix sb_mix_parse(const char *text) {
    SbMix mix;
    memset(&mix, 0, sizeof mix);
    snprintf(mix.name, sizeof mix.name, "%s", text);
    const char *spec = text;
    for (int i = 0; i < SB_MIX_ROWS; i++)
        if (!strcmp(sb_mix_row[i].name, text)) spec = sb_mix_row[i].spec;
    if (spec == text && !strchr(text, '=')) sb_mix_die(text, text, "no such mix");
    double sum = 0;
    for (const char *at = spec;; at++) {
        at = sb_mix_count(&mix, text, at);
        if (!*at) break;
    }
    for (int i = 0; i < SB_ASK_COUNT; i++) sum += mix.count[i];
    for (int i = 0; i < SB_LEVELS; i++) sum += mix.level[i];
    if (sum <= 0) sb_mix_die(text, text, "no question at all");
    return mix;
}

// ---- geometry

static double sb_dot3(const double a[3], const double b[3]) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static double sb_distance3(const double a[3], const double b[3]) {
    double d[3] = {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
    return sqrt(sb_dot3(d, d));
}

// v -= (v . up) up, then to length 1; 0 if nothing is left.
static int sb_make_level(double v[3], const double up[3]) {
    double s = sb_dot3(v, up);
    for (int i = 0; i < 3; i++) v[i] -= s * up[i];
    double n = sqrt(sb_dot3(v, v));
    for (int i = 0; i < 3; i++) v[i] = n > 1e-9 ? v[i] / n : 0;
    return n > 1e-6;
}

// The frame's axes in the world, rows X, Y, Z: Y = up, Z = the camera's forward made horizontal, X = Z x Y,
// which is right. A camera that looks straight down (or up) has no such forward; then the top (bottom) of the
// picture is.
static SB_UNUSED void sb_frame(const double pose[16], const double up[3], double axis[3][3]) {
    double *x = axis[0], *y = axis[1], *z = axis[2];
    for (int i = 0; i < 3; i++) {
        y[i] = up[i];
        z[i] = pose[4 * i + 2];
    }
    double side = sb_dot3(z, y) > 0 ? 1 : -1;
    if (!sb_make_level(z, y)) {
        for (int i = 0; i < 3; i++) z[i] = side * pose[4 * i + 1];
        sb_make_level(z, y);
    }
    x[0] = z[1] * y[2] - z[2] * y[1];
    x[1] = z[2] * y[0] - z[0] * y[2];
    x[2] = z[0] * y[1] - z[1] * y[0];
}

// The vector v turned about the unit vector up by angle, counter-clockwise seen from above (Rodrigues).
static void sb_turn_about(const double v[3], const double up[3], double angle, double out[3]) {
    double c = cos(angle), s = sin(angle), along = sb_dot3(up, v) * (1 - c);
    out[0] = c * v[0] + s * (up[1] * v[2] - up[2] * v[1]) + along * up[0];
    out[1] = c * v[1] + s * (up[2] * v[0] - up[0] * v[2]) + along * up[1];
    out[2] = c * v[2] + s * (up[0] * v[1] - up[1] * v[0]) + along * up[2];
}

// An object with a box as a body in the frame of a camera.
static SB_UNUSED void sb_solid(SbSolid *s, const SbObject *o, const double up[3], const double pose[16],
                               const double axis[3][3]) {
    s->shape = !strcmp(o->category, "sphere") ? SB_SOLID_SPHERE
             : !strcmp(o->category, "cylinder") ? SB_SOLID_CYLINDER : SB_SOLID_BOX;
    int upright = 0, place[3] = {0, 1, 2};  // place[i]: which own axis is kept as axis[i]
    for (int i = 1; i < 3; i++)
        if (fabs(up[i]) > fabs(up[upright])) upright = i;
    place[1] = upright;
    place[upright] = 1;
    double offset[3] = {o->center[0] - pose[3], o->center[1] - pose[7], o->center[2] - pose[11]};
    for (int i = 0; i < 3; i++) {
        double own[3] = {0, 0, 0}, world[3];
        own[place[i]] = 1;
        sb_turn_about(own, up, o->yaw, world);
        for (int k = 0; k < 3; k++) s->axis[i][k] = sb_dot3(axis[k], world);
        s->half[i] = o->size[place[i]] / 2;
        s->centre[i] = sb_dot3(axis[i], offset);
    }
}

// Half the body's extent along the frame's axis k (its support function).
static double sb_solid_reach(const SbSolid *s, int k) {
    const double *h = s->half;
    double upright = fabs(s->axis[1][k]);
    if (s->shape == SB_SOLID_SPHERE) return h[0];
    if (s->shape == SB_SOLID_CYLINDER) return h[1] * upright + h[0] * sqrt(fmax(0, 1 - upright * upright));
    return h[0] * fabs(s->axis[0][k]) + h[1] * upright + h[2] * fabs(s->axis[2][k]);
}

static double sb_solid_volume(const SbSolid *s) {
    const double pi = 3.14159265358979323846, *h = s->half;
    if (s->shape == SB_SOLID_SPHERE) return 4 * pi / 3 * h[0] * h[0] * h[0];
    if (s->shape == SB_SOLID_CYLINDER) return 2 * pi * h[0] * h[0] * h[1];
    return 8 * h[0] * h[1] * h[2];
}

static double sb_clamp(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

// The point of the body that is nearest to p (p itself inside).
static void sb_solid_nearest(const SbSolid *s, const double p[3], double out[3]) {
    double d[3] = {p[0] - s->centre[0], p[1] - s->centre[1], p[2] - s->centre[2]}, q[3];
    for (int i = 0; i < 3; i++) q[i] = sb_dot3(s->axis[i], d);
    if (s->shape == SB_SOLID_BOX) {
        for (int i = 0; i < 3; i++) q[i] = sb_clamp(q[i], -s->half[i], s->half[i]);
    } else {
        int ball = s->shape == SB_SOLID_SPHERE;
        double r = sqrt(q[0] * q[0] + q[2] * q[2] + (ball ? q[1] * q[1] : 0));
        double shrink = r > s->half[0] ? s->half[0] / r : 1;
        q[0] *= shrink;
        q[2] *= shrink;
        q[1] = ball ? q[1] * shrink : sb_clamp(q[1], -s->half[1], s->half[1]);
    }
    for (int k = 0; k < 3; k++)
        out[k] = s->centre[k] + q[0] * s->axis[0][k] + q[1] * s->axis[1][k] + q[2] * s->axis[2][k];
}

// The nearest points of two bodies; returns their distance. Projections in turn are gradient descent on half
// the squared distance; with Nesterov's momentum (Beck and Teboulle 2009) it is within 2 |x0 - x*|^2 / n^2
// after n steps.
static SB_UNUSED double sb_solid_gap(const SbSolid *a, const SbSolid *b, double on_a[3], double on_b[3]) {
    double x[3], old[3], y[3];
    memcpy(x, a->centre, sizeof x);
    memcpy(old, x, sizeof old);
    for (int n = 1; n <= 240; n++) {
        double momentum = n <= 200 ? (n - 1.) / (n + 2.) : 0;  // the last steps only settle
        for (int i = 0; i < 3; i++) y[i] = x[i] + momentum * (x[i] - old[i]);
        memcpy(old, x, sizeof old);
        sb_solid_nearest(b, y, on_b);
        sb_solid_nearest(a, on_b, x);
        if (momentum == 0 && sb_distance3(x, old) < 1e-9) break;
    }
    memcpy(on_a, x, sizeof x);
    return sb_distance3(on_a, on_b);
}

// ---- statistics of a view

// One axis of the depth image against the colour image: colour u = a * depth u + b.
static void sb_axis_map(double f, double c, double df, double dc, double *a, double *b) {
    *a = f / df;
    *b = c - *a * dc;
}

// The depth pixels [*from, *to) whose centres fall in cell p of `cells` along an axis with `size` colour
// pixels.
static void sb_cell_range(double a, double b, int size, int depth_size, int cells, int p, int *from,
                          int *to) {
    double edge0 = ((double)p * size / cells - .5 - b) / a, edge1 = ((p + 1.) * size / cells - .5 - b) / a;
    *from = (int)sb_clamp(ceil(edge0), 0, depth_size);
    *to = (int)sb_clamp(ceil(edge1), 0, depth_size);
}

static int sb_text_coordinate(double u, int size) {
    return (int)sb_clamp(floor(SB_TEXT_GRID * (u + .5) / size), 0, SB_TEXT_GRID - 1);
}

static int sb_is_surface(const char *category) {
    return !strcmp(category, "floor") || !strcmp(category, "wall") || !strcmp(category, "ceiling");
}

static int sb_object_index(const SbScene *scene, int id) {
    for (int i = 0; id && i < scene->objects; i++)
        if (scene->object[i].id == id) return i;
    return -1;
}

// Count the pixels of one cell: per object, their measured depth, and the sum of their columns. tally: 2
// numbers per object (pixels, depth) and 1 more (measured pixels), object -1 first.
static void sb_count_cell(SbViewInfo *info, const int from[2], const int to[2]) {
    const SbView *view = info->view;
    int last_id = 0, last = -1;
    memset(info->tally, 0, (size_t)(3 * (info->scene->objects + 1)) * sizeof *info->tally);
    for (int v = from[1]; v < to[1]; v++) {
        for (int u = from[0]; u < to[0]; u++) {
            size_t i = (size_t)v * view->dw + u;
            int id = view->mask ? view->mask[i] : 0;
            if (id != last_id) {
                last = sb_object_index(info->scene, id);
                last_id = id;
            }
            double *t = info->tally + 3 * (last + 1), z = view->depth ? view->depth[i] : 0;
            t[0]++;
            t[1] += z > 0 ? z : 0;
            t[2] += z > 0;
            if (last >= 0) info->object[last].x += u;
        }
    }
}

static void sb_count_pixels(SbViewInfo *info) {
    const SbView *view = info->view;
    double ax, bx, ay, by;
    int cells = info->grid ? info->grid : 1, n = info->scene->objects, from[2], to[2];
    sb_axis_map(view->k.fx, view->k.cx, view->dk.fx, view->dk.cx, &ax, &bx);
    sb_axis_map(view->k.fy, view->k.cy, view->dk.fy, view->dk.cy, &ay, &by);
    for (int p = 0; p < cells * cells; p++) {
        sb_cell_range(ax, bx, view->w, view->dw, cells, p % cells, &from[0], &to[0]);
        sb_cell_range(ay, by, view->h, view->dh, cells, p / cells, &from[1], &to[1]);
        sb_count_cell(info, from, to);
        int best = 0;
        for (int i = 0; i <= n; i++) {
            if (info->tally[3 * i] > info->tally[3 * best]) best = i;
            if (i) info->object[i - 1].pixels += (int)info->tally[3 * i];
            if (info->tally[3 * i + 2] > 0) info->has |= SB_NEED_DEPTH;
        }
        if (!info->grid) continue;
        const double *t = info->tally + 3 * best;
        info->patch_object[p] = best - 1;
        info->patch_depth[p] = t[2] > 0 ? t[1] / t[2] : 0;
    }
    for (int i = 0; i < n; i++) {
        SbSeen *o = &info->object[i];
        if (o->pixels) o->x = SB_TEXT_GRID * (ax * o->x / o->pixels + bx + .5) / view->w;
    }
}

// Which objects are seen, which may be asked about, and where they are.
static void sb_find_objects(SbViewInfo *info) {
    const SbScene *scene = info->scene;
    double enough = SB_SEEN_PIXELS * ((double)info->view->dw * info->view->dh / 4096);
    for (int i = 0; i < scene->objects; i++) {
        SbSeen *s = &info->object[i];
        const SbObject *o = &scene->object[i];
        s->thing = !sb_is_surface(o->category);
        s->seen = s->thing && s->pixels > 0 && s->pixels >= enough;
        s->asked = s->seen && o->has_box;
        if (s->pixels) info->has |= SB_NEED_MASK;
        for (int j = 0; j < scene->objects && s->asked; j++)
            if (j != i && info->object[j].pixels && !strcmp(scene->object[j].name, o->name)) s->asked = 0;
        if (!s->asked) continue;
        info->has |= SB_NEED_BOX;
        info->asked[info->asked_count++] = i;
        sb_solid(&s->solid, o, scene->up, info->view->pose, info->axis);
        for (int k = 0; k < 3; k++) {
            double reach = sb_solid_reach(&s->solid, k);
            s->low[k] = s->solid.centre[k] - reach;
            s->high[k] = s->solid.centre[k] + reach;
        }
    }
}

// What is known of a view; grid as in SbMix. info starts from zeros and may be filled again;
// sb_view_info_free when done. Costs one look at each pixel.
static SB_UNUSED void sb_view_info(SbViewInfo *info, const SbScene *scene, int view, int grid) {
    int n = scene->objects;
    if (view < 0 || view >= scene->views)
        sb_die("%s: has %d views, no view %d", scene->name, scene->views, view);
    if (grid < 0 || grid > SB_GRID_MAX)
        sb_die("a grid of %d patches a side: 0 to %d expected", grid, SB_GRID_MAX);
    if (!info->tally || info->object_room < n) {
        info->object = (SbSeen *)sb_realloc(info->object, (size_t)n * sizeof *info->object);
        info->asked = (int *)sb_realloc(info->asked, (size_t)n * sizeof *info->asked);
        info->tally = (double *)sb_realloc(info->tally, (size_t)(3 * (n + 1)) * sizeof *info->tally);
        info->object_room = n;
    }
    if (info->patch_room < grid * grid) {
        info->patch_room = grid * grid;
        info->patch_object = (int *)sb_realloc(info->patch_object, (size_t)(grid * grid) * sizeof(int));
        info->patch_depth = (double *)sb_realloc(info->patch_depth, (size_t)(grid * grid) * sizeof(double));
    }
    info->scene = scene;
    info->view = &scene->view[view];
    info->index = view;
    info->grid = grid;
    info->has = info->asked_count = 0;
    memset(info->object, 0, (size_t)n * sizeof *info->object);
    const double *pose = info->view->pose;
    sb_frame(pose, scene->up, info->axis);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            info->turn[i][k] = info->axis[i][0] * pose[k] + info->axis[i][1] * pose[4 + k] +
                               info->axis[i][2] * pose[8 + k];
    sb_count_pixels(info);
    sb_find_objects(info);
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
    for (const char *c = from; c < end;) {
        const char *brace = (const char *)memchr(c, '{', (size_t)(end - c));
        sb_text_bytes(&q->out->text, c, (size_t)((brace ? brace : end) - c));
        if (!brace) break;
        int letter = brace[1];
        if (letter >= 'P') sb_say(q, "(%d, %d)", q->point[letter - 'P'].x, q->point[letter - 'P'].y);
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

// The next patch with depth that this dialogue has not been asked about.
static int sb_deal_patch(SbAsk *q, SbPoint *p) {
    SbDialogue *d = q->out;
    int patches = q->info->grid * q->info->grid;
    if (d->deck_left < 0) {
        if (d->deck_room < patches) {
            d->deck_room = patches;
            d->deck = (int *)sb_realloc(d->deck, (size_t)patches * sizeof *d->deck);
        }
        d->deck_left = 0;
        for (int i = 0; i < patches; i++)
            if (q->info->patch_depth[i] > 0) d->deck[d->deck_left++] = i;
    }
    if (!d->deck_left) return 0;
    int pick = (int)sb_next_int(&q->random, (uint32_t)d->deck_left), patch = d->deck[pick];
    d->deck[pick] = d->deck[--d->deck_left];
    sb_patch_point(q->info, patch, p);
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

#define SB_ROW(name, level, kind, needs, function, words) \
    {#name, SB_LEVEL_##level, SB_KIND_##kind, SB_NEED_##needs, function, words},
static const SbQuestion *sb_question_row(int type) {
    static const SbQuestion row[SB_ASK_COUNT] = {SB_QUESTIONS(SB_ROW)};
    return &row[type];
}
#undef SB_ROW

// ---- the dialogue

// Ask one question; 0: the view has none of this type.
static int sb_ask(SbAsk *q, int type) {
    const SbQuestion *row = sb_question_row(type);
    SbDialogue *d = q->out;
    if ((row->needs & q->info->has) != row->needs) return 0;
    uint32_t paraphrases = 1;
    for (const char *c = row->words; *c; c++) paraphrases += *c == '|';
    const char *from = row->words;
    for (uint32_t pick = sb_next_int(&q->random, paraphrases); pick > 0; pick--) from = strchr(from, '|') + 1;
    q->type = type;
    q->inverse = *from == '!';
    SbDialogueTurn *turn = sb_dialogue_turn(d, type);
    size_t start = d->text.size;
    if (!row->ask(q)) return 0;
    sb_text_bytes(&d->text, "", 1);
    turn->answer = start;
    turn->question = d->text.size;
    from += q->inverse;
    sb_say_question(q, from, from + strcspn(from, "|"));
    d->turns++;
    return 1;
}

static int sb_draw_count(SbAsk *q, double count) {
    int whole = (int)count;
    return count > whole ? whole + (sb_next_unit(&q->random) < count - whole) : whole;
}

// count questions of a level: its types in random order, round and round.
static void sb_ask_level(SbAsk *q, int level, int count) {
    int type[SB_ASK_COUNT], types = 0, failed = 0;
    for (int i = 0; i < SB_ASK_COUNT; i++) {
        if (sb_question_row(i)->level != level) continue;
        int place = (int)sb_next_int(&q->random, (uint32_t)(types + 1));
        type[types++] = type[place];
        type[place] = i;
    }
    for (int i = 0; count > 0 && failed < types; i++) {
        int asked = sb_ask(q, type[i % types]);
        failed = asked ? 0 : failed + 1;
        count -= asked;
    }
    q->out->skipped += count;
}

static void sb_swap_turns(SbDialogue *d, int a, int b) {
    SbDialogueTurn t = d->turn[a];
    d->turn[a] = d->turn[b];
    d->turn[b] = t;
}

// Reverse: the levels change places, the turns within a level keep their order.
static void sb_order_turns(SbAsk *q) {
    SbDialogue *d = q->out;
    int n = d->turns;
    if (q->mix->order == SB_ORDER_RANDOM)
        for (int i = n - 1; i > 0; i--) sb_swap_turns(d, i, (int)sb_next_int(&q->random, (uint32_t)(i + 1)));
    if (q->mix->order != SB_ORDER_REVERSE) return;
    for (int i = 0, j = n - 1; i < j; i++, j--) sb_swap_turns(d, i, j);
    for (int from = 0, to; from < n; from = to) {
        int level = sb_question_row(d->turn[from].type)->level;
        for (to = from; to < n && sb_question_row(d->turn[to].type)->level == level; to++) {}
        for (int i = from, j = to - 1; i < j; i++, j--) sb_swap_turns(d, i, j);
    }
}

// Dies if a scene such as this can serve no question of the mix, whatever the view.
static void sb_mix_check(const SbMix *mix, const SbViewInfo *info) {
    int has = (info->view->depth ? SB_NEED_DEPTH : 0) | (info->view->mask ? SB_NEED_MASK : 0);
    for (int i = 0; i < info->scene->objects && info->view->mask; i++)
        if (info->scene->object[i].has_box) has |= SB_NEED_BOX;
    for (int i = 0; i < SB_ASK_COUNT; i++) {
        const SbQuestion *row = sb_question_row(i);
        if ((mix->count[i] > 0 || mix->level[row->level] > 0) && (row->needs & has) == row->needs) return;
    }
    sb_die("%s, view %s: the mix \"%s\" asks only for what is not there (%s, %s, %s); \"pixel\" needs depth",
           info->scene->name, info->view->name, mix->name, has & SB_NEED_DEPTH ? "depth" : "no depth",
           has & SB_NEED_MASK ? "masks" : "no masks", has & SB_NEED_BOX ? "boxes" : "no boxes");
}

// The dialogue number `counter` of stream `seed` about a view whose statistics are known (mix->grid must be
// theirs). A function of its arguments alone. Returns the number of turns: 0 if this view has nothing to ask
// about (no object in sight, no depth measured); a scene that has nothing for this mix in any view is an
// error. d starts from zeros.
static SB_UNUSED int sb_converse_info(SbDialogue *d, const SbViewInfo *info, const SbMix *mix, uint64_t seed,
                                      uint64_t counter) {
    SbAsk q;
    memset(&q, 0, sizeof q);
    q.info = info;
    q.mix = mix;
    q.out = d;
    q.random = sb_random(seed, counter);
    if (info->grid != mix->grid) sb_die("view statistics on a grid of %d, mix on %d", info->grid, mix->grid);
    sb_dialogue_clear(d);
    sb_mix_check(mix, info);
    for (int level = 0; level < SB_LEVELS; level++) {
        for (int i = 0; i < SB_ASK_COUNT; i++) {
            if (sb_question_row(i)->level != level) continue;
            for (int n = sb_draw_count(&q, mix->count[i]); n > 0; n--) d->skipped += !sb_ask(&q, i);
        }
        sb_ask_level(&q, level, sb_draw_count(&q, mix->level[level]));
    }
    sb_order_turns(&q);
    return d->turns;
}

// The same about view `view` of a scene, whose statistics are computed on the way.
static SB_UNUSED int sb_converse(SbDialogue *d, const SbScene *scene, int view, const SbMix *mix,
                                 uint64_t seed, uint64_t counter) {
    sb_view_info(&d->info, scene, view, mix->grid);
    return sb_converse_info(d, &d->info, mix, seed, counter);
}
#endif
