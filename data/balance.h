// balance.h: what a model could answer without looking, and a balance that leaves it little.
//
// Refuses: to change an answer: a question whose answer comes too often is drawn again. Read from top: what a
// blind model is told (key) and which answers count as the same (class); the balance; the census, which keeps
// both of every question that was made.
#ifndef SB_BALANCE_H
#define SB_BALANCE_H
#include "pair.h"

enum { SB_BLIND_CELLS = 4 };            // a side of the picture, for points
#define SB_CLASS_RATIO 1.25             // lengths within it count as the same answer
#define SB_CLASS_DEGREES 15

// ---- key and class

static uint64_t sb_hash_text(uint64_t hash, const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) hash = sb_hash(hash, (unsigned char)text[i]);
    return hash;
}

static int sb_class_of_length(double metres) {
    return (int)floor(log(fmax(metres, .01)) / log(SB_CLASS_RATIO)) + 1000;
}

// What a question tells one who does not look: its type and whether it asks the opposite, the categories of
// its objects, where its points are in the picture (4 x 4), the length that it names. Which of these it names
// is read off its wording.
static SB_UNUSED uint64_t sb_blind_key(const SbAsk *q) {
    const SbQuestion *row = sb_question_row(q->type);
    const char *words = *row->words ? row->words : row->more;
    uint64_t key = sb_hash((uint64_t)q->type, (uint64_t)q->inverse);
    for (char mark[4] = "{A}"; mark[1] <= 'T'; mark[1]++) {
        int letter = mark[1];
        size_t size = strcspn(words, "|");
        const char *found = strstr(words, mark);
        if (!found || found > words + size) continue;
        key = sb_hash(key, (uint64_t)letter);
        if (letter >= 'P') {
            const SbPoint *p = &q->point[letter - 'P'];
            key = sb_hash(key, (uint64_t)(p->y * SB_BLIND_CELLS / SB_TEXT_GRID * SB_BLIND_CELLS +
                                          p->x * SB_BLIND_CELLS / SB_TEXT_GRID));
        } else if (letter == 'L') {
            key = sb_hash(key, (uint64_t)sb_class_of_length(q->length));
        } else if (letter == 'K') {
            key = sb_hash_text(key, q->kind, strlen(q->kind));
        } else if (letter <= 'D' || letter == 'N') {
            const SbObject *o = &q->info->scene->object[q->object[letter == 'N' ? 0 : letter - 'A']];
            key = sb_hash_text(key, o->category, strlen(o->category));
        }
    }
    return key;
}

// In which order an answer gives the question's objects or points: a number, -1: it gives none of them.
static int64_t sb_class_of_order(const SbAsk *q, const char *answer, int points) {
    int64_t order = -1;
    for (const char *c = answer; *c; c++)
        for (int k = 0; k < 4; k++) {
            char point[32];
            snprintf(point, sizeof point, "(%d, %d)", q->point[k].x, q->point[k].y);
            const char *name = points ? point : sb_name(q, q->object[k]);
            int here = (c == answer || c[-1] == ' ') && !strncmp(c, name, strlen(name)), used = 0;
            for (int64_t past = order; past > 0; past /= 5) used |= past % 5 == k + 1;
            if (!here || !strchr(",", c[strlen(name)])) continue;
            if (!used) order = (order < 0 ? 0 : order) * 5 + k + 1;
            break;
        }
    return order;
}

// The class of an answer to the question just asked: equal ones count as the same. -1: no blind model could
// hit it (positions, points, captions). A rationale does not count.
static SB_UNUSED int64_t sb_answer_class(const SbAsk *q, const char *answer) {
    int kind = sb_question_row(q->type)->kind, number, used = 0;
    int64_t order = -1;
    for (const char *so = strstr(answer, "so "); so; so = strstr(so + 1, "so ")) answer = so + 3;
    if (kind == SB_KIND_POSITION || kind == SB_KIND_BOUNDS || kind == SB_KIND_POINT || kind == SB_KIND_TEXT)
        return -1;
    if ((kind == SB_KIND_LENGTH || kind == SB_KIND_AREA) && sb_is_digit(*answer))
        return sb_class_of_length(q->said);
    if (kind == SB_KIND_NAME || kind == SB_KIND_NAMES || kind == SB_KIND_POINTS)
        order = q->type == SB_ASK_what ? -1 : sb_class_of_order(q, answer, kind == SB_KIND_POINTS);
    if (order >= 0) return order;
    uint64_t hash = 0;
    if (sscanf(answer, "%d degree%n", &number, &used) == 1 && used) {
        hash = sb_hash(0, (uint64_t)(number / SB_CLASS_DEGREES));
        answer += used + (answer[used] == 's');
    }
    return (int64_t)(sb_hash_text(hash, answer, used ? strcspn(answer, ",") : strlen(answer)) >> 2);
}

// ---- the balance

// Counts by number; starts from zeros.
typedef struct { uint64_t id; long count, classes; } SbCount;
typedef struct SbBalance { SbCount *slot; size_t used, room; int settled; } SbBalance;

static SB_UNUSED void sb_balance_free(SbBalance *b) {
    free(b->slot);
    memset(b, 0, sizeof *b);
}

// The count of an id (not 0), new ones from zeros.
static SbCount *sb_balance_slot(SbBalance *b, uint64_t id) {
    if (2 * b->used >= b->room) {
        SbBalance old = *b;
        b->room = old.room ? 2 * old.room : 1024;
        b->slot = (SbCount *)sb_calloc(b->room, sizeof *b->slot);
        b->used = 0;
        for (size_t i = 0; i < old.room; i++)
            if (old.slot[i].id) *sb_balance_slot(b, old.slot[i].id) = old.slot[i];
        free(old.slot);
    }
    for (size_t at = (size_t)id % b->room;; at = (at + 1) % b->room) {
        SbCount *c = b->slot + at;
        if (c->id && c->id != id) continue;
        b->used += c->id == 0;
        c->id = id;
        return c;
    }
}

// The counts of an answer, and of all answers of its key.
static uint64_t sb_balance_of(uint64_t key, int64_t answer) { return sb_hash(key, 2 + (uint64_t)answer) | 1; }

// Settled (sb_balance_settle): taken with the chance that its class has; nothing changes.
static int sb_balance_draw(const SbBalance *b, uint64_t id, SbRandom *random) {
    double unit = sb_next_unit(random);
    for (size_t at = b->room ? (size_t)id % b->room : 0; b->room && b->slot[at].id; at = (at + 1) % b->room)
        if (b->slot[at].id == id) return unit < 1e-6 * (double)b->slot[at].count;
    return 1;
}

// May this answer come? Not if it has come more often than half a count above its fair share: of all answers
// that this key has had, among its classes so far, at least two. So a blind model that knows the key is left
// with one in as many as there are classes. Counts it if it may. random: of a settled balance.
static SB_UNUSED int sb_balance_take(SbBalance *b, uint64_t key, int64_t answer, SbRandom *random) {
    if (answer < 0) return 1;
    uint64_t id = sb_hash(key, 1) | 1, of = sb_balance_of(key, answer);
    if (b->settled) return sb_balance_draw(b, of, random);
    long count = sb_balance_slot(b, of)->count;
    SbCount *all = sb_balance_slot(b, id);
    long classes = all->classes + (count == 0);
    if ((double)count > (double)all->count / (double)(classes < 2 ? 2 : classes) + .5) return 0;
    all->classes = classes;
    all->count++;
    sb_balance_slot(b, of)->count++;
    return 1;
}

// ---- the census

// said: metres of a length, else 0. half: of the data, to fit a blind model on one and test it on the other.
typedef struct { int type, half; uint64_t key; int64_t answer; double said; } SbCounted;
typedef struct SbCensus { SbCounted *turn; long turns, room; int half; } SbCensus;

static void sb_census_add(SbCensus *c, const SbAsk *q, const char *answer) {
    if (c->turns == c->room) {
        c->room = 2 * c->room + 256;
        c->turn = (SbCounted *)sb_realloc(c->turn, (size_t)c->room * sizeof *c->turn);
    }
    SbCounted t = {q->type, c->half, sb_blind_key(q), sb_answer_class(q, answer), q->said};
    c->turn[c->turns++] = t;
}

static int sb_census_order(const void *a, const void *b) {
    const SbCounted *x = (const SbCounted *)a, *y = (const SbCounted *)b;
    if (x->type != y->type) return x->type - y->type;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    if (x->answer != y->answer) return x->answer < y->answer ? -1 : 1;
    return x->half - y->half;
}

// One type's share of a census. commonest: share of its commonest class; blind: share of one half's answers
// that the other half's commonest class of the same key hits (of the type, where the key is new); chance: one
// in as many as there are classes. NAN where no answer has a class.
typedef struct { long asked, answers; double commonest, blind, chance; } SbCensusRow;

// The commonest class among turns [from, to) of a half (-1: both); *most: how often it comes.
static int64_t sb_census_commonest(const SbCounted *turn, long from, long to, int half, long *most) {
    int64_t best = -1;
    *most = 0;
    for (long i = from; i < to; i++) {
        long n = 0;
        if (turn[i].answer < 0 || (i > from && turn[i].answer == turn[i - 1].answer)) continue;
        for (long k = i; k < to && turn[k].answer == turn[i].answer; k++)
            n += half < 0 || turn[k].half == half;
        if (n > *most) *most = n, best = turn[i].answer;
    }
    return best;
}

// Fill in row [SB_ASK_COUNT]; the turns are put in order of type, key and class.
static SB_UNUSED void sb_census_rows(SbCensus *c, SbCensusRow *row) {
    long most, from = 0;
    qsort(c->turn, (size_t)c->turns, sizeof *c->turn, sb_census_order);
    for (int type = 0; type < SB_ASK_COUNT; type++) {
        SbCensusRow *r = row + type;
        long to = from, tested = 0, hit = 0;
        while (to < c->turns && c->turn[to].type == type) to++;
        SbCensus all = {NULL, 0, 0, 0};
        all.turn = (SbCounted *)sb_calloc((size_t)(to - from), sizeof *all.turn);
        for (long i = from; i < to; i++) {  // the same without keys
            all.turn[i - from] = c->turn[i];
            all.turn[i - from].key = 0;
        }
        qsort(all.turn, (size_t)(to - from), sizeof *all.turn, sb_census_order);
        memset(r, 0, sizeof *r);
        r->asked = to - from;
        for (long i = 0; i < to - from; i++)
            r->answers += all.turn[i].answer >= 0 && (!i || all.turn[i].answer != all.turn[i - 1].answer);
        sb_census_commonest(all.turn, 0, to - from, -1, &most);
        r->commonest = r->answers ? (double)most / (double)r->asked : NAN;
        r->chance = r->answers ? 1. / (double)r->answers : NAN;
        for (int half = 0; half < 2; half++) {
            int64_t usual = sb_census_commonest(all.turn, 0, to - from, !half, &most);
            for (long i = from, end; i < to; i = end) {
                for (end = i; end < to && c->turn[end].key == c->turn[i].key; end++) {}
                int64_t guess = sb_census_commonest(c->turn, i, end, !half, &most);
                if (!most) guess = usual;
                for (long k = i; k < end; k++) {
                    if (c->turn[k].half != half || c->turn[k].answer < 0) continue;
                    tested++;
                    hit += c->turn[k].answer == guess;
                }
            }
        }
        r->blind = tested ? (double)hit / (double)tested : NAN;
        free(all.turn);
        from = to;
    }
}

// ---- a balance that stands still

// The most that each of classes of count n[0] <= n[1] <= ... may keep, so that an eighth of all is kept; at
// least the rarest's count.
static double sb_balance_level(const long *n, int classes) {
    double all = 0, below = 0;
    for (int i = 0; i < classes; i++) all += (double)n[i];
    for (int i = 0; i < classes; i++) { // classes i.. are cut to m:  below + m (classes - i) = all / 8
        double m = (all / 8 - below) / (classes - i);
        if (m <= (double)n[i]) return fmax(m, (double)n[0]);
        below += (double)n[i];
    }
    return (double)n[classes - 1];
}

static int sb_long_order(const void *a, const void *b) {
    long x = *(const long *)a, y = *(const long *)b;
    return (x > y) - (x < y);
}

// For streams in which a sample must not depend on those before it: of what a census (without a balance) has
// seen, an answer of a class that came n times is taken with chance min(1, m / n), m of its key by
// sb_balance_level. Classes that are new are taken. The census is put in order.
static SB_UNUSED void sb_balance_settle(SbBalance *b, SbCensus *c) {
    long *n = (long *)sb_calloc((size_t)c->turns + 1, sizeof *n);
    qsort(c->turn, (size_t)c->turns, sizeof *c->turn, sb_census_order);
    for (long from = 0, to, end; from < c->turns; from = to) {
        int classes = 0;
        for (to = from; to < c->turns && c->turn[to].key == c->turn[from].key; to = end) {
            for (end = to; end < c->turns && c->turn[end].key == c->turn[to].key &&
                           c->turn[end].answer == c->turn[to].answer; end++) {}
            if (c->turn[to].answer < 0) continue;
            n[classes++] = end - to;
            sb_balance_slot(b, sb_balance_of(c->turn[to].key, c->turn[to].answer))->count = end - to;
        }
        qsort(n, (size_t)classes, sizeof *n, sb_long_order);
        double most = classes ? sb_balance_level(n, classes) : 0;
        for (long i = from; i < to; i++) {
            if (c->turn[i].answer < 0 || (i > from && c->turn[i].answer == c->turn[i - 1].answer)) continue;
            SbCount *slot = sb_balance_slot(b, sb_balance_of(c->turn[i].key, c->turn[i].answer));
            slot->count = (long)(1e6 * fmin(1, most / (double)slot->count));
        }
    }
    b->settled = 1;
    free(n);
}
#endif
