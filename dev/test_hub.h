// test_hub.h: models of the hub through the programs: folders in, three stages, folders out. Part of
// test_spatialboost.c; run by test_hub_all.
//
// Refuses: to download, Python. The encoder is DINOv2's of dev/goldens_models, the language model a random
// Qwen2 with the tokenizer of dev/goldens_text, the records rooms of the simulator and a few written here.
// Read from top: folders and records, order and samples, labels, the path, resuming, exports, refusals.
#ifndef SB_TEST_HUB_H
#define SB_TEST_HUB_H
#include "data/serve.h"
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
    for (int k = 1; k < 3; k++) { // general conversations: three records B, two records C
        if (!(f = fopen(test_path(k == 1 ? "hub/three.jsonl" : "hub/two.jsonl"), "w"))) return 0;
        for (int i = 0; i < 4 - k; i++)
            fprintf(f,
                    "{\"id\": \"%c%d\", \"conversations\": [{\"from\": \"human\", \"value\": \"Say %d\"}, "
                    "{\"from\": \"gpt\", \"value\": \"%d\"}]}\n",
                    "ABC"[k], i, i, i);
        fclose(f);
    }
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
    s->pretrained = p, s->data.frames = 3, s->share = 1;
    sb_records_open(&s->data, p, test_path("hub/talk.jsonl"));
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
    CHECK(s.data.records == HUB_RECORDS, "%ld records", s.data.records);
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
    for (int n = 1; n <= 6; n++) {
        char got[8] = "";
        memset(&one, 0, sizeof one);
        s.data.frames = n;
        int shown = sb_sample_files(&s, &one, test_path("hub"), "clip");
        CHECK(shown == one.pictures, "%d shown, %d pictures", shown, one.pictures);
        for (int i = 0; i < one.pictures && i < 6; i++)
            got[i] = one.path[i][strlen(one.path[i]) - 5], got[i + 1] = 0;
        CHECK(one.pictures == (int)strlen(got) && !strcmp(got, want[n - 1]), "%d frames: %s", n, got);
    }
}
// A pass over files with shares: of 9, 3 and 2 records .5, .3 and the rest. It reads the first once, so it
// has 18 samples: 9, 5 and 4 of them (round(18 x .5) = 9, round(18 x .8) = 14). The small files go on where
// they stopped: in six passes each of their records comes 6 x 5 / 3 and 6 x 4 / 2 times, and in any 3 (2)
// samples of theirs, from a multiple of it on, once.
static void test_hub_shares(void) {
    enum { PASSES = 6, PASS = 18 };
    SbPretrained p;
    SbConfig c;
    SbSource s;
    SbSample *slot = (SbSample *)sb_calloc(PASS, sizeof *slot);
    if (!hub_made()) return;
    hub_open(&p, &c, &s);
    memset(&s.data, 0, sizeof s.data);
    s.data.frames = 3, s.data.seed = s.seed;
    char *list = sb_format("%s:.5,%s:.3,%s", test_path("hub/talk.jsonl"), test_path("hub/three.jsonl"),
                           test_path("hub/two.jsonl"));
    sb_records_open(&s.data, &p, list);
    CHECK(s.data.pass == PASS && s.data.records == 14, "a pass of %ld, %ld records", s.data.pass,
          s.data.records);
    int count[15] = {0}, apart = 0, whose[PASSES][PASS];
    for (int lap = 0; lap < PASSES; lap++) {
        int of[3] = {0}, talk[HUB_RECORDS] = {0};
        sb_source_samples(&s, slot, PASS, (uint64_t)(lap * PASS));
        for (int i = 0; i < PASS; i++) {
            const char *id = slot[i].talk.id;
            int file = *id == 'B' ? 1 : *id == 'C' ? 2 : 0, record = (int)slot[i].talk.record - 1;
            of[file]++, count[file ? HUB_RECORDS + 3 * (file - 1) + record : record]++;
            if (!file) talk[record]++;
            whose[lap][i] = file;
        }
        CHECK(of[0] == 9 && of[1] == 5 && of[2] == 4, "pass %d: %d, %d, %d samples", lap, of[0], of[1],
              of[2]);
        for (int r = 0; r < HUB_RECORDS; r++) CHECK(talk[r] == 1, "pass %d: record %d x %d", lap, r, talk[r]);
        apart += lap && memcmp(whose[lap], whose[0], sizeof whose[0]) != 0;
    }
    for (int r = HUB_RECORDS; r < HUB_RECORDS + 5; r++)
        CHECK(count[r] == (r < HUB_RECORDS + 3 ? 10 : 12), "record %d comes %d times", r, count[r]);
    CHECK(apart == PASSES - 1, "the files come in the same order in %d passes", PASSES - apart);
    for (int k = 1, order = 0; k < 3; k++, order = 0) {
        const SbRecordFile *x = s.data.file + k;
        for (int round = 0; round < 8; round++) {
            int seen = 0, last = 0;
            for (int i = 0; i < x->records; i++) {
                long at = round * x->records + i;
                const SbRecord *r = sb_records_at(&s.data, x->begin + at % x->taken,
                                                  (uint64_t)(at / x->taken));
                seen |= 1 << r->record, last = last * 4 + (int)r->record;
            }
            CHECK(seen == (2 << x->records) - 2, "file %d, round %d: records %x", k, round, (unsigned)seen);
            order |= 1 << (last * 7 % 31);
        }
        CHECK(order & (order - 1), "file %d always comes in the same order", k);
    }
    free(list), free(slot), sb_pretrained_close(&p);
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
    s.data.file->first = 7, s.data.file->records = s.data.file->taken = s.data.pass = 1; // the video
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
    p.most = row;
    sb_source_batch(&s, slot, &b, 1, 0);
    p.most = row - 1; // too long by a token
    char *says = sb_format("has %d rows (tokens and patches), at most %d are read", row, row - 1);
    EXPECT_DIE(sb_source_batch(&s, slot, &b, 1, 0), says);
    free(says), free(slot), free(ids.id), sb_batch_free(&b), sb_pretrained_close(&p);
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
// Records without pictures by themselves: a batch that the encoder has nothing to do for.
static void test_hub_words(void) {
    if (!hub_trained()) return;
    CHECK(!HUB("h='--data @T/hub/three.jsonl --batch 4 --micro 1 --steps 2 --to words --again --out "
               "@T/hub/out'; @B/train align --encoder @T/hub/enc --llm @T/hub/llm $h && "
               "@B/train instruct $h && @B/train boost $h"),
          "text only: %s", test_said());
    for (int i = 0; i < 2; i++)
        CHECK(isfinite(hub_logged("hub/out/words.csv", i, "loss")), "step %d has no loss", i + 1);
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
// What a model answers, as the loss of two dialogues about pictures: of a checkpoint, or (an encoder's
// folder) of what it was exported to. The projector is copied from its file.
static double hub_loss(const char *encoder) {
    static const char *const theirs[4] = {"0.weight", "0.bias", "2.weight", "2.bias"};
    SbPretrainedFlags f = {encoder ? test_path(encoder) : NULL, encoder ? test_path("hub/ex/llm") : NULL,
                           NULL, NULL, 0, 0, 0};
    SbSource s;
    SbCheckpoint file;
    SbSample *slot = (SbSample *)sb_calloc(2, sizeof *slot);
    SbServed *a = (SbServed *)sb_calloc(1, sizeof *a);
    sb_served_open(a, f, encoder ? NULL : test_path("hub/out/boost.safetensors"));
    SbParam *p[4] = {&a->model.proj_w1, &a->model.proj_b1, &a->model.proj_w2, &a->model.proj_b2};
    sb_checkpoint_open(&file, test_path("hub/ex/projector.safetensors"));
    for (int i = 0; i < 4 && encoder; i++) {
        char *name = sb_format("model.mm_projector.%s", theirs[i]);
        sb_put((void *)(uintptr_t)p[i]->w.p, sb_checkpoint_find(&file, name)->data,
               (size_t)sb_param_count(p[i]) * sizeof(param_t));
        free(name);
    }
    sb_source_init(&s, &a->config, SB_TASK_DIALOGUE, SB_POOL_TRAIN, "mix", 1, 7);
    s.pretrained = &a->hub, s.data.frames = 3;
    sb_records_open(&s.data, &a->hub, test_path("hub/talk.jsonl"));
    sb_source_batch(&s, slot, &a->batch, 2, 0);
    CHECK(a->batch.n.images > 0 && a->batch.n.loss > 2, "nothing was asked about a picture");
    sb_step_lm(&a->model, &a->batch, 0);
    double loss = sb_loss(&a->model);
    sb_checkpoint_close(&file), sb_served_close(a), free(a), free(slot);
    return loss;
}
// Features of the export's encoder are bit for bit those of the checkpoint, not those of the base; the folded
// one's are the same to rounding; encoder, projector and LLM together answer the same; the card says what was
// given, all of it and no more.
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
    // two blocks: the bound of dev/test_families.h, 4 x sqrt(16) x sqrt(72) x 2^-24 (there of the root mean
    // square, here of the largest number, which is larger)
    CHECK(!HUB("@B/eval features --pictures @T/hub/clip --at_once 2 --encoder @T/hub/ex/encoder_folded --to "
               "@T/hub/d.safetensors"),
          "the folded encoder: %s", test_said());
    for (int k = 0; k < 2; k++) {
        apart = hub_apart("hub/a.safetensors", "hub/d.safetensors", k ? "cls" : "patches", &largest);
        CHECK(apart > 0 && apart <= 8.1e-6 * largest, "folded: %g of %g", apart, largest);
    }
    double loss = hub_loss(NULL), dual = hub_loss("hub/ex/encoder"), base = hub_loss("hub/enc"),
           folded = hub_loss("hub/ex/encoder_folded");
    CHECK(dual == loss, "the loss is %.9g, of what was exported %.9g", loss, dual);
    CHECK(fabs(folded - loss) <= 8.1e-6 * loss, "the loss is %.9g, of the folded encoder %.9g", loss, folded);
    CHECK(fabs(base - loss) > 1e-4 * loss, "of another encoder it is the same: %.9g", base);
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
    char *far = sb_format("%*s", 1200, "");     // a name of more than 2,400 bytes
    for (int i = 0; i < 1200; i++) far[i] = "./"[i % 2];
    CHECK(!test_shell("(@B/train boost --to long --out @T/hub/out --data @T/hub/%s%stalk.jsonl --batch 1 "
                      "--steps 1 --seed 77 && @B/eval export --model @T/hub/out/long.safetensors --to "
                      "@T/hub/ex3)", far, far),
          "a long name: %s", test_said());
    card = sb_read_file(test_path("hub/ex3/encoder/README.md"), NULL);
    CHECK(strstr(card, far) && strstr(card, "talk.jsonl --batch 1 --seed 77 "), "the card: %s", card);
    free(far);
    free(card);
}

// A second channel that the folder brings along is used from the first stage on, folded too, and boost goes
// on with it.
static void test_hub_boosted(void) {
    if (!hub_trained()) return;
    CHECK(!HUB("[ -e @T/hub/ex ] || @B/eval export --model @T/hub/out/boost.safetensors --to @T/hub/ex; "
               "h='--data @T/hub/talk.jsonl --batch 9 --frames 3 --out @T/hub/out'; for e in ex/encoder "
               "ex/encoder_folded enc; do @B/train align --encoder @T/hub/$e --llm @T/hub/ex/llm $h "
               "--steps 2 --to from_$(basename $e) || exit 1; done; @B/train boost --from "
               "@T/hub/out/from_encoder.safetensors $h --steps 1 --to from_boost"),
          "%s", test_said());
    double dual = hub_logged("hub/out/from_encoder.csv", 1, "loss"),
           fold = hub_logged("hub/out/from_encoder_folded.csv", 1, "loss"),
           base = hub_logged("hub/out/from_enc.csv", 1, "loss"),
           more = hub_logged("hub/out/from_boost.csv", 0, "loss");
    // 6 decimals; one update of Adam, which makes of a gradient near 0 a step of up to lr = 1e-3
    CHECK(fabs(dual - fold) <= 1e-5 * dual, "dual %g, folded %g", dual, fold);
    CHECK(fabs(dual - base) > 1e-4 * dual, "dual %g, the base %g", dual, base);
    CHECK(isfinite(more), "boost has no loss");
    SbCheckpoint f;
    sb_checkpoint_open(&f, test_path("hub/out/from_boost.safetensors"));
    const SbFileTensor *a = sb_checkpoint_find(&f, "enc.0.a");
    double most = 0;                            // one step of 1e-4 behind what three stages had learnt
    for (int i = 0; a && i < a->shape[0]; i++) most = fmax(most, fabs(((const float *)a->data)[i]));
    CHECK(most > 1e-3, "boost begins a at 0 again: %g", most);
    sb_checkpoint_close(&f);
    CHECK(HUB("@B/train boost --from @T/hub/out/from_encoder_folded.safetensors --out @T/hub/out --to none "
              "--data @T/hub/talk.jsonl") == 1 &&
              strstr(test_said(), "folded into the first"),
          "a third channel: %s", test_said());
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
    CHECK(strstr(said, "record 2 (line 2) names ") && strstr(said, "clip/9.png, which is missing"),
          "no picture: %s", said);
    CHECK(strstr(said, "record 3 (line 3)") && strstr(said, "<image> stands 0 times"), "no <image>: %s",
          said);
    CHECK(strstr(said, "record 4 (line 5)") && strstr(said, "expected a turn from"), "turns: %s", said);
    CHECK(strstr(said, "records    1, 3 bad ones passed over"), "not counted: %s", said);
    free(said);
    // of the last three records the video is the longest: 3 x 16 patches and 53 tokens (see the labels)
#define HUB_LONG HUB_ALIGN "--data @T/hub/last.jsonl --frames 3 --max_length "
    CHECK(HUB("tail -3 @T/hub/talk.jsonl >@T/hub/last.jsonl && " HUB_LONG "100") == 1 &&
              strstr(test_said(), "record 2 (line 2) has 101 rows (tokens and patches), at most 100 are"),
          "too long: %s", test_said());
    CHECK(!HUB(HUB_LONG "100 --skip_bad") && strstr(test_said(), "records    2, 1 bad ones passed over"),
          "too long, passed over: %s", test_said());
    CHECK(!HUB(HUB_LONG "101") && strstr(test_said(), "records    3, 0 bad"), "fits: %s", test_said());
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
               "'s/<image>/<image><image>/' >twice.jsonl; "
               "sed -n 1p talk.jsonl | sed 's,\"rooms/[^\"]*\",\"talk.jsonl\",g' >text.jsonl; "
               "cp -r llm mute && rm mute/tokenizer.json"),
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
        {"--encoder @T/hub/enc --llm @T/hub/llm --data @T/hub/text.jsonl",
         "talk.jsonl, neither a PNG nor a JPEG"},
        {"--encoder @T/hub/enc --llm @T/hub/llm --skip_bad --data @T/hub/text.jsonl",
         "all its records were passed over"},
        {"--encoder @T/hub/enc --llm @T/hub/mute", "no tokenizer.json: download it too"},
        {"--encoder @T/hub/enc --llm @T/hub/llm --data @T/hub/twice.jsonl", "<image> stands 2 times"},
        {"--encoder @T/hub/enc --llm @T/hub/llm --data @T/hub/talk.jsonl:.7,@T/hub/two.jsonl:.4",
         "the shares add up to 1.1, expected 1"},
        {"--encoder @T/hub/enc --llm @T/hub/llm --data @T/hub/talk.jsonl:1,@T/hub/two.jsonl",
         "expected less than 1"},
        {"--encoder @T/hub/enc --llm @T/hub/llm --data @T/hub/talk.jsonl:0", "a share above 0, at most 1"},
        {"--encoder @T/hub/enc --llm @T/hub/llm --data @T/hub/talk.jsonl:much", "a share above 0"},
        {"--encoder @T/hub/enc --llm @T/hub/llm --data @T/hub/talk.jsonl,", "a file without a name"},
        {"--encoder @T/hub/enc --llm @T/hub/llm --data @T/hub/talk.jsonl:.999,@T/hub/two.jsonl:.001",
         "samples of a pass is none of"},
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

// More than 32 patches a side, as DINOv2 has at 518 pixels: a patch as small as a pixel shows that pixel.
static void test_hub_fine(void) {
    enum { SIDE = 48 };
    SbSimConfig sim = sb_sim_default();
    SbRoom room;
    SbScene scene;
    SbViewInfo info;
    int wrong = 0, things = 0;
    memset(&scene, 0, sizeof scene), memset(&info, 0, sizeof info);
    sim.w = sim.h = SIDE;
    sb_room_make(&room, &sim, sb_pool(SB_POOL_TRAIN, 3));
    sb_room_scene(&scene, &room, &sim);
    sb_view_info(&info, &scene, 0, SIDE);
    const SbView *v = scene.view;
    CHECK(v->dw == SIDE && v->dh == SIDE, "the depth map is %d wide", v->dw);
    for (int p = 0; p < SIDE * SIDE; p++) {
        wrong += info.patch_depth[p] != (double)v->depth[p];
        wrong += info.patch_object[p] != sb_object_index(&scene, v->mask[p]);
        things += info.patch_object[p] > 2;
    }
    CHECK(!wrong && things > 20, "%d numbers are wrong, %d patches show things", wrong, things);
    sb_view_info_free(&info), sb_scene_free(&scene);
    if (!hub_made()) return;
    CHECK(!HUB("@B/eval probe --encoder @T/hub/enc --side 148 --fit 6 --images 4 --out @T/hub/fine"),
          "37 patches a side: %s", test_said());
    CHECK(hub_logged("hub/fine/probe.csv", 0, "base") > .1, "no depth");
}

static void test_hub_all(void) {
    RUN(test_hub_shuffled);
    RUN(test_hub_epochs);
    RUN(test_hub_frames);
    RUN(test_hub_shares);
    RUN(test_hub_fine);
    RUN(test_hub_labels);
    RUN(test_hub_path);
    RUN(test_hub_resume);
    RUN(test_hub_parts);
    RUN(test_hub_words);
    RUN(test_hub_export);
    RUN(test_hub_boosted);
    RUN(test_hub_skips);
    RUN(test_hub_refuses);
}
#endif
