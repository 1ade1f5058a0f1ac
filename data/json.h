// json.h: JSON (parsed by cJSON) whose errors name file and field, and conversations in the LLaVA form.
//
// Refuses: text that is not UTF-8, \u0000, anything after the value; to hold a whole conversation file in
// memory. Read from top: parsing, fields, writing, conversations (the format, one record, a file of records).
#ifndef SB_JSON_H
#define SB_JSON_H
#include <limits.h>
#include <setjmp.h>
#include "file.h"
#if __has_include(<cjson/cJSON.h>)
#include <cjson/cJSON.h>
#else
#include "cJSON.h"
#endif

// ---- parsing

// Byte index of an escaped zero, which C strings cannot hold, or size if there is none.
static SB_UNUSED size_t sb_json_zero(const char *text, size_t size) {
    for (size_t i = 0; i + 1 < size; i++) {
        if (text[i] != '\\') continue;
        if (size - i >= 6 && !memcmp(text + i, "\\u0000", 6)) return i;
        i++;
    }
    return size;
}

// Does the text end inside a string, a list or an object?
static SB_UNUSED int sb_json_unfinished(const char *text, size_t size) {
    int depth = 0, quoted = 0;
    for (size_t i = 0; i < size; i++) {
        if (quoted && text[i] == '\\') i++;
        else if (text[i] == '"') quoted = !quoted;
        else if (!quoted) depth += (text[i] == '{' || text[i] == '[') - (text[i] == '}' || text[i] == ']');
    }
    return depth > 0 || quoted;
}

// Byte index of the bracket that is nested deeper than cJSON follows, or size if there is none.
static SB_UNUSED size_t sb_json_deep(const char *text, size_t size) {
    int depth = 0, quoted = 0;
    for (size_t i = 0; i < size; i++) {
        if (quoted && text[i] == '\\') i++;
        else if (text[i] == '"') quoted = !quoted;
        else if (!quoted) depth += (text[i] == '{' || text[i] == '[') - (text[i] == '}' || text[i] == ']');
        if (depth > CJSON_NESTING_LIMIT) return i;
    }
    return size;
}

// One JSON value; cJSON_Delete() it. where, the start of any error message, names the file (and the record).
static SB_UNUSED cJSON *sb_json_parse(const char *text, size_t size, const char *where) {
    size_t bad = sb_utf8_end(text, size), zero = sb_json_zero(text, size);
    if (bad < size) sb_die("%s: not UTF-8 (byte %zu is %02x)", where, bad, text[bad] & 255u);
    if (zero < size) sb_die("%s: \\u0000 in a string (byte %zu) is not supported", where, zero);
    if (sb_json_deep(text, size) < size)
        sb_die("%s: lists and objects nested more than %d deep (byte %zu)", where, CJSON_NESTING_LIMIT,
               sb_json_deep(text, size));
    const char *end = text;
    cJSON *value = cJSON_ParseWithLengthOpts(text, size, &end, 0);
    while (value && end < text + size && strchr(" \t\r\n", *end)) {
        if (!*end) break;
        end++;
    }
    if (value && end == text + size) return value;
    size_t at = (size_t)(end - text), line = 1;
    if (at >= size || sb_json_unfinished(text, size))
        sb_die("%s: the JSON text ends early (%zu bytes); is the file complete?", where, size);
    for (size_t i = 0; i < at; i++) line += text[i] == '\n';
    size_t near = 0;                    // the text need not end in a zero
    while (near < 24 && at + near < size && !strchr("\r\n", text[at + near])) near++;
    sb_die("%s: not valid JSON at byte %zu (line %zu), near \"%.*s\"", where, at, line, (int)near, text + at);
}

static SB_UNUSED cJSON *sb_json_read(const char *path) {
    size_t size;
    char *text = sb_read_file(path, &size);
    cJSON *value = sb_json_parse(text, size, path);
    free(text);
    return value;
}

// ---- fields: each dies if the field is missing, there twice, or of another kind. where as above.

static SB_UNUSED const char *sb_json_kind(const cJSON *v) {
    return !v                  ? "nothing"
           : cJSON_IsString(v) ? "a string"
           : cJSON_IsNumber(v) ? "a number"
           : cJSON_IsArray(v)  ? "a list"
           : cJSON_IsObject(v) ? "an object"
           : cJSON_IsBool(v)   ? "true or false"
           : cJSON_IsNull(v)   ? "null"
                               : "something else";
}

static SB_UNUSED SB_NORETURN void sb_json_wrong(const cJSON *found, const char *field, const char *wanted,
                                                const char *where) {
    sb_die("%s: field \"%s\": expected %s, found %s", where, field, wanted, sb_json_kind(found));
}

// The field, or NULL if there is none.
static SB_UNUSED const cJSON *sb_json_optional(const cJSON *object, const char *field, const char *where) {
    const cJSON *found = NULL;
    if (!cJSON_IsObject(object)) sb_die("%s: expected an object, found %s", where, sb_json_kind(object));
    for (const cJSON *v = object->child; v; v = v->next) {
        if (strcmp(v->string, field)) continue;
        if (found) sb_die("%s: field \"%s\" is there twice", where, field);
        found = v;
    }
    return found;
}

static SB_UNUSED const cJSON *sb_json_field(const cJSON *object, const char *field, const char *where) {
    const cJSON *v = sb_json_optional(object, field, where);
    if (!v) sb_die("%s: field \"%s\" is missing", where, field);
    return v;
}

static SB_UNUSED const char *sb_json_string(const cJSON *object, const char *field, const char *where) {
    const cJSON *v = sb_json_field(object, field, where);
    if (!cJSON_IsString(v)) sb_json_wrong(v, field, "a string", where);
    return v->valuestring;
}

static SB_UNUSED double sb_json_number(const cJSON *object, const char *field, const char *where) {
    const cJSON *v = sb_json_field(object, field, where);
    if (!cJSON_IsNumber(v)) sb_json_wrong(v, field, "a number", where);
    if (!isfinite(v->valuedouble)) sb_die("%s: field \"%s\": the number is too large", where, field);
    return v->valuedouble;
}

// A whole number in [low, high].
static SB_UNUSED int64_t sb_json_int(const cJSON *object, const char *field, int64_t low, int64_t high,
                                     const char *where) {
    double x = sb_json_number(object, field, where);
    if (x != floor(x) || x < (double)low || x > (double)high)
        sb_die("%s: field \"%s\": expected a whole number from %lld to %lld, found %g", where, field,
               (long long)low, (long long)high, x);
    return (int64_t)x;
}

static SB_UNUSED const cJSON *sb_json_array(const cJSON *object, const char *field, const char *where) {
    const cJSON *v = sb_json_field(object, field, where);
    if (!cJSON_IsArray(v)) sb_json_wrong(v, field, "a list", where);
    return v;
}

// A list of exactly count finite numbers.
static SB_UNUSED void sb_json_numbers(const cJSON *object, const char *field, double *x, int count,
                                      const char *where) {
    const cJSON *list = sb_json_array(object, field, where);
    int found = cJSON_GetArraySize(list);
    if (found != count) sb_die("%s: field \"%s\": expected %d numbers, found %d", where, field, count, found);
    const cJSON *v = list->child;
    for (int i = 0; i < count; i++, v = v->next) {
        if (!cJSON_IsNumber(v) || !isfinite(v->valuedouble)) sb_json_wrong(v, field, "finite numbers", where);
        x[i] = v->valuedouble;
    }
}

// ---- writing

// Add a text as a JSON string, in its quotes. Text that is not UTF-8 is an error.
static SB_UNUSED void sb_text_json(SbText *t, const char *text) {
    size_t size = strlen(text), bad = sb_utf8_end(text, size);
    if (bad < size) sb_die("a text to be written as JSON is not UTF-8 after \"%.*s\"", (int)(bad % 60), text);
    sb_text_bytes(t, "\"", 1);
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\') sb_text_add(t, "\\%c", *c);
        else if (*c == '\n') sb_text_add(t, "\\n");
        else if ((unsigned char)*c < 0x20) sb_text_add(t, "\\u%04x", (unsigned)*c);
        else sb_text_bytes(t, c, 1);
    }
    sb_text_bytes(t, "\"", 1);
}

// ---- conversations: the LLaVA form
//
//     {"id": "s1", "image": "a.png" or ["a.png", "b.png"], "conversations": [
//         {"from": "human", "value": "<image>\nWhich chair is nearer?"},
//         {"from": "gpt", "value": "The red one."}, ...]}
//
// in one JSON array, or one object after another (JSONL). Human and gpt take turns; a first turn from gpt is
// skipped, as LLaVA does. <image> stands in the human turns once for every image, in the order of "image"; a
// record without "image" is text only.

typedef struct {
    char *question, *answer;
} SbTurn;

typedef struct {
    char *id; // "" where the record has none
    int images, turns;
    char **image; // [images] file names as they stand in the record
    SbTurn *turn; // [turns]
    int64_t offset; // of the record in its file: sb_conversations_at
    long record, line; // counted from 1; line 0: not known (sb_conversations_at)
} SbConversation;

static SB_UNUSED void sb_conversation_free(SbConversation *c) {
    for (int i = 0; i < c->images; i++) free(c->image[i]);
    for (int i = 0; i < c->turns; i++) {
        free(c->turn[i].question);
        free(c->turn[i].answer);
    }
    free(c->image);
    free(c->turn);
    free(c->id);
    memset(c, 0, sizeof *c);
}

// How often <image> stands in a text.
static SB_UNUSED int sb_count_images(const char *text) {
    int n = 0;
    for (const char *at = strstr(text, "<image>"); at; at = strstr(at + 7, "<image>")) n++;
    return n;
}

static SB_UNUSED void sb_conversation_images(SbConversation *c, const cJSON *record, const char *where) {
    const cJSON *image = sb_json_optional(record, "image", where);
    if (!image || cJSON_IsNull(image)) return;
    int list = cJSON_IsArray(image), count = list ? cJSON_GetArraySize(image) : 1;
    c->image = (char **)sb_calloc((size_t)count, sizeof *c->image);
    for (const cJSON *v = list ? image->child : image; c->images < count; v = v->next) {
        if (!cJSON_IsString(v) || !*v->valuestring)
            sb_die("%s: field \"image\": expected a file name or a list of them, found %s", where,
                   cJSON_IsString(v) ? "an empty name" : sb_json_kind(v));
        c->image[c->images++] = sb_copy(v->valuestring);
    }
}

// Turns into question and answer pairs; returns how many <image> they hold.
static SB_UNUSED int sb_conversation_turns(SbConversation *c, const cJSON *record, const char *where) {
    const cJSON *list = sb_json_array(record, "conversations", where);
    int count = cJSON_GetArraySize(list), k = 0, marks = 0;
    c->turn = (SbTurn *)sb_calloc((size_t)count / 2 + 1, sizeof *c->turn);
    for (const cJSON *v = list->child; v; v = v->next, k++) {
        char *turn = sb_format("%s, turn %d", where, k + 1);
        const char *from = sb_json_string(v, "from", turn), *value = sb_json_string(v, "value", turn);
        SbTurn *last = c->turn + c->turns;
        const char *due = last->question ? "gpt" : "human";
        if (!strcmp(from, due)) {
            marks += sb_count_images(value);
            *(last->question ? &last->answer : &last->question) = sb_copy(value);
            if (last->answer) c->turns++;
            if (last->answer && sb_count_images(value)) sb_die("%s: <image> in an answer", turn);
        } else if (k > 0 || strcmp(from, "gpt")) {
            sb_die("%s: expected a turn from \"%s\", found one from \"%.40s\"", turn, due, from);
        }
        free(turn);
    }
    if (c->turn[c->turns].question) sb_die("%s: the last question has no answer", where);
    if (!c->turns) sb_die("%s: no question with an answer", where);
    return marks;
}

// One record; free it with sb_conversation_free.
static SB_UNUSED void sb_conversation_parse(SbConversation *c, const char *text, size_t size,
                                            const char *where) {
    cJSON *record = sb_json_parse(text, size, where);
    const cJSON *id = sb_json_optional(record, "id", where);
    memset(c, 0, sizeof *c);
    c->id = cJSON_IsString(id)   ? sb_copy(id->valuestring)
            : cJSON_IsNumber(id) ? sb_format("%.17g", id->valuedouble)
                                 : sb_copy("");
    sb_conversation_images(c, record, where);
    int marks = sb_conversation_turns(c, record, where);
    if (marks != c->images)
        sb_die("%s: %d images, but <image> stands %d times in the questions", where, c->images, marks);
    cJSON_Delete(record);
}

// Add one record and a line end: a line of JSONL.
static SB_UNUSED void sb_text_conversation(SbText *t, const SbConversation *c) {
    sb_text_add(t, "{\"id\": ");
    sb_text_json(t, c->id);
    if (c->images) sb_text_add(t, c->images > 1 ? ", \"image\": [" : ", \"image\": ");
    for (int i = 0; i < c->images; i++) {
        if (i) sb_text_add(t, ", ");
        sb_text_json(t, c->image[i]);
    }
    sb_text_add(t, c->images > 1 ? "], \"conversations\": [" : ", \"conversations\": [");
    for (int i = 0; i < c->turns; i++) {
        sb_text_add(t, i ? ", {\"from\": \"human\", \"value\": " : "{\"from\": \"human\", \"value\": ");
        sb_text_json(t, c->turn[i].question);
        sb_text_add(t, "}, {\"from\": \"gpt\", \"value\": ");
        sb_text_json(t, c->turn[i].answer);
        sb_text_add(t, "}");
    }
    sb_text_add(t, "]}\n");
}

// ---- conversations: a file of them, one record in memory at a time

#define SB_RECORD_LIMIT ((size_t)64 << 20)

typedef struct {
    char *path;
    FILE *file;
    int array, closed; // one JSON array, whose ] has been read
    int64_t offset; // bytes read
    long record, line; // records read; line ends (from where reading began in order)
    SbText text; // the record being read
} SbConversations;

static SB_UNUSED int sb_conversations_byte(SbConversations *r) {
    int c = getc(r->file);
    if (c != EOF) r->offset++, r->line += c == '\n';
    else if (ferror(r->file)) sb_die("%s: cannot be read (%s)", r->path, strerror(errno));
    return c;
}

// The next byte that is not blank, or EOF.
static SB_UNUSED int sb_conversations_next_byte(SbConversations *r) {
    int c;
    do c = sb_conversations_byte(r);
    while (c == ' ' || c == '\t' || c == '\r' || c == '\n');
    return c;
}

static SB_UNUSED void sb_conversations_open(SbConversations *r, const char *path) {
    memset(r, 0, sizeof *r);
    r->path = sb_copy(path);
    r->file = sb_open_file(path);
    int c = sb_conversations_next_byte(r);
    if (c == 0xEF && sb_conversations_byte(r) == 0xBB && sb_conversations_byte(r) == 0xBF) // byte order mark
        c = sb_conversations_next_byte(r);
    if (c == EOF) sb_die("%s: is empty, expected conversations (a JSON array or JSONL)", path);
    if (c != '[' && c != '{') sb_die("%s: conversations begin with [ or {, found byte %02x", path, c & 255u);
    r->array = c == '[';
    if (c == '{') {
        ungetc(c, r->file);
        r->offset--;
    }
}

static SB_UNUSED void sb_conversations_close(SbConversations *r) {
    fclose(r->file);
    free(r->path);
    free(r->text.data);
    memset(r, 0, sizeof *r);
}

// Read the object whose { has just been read, up to its }.
static SB_UNUSED void sb_conversations_object(SbConversations *r, SbConversation *out) {
    int depth = 1, quoted = 0;
    long line = r->line + 1;
    int64_t begin = r->offset - 1;
    r->text.size = 0;
    sb_text_bytes(&r->text, "{", 1);
    while (depth > 0) {
        int c = sb_conversations_byte(r);
        if (c == EOF) sb_die("%s: ends inside record %ld; is the file complete?", r->path, r->record + 1);
        char byte = (char)c;
        sb_text_bytes(&r->text, &byte, 1);
        if (r->text.size > SB_RECORD_LIMIT)
            sb_die("%s: record %ld is larger than %zu bytes", r->path, r->record + 1, SB_RECORD_LIMIT);
        if (quoted == 2) quoted = 1; // the byte after a backslash
        else if (quoted) quoted = c == '\\' ? 2 : c != '"';
        else if (c == '"') quoted = 1;
        else if (c == '{' || c == '[') depth++;
        else if (c == '}' || c == ']') depth--;
    }
    r->record++;
    char *where = r->line < 0 ? sb_format("%s: record %ld", r->path, r->record)
                              : sb_format("%s: record %ld (line %ld)", r->path, r->record, line);
    sb_conversation_parse(out, r->text.data, r->text.size, where);
    free(where);
    out->offset = begin;
    out->record = r->record, out->line = line > 0 ? line : 0;
}

// The next record into out: 1, or 0 at the end of the file. sb_conversation_free(out) after use.
static SB_UNUSED int sb_conversations_next(SbConversations *r, SbConversation *out) {
    if (r->closed) return 0;
    int c = sb_conversations_next_byte(r), comma = r->array && r->record > 0 && c == ',';
    if (comma) c = sb_conversations_next_byte(r);
    if (c == '{' && (!r->array || r->record == 0 || comma)) {
        sb_conversations_object(r, out);
        return 1;
    }
    if (r->array && c == ']' && !comma) {
        r->closed = 1;
        c = sb_conversations_next_byte(r);
        if (c != EOF) sb_die("%s: text after the closing ]", r->path);
    } else if (c == EOF && r->array) {
        sb_die("%s: ends without the closing ] after record %ld; is the file complete?", r->path, r->record);
    }
    if (c == EOF) return 0;
    sb_die("%s: expected a record ({) after record %ld, found byte %02x at byte %lld", r->path, r->record,
           (unsigned)c, (long long)r->offset - 1);
}

// The same, but a record that is wrong is told on stderr and passed over: -1.
static SB_UNUSED jmp_buf sb_bad_record;
static SB_UNUSED void sb_pass_record(const char *message) {
    fprintf(stderr, "skipped: %s\n", message);
    longjmp(sb_bad_record, 1);
}
static SB_UNUSED int sb_conversations_try(SbConversations *r, SbConversation *out) {
    void (*hook)(const char *) = sb_die_hook;
    long before = r->record;
    volatile int found = -1; // it lives across longjmp
    if (!setjmp(sb_bad_record)) {
        sb_die_hook = sb_pass_record;
        found = sb_conversations_next(r, out);
    }
    sb_die_hook = hook;
    if (found < 0 && r->record == before) sb_die("%s: cannot go on behind record %ld", r->path, r->record);
    return found;
}

// The record at an offset met before (SbConversation.offset and .record), for reading in random order.
static SB_UNUSED void sb_conversations_at(SbConversations *r, int64_t offset, long record,
                                          SbConversation *out) {
    if (fseeko(r->file, (off_t)offset, SEEK_SET)) sb_die("%s: cannot seek (%s)", r->path, strerror(errno));
    r->offset = offset;
    r->record = record - 1, r->line = LONG_MIN;
    if (sb_conversations_byte(r) != '{')
        sb_die("%s: record %ld is not where it was; did the file change?", r->path, record);
    sb_conversations_object(r, out);
}
#endif
