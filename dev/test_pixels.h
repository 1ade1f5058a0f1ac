// test_pixels.h: tests of data/resample.h and data/preprocess.h.
//
// Answers come from elsewhere: Pillow's, transformers', open_clip's and PyTorch's numbers, recorded by
// goldens_pixels.py; sums made the long way round. What is made of bytes must be equal to the last bit. Read
// from top: helpers, resampling, grids, processors, sizes, refusals.
#ifndef SB_TEST_PIXELS_H
#define SB_TEST_PIXELS_H
#include "../data/checkpoint.h"
#include "../data/preprocess.h"
#include "test.h"

#define PIXELS_GOLDENS "dev/goldens_pixels.safetensors"

// ---- helpers

// goldens_pixels.py, picture(): ramps, noise, hard black and white.
static unsigned char *pixels_picture(int w, int h, unsigned seed) {
    unsigned char *rgb = (unsigned char *)sb_calloc((size_t)w * (size_t)h, 3);
    for (unsigned y = 0; y < (unsigned)h; y++)
        for (unsigned x = 0; x < (unsigned)w; x++)
            for (unsigned c = 0; c < 3; c++) {
                uint32_t n = x * 73856093u + y * 19349663u + c * 83492791u + seed * 2654435761u;
                n = (n ^ n >> 15) * 2246822519u;
                n = ((n ^ n >> 13) * 3266489917u) >> 24;
                uint32_t t = (4 * x + 3 * y + 70 * c) % 510, ramp = t > 255 ? t - 255 : 255 - t;
                rgb[(y * (unsigned)w + x) * 3 + c] =
                    (unsigned char)((x / 5 + y / 7) % 3 == 0 ? n / 128 * 255 : (3 * ramp + n) / 4);
            }
    return rgb;
}

// The JSON under a key of the goldens; cJSON_Delete() it.
static cJSON *pixels_about(const SbPair *pair) {
    return sb_json_parse(pair->value, strlen(pair->value), pair->key);
}

// ---- resampling

// Every CRC-32 in the sweep: Pillow's bytes, all of them.
static void test_pixels_sweep(void) {
    SbCheckpoint f;
    sb_checkpoint_open(&f, PIXELS_GOLDENS);
    const SbFileTensor *t = sb_checkpoint_find(&f, "sweep");
    CHECK(t && t->rank == 2 && t->shape[0] > 99 && t->shape[1] == 6 && !strcmp(t->type, "I64"), "no sweep");
    const int64_t *v = (const int64_t *)t->data;
    for (int64_t i = 0; i < t->shape[0]; i++, v += 6) {
        int w = (int)v[0], h = (int)v[1], W = (int)v[2], H = (int)v[3];
        SbPreprocess p = sb_preprocess_plain();
        p.resize = SB_EXACT, p.w = W, p.h = H, p.kernel = sb_kernel_bytes((int)v[4]), p.factor = 1;
        for (int c = 0; c < 3; c++) p.mean[c] = 0, p.std[c] = 1;
        size_t count = (size_t)W * (size_t)H * 3;
        unsigned char *rgb = pixels_picture(w, h, 1), *bytes = (unsigned char *)sb_calloc(count, 1);
        float *out = (float *)sb_calloc(count, sizeof *out);
        sb_preprocess(&p, rgb, w, h, out);
        for (size_t k = 0; k < count; k++) bytes[k] = (unsigned char)out[k];
        CHECK(sb_crc(bytes, count) == (uint32_t)v[5], "%d x %d to %d x %d, reach %d: not Pillow's bytes", w,
              h, W, H, (int)v[4]);
        free(rgb);
        free(bytes);
        free(out);
    }
    sb_checkpoint_close(&f);
}

// Weights sum to 1, for bytes within half a unit of each. Away from borders a ramp that grows stays a ramp,
// which of the cubics holds for a = -0.5 alone (Keys, 1981).
static void test_pixels_axis(void) {
    SbKernel kernels[] = {sb_kernel_bytes(1), sb_kernel_bytes(2), sb_kernel_floats(1), sb_kernel_floats(2),
                          sb_kernel_plain()};
    for (int k = 0; k < 5; k++)
        for (int m = 1; m < 40; m += m < 8 ? 1 : 7) {
            const int n = 17;
            SbAxis a = sb_axis(&kernels[k], n, (double)n / m, 0, m);
            for (int i = 0; i < m; i++) {
                double sum = 0, at = 0, centre = (i + 0.5) * n / m - 0.5;
                for (int j = 0; j < a.count[i]; j++) {
                    double w = a.weight[i * a.span + j];
                    sum += w, at += w * (a.first[i] + j);
                }
                double wrong = kernels[k].bits ? a.count[i] * ldexp(0.5, -kernels[k].bits) : 1e-14;
                CHECK(fabs(sum - 1) <= wrong, "kernel %d, %d to %d: the sum is %.17g", k, n, m, sum);
                int reach = kernels[k].reach, ramp = m >= n && kernels[k].a == -0.5;
                if (!ramp || centre - reach < 0 || centre + reach > n - 1) continue;
                CHECK(fabs(at - centre) <= n * wrong, "kernel %d, %d to %d: read at %g, expected %g", k, n, m,
                      at, centre);
            }
            sb_axis_free(&a);
        }
}

// A part of the outputs has the weights of the whole.
static void test_pixels_part(void) {
    SbKernel kernel = sb_kernel_bytes(2);
    SbAxis all = sb_axis(&kernel, 53, 53 / 19.0, 0, 19), part = sb_axis(&kernel, 53, 53 / 19.0, 4, 9);
    for (int i = 0; i < 9; i++)
        CHECK(part.first[i] == all.first[i + 4] && part.count[i] == all.count[i + 4] &&
                  !memcmp(part.weight + i * part.span, all.weight + (i + 4) * all.span,
                          (size_t)all.span * sizeof(double)),
              "output %d differs", i);
    EXPECT_DIE(sb_axis(&kernel, 53, 1, 0, 0), "cannot resample 53 pixels to 0");
    sb_axis_free(&all);
    sb_axis_free(&part);
}

// ---- floats: how far PyTorch's single precision may be from ours
//
// u = 2^-24. PyTorch's scale, centre (up to n) and distance to a tap are rounded: 4 n u in the kernel's
// argument before it is divided by its width s = max(n / m, 1). A kernel's slope is at most 1.4 (bicubic, a =
// -0.75: 1.35 at 0.6; a = -0.5: 1.39 at 5/9; triangle: 1), its values add some 8 u. About 2 reach s + 1 taps
// share a sum of s, and their sum is divided out: 2 (2 reach + 1) (5.6 n u / s + 8 u) in all weights
// together. Their absolute values sum to at most 1.5, so the sum of T taps rounds by 1.5 (T + 1) u. The other
// axis adds as much, and takes up to 1.5 times the first one's error: 2.5 times in all.
static double pixels_float_bound(int n, int m, int reach, double largest) {
    double u = ldexp(1, -24), s = n > m ? (double)n / m : 1, taps = 2 * reach * s + 1;
    return 2.5 * (2 * (2 * reach + 1) * (5.6 * n / s + 8) + 1.5 * (taps + 1)) * u * largest;
}

// Returns the largest difference as a part of its bound.
static double pixels_compare(const char *name, const float *x, const float *y, size_t count, double bound) {
    double worst = 0;
    for (size_t i = 0; i < count; i++) worst = fmax(worst, fabs((double)x[i] - y[i]) + (x[i] != x[i]));
    CHECK(worst <= bound, "%s: differs by %g, the bound is %g", name, worst, bound);
    return worst / bound;
}

// ---- grids

static void test_pixels_grids(void) {
    SbCheckpoint f;
    int found = 0;
    sb_checkpoint_open(&f, PIXELS_GOLDENS);
    for (int i = 0; i < f.pairs; i++) {
        if (strncmp(f.pair[i].key, "grid.", 5)) continue;
        cJSON *about = pixels_about(&f.pair[i]);
        double v[5];
        sb_json_numbers(about, "grid", v, 5, f.pair[i].key);
        int kind = (int)v[0], cls = (int)v[1], n = (int)v[2], gh = (int)v[3], gw = (int)v[4];
        char *name = sb_format("table.%d", n);
        const SbFileTensor *table = sb_checkpoint_find(&f, name);
        int C = (int)table->shape[1];
        int64_t shape[2] = {cls + gh * gw, C};
        const SbFileTensor *want = sb_checkpoint_get(&f, f.pair[i].key, "F32", 2, shape);
        const float *from = (const float *)table->data + (cls ? 0 : C);
        size_t count = (size_t)shape[0] * (size_t)C;
        float *out = (float *)sb_calloc(count, sizeof *out), largest = 0;
        for (int k = 0; k < (n * n + cls) * C; k++) largest = fmaxf(largest, fabsf(from[k]));
        sb_grid_resize(kind, from, cls, n, C, out, gh, gw);
        pixels_compare(f.pair[i].key, out, (const float *)want->data, count,
                       pixels_float_bound(n, gh < gw ? gh : gw, 2, largest));
        float *same = (float *)sb_calloc((size_t)((n * n + cls) * C), sizeof *same);
        sb_grid_resize(kind, from, cls, n, C, same, n, n);
        CHECK(!memcmp(same, from, (size_t)((n * n + cls) * C) * sizeof *same), "the same grid is not a copy");
        found++;
        free(same);
        free(out);
        free(name);
        cJSON_Delete(about);
    }
    CHECK(found >= 20, "only %d grids", found);
    EXPECT_DIE(sb_grid_resize(SB_GRID_PLAIN, NULL, 0, 4, 1, NULL, 0, 4), "cannot carry positions");
    sb_checkpoint_close(&f);
}

// ---- processors

static const char *pixels_file(const char *text) {
    const char *path = test_path("preprocessor_config.json");
    SbWriter w;
    sb_write_open(&w, path);
    w.durable = 0;
    sb_write(&w, text, strlen(text));
    sb_write_close(&w);
    return path;
}

static SbPreprocess pixels_read(const char *text) {
    SbPreprocess p;
    sb_preprocess_read(&p, pixels_file(text));
    return p;
}

static void pixels_case(const SbCheckpoint *f, const SbPair *pair) {
    cJSON *about = pixels_about(pair);
    double picture[3], side[2];
    sb_json_numbers(about, "picture", picture, 3, pair->key);
    sb_json_numbers(about, "side", side, 2, pair->key);
    SbPreprocess p = pixels_read(sb_json_string(about, "file", pair->key));
    sb_preprocess_as(&p, (int)sb_json_int(about, "mode", 0, 2, pair->key), (int)side[0], (int)side[1]);
    int w = (int)picture[0], h = (int)picture[1], W, H;
    sb_preprocess_size(&p, w, h, &W, &H);
    int64_t shape[3] = {H, W, 3};
    const SbFileTensor *want = sb_checkpoint_get(f, pair->key, "F32", 3, shape);
    size_t count = (size_t)W * (size_t)H * 3, wrong = 0;
    const float *y = (const float *)want->data;
    unsigned char *rgb = pixels_picture(w, h, (unsigned)picture[2]);
    float *x = (float *)sb_calloc(count, sizeof *x);
    sb_preprocess(&p, rgb, w, h, x);
    if (p.floats) {
        int n = w > h ? w : h, m = p.resize == SB_KEEP ? n : p.w < p.h ? p.w : p.h;
        // v - mean and the division round as well: 2 u of at most 3
        double bound = pixels_float_bound(n, m, p.kernel.reach, 1) + ldexp(6, -24);
        pixels_compare(pair->key, x, y, count, bound / fmin(p.std[0], fmin(p.std[1], p.std[2])));
    } else {
        for (size_t i = 0; i < count; i++) wrong += memcmp(x + i, y + i, sizeof *x) != 0;
        CHECK(!wrong, "%s: %zu of %zu values are not the reference's", pair->key, wrong, count);
    }
    free(x);
    free(rgb);
    cJSON_Delete(about);
}

static void test_pixels_processors(void) {
    SbCheckpoint f;
    int found = 0;
    sb_checkpoint_open(&f, PIXELS_GOLDENS);
    for (int i = 0; i < f.pairs; i++)
        if (!strncmp(f.pair[i].key, "case.", 5)) pixels_case(&f, &f.pair[i]), found++;
    CHECK(found >= 30, "only %d cases", found);
    sb_checkpoint_close(&f);
}

// Do two files ask for the same? Judged by two pictures, at the files' sizes and, all pixels, at a small one.
static int pixels_same_plan(const char *one, const char *other) {
    int same = 1;
    for (int tall = 0; tall < 2; tall++) {
        int w = tall ? 23 : 40, h = tall ? 31 : 21, W[2], H[2], small_w[2], small_h[2];
        unsigned char *rgb = pixels_picture(w, h, 4);
        float *x[2];
        for (int i = 0; i < 2; i++) {
            SbPreprocess p = pixels_read(i ? other : one);
            sb_preprocess_size(&p, w, h, &W[i], &H[i]);
            sb_preprocess_as(&p, SB_AS_FILE, 16, 16);
            sb_preprocess_size(&p, w, h, &small_w[i], &small_h[i]);
            x[i] = (float *)sb_calloc((size_t)(small_w[i] * small_h[i]), 3 * sizeof(float));
            sb_preprocess(&p, rgb, w, h, x[i]);
        }
        same = same && W[0] == W[1] && H[0] == H[1] && small_w[0] == small_w[1] && small_h[0] == small_h[1];
        same = same && !memcmp(x[0], x[1], (size_t)(small_w[0] * small_h[0]) * 3 * sizeof(float));
        free(x[0]);
        free(x[1]);
        free(rgb);
    }
    return same;
}

// A file that only names its class is the one that transformers writes for it, with every value in it.
static void test_pixels_defaults(void) {
    SbCheckpoint f;
    int found = 0;
    sb_checkpoint_open(&f, PIXELS_GOLDENS);
    for (int i = 0; i < f.pairs; i++) {
        if (strncmp(f.pair[i].key, "class.", 6)) continue;
        const char *name = f.pair[i].key + 6, *full = f.pair[i].value;
        char *brief = sb_format("{\"image_processor_type\": \"%s\"}", name);
        char *fast = sb_format("{\"image_processor_type\": \"%sFast\", \"size\": null}", name);
        CHECK(pixels_same_plan(full, brief), "%s: its defaults are not the class's", name);
        CHECK(pixels_same_plan(full, fast), "%sFast: its defaults are not the class's", name);
        found++;
        free(brief);
        free(fast);
    }
    CHECK(found == 4, "%d classes", found);
    sb_checkpoint_close(&f);
    CHECK(pixels_same_plan("{\"model_cfg\": {\"vision_cfg\": {}}}",
                           "{\"model_cfg\": {\"vision_cfg\": {\"image_size\": 224}}, \"preprocess_cfg\": {"
                           "\"mode\": \"RGB\", \"interpolation\": \"bicubic\", \"resize_mode\": \"shortest\","
                           "\"mean\": [0.48145466, 0.4578275, 0.40821073], \"fill_color\": 0,"
                           "\"std\": [0.26862954, 0.26130258, 0.27577711]}}"),
          "open_clip's defaults");
    CHECK(!pixels_same_plan("{\"image_processor_type\": \"BitImageProcessor\"}",
                            "{\"image_processor_type\": \"BitImageProcessor\", \"resample\": 2}"),
          "two kernels are the same");
}

// ---- sizes

static void pixels_size(SbPreprocess p, int w, int h, int W, int H) {
    int x, y;
    sb_preprocess_size(&p, w, h, &x, &y);
    CHECK(x == W && y == H, "%d x %d becomes %d x %d, expected %d x %d", w, h, x, y, W, H);
}

static void test_pixels_sizes(void) {
    SbPreprocess bit = pixels_read("{\"image_processor_type\": \"BitImageProcessor\"}"), p = bit;
    pixels_size(bit, 640, 480, 224, 224);
    sb_preprocess_as(&p, SB_AS_FILE, 518, 518);
    CHECK(p.w == 518 && p.crop_w == 518, "the resize is to %d", p.w);
    pixels_size(p, 640, 480, 518, 518);
    pixels_size(p, 1, 16384, 518, 518);  // resized to 518 x 8,486,912, of which the crop alone is computed
    p = bit, p.w = p.h = 256;
    sb_preprocess_as(&p, SB_AS_FILE, 28, 42);
    CHECK(p.w == 48 && p.h == 48, "256 * 42 / 224 = 48, found %d", p.w);
    pixels_size(p, 480, 640, 28, 42);
    p = pixels_read("{\"image_processor_type\": \"BitImageProcessor\", \"do_center_crop\": false}");
    pixels_size(p, 100, 301, 224, 674);
    EXPECT_DIE(pixels_size(p, 1, 16384, 0, 0), "would be resized to 224 x 3670016; the limit is");
    EXPECT_DIE(pixels_size(p, 0, 5, 0, 0), "a picture of 0 x 5 pixels");
    EXPECT_DIE(sb_preprocess_as(&p, SB_AS_FILE, 0, 14), "pictures of 0 x 14 pixels");
    SbPreprocess vast = bit;
    vast.w = vast.h = 1 << 18;  // the short side, and a crop of it
    EXPECT_DIE(pixels_size(vast, 1, 16384, 0, 0), "would be resized to 262144 x 4294967296; the limit is");
    EXPECT_DIE(sb_preprocess_as(&p, SB_AS_FILE, -14, -14), "expected sides from 1 to");
    p = sb_preprocess_plain();
    pixels_size(p, 7, 5, 7, 5);
    EXPECT_DIE(sb_preprocess_as(&p, SB_SQUASH, 0, 0), "to squash pictures needs a size");
    p.resize = SB_LONGEST, p.w = p.h = 10;
    EXPECT_DIE(pixels_size(p, 1, 300, 0, 0), "is too narrow: it would be resized to 0 x 10");
}

// v / 127.5 - 1: v / 255 rounds by half of 2^-24, the difference by no more; the bound is twice their sum.
static void test_pixels_plain(void) {
    SbPreprocess p = sb_preprocess_plain();
    unsigned char v[256 * 3];
    float x[256 * 3];
    for (int i = 0; i < 256 * 3; i++) v[i] = (unsigned char)(i / 3);
    sb_preprocess(&p, v, 64, 4, x);
    for (int i = 0; i < 256 * 3; i++)
        CHECK(fabs(x[i] - (v[i] / 127.5 - 1)) <= ldexp(1, -23), "%d becomes %.9g", v[i], x[i]);
}

// ---- refusals

static void test_pixels_refuse(void) {
    static const struct { const char *field, *message; } bad[] = {
        {"\"size\": \"large\"", "field \"size\": expected a number or an object, found a string"},
        {"\"size\": 0", "expected a whole number from 1 to 16384, found 0"},
        {"\"size\": {\"height\": 0, \"width\": 3}", "field \"height\": expected a whole number from 1"},
        {"\"size\": {\"height\": 3}", "expected {\"height\", \"width\"} or {\"shortest_edge\"}"},
        {"\"size\": {\"shortest_edge\": 8, \"longest_edge\": 9}", "expected {\"height\", \"width\"}"},
        {"\"size\": {\"shortest_edge\": 2.5}", "a whole number"},
        {"\"size\": {\"shortest_edge\": \"9\"}", "expected a number, found a string"},
        {"\"size\": {\"width\": 3, \"tall\": 2}", "field \"height\" is missing"},
        {"\"crop_size\": {\"shortest_edge\": 8}", "field \"crop_size\": expected a number or {\"height\""},
        {"\"do_resize\": 1", "field \"do_resize\": expected true or false, found a number"},
        {"\"do_center_crop\": \"no\"", "expected true or false, found a string"},
        {"\"resample\": 0", "0 (nearest) is not supported"},
        {"\"resample\": 1", "1 (lanczos) is not supported"},
        {"\"resample\": 7", "expected a whole number from 0 to 5, found 7"},
        {"\"resample\": \"bicubic\"", "field \"resample\": expected a number, found a string"},
        {"\"rescale_factor\": 0", "field \"rescale_factor\": expected numbers from 1e-06 to 1e6, found 0"},
        {"\"image_mean\": [0.5, NaN, 0.5]", "not valid JSON"},
        {"\"image_mean\": [0.5, 1e999, 0.5]", "expected finite numbers"},
        {"\"image_mean\": [0.5, 1e300, 0.5]", "expected numbers from -1e+06 to 1e6, found 1e+300"},
        {"\"image_mean\": [0.5, 0.5]", "expected 3 numbers, found 2"},
        {"\"image_mean\": 0.5", "field \"image_mean\": expected a list, found a number"},
        {"\"image_std\": [0.5, 0, 0.5]", "field \"image_std\": expected numbers from 1e-06 to 1e6, found 0"},
        {"\"image_std\": [0.5, null, 0.5]", "expected finite numbers, found null"},
        {"\"do_pad\": true", "field \"do_pad\" may change the pixels"},
        {"\"crop_pct\": 0.9", "field \"crop_pct\" may change the pixels"},
        {"\"resample\": 3, \"resample\": 2", "field \"resample\" is there twice"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *text = sb_format("{\"image_processor_type\": \"BitImageProcessor\", %s}", bad[i].field);
        EXPECT_DIE(pixels_read(text), bad[i].message);
        free(text);
    }
    EXPECT_DIE(pixels_read("{}"), "field \"feature_extractor_type\" is missing");
    EXPECT_DIE(pixels_read("[]"), "expected an object, found a list");
    EXPECT_DIE(pixels_read("{\"image_processor\": [1]}"), "expected an object, found a list");
    EXPECT_DIE(pixels_read("{\"image_processor_type\": \"Siglip2ImageProcessor\"}"),
               "\"Siglip2ImageProcessor\" is not supported; there are BitImageProcessor, ");
    EXPECT_DIE(pixels_read("{\"image_processor_type\": \"SiglipImageProcessor\", \"do_center_crop\": true}"),
               "\"do_center_crop\" without \"crop_size\"");
    EXPECT_DIE(pixels_read("{\"image_processor_type\": \"DINOv3ViTImageProcessor\", \"do_rescale\": false}"),
               "\"do_rescale\": false is not supported for this processor");
    EXPECT_DIE(pixels_read("{\"image_processor_type\""), "the JSON text ends early");
    EXPECT_DIE(pixels_read("{\"image_processor_type\": \"\xff\"}"), "not UTF-8");
    EXPECT_DIE(pixels_read(""), "the JSON text ends early");
    SbPreprocess p;
    EXPECT_DIE(sb_preprocess_read(&p, test_folder()), "is a folder, expected a file");
    EXPECT_DIE(sb_preprocess_read(&p, test_path("missing.json")), "missing.json: cannot be read");
}

static void test_pixels_refuse_open_clip(void) {
    static const struct { const char *size, *field, *message; } bad[] = {
        {"224", "\"resize_mode\": \"crop\"", "expected shortest, longest or squash"},
        {"224", "\"interpolation\": \"nearest\"", "expected bicubic, bilinear or random"},
        {"224", "\"interpolation\": 3", "expected a string, found a number"},
        {"224", "\"mode\": \"L\"", "mode is not RGB"},
        {"224", "\"fill_color\": 256", "expected a whole number from 0 to 255, found 256"},
        {"224", "\"std\": [1, 1, -1]", "field \"std\": expected numbers from 1e-06 to 1e6, found -1"},
        {"224", "\"crop_pct\": 1", "preprocess_cfg: field \"crop_pct\" may change the pixels"},
        {"[224, 336]", "\"mean\": null", "for pictures of 336 x 224 is not supported"},
        {"[224]", "\"mean\": null", "expected 2 numbers, found 1"},
        {"[0, 224]", "\"mean\": null", "expected whole numbers from 1 to 16384, found 0"},
        {"\"224\"", "\"mean\": null", "field \"image_size\": expected a number, found a string"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *text = sb_format("{\"model_cfg\": {\"vision_cfg\": {\"image_size\": %s}}, "
                               "\"preprocess_cfg\": {%s}}", bad[i].size, bad[i].field);
        EXPECT_DIE(pixels_read(text), bad[i].message);
        free(text);
    }
    EXPECT_DIE(pixels_read("{\"model_cfg\": {}}"), "field \"vision_cfg\" is missing");
    EXPECT_DIE(pixels_read("{\"model_cfg\": {\"vision_cfg\": {}}, \"preprocess_cfg\": [1]}"),
               "preprocess_cfg: expected an object, found a list");
}

static SB_UNUSED void test_pixels_all(void) {
    RUN(test_pixels_sweep);
    RUN(test_pixels_axis);
    RUN(test_pixels_part);
    RUN(test_pixels_grids);
    RUN(test_pixels_processors);
    RUN(test_pixels_defaults);
    RUN(test_pixels_sizes);
    RUN(test_pixels_plain);
    RUN(test_pixels_refuse);
    RUN(test_pixels_refuse_open_clip);
}
#endif
