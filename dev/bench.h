// bench.h: what bench.c and bench_gpu.cu share: the table of rows, steps on request, their peers.
//
// A step is timed in a program of its own, so that memory is its alone: ours (serve), bench_torch.py or
// bench_peers.py. All are started as
//     PROGRAM [SCRIPT] KIND BATCH TEXT LOSS_ROWS THREADS [NAME=VALUE of SbConfig]... [OPTION]...
// say "ready" after their warm-up, and answer every line "step N" with "MILLISECONDS MEGABYTES": N steps were
// taken and then waited for; the milliseconds are those of one. So sides can step in turn. Everything else
// goes to stderr. Refuses: to know what is measured, or on what. Include it behind the model.
#include "../data/batch.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BENCH_ROWS = 256, BENCH_TURNS = 64, BENCH_ARGUMENTS = 128 };
static double megabytes(void);          // the program's; called once before anything is allocated, too

static void die(const char *what, const char *name) {
    fprintf(stderr, "error: %s: %s%s%s\n", name, what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}
static double wall_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}
static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
static double median(double *x, int n) {
    qsort(x, (size_t)n, sizeof *x, ascending);
    return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

// ---- the result: one table, printed as it grows
typedef struct { char name[120]; double ours, peer, ratio; } Row;     // peer 0: none
static Row table[BENCH_ROWS];
static int rows;

static void add_row(const char *name, double ours, double peer, double ratio) {
    if (rows == BENCH_ROWS) die("too many rows", name);
    Row *r = table + rows++;
    snprintf(r->name, sizeof r->name, "%s", name);
    r->ours = ours, r->peer = peer, r->ratio = ratio;
    printf(peer > 0 ? "%-72s %10.3f %10.3f %7.2f\n" : "%-72s %10.3f\n", name, ours, peer, ratio);
    fflush(stdout);
}
static void write_table(const char *path) {
    char *temp = (char *)malloc(strlen(path) + 8);
    if (!temp) die("out of memory", path);
    sprintf(temp, "%s.tmp", path);
    FILE *f = fopen(temp, "w");
    if (!f) die("cannot be written", temp);
    fprintf(f, "name,ours,peer,ratio\n");
    for (int i = 0; i < rows; i++) {
        fprintf(f, "\"%s\",%.6g,", table[i].name, table[i].ours);
        if (table[i].peer > 0) fprintf(f, "%.6g,%.4f", table[i].peer, table[i].ratio);
        else fprintf(f, ",");
        fprintf(f, "\n");
    }
    if (ferror(f) | fclose(f) || rename(temp, path)) die("cannot be written", path);
    free(temp);
}

// ---- our side of a step
typedef struct { const char *kind; int batch, text, loss_rows; SbConfig config; } Step;
// parts: of the model, beside encoder and LLM; train: groups, 0: forward alone. What a batch is made of.
typedef struct { const char *name; int parts, train, images, text; } Kind;
static const Kind kinds[] = {{"encoder", 0, SB_BASE | SB_HEADS, 1, 0},
                             {"boost", SB_DUAL, SB_PLUS | SB_ALPHA | SB_PROJ, 1, 1},
                             {"llm", 0, SB_LLM, 0, 1},
                             {"features", 0, 0, 1, 0},
                             {"prefill", 0, 0, 0, 1},
                             {"decode", 0, 0, 0, 1}};
typedef struct { Step s; const Kind *kind; SbModel m; SbBatch b; int step; } Work;

// The batch of a step: images of noise, one turn of random words a sample, loss on its last rows.
static void fill_batch(Work *w) {
    const Step *s = &w->s;
    const SbConfig *c = &s->config;
    size_t bytes = 3 * (size_t)c->image * (size_t)c->image;
    unsigned char *rgb = (unsigned char *)malloc(bytes);
    int *token = (int *)malloc(2 * (size_t)(s->text + 1) * sizeof *token), *target = token + s->text;
    uint64_t at = 0;
    if (!rgb || !token) die("out of memory", s->kind);
    for (int i = 0; i < s->batch; i++) {
        int image = -1;
        if (w->kind->images) {
            for (size_t k = 0; k < bytes; k++) rgb[k] = (unsigned char)sb_mix64(++at);
            image = sb_batch_image(&w->b, c, rgb, c->image, c->image);
            w->b.main_class[image] = i % c->classes;
        }
        if (!w->kind->text) continue;
        sb_batch_sample(&w->b);
        if (image >= 0) sb_batch_prefix_image(&w->b, c, image);
        for (int k = 0; k < s->text; k++) {
            token[k] = (int)(sb_mix64(++at) % (uint64_t)c->vocab);
            target[k] = k < s->text - s->loss_rows ? -1 : (int)(sb_mix64(++at) % (uint64_t)c->vocab);
        }
        sb_batch_turn(&w->b, c, token, target, NULL, s->text);
    }
    free(rgb), free(token);
}
// Fields of c, changed by NAME=VALUE; returns how many words were such: options, --NAME, end them.
static int read_sizes(SbConfig *c, int argc, char **argv) {
    for (int i = 0; i < argc; i++) {
        size_t n = strcspn(argv[i], "=");
        int found = 0;
        if (!strncmp(argv[i], "--", 2)) return i;
#define X(type, name, toy, mini, small, help) \
        if (argv[i][n] && strlen(#name) == n && !strncmp(argv[i], #name, n)) \
            c->name = (type)atof(argv[i] + n + 1), found = 1;
        SB_CONFIG(X)
#undef X
        if (!found) die("expected NAME=VALUE, a field of SbConfig", argv[i]);
    }
    return argc;
}
// The step that the command line asks for; returns how many of its words say so.
static int read_step(Step *s, int argc, char **argv) {
    if (argc < 7) die("expected KIND BATCH TEXT LOSS_ROWS THREADS [NAME=VALUE]... [OPTION]...", "serve");
    Step said = {argv[2], atoi(argv[3]), atoi(argv[4]), atoi(argv[5]), sb_config_preset(SB_SMALL)};
    *s = said;
    return 7 + read_sizes(&s->config, argc - 7, argv + 7);
}
// The model and the batch, their numbers random; adopt (NULL: nothing) finds frozen weights a place.
static void work_begin(Work *w, const Step *s, void (*adopt)(SbModel *m, int trained)) {
    memset(w, 0, sizeof *w);
    w->s = *s;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(s->kind, kinds[i].name)) w->kind = kinds + i;
    if (!w->kind) die("expected a kind of step", s->kind);
    sb_model_plan(&w->m, &s->config, w->kind->parts);
    if (adopt) adopt(&w->m, w->kind->train);
    sb_model_memory(&w->m);
    sb_model_random(&w->m, ~0, 1, 1);
    sb_model_train(&w->m, w->kind->train);
    fill_batch(w);
}
static void work_end(Work *w) { sb_model_free(&w->m), sb_batch_free(&w->b); }

static void model_steps(void *work, int n) {
    Work *w = (Work *)work;
    for (int i = 0; i < n; i++) {
        if (!w->kind->train) sb_batch_upload(&w->m, &w->b), sb_encoder_forward(&w->m);
        else if (w->kind->text) sb_step_lm(&w->m, &w->b, 1);
        else sb_step_recognise(&w->m, &w->b, 1, 0);
        if (w->kind->train) sb_update(&w->m, 1e-4, 0.05, ++w->step);
    }
    if (!w->kind->train)
        sb_sum_squares(w->m.squares, w->m.acts.feature, SB_NATIVE, w->m.n.enc * w->s.config.enc_width);
    if (!isfinite(w->kind->train ? sb_loss(&w->m) : sb_norm(&w->m))) die("is not a number", w->s.kind);
}
// Two steps to warm up; then take N for every line "step N", until they end.
static int serve_steps(void (*take)(void *work, int n), void *work) {
    char line[32];
    for (int warm = 0, n = 2;; warm = 1) {
        double began = wall_ms();
        take(work, n);
        if (warm) printf("%.4f %.1f\n", (wall_ms() - began) / n, megabytes());
        else printf("ready\n");
        fflush(stdout);
        if (!fgets(line, sizeof line, stdin) || sscanf(line, "step %d", &n) != 1 || n < 1) return 0;
    }
}
static int serve(int argc, char **argv) {
    Step s;
    Work w;
    megabytes();
    read_step(&s, argc, argv);
    work_begin(&w, &s, NULL);
    serve_steps(model_steps, &w);
    work_end(&w);
    return 0;
}

// ---- the other end of the pipes
typedef struct {
    const char *name;
    pid_t pid;                          // 0: not there
    FILE *to, *from;
    double ms[BENCH_TURNS], megabytes;
    int turns, status;                  // status: of one that did not start
} Side;

// Start a program for this step; options: up to four words, NULL behind them. 0 if it does not say "ready".
static int start_side(Side *side, const char *name, const char *program, const char *script, const Step *s,
                      int threads, const char *const *options) {
    char text[BENCH_ARGUMENTS][48], line[64], *argv[BENCH_ARGUMENTS];
    int value[4] = {s->batch, s->text, s->loss_rows, threads}, in[2], out[2], n = 0;
    memset(side, 0, sizeof *side);
    side->name = name;
    if (!program || !*program) return 0;
    argv[n++] = (char *)(size_t)program, argv[n++] = (char *)(size_t)script;
    argv[n++] = (char *)(size_t)s->kind;
    for (int i = 0; i < 4; i++) snprintf(text[n], sizeof *text, "%d", value[i]), argv[n] = text[n], n++;
#define X(type, name, toy, mini, small, help) \
    snprintf(text[n], sizeof *text, #name "=%.9g", (double)s->config.name), argv[n] = text[n], n++;
    SB_CONFIG(X)
#undef X
    for (int i = 0; options && options[i]; i++) argv[n++] = (char *)(size_t)options[i];
    argv[n] = NULL;
    // no later side may hold on to these ends: this one ends when its stdin does
    if (pipe(in) || pipe(out) || fcntl(in[1], F_SETFD, FD_CLOEXEC) || fcntl(out[0], F_SETFD, FD_CLOEXEC))
        die("no pipe", name);
    fflush(stdout);
    if ((side->pid = fork()) < 0) die("cannot be started", name);
    if (!side->pid) {
        dup2(in[0], 0), dup2(out[1], 1);
        close(in[0]), close(in[1]), close(out[0]), close(out[1]);
        execvp(program, argv);
        _exit(127);
    }
    close(in[0]), close(out[1]);
    side->to = fdopen(in[1], "w"), side->from = fdopen(out[0], "r");
    if (!side->to || !side->from) die("no pipe", name);
    if (fgets(line, sizeof line, side->from) && !strcmp(line, "ready\n")) return 1;
    printf("%s: does not start, left out\n", name);
    fclose(side->to), fclose(side->from);
    waitpid(side->pid, &side->status, 0);
    side->pid = 0;
    return 0;
}
static void take_turn(Side *side, int steps) {
    if (side->turns == BENCH_TURNS) die("too many turns", side->name);
    fprintf(side->to, "step %d\n", steps), fflush(side->to);
    if (fscanf(side->from, "%lf %lf", side->ms + side->turns++, &side->megabytes) != 2)
        die("stopped answering", side->name);
}
static void stop_side(Side *side) {
    if (!side->pid) return;
    fclose(side->to), fclose(side->from);
    waitpid(side->pid, NULL, 0);
}
