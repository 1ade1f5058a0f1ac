// fuzz.c: the readers under libFuzzer: $TARGET names one of targets.h. Built and run by dev/fuzz.mk.
//
// sb_die comes back here by longjmp, so what a reader held then (memory, files, maps) is given back by the
// sanitizer's hooks and the stand-ins below: millions of inputs run in one process.
#define _POSIX_C_SOURCE 200809L
#include <sanitizer/allocator_interface.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// ---- what is held

enum { SLOTS = 1 << 18, THINGS = 64 };
static void *live[SLOTS];               // pointers by hash; GONE: one was there
static int used[SLOTS], uses, tracking;
#define GONE ((void *)1)

static unsigned slot_of(const volatile void *p) {
    return (unsigned)(((uintptr_t)p >> 4) * 0x9E3779B97F4A7C15ull >> 46);
}
static void on_malloc(const volatile void *p, size_t size) {
    (void)size;
    if (!tracking || !p || uses > SLOTS / 2) return;
    unsigned i = slot_of(p);
    while (live[i]) i = (i + 1) % SLOTS;
    live[i] = (void *)(uintptr_t)p;
    used[uses++] = (int)i;
}
static void on_free(const volatile void *p) {
    if (!tracking || !p) return;
    for (unsigned i = slot_of(p); live[i]; i = (i + 1) % SLOTS)
        if (live[i] == p) {
            live[i] = GONE;
            return;
        }
}

static FILE *opened[THINGS];
static int opens;
static FILE *held_fopen(const char *path, const char *mode) {
    FILE *file = fopen(path, mode);
    if (file && opens < THINGS) opened[opens++] = file;
    return file;
}
static int held_fclose(FILE *file) {
    for (int i = 0; i < opens; i++)
        if (opened[i] == file) opened[i] = opened[--opens];
    return fclose(file);
}
// a map is memory of its size, so that reading beyond it is seen
static void *held_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) {
    void *p = malloc(size);
    (void)at, (void)protection, (void)flags;
    return p && pread(fd, p, size, offset) == (ssize_t)size ? p : MAP_FAILED;
}
static int held_munmap(void *at, size_t size) {
    (void)size;
    free(at);
    return 0;
}
static void give_back(void) {
    while (opens > 0) fclose(opened[--opens]);
    tracking = 0;
    while (uses > 0) {
        void *p = live[used[--uses]];
        if (p != GONE) free(p);
        live[used[uses]] = NULL;
    }
}

// ---- the readers

#define fopen held_fopen
#define fclose held_fclose
#define mmap held_mmap
#define munmap held_munmap
#include "../../data/file.h"
#define SB_FAIL(...) sb_die(__VA_ARGS__)
#include "../../spatialboost.h"
#include "targets.h"

static jmp_buf end;
static int chosen = -1;
static void leave(void) { sb_remove(fuzz_folder); }

static void died(const char *message) {
    fuzz_need(*message != 0, "an error without a message");
    for (const char *c = message; *c; c++) fuzz_need((unsigned char)*c >= ' ' && *c != 127, "a control code");
    longjmp(end, 1);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    const char *name = getenv("TARGET");
    char folder[64];
    for (int i = 0; name && i < FUZZ_TARGETS; i++)
        if (!strcmp(name, fuzz_target[i].name)) chosen = i;
    if (chosen < 0) {
        fprintf(stderr, "TARGET is one of");
        for (int i = 0; i < FUZZ_TARGETS; i++) fprintf(stderr, " %s", fuzz_target[i].name);
        fprintf(stderr, "\n");
        exit(1);
    }
    snprintf(folder, sizeof folder, "%s/sb_fuzz_%ld", sb_is_folder("/dev/shm") ? "/dev/shm" : "/tmp",
             (long)getpid());
    fuzz_begin(folder);
    atexit(leave);
    __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *copy = (char *)malloc(size + 1);      // of its own size, so that reading beyond it is seen
    if (size) memcpy(copy, data, size);
    copy = (char *)realloc(copy, size ? size : 1);
    tracking = 1;
    sb_die_hook = died;
    if (!setjmp(end)) fuzz_target[chosen].run(copy, size);
    give_back();
    sb_mapped = NULL;
    fuzz_clean();
    free(copy);
    return 0;
}
