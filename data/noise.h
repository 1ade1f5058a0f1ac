// noise.h: answers by a seer who errs, about the questions that were drawn from the exact scene.
//
// Refuses: to change a question: with and without noise the same things are asked (but for those that the
// noise leaves without an answer: they are counted as lost). Read from top: the kinds of error, a scene seen
// with them, flipped answers, a drawn question answered again.
//
//     SbNoise n = sb_noise_parse("depth=.1,swap=.2");
//     SbScene noisy;  sb_noise_scene(&noisy, &scene, &n, seed);  sb_view_info(&heard, &noisy, v, grid);
//     SbExtras e = {&n, all_heard, NULL, NULL};  sb_converse_with(&d, all, views, &mix, seed, number, &e);
#ifndef SB_NOISE_H
#define SB_NOISE_H
#include "pair.h"

#define SB_NOISE_STREAM 0x4E01536Eu     // keeps the random numbers of noise apart from those of questions

// depth: standard deviation in metres, of each measured depth by itself. scale: all lengths are so many times
// what they are (depth, places and sizes of boxes, camera moves). erode: pixels taken off every edge of a
// mask. swap: probability of an object to be taken for another one. sign: probability of an answer to be
// turned into its opposite (yes and no, first and second, left and right, up and down, ahead and back, and
// the sign of X).
typedef struct SbNoise { double depth, scale, swap, sign; int erode; } SbNoise;

// ---- from text

static SB_UNUSED SbNoise sb_noise_parse(const char *text) {
    static const char *const name[5] = {"depth", "scale", "erode", "swap", "sign"};
    static const double low[5] = {0, .01, 0, 0, 0}, high[5] = {100, 100, 64, 1, 1};
    double value[5] = {0, 1, 0, 0, 0};
    for (const char *at = text;; at++) {
        size_t size = strcspn(at, "=,");
        int k = sb_find_name(name, 5, at, size);
        char *end = NULL;
        if (k < 0 || at[size] != '=')
            sb_die("noise \"%s\": at \"%.40s\": expected depth=, scale=, erode=, swap= or sign= and a number",
                   text, at);
        value[k] = strtod(at + size + 1, &end);
        if (end == at + size + 1 || (*end && *end != ',') || !(value[k] >= low[k] && value[k] <= high[k]))
            sb_die("noise \"%s\": %s: expected a number from %g to %g at \"%.40s\"", text, name[k], low[k],
                   high[k], at + size + 1);
        at = end;
        if (!*at) break;
    }
    if (value[2] != floor(value[2])) sb_die("noise \"%s\": erode: expected whole pixels", text);
    SbNoise n = {value[0], value[1], value[3], value[4], (int)value[2]};
    return n;
}

// ---- a scene seen with errors

// One pixel off every edge of a mask: a pixel beside one of another id (8 neighbours) belongs to nothing.
static void sb_noise_erode(const SbView *v, unsigned short *mask, unsigned short *scratch) {
    memcpy(scratch, mask, (size_t)v->dw * (size_t)v->dh * sizeof *mask);
    for (int y = 0; y < v->dh; y++)
        for (int x = 0; x < v->dw; x++)
            for (int k = 0; k < 9; k++) {
                int s = x + k % 3 - 1, t = y + k / 3 - 1, at = y * v->dw + x;
                if (s >= 0 && t >= 0 && s < v->dw && t < v->dh && scratch[t * v->dw + s] != scratch[at])
                    mask[at] = 0;
            }
}

// Objects change places: another's box and shape, and other's pixels, under their own name.
static void sb_noise_swap(SbScene *s, double share, SbRandom *r, unsigned short *id_of) {
    for (int i = 0; i < 65536; i++) id_of[i] = (unsigned short)i;
    for (int i = 0; i < s->objects; i++) {
        SbObject *a = s->object + i, *b = s->object + sb_next_int(r, (uint32_t)s->objects), old = *a;
        if (!(sb_next_unit(r) < share) || a == b || sb_is_surface(a->category)) continue;
        if (sb_is_surface(b->category)) continue;
        SbObject moved = *b;
        *a = moved, *b = old;
        a->id = old.id, b->id = moved.id;
        memcpy(a->name, old.name, sizeof a->name), memcpy(b->name, moved.name, sizeof b->name);
        for (int k = 0; k < 65536; k++)
            id_of[k] = (unsigned short)(id_of[k] == a->id ? b->id : id_of[k] == b->id ? a->id : id_of[k]);
    }
}

static void sb_noise_view(SbView *out, const SbView *v, const SbNoise *n, const unsigned short *id_of,
                          SbRandom r) {
    size_t pixels = (size_t)v->dw * (size_t)v->dh;
    *out = *v;
    out->rgb = NULL;
    for (int i = 0; i < 3; i++) out->pose[4 * i + 3] *= n->scale;
    if (v->depth) out->depth = (float *)sb_calloc(pixels, sizeof *out->depth);
    for (size_t i = 0; v->depth && i < pixels; i++) {
        double z = (double)v->depth[i], noise = n->depth > 0 && z > 0 ? n->depth * sb_next_normal(&r) : 0;
        out->depth[i] = z > 0 ? (float)fmax(.001, z * n->scale + noise) : 0;
    }
    if (!v->mask) return;
    out->mask = (unsigned short *)sb_calloc(pixels, 2 * sizeof *out->mask);
    for (size_t i = 0; i < pixels; i++) out->mask[i] = v->mask[i] ? id_of[v->mask[i]] : 0;
    for (int k = 0; k < n->erode; k++) sb_noise_erode(out, out->mask, out->mask + pixels);
}

// What the scene looks like to one who errs: a function of scene, noise and seed. The pictures are left out.
// sb_scene_free() it. With the exact scene's colours nothing else differs.
static SB_UNUSED void sb_noise_scene(SbScene *out, const SbScene *s, const SbNoise *n, uint64_t seed) {
    unsigned short *id_of = (unsigned short *)sb_calloc(65536, sizeof *id_of);
    SbRandom r = sb_random(seed, SB_NOISE_STREAM);
    *out = *s;
    out->licence = NULL;
    out->floor_area *= n->scale * n->scale;
    out->object = (SbObject *)sb_calloc((size_t)s->objects, sizeof *out->object);
    out->view = (SbView *)sb_calloc((size_t)s->views, sizeof *out->view);
    memcpy(out->object, s->object, (size_t)s->objects * sizeof *out->object);
    for (int i = 0; i < out->objects; i++)
        for (int k = 0; k < 3; k++) out->object[i].center[k] *= n->scale, out->object[i].size[k] *= n->scale;
    sb_noise_swap(out, n->swap, &r, id_of);
    for (int v = 0; v < s->views; v++)
        sb_noise_view(out->view + v, s->view + v, n, id_of,
                      sb_random(seed, SB_NOISE_STREAM + 1 + (uint64_t)v));
    free(id_of);
}

// ---- flipped answers

// Turn the conclusion of the answer at text.data + from into its opposite.
static SB_UNUSED void sb_flip(SbText *text, size_t from) {
    static const char *const pair[][2] = {
        {"yes", "no"}, {"first", "second"}, {"third", "fourth"}, {"left", "right"}, {"up", "down"},
        {"forward", "backward"}, {"in front of you", "behind you"}, {"X -", "X "}};
    SbText old = {NULL, 0, 0};
    const char *start = text->data + from;
    for (const char *so = strstr(start, "so "); so; so = strstr(so + 1, "so ")) start = so + 3;
    from = (size_t)(start - text->data);
    sb_text_add(&old, "%s", start);
    text->size = from;
    for (const char *c = old.data; *c;) {
        const char *with = NULL;
        size_t taken = 1;
        int begins = c == old.data || !sb_is_letter((unsigned char)c[-1]);
        for (int i = 0; i < 16 && begins && !with; i++) {
            size_t size = strlen(pair[i / 2][i % 2]);
            int ends = i / 2 == 7 ? strtod(c + 2, NULL) != 0 : !sb_is_letter((unsigned char)c[size]);
            if (!strncmp(c, pair[i / 2][i % 2], size) && ends) with = pair[i / 2][1 - i % 2], taken = size;
        }
        if (with) sb_text_add(text, "%s", with);
        else sb_text_bytes(text, c, 1);
        c += taken;
    }
    sb_text_bytes(text, "", 1);
    free(old.data);
}

// ---- again

// The answer of the question just asked (turn d->turns) gives way to what one who errs would say. Counted as
// changed if it is not the same to the letter, and as wrong if it is not nearly the same either: the last
// length that it says (of a position: Z) is off by more than a quarter, or it says something else. 0: one who
// errs has no answer, the question is lost.
static int sb_answer_again(SbAsk *q) {
    SbDialogue *d = q->out;
    SbDialogueTurn *turn = &d->turn[d->turns];
    SbAsk a = *q;
    size_t start = d->text.size;
    a.again = 1;
    a.random = q->drawn;
    a.all = q->noisy;
    a.info = q->noisy[q->picture[0]];
    a.other = q->other ? q->noisy[q->picture[1]] : NULL;
    if (!sb_question_row(q->type)->ask(&a)) {
        d->text.size = start;
        d->lost++;
        return 0;
    }
    sb_text_bytes(&d->text, "", 1);
    int flip = sb_next_unit(&q->flips) < q->noise->sign, kind = sb_question_row(q->type)->kind;
    if (flip) sb_flip(&d->text, start);
    int changed = strcmp(d->text.data + start, d->text.data + turn->answer) != 0;
    int length = kind == SB_KIND_LENGTH || kind == SB_KIND_POSITION || kind == SB_KIND_BOUNDS ||
                 kind == SB_KIND_AREA;
    int close = length && !flip && fabs(a.said - q->said) <= .25 * fabs(q->said);
    d->again++;
    d->changed += changed;
    d->wrong += changed && !close;
    turn->answer = start;
    q->said = a.said;
    return 1;
}
#endif
