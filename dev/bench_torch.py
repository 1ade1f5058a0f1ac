"""bench_torch.py: the PyTorch peer of `make bench` and `make bench_gpu`: training steps, timed on request.

Refuses: to read data, and to train what our side does not. Weights and inputs are random.
Run: python bench_torch.py encoder|boost|llm|features BATCH TEXT LOSS_ROWS THREADS NAME=VALUE...
     [--compile] [--onednn] [--device cuda] [--all-rows]; sizes: all fields of SbConfig (image=224 ...).
Says "ready" after the warm-up, then answers lines "step N" (bench_peers.py). All else goes to stderr.

encoder  the ViT, all of it trained by cross-entropy on the CLS row; TEXT, LOSS_ROWS: ignored
boost    the ViT with both channels (Attn+, a, projector trained, the rest frozen) and the frozen LLM on the
         image's rows and TEXT text rows a sample, causal throughout, loss on LOSS_ROWS of the text rows
llm      the LLM, all of it trained, on TEXT rows a sample, loss on LOSS_ROWS of them
features the ViT's normalised rows and no more, in inference mode; compiled, its weights are constants
A training step is forward, backward, clipping to norm 1, fused AdamW. Rows with a loss are gathered before
the head; with --all-rows the head reads all rows, as most trainers do. Two branches with a projection each
run faster than one attention of 2H heads on a CPU: so they are the peer. On a CPU everything is float32. On a
GPU weights, activations and gradients are bfloat16, AdamW works on float32 copies of what trains, and each
step brings its batch from pinned memory.
"""
import argparse
import math
import sys
import time

import torch
import torch._inductor.config
from bench_peers import answer, arguments, megabytes
from torch import nn
from torch.nn import functional as F

WARM_UP, NO_LOSS, NO_GPU = 3, -100, 77


class Attention(nn.Module):
    """q, k and v in one matmul. Rotary embedding where the tables cos and sin [rows, D/2] are given."""

    def __init__(self, width, heads, kv_heads, bias):
        super().__init__()
        self.sizes, self.d = (heads, kv_heads, kv_heads), width // heads
        self.qkv = nn.Linear(width, sum(self.sizes) * self.d)
        self.o = nn.Linear(width, width, bias=bias)

    def forward(self, x, rope=None):
        q, k, v = self.qkv(x).unflatten(-1, (-1, self.d)).transpose(1, 2).split(self.sizes, 1)
        if rope is not None:
            q, k = rotate(q, *rope), rotate(k, *rope)
        grouped = self.sizes[0] != self.sizes[1]
        y = F.scaled_dot_product_attention(q, k, v, is_causal=rope is not None, enable_gqa=grouped)
        return self.o(y.transpose(1, 2).flatten(2))


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


class EncoderLayer(nn.Module):
    def __init__(self, c, dual):
        super().__init__()
        width, heads = c.enc_width, c.enc_heads
        self.norm1, self.norm2 = nn.LayerNorm(width, c.enc_eps), nn.LayerNorm(width, c.enc_eps)
        self.base = Attention(width, heads, heads, True)
        if dual:
            self.plus, self.a = Attention(width, heads, heads, True), nn.Parameter(torch.randn(width))
        self.up, self.down = nn.Linear(width, c.enc_mlp), nn.Linear(c.enc_mlp, width)
        self.scaled = c.enc_scaled
        if self.scaled:
            self.scale1, self.scale2 = (nn.Parameter(torch.randn(width)) for _ in range(2))

    def forward(self, x):
        n = self.norm1(x)
        y = self.base(n)
        y = torch.lerp(self.plus(n), y, torch.sigmoid(self.a)) if hasattr(self, "plus") else y
        x = x + y * self.scale1 if self.scaled else x + y
        y = self.down(F.gelu(self.up(self.norm2(x))))
        return x + y * self.scale2 if self.scaled else x + y


class Encoder(nn.Module):
    def __init__(self, c, dual):
        super().__init__()
        self.patch = nn.Conv2d(3, c.enc_width, c.patch, c.patch)
        self.cls = nn.Parameter(torch.randn(c.enc_width))
        self.pos = nn.Parameter(torch.randn(1 + (c.image // c.patch) ** 2, c.enc_width))
        self.layers = nn.ModuleList(EncoderLayer(c, dual) for _ in range(c.enc_layers))
        self.norm = nn.LayerNorm(c.enc_width, c.enc_eps)

    def forward(self, pixels):
        x = self.patch(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), 1, -1), x], 1) + self.pos
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


class LlmLayer(nn.Module):
    def __init__(self, c):
        super().__init__()
        width = c.llm_width
        self.norm1, self.norm2 = nn.RMSNorm(width, c.llm_eps), nn.RMSNorm(width, c.llm_eps)
        self.attention = Attention(width, c.llm_heads, c.llm_kv_heads, False)
        self.gate_up = nn.Linear(width, 2 * c.llm_mlp, bias=False)
        self.down = nn.Linear(c.llm_mlp, width, bias=False)

    def forward(self, x, rope):
        x = x + self.attention(self.norm1(x), rope)
        gate, up = self.gate_up(self.norm2(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Llm(nn.Module):
    """Tied head; loss over given rows of the flattened batch, or over all (rows None)."""

    def __init__(self, c, rows):
        super().__init__()
        self.emb = nn.Embedding(c.vocab, c.llm_width)
        nn.init.normal_(self.emb.weight, std=0.02)
        self.layers = nn.ModuleList(LlmLayer(c) for _ in range(c.llm_layers))
        self.norm = nn.RMSNorm(c.llm_width, c.llm_eps)
        d = c.llm_width // c.llm_heads
        angle = torch.outer(torch.arange(rows).float(), c.theta ** (-torch.arange(0, d, 2).float() / d))
        self.register_buffer("cos", angle.cos())
        self.register_buffer("sin", angle.sin())

    def forward(self, x, loss_rows, targets):
        for layer in self.layers:
            x = layer(x, (self.cos, self.sin))
        x = x.flatten(0, 1)
        logits = F.linear(self.norm(x if loss_rows is None else x[loss_rows]), self.emb.weight)
        return F.cross_entropy(logits, targets, ignore_index=NO_LOSS)


class Task(nn.Module):
    """forward(**make_batch(...)) returns the loss of one batch, or its features."""

    def __init__(self, kind, c, text):
        super().__init__()
        self.patches = (c.image // c.patch) ** 2 if kind == "boost" else 0
        if kind != "llm":
            self.enc = Encoder(c, kind == "boost")
        if kind == "features":
            return
        if kind == "encoder":
            self.head = nn.Linear(c.enc_width, c.classes)
            return
        self.llm = Llm(c, self.patches + text)
        if kind == "boost":
            width = c.llm_width
            self.proj = nn.Sequential(nn.Linear(c.enc_width, width), nn.GELU(), nn.Linear(width, width))
            for name, p in self.named_parameters():
                p.requires_grad_(".plus." in name or name.endswith(".a") or name.startswith("proj."))

    def forward(self, targets=None, pixels=None, tokens=None, loss_rows=None):
        if targets is None:
            return self.enc(pixels)
        if hasattr(self, "head"):
            return F.cross_entropy(self.head(self.enc(pixels)[:, 0]), targets)
        x = self.llm.emb(tokens)
        if hasattr(self, "proj"):
            x = torch.cat([self.proj(self.enc(pixels)[:, 1:]) + x[:, :self.patches], x[:, self.patches:]], 1)
        return self.llm(x, loss_rows, targets)


def make_batch(kind, c, batch, text, loss_rows, all_rows):
    pixels = torch.rand(batch, 3, c.image, c.image) * 2 - 1
    if kind == "features":
        return {"pixels": pixels}
    if kind == "encoder":
        return {"pixels": pixels, "targets": torch.randint(c.classes, (batch,))}
    image_rows = (c.image // c.patch) ** 2 if kind == "boost" else 0
    rows = image_rows + text
    # image rows hold words too: patch words, where there are such
    out = {"pixels": pixels} if kind == "boost" else {}
    out["tokens"] = torch.randint(c.vocab, (batch, rows))
    at = torch.cat([torch.randperm(text)[:loss_rows].sort()[0] + image_rows + b * rows for b in range(batch)])
    out["targets"] = torch.randint(c.vocab, (batch * loss_rows,))
    if all_rows:
        out["targets"] = torch.full((batch * rows,), NO_LOSS).index_copy(0, at, out["targets"])
    else:
        out["loss_rows"] = at
    return out


def parse():
    parser = arguments(("encoder", "boost", "llm", "features"), __doc__)
    parser.add_argument("--compile", action="store_true", help="torch.compile the forward and backward pass")
    parser.add_argument("--onednn", action="store_true", help="linear layers by oneDNN (training: eager)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--all-rows", action="store_true", help="the head reads rows without loss, too")
    args = parser.parse_args()
    pairs = [size.split("=") for size in args.sizes]
    args.sizes = argparse.Namespace(**{k: float(v) if k in ("theta", "enc_eps", "llm_eps") or "." in v
                                       else int(float(v)) for k, v in pairs})
    return args


# --onednn: MKL, which nn.Linear calls, takes AVX2 kernels on AMD's processors; oneDNN takes AVX-512 ones.
def onednn(x, w, b=None):
    return torch.ops.mkldnn._linear_pointwise(x, w, b, "none", [], "")


class Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, b):
        ctx.save_for_backward(x, w)
        return onednn(x, w, b)

    @staticmethod
    def backward(ctx, d):
        x, w = ctx.saved_tensors
        rows, need = d.flatten(0, -2), ctx.needs_input_grad
        return (onednn(d, w.t()) if need[0] else None,
                onednn(rows.t(), x.flatten(0, -2).t()) if need[1] else None,
                rows.sum(0) if need[2] else None)


class Packed(nn.Module):
    """A linear layer that does not train, its weights in oneDNN's order for so many rows."""

    def __init__(self, linear, rows):
        super().__init__()
        self.w = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), rows)
        self.b = linear.bias.detach()

    def forward(self, x):
        return onednn(x, self.w, self.b)


def pack(module, rows):
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, Packed(child, rows))
        else:
            pack(child, rows)


class Trainer:
    """One batch, taken again and again. masters: what AdamW works on, in float32 with gradients."""

    def __init__(self, args):
        self.cuda, self.features = args.device == "cuda", args.kind == "features"
        with torch.device(args.device):
            task = Task(args.kind, args.sizes, args.text)
        batch = make_batch(args.kind, args.sizes, args.batch, args.text, args.loss_rows, args.all_rows)
        if self.cuda:
            task = task.bfloat16()
            batch = {k: (v.bfloat16() if v.is_floating_point() else v).pin_memory() for k, v in batch.items()}
        self.batch, self.device = batch, args.device
        self.loss_of_batch = torch.compile(task) if args.compile else task
        self.all = list(task.parameters())
        if args.onednn and not self.features:
            F.linear = lambda x, w, b=None: Linear.apply(x, w, b)
        if self.features:
            task.eval().requires_grad_(False)
            torch._inductor.config.freezing = True
            if args.onednn:
                pack(task, args.batch * (1 + (args.sizes.image // args.sizes.patch) ** 2))
            self.trained = []
            return
        self.trained = self.masters = [p for p in self.all if p.requires_grad]
        if self.cuda:
            self.masters = [p.detach().float() for p in self.trained]
            for p in self.masters:
                p.grad = torch.zeros_like(p)
        self.optimizer = torch.optim.AdamW(self.masters, 1e-4, (0.9, 0.98), weight_decay=0.05, fused=True)

    def step(self):
        if self.features:
            with torch.inference_mode():
                return self.loss_of_batch(**self.batch).mean()
        loss = self.loss_of_batch(**{k: v.to(self.device, non_blocking=True) for k, v in self.batch.items()})
        loss.backward()
        if self.cuda:
            torch._foreach_copy_([p.grad for p in self.masters], [p.grad for p in self.trained])
        nn.utils.clip_grad_norm_(self.masters, 1.0)
        self.optimizer.step()
        if self.cuda:
            with torch.no_grad():
                torch._foreach_copy_(self.trained, self.masters)
        for p in self.trained:
            p.grad = None
        return loss

    def megabytes(self):
        if self.cuda:
            return torch.cuda.max_memory_reserved() / (1 << 20)
        return megabytes()

    def take(self, count):
        start = time.perf_counter()
        for _ in range(count):
            loss = self.step()
        loss.item()  # waits for a GPU
        if self.cuda:
            torch.cuda.synchronize()
        return (time.perf_counter() - start) * 1e3 / count


def main():
    args = parse()
    if args.device == "cuda" and not torch.cuda.is_available():
        print("bench_torch.py: PyTorch sees no CUDA device here", file=sys.stderr)
        sys.exit(NO_GPU)
    torch.manual_seed(0)
    torch.set_num_threads(args.threads)
    trainer = Trainer(args)
    losses = [trainer.step().item() for _ in range(WARM_UP)]
    if not all(map(math.isfinite, losses)):
        sys.exit(f"error: {args.kind}: the losses {losses} are no numbers")
    trained, whole = (sum(p.numel() for p in group) / 1e6 for group in (trainer.trained, trainer.all))
    print(f"{args.kind}: torch {torch.__version__}, trains {trained:.2f} M of {whole:.2f} M parameters, "
          f"losses {losses}", file=sys.stderr)
    answer(trainer.take, trainer.megabytes)


if __name__ == "__main__":
    main()
