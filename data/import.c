// import: posed RGB-D recordings into a scene folder (scene.h), proven by reprojection before it is written.
//
//     ./data/import SOURCE DEST [flags]      ./data/import --help
//
// Refuses: to guess a depth scale; recordings in which depth carried from view to view does not meet what was
// measured there (limits below); recordings that cannot prove themselves, unless --unproven says so, and then
// the scene says so too. DEST appears complete or not at all.
// Read from top: the frames of a recording, TUM, matrices, views, up, the proof, main.
#include "file.h"
#include "flags.h"
#include "scene.h"

#define OVERLAP 0.30           // a pair counts if more than this share of a's measurements lands inside b
#define RELATIVE_LIMIT 0.015   // median over the pairs of |z - z'| / z
#define METRES_LIMIT 0.03      // median of |z - z'| over the pairs that move more than
#define METRES_MOVED 0.20      // this many metres
#define BETTER_LIMIT 0.7       // another reading with less than this share of the error fits much better
#define NOISE 0.002            // unless the error is below this, where rounding decides
#define VIEW_LIMIT 0.03        // smallest error over the pairs of any one view
#define PAIRS_LIMIT 2000       // ordered pairs looked at in a long recording

typedef struct { char *name, *color, *depth; double pose[16]; } Frame;

typedef struct {
    const char *source, *dest, *format, *intrinsics, *up;
    double depth_scale, max_gap;
    int every, max, unproven;
    Frame *frame;
    int frames;
    SbIntrinsics k;
} Import;

static Frame *add_frame(Import *im, const char *name, char *color, char *depth) {
    im->frame = (Frame *)sb_realloc(im->frame, (size_t)(im->frames + 1) * sizeof *im->frame);
    Frame *f = im->frame + im->frames++;
    memset(f, 0, sizeof *f);
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name, *dot = strrchr(base, '.');
    f->name = sb_format("%.*s", dot ? (int)(dot - base) : (int)strlen(base), base);
    f->color = color;
    f->depth = depth;
    return f;
}

// "a,b,c": exactly count finite numbers.
static void parse_numbers(const char *flag, const char *text, double *x, int count) {
    const char *at = text;
    for (int i = 0; i < count; i++) {
        char *end;
        x[i] = strtod(at, &end);
        if (end == at || !isfinite(x[i]) || *end != (i + 1 < count ? ',' : 0))
            sb_die("--%s %s: expected %d numbers with commas between them", flag, text, count);
        at = end + 1;
    }
}

// ---- TUM: rgb.txt and depth.txt "time file", groundtruth.txt "time tx ty tz qx qy qz qw", # comments

typedef struct { double time, number[7]; char *file; } Entry;
typedef struct { Entry *entry; int entries; } List;

// One line; 0 for a comment or an empty one. numbers: how many stand after the time, 0: a file name does.
static int parse_entry(Entry *e, char *line, int numbers, const char *where) {
    line += strspn(line, " \t\r");
    if (!*line || *line == '#') return 0;
    char *at = line, *end;
    e->time = strtod(at, &end);
    int good = end != at && isfinite(e->time);
    for (int i = 0; i < numbers && good; i++) {
        at = end;
        e->number[i] = strtod(at, &end);
        good = end != at && isfinite(e->number[i]);
    }
    end += strspn(end, " \t");
    size_t rest = strcspn(end, " \t\r");
    if (!good || (numbers == 0) != (rest > 0) || end[rest + strspn(end + rest, " \t\r")])
        sb_die("%s: expected \"time %s\", found \"%.60s\"", where,
               numbers ? "tx ty tz qx qy qz qw" : "file", line);
    e->file = numbers ? NULL : sb_format("%.*s", (int)rest, end);
    return 1;
}

static List read_list(const char *folder, const char *name, int numbers) {
    char *path = sb_format("%s/%s", folder, name);
    size_t size;
    char *text = sb_read_file(path, &size), *line = text;
    if (strlen(text) != size) sb_die("%s: not a text (it holds a zero byte)", path);
    List list = {NULL, 0};
    for (int number = 1; line; number++) {
        char *next = strchr(line, '\n'), *where = sb_format("%s, line %d", path, number);
        if (next) *next++ = 0;
        if ((list.entries & (list.entries - 1)) == 0)
            list.entry = (Entry *)sb_realloc(list.entry, (size_t)(2 * list.entries + 1) * sizeof *list.entry);
        list.entries += parse_entry(list.entry + list.entries, line, numbers, where);
        free(where);
        line = next;
    }
    if (!list.entries) sb_die("%s: holds no entries", path);
    free(text);
    free(path);
    return list;
}

static const Entry *nearest(List list, double time) {
    const Entry *best = list.entry;
    for (int i = 1; i < list.entries; i++)
        if (fabs(list.entry[i].time - time) < fabs(best->time - time)) best = list.entry + i;
    return best;
}

static void free_list(List list) {
    for (int i = 0; i < list.entries; i++) free(list.entry[i].file);
    free(list.entry);
}

// Camera-to-world from tx ty tz qx qy qz qw.
static void pose_from_quaternion(const double *n, double *pose, const char *where) {
    double length = sqrt(n[3] * n[3] + n[4] * n[4] + n[5] * n[5] + n[6] * n[6]);
    if (fabs(length - 1) > 0.01) sb_die("%s: a quaternion of length %g, expected 1", where, length);
    double x = n[3] / length, y = n[4] / length, z = n[5] / length, w = n[6] / length;
    double m[16] = {1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w), n[0],
                    2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w), n[1],
                    2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y), n[2], 0, 0, 0, 1};
    memcpy(pose, m, sizeof m);
}

// Every colour image with the depth nearest in time, and the pose nearest to the depth, which it is to place.
static void read_tum(Import *im) {
    List rgb = read_list(im->source, "rgb.txt", 0), depth = read_list(im->source, "depth.txt", 0);
    List poses = read_list(im->source, "groundtruth.txt", 7);
    int left_out = 0;
    for (int i = 0; i < rgb.entries; i++) {
        const Entry *c = rgb.entry + i, *d = nearest(depth, c->time), *p = nearest(poses, d->time);
        if (fabs(d->time - c->time) > im->max_gap || fabs(p->time - d->time) > im->max_gap) {
            left_out++;
            continue;
        }
        Frame *f = add_frame(im, c->file, sb_format("%s/%s", im->source, c->file),
                             sb_format("%s/%s", im->source, d->file));
        pose_from_quaternion(p->number, f->pose, im->source);
    }
    if (left_out) printf("note: %d of %d colour images without depth and pose within %g s are left out\n",
                         left_out, rgb.entries, im->max_gap);
    if (im->depth_scale == 0) im->depth_scale = 5000;
    if (!strcmp(im->up, "auto")) im->up = "0,0,1";
    if (!*im->intrinsics) {
        im->intrinsics = "525,525,319.5,239.5";
        printf("intrinsics: assumed %s, the format's default; --intrinsics gives others\n", im->intrinsics);
    }
    free_list(rgb);
    free_list(depth);
    free_list(poses);
}

// ---- matrices: images/, depth/, K.txt (3x3), poses.txt (a row-major camera-to-world 4x4 a line)

static void read_matrices(Import *im) {
    if (im->depth_scale == 0)
        sb_die("%s: --depth-scale is needed: depth values a metre, 1000 for millimetres. It is not in the "
               "files and is never guessed", im->source);
    char *images = sb_format("%s/images", im->source), *depths = sb_format("%s/depth", im->source);
    char *poses = sb_format("%s/poses.txt", im->source), *k = sb_format("%s/K.txt", im->source);
    int n, m;
    char **image = sb_list_folder(images, &n), **depth = sb_list_folder(depths, &m);
    double *number = (double *)sb_calloc((size_t)n + 1, 16 * sizeof *number);
    int numbers = sb_read_numbers(poses, number, (n + 1) * 16);
    if (n != m || numbers != n * 16)
        sb_die("%s: %d images, %d depth images and %g poses; there must be as many of each", im->source, n, m,
               numbers / 16.0);
    int lost = 0;
    for (int i = 0; i < n; i++) {
        char *where = sb_format("%s, pose %d", poses, i + 1);
        int found = sb_pose_check(number + 16 * i, where);
        lost += !found;
        free(where);
        if (!found) continue;
        Frame *f = add_frame(im, image[i], sb_format("%s/%s", images, image[i]),
                             sb_format("%s/%s", depths, depth[i]));
        memcpy(f->pose, number + 16 * i, sizeof f->pose);
    }
    if (lost) printf("note: %d of %d frames have no pose (lost tracking); left out\n", lost, n);
    if (!*im->intrinsics) im->k = sb_intrinsics_read(k);
    sb_free_names(image, n);
    sb_free_names(depth, m);
    free(number);
    free(images);
    free(depths);
    free(poses);
    free(k);
}

// ---- views

static int has_file(const Import *im, const char *name) {
    char *path = sb_format("%s/%s", im->source, name);
    int found = sb_exists(path);
    free(path);
    return found;
}

static void read_frames(Import *im) {
    int tum = has_file(im, "rgb.txt") && has_file(im, "groundtruth.txt");
    int matrices = has_file(im, "images") && has_file(im, "poses.txt");
    if (!sb_is_folder(im->source)) sb_die("%s: not a folder", im->source);
    if (!strcmp(im->format, "auto")) {
        if (tum == matrices)
            sb_die("%s: expected rgb.txt, depth.txt and groundtruth.txt (tum) or images/, depth/, K.txt and "
                   "poses.txt (matrices), found %s; see --format", im->source, tum ? "both" : "neither");
        im->format = tum ? "tum" : "matrices";
    }
    if (!strcmp(im->format, "tum")) read_tum(im);
    else if (!strcmp(im->format, "matrices")) read_matrices(im);
    else sb_die("--format %s: expected auto, tum or matrices", im->format);
    int kept = 0;
    for (int i = 0; i < im->frames; i++) {
        if (i % im->every == 0 && (im->max == 0 || kept < im->max)) {
            Frame swap = im->frame[kept];
            im->frame[kept++] = im->frame[i];
            im->frame[i] = swap;
        }
    }
    printf("%s: format %s, %d frames", im->source, im->format, im->frames);
    printf(kept < im->frames ? ", of which %d are used\n" : "\n", kept);
    if (!kept) sb_die("%s: no frames with colour, depth and a pose", im->source);
    if (*im->intrinsics) {
        double k[4];
        parse_numbers("intrinsics", im->intrinsics, k, 4);
        im->k.fx = k[0], im->k.fy = k[1], im->k.cx = k[2], im->k.cy = k[3];
    }
    for (int i = kept; i < im->frames; i++) {
        free(im->frame[i].name);
        free(im->frame[i].color);
        free(im->frame[i].depth);
    }
    im->frames = kept;
}

// The frames as a scene, depth in whole millimetres, as it will be stored.
static void load_views(Import *im, SbScene *s) {
    memset(s, 0, sizeof *s);
    s->view = (SbView *)sb_calloc((size_t)im->frames, sizeof *s->view);
    for (int i = 0; i < im->frames; i++) {
        Frame *f = im->frame + i;
        SbView *v = s->view + s->views++;
        sb_fill(v->name, sizeof v->name, f->name, "the name", f->color);
        memcpy(v->pose, f->pose, sizeof v->pose);
        v->k = v->dk = im->k;
        v->rgb = sb_image_load(f->color, &v->w, &v->h);
        sb_intrinsics_check(v->k, v->w, v->h, f->color);
        v->depth = sb_depth_read(f->depth, im->depth_scale, &v->dw, &v->dh);
        if (v->w != v->dw || v->h != v->dh)
            sb_die("%s: depth of %d x %d, colour of %d x %d: depth must be registered to colour", f->depth,
                   v->dw, v->dh, v->w, v->h);
        for (size_t k = 0; k < (size_t)v->dw * (size_t)v->dh; k++) {
            double mm = floor((double)v->depth[k] * 1000 + 0.5);
            if (mm > 65535)
                sb_die("%s: a depth of %g m; more than 65.535 m cannot be stored. Is --depth-scale %g right?",
                       f->depth, mm / 1000, im->depth_scale);
            v->depth[k] = (float)(mm / 1000);
        }
    }
}

// ---- up: given, or assumed (and said so): the world axis nearest to the mean of the cameras' own up

// The point of a depth pixel in the world; 0 where nothing was measured.
static int world_point(const SbView *v, int x, int y, double *p) {
    double z = (double)v->depth[(size_t)y * (size_t)v->dw + (size_t)x];
    double ray[3] = {(x - v->dk.cx) / v->dk.fx * z, (y - v->dk.cy) / v->dk.fy * z, z};
    for (int i = 0; i < 3; i++) {
        const double *row = v->pose + 4 * i;
        p[i] = row[0] * ray[0] + row[1] * ray[1] + row[2] * z + row[3];
    }
    return z > 0;
}

// Share of the surfaces whose normal is within 10 degrees of up: floors and tables, if up is up.
static double share_facing(const SbScene *s, const double *up) {
    long facing = 0, all = 0;
    const int d = 6;
    for (int i = 0; i < s->views; i++)
        for (int y = d; y + d < s->view[i].dh; y += 8)
            for (int x = d; x + d < s->view[i].dw; x += 8) {
                const SbView *v = s->view + i;
                double l[3], r[3], t[3], b[3];
                if (!world_point(v, x - d, y, l) || !world_point(v, x + d, y, r)) continue;
                if (!world_point(v, x, y - d, t) || !world_point(v, x, y + d, b)) continue;
                for (int c = 0; c < 3; c++) r[c] -= l[c], b[c] -= t[c];
                double n[3] = {b[1] * r[2] - b[2] * r[1], b[2] * r[0] - b[0] * r[2],
                               b[0] * r[1] - b[1] * r[0]};
                double length = sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]);
                all++;
                facing += n[0] * up[0] + n[1] * up[1] + n[2] * up[2] > 0.985 * length;
            }
    return all ? (double)facing / (double)all : 0;
}

static void choose_up(const Import *im, SbScene *s) {
    if (strcmp(im->up, "auto")) {
        parse_numbers("up", im->up, s->up, 3);
        sb_unit_vector(s->up, "--up");
        printf("up: (%g, %g, %g)", s->up[0], s->up[1], s->up[2]);
    } else {
        double mean[3] = {0, 0, 0};
        for (int i = 0; i < s->views; i++)
            for (int c = 0; c < 3; c++) mean[c] -= s->view[i].pose[4 * c + 1] / s->views;
        sb_unit_vector(mean, "--up is needed, the mean of the cameras' up directions");
        int best = fabs(mean[1]) > fabs(mean[0]);
        if (fabs(mean[2]) > fabs(mean[best])) best = 2;
        s->up[best] = mean[best] < 0 ? -1 : 1;
        printf("up: assumed %s%c, the world axis nearest to the cameras' mean up (%.0f degrees away; --up "
               "gives another)", mean[best] < 0 ? "-" : "+", "xyz"[best],
               acos(fmin(1, fabs(mean[best]))) * 57.2958);
    }
    printf("; %.0f %% of the surfaces face it\n", 100 * share_facing(s, s->up));
}

// ---- the proof

// Medians over the ordered pairs that overlap; moving: those of them that move. best, of every view: the
// smallest relative error of its pairs, -1 if it has none.
typedef struct {
    int looked_at, pairs, moving;
    double relative, metres, moving_metres, correlation;
    float *best;
} Proof;

// Pairs of a long recording: neighbours, and gaps of 1, 2, 4, ... frames thinned to PAIRS_LIMIT; of a short
// one: all.
static int is_looked_at(int i, int j, int n) {
    if (n <= 24 || j == i + 1) return i != j;
    int gap = i < j ? j - i : i - j, gaps = 0;
    for (int g = 1; g < n; g *= 2) gaps++;
    int thin = (2 * gaps * n + PAIRS_LIMIT - 1) / PAIRS_LIMIT;
    return gap > 0 && (gap & (gap - 1)) == 0 && (i < j ? i : j) % thin == 0;
}

// The figures of a scene whose unit is so many metres, from about so many pixels of each view.
static Proof prove(const SbScene *s, double unit, int pixels) {
    int n = s->views, step = 1;
    Proof p = {0, 0, 0, 1, 0, 0, 0, (float *)sb_calloc((size_t)n, sizeof *p.best)};
    while (s->view[0].dw / step * (s->view[0].dh / step) > pixels) step++;
    size_t room = n <= 24 ? (size_t)(n * n) : (size_t)n + PAIRS_LIMIT * 2;
    float *relative = (float *)sb_calloc(room, 4 * sizeof *relative), *metres = relative + room;
    float *moving = metres + room, *correlation = moving + room;
    for (int i = 0; i < n; i++) p.best[i] = -1;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            SbReprojection r;
            if (!is_looked_at(i, j, n) || (size_t)p.looked_at == room) continue;
            p.looked_at++;
            sb_reproject(s->view + i, s->view + j, step, &r);
            if (r.overlap <= OVERLAP || r.pixels == 0) continue;
            float error = (float)r.relative;
            if (p.best[i] < 0 || p.best[i] > error) p.best[i] = error;
            if (p.best[j] < 0 || p.best[j] > error) p.best[j] = error;
            relative[p.pairs] = error;
            metres[p.pairs] = (float)(r.metres * unit);
            correlation[p.pairs++] = (float)r.correlation;
            if (r.moved * unit > METRES_MOVED) moving[p.moving++] = (float)(r.metres * unit);
        }
    p.relative = sb_median(relative, (size_t)p.pairs, 1);
    p.metres = sb_median(metres, (size_t)p.pairs, 0);
    p.moving_metres = sb_median(moving, (size_t)p.moving, 0);
    p.correlation = sb_median(correlation, (size_t)p.pairs, 0);
    free(relative);
    return p;
}

static int holds(const Proof *p) {
    return p->pairs > 0 && p->relative <= RELATIVE_LIMIT && p->moving_metres <= METRES_LIMIT;
}

// Other readings of the same files. A recording proves something only if the wrong ones fail where the given
// one holds; and of a reading close by none may fit much better.
enum { INVERSE, OPENGL, STILL, SCALED };
static const struct { int kind, close_by; double depth; const char *name, *reason; } reading_of[] = {
    {INVERSE, 0, 1, "world-to-camera", "the poses are world-to-camera: invert them"},
    {OPENGL, 0, 1, "OpenGL axes", "the axes are OpenGL's (y up, z backward): negate pose columns 2 and 3"},
    {STILL, 0, 1, "no poses", "the camera does not move, but the poses do"},
    {SCALED, 0, 5, "depth x 5", "--depth-scale is about five times too large"},
    {SCALED, 0, 0.2, "depth / 5", "--depth-scale is about five times too small"},
    {SCALED, 1, 1.15, "depth x 1.15", "--depth-scale is too large or poses are not in metres"},
    {SCALED, 1, 1 / 1.15, "depth / 1.15", "--depth-scale is too small or poses are not in metres"}};
enum { READINGS = sizeof reading_of / sizeof *reading_of };

// The relative error of another reading; *good: would it be accepted? Depth times f is read as translations
// divided by f, in a unit of f metres.
static double read_otherwise(const SbScene *s, int reading, int *good) {
    SbScene other = *s;
    int kind = reading_of[reading].kind;
    double factor = reading_of[reading].depth;
    other.view = (SbView *)sb_calloc((size_t)s->views, sizeof *other.view);
    memcpy(other.view, s->view, (size_t)s->views * sizeof *other.view);
    for (int i = 0; i < s->views; i++) {
        const double *a = s->view[i].pose;
        double *b = other.view[i].pose;
        for (int r = 0; r < 3; r++)
            for (int c = 0; c < 4; c++) {
                if (kind == INVERSE)
                    b[4 * r + c] = c < 3 ? a[4 * c + r] : -(a[r] * a[3] + a[4 + r] * a[7] + a[8 + r] * a[11]);
                else if (kind == STILL) b[4 * r + c] = r == c;
                else if (kind == OPENGL && (c == 1 || c == 2)) b[4 * r + c] = -a[4 * r + c];
                else if (kind == SCALED && c == 3) b[4 * r + c] = a[4 * r + c] / factor;
            }
    }
    Proof p = prove(&other, factor, 10000);
    *good = holds(&p);
    free(p.best);
    free(other.view);
    return p.relative;
}

// Die with the figure that failed, and with the reading that would have passed, if one does.
static void refuse(const Import *im, const SbScene *s, const Proof *p) {
    const char *reason = "usual reasons: direction of poses, depth scale, axes, intrinsics, order of images";
    for (int i = READINGS - 1, good; i >= 0; i--) {
        read_otherwise(s, i, &good);
        if (good && reading_of[i].kind != STILL) reason = reading_of[i].reason;
    }
    if (p->relative > RELATIVE_LIMIT)
        sb_die("%s: refused: depth carried from view to view misses by %.3g %% (median of %d pairs), the "
               "limit is %g %%; %s", im->source, 100 * p->relative, p->pairs, 100 * RELATIVE_LIMIT, reason);
    sb_die("%s: refused: depth carried from view to view misses by %.3g cm (median of %d pairs that move "
           "more than %g cm), the limit is %g cm; %s", im->source, 100 * p->moving_metres, p->moving,
           100 * METRES_MOVED, 100 * METRES_LIMIT, reason);
}

// Read the frames in the other ways: what is left in doubt, or NULL.
static const char *compare_readings(const Import *im, const SbScene *s, const Proof *p) {
    const char *doubt = NULL;
    double best = p->relative;
    int better = -1;
    printf("control: read otherwise the frames give");
    for (int i = 0, good; i < READINGS; i++) {
        double error = read_otherwise(s, i, &good);
        printf("%s %s %.2g %%", i ? "," : "", reading_of[i].name, 100 * error);
        if (good && !reading_of[i].close_by)
            doubt = "the camera moves too little, another reading holds as well";
        if (error < best) {
            best = error;
            better = i;
        }
    }
    printf("\n");
    if (p->relative > NOISE && best < BETTER_LIMIT * p->relative)
        sb_die("%s: refused: another reading fits much better, %s gives %.2g %%, this one %.2g %%; %s",
               im->source, reading_of[better].name, 100 * best, 100 * p->relative, reading_of[better].reason);
    return doubt;
}

// Medians say nothing of a single view. One that agrees with no other is refused. Those that overlap with no
// other prove nothing: they are left out, or kept and recorded if --unproven says so.
static void check_each_view(const Import *im, SbScene *s, const Proof *p) {
    int kept = 0, views = s->views;
    for (int i = 0; i < views; i++) {
        if (p->best[i] > VIEW_LIMIT)
            sb_die("%s: refused: view %s agrees with no other, its best pair misses by %.3g %%, the limit is "
                   "%g %%; is its pose right?", im->source, s->view[i].name, 100 * (double)p->best[i],
                   100 * VIEW_LIMIT);
        if (p->best[i] >= 0 || im->unproven) s->view[kept++] = s->view[i];
        else sb_view_free(s->view + i);
        if (p->best[i] < 0) s->unproven |= im->unproven;
    }
    s->views = kept;
    if (kept < views) printf("note: %d of %d views overlap with no other and are left out; --unproven keeps "
                             "them\n", views - kept, views);
    if (s->unproven) printf("unproven: some views overlap with no other; recorded in the scene\n");
}

// Prove the scene or die; without a possible proof --unproven is needed, and is written into the scene.
static void prove_or_die(const Import *im, SbScene *s) {
    Proof p = prove(s, 1, 60000);
    const char *doubt = s->views < 2 ? "there is one frame" : "no two frames overlap";
    if (p.pairs) {
        printf("proof: %d of %d ordered pairs overlap by more than %g %%: median |z - z'| %.2f cm = %.2f %%, "
               "grey correlation %.2f\n", p.pairs, p.looked_at, 100 * OVERLAP, 100 * p.metres,
               100 * p.relative, p.correlation);
        if (p.moving) printf("proof: %d of them move more than %g cm: median |z - z'| %.2f cm\n", p.moving,
                             100 * METRES_MOVED, 100 * p.moving_metres);
        else printf("proof: none of them moves more than %g cm\n", 100 * METRES_MOVED);
        if (!holds(&p)) refuse(im, s, &p);
        check_each_view(im, s, &p);
        doubt = compare_readings(im, s, &p);
    }
    free(p.best);
    if (!doubt) return;
    if (!im->unproven)
        sb_die("%s: the frames cannot prove their poses: %s. --unproven imports them all the same, and the "
               "scene says so", im->source, doubt);
    printf("unproven: %s; recorded in the scene\n", doubt);
    s->unproven = 1;
}

// ---- main

int main(int argc, char **argv) {
    Import im = {NULL, NULL, "auto", "", "auto", 0, 0.02, 1, 0, 0, NULL, 0, {0, 0, 0, 0}};
    SbFlag flags[] = {
        sb_flag("format", "NAME", SB_FLAG_TEXT, &im.format, 0, 0, "auto, tum or matrices"),
        sb_flag("depth-scale", "N", SB_FLAG_NUMBER, &im.depth_scale, 1e-6, 1e9,
                "depth values a metre; tum: 5000, matrices: must be given"),
        sb_flag("intrinsics", "FX,FY,CX,CY", SB_FLAG_TEXT, &im.intrinsics, 0, 0,
                "pixels; tum: 525,525,319.5,239.5, matrices: K.txt"),
        sb_flag("up", "X,Y,Z", SB_FLAG_TEXT, &im.up, 0, 0,
                "world direction; tum: 0,0,1, matrices: the axis nearest to the cameras' up"),
        sb_flag("unproven", "", SB_FLAG_SWITCH, &im.unproven, 0, 0,
                "import frames that cannot prove their poses; recorded in the scene"),
        sb_flag("every", "N", SB_FLAG_INT, &im.every, 1, 1e6, "use every Nth frame"),
        sb_flag("max", "N", SB_FLAG_INT, &im.max, 0, 1e6, "use at most N frames; 0: all"),
        sb_flag("max-gap", "S", SB_FLAG_NUMBER, &im.max_gap, 0, 10,
                "tum: most seconds between colour, depth and pose")};
    const char *rest[2] = {NULL, NULL}, *usage = "./data/import SOURCE DEST [flags]";
    int flag_count = (int)(sizeof flags / sizeof *flags);
    if (sb_flags_parse(flags, flag_count, argc, argv, 1, usage, rest, 2) != 2)
        sb_die("expected a SOURCE and a DEST folder: %s; --help lists the flags", usage);
    im.source = rest[0];
    im.dest = rest[1];
    sb_need_free_folder(im.dest);
    read_frames(&im);
    SbScene s;
    load_views(&im, &s);
    printf("intrinsics: fx %g fy %g cx %g cy %g for %d x %d; depth: value / %g metres\n", im.k.fx, im.k.fy,
           im.k.cx, im.k.cy, s.view[0].w, s.view[0].h, im.depth_scale);
    choose_up(&im, &s);
    prove_or_die(&im, &s);
    sb_scene_save(&s, im.dest);
    printf("%s: written, %d views\n", im.dest, s.views);
    for (int i = 0; i < im.frames; i++) {
        free(im.frame[i].name);
        free(im.frame[i].color);
        free(im.frame[i].depth);
    }
    free(im.frame);
    sb_scene_free(&s);
    return 0;
}
