// questions.h: the table of questions, one row each, and mixes: how many of which.
//
// Refuses: to ask: answers.h has the functions that the table names. Read from top: frame, units, margins;
// the table; mixes, and mixes from text.
#ifndef SB_QUESTIONS_H
#define SB_QUESTIONS_H
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
//   Pictures  Views of one scene in one dialogue are picture 1, picture 2 ...; a question about one of them
//             begins with "Picture 2:". About I and J: J's camera in I's frame (aside, ahead, higher); look:
//             the level direction of view; angle: between both directions, whole degrees; overlap: the share
//             of I's measured pixels that J shows too, in steps of 10 %.
//   Margins   left, front, above, taller, nearest, order: 10 cm between the numbers compared; bigger: a ratio
//             of 1.25; gap: at least 5 cm; closer: 3 % and 5 cm between pixels, |log ratio| > .15 between
//             patches, whose means are coarse. Aside, ahead, higher: 10 cm; look: 6 to 150 degrees; match:
//             shown by J, on no edge of either (four depths around within 15 %), on a grid an eighth of a
//             patch from its border; between: neither picture shows both; overlap: 2 % off the border of a
//             step.
#define SB_TEXT_GRID 1000
#define SB_SEEN_PIXELS 25
#define SB_MARGIN .10
#define SB_MARGIN_VOLUME 1.25
#define SB_MARGIN_GAP .05
#define SB_MARGIN_PIXEL .05
#define SB_MARGIN_PIXEL_RATIO 1.03
#define SB_MARGIN_PATCH_RATIO 1.1618342427282831  // exp(.15)
#define SB_MARGIN_HIDDEN 1.02
#define SB_MARGIN_EDGE 1.15
#define SB_MARGIN_RIM .125
#define SB_MARGIN_TURN 6.
#define SB_MARGIN_AROUND 150.
#define SB_MARGIN_SHARE 2.
#define SB_OBJECT_SHARE .6                        // of "what" questions look for an object first
#define SB_GRID_MAX 32

// ---- the questions

enum { SB_LEVEL_PIXEL, SB_LEVEL_OBJECT, SB_LEVEL_SCENE, SB_LEVEL_CAPTION, SB_LEVEL_VIEWS,
       SB_LEVELS };
enum { SB_KIND_LENGTH, SB_KIND_CHOICE, SB_KIND_YESNO, SB_KIND_NAME, SB_KIND_POSITION, SB_KIND_BOUNDS,
       SB_KIND_NAMES, SB_KIND_TEXT, SB_KIND_POINT, SB_KIND_NUMBER };
enum { SB_NEED_DEPTH = 1, SB_NEED_MASK = 2, SB_NEED_BOX = 4, SB_NEED_VIEWS = 8 };
#define SB_NEED_OBJECT (SB_NEED_MASK | SB_NEED_BOX)
#define SB_NEED_VIEWS_DEPTH (SB_NEED_VIEWS | SB_NEED_DEPTH)
#define SB_NEED_VIEWS_MASK (SB_NEED_VIEWS | SB_NEED_MASK)
#define SB_NEED_VIEWS_OBJECT (SB_NEED_VIEWS | SB_NEED_OBJECT)

// One question: X(name, level, kind of answer, what the view must have, function, paraphrases). Rows stand in
// the order of levels. Paraphrases are separated by |; one that begins with ! asks the opposite (yes and no
// change places). {P} {Q} are points, {A} {B} {C} {D} objects, {I} {J} pictures. To add a question: a row
// here, its function in answers.h or pair.h, its check in dev/test_converse.h or dev/test_pair.h (no test
// compiles without), and its words in words.h.
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
      "Describe the layout of the view.")                                                                   \
    X(match, VIEWS, POINT, VIEWS_DEPTH, sb_ask_match,                                                       \
      "Where in {J} is the point {P} of {I}?|Where in {J} do you see the point {P} of {I}?")                \
    X(moved, VIEWS, LENGTH, VIEWS, sb_ask_moved,                                                            \
      "How far did the camera move from {I} to {J}?|How far is it from the camera of {I} to that of {J}?")  \
    X(aside, VIEWS, YESNO, VIEWS, sb_ask_move,                                                              \
      "From {I} to {J}, did the camera move to the left?|"                                                  \
      "!From {I} to {J}, did the camera move to the right?")                                                \
    X(ahead, VIEWS, YESNO, VIEWS, sb_ask_move,                                                              \
      "From {I} to {J}, did the camera move forward?|!From {I} to {J}, did the camera move backward?")      \
    X(higher, VIEWS, YESNO, VIEWS, sb_ask_move,                                                             \
      "From {I} to {J}, did the camera move up?|!From {I} to {J}, did the camera move down?")               \
    X(look, VIEWS, YESNO, VIEWS, sb_ask_move,                                                               \
      "Does {J} look further to the left than {I}?|!Does {J} look further to the right than {I}?")          \
    X(angle, VIEWS, NUMBER, VIEWS, sb_ask_angle,                                                            \
      "How wide is the angle between the directions of view of {I} and {J}?")                               \
    X(same, VIEWS, YESNO, VIEWS_MASK, sb_ask_same,                                                          \
      "Is the object at {P} of {I} the same as the one at {Q} of {J}?")                                     \
    X(across, VIEWS, LENGTH, VIEWS_DEPTH, sb_ask_across,                                                    \
      "How far is the point {P} of {I} from the point {Q} of {J}?")                                         \
    X(between, VIEWS, LENGTH, VIEWS_OBJECT, sb_ask_between,                                                 \
      "How far is {A} of {I} from {B} of {J}, centre to centre?")                                           \
    X(overlap, VIEWS, NUMBER, VIEWS_DEPTH, sb_ask_overlap,                                                  \
      "Which share of {I} is also seen in {J}?|How much of {I} is also seen in {J}?")

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
    {"multi", "views=11,pixel=3,object=2,scene=1", "several pictures (--views): what they share"},
};
#define SB_MIX_ROWS ((int)(sizeof sb_mix_row / sizeof sb_mix_row[0]))

static SB_UNUSED const char *const sb_level_name[SB_LEVELS] = {"pixel", "object", "scene", "caption",
                                                            "views"};
static SB_UNUSED const char *const sb_order_name[] = {"forward", "reverse", "random"};
static SB_UNUSED const char *const sb_units_name[] = {"cm", "m"};

typedef struct SbAsk SbAsk;
typedef struct {
    const char *name;
    int level, kind, needs;
    int (*ask)(SbAsk *);    // finds a case and writes its answer; 0: the view has none
    const char *words;
} SbQuestion;
static const SbQuestion *sb_question_row(int type);
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
#endif
