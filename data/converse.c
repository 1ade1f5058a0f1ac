// converse: write dialogues about scene folders as LLaVA conversations (JSON, or JSONL with a record a line).
//
//     ./data/converse --scenes rooms --out rooms.json                  every view of every scene in rooms/
//     ./data/converse --scenes office --out office.jsonl --mix pixel   a scene without masks: depth only
//     ./data/converse --scenes rooms --out m.json --mix multi --views 3      three pictures in a dialogue
//     ... --overlap 30,70 --cls-cosine .5,.9       only pairs that share so much and look so alike
//     ./data/converse --scenes rooms --out p.json --mix paper --stats  all types; p.html says what was made
//     ./data/converse --scenes rooms --out q.jsonl --vsi 2             VSI-Bench questions, two a type
//
// Refuses: to draw pictures (./data/simulate and ./data/import make scene folders), to leave half a file.
// Image paths are relative to the folder of --out. Read from top: paths, dialogues, main with its flags.
#define _XOPEN_SOURCE 700  // realpath
#include "census.h"
#include "flags.h"
#include "likeness.h"
#include "vsi_ask.h"

enum { PICTURES = 8 };              // of a dialogue, at most: so many are read by ./train boost --data

typedef struct {
    SbWriter out;
    char *folder;                   // of the output, without links
    int lines;                      // 1: JSONL
    uint64_t seed, number;          // of the next dialogue
    long per_view, records, turns, views, silent, skipped;
    int scenes, unproven, bare;     // scenes; of those whose poses are not proven; without objects
    SbMix mix;
    SbDialogue dialogue;
    SbViewInfo *info;               // [infos] of the views of a scene
    int infos, pictures;            // pictures of a dialogue
    SbViewInfo *heard;              // [infos] the same scene with noise
    SbNoise noise;
    SbNoiseCount noises;
    int noisy, balanced, counted;   // --noise, --blind-balance, --stats
    SbWindow window;
    int likened[2];                 // --patch-cosine, --cls-cosine
    double alike[2][2];             // the least and the largest cosine that was found
    long pairs, all_pairs;          // of views in the window, and beside it
    SbBalance balance;
    SbCensus census;
    SbText text;
    int vsi;                        // questions of each VSI type a scene; 0: dialogues
    SbVsiScene scene;
    SbVsiRows rows;
    long lacking[SB_VSI_TYPES];
} Job;

// ---- paths

static char *full_path(const char *path) {
    char *full = realpath(path, NULL);
    if (!full) sb_die("%s: cannot be found (%s)", path, strerror(errno));
    return full;
}

// `path` as seen from `folder`, both full: "/a/b/c.png" from "/a/d" is "../b/c.png". free() it.
static char *path_from(const char *folder, const char *path) {
    size_t common = 0;
    for (size_t i = 0;; i++) {
        int folder_ends = folder[i] == '/' || !folder[i];
        if (folder_ends && path[i] == '/') common = i;
        if (!folder[i] || folder[i] != path[i]) break;
    }
    SbText t = {NULL, 0, 0};
    for (const char *c = folder + common; *c; c++)
        if (*c == '/' && c[1]) sb_text_add(&t, "../");
    sb_text_add(&t, "%s", path + common + 1);
    return t.data;
}

// The colour image of a view, as seen from the output's folder.
static char *picture_path(const Job *job, const char *dir, const SbView *view) {
    static const char *const ending[] = {"png", "jpg", "jpeg"};
    for (int i = 0; i < 3; i++) {
        char *path = sb_format("%s/color/%s.%s", dir, view->name, ending[i]);
        if (sb_exists(path)) {
            char *full = full_path(path), *seen = path_from(job->folder, full);
            free(full);
            free(path);
            return seen;
        }
        free(path);
    }
    sb_die("%s/color/%s.png or .jpg: not there", dir, view->name);
}

// ---- dialogues

// The dialogue that is in job->dialogue, as a record: number n of its pictures.
static void write_record(Job *job, char **picture, int pictures, int n) {
    const SbDialogue *d = &job->dialogue;
    SbConversation c;
    SbText marks = {NULL, 0, 0};
    memset(&c, 0, sizeof c);
    for (int i = 0; i < pictures; i++) sb_text_add(&marks, "<image>\n");
    c.id = sb_format("%s#%d", picture[0], n);
    c.images = pictures;
    c.image = picture;
    c.turns = d->turns;
    c.turn = (SbTurn *)sb_calloc((size_t)d->turns, sizeof *c.turn);
    for (int t = 0; t < d->turns; t++) {
        c.turn[t].question = sb_format("%s%s", t ? "" : marks.data, sb_dialogue_question(d, t));
        c.turn[t].answer = sb_copy(sb_dialogue_answer(d, t));
    }
    job->text.size = 0;
    if (!job->lines) sb_text_add(&job->text, job->records ? "," : "[");
    sb_text_conversation(&job->text, &c);
    sb_write(&job->out, job->text.data, job->text.size);
    c.image = NULL;
    c.images = 0;
    free(marks.data);
    sb_conversation_free(&c);
    job->records++;
    job->turns += d->turns;
}

// VSI-Bench's questions about a scene: rows, or dialogues of one turn each about all of its pictures.
static void ask_vsi(Job *job, const SbScene *scene, const char *dir, char **picture) {
    char *full = full_path(dir), *name = strrchr(full, '/');
    if (name == full || !name[1]) sb_die("%s: a scene needs a folder with a name, in a folder with one", dir);
    *name++ = 0;
    const char *dataset = strrchr(full, '/') + 1;
    int first = job->rows.rows;
    sb_vsi_scene(&job->scene, scene);
    sb_vsi_ask(&job->rows, &job->scene, job->vsi, job->seed, job->number++, dataset, name, job->lacking);
    for (int i = first; i < job->rows.rows; i++) {
        job->text.size = 0;
        if (job->lines) {
            sb_text_vsi(&job->text, job->rows.row + i);
            sb_write(&job->out, job->text.data, job->text.size);
            job->records++;
            continue;
        }
        sb_text_vsi_prompt(&job->text, job->rows.row + i);
        sb_dialogue_clear(&job->dialogue);
        sb_dialogue_add(&job->dialogue, job->text.data, job->rows.row[i].truth, -1);
        write_record(job, picture, scene->views, i);
    }
    free(full);
}

// Dialogue number n with view v as picture 1, and others of the scene beside it as --views says.
static void converse_view(Job *job, const SbScene *scene, const double *overlap, char **picture, int v,
                          int n) {
    const SbViewInfo *info[PICTURES], *heard[PICTURES];
    const SbExtras extras = {job->noisy ? &job->noise : NULL, heard, job->balanced ? &job->balance : NULL,
                             job->counted ? &job->census : NULL};
    SbDialogue *d = &job->dialogue;
    char *name[PICTURES];
    int view[PICTURES] = {v};
    SbRandom random = sb_random(job->seed, ((uint64_t)1 << 40) + job->number);
    int count = sb_draw_views(overlap, scene->views, job->pictures, &random, view);
    for (int i = 0; i < count; i++) {
        info[i] = job->info + view[i], name[i] = picture[view[i]];
        heard[i] = job->heard + view[i];
    }
    job->census.half = (int)(job->number % 2);
    sb_dialogue_clear(d);
    if (count == job->pictures)     // else the window leaves too few
        sb_converse_with(d, info, count, &job->mix, job->seed, job->number, &extras);
    if (d->turns) write_record(job, name, count, n);
    else job->silent++;
    job->skipped += d->skipped;
    job->noises.again += d->again, job->noises.changed += d->changed;
    job->noises.wrong += d->wrong, job->noises.lost += d->lost;
    job->number++;
}

// What is known of all views of a scene, exactly and (--noise) with errors; noisy lives as long as that.
static void look_at_views(Job *job, const SbScene *scene, SbScene *noisy) {
    for (; job->infos < scene->views; job->infos++) {
        size_t size = (size_t)(job->infos + 1) * sizeof *job->info;
        job->info = (SbViewInfo *)sb_realloc(job->info, size);
        job->heard = (SbViewInfo *)sb_realloc(job->heard, size);
        memset(job->info + job->infos, 0, sizeof *job->info);
        memset(job->heard + job->infos, 0, sizeof *job->heard);
    }
    memset(noisy, 0, sizeof *noisy);
    if (job->noisy) sb_noise_scene(noisy, scene, &job->noise, sb_hash(job->seed, job->number));
    for (int v = 0; v < scene->views; v++) {
        sb_view_info(job->info + v, scene, v, job->mix.grid);
        if (job->noisy) sb_view_info(job->heard + v, noisy, v, job->mix.grid);
    }
}

// Overlaps of a scene's pairs of views, those outside of the window struck out; free() it.
static double *choose_pairs(Job *job, const SbScene *scene, const char *dir) {
    char *features = sb_format("%s/features.safetensors", dir);
    double *overlap = sb_overlaps(scene), *cosine[2] = {NULL, NULL};
    int n = scene->views;
    for (int k = 0; k < 2; k++) {
        if (!job->likened[k]) continue;
        if (!sb_exists(features))
            sb_die("%s: missing; make it with ./eval features --pictures %s/color --to %s", features, dir,
                   features);
        cosine[k] = sb_likeness(scene, features, k == 0);
        for (int i = 0; i < n * n; i++) {
            if (i / n <= i % n) continue;
            job->alike[k][0] = fmin(job->alike[k][0], cosine[k][i]);
            job->alike[k][1] = fmax(job->alike[k][1], cosine[k][i]);
        }
    }
    job->pairs += sb_window(scene, &job->window, overlap, cosine);
    job->all_pairs += (long)n * (n - 1) / 2;
    for (int k = 0; k < 2; k++) free(cosine[k]);
    free(features);
    return overlap;
}

static void converse_scene(Job *job, const char *dir) {
    SbScene scene, noisy;
    memset(&scene, 0, sizeof scene);
    sb_scene_load(&scene, dir);
    job->views += scene.views;
    job->scenes++, job->unproven += scene.unproven, job->bare += !scene.objects;
    if (job->pictures > scene.views)
        sb_die("%s: has %d views; dialogues of --views %d need as many", dir, scene.views, job->pictures);
    char **picture = (char **)sb_calloc((size_t)scene.views, sizeof *picture);
    for (int v = 0; v < scene.views; v++) picture[v] = picture_path(job, dir, scene.view + v);
    if (job->vsi) {
        ask_vsi(job, &scene, dir, picture);
    } else {
        double *overlap = job->pictures > 1 ? choose_pairs(job, &scene, dir) : NULL;
        look_at_views(job, &scene, &noisy);
        for (int v = 0; v < scene.views; v++)
            for (int n = 0; n < job->per_view; n++) converse_view(job, &scene, overlap, picture, v, n);
        sb_scene_free(&noisy);
        free(overlap);
    }
    sb_free_names(picture, scene.views);
    sb_scene_free(&scene);
}

// The scene folder dir, or the scene folders in it.
static void converse_folder(Job *job, const char *dir) {
    char *color = sb_format("%s/color", dir);
    int count = 0, found = sb_is_folder(color);
    if (found) converse_scene(job, dir);
    char **name = found ? NULL : sb_list_folder(dir, &count);
    for (int i = 0; i < count; i++) {
        char *inside = sb_format("%s/%s", dir, name[i]), *inside_color = sb_format("%s/color", inside);
        if (sb_is_folder(inside_color)) {
            converse_scene(job, inside);
            found = 1;
        }
        free(inside_color);
        free(inside);
    }
    if (!found) sb_die("%s: neither a scene folder (with color/, depth/, pose/) nor a folder of them", dir);
    sb_free_names(name, count);
    free(color);
}

// How many questions of a type there are, and how many found no clear case.
static void print_vsi(const Job *job, int type) {
    long asked = 0;
    for (int i = 0; i < job->rows.rows; i++) asked += job->rows.row[i].type == type;
    if (asked + job->lacking[type] && type != SB_VSI_ROUTE)
        printf("  %-28s %6ld asked, %6ld without a clear case\n", sb_vsi_type[type].name, asked,
               job->lacking[type]);
}

// The census of all dialogues, in the terminal and beside the output.
static void print_census(Job *job, const char *out) {
    static SbCensusRow row[SB_ASK_COUNT];
    char *page = sb_format("%.*s.html", (int)(strrchr(out, '.') - out), out);
    char *title = sb_format("Dialogues of %s", strrchr(out, '/') ? strrchr(out, '/') + 1 : out);
    sb_census_rows(&job->census, row);
    sb_census_print(row);
    sb_census_page(page, title, &job->census, row, &job->noises);
    printf("%s: the same to look at\n", page);
    free(title);
    free(page);
}

// ---- main

// "50,80" of a flag, both within [low, high] and in order.
static void read_window(const char *flag, const char *text, double low, double high, double out[2]) {
    char *end = NULL;
    out[0] = strtod(text, &end);
    int good = end != text && *end == ',';
    const char *second = end + good;
    out[1] = strtod(second, &end);
    if (!good || end == second || *end || !(out[0] >= low && out[0] <= out[1] && out[1] <= high))
        sb_die("--%s %s: expected two numbers A,B with %g <= A <= B <= %g", flag, text, low, high);
}

// No pair of views is in the window: which it is, and what cosines there are.
static void refuse_window(const Job *job, const char *out, const char *const *measure,
                          const char *const *range) {
    SbText t = {NULL, 0, 0};
    for (int k = 0; k < SB_BYS; k++) {
        const double *is = k < SB_BY_PATCHES ? NULL : job->alike[k - SB_BY_PATCHES];
        if (range[k]) sb_text_add(&t, "%s--%s %s", k ? " and " : "", measure[k], range[k]);
        if (range[k] && is) sb_text_add(&t, " (there are %.3f to %.3f)", is[0], is[1]);
    }
    sb_die("%s: not written, no two views of a scene have %s", out, t.data);
}

static int one_of(const char *flag, const char *value, const char *const *names, int count) {
    int i = sb_find_name(names, count, value, strlen(value));
    SbText t = {NULL, 0, 0};
    for (int k = 0; k < count && i < 0; k++) sb_text_add(&t, "%s %s", k ? "," : "", names[k]);
    if (i < 0) sb_die("--%s %s: expected one of%s", flag, value, t.data);
    return i;
}

// Flags that would change nothing: about pairs of views where there are none, about dialogues with --vsi.
static void refuse_idle(const Job *job, const SbFlag *flag, int flags) {
    static const char *const vsi[] = {"scenes", "out", "seed", "vsi"}, *const pair[] = {"overlap",
        "baseline", "patch-cosine", "cls-cosine"};
    for (int i = 0; i < flags; i++) {
        size_t size = strlen(flag[i].name);
        if (flag[i].given && job->vsi && sb_find_name(vsi, 4, flag[i].name, size) < 0)
            sb_die("--%s is for dialogues; --vsi asks VSI-Bench's questions as they are", flag[i].name);
        if (flag[i].given && job->pictures < 2 && sb_find_name(pair, 4, flag[i].name, size) >= 0)
            sb_die("--%s chooses pairs of views: --views 2 or more", flag[i].name);
    }
}

static char *usage(void) {
    SbText t = {NULL, 0, 0};
    sb_text_add(&t, "usage: ./data/converse --scenes DIR [DIR ...] --out FILE.json[l] [flags]\n\nmixes:\n");
    for (int i = 0; i < SB_MIX_ROWS; i++) {
        const SbMixRow *m = &sb_mix_row[i];
        sb_text_add(&t, "  %-9s %s\n  %-9s = %s\n", m->name, m->help, "", m->spec);
    }
    sb_text_add(&t, "questions:\n");
    for (int i = 0; i < SB_ASK_COUNT; i++) {
        const SbQuestion *q = sb_question_row(i);
        int size = *q->words != 0;
        const char *words = size ? q->words : q->more;
        sb_text_add(&t, "  %-13s %-8s %s %.*s\n  %-13s %-8s   [%s]\n", q->name, sb_level_name[q->level],
                    size ? " " : "+", (int)strcspn(words, "|"), words, "", "", q->formula);
    }
    sb_text_add(&t, "  +: the miniature has no words for it; in mixes that name it or say \"level+\"\n");
    sb_text_add(&t, "\nflags:");
    return t.data;
}

// How many questions a mix asks of a dialogue that only several pictures can answer.
static double asked_of_several(const SbMix *mix) {
    double sum = mix->level[SB_LEVEL_VIEWS] + mix->wide[SB_LEVEL_VIEWS];
    for (int i = 0; i < SB_ASK_COUNT; i++)
        if (sb_question_row(i)->level == SB_LEVEL_VIEWS) sum += mix->count[i];
    return sum;
}
// What was made, in words.
static void tell(Job *job, const char *out) {
    if (job->vsi) printf("%s: %ld questions about %ld views\n", out, job->records, job->views);
    else printf("%s: %ld dialogues, %ld turns, about %ld views\n", out, job->records, job->turns, job->views);
    for (int i = 0; i < SB_VSI_TYPES && job->vsi; i++) print_vsi(job, i);
    if (job->unproven)
        printf("note: nothing proved the poses of %d of %d scenes when they were imported\n", job->unproven,
               job->scenes);
    if (job->pairs < job->all_pairs)
        printf("pairs of views: %ld of %ld in the window\n", job->pairs, job->all_pairs);
    for (int k = 0; k < 2; k++)
        if (job->likened[k] && job->all_pairs)
            printf("cosines of %s: %.3f to %.3f\n", k ? "pictures" : "patches", job->alike[k][0],
                   job->alike[k][1]);
    if (job->skipped)
        printf("left out: %ld questions that a view has no clear answer to, and %ld whole dialogues\n",
               job->skipped, job->silent);
    if (job->skipped && job->bare)
        printf("note: %d of %d scenes have no objects (no masks), so nothing was asked about objects there\n",
               job->bare, job->scenes);
    if (!job->vsi && job->pictures == 1 && asked_of_several(&job->mix) > 0)
        printf("note: %g questions a dialogue are about several pictures: --views 2 or more asks them\n",
               asked_of_several(&job->mix));
    if (job->noisy)
        printf("noise: %ld of %ld answers changed, %ld to another word or by more than a quarter of a length;"
               " %ld questions lost\n", job->noises.changed, job->noises.again, job->noises.wrong,
               job->noises.lost);
    if (job->counted && !job->vsi) print_census(job, out);
}
static void job_free(Job *job) {
    free(job->folder);
    free(job->text.data);
    for (int i = 0; i < job->infos; i++) {
        sb_view_info_free(job->info + i);
        sb_view_info_free(job->heard + i);
    }
    free(job->info);
    free(job->heard);
    sb_balance_free(&job->balance);
    free(job->census.turn);
    sb_dialogue_free(&job->dialogue);
    sb_vsi_scene_free(&job->scene);
    sb_vsi_free(&job->rows);
}
// All folders into the open file.
static void converse_all(Job *job, const char *out, const char *scenes, const char **more, int extra) {
    sb_write_open(&job->out, out);
    char *folder = sb_folder_of(out);
    job->folder = full_path(folder);
    free(folder);
    converse_folder(job, scenes);
    for (int i = 0; i < extra; i++) converse_folder(job, more[i]);
}
// Close the file and say what is in it; nothing: an error, and no file.
static void finish(Job *job, const char *out, const char *mix) {
    if (!job->records && job->vsi) sb_die("%s: not written, no scene has objects to ask about", out);
    if (!job->records) sb_die("%s: not written, no view has what the mix \"%s\" asks about", out, mix);
    if (!job->lines) sb_write_text(&job->out, "]\n");
    sb_write_close(&job->out);
    tell(job, out);
}

int main(int argc, char **argv) {
    static Job job;
    const char *scenes = NULL, *out = NULL, *mix = "full", *order = "forward", *units = "cm";
    const char *levels = NULL, *noise = NULL;
    static const char *const measure[SB_BYS] = {"overlap", "baseline", "patch-cosine", "cls-cosine"};
    static const double most[SB_BYS][2] = {{0, 100}, {0, 1e6}, {-1, 1}, {-1, 1}};
    const char *range[SB_BYS] = {"0,100", "0,1e6", NULL, NULL};
    int rationale = 0, grid = 0, seed = 1, per_view = 1, wordings = 0, decimals = -1;
    job.pictures = 1;
    const char **more = (const char **)sb_calloc((size_t)argc, sizeof *more);
    SbFlag flag[] = {
        sb_flag("scenes", "DIR ...", SB_FLAG_TEXT, &scenes, 0, 0, "scene folders, or folders of them"),
        sb_flag("out", "FILE", SB_FLAG_TEXT, &out, 0, 0, "what to write: .json (a list), .jsonl (lines)"),
        sb_flag("mix", "MIX", SB_FLAG_TEXT, &mix, 0, 0, "a mix, or counts: depth=14,what=10.5,object=3"),
        sb_flag("order", "ORDER", SB_FLAG_TEXT, &order, 0, 0, "of levels: forward, reverse; or random"),
        sb_flag("levels", "L,L", SB_FLAG_TEXT, &levels, 0, 0, "only the mix's questions of these levels"),
        sb_flag("units", "cm|m|ft|in", SB_FLAG_TEXT, &units, 0, 0, "of lengths; or mixed"),
        sb_flag("decimals", "N", SB_FLAG_INT, &decimals, -1, 6, "of lengths; -1: cm, in 0; m, ft 2"),
        sb_flag("wordings", "N", SB_FLAG_INT, &wordings, 0, SB_WORDINGS, "of a type, at most; 0: the mix's"),
        sb_flag("rationale", "", SB_FLAG_SWITCH, &rationale, 0, 0, "answers give their reasons"),
        sb_flag("grid", "G", SB_FLAG_INT, &grid, 0, SB_GRID_MAX, "patches of a G x G grid; 0: pixels"),
        sb_flag("seed", "N", SB_FLAG_INT, &seed, 0, 2e9, "another seed, other dialogues"),
        sb_flag("views", "N", SB_FLAG_INT, &job.pictures, 1, PICTURES, "pictures of a scene in a dialogue"),
        sb_flag("overlap", "A,B", SB_FLAG_TEXT, &range[0], 0, 0, "percent that two pictures must share"),
        sb_flag("baseline", "A,B", SB_FLAG_TEXT, &range[1], 0, 0, "metres between their cameras"),
        sb_flag("patch-cosine", "A,B", SB_FLAG_TEXT, &range[2], 0, 0, "of their features place by place, as "
                "LPIPS; from features.safetensors in the scene, by ./eval features --pictures SCENE/color"),
        sb_flag("cls-cosine", "A,B", SB_FLAG_TEXT, &range[3], 0, 0, "of their pooled or CLS features, as "
                "CLIP; from the same file"),
        sb_flag("noise", "N=X,..", SB_FLAG_TEXT, &noise, 0, 0, "errors in the answers: depth=SD in metres, "
                "scale=FACTOR, erode=PIXELS off masks, swap=SHARE of objects, sign=SHARE of answers"),
        sb_flag("blind-balance", "", SB_FLAG_SWITCH, &job.balanced, 0, 0, "no answer comes more often than "
                "others to questions that look alike to one who does not see"),
        sb_flag("stats", "", SB_FLAG_SWITCH, &job.counted, 0, 0, "print what was made, draw it beside FILE"),
        sb_flag("vsi", "N", SB_FLAG_INT, &job.vsi, 0, 1000, "instead: VSI-Bench questions, at most N of each "
                "type a scene, as the benchmark's rows (.jsonl) or as dialogues about all views (.json)"),
        sb_flag("per-view", "N", SB_FLAG_INT, &per_view, 1, 1e6, "dialogues about each view"),
    };
    char *text = usage();
    int extra = sb_flags_parse(flag, (int)(sizeof flag / sizeof flag[0]), argc, argv, 1, text, more, argc);
    free(text);
    if (!scenes) sb_die("--scenes DIR is missing: ./data/simulate and ./data/import make scene folders");
    if (!out) sb_die("--out FILE is missing: where to write the conversations");
    const char *ending = strrchr(out, '.');
    job.lines = ending && !strcmp(ending, ".jsonl");
    if (!job.lines && (!ending || strcmp(ending, ".json")))
        sb_die("--out %s: must end in .json or .jsonl", out);
    job.mix = sb_mix_parse(mix);
    job.mix.order = one_of("order", order, sb_order_name, 3);
    job.mix.units = one_of("units", units, sb_units_name, SB_UNITS);
    if (levels) sb_mix_levels(&job.mix, levels);
    if (wordings) job.mix.wordings = wordings;
    job.mix.decimals = decimals + 1;
    job.mix.rationale = rationale;
    job.mix.grid = grid;
    job.noisy = noise != NULL;
    if (noise) job.noise = sb_noise_parse(noise);
    for (int k = 0; k < SB_BYS; k++)
        if (range[k]) read_window(measure[k], range[k], most[k][0], most[k][1], job.window.range[k]);
    for (int i = 0; i < 2; i++) {
        job.window.range[SB_BY_OVERLAP][i] /= 100;
        job.likened[i] = range[SB_BY_PATCHES + i] != NULL;
        job.alike[i][0] = 1, job.alike[i][1] = -1;
    }
    refuse_idle(&job, flag, (int)(sizeof flag / sizeof flag[0]));
    job.seed = (uint64_t)seed;
    job.per_view = per_view;
    converse_all(&job, out, scenes, more, extra);
    if (!job.records && job.pictures > 1 && !job.pairs) refuse_window(&job, out, measure, range);
    finish(&job, out, mix);
    free(more);
    job_free(&job);
    return 0;
}
