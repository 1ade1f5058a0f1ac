// resample.h: resizing as Pillow and PyTorch do it, and tables of positions carried to other grids.
//
// One code: what distinguishes the references (kernel, its width, borders, rounding) is data, an SbKernel.
// Refuses: sizes below 1. It is not for scenes: sb_image_resize of image.h keeps to the rays' geometry with
// whole numbers only. Read from top: kernels, an axis, a pass along it, grids.
#ifndef SB_RESAMPLE_H
#define SB_RESAMPLE_H
#include "file.h"

// ---- kernels

typedef struct {
    int reach;      // 1: triangle (bilinear); 2: cubic convolution (Keys, 1981: bicubic)
    double a;       // the cubic's slope at 1
    int antialias;  // 1: shrinking widens the kernel; what lies outside is left out, and the rest sums to 1
                    // 0: the kernel as it is; what lies outside is replaced by the border
    int bits;       // 0: floats; else for bytes: weights have so many bits, results are rounded to 0 .. 255
} SbKernel;

// Pillow: Resample.c, 8 bits a channel: antialiased, weights of 22 bits, rounded behind each axis.
static SB_UNUSED SbKernel sb_kernel_bytes(int reach) {
    SbKernel k = {reach, -0.5, 1, 22};
    return k;
}

// PyTorch: interpolate(mode "bilinear" or "bicubic", antialias=True), UpSampleKernel.cpp.
static SB_UNUSED SbKernel sb_kernel_floats(int reach) {
    SbKernel k = {reach, -0.5, 1, 0};
    return k;
}

// PyTorch: interpolate(mode "bicubic") as it is by default, UpSample.h.
static SB_UNUSED SbKernel sb_kernel_plain(void) {
    SbKernel k = {2, -0.75, 0, 0};
    return k;
}

static SB_UNUSED double sb_kernel_at(const SbKernel *k, double x) {
    double a = k->a;
    x = fabs(x);
    if (x >= k->reach) return 0;
    if (k->reach == 1) return 1 - x;
    return x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}

// ---- an axis: which inputs make an output, with which weights

typedef struct {
    int m, span;       // outputs; places for weights of each
    int *first, *count;
    double *weight;    // [m][span]: of inputs first .. first + count - 1
} SbAxis;

// Outputs begin .. begin + m - 1 of an axis on which an output is scale inputs wide; there are n inputs.
// Output i is the mean around (i + 1/2) scale, where input j covers [j, j + 1], under the kernel. Bits: a
// weight is rounded to a multiple of 2^-bits, halves away from 0. sb_axis_free it.
static SB_UNUSED SbAxis sb_axis(const SbKernel *k, int n, double scale, int begin, int m) {
    double wide = k->antialias && scale > 1 ? scale : 1, reach = k->reach * wide;
    if (n < 1 || m < 1 || begin < 0 || !(scale > 0))
        sb_die("cannot resample %d pixels to %d", n, m);
    SbAxis a = {m, 2 * (int)ceil(reach) + 1, NULL, NULL, NULL};
    a.first = (int *)sb_calloc((size_t)m, sizeof *a.first);
    a.count = (int *)sb_calloc((size_t)m, sizeof *a.count);
    a.weight = (double *)sb_calloc((size_t)m * (size_t)a.span, sizeof *a.weight);
    for (int i = 0; i < m; i++) {
        double centre = (begin + i + 0.5) * scale, total = 0, *w = a.weight + (size_t)i * (size_t)a.span;
        int low = (int)floor(centre - reach + 0.5), high = (int)floor(centre + reach + 0.5) - 1;
        int first = low < 0 ? 0 : low < n ? low : n - 1, last = high < 0 ? 0 : high < n ? high : n - 1;
        if (k->antialias) low = first, high = last;
        for (int j = low; j <= high; j++) {
            double v = sb_kernel_at(k, (j - centre + 0.5) * (1 / wide));
            w[j < first ? 0 : j > last ? last - first : j - first] += v;
            total += v;
        }
        a.first[i] = first, a.count[i] = last - first + 1;
        for (int j = 0; j < a.count[i]; j++) {
            if (k->antialias && total != 0) w[j] /= total;
            if (k->bits) w[j] = ldexp(trunc(ldexp(w[j], k->bits) + (w[j] < 0 ? -0.5 : 0.5)), -k->bits);
        }
    }
    return a;
}

static SB_UNUSED void sb_axis_free(SbAxis *a) {
    free(a->first);
    free(a->count);
    free(a->weight);
}

// ---- a pass along an axis

// in [n][inner] onto out [m][inner] (other memory): every out[i] is the weighted sum of some in[j], summed in
// double in the order of j. For bytes (floats that hold 0 .. 255) and their weights the sums are exact, so
// that the rounding is that of whole numbers.
static SB_UNUSED void sb_resample(const SbKernel *k, const SbAxis *a, const float *in, float *out,
                                  size_t inner) {
    double sum[256];
    for (int i = 0; i < a->m; i++)
        for (size_t t0 = 0; t0 < inner; t0 += 256) {
            const double *w = a->weight + (size_t)i * (size_t)a->span;
            const float *x = in + (size_t)a->first[i] * inner + t0;
            float *y = out + (size_t)i * inner + t0;
            size_t n = inner - t0 < 256 ? inner - t0 : 256;
            for (size_t t = 0; t < n; t++) sum[t] = k->bits ? 0.5 : 0;
            for (int j = 0; j < a->count[i]; j++, x += inner)
                for (size_t t = 0; t < n; t++) sum[t] += w[j] * x[t];
            for (size_t t = 0; k->bits && t < n; t++)
                sum[t] = sum[t] < 0 ? 0 : sum[t] > 255 ? 255 : floor(sum[t]);
            for (size_t t = 0; t < n; t++) y[t] = (float)sum[t];
        }
}

// ---- grids: a learned table of positions for another number of patches

// All bicubic. PLAIN: transformers' Dinov2, Siglip, CLIP (interpolate_pos_encoding). ANTIALIAS: its
// Dinov2WithRegisters; torch.hub's dinov2 "_reg" models; open_clip (resize_pos_embed). OFFSET: by the factor
// (g + 0.1) / n, torch.hub's dinov2 without registers.
enum { SB_GRID_PLAIN, SB_GRID_ANTIALIAS, SB_GRID_OFFSET };

// Carry table [cls + n n][C] to out [cls + gh gw][C] (other memory): the cls rows (0 or 1) and a grid of the
// same size are copied. open_clip leaves a grid of another shape but as many places as it is: not repeated.
static SB_UNUSED void sb_grid_resize(int kind, const float *table, int cls, int n, int C, float *out, int gh,
                                     int gw) {
    size_t row = (size_t)C, head = (size_t)cls * row;
    if (n < 1 || gh < 1 || gw < 1) sb_die("cannot carry positions from a grid of %d to %d x %d", n, gh, gw);
    memcpy(out, table, head * sizeof *out);
    if (gh == n && gw == n) {
        memcpy(out + head, table + head, (size_t)n * (size_t)n * row * sizeof *out);
        return;
    }
    SbKernel k = kind == SB_GRID_ANTIALIAS ? sb_kernel_floats(2) : sb_kernel_plain();
    double more = kind == SB_GRID_OFFSET ? 0.1 : 0;
    SbAxis x = sb_axis(&k, n, n / (gw + more), 0, gw), y = sb_axis(&k, n, n / (gh + more), 0, gh);
    float *rows = (float *)sb_calloc((size_t)n * (size_t)gw, row * sizeof *rows);  // [n][gw][C]
    for (int i = 0; i < n; i++)
        sb_resample(&k, &x, table + head + (size_t)(i * n) * row, rows + (size_t)(i * gw) * row, row);
    sb_resample(&k, &y, rows, out + head, (size_t)gw * row);
    free(rows);
    sb_axis_free(&x);
    sb_axis_free(&y);
}
#endif
