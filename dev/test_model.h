// test_model.h: the whole model: goldens, gradients, rounding, second channel, KV cache, threads, memory.
//
// Refuses: single operations (test_ops.h) and files. Part of test_spatialboost.c, a C++17 program that has
// included spatialboost.h twice: in float at global scope, in double in namespace f64. One text of a test
// serves both: Single and Double name the types, functions find their namespace by their arguments.
// Read from top: helpers, the tensors and their bounds, then a section per test (">>"), RUN at the end.
// Everything starts from random parameters (biases, gains, a): initial values hide half of all mistakes.
#ifndef SB_TEST_MODEL_H
#define SB_TEST_MODEL_H
#include "../data/checkpoint.h"
#include <algorithm>
#include <map>
#include <string>
#include <sys/wait.h>
#include <vector>
#ifndef SB_GUARD_H
#undef SB_OP
#include "guard.h"
#define SB_GUARD_ENDS
#endif
namespace guarded {                     // a third copy, in memory that only operations may touch
#undef SB_REAL
#define SB_REAL float
#include "../spatialboost.h"
#include "../data/batch.h"
}
#ifdef SB_GUARD_ENDS
#undef SB_OP
#undef SB_GUARD_ALLOC
#undef SB_GUARD_FREE
#define SB_OP
#endif

namespace proof {

// ------------------------------------------------------------------------------------------------- >>helpers
#define SB_NAMES(Name, ns) \
    struct Name { \
        typedef ns::real Real; \
        typedef ns::param_t Weight; \
        typedef ns::SbConfig Config; \
        typedef ns::SbModel Model; \
        typedef ns::SbBatch Batch; \
        typedef ns::SbParam Param; \
        typedef ns::SbBlockActs BlockActs; \
        typedef ns::SbCamera Camera; \
        static void get(void *to, const void *from, size_t bytes) { ns::sb_get(to, from, bytes); } \
        static void put(void *to, const void *from, size_t bytes) { ns::sb_put(to, from, bytes); } \
    };
SB_NAMES(Single, )
SB_NAMES(Double, ::f64)
SB_NAMES(Guarded, ::guarded)

typedef std::vector<double> Vec;
enum { ALL = SB_BASE | SB_PLUS | SB_ALPHA | SB_PROJ | SB_LLM | SB_HEADS | SB_REG };
enum { BOOST = SB_PLUS | SB_ALPHA | SB_PROJ };
enum { LM, RECOGNISE, RECOGNISE_PATCHES, REGRESS, LABELS, BOTH, OBJECTIVES, AGGREGATE = OBJECTIVES, FIELD };
static const char *const objective_name[] = {"lm",      "recognise",        "recognise + patches", "regress",
                                             "labels",  "depth and labels", "aggregator",          "spa3r"};

static double number(double x) { return x; }
template <class T> double number(T x) { return (double)(float)x; }
template <class T> T rounded(double x) { return (T)(float)x; }
template <> double rounded(double x) { return x; }
template <class S, class T> Vec read(const T *at, long count) {
    std::vector<T> host((size_t)count);
    Vec v;
    S::get(host.data(), at, (size_t)count * sizeof(T));
    for (T x : host) v.push_back(number(x));
    return v;
}
template <class S, class T> void write(T *at, const Vec &v) {
    std::vector<T> host;
    for (double x : v) host.push_back(rounded<T>(x));
    S::put(at, host.data(), v.size() * sizeof(T));
}
template <class S> typename S::Weight *weights(const typename S::Param *p) {
    return (typename S::Weight *)(size_t)p->w.p;
}
template <class P> std::string name_of(const P *p) { return p->name; }

// Random numbers by name and index, exact in float, so the same in both precisions.
static uint64_t key(const char *name) {
    uint64_t k = 1469598103934665603ull;
    while (*name) k = (k ^ (uint64_t)(unsigned char)*name++) * 1099511628211ull;
    return k;
}
static int pick(const char *name, long i, int below) {
    return (int)(sb_mix64(key(name) + (uint64_t)i * 0x9E3779B97F4A7C15ull) % (uint64_t)below);
}
static Vec normals(const std::string &name, long count) {
    Vec v((size_t)count);
    for (long i = 0; i < count; i++) v[i] = (float)sb_normal(key(name.c_str()), (uint64_t)i);
    return v;
}

// Tests run on one thread: tiny sizes are fastest so, and >>threads shows that the number does not matter.
struct Threads {
    int before = 1;
#ifdef _OPENMP
    explicit Threads(int count) { before = omp_get_max_threads(), omp_set_num_threads(count); }
    ~Threads() { omp_set_num_threads(before); }
#else
    explicit Threads(int) {}
#endif
};

// A model and a batch for it.
template <class S> struct Net {
    typename S::Config c;
    typename S::Model m;
    typename S::Batch b;
    explicit Net(const SbConfig &config, int parts, int groups) {
#define X(type, name, toy, mini, small, help) c.name = config.name;
        SB_CONFIG(X)
#undef X
        memset(&b, 0, sizeof b);
        sb_model_init(&m, &c, parts);
        m.acts.keep = 1;
        sb_model_train(&m, groups);
        randomise();
    }
    ~Net() { sb_model_free(&m), sb_batch_free(&b); }
    Net(const Net &) = delete;
    void randomise() {
        for (int t = 0; t < m.params; t++) {
            const typename S::Param *p = m.param[t];
            std::string name = p->name;
            int gain = name.find("norm") != name.npos && name.back() == 'w', gate = name.back() == 'a';
            int matrix = p->rank == 2 && name != "enc.pos" && name != "llm.emb";
            double std = gate ? 1 : matrix ? 1 / sqrt((double)p->w.cols) : 0.3;
            Vec v = normals(name, sb_param_count(p));
            for (double &x : v) x = (float)(gain + std * x);
            write<S>(weights<S>(p), v);
        }
    }
    typename S::Param *param(const std::string &name) { return sb_model_param(&m, name.c_str()); }
    Vec weight(const std::string &name) {
        return read<S>(weights<S>(param(name)), sb_param_count(param(name)));
    }
};

template <class S> int add_image(Net<S> &n, int w, int h) {
    std::vector<unsigned char> bytes((size_t)w * (size_t)h * 3);
    long first = n.b.n.pixels * 3, vis = n.b.n.vis;
    int image = sb_batch_image(&n.b, &n.c, bytes.data(), w, h);
    for (long i = first; i < n.b.n.pixels * 3; i++)
        n.b.pixels[i] = (typename S::Real)(float)(pick("pixel", i, 65536) / 32768.0 - 1);
    n.b.main_class[image] = pick("main", image, n.c.classes);
    for (int k = 0; k < n.c.classes; k++)
        n.b.multi[image * n.c.classes + k] = (typename S::Weight)pick("multi", 9 * image + k, 2);
    for (long v = vis; v < n.b.n.vis; v++) n.b.label[v] = pick("label", v, n.c.labels + 1) - 1;
    return image;
}
// A question and an answer of random words. The last word is not fed: nothing is to follow it.
template <class S> void add_turn(Net<S> &n, int question, int answer) {
    std::vector<int> word, target, type;
    for (int i = 0; i < question + answer; i++) word.push_back(pick("word", 1000 * n.b.n.llm + i, n.c.vocab));
    for (int i = 0; i + 1 < question + answer; i++) {
        target.push_back(i + 1 < question ? -1 : word[(size_t)i + 1]);
        type.push_back(0);
    }
    sb_batch_turn(&n.b, &n.c, word.data(), target.data(), type.data(), question + answer - 1);
}
// Samples of every kind: one image and three turns; two images, one of them small and not square; a text
// map; text alone. copies: how often.
template <class S> void add_samples(Net<S> &n, int copies) {
    sb_batch_clear(&n.b);
    for (int k = 0; k < copies; k++) {
        int side = n.c.image, a = add_image(n, side, side), b = add_image(n, n.c.patch, side);
        int c = add_image(n, side, side);
        sb_batch_sample(&n.b);
        sb_batch_prefix_image(&n.b, &n.c, a);
        add_turn(n, 4, 2), add_turn(n, 3, 1), add_turn(n, 1, 4);
        sb_batch_sample(&n.b);
        sb_batch_prefix_image(&n.b, &n.c, b), sb_batch_prefix_image(&n.b, &n.c, c);
        add_turn(n, 5, 1), add_turn(n, 2, 3);
        sb_batch_sample(&n.b);
        int map[3][3] = {{3, 4, -1}, {3, -1, 6}, {7, 7, 8}};
        sb_batch_prefix_map(&n.b, &n.c, map[0], 3);
        add_turn(n, 2, 2), add_turn(n, 2, 2);
        sb_batch_sample(&n.b);
        add_turn(n, 3, 2), add_turn(n, 2, 1);
    }
    for (int v = 0; v < n.b.n.vis; v += 2) sb_batch_depth(&n.b, &n.c, v, (float)(0.3 * (v % 11)));
}
template <class S> double step(Net<S> &n, int objective, int backward) {
    if (objective == LM) sb_step_lm(&n.m, &n.b, backward);
    else if (objective >= REGRESS && objective <= BOTH)
        sb_step_regress(&n.m, &n.b, backward, objective - REGRESS + 1);
    else if (objective == AGGREGATE) sb_step_aggregator(&n.m, &n.b, backward);
    else if (objective == FIELD) sb_step_field(&n.m, &n.b, backward);
    else sb_step_recognise(&n.m, &n.b, backward, objective == RECOGNISE_PATCHES);
    return sb_loss(&n.m);
}
static SbConfig small_config(void) {
    SbConfig c = sb_config_preset(SB_TOY);
    c.image = 16, c.patch = 4, c.enc_width = 24, c.enc_heads = 3, c.enc_mlp = 40, c.llm_mlp = 48;
    c.vocab = 61, c.patch_word = 30, c.classes = 7, c.labels = 9;
    return c;
}
static SbConfig tiny_config(void) {
    SbConfig c = small_config();
    c.image = 8, c.enc_width = 8, c.enc_heads = 2, c.enc_mlp = 12, c.llm_width = 8, c.llm_heads = 2;
    c.llm_kv_heads = 1, c.llm_mlp = 10, c.vocab = 24, c.patch_word = 11, c.classes = 3, c.labels = 4;
    return c;
}

// ------------------------------------------------------------------------------------------------- >>tensors
// Every activation and gradient of the tables, in the order in which they are computed. What is 0 everywhere
// was not computed and does not count for the depth.
struct Tensor {
    std::string name;
    Vec value;
    int depth;      // tensors on the way to it: forward the count so far, back from the loss the rest as well
};
static double rms(const Vec &v) {
    double sum = 0;
    for (double x : v) sum += x * x;
    return v.empty() ? 0 : sqrt(sum / (double)v.size());
}
static void enter(std::vector<Tensor> &out, const std::string &name, const Vec &value) {
    out.push_back({name, value, (out.empty() ? 0 : out.back().depth) + (rms(value) > 0)});
}
template <class S, class Shape>
void list_block(std::vector<Tensor> &out, const typename S::BlockActs &s, const Shape *c, long n,
                std::string prefix) {
    SB_BLOCK_WIDTHS(c);
#define X(type, name, elements) \
    if ((elements) > 0) enter(out, prefix + #name, read<S>(s.name, (long)(elements)));
    SB_BLOCK_FOLDS(X)
#undef X
#define X(type, name, row, saved) \
    if ((row) > 0) enter(out, prefix + #name, read<S>(s.name, n * (long)(row)));
    SB_BLOCK_ACTS(X)
#undef X
}
template <class S> void list_towers(std::vector<Tensor> &out, Net<S> &n, const char *name) {
    const auto *c = &n.c;
    SB_SIZES(n.m.n);
    for (int l = 0; l < 64; l++) {
#define X(tower, count, before, rows, ...) \
        if (!strcmp(name, #before) && l < n.m.tower##_shape.layers) \
            list_block<S>(out, n.m.acts.tower[l], &n.m.tower##_shape, rows, \
                          std::string(#tower) + "." + std::to_string(l) + ".");
        SB_TOWERS(X)
#undef X
    }
}
template <class S> std::vector<Tensor> tensors(Net<S> &n) {
    std::vector<Tensor> out;
    const auto *c = &n.c;
    auto &a = n.m.acts;
    SB_SIZES(n.m.n);
    SB_WIDTHS(c, n.m.parts);
#define X(type, name, rows, row) \
    list_towers(out, n, #name); \
    if (strcmp(#type, "int") && (long)(rows) * (long)(row) > 0) \
        enter(out, #name, read<S>(a.name, (strcmp(#name, "logits") ? (long)(rows) : NR) * (long)(row)));
    SB_MODEL_ACTS(X)
#undef X
    int all = out.back().depth;
    for (Tensor &t : out)
        if (t.name.find("d_") == 0 || t.name.find(".d_") != t.name.npos) t.depth = 2 * all - t.depth;
    for (int i = 0; i < n.m.params; i++) {
        const auto *p = n.m.param[i];
        if (p->grad) out.push_back({"grad " + name_of(p), read<S>(p->grad, sb_param_count(p)), 2 * all});
    }
    return out;
}
static double largest(const Vec &v) {
    double top = 0;
    for (double x : v) top = std::max(top, fabs(x));
    return top;
}
// The size of tensor i: its largest element. A bias's gradient is a sum whose terms may cancel (those of the
// encoder's keys do, to 0), so it is taken to be as large as its matrix's, whose terms are.
static double size_of(const std::vector<Tensor> &list, size_t i) {
    const std::string &name = list[i].name;
    double s = largest(list[i].value);
    if (name.compare(0, 5, "grad ") || name.compare(name.size() - 2, 2, "_b")) return s;
    for (const Tensor &t : list)
        if (t.name == name.substr(0, name.size() - 1) + "w") s = std::max(s, largest(t.value));
    return s;
}
// What rounding may do: every operation on the way adds an error of about eps/2 of the elements' size,
// independent of those before, so errors grow with the root of the depth; 8: an operation is more than one
// rounding, which matters where the way is short. Over 24 sets of random parameters the largest error of a
// tensor is .1 of this in the median; the set that is tested stays below .4 with every compiler tried.
// Where real is bf16 sums are float's, so an operation is one rounding, seldom two.
static double rounding(int depth, double size) {
    return (OP_COARSE > 0 ? 1.2 * OP_COARSE : 3 * FLT_EPSILON) * sqrt(depth + 8.0) * size;
}
static Vec roundings(const std::vector<Tensor> &list, size_t i) {
    return Vec(list[i].value.size(), rounding(list[i].depth, size_of(list, i)));
}

// error / bound, the largest over a tensor; INFINITY for what is not finite.
static double ratio(const Vec &got, const Vec &want, const Vec &bound) {
    double worst = got.size() == want.size() ? 0 : INFINITY;
    for (size_t i = 0; i < got.size() && i < want.size(); i++) {
        double r = got[i] == want[i] ? 0 : fabs(got[i] - want[i]) / bound[i];
        worst = r <= worst ? worst : r >= 0 ? r : INFINITY;
    }
    return worst;
}
// Collects ratios of many tensors; says at the end how near the bounds are.
struct Tally {
    Vec all;
    std::string worst;
    double top = 0;
    void add(const std::string &name, Vec got, const Vec &want, const Vec &bound) {
        double r = ratio(got, want, bound);
        CHECK(r <= 1, "%s: error / bound = %g", name.c_str(), r);
        size_t k = got.empty() ? 0 : (size_t)pick(name.c_str(), 0, (int)got.size());
        if (got.empty() || got.size() != want.size() || bound[k] == 0) return;
        all.push_back(r);
        if (r >= top) top = r, worst = name;
        got[k] += got[k] < want[k] ? -4 * bound[k] : 4 * bound[k];
        CHECK(ratio(got, want, bound) > 1, "%s: element %zu is four bounds off, unseen", name.c_str(), k);
    }
    double median() {
        std::sort(all.begin(), all.end());
        return all.empty() ? 0 : all[all.size() / 2];
    }
    void report(const char *what) {
        double middle = median();
        printf("    %s: %zu tensors, error / bound: median %.3f, largest %.3f (%s)\n", what, all.size(),
               middle, top, worst.c_str());
        CHECK(middle > 0.05, "%s: nothing comes near the bounds (median %g)", what, middle);
    }
};

// ------------------------------------------------------------------------------------------------- >>goldens
// dev/goldens.safetensors: what PyTorch computes in double from parameters and inputs that are exact in float
// (layout in dev/reference.py). Stored in float, so that ours differs by eps/2 |value| and its own rounding.
static const SbFileTensor *golden_find(const SbCheckpoint &f, const std::string &name) {
    return sb_checkpoint_find(&f, name.c_str());
}
static Vec golden(const SbCheckpoint &f, const std::string &name) {
    const SbFileTensor *t = golden_find(f, name);
    CHECK(t != NULL, "%s: no tensor %s", f.path, name.c_str());
    if (!t) return Vec();
    long count = 1;
    for (int i = 0; i < t->rank; i++) count *= (long)t->shape[i];
    if (!strcmp(t->type, "I32")) return Vec((const int32_t *)t->data, (const int32_t *)t->data + count);
    CHECK(!strcmp(t->type, "F32"), "%s: tensor %s is %s, not F32", f.path, t->name, t->type);
    return Vec((const float *)t->data, (const float *)t->data + count);
}
static double number(const SbCheckpoint &f, const char *name) {
    const char *text = sb_checkpoint_text(&f, name);
    CHECK(text != NULL, "%s: no text %s", f.path, name);
    return text ? atof(text) : 0;
}
static SbConfig golden_config(const SbCheckpoint &f) {
    SbConfig c = sb_config_preset(SB_TOY);
    const struct { int *field; const char *name; } table[] = {
        {&c.image, "image"}, {&c.patch, "patch"}, {&c.enc_width, "width"}, {&c.enc_layers, "layers"},
        {&c.enc_heads, "heads"}, {&c.enc_mlp, "mlp"}, {&c.llm_width, "llm_width"}, {&c.llm_heads, "q_heads"},
        {&c.llm_layers, "llm_layers"}, {&c.llm_kv_heads, "kv_heads"}, {&c.llm_mlp, "swiglu"},
        {&c.vocab, "vocab"}, {&c.patch_word, "patch_word"}, {&c.classes, "classes"}};
    for (const auto &row : table) *row.field = (int)number(f, row.name);
    c.theta = number(f, "theta"), c.enc_eps = c.llm_eps = number(f, "eps");
    c.beta1 = number(f, "beta1"), c.beta2 = number(f, "beta2"), c.adam_eps = number(f, "adam_eps");
    c.clip = number(f, "clip");
    return c;
}
// Its parameters into the model: all that the model has but the patch head, which the reference lacks.
template <class S> void golden_load(Net<S> &n, const SbCheckpoint &f) {
    for (int i = 0; i < n.m.params; i++) {
        std::string name = n.m.param[i]->name;
        if (name.find("head.patch") == 0) continue;
        Vec v = golden(f, name);
        long count = sb_param_count(n.m.param[i]);
        CHECK((long)v.size() == count, "%s has %zu elements, ours %ld", name.c_str(), v.size(), count);
        if ((long)v.size() == count) write<S>(weights<S>(n.m.param[i]), v);
    }
}
template <class S> void golden_batch(Net<S> &n, const SbCheckpoint &f) {
    Vec pixels = golden(f, "in.pixels"), sample = golden(f, "in.sample"), turn = golden(f, "in.turn");
    Vec token = golden(f, "in.token"), target = golden(f, "in.target"), vis = golden(f, "in.vis");
    Vec multi = golden(f, "in.rec_multi"), main_class = golden(f, "in.rec_main");
    Vec depth = golden(f, "in.reg_target");
    int patches = n.c.image / n.c.patch * (n.c.image / n.c.patch);
    for (size_t k = 0; k < main_class.size(); k++) add_image(n, n.c.image, n.c.image);
    for (size_t i = 0; i < pixels.size(); i++) n.b.pixels[i] = rounded<typename S::Real>(pixels[i]);
    for (size_t i = 0; i < multi.size(); i++) n.b.multi[i] = (typename S::Weight)multi[i];
    for (size_t i = 0; i < main_class.size(); i++) n.b.main_class[i] = (int)main_class[i];
    for (size_t i = 0; i < depth.size(); i++) if (depth[i] >= 0) sb_batch_depth(&n.b, &n.c, (int)i, depth[i]);
    for (size_t i = 0, j; i < token.size(); i = j) {        // rows [i, j): one image, or one turn
        if (i == 0 || sample[i] != sample[i - 1]) sb_batch_sample(&n.b);
        std::vector<int> words, targets;
        for (j = i; j < token.size() && sample[j] == sample[i] && turn[j] == turn[i]; j++) {
            if (turn[i] < 0 && j == i + (size_t)patches) break;
            words.push_back((int)token[j]), targets.push_back((int)target[j]);
        }
        if (turn[i] < 0) sb_batch_prefix_image(&n.b, &n.c, (int)vis[i] / patches);
        else sb_batch_turn(&n.b, &n.c, words.data(), targets.data(), NULL, (int)words.size());
    }
}
// Does the batch say what the file says: words, image tokens, targets, who sees whom, positions?
template <class S> void golden_check_batch(Net<S> &n, const SbCheckpoint &f, const std::string &variant) {
    Vec token = golden(f, "in.token"), vis = golden(f, "in.vis"), target = golden(f, "in.target");
    Vec keys = golden(f, "in." + variant + "_keys"), position = golden(f, "in." + variant + "_pos");
    Vec cosine = golden(f, "rope.cos"), sine = golden(f, "rope.sin");
    long rows = (long)token.size(), half = n.c.llm_width / n.c.llm_heads / 2, losses = 0;
    CHECK(n.b.n.llm == rows, "%ld rows, expected %ld", n.b.n.llm, rows);
    for (long i = 0; i < rows && n.b.n.llm == rows; i++) {
        int wrong = n.b.token[SB_BAG * i] != (int)token[i] || n.b.vis_row[i] != (int)vis[i];
        for (int j = 1; j < SB_BAG; j++) wrong |= n.b.token[SB_BAG * i + j] != -1;
        for (long j = 0; j < rows; j++) {
            const int *our = n.b.llm_keys + 4 * i;
            const double *k = &keys[4 * (size_t)i];
            wrong |= ((our[0] <= j && j < our[1]) || (our[2] <= j && j < our[3])) !=
                     ((k[0] <= j && j < k[1]) || (k[2] <= j && j < k[3]));
        }
        for (long j = 0; j < half; j++) {
            size_t at = (size_t)(position[i] * half + j);
            wrong |= fabs((double)n.b.rotation[2 * i * half + j] - cosine[at]) > FLT_EPSILON;
            wrong |= fabs((double)n.b.rotation[(2 * i + 1) * half + j] - sine[at]) > FLT_EPSILON;
        }
        if (target[i] >= 0) {
            wrong |= n.b.loss_row[losses] != i || n.b.target[losses] != (int)target[i];
            losses++;
        }
        CHECK(!wrong, "%s: row %ld of the batch is not the reference's", variant.c_str(), i);
    }
    CHECK(losses == n.b.n.loss, "%ld rows with loss, expected %ld", n.b.n.loss, losses);
}
template <class S> struct Goldens {     // one run of ours against the file
    Net<S> &n;
    const SbCheckpoint &f;
    Tally &tally;
    std::vector<Tensor> list;
    // noise: bounds for float; in double 1e-12 of the tensor's size
    void check(const std::string &name, const Vec &got, const Vec &want, Vec noise) {
        double size = largest(want);
        for (size_t i = 0; i < want.size() && i < noise.size(); i++) {
            if (sizeof(typename S::Real) == 8) noise[i] = 1e-12 * size + 1e-15;
            noise[i] += FLT_EPSILON / 2 * fabs(want[i]);
        }
        tally.add(name, got, want, noise);
    }
    void check(const std::string &name, const Vec &got, const Vec &noise) {
        check(name, got, golden(f, name), noise);
    }
    // our rows are rows of the file's tensor
    void rows(const std::string &name, const std::string &our, const int *row, long width) {
        Vec all = golden(f, name), got = at(our).value, want(got.size());
        for (size_t i = 0; i < got.size() && !all.empty(); i++)
            want[i] = all[row[i / width] * width + i % width];
        check(name, got, want, noise(our));
    }
    const Tensor &at(const std::string &name) {
        for (const Tensor &t : list) if (t.name == name) return t;
        CHECK(0, "no tensor %s", name.c_str());
        return list[0];
    }
    Vec noise(const std::string &our) { return roundings(list, (size_t)(&at(our) - list.data())); }
    void check(const std::string &name, const std::string &our) { check(name, at(our).value, noise(our)); }
    void loss(const std::string &name, double value, const std::string &last) {
        check(name, Vec(1, value), Vec(1, rounding(at(last).depth, value)));
    }
    void blocks(const std::string &prefix, const std::string &tower, int layers) {     // a block's output
        for (int l = 0; l < layers; l++) {
            std::string block = tower + "." + std::to_string(l) + ".";
            Vec out = at(block + "r2").value, y = at(block + "y2").value;
            Vec bound = noise(block + "r2"), more = noise(block + "y2");
            for (size_t i = 0; i < out.size(); i++) out[i] += y[i], bound[i] += more[i];
            check(prefix + block + "out", out, bound);
        }
    }
    void gradients(const std::string &stage) {
        for (size_t i = 0; i < list.size(); i++) {
            if (list[i].name.compare(0, 5, "grad ")) continue;
            std::string name = stage + ".grad." + list[i].name.substr(5);
            if (golden_find(f, name)) check(name, list[i].value, roundings(list, i));
            else CHECK(rms(list[i].value) == 0, "our %s is not 0, the reference has none", name.c_str());
        }
    }
};
template <class S> void golden_lm(const SbCheckpoint &f, const std::string &variant, Tally &tally) {
    SbConfig c = golden_config(f);
    c.isolate = c.restart = variant == "iso";
    Net<S> n(c, 1, ALL);
    golden_load(n, f), golden_batch(n, f), golden_check_batch(n, f, variant);
    double loss = step(n, LM, 1);
    Goldens<S> g = {n, f, tally, tensors(n)};
    g.loss(variant + ".loss", loss, "loss");
    g.blocks("dual.", "enc", c.enc_layers), g.check("dual.enc.norm", "feature"), g.check("dual.proj", "vis");
    g.check("llm.in", "t0"), g.blocks(variant + ".", "llm", c.llm_layers);
    g.check(variant + ".logits", "logits");
    g.rows(variant + ".llm.norm", "head_n", n.b.loss_row, c.llm_width);
    g.gradients(variant);
}
template <class S> void golden_encoder(const SbCheckpoint &f, Tally &tally) {
    SbConfig c = golden_config(f);
    Net<S> plain(c, 0, ALL), dual(c, 1, BOOST | SB_REG);
    golden_load(plain, f), golden_batch(plain, f);
    double loss = step(plain, RECOGNISE, 1);
    Goldens<S> g = {plain, f, tally, tensors(plain)};
    g.loss("rec.loss", loss, "main_logits");
    g.blocks("plain.", "enc", c.enc_layers), g.check("plain.enc.norm", "feature");
    g.check("rec.multi", "multi_logits"), g.check("rec.main", "main_logits"), g.gradients("rec");
    golden_load(dual, f), golden_batch(dual, f);
    loss = step(dual, REGRESS, 1);
    Goldens<S> h = {dual, f, tally, tensors(dual)};
    h.loss("reg.loss", loss, "reg_y");
    h.rows("reg.out", "reg_y", dual.b.reg_row, 1);
    h.gradients("reg");
}
// Three AdamW steps from the stored gradients: iso, flat, iso / 64. PyTorch clips by clip / (norm + 1e-6),
// hence the last term of the bound.
template <class S> void golden_adamw(const SbCheckpoint &f, Tally &tally) {
    SbConfig c = golden_config(f);
    Net<S> n(c, 1, ALL & ~(SB_HEADS | SB_REG));
    golden_load(n, f);
    Vec norms = golden(f, "adamw.norm");
    double lr = number(f, "lr"), eps = sizeof(typename S::Weight) == 4 ? FLT_EPSILON : DBL_EPSILON;
    for (int t = 1; t <= 3; t++) {
        for (int i = 0; i < n.m.params; i++) {
            if (!n.m.param[i]->grad) continue;
            Vec g = golden(f, (t == 2 ? "flat.grad." : "iso.grad.") + name_of(n.m.param[i]));
            for (double &x : g) x *= t == 3 ? 1 / 64.0 : 1;
            write<S>(n.m.param[i]->grad, g);
        }
        sb_update(&n.m, lr, number(f, "decay"), t);
        double norm = sb_norm(&n.m), want = norms[(size_t)t - 1];
        CHECK(fabs(norm - want) <= FLT_EPSILON * want, "norm of step %d: %.9g, expected %.9g", t, norm, want);
        for (int i = 0; i < n.m.params; i++) {
            std::string name = "adamw" + std::to_string(t) + "." + n.m.param[i]->name;
            if (t == 2 || !n.m.param[i]->grad) continue;
            Vec p = golden(f, name), bound;
            for (double x : p)
                bound.push_back((FLT_EPSILON / 2 + t * 1.5 * eps) * fabs(x) + t * (20 * eps + 1e-6) * lr);
            tally.add(name, n.weight(n.m.param[i]->name), p, bound);
        }
    }
}
static void golden_schedule(const SbCheckpoint &f) {
    Vec s = golden(f, "schedule");
    double warmup = number(f, "warmup") / number(f, "steps");
    for (size_t i = 0; i < s.size(); i++) {     // PyTorch begins with a step of rate 0, which we leave out
        double ours = sb_schedule(1, warmup, (long)i, (long)s.size());
        double want = s[i < number(f, "warmup") ? i + 1 : i];
        CHECK(fabs(ours - want) <= FLT_EPSILON, "step %zu: %.9g, expected %.9g", i, ours, want);
    }
}
template <class S> void goldens(const char *what) {
    SbCheckpoint f;
    Tally tally;
    sb_checkpoint_open(&f, "dev/goldens.safetensors");
    golden_lm<S>(f, "iso", tally), golden_lm<S>(f, "flat", tally);
    golden_encoder<S>(f, tally), golden_adamw<S>(f, tally), golden_schedule(f);
    tally.report(what);
    sb_checkpoint_close(&f);
}

// ----------------------------------------------------------------------------------------------- >>gradients
// d loss / dt at weights + t direction, by central differences of fourth order.
static double slope(Net<Double> &n, int objective, const f64::SbParam *p, const Vec &at,
                    const Vec &direction) {
    const double h = 5e-4, factor[4] = {8, -8, -1, 1}, where[4] = {1, -1, 2, -2};
    double sum = 0;
    for (int k = 0; k < 4; k++) {
        Vec moved = at;
        for (size_t i = 0; i < at.size(); i++) moved[i] += h * where[k] * direction[i];
        write<Double>(weights<Double>(p), moved);
        sum += factor[k] * step(n, objective, 0);
    }
    write<Double>(weights<Double>(p), at);
    return sum / (12 * h);
}
// What the labels of patches add to the loss: mean of -log softmax(logits)[label], 0 where there is no label.
static void check_patch_loss(void) {
    Net<Double> n(small_config(), 0, 0);
    add_samples(n, 1);
    double without = step(n, RECOGNISE, 0), with = step(n, RECOGNISE_PATCHES, 0), want = 0;
    int K = n.c.labels;
    Vec z = read<Double>(n.m.acts.patch_logits, n.b.n.vis * K);
    for (long v = 0; v < n.b.n.vis; v++) {
        double sum = 0;
        for (int k = 0; k < K; k++) sum += exp(z[v * K + k]);
        if (n.b.label[v] >= 0) want += log(sum) - z[v * K + n.b.label[v]];
    }
    want /= (double)n.b.n.vis;
    CHECK(fabs(with - without - want) < 1e-12, "patches add %g, expected %g", with - without, want);
    double labels = step(n, LABELS, 0), depth = step(n, REGRESS, 0), both = step(n, BOTH, 0);
    CHECK(fabs(labels - want) < 1e-12, "labels alone: %g, expected %g", labels, want);
    CHECK(fabs(both - depth - want) < 1e-12, "both: %g, expected %g", both, depth + want);
}
// Three elements and one random direction of every tensor that trains, from the gradients of the last step.
// The error is relative to the slope or the tensor's root mean square; below 1e-11 it is the noise of the
// difference quotient (loss eps / h). only: tensors whose name holds it. At least `least` have a gradient.
static void check_slopes(Net<Double> &n, int objective, const char *what, const char *only, int least) {
    double worst = 0;
    int checked = 0;
    for (int i = 0; i < n.m.params; i++) {
        const f64::SbParam *p = n.m.param[i];
        if (!p->grad || !strstr(p->name, only)) continue;
        Vec w = read<Double>(weights<Double>(p), sb_param_count(p)),
            g = read<Double>(p->grad, sb_param_count(p));
        double size = rms(g);
        for (int k = 0; k < 4; k++) {
            Vec d = k < 3 ? Vec(w.size()) : normals(std::string("direction ") + p->name, (long)w.size());
            if (k < 3) d[(size_t)pick(p->name, k, (int)w.size())] = 1;
            double length = rms(d) * sqrt((double)d.size()), want = 0;
            for (double &x : d) x /= length;
            for (size_t j = 0; j < d.size(); j++) want += d[j] * g[j];
            double error = fabs(slope(n, objective, p, w, d) - want), of = std::max(size, fabs(want));
            CHECK(error <= 1e-6 * of + 1e-11, "%s%s, %s: gradient %g, off by %g", objective_name[objective],
                  what, p->name, want, error);
            if (size > 1e-5) worst = std::max(worst, error / of);
        }
        checked += size > 1e-5;
    }
    printf("    %s%s: %d tensors, largest relative error %.1e\n", objective_name[objective], what, checked,
           worst);
    CHECK(checked >= least, "only %d tensors have a gradient", checked);
}
static void check_gradients(int objective, int dual) {
    Net<Double> n(tiny_config(), dual, ALL);
    add_samples(n, 1);
    step(n, objective, 1);
    if (objective == REGRESS || objective == BOTH) {
        // keep away from the joint of smooth L1; both pieces, both signs
        Vec y = read<Double>(n.m.acts.reg_y, n.b.n.reg);
        const double off[4] = {0.4, -0.6, 1.7, -2.2};
        for (long i = 0; i < n.b.n.reg; i++) n.b.reg_target[i] = y[i] + off[i % 4];
        step(n, objective, 1);
    }
    int least = objective == LM ? 56 : objective == LABELS ? 38 : 41;
    check_slopes(n, objective, dual ? "" : " (one channel)", "", least);
}

// ------------------------------------------------------------------------------------------------ >>rounding
// AdamW from identical gradients: where a true gradient is 0, rounding noise would decide the step.
static void check_rounding_of_update(Net<Single> &f, Net<Double> &d) {
    Tally tally;
    const double lr = 1e-3, decay = 0.05, eps = FLT_EPSILON, b2 = eps / (1 - f.c.beta2); // of 1 - beta2
    const int steps = 3;
    for (int i = 0; i < f.m.params; i++)
        write<Double>(d.m.param[i]->grad, read<Single>(f.m.param[i]->grad, sb_param_count(f.m.param[i])));
    for (int t = 1; t <= steps; t++) sb_update(&f.m, lr, decay, t), sb_update(&d.m, lr, decay, t);
    for (int i = 0; i < f.m.params; i++) {
        const auto *p = f.m.param[i];
        const auto *q = d.m.param[i];
        long count = sb_param_count(p);
        Vec w = read<Double>(weights<Double>(q), count), m = read<Double>(q->m, count),
            v = read<Double>(q->v, count);
        Vec bound[3];
        for (long j = 0; j < count; j++) {      // a step: three roundings of p, ten of the update (<= lr)
            bound[0].push_back(steps * (1.5 * eps * fabs(w[j]) + lr * (6 * eps + b2 / 4)));
            bound[1].push_back(steps * 2 * eps * fabs(m[j]));
            bound[2].push_back((steps * 2 * eps + b2 / 2) * v[j]);
        }
        tally.add(p->name, read<Single>(weights<Single>(p), count), w, bound[0]);
        tally.add(name_of(p) + " first moment", read<Single>(p->m, count), m, bound[1]);
        tally.add(name_of(p) + " second moment", read<Single>(p->v, count), v, bound[2]);
    }
    tally.report("parameters and moments after 3 updates");
}
static void check_rounding_of_step(Tally &tally, Net<Single> &f, Net<Double> &d, int objective) {
    double a = step(f, objective, 1), b = step(d, objective, 1);
    std::vector<Tensor> got = tensors(f), want = tensors(d);
    CHECK(fabs(a - b) <= rounding(want.back().depth / 2, b), "loss %.9g, in double %.9g", a, b);
    for (size_t i = 0; i < got.size(); i++)
        tally.add(got[i].name, got[i].value, want[i].value, roundings(want, i));
}
static void check_rounding(int objective) {
    Net<Single> f(small_config(), 1, ALL);
    Net<Double> d(small_config(), 1, ALL);
    add_samples(f, 1), add_samples(d, 1);
    Tally tally;
    check_rounding_of_step(tally, f, d, objective);
    tally.report(objective_name[objective]);
    if (objective == LM) check_rounding_of_update(f, d);
}

// ------------------------------------------------------------------------------------------ >>second channel
// y [n][out] = x [n][in] w^T + b, and back, the long way.
static Vec affine(const Vec &x, const Vec &w, const Vec &b, size_t in) {
    size_t out = b.size(), n = x.size() / in;
    Vec y(n * out);
    for (size_t i = 0; i < n; i++)
        for (size_t o = 0; o < out; o++) {
            y[i * out + o] = b[o];
            for (size_t k = 0; k < in; k++) y[i * out + o] += x[i * in + k] * w[o * in + k];
        }
    return y;
}
static void affine_back(Vec &d_x, Vec &d_w, Vec &d_b, const Vec &d_y, const Vec &x, const Vec &w, size_t in) {
    size_t out = w.size() / in, n = x.size() / in;
    d_x.resize(x.size()), d_w.assign(w.size(), 0), d_b.assign(out, 0);
    for (size_t i = 0; i < n; i++)
        for (size_t o = 0; o < out; o++) {
            d_b[o] += d_y[i * out + o];
            for (size_t k = 0; k < in; k++) {
                d_w[o * in + k] += d_y[i * out + o] * x[i * in + k];
                d_x[i * in + k] += d_y[i * out + o] * w[o * in + k];
            }
        }
}
// Attn(x) of one branch with its own output projection, as a textbook has it: per image, per head, per row.
struct Branch {
    std::string prefix;                 // "enc.0." or "enc.0.plus_"
    Vec q, k, v, p, o, y;
    std::map<std::string, Vec> grad;
};
// f(row, key, head, index) for all pairs that see each other
template <class F> void each_score(const int *keys, size_t n, int heads, F f) {
    for (size_t i = 0, at = 0; i < n; i++)
        for (int h = 0; h < heads; h++)
            for (int j = keys[4 * i]; j < keys[4 * i + 1]; j++) f(i, (size_t)j, (size_t)h, at++);
}
static void branch_forward(Branch &b, Net<Double> &n, const Vec &x, int heads, int dim) {
    size_t C = (size_t)n.c.enc_width, D = (size_t)dim, rows = x.size() / C;
    const int *keys = n.b.enc_keys;
    b.q = affine(x, n.weight(b.prefix + "q_w"), n.weight(b.prefix + "q_b"), C);
    b.k = affine(x, n.weight(b.prefix + "k_w"), n.weight(b.prefix + "k_b"), C);
    b.v = affine(x, n.weight(b.prefix + "v_w"), n.weight(b.prefix + "v_b"), C);
    Vec sum(rows * (size_t)heads);
    each_score(keys, rows, heads, [&](size_t i, size_t j, size_t h, size_t) {
        double s = 0;
        for (size_t d = h * D; d < (h + 1) * D; d++) s += b.q[i * C + d] * b.k[j * C + d];
        b.p.push_back(exp(s / sqrt((double)dim)));
        sum[i * (size_t)heads + h] += b.p.back();
    });
    b.o.resize(x.size());
    each_score(keys, rows, heads, [&](size_t i, size_t j, size_t h, size_t at) {
        b.p[at] /= sum[i * (size_t)heads + h];
        for (size_t d = h * D; d < (h + 1) * D; d++) b.o[i * C + d] += b.p[at] * b.v[j * C + d];
    });
    b.y = affine(b.o, n.weight(b.prefix + "o_w"), n.weight(b.prefix + "o_b"), C);
}
static void branch_backward(Branch &b, Vec &d_x, Net<Double> &n, const Vec &d_y, const Vec &x, int heads,
                            int dim) {
    size_t C = (size_t)n.c.enc_width, D = (size_t)dim, rows = x.size() / C;
    const int *keys = n.b.enc_keys;
    Vec d_o, d_q(x.size()), d_k(x.size()), d_v(x.size()), d_p(b.p.size()), mean(rows * (size_t)heads);
    affine_back(d_o, b.grad["o_w"], b.grad["o_b"], d_y, b.o, n.weight(b.prefix + "o_w"), C);
    each_score(keys, rows, heads, [&](size_t i, size_t j, size_t h, size_t at) {
        for (size_t d = h * D; d < (h + 1) * D; d++) {
            d_v[j * C + d] += b.p[at] * d_o[i * C + d];
            d_p[at] += d_o[i * C + d] * b.v[j * C + d];
        }
        mean[i * (size_t)heads + h] += b.p[at] * d_p[at];
    });
    each_score(keys, rows, heads, [&](size_t i, size_t j, size_t h, size_t at) {
        double d_s = b.p[at] * (d_p[at] - mean[i * (size_t)heads + h]) / sqrt((double)dim);
        for (size_t d = h * D; d < (h + 1) * D; d++) {
            d_q[i * C + d] += d_s * b.k[j * C + d];
            d_k[j * C + d] += d_s * b.q[i * C + d];
        }
    });
    affine_back(d_x, b.grad["q_w"], b.grad["q_b"], d_q, x, n.weight(b.prefix + "q_w"), C);
    affine_back(d_x, b.grad["k_w"], b.grad["k_b"], d_k, x, n.weight(b.prefix + "k_w"), C);
    affine_back(d_x, b.grad["v_w"], b.grad["v_b"], d_v, x, n.weight(b.prefix + "v_w"), C);
}
static void near(const std::string &name, const Vec &got, const Vec &want, double size) {
    double r = ratio(got, want, Vec(want.size(), 1e-12 * size));
    CHECK(r <= 1 && size > 0, "%s: error / bound = %g", name.c_str(), r);
}
// Head h's part of a branch: its columns of Wo times what it saw, and as much of the bias as every head has.
static Vec branch_part(const Branch &b, Net<Double> &n, size_t h, size_t heads, size_t dim) {
    size_t C = (size_t)n.c.enc_width;
    Vec o(b.o.size()), bias = n.weight(b.prefix + "o_b");
    for (size_t i = 0; i < o.size(); i++) o[i] = i % C / dim == h ? b.o[i] : 0;
    for (double &x : bias) x /= (double)heads;
    return affine(o, n.weight(b.prefix + "o_w"), bias, C);
}
// One block in double, random a, against y = sum over heads of alpha Attn_h(x) + (1 - alpha) Attn+_h(x), an a
// for each channel, head or layer; where heads share alpha the branches' gradients too, the long way (by head
// they are left to finite differences, dev/test_variants.h). down_w = 0 takes the MLP away, so that d_r is
// the gradient of y.
static void check_two_branches(int gate_by) {
    SbConfig config = small_config();
    config.gate_by = gate_by;
    Net<Double> n(config, 1, ALL);
    add_samples(n, 1);
    sb_batch_upload(&n.m, &n.b);
    auto &s = n.m.acts.enc[0];
    const auto *c = &n.m.enc_shape;
    long rows = n.b.n.enc, C = c->width;
    write<Double>(weights<Double>(n.param("enc.0.down_w")), Vec((size_t)(C * c->hidden)));
    write<Double>(n.m.acts.x0, normals("x", rows * C));
    f64::SbRows all = {0, rows, rows, n.m.acts.enc_keys, NULL};
    sb_block_forward(n.m.enc, c, &s, n.m.acts.x0, NULL, &all);
    Vec x = read<Double>(s.n1, rows * C), d_y = normals("d_y", rows * C), want(x.size()), d_x(x.size());
    write<Double>(n.m.acts.d_enc, d_y);
    sb_block_backward(n.m.enc, c, &s, n.m.acts.d_enc, &all, 1);

    Branch base = {"enc.0.", {}, {}, {}, {}, {}, {}, {}}, plus = {"enc.0.plus_", {}, {}, {}, {}, {}, {}, {}};
    branch_forward(base, n, x, c->heads, c->dim), branch_forward(plus, n, x, c->heads, c->dim);
    Vec a = n.weight("enc.0.a"), d_a(a.size()), d_base(want.size()), d_plus(want.size());
    size_t heads = (size_t)c->heads, sizes[] = {(size_t)C, heads, 1};
    CHECK(a.size() == sizes[gate_by], "gate_by %d: %zu numbers in a", gate_by, a.size());
    for (size_t h = 0; h < heads; h++) {
        Vec y = branch_part(base, n, h, heads, (size_t)c->dim),
            z = branch_part(plus, n, h, heads, (size_t)c->dim);
        for (size_t i = 0; i < want.size(); i++) {
            size_t at = gate_by == 0 ? i % (size_t)C : gate_by == 1 ? h : 0;
            double alpha = 1 / (1 + exp(-a[at]));
            want[i] += alpha * y[i] + (1 - alpha) * z[i];
            d_base[i] = alpha * d_y[i], d_plus[i] = (1 - alpha) * d_y[i];
            d_a[at] += d_y[i] * (y[i] - z[i]) * alpha * (1 - alpha);
        }
    }
    near("y1", read<Double>(s.y1, rows * C), want, rms(want));
    near("gradient of a", read<Double>(n.param("enc.0.a")->grad, (long)a.size()), d_a, rms(d_a));
    if (gate_by == 1) return;
    branch_backward(base, d_x, n, d_base, x, c->heads, c->dim);
    branch_backward(plus, d_x, n, d_plus, x, c->heads, c->dim);
    near("gradient of n1", read<Double>(s.d_n1, rows * C), d_x, rms(d_x));
    for (Branch *b : {&base, &plus})
        for (const auto &g : b->grad) {
            const auto *p = n.param(b->prefix + g.first);
            near(p->name, read<Double>(p->grad, sb_param_count(p)), g.second,
                 std::max(rms(g.second), rms(b->grad[g.first.substr(0, 2) + "w"])));
        }
}
// Attn+ a copy of Attn, which is how it starts: with a = 0 (random = 0) and with any a the encoder is the
// base encoder but for rounding. Per layer, from the same input,
//     |y1 - base| <= 2 gamma(2HD + extra) (sum |Wo| |o| + |b|),
// where extra covers alpha and 1 - alpha, which are exact at a = 0: there Wc is halves of Wo and bc is b, bit
// for bit, whatever has an a of its own.
static void check_copy(int random, int gate_by) {
    SbConfig config = small_config();
    config.gate_by = gate_by;
    Net<Single> plain(config, 0, ALL), dual(config, 1, BOOST);
    for (auto *n : {&plain, &dual}) add_samples(*n, 1);
    sb_model_random(&dual.m, random ? SB_PLUS : SB_PLUS | SB_ALPHA, 1, 1);
    step(plain, RECOGNISE, 0);
    sb_batch_upload(&dual.m, &dual.b);
    const SbShape *c = &dual.m.enc_shape;
    long rows = plain.b.n.enc, C = c->width, M = c->heads * c->dim;
    double terms = 2 * M + (random ? 4 : 0), gamma = terms * FLT_EPSILON / (1 - terms * FLT_EPSILON);
    double top = 0;
    for (int l = 0; l < plain.c.enc_layers; l++) {
        const SbBlockActs &p = plain.m.acts.enc[l];
        SbBlockActs &d = dual.m.acts.enc[l];
        SbRows all = {0, rows, rows, dual.m.acts.enc_keys, NULL};
        sb_block_forward(dual.m.enc + l, c, &d, p.r1, NULL, &all);
        Vec o = read<Single>(p.att, rows * M), both = read<Single>(d.att, rows * 2 * M), bound;
        std::string block = "enc." + std::to_string(l) + ".";
        Vec w = plain.weight(block + "o_w"), b = plain.weight(block + "o_b");
        Vec wc = read<Single>(d.wc, C * 2 * M), bc = read<Single>(d.bc, C);
        int same = 1, halves = 1;
        for (long k = 0; k < C; k++) {
            for (long j = 0; j < 2 * M; j++)
                halves &= wc[k * 2 * M + j] == number(rounded<real>(w[k * M + j % M] / 2));
            halves &= bc[k] == number(rounded<real>(b[k]));
        }
        CHECK(random || halves, "layer %d: at a = 0 the folded weights are not halves of the base's", l);
        for (long i = 0; i < rows; i++) {
            for (long j = 0; j < 2 * M; j++) same &= both[2 * i * M + j] == o[i * M + j % M];
            for (long k = 0; k < C; k++) {
                double sum = fabs(b[k]);
                for (long j = 0; j < M; j++) sum += fabs(w[k * M + j] * o[i * M + j]);
                bound.push_back(2 * (gamma + OP_COARSE) * sum);         // bf16: of w, of both results
            }
        }
        CHECK(same, "layer %d: the copy's heads are not the base's, bit for bit", l);
        double r = ratio(read<Single>(d.y1, rows * C), read<Single>(p.y1, rows * C), bound);
        CHECK(r <= 1, "layer %d: difference / bound = %g", l, r);
        top = std::max(top, r);
    }
    sb_encoder_forward(&dual.m);
    Vec got = read<Single>(dual.m.acts.feature, rows * C);
    Vec want = read<Single>(plain.m.acts.feature, rows * C);
    double r = ratio(got, want, Vec(want.size(), 2 * rounding(60, largest(want))));
    CHECK(r <= 1, "features: difference / bound = %g", r);
    CHECK(got != want, "the second channel was not computed at all");
    printf("    %s by %s: difference / bound: largest %.4f in a layer, %.3f in the features\n",
           random ? "any a" : "a = 0", sb_gate_names[gate_by], top, r);
}
template <class S> std::vector<Vec> all_weights(Net<S> &n) {
    std::vector<Vec> out;
    for (int i = 0; i < n.m.params; i++)
        out.push_back(read<S>(weights<S>(n.m.param[i]), sb_param_count(n.m.param[i])));
    return out;
}
template <class S> std::vector<Vec> all_gradients(Net<S> &n) {
    std::vector<Vec> out;
    for (int i = 0; i < n.m.params; i++)
        out.push_back(n.m.param[i]->grad ? read<S>(n.m.param[i]->grad, sb_param_count(n.m.param[i])) : Vec());
    return out;
}
// Several updates of stage boost: what is frozen keeps every bit, every tensor that trains moves.
static void check_frozen(void) {
    Net<Single> n(small_config(), 1, BOOST);
    add_samples(n, 1);
    std::vector<Vec> before = all_weights(n);
    double first = step(n, LM, 1), last = 0;
    for (int t = 1; t <= 5; t++) last = step(n, LM, 1), sb_update(&n.m, 3e-3, 0.05, t);
    std::vector<Vec> after = all_weights(n);
    for (int i = 0; i < n.m.params; i++) {
        int train = (n.m.param[i]->group & BOOST) != 0;
        CHECK((before[i] != after[i]) == train, "%s %s", n.m.param[i]->name,
              train ? "trains, but did not move" : "is frozen, but moved");
    }
    CHECK(last < first, "the loss went from %g to %g", first, last);
}
// The first moment after one step is (1 - beta1) times the clipped gradient.
static void check_clipping(void) {
    Net<Double> n(small_config(), 1, BOOST);
    add_samples(n, 1);
    for (double share : {0.5, 0.95, 1.05, 0.0}) {       // of the gradient's norm; 0: never
        sb_model_train(&n.m, BOOST);
        step(n, LM, 1);
        double norm = 0, kept = 0, all = 0;
        for (Vec &g : all_gradients(n)) for (double x : g) all += x * x;
        n.m.config.clip = share * sqrt(all);
        sb_update(&n.m, 0, 0, 1);
        all = sb_norm(&n.m);
        for (int i = 0; i < n.m.params; i++) {
            if (!n.m.param[i]->grad) continue;
            long count = sb_param_count(n.m.param[i]);
            for (double x : read<Double>(n.m.param[i]->grad, count)) norm += x * x;
            for (double x : read<Double>(n.m.param[i]->m, count)) kept += x * x;
        }
        double want = (1 - n.c.beta1) * (share > 0 && share < 1 ? share : 1) * sqrt(norm);
        CHECK(fabs(sqrt(kept) - want) < 1e-12 * want && fabs(all - sqrt(norm)) < 1e-12 * all,
              "clipped at %g of the norm %g: moment %g, expected %g", share, all, sqrt(kept), want);
    }
}
// Freezing groups leaves loss and all other gradients as they are, bit for bit, and so does sharing scratch
// between layers (keep = 0, as in training): what a backward needs is saved for every set of groups.
static void check_freezing(void) {
    const int masks[] = {ALL, SB_BASE, SB_PLUS, SB_ALPHA, SB_PROJ, SB_LLM, SB_HEADS, SB_REG, BOOST,
                         SB_BASE | SB_HEADS, SB_PROJ | SB_LLM, SB_PLUS | SB_ALPHA,
                         SB_PLUS | SB_ALPHA | SB_REG, ALL & ~SB_LLM, ALL & ~SB_BASE};
    Net<Single> n(small_config(), 1, ALL);
    add_samples(n, 1);
    for (int objective = 0; objective < OBJECTIVES; objective++) {
        n.m.acts.keep = 1;
        sb_model_train(&n.m, ALL);
        double loss = step(n, objective, 1);
        std::vector<Vec> want = all_gradients(n);
        for (int mask : masks) {
            n.m.acts.keep = 0;
            sb_model_train(&n.m, mask);
            const char *name = objective_name[objective];
            CHECK(step(n, objective, 1) == loss, "%s, mask %d: another loss", name, mask);
            std::vector<Vec> got = all_gradients(n);
            for (int i = 0; i < n.m.params; i++) {
                const SbParam *p = n.m.param[i];
                CHECK(got[i].empty() == !(p->group & mask), "%s: wrong group", p->name);
                CHECK(got[i].empty() || got[i] == want[i], "%s, mask %d: %s changes", name, mask, p->name);
            }
        }
    }
}

// --------------------------------------------------------------------------------------------------- >>masks
// Who sees whom from where, by the rule: a row sees what came before it in its sample, of the turns only its
// own if isolate = 1; positions count from 0, and in every turn from the end of the prefix if restart = 1.
static void check_masks(int isolate, int restart) {
    SbConfig c = small_config();
    c.isolate = isolate, c.restart = restart;
    Net<Double> n(c, 1, 0);
    struct Row { int sample, turn, position; };
    std::vector<Row> rows;
    int map[2][3] = {{3, 4, -1}, {-1, 1, 6}}, image = add_image(n, c.patch, c.image);
    for (int sample = 0; sample < 4; sample++) {            // an image, a map, both, neither
        int position = 0, prefix = 0;
        sb_batch_sample(&n.b);
        if (sample % 2 == 0) sb_batch_prefix_image(&n.b, &n.c, image);
        if (sample == 1 || sample == 2) sb_batch_prefix_map(&n.b, &n.c, map[0], 2);
        for (int turn = -1; turn < 3; turn++) {
            if (turn >= 0) add_turn(n, 2 + turn, 1);
            if (turn == 0) prefix = position;
            if (turn >= 0 && restart) position = prefix;
            while ((long)rows.size() < n.b.n.llm) rows.push_back({sample, turn, position++});
        }
    }
    for (size_t i = 0; i < rows.size(); i++) {
        const int *k = n.b.llm_keys + 4 * i, dim = c.llm_width / c.llm_heads;
        for (int j = 0; j < (int)rows.size(); j++) {
            int past = rows[j].sample == rows[i].sample && j <= (int)i;
            int want = past && (rows[j].turn < 0 || rows[j].turn == rows[i].turn || !isolate);
            int sees = (k[0] <= j && j < k[1]) + (k[2] <= j && j < k[3]);
            CHECK(sees == want, "isolate %d: row %zu sees row %d %d times", isolate, i, j, sees);
        }
        for (int d = 0; d < dim / 2; d++) {
            double angle = rows[i].position * pow(c.theta, -2.0 * d / dim);
            const double *r = n.b.rotation + i * dim + d;
            CHECK(fabs(r[0] - cos(angle)) + fabs(r[dim / 2] - sin(angle)) < 1e-12,
                  "restart %d: row %zu is not at position %d", restart, i, rows[i].position);
        }
    }
}

// Rows of the encoder for images of two sizes: CLS, or a patch's pixels by w [C][3 P P] (channel, y, x), each
// with the position of its place in the grid.
static void check_patches(void) {
    Net<Double> n(small_config(), 0, 0);
    int P = n.c.patch, side = n.c.image, grid = side / P, size[2][2] = {{2 * P, side}, {side, P}};
    for (auto &s : size) add_image(n, s[0], s[1]);
    step(n, RECOGNISE, 0);
    Vec w = n.weight("enc.patch_w"), b = n.weight("enc.patch_b"), cls = n.weight("enc.cls"), want;
    Vec pos = n.weight("enc.pos"), got = read<Double>(n.m.acts.x0, n.b.n.enc * n.c.enc_width);
    const double *image = n.b.pixels;
    for (auto &s : size) {
        for (int k = -1; k < s[0] / P * (s[1] / P); k++)
            for (int c = 0; c < n.c.enc_width; c++) {
                int y0 = k < 0 ? 0 : k / (s[0] / P), x0 = k < 0 ? 0 : k % (s[0] / P);
                double sum = k < 0 ? cls[c] + pos[c] : b[c] + pos[(1 + y0 * grid + x0) * n.c.enc_width + c];
                for (int j = 0; j < (k < 0 ? 0 : 3 * P * P); j++) {
                    int y = y0 * P + j % (P * P) / P, x = x0 * P + j % P;
                    sum += w[c * 3 * P * P + j] * image[3 * (y * s[0] + x) + j / (P * P)];
                }
                want.push_back(sum);
            }
        image += 3 * s[0] * s[1];
    }
    double r = ratio(got, want, Vec(want.size(), 1e-12));
    CHECK(r <= 1, "rows of patches: error / bound = %g", r);
}

// ------------------------------------------------------------------------------------------------ >>KV cache
template <class S> void prompt(Net<S> &n, int images) {
    sb_batch_clear(&n.b);
    for (int k = 0; k < images; k++) add_image(n, k ? n.c.patch : n.c.image, n.c.image);
    sb_batch_sample(&n.b);
    for (int k = 0; k < images; k++) sb_batch_prefix_image(&n.b, &n.c, k);
    add_turn(n, 4, 3), add_turn(n, 2, 2), add_turn(n, 5, 1);
}
template <class S> void vision(Net<S> &n) {
    sb_batch_upload(&n.m, &n.b);
    if (n.m.n.images) sb_encoder_forward(&n.m), sb_projector_forward(&n.m);
}
template <class S> Vec logits(Net<S> &n, long row) {
    std::vector<typename S::Real> host((size_t)n.c.vocab);
    sb_llm_logits(&n.m, row, host.data());
    return Vec(host.begin(), host.end());
}
template <class S> void poison(Net<S> &n) {     // everything that the LLM computes = NaN
    const auto *c = &n.m.llm_shape;
    SB_BLOCK_WIDTHS(c);
    long rows = n.m.n.llm;
    write<S>(n.m.acts.t0, Vec((size_t)(rows * c->width), NAN));
    for (int l = 0; l < n.c.llm_layers; l++) {
        auto &s = n.m.acts.llm[l];
#define X(type, name, row, saved) write<S>(s.name, Vec((size_t)(rows * (row)), NAN));
        SB_BLOCK_ACTS(X)
#undef X
    }
}
// What two ways of summing the same logits may differ by.
template <class S> double slack(const Vec &logits) {
    return sizeof(typename S::Real) < 8 ? rounding(26, largest(logits)) : 1e-12 * largest(logits);
}
// Logits of every row, all rows at once and by ranges of rows over the keys and values of those before.
template <class S> double cached(Net<S> &n) {
    const int ranges[] = {1, 2, 5, 1, 1, 3, 16, 1, 4};
    vision(n);
    sb_llm_forward(&n.m, 0, n.m.n.llm);
    std::vector<Vec> full;
    for (long row = 0; row < n.m.n.llm; row++) full.push_back(logits(n, row));
    poison(n);
    double worst = 0;
    for (long row0 = 0, k = 0; row0 < n.m.n.llm; k++) {
        long count = std::min((long)ranges[k % 9], n.m.n.llm - row0);
        sb_llm_forward(&n.m, row0, count);
        for (long row = row0; row < row0 + count; row++)
            worst = std::max(worst, ratio(logits(n, row), full[row], Vec(n.c.vocab, slack<S>(full[row]))));
        row0 += count;
    }
    return worst;
}
struct Stop { int word, calls; };
static int stop_at(void *context, int word) {
    Stop *s = (Stop *)context;
    s->calls++;
    return word == s->word;
}
// sb_generate's words are the largest logits of a forward pass over everything before them.
template <class S> int generated(Net<S> &n, int images) {
    enum { MAX = 7 };
    int word[MAX], again[MAX], distinct = 0;
    Stop never = {-1, 0};
    prompt(n, images);
    int count = sb_generate(&n.m, &n.b, word, MAX, stop_at, &never);
    CHECK(count == MAX && never.calls == MAX, "%d words and %d calls, expected %d", count, never.calls, MAX);
    prompt(n, images);
    for (int k = 0; k < count; k++) {
        vision(n);
        poison(n);
        sb_llm_forward(&n.m, 0, n.m.n.llm);
        Vec l = logits(n, n.m.n.llm - 1);
        double top = *std::max_element(l.begin(), l.end());
        CHECK(l[word[k]] >= top - slack<S>(l), "word %d: logit %g, the largest is %g", k, l[word[k]], top);
        sb_batch_tokens(&n.b, &n.c, word + k, NULL, NULL, 1);
        distinct += std::find(word, word + k, word[k]) == word + k;
    }
    Stop third = {word[2], 0};
    prompt(n, images);
    count = sb_generate(&n.m, &n.b, again, MAX, stop_at, &third);
    CHECK(again[count - 1] == word[2] && count == 1 + (int)(std::find(word, word + MAX, word[2]) - word) &&
          std::equal(again, again + count, word), "stopped after %d words", count);
    return distinct;
}
template <class S> void check_cache(const char *what) {
    double worst = 0;
    int distinct = 0;
    for (int mode = 0; mode < 12; mode++) {
        SbConfig c = small_config();
        c.isolate = mode & 1, c.restart = mode >> 1 & 1;
        Net<S> n(c, 1, 0);
        n.m.acts.keep = 0;
        Vec words = n.weight("llm.emb");        // small, so that what is said depends on what blocks compute
        for (double &x : words) x *= 0.2;
        write<S>(weights<S>(n.param("llm.emb")), words);
        prompt(n, mode >> 2);
        double r = cached(n);
        CHECK(r <= 1, "isolate %d, restart %d, %d images: difference / bound = %g", c.isolate, c.restart,
              mode >> 2, r);
        worst = std::max(worst, r);
        distinct += generated(n, mode >> 2);
    }
    printf("    %s: 12 modes, difference / bound: largest %.3f; %d distinct words\n", what, worst, distinct);
    CHECK(distinct > 15, "only %d distinct words: a constant would pass", distinct);
}

// ------------------------------------------------------------------------------------------------- >>threads
// Sizes at which every loop with an `if` is parallel.
static SbConfig wide_config(void) {
    SbConfig c = small_config();
    c.image = 32, c.enc_width = 64, c.enc_heads = 4, c.enc_mlp = 160, c.llm_width = 64, c.llm_mlp = 160;
    c.vocab = 300, c.patch_word = 200, c.enc_layers = c.llm_layers = 1;
    return c;
}
static std::vector<Vec> train(int threads, int objective, int steps) {
    Threads set(threads);
    Net<Single> n(wide_config(), 1, ALL);
    add_samples(n, 4);
    std::vector<Vec> out;
    for (int t = 1; t <= steps; t++) {
        out.push_back(Vec(1, step(n, objective, 1)));
        for (Vec &g : all_gradients(n)) out.push_back(g);
        sb_update(&n.m, 1e-3, 0.05, t);
        out.push_back(Vec(1, sb_norm(&n.m)));
    }
    for (Vec &w : all_weights(n)) out.push_back(w);
    return out;
}
static SB_UNUSED void check_threads(int objective, int steps, const std::vector<int> &counts) {
    std::vector<Vec> want = train(1, objective, steps);
    for (int threads : counts)
        CHECK(train(threads, objective, steps) == want, "%s: other bits with %d threads than with one",
              objective_name[objective], threads);
}

// -------------------------------------------------------------------------------------------------- >>memory
// How a child process that runs f ends: 0, or the signal that killed it.
template <class F> int ending(F f) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        Threads one(1);                 // the parent's threads do not exist here
        signal(SIGSEGV, SIG_DFL), signal(SIGBUS, SIG_DFL);
        f();
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}
static void touch(const void *p) {
    volatile const char *c = (volatile const char *)p;
    (void)*c;
}
template <class S> std::vector<Vec> run_everything(Net<S> &n) {
    std::vector<Vec> out;
    int word[4];
    Stop never = {-1, 0};
    add_samples(n, 1);
    for (int t = 1; t <= OBJECTIVES; t++) {
        out.push_back(Vec(1, step(n, t - 1, 1)));
        sb_update(&n.m, 1e-3, 0.05, t);
    }
    sb_model_random(&n.m, SB_PLUS, 1, 1);
    for (Vec &w : all_weights(n)) out.push_back(w);
    prompt(n, 1);
    int count = sb_generate(&n.m, &n.b, word, 4, stop_at, &never);
    out.push_back(Vec(word, word + count));
    return out;
}
} // namespace proof

// --------------------------------------------------------------------------------------------------- >>tests
static void test_goldens_double(void) { proof::goldens<proof::Double>("double against PyTorch"); }
static void test_goldens_float(void) { proof::goldens<proof::Single>("float against PyTorch"); }
static void test_model_gradients(void) {
    for (int objective = 0; objective < proof::OBJECTIVES; objective++) proof::check_gradients(objective, 1);
    proof::check_gradients(proof::RECOGNISE_PATCHES, 0);
    proof::check_patch_loss();
}
static void test_model_rounding(void) {
    for (int objective : {proof::LM, proof::RECOGNISE_PATCHES, proof::BOTH})
        proof::check_rounding(objective);
}
static void test_second_channel(void) {
    for (int by = 0; by < 3; by++) proof::check_two_branches(by);
}
static void test_second_channel_start(void) {
    for (int by = 0; by < 3; by++) proof::check_copy(0, by), proof::check_copy(1, by);
}
static void test_frozen_tensors(void) { proof::check_frozen(); }
static void test_clipping(void) { proof::check_clipping(); }
static void test_freezing(void) { proof::check_freezing(); }
static void test_masks(void) {
    for (int mode = 0; mode < 4; mode++) proof::check_masks(mode & 1, mode >> 1);
}
static void test_patches(void) { proof::check_patches(); }
static void test_kv_cache(void) {
    proof::check_cache<proof::Double>("double"), proof::check_cache<proof::Single>("float");
}
static void test_model_threads(void) {
#ifdef _OPENMP
    proof::check_threads(proof::LM, 3, {2, 3, 5});
    proof::check_threads(proof::RECOGNISE_PATCHES, 1, {3}), proof::check_threads(proof::REGRESS, 1, {2});
#else
    SKIP("built without OpenMP");
#endif
}
static void test_guarded_memory(void) {
#ifdef SB_GPU
    SKIP("it compares bits with the CPU's");
#endif
    SbConfig c = proof::small_config();
    proof::Net<proof::Single> open(c, 1, proof::ALL);
    proof::Net<proof::Guarded> n(c, 1, proof::ALL);
    int steps = proof::ending([&] { proof::run_everything(n); });
    CHECK(steps == 0, "a step touched a tensor outside of the operations: signal %d", steps);
    if (steps) return;
    CHECK(proof::run_everything(n) == proof::run_everything(open), "guarded memory changes the numbers");
    const void *pointers[] = {n.m.param[3]->w.p, n.m.param[3]->grad, n.m.acts.feature, n.m.acts.llm[1].qkv,
                              n.m.acts.token};
    for (const void *p : pointers) {
        int how = proof::ending([p] { proof::touch(p); });
        CHECK(how == SIGSEGV || how == SIGBUS, "host code touched a tensor and ended with %d", how);
        how = proof::ending([p] { float x; proof::Guarded::get(&x, p, sizeof x); });
        CHECK(how == 0, "sb_get ended with %d", how);
    }
}
// Bytes that all activations of a boost take with so many layers and rows of the encoder.
static size_t acts_bytes(int layers, long rows) {
    SbConfig c = sb_config_preset(SB_MINI);
    SbModel m;
    SbSizes n;
    memset(&n, 0, sizeof n);
    c.enc_layers = layers, n.enc = rows;
    sb_model_plan(&m, &c, SB_DUAL);
    sb_model_train(&m, SB_PLUS | SB_ALPHA | SB_PROJ);
    sb_acts_reserve(&m, n);
    size_t bytes = m.acts.bytes;
    sb_model_free(&m);
    return bytes;
}
// What a layer with two channels keeps of a row: the 15 C of the table at the end of dev/cuda/attention.cu,
// log-sum-exp of 2H heads, mean and rstd of two norms. 800 rows: reserved are 900, and 1,800 of 1,600.
static void test_model_keeps(void) {
    SbConfig c = sb_config_preset(SB_MINI);
    size_t more = acts_bytes(3, 1600) - acts_bytes(3, 800) - (acts_bytes(2, 1600) - acts_bytes(2, 800));
    size_t row = 15 * (size_t)c.enc_width * sizeof(real) + (2 * (size_t)c.enc_heads + 4) * sizeof(stat_t);
    CHECK(c.enc_mlp == 4 * c.enc_width && more == 900 * row, "%zu bytes of 900 rows, expected %zu", more,
          900 * row);
}
// From the second step on nothing is allocated, nothing uploaded once kernels are under way, and the host
// waits only when it asks for loss and norm: so the next batch can be rendered meanwhile.
#if defined CUDA_SHIM_H && !defined SB_FP32 // it counts calls to a GPU
static void test_model_waits(void) {
    const shim::Device *d = &shim::device;
    for (int stage = 0; stage < STAGES; stage++) {
        Run *r = bare_run(stage, "toy");
        long allocations = 0, waits = 0, launches = 0;
        read_batch(r, 0);
        for (long step = 1; step <= 2; step++) {
            allocations = d->allocations, waits = d->waits, launches = shim::launches;
            all_parts(r), sb_update(&r->model, 1e-3, 0, step);
            CHECK(step == 1 || (d->allocations == allocations && d->waits == waits),
                  "%s, step %ld: %ld allocations, %ld waits", stages[stage].name, step,
                  d->allocations - allocations, d->waits - waits);
            CHECK(d->put == launches && shim::launches > launches, "%s: copied while kernels run",
                  stages[stage].name);
            sb_loss(&r->model), sb_norm(&r->model);
            CHECK(d->waits > waits, "%s: the loss comes without waiting", stages[stage].name);
        }
        free_run(r);
    }
}
#endif
static void test_model_all(void) {
    proof::Threads one(1);
    RUN(test_goldens_double);
    RUN(test_goldens_float);
    RUN(test_model_gradients);
    RUN(test_model_rounding);
    RUN(test_second_channel);
    RUN(test_second_channel_start);
    RUN(test_frozen_tensors);
    RUN(test_clipping);
    RUN(test_freezing);
    RUN(test_masks);
    RUN(test_patches);
    RUN(test_kv_cache);
    RUN(test_model_threads);
    RUN(test_model_keeps);
#if defined CUDA_SHIM_H && !defined SB_FP32
    RUN(test_model_waits);
#endif
    RUN(test_guarded_memory);
}
#endif
