// score.h: answers to any questions against the true ones: exact match, BLEU-1, numbers within a tolerance,
// mean relative accuracy.
//
//     {"id": 7, "answer": "2.1 m", "type": "distance"}   "answer": text, number or a list of them; no "type":
//     {"id": 7, "prediction": "about 2 m"}               one for all. The same line may hold all four
//
// Refuses: what replies.h refuses, a question without an answer, an answer without a word. A prediction that
// cannot be understood is no error: it is wrong. Read from top: words, numbers and units, one answer, rows of
// a file, the scores of a type.
#ifndef SB_SCORE_H
#define SB_SCORE_H
#include "vsi.h"

// ---- words: runs of letters, digits, apostrophes and bytes above 127, in small letters; a point before a
// digit and a sign before a number belong to them, whatever else there is parts them

static int sb_score_digit(int c) { return c >= '0' && c <= '9'; }
static int sb_score_letter(int c) {
    return sb_score_digit(c) || (c >= 'a' && c <= 'z') || c > 127 || c == '\'';
}

// The words of a text with one space between two. free() it.
static SB_UNUSED char *sb_score_normal(const char *text) {
    char *out = (char *)sb_calloc(strlen(text) + 1, 1);
    size_t n = 0;
    for (int before = ' ', c; *text; text++, before = c) {
        c = sb_vsi_small((unsigned char)*text);
        int point = c == '.' && sb_score_digit(text[1]);
        int sign = (c == '-' || c == '+') && !sb_score_letter(before) &&
                   sb_score_digit(text[1 + (text[1] == '.')]);
        if (sb_score_letter(c) || point || sign) out[n++] = (char)c;
        else if (n && out[n - 1] != ' ') out[n++] = ' ';
    }
    if (n && out[n - 1] == ' ') n--;
    out[n] = 0;
    return out;
}

typedef struct { char *text, **word; int n; } SbScoreWords;    // word: sorted, they point into text

static SB_UNUSED SbScoreWords sb_score_words(const char *text) {
    SbScoreWords w = {sb_score_normal(text), NULL, 0};
    w.word = (char **)sb_calloc(strlen(w.text) / 2 + 1, sizeof *w.word);
    for (char *at = w.text; *at;) {
        w.word[w.n++] = at;
        at += strcspn(at, " ");
        if (*at) *at++ = 0;
    }
    qsort(w.word, (size_t)w.n, sizeof *w.word, sb_compare_names);
    return w;
}
static SB_UNUSED void sb_score_words_free(SbScoreWords *w) { free(w->text), free(w->word); }

// How often a word stands among them.
static int sb_score_count(const SbScoreWords *w, const char *word) {
    int low = 0, high = w->n, n = 0;
    while (low < high) {
        int mid = (low + high) / 2;
        if (sb_natural_order(w->word[mid], word) < 0) low = mid + 1;
        else high = mid;
    }
    while (low + n < w->n && !strcmp(w->word[low + n], word)) n++;
    return n;
}

// ---- numbers and units ("in" is none: two in the kitchen)

static const struct { const char *name; double metres; } sb_score_unit[] = {
    {"m", 1},        {"metre", 1},      {"metres", 1},      {"meter", 1},       {"meters", 1},
    {"cm", .01},     {"centimetre", .01}, {"centimetres", .01}, {"centimeter", .01}, {"centimeters", .01},
    {"mm", .001},    {"millimetre", .001}, {"millimetres", .001}, {"millimeter", .001}, {"millimeters", .001},
    {"km", 1000},    {"ft", .3048},     {"foot", .3048},    {"feet", .3048},    {"inch", .0254},
    {"inches", .0254}};

static double sb_score_metres(const char *name, size_t size) {
    for (size_t i = 0; i < sizeof sb_score_unit / sizeof *sb_score_unit; i++)
        if (strlen(sb_score_unit[i].name) == size && !memcmp(sb_score_unit[i].name, name, size))
            return sb_score_unit[i].metres;
    return 0;
}

typedef struct { int known; double value, metres; } SbAmount;   // metres: of its unit, 0: it has none

// The first number of a text: a word of digits, with or without a point and a sign ("2.1"), and its unit, in
// the same word or the next ("2.1m", "2.1 m"). A word that goes on otherwise ("3rd") is no number.
static SB_UNUSED SbAmount sb_score_amount(const char *text) {
    SbAmount a = {0, 0, 0};
    char *normal = sb_score_normal(text);
    for (const char *at = normal; *at && !a.known; at += strcspn(at, " "), at += *at == ' ') {
        size_t sign = *at == '-' || *at == '+', whole = strspn(at + sign, "0123456789"), size = sign + whole;
        if (at[size] == '.') size += 1 + strspn(at + size + 1, "0123456789");
        size_t rest = strcspn(at + size, " "), next = rest ? 0 : strcspn(at + size + (at[size] == ' '), " ");
        double metres = rest ? sb_score_metres(at + size, rest)
                             : sb_score_metres(at + size + (at[size] == ' '), next);
        if (size == sign || (rest && metres == 0)) continue;
        a.known = 1, a.value = strtod(at, NULL), a.metres = metres;
    }
    free(normal);
    return a;
}

// ---- one answer

// What a prediction gets: 1 or 0 for an exact match (word by word, with any of the answers); words that an
// answer holds too (each as often as the answer that holds it most), its length and that of the answer that
// is nearest to it (Papineni et al. 2002). If all answers have a number: against the first, whether there is
// one within the tolerance, its mean relative accuracy, |prediction - truth| / |truth| (1 without a number).
typedef struct { int exact, numeric, within; double match, length, nearest, mra, error; } SbScored;

static void sb_score_bleu(SbScored *s, const char *said, char **answer, int answers) {
    SbScoreWords p = sb_score_words(said), *a = (SbScoreWords *)sb_calloc((size_t)answers, sizeof *a);
    int best = -1;
    for (int k = 0; k < answers; k++) {
        a[k] = sb_score_words(answer[k]);
        int off = abs(a[k].n - p.n), least = best < 0 ? 0 : abs(a[best].n - p.n);
        if (best < 0 || off < least || (off == least && a[k].n < a[best].n)) best = k;
    }
    for (int i = 0, n; i < p.n; i += n) {
        int most = 0;
        n = sb_score_count(&p, p.word[i]);
        for (int k = 0; k < answers; k++) {
            int held = sb_score_count(a + k, p.word[i]);
            if (held > most) most = held;
        }
        s->match += most < n ? most : n;
    }
    s->length = p.n, s->nearest = a[best].n;
    for (int k = 0; k < answers; k++) sb_score_words_free(a + k);
    sb_score_words_free(&p), free(a);
}

static SB_UNUSED SbScored sb_score(const char *said, char **answer, int answers, double tolerance) {
    SbScored s = {0, 1, 0, 0, 0, 0, 0, 1};
    char *normal = sb_score_normal(said);
    for (int k = 0; k < answers; k++) {
        char *truth = sb_score_normal(answer[k]);
        SbAmount y = sb_score_amount(truth);
        s.exact |= !strcmp(normal, truth);
        s.numeric &= y.known && y.value != 0;
        free(truth);
    }
    sb_score_bleu(&s, said, answer, answers);
    SbAmount y = sb_score_amount(answer[0]), p = sb_score_amount(said);
    if (s.numeric && p.known) {
        double scale = p.metres > 0 && y.metres > 0 ? p.metres / y.metres : 1, sign = y.value < 0 ? -1 : 1;
        s.error = fabs(scale * p.value - y.value) / fabs(y.value);
        s.within = s.error <= tolerance;
        s.mra = sb_vsi_mra(sign * scale * p.value, sign * y.value);
    }
    free(normal);
    return s;
}

// ---- rows of a file

typedef struct { SbReply reply; char *type, **answer; int answers; } SbScoreRow;
typedef struct { SbScoreRow *row; int rows; } SbScoreRows;

static SB_UNUSED void sb_score_free(SbScoreRows *s) {
    for (int i = 0; i < s->rows; i++) {
        SbScoreRow *r = s->row + i;
        for (int k = 0; k < r->answers; k++) free(r->answer[k]);
        sb_reply_free(&r->reply), free(r->type), free(r->answer);
    }
    free(s->row);
}

static void sb_score_answer(SbScoreRow *r, const cJSON *v, const char *where) {
    if (!cJSON_IsString(v) && !(cJSON_IsNumber(v) && isfinite(v->valuedouble)))
        sb_json_wrong(v, "answer", "a text, a number, or a list of them", where);
    char *text = cJSON_IsString(v) ? sb_copy(v->valuestring) : sb_format("%.15g", v->valuedouble);
    char *normal = sb_score_normal(text);
    if (!*normal) sb_die("%s: field \"answer\" has no word in it: \"%.40s\"", where, text);
    r->answer[r->answers++] = text;
    free(normal);
}

// The name under which a field stands: its own, or VSI-Bench's if only that is there.
static const char *sb_score_field(const cJSON *record, const char *name, const char *vsi,
                                  const char *where) {
    return !sb_json_optional(record, name, where) && sb_json_optional(record, vsi, where) ? vsi : name;
}
// Questions of a file: id, answers, type ("" if it has none; VSI-Bench's names are understood).
static SB_UNUSED void sb_score_read(SbScoreRows *s, const char *path) {
    SbLines lines;
    int room = 0;
    memset(s, 0, sizeof *s);
    sb_lines_open(&lines, path);
    for (cJSON *record; (record = sb_lines_next(&lines)) != NULL; cJSON_Delete(record)) {
        if (s->rows == room) {
            room = 2 * room + 64;
            s->row = (SbScoreRow *)sb_realloc(s->row, (size_t)room * sizeof *s->row);
        }
        SbScoreRow *r = s->row + s->rows++;
        memset(r, 0, sizeof *r);
        r->reply.id = sb_reply_id(record, lines.where), r->reply.line = lines.line;
        const char *where = lines.where, *name = sb_score_field(record, "type", "question_type", where);
        r->type = sb_copy(sb_json_optional(record, name, where) ? sb_json_string(record, name, where) : "");
        if (strpbrk(r->type, ",\"\n\r"))
            sb_die("%s: field \"%s\": no comma, quote or line end can stand in a type", where, name);
        name = sb_score_field(record, "answer", "ground_truth", where);
        const cJSON *v = sb_json_field(record, name, where);
        int n = cJSON_IsArray(v) ? cJSON_GetArraySize(v) : 1;
        if (!n) sb_die("%s: field \"answer\" is an empty list", where);
        r->answer = (char **)sb_calloc((size_t)n, sizeof *r->answer);
        for (const cJSON *a = cJSON_IsArray(v) ? v->child : v; r->answers < n; a = a->next)
            sb_score_answer(r, a, where);
    }
    if (!s->rows) sb_die("%s: no question in it", path);
}

static int sb_score_order(const void *a, const void *b) {
    const SbScoreRow *x = (const SbScoreRow *)a, *y = (const SbScoreRow *)b;
    int order = sb_natural_order(x->type, y->type);
    return order ? order : sb_natural_order(x->reply.id, y->reply.id);
}

// One prediction for every question; then the rows stand by type, and by id within one.
static SB_UNUSED void sb_score_read_replies(SbScoreRows *s, const char *questions, const char *path) {
    SbReply **reply = (SbReply **)sb_calloc((size_t)s->rows, sizeof *reply);
    for (int i = 0; i < s->rows; i++) reply[i] = &s->row[i].reply;
    sb_replies_read(reply, s->rows, questions, path);
    free(reply);
    qsort(s->row, (size_t)s->rows, sizeof *s->row, sb_score_order);
}

// ---- the scores of a type

// Percent, but error; NAN where no question has a number. bleu: of all the words together, with the penalty
// for what is too short.
typedef struct { long n, numbers; double exact, bleu, within, mra, error; } SbScores;

// Of rows [first, first + n).
static SB_UNUSED SbScores sb_score_table(const SbScoreRows *s, int first, int n, double tolerance) {
    SbScores t = {n, 0, 0, 0, 0, 0, 0};
    double match = 0, length = 0, nearest = 0;
    for (int i = first; i < first + n; i++) {
        SbScored a = sb_score(s->row[i].reply.text, s->row[i].answer, s->row[i].answers, tolerance);
        t.exact += 100. * a.exact / n;
        match += a.match, length += a.length, nearest += a.nearest;
        if (a.numeric) t.numbers++, t.within += 100 * a.within, t.mra += 100 * a.mra, t.error += a.error;
    }
    if (length > 0) t.bleu = 100 * match / length * (length > nearest ? 1 : exp(1 - nearest / length));
    double numbers = t.numbers ? (double)t.numbers : NAN;
    t.within /= numbers, t.mra /= numbers, t.error /= numbers;
    return t;
}
#endif
