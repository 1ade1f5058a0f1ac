// attention.cu: o = softmax(q k^T / sqrt(D)) v of isolated sequences, from naive to the kernel in use.   See
// ladder.h.
//
// 64 images of T = 257 rows, 16 heads of D = 64 (ViT-L): 17 GFLOP; q, k, v and o 34 MB each. Predicted for an
// H200; nobody has run it yet. What train.cu never has is the matrix of scores: 64 x 16 x 257 x 257.
#include "ladder.h"

// Rung 1: three kernels and the scores in memory, as the formula reads. The scores are 270 MB in float,
// written once and read, written, read again: 1.1 GB, .25 ms of traffic; the products, without any reuse,
// take 10 ms.
static __global__ void scores_kernel(float *s, const real *q, const real *k, long count, int T, int heads,
                                     int D) {
    long t = sb_thread(), row = t / T;                      // row = (image, head, query); t % T: the key
    if (t >= count) return;
    long image = row / T / heads, head = row / T % heads, ld = (long)heads * D;
    const real *x = q + (image * T + row % T) * ld + head * D, *y = k + (image * T + t % T) * ld + head * D;
    float sum = 0;
    for (int d = 0; d < D; d++) sum += (float)x[d] * (float)y[d];
    s[t] = sum / sqrtf((float)D);
}
static __global__ void softmax_kernel(float *s, long rows, int T) {     // a warp a row
    long row = (long)blockIdx.x * SB_WARPS + sb_warp();
    float top = -INFINITY, sum = 0;
    if (row >= rows) return;
    for (int j = sb_lane(); j < T; j += SB_WARP) top = fmaxf(top, s[row * T + j]);
    top = sb_warp_max(top);
    for (int j = sb_lane(); j < T; j += SB_WARP) sum += s[row * T + j] = expf(s[row * T + j] - top);
    sum = sb_warp_sum(sum);
    for (int j = sb_lane(); j < T; j += SB_WARP) s[row * T + j] /= sum;
}
static __global__ void average_kernel(real *o, const float *s, const real *v, long count, int T, int heads,
                                      int D) {
    long t = sb_thread(), ld = (long)heads * D;             // an element of o
    if (t >= count) return;
    long row = t / ld, image = row / T, head = t % ld / D, d = t % D;
    const float *p = s + ((image * heads + head) * T + row % T) * T;
    float sum = 0;
    for (int j = 0; j < T; j++) sum += p[j] * (float)v[(image * T + j) * ld + head * D + d];
    o[t] = (real)sum;
}

// Rung 2: sb_attention_forward_kernel of train.cu (float): a warp a row, keys 32 at a time, the maximum and
// the sum carried along, what was summed scaled down when the maximum rises (Milakov and Gimelshein, 2018).
// No scores in memory: 136 MB of traffic. Every warp reads all keys of its image itself, from L2: 4.3 GB.
// Predicted: 2 ms. Rung 3: sb_flash_forward: 64 rows a block share each tile of keys in shared memory,
// products on tensor cores, scores turned from a result into an operand without leaving their lane (Dao,
// 2023), the next tile on its way by cp.async meanwhile. Predicted: .07 ms, 250 TFLOP/s.
//
// Backward, 43 GFLOP: what is saved is log sum exp a row, 1 MB; scores are computed again. Rung 4: the float
// kernels of train.cu, a warp a row for d_q and a warp a key for d_k and d_v: both walk over all rows of the
// other side by themselves. Predicted: 6 ms. Rung 5: sb_flash_backward: the same two walks on tensor cores,
// over keys for d_q, over queries for d_k and d_v; seven products where one walk with atomics would need
// five, but the order of sums is fixed. Predicted: .24 ms, 180 TFLOP/s of the five.
static int forward_rungs(SbAttention a, int T, real *o, float *lse) {
    const real *q = a.q, *k = a.k, *v = a.v;
    int heads = a.heads, D = a.dim, bad = 0;
    long rows = a.nq, ld = a.ldq, scores = rows * heads * T;
    float *s = (float *)sb_alloc((size_t)scores * sizeof *s);
    // p is rounded to bf16 on tensor cores and so is the result; six standard deviations of the first
    auto want = [&](long at, double *bound) {
        long i = at / ld, h = at % ld / D, d = at % D, first = i / T * T;
        double sum = 0, out = 0, squares = 0;
        for (int pass = 0; pass < 2; pass++)
            for (long j = first; j < first + T; j++) {
                double score = 0;
                for (int c = 0; c < D; c++)
                    score += (double)(float)q[i * ld + h * D + c] * (double)(float)k[j * ld + h * D + c];
                double p = exp(score / sqrt((double)D)), term = p * (double)(float)v[j * ld + h * D + d];
                if (!pass) sum += p;
                else out += term / sum, squares += term * term / sum / sum;
            }
        *bound = 0.0078125 * (fabs(out) / 2 + 6 * 0.21 * sqrt(squares)) + 1e-6;
        return out;
    };
    double flops = 4.0 * (double)scores * D;
    bad += ladder_rung("1 scores in memory", o, rows * ld, flops, [&] {
        sb_each(scores_kernel, scores, s, q, k, scores, T, heads, D);
        sb_each_warp(softmax_kernel, rows * heads, s, rows * heads, T);
        sb_each(average_kernel, rows * ld, o, s, v, rows * ld, T, heads, D);
    }, want);
    bad += ladder_rung("2 online softmax, a warp a row (train.cu)", o, rows * ld, flops, [&] {
        sb_each_warp(sb_attention_forward_kernel, rows * heads, o, ld, lse, a); }, want);
    bad += ladder_rung(
        "3 tensor cores (train.cu)", o, rows * ld, flops, [&] { sb_attention_forward(o, ld, lse, &a); },
        want);
    return sb_free(s), bad;
}
static int backward_rungs(SbAttention a, int T, const real *o, const float *lse) {
    const real *q = a.q, *k = a.k, *v = a.v;
    int heads = a.heads, D = a.dim, bad = 0;
    long rows = a.nq, ld = a.ldq;
    double flops = 4.0 * (double)rows * heads * T * D;
    // d_q = sum_j ds_j k_j,  ds_j = p_j (d_o.v_j - delta) scale,  delta = d_o.o of the rounded o
    real *d_o = ladder_numbers(rows * ld, 5), *d_q = ladder_numbers(rows * ld, 6),
         *d_k = ladder_numbers(rows * ld, 7), *d_v = ladder_numbers(rows * ld, 8);
    auto want_d_q = [&](long at, double *bound) {
        long i = at / ld, h = at % ld / D, d = at % D, first = i / T * T;
        double scale = 1 / sqrt((double)D), delta = 0, off_delta = 0, out = 0, squares = 0, mean = 0;
        auto dot = [&](const real *x, const real *y, long j) {
            double sum = 0;
            for (int c = 0; c < D; c++)
                sum += (double)(float)x[i * ld + h * D + c] * (double)(float)y[j * ld + h * D + c];
            return sum;
        };
        for (long j = first; j < first + T; j++)
            delta += exp(dot(q, k, j) * scale - lse[i * heads + h]) * dot(d_o, v, j);
        for (int c = 0; c < D; c++)
            off_delta +=
                pow((double)(float)d_o[i * ld + h * D + c] * (double)(float)o[i * ld + h * D + c], 2);
        for (long j = first; j < first + T; j++) {
            double p = exp(dot(q, k, j) * scale - lse[i * heads + h]),
                   y = (double)(float)k[j * ld + h * D + d];
            double term = p * (dot(d_o, v, j) - delta) * scale * y;
            out += term, squares += term * term, mean += p * y;
        }
        squares += off_delta * pow(mean * scale, 2);
        *bound = 0.0078125 * (fabs(out) / 2 + 6 * 0.21 * sqrt(squares)) + 1e-6;
        return out;
    };
    bad += ladder_rung("4 backward, a warp a row (train.cu)", d_q, rows * ld, 2.5 * flops, [&] {
        float *delta = (float *)sb_scratch(SB_DELTA, (size_t)(rows * heads) * sizeof *delta);
        sb_each_warp(sb_attention_delta_kernel, rows * heads, delta, d_o, o, ld, rows * heads, heads, D);
        sb_each_warp(sb_attention_backward_query_kernel, rows * heads, d_q, d_o, ld, lse, delta, a);
        sb_each_warp(sb_attention_backward_key_kernel, rows * heads, d_k, d_v, d_o, ld, lse, delta, a);
    }, want_d_q);
    bad += ladder_rung("5 backward on tensor cores (train.cu)", d_q, rows * ld, 2.5 * flops, [&] {
        sb_attention_backward(d_q, d_k, d_v, d_o, o, ld, lse, &a); }, want_d_q);
    return bad;
}
int main(void) {
    int T = LADDER_SMALL ? 40 : 257, heads = LADDER_SMALL ? 3 : 16, D = 64, images = LADDER_SMALL ? 2 : 64;
    long rows = (long)images * T, ld = (long)heads * D;
    real *q = ladder_numbers(rows * ld, 1), *k = ladder_numbers(rows * ld, 2),
         *v = ladder_numbers(rows * ld, 3);
    real *o = ladder_numbers(rows * ld, 4);
    float *lse = NULL;
    sb_cuda_check(cudaMallocManaged((void **)&lse, (size_t)(rows * heads) * sizeof *lse), "memory");
    int *keys = NULL;
    sb_cuda_check(cudaMallocManaged((void **)&keys, (size_t)(4 * rows) * sizeof *keys), "memory");
    for (int i = 0; i < rows; i++) {
        keys[4 * i] = i / T * T, keys[4 * i + 1] = (i / T + 1) * T;
        keys[4 * i + 2] = keys[4 * i + 3] = keys[4 * i + 1];
    }
    SbAttention a = {q, k, v, ld, ld, ld, rows, rows, keys, heads, heads, D};
    return forward_rungs(a, T, o, lse) + backward_rungs(a, T, o, lse) > 0;
}

// A walk through the memory of one layer with two channels, frozen trunk, stage boost. In rows of C numbers
// of bf16 for 64 images of 257 rows (33.7 MB each; 135 MB at 1,025 rows). The right column is what a model
// reserves (test_model_keeps):
//
//     kept for the backward            every tensor its own  here
//     residual streams r1, r2                     2              2
//     norm before attention, n1                   1              1
//     q, k, v of both channels                    6              6      one buffer, [Q|Q+|K|K+|V|V+]
//     outputs of both, before W_o                 2              2      one buffer, 2H heads
//     each branch behind its W_o                  2              0      alpha folded into W_o: one product
//     their mixture, the branch y1                1              0      scratch: r2 is stored, not y1
//     norm before the MLP, n2                     1              0      its weights are frozen
//     h, before GELU                              4              4
//     gelu(h), and the MLP's output               5              0      scratch of all layers
//     scores and probabilities                   16              0      2H x 257 a row each; log-sum-exp
//     together                                   40             15
//
// What looks as if it needed each branch behind its W_o is the gradient of a, sum over rows of d_y (y_1 -
// y_2). It is rowsum(M1 W_o) - rowsum(M2 W_o+) + ..., with M = d_y^T att, the product that d_W_o+ needs
// anyway (see sb_dual_fold_backward): half of it more, .04 ms a layer, for 67 MB.
