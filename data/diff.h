// diff.h: two dumps of the same step (sb_dump, or anybody's in its format), tensor by tensor.
//
// Refuses: one tolerance for all. Every tensor has a bound of its own, and a table says how near each came.
// Every operation on the way to a tensor adds an error of about eps / 2 of its elements' size, independent of
// those before, so errors grow with the root of the depth:
//     bound = c eps sqrt(depth + 8) size        size: the largest element of A; eps: the coarser one of both
// c = 3 where sums are rounded in eps too (float against float), 1.2 where only results are (bf16, float
// sums); 8: an operation is more than one rounding, which matters where the way is short. A bias's gradient
// is a sum whose terms may cancel (those of keys do, to 0): it counts as large as its matrix's, whose terms
// are.
//
// A tensor that is NaN on both sides was written by neither (a check starts from NaN): it is counted, not
// judged. One that only one side wrote is beyond any bound.
//
// What to do with a table. All ratios below 1: rounding. Else begin at the tensor named as first beyond its
// bound, at the smallest depth: the operation that made it is wrong, what comes after it inherits its error
// (a gradient's depth counts the way there and back). A ratio of inf: a NaN, or something where A has zeros.
// `where` is [row, column] of the largest error. Read from top: one tensor, two files of them, the table.
#ifndef SB_DIFF_H
#define SB_DIFF_H
#include "checkpoint.h"

typedef struct { SbFileTensor a, b; double depth, error, bound, ratio; int64_t at, unwritten; } SbDifference;
typedef struct { SbCheckpoint a, b; SbDifference *row; int rows; } SbDiff;

static double sb_diff_at(const SbFileTensor *t, int64_t i) {
    uint32_t bits;
    float f;
    if (!strcmp(t->type, "F64")) return ((const double *)t->data)[i];
    if (!strcmp(t->type, "F32")) return (double)((const float *)t->data)[i];
    bits = (uint32_t)((const uint16_t *)t->data)[i] << 16;
    memcpy(&f, &bits, 4);
    return (double)f;
}
static int64_t sb_diff_count(const SbFileTensor *t) {
    int64_t n = 1;
    for (int i = 0; i < t->rank; i++) n *= t->shape[i];
    return n;
}
static double sb_diff_largest(const SbFileTensor *t) {
    double most = 0;
    for (int64_t i = 0; t && i < sb_diff_count(t); i++) most = fmax(most, fabs(sb_diff_at(t, i)));
    return most;
}
static double sb_diff_number(const SbCheckpoint *f, const char *key) {
    const char *text = sb_checkpoint_text(f, key);
    if (!text)
        sb_die("%s: says no \"%s\"; is it a dump of a step (./train STAGE --dump FILE)?", f->path, key);
    return strtod(text, NULL);
}
// The tensor of that name, of a type that can be compared.
static SbFileTensor sb_diff_get(const SbCheckpoint *f, const char *name, int rank, const int64_t *shape) {
    const SbFileTensor *t = sb_checkpoint_get(f, name, NULL, rank, shape);
    if (strcmp(t->type, "F64") && strcmp(t->type, "F32") && strcmp(t->type, "BF16"))
        sb_die("%s: tensor %s is of type %s; a dump has F64, F32 or BF16", f->path, name, t->type);
    return *t;
}
static void sb_diff_bound(SbDifference *d, const SbCheckpoint *a, double eps) {
    char *key = sb_format("depth.%s", d->a.name);
    size_t n = strlen(d->a.name);
    double size = sb_diff_largest(&d->a), c = eps > 1e-4 ? 1.2 : 3;
    if (n > 2 && !strcmp(d->a.name + n - 2, "_b")) {
        char *matrix = sb_format("%.*sw", (int)n - 1, d->a.name);
        size = fmax(size, sb_diff_largest(sb_checkpoint_find(a, matrix)));
        free(matrix);
    }
    d->depth = sb_diff_number(a, key);
    d->bound = c * eps * sqrt(d->depth + 8) * size;
    free(key);
}
// The largest error of a tensor against its bound; a NaN on one side is as bad as can be.
static void sb_diff_error(SbDifference *d) {
    for (int64_t i = 0; i < sb_diff_count(&d->a); i++) {
        double x = sb_diff_at(&d->a, i), y = sb_diff_at(&d->b, i), off = fabs(x - y);
        int neither = x != x && y != y;
        d->unwritten += neither;
        if (neither || off <= d->error || d->error == INFINITY) continue;
        d->error = off == off ? off : INFINITY, d->at = i;
    }
    d->ratio = d->error == 0 ? 0 : d->error / d->bound;
}
// Every tensor of file a beside that of b; more: rows that the caller will add. One that only one of the
// files has is an error.
// Say which settings ("name=value name=value") one step had and the other had not.
static void sb_diff_settings(const SbCheckpoint *a, const SbCheckpoint *b) {
    const char *of[2] = {sb_checkpoint_text(a, "run"), sb_checkpoint_text(b, "run")};
    if (!of[0] || !of[1] || !*of[0] || !*of[1] || !strcmp(of[0], of[1])) return;
    printf("not the same step, so do not look for a wrong operation:\n");
    for (int k = 0; k < 2; k++) {
        printf("  %s:", k ? b->path : a->path);
        for (const char *s = of[k]; *s;) {
            size_t n = strcspn(s, " ");
            char *word = sb_format(" %.*s ", (int)n, s), *all = sb_format(" %s ", of[!k]);
            if (!strstr(all, word)) printf(" %.*s", (int)n, s);
            free(word), free(all);
            s += n + (s[n] == ' ');
        }
        printf("\n");
    }
}
static SB_UNUSED void sb_diff_open(SbDiff *f, const char *path_a, const char *path_b, int more) {
    sb_checkpoint_open(&f->a, path_a), sb_checkpoint_open(&f->b, path_b);
    sb_diff_settings(&f->a, &f->b);
    double eps = fmax(sb_diff_number(&f->a, "eps"), sb_diff_number(&f->b, "eps"));
    f->rows = f->a.tensors;
    f->row = (SbDifference *)sb_calloc((size_t)(f->rows + more) + 1, sizeof *f->row);
    if (f->a.tensors != f->b.tensors)
        sb_die("%s: %d tensors, %s: %d", path_a, f->a.tensors, path_b, f->b.tensors);
    for (SbDifference *d = f->row; d < f->row + f->rows; d++) {
        const SbFileTensor *t = f->a.tensor + (d - f->row);
        d->a = sb_diff_get(&f->a, t->name, t->rank, t->shape);
        d->b = sb_diff_get(&f->b, t->name, t->rank, t->shape);
        sb_diff_bound(d, &f->a, eps), sb_diff_error(d);
    }
}
static SB_UNUSED void sb_diff_close(SbDiff *f) {
    free(f->row);
    sb_checkpoint_close(&f->a), sb_checkpoint_close(&f->b);
}
static int sb_diff_worse(const void *x, const void *y) {
    double a = ((const SbDifference *)x)->ratio, b = ((const SbDifference *)y)->ratio;
    return (a < b) - (a > b);
}
// One line a tensor, with the type that b has, to the terminal or as CSV.
static void sb_diff_print(FILE *f, const SbDifference *d, int csv) {
    char *shape = sb_shape_text(d->b.type, d->a.rank, d->a.shape);
    long long cols = d->a.rank > 1 ? (long long)d->a.shape[1] : 1, row = (long long)d->at / cols;
    fprintf(f,
            csv ? "%s,\"%s\",%.0f,%.4g,%.4g,%.4f,%lld,%lld\n"
                : "%-28s %-16s %5.0f %10.3g %10.3g %8.3f   [%lld, %lld]\n",
            d->a.name, shape, d->depth, d->error, d->bound, d->ratio, row, (long long)d->at % cols);
    free(shape);
}
static void sb_diff_csv(const SbDiff *f, const char *path) {
    FILE *out = fopen(path, "w");
    if (!out) sb_die("%s: cannot be written (%s)", path, strerror(errno));
    fprintf(out, "tensor,type,depth,error,bound,ratio,row,column\n");
    for (int i = 0; i < f->rows; i++) sb_diff_print(out, f->row + i, 1);
    if (fclose(out)) sb_die("%s: cannot be written (%s)", path, strerror(errno));
}
// Print the `show` worst tensors (0: all), and all to csv if it is not NULL. Returns how many are beyond
// their bounds.
static SB_UNUSED int sb_diff_table(SbDiff *f, int show, const char *csv) {
    SbDifference *d = f->row, *first = NULL;
    int beyond = 0, active = 0, unwritten = 0;
    qsort(d, (size_t)f->rows, sizeof *d, sb_diff_worse);
    printf("%-28s %-16s %5s %10s %10s %8s   where\n", "tensor", "type [shape]", "depth", "error", "bound",
           "ratio");
    for (int i = 0; i < f->rows; i++) {
        if (!show || i < show) sb_diff_print(stdout, d + i, 0);
        beyond += !(d[i].ratio <= 1), active += d[i].error > 0;
        unwritten += d[i].unwritten && d[i].unwritten == sb_diff_count(&d[i].a);
        if (!(d[i].ratio <= 1) && (!first || d[i].depth < first->depth)) first = d + i;
    }
    printf("%d tensors, %d of them equal, %d written by neither; of the rest error / bound: median %.3f, "
           "largest %.3f; %d beyond\n", f->rows, f->rows - active - unwritten, unwritten,
           active ? d[active / 2].ratio : 0, f->rows ? d[0].ratio : 0, beyond);
    if (first) printf("first beyond its bound: %s (depth %.0f)\n", first->a.name, first->depth);
    if (csv) sb_diff_csv(f, csv);
    return beyond;
}
#endif
