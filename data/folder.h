// folder.h: a model's folder as it comes from the Hugging Face hub: a config and safetensors (or shards).
//
// Refuses: pickles; an index that names files outside its folder, or tensors that its files do not hold; any
// tensor that checkpoint.h refuses. Weights are mapped, not read: a folder must stay open as long as a model
// uses its memory. Which tensors there should be, families.h knows.
// Read from top: the folder, opening it, looking up by name with or without a prefix, numbers as float.
#ifndef SB_FOLDER_H
#define SB_FOLDER_H
#include "checkpoint.h"

#define SB_SHARD_LIMIT 1000

typedef struct {
    const SbFileTensor *t;
    const char *path;           // of its file
    int used;                   // 1: a model has taken it
} SbFolderTensor;

typedef struct {
    char *path, *config_path;   // "dir", "dir/config.json"
    cJSON *config;
    int open_clip;              // 1: config and weights are open_clip's own pair of files
    int files, tensors;
    SbCheckpoint *file;         // [files]
    SbFolderTensor *tensor;     // [tensors] by name
    char *prefix;               // in front of most names, "" until sb_folder_prefix
    void **memory;              // [memories] what was widened or resampled; freed with the folder
    int memories;
    uint64_t widened;           // bytes of F16 that became F32
} SbFolder;

// ---- opening

static SB_UNUSED int sb_compare_folder_tensors(const void *a, const void *b) {
    return strcmp(((const SbFolderTensor *)a)->t->name, ((const SbFolderTensor *)b)->t->name);
}

static SB_UNUSED SbFolderTensor *sb_folder_find(const SbFolder *f, const char *name) {
    SbFileTensor key;
    SbFolderTensor wanted = {&key, NULL, 0};
    memset(&key, 0, sizeof key);
    key.name = name;
    return f->tensors ? (SbFolderTensor *)bsearch(&wanted, f->tensor, (size_t)f->tensors, sizeof wanted,
                                                  sb_compare_folder_tensors) : NULL;
}

static SB_UNUSED int sb_folder_has(const char *dir, const char *name) {
    char *path = sb_format("%s/%s", dir, name);
    struct stat s;
    int there = lstat(path, &s) == 0;   // a link that leads nowhere is there: opening it says what is wrong
    free(path);
    return there;
}

// The number of the file of that name, opened if it is new.
static SB_UNUSED int sb_folder_file(SbFolder *f, const char *name) {
    char *path = sb_format("%s/%s", f->path, name);
    int i = 0;
    while (i < f->files && strcmp(f->file[i].path, path)) i++;
    if (i == f->files) {
        if (i == SB_SHARD_LIMIT) sb_die("%s: more than %d files of weights", f->path, SB_SHARD_LIMIT);
        sb_checkpoint_open(&f->file[f->files++], path);
    }
    free(path);
    return i;
}

// All tensors of one file.
static SB_UNUSED void sb_folder_whole(SbFolder *f, const char *name) {
    const SbCheckpoint *c = &f->file[sb_folder_file(f, name)];
    f->tensors = c->tensors;
    f->tensor = (SbFolderTensor *)sb_calloc((size_t)c->tensors, sizeof *f->tensor);
    for (int i = 0; i < c->tensors; i++) f->tensor[i].t = c->tensor + i, f->tensor[i].path = c->path;
}

// All tensors of an index: {"weight_map": {"tensor": "file in this folder", ...}, ...}.
static SB_UNUSED void sb_folder_shards(SbFolder *f, const char *name) {
    char *where = sb_format("%s/%s", f->path, name);
    cJSON *index = sb_json_read(where);
    const cJSON *map = sb_json_field(index, "weight_map", where);
    if (!cJSON_IsObject(map)) sb_json_wrong(map, "weight_map", "an object", where);
    SbText lost = {NULL, 0, 0};
    int missing = 0, count = cJSON_GetArraySize(map);
    f->tensor = (SbFolderTensor *)sb_calloc((size_t)count, sizeof *f->tensor);
    for (const cJSON *v = map->child; v; v = v->next) {
        const char *shard = v->valuestring;
        if (!cJSON_IsString(v)) sb_json_wrong(v, v->string, "a file name", where);
        if (!*shard || strchr(shard, '/') || strstr(shard, ".."))
            sb_die("%s: %s lies in \"%.80s\", expected a file of this folder", where, v->string, shard);
        const SbCheckpoint *c = &f->file[sb_folder_file(f, shard)];
        SbFolderTensor *t = &f->tensor[f->tensors];
        t->t = sb_checkpoint_find(c, v->string), t->path = c->path;
        if (t->t) f->tensors++;
        else if (missing++ < 4) sb_text_add(&lost, "%s%s in %s", missing > 1 ? ", " : "", v->string, shard);
    }
    if (missing)
        sb_die("%s: %d tensors are not in the files that it names: %s%s; are the files of one download?",
               where, missing, lost.data, missing > 4 ? ", ..." : "");
    if (f->tensors) qsort(f->tensor, (size_t)f->tensors, sizeof *f->tensor, sb_compare_folder_tensors);
    for (int i = 1; i < f->tensors; i++)
        if (!strcmp(f->tensor[i - 1].t->name, f->tensor[i].t->name))
            sb_die("%s: tensor %s is there twice", where, f->tensor[i].t->name);
    cJSON_Delete(index);
    free(where);
}

// Open a folder. What is taken: config.json with model.safetensors or, if there is none, with
// model.safetensors.index.json and its shards; else open_clip_config.json with open_clip_model.safetensors.
static SB_UNUSED void sb_folder_open(SbFolder *f, const char *dir) {
    memset(f, 0, sizeof *f);
    f->path = sb_trim_slashes(dir);
    f->prefix = sb_copy("");
    if (!sb_is_folder(f->path))
        sb_die("%s: is not a folder, expected one of the hub (config.json and model.safetensors)", dir);
    int whole = sb_folder_has(f->path, "model.safetensors");
    int shards = sb_folder_has(f->path, "model.safetensors.index.json");
    int config = sb_folder_has(f->path, "config.json");
    f->open_clip = !(config && (whole || shards)) && sb_folder_has(f->path, "open_clip_config.json");
    const char *weights = f->open_clip ? "open_clip_model.safetensors" : "model.safetensors";
    if (f->open_clip ? !sb_folder_has(f->path, weights) : !config || !(whole || shards))
        sb_die("%s: %s is missing%s", f->path, config || f->open_clip ? weights : "config.json",
               sb_folder_has(f->path, "pytorch_model.bin")
                   ? "; pytorch_model.bin is a pickle, which is not read: download the safetensors"
                   : "; is the download complete?");
    f->config_path = sb_format("%s/%s", f->path, f->open_clip ? "open_clip_config.json" : "config.json");
    f->config = sb_json_read(f->config_path);
    f->file = (SbCheckpoint *)sb_calloc(SB_SHARD_LIMIT, sizeof *f->file);
    if (f->open_clip || whole) sb_folder_whole(f, weights);
    else sb_folder_shards(f, "model.safetensors.index.json");
}

// Models that adopted its memory must be gone.
static SB_UNUSED void sb_folder_close(SbFolder *f) {
    for (int i = 0; i < f->files; i++) sb_checkpoint_close(f->file + i);
    for (int i = 0; i < f->memories; i++) free(f->memory[i]);
    cJSON_Delete(f->config);
    free(f->memory), free(f->tensor), free(f->file), free(f->config_path), free(f->path), free(f->prefix);
    memset(f, 0, sizeof *f);
}

// Memory that lives as long as the folder.
static SB_UNUSED float *sb_folder_memory(SbFolder *f, long count) {
    f->memory = (void **)sb_realloc(f->memory, (size_t)(f->memories + 1) * sizeof *f->memory);
    return (float *)(f->memory[f->memories++] = sb_calloc((size_t)count, sizeof(float)));
}

// ---- looking up: files of one model differ in what stands in front of its names

// The tensor prefix + name, or name behind a shorter prefix ("a.b." -> "a." -> ""), or NULL: heads and
// norms may stand outside of what the prefix names.
static SB_UNUSED SbFolderTensor *sb_folder_lookup(const SbFolder *f, const char *prefix, const char *name) {
    char full[512];
    size_t length = strlen(prefix);
    for (;;) {
        snprintf(full, sizeof full, "%.*s%s", (int)length, prefix, name);
        SbFolderTensor *t = sb_folder_find(f, full);
        if (t || !length) return t;
        for (length--; length && prefix[length - 1] != '.';) length--;
    }
}

// How many of the names [count] are in the folder behind a prefix.
static SB_UNUSED int sb_folder_behind(const SbFolder *f, const char *prefix, char *const *name, int count) {
    char full[512];
    int found = 0;
    for (int i = 0; i < count; i++) {
        snprintf(full, sizeof full, "%s%s", prefix, name[i]);
        found += sb_folder_find(f, full) != NULL;
    }
    return found;
}

// Choose the prefix ("" or "a.b.") behind which most of the names [count] are; of equals the first. It is
// looked for in front of the first and the last of them: the two need not have the same one.
static SB_UNUSED void sb_folder_prefix(SbFolder *f, char *const *name, int count) {
    int best = sb_folder_behind(f, f->prefix, name, count);
    for (int k = 0; k < 2 * f->tensors && count; k++) {
        const char *full = f->tensor[k / 2].t->name, *end = name[k % 2 ? count - 1 : 0];
        size_t n = strlen(full), m = strlen(end);
        if (n <= m || strcmp(full + n - m, end) || full[n - m - 1] != '.') continue;
        char *prefix = sb_format("%.*s", (int)(n - m), full);
        int found = sb_folder_behind(f, prefix, name, count);
        char *worse = found > best ? f->prefix : prefix;
        if (found > best) best = found, f->prefix = prefix;
        free(worse);
    }
}

// ---- numbers

// IEEE half precision as float, exactly.
static SB_UNUSED float sb_half(uint16_t h) {
    uint32_t sign = (uint32_t)(h >> 15) << 31, exponent = h >> 10 & 31, fraction = h & 1023u, bits;
    float x;
    if (!exponent) return (sign ? -1.0f : 1.0f) * (float)fraction * 5.9604644775390625e-8f;     // 2^-24
    bits = sign | (exponent == 31 ? 255u : exponent + 112) << 23 | fraction << 13;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// Elements [first, first + n) of a tensor of F32, BF16 or F16 (what families.h lets through), as float.
static SB_UNUSED void sb_tensor_floats(float *out, const SbFileTensor *t, long first, long n) {
    const uint16_t *half = (const uint16_t *)t->data + first;
    int kind = !strcmp(t->type, "F32") ? 0 : !strcmp(t->type, "BF16") ? 1 : 2;
    if (!kind && n) memcpy(out, (const float *)t->data + first, (size_t)n * sizeof *out);
    for (long i = 0; kind && i < n; i++) {
        uint32_t bits = (uint32_t)half[i] << 16;
        if (kind == 2) out[i] = sb_half(half[i]);
        else memcpy(out + i, &bits, sizeof bits);
    }
}

// The first of these elements that is not finite (all bits of its exponent set), or -1. Reads all of them.
static SB_UNUSED long sb_tensor_nonfinite(const SbFileTensor *t, long first, long n) {
    int wide = !strcmp(t->type, "F32");
    uint32_t mask = wide ? 0x7F800000 : !strcmp(t->type, "BF16") ? 0x7F80 : 0x7C00;
    const uint32_t *word = (const uint32_t *)t->data + (wide ? first : 0);
    const uint16_t *half = (const uint16_t *)t->data + (wide ? 0 : first), part = (uint16_t)mask;
    for (long i = 0, bad = 0; i < n; i += 4096) {
        long end = n - i < 4096 ? n : i + 4096;
        for (long k = i; wide && k < end; k++) bad |= (word[k] & mask) == mask;
        for (long k = i; !wide && k < end; k++) bad |= (uint16_t)(half[k] & part) == part;
        for (long k = i; bad && k < end; k++)
            if (((wide ? word[k] : half[k]) & mask) == mask) return first + k;
    }
    return -1;
}
#endif
