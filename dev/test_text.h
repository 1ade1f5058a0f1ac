// test_text.h: tests of data/bpe.h, data/tokenizer.h and data/chat.h; included by test_spatialboost.c.
//
// The answers in dev/goldens_text are those of Hugging Face's tokenizers and transformers (goldens_text.py);
// merging is done a second time here, the slow way. What is refused is a good file with one thing changed.
// Read from top: texts, decoding, conversations, what is refused, damage.
#ifndef SB_TEST_TEXT_H
#define SB_TEST_TEXT_H
#include "../data/chat.h"
#include "test.h"

static const char *const test_families[] = {"qwen2", "llama3", "gpt2", "smollm2", "odd"};
enum { TEST_FAMILIES = 5 };
#define TEST_TEXT_FOLDER "dev/goldens_text"

// ---- helpers

static void text_open(SbTokenizer *t, const char *family) {
    char *path = sb_format(TEST_TEXT_FOLDER "/%s", family);
    sb_tokenizer_open(t, path);
    free(path);
}

static cJSON *text_goldens(const char *family, const char *file) {
    char *path = sb_format(TEST_TEXT_FOLDER "/%s%s", family, file);
    cJSON *cases = sb_json_read(path);
    free(path);
    return cases;
}

// A field as text, or as bytes in hexadecimal under another name. free() it. NULL: it is not there.
static char *text_field(const cJSON *row, const char *name, const char *hex, size_t *size) {
    const cJSON *v = sb_json_optional(row, name, "test"), *h = sb_json_optional(row, hex, "test");
    if (!v && !h) return NULL;
    char *text = sb_copy(v ? v->valuestring : h->valuestring);
    *size = strlen(text);
    if (v) return text;
    for (size_t i = 0; i < *size; i += 2) {
        char pair[3] = {text[i], text[i + 1], 0};
        text[i / 2] = (char)strtol(pair, NULL, 16);
    }
    *size /= 2;
    return text;
}

// Where two lists of ids begin to differ, -1 if they do not. list: JSON numbers.
static int text_differ(const cJSON *list, const int *id, int n) {
    int i = 0;
    const cJSON *v = list->child;
    for (; v && i < n && v->valuedouble == id[i]; v = v->next) i++;
    return v || i < n ? i : -1;
}

static int text_encode(SbTokenizer *t, const char *text, size_t size, int how, SbIds *ids) {
    ids->n = 0;
    sb_tokenizer_encode(t, text, size, how, ids);
    return ids->n;
}

// ---- texts

static void text_case(SbTokenizer *t, const cJSON *row, const char *family, int number) {
    SbIds ids = {NULL, 0, 0};
    SbText out = {NULL, 0, 0};
    size_t size = 0, wanted = 0;
    char *text = text_field(row, "text", "hex", &size), *decoded = text_field(row, "out", "outhex", &wanted);
    const cJSON *same = sb_json_array(row, "ids", "test"), *plain = sb_json_optional(row, "plain", "test");
    const cJSON *template_ids = sb_json_optional(row, "template", "test");
    for (int again = 0; again < 2; again++) {  // the second time from the cache
        text_encode(t, text, size, SB_ENCODE_SPECIAL, &ids);
        int at = text_differ(same, ids.id, ids.n);
        CHECK(at < 0, "%s, text %d \"%s\": id %d is wrong", family, number, text, at);
    }
    sb_tokenizer_decode(t, ids.id, ids.n, 0, &out);
    if (!decoded) decoded = text, wanted = size;
    CHECK(out.size == wanted && (!wanted || !memcmp(out.data, decoded, wanted)),
          "%s, text %d \"%s\" decodes to \"%s\"", family, number, text, out.data ? out.data : "");
    text_encode(t, text, size, 0, &ids);
    int at = text_differ(plain ? plain : same, ids.id, ids.n);
    CHECK(at < 0, "%s, text %d \"%s\" as plain text: id %d is wrong", family, number, text, at);
    if (template_ids) {
        text_encode(t, text, size, SB_ENCODE_SPECIAL | SB_ENCODE_TEMPLATE, &ids);
        CHECK(text_differ(template_ids, ids.id, ids.n) < 0, "%s, text %d with the template", family, number);
    }
    if (decoded != text) free(decoded);
    free(text);
    free(ids.id);
    free(out.data);
}

static void test_text_ids(void) {
    for (int f = 0; f < TEST_FAMILIES; f++) {
        SbTokenizer t;
        text_open(&t, test_families[f]);
        cJSON *cases = text_goldens(test_families[f], "/cases.json");
        int number = 0;
        for (const cJSON *v = sb_json_array(cases, "texts", "test")->child; v; v = v->next, number++)
            text_case(&t, v, test_families[f], number);
        CHECK(number >= 50, "%s: only %d texts", test_families[f], number);
        cJSON_Delete(cases);
        sb_tokenizer_close(&t);
    }
}

// 100 kB without a place to cut. A method that is quadratic in a piece takes 10^10 steps, some 10 s; ours, of
// N log N, 0.05 s: the limit of 2 s of CPU time lies between.
static void test_text_long_pieces(void) {
    for (int f = 0; f < TEST_FAMILIES; f++) {
        SbTokenizer t;
        SbIds ids = {NULL, 0, 0};
        text_open(&t, test_families[f]);
        cJSON *cases = text_goldens(test_families[f], "/cases.json");
        for (const cJSON *v = sb_json_array(cases, "repeats", "test")->child; v; v = v->next) {
            SbText text = {NULL, 0, 0};
            const char *unit = sb_json_string(v, "text", "test");
            for (int64_t i = sb_json_int(v, "count", 1, 1000000, "test"); i > 0; i--)
                sb_text_bytes(&text, unit, strlen(unit));
            clock_t start = clock();
            int64_t n = text_encode(&t, text.data, text.size, SB_ENCODE_SPECIAL, &ids);
            double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
            uint32_t sum = 0;
            for (int i = 0; i < ids.n; i++) sum = sum * 31 + (uint32_t)ids.id[i];
            CHECK(n == sb_json_int(v, "n", 0, 1000000, "test") && sum == sb_json_number(v, "sum", "test"),
                  "%s, %zu bytes of \"%s\": %d ids, sum %u", test_families[f], text.size, unit, ids.n,
                  sum);
            CHECK(seconds < 2, "%s, %zu bytes of \"%s\": %g s", test_families[f], text.size, unit, seconds);
            free(text.data);
        }
        free(ids.id);
        cJSON_Delete(cases);
        sb_tokenizer_close(&t);
    }
}

// The slow way: look through the whole piece for the lowest rank, merge it at its leftmost place, again.
static int text_merge_slowly(const SbTokenizer *t, int *id, int n) {
    for (;;) {
        int best = -1;
        const SbBpeMerge *merge = NULL;
        for (int i = 0; i + 1 < n; i++) {
            const SbBpeMerge *m = sb_bpe_pair(t, id[i], id[i + 1]);
            if (m->rank >= 0 && (!merge || m->rank < merge->rank)) merge = m, best = i;
        }
        if (!merge) return n;
        id[best] = merge->id;
        memmove(id + best + 1, id + best + 2, (size_t)(n - best - 2) * sizeof *id);
        n--;
    }
}

static void test_text_merges(void) {
    SbRandom r = sb_random(5, 0);
    for (int f = 0; f < TEST_FAMILIES; f++) {
        SbTokenizer t;
        SbIds ids = {NULL, 0, 0};
        text_open(&t, test_families[f]);
        for (int i = 0; i < 400; i++) {
            SbText piece = {NULL, 0, 0};  // parts of tokens, so that much can be merged
            int slow[1024], at = 0;
            for (int k = 1 + (int)sb_next_int(&r, 24); k > 0; k--) {
                size_t size;
                const char *bytes = sb_tokenizer_bytes(&t, (int)sb_next_int(&r, (uint32_t)t.n), &size);
                sb_text_bytes(&piece, bytes, 1 + sb_next_int(&r, (uint32_t)(size < 40 ? size : 40)));
            }
            for (size_t k = 0; k < piece.size; k++) slow[k] = t.byte_id[(unsigned char)piece.data[k]];
            ids.n = 0;
            sb_bpe_merge(&t, piece.data, piece.size, &ids);
            int m = text_merge_slowly(&t, slow, (int)piece.size);
            while (at < m && at < ids.n && ids.id[at] == slow[at]) at++;
            CHECK(at == m && at == ids.n, "%s: \"%s\" differs at id %d", test_families[f], piece.data, at);
            free(piece.data);
        }
        free(ids.id);
        sb_tokenizer_close(&t);
    }
}

// Pieces that share a place of the cache, one of them the other's beginning.
static void test_text_cache(void) {
    SbTokenizer t;
    SbIds ids = {NULL, 0, 0}, merged = {NULL, 0, 0};
    char other[16];
    int found = 0;
    text_open(&t, "qwen2");
    for (int i = 0; found < 3 && i < 456976; i++) {  // every 16384th shares it
        snprintf(other, sizeof other, "box%c%c%c%c", 'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676 % 26,
                 'a' + i / 17576 % 26);
        if ((sb_bpe_hash(other, 7) ^ sb_bpe_hash("box", 3)) & (SB_BPE_CACHE - 1)) continue;
        found++;
        for (int k = 0; k < 4; k++) {
            int size = k % 2 ? 3 : 7;
            text_encode(&t, other, (size_t)size, 0, &ids);
            merged.n = 0;
            sb_bpe_merge(&t, other, (size_t)size, &merged);
            CHECK(ids.n == merged.n && !memcmp(ids.id, merged.id, (size_t)ids.n * sizeof(int)),
                  "%.*s has the ids of another piece", size, other);
        }
    }
    CHECK(found == 3, "only %d pieces share a place", found);
    free(ids.id);
    free(merged.id);
    sb_tokenizer_close(&t);
}

// ---- decoding

static void test_text_decode(void) {
    for (int f = 0; f < TEST_FAMILIES; f++) {
        SbTokenizer t;
        text_open(&t, test_families[f]);
        cJSON *cases = text_goldens(test_families[f], "/cases.json");
        for (const cJSON *v = sb_json_array(cases, "decodes", "test")->child; v; v = v->next) {
            SbText out = {NULL, 0, 0};
            SbStream s;
            size_t size = 0;
            char *wanted = text_field(v, "out", "outhex", &size);
            int skip = cJSON_IsTrue(sb_json_field(v, "skip", "test")), whole = 1;
            memset(&s, 0, sizeof s);
            for (const cJSON *id = sb_json_array(v, "ids", "test")->child; id; id = id->next) {
                sb_tokenizer_stream(&t, &s, (int)id->valuedouble, skip, &out);
                whole &= sb_utf8_end(out.data ? out.data : "", out.size) == out.size;
            }
            sb_stream_end(&s, &out);
            CHECK(whole, "%s: half a character was written", test_families[f]);
            CHECK(out.size == size && (!size || !memcmp(out.data, wanted, size)),
                  "%s: \"%s\", expected \"%s\"", test_families[f], out.data ? out.data : "", wanted);
            free(out.data);
            free(wanted);
        }
        cJSON_Delete(cases);
        sb_tokenizer_close(&t);
    }
}

static void test_text_stream(void) {
    static const struct { const char *bytes, *out; } row[] = {
        {"a\xF0\x9F\x99\x82z", "a🙂z"}, {"\xF0\x9F\x99", "\uFFFD"}, {"\xF0\x9Fz", "\uFFFDz"},
        {"\xE0\x80z", "\uFFFD\uFFFDz"}, {"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"}, {"\xC3\xC3\xA4", "\uFFFDä"},
        {"\xF4\x90", "\uFFFD\uFFFD"}, {"\xFF\x80", "\uFFFD\uFFFD"}, {"\xE2\x82", "\uFFFD"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        SbStream s;
        SbText out = {NULL, 0, 0};
        memset(&s, 0, sizeof s);
        for (const char *c = row[i].bytes; *c; c++) sb_stream_byte(&s, *c, &out);
        sb_stream_end(&s, &out);
        CHECK(!strcmp(out.data, row[i].out), "row %zu: \"%s\", expected \"%s\"", i, out.data, row[i].out);
        free(out.data);
    }
    SbTokenizer t;
    text_open(&t, "qwen2");
    int end = sb_tokenizer_id(&t, "<|im_end|>");
    CHECK(end == 622 && sb_tokenizer_id(&t, "<|im_end") == -1 && sb_tokenizer_id(&t, "") == -1, "id %d", end);
    CHECK(sb_tokenizer_id(&t, "the") >= 256 && sb_tokenizer_id(&t, "\n") == 198,
          "\"the\" or \"\\n\" is not there");
    SbText out = {NULL, 0, 0};
    EXPECT_DIE(sb_tokenizer_decode(&t, &t.n, 1, 0, &out), "there is no token 628, ids are 0 to 627");
    end = -1;
    EXPECT_DIE(sb_tokenizer_decode(&t, &end, 1, 0, &out), "there is no token -1");
    sb_tokenizer_close(&t);
}

// ---- conversations

static void text_chat_case(SbChat *c, const cJSON *row, int number) {
    const cJSON *ids = sb_json_array(row, "ids", "test"), *mask = sb_json_array(row, "mask", "test");
    const cJSON *system = sb_json_field(row, "system", "test"), *turns = sb_json_array(row, "turns", "test");
    sb_chat_begin(c, system->valuestring);
    for (const cJSON *v = turns->child; v; v = v->next)
        sb_chat_turn(c, v->child->valuestring, v->child->next->valuestring);
    int at = text_differ(ids, c->token, c->n), i = 0, learnt = 0;
    CHECK(at < 0, "conversation %d: id %d is wrong", number, at);
    const cJSON *id = ids->child;
    for (const cJSON *m = mask->child; m && i < c->n; m = m->next, id = id->next, i++) {
        int target = i ? c->target[i - 1] : -1, wanted = m->valuedouble == 1 ? (int)id->valuedouble : -1;
        CHECK(target == wanted, "conversation %d: target %d is %d, expected %d", number, i, target, wanted);
        learnt += wanted >= 0;
    }
    CHECK(c->target[c->n - 1] == -1, "conversation %d: the last token has a target", number);
    CHECK((learnt > 0) == (turns->child->child->next->valuestring != NULL), "conversation %d: %d targets",
          number, learnt);
}

static void test_text_chat(void) {
    cJSON *cases = text_goldens("", "chat.json");
    int number = 0;
    for (const cJSON *v = sb_json_array(cases, "cases", "test")->child; v; v = v->next, number++) {
        SbTokenizer t;
        SbChat c;
        text_open(&t, sb_json_string(v, "family", "test"));
        sb_chat_open(&c, &t, NULL);
        CHECK(!strcmp(c.layout->name, sb_json_string(v, "layout", "test")), "layout %s was chosen",
              c.layout->name);
        text_chat_case(&c, v, number);
        sb_chat_close(&c);
        sb_tokenizer_close(&t);
    }
    CHECK(number == 24, "%d conversations", number);
    cJSON_Delete(cases);
}

// A dialogue that is held, turn by turn, has the ids of one that is read.
static void test_text_chat_held(void) {
    static const char *const family[] = {"qwen2", "llama3"};
    for (int f = 0; f < 2; f++) {
        SbTokenizer t;
        SbChat read, held;
        SbIds answer = {NULL, 0, 0};
        text_open(&t, family[f]);
        sb_chat_open(&read, &t, NULL);
        sb_chat_open(&held, &t, NULL);
        sb_chat_begin(&read, "Be short.");
        sb_chat_turn(&read, "<image>\nWhere is the box?", "Left of the table.");
        sb_chat_turn(&read, "And the lamp?", "On it.");
        sb_chat_begin(&held, "Be short.");
        sb_chat_turn(&held, "<image>\nWhere is the box?", NULL);
        text_encode(&t, "Left of the table.", 18, 0, &answer);
        sb_chat_answered(&held, answer.id, answer.n);
        sb_chat_turn(&held, "And the lamp?", NULL);
        CHECK(held.n < read.n && !memcmp(held.token, read.token, (size_t)held.n * sizeof(int)),
              "%s: another prompt", family[f]);
        text_encode(&t, "On it.", 6, 0, &answer);
        sb_chat_answered(&held, answer.id, answer.n);
        CHECK(held.n == read.n && !memcmp(held.token, read.token, (size_t)read.n * sizeof(int)),
              "%s: other ids", family[f]);
        free(answer.id);
        sb_chat_close(&read);
        sb_chat_close(&held);
        sb_tokenizer_close(&t);
    }
}

// LLaVA's first stage: template, pictures, caption and line end; only these two are learnt.
static void text_chat_plain(const char *family, int prefix) {
    const char *record = "{\"image\": [\"a.png\", \"b.png\"], \"conversations\": ["
                         "{\"from\": \"human\", \"value\": \"Describe <image> and\\n<image>\"}, "
                         "{\"from\": \"gpt\", \"value\": \"The red box.\"}]}";
    SbConversation talk;
    SbTokenizer t;
    SbChat c;
    SbIds ids = {NULL, 0, 0};
    text_open(&t, family);
    sb_chat_open(&c, &t, "plain");
    sb_conversation_parse(&talk, record, strlen(record), "test");
    sb_chat_conversation(&c, NULL, &talk);
    text_encode(&t, "The red box.\n", 13, SB_ENCODE_SPECIAL, &ids);
    CHECK(c.n == prefix + 2 + ids.n, "%s: %d tokens", family, c.n);
    for (int i = 0; i < c.n; i++) {
        int k = i - prefix - 2, token = k >= 0 ? ids.id[k] : k >= -2 ? SB_CHAT_IMAGE : t.prefix.id[0];
        int target = k >= -1 && k + 1 < ids.n ? ids.id[k + 1] : -1;
        CHECK(c.token[i] == token && c.target[i] == target, "%s: row %d is %d with target %d", family, i,
              c.token[i], c.target[i]);
    }
    EXPECT_DIE(sb_chat_turn(&c, "more", "no"), "plain has one question and one answer");
    EXPECT_DIE(sb_chat_begin(&c, "Be short."), "plain has no place for a system text");
    sb_chat_begin(&c, NULL);
    sb_chat_turn(&c, "<image>", NULL);
    CHECK(c.n == prefix + 1 && c.token[prefix] == SB_CHAT_IMAGE, "%s: %d tokens to ask with", family, c.n);
    sb_conversation_free(&talk);
    free(ids.id);
    sb_chat_close(&c);
    sb_tokenizer_close(&t);
}

static void test_text_chat_layouts(void) {
    text_chat_plain("llama3", 1);
    text_chat_plain("gpt2", 0);
    SbTokenizer t;
    SbChat c;
    text_open(&t, "gpt2");
    EXPECT_DIE(sb_chat_open(&c, &t, NULL), "gpt2/tokenizer.json: has the special tokens of no chat layout");
    EXPECT_DIE(sb_chat_open(&c, &t, "chatml"), "chatml needs the tokens  <|im_start|> <|im_end|>");
    EXPECT_DIE(sb_chat_open(&c, &t, "vicuna"), "no chat layout \"vicuna\"; there are chatml, llama3, plain");
    sb_tokenizer_close(&t);
    text_open(&t, "smollm2");
    sb_chat_open(&c, &t, "chatml");
    EXPECT_DIE(sb_chat_begin(&c, "See <image>"), "<image> in a system text");
    EXPECT_DIE(sb_chat_turn(&c, "What?", "See <image>"), "<image> in an answer");
    EXPECT_DIE(sb_chat_turn(&c, "\xC3(", "yes"), "is not UTF-8 (byte 17 is c3)");
    sb_chat_close(&c);
    sb_tokenizer_close(&t);
    CHECK(!sb_chat_system(NULL) && !sb_chat_system("") && !strcmp(sb_chat_system("Be short."), "Be short."),
          "a system text of one's own is not itself");
    CHECK(strstr(sb_chat_system("@qwen2.5"), "Alibaba"), "no system text of Qwen2.5");
    EXPECT_DIE(sb_chat_system("@gpt"), "no system text is known as \"@gpt\"");
}

// ---- what is refused

// The tokenizer of a family after one change of its file, used once. ` stands for ".
static void text_changed(const char *family, const char *from, const char *to, const char *text) {
    char *path = sb_format(TEST_TEXT_FOLDER "/%s/tokenizer.json", family), *file = sb_read_file(path, NULL);
    char *old = sb_copy(from), *fresh = sb_copy(to), *c;
    while ((c = strchr(old, '`')) != NULL) *c = '"';
    while ((c = strchr(fresh, '`')) != NULL) *c = '"';
    char *at = strstr(file, old);
    if (!at) sb_die("test: %s has no %s", path, old);
    char *changed = sb_format("%.*s%s%s", (int)(at - file), file, fresh, at + strlen(old));
    const char *name = test_path("tokenizer.json");
    SbWriter w;
    sb_write_open(&w, name);
    w.durable = 0;
    sb_write(&w, changed, strlen(changed));
    sb_write_close(&w);
    SbTokenizer t;
    SbIds ids = {NULL, 0, 0};
    sb_tokenizer_open(&t, name);
    sb_tokenizer_encode(&t, text, strlen(text), SB_ENCODE_SPECIAL | SB_ENCODE_TEMPLATE, &ids);
}

typedef struct { const char *family, *from, *to, *message; } TestChange;

static void test_text_refuses_parts(void) {
    static const TestChange row[] = {
        {"gpt2", "`normalizer`: null", "`normalizer`: {`type`: `NFKC`}", "the normalizer \"NFKC\" is not"},
        {"odd", "`type`: `NFC`", "`type`: `Lowercase`", "the normalizer \"Lowercase\" is not supported"},
        {"qwen2", "`byte_fallback`: false", "`byte_fallback`: true", "byte_fallback (the BPE of Llama-2"},
        {"qwen2", "`type`: `BPE`", "`type`: `Unigram`", "the model \"Unigram\" is not supported"},
        {"qwen2", "`dropout`: null", "`dropout`: 0.1", "the model's dropout is not supported"},
        {"qwen2", "`fuse_unk`: false", "`fuse_unk`: true", "the model's fuse_unk is not supported"},
        {"qwen2", "`end_of_word_suffix`: null", "`end_of_word_suffix`: `</w>`", "end_of_word_suffix is not"},
        {"smollm2", "`type`: `Digits`", "`type`: `Metaspace`", "the pre_tokenizer \"Metaspace\" is not"},
        {"smollm2", "`type`: `Digits`", "`type`: `ByteLevel`", "\"ByteLevel\" after ByteLevel"},
        {"smollm2", "`type`: `Digits`", "`type`: 7", "field \"type\": expected a string, found a number"},
        {"llama3", "false, `use_regex`: false}]", "false, `use_regex`: false}], `type`: `Digits`",
         "field \"type\" is there twice"},
        {"gpt2", "`pre_tokenizer`: {`type`: `ByteLevel`", "`pre_tokenizer`: {`type`: `Digits`",
         "pre_tokenizer: there is no ByteLevel"},
        {"qwen2", "`behavior`: `Isolated`", "`behavior`: `Removed`", "Split's behavior \"Removed\" is not"},
        {"qwen2", "`invert`: false", "`invert`: true", "Split with invert is not supported"},
        {"qwen2", "{`Regex`: ", "{`String`: ", "field \"Regex\" is missing"},
        {"qwen2", "(?i:'s", "(?m:'s", "has \"(?m\" at byte 0, which PCRE2 reads differently"},
        {"llama3", "{1,3}|", "{1,3}+|", "has \"}+|\" at byte"},
        {"qwen2", "\\\\p{N}|", "\\\\w|", "has \"\\w|\" at byte"},
        {"qwen2", "[\\\\r\\\\n]*", "[\\\\S]*", "has \"\\S]\" at byte"},
        {"qwen2", "[\\\\r\\\\n]*", "[a[b]]*", "has \"[b]\" at byte"},
        {"qwen2", "\\\\p{N}|", "^a|", "has \"^a|\" at byte"},
        {"qwen2", "\\\\p{N}|", "(*COMMIT)|", "has \"(*C\" at byte"},
        {"qwen2", "\\\\p{N}|", "(|", "pattern is not valid"},
        {"qwen2", "\\\\p{N}|", "a*|", "may match an empty text"},
        {"llama3", "`type`: `TemplateProcessing`", "`type`: `BertProcessing`", "\"BertProcessing\" is not"},
        {"llama3", "`ids`: [560]", "`ids`: [565]", "the template's id is not one of the 565 tokens"},
        {"llama3", "{`Sequence`: {`id`: `A`", "{`SpecialToken`: {`id`: `A`", "field \"A\" is missing"},
        {"qwen2", "`decoder`: {`type`: `ByteLevel`", "`decoder`: {`type`: `Fuse`", "the decoder \"Fuse\""},
        {"qwen2", "`single_word`: false", "`single_word`: true",
         "<|endoftext|>\": single_word is not supported"},
        {"qwen2", "`lstrip`: false", "`lstrip`: 0", "field \"lstrip\": expected true or false"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        EXPECT_DIE(text_changed(row[i].family, row[i].from, row[i].to, "x"), row[i].message);
}

static void test_text_refuses_tables(void) {
    static const TestChange row[] = {
        {"qwen2", "`!`: 0", "`!`: 1", "tokens \"!\" and \"\"\" have the same id 1"},
        {"qwen2", "`\\``: 1", "`!`: 1", "token \"!\" has two ids, 0 and 1"},
        {"qwen2", "`!`: 0", "`!`: 0.5", "token \"!\": expected an id from 0 to 627"},
        {"qwen2", "`!`: 0", "`!`: -1", "token \"!\": expected an id from 0 to 627"},
        {"qwen2", "`!`: 0", "`!`: `0`", "field \"!\": expected an id, found a string"},
        {"qwen2", "`id`: 627", "`id`: 1e300", "field \"id\": expected a whole number from 0"},
        {"qwen2", "`id`: 627", "`id`: 628",
         "token \"<longer>\": expected an id from 0 to 627 (ids have no holes)"},
        {"qwen2", "`id`: 627", "`id`: 5", "tokens \"&\" and \"<longer>\" have the same id 5"},
        {"qwen2", "`content`: `<longer>`", "`content`: ``", "an added token is empty"},
        {"qwen2", "`content`: `<longer>`", "`content`: `<long`", "added token \"<long\" is there twice"},
        {"gpt2", "`<|endoftext|>`: 0", "`<|endoftext|>`: 521",
         "token \"<|endoftext|>\" has two ids, 521 and 0"},
        {"qwen2", "`content`: `<longer>`", "`content`: `he`", "token \"he\" has two ids, 257 and 627"},
        {"gpt2", ": 520}", ": 521}", "no token has the id 520, though there are 521 tokens"},
        {"gpt2", "`h e`", "`h e x`", "merge 1: expected \"a b\" or [\"a\", \"b\"], found a string"},
        {"gpt2", "`h e`", "` he`", "merge 1: expected \"a b\""},
        {"gpt2", "`h e`", "12", "merge 1: expected \"a b\" or [\"a\", \"b\"], found a number"},
        {"gpt2", "`h e`", "[`h`]", "merge 1: expected \"a b\" or [\"a\", \"b\"], found a list"},
        {"gpt2", "`h e`", "`Q Z`", "merge 1: \"QZ\" is not in the vocabulary"},
        {"gpt2", "`h e`", "`hq e`", "merge 1: \"hq\" is not in the vocabulary"},
        {"gpt2", "`h e`", "`\u4E00 e`", "merge 1: \"\u4E00\" is not in the vocabulary"},
        {"gpt2", "`h e`, ", "`h e`, `h e`, ", "merges 1 and 2 are the same"},
        {"gpt2", "`merges`: [", "`merges`: 3, `x`: [", "field \"merges\": expected a list, found a number"},
        {"odd", "`unk_token`: `<unk>`", "`unk_token`: null",
         "a byte 01, for which the vocabulary has no token"},
        {"odd", "`unk_token`: `<unk>`", "`unk_token`: `<?>`", "unk_token \"<?>\" is not in the vocabulary"},
        {"qwen2", "`vocab`: {", "`vocab`: {}, `other`: {", "the vocabulary is empty"},
        {"qwen2", "`vocab`", "`vocabulary`", "field \"vocab\" is missing"},
        {"qwen2", "`added_tokens`: [", "`added_tokens`: 1, `other`: [",
         "field \"added_tokens\": expected a list"},
        {"qwen2", "`model`", "`motel`", "field \"model\" is missing"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        EXPECT_DIE(text_changed(row[i].family, row[i].from, row[i].to, "\x01"), row[i].message);
    SbTokenizer t;
    SbIds ids = {NULL, 0, 0};
    EXPECT_DIE(text_changed("qwen2", "(?i:'s", "(?:a|aa)+b|(?i:'s",  // 10^13 ways to fail
                            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
               "its pattern cannot be matched on a text of 66 bytes (PCRE2: match limit exceeded)");
    EXPECT_DIE(sb_tokenizer_open(&t, test_path("no such")), "no such: cannot be read");
    sb_make_folder(test_path("hollow"));
    EXPECT_DIE(sb_tokenizer_open(&t, test_path("hollow")), "tokenizer.json: cannot be read");
    text_open(&t, "qwen2");
    EXPECT_DIE(sb_tokenizer_encode(&t, "ab\xFFz", 4, 0, &ids), "tokenizer.json is not UTF-8 (byte 2 is ff)");
    EXPECT_DIE(sb_tokenizer_encode(&t, "ab\xE2\x82", 4, 0, &ids), "is not UTF-8 (byte 2 is e2)");
    sb_tokenizer_close(&t);
}

// ---- damage

static void text_use(const char *path) {
    static const char text[] = "The red box's 3.42 m\n\n <|im_end|><longer> \u7EA2 e\u0301 don't <b> \x01";
    SbTokenizer t;
    SbChat c;
    SbIds ids = {NULL, 0, 0};
    SbText out = {NULL, 0, 0};
    sb_tokenizer_open(&t, path);
    sb_tokenizer_encode(&t, text, sizeof text, SB_ENCODE_SPECIAL | SB_ENCODE_TEMPLATE, &ids);
    sb_tokenizer_decode(&t, ids.id, ids.n, 1, &out);
    sb_chat_open(&c, &t, NULL);
    sb_chat_begin(&c, "system");
    sb_chat_turn(&c, text, "yes");
    sb_chat_close(&c);
    sb_tokenizer_close(&t);
}

// Files cut short, with a byte changed, with a stretch that stands elsewhere: an error or an answer.
static void test_text_damage(void) {
    SbRandom r = sb_random(11, 0);
    for (int f = 0; f < TEST_FAMILIES; f++) {
        char *path = sb_format(TEST_TEXT_FOLDER "/%s/tokenizer.json", test_families[f]);
        size_t size;
        char *file = sb_read_file(path, &size);
        const char *name = test_path("damaged.json");
        for (int i = 0; i < 60; i++) {
            char *damaged = (char *)sb_calloc(size, 1);
            // half of the time in the first 2 kB or the last 500 bytes before the vocabulary: the settings
            uint32_t span = i % 2 ? 2500 : (uint32_t)size - 100, at = sb_next_int(&r, span);
            uint32_t from = sb_next_int(&r, (uint32_t)size - 100), length = 1 + sb_next_int(&r, 40);
            memcpy(damaged, file, size);
            if (i % 3 == 0) damaged[at] = (char)sb_next_int(&r, 256);
            else if (i % 3 == 1) memcpy(damaged + at, file + from, length);
            SbWriter w;
            sb_write_open(&w, name);
            w.durable = 0;
            sb_write(&w, damaged, i % 10 == 9 ? at : size);
            sb_write_close(&w);
            EXPECT_NO_CRASH(text_use(name));
            free(damaged);
        }
        free(file);
        free(path);
    }
}

static SB_UNUSED void test_text_all(void) {
    RUN(test_text_ids);
    RUN(test_text_long_pieces);
    RUN(test_text_merges);
    RUN(test_text_cache);
    RUN(test_text_decode);
    RUN(test_text_stream);
    RUN(test_text_chat);
    RUN(test_text_chat_held);
    RUN(test_text_chat_layouts);
    RUN(test_text_refuses_parts);
    RUN(test_text_refuses_tables);
    RUN(test_text_damage);
}
#endif
