// translate.c: the three pieces of CUDA that are not C++, as calls of cuda_shim.h.    ./translate FILE.cu >
// FILE.h
//
//     kernel<T><<<grid, block, shared>>>(args)     SHIM_LAUNCH(grid, block,
//     shared).of(SHIM_KERNEL(kernel<T>))(args)
//     __shared__ T a[N][M], b[K];                  SHIM_SHARED(T, a, [N][M]); SHIM_SHARED(T, b, [K]);
//     extern __shared__ T d[];                     SHIM_DYNAMIC(T, d);
//
// Refuses what it does not understand, naming the line. Comments, strings and everything else pass as they
// are, lines keep their numbers. Read from top: scanning, the three rewrites, main.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *file, *text;

static void fail(const char *at, const char *what) {
    int line = 1;
    for (const char *p = text; p < at; p++) line += *p == '\n';
    fprintf(stderr, "error: %s:%d: %s\n", file, line, what);
    exit(1);
}
static int is_name(char c) { return isalnum((unsigned char)c) || c == '_'; }
static const char *skip_space(const char *p) {
    while (isspace((unsigned char)*p)) p++;
    return p;
}
// Behind a comment, a string or a character that begins at p; p itself if none does.
static const char *skip_opaque(const char *p) {
    if (p[0] == '/' && p[1] == '/') return p + strcspn(p, "\n");
    if (p[0] == '/' && p[1] == '*') {
        const char *end = strstr(p + 2, "*/");
        if (!end) fail(p, "a comment without an end");
        return end + 2;
    }
    if (*p == '\'' && p > text && isalnum((unsigned char)p[-1])) return p;      // 1'000
    if (*p != '"' && *p != '\'') return p;
    for (const char *q = p + 1; *q && *q != '\n'; q++) {
        if (*q == '\\') q++;
        else if (*q == *p) return q + 1;
    }
    fail(p, "a string without an end");
    return p;
}
static void put(const char *from, const char *to) { fwrite(from, 1, (size_t)(to - from), stdout); }
// Only the line breaks: what is rewritten stands on its first line.
static void put_breaks(const char *from, const char *to) {
    for (; from < to; from++)
        if (*from == '\n') putchar('\n');
}

// "__shared__ T name[..]..., name...;" at p; returns the character behind it.
static const char *shared(const char *p, int dynamic) {
    const char *end = p + strcspn(p, ";"), *bracket = p + strcspn(p, "[;"),
               *type = skip_space(p + strlen("__shared__"));
    if (!*end || *bracket != '[') fail(p, "__shared__: expected a type, names with [sizes], and ;");
    const char *name = bracket;                             // the type ends where the first name begins
    while (isspace((unsigned char)name[-1])) name--;
    while (is_name(name[-1])) name--;
    const char *type_end = name;
    while (type_end > type && isspace((unsigned char)type_end[-1])) type_end--;
    if (type_end <= type || name == bracket) fail(p, "__shared__: expected a type and a name in front of [");
    for (int count = 0; name < end; count++) {
        const char *sizes = name, *next = name + strcspn(name, ",;");
        while (is_name(*sizes)) sizes++;
        if (sizes == name || *skip_space(sizes) != '[') fail(name, "__shared__: expected name[size]");
        if (dynamic && count) fail(name, "extern __shared__: one name only");
        printf("%s%s(", count ? "; " : "", dynamic ? "SHIM_DYNAMIC" : "SHIM_SHARED");
        put(type, type_end), printf(", "), put(name, sizes);
        if (!dynamic) printf(", "), put(sizes, next);
        putchar(')');
        name = skip_space(next + 1);
        if (next == end) break;
    }
    return end;
}
// "kernel<T>" ends at p, where "<<<" stands: where does it begin?
static const char *kernel_name(const char *p, const char *low) {
    const char *q = p;
    if (q > low && q[-1] == '>') {
        int depth = 0;
        do depth += *--q == '>' ? 1 : *q == '<' ? -1 : 0;
        while (q > low && depth);
    }
    while (q > low && (is_name(q[-1]) || q[-1] == ':')) q--;
    if (q == p) fail(p, "<<<: expected a kernel's name in front of it");
    return q;
}
int main(int argc, char **argv) {
    FILE *f = argc == 2 ? fopen(file = argv[1], "rb") : NULL;
    if (!f) return fprintf(stderr, "usage: translate FILE.cu > FILE.h (FILE must be readable)\n"), 1;
    size_t size = 0, room = 1 << 22;
    char *all = malloc(room + 1);
    if (!all || (size = fread(all, 1, room, f)) == room)
        return fprintf(stderr, "error: %s: too large\n", file), 1;
    all[size] = 0, text = all;
    printf("#line 1 \"%s\"\n", file);
    const char *done = text;                                // what is written so far
    for (const char *p = text; *p;) {
        const char *behind = skip_opaque(p);
        if (behind != p) { p = behind; continue; }
        int word = p == text || !is_name(p[-1]);
        const char *external = word && !strncmp(p, "extern", 6) ? skip_space(p + 6) : NULL;
        if (external && strncmp(external, "__shared__", 10)) external = NULL;
        if (external || (word && !strncmp(p, "__shared__", 10) && !is_name(p[10]))) {
            put(done, p);
            done = shared(external ? external : p, external != NULL);
            put_breaks(p, done), p = done;
        } else if (!strncmp(p, "<<<", 3)) {
            const char *name = kernel_name(p, done), *end = strstr(p, ">>>");
            if (!end) fail(p, "<<< without >>>");
            if (*skip_space(end + 3) != '(') fail(end, ">>>: expected ( behind it");
            put(done, name), printf("SHIM_LAUNCH("), put(p + 3, end), printf(").of(SHIM_KERNEL("),
                put(name, p), printf("))");
            done = p = end + 3;
        } else {
            p++;
        }
    }
    put(done, text + size);
    if (fflush(stdout) || ferror(stdout)) return perror("error: the output cannot be written"), 1;
    return 0;
}
