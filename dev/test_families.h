// test_families.h: folders of the hub: what is read from them, and what the models in them compute.
//
// Refuses: to download. Part of test_spatialboost.c; run by test_families_all. dev/goldens_models/ holds a
// tiny folder of every family with what transformers or open_clip compute from it (dev/goldens_models.py).
// Read from top: helpers, reading (names, configs, half precision), arithmetic against the goldens, one key
// ignored at a time, what is refused.
#ifndef SB_TEST_FAMILIES_H
#define SB_TEST_FAMILIES_H
#include "../data/export.h"
#include "test.h"
#include <string>
#include <vector>

namespace families {

static const char *const encoders[] = {"dinov2", "dinov2_giant", "dinov2_with_registers", "dinov3_vit",
                                       "dinov3_vit_gated", "siglip", "siglip_vision_model", "clip",
                                       "clip_vision_model", "open_clip", "open_clip_scaled"};
static const char *const languages[] = {"qwen2", "llama", "smollm2"};

static std::string golden(const char *name) { return std::string("dev/goldens_models/") + name; }

// A new folder with a golden's files. In its config, from (if any) becomes to, once.
static std::string copy(const char *name, const char *from = "", const char *to = "") {
    static int number;
    std::string in = golden(name), out = test_path(sb_format("family%d", number++));
    int count, changed = !*from;
    char **file = sb_list_folder(in.c_str(), &count);
    for (int i = 0; i < count; i++) {
        size_t size;
        if (strstr(file[i], "expected")) continue;
        char *data = sb_read_file((in + "/" + file[i]).c_str(), &size);
        std::string text(data, size);
        size_t at = strstr(file[i], "config.json") && *from ? text.find(from) : text.npos;
        if (at != text.npos) text.replace(at, strlen(from), to), changed = 1;
        sb_write_file((out + "/" + file[i]).c_str(), text.data(), text.size());
        free(data);
    }
    CHECK(changed, "%s: no \"%s\" in its config", name, from);
    sb_free_names(file, count);
    return out;
}
static void put(const std::string &path, const char *text) {
    sb_write_file(path.c_str(), text, strlen(text));
}

// A folder as a model, its memory in place.
struct Opened {
    SbFolder f;
    SbConfig c;
    SbModel m;
    explicit Opened(const std::string &dir, int trained = 0, int image = 0, void (*change)(SbConfig *) = NULL,
                    int select = 0, int parts = 0) {
        sb_folder_open(&f, dir.c_str());
        c = sb_config_preset(SB_TOY);
        sb_family_config(&f, &c, select);
        if (image) c.image = image;
        if (change) change(&c);
        sb_model_plan(&m, &c, parts | (sb_family_channels(&f) == SB_EXPORT_DUAL ? SB_DUAL : 0));
        sb_family_bind(&f, &m, trained);
        sb_model_memory(&m);
        sb_family_fill(&f, &m, trained);
    }
    ~Opened() { sb_model_free(&m), sb_folder_close(&f); }
    Opened(const Opened &) = delete;
};

// ------------------------------------------------------------------------------------------------- >>reading

// Every tensor of every golden is used, or known as one that no forward pass needs.
static void names() {
    for (const char *name : encoders) {
        Opened o(golden(name));
        for (int i = 0; i < o.f.tensors; i++)
            CHECK(o.f.tensor[i].used || sb_family_needless(sb_family_of(&o.f), o.f.tensor[i].t->name),
                  "%s: %s is not used", name, o.f.tensor[i].t->name);
    }
    for (const char *name : languages) {
        Opened o(golden(name));
        for (int i = 0; i < o.f.tensors; i++)
            CHECK(o.f.tensor[i].used, "%s: %s is not used", name, o.f.tensor[i].t->name);
    }
}

// Change one tensor of a copied folder's weights: dropped (what 0), retyped as F64 (1), one row less (2),
// NaN (3), with a dimension of 1 more at its end (4).
static std::string damaged(const char *golden_name, const char *tensor, int what) {
    std::string dir = copy(golden_name), path = dir + "/model.safetensors";
    SbCheckpoint c;
    sb_checkpoint_open(&c, path.c_str());
    std::vector<SbFileTensor> t;
    std::vector<char> data;
    for (int i = 0; i < c.tensors; i++) {
        SbFileTensor one = c.tensor[i];
        if (!strcmp(one.name, tensor)) {
            if (what == 0) continue;
            data.assign(8 * sb_tensor_bytes(&one, "") + 64, 0);
            memcpy(data.data(), one.data, sb_tensor_bytes(&one, ""));
            one.data = data.data();
            if (what == 1) one.type = "F64";
            if (what == 2) one.shape[0]--;
            if (what == 4) one.shape[one.rank++] = 1;
            if (what == 3) memset(data.data() + 4, 0xFF, 4);
        }
        t.push_back(one);
    }
    sb_checkpoint_write(path.c_str(), t.data(), (int)t.size(), NULL, 0);
    sb_checkpoint_close(&c);
    return dir;
}

static void unfit() {
    const char *one = "encoder.layer.1.attention.attention.key.bias";
    std::string dropped = damaged("dinov2", one, 0), typed = damaged("dinov2", one, 1);
    std::string shorter = damaged("dinov2", one, 2), nan = damaged("dinov2", one, 3);
    EXPECT_DIE(Opened o(dropped), "attention.key.bias: expected F32, BF16 or F16 [24], found nothing");
    EXPECT_DIE(Opened o(typed), "found F64 [24]");
    EXPECT_DIE(Opened o(shorter), "1 tensors do not fit its config.json (dinov2)");
    EXPECT_DIE(Opened o(shorter), "found F32 [23]");
    EXPECT_DIE(Opened o(nan), "attention.key.bias is not finite at element 1");
    std::string flat = damaged("dinov2", "encoder.layer.1.attention.attention.key.weight", 4);
    EXPECT_DIE(Opened o(flat), "key.weight: expected F32, BF16 or F16 [24,24], found F32 [24,24,1]");
    // all that is wrong in one error
    std::string wide = copy("dinov2", "\"mlp_ratio\": 2", "\"mlp_ratio\": 3");
    EXPECT_DIE(Opened o(wide), "6 tensors do not fit");
    EXPECT_DIE(Opened o(wide),
               "encoder.layer.1.mlp.fc2.weight: expected F32, BF16 or F16 [24,72], found F32 [24,48]");
    std::string other = copy("dinov2", "\"dinov2\"", "\"dinov2_with_registers\"");
    EXPECT_DIE(Opened o(other),
               "embeddings.register_tokens: expected F32, BF16 or F16 [4,24], found nothing");
    // positions that are no square, and another patch
    std::string table = damaged("dinov2", "embeddings.position_embeddings", 0);
    EXPECT_DIE(Opened o(table), "embeddings.position_embeddings: expected");
    std::string patch = copy("dinov2", "\"patch_size\": 4", "\"patch_size\": 8");
    EXPECT_DIE(Opened o(patch),
               "embeddings.patch_embeddings.projection.weight: expected F32, BF16 or F16 [24,3,8,8]");
}

// The same model under other names: old + rest becomes new + rest, in one file.
static std::string renamed(const char *name, const std::string &old, const std::string &changed) {
    std::string dir = copy(name);
    std::vector<SbFileTensor> t;
    std::vector<std::string> names;
    SbFolder f;
    sb_folder_open(&f, golden(name).c_str());
    for (int i = 0; i < f.tensors; i++) {
        std::string one = f.tensor[i].t->name;
        names.push_back(one.compare(0, old.size(), old) ? one : changed + one.substr(old.size()));
    }
    for (int i = 0; i < f.tensors; i++) t.push_back(*f.tensor[i].t), t.back().name = names[(size_t)i].c_str();
    sb_checkpoint_write((dir + "/model.safetensors").c_str(), t.data(), (int)t.size(), NULL, 0);
    sb_folder_close(&f);
    return dir;
}
static void prefixes() {
    for (const char *prefix : {"dinov2.", "model.vision_tower.vision_model.", "model.", "backbone."}) {
        Opened o(renamed("dinov2", "", prefix));
        CHECK(!strcmp(o.f.prefix, prefix), "found \"%s\", expected \"%s\"", o.f.prefix, prefix);
    }
    // LLaVA's, then and now: the head stands outside of what the prefix names
    Opened old(renamed("llama", "", "language_model."));
    CHECK(!strcmp(old.f.prefix, "language_model.model."), "found \"%s\"", old.f.prefix);
    Opened now(renamed("llama", "model.", "model.language_model."));
    CHECK(!strcmp(now.f.prefix, "model.language_model."), "found \"%s\"", now.f.prefix);
    std::string odd = renamed("dinov2", "", "backbone");
    EXPECT_DIE(Opened o(odd), "42 tensors do not fit its config.json (dinov2): embeddings.patch_embeddings");
}

// Half precision against its definition, all of it.
static void half() {
    for (int h = 0; h < 65536; h++) {
        int e = h >> 10 & 31, f = h & 1023;
        double want = ldexp(e ? 1024 + f : f, (e ? e : 1) - 25) * (h >> 15 ? -1 : 1),
               got = sb_half((uint16_t)h);
        if (e < 31) CHECK(got == want && signbit(got) == (h >> 15), "%04x: %g, expected %g", h, got, want);
        uint16_t bits = (uint16_t)h;
        SbFileTensor one = {"", "F16", 0, {0}, &bits};
        CHECK(sb_tensor_nonfinite(&one, 0, 1) == (e == 31 ? 0 : -1), "%04x: finite or not?", h);
        one.type = "BF16";
        CHECK(sb_tensor_nonfinite(&one, 0, 1) == ((h >> 7 & 255) == 255 ? 0 : -1), "%04x: finite or not?", h);
        if (e == 31) CHECK(f ? isnan(got) : isinf(got) && (got > 0) == !(h >> 15), "%04x: %g", h, got);
    }
}

// The real shapes: config.json as the hub has it (what matters of it) and the number of parameters: published
// (facebookresearch/dinov2, dinov3 and Qwen2.5 model cards), else counted by transformers 5.24 and
// open_clip 3.3 from such a config. Ours has no mask token, no projection to text and no text tower:
// `without` of the count.
#define D2 "'model_type':'dinov2','hidden_act':'gelu','layer_norm_eps':1e-6,'image_size':518," \
           "'patch_size':14,'num_channels':3,'qkv_bias':true,'mlp_ratio':4,"
#define D3 "'model_type':'dinov3_vit','layer_norm_eps':1e-5,'image_size':224,'patch_size':16," \
           "'rope_theta':100.0,'num_register_tokens':4,'pos_embed_rescale':2.0,"
static const struct { const char *config; long long params, without; } shapes[] = {     // ' stands for "
    {"{" D2 "'hidden_size':384,'num_hidden_layers':12,'num_attention_heads':6}", 22056576, 384},
    {"{" D2 "'hidden_size':768,'num_hidden_layers':12,'num_attention_heads':12}", 86580480, 768},
    {"{" D2 "'hidden_size':1024,'num_hidden_layers':24,'num_attention_heads':16}", 304368640, 1024},
    {"{" D2 "'hidden_size':1536,'num_hidden_layers':40,'num_attention_heads':24,'use_swiglu_ffn':true}",
     1136480768, 1536},
    {"{" D3 "'hidden_act':'gelu','hidden_size':1024,'intermediate_size':4096,'num_hidden_layers':24,"
     "'num_attention_heads':16}", 303129600, 1024},
    {"{" D3 "'hidden_act':'silu','use_gated_mlp':true,'hidden_size':1280,'intermediate_size':5120,"
     "'num_hidden_layers':32,'num_attention_heads':20}", 840592640, 1280},
    {"{" D3 "'hidden_act':'silu','use_gated_mlp':true,'hidden_size':4096,'intermediate_size':8192,"
     "'num_hidden_layers':40,'num_attention_heads':32,'query_bias':false,'value_bias':false}",
     6716035072, 4096},
    // SigLIP 2 so400m, 384 pixels in patches of 14: 27 x 27, the last six pixels are not seen
    {"{'model_type':'siglip','text_config':{'hidden_size':1152},'vision_config':{'hidden_size':1152,"
     "'image_size':384,'intermediate_size':4304,'num_attention_heads':16,'num_hidden_layers':27,"
     "'patch_size':14}}", 428225600, 0},
    {"{'model_type':'clip','vision_config':{'hidden_size':1024,'intermediate_size':4096,'patch_size':14,"
     "'num_attention_heads':16,'num_hidden_layers':24,'projection_dim':768,'do_sample':false,'top_k':50,"
     "'torch_dtype':'float32'}}", 303179776, 0},
    {"{'model_cfg':{'embed_dim':1280,'vision_cfg':{'image_size':224,'layers':48,'width':1664,"
     "'head_width':104,'mlp_ratio':4.9231,'patch_size':14},'text_cfg':{}}}", 1844907264, 1664 * 1280},
    {"{'model_type':'qwen2','hidden_act':'silu','hidden_size':896,'intermediate_size':4864,"
     "'num_attention_heads':14,'num_hidden_layers':24,'num_key_value_heads':2,'vocab_size':151936,"
     "'tie_word_embeddings':true,'rope_theta':1000000.0,'use_sliding_window':false,'sliding_window':32768,"
     "'max_window_layers':21,'max_position_embeddings':32768,'rms_norm_eps':1e-6,'bos_token_id':151643,"
     "'eos_token_id':151645}", 494032768, 0},
    {"{'model_type':'qwen2','hidden_act':'silu','hidden_size':3584,'intermediate_size':18944,"
     "'num_attention_heads':28,'num_hidden_layers':28,'num_key_value_heads':4,'vocab_size':152064,"
     "'tie_word_embeddings':false,'rope_theta':1000000.0,'rms_norm_eps':1e-6}", 7615616512, 0},
    {"{'model_type':'llama','hidden_act':'silu','hidden_size':2048,'intermediate_size':8192,'head_dim':64,"
     "'num_attention_heads':32,'num_hidden_layers':16,'num_key_value_heads':8,'vocab_size':128256,"
     "'attention_bias':false,'mlp_bias':false,'tie_word_embeddings':true,'rope_theta':500000.0,"
     "'rope_scaling':{'factor':32.0,'high_freq_factor':4.0,'low_freq_factor':1.0,"
     "'original_max_position_embeddings':8192,'rope_type':'llama3'}}", 1235814400, 0},
    {"{'model_type':'llama','hidden_act':'silu','hidden_size':576,'intermediate_size':1536,"
     "'num_attention_heads':9,'num_hidden_layers':30,'num_key_value_heads':3,'vocab_size':49152,"
     "'rope_interleaved':false,'is_llama_config':true,'tie_word_embeddings':true,'rope_theta':100000,"
     "'rope_scaling':null,'rms_norm_eps':1e-5}", 134515008, 0}};
#undef D2
#undef D3

// A folder that only has a config (and weights of nothing).
static std::string bare(const char *config) {
    static int number;
    std::string dir = test_path(sb_format("bare%d", number++));
    std::string text = config, native = text.find("model_cfg") != text.npos ? "/open_clip_" : "/";
    for (char &c : text) c = c == '\'' ? '"' : c;
    put(dir + native + "config.json", text.c_str());
    sb_checkpoint_write((dir + native + "model.safetensors").c_str(), NULL, 0, NULL, 0);
    return dir;
}

static void real_shapes() {
    for (const auto &s : shapes) {
        SbFolder f;
        SbModel m;
        SbConfig c = sb_config_preset(SB_TOY);
        long long count = 0;
        sb_folder_open(&f, bare(s.config).c_str());
        sb_family_config(&f, &c, 0);
        sb_model_plan(&m, &c, 0);
        for (int i = 0; i < m.params; i++)
            if (sb_family_ours(&f, sb_family_of(&f), m.param[i])) count += sb_param_count(m.param[i]);
        CHECK(count == s.params - s.without, "%.60s: %lld parameters, expected %lld", s.config, count,
              s.params - s.without);
        sb_model_free(&m), sb_folder_close(&f);
    }
}

// ---------------------------------------------------------------------------------------------- >>arithmetic

// Distance of what we compute from a golden tensor, in units of the bound: `tolerance` of the root mean
// square of the golden's numbers. A number of the last block stands behind 2 blocks x 8 operations (norm, q
// k v, scores, softmax and mix, output; norm, MLP up, MLP down); the longest sums have 72 terms. Roundings
// (2^-24 of what is rounded, 2^-8 in bf16) are as good as independent, so they add up by the root of their
// number, and the largest of some hundred numbers is four deviations off: 4 x sqrt(16) x sqrt(72) x 2^-24.
static const double tolerance = 4 * 4 * 8.5 * (sizeof(real) == 2 ? 0.00390625 : 5.97e-8);
static double distance(const SbCheckpoint &want, const std::string &name, const std::vector<float> &got) {
    const SbFileTensor *t = sb_checkpoint_find(&want, name.c_str());
    if (!t) return 0;
    size_t n = sb_tensor_bytes(t, "") / 4;
    const float *w = (const float *)t->data;
    double worst = 0, square = 0;
    if (n != got.size()) return INFINITY;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)got[i] - w[i]);
        worst = d <= worst ? worst : isnan(d) ? INFINITY : d;
        square += (double)w[i] * w[i];
    }
    return worst / (tolerance * sqrt(square / (double)n));
}
static std::vector<float> numbers(const real *at, long count) {
    std::vector<real> host((size_t)count);
    sb_get(host.data(), at, (size_t)count * sizeof(real));
    return std::vector<float>(host.begin(), host.end());
}
// The residual stream behind a block.
static std::vector<float> stream(const SbBlockActs *a, long rows, int width) {
    std::vector<float> r = numbers(a->r2, rows * width), y = numbers(a->y2, rows * width);
    for (size_t i = 0; i < r.size(); i++) r[i] += y[i];
    return r;
}
static double encoder(Opened &o, const SbCheckpoint &want, const std::string &size,
                      std::vector<float> *out = NULL) {
    const SbFileTensor *pixels = sb_checkpoint_find(&want, (size + "pixels").c_str());
    SbBatch b;
    int C = o.c.enc_width;
    memset(&b, 0, sizeof b);
    o.m.acts.keep = 1;
    sb_batch_pixels(&b, &o.c, (const float *)pixels->data, (int)pixels->shape[1], (int)pixels->shape[0]);
    sb_batch_upload(&o.m, &b);
    sb_encoder_forward(&o.m);
    std::vector<float> feature = numbers(o.m.acts.feature, b.n.enc * C);
    double worst = distance(want, size + "feature", feature);
    for (int l = 0; l < o.c.enc_layers; l++)
        worst = fmax(
            worst, distance(want, size + "layer." + std::to_string(l), stream(&o.m.acts.enc[l], b.n.enc, C)));
    if (o.c.enc_pool) sb_pool_forward(&o.m);
    if (o.c.enc_pool) worst = fmax(worst, distance(want, size + "pooled", numbers(o.m.acts.pooled, C)));
    if (out) *out = feature;
    sb_batch_free(&b);
    return worst;
}
static double language(Opened &o, const SbCheckpoint &want) {
    const SbFileTensor *token = sb_checkpoint_find(&want, "token");
    int n = (int)token->shape[0], D = o.c.llm_width;
    std::vector<int> target((size_t)n, 0);
    std::vector<real> row((size_t)o.c.vocab);
    std::vector<float> logits;
    SbBatch b;
    memset(&b, 0, sizeof b);
    o.m.acts.keep = 1;
    sb_batch_sample(&b);
    sb_batch_turn(&b, &o.c, (const int *)token->data, target.data(), NULL, n);
    sb_batch_upload(&o.m, &b);
    sb_llm_forward(&o.m, 0, n);
    double worst = 0;
    for (int l = 0; l < o.c.llm_layers; l++)
        worst = fmax(worst, distance(want, "layer." + std::to_string(l), stream(&o.m.acts.llm[l], n, D)));
    for (int i = 0; i < n; i++) {
        sb_llm_logits(&o.m, i, row.data());
        logits.insert(logits.end(), row.begin(), row.end());
    }
    sb_batch_free(&b);
    return fmax(worst, distance(want, "logits", logits));
}
// One golden with its config as the file says, or changed.
static double run(const char *name, const std::string &size = "", void (*change)(SbConfig *) = NULL,
                  int trained = 0) {
    SbCheckpoint want;
    sb_checkpoint_open(&want, (golden(name) + "/expected.safetensors").c_str());
    const SbFileTensor *pixels = sb_checkpoint_find(&want, (size + "pixels").c_str());
    Opened o(golden(name), trained, pixels ? (int)pixels->shape[0] : 0, change);
    double d = pixels ? encoder(o, want, size) : language(o, want);
    sb_checkpoint_close(&want);
    return d;
}

static void goldens() {
    double most = 0, least = INFINITY;
    for (const char *name : encoders)
        for (const char *size : {"", "big.", "small."}) {
            double d = run(name, size);
            CHECK(d <= 1, "%s %s: error / bound = %g", name, size, d);
            most = fmax(most, d), least = fmin(least, d);
        }
    for (const char *name : languages) {
        double d = run(name), filled = run(name, "", NULL, ~0);
        CHECK(d <= 1 && filled <= 1, "%s: error / bound = %g, trained %g", name, d, filled);
        most = fmax(most, d), least = fmin(least, d);
    }
    printf("    %zu families against transformers and open_clip: error / bound %.3f to %.3f\n",
           sizeof encoders / sizeof *encoders + sizeof languages / sizeof *languages, least, most);
    CHECK(sizeof(real) == 2 || least > .02, "nothing comes near the bound (%g)", least);
}

// Gradients of half the features' squares, or of the cross-entropy of the next token, against PyTorch's.
// Their way is about three times as long, and key biases' gradients are the rounding of a sum that is 0 (they
// move all scores of a query): so twice the tolerance, of the root mean square of a tensor plus that of all.
// Returns the largest error / bound.
static double gradients(const char *name) {
    SbCheckpoint want;
    sb_checkpoint_open(&want, (golden(name) + "/expected.safetensors").c_str());
    Opened o(golden(name), ~0);
    sb_model_train(&o.m, SB_BASE | SB_LLM);
    if (sb_checkpoint_find(&want, "pixels")) {
        encoder(o, want, "");
        size_t bytes = (size_t)(o.m.n.enc * o.c.enc_width) * sizeof(real);
        std::vector<char> host(bytes);
        sb_get(host.data(), o.m.acts.feature, bytes);
        sb_put(o.m.acts.d_feature, host.data(), bytes);
        sb_encoder_backward(&o.m);
    } else {
        const SbFileTensor *token = sb_checkpoint_find(&want, "token");
        int n = (int)token->shape[0];
        std::vector<int> target((const int *)token->data + 1, (const int *)token->data + n);
        target.push_back(-1);
        SbBatch b;
        memset(&b, 0, sizeof b);
        sb_batch_sample(&b);
        sb_batch_turn(&b, &o.c, (const int *)token->data, target.data(), NULL, n);
        sb_step_lm(&o.m, &b, 1);
        sb_batch_free(&b);
    }
    double square = 0, count = 0, most = 0;
    int tensors = 0, used = 0;
    for (int i = 0; i < want.tensors; i++) {
        const SbFileTensor *t = want.tensor + i;
        size_t n = sb_tensor_bytes(t, "") / 4;
        if (strncmp(t->name, "grad.", 5)) continue;
        for (size_t k = 0; k < n; k++) square += pow(((const float *)t->data)[k], 2);
        count += (double)n, tensors++;
    }
    for (int i = 0; i < o.m.params; i++) {
        const SbParam *p = o.m.param[i];
        char theirs[256] = "grad.";
        const SbFamily *y = sb_family_of(&o.f);
        const SbFamilyName *row = sb_family_theirs(y, o.c.enc_gated, p->name, theirs + 5, 251);
        const SbFileTensor *t = row ? sb_checkpoint_find(&want, theirs) : NULL;
        if (!t) continue;
        long n = sb_param_count(p);
        const float *w = (const float *)t->data + row->part * n;
        std::vector<param_t> got((size_t)n);
        sb_get(got.data(), p->grad, (size_t)n * sizeof(param_t));
        double worst = 0, own = 0;
        for (long k = 0; k < n; k++) {
            worst = fmax(worst, fabs((double)got[(size_t)k] - w[k]));
            own += (double)w[k] * w[k];
        }
        worst /= 2 * tolerance * (sqrt(own / (double)n) + sqrt(square / count));
        CHECK(worst <= 1, "%s: gradient of %s: error / bound = %g", name, p->name, worst);
        most = fmax(most, worst), used += row->part == 0;
    }
    CHECK(used == tensors && used > 3, "%s: %d of %d gradients have a place in ours", name, used, tensors);
    sb_checkpoint_close(&want);
    return most;
}

// Weights that train are copies of those that lie in the file: same bits.
static void filled() {
    SbCheckpoint want;
    std::vector<float> lying, own;
    sb_checkpoint_open(&want, (golden("open_clip") + "/expected.safetensors").c_str());
    Opened a(golden("open_clip")), b(golden("open_clip"), SB_BASE);
    CHECK(encoder(a, want, "", &lying) <= 1 && encoder(b, want, "", &own) <= 1, "wrong numbers");
    CHECK(lying == own, "adopted and copied weights differ");
    sb_checkpoint_close(&want);
}

// LLaVA's layer -2: what stands behind the last block but one, without a norm; the rest of the file is left
// over.
static void selected() {
    for (const char *name : encoders) {
        SbCheckpoint want;
        std::vector<float> feature;
        sb_checkpoint_open(&want, (golden(name) + "/expected.safetensors").c_str());
        Opened o(golden(name), 0, 0, NULL, 1);
        encoder(o, want, "", &feature);
        double d = distance(want, "layer.0", feature);
        CHECK(o.c.enc_layers == 1 && d <= 1, "%s: %d blocks, error / bound = %g", name, o.c.enc_layers, d);
        sb_checkpoint_close(&want);
    }
}

// Old writers left the data at any address: a header one byte longer changes nothing.
static void unaligned() {
    SbCheckpoint want;
    std::vector<float> lying, moved;
    std::string dir = copy("dinov2"), path = dir + "/model.safetensors";
    size_t size;
    char *data = sb_read_file(path.c_str(), &size);
    uint64_t header;
    memcpy(&header, data, 8);
    std::string text(data, size);
    text.insert(8 + header++, " ");
    text.replace(0, 8, (const char *)&header, 8);
    sb_write_file(path.c_str(), text.data(), text.size());
    sb_checkpoint_open(&want, (golden("dinov2") + "/expected.safetensors").c_str());
    Opened a(golden("dinov2")), b(dir);
    CHECK(encoder(a, want, "", &lying) <= 1 && encoder(b, want, "", &moved) <= 1, "wrong numbers");
    CHECK(lying == moved, "unaligned weights give other numbers");
    sb_checkpoint_close(&want);
    free(data);
}

// What is said of a folder: once, with the number of tensors left over and the first of their names.
static void notes() {
    std::string extra = copy("dinov2", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1");
    Opened plain(golden("clip")), more(extra), half(golden("dinov3_vit_gated"));
    char *a = sb_family_notes(&plain.f), *b = sb_family_notes(&more.f), *c = sb_family_notes(&half.f);
    CHECK(!*a, "the text tower of CLIP is reported: %s", a);
    CHECK(strstr(b, ": 18 tensors are not used: encoder.layer.1.attention.attention.key.bias, encoder") &&
          strstr(b, ", ...\n"), "%s", b);
    CHECK(strstr(c, "F16 is kept as F32, which takes 0.0 MB"), "%s", c);
    free(a), free(b), free(c);
}

// ------------------------------------------------------------------------------------------------- >>ignored

// What a reader who ignores one key of config.json (or one rule of the family) would compute: it must be
// seen.
static const struct { const char *golden, *key, *size; void (*ignore)(SbConfig *); } ignored[] = {
    {"dinov2", "layer_norm_eps", "", [](SbConfig *c) { c->enc_eps = 1e-6; }},
    {"dinov2", "LayerScale", "", [](SbConfig *c) { c->enc_scaled = 0; }},
    {"dinov2", "hidden_act", "", [](SbConfig *c) { c->enc_act = 1; }},
    {"dinov2", "qkv_bias", "", [](SbConfig *c) { c->enc_bias = 56; }},
    {"dinov2", "biases of the MLP", "", [](SbConfig *c) { c->enc_bias &= ~16; }},
    {"dinov2", "bias of the patches", "", [](SbConfig *c) { c->enc_bias &= ~32; }},
    {"dinov2", "bias behind attention", "", [](SbConfig *c) { c->enc_bias &= ~8; }},
    {"dinov2", "positions", "", [](SbConfig *c) { c->enc_pos = 0; }},
    {"dinov2", "num_attention_heads", "", [](SbConfig *c) { c->enc_heads = 2; }},
    {"dinov2_with_registers", "num_register_tokens", "", [](SbConfig *c) { c->enc_registers = 0; }},
    {"dinov3_vit", "rope_theta", "", [](SbConfig *c) { c->enc_rope = 100; }},
    {"dinov3_vit", "axial RoPE", "", [](SbConfig *c) { c->enc_rope = 0; }},
    {"dinov3_vit", "rope_theta", "big.", [](SbConfig *c) { c->enc_rope = 100; }},
    {"dinov3_vit", "query_bias", "", [](SbConfig *c) { c->enc_bias &= ~1; }},
    {"dinov3_vit", "value_bias", "", [](SbConfig *c) { c->enc_bias &= ~4; }},
    {"siglip", "hidden_act (left out: tanh)", "", [](SbConfig *c) { c->enc_act = 0; }},
    {"siglip", "layer_norm_eps", "", [](SbConfig *c) { c->enc_eps = 1e-6; }},
    {"clip", "hidden_act", "", [](SbConfig *c) { c->enc_act = 0; }},
    {"clip", "pre_layrnorm", "", [](SbConfig *c) { c->enc_pre = 0; }},
    {"clip_vision_model", "hidden_act", "", [](SbConfig *c) { c->enc_act = 2; }},
    {"open_clip", "quick_gelu", "", [](SbConfig *c) { c->enc_act = 0; }},
    {"open_clip_scaled", "ls_init_value", "", [](SbConfig *c) { c->enc_scaled = 0; }},
    {"qwen2", "rope_theta", "", [](SbConfig *c) { c->theta = 1e4; }},
    {"qwen2", "rms_norm_eps", "", [](SbConfig *c) { c->llm_eps = 1e-6; }},
    {"qwen2", "biases of q, k, v", "", [](SbConfig *c) { c->llm_bias = 0; }},
    {"llama", "rope_type llama3", "", [](SbConfig *c) { c->rope_factor = 0; }},
    {"llama", "low_freq_factor", "", [](SbConfig *c) { c->rope_low = 2; }},
    {"llama", "high_freq_factor", "", [](SbConfig *c) { c->rope_high = 8; }},
    {"llama", "original_max_position_embeddings", "", [](SbConfig *c) { c->rope_original = 8192; }},
    {"llama", "tie_word_embeddings", "", [](SbConfig *c) { c->llm_tied = 1; }},
    {"smollm2", "rope_theta", "", [](SbConfig *c) { c->theta = 1e4; }}};

static void keys() {
    for (const auto &k : ignored) {
        double d = run(k.golden, k.size, k.ignore);
        CHECK(d > 4, "%s: %s can be ignored unseen (error / bound = %g)", k.golden, k.key, d);
    }
    // kinds of resizing: a plain kernel where the family has an antialiased one, and the other way round
    std::string wide = copy("dinov2", "\"dinov2\"", "\"dinov2_with_registers\", \"num_register_tokens\": 0");
    SbCheckpoint want;
    sb_checkpoint_open(&want, (golden("dinov2") + "/expected.safetensors").c_str());
    for (const char *size : {"big.", "small."}) {
        Opened o(wide, 0, *size == 'b' ? 24 : 12);
        double d = encoder(o, want, size);
        CHECK(d > 4, "dinov2 %s: the kind of interpolation can be ignored unseen (%g)", size, d);
    }
    sb_checkpoint_close(&want);
}

// ------------------------------------------------------------------------------------------------ >>exported

static std::vector<float> values(const SbParam *p) {
    float *x = sb_export_numbers(p);
    std::vector<float> v(x, x + sb_param_count(p));
    free(x);
    return v;
}
// New numbers in every tensor of some groups, as training would leave them.
static void scatter(SbModel *m, int groups) {
    for (int i = 0; i < m->params; i++) {
        const SbParam *p = m->param[i];
        if (!(p->group & groups) || p->adopted) continue;
        std::vector<param_t> x((size_t)sb_param_count(p));
        double std = p->rank == 2 ? 1 / sqrt((double)p->w.cols) : 1;
        for (size_t k = 0; k < x.size(); k++) x[k] = (param_t)(std * sb_normal(77 + (uint64_t)i, k));
        sb_put((void *)(uintptr_t)p->w.p, x.data(), x.size() * sizeof(param_t));
    }
}
static void same_bits(const char *name, Opened &a, Opened &b) {
    CHECK(a.m.params == b.m.params, "%s: %d tensors, then %d", name, a.m.params, b.m.params);
    for (int i = 0; i < a.m.params && a.m.params == b.m.params; i++)
        if (sb_family_tower(sb_family_of(&a.f), a.m.param[i]))
            CHECK(values(a.m.param[i]) == values(b.m.param[i]), "%s: %s changed on its way", name,
                  a.m.param[i]->name);
}
// What has an a of its own, in the test at hand.
static int gate_by;
static void gated(SbConfig *c) { c->gate_by = gate_by; }
// Where exports go: $SB_EXPORT (kept, for dev/export_check.py) or a folder of the test's.
static std::string exported(const char *name, const char *kind) {
    const char *kept = getenv("SB_EXPORT");
    std::string by = gate_by ? std::string("-by-") + sb_gate_names[gate_by] : "";
    return (kept && *kept ? std::string(kept) : std::string(test_folder())) + "/" + name + by + "-" + kind;
}

// Both channels folded into one attention of twice the heads: the features (and what is pooled of them) of
// the dual folder, to rounding. What is trained on it goes out and in again like any base.
static void folded(const char *name, const std::string &dual, const SbCheckpoint &pixels) {
    std::string fold = exported(name, "folded"), more = exported(name, "folded-trained");
    SbCheckpoint want;
    std::vector<float> feature;
    sb_checkpoint_open(&want, (dual + "/features.safetensors").c_str());
    Opened a(golden(name)), o(fold);
    encoder(o, pixels, "", &feature);
    double d = distance(want, "feature", feature);
    if (o.c.enc_pool) d = fmax(d, distance(want, "pooled", numbers(o.m.acts.pooled, o.c.enc_width)));
    CHECK(o.c.enc_heads == 2 * a.c.enc_heads && o.m.parts == 0, "%s: %d heads", name, o.c.enc_heads);
    CHECK(d <= 1, "%s: folded, error / bound = %g", name, d);
    EXPECT_DIE(Opened x(fold, 0, 0, NULL, 0, SB_DUAL), "its second channel is folded into the first");
    EXPECT_DIE(Opened x(fold, 0, 0, NULL, 1), "2 blocks are boosted, but 1 are read");
    EXPECT_DIE(sb_family_export(&o.f, &o.m, more.c_str(), SB_EXPORT_FOLDED, ""), "only an encoder with a");
    Opened t(fold, SB_BASE);
    scatter(&t.m, SB_BASE);
    sb_family_export(&t.f, &t.m, more.c_str(), SB_EXPORT_DUAL, "a test");
    Opened again(more);
    same_bits(name, t, again);
    // a base that trained with its second channel
    std::string both = exported(name, "folded-both");
    const int all = SB_BASE | SB_PLUS | SB_ALPHA;
    Opened u(golden(name), all, 0, gated, 0, SB_DUAL);
    scatter(&u.m, all);
    sb_family_export(&u.f, &u.m, both.c_str(), SB_EXPORT_FOLDED, "a test");
    Opened v(both);
    std::vector<float> x, y;
    encoder(u, pixels, "", &x), encoder(v, pixels, "", &y);
    SbFileTensor feature_of_u = *sb_checkpoint_find(&want, "feature");
    feature_of_u.data = x.data();
    SbCheckpoint as_read = {};
    as_read.tensor = &feature_of_u, as_read.tensors = 1;
    d = distance(as_read, "feature", y);
    CHECK(d <= 1, "%s: folded with a base that trained, error / bound = %g", name, d);
    CHECK(sb_exists((more + "/modeling_spatialboost.py").c_str()), "%s: no code for its heads", name);
    sb_checkpoint_close(&want);
}
// A dual folder from before its config named the gate: by channel.
static void older_folder(const std::string &dual, Opened &a) {
    std::string path = dual + (a.f.open_clip ? "/open_clip_config.json" : "/config.json");
    char *now = sb_read_file(path.c_str(), NULL);
    std::string text(now), key = ", \"gate\": \"channel\"";
    size_t at = text.find(key);
    CHECK(at != text.npos, "%s does not say what has an a", path.c_str());
    if (at != text.npos) text.erase(at, key.size());
    put(path, text.c_str());
    Opened old(dual);
    same_bits(dual.c_str(), a, old);
    put(path, now);
    free(now);
}
// A second channel out and in again, its gate by channel, head or layer: same bits, same features. A base
// that trained: the same, fused tensors too.
static void round_trip(int by) {
    gate_by = by;
    for (const char *name : encoders) {
        SbCheckpoint want;
        std::vector<float> before, after;
        std::string dual = exported(name, "dual"), fold = exported(name, "folded"),
                    base = exported(name, "base");
        sb_checkpoint_open(&want, (golden(name) + "/expected.safetensors").c_str());
        Opened a(golden(name), SB_PLUS | SB_ALPHA, 0, gated, 0, SB_DUAL);
        scatter(&a.m, SB_PLUS | SB_ALPHA);
        encoder(a, want, "", &before);
        sb_family_export(&a.f, &a.m, dual.c_str(), SB_EXPORT_DUAL, "a test");
        Opened b(dual);
        double d = encoder(b, want, "", &after);
        same_bits(name, a, b);
        CHECK(before == after, "%s: other features after export and import", name);
        CHECK(b.c.gate_by == by, "%s: an a for each %s came back by %s", name, sb_gate_names[by],
              sb_gate_names[b.c.gate_by]);
        if (!by) older_folder(dual, a);
        CHECK(d > 4 || sizeof(real) == 2, "%s: the second channel has no effect (%g)", name, d);
        sb_family_export(&b.f, &b.m, fold.c_str(), SB_EXPORT_FOLDED, "a test");
        EXPECT_DIE(sb_family_export(&a.f, &a.m, dual.c_str(), SB_EXPORT_DUAL, ""), "exists; remove it");
        SbFileTensor t[3];
        memset(t, 0, sizeof t);
        t[0] = *sb_checkpoint_find(&want, "pixels");
        t[1] = *sb_checkpoint_find(&want, "feature");
        t[1].data = before.data();
        std::vector<float> pooled;
        if (b.c.enc_pool) {
            pooled = numbers(b.m.acts.pooled, b.c.enc_width);
            t[2] = *sb_checkpoint_find(&want, "pooled"), t[2].data = pooled.data();
        }
        sb_checkpoint_write((dual + "/features.safetensors").c_str(), t, 2 + b.c.enc_pool, NULL, 0);
        folded(name, dual, want);
        Opened c(golden(name), SB_BASE);
        scatter(&c.m, SB_BASE);
        sb_family_export(&c.f, &c.m, base.c_str(), SB_EXPORT_DUAL, "a test");
        Opened e(base);
        same_bits(name, c, e);
        sb_checkpoint_close(&want);
    }
    for (const char *name : languages) {
        if (by) break;
        std::string out = exported(name, "llm");
        Opened a(golden(name), SB_LLM);
        sb_family_export(&a.f, &a.m, out.c_str(), SB_EXPORT_DUAL, "a test");
        Opened same(out);
        same_bits(name, a, same);
        CHECK(!strcmp(same.f.tensor[0].t->type, a.f.tensor[0].t->type),
              "%s: what did not change changed its type", name);
        scatter(&a.m, SB_LLM);
        sb_family_export(&a.f, &a.m, (out + "-trained").c_str(), SB_EXPORT_DUAL, "a test");
        Opened b(out + "-trained");
        same_bits(name, a, b);
    }
}

// ------------------------------------------------------------------------------------------------- >>refused

static void config_refused() {
    static const struct { const char *golden, *from, *to, *says; } wrong[] = {
        {"dinov2", "\"dinov2\"", "\"swin\"",
         "model_type \"swin\" is not supported; known are dinov2, dinov2_with"},
        {"dinov2", "\"dinov2\"", "null", "field \"model_type\": expected a string, found null"},
        {"dinov2", "\"model_type\"", "\"kind\"", "field \"model_type\" is missing"},
        {"dinov2", "{", "[", "not valid JSON"},
        {"dinov2", "\"hidden_size\": 24", "\"hidden_size\": \"24\"", "expected a number, found a string"},
        {"dinov2", "\"hidden_size\": 24", "\"hidden_size\": 24.5", "expected a whole number"},
        {"dinov2", "\"hidden_size\": 24", "\"hidden_size\": 1e300", "expected a whole number"},
        {"dinov2", "\"hidden_size\": 24", "\"hidden_size\": 24, \"hidden_size\": 24", "is there twice"},
        {"dinov2", "\"hidden_size\"", "\"width\"", "field \"width\" is not known for dinov2"},
        {"dinov2", "\"hidden_size\": 24", "\"width\": null", "field \"hidden_size\" is missing"},
        {"dinov2", "{", "{\"spatialboost\": {\"channels\": \"dual\", \"layers\": 2, \"gate\": \"row\"},",
         "gate \"row\" is not known, expected channel, head or layer"},
        {"dinov2", "{", "{\"spatialboost\": {\"channels\": \"dual\", \"layers\": 2, \"gate\": 1},",
         "field \"gate\": expected a string, found a number"},
        {"dinov2", "\"image_size\": 16", "\"image_size\": [16, 32]",
         "only squares are supported, found 16 x 32"},
        {"dinov2", "\"image_size\": 16", "\"image_size\": 3", "image_size is smaller than patch_size 4"},
        {"dinov2", "\"num_channels\": 3", "\"num_channels\": 1",
         "field \"num_channels\": only 3 is supported"},
        {"dinov2", "\"layer_norm_eps\": 0.01", "\"layer_norm_eps\": -1", "expected a number above 0"},
        {"dinov2", "\"hidden_act\": \"gelu\"", "\"hidden_act\": \"relu\"", "\"relu\" is not supported here"},
        {"dinov2", "\"qkv_bias\": true", "\"qkv_bias\": 1", "expected true or false, found a number"},
        {"dinov2", "\"qkv_bias\": true", "\"qk_norm\": true", "field \"qk_norm\" is not known for dinov2"},
        {"dinov2", "\"num_attention_heads\": 3", "\"num_attention_heads\": 5",
         "config.json: its sizes do not fit each other: enc_width must be a multiple of enc_heads"},
        {"dinov2", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1e6", "from 1 to 1000, found 1e+06"},
        {"dinov3_vit_gated", "\"silu\"", "\"gelu\"", "expected silu (the MLP is gated)"},
        {"siglip", "\"vision_config\"", "\"tower\"", "field \"vision_config\" is missing"},
        {"siglip", "\"num_hidden_layers\": 2,\n    \"patch_size\"", "\"window\": 2,\n    \"patch_size\"",
         "vision_config: field \"window\" is not known"},
        {"open_clip", "\"layers\": 2", "\"layers\": [3, 4, 6, 3]", "expected a number, found a list"},
        {"open_clip", "\"layers\": 2", "\"layers\": 2, \"timm_model_name\": \"vit\"",
         "\"timm_model_name\" is not"},
        {"qwen2", "\"default\"", "\"yarn\"",
         "rope type \"yarn\" is not supported; known are default, llama3"},
        {"qwen2", "\"rope_theta\": 321.0", "\"rope_theta\": 0", "expected a number above 0"},
        {"qwen2", "\"use_sliding_window\": false", "\"use_sliding_window\": true", "only 0 is supported"},
        {"qwen2", "\"full_attention\"", "\"sliding_attention\"", "only full_attention is supported"},
        {"qwen2", "\"vocab_size\"", "\"quantization_config\": {\"bits\": 4}, \"vocab_size\"",
         "not known for qwen2"},
        {"llama", "\"attention_bias\": false", "\"attention_bias\": true",
         "field \"attention_bias\": only 0"},
        {"llama", "\"factor\": 8.0", "\"factors\": 8.0", "\"factors\" is not known"},
        {"llama", "\"high_freq_factor\": 4.0", "\"high_freq_factor\": 1.0",
         "must be above low_freq_factor 1"},
        {"llama", "\"silu\"", "\"gelu\"", "expected silu"}};
    for (const auto &w : wrong) {
        std::string dir = copy(w.golden, w.from, w.to);
        EXPECT_DIE(Opened o(dir), w.says);
    }
    std::string off =
        copy("dinov2", "\"qkv_bias\"", "\"window_size\": null, \"use_rope\": false, \"qkv_bias\"");
    Opened fine(off);
    CHECK(fine.c.enc_width == 24, "keys that are switched off are refused");
}

static void folder_refused() {
    std::string none = test_path("family_none"), empty = test_path("family_empty"), pickle = copy("dinov2");
    SbFolder f;
    put(none, "a file");
    EXPECT_DIE(sb_folder_open(&f, none.c_str()), "is not a folder, expected one of the hub");
    EXPECT_DIE(sb_folder_open(&f, test_path("nowhere")), "is not a folder");
    sb_make_folder(empty.c_str());
    EXPECT_DIE(sb_folder_open(&f, empty.c_str()), "config.json is missing; is the download complete?");
    put(pickle + "/pytorch_model.bin", "");
    sb_remove((pickle + "/model.safetensors").c_str());
    EXPECT_DIE(sb_folder_open(&f, pickle.c_str()), "pytorch_model.bin is a pickle, which is not read");
    sb_make_folder((pickle + "/model.safetensors").c_str());
    EXPECT_DIE(sb_folder_open(&f, pickle.c_str()), "model.safetensors: is a folder");
    std::string cut = copy("dinov2");
    size_t size;
    char *data = sb_read_file((cut + "/model.safetensors").c_str(), &size);
    sb_write_file((cut + "/model.safetensors").c_str(), data, size - 1);
    EXPECT_DIE(sb_folder_open(&f, cut.c_str()), "is it complete?");
    free(data);
}

// The index of shards: what it may say.
static void index_refused() {
    static const struct { const char *from, *to, *says; } wrong[] = {
        {"model-00002-of", "../other-of", "expected a file of this folder"},
        {"model-00002-of", "/etc/passwd", "expected a file of this folder"},
        {"model-00002-of-00004.safetensors", "", "lies in \"\", expected a file of this folder"},
        {"model-00002-of", "model-00009-of", "cannot be read (No such file"},
        {"\"model-00002-of-00004.safetensors\"", "7", "expected a file name, found a number"},
        {"\"lm_head.weight\"", "\"lm_tail.weight\"",
         "1 tensors are not in the files that it names: lm_tail.weight"},
        {"\"lm_head.weight\"", "\"model.norm.weight\"", "model.norm.weight"},
        {"\"weight_map\"", "\"map\"", "field \"weight_map\" is missing"},
        {"\"weight_map\": {", "\"weight_map\": [], \"rest\": {", "expected an object, found a list"}};
    SbFolder f;
    for (const auto &w : wrong) {
        std::string dir = copy("llama"), path = dir + "/model.safetensors.index.json";
        size_t size;
        char *data = sb_read_file(path.c_str(), &size);
        std::string text(data, size);
        size_t at = text.find(w.from);
        CHECK(at != text.npos, "no %s in the index", w.from);
        put(path, text.replace(at, strlen(w.from), w.to).c_str());
        EXPECT_DIE(sb_folder_open(&f, dir.c_str()), w.says);
        free(data);
    }
    std::string loop = copy("llama"), shard = loop + "/model-00003-of-00004.safetensors";
    sb_remove(shard.c_str());
    CHECK(symlink("model-00003-of-00004.safetensors", shard.c_str()) == 0, "no symlink");
    EXPECT_DIE(sb_folder_open(&f, loop.c_str()),
               "model-00003-of-00004.safetensors: cannot be read (Too many levels");
}

// Bytes changed at random in configs, indices and weights: refused or read, never a crash. SB_FUZZ: rounds.
static void damage() {
    const char *rounds = getenv("SB_FUZZ");
    std::vector<const char *> all(encoders, encoders + sizeof encoders / sizeof *encoders);
    all.insert(all.end(), languages, languages + sizeof languages / sizeof *languages);
    SbRandom r = sb_random(3, 0);
    for (const char *name : all) {
        std::string dir = copy(name);
        int count;
        char **file = sb_list_folder(dir.c_str(), &count);
        for (int i = 0; i < (rounds ? atoi(rounds) : 8); i++) {
            std::string path = dir + "/" + file[sb_next_int(&r, (uint32_t)count)];
            size_t size;
            char *data = sb_read_file(path.c_str(), &size);
            std::string text(data, size);
            for (uint32_t k = 1 + sb_next_int(&r, 3); k; k--) {     // where JSON is: in the first 4 kB
                size_t at = sb_next_int(&r, (uint32_t)(size < 4096 ? size : 4096));
                static const char bytes[] = "0129-.,:{}[]\"ntf\\e \x80";
                text[at] = bytes[sb_next_int(&r, sizeof bytes - 1)];
            }
            FILE *out = fopen(path.c_str(), "wb");                  // not synced: it need not last
            CHECK(out && fwrite(text.data(), 1, size, out) == size, "%s: cannot be written", path.c_str());
            fclose(out);
            EXPECT_NO_CRASH(Opened o(dir));
            out = fopen(path.c_str(), "wb");
            CHECK(out && fwrite(data, 1, size, out) == size, "%s: cannot be written", path.c_str());
            fclose(out);
            free(data);
        }
        sb_free_names(file, count);
    }
}

}  // namespace families

static void test_family_names(void) { families::names(); }
static void test_family_unfit(void) { families::unfit(); }
static void test_family_prefixes(void) { families::prefixes(); }
static void test_family_half(void) { families::half(); }
static void test_family_real_shapes(void) { families::real_shapes(); }
static void test_family_goldens(void) { families::goldens(); }
static void test_family_gradients(void) {
    double most = 0, least = INFINITY;
    std::vector<const char *> all(families::encoders, std::end(families::encoders));
    all.insert(all.end(), families::languages, std::end(families::languages));
    for (const char *name : all) {
        double d = families::gradients(name);
        most = fmax(most, d), least = fmin(least, d);
    }
    printf("    gradients against PyTorch's: largest error / bound of a model %.3f to %.3f\n", least, most);
}
static void test_family_filled(void) { families::filled(); }
static void test_family_selected(void) { families::selected(); }
static void test_family_unaligned(void) { families::unaligned(); }
static void test_family_notes(void) { families::notes(); }
static void test_family_keys(void) {
    if (sizeof(real) == 2) SKIP("features in bf16 are too coarse");
    families::keys();
}
static void test_family_round_trip(void) {
    for (int by = 0; by < 3; by++) families::round_trip(by);
}
static void test_family_config_refused(void) { families::config_refused(); }
static void test_family_folder_refused(void) { families::folder_refused(); }
static void test_family_index_refused(void) { families::index_refused(); }

static void test_family_damage(void) { families::damage(); }

static void test_families_all(void) {
    RUN(test_family_names);
    RUN(test_family_unfit);
    RUN(test_family_prefixes);
    RUN(test_family_half);
    RUN(test_family_real_shapes);
    RUN(test_family_goldens);
    RUN(test_family_gradients);
    RUN(test_family_filled);
    RUN(test_family_selected);
    RUN(test_family_unaligned);
    RUN(test_family_notes);
    RUN(test_family_keys);
    RUN(test_family_round_trip);
    RUN(test_family_config_refused);
    RUN(test_family_folder_refused);
    RUN(test_family_index_refused);
    RUN(test_family_damage);
}
#endif
