// tensors.h: every tensor of a model by name, for whoever compares two runs or looks for what went wrong.
//
// Refuses: to change anything but what it is asked to fill. Include it behind spatialboost.h and
// checkpoint.h, once a namespace: it has no guard, as the header has none. Read from top: the list, made by
// the tables' macros; the first tensor that is not finite; a dump of all of them (compared by data/diff.h);
// NaN in what a step computes; random values.

// Kinds: a parameter, an activation, its gradient, the gradient of a parameter.
enum { SB_PARAMETER, SB_FORWARD, SB_BACKWARD, SB_GRADIENT };
typedef struct { char name[64]; const void *p; int type, kind; long rows, cols; } SbTensor;
typedef struct { SbTensor *list; int n; } SbTensors;

static void sb_tensor(SbTensors *t, const char *of, const char *name, const void *p, int type, long rows,
                      long cols, int kind) {
    SbTensor one = {"", p, type, kind, rows, cols};
    if (kind == SB_FORWARD && !strncmp(name, "d_", 2)) one.kind = SB_BACKWARD;
    if (!p || rows * cols == 0) return;
    snprintf(one.name, sizeof one.name, "%s%s", of, name);
    if (t->list) t->list[t->n] = one;
    t->n++;
}
static void sb_block_tensors(SbTensors *t, const SbBlockActs *a, const SbShape *c, const char *of, int l,
                             long n) {
    char prefix[24];
    SB_BLOCK_WIDTHS(c);
    snprintf(prefix, sizeof prefix, "%s.%d.", of, l);
#define X(type, name, count)                                                                                 \
    sb_tensor(t, prefix, #name, a->name, SB_TYPE(type), 1, (long)(count), SB_FORWARD);
    SB_BLOCK_FOLDS(X)
#undef X
#define X(type, name, row, saved)                                                                            \
    sb_tensor(t, prefix, #name, a->name, SB_TYPE(type), n, (long)(row), SB_FORWARD);
    SB_BLOCK_ACTS(X)
#undef X
}
// The blocks of the towers that stand before an activation: those of one place alternate.
static void sb_tower_tensors(SbTensors *t, const SbModel *m, const char *name) {
    const SbConfig *c = &m->config;
    SB_SIZES(m->n);
    for (int l = 0, more = 1; more; l++) {
        more = 0;
#define X(tower, count, before, rows, ...) \
        if (!strcmp(name, #before) && l < m->tower##_shape.layers) \
            sb_block_tensors(t, m->acts.tower + l, &m->tower##_shape, #tower, l, rows), more = 1;
        SB_TOWERS(X)
#undef X
    }
}
// Fill list (NULL: none) and return how many: parameters; what the last step computed, in order (gradients of
// activations beside them: they arose in reverse); gradients of parameters. With acts.keep = 1 all layers
// have their own scratch, else it shows its last use.
SB_FN int sb_tensors(const SbModel *m, SbTensor *list) {
    const SbConfig *c = &m->config;
    SbTensors t = {list, 0};
    SB_WIDTHS(c, m->parts);
    SB_SIZES(m->n);
    for (int i = 0; i < m->params; i++) {
        const SbParam *p = m->param[i];
        sb_tensor(&t, "", p->name, p->w.p, p->w.type, p->w.rows, p->w.cols, SB_PARAMETER);
    }
#define X(type, name, rows, row) \
    sb_tower_tensors(&t, m, #name); \
    if (strcmp(#type, "int")) \
        sb_tensor(&t, "", #name, m->acts.name, SB_TYPE(type), \
                  strcmp(#name, "logits") ? (rows) : sb_lmin(NR, SB_CHUNK), (long)(row), SB_FORWARD);
    if (m->acts.blocks) { SB_MODEL_ACTS(X) }
#undef X
    for (int i = 0; i < m->params; i++) {
        const SbParam *p = m->param[i];
        sb_tensor(&t, "gradient of ", p->name, p->grad, SB_TYPE(param_t), p->w.rows, p->w.cols, SB_GRADIENT);
    }
    return t.n;
}
static double sb_tensor_squares(const SbModel *m, const SbTensor *t) {
    sb_sum_squares(m->squares, t->p, t->type, t->rows * t->cols);
    return pow(sb_norm(m), 2);
}
// NULL if all is finite, else a name: a parameter ("llm.emb"); the first tensor, in order, of what the last
// forward pass computed ("enc.2.att"); the last in that order of its gradients ("enc.2.d_att"); a parameter's
// gradient ("gradient of llm.emb"). The text lasts until the next call.
SB_FN const char *sb_first_nonfinite(const SbModel *m) {
    static char name[sizeof ((SbTensor *)0)->name];
    int n = sb_tensors(m, NULL), found = -1;
    SbTensor *t = (SbTensor *)calloc((size_t)n + 1, sizeof *t);
    if (!t) SB_FAIL("out of memory: the list of tensors");
    sb_tensors(m, t);
    for (int i = 0; i < n; i++) {
        if (found >= 0 && (t[found].kind < SB_BACKWARD || t[i].kind == SB_GRADIENT)) continue;
        if (!isfinite(sb_tensor_squares(m, t + i))) found = i;
    }
    if (found >= 0) memcpy(name, t[found].name, sizeof name);
    free(t);
    return found < 0 ? NULL : name;
}

// Write all tensors of the step that m has just done to path: safetensors, with "depth.NAME" (how many
// tensors were computed on the way to it; twice as many for gradients, which also come back) and "eps" of the
// type of activations in its texts. What is 0 everywhere, or has a NaN, was not computed and counts for no
// depth. run: how the step came to be, kept with it; NULL: untold.
SB_FN void sb_dump(const SbModel *m, const char *path, const char *run) {
    int n = sb_tensors(m, NULL), depth = 0, *depths = (int *)sb_calloc((size_t)n + 1, sizeof *depths);
    SbTensor *list = (SbTensor *)sb_calloc((size_t)n + 1, sizeof *list);
    SbFileTensor *file = (SbFileTensor *)sb_calloc((size_t)n + 1, sizeof *file);
    SbPair *pair = (SbPair *)sb_calloc((size_t)n + 2, sizeof *pair);
    sb_tensors(m, list);
    for (int i = 0; i < n; i++) {
        const SbTensor *t = list + i;
        int activation = t->kind == SB_FORWARD || t->kind == SB_BACKWARD;
        size_t bytes = SB_SIZE(t->type) * (size_t)(t->rows * t->cols);
        void *host = sb_calloc(bytes, 1);
        sb_get(host, t->p, bytes);
        file[i].name = t->name, file[i].rank = 2, file[i].data = host;
        file[i].type = t->type == SB_BF16 ? "BF16" : t->type == SB_F32 ? "F32" : "F64";
        file[i].shape[0] = t->rows, file[i].shape[1] = t->cols;
        depths[i] = depth += activation && sb_tensor_squares(m, t) > 0;
    }
    for (int i = 0; i < n; i++) {
        int back = list[i].kind == SB_BACKWARD   ? 2 * depth - depths[i]
                   : list[i].kind == SB_GRADIENT ? 2 * depth
                                                 : 0;
        pair[i].key = sb_format("depth.%s", list[i].name);
        pair[i].value = sb_format("%d", back ? back : depths[i]);
    }
    pair[n].key = sb_format("eps");
    pair[n].value = sb_format("%.9g", sizeof(real) == 2   ? 0.0078125
                                      : sizeof(real) == 4 ? FLT_EPSILON
                                                          : DBL_EPSILON);
    pair[n + 1].key = sb_format("run"), pair[n + 1].value = sb_copy(run ? run : "");
    sb_checkpoint_write(path, file, n, pair, n + 2);
    for (int i = 0; i < n + 2; i++) {
        if (i < n) free((void *)(uintptr_t)file[i].data);
        free((void *)(uintptr_t)pair[i].key), free((void *)(uintptr_t)pair[i].value);
    }
    free(depths), free(list), free(file), free(pair);
}
// NaN in every tensor that a step computes, for rows as in m->n, so that what no one writes shows. What the
// batch brings is uploaded on top of it.
SB_FN void sb_model_poison(SbModel *m) {
    int n = sb_tensors(m, NULL);
    SbTensor *list = (SbTensor *)sb_calloc((size_t)n + 1, sizeof *list);
    sb_tensors(m, list);
    for (int i = 0; i < n; i++) {
        size_t bytes = SB_SIZE(list[i].type) * (size_t)(list[i].rows * list[i].cols);
        if (list[i].kind != SB_FORWARD && list[i].kind != SB_BACKWARD) continue;
        void *host = memset(sb_calloc(bytes, 1), 0xFF, bytes);
        sb_put((void *)(uintptr_t)list[i].p, host, bytes);
        free(host);
    }
    free(list);
}
// Random values in every parameter, biases, gains and a too: what a check starts from, because initial values
// (a = 0, Attn+ = Attn, biases 0) hide half of all mistakes. Matrices: std 1 / sqrt(columns); gains: 1 + .3
// z.
SB_FN void sb_model_scatter(SbModel *m, uint64_t seed) {
    for (int i = 0; i < m->params; i++) {
        const SbParam *p = m->param[i];
        long n = sb_param_count(p);
        size_t last = strlen(p->name) - 1;
        int gain = strstr(p->name, "norm") && p->name[last] == 'w', a = p->name[last] == 'a';
        double std = a ? 1 : p->rank == 2 && p->init == SB_LINEAR ? 1 / sqrt((double)p->w.cols) : 0.3;
        param_t *host = (param_t *)sb_calloc((size_t)n, sizeof *host);
        for (long k = 0; k < n; k++)
            host[k] = (param_t)(gain + std * sb_normal(seed + (uint64_t)i, (uint64_t)k));
        sb_put((void *)(uintptr_t)p->w.p, host, (size_t)n * sizeof *host);
        free(host);
    }
}
