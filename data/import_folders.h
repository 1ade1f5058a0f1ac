// import_folders.h: recordings that are folders of numbered files. One reader a kind, in this order:
//
//     plain 7scenes scannet redwood apc photo
//
// All poses are camera-to-world, x right, y down, z forward. Refuses: ScanNet's .sens; more or fewer depth
// images or poses than pictures; more than one photo. Frames whose pose is infinite (lost tracking) are left
// out and counted.
#ifndef SB_IMPORT_FOLDERS_H
#define SB_IMPORT_FOLDERS_H
#include "import.h"

static void sb_say_lost(int lost, int all) {
    if (lost) printf("note: %d of %d frames have no pose (lost tracking); left out\n", lost, all);
}

// Intrinsics of the format that are not in its files.
static void sb_assume_camera(SbImport *im, double f, double cx, double cy) {
    if (*im->intrinsics || im->focal > 0) return;
    im->lens.k.fx = im->lens.k.fy = f;
    im->lens.k.cx = cx;
    im->lens.k.cy = cy;
    printf("intrinsics: assumed %g,%g,%g,%g, the format's default; --intrinsics gives others\n", f, f, cx,
           cy);
}

// The files of two folders, which must hold as many.
static int sb_two_folders(const char *color, const char *depth, char ***c, char ***d) {
    int n, m;
    *c = sb_list_folder(color, &n);
    *d = sb_list_folder(depth, &m);
    if (n != m)
        sb_die("%s: %d pictures, %s: %d depth images; there must be as many of each", color, n, depth, m);
    return n;
}

// ---- plain: images/ depth/ K.txt (3x3) poses.txt (a row-major camera-to-world 4x4 a line)

static SB_UNUSED void sb_read_plain(SbImport *im) {
    char *images = sb_format("%s/images", im->source), *depths = sb_format("%s/depth", im->source);
    char *poses = sb_format("%s/poses.txt", im->source), *k = sb_format("%s/K.txt", im->source);
    if (!sb_exists(poses))
        sb_die("%s: not there: a scene needs poses (a picture without one: --kind photo)", poses);
    int n, m, lost = 0;
    char **image = sb_list_folder(images, &n), **depth = sb_list_folder(depths, &m);
    double *number = (double *)sb_calloc((size_t)n + 1, 16 * sizeof *number);
    int numbers = sb_read_numbers(poses, number, (n + 1) * 16);
    if (n != m || numbers != n * 16)
        sb_die("%s: %d images, %d depth images and %g poses; there must be as many of each", im->source, n, m,
               numbers / 16.0);
    for (int i = 0; i < n; i++) {
        char *where = sb_format("%s, pose %d", poses, i + 1);
        int found = sb_pose_check(number + 16 * i, where);
        lost += !found;
        free(where);
        if (!found) continue;
        SbImportFrame *f = sb_import_frame(im, image[i], sb_format("%s/%s", images, image[i]),
                                     sb_format("%s/%s", depths, depth[i]));
        memcpy(f->pose, number + 16 * i, sizeof f->pose);
    }
    sb_say_lost(lost, n);
    if (!*im->intrinsics && im->focal == 0) im->lens.k = sb_intrinsics_read(k);
    sb_free_names(image, n);
    sb_free_names(depth, m);
    free(number);
    free(images);
    free(depths);
    free(poses);
    free(k);
}

// ---- 7scenes: frame-N.color.png frame-N.depth.png frame-N.pose.txt; poses are the depth camera's, to which
// colour is not registered

static SB_UNUSED void sb_read_7scenes(SbImport *im) {
    int files, lost = 0, all = 0;
    char **file = sb_list_folder(im->source, &files);
    for (int i = 0; i < files; i++) {
        if (!sb_ends_with(file[i], ".color.png")) continue;
        char *name = sb_format("%.*s", (int)(strlen(file[i]) - 10), file[i]);
        char *pose = sb_format("%s/%s.pose.txt", im->source, name);
        double number[16];
        all++;
        if (sb_pose_read(pose, number)) {
            SbImportFrame *f = sb_import_frame(im, name, sb_format("%s/%s", im->source, file[i]),
                                         sb_format("%s/%s.depth.png", im->source, name));
            memcpy(f->pose, number, sizeof number);
        } else {
            lost++;
        }
        free(pose);
        free(name);
    }
    sb_say_lost(lost, all);
    sb_free_names(file, files);
    if (*im->intrinsics || im->focal > 0) return;
    sb_assume_camera(im, 525, 320, 240);
    im->dk = im->lens.k;
    im->dk.fx = im->dk.fy = 585;
    printf(
        "note: depth with 585,585,320,240; the colour camera stands 2.6 cm beside it and is not registered: "
        "colours are off by about 14 / depth in metres pixels\n");
}

// ---- scannet: color/ depth/ pose/N.txt intrinsic/*.txt, as its exporter (SensReader) writes them

// The third row of axisAlignment in the scene's .txt: what is up in the world as it was recorded.
static void sb_scannet_up(SbImport *im, char *const *file, int files) {
    for (int i = 0; i < files; i++) {
        if (!sb_ends_with(file[i], ".txt")) continue;
        char *path = sb_format("%s/%s", im->source, file[i]);
        char *text = sb_read_file_limit(path, 1 << 20, NULL), *at = strstr(text, "axisAlignment");
        double m[16];
        int n = 0;
        at = at ? strchr(at, '=') : NULL;
        for (char *end; at && n < 16; n++, at = end) {
            m[n] = strtod(at + (n == 0), &end);
            if (end == at + (n == 0)) break;
        }
        if (n == 16 && sb_pose_check(m, path) && !strcmp(im->up, "auto")) {
            im->up = sb_format("%.17g,%.17g,%.17g", m[8], m[9], m[10]);
            printf("up: from axisAlignment in %s\n", path);
        }
        free(text);
        free(path);
    }
}

static SB_UNUSED void sb_read_scannet(SbImport *im) {
    char *color = sb_format("%s/color", im->source);
    int n, files, lost = 0;
    char **image = sb_list_folder(color, &n), **file = sb_list_folder(im->source, &files);
    for (int i = 0; i < n; i++) {
        const char *dot = strrchr(image[i], '.');
        int length = dot ? (int)(dot - image[i]) : (int)strlen(image[i]);
        char *path = sb_format("%s/pose/%.*s.txt", im->source, length, image[i]);
        double pose[16];
        int found = sb_pose_read(path, pose);
        free(path);
        lost += !found;
        if (!found) continue;
        SbImportFrame *f = sb_import_frame(im, image[i], sb_format("%s/%s", color, image[i]),
                                     sb_format("%s/depth/%.*s.png", im->source, length, image[i]));
        memcpy(f->pose, pose, sizeof pose);
    }
    sb_say_lost(lost, n);
    if (!*im->intrinsics && im->focal == 0) {
        char *path = sb_format("%s/intrinsic/intrinsic_color.txt", im->source);
        im->lens.k = sb_intrinsics_read(path);
        free(path);
        path = sb_format("%s/intrinsic/intrinsic_depth.txt", im->source);
        im->dk = sb_intrinsics_read(path);
        free(path);
    }
    sb_scannet_up(im, file, files);
    sb_free_names(image, n);
    sb_free_names(file, files);
    free(color);
}

// ---- redwood: color/ (or image/, rgb/) depth/ and one trajectory *.log of Open3D: "i i i+1", then 4 rows

static SB_UNUSED void sb_read_redwood(SbImport *im) {
    int files, logs = 0, n, m, lost = 0;
    char **file = sb_list_folder(im->source, &files), *log = NULL;
    for (int i = 0; i < files; i++) {
        if (!sb_ends_with(file[i], ".log")) continue;
        free(log);
        log = sb_format("%s/%s", im->source, file[i]);
        logs++;
    }
    char *color = sb_first_of(im->source, "color|image|rgb"), *depths = sb_format("%s/depth", im->source);
    if (logs != 1 || !color)
        sb_die("%s: expected color/ (or image/, rgb/), depth/ and one .log, found %d .log files%s",
               im->source, logs, color ? "" : " and no pictures");
    char **image, **depth;
    n = sb_two_folders(color, depths, &image, &depth);
    double *number = (double *)sb_calloc((size_t)n + 1, 19 * sizeof *number);
    m = sb_read_numbers(log, number, (n + 1) * 19);
    if (m % 19) sb_die("%s: %d numbers; a frame has 19 (\"i i i+1\" and a 4x4 matrix)", log, m);
    for (int i = 0; i < m / 19; i++) {
        const double *at = number + 19 * i;
        char *where = sb_format("%s, frame %d", log, i + 1);
        if (!(at[0] >= 0 && at[0] < n && at[0] == floor(at[0])))
            sb_die("%s: picture %g of %d", where, at[0], n);
        int found = sb_pose_check(at + 3, where), k = (int)at[0];
        lost += !found;
        free(where);
        if (!found) continue;
        SbImportFrame *f = sb_import_frame(im, image[k], sb_format("%s/%s", color, image[k]),
                                     sb_format("%s/%s", depths, depth[k]));
        memcpy(f->pose, at + 3, sizeof f->pose);
    }
    sb_say_lost(lost, m / 19);
    sb_assume_camera(im, 525, 319.5, 239.5);
    sb_free_names(file, files);
    sb_free_names(image, n);
    sb_free_names(depth, n);
    free(number);
    free(color);
    free(depths);
    free(log);
}

// ---- apc: cam.info.txt has matrices under # titles; label pictures hold 6 x class, in the order of the
// names

// The numbers under the title that begins with what; die unless there are count.
static void sb_apc_matrix(const char *text, const char *what, double *m, int count, const char *path) {
    const char *at = strstr(text, what), *line = at ? strchr(at, '\n') : NULL;
    for (int i = 0; i < count; i++) {
        char *end;
        m[i] = line ? strtod(line, &end) : NAN;
        if (!line || end == line)
            sb_die("%s: expected %d numbers under \"# %s\", found %d", path, count, what, i);
        line = end;
    }
}

static SB_UNUSED void sb_read_apc(SbImport *im) {
    char *path = sb_format("%s/cam.info.txt", im->source), *text = sb_read_file_limit(path, 1 << 24, NULL);
    int files;
    char **file = sb_list_folder(im->source, &files);
    double k[9];
    sb_apc_matrix(text, "Color camera intrinsic matrix", k, 9, path);
    im->lens.k.fx = k[0], im->lens.k.fy = k[4], im->lens.k.cx = k[2], im->lens.k.cy = k[5];
    im->rotated = 1;
    for (int i = 0; i < files; i++) {
        if (!sb_ends_with(file[i], ".color.png")) continue;
        char *name = sb_format("%.*s", (int)(strlen(file[i]) - 10), file[i]);
        char *title = sb_format("Camera-to-world extrinsic matrix (camera pose) for %s", name);
        SbImportFrame *f = sb_import_frame(im, name, sb_format("%s/%s", im->source, file[i]),
                                     sb_format("%s/%s.depth.png", im->source, name));
        sb_apc_matrix(text, title, f->pose, 16, path);
        if (!sb_pose_check(f->pose, path)) sb_die("%s: %s has no pose", path, name);
        free(title);
        free(name);
    }
    sb_free_names(file, files);
    free(text);
    free(path);
}

// ---- photo: one picture in images/ and its depth, from a network (Depth-Pro), in depth/; no pose

static SB_UNUSED void sb_read_photo(SbImport *im) {
    char *images = sb_format("%s/images", im->source), *depths = sb_format("%s/depth", im->source);
    char **image, **depth;
    int n = sb_two_folders(images, depths, &image, &depth);
    if (n != 1)
        sb_die("%s: %d pictures without poses are %d scenes; one at a time is imported", im->source, n, n);
    SbImportFrame *f = sb_import_frame(im, image[0], sb_format("%s/%s", images, image[0]),
                                 sb_format("%s/%s", depths, depth[0]));
    for (int i = 0; i < 16; i++) f->pose[i] = i % 5 == 0;
    sb_free_names(image, n);
    sb_free_names(depth, n);
    free(images);
    free(depths);
}
#endif
