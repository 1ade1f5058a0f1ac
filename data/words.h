// words.h: the miniature's tokenizer: a fixed vocabulary, one token per word that carries something.
//
// Refuses: files, any vocabulary but this one, to pass over a word it does not know (<unk>, counted and
// named). "What is the depth at (437, 562)?" becomes [depth p35] and "342 cm" [m3]: filler words fall away,
// synonyms become one word, a point becomes the word of its patch, a length the word of its whole metres.
// Read from top: the vocabulary, the dictionary, text to tokens, tokens to text, a dialogue as a training
// sequence, the text map.
#ifndef SB_WORDS_H
#define SB_WORDS_H
#include "converse.h"

// ---- the vocabulary

enum { SB_WORD_PAD, SB_WORD_Q, SB_WORD_UNKNOWN, SB_WORD_STOP, SB_WORD_OBJECT = 9, SB_WORD_MINUS = 34,
       SB_WORD_DIGIT = 38, SB_WORD_PATCH = 60, SB_WORD_METRE = 124, SB_WORDS = 134, SB_WORD_METRES = 10,
       SB_WORDS_GRID = 8 };

// Ids 0 to 59. Then p0..p63, the patches of a grid row by row, and m0..m9, whole metres (m9: 9 or more).
static SB_UNUSED const char *const sb_word[SB_WORD_PATCH] = {
    "<pad>", "<q>", "<unk>", ".",
    "depth", "closer", "difference", "position", "distance", "object",                              // pixels
    "left", "right", "front", "behind", "above", "below", "taller", "shorter", "bigger", "smaller", // objects
    "width", "height", "bounds", "gap", "vertical", "horizontal", "nearest", "order", "first", "second",
    "describe", "layout", "yes", "no", "minus", "x", "y", "z",
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9",
    "red", "green", "blue", "yellow", "purple", "cyan", "sphere", "box", "cylinder",
    "floor", "wall", "ceiling"};

// Other words for the same: "from=to".
static SB_UNUSED const char sb_word_synonyms[] =
    "deep=depth nearer=closer far=distance where=position larger=bigger wide=width tall=height higher=above "
    "lower=below up=above down=below forward=front backward=behind";

// Words that carry nothing here.
static SB_UNUSED const char sb_word_fillers[] =
    "3-d a also an and angle apart are as at between by camera centre centres contain coordinate degrees "
    "did directions do does for from further have here how image in is it look many move much of on one "
    "or objects picture point same see seen share side smallest so surfaces than that the there to value "
    "view volume what which with you";

// ---- the dictionary

typedef struct { const char *text; int size, id; } SbWordEntry;  // id -1: a filler
typedef struct {
    int grid;                   // patches along a side of the image, 1..8
    SbWordEntry slot[512];      // hash table, linear probing
} SbWords;

// The slot that holds the word, or the free one where it belongs (FNV-1a hash).
static SbWordEntry *sb_words_slot(const SbWords *w, const char *text, size_t size) {
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < size; i++) h = (h ^ (unsigned char)text[i]) * 16777619u;
    for (;; h++) {
        const SbWordEntry *e = &w->slot[h % 512];
        if (!e->text || ((size_t)e->size == size && !memcmp(e->text, text, size))) return (SbWordEntry *)e;
    }
}

static void sb_words_enter(SbWords *w, const char *text, size_t size, int id) {
    SbWordEntry *e = sb_words_slot(w, text, size);
    e->text = text;
    e->size = (int)size;
    e->id = id;
}

// Make the dictionary for images of grid x grid patches. Read by any number of threads afterwards.
static SB_UNUSED void sb_words_init(SbWords *w, int grid) {
    if (grid < 1 || grid > SB_WORDS_GRID)
        sb_die("the vocabulary has words for 1 to %d patches a side, not %d", SB_WORDS_GRID, grid);
    memset(w, 0, sizeof *w);
    w->grid = grid;
    for (int i = SB_WORD_STOP + 1; i < SB_WORD_PATCH; i++)
        sb_words_enter(w, sb_word[i], strlen(sb_word[i]), i);
    for (const char *c = sb_word_fillers; *c; c += strspn(c, " ")) {
        size_t size = strcspn(c, " ");
        sb_words_enter(w, c, size, -1);
        c += size;
    }
    for (const char *c = sb_word_synonyms; *c; c += strspn(c, " ")) {
        size_t from = strcspn(c, "="), to = strcspn(c + from + 1, " ");
        sb_words_enter(w, c, from, sb_words_slot(w, c + from + 1, to)->id);
        c += from + 1 + to;
    }
}

// ---- text to tokens

// Tokens that grow; start from zeros, free(id) when done. unknown counts, unknown_words names the first few.
typedef struct { int *id, n, room, unknown; char unknown_words[96]; } SbTokens;

static void sb_tokens_push(SbTokens *t, int id) {
    if (t->n == t->room) {
        t->room = 2 * t->room + 64;
        t->id = (int *)sb_realloc(t->id, (size_t)t->room * sizeof *t->id);
    }
    t->id[t->n++] = id;
}

static void sb_tokens_unknown(SbTokens *t, const char *text, size_t size) {
    size_t used = strlen(t->unknown_words), at = 0;
    t->unknown++;
    sb_tokens_push(t, SB_WORD_UNKNOWN);
    if (used + size + 3 >= sizeof t->unknown_words) return;
    while (at + size <= used && memcmp(t->unknown_words + at, text, size)) at++;
    if (at + size <= used) return;  // named already
    snprintf(t->unknown_words + used, size + 3, used ? ", %.*s" : "%.*s", (int)size, text);
}

// The size of the word at text: letters and digits, - between those, . between digits.
static size_t sb_word_size(const char *text) {
    const unsigned char *c = (const unsigned char *)text;
    size_t n = 0;
    while (sb_is_letter(c[n]) || (n && c[n] == '-' && sb_is_letter(c[n + 1])) ||
           (n && c[n] == '.' && sb_is_digit(c[n - 1]) && sb_is_digit(c[n + 1]))) n++;
    return n;
}

// A whole number before `stop`, blanks around it; -1 if there is none. *at moves behind stop.
static int sb_words_coordinate(const char **at, char stop) {
    const char *c = *at + strspn(*at, " ");
    int value = sb_is_digit(*c) ? 0 : -1;
    for (; sb_is_digit(*c); c++) value = value < SB_TEXT_GRID ? 10 * value + (*c - '0') : value;
    c += strspn(c, " ");
    *at = c + 1;
    return *c == stop ? value : -1;
}

// "(437, 562)" at text becomes the word of its patch; a point outside of 0..999 is unknown. 0: it is not a
// point.
static size_t sb_words_point(const SbWords *w, SbTokens *t, const char *text) {
    const char *at = text + 1;
    int x = sb_words_coordinate(&at, ','), y = x < 0 ? -1 : sb_words_coordinate(&at, ')'), g = w->grid;
    if (y < 0) return 0;
    if (x >= SB_TEXT_GRID || y >= SB_TEXT_GRID) sb_tokens_unknown(t, text, (size_t)(at - text));
    else sb_tokens_push(t, SB_WORD_PATCH + y * g / SB_TEXT_GRID * g + x * g / SB_TEXT_GRID);
    return (size_t)(at - text);
}

// "342 cm", "3.42 m", "3420 mm" at text becomes a metre word, any other whole number its digits. Returns the
// bytes taken, 0 if it is neither. sign -1: "minus" before it.
static size_t sb_words_number(SbTokens *t, const char *text, int sign) {
    static const char *const unit[] = {"m", "cm", "mm"};
    static const double per_metre[] = {1, 100, 1000};
    double value = 0;  // whole units: a fraction never makes a whole metre
    size_t n = 0, size = sb_word_size(text);
    for (; sb_is_digit(text[n]); n++) value = 10 * value + (text[n] - '0');
    size_t whole = n;
    if (text[n] == '.' && n < size)
        for (n++; sb_is_digit(text[n]);) n++;
    const char *after = text + n + strspn(text + n, " ");
    int k = sb_find_name(unit, 3, after, sb_word_size(after));
    if (sign < 0 && (k >= 0 || whole == size)) sb_tokens_push(t, SB_WORD_MINUS);
    if (k >= 0) {
        sb_tokens_push(t, SB_WORD_METRE + (int)sb_clamp(floor(value / per_metre[k]), 0, SB_WORD_METRES - 1));
        return (size_t)(after - text) + strlen(unit[k]);
    }
    for (size_t i = 0; i < whole && whole == size; i++) sb_tokens_push(t, SB_WORD_DIGIT + text[i] - '0');
    return whole == size ? size : 0;
}

// One word, looked up in small letters.
static void sb_words_word(const SbWords *w, SbTokens *t, const char *text, size_t size) {
    char small[16];
    const SbWordEntry *e = NULL;
    for (size_t i = 0; i < size && size < sizeof small; i++)
        small[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
    if (size < sizeof small) e = sb_words_slot(w, small, size);
    if (!e || !e->text) sb_tokens_unknown(t, text, size);
    else if (e->id >= 0) sb_tokens_push(t, e->id);
}

// Append the tokens of a text; returns how many. In a question full stops are dropped, and a point alone
// ("What is at (437, 562)?") asks for the object there.
static SB_UNUSED int sb_words_encode(const SbWords *w, SbTokens *out, const char *text, int question) {
    int start = out->n;
    for (const char *c = text; *c;) {
        size_t size = sb_word_size(c), used = 0;
        int minus = *c == '-' && sb_is_digit(c[1]) && (c == text || !sb_is_letter((unsigned char)c[-1]));
        if (*c == '(') used = sb_words_point(w, out, c);
        else if (minus) used = 1 + sb_words_number(out, c + 1, -1);
        else if (sb_is_digit(*c)) used = sb_words_number(out, c, 1);
        else if (*c == '.' && !question) sb_tokens_push(out, SB_WORD_STOP);
        if (!used && size) sb_words_word(w, out, c, size);
        c += used ? used : size ? size : 1;
    }
    int patch = out->n == start + 1 ? out->id[start] : -1;
    if (question && patch >= SB_WORD_PATCH && patch < SB_WORD_METRE) {
        out->id[start] = SB_WORD_OBJECT;
        sb_tokens_push(out, patch);
    }
    return out->n - start;
}

// ---- tokens to text

// Append the text of tokens: "red box", "3 m" for m3, the centre of the patch for a patch word.
static SB_UNUSED void sb_words_decode(const SbWords *w, const int *id, int count, SbText *out) {
    for (int i = 0; i < count; i++) {
        const char *blank = i && id[i] != SB_WORD_STOP ? " " : "";
        int patch = id[i] - SB_WORD_PATCH, g = w->grid;
        if (id[i] < 0 || id[i] >= SB_WORDS) sb_die("token %d: the vocabulary has %d words", id[i], SB_WORDS);
        int x = (2 * (patch % g) + 1) * SB_TEXT_GRID / (2 * g);
        int y = (2 * (patch / g) + 1) * SB_TEXT_GRID / (2 * g);
        if (id[i] >= SB_WORD_METRE) sb_text_add(out, "%s%d m", blank, id[i] - SB_WORD_METRE);
        else if (patch >= 0) sb_text_add(out, "%s(%d, %d)", blank, x, y);
        else sb_text_add(out, "%s%s", blank, sb_word[id[i]]);
    }
}

// ---- a dialogue as a training sequence

// token[i] is fed, target[i] is what it has to predict (-1: nothing), turn[i] numbers the turns from 0,
// type[i] is the SB_ASK_ type of the question that target[i] answers (-1: no target, or not one of ours).
// Start from zeros.
typedef struct {
    int n, room;
    int *token, *target, *turn, *type;
    SbTokens words;  // scratch; its unknown and unknown_words add up over conversations
} SbSequence;

static SB_UNUSED void sb_sequence_free(SbSequence *s) {
    free(s->token);
    free(s->target);
    free(s->turn);
    free(s->type);
    free(s->words.id);
    memset(s, 0, sizeof *s);
}

static void sb_sequence_push(SbSequence *s, int token, int target, int turn, int type) {
    if (s->n == s->room) {
        s->room = 2 * s->room + 256;
        size_t size = (size_t)s->room * sizeof(int);
        s->token = (int *)sb_realloc(s->token, size);
        s->target = (int *)sb_realloc(s->target, size);
        s->turn = (int *)sb_realloc(s->turn, size);
        s->type = (int *)sb_realloc(s->type, size);
    }
    s->token[s->n] = token;
    s->target[s->n] = target;
    s->turn[s->n] = turn;
    s->type[s->n++] = type;
}

// Each turn becomes <q> question answer; only answer tokens are targets. isolated: a turn sees none of the
// others, so its last token is not fed, for nothing would read it. Else only the last token of all is not
// fed.
static SB_UNUSED void sb_words_conversation(const SbWords *w, SbSequence *out, const SbDialogue *d,
                                            int isolated) {
    SbTokens *t = &out->words;
    out->n = 0;
    for (int k = 0; k < d->turns; k++) {
        t->n = 0;
        sb_tokens_push(t, SB_WORD_Q);
        int answer = 1 + sb_words_encode(w, t, sb_dialogue_question(d, k), 1);
        sb_words_encode(w, t, sb_dialogue_answer(d, k), 0);
        int fed = t->n - (isolated || k == d->turns - 1);
        for (int i = 0; i < fed; i++) {
            int target = i + 1 >= answer && i + 1 < t->n ? t->id[i + 1] : -1;
            sb_sequence_push(out, t->id[i], target, k, target >= 0 ? d->turn[k].type : -1);
        }
    }
}

// The miniature can only be asked what it has words for.
static SB_UNUSED void sb_words_mix(const SbMix *mix) {
    for (int i = 0; i < SB_ASK_COUNT; i++) {
        const SbQuestion *q = sb_question_row(i);
        if (!*q->words && (mix->count[i] > 0 || mix->wide[q->level] > 0))
            sb_die("mix \"%s\" asks for \"%s\", for which the miniature's vocabulary has no words: ask for "
                   "levels without +, or write dialogues with ./data/converse for another model", mix->name,
                   q->name);
    }
    if (mix->wordings || mix->units > SB_UNITS_M)
        sb_die("mix \"%s\": the miniature's vocabulary has its own wordings, cm and m only", mix->name);
}

// ---- the text map

// |metres| in whole centimetres, as answers say it.
static int sb_centimetres(double metres) { return (int)sb_clamp(floor(fabs(metres) * 100 + .5), 0, 1e9); }

// What an image would say in words: ids [grid*grid][3], per patch two words of the name of its majority
// object ("red", "box"; a surface has one) and its metre word, the same as the answers about that patch; 0
// where there is none.
static SB_UNUSED void sb_words_map(const SbWords *w, const SbViewInfo *info, int *ids) {
    SbTokens name;
    int last = -1, patches = info->grid * info->grid;
    if (info->grid != w->grid) sb_die("view statistics on a grid of %d, words for %d", info->grid, w->grid);
    memset(&name, 0, sizeof name);
    for (int p = 0; p < patches; p++) {
        int object = info->patch_object[p], *id = ids + 3 * p;
        double depth = info->patch_depth[p], metres = floor(sb_centimetres(depth) / 100.);
        if (object >= 0 && object != last) {
            name.n = 0;
            sb_words_encode(w, &name, info->scene->object[object].name, 0);
            last = object;
        }
        for (int i = 0; i < 2; i++) id[i] = object >= 0 && i < name.n ? name.id[i] : SB_WORD_PAD;
        id[2] = depth > 0 ? SB_WORD_METRE + (int)sb_clamp(metres, 0, SB_WORD_METRES - 1) : SB_WORD_PAD;
    }
    free(name.id);
}
#endif
