// bench_gpu.cu: how fast train.cu is on this GPU, beside what the GPU can do and beside PyTorch. Writes a CSV
// `name,ours,peer,ratio`; more is better in every ratio. The name ends in the unit. What the peer is:
//     matmul, attention   TFLOP/s   the GPU's peak in bf16 (--peak, or by its name): the share of it
//     memory              GB/s      a copy from device to device in the same run: the share of it
//     small, vit...       ms, MB    the same boost step in PyTorch (BENCH_PYTHON names a python that has it)
//                         samples/s, and TFLOP/s of the model against the peak: its MFU.
//                         "all rows": the peer's head also reads rows without loss, as most trainers' does
//
// How it is timed. Operations: 3 to warm up, then 30 between CUDA events, queued behind a clearing of memory
// so that the GPU does not wait for the host; the median. All numbers are random, never zeros (zeros draw
// less power). L2 is as the repeat before left it, as within a step; the arrays of the memory rows are 134 MB
// each, so little of them is still there. Steps: a program a side (dev/bench.h), ours and one peer in turns
// of 3 steps, 24 turns, host clock, the batch uploaded in every step; each peer has rows of its own, since
// not all of them fit beside each other. FLOP are those that the formulas need: 2 forward and 4 backward
// products a pair in a step's attention (MFU), 2 and 5 in the rows of attention alone (scores once more).
//
// Refuses: to test results (make check_cuda, train_gpu --check), and to guess a peak it does not know. Run
// from the root: make bench_gpu, or build/gpu/bench_gpu FILE.csv [GROUP]... [--peak TFLOPS] [--dry].
// --dry: tiny sizes and few repeats, to see that all of it runs (dev/cuda_on_cpu); its figures mean nothing.
// Read from the bottom: main, then the groups.
#include "data/file.h"
#define SB_FAIL(...) sb_die(__VA_ARGS__)
#ifndef SB_MODEL
#define SB_MODEL "train.cu"
#endif
#include SB_MODEL
#include "dev/bench.h"
#include <signal.h>

enum { WARM_UP = 3, REPEATS = 30, TURNS = 24, STEPS_A_TURN = 3, NO_GPU = 77 };
static int dry;
static double peak;                     // TFLOP/s; 0: unknown
static const char *python;              // NULL: no peer

// What this process has allocated since the first call; only one at a time may allocate.
static double megabytes(void) {
    static size_t before;
    size_t left, all;
    sb_need_gpu();
    sb_cuda_check(cudaMemGetInfo(&left, &all), "free memory");
    if (!before) before = left;
    return ((double)before - (double)left) / (1 << 20);
}
template <class T> static __global__ void fill_kernel(T *p, long count, float low) {
    long i = sb_thread();
    unsigned x = (unsigned)i * 0x9E3779B9u + 1;             // any hash will do
    if (i >= count) return;
    x = (x ^ x >> 16) * 0x85EBCA6Bu, x = (x ^ x >> 13) * 0xC2B2AE35u, x ^= x >> 16;
    p[i] = (T)(low + (1 - low) * (float)(x >> 8) / 16777216.0f);
}
template <class T> static T *numbers(long count, float low) {          // in [low, 1)
    T *p = (T *)sb_alloc((size_t)count * sizeof(T));
    sb_each(fill_kernel<T>, count, p, count, low);
    return p;
}
// Median seconds of an operation on the GPU.
template <class Op> static double seconds(Op op) {
    static cudaEvent_t at[REPEATS + 1];
    static void *other;
    size_t bytes = dry ? 1024 : 1 << 30;
    int repeats = dry ? 1 : REPEATS;
    double s[REPEATS];
    if (!other) {
        other = sb_alloc(bytes);
        for (int i = 0; i <= REPEATS; i++) sb_cuda_check(cudaEventCreate(at + i), "event");
    }
    for (int i = 0; i < (dry ? 1 : WARM_UP); i++) op();
    sb_zero(other, bytes);                                  // .4 ms in which the host queues up what follows
    sb_cuda_check(cudaEventRecord(at[0]), "event");
    for (int i = 0; i < repeats; i++) {
        op();
        sb_cuda_check(cudaEventRecord(at[i + 1]), "event");
    }
    sb_cuda_check(cudaEventSynchronize(at[repeats]), "an operation");
    for (int i = 0; i < repeats; i++) {
        float ms;
        sb_cuda_check(cudaEventElapsedTime(&ms, at[i], at[i + 1]), "event");
        s[i] = 1e-3 * (double)ms;
    }
    return median(s, repeats);
}
static void add_share(const char *name, double ours, double all) {
    add_row(name, ours, all, all > 0 ? ours / all : 0);
}

// ---- matmul: the linear layers of the steps below
typedef struct { const char *name; int n, in, out, gelu, frozen; } Layer;
static const Layer layers[] = {
    {"small patch", 2056, 588, 384, 0, 0},     {"small qkv", 2056, 384, 384, 0, 0},
    {"small dual out", 2056, 768, 384, 0, 0},  {"small up", 2056, 384, 1536, 1, 0},
    {"small down", 2056, 1536, 384, 0, 0},     {"small llm q", 3072, 512, 512, 0, 0},
    {"small llm kv", 3072, 512, 128, 0, 0},    {"small llm up", 3072, 512, 1408, 0, 0},
    {"small llm down", 3072, 1408, 512, 0, 0}, {"small head", 256, 512, 4096, 0, 0},
    {"ViT-L patch", 16448, 588, 1024, 0, 0},   {"ViT-L qkv", 16448, 1024, 1024, 0, 0},
    {"ViT-L dual out", 16448, 2048, 1024, 0, 0}, {"ViT-L up", 16448, 1024, 4096, 1, 0},
    {"ViT-L down", 16448, 4096, 1024, 0, 0},   {"0.5B q", 12288, 896, 896, 0, 1},
    {"0.5B kv", 12288, 896, 128, 0, 1},        {"0.5B up", 12288, 896, 4864, 0, 1},
    {"0.5B down", 12288, 4864, 896, 0, 1},     {"0.5B head", 256, 896, 151936, 0, 1}};
enum { LAYERS = sizeof layers / sizeof *layers };
static const char *const form_name[] = {"forward, bias", "forward, bias, GELU", "backward input",
                                        "backward weight"};

static void bench_matmul(void) {
    long side = dry ? 4096 : 16448L * 4096, most = dry ? 4096 : 151936L * 896;
    real *x = numbers<real>(side, -1), *y = numbers<real>(side, -1), *o = numbers<real>(side, -1),
         *g = numbers<real>(side, -1);
    param_t *w = numbers<param_t>(most, -1), *d_w = numbers<param_t>(most, -1);
    for (int i = 0; i < (dry ? 4 : (int)LAYERS); i++)
        for (int form = 0; form < 4; form++) {
            const Layer *l = layers + i;
            int n = dry ? 40 : l->n, in = dry ? 24 + i : l->in, out = dry ? 32 : l->out;
            SbWeight weight = {w, SB_TYPE(param_t), out, in, in}, bias = {w, SB_TYPE(param_t), out, 1, 1};
            char name[120];
            if ((form == 1 && !l->gelu) || (form == 3 && l->frozen)) continue;
            double s = seconds([&] {
                if (form == 0) sb_linear_forward(o, out, x, in, weight, bias, n);
                if (form == 1) sb_linear_act_forward(g, o, x, in, weight, bias, n, SB_GELU);
                if (form == 2) sb_linear_backward_input(o, in, y, out, weight, n);
                if (form == 3) sb_linear_backward_weight(d_w, NULL, y, out, x, in, n, out, in);
            });
            snprintf(name, sizeof name, "matmul %s, %s %dx%d->%d [TFLOP/s]", l->name, form_name[form], n, in,
                     out);
            add_share(name, 2e-12 * n * in * out / s, peak);
        }
    sb_free(x), sb_free(y), sb_free(o), sb_free(g), sb_free(w), sb_free(d_w);
}

// ---- attention. prefix 0: every row of a sample sees every row; else the rows of the prefix see what is
// before them, and a turn's the prefix and what is before them in the turn, as sb_batch_turn lays it out.
typedef struct { const char *name; int samples, rows, prefix, turn, heads, kv_heads, dim; } Core;
static const Core cores[] = {{"ViT-L dual", 64, 257, 0, 0, 32, 32, 64},
                             {"ViT-L dual", 16, 1025, 0, 0, 32, 32, 64},
                             {"D 128", 16, 1025, 0, 0, 16, 16, 128},
                             {"0.5B, prefix 256, turns of 64", 32, 512, 256, 64, 14, 2, 64},
                             {"D 128, prefix 1024, turns of 64", 16, 1280, 1024, 64, 16, 4, 128}};

// Intervals of keys; returns how many (row, key) pairs see each other.
static double fill_keys(int *keys, const Core *c) {
    double pairs = 0;
    for (int i = 0; i < c->samples * c->rows; i++, keys += 4) {
        int r = i % c->rows, first = i - r, split = c->prefix && r >= c->prefix;
        keys[0] = first;
        keys[1] = !c->prefix ? first + c->rows : split ? first + c->prefix : i + 1;
        keys[2] = split ? i - (r - c->prefix) % c->turn : keys[1];
        keys[3] = split ? i + 1 : keys[1];
        pairs += keys[1] - keys[0] + keys[3] - keys[2];
    }
    return pairs;
}
static void bench_attention(Core core) {
    const Core *c = &core;
    if (dry) core.samples = 2, core.rows = 20, core.prefix = core.prefix ? 8 : 0, core.turn = 4;
    if (dry) core.heads = core.heads / core.kv_heads * 2, core.kv_heads = 2;
    long n = (long)c->samples * c->rows, q = (long)c->heads * c->dim, kv = (long)c->kv_heads * c->dim;
    long ld = q + 2 * kv;
    size_t bytes = (size_t)n * 4 * sizeof(int);
    int *keys = (int *)sb_alloc(bytes), *host = (int *)malloc(bytes);
    if (!host) die("out of memory", c->name);
    real *qkv = numbers<real>(n * ld, -1), *o = numbers<real>(n * q, -1), *d_o = numbers<real>(n * q, -1),
         *d = numbers<real>(n * ld, -1);
    stat_t *lse = numbers<stat_t>(n * c->heads, -1);
    SbAttention a = {qkv, qkv + q, qkv + q + kv, ld, ld, ld, n, n, keys, c->heads, c->kv_heads, c->dim};
    double pairs = fill_keys(host, c), work = pairs * (double)q;
    sb_put(keys, host, bytes);
    for (int back = 0; back < 2; back++) {
        char name[120];
        double s = seconds([&] {
            if (!back) sb_attention_forward(o, q, lse, &a);
            else sb_attention_backward(d, d + q, d + q + kv, d_o, o, q, lse, &a);
        });
        snprintf(name, sizeof name, "attention %s, %s %dx%d heads %d/%d D %d [TFLOP/s]", c->name,
                 back ? "backward" : "forward", c->samples, c->rows, c->heads, c->kv_heads, c->dim);
        add_share(name, (back ? 10e-12 : 4e-12) * work / s, peak);
    }
    free(host), sb_free(keys), sb_free(qkv), sb_free(o), sb_free(d_o), sb_free(d), sb_free(lse);
}

// ---- memory: bytes that have to be moved, once each
static void bench_memory(void) {
    enum { C = 1024, F = 4096, D = 64 };
    long count = dry ? 2 * F : 1L << 26, n = count / C;     // count bf16 are 134 MB
    // arrays of count floats, that is 2 count of bf16
    param_t *p = numbers<param_t>(count, -1), *g = numbers<param_t>(count, -1),
            *m = numbers<param_t>(count, -1), *v = numbers<param_t>(count, 0);
    real *a = (real *)p, *b = (real *)g, *c = (real *)m, *d = (real *)v;
    param_t *sums = numbers<param_t>(C, -1);
    stat_t *stat = numbers<stat_t>(2 * n, 0), *table_of = numbers<stat_t>(n * D, -1);
    SbWeight w = {numbers<param_t>(C, 0), SB_TYPE(param_t), C, 1, 1};
    SbTrained all = {p, 0, 1}, *list = (SbTrained *)sb_alloc(sizeof all);
    double *squares = (double *)sb_alloc(sizeof *squares), copy = 0;
    sb_put(list, &all, sizeof all);
    sb_sum_squares(squares, g, SB_TYPE(param_t), count);
    auto row = [&](const char *name, double bytes, auto op) {          // bytes an element
        double s = seconds(op);
        add_share(name, 1e-9 * bytes * (double)count / s, copy);
        if (copy == 0) copy = table[rows - 1].ours;
    };
    row("copy, device to device [GB/s]", 8, [&] {
        sb_cuda_check(cudaMemcpy(m, p, 4 * (size_t)count, cudaMemcpyDeviceToDevice), "copy"); });
    row("adamw, 28 bytes an element [GB/s]", 28, [&] {
        sb_adamw(list, 1, g, m, v, count, squares, 1, 1e-3, .05, .9, .98, 1e-8, 1); });
    row("gradient norm, 4 bytes [GB/s]", 4, [&] { sb_sum_squares(squares, g, SB_TYPE(param_t), count); });
    sb_each(fill_kernel<real>, 2 * count, a, 2 * count, -1.0f);        // from here on bf16
    sb_each(fill_kernel<real>, 2 * count, b, 2 * count, -1.0f);
    row("add + layernorm forward, 8 bytes [GB/s]", 8, [&] {
        sb_add_norm_forward(c, d, stat, a, b, w, w, n, 1e-6, 1); });
    row("layernorm backward, frozen, 8 bytes [GB/s]", 8, [&] {
        sb_norm_backward_add(c, NULL, NULL, b, a, stat, w, n, 1); });
    row("layernorm backward, trained, 8 bytes [GB/s]", 8, [&] {
        sb_norm_backward_add(c, sums, sums, b, a, stat, w, n, 1); });
    row("gelu forward, 4 bytes [GB/s]", 4, [&] { sb_act_forward(c, a, count, SB_GELU); });
    row("gelu backward, 6 bytes [GB/s]", 6, [&] { sb_act_backward(c, b, a, count, SB_GELU); });
    row("swiglu forward, 6 bytes [GB/s]", 6, [&] { sb_swiglu_forward(c, a, count / F, F); });
    row("swiglu backward, 10 bytes [GB/s]", 10, [&] { sb_swiglu_backward(c, b, a, count / F, F); });
    row("rotary in place, 4.25 bytes [GB/s]", 4 + 4.0 * D / C, [&] {
        sb_turn_heads(a, C, a, C, table_of, n, C / D, D, {0, 1}, SB_TURN_Q); });
    sb_free(p), sb_free(g), sb_free(m), sb_free(v), sb_free(stat), sb_free(table_of), sb_free(sums);
    sb_free((void *)(uintptr_t)w.p), sb_free(list), sb_free(squares);
}

// ---- whole boost steps: Attn+, a and projector train, the rest is frozen
typedef struct { const char *group, *name; int image, batch, text, loss_rows; } Size;  // image 0: the preset
static const Size sizes[] = {{"small", "small", 0, 8, 128, 32},
                             {"small", "small", 0, 64, 128, 32},
                             {"vit224", "ViT-L/14 224 px + 0.5B", 224, 32, 128, 32},
                             {"vit518", "ViT-L/14 518 px + 0.5B", 518, 8, 128, 32}};
static Step step_of(const Size *z) {
    Step s = {"boost", dry ? 2 : z->batch, dry ? 12 : z->text, dry ? 4 : z->loss_rows,
              sb_config_preset(dry ? SB_TOY : SB_SMALL)};
    SbConfig *c = &s.config;
    if (!z->image) return s;
    c->patch_word = -1;                                     // no coordinate words
    if (dry) return s;
    c->image = z->image, c->enc_width = 1024, c->enc_layers = 24, c->enc_heads = 16, c->enc_mlp = 4096;
    c->llm_width = 896, c->llm_layers = 24, c->llm_heads = 14, c->llm_kv_heads = 2, c->llm_mlp = 4864;
    c->vocab = 151936;
    return s;
}
// FLOP of the model in one step, of products and attention alone; nothing that is computed a second time.
static double step_flop(const Step *s) {
    const SbConfig *c = &s->config;
    double C = c->enc_width, F = c->enc_mlp, D = c->llm_width, KV = D / c->llm_heads * c->llm_kv_heads;
    double P = (double)(c->image / c->patch) * (c->image / c->patch), T = 1 + P, R = P + s->text;
    double patch = P * 3 * c->patch * c->patch * C;
    double qkv = T * 6 * C * C, out = T * 2 * C * C, mlp = T * 2 * C * F, see = 2 * T * T * 2 * C;
    // forward; the input's gradients (layer 0 needs none of q, k, v); Attn+'s weights
    double encoder = c->enc_layers * (3 * see + 2 * (qkv + out + mlp) + (qkv + out) / 2) - qkv;
    double projector = 3 * P * (C * D + D * D);
    double pairs = R * (R + 1) / 2, rows = R * (2 * D * D + 2 * D * KV + 3 * D * c->llm_mlp);
    double llm = c->llm_layers * (3 * 2 * pairs * D + 2 * rows), head = 2 * s->loss_rows * D * c->vocab;
    return 2 * s->batch * (patch + encoder + projector + llm + head);
}
static void bench_step(const Size *z, const char *self) {
    static const char *const variant[4] = {"PyTorch eager", "PyTorch compiled", "PyTorch eager, all rows",
                                           "PyTorch compiled, all rows"};
    static const char *const options[4][5] = {{"--device", "cuda", NULL},
                                              {"--device", "cuda", "--compile", NULL},
                                              {"--device", "cuda", "--all-rows", NULL},
                                              {"--device", "cuda", "--compile", "--all-rows", NULL}};
    Step step = step_of(z);
    Side ours, peer;
    char name[120], what[80];
    int turns = dry ? 1 : TURNS, each = dry ? 1 : STEPS_A_TURN;
    double ms = 0;
    snprintf(what, sizeof what, "%s, batch %d, text %d, loss rows %d", z->name, step.batch, step.text,
             step.loss_rows);
    if (!start_side(&ours, what, self, "serve", &step, 1, NULL)) return;
    for (int k = python && *python ? 0 : 3; k < 4; k++) {   // without PyTorch on a GPU: ours alone
        int there = start_side(&peer, variant[k], python, "dev/bench_torch.py", &step, 1, options[k]);
        if (WIFEXITED(peer.status) && WEXITSTATUS(peer.status) == NO_GPU) python = NULL, k = 3;
        if (!there && (k < 3 || ms > 0)) continue;
        ours.turns = 0;
        for (int t = 0; t < turns; t++) {
            take_turn(&ours, each);
            if (there) take_turn(&peer, each);
        }
        double of_peer = there ? median(peer.ms, turns) : 0;
        ms = median(ours.ms, turns);
        snprintf(name, sizeof name, "step %s%s%s [ms]", what, there ? " / " : "", there ? variant[k] : "");
        add_row(name, ms, of_peer, of_peer / ms);
        snprintf(name, sizeof name, "memory %s%s%s [MB]", what, there ? " / " : "", there ? variant[k] : "");
        add_row(name, ours.megabytes, there ? peer.megabytes : 0, peer.megabytes / ours.megabytes);
        stop_side(&peer);
    }
    snprintf(name, sizeof name, "samples %s [1/s]", what);
    add_row(name, step.batch * 1e3 / ms, 0, 0);
    snprintf(name, sizeof name, "model %s [TFLOP/s]", what);
    add_share(name, step_flop(&step) * 1e-9 / ms, peak);
    stop_side(&ours);
}

static double peak_of(const char *gpu) {                    // dense bf16, NVIDIA's data sheets
    static const struct { const char *name; double tflops; } known[] = {
        {"A100", 312}, {"H100 PCIe", 756}, {"H100 NVL", 835}, {"H100", 989}, {"H200", 989}};
    for (const auto &k : known) if (strstr(gpu, k.name)) return k.tflops;
    return 0;
}
static const char usage[] =
    "usage: %s FILE.csv [GROUP]... [--peak TFLOPS] [--dry]\n"
    "groups: matmul attention memory small vit224 vit518; none named: all of them\n"
    "--peak   of this GPU in bf16, for MFU (default: by its name, if it is an A100, H100 or H200)\n"
    "--dry    tiny sizes, few repeats: does it run at all?\n"
    "BENCH_PYTHON=python names a python with PyTorch, for the steps\n";
int main(int argc, char **argv) {
    static const char *const group[] = {"matmul", "attention", "memory", "small", "vit224", "vit518"};
    enum { GROUPS = sizeof group / sizeof *group };
    int want[GROUPS] = {}, wanted = 0;
    cudaDeviceProp gpu;
    if (argc >= 2 && !strcmp(argv[1], "serve")) return serve(argc, argv);
    for (int i = 1; i < argc; i++) if (!strcmp(argv[i], "--help")) return printf(usage, argv[0]), 0;
    if (argc < 2 || argv[1][0] == '-') sb_die("expected FILE.csv first; --help says what may follow");
    for (int i = 2; i < argc; i++) {
        int found = !strcmp(argv[i], "--dry") ? dry = 1 : 0;
        for (int k = 0; k < GROUPS; k++) if (!strcmp(argv[i], group[k])) want[k] = wanted = found = 1;
        if (!strcmp(argv[i], "--peak") && i + 1 < argc) found = (peak = atof(argv[++i])) > 0;
        if (!found) sb_die("%s: not a group or flag (--help lists them); --peak needs a number", argv[i]);
    }
    python = getenv("BENCH_PYTHON");
    signal(SIGPIPE, SIG_IGN);
    sb_need_gpu();
    sb_cuda_check(cudaGetDeviceProperties(&gpu, 0), "properties of the GPU");
    if (peak == 0) peak = peak_of(gpu.name);
    printf("%s, peak %.0f TFLOP/s%s%s\n", gpu.name, peak, peak > 0 ? "" : " (unknown: --peak names it)",
           dry ? ", DRY RUN: the figures mean nothing" : "");
    printf("PyTorch: %s\n", python ? python : "BENCH_PYTHON names none, the steps have no peer");
    printf("%-72s %10s %10s %7s\n", "name [unit]", "ours", "peer", "ratio");
    write_table(argv[1]);                                   // where it cannot be written, say so now
    if (!wanted || want[0]) bench_matmul();
    if (!wanted || want[1]) for (const Core &c : cores) bench_attention(c);
    if (!wanted || want[2]) bench_memory();
    write_table(argv[1]);
    for (const Size &z : sizes)
        for (int k = 3; k < GROUPS; k++)
            if ((!wanted || want[k]) && !strcmp(z.group, group[k]))
                bench_step(&z, argv[0]), write_table(argv[1]);
    return 0;
}
