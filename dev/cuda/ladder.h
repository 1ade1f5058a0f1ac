// ladder.h: what both ladders share: numbers, a check against double, the clock.
//
// A ladder is one operation, from the naive kernel to the one in train.cu: each rung has one idea more than
// the one before. Refuses: to tune; sizes are small on a CPU (dev/cuda_on_cpu) and as in a ViT-L on a GPU.
// Activations are bf16, sums float. Build: make ladders (on the CPU), make build_gpu.
#include "data/file.h"
#define SB_FAIL(...) sb_die(__VA_ARGS__)
#ifndef SB_MODEL
#define SB_MODEL "train.cu"
#endif
#include SB_MODEL
#include <time.h>

#ifdef CUDA_SHIM_H
enum { LADDER_SMALL = 1 };
#else
enum { LADDER_SMALL = 0 };
#endif
// Numbers between -1 and 1 that bf16 holds exactly.
static real *ladder_numbers(long n, uint64_t seed) {
    real *p = NULL;
    sb_need_gpu();
    sb_cuda_check(cudaMallocManaged((void **)&p, (size_t)n * sizeof *p), "memory");
    for (long i = 0; i < n; i++)
        p[i] = (real)((float)((int)(sb_mix64(seed + (uint64_t)i) % 255) - 127) / 128);
    return p;
}
static double ladder_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
// Run a rung, check a sample of y (poisoned before) against `want` within `bound`, print how it went.
template <class Rung, class Want>
static int ladder_rung(const char *name, real *y, long count, double flops, Rung rung, Want want) {
    double worst = 0, began;
    for (long i = 0; i < count; i++) y[i] = (real)NAN;
    rung();
    sb_cuda_check(cudaDeviceSynchronize(), name);
    const int repeats = LADDER_SMALL ? 1 : 20;      // one after another: a launch costs less than its kernel
    began = ladder_now();
    for (int k = 0; k < repeats; k++) rung();
    sb_cuda_check(cudaDeviceSynchronize(), name);
    double seconds = (ladder_now() - began) / repeats;
    for (long k = 0; k < 2000; k++) {
        long i = (long)(sb_mix64((uint64_t)k) % (uint64_t)count);
        double bound, off = fabs((double)(float)y[i] - want(i, &bound));
        if (!(off / bound <= worst)) worst = off == off ? off / bound : INFINITY;
    }
    printf("%-4s %-44s error / bound %.3f", worst <= 1 ? "ok" : "FAIL", name, worst);
    if (!LADDER_SMALL) printf("   %7.3f ms  %6.1f TFLOP/s", seconds * 1e3, flops / seconds * 1e-12);
    printf("\n");
    return worst > 1;
}
