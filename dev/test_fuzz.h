// test_fuzz.h: every input of dev/fuzz/corpus through its reader, without a fuzzer, and lies about sizes.
//
// A reader may refuse an input (sb_die) or take it; a crash, an abort or a minute is a failure. Under
// `make test_asan` this sees what the fuzzer saw. Include spatialboost.h first.
#ifndef SB_TEST_FUZZ_H
#define SB_TEST_FUZZ_H
#include "fuzz/targets.h"
#include "test.h"

static void fuzz_replay(int target, const char *path) {
    size_t size;
    char *text = sb_read_file(path, &size), *exact = (char *)sb_calloc(size, 1);
    memcpy(exact, text, size);
    free(text);
    fuzz_target[target].run(exact, size);
    free(exact);
}

static void test_fuzz_corpus(void) {
    for (int t = 0; t < FUZZ_TARGETS; t++) {
        int n;
        char *folder = sb_format("dev/fuzz/corpus/%s", fuzz_target[t].name);
        char **name = sb_list_folder(folder, &n);
        CHECK(n > 0, "%s: no input", folder);
        for (int i = 0; i < n; i++) {
            char *path = sb_format("%s/%s", folder, name[i]), *own = sb_format("fuzz_%d_%d", t, i);
            fuzz_begin(test_path(own));
            EXPECT_NO_CRASH(fuzz_replay(t, path));
            sb_remove(test_path(own));
            free(path), free(own);
        }
        sb_free_names(name, n);
        free(folder);
    }
}

static void fuzz_parse(const char *text, size_t size) { cJSON_Delete(sb_json_parse(text, size, "x.json")); }

// Text that ends where its page ends: one byte further there is no memory.
static void fuzz_at_page_end(const char *text) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = strlen(text);
    char *p = (char *)mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || munmap(p + page, page)) _exit(3);
    memcpy(p + page - size, text, size);
    fuzz_parse(p + page - size, size);
}

static void test_fuzz_json(void) {
    enum { DEEP = 1000000 };
    char *deep = (char *)sb_calloc(2 * DEEP, 1);
    memset(deep, '[', DEEP), memset(deep + DEEP, ']', DEEP);
    EXPECT_DIE(fuzz_parse(deep, 2 * DEEP), "nested more than 1000 deep (byte 1000)");
    EXPECT_DIE(fuzz_parse(deep, DEEP), "nested more than 1000 deep");
    EXPECT_DIE(fuzz_parse(deep + DEEP - 1001, 2002), "nested more than 1000 deep");
    fuzz_parse(deep + DEEP - 1000, 2000);
    CHECK(1, "a depth of 1000 is read");
    EXPECT_DIE(fuzz_at_page_end("{\"a\": x}"), "near \"x}\"");
    EXPECT_DIE(sb_die("%s", "line\none\x1b[2J\x7f"), "line?one?[2J?");
    free(deep);
}

// A file that another program makes shorter under our eyes.
static void fuzz_shrink(const char *path) {
    SbCheckpoint c;
    sb_checkpoint_open(&c, path);
    if (truncate(path, 100)) _exit(3);
    volatile float last = ((const float *)c.tensor[0].data)[9999];
    _exit(last == 0 ? 0 : 3);
}

static void test_fuzz_shrinks(void) {
    float *x = (float *)sb_calloc(10000, sizeof *x);
    SbFileTensor t = {"x", "F32", 1, {10000}, x};
    const char *path = test_path("shrinks.safetensors");
    sb_checkpoint_write(path, &t, 1, NULL, 0);
    EXPECT_DIE(fuzz_shrink(path), "shrinks.safetensors: has become shorter");
    free(x);
}

static void fuzz_open_folder(const char *path) {
    SbFolder f;
    sb_folder_open(&f, path);
    sb_folder_close(&f);
}

// An index whose shard is a link to itself, and one that names a tensor twice.
static void test_fuzz_index(void) {
    const char *folder = test_path("loop"), *link = test_path("loop/a.safetensors");
    const char *index = test_path("loop/model.safetensors.index.json"), *twice =
        "{\"weight_map\": {\"x\": \"b.safetensors\", \"x\": \"b.safetensors\"}}";
    float x[2] = {1, 2};
    SbFileTensor t = {"x", "F32", 1, {2}, x};
    sb_write_file(test_path("loop/config.json"), "{}", 2);
    sb_write_file(index, "{\"weight_map\": {\"x\": \"a.safetensors\"}}", 38);
    CHECK(symlink("a.safetensors", link) == 0, "no link");
    EXPECT_DIE(fuzz_open_folder(folder), "loop/a.safetensors: cannot be read");
    sb_checkpoint_write(test_path("loop/b.safetensors"), &t, 1, NULL, 0);
    sb_write_file(index, twice, strlen(twice));
    EXPECT_DIE(fuzz_open_folder(folder), "tensor x is there twice");
    sb_write_file(index, "{\"weight_map\": {}, \"weight_map\": {}}", 36);
    EXPECT_DIE(fuzz_open_folder(folder), "\"weight_map\" is there twice");
}

// savez_compressed of numpy 2.4: the last symbol of {{0, 1, 2}, {3, 4, 5}} ends in the last two bytes.
static void test_fuzz_npz(void) {
    SbArray a;
    int w, h;
    size_t size;
    char *text = sb_read_file("dev/fuzz/corpus/array/deflated", &size);
    sb_write_file(test_path("d.npz"), text, size);
    sb_array_picture(test_path("d.npz"), &a, &w, &h);
    CHECK(w == 3 && h == 2, "%d x %d", w, h);
    for (int i = 0; i < 6; i++) CHECK(a.data[i] == i, "number %d is %g", i, (double)a.data[i]);
    sb_array_free(&a);
    free(text);
}

static void fuzz_load(const char *path) {
    SbModel m;
    sb_model_load(&m, path);
}

// A checkpoint of a newer version; configurations that are no numbers of ours, or larger than the file.
static void test_fuzz_checkpoint(void) {
    static const struct { const char *from, *to, *message; } row[] = {
        {"\"spatialboost 1\"", "\"spatialboost 2\"", "newer version of the format (\"spatialboost 2\")"},
        {"\"spatialboost 1\"", "\"spatialboost x\"", "format \"spatialboost x\", expected"},
        {"\"config.vocab\":\"4\"", "\"config.vocab\":\"8\"", "llm.emb: expected F32 [8,4], found F32 [4,4]"},
        {"\"config.vocab\":\"4\"", "\"config.vocab\":\"9e14\"", "config.vocab is 9e+14, expected a whole"},
        {"\"config.vocab\":\"4\"", "\"config.vocab\":\"4.5\"", "config.vocab is 4.5, expected a whole"},
        {"\"config.vocab\":\"4\"", "\"config.vocab\":\"99999999\"", "words 2^24"},
        {"\"config.enc_layers\":\"1\"", "\"config.enc_layers\":\"999999999\"", "at most 4096 blocks"},
        {"\"config.image\":\"4\"", "\"config.image\":\"1048576000\"", "at most 1024 wide"}};
    size_t size;
    char *text = sb_read_file("dev/fuzz/corpus/model/tiny", &size);
    uint64_t length;
    memcpy(&length, text, 8);
    const char *path = test_path("lies.safetensors");
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        SbText t = {NULL, 0, 0};
        char *header = sb_format("%.*s", (int)length, text + 8), *at = strstr(header, row[i].from);
        CHECK(at != NULL, "%s is not there", row[i].from);
        if (!at) continue;
        uint64_t longer = length + strlen(row[i].to) - strlen(row[i].from);
        sb_text_bytes(&t, &longer, 8);
        sb_text_bytes(&t, header, (size_t)(at - header));
        sb_text_add(&t, "%s%s", row[i].to, at + strlen(row[i].from));
        sb_text_bytes(&t, text + 8 + length, size - 8 - (size_t)length);
        sb_write_file(path, t.data, t.size);
        EXPECT_DIE(fuzz_load(path), row[i].message);
        free(header), free(t.data);
    }
    free(text);
}

static void test_fuzz_all(void) {
    RUN(test_fuzz_corpus);
    RUN(test_fuzz_json);
    RUN(test_fuzz_shrinks);
    RUN(test_fuzz_index);
    RUN(test_fuzz_npz);
    RUN(test_fuzz_checkpoint);
}
#endif
