// checkpoint.h: tensors and texts in one file, in the safetensors format. It knows files, not models.
//
// Refuses: a file that lies about itself in any way (see sb_checkpoint_open); to write one in place.
// Layout: N (8 bytes, little-endian); N bytes of JSON {"name": {"dtype", "shape", "data_offsets"}, ...,
// "__metadata__": {"key": "text"}}; the data, row-major, little-endian, without holes, in the order of the
// offsets. Read from top: types, writing, reading, looking up.
#ifndef SB_CHECKPOINT_H
#define SB_CHECKPOINT_H
#include "file.h"
#include "json.h"
#include <sys/mman.h>

#define SB_RANK_LIMIT 8
#define SB_HEADER_LIMIT 100000000  // the format's own
#define SB_PAIR_LIMIT 10000        // texts in a file

typedef struct {
    const char *name, *type;        // type: "F32", "BF16", "I32", ... (sb_type_bits knows them all)
    int rank;
    int64_t shape[SB_RANK_LIMIT];
    const void *data;               // row-major; aligned to its type
} SbFileTensor;

typedef struct { const char *key, *value; } SbPair;

// Bits of one element, 0 for an unknown type.
static SB_UNUSED int sb_type_bits(const char *type) {
    static const struct { const char *name; int bits; } types[] = {
        {"F32", 32}, {"BF16", 16}, {"F16", 16}, {"F64", 64}, {"I64", 64}, {"I32", 32}, {"I16", 16},
        {"I8", 8}, {"U64", 64}, {"U32", 32}, {"U16", 16}, {"U8", 8}, {"BOOL", 8}, {"C64", 64},
        {"F8_E4M3", 8}, {"F8_E5M2", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8},
        {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"F4", 4}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(type, types[i].name)) return types[i].bits;
    return 0;
}

// Bytes of a tensor, from type and shape; every product is checked.
static SB_UNUSED uint64_t sb_tensor_bytes(const SbFileTensor *t, const char *path) {
    uint64_t bits = (uint64_t)sb_type_bits(t->type);
    int zero = 0;
    for (int i = 0; i < t->rank; i++) {
        if (t->shape[i] < 0) sb_die("%s: tensor %s has a negative size", path, t->name);
        if (t->shape[i] == 0) zero = 1;
        else if (bits > (uint64_t)INT64_MAX / (uint64_t)t->shape[i])
            sb_die("%s: the shape of tensor %s overflows", path, t->name);
        else bits *= (uint64_t)t->shape[i];
    }
    if (zero) return 0;
    if (bits % 8) sb_die("%s: tensor %s of type %s does not fill whole bytes", path, t->name, t->type);
    return bits / 8;
}

// "F32 [3,4]"; free() it.
static SB_UNUSED char *sb_shape_text(const char *type, int rank, const int64_t *shape) {
    SbText t = {NULL, 0, 0};
    sb_text_add(&t, "%s [", type);
    for (int i = 0; i < rank; i++) sb_text_add(&t, "%s%lld", i ? "," : "", (long long)shape[i]);
    sb_text_add(&t, "]");
    return t.data;
}

static SB_UNUSED void sb_need_little_endian(const char *path) {
    const uint16_t one = 1;
    if (*(const unsigned char *)&one != 1) sb_die("%s: safetensors needs a little-endian machine", path);
}

// ---- writing

static SB_UNUSED int sb_compare_tensor_names(const void *a, const void *b) {
    return strcmp((*(const SbFileTensor *const *)a)->name, (*(const SbFileTensor *const *)b)->name);
}

// Wide types first, so that every tensor is aligned; then by name, so that equal content gives equal bytes.
static SB_UNUSED int sb_compare_tensors(const void *a, const void *b) {
    const SbFileTensor *x = *(const SbFileTensor *const *)a, *y = *(const SbFileTensor *const *)b;
    int bits = sb_type_bits(y->type) - sb_type_bits(x->type);
    return bits ? bits : strcmp(x->name, y->name);
}

// The JSON header of tensors in file order, padded with blanks to a multiple of 8 bytes.
static SB_UNUSED SbText sb_checkpoint_header(const char *path, const SbFileTensor **order, int tensors,
                                             const SbPair *pair, int pairs) {
    SbText h = {NULL, 0, 0};
    unsigned long long begin = 0;
    sb_text_add(&h, "{");
    for (int i = 0; i < pairs; i++) {
        for (int k = 0; k < i; k++)
            if (!strcmp(pair[i].key, pair[k].key)) sb_die("%s: text %s is given twice", path, pair[i].key);
        sb_text_add(&h, i ? "," : "\"__metadata__\":{");
        sb_text_json(&h, pair[i].key);
        sb_text_add(&h, ":");
        sb_text_json(&h, pair[i].value);
    }
    if (pairs) sb_text_add(&h, "}");
    for (int i = 0; i < tensors; i++) {
        const SbFileTensor *t = order[i];
        unsigned long long end = begin + sb_tensor_bytes(t, path);
        if (i || pairs) sb_text_add(&h, ",");
        sb_text_json(&h, t->name);
        sb_text_add(&h, ":{\"dtype\":\"%s\",\"shape\":[", t->type);
        for (int k = 0; k < t->rank; k++) sb_text_add(&h, "%s%lld", k ? "," : "", (long long)t->shape[k]);
        sb_text_add(&h, "],\"data_offsets\":[%llu,%llu]}", begin, end);
        begin = end;
    }
    sb_text_add(&h, "}");
    while (h.size % 8) sb_text_add(&h, " ");
    if (h.size > SB_HEADER_LIMIT) sb_die("%s: the header would have %zu bytes, over the limit", path, h.size);
    return h;
}

// Write tensors and texts to path: complete or not at all, and what stood there stands until then. The same
// content gives the same bytes whatever the order of the tensors; the texts keep theirs.
static SB_UNUSED void sb_checkpoint_write(const char *path, const SbFileTensor *tensor, int tensors,
                                          const SbPair *pair, int pairs) {
    sb_need_little_endian(path);
    const SbFileTensor **order = (const SbFileTensor **)sb_calloc((size_t)tensors, sizeof *order);
    for (int i = 0; i < tensors; i++) {
        order[i] = tensor + i;
        if (!sb_type_bits(tensor[i].type) || !strcmp(tensor[i].name, "__metadata__") || tensor[i].rank < 0 ||
            tensor[i].rank > SB_RANK_LIMIT)
            sb_die("%s: tensor %s of type %s cannot be written", path, tensor[i].name, tensor[i].type);
    }
    if (tensors) qsort(order, (size_t)tensors, sizeof *order, sb_compare_tensor_names);
    for (int i = 1; i < tensors; i++)
        if (!strcmp(order[i - 1]->name, order[i]->name))
            sb_die("%s: tensor %s is given twice", path, order[i]->name);
    if (tensors) qsort(order, (size_t)tensors, sizeof *order, sb_compare_tensors);
    SbText header = sb_checkpoint_header(path, order, tensors, pair, pairs);
    uint64_t size = header.size;
    SbWriter w;
    sb_write_open(&w, path);
    sb_write(&w, &size, 8);
    sb_write(&w, header.data, header.size);
    for (int i = 0; i < tensors; i++) sb_write(&w, order[i]->data, (size_t)sb_tensor_bytes(order[i], path));
    sb_write_close(&w);
    free(header.data);
    free(order);
}

// ---- reading

typedef struct {
    char *path;
    void *map;              // the file, read-only
    size_t map_size;
    int tensors, pairs;
    SbFileTensor *tensor;   // [tensors] by name
    SbPair *pair;           // [pairs] in the order of the file
    cJSON *header;          // owns the names
    void **copy;            // [tensors] of what does not lie aligned in the file; else NULL
} SbCheckpoint;

typedef struct { SbFileTensor tensor; uint64_t begin, end; } SbSpan;

static SB_UNUSED int sb_compare_spans(const void *a, const void *b) {
    const SbSpan *x = (const SbSpan *)a, *y = (const SbSpan *)b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return strcmp(x->tensor.name, y->tensor.name);
}

static SB_UNUSED int sb_compare_span_names(const void *a, const void *b) {
    return strcmp(((const SbSpan *)a)->tensor.name, ((const SbSpan *)b)->tensor.name);
}

// A whole number of the header: exact in a double.
static SB_UNUSED uint64_t sb_header_number(const cJSON *v, const char *where) {
    double x = cJSON_IsNumber(v) ? v->valuedouble : -1;
    if (!(x >= 0) || x > 9007199254740992.0 || x != floor(x))
        sb_die("%s: sizes and offsets must be whole numbers from 0 to 2^53", where);
    return (uint64_t)x;
}

// One entry of the header: exactly dtype, shape and data_offsets.
static SB_UNUSED void sb_header_entry(SbSpan *s, const cJSON *entry, const char *path) {
    char *where = sb_format("%s: tensor %s", path, entry->string);
    SbFileTensor *t = &s->tensor;
    t->name = entry->string;
    t->type = sb_json_string(entry, "dtype", where);
    const cJSON *shape = sb_json_array(entry, "shape", where);
    const cJSON *ends = sb_json_array(entry, "data_offsets", where);
    if (cJSON_GetArraySize(entry) != 3) sb_die("%s: a field that is not dtype, shape or data_offsets", where);
    if (!sb_type_bits(t->type)) sb_die("%s: unknown type \"%.20s\"", where, t->type);
    t->rank = cJSON_GetArraySize(shape);
    if (t->rank > SB_RANK_LIMIT) sb_die("%s: %d dimensions, the limit is %d", where, t->rank, SB_RANK_LIMIT);
    int k = 0;
    for (const cJSON *v = shape->child; v; v = v->next) t->shape[k++] = (int64_t)sb_header_number(v, where);
    if (cJSON_GetArraySize(ends) != 2) sb_die("%s: data_offsets must be two numbers", where);
    s->begin = sb_header_number(ends->child, where);
    s->end = sb_header_number(ends->child->next, where);
    uint64_t bytes = sb_tensor_bytes(t, path);
    if (s->end < s->begin || s->end - s->begin != bytes) {
        char *text = sb_shape_text(t->type, t->rank, t->shape);
        sb_die("%s: %s needs %llu bytes, but data_offsets are %llu to %llu", where, text,
               (unsigned long long)bytes, (unsigned long long)s->begin, (unsigned long long)s->end);
    }
    free(where);
}

// The texts under __metadata__.
static SB_UNUSED void sb_header_pairs(SbCheckpoint *c, const cJSON *meta) {
    char *where = sb_format("%s: __metadata__", c->path);
    if (c->pair) sb_die("%s is there twice", where);
    if (!cJSON_IsObject(meta)) sb_die("%s: expected an object, found %s", where, sb_json_kind(meta));
    if (cJSON_GetArraySize(meta) > SB_PAIR_LIMIT) sb_die("%s: more than %d texts", where, SB_PAIR_LIMIT);
    c->pair = (SbPair *)sb_calloc((size_t)cJSON_GetArraySize(meta), sizeof *c->pair);
    for (const cJSON *v = meta->child; v; v = v->next) {
        if (!cJSON_IsString(v)) sb_json_wrong(v, v->string, "a string", where);
        for (int i = 0; i < c->pairs; i++)
            if (!strcmp(c->pair[i].key, v->string)) sb_die("%s: %s is there twice", where, v->string);
        c->pair[c->pairs].key = v->string;
        c->pair[c->pairs++].value = v->valuestring;
    }
    free(where);
}

// Files that are mapped. Where one is read that has become shorter since (or whose disk fails), the system
// raises SIGBUS: that is an error like any other.
typedef struct SbMapped { struct SbMapped *next; const char *begin, *path; size_t size; } SbMapped;
static SB_UNUSED SbMapped *sb_mapped;
static SB_UNUSED void sb_map_lost(int number, siginfo_t *info, void *context) {
    uintptr_t at = (uintptr_t)info->si_addr;
    (void)context;
    signal(number, SIG_DFL);            // of no file: the access is tried again, and ends the program
    for (const SbMapped *m = sb_mapped; m; m = m->next)
        if (at - (uintptr_t)m->begin < m->size)
            sb_die("%s: has become shorter since it was opened, or its disk fails: do not write to a file "
                   "that is in use", m->path);
}
static SB_UNUSED void sb_map_watch(const SbCheckpoint *c) {
    struct sigaction action;
    SbMapped *m = (SbMapped *)sb_calloc(1, sizeof *m);
    m->next = sb_mapped, m->begin = (const char *)c->map, m->size = c->map_size, m->path = c->path;
    sb_mapped = m;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = sb_map_lost, action.sa_flags = SA_SIGINFO;
    sigaction(SIGBUS, &action, NULL);
}
static SB_UNUSED void sb_map_forget(const SbCheckpoint *c) {
    for (SbMapped **m = &sb_mapped; *m; m = &(*m)->next) {
        if ((*m)->begin != c->map) continue;
        SbMapped *gone = *m;
        *m = gone->next;
        free(gone);
        return;
    }
}

// Map the file and return the size of its header, with all that can be said before looking into it.
static SB_UNUSED size_t sb_checkpoint_map(SbCheckpoint *c, const char *path) {
    struct stat s;
    FILE *file = sb_open_file(path);
    if (fstat(fileno(file), &s) != 0 || !S_ISREG(s.st_mode)) sb_die("%s: is not a regular file", path);
    if ((uint64_t)s.st_size > SIZE_MAX / 2) sb_die("%s: too large for this machine", path);
    c->map_size = (size_t)s.st_size;
    if (c->map_size < 8) sb_die("%s: not a safetensors file (%zu bytes)", path, c->map_size);
    c->map = mmap(NULL, c->map_size, PROT_READ, MAP_PRIVATE, fileno(file), 0);
    fclose(file);
    if (c->map == MAP_FAILED) {
        c->map = NULL;
        sb_die("%s: cannot be mapped into memory (%s)", path, strerror(errno));
    }
    sb_map_watch(c);
    uint64_t header;
    memcpy(&header, c->map, 8);
    if (header > SB_HEADER_LIMIT || header > c->map_size - 8)
        sb_die("%s: not a safetensors file, or cut short: a header of %llu bytes in a file of %zu", path,
               (unsigned long long)header, c->map_size);
    if (header < 2 || ((const char *)c->map)[8] != '{')
        sb_die("%s: not a safetensors file (the header does not begin with {)", path);
    return (size_t)header;
}

// The spans must cover the data from first to last byte, each byte once. They are left sorted by name.
static SB_UNUSED void sb_checkpoint_spans(const SbCheckpoint *c, SbSpan *span, size_t data_size) {
    uint64_t at = 0;
    if (c->tensors) qsort(span, (size_t)c->tensors, sizeof *span, sb_compare_spans);
    for (int i = 0; i < c->tensors; i++) {
        if (span[i].begin != at)
            sb_die("%s: tensor %s begins at byte %llu of the data, expected %llu (a hole or an overlap)",
                   c->path, span[i].tensor.name, (unsigned long long)span[i].begin, (unsigned long long)at);
        at = span[i].end;
    }
    if (at != data_size)
        sb_die("%s: the tensors need %llu bytes of data, the file has %zu; is it complete?", c->path,
               (unsigned long long)at, data_size);
    if (c->tensors) qsort(span, (size_t)c->tensors, sizeof *span, sb_compare_span_names);
    for (int i = 1; i < c->tensors; i++)
        if (!strcmp(span[i - 1].tensor.name, span[i].tensor.name))
            sb_die("%s: tensor %s is there twice", c->path, span[i].tensor.name);
}

// Open path for reading. Errors, each in one line: not a regular file, header cut short, over its limit, not
// UTF-8, not JSON; an entry with other fields, an unknown type, a name twice; a shape that overflows or does
// not fit its offsets; holes, overlaps, bytes missing or left over. The data is mapped, so it is read from
// the disk when it is used; sb_checkpoint_write replaces files whole, so a mapped one does not change.
static SB_UNUSED void sb_checkpoint_open(SbCheckpoint *c, const char *path) {
    memset(c, 0, sizeof *c);
    sb_need_little_endian(path);
    c->path = sb_copy(path);
    size_t header = sb_checkpoint_map(c, path);
    const char *text = (const char *)c->map + 8, *data = text + header;
    c->header = sb_json_parse(text, header, path);
    int entries = cJSON_GetArraySize(c->header);
    SbSpan *span = (SbSpan *)sb_calloc((size_t)entries, sizeof *span);
    for (const cJSON *v = c->header->child; v; v = v->next) {
        if (!strcmp(v->string, "__metadata__")) sb_header_pairs(c, v);
        else sb_header_entry(&span[c->tensors++], v, path);
    }
    sb_checkpoint_spans(c, span, c->map_size - 8 - header);
    c->tensor = (SbFileTensor *)sb_calloc((size_t)c->tensors, sizeof *c->tensor);
    c->copy = (void **)sb_calloc((size_t)c->tensors, sizeof *c->copy);
    for (int i = 0; i < c->tensors; i++) {
        size_t size = (size_t)(span[i].end - span[i].begin);
        size_t align = (size_t)(sb_type_bits(span[i].tensor.type) / 8);
        c->tensor[i] = span[i].tensor;
        c->tensor[i].data = data + span[i].begin;
        if (align < 2 || (uintptr_t)c->tensor[i].data % align == 0 || !size) continue;
        c->copy[i] = sb_calloc(size, 1);  // older writers did not align
        memcpy(c->copy[i], c->tensor[i].data, size);
        c->tensor[i].data = c->copy[i];
    }
    free(span);
}

static SB_UNUSED void sb_checkpoint_close(SbCheckpoint *c) {
    for (int i = 0; i < c->tensors; i++) free(c->copy[i]);
    if (c->map) sb_map_forget(c), munmap(c->map, c->map_size);
    cJSON_Delete(c->header);
    free(c->copy);
    free(c->tensor);
    free(c->pair);
    free(c->path);
    memset(c, 0, sizeof *c);
}

// ---- looking up

// The tensor of that name, or NULL.
static SB_UNUSED const SbFileTensor *sb_checkpoint_find(const SbCheckpoint *c, const char *name) {
    int low = 0, high = c->tensors;
    while (low < high) {
        int middle = (low + high) / 2, order = strcmp(name, c->tensor[middle].name);
        if (order == 0) return c->tensor + middle;
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return NULL;
}

// The tensor of that name, which must have this shape, and this type unless type is NULL.
static SB_UNUSED const SbFileTensor *sb_checkpoint_get(const SbCheckpoint *c, const char *name,
                                                       const char *type, int rank, const int64_t *shape) {
    const SbFileTensor *t = sb_checkpoint_find(c, name);
    char *wanted = sb_shape_text(type ? type : "any type", rank, shape);
    if (!t) sb_die("%s: tensor %s is missing, expected %s", c->path, name, wanted);
    int same = t->rank == rank && (!type || !strcmp(t->type, type));
    for (int i = 0; same && i < rank; i++) same = t->shape[i] == shape[i];
    if (!same) sb_die("%s: tensor %s: expected %s, found %s", c->path, name, wanted,
                      sb_shape_text(t->type, t->rank, t->shape));
    free(wanted);
    return t;
}

// The text of that key, or NULL.
static SB_UNUSED const char *sb_checkpoint_text(const SbCheckpoint *c, const char *key) {
    for (int i = 0; i < c->pairs; i++)
        if (!strcmp(c->pair[i].key, key)) return c->pair[i].value;
    return NULL;
}
#endif
