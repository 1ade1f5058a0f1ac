// test_hub.h: models of the hub through the programs: folders in, three stages, folders out. Part of
// test_spatialboost.c; run by test_hub_all.
//
// Refuses: to download, Python. The encoder is DINOv2's of dev/goldens_models, the language model a random
// Qwen2 with the tokenizer of dev/goldens_text, the records rooms of the simulator and a few written here.
// Read from top: folders and records, order and samples, labels, the path, resuming, exports, refusals.
#ifndef SB_TEST_HUB_H
#define SB_TEST_HUB_H
#include "qwen_folder.h"
#include "test_runs.h"

// A shell line as a whole: test_shell, which redirects what the last command says.
#define HUB(line) test_shell("(" line ")")

// ---- folders and records

static void hub_put(const char *name, const char *text) {
    sb_write_file(test_path(name), text, strlen(text));
}

// A random Qwen2 of two layers, 32 wide.
static const QwenShape hub_qwen = {32, 4, 2, 2, 48, 640, 0, 1e4};
// Once: @T/hub/{enc,llm,rooms,clip}, and talk.jsonl with nine records: six about rooms, one about two
// pictures, one about a video of five frames, one without a picture.
enum { HUB_RECORDS = 9 };
static int hub_made(void) {
    static int made;
    if (made) return made > 0;
    made = -1;
    int code = HUB(
        "mkdir -p @T/hub/enc @T/hub/llm && cp dev/goldens_models/dinov2/config.json "
        "dev/goldens_models/dinov2/model.safetensors @T/hub/enc && cp dev/goldens_text/qwen2/tokenizer.json "
        "@T/hub/llm && @B/data/simulate --scene 5 --count 3 --size 32 --out @T/hub/rooms && @B/data/converse "
        "--scenes @T/hub/rooms --out @T/hub/talk.jsonl --mix depth=2,what=1 && mkdir @T/hub/clip && "
        "for i in 0 1 2 3 4; do cp $(ls @T/hub/rooms/*/color/* | sed -n $((i+1))p) @T/hub/clip/$i.png || "
        "exit 1; done && cp -r @T/hub/rooms @T/hub/pictures");
    CHECK(!code, "no folders: %s", test_said());
    if (code) return 0;
    hub_put("hub/enc/preprocessor_config.json",
            "{\"image_processor_type\": \"BitImageProcessor\", \"do_resize\": true, \"size\": "
            "{\"shortest_edge\": 18}, \"resample\": 3, \"do_center_crop\": true, \"crop_size\": {\"height\": "
            "16, \"width\": 16}, \"do_rescale\": true, \"rescale_factor\": 0.00392156862745098, "
            "\"do_normalize\": true, \"image_mean\": [0.485, 0.456, 0.406], \"image_std\": [0.229, 0.224, "
            "0.225], \"do_convert_rgb\": true}");
    qwen_folder(test_path("hub/llm"), &hub_qwen);
    FILE *f = fopen(test_path("hub/talk.jsonl"), "a");
    if (!f) return 0;
    fprintf(f,
            "{\"id\": \"two\", \"image\": [\"clip/0.png\", \"clip/3.png\"], \"conversations\": [{\"from\": "
            "\"human\", \"value\": \"<image>\\n<image>\\nAre they the same?\"}, {\"from\": \"gpt\", "
            "\"value\": \"No.\"}]}\n"
            "{\"id\": \"video\", \"image\": \"clip\", \"conversations\": [{\"from\": \"human\", \"value\": "
            "\"What moves?\\n<image>\"}, {\"from\": \"gpt\", \"value\": \"The camera.\"}, {\"from\": "
            "\"human\", \"value\": \"Which way?\"}, {\"from\": \"gpt\", \"value\": \"390 cm ahead\"}]}\n"
            "{\"id\": \"words\", \"conversations\": [{\"from\": \"human\", \"value\": \"Hello\"}, {\"from\": "
            "\"gpt\", \"value\": \"Hi there\"}]}\n");
    fclose(f);
    made = 1;
    return 1;
}
// The three stages in @T/hub/out, once: every step sees all records, so that losses can be compared.
static int hub_trained(void) {
    static int made;
    if (!hub_made()) return 0;
    if (made) return made > 0;
    int code = HUB("cp -r @T/hub/enc @T/hub/enc_before && cp -r @T/hub/llm @T/hub/llm_before && "
                   "h='--out @T/hub/out --data @T/hub/talk.jsonl --batch 9 --steps 10 --lr 1e-2 --frames 3'; "
                   "@B/train align --encoder @T/hub/enc --llm @T/hub/llm --valid @T/hub/talk.jsonl $h && "
                   "@B/train instruct $h && @B/train boost $h");
    made = code ? -1 : 1;
    CHECK(!code, "the stages: %s", test_said());
    return !code;
}
// The models and the records as train.c opens them.
static void hub_open(SbPretrained *p, SbConfig *c, SbSource *s) {
    SbPretrainedFlags f = {test_path("hub/enc"), test_path("hub/llm"), NULL, NULL, 0, 0, 0};
    *c = sb_config_preset(SB_MINI);
    sb_pretrained_open(p, &f, c);
    sb_source_init(s, c, SB_TASK_DIALOGUE, SB_POOL_TRAIN, "mix", 1, 7);
    s->pretrained = p, s->frames = 3, s->share = 1;
    sb_source_records(s, test_path("hub/talk.jsonl"));
}

// ---- order and samples

// sb_shuffled is a permutation of 0 .. n-1 for every n, another one for another seed.
static void test_hub_shuffled(void) {
    static const int size[] = {1, 2, 3, 4, 5, 7, 16, 17, 64, 100, 1000, 4096, 4097};
    for (size_t k = 0; k < sizeof size / sizeof *size; k++) {
        int n = size[k], same = 0, fixed = 0;
        for (uint64_t seed = 0; seed < 4; seed++) {
            unsigned char *seen = (unsigned char *)sb_calloc((size_t)n, 1);
            int twice = 0;
            for (int i = 0; i < n; i++) {
                uint64_t at = sb_shuffled((uint64_t)i, (uint64_t)n, seed);
                CHECK(at < (uint64_t)n, "n %d, seed %d: %d goes to %d", n, (int)seed, i, (int)at);
                twice += seen[at]++;
                fixed += at == (uint64_t)i;
                same += at == sb_shuffled((uint64_t)i, (uint64_t)n, seed + 1);
            }
            CHECK(!twice, "n %d, seed %d: %d come twice", n, (int)seed, twice);
            free(seen);
        }
        // both counts are about Poisson with mean 4; 16 or more has probability 1e-5
        CHECK(n < 64 || (same < 16 && fixed < 16), "n %d: %d as with another seed, %d in place", n, same,
              fixed);
    }
}
// Every record once an epoch, in an order of its own, whatever the batch; pictures as the encoder takes them.
static void test_hub_epochs(void) {
    SbPretrained p;
    SbConfig c;
    SbSource s;
    SbSample *slot = (SbSample *)sb_calloc(4, sizeof *slot);
    if (!hub_made()) return;
    hub_open(&p, &c, &s);
    CHECK(s.records == HUB_RECORDS, "%ld records", s.records);
    int seen[4][HUB_RECORDS + 1] = {{0}}, order[4][HUB_RECORDS], differ = 0;
    for (int at = 0; at < 4 * HUB_RECORDS; at += 4) {
        sb_source_samples(&s, slot, 4, (uint64_t)at);
        for (int i = 0; i < 4; i++) {
            long record = slot[i].talk.record;
            seen[(at + i) / HUB_RECORDS][record]++;
            order[(at + i) / HUB_RECORDS][(at + i) % HUB_RECORDS] = (int)record;
            int pictures = record == 7 ? 2 : record == 8 ? 3 : record == 9 ? 0 : 1;
            CHECK(slot[i].pictures == pictures, "record %ld: %d pictures", record, slot[i].pictures);
            CHECK(record != 8 || slot[i].shown[0] == 3, "a video shows %d frames", slot[i].shown[0]);
            CHECK(record != 7 || (slot[i].shown[0] == 1 && slot[i].shown[1] == 1), "two pictures");
        }
    }
    for (int e = 0; e < 4; e++)
        for (int r = 1; r <= HUB_RECORDS; r++)
            CHECK(seen[e][r] == 1, "epoch %d reads record %d %d times", e, r, seen[e][r]);
    for (int i = 0; i < HUB_RECORDS; i++) differ += order[0][i] != order[1][i];
    CHECK(differ, "two epochs in the same order");
    free(slot), sb_pretrained_close(&p);
}
// Frames of a video: the first, the last, evenly between; never more than there are.
static void test_hub_frames(void) {
    SbSource s;
    SbSample one;
    if (!hub_made()) return;
    static const char *const want[] = {"0", "04", "024", "0124", "01234", "01234"}; // k * 4 / (n - 1), down
    memset(&s, 0, sizeof s);
    s.folder = sb_copy(test_path("hub"));
    for (int n = 1; n <= 6; n++) {
        char got[8] = "";
        memset(&one, 0, sizeof one);
        s.frames = n;
        int shown = sb_sample_files(&s, &one, "clip");
        CHECK(shown == one.pictures, "%d shown, %d pictures", shown, one.pictures);
        for (int i = 0; i < one.pictures && i < 6; i++)
            got[i] = one.path[i][strlen(one.path[i]) - 5], got[i + 1] = 0;
        CHECK(one.pictures == (int)strlen(got) && !strcmp(got, want[n - 1]), "%d frames: %s", n, got);
    }
    free(s.folder);
}

// ---- labels

// What is learnt of a conversation is exactly the assistant's words and the token that ends them: the rows of
// the batch against a list written by hand.
static void test_hub_labels(void) {
    static const char *const chunk[] = {// L: learnt, -: not, I: a picture of 16 patches
                                        "-<|im_start|>user\n",
                                        "-What moves?\n",
                                        "I",
                                        "I",
                                        "I",
                                        "-<|im_end|>",
                                        "-\n",
                                        "-<|im_start|>assistant\n",
                                        "LThe camera.",
                                        "L<|im_end|>",
                                        "-\n",
                                        "-<|im_start|>user\n",
                                        "-Which way?",
                                        "-<|im_end|>",
                                        "-\n",
                                        "-<|im_start|>assistant\n",
                                        "L390 cm ahead",
                                        "L<|im_end|>",
                                        "-\n"};
    SbPretrained p;
    SbConfig c;
    SbSource s;
    SbSample *slot = (SbSample *)sb_calloc(1, sizeof *slot);
    SbBatch b;
    SbIds ids = {NULL, 0, 0};
    int row = 0, loss = 0, image = 0;
    if (!hub_made()) return;
    hub_open(&p, &c, &s);
    s.record += 7, s.records = 1; // the video
    memset(&b, 0, sizeof b);
    sb_source_batch(&s, slot, &b, 1, 0);
    for (size_t k = 0; k < sizeof chunk / sizeof *chunk; k++) {
        if (*chunk[k] == 'I') {
            for (int v = 0; v < 16; v++, row++)
                CHECK(b.vis_row[row] == 16 * image + v, "row %d shows patch %d", row, b.vis_row[row]);
            image++;
            continue;
        }
        ids.n = 0;
        sb_tokenizer_encode(&p.tokenizer, chunk[k] + 1, strlen(chunk[k] + 1), SB_ENCODE_SPECIAL, &ids);
        for (int i = 0; i < ids.n; i++, row++) {
            CHECK(row < b.n.llm && b.token[row * SB_BAG] == ids.id[i], "row %d is not of \"%s\"", row,
                  chunk[k]);
            if (*chunk[k] != 'L') continue;
            CHECK(loss < b.n.loss && b.loss_row[loss] == row - 1 && b.target[loss] == ids.id[i],
                  "loss %d is not that of \"%s\"", loss, chunk[k]);
            loss++;
        }
    }
    CHECK(row == b.n.llm && loss == b.n.loss && image == b.n.images, "%d of %ld rows, %d of %ld targets", row,
          (long)b.n.llm, loss, (long)b.n.loss);
    CHECK(p.cut == 0, "cut");
    p.most = row - 1; // too long by a token: the last row goes, and it is counted
    sb_source_batch(&s, slot, &b, 1, 0);
    CHECK(b.n.llm == row - 1 && b.n.loss == loss && p.cut == 1, "%ld rows, %ld samples cut", (long)b.n.llm,
          p.cut);
    free(slot), free(ids.id), sb_batch_free(&b), sb_pretrained_close(&p);
}

// ---- the path

// The loss of a log's row; NAN if it is not there.
static double hub_logged(const char *name, int row, const char *column) {
    SbCsv csv;
    if (!sb_exists(test_path(name)) || !sb_csv_read(&csv, test_path(name), NULL)) return NAN;
    double v = row < csv.rows ? sb_csv_number(&csv, row, column) : NAN;
    sb_csv_free(&csv);
    return v;
}
// Every stage learns what it is shown again and again, and the folders stay as they are.
static void test_hub_path(void) {
    static const char *const stage[] = {"align", "instruct", "boost"};
    if (!hub_trained()) return;
    for (int s = 0; s < 3; s++) {
        char name[64];
        snprintf(name, sizeof name, "hub/out/%s.csv", stage[s]);
        double first = hub_logged(name, 0, "loss"), last = hub_logged(name, 9, "loss");
        for (int i = 0; i < 10; i++) {
            double norm = hub_logged(name, i, "grad_norm");
            CHECK(isfinite(hub_logged(name, i, "loss")) && norm > 0 && isfinite(norm), "%s, step %d",
                  stage[s], i + 1);
        }
        CHECK(last < first, "%s: the loss goes from %g to %g", stage[s], first, last);
        if (s) CHECK(first < hub_logged("hub/out/align.csv", 0, "loss"), "%s begins anew", stage[s]);
    }
    // the validation's four batches are four epochs over the same records: the loss of the next step, which
    // is computed from the same weights, but for the order of sums (131 tokens in float) and 6 decimals
    for (int i = 0; i < 9; i++) {
        double valid = hub_logged("hub/out/align.csv", i, "valid_loss");
        double next = hub_logged("hub/out/align.csv", i + 1, "loss");
        CHECK(fabs(valid - next) < 131 * 6e-8 * next + 1e-6, "validation %g, next loss %g", valid, next);
    }
    CHECK(!HUB("diff -r @T/hub/enc @T/hub/enc_before && diff -r @T/hub/llm @T/hub/llm_before"),
          "a folder of the hub changed: %s", test_said());
    CHECK(!HUB("printf 'What moves?\nWhich way?\n' | (@B/eval ask --model @T/hub/out/boost.safetensors "
               "--image @T/hub/clip/0.png --most 5)"),
          "ask: %s", test_said());
}

// ---- resuming, parts, recomputing

#define HUB_BOOST                                                                                            \
    "b='@B/train boost --from @T/hub/out/instruct.safetensors --out @T/hub/out --data @T/hub/talk.jsonl "    \
    "--batch 9 --lr 1e-2 --frames 3'; "
// Killed once a checkpoint is there, resumed: the bytes of an undisturbed run. With --recompute: the same.
static void test_hub_resume(void) {
    if (!hub_trained()) return;
    CHECK(!HUB(HUB_BOOST
               "$b --steps 30 --to whole && { for k in 1 2; do $b --steps 30 --to parts --save_every 0 & "
               "p=$!; while kill -0 $p 2>&- && [ ! -e @T/hub/out/parts.partial.safetensors ]; do sleep "
               ".01; done; sleep .05; kill -9 $p; wait $p; done; true; } && $b --steps 30 --to parts "
               "--save_every 0 && cmp "
               "@T/hub/out/whole.safetensors @T/hub/out/parts.safetensors && cmp @T/hub/out/whole.csv "
               "@T/hub/out/parts.csv"),
          "killed and resumed: %s", test_said());
    char *said = test_said();
    CHECK(strstr(said, "resumes    at step "), "nothing was resumed: %s", said);
    free(said);
    CHECK(!HUB(HUB_BOOST "$b --steps 30 --recompute --to again && cmp @T/hub/out/whole.safetensors "
                         "@T/hub/out/again.safetensors"),
          "recomputed: %s", test_said());
}
// In parts of two samples: the first step's loss and gradient are those of the whole batch but for the order
// of sums. A sum of n numbers in another order differs by at most n eps of their magnitude: some 100 answer
// tokens (1e-5), some 1200 rows of a gradient (1.5e-4).
static void test_hub_parts(void) {
    if (!hub_trained()) return;
    CHECK(!HUB(HUB_BOOST "$b --steps 2 --micro 2 --to micro && $b --steps 2 --to full"), "%s", test_said());
    double loss = hub_logged("hub/out/full.csv", 0, "loss"),
           norm = hub_logged("hub/out/full.csv", 0, "grad_norm");
    double loss2 = hub_logged("hub/out/micro.csv", 0, "loss"),
           norm2 = hub_logged("hub/out/micro.csv", 0, "grad_norm");
    CHECK(fabs(loss2 / loss - 1) < 1e-5 + 1e-6 / loss, "loss %g, in parts %g", loss, loss2); // 6 decimals
    CHECK(fabs(norm2 / norm - 1) < 1.5e-4 + 1e-5 / norm, "gradient %g, in parts %g", norm, norm2); // 5
}

// ---- exports

// The largest difference of two files' tensor of that name, and the largest number of the first.
static double hub_apart(const char *a, const char *b, const char *name, double *largest) {
    SbCheckpoint x, y;
    double worst = 0;
    *largest = 0;
    sb_checkpoint_open(&x, test_path(a)), sb_checkpoint_open(&y, test_path(b));
    const SbFileTensor *t = sb_checkpoint_find(&x, name), *u = sb_checkpoint_find(&y, name);
    uint64_t bytes = t ? sb_tensor_bytes(t, a) : 0;
    if (!t || !u || bytes != sb_tensor_bytes(u, b)) worst = NAN;
    for (uint64_t i = 0; i < bytes / 4 && isfinite(worst); i++) {
        float v = ((const float *)t->data)[i], w = ((const float *)u->data)[i];
        worst = fmax(worst, fabs(v - w)), *largest = fmax(*largest, fabs(v));
    }
    sb_checkpoint_close(&x), sb_checkpoint_close(&y);
    return worst;
}
// Features of the export's encoder are bit for bit those of the checkpoint, not those of the base; the folded
// one's are the same to rounding; the export's LLM answers the same; the card says what was given, no more.
static void test_hub_export(void) {
    if (!hub_trained()) return;
    CHECK(!HUB("f='@B/eval features --pictures @T/hub/clip --at_once 2'; m=@T/hub/out/boost.safetensors; "
               "@B/eval export --model $m --to @T/hub/ex && $f --model $m --to @T/hub/a.safetensors && $f "
               "--encoder @T/hub/ex/encoder --to @T/hub/b.safetensors && $f --encoder @T/hub/enc --to "
               "@T/hub/c.safetensors && cmp @T/hub/a.safetensors @T/hub/b.safetensors && ! cmp -s "
               "@T/hub/a.safetensors @T/hub/c.safetensors && $f --model $m --to @T/hub/npy && ls @T/hub/npy"),
          "export: %s", test_said());
    double largest, apart = hub_apart("hub/a.safetensors", "hub/c.safetensors", "patches", &largest);
    CHECK(apart > 1e-3 * largest, "the boost changed nothing: %g of %g", apart, largest);
    CHECK(!HUB("q='What moves?\nWhich way?'; echo \"$q\" | (@B/eval ask --model @T/hub/out/boost.safetensors "
               "--most 9 >@T/hub/said1) && cmp -s @T/hub/ex/llm/tokenizer.json @T/hub/llm/tokenizer.json"),
          "%s", test_said());
    // probes: of the encoder as it lies, of what was made of it, on rooms and on scene folders; the card of a
    // later export shows the table
    CHECK(!HUB("p='@B/eval probe --out @T/hub/out --fit 50 --images 20'; $p --boost "
               "@T/hub/out/boost.safetensors && "
               "$p --encoder @T/hub/enc --scenes @T/hub/rooms && @B/eval export "
               "--model @T/hub/out/boost.safetensors --to @T/hub/ex2 && "
               "grep -q '| depth | rmse | [0-9]' @T/hub/ex2/encoder/README.md"),
          "probe: %s", test_said());
    for (int k = 0; k < 2; k++) {
        const char *name = k ? "hub/out/probe_scenes.csv" : "hub/out/probe.csv";
        double base = hub_logged(name, 0, "base");
        CHECK(base > .1 && base < 20, "%s: depth is off by %g metres", name, base);
        CHECK(k || fabs(hub_logged(name, 0, "boost") - base) > 0, "the boosted encoder is the base");
    }
    char *card = sb_read_file(test_path("hub/ex/encoder/README.md"), NULL);
    CHECK(strstr(card, "./train align --") && strstr(card, "./train boost --") && strstr(card, "--lr 0.01") &&
              strstr(card, "--batch 9"),
          "the card: %s", card);
    CHECK(!strstr(card, "enc_width") && !strstr(card, "save_every"), "the card says too much: %s", card);
    free(card);
}

// ---- what is refused

// Bad records: named by line, counted, passed over only if asked to.
static void test_hub_skips(void) {
    if (!hub_made()) return;
    CHECK(!HUB("cd @T/hub && (sed -n 1p talk.jsonl; sed -n 7p talk.jsonl | sed s,clip/3,clip/9,; sed -n 1p "
               "talk.jsonl | sed 's/<image>//'; echo; sed -n 2p talk.jsonl | sed 's/\"gpt\"/\"human\"/') "
               ">bad.jsonl"),
          "%s", test_said());
#define HUB_ALIGN "@B/train align --encoder @T/hub/enc --llm @T/hub/llm --out @T/hub/none --memory "
    CHECK(HUB(HUB_ALIGN "--data @T/hub/bad.jsonl") == 1, "bad records are taken");
    CHECK(!HUB(HUB_ALIGN "--data @T/hub/bad.jsonl --skip_bad"), "%s", test_said());
    char *said = test_said();
    CHECK(strstr(said, "record 2 (line 2)") && strstr(said, "clip/9.png is missing"), "no picture: %s", said);
    CHECK(strstr(said, "record 3 (line 3)") && strstr(said, "<image> stands 0 times"), "no <image>: %s",
          said);
    CHECK(strstr(said, "record 4 (line 5)") && strstr(said, "expected a turn from"), "turns: %s", said);
    CHECK(strstr(said, "records    1, 3 bad ones passed over"), "not counted: %s", said);
    free(said);
}
// One line that names it, exit 1, nothing left behind.
static void test_hub_refuses(void) {
    if (!hub_trained()) return;
    CHECK(!HUB("cd @T/hub && cp -r enc bare && rm bare/preprocessor_config.json && cp -r enc short && "
               "truncate -s 20000 short/model.safetensors && mv ex ex_old 2>&-; cp -r enc wide && sed -i "
               "'s/\"hidden_size\": 24/\"hidden_size\": 48/' wide/config.json && mkdir ex"),
          "%s", test_said());
    QwenShape few = hub_qwen, other = hub_qwen;
    few.vocab = 600, other.vocab = 700;
    qwen_folder(test_path("hub/few"), &few), qwen_folder(test_path("hub/other"), &other);
    CHECK(!HUB("cd @T/hub && for f in few other; do cp llm/tokenizer.json $f; done; "
               "sed -n 1p talk.jsonl | sed s,rooms/,none/,g >gone.jsonl; sed -n 1p talk.jsonl | sed "
               "'s/<image>/<image><image>/' >twice.jsonl"),
          "%s", test_said());
    static const struct {
        const char *line, *says;
    } bad[] = {
        {"--encoder @T/hub/llm --llm @T/hub/llm", "hub/llm: that is a language model"},
        {"--encoder @T/hub/enc --llm @T/hub/enc", "hub/enc: that is an encoder"},
        {"--encoder @T/hub/enc", "a stage of hub models needs both"},
        {"--encoder @T/hub/nothing --llm @T/hub/llm", "hub/nothing"},
        {"--encoder @T/hub/enc --llm @T/hub/few", "628 tokens, but the word table of its model has 600 rows"},
        {"--encoder @T/hub/bare --llm @T/hub/llm", "no preprocessor_config.json"},
        {"--encoder @T/hub/short --llm @T/hub/llm", "short/model.safetensors"},
        {"--encoder @T/hub/wide --llm @T/hub/llm", "do not fit its config.json"},
        {"--encoder @T/hub/enc --llm @T/hub/llm --image 18", "whole patches of 4"},
        {"--encoder @T/hub/enc --llm @T/hub/llm --chat dance", "no chat layout \"dance\""},
        {"--encoder @T/hub/enc --llm @T/hub/llm --chat llama3", "needs the tokens"},
        {"--encoder @T/hub/enc --llm @T/hub/llm --system @nobody", "no system text is known"},
        {"--encoder @T/hub/enc --llm @T/hub/llm --data @T/hub/gone.jsonl", "is missing"},
        {"--encoder @T/hub/enc --llm @T/hub/llm --data @T/hub/twice.jsonl", "<image> stands 2 times"},
        {"--encoder @T/hub/enc --llm @T/hub/llm --data @T/hub/enc", "hub/enc"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int code = test_shell("(@B/train align %s %s --out @T/hub/none)", bad[i].line,
                              strstr(bad[i].line, "--data") ? "" : "--data @T/hub/talk.jsonl");
        char *said = test_said();
        CHECK(code == 1 && strstr(said, "error: ") && strstr(said, bad[i].says),
              "%s: exit %d, \"%s\" is not in: %s", bad[i].line, code, bad[i].says, said);
        free(said);
    }
    static const struct {
        const char *line, *says;
    } later[] = {
        {"@B/train boost --from @T/hub/out/instruct.safetensors --llm @T/hub/other --out @T/hub/none --data "
         "@T/hub/talk.jsonl",
         "its sizes are not those of"},
        {"@B/train boost --from @T/hub/out/instruct.safetensors --encoder @T/hub/llm --out @T/hub/none "
         "--data "
         "@T/hub/talk.jsonl",
         "that is a language model"},
        {"@B/eval export --model @T/hub/out/boost.safetensors --to @T/hub/ex", "exists; remove it"},
        {"@B/eval features --encoder @T/hub/enc --pictures @T/hub/enc --to @T/hub/n", "no .png"},
        {"@B/eval ask --encoder @T/hub/enc", "give --llm too"},
        {"(trap '' XFSZ; ulimit -f 70; @B/eval export --model @T/hub/out/boost.safetensors --to @T/hub/fu)",
         "File too large"}};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        int code = test_shell("(%s)", later[i].line);
        char *said = test_said();
        CHECK(code == 1 && strstr(said, "error: ") && strstr(said, later[i].says),
              "%s: exit %d, \"%s\" is not in: %s", later[i].line, code, later[i].says, said);
        free(said);
    }
    CHECK(!HUB("[ ! -e @T/hub/none/align.safetensors ] && [ ! -e @T/hub/n ] && ! ls -d @T/hub/fu*"),
          "something is left: %s", test_said());
}

static void test_hub_all(void) {
    RUN(test_hub_shuffled);
    RUN(test_hub_epochs);
    RUN(test_hub_frames);
    RUN(test_hub_labels);
    RUN(test_hub_path);
    RUN(test_hub_resume);
    RUN(test_hub_parts);
    RUN(test_hub_export);
    RUN(test_hub_skips);
    RUN(test_hub_refuses);
}
#endif
