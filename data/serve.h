// serve.h: models of the hub at work: features of pictures into files, a conversation, an export.
//
// Refuses: what pretrained.h refuses; to write over a file that is there. A model is an encoder's folder,
// with or without a language model's, and what train.c made of them (a checkpoint that names both). Read
// from top: opening, pictures, features, a conversation, an export.
#ifndef SB_SERVE_H
#define SB_SERVE_H
#include "export.h"
#include "page.h"
#include "pretrained.h"
#include <time.h>
#include <unistd.h>

typedef struct {
    char *path; // what it was opened from
    int served; // a model of the hub
    SbPretrained hub;
    SbCheckpoint file; // open as long as the model
    SbConfig config;
    SbModel model;
    SbBatch batch;
} SbServed;

// Open the folders, and what a checkpoint (or NULL) says of them and adds to them.
static SB_UNUSED void sb_served_open(SbServed *s, SbPretrainedFlags f, const char *checkpoint) {
    int parts = 0;
    memset(s, 0, sizeof *s);
    s->served = 1;
    s->config = sb_config_preset(SB_MINI);
    if (checkpoint) {
        sb_checkpoint_open(&s->file, checkpoint);
        s->config = sb_model_config(&s->file, &parts);
        sb_pretrained_notes(&f, &s->file);
        f.image = s->config.image;
        if (!f.encoder) sb_die("%s: not made from models of the hub (--encoder, --llm)", checkpoint);
    }
    if (!f.encoder) sb_die("--encoder DIR is missing: a folder of the hub, or --model, made from one");
    s->path = sb_copy(checkpoint ? checkpoint : f.encoder);
    sb_pretrained_open(&s->hub, &f, &s->config);
    if (sb_family_channels(&s->hub.encoder) == SB_EXPORT_DUAL) parts |= SB_DUAL;
    sb_model_plan(&s->model, &s->config, parts);
    if (checkpoint) sb_model_adopt_file(&s->model, &s->file, 0);
    sb_pretrained_bind(&s->hub, &s->model, 0);
    sb_model_memory(&s->model);
    sb_model_train(&s->model, 0);
}
static SB_UNUSED void sb_served_close(SbServed *s) {
    sb_model_free(&s->model), sb_batch_free(&s->batch), sb_pretrained_close(&s->hub);
    if (s->file.path) sb_checkpoint_close(&s->file);
    free(s->path);
}
// Add the picture of a file to the batch.
static SB_UNUSED void sb_served_picture(SbServed *s, const char *path) {
    int w, h, side = s->config.image;
    unsigned char *rgb = sb_image_load(path, &w, &h);
    if (s->served) {
        float *pixels = sb_pretrained_picture(&s->hub, rgb, w, h);
        sb_batch_pixels(&s->batch, &s->config, pixels, side, side);
        free(pixels);
    } else {
        unsigned char *square = sb_square(rgb, w, h, side);
        sb_batch_image(&s->batch, &s->config, square, side, side);
        free(square);
    }
    free(rgb);
}
// Pictures of a folder, in natural order, or one file; *count of them. sb_free_names them.
static SB_UNUSED char **sb_pictures(const char *path, int *count) {
    char **name, **out;
    int n, k = 0;
    if (!sb_is_folder(path)) {
        if (!sb_exists(path)) sb_die("%s: missing; expected a picture or a folder of them", path);
        out = (char **)sb_calloc(1, sizeof *out);
        return out[0] = sb_copy(path), *count = 1, out;
    }
    name = sb_list_folder(path, &n);
    out = (char **)sb_calloc((size_t)n + 1, sizeof *out);
    for (int i = 0; i < n; i++) {
        if (sb_is_picture(name[i]))
            out[k++] = sb_format("%s/%s", path, name[i]);
    }
    sb_free_names(name, n);
    if (!k) sb_die("%s: no .png, .jpg or .jpeg in it", path);
    return *count = k, out;
}

// ---- features

// Rows of floats on their way to a file: all in memory until the end, or (.npy) written as they come.
typedef struct {
    const char *name;
    int rank;
    int64_t shape[3];
    float *all;
    SbWriter npy;
} SbFeatures;

static SB_UNUSED void sb_features_open(SbFeatures *f, const char *name, int64_t n, int64_t rows,
                                       int64_t width, const char *folder) {
    memset(f, 0, sizeof *f);
    f->name = name, f->rank = rows ? 3 : 2;
    f->shape[0] = n, f->shape[1] = rows ? rows : width, f->shape[2] = width;
    if (!folder) {
        f->all = (float *)sb_calloc((size_t)n * (size_t)(rows ? rows * width : width), sizeof(float));
        return;
    }
    char *path = sb_format("%s/%s.npy", folder, name), text[128], head[128] = "\x93NUMPY\x01";
    if (rows)
        snprintf(text, sizeof text, "(%lld, %lld, %lld)", (long long)n, (long long)rows, (long long)width);
    else snprintf(text, sizeof text, "(%lld, %lld)", (long long)n, (long long)width);
    int size = snprintf(head + 10, sizeof head - 10,
                        "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", text);
    memset(head + 10 + size, ' ', (size_t)(118 - size));
    head[8] = 118, head[127] = '\n'; // NEP 1: version, length of what follows, a multiple of 64 in all
    sb_write_open(&f->npy, path);
    sb_write(&f->npy, head, 128);
    free(path);
}
static SB_UNUSED void sb_features_add(SbFeatures *f, const float *x, int64_t first, int64_t n) {
    int64_t each = f->rank == 3 ? f->shape[1] * f->shape[2] : f->shape[1];
    if (f->all) memcpy(f->all + first * each, x, (size_t)(n * each) * sizeof *x);
    else sb_write(&f->npy, x, (size_t)(n * each) * sizeof *x);
}
// cls [n][C] (if there is a CLS row), patches [n][P][C], pooled [n][C] (SigLIP's head) of n pictures, in
// float: to one safetensors file if `to` ends so, else a folder with a .npy each; names.txt or the texts
// say which is which.
static SB_UNUSED void sb_served_features(SbServed *s, char **picture, int n, const char *to, int at_once) {
    const SbConfig *c = &s->config;
    int C = c->enc_width, P = (c->image / c->patch) * (c->image / c->patch), count = 0,
        sizes = (int)strlen(to);
    const char *folder = sizes > 12 && !strcmp(to + sizes - 12, ".safetensors") ? NULL : to;
    SbFeatures out[3], *cls = NULL, *patches, *pooled = NULL;
    struct timespec from, now;
    if (sb_exists(to)) sb_die("%s: is there already; name something new with --to", to);
    if (folder) sb_make_folder(folder);
    if (c->enc_cls) sb_features_open(cls = out + count++, "cls", n, 0, C, folder);
    sb_features_open(patches = out + count++, "patches", n, P, C, folder);
    if (c->enc_pool) sb_features_open(pooled = out + count++, "pooled", n, 0, C, folder);
    float *x = (float *)sb_calloc((size_t)at_once * (size_t)P * (size_t)C, sizeof *x);
    real *raw = (real *)sb_calloc((size_t)at_once * (size_t)(P + 16) * (size_t)C, sizeof *raw);
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int first = 0, k; first < n; first += k) {
        k = sb_min(at_once, n - first);
        sb_batch_clear(&s->batch);
        for (int i = 0; i < k; i++) sb_served_picture(s, picture[first + i]);
        sb_batch_upload(&s->model, &s->batch);
        sb_encoder_forward(&s->model);
        long each = s->batch.n.enc / k, special = each - P;
        sb_get(raw, s->model.acts.feature, (size_t)(s->batch.n.enc * C) * sizeof(real));
        for (long i = 0; cls && i < (long)k * C; i++) x[i] = (float)raw[i / C * each * C + i % C];
        if (cls) sb_features_add(cls, x, first, k);
        for (long i = 0; i < (long)k * P * C; i++)
            x[i] = (float)raw[(i / ((long)P * C) * each + special) * C + i % ((long)P * C)];
        sb_features_add(patches, x, first, k);
        if (pooled) {
            sb_pool_forward(&s->model);
            sb_get(raw, s->model.acts.pooled, (size_t)(k * C) * sizeof(real));
            for (long i = 0; i < (long)k * C; i++) x[i] = (float)raw[i];
            sb_features_add(pooled, x, first, k);
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
        double rate =
            (first + k) / ((double)(now.tv_sec - from.tv_sec) + 1e-9 * (double)(now.tv_nsec - from.tv_nsec));
        fprintf(stderr, "%s%d of %d pictures, %.1f/s, %.0f s left%s", isatty(2) ? "\r" : "", first + k, n,
                rate, (n - first - k) / rate, isatty(2) && first + k < n ? "   " : "\n");
    }
    SbText names = {NULL, 0, 0};
    for (int i = 0; i < n; i++) sb_text_add(&names, "%s\n", picture[i]);
    if (folder) {
        for (int i = 0; i < count; i++) sb_write_close(&out[i].npy);
        char *path = sb_format("%s/names.txt", folder);
        sb_write_file(path, names.data, names.size);
        free(path);
    } else {
        SbFileTensor t[3];
        SbPair pair[2] = {{"format", "pt"}, {"names", names.data}};
        memset(t, 0, sizeof t);
        for (int i = 0; i < count; i++) {
            t[i].name = out[i].name, t[i].type = "F32", t[i].rank = out[i].rank, t[i].data = out[i].all;
            memcpy(t[i].shape, out[i].shape, sizeof out[i].shape);
        }
        sb_checkpoint_write(to, t, count, pair, 2);
    }
    for (int i = 0; i < count; i++) free(out[i].all);
    free(names.data), free(x), free(raw);
}

// ---- a conversation

typedef struct {
    SbServed *s;
    SbStream stream;
    SbText text;
    int *id, n;
} SbSpoken;

static SB_UNUSED int sb_spoken(void *context, int id) { // a word has come: show it at once
    SbSpoken *a = (SbSpoken *)context;
    const SbChat *chat = &a->s->hub.chat;
    int plain = chat->end < 0;
    if (id == chat->end) return 1;
    a->id[a->n++] = id;
    if (id >= chat->tokenizer->n) return 0;     // a row of the word table that pads it: no text
    a->text.size = 0;
    sb_tokenizer_stream(chat->tokenizer, &a->stream, id, 1, &a->text);
    if (a->text.size) fwrite(a->text.data, 1, a->text.size, stdout), fflush(stdout);
    return plain && a->text.size && memchr(a->text.data, '\n', a->text.size);
}
// Questions from stdin, one a line, about a picture (or none); answers as they come, greedy, at most `most`
// tokens. What was said before stays in view.
static SB_UNUSED void sb_served_talk(SbServed *s, const char *picture, int most, int terminal) {
    SbChat *chat = &s->hub.chat;
    SbSpoken a = {s, {{0}, 0}, {NULL, 0, 0}, NULL, 0};
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    int one[1] = {1}, *word = (int *)sb_calloc((size_t)most, sizeof *word);
    if (!s->hub.speaks) sb_die("an encoder alone cannot answer: give --llm too");
    a.id = (int *)sb_calloc((size_t)most + 1, sizeof *a.id);
    sb_chat_begin(chat, s->hub.system);
    for (int turn = 0; (void)(terminal && fprintf(stderr, "> ")), (size = getline(&line, &room, stdin)) >= 0;
         turn++) {
        while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r')) line[--size] = 0;
        if (!size) continue;
        char *question = sb_format("%s%s", picture && !turn ? "<image>\n" : "", line);
        if (sb_utf8_end(question, strlen(question)) < strlen(question)) sb_die("the question is not UTF-8");
        sb_chat_turn(chat, question, NULL);
        sb_batch_clear(&s->batch);
        if (picture) sb_served_picture(s, picture);
        sb_pretrained_sample(&s->hub, &s->batch, &s->config, 0, one);
        a.n = 0, memset(&a.stream, 0, sizeof a.stream);
        sb_generate(&s->model, &s->batch, word, most, sb_spoken, &a);
        a.text.size = 0;
        sb_stream_end(&a.stream, &a.text);
        printf("%.*s\n", (int)a.text.size, a.text.size ? a.text.data : "");
        sb_chat_answered(chat, a.id, a.n);
        free(question);
    }
    free(line), free(word), free(a.id), free(a.text.data);
}
// ---- an export

// The projector in LLaVA's names: mm_projector.0 and .2, [out][in], F32.
static SB_UNUSED void sb_served_projector(SbServed *s, const char *path) {
    const SbModel *m = &s->model;
    const SbParam *p[4] = {&m->proj_w1, &m->proj_b1, &m->proj_w2, &m->proj_b2};
    static const char *const name[4] = {"model.mm_projector.0.weight", "model.mm_projector.0.bias",
                                        "model.mm_projector.2.weight", "model.mm_projector.2.bias"};
    SbFileTensor t[4];
    SbPair format = {"format", "pt"};
    memset(t, 0, sizeof t);
    for (int i = 0; i < 4; i++) {
        t[i].name = name[i], t[i].type = "F32", t[i].rank = p[i]->rank, t[i].data = sb_export_numbers(p[i]);
        t[i].shape[0] = p[i]->w.rows, t[i].shape[1] = p[i]->w.cols;
    }
    sb_checkpoint_write(path, t, 4, &format, 1);
    for (int i = 0; i < 4; i++) free((void *)(uintptr_t)t[i].data);
}
// What was trained on what: the commands, and the probe table, if there is one beside the checkpoint.
static SB_UNUSED char *sb_served_card(SbServed *s) {
    const char *made = sb_checkpoint_text(&s->file, "hub.made");
    char *folder = sb_folder_of(s->file.path), *path = sb_format("%s/probe.csv", folder);
    SbText t = {NULL, 0, 0};
    SbCsv csv;
    sb_text_add(&t, "Trained by spatialboost.c from %s and %s (%s):\n\n", s->hub.encoder.path,
                s->hub.speaks ? s->hub.llm.path : "no language model", sb_family_of(&s->hub.encoder)->type);
    for (const char *line = made ? made : "(not known)\n", *end; *line; line = end + 1) {
        if (!(end = strchr(line, '\n'))) break;
        sb_text_add(&t, "    %.*s\n", (int)(end - line), line);
    }
    if (sb_exists(path) && sb_csv_read(&csv, path, NULL)) {
        sb_text_add(&t, "\nLinear probes on frozen features (./eval probe, from %s):\n\n"
                        "| probe | metric | base | boosted |\n| --- | --- | --- | --- |\n", path);
        for (int i = 0; i < csv.rows; i++)
            sb_text_add(&t, "| %s | %s | %s | %s |\n", sb_csv_text(&csv, i, "probe"),
                        sb_csv_text(&csv, i, "metric"), sb_csv_text(&csv, i, "base"),
                        sb_csv_text(&csv, i, "boost"));
        sb_csv_free(&csv);
    }
    free(folder), free(path);
    return t.data;
}
// What was trained, as a new folder, complete or not at all: encoder (with its second channel),
// encoder_folded (plain attention of twice the heads), llm, projector.safetensors.
static SB_UNUSED void sb_served_export(SbServed *s, const char *to) {
    char *card = sb_served_card(s), *folder = sb_trim_slashes(to), *parent = sb_folder_of(folder);
    char *temp = sb_format("%s.tmp-%ld", folder, (long)getpid());
    static const char *const part[] = {"encoder", "encoder_folded", "llm", "projector.safetensors"};
    char *path[4];
    int dual = s->model.parts & SB_DUAL;
    if (sb_exists(folder)) sb_die("%s: exists; remove it or choose another name with --to", to);
    for (int i = 0; i < 4; i++) path[i] = sb_format("%s/%s", temp, part[i]);
    sb_remove(temp);
    sb_temp_add(temp);
    sb_make_folder(temp);
    sb_family_export(&s->hub.encoder, &s->model, path[0], SB_EXPORT_DUAL, card);
    if (dual) sb_family_export(&s->hub.encoder, &s->model, path[1], SB_EXPORT_FOLDED, card);
    if (s->hub.speaks) sb_family_export(&s->hub.llm, &s->model, path[2], SB_EXPORT_DUAL, card);
    sb_served_projector(s, path[3]);
    if (rename(temp, folder) != 0) sb_die("%s: cannot be made (%s)", folder, strerror(errno));
    sb_temp_done(temp);
    sb_sync_folder(parent);
    printf("%s: encoder%s%s, projector.safetensors\n", to, dual ? ", encoder_folded" : "",
           s->hub.speaks ? ", llm" : "");
    for (int i = 0; i < 4; i++) free(path[i]);
    free(card), free(folder), free(parent), free(temp);
}
#endif
