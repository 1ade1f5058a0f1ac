// preprocess.h: a picture becomes what an encoder was trained on, as preprocessor_config.json (transformers)
// or open_clip_config.json says.
//
// Refuses: a processor or a field it does not know and that could change the pixels, by name; sizes, means,
// scales that cannot be. The reference is Pillow's arithmetic (transformers' ...Pil classes, open_clip), to
// the last bit, and PyTorch's floats for DINOv3. A name that ends in Fast is read as the same without it:
// torchvision's bytes differ by a level of 255 in one of a hundred. So do Pillow 13's where a picture is tall
// (it shrinks by more than twice as many rows as columns), which go down first and then across.
// Read from top: the plan, a transformers file, an open_clip file, sizes, pixels.
#ifndef SB_PREPROCESS_H
#define SB_PREPROCESS_H
#include "image.h"
#include "json.h"
#include "resample.h"

// ---- the plan: what is done to a picture, in this order

// Resize: not; to w x h; until the short side is w; until all of it lies within w x h.
enum { SB_KEEP, SB_EXACT, SB_SHORTEST, SB_LONGEST };
// Where a crop begins: sb_crop_begin.
enum { SB_CROP_FLOOR, SB_CROP_ZERO, SB_CROP_EVEN };

typedef struct {
    int square;              // 1: first laid on a square of the mean colour (LLaVA, image_aspect_ratio "pad")
    int floats;              // 1: rescaled in front of the resize, in float (DINOv3); 0: behind it, bytes
    int resize, w, h;
    SbKernel kernel;
    int crop_w, crop_h;      // around the centre; 0: none
    int centre, fill;        // SB_CROP_*; the byte for what the crop has beyond the picture
    double factor;           // rescale: v * factor
    double mean[3], std[3];  // normalise: (v - mean) / std
} SbPreprocess;

// The miniature's own pictures: v / 127.5 - 1, any size.
static SB_UNUSED SbPreprocess sb_preprocess_plain(void) {
    SbPreprocess p = {0, 0, SB_KEEP, 0, 0, {2, -0.5, 1, 22}, 0, 0, SB_CROP_FLOOR, 0, 1 / 255.0,
                      {0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}};
    return p;
}

// ---- a transformers file

#define SB_CLIP_MEAN {0.48145466, 0.4578275, 0.40821073}
#define SB_CLIP_STD {0.26862954, 0.26130258, 0.27577711}
#define SB_HALVES {0.5, 0.5, 0.5}

// The processors and what a field that is missing or null means to each (their classes' values).
// A size that is one number means a square to DINOv3 alone, hence "default_to_square" is floats below.
static const struct { const char *name; SbPreprocess p; } sb_processor[] = {
    {"BitImageProcessor", {0, 0, SB_SHORTEST, 224, 224, {2, -0.5, 1, 22}, 224, 224, SB_CROP_FLOOR, 0,
                           1 / 255.0, SB_CLIP_MEAN, SB_CLIP_STD}},
    {"CLIPImageProcessor", {0, 0, SB_SHORTEST, 224, 224, {2, -0.5, 1, 22}, 224, 224, SB_CROP_FLOOR, 0,
                            1 / 255.0, SB_CLIP_MEAN, SB_CLIP_STD}},
    {"SiglipImageProcessor", {0, 0, SB_EXACT, 224, 224, {2, -0.5, 1, 22}, 0, 0, SB_CROP_FLOOR, 0, 1 / 255.0,
                              SB_HALVES, SB_HALVES}},
    {"DINOv3ViTImageProcessor", {0, 1, SB_EXACT, 224, 224, {1, -0.5, 1, 0}, 0, 0, SB_CROP_ZERO, 0, 1 / 255.0,
                                 {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}}},
};

// The field, or NULL if it is missing or null.
static SB_UNUSED const cJSON *sb_option(const cJSON *object, const char *field, const char *where) {
    const cJSON *v = sb_json_optional(object, field, where);
    return v && !cJSON_IsNull(v) ? v : NULL;
}

static SB_UNUSED int sb_option_true(const cJSON *object, const char *field, int missing, const char *where) {
    const cJSON *v = sb_option(object, field, where);
    if (v && !cJSON_IsBool(v)) sb_json_wrong(v, field, "true or false", where);
    return v ? cJSON_IsTrue(v) : missing;
}

// Numbers that go into floats: low .. 1e6, so that no pixel can overflow.
static SB_UNUSED double sb_within(double x, const char *field, double low, const char *where) {
    if (!(x >= low && x <= 1e6))
        sb_die("%s: field \"%s\": expected numbers from %g to 1e6, found %g", where, field, low, x);
    return x;
}

// Three of them into x, which keeps what it has if the field is missing.
static SB_UNUSED void sb_option_colour(const cJSON *object, const char *field, double *x, double low,
                                       const char *where) {
    if (!sb_option(object, field, where)) return;
    sb_json_numbers(object, field, x, 3, where);
    for (int c = 0; c < 3; c++) sb_within(x[c], field, low, where);
}

// A size: {"height", "width"}, {"shortest_edge"} or one number, which means the latter unless square. Returns
// SB_EXACT or SB_SHORTEST, or missing if there is none.
static SB_UNUSED int sb_option_size(const cJSON *object, const char *field, int square, int missing, int *w,
                                    int *h, const char *where) {
    const cJSON *v = sb_option(object, field, where);
    if (!v) return missing;
    if (cJSON_IsNumber(v)) {
        *w = *h = (int)sb_json_int(object, field, 1, SB_IMAGE_SIDE, where);
        return square ? SB_EXACT : SB_SHORTEST;
    }
    if (!cJSON_IsObject(v)) sb_json_wrong(v, field, "a number or an object", where);
    char *inside = sb_format("%s: field \"%s\"", where, field);
    int edge = sb_option(v, "shortest_edge", inside) != NULL, found = 0;
    for (const cJSON *one = v->child; one; one = one->next) found += !cJSON_IsNull(one);
    if (found != 2 - edge) sb_die("%s: expected {\"height\", \"width\"} or {\"shortest_edge\"}", inside);
    *h = (int)sb_json_int(v, edge ? "shortest_edge" : "height", 1, SB_IMAGE_SIDE, inside);
    *w = edge ? *h : (int)sb_json_int(v, "width", 1, SB_IMAGE_SIDE, inside);
    free(inside);
    return edge ? SB_SHORTEST : SB_EXACT;
}

// Every field of the object must be one of count known ones, or off.
static SB_UNUSED void sb_known_fields(const cJSON *object, const char *const *known, size_t count,
                                      const char *where) {
    if (!cJSON_IsObject(object)) sb_die("%s: expected an object, found %s", where, sb_json_kind(object));
    for (const cJSON *v = object->child; v; v = v->next) {
        int found = cJSON_IsNull(v) || cJSON_IsFalse(v);
        for (size_t i = 0; i < count; i++) found |= !strcmp(v->string, known[i]);
        if (!found)
            sb_die("%s: field \"%.60s\" may change the pixels in a way that is not known here; if it does "
                   "not, remove it", where, v->string);
    }
}

// The values of the class that the file names.
static SB_UNUSED SbPreprocess sb_preprocess_class(const cJSON *root, const char *where) {
    const char *field = sb_option(root, "image_processor_type", where) ? "image_processor_type"
                                                                       : "feature_extractor_type";
    const char *name = sb_json_string(root, field, where), *old = strstr(name, "FeatureExtractor");
    char *stem = old ? sb_format("%.*sImageProcessor", (int)(old - name), name) : sb_copy(name);
    size_t size = strlen(stem);
    if (size > 4 && !strcmp(stem + size - 4, "Fast")) stem[size - 4] = 0;
    for (size_t i = 0; i < sizeof sb_processor / sizeof *sb_processor; i++) {
        if (strcmp(stem, sb_processor[i].name)) continue;
        free(stem);
        return sb_processor[i].p;
    }
    sb_die("%s: %s \"%.60s\" is not supported; there are BitImageProcessor, CLIPImageProcessor, "
           "SiglipImageProcessor, DINOv3ViTImageProcessor", where, field, name);
}

// "resample" is Pillow's number of a kernel; returns its reach.
static SB_UNUSED int sb_option_kernel(const cJSON *root, const char *where) {
    static const char *const name[] = {"nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"};
    int kernel = (int)sb_json_int(root, "resample", 0, 5, where);
    if (kernel != 2 && kernel != 3)
        sb_die("%s: field \"resample\": %d (%s) is not supported; 2 (bilinear) and 3 (bicubic) are", where,
               kernel, name[kernel]);
    return kernel - 1;
}

static SB_UNUSED void sb_preprocess_transformers(SbPreprocess *p, const cJSON *root, const char *where) {
    // what is read, then what changes no pixel of three bytes
    static const char *const known[] = {
        "image_processor_type", "feature_extractor_type", "do_resize", "size", "default_to_square",
        "resample", "do_center_crop", "crop_size", "do_rescale", "rescale_factor", "do_normalize",
        "image_mean", "image_std", "do_convert_rgb", "data_format", "input_data_format", "device",
        "return_tensors", "disable_grouping", "processor_class", "pad_size", "image_seq_length",
        "_valid_processor_keys"};
    sb_known_fields(root, known, sizeof known / sizeof *known, where);
    *p = sb_preprocess_class(root, where);
    int crop = p->crop_w > 0, square = sb_option_true(root, "default_to_square", p->floats, where);
    p->resize = sb_option_size(root, "size", square, p->resize, &p->w, &p->h, where);
    if (!sb_option_true(root, "do_resize", 1, where)) p->resize = SB_KEEP;
    if (sb_option(root, "resample", where)) p->kernel.reach = sb_option_kernel(root, where);
    if (sb_option_size(root, "crop_size", 1, SB_EXACT, &p->crop_w, &p->crop_h, where) != SB_EXACT)
        sb_die("%s: field \"crop_size\": expected a number or {\"height\", \"width\"}", where);
    crop = sb_option_true(root, "do_center_crop", crop, where);
    if (crop && !p->crop_w) sb_die("%s: \"do_center_crop\" without \"crop_size\"", where);
    if (!crop) p->crop_w = p->crop_h = 0;
    if (sb_option(root, "rescale_factor", where))
        p->factor = sb_within(sb_json_number(root, "rescale_factor", where), "rescale_factor", 1e-6, where);
    if (!sb_option_true(root, "do_rescale", 1, where)) {
        if (p->floats) sb_die("%s: \"do_rescale\": false is not supported for this processor", where);
        p->factor = 1;
    }
    sb_option_colour(root, "image_mean", p->mean, -1e6, where);
    sb_option_colour(root, "image_std", p->std, 1e-6, where);
    int plain = !sb_option_true(root, "do_normalize", 1, where);
    for (int c = 0; plain && c < 3; c++) p->mean[c] = 0, p->std[c] = 1;
}

// ---- an open_clip file: transform.py, PreprocessCfg and image_transform; the size is the model's

static SB_UNUSED const char *sb_option_text(const cJSON *object, const char *field, const char *missing,
                                            const char *where) {
    return sb_option(object, field, where) ? sb_json_string(object, field, where) : missing;
}

// vision_cfg.image_size: a number or [height, width].
static SB_UNUSED void sb_open_clip_size(SbPreprocess *p, const cJSON *root, const char *where) {
    const cJSON *vision = sb_json_field(sb_json_field(root, "model_cfg", where), "vision_cfg", where);
    const cJSON *size = sb_option(vision, "image_size", where);
    p->w = p->h = 224;
    if (!size) return;
    if (!cJSON_IsArray(size)) {
        p->w = p->h = (int)sb_json_int(vision, "image_size", 1, SB_IMAGE_SIDE, where);
        return;
    }
    double side[2];
    sb_json_numbers(vision, "image_size", side, 2, where);
    for (int i = 0; i < 2; i++)
        if (!(side[i] >= 1 && side[i] <= SB_IMAGE_SIDE) || side[i] != floor(side[i]))
            sb_die("%s: field \"image_size\": expected whole numbers from 1 to %d, found %g", where,
                   SB_IMAGE_SIDE, side[i]);
    p->h = (int)side[0], p->w = (int)side[1];
}

// cfg: "preprocess_cfg". A field that is missing or null is CLIP's.
static SB_UNUSED void sb_open_clip_fields(SbPreprocess *p, const cJSON *cfg, const char *where) {
    static const char *const known[] = {"size", "mode", "mean", "std", "interpolation", "resize_mode",
                                        "fill_color"};
    sb_known_fields(cfg, known, sizeof known / sizeof *known, where);
    const char *kernel = sb_option_text(cfg, "interpolation", "bicubic", where);
    const char *mode = sb_option_text(cfg, "resize_mode", "shortest", where);
    int bilinear = !strcmp(kernel, "bilinear");  // "random" is bicubic where nothing is trained
    if (!bilinear && strcmp(kernel, "bicubic") && strcmp(kernel, "random"))
        sb_die("%s: interpolation \"%.40s\": expected bicubic, bilinear or random", where, kernel);
    p->kernel.reach = bilinear ? 1 : 2;
    p->resize = !strcmp(mode, "squash") ? SB_EXACT : !strcmp(mode, "longest") ? SB_LONGEST : SB_SHORTEST;
    if (p->resize == SB_SHORTEST && strcmp(mode, "shortest"))
        sb_die("%s: resize_mode \"%.40s\": expected shortest, longest or squash", where, mode);
    if (strcmp(sb_option_text(cfg, "mode", "RGB", where), "RGB")) sb_die("%s: mode is not RGB", where);
    sb_option_colour(cfg, "mean", p->mean, -1e6, where);
    sb_option_colour(cfg, "std", p->std, 1e-6, where);
    if (sb_option(cfg, "fill_color", where)) p->fill = (int)sb_json_int(cfg, "fill_color", 0, 255, where);
}

static SB_UNUSED void sb_preprocess_open_clip(SbPreprocess *p, const cJSON *root, const char *where) {
    static const SbPreprocess clip = {0, 0, SB_SHORTEST, 224, 224, {2, -0.5, 1, 22}, 224, 224, SB_CROP_EVEN,
                                      0, 1 / 255.0, SB_CLIP_MEAN, SB_CLIP_STD};
    const cJSON *cfg = sb_option(root, "preprocess_cfg", where);
    char *inside = sb_format("%s: preprocess_cfg", where);
    *p = clip;
    sb_open_clip_size(p, root, where);
    if (cfg) sb_open_clip_fields(p, cfg, inside);
    free(inside);
    if (p->resize == SB_SHORTEST && p->w != p->h)
        sb_die("%s: resize_mode \"shortest\" for pictures of %d x %d is not supported", where, p->w, p->h);
    p->crop_w = p->resize == SB_EXACT ? 0 : p->w, p->crop_h = p->resize == SB_EXACT ? 0 : p->h;
}

// Read either file; the one is known from the other by its "model_cfg". In processor_config.json the fields
// stand under "image_processor".
static SB_UNUSED void sb_preprocess_read(SbPreprocess *p, const char *path) {
    cJSON *root = sb_json_read(path);
    const cJSON *inside = sb_option(root, "image_processor", path);
    if (sb_option(root, "model_cfg", path)) sb_preprocess_open_clip(p, root, path);
    else sb_preprocess_transformers(p, inside ? inside : root, path);
    cJSON_Delete(root);
}

// ---- sizes

enum { SB_AS_FILE, SB_SQUARE, SB_SQUASH };

// What a run wants otherwise than the file. Pictures of w x h come out (0, 0: of the file's size): where the
// file crops, the resize keeps its proportion to the crop; else the resize is to w x h. SB_SQUARE: first onto
// a square of the mean colour, int(255 mean) (LLaVA, expand2square). SB_SQUASH: resized to exactly the size
// that comes out, nothing cropped.
static SB_UNUSED void sb_preprocess_as(SbPreprocess *p, int mode, int w, int h) {
    int crop = p->crop_w > 0, old_w = crop ? p->crop_w : p->w, old_h = crop ? p->crop_h : p->h, given = w > 0;
    if (w < 0 || h < 0 || !w != !h || w > SB_IMAGE_SIDE || h > SB_IMAGE_SIDE)
        sb_die("pictures of %d x %d pixels: expected sides from 1 to %d", w, h, SB_IMAGE_SIDE);
    if (!given) w = old_w, h = old_h;
    p->square = mode == SB_SQUARE;
    if (mode == SB_SQUASH || !crop) {
        if (mode == SB_SQUASH && !w) sb_die("to squash pictures needs a size, and the file says none");
        if (mode == SB_SQUASH || given) p->resize = SB_EXACT;
        p->w = w, p->h = h, p->crop_w = p->crop_h = 0;
        return;
    }
    double x = (double)w / old_w, y = (double)h / old_h;
    if (p->resize == SB_SHORTEST) x = y = fmax(x, y);
    p->w = (int)rint(p->w * x), p->h = (int)rint(p->h * y);
    p->crop_w = w, p->crop_h = h;
}

// Of a picture w x h behind the resize.
static SB_UNUSED void sb_resized(const SbPreprocess *p, int w, int h, int64_t *W, int64_t *H) {
    *W = p->resize == SB_KEEP ? w : p->w, *H = p->resize == SB_KEEP ? h : p->h;
    if (p->resize == SB_SHORTEST && w > h) *W = (int64_t)p->w * w / h;
    if (p->resize == SB_SHORTEST && w < h) *H = (int64_t)p->w * h / w;
    if (p->resize == SB_LONGEST) {
        double ratio = fmax((double)w / p->w, (double)h / p->h);
        *W = (int64_t)rint(w / ratio), *H = (int64_t)rint(h / ratio);
    }
}

// Of the pixels that sb_preprocess makes of a picture w x h.
static SB_UNUSED void sb_preprocess_size(const SbPreprocess *p, int w, int h, int *W, int *H) {
    int64_t x, y, side = w > h ? w : h;
    if (w < 1 || h < 1) sb_die("a picture of %d x %d pixels", w, h);
    sb_resized(p, p->square ? (int)side : w, p->square ? (int)side : h, &x, &y);
    if (x < 1 || y < 1)
        sb_die("a picture of %d x %d pixels is too narrow: it would be resized to %lld x %lld", w, h,
               (long long)x, (long long)y);
    int huge = x > INT32_MAX || y > INT32_MAX;
    if (p->crop_w && !huge) x = p->crop_w, y = p->crop_h;
    if (huge || x * y > SB_IMAGE_AREA)
        sb_die("a picture of %d x %d pixels would be resized to %lld x %lld; the limit is %d pixels", w, h,
               (long long)x, (long long)y, SB_IMAGE_AREA);
    *W = (int)x, *H = (int)y;
}

// ---- pixels

// Which of n pixels is the first of m around the centre; below 0: so many come in front of them. The rules
// differ where n - m is odd. FLOOR: down (transformers' image_transforms.center_crop). ZERO: towards 0 (its
// TorchvisionBackend). EVEN: a crop to the even neighbour (Python's round), a border towards 0 (torchvision).
static SB_UNUSED int sb_crop_begin(int n, int m, int rule) {
    int half = (n - m) / 2, odd = (n - m) % 2;
    if (rule == SB_CROP_FLOOR && odd < 0) half--;
    if (rule == SB_CROP_EVEN && odd > 0 && half % 2) half++;
    return half;
}

// A copy on the square of the longer side; free() it.
static SB_UNUSED unsigned char *sb_on_square(const SbPreprocess *p, const unsigned char *rgb, int w, int h) {
    int side = w > h ? w : h, left = (side - w) / 2, top = (side - h) / 2;
    unsigned char *out = (unsigned char *)sb_calloc((size_t)side * (size_t)side, 3);
    for (size_t i = 0; i < (size_t)side * (size_t)side * 3; i++) {
        double v = 255 * p->mean[i % 3];
        out[i] = (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
    for (int y = 0; y < h; y++)
        memcpy(out + ((size_t)(top + y) * (size_t)side + (size_t)left) * 3, rgb + (size_t)y * (size_t)w * 3,
               (size_t)w * 3);
    return out;
}

// Part of a resized side: outputs begin .. begin + count - 1 of it, which lie at at in the result.
typedef struct { int begin, count, at; } SbPart;

static SB_UNUSED SbPart sb_part(int n, int m, int rule) {
    int first = sb_crop_begin(n, m, rule), from = first < 0 ? 0 : first, to = first + m < n ? first + m : n;
    SbPart part = {from, to - from, from - first};
    return part;
}

// The part x, y of rgb [h][w][3] resized to W x H, as floats [y.count][x.count][3]; free() them. Each row is
// resized along x when it is first needed, so that besides the result there is one float for each byte that
// this leaves.
static SB_UNUSED float *sb_resize_part(const SbPreprocess *p, const unsigned char *rgb, int w, int h, int W,
                                       int H, SbPart x, SbPart y) {
    SbAxis ax = sb_axis(&p->kernel, w, (double)w / W, x.begin, x.count);
    SbAxis ay = sb_axis(&p->kernel, h, (double)h / H, y.begin, y.count);
    int top = ay.first[0], last = ay.first[y.count - 1] + ay.count[y.count - 1];
    size_t line = (size_t)x.count * 3;
    float *row = (float *)sb_calloc((size_t)w, 3 * sizeof *row);
    float *rows = (float *)sb_calloc((size_t)(last - top), line * sizeof *rows);
    float *out = (float *)sb_calloc((size_t)y.count, line * sizeof *out);
    for (int i = top; i < last; i++) {
        const unsigned char *from = rgb + (size_t)i * (size_t)w * 3;
        for (size_t t = 0; t < (size_t)w * 3; t++) row[t] = p->floats ? from[t] * (float)p->factor : from[t];
        sb_resample(&p->kernel, &ax, row, rows + (size_t)(i - top) * line, 3);
    }
    for (int i = 0; i < y.count; i++) ay.first[i] -= top;
    sb_resample(&p->kernel, &ay, rows, out, line);
    free(rows);
    free(row);
    sb_axis_free(&ax);
    sb_axis_free(&ay);
    return out;
}

// rgb [h][w][3] bytes to pixels [H][W][3], the size that sb_preprocess_size says: square, resize, crop,
// rescale, normalise, as p has them. The last two round as numpy does: v * factor in double, then float.
static SB_UNUSED void sb_preprocess(const SbPreprocess *p, const unsigned char *rgb, int w, int h,
                                    float *pixels) {
    int W, H;
    int64_t rw, rh;
    sb_preprocess_size(p, w, h, &W, &H);
    unsigned char *square = p->square ? sb_on_square(p, rgb, w, h) : NULL;
    if (square) rgb = square, w = h = w > h ? w : h;
    sb_resized(p, w, h, &rw, &rh);
    SbPart x = sb_part((int)rw, W, p->centre), y = sb_part((int)rh, H, p->centre);
    float *part = sb_resize_part(p, rgb, w, h, (int)rw, (int)rh, x, y);
    float mean[3] = {(float)p->mean[0], (float)p->mean[1], (float)p->mean[2]};
    float std[3] = {(float)p->std[0], (float)p->std[1], (float)p->std[2]};
    double factor = p->floats ? 1 : p->factor;
    for (int i = 0; i < H; i++)
        for (int j = 0; j < W; j++) {
            int r = i - y.at, s = j - x.at, inside = r >= 0 && r < y.count && s >= 0 && s < x.count;
            for (int c = 0; c < 3; c++, pixels++) {
                float v = inside ? part[(r * x.count + s) * 3 + c] : (float)p->fill;
                *pixels = ((float)(v * factor) - mean[c]) / std[c];
            }
        }
    free(part);
    free(square);
}
#endif
