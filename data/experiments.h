// experiments.h: what the papers' experiments said: tables as text, and a page of their own.
//
// Refuses: figures of its own (all come from NAME.csv, which dev/reproduce.mk makes: notes behind #, then
// arm,seed,metric,base,value,seconds); to call a difference one whose interval holds zero. The first arm is
// what the others are compared with, seed by seed. Read from top: a file, its numbers, text, charts, page.
#ifndef SB_EXPERIMENTS_H
#define SB_EXPERIMENTS_H
#include "page.h"

enum { SB_ARMS = 32, SB_SEEDS = 32, SB_MEASURES = 16, SB_PANELS = 4 };

// change: value against base in %, NaN: not there, or the base is 0. seconds: of training.
typedef struct {
    SbCsv csv;
    char *name;
    const char *arm[SB_ARMS], *seed[SB_SEEDS], *metric[SB_MEASURES];
    int arms, seeds, metrics;
    double change[SB_ARMS][SB_SEEDS][SB_MEASURES], seconds[SB_ARMS][SB_SEEDS];
} SbExperiment;

// ---- a file

static int sb_experiment_place(const char **list, int *count, int most, const char *text, const char *path) {
    for (int i = 0; i < *count; i++)
        if (!strcmp(list[i], text)) return i;
    if (*count == most) sb_die("%s: more than %d different arms, seeds or metrics", path, most);
    list[*count] = text;
    return (*count)++;
}
static SB_UNUSED void sb_experiment_open(SbExperiment *e, const char *path) {
    static const char *const column[] = {"arm", "seed", "metric", "base", "value", "seconds"};
    memset(e, 0, sizeof *e);
    if (!sb_csv_read(&e->csv, path, NULL) || !e->csv.rows) sb_die("%s: no line of figures in it", path);
    for (int i = 0; i < 6; i++)
        if (e->csv.columns != 6 || strcmp(e->csv.cell[i], column[i]))
            sb_die("%s: its columns are not arm,seed,metric,base,value,seconds", path);
    const char *slash = strrchr(path, '/');
    e->name = sb_copy(slash ? slash + 1 : path);
    e->name[strlen(e->name) - 4] = 0;
    double *all = &e->change[0][0][0];
    for (size_t i = 0; i < sizeof e->change / sizeof *all; i++) all[i] = NAN;
    for (int i = 0; i < e->csv.rows; i++) {
        int a = sb_experiment_place(e->arm, &e->arms, SB_ARMS, sb_csv_text(&e->csv, i, "arm"), path);
        int s = sb_experiment_place(e->seed, &e->seeds, SB_SEEDS, sb_csv_text(&e->csv, i, "seed"), path);
        int m = sb_experiment_place(e->metric, &e->metrics, SB_MEASURES, sb_csv_text(&e->csv, i, "metric"),
                                    path);
        double base = sb_csv_number(&e->csv, i, "base"), value = sb_csv_number(&e->csv, i, "value");
        if (!isfinite(base) || !isfinite(value))
            sb_die("%s: its line of figures %d: base and value must be numbers", path, i + 1);
        if (base != 0) e->change[a][s][m] = 100 * (value / base - 1);
        e->seconds[a][s] = sb_csv_number(&e->csv, i, "seconds");
    }
}
static SB_UNUSED void sb_experiment_free(SbExperiment *e) { sb_csv_free(&e->csv), free(e->name); }

// ---- its numbers

// Mean over seeds and its spread. Of an arm: half the range of its changes. Against another arm (less >= 0):
// the seeds' differences, and half their mean's 95 % interval (Student's t). n: seeds; spread NaN below two.
typedef struct { double mean, spread; int n; } SbSpread;
static SB_UNUSED SbSpread sb_experiment_spread(const SbExperiment *e, int arm, int less, int metric) {
    static const double student[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262};
    double sum = 0, square = 0, low = 0, high = 0;
    SbSpread s = {NAN, NAN, 0};
    for (int i = 0; i < e->seeds; i++) {
        double x = e->change[arm][i][metric] - (less < 0 ? 0 : e->change[less][i][metric]);
        if (!isfinite(x)) continue;
        low = s.n && low < x ? low : x, high = s.n && high > x ? high : x;
        s.n++, sum += x, square += x * x;
    }
    if (s.n) s.mean = sum / s.n;
    if (s.n < 2) return s;
    s.spread = less < 0 ? (high - low) / 2
                        : student[(s.n < 10 ? s.n : 10) - 2] *
                              sqrt(fmax(0, square - sum * s.mean) / (s.n - 1) / s.n);
    return s;
}
// A difference that one may believe: its interval does not hold zero.
static SB_UNUSED int sb_spread_sure(SbSpread s) { return isfinite(s.spread) && fabs(s.mean) > s.spread; }

// Does a smaller value of this metric mean a better encoder?
static int sb_metric_error(const char *metric) {
    return !strncmp(metric, "depth", 5) && !strstr(metric, "delta1");
}
static double sb_experiment_seconds(const SbExperiment *e, int arm) {
    double sum = 0;
    int n = 0;
    for (int i = 0; i < e->seeds; i++)
        if (isfinite(e->change[arm][i][0])) sum += e->seconds[arm][i], n++;
    return n ? sum / n : NAN;
}

// ---- text

static SB_UNUSED void sb_experiment_print(const SbExperiment *e) {
    printf("\n%s\n%s# %d seed%s, mean +- half the range\n\n%-14s", e->name, e->csv.notes ? e->csv.notes : "",
           e->seeds, e->seeds > 1 ? "s" : ": no interval", "change, %");
    for (int m = 0; m < e->metrics; m++) printf(" %19s", e->metric[m]);
    printf("  seconds\n");
    for (int less = -1; less < (e->arms > 1 ? 1 : 0); less++) {
        if (!less)
            printf("less %s, of the same seed; +- 95 %% interval over seeds; ~ not distinguishable from 0\n",
                   e->arm[0]);
        for (int a = less + 1; a < e->arms; a++) {
            printf("%-14s", e->arm[a]);
            for (int m = 0; m < e->metrics; m++) {
                SbSpread s = sb_experiment_spread(e, a, less, m);
                const char *sure = less < 0 || sb_spread_sure(s) ? " " : "~";
                if (!s.n) printf(" %19s", "-");
                else if (s.n < 2) printf(" %+8.1f %10s", s.mean, "");
                else printf(" %+8.1f +- %5.1f %s", s.mean, s.spread, sure);
            }
            if (less < 0) printf(" %8.0f", sb_experiment_seconds(e, a));
            printf("\n");
        }
    }
}

// ---- charts

static int sb_experiment_metric(const SbExperiment *e, const char *name) {
    for (int m = 0; m < e->metrics; m++)
        if (!strcmp(e->metric[m], name)) return m;
    return -1;
}
// One metric: a row an arm, a dot a seed, a bar at the mean; dashed: where the first arm's mean is.
static void sb_experiment_panel(SbText *t, const SbExperiment *e, int metric, const char *title) {
    enum { LEFT = 96, RIGHT = 330, ROW = 18, TOP = 22 };
    double low = 0, high = 0, first = sb_experiment_spread(e, 0, -1, metric).mean;
    int bottom = TOP + ROW * e->arms;
    for (int i = 0; i < e->arms * e->seeds; i++) {
        double x = e->change[i / e->seeds][i % e->seeds][metric];
        if (isfinite(x)) low = fmin(low, x), high = fmax(high, x);
    }
    double wide = high > low ? high - low : 1;
#define SB_AT(x) (LEFT + ((x) - low) / wide * (RIGHT - LEFT))
    sb_text_add(t, "<figure><svg viewBox=\"0 0 340 %d\" role=img aria-label=\"%s: change in %%, by arm\">",
                bottom + 20, title);
    sb_text_add(t, "<text x=%d y=12 text-anchor=end>%s, %%</text>\n", RIGHT, title);
    for (int i = 0; i < 3; i++) {
        double x = i == 0 ? low : i == 1 ? high : 0;
        sb_text_add(t, "<path class=rule d=\"M%.1f %dV%d\"/>", SB_AT(x), TOP - 4, bottom);
        if (i == 2 && (SB_AT(0) - LEFT < 24 || RIGHT - SB_AT(0) < 24)) continue;
        sb_text_add(t, "<text x=%.1f y=%d text-anchor=middle>", SB_AT(x), bottom + 15);
        sb_html_number(t, x, 0, 1);
        sb_html(t, "</text>\n");
    }
    if (isfinite(first))
        sb_text_add(t, "<path class=half d=\"M%.1f %dV%d\"/>\n", SB_AT(first), TOP - 4, bottom);
    for (int a = 0; a < e->arms; a++) {
        double y = TOP + ROW * (a + .5), mean = sb_experiment_spread(e, a, -1, metric).mean;
        const char *style = a ? "train" : "valid";
        sb_text_add(t, "<text x=%d y=%.1f text-anchor=end>%s</text>", LEFT - 10, y + 4, e->arm[a]);
        for (int i = 0; i < e->seeds; i++)
            if (isfinite(e->change[a][i][metric]))
                sb_text_add(t, "<circle class=%s cx=%.1f cy=%.1f r=2.5 />", style,
                            SB_AT(e->change[a][i][metric]), y);
        if (isfinite(mean))
            sb_text_add(t, "<path class=\"line %s\" d=\"M%.1f %.1fv12\"/>\n", style, SB_AT(mean), y - 6);
    }
#undef SB_AT
    sb_html(t, "</svg></figure>\n");
}

// ---- the page

static void sb_experiment_row(SbText *t, const SbExperiment *e, int arm) {
    sb_text_add(t, "<tr><td>%s", e->arm[arm]);
    for (int m = 0; m < e->metrics; m++) {
        SbSpread own = sb_experiment_spread(e, arm, -1, m), other = sb_experiment_spread(e, arm, 0, m);
        int sure = arm && sb_spread_sure(other), better = (other.mean < 0) == sb_metric_error(e->metric[m]);
        sb_text_add(t, "<td class=%s>", !sure ? "even" : better ? "good" : "bad");
        if (isfinite(own.mean)) sb_html_number(t, own.mean, 1, 1);
        else sb_html(t, "&ndash;");
        if (isfinite(own.spread)) sb_text_add(t, " <small class=se>&plusmn;&thinsp;%.1f</small>", own.spread);
        if (!arm || !isfinite(other.spread)) continue;
        sb_html(t, "<br><small class=se>");
        sb_html_number(t, other.mean, 1, 1);
        sb_text_add(t, " &plusmn;&thinsp;%.1f</small>", other.spread);
    }
    sb_text_add(t, "<td>%.0f\n", sb_experiment_seconds(e, arm));
}
static void sb_experiment_html(SbText *t, const SbExperiment *e) {
    static const char *const panel[SB_PANELS][2] = {{"depth rmse", "depth, RMSE"},
                                                    {"segmentation miou", "segmentation, mIoU"},
                                                    {"class linear", "main object, linear"},
                                                    {"class knn", "main object, neighbours"}};
    sb_text_add(t, "<h2>%s</h2>\n<p>%d seed%s<br>\n", e->name, e->seeds, e->seeds > 1 ? "s" : "");
    for (const char *s = e->csv.notes ? e->csv.notes : ""; *s;) { // a note a line
        size_t size = strcspn(s, "\n");
        char *line = sb_format("%.*s", (int)size, s);
        sb_html_text(t, line + strspn(line, "# "));
        sb_html(t, "<br>\n");
        free(line);
        s += size + (s[size] == '\n');
    }
    sb_html(t, "</p>\n<div class=\"charts four\">\n");
    for (int i = 0; i < SB_PANELS; i++) {
        int m = sb_experiment_metric(e, panel[i][0]);
        if (m >= 0) sb_experiment_panel(t, e, m, panel[i][1]);
    }
    sb_html(t, "</div>\n<div class=wide><table><thead><tr><th>change, %");
    for (int m = 0; m < e->metrics; m++) sb_text_add(t, "<th>%s", e->metric[m]);
    sb_html(t, "<th>seconds\n<tbody>");
    for (int a = 0; a < e->arms; a++) sb_experiment_row(t, e, a);
    sb_html(t, "</table></div>\n");
}
// Every NAME.csv of a folder: printed, and drawn on the page `to`. Returns how many there were.
static SB_UNUSED int sb_experiments_page(const char *folder, const char *to) {
    int count, drawn = 0;
    char **name = sb_list_folder(folder, &count);
    SbText t = {NULL, 0, 0};
    SbExperiment *e = (SbExperiment *)sb_calloc(1, sizeof *e);
    sb_page_begin(&t, "SpatialBoost in miniature: experiments");
    sb_html(&t, "<header>\n<p class=kicker>SpatialBoost in miniature</p>\n<h1>What the experiments say</h1>\n"
                "<p class=lead>Each arm is one boost with one thing changed; linear probes then read the "
                "frozen features. Figures are changes against the base encoder in percent, means over seeds, "
                "&plusmn; half the range; below them the difference from the first arm, seed against seed, "
                "and its 95 % interval over seeds. Green and red: better and worse than the first arm, "
                "beyond that interval (one cell in twenty is so by chance); uncoloured: not distinguishable "
                "from it. A dot is a seed, a bar the mean, the dotted line the first arm's. Seconds are of "
                "the clock, beside whatever else ran.</p>\n</header>\n");
    for (int i = 0; i < count; i++) {
        size_t size = strlen(name[i]);
        if (size < 5 || strcmp(name[i] + size - 4, ".csv")) continue;
        char *path = sb_format("%s/%s", folder, name[i]);
        sb_experiment_open(e, path);
        sb_experiment_print(e), sb_experiment_html(&t, e);
        sb_experiment_free(e), free(path);
        drawn++;
    }
    sb_page_end(&t);
    if (drawn) sb_write_file(to, t.data, t.size);
    sb_free_names(name, count), free(t.data), free(e);
    return drawn;
}
#endif
