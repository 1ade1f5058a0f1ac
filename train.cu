// train.cu: the same program on a GPU: CUDA bodies for the operations of spatialboost.h, then train.c itself.
//
// What it refuses to do: write the model again. The header is included once a backend, in namespaces cpu and
// gpu (activations bf16) or gpu32 (-DSB_FP32), and its assembly then calls the operations below; files,
// flags, stages, logs and checkpoints are those of train.c. How to read it: beside >>cpu of the header: the
// same operations in the same order under the same names; each is a kernel (or two) and the host function
// that launches it.
//
// Rules. Sums run in one fixed order: no atomics, so the same seed gives the same bits on one type of GPU.
// Sums and functions are in float whatever a tensor's type is (a few losses and norms in double); what tensor
// cores multiply is rounded to bf16, attention's P and dS too. A kernel's first comment says what a block, a
// warp and a thread own. Grids are one-dimensional. Every launch goes through sb_launch, which also sees its
// errors.
//
// This file is included by itself, once a backend (SB_CUDA_BODIES); eval.c and the tests include it with
// SB_NO_MAIN, as they include train.c.
#ifndef SB_MODEL                        // compiled by itself: train.c, with this file for its model
#ifndef SB_SELF
#define SB_SELF "train.cu"
#endif
#define SB_MODEL SB_SELF
#ifndef SB_NO_MAIN
#define SB_CHECK                        // and one thing that only a program with both backends can do
#define SB_NO_MAIN
#endif
#include "train.c"
#ifdef SB_CHECK
#include "data/diff.h"

// ---- ./train_gpu --check: one step on both backends from the same weights and batch, then every tensor of
// it compared, then AdamW: files STAGE_cpu and STAGE_gpu.safetensors in out/check, for ./eval diff as well.
namespace cpu {
#include "data/batch.h"
#include "data/tensors.h"
}
template <class A, class B> static void convert(A *to, const B *from, long n) {
    for (long i = 0; i < n; i++) to[i] = (A)(float)from[i];
}
static void convert(int *to, const int *from, long n) { memcpy(to, from, (size_t)n * sizeof *to); }

// The same weights, and the same batch, for the CPU.
static void to_cpu(cpu::SbModel *m, cpu::SbBatch *b, Run *r) {
    cpu::SbConfig config;
#define X(type, name, toy, mini, small, help) config.name = r->config.name;
    SB_CONFIG(X)
#undef X
    cpu::sb_model_init(m, &config, r->model.parts);
    cpu::sb_model_train(m, r->model.trained);
    for (int i = 0; i < m->params; i++) {
        const SbParam *p = r->model.param[i];
        sb_get((void *)(uintptr_t)m->param[i]->w.p, p->w.p, (size_t)sb_param_count(p) * sizeof(param_t));
    }
    memset(b, 0, sizeof *b);
    cpu::SbSizes n;
#define X(name) n.name = r->batch->n.name;
    SB_ROWS(X)
#undef X
    cpu::sb_batch_reserve(b, &config, n);
    b->n = n, b->views = r->batch->views;
    const SbConfig *c = &r->config;
    SB_SIZES(n);
#define X(type, name, rows, row) convert(b->name, r->batch->name, (rows) * (long)(row));
    SB_BATCH(X)
#undef X
}
// Another row of the table: what both backends hold of a parameter. Bound: roundings of float, `relative` to
// the largest element and of a number `of` beside it.
static void add_row(SbDiff *f, const char *what, const SbParam *p, const float *want, const param_t *device,
                    double relative, double of) {
    SbDifference *d = f->row + f->rows++;
    size_t bytes = (size_t)sb_param_count(p) * sizeof *want;
    float *host = (float *)sb_calloc(bytes, 1);
    SbFileTensor t = {sb_format("%s%s", what, p->name), "F32", 2, {p->w.rows, p->w.cols}, want};
    sb_get(host, device, bytes);
    d->a = d->b = t, d->b.data = host;
    d->bound = FLT_EPSILON * (relative * sb_diff_largest(&t) + of);
    sb_diff_error(d);
}
// Clipping and AdamW, from the same gradients (where a true one is 0, rounding noise would decide the step)
// and moments (from none, the first step would be the gradient's sign, whatever both betas are): norm,
// parameters, of which frozen ones may not change, moments. |m| <= sqrt(v) keeps a step below 2 lr.
static void check_update(SbDiff *f, cpu::SbModel *m, Run *r) {
    static double norm[2];
    double lr = 1e-3, decay = 0.05, size = 1e-3, step = 7;
    for (int i = 0; i < m->params; i++) {
        const cpu::SbParam *from = m->param[i];
        const SbParam *to = r->model.param[i];
        size_t bytes = (size_t)sb_param_count(to) * sizeof(param_t);
        if (!to->grad) continue;
        for (long k = 0; k < sb_param_count(to); k++) {
            double x = size * sb_normal(2 * (uint64_t)i, (uint64_t)k),
                   y = size * sb_normal(2 * (uint64_t)i + 1, (uint64_t)k);
            from->m[k] = (float)x, from->v[k] = (float)(x * x + y * y);
        }
        sb_put(to->grad, from->grad, bytes), sb_put(to->m, from->m, bytes), sb_put(to->v, from->v, bytes);
    }
    cpu::sb_update(m, lr, decay, (long)step), sb_update(&r->model, lr, decay, (long)step);
    norm[0] = cpu::sb_norm(m), norm[1] = sb_norm(&r->model);
    SbFileTensor t = {"norm of all gradients", "F64", 1, {1}, norm};
    SbDifference *d = f->row + f->rows++;
    d->a = d->b = t, d->b.data = norm + 1;
    d->bound = DBL_EPSILON * (double)(m->grad_bytes / sizeof(param_t)) * norm[0];      // a sum in any order
    sb_diff_error(d);
    double shrink = norm[0] > m->config.clip ? m->config.clip / norm[0] : 1;
    for (int i = 0; i < m->params; i++) {
        const cpu::SbParam *want = m->param[i];
        const SbParam *p = r->model.param[i];
        add_row(f, "updated ", p, (const float *)want->w.p, (const param_t *)p->w.p, p->grad ? 2 : 0,
                p->grad ? 40 * lr : 0);
        if (!p->grad) continue;
        SbFileTensor grad = {p->name, "F32", 2, {p->w.rows, p->w.cols}, want->grad};
        add_row(f, "m of ", p, want->m, p->m, 3, 3 * shrink * sb_diff_largest(&grad));
        add_row(f, "v of ", p, want->v, p->v, 4, 0);
    }
}
// A model whose activations are NaN, every layer with its own.
template <class Model, class Sizes> static void start_from_nan(Model *m, Sizes n) {
    m->acts.keep = 1, m->acts.room.enc = m->acts.room.llm = -1;
    m->n = n;
    sb_acts_reserve(m, n), sb_model_poison(m);
}
// One stage; show: how many rows of the table, 0: all; csv: a file for all of them, or NULL.
static int check_stage(int stage, const char *preset, int show, const char *csv) {
    Run *r = bare_run(stage, preset);
    cpu::SbModel m;
    cpu::SbBatch b;
    SbDiff f;
    char *files[2] = {sb_format("out/check/%s_cpu.safetensors", r->stage->name),
                      sb_format("out/check/%s_gpu.safetensors", r->stage->name)};
    sb_model_scatter(&r->model, 1);
    read_batch(r, 0);
    to_cpu(&m, &b, r);
    start_from_nan(&r->model, r->batch->n), start_from_nan(&m, b.n);
    double gpu = all_parts(r) + sb_loss(&r->model);
    switch (r->train.task) {
    case SB_TASK_RECOGNISE: cpu::sb_step_recognise(&m, &b, 1, 0); break;
    case SB_TASK_GEOMETRY: cpu::sb_step_aggregator(&m, &b, 1); break;
    case SB_TASK_FIELD: cpu::sb_step_field(&m, &b, 1); break;
    default: cpu::sb_step_lm(&m, &b, 1);
    }
    double want = cpu::sb_loss(&m);
    sb_make_folder("out/check");
    cpu::sb_dump(&m, files[0], NULL), sb_dump(&r->model, files[1], NULL);
    printf("\n%s: loss %.7f on the CPU, %.7f on the GPU\n", r->stage->name, want, gpu);
    sb_diff_open(&f, files[0], files[1], 3 * m.params + 1);
    check_update(&f, &m, r);
    int beyond = sb_diff_table(&f, show, csv);
    sb_diff_close(&f);
    cpu::sb_model_free(&m), cpu::sb_batch_free(&b);
    free(files[0]), free(files[1]), free_run(r);
    return beyond;
}
int main(int argc, char **argv) {
    const char *stage = "all", *preset = "toy", *folder = NULL;
    int check = 0, show = 10, beyond = 0, found = 0;
    for (int i = 1; i < argc; i++) check |= !strcmp(argv[i], "--check");
    if (!check) return train_main(argc, argv);
    SbFlag flag[] = {
        sb_flag("check", "", SB_FLAG_SWITCH, &check, 0, 1, "this"),
        sb_flag("stage", "NAME", SB_FLAG_TEXT, &stage, 0, 0, "all, or one of those of ./train --help"),
        sb_flag("preset", "NAME", SB_FLAG_TEXT, &preset, 0, 0, "sizes: toy, mini or small"),
        sb_flag("show", "N", SB_FLAG_INT, &show, 0, 1e9, "print so many, the worst first (0: all)"),
        sb_flag("csv", "DIR", SB_FLAG_TEXT, &folder, 0, 0, "write all rows to DIR/STAGE.csv")};
    sb_flags_parse(flag, sizeof flag / sizeof *flag, argc, argv, 1,
                   "usage: ./train_gpu --check [flags]\none step on both backends from the same weights and "
                   "batch, and every tensor of it compared",
                   NULL, 0);
    if (folder) sb_make_folder(folder);
    for (int i = 0; i < STAGES; i++) {
        if (strcmp(stage, stages[i].name) && strcmp(stage, "all")) continue;
        char *csv = folder ? sb_format("%s/%s.csv", folder, stages[i].name) : NULL;
        beyond += check_stage(i, preset, show, csv), found++;
        free(csv);
    }
    if (!found) sb_die("--stage %s: expected all, or a stage of ./train --help", stage);
    printf("\n%s\n", beyond ? "the backends differ" : "the backends agree");
    return beyond > 0;
}
#endif
#elif !defined SB_CUDA_BODIES           // included as a program's model: the header once a backend

#ifdef SB_CUBLASLT // make CUBLASLT=1: products without an epilogue by the vendor's library
#include <cublasLt.h>
#endif
#include <cuda_bf16.h>
#include <cuda_runtime.h>
#include <float.h>
#include <limits.h>
#include <stddef.h>                     // before the header, whose own includes stand in a namespace
#ifdef _OPENMP
#include <omp.h>
#endif
namespace cpu {
#include "spatialboost.h"
}
#define SB_GPU
#define SB_CPU cpu::                    // data/fit.h uses the CPU's product
#define SB_OWN_BACKEND
#define SB_CUDA_BODIES
#ifdef SB_FP32                          // everything in float, to check by; else activations are bf16
namespace gpu32 {
#include "spatialboost.h"
#include SB_MODEL
}
using namespace gpu32;
#else
#undef SB_REAL
#undef SB_WIDE
#define SB_REAL __nv_bfloat16
#define SB_WIDE float
namespace gpu {
#include "spatialboost.h"
#include SB_MODEL
}
#undef SB_WIDE
using namespace gpu;
#endif
#undef SB_CUDA_BODIES

#else // SB_CUDA_BODIES: everything below stands in a backend's namespace

// ---- launching
static void sb_cuda_check(cudaError_t error, const char *what) {
    if (error != cudaSuccess) SB_FAIL("CUDA, %s: %s", what, cudaGetErrorString(error));
}
// Launch `blocks` blocks of `threads` with so many bytes of dynamic shared memory; none at all is nothing to
// do. More than 48 KB a block has to be asked for.
template <class... P, class... A>
static void sb_launch_shared(void (*kernel)(P...), long blocks, int threads, int shared, A... args) {
    if (blocks <= 0) return;
    if (blocks > INT_MAX) SB_FAIL("CUDA: %ld blocks in one launch; a smaller --batch needs fewer", blocks);
    if (shared > 48 << 10)
        sb_cuda_check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared),
                      "shared memory");
    kernel<<<(unsigned)blocks, (unsigned)threads, (size_t)shared>>>((P)args...);
    sb_cuda_check(cudaGetLastError(), "launch");
}
template <class... P, class... A>
static void sb_launch(void (*kernel)(P...), long blocks, int threads, A... args) {
    sb_launch_shared(kernel, blocks, threads, 0, args...);
}
// An elementwise kernel: one thread an element.
enum { SB_WARP = 32, SB_BLOCK = 256, SB_WARPS = SB_BLOCK / SB_WARP };
template <class... P, class... A> static void sb_each(void (*kernel)(P...), long count, A... args) {
    sb_launch(kernel, (count + SB_BLOCK - 1) / SB_BLOCK, SB_BLOCK, args...);
}
// A kernel that gives every row (or the like) to a warp.
template <class... P, class... A> static void sb_each_warp(void (*kernel)(P...), long rows, A... args) {
    sb_launch(kernel, (rows + SB_WARPS - 1) / SB_WARPS, SB_BLOCK, args...);
}
#ifdef __CUDACC__  // arrays in registers need loops without indices that are only known at run time
#define SB_WHOLLY _Pragma("unroll")
#else
#define SB_WHOLLY
#endif
static __device__ long sb_thread(void) { return (long)blockIdx.x * blockDim.x + threadIdx.x; }
static __device__ int sb_lane(void) { return (int)(threadIdx.x % SB_WARP); }
static __device__ int sb_warp(void) { return (int)(threadIdx.x / SB_WARP); }
static __device__ float sb_warp_sum(float x) {              // in every lane, the same bits
    for (int step = SB_WARP / 2; step; step /= 2) x += __shfl_xor_sync(~0u, x, step);
    return x;
}
static __device__ float sb_warp_max(float x) {
    for (int step = SB_WARP / 2; step; step /= 2) x = fmaxf(x, __shfl_xor_sync(~0u, x, step));
    return x;
}
// Element i of memory of some type; of a weight, if it is there.
static __device__ float sb_load(const void *p, int type, long i) {
    if (type == SB_BF16) return __bfloat162float(((const __nv_bfloat16 *)p)[i]);
    return type == SB_F32 ? ((const float *)p)[i] : (float)((const double *)p)[i];
}
static __device__ void sb_store(void *p, int type, long i, float x) {
    if (type == SB_BF16) ((__nv_bfloat16 *)p)[i] = __float2bfloat16(x);
    else if (type == SB_F32) ((float *)p)[i] = x;
    else ((double *)p)[i] = (double)x;
}
static __device__ float sb_load_or_0(SbWeight w, long i) { return w.p ? sb_load(w.p, w.type, i) : 0.0f; }

// V neighbours at once. Kernels of rows and elements are written for V of them; the host takes SB_WIDTH where
// that divides everything and all is aligned, for reads and writes of 16 bytes, else 1.
enum { SB_WIDTH = 8 };
template <int V, class T> static __device__ void sb_read(float out[V], const T *p) {
    __align__(16) T in[V];
    if (V == SB_WIDTH)
        for (int i = 0; i < (int)sizeof in / 16; i++) ((uint4 *)in)[i] = ((const uint4 *)p)[i];
    else in[0] = p[0];
    SB_WHOLLY
    for (int i = 0; i < V; i++) out[i] = (float)in[i];
}
template <int V, class T> static __device__ void sb_write(T *p, const float in[V]) {
    __align__(16) T out[V];
    SB_WHOLLY
    for (int i = 0; i < V; i++) out[i] = (T)in[i];
    if (V == SB_WIDTH)
        for (int i = 0; i < (int)sizeof out / 16; i++) ((uint4 *)p)[i] = ((const uint4 *)out)[i];
    else p[0] = out[0];
}
// The same of a weight's vector; 0 if it is absent.
template <int V> static __device__ void sb_read_weight(float out[V], SbWeight w, long i) {
    if (V == SB_WIDTH && w.p && w.type == SB_F32) return sb_read<V>(out, (const float *)w.p + i);
    SB_WHOLLY
    for (int k = 0; k < V; k++) out[k] = sb_load_or_0(w, i + k);
}
// Are all of these (NULL: not there) on 16 bytes, and is count a multiple of SB_WIDTH?
static int sb_wide(long count, const void *a, const void *b, const void *c = NULL, const void *d = NULL,
                   const void *e = NULL) {
    return count % SB_WIDTH == 0 && ((size_t)a | (size_t)b | (size_t)c | (size_t)d | (size_t)e) % 16 == 0;
}

// ---- memory of the backend
// The first call says politely what is missing.
static void sb_need_gpu(void) {
    static int ready;
    cudaDeviceProp gpu;
    int count = 0, driver = 0, built = 0;
    if (ready++) return;
    cudaError_t error = cudaGetDeviceCount(&count);
    cudaDriverGetVersion(&driver), cudaRuntimeGetVersion(&built);
    if (error == cudaErrorInsufficientDriver && driver)
        SB_FAIL("the GPU's driver is for CUDA %d.%d, this program was built with %d.%d: install a newer "
                "driver, or build with an older toolkit; ./train does the same on the CPU",
                driver / 1000, driver % 1000 / 10, built / 1000, built % 1000 / 10);
    if (error != cudaSuccess || !count)
        SB_FAIL(
            "no GPU to run on (%s). This program needs an NVIDIA GPU of compute capability 8.0 or more and "
            "its driver; ./train does the same on the CPU",
            error == cudaErrorInsufficientDriver ? "no driver found" : cudaGetErrorString(error));
    sb_cuda_check(cudaGetDeviceProperties(&gpu, 0), "properties of the GPU");
    if (gpu.major < 8)
        SB_FAIL("%s has compute capability %d.%d; this program needs 8.0 or more (A100, RTX 30 and later; "
                "CUDA_VISIBLE_DEVICES chooses another)", gpu.name, gpu.major, gpu.minor);
}
SB_FN void *sb_alloc(size_t bytes) {
    void *p = NULL;
    size_t left = 0, all = 0;
    sb_need_gpu();
    cudaError_t error = cudaMalloc((void **)&p, bytes + 64);
    if (error == cudaErrorMemoryAllocation && cudaMemGetInfo(&left, &all) == cudaSuccess)
        SB_FAIL("out of GPU memory: %.1f MB more are wanted, %.1f of %.0f MB are free. --memory says what a "
                "run needs; --recompute, --micro 1 or a smaller --batch need less. Checkpoints are kept",
                1e-6 * (double)bytes, 1e-6 * (double)left, 1e-6 * (double)all);
    sb_cuda_check(error, "memory");
    sb_cuda_check(cudaMemset(p, 0, bytes + 64), "memory");
    return p;
}
SB_FN void sb_free(void *device) { if (device) sb_cuda_check(cudaFree(device), "free"); }
SB_FN void sb_put(void *device, const void *host, size_t bytes) {
    sb_cuda_check(cudaMemcpy(device, host, bytes, cudaMemcpyHostToDevice), "copy to the GPU");
}
SB_FN void sb_get(void *host, const void *device, size_t bytes) {
    sb_cuda_check(cudaMemcpy(host, device, bytes, cudaMemcpyDeviceToHost), "copy from the GPU");
}
SB_FN void sb_zero(void *device, size_t bytes) { sb_cuda_check(cudaMemset(device, 0, bytes), "clear"); }
SB_FN const void *sb_share(const void *host, size_t bytes) {
    void *device = sb_alloc(bytes);
    return sb_put(device, host, bytes), device;
}
SB_FN void sb_unshare(const void *device) { sb_free((void *)(size_t)device); }

// Scratch of the backend lives across calls.
enum { SB_PARTIALS, SB_DELTA, SB_SPANS, SB_SQUARES, SB_WORKSPACE, SB_PACKED, SB_SCRATCHES = SB_PACKED + 3 };
static void *sb_scratch(int which, size_t bytes) {
    static void *p[SB_SCRATCHES];
    static size_t have[SB_SCRATCHES];
    if (bytes <= have[which]) return p[which];
    sb_free(p[which]);
    have[which] = bytes + bytes / 4;
    return p[which] = sb_alloc(have[which]);
}

// ---- elementary functions
static __device__ float sb_phi(float x) {
    return 0.5f * erfcf(-x * 0.70710678f);
} // standard normal distribution
static __device__ float sb_sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }
// An activation and its slope; those that are not h Phi(h) are h sigmoid(a h + b h^3).
static __device__ float2 sb_act_curve(int act) {
    float a = act == SB_GELU_TANH ? 1.59576912f : act == SB_QUICK_GELU ? 1.702f : 1.0f;
    return {a, act == SB_GELU_TANH ? 1.59576912f * 0.044715f : 0.0f};
}
static __device__ float sb_act(float h, int act) {
    float2 c = sb_act_curve(act);
    return h * (act == SB_GELU ? sb_phi(h) : sb_sigmoid(h * (c.x + c.y * h * h)));
}
static __device__ float sb_act_slope(float h, int act) {
    if (act == SB_GELU) return sb_phi(h) + h * 0.39894228f * expf(-0.5f * h * h);
    float2 c = sb_act_curve(act);
    float s = sb_sigmoid(h * (c.x + c.y * h * h));
    return s * (1.0f + h * (1.0f - s) * (c.x + 3.0f * c.y * h * h));
}

// ---- matmul: C[m][n] (+)= sum_k A(i,k) B(k,j), A(i,k) = a[i ai + k ak], B(k,j) = b[k bk + j bj], C ldc
// One description serves all three, by strides, as in the header:
//     forward  y [n][out] = x w^T:     m = n, n = out, k = in;   A = x (ldx, 1), B = w (1, ld)
//     d_x [n][in] = d_y w:             m = n, n = in, k = out;   A = d_y (ldy, 1), B = w (ld, 1)
//     d_w [out][in] += d_y^T x:        m = out, n = in, k = n;   A = d_y (1, ldy), B = x (ldx, 1)
// Two kernels:
// in float, and on tensor cores in bf16 with float sums. Both split C into tiles, one a block, and walk along
// k.
typedef struct {
    const void *a, *b;
    void *c;
    real *acted;                        // where act(C) goes too (rows ldc apart), or NULL
    long ai, ak, bk, bj, ldc;
    int m, n, k, a_type, b_type, c_type, add;
    SbWeight bias;                      // added to every row, or absent
    int act;
} SbMatmul;
// Several blocks a tile, each `span` steps of k: their sums go to part [parts][m][n] (NULL: one does it all).
// paired: two neighbours of C can be written at once.
typedef struct { float *part; int span, parts, paired; } SbSplit;

static __device__ void sb_matmul_store(const SbMatmul *g, int row, int col, float y) {
    if (row >= g->m || col >= g->n) return;
    long at = row * g->ldc + col;
    y += sb_load_or_0(g->bias, col) + (g->add ? sb_load(g->c, g->c_type, at) : 0.0f);
    sb_store(g->c, g->c_type, at, y);
    if (g->acted) g->acted[at] = (real)sb_act(y, g->act);
}
static __device__ void sb_store_pair(void *p, int type, long at, float left, float right) {
    if (type == SB_BF16) *(__nv_bfloat162 *)((__nv_bfloat16 *)p + at) = __floats2bfloat162_rn(left, right);
    else *(float2 *)((float *)p + at) = {left, right};
}
// Two neighbours in a row; to C, or to the sums of a part of k.
static __device__ void sb_matmul_store_pair(const SbMatmul *g, const SbSplit *split, float *part, int row,
                                            int col, float left, float right) {
    long at = row * g->ldc + col;
    if (row >= g->m || col >= g->n) return;
    if (part) {
        part[(long)row * g->n + col] = left;
        if (col + 1 < g->n) part[(long)row * g->n + col + 1] = right;
    } else if (!split->paired || col + 1 == g->n) {
        sb_matmul_store(g, row, col, left);
        sb_matmul_store(g, row, col + 1, right);
    } else {
        left += sb_load_or_0(g->bias, col) + (g->add ? sb_load(g->c, g->c_type, at) : 0.0f);
        right += sb_load_or_0(g->bias, col + 1) + (g->add ? sb_load(g->c, g->c_type, at + 1) : 0.0f);
        sb_store_pair(g->c, g->c_type, at, left, right);
        if (g->acted)
            sb_store_pair(g->acted, SB_NATIVE, at, sb_act(left, g->act), sb_act(right, g->act));
    }
}

// In float. A block owns 64 x 64 of C, a thread 4 x 4 of it.
enum { SB_TILE = 64, SB_DEPTH = 16, SB_SIDE = 4, SB_PAD = 4 };

// Fill a tile [depth][TILE] from a matrix of strides (row, step), zeros beyond rows x k. Neighbouring threads
// take neighbouring elements of whichever stride is 1.
static __device__ void sb_load_tile(float (*tile)[SB_TILE + SB_PAD], const void *p, int type, long row,
                                    long step, int row0, int rows, int k0, int k) {
    for (int e = (int)threadIdx.x; e < SB_TILE * SB_DEPTH; e += SB_BLOCK) {
        int i = step == 1 ? e / SB_DEPTH : e % SB_TILE, d = step == 1 ? e % SB_DEPTH : e / SB_TILE;
        int in = row0 + i < rows && k0 + d < k;
        tile[d][i] = in ? sb_load(p, type, (row0 + i) * row + (k0 + d) * step) : 0.0f;
    }
}
static __global__ void sb_matmul_kernel(SbMatmul g) {
    __shared__ float a[SB_DEPTH][SB_TILE + SB_PAD], b[SB_DEPTH][SB_TILE + SB_PAD];
    int across = (g.n + SB_TILE - 1) / SB_TILE;
    int row0 = (int)blockIdx.x / across * SB_TILE, col0 = (int)blockIdx.x % across * SB_TILE;
    int row = (int)threadIdx.x / 16 * SB_SIDE, col = (int)threadIdx.x % 16 * SB_SIDE;
    float sum[SB_SIDE][SB_SIDE] = {};
    for (int k0 = 0; k0 < g.k; k0 += SB_DEPTH) {
        sb_load_tile(a, g.a, g.a_type, g.ai, g.ak, row0, g.m, k0, g.k);
        sb_load_tile(b, g.b, g.b_type, g.bj, g.bk, col0, g.n, k0, g.k);
        __syncthreads();
        for (int d = 0; d < SB_DEPTH; d++)
            for (int i = 0; i < SB_SIDE; i++)
                for (int j = 0; j < SB_SIDE; j++) sum[i][j] += a[d][row + i] * b[d][col + j];
        __syncthreads();
    }
    for (int i = 0; i < SB_SIDE; i++)
        for (int j = 0; j < SB_SIDE; j++)
            sb_matmul_store(&g, row0 + row + i, col0 + col + j, sum[i][j]);
}

#ifndef CUDA_SHIM_H                     // on a CPU these are functions of dev/cuda_on_cpu/cuda_shim.h
// d [16][8] += a [16][16] b [16][8] of bf16, in the layouts of the PTX manual
static __device__ void sb_mma_bf16(float d[4], const unsigned a[4], const unsigned b[2]) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
// Four 8 x 8 matrices of 16 bits; lane 8 m + i points at line i of matrix m, 16 bytes in shared memory.
static __device__ void sb_ldmatrix_x4(unsigned out[4], const void *line) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"((unsigned)__cvta_generic_to_shared(line)) : "memory");
}
// The same, each matrix turned.
static __device__ void sb_ldmatrix_x4_trans(unsigned out[4], const void *line) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"((unsigned)__cvta_generic_to_shared(line)) : "memory");
}
// 16 bytes from global to shared memory without passing a register, the last of them 0 if only so many are
// wanted; a group is what was asked for between two commits; wait until all but the newest N groups are
// there.
static __device__ void sb_copy_async(void *to, const void *from, int bytes) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                     (unsigned)__cvta_generic_to_shared(to)), "l"(from), "r"(bytes) : "memory");
}
static __device__ void sb_copy_commit(void) { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int N> static __device__ void sb_copy_wait(void) {
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}
#endif
enum { SB_CHUNK8 = 8, SB_MMA_PAD = 8 }; // bf16 in 16 bytes; between lines, so that ldmatrix meets no conflict
// An operand of a product on tensor cores: element (row, step) at p[row * row + step * step], one of both
// strides 1: by_k if that of k is. whole: bf16, every line aligned to 16 bytes.
typedef struct { const void *p; int type, rows, k, by_k, whole; long row, step; } SbOperand;
static SbOperand sb_operand(const void *p, int type, int rows, int k, long row, long step) {
    int by_k = step == 1,
        whole = type == SB_BF16 && (by_k ? row : step) % SB_CHUNK8 == 0 && (size_t)p % 16 == 0;
    SbOperand o = {p, type, rows, k, by_k, whole, row, step};
    return o;
}
static __device__ unsigned sb_pair(float low, float high) {            // two bf16 in a register
    __nv_bfloat162 two = __floats2bfloat162_rn(low, high);
    return *(unsigned *)&two;
}
// Eight neighbours of stride 1 from (row, step) on to shared memory, as bf16; zeros beyond the matrix. They
// are there after sb_copy_wait and a barrier. WHOLE: o->whole is known.
template <int BY_K, int WHOLE>
static __device__ void sb_copy_chunk(__nv_bfloat16 *to, const SbOperand *o, int row, int step) {
    long at = BY_K ? row * o->row + step : row + step * o->step;
    int left = BY_K ? (row < o->rows ? o->k - step : 0) : (step < o->k ? o->rows - row : 0);
    left = max(0, min(left, (int)SB_CHUNK8));
    int whole = WHOLE ? 1 : o->whole;
    if (whole) sb_copy_async(to, (const __nv_bfloat16 *)o->p + (left ? at : 0), 2 * left);
    else
        for (int i = 0; i < SB_CHUNK8; i += 2)
            *(unsigned *)(to + i) = sb_pair(i < left ? sb_load(o->p, o->type, at + i) : 0.0f,
                                            i + 1 < left ? sb_load(o->p, o->type, at + i + 1) : 0.0f);
}
// Fragment of 16 rows by 16 steps as four 8 x 8 matrices, in (row, step): (0,0), (8,0), (0,8), (8,8), one
// first operand of mma.m16n8k16; or right = 1: (0,0), (0,8), (8,0), (8,8), two second operands of 8 rows
// each, in neighbouring registers. The tile is [row][step] (by_k) or [step][row], lines `pitch` apart; each
// lane points at one line of 8.
static __device__ void sb_fragment(unsigned out[4], const __nv_bfloat16 *tile, int pitch, int by_k, int row,
                                   int step, int right) {
    int lane = sb_lane(), first = lane / 8 % 2 * 8, second = lane / 16 * 8;
    int r = row + (right ? second : first), s = step + (right ? first : second);
    if (by_k) sb_ldmatrix_x4(out, tile + (r + lane % 8) * pitch + s);
    else sb_ldmatrix_x4_trans(out, tile + (s + lane % 8) * pitch + r);
}

// The product on tensor cores. A block owns 128 x 128 of C (of one part of k), a warp 64 x 32 of it: 4 x 4
// products of 16 x 8. A tile of an operand is 128 rows by 32 steps of k; in shared memory it lies as in
// global memory, the dimension of stride 1 innermost, and ldmatrix turns it where that is not k. Three tiles
// of each are in shared memory: while one is multiplied, the next two are on their way.
enum { SB_MMA_TILE = 128, SB_MMA_DEPTH = 32, SB_MMA_STAGES = 3 };
enum { SB_MMA_SIZE = SB_MMA_TILE * (SB_MMA_DEPTH + SB_MMA_PAD) };      // as large as [32][128 + 8], or larger
enum { SB_MMA_BYTES = 2 * SB_MMA_STAGES * SB_MMA_SIZE * 2 };

static __device__ int sb_pitch(int by_k) { return (by_k ? SB_MMA_DEPTH : SB_MMA_TILE) + SB_MMA_PAD; }
// This thread's two chunks of the tile at (row0, k0).
template <int BY_K>
static __device__ void sb_copy_tile(__nv_bfloat16 *tile, const SbOperand *o, int row0, int k0) {
    SB_WHOLLY
    for (int c = 0; c < 2; c++) {
        int e = (int)threadIdx.x + c * SB_BLOCK;
        int row = BY_K ? e / 4 : e % 16 * SB_CHUNK8, step = BY_K ? e % 4 * SB_CHUNK8 : e / 16;
        sb_copy_chunk<BY_K, 1>(tile + (BY_K ? row : step) * sb_pitch(BY_K) + (BY_K ? step : row), o,
                               row0 + row, k0 + step);
    }
}
// sum += the product of one pair of tiles.
static __device__ void sb_multiply_tiles(float sum[4][4][4], const __nv_bfloat16 *tile_a, int a_by_k,
                                         const __nv_bfloat16 *tile_b, int b_by_k, int row, int col) {
    SB_WHOLLY
    for (int k = 0; k < SB_MMA_DEPTH; k += 16) {
        unsigned a[4][4], b[2][4];
        SB_WHOLLY
        for (int i = 0; i < 4; i++) sb_fragment(a[i], tile_a, sb_pitch(a_by_k), a_by_k, row + 16 * i, k, 0);
        SB_WHOLLY
        for (int j = 0; j < 2; j++) sb_fragment(b[j], tile_b, sb_pitch(b_by_k), b_by_k, col + 16 * j, k, 1);
        SB_WHOLLY
        for (int i = 0; i < 4; i++)
            SB_WHOLLY
            for (int j = 0; j < 4; j++) {           // columns 8 j
                unsigned two[2] = {b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]};
                sb_mma_bf16(sum[i][j], a[i], two);
            }
    }
}
template <int A, int B> static __global__ void __launch_bounds__(SB_BLOCK, 2)   // A, B: by_k of a, of b
sb_matmul_mma_kernel(SbMatmul g, SbSplit split, SbOperand a, SbOperand b) {
    extern __shared__ __align__(16) __nv_bfloat16 tiles[];
    __nv_bfloat16 *tiles_b = tiles + SB_MMA_STAGES * SB_MMA_SIZE;
    int across = (g.n + SB_MMA_TILE - 1) / SB_MMA_TILE, down = (g.m + SB_MMA_TILE - 1) / SB_MMA_TILE;
    int tile = (int)blockIdx.x % (across * down), part = (int)blockIdx.x / (across * down);
    int row0 = tile / across * SB_MMA_TILE, col0 = tile % across * SB_MMA_TILE;
    int row = sb_warp() / 4 * 64, col = sb_warp() % 4 * 32;
    int k0 = part * split.span, k1 = min(k0 + split.span, g.k),
        steps = (k1 - k0 + SB_MMA_DEPTH - 1) / SB_MMA_DEPTH;
    float sum[4][4][4] = {};
    a.k = b.k = k1;
    for (int t = -(SB_MMA_STAGES - 1); t < steps; t++) {
        int next = t + SB_MMA_STAGES - 1, to = next % SB_MMA_STAGES * SB_MMA_SIZE;
        if (t >= 0) {
            sb_copy_wait<SB_MMA_STAGES - 2>();
            __syncthreads();            // tile t is there for all, and nobody reads tile t - 1 any more
        }
        if (next < steps) {
            sb_copy_tile<A>(tiles + to, &a, row0, k0 + next * SB_MMA_DEPTH);
            sb_copy_tile<B>(tiles_b + to, &b, col0, k0 + next * SB_MMA_DEPTH);
        }
        sb_copy_commit();               // an empty group too: so the count of groups is the count of tiles
        if (t < 0) continue;
        int at = t % SB_MMA_STAGES * SB_MMA_SIZE;
        sb_multiply_tiles(sum, tiles + at, A, tiles_b + at, B, row, col);
    }
    float *sums = split.part ? split.part + (long)part * g.m * g.n : NULL;
    SB_WHOLLY
    for (int i = 0; i < 4; i++)
        SB_WHOLLY
        for (int j = 0; j < 4; j++)
            SB_WHOLLY
            for (int e = 0; e < 4; e += 2)          // the layout of mma.m16n8k16's result
                sb_matmul_store_pair(&g, &split, sums, row0 + row + 16 * i + sb_lane() / 4 + e / 2 * 8,
                                     col0 + col + 8 * j + sb_lane() % 4 * 2, sum[i][j][e], sum[i][j][e + 1]);
}
// C (+)= the parts, in order. A thread an element.
static __global__ void sb_matmul_parts_kernel(SbMatmul g, SbSplit split) {
    long t = sb_thread(), count = (long)g.m * g.n;
    if (t >= count) return;
    float sum = 0;
    for (int s = 0; s < split.parts; s++) sum += split.part[s * count + t];
    sb_matmul_store(&g, (int)(t / g.n), (int)(t % g.n), sum);
}
// A weight in float, or lines that are not aligned: a bf16 copy in scratch first. A thread an element.
static __global__ void sb_pack_kernel(__nv_bfloat16 *to, const void *p, int type, long ld, long count,
                                      int width, int padded) {
    long t = sb_thread();
    if (t >= count) return;
    int i = (int)(t % padded);
    to[t] = __float2bfloat16(i < width ? sb_load(p, type, t / padded * ld + i) : 0.0f);
}
static SbOperand sb_packed(SbOperand o, int which) {
    int width = o.by_k ? o.k : o.rows, padded = (width + SB_CHUNK8 - 1) / SB_CHUNK8 * SB_CHUNK8;
    long count = (long)(o.by_k ? o.rows : o.k) * padded;
    if (o.whole) return o;
    __nv_bfloat16 *to = (__nv_bfloat16 *)sb_scratch(SB_PACKED + which, (size_t)count * sizeof *to);
    sb_each(sb_pack_kernel, count, to, o.p, o.type, o.by_k ? o.row : o.step, count, width, padded);
    return sb_operand(to, SB_BF16, o.rows, o.k, o.by_k ? padded : 1, o.by_k ? 1 : padded);
}
// Few tiles and a long k (gradients of weights): several blocks split a tile, each a part of k of at least
// SB_SPLIT_LEAST steps, so that about SB_SPLIT_BLOCKS blocks are at work. Rules, not measurements: the same
// bits everywhere.
enum { SB_SPLIT_LEAST = 512, SB_SPLIT_BLOCKS = 256 };
#ifdef SB_CUBLASLT
// The same by cuBLASLt, where its result is as exact: without bias and GELU (it would round the bias to bf16,
// and its GELU is the tanh form). 1: done. Its matrices are stored by columns, so it computes the transpose,
// C^T [n][m] = B^T A^T. The first algorithm that its heuristic names is taken, never one that adds in C in
// any order: chosen by rule, not by timing. SB_MATMUL_LOG=1 prints the choice once a shape.
enum { SB_LT_SHAPES = 512, SB_LT_WORKSPACE = 32 << 20 };
typedef struct { long m, n, k, lda, ldb, ldc, a_by_k, b_by_k, c_type; } SbLtShape;
typedef struct {
    SbLtShape shape;
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t a, b, c;
    cublasLtMatmulAlgo_t algorithm;
    int usable;
} SbLtPlan;
static void sb_lt_check(cublasStatus_t status, const char *what) {
    if (status != CUBLAS_STATUS_SUCCESS) SB_FAIL("cuBLASLt, %s: status %d", what, (int)status);
}
static void sb_lt_plan(SbLtPlan *p, cublasLtHandle_t lt) {
    const SbLtShape *s = &p->shape;
    cublasOperation_t of_b = s->b_by_k ? CUBLAS_OP_T : CUBLAS_OP_N,
                      of_a = s->a_by_k ? CUBLAS_OP_N : CUBLAS_OP_T;
    cublasLtMatmulPreference_t wish;
    cublasLtMatmulHeuristicResult_t found;
    size_t room = SB_LT_WORKSPACE;
    uint32_t scheme = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, aligned = 16;
    int count = 0, id = 0;
    sb_lt_check(cublasLtMatmulDescCreate(&p->product, CUBLAS_COMPUTE_32F, CUDA_R_32F), "a product");
    cublasLtMatmulDescSetAttribute(p->product, CUBLASLT_MATMUL_DESC_TRANSA, &of_b, sizeof of_b);
    cublasLtMatmulDescSetAttribute(p->product, CUBLASLT_MATMUL_DESC_TRANSB, &of_a, sizeof of_a);
    cublasLtMatrixLayoutCreate(&p->b, CUDA_R_16BF, (uint64_t)(s->b_by_k ? s->k : s->n),
                               (uint64_t)(s->b_by_k ? s->n : s->k), s->ldb);
    cublasLtMatrixLayoutCreate(&p->a, CUDA_R_16BF, (uint64_t)(s->a_by_k ? s->k : s->m),
                               (uint64_t)(s->a_by_k ? s->m : s->k), s->lda);
    cublasLtMatrixLayoutCreate(&p->c, s->c_type == SB_BF16 ? CUDA_R_16BF : CUDA_R_32F, (uint64_t)s->n,
                               (uint64_t)s->m, s->ldc);
    sb_lt_check(cublasLtMatmulPreferenceCreate(&wish), "a preference");
    cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &room, sizeof room);
    cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &scheme,
                                         sizeof scheme);
    const cublasLtMatmulPreferenceAttributes_t alignment[4] = {
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES};
    for (int i = 0; i < 4; i++)
        cublasLtMatmulPreferenceSetAttribute(wish, alignment[i], &aligned, sizeof aligned);
    p->usable = cublasLtMatmulAlgoGetHeuristic(lt, p->product, p->b, p->a, p->c, p->c, wish, 1, &found,
                                               &count) == CUBLAS_STATUS_SUCCESS && count > 0;
    cublasLtMatmulPreferenceDestroy(wish);
    if (!p->usable) return;
    p->algorithm = found.algo;
    cublasLtMatmulAlgoConfigGetAttribute(&p->algorithm, CUBLASLT_ALGO_CONFIG_ID, &id, sizeof id, NULL);
    if (getenv("SB_MATMUL_LOG"))
        fprintf(stderr, "cuBLASLt: %ld x %ld x %ld: algorithm %d\n", s->m, s->n, s->k, id);
}
static int sb_matmul_lt(const SbMatmul *g, const SbOperand *a, const SbOperand *b) {
    static SbLtPlan plan[SB_LT_SHAPES];
    static cublasLtHandle_t lt;
    static int plans;
    SbLtShape shape = {g->m, g->n, g->k, a->by_k ? a->row : a->step, b->by_k ? b->row : b->step, g->ldc,
                       a->by_k, b->by_k, g->c_type};
    float one = 1, beta = g->add ? 1.0f : 0.0f;
    int i = 0, bytes = g->c_type == SB_BF16 ? 2 : 4;
    if (g->bias.p || g->acted || !g->m || !g->n || !g->k || ((size_t)g->c | (size_t)(g->ldc * bytes)) % 16)
        return 0;
    while (i < plans && memcmp(&plan[i].shape, &shape, sizeof shape)) i++;
    if (i == SB_LT_SHAPES) return 0;
    if (!lt) sb_lt_check(cublasLtCreate(&lt), "start");
    if (i == plans) plan[i].shape = shape, sb_lt_plan(plan + plans++, lt);
    if (!plan[i].usable) return 0;
    sb_lt_check(cublasLtMatmul(lt, plan[i].product, &one, b->p, plan[i].b, a->p, plan[i].a, &beta, g->c,
                               plan[i].c, g->c, plan[i].c, &plan[i].algorithm,
                               sb_scratch(SB_WORKSPACE, SB_LT_WORKSPACE), SB_LT_WORKSPACE, 0),
                "a product");
    return 1;
}
#else
static int sb_matmul_lt(const SbMatmul *g, const SbOperand *a, const SbOperand *b) {
    return (void)g, (void)a, (void)b, 0;
}
#endif
static void sb_matmul_mma(SbMatmul g) {
    long tiles = (long)((g.m + SB_MMA_TILE - 1) / SB_MMA_TILE) * ((g.n + SB_MMA_TILE - 1) / SB_MMA_TILE);
    SbSplit split = {NULL, g.k, tiles ? (int)sb_lmin(SB_SPLIT_BLOCKS / tiles, g.k / SB_SPLIT_LEAST) : 1,
                     g.ldc % 2 == 0 && ((size_t)g.c | (size_t)g.acted) % 8 == 0};
    SbOperand a = sb_packed(sb_operand(g.a, g.a_type, g.m, g.k, g.ai, g.ak), 0);
    SbOperand b = sb_packed(sb_operand(g.b, g.b_type, g.n, g.k, g.bj, g.bk), 1);
    if (sb_matmul_lt(&g, &a, &b)) return;
    if (split.parts > 1) {
        split.span = (g.k / split.parts + SB_MMA_DEPTH - 1) / SB_MMA_DEPTH * SB_MMA_DEPTH;
        split.parts = (g.k + split.span - 1) / split.span;
        tiles *= split.parts;
        split.part = (float *)sb_scratch(SB_PARTIALS, (size_t)split.parts * (size_t)g.m * (size_t)g.n * 4);
    }
    sb_launch_shared(a.by_k ? (b.by_k ? sb_matmul_mma_kernel<1, 1> : sb_matmul_mma_kernel<1, 0>)
                            : (b.by_k ? sb_matmul_mma_kernel<0, 1> : sb_matmul_mma_kernel<0, 0>),
                     tiles, SB_BLOCK, SB_MMA_BYTES, g, split, a, b);
    if (split.part) sb_each(sb_matmul_parts_kernel, (long)g.m * g.n, g, split);
}
static void sb_matmul(SbMatmul g) {
    long tiles = (long)((g.m + SB_TILE - 1) / SB_TILE) * ((g.n + SB_TILE - 1) / SB_TILE);
    if (sizeof(real) == 2) sb_matmul_mma(g);
    else sb_launch(sb_matmul_kernel, tiles, SB_BLOCK, g);
}

// ---- sums over rows, in two steps: blocks add up SB_SPAN rows each, then a thread a column adds the blocks.
// sum[c] += sum of x [n][ldx], c < cols; with r [n][ldr], of x times r, normalised with stat [n][lds] unless
// NULL.
enum { SB_SPAN = 256 };
// A block owns 32 columns of SB_SPAN rows, a warp every eighth of those rows, a lane a column.
static __global__ void sb_column_partials_kernel(float *part, const real *x, long ldx, long n, int cols,
                                                 const real *r, long ldr, const stat_t *stat, long lds) {
    __shared__ float of_warp[SB_WARPS][SB_WARP];
    int across = (cols + SB_WARP - 1) / SB_WARP, c = (int)blockIdx.x % across * SB_WARP + sb_lane();
    long span = blockIdx.x / across, end = span * SB_SPAN + SB_SPAN < n ? span * SB_SPAN + SB_SPAN : n;
    float sum = 0;
    for (long i = span * SB_SPAN + sb_warp(); c < cols && i < end; i += SB_WARPS) {
        float mean = stat ? stat[lds * i] : 0.0f, rstd = stat ? stat[lds * i + 1] : 1.0f;
        sum += (float)x[i * ldx + c] * (r ? ((float)r[i * ldr + c] - mean) * rstd : 1.0f);
    }
    of_warp[sb_warp()][sb_lane()] = sum;
    __syncthreads();
    if (sb_warp() || c >= cols) return;
    for (int w = 1; w < SB_WARPS; w++) sum += of_warp[w][sb_lane()];
    part[span * cols + c] = sum;
}
static __global__ void sb_column_sums_add_kernel(param_t *sum, const float *part, int spans, int cols) {
    int c = (int)sb_thread();
    if (c >= cols) return;
    float all = 0;
    for (int s = 0; s < spans; s++) all += part[(long)s * cols + c];
    sum[c] += all;
}
static void sb_column_sums_add(param_t *sum, const real *x, long ldx, long n, int cols, const real *r,
                               long ldr, const stat_t *stat, long lds) {
    long spans = (n + SB_SPAN - 1) / SB_SPAN;
    float *part = (float *)sb_scratch(SB_PARTIALS, (size_t)(spans * cols) * sizeof *part);
    sb_launch(sb_column_partials_kernel, spans * ((cols + SB_WARP - 1) / SB_WARP), SB_BLOCK, part, x, ldx, n,
              cols, r, ldr, stat, lds);
    sb_each(sb_column_sums_add_kernel, cols, sum, part, spans, cols);
}

// ---- linear
SB_FN void sb_linear_forward(real *y, long ldy, const real *x, long ldx, SbWeight w, SbWeight b, long n) {
    sb_matmul({x, w.p, y, NULL, ldx, 1, 1, w.ld, ldy, (int)n, w.rows, w.cols, SB_NATIVE, w.type, SB_NATIVE, 0,
               b, 0});
}
SB_FN void sb_linear_act_forward(real *g, real *h, const real *x, long ldx, SbWeight w, SbWeight b, long n,
                                 int act) {
    sb_matmul({x, w.p, h, g, ldx, 1, 1, w.ld, w.rows, (int)n, w.rows, w.cols, SB_NATIVE, w.type, SB_NATIVE, 0,
               b, act});
}
static void sb_linear_backward(real *d_x, long ldx, const real *d_y, long ldy, SbWeight w, long n, int add) {
    sb_matmul({d_y, w.p, d_x, NULL, ldy, 1, w.ld, 1, ldx, (int)n, w.cols, w.rows, SB_NATIVE, w.type,
               SB_NATIVE, add, sb_absent, 0});
}
SB_FN void sb_linear_backward_input(real *d_x, long ldx, const real *d_y, long ldy, SbWeight w, long n) {
    sb_linear_backward(d_x, ldx, d_y, ldy, w, n, 0);
}
SB_FN void sb_linear_backward_input_add(real *d_x, long ldx, const real *d_y, long ldy, SbWeight w, long n) {
    sb_linear_backward(d_x, ldx, d_y, ldy, w, n, 1);
}
SB_FN void sb_linear_backward_weight(param_t *d_w, param_t *d_b, const real *d_y, long ldy, const real *x,
                                     long ldx, long n, int out, int in) {
    if (d_w)
        sb_matmul({d_y, x, d_w, NULL, 1, ldy, ldx, 1, in, out, in, (int)n, SB_NATIVE, SB_NATIVE,
                   SB_TYPE(param_t), 1, sb_absent, 0});
    if (d_b) sb_column_sums_add(d_b, d_y, ldy, n, out, NULL, 0, NULL, 0);
}

// ---- activations of the MLP: a thread V elements
template <int V> static __global__ void sb_act_forward_kernel(real *g, const real *h, long count, int act) {
    long i = sb_thread() * V;
    float x[V];
    if (i >= count) return;
    sb_read<V>(x, h + i);
    SB_WHOLLY
    for (int k = 0; k < V; k++) x[k] = sb_act(x[k], act);
    sb_write<V>(g + i, x);
}
SB_FN void sb_act_forward(real *g, const real *h, long count, int act) {
    if (sb_wide(count, g, h)) sb_each(sb_act_forward_kernel<SB_WIDTH>, count / SB_WIDTH, g, h, count, act);
    else sb_each(sb_act_forward_kernel<1>, count, g, h, count, act);
}
template <int V>
static __global__ void sb_act_backward_kernel(real *d_h, const real *d_g, const real *h, long count,
                                              int act) {
    long i = sb_thread() * V;
    float x[V], d[V];
    if (i >= count) return;
    sb_read<V>(x, h + i);
    sb_read<V>(d, d_g + i);
    SB_WHOLLY
    for (int k = 0; k < V; k++) d[k] *= sb_act_slope(x[k], act);
    sb_write<V>(d_h + i, d);
}
SB_FN void sb_act_backward(real *d_h, const real *d_g, const real *h, long count, int act) {
    if (sb_wide(count, d_h, d_g, h))
        sb_each(sb_act_backward_kernel<SB_WIDTH>, count / SB_WIDTH, d_h, d_g, h, count, act);
    else sb_each(sb_act_backward_kernel<1>, count, d_h, d_g, h, count, act);
}
template <int V> static __global__ void sb_swiglu_forward_kernel(real *g, const real *h, long count, int f) {
    long i = sb_thread() * V, at = i / f * 2 * f + i % f;
    float x[V], up[V];
    if (i >= count) return;
    sb_read<V>(x, h + at);
    sb_read<V>(up, h + at + f);
    SB_WHOLLY
    for (int k = 0; k < V; k++) x[k] *= sb_sigmoid(x[k]) * up[k];
    sb_write<V>(g + i, x);
}
SB_FN void sb_swiglu_forward(real *g, const real *h, long n, int f) {
    if (sb_wide(f, g, h)) sb_each(sb_swiglu_forward_kernel<SB_WIDTH>, n * f / SB_WIDTH, g, h, n * f, f);
    else sb_each(sb_swiglu_forward_kernel<1>, n * f, g, h, n * f, f);
}
template <int V> static __global__ void sb_swiglu_backward_kernel(real *d_h, const real *d_g, const real *h,
                                                                  long count, int f) {
    long i = sb_thread() * V, at = i / f * 2 * f + i % f;
    float x[V], up[V], d[V];
    if (i >= count) return;
    sb_read<V>(x, h + at);
    sb_read<V>(up, h + at + f);
    sb_read<V>(d, d_g + i);
    SB_WHOLLY
    for (int k = 0; k < V; k++) {
        float s = sb_sigmoid(x[k]), d_up = d[k] * x[k] * s;
        x[k] = d[k] * up[k] * s * (1.0f + x[k] * (1.0f - s));
        up[k] = d_up;
    }
    sb_write<V>(d_h + at, x);
    sb_write<V>(d_h + at + f, up);
}
SB_FN void sb_swiglu_backward(real *d_h, const real *d_g, const real *h, long n, int f) {
    if (sb_wide(f, d_h, d_g, h))
        sb_each(sb_swiglu_backward_kernel<SB_WIDTH>, n * f / SB_WIDTH, d_h, d_g, h, n * f, f);
    else sb_each(sb_swiglu_backward_kernel<1>, n * f, d_h, d_g, h, n * f, f);
}

// ---- residual and norm, and the same of every head's lanes: a warp a row, which is a head if there are
// heads. V elements of r = x + y, as they are stored: what is stored is what is normalised.
template <int V> static __device__ void sb_residual(float v[V], const real *x, const real *y) {
    float other[V];
    sb_read<V>(v, x);
    if (!y) return;
    sb_read<V>(other, y);
    SB_WHOLLY
    for (int k = 0; k < V; k++) v[k] = (float)(real)(v[k] + other[k]);
}
template <int V> static __global__ void
sb_add_norm_forward_kernel(real *r, real *out, stat_t *stat, const real *x, const real *y, SbWeight w,
                           SbWeight b, long n, float eps, int layernorm, int heads, long ldx, long ldo) {
    long i = (long)blockIdx.x * SB_WARPS + sb_warp();
    int C = w.rows, first = sb_lane() * V;
    float v[V], gain[V], bias[V], sum = 0, square = 0;
    if (i >= n) return;
    x += i / heads * ldx + i % heads * C, out += i / heads * ldo + i % heads * C;
    if (y) y += i * C;
    for (int c = first; c < C; c += SB_WARP * V) {
        sb_residual<V>(v, x + c, y ? y + c : NULL);
        if (r) sb_write<V>(r + i * C + c, v);
        SB_WHOLLY
        for (int k = 0; k < V; k++) sum += v[k];
    }
    float mean = layernorm ? sb_warp_sum(sum) / (float)C : 0.0f;
    for (int c = first; c < C; c += SB_WARP * V) {          // x and y again: they are in the nearest cache
        sb_residual<V>(v, x + c, y ? y + c : NULL);
        SB_WHOLLY
        for (int k = 0; k < V; k++) square += (v[k] - mean) * (v[k] - mean);
    }
    float rstd = 1.0f / sqrtf(sb_warp_sum(square) / (float)C + eps);
    for (int c = first; c < C; c += SB_WARP * V) {
        sb_residual<V>(v, x + c, y ? y + c : NULL);
        sb_read_weight<V>(gain, w, c);
        sb_read_weight<V>(bias, b, c);
        SB_WHOLLY
        for (int k = 0; k < V; k++) v[k] = (v[k] - mean) * rstd * (w.p ? gain[k] : 1.0f) + bias[k];
        sb_write<V>(out + c, v);
    }
    if (!sb_lane()) stat[2 * i] = mean, stat[2 * i + 1] = rstd;
}
SB_FN void sb_add_norm_forward(real *r, real *out, stat_t *stat, const real *x, const real *y, SbWeight w,
                               SbWeight b, long n, double eps, int layernorm) {
    int wide = sb_wide(w.rows, r, out, x, y) && ((size_t)w.p | (size_t)b.p) % 16 == 0;
    sb_each_warp(wide ? sb_add_norm_forward_kernel<SB_WIDTH> : sb_add_norm_forward_kernel<1>, n, r, out, stat,
                 x, y, w, b, n, eps, layernorm, 1, (long)w.rows, (long)w.rows);
}
// With e = d_out w, u = (r - mean) rstd: d_r += rstd (e - mean(e) - u mean(e u)); RMSNorm has no mean(e).
template <int V> static __global__ void sb_norm_backward_kernel(real *d_r, const real *d_out, const real *r,
                                                                const stat_t *stat, SbWeight w, long n,
                                                                int layernorm, int keep, int heads, long ldr,
                                                                long ldo) {
    long i = (long)blockIdx.x * SB_WARPS + sb_warp();
    int C = w.rows, first = sb_lane() * V;
    if (i >= n) return;
    float mean = stat[2 * i], rstd = stat[2 * i + 1], sum_e = 0, sum_eu = 0, e[V], u[V], gain[V], d[V];
    long at = i / heads * ldr + i % heads * C;
    d_r += at, r += at, d_out += i / heads * ldo + i % heads * C;
    for (int turn = 0; turn < 2; turn++) {
        float mean_e = sum_e / (float)C, mean_eu = sum_eu / (float)C;
        for (int c = first; c < C; c += SB_WARP * V) {
            sb_read<V>(e, d_out + c);
            sb_read<V>(u, r + c);
            sb_read_weight<V>(gain, w, c);
            if (turn && keep) sb_read<V>(d, d_r + c);
            SB_WHOLLY
            for (int k = 0; k < V; k++) {
                if (w.p) e[k] *= gain[k];
                u[k] = (u[k] - mean) * rstd;
                if (turn) d[k] = rstd * (e[k] - mean_e - u[k] * mean_eu) + (keep ? d[k] : 0.0f);
                else sum_e += e[k], sum_eu += e[k] * u[k];
            }
            if (turn) sb_write<V>(d_r + c, d);
        }
        sum_e = layernorm ? sb_warp_sum(sum_e) : 0.0f, sum_eu = sb_warp_sum(sum_eu);
    }
}
SB_FN void sb_norm_backward_add(real *d_r, param_t *d_w, param_t *d_b, const real *d_out, const real *r,
                                const stat_t *stat, SbWeight w, long n, int layernorm) {
    int wide = sb_wide(w.rows, d_r, d_out, r, w.p);
    if (d_r)
        sb_each_warp(wide ? sb_norm_backward_kernel<SB_WIDTH> : sb_norm_backward_kernel<1>, n, d_r, d_out, r,
                     stat, w, n, layernorm, 1, 1, (long)w.rows, (long)w.rows);
    if (d_b) sb_column_sums_add(d_b, d_out, w.rows, n, w.rows, NULL, 0, NULL, 0);
    if (d_w) sb_column_sums_add(d_w, d_out, w.rows, n, w.rows, r, w.rows, stat, 2);
}
SB_FN void sb_head_norm_forward(real *y, long ldy, stat_t *stat, const real *x, long ldx, SbWeight w,
                                SbWeight b, long n, int heads, double eps, int layernorm) {
    int wide = sb_wide(w.rows, y, x, w.p, b.p) && ldy % SB_WIDTH == 0 && ldx % SB_WIDTH == 0;
    sb_each_warp(wide ? sb_add_norm_forward_kernel<SB_WIDTH> : sb_add_norm_forward_kernel<1>, n * heads,
                 (real *)NULL, y, stat, x, (const real *)NULL, w, b, n * heads, eps, layernorm, heads, ldx,
                 ldy);
}
SB_FN void sb_head_norm_backward(real *d_x, long ldx, param_t *d_w, param_t *d_b, const real *d_y, long ldy,
                                 const real *x, const stat_t *stat, SbWeight w, long n, int heads,
                                 int layernorm) {
    int wide = sb_wide(w.rows, d_x, d_y, x, w.p) && ldy % SB_WIDTH == 0 && ldx % SB_WIDTH == 0, D = w.rows;
    sb_each_warp(wide ? sb_norm_backward_kernel<SB_WIDTH> : sb_norm_backward_kernel<1>, n * heads, d_x, d_y,
                 x, stat, w, n * heads, layernorm, 0, heads, ldx, ldy);
    for (int h = 0; h < heads; h++) {
        if (d_b) sb_column_sums_add(d_b, d_y + h * D, ldy, n, D, NULL, 0, NULL, 0);
        if (d_w) sb_column_sums_add(d_w, d_y + h * D, ldy, n, D, x + h * D, ldx, stat + 2 * h, 2 * heads);
    }
}

// ---- LayerScale, gates, the modulated norm of the camera head: a thread an element
static __global__ void sb_scale_kernel(real *y, const real *x, SbWeight s, long count) {
    long i = sb_thread();
    if (i < count) y[i] = (real)((float)x[i] * sb_load(s.p, s.type, i % s.rows));
}
SB_FN void sb_scale_forward(real *y, const real *x, SbWeight s, long n) {
    sb_each(sb_scale_kernel, n * s.rows, y, x, s, n * s.rows);
}
SB_FN void sb_scale_backward(real *d_x, param_t *d_s, const real *d_y, const real *x, SbWeight s, long n) {
    sb_scale_forward(d_x, d_y, s, n);
    if (d_s) sb_column_sums_add(d_s, d_y, s.rows, n, s.rows, x, s.rows, NULL, 0);
}
static __global__ void sb_gate_forward_kernel(real *y, const real *x, const real *a, const real *u,
                                              long count) {
    long i = sb_thread();
    if (i < count) y[i] = (real)((float)x[i] + (float)a[i] * sb_sigmoid((float)u[i]));
}
SB_FN void sb_gate_forward(real *y, const real *x, const real *a, const real *u, long count) {
    sb_each(sb_gate_forward_kernel, count, y, x, a, u, count);
}
static __global__ void sb_gate_backward_kernel(real *d_a, real *d_u, const real *d_y, const real *a,
                                               const real *u, long count) {
    long i = sb_thread();
    if (i >= count) return;
    float s = sb_sigmoid((float)u[i]), d = (float)d_y[i];
    d_a[i] = (real)(d * s);
    d_u[i] = (real)(d * (float)a[i] * s * (1.0f - s));
}
SB_FN void sb_gate_backward(real *d_a, real *d_u, const real *d_y, const real *a, const real *u, long count) {
    sb_each(sb_gate_backward_kernel, count, d_a, d_u, d_y, a, u, count);
}
static __global__ void sb_modulate_forward_kernel(real *u, const real *t, const real *x, const real *mod,
                                                  long count, int width) {
    long i = sb_thread(), at = i / width * 3 * width + i % width;
    if (i >= count) return;
    float inner = (float)x[i] * (1.0f + (float)mod[at + width]) + (float)mod[at];
    u[i] = (real)((float)t[i] + (float)mod[at + 2 * width] * inner);
}
SB_FN void sb_modulate_forward(real *u, const real *t, const real *x, const real *mod, long n, int width) {
    sb_each(sb_modulate_forward_kernel, n * width, u, t, x, mod, n * width, width);
}
static __global__ void sb_modulate_backward_kernel(real *d_x, real *d_mod, const real *d_u, const real *x,
                                                   const real *mod, long count, int width) {
    long i = sb_thread(), at = i / width * 3 * width + i % width;
    if (i >= count) return;
    float d = (float)d_u[i], z = (float)x[i], one = 1.0f + (float)mod[at + width],
          g = (float)mod[at + 2 * width];
    d_x[i] = (real)(d * g * one);
    d_mod[at] = (real)(d * g);
    d_mod[at + width] = (real)(d * g * z);
    d_mod[at + 2 * width] = (real)(d * (z * one + (float)mod[at]));
}
SB_FN void sb_modulate_backward(real *d_x, real *d_mod, const real *d_u, const real *x, const real *mod,
                                long n, int width) {
    sb_each(sb_modulate_backward_kernel, n * width, d_x, d_mod, d_u, x, mod, n * width, width);
}

// ---- rotations: a thread V pairs of lanes; cameras: a thread four lanes
template <int V> static __global__ void sb_rotate_kernel(real *y, long ldy, const real *x, long ldx,
                                                         const stat_t *table, long row, long count, int heads,
                                                         int dim, SbPairing turn, int back) {
    long t = sb_thread() * V;
    int angles = (dim - turn.mixed) / 2, half = angles / turn.blocks, pairs = heads * angles;
    float a[V], b[V], cosine[V], sine[V];
    if (t >= count) return;
    long i = t / pairs;
    int h = (int)(t % pairs) / angles, j = (int)(t % angles),
        lo = h * dim + turn.mixed + j / half * 2 * half + j % half;
    table += i * row + (turn.mixed ? 32 : 0) + j;
    sb_read<V>(a, x + i * ldx + lo);
    sb_read<V>(b, x + i * ldx + lo + half);
    sb_read<V>(cosine, table);
    sb_read<V>(sine, table + angles);
    SB_WHOLLY
    for (int k = 0; k < V; k++) {
        float s = back ? -sine[k] : sine[k], low = a[k] * cosine[k] - b[k] * s;
        b[k] = b[k] * cosine[k] + a[k] * s;
        a[k] = low;
    }
    sb_write<V>(y + i * ldy + lo, a);
    sb_write<V>(y + i * ldy + lo + half, b);
}
static __global__ void sb_camera_kernel(real *y, long ldy, const real *x, long ldx, const stat_t *table,
                                        long row, long count, int heads, int dim, int mixed, int across) {
    long t = sb_thread(), i = t / (heads * (mixed / 4));
    int group = (int)(t % (heads * (mixed / 4))), lane = group / (mixed / 4) * dim + group % (mixed / 4) * 4;
    float in[4];
    if (t >= count) return;
    table += i * row;
    for (int k = 0; k < 4; k++) in[k] = (float)x[i * ldx + lane + k];
    for (int k = 0; k < 4; k++) {
        const stat_t *m = table + (across ? k : 4 * k);
        int step = across ? 4 : 1;
        y[i * ldy + lane + k] =
            (real)(m[0] * in[0] + m[step] * in[1] + m[2 * step] * in[2] + m[3 * step] * in[3]);
    }
}
SB_FN void sb_turn_heads(real *y, long ldy, const real *x, long ldx, const stat_t *table, long n, int heads,
                         int dim, SbPairing turn, int side) {
    int angles = (dim - turn.mixed) / 2, back = side >= SB_BACK_Q,
        key = side == SB_TURN_K || side == SB_BACK_K;
    long count = n * heads * angles, row = sb_turn_row(dim, turn);
    int wide =
        sb_wide(angles / turn.blocks, y, x, table) && (ldx | ldy | row | dim | turn.mixed) % SB_WIDTH == 0;
    if (wide)
        sb_each(sb_rotate_kernel<SB_WIDTH>, count / SB_WIDTH, y, ldy, x, ldx, table, row, count, heads, dim,
                turn, back);
    else sb_each(sb_rotate_kernel<1>, count, y, ldy, x, ldx, table, row, count, heads, dim, turn, back);
    count = n * heads * (turn.mixed / 4);
    if (count)
        sb_each(sb_camera_kernel, count, y, ldy, x, ldx, table + 16 * key, row, count, heads, dim, turn.mixed,
                key == back);
}

// ---- attention. A warp owns a query row of a head (forward, d_q) or a key of a key head (d_k, d_v). It
// takes the other side in groups of 32: a lane computes one score; then lanes own channels and the scores go
// round by shuffle.
enum { SB_HEAD = 128, SB_LANE_CHANNELS = SB_HEAD / SB_WARP };      // largest head; channels a lane owns

static __device__ int sb_sees(const int *k, int j) {
    return ((j >= k[0]) & (j < k[1])) | ((j >= k[2]) & (j < k[3]));
}
static __device__ float sb_dot(const float *x, const real *y, int D) {
    float sum = 0;
    for (int d = 0; d < D; d++) sum += x[d] * (float)y[d];
    return sum;
}
// A row of D numbers to where a warp's lanes can all read it.
static __device__ void sb_share_row(float *shared, const real *row, int D) {
    __syncwarp();
    for (int d = sb_lane(); d < D; d += SB_WARP) shared[d] = (float)row[d];
    __syncwarp();
}
// sum[p] += weight of lane j times channel lane + 32 p of row j, over the group's 32 rows in order.
static __device__ void sb_add_rows(float *sum, float weight, const real *rows, long ld, int count, int D) {
    for (int j = 0; j < count; j++) {
        float w = __shfl_sync(~0u, weight, j);
        for (int p = 0; p * SB_WARP + sb_lane() < D; p++)
            sum[p] += w * (float)rows[j * ld + p * SB_WARP + sb_lane()];
    }
}
// Online softmax: for every group of keys the running maximum rises and what was summed is scaled down.
static __global__ void sb_attention_forward_kernel(real *o, long ldo, stat_t *lse, SbAttention a) {
    __shared__ float shared[SB_WARPS][SB_HEAD];
    long row = (long)blockIdx.x * SB_WARPS + sb_warp(), i = row / a.heads;
    int h = (int)(row % a.heads), D = a.dim, kv = h / (a.heads / a.kv_heads) * D;
    if (i >= a.nq) return;
    float *q = shared[sb_warp()], scale = 1.0f / sqrtf((float)D), top = -INFINITY, sum = 0,
          out[SB_LANE_CHANNELS] = {};
    const int *keys = a.keys + 4 * i;
    sb_share_row(q, a.q + i * a.ldq + h * D, D);
    for (int r = 0; r < 4; r += 2)
        for (int j0 = keys[r]; j0 < keys[r + 1]; j0 += SB_WARP) {
            int count = min((int)SB_WARP, keys[r + 1] - j0), in = sb_lane() < count;
            float s = in ? sb_dot(q, a.k + (long)(j0 + sb_lane()) * a.ldk + kv, D) * scale : -INFINITY;
            float higher = fmaxf(top, sb_warp_max(s)), shrink = expf(top - higher), p = expf(s - higher);
            top = higher;
            sum = sum * shrink + sb_warp_sum(p);
            for (int c = 0; c < SB_LANE_CHANNELS; c++) out[c] *= shrink;
            sb_add_rows(out, p, a.v + (long)j0 * a.ldv + kv, a.ldv, count, D);
        }
    for (int c = 0; c * SB_WARP + sb_lane() < D; c++)
        o[i * ldo + h * D + c * SB_WARP + sb_lane()] = (real)(sum > 0 ? out[c] / sum : 0.0f);
    if (!sb_lane()) lse[row] = sum > 0 ? top + logf(sum) : 0.0f;
}
// delta[row][head] = d_o . o: what every dS subtracts. A warp a row of a head.
static __global__ void sb_attention_delta_kernel(float *delta, const real *d_o, const real *o, long ldo,
                                                 long count, int heads, int D) {
    long row = (long)blockIdx.x * SB_WARPS + sb_warp(), at = row / heads * ldo + row % heads * D;
    if (row >= count) return;
    float sum = 0;
    for (int d = sb_lane(); d < D; d += SB_WARP) sum += (float)d_o[at + d] * (float)o[at + d];
    sum = sb_warp_sum(sum);
    if (!sb_lane()) delta[row] = sum;
}
// P = exp(scale q.k - lse),  dS = P (d_o.v - delta) scale,  d_q = sum over keys of dS k.
static __global__ void sb_attention_backward_query_kernel(real *d_q, const real *d_o, long ldo,
                                                          const stat_t *lse, const float *delta,
                                                          SbAttention a) {
    __shared__ float shared[2][SB_WARPS][SB_HEAD];
    long row = (long)blockIdx.x * SB_WARPS + sb_warp(), i = row / a.heads;
    int h = (int)(row % a.heads), D = a.dim, kv = h / (a.heads / a.kv_heads) * D;
    if (i >= a.nq) return;
    float *q = shared[0][sb_warp()], *d = shared[1][sb_warp()], scale = 1.0f / sqrtf((float)D),
          sum[SB_LANE_CHANNELS] = {};
    const int *keys = a.keys + 4 * i;
    sb_share_row(q, a.q + i * a.ldq + h * D, D);
    sb_share_row(d, d_o + i * ldo + h * D, D);
    for (int r = 0; r < 4; r += 2)
        for (int j0 = keys[r]; j0 < keys[r + 1]; j0 += SB_WARP) {
            int count = min((int)SB_WARP, keys[r + 1] - j0);
            long j = j0 + sb_lane();
            float ds = 0;
            if (sb_lane() < count)
                ds = expf(sb_dot(q, a.k + j * a.ldk + kv, D) * scale - lse[row]) *
                     (sb_dot(d, a.v + j * a.ldv + kv, D) - delta[row]) * scale;
            sb_add_rows(sum, ds, a.k + (long)j0 * a.ldk + kv, a.ldk, count, D);
        }
    for (int c = 0; c * SB_WARP + sb_lane() < D; c++)
        d_q[i * a.ldq + h * D + c * SB_WARP + sb_lane()] = (real)sum[c];
}
// d_k = sum over the rows that see the key, and their heads, of dS q;  d_v of P d_o.
static __global__ void sb_attention_backward_key_kernel(real *d_k, real *d_v, const real *d_o, long ldo,
                                                        const stat_t *lse, const float *delta,
                                                        SbAttention a) {
    __shared__ float shared[2][SB_WARPS][SB_HEAD];
    long key = (long)blockIdx.x * SB_WARPS + sb_warp(), j = key / a.kv_heads;
    int kv = (int)(key % a.kv_heads), D = a.dim, group = a.heads / a.kv_heads;
    if (j >= a.nk) return;
    float *k = shared[0][sb_warp()], *v = shared[1][sb_warp()], scale = 1.0f / sqrtf((float)D);
    float sum_k[SB_LANE_CHANNELS] = {}, sum_v[SB_LANE_CHANNELS] = {};
    sb_share_row(k, a.k + j * a.ldk + kv * D, D);
    sb_share_row(v, a.v + j * a.ldv + kv * D, D);
    for (long i0 = 0; i0 < a.nq; i0 += SB_WARP) {
        long i = i0 + sb_lane();
        int sees = i < a.nq && sb_sees(a.keys + 4 * i, (int)j),
            count = (int)min((long)SB_WARP, a.nq - i0);
        if (!__any_sync(~0u, sees)) continue;
        for (int h = kv * group; h < (kv + 1) * group; h++) {
            float p = 0, ds = 0;
            if (sees) {
                p = expf(sb_dot(k, a.q + i * a.ldq + h * D, D) * scale - lse[i * a.heads + h]);
                ds = p * (sb_dot(v, d_o + i * ldo + h * D, D) - delta[i * a.heads + h]) * scale;
            }
            sb_add_rows(sum_k, ds, a.q + i0 * a.ldq + h * D, a.ldq, count, D);
            sb_add_rows(sum_v, p, d_o + i0 * ldo + h * D, ldo, count, D);
        }
    }
    for (int c = 0; c * SB_WARP + sb_lane() < D; c++) {
        d_k[j * a.ldk + kv * D + c * SB_WARP + sb_lane()] = (real)sum_k[c];
        d_v[j * a.ldv + kv * D + c * SB_WARP + sb_lane()] = (real)sum_v[c];
    }
}
// ---- the same on tensor cores. A block owns 64 rows of one side (queries, or keys for d_k and d_v), a warp
// 16 of them; the other side comes in tiles of N rows through shared memory. All three kernels are the same
// walk:
//     s = x1 y1^T  (scores)    t = x2 y2^T  (backward: d_o v^T)    out += f(s, t) y
// with x in registers as operand fragments, heads zero-padded to D channels, and s turned from a result's
// layout into an operand's without leaving its lane. Element e of a lane's result, in 16 rows x 8 columns:
//     row lane / 4 + 8 (e / 2), column 2 (lane % 4) + e % 2
// Backward walks twice, over keys for d_q and over queries for d_k and d_v: seven products instead of five,
// but no atomics.
enum { SB_OWN = 64, SB_FLASH = 128 };   // rows and threads of a block

// Rows row0 .. +16 of x [rows][dim] as operand fragments.
template <int D> static __device__ void sb_own_rows(unsigned out[D / 16][4], const real *x, long ld,
                                                    long row0, long rows, int dim) {
    SB_WHOLLY
    for (int k = 0; k < D / 16; k++)
        SB_WHOLLY
        for (int f = 0; f < 4; f++) {
            long row = row0 + sb_lane() / 4 + f % 2 * 8;
            int d = 16 * k + f / 2 * 8 + sb_lane() % 4 * 2;
            const real *at = x + row * ld + d;
            out[k][f] = sb_pair(row < rows && d < dim ? (float)at[0] : 0.0f,
                                row < rows && d + 1 < dim ? (float)at[1] : 0.0f);
        }
}
template <int D, int N>
static __device__ void sb_other_rows(__nv_bfloat16 *tile, const SbOperand *o, long row0) {
    for (int e = (int)threadIdx.x; e < N * D / SB_CHUNK8; e += SB_FLASH) {
        int row = e / (D / SB_CHUNK8), d = e % (D / SB_CHUNK8) * SB_CHUNK8;
        sb_copy_chunk<1, 0>(tile + row * (D + SB_MMA_PAD) + d, o, (int)row0 + row, d);
    }
}
// Ask for both tiles of the other side from row0 on (at the end: for none, so that groups can be counted).
template <int D, int N>
static __device__ void sb_copy_pair(__nv_bfloat16 *x, __nv_bfloat16 *y, const SbOperand *of_x,
                                    const SbOperand *of_y, long row0, long end) {
    if (row0 < end) {
        sb_other_rows<D, N>(x, of_x, row0);
        sb_other_rows<D, N>(y, of_y, row0);
    }
    sb_copy_commit();
}
template <int D, int N>
static __device__ void sb_scores(float s[N / 8][4], const unsigned x[D / 16][4], const __nv_bfloat16 *tile) {
    SB_WHOLLY
    for (int j = 0; j < N / 8; j++) s[j][0] = s[j][1] = s[j][2] = s[j][3] = 0;
    SB_WHOLLY
    for (int k = 0; k < D / 16; k++)
        SB_WHOLLY
        for (int j = 0; j < N / 8; j += 2) {
            unsigned y[4];
            sb_fragment(y, tile, D + SB_MMA_PAD, 1, 8 * j, 16 * k, 1);
            unsigned left[2] = {y[0], y[1]}, right[2] = {y[2], y[3]};
            sb_mma_bf16(s[j], x[k], left);
            sb_mma_bf16(s[j + 1], x[k], right);
        }
}
// out [16][D] += p [16][N] y
template <int D, int N>
static __device__ void sb_add_product(float out[D / 8][4], float p[N / 8][4], const __nv_bfloat16 *tile) {
    SB_WHOLLY
    for (int k = 0; k < N / 16; k++) {
        unsigned x[4] = {sb_pair(p[2 * k][0], p[2 * k][1]), sb_pair(p[2 * k][2], p[2 * k][3]),
                         sb_pair(p[2 * k + 1][0], p[2 * k + 1][1]),
                         sb_pair(p[2 * k + 1][2], p[2 * k + 1][3])};
        SB_WHOLLY
        for (int j = 0; j < D / 8; j += 2) {
            unsigned y[4];
            sb_fragment(y, tile, D + SB_MMA_PAD, 0, 8 * j, 16 * k, 1);
            unsigned left[2] = {y[0], y[1]}, right[2] = {y[2], y[3]};
            sb_mma_bf16(out[j], x, left);
            sb_mma_bf16(out[j + 1], x, right);
        }
    }
}
template <int D>
static __device__ void sb_store_rows(real *y, long ld, long row0, long rows, int dim, float out[D / 8][4]) {
    SB_WHOLLY
    for (int j = 0; j < D / 8; j++)
        SB_WHOLLY
        for (int e = 0; e < 4; e++) {
            long row = row0 + sb_lane() / 4 + e / 2 * 8;
            int d = 8 * j + sb_lane() % 4 * 2 + e % 2;
            if (row < rows && d < dim) y[row * ld + d] = (real)out[j][e];
        }
}
// The keys of row i in registers; beyond the rows: none.
static __device__ void sb_own_keys(int out[4], const int *keys, long i, long rows) {
    __align__(16) int k[4] = {};
    if (i < rows) *(uint4 *)k = ((const uint4 *)keys)[i];
    SB_WHOLLY
    for (int e = 0; e < 4; e++) out[e] = k[e];
}
// Over the four lanes that hold a row of a result.
static __device__ float sb_quad_max(float x) {
    x = fmaxf(x, __shfl_xor_sync(~0u, x, 1));
    return fmaxf(x, __shfl_xor_sync(~0u, x, 2));
}
static __device__ float sb_quad_sum(float x) {
    x += __shfl_xor_sync(~0u, x, 1);
    return x + __shfl_xor_sync(~0u, x, 2);
}
// Rows [row0, row0 + SB_OWN) of keys: first and last key that any of them sees, in every thread of the block.
static __device__ void sb_block_span(int span[2], const int *keys, long row0, long rows) {
    __shared__ int low[SB_FLASH / SB_WARP], high[SB_FLASH / SB_WARP];
    int lo = INT_MAX, hi = 0;
    for (int r = (int)threadIdx.x; r < SB_OWN && row0 + r < rows; r += SB_FLASH)
        SB_WHOLLY
        for (int k = 0; k < 4; k += 2) {
            const int *range = keys + 4 * (row0 + r) + k;
            if (range[0] < range[1]) lo = min(lo, range[0]), hi = max(hi, range[1]);
        }
    for (int step = SB_WARP / 2; step; step /= 2)
        lo = min(lo, __shfl_xor_sync(~0u, lo, step)), hi = max(hi, __shfl_xor_sync(~0u, hi, step));
    if (!sb_lane()) low[sb_warp()] = lo, high[sb_warp()] = hi;
    __syncthreads();
    for (int w = 0; w < SB_FLASH / SB_WARP; w++) lo = min(lo, low[w]), hi = max(hi, high[w]);
    span[0] = lo, span[1] = hi;
}
// Does any row of the block see a key of [j0, j1)? The same answer in every thread; a barrier.
static __device__ int sb_block_sees(int flag[SB_FLASH / SB_WARP], const int *keys, long row0, long rows,
                                    int j0, int j1) {
    int sees = 0;
    for (int r = (int)threadIdx.x; r < SB_OWN && row0 + r < rows; r += SB_FLASH)
        SB_WHOLLY
        for (int k = 0; k < 4; k += 2) {
            const int *range = keys + 4 * (row0 + r) + k;
            sees |= max(range[0], j0) < min(range[1], j1);
        }
    sees = __any_sync(~0u, sees);
    if (!sb_lane()) flag[sb_warp()] = sees;
    __syncthreads();
    for (int w = 0; w < SB_FLASH / SB_WARP; w++) sees |= flag[w];
    return sees;
}
// The first tile of N keys from j on that a row of the block sees; end or more: none. Two flags take turns,
// so that one barrier a tile is enough.
template <int N>
static __device__ int sb_next_tile(int flag[2][SB_FLASH / SB_WARP], int *turn, const int *keys, long row0,
                                   long rows, int j, int end) {
    for (; j < end; j += N)
        if (sb_block_sees(flag[*turn ^= 1], keys, row0, rows, j, j + N)) break;
    return j;
}
static SbOperand sb_rows_operand(const real *x, long rows, int dim, long ld) {
    return sb_operand(x, SB_NATIVE, (int)rows, dim, ld, 1);
}
static __device__ SbOperand sb_head_operand(const SbOperand *o, int column) {
    SbOperand h = *o;
    h.p = (const real *)o->p + column;
    h.whole = o->whole && column % SB_CHUNK8 == 0;
    return h;
}
template <int D, int N>
static __global__ void sb_flash_forward_kernel(real *o, long ldo, stat_t *lse, SbAttention a, SbOperand k_all,
                                               SbOperand v_all) {
    __shared__ __align__(16) __nv_bfloat16 k[2][N * (D + SB_MMA_PAD)];
    __shared__ __align__(16) __nv_bfloat16 v[2][N * (D + SB_MMA_PAD)];
    __shared__ int flag[2][SB_FLASH / SB_WARP];
    int h = (int)blockIdx.x % a.heads, kv = h / (a.heads / a.kv_heads) * a.dim, span[2], turn = 0;
    long row0 = (long)(blockIdx.x / a.heads) * SB_OWN, mine = row0 + 16 * sb_warp();
    SbOperand k_head = sb_head_operand(&k_all, kv), v_head = sb_head_operand(&v_all, kv);
    unsigned q[D / 16][4];
    float out[D / 8][4] = {}, top[2] = {-INFINITY, -INFINITY}, sum[2] = {},
                  scale = 1.0f / sqrtf((float)a.dim);
    int own[2][4];
    sb_own_rows<D>(q, a.q + h * a.dim, a.ldq, mine, a.nq, a.dim);
    SB_WHOLLY
    for (int half = 0; half < 2; half++)
        sb_own_keys(own[half], a.keys, mine + sb_lane() / 4 + 8 * half, a.nq);
    sb_block_span(span, a.keys, row0, a.nq);
    int j0 = sb_next_tile<N>(flag, &turn, a.keys, row0, a.nq, span[0], span[1]), buffer = 0;
    sb_copy_pair<D, N>(k[0], v[0], &k_head, &v_head, j0, span[1]);
    for (int j1; j0 < span[1]; j0 = j1, buffer ^= 1) {      // the next tile is on its way meanwhile
        j1 = sb_next_tile<N>(flag, &turn, a.keys, row0, a.nq, j0 + N, span[1]);
        sb_copy_pair<D, N>(k[buffer ^ 1], v[buffer ^ 1], &k_head, &v_head, j1, span[1]);
        sb_copy_wait<1>();
        __syncthreads();
        float s[N / 8][4];
        sb_scores<D, N>(s, q, k[buffer]);
        SB_WHOLLY
        for (int half = 0; half < 2; half++) {              // rows lane / 4 and lane / 4 + 8
            float higher = top[half], part = 0;
            SB_WHOLLY
            for (int j = 0; j < N / 8; j++)
                SB_WHOLLY
                for (int e = 2 * half; e < 2 * half + 2; e++) {
                    int key = j0 + 8 * j + sb_lane() % 4 * 2 + e % 2;
                    s[j][e] = sb_sees(own[half], key) ? s[j][e] * scale : -INFINITY;
                    higher = fmaxf(higher, s[j][e]);
                }
            higher = sb_quad_max(higher);
            float base = higher > -INFINITY ? higher : 0.0f, shrink = expf(top[half] - base);
            SB_WHOLLY
            for (int j = 0; j < N / 8; j++)
                SB_WHOLLY
                for (int e = 2 * half; e < 2 * half + 2; e++) {
                    s[j][e] = expf(s[j][e] - base);
                    part += s[j][e];
                }
            sum[half] = sum[half] * shrink + sb_quad_sum(part);
            top[half] = higher;
            SB_WHOLLY
            for (int d = 0; d < D / 8; d++) out[d][2 * half] *= shrink, out[d][2 * half + 1] *= shrink;
        }
        sb_add_product<D, N>(out, s, v[buffer]);
    }
    SB_WHOLLY
    for (int half = 0; half < 2; half++) {
        long i = mine + sb_lane() / 4 + 8 * half;
        float part = sum[half] > 0 ? 1.0f / sum[half] : 0.0f;
        SB_WHOLLY
        for (int d = 0; d < D / 8; d++) out[d][2 * half] *= part, out[d][2 * half + 1] *= part;
        if (i < a.nq && sb_lane() % 4 == 0)
            lse[i * a.heads + h] = sum[half] > 0 ? top[half] + logf(sum[half]) : 0.0f;
    }
    sb_store_rows<D>(o + h * a.dim, ldo, mine, a.nq, a.dim, out);
}
typedef struct { const real *d_o; long ldo; const stat_t *lse; const float *delta; } SbFlashGrad;
// P = exp(scale q.k - lse) where the row sees the key, else 0;  dS = P (d_o.v - delta) scale
static __device__ float sb_flash_p(const int own[4], float s, float scale, float lse, int key) {
    return expf(sb_sees(own, key) ? s * scale - lse : -INFINITY);
}
template <int D, int N> static __global__ void
sb_flash_backward_query_kernel(real *d_q, SbAttention a, SbFlashGrad g, SbOperand k_all, SbOperand v_all) {
    __shared__ __align__(16) __nv_bfloat16 k[2][N * (D + SB_MMA_PAD)];
    __shared__ __align__(16) __nv_bfloat16 v[2][N * (D + SB_MMA_PAD)];
    __shared__ int flag[2][SB_FLASH / SB_WARP];
    int h = (int)blockIdx.x % a.heads, kv = h / (a.heads / a.kv_heads) * a.dim, span[2], turn = 0;
    long row0 = (long)(blockIdx.x / a.heads) * SB_OWN, mine = row0 + 16 * sb_warp();
    SbOperand k_head = sb_head_operand(&k_all, kv), v_head = sb_head_operand(&v_all, kv);
    unsigned q[D / 16][4], d_o[D / 16][4];
    float out[D / 8][4] = {}, scale = 1.0f / sqrtf((float)a.dim);
    sb_own_rows<D>(q, a.q + h * a.dim, a.ldq, mine, a.nq, a.dim);
    sb_own_rows<D>(d_o, g.d_o + h * a.dim, g.ldo, mine, a.nq, a.dim);
    int own[2][4];
    float lse[2], delta[2];
    SB_WHOLLY
    for (int half = 0; half < 2; half++) {
        long i = mine + sb_lane() / 4 + 8 * half;
        sb_own_keys(own[half], a.keys, i, a.nq);
        lse[half] = i < a.nq ? g.lse[i * a.heads + h] : 0.0f;
        delta[half] = i < a.nq ? g.delta[i * a.heads + h] : 0.0f;
    }
    sb_block_span(span, a.keys, row0, a.nq);
    int j0 = sb_next_tile<N>(flag, &turn, a.keys, row0, a.nq, span[0], span[1]), buffer = 0;
    sb_copy_pair<D, N>(k[0], v[0], &k_head, &v_head, j0, span[1]);
    for (int j1; j0 < span[1]; j0 = j1, buffer ^= 1) {      // the next tile is on its way meanwhile
        j1 = sb_next_tile<N>(flag, &turn, a.keys, row0, a.nq, j0 + N, span[1]);
        sb_copy_pair<D, N>(k[buffer ^ 1], v[buffer ^ 1], &k_head, &v_head, j1, span[1]);
        sb_copy_wait<1>();
        __syncthreads();
        float s[N / 8][4], t[N / 8][4];
        sb_scores<D, N>(s, q, k[buffer]);
        sb_scores<D, N>(t, d_o, v[buffer]);
        SB_WHOLLY
        for (int j = 0; j < N / 8; j++)
            SB_WHOLLY
            for (int e = 0; e < 4; e++) {
                int key = j0 + 8 * j + sb_lane() % 4 * 2 + e % 2;
                float p = sb_flash_p(own[e / 2], s[j][e], scale, lse[e / 2], key);
                s[j][e] = p * (t[j][e] - delta[e / 2]) * scale;
            }
        sb_add_product<D, N>(out, s, k[buffer]);
    }
    sb_store_rows<D>(d_q + h * a.dim, a.ldq, mine, a.nq, a.dim, out);
}
// For every 64 keys the first and the last row that sees any of them. A block a tile of keys.
static __global__ void sb_row_spans_kernel(int *span, const int *keys, long nq) {
    __shared__ int low[SB_BLOCK], high[SB_BLOCK];
    int j0 = (int)blockIdx.x * SB_OWN, t = (int)threadIdx.x, lo = INT_MAX, hi = 0;
    for (int i = t, own[4]; i < nq; i += SB_BLOCK) {
        sb_own_keys(own, keys, i, nq);
        SB_WHOLLY
        for (int k = 0; k < 4; k += 2)
            if (max(own[k], j0) < min(own[k + 1], j0 + SB_OWN)) lo = min(lo, i), hi = max(hi, i + 1);
    }
    low[t] = lo, high[t] = hi;
    for (int half = SB_BLOCK / 2; half; half /= 2) {
        __syncthreads();
        if (t < half) low[t] = min(low[t], low[t + half]), high[t] = max(high[t], high[t + half]);
    }
    if (!t) span[2 * blockIdx.x] = low[0], span[2 * blockIdx.x + 1] = high[0];
}
template <int D, int N>
static __global__ void sb_flash_backward_key_kernel(real *d_k, real *d_v, const int *span, SbAttention a,
                                                    SbFlashGrad g, SbOperand q_all, SbOperand d_o_all) {
    __shared__ __align__(16) __nv_bfloat16 q[2][N * (D + SB_MMA_PAD)];
    __shared__ __align__(16) __nv_bfloat16 d_o[2][N * (D + SB_MMA_PAD)];
    int kv = (int)blockIdx.x % a.kv_heads, tile = (int)blockIdx.x / a.kv_heads, group = a.heads / a.kv_heads;
    int first = span[2 * tile], last = span[2 * tile + 1],
        turns = first < last ? (last - first + N - 1) / N : 0;
    long mine = (long)tile * SB_OWN + 16 * sb_warp();
    unsigned k[D / 16][4], v[D / 16][4];
    float out_k[D / 8][4] = {}, out_v[D / 8][4] = {}, scale = 1.0f / sqrtf((float)a.dim);
    sb_own_rows<D>(k, a.k + kv * a.dim, a.ldk, mine, a.nk, a.dim);
    sb_own_rows<D>(v, a.v + kv * a.dim, a.ldv, mine, a.nk, a.dim);
    for (int t = -1; t < group * turns; t++) {              // heads of the group, one after another
        int h = kv * group + t / max(turns, 1), i0 = first + t % max(turns, 1) * N;
        int next = t + 1, column = (kv * group + next / max(turns, 1)) * a.dim;
        SbOperand q_head = sb_head_operand(&q_all, column), d_head = sb_head_operand(&d_o_all, column);
        __syncthreads();                // nobody reads tile t - 1 any more: tile t + 1 takes its place
        sb_copy_pair<D, N>(q[next % 2], d_o[next % 2], &q_head, &d_head, first + next % max(turns, 1) * N,
                           next < group * turns ? last : 0);
        if (t < 0) continue;
        sb_copy_wait<1>();
        __syncthreads();
        float s[N / 8][4], p[N / 8][4];
        sb_scores<D, N>(s, k, q[t % 2]);
        sb_scores<D, N>(p, v, d_o[t % 2]);
        SB_WHOLLY
        for (int j = 0; j < N / 8; j++)
            SB_WHOLLY
            for (int odd = 0; odd < 2; odd++) {             // a row of the tile, two of this lane's keys
                long i = i0 + 8 * j + sb_lane() % 4 * 2 + odd;
                int own[4];
                float lse = i < a.nq ? g.lse[i * a.heads + h] : 0.0f,
                      delta = i < a.nq ? g.delta[i * a.heads + h] : 0.0f;
                sb_own_keys(own, a.keys, i, a.nq);
                SB_WHOLLY
                for (int e = odd; e < 4; e += 2) {
                    int key = (int)mine + sb_lane() / 4 + 8 * (e / 2);
                    s[j][e] = sb_flash_p(own, s[j][e], scale, lse, key);
                    p[j][e] = s[j][e] * (p[j][e] - delta) * scale;
                }
            }
        sb_add_product<D, N>(out_v, s, d_o[t % 2]);
        sb_add_product<D, N>(out_k, p, q[t % 2]);
    }
    sb_store_rows<D>(d_k + kv * a.dim, a.ldk, mine, a.nk, a.dim, out_k);
    sb_store_rows<D>(d_v + kv * a.dim, a.ldv, mine, a.nk, a.dim, out_v);
}
template <int D, int N> static void sb_flash_forward(real *o, long ldo, stat_t *lse, const SbAttention *a) {
    sb_launch(sb_flash_forward_kernel<D, N>, (a->nq + SB_OWN - 1) / SB_OWN * a->heads, SB_FLASH, o, ldo, lse,
              *a, sb_rows_operand(a->k, a->nk, a->dim, a->ldk), sb_rows_operand(a->v, a->nk, a->dim, a->ldv));
}
template <int D, int N>
static void sb_flash_backward(real *d_q, real *d_k, real *d_v, const SbFlashGrad *g, const SbAttention *a) {
    long tiles = (a->nk + SB_OWN - 1) / SB_OWN;
    int *span = (int *)sb_scratch(SB_SPANS, (size_t)(2 * tiles) * sizeof *span);
    sb_launch(sb_flash_backward_query_kernel<D, N>, (a->nq + SB_OWN - 1) / SB_OWN * a->heads, SB_FLASH, d_q,
              *a, *g, sb_rows_operand(a->k, a->nk, a->dim, a->ldk),
              sb_rows_operand(a->v, a->nk, a->dim, a->ldv));
    sb_launch(sb_row_spans_kernel, tiles, SB_BLOCK, span, a->keys, a->nq);
    sb_launch(sb_flash_backward_key_kernel<D, N>, tiles * a->kv_heads, SB_FLASH, d_k, d_v, span, *a, *g,
              sb_rows_operand(a->q, a->nq, a->dim, a->ldq), sb_rows_operand(g->d_o, a->nq, a->dim, g->ldo));
}

// ---- attention, whole
SB_FN void sb_attention_forward(real *o, long ldo, stat_t *lse, const SbAttention *a) {
    if (a->dim > SB_HEAD)
        SB_FAIL("CUDA: attention heads of %d channels; its kernels take 1 to %d", a->dim, SB_HEAD);
    if (sizeof(real) == 4) sb_each_warp(sb_attention_forward_kernel, a->nq * a->heads, o, ldo, lse, *a);
    else if (a->dim <= 32) sb_flash_forward<32, 64>(o, ldo, lse, a);
    else if (a->dim <= 64) sb_flash_forward<64, 64>(o, ldo, lse, a);
    else sb_flash_forward<128, 32>(o, ldo, lse, a);
}
SB_FN void sb_attention_backward(real *d_q, real *d_k, real *d_v, const real *d_o, const real *o, long ldo,
                                 const stat_t *lse, const SbAttention *a) {
    long rows = a->nq * a->heads;
    float *delta = (float *)sb_scratch(SB_DELTA, (size_t)rows * sizeof *delta);
    SbFlashGrad g = {d_o, ldo, lse, delta};
    sb_each_warp(sb_attention_delta_kernel, rows, delta, d_o, o, ldo, rows, a->heads, a->dim);
    if (sizeof(real) == 4) {
        sb_each_warp(sb_attention_backward_query_kernel, rows, d_q, d_o, ldo, lse, delta, *a);
        sb_each_warp(sb_attention_backward_key_kernel, a->nk * a->kv_heads, d_k, d_v, d_o, ldo, lse, delta,
                     *a);
    } else if (a->dim <= 32) sb_flash_backward<32, 64>(d_q, d_k, d_v, &g, a);
    else if (a->dim <= 64) sb_flash_backward<64, 64>(d_q, d_k, d_v, &g, a);
    else sb_flash_backward<128, 32>(d_q, d_k, d_v, &g, a);
}

// ---- the second channel folded into one projection (paper, eq. 1): a warp a row of Wc
// Where row c of w finds the a of its columns' part q.
static __device__ long sb_gate_at(SbWeight a, long c, int q) { return (a.rows > 1 ? c * a.ld : 0) + q; }
static __global__ void sb_dual_fold_forward_kernel(real *wc, real *bc, SbWeight w, SbWeight b, SbWeight wp,
                                                   SbWeight bp, SbWeight a) {
    long c = (long)blockIdx.x * SB_WARPS + sb_warp();
    int M = w.cols, Q = a.cols, D = M / Q;
    if (c >= w.rows) return;
    float t = 0;
    for (int q = 0; q < Q; q++) {
        float s = sb_sigmoid(sb_load(a.p, a.type, sb_gate_at(a, c, q)));
        t += s;
        for (int j = q * D + sb_lane(); j < (q + 1) * D; j += SB_WARP) {
            wc[c * 2 * M + j] = (real)(s * sb_load(w.p, w.type, c * w.ld + j));
            wc[c * 2 * M + M + j] = (real)((1.0f - s) * sb_load(wp.p, wp.type, c * wp.ld + j));
        }
    }
    t /= (float)Q;
    if (b.p && !sb_lane())
        bc[c] = (real)(t * sb_load(b.p, b.type, c) + (1.0f - t) * sb_load(bp.p, bp.type, c));
}
SB_FN void sb_dual_fold_forward(real *wc, real *bc, SbWeight w, SbWeight b, SbWeight wp, SbWeight bp,
                                SbWeight a) {
    sb_each_warp(sb_dual_fold_forward_kernel, w.rows, wc, bc, w, b, wp, bp, a);
}
// a: every row's part of d_a [C][columns of a]
typedef struct { param_t *w, *b, *wp, *bp, *a; } SbFoldGrads;
static __global__ void sb_dual_fold_backward_kernel(SbFoldGrads d, const param_t *d_wc, const param_t *d_bc,
                                                    SbWeight w, SbWeight b, SbWeight wp, SbWeight bp,
                                                    SbWeight a) {
    long c = (long)blockIdx.x * SB_WARPS + sb_warp();
    int M = w.cols, Q = a.cols, D = M / Q;
    if (c >= w.rows) return;
    const param_t *m1 = d_wc + c * 2 * M, *m2 = m1 + M;
    float t = 0;
    for (int q = 0; q < Q; q++) {
        float s = sb_sigmoid(sb_load(a.p, a.type, sb_gate_at(a, c, q))), d_s = 0;
        t += s;
        for (int j = q * D + sb_lane(); j < (q + 1) * D; j += SB_WARP) {
            d_s += m1[j] * sb_load(w.p, w.type, c * w.ld + j) - m2[j] * sb_load(wp.p, wp.type, c * wp.ld + j);
            if (d.w) d.w[c * M + j] += s * m1[j];
            if (d.wp) d.wp[c * M + j] += (1.0f - s) * m2[j];
        }
        d_s = sb_warp_sum(d_s);
        if (b.p) d_s += d_bc[c] / (float)Q * (sb_load(b.p, b.type, c) - sb_load(bp.p, bp.type, c));
        if (d.a && !sb_lane()) d.a[c * Q + q] = s * (1.0f - s) * d_s;
    }
    t /= (float)Q;
    if (sb_lane()) return;
    if (d.b) d.b[c] += t * d_bc[c];
    if (d.bp) d.bp[c] += (1.0f - t) * d_bc[c];
}
SB_FN void sb_dual_fold_backward(param_t *d_w, param_t *d_b, param_t *d_wp, param_t *d_bp, param_t *d_a,
                                 const param_t *d_wc, const param_t *d_bc, SbWeight w, SbWeight b,
                                 SbWeight wp, SbWeight bp, SbWeight a) {
    int gates = a.rows * a.cols;
    float *part = (float *)sb_scratch(SB_PARTIALS, (size_t)(w.rows * a.cols) * sizeof *part);
    SbFoldGrads d = {d_w, d_b, d_wp, d_bp, d_a ? part : NULL};
    sb_each_warp(sb_dual_fold_backward_kernel, w.rows, d, d_wc, d_bc, w, b, wp, bp, a);
    if (d_a) sb_each(sb_column_sums_add_kernel, gates, d_a, part, w.rows / a.rows, gates);
}

// ---- patches
static __global__ void sb_patch_columns_kernel(real *col, const real *pixels, const int *patch, long count,
                                               int K, int side) {
    long t = sb_thread(), i = t / K;
    if (t >= count) return;
    int j = (int)(t % K), channel = j / (side * side), y = j / side % side, u = j % side;
    const int *p = patch + 3 * i;
    col[t] = p[0] < 0 ? (real)0.0f : pixels[((long)p[0] + (long)y * p[1] + u) * 3 + channel];
}
static __global__ void sb_patch_finish_kernel(real *x, const int *patch, SbWeight b, SbWeight cls,
                                              SbWeight registers, SbWeight pos, long count, int C) {
    long t = sb_thread(), i = t / C;
    if (t >= count) return;
    int c = (int)(t % C), kind = patch[3 * i], at = patch[3 * i + 2];
    SbWeight own = kind >= 0 ? b : kind == -1 ? cls : registers;
    long row = kind < -1 ? (-2 - kind) * own.ld : 0;
    x[t] = (real)((float)x[t] + ((own.p ? sb_load(own.p, own.type, row + c) : 0.0f) +
                                 (at >= 0 && pos.p ? sb_load(pos.p, pos.type, at * pos.ld + c) : 0.0f)));
}
SB_FN void sb_patch_embed_forward(real *x, real *col, const real *pixels, const int *patch, SbWeight w,
                                  SbWeight b, SbWeight cls, SbWeight registers, SbWeight pos, long n,
                                  int side) {
    int C = w.rows, K = w.cols;
    sb_each(sb_patch_columns_kernel, n * K, col, pixels, patch, n * K, K, side);
    sb_linear_forward(x, C, col, K, w, sb_absent, n);
    sb_each(sb_patch_finish_kernel, n * C, x, patch, b, cls, registers, pos, n * C, C);
}
// Where rows are collected: positions, registers (`all` of both), then b (of patches) and cls. A thread owns
// a column of one of them, so rows are added in order.
typedef struct { param_t *pos, *registers, *b, *cls; int positions, all; } SbPatchSums;
static __global__ void sb_patch_sums_kernel(SbPatchSums to, const real *d_x, const int *patch, long n,
                                            int width) {
    long t = sb_thread();
    int p = (int)(t / width), c = (int)(t % width), last = to.all;
    if (p >= last + 2) return;
    param_t *at = p < to.positions ? (to.pos ? to.pos + t : NULL)
                  : p < last       ? (to.registers ? to.registers + (t - (long)to.positions * width) : NULL)
                  : p == last      ? (to.b ? to.b + c : NULL)
                                   : (to.cls ? to.cls + c : NULL);
    if (!at) return;
    float sum = (float)*at;
    for (long i = 0; i < n; i++) {
        int kind = patch[3 * i], mine = p < to.positions ? patch[3 * i + 2] == p
                                        : p < last       ? kind == -2 - (p - to.positions)
                                        : p == last      ? kind >= 0
                                                         : kind == -1;
        if (mine) sum += (float)d_x[i * width + c];
    }
    *at = sum;
}
SB_FN void sb_patch_embed_backward(param_t *d_w, param_t *d_b, param_t *d_cls, param_t *d_registers,
                                   param_t *d_pos, const real *d_x, const real *col, const int *patch,
                                   long n, int width, int cols, int registers, int positions) {
    SbPatchSums to = {d_pos, d_registers, d_b, d_cls, positions, positions + registers};
    sb_linear_backward_weight(d_w, NULL, d_x, width, col, cols, n, width, cols);
    sb_each(sb_patch_sums_kernel, (long)(to.all + 2) * width, to, d_x, patch, n, width);
}

// ---- words and image tokens: a thread an element
static __global__ void sb_embed_forward_kernel(real *x, SbWeight emb, const int *token, const real *vis,
                                               const int *vis_row, long count, int C) {
    long t = sb_thread(), i = t / C;
    if (t >= count) return;
    int c = (int)(t % C);
    float sum = vis_row[i] < 0 ? 0.0f : (float)vis[(long)vis_row[i] * C + c];
    for (int j = 0; j < SB_BAG; j++) {
        long word = token[i * SB_BAG + j];
        if (word >= 0) sum += sb_load(emb.p, emb.type, word * emb.ld + c);
    }
    x[t] = (real)sum;
}
SB_FN void sb_embed_forward(real *x, SbWeight emb, const int *token, const real *vis, const int *vis_row,
                            long n) {
    sb_each(sb_embed_forward_kernel, n * emb.cols, x, emb, token, vis, vis_row, n * emb.cols, emb.cols);
}
// to[w] += rows t / each of d_x whose index[t] is w, in order. A warp owns a row w: the one of the first t
// that names it (the others see that by looking back, and leave), whatever the number of words.
static __global__ void sb_rows_by_index_kernel(void *to, int type, const real *d_x, const int *index, long n,
                                               int each, int width) {
    long t = (long)blockIdx.x * SB_WARPS + sb_warp(), w = t < n ? index[t] : -1;
    if (w < 0) return;
    for (long s = t - 1 - sb_lane(), turn = 0; turn * SB_WARP < t; turn++, s -= SB_WARP)
        if (__any_sync(~0u, s >= 0 && index[s] == w)) return;
    for (long s0 = t; s0 < n; s0 += SB_WARP) {
        long s = s0 + sb_lane();
        unsigned mine = __ballot_sync(~0u, s < n && index[s] == w);
        for (int c = sb_lane(); mine && c < width; c += SB_WARP) {
            float sum = sb_load(to, type, w * width + c);
            for (int lane = 0; lane < SB_WARP; lane++)
                if (mine >> lane & 1) sum += (float)d_x[(s0 + lane) / each * width + c];
            sb_store(to, type, w * width + c, sum);
        }
    }
}
SB_FN void sb_embed_backward(param_t *d_emb, real *d_vis, const real *d_x, const int *token,
                             const int *vis_row, long n, long n_vis, int words, int width) {
    (void)words;
    if (d_vis) {
        sb_zero(d_vis, (size_t)(n_vis * width) * sizeof *d_vis);
        sb_each_warp(sb_rows_by_index_kernel, n, d_vis, SB_NATIVE, d_x, vis_row, n, 1, width);
    }
    if (d_emb)
        sb_each_warp(sb_rows_by_index_kernel, n * SB_BAG, d_emb, SB_TYPE(param_t), d_x, token, n * SB_BAG,
                     SB_BAG, width);
}
static __global__ void sb_gather_rows_kernel(real *y, long ldy, const real *x, const real *more,
                                             const int *index, long count, int width) {
    long t = sb_thread();
    if (t >= count) return;
    long at = (long)index[t / width] * width + t % width;
    y[t / width * ldy + t % width] = more ? (real)((float)x[at] + (float)more[at]) : x[at];
}
SB_FN void sb_gather_rows(real *y, long ldy, const real *x, const real *more, const int *index, long n,
                          int width) {
    sb_each(sb_gather_rows_kernel, n * width, y, ldy, x, more, index, n * width, width);
}
static __global__ void sb_scatter_rows_add_kernel(real *d_x, const real *d_y, long ldy, const int *index,
                                                  long count, int width) {
    long t = sb_thread();
    if (t >= count) return;
    real *to = d_x + (long)index[t / width] * width + t % width;
    *to = (real)((float)*to + (float)d_y[t / width * ldy + t % width]);
}
SB_FN void sb_scatter_rows_add(real *d_x, const real *d_y, long ldy, const int *index, long n, int width) {
    sb_each(sb_scatter_rows_add_kernel, n * width, d_x, d_y, ldy, index, n * width, width);
}

// ---- losses: a block a row of classes, one warp for few of them, eight for a vocabulary
// Sum, or maximum, over the block: the same bits in every thread.
static __device__ float sb_block_reduce(float of_warp[SB_WARPS], float x, int maximum) {
    x = maximum ? sb_warp_max(x) : sb_warp_sum(x);
    if (blockDim.x == SB_WARP) return x;
    __syncthreads();
    if (!sb_lane()) of_warp[sb_warp()] = x;
    __syncthreads();
    x = of_warp[0];
    for (int w = 1; w < SB_WARPS; w++) x = maximum ? fmaxf(x, of_warp[w]) : x + of_warp[w];
    return x;
}
static __global__ void sb_xent_kernel(stat_t *loss, real *d_logits, const real *logits, const int *target,
                                      int classes, float scale) {
    __shared__ float of_warp[SB_WARPS];
    long i = blockIdx.x;
    const real *z = logits + i * classes;
    float top = -INFINITY, sum = 0;
    for (int j = (int)threadIdx.x; j < classes; j += (int)blockDim.x) top = fmaxf(top, (float)z[j]);
    top = sb_block_reduce(of_warp, top, 1);
    for (int j = (int)threadIdx.x; j < classes; j += (int)blockDim.x) sum += expf((float)z[j] - top);
    sum = sb_block_reduce(of_warp, sum, 0);
    if (!threadIdx.x) loss[i] = target[i] < 0 ? 0.0f : logf(sum) + top - (float)z[target[i]];
    if (!d_logits) return;
    float factor = target[i] < 0 ? 0.0f : scale;
    for (int j = (int)threadIdx.x; j < classes; j += (int)blockDim.x)
        d_logits[i * classes + j] =
            (real)(factor * expf((float)z[j] - top) / sum - (j == target[i] ? factor : 0.0f));
}
enum { SB_MANY = 512 };                 // classes from which on a row takes a whole block
SB_FN void sb_xent(stat_t *loss, real *d_logits, const real *logits, const int *target, long n, int classes,
                   double scale) {
    sb_launch(sb_xent_kernel, n, classes < SB_MANY ? SB_WARP : SB_BLOCK, loss, d_logits, logits, target,
              classes, scale);
}
// loss = max(z,0) - z y + log(1 + exp(-|z|)),  gradient sigmoid(z) - y.  In double: there are few.
static __global__ void sb_bce_kernel(stat_t *loss, real *d_logits, const real *logits, const stat_t *y,
                                     long n, int classes, double scale) {
    long i = sb_thread();
    double sum = 0;
    if (i >= n) return;
    for (long at = i * classes; at < (i + 1) * classes; at++) {
        double z = (double)(float)logits[at], want = (double)(float)y[at];
        sum += fmax(z, 0.0) - z * want + log1p(exp(-fabs(z)));
        if (d_logits) d_logits[at] = (real)(float)(scale * (1 / (1 + exp(-z)) - want));
    }
    loss[i] = (stat_t)sum;
}
SB_FN void sb_bce(stat_t *loss, real *d_logits, const real *logits, const stat_t *y, long n, int classes,
                  double scale) {
    sb_each(sb_bce_kernel, n, loss, d_logits, logits, y, n, classes, scale);
}
static __global__ void sb_smooth_l1_kernel(stat_t *loss, real *d_pred, const real *pred, const stat_t *target,
                                           long n, double scale) {
    long i = sb_thread();
    if (i >= n) return;
    double e = (double)(float)pred[i] - (double)(float)target[i];
    loss[i] = (stat_t)(fabs(e) < 1 ? e * e / 2 : fabs(e) - 0.5);
    if (d_pred) d_pred[i] = (real)(float)(scale * fmax(-1.0, fmin(1.0, e)));
}
SB_FN void sb_smooth_l1(stat_t *loss, real *d_pred, const real *pred, const stat_t *target, long n,
                        double scale) {
    sb_each(sb_smooth_l1_kernel, n, loss, d_pred, pred, target, n, scale);
}
// A thread a row, in double as on the CPU: a small share of a step.
static __global__ void sb_feature_loss_kernel(stat_t *value, stat_t *angle, real *d_pred, const real *pred,
                                              const real *target, const stat_t *weight, long n, int width,
                                              int l1, double scale) {
    long i = sb_thread();
    if (i >= n) return;
    const real *p = pred + i * width, *t = target + i * width;
    double sum = 0, pp = 0, tt = 0, pt = 0, w = (double)weight[i];
    for (int c = 0; c < width; c++) {
        double x = (double)(float)p[c], y = (double)(float)t[c], e = fabs(x - y);
        sum += l1 ? e : e < 1 ? e * e / 2 : e - 0.5;
        pp += x * x, tt += y * y, pt += x * y;
    }
    double np = fmax(sqrt(pp), 1e-12), nt = fmax(sqrt(tt), 1e-12), cosine = pt / (np * nt);
    value[i] = (stat_t)(w * sum / width);
    angle[i] = (stat_t)(w * (1 - cosine));
    for (int c = 0; c < (d_pred ? width : 0); c++) {
        double x = (double)(float)p[c], y = (double)(float)t[c], e = x - y;
        double slope = !l1 && fabs(e) < 1 ? e : (e > 0) - (e < 0);
        d_pred[i * width + c] = (real)(float)(scale * w * (slope / width + (cosine * x / np - y / nt) / np));
    }
}
SB_FN void sb_feature_loss(stat_t *value, stat_t *angle, real *d_pred, const real *pred, const real *target,
                           const stat_t *weight, long n, int width, int l1, double scale) {
    sb_each(sb_feature_loss_kernel, n, value, angle, d_pred, pred, target, weight, n, width, l1, scale);
}
SB_FN void sb_head_xent(stat_t *loss, real *d_x, param_t *d_w, real *logits, long chunk, const real *x,
                        SbWeight w, const int *target, long n, double scale) {
    int V = w.rows, C = w.cols;
    if (sizeof(real) == 2) {            // the table is packed once, not in every product
        SbOperand table = sb_packed(sb_operand(w.p, w.type, V, C, w.ld, 1), 2);
        w.p = table.p, w.type = SB_BF16, w.ld = table.row;
    }
    for (long i = 0; i < n; i += chunk) {
        long m = n - i < chunk ? n - i : chunk;
        real *d_logits = d_x || d_w ? logits + chunk * V : NULL;
        sb_linear_forward(logits, V, x + i * C, C, w, sb_absent, m);
        sb_xent(loss + i, d_logits, logits, target + i, m, V, scale);
        if (d_x) sb_linear_backward_input(d_x + i * C, C, d_logits, V, w, m);
        if (d_w) sb_linear_backward_weight(d_w, NULL, d_logits, V, x + i * C, C, m, V, C);
    }
}

// ---- optimiser
// A block sums SB_SQUARE_SPAN elements: a thread every 256th, then halves of the block, in double; then one
// block adds up the blocks.
enum { SB_SQUARE_SPAN = 16384 };
// of_thread[0] = sum over the block; afterwards for thread 0 only.
static __device__ void sb_block_halves(double *of_thread, double sum) {
    of_thread[threadIdx.x] = sum;
    for (int half = SB_BLOCK / 2; half; half /= 2) {
        __syncthreads();
        if ((int)threadIdx.x < half) of_thread[threadIdx.x] += of_thread[threadIdx.x + half];
    }
}
static __global__ void sb_square_partials_kernel(double *part, const void *x, int type, long count) {
    __shared__ double of_thread[SB_BLOCK];
    long first = (long)blockIdx.x * SB_SQUARE_SPAN;
    double sum = 0;
    for (long i = first + threadIdx.x; i < first + SB_SQUARE_SPAN && i < count; i += SB_BLOCK) {
        double one = (double)sb_load(x, type, i);
        sum += one * one;
    }
    sb_block_halves(of_thread, sum);
    if (!threadIdx.x) part[blockIdx.x] = of_thread[0];
}
static __global__ void sb_square_sum_kernel(double *total, const double *part, long blocks) {
    __shared__ double of_thread[SB_BLOCK];
    double sum = 0;
    for (long b = threadIdx.x; b < blocks; b += SB_BLOCK) sum += part[b];
    sb_block_halves(of_thread, sum);
    if (!threadIdx.x) *total = of_thread[0];
}
SB_FN void sb_sum_squares(double *sum, const void *x, int type, long count) {
    long blocks = (count + SB_SQUARE_SPAN - 1) / SB_SQUARE_SPAN;
    double *part = (double *)sb_scratch(SB_SQUARES, (size_t)blocks * sizeof *part);
    sb_launch(sb_square_partials_kernel, blocks, SB_BLOCK, part, x, type, count);
    sb_launch(sb_square_sum_kernel, 1, SB_BLOCK, sum, part, blocks);
}
// All tensors in one launch. A block owns SB_ADAMW_SPAN elements, a thread every 256th of them; it finds the
// first one's tensor by halving the list and walks on from there.
enum { SB_ADAMW_SPAN = 1024 };
typedef struct { double clip; float rate, shrink, b1, b2, fix, eps; } SbAdamW;
static __global__ void sb_adamw_kernel(const SbTrained *list, int tensors, const param_t *grad, param_t *m,
                                       param_t *v, long count, const double *squares, SbAdamW a) {
    __shared__ float scale[1];
    long first = (long)blockIdx.x * SB_ADAMW_SPAN;
    int t = 0;
    if (!threadIdx.x) {
        double norm = sqrt(*squares);
        scale[0] = !isfinite(norm) ? -1.0f : a.clip > 0 && norm > a.clip ? (float)(a.clip / norm) : 1.0f;
    }
    __syncthreads();
    if (scale[0] < 0) return;
    for (int above = tensors; above - t > 1;) {
        int middle = (t + above) / 2;
        if (list[middle].begin <= first) t = middle;
        else above = middle;
    }
    for (long i = first + threadIdx.x; i < first + SB_ADAMW_SPAN && i < count; i += SB_BLOCK) {
        while (t + 1 < tensors && list[t + 1].begin <= i) t++;
        param_t *p = list[t].p + (i - list[t].begin);
        float g = scale[0] * grad[i], shrink = list[t].decay ? a.shrink : 1.0f;
        m[i] = a.b1 * m[i] + (1.0f - a.b1) * g;
        v[i] = a.b2 * v[i] + (1.0f - a.b2) * g * g;
        *p = shrink * *p - a.rate * m[i] / (sqrtf(v[i] * a.fix) + a.eps);
    }
}
SB_FN void sb_adamw(const SbTrained *list, int tensors, const param_t *grad, param_t *m, param_t *v,
                    long count, const double *squares, double clip, double lr, double decay, double beta1,
                    double beta2, double eps, long step) {
    SbAdamW a = {clip, (float)(lr / (1 - pow(beta1, (double)step))), (float)(1 - lr * decay), (float)beta1,
                 (float)beta2, (float)(1 / (1 - pow(beta2, (double)step))), (float)eps};
    sb_launch(sb_adamw_kernel, (count + SB_ADAMW_SPAN - 1) / SB_ADAMW_SPAN, SB_BLOCK, list, tensors, grad, m,
              v, count, squares, a);
}

#endif
