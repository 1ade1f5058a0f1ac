// probe_tasks.h: what encoders can be asked by probes (./eval probe --task NAME), on which pictures. Include
// spatialboost.h first.
//
// Refuses: flags that do not go together, each by name. To add a task: a row of sb_probe_tasks; of a data set
// also a row of sb_layout in layouts.h, of scene folders a function that fills a SbProbeResult. Read from
// top: pictures to fit and to report on, the table of tasks, its check, tasks of points in space.
#ifndef SB_PROBE_TASKS_H
#define SB_PROBE_TASKS_H
#include "probe_fit.h"
#include "probe_pose.h"

// The pictures to fit on and to report on, as the flags say.
static SB_UNUSED void sb_probe_views(SbViews *fit, SbViews *test, SbDataset *d, const SbLayout *layout,
                                     const SbProbeFlags *o, const SbServed *base) {
    const SbConfig *c = &base->model.config;
    if (o->layers > c->enc_layers)
        sb_die("--layers %d: %s has %d blocks to take features from", o->layers, base->path, c->enc_layers);
    int images = o->images ? o->images : base->served ? 1000 : 10000;
    if (layout) {
        sb_dataset_open(d, layout, o->data, o->fit, o->images);
        sb_views_data(fit, c, d, SB_PART_FIT), sb_views_data(test, c, d, SB_PART_TEST);
        printf("probe: %s in %s: %d pictures to %s, %d to report on\n", layout->name, o->data, fit->n,
               fit->known & SB_KNOW_RANKS ? "search" : "fit on", test->n);
    } else if (o->scenes) {
        sb_views_scenes(fit, test, c, o->scenes);
    } else {
        int rooms = o->fit ? o->fit : base->served ? 1000 : 4000, camera = o->shared == 2;
        int pool = o->shared ? SB_POOL_TRAIN : o->tune ? SB_POOL_TUNE : SB_POOL_TEST;
        sb_views_rooms(fit, c, o->shared ? SB_POOL_TRAIN : SB_POOL_PROBE, 0, rooms, camera);
        sb_views_rooms(test, c, pool, o->shared ? rooms : 0, images, camera);
        if (o->shared)
            printf("probe: rooms 0 to %d of those that are trained on: is --rooms as large, or were there as "
                   "many samples?\n", rooms + images - 1);
    }
    if (o->dpt) fit->known |= SB_KNOW_DPT, test->known |= SB_KNOW_DPT;
}
// What can be asked of encoders besides rooms: names of --task. known: nothing of whole pictures or patches,
// but this, of rooms or scenes; lifted: of scene folders, by this function.
typedef struct {
    const char *name, *what, *of;
    void (*lifted)(SbProbeResult *r, SbServed *e, const SbLifting *l);
    int known;
} SbProbeTask;
static const SbProbeTask sb_probe_tasks[] = {
    {"imagenet", "classes of pictures in folders", "pictures", NULL, 0},
    {"ade20k", "labels of pixels", "pictures", NULL, 0},
    {"nyud", "depth of photographs", "pictures", NULL, 0},
    {"revisited", "buildings that are found again", "pictures", NULL, 0},
    {"scenes", "depth in scenes", "views", NULL, 0},
    {"register", "two views registered by their features", "pairs of views", sb_probe_pairs, SB_KNOW_PAIRS},
    {"points", "labels of points in space", "scenes", sb_probe_points, SB_KNOW_POINTS},
    {"pose", "how the camera moved between two views of a simulated room", "pairs of views", NULL,
     SB_KNOW_MOTION},
    {"pose_scenes", "how the camera moved between two views of a scene", "pairs of views", NULL,
     SB_KNOW_MOTION}};
enum { SB_PROBE_TASKS = sizeof sb_probe_tasks / sizeof *sb_probe_tasks };

// Check that the flags go together.
static SB_UNUSED const SbProbeTask *sb_probe_task(const SbProbeFlags *o, const SbLayout **layout) {
    const char *name = !o->scenes ? o->task : !strcmp(o->task, "rooms") ? "scenes"
                     : !strcmp(o->task, "pose") ? "pose_scenes" : o->task;
    const SbProbeTask *t = NULL;
    for (int i = 0; i < SB_PROBE_TASKS; i++)
        if (!strcmp(sb_probe_tasks[i].name, name)) t = sb_probe_tasks + i;
    *layout = sb_layout_find(name);
    if (!t && strcmp(name, "rooms"))
        sb_die("--task %s: expected rooms, pose, register, points, imagenet, ade20k, nyud or revisited",
               name);
    if (*layout && !o->data) sb_die("--task %s: --data DIR is missing: the folder of its pictures", name);
    if (!*layout && o->data)
        sb_die("--data %s: --task %s reads none; imagenet, ade20k, nyud and revisited do", o->data, name);
    if (t && !*layout && !o->scenes && strcmp(name, "pose"))
        sb_die("--task %s: --scenes DIR is missing", name);
    if (*layout && o->scenes) sb_die("--task %s reads --data, not --scenes", name);
    int whole = *layout && ((*layout)->kind == SB_OF_CLASS || (*layout)->kind == SB_OF_RANK);
    if (o->layers > 1 && (whole || (t && t->known)))
        sb_die("--layers %d: features of patches, for rooms, --scenes, ade20k and nyud; --task %s takes one",
               o->layers, name);
    if (o->dpt && (*layout || (t && t->known)))
        sb_die("--dpt: depth of patches, for rooms and --scenes; --task %s has none", name);
    if (o->shared && (o->tune || t))
        sb_die("--shared %d: simulated rooms that were trained on; no --tune, no --scenes, no --data",
               o->shared);
    return t;
}
static SB_UNUSED void sb_probe_lifted(SbProbeResult *result, SbServed *e, const SbProbeTask *t,
                                      const SbProbeFlags *o, int *fit, int *n) {
    static SbLifting l;
    if (!t->lifted) {
        sb_probe_poses(result, e, o, fit, n);
        return;
    }
    int pairs = t->known == SB_KNOW_PAIRS;
    sb_lifting_open(&l, &e[SB_PROBED_BASE].model.config, o);
    *n = pairs ? l.pairs : l.source.scenes / 2, *fit = pairs ? 0 : (l.source.scenes + 1) / 2;
    if (!*n && pairs)
        sb_die("%s: no two views of a scene show %.0f %% of each other", o->scenes, 100 * SB_SEEN);
    if (!*n) sb_die("%s: one scene; points are fitted on every other one, so two are needed", o->scenes);
    printf("probe: %s: %d %s to report on, %d scenes\n", t->name, *n, t->of, l.source.scenes);
    for (int k = 0; k < SB_PROBED; k++)
        if (e[k].path) t->lifted(result + k, e + k, &l);
}
#endif
