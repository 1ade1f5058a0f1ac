"""export_check.py FOLDER: do transformers and open_clip compute from exported encoders what we compute?

    SB_EXPORT=/tmp/exported ./build/test family_round_trip
    python3 dev/export_check.py /tmp/exported

Refuses: to download. FOLDER holds NAME-dual (with features.safetensors: pixels, and our features of them) and
NAME-folded. Each is opened with AutoModel.from_pretrained(trust_remote_code=True) or, if it is of open_clip's
layout, with open_clip_model of its modeling_spatialboost.py. dual: ours against theirs, within 1e-5 of the
features' size (float32). folded: their own dual against it, 1e-5. Exits 1 if one fails.
"""
import importlib.util
import logging
import pathlib
import sys

import safetensors.torch
import torch
import transformers


def open_clip_features(folder, pixels):
    spec = importlib.util.spec_from_file_location("ours", folder / "modeling_spatialboost.py")
    ours = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ours)
    vit = ours.open_clip_model(folder).visual
    attentions = [block.attn for block in vit.transformer.resblocks]
    y = vit.ln_post(vit.transformer(vit._embeds(pixels)))
    return y, sum(hasattr(m, "plus") or m.in_proj_bias.numel() == 6 * y.shape[-1] for m in attentions)


def features(folder, pixels):
    """Features of all rows, behind the last norm, and how many attentions are not the family's own."""
    pixels = pixels.permute(2, 0, 1)[None]
    if (folder / "open_clip_config.json").exists():
        return open_clip_features(folder, pixels)
    model = transformers.AutoModel.from_pretrained(folder, trust_remote_code=True).eval()
    tower = getattr(model, "vision_model", model)
    attentions = [m for m in tower.modules() if hasattr(m, "q_proj") and hasattr(m, "k_proj")]
    y = tower(pixel_values=pixels).last_hidden_state
    y = tower.post_layernorm(y) if hasattr(tower, "pre_layrnorm") else y
    return y, sum(hasattr(m, "plus") or m.q_proj.out_features > m.q_proj.in_features for m in attentions)


def distance(a, b):
    return float((a.double() - b.double()).abs().max() / b.abs().max())


@torch.no_grad()
def main():
    bad, folders = 0, sorted(pathlib.Path(sys.argv[1]).glob("*-dual"))
    print("torch", torch.__version__, "transformers", transformers.__version__)
    logging.disable(logging.WARNING)        # open_clip: no weights, which come later
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for dual in folders:
        f = safetensors.torch.load_file(dual / "features.safetensors")
        y, channels = features(dual, f["pixels"])
        folded, heads = features(dual.with_name(dual.name.replace("-dual", "-folded")), f["pixels"])
        ours, fold = distance(f["feature"], y[0]), distance(folded, y)
        good = ours <= 1e-5 and fold <= 1e-5 and channels > 0 and heads == channels
        bad += not good
        print(f"{dual.name:34} ours {ours:.1e}   folded {fold:.1e}   {'ok' if good else 'FAILED'}")
    sys.exit(bad > 0 or not folders)


if __name__ == "__main__":
    main()
