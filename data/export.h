// export.h: what was trained on a hub folder's model, as a hub folder again. Include spatialboost.h first.
//
// Refuses: to write over a folder; to touch a tensor that did not train (its bytes and type stay). The new
// folder has the source's config.json and small files, all its tensors in one safetensors, ours among them
// as F32; with a second channel also its tensors in the family's style of names, modeling.h's Python, and
// "spatialboost" in the config. Folded: one attention of twice the heads, no gate left.
// Read from top: tensors, the second channel (dual, folded), the config, the card, the folder.
#ifndef SB_EXPORT_H
#define SB_EXPORT_H
#include "bind.h"
#include "modeling.h"

typedef struct {
    const SbFolder *f;
    const SbFamily *y;
    SbModel *m;
    SbFileTensor *t;    // [tensors] the source's, replaced or not, then new ones
    int tensors, changed;
    void **own;         // [owned] memory of ours
    int owned;
} SbExport;

// ---- tensors

static SB_UNUSED void *sb_export_own(SbExport *e, void *p) {
    e->own = (void **)sb_realloc(e->own, (size_t)(e->owned + 1) * sizeof *e->own);
    return e->own[e->owned++] = p;
}

// The numbers of one of the model's tensors [rows][cols], as float.
static SB_UNUSED float *sb_export_numbers(const SbParam *p) {
    long n = sb_param_count(p);
    float *x = (float *)sb_calloc((size_t)n, sizeof *x);
    void *host = sb_calloc((size_t)n, 8);
    SbFileTensor t;
    memset(&t, 0, sizeof t);
    t.type = p->w.type == SB_BF16 ? "BF16" : "F32", t.data = host;
    sb_get(host, p->w.p, (size_t)n * SB_SIZE(p->w.type));
    if (p->w.type == SB_F64) for (long i = 0; i < n; i++) x[i] = (float)((const double *)host)[i];
    else sb_tensor_floats(x, &t, 0, n);
    free(host);
    return x;
}

// The source's tensor as F32 numbers of our own; it keeps its shape.
static SB_UNUSED float *sb_export_thaw(SbExport *e, const SbFolderTensor *in, const char *path) {
    SbFileTensor *t = e->t + (in - e->f->tensor);
    if (t->data != in->t->data) return (float *)(uintptr_t)t->data;
    long n = (long)(sb_tensor_bytes(t, path) / (uint64_t)(sb_type_bits(t->type) / 8));
    float *x = (float *)sb_export_own(e, sb_calloc((size_t)n, sizeof *x));
    sb_tensor_floats(x, in->t, 0, n);
    t->type = "F32", t->data = x;
    e->changed++;
    return x;
}

// A tensor that the source does not have, prefix + name: F32 [rows] or [rows][cols], 0 at first.
static SB_UNUSED float *sb_export_new(SbExport *e, const char *name, int rank, int rows, int cols) {
    SbFileTensor t;
    memset(&t, 0, sizeof t);
    t.name = (const char *)sb_export_own(e, sb_format("%s%s", e->f->prefix, name));
    for (int i = e->f->tensors; i < e->tensors; i++)
        if (!strcmp(e->t[i].name, t.name)) return (float *)(uintptr_t)e->t[i].data;
    float *x = (float *)sb_export_own(e, sb_calloc((size_t)rows * (size_t)cols, sizeof *x));
    t.type = "F32", t.rank = rank, t.shape[0] = rows, t.shape[1] = cols, t.data = x;
    e->t = (SbFileTensor *)sb_realloc(e->t, (size_t)(e->tensors + 1) * sizeof *e->t);
    e->t[e->tensors++] = t;
    e->changed++;
    return x;
}

// Put a tensor of the model where it came from, if it is not what it was.
static SB_UNUSED void sb_export_param(SbExport *e, const SbParam *p) {
    SbFamilySource s;
    SbText wrong = {NULL, 0, 0};
    int count = 0;
    long n = sb_param_count(p);
    if (p->adopted == 1) return;        // it lies in the source: unchanged
    sb_family_source(e->f, e->y, e->m, p, &s, &wrong, &count);
    if (count) sb_die("%s: has no place for what was trained: %s", e->f->path, wrong.data);
    float *now = sb_export_numbers(p), *was = (float *)sb_calloc((size_t)n, sizeof *was);
    sb_family_floats(e->y, e->m, p, &s, was);
    if (memcmp(now, was, (size_t)n * sizeof *now)) {
        if (s.rows != p->w.rows)
            sb_die("%s: positions trained at %d pixels do not fit its table; train at its own image_size",
                   e->f->path, e->m->config.image);
        memcpy(sb_export_thaw(e, s.in, e->f->path) + s.first, now, (size_t)n * sizeof *now);
    }
    free(now), free(was);
}

// ---- the second channel

// Its tensors beside the base's.
static SB_UNUSED void sb_export_dual(SbExport *e, const SbParam *p) {
    char name[256];
    long n = sb_param_count(p);
    const SbFamilyName *row = sb_family_theirs(e->y, e->m->config.enc_gated, p->name, name, sizeof name);
    if (!row) sb_die("%s: the family %s has no name for our tensor %s", e->f->path, e->y->type, p->name);
    if (sb_folder_lookup(e->f, e->f->prefix, name)) {
        sb_export_param(e, p);
        return;
    }
    float *to = sb_export_new(e, name, p->rank, p->w.rows * (row->parts ? row->parts : 1), p->w.cols);
    float *x = sb_export_numbers(p);
    memcpy(to + row->part * n, x, (size_t)n * sizeof *x);
    free(x);
}

// Attn+ that shares Wo (config.share_o) gets a copy of it: the same arithmetic without a case of its own.
static SB_UNUSED void sb_export_shared(SbExport *e) {
    for (int l = 0; l < e->m->config.enc_layers; l++)
        for (int i = 0; i < 2; i++) {
            const SbParam *o = i ? &e->m->enc[l].o_b : &e->m->enc[l].o_w;
            SbParam copy = *o;
            snprintf(copy.name, sizeof copy.name, "enc.%d.plus_o_%c", l, i ? 'b' : 'w');
            if (o->w.p) sb_export_dual(e, &copy);
        }
}

// alpha = sigmoid(a) of an element of the output projection, as sb_dual_fold_forward has it: of row r and
// column k of cols; of row r's bias (cols 1) the mean over what has an a.
static SB_UNUSED double sb_export_alpha(const SbParam *a, const float *gate, int r, int k, int cols) {
    int parts = a->w.cols, first = cols == 1 ? 0 : k / (cols / parts), last = cols == 1 ? parts : first + 1;
    double sum = 0;
    for (int q = first; q < last; q++) sum += 1 / (1 + exp(-(double)gate[(a->w.rows > 1 ? r : 0) + q]));
    return sum / (last - first);
}

// A weight or bias of both channels in one tensor. o (the output projection): columns side by side (biases:
// summed), mixed by alpha; else rows one below the other. Where q, k and v are parts of one tensor, each part
// grows to twice its rows.
static SB_UNUSED void sb_export_fold(SbExport *e, const SbParam *base, const SbParam *plus, const SbParam *a,
                                     int o) {
    if (!base->w.p) return;
    SbFamilySource s;
    SbText wrong = {NULL, 0, 0};
    int count = 0, rows = base->w.rows, cols = base->w.cols, mixed = o && base->rank == 1;
    sb_family_source(e->f, e->y, e->m, base, &s, &wrong, &count);
    SbFileTensor *t = e->t + (s.in - e->f->tensor);
    if (t->shape[o] == s.in->t->shape[o] && !mixed) {   // not yet doubled
        t->shape[o] *= 2, t->type = "F32";
        t->data = sb_export_own(e, sb_calloc((size_t)sb_tensor_bytes(t, s.in->path), 1));
        e->changed++;
    }
    float *x = sb_export_numbers(base), *y = sb_export_numbers(plus->w.p ? plus : base),
          *gate = sb_export_numbers(a);
    long n = sb_param_count(base);
    float *both = mixed ? sb_export_thaw(e, s.in, s.in->path)
                        : (float *)(uintptr_t)t->data + 2 * s.first;
    for (int r = 0; r < rows; r++)
        for (int k = 0; k < cols; k++) {
            double u = x[(long)r * cols + k], v = y[(long)r * cols + k];
            double alpha = o ? sb_export_alpha(a, gate, r, k, cols) : 0;
            if (mixed) both[r] = (float)(alpha * u + (1 - alpha) * v);
            else if (o) both[(long)r * 2 * cols + k] = (float)(alpha * u),
                        both[((long)r * 2 + 1) * cols + k] = (float)((1 - alpha) * v);
            else both[(long)r * cols + k] = (float)u, both[n + (long)r * cols + k] = (float)v;
        }
    free(x), free(y), free(gate);
}
static SB_UNUSED void sb_export_folded(SbExport *e) {
    for (int l = 0; l < e->m->config.enc_layers; l++) {
        const SbBlock *b = e->m->enc + l;
        const SbParam *base[] = {&b->q_w, &b->q_b, &b->k_w, &b->k_b, &b->v_w, &b->v_b, &b->o_w, &b->o_b};
        const SbParam *plus[] = {&b->plus_q_w, &b->plus_q_b, &b->plus_k_w, &b->plus_k_b,
                                 &b->plus_v_w, &b->plus_v_b, &b->plus_o_w, &b->plus_o_b};
        for (int i = 0; i < 8; i++) sb_export_fold(e, base[i], plus[i], &b->a, i >= 6);
    }
    int kept = 0;                               // a source that had a second channel has none left
    for (int i = 0; i < e->tensors; i++) {
        const char *name = e->t[i].name, *end = name + strlen(name);
        int second = strstr(name, ".plus.") || (end - name > 2 && !strcmp(end - 2, ".a"));
        if (!second) e->t[kept++] = e->t[i];
    }
    e->tensors = kept;
}

// ---- config, card

// The next member of a JSON object's text, at behind its { or the member before: its key (without quotes)
// and its text; NULL at the end. The text is known to be valid.
static SB_UNUSED const char *sb_export_member(const char *at, const char **begin, const char **end,
                                              size_t *key) {
    int depth = 0, quoted = 0;
    at += strspn(at, " \t\r\n,");
    if (*at != '"') return NULL;
    *begin = at;
    for (*key = 0; at[1 + *key] != '"'; ++*key) if (at[1 + *key] == '\\') ++*key;
    for (; *at && (quoted || depth || (*at != ',' && *at != '}')); at++) {
        if (quoted && *at == '\\') at++;
        else if (*at == '"') quoted = !quoted;
        else if (!quoted) depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
    }
    for (*end = at; strchr(" \t\r\n", (*end)[-1]);) --*end;
    return at;
}

// The source's config with our keys. Its members are copied as text: a 1.0 must not become a 1, which
// readers with strict types refuse.
static SB_UNUSED void sb_export_config(const SbExport *e, int how, const char *path) {
    char *text = sb_read_file(e->f->config_path, NULL);
    const char *begin, *end, *at = strchr(text, '{') + 1;
    size_t key;
    SbText t = {NULL, 0, 0};
    sb_text_add(&t, "{");
    while ((at = sb_export_member(at, &begin, &end, &key))) {
        const char *name = begin + 1;
        int type = !strncmp(name, "dtype\"", key + 1) || !strncmp(name, "torch_dtype\"", key + 1);
        int ours = !strncmp(name, "spatialboost\"", key + 1) || !strncmp(name, "auto_map\"", key + 1);
        if (how && ours) continue;
        sb_text_add(&t, t.size > 1 ? ",\n  " : "\n  ");
        if (type && e->changed) sb_text_add(&t, "\"%.*s\": \"float32\"", (int)key, name);
        else sb_text_bytes(&t, begin, (size_t)(end - begin));
    }
    if (how)
        sb_text_add(&t, "%s\n  \"spatialboost\": {\"channels\": \"%s\", \"layers\": %d, \"gate\": \"%s\"}",
                    t.size > 1 ? "," : "", how == SB_EXPORT_FOLDED ? "folded" : "dual",
                    e->m->config.enc_layers, sb_gate_names[e->m->config.gate_by]);
    if (how && !e->f->open_clip)
        sb_text_add(&t, ",\n  \"auto_map\": {\"AutoModel\": \"modeling_spatialboost.%s\"}", e->y->python);
    sb_text_add(&t, "\n}\n");
    sb_write_file(path, t.data, t.size);
    free(t.data), free(text);
}

static SB_UNUSED void sb_export_card(const SbExport *e, int how, const char *card, const char *path) {
    const char *slash = strrchr(e->f->path, '/');
    SbText t = {NULL, 0, 0};
    sb_text_add(&t, "# %s, trained further with spatialboost.c\n\n", slash ? slash + 1 : e->f->path);
    if (how == SB_EXPORT_FOLDED)
        sb_text_add(&t, "A second attention channel (SpatialBoost, arXiv 2603.22057) is folded into the "
                        "first: every attention has twice the heads, and no gate is left.\n\n");
    else if (how == SB_EXPORT_DUAL)
        sb_text_add(&t, "Every attention has a second channel (SpatialBoost, arXiv 2603.22057): "
                        "y = s Attn(x) + (1 - s) Attn+(x), s = sigmoid(a), one a for each %s.\n\n",
                    sb_gate_names[e->m->config.gate_by]);
    if (how && e->f->open_clip)
        sb_text_add(&t, "    import sys; sys.path.append(\"this folder\")\n"
                    "    import modeling_spatialboost\n"
                    "    model = modeling_spatialboost.%s(\"this folder\")     # open_clip's CLIP\n\n",
                    e->y->python);
    else if (how)
        sb_text_add(&t, "    from transformers import AutoModel\n"
                    "    model = AutoModel.from_pretrained(\"this folder\", trust_remote_code=True)\n\n");
    sb_text_add(&t, "## What was trained on what\n\n%s\n\n", card);
    sb_text_add(&t, "%d of %d tensors differ from the source's or are new. The source's licence holds here "
                    "too.\n", e->changed, e->tensors);
    sb_write_file(path, t.data, t.size);
    free(t.data);
}

// ---- the folder

// The source's small files: preprocessing, tokenizer, licence. Not: weights, code, what is written anew.
static SB_UNUSED void sb_export_copies(const SbExport *e, const char *dir) {
    static const char *const ends[] = {".json", ".txt", ".model", ".jinja"};
    int count;
    char **name = sb_list_folder(e->f->path, &count);
    for (int i = 0; i < count; i++) {
        char *from = sb_format("%s/%s", e->f->path, name[i]), *to = sb_format("%s/%s", dir, name[i]);
        size_t n = strlen(name[i]), size;
        struct stat s;
        int wanted = !strncmp(name[i], "LICENSE", 7);
        for (int k = 0; k < 4; k++) {
            size_t m = strlen(ends[k]);
            wanted |= n > m && !strcmp(name[i] + n - m, ends[k]);
        }
        wanted &= strcmp(from, e->f->config_path) && !strstr(name[i], ".index.json");
        if (wanted && stat(from, &s) == 0 && S_ISREG(s.st_mode) && s.st_size < (off_t)64 << 20) {
            char *data = sb_read_file(from, &size);
            sb_write_file(to, data, size);
            free(data);
        }
        free(from), free(to);
    }
    sb_free_names(name, count);
}

// A new folder under a temporary name; then its real name, and its text is freed.
static SB_UNUSED char *sb_export_begin(const char *dir) {
    char *folder = sb_trim_slashes(dir), *temp = sb_format("%s.tmp-%ld", folder, (long)getpid());
    if (sb_exists(folder)) sb_die("%s: exists; remove it or choose another name", folder);
    sb_remove(temp);
    sb_temp_add(temp);
    sb_make_folder(temp);
    free(folder);
    return temp;
}
static SB_UNUSED void sb_export_end(char *temp, const char *dir) {
    char *folder = sb_trim_slashes(dir), *parent = sb_folder_of(folder);
    if (rename(temp, folder) != 0) sb_die("%s: cannot be made (%s)", folder, strerror(errno));
    sb_temp_done(temp);
    sb_sync_folder(parent);
    free(parent), free(folder), free(temp);
}

// Write the model's tower of this folder as the new folder dir, complete or not at all. how: SB_EXPORT_DUAL
// (a second channel, if the model has one, beside the first) or SB_EXPORT_FOLDED (into it). card: what was
// trained on what, Markdown. Reading a dual folder back gives the same bits.
static SB_UNUSED void sb_family_export(SbFolder *f, SbModel *m, const char *dir, int how,
                                       const char *card) {
    SbExport e = {f, sb_family_of(f), m, NULL, f->tensors, 0, NULL, 0};
    int encoder = !(e.y->family & SB_LANGUAGE), dual = encoder && (m->parts & SB_DUAL);
    if (how == SB_EXPORT_FOLDED && !dual)
        sb_die("%s: only an encoder with a second channel can be folded", dir);
    if (!dual) how = encoder ? sb_family_channels(f) : SB_EXPORT_NONE;      // as it came
    char *temp = sb_export_begin(dir);
    sb_family_prefix(f, m);             // nothing was bound of what lay whole in a checkpoint
    e.t = (SbFileTensor *)sb_calloc((size_t)f->tensors, sizeof *e.t);
    for (int i = 0; i < f->tensors; i++) e.t[i] = *f->tensor[i].t;
    for (int i = 0; i < m->params; i++) {
        const SbParam *p = m->param[i];
        if (!sb_family_tower(e.y, p)) continue;
        if (!(p->group & (SB_PLUS | SB_ALPHA))) sb_export_param(&e, p);
        else if (how == SB_EXPORT_DUAL) sb_export_dual(&e, p);
    }
    if (dual && how == SB_EXPORT_FOLDED) sb_export_folded(&e);
    else if (dual && m->config.share_o) sb_export_shared(&e);
    char *path[4] = {
        sb_format("%s/%s", temp, strrchr(f->config_path, '/') + 1), sb_format("%s/README.md", temp),
        sb_format("%s/%s", temp, f->open_clip ? "open_clip_model.safetensors" : "model.safetensors"),
        sb_format("%s/%s", temp, sb_modeling_name)};
    SbPair format = {"format", "pt"};
    sb_export_copies(&e, temp);
    sb_export_config(&e, how, path[0]);
    sb_export_card(&e, how, card, path[1]);
    sb_checkpoint_write(path[2], e.t, e.tensors, &format, 1);
    if (how) sb_write_file(path[3], sb_modeling, strlen(sb_modeling));
    sb_export_end(temp, dir);
    for (int i = 0; i < 4; i++) free(path[i]);
    for (int i = 0; i < e.owned; i++) free(e.own[i]);
    free(e.own), free(e.t);
}
#endif
