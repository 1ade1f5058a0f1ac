// targets.h: every reader of files as a function of some bytes, for a fuzzer (fuzz.c) and for `make test`,
// which replays corpus/TARGET/* (dev/test_fuzz.h). A reader may die through sb_die or succeed; nothing else.
//
// Input that names several files: what stands first is the target's main file, "\n=== NAME\n" begins another
// one. A file *.safetensors may be written as text: its header, a line end, its data; the length is put in
// front. Include spatialboost.h first. Read from top: files, one function a target, the table.
#ifndef SB_FUZZ_TARGETS_H
#define SB_FUZZ_TARGETS_H
#include "../../data/bind.h"
#include "../../data/chat.h"
#include "../../data/import_colmap.h"
#include "../../data/import_folders.h"
#include "../../data/import_names.h"
#include "../../data/import_nerf.h"
#include "../../data/import_tum.h"
#include "../../data/import_vggt.h"
#include "../../data/model.h"
#include "../../data/preprocess.h"
#include "../../data/retrieval.h"
#include "../../data/score.h"

// ---- files

enum { FUZZ_FILES = 32, FUZZ_NAME = 64 };
static char fuzz_folder[512];
static char fuzz_file[FUZZ_FILES][FUZZ_NAME];   // written for the input at hand
static int fuzz_files;

// What does not hold ends the program like a crash.
static void fuzz_need(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "fuzz: %s\n", what);
    abort();
}

static char *fuzz_path(const char *name) { return sb_format("%s/%s", fuzz_folder, name); }

// Write a file, if its folder is there and it is not.
static void fuzz_put(const char *name, const char *data, size_t size) {
    char *path = fuzz_path(name);
    FILE *file = fuzz_files < FUZZ_FILES && !sb_exists(path) ? fopen(path, "wb") : NULL;
    if (file) {
        const char *end = size ? (const char *)memchr(data, '\n', size) : NULL;
        uint64_t header = end ? (uint64_t)(end - data) : size;
        if (sb_ends_with(name, ".safetensors") && size && *data == '{') {
            fwrite(&header, 8, 1, file);
            fwrite(data, 1, (size_t)header, file);
            data += header + (end != NULL), size -= (size_t)header + (end != NULL);
        }
        fwrite(data, 1, size, file);
        fclose(file);
        snprintf(fuzz_file[fuzz_files++], FUZZ_NAME, "%s", name);
    }
    free(path);
}

// The end of a part: where "\n=== " stands, or the end of the input.
static size_t fuzz_part(const char *data, size_t size) {
    for (size_t i = 0; i + 5 <= size; i++)
        if (!memcmp(data + i, "\n=== ", 5)) return i;
    return size;
}

// Write all files of an input; first: the name of its first one.
static void fuzz_unpack(const char *first, const char *data, size_t size) {
    char name[FUZZ_NAME];
    snprintf(name, sizeof name, "%s", first);
    for (;;) {
        size_t part = fuzz_part(data, size);
        fuzz_put(name, data, part);
        if (size - part < 5) return;
        data += part + 5, size -= part + 5;
        const char *end = (const char *)memchr(data, '\n', size);
        size_t length = end ? (size_t)(end - data) : size;
        if (!end || !length || length >= sizeof name) return;
        memcpy(name, data, length);
        name[length] = 0;
        if (strlen(name) != length || strstr(name, "..") || *name == '/') return;
        data += length + 1, size -= length + 1;
    }
}

// Forget the files of the input.
static SB_UNUSED void fuzz_clean(void) {
    while (fuzz_files > 0) {
        char path[sizeof fuzz_folder + FUZZ_NAME + 1];
        snprintf(path, sizeof path, "%s/%s", fuzz_folder, fuzz_file[--fuzz_files]);
        remove(path);
    }
}

// Pictures and folders that stand there for every input: two views of 8 x 6 pixels.
static SB_UNUSED void fuzz_begin(const char *folder) {
    static const char *const folders[] = {"color", "depth", "images", "intrinsic", "masks", "pose",
                                          "sparse"};
    unsigned char rgb[8 * 6 * 3];
    unsigned short depth[8 * 6];
    snprintf(fuzz_folder, sizeof fuzz_folder, "%s", folder);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char *path = fuzz_path(folders[i]);
        sb_make_folder(path);
        free(path);
    }
    for (int i = 0; i < 8 * 6; i++) {
        rgb[3 * i] = (unsigned char)(5 * i), rgb[3 * i + 1] = (unsigned char)(i * i), rgb[3 * i + 2] = 90;
        depth[i] = (unsigned short)(i % 7 ? 1000 + 30 * i : 0);
    }
    for (int i = 0; i < 4; i++) {
        char *color = sb_format("%s/%s/%d.png", folder, i % 2 ? "color" : "images", i / 2);
        char *z = sb_format("%s/depth/%d.png", folder, i / 2);
        int size;
        unsigned char *png = sb_png16_encode(depth, 8, 6, &size);
        sb_png_write(color, rgb, 8, 6);
        sb_image_save(z, png, size, 0);
        free(png), free(color), free(z);
    }
}

// ---- targets

// Every number of a checkpoint, looked at as its reader would.
static void fuzz_safetensors(const char *data, size_t size) {
    SbCheckpoint c;
    char *path = fuzz_path("a.safetensors");
    uint64_t sum = 0;
    fuzz_put("a.safetensors", data, size);
    sb_checkpoint_open(&c, path);
    for (int i = 0; i < c.tensors; i++) {
        const SbFileTensor *t = c.tensor + i;
        uint64_t bytes = sb_tensor_bytes(t, path);
        for (uint64_t k = 0; k < bytes; k++) sum += ((const unsigned char *)t->data)[k];
        fuzz_need(sb_checkpoint_find(&c, t->name) == t, "a tensor is not found by its name");
        if (!strcmp(t->type, "F32") || !strcmp(t->type, "F16") || !strcmp(t->type, "BF16"))
            sum += (uint64_t)sb_tensor_nonfinite(t, 0, (long)(bytes / (*t->type == 'F' && t->type[1] == '3'
                                                                           ? 4 : 2)));
    }
    fuzz_need(sum != 1 || c.tensors, "");       // keeps the sum
    sb_checkpoint_close(&c);
    free(path);
}

// A checkpoint of ours.
static void fuzz_model(const char *data, size_t size) {
    SbModel m;
    char *path = fuzz_path("a.safetensors");
    fuzz_put("a.safetensors", data, size);
    sb_model_load(&m, path);
    sb_model_free(&m);
    free(path);
}

// A folder of the hub: config.json and weights; its numbers are bound to a model.
static void fuzz_folder_of_hub(const char *data, size_t size) {
    SbFolder f;
    SbModel m;
    SbConfig c = sb_config_preset(SB_TOY);
    fuzz_unpack("config.json", data, size);
    char *other = fuzz_path("open_clip_config.json");
    if (!sb_exists(other)) fuzz_put("model.safetensors", "{}", 2);      // if the input has none
    free(other);
    sb_folder_open(&f, fuzz_folder);
    sb_family_config(&f, &c, 0);
    const char *wrong = sb_config_error(&c);
    if (wrong) sb_die("%s", wrong);
    sb_model_plan(&m, &c, 0);
    sb_family_bind(&f, &m, 0);
    free(sb_family_notes(&f));
    sb_model_free(&m);
    sb_folder_close(&f);
}

// tokenizer.json, then a text to encode. Ids must be tokens, and decoding must find the text again.
static void fuzz_tokenizer(const char *data, size_t size) {
    SbTokenizer t;
    SbIds ids = {NULL, 0, 0};
    SbText back = {NULL, 0, 0};
    char *path = fuzz_path("tokenizer.json");
    size_t part = fuzz_part(data, size), begin = size - part >= 5 ? part + 5 : size;
    fuzz_put("tokenizer.json", data, part);
    sb_tokenizer_open(&t, path);
    int plain = !t.nfc && t.byte_id[0] >= 0;
    for (int b = 0; b < 256 && plain; b++) {    // no byte may become unk_token
        size_t bytes = 0;
        const char *token = t.byte_id[b] >= 0 ? sb_tokenizer_bytes(&t, t.byte_id[b], &bytes) : NULL;
        plain = token && bytes == 1 && (unsigned char)*token == b;
    }
    for (int i = 0; i < t.adds; i++) plain &= !t.added[i].lstrip && !t.added[i].rstrip;
    for (int i = 0; i < t.splits; i++) plain &= !t.split[i].space;
    const char *text = begin < size ? data + begin : "a b\t1\xC3\xA4\xE2\x82\xAC <|x|>\r\n";
    size_t length = begin < size ? size - begin : strlen(text);
    sb_tokenizer_encode(&t, text, length, SB_ENCODE_SPECIAL | SB_ENCODE_TEMPLATE, &ids);
    ids.n = 0;
    sb_tokenizer_encode(&t, text, length, SB_ENCODE_SPECIAL, &ids);
    sb_text_bytes(&back, "", 0);
    sb_tokenizer_decode(&t, ids.id, ids.n, 0, &back);
    if (plain) fuzz_need(back.size == length && !memcmp(back.data, text, length), "another text comes back");
    free(back.data), free(ids.id), free(path);
    sb_tokenizer_close(&t);
}

// Conversations; each is written and read again, and the last is read by its place.
static void fuzz_conversations(const char *data, size_t size) {
    SbConversations r;
    SbConversation one, again;
    char *path = fuzz_path("talk.json");
    int64_t offset = -1;
    long record = 0;
    fuzz_put("talk.json", data, size);
    sb_conversations_open(&r, path);
    while (sb_conversations_next(&r, &one)) {
        SbText line = {NULL, 0, 0};
        offset = one.offset, record = one.record;
        sb_text_conversation(&line, &one);
        sb_conversation_parse(&again, line.data, line.size, "again");
        fuzz_need(again.turns == one.turns && again.images == one.images, "a conversation changes");
        for (int i = 0; i < one.turns; i++)
            fuzz_need(!strcmp(again.turn[i].question, one.turn[i].question) &&
                      !strcmp(again.turn[i].answer, one.turn[i].answer), "a turn changes");
        sb_conversation_free(&again), sb_conversation_free(&one);
        free(line.data);
    }
    if (offset >= 0) {
        sb_conversations_at(&r, offset, record, &one);
        sb_conversation_free(&one);
    }
    sb_conversations_close(&r);
    free(path);
}

static void fuzz_preprocess(const char *data, size_t size) {
    SbPreprocess p;
    char *path = fuzz_path("preprocessor_config.json");
    unsigned char rgb[9 * 5 * 3];
    int w, h;
    for (size_t i = 0; i < sizeof rgb; i++) rgb[i] = (unsigned char)(31 * i);
    fuzz_put("preprocessor_config.json", data, size);
    sb_preprocess_read(&p, path);
    for (int mode = SB_AS_FILE; mode <= SB_SQUARE; mode++) {
        sb_preprocess_as(&p, mode, 0, 0);
        sb_preprocess_size(&p, 9, 5, &w, &h);
        if (w * h > 1 << 14) break;     // right, but slow
        float *pixels = (float *)sb_calloc((size_t)w * (size_t)h, 3 * sizeof *pixels);
        sb_preprocess(&p, rgb, 9, 5, pixels);
        for (int i = 0; i < w * h * 3; i++) fuzz_need(isfinite(pixels[i]) != 0, "a pixel is not finite");
        free(pixels);
    }
    free(path);
}

// Checksums of a PNG are made right, or nothing behind them would ever be reached.
static void fuzz_checksums(unsigned char *d, size_t size) {
    for (size_t at = 8; at + 12 <= size;) {
        size_t length = sb_big_endian(d + at);
        if (length > size - at - 12) return;
        sb_put_big_endian(d + at + 8 + length, sb_crc(d + at + 4, length + 4));
        at += length + 12;
    }
}

static void fuzz_image(const char *data, size_t size) {
    SbImageHead head;
    SbLabels l;
    int w, h;
    size_t bytes;
    char *copy = (char *)sb_calloc(size, 1), *path = fuzz_path("a.png");
    memcpy(copy, data, size);
    fuzz_checksums((unsigned char *)copy, size);
    fuzz_put("a.png", copy, size);
    free(copy);
    free(sb_image_bytes(path, &bytes, &head));
    if ((int64_t)head.w * head.h > 1 << 16) return;     // right, but slow
    free(sb_image_load(path, &w, &h));
    fuzz_need(w == head.w && h == head.h, "the size is not what the head says");
    if (!head.png) return;
    if (head.colour == 3) sb_labels_read(path, &l);
    else l.label = sb_mask_read(path, &w, &h);
    free(l.label), free(path);
}

// .npy, .npz or .pfm by their first bytes.
static void fuzz_array(const char *data, size_t size) {
    SbArray a;
    int w, h;
    const char *name = size && *data == 'P' ? size > 1 && data[1] == 'K' ? "a.npz" : "a.pfm" : "a.npy";
    char *path = fuzz_path(name);
    fuzz_put(name, data, size);
    sb_array_picture(path, &a, &w, &h);
    fuzz_need((size_t)w * (size_t)h == a.count, "another count than sides say");
    sb_array_free(&a);
    free(path);
}

static void fuzz_masks(const char *data, size_t size) {
    SbLabels l;
    cJSON *file = sb_json_parse(data, size, "masks");
    sb_masks_from_json(file, cJSON_IsArray(file) ? -1 : 1, &l, "masks");
    for (size_t i = 0; i < (size_t)l.w * (size_t)l.h; i++)
        fuzz_need(l.label[i] <= l.regions, "a label of no region");
    sb_labels_free(&l);
    cJSON_Delete(file);
}

// A scene folder: objects.json, then intrinsics and poses.
static void fuzz_scene(const char *data, size_t size) {
    SbScene s;
    fuzz_unpack("objects.json", data, size);
    sb_scene_load(&s, fuzz_folder);
    sb_scene_free(&s);
}

// A recording; of which kind, its first line says, which becomes the file "kind".
static void fuzz_import(const char *data, size_t size) {
    static const struct { const char *name; void (*read)(SbImport *); } kind[] = {
        {"colmap", sb_read_colmap}, {"nerf", sb_read_nerf}, {"tum", sb_read_tum}, {"plain", sb_read_plain},
        {"redwood", sb_read_redwood}, {"scannet", sb_read_scannet}, {"vggt", sb_read_vggt},
        {"apc", sb_read_apc}, {"7scenes", sb_read_7scenes}};
    SbImport im;
    SbScene s, names;
    memset(&im, 0, sizeof im);
    im.source = fuzz_folder, im.dest = im.intrinsics = im.masks = im.names = "", im.ids = "view";
    im.up = "auto", im.depth_scale = 1000, im.unit = 1, im.max_gap = .02, im.every = 1;
    fuzz_unpack("kind", data, size);
    size_t length = fuzz_part(data, size);
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++)
        if (strlen(kind[i].name) == length && !memcmp(kind[i].name, data, length)) {
            im.kind = kind[i].name;
            kind[i].read(&im);
        }
    if (!im.kind || !im.frames) return;
    char *masks = fuzz_path("masks/0.json");
    if (sb_exists(masks)) im.masks = fuzz_path("masks");
    sb_import_load(&im, &s);
    if (im.labels && sb_import_names(&im, &s, &names)) sb_scene_free(&names);
    for (int i = 0; i < im.frames; i++) {
        if (im.labels) sb_labels_free(im.labels + i);
        sb_frame_free(im.frame + i);
    }
    free(im.labels), free(im.frame), free(masks);
    sb_scene_free(&s);
}

// Questions, then predictions.
static void fuzz_vsi(const char *data, size_t size) {
    SbVsiRows v;
    SbVsiScores s;
    char *path = fuzz_path("questions"), *replies = fuzz_path("replies");
    fuzz_unpack("questions", data, size);
    sb_vsi_read(&v, path);
    sb_vsi_read_replies(&v, path, replies);
    sb_vsi_scores(&s, &v);
    fuzz_need(isnan(s.all) || (s.all >= 0 && s.all <= 100), "a score beyond 0 to 100");
    for (int i = 0; i < v.rows; i++) sb_vsi_row_free(v.row + i);
    free(v.row), free(path), free(replies);
}

// Questions of any kind, then predictions.
static void fuzz_score(const char *data, size_t size) {
    SbScoreRows s;
    char *path = fuzz_path("questions"), *replies = fuzz_path("replies");
    fuzz_unpack("questions", data, size);
    sb_score_read(&s, path);
    sb_score_read_replies(&s, path, replies);
    SbScores t = sb_score_table(&s, 0, s.rows, .25);
    fuzz_need(t.exact >= 0 && t.exact < 100.001, "a share beyond 0 to 100");
    fuzz_need(t.bleu >= 0 && t.bleu < 100.001, "BLEU-1 beyond 0 to 100");
    fuzz_need(isnan(t.mra) || (t.mra >= 0 && t.mra <= 100), "an accuracy beyond 0 to 100");
    sb_score_free(&s), free(path), free(replies);
}
static void fuzz_revisited(const char *data, size_t size) {
    SbRevisited r;
    char *path = fuzz_path("gnd.json");
    fuzz_unpack("gnd.json", data, size);
    sb_revisited_read(&r, path);
    real *score = (real *)sb_calloc((size_t)r.images, sizeof *score);
    for (int i = 0; i < r.queries; i++) {
        double precision[SB_REVISITED];
        sb_revisited_score(precision, r.query + i, score, r.images);
        for (int k = 0; k < SB_REVISITED; k++)
            fuzz_need(isnan(precision[k]) || (precision[k] > 0 && precision[k] <= 1), "a precision beyond 1");
    }
    sb_revisited_free(&r), free(score), free(path);
}

// ---- the table

static const struct { const char *name; void (*run)(const char *data, size_t size); } fuzz_target[] = {
    {"safetensors", fuzz_safetensors}, {"model", fuzz_model}, {"folder", fuzz_folder_of_hub},
    {"tokenizer", fuzz_tokenizer}, {"conversations", fuzz_conversations}, {"preprocess", fuzz_preprocess},
    {"image", fuzz_image}, {"array", fuzz_array}, {"masks", fuzz_masks}, {"scene", fuzz_scene},
    {"import", fuzz_import}, {"vsi", fuzz_vsi}, {"score", fuzz_score},
    {"revisited", fuzz_revisited}};
enum { FUZZ_TARGETS = sizeof fuzz_target / sizeof *fuzz_target };
#endif
