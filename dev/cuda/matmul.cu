// matmul.cu: y [n][out] = x [n][in] w [out][in]^T, from naive to the kernel in use.      See ladder.h.
//
// n = 16,448 rows (64 images of 257), in = out = 1,024 of bf16: 34.5 GFLOP; x and y 34 MB each, w 2 MB. An
// H200 copies 4.3 TB/s and multiplies 790 TFLOP/s (measured by others), so neither traffic nor arithmetic
// needs more than 50 us. What each rung ought to take there is predicted; nobody has run it yet.
#include "ladder.h"

// Rung 1: a thread an element. It reads 2 in numbers for 2 in FLOP: 69 GB of reads, mostly from L2 and L1,
// since the threads of a warp share a row of x and the blocks beside them the rows of w. Predicted: 20 ms.
static __global__ void naive_kernel(real *y, const real *x, const real *w, long n, int in, int out) {
    long t = sb_thread(), i = t / out, o = t % out;
    float sum = 0;
    if (i >= n) return;
    for (int k = 0; k < in; k++) sum += (float)x[i * in + k] * (float)w[o * in + k];
    y[t] = (real)sum;
}

// Rung 2: a block takes 16 x 16 of y and brings 16 steps of k of its rows into shared memory at a time: every
// number is read once a block instead of 16 times, 4.3 GB. Each product still costs two reads of shared
// memory. Predicted: 8 ms.
static __global__ void tiled_kernel(real *y, const real *x, const real *w, long n, int in, int out) {
    __shared__ float a[16][17], b[16][17];                  // 17: a column lies in 16 banks
    int across = (out + 15) / 16, tx = (int)threadIdx.x % 16, ty = (int)threadIdx.x / 16;
    long row0 = (long)(blockIdx.x / across) * 16, col0 = (long)(blockIdx.x % across) * 16;
    float sum = 0;
    for (int k0 = 0; k0 < in; k0 += 16) {
        a[ty][tx] = row0 + ty < n && k0 + tx < in ? (float)x[(row0 + ty) * in + k0 + tx] : 0.0f;
        b[ty][tx] = col0 + ty < out && k0 + tx < in ? (float)w[(col0 + ty) * in + k0 + tx] : 0.0f;
        __syncthreads();
        for (int k = 0; k < 16; k++) sum += a[ty][k] * b[tx][k];
        __syncthreads();
    }
    if (row0 + ty < n && col0 + tx < out) y[(row0 + ty) * out + col0 + tx] = (real)sum;
}

// Rung 3: sb_matmul_kernel of train.cu: 64 x 64 of y a block, 4 x 4 a thread, in registers: 8 reads of shared
// memory for 16 products, 1.1 GB of global reads. What bounds it is float arithmetic, 60 TFLOP/s.
// Predicted: 1.2 ms. Rung 4: sb_matmul_mma_kernel: 128 x 128 a block on tensor cores, fragments by ldmatrix,
// two tiles on their way by cp.async while a third is multiplied: .55 GB of global reads. Predicted: .08 ms,
// 430 TFLOP/s, two thirds of what mma.sync can do. Rung 5: with bias and GELU in its epilogue, which write
// both h and g: 34 MB more instead of 102 MB for a kernel of its own (read h, write g, and the bias' pass).
// Predicted: .09 ms instead of .11. Left out, and why: no wgmma (another kernel for one GPU), no swizzle (the
// padding of 8 keeps ldmatrix free of conflicts).
int main(void) {
    int in = LADDER_SMALL ? 72 : 1024, out = LADDER_SMALL ? 136 : 1024, bad = 0;
    long n = LADDER_SMALL ? 130 : 16448;
    real *x = ladder_numbers(n * in, 1), *w = ladder_numbers((long)out * in, 2),
         *y = ladder_numbers(n * out, 3);
    double flops = 2.0 * (double)n * in * out;
    // float sums of `in` products that are exact, then one rounding to bf16
    auto want = [&](long at, double *bound) {
        double sum = 0, size = 0;
        for (int k = 0; k < in; k++) {
            double term = (double)(float)x[at / out * in + k] * (double)(float)w[at % out * in + k];
            sum += term, size += fabs(term);
        }
        *bound = 0.0078125 / 2 * fabs(sum) + in * FLT_EPSILON * size;
        return sum;
    };
    SbMatmul g = {x,      w,   y,  NULL,      in,        1,         1, in,       out,
                  (int)n, out, in, SB_NATIVE, SB_NATIVE, SB_NATIVE, 0, sb_absent, 0};
    bad += ladder_rung("1 naive: a thread an element", y, n * out, flops,
                       [&] { sb_each(naive_kernel, n * out, y, x, w, n, in, out); }, want);
    bad += ladder_rung("2 tiles in shared memory", y, n * out, flops, [&] {
        sb_launch(tiled_kernel, (n + 15) / 16 * ((out + 15) / 16), 256, y, x, w, n, in, out); }, want);
    bad += ladder_rung("3 tiles in registers (float, train.cu)", y, n * out, flops, [&] {
        sb_launch(sb_matmul_kernel, (n + 63) / 64 * ((out + 63) / 64), SB_BLOCK, g); }, want);
    bad += ladder_rung("4 tensor cores (train.cu)", y, n * out, flops, [&] { sb_matmul(g); }, want);
    SbWeight weight = {w, SB_NATIVE, out, in, in}, bias = {x, SB_NATIVE, out, 1, 1};
    real *h = ladder_numbers(n * out, 4);
    auto want_gelu = [&](long at, double *bound) {          // |gelu'| <= 1.13; h is not rounded on the way
        double v = want(at, bound) + (double)(float)x[at % out], g = v / 2 * erfc(-v / sqrt(2.0));
        *bound = 0.0078125 / 2 * fabs(g) + 1.13 * (*bound + FLT_EPSILON * fabs(v)) + 1e-6;
        return g;
    };
    bad += ladder_rung("5 and bias and GELU (train.cu)", y, n * out, flops, [&] {
        sb_linear_act_forward(y, h, x, in, weight, bias, n, SB_GELU); }, want_gelu);
    return bad > 0;
}
