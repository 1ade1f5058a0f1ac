"""bench_peers.py: llama.cpp and tokenizers as peers of `make bench`, and the line protocol of all peers.

Refuses: to read data but for the tokenizer's. The language model has the shape that the folder's config.json
(--llm) names and random bf16 weights, in a GGUF file under TMPDIR that is removed at the end.
Run: python bench_peers.py prefill|decode|tokenizer BATCH TEXT LOSS_ROWS THREADS NAME=VALUE...
     [--llm FOLDER] [--tokenizer FILE --file FILE]; needs the packages gguf and numpy, or tokenizers.

prefill    BENCH_LLAMA (llama-bench), a prompt of TEXT tokens; its own warm-up, loading left out
decode     the same, N tokens one after another for a line "step N"; milliseconds of one
tokenizer  the text in documents of 200 lines, on one core, ids only (encode_batch_fast)
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time


def arguments(kinds, doc):
    """The words that dev/bench.h starts a peer with."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=doc, formatter_class=raw)
    parser.add_argument("kind", choices=kinds)
    for name in ("batch", "text", "loss_rows", "threads"):
        parser.add_argument(name, type=int)
    parser.add_argument("sizes", nargs="+", metavar="NAME=VALUE", help="fields of SbConfig")
    return parser


def megabytes(who=resource.RUSAGE_SELF):
    unit = 1 << (20 if sys.platform == "darwin" else 10)  # ru_maxrss is in bytes there, in KB elsewhere
    return resource.getrusage(who).ru_maxrss / unit


def answer(take, memory):
    """Say "ready", then answer lines "step N" with "MILLISECONDS MEGABYTES" until they end, as dev/bench.h
    wants it: take(N) takes N steps and returns the milliseconds of one; the most memory so far."""
    print("ready", flush=True)
    for line in sys.stdin:
        word, count = (line.split() + ["", ""])[:2]
        if word != "step" or not count.isdigit() or int(count) < 1:
            sys.exit(f"error: stdin: expected the line step N, found {line!r}")
        print(f"{take(int(count)):.4f} {memory():.0f}", flush=True)


def cpu_time(args):
    """As in dev/bench.c: of one thread, CPU time."""
    return args.threads == 1 and sys.platform != "darwin"


def write_gguf(path, folder):
    import gguf
    import numpy

    with open(os.path.join(folder, "config.json"), encoding="utf-8") as f:
        c = json.load(f)
    width, mlp, heads, kv_heads = (c[key] for key in ("hidden_size", "intermediate_size",
                                                      "num_attention_heads", "num_key_value_heads"))
    kv = width // heads * kv_heads
    w = gguf.GGUFWriter(path, "qwen2")
    w.add_context_length(c["max_position_embeddings"])
    w.add_embedding_length(width)
    w.add_block_count(c["num_hidden_layers"])
    w.add_feed_forward_length(mlp)
    w.add_head_count(heads)
    w.add_head_count_kv(kv_heads)
    w.add_rope_freq_base(c["rope_theta"])
    w.add_layer_norm_rms_eps(c["rms_norm_eps"])
    w.add_vocab_size(c["vocab_size"])
    w.add_tokenizer_model("no_vocab")
    random = numpy.random.default_rng(0)

    def matrix(name, rows, cols):
        x = random.uniform(-2, 2, (rows, cols)).astype(numpy.float32) / width ** 0.5
        half = (x.view(numpy.uint32) >> 16).astype(numpy.uint16)
        w.add_tensor(name, half.view(numpy.uint8), raw_dtype=gguf.GGMLQuantizationType.BF16)

    def vector(name, count, middle):
        w.add_tensor(name, (middle + random.uniform(-0.2, 0.2, count)).astype(numpy.float32))

    matrix("token_embd.weight", c["vocab_size"], width)
    vector("output_norm.weight", width, 1)
    for layer in range(c["num_hidden_layers"]):
        block = f"blk.{layer}."
        for name, rows in (("attn_q", width), ("attn_k", kv), ("attn_v", kv)):
            matrix(f"{block}{name}.weight", rows, width)
            vector(f"{block}{name}.bias", rows, 0)
        matrix(block + "attn_output.weight", width, width)
        matrix(block + "ffn_gate.weight", mlp, width)
        matrix(block + "ffn_up.weight", mlp, width)
        matrix(block + "ffn_down.weight", width, mlp)
        vector(block + "attn_norm.weight", width, 1)
        vector(block + "ffn_norm.weight", width, 1)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def serve_llama(args):
    program = os.environ.get("BENCH_LLAMA")
    if not program:
        sys.exit("bench_peers.py: BENCH_LLAMA names no llama-bench")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.gguf")
        write_gguf(path, args.llm)

        def run(prompt, words, repeats, *options):
            command = [program, "-m", path, "-t", args.threads, "-p", prompt, "-n", words, "-r", repeats,
                       "-o", "json", *options]
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run([*map(str, command)], check=True, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
            return json.loads(done.stdout)[0]["avg_ns"] * 1e-6, cpu * 1e3

        def take(count):
            what = (args.text, 0) if args.kind == "prefill" else (0, count)
            if cpu_time(args):  # all that a second repeat adds: loading is in both
                ms = run(*what, 2, "--no-warmup")[1] - run(*what, 1, "--no-warmup")[1]
            else:
                ms = run(*what, 1)[0]
            return ms / (what[1] or 1)

        take(2)
        answer(take, lambda: megabytes(resource.RUSAGE_CHILDREN))


def serve_tokenizer(args):
    os.environ["RAYON_NUM_THREADS"] = "1"
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(args.tokenizer)
    with open(args.file, encoding="utf-8", newline="") as f:
        lines = f.readlines()
    documents = ["".join(lines[i:i + 200]) for i in range(0, len(lines), 200)]

    clock = time.process_time if cpu_time(args) else time.perf_counter

    def take(count):
        start = clock()
        for _ in range(count):
            tokenizer.encode_batch_fast(documents, add_special_tokens=False)
        return (clock() - start) * 1e3 / count

    take(2)
    answer(take, megabytes)


def main():
    parser = arguments(("prefill", "decode", "tokenizer"), __doc__)
    parser.add_argument("--llm", metavar="FOLDER", help="its config.json names the language model's shape")
    parser.add_argument("--tokenizer", metavar="FILE", help="a tokenizer.json")
    parser.add_argument("--file", metavar="FILE", help="the text")
    args = parser.parse_args()
    (serve_tokenizer if args.kind == "tokenizer" else serve_llama)(args)


if __name__ == "__main__":
    main()
