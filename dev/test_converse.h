// test_converse.h: tests of data/converse.h and data/words.h; included by test_spatialboost.c.
//
// Every answer is recomputed from the TEXT of question and answer: points are looked up in the depth and mask
// pixels, objects are replaced by 10^4 and more points of their surfaces, made here straight from
// objects.json's numbers. The table of checks is expanded from the table of questions: a question without a
// check does not compile.
#ifndef SB_TEST_CONVERSE_H
#define SB_TEST_CONVERSE_H
#include "../data/words.h"
#include "test_simulate.h"

enum { TEST_IDS = 32, TEST_SIDE = 41, TEST_FINE = 81, TEST_POINTS = 6 * TEST_FINE * TEST_FINE };

// ---- objects as points

// What the surface points of an object say, in the camera's gravity-aligned frame.
typedef struct { double low[3], high[3], centre[3], volume; } TestBody;

// World to frame: Y along up, Z along the level part of the viewing direction, X along what is left of the
// camera's x.
static void test_in_frame(const SbScene *scene, const SbView *view, const double world[3], double out[3]) {
    const double *p = view->pose, *y = scene->up;
    double z[3] = {p[2], p[6], p[10]}, x[3] = {p[0], p[4], p[8]}, zy = 0, zz = 0, xy = 0, xz = 0, xx = 0;
    for (int i = 0; i < 3; i++) zy += z[i] * y[i], xy += x[i] * y[i];
    for (int i = 0; i < 3; i++) z[i] -= zy * y[i], zz += z[i] * z[i];
    for (int i = 0; i < 3; i++) z[i] /= sqrt(zz), xz += x[i] * z[i];
    for (int i = 0; i < 3; i++) x[i] -= xy * y[i] + xz * z[i], xx += x[i] * x[i];
    memset(out, 0, 3 * sizeof *out);
    for (int i = 0; i < 3; i++) {
        double d = world[i] - p[4 * i + 3];
        out[0] += d * x[i] / sqrt(xx);
        out[1] += d * y[i];
        out[2] += d * z[i];
    }
}

// The point (a, b) of face 0..5 of an object, a and b in [-1, 1], before yaw and centre (z is up). Spheres:
// the cube's face blown up; cylinders: mantle in four quarters, two discs.
static void test_face_point(const SbObject *o, int face, double a, double b, double q[3]) {
    const double *s = o->size, side = face % 2 ? 1 : -1;
    q[face / 2] = side;
    q[(face / 2 + 1) % 3] = a;
    q[(face / 2 + 2) % 3] = b;
    double n = sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2]);
    if (!strcmp(o->category, "sphere"))
        for (int i = 0; i < 3; i++) q[i] /= n;
    if (!strcmp(o->category, "cylinder")) {
        double level = sqrt(q[0] * q[0] + q[1] * q[1]), square = fmax(fabs(q[0]), fabs(q[1]));
        for (int i = 0; i < 2 && level > 0; i++) q[i] *= square / level;
    }
    for (int i = 0; i < 3; i++) q[i] *= s[i] / 2;
}

// 6 n^2 points of the surface in world coordinates; returns how many.
static int test_surface(const SbObject *o, int n, double (*point)[3]) {
    double c = cos(o->yaw), s = sin(o->yaw), q[3];
    int count = 0;
    for (int face = 0; face < 6; face++)
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) {
                test_face_point(o, face, 2. * i / (n - 1) - 1, 2. * j / (n - 1) - 1, q);
                point[count][0] = o->center[0] + c * q[0] - s * q[1];
                point[count][1] = o->center[1] + s * q[0] + c * q[1];
                point[count++][2] = o->center[2] + q[2];
            }
    return count;
}

// How far a world point is from the object (0 inside).
static double test_away(const SbObject *o, const double p[3]) {
    double c = cos(o->yaw), s = sin(o->yaw), dx = p[0] - o->center[0], dy = p[1] - o->center[1], d[3];
    double q[3] = {c * dx + s * dy, c * dy - s * dx, p[2] - o->center[2]};
    double level = sqrt(q[0] * q[0] + q[1] * q[1]);
    for (int i = 0; i < 3; i++) d[i] = fmax(0, fabs(q[i]) - o->size[i] / 2);
    if (!strcmp(o->category, "sphere")) return fmax(0, sqrt(level * level + q[2] * q[2]) - o->size[0] / 2);
    if (!strcmp(o->category, "cylinder")) d[0] = fmax(0, level - o->size[0] / 2), d[1] = 0;
    return sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
}

static double (*test_points(void))[3] {
    static double point[TEST_POINTS][3];
    return point;
}

static void test_body(const SbScene *scene, const SbView *view, const SbObject *o, TestBody *b) {
    double(*point)[3] = test_points(), p[3];
    int count = test_surface(o, TEST_SIDE, point), inside = 0, n = 30;
    double c = cos(o->yaw), s = sin(o->yaw);
    for (int k = 0; k < 3; k++) b->low[k] = 1e9, b->high[k] = -1e9;
    for (int i = 0; i < count; i++) {
        test_in_frame(scene, view, point[i], p);
        for (int k = 0; k < 3; k++) b->low[k] = fmin(b->low[k], p[k]), b->high[k] = fmax(b->high[k], p[k]);
    }
    for (int k = 0; k < 3; k++) b->centre[k] = (b->low[k] + b->high[k]) / 2;
    for (int i = 0; i < n * n * n; i++) {   // which share of its own box does the object fill?
        double q[3] = {(double)(i % n), (double)(i / n % n), (double)(i / n / n)};
        for (int k = 0; k < 3; k++) q[k] = o->size[k] * ((q[k] + .5) / n - .5);
        p[0] = o->center[0] + c * q[0] - s * q[1];
        p[1] = o->center[1] + s * q[0] + c * q[1];
        p[2] = o->center[2] + q[2];
        inside += test_away(o, p) < 1e-9;
    }
    b->volume = o->size[0] * o->size[1] * o->size[2] * inside / (n * n * n);
}

// ---- a question read back

typedef struct {
    const SbScene *scene;
    const SbView *view;
    const TestBody *body;               // [scene->objects]
    const SbMix *mix;
    const char *question, *answer, *end; // end: the answer behind its rationale
    const SbRoom *room;                 // of the scene, where several pictures are asked about
    const SbView *all[4];               // the pictures; number: their views in the scene
    int number[4], picture[2];          // picture: those that the question names, in its order, from 0
    int points, objects, stated, lengths, names;  // names: the answer is one of the two objects
    int point[5][2], object[8];
    double state[24], length[8];        // metres in the rationale, metres in the answer proper
} TestAsked;

static int test_read_points(const char *text, int (*point)[2]) {
    int n = 0;
    for (const char *c = strchr(text, '('); c && n < 5; c = strchr(c + 1, '('))
        n += sscanf(c, "(%d, %d)", &point[n][0], &point[n][1]) == 2;
    return n;
}

// Indices of the objects named in text[0..size), in order; the longest name counts.
static int test_read_objects(const SbScene *scene, const char *text, size_t size, int *object, int room) {
    int n = 0;
    for (size_t at = 0; at < size && n < room;) {
        size_t longest = 0;
        for (int i = 0; i < scene->objects; i++) {
            size_t l = strlen(scene->object[i].name);
            if (l <= longest || at + l > size || memcmp(text + at, scene->object[i].name, l)) continue;
            longest = l;
            object[n] = i;
        }
        n += longest > 0;
        at += longest ? longest : 1;
    }
    return n;
}

static int test_read_lengths(const char *text, const char *end, double *length, int room) {
    int n = 0;
    for (const char *c = text; c < end && n < room; c++) {
        char unit[3] = "", *after;
        if (!sb_is_digit(*c) || (c > text && (sb_is_digit(c[-1]) || c[-1] == '.'))) continue;
        double value = strtod(c, &after);
        if (sscanf(after, " %2[cm]", unit) != 1) continue;
        length[n++] = (c > text && c[-1] == '-' ? -value : value) * (strcmp(unit, "cm") ? 1 : .01);
    }
    return n;
}

static void test_read(TestAsked *a, const char *question, const char *answer) {
    a->question = question;
    a->answer = a->end = answer;
    for (const char *so = strstr(answer, "so "); so; so = strstr(so + 1, "so ")) a->end = so + 3;
    a->points = test_read_points(question, a->point);
    a->objects = test_read_objects(a->scene, question, strlen(question), a->object, 8);
    a->stated = test_read_lengths(answer, a->end, a->state, 24);
    a->lengths = test_read_lengths(a->end, a->end + strlen(a->end), a->length, 8);
}

// The answer that the pixels give at point i: depth, position, and the ids with most pixels there.
typedef struct { double depth, position[3], world[3]; int id; } TestSpot;
static TestSpot test_spot(const TestAsked *a, int i) {
    const SbView *v = a->view;
    int x = a->point[i][0], y = a->point[i][1], g = a->mix->grid ? a->mix->grid : SB_TEXT_GRID;
    int count[TEST_IDS], best = 0;
    double sum[TEST_IDS], measured[TEST_IDS], ray[2] = {0, 0}, camera[3];
    memset(count, 0, sizeof count);
    memset(sum, 0, sizeof sum);
    memset(measured, 0, sizeof measured);
    for (int q = 0; q < v->dw * v->dh; q++) {
        double rx = (q % v->dw - v->dk.cx) / v->dk.fx, ry = (q / v->dw - v->dk.cy) / v->dk.fy;
        double u = (rx * v->k.fx + v->k.cx + .5) / v->w, w = (ry * v->k.fy + v->k.cy + .5) / v->h;
        if (floor(g * u) != floor((x + .5) * g / SB_TEXT_GRID)) continue;
        if (floor(g * w) != floor((y + .5) * g / SB_TEXT_GRID)) continue;
        int id = v->mask ? v->mask[q] : 0;
        count[id]++;
        measured[id] += v->depth[q] > 0;
        sum[id] += v->depth[q];
        ray[0] = rx;
        ray[1] = ry;
    }
    for (int id = 1; id < TEST_IDS; id++) best = count[id] > count[best] ? id : best;
    TestSpot s = {measured[best] > 0 ? sum[best] / measured[best] : 0, {0, 0, 0}, {0, 0, 0}, best};
    if (a->mix->grid) {
        ray[0] = ((floor(x * g / 1000.) + .5) * v->w / g - .5 - v->k.cx) / v->k.fx;
        ray[1] = ((floor(y * g / 1000.) + .5) * v->h / g - .5 - v->k.cy) / v->k.fy;
    }
    for (int k = 0; k < 3; k++) camera[k] = s.depth * (k < 2 ? ray[k] : 1);
    for (int k = 0; k < 3; k++) {
        const double *row = v->pose + 4 * k;
        s.world[k] = row[0] * camera[0] + row[1] * camera[1] + row[2] * camera[2] + row[3];
    }
    test_in_frame(a->scene, v, s.world, s.position);
    return s;
}

// Half a centimetre of rounding, and what sampling may cost.
static int test_near(double x, double y) { return fabs(x - y) < .0051 + .002; }
static double test_apart(const double a[3], const double b[3]) {
    double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
    return sqrt(x * x + y * y + z * z);
}
static const TestBody *test_named(const TestAsked *a, int i) { return a->body + a->object[i]; }

// ---- one check a question: 1 if the answer is right

static int test_two_points(const TestAsked *a) {
    return a->points == 2 && (a->point[0][0] != a->point[1][0] || a->point[0][1] != a->point[1][1]);
}
static int check_depth(const TestAsked *a) {
    return a->points == 1 && a->lengths == 1 && test_near(a->length[0], test_spot(a, 0).depth);
}
static int check_closer(const TestAsked *a) {
    double p = test_spot(a, 0).depth, q = test_spot(a, 1).depth, low = fmin(p, q), high = fmax(p, q);
    int clear = a->mix->grid ? log(high / low) > .1499 : high > 1.0299 * low && high - low > .0499;
    int opposite = strstr(a->question, "deeper") || strstr(a->question, "farther");
    return test_two_points(a) && clear && !strcmp(a->answer, (p < q) != opposite ? "first" : "second");
}
static int check_difference(const TestAsked *a) {
    return test_two_points(a) && a->lengths == 1 &&
           test_near(a->length[0], fabs(test_spot(a, 0).depth - test_spot(a, 1).depth));
}
static int check_position(const TestAsked *a) {
    TestSpot s = test_spot(a, 0);
    int right = a->points == 1 && a->lengths == 3;
    for (int k = 0; k < 3; k++) right &= test_near(a->length[k], s.position[k]);
    return right;
}
static int check_separation(const TestAsked *a) {
    TestSpot p = test_spot(a, 0), q = test_spot(a, 1);
    double apart = test_apart(p.position, q.position);
    return test_two_points(a) && a->lengths == 1 && test_near(a->length[0], apart);
}
static int check_what(const TestAsked *a) {
    int id = test_spot(a, 0).id;
    return a->points == 1 && id > 0 && !strcmp(a->answer, a->scene->object[id - 1].name);
}

// Is one of these words (separated by |) in the text?
static int test_has_word(const char *text, const char *words) {
    for (const char *c = words; *c; c += strcspn(c, "|"), c += *c == '|') {
        char word[32];
        snprintf(word, sizeof word, "%.*s", (int)strcspn(c, "|"), c);
        if (strstr(text, word)) return 1;
    }
    return 0;
}

// "yes" iff p > q, which must differ by the margin; the other way round if the question has an opposite
// word. The rationale states p and q (times sign). Or the object's name.
static int test_yes(const TestAsked *a, double p, double q, double margin, double sign,
                    const char *opposite) {
    int yes = (p > q) != test_has_word(a->question, opposite);
    const char *end = yes ? "yes" : "no";
    if (a->names) end = a->scene->object[a->object[!yes]].name;
    if (a->mix->rationale && sign != 0 &&
        (a->stated != 2 || !test_near(a->state[0], sign * p) || !test_near(a->state[1], sign * q))) return 0;
    return a->objects == 2 && fabs(p - q) > margin && !strcmp(a->end, end);
}
static int check_left(const TestAsked *a) {
    double mean[2] = {0, 0}, count[2] = {0, 0};
    for (int q = 0; q < a->view->dw * a->view->dh; q++)
        for (int i = 0; i < 2; i++)
            if (a->view->mask[q] == a->object[i] + 1) mean[i] += q % a->view->dw, count[i]++;
    double x = test_named(a, 0)->centre[0], y = test_named(a, 1)->centre[0];
    if ((x < y) != (mean[0] / count[0] < mean[1] / count[1]) && a->view->w == a->view->dw) return 0;
    return test_yes(a, -x, -y, .098, -1, "right");
}
static int check_front(const TestAsked *a) {
    return test_yes(a, -test_named(a, 0)->low[2], -test_named(a, 1)->low[2], .098, -1, "behind|farther");
}
static int check_above(const TestAsked *a) {
    return test_yes(a, test_named(a, 0)->centre[1], test_named(a, 1)->centre[1], .098, 1, "below|lower");
}
static int check_taller(const TestAsked *a) {
    const TestBody *p = test_named(a, 0), *q = test_named(a, 1);
    return test_yes(a, p->high[1] - p->low[1], q->high[1] - q->low[1], .098, 1, "shorter|less");
}
static int check_bigger(const TestAsked *a) {
    double p = test_named(a, 0)->volume, q = test_named(a, 1)->volume;
    for (int i = 0; i < 2 && a->mix->rationale; i++) {
        const double *s = a->scene->object[a->object[i]].size, *t = a->state + 3 * i;
        if (a->stated != 6 || !test_near(t[0], s[0]) || !test_near(t[1], s[2])) return 0;
        if (!test_near(t[2], s[1])) return 0;
    }
    return test_yes(a, p, q, .23 * fmin(p, q), 0, "smaller|less");
}
static int test_extent(const TestAsked *a, int k) {
    const TestBody *b = test_named(a, 0);
    int states = a->stated == 2 && test_near(a->state[0], b->low[k]) && test_near(a->state[1], b->high[k]);
    if (a->mix->rationale && !states) return 0;
    return a->objects == 1 && a->lengths == 1 && test_near(a->length[0], b->high[k] - b->low[k]);
}
static int check_width(const TestAsked *a) { return test_extent(a, 0); }
static int check_height(const TestAsked *a) { return test_extent(a, 1); }
static int check_bounds(const TestAsked *a) {
    const TestBody *b = test_named(a, 0);
    int right = a->objects == 1 && a->lengths == 6;
    for (int k = 0; k < 3; k++)
        right &= test_near(a->length[k], b->centre[k]) && test_near(a->length[3 + k], b->high[k] - b->low[k]);
    return right;
}

static int test_stated_centres(const TestAsked *a) {
    int right = a->stated == (a->mix->rationale ? 6 : 0);
    for (int i = 0; i < a->stated; i++) right &= test_near(a->state[i], test_named(a, i / 3)->centre[i % 3]);
    return right;
}
static int check_distance(const TestAsked *a) {
    return a->objects == 2 && a->lengths == 1 && test_stated_centres(a) &&
           test_near(a->length[0], test_apart(test_named(a, 0)->centre, test_named(a, 1)->centre));
}
static int check_gap(const TestAsked *a) {
    double(*point)[3] = test_points(), least = 1e9;
    const SbObject *o = a->scene->object;
    int count = test_surface(o + a->object[0], TEST_FINE, point);
    for (int i = 0; i < count; i++) least = fmin(least, test_away(o + a->object[1], point[i]));
    double stated = a->stated == 6 ? test_apart(a->state, a->state + 3) : -1;
    if (a->mix->rationale && fabs(stated - least) > .015) return 0;
    return a->objects == 2 && a->lengths == 1 && least > .049 && test_near(a->length[0], least);
}
static int check_vertical(const TestAsked *a) {
    return a->objects == 2 && a->lengths == 1 && test_stated_centres(a) &&
           test_near(a->length[0], fabs(test_named(a, 0)->centre[1] - test_named(a, 1)->centre[1]));
}
static int check_horizontal(const TestAsked *a) {
    const double *p = test_named(a, 0)->centre, *q = test_named(a, 1)->centre;
    return a->objects == 2 && a->lengths == 1 && test_stated_centres(a) &&
           test_near(a->length[0], sqrt((p[0] - q[0]) * (p[0] - q[0]) + (p[2] - q[2]) * (p[2] - q[2])));
}
static int check_nearest(const TestAsked *a) {
    double d[3], extreme = 1e9, sign = strstr(a->question, "farthest") ? -1 : 1;
    int best = -1, clear = 0, last = strstr(a->question, "closest") != NULL;  // A is named last
    const TestBody *to = test_named(a, last ? 3 : 0);
    for (int k = 0; k < 3; k++) d[k] = test_apart(to->centre, test_named(a, last ? k : k + 1)->centre);
    for (int k = 0; k < 3; k++) extreme = fmin(extreme, sign * d[k]);
    for (int k = 0; k < 3; k++) clear += sign * d[k] < extreme + .098;
    for (int k = 0; k < 3 && a->mix->rationale; k++) clear += !test_near(a->state[k], d[k]);
    if (test_read_objects(a->scene, a->end, strlen(a->end), &best, 1) != 1) return 0;
    for (int k = 0; k < 3; k++)
        if (a->object[last ? k : k + 1] == best && sign * d[k] > extreme) return 0;
    return a->objects == 4 && clear == 1 && best != a->object[last ? 3 : 0];
}
static int check_order(const TestAsked *a) {
    static const double camera[3] = {0, 0, 0};
    int said[3], right = a->objects == 3 && test_read_objects(a->scene, a->end, strlen(a->end), said, 3) == 3;
    double d[3];
    for (int k = 0; k < 3 && right; k++) d[k] = test_apart(camera, a->body[said[k]].centre);
    for (int k = 0; k < 3 && right && a->mix->rationale; k++)
        right &= test_near(a->state[k], test_apart(camera, test_named(a, k)->centre));
    return right && d[1] - d[0] > .098 && d[2] - d[1] > .098;
}

// Pixels and mean column of an object, in the colour image if it has another size.
static int test_pixels(const SbView *v, int id, double *mean) {
    int count = 0;
    *mean = 0;
    for (int q = 0; q < v->dw * v->dh; q++) {
        double u = (q % v->dw - v->dk.cx) / v->dk.fx * v->k.fx + v->k.cx;
        double w = (q / v->dw - v->dk.cy) / v->dk.fy * v->k.fy + v->k.cy;
        if (v->mask[q] != id || u < -.5 || w < -.5 || u >= v->w - .5 || w >= v->h - .5) continue;
        *mean += u;
        count++;
    }
    *mean /= count ? count : 1;
    return count;
}
static int test_seen_count(const TestAsked *a) {
    double mean;
    int n = 0;
    for (int i = 3; i < a->scene->objects; i++)
        n += test_pixels(a->view, i + 1, &mean) >= 25 * a->view->dw * a->view->dh / 4096;
    return n;
}
static int check_describe(const TestAsked *a) {
    int said[16], n = 0, seen = test_seen_count(a);
    double last = -1e9, mean[16];
    const char *c = a->answer;
    if (!seen) return !strcmp(c, "No objects.");
    if (strncmp(c, "A ", 2) || c[strlen(c) - 1] != '.') return 0;
    n = test_read_objects(a->scene, c, strlen(c), said, 16);
    for (int i = 0; i < n; i++) {  // two may bear a name: take the next one to the right of the last
        const char *name = a->scene->object[said[i]].name;
        double next = 1e9;
        for (int k = 3; k < a->scene->objects; k++) {
            int pixels = test_pixels(a->view, k + 1, &mean[0]);
            if (strcmp(a->scene->object[k].name, name) || pixels < 25 || mean[0] <= last) continue;
            next = fmin(next, mean[0]);
        }
        last = next;
        if (next > 1e8) return 0;
    }
    return n == seen;
}
static int check_layout(const TestAsked *a) {
    int n = -1, sentences = 0;
    const char *c = strstr(a->answer, ". The ");
    if (sscanf(a->answer, "There %*s %d object", &n) != 1 || n != test_seen_count(a)) return 0;
    for (; c; c = strstr(c + 1, ". The "), sentences++) {
        int o[2];
        const char *end = strchr(c + 1, '.');
        if (test_read_objects(a->scene, c, (size_t)(end - c), o, 2) != 2) return 0;
        const TestBody *p = a->body + o[0], *q = a->body + o[1];
        const char *left = strstr(c, "to the left of"), *front = strstr(c, "in front of");
        const char *behind = strstr(c, "behind");
        if (left && left < end) n = p->centre[0] < q->centre[0] - .098;
        else if (front && front < end) n = p->low[2] < q->low[2] - .098;
        else n = behind && behind < end && p->low[2] > q->low[2] + .098;
        if (!n) return 0;
    }
    return sentences <= 3;
}

// Objects that a question names: enough pixels, and no other object in sight with that name.
static int test_may_be_asked(const TestAsked *a) {
    double mean;
    int right = 1;
    for (int i = 0; i < a->objects; i++) {
        const SbObject *o = a->scene->object + a->object[i];
        right &= test_pixels(a->view, o->id, &mean) >= 25 * a->view->dw * a->view->dh / 4096;
        for (int k = 0; k < a->scene->objects; k++)
            if (k != a->object[i] && !strcmp(a->scene->object[k].name, o->name))
                right &= test_pixels(a->view, k + 1, &mean) == 0;
        for (int k = 0; k < i; k++) right &= a->object[k] != a->object[i];
    }
    return right;
}

#include "test_spatial.h"
#include "test_pair.h"

// Every question of a mix that asks for everything, in many rooms: exact pixels and patches, both units, with
// and without rationale, colour and depth of one size and of two.
typedef struct { int (*check)(const TestAsked *); long asked, wrong, yes, no; } TestRow;
static void test_converse_room(SbScene *scene, const SbRoom *room, const SbMix *mix, uint64_t seed,
                               TestRow *row) {
    static SbDialogue d;
    TestBody body[TEST_IDS];
    TestAsked a;
    for (int i = 0; i < scene->objects; i++)
        if (scene->object[i].has_box) test_body(scene, scene->view, scene->object + i, body + i);
    sb_converse(&d, scene, 0, mix, seed, 0);
    for (int i = 3; i < scene->objects; i++) {
        const SbSeen *s = d.info.object + i;
        double mean;
        int pixels = test_pixels(scene->view, i + 1, &mean);
        mean = pixels ? 1000 * (mean + .5) / scene->view->w : 0;
        CHECK(pixels == s->pixels && fabs(mean - s->x) < 1e-6,
              "object %d: %d pixels about x %g, counted %d, %g", i, s->pixels, s->x, pixels, mean);
    }
    for (int t = 0; t < d.turns; t++) {
        TestRow *r = row + d.turn[t].type;
        memset(&a, 0, sizeof a);
        a.scene = scene;
        a.view = scene->view;
        a.body = body;
        a.mix = mix;
        a.room = room;
        test_read(&a, sb_dialogue_question(&d, t), sb_dialogue_answer(&d, t));
        int right = r->check(&a) && (d.turn[t].type == SB_ASK_exists || test_may_be_asked(&a));
        CHECK(right, "%s, grid %d: \"%s\" is answered \"%s\"", scene->name, mix->grid, a.question, a.answer);
        CHECK(strchr(a.answer, '\n') == NULL && strchr(a.question, '{') == NULL, "odd text: %s", a.question);
        r->asked++;
        r->wrong += !right;
        r->yes += !strcmp(a.end, "yes");
        r->no += !strcmp(a.end, "no");
    }
    sb_dialogue_free(&d);
}

// What the rooms lack: an object on another, one high up, one of which nothing is seen. Depth stays.
static void test_pile(SbScene *scene, int i) {
    SbObject *o = scene->object;
    SbView *v = scene->view;
    if (i % 2 == 0) {
        memcpy(o[4].center, o[3].center, sizeof o[4].center);
        o[4].center[2] += (o[3].size[2] + o[4].size[2]) / 2;
        o[4].center[0] += .03 * (i / 2 % 12);   // from the middle of it to beyond its border
    }
    if (i % 4 == 1 && scene->objects > 5) o[5].center[2] += 1.2;
    for (int q = 0; q < v->dw * v->dh && i % 3 == 1; q++)
        if (v->mask[q] == 6) v->mask[q] = 2;
}

// Rooms of a test: 48, or $SB_ROOMS of them (and three quarters of those for several pictures).
static int test_rooms(int count) {
    const char *rooms = getenv("SB_ROOMS");
    return rooms && atoi(rooms) > 48 ? atoi(rooms) * count / 48 : count;
}

static void test_converse_answers(void) {
#define SB_ROW(name, level, kind, needs, function, formula, words, more) {check_##name, 0, 0, 0, 0},
    TestRow row[SB_ASK_COUNT] = {SB_QUESTIONS(SB_ROW)};
#undef SB_ROW
    SbSimConfig c = sb_sim_default();
    SbScene scene;
    SbRoom room;
    SbMix mix = sb_mix_parse("full");
    memset(&scene, 0, sizeof scene);
    memset(mix.level, 0, sizeof mix.level);
    for (int i = 0; i < SB_ASK_COUNT; i++) mix.count[i] = 3;
    c.views = 1;
    c.antialias = 1;
    c.difficulty = 2;
    for (int i = 0, rooms = test_rooms(48); i < rooms; i++) {
        sb_room_make(&room, &c, sb_pool(SB_POOL_TEST, (uint64_t)i));
        sb_room_scene(&scene, &room, &c);
        test_pile(&scene, i);
        SbView *v = scene.view;
        SbIntrinsics other = {70, 75, 47.3, 41.2};
        if (i % 3 == 2) v->w = 100, v->h = 80, v->k = other;  // the pixels themselves are not looked at
        double mean;  // every fourth room shows two objects of one name
        if (i % 4 == 3 && test_pixels(v, 4, &mean) && test_pixels(v, 5, &mean))
            memcpy(scene.object[4].name, scene.object[3].name, sizeof scene.object[3].name);
        mix.grid = i % 2 ? 8 : 0;
        mix.units = i / 2 % 2;
        mix.rationale = i / 4 % 2;
        mix.wordings = i % 5 ? SB_WORDINGS : 0;
        test_converse_room(&scene, &room, &mix, (uint64_t)i, row);
        v->w = v->dw, v->h = v->dh;
    }
    for (int i = 0; i < SB_ASK_COUNT; i++) {
        const SbQuestion *q = sb_question_row(i);
        if (getenv("SB_ROOMS") && row[i].asked)
            printf("     %-12s %7ld asked, %ld wrong, %ld yes\n", q->name, row[i].asked, row[i].wrong,
                   row[i].yes);
        if (q->level == SB_LEVEL_VIEWS) continue;
        CHECK(row[i].asked >= 40, "%s: asked %ld times only", q->name, row[i].asked);
        CHECK(row[i].wrong == 0, "%s: %ld of %ld answers are wrong", q->name, row[i].wrong, row[i].asked);
        if (q->kind != SB_KIND_YESNO) continue;
        long yes = row[i].yes, no = row[i].no, asked = row[i].asked;
        long least = i == SB_ASK_on ? 8 : 4;    // one pile in every other room
        CHECK(yes + no == asked && least * yes > asked && 4 * no > asked, "%s: %ld yes, %ld no of %ld",
              q->name, yes, no, asked);
    }
    sb_scene_free(&scene);
}

// All questions again in dialogues about three pictures, and those about two of them.
static void test_pair_dialogue(const SbScene *scene, const SbRoom *room, const SbMix *mix, TestRow *row,
                               int i) {
    SbViewInfo info[3];
    const SbViewInfo *all[3] = {info, info + 1, info + 2};
    static TestBody body[3][TEST_IDS];
    SbDialogue d;
    memset(&d, 0, sizeof d);
    memset(info, 0, sizeof info);
    TestAsked a;
    memset(&a, 0, sizeof a);
    a.scene = scene, a.room = room, a.mix = mix;
    double *overlap = sb_overlaps(scene);
    SbRandom r = sb_random((uint64_t)i, 0);
    a.number[0] = i % scene->views;
    CHECK(sb_draw_views(overlap, scene->views, 3, &r, a.number) == 3, "three views were not found");
    for (int k = 0; k < 3; k++) {
        a.all[k] = scene->view + a.number[k];
        sb_view_info(info + k, scene, a.number[k], mix->grid);
        for (int o = 3; o < scene->objects; o++) test_body(scene, a.all[k], scene->object + o, &body[k][o]);
    }
    sb_converse_views(&d, all, 3, mix, 9, (uint64_t)i);
    for (int t = 0; t < d.turns; t++) {
        const char *question = sb_dialogue_question(&d, t), *colon = strstr(question, ": ");
        int views = sb_question_row(d.turn[t].type)->level == SB_LEVEL_VIEWS;
        int named = test_read_pictures(question, a.picture), one = colon && !strncmp(question, "Picture ", 8);
        int expected = d.turn[t].type == SB_ASK_appears ? 0 : 1 + views;
        CHECK(named == expected && one == !views, "%d pictures in \"%s\"", named, question);
        a.view = a.all[a.picture[0]], a.body = body[a.picture[0]];
        test_read(&a, views ? question : colon + 2, sb_dialogue_answer(&d, t));
        TestRow *to = row + d.turn[t].type;
        int right = to->check(&a) && (views || d.turn[t].type == SB_ASK_exists || test_may_be_asked(&a));
        CHECK(right, "room %d, grid %d: \"%s\" is answered \"%s\"", i, mix->grid, question, a.answer);
        to->asked++, to->wrong += !right;
        to->yes += !strcmp(a.answer, "yes"), to->no += !strcmp(a.answer, "no");
    }
    for (int k = 0; k < 3; k++) sb_view_info_free(info + k);
    sb_dialogue_free(&d);
    free(overlap);
}

static void test_pair_answers(void) {
#define SB_ROW(name, level, kind, needs, function, formula, words, more) {check_##name, 0, 0, 0, 0},
    TestRow row[SB_ASK_COUNT] = {SB_QUESTIONS(SB_ROW)};
#undef SB_ROW
    SbSimConfig c = sb_sim_default();
    SbScene scene;
    SbRoom room;
    SbMix mix = sb_mix_parse("views=1");
    memset(&scene, 0, sizeof scene);
    memset(mix.level, 0, sizeof mix.level);
    for (int i = 0; i < SB_ASK_COUNT; i++) mix.count[i] = sb_question_row(i)->level == SB_LEVEL_VIEWS ? 5 : 1;
    c.views = 6, c.antialias = 1, c.difficulty = 2, c.overlap_min = 20, c.overlap_max = 70;
    for (int i = 0, rooms = test_rooms(36); i < rooms; i++) {
        sb_room_make(&room, &c, sb_pool(SB_POOL_TEST, 100 + (uint64_t)i));
        sb_room_scene(&scene, &room, &c);
        SbIntrinsics other = {70, 75, 47.3, 41.2};
        for (int v = 0; v < c.views && i % 3 == 2; v++)
            scene.view[v].w = 100, scene.view[v].h = 80, scene.view[v].k = other;
        mix.grid = i % 2 ? 8 : 0;
        mix.wordings = i % 5 ? SB_WORDINGS : 0;
        mix.rationale = i / 2 % 2;
        test_pair_dialogue(&scene, &room, &mix, row, i);
        for (int v = 0; v < c.views; v++) scene.view[v].w = scene.view[v].h = 64;
    }
    for (int i = 0; i < SB_ASK_COUNT; i++) {
        const SbQuestion *q = sb_question_row(i);
        int pair = q->level == SB_LEVEL_VIEWS;
        if (getenv("SB_ROOMS") && row[i].asked)
            printf("     %-12s %7ld asked, %ld wrong, %ld yes\n", q->name, row[i].asked, row[i].wrong,
                   row[i].yes);
        CHECK(row[i].asked >= (pair ? 40 : 6), "%s: asked %ld times only", q->name, row[i].asked);
        CHECK(row[i].wrong == 0, "%s: %ld of %ld answers are wrong", q->name, row[i].wrong, row[i].asked);
        if (q->kind != SB_KIND_YESNO || !pair) continue;
        CHECK(4 * row[i].yes > row[i].asked && 4 * row[i].no > row[i].asked, "%s: %ld yes of %ld", q->name,
              row[i].yes, row[i].asked);
    }
    sb_scene_free(&scene);
}

static void test_room_scene(SbScene *scene, int number) {
    SbSimConfig c = sb_sim_default();
    SbRoom room;
    c.views = 1;
    c.antialias = 1;
    sb_room_make(&room, &c, sb_pool(SB_POOL_TEST, (uint64_t)number));
    sb_room_scene(scene, &room, &c);
}

// ---- signs against a scene written by hand

// The camera stands 1.5 m above the origin and looks along world y, level. Left in the picture, near, tall: a
// red box. Right, far, low: a blue sphere. Everywhere 2 m of depth.
static void test_hand_scene(SbScene *scene, SbView *view, SbObject *object, float *depth,
                            unsigned short *mask) {
    static const double pose[16] = {1, 0, 0, 0, 0, 0, 1, 0, 0, -1, 0, 1.5, 0, 0, 0, 1};
    memset(scene, 0, sizeof *scene);
    memset(view, 0, sizeof *view);
    snprintf(scene->name, sizeof scene->name, "by hand");
    scene->views = 1;
    scene->view = view;
    scene->objects = 4;
    scene->object = object;
    scene->up[2] = 1;
    view->w = view->h = view->dw = view->dh = 64;
    view->k.fx = view->k.fy = 32;
    view->k.cx = view->k.cy = 31.5;
    view->dk = view->k;
    view->depth = depth;
    view->mask = mask;
    memcpy(view->pose, pose, sizeof pose);
    const SbObject red = {4, "red box", "box", 1, {-1, 3, .5}, {.4, .4, 1}, 0};
    const SbObject blue = {5, "blue sphere", "sphere", 1, {1, 5, .3}, {.6, .6, .6}, 0};
    const SbObject hidden = {6, "red box", "box", 1, {9, 9, 9}, {1, 1, 1}, 0};  // no pixels: red stays unique
    const SbObject wall = {2, "wall", "wall", 0, {0, 0, 0}, {0, 0, 0}, 0};
    object[0] = wall;
    object[1] = red;
    object[2] = blue;
    object[3] = hidden;
    for (int q = 0; q < 64 * 64; q++) {
        int u = q % 64, v = q / 64;
        depth[q] = 2;
        mask[q] = (unsigned short)(v < 24 || v > 40 ? 2 : u > 10 && u < 20 ? 4 : u > 40 && u < 50 ? 5 : 2);
    }
}

// Ask type until both objects' order and every paraphrase has come; each question must be one of the list
// with its answer. Returns which of the list came.
typedef struct { const char *question, *answer; } TestPair;
static unsigned test_expect(const SbScene *scene, const char *spec, const TestPair *pair, int pairs) {
    SbDialogue d;
    SbMix mix = sb_mix_parse(spec);
    unsigned came = 0;
    memset(&d, 0, sizeof d);
    sb_converse(&d, scene, 0, &mix, 3, 0);
    CHECK(d.turns > 0, "%s: nothing was asked", spec);
    for (int t = 0; t < d.turns; t++)
        for (int i = 0; i < pairs; i++) {
            if (strcmp(pair[i].question, sb_dialogue_question(&d, t))) continue;
            came |= 1u << i;
            const char *answer = sb_dialogue_answer(&d, t);
            CHECK(!strcmp(pair[i].answer, answer), "%s \"%s\", expected \"%s\"", pair[i].question, answer,
                  pair[i].answer);
        }
    sb_dialogue_free(&d);
    return came;
}

static void test_converse_signs(void) {
    static float depth[64 * 64];
    static unsigned short mask[64 * 64];
    SbScene scene;
    SbView view;
    SbObject object[4];
    static const TestPair pair[] = {
        {"Is the red box to the left of the blue sphere?", "yes"},
        {"Is the blue sphere on the left side of the red box?", "no"},
        {"Is the red box to the right of the blue sphere?", "no"},
        {"Is the red box in front of the blue sphere?", "yes"},
        {"Is the red box behind the blue sphere?", "no"},
        {"Is the centre of the red box above that of the blue sphere?", "yes"},
        {"Is the centre of the red box below that of the blue sphere?", "no"},
        {"Is the red box taller than the blue sphere?", "yes"},
        {"Is the blue sphere shorter than the red box?", "yes"},
        {"Is the blue sphere bigger than the red box?", "no"},                          // .113 and .160 m^3
        {"Is the blue sphere smaller than the red box?", "yes"},
        {"How wide is the blue sphere, seen from here?", "60 cm"},
        {"How tall is the red box?", "100 cm"},
        {"What are the 3-D bounds of the red box?",
         "X -100 cm, Y -100 cm, Z 300 cm, width 40 cm, height 100 cm, depth 40 cm"},
        {"How far is the red box from the blue sphere, centre to centre?", "284 cm"},   // sqrt(4 + 4 + .04)
        {"What is the gap between the red box and the blue sphere?", "225 cm"},         // 1.8 sqrt(2) - .3
        {"What is the vertical distance between the red box and the blue sphere, centre to centre?", "20 cm"},
        {"What is the horizontal distance between the red box and the blue sphere, centre to centre?",
         "283 cm"},
        {"Describe the view.", "A red box, a blue sphere."},
        {"Describe the layout.", "There are 2 objects. The red box is to the left of the blue sphere."},
        {"Describe the layout.", "There are 2 objects. The red box is in front of the blue sphere."}};
    test_hand_scene(&scene, &view, object, depth, mask);
    unsigned came = test_expect(&scene, "object=400,scene=100,describe=9", pair, 19);
    CHECK(came == 0x7FFFFu, "of the 19 questions by hand only %x came", came);
    // The layout says either of two things.
    SbDialogue d;
    SbMix mix = sb_mix_parse("layout=40");
    memset(&d, 0, sizeof d);
    came = 0;
    sb_converse(&d, &scene, 0, &mix, 3, 0);
    for (int t = 0; t < d.turns; t++)
        came |= !strcmp(sb_dialogue_answer(&d, t), pair[19].answer) ? 1u
              : !strcmp(sb_dialogue_answer(&d, t), pair[20].answer) ? 2u : 4u;
    CHECK(came == 3, "layouts said: %x", came);
    // One above the other in the picture: both are described.
    mix = sb_mix_parse("describe=1");
    for (int q = 0; q < 64 * 64; q++)
        mask[q] = (unsigned short)(q % 64 >= 20 || q / 64 >= 40 ? 2 : q / 64 < 20 ? 4 : 5);
    sb_converse(&d, &scene, 0, &mix, 3, 0);
    const char *both = sb_dialogue_answer(&d, 0);
    CHECK(!strcmp(both, "A red box, a blue sphere."), "described as %s", both);
    sb_dialogue_free(&d);
}

// The same room in a world whose y axis points down: x stays, y becomes z, z becomes -y. Nothing that is said
// changes.
static void test_converse_up(void) {
    SbScene scene;
    SbDialogue d[2];
    SbMix mix = sb_mix_parse("pixel=20,object=60,scene=40,caption=2");
    memset(&scene, 0, sizeof scene);
    memset(d, 0, sizeof d);
    mix.rationale = 1;
    for (int r = 0; r < 10; r++) {
        test_room_scene(&scene, r);
        sb_converse(d, &scene, 0, &mix, 1, (uint64_t)r);
        double *pose = scene.view[0].pose, z[4];
        memcpy(z, pose + 8, sizeof z);
        memcpy(pose + 8, pose + 4, sizeof z);
        for (int i = 0; i < 4; i++) pose[4 + i] = -z[i];
        for (int i = 0; i < scene.objects; i++) {
            SbObject *o = scene.object + i;
            double up = o->center[2], tall = o->size[2];
            o->center[2] = o->center[1];
            o->center[1] = -up;
            o->size[2] = o->size[1];
            o->size[1] = tall;
        }
        scene.up[1] = -1;
        scene.up[2] = 0;
        sb_converse(d + 1, &scene, 0, &mix, 1, (uint64_t)r);
        CHECK(d[0].turns > 80 && d[0].turns == d[1].turns, "%d and %d turns", d[0].turns, d[1].turns);
        for (int t = 0; t < d[0].turns && t < d[1].turns; t++)
            CHECK(!strcmp(sb_dialogue_answer(d, t), sb_dialogue_answer(d + 1, t)), "%s: %s, with y down %s",
                  sb_dialogue_question(d, t), sb_dialogue_answer(d, t), sb_dialogue_answer(d + 1, t));
    }
    sb_dialogue_free(d);
    sb_dialogue_free(d + 1);
    sb_scene_free(&scene);
}

// Two long boards almost side by side, where projections in turn creep: the gap is at a corner. And touching
// spheres.
static void test_converse_gap(void) {
    const double pose[16] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}, up[3] = {0, 0, 1};
    const double axis[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, angle = .03;
    const SbObject a = {1, "a", "box", 1, {0, 0, 0}, {2, .1, 1}, 0};
    const SbObject b = {2, "b", "box", 1, {0, .2, 0}, {2, .1, 1}, angle};
    const SbObject s = {3, "s", "sphere", 1, {0, 0, 0}, {1, 1, 1}, 0};
    const SbObject t = {4, "t", "sphere", 1, {.6, .8, 0}, {1, 1, 1}, 0};
    SbSolid p, q;
    double on_p[3], on_q[3];
    sb_solid(&p, &a, up, pose, axis);
    sb_solid(&q, &b, up, pose, axis);
    double gap = sb_solid_gap(&p, &q, on_p, on_q), corner = .2 - sin(angle) - .05 * cos(angle) - .05;
    CHECK(fabs(gap - corner) < 1e-4, "boards: gap %g, by hand %g", gap, corner);
    CHECK(fabs(on_q[0] - (.05 * sin(angle) - cos(angle))) < 2e-3, "boards: the corner is at %g", on_q[0]);
    sb_solid(&p, &s, up, pose, axis);
    sb_solid(&q, &t, up, pose, axis);
    gap = sb_solid_gap(&p, &q, on_p, on_q);
    CHECK(gap < 1e-6 && fabs(on_p[0] - .3) < 1e-3 && fabs(on_p[1] - .4) < 1e-3, "spheres: gap %g at %g %g",
          gap, on_p[0], on_p[1]);
}

// Positions by hand: level, then with the camera tilted 30 degrees down, rolled, and looking straight down.
static void test_converse_frame(void) {
    static float depth[64 * 64];
    static unsigned short mask[64 * 64];
    SbScene scene;
    SbView view;
    SbObject object[4];
    double axis[3][3], up[3] = {0, 0, 1}, c = cos(.3), s = sin(.3);
    test_hand_scene(&scene, &view, object, depth, mask);
    for (int q = 0; q < 64 * 64; q++) depth[q] = q == 16 * 64 + 48 ? 2.f : 0;   // x 757, y 257
    const TestPair level[] = {{"Where is (757, 257) in 3-D?", "X 103 cm, Y 97 cm, Z 200 cm"},
                              {"How deep is the point (757, 257)?", "200 cm"}};
    CHECK(test_expect(&scene, "position=400,depth=400", level, 2) == 3, "the pixel was not found");
    // Forward (0, cos 30, -sin 30), down (0, -sin 30, -cos 30): Y = .96875 cos 30 - 2 sin 30,
    // Z = 2 cos 30 + .96875 sin 30.
    const double tilt[9] = {1, 0, 0, 0, -.5, sqrt(.75), 0, -sqrt(.75), -.5};
    for (int i = 0; i < 9; i++) view.pose[i / 3 * 4 + i % 3] = tilt[i];
    const TestPair down[] = {{"Where is (757, 257) in 3-D?", "X 103 cm, Y -16 cm, Z 222 cm"},
                             {"How deep is the point (757, 257)?", "200 cm"}};
    CHECK(test_expect(&scene, "position=400,depth=400", down, 2) == 3, "the pixel was not found");
    const double rolled[16] = {c, s, 0, 0, 0, 0, 1, 0, s, -c, 0, 0, 0, 0, 0, 1};
    sb_frame(rolled, up, axis);
    CHECK(fabs(axis[0][0] - 1) < 1e-12 && fabs(axis[1][2] - 1) < 1e-12 && fabs(axis[2][1] - 1) < 1e-12,
          "a rolled camera has X %g %g %g", axis[0][0], axis[0][1], axis[0][2]);
    const double straight[16] = {1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 2, 0, 0, 0, 1};
    sb_frame(straight, up, axis);
    CHECK(fabs(axis[0][0] - 1) < 1e-12 && fabs(axis[2][1] - 1) < 1e-12,
          "straight down: X %g %g %g, Z %g %g %g", axis[0][0], axis[0][1], axis[0][2], axis[2][0], axis[2][1],
          axis[2][2]);
}

// ---- mixes

static void test_same_multiset(const SbDialogue *a, const SbDialogue *b) {
    int found = 0;
    for (int i = 0; i < a->turns; i++) {
        const char *question = sb_dialogue_question(a, i);
        int times = 0;
        for (int k = 0; k < a->turns; k++) times += !strcmp(question, sb_dialogue_question(a, k));
        for (int k = 0; k < b->turns; k++) times -= !strcmp(question, sb_dialogue_question(b, k));
        found += times == 0;
    }
    CHECK(a->turns == b->turns && found == a->turns, "%d of %d turns are found again in %d", found, a->turns,
          b->turns);
}

static void test_converse_order(void) {
    SbScene scene;
    SbDialogue d[3];
    SbMix mix = sb_mix_parse("full");
    int moved = 0, places = 0;
    unsigned place = 0;
    memset(&scene, 0, sizeof scene);
    memset(d, 0, sizeof d);
    for (int r = 0; r < 20; r++) {
        test_room_scene(&scene, r);
        for (int o = 0; o < 3; o++) {
            mix.order = o == 0 ? SB_ORDER_FORWARD : o == 1 ? SB_ORDER_REVERSE : SB_ORDER_RANDOM;
            sb_converse(d + o, &scene, 0, &mix, 1, (uint64_t)r);
        }
        int n = d[0].turns;
        for (int t = 0; t + 1 < n; t++) {
            int level[2][2];
            for (int o = 0; o < 2; o++)
                for (int i = 0; i < 2; i++) level[o][i] = sb_question_row(d[o].turn[t + i].type)->level;
            CHECK(level[0][0] <= level[0][1], "forward: level %d, then %d", level[0][0], level[0][1]);
            CHECK(level[1][0] >= level[1][1], "reverse: level %d, then %d", level[1][0], level[1][1]);
            moved += d[2].turn[t].type != d[0].turn[t].type;
            if (d[2].turn[t].type == SB_ASK_describe) place |= 1u << t;
        }
        test_same_multiset(d, d + 1);
        test_same_multiset(d, d + 2);
        CHECK(n + d[0].skipped == 12, "full: %d turns, %d skipped", n, d[0].skipped);
        CHECK(!strcmp(sb_dialogue_question(d + 1, n - 1 - 4), sb_dialogue_question(d, 0)) || n < 12,
              "reverse: the first pixel question is not fifth from the end");
    }
    for (; place; place &= place - 1) places++;
    CHECK(moved > 100 && places > 5, "random: %d turns stand elsewhere, captions at %d places", moved,
          places);
    for (int o = 0; o < 3; o++) sb_dialogue_free(d + o);
    sb_scene_free(&scene);
}

static void test_converse_deterministic(void) {
    SbScene scene;
    SbDialogue used, fresh;
    SbMix mix = sb_mix_parse("full"), other = sb_mix_parse("mix");
    int same = 0;
    mix.order = SB_ORDER_RANDOM;
    other.grid = 8;
    memset(&scene, 0, sizeof scene);
    memset(&used, 0, sizeof used);
    for (int r = 0; r < 30; r++) {
        test_room_scene(&scene, r);
        sb_converse(&used, &scene, 0, &other, 7, 7);
        sb_converse(&used, &scene, 0, &mix, 5, (uint64_t)r);
        memset(&fresh, 0, sizeof fresh);
        sb_converse(&fresh, &scene, 0, &mix, 5, (uint64_t)r);
        CHECK(used.turns == fresh.turns && used.text.size == fresh.text.size &&
                  !memcmp(used.text.data, fresh.text.data, used.text.size),
              "room %d: the same dialogue differs", r);
        sb_converse(&fresh, &scene, 0, &mix, 5, (uint64_t)r + 1000);
        same += used.text.size == fresh.text.size && !memcmp(used.text.data, fresh.text.data, used.text.size);
        sb_dialogue_free(&fresh);
    }
    CHECK(same == 0, "%d dialogues do not depend on the counter", same);
    size_t room = used.text.capacity;
    const void *turn = used.turn, *deck = used.deck, *patches = used.info.patch_depth, *text = used.text.data;
    for (int r = 0; r < 300; r++) sb_converse(&used, &scene, 0, &other, 9, (uint64_t)r);
    CHECK(used.text.capacity == room && used.turn == turn && used.deck == deck && used.text.data == text &&
              used.info.patch_depth == patches, "a warm dialogue took new memory");
    sb_dialogue_free(&used);
    sb_scene_free(&scene);
}

// Fractions are probabilities, patches of depth questions differ, 60 % of "what" and more find an object.
static void test_converse_counts(void) {
    SbScene scene;
    SbDialogue d;
    SbMix mix = sb_mix_parse("depth=20,what=2.5");
    long what = 0, things = 0, twice = 0, wanted = 0, possible = 0;
    mix.grid = 8;
    memset(&scene, 0, sizeof scene);
    memset(&d, 0, sizeof d);
    for (int r = 0; r < 20; r++) {
        test_room_scene(&scene, r);
        for (uint64_t n = 0; n < 50; n++) {
            int point[5][2], patches = 0;
            char used[64];
            memset(used, 0, sizeof used);
            sb_converse(&d, &scene, 0, &mix, 11, n);
            for (int p = 0; p < 64; p++)
                patches += d.info.patch_object[p] >= 0 && d.info.object[d.info.patch_object[p]].thing;
            for (int t = 0; t < d.turns; t++) {
                test_read_points(sb_dialogue_question(&d, t), point);
                int patch = point[0][1] * 8 / 1000 * 8 + point[0][0] * 8 / 1000;
                if (d.turn[t].type == SB_ASK_depth) twice += used[patch]++;
                else what++, things += strchr(sb_dialogue_answer(&d, t), ' ') != NULL;
                possible += d.turn[t].type != SB_ASK_depth && patches > 0;
                wanted += d.turn[t].type == SB_ASK_depth;
            }
        }
    }
    CHECK(wanted == 20000 && twice == 0, "%ld depth questions, %ld ask about a patch again", wanted, twice);
    CHECK(what > 2430 && what < 2570, "what=2.5 asked %ld times in 1000 dialogues", what);
    int of[SB_ASK_COUNT] = {0};
    mix = sb_mix_parse("pixel=1");
    for (uint64_t n = 0; n < 600; n++)
        if (sb_converse(&d, &scene, 0, &mix, 11, n) == 1) of[d.turn[0].type]++;
    for (int i = 0; i < SB_ASK_COUNT && sb_question_row(i)->level == SB_LEVEL_PIXEL; i++)
        CHECK(!*sb_question_row(i)->words ? !of[i] : of[i] > 60 && of[i] < 140,
              "pixel=1: %d of 600 ask for %s", of[i], sb_question_row(i)->name);
    double share = (double)things / (double)possible;
    CHECK(share > .6 && share < .8, "%ld of %ld find an object", things, possible);
    sb_dialogue_free(&d);
    sb_scene_free(&scene);
}

// ---- refusals

// Parse a mix and ask it about a scene (NULL: only parse).
static void test_converse_try(const char *spec, const SbScene *scene) {
    SbDialogue d;
    SbMix mix = sb_mix_parse(spec);
    memset(&d, 0, sizeof d);
    if (scene) sb_converse(&d, scene, 0, &mix, 1, 1);
}

static void test_converse_refusals(void) {
    static const char *const bad[] = {
        "", "mixx", "depth", "depth=", "depth=1x", "depth=-1", "depth=1001", "depth=1,", "=3", "dept=1",
        "depth=1;what=2", "depth=.", "depth=1..2", "depth=0", "depths=1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        EXPECT_DIE(test_converse_try(bad[i], NULL), "recshort");
    SbMix mix = sb_mix_parse("depth=14,what=10.25,depth=1,object=.5");
    double depths = mix.count[SB_ASK_depth], whats = mix.count[SB_ASK_what];
    double objects = mix.level[SB_LEVEL_OBJECT];
    CHECK(depths == 15 && whats == 10.25 && objects == .5, "parsed as %g %g %g", depths, whats, objects);
    // A photograph: depth, no masks, no objects.
    static float depth[64 * 64];
    static unsigned short mask[64 * 64];
    SbScene scene;
    SbView view;
    SbObject object[4];
    SbDialogue d;
    memset(&d, 0, sizeof d);
    test_hand_scene(&scene, &view, object, depth, mask);
    for (int q = 0; q < 64 * 64; q++) depth[q] = (float)(1 + q % 64 * .1);
    view.mask = NULL;
    scene.objects = 0;
    mix = sb_mix_parse("mix");
    mix.grid = 8;
    sb_converse(&d, &scene, 0, &mix, 1, 1);
    CHECK(d.turns == 16 && d.skipped == 11, "%d turns, %d skipped", d.turns, d.skipped);
    EXPECT_DIE(test_converse_try("rec", &scene), "no masks");
    mix = sb_mix_parse("pixel");
    sb_converse(&d, &scene, 0, &mix, 1, 1);
    CHECK(d.turns == 12 && d.skipped == 0, "%d turns, %d skipped", d.turns, d.skipped);
    mix = sb_mix_parse("depth=64");
    mix.grid = 8;
    for (int q = 0; q < 64 * 64; q++) depth[q] = q % 64 < 32 ? 2.f : 0;
    sb_converse(&d, &scene, 0, &mix, 1, 1);
    CHECK(d.turns == 32 && d.skipped == 32, "half measured: %d turns", d.turns);
    // 4 % but 4 cm; 3 m and 2 %; 5.5 cm and 4 %.
    static const float pair[3][3] = {{1, 1.04f, 0}, {3, 3.06f, 0}, {1.4f, 1.457f, 20}};  // two depths, turns
    mix = sb_mix_parse("closer=20");
    for (int i = 0; i < 3; i++) {
        for (int q = 0; q < 64 * 64; q++) depth[q] = pair[i][q % 64 < 32 ? 0 : 1];
        sb_converse(&d, &scene, 0, &mix, 1, 1);
        CHECK(d.turns == (int)pair[i][2], "%g or %g m: %d turns", (double)pair[i][0], (double)pair[i][1],
              d.turns);
    }
    mix = sb_mix_parse("pixel");
    for (int q = 0; q < 64 * 64; q++) depth[q] = 0;
    int turns = sb_converse(&d, &scene, 0, &mix, 1, 1);
    CHECK(turns == 0 && d.turns == 0 && d.skipped == 12, "no depth measured: %d turns", turns);
    view.depth = NULL;
    EXPECT_DIE(test_converse_try("pixel", &scene), "no depth");
    sb_dialogue_free(&d);
}

// ---- words

static int test_words_are(const SbWords *w, const char *text, int question, const char *expected) {
    SbTokens t;
    SbText back = {NULL, 0, 0};
    memset(&t, 0, sizeof t);
    sb_words_encode(w, &t, text, question);
    for (int i = 0; i < t.n; i++) {
        if (t.id[i] >= SB_WORD_METRE) sb_text_add(&back, " m%d", t.id[i] - SB_WORD_METRE);
        else if (t.id[i] >= SB_WORD_PATCH) sb_text_add(&back, " p%d", t.id[i] - SB_WORD_PATCH);
        else sb_text_add(&back, " %s", sb_word[t.id[i]]);
    }
    int same = !strcmp(back.data ? back.data + 1 : "", expected);
    CHECK(same, "\"%s\" became [%s], expected [%s]", text, back.data ? back.data + 1 : "", expected);
    free(back.data);
    free(t.id);
    return same;
}

static void test_words_compact(void) {
    SbWords w, toy;
    sb_words_init(&w, 8);
    sb_words_init(&toy, 4);
    test_words_are(&w, "What is the depth at (437, 562)?", 1, "depth p35");
    test_words_are(&w, "What is at (437, 562)?", 1, "object p35");
    test_words_are(&w, "Which object is at (0, 999)?", 1, "object p56");
    test_words_are(&w, "Which point is closer, (437, 562) or (62, 62)?", 1, "closer p35 p0");
    test_words_are(&w, "<image>\nDescribe the view.", 1, "describe");
    test_words_are(&w, "342 cm", 0, "m3");
    test_words_are(&w, "3.42 m", 0, "m3");
    test_words_are(&w, "3420mm", 0, "m3");
    test_words_are(&w, "299 cm", 0, "m2");
    test_words_are(&w, "300 cm", 0, "m3");
    test_words_are(&w, "1234 cm", 0, "m9");
    test_words_are(&w, "X -142 cm, Y 0 cm, Z 10 m", 0, "x minus m1 y m0 z m9");
    test_words_are(&w, "A red box, a blue sphere.", 0, "red box blue sphere .");
    test_words_are(&w, "There are 12 objects.", 0, "1 2 .");
    test_words_are(&w, "the red box Z 230 cm, the blue box Z 310 cm, so yes", 0,
                   "red box z m2 blue box z m3 yes");
    test_words_are(&w, "(999,999) ( 0 , 0 ) (if", 0, "p63 p0 <unk>");
    test_words_are(&w, "(1000, 5)", 0, "<unk>");
    test_words_are(&w, "( , 0 )", 0, "0");
    test_words_are(&w, "", 0, "");
    test_words_are(&toy, "Which object is at (437, 562)?", 1, "object p9");
    SbTokens t;
    memset(&t, 0, sizeof t);
    sb_words_encode(&w, &t, "a glass table, the glass b\xC3\xBCro and supercalifragilistic", 0);
    CHECK(t.unknown == 5 && t.n == 5 &&
              !strcmp(t.unknown_words, "glass, table, b\xC3\xBCro, supercalifragilistic"),
          "%d unknown of %d: %s", t.unknown, t.n, t.unknown_words);
    free(t.id);
}

// Every token's text becomes that token again, on every grid.
static void test_words_back(void) {
    for (int grid = 1; grid <= SB_WORDS_GRID; grid++) {
        SbWords w;
        SbTokens t;
        sb_words_init(&w, grid);
        memset(&t, 0, sizeof t);
        for (int id = SB_WORD_STOP; id < SB_WORDS; id++) {
            if (id >= SB_WORD_PATCH + grid * grid && id < SB_WORD_METRE) continue;
            SbText text = {NULL, 0, 0};
            t.n = 0;
            sb_words_decode(&w, &id, 1, &text);
            sb_words_encode(&w, &t, text.data, 0);
            CHECK(t.n == 1 && t.id[0] == id, "token %d is \"%s\" and becomes %d tokens, the first %d", id,
                  text.data, t.n, t.n ? t.id[0] : -1);
            free(text.data);
        }
        free(t.id);
    }
    SbWords w;
    SbText text = {NULL, 0, 0};
    const int id[] = {SB_WORD_DIGIT + 2, SB_WORD_STOP, SB_WORD_MINUS, SB_WORD_METRE + 3, SB_WORD_PATCH + 35};
    sb_words_init(&w, 8);
    sb_words_decode(&w, id, 5, &text);
    CHECK(!strcmp(text.data, "2. minus 3 m (437, 562)"), "%s", text.data);
    free(text.data);
}

// A paraphrase, which ends at end, with points and objects in the place of its braces.
static void test_fill(const char *from, const char *end, char *text) {
    static const char *const stand[] = {"(62, 62)", "(437, 562)", "red box", "blue sphere", "cyan box",
                                        "green sphere", "picture 1", "picture 2"};
    for (; from < end; from++) {
        int letter = from[1], which = letter - (letter >= 'P' ? 'P' : letter >= 'I' ? 'I' - 6 : 'A' - 2);
        if (*from != '{') {
            *text++ = *from;
            continue;
        }
        strcpy(text, stand[which]);
        text += strlen(stand[which]);
        from += 2;
    }
    *text = 0;
}

// The paraphrases of a question have the same words, save those that ask the opposite.
static void test_paraphrases(const SbWords *w, int type) {
    const SbQuestion *row = sb_question_row(type);
    SbTokens first, other;
    memset(&first, 0, sizeof first);
    memset(&other, 0, sizeof other);
    for (const char *c = row->words, *end; *c; c = end + (*end == '|')) {
        char text[400];
        end = c + strcspn(c, "|");
        test_fill(c, end, text);
        other.n = 0;
        sb_words_encode(w, c == row->words ? &first : &other, text, 1);
        int same = first.n == other.n && !memcmp(first.id, other.id, (size_t)first.n * sizeof(int));
        CHECK(first.n > 0 && (c == row->words || *c == '!' || same), "%s: other words in \"%s\"", row->name,
              text);
    }
    free(first.id);
    free(other.id);
}

// Dialogues about three pictures: no word is missing.
static void test_views_cover(const SbWords *w) {
    SbSimConfig c = sb_sim_default();
    SbScene scene;
    SbRoom room;
    SbDialogue d;
    SbSequence q;
    SbViewInfo info[3];
    const SbViewInfo *all[3] = {info, info + 1, info + 2};
    SbMix mix = sb_mix_parse("views=40,pixel=6,object=8,scene=5,caption=2");
    memset(&scene, 0, sizeof scene);
    memset(&d, 0, sizeof d);
    memset(&q, 0, sizeof q);
    memset(info, 0, sizeof info);
    c.views = 3, c.overlap_min = 20, c.overlap_max = 70;
    mix.grid = 8;
    for (uint64_t r = 0; r < 10; r++) {
        sb_room_make(&room, &c, r);
        sb_room_scene(&scene, &room, &c);
        for (int v = 0; v < 3; v++) sb_view_info(info + v, &scene, v, 8);
        sb_converse_views(&d, all, 3, &mix, 2, r);
        sb_words_conversation(w, &q, &d, 1);
        CHECK(q.n > 200, "%d tokens only", q.n);
    }
    CHECK(q.words.unknown == 0, "%d words are missing: %s", q.words.unknown, q.words.unknown_words);
    for (int v = 0; v < 3; v++) sb_view_info_free(info + v);
    sb_sequence_free(&q);
    sb_dialogue_free(&d);
    sb_scene_free(&scene);
}

// No two types of question have the same words, once filled in.
static void test_words_differ(void) {
    SbWords w;
    SbTokens t[SB_ASK_COUNT];
    sb_words_init(&w, 8);
    memset(t, 0, sizeof t);
    for (int type = 0; type < SB_ASK_COUNT; type++) {
        char text[400];
        const char *words = sb_question_row(type)->words;
        if (!*words) continue;
        test_fill(words, words + strcspn(words, "|"), text);
        sb_words_encode(&w, t + type, text, 1);
        for (int k = 0; k < type; k++) {
            int same =
                t[k].n && t[k].n == t[type].n && !memcmp(t[k].id, t[type].id, (size_t)t[k].n * sizeof(int));
            CHECK(!same, "%s has the words of %s", sb_question_row(type)->name, sb_question_row(k)->name);
        }
    }
    for (int type = 0; type < SB_ASK_COUNT; type++) free(t[type].id);
}

// No question or answer has a word that the vocabulary lacks.
static void test_words_cover(void) {
    SbScene scene;
    SbDialogue d;
    SbWords w;
    SbSequence q;
    SbMix mix = sb_mix_parse("pixel=40,object=60,scene=40,caption=6");
    sb_words_init(&w, 8);
    memset(&scene, 0, sizeof scene);
    memset(&d, 0, sizeof d);
    memset(&q, 0, sizeof q);
    for (int r = 0; r < 40; r++) {
        test_room_scene(&scene, r);
        mix.grid = r % 2 ? 8 : 0;
        mix.units = r / 2 % 2;
        mix.rationale = r / 4 % 2;
        sb_converse(&d, &scene, 0, &mix, 2, (uint64_t)r);
        sb_words_conversation(&w, &q, &d, 1);
        CHECK(q.n > 300, "%d tokens only", q.n);
    }
    CHECK(q.words.unknown == 0, "%d words are not in the vocabulary: %s", q.words.unknown,
          q.words.unknown_words);
    for (int type = 0; type < SB_ASK_COUNT; type++) test_paraphrases(&w, type);
    test_views_cover(&w);
    sb_sequence_free(&q);
    sb_dialogue_free(&d);
    sb_scene_free(&scene);
}

// mix and its control carry the same number of answer tokens, within 2 %.
static void test_words_mix_equals_rec(void) {
    static const char *const name[2] = {"mix", "rec"};
    SbScene scene;
    SbDialogue d;
    SbWords w;
    SbSequence q;
    long answers[2] = {0, 0};
    sb_words_init(&w, 8);
    memset(&scene, 0, sizeof scene);
    memset(&d, 0, sizeof d);
    memset(&q, 0, sizeof q);
    for (int r = 0; r < 500; r++) {
        test_room_scene(&scene, 1000 + r);
        for (int k = 0; k < 2; k++) {
            SbMix mix = sb_mix_parse(name[k]);
            mix.grid = 8;
            sb_converse(&d, &scene, 0, &mix, 21, (uint64_t)r);
            sb_words_conversation(&w, &q, &d, 1);
            for (int i = 0; i < q.n; i++) answers[k] += q.target[i] >= 0;
        }
    }
    double ratio = (double)answers[1] / (double)answers[0];
    CHECK(ratio > .98 && ratio < 1.02 && answers[0] > 15000, "answer tokens: mix %ld, rec %ld", answers[0],
          answers[1]);
    sb_sequence_free(&q);
    sb_dialogue_free(&d);
    sb_scene_free(&scene);
}

static void test_sequence_is(const SbSequence *q, const int (*row)[4], int n, const char *what) {
    CHECK(q->n == n, "%s: %d tokens, expected %d", what, q->n, n);
    for (int i = 0; i < n && i < q->n; i++) {
        const int found[4] = {q->token[i], q->target[i], q->turn[i], q->type[i]};
        CHECK(!memcmp(found, row[i], sizeof found), "%s, token %d: %d -> %d, turn %d, type %d", what, i,
              found[0], found[1], found[2], found[3]);
    }
}

static void test_words_sequence(void) {
    enum { DEPTH = 4, OBJECT = 9, RED = 48, BOX = 55, P35 = 95, M3 = 127, Q = 1 };
    static const int alone[6][4] = {{Q, -1, 0, -1}, {DEPTH, -1, 0, -1}, {P35, M3, 0, SB_ASK_depth},
                                    {Q, -1, 1, -1}, {OBJECT, -1, 1, -1}, {P35, RED, 1, SB_ASK_what}};
    static const int last[1][4] = {{RED, BOX, 1, SB_ASK_what}};
    int isolated[7][4], flat[8][4];
    SbWords w;
    SbDialogue d;
    SbSequence q;
    sb_words_init(&w, 8);
    memset(&d, 0, sizeof d);
    memset(&q, 0, sizeof q);
    sb_dialogue_clear(&d);
    sb_dialogue_add(&d, "What is the depth at (437, 562)?", "342 cm", SB_ASK_depth);
    sb_dialogue_add(&d, "<image>\nWhat is at (437, 562)?", "red box", SB_ASK_what);
    memcpy(isolated, alone, sizeof alone);
    memcpy(isolated + 6, last, sizeof last);
    memcpy(flat, alone, 3 * sizeof *flat);
    memcpy(flat + 4, isolated + 3, 4 * sizeof *flat);
    flat[3][0] = M3, flat[3][1] = -1, flat[3][2] = 0, flat[3][3] = -1;
    sb_words_conversation(&w, &q, &d, 1);
    test_sequence_is(&q, isolated, 7, "isolated");
    sb_words_conversation(&w, &q, &d, 0);
    test_sequence_is(&q, flat, 8, "with history");
    sb_sequence_free(&q);
    sb_dialogue_free(&d);
}

// The text map says what the answers say: every patch is asked for its depth and its object.
static void test_words_map(void) {
    SbScene scene;
    SbDialogue d;
    SbWords w;
    SbSequence q;
    SbMix mix = sb_mix_parse("depth=64,what=60");
    int ids[64][3], metres = 0, names = 0;
    mix.grid = 8;
    sb_words_init(&w, 8);
    memset(&scene, 0, sizeof scene);
    memset(&d, 0, sizeof d);
    memset(&q, 0, sizeof q);
    for (int r = 0; r < 30; r++) {
        test_room_scene(&scene, r);
        sb_converse(&d, &scene, 0, &mix, 5, (uint64_t)r);
        sb_words_map(&w, &d.info, ids[0]);
        sb_words_conversation(&w, &q, &d, 1);
        for (int i = 0; i < q.n; i++) {
            int patch = q.token[i] - SB_WORD_PATCH;
            if (patch < 0 || patch >= 64 || q.target[i] < 0) continue;
            const int *id = ids[patch], depth = q.type[i] == SB_ASK_depth;
            int second = i + 1 < q.n && q.target[i + 1] >= 0 ? q.target[i + 1] : 0;
            int same = depth ? id[2] == q.target[i] : id[0] == q.target[i] && id[1] == second;
            CHECK(same, "patch %d: map %d %d %d, answer %d", patch, id[0], id[1], id[2], q.target[i]);
            metres += q.type[i] == SB_ASK_depth;
            names += q.type[i] == SB_ASK_what;
        }
    }
    CHECK(metres == 64 * 30 && names == 60 * 30, "%d depths, %d names compared", metres, names);
    sb_sequence_free(&q);
    sb_dialogue_free(&d);
    sb_scene_free(&scene);
}
static void test_converse_all(void) {
    RUN(test_converse_answers);
    RUN(test_pair_answers);
    RUN(test_converse_signs);
    RUN(test_converse_up);
    RUN(test_converse_gap);
    RUN(test_converse_frame);
    RUN(test_converse_order);
    RUN(test_converse_deterministic);
    RUN(test_converse_counts);
    RUN(test_converse_refusals);
    RUN(test_words_compact);
    RUN(test_words_back);
    RUN(test_words_cover);
    RUN(test_words_differ);
    RUN(test_words_mix_equals_rec);
    RUN(test_words_sequence);
    RUN(test_words_map);
}
#endif
