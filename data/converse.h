// converse.h: dialogues about a view of a scene, or several: questions with exact answers, as text.
//
// Refuses: files; tokens (words.h has them); to guess. Its parts: questions.h (frame, units, margins, mixes),
// question_rows.h (the table), view.h (what is known of a view), ask.h (a question in the making), answers.h,
// spatial.h and pair.h (one function per answer), noise.h (answers by a seer who errs), balance.h (which
// answers may come). Here: sb_converse, which strings them together.
#ifndef SB_CONVERSE_H
#define SB_CONVERSE_H
#include "balance.h"
#include "noise.h"

#define SB_ROW(name, level, kind, needs, function, formula, words, more) \
    {#name, SB_LEVEL_##level, SB_KIND_##kind, SB_NEED_##needs, function, formula, words, more},
static const SbQuestion *sb_question_row(int type) {
    static const SbQuestion row[SB_ASK_COUNT] = {SB_QUESTIONS(SB_ROW)};
    return &row[type];
}
#undef SB_ROW

// ---- the dialogue

// Choose the picture of a question, or the two if it is about two.
static void sb_choose_pictures(SbAsk *q, int two) {
    if (q->pictures > 1) q->picture[0] = (int)sb_next_int(&q->random, (uint32_t)q->pictures);
    q->info = q->all[q->picture[0]];
    q->other = NULL;
    if (!two || q->pictures < 2) return;
    int step = 1 + (int)sb_next_int(&q->random, (uint32_t)q->pictures - 1);
    q->picture[1] = (q->picture[0] + step) % q->pictures;
    q->other = q->all[q->picture[1]];
}

// One of the row's wordings: where it begins, and its end; the opposite is asked if it begins with !.
static const char *sb_choose_wording(SbAsk *q, const SbQuestion *row, const char **end) {
    const char *list[2] = {row->words, row->more}, *at;
    uint32_t count[2] = {*row->words != 0, *row->more != 0};
    for (int i = 0; i < 2; i++)
        for (const char *c = list[i]; *c; c++) count[i] += *c == '|';
    uint32_t all = count[0] + count[1], most = q->mix->wordings ? (uint32_t)q->mix->wordings : count[0];
    uint32_t pick = sb_next_int(&q->random, most && most < all ? most : all);
    at = list[pick >= count[0]];
    for (pick -= pick >= count[0] ? count[0] : 0; pick > 0; pick--) at = strchr(at, '|') + 1;
    *end = at + strcspn(at, "|");
    q->inverse = *at == '!';
    return at + q->inverse;
}

// Draw and ask one question; 0: the view has none of this type.
static int sb_ask_once(SbAsk *q, int type) {
    const SbQuestion *row = sb_question_row(type);
    SbDialogue *d = q->out;
    const char *end;
    sb_choose_pictures(q, row->level == SB_LEVEL_VIEWS);
    int has = q->other ? (q->info->has & q->other->has) | SB_NEED_VIEWS : q->info->has;
    if ((row->needs & has) != row->needs) return 0;
    const char *from = sb_choose_wording(q, row, &end);
    q->type = type;
    q->said = 0;
    q->units = q->mix->units;
    if (q->units == SB_UNITS_MIXED) q->units = (int)sb_next_int(&q->random, SB_UNITS_MIXED);
    SbDialogueTurn *turn = sb_dialogue_turn(d, type);
    size_t start = d->text.size;
    q->drawn = q->random;
    if (!row->ask(q)) {
        d->text.size = start;
        return 0;
    }
    sb_text_bytes(&d->text, "", 1);
    turn->answer = start;
    turn->question = d->text.size;
    double said = q->said;      // a question may name a length too
    sb_say_question(q, from, end);
    q->said = said;
    return 1;
}

enum { SB_BALANCE_TRIES = 16 };

// Ask one question, or with a balance one whose answer has not come too often; 0: there is none.
static int sb_ask(SbAsk *q, int type) {
    SbDialogue *d = q->out;
    size_t start = d->text.size;
    for (int i = 0; i < (q->balance ? SB_BALANCE_TRIES : 1); i++) {
        d->text.size = start;
        if (!sb_ask_once(q, type)) continue;
        const char *answer = sb_dialogue_answer(d, d->turns);
        if (q->balance &&
            !sb_balance_take(q->balance, sb_blind_key(q), sb_answer_class(q, answer), &q->random))
            continue;
        if (q->noise && !sb_answer_again(q)) return 1;  // asked, but lost
        if (q->census) sb_census_add(q->census, q, sb_dialogue_answer(d, d->turns));
        d->turns++;
        return 1;
    }
    d->text.size = start;
    return 0;
}

static int sb_draw_count(SbAsk *q, double count) {
    int whole = (int)count;
    return count > whole ? whole + (sb_next_unit(&q->random) < count - whole) : whole;
}

// count questions of a level, of the types that the miniature has words for or of all (wide), in random
// order, round and round.
static void sb_ask_level(SbAsk *q, int level, int count, int wide) {
    int type[SB_ASK_COUNT], types = 0, failed = 0;
    for (int i = 0; i < SB_ASK_COUNT; i++) {
        if (sb_question_row(i)->level != level || !(wide || *sb_question_row(i)->words)) continue;
        int place = (int)sb_next_int(&q->random, (uint32_t)(types + 1));
        type[types++] = type[place];
        type[place] = i;
    }
    for (int i = 0; count > 0 && failed < types; i++) {
        int asked = sb_ask(q, type[i % types]);
        failed = asked ? 0 : failed + 1;
        count -= asked;
    }
    q->out->skipped += count;
}

static void sb_swap_turns(SbDialogue *d, int a, int b) {
    SbDialogueTurn t = d->turn[a];
    d->turn[a] = d->turn[b];
    d->turn[b] = t;
}

// Reverse: the levels change places, the turns within a level keep their order.
static void sb_order_turns(SbAsk *q) {
    SbDialogue *d = q->out;
    int n = d->turns;
    if (q->mix->order == SB_ORDER_RANDOM)
        for (int i = n - 1; i > 0; i--) sb_swap_turns(d, i, (int)sb_next_int(&q->random, (uint32_t)(i + 1)));
    if (q->mix->order != SB_ORDER_REVERSE) return;
    for (int i = 0, j = n - 1; i < j; i++, j--) sb_swap_turns(d, i, j);
    for (int from = 0, to; from < n; from = to) {
        int level = sb_question_row(d->turn[from].type)->level;
        for (to = from; to < n && sb_question_row(d->turn[to].type)->level == level; to++) {}
        for (int i = from, j = to - 1; i < j; i++, j--) sb_swap_turns(d, i, j);
    }
}

// Dies if a scene such as this can serve no question of the mix, whatever the view.
static void sb_mix_check(const SbMix *mix, const SbViewInfo *info, int pictures) {
    int has = (info->view->depth ? SB_NEED_DEPTH : 0) | (info->view->mask ? SB_NEED_MASK : 0) |
              (pictures > 1 ? SB_NEED_VIEWS : 0) | (info->scene->floor_area > 0 ? SB_NEED_ROOM : 0);
    for (int i = 0; i < info->scene->objects && info->view->mask; i++)
        if (info->scene->object[i].has_box) has |= SB_NEED_BOX;
    for (int i = 0; i < SB_ASK_COUNT; i++) {
        const SbQuestion *row = sb_question_row(i);
        int wanted = mix->count[i] > 0 || mix->wide[row->level] > 0 ||
                     (mix->level[row->level] > 0 && *row->words);
        if (wanted && (row->needs & has) == row->needs) return;
    }
    sb_die("%s, view %s: the mix \"%s\" asks only for what is not there (%s, %s, %s, %d %s); \"pixel\" needs "
           "depth",
           info->scene->name, info->view->name, mix->name, has & SB_NEED_DEPTH ? "depth" : "no depth",
           has & SB_NEED_MASK ? "masks" : "no masks", has & SB_NEED_BOX ? "boxes" : "no boxes", pictures,
           pictures == 1 ? "picture" : "pictures");
}

// What a dialogue may be made with besides its mix; zeros or NULLs: nothing of it.
typedef struct {
    const SbNoise *noise;
    const SbViewInfo *const *noisy;     // the pictures of sb_noise_scene, in the order of the exact ones
    SbBalance *balance;
    SbCensus *census;
} SbExtras;

// The dialogue number `counter` of stream `seed` about views of one scene whose statistics are known
// (mix->grid must be theirs): info[0] is picture 1. A function of its arguments alone (and of what balance
// has taken so far). Returns the number of turns: 0 if the views have nothing to ask about (no object in
// sight, no depth measured); a scene that has nothing for this mix in any view is an error. d starts from
// zeros. extras: NULL for none.
static SB_UNUSED int sb_converse_with(SbDialogue *d, const SbViewInfo *const *info, int pictures,
                                      const SbMix *mix, uint64_t seed, uint64_t counter,
                                      const SbExtras *extras) {
    SbAsk q;
    memset(&q, 0, sizeof q);
    q.all = info;
    q.pictures = pictures;
    q.mix = mix;
    q.out = d;
    q.random = sb_random(seed, counter);
    if (extras) {
        q.noise = extras->noise, q.noisy = extras->noisy;
        q.balance = extras->balance, q.census = extras->census;
        q.flips = sb_random(seed ^ SB_NOISE_STREAM, counter);
    }
    for (int i = 0; i < pictures; i++) {
        if (info[i]->grid != mix->grid)
            sb_die("view statistics on a grid of %d, mix on %d", info[i]->grid, mix->grid);
        if (info[i]->scene != info[0]->scene) sb_die("a dialogue about views of two scenes");
    }
    sb_dialogue_clear(d);
    sb_mix_check(mix, info[0], pictures);
    for (int level = 0; level < SB_LEVELS; level++) {
        for (int i = 0; i < SB_ASK_COUNT; i++) {
            if (sb_question_row(i)->level != level) continue;
            for (int n = sb_draw_count(&q, mix->count[i]); n > 0; n--) d->skipped += !sb_ask(&q, i);
        }
        int any = sb_draw_count(&q, mix->level[level]), wide = sb_draw_count(&q, mix->wide[level]);
        if (any || level != SB_LEVEL_VIEWS) sb_ask_level(&q, level, any, 0);  // even none draws numbers
        if (wide) sb_ask_level(&q, level, wide, 1);
    }
    sb_order_turns(&q);
    return d->turns;
}

// The same without extras.
static SB_UNUSED int sb_converse_views(SbDialogue *d, const SbViewInfo *const *info, int pictures,
                                       const SbMix *mix, uint64_t seed, uint64_t counter) {
    return sb_converse_with(d, info, pictures, mix, seed, counter, NULL);
}

// The same about one view.
static SB_UNUSED int sb_converse_info(SbDialogue *d, const SbViewInfo *info, const SbMix *mix, uint64_t seed,
                                      uint64_t counter) {
    return sb_converse_views(d, &info, 1, mix, seed, counter);
}

// The same about view `view` of a scene, whose statistics are computed on the way.
static SB_UNUSED int sb_converse(SbDialogue *d, const SbScene *scene, int view, const SbMix *mix,
                                 uint64_t seed, uint64_t counter) {
    sb_view_info(&d->info, scene, view, mix->grid);
    return sb_converse_info(d, &d->info, mix, seed, counter);
}
#endif
