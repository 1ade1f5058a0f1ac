// families.h: encoders and language models of the Hugging Face hub as configs and names of spatialboost.h.
//
// Refuses: a model_type, an activation, a rope type that it does not know; a key of config.json that could
// change the arithmetic and that it does not know. Nothing is converted on disk and nothing transposed. A
// family is data: a row of sb_family, its keys in sb_family_key, its names in sb_family_name. Sources:
// transformers 5.24, models/FAMILY/{configuration,modeling}_FAMILY.py; open_clip 3.3, model.py,
// transformer.py. Include spatialboost.h first; what binds the weights is bind.h.
// Read from top: families, keys, names, config.json to SbConfig, names of tensors.
#ifndef SB_FAMILIES_H
#define SB_FAMILIES_H
#include "folder.h"
#include "resample.h"

// ---- the families

enum {
    SB_DINOV2 = 1, SB_DINOV2_REG = 2, SB_DINOV3 = 4, SB_SIGLIP = 8, SB_CLIP = 16, SB_OPEN_CLIP = 32,
    SB_QWEN2 = 64, SB_LLAMA = 128,
    SB_GATED = 256,     // in sb_family_name: only where the MLP is gated
    SB_V2 = SB_DINOV2 | SB_DINOV2_REG, SB_DINOS = SB_V2 | SB_DINOV3, SB_PAIRS = SB_SIGLIP | SB_CLIP,
    SB_LANGUAGE = SB_QWEN2 | SB_LLAMA
};

// section: the part of config.json that describes the tower; grid: how positions go to another size; bias:
// the biases that no key switches (SbConfig.enc_bias, llm_bias); python: what modeling.h has for an encoder:
// AutoModel's class, or a function
typedef struct {
    const char *type;
    int family;
    const char *section;
    int grid, bias;
    const char *python;
} SbFamily;
static const SbFamily sb_family[] = {
    {"dinov2", SB_DINOV2, NULL, SB_GRID_PLAIN, 56, "Dinov2Model"},
    {"dinov2_with_registers", SB_DINOV2_REG, NULL, SB_GRID_ANTIALIAS, 56, "Dinov2WithRegistersModel"},
    {"dinov3_vit", SB_DINOV3, NULL, SB_GRID_PLAIN, 32, "DINOv3ViTModel"},
    {"siglip", SB_SIGLIP, "vision_config", SB_GRID_PLAIN, 63, "SiglipModel"},
    {"siglip_vision_model", SB_SIGLIP, NULL, SB_GRID_PLAIN, 63, "SiglipVisionModel"},
    {"clip", SB_CLIP, "vision_config", SB_GRID_PLAIN, 31, "CLIPModel"},
    {"clip_vision_model", SB_CLIP, NULL, SB_GRID_PLAIN, 31, "CLIPVisionModel"},
    {"open_clip", SB_OPEN_CLIP, "vision_cfg", SB_GRID_ANTIALIAS, 31, "open_clip_model"},
    {"qwen2", SB_QWEN2, NULL, 0, 7, ""},
    {"llama", SB_LLAMA, NULL, 0, 0, ""}};
enum { SB_FAMILIES = sizeof sb_family / sizeof *sb_family };

// ---- keys of config.json

enum {
    SB_KEY_INT,         // a whole number from 1 to 2^22 -> field (products of any two stay far from overflow)
    SB_KEY_HEADS,       // to 4096
    SB_KEY_DEPTH,       // to 1000
    SB_KEY_COUNT,       // from 0 to 4096
    SB_KEY_SIDE,        // a whole number to 2^14, or two equal ones
    SB_KEY_REAL,        // a number above 0
    SB_KEY_FLAG,        // true or false
    SB_KEY_NOT,         // the opposite of it
    SB_KEY_GIVEN,       // 1 if there is a number that is not 0
    SB_KEY_BIAS,        // true: adds the bits in fallback (negative: those bits, but not by default)
    SB_KEY_ACT,         // name of an activation
    SB_KEY_RATIO,       // hidden size of the MLP over the width
    SB_KEY_HEAD_WIDTH,  // width over the number of heads
    SB_KEY_ROPE,        // an object: {"rope_theta", "rope_type", what the type needs}
    SB_KEY_MUST,        // must be the number (or 0: false, 1: true) in fallback
    SB_KEY_LAYERS       // a list in which every entry is "full_attention"
};
// fallback: what a missing key means, as in the class of the family's config; NAN: it must be there.
typedef struct { int families; const char *key; int kind; size_t field; double fallback; } SbFamilyKey;
#define SB_AT(field) offsetof(SbConfig, field)
static const SbFamilyKey sb_family_key[] = {
    {SB_DINOS, "hidden_size", SB_KEY_INT, SB_AT(enc_width), NAN},
    {SB_PAIRS, "hidden_size", SB_KEY_INT, SB_AT(enc_width), 768},
    {SB_OPEN_CLIP, "width", SB_KEY_INT, SB_AT(enc_width), 768},
    {SB_DINOS, "num_hidden_layers", SB_KEY_DEPTH, SB_AT(enc_layers), NAN},
    {SB_PAIRS, "num_hidden_layers", SB_KEY_DEPTH, SB_AT(enc_layers), 12},
    {SB_OPEN_CLIP, "layers", SB_KEY_DEPTH, SB_AT(enc_layers), 12},
    {SB_DINOS, "num_attention_heads", SB_KEY_HEADS, SB_AT(enc_heads), NAN},
    {SB_PAIRS, "num_attention_heads", SB_KEY_HEADS, SB_AT(enc_heads), 12},
    {SB_OPEN_CLIP, "head_width", SB_KEY_HEAD_WIDTH, SB_AT(enc_heads), 64},
    {SB_DINOV3, "intermediate_size", SB_KEY_INT, SB_AT(enc_mlp), NAN},
    {SB_PAIRS, "intermediate_size", SB_KEY_INT, SB_AT(enc_mlp), 3072},
    {SB_V2 | SB_OPEN_CLIP, "mlp_ratio", SB_KEY_RATIO, SB_AT(enc_mlp), 4},
    {SB_DINOS, "image_size", SB_KEY_SIDE, SB_AT(image), NAN},
    {SB_PAIRS | SB_OPEN_CLIP, "image_size", SB_KEY_SIDE, SB_AT(image), 224},
    {SB_DINOS, "patch_size", SB_KEY_SIDE, SB_AT(patch), NAN},
    {SB_SIGLIP | SB_OPEN_CLIP, "patch_size", SB_KEY_SIDE, SB_AT(patch), 16},
    {SB_CLIP, "patch_size", SB_KEY_SIDE, SB_AT(patch), 32},
    {SB_DINOS | SB_PAIRS, "num_channels", SB_KEY_MUST, 0, 3},
    {SB_V2 | SB_SIGLIP, "layer_norm_eps", SB_KEY_REAL, SB_AT(enc_eps), 1e-6},
    {SB_DINOV3 | SB_CLIP, "layer_norm_eps", SB_KEY_REAL, SB_AT(enc_eps), 1e-5},
    {SB_V2, "use_swiglu_ffn", SB_KEY_FLAG, SB_AT(enc_gated), 0},
    {SB_DINOV3, "use_gated_mlp", SB_KEY_FLAG, SB_AT(enc_gated), 0},
    {SB_V2, "hidden_act", SB_KEY_ACT, SB_AT(enc_act), 0}, // of the plain MLP; a gated one is silu
    {SB_DINOV3, "hidden_act", SB_KEY_ACT, SB_AT(enc_act), 0},
    {SB_SIGLIP, "hidden_act", SB_KEY_ACT, SB_AT(enc_act), 1},
    {SB_CLIP, "hidden_act", SB_KEY_ACT, SB_AT(enc_act), 2},
    {SB_OPEN_CLIP, "quick_gelu", SB_KEY_FLAG, SB_AT(enc_act), 0}, // beside vision_cfg, not in it
    {SB_V2, "qkv_bias", SB_KEY_BIAS, SB_AT(enc_bias), 1 | 2 | 4},
    {SB_DINOV3, "query_bias", SB_KEY_BIAS, SB_AT(enc_bias), 1},
    {SB_DINOV3, "key_bias", SB_KEY_BIAS, SB_AT(enc_bias), -2},
    {SB_DINOV3, "value_bias", SB_KEY_BIAS, SB_AT(enc_bias), 4},
    {SB_DINOV3, "proj_bias", SB_KEY_BIAS, SB_AT(enc_bias), 8},
    {SB_DINOV3, "mlp_bias", SB_KEY_BIAS, SB_AT(enc_bias), 16},
    {SB_DINOV2_REG, "num_register_tokens", SB_KEY_COUNT, SB_AT(enc_registers), 4},
    {SB_DINOV3, "num_register_tokens", SB_KEY_COUNT, SB_AT(enc_registers), 0},
    {SB_DINOV3, "rope_theta", SB_KEY_REAL, SB_AT(enc_rope), 100},
    {SB_DINOV3, "rope_parameters", SB_KEY_ROPE, SB_AT(enc_rope), 0},
    {SB_SIGLIP, "vision_use_head", SB_KEY_FLAG, SB_AT(enc_pool), 1},
    {SB_OPEN_CLIP, "ls_init_value", SB_KEY_GIVEN, SB_AT(enc_scaled), 0},
    {SB_OPEN_CLIP, "no_ln_pre", SB_KEY_NOT, SB_AT(enc_pre), 0},
    {SB_LANGUAGE, "hidden_size", SB_KEY_INT, SB_AT(llm_width), NAN},
    {SB_LANGUAGE, "num_hidden_layers", SB_KEY_DEPTH, SB_AT(llm_layers), NAN},
    {SB_LANGUAGE, "num_attention_heads", SB_KEY_HEADS, SB_AT(llm_heads), NAN},
    {SB_LANGUAGE, "num_key_value_heads", SB_KEY_HEADS, SB_AT(llm_kv_heads), 0}, // 0: as many as queries
    {SB_LANGUAGE, "head_dim", SB_KEY_HEADS, SB_AT(llm_dim), 0},
    {SB_LANGUAGE, "intermediate_size", SB_KEY_INT, SB_AT(llm_mlp), NAN},
    {SB_LANGUAGE, "vocab_size", SB_KEY_INT, SB_AT(vocab), NAN},
    {SB_LANGUAGE, "hidden_act", SB_KEY_ACT, SB_AT(enc_act), NAN}, // silu, else refused
    {SB_LANGUAGE, "rms_norm_eps", SB_KEY_REAL, SB_AT(llm_eps), 1e-6},
    {SB_LANGUAGE, "tie_word_embeddings", SB_KEY_FLAG, SB_AT(llm_tied), -1}, // -1: what the file holds
    {SB_LANGUAGE, "rope_theta", SB_KEY_REAL, SB_AT(theta), 1e4},
    {SB_LANGUAGE, "rope_scaling", SB_KEY_ROPE, SB_AT(theta), 0},
    {SB_LANGUAGE, "rope_parameters", SB_KEY_ROPE, SB_AT(theta), 0},
    {SB_LANGUAGE, "layer_types", SB_KEY_LAYERS, 0, 0},
    {SB_LANGUAGE, "use_sliding_window", SB_KEY_MUST, 0, 0},
    {SB_LANGUAGE, "partial_rotary_factor", SB_KEY_MUST, 0, 1},
    {SB_LLAMA, "attention_bias", SB_KEY_MUST, 0, 0},
    {SB_LLAMA, "mlp_bias", SB_KEY_MUST, 0, 0},
    {SB_LLAMA, "rope_interleaved", SB_KEY_MUST, 0, 0}};
enum { SB_FAMILY_KEYS = sizeof sb_family_key / sizeof *sb_family_key };

// Keys that say nothing about the arithmetic of a forward pass, or only about training: a name, or its
// beginning (with *). Unknown keys that are null, false, 0 or empty are switched off and pass as well.
static const char *const sb_family_harmless[] = {
    "_*", "architectures", "auto_map", "spatialboost", "model_type", "torch_dtype", "dtype",
    "transformers_version", "initializer_*", "attention_dropout", "attention_probs_dropout_prob",
    "hidden_dropout_prob", "drop_path_rate", "dropout", "patch_dropout", "layerscale_value", "pos_embed_*",
    "use_mask_token", "mask_ratio", "apply_layernorm", "reshape_hidden_states", "out_features",
    "out_indices", "stage_names", "id2label", "label2id", "num_labels", "problem_type", "projection_dim",
    "embed_dim", "final_ln_after_pool", "output_tokens", "pool_type", "pos_embed_type", "use_cache",
    "max_position_embeddings", "original_max_position_embeddings", "sliding_window", "max_window_layers",
    "pretraining_tp", "is_llama_config", "transformers.js_config", "*_token_id", "return_dict*", "output_*",
    "torchscript", "chunk_size_feed_forward", "diversity_penalty", "early_stopping", "length_penalty",
    "max_length", "min_length", "num_beam*", "num_return_sequences", "repetition_penalty", "temperature",
    "top_k", "top_p", "typical_p", "tokenizer_class", "use_bfloat16", "text_config", "text_cfg",
    "vision_config", "vision_cfg", "tie_word_embeddings", "logit_scale_init_value"};

// ---- names of tensors

// Ours -> theirs. {i}: the layer; ?: one character; *: w or b of ours, weight or bias of theirs. The first
// row that fits counts. parts > 0: ours is part (0, 1, ..) of that many equal ones, one below the other, of
// theirs.
typedef struct { int families; const char *ours, *theirs; int part, parts; } SbFamilyName;
static const SbFamilyName sb_family_name[] = {
    {SB_DINOS, "enc.cls", "embeddings.cls_token", 0, 0},
    {SB_DINOS, "enc.registers", "embeddings.register_tokens", 0, 0},
    {SB_V2, "enc.pos", "embeddings.position_embeddings", 0, 0},
    {SB_V2, "enc.patch_*", "embeddings.patch_embeddings.projection.*", 0, 0},
    {SB_V2, "enc.norm_*", "layernorm.*", 0, 0},
    {SB_V2, "enc.{i}.norm?_*", "encoder.layer.{i}.norm?.*", 0, 0},
    {SB_V2, "enc.{i}.q_*", "encoder.layer.{i}.attention.attention.query.*", 0, 0},
    {SB_V2, "enc.{i}.k_*", "encoder.layer.{i}.attention.attention.key.*", 0, 0},
    {SB_V2, "enc.{i}.v_*", "encoder.layer.{i}.attention.attention.value.*", 0, 0},
    {SB_V2, "enc.{i}.o_*", "encoder.layer.{i}.attention.output.dense.*", 0, 0},
    {SB_V2, "enc.{i}.plus_?_*", "encoder.layer.{i}.attention.plus.?_proj.*", 0, 0},
    {SB_V2, "enc.{i}.a", "encoder.layer.{i}.attention.a", 0, 0},
    {SB_V2, "enc.{i}.scale?", "encoder.layer.{i}.layer_scale?.lambda1", 0, 0},
    {SB_V2 | SB_GATED, "enc.{i}.gate_*", "encoder.layer.{i}.mlp.weights_in.*", 0, 2},
    {SB_V2 | SB_GATED, "enc.{i}.up_*", "encoder.layer.{i}.mlp.weights_in.*", 1, 2},
    {SB_V2 | SB_GATED, "enc.{i}.down_*", "encoder.layer.{i}.mlp.weights_out.*", 0, 0},
    {SB_V2, "enc.{i}.up_*", "encoder.layer.{i}.mlp.fc1.*", 0, 0},
    {SB_V2, "enc.{i}.down_*", "encoder.layer.{i}.mlp.fc2.*", 0, 0},
    {SB_DINOV3, "enc.patch_*", "embeddings.patch_embeddings.*", 0, 0},
    {SB_DINOV3, "enc.norm_*", "norm.*", 0, 0},
    {SB_DINOV3, "enc.{i}.norm?_*", "layer.{i}.norm?.*", 0, 0},
    {SB_DINOV3, "enc.{i}.plus_?_*", "layer.{i}.attention.plus.?_proj.*", 0, 0},
    {SB_DINOV3, "enc.{i}.a", "layer.{i}.attention.a", 0, 0},
    {SB_DINOV3, "enc.{i}.scale?", "layer.{i}.layer_scale?.lambda1", 0, 0},
    {SB_DINOV3, "enc.{i}.gate_*", "layer.{i}.mlp.gate_proj.*", 0, 0},
    {SB_DINOV3, "enc.{i}.up_*", "layer.{i}.mlp.up_proj.*", 0, 0},
    {SB_DINOV3, "enc.{i}.down_*", "layer.{i}.mlp.down_proj.*", 0, 0},
    {SB_DINOV3, "enc.{i}.?_*", "layer.{i}.attention.?_proj.*", 0, 0},
    {SB_CLIP, "enc.cls", "embeddings.class_embedding", 0, 0},
    {SB_CLIP, "enc.pre_*", "pre_layrnorm.*", 0, 0},         // sic
    {SB_PAIRS, "enc.pos", "embeddings.position_embedding.weight", 0, 0},
    {SB_PAIRS, "enc.patch_*", "embeddings.patch_embedding.*", 0, 0},
    {SB_PAIRS, "enc.norm_*", "post_layernorm.*", 0, 0},
    {SB_PAIRS, "enc.{i}.norm?_*", "encoder.layers.{i}.layer_norm?.*", 0, 0},
    {SB_PAIRS, "enc.{i}.plus_o_*", "encoder.layers.{i}.self_attn.plus.out_proj.*", 0, 0},
    {SB_PAIRS, "enc.{i}.plus_?_*", "encoder.layers.{i}.self_attn.plus.?_proj.*", 0, 0},
    {SB_PAIRS, "enc.{i}.a", "encoder.layers.{i}.self_attn.a", 0, 0},
    {SB_PAIRS, "enc.{i}.up_*", "encoder.layers.{i}.mlp.fc1.*", 0, 0},
    {SB_PAIRS, "enc.{i}.down_*", "encoder.layers.{i}.mlp.fc2.*", 0, 0},
    {SB_PAIRS, "enc.{i}.o_*", "encoder.layers.{i}.self_attn.out_proj.*", 0, 0},
    {SB_PAIRS, "enc.{i}.?_*", "encoder.layers.{i}.self_attn.?_proj.*", 0, 0},
    {SB_SIGLIP, "pool.probe", "head.probe", 0, 0},
    {SB_SIGLIP, "pool.q_*", "head.attention.in_proj_*", 0, 3},
    {SB_SIGLIP, "pool.k_*", "head.attention.in_proj_*", 1, 3},
    {SB_SIGLIP, "pool.v_*", "head.attention.in_proj_*", 2, 3},
    {SB_SIGLIP, "pool.o_*", "head.attention.out_proj.*", 0, 0},
    {SB_SIGLIP, "pool.norm_*", "head.layernorm.*", 0, 0},
    {SB_SIGLIP, "pool.*?", "head.mlp.fc?.*", 0, 0},
    {SB_OPEN_CLIP, "enc.cls", "class_embedding", 0, 0},
    {SB_OPEN_CLIP, "enc.pos", "positional_embedding", 0, 0},
    {SB_OPEN_CLIP, "enc.patch_*", "conv1.*", 0, 0},
    {SB_OPEN_CLIP, "enc.pre_*", "ln_pre.*", 0, 0},
    {SB_OPEN_CLIP, "enc.norm_*", "ln_post.*", 0, 0},
    {SB_OPEN_CLIP, "enc.{i}.norm?_*", "transformer.resblocks.{i}.ln_?.*", 0, 0},
    {SB_OPEN_CLIP, "enc.{i}.scale?", "transformer.resblocks.{i}.ls_?.gamma", 0, 0},
    {SB_OPEN_CLIP, "enc.{i}.q_*", "transformer.resblocks.{i}.attn.in_proj_*", 0, 3},
    {SB_OPEN_CLIP, "enc.{i}.k_*", "transformer.resblocks.{i}.attn.in_proj_*", 1, 3},
    {SB_OPEN_CLIP, "enc.{i}.v_*", "transformer.resblocks.{i}.attn.in_proj_*", 2, 3},
    {SB_OPEN_CLIP, "enc.{i}.o_*", "transformer.resblocks.{i}.attn.out_proj.*", 0, 0},
    {SB_OPEN_CLIP, "enc.{i}.plus_q_*", "transformer.resblocks.{i}.attn.plus.in_proj_*", 0, 3},
    {SB_OPEN_CLIP, "enc.{i}.plus_k_*", "transformer.resblocks.{i}.attn.plus.in_proj_*", 1, 3},
    {SB_OPEN_CLIP, "enc.{i}.plus_v_*", "transformer.resblocks.{i}.attn.plus.in_proj_*", 2, 3},
    {SB_OPEN_CLIP, "enc.{i}.plus_o_*", "transformer.resblocks.{i}.attn.plus.out_proj.*", 0, 0},
    {SB_OPEN_CLIP, "enc.{i}.a", "transformer.resblocks.{i}.attn.a", 0, 0},
    {SB_OPEN_CLIP, "enc.{i}.up_*", "transformer.resblocks.{i}.mlp.c_fc.*", 0, 0},
    {SB_OPEN_CLIP, "enc.{i}.down_*", "transformer.resblocks.{i}.mlp.c_proj.*", 0, 0},
    {SB_LANGUAGE, "llm.emb", "embed_tokens.weight", 0, 0},
    {SB_LANGUAGE, "llm.head", "lm_head.weight", 0, 0},
    {SB_LANGUAGE, "llm.norm_*", "norm.*", 0, 0},
    {SB_LANGUAGE, "llm.{i}.norm1_*", "layers.{i}.input_layernorm.*", 0, 0},
    {SB_LANGUAGE, "llm.{i}.norm2_*", "layers.{i}.post_attention_layernorm.*", 0, 0},
    {SB_LANGUAGE, "llm.{i}.gate_*", "layers.{i}.mlp.gate_proj.*", 0, 0},
    {SB_LANGUAGE, "llm.{i}.up_*", "layers.{i}.mlp.up_proj.*", 0, 0},
    {SB_LANGUAGE, "llm.{i}.down_*", "layers.{i}.mlp.down_proj.*", 0, 0},
    {SB_LANGUAGE, "llm.{i}.?_*", "layers.{i}.self_attn.?_proj.*", 0, 0}};
enum { SB_FAMILY_NAMES = sizeof sb_family_name / sizeof *sb_family_name };

// Tensors that no forward pass needs: parts of their names; ^: its beginning; ! none of those that begin so.
typedef struct { int families; const char *part; } SbFamilyUnneeded;
static const SbFamilyUnneeded sb_family_unneeded[] = {
    {SB_DINOS, "mask_token"}, {SB_DINOS, "^classifier."}, {SB_PAIRS, "position_ids"},
    {SB_PAIRS, "text_model."}, {SB_PAIRS, "^logit_"}, {SB_PAIRS, "^text_projection"},
    {SB_PAIRS, "^visual_projection"}, {SB_OPEN_CLIP, "visual.proj"}, {SB_OPEN_CLIP, "!visual."},
    {SB_LANGUAGE, "rotary_emb.inv_freq"}};

// ---- config.json to SbConfig

static SB_UNUSED const SbFamily *sb_family_of(const SbFolder *f) {
    SbText known = {NULL, 0, 0};
    const char *type = f->open_clip ? "open_clip" : sb_json_string(f->config, "model_type", f->config_path);
    for (int i = 0; i < SB_FAMILIES; i++) if (!strcmp(sb_family[i].type, type)) return sb_family + i;
    for (int i = 0; i < SB_FAMILIES; i++) sb_text_add(&known, "%s%s", i ? ", " : "", sb_family[i].type);
    sb_die("%s: model_type \"%.60s\" is not supported; known are %s", f->config_path, type, known.data);
}

// Is it a language model? Else an encoder.
static SB_UNUSED int sb_family_language(const SbFolder *f) {
    return (sb_family_of(f)->family & SB_LANGUAGE) != 0;
}

// Does text fit a pattern that may begin or end with *?
static SB_UNUSED int sb_family_like(const char *pattern, const char *text) {
    size_t n = strlen(pattern), m = strlen(text);
    if (*pattern == '*') return m + 1 >= n && !strcmp(text + m + 1 - n, pattern + 1);
    if (pattern[n - 1] == '*') return !strncmp(text, pattern, n - 1);
    return !strcmp(text, pattern);
}

static SB_UNUSED int sb_family_off(const cJSON *v) {
    return cJSON_IsNull(v) || cJSON_IsFalse(v) || (cJSON_IsNumber(v) && v->valuedouble == 0) ||
           (cJSON_IsString(v) && !*v->valuestring) || ((cJSON_IsArray(v) || cJSON_IsObject(v)) && !v->child);
}

static SB_UNUSED int sb_family_switch(const cJSON *v, const char *key, const char *where) {
    if (!cJSON_IsBool(v)) sb_json_wrong(v, key, "true or false", where);
    return cJSON_IsTrue(v);
}

// {"rope_theta": t, "rope_type" (or "type"): "default" or "llama3", ...}; plain: only the default will do.
static SB_UNUSED void sb_family_rope(SbConfig *c, double *theta, const cJSON *v, const cJSON *config,
                                     int plain, const char *key, const char *path) {
    char *where = sb_format("%s: %s", path, key);
    const cJSON *type = sb_json_optional(v, "rope_type", where);
    if (!type) type = sb_json_optional(v, "type", where);
    const char *name = type && cJSON_IsString(type) ? type->valuestring : "default";
    int llama3 = !strcmp(name, "llama3") && !plain;
    if ((type && !cJSON_IsString(type)) || (strcmp(name, "default") && !llama3))
        sb_die("%s: rope type \"%.40s\" is not supported; known are default%s", where, name,
               plain ? "" : ", llama3");
    if (llama3 && !sb_json_optional(v, "original_max_position_embeddings", where))
        c->rope_original = sb_json_number(config, "max_position_embeddings", path);
    for (const cJSON *k = v->child; k; k = k->next) {
        double *to = !strcmp(k->string, "rope_theta") ? theta : NULL;
        if (llama3 && !strcmp(k->string, "factor")) to = &c->rope_factor;
        if (llama3 && !strcmp(k->string, "low_freq_factor")) to = &c->rope_low;
        if (llama3 && !strcmp(k->string, "high_freq_factor")) to = &c->rope_high;
        if (llama3 && !strcmp(k->string, "original_max_position_embeddings")) to = &c->rope_original;
        if (to) {
            *to = sb_json_number(v, k->string, where);
            if (!(*to > 0))
                sb_die("%s: field \"%s\": expected a number above 0, found %g", where, k->string, *to);
        } else if (k != type && !sb_family_off(k) &&
                   !(!strcmp(k->string, "partial_rotary_factor") && k->valuedouble == 1)) {
            sb_die("%s: \"%.40s\" is not known, and may change the arithmetic", where, k->string);
        }
    }
    if (llama3) sb_json_number(v, "factor", where), sb_json_number(v, "low_freq_factor", where),
                sb_json_number(v, "high_freq_factor", where);
    if (llama3 && !(c->rope_high > c->rope_low))
        sb_die("%s: high_freq_factor %g must be above low_freq_factor %g", where, c->rope_high, c->rope_low);
    free(where);
}

static SB_UNUSED int sb_family_side(const cJSON *part, const cJSON *v, const char *key, const char *where) {
    if (!cJSON_IsArray(v)) return (int)sb_json_int(part, key, 1, 1 << 14, where);
    double side[2];
    sb_json_numbers(part, key, side, 2, where);
    if (side[0] != side[1] || side[0] < 1 || side[0] != floor(side[0]) || side[0] > 1 << 14)
        sb_die("%s: field \"%s\": only squares are supported, found %g x %g", where, key, side[0], side[1]);
    return (int)side[0];
}

static SB_UNUSED void sb_family_activation(int *to, const cJSON *v, const char *key, int gated,
                                           const char *where) {
    static const char *const names[] = {"gelu", "gelu_pytorch_tanh", "quick_gelu"};
    if (!cJSON_IsString(v)) sb_json_wrong(v, key, "a string", where);
    const char *name = v->valuestring;
    if (gated && !strcmp(name, "silu")) return;
    for (int i = 0; !gated && i < 3; i++)
        if (!strcmp(name, names[i])) {
            *to = i;
            return;
        }
    sb_die("%s: field \"%s\": \"%.40s\" is not supported here, expected %s", where, key, name,
           gated ? "silu (the MLP is gated)" : "gelu, gelu_pytorch_tanh or quick_gelu");
}

// One key, given as v in the object part.
static SB_UNUSED void sb_family_set(SbConfig *c, const SbFamilyKey *k, const cJSON *part, const cJSON *v,
                                    const char *where) {
    char *at = (char *)c + k->field;
    double x = cJSON_IsNumber(v) ? v->valuedouble : cJSON_IsTrue(v);
    switch (k->kind) {
    case SB_KEY_INT: *(int *)at = (int)sb_json_int(part, k->key, 1, 1 << 22, where); break;
    case SB_KEY_HEADS: *(int *)at = (int)sb_json_int(part, k->key, 1, 4096, where); break;
    case SB_KEY_DEPTH: *(int *)at = (int)sb_json_int(part, k->key, 1, 1000, where); break;
    case SB_KEY_COUNT: *(int *)at = (int)sb_json_int(part, k->key, 0, 4096, where); break;
    case SB_KEY_SIDE: *(int *)at = sb_family_side(part, v, k->key, where); break;
    case SB_KEY_FLAG:
        *(int *)at = sb_family_switch(v, k->key, where) * (k->field == SB_AT(enc_act) ? 2 : 1);
        break;
    case SB_KEY_NOT: *(int *)at = !sb_family_switch(v, k->key, where); break;
    case SB_KEY_GIVEN: *(int *)at = sb_json_number(part, k->key, where) != 0; break;
    case SB_KEY_BIAS:
        if (sb_family_switch(v, k->key, where)) *(int *)at |= abs((int)k->fallback);
        break;
    case SB_KEY_ACT:
        if (!c->enc_gated || k->families != SB_V2)
            sb_family_activation((int *)at, v, k->key, c->enc_gated || k->families == SB_LANGUAGE, where);
        break;
    case SB_KEY_ROPE:
        sb_family_rope(c, (double *)at, v, part, k->families == SB_DINOV3, k->key, where);
        break;
    case SB_KEY_REAL:
        *(double *)at = sb_json_number(part, k->key, where);
        if (!(*(double *)at > 0)) sb_die("%s: field \"%s\": expected a number above 0", where, k->key);
        break;
    case SB_KEY_RATIO:
        x = floor(c->enc_width * sb_json_number(part, k->key, where));
        if (!(x >= 1 && x <= 1 << 22)) sb_die("%s: field \"%s\" is out of range", where, k->key);
        *(int *)at = (int)x;
        break;
    case SB_KEY_HEAD_WIDTH:
        *(int *)at = c->enc_width / (int)sb_json_int(part, k->key, 1, c->enc_width, where);
        break;
    case SB_KEY_MUST:
        if (!(cJSON_IsNumber(v) || cJSON_IsBool(v)) || x != k->fallback)
            sb_die("%s: field \"%s\": only %g is supported", where, k->key, k->fallback);
        break;
    case SB_KEY_LAYERS:
        for (const cJSON *l = sb_json_array(part, k->key, where)->child; l; l = l->next)
            if (!cJSON_IsString(l) || strcmp(l->valuestring, "full_attention"))
                sb_die("%s: field \"%s\": only full_attention is supported", where, k->key);
    }
}

// What a missing key means.
static SB_UNUSED void sb_family_default(SbConfig *c, const SbFamilyKey *k, const char *where) {
    char *at = (char *)c + k->field;
    int whole = isnan(k->fallback) ? 0 : (int)k->fallback;
    if (k->kind == SB_KEY_MUST || k->kind == SB_KEY_ROPE || k->kind == SB_KEY_LAYERS) return;
    if (isnan(k->fallback)) sb_die("%s: field \"%s\" is missing", where, k->key);
    if (k->kind == SB_KEY_REAL) *(double *)at = k->fallback;
    else if (k->kind == SB_KEY_BIAS) *(int *)at |= whole > 0 ? whole : 0;
    else if (k->kind == SB_KEY_RATIO) *(int *)at = c->enc_width * whole;
    else if (k->kind == SB_KEY_HEAD_WIDTH) *(int *)at = c->enc_width / whole;
    else *(int *)at = k->kind == SB_KEY_NOT ? !whole : whole;
}

// Every key of part must be one of the family's or harmless.
static SB_UNUSED void sb_family_unknown(const SbFamily *y, const cJSON *part, const char *where) {
    for (const cJSON *v = part->child; v; v = v->next) {
        int known = sb_family_off(v);
        for (int i = 0; !known && i < SB_FAMILY_KEYS; i++)
            known = (sb_family_key[i].families & y->family) && !strcmp(sb_family_key[i].key, v->string);
        for (size_t i = 0; !known && i < sizeof sb_family_harmless / sizeof *sb_family_harmless; i++)
            known = sb_family_like(sb_family_harmless[i], v->string);
        if (!known)
            sb_die("%s: field \"%.60s\" is not known for %s, and may change the arithmetic; if it does not, "
                   "delete it", where, v->string, y->type);
    }
}

// The second channel of a folder (an export of ours): none, beside the first, or folded into it.
enum { SB_EXPORT_NONE, SB_EXPORT_DUAL, SB_EXPORT_FOLDED };
static SB_UNUSED int sb_family_channels(const SbFolder *f) {
    const cJSON *ours = sb_json_optional(f->config, "spatialboost", f->config_path);
    if (!ours) return SB_EXPORT_NONE;
    char *where = sb_format("%s: spatialboost", f->config_path);
    const char *channels = sb_json_string(ours, "channels", where);
    int dual = !strcmp(channels, "dual");
    if (!dual && strcmp(channels, "folded"))
        sb_die("%s: channels \"%.20s\" is not known, expected dual or folded", where, channels);
    free(where);
    return dual ? SB_EXPORT_DUAL : SB_EXPORT_FOLDED;
}
// Names of config.gate_by's values: what has an alpha of its own.
static const char *const sb_gate_names[] = {"channel", "head", "layer"};
// The encoder of such a folder: every block has the second channel. Folded: twice the heads, of the old size.
static SB_UNUSED void sb_family_boosted(const SbFolder *f, SbConfig *c, const char *where) {
    int channels = sb_family_channels(f);
    if (!channels) return;
    const cJSON *ours = sb_json_field(f->config, "spatialboost", f->config_path);
    int layers = (int)sb_json_int(ours, "layers", 1, 1000, where);
    if (layers != c->enc_layers)
        sb_die("%s: %d blocks are boosted, but %d are read: choose the same features (--select)", where,
               layers, c->enc_layers);
    if (channels == SB_EXPORT_FOLDED) c->enc_dim = c->enc_width / c->enc_heads, c->enc_heads *= 2;
    const char *by = sb_json_optional(ours, "gate", where) ? sb_json_string(ours, "gate", where) : "channel";
    for (c->gate_by = 0; c->gate_by < 3 && strcmp(by, sb_gate_names[c->gate_by]);) c->gate_by++;
    if (c->gate_by == 3)
        sb_die("%s: gate \"%.20s\" is not known, expected channel, head or layer", where, by);
}

// Fill the encoder's or the language model's half of c from config.json. Callers may then lower or raise
// c->image (a multiple of the patch): sb_family_bind carries the positions over. select: 0, features are
// the last block's, behind the final norm; 1, what enters the last block, without a norm (LLaVA's layer
// -2), and that block is left out.
static SB_UNUSED void sb_family_config(const SbFolder *f, SbConfig *c, int select) {
    const SbFamily *y = sb_family_of(f);
    const cJSON *outer = f->open_clip ? sb_json_field(f->config, "model_cfg", f->config_path) : f->config;
    const cJSON *part = y->section ? sb_json_field(outer, y->section, f->config_path) : outer;
    if (!cJSON_IsObject(part)) sb_json_wrong(part, y->section, "an object", f->config_path);
    char *where = y->section ? sb_format("%s: %s", f->config_path, y->section) : sb_copy(f->config_path);
    c->patch_word = -1; // the miniature's coordinate words: no model of the hub has them
    if (y->family & SB_LANGUAGE) {
        c->llm_bias = y->bias, c->rope_factor = 0;
    } else {
        c->enc_cls = y->family != SB_SIGLIP, c->enc_pos = y->family != SB_DINOV3;
        c->enc_scaled = (y->family & SB_DINOS) != 0, c->enc_pre = (y->family & (SB_CLIP | SB_OPEN_CLIP)) != 0;
        c->enc_registers = c->enc_gated = c->enc_pool = c->enc_act = 0, c->enc_final = 1;
        c->enc_rope = 0, c->enc_dim = 0, c->enc_bias = y->bias;
        c->enc_eps = 1e-5;                      // open_clip's, which has no key for it
    }
    sb_family_unknown(y, part, where);
    for (int i = 0; i < SB_FAMILY_KEYS; i++) {
        const SbFamilyKey *k = sb_family_key + i;
        if (!(k->families & y->family)) continue;
        const cJSON *v = sb_json_optional(part, k->key, where), *in = part;
        if (!v && !strcmp(k->key, "quick_gelu")) v = sb_json_optional(in = outer, k->key, where);
        if (v && !cJSON_IsNull(v)) sb_family_set(c, k, in, v, where);
        else sb_family_default(c, k, where);
    }
    if ((y->family & SB_V2) && c->enc_gated) c->enc_mlp = ((int)(c->enc_mlp * 2.0 / 3) + 7) / 8 * 8;
    if (y->family & SB_LANGUAGE) {
        if (!c->llm_kv_heads) c->llm_kv_heads = c->llm_heads;
        if ((int64_t)c->llm_dim * c->llm_heads == c->llm_width) c->llm_dim = 0;
        if (c->llm_tied < 0) c->llm_tied = !sb_folder_lookup(f, "language_model.", "lm_head.weight");
    } else {
        c->image -= c->image % c->patch;        // as a convolution does: what is left over is not seen
        if (c->image < 1) sb_die("%s: image_size is smaller than patch_size %d", where, c->patch);
        if (select && --c->enc_layers < 1) sb_die("%s: no block is left without the last one", where);
        if (select) c->enc_final = c->enc_pool = 0;
        sb_family_boosted(f, c, where);
    }
    const char *wrong = sb_config_error(c);
    if (wrong) sb_die("%s: its sizes do not fit each other: %s", where, wrong);
    free(where);
}

// ---- names

// Their name of our tensor by one row, into out; 0 if the row is not about it.
static SB_UNUSED int sb_family_map(const SbFamilyName *row, const char *ours, char *out, size_t size) {
    const char *p = row->ours, *s = ours, *digits = "", *kind = "";
    int digit_count = 0;
    char any = 0;
    for (; *p; p++) {
        if (!strncmp(p, "{i}", 3)) {
            digits = s, digit_count = (int)strspn(s, "0123456789"), s += digit_count, p += 2;
            if (!digit_count) return 0;
        } else if (*p == '*') {
            if (*s != 'w' && *s != 'b') return 0;
            kind = *s++ == 'w' ? "weight" : "bias";
        } else if (*p == '?' && *s) any = *s++;
        else if (*p != *s++) return 0;
    }
    if (*s) return 0;
    SbText t = {NULL, 0, 0};
    for (p = row->theirs; *p; p++) {
        if (!strncmp(p, "{i}", 3)) sb_text_bytes(&t, digits, (size_t)digit_count), p += 2;
        else if (*p == '*') sb_text_add(&t, "%s", kind);
        else sb_text_bytes(&t, *p == '?' ? &any : p, 1);
    }
    snprintf(out, size, "%s", t.data);
    free(t.data);
    return 1;
}

// Their name of our tensor (without a prefix) and its row; NULL if the family has none.
static SB_UNUSED const SbFamilyName *sb_family_theirs(const SbFamily *y, int gated, const char *ours,
                                                      char *out, size_t size) {
    for (int i = 0; i < SB_FAMILY_NAMES; i++) {
        const SbFamilyName *row = sb_family_name + i;
        if ((row->families & y->family) && (gated || !(row->families & SB_GATED)) &&
            sb_family_map(row, ours, out, size)) return row;
    }
    return NULL;
}

// Is it a tensor that a forward pass does not need?
static SB_UNUSED int sb_family_needless(const SbFamily *y, const char *name) {
    for (size_t i = 0; i < sizeof sb_family_unneeded / sizeof *sb_family_unneeded; i++) {
        const char *part = sb_family_unneeded[i].part,
                   *at = strstr(name, part + (*part == '^' || *part == '!'));
        if (!(sb_family_unneeded[i].families & y->family)) continue;
        if (*part == '!' ? at != name : *part == '^' ? at == name : at != NULL) return 1;
    }
    return 0;
}
#endif
