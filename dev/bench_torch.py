"""bench_torch.py: the PyTorch peer of `make bench`: training steps of the "small" preset, timed on request.

Refuses: to read data, and to train what our side does not. Weights and inputs are random, float32, CPU.
Run: python bench_torch.py encoder|boost|llm BATCH TEXT LOSS_ROWS THREADS ITERATIONS [--compile]
Prints "ready" after the warm-up, then answers every line "step" on stdin with "MILLISECONDS PEAK_RSS_MB", at
most ITERATIONS times: so a C program can let both sides step in turn. Everything else goes to stderr.

encoder  ViT-S/14 at 224 px, all of it trained by cross-entropy on the CLS row; TEXT, LOSS_ROWS: ignored
boost    that encoder with both channels (Attn+, a, projector trained, the rest frozen) and the frozen LLM on
         256 image rows and TEXT text rows a sample, causal throughout, loss on LOSS_ROWS of the text rows
llm      the LLM, all of it trained, on TEXT rows a sample, loss on LOSS_ROWS of them
A step is forward, backward, clipping to norm 1, fused AdamW. Rows with a loss are gathered before the head.
Two branches with a projection each run faster here than one attention of 2H heads: so they are the peer.
"""
import argparse
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

IMAGE, PATCH, WIDTH, LAYERS, HEADS, MLP, CLASSES = 224, 14, 384, 12, 6, 1536, 18
LLM_WIDTH, LLM_LAYERS, Q_HEADS, KV_HEADS, SWIGLU, VOCAB = 512, 8, 8, 2, 1408, 4096
PATCHES, WARM_UP = (IMAGE // PATCH) ** 2, 3


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
    def __init__(self, dual):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH, 1e-6), nn.LayerNorm(WIDTH, 1e-6)
        self.base = Attention(WIDTH, HEADS, HEADS, True)
        if dual:
            self.plus, self.a = Attention(WIDTH, HEADS, HEADS, True), nn.Parameter(torch.randn(WIDTH))
        self.up, self.down = nn.Linear(WIDTH, MLP), nn.Linear(MLP, WIDTH)

    def forward(self, x):
        n = self.norm1(x)
        y = self.base(n)
        x = x + (torch.lerp(self.plus(n), y, torch.sigmoid(self.a)) if hasattr(self, "plus") else y)
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Encoder(nn.Module):
    def __init__(self, dual):
        super().__init__()
        self.patch = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.cls, self.pos = nn.Parameter(torch.randn(WIDTH)), nn.Parameter(torch.randn(1 + PATCHES, WIDTH))
        self.layers = nn.ModuleList(EncoderLayer(dual) for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH, 1e-6)

    def forward(self, pixels):
        x = self.patch(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), 1, -1), x], 1) + self.pos
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


class LlmLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.RMSNorm(LLM_WIDTH, 1e-6), nn.RMSNorm(LLM_WIDTH, 1e-6)
        self.attention = Attention(LLM_WIDTH, Q_HEADS, KV_HEADS, False)
        self.gate_up = nn.Linear(LLM_WIDTH, 2 * SWIGLU, bias=False)
        self.down = nn.Linear(SWIGLU, LLM_WIDTH, bias=False)

    def forward(self, x, rope):
        x = x + self.attention(self.norm1(x), rope)
        gate, up = self.gate_up(self.norm2(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Llm(nn.Module):
    """Tied head; loss over given rows of the flattened batch."""

    def __init__(self, rows):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, LLM_WIDTH)
        nn.init.normal_(self.emb.weight, std=0.02)
        self.layers = nn.ModuleList(LlmLayer() for _ in range(LLM_LAYERS))
        self.norm = nn.RMSNorm(LLM_WIDTH, 1e-6)
        d = LLM_WIDTH // Q_HEADS
        angle = torch.outer(torch.arange(rows).float(), 1e6 ** (-torch.arange(0, d, 2).float() / d))
        self.rope = angle.cos(), angle.sin()

    def forward(self, x, loss_rows, targets):
        for layer in self.layers:
            x = layer(x, self.rope)
        return F.cross_entropy(F.linear(self.norm(x.flatten(0, 1)[loss_rows]), self.emb.weight), targets)


class Task(nn.Module):
    """forward() returns the loss of one batch."""

    def __init__(self, kind, batch, text, loss_rows):
        super().__init__()
        image_rows = PATCHES if kind == "boost" else 0
        if kind != "llm":
            self.enc, self.pixels = Encoder(kind == "boost"), torch.rand(batch, 3, IMAGE, IMAGE) * 2 - 1
        if kind == "encoder":
            self.head, self.targets = nn.Linear(WIDTH, CLASSES), torch.randint(CLASSES, (batch,))
            return
        rows = image_rows + text
        self.llm, self.tokens = Llm(rows), torch.randint(VOCAB, (batch, rows))  # image rows hold patch words
        self.loss_rows = torch.cat([torch.randperm(text)[:loss_rows].sort()[0] + image_rows + b * rows
                                    for b in range(batch)])
        self.targets = torch.randint(VOCAB, (batch * loss_rows,))
        if kind == "boost":
            self.proj = nn.Sequential(nn.Linear(WIDTH, LLM_WIDTH), nn.GELU(), nn.Linear(LLM_WIDTH, LLM_WIDTH))
            for name, p in self.named_parameters():
                p.requires_grad_(".plus." in name or name.endswith(".a") or name.startswith("proj."))

    def forward(self):
        if hasattr(self, "head"):
            return F.cross_entropy(self.head(self.enc(self.pixels)[:, 0]), self.targets)
        x = self.llm.emb(self.tokens)
        if hasattr(self, "proj"):
            x = torch.cat([x[:, :PATCHES] + self.proj(self.enc(self.pixels)[:, 1:]), x[:, PATCHES:]], 1)
        return self.llm(x, self.loss_rows, self.targets)


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("kind", choices=("encoder", "boost", "llm"))
    for name in ("batch", "text", "loss_rows", "threads", "iterations"):
        parser.add_argument(name, type=int)
    parser.add_argument("--compile", action="store_true", help="torch.compile the forward and backward pass")
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(args.threads)
    task = Task(args.kind, args.batch, args.text, args.loss_rows)
    trained = [p for p in task.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, betas=(0.9, 0.98), weight_decay=0.05, fused=True)
    loss_of_batch = torch.compile(task) if args.compile else task

    def step():
        start = time.perf_counter()
        loss = loss_of_batch()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return (time.perf_counter() - start) * 1e3, loss.item()

    losses = [step()[1] for _ in range(WARM_UP)]
    trained_m, all_m = (sum(p.numel() for p in group) / 1e6 for group in (trained, task.parameters()))
    print(f"{args.kind}: torch {torch.__version__}, trains {trained_m:.2f} M of {all_m:.2f} M parameters, "
          f"losses {losses}", file=sys.stderr)
    print("ready", flush=True)
    unit = 1 << (20 if sys.platform == "darwin" else 10)  # ru_maxrss is in bytes there, in KB elsewhere
    for _ in range(args.iterations):
        line = sys.stdin.readline()
        if line not in ("step\n", ""):
            sys.exit(f"error: stdin: expected the line step, found {line!r}")
        if not line:
            break
        ms = step()[0]
        print(f"{ms:.3f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit:.0f}", flush=True)


if __name__ == "__main__":
    main()
