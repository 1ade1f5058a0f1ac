// test.h: what every test is written with.
//
//     static void test_sum(void) { CHECK(1 + 1 == 2, "%d instead of 2", 1 + 1); }
//     int main(int argc, char **argv) { test_begin(argc, argv); RUN(test_sum); return test_end(); }
//
// Refuses: a test that checks nothing. Output: a line per test, then "N passed, N failed, N skipped";
// test_end returns 1 if anything failed. Arguments of the program choose tests by parts of their names.
#ifndef SB_TEST_H
#define SB_TEST_H
#include "../data/file.h"
#include <sys/wait.h>
#include <time.h>
#ifdef _OPENMP
#include <omp.h>
#endif

static int test_passed, test_failed, test_skipped;      // tests
static long test_checks, test_failures;                 // in the test that is running
static char test_first[1024], test_reason[256];         // its first failure; why it is skipped
static char **test_chosen;
static int test_pipe[2], test_child;

// Record a failure and go on.
static SB_UNUSED SB_PRINTF(3, 4) void test_fail(const char *file, int line, const char *format, ...) {
    char text[900];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *slash = strrchr(file, '/');
    if (test_failures++ == 0)
        snprintf(test_first, sizeof test_first, "%s:%d: %s", slash ? slash + 1 : file, line, text);
    else if (test_failures <= 5) printf("     %s:%d: %s\n", slash ? slash + 1 : file, line, text);
}

// CHECK(condition, "what is wrong", ...): in the words of printf; the test goes on after a failure.
#define CHECK(condition, ...) \
    do { \
        test_checks++; \
        if (!(condition)) test_fail(__FILE__, __LINE__, __VA_ARGS__); \
    } while (0)

// Leave the test and count it as skipped.
#define SKIP(...) \
    do { \
        snprintf(test_reason, sizeof test_reason, __VA_ARGS__); \
        return; \
    } while (0)

// EXPECT_DIE(statement, "part of the message"): the statement must end in sb_die, with one line that holds
// the text. It runs in a child process, so that a crash is a failure like any other and memory lost on the
// way does not add up.
#define EXPECT_DIE(statement, text) \
    do { \
        test_checks++; \
        if (test_fork()) { \
            statement; \
            _exit(0); \
        } \
        test_expect_die(__FILE__, __LINE__, #statement, text); \
    } while (0)

// The statement may succeed or end in sb_die, but not crash.
#define EXPECT_NO_CRASH(statement) \
    do { \
        test_checks++; \
        if (test_fork()) { \
            statement; \
            _exit(0); \
        } \
        test_expect_no_crash(__FILE__, __LINE__, #statement); \
    } while (0)

static SB_UNUSED void test_hook(const char *message) {
    size_t size = strlen(message);
    if (write(test_pipe[1], message, size) != (ssize_t)size) _exit(3);
    _exit(1);
}

// fork(); true in the child, where sb_die goes into the pipe, nothing is printed, and a minute is the limit.
static SB_UNUSED int test_fork(void) {
    fflush(stdout);
    fflush(stderr);
    if (pipe(test_pipe) != 0) sb_die("test: no pipe (%s)", strerror(errno));
    test_child = (int)fork();
    if (test_child < 0) sb_die("test: cannot fork (%s)", strerror(errno));
    if (test_child) {
        close(test_pipe[1]);
        return 0;
    }
    close(test_pipe[0]);
    if (!freopen("/dev/null", "w", stdout)) _exit(3);
#ifdef _OPENMP
    omp_set_num_threads(1);  // the parent's threads do not exist here
#endif
    alarm(60);
    sb_die_hook = test_hook;
    return 1;
}

// Wait for the child: its exit code, or -1 and a failure if it crashed. message: what it said in sb_die, or
// "".
static SB_UNUSED int test_join(const char *file, int line, const char *statement, char *message,
                               size_t size) {
    size_t used = 0;
    int status = 0;
    for (ssize_t n = 1; used < size - 1 && n > 0; used += n > 0 ? (size_t)n : 0)
        n = read(test_pipe[0], message + used, size - 1 - used);
    message[used] = 0;
    close(test_pipe[0]);
    if (waitpid((pid_t)test_child, &status, 0) >= 0 && WIFEXITED(status)) return WEXITSTATUS(status);
    int signal_number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    test_fail(file, line, "%s: crashed with signal %d", statement, signal_number);
    return -1;
}

static SB_UNUSED void test_expect_die(const char *file, int line, const char *statement, const char *text) {
    char said[2100];
    int code = test_join(file, line, statement, said, sizeof said);
    if (code == 0) test_fail(file, line, "%s: was accepted, expected \"%s\"", statement, text);
    else if (code > 1) test_fail(file, line, "%s: exit code %d", statement, code);
    else if (strchr(said, '\n')) test_fail(file, line, "%s: more than a line: %s", statement, said);
    else if (code == 1 && !strstr(said, text))
        test_fail(file, line, "%s: expected \"%s\", found \"%s\"", statement, text, said);
}

static SB_UNUSED void test_expect_no_crash(const char *file, int line, const char *statement) {
    char said[2100];
    int code = test_join(file, line, statement, said, sizeof said);
    if (code > 1) test_fail(file, line, "%s: exit code %d", statement, code);
}

// ---- running

static SB_UNUSED void test_begin(int argc, char **argv) { test_chosen = argc > 1 ? argv + 1 : NULL; }

static SB_UNUSED double test_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#define RUN(function) test_run(function, #function)

static SB_UNUSED void test_run(void (*function)(void), const char *name) {
    int chosen = !test_chosen;
    for (char **part = test_chosen; part && *part; part++) chosen |= strstr(name, *part) != NULL;
    if (!chosen) return;
    test_checks = test_failures = 0;
    *test_reason = *test_first = 0;
    double start = test_seconds();
    function();
    double took = test_seconds() - start;
    if (!strncmp(name, "test_", 5)) name += 5;
    if (!test_failures && !test_checks && !*test_reason) {
        test_failures = 1;
        snprintf(test_first, sizeof test_first, "it checks nothing");
    }
    if (test_failures)
        printf("FAIL %s: %s (%ld of %ld checks failed)\n", name, test_first, test_failures, test_checks);
    else if (*test_reason) printf("skip %s: %s\n", name, test_reason);
    else printf("ok   %s (%ld checks, %.1f s)\n", name, test_checks, took);
    test_failed += test_failures > 0;
    test_skipped += !test_failures && *test_reason;
    test_passed += !test_failures && !*test_reason;
    fflush(stdout);
}

// ---- files

static char test_folder_name[512];

// A folder of this run's own, removed in test_end.
static SB_UNUSED const char *test_folder(void) {
    const char *base = getenv("TMPDIR");
    if (*test_folder_name) return test_folder_name;
    snprintf(test_folder_name, sizeof test_folder_name, "%s/sb_test_%ld", base && *base ? base : "/tmp",
             (long)getpid());
    sb_remove(test_folder_name);
    sb_make_folder(test_folder_name);
    return test_folder_name;
}

// A name in it. The text lasts for the next 15 calls.
static SB_UNUSED const char *test_path(const char *name) {
    static char path[16][768];
    static int turn;
    turn = (turn + 1) % 16;
    snprintf(path[turn], sizeof path[turn], "%s/%s", test_folder(), name);
    return path[turn];
}

// The real scenes that some tests use: $SB_DATA or ../shared/data; NULL if there are none.
static SB_UNUSED const char *sb_data_folder(void) {
    const char *given = getenv("SB_DATA");
    if (given && *given) return sb_is_folder(given) ? given : NULL;
    return sb_is_folder("../shared/data") ? "../shared/data" : NULL;
}

// The folder of the programs: $SB_BIN, or the project's root, where tests are started.
static SB_UNUSED const char *test_bin(void) {
    const char *bin = getenv("SB_BIN");
    return bin && *bin ? bin : ".";
}

static SB_UNUSED int test_end(void) {
    if (*test_folder_name) sb_remove(test_folder_name);
    printf("%d passed, %d failed, %d skipped\n", test_passed, test_failed, test_skipped);
    return test_failed > 0;
}
#endif
