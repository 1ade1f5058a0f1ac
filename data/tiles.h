// tiles.h: what a linear map says of patches, carried to pixels: of one look at a picture or of several, at
// several scales; and the errors of it, of depth and of labels.
//
// A picture is looked at as a square of `square` pixels, in tiles of side x side, an encoder's size: one at
// scale 1, overlapping ones by at least a third of a side at larger scales. A pixel gets the mean over the
// tiles that show it, linear between the four nearest patch centres (at the border: the nearest), which for
// one tile is PyTorch's interpolate(mode="bilinear", align_corners=False).
// Refuses: scales below 1 or above 8. Read from top: tiles, pixels, errors of depth, of labels.
#ifndef SB_TILES_H
#define SB_TILES_H
#include "file.h"

// ---- tiles

typedef struct { int square, x, y; } SbTile;    // its corner in the picture as a square

// Scales as "1,1.5,2" to tiles; *n of them. free() them.
static SB_UNUSED SbTile *sb_tiles(const char *scales, int side, int *n) {
    SbTile *tile = NULL;
    *n = 0;
    for (const char *at = scales; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        char *end;
        double scale = strtod(at, &end);
        if (end == at || (*end && *end != ',') || !(scale >= 1 && scale <= 8))
            sb_die("--scales %s: expected numbers from 1 to 8 with commas between them", scales);
        int square = (int)(scale * side + .5), more = square - side;
        int row = (3 * more + 2 * side - 1) / (2 * side);   // steps of at most two thirds of a side
        tile = (SbTile *)sb_realloc(tile, (size_t)(*n + (row + 1) * (row + 1)) * sizeof *tile);
        for (int i = 0; i < (row + 1) * (row + 1); i++) {
            SbTile t = {square, row ? i % (row + 1) * more / row : 0, row ? i / (row + 1) * more / row : 0};
            tile[(*n)++] = t;
        }
    }
    return tile;
}

// ---- pixels

// Patches first and first + step share a place on an axis: weight of the second.
typedef struct { int inside, first, step; float second; } SbPlace;

static SbPlace sb_place(double share, int square, int corner, int side, int grid) {
    SbPlace p = {0, 0, 0, 0};
    double at = share * square - corner, cell = at / side * grid - .5;
    p.inside = at >= 0 && at < side;
    if (cell < 0) cell = 0;
    p.first = cell < grid - 1 ? (int)cell : grid - 1;
    p.step = p.first < grid - 1, p.second = (float)(cell - p.first);
    if (!p.step) p.second = 0;
    return p;
}
// out [h][w]: of value [tiles][grid * grid][K] the index of the largest mean, or, of one K, the mean itself.
static SB_UNUSED void sb_tiles_pixels(float *out, int w, int h, const SbTile *tile, int tiles, int side,
                                      int grid, const real *value, int K) {
    SbPlace *across = (SbPlace *)sb_calloc((size_t)tiles * (size_t)w, sizeof *across);
    for (int t = 0; t < tiles; t++)
        for (int x = 0; x < w; x++)
            across[(long)t * w + x] = sb_place((x + .5) / w, tile[t].square, tile[t].x, side, grid);
#pragma omp parallel for schedule(dynamic)
    for (int y = 0; y < h; y++) {
        float *sum = (float *)sb_calloc((size_t)K * (size_t)w, sizeof *sum), *shown;
        shown = (float *)sb_calloc((size_t)w, sizeof *shown);
        for (int t = 0; t < tiles; t++) {
            SbPlace v = sb_place((y + .5) / h, tile[t].square, tile[t].y, side, grid);
            const real *row = value + ((long)t * grid * grid + (long)v.first * grid) * K;
            for (int x = 0; x < w && v.inside; x++) {
                SbPlace u = across[(long)t * w + x];
                const real *a = row + (long)u.first * K, *b = a + (long)u.step * K;
                const real *c = a + (long)v.step * grid * K, *d = b + (long)v.step * grid * K;
                float *to = sum + (long)x * K, l = 1 - u.second, r = u.second, low = v.second, top = 1 - low;
                if (!u.inside) continue;
                for (int k = 0; k < K; k++)
                    to[k] += top * (l * (float)a[k] + r * (float)b[k]) +
                             low * (l * (float)c[k] + r * (float)d[k]);
                shown[x]++;
            }
        }
        for (int x = 0; x < w; x++) {
            const float *s = sum + (long)x * K;
            int best = 0;
            for (int k = 1; k < K; k++) if (s[k] > s[best]) best = k;
            out[(long)y * w + x] = K > 1 ? (float)best : s[0] / shown[x];
        }
        free(sum), free(shown);
    }
    free(across);
}

// ---- errors of depth

// Sums over the pixels within a crop (left, top, right, bottom, in shares) whose true depth is known (not 0):
// how many; squares of what is off; |off| / truth; how many are within a factor of 1.25. What is said is
// first brought between low and high.
typedef struct { double n, squares, relative, close; } SbDepthErrors;

static SB_UNUSED SbDepthErrors sb_depth_errors(const float *said, const float *truth, int w, int h,
                                               const double crop[4], double low, double high) {
    SbDepthErrors e = {0, 0, 0, 0};
    int x0 = (int)(crop[0] * w + .5), y0 = (int)(crop[1] * h + .5);
    int x1 = (int)(crop[2] * w + .5), y1 = (int)(crop[3] * h + .5);
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) {
            double z = truth[(long)y * w + x], d = said[(long)y * w + x];
            if (!(z > 0)) continue;
            d = d > low ? d < high ? d : high : low;
            e.n++, e.squares += (d - z) * (d - z), e.relative += fabs(d - z) / z;
            e.close += d < 1.25 * z && z < 1.25 * d;
        }
    return e;
}

// ---- labels

enum { SB_BOTH, SB_SAID, SB_IS, SB_COUNTS };

// Mean over labels of intersection over union, from count [SB_COUNTS][labels]; labels that neither are nor
// are said anywhere do not count.
static SB_UNUSED double sb_mean_iou(const double *count, int labels) {
    double sum = 0;
    int there = 0;
    for (int k = 0; k < labels; k++) {
        double both = count[SB_BOTH * labels + k];
        double either = count[SB_SAID * labels + k] + count[SB_IS * labels + k] - both;
        if (either > 0) sum += both / either, there++;
    }
    return sum / (there ? there : 1);
}
#endif
