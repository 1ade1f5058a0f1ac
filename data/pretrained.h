// pretrained.h: an encoder and a language model of the Hugging Face hub as one model, used as they lie on
// disk: folders, tokenizer, chat layout, pictures. Include spatialboost.h and batch.h first.
//
// Refuses: what families.h, tokenizer.h, chat.h and preprocess.h refuse; pictures that do not come out square
// and of whole patches. Weights stay in their files (mapped), so this must outlive the model.
// Read from top: opening, the configuration, weights, a picture, a conversation as rows of a batch.
#ifndef SB_PRETRAINED_H
#define SB_PRETRAINED_H
#include "bind.h"
#include "chat.h"
#include "model.h"
#include "preprocess.h"

typedef struct {
    SbFolder encoder, llm;
    SbTokenizer tokenizer;
    SbChat chat;
    SbPreprocess pixels;
    const char *system; // system text or NULL
    int speaks; // it has a language model
    int patches; // rows of a picture
    int most; // rows that a sample may have; 0: any
} SbPretrained;

// What to open. layout: of the chat, NULL: by the tokenizer's tokens. system: sb_chat_system. select: 0
// features of the last layer behind its norm, 1 of the layer before (LLaVA's -2). image: side of pictures,
// 0: what the encoder's own processor makes. squared: 1: pictures are first laid on a square (LLaVA's
// "pad").
typedef struct {
    const char *encoder, *llm, *layout, *system;
    int select, image, squared;
} SbPretrainedFlags;

static SB_UNUSED void sb_pretrained_pixels(SbPretrained *p, const SbPretrainedFlags *f) {
    static const char *const file[] = {"preprocessor_config.json", "processor_config.json",
                                       "open_clip_config.json"};
    int found = 0;
    for (int i = 0; i < 3 && !found; i++) {
        char *path = sb_format("%s/%s", f->encoder, file[i]);
        if ((found = sb_exists(path))) sb_preprocess_read(&p->pixels, path);
        free(path);
    }
    if (!found)
        sb_die("%s: no preprocessor_config.json: download it too; it says how pictures are resized",
               f->encoder);
    sb_preprocess_as(&p->pixels, f->squared ? SB_SQUARE : SB_AS_FILE, f->image, f->image);
}
// What flags leave open, as the checkpoint was made with (its texts "hub.encoder" ...).
static SB_UNUSED void sb_pretrained_notes(SbPretrainedFlags *f, const SbCheckpoint *file) {
    struct {
        const char **flag, *key;
    } text[] = {{&f->encoder, "hub.encoder"},
                {&f->llm, "hub.llm"},
                {&f->layout, "hub.chat"},
                {&f->system, "hub.system"}};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        const char *said = sb_checkpoint_text(file, text[i].key);
        if (!*text[i].flag && said) *text[i].flag = sb_copy(said);
    }
    if (!sb_checkpoint_text(file, "hub.select")) return;
    f->select = sb_model_int(file, "hub.select"), f->squared = sb_model_int(file, "hub.pad");
}
// Open, and fill what config.json decides of c: sizes and switches of both towers, image; one causal sequence
// whose positions run on, as these language models were trained.
static SB_UNUSED void sb_pretrained_open(SbPretrained *p, const SbPretrainedFlags *f, SbConfig *c) {
    int w, h;
    memset(p, 0, sizeof *p);
    sb_folder_open(&p->encoder, f->encoder);
    if (sb_family_language(&p->encoder)) sb_die("--encoder %s: that is a language model", f->encoder);
    sb_family_config(&p->encoder, c, f->select);
    sb_pretrained_pixels(p, f);
    sb_preprocess_size(&p->pixels, 640, 480, &w, &h);
    if (w != h || w % c->patch)
        sb_die("%s: its pictures come out as %d x %d pixels, which must be square and whole patches of %d; "
               "choose a side with --image (eval: --side)",
               f->encoder, w, h, c->patch);
    c->image = w, p->patches = (w / c->patch) * (w / c->patch);
    c->isolate = c->restart = 0, c->patch_word = -1;
    if (!(p->speaks = f->llm != NULL)) return;
    sb_folder_open(&p->llm, f->llm);
    if (!sb_family_language(&p->llm)) sb_die("--llm %s: that is an encoder", f->llm);
    sb_family_config(&p->llm, c, 0);
    c->patch_word = -1;
    char *path = sb_format("%s/tokenizer.json", f->llm);
    if (!sb_exists(path)) sb_die("%s: no tokenizer.json: download it too; it says what words are", f->llm);
    sb_tokenizer_open(&p->tokenizer, path);
    sb_chat_open(&p->chat, &p->tokenizer, f->layout);
    free(path);
    if (p->tokenizer.n > c->vocab)
        sb_die("%s: %d tokens, but the word table of its model has %d rows: tokenizer.json and the weights "
               "are of different models", f->llm, p->tokenizer.n, c->vocab);
    p->system = sb_chat_system(f->system);
}
static SB_UNUSED void sb_pretrained_close(SbPretrained *p) {
    sb_folder_close(&p->encoder);
    if (!p->speaks) return;
    sb_folder_close(&p->llm), sb_chat_close(&p->chat), sb_tokenizer_close(&p->tokenizer);
}
// Between sb_model_plan and sb_model_memory: frozen tensors are read where they lie, but for those that were
// adopted already. Then, behind it: tensors that train get the folders' numbers.
static SB_UNUSED void sb_pretrained_bind(SbPretrained *p, SbModel *m, int trained) {
    SbFolder *f[2] = {&p->encoder, &p->llm};
    for (int i = 0; i < 1 + p->speaks; i++) {
        int wanted = 0;
        for (int k = 0; k < m->params; k++) wanted += sb_family_ours(f[i], sb_family_of(f[i]), m->param[k]);
        if (!wanted) continue; // all of it has been trained and lies in a checkpoint
        sb_family_bind(f[i], m, trained);
        char *notes = sb_family_notes(f[i]);
        if (*notes) fprintf(stderr, "%s", notes);
        free(notes);
    }
}
static SB_UNUSED void sb_pretrained_fill(SbPretrained *p, SbModel *m, int trained) {
    sb_family_fill(&p->encoder, m, trained);
    if (p->speaks) sb_family_fill(&p->llm, m, trained);
}
// A picture rgb [h][w][3] as the encoder's square, [side][side][3]; free() it.
static SB_UNUSED float *sb_pretrained_picture(const SbPretrained *p, const unsigned char *rgb, int w, int h) {
    int W, H;
    sb_preprocess_size(&p->pixels, w, h, &W, &H);
    float *out = (float *)sb_calloc((size_t)W * (size_t)H, 3 * sizeof *out);
    sb_preprocess(&p->pixels, rgb, w, h, out);
    return out;
}
// Rows of what p->chat holds, tokens and patches.
static SB_UNUSED long sb_pretrained_rows(const SbPretrained *p, const int *shown) {
    long rows = 0;
    for (int i = 0, k = 0; i < p->chat.n; i++)
        rows += p->chat.token[i] == SB_CHAT_IMAGE ? shown[k++] * p->patches : 1;
    return rows;
}
// What p->chat holds as a sample of the batch. Its k-th <image> stands for the next shown[k] images of the
// batch, from first on (one picture; the frames of a video).
static SB_UNUSED void sb_pretrained_sample(SbPretrained *p, SbBatch *b, const SbConfig *c, int first,
                                           const int *shown) {
    const SbChat *t = &p->chat;
    long rows = sb_pretrained_rows(p, shown);
    if (p->most && rows > p->most)
        sb_die("a conversation has %ld rows (tokens and patches), at most %d are read (--max_length)", rows,
               p->most);
    sb_batch_sample(b);
    for (int i = 0, k = 0, n; i < t->n; i += n) {
        for (n = 0; i + n < t->n && t->token[i + n] != SB_CHAT_IMAGE; n++) continue;
        if (n) {
            sb_batch_tokens(b, c, t->token + i, t->target + i, NULL, n);
            continue;
        }
        for (int v = 0; v < shown[k]; v++) sb_batch_prefix_image(b, c, first++);
        k++, n = 1;
    }
}
#endif
