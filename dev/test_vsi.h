// test_vsi.h: tests of data/vsi.h (VSI-Bench's score); included by test_spatialboost.c.
//
// The check values were computed with the benchmark's own arithmetic (Python, numpy), not with ours.
#ifndef SB_TEST_VSI_H
#define SB_TEST_VSI_H
#include "../data/vsi.h"
#include "test.h"

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
#endif
