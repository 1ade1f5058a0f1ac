// census.h: what dialogues were made of, as a table in the terminal and as a page: questions of each type,
// how long the lengths are, how far a model gets that does not look.
//
// Refuses: to count (balance.h does, while questions are made). Read from top: the table, the page.
#ifndef SB_CENSUS_H
#define SB_CENSUS_H
#include "converse.h"
#include "page.h"

// What noise did to a set of dialogues.
typedef struct { long again, changed, wrong, lost; } SbNoiseCount;

// ---- the table

static SB_UNUSED void sb_census_print(const SbCensusRow *row) {
    printf("%-13s %-8s %8s %8s %10s %7s %8s\n", "question", "level", "asked", "answers", "commonest", "blind",
           "chance");
    for (int i = 0; i < SB_ASK_COUNT; i++) {
        const SbQuestion *q = sb_question_row(i);
        if (!row[i].asked) continue;
        printf("%-13s %-8s %8ld", q->name, sb_level_name[q->level], row[i].asked);
        if (!row[i].answers) printf(" %8s %10s %7s %8s\n", "-", "-", "-", "-");
        else if (isnan(row[i].blind))
            printf(" %8ld %9.1f%% %7s %7.1f%%\n", row[i].answers, 100 * row[i].commonest, "-",
                   100 * row[i].chance);
        else
            printf(" %8ld %9.1f%% %6.1f%% %7.1f%%\n", row[i].answers, 100 * row[i].commonest,
                   100 * row[i].blind, 100 * row[i].chance);
    }
    printf("answers: different ones, lengths within a quarter as one; commonest: the share of the first;\n"
           "blind: hit by who sees no picture and has learnt the other half; chance: 1 / answers.\n");
}

// ---- the page

static void sb_census_page_table(SbText *t, const SbCensusRow *row) {
    long most = 1;
    for (int i = 0; i < SB_ASK_COUNT; i++) most = row[i].asked > most ? row[i].asked : most;
    sb_html(t, "<div class=wide><table class=time><tr><th>question<th><th>asked<th>answers<th>commonest, %"
               "<th>blind, %<th>chance, %<th style=\"text-align:left\">frame: answer\n");
    for (int i = 0; i < SB_ASK_COUNT; i++) {
        const SbQuestion *q = sb_question_row(i);
        if (!row[i].asked) continue;
        sb_text_add(t, "<tr><td>%s, %s<td><i style=\"width:%.1f%%\"></i><td>%ld", sb_level_name[q->level],
                    q->name, 100. * (double)row[i].asked / (double)most, row[i].asked);
        const double share[3] = {row[i].commonest, row[i].blind, row[i].chance};
        if (row[i].answers) sb_text_add(t, "<td>%ld", row[i].answers);
        else sb_html(t, "<td>");
        for (int k = 0; k < 3; k++) {
            sb_html(t, "<td>");
            if (!isnan(share[k])) sb_html_number(t, 100 * share[k], 1, 0);
        }
        sb_html(t, "<td style=\"text-align:left\">");
        sb_html_text(t, q->formula);
    }
    sb_html(t, "\n</table></div>\n");
}

// Histogram of the lengths said in answers: of depth questions, or of all others.
static void sb_census_chart(SbText *t, const SbCensus *c, int depth, const char *label) {
    double *length = (double *)sb_calloc((size_t)c->turns, sizeof *length), most = 0;
    int n = 0;
    for (long i = 0; i < c->turns; i++) {
        int is_depth = c->turn[i].type == SB_ASK_depth;
        if (sb_question_row(c->turn[i].type)->kind != SB_KIND_LENGTH || is_depth != depth) continue;
        if (!(c->turn[i].said > 0)) continue;   // a gap that is none
        most = fmax(most, length[n++] = c->turn[i].said);
    }
    SbFrame f = {0, ceil(fmax(most, 1)), 0, 1};
    if (n) {
        sb_html(t, "<figure>");
        sb_chart_begin(t, &f, label, 0);
        sb_chart_histogram(t, &f, length, n, "filled");
        sb_text_add(t, "</svg><figcaption><b>%s</b>, metres; %d answers</figcaption></figure>\n", label, n);
    }
    free(length);
}

// One file with nothing outside it, beside the dialogues. The census must have been put in order by
// sb_census_rows.
static SB_UNUSED void sb_census_page(const char *path, const char *title, const SbCensus *c,
                                     const SbCensusRow *row, const SbNoiseCount *noise) {
    SbText t = {NULL, 0, 0};
    sb_page_begin(&t, title);
    sb_html(&t, "<h1>");
    sb_html_text(&t, title);
    sb_text_add(&t, "</h1>\n<p>%ld questions.", c->turns);
    if (noise->again || noise->lost)
        sb_text_add(&t, " Noise changed %ld of %ld answers, %ld of them to another word or by more than a "
                    "quarter of a length; %ld questions were lost to it.", noise->changed, noise->again,
                    noise->wrong, noise->lost);
    sb_html(&t, "</p>\n<div class=charts>\n");
    sb_census_chart(&t, c, 1, "depth of points");
    sb_census_chart(&t, c, 0, "other lengths");
    sb_html(&t, "</div>\n<h2>Types of question</h2>\n<p>Answers: how many different ones, lengths within a "
                "quarter counted as one; commonest: the share of the first of them. Blind: the share that is "
                "hit by one who sees the question alone (its type, the categories that it names, the place "
                "of its points on a grid of 4 &times; 4) and has learnt the other half of the dialogues. A "
                "question whose blind share is far above chance (1 / answers) can be answered without "
                "looking; a few questions say little. "
                "Frames: camera, planar z; level, X right, Y up, Z ahead of a camera held level.</p>\n");
    sb_census_page_table(&t, row);
    sb_page_end(&t);
    sb_write_file(path, t.data, t.size);
    free(t.data);
}
#endif
