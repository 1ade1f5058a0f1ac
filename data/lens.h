// lens.h: cameras that are not all alike, and not all pinholes, made one pinhole: a scene folder has one.
//
// Refuses: fisheye and rational models (import names them). Distortion is Brown's (OpenCV's k1 k2 p1 p2 k3).
// Read from top: the camera, from a direction to a pixel, resampling.
#ifndef SB_LENS_H
#define SB_LENS_H
#include "scene.h"

// k in pixels, pixel centres at integers; radial k1 r^2 + k2 r^4 + k3 r^6, tangential p1 p2; w, h: 0 =
// unknown.
typedef struct { SbIntrinsics k; double k1, k2, p1, p2, k3; int w, h; } SbLens;

static SB_UNUSED int sb_lens_distorts(const SbLens *l) {
    return l->k1 != 0 || l->k2 != 0 || l->p1 != 0 || l->p2 != 0 || l->k3 != 0;
}

// The pixel uv of the direction (x, y, 1); 0 where the distortion folds back, which no pixel shows.
// d = 1 + k1 r^2 + k2 r^4 + k3 r^6, x' = x d + 2 p1 x y + p2 (r^2 + 2 x^2), y' likewise; u = fx x' + cx
static SB_UNUSED int sb_lens_pixel(const SbLens *l, double x, double y, double uv[2]) {
    double r2 = x * x + y * y, r4 = r2 * r2, d = 1 + l->k1 * r2 + l->k2 * r4 + l->k3 * r2 * r4;
    double slope = 1 + 3 * l->k1 * r2 + 5 * l->k2 * r4 + 7 * l->k3 * r2 * r4;  // of r d along r
    double a = x * d + 2 * l->p1 * x * y + l->p2 * (r2 + 2 * x * x);
    double b = y * d + l->p1 * (r2 + 2 * y * y) + 2 * l->p2 * x * y;
    uv[0] = l->k.fx * a + l->k.cx;
    uv[1] = l->k.fy * b + l->k.cy;
    return slope > 0;
}

// The colours at (u, v) between four pixels, rounded; black outside.
static void sb_colour_between(const unsigned char *rgb, int w, int h, double u, double v,
                              unsigned char out[3]) {
    if (!(u >= -0.5 && v >= -0.5 && u <= w - 0.5 && v <= h - 0.5)) return;
    int x = (int)floor(u), y = (int)floor(v);
    double a = u - x, b = v - y;
    int x0 = x < 0 ? 0 : x, x1 = x + 1 < w ? x + 1 : w - 1, y0 = y < 0 ? 0 : y,
        y1 = y + 1 < h ? y + 1 : h - 1;
    for (int c = 0; c < 3; c++) {
        double top = (1 - a) * rgb[3 * ((size_t)y0 * w + x0) + c] + a * rgb[3 * ((size_t)y0 * w + x1) + c];
        double low = (1 - a) * rgb[3 * ((size_t)y1 * w + x0) + c] + a * rgb[3 * ((size_t)y1 * w + x1) + c];
        out[c] = (unsigned char)(top + b * (low - top) + 0.5);
    }
}

// The view as a pinhole k of w x h pixels at the same place would see it. Colour is interpolated; depth and
// mask, which must be the colour's size, take the nearest pixel: planar z does not depend on the pinhole.
static SB_UNUSED void sb_lens_resample(SbView *v, const SbLens *l, SbIntrinsics k, int w, int h) {
    size_t count = (size_t)w * (size_t)h;
    unsigned char *rgb = (unsigned char *)sb_calloc(count, 3);
    float *depth = (float *)sb_calloc(count, sizeof *depth);
    unsigned short *mask = v->mask ? (unsigned short *)sb_calloc(count, sizeof *mask) : NULL;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            size_t to = (size_t)y * (size_t)w + (size_t)x;
            double uv[2];
            if (!sb_lens_pixel(l, (x - k.cx) / k.fx, (y - k.cy) / k.fy, uv)) continue;
            sb_colour_between(v->rgb, v->w, v->h, uv[0], uv[1], rgb + 3 * to);
            double near_x = floor(uv[0] + 0.5), near_y = floor(uv[1] + 0.5);
            if (!(near_x >= 0 && near_y >= 0 && near_x < v->dw && near_y < v->dh)) continue;
            size_t from = (size_t)near_y * (size_t)v->dw + (size_t)near_x;
            depth[to] = v->depth[from];
            if (mask) mask[to] = v->mask[from];
        }
    free(v->rgb);
    free(v->depth);
    free(v->mask);
    v->rgb = rgb;
    v->depth = depth;
    v->mask = mask;
    v->w = v->dw = w;
    v->h = v->dh = h;
    v->k = v->dk = k;
}
#endif
