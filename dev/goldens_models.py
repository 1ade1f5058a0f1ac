"""goldens_models.py: writes goldens_models/ beside itself: a tiny random model of every family, as a folder.

Refuses: to download, to use any code of ours. Needs the packages of requirements.txt. Each folder is what the
library itself writes (config.json and safetensors, or open_clip's pair), then made awkward as folders of the
hub are: F16, BF16, shards, prefixes that drift, defaults left out of config.json. Beside it
expected.safetensors: what the library computes from these files in float64, stored as F32. Read from top: the
list of settings, random weights, encoders, language models.

Every weight is random (biases, gains, LayerScale, registers, probe too), eps is 1e-2 and the rotary bases are
odd, so that a reader who ignores one key of config.json gets other numbers. open_clip's eps is always 1e-5.

Layout of expected.safetensors, row-major; rows of an encoder: CLS, registers, patches (y, x):
pixels [h,w,3]   normalised input
layer.I [rows,C] residual stream behind block I
feature [rows,C] behind the last norm, over all rows (CLIP and open_clip norm only the row they pool)
pooled [C]       attention pooling
big.*, small.*   pixels, feature for grids of 6x6 and 3x3 patches, not 4x4: positions resized by the library
token [T]   layer.I [T,D]   logits [T,V]
grad.NAME        gradients of half the sum of the features' squares (encoders, native size) or of the mean
                 cross-entropy of the next token: all vectors of block 0 and in front of it, word tables
RMSNorm and rotary tables stay float32 inside transformers: their values are right to 1e-6 only.
"""
import json
import pathlib
import shutil

import open_clip
import safetensors.torch
import torch
import transformers as hf

ROOT = pathlib.Path(__file__).parent / "goldens_models"
EPS, PATCH, SIDES = 1e-2, 4, {"": 16, "big.": 24, "small.": 12}
VIT = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, image_size=16, patch_size=PATCH,
           layer_norm_eps=EPS)
TEXT = dict(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, vocab_size=12,
            bos_token_id=1, eos_token_id=2)
LLM = dict(hidden_size=32, intermediate_size=44, num_hidden_layers=2, num_attention_heads=4,
           num_key_value_heads=2, vocab_size=61, rms_norm_eps=EPS, bos_token_id=1, eos_token_id=2)


def randomise(model, seed):
    """Matrices 1/sqrt(fan in), gains 1 + .3 z, all else .3 z; returned in evaluation mode."""
    torch.manual_seed(seed)
    gains = {id(m.weight) for m in model.modules() if "Norm" in type(m).__name__}
    with torch.no_grad():
        for name, p in model.named_parameters():
            z = torch.randn(p.shape)
            wide = p.dim() > 1 and not any(s in name for s in ("token", "pos", "probe", "class"))
            p.copy_(1 + .3 * z if id(p) in gains else z / p[0].numel() ** .5 if wide else .3 * z)
    return model.eval()


def expected(folder, tensors):
    tensors = {k: v.detach().to(torch.int32 if k == "token" else torch.float32).contiguous()
               for k, v in tensors.items()}
    safetensors.torch.save_file(tensors, folder / "expected.safetensors")
    print(f"{folder.name:26} {sum(f.stat().st_size for f in folder.iterdir()):7} bytes",
          {k: tuple(v.shape) for k, v in tensors.items() if not k.startswith(("big", "small", "grad"))})


def rewrite(folder, rename=None, dtype=None, drop=()):
    """Change tensors' names or type in the saved file, and leave keys out of config.json."""
    path, config = folder / "model.safetensors", folder / "config.json"
    if rename or dtype:
        tensors = safetensors.torch.load_file(path)
        tensors = {(rename or str)(k): v.to(dtype or v.dtype) for k, v in tensors.items()}
        safetensors.torch.save_file(tensors, path, {"format": "pt"})
    values = json.loads(config.read_text())
    for key in drop:
        (values["vision_config"] if "vision_config" in values else values).pop(key)
    if dtype:
        values["dtype"] = str(dtype).split(".")[1]
    config.write_text(json.dumps(values, indent=2) + "\n")


def again(model, folder):
    """The model as transformers reads the finished folder: its weights in float64, rotary tables of float32."""
    return type(model).from_pretrained(folder, dtype=torch.float32).double().eval()


def watch(blocks, run):
    """run() and what each block put out, as {"layer.I": [rows, width]}."""
    seen = {}

    def see(number):
        return lambda module, x, y: seen.__setitem__(f"layer.{number}", y[0] if isinstance(y, tuple) else y)

    hooks = [block.register_forward_hook(see(i)) for i, block in enumerate(blocks)]
    result = run()
    for hook in hooks:
        hook.remove()
    return result, {k: v[0] for k, v in seen.items()}


RELEASED = {"attention.q_proj": "attention.attention.query", "attention.k_proj": "attention.attention.key",
            "attention.v_proj": "attention.attention.value", "attention.o_proj": "attention.output.dense",
            "mlp.down_proj": "mlp.weights_out"}


def gradients(loss, module):
    """Of vectors of the first block and in front of it, and of word tables, under the names that files have.
    What is 0 but for rounding (key biases move all scores of a query alike) is 0, on any machine."""
    loss.backward()
    out, old_names = {}, "Dinov2" in type(module).__name__
    unwanted = (".1.", "head.", "mask_token") + (("gate_proj", "up_proj") if old_names else ())
    for name, p in module.named_parameters():
        small = p.numel() <= 72 and not any(s in name for s in unwanted)
        if p.grad is None or not (small or "embed_tokens" in name or "lm_head" in name):
            continue
        for new, old in RELEASED.items() if old_names else ():
            name = name.replace(new, old)
        out["grad." + (name[6:] if name.startswith("model.") else name)] = p.grad.where(p.grad.abs() > 1e-13, 0)
    return out


def keep(size, tensors):
    """All of the native size, input and features of the others."""
    return {size + k: v for k, v in tensors.items() if not size or k in ("pixels", "feature")}


def encoder(name, model, seed, tower=lambda m: m, dtype=None, **changes):
    folder = ROOT / name
    randomise(model, seed)
    model.to(dtype or torch.float32).save_pretrained(folder)
    rewrite(folder, dtype=dtype, **changes)
    vit = tower(again(model, folder))
    stack = vit.model if hasattr(vit, "model") else vit.encoder
    blocks = stack.layer if hasattr(stack, "layer") else stack.layers
    clip = hasattr(vit, "post_layernorm")
    out = {}
    for size, side in SIDES.items():
        pixels = torch.randn(side, side, 3).float()
        more = dict(interpolate_pos_encoding=True) if clip else {}
        y, seen = watch(blocks, lambda: vit(pixel_values=pixels.double().permute(2, 0, 1)[None], **more))
        last = y.last_hidden_state
        seen["feature"] = (vit.post_layernorm(last) if hasattr(vit, "pre_layrnorm") else last)[0]
        if not size:
            out |= gradients((seen["feature"] ** 2).sum() / 2, vit)
        if getattr(vit, "use_head", False):
            seen["pooled"] = y.pooler_output[0]
        out |= keep(size, seen | {"pixels": pixels})
    expected(folder, out)


def open_clip_encoder(name, seed, quick, **vision):
    folder = ROOT / name
    folder.mkdir()
    vision = dict(image_size=16, layers=2, width=24, head_width=8, patch_size=PATCH) | vision
    text = dict(context_length=4, vocab_size=12, width=8, heads=1, layers=1)
    config = dict(embed_dim=8, vision_cfg=vision, text_cfg=text, quick_gelu=quick)
    model = randomise(open_clip.CLIP(**config), seed)
    weights = model.state_dict()
    safetensors.torch.save_file(weights, folder / "open_clip_model.safetensors", {"format": "pt"})
    text = json.dumps({"model_cfg": config, "preprocess_cfg": {}}, indent=2)
    (folder / "open_clip_config.json").write_text(text + "\n")
    out = {}
    for size, side in SIDES.items():
        other = open_clip.CLIP(**config | {"vision_cfg": vision | {"image_size": side}}).eval()
        resized = dict(weights)
        open_clip.model.resize_pos_embed(resized, other)
        other.load_state_dict(resized)
        vit, pixels = other.double().visual, torch.randn(side, side, 3).float()
        x = vit._embeds(pixels.double().permute(2, 0, 1)[None])
        x, seen = watch(vit.transformer.resblocks, lambda: vit.transformer(x))
        seen |= {"pixels": pixels, "feature": vit.ln_post(x)[0]}
        out |= keep(size, seen) | ({} if size else gradients((seen["feature"] ** 2).sum() / 2, vit))
    expected(folder, out)


def language(name, model, seed, dtype=None, shard="1GB"):
    folder = ROOT / name
    randomise(model, seed).to(dtype or torch.float32).save_pretrained(folder, max_shard_size=shard)
    (folder / "generation_config.json").unlink()
    token = torch.randint(0, model.config.vocab_size, (14,))
    model = again(model, folder)
    y, seen = watch(model.model.layers, lambda: model(token[None]))
    loss = torch.nn.functional.cross_entropy(y.logits[0, :-1], token[1:])
    expected(folder, gradients(loss, model) | seen | {"token": token, "logits": y.logits[0]})


def main():
    shutil.rmtree(ROOT, ignore_errors=True)
    ROOT.mkdir()
    hf.logging.set_verbosity_error()
    hf.logging.disable_progress_bar()
    print("torch", torch.__version__, "transformers", hf.__version__, "open_clip", open_clip.__version__)
    reg = dict(num_register_tokens=3)
    three = dict(intermediate_size=40, rope_theta=37., **VIT | reg)
    clip = VIT | dict(intermediate_size=40)
    drop = ["num_channels", "hidden_act", "attention_dropout", "vision_use_head"]
    encoder("dinov2", hf.Dinov2Model(hf.Dinov2Config(mlp_ratio=2, **VIT)), 1)
    encoder("dinov2_giant", hf.Dinov2Model(hf.Dinov2Config(mlp_ratio=3, use_swiglu_ffn=True, **VIT)), 2)
    encoder("dinov2_with_registers", hf.Dinov2WithRegistersForImageClassification(
        hf.Dinov2WithRegistersConfig(mlp_ratio=2, **VIT | reg)), 3, lambda m: m.dinov2_with_registers)
    encoder("dinov3_vit", hf.DINOv3ViTModel(hf.DINOv3ViTConfig(**three)), 4,
            rename=lambda k: "model." + k if k.startswith("layer.") else k)
    encoder("dinov3_vit_gated", hf.DINOv3ViTModel(hf.DINOv3ViTConfig(
        use_gated_mlp=True, hidden_act="silu", query_bias=False, value_bias=False, **three)), 5, dtype=torch.float16)
    encoder("siglip", hf.SiglipModel(hf.SiglipConfig(vision_config=clip, text_config=TEXT)), 6,
            lambda m: m.vision_model, drop=drop)
    encoder("siglip_vision_model", hf.SiglipVisionModel(hf.SiglipVisionConfig(vision_use_head=False, **clip)),
            7, dtype=torch.bfloat16)
    encoder("clip", hf.CLIPModel(hf.CLIPConfig(
        vision_config=clip, text_config=TEXT | dict(projection_dim=8), projection_dim=8)), 8,
        lambda m: m.vision_model)
    encoder("clip_vision_model", hf.CLIPVisionModelWithProjection(hf.CLIPVisionConfig(
        projection_dim=8, hidden_act="gelu", **clip)), 9, lambda m: m.vision_model)
    open_clip_encoder("open_clip", 10, True, mlp_ratio=1.9231)
    open_clip_encoder("open_clip_scaled", 11, False, mlp_ratio=2, ls_init_value=.1, no_ln_pre=True)
    language("qwen2", hf.Qwen2ForCausalLM(hf.Qwen2Config(
        tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=321.), **LLM)), 12,
        torch.bfloat16)
    language("llama", hf.LlamaForCausalLM(hf.LlamaConfig(rope_parameters=dict(
        rope_type="llama3", rope_theta=500., factor=8., low_freq_factor=1., high_freq_factor=4.,
        original_max_position_embeddings=64), **LLM)), 13, shard="24KB")
    language("smollm2", hf.LlamaForCausalLM(hf.LlamaConfig(
        tie_word_embeddings=True, head_dim=12, rope_parameters=dict(rope_type="default", rope_theta=130.),
        **LLM)), 14)
    print(sum(f.stat().st_size for f in ROOT.rglob("*")), "bytes in all")


if __name__ == "__main__":
    main()
