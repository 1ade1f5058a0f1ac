// test_families.h: folders of the hub: what is read from them, and what the models in them compute.
//
// Refuses: to download. Part of test_spatialboost.c; run by test_families_all. dev/goldens_models/ holds a tiny
// folder of every family with what transformers or open_clip compute from it (dev/goldens_models.py).
// Read from top: helpers, reading (names, configs, half precision), arithmetic against the goldens, one key
// ignored at a time, what is refused.
#ifndef SB_TEST_FAMILIES_H
#define SB_TEST_FAMILIES_H
#include "../data/families.h"
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
static void put(const std::string &path, const char *text) { sb_write_file(path.c_str(), text, strlen(text)); }

// A folder as a model, its memory in place.
struct Opened {
    SbFolder f;
    SbConfig c;
    SbModel m;
    explicit Opened(const std::string &dir, int trained = 0, int image = 0, void (*change)(SbConfig *) = NULL) {
        sb_folder_open(&f, dir.c_str());
        c = sb_config_preset(SB_TOY);
        sb_family_config(&f, &c, 0);
        if (image) c.image = image;
        if (change) change(&c);
        sb_model_plan(&m, &c, sb_family_dual(&f) ? SB_DUAL : 0);
        sb_family_bind(&f, &m, trained);
        sb_model_memory(&m);
        sb_family_fill(&f, &m, trained);
    }
    ~Opened() { sb_model_free(&m), sb_folder_close(&f); }
    Opened(const Opened &) = delete;
};

// ------------------------------------------------------------------------------------------------- >>reading

// Every tensor of every golden is used, or known as one that no forward pass needs; and the other way round: with
// one tensor less each golden is refused, and the error names it.
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

// Change one tensor of a copied folder's weights: dropped (what 0), retyped as F64 (1), one row less (2), NaN (3).
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
    // all that is wrong in one error
    std::string wide = copy("dinov2", "\"mlp_ratio\": 2", "\"mlp_ratio\": 3");
    EXPECT_DIE(Opened o(wide), "6 tensors do not fit");
    EXPECT_DIE(Opened o(wide), "encoder.layer.1.mlp.fc2.weight: expected F32, BF16 or F16 [24,72], found F32 [24,48]");
    std::string other = copy("dinov2", "\"dinov2\"", "\"dinov2_with_registers\"");
    EXPECT_DIE(Opened o(other), "embeddings.register_tokens: expected F32, BF16 or F16 [4,24], found nothing");
    // positions that are no square, and another patch
    std::string table = damaged("dinov2", "embeddings.position_embeddings", 0);
    EXPECT_DIE(Opened o(table), "embeddings.position_embeddings: expected");
    std::string patch = copy("dinov2", "\"patch_size\": 4", "\"patch_size\": 8");
    EXPECT_DIE(Opened o(patch), "embeddings.patch_embeddings.projection.weight: expected F32, BF16 or F16 [24,3,8,8]");
}

// Half precision against its definition, all of it.
static void half() {
    for (int h = 0; h < 65536; h++) {
        int e = h >> 10 & 31, f = h & 1023;
        double want = ldexp(e ? 1024 + f : f, (e ? e : 1) - 25) * (h >> 15 ? -1 : 1), got = sb_half((uint16_t)h);
        if (e < 31) CHECK(got == want && signbit(got) == (h >> 15), "%04x: %g, expected %g", h, got, want);
        else CHECK(f ? isnan(got) : isinf(got) && (got > 0) == !(h >> 15), "%04x: %g", h, got);
    }
}

// The real shapes: config.json as the hub has it (what matters of it) and the number of parameters: published
// (facebookresearch/dinov2, dinov3 and Qwen2.5 model cards), else counted by transformers 5.24 and open_clip 3.3
// from such a config. Ours has no mask token, no projection to text and no text tower: `without` of the count.
static const struct { const char *config; long long params, without; } shapes[] = {
#define D2 "\"model_type\":\"dinov2\",\"hidden_act\":\"gelu\",\"layer_norm_eps\":1e-6,\"image_size\":518," \
           "\"patch_size\":14,\"num_channels\":3,\"qkv_bias\":true,\"mlp_ratio\":4,"
    {"{" D2 "\"hidden_size\":384,\"num_hidden_layers\":12,\"num_attention_heads\":6}", 22056576, 384},
    {"{" D2 "\"hidden_size\":768,\"num_hidden_layers\":12,\"num_attention_heads\":12}", 86580480, 768},
    {"{" D2 "\"hidden_size\":1024,\"num_hidden_layers\":24,\"num_attention_heads\":16}", 304368640, 1024},
    {"{" D2 "\"hidden_size\":1536,\"num_hidden_layers\":40,\"num_attention_heads\":24,\"use_swiglu_ffn\":true}",
     1136480768, 1536},
#undef D2
#define D3 "\"model_type\":\"dinov3_vit\",\"layer_norm_eps\":1e-5,\"image_size\":224,\"patch_size\":16," \
           "\"rope_theta\":100.0,\"num_register_tokens\":4,\"pos_embed_rescale\":2.0,"
    {"{" D3 "\"hidden_act\":\"gelu\",\"hidden_size\":1024,\"intermediate_size\":4096,\"num_hidden_layers\":24,"
     "\"num_attention_heads\":16}", 303129600, 1024},
    {"{" D3 "\"hidden_act\":\"silu\",\"use_gated_mlp\":true,\"hidden_size\":1280,\"intermediate_size\":5120,"
     "\"num_hidden_layers\":32,\"num_attention_heads\":20}", 840592640, 1280},
    {"{" D3 "\"hidden_act\":\"silu\",\"use_gated_mlp\":true,\"hidden_size\":4096,\"intermediate_size\":8192,"
     "\"num_hidden_layers\":40,\"num_attention_heads\":32,\"query_bias\":false,\"value_bias\":false}",
     6716035072, 4096},
#undef D3
    // SigLIP 2 so400m, 384 pixels in patches of 14: 27 x 27, the last six pixels are not seen
    {"{\"model_type\":\"siglip\",\"text_config\":{\"hidden_size\":1152},\"vision_config\":{\"hidden_size\":1152,"
     "\"image_size\":384,\"intermediate_size\":4304,\"num_attention_heads\":16,\"num_hidden_layers\":27,"
     "\"patch_size\":14}}", 428225600, 0},
    {"{\"model_type\":\"clip\",\"vision_config\":{\"hidden_size\":1024,\"intermediate_size\":4096,\"patch_size\":14,"
     "\"num_attention_heads\":16,\"num_hidden_layers\":24,\"projection_dim\":768,\"do_sample\":false,\"top_k\":50,"
     "\"torch_dtype\":\"float32\"}}", 303179776, 0},
    {"{\"model_cfg\":{\"embed_dim\":1280,\"vision_cfg\":{\"image_size\":224,\"layers\":48,\"width\":1664,"
     "\"head_width\":104,\"mlp_ratio\":4.9231,\"patch_size\":14},\"text_cfg\":{}}}", 1844907264, 1664 * 1280},
    {"{\"model_type\":\"qwen2\",\"hidden_act\":\"silu\",\"hidden_size\":896,\"intermediate_size\":4864,"
     "\"num_attention_heads\":14,\"num_hidden_layers\":24,\"num_key_value_heads\":2,\"vocab_size\":151936,"
     "\"tie_word_embeddings\":true,\"rope_theta\":1000000.0,\"use_sliding_window\":false,\"sliding_window\":32768,"
     "\"max_window_layers\":21,\"max_position_embeddings\":32768,\"rms_norm_eps\":1e-6,\"bos_token_id\":151643,"
     "\"eos_token_id\":151645}", 494032768, 0},
    {"{\"model_type\":\"qwen2\",\"hidden_act\":\"silu\",\"hidden_size\":3584,\"intermediate_size\":18944,"
     "\"num_attention_heads\":28,\"num_hidden_layers\":28,\"num_key_value_heads\":4,\"vocab_size\":152064,"
     "\"tie_word_embeddings\":false,\"rope_theta\":1000000.0,\"rms_norm_eps\":1e-6}", 7615616512, 0},
    {"{\"model_type\":\"llama\",\"hidden_act\":\"silu\",\"hidden_size\":2048,\"intermediate_size\":8192,\"head_dim\":64,"
     "\"num_attention_heads\":32,\"num_hidden_layers\":16,\"num_key_value_heads\":8,\"vocab_size\":128256,"
     "\"attention_bias\":false,\"mlp_bias\":false,\"tie_word_embeddings\":true,\"rope_theta\":500000.0,"
     "\"rope_scaling\":{\"factor\":32.0,\"high_freq_factor\":4.0,\"low_freq_factor\":1.0,"
     "\"original_max_position_embeddings\":8192,\"rope_type\":\"llama3\"}}", 1235814400, 0},
    {"{\"model_type\":\"llama\",\"hidden_act\":\"silu\",\"hidden_size\":576,\"intermediate_size\":1536,"
     "\"num_attention_heads\":9,\"num_hidden_layers\":30,\"num_key_value_heads\":3,\"vocab_size\":49152,"
     "\"rope_interleaved\":false,\"is_llama_config\":true,\"tie_word_embeddings\":true,\"rope_theta\":100000,"
     "\"rope_scaling\":null,\"rms_norm_eps\":1e-5}", 134515008, 0}};

// A folder that only has a config (and weights of nothing).
static std::string bare(const char *config) {
    static int number;
    std::string dir = test_path(sb_format("bare%d", number++));
    bool native = strstr(config, "model_cfg") != NULL;
    put(dir + (native ? "/open_clip_config.json" : "/config.json"), config);
    sb_checkpoint_write((dir + (native ? "/open_clip_model.safetensors" : "/model.safetensors")).c_str(), NULL, 0, NULL,
                        0);
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
