// bench.c: how fast spatialboost.h is, beside OpenBLAS, PyTorch, llama.cpp and tokenizers. Writes a CSV
// `name,ours,peer,ratio`.
//
// ratio = peer's time / our time in every row (memory: peer's / ours): more is better. The name ends in the
// unit; where there is no peer its fields are empty. Refuses to test results (that is test_spatialboost.c)
// and to compare on its own terms: OpenBLAS chooses its kernel itself (OPENBLAS_CORETYPE is unset) and gets
// as many threads as we do, PyTorch (BENCH_PYTHON names a python that has it) takes the best of eager and
// compiled, MKL and oneDNN, llama.cpp (BENCH_LLAMA: its llama-bench; BENCH_PYTHON with gguf) times itself,
// tokenizers (of BENCH_PYTHON) gets documents, which it likes better than one long text, and one core, as we.
//
// All sides take turns in one run and medians are kept, so that a busy machine hits all alike. Time is wall
// time; with OMP_NUM_THREADS=1 it is CPU time (not on macOS), which other programs disturb less. Weights are
// random, the language model's in a folder of 1 GB under TMPDIR, removed at the end. BENCH_TOKENIZER,
// BENCH_TEXT: a tokenizer.json and a text to measure that with; those of the repository are small. Run:
// ./build/bench FILE.csv [matmul|ops|steps|features|llm|load|tokenizer|hub]...      no list: everything
// Read from the bottom: main, the rows of steps, then the groups. The harness is in dev/bench.h.
#define _POSIX_C_SOURCE 200809L
#include "data/file.h"
#define SB_FAIL(...) sb_die(__VA_ARGS__)
#include "spatialboost.h"

#include "data/bind.h"
#include "data/tokenizer.h"
#include "dev/bench.h"
#include "dev/qwen_folder.h"

#include <dlfcn.h>
#include <signal.h>
#include <sys/resource.h>

enum { ROUNDS = 9, STEP_ROUNDS = 7 };

static int threads(void) {
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}
// Milliseconds: wall time, or CPU time of a process (0: this one) where one thread makes that comparable.
static double clock_ms(pid_t pid) {
    clockid_t id = CLOCK_MONOTONIC;
    struct timespec t;
#ifndef __APPLE__
    if (threads() == 1 && clock_getcpuclockid(pid, &id)) die("no CPU clock", "process");
#else
    (void)pid;
#endif
    clock_gettime(id, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}
static real *numbers(long count) {                          // in [-1, 1)
    real *x = (real *)sb_alloc((size_t)count * sizeof(real));
    for (long i = 0; i < count; i++)
        x[i] = (real)((double)(sb_mix64((uint64_t)i) >> 11) / 4503599627370496.0 - 1);
    return x;
}

// ---- matmul: the linear layers of both presets in three forms, beside OpenBLAS
typedef void (*Sgemm)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a,
                      int lda, const float *b, int ldb, float beta, float *c, int ldc);
static Sgemm open_blas(void) {
    static const char *const path[] = {"/usr/lib/x86_64-linux-gnu/openblas-openmp/libopenblas.so.0",
                                       "/usr/lib/aarch64-linux-gnu/openblas-openmp/libopenblas.so.0",
                                       "libopenblaso.so.0",
                                       "libopenblas.so.0",
                                       "libopenblas.so",
                                       "/opt/homebrew/opt/openblas/lib/libopenblas.dylib"};
    void *lib = NULL, *gemm = NULL;
    unsetenv("OPENBLAS_CORETYPE"), unsetenv("OPENBLAS_L2_SIZE");        // read when the library is loaded
    for (size_t i = 0; !lib && i < sizeof path / sizeof *path; i++)
        if ((lib = dlopen(path[i], RTLD_NOW | RTLD_LOCAL))) printf("OpenBLAS: %s", path[i]);
    if (lib) gemm = dlsym(lib, "cblas_sgemm");
    if (!gemm || sizeof(real) != sizeof(float)) {
        printf("OpenBLAS: not found, the matmul rows have no peer\n");
        return NULL;
    }
    void *set = dlsym(lib, "openblas_set_num_threads"), *core = dlsym(lib, "openblas_get_corename");
    void (*set_threads)(int);
    char *(*core_name)(void);
    Sgemm sgemm;
    memcpy(&set_threads, &set, sizeof set), memcpy(&core_name, &core, sizeof core),
        memcpy(&sgemm, &gemm, sizeof gemm);
    if (set) set_threads(threads());
    printf(", kernel %s, %d threads\n", core ? core_name() : "unknown", threads());
    return sgemm;
}
// Rows of a batch, layer's input and output width: encoder of 8 images (small) or 64 and 32 (mini), LLM of 8
// x 256 rows (small) or 32 x 160 (mini), the word table by chunks.
typedef struct { const char *name; int n, in, out; } Layer;
static const Layer layers[] = {{"small encoder patch", 2056, 588, 384},
                               {"small encoder qkv", 2056, 384, 384},
                               {"small encoder dual out", 2056, 768, 384},
                               {"small encoder up", 2056, 384, 1536},
                               {"small encoder down", 2056, 1536, 384},
                               {"small llm q", 2048, 512, 512},
                               {"small llm kv", 2048, 512, 128},
                               {"small llm up", 2048, 512, 1408},
                               {"small llm down", 2048, 1408, 512},
                               {"small llm head", 256, 512, 4096},
                               {"mini encoder qkv", 4160, 128, 128},
                               {"mini encoder dual out", 2080, 256, 128},
                               {"mini encoder up", 4160, 128, 512},
                               {"mini encoder down", 4160, 512, 128},
                               {"mini llm q", 5120, 128, 128},
                               {"mini llm kv", 5120, 128, 64},
                               {"mini llm up", 5120, 128, 344},
                               {"mini llm down", 5120, 344, 128}};
enum { LAYERS = sizeof layers / sizeof *layers };
static const char *const form_name[] = {"forward", "input gradient", "weight gradient"};

// One product into o: x w^T [n][out], y w [n][in], or += y^T x [out][in]. x [n][in], w [out][in], y [n][out].
static void one_product(int form, const Layer *l, const real *x, const real *w, const real *y, real *o,
                        Sgemm sgemm) {
    enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };
    SbWeight weight = {w, SB_NATIVE, l->out, l->in, l->in}, none = {NULL, SB_NATIVE, 0, 0, 0};
    int n = l->n, in = l->in, out = l->out;
    const float *fx = (const float *)(const void *)x, *fw = (const float *)(const void *)w;
    const float *fy = (const float *)(const void *)y;
    float *fo = (float *)(void *)o;
    if (sgemm) {
        if (form == 0) sgemm(ROW_MAJOR, PLAIN, TRANSPOSED, n, out, in, 1, fx, in, fw, in, 0, fo, out);
        if (form == 1) sgemm(ROW_MAJOR, PLAIN, PLAIN, n, in, out, 1, fy, out, fw, in, 0, fo, in);
        if (form == 2) sgemm(ROW_MAJOR, TRANSPOSED, PLAIN, out, in, n, 1, fy, out, fx, in, 1, fo, in);
        return;
    }
    if (form == 0) sb_linear_forward(o, out, x, in, weight, none, n);
    if (form == 1) sb_linear_backward_input(o, in, y, out, weight, n);
    if (form == 2) sb_linear_backward_weight(o, NULL, y, out, x, in, n, out, in);
}
static void bench_matmul(void) {
    static double ms[LAYERS][3][2][ROUNDS];
    Sgemm sgemm = open_blas();
    long most = 0;
    for (int i = 0; i < LAYERS; i++) {
        long side = layers[i].in > layers[i].out ? layers[i].in : layers[i].out;
        if (layers[i].n * side > most) most = layers[i].n * side;
    }
    real *x = numbers(most), *y = numbers(most), *w = numbers(512 * 4096), *o = numbers(most);
    for (int round = -1; round < ROUNDS; round++)                      // round -1 warms up
        for (int i = 0; i < LAYERS; i++)
            for (int form = 0; form < 3; form++)
                for (int side = 0; side < (sgemm ? 2 : 1); side++) {
                    const Layer *l = layers + i;
                    int times = 1 + (int)(4e8 / (2.0 * l->n * l->in * l->out));
                    double began = clock_ms(0);
                    for (int k = 0; k < times; k++) one_product(form, l, x, w, y, o, side ? sgemm : NULL);
                    if (round >= 0) ms[i][form][side][round] = (clock_ms(0) - began) / times;
                }
    double sum = 0, least = 1e9;
    for (int i = 0; i < LAYERS; i++)
        for (int form = 0; form < 3; form++) {
            char name[96];
            double ours = median(ms[i][form][0], ROUNDS), peer = sgemm ? median(ms[i][form][1], ROUNDS) : 0;
            snprintf(name, sizeof name, "matmul %s %s %dx%d->%d [ms]", layers[i].name, form_name[form],
                     layers[i].n, layers[i].in, layers[i].out);
            add_row(name, ours, peer, peer / ours);
            if (sgemm) sum += log(peer / ours);
            if (sgemm && peer / ours < least) least = peer / ours;
        }
    if (sgemm)
        printf("matmul: geometric mean of the ratios %.3f, least %.3f\n", exp(sum / (3 * LAYERS)), least);
    sb_free(x), sb_free(y), sb_free(w), sb_free(o);
}

// ---- single operations, without a peer
typedef struct { const char *name; int samples, rows, heads, kv_heads, dim, causal; } Core;
static const Core cores[] = {
    {"small encoder", 8, 257, 6, 6, 64, 0}, {"small encoder dual", 8, 257, 12, 12, 64, 0},
    {"small llm causal", 8, 256, 8, 2, 64, 1}, {"mini encoder", 64, 65, 4, 4, 32, 0},
    {"mini encoder dual", 32, 65, 8, 8, 32, 0}, {"mini llm causal", 32, 160, 4, 2, 32, 1}};

// Forward and backward of one attention, in GF/s of the products that its visible (row, key) pairs need (2
// and 5).
static void bench_attention(const Core *c) {
    long n = (long)c->samples * c->rows, q = c->heads * c->dim, kv = c->kv_heads * c->dim, ld = q + 2 * kv;
    int *keys = (int *)sb_alloc((size_t)n * 4 * sizeof(int));
    real *qkv = numbers(n * ld), *o = numbers(n * q), *d_o = numbers(n * q), *d = numbers(n * ld);
    stat_t *lse = (stat_t *)sb_alloc((size_t)(n * c->heads) * sizeof(stat_t));
    SbAttention a = {qkv, qkv + q, qkv + q + kv, ld, ld, ld, n, n, keys, c->heads, c->kv_heads, c->dim};
    double pairs = 0, forward[ROUNDS], backward[ROUNDS];
    for (int i = 0; i < n; i++) {
        int *k = keys + 4 * i;
        k[0] = i / c->rows * c->rows, k[1] = c->causal ? i + 1 : k[0] + c->rows, k[2] = k[3] = k[1];
        pairs += k[1] - k[0];
    }
    for (int round = -1; round < ROUNDS; round++) {
        double t0 = clock_ms(0);
        sb_attention_forward(o, q, lse, &a);
        double t1 = clock_ms(0);
        sb_attention_backward(d, d + q, d + q + kv, d_o, o, q, lse, &a);
        if (round >= 0) forward[round] = t1 - t0, backward[round] = clock_ms(0) - t1;
    }
    for (int back = 0; back < 2; back++) {
        char name[96];
        double work = (back ? 10 : 4) * pairs * c->heads * c->dim;
        snprintf(name, sizeof name, "attention %s %s %dx%d heads %dx%d [GF/s]", back ? "backward" : "forward",
                 c->name, c->samples, c->rows, c->heads, c->dim);
        add_row(name, work * 1e-6 / median(back ? backward : forward, ROUNDS), 0, 0);
    }
    sb_free(keys), sb_free(qkv), sb_free(o), sb_free(d_o), sb_free(d), sb_free(lse);
}
// sb_exp has no operation of its own: a row of it, as in a softmax.
static void exp_row(real *y, const real *x, long n) {
    for (long i = 0; i < n; i++) y[i] = sb_exp(x[i]);
}
static void bench_elementwise(void) {
    enum { COUNT = 28 << 20, WIDE = 384 };
    static const char *const name[] = {"exp [ns]",
                                       "gelu forward [ns]",
                                       "gelu backward [ns]",
                                       "swiglu forward [ns]",
                                       "swiglu backward [ns]",
                                       "layernorm forward [ns]",
                                       "layernorm backward [ns]",
                                       "adamw 28 M parameters, 28 bytes each [GB/s]"};
    enum { KINDS = sizeof name / sizeof *name };
    double ms[KINDS][ROUNDS];
    real *p = numbers(COUNT), *g = numbers(COUNT), *m = numbers(COUNT),
         *v = (real *)sb_alloc(COUNT * sizeof(real));
    long n = 2048, count = n * WIDE;  // a batch's activations; every element counts once
    SbWeight w = {p, SB_NATIVE, WIDE, 1, 1};
    SbTrained all = {p, 0, 1};
    double squares = 1;
    for (int round = -1; round < ROUNDS; round++)
        for (int kind = 0; kind < KINDS; kind++) {
            double began = clock_ms(0);
            if (kind == 0) for (long i = 0; i < n; i++) exp_row(m + i * WIDE, g + i * WIDE, WIDE);
            if (kind == 1) sb_act_forward(m, g, count, SB_GELU);
            if (kind == 2) sb_act_backward(m, p, g, count, SB_GELU);
            if (kind == 3) sb_swiglu_forward(m, g, n / 2, WIDE);
            if (kind == 4) sb_swiglu_backward(m, p, g, n / 2, WIDE);
            if (kind == 5) sb_add_norm_forward(m, m + count, v + count, g, p, w, w, n, 1e-6, 1);
            if (kind == 6) sb_norm_backward_add(m, v, v + WIDE, g, p, v + count, w, n, 1);
            if (kind == 7) sb_adamw(&all, 1, g, m, v, COUNT, &squares, 0, 1e-3, .05, .9, .98, 1e-8, 1);
            if (round >= 0) ms[kind][round] = clock_ms(0) - began;
        }
    for (int kind = 0; kind < KINDS; kind++) {
        double t = median(ms[kind], ROUNDS),
               elements = kind == 3 || kind == 4 ? 0.5 * (double)count : (double)count;
        add_row(name[kind], kind == 7 ? 28e-6 * COUNT / t : t * 1e6 / elements, 0, 0);
    }
    sb_free(p), sb_free(g), sb_free(m), sb_free(v);
}

// ---- programs of their own, our side: models of the hub, tokenizers; the rest is in dev/bench.h
static double own = -1;                                     // of load_steps
static double megabytes(void) {                             // the most so far
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
    usage.ru_maxrss /= 1024;                                // bytes there, kilobytes elsewhere
#endif
    return own >= 0 ? own : (double)usage.ru_maxrss / 1024;
}
// Now, without what is mapped from files; where the system does not say, with it.
static double own_megabytes(void) {
    long resident, shared;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f) return megabytes();
    if (fscanf(f, "%*s %ld %ld", &resident, &shared) != 2) die("cannot be read", "/proc/self/statm");
    fclose(f);
    return (double)(resident - shared) * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}
static const char *llm_path;
static SbFolder llm;
static void adopt_llm(SbModel *m, int trained) {
    sb_folder_open(&llm, llm_path);
    sb_family_bind(&llm, m, trained);
}
static void prefill_steps(void *work, int n) {
    Work *w = (Work *)work;
    real *logits = (real *)sb_calloc((size_t)w->s.config.vocab, sizeof *logits);
    for (int i = 0; i < n; i++) {
        sb_batch_upload(&w->m, &w->b);
        sb_llm_forward(&w->m, 0, w->m.n.llm);
        sb_llm_logits(&w->m, w->m.n.llm - 1, logits);
    }
    if (!isfinite(logits[0])) die("the logits are no numbers", w->s.kind);
    free(logits);
}
static int never(void *context, int word) { return (void)context, word < 0; }
static void decode_steps(void *work, int n) {               // n words behind the first
    Work *w = (Work *)work;
    int *word = (int *)sb_calloc((size_t)n, sizeof *word);
    sb_batch_clear(&w->b);
    fill_batch(w);
    sb_generate(&w->m, &w->b, word, n, never, NULL);
    free(word);
}
// As programs do: look at every number once, and keep none. The encoder is left out.
static void load_steps(void *work, int n) {
    Work *w = (Work *)work;
    double before = own_megabytes();
    for (int i = 0; i < n; i++) {
        SbModel m;
        sb_model_plan(&m, &w->s.config, 0);
        adopt_llm(&m, 0);
        own = own_megabytes() - before;
        sb_model_free(&m), sb_folder_close(&llm);
    }
}
typedef struct { SbTokenizer t; char *text; size_t size; SbIds ids; } Reader;
static void tokenizer_steps(void *work, int n) {
    Reader *r = (Reader *)work;
    for (int i = 0; i < n; i++) r->ids.n = 0, sb_tokenizer_encode(&r->t, r->text, r->size, 0, &r->ids);
}
static int serve_tokenizer(const char *tokenizer, const char *text) {
    Reader r;
    memset(&r, 0, sizeof r);
    sb_tokenizer_open(&r.t, tokenizer);
    r.text = sb_read_file(text, &r.size);
    serve_steps(tokenizer_steps, &r);
    sb_tokenizer_close(&r.t), free(r.text), free(r.ids.id);
    return 0;
}
static int serve_hub(int argc, char **argv) {
    Work w;
    memset(&w, 0, sizeof w);
    megabytes();
    int at = read_step(&w.s, argc, argv);
    if (at == argc) return serve(argc, argv);
    int words = !strcmp(argv[at], "--tokenizer") ? 4 : 2;
    if (argc - at != words) die("expected --llm FOLDER or --tokenizer FILE --file FILE", "serve");
    if (words == 4) return serve_tokenizer(argv[at + 1], argv[at + 3]);
    llm_path = argv[at + 1];
    if (!strcmp(w.s.kind, "load")) return serve_steps(load_steps, &w);
    Step s = w.s;
    work_begin(&w, &s, adopt_llm);
    serve_steps(!strcmp(s.kind, "prefill") ? prefill_steps : !strcmp(s.kind, "decode") ? decode_steps
                                                                                     : model_steps, &w);
    work_end(&w), sb_folder_close(&llm);
    return 0;
}

// ---- rows of steps, see dev/bench.h
// llm: the language model is the folder's. each: steps in a turn. unit and work: how many of them a step does
// (NULL: the row is in ms). sizes: fields of SbConfig that are not preset small's.
enum { NO_PEER, TRAIN, FORWARD, OTHER };                    // peers: PyTorch, two ways, or another program
typedef struct {
    const char *group, *name, *kind;
    int batch, text, loss_rows, each, peers, llm;
    const char *unit;
    double work;
    const char *sizes;
} Timed;
#define TALK "patch_word=-1 isolate=0 restart=0 "
#define ALONE TALK "image=14 enc_layers=1"                  // with as little of an encoder as there can be
#define VIT_S "enc_scaled=1 "
#define VIT_B "enc_scaled=1 enc_width=768 enc_heads=12 enc_mlp=3072 "
static Timed timed[] = {
    {"steps", "encoder small, batch 8", "encoder", 8, 0, 0, 1, TRAIN, 0, NULL, 0, ""},
    {"steps", "boost small, batch 8, text 128, loss rows 32", "boost", 8, 128, 32, 1, TRAIN, 0, NULL, 0, ""},
    {"steps", "llm small, batch 8, text 256, loss rows 64", "llm", 8, 256, 64, 1, TRAIN, 0, NULL, 0, ""},
    {"features", "DINOv2-S 224 px, batch 8", "features", 8, 0, 0, 1, FORWARD, 0, "1/s", 8, VIT_S},
    {"features", "DINOv2-S 518 px, batch 2", "features", 2, 0, 0, 1, FORWARD, 0, "1/s", 2, VIT_S "image=518"},
    {"features", "DINOv2-B 224 px, batch 8", "features", 8, 0, 0, 1, FORWARD, 0, "1/s", 8, VIT_B},
    {"features", "DINOv2-B 518 px, batch 2", "features", 2, 0, 0, 1, FORWARD, 0, "1/s", 2, VIT_B "image=518"},
    {"llm", "0.5B bf16, 512 tokens", "prefill", 1, 512, 1, 1, OTHER, 1, "tokens/s", 512, ALONE},
    {"llm", "0.5B bf16, 64 tokens", "decode", 1, 1, 0, 64, OTHER, 1, "tokens/s", 1, ALONE},
    {"load", "0.5B bf16, mapped", "load", 1, 1, 0, 1, NO_PEER, 1, NULL, 0, ALONE},
    {"tokenizer", "byte-level BPE", "tokenizer", 1, 0, 0, 1, OTHER, 0, "MB/s", 0, ""},
    {"hub", "DINOv2-S 224 px + 0.5B bf16, text 125, loss rows 64", "boost", 1, 125, 64, 1, TRAIN, 1, NULL, 0,
     VIT_S TALK}};
static char temp[4096];                                     // the language model's folder, "": none yet
static const char *tokenizer, *text;

static void remove_temp(void) {
    if (*temp) sb_remove(temp);
    *temp = 0;
}
static void stop(int number) { remove_temp(), _exit(128 + number); }
static const char *llm_folder(void) {
    const char *parent = getenv("TMPDIR");
    if (*temp) return temp;
    snprintf(temp, sizeof temp, "%s/spatialboost_XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(temp)) sb_die("%s: cannot be made (%s); TMPDIR names a folder with 2 GB left", temp,
                               strerror(errno));
    qwen_folder(temp, &qwen_half_billion);
    return temp;
}
static Step timed_step(const Timed *t) {
    Step s = {t->kind, t->batch, t->text, t->loss_rows, sb_config_preset(SB_SMALL)};
    char words[160], *word[16], *end;
    int n = 0;
    snprintf(words, sizeof words, "%s", t->sizes);
    for (char *w = strtok_r(words, " ", &end); w; w = strtok_r(NULL, " ", &end)) word[n++] = w;
    if (t->llm) {
        SbFolder f;
        sb_folder_open(&f, llm_folder());
        sb_family_config(&f, &s.config, 0);
        sb_folder_close(&f);
    }
    read_sizes(&s.config, n, word);
    return s;
}
static void time_turn(Side *side, const Timed *t, int peers) {
    double began = clock_ms(side->pid);
    take_turn(side, t->each);
    if (threads() == 1 && peers != OTHER)                   // bench_peers.py sees to that itself
        side->ms[side->turns - 1] = (clock_ms(side->pid) - began) / t->each;
}
// The row of time and that of memory, beside the faster peer.
static void add_timed(const Timed *t, Side *side, int sides) {
    char name[120];
    const char *of = t->unit || !strcmp(t->kind, "load") ? t->kind : "step";
    double ours = median(side->ms, STEP_ROUNDS), ms = 0, memory = 0, work = t->work;
    struct stat s;
    if (!strcmp(t->kind, "tokenizer") && !stat(text, &s)) work = 1e-6 * (double)s.st_size;
    for (int i = 1; i < sides; i++) {
        double its = side[i].pid ? median(side[i].ms, STEP_ROUNDS) : 0;
        if (its > 0) printf("%s: %s %.1f ms, %.0f MB\n", t->name, side[i].name, its, side[i].megabytes);
        if (its > 0 && (ms == 0 || its < ms)) ms = its, memory = side[i].megabytes;
    }
    snprintf(name, sizeof name, "%s %s [%s]", of, t->name, t->unit ? t->unit : "ms");
    if (t->unit) add_row(name, work * 1e3 / ours, ms > 0 ? work * 1e3 / ms : 0, ms / ours);
    else add_row(name, ours, ms, ms / ours);
    snprintf(name, sizeof name, "memory %s%s%s [MB]", strcmp(of, "step") ? of : "",
             strcmp(of, "step") ? " " : "", t->name);
    add_row(name, side->megabytes, memory, memory / side->megabytes);
}
static void bench_timed(const Timed *t, const char *self) {
    static const struct { const char *name, *script, *option[3]; int peers; } peer[] = {
        {"PyTorch, eager", "dev/bench_torch.py", {NULL}, TRAIN},
        {"PyTorch, eager, oneDNN", "dev/bench_torch.py", {"--onednn"}, TRAIN},
        {"PyTorch, compiled", "dev/bench_torch.py", {"--compile"}, TRAIN},
        {"PyTorch, eager", "dev/bench_torch.py", {NULL}, FORWARD},
        {"PyTorch, compiled", "dev/bench_torch.py", {"--compile"}, FORWARD},
        {"PyTorch, compiled, oneDNN", "dev/bench_torch.py", {"--compile", "--onednn"}, FORWARD},
        {"llama.cpp or tokenizers", "dev/bench_peers.py", {NULL}, OTHER}};
    enum { SIDES = 1 + sizeof peer / sizeof *peer };
    Step s = timed_step(t);
    const char *options[5] = {t->llm ? "--llm" : NULL, t->llm ? temp : NULL, NULL, NULL, NULL};
    if (!strcmp(t->kind, "tokenizer"))
        options[0] = "--tokenizer", options[1] = tokenizer, options[2] = "--file", options[3] = text;
    Side side[SIDES];
    memset(side, 0, sizeof side);
    if (!start_side(side, "ours", self, "serve", &s, threads(), options)) die("does not start", self);
    for (int i = 1; i < SIDES; i++) {
        if (peer[i - 1].peers != t->peers) continue;
        start_side(side + i, peer[i - 1].name, getenv("BENCH_PYTHON"), peer[i - 1].script, &s, threads(),
                   t->peers == OTHER ? options : peer[i - 1].option);
    }
    for (int round = 0; round < STEP_ROUNDS; round++)
        for (int i = 0; i < SIDES; i++) if (side[i].pid) time_turn(side + i, t, i ? t->peers : NO_PEER);
    add_timed(t, side, SIDES);
    for (int i = 0; i < SIDES; i++) stop_side(side + i);
}

static const char *const group[] = {"steps", "features", "llm", "load", "tokenizer", "hub", "ops", "matmul"};
enum { GROUPS = sizeof group / sizeof *group };

int main(int argc, char **argv) {
    if (argc >= 2 && !strcmp(argv[1], "serve")) return serve_hub(argc, argv);
    int want[GROUPS] = {0};
    for (int i = 2; i < argc; i++) {
        int found = 0;
        for (int k = 0; k < GROUPS; k++) if (!strcmp(argv[i], group[k])) want[k] = found = 1;
        if (!found) argc = 1;
    }
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE.csv [GROUP]...   groups:", argv[0]);
        for (int k = 0; k < GROUPS; k++) fprintf(stderr, " %s", group[k]);
        fprintf(stderr, "; none named: all of them\n");
        return 1;
    }
    const char *python = getenv("BENCH_PYTHON"), *llama = getenv("BENCH_LLAMA");
    tokenizer = getenv("BENCH_TOKENIZER"), text = getenv("BENCH_TEXT");
    if (!tokenizer) tokenizer = "dev/goldens_text/qwen2/tokenizer.json";
    if (!text) text = "spatialboost.h";
    signal(SIGPIPE, SIG_IGN), signal(SIGINT, stop), signal(SIGTERM, stop), atexit(remove_temp);
    printf("%d threads, vectors of %d bytes, time is %s\n", threads(), SB_BYTES,
           threads() == 1 ? "CPU time" : "wall time");
    printf("PyTorch, tokenizers: %s\n", python ? python : "BENCH_PYTHON names none, these rows have no peer");
    printf("llama.cpp: %s\n", llama ? llama : "BENCH_LLAMA names none, the llm rows have no peer");
    printf("%-72s %10s %10s %7s\n", "name [unit]", "ours", "peer", "ratio");
    for (size_t i = 0; i < sizeof timed / sizeof *timed; i++)
        for (int k = 0; k < GROUPS; k++)
            if ((want[k] || argc == 2) && !strcmp(timed[i].group, group[k])) bench_timed(timed + i, argv[0]);
    if (want[6] || argc == 2) {
        for (size_t i = 0; i < sizeof cores / sizeof *cores; i++) bench_attention(cores + i);
        bench_elementwise();
    }
    if (want[7] || argc == 2) bench_matmul();
    write_table(argv[1]);
    return 0;
}
