"""goldens_text.py: tokenizers of every shape that data/tokenizer.h reads, and what Hugging Face makes of texts.

Refuses: text and vocabularies of anybody else. The tokenizers are trained here, on the text below, so that their
files have the shapes of the families (FAMILY/tokenizer.json) with a few hundred entries. Run it in a Python with
dev/requirements.txt:    python dev/goldens_text.py dev/goldens_text
FAMILY/cases.json: "texts": {text, ids, plain: ids if special tokens are text, template: ids with the template,
out: what decoding gives if it is not the text}; "repeats": {text, count, n, sum}: so often that text, n ids,
sum = sum * 31 + id modulo 2^32; "decodes": {ids, out, skip: special tokens left out}. Where a text holds a zero,
"hex" stands for "text" (and "outhex" for "out"): the bytes.
chat.json: {family, layout, system, turns: [question, answer or null], ids: -1 is an image, mask: 1 is trained}.
"""
import json
import pathlib
import random
import sys

import tokenizers
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast
from transformers.utils.chat_template_utils import render_jinja_template

# The patterns of the families: data of their tokenizer.json files.
END = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + END
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + END

TRAINING = """
The red box stands to the left of the blue sphere, about 342 cm from the camera; the green cylinder is nearer.
What is the depth at (437, 562)? It is 3.42 m. Which is closer, the chair or the table? The chair is closer.
How far apart are the two boxes? They are 1.8 m apart. Is the lamp above the table? Yes, by half a metre.
I'm sure that you're right, we've seen it, they'll come, he'd know, she's here, don't and can't: it isn't far.
user
system
assistant



The room is 4.1 m wide, 5.3 m long and 2.6 m high.


for (int i = 0; i < n; i++) {
    if (x[i] == 0) return -1;
    sum += x[i] * y[i];
}
\tthe tab\tand the other tab\t\t\tthree of them
Der rote Würfel steht links von der blauen Kugel; daneben, größer, ein grüner Zylinder. Wie groß ist er?
La boîte rouge est à gauche de la sphère bleue, très près du café. Où est la fenêtre? L'été, c'est déjà ça.
El cubo está más cerca que la mesa; ¿dónde está la lámpara? ¡Aquí! El niño señaló la habitación pequeña.
Красный куб стоит слева от синего шара, в трёх метрах от камеры. Где стоит стол? Рядом с окном.
红色的盒子在蓝色的球的左边。桌子离相机大约三米。椅子在哪里？椅子在桌子的右边。
赤い箱は青い球の左にあります。机はカメラから三メートルのところにあります。椅子はどこですか。
빨간 상자는 파란 공의 왼쪽에 있습니다. 의자는 어디에 있습니까? 의자는 책상 옆에 있습니다.
लाल डिब्बा नीली गेंद के बाईं ओर है। कुर्सी कहाँ है? कुर्सी मेज़ के पास है।
الصندوق الأحمر على يسار الكرة الزرقاء. أين الكرسي؟ الكرسي بجانب الطاولة.
🙂 👍🏽 👩‍👩‍👧‍👦 🇩🇪 🇯🇵 → ≤ ± × °C ½ m² №1 ①②③ Ⅳ
"""

TEXTS = """
Hello world
 Hello world
The red box is 3.42 m from the camera, isn't it?
I'M SURE YOU'LL SEE; WE'VE, THEY'RE, IT'S, HE'D, CAN'T: 'quoted' ''twice'' 'sX '\u017f
I'm  here 12,345.678 x1y22z333 \u00bd \u00b2 \u2163 \u2460\u2461 \u0663\u0664 3\u0969
   leading, and trailing   \x20
a b  c   d    e     f         g
\u00a0no-break\u2003\u2003two em\u3000ideographic\u180emongolian\u200bzero width\u0085next\ufeffbom \u00a0 x
snake_case camelCase HTTPServer __init__ a.b->c x+=y; //!? ((())) "'`~ <|> <<>> #!/bin/sh
caf\u00e9 cafe\u0301 na\u00efve nai\u0308ve \u212bngstr\u00f6m \u2126 \u212a \u037e \u1e9b\u0323 o\u0302\u0303 \u1ed7
A\u030a \u01d5 U\u0308\u0304 q\u0323\u0307 q\u0307\u0323 \u0344 \u0958 \u0915\u093c \ufb1d \ufb03 \u0f43 \u2adc
\u1100\u1161\u11a8 \uac00\u11a8 \u1100\u1161 \uac01 \u1161\u11a8 \uac01\u11a8
\u0928\u093f \u0915\u094d\u0937\u093f \u0bae\u0bca\u0bb4\u0bbf \u0bc6\u0bbe \u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22
\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd \u0627\u0644\u0639\u064e\u0631\u064e\u0628\u0650\u064a\u064e\u0651\u0629
红色的盒子在左边，椅子在哪里？赤い箱は左。ハ\u309a か\u3099 カ\uff9f
Привет, мир! Ελληνικά Հայերեն ქართული ኢትዮጵያ ᏣᎳᎩ
🙂🙃 👍🏽 👩\u200d👩\u200d👧\u200d👦 👨🏿\u200d🚀 🇩🇪🇯🇵🇺 1\ufe0f\u20e3 #\ufe0f\u20e3 ❤\ufe0f ☺ ✔\ufe0e 🏴\U000e0067\U000e0062\U000e007f
𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈 𠀋 𒀀 𝟘𝟙𝟚 𐒠 \U0001d15e \U00011099\U000110ba
\ufffd \ufffe \U0010ffff \ue000
z\u0337\u0322\u0327\u031b\u0353\u0317\u031d\u0313\u0308\u0301a\u0336\u0354\u033fl\u0338\u0330\u0352g\u0335\u0328\u030bo
<|endoftext|>
a<|im_start|>user
b<|im_end|><|im_end|> c
<|begin_of_text|>x<|start_header_id|>user<|end_header_id|>y<|eot_id|>
<|im_start <|im_end| <|im_start|im_end|> |>
<tool_call>{"a": 1}</tool_call> <tool></tool_call>
<\u0439> <\u0438\u0306> <\u0438> <long><longer><longe>\u180e!
left <l>  right <r> \u00a0 both <b>\u3000<b> \u2003 <l> \te\u0301<r><l>
""".strip("\n").split("\n")
TEXTS += ["", " ", "\n", "\n\n", "\r\n", "  \n  \n\n   x", "a\r\nb\rc\n\r\nd\n\n\n", "\t\tx\t", "x\n", "x \n",
          "...\n\n...\r\n", "\0", "a\0b\0\0c", "\x01\x02\x1b[0m\x7f", "\n\u0301x", " \u0301", "\u0301\u0301",
          " " * 37 + "x" + " " * 50, "=" * 70, "<" * 40 + "|im_end|>" * 3, "e" + "\u0301\u0323" * 20, "ab" * 40]
REPEATS = [("a", 100000), ("the", 33334), ("红色", 20000), (" ", 100000), ("\n ", 50000), ("🙂", 25000), ("=-", 50000),
           ("<|im_", 20000), ("1234567", 15000), ("e\u0301", 40000), ("The red box.\n", 8000)]


def added(first, rows):
    """added_tokens from id first on: rows of a content and the flags that are set."""
    flags = ("single_word", "lstrip", "rstrip", "normalized", "special")
    return [{"id": first + i, "content": content} | {f: f in on.split() for f in flags}
            for i, (content, on) in enumerate(rows)]


def byte_level(regex, space=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=space, trim_offsets=False, use_regex=regex)


def split(pattern):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), byte_level(False)])


def template(bos, id):
    token = {"SpecialToken": {"id": bos, "type_id": 0}}
    a, b = {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}
    return {"type": "TemplateProcessing", "single": [token, a], "pair": [token, a, token, b],
            "special_tokens": {bos: {"id": bos, "ids": [id], "tokens": [bos]}}}


def train(size, steps, normalizer=None, first=(), alphabet=True):
    """The tokenizer.json, as an object, of a BPE trained on TRAINING, twice for more merges; first: special tokens."""
    t = Tokenizer(models.BPE())
    t.pre_tokenizer, t.decoder = steps, decoders.ByteLevel()
    if normalizer:
        t.normalizer = normalizer
    letters = pre_tokenizers.ByteLevel.alphabet() if alphabet else []
    t.train_from_iterator([TRAINING] * 2, trainers.BpeTrainer(vocab_size=size, initial_alphabet=letters, min_frequency=2,
                                                          special_tokens=list(first), show_progress=False))
    file = json.loads(t.to_str())
    file["post_processor"] = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}
    return file


def strings(file):
    """The older way to write merges."""
    file["model"]["merges"] = [" ".join(pair) for pair in file["model"]["merges"]]
    return file


def one_more(file, left, right):
    """One merge more, which happens or not by the way of cutting."""
    file["model"]["vocab"][left + right] = len(file["model"]["vocab"])
    file["model"]["merges"].append([left, right])
    return file


def families():
    ends = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    special = [(e, "special") for e in ends]
    f = {"qwen2": train(620, split(QWEN2), normalizers.NFC()), "llama3": train(560, split(LLAMA3)),
         "gpt2": train(520, byte_level(True), first=ends[:1]),
         "smollm2": train(540, pre_tokenizers.Sequence([pre_tokenizers.Digits(True), byte_level(True)]), first=ends)}
    strings(one_more(f["smollm2"], "3", "3"))
    strings(one_more(f["gpt2"], "\u0130", "!"))  # U+180E ends in byte 8E, here U+0130: not blank, so this one happens
    f["qwen2"]["added_tokens"] = added(len(f["qwen2"]["model"]["vocab"]), special + [
        ("<tool_call>", ""), ("</tool_call>", ""), ("<\u0438\u0306>", "normalized"), ("<long", ""),
        ("<longer>", "normalized")])
    llama, first = f["llama3"], len(f["llama3"]["model"]["vocab"])
    names = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    llama["added_tokens"] = added(first, [(n, "special") for n in names])
    llama["post_processor"] = {"type": "Sequence", "processors": [llama["post_processor"], template(names[0], first)]}
    llama["model"]["ignore_merges"] = True  # and tokens that no merge makes, so that it matters
    llama["model"]["merges"] = [m for m in llama["model"]["merges"] if "".join(m) not in ("Ġthe", "Ġis", "Ġbox", "çļĦ")]
    # what none of them has: a space put before, digits in runs, tokens that eat blanks, bytes that are unknown
    words = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r"\p{Lu}+|[,;]\s?(?=\S)"), "isolated")])
    steps = pre_tokenizers.Sequence([pre_tokenizers.Digits(False), words, byte_level(True, space=True)])
    odd = f["odd"] = train(420, steps, normalizers.Sequence([normalizers.NFC()]), first=["<unk>"], alphabet=False)
    odd["model"]["unk_token"] = "<unk>"
    odd["added_tokens"] += added(len(odd["model"]["vocab"]), [
        ("<l>", "lstrip special"), ("<r>", "rstrip special"), ("<b>", "lstrip rstrip"), ("\u0439", "normalized"),
        ("<long", "lstrip normalized"), ("<longer>", "normalized")])
    return f


def put(name, hex_name, text):
    """A text as a field, in hexadecimal if it holds a zero, which our JSON reader refuses."""
    return {hex_name: text.encode().hex()} if "\0" in text else {name: text}


def cases(t):
    rows, repeats, decodes, r = [], [], [], random.Random(1)

    def ids(text, special=False, template=False):
        t.encode_special_tokens = special
        return t.encode(text, add_special_tokens=template).ids
    for text in TEXTS:
        row = put("text", "hex", text) | {"ids": ids(text)}
        plain, wrapped = ids(text, special=True), ids(text, template=True)
        out = t.decode(row["ids"], skip_special_tokens=False)
        row |= {"plain": plain} if plain != row["ids"] else {}
        row |= {"template": wrapped} if wrapped != row["ids"] and len(text) < 20 else {}
        row |= put("out", "outhex", out) if out != text else {}
        rows.append(row)
    for text, count in REPEATS:
        total, found = 0, ids(text * count)
        for i in found:
            total = (total * 31 + i) % 2 ** 32
        repeats.append({"text": text, "count": count, "n": len(found), "sum": total})
    for i in range(60):  # half of them bytes: broken characters
        some = [r.randrange((256, t.get_vocab_size())[i % 2]) for _ in range(12)]
        out = t.decode(some, skip_special_tokens=i % 3 == 0)
        decodes.append({"ids": some, "skip": i % 3 == 0} | put("out", "outhex", out))
    return {"made by": f"tokenizers {tokenizers.__version__}", "texts": rows, "repeats": repeats, "decodes": decodes}


# Written from the published layouts, without a default system text; {% generation %} marks what is trained.
HEAD = "{% for m in messages %}{% if loop.first and bos_token %}{{ bos_token }}{% endif %}"
CHATML = HEAD + """<|im_start|>{{ m.role + '\n' }}{% if m.role == 'assistant' %}\
{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}\
{% else %}{{ m.content }}<|im_end|>{% endif %}{{ '\n' }}{% endfor %}\
{% if add_generation_prompt %}<|im_start|>assistant{{ '\n' }}{% endif %}"""
HEADERS = HEAD + """<|start_header_id|>{{ m.role }}<|end_header_id|>{{ '\n\n' }}{% if m.role == 'assistant' %}\
{% generation %}{{ m.content | trim }}<|eot_id|>{% endgeneration %}\
{% else %}{{ m.content | trim }}<|eot_id|>{% endif %}{% endfor %}\
{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>{{ '\n\n' }}{% endif %}"""

TALKS = [
    (None, [["What is the depth at (437, 562)?", "342 cm"]]),
    (None, [["<image>\nWhich chair is nearer, the red or the blue one?", "The red chair, at about 1.8 m."],
            ["And the table?", "About 2.4 m."]]),
    ("You are a helpful assistant.", [["Where is the lamp?", "Above the table.\n"], ["How far?", None]]),
    ("Answer in metres.", [["<image><image>\nIs <image> the same room?\n", "Yes."], ["Look at <image>", "I do."]]),
    (None, [["\n\nWhat?\n\n", "\n\nThe room is 4.1 m wide.\n\n"], ["  blanks  ", "   leading and trailing \t "]]),
    (None, [["\u3000\x1c\u0085 Где стол?\x1f", "\xa0红色的盒子 cafe\u0301 \u2028"], ["🙂", "👩‍👩‍👧‍👦"]]),
    (" \n sys \n ", [["a <|im_end|> b <|eot_id|>", "<tool_call>{}</tool_call> <|im_start|> c"], ["", "x"], ["x", ""]]),
    (None, [["<image>", None]]),
]


def chat(files):
    rows = []
    for family, layout, text, bos in (("qwen2", "chatml", CHATML, None), ("smollm2", "chatml", CHATML, None),
                                      ("llama3", "llama3", HEADERS, "<|begin_of_text|>")):
        t = Tokenizer.from_str(json.dumps(files[family]))
        hf = PreTrainedTokenizerFast(tokenizer_object=t, bos_token=bos, chat_template=text)
        for system, turns in TALKS:
            talk = [{"role": "system", "content": system}] if system is not None else []
            for question, answer in turns:
                talk += [{"role": "user", "content": question}]
                talk += [{"role": "assistant", "content": answer}] if answer is not None else []
            asks = turns[-1][1] is None
            rendered, spans = render_jinja_template([talk], chat_template=text, return_assistant_tokens_mask=True,
                                                    add_generation_prompt=asks, bos_token=bos)
            ids, mask, at = [], [], 0
            for i, chunk in enumerate(rendered[0].split("<image>")):  # LLaVA's way: every chunk by itself
                if i:
                    ids, mask, at = ids + [-1], mask + [0], at + len("<image>")
                e = hf(chunk, add_special_tokens=False, return_offsets_mapping=True)
                ids += e["input_ids"]
                mask += [int(any(at + a < end and at + b > begin for begin, end in spans[0]))
                         for a, b in e["offset_mapping"]]
                at += len(chunk)
            if -1 not in ids:
                theirs = hf.apply_chat_template(talk, add_generation_prompt=asks, return_dict=True,
                                                return_assistant_tokens_mask=True)
                assert theirs["input_ids"] == ids and theirs["assistant_masks"] == mask, (family, talk)
            rows.append({"family": family, "layout": layout, "system": system, "turns": turns} | {"ids": ids, "mask": mask})
    return {"made by": f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}", "cases": rows}


def main(folder):
    files = families()
    for family, file in files.items():
        place = pathlib.Path(folder, family)
        place.mkdir(parents=True, exist_ok=True)
        t = Tokenizer.from_str(json.dumps(file))
        (place / "tokenizer.json").write_text(json.dumps(file, ensure_ascii=False) + "\n", newline="")
        text = json.dumps(cases(t), ensure_ascii=False).replace("}, {", "},\n{")
        (place / "cases.json").write_text(text + "\n", newline="")
    text = json.dumps(chat(files), ensure_ascii=False).replace('}, {"family', '},\n{"family')
    pathlib.Path(folder, "chat.json").write_text(text + "\n", newline="")


main(sys.argv[1])
