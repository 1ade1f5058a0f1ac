// import.h: what every importer shares: the frames that a reader finds, and their pictures as views of a
// scene.
//
// A reader (import_*.h) fills frames: names of files, camera-to-world poses in the house's axes (x right, y
// down, z forward), cameras. It opens no picture. Refuses: to guess a depth scale; depth that is neither the
// colour's size nor its shape; masks of another size; a picture without its mask. Values that are no depth
// (NaN, infinite, negative) become "no measurement" and are counted aloud. Read from top: the structs,
// helpers of readers, depth, masks, views.
#ifndef SB_IMPORT_H
#define SB_IMPORT_H
#include "array.h"
#include "lens.h"
#include "masks.h"

typedef struct {
    char *path, *name;           // "cam0/0001" and the view's, of sb_import_distinct
    char *color, *depth;         // files. color NULL: rgb is there; depth NULL: z, or none
    double pose[16];             // camera-to-world; translation in the recording's unit
    SbLens lens;                 // of the colour picture; k.fx 0: the import's
    unsigned char *rgb;          // [h][w][3] and
    float *z;                    // [h][w] metres: pictures that are in memory already
    int w, h;
} SbImportFrame;

typedef struct {
    const char *source, *dest, *kind, *intrinsics, *up, *masks, *ids, *names, *credit;   // the flags
    double depth_scale, unit, focal, max_gap;
    int every, max, unproven, rotated;
    double kind_scale, divided;  // the kind's --depth-scale, 0: none; what depth was divided by in the end
    SbImportFrame *frame;
    int frames;
    SbLens lens;                 // of frames that have none of their own
    SbIntrinsics dk;             // of the depth pictures; fx 0: the colour's
    int sparse, weak; // depth is that of the sparse points, which proved the poses already, but for
                      // so many frames that observe too few of them
    SbLabels *labels;            // [frames] names of the regions of each view; NULL: no masks
    long no_depth, measured;     // values that are no depth; values that are
    long overlapping, unsure;    // pixels of two masks; masks left out
} SbImport;

// ---- helpers of readers

// "frames/0001.color.png" is named 0001.color, unless others are too. color and depth are kept (and freed) by
// the frame.
static SB_UNUSED SbImportFrame *sb_import_frame(SbImport *im, const char *name, char *color, char *depth) {
    im->frame = (SbImportFrame *)sb_realloc(im->frame, (size_t)(im->frames + 1) * sizeof *im->frame);
    SbImportFrame *f = im->frame + im->frames++;
    memset(f, 0, sizeof *f);
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name, *dot = strrchr(base, '.');
    int size = dot && dot > base ? (int)(dot - base) : (int)strlen(base);
    f->path = sb_format("%.*s", (int)(base - name) + size, name);
    f->name = sb_format("%.*s", size, base);
    f->color = color;
    f->depth = depth;
    return f;
}

// A frame whose name one before it has; 0: none.
static int sb_import_twin(const SbImport *im) {
    for (int i = 1; i < im->frames; i++)
        for (int k = 0; k < i; k++)
            if (!strcmp(im->frame[i].name, im->frame[k].name)) return i;
    return 0;
}

// All frames are there: paths lose the folders that all have in common. Where two files in different folders
// have one name, all views are named by path, "cam0_0001". Dies where that does not tell them apart either.
static SB_UNUSED void sb_import_distinct(SbImport *im) {
    const char *first = im->frames ? im->frame[0].path : "";
    size_t common = strlen(first), twin = (size_t)sb_import_twin(im);
    for (int i = 0; i < im->frames; i++) {
        size_t k = 0;
        while (k < common && im->frame[i].path[k] == first[k]) k++;
        common = k;
    }
    while (common && first[common - 1] != '/') common--;
    for (int i = 0; i < im->frames; i++) {
        SbImportFrame *f = im->frame + i;
        memmove(f->path, f->path + common, strlen(f->path + common) + 1);
        if (!twin) continue;
        free(f->name);
        f->name = sb_copy(f->path);
        for (char *c = f->name; *c; c++) *c = *c == '/' ? '_' : *c;
    }
    if (twin) twin = (size_t)sb_import_twin(im);
    if (twin) sb_die("%s: two pictures would be view %s; rename one", im->source, im->frame[twin].name);
}

static SB_UNUSED void sb_frame_free(SbImportFrame *f) {
    free(f->path);
    free(f->name);
    free(f->color);
    free(f->depth);
    free(f->rgb);
    free(f->z);
}

// "a,b,c": exactly count finite numbers.
static SB_UNUSED void sb_parse_numbers(const char *flag, const char *text, double *x, int count) {
    const char *at = text;
    for (int i = 0; i < count; i++) {
        char *end;
        x[i] = strtod(at, &end);
        if (end == at || !isfinite(x[i]) || *end != (i + 1 < count ? ',' : 0))
            sb_die("--%s %s: expected %d numbers with commas between them", flag, text, count);
        at = end + 1;
    }
}

// Rotation from a quaternion x y z w and a translation: the rows of a 4x4 matrix.
static SB_UNUSED void sb_pose_from_quaternion(const double *q, const double *t, double *pose,
                                              const char *where) {
    double length = sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
    if (!(fabs(length - 1) < 0.01)) sb_die("%s: a quaternion of length %g, expected 1", where, length);
    double x = q[0] / length, y = q[1] / length, z = q[2] / length, w = q[3] / length;
    double m[16] = {1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w), t[0],
                    2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w), t[1],
                    2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y), t[2], 0, 0, 0, 1};
    memcpy(pose, m, sizeof m);
}

// The inverse of a rotation and a translation: world-to-camera to camera-to-world and back.
static SB_UNUSED void sb_pose_invert(const double *a, double *out) {
    double b[16] = {a[0], a[4], a[8], 0, a[1], a[5], a[9], 0, a[2], a[6], a[10], 0, 0, 0, 0, 1};
    for (int i = 0; i < 3; i++) b[4 * i + 3] = -(a[i] * a[3] + a[4 + i] * a[7] + a[8 + i] * a[11]);
    memcpy(out, b, sizeof b);
}

static SB_UNUSED int sb_has(const char *folder, const char *name) {
    char *path = sb_format("%s/%s", folder, name);
    int found = sb_exists(path);
    free(path);
    return found;
}

// The first of some names ("a|b|c") that the folder holds, as a path; NULL if none is there. free() it.
static SB_UNUSED char *sb_first_of(const char *folder, const char *names) {
    for (const char *at = names; *at;) {
        size_t length = strcspn(at, "|");
        char *path = sb_format("%s/%.*s", folder, (int)length, at);
        if (sb_exists(path)) return path;
        free(path);
        at += length + (at[length] == '|');
    }
    return NULL;
}

// What belongs to a frame: the first of folder/cam0/0001.png, folder/cam0_0001.png with one of some endings
// (".png|.npy"); NULL if there is none.
static SB_UNUSED char *sb_file_of(const char *folder, const SbImportFrame *f, const char *endings) {
    for (int i = 0; i < 2; i++)
        for (const char *at = endings; *at;) {
            size_t length = strcspn(at, "|");
            char *path = sb_format("%s/%s%.*s", folder, i ? f->name : f->path, (int)length, at);
            if (sb_exists(path)) return path;
            free(path);
            at += length + (at[length] == '|');
        }
    return NULL;
}

// ---- depth

// Metres, [h][w], as the file has them: whole numbers through --depth-scale or the kind's, or floats. 65535
// in a PNG is no measurement (7-Scenes), or one that did not fit.
static SB_UNUSED float *sb_import_depth(SbImport *im, const char *path, int *w, int *h) {
    int png = sb_ends_with(path, ".png");
    if (!png && !sb_ends_with(path, ".npy") && !sb_ends_with(path, ".npz") && !sb_ends_with(path, ".pfm"))
        sb_die("%s: depth is read from 16-bit PNG, .npy, .npz and .pfm", path);
    SbArray a = {0, {0, 0, 0, 0, 0}, 0, NULL, 0};
    if (!png) sb_array_picture(path, &a, w, h);
    double scale = im->depth_scale > 0 ? im->depth_scale : png || a.whole ? im->kind_scale : 1;
    if (scale == 0)
        sb_die("%s: --depth-scale is needed: depth values a metre, 1000 for millimetres. It is not in the "
               "files and is never guessed", path);
    im->divided = scale;
    float *depth;
    if (png) {
        unsigned short *raw = sb_png16_read(path, w, h);
        size_t count = (size_t)*w * (size_t)*h;
        depth = (float *)sb_calloc(count, sizeof *depth);
        for (size_t i = 0; i < count; i++) {
            unsigned v = raw[i];
            if (im->rotated) v = (v >> 3 | v << 13) & 0xFFFF;
            depth[i] = v == 65535 ? NAN : (float)(v / scale);
        }
        free(raw);
    } else {
        depth = a.data;
        for (size_t i = 0; i < a.count; i++) depth[i] = (float)((double)depth[i] / scale);
    }
    return depth;
}

// Depth in whole millimetres, as it will be stored; what is no depth becomes 0. A PNG beyond the range has
// the wrong scale; networks say so of the sky, which then is not measured.
static SB_UNUSED void sb_import_round(SbImport *im, SbView *v, const char *path) {
    for (size_t k = 0; k < (size_t)v->dw * (size_t)v->dh; k++) {
        double mm = floor((double)v->depth[k] * 1000 + 0.5);
        int far = mm > 65535;
        if (far && path && sb_ends_with(path, ".png"))
            sb_die("%s: a depth of %g m; more than 65.535 m cannot be stored. Is --depth-scale %g right?",
                   path, mm / 1000, im->divided);
        int bad = !(mm >= 0) || far;
        im->no_depth += bad;
        v->depth[k] = bad ? 0 : (float)(mm / 1000);
        im->measured += v->depth[k] > 0;
    }
}

// ---- masks

// The masks of a view, whose k and dk are set: into v->mask, of the depth picture's size.
static SB_UNUSED void sb_import_mask(SbImport *im, const SbImportFrame *f, SbView *v, SbLabels *l,
                                     const cJSON *coco) {
    char *path = NULL;
    if (coco) {
        double id = sb_coco_image(coco, f->path, v->name, im->masks);
        if (id < 0) sb_die("%s: has no picture named %s", im->masks, v->name);
        sb_masks_from_json(coco, id, l, im->masks);
    } else {
        path = sb_file_of(im->masks, f, ".png|.json|.segm.png");
        if (!path) sb_die("%s: no masks of view %s (.png, .json, .segm.png)", im->masks, v->name);
        if (sb_ends_with(path, ".json")) {
            cJSON *file = sb_json_read(path);
            sb_masks_from_json(file, -1, l, path);
            cJSON_Delete(file);
        } else {
            sb_labels_read(path, l);
            if (!strcmp(im->ids, "view")) sb_labels_compact(l);
        }
    }
    if (!l->label) {  // a file without masks
        l->w = v->dw, l->h = v->dh;
        l->label = (unsigned short *)sb_calloc((size_t)v->dw * (size_t)v->dh, sizeof *l->label);
    }
    int as_depth = l->w == v->dw && l->h == v->dh;
    if (!as_depth && (l->w != v->w || l->h != v->h))
        sb_die("%s: masks of %d x %d fit neither the depth (%d x %d) nor the colour (%d x %d)",
               path ? path : im->masks, l->w, l->h, v->dw, v->dh, v->w, v->h);
    v->mask = l->label;
    l->label = NULL;
    im->overlapping += l->overlapping;
    im->unsure += l->unsure;
    if (!as_depth) sb_mask_to_depth(v);
    free(path);
}

// ---- views

// The camera of a frame whose picture is w x h: --intrinsics, --focal, the frame's or the import's.
static SbLens sb_import_lens(const SbImport *im, const SbImportFrame *f, int w, int h) {
    SbLens l = f->lens.k.fx > 0 ? f->lens : im->lens;
    if (*im->intrinsics || im->focal > 0) {
        double k[4] = {im->focal, im->focal, (w - 1) / 2.0, (h - 1) / 2.0};
        if (*im->intrinsics) sb_parse_numbers("intrinsics", im->intrinsics, k, 4);
        memset(&l, 0, sizeof l);
        l.k.fx = k[0], l.k.fy = k[1], l.k.cx = k[2], l.k.cy = k[3];
    }
    if (!(l.k.fx > 0)) sb_die("%s: the camera is not known: give --intrinsics or --focal", im->source);
    if (l.w && (l.w != w || l.h != h))
        sb_die("%s: a picture of %d x %d, its camera is of %d x %d", f->color ? f->color : f->name, w, h, l.w,
               l.h);
    l.w = w;
    l.h = h;
    return l;
}

// The colour and depth of a frame, by one camera of its own.
static void sb_import_view(SbImport *im, SbImportFrame *f, SbView *v, SbLens *l) {
    sb_fill(v->name, sizeof v->name, f->name, "the name", f->color ? f->color : im->source);
    memcpy(v->pose, f->pose, sizeof v->pose);
    for (int i = 0; i < 3; i++) v->pose[4 * i + 3] *= im->unit;
    v->w = f->w, v->h = f->h;
    v->rgb = f->color ? sb_image_load(f->color, &v->w, &v->h) : f->rgb;
    v->dw = f->z ? f->w : v->w, v->dh = f->z ? f->h : v->h;
    if (f->depth) v->depth = sb_import_depth(im, f->depth, &v->dw, &v->dh);
    else v->depth = f->z ? f->z : (float *)sb_calloc((size_t)v->w * (size_t)v->h, sizeof *v->depth);
    if (!f->color) f->rgb = NULL;
    f->z = NULL;
    *l = sb_import_lens(im, f, v->w, v->h);
    v->k = l->k;
    const char *where = f->depth ? f->depth : f->name;
    sb_intrinsics_check(v->k, v->w, v->h, f->color ? f->color : f->name);
    v->dk = im->dk.fx > 0 ? im->dk : v->k;
    double shape = (double)v->dw * v->h / ((double)v->dh * v->w);
    if (!(im->dk.fx > 0) && (v->w != v->dw || v->h != v->dh)) {
        if (fabs(shape - 1) > 0.02 || sb_lens_distorts(l))
            sb_die("%s: depth of %d x %d, colour of %d x %d: depth must be registered to colour", where,
                   v->dw, v->dh, v->w, v->h);
        v->dk = sb_intrinsics_resize(v->k, v->w, v->h, v->dw, v->dh);
    }
    sb_intrinsics_check(v->dk, v->dw, v->dh, where);
    sb_import_round(im, v, f->depth);
}

// One pinhole for all: views of cameras that distort, or differ from the first one's, are resampled to it.
static void sb_import_one_camera(SbScene *s, const SbLens *lens) {
    int differ = 0, distort = 0;
    SbView first = s->view[0];
    for (int i = 0; i < s->views; i++) {
        differ +=
            memcmp(&lens[i].k, &first.k, sizeof first.k) || lens[i].w != first.w || lens[i].h != first.h;
        distort += sb_lens_distorts(lens + i);
    }
    if (!differ && !distort) return;
    printf("note: %d of %d cameras distort and %d differ from the first; all views are resampled to its "
           "pinhole\n", distort, s->views, differ);
    for (int i = 0; i < s->views; i++) {
        SbView *v = s->view + i;
        if (v->w != v->dw || v->h != v->dh)
            sb_die("%s: depth of another size than the colour (%d x %d, %d x %d) cannot be resampled",
                   v->name, v->dw, v->dh, v->w, v->h);
        sb_lens_resample(v, lens + i, first.k, first.w, first.h);
    }
}

// The frames as a scene.
static SB_UNUSED void sb_import_load(SbImport *im, SbScene *s) {
    SbLens *lens = (SbLens *)sb_calloc((size_t)im->frames, sizeof *lens);
    memset(s, 0, sizeof *s);
    s->view = (SbView *)sb_calloc((size_t)im->frames, sizeof *s->view);
    cJSON *coco = *im->masks && !sb_is_folder(im->masks) ? sb_json_read(im->masks) : NULL;
    if (*im->masks) im->labels = (SbLabels *)sb_calloc((size_t)im->frames, sizeof *im->labels);
    for (int i = 0; i < im->frames; i++) {
        SbView *v = s->view + s->views++;
        sb_import_view(im, im->frame + i, v, lens + i);
        if (im->labels) sb_import_mask(im, im->frame + i, v, im->labels + i, coco);
    }
    cJSON_Delete(coco);
    sb_import_one_camera(s, lens);
    const SbView *v = s->view;
    printf("intrinsics: fx %g fy %g cx %g cy %g for %d x %d; ", v->k.fx, v->k.fy, v->k.cx, v->k.cy, v->w,
           v->h);
    if (!im->measured) printf("depth: none\n");
    else if (im->sparse) printf("depth: that of %ld sparse points\n", im->measured);
    else printf("depth: value / %g metres\n", im->divided > 0 ? im->divided : 1);
    if (im->measured && (v->dw != v->w || v->dh != v->h))
        printf("note: depth of %d x %d: fx %g fy %g cx %g cy %g\n", v->dw, v->dh, v->dk.fx, v->dk.fy,
               v->dk.cx, v->dk.cy);
    if (im->no_depth)
        printf("note: %ld depth values are no depth (NaN, infinite, negative, above 65.535 m, or 65535 in a "
               "PNG) and count as not measured\n",
               im->no_depth);
    if (im->unsure) printf("note: %ld masks whose predicted_iou or score is below %g are left out\n",
                           im->unsure, SB_MASK_SURE);
    if (im->overlapping) printf("note: %ld pixels lie in more than one mask; the smallest mask has them\n",
                                im->overlapping);
    free(lens);
}
#endif
