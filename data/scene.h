// scene.h: a scene (posed colour and depth views, objects) in memory, and as a folder in ScanNet's layout:
//
//     color/N.jpg|png                  depth/N.png (16 bit, mm, 0 = none)    pose/N.txt (camera-to-world 4x4)
//     intrinsic/intrinsic_color.txt    intrinsic/intrinsic_depth.txt         4x4 or 3x3
//     instance/N.png (ids, 0 = none)   objects.json ("up", "objects")        licence.txt       all optional
//
// Refuses: views whose parts are missing or disagree, poses that are no rotation, NaN; a folder that is not
// empty. Frames whose pose is -inf (ScanNet's lost tracking) are skipped and counted aloud. Read from top:
// the structs, reading, writing, reprojection (the proof that poses, depth and intrinsics fit together).
#ifndef SB_SCENE_H
#define SB_SCENE_H
#include <stddef.h>
#include "file.h"
#include "image.h"
#include "json.h"

// Pinhole intrinsics in pixels; pixel centres at integer coordinates: u = fx x/z + cx, v = fy y/z + cy.
typedef struct { double fx, fy, cx, cy; } SbIntrinsics;

// One posed view. Camera axes: x right, y down, z forward. Colour and depth may differ in size; the instance
// mask has the depth image's size. pose: camera-to-world, row-major 4x4, metres.
typedef struct {
    char name[64];              // the N of color/N.png
    int w, h;                   // colour
    unsigned char *rgb;         // [h][w][3]
    SbIntrinsics k;             // of the colour image
    int dw, dh;                 // depth and mask
    float *depth;               // [dh][dw] planar z in metres, 0 = no measurement
    unsigned short *mask;       // [dh][dw] object id, 0 = none; NULL = the scene has no masks
    SbIntrinsics dk;            // of the depth image
    double pose[16];
} SbView;

// One object of objects.json. Floor, wall and ceiling are objects too (category "floor" ...), without a box.
typedef struct {
    int id;                     // value in the masks
    char name[64];              // "red box"
    char category[32];          // "box", "sphere", "floor", "wall", "ceiling", or what a data set says
    int has_box;                // else center, size, yaw are unknown
    double center[3], size[3];  // metres, world; size along the box's own axes before yaw
    double yaw;                 // radians about up, counter-clockwise seen from above
} SbObject;

typedef struct {
    char name[256];             // folder, or "scene 17"
    int views, objects;
    SbView *view;
    SbObject *object;
    double up[3];               // unit vector, world
    double floor_area;          // of the whole room, square metres; 0: not known
    int unproven;               // 1: import could not prove the poses by reprojection
    char *licence;              // whose the recording is, and its licence; NULL: not stated
} SbScene;

static SB_UNUSED void sb_view_free(SbView *v) {
    free(v->rgb);
    free(v->depth);
    free(v->mask);
    memset(v, 0, sizeof *v);
}

static SB_UNUSED void sb_scene_free(SbScene *s) {
    for (int i = 0; i < s->views; i++) sb_view_free(s->view + i);
    free(s->view);
    free(s->object);
    free(s->licence);
    memset(s, 0, sizeof *s);
}

// Intrinsics after a picture of w x h has been resized to W x H by sb_image_resize: u' = (u + 1/2) W/w - 1/2.
static SB_UNUSED SbIntrinsics sb_intrinsics_resize(SbIntrinsics k, int w, int h, int W, int H) {
    double x = (double)W / w, y = (double)H / h;
    k.fx *= x;
    k.fy *= y;
    k.cx = (k.cx + 0.5) * x - 0.5;
    k.cy = (k.cy + 0.5) * y - 0.5;
    return k;
}

// Copy a text into a field of a struct; one that does not fit is an error.
static SB_UNUSED void sb_fill(char *field, size_t size, const char *text, const char *what,
                              const char *where) {
    size_t length = strlen(text);
    if (length >= size) sb_die("%s: %s \"%.40s...\" is longer than %zu bytes", where, what, text, size - 1);
    memcpy(field, text, length + 1);
}

// ---- reading

// A 3x3 or 4x4 matrix file: fx 0 cx / 0 fy cy / 0 0 1.
static SB_UNUSED SbIntrinsics sb_intrinsics_read(const char *path) {
    double m[16];
    int n = sb_read_numbers(path, m, 16), side = n == 9 ? 3 : 4;
    if (n != 9 && n != 16) sb_die("%s: expected a 3x3 or 4x4 matrix, found %d numbers", path, n);
    for (int i = 0; i < n; i++)
        if (!isfinite(m[i])) sb_die("%s: number %d is not finite", path, i + 1);
    SbIntrinsics k = {m[0], m[side + 1], m[2], m[side + 2]};
    if (!(k.fx > 0) || !(k.fy > 0) || m[1] != 0 || m[side] != 0 || m[2 * side] != 0 || m[2 * side + 1] != 0 ||
        m[2 * side + 2] != 1)
        sb_die("%s: not intrinsics of a pinhole camera (fx 0 cx, 0 fy cy, 0 0 1; fx and fy above 0)", path);
    return k;
}

// Die unless the principal point lies in the picture: else intrinsics and picture do not belong together.
static SB_UNUSED void sb_intrinsics_check(SbIntrinsics k, int w, int h, const char *path) {
    int finite = isfinite(k.fx) && isfinite(k.fy);
    if (!(finite && k.fx > 0 && k.fy > 0 && k.cx > -1 && k.cx < w && k.cy > -1 && k.cy < h))
        sb_die("%s: intrinsics fx %g fy %g cx %g cy %g cannot belong to a picture of %d x %d", path, k.fx,
               k.fy, k.cx, k.cy, w, h);
}

// Check 16 numbers as a rigid camera-to-world transform; 0 if it is a lost frame (an infinity in it), else 1.
static SB_UNUSED int sb_pose_check(const double *pose, const char *where) {
    int lost = 0;
    for (int i = 0; i < 16; i++) {
        if (isnan(pose[i])) sb_die("%s: the pose holds a NaN", where);
        lost |= isinf(pose[i]) != 0;
    }
    if (lost) return 0;
    const double *p = pose;
    double worst = fabs(p[12]) + fabs(p[13]) + fabs(p[14]) + fabs(p[15] - 1);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            double dot = p[i] * p[j] + p[4 + i] * p[4 + j] + p[8 + i] * p[8 + j];
            worst = fmax(worst, fabs(dot - (i == j)));
        }
    double det = p[0] * (p[5] * p[10] - p[6] * p[9]) - p[1] * (p[4] * p[10] - p[6] * p[8]) +
                 p[2] * (p[4] * p[9] - p[5] * p[8]);
    if (worst > 0.01 || det < 0)
        sb_die("%s: the pose is not a rotation and a translation over 0 0 0 1 (off by %.3g%s)", where, worst,
               det < 0 ? ", mirrored" : "");
    return 1;
}

static SB_UNUSED int sb_pose_read(const char *path, double *pose) {
    int n = sb_read_numbers(path, pose, 16);
    if (n != 16) sb_die("%s: expected a 4x4 matrix, found %d numbers", path, n);
    return sb_pose_check(pose, path);
}

// A 16-bit depth PNG in metres: value / scale.
static SB_UNUSED float *sb_depth_read(const char *path, double scale, int *w, int *h) {
    unsigned short *raw = sb_png16_read(path, w, h);
    size_t count = (size_t)*w * (size_t)*h;
    float *depth = (float *)sb_calloc(count, sizeof *depth);
    for (size_t i = 0; i < count; i++) depth[i] = (float)(raw[i] / scale);
    free(raw);
    return depth;
}

// A mask of the colour image's size as one of the depth image's: the id at the colour pixel on the same ray.
static SB_UNUSED void sb_mask_to_depth(SbView *v) {
    unsigned short *mask = (unsigned short *)sb_calloc((size_t)v->dw * (size_t)v->dh, sizeof *mask);
    for (int y = 0; y < v->dh; y++)
        for (int x = 0; x < v->dw; x++) {
            double u = floor((x - v->dk.cx) / v->dk.fx * v->k.fx + v->k.cx + 0.5);
            double t = floor((y - v->dk.cy) / v->dk.fy * v->k.fy + v->k.cy + 0.5);
            if (!(u >= 0 && t >= 0 && u < v->w && t < v->h)) continue;
            mask[y * v->dw + x] = v->mask[(int)t * v->w + (int)u];
        }
    free(v->mask);
    v->mask = mask;
}

// One view; 0 if its pose is lost. file is its name in color/.
static SB_UNUSED int sb_view_load(SbView *v, const char *folder, const char *file, int has_masks,
                                  SbIntrinsics k, SbIntrinsics dk) {
    const char *dot = strrchr(file, '.');
    char *name = sb_format("%.*s", dot ? (int)(dot - file) : (int)strlen(file), file);
    sb_fill(v->name, sizeof v->name, name, "the name", folder);
    free(name);
    char *path = sb_format("%s/pose/%s.txt", folder, v->name);
    int found = sb_pose_read(path, v->pose);
    free(path);
    if (!found) return 0;
    v->k = k;
    v->dk = dk;
    path = sb_format("%s/color/%s", folder, file);
    v->rgb = sb_image_load(path, &v->w, &v->h);
    sb_intrinsics_check(k, v->w, v->h, path);
    free(path);
    path = sb_format("%s/depth/%s.png", folder, v->name);
    v->depth = sb_depth_read(path, 1000, &v->dw, &v->dh);
    sb_intrinsics_check(dk, v->dw, v->dh, path);
    free(path);
    if (!has_masks) return 1;
    int w, h;
    path = sb_format("%s/instance/%s.png", folder, v->name);
    v->mask = sb_mask_read(path, &w, &h);
    int as_depth = w == v->dw && h == v->dh;
    if (!as_depth && (w != v->w || h != v->h))
        sb_die("%s: a mask of %d x %d fits neither the depth (%d x %d) nor the colour (%d x %d)", path, w, h,
               v->dw, v->dh, v->w, v->h);
    if (!as_depth) sb_mask_to_depth(v);
    free(path);
    return 1;
}

static SB_UNUSED void sb_object_parse(SbObject *o, const cJSON *record, const char *where) {
    o->id = (int)sb_json_int(record, "id", 1, 65535, where);
    sb_fill(o->name, sizeof o->name, sb_json_string(record, "name", where), "the name", where);
    const char *category = sb_json_string(record, "category", where);
    sb_fill(o->category, sizeof o->category, category, "the category", where);
    const char *box[3] = {"center", "size", "yaw"};
    int parts = 0;
    for (int i = 0; i < 3; i++) parts += sb_json_optional(record, box[i], where) != NULL;
    if (parts == 0) return;
    if (parts < 3) sb_die("%s: a box needs center, size and yaw; leave out all three if unknown", where);
    sb_json_numbers(record, "center", o->center, 3, where);
    sb_json_numbers(record, "size", o->size, 3, where);
    o->yaw = sb_json_number(record, "yaw", where);
    o->has_box = 1;
    for (int i = 0; i < 3; i++)
        if (!(o->size[i] > 0)) sb_die("%s: field \"size\": must be above 0, found %g", where, o->size[i]);
}

// Make a direction a unit vector; one without a length is an error.
static SB_UNUSED void sb_unit_vector(double *v, const char *where) {
    double length = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    if (!(length > 1e-6 && length < 1e6))
        sb_die("%s: (%g, %g, %g) is no direction", where, v[0], v[1], v[2]);
    for (int i = 0; i < 3; i++) v[i] /= length;
}

// objects.json: {"up": [x, y, z], "floor_area": 31.5, "unproven": true, "objects": [...]}, each optional.
static SB_UNUSED void sb_objects_load(SbScene *s, const char *path) {
    cJSON *file = sb_json_read(path);
    if (sb_json_optional(file, "up", path)) sb_json_numbers(file, "up", s->up, 3, path);
    sb_unit_vector(s->up, path);
    if (sb_json_optional(file, "floor_area", path)) {
        s->floor_area = sb_json_number(file, "floor_area", path);
        if (!(s->floor_area > 0)) sb_die("%s: floor_area: %g is not above 0", path, s->floor_area);
    }
    s->unproven = cJSON_IsTrue(sb_json_optional(file, "unproven", path));
    const cJSON *list = sb_json_optional(file, "objects", path) ? sb_json_array(file, "objects", path) : NULL;
    s->object = (SbObject *)sb_calloc((size_t)cJSON_GetArraySize(list), sizeof *s->object);
    unsigned char *seen = (unsigned char *)sb_calloc(65536, 1);
    for (const cJSON *record = list ? list->child : NULL; record; record = record->next) {
        char *where = sb_format("%s: object %d", path, s->objects + 1);
        SbObject *o = s->object + s->objects++;
        sb_object_parse(o, record, where);
        if (seen[o->id]++) sb_die("%s: field \"id\": another object has %d too", where, o->id);
        free(where);
    }
    free(seen);
    cJSON_Delete(file);
}

// A licence's text; free() it.
static SB_UNUSED char *sb_licence_read(const char *path) {
    size_t size;
    char *text = sb_read_file_limit(path, 1 << 20, &size);
    if (strlen(text) != size) sb_die("%s: not a text (it holds a zero byte)", path);
    return text;
}

// Load every view of a scene folder, in the order of their numbers. Free it with sb_scene_free.
static SB_UNUSED void sb_scene_load(SbScene *s, const char *folder) {
    memset(s, 0, sizeof *s);
    char *name = sb_trim_slashes(folder);
    sb_fill(s->name, sizeof s->name, name, "the folder", "scene");
    s->up[2] = 1;
    char *color = sb_format("%s/color", name), *masks = sb_format("%s/instance", name);
    char *objects = sb_format("%s/objects.json", name), *licence = sb_format("%s/licence.txt", name);
    if (!sb_is_folder(color)) sb_die("%s: not a scene folder (it has no color/)", name);
    char *path = sb_format("%s/intrinsic/intrinsic_color.txt", name);
    SbIntrinsics k = sb_intrinsics_read(path);
    free(path);
    path = sb_format("%s/intrinsic/intrinsic_depth.txt", name);
    SbIntrinsics dk = sb_intrinsics_read(path);
    free(path);
    int files, lost = 0;
    char **file = sb_list_folder(color, &files);
    s->view = (SbView *)sb_calloc((size_t)files, sizeof *s->view);
    for (int i = 0; i < files; i++) {
        SbView *v = s->view + s->views;
        int found = sb_view_load(v, name, file[i], sb_is_folder(masks), k, dk);
        if (s->views && !strcmp(v->name, v[-1].name)) sb_die("%s: two pictures are named %s", color, v->name);
        s->views += found;
        lost += !found;
    }
    if (lost) fprintf(stderr, "note: %s: %d of %d frames without a pose are skipped\n", name, lost, files);
    if (!s->views) sb_die("%s: no frames with a pose", name);
    if (sb_exists(objects)) sb_objects_load(s, objects);
    if (sb_exists(licence)) s->licence = sb_licence_read(licence);
    sb_free_names(file, files);
    free(licence);
    free(objects);
    free(masks);
    free(color);
    free(name);
}

// ---- writing

static SB_UNUSED void sb_intrinsics_write(const char *folder, const char *name, SbIntrinsics k) {
    char *path = sb_format("%s/intrinsic/%s.txt", folder, name);
    SbWriter w;
    sb_write_open(&w, path);
    w.durable = 0;
    sb_write_text(&w, "%.17g 0 %.17g 0\n0 %.17g %.17g 0\n0 0 1 0\n0 0 0 1\n", k.fx, k.cx, k.fy, k.cy);
    sb_write_close(&w);
    free(path);
}

// Depth in metres as 16-bit millimetres, rounded. NaN, below 0 and above 65.535 m are errors.
static SB_UNUSED void sb_depth_write(const char *path, const float *depth, int w, int h) {
    int size;
    size_t count = (size_t)w * (size_t)h;
    unsigned short *mm = (unsigned short *)sb_calloc(count, sizeof *mm);
    for (size_t i = 0; i < count; i++) {
        if (!(depth[i] >= 0 && depth[i] <= 65.535f))
            sb_die("%s: a depth of %g m cannot be stored as 16-bit millimetres", path, (double)depth[i]);
        mm[i] = (unsigned short)floor((double)depth[i] * 1000 + 0.5);
    }
    unsigned char *png = sb_png16_encode(mm, w, h, &size);
    sb_image_save(path, png, size, 0);
    free(png);
    free(mm);
}

static SB_UNUSED void sb_view_save(const SbView *v, const char *folder) {
    int size;
    char *path = sb_format("%s/color/%s.png", folder, v->name);
    unsigned char *png = sb_png_encode(v->rgb, v->w, v->h, 3, &size);
    sb_image_save(path, png, size, 0);
    free(png);
    free(path);
    path = sb_format("%s/depth/%s.png", folder, v->name);
    sb_depth_write(path, v->depth, v->dw, v->dh);
    free(path);
    if (v->mask) {
        path = sb_format("%s/instance/%s.png", folder, v->name);
        png = sb_png16_encode(v->mask, v->dw, v->dh, &size);
        sb_image_save(path, png, size, 0);
        free(png);
        free(path);
    }
    SbText t = {NULL, 0, 0};
    for (int i = 0; i < 16; i++) sb_text_add(&t, "%.17g%s", v->pose[i], i % 4 == 3 ? "\n" : " ");
    path = sb_format("%s/pose/%s.txt", folder, v->name);
    sb_image_save(path, t.data, (int)t.size, 0);
    free(path);
    free(t.data);
}

static SB_UNUSED void sb_text_numbers(SbText *t, const char *field, const double *x, int count) {
    sb_text_add(t, "\"%s\": ", field);
    for (int i = 0; i < count; i++) sb_text_add(t, "%s%.17g", i ? ", " : count > 1 ? "[" : "", x[i]);
    if (count > 1) sb_text_add(t, "]");
}

static SB_UNUSED void sb_objects_save(const SbScene *s, const char *folder) {
    SbText t = {NULL, 0, 0};
    sb_text_add(&t, "{");
    sb_text_numbers(&t, "up", s->up, 3);
    if (s->floor_area > 0) sb_text_add(&t, ", \"floor_area\": %.17g", s->floor_area);
    if (s->unproven) sb_text_add(&t, ", \"unproven\": true");
    sb_text_add(&t, ", \"objects\": [");
    for (int i = 0; i < s->objects; i++) {
        const SbObject *o = s->object + i;
        sb_text_add(&t, "%s\n  {\"id\": %d, \"name\": ", i ? "," : "", o->id);
        sb_text_json(&t, o->name);
        sb_text_add(&t, ", \"category\": ");
        sb_text_json(&t, o->category);
        if (o->has_box) {
            sb_text_add(&t, ", ");
            sb_text_numbers(&t, "center", o->center, 3);
            sb_text_add(&t, ", ");
            sb_text_numbers(&t, "size", o->size, 3);
            sb_text_add(&t, ", ");
            sb_text_numbers(&t, "yaw", &o->yaw, 1);
        }
        sb_text_add(&t, "}");
    }
    sb_text_add(&t, "]}\n");
    char *path = sb_format("%s/objects.json", folder);
    sb_write_file(path, t.data, t.size);
    free(path);
    free(t.data);
}

// Can a folder of that name be made? Die if something stands there already (an empty folder may).
static SB_UNUSED void sb_need_free_folder(const char *folder) {
    int files = 0;
    if (!sb_exists(folder)) return;
    if (!sb_is_folder(folder)) sb_die("%s: a file of that name is in the way", folder);
    char **names = sb_list_folder(folder, &files);
    sb_free_names(names, files);
    if (files) sb_die("%s: the folder is not empty; remove it or choose another name", folder);
}

// What the layout demands: one pair of intrinsics, masks in all views or in none, names that can be files.
static SB_UNUSED void sb_scene_check(const SbScene *s, const char *folder) {
    if (s->views < 1) sb_die("%s: a scene without views cannot be written", folder);
    for (int i = 0; i < s->views; i++) {
        const SbView *v = s->view + i;
        if (!*v->name || *v->name == '.' || strchr(v->name, '/'))
            sb_die("%s: view %d: \"%s\" cannot be the name of a file", folder, i, v->name);
        if (memcmp(&v->k, &s->view[0].k, sizeof v->k) || memcmp(&v->dk, &s->view[0].dk, sizeof v->dk))
            sb_die("%s: view %s has intrinsics of its own, a scene folder has one pair", folder, v->name);
        if (!v->mask != !s->view[0].mask) sb_die("%s: some views have masks and some have none", folder);
        if (!sb_pose_check(v->pose, folder)) sb_die("%s: view %s has no pose", folder, v->name);
        for (int k = 0; k < i; k++)
            if (!strcmp(v->name, s->view[k].name)) sb_die("%s: two views have the name %s", folder, v->name);
    }
}

// Write a scene folder: built under a temporary name and then renamed, so it is complete or not there at all.
static SB_UNUSED void sb_scene_save(const SbScene *s, const char *path_given) {
    char *folder = sb_trim_slashes(path_given);
    const char *inside[5] = {"color", "depth", "pose", "intrinsic", "instance"};
    sb_need_free_folder(folder);
    sb_scene_check(s, folder);
    char *temp = sb_format("%s.tmp-%ld", folder, (long)getpid());
    sb_remove(temp);
    sb_temp_add(temp);
    for (int i = 0; i < (s->view[0].mask ? 5 : 4); i++) {
        char *path = sb_format("%s/%s", temp, inside[i]);
        sb_make_folder(path);
        free(path);
    }
    sb_intrinsics_write(temp, "intrinsic_color", s->view[0].k);
    sb_intrinsics_write(temp, "intrinsic_depth", s->view[0].dk);
    for (int i = 0; i < s->views; i++) sb_view_save(s->view + i, temp);
    sb_objects_save(s, temp);
    if (s->licence) {
        char *path = sb_format("%s/licence.txt", temp);
        sb_write_file(path, s->licence, strlen(s->licence));
        free(path);
    }
    if (rename(temp, folder) != 0) sb_die("%s: cannot be made (%s)", folder, strerror(errno));
    sb_temp_done(temp);
    char *parent = sb_folder_of(folder);
    sb_sync_folder(parent);
    free(parent);
    free(temp);
    free(folder);
}

// ---- geometry and names that questions and import share

static SB_UNUSED double sb_dot3(const double a[3], const double b[3]) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

// The vector v turned about the unit vector up by angle, counter-clockwise seen from above (Rodrigues).
static SB_UNUSED void sb_turn_about(const double v[3], const double up[3], double angle, double out[3]) {
    double c = cos(angle), s = sin(angle), along = sb_dot3(up, v) * (1 - c);
    out[0] = c * v[0] + s * (up[1] * v[2] - up[2] * v[1]) + along * up[0];
    out[1] = c * v[1] + s * (up[2] * v[0] - up[0] * v[2]) + along * up[1];
    out[2] = c * v[2] + s * (up[0] * v[1] - up[1] * v[0]) + along * up[2];
}

static SB_UNUSED int sb_is_surface(const char *category) {
    return !strcmp(category, "floor") || !strcmp(category, "wall") || !strcmp(category, "ceiling");
}

// Index of the object with an id, -1: none.
static SB_UNUSED int sb_object_index(const SbScene *scene, int id) {
    for (int i = 0; id && i < scene->objects; i++)
        if (scene->object[i].id == id) return i;
    return -1;
}

// ---- reprojection

// View a's depth carried into view b and compared with b's own.
typedef struct {
    long pixels;         // of a, that land on a measurement of b
    double overlap;      // share of a's measurements that land inside b's picture
    double metres;       // median over the pixels of |z - z'|
    double relative;     // median of |z - z'| / z
    double moved;        // metres between the cameras
    double turned;       // radians between their orientations
    double correlation;  // Pearson, of the grey values of both colours at the pixels (exposure may differ)
} SbReprojection;

// The middle one of n values (the upper of two), which change places; otherwise if there are none. Hoare's
// selection with the middle place as pivot: proofs take most of their time here.
static SB_UNUSED double sb_median(float *x, size_t n, double otherwise) {
    ptrdiff_t low = 0, high = (ptrdiff_t)n - 1, middle = (ptrdiff_t)(n / 2);
    while (low < high) {
        float pivot = x[low + (high - low) / 2];
        ptrdiff_t i = low, j = high;
        while (i <= j) {
            while (x[i] < pivot) i++;
            while (x[j] > pivot) j--;
            if (i > j) break;
            float swap = x[i];
            x[i++] = x[j];
            x[j--] = swap;
        }
        if (middle <= j) high = j;
        else if (middle >= i) low = i;
        else break;
    }
    return n ? (double)x[middle] : otherwise;
}

// Grey value (R + G + B) of the colour pixel on the ray of depth pixel (u, v); -1 outside the picture.
static SB_UNUSED int sb_grey_at(const SbView *a, double u, double v) {
    double x = floor((u - a->dk.cx) / a->dk.fx * a->k.fx + a->k.cx + 0.5);
    double y = floor((v - a->dk.cy) / a->dk.fy * a->k.fy + a->k.cy + 0.5);
    if (!(x >= 0 && y >= 0 && x < a->w && y < a->h)) return -1;
    const unsigned char *p = a->rgb + ((size_t)y * (size_t)a->w + (size_t)x) * 3;
    return p[0] + p[1] + p[2];
}

// Camera a to camera b, from the two poses: X_b = m[0..8] X_a + m[9..11].
static SB_UNUSED void sb_relative_pose(const double *a, const double *b, double *m) {
    double t[3] = {a[3] - b[3], a[7] - b[7], a[11] - b[11]};
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) m[3 * i + j] = b[i] * a[j] + b[4 + i] * a[4 + j] + b[8 + i] * a[8 + j];
        m[9 + i] = b[i] * t[0] + b[4 + i] * t[1] + b[8 + i] * t[2];
    }
}

// Where pixel (x, y) of a with depth z lands in b: 1, the nearest pixel (uv) and its depth; 0 if outside.
static SB_UNUSED int sb_reproject_pixel(const SbView *a, const SbView *b, const double *m, int x, int y,
                                        double z, double *uv, double *depth) {
    double s = (x - a->dk.cx) / a->dk.fx * z, t = (y - a->dk.cy) / a->dk.fy * z, p[3];
    for (int i = 0; i < 3; i++) p[i] = m[3 * i] * s + m[3 * i + 1] * t + m[3 * i + 2] * z + m[9 + i];
    if (!(p[2] > 0)) return 0;
    uv[0] = floor(b->dk.fx * p[0] / p[2] + b->dk.cx + 0.5);
    uv[1] = floor(b->dk.fy * p[1] / p[2] + b->dk.cy + 0.5);
    *depth = p[2];
    return uv[0] >= 0 && uv[1] >= 0 && uv[0] < b->dw && uv[1] < b->dh;
}

// Reproject every step-th pixel of every step-th row of a into b. Returns the relative median, or 1 (100 %)
// if no pixel of a lands on a measurement of b. Right readings of real scenes gave 0.3 to 1 %, a wrong
// direction of the pose or a wrong order of axes or quaternion 14 to 46 %.
static SB_UNUSED double sb_reproject(const SbView *a, const SbView *b, int step, SbReprojection *out) {
    double m[12], uv[2], there, n = 0, sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
    size_t most = (size_t)(a->dw / step + 1) * (size_t)(a->dh / step + 1), used = 0;
    float *error = (float *)sb_calloc(most, 2 * sizeof *error), *ratio = error + most;
    long measured = 0, inside = 0;
    sb_relative_pose(a->pose, b->pose, m);
    for (int y = 0; y < a->dh; y += step)
        for (int x = 0; x < a->dw; x += step) {
            double z = (double)a->depth[(size_t)y * (size_t)a->dw + (size_t)x];
            if (!(z > 0)) continue;
            measured++;
            if (!sb_reproject_pixel(a, b, m, x, y, z, uv, &there)) continue;
            inside++;
            double found = (double)b->depth[(size_t)uv[1] * (size_t)b->dw + (size_t)uv[0]];
            if (!(found > 0)) continue;
            error[used] = (float)fabs(found - there);
            ratio[used++] = (float)(fabs(found - there) / there);
            int ga = sb_grey_at(a, x, y), gb = sb_grey_at(b, uv[0], uv[1]);
            if (ga < 0 || gb < 0) continue;
            n++, sa += ga, sb += gb, saa += (double)ga * ga, sbb += (double)gb * gb, sab += (double)ga * gb;
        }
    double spread = (n * saa - sa * sa) * (n * sbb - sb * sb), trace = (m[0] + m[4] + m[8] - 1) / 2;
    out->pixels = (long)used;
    out->overlap = measured ? (double)inside / (double)measured : 0;
    out->metres = sb_median(error, used, INFINITY);
    out->relative = sb_median(ratio, used, 1);
    out->moved = sqrt(m[9] * m[9] + m[10] * m[10] + m[11] * m[11]);
    out->turned = acos(trace > 1 ? 1 : trace < -1 ? -1 : trace);
    out->correlation = spread > 0 ? (n * sab - sa * sb) / sqrt(spread) : 0;
    free(error);
    return out->relative;
}
#endif
