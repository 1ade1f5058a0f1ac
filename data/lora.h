// lora.h: low-rank adaptation of the encoder (Hu and others, 2021, arXiv 2106.09685), the control of
// SpatialBoost's Fig. 6. Include it behind spatialboost.h, once a namespace: no guard.
//
// Refuses: targets that the encoder does not have, a rank above a matrix's own, activations in bf16.
// It is a way to write W, not a second way to compute: W = W0 + s B A, with A [r][in], B [out][r], s = alpha
// over r. The model works with W and gives its whole gradient dW; sb_lora_update turns that into
//     dA = s B^T dW,   dB = s dW A^T,   dW = 0
// lets sb_update move what trains, A and B among it, and writes W anew. So W is merged at all times: whoever
// reads a checkpoint needs nothing of this file. Read from top: targets, tensors, start, gradients, merging.

enum { SB_LORA = 2048 };  // group of A and B; W0 is of no group: it never trains

typedef struct { SbParam *w, a, b, start; } SbLoraMatrix;  // W, A, B, W0
typedef struct {
    SbLoraMatrix *matrix;   // [matrices]
    int matrices, rank, widest;  // widest: largest in
    double scale;           // s
    long room;              // largest out r
    param_t *factor;        // [rank] s, then [widest] 1
    real *scaled, *part;    // scratch [room]: s B; dW A^T
} SbLora;

// "q,v" as bits of names' places; "" and unknown or repeated names are refused.
static const char *const sb_lora_names[] = {"q", "k", "v", "o", "gate", "up", "down"};
enum { SB_LORA_NAMES = sizeof sb_lora_names / sizeof *sb_lora_names };
SB_FN int sb_lora_targets(const char *text) {
    int bits = 0;
    for (const char *at = text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        size_t size = strcspn(at, ",");
        int k = 0;
        while (k < SB_LORA_NAMES && (strlen(sb_lora_names[k]) != size || strncmp(sb_lora_names[k], at, size)))
            k++;
        if (k == SB_LORA_NAMES || bits >> k & 1)
            sb_die("--matrices %s: expected some of q,k,v,o,gate,up,down, each once", text);
        bits |= 1 << k;
    }
    return bits;
}

// Enter A, B and W0 of one target: lora.NAME.a, .b, .start.
static void sb_lora_enter(SbLora *l, SbModel *m, SbParam *w) {
    int out = w->w.rows, in = w->w.cols, most = sb_min(out, in);
    if (l->rank > most)
        sb_die("--rank %d: %s is [%d,%d], so its rank is at most %d", l->rank, w->name, out, in, most);
    SbLoraMatrix *x = l->matrix + l->matrices++;
    char prefix[40];
    snprintf(prefix, sizeof prefix, "lora.%.34s", w->name);
    x->w = w, w->group |= SB_LAST;
    sb_param(m, &x->a, prefix, "a", l->rank, in, SB_ZERO, 1, SB_LORA);
    sb_param(m, &x->b, prefix, "b", out, l->rank, SB_ZERO, 1, SB_LORA);
    sb_param(m, &x->start, prefix, "start", out, in, SB_ZERO, 0, 0);
    SbParam *own[3] = {&x->a, &x->b, &x->start};
    for (int i = 0; i < 3; i++) m->weight_bytes += (size_t)sb_param_room(own[i]) * sizeof(param_t);
    l->room = sb_lmax(l->room, (long)out * l->rank);
    l->widest = in > l->widest ? in : l->widest;
}
// Between sb_model_plan and what follows it: of SB_BASE, the targets (see sb_lora_targets) of every block of
// the encoder become the group SB_LAST; train SB_LAST | SB_LORA. l must outlive m.
SB_FN void sb_lora_plan(SbLora *l, SbModel *m, int targets, int rank, double alpha) {
    int found = 0, params = m->params;
    if (sizeof(real) != sizeof(param_t))
        sb_die("--tune lora: activations are bf16 in this program; use its fp32 build or the CPU's");
    memset(l, 0, sizeof *l);
    l->rank = rank, l->scale = alpha / rank;
    l->matrix = (SbLoraMatrix *)sb_calloc((size_t)params, sizeof *l->matrix);
    for (int i = 0; i < params; i++) {
        SbParam *p = m->param[i];
        const char *tail = strrchr(p->name, '.') + 1;
        p->group &= ~SB_LAST;
        for (int k = 0; k < SB_LORA_NAMES; k++) {
            size_t size = strlen(sb_lora_names[k]);
            if (!(targets >> k & 1) || strncmp(p->name, "enc.", 4) || strncmp(tail, sb_lora_names[k], size) ||
                strcmp(tail + size, "_w"))
                continue;
            sb_lora_enter(l, m, p), found |= 1 << k;
        }
    }
    for (int k = 0; k < SB_LORA_NAMES; k++)
        if ((targets & ~found) >> k & 1)
            sb_die("--matrices: this encoder's blocks have no %s", sb_lora_names[k]);
    m->config.last_layers = m->config.enc_layers;  // gradients reach every block
}

static void *sb_lora_at(const SbParam *p) { return (void *)(uintptr_t)p->w.p; }
// y [n][cols] = x times s, or times 1 (cols: rank, or in)
static void sb_lora_scale(const SbLora *l, void *y, const void *x, long n, int cols, int one) {
    SbWeight s = {l->factor + (one ? l->rank : 0), SB_TYPE(param_t), cols, 1, 1};
    sb_scale_forward((real *)y, (const real *)x, s, n);
}
// Behind sb_model_memory, once W has its numbers. fresh: W0 = W, A uniform in +-1/sqrt(in), B = 0, so W stays
// as it is; else A, B and W0 were read from a half-done run.
SB_FN void sb_lora_begin(SbLora *l, const SbModel *m, int fresh) {
    int numbers = l->rank + l->widest;
    param_t *host = (param_t *)sb_calloc((size_t)l->rank * (size_t)l->widest + (size_t)numbers, sizeof *host);
    for (int i = 0; i < numbers; i++) host[i] = (param_t)(i < l->rank ? l->scale : 1);
    l->factor = (param_t *)sb_alloc((size_t)numbers * sizeof *host);
    sb_put(l->factor, host, (size_t)numbers * sizeof *host);
    l->scaled = (real *)sb_alloc((size_t)l->room * sizeof *l->scaled);
    l->part = (real *)sb_alloc((size_t)l->room * sizeof *l->part);
    for (int k = 0; fresh && k < l->matrices; k++) {
        SbLoraMatrix *x = l->matrix + k;
        long count = sb_param_count(&x->a);
        uint64_t key = sb_mix64((uint64_t)m->config.seed * 0x9E3779B97F4A7C15ull + (uint64_t)k);
        for (long i = 0; i < count; i++) {
            uint64_t bits = sb_mix64(key ^ ((uint64_t)i * 0xD1B54A32D192ED03ull)) >> 11;
            double unit = (double)bits / 4503599627370496.0 - 1;  // in [-1,1): 53 bits
            host[i] = (param_t)(unit / sqrt((double)x->a.w.cols));
        }
        sb_put(sb_lora_at(&x->a), host, (size_t)count * sizeof *host);
        sb_zero(sb_lora_at(&x->b), (size_t)sb_param_count(&x->b) * sizeof(param_t));
        sb_lora_scale(l, sb_lora_at(&x->start), x->w->w.p, x->w->w.rows, x->w->w.cols, 1);
    }
    free(host);
}
// Gradients of A (+=) and B (=) from that of W, which becomes 0: AdamW has nothing to do there, and the norm
// to clip by is that of what trains.
SB_FN void sb_lora_backward(const SbLora *l) {
    for (int k = 0; k < l->matrices; k++) {
        const SbLoraMatrix *x = l->matrix + k;
        const real *d_w = (const real *)(const void *)x->w->grad;
        int out = x->w->w.rows, in = x->w->w.cols, r = l->rank;
        sb_lora_scale(l, l->scaled, x->b.w.p, out, r, 0);
        sb_linear_backward_weight(x->a.grad, NULL, l->scaled, r, d_w, in, out, r, in);
        sb_linear_forward(l->part, r, d_w, in, x->a.w, sb_absent, out);
        sb_lora_scale(l, x->b.grad, l->part, out, r, 0);
        sb_zero(x->w->grad, (size_t)sb_param_count(x->w) * sizeof(param_t));
    }
}
// W = W0 + s B A
SB_FN void sb_lora_merge(const SbLora *l) {
    for (int k = 0; k < l->matrices; k++) {
        const SbLoraMatrix *x = l->matrix + k;
        int out = x->w->w.rows, in = x->w->w.cols, r = l->rank;
        sb_lora_scale(l, sb_lora_at(x->w), x->start.w.p, out, in, 1);
        sb_lora_scale(l, l->scaled, x->b.w.p, out, r, 0);
        sb_linear_backward_input_add((real *)sb_lora_at(x->w), in, l->scaled, r, x->a.w, out);
    }
}
// sb_update for a model with LoRA; without matrices it is sb_update.
SB_FN void sb_lora_update(const SbLora *l, SbModel *m, double lr, double decay, long step) {
    sb_lora_backward(l);
    sb_update(m, lr, decay, step);
    sb_lora_merge(l);
}
// After sb_model_free.
SB_FN void sb_lora_free(SbLora *l) {
    sb_free(l->factor), sb_free(l->scaled), sb_free(l->part);
    free(l->matrix);
    memset(l, 0, sizeof *l);
}
