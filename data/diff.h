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
// What to do with a table. All ratios below 1: rounding. Else begin at the tensor named as first beyond its
// bound, at the smallest depth: the operation that made it is wrong, what comes after it inherits its error
// (a gradient's depth counts the way there and back). A ratio of inf: a NaN, or something where A has zeros.
// `where` is [row, column] of the largest error. Read from top: one tensor, the table.
#ifndef SB_DIFF_H
#define SB_DIFF_H
#include "checkpoint.h"

typedef struct { const SbFileTensor *a, *b; double depth, error, bound, ratio; int64_t at; } SbDifference;

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
// The largest error of a tensor against its bound; a NaN on either side is as bad as can be.
static void sb_diff_tensor(SbDifference *d, const SbCheckpoint *a, double eps) {
    char *key = sb_format("depth.%s", d->a->name);
    size_t n = strlen(d->a->name);
    double size = sb_diff_largest(d->a), c = eps > 1e-4 ? 1.2 : 3;
    if (n > 2 && !strcmp(d->a->name + n - 2, "_b")) {
        char *matrix = sb_format("%.*sw", (int)n - 1, d->a->name);
        size = fmax(size, sb_diff_largest(sb_checkpoint_find(a, matrix)));
        free(matrix);
    }
    d->depth = sb_diff_number(a, key);
    d->bound = c * eps * sqrt(d->depth + 8) * size;
    free(key);
    for (int64_t i = 0; i < sb_diff_count(d->a); i++) {
        double off = fabs(sb_diff_at(d->a, i) - sb_diff_at(d->b, i));
        if (off <= d->error) continue;
        d->error = off == off ? off : INFINITY, d->at = i;
    }
    d->ratio = d->error == 0 ? 0 : d->error / d->bound;
}
static int sb_diff_worse(const void *x, const void *y) {
    double a = ((const SbDifference *)x)->ratio, b = ((const SbDifference *)y)->ratio;
    return (a < b) - (a > b);
}
// One line a tensor, to the terminal or as CSV.
static void sb_diff_print(FILE *f, const SbDifference *d, int csv) {
    char *shape = sb_shape_text(d->a->type, d->a->rank, d->a->shape);
    long long cols = d->a->rank > 1 ? (long long)d->a->shape[1] : 1, row = (long long)d->at / cols;
    fprintf(f,
            csv ? "%s,\"%s\",%.0f,%.4g,%.4g,%.4f,%lld,%lld\n"
                : "%-28s %-16s %5.0f %10.3g %10.3g %8.3f   [%lld, %lld]\n",
            d->a->name, shape, d->depth, d->error, d->bound, d->ratio, row, (long long)d->at % cols);
    free(shape);
}
// Compare file b with file a, print the `show` worst tensors (and all to csv, if it is not NULL). Returns how
// many are beyond their bounds; a tensor that only one file has is an error.
static SB_UNUSED int sb_diff(const char *path_a, const char *path_b, int show, const char *csv) {
    SbCheckpoint a, b;
    sb_checkpoint_open(&a, path_a), sb_checkpoint_open(&b, path_b);
    double eps = fmax(sb_diff_number(&a, "eps"), sb_diff_number(&b, "eps"));
    int n = 0, beyond = 0, active = 0, first = -1;
    SbDifference *d = (SbDifference *)sb_calloc((size_t)a.tensors + 1, sizeof *d);
    if (a.tensors != b.tensors) sb_die("%s: %d tensors, %s: %d", path_a, a.tensors, path_b, b.tensors);
    for (; n < a.tensors; n++) {
        d[n].a = a.tensor + n;
        d[n].b = sb_checkpoint_get(&b, d[n].a->name, NULL, d[n].a->rank, d[n].a->shape);
        sb_diff_tensor(d + n, &a, eps);
        beyond += !(d[n].ratio <= 1), active += d[n].error > 0;
    }
    qsort(d, (size_t)n, sizeof *d, sb_diff_worse);
    for (int i = 0; i < beyond; i++) if (first < 0 || d[i].depth < d[first].depth) first = i;
    printf("%-28s %-16s %5s %10s %10s %8s   where\n", "tensor", "type [shape]", "depth", "error", "bound",
           "ratio");
    for (int i = 0; i < n && i < show; i++) sb_diff_print(stdout, d + i, 0);
    printf("%d tensors, %d of them equal; of the rest error / bound: median %.3f, largest %.3f; %d beyond\n",
           n, n - active, active ? d[active / 2].ratio : 0, n ? d[0].ratio : 0, beyond);
    if (beyond) printf("first beyond its bound: %s (depth %.0f)\n", d[first].a->name, d[first].depth);
    if (csv) {
        FILE *f = fopen(csv, "w");
        if (!f) sb_die("%s: cannot be written (%s)", csv, strerror(errno));
        fprintf(f, "tensor,type,depth,error,bound,ratio,row,column\n");
        for (int i = 0; i < n; i++) sb_diff_print(f, d + i, 1);
        if (fclose(f)) sb_die("%s: cannot be written (%s)", csv, strerror(errno));
    }
    free(d);
    sb_checkpoint_close(&a), sb_checkpoint_close(&b);
    return beyond;
}
#endif
