// page.h: one HTML file with nothing outside it: text, pictures, charts; and the CSV tables that it shows.
//
// Refuses: to load or link anything, to know what the figures mean. Pictures are PNGs inside the page, charts
// are SVG in the page's own colours, so that they follow the reader's light or dark.
// Read from top: CSV in, pieces of HTML, colours of numbers, charts, the style sheet, the script.
#ifndef SB_PAGE_H
#define SB_PAGE_H
#include "file.h"
#include "image.h"

// ---- CSV: plain cells, no quotes; a first line of names; a line that is short (being written) is left out

// cell [1 + rows][columns], the names first. notes: lines with # in front of it, or NULL.
typedef struct { char *text, **cell, *notes; int rows, columns; } SbCsv;

// names: the first line of a file that does not state it, or NULL. Returns 0 if there is no file or no line
// in it.
static SB_UNUSED int sb_csv_read(SbCsv *c, const char *path, const char *names) {
    memset(c, 0, sizeof *c);
    if (!sb_exists(path)) return 0;
    char *file = sb_read_file(path, NULL), *body = file;
    while (*body == '#' && strchr(body, '\n')) body = strchr(body, '\n') + 1;
    if (body > file) c->notes = sb_format("%.*s", (int)(body - file), file);
    c->text = names ? sb_format("%s\n%s", names, body) : sb_copy(body);
    free(file);
    c->columns = 1;
    for (const char *s = c->text; *s && *s != '\n'; s++) c->columns += *s == ',';
    int lines = 1;
    for (const char *s = c->text; *s; s++) lines += *s == '\n';
    c->cell = (char **)sb_calloc((size_t)lines * (size_t)c->columns, sizeof *c->cell);
    c->rows = -1;
    for (char *at = c->text, *end; *at && (end = strchr(at, '\n')); at = end + 1) {
        int n = 0;
        *end = 0;
        for (char *s = at; s && n < c->columns; n++) {
            c->cell[(c->rows + 1) * c->columns + n] = s;
            s = strchr(s, ',');
            if (s) *s++ = 0;
        }
        c->rows += n == c->columns;
    }
    if (c->rows >= 0) return 1;
    free(c->text), free(c->cell), free(c->notes);
    return 0;
}
static SB_UNUSED void sb_csv_free(SbCsv *c) { free(c->text), free(c->cell), free(c->notes); }

// Cell of a row (0..rows-1) by the column's name; "" if there is no such column.
static SB_UNUSED const char *sb_csv_text(const SbCsv *c, int row, const char *name) {
    for (int i = 0; i < c->columns; i++)
        if (!strcmp(c->cell[i], name)) return c->cell[(row + 1) * c->columns + i];
    return "";
}
// The same as a number; NaN if it is none.
static SB_UNUSED double sb_csv_number(const SbCsv *c, int row, const char *name) {
    const char *text = sb_csv_text(c, row, name);
    char *end;
    double v = strtod(text, &end);
    return end == text || *end ? NAN : v;
}
// The last row whose cell in the first column is `key`, -1: none.
static SB_UNUSED int sb_csv_find(const SbCsv *c, const char *key) {
    for (int i = c->rows - 1; i >= 0; i--)
        if (!strcmp(c->cell[(i + 1) * c->columns], key)) return i;
    return -1;
}

// ---- pieces of HTML

static SB_UNUSED void sb_html(SbText *t, const char *html) { sb_text_bytes(t, html, strlen(html)); }

// Plain text: what HTML would take for markup is written out.
static SB_UNUSED void sb_html_text(SbText *t, const char *text) {
    for (const char *s = text; *s; s++)
        if (strchr("&<>\"", *s)) sb_text_add(t, "&#%d;", *s);
        else sb_text_bytes(t, s, 1);
}
// A number with a proper minus sign; plus: and a plus sign.
static SB_UNUSED void sb_html_number(SbText *t, double v, int digits, int plus) {
    char text[64];
    snprintf(text, sizeof text, "%.*f", digits, fabs(v));
    int zero = strspn(text, "0.") == strlen(text);
    sb_text_add(t, "%s%s", zero ? "" : v < 0 ? "\xE2\x88\x92" : plus ? "+" : "", text);
}
static SB_UNUSED void sb_html_base64(SbText *t, const unsigned char *data, size_t size) {
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        unsigned bits = 0;
        char four[4];
        for (size_t k = 0; k < 3; k++) bits = bits << 8 | (i + k < size ? data[i + k] : 0);
        for (size_t k = 0; k < 4; k++) four[k] = i + k > size ? '=' : digit[bits >> (18 - 6 * k) & 63];
        sb_text_bytes(t, four, 4);
    }
}
// rgb [h][w][3] as a picture; alt: what it shows.
static SB_UNUSED void sb_html_picture(SbText *t, const unsigned char *rgb, int w, int h, const char *alt) {
    int size;
    unsigned char *png = sb_png_encode(rgb, w, h, 3, &size);
    sb_text_add(t, "<img width=%d height=%d alt=\"", w, h);
    sb_html_text(t, alt);
    sb_html(t, "\" src=\"data:image/png;base64,");
    sb_html_base64(t, png, (size_t)size);
    sb_html(t, "\">");
    free(png);
}

// ---- colours of numbers

// From dark violet (0) over green to yellow (1), of even steps in lightness.
enum { SB_HEATS = 9 };
static SB_UNUSED const unsigned char sb_heat[SB_HEATS][3] = {
    {68, 1, 84}, {71, 45, 123}, {59, 82, 139}, {44, 114, 142}, {33, 145, 140}, {40, 174, 128}, {94, 201, 98},
    {173, 220, 48}, {253, 231, 37}};
static SB_UNUSED void sb_heat_colour(double x, unsigned char rgb[3]) {
    double at = fmin(fmax(x, 0), 1) * (SB_HEATS - 1);
    int i = at >= SB_HEATS - 1 ? SB_HEATS - 2 : (int)at;
    for (int k = 0; k < 3; k++)
        rgb[k] = (unsigned char)(sb_heat[i][k] + (at - i) * (sb_heat[i + 1][k] - sb_heat[i][k]) + .5);
}

// ---- charts: SVG that takes its colours from the page

enum { SB_CHART_W = 340, SB_CHART_H = 170, SB_CHART_LEFT = 40, SB_CHART_TOP = 10, SB_CHART_BOTTOM = 146 };

typedef struct { double x0, x1, y0, y1; } SbFrame;          // what the corners of a chart's plane stand for
static SB_UNUSED double sb_frame_x(const SbFrame *f, double x) {
    return SB_CHART_LEFT + (x - f->x0) / (f->x1 - f->x0) * (SB_CHART_W - 8 - SB_CHART_LEFT);
}
static SB_UNUSED double sb_frame_y(const SbFrame *f, double y) {
    return SB_CHART_BOTTOM - (y - f->y0) / (f->y1 - f->y0) * (SB_CHART_BOTTOM - SB_CHART_TOP);
}
// label: for readers who hear the page. numbers: 0 leaves out those of the y axis.
static SB_UNUSED void sb_chart_begin(SbText *t, const SbFrame *f, const char *label, int numbers) {
    sb_text_add(t, "<svg viewBox=\"0 0 %d %d\" role=img aria-label=\"", SB_CHART_W, SB_CHART_H);
    sb_html_text(t, label);
    sb_html(t, "\">\n");
    for (int i = 0; i <= 2; i += numbers ? 1 : 2) {
        double y = f->y0 + (f->y1 - f->y0) * i / 2, x = f->x0 + (f->x1 - f->x0) * i / 2;
        sb_text_add(t, "<path class=rule d=\"M%d %.1fH%d\"/>", SB_CHART_LEFT, sb_frame_y(f, y),
                    SB_CHART_W - 8);
        if (numbers) sb_text_add(t, "<text x=%d y=%.1f text-anchor=end>%.3g</text>", SB_CHART_LEFT - 6,
                                 sb_frame_y(f, y) + 4, y);
        sb_text_add(t, "<text x=%.1f y=%d text-anchor=%s>%g</text>\n", sb_frame_x(f, x), SB_CHART_BOTTOM + 17,
                    i == 2 ? "end" : i ? "middle" : "start", x);
    }
}
static SB_UNUSED void sb_chart_upright(SbText *t, const SbFrame *f, double x) {
    sb_text_add(t, "<path class=half d=\"M%.1f %dV%d\"/>\n", sb_frame_x(f, x), SB_CHART_TOP, SB_CHART_BOTTOM);
}
// A line through n points; those that are not numbers are left out. dots: points as well.
static SB_UNUSED void sb_chart_line(SbText *t, const SbFrame *f, const double *x, const double *y, int n,
                                    const char *style, int dots) {
    sb_text_add(t, "<path class=\"line %s\" d=\"", style);
    for (int i = 0, some = 0; i < n; i++)
        if (isfinite(y[i]))
            sb_text_add(t, "%c%.1f %.1f", some++ ? 'L' : 'M', sb_frame_x(f, x[i]), sb_frame_y(f, y[i]));
    sb_html(t, "\"/>\n");
    for (int i = 0; i < n && dots; i++)
        if (isfinite(y[i]))
            sb_text_add(t, "<circle class=%s cx=%.1f cy=%.1f r=2.5 />", style, sb_frame_x(f, x[i]),
                        sb_frame_y(f, y[i]));
}
// Loss of a training log: the training loss smoothed over a fiftieth of the run, and the validation loss.
static SB_UNUSED void sb_chart_losses(SbText *t, const SbCsv *log, const char *name) {
    enum { POINTS = 160 };
    int n = log->rows, every = n / POINTS + 1, kept = 0, valids = 0;
    double *x = (double *)sb_calloc((size_t)(4 * (n + 1)), sizeof *x), *y = x + n + 1;
    double *vx = y + n + 1, *vy = vx + n + 1;
    SbFrame f = {0, 1, 1e30, -1e30};
    double smooth = 0, decay = 1 - 1 / (1 + n / 50.);
    for (int i = 0; i < n; i++) {
        double step = sb_csv_number(log, i, "step"), loss = sb_csv_number(log, i, "loss");
        double valid = sb_csv_number(log, i, "valid_loss");
        smooth = i ? decay * smooth + (1 - decay) * loss : loss;
        f.x1 = step;
        if (i % every == every - 1 || i == n - 1) x[kept] = step, y[kept++] = smooth;
        if (isfinite(valid)) vx[valids] = step, vy[valids++] = valid;
    }
    for (int i = 0; i < kept; i++) f.y0 = fmin(f.y0, y[i]), f.y1 = fmax(f.y1, y[i]);
    for (int i = 0; i < valids; i++) f.y0 = fmin(f.y0, vy[i]), f.y1 = fmax(f.y1, vy[i]);
    if (kept && isfinite(f.y1) && f.y1 > f.y0) {
        char *label = sb_format("loss of stage %s over its steps", name);
        sb_html(t, "<figure>");
        sb_chart_begin(t, &f, label, 1);
        sb_chart_line(t, &f, x, y, kept, "train", 0);
        sb_chart_line(t, &f, vx, vy, valids, "valid", 1);
        sb_text_add(t, "</svg><figcaption><b>%s</b>, %g steps", name, f.x1);
        if (valids) sb_text_add(t, "; validation at the end %.3f", vy[valids - 1]);
        sb_html(t, "</figcaption></figure>\n");
        free(label);
    }
    free(x);
}
// Histogram of n values as a closed shape in the frame's x range, scaled to its y range.
static SB_UNUSED void sb_chart_histogram(SbText *t, const SbFrame *f, const double *v, int n,
                                         const char *style) {
    enum { BINS = 48 };
    int count[BINS] = {0}, most = 1;
    for (int i = 0; i < n; i++) {
        double at = (v[i] - f->x0) / (f->x1 - f->x0) * BINS;
        if (at >= 0 && at <= BINS) count[at >= BINS ? BINS - 1 : (int)at]++;
    }
    for (int k = 0; k < BINS; k++) if (count[k] > most) most = count[k];
    sb_text_add(t, "<path class=\"%s\" d=\"M%.1f %.1f", style, sb_frame_x(f, f->x0), sb_frame_y(f, f->y0));
    for (int k = 0; k < BINS; k++) {
        double x0 = f->x0 + (f->x1 - f->x0) * k / BINS, x1 = f->x0 + (f->x1 - f->x0) * (k + 1) / BINS;
        double y = f->y0 + (f->y1 - f->y0) * count[k] / most;
        sb_text_add(t, "L%.1f %.1fH%.1f", sb_frame_x(f, x0), sb_frame_y(f, y), sb_frame_x(f, x1));
    }
    sb_text_add(t, "V%.1fZ\"/>\n", sb_frame_y(f, f->y0));
}

// ---- the page around it

static SB_UNUSED const char sb_page_style[] =
    ":root { color-scheme: light dark; --paper: #fdfdfb; --ink: #1c1f22; --soft: #646b73; --rule: #e3e2dc;\n"
    "  --wash: #f4f3ee; --boost: #1f5fa8; --control: #b26a00; --good: #1d7a4a; --bad: #b3372f;\n"
    "  --sans: system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif }\n"
    "@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --ink: #e8e6e1; --soft: #9da3aa;\n"
    "  --rule: #2e3237; --wash: #1e2125; --boost: #7fb4f0; --control: #e3ab5c; --good: #6fca96;\n"
    "  --bad: #f0857c } }\n"
    "* { box-sizing: border-box }\n"
    "body { margin: 0 auto; max-width: 70rem; padding: 3.5rem 1.25rem 5rem; background: var(--paper);\n"
    "  color: var(--ink); font: 1.0625rem/1.6 Charter, 'Bitstream Charter', 'Iowan Old Style', Georgia,\n"
    "  serif; -webkit-text-size-adjust: 100% }\n"
    "header, p, h2, .note { max-width: 42rem }\n"
    "h1 { font-size: 2.1rem; line-height: 1.2; font-weight: 600; margin: .3rem 0 1rem;\n"
    "  letter-spacing: -.01em }\n"
    "h2 { font-size: 1.3rem; line-height: 1.3; font-weight: 600; margin: 3.5rem 0 .6rem }\n"
    "h3 { font: 600 .875rem/1.4 var(--sans); margin: 2.4rem 0 .4rem }\n"
    ".lead { font-size: 1.2rem; line-height: 1.55 }\n"
    ".kicker, figcaption, table, .small, .cells, summary, .note { font: .8125rem/1.5 var(--sans) }\n"
    ".kicker, figcaption, .small, .se { color: var(--soft) }\n"
    ".note { border: 1px solid var(--control); border-left-width: 4px; padding: .6rem .9rem;\n"
    "  margin: 1.5rem 0 }\n"
    ".big { display: grid; grid-template-columns: repeat(3, 1fr); gap: 2rem; margin: 2.2rem 0 1.4rem;\n"
    "  max-width: 58rem }\n"
    ".big div { border-top: 2px solid var(--ink); padding-top: .7rem }\n"
    ".big b { display: block; font: 600 2.6rem/1.1 var(--sans); letter-spacing: -.02em }\n"
    ".big small { font-size: 1rem; font-weight: 400; color: var(--soft); letter-spacing: 0;\n"
    "  white-space: nowrap }\n"
    ".big span { display: block; font: .875rem/1.45 var(--sans); margin-top: .45rem }\n"
    ".big .boost b { color: var(--boost) }\n"
    ".big .control b { color: var(--control) }\n"
    ".wide { overflow-x: auto; margin: 1rem 0 }\n"
    "table { border-collapse: collapse; font-variant-numeric: tabular-nums; min-width: 60% }\n"
    "th, td { text-align: right; padding: .42rem .75rem; border-bottom: 1px solid var(--rule);\n"
    "  white-space: nowrap }\n"
    "th { font-weight: 600; vertical-align: bottom; border-bottom-color: var(--soft) }\n"
    "thead tr + tr th:first-child { text-align: right; padding-left: .75rem }\n"
    "th.over { text-align: center; border-bottom-color: var(--rule) }\n"
    "th:first-child, td:first-child { text-align: left; padding-left: 0 }\n"
    ".talk td, .talk th { text-align: left; white-space: normal }\n"
    ".talk td:first-child { min-width: 13rem }\n"
    ".talk tr[tabindex] { cursor: pointer }\n"
    ".talk tr:focus, .talk tr[tabindex]:hover { background: var(--wash); outline: 0 }\n"
    ".se { font-size: .75rem }\n"
    ".good { color: var(--good) }\n"
    ".bad { color: var(--bad) }\n"
    ".rooms { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 31rem), 1fr));\n"
    "  gap: 2.6rem 2.4rem; align-items: start; margin: 1.6rem 0 }\n"
    ".room { display: grid; grid-template-columns: minmax(0, 1.35fr) minmax(0, 3fr); gap: .5rem 1.1rem;\n"
    "  align-items: start }\n"
    ".room > h3 { grid-column: 1 / -1; margin: 0 }\n"
    ".sees, .cells { display: grid; gap: .4rem }\n"
    ".cells { grid-template-columns: repeat(3, minmax(0, 1fr)); color: var(--soft) }\n"
    ".cells b { color: var(--ink); font-weight: 600 }\n"
    ".cells p { grid-column: 1 / -1; margin: 0 0 -.25rem }\n"
    "figure { margin: 0 }\n"
    ".grid { position: relative; display: block; overflow: hidden; border-radius: 3px; cursor: crosshair;\n"
    "  background: var(--wash); aspect-ratio: var(--shape) }\n"
    ".grid img, .grid canvas { display: block; width: 100%; height: 100%; image-rendering: pixelated }\n"
    ".grid::after, .two .grid::before { content: ''; position: absolute; pointer-events: none;\n"
    "  width: calc(100% / var(--n)); height: calc(100% / var(--n)); border: 2px solid #fff;\n"
    "  border-radius: 2px; outline: 1px solid #000; outline-offset: -3px;\n"
    "  left: calc(100% * var(--x) / var(--n)); top: calc(100% * var(--y) / var(--n)) }\n"
    ".two .grid::before { left: calc(100% * var(--u) / var(--n)); top: calc(100% * var(--v) / var(--n));\n"
    "  border-style: dashed }\n"
    ".tile img { display: block; width: 100%; height: auto; image-rendering: pixelated;\n"
    "  border-radius: 3px }\n"
    ".pair { grid-template-columns: 1fr 1fr }\n"
    ".pair .asked { grid-column: 1 / -1 }\n"
    ".asked img { outline: 2px solid var(--boost); outline-offset: 1px }\n"
    ".reel { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 2fr); gap: 1rem 2rem;\n"
    "  max-width: 48rem; margin: 1.2rem 0; font: .8125rem/1.5 var(--sans) }\n"
    ".film { display: block; overflow: hidden; border-radius: 3px }\n"
    ".film img { display: block; width: calc(100% * var(--frames)); max-width: none; height: auto;\n"
    "  image-rendering: pixelated; transform: translateX(calc(-100% / var(--frames) * var(--at))) }\n"
    ".turn input { display: block; width: 100%; accent-color: var(--boost) }\n"
    ".turn output { display: block; min-height: 3em; color: var(--soft) }\n"
    ".plan { max-height: 12rem }\n"
    ".plan .rule { stroke: var(--soft); stroke-width: .4 }\n"
    ".thing { fill: var(--rule) }\n"
    ".seen { fill: var(--control); opacity: .6 }\n"
    ".turning { fill: var(--boost); opacity: .8;\n"
    "  transform: rotate(calc(-1turn / var(--frames) * var(--at))) }\n"
    ".grid:focus-visible { outline: 3px solid var(--boost); outline-offset: 2px }\n"
    ".bar { display: flex; align-items: center; gap: .6rem; max-width: 30rem }\n"
    ".ramp { flex: 1; height: .6rem; border-radius: 2px }\n"
    ".charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr));\n"
    "  gap: 1.4rem 2rem; margin: 1rem 0 }\n"
    ".charts.four { grid-template-columns: repeat(auto-fill, minmax(min(100%, 14.5rem), 1fr)) }\n"
    "svg { display: block; width: 100%; height: auto; overflow: visible }\n"
    "svg text { font: 11px var(--sans); fill: var(--soft) }\n"
    ".rule { stroke: var(--rule); fill: none }\n"
    ".half { stroke: var(--soft); stroke-dasharray: 2 3; fill: none }\n"
    ".line { fill: none; stroke-width: 1.6; stroke-linejoin: round }\n"
    ".train { stroke: var(--soft) }\n"
    ".valid { stroke: var(--boost) }\n"
    ".copy { stroke: var(--control) }\n"
    ".mean { stroke: var(--soft); stroke-dasharray: 4 3 }\n"
    "circle.train, circle.mean { fill: var(--soft); stroke: none }\n"
    "circle.copy { fill: var(--control); stroke: none }\n"
    ".key .dashed { width: 2.2em; height: 0; border-top: 2px dashed var(--soft); vertical-align: middle }\n"
    "circle.valid { fill: var(--boost); stroke: none }\n"
    ".filled { fill: var(--boost); opacity: .75 }\n"
    ".outlined { fill: none; stroke: var(--control); stroke-width: 1.3 }\n"
    ".key i { display: inline-block; width: 1.4em; height: .55em; margin: 0 .35em 0 .9em;\n"
    "  border-radius: 1px }\n"
    ".key i:first-child { margin-left: 0 }\n"
    ".time td:nth-child(2) { width: 40%; min-width: 7rem }\n"
    ".time i { display: block; height: .6rem; min-width: 1px; border-radius: 2px; background: var(--boost);\n"
    "  opacity: .75 }\n"
    "pre { font: .8125rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;\n"
    "  white-space: pre-wrap;\n"
    "  overflow-wrap: anywhere; background: var(--wash); padding: .8rem 1rem; border-radius: 4px }\n"
    "summary { cursor: pointer }\n"
    "@media (max-width: 640px) {\n"
    "  body { padding-top: 2rem; font-size: 1rem }\n"
    "  h1 { font-size: 1.65rem }\n"
    "  .lead { font-size: 1.08rem }\n"
    "  .big { grid-template-columns: 1fr; gap: 1.2rem }\n"
    "  .room, .reel { grid-template-columns: minmax(0, 1fr) }\n"
    "  .sees { grid-template-columns: repeat(3, minmax(0, 1fr)) }\n"
    "  .off { display: none }\n"
    "  .pair .asked { grid-column: auto }\n"
    "  .sees figure:only-child { grid-column: span 2 }\n"
    "  th, td { padding: .4rem .3rem }\n"
    "  th { white-space: normal }\n"
    "  td .se { display: block }\n"
    "  .talk td:first-child { min-width: 8rem }\n"
    "  .probe td:first-child { white-space: normal; min-width: 4.5rem }\n"
    "}\n";

// A room with n is any element with its pictures and canvases of cosines [P][P] in bytes. Clicks, arrow keys
// and rows of a dialogue choose a patch; the canvases then show its row. A reel's slider chooses a frame.
static SB_UNUSED const char sb_page_script[] =
    "const heat = JSON.parse(document.getElementById('heat').textContent);\n"
    "function colour(x) {\n"
    "  x *= heat.length - 1;\n"
    "  const i = Math.min(Math.floor(x), heat.length - 2);\n"
    "  return heat[i].map((a, k) => a + (x - i) * (heat[i + 1][k] - a));\n"
    "}\n"
    "function draw(canvas, n, p) {\n"
    "  const g = canvas.getContext('2d'), d = g.createImageData(n, n);\n"
    "  for (let i = 0; i < n * n; i++)\n"
    "    d.data.set([...colour(canvas.cosines[p * n * n + i] / 255), 255], 4 * i);\n"
    "  g.putImageData(d, 0, 0);\n"
    "}\n"
    "function start(room) {\n"
    "  const n = +room.dataset.n, maps = [...room.querySelectorAll('canvas')];\n"
    "  let at;\n"
    "  function show(p, q) {\n"
    "    at = p;\n"
    "    const set = (name, value) => room.style.setProperty(name, value);\n"
    "    set('--x', p % n), set('--y', Math.floor(p / n));\n"
    "    if (q >= 0) set('--u', q % n), set('--v', Math.floor(q / n));\n"
    "    room.classList.toggle('two', q >= 0);\n"
    "    maps.forEach(canvas => draw(canvas, n, p));\n"
    "  }\n"
    "  for (const canvas of maps) {\n"
    "    canvas.width = canvas.height = n;\n"
    "    canvas.cosines = Uint8Array.from(atob(canvas.dataset.cosines), c => c.charCodeAt(0));\n"
    "  }\n"
    "  for (const picture of room.querySelectorAll('.grid')) {\n"
    "    picture.addEventListener('click', e => {\n"
    "      const box = picture.getBoundingClientRect();\n"
    "      const cell = (x, size) => Math.min(n - 1, Math.max(0, Math.floor(n * x / size)));\n"
    "      show(cell(e.clientY - box.top, box.height) * n + cell(e.clientX - box.left, box.width));\n"
    "    });\n"
    "    picture.addEventListener('keydown', e => {\n"
    "      const steps = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};\n"
    "      const step = steps[e.key];\n"
    "      if (!step) return;\n"
    "      e.preventDefault();\n"
    "      const x = at % n + step[0], y = Math.floor(at / n) + step[1];\n"
    "      if (x >= 0 && y >= 0 && x < n && y < n) show(y * n + x);\n"
    "    });\n"
    "  }\n"
    "  for (const row of room.querySelectorAll('tr[data-p]'))\n"
    "    for (const event of ['mouseenter', 'focus', 'click'])\n"
    "      row.addEventListener(event, () => show(+row.dataset.p, +(row.dataset.q ?? -1)));\n"
    "  show(+room.dataset.at);\n"
    "}\n"
    "document.querySelectorAll('.room[data-n]').forEach(start);\n"
    "for (const reel of document.querySelectorAll('.reel')) {\n"
    "  const input = reel.querySelector('input'), shown = reel.dataset.shown.split(' ');\n"
    "  const show = () => {\n"
    "    const at = +input.value, turn = Math.round(360 * at / shown.length);\n"
    "    reel.style.setProperty('--at', at);\n"
    "    reel.querySelector('output').textContent = `turned by ${turn}\u00b0; a context view shows ` +\n"
    "      `${shown[at]}\u2009% of what there is to see`;\n"
    "  };\n"
    "  input.addEventListener('input', show);\n"
    "  show();\n"
    "}\n";

static SB_UNUSED void sb_page_begin(SbText *t, const char *title) {
    sb_html(t, "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
               "<meta name=viewport content=\"width=device-width,initial-scale=1\">\n<title>");
    sb_html_text(t, title);
    sb_html(t, "</title>\n<style>\n");
    sb_html(t, sb_page_style);
    sb_html(t, "</style>\n<body>\n");
}
static SB_UNUSED void sb_page_end(SbText *t) {
    sb_html(t, "<script type=application/json id=heat>[");
    for (int i = 0; i < SB_HEATS; i++)
        sb_text_add(t, "%s[%d,%d,%d]", i ? "," : "", sb_heat[i][0], sb_heat[i][1], sb_heat[i][2]);
    sb_html(t, "]</script>\n<script>\n");
    sb_html(t, sb_page_script);
    sb_html(t, "</script>\n");
}
#endif
