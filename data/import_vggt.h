// import_vggt.h: what VGGT and its kin predict, saved by NumPy: one .npz of depth, cameras and pictures.
//
// Depth and poses share a unit that is not metres: --unit must say it. Refuses: pictures of another shape
// than the depth (cropped ones); arrays of other sizes. Read from top: the arrays, cameras, pictures, the
// reader.
#ifndef SB_IMPORT_VGGT_H
#define SB_IMPORT_VGGT_H
#include "import.h"

// For S pictures of H x W:
//     depth      [S,H,W,1] or [S,H,W]        planar z, no whole numbers
//     extrinsic  [S,3,4] or [S,4,4]          world-to-camera, x right, y down, z forward
//     intrinsic  [S,3,3]                     pixels of H x W, pixel centres at integers
//     pose_enc   [S,9]                       instead of both: t, quaternion x y z w, field of view (h, w)
//     images     [S,3,H,W] or [S,H,W,3]      0..1; instead: pictures in images/, which were resized to H x W
// (Depth Anything 3 says extrinsics and intrinsics.)

// An array whose first and last sizes are as given (0: any); a leading 1, a batch of one, is let pass. The
// plural of the name does as well. 0 if not there.
static int sb_vggt_get(const SbNpz *z, const char *name, SbArray *a, int dims, size_t first, size_t last) {
    char *names = sb_format("%ss", name);
    int found = sb_npz_get(z, name, a) || sb_npz_get(z, names, a);
    free(names);
    if (!found) return 0;
    if (a->dims == dims + 1 && a->dim[0] == 1) {
        memmove(a->dim, a->dim + 1, sizeof a->dim - sizeof *a->dim);
        a->dims--;
    }
    if (a->dims == dims && (!first || a->dim[0] == first) && (!last || a->dim[dims - 1] == last)) return 1;
    SbText wanted = {NULL, 0, 0}, is = {NULL, 0, 0};
    for (int i = 0; i < dims; i++) {
        size_t size = i == 0 ? first : i == dims - 1 ? last : 0;
        if (size) sb_text_add(&wanted, "%s%zu", i ? "," : "", size);
        else sb_text_add(&wanted, "%sany", i ? "," : "");
    }
    for (int i = 0; i < a->dims; i++) sb_text_add(&is, "%s%zu", i ? "," : "", a->dim[i]);
    sb_die("%s: array %s: expected [%s], found [%s]", z->path, name, wanted.data, is.data ? is.data : "");
}

// Pose and camera of every frame from extrinsic and intrinsic.
static int sb_vggt_matrices(const SbNpz *z, SbImport *im, int w, int h) {
    SbArray e, k;
    size_t n = (size_t)im->frames;
    if (!sb_vggt_get(z, "extrinsic", &e, 3, n, 4)) return 0;
    if (!sb_vggt_get(z, "intrinsic", &k, 3, n, 3))
        sb_die("%s: extrinsic is there, intrinsic is not", z->path);
    if (e.dim[1] < 3 || e.dim[1] > 4 || k.dim[1] != 3)
        sb_die("%s: extrinsic must be 3x4 or 4x4 and intrinsic 3x3", z->path);
    for (size_t i = 0; i < n; i++) {
        SbImportFrame *f = im->frame + i;
        double m[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
        for (size_t c = 0; c < 12; c++) m[c] = (double)e.data[i * e.dim[1] * 4 + c];
        char *where = sb_format("%s: frame %zu", z->path, i + 1);
        if (!sb_pose_check(m, where)) sb_die("%s has no pose", where);
        sb_pose_invert(m, f->pose);
        const float *in = k.data + 9 * i;
        f->lens.k.fx = (double)in[0], f->lens.k.fy = (double)in[4];
        f->lens.k.cx = (double)in[2], f->lens.k.cy = (double)in[5];
        sb_intrinsics_check(f->lens.k, w, h, where);
        free(where);
    }
    sb_array_free(&e);
    sb_array_free(&k);
    return 1;
}

// The same from pose_enc: translation, quaternion, and the full angles of view along h and w.
static int sb_vggt_encoding(const SbNpz *z, SbImport *im, int w, int h) {
    SbArray p;
    if (!sb_vggt_get(z, "pose_enc", &p, 2, (size_t)im->frames, 9)) return 0;
    for (int i = 0; i < im->frames; i++) {
        SbImportFrame *f = im->frame + i;
        double x[9], m[16], length = 0;
        for (int c = 0; c < 9; c++) x[c] = (double)p.data[9 * i + c];
        for (int c = 3; c < 7; c++) length += x[c] * x[c];
        for (int c = 3; c < 7; c++) x[c] /= sqrt(length);   // a network's are not exactly of length 1
        sb_pose_from_quaternion(x + 3, x, m, z->path);
        char *where = sb_format("%s: frame %d", z->path, i + 1);
        if (!sb_pose_check(m, where)) sb_die("%s has no pose", where);
        sb_pose_invert(m, f->pose);
        f->lens.k.fx = w / 2.0 / tan(x[8] / 2), f->lens.k.fy = h / 2.0 / tan(x[7] / 2);
        f->lens.k.cx = w / 2.0, f->lens.k.cy = h / 2.0;
        sb_intrinsics_check(f->lens.k, w, h, where);
        free(where);
    }
    sb_array_free(&p);
    return 1;
}

// ---- pictures: of the .npz, or the files in images/ resized to w x h

static void sb_vggt_pictures(const SbNpz *z, SbImport *im, int w, int h) {
    SbArray a;
    size_t n = (size_t)im->frames, area = (size_t)w * (size_t)h;
    int inside = sb_vggt_get(z, "images", &a, 4, n, 0), last = inside && a.dim[3] == 3;
    if (inside && (a.count != 3 * n * area || (!last && a.dim[1] != 3) || a.dim[last ? 1 : 2] != (size_t)h))
        sb_die("%s: images: expected %zu of 3 x %d x %d", z->path, n, h, w);
    char *folder = sb_format("%s/images", im->source);
    int files = 0;
    char **file = inside || !sb_is_folder(folder) ? NULL : sb_list_folder(folder, &files);
    if (!inside && files != im->frames)
        sb_die("%s: the .npz holds no images and %s has %d pictures for %d frames", z->path, folder, files,
               im->frames);
    for (size_t i = 0; i < n; i++) {
        SbImportFrame *f = im->frame + i;
        f->rgb = (unsigned char *)sb_calloc(area, 3);
        for (size_t k = 0; k < 3 * area && inside; k++) {
            size_t c = k % 3, pixel = k / 3;
            float x = a.data[i * 3 * area + (last ? k : c * area + pixel)];
            if (!(x >= 0 && x <= 1)) sb_die("%s: images: %g is not between 0 and 1", z->path, (double)x);
            f->rgb[k] = (unsigned char)(255 * x + 0.5f);
        }
        if (inside) continue;
        char *path = sb_format("%s/%s", folder, file[i]);
        int pw, ph;
        unsigned char *rgb = sb_image_load(path, &pw, &ph);
        if (fabs((double)pw * h / ((double)ph * w) - 1) > 0.03)
            sb_die("%s: a picture of %d x %d, depth of %d x %d: it was cropped, and where is not known", path,
                   pw, ph, w, h);
        sb_image_resize(rgb, pw, ph, f->rgb, w, h);
        free(rgb);
        free(path);
    }
    sb_free_names(file, files);
    if (inside) sb_array_free(&a);
    free(folder);
}

// ---- the reader

static SB_UNUSED void sb_read_vggt(SbImport *im) {
    int files, found = 0;
    char **file = sb_list_folder(im->source, &files), *path = NULL;
    for (int i = 0; i < files; i++) {
        if (!sb_ends_with(file[i], ".npz")) continue;
        free(path);
        path = sb_format("%s/%s", im->source, file[i]);
        found++;
    }
    if (found != 1) sb_die("%s: expected one .npz of predictions, found %d", im->source, found);
    if (im->unit == 0)
        sb_die(
            "%s: predictions have a unit of their own: give --unit, metres of a unit (1: leave it as it is)",
            path);
    SbNpz z;
    SbArray depth;
    sb_npz_open(&z, path);
    if (!sb_npz_get(&z, "depth", &depth)) sb_die("%s: holds no array named depth", path);
    int batch = depth.dims == 5 || (depth.dims == 4 && depth.dim[3] != 1), last = depth.dims - batch;
    if (last < 3 || (last == 4 && depth.dim[batch + 3] != 1) || (batch && depth.dim[0] != 1) || depth.whole)
        sb_die("%s: depth: expected floats [S,H,W] or [S,H,W,1], found %d dimensions%s", path, depth.dims,
               depth.whole ? " of whole numbers" : "");
    size_t n = depth.dim[batch], h = depth.dim[batch + 1], w = depth.dim[batch + 2];
    if (n < 1 || h < 1 || w < 1 || h > SB_IMAGE_SIDE || w > SB_IMAGE_SIDE || n > 100000)
        sb_die("%s: depth of %zu pictures of %zu x %zu", path, n, w, h);
    for (size_t i = 0; i < n; i++) {
        char *name = sb_format("%06zu", i);
        SbImportFrame *f = sb_import_frame(im, name, NULL, NULL);
        free(name);
        f->w = (int)w, f->h = (int)h;
        f->z = (float *)sb_calloc(w * h, sizeof *f->z);
        for (size_t k = 0; k < w * h; k++) f->z[k] = (float)((double)depth.data[i * w * h + k] * im->unit);
    }
    if (!sb_vggt_matrices(&z, im, (int)w, (int)h) && !sb_vggt_encoding(&z, im, (int)w, (int)h))
        sb_die("%s: holds neither extrinsic and intrinsic nor pose_enc", path);
    sb_vggt_pictures(&z, im, (int)w, (int)h);
    sb_array_free(&depth);
    sb_npz_close(&z);
    sb_free_names(file, files);
    free(path);
}
#endif
