// records.h: the conversations that a run reads, from LLaVA files: what they may hold, and which is when.
// Include spatialboost.h and batch.h first.
//
// Refuses: a record whose pictures are missing or too many, or that has more rows than are read (--skip_bad
// passes it over instead); shares that do not add up. Records stay in their files; only where they begin is
// kept. Sample i of a run reads a record that follows from (seed, i) alone.
// Read from top: a record, files and their shares, which record is whose.
#ifndef SB_RECORDS_H
#define SB_RECORDS_H
#include "json.h"
#include "pretrained.h"

enum { SB_SHOWN = 32 }; // most pictures of a sample, frames of videos included
// A record of a conversation file; the miniature keeps its pictures, resized, once they have been read.
typedef struct {
    int64_t offset;
    long record;
    unsigned char **picture;
    int pictures, file;
} SbRecord;
// A file of them. Of the samples of every pass, [begin, begin + taken) are its.
typedef struct {
    SbConversations talk;
    char *folder; // picture paths are relative to it
    long first, records; // its part of SbSource.record
    double share; // of the samples of a pass
    long begin, taken;
} SbRecordFile;
typedef struct {
    SbRecordFile *file;
    int files;
    SbRecord *record; // of all files
    long records, room, bad; // bad: passed over
    long pass; // samples of a pass over the files: it reads the first one once
    int skip_bad, frames; // pass bad records over; most frames of a video (a folder of pictures)
    uint64_t seed;
} SbRecords;

// ---- a record

// The file of a record's picture; free() it.
static SB_UNUSED char *sb_record_path(const char *folder, const char *name) {
    return name[0] == '/' ? sb_copy(name) : sb_format("%s/%s", folder, name);
}
// How many pictures a name of a record shows: one file, or frames of a folder.
static SB_UNUSED int sb_record_frames(const SbRecords *s, const char *path) {
    int count;
    if (!sb_is_folder(path)) return 1;
    char **name = sb_list_folder(path, &count);
    sb_free_names(name, count);
    return sb_min(count, s->frames);
}
// What is wrong with a record, into wrong: pictures that are missing or too many, more rows than are read.
static SB_UNUSED void sb_record_wrong(const SbRecords *s, SbPretrained *p, const char *folder,
                                      const SbConversation *c, SbText *wrong) {
    int most = p ? SB_SHOWN : 8, shown[SB_SHOWN], pictures = 0;
    if (c->images > most) sb_text_add(wrong, "has %d images, at most %d are read", c->images, most);
    for (int i = 0; i < c->images && !wrong->size; i++) {
        char *path = sb_record_path(folder, c->image[i]);
        if (!sb_exists(path)) sb_text_add(wrong, "names %s, which is missing", path);
        else if (!sb_is_folder(path) && !sb_is_image(path))
            sb_text_add(wrong, "names %s, neither a PNG nor a JPEG", path);
        else pictures += shown[i] = sb_record_frames(s, path);
        if (!wrong->size && !shown[i]) sb_text_add(wrong, "names %s, a folder of frames without one", path);
        free(path);
    }
    if (pictures > most && !wrong->size)
        sb_text_add(wrong, "shows %d pictures, at most %d are read", pictures, most);
    if (wrong->size || !p) return;
    sb_chat_conversation(&p->chat, p->system, c);
    long rows = sb_pretrained_rows(p, shown);
    if (p->most && rows > p->most)
        sb_text_add(wrong, "has %ld rows (tokens and patches), at most %d are read (--max_length)", rows,
                    p->most);
}
// Is a record as it should be? Else say what is wrong, and end or (skip_bad) pass it over.
static SB_UNUSED int sb_record_whole(const SbRecords *s, SbPretrained *p, const SbRecordFile *x,
                                     const SbConversation *c) {
    SbText wrong = {NULL, 0, 0};
    sb_record_wrong(s, p, x->folder, c, &wrong);
    int whole = !wrong.size;
    if (!whole && !s->skip_bad)
        sb_die("%s: record %ld (line %ld) %s (--skip_bad passes such records over)", x->talk.path, c->record,
               c->line, wrong.data);
    if (!whole)
        fprintf(stderr, "skipped: %s: record %ld (line %ld) %s\n", x->talk.path, c->record, c->line,
                wrong.data);
    free(wrong.data);
    return whole;
}
// ---- files

// Add a LLaVA JSON or JSONL file; every record is checked now, none stays in memory.
static SB_UNUSED void sb_records_file(SbRecords *s, SbPretrained *p, const char *path, double share) {
    SbConversation c;
    s->file = (SbRecordFile *)sb_realloc(s->file, (size_t)(s->files + 1) * sizeof *s->file);
    SbRecordFile *x = s->file + s->files;
    memset(x, 0, sizeof *x);
    sb_conversations_open(&x->talk, path);
    x->folder = sb_folder_of(path), x->share = share, x->first = s->records;
    while (1) {
        int found = s->skip_bad ? sb_conversations_try(&x->talk, &c) : sb_conversations_next(&x->talk, &c);
        if (!found) break;
        if (found < 0 || !sb_record_whole(s, p, x, &c)) {
            s->bad++;
            if (found > 0) sb_conversation_free(&c);
            continue;
        }
        if (s->records == s->room) {
            s->room = 2 * s->room + 256;
            s->record = (SbRecord *)sb_realloc(s->record, (size_t)s->room * sizeof *s->record);
        }
        SbRecord r = {c.offset, c.record, NULL, c.images, s->files};
        if (!p && c.images)
            r.picture = (unsigned char **)sb_calloc((size_t)c.images, sizeof(unsigned char *));
        s->record[s->records++] = r;
        sb_conversation_free(&c);
    }
    x->records = s->records - x->first;
    if (!x->records && s->bad) sb_die("%s: all its records were passed over", path);
    if (!x->records) sb_die("%s: no conversation in it", path);
    s->files++;
}
// Which samples of a pass are whose. Files without a share have what the others leave, by their records, so
// that files without any are one: a pass reads every record once.
static SB_UNUSED void sb_records_shares(SbRecords *s, const char *list) {
    double given = 0, sum = 0;
    long rest = 0;
    for (int f = 0; f < s->files; f++)
        if (s->file[f].share < 0) rest += s->file[f].records;
        else given += s->file[f].share;
    if (rest ? given >= 1 : fabs(given - 1) > 1e-6)
        sb_die("--data %s: the shares add up to %g, expected %s", list, given,
               rest ? "less than 1: the other files have the rest" : "1");
    for (int f = 0; f < s->files; f++)
        if (s->file[f].share < 0) s->file[f].share = (1 - given) * (double)s->file[f].records / (double)rest;
        else if (!rest) s->file[f].share /= given;
    double pass = (double)s->file[0].records / s->file[0].share;
    if (!(pass < 1e9)) sb_die("--data %s: a pass over the first file has %g samples", list, pass);
    s->pass = lround(pass);
    for (int f = 0; f < s->files; f++) {
        SbRecordFile *x = s->file + f;
        x->begin = lround(sum * (double)s->pass), sum += x->share;
        x->taken = lround(sum * (double)s->pass) - x->begin;
        if (x->taken < 1)
            sb_die("--data %s: %g of the %ld samples of a pass is none of %s", list, x->share, s->pass,
                   x->talk.path);
    }
}
// Conversations of "FILE[:SHARE],FILE[:SHARE]...", SHARE: of the samples. A name that is there is a file,
// whatever it holds. p: models of the hub, NULL: none.
static SB_UNUSED void sb_records_open(SbRecords *s, SbPretrained *p, const char *list) {
    for (size_t at = 0, n; at <= strlen(list); at += n + 1) {
        n = sb_exists(list) ? strlen(list) : strcspn(list + at, ",");
        char *name = sb_format("%.*s", (int)n, list + at), *end;
        char *colon = sb_exists(name) ? NULL : strrchr(name, ':');
        double share = colon ? strtod(colon + 1, &end) : -1;
        if (colon && (!colon[1] || *end || !(share > 0 && share <= 1)))
            sb_die("--data %s: expected FILE:SHARE with a share above 0, at most 1", name);
        if (colon) *colon = 0;
        if (!*name) sb_die("--data %s: a file without a name", list);
        sb_records_file(s, p, name, share);
        free(name);
    }
    sb_records_shares(s, list);
}

// ---- which record is whose

// Where number i of n stands in an order that seed decides: cycles of a keyed permutation (Feistel) of the
// next power of four.
static SB_UNUSED uint64_t sb_shuffled(uint64_t i, uint64_t n, uint64_t seed) {
    int half = 1;
    while ((uint64_t)1 << 2 * half < n) half++;
    uint64_t mask = ((uint64_t)1 << half) - 1;
    do {
        uint64_t left = i >> half, right = i & mask;
        for (uint64_t round = 0; round < 4; round++) {
            uint64_t next = left ^ (sb_hash(seed + round, right) & mask);
            left = right, right = next;
        }
        i = left << half | right;
    } while (i >= n);
    return i;
}
// What sample p of a pass reads. A file of which a pass takes more or less than all goes on in the next one
// where it stopped, in a new order each time it begins again.
static SB_UNUSED SbRecord *sb_records_at(const SbRecords *s, long p, uint64_t lap) {
    const SbRecordFile *x = s->file;
    while (p >= x->begin + x->taken) x++;
    uint64_t n = (uint64_t)x->records, at = lap * (uint64_t)x->taken + (uint64_t)(p - x->begin);
    if (x->taken == x->records) at %= n;
    else at = sb_shuffled(at % n, n, sb_hash(s->seed, (uint64_t)(x - s->file)) + at / n);
    return s->record + x->first + (long)at;
}
#endif
