// import_names.h: what the labels of masks are called: objects.json (id, name, category; --names), ScanNet's
// aggregation.json (segGroups: objectId + 1 is the label), APC's cam.info.txt.
//
// Refuses: two names for a label; APC's list if it has not as many names as the pictures have labels. Read
// from top: one function a format, which one applies.
#ifndef SB_IMPORT_NAMES_H
#define SB_IMPORT_NAMES_H
#include "import.h"

static void sb_names_add(SbScene *s, int id, const char *name, const char *where) {
    s->object = (SbObject *)sb_realloc(s->object, (size_t)(s->objects + 1) * sizeof *s->object);
    SbObject *o = s->object + s->objects++;
    memset(o, 0, sizeof *o);
    o->id = id;
    sb_fill(o->name, sizeof o->name, name, "the name", where);
    sb_fill(o->category, sizeof o->category, name, "the category", where);
    for (char *c = o->name; *c; c++)
        if (*c == '_') *c = ' ';
    for (int i = 0; i + 1 < s->objects; i++)
        if (s->object[i].id == id) sb_die("%s: label %d has two names", where, id);
}

static void sb_names_scannet(SbScene *s, const char *path) {
    cJSON *file = sb_json_read(path);
    for (const cJSON *v = sb_json_array(file, "segGroups", path)->child; v; v = v->next)
        sb_names_add(s, 1 + (int)sb_json_int(v, "objectId", 0, 65534, path), sb_json_string(v, "label", path),
                     path);
    cJSON_Delete(file);
}

// "# Objects: ["a","b"]" and the labels of all masks, both in ascending order: labels are 6 x the class, and
// classes are numbered in the order of the names.
static void sb_names_apc(SbScene *s, const SbScene *masks, const char *path) {
    unsigned char *used = (unsigned char *)sb_calloc(65536, 1);
    char *text = sb_read_file_limit(path, 1 << 24, NULL), *list = strstr(text, "# Objects:");
    for (int i = 0; i < masks->views; i++)
        for (size_t k = 0; k < (size_t)masks->view[i].dw * (size_t)masks->view[i].dh; k++)
            used[masks->view[i].mask[k]] = 1;
    list = list ? list + strlen("# Objects:") : NULL;
    cJSON *names = list ? sb_json_parse(list, strcspn(list, "\r\n"), path) : NULL;
    int count = 0, at = 0;
    for (int l = 1; l < 65536; l++) count += used[l];
    if (!cJSON_IsArray(names) || cJSON_GetArraySize(names) != count)
        sb_die("%s: %d objects are listed, the masks have %d labels; give --names", path,
               cJSON_GetArraySize(names), count);
    const char *last = "";
    for (const cJSON *v = names->child; v; last = v->valuestring, v = v->next) {
        if (!cJSON_IsString(v) || strcmp(last, v->valuestring) >= 0)
            sb_die("%s: the list of objects is not in ascending order; give --names", path);
        for (at++; !used[at];) at++;
        sb_names_add(s, at, v->valuestring, path);
    }
    cJSON_Delete(names);
    free(text);
    free(used);
}

// The names of a recording's labels, as the objects of an otherwise empty scene; 0: there are none.
static SB_UNUSED int sb_import_names(const SbImport *im, const SbScene *masks, SbScene *s) {
    memset(s, 0, sizeof *s);
    s->up[2] = 1;
    if (*im->names) {
        sb_objects_load(s, im->names);
        return 1;
    }
    if (!strcmp(im->kind, "apc")) {
        char *path = sb_format("%s/cam.info.txt", im->source);
        sb_names_apc(s, masks, path);
        free(path);
        return 1;
    }
    int files;
    char **file = sb_list_folder(im->source, &files);
    for (int i = 0; i < files; i++) {
        char *path = sb_format("%s/%s", im->source, file[i]);
        if (!s->objects && !strcmp(file[i], "objects.json")) sb_objects_load(s, path);
        else if (!s->objects && sb_ends_with(file[i], "aggregation.json")) sb_names_scannet(s, path);
        free(path);
    }
    sb_free_names(file, files);
    return s->objects > 0;
}
#endif
