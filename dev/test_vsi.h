// test_vsi.h: tests of data/vsi.h (VSI-Bench's score) and data/vsi_ask.h (questions of its types); included
// by test_spatialboost.c. test_converse.h has the objects as points.
//
// The scores' check values were computed with the benchmark's own arithmetic (Python, numpy), not with ours;
// an answer is recomputed from the TEXT of the row: gaps from dense points of the surfaces, directions from
// plain angles in the world's x and y, what is seen from the mask's pixels.
#ifndef SB_TEST_VSI_H
#define SB_TEST_VSI_H
#include "../data/vsi_ask.h"
#include "test_converse.h"

// ---- one score

static void test_vsi_mra(void) {
    static const double row[][3] = {
        {9, 10, .9}, {9.5, 10, 1}, {5, 10, .1}, {3, 4, .6}, {8, 10, .6}, {1.2, 1, .7}, {15, 10, .1},
        {0, 5, 0}, {4, 4, 1}, {NAN, 5, 0}, {INFINITY, 5, 0}, {-4, 4, 0}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        double found = sb_vsi_mra(row[i][0], row[i][1]);
        CHECK(fabs(found - row[i][2]) < 1e-12, "(%g, %g) scores %g, expected %g", row[i][0], row[i][1], found,
              row[i][2]);
    }
}

typedef struct { int type; const char *reply, *truth; double score; } TestVsi;

static void test_vsi_replies(void) {
    static const TestVsi row[] = {
        {SB_VSI_COUNT, "9", "10", .9}, {SB_VSI_COUNT, "12 m", "12", 1}, {SB_VSI_COUNT, "12m", "12", 0},
        {SB_VSI_COUNT, " 12", "12", 0}, {SB_VSI_COUNT, "12.", "12", 1}, {SB_VSI_COUNT, "12\n", "12", 1},
        {SB_VSI_COUNT, "\t12..", "12", 1}, {SB_VSI_COUNT, "nan", "12", 0}, {SB_VSI_COUNT, "-inf", "12", 0},
        {SB_VSI_COUNT, "", "12", 0}, {SB_VSI_COUNT, "twelve", "12", 0}, {SB_VSI_COUNT, "0xc", "12", 0},
        {SB_VSI_COUNT, "1_2", "12", 1}, {SB_VSI_COUNT, "1__2", "12", 0}, {SB_VSI_COUNT, "_12", "12", 0},
        {SB_VSI_COUNT, "1.2e1", "12", 1}, {SB_VSI_COUNT, "1.2e", "12", 0}, {SB_VSI_COUNT, "+12.0", "12", 1},
        {SB_VSI_COUNT, "1e999", "12", 0}, {SB_VSI_COUNT, ".", "12", 0}, {SB_VSI_COUNT, "12,0", "12", 0},
        {SB_VSI_DISTANCE, ".5", "0.5", 1}, {SB_VSI_DISTANCE, "5.e-1", "0.5", 1},
        {SB_VSI_NEAREST, "A", "A", 1}, {SB_VSI_NEAREST, "a.", "A", 1}, {SB_VSI_NEAREST, "A)", "A", 0},
        {SB_VSI_NEAREST, " A", "A", 0}, {SB_VSI_NEAREST, "A. the chair", "A", 1},
        {SB_VSI_NEAREST, "A.\n", "A", 0}, {SB_VSI_NEAREST, "B", "A", 0}, {SB_VSI_NEAREST, "AA", "A", 0},
        {SB_VSI_ROUTE, "A\n", "a", 1}, {SB_VSI_HARD, "", "A", 0}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        double found = sb_vsi_score(row[i].type, row[i].reply, row[i].truth);
        CHECK(fabs(found - row[i].score) < 1e-12, "\"%s\" for \"%s\" scores %g, expected %g", row[i].reply,
              row[i].truth, found, row[i].score);
    }
}

// ---- files

static const char *test_vsi_file(const char *name, const char *text) {
    const char *path = test_path(name);
    sb_write_file(path, text, strlen(text));
    return path;
}
static void test_vsi_try(const char *questions, const char *replies) {
    SbVsiRows rows;
    const char *q = test_vsi_file("q.jsonl", questions);
    sb_vsi_read(&rows, q);
    sb_vsi_read_replies(&rows, q, test_vsi_file("p.jsonl", replies));
}

#define TEST_VSI_Q(id, type, truth) \
    "{\"id\": " id ", \"dataset\": \"d\", \"scene_name\": \"s\", \"question_type\": \"" type "\", " \
    "\"question\": \"?\", \"ground_truth\": \"" truth "\", \"options\": null}\n"
#define TEST_VSI_P(id, reply) "{\"id\": " id ", \"prediction\": \"" reply "\"}\n"

// Tasks that are there, by hand: count (1 + .6) / 2 = .8, distance .1, direction: easy 1, hard (0 + 1) / 2,
// hence .75, order 0. numeric .45, choice .375, all .4125. The commonest count is 4: (1 + 0) / 2.
static void test_vsi_table(void) {
    SbVsiRows rows;
    SbVsiScores s;
    const char *q = test_vsi_file("q.jsonl",
        TEST_VSI_Q("30", "object_counting", "4") TEST_VSI_Q("2", "object_counting", "10") "\n"
        TEST_VSI_Q("7", "object_abs_distance", "10.0") TEST_VSI_Q("8", "object_rel_direction_easy", "A")
        TEST_VSI_Q("9", "object_rel_direction_hard", "B") TEST_VSI_Q("10", "object_rel_direction_hard", "B")
        TEST_VSI_Q("0", "obj_appearance_order", "C"));
    const char *p = test_vsi_file("p.jsonl", TEST_VSI_P("2", "8") TEST_VSI_P("7", "5") TEST_VSI_P("8", "a.")
        TEST_VSI_P("9", "C") TEST_VSI_P("10", "B") TEST_VSI_P("0", "") TEST_VSI_P("30", "4"));
    sb_vsi_read(&rows, q);
    sb_vsi_read_replies(&rows, q, p);
    sb_vsi_scores(&s, &rows);
    CHECK(rows.rows == 7 && s.n[SB_VSI_COUNT] == 2 && s.n[SB_VSI_ROUTE] == 0, "%d rows", rows.rows);
    CHECK(fabs(s.task[0] - 80) < 1e-9 && fabs(s.task[1] - 10) < 1e-9 && fabs(s.task[5] - 75) < 1e-9,
          "count %g, distance %g, direction %g", s.task[0], s.task[1], s.task[5]);
    CHECK(isnan(s.task[2]) && isnan(s.task[6]) && s.task[7] == 0, "size %g, route %g, order %g", s.task[2],
          s.task[6], s.task[7]);
    CHECK(fabs(s.numeric - 45) < 1e-9 && fabs(s.choice - 37.5) < 1e-9 && fabs(s.all - 41.25) < 1e-9,
          "numeric %g, choice %g, all %g", s.numeric, s.choice, s.all);
    CHECK(fabs(s.usual[SB_VSI_HARD] - 100) < 1e-9 && fabs(s.usual[SB_VSI_COUNT] - 50) < 1e-9,
          "usual: hard %g, count %g", s.usual[SB_VSI_HARD], s.usual[SB_VSI_COUNT]);
    sb_vsi_free(&rows);
}

static void test_vsi_refuses(void) {
    static const char good[] = TEST_VSI_Q("1", "object_counting", "4") TEST_VSI_Q("2", "route_planning", "A");
    EXPECT_DIE(test_vsi_try("", ""), "q.jsonl: no question in it");
    EXPECT_DIE(test_vsi_try(TEST_VSI_Q("1", "object_count", "4"), ""), "q.jsonl:1: question_type \"obj");
    EXPECT_DIE(test_vsi_try(TEST_VSI_Q("1", "object_counting", "nan"), ""), "q.jsonl:1: ground truth of obj");
    EXPECT_DIE(test_vsi_try(TEST_VSI_Q("1", "object_counting", "0"), ""), "expected a number above 0");
    EXPECT_DIE(test_vsi_try(TEST_VSI_Q("1", "route_planning", ""), ""), "the ground truth is empty");
    EXPECT_DIE(test_vsi_try(TEST_VSI_Q("1", "route_planning", "A") "\n"
                            TEST_VSI_Q("1", "route_planning", "A"), ""),
               "q.jsonl:3: question 1 stands in line 1 already");
    EXPECT_DIE(test_vsi_try("{\"id\": 1}", ""), "q.jsonl:1: field \"question_type\" is missing");
    EXPECT_DIE(test_vsi_try(good, ""), "2 of 2 questions have no prediction, the first is 1");
    EXPECT_DIE(test_vsi_try(good, TEST_VSI_P("1", "4")), "no prediction, the first is 2");
    EXPECT_DIE(test_vsi_try(good, TEST_VSI_P("2", "A") TEST_VSI_P("2", "A")),
               "p.jsonl:2: question 2 is answered in line 1 already");
    EXPECT_DIE(test_vsi_try(good, TEST_VSI_P("3", "A")), "has no question 3");
    EXPECT_DIE(test_vsi_try(good, TEST_VSI_P("0", "A")), "has no question 0");
    EXPECT_DIE(test_vsi_try(good, "\n{\"id\": 1, \"prediction\": NaN}\n"), "p.jsonl:2: not valid JSON");
    EXPECT_DIE(test_vsi_try(good, "{\"id\": 1, \"prediction\": 4}\n"), "p.jsonl:1: field \"prediction\"");
    EXPECT_DIE(test_vsi_try(good, "1 4\n"), "p.jsonl:1: not valid JSON");
    EXPECT_DIE(test_vsi_try(good, "{\"id\": 1.5, \"prediction\": \"4\"}\n"), "expected a whole number");
    EXPECT_DIE(test_vsi_try(good, "{\"id\": 1, \"prediction\": \"4\"\n"), "p.jsonl:1: the JSON text ends");
}

// What is written is read back, and the benchmark's layout and prompt are these to the byte.
static void test_vsi_layout(void) {
    SbVsiRow r;
    SbVsiRows rows;
    SbText t = {NULL, 0, 0};
    memset(&r, 0, sizeof r);
    r.id = 7;
    r.type = SB_VSI_EASY;
    r.options = 2;
    r.dataset = sb_copy("rooms");
    r.scene = sb_copy("scene_000003");
    r.question = sb_copy("Left or \"right\"?");
    r.truth = sb_copy("B");
    r.option[0] = sb_copy("left");
    r.option[1] = sb_copy("right");
    sb_text_vsi(&t, &r);
    CHECK(!strcmp(t.data, "{\"id\": 7, \"dataset\": \"rooms\", \"scene_name\": \"scene_000003\", "
                          "\"question_type\": \"object_rel_direction_easy\", "
                          "\"question\": \"Left or \\\"right\\\"?\", \"ground_truth\": \"B\", "
                          "\"options\": [\"A. left\", \"B. right\"]}\n"), "%s", t.data);
    sb_vsi_read(&rows, test_vsi_file("q.jsonl", t.data));
    CHECK(rows.row[0].id == 7 && rows.row[0].type == SB_VSI_EASY && !strcmp(rows.row[0].truth, "B"),
          "read back as %lld, type %d", (long long)rows.row[0].id, rows.row[0].type);
    sb_vsi_free(&rows);
    t.size = 0;
    sb_text_vsi_prompt(&t, &r);
    CHECK(!strcmp(t.data, "These are frames of a video.\nLeft or \"right\"?\nOptions:\nA. left\nB. right\n"
                          "Answer with the option's letter from the given choices directly."), "%s", t.data);
    t.size = 0;
    r.options = 0;
    sb_text_vsi_prompt(&t, &r);
    CHECK(!strcmp(t.data, "These are frames of a video.\nLeft or \"right\"?\n"
                          "Please answer the question using a single word or phrase."), "%s", t.data);
    free(t.data);
    sb_vsi_row_free(&r);
}

// ---- questions about scenes

typedef struct {
    const SbScene *scene;
    const SbRoom *room;
    const SbVsiRow *row;
    int objects, object[8];             // named in the question
    int first[TEST_IDS], early[TEST_IDS]; // first view with enough pixels of it; most pixels before that
} TestVsiAsked;

static double test_vsi_gap(const TestVsiAsked *a, int i, int j) {
    double(*point)[3] = test_points(), least = 1e9;
    int count = test_surface(a->scene->object + i, TEST_FINE, point);
    for (int k = 0; k < count; k++) least = fmin(least, test_away(a->scene->object + j, point[k]));
    return least;
}
// Degrees to the left (counter-clockwise from above) from the direction of b, for who stands at a, to c.
static double test_vsi_turn(const TestVsiAsked *a, int *clear) {
    const double *p = a->scene->object[a->object[0]].center, *q = a->scene->object[a->object[1]].center;
    const double *r = a->scene->object[a->object[2]].center, degree = acos(-1) / 180;
    double turn = (atan2(r[1] - p[1], r[0] - p[0]) - atan2(q[1] - p[1], q[0] - p[0])) / degree;
    *clear = hypot(q[0] - p[0], q[1] - p[1]) > .499 && hypot(r[0] - p[0], r[1] - p[1]) > .499 &&
             hypot(r[0] - q[0], r[1] - q[1]) > .499;
    return turn > 180 ? turn - 360 : turn < -180 ? turn + 360 : turn;
}
// Objects that a text names; of two with one name the one that is seen.
static int test_vsi_read(const TestVsiAsked *a, const char *text, int *object, int room) {
    int n = test_read_objects(a->scene, text, strlen(text), object, room);
    for (int i = 0; i < n; i++)
        for (int k = 3; k < a->scene->objects && a->first[object[i]] < 0; k++)
            if (!strcmp(a->scene->object[k].name, a->scene->object[object[i]].name)) object[i] = k;
    return n;
}
static const char *test_vsi_right(const SbVsiRow *r) { return r->option[r->truth[0] - 'A']; }

static int check_vsi_count(const TestVsiAsked *a) {
    char kind[32];
    int count = 0, seen = 0;
    if (sscanf(a->row->question, "How many objects of the kind %31s are", kind) != 1) return 0;
    for (int i = 0; i < a->room->objects; i++) {
        if (strcmp(sb_shape_name[a->room->object[i].shape], kind)) continue;
        count++;
        seen += a->first[3 + i] >= 0;
    }
    return count >= 2 && seen == count && atoi(a->row->truth) == count;
}
static int check_vsi_distance(const TestVsiAsked *a) {
    double gap = test_vsi_gap(a, a->object[0], a->object[1]);
    return a->objects == 2 && gap > .199 && fabs(gap - atof(a->row->truth)) < .05 + .002;
}
static int check_vsi_size(const TestVsiAsked *a) {
    SbObject o = a->scene->object[a->object[0]];
    double(*point)[3] = test_points(), longest = 0, low, high;
    o.yaw = 0;
    int count = test_surface(&o, TEST_SIDE, point);
    for (int k = 0; k < 3; k++) {
        low = 1e9, high = -1e9;
        for (int i = 0; i < count; i++) low = fmin(low, point[i][k]), high = fmax(high, point[i][k]);
        longest = fmax(longest, high - low);
    }
    return a->objects == 1 && fabs(100 * longest - atof(a->row->truth)) < .501;
}
static int check_vsi_room(const TestVsiAsked *a) {
    return fabs(a->room->size[0] * 1e-3 * a->room->size[1] * 1e-3 - atof(a->row->truth)) < .0501;
}
static int check_vsi_nearest(const TestVsiAsked *a) {
    double least = 1e9, second = 1e9;
    int option, best = -1;
    for (int k = 0; k < a->row->options; k++) {
        if (test_vsi_read(a, a->row->option[k], &option, 1) != 1 || option == a->object[0]) return 0;
        double gap = test_vsi_gap(a, a->object[0], option);
        if (gap < least) second = least, least = gap, best = k;
        else second = fmin(second, gap);
    }
    return a->objects == 1 && a->row->options >= 3 && second - least > .148 && a->row->truth[0] == 'A' + best;
}
static int check_vsi_easy(const TestVsiAsked *a) {
    int clear;
    double turn = test_vsi_turn(a, &clear);
    return a->objects == 3 && clear && fabs(turn) > 9.99 && fabs(turn) < 170.01 && a->row->options == 2 &&
           !strcmp(test_vsi_right(a->row), turn > 0 ? "left" : "right");
}
static int check_vsi_medium(const TestVsiAsked *a) {
    int clear;
    double turn = test_vsi_turn(a, &clear), size = fabs(turn);
    if (a->objects != 3 || a->row->options != 3 || !clear || size < 54.99 || size > 170.01) return 0;
    if (fabs(size - 135) < 9.99) return 0;
    return !strcmp(test_vsi_right(a->row), size > 135 ? "back" : turn > 0 ? "left" : "right");
}
static int check_vsi_hard(const TestVsiAsked *a) {
    int clear;
    double turn = test_vsi_turn(a, &clear), off = fmod(turn + 360, 90);
    char *said = sb_format("%s-%s", fabs(turn) < 90 ? "front" : "back", turn > 0 ? "left" : "right");
    int right = a->objects == 3 && clear && a->row->options == 4 && off > 9.99 && off < 80.01 &&
                !strcmp(test_vsi_right(a->row), said);
    free(said);
    return right;
}
static int check_vsi_order(const TestVsiAsked *a) {
    int said[4], last = -1, right = a->row->options == 4 && (a->objects == 3 || a->objects == 4);
    for (int k = 0; k < 4 && right; k++) {
        const char *option = a->row->option[k];
        int rising = test_vsi_read(a, option, said, 4) == a->objects, sum = 0;
        right &= rising;
        last = -1;
        for (int i = 0; i < a->objects; i++) {
            rising &= a->first[said[i]] > last && a->early[said[i]] == 0;
            last = a->first[said[i]];
            for (int j = 0; j < a->objects; j++) sum += said[i] == a->object[j];
        }
        right &= sum == a->objects && rising == (a->row->truth[0] == 'A' + k);
    }
    return right;
}

// The objects that a question names can be told: enough pixels in some view, no other in sight of that name.
static int test_vsi_named(TestVsiAsked *a) {
    int right = 1;
    double mean;
    a->objects = test_vsi_read(a, a->row->question, a->object, 8);
    for (int i = 0; i < a->objects; i++) {
        const SbObject *o = a->scene->object + a->object[i];
        right &= a->first[a->object[i]] >= 0;
        for (int k = 3; k < a->scene->objects; k++)
            for (int v = 0; v < a->scene->views && k != a->object[i]; v++)
                right &= strcmp(a->scene->object[k].name, o->name) != 0 ||
                         test_pixels(a->scene->view + v, k + 1, &mean) == 0;
        for (int k = 0; k < i; k++) right &= a->object[k] != a->object[i];
    }
    for (int i = 0; i < a->row->options; i++)
        for (int k = 0; k < i; k++) right &= strcmp(a->row->option[i], a->row->option[k]) != 0;
    return right && (a->row->options ? a->row->truth[0] - 'A' < a->row->options && !a->row->truth[1]
                                     : *a->row->truth != 0);
}

static void test_vsi_first(TestVsiAsked *a) {
    double mean;
    for (int i = 0; i < a->scene->objects; i++) {
        a->first[i] = -1;
        a->early[i] = 0;
        for (int v = 0; v < a->scene->views && a->first[i] < 0; v++) {
            int pixels = test_pixels(a->scene->view + v, i + 1, &mean);
            if (pixels >= 25) a->first[i] = v;
            else if (pixels > a->early[i]) a->early[i] = pixels;
        }
    }
}

// Every type in many rooms with a camera that walks, every answer by brute force; every fourth room shows two
// objects of one name.
static void test_vsi_answers(void) {
    static int (*const check[SB_VSI_TYPES])(const TestVsiAsked *) = {
        check_vsi_count, check_vsi_distance, check_vsi_size, check_vsi_room, check_vsi_nearest,
        check_vsi_easy, check_vsi_medium, check_vsi_hard, NULL, check_vsi_order};
    enum { ROOMS = 60, EACH = 3 };
    SbSimConfig c = sb_sim_default();
    SbScene scene;
    SbRoom room;
    SbVsiScene v;
    SbVsiRows rows = {NULL, 0};
    long asked[SB_VSI_TYPES] = {0}, wrong[SB_VSI_TYPES] = {0}, lacking[SB_VSI_TYPES] = {0}, letter[4] = {0};
    long left = 0, back = 0;
    memset(&scene, 0, sizeof scene);
    memset(&v, 0, sizeof v);
    c.views = 8, c.antialias = 1, c.difficulty = 2, c.overlap_min = 25, c.overlap_max = 60;
    for (int i = 0; i < ROOMS; i++) {
        TestVsiAsked a;
        sb_room_make(&room, &c, sb_pool(SB_POOL_TEST, (uint64_t)i));
        sb_room_scene(&scene, &room, &c);
        if (i % 4 == 3) memcpy(scene.object[4].name, scene.object[3].name, sizeof scene.object[3].name);
        memset(&a, 0, sizeof a);
        a.scene = &scene, a.room = &room;
        test_vsi_first(&a);
        int first = rows.rows;
        sb_vsi_scene(&v, &scene);
        sb_vsi_ask(&rows, &v, EACH, 5, (uint64_t)i, "rooms", scene.name, lacking);
        for (int k = first; k < rows.rows; k++) {
            a.row = rows.row + k;
            int right = test_vsi_named(&a) && check[a.row->type](&a);
            CHECK(right && a.row->id == k, "%s: \"%s\" is answered %s", scene.name, a.row->question,
                  a.row->truth);
            asked[a.row->type]++;
            wrong[a.row->type] += !right;
            left += a.row->type == SB_VSI_EASY && !strcmp(test_vsi_right(a.row), "left");
            back += a.row->type == SB_VSI_MEDIUM && !strcmp(test_vsi_right(a.row), "back");
            if (a.row->options == 4) letter[a.row->truth[0] - 'A']++;
        }
    }
    for (int t = 0; t < SB_VSI_TYPES; t++) {
        if (t == SB_VSI_ROUTE) continue;
        const char *name = sb_vsi_type[t].name;
        CHECK(asked[t] >= (t == SB_VSI_ORDER ? 15 : ROOMS), "%s: asked %ld times", name, asked[t]);
        CHECK(asked[t] + lacking[t] == EACH * ROOMS, "%s: %ld and %ld lacking", name, asked[t], lacking[t]);
        CHECK(wrong[t] == 0, "%s: %ld of %ld answers are wrong", name, wrong[t], asked[t]);
    }
    long easy = asked[SB_VSI_EASY], four = letter[0] + letter[1] + letter[2] + letter[3];
    CHECK(3 * left > easy && 3 * left < 2 * easy && back > 5, "left %ld of %ld, back %ld", left, easy, back);
    for (int k = 0; k < 4; k++)         // 5 sigma of a quarter of some 300
        CHECK(fabs(letter[k] - four / 4.) < 5 * sqrt(four * 3 / 16.), "%c is right %ld times of %ld", 'A' + k,
              letter[k], four);
    sb_vsi_free(&rows);
    sb_vsi_scene_free(&v);
    sb_scene_free(&scene);
}
static void test_vsi_all(void) {
    RUN(test_vsi_mra);
    RUN(test_vsi_replies);
    RUN(test_vsi_table);
    RUN(test_vsi_refuses);
    RUN(test_vsi_layout);
    RUN(test_vsi_answers);
}
#endif
