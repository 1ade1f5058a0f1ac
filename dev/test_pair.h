// test_pair.h: checks of the questions about two pictures (data/pair.h); included by test_converse.h, which
// has the reading of a question.
//
// Points are carried by the independent ray of test_simulate.h, camera moves and turns come from the room's
// integers, overlap from a ray per pixel.
#ifndef SB_TEST_PAIR_H
#define SB_TEST_PAIR_H

// The numbers of the pictures that a text names, in order, from 0.
static int test_read_pictures(const char *text, int *picture) {
    int n = 0;
    for (const char *c = strstr(text, "icture "); c && n < 2; c = strstr(c + 1, "icture "))
        picture[n++] = atoi(c + 7) - 1;
    return n;
}

// The world point that a picture shows at text point i of the question: by the ray through the depth pixel
// that was asked about, or through the centre of the patch.
static int test_world_point(const TestAsked *a, const SbView *v, int i, double world[3]) {
    int x = a->point[i][0], y = a->point[i][1], g = a->mix->grid;
    double ray[2] = {0, 0}, d[3], from[3];
    int found = 0;
    if (g) {
        ray[0] = ((floor(x * g / 1000.) + .5) * v->w / g - .5 - v->k.cx) / v->k.fx;
        ray[1] = ((floor(y * g / 1000.) + .5) * v->h / g - .5 - v->k.cy) / v->k.fy;
        found = 1;
    }
    for (int q = 0; q < v->dw * v->dh && !found; q++) {
        ray[0] = (q % v->dw - v->dk.cx) / v->dk.fx;
        ray[1] = (q / v->dw - v->dk.cy) / v->dk.fy;
        found = (int)floor(1000 * (ray[0] * v->k.fx + v->k.cx + .5) / v->w) == x &&
                (int)floor(1000 * (ray[1] * v->k.fy + v->k.cy + .5) / v->h) == y;
    }
    for (int j = 0; j < 3; j++) {
        from[j] = v->pose[4 * j + 3];
        d[j] = ray[0] * v->pose[4 * j] + ray[1] * v->pose[4 * j + 1] + v->pose[4 * j + 2];
    }
    double t = test_room_ray(a->room, from, d).t;
    for (int j = 0; j < 3; j++) world[j] = from[j] + t * d[j];
    return found;
}

// Do rays through the four depth pixels around (x, y) of a picture end on different objects? Where they do,
// a depth image does not say which of them is at (x, y).
static int test_meet(const SbRoom *room, const SbView *v, double x, double y) {
    SbView depth = *v;
    int id[4];
    depth.k = v->dk;
    x = floor((x - v->k.cx) / v->k.fx * v->dk.fx + v->dk.cx);
    y = floor((y - v->k.cy) / v->k.fy * v->dk.fy + v->dk.cy);
    for (int k = 0; k < 4; k++) {
        double from[3], d[3];
        test_pixel_ray(&depth, x + k % 2, y + k / 2, from, d);
        id[k] = test_room_ray(room, from, d).id;
    }
    return id[0] != id[1] || id[0] != id[2] || id[0] != id[3];
}

// Where a world point lands in a picture; returns how much of the way to it is free: 1, the picture shows it;
// 0, it lies behind the camera.
static double test_free(const SbRoom *room, const SbView *v, const double world[3], double *x, double *y) {
    double z, eye[3], d[3];
    test_project(v, world, x, y, &z);
    for (int j = 0; j < 3; j++) eye[j] = v->pose[4 * j + 3], d[j] = world[j] - eye[j];
    return z > 0 ? fmin(test_room_ray(room, eye, d).t, 1) : 0;
}

// Where the point of the question, in picture `from`, lands in picture `to`, in thousandths; 0: not in sight.
// In sight to 1 %; where objects meet whatever lies between the depths of four pixels counts: they are within
// 15 % and 2 %, so what hides it is no nearer than that.
static int test_lands(const TestAsked *a, const SbView *from, const SbView *to, double at[2]) {
    double world[3], x, y;
    if (!test_world_point(a, from, 0, world)) return 0;
    double way = test_free(a->room, to, world, &x, &y);
    at[0] = 1000 * (x + .5) / to->w, at[1] = 1000 * (y + .5) / to->h;
    return way > .99 || (way > 1 / (1.15 * 1.02) && test_meet(a->room, to, x, y));
}

static int check_match(const TestAsked *a) {
    int said[5][2], g = a->mix->grid;
    double at[2];
    if (a->points != 1 || test_read_points(a->answer, said) != 1) return 0;
    if (!test_lands(a, a->all[a->picture[1]], a->all[a->picture[0]], at)) return 0;
    int column = said[0][0] * g / 1000, line = said[0][1] * g / 1000;
    if (g) return floor(at[0] * g / 1000) == column && floor(at[1] * g / 1000) == line;
    return fabs(at[0] - said[0][0] - .5) < .51 && fabs(at[1] - said[0][1] - .5) < .51;
}

// The camera of the i-th picture that the question names.
static const SbRoomCamera *test_camera(const TestAsked *a, int i) {
    return &a->room->camera[a->number[a->picture[i]]];
}
// The camera's move in the first picture's right, ahead and up, metres.
static void test_moved(const TestAsked *a, double moved[3]) {
    const SbRoomCamera *p = test_camera(a, 0), *q = test_camera(a, 1);
    double c = cos(p->yaw * 1e-3), s = sin(p->yaw * 1e-3), x = q->at[0] - p->at[0], y = q->at[1] - p->at[1];
    moved[0] = (c * x + s * y) * 1e-3, moved[1] = (c * y - s * x) * 1e-3,
    moved[2] = (q->at[2] - p->at[2]) * 1e-3;
}
// With a rationale, it states the second picture's camera before the first's.
static int test_stated_camera(const TestAsked *a) {
    double moved[3];
    char from[64];
    if (!a->mix->rationale) return !a->stated;
    snprintf(from, sizeof from, "from picture %d the camera of picture %d X ", a->picture[0] + 1,
             a->picture[1] + 1);
    test_moved(a, moved);
    return a->stated == 3 && test_near(a->state[0], moved[0]) && test_near(a->state[1], moved[2]) &&
           test_near(a->state[2], moved[1]) && !strncmp(a->answer, from, strlen(from));
}
static int check_moved(const TestAsked *a) {
    const int *p = test_camera(a, 0)->at, *q = test_camera(a, 1)->at;
    return a->lengths == 1 && test_stated_camera(a) &&
           test_near(a->length[0], hypot(hypot(p[0] - q[0], p[1] - q[1]), p[2] - q[2]) * 1e-3);
}
// The move from the first picture named to the second, along the first's right, forward and up.
static int test_move(const TestAsked *a, int axis, double sign, const char *opposite) {
    const SbRoomCamera *p = test_camera(a, 0), *q = test_camera(a, 1);
    double c = cos(p->yaw * 1e-3), s = sin(p->yaw * 1e-3), x = q->at[0] - p->at[0], y = q->at[1] - p->at[1];
    double moved[3] = {c * x + s * y, c * y - s * x, (double)(q->at[2] - p->at[2])};
    double value = sign * moved[axis];
    int yes = (value > 0) != (strstr(a->question, opposite) != NULL);
    return fabs(value) > 99.9 && !strcmp(a->answer, yes ? "yes" : "no");
}
static int check_aside(const TestAsked *a) { return test_move(a, 0, -1, "right"); }
static int check_ahead(const TestAsked *a) { return test_move(a, 1, 1, "back"); }
static int check_higher(const TestAsked *a) { return test_move(a, 2, 1, "down"); }
static int check_look(const TestAsked *a) {
    double pi = acos(-1), turn = (test_camera(a, 0)->yaw - test_camera(a, 1)->yaw) * 1e-3;
    turn = remainder(turn, 2 * pi) / pi * 180;
    int yes = (turn > 0) != (strstr(a->question, "right") != NULL);
    return fabs(turn) > 5.99 && fabs(turn) < 150.1 && !strcmp(a->answer, yes ? "yes" : "no");
}
static int check_angle(const TestAsked *a) {
    const SbRoomCamera *p = test_camera(a, 0), *q = test_camera(a, 1);
    double a0 = p->pitch * 1e-3, a1 = q->pitch * 1e-3, turn = (p->yaw - q->yaw) * 1e-3;
    double angle = acos(fmin(1, cos(a0) * cos(a1) * cos(turn) + sin(a0) * sin(a1))) / acos(-1) * 180;
    char unit[12];
    double said;
    if (sscanf(a->answer, "%lf %11s", &said, unit) != 2 || strcmp(unit, "degrees")) return 0;
    return fabs(said - angle) < .501;
}
static TestSpot test_spot_of(const TestAsked *a, int i, const TestAsked *own) {
    TestAsked b = *a;
    b.view = own->all[own->picture[i]];
    return test_spot(&b, i);
}
static int check_same(const TestAsked *a) {
    int p = test_spot_of(a, 0, a).id, q = test_spot_of(a, 1, a).id;
    if (a->points != 2 || p < SB_ID_OBJECT || q < SB_ID_OBJECT) return 0;
    if (p != q && !strcmp(a->scene->object[p - 1].name, a->scene->object[q - 1].name)) return 0;
    return !strcmp(a->answer, p == q ? "yes" : "no");
}
static int check_across(const TestAsked *a) {
    TestSpot spot[2] = {test_spot_of(a, 0, a), test_spot_of(a, 1, a)};
    if (a->stated != 6 * a->mix->rationale) return 0;
    for (int i = 0; i < 2 && a->stated; i++) {  // both before the first picture's camera
        double p[3];
        char from[80];
        snprintf(from, sizeof from, "from picture %d the point (%d, %d) of picture %d X ", a->picture[0] + 1,
                 a->point[i][0], a->point[i][1], a->picture[i] + 1);
        test_in_frame(a->scene, a->all[a->picture[0]], spot[i].world, p);
        for (int k = 0; k < 3; k++) if (!test_near(a->state[3 * i + k], p[k])) return 0;
        if (!strstr(a->answer, from)) return 0;
    }
    return a->points == 2 && a->lengths == 1 &&
           test_near(a->length[0], test_apart(spot[0].world, spot[1].world));
}
// With a rationale, its numbers from 3 n on say where the question's object i is before the camera of the
// picture that it names as number k; of so many such places in all.
static int test_seen_from(const TestAsked *a, int n, int i, int k, int places) {
    double p[3];
    char from[32];
    if (!a->mix->rationale) return !a->stated;
    snprintf(from, sizeof from, "from picture %d the ", a->picture[k] + 1);
    test_in_frame(a->scene, a->all[a->picture[k]], a->scene->object[a->object[i]].center, p);
    for (int j = 0; j < 3; j++) if (!test_near(a->state[3 * n + j], p[j])) return 0;
    return a->stated == 3 * places && strstr(a->answer, from);
}
static int check_between(const TestAsked *a) {
    double(*point)[3] = test_points(), centre[2][3], mean;
    if (a->objects != 2 || a->lengths != 1) return 0;
    if (!test_seen_from(a, 0, 0, 0, 2) || !test_seen_from(a, 1, 1, 0, 2)) return 0;
    for (int i = 0; i < 2; i++) {
        const SbObject *o = a->scene->object + a->object[i];
        int count = test_surface(o, TEST_SIDE, point), own = test_pixels(a->all[a->picture[i]], o->id, &mean);
        if (own < 25 * a->all[0]->dw * a->all[0]->dh / 4096) return 0;
        if (test_pixels(a->all[a->picture[1 - i]], o->id, &mean)) return 0;
        for (int k = 0; k < 3; k++) {
            double low = 1e9, high = -1e9;
            for (int n = 0; n < count; n++) low = fmin(low, point[n][k]), high = fmax(high, point[n][k]);
            centre[i][k] = (low + high) / 2;
        }
    }
    return test_near(a->length[0], test_apart(centre[0], centre[1]));
}
// The share of a's pixels of which the depth image of b does not say whether b shows them: objects meet where
// they land, or they are hidden by less than 2 %.
static double test_undecided(const SbRoom *room, const SbView *a, const SbView *b) {
    long undecided = 0;
    for (int k = 0; k < a->w * a->h; k++) {
        double from[3], d[3], p[3], x, y;
        test_pixel_ray(a, k % a->w, k / a->w, from, d);
        double t = test_room_ray(room, from, d).t;
        for (int j = 0; j < 3; j++) p[j] = from[j] + t * d[j];
        double way = test_free(room, b, p, &x, &y);
        if (way == 0 || !(x > -.5 && y > -.5 && x < b->w - .5 && y < b->h - .5)) continue;
        undecided += test_meet(room, b, x, y) || (way > 1 / 1.02 && way < .999);
    }
    return (double)undecided / (double)(a->w * a->h);
}
// Rounding to tens, at most 3 (2 off the border of a step), and what a depth image cannot decide.
static int check_overlap(const TestAsked *a) {
    SbView view[2];
    double said;
    if (sscanf(a->answer, "%lf %%", &said) != 1 || fmod(said, 10) != 0) return 0;
    for (int i = 0; i < 2; i++) {
        view[i] = *a->all[a->picture[i]];
        view[i].k = view[i].dk, view[i].w = view[i].dw, view[i].h = view[i].dh;
    }
    double undecided = test_undecided(a->room, view, view + 1);
    return fabs(said - 100 * test_overlap(a->room, view, view + 1)) < 3.001 + 100 * undecided;
}

// ---- the questions that the miniature has no words for

static int check_choose(const TestAsked *a) {
    static const char *const name[4] = {"first", "second", "third", "fourth"};
    double at[2], most = a->mix->grid ? 500. / a->view->dw : .51;  // a patch: half a pixel
    if (a->points != 5 || !test_lands(a, a->all[a->picture[1]], a->all[a->picture[0]], at)) return 0;
    const int(*option)[2] = a->point + 1;
    for (int k = 0; k < 4; k++) {
        double off = fmax(fabs(option[k][0] + .5 - at[0]), fabs(option[k][1] + .5 - at[1]));
        if (!strcmp(a->answer, name[k]) ? off > most : off < 99) return 0;
    }
    return 1;
}
static int check_shift(const TestAsked *a) {
    static const char *const way[3][2] = {{"left", "right"}, {"backward", "forward"}, {"down", "up"}};
    double moved[3];
    const char *at = a->end;
    test_moved(a, moved);
    if (a->lengths != 3 || !test_stated_camera(a)) return 0;
    for (int k = 0; k < 3; k++) {
        at = strstr(at, way[k][moved[k] > 0]);
        if (!at || !test_near(a->length[k], fabs(moved[k]))) return 0;
    }
    return 1;
}
// Of moves in 10 cm and turns in 6 degrees the largest, 1.5 times the next.
static int check_action(const TestAsked *a) {
    static const char *const way[5][2] = {{"move left", "move right"}, {"move backward", "move forward"},
                                          {"move down", "move up"}, {"turn left", "turn right"},
                                          {"turn down", "turn up"}};
    const SbRoomCamera *p = test_camera(a, 0), *q = test_camera(a, 1);
    double done[5], pi = acos(-1);
    test_moved(a, done);
    for (int k = 0; k < 3; k++) done[k] /= .1;
    done[3] = remainder((p->yaw - q->yaw) * 1e-3, 2 * pi) * 180 / pi / 6;
    done[4] = (q->pitch - p->pitch) * 1e-3 * 180 / pi / 6;
    for (int k = 0; k < 5; k++) {
        int least = fabs(done[k]) > .999 && fabs(done[k]) < (k == 3 ? 25.1 : 1e9);
        for (int i = 0; i < 5; i++) least &= i == k || fabs(done[k]) > 1.499 * fabs(done[i]);
        if (!strcmp(a->answer, way[k][done[k] > 0])) return least;
    }
    return 0;
}
static int check_turn(const TestAsked *a) {
    const SbRoomCamera *p = test_camera(a, 0), *q = test_camera(a, 1);
    double yaw = remainder((p->yaw - q->yaw) * 1e-3, 2 * acos(-1)) * 180 / acos(-1);   // to the right
    double pitch = (q->pitch - p->pitch) * 1e-3 * 180 / acos(-1);
    int said[2];
    char side[8], way[8];
    if (sscanf(a->answer, "%d degree%*[s] to the %7[a-z], %d degree%*[s] %7s", &said[0], side, &said[1],
               way) != 4 &&
        sscanf(a->answer, "%d degree%*[s] to the %7[a-z], %d degree %7s", &said[0], side, &said[1], way) != 4)
        return sscanf(a->answer, "%d degree to the", said) == 1 && fabs(fabs(yaw) - 1) < .51;
    return fabs(yaw) < 150.1 && fabs(fabs(yaw) - said[0]) < .51 && fabs(fabs(pitch) - said[1]) < .51 &&
           (!said[0] || !strcmp(side, yaw > 0 ? "right" : "left")) &&
           (!said[1] || !strcmp(way, pitch > 0 ? "up" : "down"));
}
static int check_tilt(const TestAsked *a) {
    double up = (test_camera(a, 0)->pitch - test_camera(a, 1)->pitch) * 1e-3 * 180 / acos(-1);
    int yes = (up > 0) != (strstr(a->question, "down") != NULL);
    return fabs(up) > 5.99 && !strcmp(a->answer, yes ? "yes" : "no");
}
// Pixels of the i-th object of the question in the k-th picture that it names.
static int test_pixels_in(const TestAsked *a, int i, int k, double *mean) {
    return test_pixels(a->all[a->picture[k]], a->scene->object[a->object[i]].id, mean);
}
static int test_enough(const TestAsked *a, int pixels) {
    return pixels >= 25 * a->all[0]->dw * a->all[0]->dh / 4096;
}
static int check_find(const TestAsked *a) {
    const SbView *v = a->all[a->picture[0]];
    int said[5][2];
    double mean = 0, height = 0, count = 0;
    if (a->objects != 1 || test_read_points(a->answer, said) != 1) return 0;
    if (!test_enough(a, test_pixels_in(a, 0, 0, &mean)) || !test_enough(a, test_pixels_in(a, 0, 1, &mean)))
        return 0;
    mean = 0;
    for (int q = 0; q < v->dw * v->dh; q++) {
        if (v->mask[q] != a->scene->object[a->object[0]].id) continue;
        mean += (q % v->dw - v->dk.cx) / v->dk.fx * v->k.fx + v->k.cx;
        height += (q / v->dw - v->dk.cy) / v->dk.fy * v->k.fy + v->k.cy;
        count++;
    }
    double x = 1000 * (mean / count + .5) / v->w, y = 1000 * (height / count + .5) / v->h;
    x = fmin(fmax(x, 0), 999.9), y = fmin(fmax(y, 0), 999.9);
    return fabs(said[0][0] + .5 - x) < .51 && fabs(said[0][1] + .5 - y) < .51;
}
static int check_grows(const TestAsked *a) {
    double mean, p, q;
    if (a->objects != 1) return 0;
    p = test_pixels_in(a, 0, 0, &mean), q = test_pixels_in(a, 0, 1, &mean);
    int yes = (p > q) != (strstr(a->question, "less") != NULL);
    return fmax(p, q) > 1.2499 * fmin(p, q) && test_enough(a, (int)fmin(p, q)) &&
           !strcmp(a->answer, yes ? "yes" : "no");
}
static int check_motion(const TestAsked *a) {
    double p[3], q[3];
    if (a->objects != 1 || a->lengths != 3) return 0;
    const double *centre = a->scene->object[a->object[0]].center;
    test_in_frame(a->scene, a->all[a->picture[0]], centre, p);
    test_in_frame(a->scene, a->all[a->picture[1]], centre, q);
    for (int k = 0; k < 3; k++)
        if (!test_near(a->length[k], q[k] - p[k])) return 0;
    return test_seen_from(a, 0, 0, 0, 2) && test_seen_from(a, 1, 0, 1, 2);
}
static double test_from_camera(const TestAsked *a, int i, int k) {
    const double *pose = a->all[a->picture[k]]->pose, eye[3] = {pose[3], pose[7], pose[11]};
    return test_apart(eye, a->scene->object[a->object[i]].center);
}
static int check_unseen(const TestAsked *a) {
    double mean;
    return a->objects == 1 && a->lengths == 1 && test_enough(a, test_pixels_in(a, 0, 0, &mean)) &&
           !test_pixels_in(a, 0, 1, &mean) && test_near(a->length[0], test_from_camera(a, 0, 1)) &&
           test_seen_from(a, 0, 0, 1, 1);
}
static int check_nearer(const TestAsked *a) {
    double mean, p = test_from_camera(a, 0, 0), q = test_from_camera(a, 1, 0);
    int other = (p > q) != (strstr(a->question, "farther") != NULL);
    if (a->stated != 2 * a->mix->rationale) return 0;
    if (a->stated && (!test_near(a->state[0], p) || !test_near(a->state[1], q))) return 0;
    return a->objects == 2 && test_enough(a, test_pixels_in(a, 0, 0, &mean)) && fabs(p - q) > .0999 &&
           test_enough(a, test_pixels_in(a, 1, 1, &mean)) && !test_pixels_in(a, 1, 0, &mean) &&
           !strcmp(a->end, a->scene->object[a->object[other]].name);
}
static int check_appears(const TestAsked *a) {
    int first[2] = {9, 9};
    double mean;
    for (int i = 0; i < 2 && a->objects == 2; i++)
        for (int k = 2; k >= 0; k--) {
            int pixels = test_pixels(a->all[k], a->scene->object[a->object[i]].id, &mean);
            if (pixels) first[i] = k;
            if (first[i] == k && !test_enough(a, pixels)) first[i] = 8;
        }
    return a->objects == 2 && first[0] != first[1] && first[0] < 3 && first[1] < 3 &&
           !strcmp(a->answer, a->scene->object[a->object[first[0] > first[1]]].name);
}

// ---- overlap, and which views go together

// Overlap from depth images against a ray per pixel: 97 % of pairs within 2 percent, none off by more than 6.
static void test_pair_overlap(void) {
    SbSimConfig c = test_sim_config(64, 64, 6, 2);
    SbScene scene;
    SbRoom room;
    long pairs = 0, off = 0;
    double worst = 0;
    memset(&scene, 0, sizeof scene);
    c.antialias = 1, c.overlap_min = 20, c.overlap_max = 70;
    for (uint64_t i = 0; i < 20; i++) {
        sb_room_make(&room, &c, sb_pool(SB_POOL_TEST, 300 + i));
        sb_room_scene(&scene, &room, &c);
        for (int k = 0; k < 36; k++) {
            const SbView *a = scene.view + k / 6, *b = scene.view + k % 6;
            if (a == b) continue;
            double error = fabs(sb_overlap(a, b) - test_overlap(&room, a, b));
            pairs++;
            off += error > .02;
            worst = fmax(worst, error);
        }
    }
    CHECK(pairs == 600 && off <= 18 && worst < .06, "%ld of %ld pairs are off, by up to %.3f", off, pairs,
          worst);
    double alone = sb_overlap(scene.view, scene.view);
    CHECK(alone == 1, "a view shows %.3f of itself", alone);
    sb_scene_free(&scene);
}

// Overlaps by hand, a view in each bin for view 0: each bin comes equally often; a long list is filled.
static void test_pair_draw(void) {
    static const double with[6] = {1, .02, .1, .3, .6, .9};
    double overlap[36];
    long count[6] = {0};
    for (int k = 0; k < 36; k++) overlap[k] = k % 6 == 0 ? with[k / 6] : k / 6 == 0 ? with[k % 6] : 0;
    for (uint64_t i = 0; i < 3000; i++) {
        int view[8] = {0}, twice = 0;
        SbRandom r = sb_random(3, i);
        int n = sb_draw_views(overlap, 6, i % 2 ? 2 : 8, &r, view);
        CHECK(n == (i % 2 ? 2 : 6) && view[0] == 0, "%d views, the first %d", n, view[0]);
        for (int a = 0; a < n; a++)
            for (int b = 0; b < a; b++) twice += view[a] == view[b];
        CHECK(twice == 0, "%d views are there twice", twice);
        count[view[1]] += i % 2 != 0;
    }
    for (int v = 1; v < 6; v++)         // 300 of 1500 each; 5 sigma are 77
        CHECK(labs(count[v] - 300) < 77, "view %d, overlap %.2f: drawn %ld times", v, with[v], count[v]);
}
static void test_pair_all(void) {
    RUN(test_pair_overlap);
    RUN(test_pair_draw);
}
#endif
