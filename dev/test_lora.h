// test_lora.h: LoRA of the encoder (data/lora.h): gradients, the step, merging, files. Behind test_model.h
// and test_runs.h.
//
// Refuses: to trust the operations that LoRA is written with. Gradients are those of finite differences, the
// step that of a dense model and of AdamW's closed form, W that of the long way. Read from top: a model with
// LoRA, gradients, steps, start and merging; then the program.
#ifndef SB_TEST_LORA_H
#define SB_TEST_LORA_H
namespace proof {

enum { LORA = SB_LAST | SB_LORA };

// A model whose W are random and whose LoRA has begun. B random too, unless still = 1.
template <class S, class L> struct LoraNet : Net<S> {
    L l;
    LoraNet(const SbConfig &config, int parts, const char *targets, int rank, double alpha, int groups,
            int still)
        : Net<S>(config, parts, 0) {
        auto &m = this->m;
        sb_model_free(&m);
        sb_model_plan(&m, &this->c, parts);
        sb_lora_plan(&l, &m, sb_lora_targets(targets), rank, alpha);
        sb_model_memory(&m);
        m.acts.keep = 1;
        this->randomise();
        sb_lora_begin(&l, &m, 1);
        for (int k = 0; k < l.matrices && !still; k++) {
            long n = sb_param_count(&l.matrix[k].b);
            write<S>(weights<S>(&l.matrix[k].b), normals(name_of(&l.matrix[k].b), n));
        }
        sb_lora_merge(&l);
        sb_model_train(&m, groups);
        add_samples(*this, 1);
    }
    ~LoraNet() { sb_model_free(&this->m), sb_lora_free(&l); }
    Vec value(const typename S::Param *p) { return read<S>(weights<S>(p), sb_param_count(p)); }
};
typedef LoraNet<Single, ::SbLora> LoraSingle;
typedef LoraNet<Double, f64::SbLora> LoraDouble;

// W0 + s B A, one term after another.
static Vec lora_product(const Vec &w0, const Vec &a, const Vec &b, double s, size_t rank) {
    size_t in = a.size() / rank;
    Vec w = w0;
    for (size_t i = 0; i < w.size(); i++)
        for (size_t k = 0; k < rank; k++) w[i] += s * b[i / in * rank + k] * a[k * in + i % in];
    return w;
}
// Every element of A and B of one matrix a target, through the loss of a dialogue: fourth-order differences
// of what the merged model computes; bound as in check_slopes.
static void check_lora_gradients(void) {
    SbConfig c = tiny_config();
    c.enc_gated = 1;
    LoraDouble n(c, 1, "q,k,v,o,gate,up,down", 3, 5, LORA | BOOST, 0);
    const double h = 5e-4, factor[4] = {8, -8, -1, 1}, where[4] = {1, -1, 2, -2};
    double worst = 0;
    step(n, LM, 1), sb_lora_backward(&n.l);
    CHECK(n.l.matrices == 7 * c.enc_layers, "%d matrices, expected %d", n.l.matrices, 7 * c.enc_layers);
    for (int k = 0; k < n.l.matrices; k++) {
        const f64::SbParam *both[2] = {&n.l.matrix[k].a, &n.l.matrix[k].b}, *w = n.l.matrix[k].w;
        CHECK(rms(read<Double>(w->grad, sb_param_count(w))) == 0, "%s keeps a gradient", w->name);
        for (const f64::SbParam *p : both) {
            Vec at = n.value(p), g = read<Double>(p->grad, sb_param_count(p));
            CHECK(rms(g) > 1e-6, "%s has no gradient", p->name);
            for (int j = 0; j < 3; j++) {
                size_t i = (size_t)pick(p->name, j, (int)at.size());
                double sum = 0;
                for (int d = 0; d < 4; d++) {
                    Vec moved = at;
                    moved[i] += h * where[d];
                    write<Double>(weights<Double>(p), moved), sb_lora_merge(&n.l);
                    sum += factor[d] * step(n, LM, 0);
                }
                write<Double>(weights<Double>(p), at), sb_lora_merge(&n.l);
                double error = fabs(sum / (12 * h) - g[i]), of = std::max(rms(g), fabs(g[i]));
                CHECK(error <= 1e-6 * of + 1e-11, "%s[%zu]: gradient %g, off by %g", p->name, i, g[i], error);
                worst = std::max(worst, error / of);
            }
        }
    }
    printf("    LoRA: %d matrices, largest relative error %.1e\n", n.l.matrices, worst);
}
// With A = 1, s = 1 and B = 0, LoRA of full rank is the dense model: dB = dW, dA = 0, so AdamW moves B as it
// would move W. What else is added is 0, so they are equal up to few roundings in double: 1e-12 of W's and
// the step's size. Clipped far below the norm, which is that of B's and the projector's gradients.
static void check_lora_full_rank(void) {
    SbConfig c = tiny_config();
    c.enc_mlp = 8, c.adam_eps = 1e-3, c.clip = 1e-3;
    LoraDouble n(c, 0, "q,o,up", 8, 8, LORA | SB_PROJ, 1);
    c.last_layers = c.enc_layers;
    Net<Double> dense(c, 0, SB_LAST | SB_PROJ);
    for (int k = 0; k < n.l.matrices; k++) {
        Vec one(64);
        for (int i = 0; i < 8; i++) one[(size_t)(9 * i)] = 1;
        write<Double>(weights<Double>(&n.l.matrix[k].a), one);
    }
    for (int i = 0; i < dense.m.params; i++) {  // the dense model too trains the targets only
        f64::SbParam *p = dense.m.param[i];
        std::string tail = strrchr(p->name, '.');
        if (tail != ".q_w" && tail != ".o_w" && tail != ".up_w") p->group &= ~SB_LAST;
        if (!strncmp(p->name, "llm.", 4)) p->group &= ~SB_LAST;
    }
    sb_model_train(&dense.m, SB_LAST | SB_PROJ);
    add_samples(dense, 1);
    double a = step(n, LM, 1), b = step(dense, LM, 1);
    CHECK(a == b, "loss %.17g, of the dense model %.17g", a, b);
    const double lr = 0.03;
    sb_lora_update(&n.l, &n.m, lr, 0, 1), sb_update(&dense.m, lr, 0, 1);
    double norm = sb_norm(&n.m), want = sb_norm(&dense.m), most = 0;
    int moved = 0;
    CHECK(fabs(norm - want) <= 1e-12 * want && want > 2 * c.clip, "norm %.15g, expected %.15g", norm, want);
    for (int i = 0; i < dense.m.params; i++) {
        const f64::SbParam *p = dense.m.param[i];
        Vec got = n.weight(p->name), to = dense.weight(p->name);
        double off = 0;
        for (size_t k = 0; k < to.size(); k++) off = std::max(off, fabs(got[k] - to[k]));
        CHECK(off <= 1e-12 * (rms(to) + lr), "%s is off by %g", p->name, off);
        if (p->grad) most = std::max(most, off);
        if (p->group & SB_LAST) CHECK(to != n.value(&n.l.matrix[moved++].start), "%s stays", p->name);
    }
    printf("    LoRA of full rank against the dense step: off by at most %.1e\n", most);
}
// The first step in closed form: s dW A^T and s B^T dW by plain loops from the gradient of W; g clipped by
// the norm of all that trains but W; AdamW's first step is lr (g / (|g| + eps) + decay p). Bound 1e-11 of the
// size: sums of at most 12 terms in double, and with eps = 1e-3 a step moves by at most lr / eps = 10 times
// what its gradient is off.
static void check_lora_step(void) {
    SbConfig c = tiny_config();
    c.adam_eps = 1e-3, c.clip = 0.02;
    LoraDouble n(c, 1, "k,down", 3, 4.5, LORA | BOOST, 0);
    const double lr = 0.01, decay = 0.1, s = 1.5;
    step(n, LM, 1);
    std::vector<Vec> ga, gb, a, b;
    double squares = 0;
    for (int i = 0; i < n.m.params; i++)
        if (n.m.param[i]->grad && !(n.m.param[i]->group & LORA))
            for (double g : read<Double>(n.m.param[i]->grad, sb_param_count(n.m.param[i]))) squares += g * g;
    for (int k = 0; k < n.l.matrices; k++) {
        const auto &x = n.l.matrix[k];
        size_t in = (size_t)x.w->w.cols, out = (size_t)x.w->w.rows;
        Vec d_w = read<Double>(x.w->grad, sb_param_count(x.w)), da(3 * in), db(out * 3);
        a.push_back(n.value(&x.a)), b.push_back(n.value(&x.b));
        for (size_t o = 0; o < out; o++)
            for (size_t r = 0; r < 3; r++)
                for (size_t i = 0; i < in; i++) {
                    da[r * in + i] += s * b.back()[o * 3 + r] * d_w[o * in + i];
                    db[o * 3 + r] += s * d_w[o * in + i] * a.back()[r * in + i];
                }
        for (double g : da) squares += g * g;
        for (double g : db) squares += g * g;
        ga.push_back(da), gb.push_back(db);
    }
    sb_lora_update(&n.l, &n.m, lr, decay, 1);
    double norm = sqrt(squares), share = c.clip / norm;
    CHECK(share < 1 && fabs(sb_norm(&n.m) - norm) < 1e-12 * norm, "norm %g, expected %g", sb_norm(&n.m),
          norm);
    for (int k = 0; k < n.l.matrices; k++) {
        const auto &x = n.l.matrix[k];
        for (int which = 0; which < 2; which++) {
            Vec &at = which ? b[(size_t)k] : a[(size_t)k], &g = which ? gb[(size_t)k] : ga[(size_t)k];
            for (size_t i = 0; i < at.size(); i++)
                at[i] -= lr * (share * g[i] / (fabs(share * g[i]) + c.adam_eps) + decay * at[i]);
            near(which ? x.b.name : x.a.name, n.value(which ? &x.b : &x.a), at, 10 * rms(at));
        }
        Vec w = lora_product(n.value(&x.start), a[(size_t)k], b[(size_t)k], s, 3);
        near(x.w->name, n.value(x.w), w, 10 * rms(w));
    }
}
// At the start nothing changes, bit for bit, and A is uniform in +-1/sqrt(in): its mean and mean square are
// those of 1/sqrt(3 in) within five standard errors of n numbers (kurtosis 9/5: that of the square is .9).
static void check_lora_start(void) {
    SbConfig c = small_config();
    LoraSingle n(c, 0, "q,k,v,o,up,down", 5, 10, LORA, 1);
    Net<Single> plain(c, 0, 0);
    add_samples(plain, 1);
    double sum = 0, squares = 0, most = 0, count = 0;
    for (int i = 0; i < plain.m.params; i++) {
        const char *name = plain.m.param[i]->name;
        CHECK(n.weight(name) == plain.weight(name), "%s changes at the start", name);
    }
    CHECK(step(n, LM, 0) == step(plain, LM, 0), "another loss at the start");
    for (int k = 0; k < n.l.matrices; k++) {
        double unit = sqrt((double)n.l.matrix[k].a.w.cols);
        for (double x : n.value(&n.l.matrix[k].a)) {
            sum += unit * x, squares += unit * x * unit * x, most = std::max(most, fabs(unit * x)), count++;
        }
        CHECK(rms(n.value(&n.l.matrix[k].b)) == 0, "B is not 0");
    }
    CHECK(fabs(sum / count) < 5 / sqrt(3 * count), "A has a mean of %g", sum / count);
    CHECK(fabs(3 * squares / count - 1) < 5 * 0.9 / sqrt(count) && most <= 1 && most > 0.99,
          "A's mean square is %g of a uniform one's, its largest %g", 3 * squares / count, most);
}
// Three steps in float, saved as finished: the file holds the merged W and not W0, whoever loads it computes
// what the model computed, bit for bit, and W is W0 + s B A up to rank + 2 roundings of its parts.
static void check_lora_merge(void) {
    LoraSingle n(small_config(), 1, "q,v,up", 4, 8, LORA | BOOST, 0);
    SbNotes notes;
    SbCheckpoint f;
    memset(&notes, 0, sizeof notes);
    for (int t = 1; t <= 3; t++) step(n, LM, 1), sb_lora_update(&n.l, &n.m, 1e-2, 0, t);
    sb_model_save(&n.m, test_path("lora.safetensors"), 0, &notes);
    double loss = step(n, LM, 0), worst = 0;
    Vec feature = read<Single>(n.m.acts.feature, n.b.n.enc * n.c.enc_width);
    for (int k = 0; k < n.l.matrices; k++) {
        const auto &x = n.l.matrix[k];
        Vec a = n.value(&x.a), b = n.value(&x.b), start = n.value(&x.start), w = n.value(x.w), size;
        Vec want = lora_product(start, a, b, 2, 4);
        for (Vec *v : {&a, &b, &start})
            for (double &y : *v) y = fabs(y);
        size = lora_product(start, a, b, 2, 4);
        for (size_t i = 0; i < w.size(); i++)
            worst = std::max(worst, fabs(w[i] - want[i]) / (6 * FLT_EPSILON / 2 * size[i]));
    }
    CHECK(worst <= 1 && worst > 0.05, "W is off by %.2f of the bound", worst);
    sb_checkpoint_open(&f, test_path("lora.safetensors"));
    CHECK(sb_checkpoint_find(&f, "lora.enc.1.up_w.a") && sb_checkpoint_find(&f, "lora.enc.0.q_w.b") &&
              !sb_checkpoint_find(&f, "lora.enc.0.q_w.start"),
          "the file has not what it should");
    sb_checkpoint_close(&f);
    SbModel other;
    sb_model_load(&other, test_path("lora.safetensors"));
    sb_step_lm(&other, &n.b, 0);
    CHECK(sb_loss(&other) == loss, "another loss from the file");
    CHECK(read<Single>(other.acts.feature, n.b.n.enc * n.c.enc_width) == feature, "other features");
    sb_model_free(&other);
}
} // namespace proof

static void test_lora_gradients(void) { proof::check_lora_gradients(); }
static void test_lora_full_rank(void) { proof::check_lora_full_rank(); }
static void test_lora_step(void) { proof::check_lora_step(); }
static void test_lora_start(void) { proof::check_lora_start(); }
static void test_lora_merge(void) { proof::check_lora_merge(); }
// The program: killed and resumed to the same bytes; what is frozen keeps its bits; a second LoRA of another
// rank begins on the first one's result; what is refused.
static void test_lora_run(void) {
    if (!test_base()) return;
    CHECK(!test_shell("(t='@B/train boost --from @T/base/instruct.safetensors --out @T/low --tune lora "
                      "--rank 3 --matrices v,o,down --steps 16' && $t --to whole && for k in .2 .3 .4; do "
                      "timeout -s KILL $k $t --to parts --save_every 0.01; done; $t --to parts && cmp "
                      "@T/low/whole.safetensors @T/low/parts.safetensors && cmp @T/low/whole.csv "
                      "@T/low/parts.csv)"),
          "killed and resumed: %s", test_said());
    CHECK(!test_shell("@B/train boost --from @T/low/whole.safetensors --out @T/low --tune lora --rank 2 "
                      "--steps 2 --to again"),
          "on top of another: %s", test_said());
    SbCheckpoint f, base;
    if (!sb_exists(test_path("low/whole.safetensors"))) return;
    sb_checkpoint_open(&f, test_path("low/whole.safetensors"));
    sb_checkpoint_open(&base, test_path("base/instruct.safetensors"));
    int moved = 0;
    for (int i = 0; i < base.tensors; i++) {
        const SbFileTensor *t = base.tensor + i, *u = sb_checkpoint_find(&f, t->name);
        std::string tail = strrchr(t->name, '.');
        int enc = !strncmp(t->name, "enc.", 4), on = !strncmp(t->name, "proj.", 5);
        on |= enc && (tail == ".v_w" || tail == ".o_w" || tail == ".down_w");
        CHECK(u && on == !!memcmp(t->data, u->data, (size_t)sb_tensor_bytes(t, "")), "%s %s", t->name,
              on ? "stays as it is" : "moves");
        moved += on;
    }
    CHECK(moved >= 8, "only %d tensors train", moved);
    sb_checkpoint_close(&f), sb_checkpoint_close(&base);
    static const struct {
        const char *flags, *error;
    } bad[] = {{"--rank 3", "--rank means something with --tune lora only"},
               {"--tune last --last_layers 1 --matrices q", "--matrices means something with --tune lora"},
               {"--from @T/low/whole.safetensors --tune last", "give --last_layers"},
               {"--tune lora --rank 33", "--rank 33: enc.0.q_w is [32,32]"},
               {"--tune lora --rank_alpha 0", "--rank_alpha 0"},
               {"--tune lora --matrices q,q", "each once"},
               {"--tune lora --matrices qk", "expected some of"},
               {"--tune lora --matrices=", "expected some of"},
               {"--tune lora --matrices q,gate", "this encoder's blocks have no gate"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(test_shell("@B/train boost --from @T/base/instruct.safetensors --out @T/low %s",
                         bad[i].flags) == 1 &&
                  strstr(test_said(), bad[i].error),
              "%s: %s", bad[i].flags, test_said());
}
// An encoder's folder of the hub: the targets are copied, all else is read where it lies, and no number
// changes.
static void test_lora_folder(void) {
    SbFolder f;
    SbConfig c = sb_config_preset(SB_TOY);
    SbModel plain, m;
    SbLora l;
    int targets = 0, groups = proof::LORA;
    sb_folder_open(&f, "dev/goldens_models/dinov3_vit_gated");
    sb_family_config(&f, &c, 0);
    sb_model_plan(&plain, &c, 0), sb_family_bind(&f, &plain, 0), sb_model_memory(&plain);
    sb_model_plan(&m, &c, 0);
    sb_lora_plan(&l, &m, sb_lora_targets("k,gate"), 2, 4);
    sb_family_bind(&f, &m, groups), sb_model_memory(&m), sb_family_fill(&f, &m, groups);
    sb_lora_begin(&l, &m, 1), sb_lora_merge(&l), sb_model_train(&m, groups);
    for (int i = 0; i < plain.params; i++) {
        const SbParam *p = m.param[i], *q = plain.param[i];
        std::string tail = strrchr(p->name, '.');
        if (strncmp(p->name, "enc.", 4)) continue;
        int on = tail == ".k_w" || tail == ".gate_w";
        std::vector<param_t> x((size_t)sb_param_count(p)), y(x.size());
        sb_param_read(x.data(), p), sb_param_read(y.data(), q);
        int same = x == y;
        CHECK((p->adopted == 0) == on && (p->grad != NULL) == on, "%s is %s", p->name,
              on ? "not copied" : "copied");
        CHECK(same, "%s has other numbers", p->name);
        targets += on;
    }
    CHECK(targets == 2 * c.enc_layers && l.matrices == targets, "%d targets", targets);
    sb_model_free(&m), sb_lora_free(&l), sb_model_free(&plain), sb_folder_close(&f);
}
// Two flags of one name: the second could never be set.
static void test_flag_names(void) {
    SbFlag flag[FLAGS_MAX];
    Options o = default_options();
    SbConfig c = sb_config_preset(SB_MINI);
    int flags = make_flags(flag, &o, &c);
    for (int i = 0; i < flags; i++)
        for (int k = 0; k < i; k++)
            CHECK(!sb_flag_is(flag + k, flag[i].name, strlen(flag[i].name)), "two flags are called --%s",
                  flag[i].name);
}
static void test_lora_all(void) {
    proof::Threads one(1);
    RUN(test_lora_gradients);
    RUN(test_lora_full_rank);
    RUN(test_lora_step);
    RUN(test_lora_start);
    RUN(test_lora_merge);
    RUN(test_lora_folder);
    RUN(test_lora_run);
    RUN(test_flag_names);
}
#endif
