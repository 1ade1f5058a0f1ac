// flags.h: the command line. One table parses, prints --help and prints the resolved values.
//
// Refuses: an unknown flag, a value of the wrong kind or out of range, a value that is missing: one line,
// exit 1.
// "--name value" and "--name=value"; - and _ are the same in names.
#ifndef SB_FLAGS_H
#define SB_FLAGS_H
#include "file.h"

enum { SB_FLAG_INT, SB_FLAG_NUMBER, SB_FLAG_TEXT,
      SB_FLAG_SWITCH };     // value: int, double, const char *, int

typedef struct {
    const char *name, *hint;    // without --; what the value is ("N", "FILE"), "" for a switch
    int kind;
    void *value;  // where the value goes; what stands there when the table is made is the default
    double low, high;           // of numbers
    const char *help;
    int given;                  // set by sb_flags_parse
    const char *heading;        // of it and those behind it, for --help, or NULL
    int hidden;                 // left out there
} SbFlag;

static SB_UNUSED SbFlag sb_flag(const char *name, const char *hint, int kind, void *value, double low,
                                double high,
                                const char *help) {
    SbFlag f = {name, hint, kind, value, low, high, help, 0, NULL, 0};
    return f;
}

// The flag's value as text, "-" if it is none; free() it.
static SB_UNUSED char *sb_flag_text(const SbFlag *f) {
    const char *s = f->kind == SB_FLAG_TEXT ? *(const char **)f->value : NULL;
    if (f->kind == SB_FLAG_INT || f->kind == SB_FLAG_SWITCH) return sb_format("%d", *(int *)f->value);
    if (f->kind == SB_FLAG_NUMBER) return sb_format("%g", *(double *)f->value);
    return sb_copy(s && *s ? s : "-");
}

static SB_UNUSED void sb_flags_help(const SbFlag *flag, int flags) {
    const char *heading = NULL;
    for (int i = 0; i < flags; i++) {
        if (flag[i].heading) heading = flag[i].heading;
        if (flag[i].hidden) continue;
        if (heading) printf("\n%s\n", heading);
        heading = NULL;
        char name[48], *value = sb_flag_text(flag + i);
        snprintf(name, sizeof name, "--%s %s", flag[i].name, flag[i].hint);
        if (flag[i].kind == SB_FLAG_SWITCH || !strcmp(value, "-")) printf("  %-24s %s\n", name, flag[i].help);
        else printf("  %-24s %s (%s)\n", name, flag[i].help, value);
        free(value);
    }
}

static int sb_flag_is(const SbFlag *f, const char *text, size_t size) {
    if (strlen(f->name) != size) return 0;
    for (size_t i = 0; i < size; i++)
        if (f->name[i] != text[i] && !(strchr("-_", f->name[i]) && strchr("-_", text[i]))) return 0;
    return 1;
}

static void sb_flag_set(SbFlag *f, const char *text) {
    char *end;
    errno = 0;
    double v = f->kind == SB_FLAG_TEXT ? 0 : strtod(text, &end);
    if (f->kind == SB_FLAG_TEXT) *(const char **)f->value = text;
    else if (!*text || *end || errno || !(v >= f->low && v <= f->high) || (f->kind == SB_FLAG_INT &&
        v != floor(v)))
        sb_die("--%s %s: expected %s from %g to %g", f->name, text,
               f->kind == SB_FLAG_INT ? "a whole number" : "a number", f->low, f->high);
    else if (f->kind == SB_FLAG_INT) *(int *)f->value = (int)v;
    else *(double *)f->value = v;
    f->given = 1;
}

// Parse argv[first..]; usage is the line that --help prints first. Arguments that are no flags go to rest (at
// most room of them; room 0: refused). Returns how many.
static SB_UNUSED int sb_flags_parse(SbFlag *flag, int flags, int argc, char **argv, int first,
                                    const char *usage,
                                    const char **rest, int room) {
    int count = 0;
    for (int i = first; i < argc; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            printf("%s\n", usage);
            sb_flags_help(flag, flags);
            exit(0);
        }
        if (strncmp(argv[i], "--", 2)) {
            if (count >= room) sb_die("unexpected argument %s; --help lists what there is", argv[i]);
            rest[count++] = argv[i];
            continue;
        }
        const char *name = argv[i] + 2, *equals = strchr(name, '=');
        size_t size = equals ? (size_t)(equals - name) : strlen(name);
        SbFlag *f = NULL;
        for (int k = 0; k < flags && !f; k++) if (sb_flag_is(flag + k, name, size)) f = flag + k;
        if (!f) sb_die("unknown flag --%.*s; --help lists them", (int)size, name);
        if (f->kind == SB_FLAG_SWITCH) {
            if (equals) sb_die("--%s takes no value", f->name);
            *(int *)f->value = f->given = 1;
        } else if (equals) {
            sb_flag_set(f, equals + 1);
        } else if (i + 1 == argc) {
            sb_die("--%s wants a value: --%s %s", f->name, f->name, f->hint);
        } else {
            sb_flag_set(f, argv[++i]);
        }
    }
    return count;
}
#endif
