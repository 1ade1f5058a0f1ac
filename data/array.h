// array.h: arrays of numbers as others save them: NumPy's .npy and .npz (stored or deflated), and .pfm.
//
// Refuses: objects, texts, complex and big-endian numbers; more than 5 dimensions or 2^28 numbers; encrypted
// zips and those above 4 GB; files that end early or whose checksums fail. All numbers become float, in C
// order. Read from top: .npy, the zip around it, .pfm, a file by its ending.
#ifndef SB_ARRAY_H
#define SB_ARRAY_H
#include "image.h"

typedef struct {
    int dims;
    size_t dim[5], count;  // sizes, slowest first; their product
    float *data;           // [count]
    int whole;             // 1: whole numbers in the file
} SbArray;

static SB_UNUSED void sb_array_free(SbArray *a) {
    free(a->data);
    memset(a, 0, sizeof *a);
}

static SB_UNUSED uint64_t sb_little_endian(const unsigned char *p, int bytes) {
    uint64_t x = 0;
    for (int i = bytes - 1; i >= 0; i--) x = x << 8 | p[i];
    return x;
}

// ---- .npy: "\x93NUMPY", version, length of the header, the header (a Python dict), the numbers

// A number of a kind f (IEEE), u (unsigned), b (0 or 1) or i (signed) of so many bytes.
static float sb_npy_number(const unsigned char *p, char kind, int bytes) {
    uint64_t x = sb_little_endian(p, bytes);
    if (kind == 'u' || kind == 'b') return (float)x;
    if (kind == 'i') {
        uint64_t sign = (uint64_t)1 << (8 * bytes - 1);
        return x & sign ? -(float)(~x + 1 + (bytes < 8 ? (uint64_t)1 << (8 * bytes) : 0)) : (float)x;
    }
    if (bytes == 2) {  // sign, 5 bits of exponent, 10 of fraction
        int exponent = (int)(x >> 10 & 31), fraction = (int)(x & 1023);
        double value = exponent == 31 ? (fraction ? NAN : INFINITY)
                     : exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
        return (float)(x >> 15 ? -value : value);
    }
    if (bytes == 4) {
        uint32_t bits = (uint32_t)x;
        float value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    double value;
    memcpy(&value, &x, sizeof value);
    return (float)value;
}

// What stands behind 'key': in the header's dict; NULL if there is no such key.
static const char *sb_npy_field(const char *header, const char *key) {
    const char *at = strstr(header, key);
    if (!at) return NULL;
    at += strlen(key);
    at += strspn(at, " ");
    return *at == ':' ? at + 1 + strspn(at + 1, " ") : NULL;
}

// "(3, 4)" into a->dim and count.
static void sb_npy_shape(SbArray *a, const char *at, const char *where) {
    a->count = 1;
    if (*at != '(') sb_die("%s: the header's shape is wrong", where);
    for (at++; *(at += strspn(at, " ,")) != ')'; a->dims++) {
        char *end;
        unsigned long long size = strtoull(at, &end, 10);
        if (end == at || a->dims == 5)
            sb_die("%s: the header's shape is wrong, or has more than 5 dimensions", where);
        if (size > ((size_t)1 << 28) / (a->count ? a->count : 1))
            sb_die("%s: an array of more than 2^28 numbers", where);
        a->dim[a->dims] = (size_t)size;
        a->count *= (size_t)size;
        at = end;
    }
}

// The numbers of n bytes each, reordered if the first index is the fastest.
static void sb_npy_numbers(SbArray *a, const unsigned char *body, char kind, int bytes, int fortran) {
    a->data = (float *)sb_calloc(a->count, sizeof *a->data);
    for (size_t i = 0; i < a->count; i++) {
        size_t from = i, rest = i, stride = a->count;
        if (fortran) {
            from = 0;
            for (int d = a->dims - 1; d >= 0; d--) {
                stride /= a->dim[d];
                from += rest % a->dim[d] * stride;
                rest /= a->dim[d];
            }
        }
        a->data[i] = sb_npy_number(body + from * (size_t)bytes, kind, bytes);
    }
}

static SB_UNUSED void sb_npy_parse(SbArray *a, const unsigned char *d, size_t size, const char *where) {
    memset(a, 0, sizeof *a);
    if (size < 12 || memcmp(d, "\x93NUMPY", 6) || d[6] < 1 || d[6] > 3)
        sb_die("%s: not an .npy array of version 1 to 3 (%zu bytes)", where, size);
    size_t wide = d[6] == 1 ? 2 : 4, length = (size_t)sb_little_endian(d + 8, (int)wide);
    if (length > size - 8 - wide) sb_die("%s: the .npy header ends early (%zu bytes)", where, size);
    const unsigned char *body = d + 8 + wide + length;
    size_t room = (size_t)(d + size - body);
    char *header = sb_format("%.*s", (int)length, (const char *)d + 8 + wide), descr[8] = "";
    const char *type = sb_npy_field(header, "'descr'"), *shape = sb_npy_field(header, "'shape'");
    const char *order = sb_npy_field(header, "'fortran_order'");
    if (!type || !shape || !order) sb_die("%s: the .npy header lacks descr, shape or fortran_order", where);
    if (*type == '\'') snprintf(descr, sizeof descr, "%.*s", (int)strcspn(type + 1, "'") % 8, type + 1);
    int bytes = *descr ? descr[2] - '0' : 0, ok = strlen(descr) == 3 && strchr("<|=", *descr);
    ok = ok && ((descr[1] == 'f' && (bytes == 2 || bytes == 4 || bytes == 8)) ||
                (strchr("ui", descr[1]) && (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8)) ||
                (descr[1] == 'b' && bytes == 1));
    int shown = *type == '\'' ? (int)strcspn(type + 1, "'") + 2 : 12;
    if (!ok) sb_die("%s: holds %.*s; expected little-endian numbers (f2 f4 f8, u or i of 1 to 8 bytes, b1)",
                    where, shown < 40 ? shown : 40, type);
    sb_npy_shape(a, shape, where);
    if (room != a->count * (size_t)bytes)
        sb_die("%s: %zu bytes of numbers, the header says %zu x %d", where, room, a->count, bytes);
    sb_npy_numbers(a, body, descr[1], bytes, !strncmp(order, "True", 4));
    a->whole = descr[1] != 'f';
    free(header);
}

// ---- .npz: a zip of .npy files

typedef struct {
    char *path;
    unsigned char *data;
    size_t size, first;    // of the file; where its directory begins
    int entries;
} SbNpz;

static SB_UNUSED void sb_npz_open(SbNpz *z, const char *path) {
    memset(z, 0, sizeof *z);
    z->path = sb_copy(path);
    z->data = (unsigned char *)sb_read_file(path, &z->size);
    size_t at = z->size >= 22 ? z->size - 22 : 0, lowest = z->size > 65557 ? z->size - 65557 : 0;
    while (at > lowest && memcmp(z->data + at, "PK\5\6", 4)) at--;
    if (z->size < 22 || memcmp(z->data + at, "PK\5\6", 4))
        sb_die("%s: not an .npz (a zip), or it ends early (%zu bytes)", path, z->size);
    z->entries = (int)sb_little_endian(z->data + at + 10, 2);
    z->first = (size_t)sb_little_endian(z->data + at + 16, 4);
    if (z->entries == 0xFFFF || z->first > at) sb_die("%s: the zip's directory is wrong", path);
}

static SB_UNUSED void sb_npz_close(SbNpz *z) {
    free(z->data);
    free(z->path);
    memset(z, 0, sizeof *z);
}

// The bytes of an entry whose record in the directory is e.
static void sb_npz_entry(const SbNpz *z, const unsigned char *e, SbArray *a, const char *where) {
    int flags = (int)sb_little_endian(e + 8, 2), method = (int)sb_little_endian(e + 10, 2);
    size_t packed = (size_t)sb_little_endian(e + 20, 4), size = (size_t)sb_little_endian(e + 24, 4);
    size_t at = (size_t)sb_little_endian(e + 42, 4);
    const unsigned char *d = z->data;
    if (flags & 1) sb_die("%s: is encrypted", where);
    if (method != 0 && method != 8)
        sb_die("%s: compressed by method %d; stored (0) and deflate (8) are read", where, method);
    if (at > z->size || z->size - at < 30 || memcmp(d + at, "PK\3\4", 4))
        sb_die("%s: the zip is damaged (no entry at byte %zu)", where, at);
    at += 30 + (size_t)sb_little_endian(d + at + 26, 2) + (size_t)sb_little_endian(d + at + 28, 2);
    if (at > z->size || packed > z->size - at || size > SB_READ_LIMIT || (method == 0 && size != packed) ||
        size / 1032 > packed)   // deflate makes no more of a byte
        sb_die("%s: the zip is damaged (%zu bytes at byte %zu)", where, packed, at);
    unsigned char *plain = (unsigned char *)sb_calloc(size + 1, 1);
    size_t more = z->size - at - packed < 4 ? z->size - at - packed : 4;    // stb looks two bytes ahead
    if (method == 0) memcpy(plain, d + at, size);
    else if (stbi_zlib_decode_noheader_buffer((char *)plain, (int)size, (const char *)d + at,
                                              (int)(packed + more)) != (int)size)
        sb_die("%s: the zip is damaged (it does not unpack to %zu bytes)", where, size);
    if (sb_crc(plain, size) != (uint32_t)sb_little_endian(e + 16, 4))
        sb_die("%s: the zip is damaged (its checksum fails)", where);
    sb_npy_parse(a, plain, size, where);
    free(plain);
}

// The array of a name; name NULL: the only one. 0 if there is none of that name (or, for NULL, not one).
static SB_UNUSED int sb_npz_get(const SbNpz *z, const char *name, SbArray *a) {
    size_t at = z->first;
    char *wanted = name ? sb_format("%s.npy", name) : NULL;
    int found = 0;
    for (int i = 0; i < z->entries && !found; i++) {
        const unsigned char *e = z->data + at;
        if (z->size - at < 46 || memcmp(e, "PK\1\2", 4))
            sb_die("%s: the zip's directory is damaged (byte %zu)", z->path, at);
        size_t length = (size_t)sb_little_endian(e + 28, 2);
        size_t more = length + (size_t)sb_little_endian(e + 30, 2) + (size_t)sb_little_endian(e + 32, 2);
        if (z->size - at - 46 < more) sb_die("%s: the zip's directory ends early", z->path);
        found = wanted ? strlen(wanted) == length && !memcmp(wanted, e + 46, length) : z->entries == 1;
        char *where = found ? sb_format("%s: %.*s", z->path, (int)length, (const char *)e + 46) : NULL;
        if (found) sb_npz_entry(z, e, a, where);
        free(where);
        at += 46 + more;
    }
    free(wanted);
    return found;
}

// ---- .pfm: "Pf", "width height", scale (negative: little-endian), then float rows, the bottom one first

static SB_UNUSED void sb_pfm_read(const char *path, SbArray *a) {
    size_t size;
    unsigned char *d = (unsigned char *)sb_read_file(path, &size);
    int w = 0, h = 0, used = 0;
    double scale = 0;
    memset(a, 0, sizeof *a);
    if (size < 3 || memcmp(d, "Pf", 2) || sscanf((char *)d + 2, "%d %d %lf%n", &w, &h, &scale, &used) != 3)
        sb_die("%s: not a grey .pfm (Pf, width and height, scale)", path);
    if (w < 1 || h < 1 || w > SB_IMAGE_SIDE || h > SB_IMAGE_SIDE || !(fabs(scale) > 0))
        sb_die("%s: a .pfm of %d x %d pixels and scale %g", path, w, h, scale);
    size_t head = 2 + (size_t)used + 1, count = (size_t)w * (size_t)h;
    if (size < head || size - head != 4 * count)
        sb_die("%s: %zu bytes for %d x %d floats; is the file complete?", path, size, w, h);
    a->dims = 2;
    a->dim[0] = (size_t)h;
    a->dim[1] = (size_t)w;
    a->count = count;
    a->data = (float *)sb_calloc(count, sizeof *a->data);
    for (size_t i = 0; i < count; i++) {
        const unsigned char *p = d + head + 4 * (((size_t)h - 1 - i / (size_t)w) * (size_t)w + i % (size_t)w);
        uint32_t bits = scale < 0 ? (uint32_t)sb_little_endian(p, 4) : sb_big_endian(p);
        memcpy(a->data + i, &bits, 4);
    }
    free(d);
}

// ---- by its ending

static SB_UNUSED int sb_ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

// A picture's worth of numbers, [h][w]; [1][h][w] and [h][w][1] are let pass. In an .npz: "depth", or the
// only array.
static SB_UNUSED void sb_array_picture(const char *path, SbArray *a, int *w, int *h) {
    if (sb_ends_with(path, ".pfm")) {
        sb_pfm_read(path, a);
    } else if (sb_ends_with(path, ".npy")) {
        size_t size;
        unsigned char *d = (unsigned char *)sb_read_file(path, &size);
        sb_npy_parse(a, d, size, path);
        free(d);
    } else {
        SbNpz z;
        sb_npz_open(&z, path);
        if (!sb_npz_get(&z, "depth", a) && !sb_npz_get(&z, NULL, a))
            sb_die("%s: expected an array named depth, or a single one, found %d arrays", path, z.entries);
        sb_npz_close(&z);
    }
    int first = a->dims == 3 && a->dim[0] == 1, last = a->dims == 3 && a->dim[2] == 1;
    if ((a->dims != 2 && !first && !last) || a->count == 0)
        sb_die("%s: expected numbers of height x width, found %d dimensions", path, a->dims);
    if (a->dim[first] > SB_IMAGE_SIDE || a->dim[first + 1] > SB_IMAGE_SIDE)
        sb_die("%s: more than %d numbers along a side", path, SB_IMAGE_SIDE);
    *h = (int)a->dim[first];
    *w = (int)a->dim[first + 1];
}
#endif
