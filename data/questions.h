// questions.h: what questions mean (frame, units, margins), and mixes: how many of which.
//
// Refuses: to ask: question_rows.h is the table of questions, answers.h, spatial.h and pair.h have the
// functions that it names. Read from top: frame, units, margins; kinds; mixes, and mixes from text.
#ifndef SB_QUESTIONS_H
#define SB_QUESTIONS_H
#include "question_rows.h"
#include "scene.h"

// ---- frame, units, margins: stated here, nowhere else
//
//   Frame     Origin at the camera, gravity-aligned: Y up, Z the viewing direction made horizontal, X right.
//             "Depth" is the camera's planar z; everything else speaks in this frame. Metres.
//   Points    (x, y) in the colour image, x = floor(1000 (u + 1/2) / W): 0..999 from the left; y from top.
//             grid 0: one measured pixel of the depth image. grid G: the centre of a patch of a G x G grid,
//             and the answer is the patch's: the instance with most pixels in it, the mean depth of those.
//   Lengths   whole centimetres ("342 cm"), halves away from zero; or the same in metres ("3.42 m"), whole
//             inches, feet with two decimals; another number of decimals if the mix says so. "mixed": one
//             of the four a question. Areas: square metres (with feet and inches: square feet), one decimal.
//   Objects   whatever is not floor, wall or ceiling. Seen: 25 pixels of 64 x 64 or more, in proportion in
//             larger images. Asked about by name: seen, with a box, and alone in this view to bear its name.
//             Spheres and upright cylinders are taken as such, all else as its box; hidden parts count.
//   Left      the centre has the smaller X, and the visible pixels lie to the left: picture and space agree.
//   Front     the nearest point has the smaller Z.  Above: the centre has the larger Y.  Taller: along Y.
//   Bigger    more volume.  Width, height: extent in X, Y.  Bounds: centre and extents along X, Y, Z.
//   Distance  centre to centre; vertical |dY|, horizontal sqrt(dX^2 + dZ^2).  Gap: between nearest points.
//   Facing    the normal of the plane through four neighbours of a pixel, or of a patch's middle pixel: up,
//             down, towards us (-Z), left or right, whichever is nearest.
//   Turns     whole degrees to the left or right; at A facing B: quadrants, in front within 45 degrees of B's
//             direction; hours of a clock: the nearest. On paths: straight lines, floor plan only.
//   On        the foot of A at the height of B's top, A's centre over B's floor plan.  Touch: no gap.
//   Kind      an object's category. In view: seen. Fit: the smallest gap between both floor plans.
//   Pictures  Views of one scene in one dialogue are picture 1, picture 2 ...; a question about one of them
//             begins with "Picture 2:". About I and J: J's camera in I's frame (aside, ahead, higher); look:
//             the level direction of view; angle: between both directions, whole degrees; overlap: the share
//             of I's measured pixels that J shows too, in steps of 10 %. Shift: J's camera in I's frame;
//             turn: yaw, then pitch; find: mean of its pixels; motion: centre in J's frame less that in I's.
//   Margins   left, front, above, taller, nearest, order: 10 cm between the numbers compared; bigger: a ratio
//             of 1.25; gap: at least 5 cm; closer: 3 % and 5 cm between pixels, |log ratio| > .15 between
//             patches, whose means are coarse. Aside, ahead, higher: 10 cm; look: 6 to 150 degrees; match:
//             shown by J, on no edge of either (four depths around within 15 %), on a grid an eighth of a
//             patch from its border; between: neither picture shows both; overlap: 2 % off the border of a
//             step. Wider, proximity, nearer, fit: 10 cm; rank: as closer; tilt: 6 degrees; sizes, grows:
//             1.25; facing: within 30 degrees of its direction. Clock, stand, route: half a metre on the
//             floor, 3 degrees from the next hour, 10 from the next quadrant; bearing: 3 degrees. On: foot
//             and top within 2 cm, or 5 cm and more apart; centre 5 cm and more from the border of the plan.
//             Touch: up to 1 cm, or 5 cm and more. Clearance: 5 cm. Count, exists: nothing of the kind is
//             half in view. Action: of moves in 10 cm and turns in 6 degrees the largest, at least 1
//             and 1.5 times the next. Choose: wrong points a tenth of the picture and 20 cm off.
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
#define SB_MARGIN_PLAN .5
#define SB_MARGIN_HOUR 3.
#define SB_MARGIN_QUADRANT 10.
#define SB_MARGIN_FACING 30.
#define SB_MARGIN_CONTACT .02
#define SB_MARGIN_TOUCH .01
#define SB_MARGIN_MAIN 1.5
#define SB_MARGIN_CHOICE 100
#define SB_MARGIN_APART .2
#define SB_OBJECT_SHARE .6                        // of "what" questions look for an object first
#define SB_GRID_MAX 4096                          // as sb_config_error

// ---- kinds of questions

enum { SB_LEVEL_PIXEL, SB_LEVEL_OBJECT, SB_LEVEL_SCENE, SB_LEVEL_CAPTION, SB_LEVEL_VIEWS,
       SB_LEVELS };
enum { SB_KIND_LENGTH, SB_KIND_CHOICE, SB_KIND_YESNO, SB_KIND_NAME, SB_KIND_POSITION, SB_KIND_BOUNDS,
       SB_KIND_NAMES, SB_KIND_TEXT, SB_KIND_POINT, SB_KIND_NUMBER, SB_KIND_POINTS, SB_KIND_TURN, SB_KIND_AREA,
       SB_KINDS };
enum { SB_NEED_DEPTH = 1, SB_NEED_MASK = 2, SB_NEED_BOX = 4, SB_NEED_VIEWS = 8, SB_NEED_ROOM = 16 };
#define SB_NEED_OBJECT (SB_NEED_MASK | SB_NEED_BOX)
#define SB_NEED_VIEWS_DEPTH (SB_NEED_VIEWS | SB_NEED_DEPTH)
#define SB_NEED_VIEWS_MASK (SB_NEED_VIEWS | SB_NEED_MASK)
#define SB_NEED_VIEWS_OBJECT (SB_NEED_VIEWS | SB_NEED_OBJECT)

#define SB_ROW(name, level, kind, needs, function, formula, words, more) SB_ASK_##name,
enum { SB_QUESTIONS(SB_ROW) SB_ASK_COUNT };
#undef SB_ROW

// ---- mixes

enum { SB_ORDER_FORWARD, SB_ORDER_REVERSE, SB_ORDER_RANDOM };
enum { SB_UNITS_CM, SB_UNITS_M, SB_UNITS_FT, SB_UNITS_IN, SB_UNITS_MIXED, SB_UNITS };

// How many questions of which type. count[type] of one type, level[l] of the types of a level that the
// miniature has words for, wide[l] of all types of a level, each in turn; a fraction is the probability of
// one more. wordings: a question is put in one of its first so many; 0: the miniature's own (all, if it has
// none). order: levels from pixel to caption (the paper's), the reverse, or all turns shuffled. rationale:
// answers about objects state what they need, then conclude with "so". decimals of lengths, plus 1; 0: as
// the unit is wont.
typedef struct {
    char name[32];
    double count[SB_ASK_COUNT], level[SB_LEVELS], wide[SB_LEVELS];
    int order, grid, units, rationale, wordings, decimals;
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
    {"paper", "pixel+=5,object+=3,scene+=2,caption+=2", "12 turns of all types, in all wordings"},
    {"everything", "pixel+=5,object+=4,scene+=3,caption+=1,views+=6", "the same about several pictures"},
    {"real", "depth=6,closer=2,object=3,scene=1,views=4", "photographs, --views 2"},
    {"multi", "views=11,pixel=3,object=2,scene=1", "several pictures (--views): what they share"},
};
enum { SB_WORDINGS = 100 };     // more than any question has
#define SB_MIX_ROWS ((int)(sizeof sb_mix_row / sizeof sb_mix_row[0]))

static SB_UNUSED const char *const sb_level_name[SB_LEVELS] = {"pixel", "object", "scene", "caption",
                                                            "views"};
static SB_UNUSED const char *const sb_order_name[] = {"forward", "reverse", "random"};
static SB_UNUSED const char *const sb_units_name[SB_UNITS] = {"cm", "m", "ft", "in", "mixed"};

typedef struct SbAsk SbAsk;
typedef struct {
    const char *name;
    int level, kind, needs;
    int (*ask)(SbAsk *);    // finds a case and writes its answer; 0: the view has none
    const char *formula, *words, *more;
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
    for (int i = 0; i < SB_LEVELS; i++) sb_text_add(&known, " %s %s+", sb_level_name[i], sb_level_name[i]);
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
    int wide = size && at[size - 1] == '+', type = 0;
    int level = sb_find_name(sb_level_name, SB_LEVELS, at, size - (size_t)wide);
    if (level >= 0) {
        (wide ? mix->wide : mix->level)[level] += value;
        if (wide) mix->wordings = SB_WORDINGS;
        return end;
    }
    while (type < SB_ASK_COUNT && (strlen(sb_question_row(type)->name) != size ||
                                   memcmp(sb_question_row(type)->name, at, size))) type++;
    if (type == SB_ASK_COUNT) sb_mix_die(text, at, "no such mix, level or question");
    mix->count[type] += value;
    return end;
}

// A mix by name ("rec") or by counts ("depth=14,what=10.5,object=3,scene+=2"); forward, pixels, centimetres,
// no rationale. Errors: dies with the names there are.
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
    for (int i = 0; i < SB_LEVELS; i++) sum += mix.level[i] + mix.wide[i];
    if (sum <= 0) sb_mix_die(text, text, "no question at all");
    return mix;
}

// Of a mix only the questions of the levels that a list names ("pixel,scene"). Dies at a name that is none,
// and if nothing is left.
static SB_UNUSED void sb_mix_levels(SbMix *mix, const char *list) {
    int keep[SB_LEVELS] = {0};
    double left = 0;
    for (const char *at = list;; at++) {
        size_t size = strcspn(at, ",");
        int level = sb_find_name(sb_level_name, SB_LEVELS, at, size);
        if (level < 0) sb_die("levels \"%s\": no level at \"%.40s\"; there are pixel object scene caption "
                              "views", list, at);
        keep[level] = 1;
        at += size;
        if (!*at) break;
    }
    for (int i = 0; i < SB_ASK_COUNT; i++)
        left += mix->count[i] *= keep[sb_question_row(i)->level];
    for (int i = 0; i < SB_LEVELS; i++) {
        left += mix->level[i] *= keep[i];
        left += mix->wide[i] *= keep[i];
    }
    if (!(left > 0)) sb_die("levels \"%s\": the mix \"%s\" has no questions of them", list, mix->name);
}
#endif
