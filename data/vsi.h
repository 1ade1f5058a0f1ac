// vsi.h: VSI-Bench (arXiv 2412.14171): its types of question, its JSONL, its prompt, and its score.
//
// Refuses: questions of a type it does not know, what replies.h refuses, ground truth that is no number where
// one is due: one line with file and line number. A prediction that cannot be understood is no error: it
// scores 0, as in the benchmark. Read from top: the types, one score, rows of a file, the table of scores.
#ifndef SB_VSI_H
#define SB_VSI_H
#include "replies.h"

// ---- the types: rows of a file name them; three of them are levels of one of the eight tasks

enum { SB_VSI_COUNT, SB_VSI_DISTANCE, SB_VSI_SIZE, SB_VSI_ROOM, SB_VSI_NEAREST, SB_VSI_EASY, SB_VSI_MEDIUM,
       SB_VSI_HARD, SB_VSI_ROUTE, SB_VSI_ORDER, SB_VSI_TYPES };
enum { SB_VSI_TASKS = 8, SB_VSI_NUMERIC = 4, SB_VSI_OPTIONS = 4 };  // tasks; the first four of them

typedef struct { const char *name; int task; } SbVsiType;
static SB_UNUSED const SbVsiType sb_vsi_type[SB_VSI_TYPES] = {
    {"object_counting", 0},           {"object_abs_distance", 1},         {"object_size_estimation", 2},
    {"room_size_estimation", 3},      {"object_rel_distance", 4},         {"object_rel_direction_easy", 5},
    {"object_rel_direction_medium", 5}, {"object_rel_direction_hard", 5}, {"route_planning", 6},
    {"obj_appearance_order", 7}};
static SB_UNUSED const char *const sb_vsi_task[SB_VSI_TASKS] = {
    "object_counting",     "object_abs_distance",  "object_size_estimation", "room_size_estimation",
    "object_rel_distance", "object_rel_direction", "route_planning",         "obj_appearance_order"};

static SB_UNUSED int sb_vsi_is_choice(int type) { return sb_vsi_type[type].task >= SB_VSI_NUMERIC; }

// ---- one score

static int sb_vsi_blank(int c) { return c == ' ' || (c >= 9 && c <= 13) || (c >= 28 && c <= 31); }

// The word of a reply that counts: what stands before the first space, without full stops at its end, then
// without white space around it. (A reply that begins with a space is empty; "A)" stays "A)".) free() it.
static SB_UNUSED char *sb_vsi_clean(const char *reply) {
    size_t from = 0, to = strcspn(reply, " ");
    while (to > 0 && reply[to - 1] == '.') to--;
    while (to > 0 && sb_vsi_blank((unsigned char)reply[to - 1])) to--;
    while (from < to && sb_vsi_blank((unsigned char)reply[from])) from++;
    return sb_format("%.*s", (int)(to - from), reply + from);
}

static int sb_vsi_small(int c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; }

static SB_UNUSED int sb_vsi_same(const char *a, const char *b) {
    while (*a && sb_vsi_small((unsigned char)*a) == sb_vsi_small((unsigned char)*b)) a++, b++;
    return sb_vsi_small((unsigned char)*a) == sb_vsi_small((unsigned char)*b);
}

// Digits at *at, an underscore between two of them allowed, added to out; returns how many.
static int sb_vsi_digits(const char **at, char *out, size_t *size) {
    int digits = 0;
    for (;; (*at)++) {
        int digit = **at >= '0' && **at <= '9';
        if (!digit && !(**at == '_' && digits && (*at)[1] >= '0' && (*at)[1] <= '9')) return digits;
        if (digit) out[(*size)++] = **at, digits++;
    }
}

// A text as Python's float() reads it, without white space around it: no hexadecimal numbers (which strtod
// takes), but 1_000, infinity and nan. 0: it is none.
static SB_UNUSED int sb_vsi_number(const char *text, double *x) {
    const char *at = text + (*text == '+' || *text == '-');
    double sign = *text == '-' ? -1 : 1;
    *x = NAN;
    if (sb_vsi_same(at, "nan")) return 1;
    *x = sign * INFINITY;
    if (sb_vsi_same(at, "inf") || sb_vsi_same(at, "infinity")) return 1;
    char *plain = (char *)sb_calloc(strlen(text) + 2, 1);
    size_t size = 0;
    int digits = sb_vsi_digits(&at, plain, &size);
    if (*at == '.') plain[size++] = *at++, digits += sb_vsi_digits(&at, plain, &size);
    if (digits && (*at == 'e' || *at == 'E')) {
        plain[size++] = *at++;
        if (*at == '+' || *at == '-') plain[size++] = *at++;
        digits = sb_vsi_digits(&at, plain, &size);
    }
    int known = digits && !*at;
    if (known) *x = sign * strtod(plain, NULL);
    free(plain);
    return known;
}

// Mean relative accuracy of p for truth y > 0: the share of ten limits that |p - y| / y does not exceed. They
// are 1 - t for t of numpy's linspace(.5, .95, 10), to the last bit: .2 is larger than the limit 1 - .8, but
// .1 is not larger than the limit at .9.
static SB_UNUSED double sb_vsi_mra(double p, double y) {
    static const double limit[10] = {
        .5, .44999999999999996, .4, .35, .30000000000000004, .25, .19999999999999996, .15000000000000002,
        .10000000000000009, .050000000000000044};
    double error = fabs(p - y) / y;
    int within = 0;
    for (int i = 0; i < 10; i++) within += error <= limit[i];
    return within / 10.;
}

// The score in 0..1 of a reply to a question of a type with ground truth `truth`.
static SB_UNUSED double sb_vsi_score(int type, const char *reply, const char *truth) {
    double p, y, score = 0;
    char *word = sb_vsi_clean(reply);
    if (sb_vsi_is_choice(type)) score = sb_vsi_same(word, truth);
    else if (sb_vsi_number(word, &p) && sb_vsi_number(truth, &y)) score = sb_vsi_mra(p, y);
    free(word);
    return score;
}

// ---- rows of a file
//
//     {"id": 7, "dataset": "rooms", "scene_name": "scene_000003", "question_type": "object_abs_distance",
//      "question": "...", "ground_truth": "2.4", "options": null}        choices: "options": ["A. left", ...]
//     {"id": 7, "prediction": "2.1"}                                     a line of a file of predictions

typedef struct {
    int64_t id;
    int type, options;
    char *dataset, *scene, *question, *truth, *option[SB_VSI_OPTIONS];  // options without their letters
    SbReply reply;              // prediction
} SbVsiRow;

typedef struct { SbVsiRow *row; int rows; } SbVsiRows;

static SB_UNUSED void sb_vsi_row_free(SbVsiRow *r) {
    for (int i = 0; i < SB_VSI_OPTIONS; i++) free(r->option[i]);
    free(r->dataset);
    free(r->scene);
    free(r->question);
    free(r->truth);
    sb_reply_free(&r->reply);
    memset(r, 0, sizeof *r);
}

static SB_UNUSED void sb_vsi_free(SbVsiRows *v) {
    for (int i = 0; i < v->rows; i++) sb_vsi_row_free(v->row + i);
    free(v->row);
    memset(v, 0, sizeof *v);
}

// Add a question and a line end: a line of JSONL.
static SB_UNUSED void sb_text_vsi(SbText *t, const SbVsiRow *r) {
    sb_text_add(t, "{\"id\": %lld, \"dataset\": ", (long long)r->id);
    sb_text_json(t, r->dataset);
    sb_text_add(t, ", \"scene_name\": ");
    sb_text_json(t, r->scene);
    sb_text_add(t, ", \"question_type\": \"%s\", \"question\": ", sb_vsi_type[r->type].name);
    sb_text_json(t, r->question);
    sb_text_add(t, ", \"ground_truth\": ");
    sb_text_json(t, r->truth);
    sb_text_add(t, r->options ? ", \"options\": [" : ", \"options\": null");
    for (int i = 0; i < r->options; i++) {
        char *option = sb_format("%c. %s", 'A' + i, r->option[i]);
        if (i) sb_text_add(t, ", ");
        sb_text_json(t, option);
        free(option);
    }
    sb_text_add(t, r->options ? "]}\n" : "}\n");
}

// What a model is told, before the question the pictures.
static SB_UNUSED void sb_text_vsi_prompt(SbText *t, const SbVsiRow *r) {
    sb_text_add(t, "These are frames of a video.\n%s\n", r->question);
    if (r->options) sb_text_add(t, "Options:\n");
    for (int i = 0; i < r->options; i++) sb_text_add(t, "%c. %s\n", 'A' + i, r->option[i]);
    sb_text_add(t, r->options ? "Answer with the option's letter from the given choices directly."
                              : "Please answer the question using a single word or phrase.");
}

static int sb_vsi_find_type(const char *name, const char *where) {
    SbText known = {NULL, 0, 0};
    for (int i = 0; i < SB_VSI_TYPES; i++) {
        if (!strcmp(sb_vsi_type[i].name, name)) {
            free(known.data);
            return i;
        }
        sb_text_add(&known, " %s", sb_vsi_type[i].name);
    }
    sb_die("%s: question_type \"%.60s\" is not known; there are%s", where, name, known.data);
}

// Questions of a file, with what a score needs of them: id, type and truth.
static SB_UNUSED void sb_vsi_read(SbVsiRows *v, const char *path) {
    SbLines lines;
    int room = 0;
    memset(v, 0, sizeof *v);
    sb_lines_open(&lines, path);
    for (cJSON *record; (record = sb_lines_next(&lines)) != NULL; cJSON_Delete(record)) {
        if (v->rows == room) {
            room = 2 * room + 64;
            v->row = (SbVsiRow *)sb_realloc(v->row, (size_t)room * sizeof *v->row);
        }
        SbVsiRow *r = v->row + v->rows++;
        double y;
        memset(r, 0, sizeof *r);
        r->id = sb_json_int(record, "id", 0, (int64_t)1 << 53, lines.where);
        r->reply.id = sb_reply_id(record, lines.where);
        r->reply.line = lines.line;
        r->type = sb_vsi_find_type(sb_json_string(record, "question_type", lines.where), lines.where);
        r->truth = sb_copy(sb_json_string(record, "ground_truth", lines.where));
        if (!*r->truth) sb_die("%s: the ground truth is empty", lines.where);
        if (!sb_vsi_is_choice(r->type) && !(sb_vsi_number(r->truth, &y) && y > 0 && isfinite(y)))
            sb_die("%s: ground truth of %s: expected a number above 0, found \"%.40s\"", lines.where,
                   sb_vsi_type[r->type].name, r->truth);
    }
    if (!v->rows) sb_die("%s: no question in it", path);
}

// One prediction for every question.
static SB_UNUSED void sb_vsi_read_replies(SbVsiRows *v, const char *questions, const char *path) {
    SbReply **reply = (SbReply **)sb_calloc((size_t)v->rows, sizeof *reply);
    for (int i = 0; i < v->rows; i++) reply[i] = &v->row[i].reply;
    sb_replies_read(reply, v->rows, questions, path);
    free(reply);
}

// ---- the table of scores

// Percent, NAN where there is no question. The direction task is the plain mean of those of its levels that
// there are; numeric, choice and all are plain means of the tasks that there are. usual: of always giving the
// commonest ground truth of a type, which a model that looks must beat.
typedef struct {
    long n[SB_VSI_TYPES];
    double type[SB_VSI_TYPES], usual[SB_VSI_TYPES], task[SB_VSI_TASKS], numeric, choice, all;
} SbVsiScores;

// The commonest truth of a type; of several equally common ones the first.
static const char *sb_vsi_usual(const SbVsiRows *v, int type) {
    const char *best = NULL;
    int most = 0;
    for (int i = 0; i < v->rows; i++) {
        int count = 0;
        for (int k = 0; k < v->rows && v->row[i].type == type; k++)
            count += v->row[k].type == type && !strcmp(v->row[i].truth, v->row[k].truth);
        if (count > most) most = count, best = v->row[i].truth;
    }
    return best;
}

// Mean of the tasks [from, to) that have questions, NAN if none has.
static double sb_vsi_mean(const double *task, int from, int to) {
    double sum = 0;
    int n = 0;
    for (int i = from; i < to; i++)
        if (!isnan(task[i])) sum += task[i], n++;
    return n ? sum / n : NAN;
}

static SB_UNUSED void sb_vsi_scores(SbVsiScores *s, const SbVsiRows *v) {
    int levels[SB_VSI_TASKS] = {0};
    memset(s, 0, sizeof *s);
    for (int type = 0; type < SB_VSI_TYPES; type++) {
        const char *usual = sb_vsi_usual(v, type);
        int task = sb_vsi_type[type].task;
        for (int i = 0; i < v->rows; i++) {
            const SbVsiRow *r = v->row + i;
            if (r->type != type) continue;
            s->n[type]++;
            s->type[type] += 100 * sb_vsi_score(type, r->reply.text, r->truth);
            s->usual[type] += 100 * sb_vsi_score(type, usual, r->truth);
        }
        s->type[type] = s->n[type] ? s->type[type] / (double)s->n[type] : NAN;
        s->usual[type] = s->n[type] ? s->usual[type] / (double)s->n[type] : NAN;
        if (!s->n[type]) continue;
        s->task[task] += s->type[type];
        levels[task]++;
    }
    for (int i = 0; i < SB_VSI_TASKS; i++) s->task[i] = levels[i] ? s->task[i] / levels[i] : NAN;
    s->numeric = sb_vsi_mean(s->task, 0, SB_VSI_NUMERIC);
    s->choice = sb_vsi_mean(s->task, SB_VSI_NUMERIC, SB_VSI_TASKS);
    s->all = sb_vsi_mean(s->task, 0, SB_VSI_TASKS);
}
#endif
