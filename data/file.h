// file.h: errors, whole files in, whole files out: what every program here does with a file system.
//
// Refuses: to return an error. Whatever goes wrong is said in one line that names the file, what was wanted,
// what was found and what to do, then exit(1). A file that is written appears under its name complete, or not
// at all. Read from top: sb_die, memory and text, random numbers by counter, folders, reading, writing.
#ifndef SB_FILE_H
#define SB_FILE_H
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__GNUC__)
#define SB_UNUSED __attribute__((unused))
#define SB_NORETURN __attribute__((noreturn))
#define SB_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define SB_UNUSED
#define SB_NORETURN
#define SB_PRINTF(f, a)
#endif

// ---- errors

// Half-written files and folders: sb_die removes them, so that no error leaves one behind.
static char *sb_temp_path[8];
static int sb_temp_count;
static SB_UNUSED void sb_remove(const char *path);

// Print "error: ..." and exit 1. Tests may set sb_die_hook to catch it (the hook must not return).
static void (*sb_die_hook)(const char *message);
static SB_UNUSED SB_NORETURN SB_PRINTF(1, 2) void sb_die(const char *format, ...) {
    char message[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    for (char *c = message; *c; c++)    // names come from files: no line ends, nothing that moves a terminal
        if ((unsigned char)*c < 0x20 || *c == 0x7F) *c = '?';
    while (sb_temp_count > 0) {
        sb_remove(sb_temp_path[--sb_temp_count]);
        free(sb_temp_path[sb_temp_count]);
    }
    if (sb_die_hook) sb_die_hook(message);
    fflush(stdout);
    fprintf(stderr, "error: %s\n", message);
    exit(1);
}

// ---- memory and text

// malloc that does not return NULL; zeroed. count * size is checked for overflow by calloc.
static SB_UNUSED void *sb_calloc(size_t count, size_t size) {
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p) sb_die("out of memory: %zu x %zu bytes wanted", count, size);
    return p;
}

// realloc that does not return NULL.
static SB_UNUSED void *sb_realloc(void *old, size_t size) {
    void *p = realloc(old, size ? size : 1);
    if (!p) sb_die("out of memory: %zu bytes wanted", size);
    return p;
}

// A text that grows. data is NUL-terminated after the first addition; free(data) when done. Start from zeros.
typedef struct { char *data; size_t size, capacity; } SbText;

static SB_UNUSED void sb_text_bytes(SbText *t, const void *bytes, size_t count) {
    if (count >= SIZE_MAX / 4 || t->size >= SIZE_MAX / 4) sb_die("out of memory: a text of %zu bytes", count);
    if (t->size + count + 1 > t->capacity) {
        t->capacity = 2 * (t->size + count) + 64;
        t->data = (char *)sb_realloc(t->data, t->capacity);
    }
    if (count) memcpy(t->data + t->size, bytes, count);
    t->size += count;
    t->data[t->size] = 0;
}

static SB_UNUSED void sb_text_vadd(SbText *t, const char *format, va_list args) {
    char small[512];
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, format, args);
    if (n < 0) sb_die("cannot format \"%s\"", format);
    if ((size_t)n < sizeof small) {
        sb_text_bytes(t, small, (size_t)n);
    } else {
        char *large = (char *)sb_calloc((size_t)n + 1, 1);
        vsnprintf(large, (size_t)n + 1, format, again);
        sb_text_bytes(t, large, (size_t)n);
        free(large);
    }
    va_end(again);
}

static SB_UNUSED SB_PRINTF(2, 3) void sb_text_add(SbText *t, const char *format, ...) {
    va_list args;
    va_start(args, format);
    sb_text_vadd(t, format, args);
    va_end(args);
}

// sprintf into memory of its own; free() it.
static SB_UNUSED SB_PRINTF(1, 2) char *sb_format(const char *format, ...) {
    SbText t = {NULL, 0, 0};
    va_list args;
    va_start(args, format);
    sb_text_vadd(&t, format, args);
    va_end(args);
    return t.data;
}

static SB_UNUSED char *sb_copy(const char *text) { return sb_format("%s", text); }

// Index of the first byte that is not part of well-formed UTF-8 (overlong forms, surrogates and values above
// 10FFFF are not), or size if all of it is.
static SB_UNUSED size_t sb_utf8_end(const char *text, size_t size) {
    const unsigned char *s = (const unsigned char *)text;
    size_t i = 0;
    while (i < size) {
        unsigned c = s[i];
        size_t more = c < 0x80 ? 0 : c < 0xC2 ? 9 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : c < 0xF5 ? 3 : 9;
        if (more > size - i - 1) return i;
        for (size_t k = 1; k <= more; k++)
            if ((s[i + k] & 0xC0) != 0x80) return i;
        if ((c == 0xE0 && s[i + 1] < 0xA0) || (c == 0xED && s[i + 1] > 0x9F)) return i;
        if ((c == 0xF0 && s[i + 1] < 0x90) || (c == 0xF4 && s[i + 1] > 0x8F)) return i;
        i += more + 1;
    }
    return size;
}

// Order of names in which 2.png stands before 10.png: runs of digits compare as numbers, the rest as bytes.
static SB_UNUSED int sb_natural_order(const char *a, const char *b) {
    const char *x = a, *y = b;
    while (*x && *y) {
        size_t nx = strspn(x, "0123456789"), ny = strspn(y, "0123456789");
        if (nx && ny) {
            while (nx > 1 && *x == '0') x++, nx--;
            while (ny > 1 && *y == '0') y++, ny--;
            int c = nx != ny ? (nx < ny ? -1 : 1) : strncmp(x, y, nx);
            if (c) return c;
            x += nx;
            y += ny;
        } else {
            if (*x != *y) return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
            x++;
            y++;
        }
    }
    return *x ? 1 : *y ? -1 : strcmp(a, b);
}

// ---- random numbers: a function of (seed, counter), so that order and threads do not matter

// 64 well mixed bits of (seed, counter): splitmix64's finaliser over both words.
static SB_UNUSED uint64_t sb_hash(uint64_t seed, uint64_t counter) {
    uint64_t z = seed * 0x9E3779B97F4A7C15ull + counter * 0xD1B54A32D192ED03ull + 0x8CB92BA72F3D8DD7ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    z ^= z >> 31;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

// A stream of numbers from one key: sb_next_* advance the counter.
typedef struct { uint64_t key, counter; } SbRandom;
static SB_UNUSED SbRandom sb_random(uint64_t seed, uint64_t stream) {
    SbRandom r;
    r.key = sb_hash(seed, stream);
    r.counter = 0;
    return r;
}
// An integer in [0, n), n < 2^32.
static SB_UNUSED uint32_t sb_next_int(SbRandom *r, uint32_t n) {
    return (uint32_t)(((sb_hash(r->key, r->counter++) >> 32) * (uint64_t)n) >> 32);
}
// A number in [0, 1), multiple of 2^-24 so that float and double agree.
static SB_UNUSED double sb_next_unit(SbRandom *r) {
    return (double)(sb_hash(r->key, r->counter++) >> 40) * (1.0 / 16777216.0);
}
// Standard normal (Box and Muller, 1958).
static SB_UNUSED double sb_next_normal(SbRandom *r) {
    double u = 1 - sb_next_unit(r), v = sb_next_unit(r);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

// ---- folders

static SB_UNUSED int sb_exists(const char *path) {
    struct stat s;
    return stat(path, &s) == 0;
}

static SB_UNUSED int sb_is_folder(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

// The folder part of a path: "a/b.txt" -> "a", "b.txt" -> ".", "/b" -> "/". free() it.
static SB_UNUSED char *sb_folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return sb_copy(".");
    return sb_format("%.*s", slash == path ? 1 : (int)(slash - path), path);
}

// A path without slashes at its end. free() it.
static SB_UNUSED char *sb_trim_slashes(const char *path) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    return sb_format("%.*s", (int)length, path);
}

// Make a folder and those above it (mkdir -p). One that exists is fine; a file of that name is an error.
static SB_UNUSED void sb_make_folder(const char *path) {
    char *p = sb_copy(path);
    if (!*p) sb_die("the name of a folder is empty");
    for (char *c = p + 1;; c++) {
        if (*c && *c != '/') continue;
        char keep = *c;
        *c = 0;
        if (mkdir(p, 0777) != 0 && !sb_is_folder(p)) {
            int e = errno;
            sb_die("%s: cannot make the folder %s (%s)", path, p,
                   e == EEXIST || e == ENOTDIR ? "a file of that name is in the way" : strerror(e));
        }
        *c = keep;
        if (!keep) break;
    }
    free(p);
}

// Remove a file, or a folder with everything in it; links are removed, not followed. Errors are ignored.
static SB_UNUSED void sb_remove(const char *path) {
    struct stat s;
    if (lstat(path, &s) != 0) return;
    if (!S_ISDIR(s.st_mode)) {
        unlink(path);
        return;
    }
    DIR *folder = opendir(path);
    for (struct dirent *e = folder ? readdir(folder) : NULL; e; e = readdir(folder)) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        char *inside = sb_format("%s/%s", path, e->d_name);
        sb_remove(inside);
        free(inside);
    }
    if (folder) closedir(folder);
    rmdir(path);
}

static SB_UNUSED int sb_compare_names(const void *a, const void *b) {
    return sb_natural_order(*(char *const *)a, *(char *const *)b);
}

// The names in a folder in natural order, without those that begin with a dot. sb_free_names() it.
static SB_UNUSED char **sb_list_folder(const char *path, int *count) {
    DIR *folder = opendir(path);
    if (!folder) sb_die("%s: cannot be read as a folder (%s)", path, strerror(errno));
    char **names = NULL;
    size_t n = 0;
    for (struct dirent *e = readdir(folder); e; e = readdir(folder)) {
        if (e->d_name[0] == '.') continue;
        if ((n & (n - 1)) == 0) names = (char **)sb_realloc(names, (n ? 2 * n : 1) * sizeof *names);
        names[n++] = sb_copy(e->d_name);
    }
    closedir(folder);
    if (n > INT32_MAX) sb_die("%s: %zu files are too many for one folder", path, n);
    if (n) qsort(names, n, sizeof *names, sb_compare_names);
    *count = (int)n;
    return names;
}

static SB_UNUSED void sb_free_names(char **names, int count) {
    for (int i = 0; i < count; i++) free(names[i]);
    free(names);
}

// ---- reading

#define SB_READ_LIMIT ((size_t)1 << 30)

// Open for reading; folders and unreadable files are refused.
static SB_UNUSED FILE *sb_open_file(const char *path) {
    struct stat s;
    FILE *file = fopen(path, "rb");
    if (!file) sb_die("%s: cannot be read (%s)", path, strerror(errno));
    if (fstat(fileno(file), &s) != 0 || S_ISDIR(s.st_mode)) {
        fclose(file);
        sb_die("%s: is a folder, expected a file", path);
    }
    return file;
}

// The whole file, with a NUL after it; *size (may be NULL) does not count it. More than limit is an error.
static SB_UNUSED char *sb_read_file_limit(const char *path, size_t limit, size_t *size) {
    FILE *file = sb_open_file(path);
    struct stat s;
    size_t capacity = fstat(fileno(file), &s) == 0 && s.st_size > 0 && (uint64_t)s.st_size <= limit
                          ? (size_t)s.st_size + 1 : 65536, used = 0;
    char *data = (char *)sb_calloc(capacity + 1, 1);
    while (used <= limit) {
        size_t n = fread(data + used, 1, capacity - used, file);
        used += n;
        if (n == 0) break;
        if (used == capacity) data = (char *)sb_realloc(data, (capacity *= 2) + 1);
    }
    int failed = ferror(file), reason = errno;
    fclose(file);
    if (failed) sb_die("%s: cannot be read (%s)", path, strerror(reason));
    if (used > limit) sb_die("%s: larger than %zu bytes, the limit for such a file", path, limit);
    data[used] = 0;
    if (size) *size = used;
    return data;
}

static SB_UNUSED char *sb_read_file(const char *path, size_t *size) {
    return sb_read_file_limit(path, SB_READ_LIMIT, size);
}

// A text of numbers separated by blanks, as matrices are kept: at most limit of them into numbers; returns
// how many. inf and nan are read as such, anything else that is not a number is an error.
static SB_UNUSED int sb_read_numbers(const char *path, double *numbers, int limit) {
    size_t size;
    char *text = sb_read_file_limit(path, (size_t)64 << 20, &size), *at = text;
    int n = 0;
    for (;; n++) {
        at += strspn(at, " \t\r\n");
        if (!*at) break;
        char *end;
        double value = strtod(at, &end);
        if (end == at || !strchr(" \t\r\n", *end))
            sb_die("%s: expected a number, found \"%.*s\"", path, (int)strcspn(at, " \t\r\n") % 40, at);
        if (n == limit) sb_die("%s: more than the %d numbers that were expected", path, limit);
        numbers[n] = value;
        at = end;
    }
    if ((size_t)(at - text) != size) sb_die("%s: not a text (it holds a zero byte)", path);
    free(text);
    return n;
}

// ---- writing

// A name that sb_die removes, until sb_temp_done (which removes nothing).
static SB_UNUSED void sb_temp_add(const char *path) {
    int room = (int)(sizeof sb_temp_path / sizeof *sb_temp_path);
    if (sb_temp_count == room) sb_die("%s: more than %d outputs are open", path, room);
    sb_temp_path[sb_temp_count++] = sb_copy(path);
}

static SB_UNUSED void sb_temp_done(const char *path) {
    for (int i = sb_temp_count - 1; i >= 0; i--) {
        if (strcmp(sb_temp_path[i], path)) continue;
        free(sb_temp_path[i]);
        sb_temp_path[i] = sb_temp_path[--sb_temp_count];
        return;
    }
}

// Put what a folder lists on the disk. File systems that cannot are left in peace.
static SB_UNUSED void sb_sync_folder(const char *path) {
    int fd = open(path, O_RDONLY);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

// A file being written under a temporary name beside its own. It takes its name in sb_write_close; until then
// whatever stood there stands, also when the disk is full or the program dies.
typedef struct {
    FILE *file;
    char *path, *temp;
    uint64_t size;  // bytes so far
    int durable;    // 1: synced before it takes its name. 0 for files of a folder that is renamed as a whole
} SbWriter;

static SB_UNUSED SB_NORETURN void sb_write_failed(SbWriter *w) {
    int reason = errno;
    if (w->file) fclose(w->file);
    sb_die("%s: cannot be written (%s); nothing was changed", w->path, strerror(reason ? reason : EIO));
}

// Folders that are missing on the way are made.
static SB_UNUSED void sb_write_open(SbWriter *w, const char *path) {
    struct stat s;
    if (stat(path, &s) == 0) {
        if (!S_ISREG(s.st_mode)) sb_die("%s: cannot be written, it exists and is not a file", path);
        if (access(path, W_OK) != 0) sb_die("%s: exists and is write-protected; nothing was changed", path);
    }
#ifdef SIGXFSZ
    signal(SIGXFSZ, SIG_IGN);  // a file size limit is to fail in write(), as a full disk does
#endif
    char *folder = sb_folder_of(path);
    sb_make_folder(folder);
    free(folder);
    memset(w, 0, sizeof *w);
    w->durable = 1;
    w->path = sb_copy(path);
    w->temp = sb_format("%s.tmp-%ld", path, (long)getpid());
    unlink(w->temp);
    int fd = open(w->temp, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (fd < 0 || !(w->file = fdopen(fd, "wb"))) sb_write_failed(w);
    sb_temp_add(w->temp);
}

static SB_UNUSED void sb_write(SbWriter *w, const void *data, size_t size) {
    errno = 0;
    if (size && fwrite(data, 1, size, w->file) != size) sb_write_failed(w);
    w->size += size;
}

static SB_UNUSED SB_PRINTF(2, 3) void sb_write_text(SbWriter *w, const char *format, ...) {
    SbText t = {NULL, 0, 0};
    va_list args;
    va_start(args, format);
    sb_text_vadd(&t, format, args);
    va_end(args);
    sb_write(w, t.data, t.size);
    free(t.data);
}

static SB_UNUSED void sb_write_close(SbWriter *w) {
    errno = 0;
    if (fflush(w->file) != 0 || (w->durable && fsync(fileno(w->file)) != 0)) sb_write_failed(w);
    FILE *file = w->file;
    w->file = NULL;
    if (fclose(file) != 0 || rename(w->temp, w->path) != 0) sb_write_failed(w);
    sb_temp_done(w->temp);
    if (w->durable) {
        char *folder = sb_folder_of(w->path);
        sb_sync_folder(folder);
        free(folder);
    }
    free(w->temp);
    free(w->path);
    memset(w, 0, sizeof *w);
}

// A whole file at once.
static SB_UNUSED void sb_write_file(const char *path, const void *data, size_t size) {
    SbWriter w;
    sb_write_open(&w, path);
    sb_write(&w, data, size);
    sb_write_close(&w);
}
#endif
