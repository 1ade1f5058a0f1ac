// test_measures.h: tests of the measures that the field has agreed on; included by test_spatialboost.c.
//
// Goldens were computed by the packages that are named beside them (dev/requirements.txt), from the same
// inputs; what has a closed form is checked against that.
#ifndef SB_TEST_MEASURES_H
#define SB_TEST_MEASURES_H
#include "../data/score.h"
#include "test.h"

static const char *test_measures_file(const char *name, const char *text) {
    const char *path = test_path(name);
    sb_write_file(path, text, strlen(text));
    return path;
}

// ---- answers

#define TEST_SCORED(id, type, answer, reply) \
    "{\"id\": \"" id "\", \"type\": \"" type "\", \"answer\": " answer ", \"prediction\": \"" reply "\"}\n"
static const char test_score_rows[] =
    TEST_SCORED("a", "text", "[\"red box\", \"the red box\"]", "the red box")
    TEST_SCORED("b", "short", "[\"a red box.\"]", "Red box!")
    TEST_SCORED("c", "clip", "[\"the cat sat\", \"the the mat is red\"]", "the the the the")
    TEST_SCORED("d", "length", "\"2.1 m\"", "2.1 m") TEST_SCORED("e", "length", "\"2.1 m\"", "about 7 feet")
    TEST_SCORED("f", "length", "\"2.1 m\"", "no idea") TEST_SCORED("g", "text", "\"yes\"", "no")
    TEST_SCORED("h", "two", "[\"left of it, it's near\", \"on the left\"]", "it's on the left, near it")
    TEST_SCORED("i", "sign", "-4", "-3") TEST_SCORED("j", "clock", "\"1 o'clock\"", "12 o'clock")
    TEST_SCORED("k", "rank", "3", "3rd") TEST_SCORED("l", "point", "\"0.6\"", ".5");

static void test_score_near(const char *what, double found, double expected) {
    CHECK(isnan(expected) ? isnan(found) : fabs(found - expected) < 1e-9, "%s is %.12g, expected %.12g", what,
          found, expected);
}

// BLEU-1: nltk 3.10.4, corpus_bleu(references, hypotheses, weights=(1,)) on the same words. Numbers by hand:
// 7 feet are 2.1336 m, .016 off, so within .25 and, below all ten limits, MRA 1; -3 for -4 is .25 off: six
// limits; 12 for 1 is 11 off; no idea and 3rd are no numbers (1); .5 for .6 is 1/6 off: seven limits.
static void test_score_goldens(void) {
    static const struct {
        const char *type;
        long n;
        double exact, bleu, numbers, within, mra, error;
    } row[] = {
        {"clip", 1, 0, 50, 0, NAN, NAN, NAN},    {"clock", 1, 0, 50, 1, 0, 0, 11},
        {"length", 3, 100 / 3., 100 * 2 / 7., 3, 200 / 3., 200 / 3., (.0336 / 2.1 + 1) / 3},
        {"point", 1, 0, 0, 1, 100, 70, 1 / 6.},  {"rank", 1, 0, 0, 1, 0, 0, 1},
        {"short", 1, 0, 100 * .6065306597126334, 0, NAN, NAN, NAN},
        {"sign", 1, 0, 0, 1, 100, 60, .25},      {"text", 2, 50, 75, 0, NAN, NAN, NAN},
        {"two", 1, 0, 100, 0, NAN, NAN, NAN}};
    const char *path = test_measures_file("score.jsonl", test_score_rows);
    SbScoreRows s;
    sb_score_read(&s, path), sb_score_read_replies(&s, path, path);
    for (int i = 0, n, k = 0; i < s.rows; i += n, k++) {
        for (n = 1; i + n < s.rows && !strcmp(s.row[i].type, s.row[i + n].type); n++) continue;
        SbScores t = sb_score_table(&s, i, n, .25);
        CHECK(k < 9 && !strcmp(s.row[i].type, row[k].type) && t.n == row[k].n, "type %s, %ld rows",
              s.row[i].type, t.n);
        if (k >= 9) continue;
        test_score_near(row[k].type, t.exact, row[k].exact), test_score_near("BLEU-1", t.bleu, row[k].bleu);
        test_score_near("numbers", (double)t.numbers, row[k].numbers);
        test_score_near("within", t.within, row[k].within), test_score_near("MRA", t.mra, row[k].mra);
        test_score_near("error", t.error, row[k].error);
    }
    test_score_near("BLEU-1 of all", sb_score_table(&s, 0, s.rows, .25).bleu, 100 * .5714285714285714);
    sb_score_free(&s);
    char *answer[1] = {(char *)"yes"};
    SbScored none = sb_score("?", answer, 1, .25);
    CHECK(!none.exact && none.length == 0 && none.nearest == 1, "a reply without a word");
}
static void test_score_amounts(void) {
    static const struct { const char *text; int known; double value, metres; } row[] = {
        {"2.1 m", 1, 2.1, 1},      {"It is 35cm away", 1, 35, .01}, {"two or 3 feet", 1, 3, .3048},
        {"5 in the room", 1, 5, 0}, {"-.5", 1, -.5, 0},             {"0x10", 0, 0, 0},
        {"nan", 0, 0, 0},          {"7.", 1, 7, 0},                 {"a-3", 1, 3, 0},
        {"1e3", 0, 0, 0},          {"2.1.3 then 4 mm", 1, 4, .001}, {"", 0, 0, 0}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        SbAmount a = sb_score_amount(row[i].text);
        CHECK(a.known == row[i].known && a.value == row[i].value && a.metres == row[i].metres,
              "\"%s\": %d, %g, %g", row[i].text, a.known, a.value, a.metres);
    }
}
static void test_score_try(const char *questions, const char *replies) {
    SbScoreRows s;
    const char *q = test_measures_file("sq.jsonl", questions);
    sb_score_read(&s, q), sb_score_read_replies(&s, q, test_measures_file("sp.jsonl", replies));
}
static void test_score_refuses(void) {
    static const char *const good = "{\"id\": 1, \"answer\": \"a\"}\n{\"id\": \"x\", \"answer\": 2}\n";
    static const char *const bad[][3] = {
        {"", "", "sq.jsonl: no question in it"},
        {"{\"id\": 1}", "", "sq.jsonl:1: field \"answer\" is missing"},
        {"{\"id\": \"\", \"answer\": 1}", "", "sq.jsonl:1: field \"id\" is empty"},
        {"{\"id\": [], \"answer\": 1}", "", "sq.jsonl:1: field \"id\": expected a number"},
        {"{\"id\": 1, \"answer\": []}", "", "sq.jsonl:1: field \"answer\" is an empty list"},
        {"{\"id\": 1, \"answer\": [{}]}", "", "sq.jsonl:1: field \"answer\": expected a text, a number"},
        {"{\"id\": 1, \"answer\": \"?!\"}", "", "has no word in it: \"?!\""},
        {"{\"id\": 1, \"answer\": 1, \"type\": \"a,b\"}", "", "no comma, quote or line end"},
        {"{\"id\": 1, \"answer\": 1}\n{\"id\": \"1\", \"answer\": 1}", "",
         "stands in line 1 already"},
        {good, "", "2 of 2 questions have no prediction, the first is 1"},
        {good, "{\"id\": 2, \"prediction\": \"a\"}", "sp.jsonl:1: "},
        {good, "{\"id\": \"x\", \"prediction\": 2}", "sp.jsonl:1: field \"prediction\": expected a string"},
        {good, "{\"id\": 1, \"prediction\": \"a\"}\n{\"id\": 1, \"prediction\": \"a\"}",
         "answered in line 1"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT_DIE(test_score_try(bad[i][0], bad[i][1]), bad[i][2]);
}

static void test_measures_all(void) {
    RUN(test_score_goldens);
    RUN(test_score_amounts);
    RUN(test_score_refuses);
}
#endif
