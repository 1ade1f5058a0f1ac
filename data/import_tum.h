// import_tum.h: TUM RGB-D: rgb.txt and depth.txt "time file", groundtruth.txt "time tx ty tz qx qy qz qw",
// # comments. Poses are camera-to-world, x right, y down, z forward.
//
// Refuses: lines of another form. The lists have times of their own: every colour image goes with the depth
// nearest in time and the pose nearest to that depth, or is left out and counted. Read from top: a list, the
// reader.
#ifndef SB_IMPORT_TUM_H
#define SB_IMPORT_TUM_H
#include "import.h"

typedef struct { double time, number[7]; char *file; } SbEntry;
typedef struct { SbEntry *entry; int entries; } SbEntries;

// One line; 0 for a comment or an empty one. numbers: how many stand after the time, 0: a file name does.
static int sb_entry_parse(SbEntry *e, char *line, int numbers, const char *where) {
    line += strspn(line, " \t\r");
    if (!*line || *line == '#') return 0;
    char *at = line, *end;
    e->time = strtod(at, &end);
    int good = end != at && isfinite(e->time);
    for (int i = 0; i < numbers && good; i++) {
        at = end;
        e->number[i] = strtod(at, &end);
        good = end != at && isfinite(e->number[i]);
    }
    end += strspn(end, " \t");
    size_t rest = strcspn(end, " \t\r");
    if (!good || (numbers == 0) != (rest > 0) || end[rest + strspn(end + rest, " \t\r")])
        sb_die("%s: expected \"time %s\", found \"%.60s\"", where,
               numbers ? "tx ty tz qx qy qz qw" : "file", line);
    e->file = numbers ? NULL : sb_format("%.*s", (int)rest, end);
    return 1;
}

static SbEntries sb_entries_read(const char *folder, const char *name, int numbers) {
    char *path = sb_format("%s/%s", folder, name);
    size_t size;
    char *text = sb_read_file(path, &size), *line = text;
    if (strlen(text) != size) sb_die("%s: not a text (it holds a zero byte)", path);
    SbEntries list = {NULL, 0};
    for (int number = 1; line; number++) {
        char *next = strchr(line, '\n'), *where = sb_format("%s, line %d", path, number);
        if (next) *next++ = 0;
        if ((list.entries & (list.entries - 1)) == 0)
            list.entry =
                (SbEntry *)sb_realloc(list.entry, (size_t)(2 * list.entries + 1) * sizeof *list.entry);
        list.entries += sb_entry_parse(list.entry + list.entries, line, numbers, where);
        free(where);
        line = next;
    }
    if (!list.entries) sb_die("%s: holds no entries", path);
    free(text);
    free(path);
    return list;
}

static const SbEntry *sb_entry_nearest(SbEntries list, double time) {
    const SbEntry *best = list.entry;
    for (int i = 1; i < list.entries; i++)
        if (fabs(list.entry[i].time - time) < fabs(best->time - time)) best = list.entry + i;
    return best;
}

static void sb_entries_free(SbEntries list) {
    for (int i = 0; i < list.entries; i++) free(list.entry[i].file);
    free(list.entry);
}

// Every colour image with the depth nearest in time, and the pose nearest to the depth, which it is to place.
static SB_UNUSED void sb_read_tum(SbImport *im) {
    SbEntries rgb = sb_entries_read(im->source, "rgb.txt", 0),
              depth = sb_entries_read(im->source, "depth.txt", 0);
    SbEntries poses = sb_entries_read(im->source, "groundtruth.txt", 7);
    int left_out = 0;
    for (int i = 0; i < rgb.entries; i++) {
        const SbEntry *c = rgb.entry + i, *d = sb_entry_nearest(depth, c->time);
        const SbEntry *p = sb_entry_nearest(poses, d->time);
        if (fabs(d->time - c->time) > im->max_gap || fabs(p->time - d->time) > im->max_gap) {
            left_out++;
            continue;
        }
        SbImportFrame *f = sb_import_frame(im, c->file, sb_format("%s/%s", im->source, c->file),
                                     sb_format("%s/%s", im->source, d->file));
        sb_pose_from_quaternion(p->number + 3, p->number, f->pose, im->source);
    }
    if (left_out) printf("note: %d of %d colour images without depth and pose within %g s are left out\n",
                         left_out, rgb.entries, im->max_gap);
    if (!*im->intrinsics && im->focal == 0) {
        im->intrinsics = "525,525,319.5,239.5";
        printf("intrinsics: assumed %s, the format's default; --intrinsics gives others\n", im->intrinsics);
    }
    sb_entries_free(rgb);
    sb_entries_free(depth);
    sb_entries_free(poses);
}
#endif
