// test_variants.h: the block's and the towers' variants that pretrained families use (SB_CONFIG_FAMILY), and
// what saves memory: adopted weights, parts of a batch, recomputed layers. dev/test_model.h comes first.
//
// Refuses: to compare with itself what another can judge. Gradients are those of finite differences in
// double, float is held against double; what must change nothing is compared bit for bit; the arithmetic of
// the families themselves is in dev/test_families.h.
#ifndef SB_TEST_VARIANTS_H
#define SB_TEST_VARIANTS_H
namespace proof {

// Settings that together use every row of SB_CONFIG_FAMILY away from its default.
struct Family {
    const char *name;
    int least;          // tensors with a gradient in a dialogue
    void (*set)(SbConfig *c);
};
static const Family families[] = {
    {"registers, LayerScale, gated, shared o, a by head, untied", 63,
     [](SbConfig *c) {
         c->enc_registers = 2, c->enc_scaled = c->enc_gated = c->share_o = c->gate_by = 1, c->llm_tied = 0,
         c->agg_scale = .7;
     }},
    {"no CLS, no norm behind, gelu by tanh, no biases of q, k and patches, a by layer, head size of the LLM",
     53,
     [](SbConfig *c) {
         c->enc_cls = 0, c->enc_final = 0, c->enc_act = 1, c->enc_bias = 4 | 8 | 16, c->llm_dim = 6;
         c->gate_by = 2;
     }},
    {"axial rotation, no positions, key without bias, registers, LLM without biases, llama3 rope", 53,
     [](SbConfig *c) {
         c->enc_rope = 100, c->enc_pos = 0, c->enc_bias = 63 & ~2, c->enc_registers = 1, c->llm_bias = 0;
         c->theta = 50, c->rope_factor = 8, c->rope_original = 40;
     }},
    {"norm in front, quick gelu, no biases of o and MLP, twice the heads, each with an a", 52,
     [](SbConfig *c) {
         c->enc_pre = 1, c->enc_act = 2, c->enc_bias = 1 | 2 | 4 | 32, c->gate_by = 1;
         c->enc_dim = c->enc_width / c->enc_heads, c->enc_heads *= 2;
     }},
};
static void check_variant(const Family &v) {
    SbConfig c = tiny_config();
    v.set(&c);
    Net<Double> n(c, 1, ALL);
    add_samples(n, 1);
    step(n, LM, 1);
    check_slopes(n, LM, (std::string(" (") + v.name + ")").c_str(), "", v.least);
}
static void check_variant_rounding(const Family &v) {
    SbConfig c = small_config();
    v.set(&c);
    Net<Single> f(c, 1, ALL);
    Net<Double> d(c, 1, ALL);
    add_samples(f, 1), add_samples(d, 1);
    Tally tally;
    check_rounding_of_step(tally, f, d, LM);
    tally.report(v.name);
}
// The gradient and loss of a dialogue, scratch shared between layers as in training.
static std::vector<Vec> lean_step(Net<Single> &n, int recompute, int groups) {
    n.m.acts.keep = 0, n.m.recompute = recompute;
    sb_model_train(&n.m, groups);
    std::vector<Vec> out(1, Vec(1, step(n, LM, 1)));
    for (Vec &g : all_gradients(n)) out.push_back(g);
    out.push_back(Vec(1, (double)n.m.acts.bytes));
    return out;
}
// Layers that are computed again give the same bits, and take less memory.
static void check_recompute(void) {
    SbConfig c = small_config();
    c.enc_layers = 4, c.llm_layers = 3, c.enc_scaled = 1;
    Net<Single> n(c, 1, ALL);
    add_samples(n, 1);
    for (int groups : {(int)ALL, (int)BOOST}) {
        std::vector<Vec> want = lean_step(n, 0, groups), got = lean_step(n, 1, groups);
        double kept = want.back()[0], lean = got.back()[0];
        want.pop_back(), got.pop_back();
        CHECK(got == want, "groups %d: layers that are computed again change the numbers", groups);
        CHECK(lean < 0.75 * kept, "groups %d: %g bytes instead of %g", groups, lean, kept);
    }
}
// The last blocks alone train: their gradients are those of the whole encoder, and the others have none.
static void check_last(void) {
    SbConfig c = small_config();
    c.enc_layers = 3, c.last_layers = 2;
    Net<Single> n(c, 0, SB_BASE);
    add_samples(n, 1);
    step(n, LM, 1);
    std::vector<Vec> want = all_gradients(n);
    n.m.acts.keep = 0;
    sb_model_train(&n.m, SB_LAST);
    step(n, LM, 1);
    std::vector<Vec> got = all_gradients(n);
    int trained = 0;
    for (int i = 0; i < n.m.params; i++) {
        std::string name = n.m.param[i]->name;
        int last = !name.compare(0, 6, "enc.1.") || !name.compare(0, 6, "enc.2.");
        CHECK(got[i].empty() == !last && (!last || got[i] == want[i]), "%s: %s", name.c_str(),
              last ? "another gradient" : "trains");
        trained += last;
    }
    CHECK(trained == 32, "%d tensors train, expected 32", trained);
}
// A batch in two parts, gradients added: the loss and gradients of the whole, up to the order of sums.
static void check_parts(void) {
    Net<Double> n(small_config(), 1, ALL);
    int side = n.c.image;
    Vec losses;
    std::vector<Vec> whole, parts;
    auto sample = [&](int k) {
        int image = add_image(n, side, side);
        for (long i = 0; i < 3L * side * side; i++)
            n.b.pixels[(image * side * side) * 3L + i] = (float)(pick("part", 9999 * k + i, 999) / 500.0 - 1);
        sb_batch_sample(&n.b);
        sb_batch_prefix_image(&n.b, &n.c, image);
        int word[6] = {1, 2, 3, 4, 5, 6}, target[6] = {-1, -1, 7 + k, 8, k ? 9 : -1, k ? 10 : -1};
        sb_batch_turn(&n.b, &n.c, word, target, NULL, 6);
    };
    sb_batch_clear(&n.b), sample(0), sample(1);
    double want = step(n, LM, 1), got = 0;
    whole = all_gradients(n);
    n.m.answers = (double)n.b.n.loss;
    for (int k = 0; k < 2; k++) {
        sb_batch_clear(&n.b), sample(k);
        got += step(n, LM, k ? 2 : 1);
    }
    parts = all_gradients(n);
    CHECK(fabs(got - want) <= 1e-12 * want, "loss of the parts %.15g, of the whole %.15g", got, want);
    for (int i = 0; i < n.m.params; i++)
        if (!whole[i].empty() && rms(whole[i]) > 1e-9)
            near(n.m.param[i]->name, parts[i], whole[i], rms(whole[i]));
}
// Weights that lie elsewhere: in float the same bits as weights of the model's own, in bf16 (rounded first)
// the same numbers up to rounding, and none of them can train.
static void check_adopted(void) {
    SbConfig c = small_config();
    c.llm_tied = 0;
    Net<Single> own(c, 1, BOOST);
    add_samples(own, 1);
    for (int bf16 = 0; bf16 < 2; bf16++) {
        SbModel m;
        std::vector<std::vector<uint16_t>> narrow;
        std::vector<std::vector<float>> wide;
        sb_model_plan(&m, &c, SB_DUAL);
        size_t planned = m.weight_bytes;
        narrow.reserve((size_t)m.params), wide.reserve((size_t)m.params);
        for (int i = 0; i < m.params; i++) {
            long count = sb_param_count(m.param[i]);
            if (m.param[i]->group & BOOST) continue;
            Vec v = own.weight(m.param[i]->name);
            narrow.push_back({}), wide.push_back({});
            for (long k = 0; k < count; k++) {
                float x = (float)v[k];
                uint32_t bits;
                memcpy(&bits, &x, 4);
                narrow.back().push_back((uint16_t)(bits >> 16));
                bits = bf16 ? bits >> 16 << 16 : bits;
                memcpy(&x, &bits, 4);
                wide.back().push_back(x), v[k] = x;
            }
            write<Single>(weights<Single>(own.m.param[i]), v);
            sb_model_adopt(&m, m.param[i], bf16 ? (void *)narrow.back().data() : (void *)wide.back().data(),
                           bf16 ? SB_BF16 : SB_F32);
        }
        sb_model_memory(&m);
        CHECK(m.weight_bytes < planned / 2 && m.adopted_bytes > 0, "%zu bytes of %zu", m.weight_bytes,
              planned);
        for (int i = 0; i < m.params; i++)
            if (!m.param[i]->adopted)
                write<Single>(weights<Single>(m.param[i]), own.weight(m.param[i]->name));
        sb_model_train(&m, BOOST);
        sb_step_lm(&m, &own.b, 1);
        double loss = step(own, LM, 1);
        // bf16 is read by other loops, which may fuse other products: rounding; 100: a depth above any here
        double off = fabs(sb_loss(&m) - loss), bound = bf16 ? rounding(100, loss) : 0;
        CHECK(off <= bound, "%s: loss off by %g, bound %g", bf16 ? "bf16" : "float", off, bound);
        for (int i = 0; i < m.params; i++) {
            if (!m.param[i]->grad) continue;
            Vec got = read<Single>(m.param[i]->grad, sb_param_count(m.param[i]));
            Vec want = read<Single>(own.m.param[i]->grad, sb_param_count(m.param[i]));
            double size = largest(want);
            std::string matrix = m.param[i]->name;      // a bias's terms may cancel: as large as its matrix's
            matrix.back() = 'w';
            if (own.param(matrix) && own.param(matrix)->grad)
                size = std::max(size, largest(read<Single>(own.param(matrix)->grad,
                                                           sb_param_count(own.param(matrix)))));
            double r = bf16 ? ratio(got, want, Vec(want.size(), rounding(100, size))) : got != want;
            CHECK(bf16 ? r <= 1 : r == 0, "%s: gradient of %s: %g", bf16 ? "bf16" : "float",
                  m.param[i]->name, r);
        }
        if (!bf16) EXPECT_DIE(sb_model_train(&m, ALL), "was adopted: it cannot train");
        sb_model_free(&m);
    }
}
// SigLIP's pooling head, the long way, in double; its heads stay as they are where the blocks have twice as
// many.
static void check_pool(void) {
    SbConfig c = small_config();
    c.enc_cls = 0, c.enc_pool = c.enc_act = 1, c.enc_dim = c.enc_width / c.enc_heads, c.enc_heads *= 2;
    Net<Double> n(c, 0, 0);
    add_samples(n, 1);
    step(n, RECOGNISE, 0);
    sb_pool_forward(&n.m);
    size_t C = (size_t)c.enc_width, D = (size_t)c.enc_dim;
    Vec x = read<Double>(n.m.acts.feature, n.b.n.enc * (long)C), q, k, v, got;
    q = affine(n.weight("pool.probe"), n.weight("pool.q_w"), n.weight("pool.q_b"), C);
    k = affine(x, n.weight("pool.k_w"), n.weight("pool.k_b"), C);
    v = affine(x, n.weight("pool.v_w"), n.weight("pool.v_b"), C);
    got = read<Double>(n.m.acts.pooled, n.b.n.images * (long)C);
    for (int image = 0; image < n.b.n.images; image++) {
        size_t from = (size_t)n.b.image_vis[image], to = (size_t)n.b.image_vis[image + 1];
        Vec o(C), y, u, g;
        for (size_t h = 0; h < C; h += D) {
            double sum = 0;
            for (int pass = 0; pass < 2; pass++)
                for (size_t i = from; i < to; i++) {
                    double s = 0;
                    for (size_t d = h; d < h + D; d++) s += q[d] * k[i * C + d];
                    double p = exp(s / sqrt((double)D));
                    if (!pass) sum += p;
                    for (size_t d = h; d < (pass ? h + D : h); d++) o[d] += p / sum * v[i * C + d];
                }
        }
        y = affine(o, n.weight("pool.o_w"), n.weight("pool.o_b"), C);
        double mean = 0, var = 0;
        for (double e : y) mean += e / (double)C;
        for (double e : y) var += (e - mean) * (e - mean) / (double)C;
        Vec w = n.weight("pool.norm_w"), b = n.weight("pool.norm_b");
        for (size_t i = 0; i < C; i++) u.push_back((y[i] - mean) / sqrt(var + c.enc_eps) * w[i] + b[i]);
        g = affine(u, n.weight("pool.w1"), n.weight("pool.b1"), C);
        for (double &e : g)
            e = 0.5 * e * (1 + tanh(sqrt(2 / 3.141592653589793) * (e + 0.044715 * e * e * e)));
        g = affine(g, n.weight("pool.w2"), n.weight("pool.b2"), g.size());
        for (size_t i = 0; i < C; i++) g[i] += y[i];
        near("pooled", Vec(got.begin() + image * (long)C, got.begin() + (image + 1) * (long)C), g, rms(g));
    }
}
} // namespace proof

static void test_variant_gradients(void) {
    for (const proof::Family &v : proof::families) proof::check_variant(v);
}
static void test_variant_rounding(void) {
    for (const proof::Family &v : proof::families) proof::check_variant_rounding(v);
}
static void test_variant_pool(void) { proof::check_pool(); }
static void test_variant_recompute(void) { proof::check_recompute(); }
static void test_variant_last(void) { proof::check_last(); }
static void test_variant_parts(void) { proof::check_parts(); }
static void test_variant_adopted(void) { proof::check_adopted(); }
static void test_variants_all(void) {
    proof::Threads one(1);
    RUN(test_variant_gradients);
    RUN(test_variant_rounding);
    RUN(test_variant_pool);
    RUN(test_variant_recompute);
    RUN(test_variant_last);
    RUN(test_variant_parts);
    RUN(test_variant_adopted);
}
#endif
