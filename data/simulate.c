// simulate: write simulated rooms as scene folders, or look at many of them on one picture.
//
//     ./data/simulate --scene 0 --count 20 --out rooms     rooms/scene_000000/ ... in ScanNet's export layout
//     ./data/simulate --count 12 --sheet rooms.png         one row per room; per view: colour, depth, objects
//     ./data/simulate --views 8 --overlap 30,60 --out rooms     the camera walks through the room
//
// Refuses: other formats; rooms other than simulate.h's. Training does not need this program: it makes the
// same rooms in memory. Read from top: the sheet, main with its flags.
#include "file.h"
#include "flags.h"
#include "image.h"
#include "scene.h"
#include "simulate.h"

// ---- the contact sheet

typedef struct {
    int w, h;
    unsigned char *rgb;         // [h][w][3]
} Sheet;

enum { GAP = 4, TILE = 128 };   // pixels between tiles; below TILE a tile is enlarged by a whole factor

// Depth in even steps of lightness: near is bright yellow, 9 m and more dark violet.
static void depth_colour(float z, unsigned char rgb[3]) {
    static const unsigned char stop[6][3] = {
        {252, 231, 60}, {122, 205, 85}, {32, 160, 135}, {46, 110, 142}, {66, 62, 133}, {60, 8, 78}};
    double x = z < 9 ? z * (5 / 9.) : 5;
    int i = x < 5 ? (int)x : 4;
    for (int j = 0; j < 3; j++)
        rgb[j] = (unsigned char)(stop[i][j] + (stop[i + 1][j] - stop[i][j]) * (x - i) + .5);
}

// Grey for floor, wall and ceiling; for objects colours that differ between neighbours in number.
static void mask_colour(int id, unsigned char rgb[3]) {
    static const unsigned char shell[3] = {90, 170, 225};
    static const unsigned char object[8][3] = {
        {230, 60, 60}, {60, 180, 75}, {70, 110, 230}, {240, 200, 40},
        {170, 70, 190}, {60, 200, 210}, {245, 130, 50}, {240, 130, 200}};
    for (int j = 0; j < 3; j++)
        rgb[j] = id < SB_ID_OBJECT ? shell[id - 1] : object[(id - SB_ID_OBJECT) % 8][j];
}

// Tile number `kind` (colour, depth, mask) of a view, its upper left corner at (x0, y0).
static void sheet_tile(Sheet *s, const SbView *v, int kind, int x0, int y0, int zoom) {
    for (int y = 0; y < v->h * zoom; y++)
        for (int x = 0; x < v->w * zoom; x++) {
            size_t from = (size_t)(y / zoom) * (size_t)v->w + (size_t)(x / zoom);
            unsigned char *to = s->rgb + 3 * ((size_t)(y0 + y) * (size_t)s->w + (size_t)(x0 + x));
            if (kind == 0) memcpy(to, v->rgb + 3 * from, 3);
            else if (kind == 1) depth_colour(v->depth[from], to);
            else mask_colour(v->mask[from], to);
        }
}

static Sheet sheet_make(const SbSimConfig *c, int rooms, int zoom) {
    const long long tile = c->w * zoom + GAP, w = tile * 3 * c->views + GAP, h = tile * rooms + GAP;
    Sheet s;
    if (w > 30000 || h > 30000)
        sb_die("the sheet would be %lld x %lld pixels, 30000 at most; lower --count, --views, --size", w, h);
    s.w = (int)w;
    s.h = (int)h;
    s.rgb = (unsigned char *)sb_calloc((size_t)w * (size_t)h, 3);
    memset(s.rgb, 255, (size_t)w * (size_t)h * 3);
    return s;
}

// ---- main

// "50,80" into the config.
static void read_pair(const char *flag, const char *text, int *a, int *b) {
    char end;
    if (sscanf(text, "%d,%d%c", a, b, &end) != 2)
        sb_die("--%s %s: expected two whole numbers with a comma, like 50,80", flag, text);
}

int main(int argc, char **argv) {
    SbSimConfig c = sb_sim_default();
    int first = 0, count = 1;
    char fov_default[32];
    snprintf(fov_default, sizeof fov_default, "%d,%d", c.fov_min, c.fov_max);
    const char *out = NULL, *sheet_path = NULL, *fov = fov_default, *overlap = "0,0";
    SbFlag flag[] = {
        sb_flag("scene", "N", SB_FLAG_INT, &first, 0, 1e9, "number of the first room"),
        sb_flag("count", "N", SB_FLAG_INT, &count, 1, 1e6, "rooms"),
        sb_flag("views", "N", SB_FLAG_INT, &c.views, 1, SB_ROOM_VIEWS, "views per room"),
        sb_flag("size", "N", SB_FLAG_INT, &c.w, 8, 4096, "width and height of a view in pixels"),
        sb_flag("fov", "A,B", SB_FLAG_TEXT, &fov, 0, 0, "horizontal field of view, drawn from A..B degrees"),
        sb_flag("overlap", "A,B", SB_FLAG_TEXT, &overlap, 0, 0,
                "percent that a view shares with the one before: the camera walks; 0,0: it does not"),
        sb_flag("difficulty", "N", SB_FLAG_INT, &c.difficulty, 0, 2, "0 plain; 2 more objects, less light"),
        sb_flag("out", "DIR", SB_FLAG_TEXT, &out, 0, 0, "write DIR/scene_000000/ ..."),
        sb_flag("sheet", "FILE.png", SB_FLAG_TEXT, &sheet_path, 0, 0, "write all rooms on one picture"),
    };
    const int flags = (int)(sizeof flag / sizeof flag[0]);
    sb_flags_parse(flag, flags, argc, argv, 1, "usage: ./data/simulate [flags]", NULL, 0);
    if (!out && !sheet_path) sb_die("nothing to do: give --out DIR or --sheet FILE.png; --help lists flags");
    read_pair("fov", fov, &c.fov_min, &c.fov_max);
    read_pair("overlap", overlap, &c.overlap_min, &c.overlap_max);
    c.h = c.w;
    sb_sim_check(&c);
    const int zoom = c.w < TILE ? TILE / c.w : 1, tile = c.w * zoom + GAP;
    Sheet sheet = {0, 0, NULL};
    if (sheet_path) sheet = sheet_make(&c, count, zoom);
    if (out) sb_make_folder(out);
    SbScene scene;
    SbRoom room;
    double least = 1, most = 0;
    memset(&scene, 0, sizeof scene);
    for (int i = 0; i < count; i++) {
        sb_room_make(&room, &c, (uint64_t)(first + i));
        for (int k = 1; k < c.views; k++) {
            double overlap = sb_room_overlap(&room, &c, k - 1, k);
            least = fmin(least, overlap), most = fmax(most, overlap);
        }
        sb_room_scene(&scene, &room, &c);
        if (out) {
            char *folder = sb_format("%s/scene_%06d", out, first + i);
            sb_scene_save(&scene, folder);
            free(folder);
        }
        for (int k = 0; k < 3 * c.views && sheet_path; k++)
            sheet_tile(&sheet, &scene.view[k / 3], k % 3, GAP + k * tile, GAP + i * tile, zoom);
    }
    if (sheet_path) sb_png_write(sheet_path, sheet.rgb, sheet.w, sheet.h);
    printf("%d rooms x %d views of %d x %d pixels\n", count, c.views, c.w, c.h);
    if (c.views > 1)
        printf("a view and the one before show %.0f to %.0f %% of the same\n", 100 * least, 100 * most);
    sb_scene_free(&scene);
    free(sheet.rgb);
    return 0;
}
