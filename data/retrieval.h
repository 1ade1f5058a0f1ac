// retrieval.h: the revisited Oxford and Paris buildings (Radenovic et al. 2018): which pictures should come
// first for which query, and the mean average precision of an order.
//
//     DIR/gnd_NAME.json      the benchmark's gnd_NAME.pkl as JSON, fields and all:
//         {"imlist": ["a", ...], "qimlist": ["q", ...], "gnd": [{"bbx": [x0, y0, x1, y1], "easy": [0, 7],
//          "hard": [3], "junk": [5]}, ...]}          numbers count imlist from 0; a query is cut to its box
//     DIR/jpg/a.jpg ...
//
// Refuses: a number beyond imlist, a picture twice in one query's lists, a query without a box; no file or
// several of them. Read from top: reading, average precision, the three protocols.
#ifndef SB_RETRIEVAL_H
#define SB_RETRIEVAL_H
#include "fit.h"
#include "json.h"

// ---- reading

enum { SB_RANK_NONE, SB_RANK_EASY, SB_RANK_HARD, SB_RANK_JUNK };
typedef struct { double box[4]; unsigned char *grade; } SbQuery;        // grade [images]: one of the above
typedef struct { char **image, **asked; int images, queries; SbQuery *query; } SbRevisited;

static SB_UNUSED void sb_revisited_free(SbRevisited *r) {
    for (int i = 0; i < r->queries; i++) free(r->query[i].grade);
    sb_free_names(r->image, r->images), sb_free_names(r->asked, r->queries), free(r->query);
}
// A list of names; *n of them.
static char **sb_revisited_names(const cJSON *file, const char *field, const char *path, int *n) {
    const cJSON *list = sb_json_array(file, field, path);
    char **name = (char **)sb_calloc((size_t)(*n = cJSON_GetArraySize(list)) + 1, sizeof *name);
    int i = 0;
    for (const cJSON *v = list->child; v; v = v->next) {
        if (!cJSON_IsString(v) || !*v->valuestring || strchr(v->valuestring, '/'))
            sb_die("%s: field \"%s\": entry %d: expected a picture's name", path, field, i);
        name[i++] = sb_copy(v->valuestring);
    }
    if (!i) sb_die("%s: field \"%s\" is an empty list", path, field);
    return name;
}
static void sb_revisited_query(SbRevisited *r, SbQuery *q, const cJSON *record, const char *where) {
    static const char *const field[] = {NULL, "easy", "hard", "junk"};
    sb_json_numbers(record, "bbx", q->box, 4, where);
    if (!(q->box[2] > q->box[0] && q->box[3] > q->box[1]))
        sb_die("%s: field \"bbx\": expected left, top, right, bottom, found %g %g %g %g", where, q->box[0],
               q->box[1], q->box[2], q->box[3]);
    q->grade = (unsigned char *)sb_calloc((size_t)r->images, 1);
    for (int k = SB_RANK_EASY; k <= SB_RANK_JUNK; k++)
        for (const cJSON *v = sb_json_array(record, field[k], where)->child; v; v = v->next) {
            double i = cJSON_IsNumber(v) ? v->valuedouble : -1;
            if (!(i >= 0 && i < r->images && i == floor(i)))
                sb_die("%s: field \"%s\": expected numbers from 0 to %d", where, field[k], r->images - 1);
            unsigned char *grade = q->grade + (int)i;
            if (*grade) sb_die("%s: picture %d is %s and %s", where, (int)i, field[*grade], field[k]);
            *grade = (unsigned char)k;
        }
}
static SB_UNUSED void sb_revisited_read(SbRevisited *r, const char *path) {
    cJSON *file = sb_json_read(path);
    int i = 0;
    memset(r, 0, sizeof *r);
    r->image = sb_revisited_names(file, "imlist", path, &r->images);
    r->asked = sb_revisited_names(file, "qimlist", path, &r->queries);
    const cJSON *gnd = sb_json_array(file, "gnd", path);
    if (cJSON_GetArraySize(gnd) != r->queries)
        sb_die("%s: field \"gnd\" has %d entries, \"qimlist\" %d; expected one for each", path,
               cJSON_GetArraySize(gnd), r->queries);
    r->query = (SbQuery *)sb_calloc((size_t)r->queries, sizeof *r->query);
    for (const cJSON *v = gnd->child; v; v = v->next, i++) {
        char *where = sb_format("%s: query %d (%s)", path, i, r->asked[i]);
        sb_revisited_query(r, r->query + i, v, where);
        free(where);
    }
    cJSON_Delete(file);
}

// ---- average precision

// Of an order of n pictures with these grades: good and junk are masks of grades (1 << grade). Junk is passed
// over; precision and recall are joined by straight lines, as the benchmark has it: a good picture at rank r
// (from 0) behind k other good ones adds (k / r + (k + 1) / (r + 1)) / 2, where 0 / 0 is 1. NAN: there is no
// good one.
static SB_UNUSED double sb_average_precision(const unsigned char *grade, const int *order, int n, int good,
                                             int junk) {
    double sum = 0;
    int found = 0, rank = 0;
    for (int i = 0; i < n; i++) {
        int bit = 1 << grade[order[i]];
        if (bit & junk) continue;
        if (bit & good) {
            sum += ((rank ? (double)found / rank : 1) + (found + 1.) / (rank + 1)) / 2;
            found++;
        }
        rank++;
    }
    return found ? sum / found : NAN;
}

// ---- the protocols

enum { SB_REVISITED_EASY, SB_REVISITED_MEDIUM, SB_REVISITED_HARD, SB_REVISITED };
#define SB_GRADE(g) (1 << SB_RANK_##g)
static SB_UNUSED const int sb_revisited_good[SB_REVISITED] = {
    SB_GRADE(EASY), SB_GRADE(EASY) | SB_GRADE(HARD), SB_GRADE(HARD)};
static SB_UNUSED const int sb_revisited_junk[SB_REVISITED] = {
    SB_GRADE(JUNK) | SB_GRADE(HARD), SB_GRADE(JUNK), SB_GRADE(JUNK) | SB_GRADE(EASY)};

// Average precision of every protocol, from the score of each of n pictures.
static SB_UNUSED void sb_revisited_score(double precision[SB_REVISITED], const SbQuery *q,
                                         const real *score, int n) {
    SbRanked *ranked = (SbRanked *)sb_calloc((size_t)n, sizeof *ranked);
    int *order = (int *)sb_calloc((size_t)n, sizeof *order);
    for (int i = 0; i < n; i++) ranked[i].score = score[i], ranked[i].index = i;
    qsort(ranked, (size_t)n, sizeof *ranked, sb_compare_ranked);
    for (int i = 0; i < n; i++) order[i] = ranked[i].index;
    for (int k = 0; k < SB_REVISITED; k++)
        precision[k] =
            sb_average_precision(q->grade, order, n, sb_revisited_good[k], sb_revisited_junk[k]);
    free(ranked), free(order);
}
#endif
