// replies.h: what somebody answered: JSONL of questions and of predictions, matched by their ids.
//
//     {"id": 7, ...}                          a question: what else stands there is its reader's business
//     {"id": 7, "prediction": "2.1"}          a prediction; ids are whole numbers or texts, "7" is 7
//
// Refuses: a question that is there twice, predictions that are missing, doubled or of no question: one line
// with file and line number. Read from top: lines of a file, ids, predictions.
#ifndef SB_REPLIES_H
#define SB_REPLIES_H
#include "json.h"

// ---- JSONL, a value a line; blank lines are passed over

typedef struct {
    const char *path;
    char *text, *where;         // where: "file:line" of the value read last
    size_t size, at;
    long line;
} SbLines;

static SB_UNUSED void sb_lines_open(SbLines *l, const char *path) {
    memset(l, 0, sizeof *l);
    l->path = path;
    l->text = sb_read_file(path, &l->size);
}

// The next value, NULL at the end (and everything is freed). cJSON_Delete() it.
static SB_UNUSED cJSON *sb_lines_next(SbLines *l) {
    while (l->at < l->size) {
        char *from = l->text + l->at, *end = (char *)memchr(from, '\n', l->size - l->at);
        size_t size = end ? (size_t)(end - from) : l->size - l->at, blank = 0;
        l->at += size + (end != NULL);
        l->line++;
        while (blank < size && strchr(" \t\r", from[blank])) blank++;
        if (blank == size) continue;
        free(l->where);
        l->where = sb_format("%s:%ld", l->path, l->line);
        return sb_json_parse(from, size, l->where);
    }
    free(l->where);
    free(l->text);
    return NULL;
}

// ---- ids

typedef struct {
    char *id, *text;            // text: the prediction; NULL: none yet
    long line, text_line;       // where they stand
} SbReply;

static SB_UNUSED void sb_reply_free(SbReply *r) {
    free(r->id);
    free(r->text);
    memset(r, 0, sizeof *r);
}

// The field "id" as a text; free() it.
static SB_UNUSED char *sb_reply_id(const cJSON *record, const char *where) {
    const cJSON *v = sb_json_field(record, "id", where);
    if (cJSON_IsString(v) && *v->valuestring) return sb_copy(v->valuestring);
    if (cJSON_IsString(v)) sb_die("%s: field \"id\" is empty", where);
    return sb_format("%lld", (long long)sb_json_int(record, "id", 0, (int64_t)1 << 53, where));
}

static int sb_reply_order(const void *a, const void *b) {
    const SbReply *x = *(SbReply *const *)a, *y = *(SbReply *const *)b;
    int order = sb_natural_order(x->id, y->id);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

// ---- predictions

// One for each of n questions, which stand in the file `questions`; reply is put in the order of the ids.
static SB_UNUSED void sb_replies_read(SbReply **reply, int n, const char *questions, const char *path) {
    SbLines lines;
    int missing = 0;
    const SbReply *first = NULL;
    qsort(reply, (size_t)n, sizeof *reply, sb_reply_order);
    for (int i = 1; i < n; i++)
        if (!strcmp(reply[i]->id, reply[i - 1]->id))
            sb_die("%s:%ld: question %s stands in line %ld already", questions, reply[i]->line, reply[i]->id,
                   reply[i - 1]->line);
    sb_lines_open(&lines, path);
    for (cJSON *record; (record = sb_lines_next(&lines)) != NULL; cJSON_Delete(record)) {
        int low = 0, high = n;
        char *id = sb_reply_id(record, lines.where);
        while (high - low > 1)
            *(sb_natural_order(reply[(low + high) / 2]->id, id) <= 0 ? &low : &high) = (low + high) / 2;
        SbReply *r = reply[low];
        if (strcmp(r->id, id)) sb_die("%s: %s has no question %s", lines.where, questions, id);
        if (r->text)
            sb_die("%s: question %s is answered in line %ld already", lines.where, id, r->text_line);
        r->text = sb_copy(sb_json_string(record, "prediction", lines.where));
        r->text_line = lines.line;
        free(id);
    }
    for (int i = 0; i < n; i++)
        if (!reply[i]->text && !missing++) first = reply[i];
    if (missing)
        sb_die("%s: %d of %d questions have no prediction, the first is %s (%s:%ld)", path, missing, n,
               first->id, questions, first->line);
}
#endif
