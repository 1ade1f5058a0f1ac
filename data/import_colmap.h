// import_colmap.h: a COLMAP model (cameras, images, points3D; .txt or .bin) with its pictures in images/.
//
// Poses are world-to-camera, quaternion w first; pixel centres lie at .5. The unit is arbitrary: --unit, or
// found from depth/ where there is some. Without depth/ the sparse points are the depth. Proven by the sparse
// points: carried into every picture that observes them they must land where they were observed.
// Refuses: fisheye, FOV and rational cameras, by name; a model without images. Read from top: the model,
// text, binary, the proof, the reader.
#ifndef SB_IMPORT_COLMAP_H
#define SB_IMPORT_COLMAP_H
#include "import.h"

#define SB_COLMAP_FEW 8        // observations of an image that prove nothing, if there are fewer
#define SB_COLMAP_PIXELS 2.0   // median distance between point and observation, per 1000 pixels of width

typedef struct { int id; SbLens lens; } SbColmapCamera;
typedef struct { int64_t id; double at[3]; } SbColmapPoint;
typedef struct { double x, y; int64_t point; } SbColmapSeen;   // pixel, centres at .5; -1: of no point
typedef struct {
    double q[4], t[3];             // w x y z; world-to-camera
    int camera;
    char *name;
    SbColmapSeen *seen;
    long seens;
} SbColmapImage;

typedef struct {
    SbColmapCamera *camera;
    SbColmapImage *image;
    SbColmapPoint *point;
    long cameras, images, points;
} SbColmap;

// ---- the model

// By COLMAP's number: the name, how many parameters, what each is (F both focal lengths, f fx, g fy, c d the
// principal point, 1 2 3 radial, p q tangential); "": refused.
static const struct { const char *name; int count; const char *parameters; } sb_colmap_model[] = {
    {"SIMPLE_PINHOLE", 3, "Fcd"}, {"PINHOLE", 4, "fgcd"}, {"SIMPLE_RADIAL", 4, "Fcd1"},
    {"RADIAL", 5, "Fcd12"}, {"OPENCV", 8, "fgcd12pq"}, {"OPENCV_FISHEYE", 8, ""},
    {"FULL_OPENCV", 12, ""}, {"FOV", 5, ""}, {"SIMPLE_RADIAL_FISHEYE", 4, ""},
    {"RADIAL_FISHEYE", 5, ""}, {"THIN_PRISM_FISHEYE", 12, ""}, {"RAD_TAN_THIN_PRISM_FISHEYE", 16, ""}};
enum { SB_COLMAP_MODELS = sizeof sb_colmap_model / sizeof *sb_colmap_model };

// An id: a whole number from -limit to limit.
static int64_t sb_colmap_id(double id, double limit, const char *where) {
    if (id != floor(id) || !(fabs(id) <= limit)) sb_die("%s: the number %g is no id", where, id);
    return (int64_t)id;
}

static void sb_colmap_camera(SbColmap *m, double id, int model, double w, double h, const double *value,
                             const char *where) {
    if (!*sb_colmap_model[model].parameters)
        sb_die("%s: a camera of model %s: undistort the model first (colmap image_undistorter)", where,
               sb_colmap_model[model].name);
    if (!(w >= 1 && w <= SB_IMAGE_SIDE && h >= 1 && h <= SB_IMAGE_SIDE))
        sb_die("%s: a camera of %g x %g pixels", where, w, h);
    m->camera = (SbColmapCamera *)sb_realloc(m->camera, (size_t)(m->cameras + 1) * sizeof *m->camera);
    SbColmapCamera *c = m->camera + m->cameras++;
    SbLens *l = &c->lens;
    memset(c, 0, sizeof *c);
    c->id = (int)sb_colmap_id(id, INT32_MAX, where);
    l->w = (int)w, l->h = (int)h;
    for (int i = 0; i < sb_colmap_model[model].count; i++) {
        double x = value[i];
        if (!isfinite(x)) sb_die("%s: camera %g has a parameter that is not finite", where, id);
        switch (sb_colmap_model[model].parameters[i]) {
        case 'F': l->k.fx = l->k.fy = x; break;
        case 'f': l->k.fx = x; break;
        case 'g': l->k.fy = x; break;
        case 'c': l->k.cx = x - 0.5; break;
        case 'd': l->k.cy = x - 0.5; break;
        case '1': l->k1 = x; break;
        case '2': l->k2 = x; break;
        case 'p': l->p1 = x; break;
        default: l->p2 = x;
        }
    }
    sb_intrinsics_check(l->k, l->w, l->h, where);
}

static SbColmapImage *sb_colmap_image(SbColmap *m) {
    m->image = (SbColmapImage *)sb_realloc(m->image, (size_t)(m->images + 1) * sizeof *m->image);
    memset(m->image + m->images, 0, sizeof *m->image);
    return m->image + m->images++;
}

static int sb_point_order(const void *a, const void *b) {
    int64_t x = ((const SbColmapPoint *)a)->id, y = ((const SbColmapPoint *)b)->id;
    return x < y ? -1 : x > y;
}

static void sb_colmap_free(SbColmap *m) {
    for (long i = 0; i < m->images; i++) {
        free(m->image[i].name);
        free(m->image[i].seen);
    }
    free(m->camera);
    free(m->image);
    free(m->point);
}

// ---- text: # comments; lines of cameras, points, and two an image, of which the second may be empty

typedef struct { char *text, *at, *path; int line; } SbColmapText;

// The next line that is no comment, NULL at the end. blank: an empty line counts.
static char *sb_colmap_line(SbColmapText *l, int blank) {
    while (l->at && *l->at) {
        char *line = l->at, *end = strchr(line, '\n');
        l->at = end ? end + 1 : NULL;
        l->line++;
        if (end) *end = 0;
        line[strcspn(line, "\r")] = 0;
        line += strspn(line, " \t");
        if (*line != '#' && (*line || blank)) return line;
    }
    return NULL;
}

static SbColmapText sb_colmap_open(const char *folder, const char *name) {
    SbColmapText l;
    size_t size;
    l.path = sb_format("%s/%s", folder, name);
    l.text = l.at = sb_read_file(l.path, &size);
    l.line = 0;
    if (strlen(l.text) != size) sb_die("%s: not a text (it holds a zero byte)", l.path);
    return l;
}

static void sb_colmap_close(SbColmapText *l) {
    free(l->text);
    free(l->path);
}

// The next count finite numbers of a line; moves *at behind them.
static void sb_colmap_numbers(const SbColmapText *l, char **at, double *x, int count) {
    for (int i = 0; i < count; i++) {
        char *end;
        x[i] = strtod(*at, &end);
        if (end == *at || !isfinite(x[i]))
            sb_die("%s, line %d: expected %d more numbers at \"%.40s\"", l->path, l->line, count - i, *at);
        *at = end;
    }
}

static void sb_colmap_text_images(SbColmap *m, const char *folder) {
    SbColmapText l = sb_colmap_open(folder, "images.txt");
    for (char *at; (at = sb_colmap_line(&l, 0)) != NULL;) {
        SbColmapImage *image = sb_colmap_image(m);
        double id, camera, x[3];
        sb_colmap_numbers(&l, &at, &id, 1);
        sb_colmap_numbers(&l, &at, image->q, 4);
        sb_colmap_numbers(&l, &at, image->t, 3);
        sb_colmap_numbers(&l, &at, &camera, 1);
        image->camera = (int)sb_colmap_id(camera, INT32_MAX, l.path);
        image->name = sb_copy(at + strspn(at, " \t"));
        if (!*image->name) sb_die("%s, line %d: the image has no name", l.path, l.line);
        at = sb_colmap_line(&l, 1);
        for (long room = 0; at && *(at += strspn(at, " \t")); image->seens++) {
            sb_colmap_numbers(&l, &at, x, 3);
            if (image->seens == room) {
                room = 2 * room + 64;
                image->seen = (SbColmapSeen *)sb_realloc(image->seen, (size_t)room * sizeof *image->seen);
            }
            SbColmapSeen one = {x[0], x[1], sb_colmap_id(x[2], 9e15, l.path)};
            image->seen[image->seens] = one;
        }
    }
    sb_colmap_close(&l);
}

static void sb_colmap_text(SbColmap *m, const char *folder) {
    SbColmapText l = sb_colmap_open(folder, "cameras.txt");
    for (char *at; (at = sb_colmap_line(&l, 0)) != NULL;) {
        double id, size[2], value[16];
        int model = 0;
        sb_colmap_numbers(&l, &at, &id, 1);
        at += strspn(at, " \t");
        size_t length = strcspn(at, " \t");
        while (model < SB_COLMAP_MODELS && (strlen(sb_colmap_model[model].name) != length ||
                                            memcmp(sb_colmap_model[model].name, at, length))) model++;
        if (model == SB_COLMAP_MODELS)
            sb_die("%s, line %d: unknown camera model %.*s", l.path, l.line, (int)length, at);
        at += length;
        sb_colmap_numbers(&l, &at, size, 2);
        sb_colmap_numbers(&l, &at, value, sb_colmap_model[model].count);
        sb_colmap_camera(m, id, model, size[0], size[1], value, l.path);
    }
    sb_colmap_close(&l);
    sb_colmap_text_images(m, folder);
    if (!sb_has(folder, "points3D.txt")) return;
    l = sb_colmap_open(folder, "points3D.txt");
    for (char *at; (at = sb_colmap_line(&l, 0)) != NULL; m->points++) {
        double x[4];
        sb_colmap_numbers(&l, &at, x, 4);
        if ((m->points & (m->points - 1)) == 0)
            m->point = (SbColmapPoint *)sb_realloc(m->point, (size_t)(2 * m->points + 1) * sizeof *m->point);
        SbColmapPoint p = {sb_colmap_id(x[0], 9e15, l.path), {x[1], x[2], x[3]}};
        m->point[m->points] = p;
    }
    sb_colmap_close(&l);
}

// ---- binary: little-endian, as COLMAP writes its structs one field after the other

typedef struct { unsigned char *data; size_t size, at; char *path; } SbBytes;

static SbBytes sb_bytes_open(const char *folder, const char *name) {
    SbBytes b;
    b.path = sb_format("%s/%s", folder, name);
    b.data = (unsigned char *)sb_read_file(b.path, &b.size);
    b.at = 0;
    return b;
}

static const unsigned char *sb_bytes_take(SbBytes *b, size_t count) {
    if (count > b->size - b->at)
        sb_die("%s: ends early (%zu bytes, %zu more at byte %zu); is the file complete?", b->path, b->size,
               count, b->at);
    b->at += count;
    return b->data + b->at - count;
}

static uint64_t sb_bytes_int(SbBytes *b, int bytes) {
    return sb_little_endian(sb_bytes_take(b, (size_t)bytes), bytes);
}

static double sb_bytes_double(SbBytes *b) {
    uint64_t bits = sb_bytes_int(b, 8);
    double x;
    memcpy(&x, &bits, sizeof x);
    if (!isfinite(x)) sb_die("%s: a number that is not finite at byte %zu", b->path, b->at - 8);
    return x;
}

// A count of records of so many bytes at least.
static long sb_bytes_count(SbBytes *b, size_t least) {
    uint64_t n = sb_bytes_int(b, 8);
    if (n > (b->size - b->at) / least)
        sb_die("%s: %llu records announced, the file is too short for them", b->path, (unsigned long long)n);
    return (long)n;
}

static void sb_bytes_close(SbBytes *b) {
    if (b->at != b->size) sb_die("%s: %zu bytes after the last record", b->path, b->size - b->at);
    free(b->data);
    free(b->path);
}

static void sb_colmap_binary_images(SbColmap *m, const char *folder) {
    SbBytes b = sb_bytes_open(folder, "images.bin");
    for (long n = sb_bytes_count(&b, 73); n > 0; n--) {
        SbColmapImage *image = sb_colmap_image(m);
        sb_bytes_int(&b, 4);
        for (int i = 0; i < 4; i++) image->q[i] = sb_bytes_double(&b);
        for (int i = 0; i < 3; i++) image->t[i] = sb_bytes_double(&b);
        image->camera = (int)sb_colmap_id((double)sb_bytes_int(&b, 4), INT32_MAX, b.path);
        SbText name = {NULL, 0, 0};
        for (char c; (c = (char)sb_bytes_int(&b, 1)) != 0;) sb_text_bytes(&name, &c, 1);
        if (!name.size) sb_die("%s: image %ld has no name", b.path, m->images);
        image->name = name.data;
        image->seens = sb_bytes_count(&b, 24);
        image->seen = (SbColmapSeen *)sb_calloc((size_t)image->seens, sizeof *image->seen);
        for (long i = 0; i < image->seens; i++) {
            image->seen[i].x = sb_bytes_double(&b);
            image->seen[i].y = sb_bytes_double(&b);
            image->seen[i].point = (int64_t)sb_bytes_int(&b, 8);
        }
    }
    sb_bytes_close(&b);
}

static void sb_colmap_binary(SbColmap *m, const char *folder) {
    SbBytes b = sb_bytes_open(folder, "cameras.bin");
    for (long n = sb_bytes_count(&b, 48); n > 0; n--) {
        double value[16], id = (double)sb_bytes_int(&b, 4);
        uint64_t model = sb_bytes_int(&b, 4);
        double w = (double)sb_bytes_int(&b, 8), h = (double)sb_bytes_int(&b, 8);
        if (model >= SB_COLMAP_MODELS) sb_die("%s: unknown camera model %u", b.path, (unsigned)model);
        for (int i = 0; i < sb_colmap_model[model].count; i++) value[i] = sb_bytes_double(&b);
        sb_colmap_camera(m, id, (int)model, w, h, value, b.path);
    }
    sb_bytes_close(&b);
    sb_colmap_binary_images(m, folder);
    if (!sb_has(folder, "points3D.bin")) return;
    b = sb_bytes_open(folder, "points3D.bin");
    m->points = sb_bytes_count(&b, 51);
    m->point = (SbColmapPoint *)sb_calloc((size_t)m->points, sizeof *m->point);
    for (long i = 0; i < m->points; i++) {
        m->point[i].id = (int64_t)sb_bytes_int(&b, 8);
        for (int k = 0; k < 3; k++) m->point[i].at[k] = sb_bytes_double(&b);
        sb_bytes_take(&b, 11);
        sb_bytes_take(&b, 8 * (size_t)sb_bytes_count(&b, 8));
    }
    sb_bytes_close(&b);
}

// ---- the proof, and what else the sparse points say

// The position of an observed point in the camera of an image whose camera-to-world pose is given; 0: of
// none.
static int sb_colmap_seen(const SbColmap *m, const SbColmapSeen *seen, const double *pose, double *p) {
    SbColmapPoint key = {seen->point, {0, 0, 0}};
    const SbColmapPoint *found = !m->points ? NULL : (const SbColmapPoint *)
        bsearch(&key, m->point, (size_t)m->points, sizeof key, sb_point_order);
    if (seen->point < 0 || !found) return 0;
    double d[3] = {found->at[0] - pose[3], found->at[1] - pose[7], found->at[2] - pose[11]};
    for (int i = 0; i < 3; i++) p[i] = pose[i] * d[0] + pose[4 + i] * d[1] + pose[8 + i] * d[2];
    return 1;
}

// Median distance in pixels between points and their observations in images [from, to), with its count;
// points behind a camera are infinitely far off.
static double sb_colmap_error(const SbImport *im, const SbColmap *m, long from, long to, long *count) {
    long room = 0, n = 0;
    for (long i = from; i < to; i++) room += m->image[i].seens;
    float *error = (float *)sb_calloc((size_t)room, sizeof *error);
    for (long i = from; i < to; i++)
        for (long k = 0; k < m->image[i].seens; k++) {
            const SbColmapSeen *seen = m->image[i].seen + k;
            double p[3], uv[2];
            if (!sb_colmap_seen(m, seen, im->frame[i].pose, p)) continue;
            int front = p[2] > 0 && sb_lens_pixel(&im->frame[i].lens, p[0] / p[2], p[1] / p[2], uv);
            error[n++] = front ? (float)hypot(uv[0] - (seen->x - 0.5), uv[1] - (seen->y - 0.5)) : INFINITY;
        }
    double median = sb_median(error, (size_t)n, INFINITY);
    free(error);
    *count = n;
    return median;
}

// All observations together, then every image: one that is off is refused, one of few observations is weak.
static void sb_colmap_prove(SbImport *im, const SbColmap *m) {
    long count, few;
    double error = sb_colmap_error(im, m, 0, m->images, &count);
    double limit = SB_COLMAP_PIXELS * im->frame[0].lens.w / 1000;
    if (!count) return;
    printf("proof: %ld observations of %ld sparse points: the median one is %.2f pixels off, the limit is "
           "%.2g\n",
           count, m->points, error, limit);
    if (error > limit)
        sb_die("%s: refused: the sparse points miss their observations by %.3g pixels (median of %ld), the "
               "limit is "
               "%.2g; usual reasons: direction of poses, order of the quaternion, another camera model",
               im->source, error, count, limit);
    for (long i = 0; i < m->images; i++) {
        error = sb_colmap_error(im, m, i, i + 1, &few);
        im->weak += few < SB_COLMAP_FEW;
        if (few >= SB_COLMAP_FEW && error > 3 * limit)
            sb_die("%s: refused: the sparse points miss their observations in %s by %.3g pixels; is its pose "
                   "right?",
                   im->source, m->image[i].name, error);
    }
    im->sparse = 1;
}

// Metres of a unit: the median of depth / z at the observed points of up to 20 pictures.
static double sb_colmap_unit(SbImport *im, const SbColmap *m) {
    float *ratio = NULL;
    size_t n = 0;
    for (long i = 0, step = m->images / 20 + 1; i < m->images; i += step) {
        int w, h;
        if (!im->frame[i].depth) continue;
        float *depth = sb_import_depth(im, im->frame[i].depth, &w, &h);
        ratio = (float *)sb_realloc(ratio, (n + (size_t)m->image[i].seens + 1) * sizeof *ratio);
        for (long k = 0; k < m->image[i].seens; k++) {
            const SbColmapSeen *seen = m->image[i].seen + k;
            double p[3], x = floor(seen->x * w / im->frame[i].lens.w),
                         y = floor(seen->y * h / im->frame[i].lens.h);
            if (!(x >= 0 && y >= 0 && x < w && y < h)) continue;
            if (!sb_colmap_seen(m, seen, im->frame[i].pose, p)) continue;
            double z = (double)depth[(size_t)y * (size_t)w + (size_t)x];
            if (p[2] > 0 && z > 0 && isfinite(z)) ratio[n++] = (float)(z / p[2]);
        }
        free(depth);
    }
    double unit = sb_median(ratio, n, 0);
    free(ratio);
    if (!(unit > 0)) sb_die("%s: no sparse point lies on measured depth; give --unit", im->source);
    printf("unit: %.4g metres, the median of depth / z at %zu sparse points\n", unit, n);
    return unit;
}

// The sparse points that an image observes as its depth, at the pixels where they were observed.
static void sb_colmap_depth(const SbImport *im, const SbColmap *m, long i) {
    SbImportFrame *f = im->frame + i;
    f->w = f->lens.w, f->h = f->lens.h;
    f->z = (float *)sb_calloc((size_t)f->w * (size_t)f->h, sizeof *f->z);
    for (long k = 0; k < m->image[i].seens; k++) {
        const SbColmapSeen *seen = m->image[i].seen + k;
        double p[3];
        if (!(seen->x >= 0 && seen->y >= 0 && seen->x < f->w && seen->y < f->h)) continue;
        if (!sb_colmap_seen(m, seen, f->pose, p) || !(p[2] > 0)) continue;
        f->z[(size_t)seen->y * (size_t)f->w + (size_t)seen->x] = (float)(p[2] * im->unit);
    }
}

// ---- the reader

static SB_UNUSED void sb_read_colmap(SbImport *im) {
    SbColmap m;
    memset(&m, 0, sizeof m);
    char *folder = sb_first_of(im->source, "sparse/0|sparse"), *images = sb_format("%s/images", im->source);
    char *depths = sb_format("%s/depth", im->source);
    if (!folder) folder = sb_copy(im->source);
    int with_depth = sb_is_folder(depths), pictures = sb_is_folder(images);
    if (sb_has(folder, "cameras.bin")) sb_colmap_binary(&m, folder);
    else sb_colmap_text(&m, folder);
    if (!m.images) sb_die("%s: the model has no images", folder);
    if (!pictures) sb_die("%s: not there: the pictures of the model", images);
    if (m.points) qsort(m.point, (size_t)m.points, sizeof *m.point, sb_point_order);
    for (long i = 0; i < m.images; i++) {
        const SbColmapImage *from = m.image + i;
        SbImportFrame *f = sb_import_frame(im, from->name, sb_format("%s/%s", images, from->name), NULL);
        double q[4] = {from->q[1], from->q[2], from->q[3], from->q[0]}, world_to_camera[16];
        sb_pose_from_quaternion(q, from->t, world_to_camera, folder);
        sb_pose_invert(world_to_camera, f->pose);
        for (long k = 0; k < m.cameras; k++)
            if (m.camera[k].id == from->camera) f->lens = m.camera[k].lens;
        if (!f->lens.w) sb_die("%s: image %s: there is no camera %d", folder, from->name, from->camera);
    }
    sb_import_distinct(im);
    for (int i = 0; i < im->frames && with_depth; i++) {
        SbImportFrame *f = im->frame + i;
        f->depth = sb_file_of(depths, f, ".png|.npy|.npz|.pfm");
        if (!f->depth) sb_die("%s: no depth of %s (.png, .npy, .npz, .pfm)", depths, f->path);
    }
    sb_colmap_prove(im, &m);
    if (!with_depth && im->unit == 0)
        sb_die(
            "%s: a model's unit is arbitrary and there is no depth/: give --unit, metres of a unit (1: leave "
            "it as it is)",
            im->source);
    if (im->unit == 0) im->unit = sb_colmap_unit(im, &m);
    for (long i = 0; i < m.images && !with_depth; i++) sb_colmap_depth(im, &m, i);
    if (with_depth) im->sparse = 0;   // the depth is to prove itself
    sb_colmap_free(&m);
    free(folder);
    free(images);
    free(depths);
}
#endif
