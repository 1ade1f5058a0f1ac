// proof.h: do the poses, depth and camera of a scene fit together? Depth carried from view to view must meet
// what was measured there. Right readings gave 0.3 to 1.0 % (hand-held recordings), wrong ones 14 to 46 %.
//
// Refuses: a scene whose figure is above the limits below, or that fits much better when read otherwise; one
// that cannot tell right from wrong (one view, no overlap, no motion), unless unproven is allowed, and then
// the scene says so. Read from top: the figures, other readings, single views, the verdict.
#ifndef SB_PROOF_H
#define SB_PROOF_H
#include "scene.h"

#define SB_PROOF_OVERLAP 0.30   // a pair counts if more than this share of a's measurements lands inside b
#define SB_PROOF_RELATIVE 0.015 // median over the pairs of |z - z'| / z
#define SB_PROOF_METRES 0.03    // median of |z - z'| over the pairs that move more than
#define SB_PROOF_MOVED 0.20     // this many metres
#define SB_PROOF_BETTER 0.7     // another reading with less than this share of the error fits much better
#define SB_PROOF_NOISE 0.002    // unless the error is below this, where rounding decides
#define SB_PROOF_VIEW 0.03      // smallest error over the pairs of any one view
#define SB_PROOF_PAIRS 2000     // ordered pairs looked at in a long recording

// Medians over the ordered pairs that overlap; moving: those of them that move. best, of every view: the
// smallest relative error of its pairs, -1 if it has none.
typedef struct {
    int looked_at, pairs, moving;
    double relative, metres, moving_metres, correlation;
    float *best;
} SbProof;

// Pairs of a long recording: neighbours, and gaps of 1, 2, 4, ... frames thinned to SB_PROOF_PAIRS; of a
// short one: all.
static int sb_proof_looks_at(int i, int j, int n) {
    if (n <= 24 || j == i + 1) return i != j;
    int gap = i < j ? j - i : i - j, gaps = 0;
    for (int g = 1; g < n; g *= 2) gaps++;
    int thin = (2 * gaps * n + SB_PROOF_PAIRS - 1) / SB_PROOF_PAIRS;
    return gap > 0 && (gap & (gap - 1)) == 0 && (i < j ? i : j) % thin == 0;
}

// The figures of a scene whose unit is so many metres, from about so many pixels of each view.
static SbProof sb_proof_figures(const SbScene *s, double unit, int pixels) {
    int n = s->views, step = 1;
    SbProof p = {0, 0, 0, 1, 0, 0, 0, (float *)sb_calloc((size_t)n, sizeof *p.best)};
    while (s->view[0].dw / step * (s->view[0].dh / step) > pixels) step++;
    size_t room = n <= 24 ? (size_t)(n * n) : (size_t)n + SB_PROOF_PAIRS * 2;
    float *relative = (float *)sb_calloc(room, 4 * sizeof *relative), *metres = relative + room;
    float *moving = metres + room, *correlation = moving + room;
    for (int i = 0; i < n; i++) p.best[i] = -1;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            SbReprojection r;
            if (!sb_proof_looks_at(i, j, n) || (size_t)p.looked_at == room) continue;
            p.looked_at++;
            sb_reproject(s->view + i, s->view + j, step, &r);
            if (r.overlap <= SB_PROOF_OVERLAP || r.pixels == 0) continue;
            float error = (float)r.relative;
            if (p.best[i] < 0 || p.best[i] > error) p.best[i] = error;
            if (p.best[j] < 0 || p.best[j] > error) p.best[j] = error;
            relative[p.pairs] = error;
            metres[p.pairs] = (float)(r.metres * unit);
            correlation[p.pairs++] = (float)r.correlation;
            if (r.moved * unit > SB_PROOF_MOVED) moving[p.moving++] = (float)(r.metres * unit);
        }
    p.relative = sb_median(relative, (size_t)p.pairs, 1);
    p.metres = sb_median(metres, (size_t)p.pairs, 0);
    p.moving_metres = sb_median(moving, (size_t)p.moving, 0);
    p.correlation = sb_median(correlation, (size_t)p.pairs, 0);
    free(relative);
    return p;
}

static int sb_proof_holds(const SbProof *p) {
    return p->pairs > 0 && p->relative <= SB_PROOF_RELATIVE && p->moving_metres <= SB_PROOF_METRES;
}

// Other readings of the same files. A recording proves something only if the wrong ones fail where the given
// one holds; and of a reading close by none may fit much better.
enum { SB_READ_INVERSE, SB_READ_OPENGL, SB_READ_STILL, SB_READ_SCALED };
static const struct { int kind, close_by; double depth; const char *name, *reason; } sb_proof_reading[] = {
    {SB_READ_INVERSE, 0, 1, "world-to-camera", "the poses are world-to-camera: invert them"},
    {SB_READ_OPENGL, 0, 1, "OpenGL axes",
     "the axes are OpenGL's (y up, z backward): negate pose columns 2 and 3"},
    {SB_READ_STILL, 0, 1, "no poses", "the camera does not move, but the poses do"},
    {SB_READ_SCALED, 0, 5, "depth x 5", "--depth-scale or --unit is about five times too large"},
    {SB_READ_SCALED, 0, 0.2, "depth / 5", "--depth-scale or --unit is about five times too small"},
    {SB_READ_SCALED, 1, 2, "depth x 2", "--depth-scale or --unit is about twice too large"},
    {SB_READ_SCALED, 1, 0.5, "depth / 2", "--depth-scale or --unit is about twice too small"},
    {SB_READ_SCALED, 1, 1.15, "depth x 1.15", "--depth-scale is too large or poses are not in metres"},
    {SB_READ_SCALED, 1, 1 / 1.15, "depth / 1.15", "--depth-scale is too small or poses are not in metres"}};
enum { SB_READINGS = sizeof sb_proof_reading / sizeof *sb_proof_reading };

// The relative error of another reading; *good: would it be accepted? Depth times f is read as translations
// divided by f, in a unit of f metres.
static double sb_proof_otherwise(const SbScene *s, int reading, int *good) {
    SbScene other = *s;
    int kind = sb_proof_reading[reading].kind;
    double factor = sb_proof_reading[reading].depth;
    other.view = (SbView *)sb_calloc((size_t)s->views, sizeof *other.view);
    memcpy(other.view, s->view, (size_t)s->views * sizeof *other.view);
    for (int i = 0; i < s->views; i++) {
        const double *a = s->view[i].pose;
        double *b = other.view[i].pose;
        for (int r = 0; r < 3; r++)
            for (int c = 0; c < 4; c++) {
                if (kind == SB_READ_INVERSE)
                    b[4 * r + c] = c < 3 ? a[4 * c + r] : -(a[r] * a[3] + a[4 + r] * a[7] + a[8 + r] * a[11]);
                else if (kind == SB_READ_STILL) b[4 * r + c] = r == c;
                else if (kind == SB_READ_OPENGL && (c == 1 || c == 2)) b[4 * r + c] = -a[4 * r + c];
                else if (kind == SB_READ_SCALED && c == 3) b[4 * r + c] = a[4 * r + c] / factor;
            }
    }
    SbProof p = sb_proof_figures(&other, factor, 10000);
    *good = sb_proof_holds(&p);
    free(p.best);
    free(other.view);
    return p.relative;
}

// Die with the figure that failed, and with the reading that would have passed, if one does.
static void sb_proof_refuse(const char *source, const SbScene *s, const SbProof *p) {
    const char *reason = "usual reasons: direction of poses, depth scale, axes, intrinsics, order of images";
    for (int i = SB_READINGS - 1, good; i >= 0; i--) {
        sb_proof_otherwise(s, i, &good);
        if (good && sb_proof_reading[i].kind != SB_READ_STILL) reason = sb_proof_reading[i].reason;
    }
    if (p->relative > SB_PROOF_RELATIVE)
        sb_die("%s: refused: depth carried from view to view misses by %.3g %% (median of %d pairs), the "
               "limit is %g %%; %s", source, 100 * p->relative, p->pairs, 100 * SB_PROOF_RELATIVE, reason);
    sb_die("%s: refused: depth carried from view to view misses by %.3g cm (median of %d pairs that move "
           "more than %g cm), the limit is %g cm; %s", source, 100 * p->moving_metres, p->moving,
           100 * SB_PROOF_MOVED, 100 * SB_PROOF_METRES, reason);
}

// Read the frames in the other ways: what is left in doubt, or NULL. A scale close by that the limits would
// not tell from the given one is said: where cameras turn more than they move, depth hardly tells metres.
static const char *sb_proof_compare(const char *source, const SbScene *s, const SbProof *p) {
    const char *doubt = NULL;
    double best = p->relative, alike = fmax(p->relative, SB_PROOF_NOISE) / SB_PROOF_BETTER;
    int better = -1;
    SbText loose = {NULL, 0, 0};
    printf("control: read otherwise the frames give");
    for (int i = 0, good; i < SB_READINGS; i++) {
        double error = sb_proof_otherwise(s, i, &good);
        printf("%s %s %.2g %%", i ? "," : "", sb_proof_reading[i].name, 100 * error);
        if (good && !sb_proof_reading[i].close_by)
            doubt = "the camera moves too little, another reading holds as well";
        if (good && sb_proof_reading[i].close_by && error < alike)
            sb_text_add(&loose, "%s%s", loose.size ? ", " : "", sb_proof_reading[i].name);
        if (error < best) {
            best = error;
            better = i;
        }
    }
    printf("\n");
    if (p->relative > SB_PROOF_NOISE && best < SB_PROOF_BETTER * p->relative)
        sb_die("%s: refused: another reading fits much better, %s gives %.2g %%, this one %.2g %%; %s",
               source, sb_proof_reading[better].name, 100 * best, 100 * p->relative,
               sb_proof_reading[better].reason);
    if (loose.size)
        printf("note: the scale is proven roughly, another one fits about as well: %s\n", loose.data);
    free(loose.data);
    return doubt;
}

// Medians say nothing of a single view. One that agrees with no other is refused. Those that overlap with no
// other prove nothing: they are left out, or kept and recorded if --unproven says so.
static void sb_proof_each_view(const char *source, int unproven, SbScene *s, const SbProof *p) {
    int kept = 0, views = s->views;
    for (int i = 0; i < views; i++) {
        if (p->best[i] > SB_PROOF_VIEW)
            sb_die("%s: refused: view %s agrees with no other, its best pair misses by %.3g %%, the limit is "
                   "%g %%; is its pose right?", source, s->view[i].name, 100 * (double)p->best[i],
                   100 * SB_PROOF_VIEW);
        if (p->best[i] >= 0 || unproven) s->view[kept++] = s->view[i];
        else sb_view_free(s->view + i);
        if (p->best[i] < 0) s->unproven |= unproven;
    }
    s->views = kept;
    if (kept < views) printf("note: %d of %d views overlap with no other and are left out; --unproven keeps "
                             "them\n", views - kept, views);
    if (s->unproven) printf("unproven: some views overlap with no other; recorded in the scene\n");
}

// Prove the scene or die; without a possible proof --unproven is needed, and is written into the scene.
static SB_UNUSED void sb_prove_or_die(const char *source, int unproven, SbScene *s) {
    SbProof p = sb_proof_figures(s, 1, 60000);
    const char *doubt = s->views < 2 ? "there is one frame" : "no two frames overlap";
    if (p.pairs) {
        printf("proof: %d of %d ordered pairs overlap by more than %g %%: median |z - z'| %.2f cm = %.2f %%, "
               "grey correlation %.2f\n", p.pairs, p.looked_at, 100 * SB_PROOF_OVERLAP, 100 * p.metres,
               100 * p.relative, p.correlation);
        if (p.moving) printf("proof: %d of them move more than %g cm: median |z - z'| %.2f cm\n", p.moving,
                             100 * SB_PROOF_MOVED, 100 * p.moving_metres);
        else printf("proof: none of them moves more than %g cm\n", 100 * SB_PROOF_MOVED);
        if (!sb_proof_holds(&p)) sb_proof_refuse(source, s, &p);
        sb_proof_each_view(source, unproven, s, &p);
        doubt = sb_proof_compare(source, s, &p);
    }
    free(p.best);
    if (!doubt) return;
    if (!unproven)
        sb_die("%s: the frames cannot prove their poses: %s. --unproven imports them all the same, and the "
               "scene says so", source, doubt);
    printf("unproven: %s; recorded in the scene\n", doubt);
    s->unproven = 1;
}
#endif
