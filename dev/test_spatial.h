// test_spatial.h: checks of the questions of data/spatial.h, and of the pixel questions that the miniature
// has no words for; included by test_converse.h, which has the reading of a question.
//
// Directions come from dot products on the floor of the world (z is up there), contact and floor plans from
// points, normals from the independent ray of test_simulate.h.
#ifndef SB_TEST_SPATIAL_H
#define SB_TEST_SPATIAL_H

static int test_names(const TestAsked *a, const char *answer, int object) {
    return !strcmp(answer, a->scene->object[object].name);
}
// The rationale states the centres of the objects given, or there is none.
static int test_stated(const TestAsked *a, const int *object, int count) {
    int right = a->stated == (a->mix->rationale ? 3 * count : 0);
    for (int i = 0; i < a->stated && right; i++)
        right &= test_near(a->state[i], a->body[object[i / 3]].centre[i % 3]);
    return right;
}

// ---- pixels

// The depth pixel at text point 0: its own, or the middle one of the patch.
static int test_pixel_at(const TestAsked *a) {
    const SbView *v = a->view;
    int x = a->point[0][0], y = a->point[0][1], g = a->mix->grid, best = 0;
    double least = 1e9;
    for (int q = 0; q < v->dw * v->dh; q++) {
        double u = (q % v->dw - v->dk.cx) / v->dk.fx * v->k.fx + v->k.cx;
        double w = (q / v->dw - v->dk.cy) / v->dk.fy * v->k.fy + v->k.cy;
        double cx = g ? (floor(x * g / 1000.) + .5) * v->w / g - .5 : (x + .5) * v->w / 1000. - .5;
        double cy = g ? (floor(y * g / 1000.) + .5) * v->h / g - .5 : (y + .5) * v->h / 1000. - .5;
        double off = hypot(u - cx - 1e-9, w - cy - 1e-9);
        if (off < least) least = off, best = q;
    }
    return best;
}
static int check_facing(const TestAsked *a) {
    static const char *const name[5] = {"up", "down", "towards us", "right", "left"};
    const SbView *v = a->view;
    double from[3], d[3], tip[3], n[3], n0[3], cosine = 0;
    int q = test_pixel_at(a);
    for (int j = 0; j < 3; j++) {
        from[j] = v->pose[4 * j + 3];
        d[j] = (q % v->dw - v->dk.cx) / v->dk.fx * v->pose[4 * j] +
               (q / v->dw - v->dk.cy) / v->dk.fy * v->pose[4 * j + 1] + v->pose[4 * j + 2];
    }
    TestHit hit = test_room_ray(a->room, from, d);
    for (int j = 0; j < 3; j++) tip[j] = from[j] + hit.normal[j];
    test_in_frame(a->scene, v, tip, n);
    test_in_frame(a->scene, v, from, n0);
    for (int j = 0; j < 3; j++) n[j] -= n0[j];
    const double part[5] = {n[1], -n[1], -n[2], n[0], -n[0]};
    for (int k = 0; k < 5; k++)
        if (!strcmp(a->answer, name[k])) cosine = part[k];
    return a->points == 1 && cosine > cos(40 / 180. * acos(-1));  // 30 degrees, and an edge half a pixel off
}
static int check_rank(const TestAsked *a) {
    int said[5][2], seen = 0;
    TestAsked b = *a;
    double z[3];
    if (a->points != 3 || test_read_points(a->answer, said) != 3) return 0;
    memcpy(b.point, said, sizeof said);
    for (int i = 0; i < 3; i++) {
        z[i] = test_spot(&b, i).depth;
        for (int k = 0; k < 3; k++) seen |= !memcmp(said[i], a->point[k], sizeof said[i]) << k;
    }
    for (int i = 0; i < 2; i++)
        if (a->mix->grid ? log(z[i + 1] / z[i]) < .1499 : z[i + 1] < 1.0299 * z[i] || z[i + 1] < z[i] + .0499)
            return 0;
    return seen == 7;
}

// ---- objects: the other half of a relation, choice of two

static int check_wider(const TestAsked *a) {
    const TestBody *p = test_named(a, 0), *q = test_named(a, 1);
    return test_yes(a, p->high[0] - p->low[0], q->high[0] - q->low[0], .098, 1, "thinner");
}
static int test_which(const TestAsked *a, int (*check)(const TestAsked *)) {
    TestAsked b = *a;
    b.names = 1;
    return check(&b);
}
static int check_which_left(const TestAsked *a) { return test_which(a, check_left); }
static int check_which_front(const TestAsked *a) { return test_which(a, check_front); }
static int check_which_above(const TestAsked *a) { return test_which(a, check_above); }
static int check_which_taller(const TestAsked *a) { return test_which(a, check_taller); }
static int check_which_bigger(const TestAsked *a) { return test_which(a, check_bigger); }
static int check_which_wider(const TestAsked *a) { return test_which(a, check_wider); }

// ---- directions on the floor of the world, z up

typedef struct { double x, y; } TestPlan;
static TestPlan test_plan(const TestAsked *a, int object) {
    const double *c = a->scene->object[object].center;
    TestPlan p = {c[0], c[1]};
    return p;
}
static TestPlan test_camera_plan(const TestAsked *a) {
    TestPlan p = {a->view->pose[3], a->view->pose[7]};
    return p;
}
// Degrees clockwise from "eye looks at ahead" to "eye to thing"; far: both at least half a metre off.
static double test_clockwise(TestPlan eye, TestPlan ahead, TestPlan thing, int *far_off) {
    double fx = ahead.x - eye.x, fy = ahead.y - eye.y, tx = thing.x - eye.x, ty = thing.y - eye.y;
    *far_off = hypot(fx, fy) > .499 && hypot(tx, ty) > .499;
    return atan2(tx * fy - ty * fx, tx * fx + ty * fy) * 180 / acos(-1);
}
// The quadrant in words, given that the angle is 10 degrees and more off its border.
static const char *test_quadrant(double clockwise, const char *const name[4]) {
    if (fabs(clockwise) < 35.01) return name[0];
    if (clockwise > 54.99 && clockwise < 125.01) return name[1];
    if (fabs(clockwise) > 144.99) return name[2];
    return clockwise < -54.99 && clockwise > -125.01 ? name[3] : "(too close to call)";
}
static int check_clock(const TestAsked *a) {
    TestPlan eye = test_plan(a, a->object[0]), ahead = eye;
    int far_off, hour;
    ahead.x += a->view->pose[2] * 100, ahead.y += a->view->pose[6] * 100;
    double angle = test_clockwise(eye, ahead, test_plan(a, a->object[1]), &far_off);
    if (sscanf(a->end, "%d o'clock", &hour) != 1 || hour < 1 || hour > 12 || !test_stated(a, a->object, 2))
        return 0;
    return a->objects == 2 && far_off && fabs(remainder(angle - 30 * hour, 360)) < 12.01;
}
static int check_stand(const TestAsked *a) {
    static const char *const name[4] = {"in front of you", "to the right", "behind you", "to the left"};
    int far_off;
    double angle = test_clockwise(test_plan(a, a->object[0]), test_plan(a, a->object[1]),
                                  test_plan(a, a->object[2]), &far_off);
    return a->objects == 3 && far_off && test_stated(a, a->object, 3) &&
           !strcmp(a->end, test_quadrant(angle, name));
}
static int check_turned(const TestAsked *a) {
    int far_off;
    double angle = test_clockwise(test_plan(a, a->object[0]), test_camera_plan(a),
                                  test_plan(a, a->object[1]), &far_off);
    int yes = (angle < 0) != (strstr(a->question, "right") != NULL);
    return a->objects == 2 && far_off && fabs(angle) > 9.99 && fabs(angle) < 170.01 &&
           test_stated(a, a->object, 2) && !strcmp(a->end, yes ? "yes" : "no");
}
static int check_route(const TestAsked *a) {
    static const char *const name[4] = {"straight on", "right", "back", "left"};
    char expected[64];
    int far_off, all = a->objects == 4;
    double turn[2];
    for (int k = 0; k < 2 && all; k++) {
        TestPlan from = test_plan(a, a->object[k]), at = test_plan(a, a->object[k + 1]);
        TestPlan on = {2 * at.x - from.x, 2 * at.y - from.y};
        turn[k] = test_clockwise(at, on, test_plan(a, a->object[k + 2]), &far_off);
        all &= far_off;
    }
    if (!all) return 0;
    snprintf(expected, sizeof expected, "%s, then %s", test_quadrant(turn[0], name),
             test_quadrant(turn[1], name));
    return test_stated(a, a->object, 4) && !strcmp(a->end, expected);
}
static int check_bearing(const TestAsked *a) {
    const TestBody *b = test_named(a, 0);
    int said, used = 0;
    double angle = atan2(b->centre[0], b->centre[2]) * 180 / acos(-1);
    if (sscanf(a->end, "%d degree%*[s] to the %n", &said, &used) != 1 || !used) return 0;
    return a->objects == 1 && test_stated(a, a->object, 1) && fabs(angle) > 2.99 &&
           fabs(fabs(angle) - said) < .51 && !strcmp(a->end + used, angle > 0 ? "right" : "left");
}

// ---- support, contact, counting, sizes

static int check_on(const TestAsked *a) {
    int carry = strstr(a->question, "carry") != NULL, inside = 1, outside = 1;
    const SbObject *p = a->scene->object + a->object[carry], *q = a->scene->object + a->object[!carry];
    const TestBody *upper = test_named(a, carry), *lower = test_named(a, !carry);
    double apart = fabs(upper->low[1] - lower->high[1]), at[3] = {p->center[0], p->center[1], q->center[2]};
    outside = test_away(q, at) > .0485;
    for (int k = 0; k < 32; k++) {
        double near_by[3] = {at[0] + .049 * cos(k * acos(-1) / 16), at[1] + .049 * sin(k * acos(-1) / 16),
                             at[2]};
        inside &= test_away(q, near_by) < 1e-9;
    }
    int states =
        a->stated == 2 && test_near(a->state[0], upper->low[1]) && test_near(a->state[1], lower->high[1]);
    if (a->mix->rationale && !states) return 0;
    if (!strcmp(a->end, "yes")) return a->objects == 2 && apart < .0225 && inside;
    return a->objects == 2 && !strcmp(a->end, "no") && (apart > .0475 || outside);
}
static int check_proximity(const TestAsked *a) {
    int closer = strstr(a->question, "closer") != NULL, opposite = strstr(a->question, "farther") != NULL;
    const TestBody *p = test_named(a, closer), *q = test_named(a, !closer), *r = test_named(a, 2);
    double near_by = test_apart(p->centre, q->centre), other = test_apart(p->centre, r->centre);
    int states = a->stated == 2 && test_near(a->state[0], near_by) && test_near(a->state[1], other);
    if (a->mix->rationale && !states) return 0;
    return a->objects == 3 && fabs(near_by - other) > .098 &&
           !strcmp(a->end, (near_by < other) != opposite ? "yes" : "no");
}
// The least distance from a surface point of object 0 to object 1; plan: as seen from above.
static double test_gap(const TestAsked *a, int plan) {
    double(*point)[3] = test_points(), least = 1e9;
    const SbObject *o = a->scene->object, *to = o + a->object[1];
    int count = test_surface(o + a->object[0], TEST_FINE, point);
    for (int i = 0; i < count; i++) {
        if (plan) point[i][2] = to->center[2];
        least = fmin(least, test_away(to, point[i]));
    }
    return least;
}
static int check_touch(const TestAsked *a) {
    double gap = test_gap(a, 0);
    int opposite = strstr(a->question, "space") != NULL, yes = !strcmp(a->end, opposite ? "no" : "yes");
    if (a->mix->rationale && (a->stated != 1 || fabs(a->state[0] - gap) > .02)) return 0;
    return a->objects == 2 && (yes ? gap < .02 : gap > .048) &&
           (yes || !strcmp(a->end, opposite ? "yes" : "no"));
}
static int check_fit(const TestAsked *a) {
    double width, gap = test_gap(a, 1);
    int stuck = strstr(a->question, "stuck") != NULL;
    if (test_read_lengths(a->question, a->question + strlen(a->question), &width, 1) != 1) return 0;
    if (a->mix->rationale && (a->stated != 1 || !test_near(a->state[0], gap))) return 0;
    return a->objects == 2 && width > .299 && width < 2.001 && fabs(gap - width) > .095 &&
           !strcmp(a->end, (gap > width) != stuck ? "yes" : "no");
}
// Pixels of any object that is no surface, and whether a few or enough of them.
static int test_visible(const TestAsked *a, int object) {
    double mean;
    int pixels = test_pixels(a->view, object + 1, &mean);
    return pixels == 0 ? 0 : pixels >= 25 * a->view->dw * a->view->dh / 4096 ? 2 : 1;
}
static int check_count(const TestAsked *a) {
    char kind[32];
    const char *of = strstr(a->question, "of the kind ");
    int said, count = 0;
    if (!of || sscanf(of, "of the kind %31[a-z]", kind) != 1 || sscanf(a->answer, "%d", &said) != 1) return 0;
    for (int i = 3; i < a->scene->objects; i++) {
        if (strcmp(a->scene->object[i].category, kind)) continue;
        if (test_visible(a, i) == 1) return 0;
        count += test_visible(a, i) == 2;
    }
    return said == count;
}
static int check_exists(const TestAsked *a) {
    int opposite = strstr(a->question, "missing") != NULL, yes = !strcmp(a->answer, opposite ? "no" : "yes");
    int best = 0, half = 0;
    for (int i = 3; i < a->scene->objects; i++)
        if (a->objects == 1 && test_names(a, a->scene->object[a->object[0]].name, i)) {
            half |= test_visible(a, i) == 1;
            best = test_visible(a, i) > best ? test_visible(a, i) : best;
        }
    return a->objects == 1 && !strcmp(a->answer, yes != opposite ? "yes" : "no") &&
           (yes ? best == 2 : best == 0 && !half);
}
static int check_sizes(const TestAsked *a) {
    int said[3];
    if (a->objects != 3 || test_read_objects(a->scene, a->end, strlen(a->end), said, 3) != 3) return 0;
    for (int k = 0; k < 2; k++)
        if (a->body[said[k]].volume < 1.23 * a->body[said[k + 1]].volume) return 0;
    for (int k = 0; k < 9 && a->mix->rationale; k++) {
        static const int axis[3] = {0, 2, 1};
        if (a->stated != 9 || !test_near(a->state[k], a->scene->object[a->object[k / 3]].size[axis[k % 3]]))
            return 0;
    }
    return said[0] != said[1] && said[1] != said[2] && said[0] != said[2];
}

// ---- lengths

static double test_object_depth(const TestAsked *a, int object) {
    double x, y, z;
    test_project(a->view, a->scene->object[object].center, &x, &y, &z);
    return z;
}
static int check_away(const TestAsked *a) {
    double eye[3] = {a->view->pose[3], a->view->pose[7], a->view->pose[11]};
    return a->objects == 1 && a->lengths == 1 && test_stated(a, a->object, 1) &&
           test_near(a->length[0], test_apart(eye, a->scene->object[a->object[0]].center));
}
static int check_deep(const TestAsked *a) {
    return a->objects == 1 && a->lengths == 1 && test_near(a->length[0], test_object_depth(a, a->object[0]));
}
static int check_deeper(const TestAsked *a) {
    double p = test_object_depth(a, a->object[0]), q = test_object_depth(a, a->object[1]);
    int states = a->stated == 2 && test_near(a->state[0], p) && test_near(a->state[1], q);
    return a->objects == 2 && a->lengths == 1 && states == (a->mix->rationale != 0) &&
           test_near(a->length[0], fabs(p - q));
}
static int check_clearance(const TestAsked *a) {
    const TestBody *p = test_named(a, 0), *q = test_named(a, 1);
    double over = p->low[1] - q->high[1], under = q->low[1] - p->high[1], gap = fmax(over, under);
    if (a->objects != 2 || fabs(gap) < .048 || (a->mix->rationale && a->stated != 2)) return 0;
    double said = a->mix->rationale ? a->state[0] - a->state[1] : gap;  // no gap: of either, or of the other
    if (fabs(said - gap) > .015 && (gap > 0 || fmin(fabs(said - over), fabs(said - under)) > .015)) return 0;
    return gap > 0 ? a->lengths == 1 && test_near(a->length[0], gap)
                   : !strcmp(a->end, "none, their heights overlap");
}
static int check_room(const TestAsked *a) {
    double said = 0, area = a->room->size[0] * 1e-3 * a->room->size[1] * 1e-3;
    return sscanf(a->answer, "%lf square metres", &said) == 1 && fabs(said - area) < .0501;
}
#endif
