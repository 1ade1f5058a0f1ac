// test_measures.h: tests of the measures that the field has agreed on; included by test_spatialboost.c.
//
// Goldens were computed by the packages that are named beside them (dev/goldens_measures.py), from the same
// inputs; what has a closed form is checked against that.
#ifndef SB_TEST_MEASURES_H
#define SB_TEST_MEASURES_H
#include "../data/fit.h"
#include "../data/layouts.h"
#include "../data/lifted.h"
#include "../data/probe_tasks.h"
#include "../data/score.h"
#include "../data/simulate.h"
#include "../data/tiles.h"
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

// ---- linear maps, neighbours

static double test_wave(int i, int j, double a, double b) { return sin(a * i + b * j + .1 * i * j); }
enum { WAVES = 60, WIDE = 5 };
static void test_waves(real *x, int *y) {
    for (int i = 0; i < WAVES; i++) {
        for (int j = 0; j < WIDE; j++) x[i * WIDE + j] = (real)test_wave(i, j, .7, 1.3);
        y[i] = (7 * i / 4 + (x[i * WIDE] > 0)) % 3;
    }
}
// scikit-learn 1.9.1: LogisticRegression(C = 1 / (2 n decay)) on standardised features. Ours stops where 100
// steps lead it and adds 1e-6 to the deviations: 1e-3 of logits of .5 is far above both, and far below what a
// decay that is wrong by a factor of 2 changes (.06).
static void test_fit_logistic(void) {
    static const double golden[3] = {.42194453, -.50553096, .08358644};
    real x[WAVES * WIDE], logit[3];
    int y[WAVES];
    SbLinear l;
    test_waves(x, y);
    sb_logistic(&l, x, y, WAVES, WIDE, 3, .01, 100);
    sb_linear_apply(&l, logit, x, 1);
    double mean = (logit[0] + logit[1] + logit[2]) / 3;
    for (int k = 0; k < 3; k++)
        CHECK(fabs(logit[k] - mean - golden[k]) < 1e-3, "logit %d is %g, expected %g", k, logit[k] - mean,
              golden[k]);
    sb_linear_free(&l);
    double chosen = sb_logistic_chosen(&l, x, y, WAVES, WIDE, 3, 20);
    CHECK(chosen >= 1e-6 && chosen <= 1, "decay %g", chosen);
    sb_linear_free(&l);
}
// scikit-learn 1.9.1: KNeighborsClassifier(7, metric="cosine", weights=exp((1 - distance) / .07)): the same
// votes but for a common factor.
static void test_fit_neighbours(void) {
    static const char golden[] = "02112100111111100011";
    real x[WAVES * WIDE], u[WAVES * WIDE], cosine[40];
    int y[WAVES];
    double zero[WIDE] = {0};
    char said[21] = "";
    test_waves(x, y);
    sb_directions(u, x, zero, WAVES, WIDE);
    for (int i = 40; i < WAVES; i++) {
        for (int k = 0; k < 40; k++) {
            cosine[k] = 0;
            for (int c = 0; c < WIDE; c++) cosine[k] += u[i * WIDE + c] * u[k * WIDE + c];
        }
        said[i - 40] = (char)('0' + sb_neighbours_vote(cosine, y, 40, 3, 7));
    }
    CHECK(!strcmp(said, golden), "%s, expected %s", said, golden);
}
// torch 2.15.0: the bins' loss and gradient at a map, by autograd in double. Ours in float: means of 60 terms
// of size 1, each within some 1e-6.
static void test_fit_bins(void) {
    enum { K = 4 };
    real x[WAVES * WIDE], z[WAVES], out[WAVES], scratch[WAVES * K];
    int y[WAVES];
    double theta[K * (WIDE + 1)], grad[K * (WIDE + 1)], mean[2 * WIDE] = {0}, part[K * (WIDE + 1) + 1];
    SbLinear l;
    test_waves(x, y);
    for (int i = 0; i < WAVES; i++) z[i] = (real)(1.5 + test_wave(i, 0, .3, 0));
    for (int c = 0; c < WIDE; c++) {
        double square = 0;
        for (int i = 0; i < WAVES; i++) mean[c] += x[i * WIDE + c] / (double)WAVES;
        for (int i = 0; i < WAVES; i++) square += pow(x[i * WIDE + c] - mean[c], 2) / WAVES;
        mean[WIDE + c] = sqrt(square);
    }
    for (int k = 0; k < K; k++)
        for (int c = 0; c <= WIDE; c++)
            theta[k * (WIDE + 1) + c] = c < WIDE ? test_wave(k, c, 1.1, .4) : .2;
    SbLogistic g = {x, NULL, z, WAVES, WIDE, K, 0, mean, mean + WIDE, part, .5, 4, 0};
    sb_linear_make(&l, WIDE, K);
    double loss = sb_logistic_loss(&g, theta, grad, &l);
    CHECK(fabs(loss - .5339481568143665) < 1e-5, "loss %.9g", loss);
    CHECK(fabs(grad[0] + .018250889301843827) < 1e-5, "gradient [0][0] %.9g", grad[0]);
    CHECK(fabs(grad[2 * (WIDE + 1) + 3] - .0018076803545074155) < 1e-5, "gradient [2][3] %.9g",
          grad[2 * (WIDE + 1) + 3]);
    sb_linear_free(&l);
    // fitted, it is better than any constant: whose loss is that of log z alone
    double sum = 0, square = 0, fitted = 0, off = 0;
    sb_bins(&l, x, z, WAVES, WIDE, K, .5, 4, 0, 100);
    sb_bins_apply(&l, .5, 4, out, scratch, x, WAVES);
    for (int i = 0; i < WAVES; i++) {
        double a = log(z[i]), b = log(out[i] / z[i]);
        sum += a / WAVES, square += a * a / WAVES, off += b / WAVES, fitted += b * b / WAVES;
        CHECK(out[i] >= .5 && out[i] <= 4, "depth %g", (double)out[i]);
    }
    CHECK(fitted - .85 * off * off < .9 * (square - sum * sum), "the loss is %g, of a constant %g",
          fitted - .85 * off * off, square - sum * sum);
    sb_linear_free(&l);
}

// ---- pixels

// One tile is torch 2.15.0's interpolate(mode="bilinear", align_corners=False): floats, 1e-6. Several tiles
// of a plane are that plane where no border flattens it.
static void test_tiles_pixels(void) {
    static const int at[4][2] = {{0, 0}, {3, 4}, {6, 9}, {2, 8}};
    static const double golden[4] = {0, .164824968065628, .11654920485049364, -.050223650231865334};
    real value[9], both[18];
    float out[70], best[70];
    int n;
    SbTile *tile = sb_tiles("1", 32, &n);
    CHECK(n == 1 && tile[0].square == 32 && tile[0].x == 0, "%d tiles at scale 1", n);
    for (int i = 0; i < 9; i++)
        value[i] = both[2 * i] = (real)test_wave(i / 3, i % 3, 2.1, .9), both[2 * i + 1] = (real).1;
    sb_tiles_pixels(out, 10, 7, tile, 1, 32, 3, value, 1);
    sb_tiles_pixels(best, 10, 7, tile, 1, 32, 3, both, 2);
    for (int k = 0; k < 4; k++)
        CHECK(fabs(out[at[k][0] * 10 + at[k][1]] - golden[k]) < 1e-6, "(%d, %d) is %g, expected %g", at[k][0],
              at[k][1], out[at[k][0] * 10 + at[k][1]], golden[k]);
    for (int k = 0; k < 70; k++) CHECK(best[k] == (out[k] < .1f), "pixel %d: %g of %g", k, best[k], out[k]);
    free(tile);
    tile = sb_tiles("1,1.5,2", 32, &n);
    CHECK(n == 1 + 4 + 9, "%d tiles of three scales", n);
    enum { GRID = 8, SIDE = 64 };
    real *plane = (real *)sb_calloc((size_t)n * GRID * GRID, sizeof *plane);
    float *map = (float *)sb_calloc(SIDE * SIDE, sizeof *map);
    for (int t = 0; t < n; t++)
        for (int p = 0; p < GRID * GRID; p++) {
            double x = tile[t].x + (p % GRID + .5) * 4, y = tile[t].y + (p / GRID + .5) * 4;
            plane[t * GRID * GRID + p] = (real)((x + 2 * y) / tile[t].square);
        }
    sb_tiles_pixels(map, SIDE, SIDE, tile, n, 32, GRID, plane, 1);
    double inner = map[24 * SIDE + 24], expected = 3 * 24.5 / SIDE, worst = 0;
    CHECK(fabs(inner - expected) < 1e-5, "an inner pixel is %g, expected %g", inner, expected);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            worst = fmax(worst, fabs(map[y * SIDE + x] - (x + .5 + 2 * (y + .5)) / SIDE));
    CHECK(worst < 3 * .5 / GRID, "off by %g: more than half a patch", worst);
    free(tile), free(plane), free(map);
    EXPECT_DIE(sb_tiles("1,x", 32, &n), "--scales 1,x: expected numbers from 1 to 8");
    EXPECT_DIE(sb_tiles(".5", 32, &n), "--scales .5: expected");
}
// scikit-learn 1.9.1: root_mean_squared_error, mean_absolute_percentage_error of the known pixels; the crop
// by counting.
static void test_tiles_errors(void) {
    float truth[48], said[48];
    double all[4] = {0, 0, 1, 1}, crop[4] = {.25, 1 / 3., .75, 5 / 6.};
    int within = 0;
    for (int i = 0; i < 48; i++) {
        truth[i] = i < 3 ? 0 : (float)(2 + test_wave(i / 8, i % 8, .5, .8));
        said[i] = (float)(2 + .9 * test_wave(i / 8, i % 8, .55, .75));
        within += truth[i] > 0 && said[i] < 1.25f * truth[i] && truth[i] < 1.25f * said[i];
    }
    SbDepthErrors e = sb_depth_errors(said, truth, 8, 6, all, .001, 10);
    CHECK(e.n == 45 && e.close == within, "%g pixels, %g close of %d", e.n, e.close, within);
    CHECK(fabs(sqrt(e.squares / e.n) - .1249804031790528) < 1e-6, "RMSE %.9g", sqrt(e.squares / e.n));
    CHECK(fabs(e.relative / e.n - .06106523633291387) < 1e-6, "relative %.9g", e.relative / e.n);
    e = sb_depth_errors(said, truth, 8, 6, crop, .001, 10);
    CHECK(e.n == 4 * 3, "%g pixels in the crop", e.n);
    e = sb_depth_errors(said, truth, 8, 6, all, 5, 10);         // all that is said becomes 5
    double square = 0;
    for (int i = 3; i < 48; i++) square += (5 - truth[i]) * (double)(5 - truth[i]);
    CHECK(fabs(e.squares - square) < 1e-4, "squares %g of %g", e.squares, square);
    e = sb_depth_errors(said, truth, 640, 0, all, 0, 1);
    CHECK(e.n == 0, "an empty picture");
}

// torchmetrics 1.9.0: MulticlassJaccardIndex(average="macro"): labels that are nowhere (0, 5) do not count.
static void test_tiles_iou(void) {
    double count[SB_COUNTS * 6] = {0};
    for (int i = 0; i < 100; i++) {
        int is = i * 7 / 3 % 5, said = i * 5 / 2 % 4 + 1;
        if (!is) continue;                                      // ignored
        count[SB_BOTH * 6 + is] += is == said, count[SB_IS * 6 + is]++, count[SB_SAID * 6 + said]++;
    }
    CHECK(fabs(sb_mean_iou(count, 6) - .125) < 1e-7, "mIoU %.9g", sb_mean_iou(count, 6));
}

// ---- layouts

static void test_layout_picture(const char *name, int w, int h, int seed) {
    unsigned char *rgb = (unsigned char *)sb_calloc((size_t)(w * h), 3);
    for (int i = 0; i < w * h * 3; i++) rgb[i] = (unsigned char)(seed * 7 + i * 13);
    sb_png_write(test_path(name), rgb, w, h);
    free(rgb);
}
// Labels or millimetres: base + column.
static void test_layout_grey(const char *name, int w, int h, int base) {
    unsigned short *grey = (unsigned short *)sb_calloc((size_t)(w * h), sizeof *grey);
    for (int i = 0; i < w * h; i++) grey[i] = (unsigned short)(base + i % w);
    sb_png16_write(test_path(name), grey, w, h);
    free(grey);
}
static void test_layout_open(SbDataset *d, const char *layout, const char *folder, int fit, int test) {
    sb_dataset_open(d, sb_layout_find(layout), test_path(folder), fit, test);
}
static void test_layout_imagenet(void) {
    static const char *const file[] = {"in/train/n10/b.png", "in/train/n10/a.JPEG", "in/train/n2/x.png",
                                       "in/val/n10/c.png",   "in/train/n2/notes.txt"};
    SbDataset d;
    for (int i = 0; i < 5; i++) test_layout_picture(file[i], 8, 8, i);
    test_layout_open(&d, "imagenet", "in", 0, 0);
    CHECK(d.classes == 2 && !strcmp(d.class_name[0], "n2") && !strcmp(d.class_name[1], "n10"), "%d classes",
          d.classes);
    CHECK(d.part[0].n == 3 && d.part[1].n == 1, "%d and %d pictures", d.part[0].n, d.part[1].n);
    CHECK(d.part[0].item[0].is == 0 && d.part[0].item[1].is == 1 && d.part[1].item[0].is == 1, "classes");
    sb_dataset_close(&d);
    test_layout_open(&d, "imagenet", "in", 2, 0);
    CHECK(d.part[0].n == 2 && d.part[0].item[0].is == 0 && d.part[0].item[1].is == 1, "2 of 3: %d, %d",
          d.part[0].item[0].is, d.part[0].item[1].is);
    sb_dataset_close(&d);
    test_layout_picture("in/val/n3/c.png", 8, 8, 1);
    EXPECT_DIE(test_layout_open(&d, "imagenet", "in", 0, 0), "/in/train has no class n3");
    EXPECT_DIE(test_layout_open(&d, "imagenet", "nowhere", 0, 0), "nowhere/train: missing; the layout");
    sb_make_folder(test_path("in2/train/a"));
    sb_make_folder(test_path("in2/val/a"));
    EXPECT_DIE(test_layout_open(&d, "imagenet", "in2", 0, 0), "in2/train: 1 classes; expected a folder");
    sb_make_folder(test_path("in2/train/b"));
    EXPECT_DIE(test_layout_open(&d, "imagenet", "in2", 0, 0), "in2: no picture to fit on in it");
}
static void test_layout_first(const char *layout, const char *folder, SbTruth *t) {
    SbDataset d;
    int w, h;
    test_layout_open(&d, layout, folder, 0, 0);
    free(sb_image_load(d.part[0].item[0].picture, &w, &h));
    sb_truth_read(t, d.layout, d.part[0].item, w, h);
    sb_dataset_close(&d);
}
static void test_layout_ade20k(void) {
    SbDataset d;
    SbTruth t;
    int label[4];
    test_layout_picture("ade/images/training/a.png", 6, 4, 1);
    test_layout_grey("ade/annotations/training/a.png", 6, 4, 0);
    test_layout_picture("ade/images/validation/v.png", 6, 4, 2);
    EXPECT_DIE(test_layout_open(&d, "ade20k", "ade", 0, 0), "ade/annotations/validation: missing");
    sb_make_folder(test_path("ade/annotations/validation"));
    EXPECT_DIE(test_layout_open(&d, "ade20k", "ade", 0, 0), "validation/v.png: missing; ");
    test_layout_grey("ade/annotations/validation/v.png", 6, 4, 3);
    test_layout_first("ade20k", "ade", &t);
    CHECK(t.w == 6 && t.h == 4 && t.label[0] == 0 && t.label[11] == 5 && !t.depth, "labels");
    // the cells of columns 0 .. 2: 0 (ignored), 1, 2: the first of the commonest, which is label 1, so 0
    sb_patch_labels(label, &t, 150, 2);
    CHECK(label[0] == 0 && label[1] == 2 && label[2] == 0, "cells %d, %d, %d", label[0], label[1], label[2]);
    memset(t.label, 0, 24 * sizeof *t.label);
    sb_patch_labels(label, &t, 150, 2);
    CHECK(label[3] == -1, "a cell that is ignored has label %d", label[3]);
    sb_truth_free(&t);
    test_layout_grey("ade/annotations/training/a.png", 6, 4, 146);
    EXPECT_DIE(test_layout_first("ade20k", "ade", &t), "a.png: label 151; ade20k has 1 to 150, and 0");
    test_layout_grey("ade/annotations/training/a.png", 6, 5, 0);
    EXPECT_DIE(test_layout_first("ade20k", "ade", &t), "6 x 5 pixels, but ");
    test_layout_picture("ade/annotations/training/a.png", 6, 4, 0);
    EXPECT_DIE(test_layout_first("ade20k", "ade", &t), "a.png: expected a grey PNG");
    test_layout_grey("ade/annotations/training/b.png", 6, 4, 0);
    EXPECT_DIE(test_layout_open(&d, "ade20k", "ade", 0, 0), "2 pictures, but ");
}
static void test_layout_nyud(void) {
    SbDataset d;
    SbTruth t;
    real depth[4];
    test_layout_picture("nyu/bath/rgb_1.png", 4, 4, 1);
    test_layout_grey("nyu/bath/depth_1.png", 4, 4, 9998);
    const char *line = "/bath/rgb_1.png bath/depth_1.png 518.8579\n\n";
    sb_write_file(test_path("nyu/nyu_train.txt"), line, strlen(line));
    EXPECT_DIE(test_layout_open(&d, "nyud", "nyu", 0, 0), "nyu/test/rgb: missing");
    test_layout_picture("nyu/test/rgb/x.png", 4, 4, 1);
    test_layout_grey("nyu/test/depth/x.png", 4, 4, 9998);
    test_layout_first("nyud", "nyu", &t);
    // columns of 9.998, 9.999 and, beyond 10 m, nothing
    CHECK(t.depth[0] == 9.998f && t.depth[1] == 9.999f && t.depth[2] == 0 && t.depth[3] == 0, "%g, %g, %g",
          t.depth[0], t.depth[1], t.depth[2]);
    sb_patch_depths(depth, t.depth, 4, 4, 2);
    CHECK(fabs(depth[0] - 9.9985) < 1e-5 && depth[1] == 0, "cells %g, %g", depth[0], depth[1]);
    sb_truth_free(&t);
    sb_write_file(test_path("nyu/nyu_train.txt"), "bath/rgb_1.png\n", 15);
    EXPECT_DIE(test_layout_open(&d, "nyud", "nyu", 0, 0), "nyu_train.txt:1: expected a picture and");
    sb_write_file(test_path("nyu/nyu_train.txt"), "bath/rgb_1.png bath/none.png\n", 29);
    EXPECT_DIE(test_layout_open(&d, "nyud", "nyu", 0, 0), "bath/none.png: missing");
    sb_write_file(test_path("nyu/nyu_train.txt"), "\n", 1);
    EXPECT_DIE(test_layout_open(&d, "nyud", "nyu", 0, 0), "nyu: no picture to fit on in it");
    const SbLayout *l = sb_layout_find("nyud");                 // the Eigen crop of 640 x 480, pixel by pixel
    float *one = (float *)sb_calloc(640 * 480, sizeof *one);
    for (int i = 0; i < 640 * 480; i++) {
        int x = i % 640, y = i / 640;
        one[i] = y >= 45 && y < 471 && x >= 41 && x < 601 ? 1 : 3;
    }
    SbDepthErrors e = sb_depth_errors(one, one, 640, 480, l->crop, 2, 2);
    CHECK(e.n == 426 * 560 && e.squares == e.n, "%g pixels, squares %g", e.n, e.squares);
    free(one);
    CHECK(!sb_layout_find("voc"), "an unknown layout");
}

// ---- retrieval

// evaluate.py of github.com/filipradenovic/revisitop (be39832): compute_map on the same scores; the last
// query has no easy picture and does not count there.
static void test_retrieval_goldens(void) {
    static const double golden[SB_REVISITED] = {.4543752851546632, .5882766832521614, .48433438553090324};
    enum { N = 40, QUERIES = 6 };
    static const unsigned char grade_of[7] = {SB_RANK_EASY, SB_RANK_HARD, SB_RANK_HARD, SB_RANK_JUNK};
    double sum[SB_REVISITED] = {0}, precision[SB_REVISITED];
    int count[SB_REVISITED] = {0};
    for (int i = 0; i < QUERIES; i++) {
        real score[N];
        unsigned char grade[N];
        SbQuery q = {{0, 0, 1, 1}, grade};
        for (int j = 0; j < N; j++) {
            score[j] = (real)test_wave(i, j, 1.7, 2.3), grade[j] = grade_of[(i * 5 + j * 3) % 7];
            if (i == 5 && grade[j] == SB_RANK_EASY) grade[j] = SB_RANK_JUNK;
        }
        sb_revisited_score(precision, &q, score, N);
        for (int k = 0; k < SB_REVISITED; k++)
            if (!isnan(precision[k])) sum[k] += precision[k], count[k]++;
    }
    for (int k = 0; k < SB_REVISITED; k++)
        CHECK(fabs(sum[k] / count[k] - golden[k]) < 1e-9, "protocol %d: %.12g, expected %.12g", k,
              sum[k] / count[k], golden[k]);
    CHECK(count[SB_REVISITED_EASY] == 5 && count[SB_REVISITED_HARD] == 6, "%d and %d queries count",
          count[SB_REVISITED_EASY], count[SB_REVISITED_HARD]);
}
#define TEST_GND(box, easy, hard) \
    "{\"imlist\": [\"a\", \"b\", \"c\"], \"qimlist\": [\"q\"], \"gnd\": [{\"bbx\": " box ", \"easy\": " easy \
    ", \"hard\": " hard ", \"junk\": []}]}"
static void test_retrieval_try(const char *gnd) {
    SbDataset d;
    int w, h;
    sb_write_file(test_path("rox/gnd_x.json"), gnd, strlen(gnd));
    test_layout_open(&d, "revisited", "rox", 0, 0);
    free(sb_item_load(&d, d.part[1].item, &w, &h));
}
static void test_retrieval_layout(void) {
    static const char *const picture[] = {"rox/jpg/a.jpg", "rox/jpg/b.jpg", "rox/jpg/c.jpg"};
    static const char *const good = TEST_GND("[1.6, 0, 99, 2]", "[0]", "[2]");
    SbDataset d;
    int w, h;
    EXPECT_DIE(test_layout_open(&d, "revisited", "rox", 0, 0), "rox: missing; the layout revisited");
    for (int i = 0; i < 3; i++) test_layout_picture(picture[i], 6, 4, i);
    EXPECT_DIE(test_layout_open(&d, "revisited", "rox", 0, 0), "rox: gnd_*.json: missing");
    EXPECT_DIE(test_retrieval_try(good), "jpg/q.jpg: missing; ");
    test_layout_picture("rox/jpg/q.jpg", 6, 4, 9);
    sb_write_file(test_path("rox/gnd_x.json"), good, strlen(good));
    test_layout_open(&d, "revisited", "rox", 1, 0);
    CHECK(d.part[0].n == 3 && d.part[1].n == 1 && d.part[1].item[0].is == 0, "%d pictures, %d queries",
          d.part[0].n, d.part[1].n);
    CHECK(!memcmp(d.revisited.query[0].grade, "\1\0\2", 3), "grades");
    unsigned char *rgb = sb_item_load(&d, d.part[1].item, &w, &h);      // from column 2 on, rows 0 and 1
    CHECK(w == 4 && h == 2, "%d x %d", w, h);
    for (int i = 0; i < 24 && w == 4; i++) {
        int at = 3 * (i / 12 * 6 + 2 + i % 12 / 3) + i % 3;
        CHECK(rgb[i] == (unsigned char)(9 * 7 + at * 13), "byte %d is %d", i, rgb[i]);
    }
    free(rgb), sb_dataset_close(&d);
    EXPECT_DIE(test_retrieval_try(TEST_GND("[1, 0, 9]", "[0]", "[2]")), "expected 4 numbers, found 3");
    EXPECT_DIE(test_retrieval_try(TEST_GND("[1, 0, 1, 9]", "[0]", "[2]")), "expected left, top, right,");
    EXPECT_DIE(test_retrieval_try(TEST_GND("[8, 0, 9, 9]", "[0]", "[2]")), "q.jpg: 6 x 4 pixels: the box");
    EXPECT_DIE(test_retrieval_try(TEST_GND("[0, 0, 9, 9]", "[3]", "[2]")), "expected numbers from 0 to 2");
    EXPECT_DIE(test_retrieval_try(TEST_GND("[0, 0, 9, 9]", "[0.5]", "[2]")), "expected numbers from 0 to 2");
    EXPECT_DIE(test_retrieval_try(TEST_GND("[0, 0, 9, 9]", "[2]", "[2]")), "picture 2 is easy and hard");
    EXPECT_DIE(test_retrieval_try(TEST_GND("[0, 0, 9, 9]", "7", "[2]")), "\"easy\": expected a list");
    EXPECT_DIE(test_retrieval_try("{\"imlist\": []}"), "\"imlist\" is an empty list");
    EXPECT_DIE(test_retrieval_try("{\"imlist\": [\"../a\"]}"), "entry 0: expected a picture's name");
    EXPECT_DIE(test_retrieval_try("{\"imlist\": [\"a\"], \"qimlist\": [\"q\"], \"gnd\": []}"),
               "\"gnd\" has 0 entries, \"qimlist\" 1");
    sb_write_file(test_path("rox/gnd_y.json"), good, strlen(good));
    EXPECT_DIE(test_retrieval_try(good), "expected one, found gnd_x.json and gnd_y.json");
}

// ---- motions, points in space

// scipy 1.17.1: Rotation.align_vectors on the same points.
static void test_rigid_golden(void) {
    static const double golden[12] = {
        -0.0022621416155, -0.999985317575, 0.00492415989359, 0.99999313111, -0.00224764673591,
        0.00294717117294, -0.00293606012941, 0.00493079298863, 0.99998353328, 0.998839287238, 2.00906172597,
        3.01049132541};
    double p[9][3], q[9][3], m[12], worst = 0, still = 0;
    for (int i = 0; i < 9; i++) {
        for (int k = 0; k < 3; k++) p[i][k] = test_wave(i, k, .9, 1.4);
        for (int k = 0; k < 3; k++)
            q[i][k] = (k ? k == 1 ? p[i][0] : p[i][2] : -p[i][1]) + .1 * test_wave(i, k, 2.3, .6) + 1 + k;
    }
    sb_rigid_fit(m, (const double(*)[3])p, (const double(*)[3])q, NULL, 9);
    for (int k = 0; k < 12; k++) worst = fmax(worst, fabs(m[k] - golden[k]));
    CHECK(worst < 1e-8, "off by %g", worst);
    sb_rigid_fit(m, (const double(*)[3])p, (const double(*)[3])q, NULL, 2);     // too few
    for (int k = 0; k < 12; k++) still += fabs(m[k] - (k == 0 || k == 4 || k == 8));
    CHECK(still == 0, "two points move by %g", still);
}
// A motion and its points again, of which 40 % lie anywhere, or move otherwise; also in a plane.
static void test_rigid_ransac(void) {
    enum { N = 60 };
    double truth[12], p[N][3], q[N][3], axis[4] = {.5, -.1, .7, .5}, m[12], length = 0, worst;
    SbRandom random = sb_random(3, 1);
    for (int k = 0; k < 4; k++) length += axis[k] * axis[k];
    for (int k = 0; k < 4; k++) axis[k] /= sqrt(length);
    double w = axis[0], x = axis[1], y = axis[2], z = axis[3];
    double known[12] = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
                        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y), .3, -2, 1};
    memcpy(truth, known, sizeof known);
    for (int turn = 0; turn < 12; turn++) {
        int wrong = 0, flat = turn % 2;
        for (int i = 0; i < N; i++) {
            for (int k = 0; k < 3; k++) p[i][k] = flat && k == 2 ? 1 : 4 * sb_next_unit(&random) - 2;
            sb_rigid_apply(truth, p[i], q[i]);
            if (i % 5 >= 2) continue;
            for (int k = 0; k < 3; k++) q[i][k] = turn & 2 ? p[i][k] + 5 : 8 * sb_next_unit(&random) - 4;
            wrong++;
        }
        int agree = sb_rigid_ransac(m, (const double(*)[3])p, (const double(*)[3])q, N, .05, 500, &random);
        CHECK(agree >= N - wrong && agree <= N - wrong + 1, "%d agree, %d are right", agree, N - wrong);
        worst = 0;
        for (int k = 0; k < 12; k++) worst = fmax(worst, fabs(m[k] - truth[k]));
        CHECK(agree > N - wrong || worst < 1e-9, "off by %g", worst);
    }
    int two = sb_rigid_ransac(m, (const double(*)[3])p, (const double(*)[3])q, 2, 1, 10, &random);
    CHECK(two == 0 && m[0] == 1, "of two points %d agree", two);
}
// Each other's nearest by brute force.
static void test_rigid_mutual(void) {
    enum { A = 17, B = 13, C = 5 };
    real a[A * C], b[B * C], u[A * C], v[B * C];
    double zero[C] = {0};
    int match[A], found, right = 0;
    for (int i = 0; i < A * C; i++) a[i] = (real)test_wave(i / C, i % C, 1.9, .7);
    for (int i = 0; i < B * C; i++) b[i] = (real)test_wave(i / C, i % C, 1.2, .9);
    sb_directions(u, a, zero, A, C), sb_directions(v, b, zero, B, C);
    found = sb_mutual(match, u, A, v, B, C);
    for (int i = 0; i < A; i++)
        for (int j = 0; j < B; j++) {
            double mine = 0;
            int best = 1;
            for (int c = 0; c < C; c++) mine += (double)u[i * C + c] * v[j * C + c];
            for (int k = 0; k < A + B; k++) {
                const real *one = k < A ? u + k * C : u + i * C, *two = k < A ? v + j * C : v + (k - A) * C;
                double other = 0;
                for (int c = 0; c < C; c++) other += (double)one[c] * two[c];
                best &= other <= mine + 1e-6;
            }
            CHECK(best == (match[i] == j), "%d and %d", i, j);
            right += best;
        }
    CHECK(found == right && found > 2, "%d of %d", found, right);
    CHECK(sb_mutual(match, u, A, v, 0, C) == 0 && match[0] == -1, "matches of nothing");
}
static void test_in_world(double at[3], const SbView *v, const double c[3]) {
    const double *m = v->pose;
    for (int k = 0; k < 3; k++, m += 4) at[k] = m[0] * c[0] + m[1] * c[1] + m[2] * c[2] + m[3];
}
// Features of patches that say where in the world their centre lies, by waves of 2 m and more: an encoder
// that knows all of the room's geometry.
enum { TEST_GRID = 16, TEST_WIDTH = 48 };
static void test_lifted_features(real *patch, const SbView *v, int blind) {
    for (int p = 0; p < TEST_GRID * TEST_GRID; p++) {
        int x = (int)((p % TEST_GRID + .5) * v->dw / TEST_GRID), y;
        y = (int)((p / TEST_GRID + .5) * v->dh / TEST_GRID);
        double z = v->depth[y * v->dw + x], at[3];
        double c[3] = {(x - v->dk.cx) / v->dk.fx * z, (y - v->dk.cy) / v->dk.fy * z, z};
        test_in_world(at, v, c);
        SbRandom random = sb_random(11, blind ? (uint64_t)p : 0);
        for (int k = 0; k < TEST_WIDTH; k++) {
            double phase = 6 * sb_next_unit(&random);
            for (int j = 0; j < 3; j++) phase += 3 * (2 * sb_next_unit(&random) - 1) * at[j];
            patch[p * TEST_WIDTH + k] = (real)sin(phase);
        }
    }
}
// Every voxel by brute force: the points that lie in the cell of one of them.
static void test_lifted_voxels(const SbScene *scene, const SbLifted *l) {
    real *x;
    int *object, n = sb_voxels(scene, l, &x, &object), cells = 0;
    long points = l[0].n + l[1].n, objects = 0, expected = 0;
    int64_t(*cell)[3] = (int64_t(*)[3])sb_calloc((size_t)points, sizeof *cell);
    double sum = 0, mean = 0;
    for (long i = 0; i < points; i++) {
        int v = i >= l[0].n;
        double at[3];
        test_in_world(at, scene->view + v, l[v].point[i - v * l[0].n]);
        for (int k = 0; k < 3; k++) cell[i][k] = (int64_t)floor(at[k] / .1);
    }
    for (long i = 0; i < points; i++) {
        int votes[64] = {0}, best = 0, before = 0;
        double first = 0;
        for (long j = 0; j < points; j++) {
            if (memcmp(cell[i], cell[j], sizeof *cell)) continue;
            int v = j >= l[0].n, is = l[v].object[j - v * l[0].n];
            before |= j < i;
            first += l[v].feature[(j - v * l[0].n) * TEST_WIDTH], votes[is + 1]++;
        }
        if (before) continue;
        int count = 0;
        for (int k = 0; k < 64; k++) {
            count += votes[k];
            if (votes[k] > votes[best]) best = k;
        }
        cells++, expected += (best - 1) * (best - 1), sum += first / count;
    }
    for (int i = 0; i < n; i++) mean += x[(long)i * TEST_WIDTH], objects += object[i] * object[i];
    CHECK(n == cells && cells < points, "%d voxels, %d cells, %ld points", n, cells, points);
    CHECK(fabs(mean - sum) < 1e-4 * n, "features sum to %g, expected %g", mean, sum);
    CHECK(objects == expected && objects > 0, "objects sum to %ld, expected %ld", objects, expected);
    free(x), free(object), free(cell);
}
// A point lies on the ray of its place, at the depth and on the object that the pixel there has.
static void test_lifted_points(const SbView *v, const SbLifted *l) {
    int side = SB_LIFTED * TEST_GRID, off = 0;
    for (int i = 0; i < l->n; i++) {
        const double *p = l->point[i];
        double x = v->k.fx * p[0] / p[2] + v->k.cx, y = v->k.fy * p[1] / p[2] + v->k.cy;
        double column = (x + .5) / v->w * side - .5, row = (y + .5) / v->h * side - .5;
        int at = (int)floor(y + .5) * v->dw + (int)floor(x + .5);   // colour and depth are of one size here
        off += fabs(column - round(column)) > 1e-6 || fabs(row - round(row)) > 1e-6;
        off += v->depth[at] != (float)p[2] || v->mask[at] != l->object[i] + 1;
    }
    CHECK(l->n == side * side && !off, "%d of %d points lie elsewhere", off, l->n);
}
// With such features most pairs of views are found again, within a fraction of what features at random are
// off; voxels hold every point once, with the object of most of them.
static void test_lifted_scenes(void) {
    enum { ROOMS = 6 };
    SbSimConfig c = sb_sim_default();
    SbRoom room;
    SbScene scene;
    double off[2] = {0, 0};
    int recalled[2] = {0, 0};
    real *patch = (real *)sb_calloc(TEST_GRID * TEST_GRID * TEST_WIDTH, sizeof *patch);
    memset(&scene, 0, sizeof scene);
    c.views = 2, c.antialias = 1, c.overlap_min = 60, c.overlap_max = 90, c.w = c.h = 112;
    for (int i = 0; i < ROOMS; i++) {
        sb_room_make(&room, &c, sb_pool(SB_POOL_TEST, (uint64_t)i));
        sb_room_scene(&scene, &room, &c);
        for (int blind = 1; blind >= 0; blind--) {
            SbLifted l[2];
            double truth[12];
            for (int v = 0; v < 2; v++) {
                test_lifted_features(patch, scene.view + v, blind);
                sb_lift_view(l + v, &scene, scene.view + v, patch, TEST_GRID, TEST_WIDTH);
            }
            sb_relative_pose(scene.view[0].pose, scene.view[1].pose, truth);
            SbRegistered r = sb_register(l, l + 1, truth, (uint64_t)i);
            SbRegistered again = sb_register(l, l + 1, truth, (uint64_t)i);
            CHECK(r.rmse == again.rmse && r.agree == again.agree, "another result from the same seed");
            off[blind] += r.metres / ROOMS, recalled[blind] += r.recalled;
            if (!blind && !i) test_lifted_points(scene.view, l), test_lifted_voxels(&scene, l);
            sb_lifted_free(l), sb_lifted_free(l + 1);
        }
    }
    CHECK(recalled[0] >= ROOMS / 2 && recalled[1] == 0, "%d and, at random, %d of %d recalled", recalled[0],
          recalled[1], ROOMS);
    CHECK(off[0] < .1 && off[1] > 3 * off[0], "%g m off, at random %g", off[0], off[1]);
    free(patch), sb_scene_free(&scene);
}

// ---- probes

// An encoder with two channels and numbers at random, which depend on the tensors' names alone: one of fewer
// blocks is the beginning of one of more. final: with the norm behind it.
static void test_probe_encoder(SbServed *e, int blocks, int final) {
    SbConfig c = sb_config_preset(SB_TOY);
    c.enc_layers = blocks, c.enc_final = final;
    memset(e, 0, sizeof *e);
    sb_model_init(&e->model, &c, SB_DUAL);
    sb_model_random(&e->model, ~0, 5, 0);
    sb_model_train(&e->model, 0);
}
// Features of the last layers are, bit for bit, those of encoders that end there; CLS is the last one's.
static void test_probe_layers(void) {
    enum { N = 3, BLOCKS = 5, LAYERS = 4 };
    for (int final = 0; final < 2; final++) {
        SbServed whole, part;
        SbShot shot[N];
        SbRandom random = sb_random(7, 0);
        test_probe_encoder(&whole, BLOCKS, final);
        const SbConfig *c = &whole.model.config;
        int C = c->enc_width, P = c->image / c->patch * (c->image / c->patch), off = 0, same = 0;
        std::vector<unsigned char> rgb((size_t)(N * c->image * c->image * 3));
        std::vector<real> x((size_t)(N * P * LAYERS * C)), y((size_t)(N * P * C)), cls((size_t)(2 * N * C));
        for (unsigned char &v : rgb) v = (unsigned char)sb_next_int(&random, 256);
        for (int i = 0; i < N; i++) shot[i] = {rgb.data() + i * c->image * c->image * 3, c->image, c->image};
        sb_encode_shots(&whole, shot, N, LAYERS, cls.data(), x.data());
        for (int l = 0; l < LAYERS; l++) {
            std::vector<real> before = y;
            test_probe_encoder(&part, BLOCKS - LAYERS + l + 1, final);
            sb_encode_shots(&part, shot, N, 1, cls.data() + N * C, y.data());
            for (int i = 0; i < N * P * C; i++)
                off += x[(size_t)((i / C * LAYERS + l) * C + i % C)] != y[(size_t)i];
            same += l && before == y;
            sb_model_free(&part.model), sb_batch_free(&part.batch);
        }
        CHECK(!off && !same, "final norm %d: %d features differ, %d layers are alike", final, off, same);
        CHECK(!memcmp(cls.data(), cls.data() + N * C, (size_t)(N * C) * sizeof(real)), "other CLS features");
        sb_model_free(&whole.model), sb_batch_free(&whole.batch);
    }
}
// A camera at t, turned by `degrees` about an axis (Rodrigues).
static void test_pose_view(SbView *v, const double axis[3], double degrees, const double t[3]) {
    double a = degrees * 3.14159265358979323846 / 180, n = 0, u[3];
    for (int k = 0; k < 3; k++) n += axis[k] * axis[k];
    for (int k = 0; k < 3; k++) u[k] = axis[k] / sqrt(n);
    double cross[9] = {0, -u[2], u[1], u[2], 0, -u[0], -u[1], u[0], 0};
    memset(v, 0, sizeof *v);
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++)
            v->pose[4 * i + j] = (i == j) * cos(a) + sin(a) * cross[3 * i + j] + (1 - cos(a)) * u[i] * u[j];
        v->pose[4 * i + 3] = t[i];
    }
    v->pose[15] = 1;
}
// Of known turns and shifts the errors are what they are known to be. A quaternion in float is off by some
// 1e-7, which is 2e-5 degrees.
static void test_probe_pose_errors(void) {
    static const double axis[3] = {.3, -1, .4}, at[3] = {1, 2, 3}, from[3] = {1, 2, .5};
    static const double turn[] = {0, 1, 40, 179};
    for (double degrees : turn) {
        SbView a, b;
        real still[SB_MOTION] = {0, 0, 0, 2, 0, 0, -1}, y[SB_MOTION];       // of any length; 1 m
        double sum[SB_SUMS] = {0};
        test_pose_view(&a, axis, 0, from), test_pose_view(&b, axis, degrees, at);
        sb_motion(y, &a, &b), sb_motion_errors(sum, y, still, y);
        double straight = y[6] / sb_metres(y + 4);
        CHECK(fabs(sum[SB_SUM_TURN] - degrees) < 1e-4 && sum[SB_SUM_MEAN_TURN] < 1e-4, "%g degrees: %g, %g",
              degrees, sum[SB_SUM_TURN], sum[SB_SUM_MEAN_TURN]);
        CHECK(fabs(sb_metres(y + 4) - 2.5) < 1e-5 && sum[SB_SUM_SHIFTED] == 1, "2.5 m: %g", sb_metres(y + 4));
        double shift = sqrt(1 + 2.5 * 2.5 + 2 * 2.5 * straight);          // the law of cosines
        double apart = acos(fmax(-1, fmin(1, -straight))) * 180 / 3.14159265358979323846;
        CHECK(fabs(sum[SB_SUM_SHIFT] - shift) < 1e-5, "%g m, expected %g", sum[SB_SUM_SHIFT], shift);
        CHECK(fabs(sum[SB_SUM_DIRECTION] - apart) < .05, "direction %g, expected %g", sum[SB_SUM_DIRECTION],
              apart);               // acos near 1: sqrt(2e-7) is .03 degrees
    }
    real none[SB_MOTION] = {0, 0, 0, 1};
    double sum[SB_SUMS] = {0};
    sb_motion_errors(sum, none, none, none);
    CHECK(sum[SB_SUM_TURN] == 0 && sum[SB_SUM_SHIFT] == 0 && !sum[SB_SUM_SHIFTED], "of no motion");
}
// From features that are the motion, mixed, it is read without an error, on pairs that were not fitted; from
// features that know nothing of it the error is that of the mean motion. Bounds: sums of 200 numbers of size
// 1 in float (1e-5) and the decay, over the least eigenvalue of the features' correlations (.1 and more).
static void test_probe_pose_fit(void) {
    enum { N = 300, FIT = 200, C = SB_MOTION };
    std::vector<real> x(N * C), blind(N * C), y(N * SB_MOTION), said(N * SB_MOTION);
    SbRandom random = sb_random(4, 0);
    for (int i = 0; i < N; i++) {
        SbView a, b;
        double axis[2][3], t[2][3];
        for (int k = 0; k < 6; k++)
            axis[k / 3][k % 3] = sb_next_unit(&random) - .5, t[k / 3][k % 3] = 2 * sb_next_unit(&random);
        test_pose_view(&a, axis[0], 90 * sb_next_unit(&random), t[0]);
        test_pose_view(&b, axis[1], 90 * sb_next_unit(&random), t[1]);
        real *m = y.data() + i * SB_MOTION;
        sb_motion(m, &a, &b);
        for (int c = 0; c < C; c++) {
            x[(size_t)(i * C + c)] = (real)(c % 2);
            for (int k = 0; k < SB_MOTION; k++)
                x[(size_t)(i * C + c)] += m[k] * (real)(.1 * test_wave(c, k, 1.7, .8) + (c == k));
            blind[(size_t)(i * C + c)] = (real)sb_next_unit(&random);
        }
    }
    for (int knows = 0; knows < 2; knows++) {
        SbLinear map;
        real mean[SB_MOTION];
        double all[SB_SUMS] = {0};
        const real *from = knows ? x.data() : blind.data();
        sb_pose_mean(mean, y.data(), FIT);
        sb_pose_fit(&map, from, y.data(), FIT, C, knows ? 1e-6 : SB_POSE_DECAY);
        sb_linear_apply(&map, said.data(), from, N);
        for (int i = FIT; i < N; i++) {
            double sum[SB_SUMS] = {0};
            sb_motion_errors(sum, y.data() + i * SB_MOTION, said.data() + i * SB_MOTION, mean);
            for (int k = 0; k < SB_SUMS; k++) all[k] += sum[k] / (N - FIT);
        }
        double turn = all[SB_SUM_TURN] / all[SB_SUM_MEAN_TURN],
               shift = all[SB_SUM_SHIFT] / all[SB_SUM_MEAN_SHIFT];
        CHECK(all[SB_SUM_MEAN_TURN] > 10 && all[SB_SUM_MEAN_SHIFT] > .5, "the mean is off by %g, %g",
              all[SB_SUM_MEAN_TURN], all[SB_SUM_MEAN_SHIFT]);
        if (knows) CHECK(turn < 1e-3 && shift < 1e-3, "off by %g and %g of the mean's error", turn, shift);
        else CHECK(fabs(turn - 1) < .1 && fabs(shift - 1) < .1, "blind: %g, %g of the mean's", turn, shift);
        sb_linear_free(&map);
    }
}
// Cosines of cells by their definition; cells of 1 and of 4 patches.
static void test_probe_pose_feature(void) {
    enum { GRID = 6, C = 5, P = GRID * GRID, CELLS = 16 };
    real view[2][P * C], x[SB_POSE_WIDTH];
    double cell[2][CELLS][C] = {}, count[CELLS] = {0}, mean[C] = {0}, worst = 0;
    for (int v = 0; v < 2; v++)
        for (int i = 0; i < P * C; i++) {
            int at = (int)floor(i / C / GRID / 1.5) * 4 + (int)floor(i / C % GRID / 1.5);
            view[v][i] = (real)test_wave(i / C + 40 * v, i % C, .9, 1.4);
            cell[v][at][i % C] += view[v][i], count[at] += .5 / C, mean[i % C] += view[v][i] / (2. * P);
        }
    sb_pose_feature(x, view[0], view[1], GRID, C);
    for (int i = 0; i < CELLS * CELLS; i++) {
        double ab = 0, aa = 0, bb = 0;
        for (int c = 0; c < C; c++) {
            double a = cell[0][i / CELLS][c] / count[i / CELLS] - mean[c];
            double b = cell[1][i % CELLS][c] / count[i % CELLS] - mean[c];
            ab += a * b, aa += a * a, bb += b * b;
        }
        worst = fmax(worst, fabs(x[i] - ab / sqrt(aa * bb)));
    }
    CHECK(worst < 1e-5, "a cosine is off by %g", worst);
}
// ---- the DPT head

enum { DPT_L = 3, DPT_C = 5, DPT_GRID = 3, DPT_P = DPT_GRID * DPT_GRID, DPT_N = 4 };
typedef std::vector<double> Places;     // [side * side][SB_DPT_WIDTH]
static double test_dpt_weight(const f64::SbDpt *d, int k, int out, int in) {
    f64::SbDptMap m = f64::sb_dpt_map(d, k);
    return d->w[m.at + (in < 0 ? m.in * m.out + out : out * m.in + in)];
}
// A convolution by its definition, of x or of its positive part.
static Places test_dpt_conv(const f64::SbDpt *d, int k, const Places &x, int side, int relu) {
    enum { D = SB_DPT_WIDTH };
    Places y(x.size());
    for (int p = 0; p < side * side * D; p++) {
        y[(size_t)p] = test_dpt_weight(d, k, p % D, -1);
        for (int i = 0; i < 9 * D; i++) {
            int row = p / D / side + i / D / 3 - 1, column = p / D % side + i / D % 3 - 1;
            if (row < 0 || column < 0 || row >= side || column >= side) continue;
            double v = x[(size_t)((row * side + column) * D + i % D)];
            y[(size_t)p] += test_dpt_weight(d, k, p % D, i) * (relu ? fmax(v, 0) : v);
        }
    }
    return y;
}
// The depth of all patches of one picture, place by place. Twice the grid: as PyTorch's interpolate(mode =
// "bilinear", align_corners = False) says it.
static Places test_dpt_depths(const f64::SbDpt *d, const double *x) {
    enum { D = SB_DPT_WIDTH, S = DPT_GRID };
    Places o(S * S * D), big(4 * S * S * D), depth(S * S);
    for (int l = DPT_L - 1; l >= 0; l--) {
        for (int i = 0; i < S * S * D; i++) {
            o[(size_t)i] += test_dpt_weight(d, l, i % D, -1);
            for (int c = 0; c < DPT_C; c++)
                o[(size_t)i] += test_dpt_weight(d, l, i % D, c) * x[(i / D * DPT_L + l) * DPT_C + c];
        }
        Places more = test_dpt_conv(d, DPT_L + l, o, S, 1);
        for (size_t i = 0; i < o.size(); i++) o[i] += more[i];
    }
    for (int i = 0; i < 4 * S * S * D; i++) {
        double at[2] = {i / D / (2 * S) / 2. - .25, i / D % (2 * S) / 2. - .25}, t[2];
        int low[2], high[2];
        for (int k = 0; k < 2; k++) {
            at[k] = fmax(at[k], 0), low[k] = (int)at[k];
            high[k] = sb_min(low[k] + 1, S - 1), t[k] = at[k] - low[k];
        }
        for (int corner = 0; corner < 4; corner++) {
            int row = corner / 2 ? high[0] : low[0], column = corner % 2 ? high[1] : low[1];
            big[(size_t)i] += (corner / 2 ? t[0] : 1 - t[0]) * (corner % 2 ? t[1] : 1 - t[1]) *
                              o[(size_t)((row * S + column) * D + i % D)];
        }
    }
    Places h = test_dpt_conv(d, 2 * DPT_L, big, 2 * S, 0);
    for (int i = 0; i < 4 * S * S; i++) {
        double y = test_dpt_weight(d, 2 * DPT_L + 1, 0, -1);
        for (int k = 0; k < D; k++)
            y += test_dpt_weight(d, 2 * DPT_L + 1, 0, k) * fmax(h[(size_t)(i * D + k)], 0);
        depth[(size_t)(i / (2 * S) / 2 * S + i % (2 * S) / 2)] += y / 4;
    }
    return depth;
}
// In double: forward against the definition, the gradient of every map against differences of the loss, in
// which patches of unknown depth do not count.
static void test_dpt_gradient(void) {
    enum { ROWS = DPT_N * DPT_P, W = DPT_L * DPT_C };
    f64::SbDpt d;
    double x[ROWS * W], z[ROWS], worst = 0, slope = 0, square = 0, known = 0;
    f64::sb_dpt_make(&d, DPT_L, DPT_C, DPT_GRID, DPT_N, 3);
    for (long i = 0; i < d.size; i++) d.w[i] += .1 * test_wave((int)i, 3, .37, .2);     // biases too
    for (int i = 0; i < ROWS * W; i++) x[i] = test_wave(i / W, i % W, 1.3, .7);
    for (int i = 0; i < ROWS; i++) z[i] = i % 7 == 3 ? 2 * SB_DPT_UNKNOWN : test_wave(i, 2, .9, .1);
    f64::sb_dpt_forward(&d, x, DPT_N);
    for (int i = 0; i < DPT_N; i++) {
        Places want = test_dpt_depths(&d, x + i * DPT_P * W);
        for (int p = 0; p < DPT_P; p++) worst = fmax(worst, fabs(d.depth[i * DPT_P + p] - want[(size_t)p]));
    }
    CHECK(worst < 1e-11, "depth is off by %g", worst);      // sums of 300 numbers of size 1
    for (int i = 0; i < ROWS; i++)
        if (i % 7 != 3) square += pow(d.depth[i] - z[i], 2), known++;
    double mean = f64::sb_dpt_backward(&d, x, z, DPT_N);
    CHECK(fabs(mean - square / known) < 1e-12 * mean, "loss %g, expected %g", mean, square / known);
    Places g(d.g, d.g + d.size);
    for (int k = 0; k <= 2 * DPT_L + 1; k++) {
        f64::SbDptMap m = f64::sb_dpt_map(&d, k);
        int all = m.in * m.out + m.out, pick[4] = {0, all / 3, m.in * m.out - 1, all - 1};
        double size = 0;
        for (int i = 0; i < all; i++) size = fmax(size, fabs(g[(size_t)(m.at + i)]));
        CHECK(size > 1e-4, "map %d has no gradient", k);
        for (int i : pick) {
            double loss[2], was = d.w[m.at + i], step = 1e-6;
            for (int side = 0; side < 2; side++) {
                d.w[m.at + i] = was + (side ? step : -step);
                f64::sb_dpt_forward(&d, x, DPT_N), loss[side] = f64::sb_dpt_backward(&d, x, z, DPT_N);
            }
            d.w[m.at + i] = was;
            slope = fmax(slope, fabs((loss[1] - loss[0]) / (2 * step) - g[(size_t)(m.at + i)]) / size);
        }
    }
    CHECK(slope < 1e-6, "a gradient is off by %g of its map's largest", slope);     // 1e-16 / step, times 1e3
    f64::sb_dpt_free(&d);
}
// What lies around a patch decides: no linear map of the patch's own features can know it, the head does, on
// pictures that it was not fitted to; the same bits from any number of threads.
static void test_dpt_fit(void) {
    enum { FIT = 160, N = 200, S = 4, P = S * S, C = 3 };
    std::vector<real> x(N * P * C), z(N * P), depth(N * P), again(N * P);
    SbRandom random = sb_random(6, 0);
    double error = 0, spread = 0;
    for (real &v : x) v = (real)(1 + 2 * sb_next_unit(&random));
    for (int i = 0; i < N * P; i++) {
        int p = i % P;
        double sum = 0;
        for (int q = 0; q < P; q++)
            if (abs(q / S - p / S) + abs(q % S - p % S) == 1) sum += x[(size_t)((i - p + q) * C)] / 2. - 1;
        z[(size_t)i] = (real)(i % 11 ? 2 + sum : 0);
    }
#ifdef _OPENMP
    int threads = omp_get_max_threads();
#endif
    for (int pass = 0; pass < 2; pass++) {
        SbDpt d;
#ifdef _OPENMP
        omp_set_num_threads(1 + 2 * pass);
#endif
        sb_dpt_make(&d, 1, C, S, 8, 1);
        sb_dpt_fit(&d, x.data(), z.data(), FIT, 15);
        sb_dpt_apply(&d, (pass ? again : depth).data(), x.data(), N);
        sb_dpt_free(&d);
    }
#ifdef _OPENMP
    omp_set_num_threads(threads);
#endif
    for (size_t i = FIT * P; i < N * P; i++) {
        if (!(z[i] > 0)) continue;
        error += pow(depth[i] - z[i], 2), spread += pow(z[i] - 2, 2);
    }
    CHECK(error < .25 * spread, "a square error of %g, of the mean %g", error, spread);
    CHECK(depth == again, "three threads give other numbers");
}

static void test_measures_all(void) {
    RUN(test_score_goldens);
    RUN(test_score_amounts);
    RUN(test_score_refuses);
    RUN(test_fit_logistic);
    RUN(test_fit_neighbours);
    RUN(test_fit_bins);
    RUN(test_tiles_pixels);
    RUN(test_tiles_errors);
    RUN(test_tiles_iou);
    RUN(test_layout_imagenet);
    RUN(test_layout_ade20k);
    RUN(test_layout_nyud);
    RUN(test_retrieval_goldens);
    RUN(test_retrieval_layout);
    RUN(test_rigid_golden);
    RUN(test_rigid_ransac);
    RUN(test_rigid_mutual);
    RUN(test_lifted_scenes);
    RUN(test_probe_layers);
    RUN(test_probe_pose_errors);
    RUN(test_probe_pose_fit);
    RUN(test_probe_pose_feature);
    RUN(test_dpt_gradient);
    RUN(test_dpt_fit);
}
#endif
