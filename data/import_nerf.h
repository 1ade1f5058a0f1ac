// import_nerf.h: transforms.json, as NeRF's scenes, instant-ngp and nerfstudio have it: a list of frames with
// file_path, transform_matrix (camera-to-world, OpenGL's axes: y up, z backward) and maybe depth_file_path.
//
// The camera is fl_x fl_y cx cy w h k1 k2 k3 p1 p2 (of the file, or of a frame), pixel centres at .5; or
// camera_angle_x, with the picture's middle. Refuses: fisheye models, by name; frames of which some have
// depth and some have none. Read from top: the camera, a frame, the reader.
#ifndef SB_IMPORT_NERF_H
#define SB_IMPORT_NERF_H
#include "import.h"

// A number of the frame or else of the file; otherwise, the given one.
static double sb_nerf_number(const cJSON *frame, const cJSON *file, const char *name, double otherwise,
                             const char *where) {
    if (sb_json_optional(frame, name, where)) return sb_json_number(frame, name, where);
    return sb_json_optional(file, name, where) ? sb_json_number(file, name, where) : otherwise;
}

static void sb_nerf_lens(SbLens *l, const cJSON *frame, const cJSON *file, const char *picture,
                         const char *where) {
    const char *model[2] = {"camera_model", "is_fisheye"};
    const cJSON *m = sb_json_optional(file, model[0], where);
    if (cJSON_IsTrue(sb_json_optional(file, model[1], where)) ||
        (cJSON_IsString(m) && strcmp(m->valuestring, "OPENCV") && strcmp(m->valuestring, "PINHOLE") &&
         strcmp(m->valuestring, "SIMPLE_PINHOLE")))
        sb_die("%s: a camera of model %s; OPENCV and PINHOLE are read: undistort first", where,
               cJSON_IsString(m) ? m->valuestring : "fisheye");
    double w = sb_nerf_number(frame, file, "w", 0, where), h = sb_nerf_number(frame, file, "h", 0, where);
    double angle = sb_nerf_number(frame, file, "camera_angle_x", 0, where);
    if (w == 0 || h == 0) {
        int wide, high;
        free(sb_image_load(picture, &wide, &high));
        w = wide, h = high;
    }
    if (!(w >= 1 && w <= SB_IMAGE_SIDE && h >= 1 && h <= SB_IMAGE_SIDE))
        sb_die("%s: a camera of %g x %g pixels", where, w, h);
    l->w = (int)w, l->h = (int)h;
    l->k.fx = sb_nerf_number(frame, file, "fl_x", angle > 0 ? w / 2 / tan(angle / 2) : 0, where);
    l->k.fy = sb_nerf_number(frame, file, "fl_y", l->k.fx, where);
    l->k.cx = sb_nerf_number(frame, file, "cx", w / 2, where) - 0.5;
    l->k.cy = sb_nerf_number(frame, file, "cy", h / 2, where) - 0.5;
    if (!(l->k.fx > 0)) sb_die("%s: neither fl_x nor camera_angle_x is there", where);
    l->k1 = sb_nerf_number(frame, file, "k1", 0, where);
    l->k2 = sb_nerf_number(frame, file, "k2", 0, where);
    l->k3 = sb_nerf_number(frame, file, "k3", 0, where);
    l->p1 = sb_nerf_number(frame, file, "p1", 0, where);
    l->p2 = sb_nerf_number(frame, file, "p2", 0, where);
    if (sb_nerf_number(frame, file, "k4", 0, where) != 0) sb_die("%s: k4 is of a fisheye camera", where);
}

// transform_matrix, with OpenGL's axes turned into ours.
static void sb_nerf_pose(const cJSON *frame, double *pose, const char *where) {
    const cJSON *rows = sb_json_array(frame, "transform_matrix", where), *row = rows->child;
    int count = cJSON_GetArraySize(rows);
    double last[4] = {0, 0, 0, 1};
    if (count != 3 && count != 4) sb_die("%s: transform_matrix: expected 4 rows, found %d", where, count);
    memcpy(pose + 12, last, sizeof last);
    for (int r = 0; r < count; r++, row = row->next) {
        const cJSON *v = cJSON_IsArray(row) && cJSON_GetArraySize(row) == 4 ? row->child : NULL;
        for (int c = 0; c < 4; c++, v = v->next) {
            if (!v || !cJSON_IsNumber(v) || !isfinite(v->valuedouble))
                sb_die("%s: transform_matrix: row %d is not 4 finite numbers", where, r + 1);
            pose[4 * r + c] = (r < 3 && (c == 1 || c == 2) ? -1 : 1) * v->valuedouble;
        }
    }
    if (!sb_pose_check(pose, where)) sb_die("%s: no pose", where);
}

// The file of a path in the JSON; NeRF's synthetic scenes leave ".png" away.
static char *sb_nerf_path(const SbImport *im, const char *path) {
    if (!strncmp(path, "./", 2)) path += 2;
    char *full = *path == '/' ? sb_copy(path) : sb_format("%s/%s", im->source, path);
    char *longer = sb_format("%s.png", full);
    int bare = !sb_exists(full) && sb_exists(longer);
    free(bare ? full : longer);
    return bare ? longer : full;
}

static SB_UNUSED void sb_read_nerf(SbImport *im) {
    char *path = sb_first_of(im->source, "transforms.json|transforms_train.json");
    if (!path) sb_die("%s: transforms.json is not there", im->source);
    cJSON *file = sb_json_read(path);
    int number = 0, with_depth = 0;
    for (const cJSON *v = sb_json_array(file, "frames", path)->child; v; v = v->next) {
        char *where = sb_format("%s: frame %d", path, ++number);
        const char *name = sb_json_string(v, "file_path", where);
        SbImportFrame *f = sb_import_frame(im, name, sb_nerf_path(im, name), NULL);
        if (sb_json_optional(v, "depth_file_path", where))
            f->depth = sb_nerf_path(im, sb_json_string(v, "depth_file_path", where));
        with_depth += f->depth != NULL;
        sb_nerf_pose(v, f->pose, where);
        sb_nerf_lens(&f->lens, v, file, f->color, where);
        free(where);
    }
    if (!number) sb_die("%s: the list of frames is empty", path);
    if (with_depth && with_depth < number)
        sb_die("%s: %d of %d frames have a depth_file_path; all or none must", path, with_depth, number);
    cJSON_Delete(file);
    free(path);
}
#endif
