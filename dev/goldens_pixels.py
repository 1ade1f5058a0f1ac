"""goldens_pixels.py: writes goldens_pixels.safetensors beside itself: what the references make of pictures.

Refuses: to download, to use any code of ours. The references: transformers' image processors (the ...Pil
classes; torchvision's for DINOv3) and interpolate_pos_encoding, open_clip's transform and resize_pos_embed,
Pillow, torch. LLaVA's square and torch.hub's dinov2 factor are a line each, written here from their papers'
repositories. Needs the packages of requirements.txt. Read from top: pictures, cases, grids, sweep.

case.NAME   [H,W,3] F32; in the metadata the same name is JSON: picture [w,h,seed], mode and side (what
            sb_preprocess_as is given), file (the text of the configuration file)
class.NAME  metadata: the file that transformers writes for the class, all values its own
grid.NAME   [cls + gh gw, C] F32; metadata: grid [kind, cls, n, gh, gw]; from table.N [1 + N N, C]
sweep       [.,6] I64: w, h, W, H, reach of the kernel, CRC-32 of picture (w, h, 1) resized by Pillow
"""
import json
import pathlib
import types
import zlib

import numpy as np
import open_clip
import PIL.Image
import safetensors.torch
import torch
import torchvision
import transformers
from transformers.models.clip.modeling_clip import CLIPVisionEmbeddings
from transformers.models.dinov2.modeling_dinov2 import Dinov2Embeddings
from transformers.models.dinov2_with_registers.modeling_dinov2_with_registers import (
    Dinov2WithRegistersEmbeddings)
from transformers.models.siglip.modeling_siglip import SiglipVisionEmbeddings

AS_FILE, PAD, SQUASH = 0, 1, 2
PLAIN, ANTIALIAS, OFFSET = 0, 1, 2
A, B, C, D = (37, 53, 1), (90, 61, 2), (11, 7, 3), (20, 33, 4)
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
ODD = {"image_mean": [0.1, 0.65, 0.3], "image_std": [0.7, 0.31, 1.3]}


def picture(w, h, seed):
    """Smooth ramps, noise, and hard black and white; whole numbers below 2^32 only."""
    y, x, c = np.meshgrid(*(np.arange(n, dtype=np.uint64) for n in (h, w, 3)), indexing="ij")
    n = (x * 73856093 + y * 19349663 + c * 83492791 + seed * 2654435761) % 2**32
    n = (n ^ n >> 15) * 2246822519 % 2**32
    n = (n ^ n >> 13) * 3266489917 % 2**32 >> 24
    ramp = np.abs(((4 * x + 3 * y + 70 * c) % 510).astype(np.int64) - 255)
    v = np.where((x // 5 + y // 7) % 3 == 0, n // 128 * 255, (3 * ramp.astype(np.uint64) + n) // 4)
    return v.astype(np.uint8)


# ---- cases

CLASSES = {"BitImageProcessor": transformers.BitImageProcessorPil,
           "CLIPImageProcessor": transformers.CLIPImageProcessorPil,
           "SiglipImageProcessor": transformers.SiglipImageProcessorPil,
           "DINOv3ViTImageProcessor": transformers.DINOv3ViTImageProcessor}


def processor(config):
    name = config.get("image_processor_type") or config["feature_extractor_type"]
    name = name.replace("FeatureExtractor", "ImageProcessor").removesuffix("Fast")
    return CLASSES[name].from_dict({k: v for k, v in config.items() if not k.endswith("_type")})


def run(config, image, **changes):
    """A transformers processor on an image, [H,W,3]."""
    pixels = processor(config)(PIL.Image.fromarray(image), return_tensors="pt", **changes)["pixel_values"]
    return pixels[0].permute(1, 2, 0).contiguous().float()


def square(image, mean):
    h, w, _ = image.shape
    out = PIL.Image.new("RGB", (max(w, h),) * 2, tuple(int(255 * m) for m in mean))
    out.paste(PIL.Image.fromarray(image), ((max(w, h) - w) // 2, (max(w, h) - h) // 2))
    return np.asarray(out)


def bit(**more):
    return {"image_processor_type": "BitImageProcessor", "do_convert_rgb": True, "do_resize": True,
            "do_center_crop": True, "do_rescale": True, "do_normalize": True, "resample": 3,
            "rescale_factor": 1 / 255, "size": {"shortest_edge": 25},
            "crop_size": {"height": 21, "width": 21}} | IMAGENET | more


def siglip(h, w, **more):
    return {"image_processor_type": "SiglipImageProcessor", "processor_class": "SiglipProcessor",
            "size": {"height": h, "width": w}, "resample": 2, "image_mean": [0.5] * 3,
            "image_std": [0.5] * 3} | more


def dinov3(h, w, **more):  # with the nulls of the released files
    nulls = ("crop_size", "device", "disable_grouping", "do_center_crop", "do_convert_rgb", "return_tensors")
    return {"image_processor_type": "DINOv3ViTImageProcessorFast", "data_format": "channels_first",
            "default_to_square": True, "resample": 2, "rescale_factor": 1 / 255,
            "size": {"height": h, "width": w}} | IMAGENET | dict.fromkeys(nulls) | more


OLD = {"feature_extractor_type": "CLIPFeatureExtractor", "size": 20, "crop_size": 17, "resample": 3,
       "do_resize": True, "do_center_crop": True, "do_normalize": True,
       "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]}

HUGGING = {  # name: (configuration, picture)
    "bit_a": (bit(), A), "bit_b": (bit(), B),
    "bit_bilinear": (bit(resample=2, **ODD), B),
    "bit_exact": (bit(size={"height": 19, "width": 40}, crop_size={"height": 18, "width": 17}), B),
    "bit_no_resize": (bit(do_resize=False), A),
    "bit_no_crop": (bit(do_center_crop=False, size={"shortest_edge": 16}), A),
    "bit_no_rescale": (bit(do_rescale=False, size={"shortest_edge": 15}, crop_size=13), A),
    "bit_no_normalize": (bit(do_normalize=False, size={"shortest_edge": 15}, crop_size=12), A),
    "bit_factor": (bit(rescale_factor=0.0071, size={"shortest_edge": 15}, crop_size=12), B),
    "bit_border": (bit(size={"shortest_edge": 14}, crop_size={"height": 21, "width": 15}), A),
    "bit_border_odd": (bit(size={"shortest_edge": 14}, crop_size={"height": 17, "width": 25}, **ODD), B),
    "clip_old": (OLD, A),
    "siglip_down": (siglip(24, 24), B),
    "siglip_up": (siglip(16, 20, resample=3), C),
    "siglip_stretch": (siglip(64, 8, resample=3), B),
    "siglip_int": (siglip(1, 1, size=14), A),
    "dinov3_down": (dinov3(24, 24), B),
    "dinov3_up": (dinov3(16, 20), C),
    "dinov3_bicubic": (dinov3(16, 23, resample=3, **ODD), B),
    "dinov3_bicubic_up": (dinov3(12, 14, resample=3, **ODD), C),
    "dinov3_border": (dinov3(18, 22, do_center_crop=True, crop_size={"height": 21, "width": 15}), B),
    "dinov3_same": (dinov3(9, 9, do_resize=False, do_center_crop=True, crop_size=9), A),
}
OPEN_CLIP = {  # name: (image_size, preprocess_cfg, picture)
    "open_clip_a": (23, {}, A), "open_clip_b": (23, {"interpolation": "bilinear", "mode": "RGB"}, B),
    "open_clip_odd": (18, {"resize_mode": None, "mean": [0.1, 0.65, 0.3], "std": [0.7, 0.31, 1.3]}, A),
    "open_clip_squash": ([18, 25], {"resize_mode": "squash", "interpolation": "random"}, B),
    "open_clip_longest": (24, {"resize_mode": "longest", "fill_color": 77}, A),
    "open_clip_longest_b": (21, {"resize_mode": "longest", "interpolation": "bilinear", "size": 9}, B),
}


def open_clip_case(size, cfg, image):
    known = {"size": size} | {k: v for k, v in cfg.items() if k != "size" and v is not None}
    transform = open_clip.transform.image_transform_v2(open_clip.transform.PreprocessCfg(**known), False)
    return transform(PIL.Image.fromarray(image)).permute(1, 2, 0).contiguous()


def cases():
    out, meta = {}, {}

    def add(name, pixels, which, config, mode=AS_FILE, side=(0, 0)):
        text = config if isinstance(config, str) else json.dumps(config)
        out["case." + name] = pixels
        meta["case." + name] = json.dumps({"picture": which, "mode": mode, "side": side, "file": text})

    for name, (config, which) in HUGGING.items():
        add(name, run(config, picture(*which)), which, config)
    for name, (size, cfg, which) in OPEN_CLIP.items():
        config = {"model_cfg": {"embed_dim": 8, "vision_cfg": {"image_size": size}}, "preprocess_cfg": cfg}
        add(name, open_clip_case(size, cfg, picture(*which)), which, config)
    # as transformers itself writes a file, alone and inside processor_config.json
    for name, config in {"written_bit": bit(), "written_siglip": siglip(20, 18), "written_clip": OLD}.items():
        add(name, run(config, picture(*A)), A, processor(config).to_json_string())
    written = json.loads(processor(dinov3(14, 16)).to_json_string())
    add("written_inside", run(dinov3(14, 16), picture(*A)), A, {"image_processor": written})
    # other sizes and shapes than the file's
    image = picture(*B)
    add("other_side", run(bit(), image, size={"shortest_edge": 29}, crop_size={"height": 24, "width": 24}), B,
        bit(), AS_FILE, (24, 24))  # 29 = round(25 * 24 / 21)
    exact = siglip(24, 24)
    add("other_siglip", run(exact, image, size={"height": 14, "width": 28}), B, exact, AS_FILE, (28, 14))
    squashed = {"do_center_crop": False, "size": {"height": 21, "width": 21}}
    add("squash", run(bit(), image, **squashed), B, bit(), SQUASH)
    squashed["size"] = {"height": 14, "width": 28}
    add("squash_other", run(bit(), image, **squashed), B, bit(), SQUASH, (28, 14))
    for name, which in (("llava_wide", B), ("llava_tall", D)):
        on = square(picture(*which), OLD["image_mean"])
        add(name, run(OLD, on), which, OLD, PAD)
    exact = siglip(20, 20, **ODD)
    add("llava_odd", run(exact, square(image, ODD["image_mean"])), B, exact, PAD)
    meta |= {"class." + name: make().to_json_string() for name, make in CLASSES.items()}
    return out, meta


# ---- grids

def embeddings(name, table, gh, gw):
    """interpolate_pos_encoding of a class of transformers, with patches of one pixel; [rows, C]."""
    side, width = round((len(table) - 1) ** 0.5), table.shape[1]
    sizes = {"hidden_size": width, "image_size": side, "patch_size": 1, "num_attention_heads": 1}
    rows = torch.zeros(1, gh * gw + (name != "siglip"), width)
    if name in ("dinov2", "registers"):
        registers = name == "registers"
        config = (transformers.Dinov2WithRegistersConfig if registers else transformers.Dinov2Config)(**sizes)
        module = (Dinov2WithRegistersEmbeddings if registers else Dinov2Embeddings)(config)
        module.position_embeddings.data = table[None]
    elif name == "clip":
        module = CLIPVisionEmbeddings(transformers.CLIPVisionConfig(**sizes))
        module.position_embedding.weight.data = table
    else:
        module = SiglipVisionEmbeddings(transformers.SiglipVisionConfig(**sizes))
        module.position_embedding.weight.data = table[1:]
    return module.interpolate_pos_encoding(rows, gh, gw)[0]


def open_clip_grid(table, gh, gw):
    state = {"visual.positional_embedding": table}
    visual = types.SimpleNamespace(grid_size=(gh, gw))
    open_clip.model.resize_pos_embed(state, types.SimpleNamespace(visual=visual))
    return state["visual.positional_embedding"]


def hub_grid(table, gh, gw, antialias):
    side = round((len(table) - 1) ** 0.5)
    grid = table[1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    how = {"size": (gh, gw)} if antialias else {"scale_factor": ((gh + 0.1) / side, (gw + 0.1) / side)}
    grid = torch.nn.functional.interpolate(grid, mode="bicubic", antialias=antialias, **how)
    assert grid.shape[2:] == (gh, gw)
    return torch.cat([table[:1], grid[0].flatten(1).T])


def grids():
    out, meta = {}, {}
    torch.manual_seed(3)
    for n, width in ((5, 3), (37, 1)):
        out[f"table.{n}"] = table = torch.randn(1 + n * n, width)
        for gh, gw in ((3, 4), (7, 8), (2, 11)) if n == 5 else ((16, 16), (19, 40)):
            for name, kind in {"dinov2": PLAIN, "siglip": PLAIN, "clip": PLAIN, "registers": ANTIALIAS,
                               "open_clip": ANTIALIAS, "hub_reg": ANTIALIAS, "hub": OFFSET}.items():
                if n == 37 and name in ("siglip", "clip", "hub_reg"):
                    continue
                key = f"grid.{name}.{n}.{gh}x{gw}"
                out[key] = (hub_grid(table, gh, gw, name == "hub_reg") if name.startswith("hub") else
                            open_clip_grid(table, gh, gw) if name == "open_clip" else
                            embeddings(name, table, gh, gw))
                rows = int(name != "siglip")
                meta[key] = json.dumps({"grid": [kind, rows, n, gh, gw]})
    return out, meta


# ---- sweep

def sweep(count):
    random, rows = np.random.default_rng(5), []
    while len(rows) < count:
        w, h, W, H = (int(v) for v in np.exp(random.uniform(0, np.log(100), 4)))
        if h - H > max(0, 2 * (w - W)):
            continue  # where Pillow 13 goes down first, and all before it went across
        reach = 1 + len(rows) % 2
        image = PIL.Image.fromarray(picture(w, h, 1)).resize((W, H), reach + 1)
        rows.append([w, h, W, H, reach, zlib.crc32(image.tobytes())])
    return torch.tensor(rows)


def main():
    torch.set_num_threads(1)
    out, meta = cases()
    more, names = grids()
    out, meta = out | more | {"sweep": sweep(150)}, meta | names
    for module in (torch, torchvision, transformers, open_clip, PIL, safetensors):
        meta[module.__name__] = module.__version__
    out = {k: v.detach().clone().contiguous() for k, v in out.items()}
    raw = safetensors.torch.save(out, meta)
    end = 8 + int.from_bytes(raw[:8], "little")  # of the header, whose metadata come in random order
    header = json.dumps(json.loads(raw[8:end]), sort_keys=True, separators=(",", ":")).encode().ljust(end - 8)
    pathlib.Path(__file__).with_name("goldens_pixels.safetensors").write_bytes(raw[:8] + header + raw[end:])
    print(f"wrote goldens_pixels.safetensors: {len(out)} tensors, {len(raw)} bytes")


if __name__ == "__main__":
    main()
