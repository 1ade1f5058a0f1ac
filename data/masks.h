// masks.h: which pixel belongs to which object, as segmenters and annotators save it: label pictures (grey
// PNG of 8 or 16 bits, or PNG with a palette, whose indices are the labels) and run lengths in JSON (COCO,
// SA-1B, SAM 2), as a list of counts or as the compressed string. Masks of which their segmenter is not sure
// (SB_MASK_SURE) are left out and counted.
//
// Refuses: polygons, runs that do not sum to the picture's size, more than 65535 masks a picture. Where masks
// overlap the smaller one lies on top; the pixels are counted. Read from top: run lengths, JSON, pictures.
#ifndef SB_MASKS_H
#define SB_MASKS_H
#include "image.h"
#include "json.h"

#define SB_MASK_SURE .3        // SA-1B's predicted_iou, COCO's and SAM 2's score, at least

typedef struct {
    int w, h, regions;         // labels are 1..regions where they come from JSON
    unsigned short *label;     // [h][w] 0 = none
    char **name;               // [regions + 1] "" where the file has none; NULL: a label picture
    long overlapping, unsure;  // pixels of more than one mask; masks left out
} SbLabels;

static SB_UNUSED void sb_labels_free(SbLabels *l) {
    for (int i = 0; l->name && i <= l->regions; i++) free(l->name[i]);
    free(l->name);
    free(l->label);
    memset(l, 0, sizeof *l);
}

// ---- run lengths: down the columns, background first

// The compressed string (COCO's maskApi): a number is chars of 5 bits + 48, lowest first, 32 says that
// another follows, 16 in the last is the sign; from the fourth on it is the difference to the run two
// before. Returns how many runs; *runs is to be freed.
static SB_UNUSED int sb_rle_unpack(const char *text, int64_t **runs, const char *where) {
    int n = 0;
    *runs = (int64_t *)sb_calloc(strlen(text), sizeof **runs);
    for (const char *c = text; *c; n++) {
        int64_t x = 0;
        for (int k = 0, more = 1; more; k++, c++) {
            int bits = *c - 48;
            if (bits < 0 || bits > 63 || k == 7)
                sb_die("%s: the run lengths are wrong at byte %d", where, (int)(c - text));
            x |= (int64_t)(bits & 31) << (5 * k);
            more = bits & 32;
            if (!more && (bits & 16)) x -= (int64_t)1 << (5 * k + 5);
        }
        (*runs)[n] = x + (n > 2 ? (*runs)[n - 2] : 0);
    }
    return n;
}

// Give the mask's pixels in label [h][w] a value, and add to *over those that had one; label NULL: only check
// the runs. Returns how many pixels the mask has.
static SB_UNUSED long sb_rle_fill(const int64_t *run, int runs, int w, int h, unsigned short *label,
                                  int value, long *over, const char *where) {
    int64_t at = 0, all = (int64_t)w * h;
    long set = 0;
    for (int i = 0; i < runs; i++) {
        if (run[i] < 0 || run[i] > all - at)
            sb_die("%s: run %d is %lld long, %lld of %lld pixels are left", where, i + 1, (long long)run[i],
                   (long long)(all - at), (long long)all);
        for (int64_t k = at; k < at + run[i] && i % 2 && label; k++) {
            unsigned short *to = label + (k % h * w + k / h);
            *over += *to != 0, *to = (unsigned short)value;
        }
        set += i % 2 ? (long)run[i] : 0;
        at += run[i];
    }
    if (at != all) sb_die("%s: the runs cover %lld of %lld pixels", where, (long long)at, (long long)all);
    return set;
}

typedef struct { int order, runs; long pixels; int64_t *run; char *name; } SbMask;

// {"size": [h, w], "counts": "..." or [...]}: runs and pixels. The first mask of a picture gives the size.
static void sb_rle_parse(const cJSON *record, SbLabels *l, SbMask *m, const char *where) {
    double size[2];
    if (cJSON_IsArray(record))
        sb_die("%s: polygons are not read; give the masks as run lengths (RLE)", where);
    sb_json_numbers(record, "size", size, 2, where);
    const cJSON *counts = sb_json_field(record, "counts", where);
    for (int i = 0; i < 2; i++)
        if (!(size[i] >= 1 && size[i] <= SB_IMAGE_SIDE && size[i] == floor(size[i])))
            sb_die("%s: field \"size\": %g is no height or width", where, size[i]);
    if (!l->label) {
        l->h = (int)size[0];
        l->w = (int)size[1];
        if ((int64_t)l->w * l->h > SB_IMAGE_AREA) sb_die("%s: masks of %d x %d pixels", where, l->w, l->h);
        l->label = (unsigned short *)sb_calloc((size_t)l->w * (size_t)l->h, sizeof *l->label);
    }
    if (l->h != (int)size[0] || l->w != (int)size[1])
        sb_die("%s: a mask of %g x %g in a picture of %d x %d", where, size[1], size[0], l->w, l->h);
    if (cJSON_IsString(counts)) {
        m->runs = sb_rle_unpack(counts->valuestring, &m->run, where);
    } else {
        if (!cJSON_IsArray(counts)) sb_json_wrong(counts, "counts", "a list or a string", where);
        m->run = (int64_t *)sb_calloc((size_t)cJSON_GetArraySize(counts), sizeof *m->run);
        for (const cJSON *v = counts->child; v; v = v->next) {
            if (!cJSON_IsNumber(v) || v->valuedouble != floor(v->valuedouble) || fabs(v->valuedouble) > 1e9)
                sb_json_wrong(v, "counts", "whole numbers", where);
            m->run[m->runs++] = (int64_t)v->valuedouble;
        }
    }
    m->pixels = sb_rle_fill(m->run, m->runs, l->w, l->h, NULL, 0, NULL, where);
}

// ---- JSON: a list of records with "segmentation", bare or under "annotations". SA-1B: a file a picture;
// COCO: one file, whose "images" give the id of a picture and whose "categories" give names.

// The larger one first, so that the smaller one is painted over it; equal ones in the order of the file.
static int sb_mask_order(const void *a, const void *b) {
    const SbMask *x = (const SbMask *)a, *y = (const SbMask *)b;
    return x->pixels != y->pixels ? (x->pixels < y->pixels ? 1 : -1) : x->order - y->order;
}

// The name of a category id; a record's own "name", "label" or "class_name" counts first.
static char *sb_mask_name(const cJSON *file, const cJSON *record, const char *where) {
    const char *own[3] = {"name", "label", "class_name"};
    for (int i = 0; i < 3; i++)
        if (cJSON_IsString(sb_json_optional(record, own[i], where)))
            return sb_copy(sb_json_string(record, own[i], where));
    const cJSON *id = sb_json_optional(record, "category_id", where);
    const cJSON *list = cJSON_IsObject(file) ? sb_json_optional(file, "categories", where) : NULL;
    for (const cJSON *v = list ? list->child : NULL; v && id; v = v->next)
        if (sb_json_number(v, "id", where) == id->valuedouble)
            return sb_copy(sb_json_string(v, "name", where));
    if (list && id) sb_die("%s: category_id %g is none of the categories", where, id->valuedouble);
    return sb_copy("");
}

// What a segmenter thinks of its mask, 1 if it does not say. SAM 2's demos have a list of one.
static double sb_mask_sure(const cJSON *record, const char *where) {
    const char *field[2] = {"predicted_iou", "score"};
    double sure = 1;
    for (int i = 1; i >= 0; i--) {
        const cJSON *v = sb_json_optional(record, field[i], where);
        if (!v || cJSON_IsNull(v)) continue;
        if (cJSON_IsArray(v)) sb_json_numbers(record, field[i], &sure, 1, where);
        else sure = sb_json_number(record, field[i], where);
    }
    return sure;
}

// The masks of one picture. image: its id in a COCO file, -1: all records are its own.
static SB_UNUSED void sb_masks_from_json(const cJSON *file, double image, SbLabels *l, const char *path) {
    const cJSON *list = cJSON_IsArray(file) ? file : sb_json_array(file, "annotations", path);
    int count = cJSON_GetArraySize(list), number = 0;
    SbMask *mask = (SbMask *)sb_calloc((size_t)count, sizeof *mask);
    memset(l, 0, sizeof *l);
    for (const cJSON *v = list->child; v; v = v->next) {
        char *where = sb_format("%s: mask %d", path, ++number);
        int own = image < 0 || sb_json_number(v, "image_id", where) == image;
        if (own && sb_mask_sure(v, where) < SB_MASK_SURE) {
            l->unsure++;
        } else if (own) {
            SbMask *m = mask + l->regions++;
            m->order = number;
            sb_rle_parse(sb_json_field(v, "segmentation", where), l, m, where);
            m->name = sb_mask_name(file, v, where);
        }
        free(where);
    }
    if (l->regions > 65535) sb_die("%s: %d masks of one picture, 65535 at most", path, l->regions);
    l->name = (char **)sb_calloc((size_t)l->regions + 1, sizeof *l->name);
    l->name[0] = sb_copy("");
    if (l->regions) qsort(mask, (size_t)l->regions, sizeof *mask, sb_mask_order);
    for (int i = 0; i < l->regions; i++) {
        sb_rle_fill(mask[i].run, mask[i].runs, l->w, l->h, l->label, i + 1, &l->overlapping, path);
        l->name[i + 1] = mask[i].name;
        free(mask[i].run);
    }
    free(mask);
}

// The id of a picture in a COCO file: the one with its path ("cam0/0001", no ending), else the first of its
// name, folders left aside; -1: not there.
static SB_UNUSED double sb_coco_image(const cJSON *file, const char *whole, const char *name,
                                      const char *path) {
    const cJSON *images = sb_json_array(file, "images", path);
    for (int by_path = 1; by_path >= 0; by_path--)
        for (const cJSON *v = images->child; v; v = v->next) {
            const char *found = sb_json_string(v, "file_name", path), *slash = strrchr(found, '/');
            const char *base = slash ? slash + 1 : found, *dot = strrchr(base, '.'), *want = name;
            if (by_path) base = found, want = whole;
            size_t length = dot ? (size_t)(dot - base) : strlen(base);
            if (strlen(want) == length && !memcmp(want, base, length)) return sb_json_number(v, "id", path);
        }
    return -1;
}

// ---- pictures

// The indices of a PNG with a palette: stb_image gives colours, so its colours are looked up in the PLTE
// chunk.
static unsigned short *sb_palette_read(const char *path, const unsigned char *file, size_t size, int *w,
                                       int *h) {
    const unsigned char *colour = NULL;
    int colours = 0, channels;
    for (size_t at = 8; at + 12 <= size && !colour; at += 12 + (size_t)sb_big_endian(file + at)) {
        if (memcmp(file + at + 4, "PLTE", 4)) continue;
        colour = file + at + 8;
        colours = (int)(sb_big_endian(file + at) / 3);
    }
    unsigned char *rgb = stbi_load_from_memory(file, (int)size, w, h, &channels, 3);
    if (!rgb || !colour) sb_image_damaged(path);
    size_t count = (size_t)*w * (size_t)*h;
    unsigned short *label = (unsigned short *)sb_calloc(count, sizeof *label);
    for (size_t i = 0; i < count; i++) {
        int found = 0, times = 0;
        for (int k = colours - 1; k >= 0; k--)
            if (!memcmp(rgb + 3 * i, colour + 3 * k, 3)) found = k, times++;
        if (times != 1) sb_die("%s: label %d's colour stands %d times in the palette", path, found, times);
        label[i] = (unsigned short)found;
    }
    free(rgb);
    return label;
}

// Labels that mean nothing beyond their picture: renamed 1, 2, ... in ascending order.
static SB_UNUSED void sb_labels_compact(SbLabels *l) {
    unsigned short *to = (unsigned short *)sb_calloc(65536, sizeof *to);
    size_t count = (size_t)l->w * (size_t)l->h;
    int next = 0;
    for (size_t i = 0; i < count; i++) to[l->label[i]] = 1;
    for (int k = 1; k < 65536; k++)
        if (to[k]) to[k] = (unsigned short)++next;
    to[0] = 0;
    for (size_t i = 0; i < count; i++) l->label[i] = to[l->label[i]];
    free(to);
}

// A label picture: its values as they are stored.
static SB_UNUSED void sb_labels_read(const char *path, SbLabels *l) {
    size_t size;
    SbImageHead head;
    unsigned char *file = sb_image_bytes(path, &size, &head);
    memset(l, 0, sizeof *l);
    l->label = head.png && head.colour == 3 ? sb_palette_read(path, file, size, &l->w, &l->h)
                                            : sb_mask_read(path, &l->w, &l->h);
    free(file);
}
#endif
