// cuda_shim.h: CUDA C++ kernels, unchanged, on a CPU: one fiber a thread. To test them, not to be fast.
//
// translate.c turns the three pieces of CUDA that are not C++ (launches, static and dynamic shared memory)
// into calls of this file; then g++ or clang++ compile the rest as it stands. What it refuses: atomics,
// inter-block waiting (blocks run to their end, one after another), warps that are not 32 wide, inline PTX
// (its instructions are functions with the layouts of the PTX manual, see "tensor cores"). What it checks on
// the way: launch limits; barriers that not all threads reach, or from different lines; warp functions with
// different masks, or read from lanes outside; shuffles of lanes that left. Memory starts as NaN (0xFF),
// shared memory anew in every block. SHIM_ORDER=forward, reverse or random:SEED orders blocks and threads: a
// kernel without races gives the same bits in all of them. racecheck.cpp looks for races itself.
//
// Every warp function is a collective: a lane leaves its operands and waits; the last to arrive does the work
// of all 32. Read from top: types; fibers; barriers and collectives; launches; memory; warp functions; tensor
// cores; arithmetic; the runtime's API.
#ifndef CUDA_SHIM_H
#define CUDA_SHIM_H
#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <sys/mman.h>
#include <vector>
#if !defined __x86_64__
#include <ucontext.h>
#endif
#if defined __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

// ---- types and qualifiers
#define __global__
#define __device__
#define __host__
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __forceinline__ inline
struct uint3 { unsigned x, y, z; };
struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
};
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };

// hooks of racecheck.cpp, absent without it
extern "C" void shim_region(void *, size_t) __attribute__((weak));
extern "C" void shim_unregion(void *) __attribute__((weak));

namespace shim {
enum { WARP = 32, THREADS = 1024, STATIC_SHARED = 48 << 10, STACK = 256 << 10, PAGE = 4096, POISON = 0xFF };

// ---- fibers
struct Warp;
typedef void (*Work)(Warp &, unsigned mask);                // run once, by the last lane to arrive
struct Copy { void *to; const void *from; int bytes; unsigned group; };
struct Fiber {
    void *sp;                       // where it goes on
    uint3 tid;
    int index, lane, line;          // line: where it waits
    Warp *warp;
    bool blocked, done;
    unsigned mask;                  // of the collective it waits for; 0: a barrier
    Work work;
    void *operands;
#if !defined __x86_64__
    ucontext_t context;
#endif
    void *fake_stack;               // AddressSanitizer's
    std::vector<Copy> copies;       // cp.async under way
    unsigned group = 0;             // commits so far
};
struct Warp {
    unsigned arrived = 0, live = 0, turn = 0;   // turn: collectives so far, for racecheck.cpp
    Fiber *first = nullptr;
    void *operands(int lane) { return first[lane].operands; }
};
struct Shared { const void *key; void *p; size_t size; };
struct Block {                      // the one that runs
    std::vector<Fiber> fiber;
    std::vector<Warp> warp;
    std::vector<int> order;
    std::vector<Shared> shared;
    char *stacks = nullptr;
    int n = 0, live = 0, arrived = 0, at = 0;
    unsigned turn = 0;              // barriers so far
    void (*kernel)(void *) = nullptr;
    void *arguments = nullptr, *dynamic = nullptr;
    uint3 index = {0, 0, 0};
    dim3 size, grid;
    Fiber outside;
    bool stuck = false;
    const void *outside_stack = nullptr;
    size_t outside_size = 0;
};
inline Block *block = nullptr;
inline Fiber *self = nullptr;
inline long launches = 0;

[[noreturn]] inline void die(const char *what, int line = 0) {
    fprintf(stderr, "cuda_shim: %s", what);
    if (line) fprintf(stderr, ", line %d", line);
    if (block) fprintf(stderr, ", block %u", block->index.x);
    if (self && block && self != &block->outside) fprintf(stderr, ", thread %d", self->index);
    fputc('\n', stderr);
    exit(3);
}
#if defined __x86_64__
extern "C" void shim_switch(void **from, void *to);
asm(".text\n.weak shim_switch\n.type shim_switch,@function\nshim_switch:\n"
    "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
    "mov %rsp,(%rdi)\nmov %rsi,%rsp\n"
    "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n.size shim_switch,.-shim_switch\n");
#endif
inline char *stack_of(int i) { return block->stacks + (size_t)i * STACK; }      // its first page is a guard
inline void go_to(Fiber *to) {
    Fiber *from = self;
    self = to;
#if defined __SANITIZE_ADDRESS__
    bool out = to == &block->outside;
    __sanitizer_start_switch_fiber(from->done ? nullptr : &from->fake_stack,
                                   out ? block->outside_stack : stack_of(to->index) + PAGE,
                                   out ? block->outside_size : (size_t)(STACK - PAGE));
#endif
#if defined __x86_64__
    shim_switch(&from->sp, to->sp);
#else
    swapcontext(&from->context, &to->context);
#endif
#if defined __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(from->fake_stack, nullptr, nullptr);
#endif
}
// The orders of blocks and of threads, and when cp.async arrives.
struct Order {
    int mode = 0;                   // 0 forward, 1 reverse, 2 random
    unsigned seed = 1;
    Order() {
        const char *s = getenv("SHIM_ORDER");
        if (!s || !strcmp(s, "forward")) return;
        mode = !strcmp(s, "reverse") ? 1 : !strncmp(s, "random:", 7) ? 2 : 0;
        if (!mode) die("SHIM_ORDER: expected forward, reverse or random:SEED");
        if (mode == 2) seed = (unsigned)atoi(s + 7);
    }
    bool early() {                  // does this cp.async arrive at once?
        return mode == 2 ? draw(2) == 0 : mode == 0;
    }
    unsigned draw(unsigned below) {
        seed = seed * 1664525u + 1013904223u;
        return (seed >> 8) % below;
    }
    std::vector<int> of(int n) {
        std::vector<int> v((size_t)n);
        for (int i = 0; i < n; i++) v[(size_t)i] = mode == 1 ? n - 1 - i : i;
        for (int i = n - 1; mode == 2 && i > 0; i--)
            std::swap(v[(size_t)i], v[draw((unsigned)i + 1)]);
        return v;
    }
};
inline Order order;

// Straight to the next fiber that can run (in a random order often the first, so that warps run far apart);
// none: back outside, stuck if some still wait.
inline void yield() {
    if (order.mode == 2 && order.draw(4) == 0) block->at = -1;
    for (int k = 0; k < block->n; k++) {
        if (++block->at >= block->n) block->at = 0;
        Fiber &f = block->fiber[block->order[block->at]];
        if (f.blocked || f.done) continue;
        if (&f != self) go_to(&f);
        return;
    }
    block->stuck = block->live > 0;
    go_to(&block->outside);
}

// ---- barriers and collectives
inline void release_barrier() {
    block->arrived = 0, block->turn++;
    for (Fiber &f : block->fiber) if (!f.mask) f.blocked = false;
}
inline void barrier(int line) {
    Fiber &f = *self;
    f.mask = 0, f.line = line;
    if (++block->arrived < block->live) {
        f.blocked = true;
        yield();
        return;
    }
    for (Fiber &other : block->fiber)
        if (!other.done && other.line != line) die("__syncthreads reached from different lines", line);
    release_barrier();
}
// All lanes of the mask that live have arrived, with the same mask.
inline bool complete(Warp &w, unsigned mask) {
    unsigned need = mask & w.live;
    if ((w.arrived & need) != need) return false;
    for (int l = 0; l < WARP; l++)
        if (need >> l & 1 && w.first[l].mask != mask)
            die("lanes of a warp meet with different masks", w.first[l].line);
    w.arrived &= ~need, w.turn++;
    return true;
}
inline void finish(Warp &w, unsigned mask, Work work) {
    unsigned lanes = mask & w.live;
    if (lanes != mask) die("a warp function waits for lanes that have left the kernel");
    for (int l = 0; l < WARP; l++)
        if (lanes >> l & 1 && w.first[l].work != work)
            die("lanes of a warp meet in different functions", w.first[l].line);
    if (work) work(w, lanes);
    for (int l = 0; l < WARP; l++) if (lanes >> l & 1) w.first[l].blocked = false;
}
inline void collective(unsigned mask, void *operands, Work work, int line) {
    Fiber &f = *self;
    if (!(mask >> f.lane & 1)) die("a lane calls a warp function without being in its mask", line);
    f.operands = operands, f.mask = mask, f.work = work, f.line = line;
    f.warp->arrived |= 1u << f.lane;
    if (complete(*f.warp, mask)) finish(*f.warp, mask, work);
    else f.blocked = true, yield();
}

// ---- launches
inline void fiber_main() {
#if defined __SANITIZE_ADDRESS__
    const void *stack;
    size_t size;
    __sanitizer_finish_switch_fiber(nullptr, &stack, &size);
    if (!block->outside_stack) block->outside_stack = stack, block->outside_size = size;
#endif
    block->kernel(block->arguments);
    Fiber &f = *self;
    if (!f.copies.empty()) die("a thread leaves with cp.async under way", f.line);
    f.done = true, block->live--, f.warp->live &= ~(1u << f.lane);
    if (block->live && block->arrived == block->live) release_barrier();        // who left counts as arrived
    yield();
    abort();
}
inline void forget_shared() {
    for (Shared &s : block->shared) {
        if (shim_unregion) shim_unregion(s.p);
        free(s.p);
    }
    block->shared.clear();
}
inline void *new_shared(const void *key, size_t size) { // of exactly that size: what is beyond is not ours
    void *p = nullptr;
    if (posix_memalign(&p, 128, size ? size : 1)) die("out of memory");
    memset(p, POISON, size);
    if (shim_region) shim_region(p, size);
    block->shared.push_back({key, p, size});
    return p;
}
inline void *static_shared(const void *key, size_t size) {
    size_t all = size;
    for (Shared &s : block->shared) {
        if (s.key == key) return s.p;
        all += s.key ? s.size : 0;
    }
    if (all > STATIC_SHARED) die("more than 48 KB of static shared memory");
    return new_shared(key, size);
}
inline void *dynamic_shared() { return block->dynamic; }

inline void start_fiber(int i) {
    Fiber &f = block->fiber[(size_t)i];
    unsigned t = (unsigned)i, x = block->size.x, y = block->size.y;
    f = Fiber();
    f.copies.clear();
    f.tid = {t % x, t / x % y, t / (x * y)};
    f.index = i, f.lane = i % WARP, f.warp = &block->warp[(size_t)(i / WARP)];
    f.warp->first = &block->fiber[(size_t)(i / WARP * WARP)];
    f.warp->live |= 1u << f.lane;
#if defined __SANITIZE_ADDRESS__      // who left the kernel never returned: its frames are still marked
    __asan_unpoison_memory_region(stack_of(i) + STACK - STACK / 8, STACK / 8);
#endif
#if defined __x86_64__
    void **sp = (void **)(stack_of(i) + STACK);
    *--sp = nullptr, *--sp = (void *)fiber_main;            // aligned as after a call
    for (int k = 0; k < 6; k++) *--sp = nullptr;
    f.sp = sp;
#else
    getcontext(&f.context);
    f.context.uc_stack.ss_sp = stack_of(i) + PAGE, f.context.uc_stack.ss_size = STACK - PAGE;
    f.context.uc_link = nullptr;
    makecontext(&f.context, (void (*)())fiber_main, 0);
#endif
}
inline void run_block(long index, size_t dynamic) {
    unsigned gx = block->grid.x, gy = block->grid.y, b = (unsigned)index;
    block->index = {b % gx, b / gx % gy, b / (gx * gy)};
    block->warp.assign((size_t)((block->n + WARP - 1) / WARP), Warp());
    block->live = block->n, block->arrived = 0, block->turn++, block->stuck = false;
    block->order = order.of(block->n);
    block->dynamic = dynamic ? new_shared(nullptr, dynamic) : nullptr;
    for (int i = 0; i < block->n; i++) start_fiber(i);
    block->outside_stack = nullptr, block->outside.done = false;
    self = &block->outside, block->at = -1;
    yield();
    self = nullptr;
    for (Fiber &f : block->fiber)
        if (block->stuck && !f.done)
            self = &f, die(f.mask ? "a warp function that not all lanes reach"
                                  : "__syncthreads that not all threads reach",
                           f.line);
    forget_shared();
}
template <class K> struct Bound;
struct Launch {
    dim3 grid, size;
    size_t dynamic;
    Launch(dim3 g, dim3 b, size_t shared = 0, void * = nullptr) : grid(g), size(b), dynamic(shared) {}
    template <class K> Bound<K> of(K kernel) const { return {*this, kernel}; }
    void run(void (*kernel)(void *), void *arguments) const {
        unsigned n = size.x * size.y * size.z;
        if (!n || n > THREADS) die("a block of 0 or of more than 1024 threads");
        if (!grid.x || grid.x > INT32_MAX || grid.y > 65535 || grid.z > 65535)
            die("a grid that no GPU takes");
        if (dynamic > 227 << 10) die("more than 227 KB of dynamic shared memory");
        if (!block) block = new Block;
        if (!block->stacks) {
            block->stacks = (char *)mmap(nullptr, (size_t)STACK * THREADS, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (block->stacks == MAP_FAILED) die("no memory for stacks");
            for (int i = 0; i < THREADS; i++) mprotect(stack_of(i), PAGE, PROT_NONE);
        }
        block->fiber.resize(n), block->n = (int)n, block->size = size, block->grid = grid;
        block->kernel = kernel, block->arguments = arguments, launches++;
        for (int i : order.of((int)(grid.x * grid.y * grid.z))) run_block(i, dynamic);
    }
};
template <class K> struct Bound {
    Launch launch;
    K kernel;
    template <class... A> void operator()(A... a) const {
        auto call = [&] { kernel(a...); };
        typedef decltype(call) Call;
        launch.run([](void *p) { (*(Call *)p)(); }, &call);
    }
};
}  // namespace shim
#define SHIM_LAUNCH(...) shim::Launch(__VA_ARGS__)
#define SHIM_KERNEL(...) [=](auto... a) { __VA_ARGS__(a...); }
#define SHIM_SHARED(type, name, dims)                                                                        \
    typedef type shim_type_##name dims;                                                                      \
    static char shim_key_##name;                                                                             \
    shim_type_##name &name =                                                                                 \
        *(shim_type_##name *)shim::static_shared(&shim_key_##name, sizeof(shim_type_##name))
#define SHIM_DYNAMIC(type, name) type *name = (type *)shim::dynamic_shared()
#define threadIdx (shim::self->tid)
#define blockIdx (shim::block->index)
#define blockDim (shim::block->size)
#define gridDim (shim::block->grid)

// ---- warp functions
inline void __syncthreads(int line = __builtin_LINE()) { shim::barrier(line); }
inline void __syncwarp(unsigned mask = ~0u, int line = __builtin_LINE()) {
    shim::collective(mask, nullptr, nullptr, line);
}
namespace shim {
template <class T> struct Shuffle { T give, take; int from; };
template <class T> T shuffle(unsigned mask, T x, int from, int line) {
    Shuffle<T> mine = {x, x, from};
    collective(mask, &mine, [](Warp &w, unsigned lanes) {
        for (int l = 0; l < WARP; l++) {
            if (!(lanes >> l & 1)) continue;
            Shuffle<T> *s = (Shuffle<T> *)w.operands(l);
            if (s->from < 0 || s->from >= WARP) continue;       // beyond the warp: its own value
            if (!(lanes >> s->from & 1)) die("a shuffle reads a lane outside its mask", w.first[l].line);
            s->take = ((Shuffle<T> *)w.operands(s->from))->give;
        }
    }, line);
    return mine.take;
}
struct Vote { bool yes; unsigned all; };
inline unsigned ballot(unsigned mask, bool yes, int line) {
    Vote mine = {yes, 0};
    collective(mask, &mine, [](Warp &w, unsigned lanes) {
        unsigned all = 0;
        for (int l = 0; l < WARP; l++) if (lanes >> l & 1 && ((Vote *)w.operands(l))->yes) all |= 1u << l;
        for (int l = 0; l < WARP; l++) if (lanes >> l & 1) ((Vote *)w.operands(l))->all = all;
    }, line);
    return mine.all;
}
}  // namespace shim
#define __shfl_sync(mask, x, from) shim::shuffle(mask, x, (int)(from) % 32, __LINE__)
#define __shfl_xor_sync(mask, x, bits) shim::shuffle(mask, x, shim::self->lane ^ (int)(bits), __LINE__)
#define __shfl_down_sync(mask, x, by) shim::shuffle(mask, x, shim::self->lane + (int)(by), __LINE__)
#define __shfl_up_sync(mask, x, by) shim::shuffle(mask, x, shim::self->lane - (int)(by), __LINE__)
#define __ballot_sync(mask, yes) shim::ballot(mask, yes, __LINE__)
#define __any_sync(mask, yes) (shim::ballot(mask, yes, __LINE__) != 0)
#define __all_sync(mask, yes) (shim::ballot(mask, !(yes), __LINE__) == 0)

// ---- arithmetic
using std::max;
using std::min;
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
template <class T> T __ldg(const T *p) { return *p; }
struct __nv_bfloat16 {
    uint16_t bits;
    __nv_bfloat16() = default;
    __nv_bfloat16(float x) {                                // to nearest, ties to even; NaN stays NaN
        uint32_t u;
        memcpy(&u, &x, 4);
        bits = (uint16_t)(x != x ? 0x7FFF : (u + 0x7FFF + (u >> 16 & 1)) >> 16);
    }
    operator float() const {
        uint32_t u = (uint32_t)bits << 16;
        float x;
        memcpy(&x, &u, 4);
        return x;
    }
};
struct alignas(4) __nv_bfloat162 { __nv_bfloat16 x, y; };
inline __nv_bfloat16 __float2bfloat16(float x) { return x; }
inline float __bfloat162float(__nv_bfloat16 x) { return x; }
inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) { return {x, y}; }

// ---- tensor cores: the functions that train.cu writes in PTX, with the layouts of its manual. Lane l has
// group g = l / 4 and t = l % 4.
namespace shim {
inline float half_of(unsigned pair, int high) {
    __nv_bfloat16 x;
    x.bits = (uint16_t)(high ? pair >> 16 : pair);
    return x;
}
struct Mma { float *d; const unsigned *a, *b; };
inline void mma(Warp &w, unsigned) {
    float A[16][16], B[16][8], D[16][8];
    for (int l = 0; l < WARP; l++) {
        Mma *m = (Mma *)w.operands(l);
        int g = l / 4, t = l % 4;
        for (int r = 0; r < 4; r++)
            for (int e = 0; e < 2; e++) A[g + r % 2 * 8][r / 2 * 8 + 2 * t + e] = half_of(m->a[r], e);
        for (int r = 0; r < 2; r++)
            for (int e = 0; e < 2; e++) B[r * 8 + 2 * t + e][g] = half_of(m->b[r], e);
        for (int e = 0; e < 4; e++) D[g + e / 2 * 8][2 * t + e % 2] = m->d[e];
    }
    for (int l = 0; l < WARP; l++)
        for (int e = 0; e < 4; e++) {
            int i = l / 4 + e / 2 * 8, j = 2 * (l % 4) + e % 2;
            float sum = D[i][j];
            for (int k = 0; k < 16; k++) sum += A[i][k] * B[k][j];
            ((Mma *)w.operands(l))->d[e] = sum;
        }
}
struct Matrices { unsigned *out; const uint16_t *line; };
template <int TURNED> void load_matrices(Warp &w, unsigned) {   // lane 8 m + i points at line i of matrix m
    for (int l = 0; l < WARP; l++)
        for (int m = 0; m < 4; m++) {
            uint16_t two[2];
            for (int e = 0; e < 2; e++) {
                int row = TURNED ? 2 * (l % 4) + e : l / 4, column = TURNED ? l / 4 : 2 * (l % 4) + e;
                two[e] = ((Matrices *)w.operands(8 * m + row))->line[column];
            }
            ((Matrices *)w.operands(l))->out[m] = two[0] | (unsigned)two[1] << 16;
        }
}
template <int TURNED> void ldmatrix(unsigned out[4], const void *line, int at) {
    Matrices mine = {out, (const uint16_t *)line};
    if ((size_t)line % 16) die("ldmatrix: a line that is not aligned to 16 bytes", at);
    collective(~0u, &mine, load_matrices<TURNED>, at);
}
}  // namespace shim
// d += A B: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
inline void sb_mma_bf16(float d[4], const unsigned a[4], const unsigned b[2], int line = __builtin_LINE()) {
    shim::Mma mine = {d, a, b};
    shim::collective(~0u, &mine, shim::mma, line);
}
// ldmatrix.sync.aligned.m8n8.x4(.trans).shared.b16
inline void sb_ldmatrix_x4(unsigned out[4], const void *line, int at = __builtin_LINE()) {
    shim::ldmatrix<0>(out, line, at);
}
inline void sb_ldmatrix_x4_trans(unsigned out[4], const void *line, int at = __builtin_LINE()) {
    shim::ldmatrix<1>(out, line, at);
}

// cp.async: 16 bytes, zeros behind the first `bytes`. On a GPU they may arrive at once or as late as the wait
// for their group: forward order does the one, reverse order the other, random order either, so that a
// forgotten wait shows, and a copy into what is still read.
namespace shim {
inline void arrive(const Copy &c) {
    char line[16] = {};
    memcpy(line, c.from, (size_t)c.bytes);
    memcpy(c.to, line, 16);
}
inline void wait_copies(unsigned newest) {
    std::vector<Copy> &list = self->copies;
    size_t kept = 0;
    for (Copy &c : list)
        if (c.group + newest < self->group) arrive(c);
        else list[kept++] = c;
    list.resize(kept);
}
}  // namespace shim
inline void sb_copy_async(void *to, const void *from, int bytes) {
    if ((size_t)to % 16 || (size_t)from % 16) shim::die("cp.async: an address not aligned to 16 bytes");
    if (bytes < 0 || bytes > 16) shim::die("cp.async: more than 16 bytes");
    shim::Copy copy = {to, from, bytes, shim::self->group};
    if (shim::order.early()) shim::arrive(copy);
    else shim::self->copies.push_back(copy);
}
inline void sb_copy_commit() { shim::self->group++; }
template <int N> void sb_copy_wait() { shim::wait_copies(N); }

// ---- the runtime's API: a device whose memory is the host's. SHIM_DEVICE="driver 11040", "driver 0",
// "count 0", "arch 75", "memory 900" (kB) or "full 50" (no more memory after so many launches): one that
// will not do.
typedef int cudaError_t;
enum { cudaSuccess, cudaErrorMemoryAllocation = 2, cudaErrorInsufficientDriver = 35,
       cudaErrorNoDevice = 100 };
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
struct cudaDeviceProp { char name[16]; int major, minor; };
namespace shim {
enum { BUILT = 13000 };
struct Device {
    int driver = BUILT, count = 1, arch = 80;
    size_t memory = (size_t)1 << 50, used = 0;
    long full = LONG_MAX;
    long allocations = 0, waits = 0;            // calls for memory; calls in which the host waits
    long put = 0;                               // launches before the last copy from the host
    std::map<void *, size_t> size;
    Device() {
        char what[9];
        long n;
        const char *s = getenv("SHIM_DEVICE");
        if (!s) return;
        if (sscanf(s, "%8s %ld", what, &n) != 2) die("SHIM_DEVICE: expected a word and a number");
        if (!strcmp(what, "driver")) driver = (int)n;
        else if (!strcmp(what, "count")) count = (int)n;
        else if (!strcmp(what, "arch")) arch = (int)n;
        else if (!strcmp(what, "memory")) memory = (size_t)n * 1000;
        else if (!strcmp(what, "full")) full = n;
        else die("SHIM_DEVICE: expected driver, count, arch, memory or full");
    }
};
inline Device device;
}  // namespace shim
inline cudaError_t cudaMalloc(void **p, size_t size) {
    shim::Device &d = shim::device;
    if (size > d.memory - d.used || shim::launches > d.full ||
        posix_memalign(p, 256, size ? size : 1)) return cudaErrorMemoryAllocation;
    memset(*p, shim::POISON, size);
    d.allocations++, d.used += d.size[*p] = size;
    if (shim_region) shim_region(*p, size);
    return cudaSuccess;
}
inline cudaError_t cudaMallocManaged(void **p, size_t size) { return cudaMalloc(p, size); }
inline cudaError_t cudaDeviceSynchronize() { return shim::device.waits++, cudaSuccess; }
inline cudaError_t cudaFree(void *p) {
    if (!p) return cudaSuccess;
    auto found = shim::device.size.find(p);
    if (found == shim::device.size.end()) shim::die("cudaFree of what cudaMalloc did not give");
    shim::device.used -= found->second, shim::device.waits++;
    shim::device.size.erase(found);
    if (shim_unregion) shim_unregion(p);
    free(p);
    return cudaSuccess;
}
inline cudaError_t cudaMemcpy(void *to, const void *from, size_t size, cudaMemcpyKind kind) {
    memcpy(to, from, size);
    if (kind == cudaMemcpyHostToDevice) shim::device.put = shim::launches;
    else shim::device.waits++;
    return cudaSuccess;
}
inline cudaError_t cudaMemset(void *p, int value, size_t size) { return memset(p, value, size), cudaSuccess; }
enum { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
template <class K> cudaError_t cudaFuncSetAttribute(K, int, int) { return cudaSuccess; }
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline const char *cudaGetErrorString(cudaError_t e) {
    return e == cudaErrorNoDevice ? "no CUDA-capable device is detected" : "an error of the shim";
}
inline cudaError_t cudaMemGetInfo(size_t *left, size_t *all) {
    *all = shim::device.memory, *left = shim::launches > shim::device.full ? 0 : *all - shim::device.used;
    return cudaSuccess;
}
typedef timespec *cudaEvent_t;
inline cudaError_t cudaEventCreate(cudaEvent_t *event) { return *event = new timespec, cudaSuccess; }
inline cudaError_t cudaEventRecord(cudaEvent_t event) {
    clock_gettime(CLOCK_MONOTONIC, event);
    return cudaSuccess;
}
inline cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
inline cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to) {
    *ms = (float)((double)(to->tv_sec - from->tv_sec) * 1e3 + (double)(to->tv_nsec - from->tv_nsec) * 1e-6);
    return cudaSuccess;
}
inline cudaError_t cudaDriverGetVersion(int *n) { return *n = shim::device.driver, cudaSuccess; }
inline cudaError_t cudaRuntimeGetVersion(int *n) { return *n = shim::BUILT, cudaSuccess; }
inline cudaError_t cudaGetDeviceCount(int *count) {
    *count = shim::device.count;
    if (shim::device.driver < shim::BUILT) return cudaErrorInsufficientDriver;
    return *count ? cudaSuccess : cudaErrorNoDevice;
}
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int) {
    snprintf(p->name, sizeof p->name, "cuda_shim");
    p->major = shim::device.arch / 10, p->minor = shim::device.arch % 10;
    return cudaSuccess;
}
#endif
