// qwen_folder.h: a random Qwen2 as a folder of the hub: config.json, model.safetensors. For tests and
// benchmarks, which cannot download one.
//
// Refuses: to be anything a reader could not meet (names, shapes and types are those of Qwen2.5's folders); a
// tokenizer, which says more than sizes. Include data/checkpoint.h first.
#ifndef SB_QWEN_FOLDER_H
#define SB_QWEN_FOLDER_H

// half: weights are BF16, as the real ones; else F32.
typedef struct { int width, heads, kv_heads, layers, mlp, vocab, half; double theta; } QwenShape;
static SB_UNUSED const QwenShape qwen_half_billion = {896, 14, 2, 24, 4864, 151936, 1, 1e6}; // Qwen2.5-0.5B

// A tensor of random numbers of that size around `middle`, [rows] or [rows][cols]; the caller's list grows.
static void qwen_tensor(SbFileTensor *t, int *n, int half, char *name, int rows, int cols, double size,
                        double middle) {
    SbFileTensor *one = t + (*n)++;
    SbRandom r = sb_random(77, (uint64_t)*n);
    size_t count = (size_t)rows * (size_t)(cols ? cols : 1);
    size_t bytes = half ? 2 : 4;                            // BF16 is the upper half of a float
    char *data = (char *)sb_calloc(count, bytes);
    for (size_t i = 0; i < count; i++) {
        float x = (float)(middle + size * (2 * sb_next_unit(&r) - 1));
        memcpy(data + i * bytes, (char *)&x + sizeof x - bytes, bytes);
    }
    one->name = name, one->type = half ? "BF16" : "F32", one->rank = cols ? 2 : 1, one->data = data;
    one->shape[0] = rows, one->shape[1] = cols;
}
static void qwen_config(const char *folder, const QwenShape *q) {
    char *path = sb_format("%s/config.json", folder);
    char *text = sb_format(
        "{\"architectures\": [\"Qwen2ForCausalLM\"], \"model_type\": \"qwen2\", \"dtype\": \"%s\", "
        "\"hidden_size\": %d, \"intermediate_size\": %d, \"num_attention_heads\": %d, "
        "\"num_key_value_heads\": %d, \"num_hidden_layers\": %d, \"vocab_size\": %d, "
        "\"hidden_act\": \"silu\", \"rms_norm_eps\": 1e-6, \"rope_theta\": %.1f, "
        "\"tie_word_embeddings\": true, \"max_position_embeddings\": 4096}",
        q->half ? "bfloat16" : "float32", q->width, q->mlp, q->heads, q->kv_heads, q->layers, q->vocab,
        q->theta);
    sb_write_file(path, text, strlen(text));
    free(path), free(text);
}
// Both files. The folder is made if it is missing.
static SB_UNUSED void qwen_folder(const char *folder, const QwenShape *q) {
    int D = q->width, KV = D / q->heads * q->kv_heads, n = 0;
    const struct {
        const char *name;
        int rows, cols;
    } part[] = {{"input_layernorm.weight", D, 0},
                {"self_attn.q_proj.weight", D, D},
                {"self_attn.q_proj.bias", D, 0},
                {"self_attn.k_proj.weight", KV, D},
                {"self_attn.k_proj.bias", KV, 0},
                {"self_attn.v_proj.weight", KV, D},
                {"self_attn.v_proj.bias", KV, 0},
                {"self_attn.o_proj.weight", D, D},
                {"post_attention_layernorm.weight", D, 0},
                {"mlp.gate_proj.weight", q->mlp, D},
                {"mlp.up_proj.weight", q->mlp, D},
                {"mlp.down_proj.weight", D, q->mlp}};
    int parts = (int)(sizeof part / sizeof *part);
    double size = D > 100 ? 2 / sqrt((double)D) : .2;
    SbFileTensor *t = (SbFileTensor *)sb_calloc((size_t)(q->layers * parts + 2), sizeof *t);
    SbPair format = {"format", "pt"};
    qwen_tensor(t, &n, q->half, sb_copy("model.embed_tokens.weight"), q->vocab, D, size, 0);
    qwen_tensor(t, &n, q->half, sb_copy("model.norm.weight"), D, 0, .2, 1);
    for (int l = 0; l < q->layers; l++)
        for (int k = 0; k < parts; k++)
            qwen_tensor(t, &n, q->half, sb_format("model.layers.%d.%s", l, part[k].name), part[k].rows,
                        part[k].cols, size, strstr(part[k].name, "norm") != NULL);
    char *weights = sb_format("%s/model.safetensors", folder);
    sb_checkpoint_write(weights, t, n, &format, 1);
    qwen_config(folder, q);
    for (int i = 0; i < n; i++) free((void *)(uintptr_t)t[i].data), free((void *)(uintptr_t)t[i].name);
    free(t), free(weights);
}
#endif
