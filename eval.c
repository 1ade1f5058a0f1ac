// eval.c: what an encoder knows, asked in several ways.      ./eval WHAT [flags]      ./eval --help
//
//     probe      linear probes on frozen features: depth, segmentation, class        out/probe.csv
//     questions  how often the answers are right, with the image and without         out/questions.csv
//     field      Spa3R: features and depth of views that it never saw                out/field.csv
//     latents    answers of an LLM that reads Spa3R's latents, and of one that does not  out/latents.csv
//     ask        a conversation about a picture, and where the model looked
//     features   a picture's features as colours, or pictures' features as numbers       a PNG; .safetensors
//     export     what was trained on models of the hub, as folders of the hub
//     real       the same on photographs                                             out/real.html
//     vsi        anybody's answers to VSI-Bench questions, scored as the benchmark does  out/vsi.csv
//     score      anybody's answers to any questions: exact, BLEU-1, numbers          out/score.csv
//     report     everything that stands in out/ on one page                          out/report.html
//
// What it refuses to do: train, or report on a room that was trained on: probes are fitted on the rooms of
// SB_POOL_PROBE, every figure comes from SB_POOL_TEST (--tune: SB_POOL_TUNE). How to read it: the options,
// then one section for each of the words above; the probes are data/probe*.h. To add a probe: data/probe.h
// says how to add a metric, data/probe_tasks.h other pictures than rooms.
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "data/file.h"
#define SB_FAIL(...) sb_die(__VA_ARGS__)
#ifndef SB_MODEL                        // train.cu puts a GPU in its place
#define SB_MODEL "spatialboost.h"
#endif
#include SB_MODEL

#include "data/diff.h"
#include "data/experiments.h"
#include "data/fit.h"
#include "data/flags.h"
#include "data/model.h"
#include "data/page.h"
#include "data/field_page.h"
#include "data/probe_tasks.h"
#include "data/samples.h"
#include "data/score.h"
#include "data/serve.h"
#include <time.h>

// ---- options. X(for what, flag kind, C type, name, default, hint, low, high, help)
enum { PROBE = 1, QUESTIONS = 2, ASK = 4, FEATURES = 8, REAL = 16, REPORT = 32, ALL = 63, DIFF = 64,
       VSI = 128, FIELD = 256, LATENTS = 512, EXPORT = 1024, EXPERIMENTS = 2048, SCORE = 4096,
       HUB = ASK | FEATURES | EXPORT };
#define EVAL_OPTIONS(X) \
    X(ALL | VSI | SCORE | FIELD | LATENTS | EXPORT | EXPERIMENTS, TEXT, const char *, out, "out", "DIR", 0, \
      0, "folder of checkpoints, logs and results") \
    X(PROBE | REAL | REPORT, TEXT, const char *, base, NULL, "FILE", 0, 0, \
      "the base encoder (DIR/encoder.safetensors)") \
    X(PROBE | QUESTIONS | REAL | REPORT, TEXT, const char *, boost, NULL, "FILE", 0, 0, \
      "the boosted one (DIR/boost.safetensors)") \
    X(PROBE | QUESTIONS | REPORT, TEXT, const char *, control, NULL, "FILE", 0, 0, \
      "boosted without spatial questions (DIR/control.safetensors)") \
    X(QUESTIONS, TEXT, const char *, before, NULL, "FILE", 0, 0, \
      "the LLM with the base encoder (DIR/instruct.safetensors)") \
    X(PROBE | QUESTIONS | LATENTS, INT, int, images, 0, "N", 0, 1e7, \
      "rooms to report on; 0: 10000 to probe, 1000 to question; models of the hub: 1000; of --data: all") \
    X(PROBE, INT, int, fit, 0, "N", 0, 1e7, \
      "rooms to fit the probes on; 0: 4000 (of the hub: 1000); of --data: all") \
    X(PROBE, TEXT, const char *, task, "rooms", "NAME", 0, 0, \
      "rooms, pose: simulated, or --scenes; of --scenes: register, points; of --data: imagenet, ade20k," \
      " nyud, revisited") \
    X(PROBE, TEXT, const char *, data, NULL, "DIR", 0, 0, "pictures in the layout of --task") \
    X(PROBE, INT, int, bins, 256, "N", 0, 4096, "nyud: bins of depth, 0: by regression") \
    X(PROBE, INT, int, rows, 65536, "N", 1, 1e8, "ade20k, nyud: patches to fit on, at least one a picture") \
    X(PROBE, TEXT, const char *, scales, "1", "A,B", 0, 0, \
      "ade20k, nyud: look at a picture in tiles of these scales, and take the mean") \
    X(PROBE, INT, int, layers, 1, "N", 1, 1024, \
      "rooms, scenes, ade20k, nyud: features of patches behind each of the last N blocks (the paper's +ms:" \
      " 4); the table is DIR/probe_layersN.csv, ...") \
    X(PROBE, SWITCH, int, dpt, 0, "", 0, 1, \
      "rooms, scenes: depth by a small DPT head too, on the same features: rows depth_dpt") \
    X(PROBE, INT, int, neighbours, 20, "K", 1, SB_NEAREST_MAX, "how many vote on the class") \
    X(PROBE, NUMBER, double, decay, 0, "X", 0, 1e3, \
      "of the linear classifier; 0: 1e-3; of --data: that which labels a tenth best that was kept out") \
    X(PROBE, INT, int, shared, 0, "N", 0, 2, \
      "fit and report on rooms that were trained on: 1, their pictures again; 2, from another camera") \
    X(PROBE | QUESTIONS | LATENTS, SWITCH, int, tune, 0, "", 0, 1, \
      "report on rooms kept for choosing settings, not on the test rooms") \
    X(PROBE | QUESTIONS | VSI | SCORE | FEATURES | EXPORT, TEXT, const char *, to, NULL, "NAME", 0, 0, \
      "the table is DIR/NAME.csv; features: FILE.safetensors or a folder for .npy; export: the new folder") \
    X(QUESTIONS | LATENTS, TEXT, const char *, mix, NULL, "MIX", 0, 0, \
      "questions: a name or counts, ./data/converse --help (mix; of latents: lean)") \
    X(HUB, TEXT, const char *, model, NULL, "FILE", 0, 0, "a checkpoint (DIR/boost.safetensors)") \
    X(HUB | PROBE, TEXT, const char *, encoder, NULL, "DIR", 0, 0, \
      "an encoder's folder of the hub, without --model as it is") \
    X(ASK, TEXT, const char *, llm, NULL, "DIR", 0, 0, "and a language model's") \
    X(ASK, TEXT, const char *, system, NULL, "TEXT", 0, 0, \
      "its system text; @qwen2.5 ...: the family's own (none)") \
    X(ASK, TEXT, const char *, chat, NULL, "NAME", 0, 0, \
      "its layout: chatml, llama3, plain (as its tokens say)") \
    X(ASK, INT, int, most, 256, "N", 1, 1e5, "tokens of an answer (models of the hub)") \
    X(FEATURES, TEXT, const char *, pictures, NULL, "PATH", 0, 0, \
      "a picture or a folder of them: their features as numbers, to --to") \
    X(FEATURES | PROBE, INT, int, side, 0, "N", 0, 4096, "side of the pictures (0: the encoder's own)") \
    X(FEATURES, INT, int, at_once, 8, "N", 1, 1024, "pictures computed at a time") \
    X(FEATURES | PROBE, INT, int, select, 0, "N", 0, 1, "features of 0: the last layer, 1: the one before") \
    X(ASK | FEATURES, TEXT, const char *, image, NULL, "FILE", 0, 0, \
      "a picture, PNG or JPEG; it is squeezed into a square") \
    X(ASK | FEATURES, INT, int, scene, 0, "N", 0, 1e9, "a simulated test room instead") \
    X(FIELD, TEXT, const char *, field, NULL, "FILE", 0, 0, "Spa3R's checkpoint (DIR/spa3r.safetensors)") \
    X(FIELD, TEXT, const char *, blind, NULL, "FILE", 0, 0, \
      "the same, trained blind (DIR/blind.safetensors, if it is there)") \
    X(FIELD, INT, int, rooms, 200, "N", 1, 1e5, "rooms to report on, and as many for the mean") \
    X(FIELD | LATENTS, INT, int, views, 4, "N", 2, 16, "views of a room") \
    X(DIFF, INT, int, show, 10, "N", 0, 1e9, "print so many, the worst first (0: all)") \
    X(DIFF, TEXT, const char *, csv, NULL, "FILE", 0, 0, "write all of them there") \
    X(VSI | SCORE, TEXT, const char *, predictions, NULL, "FILE", 0, 0, \
      "JSONL, a line a question: {\"id\": 7, \"prediction\": \"2.1\"}") \
    X(VSI | SCORE, TEXT, const char *, questions, NULL, "FILE", 0, 0, \
      "JSONL in VSI-Bench's layout; score: {\"id\": 7, \"answer\": \"2.1 m\"} (else in the predictions)") \
    X(SCORE, NUMBER, double, tolerance, .25, "X", 0, 1e3, \
      "a number is right that is off by at most this share of the true one") \
    X(FIELD, TEXT, const char *, camera, NULL, "FILE", 0, 0, \
      "a pose (4x4, camera to world) in the scene of --scenes: what it would see, as --png") \
    X(REAL | FIELD | PROBE, TEXT, const char *, scenes, NULL, "DIR", 0, 0, \
      "a scene folder, or a folder of them (probe: depth of half of them, fitted on the others; field:" \
      " real ones, one view of each is asked for)") \
    X(REAL, TEXT, const char *, after, NULL, "FILE", 0, 0, "boosted on with them (DIR/real.safetensors)") \
    X(REPORT, TEXT, const char *, note, NULL, "TEXT", 0, 0, "a warning at the top of the page") \
    X(REPORT, TEXT, const char *, command, "make run", "TEXT", 0, 0, \
      "the command that made it all, for the page") \
    X(EXPERIMENTS, TEXT, const char *, results, "dev/results", "DIR", 0, 0, "a folder of NAME.csv") \
    X(FEATURES | FIELD, TEXT, const char *, png, "features.png", "FILE", 0, 0, "the result")

typedef struct {
#define X(what, kind, type, name, start, hint, low, high, help) type name;
    EVAL_OPTIONS(X)
#undef X
    const char *file[2];                // diff: what to compare
} Options;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// ---- encoders

enum { BASE = SB_PROBED_BASE, BOOST = SB_PROBED_BOOST, CONTROL = SB_PROBED_CONTROL, ENCODERS = SB_PROBED };
static const char *const encoder_name[ENCODERS] = {"base", "boost", "control"};

typedef SbServed Encoder; // path NULL: there is none

// Was the checkpoint made from models of the hub? 0 also if there is none.
static int of_hub(const char *path) {
    SbCheckpoint file;
    if (!path || !sb_exists(path)) return 0;
    sb_checkpoint_open(&file, path);
    int is = sb_checkpoint_text(&file, "hub.encoder") != NULL;
    sb_checkpoint_close(&file);
    return is;
}
// Load path, or DIR/stage.safetensors where path is NULL; returns 0 if that is not there and need is 0.
static int open_encoder(Encoder *e, const Options *o, const char *path, const char *stage, int need) {
    memset(e, 0, sizeof *e);
    char *file = path ? sb_copy(path) : sb_format("%s/%s.safetensors", o->out, stage);
    if (!sb_exists(file)) {
        if (need || path) sb_die("%s: missing; make it with ./train %s, or name a file", file, stage);
        free(file);
        return 0;
    }
    if (of_hub(file)) {
        SbPretrainedFlags f = {o->encoder, NULL, NULL, NULL, 0, 0, 0};
        sb_served_open(e, f, file);
        free(file);
        return 1;
    }
    sb_model_load(&e->model, file);
    e->config = e->model.config;
    e->path = file;
    return 1;
}
// n of them; the first must be there, all are of one size. given: files, or NULL.
static void open_encoders(Encoder *e, const Options *o, int n, const char *const *given,
                          const char *const *stage) {
    for (int i = 0; i < n; i++) {
        if (!e[i].path && !open_encoder(e + i, o, given ? given[i] : NULL, stage[i], i == BASE)) continue;
        const SbConfig *a = &e[BASE].model.config, *b = &e[i].model.config;
        if (a->image != b->image || a->patch != b->patch || a->enc_width != b->enc_width ||
            a->enc_layers != b->enc_layers || (a->vocab != b->vocab && !e[i].served))
            sb_die("%s: picture, patch, encoder or vocabulary are not the size of those in %s", e[i].path,
                   e[BASE].path);
    }
}
// The encoder of the hub as it lies in its folder, at the size that a checkpoint (or NULL) was made with.
static void open_base(Encoder *e, const Options *o, const char *boost) {
    SbPretrainedFlags f = {o->encoder, NULL, NULL, NULL, o->select, o->side, 0};
    if (boost) {
        SbCheckpoint file;
        int parts;
        sb_checkpoint_open(&file, boost);
        sb_pretrained_notes(&f, &file);
        f.image = sb_model_config(&file, &parts).image;
        sb_checkpoint_close(&file);
    }
    f.llm = NULL;
    sb_served_open(e, f, NULL);
}
// whole: pictures are cropped as the encoder wants them, since only the whole picture's class is asked for.
static void open_probed(Encoder *e, const Options *o, int whole) {
    const char *given[ENCODERS] = {o->base, o->boost, o->control};
    static const char *const stage[ENCODERS] = {"encoder", "boost", "control"};
    char *boost = o->boost ? sb_copy(o->boost) : sb_format("%s/boost.safetensors", o->out);
    memset(e, 0, ENCODERS * sizeof *e);
    if (!o->base && (o->encoder || of_hub(boost))) open_base(e, o, of_hub(boost) ? boost : NULL);
    open_encoders(e, o, e->served && !of_hub(boost) ? 1 : ENCODERS, given, stage);
    // what is known of a patch is where it lies in the whole picture: squeezed, nothing cropped
    for (int i = 0; i < ENCODERS && !whole; i++)
        if (e[i].served)
            sb_preprocess_as(&e[i].hub.pixels, SB_SQUASH, e[i].config.image, e[i].config.image);
    free(boost);
}

// ---- probe

static void run_probe(const Options *o) {
    static Encoder e[ENCODERS];
    static SbProbeTable table;
    static SbProbeResult result[ENCODERS];
    static SbDataset data;
    static SbViews fit, test;
    const SbLayout *layout;
    SbProbeFlags f = {o->task, o->data, o->scenes, o->scales,     o->images, o->fit, o->bins,
                      o->rows, o->layers, o->dpt,    o->neighbours, o->shared, o->tune, o->decay};
    const SbProbeTask *task = sb_probe_task(&f, &layout);
    int fitted, n, known = task ? task->known : 0;
    open_probed(e, o, layout && (layout->kind == SB_OF_CLASS || layout->kind == SB_OF_RANK));
    double start = now();
    if (known) {
        sb_probe_lifted(result, e, task, &f, &fitted, &n);
    } else {
        sb_probe_views(&fit, &test, &data, layout, &f, e + BASE);
        if (!task)
            fprintf(stderr, "probe: %d rooms to fit, %d to report, rendered in %.1f s\n", fit.n, test.n,
                    now() - start);
        for (int k = 0; k < ENCODERS; k++) {
            if (!e[k].path) continue;
            start = now();
            sb_probe_encoder(result + k, e + k, &fit, &test, &f);
            fprintf(stderr, "probe: %s (%s) in %.1f s\n", encoder_name[k], e[k].path, now() - start);
        }
        fitted = fit.n, n = test.n, known = test.known;
    }
    start = now();
    sb_probe_bootstrap(&table, result, e, n, known);
    fprintf(stderr, "probe: bootstrap in %.1f s\n", now() - start);
    const char *dash = task ? "_" : "", *name = task ? task->name : "";
    char *usual = o->layers > 1 ? sb_format("probe%s%s_layers%d", dash, name, o->layers)
                                : sb_format("probe%s%s", dash, name);
    char *path = sb_format("%s/%s.csv", o->out, o->to ? o->to : usual);
    sb_probe_write(path, &table, e, fitted, n, known);
    sb_probe_print(&table, e, known);
    printf("%s\n", path);
    sb_views_free(&fit), sb_views_free(&test), free(path), free(usual);
    if (layout) sb_dataset_close(&data);
}

// ---- questions

// Whose answers: models, some with grey pictures; and the best answer that never looks: of each type and
// patch the commonest, of two patches the usually nearer.
typedef struct { const char *name; Encoder *e; int blank; } Answerer;   // e NULL: nobody
enum { BLIND = 8, ANSWERERS };

typedef struct {
    int type, patch[2], room;   // patches named in the question, -1: none
    uint32_t answer;            // hash of its words
    double length;              // metres, if the answer is one; else 0
    double right[ANSWERERS];    // 1 or 0; of a caption the share of right words
    double error[ANSWERERS];    // of a length: |middle of the metre word - length| / length
    double mra[ANSWERERS];      // of a length: VSI-Bench's mean relative accuracy of that middle
} Asked;
typedef struct { Asked *asked; long n, room; } AskedList;

// Metres that a text begins with ("342 cm"), 0: it does not.
static double length_of(const char *text) {
    char *end;
    double v = strtod(text, &end);
    return end == text ? 0 : !strncmp(end, " cm", 3) ? v / 100 : !strncmp(end, " m", 2) ? v : 0;
}
static uint32_t hash_words(uint32_t h, int word) { return (h ^ (uint32_t)word) * 16777619u; }

// Append the turns of a sample.
static void add_turns(AskedList *l, const SbSample *s, int room) {
    const SbSequence *q = &s->sequence;
    for (int i = 0, last = -1; i < q->n; i++) {
        if (q->turn[i] != last) {
            if (l->n == l->room) {
                l->room = 2 * l->room + 1024;
                l->asked = (Asked *)sb_realloc(l->asked, (size_t)l->room * sizeof *l->asked);
            }
            Asked *a = l->asked + l->n++;
            memset(a, 0, sizeof *a);
            last = q->turn[i];
            a->type = s->dialogue.turn[last].type, a->room = room, a->patch[0] = a->patch[1] = -1;
            a->length = length_of(sb_dialogue_answer(&s->dialogue, last));
        }
        Asked *a = l->asked + l->n - 1;
        int patch = q->token[i] - SB_WORD_PATCH;
        if (a->answer == 0 && patch >= 0 && patch < SB_WORD_METRE - SB_WORD_PATCH)
            a->patch[a->patch[0] >= 0] = patch;
        if (q->target[i] >= 0) a->answer = hash_words(a->answer, q->target[i]);
    }
}
// What a model says: for every row with a target the likeliest word, the words before it being the true ones.
// An answer that is right word by word is the one that greedy generation gives.
static void likeliest(SbModel *m, const SbBatch *b, int *word) {
    int V = m->config.vocab, D = m->config.llm_width;
    SbWeight none = sb_dense(NULL, 0, 0);
    real *logits = (real *)sb_calloc((size_t)(SB_CHUNK * V), sizeof *logits);
    sb_batch_upload(m, b);
    sb_vision_forward(m);
    sb_llm_forward(m, 0, m->n.llm);
    sb_llm_head_rows(m, m->n.loss);
    for (long first = 0; first < m->n.loss; first += SB_CHUNK) {
        long n = sb_lmin(SB_CHUNK, m->n.loss - first);
        sb_linear_forward(m->acts.logits, V, m->acts.head_n + first * D, D, m->llm_emb.w, none, n);
        sb_get(logits, m->acts.logits, (size_t)(n * V) * sizeof(real));
        for (long i = 0; i < n; i++) word[first + i] = sb_argmax(logits + i * V, V);
    }
    free(logits);
}
// Mark the answers to one sample: word, what a model said, in the order of the targets. Returns how many.
static long mark_turns(Asked *a, const SbSample *s, int who, const int *word) {
    const SbSequence *q = &s->sequence;
    long at = 0, words = 0;
    for (int i = 0, last = -1; i < q->n; i++) {
        if (q->target[i] < 0) continue;
        Asked *t = a + q->turn[i];
        int caption = t->type >= 0 && sb_question_row(t->type)->kind == SB_KIND_TEXT;
        double hit = word[at] == q->target[i];
        if (q->turn[i] != last) {
            int metre = word[at] - SB_WORD_METRE;
            words = 0;
            int length = metre >= 0 && t->length > 0;
            t->error[who] = length ? fabs(metre + .5 - t->length) / t->length : 1;
            t->mra[who] = length ? sb_vsi_mra(metre + .5, t->length) : 0;
            last = q->turn[i];
        }
        words++, at++;
        if (words == 1) t->right[who] = hit;
        else if (caption) t->right[who] += (hit - t->right[who]) / (double)words;
        else t->right[who] *= hit;
    }
    return at;
}

// The blind answerer: (key, answer) pairs of other rooms, sorted; for each key the commonest answer.
typedef struct { int key; uint32_t answer; } Guess;
static int compare_guesses(const void *a, const void *b) {
    const Guess *x = (const Guess *)a, *y = (const Guess *)b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->answer > y->answer) - (x->answer < y->answer);
}
enum { KEYS = 4096 };           // a type
static int guess_key(const Asked *a, const double *depth) {
    int two = a->patch[1] >= 0, key = two ? depth[a->patch[0]] < depth[a->patch[1]] : 2 + a->patch[0];
    return a->type * KEYS + key;
}
// Learn from what was asked in other rooms; best [types * KEYS].
static void learn_guesses(uint32_t *best, const AskedList *l, const double *depth) {
    Guess *g = (Guess *)sb_calloc((size_t)l->n, sizeof *g);
    int *most = (int *)sb_calloc(SB_ASK_COUNT * KEYS, sizeof *most);
    for (long i = 0; i < l->n; i++) {
        g[i].key = guess_key(l->asked + i, depth);
        g[i].answer = l->asked[i].answer;
    }
    qsort(g, (size_t)l->n, sizeof *g, compare_guesses);
    for (long i = 0, n; i < l->n; i += n) {
        for (n = 1; i + n < l->n && !compare_guesses(g + i, g + i + n); n++) continue;
        if (n > most[g[i].key]) most[g[i].key] = (int)n, best[g[i].key] = g[i].answer;
    }
    free(g), free(most);
}
static void guess_blindly(AskedList *test, const SbConfig *c, const char *mix, int rooms) {
    enum { AT_ONCE = 64 };
    static SbSample slot[AT_ONCE];
    AskedList l = {NULL, 0, 0};
    SbSource source;
    double *depth = (double *)sb_calloc((size_t)(c->image / c->patch) * (size_t)(c->image / c->patch),
                                        sizeof *depth);
    uint32_t *best = (uint32_t *)sb_calloc(SB_ASK_COUNT * KEYS, sizeof *best);
    sb_source_init(&source, c, SB_TASK_DIALOGUE, SB_POOL_PROBE, mix, 1, 11);
    for (int first = 0; first < rooms; first += AT_ONCE) {
        sb_source_samples(&source, slot, AT_ONCE, (uint64_t)first);
        for (int i = 0; i < AT_ONCE; i++) {
            add_turns(&l, slot + i, first + i);
            for (int p = 0; p < source.grid * source.grid; p++) depth[p] += slot[i].info->patch_depth[p];
        }
    }
    learn_guesses(best, &l, depth);
    for (long i = 0; i < test->n; i++)
        test->asked[i].right[BLIND] = best[guess_key(test->asked + i, depth)] == test->asked[i].answer;
    free(best), free(l.asked), free(depth);
}

// Ask n of them about samples 0 .. rooms - 1 of a source.
static void ask_rooms(AskedList *l, const Answerer *who, int answerers, SbSource *source, int rooms) {
    enum { AT_ONCE = 16 };
    static SbSample slot[AT_ONCE];
    SbBatch batch;
    memset(&batch, 0, sizeof batch);
    for (int first = 0; first < rooms; first += AT_ONCE) {
        int n = sb_min(AT_ONCE, rooms - first), grey = 0;
        long old = l->n;
        sb_source_batch(source, slot, &batch, n, (uint64_t)first);
        int *word = (int *)sb_calloc((size_t)batch.n.loss, sizeof *word);
        for (int i = 0; i < n; i++) add_turns(l, slot + i, first + i);
        for (int k = 0; k < answerers; k++) {
            if (!who[k].e) continue;
            SbModel *m = &who[k].e->model;
            int adapter = m->parts & SB_ADAPTER ? m->config.adapter : 0;
            int rows = source->posed > 1 && (adapter == 2) != (source->config.adapter == 2);  // other ones
            if (rows) source->config.adapter = adapter;
            if (rows || grey > who[k].blank) sb_source_batch(source, slot, &batch, n, (uint64_t)first);
            grey = who[k].blank;
            if (grey) memset(batch.pixels, 0, (size_t)batch.n.pixels * 3 * sizeof *batch.pixels);
            likeliest(m, &batch, word);
            Asked *a = l->asked + old;
            long at = 0;
            for (int i = 0; i < n; a += slot[i++].dialogue.turns) at += mark_turns(a, slot + i, k, word + at);
        }
        free(word);
    }
    sb_batch_free(&batch);
}

// Share of right answers among those of one type (-1: of a level), its standard error over rooms; the mean
// relative error of lengths, and their mean relative accuracy.
typedef struct { long answers, lengths; double right, right_se, error, mra; } Score;
static int is_asked(const Asked *a, int type, int level) {
    return type >= 0 ? a->type == type : sb_question_row(a->type)->level == level;
}
static Score score_answers(const AskedList *l, int who, int type, int level) {
    Score s = {0, 0, 0, 0, 0, 0};
    double square = 0;
    for (long i = 0; i < l->n; i++) {
        const Asked *a = l->asked + i;
        if (!is_asked(a, type, level)) continue;
        s.answers++, s.right += a->right[who];
        if (a->length > 0) s.lengths++, s.error += a->error[who], s.mra += a->mra[who];
    }
    if (!s.answers) return s;
    s.right /= (double)s.answers;
    if (s.lengths) s.error /= (double)s.lengths, s.mra /= (double)s.lengths;
    for (long i = 0; i < l->n;) {       // of a ratio of sums: sum over rooms of (right - share * answers)^2
        double off = 0;
        int room = l->asked[i].room;
        for (; i < l->n && l->asked[i].room == room; i++) {
            if (is_asked(l->asked + i, type, level)) off += l->asked[i].right[who] - s.right;
        }
        square += off * off;
    }
    s.right_se = sqrt(square) / (double)s.answers;
    return s;
}
static void write_questions(const char *path, const AskedList *l, const Answerer *who, int n) {
    SbWriter w;
    sb_write_open(&w, path);
    sb_write_text(&w, "question,level,answers");
    for (int k = 0; k <= n; k++)
        sb_write_text(&w, ",%s,%s_se", k < n ? who[k].name : "blind", k < n ? who[k].name : "blind");
    for (int k = 0; k < n; k++) sb_write_text(&w, ",%s_length_error,%s_mra", who[k].name, who[k].name);
    printf("%-22s %8s", "right answers, %", "asked");
    for (int k = 0; k <= n; k++) printf(" %14s", k < n ? who[k].name : "blind");
    for (int row = 0; row < SB_ASK_COUNT + SB_LEVELS; row++) {
        int type = row < SB_ASK_COUNT ? row : -1;
        int level = type < 0 ? row - SB_ASK_COUNT : sb_question_row(type)->level;
        long answers = score_answers(l, BLIND, type, level).answers;
        const char *name = type < 0 ? "all" : sb_question_row(type)->name;
        if (!answers) continue;
        sb_write_text(&w, "\n%s,%s,%ld", name, sb_level_name[level], answers);
        printf("\n%-12s %-9s %8ld", name, sb_level_name[level], answers);
        for (int k = 0; k <= n; k++) {
            Score s = score_answers(l, k < n ? k : BLIND, type, level);
            int known = k == n ? level != SB_LEVEL_CAPTION : who[k].e != NULL;
            if (known) sb_write_text(&w, ",%.5f,%.5f", s.right, s.right_se);
            else sb_write_text(&w, ",,");
            if (known) printf("   %5.1f +- %.1f", 100 * s.right, 100 * s.right_se);
            else printf(" %14s", "-");
        }
        for (int k = 0; k < n; k++) {
            Score s = score_answers(l, k, type, level);
            if (!who[k].e || !s.lengths) sb_write_text(&w, ",,");
            else sb_write_text(&w, ",%.5f,%.5f", s.error, s.mra);
        }
    }
    sb_write_text(&w, "\n");
    sb_write_close(&w);
}
// Ask, and write DIR/name.csv.
static void questions(const Options *o, const Answerer *who, int n, SbSource *source, const char *mix,
                      const char *name) {
    AskedList l = {NULL, 0, 0};
    ask_rooms(&l, who, n, source, o->images ? o->images : 1000);
    guess_blindly(&l, &source->config, mix, 2000);
    char *path = sb_format("%s/%s.csv", o->out, o->to ? o->to : name);
    write_questions(path, &l, who, n);
    printf("\n\nblank: the pictures grey. blind: of each type and patch the commonest answer in other rooms; "
           "of two\n"
           "patches the one that is usually nearer. Captions: share of right words. Errors: standard\n"
           "errors over rooms.\n%s\n", path);
    free(path), free(l.asked);
}
static void run_questions(const Options *o) {
    static Encoder e[ENCODERS];
    const char *given[ENCODERS] = {o->before, o->boost, o->control}, *mix = o->mix ? o->mix : "mix";
    static const char *const stage[ENCODERS] = {"instruct", "boost", "control"};
    SbSource source;
    open_encoders(e, o, ENCODERS, given, stage);
    sb_source_init(&source, &e[BASE].model.config, SB_TASK_DIALOGUE, o->tune ? SB_POOL_TUNE : SB_POOL_TEST,
                   mix, 1, 12);
    Encoder *boost = e[BOOST].path ? e + BOOST : NULL;
    Answerer who[] = {{"before", e, 0}, {"boost", boost, 0},
                      {"control", e[CONTROL].path ? e + CONTROL : NULL, 0}, {"boost_blank", boost, 1}};
    questions(o, who, sizeof who / sizeof *who, &source, mix, "questions");
}
// The same about a view of a room of which a model has, or has not, the latents of several: the LLM as it
// was, or trained along (DIR/..._tuned), so that what language alone gains stands beside it.
static void run_latents(const Options *o) {
    enum { NONE, CROSS, APPEND, NONE_TUNED, CROSS_TUNED, APPEND_TUNED, MODELS };
    static const char *const stage[MODELS] = {"instruct",   "vlm",       "append",
                                              "none_tuned", "vlm_tuned", "append_tuned"};
    static Encoder e[MODELS];
    Encoder *is[MODELS];
    const char *mix = o->mix ? o->mix : "lean";
    SbSource source;
    open_encoders(e, o, MODELS, NULL, stage);
    for (int i = 0; i < MODELS; i++) is[i] = e[i].path ? e + i : NULL;
    for (int i = CROSS; i < MODELS; i++) {
        int kind = is[i] && e[i].model.parts & SB_ADAPTER ? e[i].model.config.adapter : 0;
        if (is[i] && kind != i % 3)
            sb_die("%s: its adapter is of kind %d, expected %d", e[i].path, kind, i % 3);
    }
    if (!is[CROSS] && !is[CROSS_TUNED]) sb_die("%s/vlm.safetensors: missing; ./train vlm makes it", o->out);
    sb_source_init(&source, &e[NONE].model.config, SB_TASK_LATENTS, o->tune ? SB_POOL_TUNE : SB_POOL_TEST,
                   mix, o->views, 12);
    Answerer who[] = {{"none", is[NONE], 0}, {"cross", is[CROSS], 0}, {"append", is[APPEND], 0},
                      {"cross_blank", is[CROSS], 1}, {"none_tuned", is[NONE_TUNED], 0},
                      {"cross_tuned", is[CROSS_TUNED], 0}, {"append_tuned", is[APPEND_TUNED], 0},
                      {"cross_tuned_blank", is[CROSS_TUNED], 1}};
    questions(o, who, sizeof who / sizeof *who, &source, mix, "latents");
}

// ---- ask

// When is an answer complete? No word says so: a turn ends with its last word, so the question decides.
// It ends with its `want`-th word of these kinds: objects and the like, lengths, full stops.
typedef struct { int want, noun, metre, stop; } Ending;
static Ending ending_of(const int *question, int n) {
    Ending e = {1, 1, 1, 0};
    for (int i = 0; i < n; i++) {
        const char *w = question[i] < SB_WORD_PATCH ? sb_word[question[i]] : "";
        if (!strcmp(w, "order")) e.want = 3;
        if (!strcmp(w, "position")) e.want = 3;
        if (!strcmp(w, "bounds")) e.want = 6;
        if (!strcmp(w, "describe")) e.noun = e.metre = 0, e.stop = 1;
        if (!strcmp(w, "layout")) e.want = 4;
    }
    return e;
}
static int ending_done(void *context, int word) {
    static const char *const final[] = {"first", "second", "yes", "no", "sphere", "box", "cylinder", "floor",
                                        "wall", "ceiling"};
    Ending *e = (Ending *)context;
    int hit = word == SB_WORD_STOP ? e->stop : word >= SB_WORD_METRE ? e->metre : 0;
    for (size_t i = 0; i < sizeof final / sizeof *final && word < SB_WORD_PATCH; i++)
        hit |= e->noun && !strcmp(sb_word[word], final[i]);
    e->want -= hit;
    return e->want <= 0 || word == SB_WORD_PAD;
}
static int never_done(void *context, int word) { return (void)context, word == SB_WORD_PAD; }
// The answer to a question (its n words, SB_WORD_Q first) about pictures [side][side][3]; returns how many
// words. most: 0, or so many, where the question does not say how the answer ends.
enum { ANSWER_MAX = 40 };
static int answer(Encoder *e, unsigned char *const *rgb, int pictures, const int *question, int n, int most,
                  int *word) {
    const SbConfig *c = &e->model.config;
    Ending ending = ending_of(question, n);
    sb_batch_clear(&e->batch);
    for (int i = 0; i < pictures; i++) sb_batch_image(&e->batch, c, rgb[i], c->image, c->image);
    sb_batch_sample(&e->batch);
    for (int i = 0; i < pictures; i++) sb_batch_prefix_image(&e->batch, c, i);
    sb_batch_turn(&e->batch, c, question, NULL, NULL, n);
    return sb_generate(&e->model, &e->batch, word, most ? sb_min(most, ANSWER_MAX) : ANSWER_MAX,
                       most ? never_done : ending_done, &ending);
}
// After answer(): where the row that said the first word looked, in the last layer: attention over the P
// image tokens, mean over heads, as shares of what fell on the image.
static void looked_at(const SbModel *m, long row, int P, double *share) {
    const SbShape *c = &m->llm_shape;
    const SbBlockActs *s = m->acts.llm + m->config.llm_layers - 1;
    int M = c->heads * c->dim, ld = M + 2 * c->kv_heads * c->dim;
    real *qkv = (real *)sb_calloc((size_t)(row + 1) * (size_t)ld, sizeof *qkv);
    double sum = 0;
    sb_get(qkv, s->qkv, (size_t)(row + 1) * (size_t)ld * sizeof *qkv);
    memset(share, 0, (size_t)P * sizeof *share);
    for (int h = 0; h < c->heads; h++) {
        const real *q = qkv + row * ld + h * c->dim;
        stat_t lse;
        sb_get(&lse, s->lse + row * c->heads + h, sizeof lse);
        for (int p = 0; p < P; p++) {
            const real *k = qkv + (long)p * ld + M + h / (c->heads / c->kv_heads) * c->dim;
            double score = 0;
            for (int d = 0; d < c->dim; d++) score += (double)q[d] * k[d];
            share[p] += exp(score / sqrt(c->dim) - (double)lse);
        }
    }
    for (int p = 0; p < P; p++) sum += share[p];
    for (int p = 0; p < P; p++) share[p] /= sum > 0 ? sum : 1;
}
// Words as a reader wants them: a metre word is an interval.
static void say(SbText *t, const SbWords *words, const int *word, int n) {
    for (int i = 0; i < n; i++) {
        int metre = word[i] - SB_WORD_METRE;
        if (i && word[i] != SB_WORD_STOP) sb_text_add(t, " ");
        if (metre < 0) sb_words_decode(words, word + i, 1, t);
        else if (metre == SB_WORD_METRES - 1) sb_text_add(t, "%d m or more", metre);
        else sb_text_add(t, "%d to %d m", metre, metre + 1);
    }
}
static void print_map(const double *share, int grid, int terminal) {
    double most = 1e-12;
    for (int p = 0; p < grid * grid; p++) most = fmax(most, share[p]);
    for (int p = 0; p < grid * grid; p++) {
        double v = share[p] / most;
        if (p % grid == 0) printf("    ");
        if (terminal) printf("\033[48;5;%dm  \033[0m", 232 + (int)(v * 23.99));
        else printf("%c%c", " .:-=+*#%@"[(int)(v * 9.99)], " .:-=+*#%@"[(int)(v * 9.99)]);
        if (p % grid == grid - 1) printf("%s\n", terminal ? "" : "|");
    }
}
// The patches that got most, with their points and, if the room is known, what is there.
static void print_tops(const SbWords *words, double *share, const SbViewInfo *info) {
    for (int k = 0; k < 3; k++) {
        int best = 0;
        SbText text = {NULL, 0, 0};
        for (int p = 1; p < words->grid * words->grid; p++) if (share[p] > share[best]) best = p;
        int word = SB_WORD_PATCH + best;
        sb_words_decode(words, &word, 1, &text);
        printf("    %2.0f %% at %s", 100 * share[best], text.data);
        if (info && info->patch_object[best] >= 0)
            printf(", %s, %.2f m", info->scene->object[info->patch_object[best]].name,
                   info->patch_depth[best]);
        printf("\n");
        share[best] = -1;
        free(text.data);
    }
}
// The picture that --image or --scene names, as the encoder's square; info is filled for a room.
typedef struct { unsigned char *rgb; SbSample sample; SbSource source; const SbViewInfo *info; } Picture;
static void open_picture(Picture *p, const Options *o, const SbConfig *c) {
    memset(p, 0, sizeof *p);
    sb_source_init(&p->source, c, SB_TASK_RECOGNISE, SB_POOL_TEST, "rec", 1, 0);
    if (o->image) {
        int w, h;
        unsigned char *rgb = sb_image_load(o->image, &w, &h);
        p->rgb = sb_square(rgb, w, h, c->image);
        free(rgb);
        return;
    }
    sb_source_samples(&p->source, &p->sample, 1, (uint64_t)o->scene);
    p->rgb = p->sample.picture[0], p->info = p->sample.info;
}
static void ask_line(Encoder *e, const Picture *p, const char *line, int terminal) {
    SbTokens t;
    SbText text = {NULL, 0, 0};
    int word[ANSWER_MAX], grid = p->source.grid;
    double *share = (double *)sb_calloc((size_t)grid * (size_t)grid, sizeof *share);
    memset(&t, 0, sizeof t);
    sb_tokens_push(&t, SB_WORD_Q);
    sb_words_encode(&p->source.words, &t, line, 1);
    if (t.unknown) {
        printf("    it knows no such word: %s\n", t.unknown_words);
    } else if (t.n > 1) {
        int n = answer(e, &p->rgb, 1, t.id, t.n, 0, word);
        say(&text, &p->source.words, word, n);
        printf("    %s\n", text.data);
        looked_at(&e->model, grid * grid + t.n - 1, grid * grid, share);
        print_map(share, grid, terminal);
        print_tops(&p->source.words, share, p->info);
    }
    fflush(stdout);
    free(t.id), free(text.data), free(share);
}
// Are models of the hub meant: by a flag, or by the checkpoint? Then open them.
static int open_served(SbServed *s, const Options *o) {
    SbPretrainedFlags f = {o->encoder, o->llm, o->chat, o->system, o->select, o->side, 0};
    char *model = o->model ? sb_copy(o->model)
                  : o->encoder ? NULL : sb_format("%s/boost.safetensors", o->out);
    int hub = o->encoder != NULL || of_hub(model);
    if (hub) sb_served_open(s, f, model);
    free(model);
    return hub;
}
static void ask_served(SbServed *s, const Options *o) {
    int terminal = isatty(0) && isatty(1);
    if (terminal) fprintf(stderr, "One question a line; what was said stays in view. Ctrl-D ends.\n");
    sb_served_talk(s, o->image, o->most, terminal);
    sb_served_close(s);
}
static void run_ask(const Options *o) {
    static Encoder e;
    static SbServed served;
    if (o->image && !sb_exists(o->image)) sb_die("%s: missing; --image takes a PNG or a JPEG", o->image);
    if (open_served(&served, o)) {
        ask_served(&served, o);
        return;
    }
    static Picture p;
    char line[1024];
    int terminal = isatty(0) && isatty(1);
    open_encoder(&e, o, o->model, "boost", 1);
    open_picture(&p, o, &e.model.config);
    printf("%s looks at ", e.path);
    if (o->image) printf("%s.\n", o->image);
    else printf("test room %d:", o->scene);
    for (int i = 0; p.info && i < p.info->scene->objects; i++)
        if (p.info->object[i].seen)
            printf(" %s (%d pixels)", p.info->scene->object[i].name, p.info->object[i].pixels);
    printf("%sAsk: \"What is the depth at (500, 700)?\", \"What is at (200, 400)?\", \"Which point is "
           "closer, (100, 200)\n"
           "or (800, 900)?\", \"Describe the view.\" Points count 0..999 from the left and from the top.\n",
           o->image ? "" : "\n");
    while (1) {
        if (terminal) printf("> "), fflush(stdout);
        if (!fgets(line, sizeof line, stdin)) break;
        line[strcspn(line, "\r\n")] = 0;
        if (!terminal && *line) printf("> %s\n", line);
        ask_line(&e, &p, line, terminal);
    }
    if (terminal) printf("\n");
}

// ---- features as colours

// dst [side][side][3] at column x of rows `width` wide = src [n][n][3] in squares.
static void enlarge(unsigned char *dst, int width, int x, int side, const unsigned char *src, int n) {
    for (int y = 0; y < side; y++)
        for (int i = 0; i < side; i++)
            memcpy(dst + 3 * ((long)y * width + x + i), src + 3 * (y * n / side * n + i * n / side), 3);
}
// Features of pictures as numbers.
static void features_served(SbServed *s, const Options *o) {
    int n;
    if (!o->pictures) sb_die("features: --pictures PATH is missing: a picture or a folder of them");
    char **picture = sb_pictures(o->pictures, &n);
    sb_served_features(s, picture, n, o->to ? o->to : "features.safetensors", o->at_once);
    printf("%s: features of %d pictures of %d x %d pixels\n", o->to ? o->to : "features.safetensors", n,
           s->config.image, s->config.image);
    sb_free_names(picture, n);
}
static void run_export(const Options *o) {
    static SbServed s;
    if (!o->to) sb_die("export: --to DIR is missing: the folder to make");
    if (!open_served(&s, o) || !s.file.path)
        sb_die("export: --model FILE: a checkpoint made from models of the hub (./train boost)");
    sb_served_export(&s, o->to);
    sb_served_close(&s);
}
static void run_features(const Options *o) {
    enum { SIDE = 384 };
    static Encoder e;
    static SbServed served;
    if (open_served(&served, o)) {
        features_served(&served, o);
        sb_served_close(&served);
        return;
    }
    static Picture p;
    SbColours colours;
    SbViews v;
    open_encoder(&e, o, o->model, "boost", 1);
    if (o->pictures) {
        features_served(&e, o);
        return;
    }
    open_picture(&p, o, &e.model.config);
    const SbConfig *c = &e.model.config;
    sb_views_alloc(&v, c, 1);
    memcpy(v.rgb, p.rgb, (size_t)(c->image * c->image * 3));
    real *x = (real *)sb_calloc((size_t)v.patches * (size_t)c->enc_width, sizeof *x);
    unsigned char *rgb = (unsigned char *)sb_calloc((size_t)v.patches, 3);
    unsigned char *both = (unsigned char *)sb_calloc(2 * SIDE * SIDE, 3);
    sb_encode(&e, &v, 0, 1, NULL, x);
    sb_colours_fit(&colours, x, v.patches, c->enc_width);
    sb_colours_of(&colours, rgb, x, v.patches);
    enlarge(both, 2 * SIDE, 0, SIDE, p.rgb, c->image);
    enlarge(both, 2 * SIDE, SIDE, SIDE, rgb, c->image / c->patch);
    sb_png_write(o->png, both, 2 * SIDE, SIDE);
    printf("%s: the picture, and the first three principal components of %s's features\n", o->png, e.path);
    sb_views_free(&v), free(x), free(rgb), free(both), free(colours.mean);
}

// ---- gallery: pictures beside their true depth, and for every encoder depth, features and cosines

// On the page: "base", "boosted", and either the control or, on photographs, the one that trained on them.
typedef struct { Encoder *e[ENCODERS]; const char *name[ENCODERS]; } Cast;         // NULL: none
static Cast cast_of(Encoder *e, const char *first, const char *second, const char *third) {
    Cast c = {{NULL}, {first, second, third}};
    for (int k = 0; k < ENCODERS; k++) c.e[k] = e[k].path ? e + k : NULL;
    return c;
}
typedef struct {
    int n;
    double deep;                        // metres at the dark end of the scale
    const char *truth;                  // how the true depth is known
    const SbViewInfo **info;            // [n]
    SbViews views;
    real *feature[ENCODERS];            // [n][P][C], NULL: no such encoder
    real *depth[ENCODERS];              // [n][P] by the probe
    SbColours colours;
} Gallery;

// n views; the colours of features are fitted to all of them.
static void gallery_make(Gallery *g, const Cast *cast, const SbViewInfo **info, int n, double deep,
                         const char *truth) {
    const SbConfig *c = &cast->e[BASE]->model.config;
    long size = 0, pixels = (long)c->image * c->image * 3;
    memset(g, 0, sizeof *g);
    g->n = n, g->deep = deep, g->info = info, g->truth = truth;
    sb_views_alloc(&g->views, c, n);
    long rows = (long)n * g->views.patches, each = rows * c->enc_width;
    real *all = (real *)sb_calloc((size_t)(ENCODERS * each), sizeof *all);
    for (int i = 0; i < n; i++) {
        const SbView *view = info[i]->view;
        sb_image_resize(view->rgb, view->w, view->h, g->views.rgb + i * pixels, c->image, c->image);
        sb_patch_depths(g->views.depth + i * g->views.patches, view->depth, view->dw, view->dh,
                        info[i]->grid);
    }
    for (int k = 0; k < ENCODERS; k++) {
        if (!cast->e[k]) continue;
        g->feature[k] = all + size, size += each;
        g->depth[k] = (real *)sb_calloc((size_t)rows, sizeof(real));
        sb_encode(cast->e[k], &g->views, 0, n, NULL, g->feature[k]);
    }
    sb_colours_fit(&g->colours, all, size / c->enc_width, c->enc_width);
}
// Depth by a probe fitted on simulated rooms, as `probe` does it.
static void gallery_probe_rooms(Gallery *g, const Cast *cast, int rooms) {
    const SbConfig *c = &cast->e[BASE]->model.config;
    int C = c->enc_width, P = g->views.patches;
    SbViews fit;
    sb_views_rooms(&fit, c, SB_POOL_PROBE, 0, rooms, 0);
    real *x = (real *)sb_calloc((size_t)(SB_PROBE_CHUNK * P) * (size_t)C, sizeof *x);
    for (int k = 0; k < ENCODERS; k++) {
        SbMoments m;
        SbLinear l;
        if (!g->feature[k]) continue;
        sb_moments_make(&m, C, 1);
        for (int first = 0, n; first < fit.n; first += n) {
            n = sb_min(SB_PROBE_CHUNK, fit.n - first);
            sb_encode(cast->e[k], &fit, first, n, NULL, x);
            sb_moments_add(&m, x, fit.depth + first * P, (long)n * P);
        }
        sb_ridge(&l, &m, 1e-4);
        sb_linear_apply(&l, g->depth[k], g->feature[k], (long)g->n * P);
        sb_moments_free(&m), sb_linear_free(&l);
    }
    sb_views_free(&fit), free(x);
}
// Depth of every view by a probe fitted on the measured depth of the others; few views want more shrinking.
static void gallery_probe_others(Gallery *g) {
    int C = g->colours.C, P = g->views.patches;
    for (int k = 0; k < ENCODERS; k++)
        for (int i = 0; g->feature[k] && i < g->n; i++) {
            SbMoments m;
            SbLinear l;
            sb_moments_make(&m, C, 1);
            for (long p = 0; p < (long)g->n * P; p++)
                if (p / P != i && g->views.depth[p] > 0)
                    sb_moments_add(&m, g->feature[k] + p * C, g->views.depth + p, 1);
            sb_ridge(&l, &m, .1);
            sb_linear_apply(&l, g->depth[k] + (long)i * P, g->feature[k] + (long)i * P * C, P);
            sb_moments_free(&m), sb_linear_free(&l);
        }
}
// Root mean square error of the depth of views [first, first + n).
static double gallery_error(const Gallery *g, int k, int first, int n) {
    int P = g->views.patches, known = 0;
    double square = 0;
    for (long p = (long)first * P; p < (long)(first + n) * P; p++) {
        double off = g->depth[k][p] - g->views.depth[p];
        if (g->views.depth[p] > 0) known++, square += off * off;
    }
    return sqrt(square / (known ? known : 1));
}
static void depth_colour(unsigned char rgb[3], double metres, double deep) {
    if (metres > 0) sb_heat_colour(1 - metres / deep, rgb);
    else rgb[0] = rgb[1] = rgb[2] = 128;
}
static void depth_picture(SbText *t, const SbView *v, double deep) {
    enum { W = 96 };
    int w = v->dw < W ? v->dw : W, h = (int)((long)w * v->dh / v->dw);
    unsigned char *rgb = (unsigned char *)sb_calloc((size_t)(w * h), 3);
    for (int i = 0; i < w * h; i++) {
        long y = (long)(i / w) * v->dh / h, x = (long)(i % w) * v->dw / w;
        depth_colour(rgb + 3 * i, v->depth[y * v->dw + x], deep);
    }
    sb_html_picture(t, rgb, w, h, "measured depth");
    free(rgb);
}
// Cosines between the features, less their mean over all pictures, of any two patches of a picture: 0..1 as
// 0..255.
static void cosines(SbText *t, const Gallery *g, int k, int i, int C) {
    int P = g->views.patches;
    double *mean = (double *)sb_calloc((size_t)C, sizeof *mean);
    real *u = (real *)sb_calloc((size_t)(P * C), sizeof *u);
    unsigned char *byte = (unsigned char *)sb_calloc((size_t)P, (size_t)P);
    for (long r = 0; r < (long)g->n * P; r++)
        for (int c = 0; c < C; c++) mean[c] += g->feature[k][r * C + c] / ((double)g->n * P);
    sb_directions(u, g->feature[k] + (long)i * P * C, mean, P, C);
    for (int p = 0; p < P; p++)
        for (int q = 0; q < P; q++) {
            double s = 0;
            for (int c = 0; c < C; c++) s += (double)u[p * C + c] * u[q * C + c];
            byte[p * P + q] = (unsigned char)(255 * fmin(fmax(s, 0), 1) + .5);
        }
    sb_html(t, "<canvas aria-label=\"cosines\" data-cosines=\"");
    sb_html_base64(t, byte, (size_t)(P * P));
    sb_html(t, "\"></canvas>");
    free(mean), free(u), free(byte);
}
static void probed_picture(SbText *t, const Gallery *g, int k, int i) {
    int P = g->views.patches, grid = g->info[i]->grid;
    unsigned char *rgb = (unsigned char *)sb_calloc((size_t)P, 3);
    for (int p = 0; p < P; p++) depth_colour(rgb + 3 * p, fmax(g->depth[k][(long)i * P + p], .01), g->deep);
    sb_html_picture(t, rgb, grid, grid, "depth by a linear probe");
    free(rgb);
}
// A patch to start with: in the middle of those that show the picture's main object.
static int first_patch(const SbViewInfo *info) {
    int P = info->grid * info->grid, best = -1, most = 0, count = 0, chosen = P / 2 + info->grid / 2;
    for (int i = 0; i < info->scene->objects; i++)
        if (info->object[i].thing && info->object[i].pixels > most) best = i, most = info->object[i].pixels;
    for (int pass = 0, half = 0; pass < 2 && best >= 0; half = count / 2, count = 0, pass++)
        for (int p = 0; p < P; p++)
            if (info->patch_object[p] == best && count++ == half && pass) chosen = p;
    return chosen;
}
static void room_begin(SbText *t, const SbViewInfo *info, int at) {
    const SbView *v = info->view;
    sb_text_add(t, "<div class=room data-n=%d data-at=%d style=\"--n:%d;--shape:%d/%d\">\n", info->grid, at,
                info->grid, v->w, v->h);
}
// grid: patches of it can be chosen; else as it is.
static void seen_picture(SbText *t, const SbViewInfo *info, int grid, const char *caption) {
    enum { W = 200 };
    const SbView *v = info->view;
    int w = v->w < W ? v->w : W, h = (int)((long)w * v->h / v->w);
    unsigned char *rgb = (unsigned char *)sb_calloc((size_t)(w * h), 3);
    sb_image_resize(v->rgb, v->w, v->h, rgb, w, h);
    sb_html(t, grid ? "<figure><span class=grid tabindex=0 role=application aria-label=\"Choose a patch with "
                      "the arrow keys\">" : "<figure><span class=tile>");
    sb_html_picture(t, rgb, w, h, "the picture");
    sb_text_add(t, "</span><figcaption>%s</figcaption></figure>\n", caption);
    free(rgb);
}
static void gallery_card(SbText *t, const Gallery *g, const Cast *cast, int i, const char *title) {
    int P = g->views.patches, grid = g->info[i]->grid, C = g->colours.C;
    unsigned char *rgb = (unsigned char *)sb_calloc((size_t)P, 3);
    room_begin(t, g->info[i], first_patch(g->info[i]));
    sb_html(t, "<h3>");
    sb_html_text(t, title);
    sb_html(t, "</h3>\n<div class=sees>\n");
    seen_picture(t, g->info[i], 1, "what it sees");
    sb_html(t, "<figure><span class=grid>");
    depth_picture(t, g->info[i]->view, g->deep);
    sb_text_add(t, "</span><figcaption>%s</figcaption></figure>\n</div>\n<div class=cells>\n", g->truth);
    for (int k = 0; k < ENCODERS; k++) sb_text_add(t, "<b>%s</b>", g->feature[k] ? cast->name[k] : "");
    for (int row = 0; row < 3; row++) {
        static const char *const head[3] = {"depth, and its error", "features as colours",
                                            "likeness to the marked patch"};
        sb_text_add(t, "<p>%s</p>\n", head[row]);
        for (int k = 0; k < ENCODERS; k++) {
            if (!g->feature[k]) { sb_html(t, "<span></span>"); continue; }
            sb_html(t, "<figure><span class=grid>");
            if (row == 0) probed_picture(t, g, k, i);
            if (row == 1) {
                sb_colours_of(&g->colours, rgb, g->feature[k] + (long)i * P * C, P);
                sb_html_picture(t, rgb, grid, grid, "features as colours");
            }
            if (row == 2) cosines(t, g, k, i, C);
            sb_html(t, "</span>");
            if (row == 0) sb_text_add(t, "<figcaption>%.2f m</figcaption>", gallery_error(g, k, i, 1));
            sb_html(t, "</figure>\n");
        }
    }
    sb_html(t, "</div></div>\n");
    free(rgb);
}
static void depth_ramp(SbText *t, double deep) {
    sb_html(t, "<p class=\"bar small\">0 m <span class=ramp style=\"background:linear-gradient(90deg");
    for (int i = SB_HEATS - 1; i >= 0; i--)
        sb_text_add(t, ",rgb(%d,%d,%d)", sb_heat[i][0], sb_heat[i][1], sb_heat[i][2]);
    sb_text_add(t, ")\"></span> %g m</p>\n", deep);
}

// ---- a dialogue as a table: questions about views, the answers of some models, the truth

static int same_words(const SbTokens *truth, int from, const int *word, int n) {
    if (truth->n - from != n) return 0;
    for (int i = 0; i < n; i++) if (truth->id[from + i] != word[i]) return 0;
    return 1;
}
// The patches that some words name, at most two; -1: none.
static void named_patches(const SbTokens *q, int patch[2]) {
    patch[0] = patch[1] = -1;
    for (int i = 0; i < q->n; i++)
        if (q->id[i] >= SB_WORD_PATCH && q->id[i] < SB_WORD_METRE)
            patch[patch[0] >= 0] = q->id[i] - SB_WORD_PATCH;
}
// Of one picture the points are marked; of several an answer has as many words as the true one.
static void dialogue_row(SbText *t, const SbWords *words, const Cast *cast, unsigned char *const *rgb,
                         int pictures, const SbDialogue *d, int turn) {
    SbTokens q;
    int patch[2], word[ANSWER_MAX];
    memset(&q, 0, sizeof q);
    sb_tokens_push(&q, SB_WORD_Q);
    sb_words_encode(words, &q, sb_dialogue_question(d, turn), 1);
    int asked = q.n;
    named_patches(&q, patch);
    sb_words_encode(words, &q, sb_dialogue_answer(d, turn), 0);
    sb_html(t, "<tr");
    if (patch[0] >= 0 && pictures == 1) sb_text_add(t, " tabindex=0 data-p=%d", patch[0]);
    if (patch[1] >= 0 && pictures == 1) sb_text_add(t, " data-q=%d", patch[1]);
    sb_html(t, "><td>");
    sb_html_text(t, sb_dialogue_question(d, turn));
    for (int k = 0; k < ENCODERS; k++) {
        SbText said = {NULL, 0, 0};
        if (!cast->e[k]) continue;
        int n = answer(cast->e[k], rgb, pictures, q.id, asked, pictures > 1 ? q.n - asked : 0, word);
        int right = same_words(&q, asked, word, n);
        say(&said, words, word, n);
        sb_text_add(t, "<td class=%s>", right ? "good" : "bad");
        sb_html_text(t, said.data);
        sb_html(t, right ? " \xE2\x9C\x93" : " \xE2\x9C\x97");
        free(said.data);
    }
    sb_html(t, "<td>");
    sb_html_text(t, sb_dialogue_answer(d, turn));
    sb_html(t, "\n");
    free(q.id);
}
static void dialogue_answers(SbText *t, const SbWords *words, const Cast *cast, unsigned char *const *rgb,
                             int pictures, const SbDialogue *d) {
    sb_html(t, "<div class=wide><table class=talk><thead><tr><th>question");
    for (int k = 0; k < ENCODERS; k++) if (cast->e[k]) sb_text_add(t, "<th>%s", cast->name[k]);
    sb_html(t, "<th>truth\n<tbody>");
    for (int i = 0; i < d->turns; i++) dialogue_row(t, words, cast, rgb, pictures, d, i);
    sb_html(t, "</table></div>\n");
}
// rgb: the picture as the encoder takes it.
static void dialogue_table(SbText *t, const SbWords *words, const Cast *cast, const SbViewInfo *info,
                           unsigned char *rgb, const SbDialogue *d) {
    SbTokens q;
    int patch[2];
    memset(&q, 0, sizeof q);
    if (d->turns) sb_words_encode(words, &q, sb_dialogue_question(d, 0), 1);
    named_patches(&q, patch);
    free(q.id);
    room_begin(t, info, patch[0] < 0 ? 0 : patch[0]);
    sb_html(t, "<div class=sees>");
    seen_picture(t, info, 1, "hover or tap a question: its points are marked");
    sb_html(t, "</div>\n");
    dialogue_answers(t, words, cast, &rgb, 1, d);
    sb_html(t, "</div>\n");
}

// ---- report: the sections

static void percent(SbText *t, double v, double se, int digits) {
    sb_html_number(t, 100 * v, digits, 1);
    sb_text_add(t, "&thinsp;%% <small class=se>&plusmn;&thinsp;%.*f</small>", digits, 100 * se);
}
static void big_figure(SbText *t, const char *style, double v, double se, int digits, const char *words) {
    sb_text_add(t, "<div class=%s><b>", style);
    sb_html_number(t, 100 * v, digits, digits);
    sb_text_add(t, "&thinsp;%% <small>&plusmn;&thinsp;%.*f</small></b><span>%s</span></div>\n", digits,
                100 * se, words);
}
// The depth probe's gain, the control's, and the control's share of the gain, all three as large.
static void report_figures(SbText *t, const SbCsv *p) {
    int row = 0;
    while (row < p->rows && strcmp(sb_csv_text(p, row, "metric"), "rmse")) row++;
    double boost = sb_csv_number(p, row, "boost_change"), boost_se = sb_csv_number(p, row, "boost_change_se");
    double control = sb_csv_number(p, row, "control_change");
    if (!isfinite(boost)) return;
    sb_html(t, "<div class=big>\n");
    big_figure(t, "boost", boost, boost_se, 1,
               "error of depth, read off the features by a linear probe, after the boost");
    if (isfinite(control))
        big_figure(t, "control", control, sb_csv_number(p, row, "control_change_se"), 1,
                   "the same after a control: as many steps, the same language model, but asked only what "
                   "things are");
    if (isfinite(control) && boost < -2 * boost_se)
        big_figure(t, "share", sb_csv_number(p, row, "control_share"),
                   sb_csv_number(p, row, "control_share_se"), 0,
                   "of the gain the control has as well: that much is owed to training on patches in words "
                   "at "
                   "all, not to spatial questions");
    sb_html(t, "</div>\n<p>The base encoder saw image-level labels only: which objects are in view, never "
               "where or "
               "how far. That leaves much to gain; a base that had seen labels of patches would leave "
               "less.</p>\n"
               "<p class=small>Root mean square error of depth against that of the base, in rooms that "
               "nothing was "
               "trained or fitted on; &plusmn; one standard error over rooms.</p>\n");
}
static void report_head(SbText *t, const Options *o) {
    sb_html(t, "<header>\n<p class=kicker>SpatialBoost in miniature</p>\n"
               "<h1>An image encoder learns depth from questions in plain words</h1>\n"
               "<p class=lead>A small vision transformer learned to name objects. Then a small language "
               "model, "
               "frozen, asked it how far away things are, and only a second attention channel beside each "
               "of its "
               "own was trained to make the answers right. Everything here was made by one command, from "
               "nothing: "
               "the rooms, both models, the questions, and this page.</p>\n</header>\n");
    if (!o->note) return;
    sb_html(t, "<p class=note role=note>");
    sb_html_text(t, o->note);
    sb_html(t, "</p>\n");
}
static void report_probe(SbText *t, const SbCsv *p, const char *head, const char *of) {
    static const char *const change[3] = {"boost_change", "control_change", "boost_beyond_control"};
    static const char *const column[3] = {"boost", "control", ""};
    sb_html(t, head);
    sb_html(t, "<div class=wide><table class=probe><thead><tr><th><th class=off>base<th class=off>boosted"
               "<th>boosted, change<th class=off>control<th>control, change<th>boosted beyond "
               "control\n<tbody>");
    for (int i = 0; i < p->rows; i++) {
        const SbMetric *m = NULL;
        for (int k = 0; k < SB_METRICS; k++)
            if (!strcmp(sb_metrics[k].probe, sb_csv_text(p, i, "probe")) &&
                !strcmp(sb_metrics[k].metric, sb_csv_text(p, i, "metric"))) m = sb_metrics + k;
        if (!m) continue;
        sb_text_add(t, "<tr><td>%s<td class=off>%.3f", m->label, sb_csv_number(p, i, "base"));
        for (int k = 0; k < 3; k++) {
            char *name = sb_format("%s_se", change[k]);
            double v = sb_csv_number(p, i, change[k]), se = sb_csv_number(p, i, name);
            double value = sb_csv_number(p, i, column[k]);
            if (k < 2 && isfinite(value)) sb_text_add(t, "<td class=off>%.3f", value);
            else if (k < 2) sb_html(t, "<td class=off>&ndash;");
            v *= m->better;
            sb_text_add(t, "<td class=%s>", v > 2 * se ? "good" : v < -2 * se ? "bad" : "even");
            v *= m->better;
            if (isfinite(v)) percent(t, v, se, 1);
            else sb_html(t, "&ndash;");
            free(name);
        }
        sb_html(t, "\n");
    }
    sb_text_add(t, "</table></div>\n<p class=small>Changes are relative to the base. Green and red: better "
                   "and worse by "
                "more than two standard errors. Fitted on %s %s, reported on %s others.</p>\n",
                sb_csv_text(p, 0, "fit_rooms"), of, sb_csv_text(p, 0, "rooms"));
}
// Probes of rooms, then of every data set that was probed.
static void report_probes(SbText *t, const Options *o, const SbCsv *rooms) {
    report_probe(t, rooms, "<h2>What a linear probe finds</h2>\n<p>The encoders are frozen; small linear "
                           "maps are fitted on top. The paper reports that recognition rises along with "
                           "depth. Whether it does here is in the last three rows.</p>\n", "rooms");
    for (int i = 0; i < SB_PROBE_TASKS; i++) {
        char *path = sb_format("%s/probe_%s.csv", o->out, sb_probe_tasks[i].name);
        char *head = sb_format("<h3>The same encoders: %s</h3>\n", sb_probe_tasks[i].what);
        SbCsv csv;
        if (sb_csv_read(&csv, path, NULL) && csv.rows > 0) report_probe(t, &csv, head, sb_probe_tasks[i].of);
        sb_csv_free(&csv), free(path), free(head);
    }
}
static void report_questions(SbText *t, const SbCsv *q) {
    static const char *const column[] = {"before", "boost", "control", "boost_blank", "blind"};
    static const char *const head[] = {"before", "boosted", "control", "boosted, grey picture",
                                       "best blind answer"};
    if (q->rows < 1) return;
    sb_html(t, "<h2>How often the answers are right</h2>\n<p>The language model is the same everywhere. "
               "What it can "
               "answer without looking is beside it: with a grey picture, and the best answer that never "
               "looks (of "
               "each patch the commonest; of two patches the one that is usually nearer).</p>\n"
               "<div class=wide><table><thead><tr><th>question<th class=off>asked");
    for (int k = 0; k < 5; k++) sb_text_add(t, "<th>%s", head[k]);
    sb_html(t, "\n<tbody>");
    for (int i = 0; i < q->rows; i++) {
        if (!strcmp(sb_csv_text(q, i, "question"), "all")) continue;
        sb_text_add(t, "<tr><td>%s<td class=off>%s", sb_csv_text(q, i, "question"),
                    sb_csv_text(q, i, "answers"));
        for (int k = 0; k < 5; k++) {
            char *name = sb_format("%s_se", column[k]);
            double v = sb_csv_number(q, i, column[k]);
            if (!isfinite(v)) sb_html(t, "<td>&ndash;");
            else sb_text_add(t, "<td>%.1f&thinsp;%% <span class=se>&plusmn;&thinsp;%.1f</span>", 100 * v,
                             100 * sb_csv_number(q, i, name));
            free(name);
        }
        sb_html(t, "\n");
    }
    sb_html(t, "</table></div>\n");
}
// Every alpha of every layer of one encoder, [layers][n]: of n channels, n heads, or 1.
static double *alphas(Encoder *e, int layers, int n) {
    double *alpha = (double *)sb_calloc((size_t)(layers * n), sizeof *alpha);
    real *a = (real *)sb_calloc((size_t)n, sizeof *a);
    for (int l = 0; l < layers; l++) {
        sb_get(a, e->model.enc[l].a.w.p, (size_t)n * sizeof *a);
        for (int i = 0; i < n; i++) alpha[l * n + i] = 1 / (1 + exp(-(double)a[i]));
    }
    free(a);
    return alpha;
}
static void report_alpha(SbText *t, const Cast *cast) {
    int L = cast->e[BASE]->model.config.enc_layers, n[ENCODERS] = {0};
    double *alpha[ENCODERS] = {NULL}, far = .01;
    for (int k = BOOST; k < ENCODERS; k++) {
        if (!cast->e[k] || !cast->e[k]->model.enc_shape.dual) continue;
        n[k] = (int)sb_param_count(&cast->e[k]->model.enc[0].a);
        alpha[k] = alphas(cast->e[k], L, n[k]);
        for (int i = 0; i < L * n[k]; i++) far = fmax(far, fabs(alpha[k][i] - .5));
    }
    const SbConfig *c = alpha[BOOST] ? &cast->e[BOOST]->model.config : NULL;
    far = ceil(far * 50 - 1e-6) / 50;
    if (c)
        sb_text_add(t, "<h2>How far the mix of the two channels moved</h2>\n<p>Each layer's attention is "
                       "&alpha;&thinsp;&middot;&thinsp;Attn + (1&thinsp;&minus;&thinsp;&alpha;)&thinsp;"
                       "&middot;&thinsp;Attn+, one &alpha; for each %s. All of them started at %.3g, with "
                       "Attn+ a copy of Attn; left of the dashed line the new channel has the upper "
                       "hand.</p>\n<p class=\"key small\"><i class=hb "
                       "style=\"background:var(--boost)\"></i>boosted <i "
                       "style=\"background:var(--control)\"></i>control</p>\n<div class=\"charts four\">\n",
                    sb_gate_names[c->gate_by], 1 / (1 + exp(-c->gate)));
    for (int l = 0; alpha[BOOST] && l < L; l++) {
        SbFrame f = {.5 - far, .5 + far, 0, 1};
        sb_html(t, "<figure>");
        sb_chart_begin(t, &f, "histogram of alpha", 0);
        for (int k = BOOST; k < ENCODERS; k++)
            if (alpha[k])
                sb_chart_histogram(t, &f, alpha[k] + l * n[k], n[k], k == BOOST ? "filled" : "outlined");
        sb_chart_upright(t, &f, .5);
        sb_text_add(t, "</svg><figcaption><b>layer %d</b>", l + 1);
        for (int k = BOOST; k < ENCODERS; k++) {
            double mean = 0, square = 0;
            if (!alpha[k]) continue;
            const double *a = alpha[k] + l * n[k];
            for (int i = 0; i < n[k]; i++) mean += a[i] / n[k];
            for (int i = 0; i < n[k]; i++) square += (a[i] - mean) * (a[i] - mean) / n[k];
            sb_text_add(t, "%s %.3f &plusmn;&thinsp;%.3f", k == BOOST ? ", mean and spread" : "; control",
                        mean, sqrt(square));
        }
        sb_html(t, "</figcaption></figure>\n");
    }
    if (alpha[BOOST]) sb_html(t, "</div>\n");
    for (int k = 0; k < ENCODERS; k++) free(alpha[k]);
}

static const char *const stages[] = {"encoder", "llm",        "align", "instruct", "boost", "control",
                                     "real",    "aggregator", "spa3r", "blind",    "vlm",   "append",
                                     "none_tuned", "vlm_tuned", "append_tuned"};
enum { STAGES = sizeof stages / sizeof *stages };

static void report_losses(SbText *t, const Options *o) {
    sb_html(t, "<h2>Losses</h2>\n<p class=\"key small\"><i style=\"background:var(--soft)\"></i>training, "
               "smoothed"
               "<i style=\"background:var(--boost)\"></i>validation, on rooms used for nothing else</p>\n"
               "<div class=charts>\n");
    for (int i = 0; i < STAGES; i++) {
        SbCsv log;
        char *path = sb_format("%s/%s.csv", o->out, stages[i]);
        if (sb_csv_read(&log, path, NULL)) sb_chart_losses(t, &log, stages[i]), sb_csv_free(&log);
        free(path);
    }
    sb_html(t, "</div>\n");
}
static void report_times(SbText *t, const Options *o) {
    SbCsv times;
    char *path = sb_format("%s/times.csv", o->out);
    double most = 1e-9, sum = 0;
    sb_html(t, "<h2>How it was made</h2>\n");
    if (sb_csv_read(&times, path, "stage,seconds,steps,answers")) {
        for (int i = 0; i < STAGES; i++)
            most = fmax(most, sb_csv_find(&times, stages[i]) < 0 ? 0
                              : sb_csv_number(&times, sb_csv_find(&times, stages[i]), "seconds"));
        sb_html(t, "<div class=wide><table "
                   "class=time><thead><tr><th>stage<th><th>seconds<th>steps<th>answer words\n"
                   "<tbody>");
        for (int i = 0; i < STAGES; i++) {
            int row = sb_csv_find(&times, stages[i]);
            if (row < 0) continue;
            double s = sb_csv_number(&times, row, "seconds");
            sum += s;
            sb_text_add(t, "<tr><td>%s<td><i style=\"width:%.1f%%\"></i><td>%.1f<td>%s<td>%s\n", stages[i],
                        100 * s / most, s, sb_csv_text(&times, row, "steps"),
                        sb_csv_text(&times, row, "answers"));
        }
        sb_text_add(t, "<tr><td>together<td><td>%.1f<td><td></table></div>\n", sum);
        sb_csv_free(&times);
    }
    sb_html(t, "<pre>");
    sb_html_text(t, o->command);
    sb_html(t, "</pre>\n<details><summary>Settings of every stage</summary>\n<pre>");
    for (int i = 0; i < STAGES; i++) {
        SbCheckpoint f;
        char *file = sb_format("%s/%s.safetensors", o->out, stages[i]);
        if (sb_exists(file)) {
            sb_checkpoint_open(&f, file);
            const char *run = sb_checkpoint_text(&f, "run");
            if (run) sb_html(t, "./train "), sb_html_text(t, run), sb_html(t, "\n\n");
            sb_checkpoint_close(&f);
        }
        free(file);
    }
    sb_html(t, "</pre></details>\n<p class=small>In the paper projector and language model are trained on "
               "spatial "
               "dialogues before the boost. In miniature that spoils it, so here that stage "
               "(<i>instruct</i>) asks only "
               "what things are; dev/NOTEBOOK.md has the figures.</p>\n");
    free(path);
}
// The first rooms of the test pool in which at least three objects show.
static void report_rooms(SbText *t, const Options *o, const Cast *cast) {
    enum { ROOMS = 4, LOOKED_AT = 40 };
    static SbSample slot[LOOKED_AT];
    const SbConfig *c = &cast->e[BASE]->model.config;
    static const SbViewInfo *info[ROOMS];
    int room[ROOMS], n = 0;
    SbSource source;
    Gallery g;
    sb_source_init(&source, c, SB_TASK_DIALOGUE, SB_POOL_TEST, "depth=5,closer=2,what=4,describe=1", 1, 13);
    sb_source_samples(&source, slot, LOOKED_AT, 0);
    for (int i = 0; i < LOOKED_AT && n < ROOMS; i++) {
        int seen = 0;
        for (int k = 0; k < slot[i].info->scene->objects; k++) seen += slot[i].info->object[k].seen;
        if (seen >= 3) room[n] = i, info[n++] = slot[i].info;
    }
    gallery_make(&g, cast, info, n, 7, "true depth");
    gallery_probe_rooms(&g, cast, 1000);
    sb_html(t, "<h2>A few rooms it had never seen</h2>\n<p>Choose a patch by a click, a tap or the arrow "
               "keys: the last "
               "row of each room shows how alike the others are to it, before and after.</p>\n");
    depth_ramp(t, 7);
    sb_html(t, "<div class=rooms>\n");
    for (int i = 0; i < n; i++) {
        char *title = sb_format("Test room %d", room[i]);
        gallery_card(t, &g, cast, i, title);
        free(title);
    }
    sb_html(t, "</div>\n<p class=small>Depth: ridge regression from patch features, fitted on 1000 other "
               "simulated rooms. "
               "Colours: the first three principal components of all the features shown here, the same for "
               "every "
               "encoder. Likeness: cosine of the features less their mean, dark 0, yellow 1.</p>\n");
    static Encoder before;
    Cast talkers = {{&before, cast->e[BOOST], NULL}, {"before", "boosted", NULL}};
    if (n && cast->e[BOOST] && open_encoder(&before, o, NULL, "instruct", 0)) {
        sb_html(t, "<h2>A dialogue</h2>\n<p>The answers of the language model, word by word the likeliest, "
                   "before the "
                   "boost and after. Points count from 0 to 999 from the left and from the top; the model "
                   "knows lengths "
                   "by the whole metre.</p>\n");
        SbSample *s = slot + room[0];
        dialogue_table(t, &source.words, &talkers, info[0], s->picture[0], &s->dialogue);
    }
}
static void run_report(const Options *o) {
    static Encoder e[ENCODERS];
    SbText t = {NULL, 0, 0};
    SbCsv probe, questions;
    static const char *const part[3] = {"real", "field", "field_real"};
    char *path[4] = {sb_format("%s/probe.csv", o->out), sb_format("%s/questions.csv", o->out),
                     sb_format("%s/latents.csv", o->out), sb_format("%s/report.html", o->out)};
    open_probed(e, o, 0);
    Cast cast = cast_of(e, "base", "boosted", "control");
    sb_csv_read(&probe, path[0], NULL), sb_csv_read(&questions, path[1], NULL);
    sb_page_begin(&t, "SpatialBoost in miniature");
    report_head(&t, o);
    if (probe.rows > 0) report_figures(&t, &probe), report_probes(&t, o, &probe);
    report_rooms(&t, o, &cast);
    report_questions(&t, &questions);
    for (int i = 0; i < 3; i++) {
        char *file = sb_format("%s/%s.html", o->out, part[i]);
        char *html = sb_exists(file) ? sb_read_file(file, NULL) : NULL;
        if (html) sb_html(&t, html);
        free(html), free(file);
    }
    sb_latents_html(&t, path[2]);
    report_alpha(&t, &cast);
    report_losses(&t, o);
    report_times(&t, o);
    sb_page_end(&t);
    sb_write_file(path[3], t.data, t.size);
    printf("%s: %.0f KB\n", path[3], (double)t.size / 1024);
    for (int i = 0; i < 4; i++) free(path[i]);
    free(t.data);
}

// ---- real: photographs with measured depth

// Right answers of the boosted model, of the one that went on with photographs, and of that with a grey
// picture.
static void real_answers(SbText *t, SbSource *source, Encoder *e) {
    enum { DIALOGUES = 64 };
    enum { BOOSTED, PHOTOS, PHOTOS_GREY, WHO };
    Answerer who[WHO] = {{"", e + BOOST, 0}, {"", e + CONTROL, 0}, {"", e + CONTROL, 1}};
    AskedList l = {NULL, 0, 0};
    static const struct { const char *name; int type, level; } row[] = {
        {"depth of a point", SB_ASK_depth, 0}, {"which point is closer", SB_ASK_closer, 0},
        {"about objects", -1, SB_LEVEL_OBJECT}, {"about the scene", -1, SB_LEVEL_SCENE},
        {"about both pictures", -1, SB_LEVEL_VIEWS}};
    ask_rooms(&l, who, WHO, source, DIALOGUES);
    sb_html(t, "<div class=wide><table><thead><tr><th>right answers<th>asked<th>boosted<th>with "
               "photos<th>with photos, "
               "grey pictures\n<tbody>");
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        Score s[WHO];
        for (int k = 0; k < WHO; k++) s[k] = score_answers(&l, k, row[i].type, row[i].level);
        if (!s[0].answers) continue;
        sb_text_add(t, "<tr><td>%s<td>%ld", row[i].name, s[0].answers);
        for (int k = 0; k < WHO; k++) sb_text_add(t, "<td>%.0f&thinsp;%%", 100 * s[k].right);
    }
    sb_html(t, "\n</table></div>\n<p class=small>The frozen language model was taught to speak of depth and "
               "of what is where. Of the other questions it can hit lengths only, and all that lies on the "
               "shelf lies within a metre, which is one word.</p>\n");
    free(l.asked);
}
// Of every scene its first view and another one, and what is asked about both.
static void real_pairs(SbText *t, const SbSource *source, const Cast *cast) {
    SbDialogue d;
    memset(&d, 0, sizeof d);
    sb_html(t, "<h3>Dialogues about two pictures</h3>\n<p>Objects are asked about where there are masks. The "
               "miniature has few nouns, so the things on the shelf are boxes by their colour.</p>\n");
    for (int i = 0, first = 0; i < source->scenes; first += source->scene[i++].views) {
        const SbScene *scene = source->scene + i;
        const SbViewInfo *info[2];
        unsigned char *rgb[2];
        double *overlap = sb_overlaps(scene);
        SbRandom r = sb_random(source->seed, (uint64_t)i);
        int view[2] = {0}, n = sb_draw_views(overlap, scene->views, 2, &r, view);
        const char *slash = strrchr(scene->name, '/');
        free(overlap);
        sb_html(t, "<div class=room>\n<h3>");
        sb_html_text(t, slash ? slash + 1 : scene->name);
        sb_html(t, "</h3>\n<div class=sees>\n");
        for (int k = 0; k < n; k++) {
            info[k] = source->info + first + view[k], rgb[k] = source->picture[first + view[k]];
            seen_picture(t, info[k], 0, k ? "picture 2" : "picture 1");
        }
        sb_html(t, "</div>\n");
        sb_converse_views(&d, info, n, &source->mix, source->seed, (uint64_t)i);
        dialogue_answers(t, &source->words, cast, rgb, n, &d);
        sb_html(t, "</div>\n");
    }
    sb_dialogue_free(&d);
}
// Whose pictures are on the page: the first line of each scene's licence, and all of it to unfold.
static void real_licences(SbText *t, const SbSource *source) {
    sb_html(t, "<h3>Whose photographs these are</h3>\n");
    for (int i = 0; i < source->scenes; i++) {
        const SbScene *scene = source->scene + i;
        const char *slash = strrchr(scene->name, '/'), *text = scene->licence;
        char *line = text ? sb_format("%.*s", (int)strcspn(text, "\r\n"), text) : NULL;
        sb_html(t, "<p class=small><b>");
        sb_html_text(t, slash ? slash + 1 : scene->name);
        sb_html(t, "</b>: ");
        sb_html_text(t, line ? line : "the scene folder states no licence (licence.txt)");
        if (scene->unproven) sb_html(t, " <b>Nothing proved the poses</b> when it was imported.");
        sb_html(t, "</p>\n");
        if (text && text[strlen(line)] && text[strlen(line) + 1]) {
            sb_html(t, "<details><summary>the whole licence</summary><pre>");
            sb_html_text(t, text);
            sb_html(t, "</pre></details>\n");
        }
        free(line);
    }
}
static void real_section(SbText *t, SbSource *source, const Cast *cast, Gallery *g) {
    enum { SHOWN = 6 };
    int shown = sb_min(SHOWN, g->n);
    sb_text_add(t, "<h2>Photographs</h2>\n<p>The same job on %d real photographs with measured depth, from "
                   "%d %s: the "
                   "boost went on for a short while with a share of questions about pairs of them: depth, "
                   "what both pictures share, and objects where there are masks. %d frames prove that the "
                   "path works, no more; the answers below are about frames that were trained on.</p>\n",
                g->n, source->scenes, source->scenes == 1 ? "scene" : "scenes", g->n);
    sb_html(t, "<p class=small>Depth by a linear probe fitted on the measured depth of the other frames; "
               "its root mean "
               "square error over all frames:");
    for (int k = 0; k < ENCODERS; k++)
        sb_text_add(t, "%s %s %.2f m", k ? "," : "", cast->name[k], gallery_error(g, k, 0, g->n));
    sb_html(t, ". Grey: not measured.</p>\n");
    depth_ramp(t, g->deep);
    sb_html(t, "<div class=rooms>\n");
    for (int i = 0; i < shown; i++) {
        int k = i * g->n / shown;
        const char *name = g->info[k]->scene->name, *slash = strrchr(name, '/');
        char *title = sb_format("%s, frame %s", slash ? slash + 1 : name, g->info[k]->view->name);
        gallery_card(t, g, cast, k, title);
        free(title);
    }
    sb_html(t, "</div>\n");
}
static void run_real(const Options *o) {
    static Encoder e[ENCODERS];
    const char *given[ENCODERS] = {o->base, o->boost, o->after};
    static const char *const stage[ENCODERS] = {"encoder", "boost", "real"};
    SbSource source;
    SbText t = {NULL, 0, 0};
    SbDialogue d;
    Gallery g;
    if (!o->scenes) sb_die("real: name a scene folder, or a folder of them, with --scenes");
    open_encoders(e, o, ENCODERS, given, stage);
    for (int k = BOOST; k < ENCODERS; k++)
        if (!e[k].path) sb_die("%s/%s.safetensors: missing; make real makes it", o->out, stage[k]);
    Cast cast = cast_of(e, "base", "boosted", "with photos"), talkers = cast;
    talkers.e[BASE] = NULL;
    sb_source_init(&source, &e[BASE].model.config, SB_TASK_DIALOGUE, SB_POOL_TEST, "real", 2, 14);
    sb_source_scenes(&source, o->scenes), sb_source_ready(&source);
    const SbViewInfo **info = (const SbViewInfo **)sb_calloc((size_t)source.views, sizeof *info);
    for (int i = 0; i < source.views; i++) info[i] = source.info + i;
    gallery_make(&g, &cast, info, source.views, 6, "measured depth");
    gallery_probe_others(&g);
    real_section(&t, &source, &cast, &g);
    real_answers(&t, &source, e);
    memset(&d, 0, sizeof d);
    SbMix mix = sb_mix_parse("depth=6,closer=3");
    mix.grid = source.grid;
    sb_converse_info(&d, info[0], &mix, 5, 0);
    dialogue_table(&t, &source.words, &talkers, info[0], g.views.rgb, &d);
    real_pairs(&t, &source, &talkers);
    real_licences(&t, &source);
    char *path = sb_format("%s/real.html", o->out);
    sb_write_file(path, t.data, t.size);
    printf("%s: %d photographs\n", path, source.views);
    free(path), free(t.data), free(info), sb_dialogue_free(&d);
}

// ---- field: what views look like that nobody saw

// Cards of test rooms, and a camera that turns in one of them.
static void field_section(SbText *t, const SbCsv *csv, SbFieldSide *s, SbFieldSide *blind, int rooms) {
    enum { SHOWN = 6 };
    sb_text_add(
        t,
        "<h2>Views that nobody saw</h2>\n<p>Spa3R reads half of a room's %d views and is asked for the "
        "others by their cameras alone: features of the base encoder (semantic), of an aggregator that saw "
        "several views (geometric), and depth, which a probe reads from what is decoded. In the miniature "
        "the encoder is given the context views' cameras too; the paper gives it none.</p>\n",
        s->source.posed);
    sb_field_errors_html(t, csv);
    sb_html(t, "<p>Rooms that nothing was trained on. What is asked for is shown for comparison only.</p>\n");
    depth_ramp(t, SB_FIELD_DEEP);
    sb_html(t, "<div class=rooms>\n");
    for (int i = 0; i < SHOWN; i++) {
        sb_field_scene(s, (uint64_t)i);
        if (blind) sb_field_scene(blind, (uint64_t)i);
        char *title = sb_format("Test room %d", i);
        sb_field_card(t, s, blind, s->slot.picture, sb_field_asked(s), title);
        free(title);
    }
    sb_html(t, "</div>\n<h3>A camera that turns where none stood</h3>\n<p>Two views of a test room are read. "
               "Then a camera between them turns once around: most of what it sees nobody saw, and what no "
               "context view shows is a guess. The true picture was rendered afterwards, to compare.</p>\n");
    sb_field_turn(t, s, sb_turn_room(s));
    sb_field_curves(t, csv, s->source.posed);
    sb_field_likes_html(t, csv, rooms);
}
// One camera that took no picture, in a user's own scene.
static void field_camera(const Options *o, SbFieldSide *s, int views) {
    SbScene scene;
    double pose[16];
    unsigned char *rgb;
    memset(&scene, 0, sizeof scene);
    if (!o->scenes) sb_die("--camera FILE and --scenes DIR go together: a pose and its scene");
    if (!sb_pose_read(o->camera, pose)) sb_die("%s: the pose is infinite", o->camera);
    sb_scene_load(&scene, o->scenes);
    double apart = sb_field_ask(s, &scene, pose, views);
    if (apart > 2)
        printf("warning: this camera is far from every context view (%.1f metres plus radians); what it "
               "would see "
               "is a guess\n",
               apart);
    int tiles = sb_field_strip(s, &scene, &rgb);
    sb_png_write(o->png, rgb, tiles * SB_FIELD_TILE, SB_FIELD_TILE);
    printf("%s: %d context views, then features and depth as the asked camera would see them\n", o->png,
           tiles - 2);
    free(rgb), sb_scene_free(&scene);
}
// Real scenes: of each the middle view is asked for, `views` others are read.
static void field_real(const Options *o, SbFieldSide *s, SbFieldSide *blind, int views) {
    SbText t = {NULL, 0, 0};
    sb_source_scenes(&s->source, o->scenes);
    sb_text_add(&t, "<h3>Real rooms</h3>\n<p>The same on %d real %s, whose kind of picture the model was "
                    "never trained on. A few frames: shown, nothing is claimed.</p>\n<div class=rooms>\n",
                s->source.scenes, s->source.scenes == 1 ? "scene" : "scenes");
    for (int i = 0; i < s->source.scenes; i++) {
        const SbScene *scene = s->source.scene + i;
        const SbView *view[SB_ROOM_VIEWS];
        unsigned char *picture[SB_ROOM_VIEWS];
        int context[SB_ROOM_VIEWS], asked = scene->views / 2, n = sb_min(views, scene->views - 1);
        if (n < 2) sb_die("%s: %d views; three and more are wanted", scene->name, scene->views);
        for (int k = 0; k <= n; k++) {
            int at = k < n ? (int)((long)k * (scene->views - 2) / (n - 1)) : 0;     // of the other views
            view[k] = scene->view + (k == n ? asked : at + (at >= asked)), context[k] = k < n;
            picture[k] = sb_square(view[k]->rgb, view[k]->w, view[k]->h, s->model->config.image);
        }
        sb_field_views(s, view, picture, context, n + 1);
        if (blind) sb_field_views(blind, view, picture, context, n + 1);
        const char *slash = strrchr(scene->name, '/');
        char *title = sb_format("%s, frame %s", slash ? slash + 1 : scene->name, view[n]->name);
        sb_field_card(&t, s, blind, picture, n, title);
        for (int k = 0; k <= n; k++) free(picture[k]);
        free(title);
    }
    sb_html(&t, "</div>\n");
    char *path = sb_format("%s/field_real.html", o->out);
    sb_write_file(path, t.data, t.size);
    printf("%s: %d real scenes\n", path, s->source.scenes);
    free(path), free(t.data);
}
// Test rooms: the table, and what the page shows.
static void field_rooms(const Options *o, SbFieldSide *s, SbFieldSide *blind) {
    static SbFieldScore score;
    static SbFieldPair ours[SB_FIELD_PAIRS], other[SB_FIELD_PAIRS], truth[SB_FIELD_PAIRS];
    const SbConfig *c = &s->model->config;
    SbText t = {NULL, 0, 0}, table = {NULL, 0, 0};
    SbCsv csv;
    int half = sb_min(o->views / 2, (SB_ROOM_VIEWS - 1) / 2), pairs = sb_min(o->rooms, 500);  // memory
    sb_field_means(&score, s->model, o->views, o->rooms);
    for (int i = 0; i < o->rooms; i++) sb_field_score(&score, s, blind, (uint64_t)i);
    sb_field_table(&table, &score);
    if (blind) sb_field_pairs(other, truth, blind->model, half, pairs), sb_pairs_free(truth);
    sb_field_pairs(ours, truth, s->model, half, pairs);
    sb_field_likes(&table, ours, blind ? other : NULL, truth, c->targets, c->latents);
    char *path[2] = {sb_format("%s/field.csv", o->out), sb_format("%s/field.html", o->out)};
    sb_write_file(path[0], table.data, table.size);
    sb_csv_read(&csv, path[0], NULL);
    field_section(&t, &csv, s, blind, pairs);
    sb_write_file(path[1], t.data, t.size);
    printf("%s, %s\n", path[0], path[1]);
    sb_pairs_free(ours), sb_pairs_free(other), sb_pairs_free(truth), sb_csv_free(&csv);
    free(path[0]), free(path[1]), free(t.data), free(table.data);
}
static void run_field(const Options *o) {
    static Encoder ours, other;
    static SbFieldSide s, b;
    open_encoder(&ours, o, o->field, "spa3r", 1);
    if (~ours.model.parts & SB_SPA3R) sb_die("%s: no Spa3R in it; ./train spa3r makes one", ours.path);
    int blind = !o->camera && open_encoder(&other, o, o->blind, "blind", 0);
    if (blind && !other.model.config.blind) sb_die("%s: it was not trained blind (--blind 1)", other.path);
    const SbConfig *c = &ours.model.config, *d = &other.model.config;
    if (blind && (c->image != d->image || c->patch != d->patch || c->enc_width != d->enc_width))
        sb_die("%s: pictures, patches or features are not the size of those in %s", other.path, ours.path);
    sb_field_open(&s, &ours.model, SB_POOL_TEST, o->views, 6);
    if (blind) sb_field_open(&b, &other.model, SB_POOL_TEST, o->views, 6);
    if (o->camera) field_camera(o, &s, o->views);
    else if (o->scenes) field_real(o, &s, blind ? &b : NULL, o->views);
    else field_rooms(o, &s, blind ? &b : NULL);
}

// ---- vsi

// A line of the table and of its CSV; what is not known stays empty.
static void vsi_line(SbText *csv, const char *name, long n, double score, double usual) {
    char text[3][32] = {"", "", ""};
    if (n > 0) snprintf(text[0], sizeof text[0], "%ld", n);
    if (!isnan(score)) snprintf(text[1], sizeof text[1], "%.2f", score);
    if (!isnan(usual)) snprintf(text[2], sizeof text[2], "%.2f", usual);
    sb_text_add(csv, "%s,%s,%s,%s\n", name, text[0], text[1], text[2]);
    printf("%-28s %9s %8s %8s\n", name, text[0], text[1], text[2]);
}
static void run_vsi(const Options *o) {
    SbVsiRows rows;
    SbVsiScores s;
    SbText csv = {NULL, 0, 0};
    if (!o->questions) sb_die("vsi: --questions FILE is missing: what was asked, in VSI-Bench's layout");
    if (!o->predictions)
        sb_die("vsi: --predictions FILE is missing: lines of {\"id\": 7, \"prediction\": \"2\"}");
    sb_vsi_read(&rows, o->questions);
    sb_vsi_read_replies(&rows, o->questions, o->predictions);
    sb_vsi_scores(&s, &rows);
    sb_text_add(&csv, "type,questions,score,usual\n");
    printf("%-28s %9s %8s %8s\n", "", "questions", "score", "usual");
    for (int i = 0; i < SB_VSI_TYPES; i++) vsi_line(&csv, sb_vsi_type[i].name, s.n[i], s.type[i], s.usual[i]);
    vsi_line(&csv, "object_rel_direction", 0, s.task[sb_vsi_type[SB_VSI_EASY].task], NAN);
    vsi_line(&csv, "numeric", 0, s.numeric, NAN);
    vsi_line(&csv, "choice", 0, s.choice, NAN);
    vsi_line(&csv, "all", rows.rows, s.all, NAN);
    printf("\nPercent. Numbers: mean relative accuracy; choices: right letters. Means are of the tasks that\n"
           "there are. usual: of always giving the commonest true answer of the type.\n");
    sb_make_folder(o->out);
    char *path = sb_format("%s/%s.csv", o->out, o->to ? o->to : "vsi");
    sb_write_file(path, csv.data, csv.size);
    printf("%s\n", path);
    free(path), free(csv.data), sb_vsi_free(&rows);
}

// ---- score

// A cell of the table and of its CSV; what is not known stays empty.
static void score_cell(SbText *csv, double x, int digits) {
    char text[32] = "";
    if (!isnan(x)) snprintf(text, sizeof text, "%.*f", digits, x);
    sb_text_add(csv, ",%s", text);
    printf(" %9s", text);
}
static void score_line(SbText *csv, const char *name, const SbScores *s) {
    printf("%-28s", name);
    sb_text_add(csv, "%s", name);
    score_cell(csv, (double)s->n, 0), score_cell(csv, s->exact, 2), score_cell(csv, s->bleu, 2);
    score_cell(csv, (double)s->numbers, 0), score_cell(csv, s->within, 2), score_cell(csv, s->mra, 2);
    score_cell(csv, s->error, 4);
    sb_text_add(csv, "\n");
    printf("\n");
}
static void run_score(const Options *o) {
    SbScoreRows rows;
    SbText csv = {NULL, 0, 0};
    const char *asked = o->questions ? o->questions : o->predictions;
    if (!o->predictions)
        sb_die("score: --predictions FILE is missing: lines of {\"id\": 7, \"prediction\": \"2 m\"}");
    sb_score_read(&rows, asked);
    sb_score_read_replies(&rows, asked, o->predictions);
    sb_text_add(&csv, "type,questions,exact,bleu1,numbers,within,mra,absrel\n");
    printf("%-28s %9s %9s %9s %9s %9s %9s %9s\n", "", "questions", "exact", "BLEU-1", "numbers", "within",
           "MRA", "abs rel");
    for (int i = 0, n; i < rows.rows; i += n) {
        for (n = 1; i + n < rows.rows && !strcmp(rows.row[i].type, rows.row[i + n].type); n++) continue;
        SbScores s = sb_score_table(&rows, i, n, o->tolerance);
        if (*rows.row[i].type) score_line(&csv, rows.row[i].type, &s);
    }
    SbScores all = sb_score_table(&rows, 0, rows.rows, o->tolerance);
    score_line(&csv, "all", &all);
    printf("\nPercent of all questions of a type; within, MRA and abs rel (mean of |prediction - truth| /\n"
           "|truth|) of those whose answer is a number: within %g of it, mean relative accuracy.\n",
           o->tolerance);
    sb_make_folder(o->out);
    char *path = sb_format("%s/%s.csv", o->out, o->to ? o->to : "score");
    sb_write_file(path, csv.data, csv.size);
    printf("%s\n", path);
    free(path), free(csv.data), sb_score_free(&rows);
}

// ---- diff
static void run_diff(const Options *o) {
    if (!o->file[1]) sb_die("diff: expected two files: ./eval diff A.safetensors B.safetensors");
    SbDiff f;
    sb_diff_open(&f, o->file[0], o->file[1], 0);
    if (sb_diff_table(&f, o->show, o->csv)) exit(1);
    sb_diff_close(&f);
}

// ---- experiments
static void run_experiments(const Options *o) {
    char *path = sb_format("%s/experiments.html", o->out);
    sb_make_folder(o->out);
    if (!sb_experiments_page(o->results, path))
        sb_die("%s: no NAME.csv in it; make reproduce writes them", o->results);
    printf("\nlook at %s\n", path);
    free(path);
}

// ---- command line

typedef struct { const char *name; int bit; void (*run)(const Options *); const char *help; } What;
static const What whats[] = {
    {"probe", PROBE, run_probe,
     "linear probes on frozen features of rooms never seen, or of your data (--task: imagenet ade20k nyud "
     "revisited register points pose): DIR/probe.csv"},
    {"questions", QUESTIONS, run_questions,
     "how often the answers are right, by type of question: "
     "DIR/questions.csv"},
    {"ask", ASK, run_ask, "type questions about a picture; see the answers and where the model looked"},
    {"features", FEATURES, run_features,
     "a picture and its features as colours: a PNG; --pictures: as numbers, .safetensors or .npy"},
    {"export", EXPORT, run_export,
     "what was trained on models of the hub, as folders that transformers opens"},
    {"real", REAL, run_real,
     "photographs: depth, features, answers before and after: DIR/real.html, for "
     "the report"},
    {"field", FIELD, run_field,
     "features and depth of views that Spa3R never saw, against copy, warp, mean and blind: DIR/field.csv, "
     "and "
     "pictures for the report"},
    {"latents", LATENTS, run_latents,
     "answers about a view by an LLM without latents, with them cross-attended or appended, the LLM as it "
     "was or tuned: DIR/latents.csv"},
    {"vsi", VSI, run_vsi,
     "predictions for VSI-Bench questions (from ./data/converse --vsi, or the benchmark): "
     "DIR/vsi.csv"},
    {"score", SCORE, run_score,
     "predictions for any questions: exact match, BLEU-1, numbers within a tolerance, MRA: DIR/score.csv"},
    {"report", REPORT, run_report, "one page of all that stands in DIR: DIR/report.html"},
    {"experiments", EXPERIMENTS, run_experiments,
     "tables of dev/results (make reproduce), and a page of them: DIR/experiments.html"},
    {"diff", DIFF, run_diff,
     "two dumps of a step (./train STAGE --dump FILE), tensor by tensor: ./eval diff A B"},
};
enum { WHATS = sizeof whats / sizeof *whats };

static void print_usage(void) {
    printf("usage: ./eval WHAT [flags]\n\n");
    for (int i = 0; i < WHATS; i++) printf("  %-11s %s\n", whats[i].name, whats[i].help);
    printf("\n./eval WHAT --help lists the flags and their defaults.\n");
}
int main(int argc, char **argv) {
    const What *w = NULL;
    Options o;
    SbFlag flag[60];
    int flags = 0;
    for (int i = 0; argc > 1 && i < WHATS; i++) if (!strcmp(argv[1], whats[i].name)) w = whats + i;
    if (!w) {
        print_usage();
        if (argc > 1 && strcmp(argv[1], "--help") && strcmp(argv[1], "-h"))
            sb_die("nothing is called %s", argv[1]);
        return argc < 2;
    }
#define X(what, kind, type, name, start, hint, low, high, help) \
    o.name = start; \
    if ((what) & w->bit) flag[flags++] = sb_flag(#name, hint, SB_FLAG_##kind, &o.name, low, high, help);
    EVAL_OPTIONS(X)
#undef X
    char *usage = sb_format("usage: ./eval %s [flags]\n%s", w->name, w->help);
    o.file[0] = o.file[1] = NULL;
    sb_flags_parse(flag, flags, argc, argv, 2, usage, o.file, w->bit == DIFF ? 2 : 0);
    free(usage);
    w->run(&o);
    return 0;
}
