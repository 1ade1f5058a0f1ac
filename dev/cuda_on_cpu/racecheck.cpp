// racecheck.cpp: finds two accesses of a kernel to the same byte, one of them a write, that nothing orders.
//
// The compiler marks every load and store (-fsanitize=thread) and would link a library that knows of
// pthreads; this file takes that library's place and knows CUDA: what is ordered are accesses of one thread,
// accesses of a block on both sides of a __syncthreads, of a warp on both sides of a warp function, and
// different launches. Blocks of a launch are never ordered. It looks at shared memory and at what cudaMalloc
// gave; it refuses atomics (the project has none). Compile it without the flag, the kernels with it; see
// dev/cuda.mk.
#include "cuda_shim.h"
#include <map>
#include <set>
#include <utility>

namespace {
struct Access {
    long launch;
    unsigned block, barriers, collectives;
    int thread;
    void *at;
};                                                      // thread -1: none
struct Byte { Access write, read[2]; };                 // the last write, the last reads of two threads
struct Region { size_t size; std::vector<Byte> byte; };
std::map<char *, Region> regions;
std::set<std::pair<void *, void *>> told;
long races;
const Access nothing = {0, 0, 0, 0, -1, nullptr};

bool ordered(const Access &a, const Access &b) {        // a came first on this CPU
    if (a.thread < 0 || a.launch != b.launch) return true;
    if (a.block != b.block) return false;
    if (a.thread == b.thread || a.barriers != b.barriers) return true;
    return a.thread / 32 == b.thread / 32 && a.collectives != b.collectives;
}
void tell(const char *what, const Access &a, const Access &b, long offset) {
    races++;
    if (told.size() >= 8 || !told.insert({a.at, b.at}).second) return;
    fprintf(stderr, "race: %s, byte %ld: block %u thread %d (at %p), block %u thread %d (at %p)\n", what,
            offset, a.block, a.thread, a.at, b.block, b.thread, b.at);
}
void access(void *where, size_t size, bool write, void *at) {
    if (!shim::self || shim::self == &shim::block->outside) return;
    auto found = regions.upper_bound((char *)where);
    if (found == regions.begin()) return;
    --found;
    long first = (char *)where - found->first;
    const shim::Fiber &f = *shim::self;
    Access now = {shim::launches, shim::block->index.x, shim::block->turn, f.warp->turn, f.index, at};
    for (size_t i = (size_t)first; i < (size_t)first + size && i < found->second.size; i++) {
        Byte &b = found->second.byte[i];
        if (!ordered(b.write, now))
            tell(write ? "two writes" : "a read after a write", b.write, now, (long)i);
        for (const Access &r : b.read)
            if (write && !ordered(r, now)) tell("a write after a read", r, now, (long)i);
        if (write) {
            b.write = now;
        } else {
            if (b.read[0].thread != now.thread || b.read[0].block != now.block) b.read[1] = b.read[0];
            b.read[0] = now;
        }
    }
}
struct AtEnd {
    ~AtEnd() {
        if (races) fprintf(stderr, "race: %ld bytes in all\n", races), _Exit(4);
    }
} at_end;
}  // namespace

extern "C" void shim_region(void *p, size_t size) {
    regions[(char *)p] = {size, std::vector<Byte>(size, Byte{nothing, {nothing, nothing}})};
}
extern "C" void shim_unregion(void *p) { regions.erase((char *)p); }

// What the compiler calls.
#define SHIM_HOOKS(n) \
    void __tsan_read##n(void *p) { access(p, n, false, __builtin_return_address(0)); } \
    void __tsan_write##n(void *p) { access(p, n, true, __builtin_return_address(0)); } \
    void __tsan_unaligned_read##n(void *p) { access(p, n, false, __builtin_return_address(0)); } \
    void __tsan_unaligned_write##n(void *p) { access(p, n, true, __builtin_return_address(0)); }
extern "C" {
SHIM_HOOKS(1) SHIM_HOOKS(2) SHIM_HOOKS(4) SHIM_HOOKS(8) SHIM_HOOKS(16)
void __tsan_read_range(void *p, size_t n) { access(p, n, false, __builtin_return_address(0)); }
void __tsan_write_range(void *p, size_t n) { access(p, n, true, __builtin_return_address(0)); }
void __tsan_init() {}
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void **, void *) {}
void __tsan_vptr_read(void **) {}
void *__tsan_memcpy(void *to, const void *from, size_t n) {
    access((void *)(size_t)from, n, false, __builtin_return_address(0));
    access(to, n, true, __builtin_return_address(0));
    return memcpy(to, from, n);
}
void *__tsan_memset(void *to, int value, size_t n) {
    access(to, n, true, __builtin_return_address(0));
    return memset(to, value, n);
}
void *__tsan_memmove(void *to, const void *from, size_t n) { return __tsan_memcpy(to, from, n); }
// function-local statics of the shim are guarded by atomics; they are nobody's race
#define SHIM_ATOMICS(bits, T) \
    T __tsan_atomic##bits##_load(const volatile T *p, int) { return *p; } \
    void __tsan_atomic##bits##_store(volatile T *p, T v, int) { *p = v; }
SHIM_ATOMICS(8, uint8_t) SHIM_ATOMICS(32, uint32_t) SHIM_ATOMICS(64, uint64_t)
}
