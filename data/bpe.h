// bpe.h: byte-level BPE: what becomes of a text once the tables of a tokenizer are there (tokenizer.h reads
// them from a file).
//
// Refuses: files; text that is not UTF-8 (its caller has checked). Two threads need two tokenizers: there is
// scratch memory and a cache inside.
// Text is cut at added tokens (sb_bpe_text), normalised (sb_bpe_between), cut into pieces by patterns
// (sb_bpe_cut), and each piece is merged into ids (sb_bpe_piece, sb_bpe_merge). Read from the bottom.
#ifndef SB_BPE_H
#define SB_BPE_H
#include "file.h"
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <utf8proc.h>

// Token ids that grow; start from zeros, free(id) when done.
typedef struct { int *id, n, room; } SbIds;

// One step of cutting text into pieces: a space before it if it has none, then every match of a pattern, and
// every stretch between two matches, is a piece (the file format calls that Isolated). code NULL: no cut.
typedef struct { pcre2_code *code; pcre2_match_data *match; int space; } SbBpeSplit;

// A token that is found in the text itself and never cut. raw: before normalisation, else after it.
typedef struct { char *text; size_t size; int id, raw, special, lstrip, rstrip; } SbBpeAdded;

// left and right become id; the lower the rank, the earlier. rank -1: a free slot.
typedef struct { int left, right, rank, id; } SbBpeMerge;

// A symbol of the piece being merged. rank: of the merge with the next symbol, or SB_BPE_NONE.
typedef struct { int id; uint32_t previous, next, rank; } SbBpeSymbol;
#define SB_BPE_NONE 0xFFFFFFFFu

// A piece met before and its ids: 64 bytes. size 0: free.
enum { SB_BPE_PIECE = 30, SB_BPE_PIECE_IDS = 8, SB_BPE_CACHE = 1 << 14, SB_BPE_SPLITS = 16 };
typedef struct { unsigned char size, n; char text[SB_BPE_PIECE]; int id[SB_BPE_PIECE_IDS]; } SbBpePiece;

typedef struct {
    char *path;
    int n;                  // tokens: ids 0 .. n-1
    SbText bytes;           // of all tokens, in the order of their ids
    size_t *start;          // [n+1] token i is bytes start[i] .. start[i+1]
    unsigned char *special; // [n] left out by sb_tokenizer_decode if asked to
    int *slot;              // hash table of the tokens that BPE can make: ids, -1 free
    uint32_t slots;         // a power of two, as merges
    SbBpeMerge *merge;      // hash table by (left, right)
    uint32_t merges;
    int byte_id[256];       // where BPE starts: the tokens of one byte; -1: there is none
    int whole;              // ignore_merges: a piece that is a token is not merged
    int nfc;
    SbBpeSplit split[SB_BPE_SPLITS];
    int splits;
    pcre2_match_context *limits;
    SbBpeAdded *added;      // by first byte, longest first
    int adds, first[2][256]; // [raw][byte]: the first of them that begins with the byte, -1: none
    SbIds prefix, suffix;   // what the file's template puts around a text: Llama 3's <|begin_of_text|>
    SbText spaced;          // scratch from here on
    SbBpeSymbol *symbol;
    uint64_t *heap;
    size_t room;            // of symbol; heap has three times as much
    SbBpePiece *cache;
} SbTokenizer;

static SB_UNUSED void sb_ids_push(SbIds *ids, int id) {
    if (ids->n == ids->room) {
        if (ids->room > INT32_MAX / 3) sb_die("out of memory: more than %d tokens in one text", ids->n);
        ids->room = 2 * ids->room + 64;
        ids->id = (int *)sb_realloc(ids->id, (size_t)ids->room * sizeof *ids->id);
    }
    ids->id[ids->n++] = id;
}

// ---- bytes as characters
//
// A vocabulary is text, so bytes appear in it as printable characters (bytes_to_unicode of GPT-2's encoder):
// ! to ~, A1 to AC and AE to FF as themselves, the other 68 in ascending order from U+0100 on.

// The byte that character c stands for, -1: none.
static int sb_bpe_byte(unsigned c) {
    if ((c >= 0x21 && c <= 0x7E) || (c >= 0xA1 && c <= 0xFF && c != 0xAD)) return (int)c;
    if (c < 0x100 || c > 0x143) return -1;
    c -= 0x100;
    return (int)(c < 33 ? c : c < 67 ? c - 33 + 0x7F : 0xAD);
}

// Append the bytes that a key of the vocabulary stands for: 1; or 0 and nothing if it has other characters.
static int sb_bpe_raw(SbText *out, const char *key, size_t size) {
    size_t before = out->size;
    for (size_t i = 0; i < size; i++) {
        unsigned c = (unsigned char)key[i];
        if (c >= 0x80) c = c < 0xE0 ? (c & 31) << 6 | (key[++i] & 63) : 0xFFFF;  // the key is UTF-8
        int byte = sb_bpe_byte(c);
        char b = (char)byte;
        if (byte < 0) {
            out->size = before;
            return 0;
        }
        sb_text_bytes(out, &b, 1);
    }
    return 1;
}

// Size of the white-space character (Unicode's White_Space) that text begins with, 0: none.
static size_t sb_bpe_blank(const char *text, size_t size) {
    const unsigned char *c = (const unsigned char *)text;
    if (size && (c[0] == ' ' || (c[0] >= 9 && c[0] <= 13))) return 1;
    if (size > 1 && c[0] == 0xC2 && (c[1] == 0x85 || c[1] == 0xA0)) return 2;
    if (size < 3) return 0;
    unsigned u = (unsigned)c[0] << 16 | (unsigned)c[1] << 8 | c[2];
    return (u >= 0xE28080 && u <= 0xE2808A) || u == 0xE280A8 || u == 0xE280A9 || u == 0xE280AF ||
           u == 0xE2819F || u == 0xE19A80 || u == 0xE38080 ? 3 : 0;
}

// Size of the white-space character that text ends with, 0: none.
static size_t sb_bpe_blank_before(const char *text, size_t size) {
    for (size_t k = 1; k <= 3 && k <= size; k++)
        if (sb_bpe_blank(text + size - k, k) == k) return k;
    return 0;
}

// ---- BPE

static uint32_t sb_bpe_hash(const char *text, size_t size) {  // FNV-1a, its low bits improved
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < size; i++) h = (h ^ (unsigned char)text[i]) * 16777619u;
    return h ^ h >> 15;
}

// The slot of the token with these bytes, or the free one where it belongs.
static int *sb_bpe_slot(const SbTokenizer *t, const char *text, size_t size) {
    for (uint32_t h = sb_bpe_hash(text, size);; h++) {
        int *slot = t->slot + (h & (t->slots - 1)), id = *slot;
        if (id < 0 || (t->start[id + 1] - t->start[id] == size &&
                       !memcmp(t->bytes.data + t->start[id], text, size))) return slot;
    }
}

// The merge of two tokens, or the free slot where it belongs.
static SbBpeMerge *sb_bpe_pair(const SbTokenizer *t, int left, int right) {
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15ull;
    for (h >>= 32;; h++) {
        SbBpeMerge *m = t->merge + (h & (t->merges - 1));
        if (m->rank < 0 || (m->left == left && m->right == right)) return m;
    }
}

// A heap of (rank << 32 | position): the least is the lowest rank and, of equal ones, the leftmost.
static void sb_bpe_heap_push(uint64_t *heap, size_t n, uint64_t value) {
    for (; n && heap[(n - 1) / 2] > value; n = (n - 1) / 2) heap[n] = heap[(n - 1) / 2];
    heap[n] = value;
}
static uint64_t sb_bpe_heap_pop(uint64_t *heap, size_t n) {
    uint64_t least = heap[0], last = heap[n - 1];
    size_t i = 0;
    for (size_t child = 1; child < n - 1; child = 2 * i + 1) {
        if (child + 1 < n - 1 && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= last) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return least;
}

// What symbol i becomes together with the next one goes onto the heap of n; returns its new size.
static size_t sb_bpe_offer(SbTokenizer *t, uint32_t i, size_t n) {
    SbBpeSymbol *s = t->symbol + i;
    s->rank = SB_BPE_NONE;
    if (s->next == SB_BPE_NONE) return n;
    const SbBpeMerge *m = sb_bpe_pair(t, s->id, t->symbol[s->next].id);
    if (m->rank < 0) return n;
    s->rank = (uint32_t)m->rank;
    sb_bpe_heap_push(t->heap, n, (uint64_t)s->rank << 32 | i);
    return n + 1;
}

// The ids of one piece: bytes, of which the pair of lowest rank is merged as long as there is one. Entries of
// the heap whose symbol has another rank by now are stale: O(size log size).
static void sb_bpe_merge(SbTokenizer *t, const char *text, size_t size, SbIds *out) {
    size_t heaped = 0;
    if (size >= SB_BPE_NONE) sb_die("%s: a piece of %zu bytes is too long", t->path, size);
    if (size > t->room) {
        t->room = size + size / 4;
        t->symbol = (SbBpeSymbol *)sb_realloc(t->symbol, t->room * sizeof *t->symbol);
        t->heap = (uint64_t *)sb_realloc(t->heap, 3 * t->room * sizeof *t->heap);
    }
    for (uint32_t i = 0; i < size; i++) {
        SbBpeSymbol s = {t->byte_id[(unsigned char)text[i]], i ? i - 1 : SB_BPE_NONE,
                         i + 1 < size ? i + 1 : SB_BPE_NONE, SB_BPE_NONE};
        if (s.id < 0)
            sb_die("%s: the text has a byte %02x, for which the vocabulary has no token, and no unk_token",
                   t->path, text[i] & 255u);
        t->symbol[i] = s;
    }
    for (uint32_t i = 0; i < size; i++) heaped = sb_bpe_offer(t, i, heaped);
    while (heaped) {
        uint64_t least = sb_bpe_heap_pop(t->heap, heaped--);
        SbBpeSymbol *s = t->symbol + (uint32_t)least, *gone = t->symbol + s->next;
        if (s->rank != (uint32_t)(least >> 32)) continue;
        s->id = sb_bpe_pair(t, s->id, gone->id)->id;
        gone->rank = SB_BPE_NONE;
        s->next = gone->next;
        if (s->next != SB_BPE_NONE) t->symbol[s->next].previous = (uint32_t)least;
        heaped = sb_bpe_offer(t, (uint32_t)least, heaped);
        if (s->previous != SB_BPE_NONE) heaped = sb_bpe_offer(t, s->previous, heaped);
    }
    for (uint32_t i = 0; i != SB_BPE_NONE; i = t->symbol[i].next) sb_ids_push(out, t->symbol[i].id);
}

// The same through the cache: nearly every piece of a natural text has been met before.
static void sb_bpe_piece(SbTokenizer *t, const char *text, size_t size, SbIds *out) {
    SbBpePiece *p = size > SB_BPE_PIECE ? NULL : t->cache + (sb_bpe_hash(text, size) & (SB_BPE_CACHE - 1));
    if (p && p->size == size && !memcmp(p->text, text, size)) {
        for (int i = 0; i < p->n; i++) sb_ids_push(out, p->id[i]);
        return;
    }
    int before = out->n, id = t->whole ? *sb_bpe_slot(t, text, size) : -1;
    if (id >= 0) sb_ids_push(out, id);
    else sb_bpe_merge(t, text, size, out);
    int n = out->n - before;
    if (!p || n > SB_BPE_PIECE_IDS) return;
    p->size = (unsigned char)size, p->n = (unsigned char)n;
    memcpy(p->text, text, size);
    memcpy(p->id, out->id + before, (size_t)n * sizeof *p->id);
}

// ---- text to pieces

// Cut by step k and those after it.
static void sb_bpe_cut(SbTokenizer *t, int k, const char *text, size_t size, SbIds *out) {
    const SbBpeSplit *s = t->split + k;
    if (k == t->splits) {
        sb_bpe_piece(t, text, size, out);
        return;
    }
    if (s->space && *text != ' ') {  // of one step only, the last: sb_bpe_pretokenizer sees to it
        t->spaced.size = 0;
        sb_text_bytes(&t->spaced, " ", 1);
        sb_text_bytes(&t->spaced, text, size);
        text = t->spaced.data, size++;
    }
    for (size_t at = 0, begin, end; at < size; at = end) {
        begin = at, end = size;
        if (s->code) {
            // 20 million blanks are looked at once more each; a pattern that looks 40 times is a bad one
            uint64_t limit = 10000000 + 40 * (uint64_t)size;
            pcre2_set_match_limit(t->limits, limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX);
            int found = pcre2_match(s->code, (PCRE2_SPTR)text, size, at, PCRE2_NO_UTF_CHECK, s->match,
                                    t->limits);
            const PCRE2_SIZE *range = pcre2_get_ovector_pointer(s->match);
            if (found < 0 && found != PCRE2_ERROR_NOMATCH) {
                char why[120] = "";
                pcre2_get_error_message(found, (PCRE2_UCHAR *)why, sizeof why);
                sb_die("%s: its pattern cannot be matched on a text of %zu bytes (PCRE2: %s)", t->path, size,
                       why);
            }
            begin = found < 0 ? size : range[0], end = found < 0 ? size : range[1];
        }
        if (begin > at) sb_bpe_cut(t, k + 1, text + at, begin - at, out);
        if (end > begin) sb_bpe_cut(t, k + 1, text + begin, end - begin, out);
    }
}

// The added token that text begins with, the longest; NULL: none.
static const SbBpeAdded *sb_bpe_added_at(const SbTokenizer *t, const char *text, size_t size, int raw,
                                         int special) {
    int i = t->first[raw][(unsigned char)*text];
    for (; i >= 0 && i < t->adds && t->added[i].text[0] == *text; i++) {
        const SbBpeAdded *a = t->added + i;
        if (a->raw == raw && (special || !a->special) && a->size <= size && !memcmp(a->text, text, a->size))
            return a;
    }
    return NULL;
}

static void sb_bpe_text(SbTokenizer *t, const char *text, size_t size, int raw, int special, SbIds *out);

// What lies between two added tokens. Characters below U+0300, whose UTF-8 begins below CC, are NFC already.
static void sb_bpe_between(SbTokenizer *t, const char *text, size_t size, int raw, int special, SbIds *out) {
    size_t i = 0;
    utf8proc_uint8_t *normal = NULL;
    if (!size) return;
    if (!raw) {
        sb_bpe_cut(t, 0, text, size, out);
        return;
    }
    while (t->nfc && i < size && (unsigned char)text[i] < 0xCC) i++;
    if (t->nfc && i < size) {
        utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)size, &normal,
                                          (utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
        if (n < 0) sb_die("%s: a text of %zu bytes cannot be normalised (%s)", t->path, size,
                          utf8proc_errmsg(n));
        text = (const char *)normal, size = (size_t)n;
    }
    sb_bpe_text(t, text, size, 0, special, out);
    free(normal);
}

// Text that is raw (or normalised): its added tokens of that sort, and what lies between.
static void sb_bpe_text(SbTokenizer *t, const char *text, size_t size, int raw, int special, SbIds *out) {
    size_t done = 0;
    for (size_t i = 0; i < size;) {
        const SbBpeAdded *a = sb_bpe_added_at(t, text + i, size - i, raw, special);
        if (!a) {
            i++;
            continue;
        }
        size_t begin = i, end = i + a->size, k;
        while (a->lstrip && begin > done && (k = sb_bpe_blank_before(text + done, begin - done))) begin -= k;
        while (a->rstrip && (k = sb_bpe_blank(text + end, size - end))) end += k;
        sb_bpe_between(t, text + done, begin - done, raw, special, out);
        sb_ids_push(out, a->id);
        done = i = end;
    }
    sb_bpe_between(t, text + done, size - done, raw, special, out);
}
#endif
