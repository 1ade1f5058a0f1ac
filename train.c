// train.c: every training stage of SpatialBoost on the CPU.      ./train STAGE [flags]      ./train --help
//
// A stage reads a checkpoint, trains some groups of tensors on some data, and writes a checkpoint and a log:
//
//     encoder ─► llm ─► align ─► instruct ─► boost          out/encoder.safetensors ... out/boost.safetensors
//
// What it refuses to do: guess (an unknown flag, a size that does not fit, a scene without what is asked of
// it is an error), lose work (a checkpoint every minute, at Ctrl-C and at the end; running the same line
// again resumes, bit for bit), go on after a loss that is not a number. How to read it: the table of stages,
// the options, then train() near the end: data, forward, loss, backward, update, log. The model itself is
// spatialboost.h.
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "data/file.h"
#define SB_FAIL(...) sb_die(__VA_ARGS__)
#ifndef SB_MODEL // train.cu puts a GPU in its place
#define SB_MODEL "spatialboost.h"
#endif
#include SB_MODEL

#include "data/flags.h"
#include "data/lora.h"
#include "data/model.h"
#include "data/samples.h"
#include <signal.h>
#include <time.h>
#include <unistd.h>

// ---- the stages, one row each. Learning rates and steps: dev/NOTEBOOK.md says how they were chosen.
typedef struct {
    const char *name, *from, *help;
    int parts, groups, task, pool, steps, toy_steps; // parts: what the model has beside encoder and LLM
    double batch; // samples, in multiples of the configuration's
    double lr, decay;
    const char *mix;
    int hub_batch; // with models of the hub: samples, and
    double hub_lr; // learning rate (0: the stage has no use for them)
} Stage;
static const Stage stages[] = {
    {"encoder", NULL, "a base encoder learns to recognise, from image-level labels", 0, SB_BASE | SB_HEADS,
     SB_TASK_RECOGNISE, SB_POOL_TRAIN, 1200, 20, 2, 1.5e-3, .05, "rec", 0, 0},
    {"llm", "encoder", "the LLM learns to speak of scenes, from exact text maps (no image)", 0, SB_LLM,
     SB_TASK_MAP, SB_POOL_TEXT, 250, 20, 1, 2e-3, 0, "lean", 0, 0},
    {"align", "llm", "the projector learns to write words; encoder and LLM frozen", 0, SB_PROJ,
     SB_TASK_DIALOGUE, SB_POOL_TRAIN, 200, 20, 1, 2e-3, 0, "lean", 256, 1e-3},
    {"instruct", "align", "projector and LLM on dialogues; encoder frozen", 0, SB_PROJ | SB_LLM,
     SB_TASK_DIALOGUE, SB_POOL_TRAIN, 60, 10, 1, 3e-4, 0, "recshort", 128, 2e-5},
    {"boost", "instruct", "Attn+, a and projector on spatial dialogues; encoder and LLM frozen", SB_DUAL,
     SB_PLUS | SB_ALPHA | SB_PROJ, SB_TASK_DIALOGUE, SB_POOL_TRAIN, 700, 20, 1, 2e-3, 0, "mix", 128, 1e-4},
    {"aggregator", "instruct", "several posed views: depth and points in the first view's frame",
     SB_AGGREGATOR, SB_AGG, SB_TASK_GEOMETRY, SB_POOL_TRAIN, 300, 10, .25, 1e-3, .01, "lean", 0, 0},
    {"spa3r", "aggregator", "views to latents, latents and a camera to the features of a view never seen",
     SB_AGGREGATOR | SB_SPA3R, SB_FIELD, SB_TASK_FIELD, SB_POOL_TRAIN, 500, 10, .25, 5e-4, 1e-4, "lean", 0,
     0},
    {"vlm", "spa3r", "the LLM's image tokens ask a scene's latents; all else frozen",
     SB_AGGREGATOR | SB_SPA3R | SB_ADAPTER, SB_ADAPT, SB_TASK_LATENTS, SB_POOL_TRAIN, 100, 10, .5, 1e-3, 0,
     "lean", 0, 0},
};
enum { STAGES = sizeof stages / sizeof *stages };

// ---- options beside the configuration: X(flag kind, C type, name, default, hint, low, high, help)
#define TRAIN_OPTIONS(X)                                                                                     \
    X(TEXT, const char *, preset, "mini", "NAME", 0, 0, "sizes for a new model: toy, mini or small")         \
    X(TEXT, const char *, out, "out", "DIR", 0, 0, "folder of checkpoints and logs")                         \
    X(TEXT, const char *, to, NULL, "NAME", 0, 0, "name of the result in that folder (the stage's)")         \
    X(TEXT, const char *, from, NULL, "FILE", 0, 0, "checkpoint to start from (the stage before)")           \
    X(INT, int, steps, 0, "N", 0, 1e9, "steps; 0: the stage's own")                                          \
    X(NUMBER, double, lr, 0, "X", 0, 1e38, "peak learning rate; 0: the stage's own")                         \
    X(NUMBER, double, decay, -1, "X", -1, 1e3, "weight decay of matrices; -1: the stage's own")              \
    X(TEXT, const char *, mix, NULL, "MIX", 0, 0,                                                            \
      "questions: a name or depth=14,what=10 (./data/converse --help)")                                      \
    X(TEXT, const char *, levels, NULL, "LIST", 0, 0, "only the mix's questions of these levels: pixel,...") \
    X(TEXT, const char *, order, "forward", "ORDER", 0, 0, "order of the turns: forward, reverse, random")   \
    X(SWITCH, int, blind_balance, 0, "", 0, 1,                                                               \
      "answers that who sees no picture could guess are asked for less")                                     \
    X(TEXT, const char *, noise, NULL, "LIST", 0, 0,                                                         \
      "answers with errors: depth=SD in metres, scale=X, erode=pixels, swap=P, sign=P")                      \
    X(INT, int, rooms, 0, "N", 0, 1e9, "cycle over so many simulated rooms; 0: a new one for every sample")  \
    X(INT, int, views, 0, "N", 0, 16, "views of a scene; 0: 4 (dialogues: 1; more: several pictures each)")  \
    X(NUMBER, double, single, 0, "X", 0, 1, "share of samples about one view alone, asked the stage's mix")  \
    X(TEXT, const char *, scenes, NULL, "DIR", 0, 0,                                                         \
      "ask about the views of this scene folder (or folder of them)")                                        \
    X(TEXT, const char *, data, NULL, "FILE", 0, 0,                                                          \
      "conversations, LLaVA JSON or JSONL; several: FILE[:SHARE],FILE[:SHARE] (shares of the samples)")      \
    X(TEXT, const char *, encoder, NULL, "DIR", 0, 0,                                                        \
      "align, instruct, boost: an encoder's folder of the hub")                                              \
    X(TEXT, const char *, llm, NULL, "DIR", 0, 0, "and a language model's")                                  \
    X(TEXT, const char *, chat, NULL, "NAME", 0, 0, "its layout: chatml, llama3, plain (as its tokens say)") \
    X(TEXT, const char *, system, NULL, "TEXT", 0, 0, "system text; @qwen2.5 ...: the family's own (none)")  \
    X(INT, int, select, 0, "N", 0, 1, "features of 0: the last layer, 1: the one before (LLaVA's -2)")       \
    X(SWITCH, int, pad, 0, "", 0, 1, "pictures are laid on a square of the mean colour, not cropped")        \
    X(TEXT, const char *, valid, NULL, "FILE", 0, 0, "conversations for the validation loss (hub models)")   \
    X(NUMBER, double, epochs, 1, "X", 0, 1e6,                                                                \
      "passes over --data (its first file, if they have shares), shuffled, if there are no --steps")         \
    X(INT, int, max_length, 2048, "N", 1, 1e6,                                                               \
      "hub models: rows (tokens and patches) of a sample; records that have more are bad")                   \
    X(INT, int, frames, 8, "N", 1, SB_SHOWN, "of a video: a picture's name that is a folder of frames")      \
    X(SWITCH, int, skip_bad, 0, "", 0, 1, "pass over bad records of --data, naming each")                    \
    X(NUMBER, double, share, 1, "X", 0, 1, "share of samples from --scenes and --data, the rest simulated")  \
    X(TEXT, const char *, tune, "plus", "WHAT", 0, 0,                                                        \
      "boost trains: plus (Attn+ and a), full (the base encoder), last (its last --last_layers blocks), "    \
      "lora (the encoder's matrices by LoRA)")                                                               \
    X(INT, int, rank, 8, "N", 1, 1e6, "lora: its rank r")                                                    \
    X(NUMBER, double, rank_alpha, 16, "X", 1e-6, 1e6, "lora: W = W0 + B A times this / r")                   \
    X(TEXT, const char *, matrices, "q,k,v,o", "LIST", 0, 0, "lora: some of q,k,v,o,gate,up,down")           \
    X(SWITCH, int, random_plus, 0, "", 0, 1, "boost: Attn+ starts at random, not as a copy")                 \
    X(SWITCH, int, freeze_projector, 0, "", 0, 1, "boost: the projector is frozen too")                      \
    X(TEXT, const char *, regress, NULL, "WHAT", 0, 0,                                                       \
      "boost without the LLM, from patch features: depth by regression, labels, or both")                    \
    X(SWITCH, int, patch_labels, 0, "", 0, 1, "encoder: also learn the label of every patch")                \
    X(SWITCH, int, tune_llm, 0, "", 0, 1, "vlm: the LLM trains too")                                         \
    X(INT, int, micro, 0, "N", 0, 1e6, "samples computed at a time, gradients added up; 0: the whole batch") \
    X(SWITCH, int, recompute, 0, "", 0, 1,                                                                   \
      "blocks keep one row each and are computed again on the way back")                                     \
    X(SWITCH, int, again, 0, "", 0, 1, "begin anew even if a result or a half-done run is there")            \
    X(SWITCH, int, memory, 0, "", 0, 1, "print what the stage needs, and stop")                              \
    X(TEXT, const char *, dump, NULL, "FILE", 0, 0,                                                          \
      "do one step, write its tensors to FILE, no checkpoint, and stop (./eval diff)")                       \
    X(NUMBER, double, save_every, 60, "S", 0, 120, "seconds between checkpoints")

typedef struct {
#define X(kind, type, name, start, hint, low, high, help) type name;
    TRAIN_OPTIONS(X)
#undef X
} Options;

typedef struct {
    const Stage *stage;
    Options o;
    SbConfig config;
    SbModel model;
    SbLora lora; // --tune lora; else it has no matrices
    SbSource train, valid;
    SbPretrained hub; // models of the hub, if hubbed
    SbCheckpoint file; // open as long as tensors are read where they lie in it
    int hubbed;
    SbSample *slot;
    SbBatch *batch, checked; // of the step, in parts [parts]; of the validation
    int batch_size, part_size, parts;
    long step; // steps done
    char *result, *partial, *log, *base; // files; base: the checkpoint to start from
    char *made; // commands that led here, a line each, with the flags that were given
    FILE *csv;
    long log_size; // bytes of the log at the last checkpoint
    double answers, seconds; // answer tokens and seconds so far
    double checked_loss; // of the last validation; 0: none yet
} Run;

static volatile sig_atomic_t interrupted;
static void on_interrupt(int signal_number) { (void)signal_number, interrupted = 1; }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// ---- command line

// Flags that one stage alone looks at.
static const struct {
    const char *flag, *stage;
} only[] = {{"tune", "boost"},        {"random_plus", "boost"},    {"freeze_projector", "boost"},
            {"regress", "boost"},     {"patch_labels", "encoder"}, {"tune_llm", "vlm"},
            {"last_layers", "boost"}, {"share_o", "boost"},          {"gate_by", "boost"}};
enum { FLAGS_MAX = 128 };
static int make_flags(SbFlag *f, Options *o, SbConfig *c) {
    int n = 0;
#define X(kind, type, name, start, hint, low, high, help) \
    f[n++] = sb_flag(#name, hint, SB_FLAG_##kind, &o->name, low, high, help);
    TRAIN_OPTIONS(X)
#undef X
#define X(type, name, toy, mini, small, help)                                                              \
    f[n++] = sb_flag(#name, "N", sizeof(type) == sizeof(int) ? SB_FLAG_INT : SB_FLAG_NUMBER, &c->name, -1, \
                     1e9, help);
    SB_CONFIG(X)
#undef X
    return n;
}
// What --help shows of them: under headings, what the stage at hand looks at.
static void arrange_flags(const Run *r, SbFlag *f, int n) {
    static const char *const heading[][2] = {
        {"mix", "what is asked, about what"},
        {"encoder", "models of the hub"},
        {"valid", "records of conversations"},
        {"tune", "what trains"},
        {"micro", "memory, files"},
        {"image", "sizes and settings of the model"},
        {"enc_cls", "what tells families of models apart (models of the hub: read off their config.json)"},
        {"agg_layers", "views that nobody saw"}};
    int groups = (int)(sizeof heading / sizeof *heading), group = -1;
    int boost = !strcmp(r->stage->name, "boost");
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < groups; k++)
            if (!strcmp(f[i].name, heading[k][0])) group = k, f[i].heading = heading[k][1];
        f[i].hidden = (group == groups - 1 && r->stage->task < SB_TASK_GEOMETRY) ||
                      (!boost && (!strncmp(f[i].name, "rank", 4) || !strcmp(f[i].name, "matrices")));
        for (size_t k = 0; k < sizeof only / sizeof *only; k++)
            f[i].hidden |= !strcmp(f[i].name, only[k].flag) && strcmp(r->stage->name, only[k].stage);
    }
}
static void print_usage(void) {
    printf("usage: ./train STAGE [flags]\n\nstages, in order:\n");
    for (int i = 0; i < STAGES; i++) {
        const Stage *s = stages + i;
        printf("  %-9s %s\n            %d steps, lr %g, questions \"%s\", from %s\n", s->name, s->help,
               s->steps, s->lr, s->mix, s->from ? s->from : "nothing");
    }
    printf("\n./train STAGE --help   the flags and their defaults\n./train plan [PRESET]  how long it will "
           "take here\n");
}
static Options default_options(void) {
    Options o;
#define X(kind, type, name, start, hint, low, high, help) o.name = start;
    TRAIN_OPTIONS(X)
#undef X
    return o;
}
static int preset_of(const char *name) {
    static const char *const names[] = {"toy", "mini", "small"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(name, names[i])) return i;
    sb_die("--preset %s: expected toy, mini or small", name);
}

// What --regress asks for: 1 depth, 2 labels of patches, 3 both; 0: none of them.
static int regressed(const Run *r) {
    static const char *const name[3] = {"depth", "labels", "both"};
    for (int i = 0; i < 3; i++)
        if (r->o.regress && !strcmp(r->o.regress, name[i])) return i + 1;
    return 0;
}
static int batch_size(const Run *r) {
    int n = (int)((r->hubbed ? 1 : r->stage->batch) * r->config.batch);
    return n > 1 ? n : 1;
}
// A flag that this stage would not look at is a misunderstanding.
static void refuse_idle(const Run *r, const SbFlag *flag, int flags) {
    static const char *const lora[] = {"rank", "rank_alpha", "matrices"};
    for (int i = 0; i < flags; i++) {
        for (size_t k = 0; k < sizeof only / sizeof *only; k++)
            if (flag[i].given && !strcmp(flag[i].name, only[k].flag) && strcmp(r->stage->name, only[k].stage))
                sb_die("--%s means something to stage %s only", only[k].flag, only[k].stage);
        for (int k = 0; k < 3; k++)
            if (flag[i].given && !strcmp(flag[i].name, lora[k]) && strcmp(r->o.tune, "lora"))
                sb_die("--%s means something with --tune lora only", lora[k]);
        if (flag[i].given && r->base && !strcmp(flag[i].name, "preset"))
            sb_die("--preset %s: the sizes are those of %s; presets are for the first stage", r->o.preset,
                   r->base);
    }
}
// Models of the hub: as flags say, else as the checkpoint to start from was made. image: the side of pictures
// that was asked for.
static void open_hub(Run *r, const SbCheckpoint *base, SbConfig *c, int image) {
    Options *o = &r->o;
    SbConfig was = *c;
    SbPretrainedFlags f = {o->encoder, o->llm, o->chat, o->system, o->select, base ? was.image : image,
                           o->pad};
    if (base) sb_pretrained_notes(&f, base);
    o->encoder = f.encoder, o->llm = f.llm, o->chat = f.layout, o->system = f.system;
    o->select = f.select, o->pad = f.squared;
    if (!o->encoder && !o->llm) return;
    if (!o->encoder || !o->llm) sb_die("--encoder and --llm: a stage of hub models needs both");
    if (!r->stage->hub_batch)
        sb_die("stage %s has no use for models of the hub; align, instruct and boost have", r->stage->name);
    r->hubbed = 1;
    sb_pretrained_open(&r->hub, &f, c);
    r->hub.most = o->max_length;
#define X(type, name, toy, mini, small, help)                                                          \
    if (base && was.name != c->name)                                                                   \
        sb_die("%s: " #name " is %g, but %g in %s: other models than it was trained with", base->path, \
               (double)was.name, (double)c->name, o->encoder);
    if (base) {
        SB_CONFIG_FAMILY(X)
    }
    if (base && (was.enc_width != c->enc_width || was.enc_layers != c->enc_layers || was.vocab != c->vocab ||
                 was.llm_width != c->llm_width || was.llm_layers != c->llm_layers))
        sb_die("%s: its sizes are not those of %s and %s", base->path, o->encoder, o->llm);
#undef X
}
// A flag that does not decide the result.
static int idle(const SbFlag *f) {
    static const char *const name[] = {"preset", "out",        "to",   "from",     "again",
                                       "memory", "save_every", "dump", "recompute"};
    int is = 0;
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) is |= !strcmp(f->name, name[i]);
    return is;
}
// This run as a line of r->made: what was given, then what that came to.
static void note_command(Run *r, const SbFlag *flag, int flags) {
    SbText t = {NULL, 0, 0};
    sb_text_add(&t, "%s./train %s", r->made ? r->made : "", r->stage->name);
    for (int i = 0; i < flags; i++) {
        if (!flag[i].given || idle(flag + i)) continue;
        char *value = sb_flag_text(flag + i);
        sb_text_add(&t, flag[i].kind == SB_FLAG_SWITCH ? " --%s" : " --%s %s", flag[i].name, value);
        free(value);
    }
    sb_text_add(&t, "    # lr %g, batch %d, seed %d\n", r->o.lr, r->batch_size, r->config.seed);
    r->made = t.data;
}
// The configuration of the checkpoint to start from or of the models of the hub, else of the preset (old);
// then what flags say (given).
static void settle_config(Run *r, const SbFlag *flag, int flags, SbConfig given, SbConfig old) {
    int first = r->o.encoder && !strcmp(r->stage->name, "align"); // with hub models
    r->base = r->o.from                  ? sb_copy(r->o.from)
              : r->stage->from && !first ? sb_format("%s/%s.safetensors", r->o.out, r->stage->from)
                                         : NULL;
    if (r->base) {
        SbCheckpoint file;
        int dual;
        if (!sb_exists(r->base))
            sb_die("%s: missing; run ./train %s first, or name a file with --from", r->base,
                   r->stage->from ? r->stage->from : "another stage");
        sb_checkpoint_open(&file, r->base);
        old = sb_model_config(&file, &dual);
        int image = old.image;
        open_hub(r, &file, &old, image);
        if (sb_checkpoint_text(&file, "hub.made")) r->made = sb_copy(sb_checkpoint_text(&file, "hub.made"));
        sb_checkpoint_close(&file);
    } else {
        int image = 0;
        for (int i = 0; i < flags; i++)
            if (flag[i].given && !strcmp(flag[i].name, "image")) image = given.image;
        open_hub(r, NULL, &old, image);
    }
    if (r->hubbed) old.batch = r->stage->hub_batch, old.beta2 = .999, given.image = old.image;
    r->config = old;
    for (int i = 0; i < flags; i++) { // the configuration's flags again, on top of what it now is
        char *at = (char *)flag[i].value;
        if (!flag[i].given || at < (char *)&r->config || at >= (char *)(&r->config + 1)) continue;
        size_t offset = (size_t)(at - (char *)&r->config),
               size = flag[i].kind == SB_FLAG_INT ? sizeof(int) : 8;
        int sizes = offset < offsetof(SbConfig, gate) ||
                    (offset >= offsetof(SbConfig, enc_cls) && offset < offsetof(SbConfig, share_o)) ||
                    (offset >= offsetof(SbConfig, llm_dim) && offset <= offsetof(SbConfig, rope_original));
        if (r->base && sizes && memcmp(at, (char *)&given + offset, size))
            sb_die("--%s: the model in %s has another; sizes are chosen in the first stage", flag[i].name,
                   r->base);
        memcpy(at, (char *)&given + offset, size);
    }
}
// Files, and what no flag said: the stage's own.
static void settle_options(Run *r) {
    const char *name = r->o.to ? r->o.to : r->stage->name;
    r->result = sb_format("%s/%s.safetensors", r->o.out, name);
    r->partial = sb_format("%s/%s.partial.safetensors", r->o.out, name);
    r->log = sb_format("%s/%s.csv", r->o.out, name);
    int toy = r->config.enc_width <= 32;
    if (!r->o.steps && !r->hubbed) r->o.steps = toy ? r->stage->toy_steps : r->stage->steps;
    if (r->o.lr == 0) r->o.lr = r->hubbed ? r->stage->hub_lr : r->stage->lr;
    if (r->o.decay < 0) r->o.decay = r->stage->decay;
    int dialogue = r->stage->task == SB_TASK_DIALOGUE, scenes = r->stage->task >= SB_TASK_GEOMETRY;
    if (!r->o.views) r->o.views = scenes ? 4 : 1;
    if (r->o.views > 1 && !dialogue && !scenes)
        sb_die("--views %d: stage %s looks at one picture at a time", r->o.views, r->stage->name);
    if (r->o.regress && !regressed(r)) sb_die("--regress %s: expected depth, labels or both", r->o.regress);
    if (r->o.regress && r->o.views > 1)
        sb_die("--regress looks at one picture at a time, not at --views %d", r->o.views);
    if (!r->o.mix) r->o.mix = dialogue && r->o.views > 1 ? "multi" : r->stage->mix;
    r->batch_size = batch_size(r);
    r->part_size = r->o.micro && r->o.micro < r->batch_size ? r->o.micro : r->batch_size;
    if (r->part_size < r->batch_size && r->stage->task != SB_TASK_MAP && !dialogue)
        sb_die("--micro %d: only dialogues can be computed in parts", r->o.micro);
    if (r->part_size < r->batch_size && r->o.regress) sb_die("--micro: not with --regress");
}
// The command line. Sizes of a model that exists cannot be changed.
static void parse(Run *r, int argc, char **argv) {
    SbFlag flag[FLAGS_MAX];
    for (int i = 0; argc > 1 && i < STAGES; i++)
        if (!strcmp(argv[1], stages[i].name)) r->stage = stages + i;
    if (!r->stage) {
        print_usage();
        if (argc > 1 && strcmp(argv[1], "--help") && strcmp(argv[1], "-h"))
            sb_die("no stage is called %s", argv[1]);
        exit(argc > 1 ? 0 : 1);
    }
    char *usage = sb_format("usage: ./train %s [flags]\n%s", r->stage->name, r->stage->help);
    r->o = default_options();
    r->config = sb_config_preset(SB_MINI);
    int flags = make_flags(flag, &r->o, &r->config);
    arrange_flags(r, flag, flags);
    sb_flags_parse(flag, flags, argc, argv, 2, usage, NULL, 0);
    free(usage);
    SbConfig given = r->config, old = sb_config_preset(preset_of(r->o.preset));
    settle_config(r, flag, flags, given, old);
    refuse_idle(r, flag, flags);
    const char *wrong = sb_config_error(&r->config);
    if (wrong) sb_die("%s", wrong);
    settle_options(r);
    note_command(r, flag, flags);
}

// ---- the run

static int groups_of(const Run *r) {
    int groups = r->stage->groups | (r->o.tune_llm ? SB_LLM : 0);
    if (strcmp(r->stage->name, "boost")) return groups;
    if (!strcmp(r->o.tune, "full")) groups = SB_BASE | SB_PROJ;
    else if (!strcmp(r->o.tune, "last")) groups = SB_LAST | SB_PROJ;
    else if (!strcmp(r->o.tune, "lora")) groups = SB_LAST | SB_LORA | SB_PROJ;
    else if (strcmp(r->o.tune, "plus")) sb_die("--tune %s: expected plus, full, last or lora", r->o.tune);
    int last = r->config.last_layers, layers = r->config.enc_layers;
    if (!strcmp(r->o.tune, "last") && (last < 1 || last > layers))
        sb_die("--tune last: give --last_layers, 1 to %d", layers);
    if (r->o.regress)
        groups = (groups & ~SB_PROJ) | (regressed(r) & 1 ? SB_REG : 0) | (regressed(r) & 2 ? SB_HEADS : 0);
    if (r->o.freeze_projector) groups &= ~SB_PROJ;
    return groups;
}
static void open_source(const Run *r, SbSource *s, int pool, uint64_t seed) {
    int task = r->o.regress && !strcmp(r->stage->name, "boost") ? SB_TASK_DEPTH : r->stage->task;
    sb_source_init(s, &r->config, task, pool, r->o.mix, r->o.views, seed);
    if (r->hubbed) s->pretrained = (SbPretrained *)&r->hub;
    s->data.frames = r->o.frames, s->data.skip_bad = r->o.skip_bad;
    s->mix.order = sb_find_name(sb_order_name, 3, r->o.order, strlen(r->o.order));
    if (s->mix.order < 0) sb_die("--order %s: expected forward, reverse or random", r->o.order);
    s->rooms = r->o.rooms;
    if (r->o.levels) sb_mix_levels(&s->mix, r->o.levels);
    int asks = task == SB_TASK_MAP || task == SB_TASK_DIALOGUE || task == SB_TASK_LATENTS;
    if (!asks && (r->o.noise || r->o.levels))
        sb_die("--noise and --levels: stage %s%s asks no questions", r->stage->name,
               r->o.regress ? " with --regress" : "");
    if (r->o.single > 0 && task != SB_TASK_DIALOGUE) sb_die("--single: for dialogues about several views");
    if (r->o.single > 0 && r->o.views < 2) sb_die("--single: the other samples need --views of 2 or more");
    if (r->o.single > 0) sb_source_single(s, r->o.single, r->stage->mix);
    if (r->o.noise && pool != SB_POOL_VALID) s->noisy = 1, s->noise = sb_noise_parse(r->o.noise);
    if (pool == SB_POOL_VALID && r->o.valid) sb_records_open(&s->data, s->pretrained, r->o.valid);
    if (pool == SB_POOL_VALID) return; // the validation loss is always that of new simulated rooms
    if (r->o.blind_balance && (task != SB_TASK_DIALOGUE || r->o.scenes || r->o.data || r->o.views > 1))
        sb_die("--blind_balance: for dialogues about one view of simulated rooms; of scenes, let "
               "./data/converse --blind-balance write a file for --data");
    if (r->o.blind_balance) sb_source_balance(s);
    if ((r->o.scenes || r->o.data) && task < SB_TASK_DIALOGUE)
        sb_die("stage %s reads no dialogues: --scenes and --data mean nothing to it", r->stage->name);
    if (r->o.scenes) sb_source_scenes(s, r->o.scenes), sb_source_ready(s);
    if (r->o.data && task != SB_TASK_DIALOGUE)
        sb_die("this stage takes views from --scenes, not from --data");
    if (r->o.data) sb_records_open(&s->data, s->pretrained, r->o.data);
    s->share = r->o.share;
}
// Everything that decides the result, as text: a half-done run is only continued by the same.
static char *describe(Run *r) {
    SbFlag flag[FLAGS_MAX];
    SbText text = {NULL, 0, 0};
    int flags = make_flags(flag, &r->o, &r->config);
    sb_text_add(&text, "%s", r->stage->name);
    for (int i = 0; i < flags; i++) {
        char *value = sb_flag_text(flag + i);
        if (!idle(flag + i) && strcmp(value, "-")) sb_text_add(&text, " %s=%s", flag[i].name, value);
        free(value);
    }
    return text.data;
}
// Sizes and names, without memory.
static void plan_model(Run *r, int parts) {
    sb_model_plan(&r->model, &r->config, parts);
    r->model.recompute = r->o.recompute;
    if (!strcmp(r->o.tune, "lora"))
        sb_lora_plan(&r->lora, &r->model, sb_lora_targets(r->o.matrices), r->o.rank, r->o.rank_alpha);
}
// A model whose encoder and LLM are folders of the hub. What is frozen is read where it lies: in the stage
// before's file, else in the folders; what trains is copied.
static void open_hub_model(Run *r, const char *path, int parts, int was, int groups) {
    SbModel *m = &r->model;
    int dual = sb_family_channels(&r->hub.encoder) == SB_EXPORT_DUAL ? SB_DUAL : 0; // the folder has Attn+
    was |= dual;
    plan_model(r, parts | was);
    if (path) sb_model_adopt_file(m, &r->file, groups);
    sb_pretrained_bind(&r->hub, m, groups);
    if (r->o.memory) {
        sb_model_train(m, groups);
        return;
    }
    sb_model_memory(m);
    sb_model_random(m, ~(SB_PLUS | SB_ALPHA), (uint64_t)r->config.seed, 1);
    sb_pretrained_fill(&r->hub, m, groups);
    int begins = (path == r->base ? (parts & ~was) | SB_NEW_LORA : 0) | dual;
    if (path) sb_model_weights(m, &r->file, SB_FROM_HUB | begins);
    if (path == r->base && !(was & SB_DUAL))
        sb_model_random(m, SB_PLUS | SB_ALPHA, (uint64_t)r->config.seed, !r->o.random_plus);
    sb_model_train(m, groups);
}
// The batch of some step of this run, in parts.
static void read_batch(Run *r, long step) {
    if (!r->batch) {
        r->parts = (r->batch_size + r->part_size - 1) / r->part_size;
        r->batch = (SbBatch *)sb_calloc((size_t)r->parts, sizeof *r->batch);
    }
    for (int k = 0, at = 0; k < r->parts; k++, at += r->part_size)
        sb_source_batch(&r->train, r->slot + at, r->batch + k, sb_min(r->part_size, r->batch_size - at),
                        (uint64_t)(step * r->batch_size + at));
}
// Make the model: from the half-done run, from the stage before, or from nothing.
static void open_model(Run *r) {
    int parts = strcmp(r->o.tune, "plus") ? r->stage->parts & ~SB_DUAL : r->stage->parts, was = 0;
    int groups = groups_of(r);
    SbCheckpoint *f = &r->file;
    const char *path = sb_exists(r->partial) && !r->o.again ? r->partial : r->base;
    if (path) sb_checkpoint_open(f, path), sb_model_config(f, &was);
    if (r->hubbed) {
        open_hub_model(r, path, parts, was, groups);
    } else if (r->o.memory) { // without any, so that it can be asked on another machine
        plan_model(r, parts | was);
        sb_model_train(&r->model, groups);
    } else {
        plan_model(r, parts | was);
        sb_model_memory(&r->model);
        sb_model_random(&r->model, ~(SB_PLUS | SB_ALPHA), (uint64_t)r->config.seed, 1);
        if (path) sb_model_weights(&r->model, f, path == r->base ? (parts & ~was) | SB_NEW_LORA : 0);
        if (path == r->base && !(was & SB_DUAL))
            sb_model_random(&r->model, SB_PLUS | SB_ALPHA, (uint64_t)r->config.seed, !r->o.random_plus);
        sb_model_train(&r->model, groups);
    }
    if (r->lora.matrices && !r->o.memory) sb_lora_begin(&r->lora, &r->model, path == r->base);
    if (path && path == r->base && r->stage->task == SB_TASK_FIELD && !(was & SB_SPA3R) && !r->o.memory)
        read_batch(r, 0), sb_field_start(&r->model, r->batch);
    if (path && path == r->partial && !r->o.memory) {
        const char *made = sb_checkpoint_text(f, "run");
        char *run = describe(r);
        if (!made || strcmp(made, run))
            sb_die(
                "%s: a half-done run with other settings (%s; now %s); finish it, or begin anew with --again",
                path, made ? made : "?", run);
        free(run);
        sb_model_moments(&r->model, f);
        r->step = (long)sb_model_number(f, "step");
        r->answers = sb_model_number(f, "answers");
        r->seconds = sb_model_number(f, "seconds");
        r->log_size = (long)sb_model_number(f, "log");
    }
    if (path && !r->hubbed) sb_checkpoint_close(f);
}

static void save(Run *r, int finished) {
    SbNotes *notes = (SbNotes *)sb_calloc(1, sizeof *notes);
    char *run = describe(r);
    fflush(r->csv);
    sb_note(notes, "stage", "%s", r->stage->name);
    sb_note(notes, "run", "%s", run);
    sb_note(notes, "step", "%ld", r->step);
    sb_note(notes, "answers", "%.17g", r->answers);
    if (r->hubbed) {
        sb_note(notes, "hub.made", "%s", r->made);
#define X(flag) \
    if (r->o.flag) sb_note(notes, "hub." #flag, "%s", r->o.flag);
        X(encoder)
        X(llm) X(chat) X(system)
#undef X
            sb_note(notes, "hub.select", "%d", r->o.select),
            sb_note(notes, "hub.pad", "%d", r->o.pad);
    }
    if (!finished)
        sb_note(notes, "seconds", "%.17g", r->seconds), sb_note(notes, "log", "%ld", ftell(r->csv));
    sb_model_save(&r->model, finished ? r->result : r->partial, !finished, notes);
    free(run), sb_notes_free(notes), free(notes);
}
// The log: step, loss, learning rate, gradient norm, answer tokens so far, validation loss (every tenth of
// the run). A resumed run cuts it back to where its checkpoint stood.
static void open_log(Run *r) {
    r->csv = fopen(r->log, r->step ? "r+" : "w");
    if (!r->csv) sb_die("%s: cannot be written (%s)", r->log, strerror(errno));
    if (r->step) {
        if (fseek(r->csv, 0, SEEK_END) || ftell(r->csv) < r->log_size)
            sb_die("%s: shorter than its checkpoint says; begin anew with --again", r->log);
        if (ftruncate(fileno(r->csv), (off_t)r->log_size) || fseek(r->csv, r->log_size, SEEK_SET))
            sb_die("%s: cannot be cut back (%s)", r->log, strerror(errno));
    } else {
        fprintf(r->csv, "step,loss,lr,grad_norm,answer_tokens,valid_loss\n");
    }
}
static void one_step(Run *r, const SbSource *s, const SbBatch *b, int backward) {
    if (s->task == SB_TASK_RECOGNISE) sb_step_recognise(&r->model, b, backward, r->o.patch_labels);
    else if (s->task == SB_TASK_DEPTH) sb_step_regress(&r->model, b, backward, regressed(r));
    else if (s->task == SB_TASK_GEOMETRY) sb_step_aggregator(&r->model, b, backward);
    else if (s->task == SB_TASK_FIELD) sb_step_field(&r->model, b, backward);
    else sb_step_lm(&r->model, b, backward);
}
static double answers_of(const Run *r) {
    double n = 0;
    for (int k = 0; k < r->parts; k++) n += (double)r->batch[k].n.loss;
    return n;
}
// Forward and backward of the batch at hand; returns the loss of all its parts but the last, which a GPU may
// still be computing.
static double all_parts(Run *r) {
    double loss = 0;
    r->model.answers = r->parts > 1 ? answers_of(r) : 0;
    for (int k = 0; k < r->parts; k++) {
        one_step(r, &r->train, r->batch + k, k ? 2 : 1);
        if (k + 1 < r->parts) loss += sb_loss(&r->model);
    }
    return loss;
}
// Mean loss on four fixed batches of rooms that are used for nothing else.
static double validate(Run *r) {
    double sum = 0;
    r->model.answers = 0;
    if (r->hubbed && !r->valid.data.records) return NAN;
    for (int i = 0; i < 4; i++) {
        sb_source_batch(&r->valid, r->slot, &r->checked, r->part_size, (uint64_t)(i * r->part_size));
        one_step(r, &r->valid, &r->checked, 0);
        sum += sb_loss(&r->model);
    }
    return sum / 4;
}
// The step at hand with all layers' scratch kept, so that every tensor can be looked at.
static double step_kept(Run *r) {
    r->model.acts.keep = 1;
    r->model.acts.room.enc = r->model.acts.room.llm = -1;
    return all_parts(r) + sb_loss(&r->model);
}
// Stop: say where the first number that is none arose. Earlier checkpoints stay, and the weights: sb_update
// has not touched them.
static void stop_nan(Run *r, double loss) {
    read_batch(r, r->step);
    step_kept(r);
    const char *name = sb_first_nonfinite(&r->model);
    sb_die("step %ld: the loss is %g; first tensor that is not finite: %s. %s is kept; try a smaller --lr "
           "(now %g)",
           r->step + 1, loss, name ? name : "none on a second look",
           sb_exists(r->partial) ? r->partial
           : r->base             ? r->base
                                 : "No checkpoint",
           r->o.lr);
}
static void show(const Run *r, double loss, double per_step, int terminal) {
    long steps = r->o.steps;
    int left = (int)((double)(steps - r->step) * per_step), width = 30, full = (int)(width * r->step / steps);
    char valid[32] = "";
    if (r->checked_loss > 0) snprintf(valid, sizeof valid, "  valid %.4f", r->checked_loss);
    if (terminal) {
        fprintf(stderr, "\r%-9s [", r->stage->name);
        for (int i = 0; i < width; i++) fputc(i < full ? '#' : '.', stderr);
        fprintf(stderr, "] %5ld/%ld  loss %.4f%s  %6.1f samples/s  %d:%02d left ", r->step, steps, loss,
                valid, r->batch_size / per_step, left / 60, left % 60);
        if (r->step == steps) fputc('\n', stderr);
    } else if (r->step % (steps / 10 > 0 ? steps / 10 : 1) == 0 || r->step == steps) {
        fprintf(stderr, "%-9s step %5ld/%ld  loss %.4f%s  %.1f samples/s  %d:%02d left\n", r->stage->name,
                r->step, steps, loss, valid, r->batch_size / per_step, left / 60, left % 60);
    }
}
// Are frozen weights of the hub copied, as a GPU has to, or read where they lie on disk?
#ifdef SB_GPU
enum { COPIED = 1 };
#else
enum { COPIED = 0 };
#endif
// What is about to happen: configuration, memory, disk, what trains and what does not.
static void announce(Run *r) {
    SbModel *m = &r->model;
    const struct {
        int bit;
        const char *name;
    } group[] = {{SB_BASE, "base encoder"},
                 {SB_PLUS, "Attn+"},
                 {SB_ALPHA, "a"},
                 {SB_PROJ, "projector"},
                 {SB_LLM, "LLM"},
                 {SB_HEADS, "recognition heads"},
                 {SB_REG, "depth head"},
                 {SB_AGG, "aggregator"},
                 {SB_FIELD, "Spa3R"},
                 {SB_ADAPT, "adapter"},
                 {SB_LAST | SB_BASE, r->lora.matrices ? "W = W0 + s B A" : "base, last part"},
                 {SB_LORA, "LoRA's A and B"},
                 {0, "LoRA's W0"}};
    char *run = describe(r);
    double million = 0, trained = 0, base = 0, plus = 0;
    printf("%s\n  from       %s\n  to         %s, log %s\n", run, r->base ? r->base : "nothing", r->result,
           r->log);
    for (size_t g = 0; g < sizeof group / sizeof *group; g++) {
        long count = 0;
        for (int i = 0; i < m->params; i++) {
            if (m->param[i]->group != group[g].bit) continue;
            count += sb_param_count(m->param[i]);
            if (m->param[i]->adopted != 1) million += 1e-6 * (double)sb_param_count(m->param[i]);
        }
        if (!count) continue;
        if (m->trained & group[g].bit) trained += count * 1e-6;
        printf("  %-10s %-18s %9ld parameters\n", m->trained & group[g].bit ? "trains" : "frozen",
               group[g].name, count);
        if (group[g].bit == SB_BASE || group[g].bit == (SB_LAST | SB_BASE)) base += (double)count;
        if (group[g].bit & (SB_PLUS | SB_ALPHA | SB_LORA)) plus += (double)count;
    }
    if (plus > 0) printf("  added      %.1f %% of the base encoder's parameters\n", 100 * plus / base);
    read_batch(r, 0);
    int planned = m->acts.planned;
    m->acts.planned = 1, m->acts.room.enc = -1;
    sb_acts_reserve(m, m->n = r->batch->n);
    double weights = 1e-6 * (double)(m->weight_bytes + (COPIED ? m->adopted_bytes : 0)),
           state = 1e-6 * (double)m->state_bytes, acts = 1e-6 * (double)m->acts.bytes;
    printf("  memory     %.0f MB: weights %.0f, gradients and moments %.0f, activations %.0f\n",
           weights + state + acts, weights, state, acts);
    if (m->adopted_bytes)
        printf("  mapped     %.0f MB of frozen weights, %s\n", 1e-6 * (double)m->adopted_bytes,
               COPIED ? "copied from there to the GPU" : "read where they lie on disk");
    fflush(stdout); // what is needed has been said: now ask for it
    m->acts.planned = planned, m->acts.room.enc = -1;
    sb_acts_reserve(m, m->n);
    if (r->train.data.records)
        printf("  records    %ld, %ld bad ones passed over%s\n", r->train.data.records, r->train.data.bad,
               r->train.data.bad ? " (named above)" : "");
    for (int f = 0; f < r->train.data.files && r->train.data.files > 1; f++)
        printf("             %ld of %s: %ld of the %ld samples of a pass\n", r->train.data.file[f].records,
               r->train.data.file[f].talk.path, r->train.data.file[f].taken, r->train.data.pass);
    if (r->train.data.records && r->train.data.pass < r->batch_size)
        printf("             fewer than a batch: each comes about %ld times in a step (--batch)\n",
               r->batch_size / r->train.data.pass);
    if (r->hubbed && !r->train.data.records && !r->train.views)
        printf("  data       simulated rooms, since there is neither --data nor --scenes\n");
    printf("  disk       %.0f MB while it runs, %.0f MB afterwards\n",
           sizeof(real) * (2 * million + 2 * trained), sizeof(real) * million);
    printf("  a batch    %d samples%s: %ld image rows, %ld LLM rows, %ld answer tokens\n", r->batch_size,
           r->parts > 1 ? ", in parts; the first" : "", m->n.enc, m->n.llm, m->n.loss);
    long unknown = 0;
    const char *words = "";
    for (int i = 0; i < r->batch_size; i++)
        if (r->slot[i].sequence.words.unknown)
            unknown += r->slot[i].sequence.words.unknown, words = r->slot[i].sequence.words.unknown_words;
    if (unknown)
        printf("  unknown    %ld words of this batch are not in the vocabulary: %s ...\n", unknown, words);
    if (r->train.task == SB_TASK_DIALOGUE && !m->n.loss)
        sb_die("the first batch has no answer to learn from");
    if (r->step) printf("  resumes    at step %ld\n", r->step);
    fflush(stdout);
    free(run);
}

// The training loop: forward, loss, backward, update; the next batch, while a GPU is still at work; log.
static void train(Run *r) {
    double started = now() - r->seconds, saved = now(), shown = 0, smooth = 0, begun = now();
    long first = r->step, tenth = r->o.steps / 10 > 0 ? r->o.steps / 10 : 1;
    int terminal = isatty(2);
    read_batch(r, r->step);
    while (r->step < r->o.steps && !interrupted) {
        double lr = sb_schedule(r->o.lr, r->config.warmup, r->step, r->o.steps), loss = all_parts(r);
        sb_lora_update(&r->lora, &r->model, lr, r->o.decay, r->step + 1);
        r->answers += answers_of(r);
        if (r->step + 1 < r->o.steps) read_batch(r, r->step + 1);
        loss += sb_loss(&r->model);
        double norm = sb_norm(&r->model);
        if (!isfinite(loss) || !isfinite(norm)) stop_nan(r, isfinite(loss) ? norm : loss);
        r->step++;
        fprintf(r->csv, "%ld,%.6f,%.6g,%.5f,%.0f,", r->step, loss, lr, norm, r->answers);
        double valid = r->step % tenth == 0 || r->step == r->o.steps ? validate(r) : NAN;
        if (isfinite(valid)) fprintf(r->csv, "%.6f", r->checked_loss = valid);
        fprintf(r->csv, "\n");
        fflush(r->csv);
        smooth = r->step == first + 1 ? loss : 0.95 * smooth + 0.05 * loss;
        r->seconds = now() - started;
        if (!terminal || now() - shown > 0.2 || r->step == r->o.steps)
            show(r, smooth, (now() - begun) / (double)(r->step - first), terminal), shown = now();
        if (now() - saved > r->o.save_every && r->step < r->o.steps) save(r, 0), saved = now();
    }
}
// Seconds of every finished stage, for the page: out/times.csv.
static void note_time(const Run *r) {
    char *path = sb_format("%s/times.csv", r->o.out);
    FILE *f = fopen(path, "a");
    const char *name = r->o.to ? r->o.to : r->stage->name;
    if (!f || fprintf(f, "%s,%.1f,%ld,%.0f\n", name, r->seconds, r->step, r->answers) < 0 || fclose(f))
        sb_die("%s: cannot be written (%s)", path, strerror(errno));
    free(path);
}

// A run of that stage from a preset, with a model that has learnt nothing: to time or to check a step.
static Run *bare_run(int stage, const char *preset) {
    Run *r = (Run *)sb_calloc(1, sizeof *r);
    r->stage = stages + stage;
    r->o = default_options();
    r->o.mix = r->stage->mix;
    r->config = sb_config_preset(preset_of(preset));
    r->o.views = r->stage->task >= SB_TASK_GEOMETRY ? 4 : 1;
    r->batch_size = r->part_size = batch_size(r);
    r->slot = (SbSample *)sb_calloc((size_t)r->batch_size, sizeof *r->slot);
    open_source(r, &r->train, SB_POOL_TRAIN, 1);
    sb_model_init(&r->model, &r->config, r->stage->parts);
    sb_model_random(&r->model, ~0, 1, 1);
    sb_model_train(&r->model, r->stage->groups);
    return r;
}
static void free_run(Run *r) {
    sb_model_free(&r->model);
    for (int k = 0; k < r->parts; k++) sb_batch_free(r->batch + k);
    free(r->batch), free(r->slot), free(r);
}
// ./train plan: two steps of every stage, timed, and what the whole job will take on this machine.
static void plan(const char *preset) {
    double total = 0;
    printf("stage      steps   s/step   minutes\n");
    for (int i = 0; i < STAGES && stages[i].task < SB_TASK_GEOMETRY; i++) {
        Run *r = bare_run(i, preset);
        double best = 1e9;
        for (int k = 0; k < 4; k++) { // the first one allocates
            double began = now();
            read_batch(r, k);
            all_parts(r);
            sb_update(&r->model, 1e-3, 0, k + 1);
            sb_norm(&r->model);
            if (k && now() - began < best) best = now() - began;
        }
        int twice = r->stage->parts == SB_DUAL;
        double minutes = best * r->stage->steps / 60 * (twice ? 2 : 1);
        total += minutes;
        printf("%-9s %6d %8.3f %9.1f%s\n", r->stage->name, r->stage->steps, best, minutes,
               twice ? "   (twice: the control too)" : "");
        free_run(r);
    }
    printf("together %26.1f, probes and the page about 2 more\n", total);
}

SB_FN int train_main(int argc, char **argv) {
    static Run r;
    if (argc >= 2 && !strcmp(argv[1], "plan")) return plan(argc > 2 ? argv[2] : "mini"), 0;
    parse(&r, argc, argv);
    if (r.o.dump && r.o.recompute) sb_die("--dump: not with --recompute, which writes some tensors twice");
    if (sb_exists(r.result) && !r.o.again && !r.o.dump && !r.o.memory) {
        printf("%s is there already; --again makes it anew\n", r.result);
        return 0;
    }
    sb_make_folder(r.o.out);
    open_source(&r, &r.train, r.stage->pool, (uint64_t)r.config.seed * 1000 + (uint64_t)(r.stage - stages));
    open_source(&r, &r.valid, SB_POOL_VALID, 7);
    if (!r.o.steps) // hub models: passes over the records
        r.o.steps =
            r.train.data.records ? (int)ceil(r.o.epochs * (double)r.train.data.pass / r.batch_size)
                                 : r.stage->steps;
    r.slot = (SbSample *)sb_calloc((size_t)r.batch_size, sizeof *r.slot);
    open_model(&r);
    announce(&r);
    if (r.o.memory) return 0;
    if (r.o.dump) {
        read_batch(&r, r.step);
        printf("loss %.6f; every tensor of the step: %s\n", step_kept(&r), r.o.dump);
        return sb_dump(&r.model, r.o.dump, describe(&r)), 0;
    }
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    open_log(&r);
    train(&r);
    if (r.step < r.o.steps) {
        save(&r, 0);
        fprintf(stderr, "\nstopped at step %ld; the same command goes on from %s\n", r.step, r.partial);
        return 130;
    }
    save(&r, 1);
    if (fclose(r.csv)) sb_die("%s: cannot be written (%s)", r.log, strerror(errno));
    sb_remove(r.partial);
    note_time(&r);
    printf("%s: %ld steps in %.1f s\n", r.result, r.step, r.seconds);
    return 0;
}
#ifndef SB_NO_MAIN
int main(int argc, char **argv) { return train_main(argc, argv); }
#endif
