// test_shim.cu: does the shim notice what it says it notices, and compute what a GPU would?   make check_cuda
//
// A faulty kernel runs in a child process, which must end with the shim's message. The functions that stand
// for tensor-core instructions are compared with plain loops over the layouts of the PTX manual. Refuses: to
// test train.cu (that is what everything else here does). Read from top: faulty kernels, right ones, main.
#include "cuda_shim.h"
#include <sys/wait.h>
#include <unistd.h>

// ---- kernels that must be caught
__global__ void half_a_barrier(float *y) {
    if (threadIdx.x % 2) __syncthreads();
    else __syncwarp();                  // waits for the odd lanes, which wait at the barrier
    y[threadIdx.x] = 1;
}
__global__ void two_barriers(float *y) {
    if (threadIdx.x < 32) __syncthreads();
    else
        __syncthreads();
    y[threadIdx.x] = 1;
}
__global__ void not_in_mask(float *y) { y[threadIdx.x] = __shfl_sync(0xFFFFu, 1.0f, 0); }
__global__ void outside_mask(float *y) {
    if (threadIdx.x < 16) y[threadIdx.x] = __shfl_sync(0xFFFFu, 1.0f, 20);
}
__global__ void different_masks(float *y) {
    y[threadIdx.x] = __shfl_sync(threadIdx.x % 2 ? ~0u : 0x7FFFFFFFu | 1u << 31, 1.0f, 0);
    y[threadIdx.x] += __shfl_sync(threadIdx.x < 16 ? ~0u : 0xFFFF0000u, 1.0f, 16);
}
__global__ void different_functions(float *y) {
    if (threadIdx.x % 2) y[threadIdx.x] = __shfl_sync(~0u, 1.0f, 0);
    else y[threadIdx.x] = (float)__ballot_sync(~0u, 1);
}
__global__ void lanes_that_left(float *y) {
    if (threadIdx.x < 16) return;
    y[threadIdx.x] = __shfl_xor_sync(~0u, 1.0f, 1);
}
__global__ void nothing(float *y) { y[0] = 1; }
__global__ void too_much_shared(float *y) {
    __shared__ float a[8192], b[8192];
    a[0] = 0, b[0] = 1, y[0] = a[0] + b[0];
}
__global__ void crooked_line(float *y) {
    __shared__ __align__(16) char lines[1024];
    unsigned out[4];
    sb_ldmatrix_x4(out, lines + 16 * threadIdx.x + 2);
    y[0] = (float)out[0];
}
__global__ void crooked_copy(float *y) {
    __shared__ __align__(16) char lines[1024];
    sb_copy_async(lines + 16 * threadIdx.x + 4, y, 16);
}
__global__ void copies_nobody_waits_for(float *y) {
    __shared__ __align__(16) char lines[512];
    sb_copy_async(lines + 16 * threadIdx.x, y + 4 * threadIdx.x, 16);
    shim::self->copies.push_back({lines, y, 16, 0});        // in every order, one is late
    sb_copy_commit();
}

// ---- kernels whose results are known
// 12 of 16 bytes a thread; the group behind it is not waited for until the end. early: what is there at once.
__global__ void copies(float *y, const float *x, int *early) {
    __shared__ __align__(16) float lines[2][32][4];
    for (int c = 0; c < 4; c++) lines[0][threadIdx.x][c] = lines[1][threadIdx.x][c] = -1;
    for (int g = 0; g < 2; g++) {
        sb_copy_async(lines[g][threadIdx.x], x + 4 * threadIdx.x, 12 + 4 * g);
        sb_copy_commit();
    }
    early[threadIdx.x] = (lines[0][threadIdx.x][0] != -1) + (lines[1][threadIdx.x][0] != -1);
    sb_copy_wait<1>();
    for (int c = 0; c < 4; c++) y[4 * threadIdx.x + c] = lines[0][threadIdx.x][c];
    sb_copy_wait<0>();
    for (int c = 0; c < 4; c++) y[4 * threadIdx.x + c] += 1000 * lines[1][threadIdx.x][c];
}
__global__ void unwritten(float *y) {
    __shared__ float a[32];
    y[threadIdx.x] = a[threadIdx.x];
}
__global__ void warp_functions(float *y) {
    extern __shared__ float all[];
    unsigned i = threadIdx.x;
    all[i] = (float)i;
    __syncthreads();
    y[i] = all[i ^ 33] + 100 * __shfl_xor_sync(~0u, (float)i, 5) + 1e4f * __shfl_down_sync(~0u, (float)i, 3);
    y[i] +=
        1e6f * (float)(__ballot_sync(~0u, i % 3 == 0) >> i % 32 & 1) + 2e6f * (float)__any_sync(~0u, i == 40);
}
__global__ void keep_order(int *order, int *next) {
    order[blockIdx.x * blockDim.x + threadIdx.x] = (*next)++;
}
__global__ void tensor_cores(float *d, const __nv_bfloat16 *a, const __nv_bfloat16 *b, unsigned *lines) {
    __shared__ __align__(16) __nv_bfloat16 tile[16][24];
    unsigned fa[4], fb[4];
    int lane = threadIdx.x;
    for (int e = lane; e < 256; e += 32) tile[e / 16][e % 16] = a[e];
    __syncwarp();
    sb_ldmatrix_x4(fa, &tile[lane % 16][lane / 16 * 8]);
    __syncwarp();
    for (int e = lane; e < 128; e += 32) tile[e / 8][e % 8] = b[e];         // [k][n]: to be turned
    __syncwarp();
    sb_ldmatrix_x4_trans(fb, &tile[lane % 16][0]); // the matrices of lanes 16 to 31 are the first two again
    for (int e = 0; e < 4; e++) d[4 * lane + e] = 1, lines[4 * lane + e] = fb[e];
    sb_mma_bf16(d + 4 * lane, fa, fb);
}

static int passed, failed;
static void say(bool good, const char *what) {
    printf("%s %s\n", good ? "ok  " : "FAIL", what), good ? passed++ : failed++;
}
template <class F> static void must_die(const char *what, const char *message, F run) {
    int pipes[2];
    char said[2000] = "";
    if (pipe(pipes)) return say(false, "pipe");
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        dup2(pipes[1], 2), close(pipes[0]);
        run();
        _exit(0);
    }
    close(pipes[1]);
    for (size_t n = 0; n < sizeof said - 1;) {
        ssize_t more = read(pipes[0], said + n, sizeof said - 1 - n);
        if (more <= 0) break;
        n += (size_t)more;
    }
    int status = 0;
    waitpid(child, &status, 0), close(pipes[0]);
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 3 && strstr(said, message);
    say(good, what);
    if (!good) printf("     expected \"%s\", it said: %s\n", message, said);
}
static float *floats(size_t n) {
    float *p = nullptr;
    cudaMalloc((void **)&p, n * sizeof *p);
    return p;
}
static void test_tensor_cores() {
    __nv_bfloat16 a[256], b[128];
    float *d = floats(128), worst = 0;
    unsigned lines[128];
    for (int i = 0; i < 256; i++) a[i] = (float)(i * 37 % 101 - 50) / 16;
    for (int i = 0; i < 128; i++) b[i] = (float)(i * 53 % 89 - 44) / 16;
    tensor_cores<<<1, 32>>>(d, a, b, lines);
    for (int l = 0; l < 32; l++)
        for (int e = 0; e < 4; e++) {
            int row = l / 4 + e / 2 * 8, column = l % 4 * 2 + e % 2;
            float want = 1;
            for (int k = 0; k < 16; k++) want += (float)a[16 * row + k] * (float)b[8 * k + column];
            worst = fmaxf(worst, fabsf(d[4 * l + e] - want));
        }
    say(worst < 1e-4f, "mma.m16n8k16 and ldmatrix against a plain product");
}
static void test_results() {
    float *y = floats(64);
    bool good = true;
    unwritten<<<1, 32>>>(y);
    for (int i = 0; i < 32; i++) good &= y[i] != y[i];
    say(good, "shared memory that nobody wrote is NaN");
    say(floats(4)[2] != floats(4)[2], "so is device memory");
    warp_functions<<<1, 64, 64 * sizeof(float)>>>(y);
    good = true;
    for (int i = 0; i < 64; i++) {
        float want = (float)(i ^ 33) + 100 * (float)(i ^ 5) + 1e4f * (float)(i % 32 + 3 < 32 ? i + 3 : i);
        good &= y[i] == want + 1e6f * (float)(i % 3 == 0) + 2e6f * (float)(i >= 32);
    }
    say(good, "shuffles, ballots and dynamic shared memory");
    int order[12], next = 0;
    keep_order<<<3, 4>>>(order, &next);
    good = true;
    for (int i = 0; i < 12; i++) good &= order[i] == (shim::order.mode == 1 ? 11 - i : i);
    say(shim::order.mode == 2 || good, "blocks and threads run in the order asked for");
}
static void test_copies() {
    float *x = floats(128), *y = floats(128);
    int early[32], seen = 0;
    bool good = true;
    for (int i = 0; i < 128; i++) x[i] = (float)i;
    copies<<<1, 32>>>(y, x, early);
    for (int i = 0; i < 128; i++) good &= y[i] == (i % 4 < 3 ? x[i] : 0) + 1000 * x[i];
    for (int i = 0; i < 32; i++) seen += early[i];
    say(good, "cp.async, with zeros behind what was asked for");
    int mode = shim::order.mode;
    say(mode == 0 ? seen == 64 : mode == 1 ? seen == 0 : seen > 0 && seen < 64,
        "it arrives early, late or either");
}
int main() {
    float *y = floats(2048);
    must_die("a barrier that not all threads reach", "not all",
             [&] { half_a_barrier<<<1, 96>>>(y); });
    must_die("barriers on two lines", "different lines", [&] { two_barriers<<<1, 64>>>(y); });
    must_die("a lane that is not in its mask", "without being in its mask",
             [&] { not_in_mask<<<1, 32>>>(y); });
    must_die("a shuffle from outside the mask", "outside its mask", [&] { outside_mask<<<1, 32>>>(y); });
    must_die("two masks", "not all lanes", [&] { different_masks<<<1, 32>>>(y); });
    must_die("two functions", "different functions", [&] { different_functions<<<1, 32>>>(y); });
    must_die("lanes that left", "a warp function", [&] { lanes_that_left<<<1, 32>>>(y); });
    must_die("1025 threads", "more than 1024 threads", [&] { nothing<<<1, 1025>>>(y); });
    must_die("64 KB of static shared memory", "48 KB", [&] { too_much_shared<<<1, 32>>>(y); });
    must_die("228 KB of dynamic shared memory", "227 KB", [&] { nothing<<<1, 32, 228 << 10>>>(y); });
    must_die("ldmatrix of a crooked line", "aligned to 16", [&] { crooked_line<<<1, 32>>>(y); });
    must_die("cp.async to a crooked line", "aligned to 16", [&] { crooked_copy<<<1, 32>>>(y); });
    must_die("cp.async that nobody waits for", "under way", [&] { copies_nobody_waits_for<<<1, 32>>>(y); });
    test_results();
    test_copies();
    test_tensor_cores();
    printf("%d passed, %d failed, 0 skipped\n", passed, failed);
    return failed > 0;
}
