// layouts.h: pictures with labels or depth in the layouts that people have them in, read one at a time.
//
//     imagenet   train/CLASS/*.jpg               val/CLASS/*.jpg               a folder a class
//     ade20k     images/training/N.jpg           annotations/training/N.png    labels, 0 = ignored
//                images/validation/N.jpg         annotations/validation/N.png
//     nyud       nyu_train.txt, nyu_test.txt     lines of a picture, its depth (16-bit PNG, mm), ...; or
//                train/rgb/N.jpg, train/depth/N.png, test/rgb/N.jpg, test/depth/N.png
//     revisited  gnd_NAME.json (retrieval.h)     jpg/N.jpg                     Oxford, Paris; queries are cut
//
// Refuses: a picture without its labels or depth (and the other way round), of another size than these, a
// class that only val has, labels that the layout does not know, a part without a picture. Read from top: the
// table, folders and lists, one picture, its patches.
#ifndef SB_LAYOUTS_H
#define SB_LAYOUTS_H
#include "masks.h"
#include "retrieval.h"

typedef struct { char *picture, *truth; int is; } SbItem;      // is: its class, or query; -1: it has none
typedef struct { SbItem *item; int n, room; } SbItems;
enum { SB_PART_FIT, SB_PART_TEST, SB_PARTS };

typedef struct SbLayout SbLayout;
typedef struct {
    const SbLayout *layout;
    const char *folder;
    SbItems part[SB_PARTS];
    char **class_name;          // [classes] of imagenet, in natural order
    int classes;
    SbRevisited revisited;      // part[0] holds its pictures, part[1] its queries
} SbDataset;

enum { SB_OF_CLASS, SB_OF_LABELS, SB_OF_DEPTH, SB_OF_RANK };
struct SbLayout {
    const char *name, *files;   // files: what a folder must hold
    int kind;
    void (*read)(SbDataset *d);
    int labels;                 // ids 1 .. labels
    double unit, low, high;     // depth: PNG values a metre; metres beyond which it is not reported on
    double crop[4];             // left, top, right, bottom: the share of the picture that is reported on
};

// ---- folders and lists

static SB_UNUSED void sb_items_add(SbItems *t, char *picture, char *truth, int is) {
    if (t->n == t->room) {
        t->room = 2 * t->room + 256;
        t->item = (SbItem *)sb_realloc(t->item, (size_t)t->room * sizeof *t->item);
    }
    SbItem item = {picture, truth, is};
    t->item[t->n++] = item;
}
// The names of a folder that must be there.
static char **sb_layout_list(const SbDataset *d, const char *folder, int *n) {
    if (!sb_is_folder(folder))
        sb_die("%s: missing; the layout %s has it: %s", folder, d->layout->name, d->layout->files);
    return sb_list_folder(folder, n);
}
// The pictures of a folder, each with the PNG of its name in the folder of truths.
static void sb_layout_pairs(SbDataset *d, int part, const char *pictures, const char *truths) {
    int n, m, pairs = 0, pngs = 0;
    char *folder[2] = {sb_format("%s/%s", d->folder, pictures), sb_format("%s/%s", d->folder, truths)};
    char **name = sb_layout_list(d, folder[0], &n), **other = sb_layout_list(d, folder[1], &m);
    for (int i = 0; i < n; i++) {
        if (!sb_is_picture(name[i])) continue;
        int stem = (int)(strrchr(name[i], '.') - name[i]);
        char *truth = sb_format("%s/%.*s.png", folder[1], stem, name[i]);
        if (!sb_exists(truth)) sb_die("%s: missing; %s/%s needs it", truth, folder[0], name[i]);
        sb_items_add(d->part + part, sb_format("%s/%s", folder[0], name[i]), truth, -1), pairs++;
    }
    for (int i = 0; i < m; i++) pngs += sb_is_picture(other[i]);
    if (pngs != pairs)
        sb_die("%s: %d pictures, but %s has %d; expected one for each", folder[1], pngs, folder[0], pairs);
    sb_free_names(name, n), sb_free_names(other, m), free(folder[0]), free(folder[1]);
}
static void sb_layout_imagenet(SbDataset *d) {
    static const char *const part[SB_PARTS] = {"train", "val"};
    for (int i = 0; i < SB_PARTS; i++) {
        int n, m;
        char *folder = sb_format("%s/%s", d->folder, part[i]), **name = sb_layout_list(d, folder, &n);
        if (!i) d->class_name = (char **)sb_calloc((size_t)n + 1, sizeof *d->class_name);
        for (int k = 0, is = 0; k < n; k++) {
            char *sub = sb_format("%s/%s", folder, name[k]);
            if (sb_is_folder(sub)) {
                while (i && is < d->classes && sb_natural_order(d->class_name[is], name[k]) < 0) is++;
                if (i && (is == d->classes || strcmp(d->class_name[is], name[k])))
                    sb_die("%s: %s/train has no class %s", sub, d->folder, name[k]);
                if (!i) is = d->classes, d->class_name[d->classes++] = sb_copy(name[k]);
                char **file = sb_list_folder(sub, &m);
                for (int j = 0; j < m; j++)
                    if (sb_is_picture(file[j]))
                        sb_items_add(d->part + i, sb_format("%s/%s", sub, file[j]), NULL, is);
                sb_free_names(file, m);
            }
            free(sub);
        }
        sb_free_names(name, n), free(folder);
    }
    if (d->classes < 2) sb_die("%s/train: %d classes; expected a folder for each", d->folder, d->classes);
}
static void sb_layout_ade20k(SbDataset *d) {
    sb_layout_pairs(d, SB_PART_FIT, "images/training", "annotations/training");
    sb_layout_pairs(d, SB_PART_TEST, "images/validation", "annotations/validation");
}
// A word of a line as a file of the data set; *at moves behind it.
static char *sb_layout_file(const SbDataset *d, char **at, const char *path, long line) {
    char *word = *at + strspn(*at, " \t\r");
    size_t size = strcspn(word, " \t\r");
    *at = word + size;
    while (size && *word == '/') word++, size--;
    if (!size) sb_die("%s:%ld: expected a picture and its depth, found the end of the line", path, line);
    char *file = sb_format("%s/%.*s", d->folder, (int)size, word);
    if (!sb_exists(file)) sb_die("%s:%ld: %s: missing", path, line, file);
    return file;
}
static void sb_layout_nyud(SbDataset *d) {
    static const char *const part[SB_PARTS] = {"train", "test"};
    for (int i = 0; i < SB_PARTS; i++) {
        char *path = sb_format("%s/nyu_%s.txt", d->folder, part[i]), *text, *next;
        if (sb_exists(path)) {
            long line = 1;
            for (char *at = text = sb_read_file(path, NULL); *at; at = next, line++) {
                next = at + strcspn(at, "\n");
                if (*next) *next++ = 0;
                if (!at[strspn(at, " \t\r")]) continue;
                char *picture = sb_layout_file(d, &at, path, line);
                sb_items_add(d->part + i, picture, sb_layout_file(d, &at, path, line), -1);
            }
            free(text);
        } else {
            char *rgb = sb_format("%s/rgb", part[i]), *depth = sb_format("%s/depth", part[i]);
            sb_layout_pairs(d, i, rgb, depth);
            free(rgb), free(depth);
        }
        free(path);
    }
}
static void sb_layout_revisited(SbDataset *d) {
    SbRevisited *r = &d->revisited;
    char *gnd = NULL;
    int n;
    char **name = sb_layout_list(d, d->folder, &n);
    for (int i = 0; i < n; i++) {
        size_t size = strlen(name[i]);
        if (strncmp(name[i], "gnd_", 4) || size < 9 || strcmp(name[i] + size - 5, ".json")) continue;
        if (gnd) sb_die("%s: gnd_*.json: expected one, found %s and %s", d->folder, gnd, name[i]);
        gnd = name[i];
    }
    if (!gnd) sb_die("%s: gnd_*.json: missing: the benchmark's gnd_*.pkl as JSON", d->folder);
    char *path = sb_format("%s/%s", d->folder, gnd);
    sb_revisited_read(r, path);
    for (int i = 0; i < r->images + r->queries; i++) {
        int asked = i >= r->images, k = i - asked * r->images;
        char *picture = sb_format("%s/jpg/%s.jpg", d->folder, asked ? r->asked[k] : r->image[k]);
        if (!sb_exists(picture)) sb_die("%s: missing; %s names it", picture, path);
        sb_items_add(d->part + asked, picture, NULL, asked ? k : -1);
    }
    sb_free_names(name, n), free(path);
}

// NYUd: the crop of Eigen et al. 2014, rows 45 .. 470 and columns 41 .. 600 of 640 x 480.
static const SbLayout sb_layout[] = {
    {"imagenet", "train/CLASS/*.jpg, val/CLASS/*.jpg", SB_OF_CLASS,
     sb_layout_imagenet, 0, 0, 0, 0, {0, 0, 1, 1}},
    {"ade20k", "images/training/N.jpg, annotations/training/N.png, the same in validation/", SB_OF_LABELS,
     sb_layout_ade20k, 150, 0, 0, 0, {0, 0, 1, 1}},
    {"nyud", "nyu_train.txt and nyu_test.txt, or train/rgb/N.jpg, train/depth/N.png and test/", SB_OF_DEPTH,
     sb_layout_nyud, 0, 1000, .001, 10, {41 / 640., 45 / 480., 601 / 640., 471 / 480.}},
    {"revisited", "gnd_NAME.json, jpg/N.jpg", SB_OF_RANK, sb_layout_revisited, 0, 0, 0, 0, {0, 0, 1, 1}}};
enum { SB_LAYOUTS = sizeof sb_layout / sizeof *sb_layout };

static SB_UNUSED const SbLayout *sb_layout_find(const char *name) {
    for (int i = 0; i < SB_LAYOUTS; i++) if (!strcmp(sb_layout[i].name, name)) return sb_layout + i;
    return NULL;
}
// Of the items only n, evenly spread; 0: all.
static void sb_items_thin(SbItems *t, int n) {
    for (int i = 0, keep = 0; n && n < t->n && i < t->n; i++) {
        if (keep < n && (long)keep * t->n / n == i) t->item[keep++] = t->item[i];
        else free(t->item[i].picture), free(t->item[i].truth);
    }
    if (n && n < t->n) t->n = n;
}
// List what a folder has; at most fit and test pictures are kept (0: all; a collection that is searched
// stays whole).
static SB_UNUSED void sb_dataset_open(SbDataset *d, const SbLayout *layout, const char *folder, int fit,
                                      int test) {
    memset(d, 0, sizeof *d);
    d->layout = layout, d->folder = folder;
    layout->read(d);
    for (int i = 0; i < SB_PARTS; i++) {
        if (!d->part[i].n) sb_die("%s: no picture to %s in it", folder, i ? "report on" : "fit on");
        sb_items_thin(d->part + i, i ? test : layout->kind == SB_OF_RANK ? 0 : fit);
    }
}
static SB_UNUSED void sb_dataset_close(SbDataset *d) {
    for (int i = 0; i < SB_PARTS; i++) {
        for (int k = 0; k < d->part[i].n; k++)
            free(d->part[i].item[k].picture), free(d->part[i].item[k].truth);
        free(d->part[i].item);
    }
    sb_free_names(d->class_name, d->classes), sb_revisited_free(&d->revisited);
}

// ---- one picture

// The picture of an item, [h][w][3]; a query as its box shows it.
static SB_UNUSED unsigned char *sb_item_load(const SbDataset *d, const SbItem *item, int *w, int *h) {
    unsigned char *rgb = sb_image_load(item->picture, w, h);
    if (d->layout->kind != SB_OF_RANK || item->is < 0) return rgb;
    int edge[4], full[2] = {*w, *h}, line = 3 * *w;
    for (int k = 0; k < 4; k++) {
        double at = floor(d->revisited.query[item->is].box[k] + .5);
        edge[k] = at < 0 ? 0 : at > full[k % 2] ? full[k % 2] : (int)at;
    }
    *w = edge[2] - edge[0], *h = edge[3] - edge[1];
    if (*w < 1 || *h < 1)
        sb_die("%s: %d x %d pixels: the box of query %d does not show any", item->picture, full[0], full[1],
               item->is);
    for (int y = 0; y < *h; y++)
        memmove(rgb + 3L * y * *w, rgb + (long)(edge[1] + y) * line + 3L * edge[0], 3 * (size_t)*w);
    return rgb;
}

// What is known of its pixels: metres (0: nothing), or labels (0: ignored).
typedef struct { int w, h; float *depth; unsigned short *label; } SbTruth;

static SB_UNUSED void sb_truth_free(SbTruth *t) { free(t->depth), free(t->label); }

// w, h: of the picture.
static SB_UNUSED void sb_truth_read(SbTruth *t, const SbLayout *l, const SbItem *item, int w, int h) {
    memset(t, 0, sizeof *t);
    if (l->kind == SB_OF_DEPTH) {
        unsigned short *value = sb_png16_read(item->truth, &t->w, &t->h);
        size_t n = (size_t)t->w * (size_t)t->h;
        t->depth = (float *)sb_calloc(n, sizeof *t->depth);
        for (size_t i = 0; i < n; i++) {
            double z = value[i] / l->unit;
            t->depth[i] = z > l->low && z < l->high ? (float)z : 0;
        }
        free(value);
    } else {
        SbLabels labels;
        sb_labels_read(item->truth, &labels);
        t->w = labels.w, t->h = labels.h, t->label = labels.label;
        for (size_t i = 0; i < (size_t)t->w * (size_t)t->h; i++)
            if (t->label[i] > l->labels)
                sb_die("%s: label %d; %s has 1 to %d, and 0 for what is ignored", item->truth, t->label[i],
                       l->name, l->labels);
    }
    if (t->w != w || t->h != h)
        sb_die("%s: %d x %d pixels, but %s has %d x %d", item->truth, t->w, t->h, item->picture, w, h);
}

// ---- its patches: grid x grid cells

// The mean depth of every cell, over its pixels that have one; 0: none has.
static SB_UNUSED void sb_patch_depths(real *mean, const float *depth, int w, int h, int grid) {
    for (int p = 0; p < grid * grid; p++) {
        int y0 = p / grid * h / grid, y1 = (p / grid + 1) * h / grid, count = 0;
        int x0 = p % grid * w / grid, x1 = (p % grid + 1) * w / grid;
        double sum = 0;
        for (int y = y0; y < y1; y++)
            for (int x = x0; x < x1; x++) {
                double z = depth[(long)y * w + x];
                sum += z, count += z > 0;
            }
        mean[p] = count ? (real)(sum / count) : 0;
    }
}
// The commonest label of every cell (of equally common ones the first), less 1; -1: all is ignored.
static SB_UNUSED void sb_patch_labels(int *most, const SbTruth *t, int labels, int grid) {
    int *count = (int *)sb_calloc((size_t)labels + 1, sizeof *count);
    for (int p = 0; p < grid * grid; p++) {
        int y0 = p / grid * t->h / grid, y1 = (p / grid + 1) * t->h / grid, best = 0;
        int x0 = p % grid * t->w / grid, x1 = (p % grid + 1) * t->w / grid;
        memset(count, 0, ((size_t)labels + 1) * sizeof *count);
        for (int y = y0; y < y1; y++)
            for (int x = x0; x < x1; x++) count[t->label[(long)y * t->w + x]]++;
        for (int k = 1; k <= labels; k++) if (count[k] > (best ? count[best] : 0)) best = k;
        most[p] = best - 1;
    }
    free(count);
}
#endif
