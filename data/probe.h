// probe.h: what probes of frozen features found: sums a picture, the metrics that follow from them, and the
// table of them for up to three encoders, with standard errors. Include spatialboost.h first.
//
// Refuses: a figure without its spread (every encoder's from the same pictures, drawn again); a metric of
// what is not known of the pictures. To add a metric: a row of sb_metrics and what it divides by what, an
// SB_SUM_ that is summed where it is measured (probe_fit.h, probe_points.h, probe_pose.h). Read from top:
// sums, metrics, the table.
#ifndef SB_PROBE_H
#define SB_PROBE_H
#include "fit.h"
#include "probe_views.h"
#include "tiles.h"

// What ./eval probe was asked for; 0 of a number: its usual value.
typedef struct {
    const char *task, *data, *scenes, *scales;
    int images, fit, bins, rows, layers, dpt, neighbours, shared, tune;
    double decay;
} SbProbeFlags;

// The encoders that are compared.
enum { SB_PROBED_BASE, SB_PROBED_BOOST, SB_PROBED_CONTROL, SB_PROBED };

// ---- sums and metrics

// What one encoder got on one test picture: sums, from which every metric of any set of pictures follows.
enum { SB_SUM_PATCHES, SB_SUM_SQUARES, SB_SUM_OBJECT_PATCHES, SB_SUM_OBJECT_SQUARES, SB_SUM_RELATIVE,
       SB_SUM_CLOSE, SB_SUM_CLASSED, SB_SUM_CLASS_RIGHT, SB_SUM_KNN_RIGHT, SB_SUM_RANKED,
       SB_SUM_PRECISE = SB_SUM_RANKED + SB_REVISITED, SB_SUM_PAIRED = SB_SUM_PRECISE + SB_REVISITED,
       SB_SUM_RECALLED, SB_SUM_METRES, SB_SUM_DEGREES, SB_SUM_POINTED, SB_SUM_POINT_RIGHT,
       SB_SUM_MOVED, SB_SUM_TURN, SB_SUM_SHIFT, SB_SUM_SHIFTED, SB_SUM_DIRECTION, SB_SUM_MEAN_TURN,
       SB_SUM_MEAN_SHIFT, SB_SUM_DPT_PATCHES, SB_SUM_DPT_SQUARES, SB_SUM_DPT_RELATIVE, SB_SUM_DPT_CLOSE,
       SB_SUMS };
typedef struct { double sum[SB_SUMS]; } SbProbed;
typedef struct {
    int n, classes, labels, each;       // each: means over pictures of what is theirs, not over all patches
    SbProbed *image;                    // [n]
    unsigned *count;                    // [n][SB_COUNTS][labels] patches, or pixels, by label
    SbRanked *ranked;                   // [classes][n], best score first
    const unsigned char *multi;         // [n][classes]
} SbProbeResult;

// One row a metric. RATIO: top / bottom; ROOT: its square root; IOU, PRECISION: functions of their own.
// needs: what must be known of the pictures.
enum { SB_BY_RATIO, SB_BY_ROOT, SB_BY_IOU, SB_BY_PRECISION };
typedef struct {
    const char *probe, *metric;
    int kind, top, bottom, better, needs;
    const char *label;
} SbMetric;
#define SB_RATIO(top, bottom) SB_BY_RATIO, SB_SUM_##top, SB_SUM_##bottom
#define SB_ROOT(top, bottom) SB_BY_ROOT, SB_SUM_##top, SB_SUM_##bottom
#define SB_RANKS(protocol) SB_BY_RATIO, SB_SUM_PRECISE + SB_REVISITED_##protocol, \
                           SB_SUM_RANKED + SB_REVISITED_##protocol, 1, SB_KNOW_RANKS
static const SbMetric sb_metrics[] = {
    {"depth", "rmse", SB_ROOT(SQUARES, PATCHES), -1, SB_KNOW_DEPTHS, "depth, RMSE in metres"},
    {"depth", "rmse_objects", SB_ROOT(OBJECT_SQUARES, OBJECT_PATCHES), -1, SB_KNOW_DEPTHS | SB_KNOW_OBJECTS,
     "depth on objects, RMSE in metres"},
    {"depth", "absrel", SB_RATIO(RELATIVE, PATCHES), -1, SB_KNOW_DEPTHS, "depth, mean relative error"},
    {"depth", "delta1", SB_RATIO(CLOSE, PATCHES), 1, SB_KNOW_DEPTHS, "depth, share within a factor of 1.25"},
    {"depth_dpt", "rmse", SB_ROOT(DPT_SQUARES, DPT_PATCHES), -1, SB_KNOW_DPT, "depth by a DPT head, RMSE"},
    {"depth_dpt", "absrel", SB_RATIO(DPT_RELATIVE, DPT_PATCHES), -1, SB_KNOW_DPT,
     "the same, mean relative error"},
    {"depth_dpt", "delta1", SB_RATIO(DPT_CLOSE, DPT_PATCHES), 1, SB_KNOW_DPT,
     "the same, within a factor of 1.25"},
    {"segmentation", "miou", SB_BY_IOU, 0, 0, 1, SB_KNOW_LABELS, "segmentation, mIoU"},
    {"class", "linear", SB_RATIO(CLASS_RIGHT, CLASSED), 1, SB_KNOW_CLASSES,
     "class (rooms: main object), linear"},
    {"class", "knn", SB_RATIO(KNN_RIGHT, CLASSED), 1, SB_KNOW_CLASSES, "class, nearest neighbours"},
    {"class", "map", SB_BY_PRECISION, 0, 0, 1, SB_KNOW_OBJECTS, "all objects, mean average precision"},
    {"retrieval", "map_easy", SB_RANKS(EASY), "retrieval, mAP, easy"},
    {"retrieval", "map_medium", SB_RANKS(MEDIUM), "retrieval, mAP, medium"},
    {"retrieval", "map_hard", SB_RANKS(HARD), "retrieval, mAP, hard"},
    {"registration", "recall", SB_RATIO(RECALLED, PAIRED), 1, SB_KNOW_PAIRS, "registration, recall at 5 cm"},
    {"registration", "rte", SB_RATIO(METRES, PAIRED), -1, SB_KNOW_PAIRS, "registration, metres off"},
    {"registration", "rre", SB_RATIO(DEGREES, PAIRED), -1, SB_KNOW_PAIRS, "registration, degrees off"},
    {"points", "accuracy", SB_RATIO(POINT_RIGHT, POINTED), 1, SB_KNOW_POINTS,
     "points, share of right labels"},
    {"points", "miou", SB_BY_IOU, 0, 0, 1, SB_KNOW_POINTS, "points, mIoU"},
    {"pose", "rotation_deg", SB_RATIO(TURN, MOVED), -1, SB_KNOW_MOTION, "motion, degrees off"},
    {"pose", "translation_m", SB_RATIO(SHIFT, MOVED), -1, SB_KNOW_MOTION, "motion, metres off"},
    {"pose", "direction_deg", SB_RATIO(DIRECTION, SHIFTED), -1, SB_KNOW_MOTION,
     "its direction, degrees off"},
    {"pose", "mean_rotation_deg", SB_RATIO(MEAN_TURN, MOVED), -1, SB_KNOW_MOTION,
     "the mean motion, degrees off"},
    {"pose", "mean_translation_m", SB_RATIO(MEAN_SHIFT, MOVED), -1, SB_KNOW_MOTION,
     "the mean motion, metres off"},
};
#undef SB_RATIO
#undef SB_ROOT
#undef SB_RANKS
enum { SB_METRICS = sizeof sb_metrics / sizeof *sb_metrics, SB_DRAWS = 200 };

// weight[i]: how often picture i counts.
static double sb_result_iou(const SbProbeResult *r, const int *weight) {
    double *sum = (double *)sb_calloc((size_t)(SB_COUNTS * r->labels) + 1, sizeof *sum);
    for (int i = 0; i < r->n; i++)
        for (int k = 0; weight[i] && k < SB_COUNTS * r->labels; k++)
            sum[k] += (double)weight[i] * r->count[(long)i * SB_COUNTS * r->labels + k];
    double mean = sb_mean_iou(sum, r->labels);
    free(sum);
    return mean;
}
// Mean over classes of the average precision, which is the mean, over pictures that show the class, of the
// share of such pictures among all that score as high.
static double sb_result_precision(const SbProbeResult *r, const int *weight) {
    double sum = 0;
    for (int k = 0; k < r->classes; k++) {
        double seen = 0, found = 0, precision = 0;
        for (int i = 0; i < r->n; i++) {
            int image = r->ranked[(long)k * r->n + i].index, w = weight[image];
            seen += w;
            if (!w || !r->multi[(long)image * r->classes + k]) continue;
            found += w;
            precision += w * found / seen;
        }
        sum += precision / fmax(found, 1);
    }
    return sum / r->classes;
}
static SB_UNUSED int sb_metric_known(const SbMetric *m, int known) { return !(m->needs & ~known); }
// NAN: no picture has it.
static SB_UNUSED double sb_metric_value(const SbMetric *m, const SbProbeResult *r, const int *weight) {
    double top = 0, bottom = 0;
    if (m->kind == SB_BY_IOU) return sb_result_iou(r, weight);
    if (m->kind == SB_BY_PRECISION) return sb_result_precision(r, weight);
    for (int i = 0; i < r->n; i++) {
        double a = r->image[i].sum[m->top], b = r->image[i].sum[m->bottom];
        if (r->each && b > 0) a = m->kind == SB_BY_ROOT ? sqrt(a / b) : a / b, b = 1;
        top += weight[i] * a, bottom += weight[i] * b;
    }
    top /= bottom > 0 ? bottom : NAN;
    return m->kind == SB_BY_ROOT && !r->each ? sqrt(top) : top;
}

// ---- the table

// Values of all metrics for every encoder: of the test rooms as they are (draw 0), and of SB_DRAWS
// resamplings.
typedef double SbProbeTable[SB_PROBED][SB_METRICS][1 + SB_DRAWS];
static SB_UNUSED void sb_probe_bootstrap(SbProbeTable *t, const SbProbeResult *r, const SbServed *e, int n,
                                         int known) {
#pragma omp parallel for schedule(dynamic)
    for (int d = 0; d <= SB_DRAWS; d++) {
        int *weight = (int *)sb_calloc((size_t)n, sizeof *weight);
        SbRandom random = sb_random(2, (uint64_t)d);
        for (int i = 0; i < n; i++) weight[d ? (int)sb_next_int(&random, (uint32_t)n) : i]++;
        for (int k = 0; k < SB_PROBED; k++)
            for (int m = 0; e[k].path && m < SB_METRICS; m++)
                if (sb_metric_known(sb_metrics + m, known))
                    (*t)[k][m][d] = sb_metric_value(sb_metrics + m, r + k, weight);
        free(weight);
    }
}
// Figures that follow from a metric's values of the three encoders. Changes are relative to the base.
enum { SB_BASE_VALUE, SB_BOOST_VALUE, SB_CONTROL_VALUE, SB_BOOST_CHANGE, SB_CONTROL_CHANGE,
       SB_BEYOND_CONTROL, SB_CONTROL_SHARE, SB_FIGURES };
static const char *const sb_figure_name[SB_FIGURES] = {
    "base",           "boost",          "control", "boost_change",
    "control_change", "boost_beyond_control", "control_share"};
static double sb_figure(const SbProbeTable *t, int metric, int which, int draw) {
    double v[SB_PROBED];
    for (int k = 0; k < SB_PROBED; k++) v[k] = (*t)[k][metric][draw];
    if (which <= SB_CONTROL_VALUE) return v[which];
    if (which == SB_BOOST_CHANGE) return v[SB_PROBED_BOOST] / v[SB_PROBED_BASE] - 1;
    if (which == SB_CONTROL_CHANGE) return v[SB_PROBED_CONTROL] / v[SB_PROBED_BASE] - 1;
    if (which == SB_BEYOND_CONTROL) return (v[SB_PROBED_BOOST] - v[SB_PROBED_CONTROL]) / v[SB_PROBED_BASE];
    return (v[SB_PROBED_CONTROL] - v[SB_PROBED_BASE]) / (v[SB_PROBED_BOOST] - v[SB_PROBED_BASE]);
}
// Standard error: the spread of the figure over the resamplings, the same rooms for every encoder.
static double sb_figure_error(const SbProbeTable *t, int metric, int which) {
    double mean = 0, square = 0;
    for (int d = 1; d <= SB_DRAWS; d++) mean += sb_figure(t, metric, which, d) / SB_DRAWS;
    for (int d = 1; d <= SB_DRAWS; d++) {
        double off = sb_figure(t, metric, which, d) - mean;
        square += off * off;
    }
    return sqrt(square / (SB_DRAWS - 1));
}
static int sb_figure_known(const SbServed *e, int which) {
    int boost = which == SB_BOOST_VALUE || which == SB_BOOST_CHANGE || which >= SB_BEYOND_CONTROL;
    int control = which == SB_CONTROL_VALUE || which == SB_CONTROL_CHANGE || which >= SB_BEYOND_CONTROL;
    return (!boost || e[SB_PROBED_BOOST].path) && (!control || e[SB_PROBED_CONTROL].path);
}
static SB_UNUSED void sb_probe_write(const char *path, const SbProbeTable *t, const SbServed *e, int fit,
                                     int rooms, int known) {
    SbWriter w;
    sb_write_open(&w, path);
    sb_write_text(&w, "probe,metric");
    for (int f = 0; f < SB_FIGURES; f++) sb_write_text(&w, ",%s", sb_figure_name[f]);
    for (int f = 0; f < SB_FIGURES; f++) sb_write_text(&w, ",%s_se", sb_figure_name[f]);
    sb_write_text(&w, ",fit_rooms,rooms");
    for (int m = 0; m < SB_METRICS; m++) {
        if (!sb_metric_known(sb_metrics + m, known)) continue;
        sb_write_text(&w, "\n%s,%s", sb_metrics[m].probe, sb_metrics[m].metric);
        for (int i = 0; i < 2 * SB_FIGURES; i++) {
            int f = i % SB_FIGURES;
            double v = i < SB_FIGURES ? sb_figure(t, m, f, 0) : sb_figure_error(t, m, f);
            if (!sb_figure_known(e, f) || !isfinite(v)) sb_write_text(&w, ",");
            else sb_write_text(&w, ",%.6g", v);
        }
        sb_write_text(&w, ",%d,%d", fit, rooms);
    }
    sb_write_text(&w, "\n");
    sb_write_close(&w);
}
static SB_UNUSED void sb_probe_print(const SbProbeTable *t, const SbServed *e, int known) {
    printf("\n%-36s %15s %15s %15s   %14s %14s %14s\n", "", "base", "boost", "control", "boost, %",
           "control, %", "difference");
    for (int m = 0; m < SB_METRICS; m++) {
        if (!sb_metric_known(sb_metrics + m, known)) continue;
        printf("%-36s", sb_metrics[m].label);
        for (int f = 0; f <= SB_BEYOND_CONTROL; f++) {
            double scale = f > SB_CONTROL_VALUE ? 100 : 1, v = sb_figure(t, m, f, 0) * scale;
            double se = sb_figure_error(t, m, f) * scale;
            if (f == SB_BOOST_CHANGE) printf("  ");
            int there = sb_figure_known(e, f) && isfinite(v) && isfinite(se);
            if (!there) printf(" %*s", f > SB_CONTROL_VALUE ? 14 : 15, "-");
            else if (f > SB_CONTROL_VALUE) printf("  %+6.1f +- %-3.1f", v, se);
            else printf("  %6.4f (%.4f)", v, se);
        }
        printf("\n");
    }
    printf("\nStandard errors by resampling the rooms (else the pictures) %d times. %% and "
           "difference: relative to the base.\n",
           SB_DRAWS);
    if (!sb_figure_known(e, SB_CONTROL_SHARE) || (known & SB_KNOW_ROOMS) != SB_KNOW_ROOMS) return;
    printf("Depth RMSE: the boost changes it by %+.1f %%; the control, which heard no spatial question, by\n"
           "%+.1f %%, %.0f %% +- %.0f of the gain.\n", 100 * sb_figure(t, 0, SB_BOOST_CHANGE, 0),
           100 * sb_figure(t, 0, SB_CONTROL_CHANGE, 0), 100 * sb_figure(t, 0, SB_CONTROL_SHARE, 0),
           100 * sb_figure_error(t, 0, SB_CONTROL_SHARE));
}
#endif
