// image.h: pictures in and out: 8-bit RGB, 16-bit grey PNG (depth, masks), and resizing.
//
// Refuses: what a decoder lets pass: a file cut short, a PNG whose checksums fail or that lacks its end, a
// JPEG without its end mark, a size over the limit (before memory is asked for), any format but PNG and JPEG.
// The decoder and the compressor are stb_image and stb_image_write; orientation tags are not applied. Read
// from top: stb, checking a file, loading, resizing, writing.
#ifndef SB_IMAGE_H
#define SB_IMAGE_H
#include "file.h"
#include <strings.h>

// ---- stb. A program is one translation unit, so its bodies may stand here; they are not static, because gcc
// reports every static declaration that stb leaves without a body. Its other warnings are switched off.

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wimplicit-fallthrough"
#endif
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#if __has_include(<stb/stb_image.h>)
#include <stb/stb_image.h>
#include <stb/stb_image_write.h>
#else
#include "stb_image.h"
#include "stb_image_write.h"
#endif
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#define SB_IMAGE_BYTES ((size_t)256 << 20)  // most bytes of a picture file
#define SB_IMAGE_SIDE 16384                 // most pixels along one side
#define SB_IMAGE_AREA (1 << 26)             // most pixels

// ---- checking a file

// What the head of a picture says. colour is PNG's: 0 grey, 2 RGB, 3 palette, 4 and 6 with alpha.
typedef struct { int png, bits, colour, w, h; } SbImageHead;

static SB_UNUSED uint32_t sb_big_endian(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static SB_UNUSED void sb_put_big_endian(unsigned char *p, uint32_t x) {
    for (int i = 0; i < 4; i++) p[i] = (unsigned char)(x >> (24 - 8 * i));
}

// CRC-32 as PNG uses it (polynomial EDB88320, reflected).
static SB_UNUSED uint32_t sb_crc(const unsigned char *data, size_t size) {
    uint32_t table[256], crc = 0xFFFFFFFFu;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int k = 0; k < 8; k++) table[i] = (table[i] >> 1) ^ (table[i] & 1 ? 0xEDB88320u : 0);
    }
    for (size_t i = 0; i < size; i++) crc = (crc >> 8) ^ table[(crc ^ data[i]) & 255];
    return ~crc;
}

// Every chunk of a PNG: within the file, checksum right, IHDR first, at least one IDAT, IEND last.
static SB_UNUSED SbImageHead sb_png_check(const unsigned char *d, size_t size, const char *path) {
    SbImageHead head = {1, 0, 0, 0, 0};
    size_t at = 8;
    for (int chunks = 0, pixels = 0;; chunks++) {
        if (size - at < 12) sb_die("%s: the PNG ends early (%zu bytes); is the file complete?", path, size);
        size_t length = sb_big_endian(d + at);
        const unsigned char *type = d + at + 4, *body = d + at + 8;
        if (length > size - at - 12)
            sb_die("%s: the PNG ends early (%zu bytes), inside a chunk of %zu", path, size, length);
        if (sb_crc(type, length + 4) != sb_big_endian(body + length))
            sb_die("%s: the PNG is damaged (a checksum fails at byte %zu)", path, at);
        int is_head = !memcmp(type, "IHDR", 4);
        if (is_head != (chunks == 0) || (is_head && length != 13))
            sb_die("%s: the PNG's header is wrong", path);
        if (is_head) {
            uint32_t w = sb_big_endian(body), h = sb_big_endian(body + 4);
            head.w = w > INT32_MAX ? INT32_MAX : (int)w;
            head.h = h > INT32_MAX ? INT32_MAX : (int)h;
            head.bits = body[8];
            head.colour = body[9];
        }
        pixels |= !memcmp(type, "IDAT", 4);
        at += length + 12;
        if (!memcmp(type, "IEND", 4)) {
            if (!pixels) sb_die("%s: the PNG holds no pixels", path);
            if (at != size) sb_die("%s: %zu bytes after the end of the PNG", path, size - at);
            return head;
        }
    }
}

// The Huffman tables of a DHT segment: each is a byte, 16 counts, and as many values as they say, at most
// 256. Some versions of stb write past their tables otherwise. Their bits are added to *known: 1 << the
// byte's class (0 DC, 1 AC) * 4 + number.
static SB_UNUSED int sb_jpeg_tables_fit(const unsigned char *d, size_t size, unsigned *known) {
    while (size > 0) {
        size_t values = 0;
        if (size < 17) return 0;
        for (int i = 1; i <= 16; i++) values += d[i];
        if (values > 256 || size < 17 + values || *d >> 4 > 1 || (*d & 15) > 3) return 0;
        *known |= 1u << ((*d >> 4) * 4 + (*d & 15));
        d += 17 + values;
        size -= 17 + values;
    }
    return 1;
}

// Are the tables known that a scan (an SOS segment: components, then which of their coefficients) decodes
// with? Some versions of stb read memory that nobody set otherwise.
static SB_UNUSED int sb_jpeg_scan_fits(const unsigned char *d, size_t size, int progressive, unsigned known) {
    size_t parts = size ? d[0] : 0;
    if (size != 4 + 2 * parts) return 0;
    const unsigned char *last = d + 1 + 2 * parts;      // first and last coefficient, bits before and now
    int dc = !progressive || (last[0] == 0 && last[2] >> 4 == 0), ac = !progressive || last[0] > 0;
    for (size_t i = 0; i < parts; i++) {
        int table = d[2 + 2 * i];
        if ((dc && !(known >> (table >> 4 & 15) & 1)) || (table >> 4) > 3) return 0;
        if ((ac && !(known >> (4 + (table & 15)) & 1)) || (table & 15) > 3) return 0;
    }
    return 1;
}

// Segment by segment through a JPEG to its end mark. Bytes after that one are let pass: cameras write some.
static SB_UNUSED SbImageHead sb_jpeg_check(const unsigned char *d, size_t size, const char *path) {
    SbImageHead head = {0, 0, 0, 0, 0};
    int scans = 0, progressive = 0;
    unsigned tables = 0;
    for (size_t at = 2; at + 1 < size;) {
        int mark = d[at + 1];
        if (d[at] != 0xFF) sb_die("%s: the JPEG is damaged (no marker at byte %zu)", path, at);
        if (mark == 0xFF) {  // filler
            at++;
            continue;
        }
        if (mark == 0xD9) {
            if (!scans || !head.w) sb_die("%s: the JPEG holds no pixels", path);
            return head;
        }
        at += 2;
        size_t length = size - at >= 2 ? (size_t)d[at] << 8 | d[at + 1] : 0;
        if (length < 2 || length > size - at) break;
        if (mark >= 0xC0 && mark <= 0xCF && mark != 0xC4 && mark != 0xC8 && mark != 0xCC) {
            if (length < 8 || head.w) sb_die("%s: the JPEG's header is wrong", path);
            progressive = mark == 0xC2;
            head.bits = d[at + 2];
            head.h = d[at + 3] << 8 | d[at + 4];
            head.w = d[at + 5] << 8 | d[at + 6];
        }
        if (mark == 0xC4 && !sb_jpeg_tables_fit(d + at + 2, length - 2, &tables))
            sb_die("%s: the JPEG is damaged (a table at byte %zu does not fit)", path, at);
        if (mark == 0xDA && !sb_jpeg_scan_fits(d + at + 2, length - 2, progressive, tables))
            sb_die("%s: the JPEG is damaged (the scan at byte %zu lacks a table)", path, at);
        at += length;
        if (mark != 0xDA) continue;
        scans++;  // coded pixels follow, in which FF is followed by 00 or a restart mark
        while (at + 1 < size && !(d[at] == 0xFF && d[at + 1] && (d[at + 1] < 0xD0 || d[at + 1] > 0xD7))) at++;
    }
    sb_die("%s: the JPEG ends early, after %zu bytes; is the file complete?", path, size);
}

// Read a picture file and check all of it that can be checked without decoding. free() the bytes.
static SB_UNUSED unsigned char *sb_image_bytes(const char *path, size_t *size, SbImageHead *head) {
    unsigned char *d = (unsigned char *)sb_read_file_limit(path, SB_IMAGE_BYTES, size);
    if (*size >= 8 && !memcmp(d, "\x89PNG\r\n\x1a\n", 8)) *head = sb_png_check(d, *size, path);
    else if (*size >= 3 && !memcmp(d, "\xFF\xD8\xFF", 3)) *head = sb_jpeg_check(d, *size, path);
    else sb_die("%s: neither a PNG nor a JPEG (%zu bytes)", path, *size);
    if (head->w < 1 || head->h < 1) sb_die("%s: the picture has a size of %d x %d", path, head->w, head->h);
    if (head->w > SB_IMAGE_SIDE || head->h > SB_IMAGE_SIDE || (int64_t)head->w * head->h > SB_IMAGE_AREA)
        sb_die("%s: %d x %d pixels; the limits are %d a side and %d in all", path, head->w, head->h,
               SB_IMAGE_SIDE, SB_IMAGE_AREA);
    return d;
}

// Do the first bytes of a file say PNG or JPEG?
static SB_UNUSED int sb_is_image(const char *path) {
    unsigned char d[8] = {0};
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(d, 1, sizeof d, f) : 0;
    if (f) fclose(f);
    return (n == 8 && !memcmp(d, "\x89PNG\r\n\x1a\n", 8)) || (n >= 3 && !memcmp(d, "\xFF\xD8\xFF", 3));
}

// ---- loading: each returns memory to free(), and the size

// Does a file's name end as a picture's?
static SB_UNUSED int sb_is_picture(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && (!strcasecmp(dot, ".png") || !strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".jpeg"));
}

static SB_UNUSED SB_NORETURN void sb_image_damaged(const char *path) {
    sb_die("%s: the picture is damaged (%s)", path, stbi_failure_reason());
}

// Any PNG or JPEG as [h][w][3] bytes, as stored (no gamma, no orientation); without alpha, 16 bits cut to 8.
static SB_UNUSED unsigned char *sb_image_load(const char *path, int *w, int *h) {
    size_t size;
    SbImageHead head;
    int channels;
    unsigned char *file = sb_image_bytes(path, &size, &head);
    unsigned char *rgb = stbi_load_from_memory(file, (int)size, w, h, &channels, 3);
    if (!rgb) sb_image_damaged(path);
    free(file);
    return rgb;
}

// A grey PNG as [h][w] values as they are stored: 16 bits or, where allow_8 is set, also 8.
static SB_UNUSED unsigned short *sb_grey_read(const char *path, int allow_8, int *w, int *h) {
    size_t size;
    SbImageHead head;
    int channels;
    unsigned char *file = sb_image_bytes(path, &size, &head);
    if (!head.png || head.colour != 0 || !(head.bits == 16 || (allow_8 && head.bits == 8)))
        sb_die("%s: expected a grey PNG of %s16 bits, found %s %s of %d bits", path, allow_8 ? "8 or " : "",
               head.png && head.colour == 0 ? "a grey" : "a colour", head.png ? "PNG" : "JPEG", head.bits);
    unsigned short *grey = NULL;
    if (head.bits == 16) {
        grey = stbi_load_16_from_memory(file, (int)size, w, h, &channels, 1);
        if (!grey) sb_image_damaged(path);
    } else {
        unsigned char *bytes = stbi_load_from_memory(file, (int)size, w, h, &channels, 1);
        if (!bytes) sb_image_damaged(path);
        size_t count = (size_t)*w * (size_t)*h;
        grey = (unsigned short *)sb_calloc(count, sizeof *grey);
        for (size_t i = 0; i < count; i++) grey[i] = bytes[i];
        free(bytes);
    }
    free(file);
    return grey;
}

// Depth: 16-bit grey PNG, exact.
static SB_UNUSED unsigned short *sb_png16_read(const char *path, int *w, int *h) {
    return sb_grey_read(path, 0, w, h);
}

// Object masks: 8- or 16-bit grey PNG, the ids as stored.
static SB_UNUSED unsigned short *sb_mask_read(const char *path, int *w, int *h) {
    return sb_grey_read(path, 1, w, h);
}

// ---- resizing

// What one output pixel takes along one axis: count input pixels from first on, with whole-number weights.
typedef struct { int first, count; } SbTap;

// Axis of n pixels onto m. Both lie on the same interval (pixel i of n covers [i/n, (i+1)/n]). Shrinking: a
// pixel is the mean over the interval it covers; growing: linear between the two nearest pixel centres. Whole
// numbers throughout, so the result is the same everywhere: the weights [m][span] of a pixel sum to *total.
static SB_UNUSED uint32_t *sb_resize_taps(int n, int m, SbTap *tap, int *span, uint32_t *total) {
    *span = m < n ? n / m + 2 : 2;
    *total = m < n ? (uint32_t)n : 2u * (uint32_t)m;
    uint32_t *weight = (uint32_t *)sb_calloc((size_t)m * (size_t)*span, sizeof *weight);
    for (int i = 0; i < m; i++) {
        uint32_t *w = weight + (size_t)i * (size_t)*span;
        if (m < n) {  // in units of 1/(n m): the pixel covers [i n, (i+1) n], input pixel j [j m, (j+1) m]
            int64_t low = (int64_t)i * n, high = low + n;
            tap[i].first = (int)(low / m);
            for (int64_t j = tap[i].first; j * m < high; j++) {
                int64_t a = j * m > low ? j * m : low, b = (j + 1) * m < high ? (j + 1) * m : high;
                w[tap[i].count++] = (uint32_t)(b - a);
            }
        } else {      // in units of 1/(2 m): the centre lies at ((2 i + 1) n - m) / (2 m) input pixels
            int64_t at = (2 * (int64_t)i + 1) * n - m, end = 2 * (int64_t)(n - 1) * m;
            at = at < 0 ? 0 : at > end ? end : at;
            tap[i].first = (int)(at / (2 * m));
            tap[i].count = tap[i].first + 1 < n ? 2 : 1;
            w[1] = (uint32_t)(at % (2 * m));
            w[0] = *total - w[1];
        }
    }
    return weight;
}

// src [h][w][3] onto dst [H][W][3] (other memory), each axis as sb_resize_taps says, rounded to nearest.
static SB_UNUSED void sb_image_resize(const unsigned char *src, int w, int h, unsigned char *dst, int W,
                                      int H) {
    int span_x, span_y;
    uint32_t total_x, total_y;
    if (w < 1 || h < 1 || W < 1 || H < 1) sb_die("cannot resize %d x %d pixels to %d x %d", w, h, W, H);
    SbTap *tap_x = (SbTap *)sb_calloc((size_t)W, sizeof *tap_x);
    SbTap *tap_y = (SbTap *)sb_calloc((size_t)H, sizeof *tap_y);
    uint32_t *weight_x = sb_resize_taps(w, W, tap_x, &span_x, &total_x);
    uint32_t *weight_y = sb_resize_taps(h, H, tap_y, &span_y, &total_y);
    uint32_t *rows = (uint32_t *)sb_calloc((size_t)h * (size_t)W, 3 * sizeof *rows);  // [h][W][3] * total_x
    for (int y = 0; y < h; y++)
        for (int x = 0; x < W; x++)
            for (int k = 0; k < tap_x[x].count; k++)
                for (int c = 0; c < 3; c++)
                    rows[((size_t)y * (size_t)W + (size_t)x) * 3 + (size_t)c] += weight_x[x * span_x + k] *
                        src[((size_t)y * (size_t)w + (size_t)(tap_x[x].first + k)) * 3 + (size_t)c];
    uint64_t total = (uint64_t)total_x * total_y;
    size_t line = (size_t)W * 3;
    for (int y = 0; y < H; y++)
        for (size_t i = 0; i < line; i++) {
            uint64_t sum = total / 2;
            for (int k = 0; k < tap_y[y].count; k++)
                sum += (uint64_t)weight_y[y * span_y + k] * rows[(size_t)(tap_y[y].first + k) * line + i];
            dst[(size_t)y * line + i] = (unsigned char)(sum / total);
        }
    free(rows);
    free(weight_x);
    free(weight_y);
    free(tap_x);
    free(tap_y);
}

// ---- writing: atomic, as all files

// [h][w][channels] bytes (1 grey, 3 RGB) as a PNG in memory; free() it.
static SB_UNUSED unsigned char *sb_png_encode(const unsigned char *pixels, int w, int h, int channels,
                                              int *size) {
    if (w < 1 || h < 1 || w > SB_IMAGE_SIDE || h > SB_IMAGE_SIDE || (int64_t)w * h > SB_IMAGE_AREA)
        sb_die("cannot write a PNG of %d x %d pixels", w, h);
    unsigned char *png = stbi_write_png_to_mem(pixels, w * channels, w, h, channels, size);
    if (!png) sb_die("out of memory: a PNG of %d x %d pixels", w, h);
    return png;
}

// durable: see SbWriter.
static SB_UNUSED void sb_image_save(const char *path, const void *data, int size, int durable) {
    SbWriter w;
    sb_write_open(&w, path);
    w.durable = durable;
    sb_write(&w, data, (size_t)size);
    sb_write_close(&w);
}

// [h][w][3] bytes as a PNG file.
static SB_UNUSED void sb_png_write(const char *path, const unsigned char *rgb, int w, int h) {
    int size;
    unsigned char *png = sb_png_encode(rgb, w, h, 3, &size);
    sb_image_save(path, png, size, 1);
    free(png);
}

// [h][w] 16-bit values as a grey PNG in memory; free() it. To PNG's filters and compression a row of 16-bit
// grey is the same bytes as a row of 8-bit grey with alpha, so it is encoded as that and then its header is
// set right.
static SB_UNUSED unsigned char *sb_png16_encode(const unsigned short *grey, int w, int h, int *size) {
    size_t count = (size_t)w * (size_t)h;
    unsigned char *bytes = (unsigned char *)sb_calloc(count, 2);
    for (size_t i = 0; i < count; i++) {
        bytes[2 * i] = (unsigned char)(grey[i] >> 8);
        bytes[2 * i + 1] = (unsigned char)(grey[i] & 255);
    }
    unsigned char *png = sb_png_encode(bytes, w, h, 2, size);
    png[24] = 16;  // IHDR, from byte 12: type, width, height, bits, colour type, ...; its checksum at byte 29
    png[25] = 0;
    sb_put_big_endian(png + 29, sb_crc(png + 12, 17));
    free(bytes);
    return png;
}

static SB_UNUSED void sb_png16_write(const char *path, const unsigned short *grey, int w, int h) {
    int size;
    unsigned char *png = sb_png16_encode(grey, w, h, &size);
    sb_image_save(path, png, size, 1);
    free(png);
}
#endif
