// samples.h: what a training step reads: scenes, pictures and dialogues become a batch. Include
// spatialboost.h first.
//
// Refuses: state. Sample i of a run is a function of (seed, i): the order of threads, a crash and a resume
// change nothing. Sources: rooms simulated in memory, scene folders (--scenes), LLaVA conversations
// (records.h). They speak the miniature's words, or, with models of the hub (pretrained.h), those models'
// language.
// Read from top: the source, one sample, a batch of one of the tasks.
#ifndef SB_SAMPLES_H
#define SB_SAMPLES_H
#include "converse.h"
#include "image.h"
#include "json.h"
#include "batch.h"
#include "pretrained.h"
#include "records.h"
#include "simulate.h"
#include "words.h"

// What a batch is for.
enum {
    SB_TASK_RECOGNISE,
    SB_TASK_MAP,
    SB_TASK_DIALOGUE,
    SB_TASK_DEPTH, // from patch features: depth and labels, whichever the step asks for
    SB_TASK_GEOMETRY, // from here on a sample is a scene: several posed views
    SB_TASK_FIELD,
    SB_TASK_LATENTS // LATENTS: a dialogue about the first view, beside the scene's latents
};
enum { SB_DEPTHS = 24 }; // patches a picture whose depth SB_TASK_DEPTH asks for
#define SB_DEPTH_OFFSET 3.0 // metres subtracted from its targets, about the mean depth of a room

typedef struct {
    SbConfig config;
    SbSimConfig sim;
    SbMix mix, alone; // alone: of dialogues about one view among those about several,
    double single; // which are this share
    SbNoise noise; // of the answers, if noisy
    SbBalance balance; // of the answers, if it is settled
    SbWords words;
    int pool, task, grid;
    int posed, tells; // views of a sample; how many of them a dialogue is about
    int first; // the view of a simulated room that comes first
    long rooms; // cycle over so many simulated rooms; 0: never the same twice
    uint64_t seed;
    double share; // probability that a sample comes from scenes or records, if there are any
    SbScene *scene, *wrong; // loaded folders; seen with noise
    int scenes, views, noisy; // views of all of them
    SbViewInfo *info, *heard; // [views]; the same seen with noise
    unsigned char **picture; // [views] resized
    SbRecords data; // of conversation files
    SbPretrained *pretrained; // NULL: the miniature's words and pictures
} SbSource;

// One sample under way: buffers of one slot of the batch, reused from step to step.
typedef struct {
    SbScene scene, wrong; // of a simulated room; seen with noise
    SbViewInfo own[SB_ROOM_VIEWS], heard[SB_ROOM_VIEWS]; // its views, and seen with noise
    const SbViewInfo *told[SB_ROOM_VIEWS]; // what the dialogue is about: its first `tells` views
    int tells;
    const SbViewInfo *info; // what is asked about; NULL: a record
    SbDialogue dialogue;
    SbSequence sequence;
    unsigned char *picture[SB_ROOM_VIEWS]; // not owned
    const SbView *view[SB_ROOM_VIEWS]; // of a scene: where camera and depth are
    int pictures, stored; // stored: from a scene or a record, not simulated
    int *map; // [grid*grid][3] words
    SbConversation talk; // of a record, for models of the hub
    char *path[SB_SHOWN]; // its pictures' files
    float *pixels[SB_SHOWN]; // its pictures as the encoder takes them
    int shown[SB_SHOWN]; // pictures for every <image>
    uint64_t key;
} SbSample;

// ---- the source

// views: of a scene, for the tasks that read scenes; pictures of a dialogue.
static SB_UNUSED void sb_source_init(SbSource *s, const SbConfig *c, int task, int pool, const char *mix,
                                     int views, uint64_t seed) {
    memset(s, 0, sizeof *s);
    s->config = *c;
    s->sim = sb_sim_default();
    s->sim.w = s->sim.h = c->image;
    s->data.frames = 8, s->data.seed = seed;
    s->posed = s->sim.views = task < SB_TASK_GEOMETRY && task != SB_TASK_DIALOGUE ? 1 : views;
    s->tells = task == SB_TASK_DIALOGUE ? views : 1;
    if (s->posed < 1) sb_die("--views %d: at least 1", views);
    if (s->posed < 2 && task >= SB_TASK_GEOMETRY) sb_die("--views %d: a scene needs at least 2", views);
    if (s->posed > SB_ROOM_VIEWS) sb_die("--views %d: at most %d", views, (int)SB_ROOM_VIEWS);
    if (s->posed > 1) s->sim.overlap_min = 30, s->sim.overlap_max = 80;
    s->grid = c->image / c->patch;
    s->task = task, s->pool = pool, s->seed = seed;
    s->mix = sb_mix_parse(mix);
    s->mix.grid = s->grid;
    s->share = 1;
    if (c->patch_word < 0) return;      // no word of the miniature's is used
    if (c->patch_word != SB_WORD_PATCH || c->vocab < SB_WORDS)
        sb_die("the miniature's words need --patch_word %d and --vocab of at least %d", SB_WORD_PATCH,
               SB_WORDS);
    sb_words_init(&s->words, s->grid);
    sb_words_mix(&s->mix);
}
// A share of samples are about one view alone, asked by a mix of their own.
static SB_UNUSED void sb_source_single(SbSource *s, double share, const char *mix) {
    s->single = share;
    s->alone = sb_mix_parse(mix);
    s->alone.grid = s->grid, s->alone.order = s->mix.order;
    if (s->config.patch_word >= 0) sb_words_mix(&s->alone);
}
// A picture of any size as the encoder's square; the caller frees it.
static SB_UNUSED unsigned char *sb_square(const unsigned char *rgb, int w, int h, int side) {
    unsigned char *out = (unsigned char *)sb_calloc((size_t)side * (size_t)side, 3);
    sb_image_resize(rgb, w, h, out, side, side);
    return out;
}
// Add the scene folder dir, or every scene folder in it.
static SB_UNUSED void sb_source_scenes(SbSource *s, const char *dir) {
    char *color = sb_format("%s/color", dir);
    if (!sb_is_folder(color)) {
        int count, found = 0;
        char **name = sb_list_folder(dir, &count);
        for (int i = 0; i < count; i++) {
            char *sub = sb_format("%s/%s/color", dir, name[i]);
            if (sb_is_folder(sub)) {
                char *folder = sb_format("%s/%s", dir, name[i]);
                sb_source_scenes(s, folder), found = 1;
                free(folder);
            }
            free(sub);
        }
        sb_free_names(name, count);
        if (!found)
            sb_die("%s: no scene in it (a scene is a folder with color, depth, pose, intrinsic)", dir);
        free(color);
        return;
    }
    free(color);
    s->scene = (SbScene *)sb_realloc(s->scene, (size_t)(s->scenes + 1) * sizeof *s->scene);
    memset(s->scene + s->scenes, 0, sizeof *s->scene);
    sb_scene_load(s->scene + s->scenes, dir);
    s->scenes++;
}
// After the last sb_source_scenes: what is known of every view.
static SB_UNUSED void sb_source_ready(SbSource *s) {
    for (int i = 0; i < s->scenes; i++) s->views += s->scene[i].views;
    s->info = (SbViewInfo *)sb_calloc((size_t)s->views, sizeof *s->info);
    if (s->noisy) s->heard = (SbViewInfo *)sb_calloc((size_t)s->views, sizeof *s->heard);
    if (s->noisy) s->wrong = (SbScene *)sb_calloc((size_t)s->scenes, sizeof *s->wrong);
    for (int i = 0; s->noisy && i < s->scenes; i++)
        sb_noise_scene(s->wrong + i, s->scene + i, &s->noise, sb_hash(s->seed, (uint64_t)i));
    s->picture = (unsigned char **)sb_calloc((size_t)s->views, sizeof *s->picture);
    for (int i = 0, k = 0; i < s->scenes; i++)
        for (int v = 0; v < s->scene[i].views; v++, k++) {
            const SbView *view = s->scene[i].view + v;
            sb_view_info(s->info + k, s->scene + i, v, s->grid);
            if (s->noisy) sb_view_info(s->heard + k, s->wrong + i, v, s->grid);
            s->picture[k] = sb_square(view->rgb, view->w, view->h, s->config.image);
        }
}

// ---- one sample

// The pictures that a name of a record stands for: a file, or some frames of a folder, evenly spread.
static SB_UNUSED int sb_sample_files(const SbSource *s, SbSample *out, const char *folder, const char *name) {
    char *path = sb_record_path(folder, name);
    if (!sb_is_folder(path)) {
        if (out->pictures == SB_SHOWN) sb_die("%s: more than %d pictures in a record", path, (int)SB_SHOWN);
        out->path[out->pictures++] = path;
        return 1;
    }
    int count, n;
    char **frame = sb_list_folder(path, &count);
    n = sb_min(count, s->data.frames);
    if (!n) sb_die("%s: a folder of frames without one", path);
    if (out->pictures + n > SB_SHOWN) sb_die("%s: more than %d pictures in a record", path, (int)SB_SHOWN);
    for (int i = 0; i < n; i++)
        out->path[out->pictures++] = sb_format("%s/%s", path, frame[n > 1 ? i * (count - 1) / (n - 1) : 0]);
    sb_free_names(frame, count);
    free(path);
    return n;
}
// Record r of the conversation file. Serial: it reads a file.
static SB_UNUSED void sb_sample_record(SbSource *s, SbSample *out, SbRecord *r) {
    SbConversation c;
    SbRecordFile *x = s->data.file + r->file;
    sb_conversations_at(&x->talk, r->offset, r->record, &c);
    out->info = NULL;
    out->pictures = s->pretrained ? 0 : c.images;
    if (s->pretrained) {
        sb_conversation_free(&out->talk);
        for (int i = 0; i < c.images; i++) out->shown[i] = sb_sample_files(s, out, x->folder, c.image[i]);
        out->talk = c;
        return;
    }
    for (int i = 0; i < c.images; i++) {
        if (!r->picture[i]) {
            char *path = sb_record_path(x->folder, c.image[i]);
            int w, h;
            unsigned char *rgb = sb_image_load(path, &w, &h);
            r->picture[i] = sb_square(rgb, w, h, s->config.image);
            free(rgb), free(path);
        }
        out->picture[i] = r->picture[i];
    }
    sb_dialogue_clear(&out->dialogue);
    for (int t = 0; t < c.turns; t++) {
        char *question = sb_copy(c.turn[t].question), *tag;
        while ((tag = strstr(question, "<image>"))) memset(tag, ' ', 7);
        sb_dialogue_add(&out->dialogue, question, c.turn[t].answer, -1);
        free(question);
    }
    sb_conversation_free(&c);
}
// For models of the hub: a sample's pictures as their encoder takes them, from files or from its views.
static SB_UNUSED void sb_sample_pixels(const SbSource *s, SbSample *out) {
    for (int i = 0, w, h; i < SB_SHOWN; i++) {
        free(out->pixels[i]), out->pixels[i] = NULL;
        if (i >= out->pictures) continue;
        if (!out->path[i]) {
            const SbView *v = out->told[i]->view;
            out->pixels[i] = sb_pretrained_picture(s->pretrained, v->rgb, v->w, v->h), out->shown[i] = 1;
            continue;
        }
        unsigned char *rgb = sb_image_load(out->path[i], &w, &h);
        out->pixels[i] = sb_pretrained_picture(s->pretrained, rgb, w, h);
        free(rgb), free(out->path[i]), out->path[i] = NULL;
    }
}
// Simulated room number `room` of the pool.
static SB_UNUSED void sb_sample_room(const SbSource *s, SbSample *out, uint64_t room) {
    SbRoom layout;
    sb_room_make(&layout, &s->sim, sb_pool(s->pool, room));
    sb_room_scene(&out->scene, &layout, &s->sim);
    const SbView *view = out->scene.view + s->first;
    for (int v = 0; v < out->tells; v++) {
        sb_view_info(out->own + v, &out->scene, s->first + v, s->grid);
        out->told[v] = out->own + v;
    }
    out->info = out->own;
    out->pictures = out->tells < s->tells ? out->tells : s->posed;
    for (int v = 0; v < out->pictures; v++) out->view[v] = view + v, out->picture[v] = view[v].rgb;
}
// Views of a loaded scene whose first view is number k of all: in their order, a random start and random gaps
// of up to 4, as spread as the scene allows.
static SB_UNUSED void sb_sample_views(const SbSource *s, SbSample *out, long k, int views, SbRandom *r) {
    int scene = 0;
    while (k >= s->scene[scene].views) k -= s->scene[scene++].views;
    long first = 0, n = s->scene[scene].views, gap = 1;
    for (int i = 0; i < scene; i++) first += s->scene[i].views;
    if (n < views)
        sb_die("%s: %ld views, but %d are asked of a scene (--views)", s->scene[scene].name, n, views);
    if (views > 1) gap = (n - 1) / (views - 1) < 4 ? (n - 1) / (views - 1) : 4;
    long v = (long)sb_next_int(r, (uint32_t)(n - gap * (views - 1)));
    out->pictures = views;
    for (int i = 0; i < views; i++, v += 1 + (long)sb_next_int(r, (uint32_t)gap))
        out->view[i] = s->scene[scene].view + v, out->picture[i] = s->picture[first + v],
        out->told[i] = s->info + first + v;
    out->info = s->info + first + (out->view[0] - s->scene[scene].view);
}
// The dialogue about a sample's views; its answers with errors if the source has noise.
static SB_UNUSED void sb_sample_talk(const SbSource *s, SbSample *out, uint64_t counter) {
    const SbViewInfo *heard[SB_ROOM_VIEWS];
    SbExtras e = {NULL, heard, s->balance.settled ? (SbBalance *)&s->balance : NULL, NULL};
    out->told[0] = out->info;
    if (s->noisy && !out->stored) {
        sb_scene_free(&out->wrong);
        sb_noise_scene(&out->wrong, out->info->scene, &s->noise, out->key);
    }
    for (int v = 0; s->noisy && v < out->tells; v++) {
        e.noise = &s->noise, heard[v] = out->stored ? s->heard + (out->told[v] - s->info) : out->heard + v;
        if (!out->stored) sb_view_info(out->heard + v, &out->wrong, out->told[v]->index, s->grid);
    }
    sb_converse_with(&out->dialogue, out->told, out->tells, out->tells < s->tells ? &s->alone : &s->mix,
                     s->seed, counter, &e);
}
// The sample's questions or words, from its view.
static SB_UNUSED void sb_sample_words(const SbSource *s, SbSample *out, uint64_t counter) {
    int patches = s->grid * s->grid;
    if (s->task == SB_TASK_RECOGNISE || s->task == SB_TASK_DEPTH || s->task == SB_TASK_GEOMETRY ||
        s->task == SB_TASK_FIELD)
        return;
    if (out->info) sb_sample_talk(s, out, counter);
    if (s->pretrained) {
        sb_sample_pixels(s, out);
        return;
    }
    sb_words_conversation(&s->words, &out->sequence, &out->dialogue, s->config.isolate);
    if (s->task != SB_TASK_MAP) return;
    if (!out->map) out->map = (int *)sb_calloc((size_t)patches * 3, sizeof(int));
    sb_words_map(&s->words, out->info, out->map);
    for (int i = 0; i < 3 * patches; i++)
        if (out->map[i] == SB_WORD_PAD) out->map[i] = -1;
}
// Fill n slots with samples counter .. counter + n - 1.
static SB_UNUSED void sb_source_samples(SbSource *s, SbSample *slot, int n, uint64_t counter) {
    for (int i = 0; i < n; i++) {
        slot[i].key = sb_hash(s->seed ^ 0x5A17u, counter + (uint64_t)i);
        slot[i].info = NULL, slot[i].pictures = 0, slot[i].stored = 0, slot[i].tells = s->tells;
        SbRandom r = sb_random(slot[i].key, 1);
        if (s->single > 0) { // drawn apart, so that nothing else moves
            SbRandom alone = sb_random(slot[i].key, 3);
            if (sb_next_unit(&alone) < s->single) slot[i].tells = 1;
        }
        long stored = s->views + s->data.pass;
        if (!stored || sb_next_unit(&r) >= s->share) continue;
        slot[i].stored = 1;
        uint64_t at = counter + (uint64_t)i, n = (uint64_t)s->data.pass, lap = n ? at / n : 0;
        long k = (long)sb_next_int(&r, (uint32_t)stored);
        if (!s->views && s->share >= 1) k = (long)sb_shuffled(at % n, n, s->seed + lap);
        if (k >= s->views) sb_sample_record(s, slot + i, sb_records_at(&s->data, k - s->views, lap));
        else if (s->posed > 1) sb_sample_views(s, slot + i, k, slot[i].tells < s->tells ? 1 : s->posed, &r);
        else
            slot[i].info = slot[i].told[0] = s->info + k, slot[i].picture[0] = s->picture[k],
            slot[i].pictures = 1;
    }
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < n; i++) {
        uint64_t at = counter + (uint64_t)i;
        if (!slot[i].stored) sb_sample_room(s, slot + i, s->rooms ? at % (uint64_t)s->rooms : at);
        sb_sample_words(s, slot + i, at);
    }
}

// Answers that come too often in simulated rooms are asked for less (balance.h), by what the first rooms say.
static SB_UNUSED void sb_source_balance(SbSource *s) {
    enum { ROOMS = 4096 };
    SbSample *one = (SbSample *)sb_calloc(1, sizeof *one);
    SbCensus census = {NULL, 0, 0, 0};
    SbExtras e = {NULL, NULL, NULL, &census};
    if (s->tells > 1) sb_die("balanced answers are for dialogues about one view");
    one->tells = 1;
    for (uint64_t i = 0; i < ROOMS; i++) {
        sb_sample_room(s, one, i);
        sb_converse_with(&one->dialogue, one->told, 1, &s->mix, s->seed, i, &e);
    }
    sb_balance_settle(&s->balance, &census);
    sb_scene_free(&one->scene), sb_view_info_free(one->own), sb_dialogue_free(&one->dialogue);
    free(census.turn), free(one);
}

// ---- a batch

// 0..17: colour and shape of an object (shape * 6 + colour), -1: not one of the simulator's.
static SB_UNUSED int sb_object_class(const SbObject *o) {
    for (int shape = 0; shape < SB_SHAPES; shape++)
        for (int colour = 0; colour < SB_ROOM_COLOURS; colour++) {
            size_t n = strlen(sb_colour_name[colour]);
            if (!strcmp(o->category, sb_shape_name[shape]) && !strncmp(o->name, sb_colour_name[colour], n) &&
                o->name[n] == ' ')
                return shape * SB_ROOM_COLOURS + colour;
        }
    return -1;
}
// 0 floor, 1 wall, 2 ceiling, 3 + class; -1: none of these.
static SB_UNUSED int sb_object_label(const SbObject *o) {
    static const char *const shell[3] = {"floor", "wall", "ceiling"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(o->category, shell[i])) return i;
    int c = sb_object_class(o);
    return c < 0 ? -1 : 3 + c;
}
// Image-level labels: which classes show at least 12 of 64x64 pixels, and which one most; patch labels.
static SB_UNUSED void sb_batch_labels(SbBatch *b, const SbConfig *c, int image, const SbViewInfo *info) {
    int best = 0, least = 12 * info->view->dw * info->view->dh / 4096;
    for (int i = 0; i < info->scene->objects; i++) {
        int k = sb_object_class(info->scene->object + i), pixels = info->object[i].pixels;
        if (k < 0 || k >= c->classes) continue;
        if (pixels >= (least > 1 ? least : 1)) b->multi[image * c->classes + k] = 1;
        if (pixels > best) best = pixels, b->main_class[image] = k;
    }
    for (int p = 0; p < info->grid * info->grid; p++) {
        int o = info->patch_object[p];
        b->label[b->image_vis[image] + p] = o < 0 ? -1 : sb_object_label(info->scene->object + o);
    }
}
// Ask for the depth of SB_DEPTHS patches of an image, none twice.
static SB_UNUSED void sb_batch_depths(SbBatch *b, const SbConfig *c, int image, const SbSample *s) {
    int patches = s->info->grid * s->info->grid;
    int *deck = (int *)sb_calloc((size_t)patches, sizeof *deck);
    SbRandom r = sb_random(s->key, 2);
    for (int p = 0; p < patches; p++) deck[p] = p;
    for (int k = 0; k < SB_DEPTHS && k < patches; k++) {
        int j = k + (int)sb_next_int(&r, (uint32_t)(patches - k)), p = deck[j];
        deck[j] = deck[k];
        if (s->info->patch_depth[p] > 0)
            sb_batch_depth(b, c, b->image_vis[image] + p, s->info->patch_depth[p] - SB_DEPTH_OFFSET);
    }
    free(deck);
}
// A view's camera, as it sees the encoder's square picture: world to camera; pixel i covers [i, i + 1).
static SB_UNUSED SbCamera sb_view_camera(const SbView *v, int side) {
    SbIntrinsics k = sb_intrinsics_resize(v->k, v->w, v->h, side, side);
    SbCamera c;
    memset(&c, 0, sizeof c);
    sb_pose_inverse(c.pose, v->pose);
    c.fx = k.fx, c.fy = k.fy, c.cx = k.cx + 0.5, c.cy = k.cy + 0.5, c.w = c.h = side;
    return c;
}
// The depth that a view has at the centre of patch p; 0: none.
static SB_UNUSED double sb_view_depth(const SbView *v, int grid, int p) {
    double u = (p % grid + 0.5) / grid * v->w - 0.5, y = (p / grid + 0.5) / grid * v->h - 0.5;
    long i = lround((u - v->k.cx) / v->k.fx * v->dk.fx + v->dk.cx),
         j = lround((y - v->k.cy) / v->k.fy * v->dk.fy + v->dk.cy);
    return i < 0 || j < 0 || i >= v->dw || j >= v->dh ? 0 : (double)v->depth[j * v->dw + i];
}
// A sample's pictures, which were added last, as a scene. FIELD: some views are context, the others are asked
// for; GEOMETRY: every other sample is masked like that, so that the aggregator knows both; else all context.
static SB_UNUSED void sb_batch_views(SbBatch *b, const SbConfig *c, const SbSource *s, const SbSample *one,
                                     uint64_t counter) {
    SbCamera camera[SB_ROOM_VIEWS];
    int context[SB_ROOM_VIEWS], n = one->pictures, first = (int)b->n.images - n;
    int split = s->task == SB_TASK_FIELD || (s->task == SB_TASK_GEOMETRY && counter % 2);
    for (int v = 0; v < n; v++) camera[v] = sb_view_camera(one->view[v], c->image);
    sb_view_split(context, n, c->context, s->seed, counter);
    sb_batch_scene(b, c, camera, split ? context : NULL, n);
    if (s->task == SB_TASK_LATENTS) return;
    for (int v = 0; v < n; v++)
        for (int p = 0; p < s->grid * s->grid; p++) {
            double depth = sb_view_depth(one->view[v], s->grid, p);
            if (depth > 0) sb_batch_geometry(b, c, b->image_vis[first + v] + p, depth);
        }
}
// One dialogue as a sample of the LLM: its prefix, then its turns. scene: the number of its latents, -1:
// none.
static SB_UNUSED void sb_batch_dialogue(SbBatch *b, const SbConfig *c, const SbSample *s, int first_image,
                                        int map, int scene) {
    const SbSequence *q = &s->sequence;
    int grid = c->image / c->patch;
    sb_batch_sample(b);
    if (map) sb_batch_prefix_map(b, c, s->map, grid * grid);
    else
        for (int i = 0; i < (scene < 0 ? s->pictures : 1); i++) sb_batch_prefix_image(b, c, first_image + i);
    if (scene >= 0 && c->adapter == 2) sb_batch_prefix_latents(b, c, scene);
    for (int i = 0, n; i < q->n; i += n) {
        for (n = 1; i + n < q->n && q->turn[i + n] == q->turn[i]; n++) continue;
        sb_batch_turn(b, c, q->token + i, q->target + i, q->type + i, n);
    }
}
// A sample in the words of a language model of the hub.
static SB_UNUSED void sb_batch_talk(SbBatch *b, const SbConfig *c, const SbSource *s, const SbSample *one,
                                    int first) {
    SbChat *chat = &s->pretrained->chat;
    const SbDialogue *d = &one->dialogue;
    if (!one->info) sb_chat_conversation(chat, s->pretrained->system, &one->talk);
    else sb_chat_begin(chat, s->pretrained->system);
    for (int t = 0; one->info && t < d->turns; t++) {
        SbText q = {NULL, 0, 0};
        for (int i = 0; i < (t ? 0 : one->pictures); i++) sb_text_add(&q, "<image>\n");
        sb_text_add(&q, "%s", d->text.data + d->turn[t].question);
        sb_chat_turn(chat, q.data, d->text.data + d->turn[t].answer);
        free(q.data);
    }
    sb_pretrained_sample(s->pretrained, b, c, first, one->shown);
}
// Samples counter .. counter + n - 1 of the source as one batch. slot: [n] zeroed once, reused ever after.
static SB_UNUSED void sb_source_batch(SbSource *s, SbSample *slot, SbBatch *b, int n, uint64_t counter) {
    const SbConfig *c = &s->config;
    sb_source_samples(s, slot, n, counter);
    sb_batch_clear(b);
    for (int i = 0; i < n; i++) {
        int first = (int)b->n.images;
        for (int k = 0; k < slot[i].pictures && s->task != SB_TASK_MAP; k++)
            if (s->pretrained) sb_batch_pixels(b, c, slot[i].pixels[k], c->image, c->image);
            else sb_batch_image(b, c, slot[i].picture[k], c->image, c->image);
        if (s->pretrained) {
            sb_batch_talk(b, c, s, slot + i, first);
            continue;
        }
        if (s->task >= SB_TASK_GEOMETRY) sb_batch_views(b, c, s, slot + i, counter + (uint64_t)i);
        if (s->task == SB_TASK_GEOMETRY || s->task == SB_TASK_FIELD) continue;
        if (s->task == SB_TASK_RECOGNISE || s->task == SB_TASK_DEPTH)
            sb_batch_labels(b, c, first, slot[i].info);
        if (s->task == SB_TASK_DEPTH) sb_batch_depths(b, c, first, slot + i);
        if (s->task == SB_TASK_RECOGNISE || s->task == SB_TASK_DEPTH) continue;
        sb_batch_dialogue(b, c, slot + i, first, s->task == SB_TASK_MAP,
                          s->task == SB_TASK_LATENTS ? (int)b->n.scenes - 1 : -1);
    }
}
#endif
