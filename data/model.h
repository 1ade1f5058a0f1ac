// model.h: a model of spatialboost.h as a checkpoint file, and back. Include spatialboost.h first.
//
// Refuses: a file of another format version, with a tensor missing, too many, of another shape, or not
// finite. The file is safetensors: every tensor of the model under its name, in __metadata__ the
// configuration, and, while a stage is under way, the optimiser's moments as adam_m.NAME and adam_v.NAME.
// Read from top: saving, loading.
#ifndef SB_MODEL_FILE_H
#define SB_MODEL_FILE_H
#include "checkpoint.h"
#include "tensors.h"

#define SB_FORMAT "spatialboost 1"
// beside parts: encoder and LLM may come from folders of the hub; lora.h's tensors begin anew
enum { SB_FROM_HUB = 1 << 20, SB_NEW_LORA = 1 << 21 };

// What a stage says of itself in the file; sb_notes_free it.
typedef struct { SbPair pair[96]; int pairs; } SbNotes;

static SB_UNUSED SB_PRINTF(3, 4) void sb_note(SbNotes *n, const char *key, const char *format, ...) {
    va_list args;
    if (n->pairs == 96) sb_die("too many notes for a checkpoint: %s", key);
    SbText text = {NULL, 0, 0};
    va_start(args, format);
    sb_text_vadd(&text, format, args);
    va_end(args);
    n->pair[n->pairs].key = key;
    n->pair[n->pairs++].value = text.data;
}
static SB_UNUSED void sb_notes_free(SbNotes *n) {
    for (int i = 0; i < n->pairs; i++) free((void *)(uintptr_t)n->pair[i].value);
    n->pairs = 0;
}

// One tensor, read back from the backend, for the list of what is written.
static SB_UNUSED void sb_model_file_tensor(SbFileTensor *t, const SbParam *p, const char *prefix,
                                           const param_t *device) {
    size_t bytes = (size_t)sb_param_count(p) * sizeof(param_t);
    void *host = sb_calloc(bytes, 1);
    sb_get(host, device, bytes);
    t->name = sb_format("%s%s", prefix, p->name);
    t->type = sizeof(param_t) == 4 ? "F32" : "F64";
    t->rank = p->rank;
    t->shape[0] = p->w.rows, t->shape[1] = p->w.cols;
    t->data = host;
}

// Write the model to path (whole or not at all). moments: with the optimiser's state of what trains.
static SB_UNUSED void sb_model_save(SbModel *m, const char *path, int moments, const SbNotes *extra) {
    SbNotes notes;
    SbFileTensor *t = (SbFileTensor *)sb_calloc((size_t)m->params * 3, sizeof *t);
    int count = 0;
    notes.pairs = 0;
    sb_note(&notes, "format", SB_FORMAT);
    sb_note(&notes, "dual", "%d", m->parts);
#define X(type, name, toy, mini, small, help) \
    sb_note(&notes, "config." #name, "%.17g", (double)m->config.name);
    SB_CONFIG(X)
#undef X
    for (int i = 0; i < extra->pairs; i++) sb_note(&notes, extra->pair[i].key, "%s", extra->pair[i].value);
    for (int i = 0; i < m->params; i++) {
        const SbParam *p = m->param[i];
        if (p->adopted == 1) continue;  // it lies in a folder of the hub, unchanged
        if (!moments && !p->group) continue;  // what only a half-done run needs: lora.h's W0
        sb_model_file_tensor(t + count++, p, "", (const param_t *)p->w.p);
        if (!moments || !p->grad) continue;
        sb_model_file_tensor(t + count++, p, "adam_m.", p->m);
        sb_model_file_tensor(t + count++, p, "adam_v.", p->v);
    }
    sb_checkpoint_write(path, t, count, notes.pair, notes.pairs);
    for (int i = 0; i < count; i++) free((void *)(uintptr_t)t[i].data), free((void *)(uintptr_t)t[i].name);
    free(t), sb_notes_free(&notes);
}

// A number that the file must state.
static SB_UNUSED double sb_model_number(const SbCheckpoint *f, const char *key) {
    const char *text = sb_checkpoint_text(f, key);
    char *end;
    if (!text) sb_die("%s: %s is missing; is it a checkpoint of this program?", f->path, key);
    double v = strtod(text, &end);
    if (!*text || *end || !(fabs(v) <= 1e15)) sb_die("%s: %s is \"%.40s\", expected a number", f->path, key,
                                                     text);
    return v;
}
// The same, whole and small enough for an int.
static SB_UNUSED int sb_model_int(const SbCheckpoint *f, const char *key) {
    double v = sb_model_number(f, key);
    if (v != floor(v) || fabs(v) > INT32_MAX)
        sb_die("%s: %s is %g, expected a whole number", f->path, key, v);
    return (int)v;
}
// The configuration of a checkpoint; *parts: what it has beside encoder and LLM (bits; the file says "dual").
static SB_UNUSED SbConfig sb_model_config(const SbCheckpoint *f, int *parts) {
    SbConfig c = sb_config_preset(SB_MINI);
    const char *format = sb_checkpoint_text(f, "format");
    if (!format) sb_die("%s: a safetensors file, but not a checkpoint of this program (no format)", f->path);
    if (!strncmp(format, "spatialboost ", 13) && atoi(format + 13) > atoi(&SB_FORMAT[13]))
        sb_die("%s: is of a newer version of the format (\"%.40s\") than this program reads (\"%s\"); take a "
               "newer program", f->path, format, SB_FORMAT);
    if (strcmp(format, SB_FORMAT)) sb_die("%s: format \"%.40s\", expected \"%s\"", f->path, format,
                                          SB_FORMAT);
#define X(type, name, toy, mini, small, help)                                                            \
    if (sb_checkpoint_text(f, "config." #name) || !strstr(" enc_dim gate_by ", " " #name " "))  /* older */ \
    c.name = (type)(sizeof(type) == sizeof(int) ? sb_model_int(f, "config." #name)                       \
                                                : sb_model_number(f, "config." #name));
    SB_CONFIG_BOOST(X)
    if (sb_checkpoint_text(f, "config.agg_layers")) { SB_CONFIG_FIELD(X) }  // older files have none
    if (sb_checkpoint_text(f, "config.enc_cls")) { SB_CONFIG_FAMILY(X) }
#undef X
    c.last_layers = 0;                  // says what a stage trained, nothing about the next one
    *parts = sb_model_int(f, "dual");
    if (*parts < 0 || *parts >= 2 * SB_ADAPTER) sb_die("%s: dual is %d, expected 0 to %d", f->path, *parts,
                                                       2 * SB_ADAPTER - 1);
    const char *wrong = sb_config_error(&c);
    if (wrong) sb_die("%s: its configuration is impossible: %s", f->path, wrong);
    return c;
}
// The tensor of the file that p is; it must have its shape.
static SB_UNUSED const SbFileTensor *sb_model_tensor(const SbCheckpoint *f, const SbParam *p,
                                                     const char *prefix) {
    char name[64];
    int64_t shape[2] = {p->w.rows, p->w.cols};
    snprintf(name, sizeof name, "%s%s", prefix, p->name);
    return sb_checkpoint_get(f, name, sizeof(param_t) == 4 ? "F32" : "F64", p->rank, shape);
}
// Copy one tensor of the file to the backend; every number must be finite.
static SB_UNUSED void sb_model_fill(const SbCheckpoint *f, const SbParam *p, const char *prefix,
                                    param_t *device) {
    const SbFileTensor *t = sb_model_tensor(f, p, prefix);
    long n = sb_param_count(p);
    for (long i = 0; i < n; i++)
        if (!isfinite(((const param_t *)t->data)[i]))
            sb_die("%s: tensor %s is not finite at element %ld; take an earlier checkpoint", f->path, t->name,
                   i);
    sb_put(device, t->data, (size_t)n * sizeof(param_t));
}
// Between sb_model_plan and sb_model_memory: frozen tensors that the file has are read where they lie; it
// must stay open as long as the model.
static SB_UNUSED void sb_model_adopt_file(SbModel *m, const SbCheckpoint *f, int trained) {
    for (int i = 0; i < m->params; i++) {
        SbParam *p = m->param[i];
        int64_t shape[2] = {p->w.rows, p->w.cols};
        if (!p->group || (p->group & trained) || !sb_checkpoint_find(f, p->name)) continue;
        const SbFileTensor *t = sb_checkpoint_get(f, p->name, "F32", p->rank, shape);
        for (long k = 0; k < sb_param_count(p); k++)
            if (!isfinite(((const float *)t->data)[k]))
                sb_die("%s: tensor %s is not finite at element %ld", f->path, p->name, k);
        sb_model_adopt(m, p, t->data, SB_F32);
        p->adopted = 2;                 // to be written again
    }
}
// Fill the model's weights from the file. new_parts: what the file may lack, because this stage begins it:
// the caller has given it initial values. Adopted tensors have theirs.
static SB_UNUSED void sb_model_weights(SbModel *m, const SbCheckpoint *f, int new_parts) {
    int lacks = (new_parts & SB_DUAL ? SB_PLUS | SB_ALPHA : 0) | (new_parts & SB_AGGREGATOR ? SB_AGG : 0) |
                (new_parts & SB_SPA3R ? SB_FIELD : 0) | (new_parts & SB_ADAPTER ? SB_ADAPT : 0) |
                (new_parts & SB_FROM_HUB ? SB_BASE | SB_LLM : 0);
    for (int i = 0; i < m->params; i++) {
        SbParam *p = m->param[i];
        if (p->adopted || ((p->group & lacks) && !sb_checkpoint_find(f, p->name))) continue;
        if ((new_parts & SB_NEW_LORA) && !strncmp(p->name, "lora.", 5)) continue;
        sb_model_fill(f, p, "", (param_t *)(uintptr_t)p->w.p);
    }
}
// Fill the moments of what trains.
static SB_UNUSED void sb_model_moments(SbModel *m, const SbCheckpoint *f) {
    for (int i = 0; i < m->params; i++)
        if (m->param[i]->grad) {
            sb_model_fill(f, m->param[i], "adam_m.", m->param[i]->m);
            sb_model_fill(f, m->param[i], "adam_v.", m->param[i]->v);
        }
}
// Open path and make the model it holds.
static SB_UNUSED void sb_model_load(SbModel *m, const char *path) {
    SbCheckpoint f;
    int parts;
    sb_checkpoint_open(&f, path);
    SbConfig c = sb_model_config(&f, &parts);
    sb_model_plan(m, &c, parts);
    for (int i = 0; i < m->params; i++)     // a configuration that lies is told before memory is asked for
        sb_model_tensor(&f, m->param[i], "");
    sb_model_memory(m);
    sb_model_weights(m, &f, 0);
    sb_checkpoint_close(&f);
}
#endif
