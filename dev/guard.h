// guard.h: a backend's memory that only operations may touch, so that a second backend meets no surprise.
//
// It replaces sb_alloc by memory without access. Operations, sb_put, sb_get and sb_zero open it while they
// run (SB_OP); host code that follows a tensor's pointer crashes (SIGSEGV, on macOS SIGBUS). Refuses: to be
// fast (two system calls an operation), to check what an operation itself does (the sanitizers do that).
// Use: cc -include dev/guard.h ... train.c. Numbers are those of the ordinary build, bit for bit.
// All tensors lie in one reserved stretch of addresses, so opening is one mprotect; OpenMP's threads inside
// an operation see it open: protection belongs to the process. Operations start on one thread only.
#ifndef SB_GUARD_H
#define SB_GUARD_H
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE 1               // MAP_ANONYMOUS
#endif
#ifndef _DARWIN_C_SOURCE
#define _DARWIN_C_SOURCE 1
#endif
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

#define SB_GUARD_ALLOC(bytes) sb_guard_alloc(bytes)
#define SB_GUARD_FREE(p) sb_guard_free(p)
#define SB_OP int sb_guard_scope __attribute__((cleanup(sb_guard_leave), unused)) = sb_guard_enter()

enum { SB_GUARD_MAP = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };
static const size_t sb_guard_room = (size_t)1 << 35;       // addresses, not memory
static char *sb_guard_base;
static size_t sb_guard_used;
static int sb_guard_depth;              // operations that are running, one inside the other

static inline void sb_guard_fail(const char *what) {
    perror(what);
    abort();
}
static inline void sb_guard_protect(int access) {
    if (sb_guard_used && mprotect(sb_guard_base, sb_guard_used, access)) sb_guard_fail("guard.h: mprotect");
}
static inline int sb_guard_enter(void) {
    if (sb_guard_depth++ == 0) sb_guard_protect(PROT_READ | PROT_WRITE);
    return 0;
}
static inline void sb_guard_leave(int *scope) {
    (void)scope;
    if (--sb_guard_depth == 0) sb_guard_protect(PROT_NONE);
}
// Zeroed. The first page of every piece holds its size: what lies in front of the pointer belongs to guard.h.
static inline void *sb_guard_alloc(size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = page + (bytes / page + 1) * page;
    if (!sb_guard_base) {
        void *p = mmap(NULL, sb_guard_room, PROT_NONE, SB_GUARD_MAP, -1, 0);
        if (p == MAP_FAILED) sb_guard_fail("guard.h: mmap");
        sb_guard_base = (char *)p;
    }
    if (size < bytes || size > sb_guard_room - sb_guard_used) sb_guard_fail("guard.h: out of addresses");
    char *piece = sb_guard_base + sb_guard_used;
    sb_guard_used += size;
    sb_guard_enter();
    *(size_t *)piece = size;
    int scope = 0;
    sb_guard_leave(&scope);
    return piece + page;
}
// The memory goes back; its addresses are not used again.
static inline void sb_guard_free(void *p) {
    if (!p) return;
    char *piece = (char *)p - sysconf(_SC_PAGESIZE);
    sb_guard_enter();
    size_t size = *(size_t *)piece;
    int scope = 0;
    sb_guard_leave(&scope);
    if (mmap(piece, size, PROT_NONE, SB_GUARD_MAP | MAP_FIXED, -1, 0) == MAP_FAILED)
        sb_guard_fail("guard.h: mmap");
}
#endif
