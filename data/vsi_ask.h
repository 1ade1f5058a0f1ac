// vsi_ask.h: questions of VSI-Bench's types about a scene that is seen in many views, with exact answers.
//
// Refuses: routes; to guess: an answer comes from the boxes of the scene and from which view shows what, and
// a case that hangs on a hair is not asked (margins). Read from top: margins, what is known of a scene,
// drawing cases, one function per type, sb_vsi_ask.
//
//   Frame     one for the scene: Y up, Z where the first camera looks, made horizontal, X right. Metres.
//   Objects   as in questions.h, and seen in some view; alone in the scene to bear their name.
//   Appears   in the first view that shows enough of it (SB_SEEN_PIXELS); one of which a view before shows a
//             pixel is not asked for its order.
#ifndef SB_VSI_ASK_H
#define SB_VSI_ASK_H
#include "view.h"
#include "vsi.h"

// ---- margins

#define SB_VSI_MARGIN .15            // metres: the nearest object and the next one
#define SB_VSI_APART .2              // metres: a distance that is asked for, which is said in steps of 10 cm
#define SB_VSI_PLAN .5               // metres on the floor: where one stands, faces and asks about
#define SB_VSI_ANGLE 10.             // degrees: from the border of left, right, back and the quadrants
#define SB_VSI_TRIES 64

// ---- what is known of a scene

typedef struct {
    SbSolid solid;
    int asked, first;                // index of the view in which it appears, -1: in none
    int seen, shows;                 // in some view: enough pixels, any pixel
    int doubtful;                    // when it appears is not clear
} SbVsiThing;

typedef struct {
    const SbScene *scene;
    SbVsiThing *thing;               // [scene->objects]
    int *asked, asked_count;         // indices
    SbViewInfo view;
} SbVsiScene;

static SB_UNUSED void sb_vsi_scene_free(SbVsiScene *v) {
    free(v->thing);
    free(v->asked);
    sb_view_info_free(&v->view);
    memset(v, 0, sizeof *v);
}

// View number `view` shows what it shows.
static void sb_vsi_look(SbVsiScene *v, int view) {
    sb_view_info(&v->view, v->scene, view, 0);
    for (int i = 0; i < v->scene->objects; i++) {
        SbVsiThing *t = v->thing + i;
        const SbSeen *s = v->view.object + i;
        t->shows |= s->pixels > 0;
        if (s->seen && t->first < 0) t->first = view;
        if (t->first < 0 && s->pixels) t->doubtful = 1;
        t->seen |= s->seen;
    }
}

// Look at every view of a scene. v starts from zeros, or from another scene.
static SB_UNUSED void sb_vsi_scene(SbVsiScene *v, const SbScene *scene) {
    double axis[3][3];
    size_t n = (size_t)scene->objects;
    v->scene = scene;
    v->asked_count = 0;
    v->thing = (SbVsiThing *)sb_realloc(v->thing, n * sizeof *v->thing);
    v->asked = (int *)sb_realloc(v->asked, n * sizeof *v->asked);
    memset(v->thing, 0, n * sizeof *v->thing);
    for (size_t i = 0; i < n; i++) v->thing[i].first = -1;
    for (int view = 0; view < scene->views; view++) sb_vsi_look(v, view);
    sb_frame(scene->view[0].pose, scene->up, axis);
    for (int i = 0; i < scene->objects; i++) {
        const SbObject *o = scene->object + i;
        SbVsiThing *t = v->thing + i;
        if (!o->has_box) continue;
        sb_solid(&t->solid, o, scene->up, scene->view[0].pose, axis);
        t->asked = t->seen;
        for (int k = 0; k < scene->objects; k++)
            if (k != i && v->thing[k].shows && !strcmp(scene->object[k].name, o->name)) t->asked = 0;
        if (t->asked) v->asked[v->asked_count++] = i;
    }
}

// ---- drawing cases

typedef struct {
    const SbVsiScene *v;
    SbRandom random;
    SbVsiRow *row;                   // in the making
    int type, object[5];
} SbVsiAsk;

static const char *sb_vsi_name(const SbVsiAsk *q, int i) { return q->v->scene->object[q->object[i]].name; }
static const SbSolid *sb_vsi_solid(const SbVsiAsk *q, int i) { return &q->v->thing[q->object[i]].solid; }

// count different objects that may be asked about, in random order; 0: there are not so many.
static int sb_vsi_draw(SbVsiAsk *q, int count) {
    if (q->v->asked_count < count) return 0;
    for (int i = 0; i < count; i++) {
        int again = 1;
        while (again) {
            q->object[i] = q->v->asked[sb_next_int(&q->random, (uint32_t)q->v->asked_count)];
            again = 0;
            for (int j = 0; j < i; j++) again |= q->object[j] == q->object[i];
        }
    }
    return 1;
}

static double sb_vsi_gap(const SbVsiAsk *q, int i, int j) {
    double a[3], b[3];
    return sb_solid_gap(sb_vsi_solid(q, i), sb_vsi_solid(q, j), a, b);
}

// The options, shuffled; text[0] is the right one.
static void sb_vsi_options(SbVsiAsk *q, const char *const *text, int count) {
    int place[SB_VSI_OPTIONS];
    for (int i = 0; i < count; i++) {
        int j = (int)sb_next_int(&q->random, (uint32_t)(i + 1));
        place[i] = place[j];
        place[j] = i;
    }
    for (int i = 0; i < count; i++) {
        q->row->option[i] = sb_copy(text[place[i]]);
        if (place[i] == 0) q->row->truth = sb_format("%c", 'A' + i);
    }
    q->row->options = count;
}

// ---- one function per type: finds a case and fills in the row, or leaves it as it is and is 0

// Objects of a kind; all of them have been seen, and there are two or more (as in the benchmark).
static int sb_vsi_ask_count(SbVsiAsk *q) {
    int count = 0;
    if (!sb_vsi_draw(q, 1)) return 0;
    const char *kind = q->v->scene->object[q->object[0]].category;
    for (int i = 0; i < q->v->scene->objects; i++) {
        if (strcmp(q->v->scene->object[i].category, kind)) continue;
        if (!q->v->thing[i].seen) return 0;
        count++;
    }
    if (count < 2) return 0;
    q->row->question = sb_format("How many objects of the kind %s are in this room?", kind);
    q->row->truth = sb_format("%d", count);
    return 1;
}

static int sb_vsi_ask_distance(SbVsiAsk *q) {
    if (!sb_vsi_draw(q, 2)) return 0;
    double gap = sb_vsi_gap(q, 0, 1);
    if (gap < SB_VSI_APART) return 0;
    q->row->question = sb_format("How many metres are the %s and the %s apart, from the nearest point of one "
                                 "to the nearest point of the other?", sb_vsi_name(q, 0), sb_vsi_name(q, 1));
    q->row->truth = sb_format("%.1f", gap);
    return 1;
}

static int sb_vsi_ask_size(SbVsiAsk *q) {
    if (!sb_vsi_draw(q, 1)) return 0;
    const double *half = sb_vsi_solid(q, 0)->half;
    q->row->question = sb_format("How many centimetres long is the %s along its longest side, be it length, "
                                 "width or height?", sb_vsi_name(q, 0));
    q->row->truth = sb_format("%.0f", floor(200 * fmax(half[0], fmax(half[1], half[2])) + .5));
    return 1;
}

static int sb_vsi_ask_room(SbVsiAsk *q) {
    if (!(q->v->scene->floor_area > 0)) return 0;
    q->row->question = sb_copy("How many square metres is the floor of this room?");
    q->row->truth = sb_format("%.1f", q->v->scene->floor_area);
    return 1;
}

// Of four objects, or three if there are no more, the one with the smallest gap to the first.
static int sb_vsi_ask_nearest(SbVsiAsk *q) {
    int count = q->v->asked_count < 5 ? 3 : 4, best = 1;
    double gap[5], second = 1e30;
    const char *name[4];
    if (!sb_vsi_draw(q, count + 1)) return 0;
    for (int i = 1; i <= count; i++) {
        gap[i] = sb_vsi_gap(q, 0, i);
        if (gap[i] < gap[best]) best = i;
    }
    for (int i = 1; i <= count; i++)
        if (i != best) second = fmin(second, gap[i]);
    if (second - gap[best] < SB_VSI_MARGIN) return 0;
    for (int i = 1, k = 1; i <= count; i++) name[i == best ? 0 : k++] = sb_vsi_name(q, i);
    q->row->question = sb_format("Which of these objects is nearest to the %s, from nearest point to nearest "
                                 "point?", sb_vsi_name(q, 0));
    sb_vsi_options(q, name, count);
    return 1;
}

// Standing at the first object's centre and facing the second's: the angle in degrees on the floor plan to
// the third's, positive to the left. 0: two of them stand too close to say.
static int sb_vsi_bearing(const SbVsiAsk *q, double *degrees) {
    const double *a = sb_vsi_solid(q, 0)->centre, *b = sb_vsi_solid(q, 1)->centre;
    const double *c = sb_vsi_solid(q, 2)->centre;
    double fx = b[0] - a[0], fz = b[2] - a[2], x = c[0] - a[0], z = c[2] - a[2];
    *degrees = atan2(fx * z - fz * x, fx * x + fz * z) * (180 / 3.14159265358979323846);
    return fmin(fmin(hypot(fx, fz), hypot(x, z)), hypot(x - fx, z - fz)) >= SB_VSI_PLAN;
}

// Easy: left or right. Medium: left, right or back, which is a turn of 135 degrees and more (less than 45 is
// not asked about). Hard: the four quadrants.
static int sb_vsi_ask_direction(SbVsiAsk *q) {
    static const char *const side[4] = {"left", "right", "back", ""};
    static const char *const quadrant[4] = {"front-left", "front-right", "back-left", "back-right"};
    const char *option[4];
    double angle, border = 180;
    int hard = q->type == SB_VSI_HARD, count = hard ? 4 : q->type == SB_VSI_MEDIUM ? 3 : 2, right;
    if (!sb_vsi_draw(q, 3) || !sb_vsi_bearing(q, &angle)) return 0;
    double turn = fabs(angle);
    for (int k = 0; k <= 4; k++) {      // 0 and 180 always; 45 and 135, or 90
        int matters = k % 4 == 0 || (hard ? k == 2 : count == 3 && k % 2 == 1);
        if (matters) border = fmin(border, fabs(turn - 45 * k));
    }
    if (border < SB_VSI_ANGLE || (count == 3 && turn < 45)) return 0;
    if (hard) right = 2 * (turn > 90) + (angle < 0);
    else right = count == 3 && turn > 135 ? 2 : angle < 0;
    const char *const *name = hard ? quadrant : side;
    for (int i = 0, k = 1; i < count; i++) option[i == right ? 0 : k++] = name[i];
    q->row->question = sb_format("If I stand at the %s and face the %s, is the %s %s?", sb_vsi_name(q, 0),
                                 sb_vsi_name(q, 1), sb_vsi_name(q, 2),
                                 hard ? "to my front-left, front-right, back-left or back-right"
                                 : count == 3 ? "to my left, to my right or to my back (135 degrees and more)"
                                 : "to my left or to my right");
    sb_vsi_options(q, option, count);
    return 1;
}

// Objects in an order as a list. free() it.
static char *sb_vsi_list(const SbVsiAsk *q, const int *order, int count) {
    SbText t = {NULL, 0, 0};
    for (int i = 0; i < count; i++) sb_text_add(&t, i ? ", %s" : "%s", sb_vsi_name(q, order[i]));
    return t.data;
}

// Four objects, or three, that appear in as many views; the wrong options are other orders of the same.
static int sb_vsi_ask_order(SbVsiAsk *q) {
    static const int as_drawn[4] = {0, 1, 2, 3};
    int count = sb_next_int(&q->random, 2) ? 4 : 3, order[4], options = 0;
    char *text[4], *asked;
    if (!sb_vsi_draw(q, count)) return 0;
    for (int i = 0; i < count; i++) {
        const SbVsiThing *t = q->v->thing + q->object[i];
        int at = i;
        if (t->doubtful) return 0;
        for (; at > 0 && q->v->thing[q->object[order[at - 1]]].first >= t->first; at--) {
            if (q->v->thing[q->object[order[at - 1]]].first == t->first) return 0;
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    asked = sb_vsi_list(q, as_drawn, count);
    q->row->question = sb_format("In which order do these objects first appear: %s?", asked);
    while (options < 4) {
        int again = 0;
        text[options] = sb_vsi_list(q, order, count);
        for (int k = 0; k < options; k++) again |= !strcmp(text[k], text[options]);
        if (again) free(text[options]);
        else options++;
        for (int i = count - 1; i > 0; i--) {
            int j = (int)sb_next_int(&q->random, (uint32_t)(i + 1)), t = order[i];
            order[i] = order[j];
            order[j] = t;
        }
    }
    sb_vsi_options(q, (const char *const *)text, 4);
    for (int i = 0; i < 4; i++) free(text[i]);
    free(asked);
    return 1;
}

// In the order of SB_VSI_...; NULL: not asked.
static int (*const sb_vsi_ask_type[SB_VSI_TYPES])(SbVsiAsk *) = {
    sb_vsi_ask_count, sb_vsi_ask_distance, sb_vsi_ask_size, sb_vsi_ask_room, sb_vsi_ask_nearest,
    sb_vsi_ask_direction, sb_vsi_ask_direction, sb_vsi_ask_direction, NULL, sb_vsi_ask_order};

// ---- a scene's questions

// At most per_type questions of every type about a scene, none twice, added to rows; a function of the scene,
// seed and counter. lacking[type] grows by those that the scene has no clear case for.
static SB_UNUSED void sb_vsi_ask(SbVsiRows *rows, const SbVsiScene *v, int per_type, uint64_t seed,
                                 uint64_t counter, const char *dataset, const char *scene, long *lacking) {
    rows->row = (SbVsiRow *)sb_realloc(rows->row, ((size_t)rows->rows + (size_t)per_type * SB_VSI_TYPES) *
                                                      sizeof *rows->row);
    for (int type = 0; type < SB_VSI_TYPES; type++) {
        SbVsiAsk q;
        memset(&q, 0, sizeof q);
        q.v = v;
        q.type = type;
        q.random = sb_random(sb_hash(seed, counter), (uint64_t)type);
        int first = rows->rows;
        for (int tries = 0; sb_vsi_ask_type[type] && tries < SB_VSI_TRIES * per_type; tries++) {
            SbVsiRow *r = q.row = rows->row + rows->rows;
            memset(r, 0, sizeof *r);
            if (rows->rows - first == per_type || !sb_vsi_ask_type[type](&q)) continue;
            int twice = 0;
            for (int k = first; k < rows->rows; k++) twice |= !strcmp(rows->row[k].question, r->question);
            if (twice) {
                sb_vsi_row_free(r);
                continue;
            }
            r->id = rows->rows++;
            r->type = type;
            r->dataset = sb_copy(dataset);
            r->scene = sb_copy(scene);
        }
        lacking[type] += per_type - (rows->rows - first);
    }
}
#endif
