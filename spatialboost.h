// spatialboost.h: SpatialBoost (arXiv 2603.22057) and Spa3R (2602.21186) in one header: models, kernels,
// gradients, optimiser. MIT.
//
// What it refuses to do: read or write files, know a word of any language, guess. It needs a C11 (or C++17)
// compiler with GCC's vector types, libm and, if you want threads, OpenMP. Everything is static; one
// translation unit a program. How to read it: search for ">>"; the order is the order of understanding.
//
//   >>manual     the model drawn, the letters, equation -> function, how to embed, to add a tensor or a probe
//   >>config     every size and setting: one table, three presets
//   >>contract   the operations: equation, shapes, what is = and what is +=   (a GPU provides the same names)
//   >>cpu        their bodies: plain loops and OpenMP, each forward directly above its backward
//   >>tensors    one table a module: parameters, activations
//   >>batch      what a batch is; data/batch.h packs images, turns and scenes of posed views into its rows
//   >>model      block, encoder, projector, second paper, LLM: forward above backward, contract names only
//   >>train      objectives, clipping, AdamW, schedule
//   >>license
//
// ------------------------------------------------------------------------------------------------- >>manual
//
//  image ─► patches ─► [ block + second channel ] x L ─► norm ─► projector ─┐
//                                                                           ├─► [ block ] x L ─► words
//                       question and answer words ─► embedding ─────────────┘
//
//  A block is   r1 = x + y    n1 = norm(r1)   y1 = attention(n1)     (x, y: residual stream and the branch
//               r2 = r1 + y1  n2 = norm(r2)   y2 = mlp(n2)            that is still to be added to it)
//  and hands (r2, y2) to the next one. The encoder's blocks have LayerNorm, GELU and biases; the LLM's (the
//  shape of Qwen2) RMSNorm, SwiGLU, rotary positions and grouped keys. One code, two configs.
//
//  The second channel (paper, eq. 1), in every attention layer of the encoder:
//      y1 = alpha * Attn(n1) + (1 - alpha) * Attn+(n1),  alpha = sigmoid(a),  a in R^C a layer, at first 0
//  (gate_by: or one a for each head, or for the layer). Attn+ starts as a copy of Attn, output projection
//  included: step 0 equals the base encoder within rounding (bound: dev/test_model.h). It is computed as ONE
//  attention with 2H heads and one output projection Wc = [diag(alpha) Wo | diag(1-alpha) Wo+]: alpha is in
//  sb_dual_fold_forward and nowhere else, after each branch's own projection, as the equation says.
//
//  What each stage trains (groups, >>tensors): encoder BASE+HEADS, llm LLM, align PROJ, instruct PROJ+LLM,
//  boost PLUS+ALPHA+PROJ (Attn+, a, projector), aggregator AGG, spa3r FIELD, vlm ADAPT (+LLM: --tune_llm).
//  Frozen tensors have no gradient memory: sb_update, the only writer after the start, skips them.
//
//  The second paper, Spa3R (search for "second paper"; a scene's rows are made in data/batch.h):
//
//  views ─► encoder ─► aggregator ─┬─► features of every view: the targets
//                                  └─► of context views ─► Spa3R's encoder ─► latents ─┬─► decoder ─► any
//                                      a camera alone ─► rays ─────────────────────────┘   view's features
//  It shares the block, the attention, the norm, the optimiser, the tables. It adds key intervals of frames,
//  passes and scenes; q and k norm, LayerScale, a table by which heads are turned (RoPE2D, cameras); the
//  operations gate, modulate and feature_loss; heads for geometry, cameras, features; the adapter.
//  A model has it only if sb_model_init is asked: SB_AGGREGATOR, SB_SPA3R, SB_ADAPTER. Deviation: by default
//  the context's cameras enter the encoder (context_camera = 1); the paper's encoder reads none (0).
//
//  Letters: N rows of a buffer (all samples of a batch, one after another, no padding), C width, H heads,
//  D head size, F hidden size of the MLP, V words, P patch side, G patches along an image side. Shapes are
//  in memory order, row-major, last index fastest. d_x is the gradient of the loss with respect to x.
//
//  paper                                            here
//  eq. 1, alpha, Attn+                              sb_dual_fold_forward, sb_attention_forward (2H heads)
//  projector g_P, "as LLaVA-1.5"                    sb_projector_forward
//  f_L, autoregressive loss on answers              sb_llm_forward, sb_llm_loss
//  one dialogue = several turns                     sb_batch_turn; data/batch.h: who sees whom
//  freezing                                         sb_model_train(groups)
//  VGGT: frame and global attention, special tokens sb_batch_pass, sb_aggregator_forward
//  M_ij, asymmetric views                           global_keys, written by sb_batch_pass (data/batch.h)
//  VGGT: camera head, pose encoding                 sb_camera_forward, sb_pose_encode (data/batch.h)
//  Spa3R encoder, queries to latents z              sb_latents_forward
//  rays, PRoPE: P = K E in q, k, v, o               sb_camera_ray, sb_camera_prope (there), sb_turn_heads
//  decoder and its loss, L1 + cosine                sb_decoder_forward, sb_feature_loss, sb_step_field
//  Spa3-VLM: cross-attention to z, gate             sb_adapter_forward
//
//  To embed it:
//      #include "spatialboost.h"
//      #include "data/batch.h"                                          // images and words to rows
//      SbConfig c = sb_config_preset(SB_MINI);
//      SbModel m;  sb_model_init(&m, &c, SB_DUAL);                      // with the second channel
//      sb_model_random(&m, ~0, seed, 1);  sb_model_train(&m, SB_PLUS | SB_ALPHA | SB_PROJ);
//      SbBatch b;  memset(&b, 0, sizeof b);  int image = sb_batch_image(&b, &c, rgb, c.image, c.image);
//      sb_batch_sample(&b);  sb_batch_prefix_image(&b, &c, image);
//      sb_batch_turn(&b, &c, token, target, NULL, n);   // token q0 q1 a0, target -1 a0 a1
//      sb_step_lm(&m, &b, 1);  sb_update(&m, lr, decay, step);          // step counts from 1
//      loss = sb_loss(&m);  norm = sb_norm(&m);      // only here does the host wait for a GPU
//  Spa3R: sb_model_init(&m, &c, SB_AGGREGATOR | SB_SPA3R), sb_model_train(&m, SB_FIELD), a batch as on top of
//  data/batch.h, sb_step_field.
//  To add a tensor: one line in its module's table (>>tensors) gives it a field, memory, a name in
//  checkpoints, an initial value, weight decay, a group, a place in the optimiser and in every test. Then
//  use it in >>model; if that needs a new operation, add it to >>contract and >>cpu, forward and backward. To
//  add a probe: data/probe.h, its metrics; features are acts.feature [rows][C], see patch_row, cls_row.
//
//  Double build: -DSB_REAL=double makes every tensor double; gradients are checked there. The header may be
//  included several times in one C++ program, in namespaces of their own, with another SB_REAL each time.

#ifndef SPATIALBOOST_ONCE
#define SPATIALBOOST_ONCE
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#define SB_FN static __attribute__((unused))
#if defined(__clang__)
#define SB_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__) && !defined(__CUDACC__)
#define SB_UNROLL _Pragma("GCC unroll 16")
#else
#define SB_UNROLL
#endif
#ifndef SB_FAIL  // programmer's or capacity errors; a program may define its own, not returning
#define SB_FAIL(...) (fprintf(stderr, "error: " __VA_ARGS__), fputc('\n', stderr), exit(1))
#endif
#ifndef SB_OP  // first line of every operation's body; a test build opens guarded memory here
#define SB_OP
#endif
#endif

#ifndef SB_REAL
#define SB_REAL float
#endif
#ifndef SB_WIDE                         // float where real is bf16, else the same type
#define SB_WIDE SB_REAL
#endif
typedef SB_REAL real;                   // activations and their gradients
typedef SB_WIDE param_t;                // parameters, their gradients and moments
typedef SB_WIDE stat_t;                 // statistics, log-sum-exp, losses, angles

// ------------------------------------------------------------------------------------------------- >>config
// X(type, name, toy, mini, small, help): the struct, presets, flags, checkpoint header, printed settings.
// toy: tests; mini: `make run` on a laptop; small: ViT-S/14 and a 25 M LLM, for timing.
#define SB_CONFIG(X) SB_CONFIG_BOOST(X) SB_CONFIG_FAMILY(X) SB_CONFIG_FIELD(X)
#define SB_CONFIG_BOOST(X)                                                                                \
    X(int, image, 32, 64, 224, "side of the (square) picture in pixels")                                  \
    X(int, patch, 8, 8, 14, "side of a patch in pixels")                                                  \
    X(int, enc_width, 32, 128, 384, "encoder: width C")                                                   \
    X(int, enc_layers, 2, 4, 12, "encoder: blocks")                                                       \
    X(int, enc_heads, 2, 4, 6, "encoder: attention heads H")                                              \
    X(int, enc_mlp, 64, 512, 1536, "encoder: hidden size F")                                              \
    X(int, llm_width, 32, 128, 512, "LLM: width")                                                         \
    X(int, llm_layers, 2, 3, 8, "LLM: blocks")                                                            \
    X(int, llm_heads, 4, 4, 8, "LLM: query heads")                                                        \
    X(int, llm_kv_heads, 2, 2, 2, "LLM: key/value heads")                                                 \
    X(int, llm_mlp, 48, 344, 1408, "LLM: hidden size of SwiGLU")                                          \
    X(int, vocab, 144, 144, 4096, "LLM: rows of the word table (at least the tokenizer's)")               \
    X(int, patch_word, 60, 60, 60, "first coordinate word; word k is added to patch k (-1: none)")         \
    X(int, classes, 18, 18, 18, "kinds of objects (shape x colour) to recognise")                         \
    X(int, labels, 21, 21, 21, "patch labels: floor, wall, ceiling and the classes")                      \
    X(double, theta, 1e6, 1e6, 1e6, "LLM: base of the rotary frequencies")                                \
    X(double, enc_eps, 1e-6, 1e-6, 1e-6, "encoder: epsilon of LayerNorm")                                 \
    X(double, llm_eps, 1e-6, 1e-6, 1e-6, "LLM: epsilon of RMSNorm")                                       \
    X(double, gate, 0, 0, 0, "initial value of a (alpha = sigmoid(a))")                                   \
    X(int, isolate, 1, 1, 1, "1: a turn sees the images and itself; 0: also the turns before it")         \
    X(int, restart, 1, 1, 1, "1: rotary positions restart after the image in every turn; 0: they run on") \
    X(int, batch, 8, 32, 8, "samples a step, times the stage's share (encoder 2; scenes 1/4, vlm 1/2)")  \
    X(double, beta1, .9, .9, .9, "AdamW: decay of the first moment")                                      \
    X(double, beta2, .98, .98, .98, "AdamW: decay of the second moment")                                  \
    X(double, adam_eps, 1e-8, 1e-8, 1e-8, "AdamW: epsilon")                                               \
    X(double, clip, 1, 1, 1, "clip the gradient's global norm to this (0: never)")                        \
    X(double, warmup, .03, .03, .03, "share of the steps in which the learning rate rises linearly")      \
    X(int, seed, 1, 1, 1, "everything random follows from it")
// What tells one family of pretrained models from another (data/families.h reads it off config.json).
#define SB_CONFIG_FAMILY(X)                                                                               \
    X(int, enc_cls, 1, 1, 1, "encoder: 1: a CLS row stands before the patches; 0: none (SigLIP)")         \
    X(int, enc_registers, 0, 0, 0, "encoder: register rows behind CLS")                                   \
    X(int, enc_pos, 1, 1, 1, "encoder: 1: learned positions; 0: none")                                    \
    X(double, enc_rope, 0, 0, 0, "encoder: base of the axial rotation of q and k (DINOv3: 100; 0: none)") \
    X(int, enc_pre, 0, 0, 0, "encoder: 1: a norm in front of the blocks (CLIP)")                          \
    X(int, enc_act, 0, 0, 0, "encoder: 0 gelu, 1 gelu by tanh, 2 quick gelu (gated: always silu)")        \
    X(int, enc_gated, 0, 0, 0, "encoder: 1: gated MLP (SwiGLU)")                                          \
    X(int, enc_scaled, 0, 0, 0, "encoder: 1: LayerScale")                                                 \
    X(int, enc_bias, 63, 63, 63, "encoder: biases, a sum of 1 q, 2 k, 4 v, 8 o, 16 MLP, 32 patches")      \
    X(int, enc_final, 1, 1, 1, "encoder: 1: a norm behind the last block; 0: none (LLaVA's layer -2)")    \
    X(int, enc_pool, 0, 0, 0, "encoder: 1: attention pooling (SigLIP)")                                   \
    X(int, enc_dim, 0, 0, 0, "encoder: head size (0: enc_width / enc_heads)")                             \
    X(int, share_o, 0, 0, 0, "second channel: 1: without an output projection of its own")                \
    X(int, gate_by, 0, 0, 0, "second channel: one a for each output channel (0), head (1) or layer (2)")  \
    X(int, last_layers, 0, 0, 0, "control: so many of the encoder's last blocks are a group to train")    \
    X(int, llm_dim, 0, 0, 0, "LLM: head size (0: llm_width / llm_heads)")                                 \
    X(int, llm_bias, 7, 7, 7, "LLM: biases, a sum of 1 q, 2 k, 4 v")                                      \
    X(int, llm_tied, 1, 1, 1, "LLM: 1: the word table is the output projection too")                      \
    X(double, rope_factor, 0, 0, 0, "LLM: rope type llama3: factor (0: default type)")                    \
    X(double, rope_low, 1, 1, 1, "its low_freq_factor")                                                   \
    X(double, rope_high, 4, 4, 4, "its high_freq_factor")                                                 \
    X(double, rope_original, 8192, 8192, 8192, "its original_max_position_embeddings")
// The second paper. A model has these towers only if sb_model_init is asked for them.
#define SB_CONFIG_FIELD(X)                                                                                \
    X(int, agg_layers, 2, 3, 12, "aggregator: pairs of frame and global block (width: the encoder's)")    \
    X(int, agg_heads, 2, 4, 6, "aggregator: heads")                                                       \
    X(int, agg_mlp, 48, 512, 1536, "aggregator: hidden size of the MLP")                                  \
    X(int, agg_registers, 2, 4, 4, "aggregator: register tokens a view")                                  \
    X(double, agg_scale, .01, 1, .01, "aggregator: initial LayerScale (0: none)")                         \
    X(int, global_norm, 2, 2, 2, "q and k norm of global blocks: 0 none, 1 RMSNorm, 2 LayerNorm (VGGT)")  \
    X(int, asymmetric, 1, 1, 1, "1: one pass, context sees no target; 0: a pass of the context first")    \
    X(int, camera_layers, 1, 0, 4, "aggregator: blocks of the camera head (0: poses are given)")        \
    X(int, camera_rounds, 2, 4, 4, "its iterations")                                                      \
    X(int, field_width, 32, 128, 384, "Spa3R: width of encoder and decoder")                              \
    X(int, field_layers, 2, 2, 6, "Spa3R: blocks of the encoder, and of the decoder")                     \
    X(int, field_heads, 2, 4, 6, "Spa3R: heads; their size must be a multiple of 16")                     \
    X(int, field_mlp, 48, 512, 1536, "Spa3R: hidden size of the MLPs")                                    \
    X(int, latents, 8, 32, 256, "Spa3R: latents of a scene")                                              \
    X(int, field_registers, 2, 4, 4, "Spa3R: registers of encoder and decoder")                           \
    X(int, context_camera, 1, 1, 1, "1: context cameras enter the encoder (PRoPE); 0: the paper, RoPE2D") \
    X(int, pose, 0, 0, 0, "decoder: 0 PRoPE, 1 Pluecker rays, 2 rays without a pose")                     \
    X(int, targets, 3, 3, 3, "features to predict: 1 geo, 2 sem, 3 both")                                 \
    X(int, loss_views, 0, 0, 0, "loss on 0: all views, 1: target views only")                             \
    X(int, feature_l1, 0, 0, 0, "0: smooth L1 (the code), 1: L1 (the paper); beside 1 - cosine")          \
    X(int, blind, 0, 0, 0, "1: the encoder sees no view (the control)")                                   \
    X(double, context, .5, .5, .5, "share of a scene's views that are context: the first, others drawn")  \
    X(int, adapter, 1, 1, 1, "how the LLM reads latents: 0 not at all, 1 cross-attention, 2 appended")

#define X(type, name, toy, mini, small, help) type name;
typedef struct { SB_CONFIG(X) } SbConfig;
#undef X
enum { SB_TOY, SB_MINI, SB_SMALL };
#define SB_HEAD_DIM(c, tower) ((c)->tower##_dim ? (c)->tower##_dim : (c)->tower##_width / (c)->tower##_heads)

// All fields of preset SB_TOY, SB_MINI or SB_SMALL.
SB_FN SbConfig sb_config_preset(int preset) {
    SbConfig c;
#define X(type, name, toy, mini, small, help) \
    c.name = preset == SB_TOY ? (type)(toy) : preset == SB_MINI ? (type)(mini) : (type)(small);
    SB_CONFIG(X)
#undef X
    return c;
}
// NULL if the sizes fit each other, else what is wrong with them.
SB_FN const char *sb_config_error(const SbConfig *c) {
    int grid = c->patch > 0 ? c->image / c->patch : 0;
#define X(wrong, what) if (wrong) return what;
    // far above every model there is, so that no product below or in the tables overflows
    X(c->enc_width > 1 << 16 || c->llm_width > 1 << 16 || c->llm_dim > 1 << 12 || c->llm_heads > 1 << 12 ||
      c->enc_dim > 1 << 12 || c->enc_heads > 1 << 12, "widths are at most 65536, heads 4096 of at most 4096")
    X(c->enc_layers > 1 << 12 || c->llm_layers > 1 << 12, "at most 4096 blocks")
    X(c->enc_mlp > 1 << 20 || c->llm_mlp > 1 << 20 || c->vocab > 1 << 24 || c->patch_word > 1 << 24 ||
      c->classes > 1 << 20 || c->labels > 1 << 20 || c->enc_registers > 1 << 20,
      "hidden sizes, classes and registers are at most 2^20, words 2^24")
    X(grid > 1 << 12 || c->patch > 1 << 10, "patches are at most 1024 wide, and 4096 a side")
    X(grid < 1 || c->image % c->patch, "image must be a multiple of patch")
    X(c->enc_width < 1 || c->llm_width < 1, "widths must be positive")
    X(c->enc_heads < 1 || c->enc_dim < 0 || c->enc_width % (c->enc_dim ? c->enc_dim : c->enc_heads),
      "enc_width must be a multiple of enc_heads (or of enc_dim, if it is given)")
    X(c->enc_width % 4 || c->llm_width % 4, "widths must be multiples of 4 (sin-cos start of positions)")
    X(c->llm_heads < 1 || (c->llm_dim ? c->llm_dim % 2 : c->llm_width % (2 * c->llm_heads)),
      "the LLM's head size must be even")
    X(c->enc_rope && SB_HEAD_DIM(c, enc) % 4, "encoder: rotated heads must be a multiple of 4")
    X((c->enc_cls | c->enc_pos | c->enc_pre | c->enc_gated | c->enc_scaled | c->enc_final | c->enc_pool |
       c->share_o | c->llm_tied) & ~1, "a switch is 0 or 1")
    X(c->enc_act < 0 || c->enc_act > 2 || c->enc_bias < 0 || c->enc_bias > 63 || c->llm_bias < 0 ||
      c->llm_bias > 7 || c->enc_registers < 0 || c->llm_dim < 0, "a switch has no such value")
    X(c->gate_by < 0 || c->gate_by > 2, "gate_by is 0 (channel), 1 (head) or 2 (layer)")
    X(c->llm_kv_heads < 1 || c->llm_heads % c->llm_kv_heads, "llm_heads must be a multiple of llm_kv_heads")
    X(c->enc_layers < 1 || c->llm_layers < 1 || c->enc_mlp < 1 || c->llm_mlp < 1, "sizes must be positive")
    X(c->vocab < 1 || c->batch < 1 || c->classes < 1 || c->labels < 1, "sizes must be positive")
    X(c->patch_word >= 0 && c->patch_word + grid * grid > c->vocab, "vocab has no room for patch words")
#undef X
    return NULL;
}
// The same for the second paper's sizes, which matter only to models that have its towers.
SB_FN const char *sb_field_error(const SbConfig *c) {
#define X(wrong, what) if (wrong) return what;
    X(c->field_width > 1 << 16 || c->agg_layers > 1 << 12 || c->field_layers > 1 << 12 ||
      c->camera_layers > 1 << 12 || c->agg_mlp > 1 << 20 || c->field_mlp > 1 << 20 || c->latents > 1 << 20 ||
      c->agg_registers > 1 << 20 || c->field_registers > 1 << 20 || c->agg_heads > 1 << 12 ||
      c->field_heads > 1 << 12, "a size is too large")
    X(c->agg_heads < 1 || c->enc_width % (4 * c->agg_heads), "enc_width / agg_heads must be a multiple of 4")
    X(c->field_heads < 1 || c->field_width % (16 * c->field_heads),
      "field_width / field_heads must be a multiple of 16")
    X(c->agg_layers < 1 || c->agg_mlp < 1 || c->field_layers < 1 || c->field_mlp < 1 || c->latents < 1,
      "sizes must be positive")
    X(c->agg_registers < 0 || c->field_registers < 0 || c->camera_layers < 0, "counts must not be negative")
    X(c->camera_rounds < 1 || c->camera_rounds > 8, "camera_rounds must be 1 to 8")
    X(c->global_norm < 0 || c->global_norm > 2 || c->pose < 0 || c->pose > 2 || c->adapter < 0 ||
      c->adapter > 2 || c->targets < 1 || c->targets > 3, "a switch has no such value")
    X(!(c->context > 0 && c->context <= 1), "context must be a share above 0, at most 1")
    X(c->llm_width % 4, "llm_width must be a multiple of 4")
#undef X
    return NULL;
}

// ----------------------------------------------------------------------------------------------- >>contract
// Rules that every operation keeps. Inputs are const and overlap no output. Outputs are assigned (=): callers
// need not clear them. Added to (+=) are gradients of parameters, and the first argument of a name in _add;
// changed in place are names in _inplace and what sb_adamw moves. A parameter's gradient may be NULL (frozen:
// that work is skipped), any other pointer only where it says so. A backend keeps its own scratch. Rows are
// independent unless stated, so an op may be called on a range of rows (that is how the KV cache works).
// Host code touches tensors only through the memory functions. Sums run in one fixed order: results do
// not depend on the number of threads.

enum { SB_F32, SB_BF16, SB_F64 };
#define SB_TYPE(t) ((int)(sizeof(t) == 2 ? SB_BF16 : sizeof(t) == 4 ? SB_F32 : SB_F64))
#define SB_NATIVE SB_TYPE(real)
#define SB_SIZE(type) ((size_t)((type) == SB_BF16 ? 2 : (type) == SB_F32 ? 4 : 8))    // bytes of a number
enum { SB_BAG = 4 };  // most words that one row can sum (the text map of stage llm needs four)

// A weight as it lies in memory: [rows][cols], rows ld elements apart, f32, bf16 or f64. p = NULL: absent.
typedef struct { const void *p; int type, rows, cols; long ld; } SbWeight;
static const SbWeight sb_absent = {NULL, SB_F32, 0, 0, 0};

// Attention of nq query rows over nk key rows. keys [nq][4]: row i sees keys [k0,k1) and [k2,k3), k1 <= k2;
// an empty row gives 0 and zero gradients. q [nq][heads*dim], k and v [nk][kv_heads*dim], rows ldq, ldk, ldv
// apart. Query head h reads key head h / (heads / kv_heads). Scores are q.k / sqrt(dim).
typedef struct {
    const real *q, *k, *v;
    long ldq, ldk, ldv, nq, nk;
    const int *keys;
    int heads, kv_heads, dim;
} SbAttention;

// memory of the backend
SB_FN void *sb_alloc(size_t bytes);  // zeroed; never NULL (fails with a message)
SB_FN void sb_free(void *device);
SB_FN void sb_put(void *device, const void *host, size_t bytes);      // host to backend
SB_FN void sb_get(void *host, const void *device, size_t bytes);      // backend to host
SB_FN void sb_zero(void *device, size_t bytes);
SB_FN const void *sb_share(const void *host, size_t bytes); // for the backend to read: host itself, or a copy
SB_FN void sb_unshare(const void *device);

// linear: y[n][out] = x[n][in] w^T + b, w [out][in], b [out] or absent. Column slices by ldy, ldx.
SB_FN void sb_linear_forward(real *y, long ldy, const real *x, long ldx, SbWeight w, SbWeight b, long n);
// An MLP's activation: h Phi(h), the exact form; or h sigmoid(u(h)): gelu by tanh, u = sqrt(8/pi) (h +
// .044715 h^3); quick gelu, u = 1.702 h; silu, u = h.
enum { SB_GELU, SB_GELU_TANH, SB_QUICK_GELU, SB_SILU };
// h = x w^T + b,  g = act(h). h, g [n][out] dense.
SB_FN void sb_linear_act_forward(real *g, real *h, const real *x, long ldx, SbWeight w, SbWeight b, long n,
                                 int act);
// d_x = d_y w   and   d_x += d_y w
SB_FN void sb_linear_backward_input(real *d_x, long ldx, const real *d_y, long ldy, SbWeight w, long n);
SB_FN void sb_linear_backward_input_add(real *d_x, long ldx, const real *d_y, long ldy, SbWeight w, long n);
// d_w [out][in] += d_y^T x,   d_b [out] += column sums of d_y.   Rows are summed.
SB_FN void sb_linear_backward_weight(param_t *d_w, param_t *d_b, const real *d_y, long ldy, const real *x,
                                     long ldx, long n, int out, int in);
// g = act(h);   d_h = d_g act'(h): Phi(h) + h phi(h), or s + h s (1 - s) u'(h), s = sigmoid(u(h))
SB_FN void sb_act_forward(real *g, const real *h, long count, int act);
SB_FN void sb_act_backward(real *d_h, const real *d_g, const real *h, long count, int act);
// h [n][2F] = (gate | up):  g [n][F] = silu(gate) up, silu(x) = x / (1 + exp(-x))
SB_FN void sb_swiglu_forward(real *g, const real *h, long n, int f);
SB_FN void sb_swiglu_backward(real *d_h, const real *d_g, const real *h, long n, int f);
// r = x + y (y NULL: r = x; r NULL with y NULL: not stored), then per row of C:
//   layernorm: out = (r - mean) rstd w + b, rstd = 1/sqrt(var + eps)
//   else RMSNorm: out = r rstd w, rstd = 1/sqrt(mean(r^2) + eps)
// stat [n][2] = mean, rstd (mean 0 for RMSNorm). w.p may be NULL: 1 (w.rows is C).
SB_FN void sb_add_norm_forward(real *r, real *out, stat_t *stat, const real *x, const real *y, SbWeight w,
                               SbWeight b, long n, double eps, int layernorm);
// d_r += gradient through the norm; d_w += sum d_out (r-mean) rstd, d_b += sum d_out, over rows
SB_FN void sb_norm_backward_add(real *d_r, param_t *d_w, param_t *d_b, const real *d_out, const real *r,
                                const stat_t *stat, SbWeight w, long n, int layernorm);
// Norm of every head's D lanes (q and k before the rotation), w and b [D] shared by the heads, as
// sb_add_norm_forward without a sum. stat [n][heads][2].
SB_FN void sb_head_norm_forward(real *y, long ldy, stat_t *stat, const real *x, long ldx, SbWeight w,
                                SbWeight b, long n, int heads, double eps, int layernorm);
// d_x = gradient through the norm; d_w += sum d_y (x - mean) rstd, d_b += sum d_y, over rows and heads
SB_FN void sb_head_norm_backward(real *d_x, long ldx, param_t *d_w, param_t *d_b, const real *d_y, long ldy,
                                 const real *x, const stat_t *stat, SbWeight w, long n, int heads,
                                 int layernorm);
// LayerScale: y [n][C] = x s, s [C];   d_x = d_y s,  d_s += column sums of d_y x
SB_FN void sb_scale_forward(real *y, const real *x, SbWeight s, long n);
SB_FN void sb_scale_backward(real *d_x, param_t *d_s, const real *d_y, const real *x, SbWeight s, long n);
// y = x + a sigmoid(u);   d_a = d_y s,  d_u = d_y a s (1-s), s = sigmoid(u)   (d_x is d_y)
SB_FN void sb_gate_forward(real *y, const real *x, const real *a, const real *u, long count);
SB_FN void sb_gate_backward(real *d_a, real *d_u, const real *d_y, const real *a, const real *u, long count);
// mod [n][3C] = (shift | scale | gate):  u [n][C] = t + gate (x (1 + scale) + shift)   (d_t is d_u)
SB_FN void sb_modulate_forward(real *u, const real *t, const real *x, const real *mod, long n, int width);
SB_FN void sb_modulate_backward(real *d_x, real *d_mod, const real *d_u, const real *x, const real *mod,
                                long n, int width);
// The first `mixed` lanes of a head are multiplied, four by four, by the row's camera matrix; the rest is
// `blocks` equal blocks, lane i of a block's first half and lane i of its second rotated by an angle:
//   Qwen2 {0, 1}   RoPE2D {0, 2}: a half by y, one by x   PRoPE {D/2, 2}: cameras, a quarter by x, one by y
// table [n][sb_turn_row] = P, inverse of P [4][4] (if mixed), cos of (D - mixed)/2 angles, then their sin.
typedef struct { int mixed, blocks; } SbPairing;
// y = x turned; y may be x.  SB_TURN_Q: P^T and the rotation (a c - b s, b c + a s);  SB_TURN_K: P^-1 and it;
// SB_BACK_Q, SB_BACK_K: their transposes, P and P^-T, rotated back: also the gradients.
enum { SB_TURN_Q, SB_TURN_K, SB_BACK_Q, SB_BACK_K };
SB_FN void sb_turn_heads(real *y, long ldy, const real *x, long ldx, const stat_t *table, long n, int heads,
                         int dim, SbPairing turn, int side);
// o [nq][heads*dim] = softmax(q k^T / sqrt(D)) v over the row's keys; lse [nq][heads] = log sum exp(scores)
SB_FN void sb_attention_forward(real *o, long ldo, stat_t *lse, const SbAttention *a);
// d_q, d_k, d_v: rows as far apart as those of q, k, v. Scores are recomputed from lse.
SB_FN void sb_attention_backward(real *d_q, real *d_k, real *d_v, const real *d_o, const real *o, long ldo,
                                 const stat_t *lse, const SbAttention *a);
// Paper eq. 1 as one projection, w [C][M]: wc [C][2M] = (s w | (1-s) wp), bc = t b + (1-t) bp. s: sigmoid of
// a, [C] of rows, [1][H] of heads (M / H columns each) or [1]; t: a row's mean s (heads share b alike).
SB_FN void sb_dual_fold_forward(real *wc, real *bc, SbWeight w, SbWeight b, SbWeight wp, SbWeight bp,
                                SbWeight a);
// d_w += s M1, d_wp += (1-s) M2, d_b += t d_bc, d_bp += (1-t) d_bc, where d_wc = (M1 | M2) (one projection
// for both channels: w = wp, and d_wp may be d_w, d_bp d_b);
// d_a += s (1-s) (M1 w - M2 wp + d_bc (b - bp) / columns of a), summed over what shares it
SB_FN void sb_dual_fold_backward(param_t *d_w, param_t *d_b, param_t *d_wp, param_t *d_bp, param_t *d_a,
                                 const param_t *d_wc, const param_t *d_bc, SbWeight w, SbWeight b,
                                 SbWeight wp, SbWeight bp, SbWeight a);
// patch [n][3] = (first pixel, or -1 for CLS, -2 - k for register k; pixels per image row; position, -1:
// none). pixels [..][3]. col [n][3PP] = the patch as (channel, y, x), else 0;  x = (col w^T + b, or cls, or
// registers[k]) + pos[position]
SB_FN void sb_patch_embed_forward(real *x, real *col, const real *pixels, const int *patch, SbWeight w,
                                  SbWeight b, SbWeight cls, SbWeight registers, SbWeight pos, long n,
                                  int side);
SB_FN void sb_patch_embed_backward(param_t *d_w, param_t *d_b, param_t *d_cls, param_t *d_registers,
                                   param_t *d_pos, const real *d_x, const real *col, const int *patch,
                                   long n, int width, int cols, int registers, int positions);
// x [n][C] = sum of emb[token[i][j]], j < SB_BAG (-1: none), + vis[vis_row[i]] (-1: none)
SB_FN void sb_embed_forward(real *x, SbWeight emb, const int *token, const real *vis, const int *vis_row,
                            long n);
// d_emb [V][C] += rows;  d_vis [n_vis][C] = sum of its rows (0: no row shows it). Either may be NULL.
SB_FN void sb_embed_backward(param_t *d_emb, real *d_vis, const real *d_x, const int *token,
                             const int *vis_row, long n, long n_vis, int words, int width);
// y[i] = x[index[i]] (+ more[index[i]], unless NULL);   d_x[index[i]] += d_y[i] (no index twice). Rows of y
// and d_y are ldy apart, those of x and more width.
SB_FN void sb_gather_rows(real *y, long ldy, const real *x, const real *more, const int *index, long n,
                          int width);
SB_FN void sb_scatter_rows_add(real *d_x, const real *d_y, long ldy, const int *index, long n, int width);
// Losses per row, and gradients times scale (NULL: not wanted). Here -log softmax(logits)[target]; -1: 0
SB_FN void sb_xent(stat_t *loss, real *d_logits, const real *logits, const int *target, long n, int classes,
                   double scale);
// sum over classes of binary cross-entropy of sigmoid(logits) against y in [0,1]
SB_FN void sb_bce(stat_t *loss, real *d_logits, const real *logits, const stat_t *y, long n, int classes,
                  double scale);
// Huber with beta 1: e = pred - target, |e| < 1 ? e^2/2 : |e| - 1/2
SB_FN void sb_smooth_l1(stat_t *loss, real *d_pred, const real *pred, const stat_t *target, long n,
                        double scale);
// A predicted feature p [C] against the true one t, row weights [n]: value = weight mean over C of h(p - t),
// h(e) = smooth L1 as above, l1 = 1: |e|;  angle = weight (1 - p.t / (|p| |t|)), norms at least 1e-12.
// d_pred = scale times the gradient of their sum.
SB_FN void sb_feature_loss(stat_t *value, stat_t *angle, real *d_pred, const real *pred, const real *target,
                           const stat_t *weight, long n, int width, int l1, double scale);
// logits = x w^T, then sb_xent, chunk rows at a time; logits [2][chunk][V] is scratch (logits and their
// gradient). loss [n]; d_x [n][C] =; d_w [V][C] += (each may be NULL)
SB_FN void sb_head_xent(stat_t *loss, real *d_x, param_t *d_w, real *logits, long chunk, const real *x,
                        SbWeight w, const int *target, long n, double scale);
// *sum (on the backend) = sum of squares of count numbers of a type, in double, in a fixed order
SB_FN void sb_sum_squares(double *sum, const void *x, int type, long count);
// A tensor that trains: its elements, and where its gradients and moments begin in their arrays.
typedef struct { param_t *p; long begin; int decay; } SbTrained;
// All of them at once. Decoupled weight decay (Loshchilov and Hutter, 2019), g = grad min(1, clip / norm),
// norm = sqrt(*squares) (clip 0: never); a norm that is no number changes nothing:
// m = b1 m + (1-b1) g, v = b2 v + (1-b2) g^2, p -= lr (m / (1-b1^t) / (sqrt(v / (1-b2^t)) + eps) + decay p)
// list [tensors] in order, on the backend; grad, m, v [count]; t = step, from 1.
SB_FN void sb_adamw(const SbTrained *list, int tensors, const param_t *grad, param_t *m, param_t *v,
                    long count, const double *squares, double clip, double lr, double decay, double beta1,
                    double beta2, double eps, long step);

static inline int sb_min(int a, int b) { return a < b ? a : b; }
static inline long sb_lmin(long a, long b) { return a < b ? a : b; }
static inline long sb_lmax(long a, long b) { return a > b ? a : b; }
// Numbers a row of sb_turn_heads' table.
static inline long sb_turn_row(int dim, SbPairing turn) { return (turn.mixed ? 32 : 0) + dim - turn.mixed; }

// ---------------------------------------------------------------------------------------------------- >>cpu
// Bodies of the contract for any CPU. A backend that defines SB_OWN_BACKEND supplies the same names.
#ifndef SB_OWN_BACKEND

SB_FN void *sb_alloc(size_t bytes) {
#ifdef SB_GUARD_ALLOC                   // the test build's memory that only operations may touch
    return SB_GUARD_ALLOC(bytes);
#else
    size_t rounded = (bytes + 63) / 64 * 64;        // aligned_alloc wants a multiple
    void *p = rounded < bytes ? NULL : aligned_alloc(64, rounded + 64);
    if (!p) SB_FAIL("out of memory: %zu bytes wanted; a smaller --batch or --preset needs less", bytes);
    return memset(p, 0, rounded + 64);
#endif
}
SB_FN void sb_free(void *device) {
#ifdef SB_GUARD_FREE
    SB_GUARD_FREE(device);
#else
    free(device);
#endif
}
SB_FN void sb_put(void *to, const void *host, size_t bytes) { SB_OP; if (bytes) memcpy(to, host, bytes); }
SB_FN void sb_get(void *host, const void *from, size_t bytes) { SB_OP; if (bytes) memcpy(host, from, bytes); }
SB_FN void sb_zero(void *device, size_t bytes) { SB_OP; if (bytes) memset(device, 0, bytes); }
SB_FN const void *sb_share(const void *host, size_t bytes) { return (void)bytes, host; }
SB_FN void sb_unshare(const void *device) { (void)device; }

// ---- elementary functions. In float: short polynomials that vectorise without -ffast-math; in double: libm.

// exp: relative error 1e-7 on [-87, 88], saturates beyond (exp(-100) = 1e-38, not 0), NaN stays NaN; |x| <
// 1e8. x = n ln2 + r, exp(r) by a degree-6 polynomial (Cephes), 2^n through the exponent bits.
static inline real sb_exp(real x) {
    if (sizeof(real) == 8) return (real)exp((double)x);
    float f = (float)x, n = f * 1.44269504f + 12582912.0f, p, s;  // + 1.5 2^23 rounds to the nearest integer
    int32_t e;
    memcpy(&e, &n, 4);
    n -= 12582912.0f;
    f = f - n * 0.693359375f + n * 2.12194440e-4f;
    p = 1.9875691500e-4f;
    p = p * f + 1.3981999507e-3f;
    p = p * f + 8.3334519073e-3f;
    p = p * f + 4.1665795894e-2f;
    p = p * f + 1.6666665459e-1f;
    p = p * f + 5.0000001201e-1f;
    p = p * f * f + f + 1.0f;
    // the integer is clamped, before the difference can overflow: clamping x would stop vectorisation
    e = e < 0x4B400000 - 126 ? 0x4B400000 - 126 : e;
    e = e > 0x4B400000 + 127 ? 0x4B400000 + 127 : e;
    e = (int32_t)((uint32_t)(e - 0x4B400000 + 127) << 23);
    memcpy(&s, &e, 4);
    return (real)(p * s);
}
// Phi, the standard normal distribution, given exp(-x^2/2) as well. Float: Abramowitz and Stegun 7.1.26,
// absolute error 3.5e-7.
static inline real sb_phi_of(real x, real bell) {
    if (sizeof(real) == 8) return (real)(0.5 * erfc(-(double)x * 0.70710678118654752));
    float z = fabsf((float)x) * 0.70710678f, t = 1.0f / (1.0f + 0.3275911f * z);
    float p = 1.061405429f;
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    float tail = 0.5f * p * t * (float)bell;
    return (real)(x < 0 ? tail : 1.0f - tail);
}
static inline real sb_phi(real x) { return sb_phi_of(x, sb_exp((real)-0.5 * x * x)); }
static inline real sb_sqrt(real x) { return sizeof x == 4 ? (real)sqrtf((float)x) : (real)sqrt(x); }
static inline real sb_sigmoid(real x) { return (real)1 / ((real)1 + sb_exp(-x)); }

// ---- matmul: C[m][n] (+)= sum_k A(i,k) B(k,j), A(i,k) = a[i ai + k ak], B(k,j) = b[k bk + j bj], C ldc
//   forward   y = x w^T      sb_matmul(n, out, in,  x, ldx, 1,  w, type, 1, ldw,  y, ldy, 0)
//   backward  d_x = d_y w    sb_matmul(n, in, out,  d_y, ldy, 1,  w, type, ldw, 1,  d_x, ldx, 0)
//             d_w += d_y^T x sb_matmul(out, in, n,  d_y, 1, ldy,  x, type, ldx, 1,  d_w, in, 1)
// After Goto and van de Geijn (2008): k in slabs, B packed in panels of a register tile's width, A read in
// place when its k-stride is 1. Every element of C is summed by one thread in one order.
#if defined(__AVX512F__)
enum { SB_BYTES = 64, SB_MR = 8 };  // bytes of a vector, rows of a register tile (8 x 2 accumulators)
#elif defined(__AVX__)
enum { SB_BYTES = 32, SB_MR = 6 };
#else  // SSE2, NEON: the width must be the hardware's or every accumulator spills
enum { SB_BYTES = 16, SB_MR = 6 };
#endif
enum { SB_VL = SB_BYTES / sizeof(real), SB_NV = 2, SB_NR = SB_NV * SB_VL };
enum { SB_KC = 512, SB_PART = 32, SB_MC = 96, SB_NC = 8 * SB_NR };  // a slab, its packing; a unit of work
typedef real sb_vec __attribute__((vector_size(SB_BYTES), aligned(sizeof(real)), may_alias));

static inline real sb_load(const void *p, int type, long i) {
    if (type == SB_F32) return (real)((const float *)p)[i];
    if (type == SB_F64) return (real)((const double *)p)[i];
    uint32_t bits = (uint32_t)((const uint16_t *)p)[i] << 16;
    float f;
    memcpy(&f, &bits, 4);
    return (real)f;
}

// The operands of one product, shared by the threads that compute it.
typedef struct {
    const real *a;
    const void *b;
    real *c, *pa, *pb, *bias;           // bias: added to every row, or NULL
    long ai, ak, bk, bj, ldc;
    int m, n, k, type, add, a_packed, mc, nc;  // mc, nc: rows and columns of one unit of work
} SbMatmul;

// Copy columns [k0, k1) of a strided operand with n rows into panels of `want` rows, out[panel][kc][want], in
// the order in which they lie. Lanes beyond row n keep old numbers: they only meet elements that C lacks.
static inline __attribute__((always_inline)) void sb_pack(const int want, real *out, const void *src,
                                                          int type, long first, int n, int kc, int k0, int k1,
                                                          long row, long step) {
    const real *s = (const real *)src;
    int whole = type == SB_NATIVE && row == 1 ? n / want * want : 0;
    for (long k = k0; k < k1; k++)
        for (int i = 0; i < whole; i += want)
            memcpy(out + (long)i * kc + k * want, s + first + k * step + i, (size_t)want * sizeof(real));
    for (int i = whole; i < n; i += want)
        for (long k = k0; k < k1; k++) {
            real *o = out + (long)i * kc + k * want;
            long at = first + i * row + k * step;
            if (type == SB_NATIVE && i + want <= n) for (int r = 0; r < want; r++) o[r] = s[at + r * row];
            else for (int r = 0; r < sb_min(want, n - i); r++) o[r] = sb_load(src, type, at + r * row);
        }
}
// Pack part t of slab [k0, k0 + kc): SB_PART of its columns.
static void sb_matmul_pack(const SbMatmul *g, int k0, int kc, int t) {
    int from = t * SB_PART, to = sb_min(kc, from + SB_PART);
    if (g->a_packed) sb_pack(SB_MR, g->pa, g->a, SB_NATIVE, k0 * g->ak, g->m, kc, from, to, g->ai, g->ak);
    sb_pack(SB_NR, g->pb, g->b, g->type, k0 * g->bk, g->n, kc, from, to, g->bj, g->bk);
}
// One register tile: c[0..m)[0..n) (+)= rows of A times a packed panel of B, computed as rows x vectors.
static inline __attribute__((always_inline)) void sb_tile_of(const int rows, const int vectors, int kc,
                                                             const real *a, long ai, long ak, const real *b,
                                                             real *c, long ldc, int m, int n, int add,
                                                             const real *bias) {
    sb_vec t[SB_MR][SB_NV], bv[SB_NV], zero = {0};
    const real *row[SB_MR];
    for (int i = 0; i < rows; i++) row[i] = a + sb_min(i, m - 1) * ai;
    SB_UNROLL
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < vectors; j++) t[i][j] = zero;
    for (long k = 0; k < kc * ak; k += ak, b += SB_NR) {
        for (int j = 0; j < vectors; j++) bv[j] = *(const sb_vec *)(b + j * SB_VL);
        SB_UNROLL
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < vectors; j++) t[i][j] += row[i][k] * bv[j];
    }
    real edge[SB_MR][SB_NR];
    int whole = m == rows && n == vectors * SB_VL;
    SB_UNROLL
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < vectors; j++) {
            if (bias) t[i][j] += *(const sb_vec *)(bias + j * SB_VL);
            sb_vec *o = (sb_vec *)(whole ? c + i * ldc + j * SB_VL : edge[i] + j * SB_VL);
            if (whole && add) *o += t[i][j];
            else *o = t[i][j];
        }
    for (int i = 0; i < (whole ? 0 : m); i++)
        for (int j = 0; j < n; j++) c[i * ldc + j] = edge[i][j] + (add ? c[i * ldc + j] : (real)0);
}
static void sb_tile(int kc, const real *a, long ai, long ak, const real *b, real *c, long ldc, int m, int n,
                    int add, const real *bias) {
    if (n <= SB_VL) sb_tile_of(SB_MR, 1, kc, a, ai, ak, b, c, ldc, m, n, add, bias);
    else if (m == 1) sb_tile_of(1, SB_NV, kc, a, ai, ak, b, c, ldc, m, n, add, bias);
    else sb_tile_of(SB_MR, SB_NV, kc, a, ai, ak, b, c, ldc, m, n, add, bias);
}
// Unit of work t of a slab: mc x nc of C.
static void sb_matmul_block(const SbMatmul *g, int k0, int kc, int t) {
    int across = (g->n + g->nc - 1) / g->nc, i0 = t / across * g->mc, j0 = t % across * g->nc;
    for (int j = j0; j < sb_min(g->n, j0 + g->nc); j += SB_NR)
        for (int i = i0; i < sb_min(g->m, i0 + g->mc); i += SB_MR)
            sb_tile(kc, g->a_packed ? g->pa + (long)i * kc : g->a + i * g->ai + k0, g->a_packed ? 1 : g->ai,
                    g->a_packed ? SB_MR : 1, g->pb + (long)j * kc, g->c + i * g->ldc + j, g->ldc,
                    sb_min(SB_MR, g->m - i), sb_min(SB_NR, g->n - j), g->add || k0,
                    g->bias && k0 + kc == g->k ? g->bias + j : NULL);
}
// Scratch lives across calls, some per thread: page faults would cost more than the product.
enum { SB_PACK_A, SB_PACK_B, SB_SCORES, SB_SPANS, SB_SCRATCHES };
static void *sb_scratch(int which, size_t bytes) {
    static __thread void *p[SB_SCRATCHES];
    static __thread size_t have[SB_SCRATCHES];
    if (bytes <= have[which]) return p[which];
    free(p[which]);
    have[which] = (bytes + bytes / 4) / 64 * 64 + 64;
    if (!(p[which] = aligned_alloc(64, have[which]))) SB_FAIL("out of memory: %zu bytes", have[which]);
    return p[which];
}
// One row times rows of B that lie along k: what decoding a word does. B is read once, as it lies, so this
// is as fast as memory; sums as SB_VL partial ones, so that they vectorise in one fixed order.
static inline __attribute__((always_inline)) real sb_dot_row(const real *a, const void *b, const int type,
                                                             long at, int k) {
    real part[4 * SB_VL] = {0}, sum = 0;
    int whole = k / (4 * SB_VL) * (4 * SB_VL);
    for (int i = 0; i < whole; i += 4 * SB_VL)
        for (int l = 0; l < 4 * SB_VL; l++) part[l] += a[i + l] * sb_load(b, type, at + i + l);
    for (int i = whole; i < k; i++) part[i - whole] += a[i] * sb_load(b, type, at + i);
    for (int l = 0; l < 4 * SB_VL; l++) sum += part[l];
    return sum;
}
static void sb_matvec(const SbMatmul *g, SbWeight bias) {
#pragma omp parallel for if ((double)g->n * g->k > 1e5)
    for (int j = 0; j < g->n; j++) {
        real sum = g->type == SB_BF16  ? sb_dot_row(g->a, g->b, SB_BF16, j * g->bj, g->k)
                   : g->type == SB_F32 ? sb_dot_row(g->a, g->b, SB_F32, j * g->bj, g->k)
                                       : sb_dot_row(g->a, g->b, g->type, j * g->bj, g->k);
        if (bias.p) sum += sb_load(bias.p, bias.type, j);
        g->c[j] = g->add ? g->c[j] + sum : sum;
    }
}
// bias [n] is added to every row of C, or absent.
static void sb_matmul_bias(int m, int n, int k, const real *a, long ai, long ak, const void *b, int type,
                           long bk, long bj, real *c, long ldc, int add, SbWeight bias) {
    if (m <= 0 || n <= 0) return;
    int slabs = k > SB_KC ? (k + SB_KC - 1) / SB_KC : 1, depth = (k + slabs - 1) / slabs;
    SbMatmul g = {a, b, c, NULL, NULL, NULL, ai, ak, bk, bj, ldc, m, n, k, type, add, ak != 1, SB_MC, SB_NC};
    if (m == 1 && ak == 1 && bk == 1) {
        sb_matvec(&g, bias);
        return;
    }
    while ((m + g.mc - 1) / g.mc * ((n + g.nc - 1) / g.nc) < 8 && g.nc > SB_NR) g.nc /= 2;  // enough for all
    if (g.a_packed) g.pa = (real *)sb_scratch(SB_PACK_A, (size_t)(m + SB_MR) * depth * sizeof(real));
    g.pb = (real *)sb_scratch(SB_PACK_B, (size_t)(n + SB_NR) * (depth + 1) * sizeof(real));
    if (bias.p) g.bias = g.pb + (long)(n + SB_NR) * depth;
    for (int j = 0; j < (bias.p ? n : 0); j++) g.bias[j] = sb_load(bias.p, bias.type, j);
    int packs = (depth + SB_PART - 1) / SB_PART;
    int blocks = (m + g.mc - 1) / g.mc * ((n + g.nc - 1) / g.nc), alone = (double)m * n * k < 1e6;
#ifdef _OPENMP
    alone |= omp_in_parallel();
#endif
    if (alone) {
        for (int k0 = 0; k0 == 0 || k0 < k; k0 += depth + !k) {
            for (int t = 0; t < packs; t++) sb_matmul_pack(&g, k0, sb_min(depth, k - k0), t);
            for (int t = 0; t < blocks; t++) sb_matmul_block(&g, k0, sb_min(depth, k - k0), t);
        }
        return;
    }
#pragma omp parallel
    for (int k0 = 0; k0 < k; k0 += depth) {
#pragma omp for
        for (int t = 0; t < packs; t++) sb_matmul_pack(&g, k0, sb_min(depth, k - k0), t);
#pragma omp for schedule(dynamic)
        for (int t = 0; t < blocks; t++) sb_matmul_block(&g, k0, sb_min(depth, k - k0), t);
    }
}
static void sb_matmul(int m, int n, int k, const real *a, long ai, long ak, const void *b, int type, long bk,
                      long bj, real *c, long ldc, int add) {
    sb_matmul_bias(m, n, k, a, ai, ak, b, type, bk, bj, c, ldc, add, sb_absent);
}

// ---- linear
SB_FN void sb_linear_forward(real *y, long ldy, const real *x, long ldx, SbWeight w, SbWeight b, long n) {
    SB_OP;
    sb_matmul_bias((int)n, w.rows, w.cols, x, ldx, 1, w.p, w.type, 1, w.ld, y, ldy, 0, b);
}
SB_FN void sb_linear_act_forward(real *g, real *h, const real *x, long ldx, SbWeight w, SbWeight b, long n,
                                 int act) { SB_OP;
    sb_linear_forward(h, w.rows, x, ldx, w, b, n);
    sb_act_forward(g, h, n * w.rows, act);
}
SB_FN void sb_linear_backward_input(real *d_x, long ldx, const real *d_y, long ldy, SbWeight w, long n) {
    SB_OP;
    sb_matmul((int)n, w.cols, w.rows, d_y, ldy, 1, w.p, w.type, w.ld, 1, d_x, ldx, 0);
}
SB_FN void sb_linear_backward_input_add(real *d_x, long ldx, const real *d_y, long ldy, SbWeight w, long n) {
    SB_OP;
    sb_matmul((int)n, w.cols, w.rows, d_y, ldy, 1, w.p, w.type, w.ld, 1, d_x, ldx, 1);
}
// sum[c] += column sums of x [n][ldx], c < cols; with r [n][ldr], of x times r, normalised with stat [n][lds]
// unless that is NULL. A thread owns columns, so the order is the rows'.
static void sb_column_sums_add(param_t *sum, const real *x, long ldx, long n, int cols, const real *r,
                               long ldr, const stat_t *stat, long lds) {
    enum { WIDE = 64 };
#pragma omp parallel for if (n * cols > 32768)
    for (int c0 = 0; c0 < cols; c0 += WIDE) {
        stat_t s[WIDE] = {0};
        int wide = sb_min(WIDE, cols - c0);
        for (long i = 0; i < n; i++) {
            stat_t mean = stat ? stat[lds * i] : 0, rstd = stat ? stat[lds * i + 1] : 1;
            for (int c = 0; c < wide; c++)
                s[c] += x[i * ldx + c0 + c] * (r ? (r[i * ldr + c0 + c] - mean) * rstd : 1);
        }
        for (int c = 0; c < wide; c++) sum[c0 + c] += s[c];
    }
}
SB_FN void sb_linear_backward_weight(param_t *d_w, param_t *d_b, const real *d_y, long ldy, const real *x,
                                     long ldx, long n, int out, int in) { SB_OP;
    if (d_w) sb_matmul(out, in, (int)n, d_y, 1, ldy, x, SB_NATIVE, ldx, 1, d_w, in, 1);
    if (d_b) sb_column_sums_add(d_b, d_y, ldy, n, out, NULL, 0, NULL, 0);
}

// ---- activations of the MLP
// u(h) = a h + b h^3 of an activation h sigmoid(u(h)).
static inline void sb_act_curve(int act, real *a, real *b) {
    *a = (real)(act == SB_GELU_TANH ? 1.5957691216057308 : act == SB_QUICK_GELU ? 1.702 : 1);
    *b = (real)(act == SB_GELU_TANH ? 1.5957691216057308 * 0.044715 : 0);
}
SB_FN void sb_act_forward(real *g, const real *h, long count, int act) { SB_OP;
    real a, b;
    sb_act_curve(act, &a, &b);
    if (act == SB_GELU)
#pragma omp parallel for simd if (count > 16384)
        for (long i = 0; i < count; i++) g[i] = h[i] * sb_phi(h[i]);
    else
#pragma omp parallel for simd if (count > 16384)
        for (long i = 0; i < count; i++) g[i] = h[i] * sb_sigmoid(h[i] * (a + b * h[i] * h[i]));
}
SB_FN void sb_act_backward(real *d_h, const real *d_g, const real *h, long count, int act) { SB_OP;
    real a, b;
    sb_act_curve(act, &a, &b);
    if (act == SB_GELU)
#pragma omp parallel for simd if (count > 16384)
        for (long i = 0; i < count; i++) {
            real bell = sb_exp((real)-0.5 * h[i] * h[i]);
            d_h[i] = d_g[i] * (sb_phi_of(h[i], bell) + h[i] * (real)0.39894228040143268 * bell);
        }
    else
#pragma omp parallel for simd if (count > 16384)
        for (long i = 0; i < count; i++) {
            real hh = h[i] * h[i], s = sb_sigmoid(h[i] * (a + b * hh));
            d_h[i] = d_g[i] * s * (1 + h[i] * (1 - s) * (a + 3 * b * hh));
        }
}
SB_FN void sb_swiglu_forward(real *g, const real *h, long n, int f) { SB_OP;
#pragma omp parallel for if (n * f > 16384)
    for (long i = 0; i < n; i++) {
        const real *gate = h + i * 2 * f, *up = gate + f;
        real *out = g + i * f;
#pragma omp simd
        for (int j = 0; j < f; j++) out[j] = gate[j] * sb_sigmoid(gate[j]) * up[j];
    }
}
SB_FN void sb_swiglu_backward(real *d_h, const real *d_g, const real *h, long n, int f) { SB_OP;
#pragma omp parallel for if (n * f > 16384)
    for (long i = 0; i < n; i++) {
        const real *gate = h + i * 2 * f, *up = gate + f, *d = d_g + i * f;
        real *d_gate = d_h + i * 2 * f, *d_up = d_gate + f;
#pragma omp simd
        for (int j = 0; j < f; j++) {
            real s = sb_sigmoid(gate[j]);
            d_gate[j] = d[j] * up[j] * s * (1 + gate[j] * (1 - s));     // silu' = s (1 + x (1 - s))
            d_up[j] = d[j] * gate[j] * s;
        }
    }
}

// ---- residual + norm, and the same of every head's lanes
// A vector's numbers where they are of the activations' type (these loops vectorise), else NULL.
static const real *sb_native(SbWeight w) { return w.type == SB_NATIVE ? (const real *)w.p : NULL; }
// One row: out = (r - mean) rstd w + b, stat = mean, rstd. Not inlined: one body rounds alike with and
// without OpenMP.
static __attribute__((noinline)) void sb_norm_row(real *out, stat_t *stat, const real *r, SbWeight w,
                                                  SbWeight b, double eps, int layernorm) {
    int C = w.rows;
    stat_t mean = 0, square = 0;
    if (layernorm) {
#pragma omp simd reduction(+ : mean)
        for (int c = 0; c < C; c++) mean += r[c];
        mean /= C;
    }
#pragma omp simd reduction(+ : square)
    for (int c = 0; c < C; c++) square += (r[c] - mean) * (r[c] - mean);
    stat_t rstd = (stat_t)(1 / sqrt((double)square / C + eps));
    const real *gain = sb_native(w), *bias = sb_native(b);
    if (gain && bias) {
#pragma omp simd
        for (int c = 0; c < C; c++) out[c] = (r[c] - mean) * rstd * gain[c] + bias[c];
    } else if (gain && !b.p) {
#pragma omp simd
        for (int c = 0; c < C; c++) out[c] = (r[c] - mean) * rstd * gain[c];
    } else for (int c = 0; c < C; c++) {
        real scaled = (r[c] - mean) * rstd * (w.p ? sb_load(w.p, w.type, c) : (real)1);
        out[c] = b.p ? scaled + sb_load(b.p, b.type, c) : scaled;
    }
    stat[0] = mean, stat[1] = rstd;
}
// d = keep d + gradient, with u = (r - mean) rstd and e = d_out w:  rstd (e - mean(e) - u mean(e u)); RMSNorm
// has no mean(e).
static __attribute__((noinline)) void sb_norm_row_backward(real *d, int keep, const real *d_out,
                                                           const real *r, const stat_t *stat, SbWeight w,
                                                           int layernorm) {
    int C = w.rows;
    stat_t mean = stat[0], rstd = stat[1], sum_e = 0, sum_eu = 0;
#pragma omp simd reduction(+ : sum_e, sum_eu)
    for (int c = 0; c < C; c++) {
        real e = w.p ? d_out[c] * sb_load(w.p, w.type, c) : d_out[c];
        sum_e += e;
        sum_eu += e * (r[c] - mean) * rstd;
    }
    stat_t mean_e = layernorm ? sum_e / C : 0, mean_eu = sum_eu / C;
    for (int c = 0; c < C; c++) {
        real e = w.p ? d_out[c] * sb_load(w.p, w.type, c) : d_out[c], u = (r[c] - mean) * rstd;
        d[c] = rstd * (e - mean_e - u * mean_eu) + (keep ? d[c] : (real)0);
    }
}
SB_FN void sb_add_norm_forward(real *r, real *out, stat_t *stat, const real *x, const real *y, SbWeight w,
                               SbWeight b, long n, double eps, int layernorm) { SB_OP;
    int C = w.rows;
#pragma omp parallel for if (n * C > 16384)
    for (long i = 0; i < n; i++) {
        for (int c = 0; c < (r ? C : 0); c++) r[i * C + c] = y ? x[i * C + c] + y[i * C + c] : x[i * C + c];
        sb_norm_row(out + i * C, stat + 2 * i, (r ? r : x) + i * C, w, b, eps, layernorm);
    }
}
SB_FN void sb_norm_backward_add(real *d_r, param_t *d_w, param_t *d_b, const real *d_out, const real *r,
                                const stat_t *stat, SbWeight w, long n, int layernorm) { SB_OP;
    int C = w.rows;
#pragma omp parallel for if (d_r && n * C > 16384)
    for (long i = 0; i < (d_r ? n : 0); i++)
        sb_norm_row_backward(d_r + i * C, 1, d_out + i * C, r + i * C, stat + 2 * i, w, layernorm);
    if (d_b) sb_column_sums_add(d_b, d_out, C, n, C, NULL, 0, NULL, 0);
    if (d_w) sb_column_sums_add(d_w, d_out, C, n, C, r, C, stat, 2);
}
SB_FN void sb_head_norm_forward(real *y, long ldy, stat_t *stat, const real *x, long ldx, SbWeight w,
                                SbWeight b, long n, int heads, double eps, int layernorm) { SB_OP;
    int D = w.rows;
#pragma omp parallel for if (n * heads * D > 16384)
    for (long i = 0; i < n; i++)
        for (int h = 0; h < heads; h++)
            sb_norm_row(y + i * ldy + h * D, stat + 2 * (i * heads + h), x + i * ldx + h * D, w, b, eps,
                        layernorm);
}
SB_FN void sb_head_norm_backward(real *d_x, long ldx, param_t *d_w, param_t *d_b, const real *d_y, long ldy,
                                 const real *x, const stat_t *stat, SbWeight w, long n, int heads,
                                 int layernorm) { SB_OP;
    int D = w.rows;
#pragma omp parallel for if (n * heads * D > 16384)
    for (long i = 0; i < n; i++)
        for (int h = 0; h < heads; h++)
            sb_norm_row_backward(d_x + i * ldx + h * D, 0, d_y + i * ldy + h * D, x + i * ldx + h * D,
                                 stat + 2 * (i * heads + h), w, layernorm);
    for (int h = 0; h < heads; h++) {
        if (d_b) sb_column_sums_add(d_b, d_y + h * D, ldy, n, D, NULL, 0, NULL, 0);
        if (d_w) sb_column_sums_add(d_w, d_y + h * D, ldy, n, D, x + h * D, ldx, stat + 2 * h, 2 * heads);
    }
}

// ---- LayerScale, gates, the modulated norm of the camera head
SB_FN void sb_scale_forward(real *y, const real *x, SbWeight s, long n) { SB_OP;
    int C = s.rows;
#pragma omp parallel for if (n * C > 32768)
    for (long i = 0; i < n; i++)
        for (int c = 0; c < C; c++) y[i * C + c] = x[i * C + c] * sb_load(s.p, s.type, c);
}
SB_FN void sb_scale_backward(real *d_x, param_t *d_s, const real *d_y, const real *x, SbWeight s, long n) {
    SB_OP;
    sb_scale_forward(d_x, d_y, s, n);
    if (d_s) sb_column_sums_add(d_s, d_y, s.rows, n, s.rows, x, s.rows, NULL, 0);
}
SB_FN void sb_gate_forward(real *y, const real *x, const real *a, const real *u, long count) { SB_OP;
#pragma omp parallel for simd if (count > 16384)
    for (long i = 0; i < count; i++) y[i] = x[i] + a[i] * sb_sigmoid(u[i]);
}
SB_FN void sb_gate_backward(real *d_a, real *d_u, const real *d_y, const real *a, const real *u, long count) {
    SB_OP;
#pragma omp parallel for simd if (count > 16384)
    for (long i = 0; i < count; i++) {
        real s = sb_sigmoid(u[i]);
        d_a[i] = d_y[i] * s;
        d_u[i] = d_y[i] * a[i] * s * (1 - s);
    }
}
SB_FN void sb_modulate_forward(real *u, const real *t, const real *x, const real *mod, long n, int width) {
    SB_OP;
    for (long i = 0; i < n; i++)
        for (int c = 0; c < width; c++) {
            const real *m = mod + i * 3 * width + c;
            u[i * width + c] = t[i * width + c] + m[2 * width] * (x[i * width + c] * (1 + m[width]) + m[0]);
        }
}
SB_FN void sb_modulate_backward(real *d_x, real *d_mod, const real *d_u, const real *x, const real *mod,
                                long n, int width) { SB_OP;
    for (long i = 0; i < n; i++)
        for (int c = 0; c < width; c++) {
            const real *m = mod + i * 3 * width + c;
            real *d = d_mod + i * 3 * width + c, d_c = d_u[i * width + c], x_c = x[i * width + c];
            d_x[i * width + c] = d_c * m[2 * width] * (1 + m[width]);
            d[0] = d_c * m[2 * width];
            d[width] = d_c * m[2 * width] * x_c;
            d[2 * width] = d_c * (x_c * (1 + m[width]) + m[0]);
        }
}

// ---- rotations and cameras
static inline void sb_turn_head(real *y, const real *x, const stat_t *t, int dim, SbPairing turn, int side) {
    int back = side >= SB_BACK_Q, across = side == SB_TURN_Q || side == SB_BACK_K;      // across: transposed
    const stat_t *matrix = t + (side == SB_TURN_K || side == SB_BACK_K ? 16 : 0);
    const stat_t *cosine = t + (turn.mixed ? 32 : 0), *sine = cosine + (dim - turn.mixed) / 2;
    for (int g = 0; g < turn.mixed; g += 4) {
        real in[4] = {x[g], x[g + 1], x[g + 2], x[g + 3]};
        for (int i = 0; i < 4; i++) {
            const stat_t *m = matrix + (across ? i : 4 * i);
            int step = across ? 4 : 1;
            y[g + i] = m[0] * in[0] + m[step] * in[1] + m[2 * step] * in[2] + m[3 * step] * in[3];
        }
    }
    int half = (dim - turn.mixed) / turn.blocks / 2;
    for (int b = 0; b < turn.blocks; b++) {
        int lo = turn.mixed + 2 * b * half;
        for (int j = 0; j < half; j++) {
            real c = cosine[b * half + j], s = back ? -sine[b * half + j] : sine[b * half + j];
            real u = x[lo + j], v = x[lo + half + j];
            y[lo + j] = u * c - v * s;
            y[lo + half + j] = v * c + u * s;
        }
    }
}
SB_FN void sb_turn_heads(real *y, long ldy, const real *x, long ldx, const stat_t *table, long n, int heads,
                         int dim, SbPairing turn, int side) { SB_OP;
    long row = sb_turn_row(dim, turn);
#pragma omp parallel for if (n * heads * dim > 32768)
    for (long i = 0; i < n; i++)
        for (int h = 0; h < heads; h++)
            sb_turn_head(y + i * ldy + h * dim, x + i * ldx + h * dim, table + i * row, dim, turn, side);
}

// ---- attention. Query rows are cut into islands (runs of rows whose keys no others see: the samples of a
// batch) and these into blocks of at most SB_QB rows. A block computes scores only against the keys that its
// rows can see: one range with at most one gap in it (an image, then the text of a turn). One thread owns the
// gradients of an island's keys.
enum { SB_QB = 72 };
typedef struct { long row0, row1, key0, key1; } SbRowSpan;  // query rows [row0,row1) see keys [key0,key1)
typedef struct { long lo, gap0, gap1, hi, ld; } SbKeySpan;  // keys [lo,gap0), [gap1,hi); scores [..][ld]

// The two intervals of a row, k0 <= k1 <= k2 <= k3: the second is empty unless both hold keys.
static void sb_row_keys(long k[4], const int *keys) {
    int first = keys[0] < keys[1] ? 0 : 2, two = !first && keys[2] < keys[3];
    k[0] = keys[first], k[1] = sb_lmax(k[0], keys[first + 1]);
    k[2] = two ? keys[2] : k[1], k[3] = two ? keys[3] : k[1];
}
// Fill span [at most nq] with islands, which share no key; returns how many. Rows without keys join any.
static long sb_islands(SbRowSpan *span, const int *keys, long nq) {
    long count = 0, k[4];
    for (long i = 0; i < nq; i++) {
        sb_row_keys(k, keys + 4 * i);
        long some = k[0] < k[3];
        SbRowSpan s = {i, i + 1, some * k[0], some * k[3]};
        for (; count; count--) {  // join what shares keys with it, and rows without keys
            const SbRowSpan *back = span + count - 1;
            int none = s.key0 == s.key1, lone = back->key0 == back->key1;
            if (!none && !lone && s.key0 >= back->key1) break;
            s.row0 = back->row0;
            if (none || (!lone && back->key0 < s.key0)) s.key0 = back->key0;
            if (back->key1 > s.key1) s.key1 = back->key1;
        }
        span[count++] = s;
    }
    return count;
}
// End of the block that begins at row i0: the blocks of an island are about equal.
static long sb_block_end(const SbRowSpan *s, long i0) {
    long rows = s->row1 - s->row0, blocks = (rows + SB_QB - 1) / SB_QB;
    return sb_lmin(i0 + ((rows + blocks - 1) / blocks + 7) / 8 * 8, s->row1);
}
// What rows [i0, i1) can see. Rows of scores are padded to whole vectors.
static SbKeySpan sb_block_keys(const int *keys, long i0, long i1) {
    SbKeySpan s = {LONG_MAX, 0, LONG_MAX, 0, 0};
    for (long i = i0, k[4]; i < i1; i++) {
        sb_row_keys(k, keys + 4 * i);
        if (k[0] < k[3]) s.lo = sb_lmin(s.lo, k[0]), s.gap0 = sb_lmax(s.gap0, k[1]);
        if (k[2] < k[3]) s.gap1 = sb_lmin(s.gap1, k[2]), s.hi = sb_lmax(s.hi, k[3]);
    }
    s.lo = sb_lmin(s.lo, s.gap0);
    if (s.gap1 <= s.gap0 || !s.hi) s.gap0 = s.gap1 = s.hi = sb_lmax(s.gap0, s.hi);  // no gap
    s.ld = (s.gap0 - s.lo + s.hi - s.gap1 + SB_VL - 1) / SB_VL * SB_VL;
    return s;
}
// The columns of a block's scores that a row sees: [c0,c1) and [c2,c3).
static void sb_row_columns(long c[4], const int *keys, const SbKeySpan *s) {
    sb_row_keys(c, keys);
    long base = c[0] < c[3] ? s->lo : c[0], gap = s->gap1 - s->gap0;
    for (int r = 3; r >= 0; r--) c[r] -= base + (c[r & 2] >= s->gap1 ? gap : 0);
}
// s = 0 outside the row's columns.
static void sb_clear_gaps(real *s, const long c[4], long ld) {
    for (long j = 0; j < c[0]; j++) s[j] = 0;
    for (long j = c[1]; j < c[2]; j++) s[j] = 0;
    for (long j = c[3]; j < ld; j++) s[j] = 0;
}
// Products of n rows x with the rows of y that the block sees: s [n][ld], unscaled scores.
static void sb_scores(real *s, const SbKeySpan *b, const real *x, long ldx, const real *y, long ldy, int n,
                      int d) {
    int left = (int)(b->gap0 - b->lo), right = (int)(b->hi - b->gap1);
    sb_matmul(n, left, d, x, ldx, 1, y + b->lo * ldy, SB_NATIVE, 1, ldy, s, b->ld, 0);
    sb_matmul(n, right, d, x, ldx, 1, y + b->gap1 * ldy, SB_NATIVE, 1, ldy, s + left, b->ld, 0);
}
// In place: s = softmax(scale s) over the row's columns, else 0; returns log sum exp (0 without columns).
static stat_t sb_softmax_row(real *s, const long c[4], long ld, real scale) {
    long from = c[0] / SB_VL * SB_VL, to = (c[3] + SB_VL - 1) / SB_VL * SB_VL;  // whole vectors are faster
    real top = -INFINITY, sum = 0;
    for (int r = 0; r < 4; r += 2)
#pragma omp simd reduction(max : top)
        for (long j = c[r]; j < c[r + 1]; j++) top = s[j] > top ? s[j] : top;
    for (long j = from; j < to; j++) s[j] = sb_exp((s[j] - top) * scale);
    sb_clear_gaps(s, c, ld);
    if (c[0] == c[3]) return 0;
#pragma omp simd reduction(+ : sum)
    for (long j = from; j < to; j++) sum += s[j];
    real part = 1 / sum;
    for (long j = from; j < to; j++) s[j] *= part;
    return (stat_t)(top * scale + (stat_t)log((double)sum));
}
SB_FN void sb_attention_forward(real *o, long ldo, stat_t *lse, const SbAttention *a) { SB_OP;
    SbRowSpan *span = (SbRowSpan *)sb_scratch(SB_SPANS, (size_t)(a->nq + 1) * sizeof *span);
    long islands = sb_islands(span, a->keys, a->nq);
    real scale = (real)(1 / sqrt((double)a->dim));
#pragma omp parallel for collapse(2) schedule(dynamic)
    for (long s = 0; s < islands; s++)
        for (int h = 0; h < a->heads; h++)
            for (long i0 = span[s].row0, i1, c[4]; i0 < span[s].row1; i0 = i1) {
                i1 = sb_block_end(span + s, i0);
                SbKeySpan b = sb_block_keys(a->keys, i0, i1);
                int D = a->dim, kv = h / (a->heads / a->kv_heads) * D, n = (int)(i1 - i0);
                real *p = (real *)sb_scratch(SB_SCORES, (size_t)(b.ld * n) * sizeof(real));
                sb_scores(p, &b, a->q + i0 * a->ldq + h * D, a->ldq, a->k + kv, a->ldk, n, D);
                for (long i = 0; i < n; i++) {
                    sb_row_columns(c, a->keys + 4 * (i0 + i), &b);
                    lse[(i0 + i) * a->heads + h] = sb_softmax_row(p + i * b.ld, c, b.ld, scale);
                }
                for (int r = 0; r < (b.gap1 < b.hi ? 2 : 1); r++) {
                    long k0 = r ? b.gap1 : b.lo, m = (r ? b.hi : b.gap0) - k0, left = r ? b.gap0 - b.lo : 0;
                    sb_matmul(n, D, (int)m, p + left, b.ld, 1, a->v + k0 * a->ldv + kv, SB_NATIVE, a->ldv, 1,
                              o + i0 * ldo + h * D, ldo, r);
                }
            }
}
// One block of rows [i0, i1), head h:  P = exp(scale S - lse),  dP = d_o v^T,  dS = P (dP - rowsum(d_o o))
// scale, d_q = dS k,  d_k += dS^T q,  d_v += P^T d_o.
static void sb_attention_backward_block(real *d_q, real *d_k, real *d_v, const real *d_o, const real *o,
                                        long ldo, const stat_t *lse, const SbAttention *a, long i0, long i1,
                                        int h) {
    SbKeySpan b = sb_block_keys(a->keys, i0, i1);
    int D = a->dim, kv = h / (a->heads / a->kv_heads) * D, n = (int)(i1 - i0);
    real scale = (real)(1 / sqrt((double)D)), delta[SB_QB];
    real *p = (real *)sb_scratch(SB_SCORES, (size_t)(2 * b.ld * n) * sizeof(real)), *dp = p + b.ld * n;
    const real *q = a->q + i0 * a->ldq + h * D;
    d_o += i0 * ldo + h * D, o += i0 * ldo + h * D, d_q += i0 * a->ldq + h * D;
    for (int i = 0; i < n; i++) {
        real sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int d = 0; d < D; d++) sum += d_o[i * ldo + d] * o[i * ldo + d];
        delta[i] = sum;
    }
    sb_scores(p, &b, q, a->ldq, a->k + kv, a->ldk, n, D);
    sb_scores(dp, &b, d_o, ldo, a->v + kv, a->ldv, n, D);
    for (long i = 0, c[4]; i < n; i++) {
        real *p_i = p + i * b.ld, *dp_i = dp + i * b.ld, l = lse[(i0 + i) * a->heads + h];
        sb_row_columns(c, a->keys + 4 * (i0 + i), &b);
        for (long j = c[0] / SB_VL * SB_VL; j < (c[3] + SB_VL - 1) / SB_VL * SB_VL; j++) {
            p_i[j] = sb_exp(p_i[j] * scale - l);
            dp_i[j] = p_i[j] * (dp_i[j] - delta[i]) * scale;
        }
        sb_clear_gaps(p_i, c, b.ld);
        sb_clear_gaps(dp_i, c, b.ld);
    }
    for (int r = 0; r < (b.gap1 < b.hi ? 2 : 1); r++) {
        long k0 = r ? b.gap1 : b.lo, left = r ? b.gap0 - b.lo : 0;
        int m = (int)((r ? b.hi : b.gap0) - k0);
        sb_matmul(n, D, m, dp + left, b.ld, 1, a->k + k0 * a->ldk + kv, SB_NATIVE, a->ldk, 1, d_q, a->ldq, r);
        sb_matmul(m, D, n, dp + left, 1, b.ld, q, SB_NATIVE, a->ldq, 1, d_k + k0 * a->ldk + kv, a->ldk, 1);
        sb_matmul(m, D, n, p + left, 1, b.ld, d_o, SB_NATIVE, ldo, 1, d_v + k0 * a->ldv + kv, a->ldv, 1);
    }
}
SB_FN void sb_attention_backward(real *d_q, real *d_k, real *d_v, const real *d_o, const real *o, long ldo,
                                 const stat_t *lse, const SbAttention *a) { SB_OP;
    SbRowSpan *span = (SbRowSpan *)sb_scratch(SB_SPANS, (size_t)(a->nq + 1) * sizeof *span);
    long islands = sb_islands(span, a->keys, a->nq);
#pragma omp parallel for collapse(2) schedule(dynamic)
    for (long s = 0; s < islands; s++)
        for (int kv = 0; kv < a->kv_heads; kv++) {
            int group = a->heads / a->kv_heads, D = a->dim;
            long begin = s ? span[s - 1].key1 : 0, end = s + 1 < islands ? span[s].key1 : a->nk;
            for (long j = begin; j < end; j++) {                    // here, so that they stay in this cache
                memset(d_k + j * a->ldk + kv * D, 0, (size_t)D * sizeof(real));
                memset(d_v + j * a->ldv + kv * D, 0, (size_t)D * sizeof(real));
            }
            for (long i0 = span[s].row0, i1; i0 < span[s].row1; i0 = i1) {
                i1 = sb_block_end(span + s, i0);
                for (int h = kv * group; h < (kv + 1) * group; h++)
                    sb_attention_backward_block(d_q, d_k, d_v, d_o, o, ldo, lse, a, i0, i1, h);
            }
        }
}

// ---- the second channel folded into one projection (paper, eq. 1)
// Where row c of w finds the a of its columns' part q.
static inline long sb_gate_at(SbWeight a, int c, int q) { return (a.rows > 1 ? c * a.ld : 0) + q; }
SB_FN void sb_dual_fold_forward(real *wc, real *bc, SbWeight w, SbWeight b, SbWeight wp, SbWeight bp,
                                SbWeight a) { SB_OP;
    int M = w.cols, Q = a.cols, D = M / Q;
    for (int c = 0; c < w.rows; c++) {
        real t = 0;
        for (int q = 0; q < Q; q++) {
            real s = sb_sigmoid(sb_load(a.p, a.type, sb_gate_at(a, c, q)));
            t += s;
            for (int j = q * D; j < (q + 1) * D; j++) {
                wc[(long)c * 2 * M + j] = s * sb_load(w.p, w.type, c * w.ld + j);
                wc[(long)c * 2 * M + M + j] = (1 - s) * sb_load(wp.p, wp.type, c * wp.ld + j);
            }
        }
        t /= (real)Q;
        if (b.p) bc[c] = t * sb_load(b.p, b.type, c) + (1 - t) * sb_load(bp.p, bp.type, c);
    }
}
SB_FN void sb_dual_fold_backward(param_t *d_w, param_t *d_b, param_t *d_wp, param_t *d_bp, param_t *d_a,
                                 const param_t *d_wc, const param_t *d_bc, SbWeight w, SbWeight b,
                                 SbWeight wp, SbWeight bp, SbWeight a) { SB_OP;
    int M = w.cols, Q = a.cols, D = M / Q;
    for (int c = 0; c < w.rows; c++) {
        const param_t *m1 = d_wc + (long)c * 2 * M, *m2 = m1 + M;
        real t = 0;
        for (int q = 0; q < Q; q++) {
            real s = sb_sigmoid(sb_load(a.p, a.type, sb_gate_at(a, c, q))), d_s = 0;
            t += s;
            for (int j = q * D; j < (q + 1) * D; j++) {
                d_s += m1[j] * sb_load(w.p, w.type, c * w.ld + j) -
                       m2[j] * sb_load(wp.p, wp.type, c * wp.ld + j);
                if (d_w) d_w[(long)c * M + j] += s * m1[j];
                if (d_wp) d_wp[(long)c * M + j] += (1 - s) * m2[j];
            }
            if (b.p) d_s += d_bc[c] / (real)Q * (sb_load(b.p, b.type, c) - sb_load(bp.p, bp.type, c));
            if (d_a) d_a[sb_gate_at(a, c, q)] += s * (1 - s) * d_s;
        }
        t /= (real)Q;
        if (d_b) d_b[c] += t * d_bc[c];
        if (d_bp) d_bp[c] += (1 - t) * d_bc[c];
    }
}

// ---- patches
SB_FN void sb_patch_embed_forward(real *x, real *col, const real *pixels, const int *patch, SbWeight w,
                                  SbWeight b, SbWeight cls, SbWeight registers, SbWeight pos, long n,
                                  int side) { SB_OP;
    int C = w.rows, K = w.cols;
#pragma omp parallel for
    for (long i = 0; i < n; i++) {
        const int *p = patch + 3 * i;
        real *out = col + i * K;
        for (int channel = 0; channel < 3; channel++)
            for (int y = 0; y < side; y++)
                for (int u = 0; u < side; u++)
                    *out++ = p[0] < 0 ? (real)0 : pixels[((long)p[0] + (long)y * p[1] + u) * 3 + channel];
    }
    sb_matmul((int)n, C, K, col, K, 1, w.p, w.type, 1, w.ld, x, C, 0);
#pragma omp parallel for
    for (long i = 0; i < n; i++) {
        int kind = patch[3 * i], at = patch[3 * i + 2];
        SbWeight own = kind >= 0 ? b : kind == -1 ? cls : registers;
        long row = kind < -1 ? (-2 - kind) * own.ld : 0;
        for (int c = 0; c < C; c++)
            x[i * C + c] += (own.p ? sb_load(own.p, own.type, row + c) : (real)0) +
                            (at >= 0 && pos.p ? sb_load(pos.p, pos.type, at * pos.ld + c) : (real)0);
    }
}
SB_FN void sb_patch_embed_backward(param_t *d_w, param_t *d_b, param_t *d_cls, param_t *d_registers,
                                   param_t *d_pos, const real *d_x, const real *col, const int *patch,
                                   long n, int width, int cols, int registers, int positions) { SB_OP;
    (void)positions, (void)registers;
    if (d_w) sb_matmul(width, cols, (int)n, d_x, 1, width, col, SB_NATIVE, cols, 1, d_w, cols, 1);
#pragma omp parallel for
    for (int c0 = 0; c0 < width; c0 += 32)                  // a thread owns columns
        for (long i = 0; i < n; i++)
            for (int c = c0; c < sb_min(c0 + 32, width); c++) {
                int kind = patch[3 * i], at = patch[3 * i + 2];
                real d = d_x[i * width + c];
                if (d_pos && at >= 0) d_pos[(long)at * width + c] += d;
                if (kind == -1 && d_cls) d_cls[c] += d;
                if (kind < -1 && d_registers) d_registers[(long)(-2 - kind) * width + c] += d;
                if (kind >= 0 && d_b) d_b[c] += d;
            }
}

// ---- words and image tokens
SB_FN void sb_embed_forward(real *x, SbWeight emb, const int *token, const real *vis, const int *vis_row,
                            long n) { SB_OP;
    int C = emb.cols;
#pragma omp parallel for if (n * C > 32768)
    for (long i = 0; i < n; i++) {
        real *x_i = x + i * C;
        for (int c = 0; c < C; c++) x_i[c] = vis_row[i] < 0 ? (real)0 : vis[(long)vis_row[i] * C + c];
        for (int j = 0; j < SB_BAG; j++) {
            long word = token[i * SB_BAG + j];
            for (int c = 0; c < (word < 0 ? 0 : C); c++)
                x_i[c] += sb_load(emb.p, emb.type, word * emb.ld + c);
        }
    }
}
SB_FN void sb_embed_backward(param_t *d_emb, real *d_vis, const real *d_x, const int *token,
                             const int *vis_row, long n, long n_vis, int words, int width) { SB_OP;
    (void)words;
    if (d_vis) memset(d_vis, 0, (size_t)(n_vis * width) * sizeof(real));
    for (long i = 0; i < (d_vis ? n : 0); i++)
        if (vis_row[i] >= 0)
            for (int c = 0; c < width; c++) d_vis[(long)vis_row[i] * width + c] += d_x[i * width + c];
    if (!d_emb) return;
#pragma omp parallel for
    for (int c0 = 0; c0 < width; c0 += 32)                  // a thread owns columns: rows are added in order
        for (long t = 0; t < n * SB_BAG; t++)
            for (int c = c0; c < (token[t] < 0 ? 0 : sb_min(c0 + 32, width)); c++)
                d_emb[(long)token[t] * width + c] += d_x[t / SB_BAG * width + c];
}
SB_FN void sb_gather_rows(real *y, long ldy, const real *x, const real *more, const int *index, long n,
                          int width) { SB_OP;
    for (long i = 0; i < n; i++) {
        long at = (long)index[i] * width;
        memcpy(y + i * ldy, x + at, (size_t)width * sizeof(real));
        for (int c = 0; c < (more ? width : 0); c++) y[i * ldy + c] += more[at + c];
    }
}
SB_FN void sb_scatter_rows_add(real *d_x, const real *d_y, long ldy, const int *index, long n, int width) {
    SB_OP;
    for (long i = 0; i < n; i++)
        for (int c = 0; c < width; c++) d_x[(long)index[i] * width + c] += d_y[i * ldy + c];
}

// ---- losses
SB_FN void sb_xent(stat_t *loss, real *d_logits, const real *logits, const int *target, long n, int classes,
                   double scale) { SB_OP;
#pragma omp parallel for if (n * classes > 16384)
    for (long i = 0; i < n; i++) {
        const real *z = logits + i * classes;
        real top = z[0], sum = 0;
        for (int j = 1; j < classes; j++) top = z[j] > top ? z[j] : top;
#pragma omp simd reduction(+ : sum)
        for (int j = 0; j < classes; j++) sum += sb_exp(z[j] - top);
        loss[i] = target[i] < 0 ? 0 : (stat_t)log((double)sum) + top - z[target[i]];
        if (!d_logits) continue;
        real factor = target[i] < 0 ? (real)0 : (real)scale;
        for (int j = 0; j < classes; j++) d_logits[i * classes + j] = factor * sb_exp(z[j] - top) / sum;
        if (target[i] >= 0) d_logits[i * classes + target[i]] -= factor;
    }
}
// loss = max(z,0) - z y + log(1 + exp(-|z|)),  gradient sigmoid(z) - y
SB_FN void sb_bce(stat_t *loss, real *d_logits, const real *logits, const stat_t *y, long n, int classes,
                  double scale) { SB_OP;
    for (long i = 0; i < n; i++) {
        double sum = 0;
        for (int j = 0; j < classes; j++) {
            long at = i * classes + j;
            double z = (double)logits[at];
            sum += (z > 0 ? z : 0) - z * (double)y[at] + log1p(exp(-fabs(z)));
            if (d_logits) d_logits[at] = (real)(scale * (1 / (1 + exp(-z)) - (double)y[at]));
        }
        loss[i] = (stat_t)sum;
    }
}
SB_FN void sb_smooth_l1(stat_t *loss, real *d_pred, const real *pred, const stat_t *target, long n,
                        double scale) { SB_OP;
    for (long i = 0; i < n; i++) {
        double e = (double)pred[i] - (double)target[i];
        loss[i] = (stat_t)(fabs(e) < 1 ? e * e / 2 : fabs(e) - 0.5);
        if (d_pred) d_pred[i] = (real)(scale * (e > 1 ? 1 : e < -1 ? -1 : e));
    }
}
// With P = p/|p|, T = t/|t|, c = P.T:  d(1 - c)/dp = (c P - T) / |p|.
SB_FN void sb_feature_loss(stat_t *value, stat_t *angle, real *d_pred, const real *pred, const real *target,
                           const stat_t *weight, long n, int width, int l1, double scale) { SB_OP;
#pragma omp parallel for if (n * width > 16384)
    for (long i = 0; i < n; i++) {
        const real *p = pred + i * width, *t = target + i * width;
        double sum = 0, pp = 0, tt = 0, pt = 0, w = (double)weight[i];
        for (int c = 0; c < width; c++) {
            double e = fabs((double)p[c] - (double)t[c]);
            sum += l1 ? e : e < 1 ? e * e / 2 : e - 0.5;
            pp += (double)p[c] * (double)p[c], tt += (double)t[c] * (double)t[c];
            pt += (double)p[c] * (double)t[c];
        }
        double np = fmax(sqrt(pp), 1e-12), nt = fmax(sqrt(tt), 1e-12), cosine = pt / (np * nt);
        value[i] = (stat_t)(w * sum / width);
        angle[i] = (stat_t)(w * (1 - cosine));
        for (int c = 0; c < (d_pred ? width : 0); c++) {
            double e = (double)p[c] - (double)t[c], slope = !l1 && fabs(e) < 1 ? e : (e > 0) - (e < 0);
            slope = slope / width + (cosine * (double)p[c] / np - (double)t[c] / nt) / np;
            d_pred[i * width + c] = (real)(scale * w * slope);
        }
    }
}
SB_FN void sb_head_xent(stat_t *loss, real *d_x, param_t *d_w, real *logits, long chunk, const real *x,
                        SbWeight w, const int *target, long n, double scale) { SB_OP;
    int V = w.rows, C = w.cols;
    for (long i = 0; i < n; i += chunk) {
        long m = sb_lmin(chunk, n - i);
        real *d_logits = d_x || d_w ? logits + chunk * V : NULL;
        sb_linear_forward(logits, V, x + i * C, C, w, sb_absent, m);
        sb_xent(loss + i, d_logits, logits, target + i, m, V, scale);
        if (d_x) sb_linear_backward_input(d_x + i * C, C, d_logits, V, w, m);
        if (d_w) sb_linear_backward_weight(d_w, NULL, d_logits, V, x + i * C, C, m, V, C);
    }
}

// ---- optimiser
SB_FN void sb_sum_squares(double *total, const void *x, int type, long count) { SB_OP;
    *total = 0;
    for (long i = 0; i < count; i += 4096) {
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (long j = i; j < sb_lmin(i + 4096, count); j++)
            sum += (double)sb_load(x, type, j) * (double)sb_load(x, type, j);
        *total += sum;
    }
}
SB_FN void sb_adamw(const SbTrained *list, int tensors, const param_t *grad, param_t *m, param_t *v,
                    long count, const double *squares, double clip, double lr, double decay, double beta1,
                    double beta2, double eps, long step) { SB_OP;
    double norm = sqrt(*squares);
    real b1 = (real)beta1, b2 = (real)beta2, s = (real)(clip > 0 && norm > clip ? clip / norm : 1);
    real rate = (real)(lr / (1 - pow(beta1, (double)step)));
    real fix = (real)(1 / (1 - pow(beta2, (double)step))), e = (real)eps;
    for (int t = 0; isfinite(norm) && t < tensors; t++) {
        long from = list[t].begin, to = t + 1 < tensors ? list[t + 1].begin : count;
        param_t *p = list[t].p - from;
        real shrink = (real)(1 - (list[t].decay ? lr * decay : 0));
#pragma omp parallel for simd if (to - from > 16384)
        for (long i = from; i < to; i++) {
            real g = s * grad[i];
            m[i] = b1 * m[i] + (1 - b1) * g;
            v[i] = b2 * v[i] + (1 - b2) * g * g;
            p[i] = shrink * p[i] - rate * m[i] / (sb_sqrt(v[i] * fix) + e);
        }
    }
}
#endif // SB_OWN_BACKEND

// ------------------------------------------------------------------------------------------------ >>tensors
// One entry a tensor: it makes the struct, the memory, the name in checkpoints, the initial value, the
// optimiser's state and the tests. rows = 0: this model does not have it (its pointer stays NULL).

// groups: what a stage trains or freezes (bits for sb_model_train)
enum {
    SB_BASE = 1, SB_PLUS = 2, SB_ALPHA = 4, SB_PROJ = 8, SB_LLM = 16, SB_HEADS = 32, SB_REG = 64,
    SB_AGG = 128,       // aggregator, its geometry and camera heads
    SB_FIELD = 256,     // Spa3R: projection, encoder, decoder, heads, depth probe
    SB_ADAPT = 512,     // Spa3-VLM's adapter
    SB_LAST = 1024,     // of SB_BASE: the encoder's last config.last_layers blocks
    SB_FEATURES = SB_BASE | SB_PLUS | SB_ALPHA | SB_LAST    // what moves the encoder's features
};
enum { SB_BIAS_Q = 1, SB_BIAS_K = 2, SB_BIAS_V = 4, SB_BIAS_O = 8, SB_BIAS_MLP = 16, SB_BIAS_PATCH = 32 };
// parts: what sb_model_init makes beside encoder and LLM (bits)
enum { SB_DUAL = 1, SB_AGGREGATOR = 2, SB_SPA3R = 4, SB_ADAPTER = 8 };
// initial values (sb_model_random)
enum {
    SB_ZERO, SB_ONE,
    SB_LINEAR,      // normal, standard deviation min(.06, .7 / sqrt(columns))
    SB_POSITION,    // CLS row: normal .05; patches: .2 x sin-cos of their row and column
    SB_WORD_TABLE,       // normal .05, coordinate words + .1 x sin-cos grid + .06 x normal
    SB_COPY,        // Attn+: the base attention's tensor of the same name
    SB_ALPHA_START,  // a = config.gate
    SB_SCALE_START,  // LayerScale: config.agg_scale
    SB_TOKENS        // normal, standard deviation .02 (Spa3R's and VGGT's first rows, registers: 1e-6)
};

typedef struct {
    char name[48];              // "enc.2.plus_q_w"
    SbWeight w;  // what operations read; cols = 0 in the table makes a vector [rows] (w.cols = 1)
    int rank, group, init, decay, adopted;      // adopted: lies where sb_model_adopt found it
    param_t *grad, *m, *v;      // NULL: frozen
} SbParam;

// A matrix or gain and its bias, as operations take them; their gradients; both parameters.
#define SB_WB(p) p##_w.w, p##_b.w
#define SB_GRADS(p) p##_w.grad, p##_b.grad
#define SB_PAIR_OF(p) &p##_w, &p##_b

enum { SB_NO_NORM, SB_RMS, SB_LAYERNORM };
typedef struct {                // a tower of equal blocks, whichever it is
    int layers, width, heads, kv_heads, dim, hidden;
    int layernorm, bias, gated, act, dual;  // LayerNorm or RMSNorm; SB_BIAS_Q ...; SwiGLU, else act; Attn+
    int group;
    double eps;
    int qk_norm;                // norm of q and k over the head's lanes: SB_RMS, ...
    double qk_eps;
    int scaled;                 // LayerScale
    SbPairing turn;             // blocks 0: no rotation
    int own_o, gate_by;         // Attn+ has an output projection of its own; config.gate_by
    int train_attn, train_mlp, flow;  // flow: gradients pass, so every layer keeps what it saves
    int lowest;                 // first block that trains
    int recompute;              // layers keep r1 only and are computed again on the way back
} SbShape;
// What a row needs a table for: nothing, Qwen2's rotation, RoPE2D, PRoPE.
enum { SB_TURN_NONE, SB_TURN_1D, SB_TURN_2D, SB_TURN_CAMERA };

// X(tower, layers, stands before this activation, rows, width, heads, kv heads, head size, hidden, LayerNorm,
//   biases, gated, act, dual, group, eps, qk norm, qk eps, LayerScale, turn).  c: the config; parts; C, D, W,
//   K: encoder, LLM, field and camera head width; A, Y: 1 with aggregator, with Spa3R; towers of one place
//   alternate. SB_PLAIN: LayerNorm, all biases, GELU, one channel
#define SB_PLAIN 1, 31, 0, SB_GELU, 0
#define SB_HEADS_OF(width, heads) heads, heads, (width) / (heads)
#define SB_TOWERS(X) \
    X(enc, c->enc_layers, enc_r, NE, C, c->enc_heads, c->enc_heads, SB_HEAD_DIM(c, enc), c->enc_mlp, 1, \
      c->enc_bias, c->enc_gated, c->enc_act, parts & SB_DUAL, SB_BASE, c->enc_eps, SB_NO_NORM, 0, \
      c->enc_scaled, c->enc_rope > 0 ? SB_TURN_1D : SB_TURN_NONE) \
    X(frame, A * c->agg_layers, geo_feature, NA, C, SB_HEADS_OF(C, c->agg_heads), c->agg_mlp, SB_PLAIN, \
      SB_AGG, 1e-5, SB_LAYERNORM, 1e-5, c->agg_scale != 0, SB_TURN_2D) \
    X(global, A * c->agg_layers, geo_feature, NA, C, SB_HEADS_OF(C, c->agg_heads), c->agg_mlp, SB_PLAIN, \
      SB_AGG, 1e-5, c->global_norm, c->global_norm == SB_RMS ? 1.2e-7 : 1e-5, c->agg_scale != 0, SB_TURN_2D) \
    X(camera, A * c->camera_layers, cam_r, NK, K, SB_HEADS_OF(K, c->agg_heads), 2 * c->agg_mlp, SB_PLAIN, \
      SB_AGG, 1e-5, SB_NO_NORM, 0, c->agg_scale != 0, SB_TURN_NONE) \
    X(fenc, Y * c->field_layers, fenc_r, NX, W, SB_HEADS_OF(W, c->field_heads), c->field_mlp, SB_PLAIN, \
      SB_FIELD, 1e-6, SB_RMS, 1.2e-7, 0, c->context_camera ? SB_TURN_CAMERA : SB_TURN_2D) \
    X(fdec, Y * c->field_layers, fdec_r, NY, W, SB_HEADS_OF(W, c->field_heads), c->field_mlp, SB_PLAIN, \
      SB_FIELD, 1e-6, SB_RMS, 1.2e-7, 0, c->pose ? SB_TURN_2D : SB_TURN_CAMERA) \
    X(llm, c->llm_layers, head_x, NL, D, c->llm_heads, c->llm_kv_heads, SB_HEAD_DIM(c, llm), c->llm_mlp, 0, \
      c->llm_bias, 1, SB_SILU, 0, SB_LLM, c->llm_eps, SB_NO_NORM, 0, 0, SB_TURN_1D)

static inline SbPairing sb_turn_of(int kind, int dim) {
    SbPairing t = {kind == SB_TURN_CAMERA ? dim / 2 : 0, kind < SB_TURN_2D ? kind : 2};
    return t;
}
// Numbers a row of the tables of Spa3R's encoder and decoder.
static inline long sb_field_row(const SbConfig *c, int camera) {
    int dim = c->field_width / c->field_heads;
    return sb_turn_row(dim, sb_turn_of(camera ? SB_TURN_CAMERA : SB_TURN_2D, dim));
}
#define SB_BLOCK_WIDTHS(c)                                                                                  \
    int M = (c)->heads * (c)->dim, KV = (c)->kv_heads * (c)->dim, P = (c)->dual, E = 1 + P,                \
        QN = (c)->qk_norm != SB_NO_NORM, QB = (c)->qk_norm == SB_LAYERNORM, BQ = (c)->bias & 1,             \
        BK = (c)->bias >> 1 & 1, BV = (c)->bias >> 2 & 1, BO = (c)->bias >> 3 & 1, BF = (c)->bias >> 4 & 1; \
    (void)M, (void)KV, (void)P, (void)E, (void)QN, (void)QB, (void)BQ, (void)BK, (void)BV, (void)BO, (void)BF

// X(name, rows, cols, init, decay, group).  c: the shape; M = heads * dim, KV = kv_heads * dim; P: 1 if dual;
// QN, QB: 1 if q and k have a norm, one with biases; BQ, BK, BV, BO, BF: 1 if q, k, v, o, MLP have biases
#define SB_BLOCK_PARAMS(X) \
    X(norm1_w, c->width, 0, SB_ONE, 0, c->group) \
    X(norm1_b, c->layernorm * c->width, 0, SB_ZERO, 0, c->group) \
    X(q_w, M, c->width, SB_LINEAR, 1, c->group) X(q_b, BQ * M, 0, SB_ZERO, 0, c->group) \
    X(k_w, KV, c->width, SB_LINEAR, 1, c->group) X(k_b, BK * KV, 0, SB_ZERO, 0, c->group) \
    X(qnorm_w, QN * c->dim, 0, SB_ONE, 0, c->group) X(qnorm_b, QB * c->dim, 0, SB_ZERO, 0, c->group) \
    X(knorm_w, QN * c->dim, 0, SB_ONE, 0, c->group) X(knorm_b, QB * c->dim, 0, SB_ZERO, 0, c->group) \
    X(v_w, KV, c->width, SB_LINEAR, 1, c->group) X(v_b, BV * KV, 0, SB_ZERO, 0, c->group) \
    X(o_w, c->width, M, SB_LINEAR, 1, c->group) X(o_b, BO * c->width, 0, SB_ZERO, 0, c->group) \
    X(plus_q_w, P * M, c->width, SB_COPY, 1, SB_PLUS) X(plus_q_b, P * BQ * M, 0, SB_COPY, 0, SB_PLUS) \
    X(plus_k_w, P * KV, c->width, SB_COPY, 1, SB_PLUS) X(plus_k_b, P * BK * KV, 0, SB_COPY, 0, SB_PLUS) \
    X(plus_v_w, P * KV, c->width, SB_COPY, 1, SB_PLUS) X(plus_v_b, P * BV * KV, 0, SB_COPY, 0, SB_PLUS) \
    X(plus_o_w, P * c->own_o * c->width, M, SB_COPY, 1, SB_PLUS) \
    X(plus_o_b, P * c->own_o * BO * c->width, 0, SB_COPY, 0, SB_PLUS) \
    X(a, P * (c->gate_by ? 1 : c->width), c->gate_by == 1 ? c->heads : 0, SB_ALPHA_START, 0, SB_ALPHA) \
    X(scale1, c->scaled * c->width, 0, SB_SCALE_START, 0, c->group) \
    X(norm2_w, c->width, 0, SB_ONE, 0, c->group) \
    X(norm2_b, c->layernorm * c->width, 0, SB_ZERO, 0, c->group) \
    X(gate_w, c->gated * c->hidden, c->width, SB_LINEAR, 1, c->group) \
    X(gate_b, c->gated * BF * c->hidden, 0, SB_ZERO, 0, c->group) \
    X(up_w, c->hidden, c->width, SB_LINEAR, 1, c->group) \
    X(up_b, BF * c->hidden, 0, SB_ZERO, 0, c->group) \
    X(down_w, c->width, c->hidden, SB_LINEAR, 1, c->group) \
    X(down_b, BF * c->width, 0, SB_ZERO, 0, c->group) \
    X(scale2, c->scaled * c->width, 0, SB_SCALE_START, 0, c->group)

// the rest of the model.  c: the config; C encoder width, D LLM width, G patches along a side, W, K, A, Y as
// above; Q: 1 with camera head, T: with adapter, V: with cross-attention
enum { SB_GEOMETRY = 4, SB_POSE = 9 };  // a patch's depth, point; a camera's T, quaternion, fields of view
#define SB_RAY(c) ((c)->pose == 1 ? 6 : 3)
#define SB_WIDTHS(c, parts)                                                                             \
    int C = (c)->enc_width, D = (c)->llm_width, W = (c)->field_width, K = 2 * C,                        \
        G = (c)->image / (c)->patch, A = ((parts) & SB_AGGREGATOR) != 0, Y = ((parts) & SB_SPA3R) != 0, \
        Q = A && (c)->camera_layers, T = ((parts) & SB_ADAPTER) && (c)->adapter,                        \
        V = T && (c)->adapter == 1;                                                                     \
    (void)C, (void)D, (void)W, (void)K, (void)G, (void)A, (void)Y, (void)Q, (void)T, (void)V
#define SB_MODEL_PARAMS(X) \
    X(enc, patch_w, C, 3 * c->patch * c->patch, SB_LINEAR, 1, SB_BASE) \
    X(enc, patch_b, (c->enc_bias >> 5) * C, 0, SB_ZERO, 0, SB_BASE) \
    X(enc, cls, c->enc_cls * C, 0, SB_LINEAR, 0, SB_BASE) \
    X(enc, registers, c->enc_registers, C, SB_LINEAR, 0, SB_BASE) \
    X(enc, pos, c->enc_pos * (c->enc_cls + G * G), C, SB_POSITION, 1, SB_BASE) \
    SB_NORM_PARAMS(X, enc, pre, c->enc_pre, C, SB_BASE) \
    SB_NORM_PARAMS(X, enc, norm, c->enc_final, C, SB_BASE) \
    SB_POOL_PARAMS(X) \
    X(head, multi_w, c->classes, C, SB_LINEAR, 1, SB_HEADS) \
    X(head, multi_b, c->classes, 0, SB_ZERO, 0, SB_HEADS) \
    X(head, main_w, c->classes, C, SB_LINEAR, 1, SB_HEADS) \
    X(head, main_b, c->classes, 0, SB_ZERO, 0, SB_HEADS) \
    X(head, patch_w, c->labels, C, SB_LINEAR, 1, SB_HEADS) \
    X(head, patch_b, c->labels, 0, SB_ZERO, 0, SB_HEADS) \
    X(reg, w1, D, C, SB_LINEAR, 1, SB_REG) X(reg, b1, D, 0, SB_ZERO, 0, SB_REG) \
    X(reg, w2, 1, D, SB_LINEAR, 1, SB_REG) X(reg, b2, 1, 0, SB_ZERO, 0, SB_REG) \
    X(proj, w1, D, C, SB_LINEAR, 1, SB_PROJ) X(proj, b1, D, 0, SB_ZERO, 0, SB_PROJ) \
    X(proj, w2, D, D, SB_LINEAR, 1, SB_PROJ) X(proj, b2, D, 0, SB_ZERO, 0, SB_PROJ) \
    X(llm, emb, c->vocab, D, SB_WORD_TABLE, 1, SB_LLM) \
    X(llm, norm_w, D, 0, SB_ONE, 0, SB_LLM) X(llm, head, !c->llm_tied * c->vocab, D, SB_LINEAR, 1, SB_LLM) \
    SB_AGG_PARAMS(X) SB_FIELD_PARAMS(X) SB_ADAPT_PARAMS(X)
// name: y = w x + b; a norm; w2 gelu(w1 x + b1) + b2. on: 0 or 1
#define SB_MAP_PARAMS(X, module, name, on, out, in, group) \
    X(module, name##_w, (on) * (out), in, SB_LINEAR, 1, group) \
    X(module, name##_b, (on) * (out), 0, SB_ZERO, 0, group)
#define SB_NORM_PARAMS(X, module, name, on, width, group) \
    X(module, name##_w, (on) * (width), 0, SB_ONE, 0, group) \
    X(module, name##_b, (on) * (width), 0, SB_ZERO, 0, group)
#define SB_MLP_PARAMS(X, module, name, on, out, hidden, in, group, last) \
    X(module, name##w1, (on) * (hidden), in, SB_LINEAR, 1, group) \
    X(module, name##b1, (on) * (hidden), 0, SB_ZERO, 0, group) \
    X(module, name##w2, (on) * (out), hidden, last, 1, group) \
    X(module, name##b2, (on) * (out), 0, SB_ZERO, 0, group)
// SigLIP's pooling: one query attends to an image's rows; it trains with the encoder, which has no use for it
#define SB_POOL_PARAMS(X) \
    X(pool, probe, c->enc_pool * C, 0, SB_LINEAR, 0, SB_BASE) \
    SB_MAP_PARAMS(X, pool, q, c->enc_pool, C, C, SB_BASE) \
    SB_MAP_PARAMS(X, pool, k, c->enc_pool, C, C, SB_BASE) \
    SB_MAP_PARAMS(X, pool, v, c->enc_pool, C, C, SB_BASE) \
    SB_MAP_PARAMS(X, pool, o, c->enc_pool, C, C, SB_BASE) \
    SB_NORM_PARAMS(X, pool, norm, c->enc_pool, C, SB_BASE) \
    SB_MLP_PARAMS(X, pool, , c->enc_pool, C, c->enc_mlp, C, SB_BASE, SB_LINEAR)
// The aggregator. tokens: camera and register tokens of a scene's first view, then of all others; geo: depth
// and point. cam: VGGT's camera head: mod is the modulation, empty the pose that nothing is known of.
#define SB_AGG_PARAMS(X) \
    X(agg, tokens, A * 2 * (1 + c->agg_registers), C, SB_TOKENS, 0, SB_AGG) \
    SB_NORM_PARAMS(X, agg, norm, A, 2 * C, SB_AGG) \
    SB_MLP_PARAMS(X, agg, geo_, A, SB_GEOMETRY, c->agg_mlp, 2 * C, SB_AGG, SB_LINEAR) \
    SB_NORM_PARAMS(X, cam, token_norm, Q, K, SB_AGG) X(cam, empty, Q * SB_POSE, 0, SB_ZERO, 0, SB_AGG) \
    SB_MAP_PARAMS(X, cam, pose, Q, K, SB_POSE, SB_AGG) SB_MAP_PARAMS(X, cam, mod, Q, 3 * K, K, SB_AGG) \
    SB_NORM_PARAMS(X, cam, norm, Q, K, SB_AGG) SB_MLP_PARAMS(X, cam, , Q, SB_POSE, C, K, SB_AGG, SB_LINEAR)
// Spa3R. tokens: the encoder's registers, then the queries; ray: Pluecker moments need three more columns
#define SB_FIELD_PARAMS(X) \
    SB_MAP_PARAMS(X, field, proj, Y, W, 2 * C, SB_FIELD) \
    SB_MAP_PARAMS(X, field, ray, Y, W, SB_RAY(c), SB_FIELD) \
    X(field, tokens, Y * (c->field_registers + c->latents), W, SB_TOKENS, 1, SB_FIELD) \
    X(field, registers, Y * c->field_registers, W, SB_TOKENS, 1, SB_FIELD) \
    SB_NORM_PARAMS(X, field, enc_norm, Y, W, SB_FIELD) SB_NORM_PARAMS(X, field, dec_norm, Y, W, SB_FIELD) \
    SB_MLP_PARAMS(X, field, geo_, Y * (c->targets & 1), 2 * C, c->field_mlp, W, SB_FIELD, SB_LINEAR) \
    SB_MLP_PARAMS(X, field, sem_, Y * (c->targets >> 1), C, c->field_mlp, W, SB_FIELD, SB_LINEAR) \
    SB_MLP_PARAMS(X, field, probe_, Y, 1, c->field_mlp, W, SB_FIELD, SB_LINEAR)
// Spa3-VLM's adapter: latents to the LLM's width, cross-attention (V: 1 if it is there), gated bottleneck
#define SB_ADAPT_PARAMS(X) \
    SB_MLP_PARAMS(X, adapt, latent_, T, D, D, W, SB_ADAPT, SB_LINEAR) \
    SB_MAP_PARAMS(X, adapt, q, V, D, D, SB_ADAPT) SB_MAP_PARAMS(X, adapt, k, V, D, D, SB_ADAPT) \
    SB_MAP_PARAMS(X, adapt, v, V, D, D, SB_ADAPT) SB_MAP_PARAMS(X, adapt, o, V, D, D, SB_ADAPT) \
    SB_NORM_PARAMS(X, adapt, qnorm, V, D / c->llm_heads, SB_ADAPT) \
    SB_NORM_PARAMS(X, adapt, knorm, V, D / c->llm_heads, SB_ADAPT) \
    SB_NORM_PARAMS(X, adapt, norm, V, D, SB_ADAPT) SB_MAP_PARAMS(X, adapt, gate, V, D, D, SB_ADAPT) \
    SB_MLP_PARAMS(X, adapt, , V, D, D / 4, D, SB_ADAPT, SB_ZERO)

// X(type, name, elements a row, saved): saved 2: one per layer, 1: unless it is recomputed, 0: scratch of all
// layers.  E = 1 + dual; qk: q and k behind their norm (without one they stay in qkv); u1, u2: branches
// before LayerScale
#define SB_BLOCK_ACTS(X) \
    X(real, r1, c->width, 2) X(stat_t, stat1, 2, 1) X(real, n1, c->width, c->train_attn) \
    X(real, qkv, E * (M + 2 * KV), 1) X(stat_t, q_stat, 2 * QN * E * c->heads, 1) \
    X(stat_t, k_stat, 2 * QN * E * c->kv_heads, 1) X(real, qk, QN * E * (M + KV), 1) \
    X(real, att, E * M, 1) X(stat_t, lse, E * c->heads, 1) \
    X(real, turned, (c->turn.mixed > 0) * E * M, 0) X(real, u1, c->scaled * c->width, 1) \
    X(real, y1, c->width, 0) X(real, r2, c->width, 1) X(stat_t, stat2, 2, 1) \
    X(real, n2, c->width, c->train_mlp) X(real, h, (1 + c->gated) * c->hidden, 1) \
    X(real, g, c->hidden, 0) X(real, u2, c->scaled * c->width, 1) X(real, y2, c->width, 0) \
    X(real, d_n1, c->width, 0) X(real, d_qkv, E * (M + 2 * KV), 0) X(real, d_qk, QN * E * (M + KV), 0) \
    X(real, d_u, c->scaled * c->width, 0) X(real, d_att, E * M, 0) \
    X(real, d_n2, c->width, 0) X(real, d_h, (1 + c->gated) * c->hidden, 0) X(real, d_g, c->hidden, 0)

// X(type, name, elements): what does not grow with the rows: the folded projection of eq. 1 and its gradient
#define SB_BLOCK_FOLDS(X) \
    X(real, wc, c->dual * c->width * 2 * M) X(real, bc, c->dual * c->width) \
    X(param_t, d_wc, c->dual * c->width * 2 * M) X(param_t, d_bc, c->dual * c->width)

// X(type, name, rows, elements a row): one batch as the host fills it (>>batch).
// NP pixels, NE encoder rows, NV image tokens, NI images, NL LLM rows, NR rows with loss, NG depths asked
// for; of scenes (>>batch): NS scenes, NZ latents, NA aggregator rows, NC context patches, NX and NY rows of
// Spa3R's encoder and decoder, NB patches with known geometry, NK poses (all rounds of the camera head)
#define SB_BATCH(X) \
    X(real, pixels, NP, 3) X(int, patch, NE, 3) \
    X(int, enc_keys, NE, 4) X(int, patch_row, NV, 1) \
    X(stat_t, enc_table, (c->enc_rope > 0) * NE, SB_HEAD_DIM(c, enc)) \
    X(int, pool_keys, c->enc_pool * NI, 4) \
    X(int, cls_row, NI, 1) X(int, token, NL, SB_BAG) \
    X(int, vis_row, NL, 1) X(int, llm_keys, NL, 4) \
    X(stat_t, rotation, NL, SB_HEAD_DIM(c, llm)) X(int, loss_row, NR, 1) \
    X(int, target, NR, 1) X(stat_t, multi, NI, c->classes) \
    X(int, main_class, NI, 1) X(int, label, NV, 1) \
    X(int, reg_row, NG, 1) X(stat_t, reg_target, NG, 1) \
    X(int, agg_token, NA, SB_BAG) X(int, agg_vis, NA, 1) \
    X(int, frame_keys, NA, 4) X(int, global_keys, NA, 4) \
    X(stat_t, agg_table, NA, c->enc_width / c->agg_heads) \
    X(int, geo_row, NV * (NS > 0), 1) X(int, context_row, NC, 1) \
    X(int, cam_row, NI * (NS > 0), 1) X(int, cam_view, NK, 1) X(int, cam_keys, NK, 4) \
    X(stat_t, pose, NK, SB_POSE) X(int, geometry_row, NB, 1) \
    X(stat_t, geometry, NB, SB_GEOMETRY) X(stat_t, depth, NB, 1) \
    X(int, fenc_token, NX, SB_BAG) X(int, fenc_vis, NX, 1) X(int, fenc_keys, NX, 4) \
    X(stat_t, fenc_table, NX, sb_field_row(c, c->context_camera)) X(int, latent_row, NZ, 1) \
    X(int, fdec_token, NY, SB_BAG) X(int, fdec_vis, NY, 1) X(int, fdec_keys, NY, 4) \
    X(stat_t, fdec_table, NY, sb_field_row(c, !c->pose)) X(int, ray_row, NV * (NY > 0), 1) \
    X(real, ray, NV * (NY > 0), SB_RAY(c)) X(stat_t, feature_weight, NV * (NY > 0), 1) \
    X(int, vis_keys, NV, 4)

// X(type, name, rows, elements a row): a copy of the batch, then what is computed from it; a gradient stands
// where its tensor does, so that the last bad one in order is where it began
#define SB_PAIR(X, name, rows, row) X(real, name, rows, row) X(real, d_##name, rows, row)
#define SB_MODEL_ACTS(X) \
    SB_BATCH(X) \
    X(real, col, NE, 3 * c->patch * c->patch) X(real, x0, NE, C) \
    X(real, pre_x, c->enc_pre * NE, C) X(stat_t, pre_stat, c->enc_pre * NE, 2) \
    X(real, d_pre, c->enc_pre * NE, C) \
    X(real, d_enc, NE, C) X(real, enc_r, NE, C) X(stat_t, enc_stat, NE, 2) \
    SB_PAIR(X, feature, NE, C) SB_PAIR(X, cls_feature, NI, C) SB_POOL_ACTS(X) \
    SB_PAIR(X, multi_logits, NI, c->classes) SB_PAIR(X, main_logits, NI, c->classes) \
    SB_PAIR(X, patch_feature, NV, C) SB_PAIR(X, patch_logits, NV, c->labels) \
    SB_AGG_ACTS(X) SB_FIELD_ACTS(X) \
    SB_PAIR(X, proj_h, NV, D) SB_PAIR(X, proj_g, NV, D) SB_PAIR(X, vis, NV + (T - V) * NZ, D) \
    SB_ADAPT_ACTS(X) \
    SB_PAIR(X, reg_x, NG, C) SB_PAIR(X, reg_h, NG, D) SB_PAIR(X, reg_g, NG, D) SB_PAIR(X, reg_y, NG, 1) \
    X(real, t0, NL, D) X(real, d_llm, NL, D) X(real, head_x, NR, D) X(real, head_y, NR, D) \
    SB_PAIR(X, head_r, NR, D) X(stat_t, head_stat, NR, 2) SB_PAIR(X, head_n, NR, D) \
    X(real, logits, 2 * SB_CHUNK, c->vocab) \
    X(stat_t, loss, NR + NV + 2 * NI + NG + (NY > 0) * 4 * NV + SB_GEOMETRY * NB + SB_POSE * NK, 1)
// Attention pooling, forward only: the query in every image, keys and values of the rows, what they give
#define SB_POOL_ACTS(X) \
    X(real, pool_x, c->enc_pool * NI, C) X(real, pool_q, c->enc_pool * NI, C) \
    X(real, pool_kv, c->enc_pool * NE, 2 * C) \
    X(real, pool_att, c->enc_pool * NI, C) X(stat_t, pool_lse, c->enc_pool * NI, C / SB_HEAD_DIM(c, enc)) \
    X(real, pool_o, c->enc_pool * NI, C) X(stat_t, pool_stat, c->enc_pool * NI, 2) \
    X(real, pool_n, c->enc_pool * NI, C) \
    SB_MLP_ACTS(X, pool_, c->enc_pool * NI, c->enc_mlp, C) X(real, pooled, c->enc_pool * NI, C)
// A two-layer head's hidden rows, before and behind its activation, and its result
#define SB_MLP_ACTS(X, name, n, hidden, out) \
    SB_PAIR(X, name##h, n, hidden) SB_PAIR(X, name##g, n, hidden) SB_PAIR(X, name##y, n, out)
// Aggregator: agg_x [special tokens | patches] of every view; features = (frame | global), last layer; geo_n:
// behind a norm, for the geometry head. Camera head: a row a view and iteration.
#define SB_AGG_ACTS(X) \
    X(real, agg_x, A * NA, C) X(real, d_agg, A * NA, C) SB_PAIR(X, geo_feature, A * NV * (NS > 0), 2 * C) \
    SB_PAIR(X, geometry_x, A * NB, 2 * C) X(stat_t, geo_stat, A * NB, 2) SB_PAIR(X, geo_n, A * NB, 2 * C) \
    SB_MLP_ACTS(X, geometry_, A * NB, c->agg_mlp, SB_GEOMETRY) \
    SB_PAIR(X, cam_feature, Q * NI, K) X(stat_t, cam_token_stat, Q * NI, 2) SB_PAIR(X, cam_token, Q * NI, K) \
    SB_PAIR(X, cam_t, Q * NK, K) SB_PAIR(X, cam_x, Q * NK, K) X(stat_t, cam_x_stat, Q * NK, 2) \
    SB_PAIR(X, cam_in, Q * (NK + NI), SB_POSE) SB_PAIR(X, cam_m, Q * NK, K) SB_PAIR(X, cam_silu, Q * NK, K) \
    SB_PAIR(X, cam_mod, Q * NK, 3 * K) SB_PAIR(X, cam_u, Q * NK, K) X(real, cam_r, Q * NK, K) \
    X(stat_t, cam_stat, Q * NK, 2) SB_PAIR(X, cam_n, Q * NK, K) SB_MLP_ACTS(X, cam_, Q * NK, C, SB_POSE)
// Spa3R: context patches, projected; encoder; latents; [latents | rays]; decoder; its heads
#define SB_FIELD_ACTS(X) \
    SB_PAIR(X, context_feature, Y * NC, 2 * C) SB_PAIR(X, context_x, Y * NC, W) \
    X(real, fenc_x, Y * NX, W) X(real, d_fenc, Y * NX, W) X(real, fenc_r, Y * NX, W) \
    X(stat_t, fenc_stat, Y * NX, 2) SB_PAIR(X, fenc_n, Y * NX, W) X(real, latent, Y * NZ, W) \
    SB_PAIR(X, asked, Y * (NZ + NV) * (NY > 0), W) \
    X(real, fdec_x, Y * NY, W) X(real, d_fdec, Y * NY, W) X(real, fdec_r, Y * NY, W) \
    X(stat_t, fdec_stat, Y * NY, 2) SB_PAIR(X, fdec_n, Y * NY, W) \
    SB_PAIR(X, decoded, Y * NV * (NY > 0), W) \
    SB_MLP_ACTS(X, fgeo_, Y * (c->targets & 1) * NV * (NY > 0), c->field_mlp, 2 * C) \
    SB_MLP_ACTS(X, fsem_, Y * (c->targets >> 1) * NV * (NY > 0), c->field_mlp, C) \
    SB_PAIR(X, probe_x, Y * (NY > 0) * NB, W) SB_MLP_ACTS(X, probe_, Y * (NY > 0) * NB, c->field_mlp, 1)
// Adapter: latents at the LLM's width (appended: they stand in vis, behind the image tokens); q, k, v of the
// cross-attention, q and k behind their norms too; seen: what the LLM reads instead of vis
#define SB_ADAPT_ACTS(X) \
    SB_MLP_ACTS(X, latent_, T * NZ, D, D) SB_PAIR(X, ad_q, V * NV, D) SB_PAIR(X, ad_kv, V * NZ, 2 * D) \
    X(stat_t, ad_q_stat, V * NV, 2 * c->llm_heads) X(stat_t, ad_k_stat, V * NZ, 2 * c->llm_heads) \
    SB_PAIR(X, ad_qn, V * NV, D) SB_PAIR(X, ad_kn, V * NZ, D) SB_PAIR(X, ad_att, V * NV, D) \
    X(stat_t, ad_lse, V * NV, c->llm_heads) SB_PAIR(X, ad_o, V * NV, D) X(stat_t, ad_stat, V * NV, 2) \
    SB_PAIR(X, ad_n, V * NV, D) SB_MLP_ACTS(X, ad_, V * NV, D / 4, D) SB_PAIR(X, ad_gate, V * NV, D) \
    X(real, seen, V * NV, D)

enum { SB_CHUNK = 256 };        // rows of logits at a time

#define SB_PARAM_FIELD(name, ...) SbParam name;
#define SB_FIELD(type, name, ...) type *name;
typedef struct { SB_BLOCK_PARAMS(SB_PARAM_FIELD) } SbBlock;
typedef struct { SB_BLOCK_ACTS(SB_FIELD) SB_BLOCK_FOLDS(SB_FIELD) } SbBlockActs;

// Rows of everything in one batch (capacities, or the numbers in use).
#define SB_ROWS(X)                                                                                           \
    X(pixels)                                                                                                \
    X(enc) X(vis) X(images) X(llm) X(loss) X(reg) X(scenes) X(agg) X(context) X(fenc) X(fdec) X(geometry)
#define X(name) long name;
typedef struct { SB_ROWS(X) } SbSizes;
#undef X
#define SB_SIZES(n)                                                                                 \
    long NP = (n).pixels, NE = (n).enc, NV = (n).vis, NI = (n).images, NL = (n).llm, NR = (n).loss, \
         NG = (n).reg, NS = (n).scenes, NZ = NS * c->latents, NA = (n).agg, NC = (n).context,       \
         NX = (n).fenc, NY = (n).fdec, NB = (n).geometry,                                           \
         NK = (NS > 0) * (c->camera_layers > 0) * c->camera_rounds * NI;                            \
    (void)NP, (void)NE, (void)NV, (void)NI, (void)NL, (void)NR, (void)NG, (void)NS, (void)NZ,       \
    (void)NA, (void)NC, (void)NX, (void)NY, (void)NB, (void)NK

#define SB_TOWER_ACTS(tower, ...) SbBlockActs *tower;
#define SB_TOWER_MODEL(tower, ...) SbBlock *tower; SbShape tower##_shape;
typedef struct {
    SB_MODEL_ACTS(SB_FIELD)
    SB_TOWERS(SB_TOWER_ACTS)    // [layers]
    SbSizes room;               // rows that fit
    int keep;  // 1: every layer has its own scratch too, so that all of it can be looked at afterwards
    int planned;                // 1: sizes are counted, nothing is allocated
    size_t bytes;
    void **block;               // what was allocated
    int blocks;
} SbActs;

typedef struct {
    SbConfig config;
    int parts;                  // SB_DUAL, ...
    SB_TOWERS(SB_TOWER_MODEL)   // [layers]
#define X(module, name, rows, cols, init, decay, group) SbParam module##_##name;
    SB_MODEL_PARAMS(X)
#undef X
    SbParam **param;            // all of them, in the tables' order
    int params;
    int trained;                // groups
    void *weights, *state;      // arenas: weights; gradients and moments of what trains
    size_t weight_bytes, adopted_bytes, state_bytes, grad_bytes;
    SbTrained *list;            // what trains, on the backend [listed]
    int listed;
    double *squares;            // of all gradients at the last update, on the backend
    struct { long at, n; double weight; } term[16];  // the last step's loss: rows of acts.loss, their weight
    int terms;
    int recompute; // set before sb_model_train: encoder and LLM keep a row a layer, not all of it
    double answers;             // rows with loss in all parts of a batch (0: it has one part)
    SbActs acts;
    SbSizes n;                  // rows of the batch at hand
} SbModel;

// Enter one tensor of the tables; rows = 0: it stays absent.
static void sb_param(SbModel *m, SbParam *p, const char *prefix, const char *name, int rows, int cols,
                     int init, int decay, int group) {
    memset(p, 0, sizeof *p);
    if (!rows) return;
    snprintf(p->name, sizeof p->name, "%s.%s", prefix, name);
    p->w.type = SB_TYPE(param_t);
    p->w.rows = rows, p->w.cols = cols ? cols : 1, p->w.ld = p->w.cols;
    p->rank = cols ? 2 : 1, p->init = init, p->decay = decay, p->group = group;
    m->param = (SbParam **)realloc(m->param, (size_t)(m->params + 1) * sizeof *m->param);
    if (!m->param) SB_FAIL("out of memory: the list of tensors");
    m->param[m->params++] = p;
}
static void sb_block_params(SbModel *m, SbBlock *b, const SbShape *c, const char *module, int layer) {
    char prefix[16];
    SB_BLOCK_WIDTHS(c);
    snprintf(prefix, sizeof prefix, "%s.%d", module, layer);
#define X(name, rows, cols, init, decay, group) \
    sb_param(m, &b->name, prefix, #name, rows, cols, init, decay, group);
    SB_BLOCK_PARAMS(X)
#undef X
}
SB_FN long sb_param_count(const SbParam *p) { return (long)p->w.rows * p->w.cols; }
// Elements that it takes in the arena, so that the next one is aligned for reads of 16 bytes.
static long sb_param_room(const SbParam *p) { return (sb_param_count(p) + 3) / 4 * 4; }

// Sizes and names of a model, without memory: then sb_model_train and sb_acts_reserve only count what they
// would need (weight_bytes, state_bytes, acts.bytes). parts: bits, SB_DUAL and others.
SB_FN void sb_model_plan(SbModel *m, const SbConfig *config, int parts) {
    const char *wrong = sb_config_error(config);
    if (!wrong && (parts & ~SB_DUAL)) wrong = sb_field_error(config);
    if (wrong) SB_FAIL("configuration: %s", wrong);
    memset(m, 0, sizeof *m);
    m->config = *config, m->parts = parts;
    const SbConfig *c = &m->config;
    SB_WIDTHS(c, parts);
#define X(tower, ...) SB_TOWER_SHAPE(tower, __VA_ARGS__)    // SB_PLAIN and SB_HEADS_OF are several values
#define SB_TOWER_SHAPE(tower, layers, before, rows, width, heads, kv, dim, mlp, ln, bias, gated, act, dual, \
                       group, eps, qk, qk_eps, scaled, turn)                                               \
    SbShape tower##_shape = {layers, width, heads, kv, dim, mlp, ln, bias, gated, act, dual, group, eps, qk, \
                             qk_eps, scaled, sb_turn_of(turn, dim), !c->share_o, c->gate_by, 0, 0, 0, 0, 0}; \
    m->tower##_shape = tower##_shape;                                                                      \
    m->tower = (SbBlock *)calloc((size_t)(layers) + 1, sizeof *m->tower);                                  \
    if (!m->tower) SB_FAIL("out of memory: the blocks' tables");
    SB_TOWERS(X)
#undef X
#define X(module, name, rows, cols, init, decay, group) \
    sb_param(m, &m->module##_##name, #module, #name, rows, cols, init, decay, group);
    SB_MODEL_PARAMS(X)
#undef X
#define X(tower, ...) \
    for (int l = 0; l < m->tower##_shape.layers; l++) \
        sb_block_params(m, m->tower + l, &m->tower##_shape, #tower, l);
    SB_TOWERS(X)
#undef X
    for (int i = 0, l; i < m->params; i++) {
        SbParam *p = m->param[i];
        if (p->group == SB_BASE && sscanf(p->name, "enc.%d.", &l) == 1 && l >= c->enc_layers - c->last_layers)
            p->group |= SB_LAST;
        m->weight_bytes += (size_t)sb_param_room(p) * sizeof(param_t);
    }
    m->acts.planned = 1;
}
// Between plan and memory: a tensor that never trains is read where it lies, host [rows][cols] of a type,
// aligned to it (a mapped file). On a CPU it must outlive the model; a GPU copies it, in sb_model_memory.
SB_FN void sb_model_adopt(SbModel *m, SbParam *p, const void *host, int type) {
    m->weight_bytes -= (size_t)sb_param_room(p) * sizeof(param_t);
    m->adopted_bytes += SB_SIZE(type) * (size_t)sb_param_count(p);
    p->w.type = type, p->w.p = host, p->adopted = 1;
}
// Memory for the weights that have none, 0 until filled. Nothing trains until sb_model_train.
SB_FN void sb_model_memory(SbModel *m) {
    m->acts.planned = 0;
    m->squares = (double *)sb_alloc(sizeof *m->squares);
    param_t *at = (param_t *)(m->weights = sb_alloc(m->weight_bytes));
    for (int i = 0; i < m->params; i++) {
        SbParam *p = m->param[i];
        if (p->adopted) p->w.p = sb_share(p->w.p, SB_SIZE(p->w.type) * (size_t)sb_param_count(p));
        else p->w.p = at, at += sb_param_room(p);
    }
}
SB_FN void sb_model_init(SbModel *m, const SbConfig *config, int parts) {
    sb_model_plan(m, config, parts);
    sb_model_memory(m);
}
SB_FN SbParam *sb_model_param(SbModel *m, const char *name) {
    for (int i = 0; i < m->params; i++) if (!strcmp(m->param[i]->name, name)) return m->param[i];
    return NULL;
}

// Choose what trains. Gradients and moments become 0; all gradients lie in one block, cleared by one call.
SB_FN void sb_model_train(SbModel *m, int groups) {
    long count = 0;
    for (int i = 0; i < m->params; i++) {
        if (!(m->param[i]->group & groups)) continue;
        if (m->param[i]->adopted) SB_FAIL("%s was adopted: it cannot train", m->param[i]->name);
        count += sb_param_count(m->param[i]);
    }
    m->trained = groups;
    m->grad_bytes = (size_t)count * sizeof(param_t);
    m->state_bytes = 3 * m->grad_bytes;
#define X(tower, ...) \
    m->tower##_shape.train_attn = m->tower##_shape.train_mlp = (groups & m->tower##_shape.group) != 0; \
    m->tower##_shape.flow = m->tower##_shape.train_mlp || m->tower##_shape.group <= SB_LLM;
    SB_TOWERS(X)
#undef X
    m->enc_shape.recompute = m->llm_shape.recompute = m->recompute;
    m->enc_shape.train_mlp = (groups & (SB_BASE | SB_LAST)) != 0;
    m->enc_shape.train_attn = (groups & SB_FEATURES) != 0;
    m->enc_shape.lowest = groups & SB_FEATURES & ~SB_LAST ? 0 : m->enc_shape.layers - m->config.last_layers;
    m->acts.room.enc = m->acts.room.llm = -1;               // what is saved has changed: allocate anew
    if (m->acts.planned) return;
    sb_free(m->state);
    m->state = sb_alloc(m->state_bytes);
    param_t *at = (param_t *)m->state;
    SbTrained *list = (SbTrained *)malloc((size_t)m->params * sizeof *list);
    if (!list) SB_FAIL("out of memory: the list of what trains");
    m->listed = 0;
    for (int i = 0; i < m->params; i++) {
        SbParam *p = m->param[i];
        p->grad = p->m = p->v = NULL;
        if (!(p->group & groups)) continue;
        p->grad = at, p->m = at + count, p->v = at + 2 * count;
        SbTrained entry = {(param_t *)(size_t)p->w.p, at - (param_t *)m->state, p->decay};
        list[m->listed++] = entry;
        at += sb_param_count(p);
    }
    sb_free(m->list);
    m->list = (SbTrained *)sb_alloc((size_t)m->listed * sizeof *list);
    sb_put(m->list, list, (size_t)m->listed * sizeof *list);
    free(list);
}

// ---- initial values. Counter-based: tensor, element and seed decide, nothing else.
static uint64_t sb_mix64(uint64_t z) {                      // splitmix64's finaliser
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}
static double sb_normal(uint64_t seed, uint64_t counter) {  // Box and Muller (1958)
    uint64_t z = sb_mix64(sb_mix64(seed * 0x9E3779B97F4A7C15ull + 1) ^ (counter * 0xD1B54A32D192ED03ull));
    double u = ((double)(z >> 40) + 1) / 16777217.0, v = (double)(z & 0xFFFFFF) / 16777216.0;
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}
// Lane c of the sin-cos code of patch k: the first half of the width codes its row, the second its column.
static double sb_sincos(int k, int c, int width, int grid) {
    int half = width / 2, quarter = width / 4, along = c < half ? k / grid : k % grid, i = c % half % quarter;
    double f = exp(-2.5 * i / (quarter > 1 ? quarter - 1 : 1));
    return c % half < quarter ? sin(along * f) : cos(along * f);
}
static double sb_start(const SbConfig *c, const SbParam *p, uint64_t seed, long i) {
    int grid = c->image / c->patch, row = (int)(i / p->w.cols), col = (int)(i % p->w.cols),
        word = row - c->patch_word, cell = row - c->enc_cls;
    double std = 0.7 / sqrt((double)p->w.cols), z = sb_normal(seed, (uint64_t)i);
    switch (p->init) {
    case SB_ONE: return 1;
    case SB_LINEAR: return z * (std < 0.06 ? std : 0.06);
    case SB_POSITION: return cell < 0 ? 0.05 * z : 0.2 * sb_sincos(cell, col, p->w.cols, grid);
    case SB_WORD_TABLE:
        if (c->patch_word < 0 || word < 0 || word >= grid * grid) return 0.05 * z;
        return 0.05 * z + 0.1 * sb_sincos(word, col, p->w.cols, grid) +
               0.06 * sb_normal(seed + 1, (uint64_t)i);
    case SB_ALPHA_START: return c->gate;
    case SB_SCALE_START: return c->agg_scale;
    case SB_TOKENS: return z * (!strcmp(p->name, "field.tokens") && row >= c->field_registers ? .02 : 1e-6);
    default: return 0;
    }
}
// The numbers of a tensor, whatever its type, to host [rows][cols].
SB_FN void sb_param_read(param_t *host, const SbParam *p) {
    long n = sb_param_count(p);
    size_t size = SB_SIZE(p->w.type);
    char *raw = (char *)malloc((size_t)n * size);
    if (!raw) SB_FAIL("out of memory: the numbers of %s", p->name);
    sb_get(raw, p->w.p, (size_t)n * size);
    for (long i = 0; i < n; i++) {
        uint32_t bits = size == 2 ? (uint32_t)((uint16_t *)raw)[i] << 16 : 0;
        float f;
        memcpy(&f, size == 4 ? raw + 4 * i : (char *)&bits, 4);
        host[i] = (param_t)(size == 8 ? ((double *)raw)[i] : f);
    }
    free(raw);
}
// Initial values of some groups' tensors. copy = 0: Attn+ starts at random instead of as a copy.
SB_FN void sb_model_random(SbModel *m, int groups, uint64_t seed, int copy) {
    for (int t = 0; t < m->params; t++) {
        SbParam *p = m->param[t];
        if (!(p->group & groups) || p->adopted) continue;
        long n = sb_param_count(p);
        param_t *host = (param_t *)malloc((size_t)n * sizeof *host);
        if (!host) SB_FAIL("out of memory: initial values of %s", p->name);
        char *plus = strstr(p->name, "plus_"), name[48];
        if (p->init == SB_COPY && copy) {
            snprintf(name, sizeof name, "%.*s%s", (int)(plus - p->name), p->name, plus + 5);
            sb_param_read(host, sb_model_param(m, name));
        } else {
            SbParam like = *p;
            if (p->init == SB_COPY) like.init = p->rank == 2 ? SB_LINEAR : SB_ZERO;
            uint64_t key = 1469598103934665603ull ^ seed;  // by name: a new tensor moves no other (FNV-1a)
            for (const char *s = p->name; *s; s++) key = (key ^ (unsigned char)*s) * 1099511628211ull;
            for (long i = 0; i < n; i++) host[i] = (param_t)sb_start(&m->config, &like, key, i);
        }
        sb_put((void *)(size_t)p->w.p, host, (size_t)n * sizeof *host);
        free(host);
    }
}

// ---- activations
static void *sb_acts_alloc(SbActs *a, size_t bytes) {
    if (a->planned) return a->bytes += bytes, (void *)NULL;
    a->block = (void **)realloc(a->block, (size_t)(a->blocks + 1) * sizeof *a->block);
    if (!a->block) SB_FAIL("out of memory: the list of activations");
    a->bytes += bytes;
    return a->block[a->blocks++] = sb_alloc(bytes);
}
// Activations of all layers, for so many rows: what each saves, the rest once (all, if no gradient enters).
static SbBlockActs *sb_block_acts(SbActs *a, const SbShape *c, long rows) {
    SbBlockActs *s = (SbBlockActs *)calloc((size_t)c->layers + 1, sizeof *s);
    SB_BLOCK_WIDTHS(c);
    if (!s) SB_FAIL("out of memory: the activations' tables");
    for (int l = 0; l < c->layers; l++) {
#define X(type, name, row, saved) \
        s[l].name = l == 0 || ((saved) > c->recompute && c->flow) || a->keep \
            ? (type *)sb_acts_alloc(a, (size_t)rows * (size_t)(row) * sizeof(type)) : s[0].name;
        SB_BLOCK_ACTS(X)
#undef X
#define X(type, name, elements) \
    s[l].name =                 \
        l == 0 || !c->recompute ? (type *)sb_acts_alloc(a, (size_t)(elements) * sizeof(type)) : s[0].name;
        SB_BLOCK_FOLDS(X)
#undef X
    }
    return s;
}
static void sb_acts_free(SbActs *a) {
    for (int i = 0; i < a->blocks; i++) sb_free(a->block[i]);
    free(a->block);
#define X(tower, ...) free(a->tower);
    SB_TOWERS(X)
#undef X
    int keep = a->keep, planned = a->planned;
    memset(a, 0, sizeof *a);
    a->keep = keep, a->planned = planned, a->room.enc = a->room.llm = -1;
}
// An eighth more, so that batches of slightly different lengths do not move memory.
static SbSizes sb_sizes_more(SbSizes n) {
#define X(name) n.name += n.name / 8;
    SB_ROWS(X)
#undef X
    return n;
}
static int sb_sizes_fit(SbSizes have, SbSizes need) {
    int fit = 1;
#define X(name) fit &= have.name >= need.name;
    SB_ROWS(X)
#undef X
    return fit;
}
// Make room for a batch of at least these sizes; contents are lost when memory grows.
SB_FN void sb_acts_reserve(SbModel *m, SbSizes need) {
    SbActs *a = &m->acts;
    if (sb_sizes_fit(a->room, need)) return;
    const SbConfig *c = &m->config;
    sb_acts_free(a);
    a->room = sb_sizes_more(need);
    SB_SIZES(a->room);
    SB_WIDTHS(c, m->parts);
#define X(type, name, rows, row) \
    a->name = (type *)sb_acts_alloc(a, (size_t)(rows) * (size_t)(row) * sizeof(type));
    SB_MODEL_ACTS(X)
#undef X
#define X(tower, count, before, rows, ...) a->tower = sb_block_acts(a, &m->tower##_shape, rows);
    SB_TOWERS(X)
#undef X
}
SB_FN void sb_model_free(SbModel *m) {
    sb_acts_free(&m->acts);
    for (int i = 0; i < m->params; i++)
        if (m->param[i]->adopted && !m->acts.planned) sb_unshare(m->param[i]->w.p);
    sb_free(m->weights), sb_free(m->state), sb_free(m->list), sb_free(m->squares);
    free(m->param);
#define X(tower, ...) free(m->tower);
    SB_TOWERS(X)
#undef X
    memset(m, 0, sizeof *m);
}

// -------------------------------------------------------------------------------------------------- >>batch
// One batch as the host fills it: data/batch.h packs samples of images and turns, or scenes of posed views,
// into rows, one after another, and says there who sees whom; by keys, never by a matrix. A camera: pose
// world to camera (4x4, row-major), intrinsics in pixels of w x h.
typedef struct { double pose[16], fx, fy, cx, cy; int w, h; } SbCamera;
typedef struct { SbCamera camera; int scene, context, posed, asked; } SbPosed;
typedef struct {
    SB_BATCH(SB_FIELD)
    SbSizes n, room;            // in use; allocated
    int *image_vis;             // [images + 1] first image token of every image
    int *type;                  // [loss] kind of answer, for statistics
    long sample, prefix, turn;  // first rows: of the sample at hand, behind its prefix, of the turn
    int position;               // rotary position of the next row
    stat_t *angle;              // [angles][D] cos | sin of positions 0..
    int angles;
    SbPosed *view;               // [images] of scenes
    int views;
} SbBatch;

static void *sb_regrow(void *p, size_t bytes) {
    void *q = realloc(p, bytes ? bytes : 1);
    if (!q) SB_FAIL("out of memory: a batch of %zu bytes", bytes);
    return q;
}
// Rows as image tokens, latent k (-2 - k) behind them all.
static void sb_put_rows(int *device, const int *rows, long n, long vis) {
    int *host = (int *)sb_regrow(NULL, (size_t)n * sizeof *host);
    for (long i = 0; i < n; i++) host[i] = rows[i] < -1 ? (int)(vis - 2 - rows[i]) : rows[i];
    sb_put(device, host, (size_t)n * sizeof *host);
    free(host);
}
// Copy the batch to the backend and make room for what is computed from it.
SB_FN void sb_batch_upload(SbModel *m, const SbBatch *b) {
    const SbConfig *c = &m->config;
    if (b->n.scenes && b->views != b->n.images) SB_FAIL("images behind the last scene of a batch");
    sb_acts_reserve(m, b->n);
    m->n = b->n;
    SB_SIZES(b->n);
#define X(type, name, rows, row) \
    if ((rows) > 0) sb_put(m->acts.name, b->name, (size_t)(rows) * (size_t)(row) * sizeof(type));
    SB_BATCH(X)
#undef X
    if (NS)
        sb_put_rows(m->acts.vis_row, b->vis_row, NL, NV), sb_put_rows(m->acts.fdec_vis, b->fdec_vis, NY, NV);
}

// -------------------------------------------------------------------------------------------------- >>model
// Assembly: contract names only. Steps are numbered; the backward undoes them in reverse.

typedef struct {                // rows [row0, row0 + n) of buffers whose rows [0, nk) hold keys and values
    long row0, n, nk;
    const int *keys;            // [rows][4]
    const stat_t *table;        // [rows][sb_turn_row], or NULL
} SbRows;

// The projections into the columns of qkv = [Q|Q+|K|K+|V|V+].
typedef struct { const SbParam *w, *b; int column; } SbSlice;
static int sb_slices(SbSlice *s, const SbBlock *b, const SbShape *c) {
    int M = c->heads * c->dim, KV = c->kv_heads * c->dim, E = 1 + c->dual, n = 0;
    SbSlice base[3] = {{SB_PAIR_OF(b->q), 0}, {SB_PAIR_OF(b->k), E * M}, {SB_PAIR_OF(b->v), E * (M + KV)}};
    SbSlice plus[3] = {{SB_PAIR_OF(b->plus_q), M},
                       {SB_PAIR_OF(b->plus_k), E * M + KV},
                       {SB_PAIR_OF(b->plus_v), E * (M + KV) + KV}};
    for (int i = 0; i < 3; i++) {
        s[n++] = base[i];
        if (c->dual) s[n++] = plus[i];
    }
    return n;
}
static SbWeight sb_dense(const real *p, int rows, int cols) {
    SbWeight w = {p, SB_NATIVE, rows, cols, cols};
    return w;
}
// The output projection: Wo, or eq. 1's Wc = [diag(alpha) Wo | diag(1-alpha) Wo+].
static SbWeight sb_out_weight(const SbBlock *b, const SbShape *c, const SbBlockActs *s) {
    return c->dual ? sb_dense(s->wc, c->width, 2 * c->heads * c->dim) : b->o_w.w;
}
static SbAttention sb_block_attention(const SbShape *c, const SbBlockActs *s, const SbRows *rows) {
    int E = 1 + c->dual, M = E * c->heads * c->dim, KV = E * c->kv_heads * c->dim, ld = M + 2 * KV;
    int ldq = c->qk_norm ? M + KV : ld;
    const real *q = c->qk_norm ? s->qk : s->qkv;
    SbAttention a = {q + rows->row0 * ldq, q + M, s->qkv + M + KV, ldq, ldq, ld, rows->n, rows->nk,
                     rows->keys + 4 * rows->row0, E * c->heads, E * c->kv_heads, c->dim};
    return a;
}
// q and k of rows [r, r + n): normalised, then q, k and (with cameras) v turned into their row's frame.
static void sb_qkv_forward(const SbBlock *b, const SbShape *c, SbBlockActs *s, const SbRows *rows) {
    int E = 1 + c->dual, H = E * c->heads, HK = E * c->kv_heads, D = c->dim, M = H * D, ld = M + 2 * HK * D;
    long n = rows->n, r = rows->row0, row = sb_turn_row(D, c->turn), ldq = c->qk_norm ? M + HK * D : ld;
    real *qkv = s->qkv + r * ld, *q = c->qk_norm ? s->qk + r * ldq : qkv;
    if (c->qk_norm) {
        int mean = c->qk_norm == SB_LAYERNORM;
        sb_head_norm_forward(q, ldq, s->q_stat + r * 2 * H, qkv, ld, SB_WB(b->qnorm), n, H, c->qk_eps, mean);
        sb_head_norm_forward(q + M, ldq, s->k_stat + r * 2 * HK, qkv + M, ld, SB_WB(b->knorm), n, HK,
                             c->qk_eps, mean);
    }
    if (!c->turn.blocks) return;
    const stat_t *table = rows->table + r * row;
    sb_turn_heads(q, ldq, q, ldq, table, n, c->turn.mixed ? H : H + HK, D, c->turn, SB_TURN_Q);
    if (!c->turn.mixed) return;         // without cameras q and k, side by side, turn alike
    sb_turn_heads(q + M, ldq, q + M, ldq, table, n, HK, D, c->turn, SB_TURN_K);
    sb_turn_heads(qkv + M + HK * D, ld, qkv + M + HK * D, ld, table, n, HK, D, c->turn, SB_TURN_K);
}
// Undone: gradients of what attention saw, in d_qkv or, of q and k with a norm, in d_qk, become those of qkv.
static void sb_qkv_backward(const SbBlock *b, const SbShape *c, SbBlockActs *s, const SbRows *rows) {
    int E = 1 + c->dual, H = E * c->heads, HK = E * c->kv_heads, D = c->dim, M = H * D, ld = M + 2 * HK * D;
    long n = rows->n, ldq = c->qk_norm ? M + HK * D : ld;
    real *q = c->qk_norm ? s->d_qk : s->d_qkv, *v = s->d_qkv + M + HK * D;
    if (c->turn.blocks)
        sb_turn_heads(q, ldq, q, ldq, rows->table, n, c->turn.mixed ? H : H + HK, D, c->turn, SB_BACK_Q);
    if (c->turn.mixed) sb_turn_heads(q + M, ldq, q + M, ldq, rows->table, n, HK, D, c->turn, SB_BACK_K);
    if (c->turn.mixed) sb_turn_heads(v, ld, v, ld, rows->table, n, HK, D, c->turn, SB_BACK_K);
    if (!c->qk_norm) return;
    int mean = c->qk_norm == SB_LAYERNORM;
    sb_head_norm_backward(s->d_qkv, ld, SB_GRADS(b->qnorm), q, ldq, s->qkv, s->q_stat, b->qnorm_w.w, n, H,
                          mean);
    sb_head_norm_backward(s->d_qkv + M, ld, SB_GRADS(b->knorm), q + M, ldq, s->qkv + M, s->k_stat,
                          b->knorm_w.w, n, HK, mean);
}
// Attention's output as the projection reads it: with cameras back in the world's frame.
static const real *sb_turned(const SbShape *c, SbBlockActs *s, const SbRows *rows) {
    int H = (1 + c->dual) * c->heads, M = H * c->dim;
    long r = rows->row0;
    if (!c->turn.mixed) return s->att + r * M;
    sb_turn_heads(s->turned + r * M, M, s->att + r * M, M, rows->table + r * sb_turn_row(c->dim, c->turn),
                  rows->n, H, c->dim, c->turn, SB_BACK_Q);
    return s->turned + r * M;
}

// (x, y): the residual stream and the branch to be added to it (y NULL: none); x may be s->r1 itself, which
// is there already. Result in s->r2, s->y2.
SB_FN void sb_block_forward(const SbBlock *b, const SbShape *c, SbBlockActs *s, const real *x, const real *y,
                            const SbRows *rows) {
    int C = c->width, F = c->hidden, E = 1 + c->dual, M = E * c->heads * c->dim;
    long n = rows->n, r = rows->row0, ld = M + 2 * E * c->kv_heads * c->dim;
    real *n1 = s->n1 + r * C, *qkv = s->qkv + r * ld, *att = s->att + r * M, *n2 = s->n2 + r * C;
    real *h = s->h + r * (1 + c->gated) * F, *g = s->g + r * F;
    SbSlice slice[6];
    // 1. r1 = x + y, n1 = norm(r1)
    sb_add_norm_forward(x == s->r1 ? NULL : s->r1 + r * C, n1, s->stat1 + r * 2, x + r * C,
                        y ? y + r * C : NULL, SB_WB(b->norm1), n, c->eps, c->layernorm);
    // 2. q, k, v of both channels; norm and rotation of q and k
    for (int i = 0, slices = sb_slices(slice, b, c); i < slices; i++)
        sb_linear_forward(qkv + slice[i].column, ld, n1, C, slice[i].w->w, slice[i].b->w, n);
    sb_qkv_forward(b, c, s, rows);
    // 3. attention of all heads
    SbAttention a = sb_block_attention(c, s, rows);
    sb_attention_forward(att, M, s->lse + r * E * c->heads, &a);
    // 4. y1 = output projection; with two channels the folded one (eq. 1: alpha is in here)
    if (c->dual)
        sb_dual_fold_forward(s->wc, s->bc, SB_WB(b->o), (c->own_o ? b->plus_o_w : b->o_w).w,
                             (c->own_o ? b->plus_o_b : b->o_b).w, b->a.w);
    sb_linear_forward((c->scaled ? s->u1 : s->y1) + r * C, C, sb_turned(c, s, rows), M,
                      sb_out_weight(b, c, s), c->dual && b->o_b.w.p ? sb_dense(s->bc, C, 1) : b->o_b.w, n);
    if (c->scaled) sb_scale_forward(s->y1 + r * C, s->u1 + r * C, b->scale1.w, n);
    // 5. r2 = r1 + y1, n2 = norm(r2)
    sb_add_norm_forward(s->r2 + r * C, n2, s->stat2 + r * 2, s->r1 + r * C, s->y1 + r * C, SB_WB(b->norm2), n,
                        c->eps, c->layernorm);
    // 6. y2 = mlp(n2)
    if (c->gated) {
        sb_linear_forward(h, 2 * F, n2, C, SB_WB(b->gate), n);
        sb_linear_forward(h + F, 2 * F, n2, C, SB_WB(b->up), n);
        sb_swiglu_forward(g, h, n, F);
    } else {
        sb_linear_act_forward(g, h, n2, C, SB_WB(b->up), n, c->act);
    }
    sb_linear_forward((c->scaled ? s->u2 : s->y2) + r * C, C, g, F, SB_WB(b->down), n);
    if (c->scaled) sb_scale_forward(s->y2 + r * C, s->u2 + r * C, b->scale2.w, n);
}
// 6 and 5 undone: d_r [n][C] is the gradient of r2 and of y2, and becomes that of r1 and y1.
static void sb_mlp_backward(const SbBlock *b, const SbShape *c, SbBlockActs *s, real *d_r, long n) {
    int C = c->width, F = c->hidden, ldh = (1 + c->gated) * F, up = c->gated ? F : 0;
    const real *d_y = c->scaled ? s->d_u : d_r;
    if (c->scaled) sb_scale_backward(s->d_u, b->scale2.grad, d_r, s->u2, b->scale2.w, n);
    if (b->down_w.grad) {                                   // g was scratch: compute it again
        if (c->gated) sb_swiglu_forward(s->g, s->h, n, F);
        else sb_act_forward(s->g, s->h, n * F, c->act);
        sb_linear_backward_weight(SB_GRADS(b->down), d_y, C, s->g, F, n, C, F);
    }
    sb_linear_backward_input(s->d_g, F, d_y, C, b->down_w.w, n);
    if (c->gated) sb_swiglu_backward(s->d_h, s->d_g, s->h, n, F);
    else sb_act_backward(s->d_h, s->d_g, s->h, n * F, c->act);
    if (b->up_w.grad) {
        sb_linear_backward_weight(SB_GRADS(b->up), s->d_h + up, ldh, s->n2, C, n, F, C);
        if (c->gated) sb_linear_backward_weight(SB_GRADS(b->gate), s->d_h, ldh, s->n2, C, n, F, C);
    }
    sb_linear_backward_input(s->d_n2, C, s->d_h + up, ldh, b->up_w.w, n);
    if (c->gated) sb_linear_backward_input_add(s->d_n2, C, s->d_h, ldh, b->gate_w.w, n);
    sb_norm_backward_add(d_r, SB_GRADS(b->norm2), s->d_n2, s->r2, s->stat2, b->norm2_w.w, n, c->layernorm);
}
// 4 undone: gradients of Wo, Wo+, a (folded) or of Wo alone, and d_att.
static void sb_out_backward(const SbBlock *b, const SbShape *c, SbBlockActs *s, const real *d_r,
                            const SbRows *rows) {
    int C = c->width, M = (1 + c->dual) * c->heads * c->dim;
    long n = rows->n;
    const real *d_y = c->scaled ? s->d_u : d_r;
    const SbParam *plus = c->own_o ? &b->plus_o_w : &b->o_w, *plus_b = c->own_o ? &b->plus_o_b : &b->o_b;
    if (c->scaled) sb_scale_backward(s->d_u, b->scale1.grad, d_r, s->u1, b->scale1.w, n);
    if (!c->dual) {
        if (b->o_w.grad) sb_linear_backward_weight(SB_GRADS(b->o), d_y, C, sb_turned(c, s, rows), M, n, C, M);
    } else if (b->o_w.grad || plus->grad || b->a.grad) {
        sb_zero(s->d_wc, (size_t)C * M * sizeof(param_t));
        sb_zero(s->d_bc, (size_t)C * sizeof(param_t));
        sb_linear_backward_weight(s->d_wc, s->d_bc, d_y, C, s->att, M, n, C, M);
        sb_dual_fold_backward(SB_GRADS(b->o), plus->grad, plus_b->grad, b->a.grad, s->d_wc, s->d_bc,
                              SB_WB(b->o), plus->w, plus_b->w, b->a.w);
    }
    sb_linear_backward_input(s->d_att, M, d_y, C, sb_out_weight(b, c, s), n);
    if (c->turn.mixed)
        sb_turn_heads(s->d_att, M, s->d_att, M, rows->table, n, (1 + c->dual) * c->heads, c->dim, c->turn,
                      SB_TURN_Q);
}
// d_r [n][C]: gradient of (r2, y2), becomes that of (x, y) (input = 0: undefined). All rows: row0 = 0.
SB_FN void sb_block_backward(const SbBlock *b, const SbShape *c, SbBlockActs *s, real *d_r,
                             const SbRows *rows, int input) {
    int C = c->width, E = 1 + c->dual, M = E * c->heads * c->dim, KV = E * c->kv_heads * c->dim;
    long n = rows->n, ld = M + 2 * KV;
    SbSlice slice[6];
    int slices = sb_slices(slice, b, c);
    sb_mlp_backward(b, c, s, d_r, n);                                               // 6, 5
    sb_out_backward(b, c, s, d_r, rows);                                            // 4
    SbAttention a = sb_block_attention(c, s, rows);                                 // 3
    real *d_q = c->qk_norm ? s->d_qk : s->d_qkv;
    sb_attention_backward(d_q, d_q + M, s->d_qkv + M + KV, s->d_att, s->att, M, s->lse, &a);
    sb_qkv_backward(b, c, s, rows);                                                 // 2
    for (int i = 0; i < slices; i++) {
        const SbParam *w = slice[i].w, *bias = slice[i].b;
        const real *d = s->d_qkv + slice[i].column;
        if (w->grad) sb_linear_backward_weight(w->grad, bias->grad, d, ld, s->n1, C, n, w->w.rows, C);
        if (!input && !b->norm1_w.grad) continue;
        if (i) sb_linear_backward_input_add(s->d_n1, C, d, ld, w->w, n);
        else sb_linear_backward_input(s->d_n1, C, d, ld, w->w, n);
    }
    if (input || b->norm1_w.grad) // 1
        sb_norm_backward_add(d_r, SB_GRADS(b->norm1), s->d_n1, s->r1, s->stat1, b->norm1_w.w, n,
                             c->layernorm);
}

// All blocks of a tower on rows whose stream begins as x; the result is the last one's pair (r2, y2).
static void sb_tower_forward(const SbBlock *b, const SbShape *c, SbBlockActs *s, const real *x,
                             const SbRows *rows) {
    for (int l = 0; l < c->layers; l++)
        sb_block_forward(b + l, c, s + l, l ? s[l - 1].r2 : x, l ? s[l - 1].y2 : NULL, rows);
}
// d_r: gradient of the result, becomes that of x (input = 0: undefined).
static void sb_tower_backward(const SbBlock *b, const SbShape *c, SbBlockActs *s, real *d_r,
                              const SbRows *rows, int input) {
    for (int l = c->layers - 1; l >= c->lowest; l--) {
        if (c->recompute && l < c->layers - 1) sb_block_forward(b + l, c, s + l, s[l].r1, NULL, rows);
        sb_block_backward(b + l, c, s + l, d_r, rows, l > c->lowest || input);
    }
}

// A tower and the norm behind it: out = norm(r), r the sum of the last pair; and back from d_out: d_r is
// scratch and becomes the gradient of x.
static void sb_normed_forward(const SbBlock *b, const SbShape *c, SbBlockActs *s, const real *x,
                              const SbRows *rows, const SbParam *w, const SbParam *bias, real *r, real *out,
                              stat_t *stat) {
    long at = rows->row0 * c->width;
    sb_tower_forward(b, c, s, x, rows);
    sb_add_norm_forward(r + at, out + at, stat + 2 * rows->row0, s[c->layers - 1].r2 + at,
                        s[c->layers - 1].y2 + at, w->w, bias->w, rows->n, c->eps, 1);
}
static void sb_normed_backward(const SbBlock *b, const SbShape *c, SbBlockActs *s, real *d_r,
                               const SbRows *rows, int input, const SbParam *w, const SbParam *bias,
                               const real *d_out, const real *r, const stat_t *stat) {
    sb_zero(d_r, (size_t)(rows->n * c->width) * sizeof(real));
    sb_norm_backward_add(d_r, w->grad, bias->grad, d_out, r, stat, w->w, rows->n, 1);
    sb_tower_backward(b, c, s, d_r, rows, input);
}

// y = x w^T + b, and back (d_x NULL: not wanted; add: onto what is there).
static void sb_map_forward(real *y, const real *x, const SbParam *w, const SbParam *b, long n) {
    sb_linear_forward(y, w->w.rows, x, w->w.cols, w->w, b->w, n);
}
static void sb_map_backward(const SbParam *w, const SbParam *b, real *d_x, const real *d_y, const real *x,
                            long n, int add) {
    int K = w->w.rows, C = w->w.cols;
    sb_linear_backward_weight(w->grad, b->grad, d_y, K, x, C, n, K, C);
    if (d_x && add) sb_linear_backward_input_add(d_x, C, d_y, K, w->w, n);
    else if (d_x) sb_linear_backward_input(d_x, C, d_y, K, w->w, n);
}
// Two layers, y = w2 act(w1 x + b1) + b2, on n rows of x; SB_MLP(m, parameters', activations' prefix): gelu.
typedef struct {
    const SbParam *w1, *b1, *w2, *b2;
    real *h, *g, *y, *d_h, *d_g, *d_y;
    int act;
} SbMlp;
#define SB_MLP(m, p, a)                                                                                   \
    {&(m)->p##w1, &(m)->p##b1, &(m)->p##w2, &(m)->p##b2, (m)->acts.a##h, (m)->acts.a##g, (m)->acts.a##y,  \
     (m)->acts.d_##a##h, (m)->acts.d_##a##g, (m)->acts.d_##a##y, SB_GELU}
static void sb_mlp_forward(const SbMlp *f, const real *x, long n) {
    sb_linear_act_forward(f->g, f->h, x, f->w1->w.cols, f->w1->w, f->b1->w, n, f->act);
    sb_map_forward(f->y, f->g, f->w2, f->b2, n);
}
// d_y to gradients of the weights and, unless NULL, d_x (add: onto what is there).
static void sb_mlp_head_backward(const SbMlp *f, real *d_x, const real *x, long n, int add) {
    sb_map_backward(f->w2, f->b2, f->d_g, f->d_y, f->g, n, 0);
    sb_act_backward(f->d_h, f->d_g, f->h, n * f->w1->w.rows, f->act);
    sb_map_backward(f->w1, f->b1, d_x, f->d_h, x, n, add);
}

// Pixels to acts.feature [enc rows][C], final norm applied (enc_final); rows: acts.cls_row, patch_row.
SB_FN void sb_encoder_forward(SbModel *m) {
    SbActs *s = &m->acts;
    SbShape *c = &m->enc_shape;
    long n = m->n.enc;
    SbRows rows = {0, n, n, s->enc_keys, s->enc_table};
    const real *x = m->config.enc_pre ? s->pre_x : s->x0;
    sb_patch_embed_forward(s->x0, s->col, s->pixels, s->patch, SB_WB(m->enc_patch), m->enc_cls.w,
                           m->enc_registers.w, m->enc_pos.w, n, m->config.patch);
    if (m->config.enc_pre)
        sb_add_norm_forward(NULL, s->pre_x, s->pre_stat, s->x0, NULL, SB_WB(m->enc_pre), n, c->eps, 1);
    if (m->config.enc_final)
        sb_normed_forward(m->enc, c, s->enc, x, &rows, SB_PAIR_OF(m->enc_norm), s->enc_r, s->feature,
                          s->enc_stat);
    if (m->config.enc_final) return;
    SbWeight one = {NULL, SB_NATIVE, c->width, 1, 1};
    sb_tower_forward(m->enc, c, s->enc, x, &rows);
    sb_add_norm_forward(s->feature, s->enc_r, s->enc_stat, s->enc[c->layers - 1].r2, s->enc[c->layers - 1].y2,
                        one, sb_absent, n, c->eps, 1); // for its sum only
}
// acts.d_feature to gradients of what trains.
SB_FN void sb_encoder_backward(SbModel *m) {
    SbActs *s = &m->acts;
    SbShape *c = &m->enc_shape;
    long n = m->n.enc;
    int base = m->trained & SB_BASE;
    SbRows rows = {0, n, n, s->enc_keys, s->enc_table};
    real *d_r = m->config.enc_final ? s->d_enc : s->d_feature;
    if (m->config.enc_final)
        sb_normed_backward(m->enc, c, s->enc, d_r, &rows, base, SB_PAIR_OF(m->enc_norm), s->d_feature,
                           s->enc_r, s->enc_stat);
    else sb_tower_backward(m->enc, c, s->enc, d_r, &rows, base);
    if (!base) return;
    if (m->config.enc_pre) {
        sb_zero(s->d_pre, (size_t)(n * c->width) * sizeof(real));
        sb_norm_backward_add(s->d_pre, SB_GRADS(m->enc_pre), d_r, s->x0, s->pre_stat, m->enc_pre_w.w, n, 1);
        d_r = s->d_pre;
    }
    sb_patch_embed_backward(SB_GRADS(m->enc_patch), m->enc_cls.grad, m->enc_registers.grad, m->enc_pos.grad,
                            d_r, s->col, s->patch, n, c->width, m->enc_patch_w.w.cols,
                            m->enc_registers.w.rows, m->enc_pos.w.rows);
}
// SigLIP's pooling: acts.pooled [images][C] = y + mlp(norm(y)), y = the probe's attention to an image.
SB_FN void sb_pool_forward(SbModel *m) {
    SbActs *s = &m->acts;
    int C = m->config.enc_width, dim = SB_HEAD_DIM(&m->config, enc), H = C / dim;
    long n = m->n.images, rows = m->n.enc;
    SbWeight nothing = {s->feature, SB_NATIVE, C, 0, 0}, one = {NULL, SB_NATIVE, C, 1, 1};
    SbMlp mlp = SB_MLP(m, pool_, pool_);
    mlp.act = m->config.enc_act;
    if (!m->config.enc_pool) SB_FAIL("this encoder has no pooling head");
    sb_linear_forward(s->pool_x, C, s->feature, 0, nothing, m->pool_probe.w, n);     // no input, a bias
    sb_map_forward(s->pool_q, s->pool_x, SB_PAIR_OF(m->pool_q), n);
    sb_linear_forward(s->pool_kv, 2 * C, s->feature, C, SB_WB(m->pool_k), rows);
    sb_linear_forward(s->pool_kv + C, 2 * C, s->feature, C, SB_WB(m->pool_v), rows);
    SbAttention a = {s->pool_q, s->pool_kv, s->pool_kv + C, C, 2 * C, 2 * C,
                     n,         rows,       s->pool_keys,   H, H,     dim};
    sb_attention_forward(s->pool_att, C, s->pool_lse, &a);
    sb_map_forward(s->pool_o, s->pool_att, SB_PAIR_OF(m->pool_o), n);
    sb_add_norm_forward(NULL, s->pool_n, s->pool_stat, s->pool_o, NULL, SB_WB(m->pool_norm), n,
                        m->config.enc_eps, 1);
    sb_mlp_forward(&mlp, s->pool_n, n);
    sb_add_norm_forward(s->pooled, s->pool_x, s->pool_stat, s->pool_o, s->pool_y, one, sb_absent, n, 1, 1);
}

// Patch tokens of all images, and their gradient back to acts.d_feature.
static void sb_patches_forward(SbModel *m) {
    int C = m->config.enc_width;
    sb_gather_rows(m->acts.patch_feature, C, m->acts.feature, NULL, m->acts.patch_row, m->n.vis, C);
}
static void sb_patches_backward(SbModel *m) {
    int C = m->config.enc_width;
    sb_zero(m->acts.d_feature, (size_t)(m->n.enc * C) * sizeof(real));
    sb_scatter_rows_add(m->acts.d_feature, m->acts.d_patch_feature, C, m->acts.patch_row, m->n.vis, C);
}
// LLaVA-1.5's projector on patch tokens: vis = w2 gelu(w1 f + b1) + b2.
static SbMlp sb_projector(SbModel *m) {
    SbMlp f = {&m->proj_w1,    &m->proj_b1, &m->proj_w2,      &m->proj_b2,      m->acts.proj_h,
               m->acts.proj_g, m->acts.vis, m->acts.d_proj_h, m->acts.d_proj_g, m->acts.d_vis, SB_GELU};
    return f;
}
SB_FN void sb_projector_forward(SbModel *m) {
    SbMlp f = sb_projector(m);
    sb_patches_forward(m);
    sb_mlp_forward(&f, m->acts.patch_feature, m->n.vis);
}
// acts.d_vis to gradients of the projector and acts.d_feature (if features train).
SB_FN void sb_projector_backward(SbModel *m) {
    SbMlp f = sb_projector(m);
    int on = (m->trained & SB_FEATURES) != 0;
    sb_mlp_head_backward(&f, on ? m->acts.d_patch_feature : NULL, m->acts.patch_feature, m->n.vis, 0);
    if (on) sb_patches_backward(m);
}

// ---- the second paper: aggregator, Spa3R, adapter

// acts.patch_feature of posed or unposed views to acts.geo_feature [image tokens][2C], frame and global
// blocks' last outputs side by side (the geometric target), and the features of the context patches.
SB_FN void sb_aggregator_forward(SbModel *m) {
    SbActs *s = &m->acts;
    int C = m->config.enc_width, L = m->config.agg_layers;
    long n = m->n.agg;
    SbRows frame = {0, n, n, s->frame_keys, s->agg_table}, global = {0, n, n, s->global_keys, s->agg_table};
    const SbBlockActs *f = s->frame, *g = s->global;
    sb_embed_forward(s->agg_x, m->agg_tokens.w, s->agg_token, s->patch_feature, s->agg_vis, n);
    for (int l = 0; l < L; l++) {
        f = s->frame + l;
        sb_block_forward(m->frame + l, &m->frame_shape, s->frame + l, l ? g->r2 : s->agg_x, l ? g->y2 : NULL,
                         &frame);
        g = s->global + l;
        sb_block_forward(m->global + l, &m->global_shape, s->global + l, f->r2, f->y2, &global);
    }
    for (int half = 0; half < 2; half++) {
        const SbBlockActs *from = half ? g : f;
        sb_gather_rows(s->geo_feature + half * C, 2 * C, from->r2, from->y2, s->geo_row, m->n.vis, C);
        if (m->parts & SB_SPA3R)
            sb_gather_rows(s->context_feature + half * C, 2 * C, from->r2, from->y2, s->context_row,
                           m->n.context, C);
        if (m->config.camera_layers)
            sb_gather_rows(s->cam_feature + half * C, 2 * C, from->r2, from->y2, s->cam_row, m->n.images, C);
    }
}
// Gradients of half (0: frame, 1: global) of the features onto acts.d_agg.
static void sb_features_backward(SbModel *m, int half) {
    SbActs *s = &m->acts;
    int C = m->config.enc_width;
    sb_scatter_rows_add(s->d_agg, s->d_geo_feature + half * C, 2 * C, s->geo_row, m->n.vis, C);
    if (m->config.camera_layers)
        sb_scatter_rows_add(s->d_agg, s->d_cam_feature + half * C, 2 * C, s->cam_row, m->n.images, C);
}
// acts.d_geo_feature and d_cam_feature to gradients of the aggregator and acts.d_patch_feature.
SB_FN void sb_aggregator_backward(SbModel *m) {
    SbActs *s = &m->acts;
    int C = m->config.enc_width, L = m->config.agg_layers;
    long n = m->n.agg;
    SbRows frame = {0, n, n, s->frame_keys, s->agg_table}, global = {0, n, n, s->global_keys, s->agg_table};
    sb_zero(s->d_agg, (size_t)(n * C) * sizeof(real));
    for (int l = L - 1; l >= 0; l--) {
        if (l == L - 1) sb_features_backward(m, 1);
        sb_block_backward(m->global + l, &m->global_shape, s->global + l, s->d_agg, &global, 1);
        if (l == L - 1) sb_features_backward(m, 0);
        sb_block_backward(m->frame + l, &m->frame_shape, s->frame + l, s->d_agg, &frame, 1);
    }
    sb_embed_backward(m->agg_tokens.grad, s->d_patch_feature, s->d_agg, s->agg_token, s->agg_vis, n, m->n.vis,
                      m->agg_tokens.w.rows, C);
}
// Depth and point of the patches in acts.geometry_row, from their features behind a norm.
static void sb_geometry_forward(SbModel *m) {
    SbActs *s = &m->acts;
    int K = 2 * m->config.enc_width;
    SbMlp head = SB_MLP(m, agg_geo_, geometry_);
    sb_gather_rows(s->geometry_x, K, s->geo_feature, NULL, s->geometry_row, m->n.geometry, K);
    sb_add_norm_forward(NULL, s->geo_n, s->geo_stat, s->geometry_x, NULL, SB_WB(m->agg_norm), m->n.geometry,
                        1e-5, 1);
    sb_mlp_forward(&head, s->geo_n, m->n.geometry);
}
static void sb_geometry_backward(SbModel *m) {              // d_geo_feature =
    SbActs *s = &m->acts;
    int K = 2 * m->config.enc_width;
    long n = m->n.geometry;
    SbMlp head = SB_MLP(m, agg_geo_, geometry_);
    sb_mlp_head_backward(&head, s->d_geo_n, s->geo_n, n, 0);
    sb_zero(s->d_geometry_x, (size_t)(n * K) * sizeof(real));
    sb_norm_backward_add(s->d_geometry_x, SB_GRADS(m->agg_norm), s->d_geo_n, s->geometry_x, s->geo_stat,
                         m->agg_norm_w.w, n, 1);
    sb_zero(s->d_geo_feature, (size_t)(m->n.vis * K) * sizeof(real));
    sb_scatter_rows_add(s->d_geo_feature, s->d_geometry_x, K, s->geometry_row, n, K);
}
// VGGT's camera head: `rounds` times pose += mlp(norm(trunk(t + gate (LN(t) (1 + scale) + shift)))), t the
// camera token behind a norm, (shift, scale, gate) from the pose so far, of which no gradient comes back. All
// rounds are rows of one buffer: acts.cam_in holds the empty pose, then the pose after every round.
static void sb_camera_forward(SbModel *m) {
    SbActs *s = &m->acts;
    const SbShape *c = &m->camera_shape;
    int K = c->width, R = m->config.camera_rounds;
    long n = m->n.images, all = n * R;
    SbWeight one = {NULL, SB_NATIVE, K, 1, 1}, nothing = {s->cam_x, SB_NATIVE, SB_POSE, 0, 0};
    SbMlp head = SB_MLP(m, cam_, cam_);
    sb_add_norm_forward(NULL, s->cam_token, s->cam_token_stat, s->cam_feature, NULL, SB_WB(m->cam_token_norm),
                        n, 1e-5, 1);
    sb_gather_rows(s->cam_t, K, s->cam_token, NULL, s->cam_view, all, K);
    sb_add_norm_forward(NULL, s->cam_x, s->cam_x_stat, s->cam_t, NULL, one, sb_absent, all, 1e-6, 1);
    sb_linear_forward(s->cam_in, SB_POSE, s->cam_x, 0, nothing, m->cam_empty.w, n);  // no input, a bias
    for (int k = 0; k < R; k++) {
        long r = k * n;
        SbRows rows = {r, n, r + n, s->cam_keys, NULL};
        sb_map_forward(s->cam_m + r * K, s->cam_in + r * SB_POSE, SB_PAIR_OF(m->cam_pose), n);
        sb_act_forward(s->cam_silu + r * K, s->cam_m + r * K, n * K, SB_SILU);
        sb_map_forward(s->cam_mod + r * 3 * K, s->cam_silu + r * K, SB_PAIR_OF(m->cam_mod), n);
        sb_modulate_forward(s->cam_u + r * K, s->cam_t + r * K, s->cam_x + r * K, s->cam_mod + r * 3 * K, n,
                            K);
        sb_normed_forward(m->camera, c, s->camera, s->cam_u, &rows, SB_PAIR_OF(m->cam_norm), s->cam_r,
                          s->cam_n, s->cam_stat);
        SbMlp part = head;
        part.h += r * K / 2, part.g += r * K / 2, part.y += r * SB_POSE;
        sb_mlp_forward(&part, s->cam_n + r * K, n);
        sb_gather_rows(s->cam_in + (r + n) * SB_POSE, SB_POSE, part.y, k ? s->cam_in + r * SB_POSE : NULL,
                       s->cam_view, n, SB_POSE);
    }
}
// acts.d_cam_y to gradients and acts.d_cam_feature.
static void sb_camera_backward(SbModel *m) {
    SbActs *s = &m->acts;
    const SbShape *c = &m->camera_shape;
    int K = c->width;
    long n = m->n.images, all = n * m->config.camera_rounds;
    SbRows rows = {0, all, all, s->cam_keys, NULL};
    SbWeight one = {NULL, SB_NATIVE, K, 1, 1};
    SbMlp head = SB_MLP(m, cam_, cam_);
    sb_mlp_head_backward(&head, s->d_cam_n, s->cam_n, all, 0);
    sb_normed_backward(m->camera, c, s->camera, s->d_cam_u, &rows, 1, SB_PAIR_OF(m->cam_norm), s->d_cam_n,
                       s->cam_r, s->cam_stat);
    sb_modulate_backward(s->d_cam_x, s->d_cam_mod, s->d_cam_u, s->cam_x, s->cam_mod, all, K);
    sb_map_backward(SB_PAIR_OF(m->cam_mod), s->d_cam_silu, s->d_cam_mod, s->cam_silu, all, 0);
    sb_act_backward(s->d_cam_m, s->d_cam_silu, s->cam_m, all * K, SB_SILU);
    sb_map_backward(SB_PAIR_OF(m->cam_pose), s->d_cam_in, s->d_cam_m, s->cam_in, all, 0);
    sb_linear_backward_weight(NULL, m->cam_empty.grad, s->d_cam_in, SB_POSE, s->cam_x, 0, n, SB_POSE, 0);
    sb_norm_backward_add(s->d_cam_u, NULL, NULL, s->d_cam_x, s->cam_t, s->cam_x_stat, one, all, 1);  // of t
    sb_embed_backward(NULL, s->d_cam_token, s->d_cam_u, NULL, s->cam_view, all, n, 1, K);
    sb_zero(s->d_cam_feature, (size_t)(n * K) * sizeof(real));
    sb_norm_backward_add(s->d_cam_feature, SB_GRADS(m->cam_token_norm), s->d_cam_token, s->cam_feature,
                         s->cam_token_stat, m->cam_token_norm_w.w, n, 1);
}

// Spa3R's encoder: context features to acts.latent [latents of all scenes][W].
SB_FN void sb_latents_forward(SbModel *m) {
    SbActs *s = &m->acts;
    const SbShape *c = &m->fenc_shape;
    long n = m->n.fenc;
    SbRows rows = {0, n, n, s->fenc_keys, s->fenc_table};
    sb_map_forward(s->context_x, s->context_feature, SB_PAIR_OF(m->field_proj), m->n.context);
    sb_embed_forward(s->fenc_x, m->field_tokens.w, s->fenc_token, s->context_x, s->fenc_vis, n);
    sb_normed_forward(m->fenc, c, s->fenc, s->fenc_x, &rows, SB_PAIR_OF(m->field_enc_norm), s->fenc_r,
                      s->fenc_n, s->fenc_stat);
    sb_gather_rows(s->latent, c->width, s->fenc_n, NULL, s->latent_row, m->n.scenes * m->config.latents,
                   c->width);
}
// Gradients of the latents, in acts.d_asked behind the rays', to those of what trains.
SB_FN void sb_latents_backward(SbModel *m) {
    SbActs *s = &m->acts;
    const SbShape *c = &m->fenc_shape;
    long n = m->n.fenc;
    SbRows rows = {0, n, n, s->fenc_keys, s->fenc_table};
    sb_zero(s->d_fenc_n, (size_t)(n * c->width) * sizeof(real));
    sb_scatter_rows_add(s->d_fenc_n, s->d_asked + m->n.vis * c->width, c->width, s->latent_row,
                        m->n.scenes * m->config.latents, c->width);
    sb_normed_backward(m->fenc, c, s->fenc, s->d_fenc, &rows, 1, SB_PAIR_OF(m->field_enc_norm), s->d_fenc_n,
                       s->fenc_r, s->fenc_stat);
    sb_embed_backward(m->field_tokens.grad, s->d_context_x, s->d_fenc, s->fenc_token, s->fenc_vis, n,
                      m->n.context, m->field_tokens.w.rows, c->width);
    sb_map_backward(SB_PAIR_OF(m->field_proj), NULL, s->d_context_x, s->context_feature, m->n.context, 0);
}
// Its decoder: acts.latent and the rays of every view to acts.decoded [image tokens][W] and, from there,
// acts.fgeo_y [..][2C], fsem_y [..][C]; probe_y [geometry rows]: depth.
SB_FN void sb_decoder_forward(SbModel *m) {
    SbActs *s = &m->acts;
    const SbConfig *f = &m->config;
    const SbShape *c = &m->fdec_shape;
    int W = c->width;
    long n = m->n.fdec, vis = m->n.vis, latents = m->n.scenes * f->latents;
    SbRows rows = {0, n, n, s->fdec_keys, s->fdec_table};
    SbMlp geo = SB_MLP(m, field_geo_, fgeo_), sem = SB_MLP(m, field_sem_, fsem_);
    SbMlp probe = SB_MLP(m, field_probe_, probe_);
    sb_map_forward(s->asked, s->ray, SB_PAIR_OF(m->field_ray), vis);
    sb_gather_rows(s->asked + vis * W, W, s->fenc_n, NULL, s->latent_row, latents, W);
    sb_embed_forward(s->fdec_x, m->field_registers.w, s->fdec_token, s->asked, s->fdec_vis, n);
    sb_normed_forward(m->fdec, c, s->fdec, s->fdec_x, &rows, SB_PAIR_OF(m->field_dec_norm), s->fdec_r,
                      s->fdec_n, s->fdec_stat);
    sb_gather_rows(s->decoded, W, s->fdec_n, NULL, s->ray_row, vis, W);
    if (f->targets & 1) sb_mlp_forward(&geo, s->decoded, vis);
    if (f->targets & 2) sb_mlp_forward(&sem, s->decoded, vis);
    sb_gather_rows(s->probe_x, W, s->decoded, NULL, s->geometry_row, m->n.geometry, W);
    sb_mlp_forward(&probe, s->probe_x, m->n.geometry);
}
// Gradients of the heads' results to gradients of what trains and acts.d_asked. The probe stops.
SB_FN void sb_decoder_backward(SbModel *m) {
    SbActs *s = &m->acts;
    const SbConfig *f = &m->config;
    const SbShape *c = &m->fdec_shape;
    int W = c->width;
    long n = m->n.fdec, vis = m->n.vis;
    SbRows rows = {0, n, n, s->fdec_keys, s->fdec_table};
    SbMlp geo = SB_MLP(m, field_geo_, fgeo_), sem = SB_MLP(m, field_sem_, fsem_);
    SbMlp probe = SB_MLP(m, field_probe_, probe_);
    sb_mlp_head_backward(&probe, NULL, s->probe_x, m->n.geometry, 0);
    if (f->targets & 1) sb_mlp_head_backward(&geo, s->d_decoded, s->decoded, vis, 0);
    if (f->targets & 2) sb_mlp_head_backward(&sem, s->d_decoded, s->decoded, vis, f->targets & 1);
    sb_zero(s->d_fdec_n, (size_t)(n * W) * sizeof(real));
    sb_scatter_rows_add(s->d_fdec_n, s->d_decoded, W, s->ray_row, vis, W);
    sb_normed_backward(m->fdec, c, s->fdec, s->d_fdec, &rows, 1, SB_PAIR_OF(m->field_dec_norm), s->d_fdec_n,
                       s->fdec_r, s->fdec_stat);
    sb_embed_backward(m->field_registers.grad, s->d_asked, s->d_fdec, s->fdec_token, s->fdec_vis, n,
                      vis + m->n.scenes * f->latents, m->field_registers.w.rows, W);
    sb_map_backward(SB_PAIR_OF(m->field_ray), NULL, s->d_asked, s->ray, vis, 0);
}

// Spa3-VLM: image tokens X ask the latents of their scene, G = mlp(latents):  A = LN(Attn(X, G, G)),
// seen = X + mlp(A) sigmoid(gate A); or, appended, G are more rows of acts.vis.
static int sb_adapter_kind(const SbModel *m) {
    return (m->parts & SB_ADAPTER) && m->n.scenes ? m->config.adapter : 0;
}
static SbMlp sb_adapter_latents(SbModel *m) {
    SbMlp f = SB_MLP(m, adapt_latent_, latent_);
    long behind = m->n.vis * m->config.llm_width;
    if (m->config.adapter == 2) f.y = m->acts.vis + behind, f.d_y = m->acts.d_vis + behind;
    return f;
}
static SbAttention sb_adapter_attention(const SbModel *m) {
    const SbActs *s = &m->acts;
    int D = m->config.llm_width, H = m->config.llm_heads;
    SbAttention a = {s->ad_qn, s->ad_kn, s->ad_kv + D, D, D, 2 * D, m->n.vis, m->n.scenes * m->config.latents,
                     s->vis_keys, H, H, D / H};
    return a;
}
SB_FN void sb_adapter_forward(SbModel *m) {
    SbActs *s = &m->acts;
    int D = m->config.llm_width, H = m->config.llm_heads;
    long n = m->n.vis, z = m->n.scenes * m->config.latents;
    SbMlp latents = sb_adapter_latents(m), down = SB_MLP(m, adapt_, ad_);
    sb_mlp_forward(&latents, s->latent, z);
    if (sb_adapter_kind(m) == 2) return;
    sb_map_forward(s->ad_q, s->vis, SB_PAIR_OF(m->adapt_q), n);
    sb_linear_forward(s->ad_kv, 2 * D, latents.y, D, SB_WB(m->adapt_k), z);
    sb_linear_forward(s->ad_kv + D, 2 * D, latents.y, D, SB_WB(m->adapt_v), z);
    sb_head_norm_forward(s->ad_qn, D, s->ad_q_stat, s->ad_q, D, SB_WB(m->adapt_qnorm), n, H, 1e-5, 1);
    sb_head_norm_forward(s->ad_kn, D, s->ad_k_stat, s->ad_kv, 2 * D, SB_WB(m->adapt_knorm), z, H, 1e-5, 1);
    SbAttention a = sb_adapter_attention(m);
    sb_attention_forward(s->ad_att, D, s->ad_lse, &a);
    sb_map_forward(s->ad_o, s->ad_att, SB_PAIR_OF(m->adapt_o), n);
    sb_add_norm_forward(NULL, s->ad_n, s->ad_stat, s->ad_o, NULL, SB_WB(m->adapt_norm), n, 1e-5, 1);
    sb_mlp_forward(&down, s->ad_n, n);
    sb_map_forward(s->ad_gate, s->ad_n, SB_PAIR_OF(m->adapt_gate), n);
    sb_gate_forward(s->seen, s->vis, s->ad_y, s->ad_gate, n * D);
}
// acts.d_vis: gradient of seen, becomes that of vis; latents are frozen.
SB_FN void sb_adapter_backward(SbModel *m) {
    SbActs *s = &m->acts;
    int D = m->config.llm_width, H = m->config.llm_heads;
    long n = m->n.vis, z = m->n.scenes * m->config.latents;
    SbMlp latents = sb_adapter_latents(m), down = SB_MLP(m, adapt_, ad_);
    if (sb_adapter_kind(m) == 1) {
        SbAttention a = sb_adapter_attention(m);
        sb_gate_backward(s->d_ad_y, s->d_ad_gate, s->d_vis, s->ad_y, s->ad_gate, n * D);
        sb_mlp_head_backward(&down, s->d_ad_n, s->ad_n, n, 0);
        sb_map_backward(SB_PAIR_OF(m->adapt_gate), s->d_ad_n, s->d_ad_gate, s->ad_n, n, 1);
        sb_zero(s->d_ad_o, (size_t)(n * D) * sizeof(real));
        sb_norm_backward_add(s->d_ad_o, SB_GRADS(m->adapt_norm), s->d_ad_n, s->ad_o, s->ad_stat,
                             m->adapt_norm_w.w, n, 1);
        sb_map_backward(SB_PAIR_OF(m->adapt_o), s->d_ad_att, s->d_ad_o, s->ad_att, n, 0);
        sb_attention_backward(s->d_ad_qn, s->d_ad_kn, s->d_ad_kv + D, s->d_ad_att, s->ad_att, D, s->ad_lse,
                              &a);
        sb_head_norm_backward(s->d_ad_q, D, SB_GRADS(m->adapt_qnorm), s->d_ad_qn, D, s->ad_q, s->ad_q_stat,
                              m->adapt_qnorm_w.w, n, H, 1);
        sb_head_norm_backward(s->d_ad_kv, 2 * D, SB_GRADS(m->adapt_knorm), s->d_ad_kn, D, s->ad_kv,
                              s->ad_k_stat, m->adapt_knorm_w.w, z, H, 1);
        sb_map_backward(SB_PAIR_OF(m->adapt_q), s->d_vis, s->d_ad_q, s->vis, n, 1);
        sb_linear_backward_weight(SB_GRADS(m->adapt_k), s->d_ad_kv, 2 * D, latents.y, D, z, D, D);
        sb_linear_backward_weight(SB_GRADS(m->adapt_v), s->d_ad_kv + D, 2 * D, latents.y, D, z, D, D);
        sb_linear_backward_input(latents.d_y, D, s->d_ad_kv, 2 * D, m->adapt_k_w.w, z);
        sb_linear_backward_input_add(latents.d_y, D, s->d_ad_kv + D, 2 * D, m->adapt_v_w.w, z);
    }
    sb_mlp_head_backward(&latents, NULL, s->latent, z, 0);
}
// Everything up to what the LLM reads of images.
SB_FN void sb_vision_forward(SbModel *m) {
    sb_encoder_forward(m), sb_projector_forward(m);
    if (!sb_adapter_kind(m)) return;
    if (~m->parts & (SB_AGGREGATOR | SB_SPA3R))
        SB_FAIL("the adapter needs an aggregator and Spa3R in the model");
    sb_aggregator_forward(m), sb_latents_forward(m), sb_adapter_forward(m);
}

// Rows [row0, row0 + n). Keys and values of earlier rows must be in the same buffers already: that is all a
// KV cache is. The result is the pair (r2, y2) of the last block.
SB_FN void sb_llm_forward(SbModel *m, long row0, long n) {
    SbActs *s = &m->acts;
    int D = m->config.llm_width;
    SbRows rows = {row0, n, row0 + n, s->llm_keys, s->rotation};
    sb_embed_forward(s->t0 + row0 * D, m->llm_emb.w, s->token + row0 * SB_BAG,
                     sb_adapter_kind(m) == 1 ? s->seen : s->vis, s->vis_row + row0, n);
    sb_tower_forward(m->llm, &m->llm_shape, s->llm, s->t0, &rows);
}
// What turns features into words: the word table, or a table of its own.
static const SbParam *sb_llm_out(const SbModel *m) { return m->config.llm_tied ? &m->llm_emb : &m->llm_head; }
// Final norm of the rows in acts.loss_row [n], into acts.head_n.
static void sb_llm_head_rows(SbModel *m, long n) {
    SbActs *s = &m->acts;
    SbBlockActs *last = s->llm + m->config.llm_layers - 1;
    int D = m->config.llm_width;
    sb_gather_rows(s->head_x, D, last->r2, NULL, s->loss_row, n, D);
    sb_gather_rows(s->head_y, D, last->y2, NULL, s->loss_row, n, D);
    sb_add_norm_forward(s->head_r, s->head_n, s->head_stat, s->head_x, s->head_y, m->llm_norm_w.w,
                        sb_dense(NULL, 0, 0), n, m->llm_shape.eps, 0);
}
// Rows [at, at + n) of acts.loss belong to the step's loss, with this weight.
static stat_t *sb_loss_rows(SbModel *m, long at, long n, double weight) {
    m->term[m->terms].at = at, m->term[m->terms].n = n, m->term[m->terms++].weight = weight;
    return m->acts.loss + at;
}
// The last step's loss: rows summed in order, in double. The host waits for the backend.
SB_FN double sb_loss(const SbModel *m) {
    double loss = 0;
    stat_t host[1024];
    for (int t = 0; t < m->terms; t++) {
        double sum = 0;
        for (long i = 0, k; i < m->term[t].n; i += k) {
            k = sb_lmin(m->term[t].n - i, 1024);
            sb_get(host, m->acts.loss + m->term[t].at + i, (size_t)k * sizeof(stat_t));
            for (long j = 0; j < k; j++) sum += host[j];
        }
        loss += sum * m->term[t].weight;
    }
    return loss;
}
// Cross-entropy of the rows with loss, their mean or, in a part of a batch, its share of the mean over
// m->answers rows; logits = norm(r) emb^T. backward: acts.d_head_n =, emb.grad +=.
SB_FN void sb_llm_loss(SbModel *m, int backward) {
    SbActs *s = &m->acts;
    long n = m->n.loss;
    if (!n) return;
    double each = 1 / (m->answers > 0 ? m->answers : (double)n);
    sb_llm_head_rows(m, n);
    sb_head_xent(sb_loss_rows(m, 0, n, each), backward ? s->d_head_n : NULL,
                 backward ? sb_llm_out(m)->grad : NULL, s->logits, SB_CHUNK, s->head_n, sb_llm_out(m)->w,
                 s->target, n, each);
}
// acts.d_head_n to gradients of the LLM (if it trains) and acts.d_vis (if images are shown).
SB_FN void sb_llm_backward(SbModel *m) {
    SbActs *s = &m->acts;
    int D = m->config.llm_width, below = (m->trained & ~SB_LLM) != 0 && m->n.vis > 0;
    long n = m->n.llm;
    SbRows rows = {0, n, n, s->llm_keys, s->rotation};
    sb_zero(s->d_head_r, (size_t)(m->n.loss * D) * sizeof(real));
    sb_norm_backward_add(s->d_head_r, m->llm_norm_w.grad, NULL, s->d_head_n, s->head_r, s->head_stat,
                         m->llm_norm_w.w, m->n.loss, 0);
    sb_zero(s->d_llm, (size_t)(n * D) * sizeof(real));
    sb_scatter_rows_add(s->d_llm, s->d_head_r, D, s->loss_row, m->n.loss, D);
    sb_tower_backward(m->llm, &m->llm_shape, s->llm, s->d_llm, &rows, below || m->llm_emb.grad);
    sb_embed_backward(m->llm_emb.grad, below ? s->d_vis : NULL, s->d_llm, s->token, s->vis_row, n,
                      m->n.vis + (sb_adapter_kind(m) == 2) * m->n.scenes * m->config.latents,
                      m->llm_emb.w.rows, D);
}
// Logits of one row, logits [vocab] on the host. acts.loss_row[0] is overwritten.
SB_FN void sb_llm_logits(SbModel *m, long row, real *logits) {
    SbActs *s = &m->acts;
    int index = (int)row;
    sb_put(s->loss_row, &index, sizeof index);
    sb_llm_head_rows(m, 1);
    sb_linear_forward(s->logits, m->config.vocab, s->head_n, m->config.llm_width, sb_llm_out(m)->w,
                      sb_dense(NULL, 0, 0), 1);
    sb_get(logits, s->logits, (size_t)m->config.vocab * sizeof(real));
}
// -------------------------------------------------------------------------------------------------- >>train
// One step of each objective: upload, forward, loss; backward = 1: and the gradients (cleared first; 2:
// added to those of the parts before). A GPU may still be at work when it returns: sb_loss and sb_norm wait.
static void sb_step_begin(SbModel *m, const SbBatch *b, int backward) {
    sb_batch_upload(m, b);
    m->terms = 0;
    if (backward == 1) sb_zero(m->state, m->grad_bytes);
}

// Dialogues: mean cross-entropy of the answers. A batch without images is a batch of text (maps).
SB_FN void sb_step_lm(SbModel *m, const SbBatch *b, int backward) {
    sb_step_begin(m, b, backward);
    if (m->n.images) sb_vision_forward(m);
    sb_llm_forward(m, 0, m->n.llm);
    sb_llm_loss(m, backward);
    if (!backward || !m->n.loss) return;
    sb_llm_backward(m);
    if (!m->n.images || !(m->trained & ~SB_LLM)) return;
    if (sb_adapter_kind(m)) sb_adapter_backward(m);
    sb_projector_backward(m);
    if (m->trained & SB_FEATURES) sb_encoder_backward(m);
}

// Cross-entropy of the patches' labels, mean over patches; loss rows from `at`.
static void sb_labels_forward(SbModel *m, long at) {
    SbActs *s = &m->acts;
    long v = m->n.vis;
    sb_map_forward(s->patch_logits, s->patch_feature, SB_PAIR_OF(m->head_patch), v);
    sb_xent(sb_loss_rows(m, at, v, 1.0 / (double)v), s->d_patch_logits, s->patch_logits, s->label, v,
            m->config.labels, 1.0 / (double)v);
}
static void sb_labels_backward(SbModel *m) {
    sb_map_backward(SB_PAIR_OF(m->head_patch), m->acts.d_patch_feature, m->acts.d_patch_logits,
                    m->acts.patch_feature, m->n.vis, 0);
}
// The base encoder's task, from CLS: binary cross-entropy summed over classes / 3 + cross-entropy of the
// main object, means over images; patches = 1: + cross-entropy of the patches' labels.
SB_FN void sb_step_recognise(SbModel *m, const SbBatch *b, int backward, int patches) {
    SbActs *s = &m->acts;
    const SbConfig *c = &m->config;
    sb_step_begin(m, b, backward);
    int C = c->enc_width, K = c->classes;
    long n = m->n.images;
    double each = 1.0 / (double)n;
    if (!n) return;
    sb_encoder_forward(m);
    sb_gather_rows(s->cls_feature, C, s->feature, NULL, s->cls_row, n, C);
    sb_map_forward(s->multi_logits, s->cls_feature, SB_PAIR_OF(m->head_multi), n);
    sb_map_forward(s->main_logits, s->cls_feature, SB_PAIR_OF(m->head_main), n);
    sb_bce(sb_loss_rows(m, 0, n, each / 3), s->d_multi_logits, s->multi_logits, s->multi, n, K, each / 3);
    sb_xent(sb_loss_rows(m, n, n, each), s->d_main_logits, s->main_logits, s->main_class, n, K, each);
    if (patches) sb_patches_forward(m), sb_labels_forward(m, 2 * n);
    if (!backward) return;
    if (patches) sb_labels_backward(m), sb_patches_backward(m);
    else sb_zero(s->d_feature, (size_t)(m->n.enc * C) * sizeof(real));
    sb_map_backward(SB_PAIR_OF(m->head_main), s->d_cls_feature, s->d_main_logits, s->cls_feature, n, 0);
    sb_map_backward(SB_PAIR_OF(m->head_multi), s->d_cls_feature, s->d_multi_logits, s->cls_feature, n, 1);
    sb_scatter_rows_add(s->d_feature, s->d_cls_feature, C, s->cls_row, n, C);
    sb_encoder_backward(m);
}
// The controls without language, from patch features. what: 1 depth in metres, w2 gelu(w1 f + b1) + b2,
// smooth L1; 2 the label of every patch, cross-entropy; 3 both, summed.
SB_FN void sb_step_regress(SbModel *m, const SbBatch *b, int backward, int what) {
    SbActs *s = &m->acts;
    sb_step_begin(m, b, backward);
    int C = m->config.enc_width, labels = what & 2;
    long n = what & 1 ? m->n.reg : 0;
    double each = 1.0 / (double)n;
    SbMlp head = SB_MLP(m, reg_, reg_);
    if (!n && !labels) return;
    sb_encoder_forward(m);
    sb_patches_forward(m);
    if (n) {
        sb_gather_rows(s->reg_x, C, s->patch_feature, NULL, s->reg_row, n, C);
        sb_mlp_forward(&head, s->reg_x, n);
        sb_smooth_l1(sb_loss_rows(m, 0, n, each), s->d_reg_y, s->reg_y, s->reg_target, n, each);
    }
    if (labels) sb_labels_forward(m, n);
    if (!backward) return;
    if (labels) sb_labels_backward(m);
    else sb_zero(s->d_patch_feature, (size_t)(m->n.vis * C) * sizeof(real));
    if (n) sb_mlp_head_backward(&head, s->d_reg_x, s->reg_x, n, 0);
    if (!(m->trained & SB_FEATURES)) return;
    if (n) sb_scatter_rows_add(s->d_patch_feature, s->d_reg_x, C, s->reg_row, n, C);
    sb_patches_backward(m);
    sb_encoder_backward(m);
}

// The aggregator's task: depth, and the point in the first view's frame, of the patches whose geometry is
// known (smooth L1, mean over patches and the 4 numbers); with a camera head + smooth L1 of every round's
// pose, weighted .6^(rounds after it). Encoder features train along if SB_BASE does.
SB_FN void sb_step_aggregator(SbModel *m, const SbBatch *b, int backward) {
    SbActs *s = &m->acts;
    sb_step_begin(m, b, backward);
    long n = m->n.geometry * SB_GEOMETRY, v = m->n.images * SB_POSE;
    int rounds = m->config.camera_layers ? m->config.camera_rounds : 0;
    if (!(m->parts & SB_AGGREGATOR) || !m->n.scenes) SB_FAIL("this step needs an aggregator and scenes");
    sb_encoder_forward(m), sb_patches_forward(m), sb_aggregator_forward(m), sb_geometry_forward(m);
    if (rounds) sb_camera_forward(m);
    double each = n ? 1.0 / (double)n : 0;
    sb_smooth_l1(sb_loss_rows(m, 0, n, each), s->d_geometry_y, s->geometry_y, s->geometry, n, each);
    for (int k = 0; k < rounds; k++) {
        double weight = pow(0.6, rounds - 1 - k) / (double)v;
        sb_smooth_l1(sb_loss_rows(m, n + k * v, v, weight), s->d_cam_y + k * v, s->cam_in + (k + 1) * v,
                     s->pose + k * v, v, weight);
    }
    if (!backward) return;
    sb_geometry_backward(m);
    if (rounds) sb_camera_backward(m);
    sb_aggregator_backward(m);
    if (m->trained & SB_BASE) sb_patches_backward(m), sb_encoder_backward(m);
}
// Spa3R's task: the features of views from latents and a camera. Targets: geo, acts.geo_feature, and sem,
// acts.patch_feature, both frozen; loss = value + angle (sb_feature_loss) of each, means over the rows that
// count, + smooth L1 of the probe's depth, whose gradient stops. Rows of acts.loss, NV apart: geo value and
// angle, sem value and angle; then the probe's.
SB_FN void sb_step_field(SbModel *m, const SbBatch *b, int backward) {
    SbActs *s = &m->acts;
    const SbConfig *c = &m->config;
    sb_step_begin(m, b, backward);
    long v = m->n.vis, n = m->n.geometry;
    if (!(m->parts & SB_SPA3R) || !(m->parts & SB_AGGREGATOR) || !m->n.fdec)
        SB_FAIL("this step needs an aggregator, Spa3R, and scenes with cameras and context");
    sb_encoder_forward(m), sb_patches_forward(m), sb_aggregator_forward(m);
    sb_latents_forward(m), sb_decoder_forward(m);
    double count = 0;
    for (long i = 0; i < v; i++) count += (double)b->feature_weight[i];
    double each = count > 0 ? 1 / count : 0, per = n ? 1.0 / (double)n : 0;
    for (int sem = 0; sem < 2; sem++) {
        if (!(c->targets >> sem & 1)) continue;
        stat_t *value = sb_loss_rows(m, 2 * sem * v, v, each),
               *angle = sb_loss_rows(m, (2 * sem + 1) * v, v, each);
        sb_feature_loss(value, angle, sem ? s->d_fsem_y : s->d_fgeo_y, sem ? s->fsem_y : s->fgeo_y,
                        sem ? s->patch_feature : s->geo_feature, s->feature_weight, v,
                        c->enc_width * (2 - sem), c->feature_l1, each);
    }
    sb_smooth_l1(sb_loss_rows(m, 4 * v, n, per), s->d_probe_y, s->probe_y, s->depth, n, per);
    if (backward) sb_decoder_backward(m), sb_latents_backward(m);
}

// Mean and spread (standard deviation) of the columns of x [n][width], which lies on the backend.
static void sb_columns_of(double *mean, double *spread, const real *x, long n, int width) {
    real *host = (real *)malloc((size_t)(n * width) * sizeof *host);
    if (!host) SB_FAIL("out of memory: %ld features of a first batch", n * width);
    sb_get(host, x, (size_t)(n * width) * sizeof *host);
    for (int c = 0; c < width; c++) {
        double sum = 0, square = 0;
        for (long i = 0; i < n; i++) sum += (double)host[i * width + c];
        mean[c] = sum / (double)n;
        for (long i = 0; i < n; i++) square += pow((double)host[i * width + c] - mean[c], 2);
        spread[c] = sqrt(square / (double)n + 1e-6);
    }
    free(host);
}
// Before Spa3R's first step, from its first batch b: field.proj reads features of mean 0 and spread 1 (its
// columns / spread, bias -w mean), and the heads' last biases are the targets' means. The features are
// residual streams whose constant part is larger than what varies: heads need many steps to find that out.
SB_FN void sb_field_start(SbModel *m, const SbBatch *b) {
    SbActs *s = &m->acts;
    int K = 2 * m->config.enc_width, W = m->config.field_width;
    double *mean = (double *)malloc((size_t)(2 * K) * sizeof *mean), *spread = mean + K;
    param_t *w = (param_t *)malloc((size_t)(W * K + W + K) * sizeof *w), *bias = w + (long)W * K;
    if (!mean || !w) SB_FAIL("out of memory: Spa3R's initial values");
    sb_step_begin(m, b, 0);
    sb_encoder_forward(m), sb_patches_forward(m), sb_aggregator_forward(m);
    const SbParam *head[2] = {&m->field_geo_b2, &m->field_sem_b2};
    for (int sem = 0; sem < 2 && m->n.vis; sem++) {
        if (!(m->config.targets >> sem & 1)) continue;
        sb_columns_of(mean, spread, sem ? s->patch_feature : s->geo_feature, m->n.vis, K / (1 + sem));
        for (int c = 0; c < K / (1 + sem); c++) bias[c] = (param_t)mean[c];
        sb_put((void *)(size_t)head[sem]->w.p, bias, (size_t)(K / (1 + sem)) * sizeof *bias);
    }
    if (m->n.context) {                 // the blind control reads none
        sb_columns_of(mean, spread, s->context_feature, m->n.context, K);
        sb_get(w, m->field_proj_w.w.p, (size_t)(W * K) * sizeof *w);
        for (int o = 0; o < W; o++) {
            double sum = 0;
            for (int c = 0; c < K; c++) {
                w[o * K + c] = (param_t)((double)w[o * K + c] / spread[c]);
                sum += (double)w[o * K + c] * mean[c];
            }
            bias[o] = (param_t)-sum;
        }
        sb_put((void *)(size_t)m->field_proj_w.w.p, w, (size_t)(W * K) * sizeof *w);
        sb_put((void *)(size_t)m->field_proj_b.w.p, bias, (size_t)W * sizeof *bias);
    }
    free(mean), free(w);
}

// Cosine to 0 with linear warm-up; step counts from 0, W = ceil(warmup * steps): lr (step+1)/W, then
// lr/2 (1 + cos(pi (step-W)/(steps-W))).
SB_FN double sb_schedule(double lr, double warmup, long step, long steps) {
    long W = (long)ceil(warmup * (double)steps);
    if (step < W) return lr * (double)(step + 1) / (double)W;
    return lr * 0.5 * (1 + cos(3.141592653589793 * (double)(step - W) / (double)(steps > W ? steps - W : 1)));
}
// Clip, then AdamW on all that trains; step counts from 1. Gradients that are no numbers change nothing.
SB_FN void sb_update(SbModel *m, double lr, double decay, long step) {
    const SbConfig *c = &m->config;
    long count = (long)(m->grad_bytes / sizeof(param_t));
    param_t *grad = (param_t *)m->state;
    sb_sum_squares(m->squares, grad, SB_TYPE(param_t), count);
    sb_adamw(m->list, m->listed, grad, grad + count, grad + 2 * count, count, m->squares, c->clip, lr, decay,
             c->beta1, c->beta2, c->adam_eps, step);
}
// Global norm of all gradients, before clipping, at the last update. The host waits for the backend.
SB_FN double sb_norm(const SbModel *m) {
    double squares;
    sb_get(&squares, m->squares, sizeof squares);
    return sqrt(squares);
}

// ------------------------------------------------------------------------------------------------ >>license
// MIT License. Copyright (c) 2026 the authors of spatialboost.c. Full text: LICENSE.
