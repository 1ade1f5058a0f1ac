// import: posed recordings of the kinds people have into a scene folder (scene.h), proven first.
//
//     ./data/import SOURCE DEST [flags]      ./data/import --help      lists kinds and flags
//
// Refuses: to guess a depth scale; recordings in which depth carried from view to view does not meet what was
// measured there (proof.h); recordings that cannot prove themselves, unless --unproven says so, and then the
// scene says so too. DEST appears complete or not at all.
// Read from top: the kinds, which one it is, objects, main with its flags. A kind is a reader (import_*.h)
// and a row here.
#include "flags.h"
#include "import_colmap.h"
#include "import_folders.h"
#include "import_names.h"
#include "import_nerf.h"
#include "import_tum.h"
#include "import_vggt.h"
#include "lift.h"
#include "proof.h"
#include "upright.h"

// ---- the kinds

// marks: files that a source of the kind holds, all of them ("a|b": one of those; "*x": one that ends in x);
// none: never recognised. scale: depth values a metre, 0: must be given. unit: metres of a unit of the poses,
// 0: the reader finds it. up: see sb_choose_up. masks: where it has them.
typedef struct {
    const char *name, *marks;
    void (*read)(SbImport *im);
    double scale, unit;
    const char *up, *masks, *help;
} Kind;

static const Kind kind_of[] = {
    {"tum", "rgb.txt groundtruth.txt", sb_read_tum, 5000, 1, "0,0,1", "masks",
     "TUM RGB-D: rgb.txt depth.txt groundtruth.txt"},
    {"plain", "images poses.txt", sb_read_plain, 0, 1, "axis", "masks|instance",
     "images/ depth/ K.txt (3x3) poses.txt (camera-to-world 4x4 a line)"},
    {"7scenes", "*.pose.txt", sb_read_7scenes, 1000, 1, "floor", "masks",
     "frame-N.color.png .depth.png .pose.txt; colour is not registered"},
    {"scannet", "color pose intrinsic", sb_read_scannet, 1000, 1, "0,0,1", "instance|instance-filt|masks",
     "color/ depth/ pose/ intrinsic/ as exported; .sens itself is not read"},
    {"colmap", "sparse|cameras.txt|cameras.bin images", sb_read_colmap, 0, 0, "floor", "masks",
     "cameras, images, points3D (.txt or .bin), images/, maybe depth/"},
    {"nerf", "transforms.json|transforms_train.json", sb_read_nerf, 0, 1, "axis", "masks",
     "transforms.json (OpenGL axes), maybe with depth_file_path"},
    {"redwood", "depth *.log", sb_read_redwood, 1000, 1, "floor", "masks",
     "color/ depth/ and a trajectory .log (Open3D)"},
    {"apc", "cam.info.txt", sb_read_apc, 10000, 1, "0,0,1", "segm",
     "Amazon Picking Challenge: cam.info.txt, rotated depth, segm/"},
    {"vggt", "*.npz", sb_read_vggt, 0, 0, "floor", "masks",
     "an .npz of depth, extrinsic + intrinsic or pose_enc, images"},
    {"photo", "", sb_read_photo, 0, 1, "floor", "masks",
     "one picture: images/ depth/ (Depth-Pro .npz), --focal; no poses, so --unproven"}};
enum { KINDS = sizeof kind_of / sizeof *kind_of };

// ---- which one it is

static int has_mark(const char *source, const char *mark, size_t length) {
    char *names = sb_format("%.*s", (int)length, mark), *path = NULL;
    int files, found = 0;
    if (*names == '*') {
        char **file = sb_list_folder(source, &files);
        for (int i = 0; i < files; i++) found |= sb_ends_with(file[i], names + 1);
        sb_free_names(file, files);
    } else {
        path = sb_first_of(source, names);
        found = path != NULL;
    }
    free(path);
    free(names);
    return found;
}

static int is_kind(const char *source, const Kind *k) {
    int all = *k->marks != 0;
    for (const char *at = k->marks; *at && all; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        all = has_mark(source, at, length);
        at += length;
    }
    return all;
}

static const Kind *find_kind(const SbImport *im) {
    const Kind *found = NULL;
    SbText names = {NULL, 0, 0};
    int matches = 0, automatic = !strcmp(im->kind, "auto");
    if (!sb_is_folder(im->source))
        sb_die("%s: not a folder%s", im->source, sb_ends_with(im->source, ".sens") ?
               " (.sens is not read: export it with ScanNet's SensReader)" : "");
    for (int i = 0; i < KINDS; i++) {
        int match = automatic ? is_kind(im->source, kind_of + i) : !strcmp(im->kind, kind_of[i].name);
        if (match) found = kind_of + i;
        if (match || !automatic) sb_text_add(&names, " %s", kind_of[i].name);
        matches += match;
    }
    if (!automatic && !found) sb_die("--kind %s: expected auto or one of%s", im->kind, names.data);
    if (!found) {
        sb_die("%s: no kind of recording that is known (a scene needs pictures and poses; --help lists the "
               "kinds "
               "and --kind chooses one)",
               im->source);
    }
    if (matches > 1) sb_die("%s: could be any of%s; --kind chooses one", im->source, names.data);
    free(names.data);
    return found;
}

// Every Nth frame, at most so many; the others are forgotten.
static void thin_frames(SbImport *im) {
    int kept = 0, all = im->frames;
    for (int i = 0; i < all; i++) {
        if (i % im->every == 0 && (im->max == 0 || kept < im->max)) {
            SbImportFrame swap = im->frame[kept];
            im->frame[kept++] = im->frame[i];
            im->frame[i] = swap;
        }
    }
    printf("%s: kind %s, %d frames", im->source, im->kind, all);
    printf(kept < all ? ", of which %d are used\n" : "\n", kept);
    if (!kept) sb_die("%s: no frames with colour and a pose", im->source);
    for (int i = kept; i < all; i++) sb_frame_free(im->frame + i);
    im->frames = kept;
}

static void read_frames(SbImport *im) {
    const Kind *k = find_kind(im);
    im->kind = k->name;
    im->kind_scale = k->scale;
    if (im->unit == 0) im->unit = k->unit;
    k->read(im);
    sb_import_distinct(im);
    thin_frames(im);
    if (!strcmp(im->masks, "none")) im->masks = "";
    else if (!*im->masks) im->masks = sb_first_of(im->source, k->masks);
    if (!im->masks) im->masks = "";
}

// Flags that mean nothing here, or two things.
static void check_flags(const SbImport *im) {
    if (strcmp(im->ids, "auto") && strcmp(im->ids, "view") && strcmp(im->ids, "scene"))
        sb_die("--ids %s: expected auto, view or scene", im->ids);
    if (!*im->masks && (*im->names || strcmp(im->ids, "auto")))
        sb_die("%s: --names and --ids are about masks, and there are none; --masks says where they are",
               im->source);
    if (*im->intrinsics && im->focal > 0) sb_die("--focal and --intrinsics: give one of them");
    if (!strcmp(im->kind, "vggt") && im->depth_scale > 0)
        sb_die("--depth-scale: the depth of predictions is in their unit; --unit says what that is");
}

// ---- up, proof, objects

static void choose_up(const SbImport *im, SbScene *s) {
    const char *how = im->up;
    for (int i = 0; i < KINDS; i++)
        if (!strcmp(im->up, "auto") && !strcmp(im->kind, kind_of[i].name)) how = kind_of[i].up;
    sb_choose_up(s, how, how != im->up);
}

// Views that the proof left out take their labels with them.
static void keep_labels(SbImport *im, const SbScene *s) {
    int kept = 0;
    for (int i = 0; i < im->frames; i++) {
        if (kept < s->views && !strcmp(s->view[kept].name, im->frame[i].name)) {
            SbLabels swap = im->labels[kept];
            im->labels[kept++] = im->labels[i];
            im->labels[i] = swap;
        }
    }
}

static void make_objects(SbImport *im, SbScene *s) {
    SbScene listed;
    keep_labels(im, s);
    int local = !strcmp(im->ids, "view"), unnamed = 0;
    for (int i = 0; i < s->views; i++) local |= im->labels[i].name != NULL;
    if (local && !strcmp(im->ids, "scene")) sb_die("--ids scene: masks in JSON have no ids of the scene");
    sb_turn_upright(s);
    int named = !local && sb_import_names(im, s, &listed);
    SbLiftCounts c = sb_lift_objects(s, named ? &listed : NULL, im->labels, local);
    printf("objects: %d of %d masks in %d views, %d with a box", s->objects, c.regions, s->views, c.boxes);
    if (c.small + c.thin + c.background)
        printf("; left out: %d with too few measured pixels, %d too thin, %d that fill the picture", c.small,
               c.thin, c.background);
    printf("\n");
    for (int i = 0; i < s->objects && named; i++)
        unnamed += sb_object_index(&listed, s->object[i].id) < 0;
    if (unnamed) printf("note: %d of the objects are not in the list of names\n", unnamed);
    if (named) sb_scene_free(&listed);
}

static void prove(const SbImport *im, SbScene *s) {
    if (im->sparse && !im->weak) return;   // done by the reader
    if (im->measured && !im->sparse) {
        sb_prove_or_die(im->source, im->unproven, s);
        return;
    }
    char *doubt = im->sparse ? sb_format("%d pictures observe hardly any sparse point", im->weak)
                             : sb_copy("there is no depth");
    if (!im->unproven)
        sb_die("%s: %s, so nothing proves the poses. --unproven imports them all the same, and the scene "
               "says so",
               im->source, doubt);
    printf("unproven: %s; recorded in the scene\n", doubt);
    free(doubt);
    s->unproven = 1;
}

// What --credit says, then the recording's own licence file: it goes where the pictures go.
static void keep_licence(const SbImport *im, SbScene *s) {
    char *file = sb_first_of(im->source, "LICENSE|LICENSE.txt|LICENSE.md|LICENCE|LICENCE.txt|COPYING");
    char *text = file ? sb_licence_read(file) : NULL;
    if (text && *im->credit) s->licence = sb_format("%s\n\n%s", im->credit, text);
    else if (*im->credit) s->licence = sb_format("%s\n", im->credit);
    else s->licence = text ? sb_copy(text) : NULL;
    if (file) printf("licence: kept from %s\n", file);
    else printf(*im->credit ? "licence: as --credit says\n" : "licence: none found; --credit states it\n");
    free(text);
    free(file);
}

// ---- main

static const char *usage_text(void) {
    SbText t = {NULL, 0, 0};
    sb_text_add(&t, "./data/import SOURCE DEST [flags]\nkinds, recognised by their files:\n");
    for (int i = 0; i < KINDS; i++) sb_text_add(&t, "  %-9s %s\n", kind_of[i].name, kind_of[i].help);
    sb_text_add(
        &t, "depth: 16-bit PNG (with a scale), .npy .npz .pfm; masks: label PNG, COCO or SA-1B JSON (RLE)\n"
            "flags:");
    return t.data;
}

int main(int argc, char **argv) {
    SbImport im;
    memset(&im, 0, sizeof im);
    im.kind = im.up = im.ids = "auto";
    im.intrinsics = im.masks = im.names = im.credit = "";
    im.max_gap = 0.02;
    im.every = 1;
    SbFlag flags[] = {
        sb_flag("kind", "NAME", SB_FLAG_TEXT, &im.kind, 0, 0, "one of the kinds above"),
        sb_flag("depth-scale", "N", SB_FLAG_NUMBER, &im.depth_scale, 0, 1e9,
                "depth values a metre; 0: the kind's (tum 5000, apc 10000, 7scenes scannet redwood 1000), "
                "of floats 1"),
        sb_flag("rotated", "", SB_FLAG_SWITCH, &im.rotated, 0, 0,
                "depth PNGs hold their bits rotated by 3 (SUN RGB-D, apc)"),
        sb_flag("unit", "M", SB_FLAG_NUMBER, &im.unit, 0, 1e9,
                "metres of a unit of the poses; 0: 1, colmap: found from depth/, vggt: must be given"),
        sb_flag("intrinsics", "FX,FY,CX,CY", SB_FLAG_TEXT, &im.intrinsics, 0, 0,
                "pixels, centres at integers; else the files', or the kind's default"),
        sb_flag("focal", "F", SB_FLAG_NUMBER, &im.focal, 0, 1e6,
                "pixels, with the picture's middle (Depth-Pro); 0: by --intrinsics, or as the kind has it"),
        sb_flag("up", "X,Y,Z", SB_FLAG_TEXT, &im.up, 0, 0,
                "world direction; or floor (fitted), or axis (the one nearest to the cameras' up); auto: as "
                "the files say (scannet), else 0,0,1 (tum scannet apc), axis (plain nerf) or floor"),
        sb_flag("masks", "PATH", SB_FLAG_TEXT, &im.masks, 0, 0,
                "folder of NAME.png or NAME.json, or a COCO file; none; else SOURCE/masks, instance, "
                "instance-filt (scannet), segm (apc)"),
        sb_flag("ids", "WHOSE", SB_FLAG_TEXT, &im.ids, 0, 0,
                "labels are ids of the scene or of each view; auto: scene for pictures, view for JSON"),
        sb_flag("names", "FILE", SB_FLAG_TEXT, &im.names, 0, 0,
                "objects.json with id, name, category of the labels; else the kind's"),
        sb_flag("credit", "TEXT", SB_FLAG_TEXT, &im.credit, 0, 0,
                "whose recording it is and its licence: kept in the scene, with SOURCE's LICENSE file"),
        sb_flag("unproven", "", SB_FLAG_SWITCH, &im.unproven, 0, 0,
                "import frames that cannot prove their poses; recorded in the scene"),
        sb_flag("every", "N", SB_FLAG_INT, &im.every, 1, 1e6, "use every Nth frame"),
        sb_flag("max", "N", SB_FLAG_INT, &im.max, 0, 1e6, "use at most N frames; 0: all"),
        sb_flag("max-gap", "S", SB_FLAG_NUMBER, &im.max_gap, 0, 10,
                "tum: most seconds between colour, depth and pose")};
    const char *rest[2] = {NULL, NULL};
    int flag_count = (int)(sizeof flags / sizeof *flags);
    if (sb_flags_parse(flags, flag_count, argc, argv, 1, usage_text(), rest, 2) != 2)
        sb_die(
            "expected a SOURCE and a DEST folder: ./data/import SOURCE DEST; --help lists kinds and flags");
    im.source = rest[0];
    im.dest = rest[1];
    sb_need_free_folder(im.dest);
    read_frames(&im);
    check_flags(&im);
    SbScene s;
    sb_import_load(&im, &s);
    choose_up(&im, &s);
    prove(&im, &s);
    if (im.labels) make_objects(&im, &s);
    keep_licence(&im, &s);
    sb_scene_save(&s, im.dest);
    printf("%s: written, %d views, %s\n", im.dest, s.views, s.unproven ? "unproven" : "proven");
    for (int i = 0; i < im.frames; i++) {
        sb_frame_free(im.frame + i);
        if (im.labels) sb_labels_free(im.labels + i);
    }
    free(im.labels);
    free(im.frame);
    sb_scene_free(&s);
    return 0;
}
