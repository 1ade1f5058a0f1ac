"""export_check.py FOLDER: does transformers compute from exported encoders what we compute?

    SB_EXPORT=/tmp/exported ./build/test family_round_trip
    python3 dev/export_check.py /tmp/exported

Refuses: to download. FOLDER holds NAME-dual (with features.safetensors: pixels, and our features of them) and
NAME-folded. Each is opened with AutoModel.from_pretrained(trust_remote_code=True). dual: ours against
transformers', within 1e-5 of the features' size (float32). folded: transformers' own dual against it, 1e-5.
open_clip's folders are not transformers': skipped. Exits 1 if one fails.
"""
import pathlib
import sys

import safetensors.torch
import torch
import transformers


def features(folder, pixels):
    """Features of all rows, behind the last norm, and how many attentions are not the family's own."""
    model = transformers.AutoModel.from_pretrained(folder, trust_remote_code=True).eval()
    tower = getattr(model, "vision_model", model)
    attentions = [m for m in tower.modules() if hasattr(m, "q_proj") and hasattr(m, "k_proj")]
    with torch.no_grad():
        y = tower(pixel_values=pixels.permute(2, 0, 1)[None]).last_hidden_state
        y = tower.post_layernorm(y) if hasattr(tower, "pre_layrnorm") else y
    ours = sum(hasattr(m, "plus") or m.q_proj.out_features > m.q_proj.in_features for m in attentions)
    return y[0].double(), ours


def distance(a, b):
    return float((a - b).abs().max() / b.abs().max())


def main():
    bad, folders = 0, sorted(pathlib.Path(sys.argv[1]).glob("*-dual"))
    print("torch", torch.__version__, "transformers", transformers.__version__)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for dual in folders:
        if not (dual / "config.json").exists():
            print(f"{dual.name:28} skipped: not a folder of transformers")
            continue
        f = safetensors.torch.load_file(dual / "features.safetensors")
        y, channels = features(dual, f["pixels"])
        folded, heads = features(str(dual).replace("-dual", "-folded"), f["pixels"])
        ours, fold = distance(f["feature"].double(), y), distance(folded, y)
        good = ours <= 1e-5 and fold <= 1e-5 and channels > 0 and heads == channels
        bad += not good
        print(f"{dual.name:28} ours {ours:.1e}   folded {fold:.1e}   {'ok' if good else 'FAILED'}")
    sys.exit(bad > 0 or not folders)


if __name__ == "__main__":
    main()
