// test_files.h: tests of data/file.h, checkpoint.h, image.h, json.h, scene.h.
//
// Answers come from elsewhere: bytes written out by hand, sums made the long way round, a room of three
// planes whose depth has a formula. Every format is cut short at many places, and lies in every field that
// can lie. Read from top: file, checkpoint, image, resizing, conversations, scene.
#ifndef SB_TEST_FILES_H
#define SB_TEST_FILES_H
#include "../data/checkpoint.h"
#include "../data/scene.h"
#include "test.h"
#include <sys/resource.h>

// ---- helpers

// Is path a file with exactly these bytes?
static int files_equal(const char *path, const void *data, size_t size) {
    size_t found;
    char *text = sb_read_file(path, &found);
    int same = found == size && !memcmp(text, data, size);
    free(text);
    return same;
}

static int files_count(const char *folder) {
    int n;
    char **names = sb_list_folder(folder, &n);
    sb_free_names(names, n);
    return n;
}

static void files_replace(const char *path, const void *data, size_t size) {
    SbWriter w;
    sb_write_open(&w, path);
    w.durable = 0;
    sb_write(&w, data, size);
    sb_write_close(&w);
}

static const char *files_put(const char *name, const void *data, size_t size) {
    const char *path = test_path(name);
    files_replace(path, data, size);
    return path;
}

static const char *files_text(const char *name, const char *text) { return files_put(name, text,
    strlen(text)); }

// As on a full disk: no file may grow beyond so many bytes. For use inside EXPECT_DIE.
static void files_fill_disk(size_t bytes) {
    struct rlimit limit;
    limit.rlim_cur = limit.rlim_max = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
}

// ---- file.h

static void test_file_reading(void) {
    const char *path = files_text("read.txt", "1 2.5\n-inf\t1e-3\r\n");
    double x[8];
    size_t size;
    char *text = sb_read_file(path, &size);
    CHECK(size == 17 && text[size] == 0 && !strcmp(text, "1 2.5\n-inf\t1e-3\r\n"), "%zu bytes: %s", size,
          text);
    free(text);
    CHECK(sb_read_numbers(path, x, 8) == 4, "not four numbers");
    CHECK(x[0] == 1 && x[1] == 2.5 && isinf(x[2]) && x[2] < 0 && x[3] == 1e-3, "%g %g %g %g", x[0], x[1],
          x[2], x[3]);
    EXPECT_DIE(sb_read_numbers(path, x, 3), "more than the 3 numbers");
    EXPECT_DIE(sb_read_numbers(files_text("word.txt", "1 2 three 4"), x, 8), "found \"three\"");
    EXPECT_DIE(sb_read_numbers(files_text("unit.txt", "1 2cm"), x, 8), "found \"2cm\"");
    EXPECT_DIE(sb_read_numbers(files_put("zero.txt", "1 2\0 3", 6), x, 8), "zero byte");
    EXPECT_DIE(sb_read_file(test_path("missing"), NULL), "missing: cannot be read");
    EXPECT_DIE(sb_read_file(test_folder(), NULL), "is a folder");
    EXPECT_DIE(sb_read_file_limit(path, 16, NULL), "larger than 16 bytes");
    free(sb_read_file_limit(path, 17, &size));
    CHECK(size == 17, "%zu bytes", size);
    free(sb_read_file(files_put("empty", "", 0), &size));
    CHECK(size == 0, "an empty file has %zu bytes", size);
}

static void test_file_text(void) {
    static const struct { const char *text; size_t size, end; } row[] = {
        {"plain", 5, 5}, {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x99\x82", 9, 9}, {"a\0b", 3, 3}, {"a\xc3", 2, 1},
        {"a\x80", 2, 1}, {"\xc0\x80", 2, 0}, {"\xc1\xbf", 2, 0}, {"\xe0\x9f\xbf", 3, 0}, {"\xed\x9f\xbf", 3,
            3},
        {"\xed\xa0\x80", 3, 0}, {"\xf0\x8f\xbf\xbf", 4, 0}, {"\xf4\x8f\xbf\xbf", 4, 4}, {"\xf4\x90\x80\x80",
            4, 0},
        {"\xf5\x80\x80\x80", 4, 0}, {"ab\xe2\x82", 4, 2}, {"ab\xff", 3, 2}, {"ab\xe2\x28\xa1", 5, 2}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        size_t end = sb_utf8_end(row[i].text, row[i].size);
        CHECK(end == row[i].end, "text %zu: good up to byte %zu, expected %zu", i, end, row[i].end);
    }
    static const char *const order[] = {"", "1.png", "2.png", "02.png", "10.png", "a", "a1b", "a01c", "a2",
                                        "b"};
    for (int i = 0; i < 10; i++)
        for (int j = 0; j < 10; j++) {
            int c = sb_natural_order(order[i], order[j]), wanted = i < j ? -1 : i > j;
            if ((i == 2 && j == 3) || (i == 3 && j == 2)) CHECK(c != 0, "2.png and 02.png are the same");
            else CHECK((c > 0) - (c < 0) == wanted, "%s against %s: %d", order[i], order[j], c);
        }
    SbText t = {NULL, 0, 0};
    for (int i = 0; i < 1000; i++) sb_text_add(&t, "%d,", i);
    sb_text_add(&t, "%*d", 2000, 7);
    CHECK(t.size == 3890 + 2000 && !strncmp(t.data, "0,1,2,", 6) && t.data[t.size - 1] == '7', "%zu bytes",
          t.size);
    free(t.data);
}

static void files_half_written(const char *path) {
    SbWriter w;
    sb_write_open(&w, path);
    sb_write(&w, "half", 4);
    sb_die("another file is wrong");
}

static void test_file_writing(void) {
    const char *path = test_path("w/deep/a"), *folder = test_path("w/deep");
    static char large[100000];
    sb_write_file(path, "old", 3);
    CHECK(files_equal(path, "old", 3), "not what was written");
    EXPECT_DIE((files_fill_disk(4096), sb_write_file(path, large, sizeof large)), "cannot be written");
    CHECK(files_equal(path, "old", 3) && files_count(folder) == 1,
          "a full disk damaged the old file or left one");
    EXPECT_DIE((files_fill_disk(0), sb_write_file(path, large, 1)), "cannot be written");
    CHECK(files_equal(path, "old", 3) && files_count(folder) == 1,
          "a full disk damaged the old file or left one");
    EXPECT_DIE(files_half_written(path), "another file is wrong");
    CHECK(files_equal(path, "old", 3) && files_count(folder) == 1, "an error elsewhere left half a file");
    EXPECT_DIE(sb_write_file(folder, "x", 1), "is not a file");
    EXPECT_DIE(sb_write_file(test_path("w/deep/a/b"), "x", 1), "a file of that name is in the way");
    sb_write_file(path, large, sizeof large);
    CHECK(files_equal(path, large, sizeof large) && files_count(folder) == 1, "the new file is not there");
    sb_remove(test_path("w"));
    CHECK(!sb_exists(path) && !sb_exists(test_path("w")), "not removed");
}

// ---- checkpoint.h

static void test_checkpoint_round_trip(void) {
    float f[6] = {1, -2.5f, 3e-30f, 4e30f, 0, -0.0f};
    unsigned short b[3] = {0x3F80, 0x7F80, 1};
    double d[1] = {0.1};
    signed char c[5] = {1, 2, 3, 4, -5};
    SbFileTensor t[5] = {{"w.1", "F32", 2, {2, 3}, f}, {"a \"q\"\\\n\xc3\xa4", "BF16", 1, {3}, b},
                         {"scalar", "F64", 0, {0}, d}, {"none", "F32", 3, {2, 0, 7}, f}, {"bytes", "I8", 1,
                             {5}, c}};
    SbPair pair[2] = {{"format", "pt"}, {"config", "dim=3\n\"x\" \\ \t\x01 \xe2\x82\xac"}};
    const char *path = test_path("c.safetensors"), *other = test_path("d.safetensors");
    sb_checkpoint_write(path, t, 5, pair, 2);
    SbFileTensor turned[5] = {t[4], t[2], t[0], t[3], t[1]};
    sb_checkpoint_write(other, turned, 5, pair, 2);
    size_t size;
    char *text = sb_read_file(path, &size);
    CHECK(files_equal(other, text, size), "another order of the tensors gives another file");
    free(text);
    SbCheckpoint k;
    sb_checkpoint_open(&k, path);
    CHECK(k.tensors == 5 && k.pairs == 2, "%d tensors, %d texts", k.tensors, k.pairs);
    for (int i = 0; i < 5; i++) {
        const SbFileTensor *r = sb_checkpoint_get(&k, t[i].name, t[i].type, t[i].rank, t[i].shape);
        CHECK(!memcmp(r->data, t[i].data, (size_t)sb_tensor_bytes(t + i, path)), "%s: other data", t[i].name);
    }
    for (int i = 0; i < 2; i++) {
        const char *value = sb_checkpoint_text(&k, pair[i].key);
        CHECK(value && !strcmp(value, pair[i].value), "text %s: %s", pair[i].key, value ? value : "none");
    }
    CHECK(!sb_checkpoint_find(&k, "w.2") && !sb_checkpoint_text(&k, "w.1"), "found what is not there");
    const int64_t wrong[2] = {3, 2};
    EXPECT_DIE(sb_checkpoint_get(&k, "w.1", "F32", 2, wrong),
               "tensor w.1: expected F32 [3,2], found F32 [2,3]");
    EXPECT_DIE(sb_checkpoint_get(&k, "w.1", "BF16", 2, t[0].shape), "expected BF16 [2,3], found F32 [2,3]");
    EXPECT_DIE(sb_checkpoint_get(&k, "w.1", NULL, 1, t[0].shape), "expected any type [2], found F32 [2,3]");
    EXPECT_DIE(sb_checkpoint_get(&k, "w", NULL, 1, t[0].shape), "tensor w is missing");
    sb_checkpoint_close(&k);
    turned[0].name = "w.1";
    EXPECT_DIE(sb_checkpoint_write(other, turned, 5, pair, 2), "tensor w.1 is given twice");
    turned[0].type = "F31";
    EXPECT_DIE(sb_checkpoint_write(other, turned, 5, pair, 2), "type F31 cannot be written");
    EXPECT_DIE((files_fill_disk(100), sb_checkpoint_write(path, t, 5, pair, 2)), "nothing was changed");
    sb_checkpoint_open(&k, path);
    CHECK(k.tensors == 5, "the old file is damaged");
    sb_checkpoint_close(&k);
}

// The format itself, byte by byte as its description has it, with a header that nobody aligned.
static void test_checkpoint_format(void) {
    const char head[] = "{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[1,5]},"
                        "\"a\":{\"shape\":[1],\"dtype\":\"U8\",\"data_offsets\":[0,1]}}  ";
    unsigned char file[200] = {(unsigned char)(sizeof head - 1)};
    memcpy(file + 8, head, sizeof head - 1);
    memcpy(file + 8 + sizeof head - 1, "\x07\x00\x00\xc0\x3f", 5);
    const char *path = files_put("format", file, 8 + sizeof head - 1 + 5);
    SbCheckpoint k;
    sb_checkpoint_open(&k, path);
    const SbFileTensor *a = sb_checkpoint_find(&k, "a"), *b = sb_checkpoint_find(&k, "b");
    CHECK(a && b && *(const unsigned char *)a->data == 7 && *(const float *)b->data == 1.5f, "wrong values");
    sb_checkpoint_close(&k);
}

static void files_open_checkpoint(const char *path) {
    SbCheckpoint k;
    sb_checkpoint_open(&k, path);
    sb_checkpoint_close(&k);
}

static void test_checkpoint_lies(void) {
    static const struct { const char *head; int data; const char *message; } row[] = {
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7, "is it complete"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 9, "the file has 9"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1,9]}}", 9, "a hole or an overlap"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "F32 [3] needs 12 bytes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, "needs 8 bytes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, "whole numbers"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,8]}}", 8, "whole numbers"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1e300],\"data_offsets\":[0,8]}}", 8, "whole numbers"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0,
         "overflows"},
        {"{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}}", 2, "whole bytes"},
        {"{\"a\":{\"dtype\":\"F33\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "unknown type \"F33\""},
        {"{\"a\":{\"dtype\":7,\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "\"dtype\": expected a string"},
        {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "\"dtype\" is missing"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", 8,
         "a field that is not"},
        {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
         "there twice"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", 8, "two numbers"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4,
         "9 dimensions"},
        {"{\"a\":[]}", 0, "expected an object"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
         "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, "tensor a is there twice"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}", 3, "a hole or an overlap"},
        {"{\"__metadata__\":{\"k\":1}}", 0, "expected a string, found a number"},
        {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "k is there twice"},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "there twice"},
        {"{\"__metadata__\":3}", 0, "expected an object"},
        {"{\"a\\u0000\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, "\\u0000"},
        {"{\"\xff\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, "not UTF-8"},
        {"[]", 0, "does not begin with {"}, {" {}", 0, "does not begin with {"}, {"{", 0,
            "does not begin with {"},
        {"{}x", 0, "not valid JSON"}, {"{\"a\":", 0, "ends early"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        SbText t = {NULL, 0, 0};
        uint64_t n = strlen(row[i].head);
        sb_text_bytes(&t, &n, 8);
        sb_text_bytes(&t, row[i].head, (size_t)n);
        for (int k = 0; k < row[i].data; k++) sb_text_bytes(&t, "x", 1);
        const char *path = files_put("lie", t.data, t.size);
        EXPECT_DIE(files_open_checkpoint(path), row[i].message);
        free(t.data);
    }
    const uint64_t sizes[4] = {UINT64_MAX, (uint64_t)1 << 63, SB_HEADER_LIMIT + 1, 9};
    for (int i = 0; i < 4; i++) {
        char file[17] = "........{}      ";
        memcpy(file, &sizes[i], 8);
        EXPECT_DIE(files_open_checkpoint(files_put("size", file, 16)), "not a safetensors file");
    }
    EXPECT_DIE(files_open_checkpoint(test_folder()), "is a folder");
    EXPECT_DIE(files_open_checkpoint(files_put("empty", "", 0)), "not a safetensors file (0 bytes)");
}

// Cut short at every byte: always an error. A bit changed anywhere in the header: an error or another header.
static void test_checkpoint_damage(void) {
    float f[4] = {1, 2, 3, 4};
    SbFileTensor t[2] = {{"one", "F32", 1, {3}, f}, {"two", "F32", 2, {2, 2}, f}};
    SbPair pair = {"format", "pt"};
    const char *path = test_path("whole"), *cut = test_path("cut");
    sb_checkpoint_write(path, t, 2, &pair, 1);
    size_t size;
    char *text = sb_read_file(path, &size);
    for (size_t n = 0; n < size; n++) {
        files_replace(cut, text, n);
        EXPECT_DIE(files_open_checkpoint(cut), "");
    }
    for (size_t i = 0; i < size - 28; i++) {
        text[i] = (char)(text[i] ^ (1 << (i % 7)));
        files_replace(cut, text, size);
        EXPECT_NO_CRASH(files_open_checkpoint(cut));
        text[i] = (char)(text[i] ^ (1 << (i % 7)));
    }
    free(text);
}

// ---- image.h

// A picture with structure and noise.
static unsigned char *files_picture(int w, int h, int channels, uint64_t seed) {
    unsigned char *p = (unsigned char *)sb_calloc((size_t)(w * h), (size_t)channels);
    SbRandom r = sb_random(seed, 0);
    for (int i = 0; i < w * h * channels; i++)
        p[i] = (unsigned char)(i % 3 * 60 + i / channels % w * 90 / w + (int)sb_next_int(&r, 20));
    return p;
}

// A JPEG of 16 x 16 from another program (libjpeg): left half (200, 40, 40), right half (40, 60, 200).
static const char *files_jpeg(const char *name) {
    static const unsigned char jpeg[] = {
        255, 216, 255, 219, 0, 67, 0, 13, 9, 10, 11, 10, 8, 13, 11, 10, 11, 14, 14, 13, 15, 19, 32, 21, 19,
        18, 18, 19, 39, 28, 30, 23, 32, 46, 41, 49, 48, 46, 41, 45, 44, 51, 58, 74, 62, 51, 54, 70, 55, 44,
        45, 64, 87, 65, 70, 76, 78, 82, 83, 82, 50, 62, 90, 97, 90, 80, 96, 74, 81, 82, 79, 255, 219, 0, 67,
        1, 14, 14, 14, 19, 17, 19, 38, 21, 21, 38, 79, 53, 45, 53, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79,
        79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79,
        79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 79, 255, 192, 0, 17, 8, 0, 16, 0, 16, 3, 1,
        17, 0, 2, 17, 1, 3, 17, 1, 255, 196, 0, 21, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 5,
        255, 196, 0, 20, 16, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 196, 0, 21, 1, 1, 1, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 4, 255, 196, 0, 20, 17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 255, 218, 0, 12, 3, 1, 0, 2, 17, 3, 17, 0, 63, 0, 140, 128, 184, 67, 144, 82, 193,
        142, 132, 57, 5, 127, 255, 217};
    return files_put(name, jpeg, sizeof jpeg);
}

static void test_image_round_trip(void) {
    const int sizes[4][2] = {{1, 1}, {37, 5}, {64, 48}, {1, 300}};
    for (int i = 0; i < 4; i++) {
        int w = sizes[i][0], h = sizes[i][1], rw = 0, rh = 0;
        unsigned char *p = files_picture(w, h, 3, 1);
        sb_png_write(test_path("p.png"), p, w, h);
        unsigned char *r = sb_image_load(test_path("p.png"), &rw, &rh);
        CHECK(rw == w && rh == h && !memcmp(p, r, (size_t)(w * h * 3)), "%d x %d RGB: not the same", w, h);
        free(r);
        free(p);
        unsigned short *grey = (unsigned short *)files_picture(w, h, 2, 2);
        grey[0] = 0xFFFF;
        grey[w * h - 1] = 0x0102;
        sb_png16_write(test_path("g.png"), grey, w, h);
        unsigned short *back = sb_png16_read(test_path("g.png"), &rw, &rh);
        CHECK(rw == w && rh == h && !memcmp(grey, back, (size_t)(w * h * 2)),
              "%d x %d, 16 bits: not the same", w, h);
        free(back);
        unsigned char *rgb = sb_image_load(test_path("g.png"), &rw, &rh);
        CHECK(rgb[0] == grey[0] >> 8 || w * h == 1, "16 bits as 8: %d", rgb[0]);
        free(rgb);
        free(grey);
    }
    int w, h;
    unsigned char *r = sb_image_load(files_jpeg("p.jpg"), &w, &h);
    static const int colour[2][3] = {{200, 40, 40}, {40, 60, 200}};
    CHECK(w == 16 && h == 16, "JPEG of %d x %d", w, h);
    for (int i = 0; i < 16 * 16 * 3; i++)
        CHECK(abs(r[i] - colour[i / 24 % 2][i % 3]) < 8, "JPEG byte %d: %d", i, r[i]);
    free(r);
}

// The bytes of a 16-bit PNG, decoded here: stored in the file big-endian, grey, 16 bits.
static void test_image_header(void) {
    const unsigned short grey[2] = {0x1234, 0xABCD};
    int size;
    unsigned char *png = sb_png16_encode(grey, 2, 1, &size);
    const unsigned char head[] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13, 'I', 'H', 'D', 'R', 0, 0,
                                  0, 2,
                                  0, 0, 0, 1, 16, 0, 0, 0, 0};
    CHECK(!memcmp(png, head, sizeof head), "the header is not that of a 16-bit grey PNG of 2 x 1");
    CHECK(sb_crc((const unsigned char *)"123456789", 9) == 0xCBF43926u, "CRC-32 of 123456789");
    free(png);
}

// Change 4 bytes of a PNG's header and make its checksum right again.
static const char *files_lying_png(const char *name, int at, uint32_t value) {
    unsigned char *p = files_picture(16, 16, 3, 3);
    int size;
    unsigned char *png = sb_png_encode(p, 16, 16, 3, &size);
    sb_put_big_endian(png + at, value);
    sb_put_big_endian(png + 29, sb_crc(png + 12, 17));
    const char *path = files_put(name, png, (size_t)size);
    free(png);
    free(p);
    return path;
}

static void files_load(const char *path) {
    int w, h;
    free(sb_image_load(path, &w, &h));
}

static void test_image_refuses(void) {
    int w, h;
    unsigned char *p = files_picture(16, 16, 3, 3), *grey = files_picture(16, 16, 1, 3);
    sb_png_write(test_path("rgb.png"), p, 16, 16);
    EXPECT_DIE(sb_png16_read(test_path("rgb.png"), &w, &h),
               "expected a grey PNG of 16 bits, found a colour PNG of 8");
    EXPECT_DIE(sb_mask_read(test_path("rgb.png"), &w, &h), "expected a grey PNG of 8 or 16 bits");
    EXPECT_DIE(sb_mask_read(files_jpeg("m.jpg"), &w, &h), "found a colour JPEG");
    int size;
    unsigned char *png = sb_png_encode(grey, 16, 16, 1, &size);
    files_put("grey.png", png, (size_t)size);
    unsigned short *mask = sb_mask_read(test_path("grey.png"), &w, &h);
    int same = w == 16 && h == 16;
    for (int i = 0; i < 256 && same; i++) same = mask[i] == grey[i];
    CHECK(same, "an 8-bit mask changes");
    EXPECT_DIE(sb_png16_read(test_path("grey.png"), &w, &h), "found a grey PNG of 8 bits");
    EXPECT_DIE(files_load(files_lying_png("wide.png", 16, 100000)), "the limits are");
    EXPECT_DIE(files_load(files_lying_png("huge.png", 16, 0xFFFFFFFFu)), "the limits are");
    EXPECT_DIE(files_load(files_lying_png("none.png", 20, 0)), "a size of 16 x 0");
    EXPECT_DIE(files_load(files_lying_png("tall.png", 20, 17)), "the picture is damaged");
    EXPECT_DIE(files_load(files_lying_png("bits.png", 24, 0x03020000)), "the picture is damaged");
    EXPECT_DIE(files_load(files_text("p.bmp", "BM and so on")), "neither a PNG nor a JPEG");
    EXPECT_DIE(files_load(files_text("p.svg", "")), "neither a PNG nor a JPEG (0 bytes)");
    EXPECT_DIE(files_load(test_folder()), "is a folder");
    size_t bytes;
    char *jpeg = sb_read_file(files_jpeg("table.jpg"), &bytes);
    for (size_t i = 0; i + 6 < bytes; i++)
        if (!memcmp(jpeg + i, "\xff\xc4", 2)) jpeg[i + 5] = (char)0xf0;   // 240 codes of one bit
    files_put("table.jpg", jpeg, bytes);
    free(jpeg);
    EXPECT_DIE(files_load(test_path("table.jpg")), "a table at byte");
    EXPECT_DIE((files_fill_disk(64), sb_png_write(test_path("rgb.png"), p, 16, 16)), "nothing was changed");
    files_load(test_path("rgb.png"));
    free(mask);
    free(png);
    free(grey);
    free(p);
}

// Cut short at every 16th byte, or a byte changed: a PNG is always refused; a JPEG that is cut short is.
static void test_image_damage(void) {
    unsigned char *p = files_picture(24, 20, 3, 3);
    const char *name[2] = {test_path("whole.png"), files_jpeg("whole.jpg")}, *cut = test_path("cut");
    sb_png_write(name[0], p, 24, 20);
    free(p);
    for (int kind = 0; kind < 2; kind++) {
        size_t size;
        char *file = sb_read_file(name[kind], &size);
        for (size_t n = 0; n < size; n += n < 64 || n + 32 > size ? 1 : 16) {
            files_replace(cut, file, n);
            EXPECT_DIE(files_load(cut), "");
        }
        for (size_t i = 0; i < size; i += 3) {
            file[i] = (char)(file[i] ^ (1 << (i % 8)));
            files_replace(cut, file, size);
            if (kind == 0) EXPECT_DIE(files_load(cut), "");
            else EXPECT_NO_CRASH(files_load(cut));
            file[i] = (char)(file[i] ^ (1 << (i % 8)));
        }
        free(file);
    }
}

// Against the mean over each output pixel's interval, taken in steps of 1 / (w W) along each axis.
static void test_image_shrink(void) {
    const int w = 12, h = 10, W = 5, H = 4;
    unsigned char *p = files_picture(w, h, 3, 9), out[5 * 4 * 3];
    sb_image_resize(p, w, h, out, W, H);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int c = 0; c < 3; c++) {
                long sum = 0;
                for (int j = 0; j < h; j++)          // sub-pixel j of h lies in input row (y h + j) / H
                    for (int i = 0; i < w; i++) sum += p[((y * h + j) / H * w + (x * w + i) / W) * 3 + c];
                long mean = (2 * sum + w * h) / (2 * w * h);
                CHECK(out[(y * W + x) * 3 + c] == mean, "pixel %d %d: %d, expected %ld", x, y,
                      out[(y * W + x) * 3 + c],
                      mean);
            }
    free(p);
}

static void test_image_grow(void) {
    static unsigned char p[4 * 2 * 3];          // static: gcc 12 takes it for uninitialised otherwise
    unsigned char out[16 * 2 * 3], same[4 * 2 * 3];
    for (int i = 0; i < 24; i++) p[i] = (unsigned char)(i / 3 % 4 * 40 + i % 3);   // a ramp: 40 x + c
    sb_image_resize(p, 4, 2, same, 4, 2);
    CHECK(!memcmp(p, same, 24), "the same size changes the picture");
    sb_image_resize(p, 4, 2, out, 16, 2);
    for (int x = 0; x < 16; x++) {
        double at = (x + 0.5) / 4 - 0.5;
        at = at < 0 ? 0 : at > 3 ? 3 : at;
        CHECK(out[x * 3] == (int)(40 * at + 0.5), "pixel %d: %d, expected %g", x, out[x * 3], 40 * at);
        CHECK(out[(16 + x) * 3 + 2] == (int)(40 * at + 2 + 0.5), "second row, pixel %d: %d", x,
              out[(16 + x) * 3 + 2]);
    }
    SbIntrinsics k = {100, 50, 1.5, 0.5}, r = sb_intrinsics_resize(k, 4, 2, 16, 2);
    CHECK(r.fx == 400 && r.fy == 50 && r.cx == 7.5 && r.cy == 0.5, "the centre moves: %g %g", r.cx, r.cy);
    EXPECT_DIE(sb_image_resize(p, 4, 2, out, 0, 2), "cannot resize");
}

// ---- json.h

static void test_json_fields(void) {
    const char text[] = "{\"s\": \"a\\u00e4\\n\", \"x\": -1.5e2, \"n\": 7, \"v\": [1, 2, 3], \"o\": {}, "
                        "\"d\": 1, \"d\": 2, "
                        "\"big\": 1e999, \"q\": null}";
    cJSON *o = sb_json_parse(text, strlen(text), "f.json");
    double v[3];
    CHECK(!strcmp(sb_json_string(o, "s", "f.json"), "a\xc3\xa4\n"), "string");
    CHECK(sb_json_number(o, "x", "f.json") == -150 && sb_json_int(o, "n", 0, 7, "f.json") == 7, "numbers");
    sb_json_numbers(o, "v", v, 3, "f.json");
    CHECK(v[0] == 1 && v[2] == 3 && !sb_json_optional(o, "none", "f.json"), "list");
    EXPECT_DIE(sb_json_string(o, "x", "f.json: record 3"),
               "f.json: record 3: field \"x\": expected a string, found a number");
    EXPECT_DIE(sb_json_number(o, "s", "f.json"), "field \"s\": expected a number, found a string");
    EXPECT_DIE(sb_json_number(o, "none", "f.json"), "field \"none\" is missing");
    EXPECT_DIE(sb_json_number(o, "d", "f.json"), "field \"d\" is there twice");
    EXPECT_DIE(sb_json_number(o, "big", "f.json"), "too large");
    EXPECT_DIE(sb_json_int(o, "n", 0, 6, "f.json"), "from 0 to 6, found 7");
    EXPECT_DIE(sb_json_int(o, "q", 0, 1, "f.json"), "found null");
    EXPECT_DIE(sb_json_numbers(o, "v", v, 2, "f.json"), "expected 2 numbers, found 3");
    EXPECT_DIE(sb_json_array(o, "o", "f.json"), "expected a list, found an object");
    cJSON_Delete(o);
    EXPECT_DIE(sb_json_read(files_text("a.json", "{\"a\": 1}\n\n }")),
               "a.json: not valid JSON at byte 11 (line 3)");
    EXPECT_DIE(sb_json_read(files_text("a.json", "{\"a\": [1, 2")), "ends early");
    EXPECT_DIE(sb_json_read(files_text("a.json", "{\"a\": \"\xff\"}")), "not UTF-8 (byte 7 is ff)");
    EXPECT_DIE(sb_json_read(files_text("a.json", "{\"a\": \"\\u0000\"}")), "\\u0000");
    EXPECT_DIE(sb_json_read(files_text("a.json", "")), "a.json");
    cJSON_Delete(sb_json_read(files_text("a.json", "{\"a\": \"\\\\u0000\"}\r\n")));
    SbText deep = {NULL, 0, 0};
    for (int i = 0; i < 100000; i++) sb_text_add(&deep, "[");
    EXPECT_DIE(sb_json_parse(deep.data, deep.size, "deep"), "deep: ");
    free(deep.data);
}

#define FILES_TALK(id, rest, first) \
    "{\"id\": \"" id "\"" rest ", \"conversations\": [{\"from\": \"human\", \"value\": \"" first "\"}, " \
    "{\"from\": \"gpt\", \"value\": \"{[\\\"yes\\\\\"}]}"

// Three records, as an array and as JSONL: one image, two images, none.
static const char *const files_talks[3] = {
    FILES_TALK("a", ", \"image\": \"x.png\"", "<image>\\nq]}"),
    FILES_TALK("b", ", \"image\": [\"x.png\", \"y.png\"]", "<image> <image> two"), FILES_TALK("c", "", "q")};

static char *files_join(const char *before, const char *between, const char *after) {
    return sb_format("%s%s%s%s%s%s%s", before, files_talks[0], between, files_talks[1], between,
                     files_talks[2], after);
}

static void files_read_talks(const char *path) {
    SbConversations r;
    SbConversation c;
    sb_conversations_open(&r, path);
    while (sb_conversations_next(&r, &c)) sb_conversation_free(&c);
    sb_conversations_close(&r);
}

static void test_conversations_read(void) {
    const char *form[5][3] = {{"[", ",", "]"}, {" [\n ", " ,\n", "\n]\n"}, {"", "\n", "\n"}, {"", "", ""},
                              {"\xEF\xBB\xBF[", ",", "]"}};
    for (int f = 0; f < 5; f++) {
        char *text = files_join(form[f][0], form[f][1], form[f][2]);
        const char *path = files_text("t.json", text);
        SbConversations r;
        SbConversation c[4];
        sb_conversations_open(&r, path);
        for (int i = 0; i < 3; i++) CHECK(sb_conversations_next(&r, c + i) == 1, "form %d: record %d", f, i);
        CHECK(sb_conversations_next(&r, c + 3) == 0 && sb_conversations_next(&r, c + 3) == 0,
              "form %d: no end", f);
        CHECK(c[0].images == 1 && c[1].images == 2 && c[2].images == 0, "images: %d %d %d", c[0].images,
              c[1].images,
              c[2].images);
        CHECK(!strcmp(c[1].id, "b") && !strcmp(c[1].image[1], "y.png") && c[1].turns == 1, "second record");
        CHECK(!strcmp(c[0].turn[0].question, "<image>\nq]}") && !strcmp(c[0].turn[0].answer, "{[\"yes\\"),
              "first turn: %s",
              c[0].turn[0].answer);
        sb_conversations_at(&r, c[1].offset, c[1].record, c + 3);
        CHECK(!strcmp(c[3].id, "b") && c[3].record == 2, "form %d: record 2 again is %s", f, c[3].id);
        for (int i = 0; i < 4; i++) sb_conversation_free(c + i);
        sb_conversations_close(&r);
        free(text);
    }
    files_read_talks(files_text("t.json", "[]"));
    // a first turn from gpt is skipped; a numeric id
    const char *path = files_text("t.json", "{\"id\": 17, \"conversations\": ["
                                  "{\"from\": \"gpt\", \"value\": \"hello\"}, "
                                  "{\"from\": \"human\", \"value\": \"q\"}, "
                                  "{\"from\": \"gpt\", \"value\": \"a\"}]}");
    SbConversations r;
    SbConversation c;
    sb_conversations_open(&r, path);
    CHECK(sb_conversations_next(&r, &c) && c.turns == 1 && !strcmp(c.turn[0].question, "q"), "first turn");
    CHECK(!strcmp(c.id, "17"), "id %s", c.id);
    sb_conversation_free(&c);
    sb_conversations_close(&r);
}

static void test_conversations_refuse(void) {
    static const char *const row[][2] = {
        {"", "is empty"}, {"hello", "begin with [ or {"}, {"\"a\"", "begin with [ or {"}, {"[1]",
            "expected a record"},
        {"[,]", "expected a record"}, {"[{}]", "record 1 (line 1): field \"conversations\" is missing"},
        {"{\"conversations\": []}", "no question with an answer"},
        {"{\"conversations\": {}}", "expected a list, found an object"},
        {"{\"conversations\": [3]}", "turn 1: expected an object"},
        {"{\"conversations\": [{\"from\": \"human\"}]}", "field \"value\" is missing"},
        {"{\"conversations\": [{\"from\": \"human\", \"value\": \"q\"}]}", "the last question has no answer"},
        {"{\"conversations\": [{\"from\": \"human\", \"value\": \"q\"}, "
         "{\"from\": \"human\", \"value\": \"q\"}]}",
         "turn 2: expected a turn from \"gpt\", found one from \"human\""},
        {"{\"conversations\": [{\"from\": \"system\", \"value\": \"q\"}]}", "found one from \"system\""},
        {"{\"image\": 3, \"conversations\": []}", "field \"image\": expected a file name"},
        {"{\"image\": [\"\"], \"conversations\": []}", "an empty name"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        EXPECT_DIE(files_read_talks(files_text("bad.json", row[i][0])), row[i][1]);
    static const struct { const char *image, *question, *answer, *message; } count[] = {
        {"\"x\"", "q", "a", "1 images, but <image> stands 0 times"}, {"null", "<image>", "a",
                                                                      "0 images, but"},
        {"[\"x\", \"y\"]", "<image>", "a", "2 images, but <image> stands 1 times"},
        {"\"x\"", "q", "<image>", "<image> in an answer"}, {"\"x\"", "<image>", "\xe4", "not UTF-8"}};
    for (size_t i = 0; i < sizeof count / sizeof *count; i++) {
        char *text = sb_format("[{\"image\": %s, \"conversations\": [{\"from\": \"human\", "
                               "\"value\": \"%s\"}, {\"from\": \"gpt\", \"value\": \"%s\"}]}]",
                               count[i].image, count[i].question, count[i].answer);
        EXPECT_DIE(files_read_talks(files_text("bad.json", text)), count[i].message);
        free(text);
    }
    const char *join[5][3] = {{"[", "", "]"}, {"[", ",,", "]"}, {"[", ",", ",]"}, {"[", ",", "] x"}, {"", ",",
        ""}};
    for (int i = 0; i < 5; i++) {
        char *text = files_join(join[i][0], join[i][1], join[i][2]);
        EXPECT_DIE(files_read_talks(files_text("bad.json", text)),
                   i == 3 ? "after the closing ]" : "expected a record");
        free(text);
    }
    char *text = files_join("[", ",", "]");
    for (size_t n = 0; n < strlen(text); n++)
        EXPECT_DIE(files_read_talks(files_put("bad.json", text, n)), n ? "is the file complete" : "is empty");
    free(text);
}

static void test_conversations_write(void) {
    SbText t = {NULL, 0, 0};
    const char *path = test_path("w.jsonl");
    char image[2][8] = {"a.png", "b\"\\.png"}, *images[2] = {image[0], image[1]};
    char q[] = "<image>\n<image> \xe2\x82\xac\t\x01?", a[] = "\"yes\" \\ no\r\n", id[] = "7";
    SbTurn turn[2] = {{q, a}, {a, id}};
    for (int images_used = 0; images_used < 3; images_used++) {
        SbConversation c = {id, images_used, 2, images, turn, 0, 0, 0};
        turn[0].question = images_used == 2 ? q : images_used == 1 ? q + 8 : a;
        sb_text_conversation(&t, &c);
    }
    sb_write_file(path, t.data, t.size);
    CHECK(memchr(t.data, '\r', t.size) == NULL && memchr(t.data, 1, t.size) == NULL,
          "a control byte in JSON");
    free(t.data);
    SbConversations r;
    SbConversation c;
    sb_conversations_open(&r, path);
    for (int i = 0; i < 3; i++) {
        CHECK(sb_conversations_next(&r, &c) && c.images == i && c.turns == 2 && !strcmp(c.id, "7"),
              "record %d", i);
        CHECK(!strcmp(c.turn[0].question, i == 2 ? q : i == 1 ? q + 8 : a) && !strcmp(c.turn[0].answer, a),
              "turn 1");
        if (i == 2) CHECK(!strcmp(c.image[1], image[1]), "image %s", c.image[1]);
        sb_conversation_free(&c);
    }
    sb_conversations_close(&r);
    char bad[] = "\xe4";
    EXPECT_DIE(sb_text_json(&t, bad), "not UTF-8");
}

// The questions about the real scenes.
static void test_conversations_real(void) {
    const char *data = sb_data_folder();
    if (!data) SKIP("no real scenes (SB_DATA)");
    char *path = sb_format("%s/qa/spatial_qa_llava.json", data);
    SbConversations r;
    SbConversation c;
    int lists = 0;
    sb_conversations_open(&r, path);
    while (sb_conversations_next(&r, &c)) {
        lists += c.images > 1;
        for (int i = 0; i < c.images; i++) {
            char *image = sb_format("%s/%s", data, c.image[i]);
            CHECK(sb_exists(image), "%s is not there", image);
            free(image);
        }
        sb_conversation_free(&c);
    }
    CHECK(r.record == 7 && lists > 0, "%ld records, %d with several images", r.record, lists);
    sb_conversations_close(&r);
    free(path);
}

// ---- scene.h: a room of floor, two walls and a ceiling whose depth has a formula

// Distance along a world ray to the nearest of the planes that bound the room; hit[3] is the point.
static double files_room_ray(const double *origin, const double *ray, double *hit) {
    static const double plane[6][4] = {{0, 0, 1, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {1, 0, 0, 4}, {0, 1, 0, 5},
                                       {0, 0, 1, 2.6}};
    double best = 1e9;
    for (int i = 0; i < 6; i++) {
        double along = plane[i][0] * ray[0] + plane[i][1] * ray[1] + plane[i][2] * ray[2];
        double at = plane[i][0] * origin[0] + plane[i][1] * origin[1] + plane[i][2] * origin[2];
        double gap = plane[i][3] - at;
        if (gap / along > 1e-9 && gap / along < best) best = gap / along;
    }
    for (int i = 0; i < 3; i++) hit[i] = origin[i] + best * ray[i];
    return best;
}

// A camera at (x, y, 1.4) that looks along yaw (radians from +x towards +y) and down by pitch; z of the world
// is up.
static void files_pose(double *pose, double x, double y, double yaw, double pitch) {
    double forward[3] = {cos(yaw) * cos(pitch), sin(yaw) * cos(pitch), -sin(pitch)};
    double right[3] = {sin(yaw), -cos(yaw), 0}, down[3], where[3] = {x, y, 1.4};
    for (int i = 0; i < 3; i++) {
        int j = (i + 1) % 3, k = (i + 2) % 3;
        down[i] = forward[j] * right[k] - forward[k] * right[j];
    }
    for (int i = 0; i < 3; i++) {
        pose[4 * i] = right[i];
        pose[4 * i + 1] = down[i];
        pose[4 * i + 2] = forward[i];
        pose[4 * i + 3] = where[i];
        pose[12 + i] = 0;
    }
    pose[15] = 1;
}

static void files_render(SbView *v, const char *name, int w, int h, double f) {
    SbIntrinsics k = {f, f, (w - 1) / 2.0, (h - 1) / 2.0 + 1};
    sb_fill(v->name, sizeof v->name, name, "name", "test");
    v->w = v->dw = w;
    v->h = v->dh = h;
    v->k = v->dk = k;
    v->rgb = (unsigned char *)sb_calloc((size_t)(w * h), 3);
    v->depth = (float *)sb_calloc((size_t)(w * h), sizeof *v->depth);
    v->mask = (unsigned short *)sb_calloc((size_t)(w * h), sizeof *v->mask);
    for (int i = 0; i < w * h; i++) {
        double x = (i % w - k.cx) / f, y = (i / w - k.cy) / f, ray[3], origin[3], hit[3];
        for (int r = 0; r < 3; r++) {
            ray[r] = v->pose[4 * r] * x + v->pose[4 * r + 1] * y + v->pose[4 * r + 2];
            origin[r] = v->pose[4 * r + 3];
        }
        v->depth[i] = (float)(floor(1000 * files_room_ray(origin, ray, hit) + 0.5) / 1000);
        v->mask[i] = (unsigned short)(hit[2] < 1e-6 ? 1 : 300);
        for (int c = 0; c < 3; c++) {
            double wave = sin(3 * hit[c] + 2 * hit[(c + 1) % 3]);
            v->rgb[3 * i + c] = (unsigned char)(120 + 100 * wave);
        }
    }
}

// Views of the room: the camera walks from the middle towards +x and turns.
static SbScene files_room(int views, double walk) {
    SbScene s;
    memset(&s, 0, sizeof s);
    s.views = views;
    s.up[2] = 1;
    s.view = (SbView *)sb_calloc((size_t)views, sizeof *s.view);
    s.object = (SbObject *)sb_calloc(2, sizeof *s.object);
    s.objects = 2;
    SbObject floor = {1, "floor", "floor", 0, {0, 0, 0}, {0, 0, 0}, 0};
    SbObject box = {300, "r\xc3\xb6t \"box\"", "box", 1, {0.1, -2, 1.0 / 3}, {1, 2e-3, 3}, -0.7};
    s.object[0] = floor;
    s.object[1] = box;
    for (int i = 0; i < views; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", 8 + i);    // 8, 9, 10: not the order of letters
        files_pose(s.view[i].pose, 1.6 + walk * i, 2.0 + walk * i / 3, 0.6 + walk * i, 0.25);
        files_render(s.view + i, name, 80, 60, 70);
    }
    return s;
}

static void test_scene_round_trip(void) {
    SbScene s = files_room(3, 0.2), r;
    s.unproven = 1;
    s.floor_area = 12.345678901234567;
    s.up[0] = 0.6;
    s.up[2] = 0.8;
    const char *folder = test_path("scene/room");
    sb_scene_save(&s, folder);
    CHECK(files_count(test_path("scene")) == 1, "something is left beside the folder");
    sb_scene_load(&r, folder);
    CHECK(r.unproven == 1 && r.floor_area == s.floor_area, "floor %g", r.floor_area);
    CHECK(r.views == 3 && r.objects == 2 && !memcmp(r.up, s.up, sizeof r.up), "%d views", r.views);
    for (int i = 0; i < 3; i++) {
        const SbView *a = s.view + i, *b = r.view + i;
        CHECK(!strcmp(a->name, b->name) && a->w == b->w && a->dh == b->dh, "view %d is %s", i, b->name);
        CHECK(!memcmp(a->rgb, b->rgb, 80 * 60 * 3), "view %d: colour", i);
        CHECK(!memcmp(a->depth, b->depth, 80 * 60 * sizeof(float)), "view %d: depth", i);
        CHECK(!memcmp(a->mask, b->mask, 80 * 60 * 2), "view %d: mask", i);
        CHECK(!memcmp(a->pose, b->pose, sizeof a->pose) && !memcmp(&a->k, &b->k, sizeof a->k),
              "view %d: camera", i);
    }
    for (int i = 0; i < 2; i++) {
        const SbObject *a = s.object + i, *b = r.object + i;
        CHECK(a->id == b->id && !strcmp(a->name, b->name) && !strcmp(a->category, b->category), "object %d",
              i);
        CHECK(a->has_box == b->has_box && !memcmp(a->center, b->center, sizeof a->center) &&
              !memcmp(a->size, b->size, sizeof a->size) && a->yaw == b->yaw, "object %d: box", i);
    }
    EXPECT_DIE(sb_scene_save(&s, folder), "the folder is not empty");
    sb_scene_save(&s, test_path("scene/slash/"));
    CHECK(sb_exists(test_path("scene/slash/objects.json")), "a name with a slash at its end");
    sb_remove(test_path("scene/slash"));
    EXPECT_DIE((files_fill_disk(3000), sb_scene_save(&s, test_path("scene/full"))), "cannot be written");
    CHECK(files_count(test_path("scene")) == 1, "a full disk leaves something");
    r.view[1].k.fx += 1;
    EXPECT_DIE(sb_scene_save(&r, test_path("scene/k")), "intrinsics of its own");
    r.view[1].k.fx -= 1;
    r.view[2].depth[5] = 66;
    EXPECT_DIE(sb_scene_save(&r, test_path("scene/far")), "cannot be stored as 16-bit millimetres");
    r.view[2].depth[5] = NAN;
    EXPECT_DIE(sb_scene_save(&r, test_path("scene/nan")), "cannot be stored as 16-bit millimetres");
    strcpy(r.view[1].name, "8");
    EXPECT_DIE(sb_scene_save(&r, test_path("scene/twice")), "two views have the name 8");
    CHECK(files_count(test_path("scene")) == 1, "a refused scene leaves something");
    sb_scene_free(&s);
    sb_scene_free(&r);
}

static void files_load_scene(const char *folder) {
    SbScene s;
    sb_scene_load(&s, folder);
    sb_scene_free(&s);
}

static void test_scene_lost_frames(void) {
    SbScene s = files_room(3, 0.2), r;
    const char *folder = test_path("lost");
    sb_scene_save(&s, folder);
    files_text("lost/pose/9.txt",
               "-inf -inf -inf -inf\n-inf -inf -inf -inf\n-inf -inf -inf -inf\n-inf -inf -inf -inf\n");
    files_text("lost/intrinsic/intrinsic_color.txt", "70 0 39.5\n0 70 30.5\n0 0 1\n");
    fflush(stderr);
    int keep = dup(2);
    if (!freopen(test_path("lost.log"), "w", stderr)) CHECK(0, "no log");
    sb_scene_load(&r, folder);
    fflush(stderr);
    dup2(keep, 2);
    close(keep);
    size_t size;
    char *log = sb_read_file(test_path("lost.log"), &size);
    CHECK(strstr(log, "1 of 3 frames without a pose are skipped"), "said: %s", log);
    CHECK(r.views == 2 && !strcmp(r.view[1].name, "10") && r.view[0].k.cy == 30.5, "%d views", r.views);
    free(log);
    sb_scene_free(&r);
    sb_scene_free(&s);
}

// One file of a good folder replaced by another text (NULL: removed), and what is said then.
static void test_scene_refuses(void) {
    static const struct { const char *file, *text, *message; } row[] = {
        {"pose/8.txt", "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 nan", "holds a NaN"},
        {"pose/8.txt", "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0", "expected a 4x4 matrix, found 15"},
        {"pose/8.txt", "2 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1", "not a rotation"},
        {"pose/8.txt", "-1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1", "mirrored"},
        {"pose/8.txt", "1 0 0 0 0 1 0 0 0 0 1 0 1 2 3 1", "not a rotation"}, {"pose/8.txt", NULL,
            "pose/8.txt"},
        {"depth/9.png", NULL, "depth/9.png"}, {"instance/9.png", NULL, "instance/9.png"},
        {"intrinsic/intrinsic_depth.txt", NULL, "intrinsic_depth.txt"},
        {"intrinsic/intrinsic_depth.txt", "70 0 39 0 70 30 0 0", "expected a 3x3 or 4x4 matrix"},
        {"intrinsic/intrinsic_depth.txt", "-70 0 39 0 70 30 0 0 1", "not intrinsics of a pinhole camera"},
        {"intrinsic/intrinsic_depth.txt", "70 1 39 0 70 30 0 0 1", "not intrinsics of a pinhole camera"},
        {"intrinsic/intrinsic_depth.txt", "70 0 nan 0 70 30 0 0 1", "is not finite"},
        {"intrinsic/intrinsic_color.txt", "700 0 320 0 700 240 0 0 1",
         "cannot belong to a picture of 80 x 60"},
        {"objects.json", "{\"up\": [0, 0]}", "expected 3 numbers"}, {"objects.json", "{\"up\": [0, 0, 0]}",
                                                                     "no direction"},
        {"objects.json", "{\"objects\": [{\"id\": 0}]}", "from 1 to 65535"},
        {"objects.json", "{\"objects\": [{\"id\": 1, \"name\": \"a\"}]}",
         "object 1: field \"category\" is missing"},
        {"objects.json", "{\"objects\": [{\"id\": 1, \"name\": \"a\", \"category\": \"b\", \"yaw\": 1}]}",
         "a box needs"},
        {"objects.json", "{\"objects\": [{\"id\": 1, \"name\": \"a\", \"category\": \"b\", \"yaw\": 1, "
         "\"center\": [0, 0, 0], \"size\": [1, 0, 1]}]}", "must be above 0"},
        {"objects.json", "{\"objects\": [{\"id\": 1, \"name\": \"a\", \"category\": \"b\"}, "
         "{\"id\": 1, \"name\": \"a\", \"category\": \"b\"}]}", "another object has 1"},
        {"objects.json", "{\"objects\": [{\"id\": 1, \"category\": \"b\", \"name\": \"01234567890123456789"
         "01234567890123456789012345678901234567890123456789\"}]}", "longer than 63 bytes"}};
    SbScene s = files_room(2, 0.2);
    const char *folder = test_path("bad");
    sb_scene_save(&s, folder);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char *path = sb_format("%s/%s", folder, row[i].file);
        size_t size;
        char *keep = sb_read_file(path, &size);
        if (row[i].text) files_replace(path, row[i].text, strlen(row[i].text));
        else sb_remove(path);
        EXPECT_DIE(files_load_scene(folder), row[i].message);
        files_replace(path, keep, size);
        free(keep);
        free(path);
    }
    files_load_scene(folder);
    EXPECT_DIE(files_load_scene(test_path("nowhere")), "not a scene folder");
    int w, h;
    sb_png_write(test_path("bad/instance/8.png"), s.view[0].rgb, 80, 60);
    EXPECT_DIE(files_load_scene(folder), "expected a grey PNG of 8 or 16 bits");
    sb_png16_write(test_path("bad/instance/8.png"), s.view[0].mask, 60, 80);
    EXPECT_DIE(files_load_scene(folder), "fits neither");
    free(sb_mask_read(test_path("bad/instance/8.png"), &w, &h));
    files_put("bad/licence.txt", "free\0", 6);
    sb_png16_write(test_path("bad/instance/8.png"), s.view[0].mask, 80, 60);
    EXPECT_DIE(files_load_scene(folder), "licence.txt: not a text");
    sb_remove(test_path("bad/licence.txt"));
    sb_remove(test_path("bad/pose"));
    EXPECT_DIE(files_load_scene(folder), "pose/8.txt: cannot be read");
    static const char *const name[2] = {"bad/pose/8.txt", "bad/pose/9.txt"};
    sb_make_folder(test_path("bad/pose"));
    for (int i = 0; i < 2; i++) files_text(name[i], "-inf 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1");
    EXPECT_DIE(files_load_scene(folder), "no frames with a pose");
    sb_scene_free(&s);
}

// Depth of half the size with intrinsics to match, and a mask of the colour's size: ids on the same rays.
static void test_scene_two_sizes(void) {
    SbScene s = files_room(1, 0), r;
    SbView *v = s.view;
    const char *folder = test_path("sizes");
    for (int y = 0; y < 30; y++)
        for (int x = 0; x < 40; x++) v->depth[y * 40 + x] = v->depth[2 * y * 80 + 2 * x];
    v->dw = 40;
    v->dh = 30;
    v->dk.fx = v->dk.fy = 35;
    v->dk.cx = v->k.cx / 2;    // pixel (x, y) of the depth is pixel (2 x, 2 y) of the colour
    v->dk.cy = v->k.cy / 2;
    sb_scene_save(&s, folder);
    sb_png16_write(test_path("sizes/instance/8.png"), v->mask, 80, 60);
    sb_scene_load(&r, folder);
    long wrong = 0;
    for (int y = 0; y < 30; y++)
        for (int x = 0; x < 40; x++) wrong += r.view[0].mask[y * 40 + x] != v->mask[2 * y * 80 + 2 * x];
    CHECK(r.view[0].dw == 40 && r.view[0].w == 80 && wrong == 0, "%ld mask pixels differ", wrong);
    sb_scene_free(&r);
    sb_scene_free(&s);
}

static void test_scene_reprojection(void) {
    SbScene s = files_room(2, 0.3);
    SbReprojection r;
    double right = sb_reproject(s.view, s.view + 1, 1, &r);
    CHECK(right < 0.006 && right == r.relative && r.metres < 0.02, "right: %.4f, %.4f m", right, r.metres);
    CHECK(r.overlap > 0.5 && r.overlap < 1 && r.pixels > 2400, "overlap %.3f, %ld pixels", r.overlap,
          r.pixels);
    CHECK(fabs(r.moved - sqrt(0.3 * 0.3 + 0.1 * 0.1)) < 1e-9, "moved %.4f", r.moved);
    CHECK(r.correlation > 0.95, "correlation %.3f", r.correlation);
    double turned = acos(cos(0.25) * cos(0.25) * cos(0.3) + sin(0.25) * sin(0.25));  // between the views' z
    CHECK(r.turned >= turned - 1e-9 && r.turned < 0.31, "turned %.4f, at least %.4f", r.turned, turned);
    sb_reproject(s.view, s.view, 1, &r);
    CHECK(r.relative < 1e-7 && r.overlap == 1 && r.moved == 0 && r.pixels == 4800 && r.correlation > 0.999999,
          "to itself");
    s.view[1].pose[3] += 0.5;
    double shifted = sb_reproject(s.view, s.view + 1, 1, &r);
    CHECK(shifted > 0.03, "a pose 50 cm off gives %.4f", shifted);
    s.view[1].pose[3] -= 100;
    CHECK(sb_reproject(s.view, s.view + 1, 1, &r) == 1 && r.pixels == 0 && r.overlap == 0, "no overlap: %.4f",
          r.relative);
    memset(s.view[0].depth, 0, 80 * 60 * sizeof(float));
    CHECK(sb_reproject(s.view, s.view + 1, 1, &r) == 1 && r.overlap == 0, "no depth: %.4f", r.relative);
    sb_scene_free(&s);
}

static SB_UNUSED void test_files_all(void) {
    RUN(test_file_reading);
    RUN(test_file_text);
    RUN(test_file_writing);
    RUN(test_checkpoint_round_trip);
    RUN(test_checkpoint_format);
    RUN(test_checkpoint_lies);
    RUN(test_checkpoint_damage);
    RUN(test_image_round_trip);
    RUN(test_image_header);
    RUN(test_image_refuses);
    RUN(test_image_damage);
    RUN(test_image_shrink);
    RUN(test_image_grow);
    RUN(test_json_fields);
    RUN(test_conversations_read);
    RUN(test_conversations_refuse);
    RUN(test_conversations_write);
    RUN(test_conversations_real);
    RUN(test_scene_round_trip);
    RUN(test_scene_lost_frames);
    RUN(test_scene_refuses);
    RUN(test_scene_two_sizes);
    RUN(test_scene_reprojection);
}
#endif
