// op_cases.h: every operation of spatialboost.h's contract on odd shapes, written once over `real`.
//
// Include it behind spatialboost.h once a namespace, the first time at global scope (the types below are
// shared). It refuses to judge: a case declares its arrays, calls the operation, and says what is expected
// and how far float may be off; test_ops.h compares. How to read it: one function an operation, then the
// table of shapes at the end.
//
// A case declares its arrays in the same order in every run. Inputs come from a counter and are floats, so
// every type of real sees the same ones. Between the rows of a slice (ld > cols) inputs hold NaN: what reads
// it shows it.
// Bounds of float against double are statistical, six standard deviations of independent roundings:
//     eps * (|stored| / 2 + OP_SIGMAS * OP_ROUNDING * sqrt(squares))        squares: op_term, op_squares
// The first term is the last rounding. A sum of K terms rounds K partial sums s_k, so squares = sum of s_k^2
// (about K^2 / 2 times the square of a term, if signs are random), plus, for each term, its own roundings
// times its square (a product that is not fused: 1). Elementwise operations give a hard bound in eps instead
// (op_bounds). Where real is bf16 (OP_COARSE), inputs are exact in it, sums are float's, and added is what
// is rounded to it: a result, and inside an operation what op_coarse says.
#ifndef SB_OP_CASES_SHARED
#define SB_OP_CASES_SHARED

enum { OP_ARRAYS = 24, OP_NUMBERS = 12, OP_ROWS = 512 };
enum { OP_SIGMAS = 6 };                 // one in 1e9 is further off
#define OP_ROUNDING 0.21                // standard deviation of a rounding, in eps; mantissas log-uniform
#if defined SB_GPU && !defined SB_FP32
#define OP_COARSE 0.0078125             // eps of bf16
#else
#define OP_COARSE 0
#endif

enum {                                  // kinds of arrays
    OP_IN,                              // random
    OP_SEED,                            // gradient of the test's functional with respect to an output: random
    OP_OUT,                             // assigned: NaN before
    OP_SUM,                             // accumulated: random before, subtracted afterwards
    OP_COPY,                            // changed in place: starts as a copy of another array
    OP_SCRATCH                          // NaN before, not looked at
};
enum { OP_UNSAID, OP_ROUNDED, OP_SQUARES, OP_HARD, OP_EXACT };     // bound: last rounding, + squares, own, 0

typedef struct {
    char name[24];
    int kind, type;
    int of, from;                       // seed of that output, gradient of that input; copied from (-1: none)
    long rows, cols, ld;
    void *data, *start;                 // start: data before the operation
    double *expect;                     // [rows * ld] from an independent formula, or NULL
    double *bound, *squares, *coarse;   // [rows * ld], in eps and its square; see above
    int judge;                          // OP_UNSAID, ...
    int wide, weight;                   // of type stat_t and the like; a weight: its gradient is wide
} OpArray;

typedef struct {
    OpArray array[OP_ARRAYS];
    int arrays;
    uint64_t seed;
    int fresh, backward, reference;     // first run; with the backward; fill in expect and bound
    int *list[8], lists;                // op_ints: lists of integers for a GPU
    int drop;                           // input array of which one element is set to 0 (-1: none)
    long drop_at;
} OpRun;
static OpRun *op_run;                   // the run at hand

typedef struct {
    const char *op;
    void (*run)(const int *p);
    int p[OP_NUMBERS];
} OpCase;

// Sum of three uniform numbers times spread: mean 0, |x| < 2.8 spread. The product by 0.93 fills all bits of
// a float: sums of numbers on a coarse grid would be exact.
static double op_random(uint64_t seed, uint64_t i, double spread) {
    uint64_t z = sb_mix64(sb_mix64(seed) ^ ((i + 1) * 0x9E3779B97F4A7C15ull));
    long sum = (long)(z & 0x1FFFFF) + (long)(z >> 21 & 0x1FFFFF) + (long)(z >> 42 & 0x1FFFFF);
    float x = (float)((double)(sum - 3145728) * (0.93 / 1048576 * spread));
    uint32_t bits;
    memcpy(&bits, &x, 4);
    if (OP_COARSE > 0) bits &= 0xFFFF0000u;
    memcpy(&x, &bits, 4);
    return (double)x;
}
static double op_get(const OpArray *a, const void *data, long i) {
    if (a->type == SB_F64) return ((const double *)data)[i];
    float f = 0;
    if (a->type == SB_F32) return (double)((const float *)data)[i];
    uint16_t half = ((const uint16_t *)data)[i];
    uint32_t bits = (uint32_t)half << 16;
    memcpy(&f, &bits, 4);
    return (double)f;
}
static void op_put(OpArray *a, long i, double value) {
    float f = (float)value;
    uint32_t bits;
    memcpy(&bits, &f, 4);
    if (a->type == SB_F64) ((double *)a->data)[i] = value;
    else if (a->type == SB_F32) ((float *)a->data)[i] = f;
    else ((uint16_t *)a->data)[i] = (uint16_t)(bits >> 16);         // truncated: any bf16 will do
}
static size_t op_bytes(const OpArray *a) {
    return (size_t)(a->rows * a->ld) * (a->type == SB_F64 ? 8 : a->type == SB_F32 ? 4 : 2);
}
// Memory that the host and the operation can both touch, and waiting for the operation.
static void *op_memory(size_t bytes) {
    void *p = NULL;
#ifdef SB_GPU
    if (cudaMallocManaged(&p, bytes + 1) != cudaSuccess) p = NULL;
#else
    p = malloc(bytes + 1);
#endif
    if (!p) SB_FAIL("out of memory: a test's array of %zu bytes", bytes);
    return p;
}
static void op_forget(void *p) {
#ifdef SB_GPU
    cudaFree(p);
#else
    free(p);
#endif
}
static void op_wait(void) {
#ifdef SB_GPU
    cudaDeviceSynchronize();
#endif
}
// What an array holds before the operation.
static void op_fill(OpArray *a, double spread) {
    uint64_t seed = op_run->seed * OP_ARRAYS + (uint64_t)(a - op_run->array);
    int slice = a->kind == OP_IN || a->kind == OP_SEED;             // NaN between its rows
    if (a->kind == OP_COPY) memcpy(a->data, op_run->array[a->from].data, op_bytes(a));
    else
        for (long i = 0; i < a->rows * a->ld; i++) {
            int poison = a->kind == OP_OUT || a->kind == OP_SCRATCH || (slice && i % a->ld >= a->cols);
            op_put(a, i, poison ? (double)NAN : op_random(seed, (uint64_t)i, spread));
        }
}
// Declare the next array; its number.
static int op_array(const char *name, int kind, int type, long rows, long cols, long ld, int link,
                    double spread) {
    OpArray *a = op_run->array + op_run->arrays;
    if (op_run->arrays == OP_ARRAYS) SB_FAIL("an operation's test has more than %d arrays", OP_ARRAYS);
    if (op_run->fresh) {
        memset(a, 0, sizeof *a);
        snprintf(a->name, sizeof a->name, "%s", name);
        a->kind = kind, a->type = type, a->rows = rows, a->cols = cols, a->ld = ld;
        a->of = kind == OP_COPY ? -1 : link, a->from = kind == OP_COPY ? link : -1;
        a->data = op_memory(op_bytes(a)), a->start = op_memory(op_bytes(a));
        for (int k = 0; op_run->reference && kind >= OP_OUT && k < 3; k++) {
            double *zero = (double *)op_memory((size_t)(rows * ld) * sizeof(double));
            for (long i = 0; i < rows * ld; i++) zero[i] = 0;
            *(k == 0 ? &a->bound : k == 1 ? &a->squares : &a->coarse) = zero;
        }
    }
    if (op_run->fresh || kind >= OP_OUT) {
        op_fill(a, spread);
        if (op_run->fresh && op_run->drop == op_run->arrays) op_put(a, op_run->drop_at, 0);
        memcpy(a->start, a->data, op_bytes(a));
    }
    return op_run->arrays++;
}
// A case has changed an input's random values: these are what it starts from.
static void op_settle(int x) {
    OpArray *a = op_run->array + x;
    if (op_run->fresh) memcpy(a->start, a->data, op_bytes(a));
}
// An independent answer: array of zeros to fill, or NULL where none is wanted (also if y = -1: absent).
static double *op_expect(int y) {
    if (y < 0 || !op_run->reference || !op_run->fresh) return NULL;
    OpArray *a = op_run->array + y;
    a->expect = (double *)op_memory((size_t)(a->rows * a->ld) * sizeof(double));
    for (long i = 0; i < a->rows * a->ld; i++) a->expect[i] = 0;
    return a->expect;
}
// How to judge result y: by its last rounding, as exact, or by a bound in eps of every element's own.
static void op_rounded(int y) { if (y >= 0) op_run->array[y].judge = OP_ROUNDED; }
static void op_exact(int y) { if (y >= 0) op_run->array[y].judge = OP_EXACT; }
static double *op_bounds(int y) {
    if (y < 0) return NULL;
    op_run->array[y].judge = OP_HARD;
    return op_run->fresh ? op_run->array[y].bound : NULL;
}
// By squares (NULL where none are wanted): then op_term for every term of every element, or the squares.
static double *op_squares(int y) {
    if (y < 0) return NULL;
    op_run->array[y].judge = OP_SQUARES;
    return op_expect(y) ? op_run->array[y].squares : NULL;
}
// One more term of result y's element i, itself off by `roundings`. from: what the sum started with.
static void op_term_from(int y, long i, double term, double roundings, double from) {
    OpArray *a = op_run->array + y;
    a->expect[i] += term;
    a->squares[i] += pow(a->expect[i] + from, 2) + roundings * term * term;
}
static void op_term(int y, long i, double term, double roundings) { op_term_from(y, i, term, roundings, 0); }
// Element i of result y has part in it of a number of that size that was rounded to real on the way.
static void op_coarse(int y, long i, double part) {
    if (y >= 0 && op_run->array[y].coarse) op_run->array[y].coarse[i] += part * part;
}
// Element i of an array, now and before the operation.
static double op_at(int x, long i) { return op_get(op_run->array + x, op_run->array[x].data, i); }
static double op_start_at(int y, long i) { return op_get(op_run->array + y, op_run->array[y].start, i); }
// y[i][j] = sum_k x[i xi + k xk] w[j wj + k wk] (w = -1: 1) + b[j] (b = -1: 0), i < rows, j < cols of y.
// A K-slab or a vector sums in another order: half of what the partial sums of any order are in the mean is
// added (a Brownian bridge: K sum of term^2 / 6).
static void op_product(int y, long terms, int x, long xi, long xk, int w, long wj, long wk, int b) {
    if (!op_squares(y)) return;
    OpArray *a = op_run->array + y;
    for (long i = 0; i < a->rows; i++)
        for (long j = 0; j < a->cols; j++) {
            double square = 0;
            for (long k = 0; k < terms; k++) {
                double term = op_at(x, i * xi + k * xk) * (w < 0 ? 1 : op_at(w, j * wj + k * wk));
                op_term(y, i * a->ld + j, term, w >= 0);
                square += term * term;
            }
            if (b >= 0) op_term(y, i * a->ld + j, op_at(b, j), 0);
            a->squares[i * a->ld + j] += (double)terms * square / 12;
        }
}
#endif

// ---- in every namespace

static int op_in(const char *name, long rows, long cols, long ld, double spread) {
    return op_array(name, OP_IN, SB_NATIVE, rows, cols, ld, -1, spread);
}
static int op_wide(int array) { return op_run->array[array].wide = 1, array; }
static int op_wide_in(const char *name, long rows, long cols, long ld, double spread) {
    return op_wide(op_array(name, OP_IN, SB_TYPE(stat_t), rows, cols, ld, -1, spread));
}
// type OP_OWN: that of real; OP_NONE: absent. A vector has cols = 1.
enum { OP_OWN = -1, OP_NONE = -2 };
static int op_weight(const char *name, long rows, long cols, long ld, int type, double spread) {
    if (type == OP_NONE) return -1;
    int w = op_array(name, OP_IN, type == OP_OWN ? SB_TYPE(param_t) : type, rows, cols, ld, -1, spread);
    op_run->array[w].weight = 1;
    return w;
}
static int op_out(const char *name, long rows, long cols, long ld) {
    return op_array(name, OP_OUT, SB_NATIVE, rows, cols, ld, -1, 0);
}
static int op_wide_out(const char *name, long rows, long cols, long ld) {
    return op_wide(op_array(name, OP_OUT, SB_TYPE(stat_t), rows, cols, ld, -1, 0));
}
static int op_copy(const char *name, int from) {
    const OpArray *a = op_run->array + from;
    int copy = op_array(name, OP_COPY, a->type, a->rows, a->cols, a->ld, from, 0);
    op_run->array[copy].wide = a->wide;
    return copy;
}
static int op_seed(const char *name, int of) {
    const OpArray *a = op_run->array + of;
    return op_array(name, OP_SEED, a->type, a->rows, a->cols, a->ld, of, 1);
}
// Of what has a gradient in float though it is itself in bf16.
static int op_wide_seed(const char *name, int of) {
    const OpArray *a = op_run->array + of;
    return op_wide(op_array(name, OP_SEED, SB_TYPE(param_t), a->rows, a->cols, a->ld, of, 1));
}
// Losses: the functional is scale times their sum.
static void op_seed_loss(int loss, double scale) {
    int seed = op_seed("scale", loss);
    for (long i = 0; i < op_run->array[seed].rows; i++) op_put(op_run->array + seed, i, scale);
    op_settle(seed);
}
// Gradient of input `of`, assigned or accumulated; wanted = 0: absent.
static int op_grad(const char *name, int of, long ld, int wanted) {
    if (of < 0 || !wanted) return -1;
    return op_array(name, OP_OUT, SB_NATIVE, op_run->array[of].rows, op_run->array[of].cols, ld, of, 0);
}
static int op_grad_sum(const char *name, int of, long ld, int wanted) {
    if (of < 0 || !wanted) return -1;
    int weight = op_run->array[of].weight, type = weight ? SB_TYPE(param_t) : SB_NATIVE;
    int grad = op_array(name, OP_SUM, type, op_run->array[of].rows, op_run->array[of].cols, ld, of, 1);
    op_run->array[grad].wide = weight;
    return grad;
}
struct OpPointer {                      // of the type that the operation wants: tests run with its types
    void *p;
    template <class T> operator T *() const { return (T *)p; }
};
// Bytes, and a list of integers, where the operation can read them.
static const void *op_bytes_of(const void *x, size_t bytes) {
#ifdef SB_OWN_BACKEND
    void *copy = op_run->list[op_run->lists++] = (int *)op_memory(bytes);
    return memcpy(copy, x, bytes);
#else
    return (void)bytes, x;
#endif
}
static const int *op_ints(const int *x, long n) {
    return (const int *)op_bytes_of(x, (size_t)n * sizeof *x);
}
static OpPointer op_p(int i) { return {i < 0 ? NULL : op_run->array[i].data}; }
static SbWeight op_w(int i) {
    SbWeight w = {NULL, SB_NATIVE, 0, 0, 0};
    if (i < 0) return w;
    w.p = op_run->array[i].data, w.type = op_run->array[i].type;
    w.rows = (int)op_run->array[i].rows, w.cols = (int)op_run->array[i].cols, w.ld = op_run->array[i].ld;
    return w;
}
static double op_maybe(int b, long j) { return b < 0 ? 0 : op_at(b, j); }

// n, in, out, ldx - in, ldy - out, ldw - in, type of w, type of b, gradients (1 d_x, 2 d_w, 4 d_b)
static void op_linear(const int *p) {
    long n = p[0], ldx = p[1] + p[3], ldy = p[2] + p[4], ldw = p[1] + p[5];
    int in = p[1], out = p[2];
    int x = op_in("x", n, in, ldx, 1), w = op_weight("w", out, in, ldw, p[6], 1);
    int b = op_weight("b", out, 1, 1, p[7], 1), y = op_out("y", n, out, ldy), d_y = op_seed("d_y", y);
    sb_linear_forward(op_p(y), ldy, op_p(x), ldx, op_w(w), op_w(b), n);
    op_product(y, in, x, ldx, 1, w, ldw, 1, b);
    if (!op_run->backward) return;
    int d_x = op_grad("d_x", x, ldx, p[8] & 1), more = op_grad_sum("d_x (add)", x, ldx, p[8] & 1);
    int d_w = op_grad_sum("d_w", w, in, p[8] & 2), d_b = op_grad_sum("d_b", b, 1, p[8] & 4);
    if (d_x >= 0) sb_linear_backward_input(op_p(d_x), ldx, op_p(d_y), ldy, op_w(w), n);
    if (d_x >= 0) sb_linear_backward_input_add(op_p(more), ldx, op_p(d_y), ldy, op_w(w), n);
    sb_linear_backward_weight(op_p(d_w), op_p(d_b), op_p(d_y), ldy, op_p(x), ldx, n, out, in);
    op_product(d_x, out, d_y, ldy, 1, w, 1, ldw, -1);
    op_product(more, out, d_y, ldy, 1, w, 1, ldw, -1);
    op_product(d_w, n, d_y, 1, ldy, x, 1, ldx, -1);
    op_product(d_b, n, d_y, 1, ldy, -1, 0, 0, -1);
}

// Phi's error in eps: the formula's 0.63 (Abramowitz and Stegun 7.1.26) and five roundings of terms up to 1.4
// around 0.
static double op_phi(double x) { return 0.5 * erfc(-x * 0.70710678118654752); }
static double op_density(double x) { return 0.39894228040143268 * exp(-0.5 * x * x); }
#ifdef SB_GPU  // erfcf: 4 units in the last place of a number below 2, by CUDA's manual; seen: 0.9 in all
#define OP_PHI_ERROR 1.2
#else
#define OP_PHI_ERROR 3.0
#endif

// An activation at z: its value, slope, and how far off (in eps) each may be. h sigmoid(u): exp is 0.9 eps
// off, weighed by its share of 1 + exp; u = a z + b z^3 is `of_u` roundings off, constants included (silu:
// exact).
typedef struct { double value, slope, off, slope_off; } OpActed;
static OpActed op_act_at(double z, int act) {
    OpActed r = {z * op_phi(z), op_phi(z) + z * op_density(z), 0, 0};
    double a = act == SB_GELU_TANH ? sqrt(8 / 3.141592653589793) : act == SB_QUICK_GELU ? 1.702 : 1;
    double b = act == SB_GELU_TANH ? 0.044715 * a : 0, u = a * z + b * z * z * z, v = a + 3 * b * z * z;
    double s = 1 / (1 + exp(-u)), of_u = act == SB_GELU_TANH ? 3 : act == SB_QUICK_GELU ? 1.5 : 0;
    double off = (0.9 + of_u * fabs(u)) * (1 - s) + 1, pdf = fabs(z) * op_density(z);
    r.off = OP_PHI_ERROR * fabs(z) + fabs(r.value) / 2;
    r.slope_off = OP_PHI_ERROR + pdf * (2 + z * z / 4) + fabs(r.slope);  // exp's argument; products, a sum
    if (act == SB_GELU) return r;
    r.value = z * s, r.slope = s * (1 + z * (1 - s) * v), r.off = fabs(z * s) * (off + 0.5);
    r.slope_off = fabs(r.slope) * (off + 2) + s * fabs(z * v) * (s * off + (2 + of_u) * (1 - s));
    return r;
}
// n, in, out, ldx - in, type of w, type of b, act.  The backward is that of act and linear.
static void op_linear_act(const int *p) {
    long n = p[0], ldx = p[1] + p[3];
    int x = op_in("x", n, p[1], ldx, 1), w = op_weight("w", p[2], p[1], p[1], p[4], 0.2);
    int b = op_weight("b", p[2], 1, 1, p[5], 1);
    int h = op_out("h", n, p[2], p[2]), g = op_out("g", n, p[2], p[2]);
    sb_linear_act_forward(op_p(g), op_p(h), op_p(x), ldx, op_w(w), op_w(b), n, p[6]);
    op_product(h, p[1], x, ldx, 1, w, p[1], 1, b);
    double *e = op_expect(g), *bound = op_bounds(g);
    for (long i = 0; e && i < n * p[2]; i++) {
        const OpArray *ah = op_run->array + h;
        double z = ah->expect[i], off = fabs(z) / 2 + OP_SIGMAS * OP_ROUNDING * sqrt(ah->squares[i]);
        OpActed r = op_act_at(z, p[6]);
        e[i] = r.value;
        bound[i] = fabs(r.slope) * off + r.off;
    }
}

// count, act
static void op_act(const int *p) {
    int h = op_in("h", p[0], 1, 1, 2.2), g = op_out("g", p[0], 1, 1), d_g = op_seed("d_g", g);
    sb_act_forward(op_p(g), op_p(h), p[0], p[1]);
    int d_h = op_run->backward ? op_grad("d_h", h, 1, 1) : -1;
    if (op_run->backward) sb_act_backward(op_p(d_h), op_p(d_g), op_p(h), p[0], p[1]);
    double *e = op_expect(g), *bound = op_bounds(g), *b_h = op_bounds(d_h);
    for (long i = 0; i < p[0]; i++) {
        OpActed r = op_act_at(op_at(h, i), p[1]);
        if (e) e[i] = r.value, bound[i] = r.off;
        if (b_h) b_h[i] = fabs(op_at(d_g, i)) * r.slope_off;
    }
}

// n, f.  Errors: exp 0.9 eps, weighed by its share of 1 + exp; sum, quotient and every product eps / 2.
static void op_swiglu(const int *p) {
    long n = p[0], f = p[1];
    int h = op_in("h", n, 2 * f, 2 * f, 2), g = op_out("g", n, f, f), d_g = op_seed("d_g", g);
    sb_swiglu_forward(op_p(g), op_p(h), n, (int)f);
    double *e = op_expect(g), *bound = op_bounds(g);
    for (long i = 0; e && i < n * f; i++) {
        double x = op_at(h, i / f * 2 * f + i % f), s = 1 / (1 + exp(-x));
        e[i] = x * s * op_at(h, i / f * 2 * f + f + i % f);
        bound[i] = fabs(e[i]) * (0.9 * (1 - s) + 2);
    }
    if (!op_run->backward) return;
    int d_h = op_grad("d_h", h, 2 * f, 1);
    sb_swiglu_backward(op_p(d_h), op_p(d_g), op_p(h), n, (int)f);
    bound = op_bounds(d_h);
    for (long i = 0; bound && i < n * f; i++) {
        long at = i / f * 2 * f + i % f;
        double x = op_at(h, at), s = 1 / (1 + exp(-x)), d = op_at(d_g, i), off = 0.9 * (1 - s) + 1;
        double du = fabs(d * op_at(h, at + f)), inner = 1 + x * (1 - s);
        bound[at] = du * s * (fabs(inner) * (off + 2) + fabs(x) * (s * off + 2 * (1 - s)));
        bound[at + f] = fabs(d * x * s) * (off + 1);
    }
}

// Per row: mean, rstd and rms of x + y by definition, and what rounding x + y to real does to them: by how
// much the mean and, relatively, rstd change, in row[5].
static void op_norm_row(double row[5], int x, int y, long at, long C, double eps, int layernorm) {
    long double mean = 0, square = 0, all = 0, moved = 0;
    for (long c = at; c < at + C; c++)
        mean += (op_at(x, c) + op_maybe(y, c)) * (layernorm ? 1.0 / (double)C : 0.0);
    for (long c = at; c < at + C; c++) {
        double r = op_at(x, c) + op_maybe(y, c);
        square += (r - mean) * (r - mean), all += r * r, moved += (r - mean) * r * (r - mean) * r;
    }
    row[0] = (double)mean, row[1] = (double)(1 / sqrtl(square / C + eps)), row[2] = (double)sqrtl(all / C);
    row[3] = y >= 0 && layernorm ? row[2] / sqrt((double)C) : 0;
    row[4] = y >= 0 ? row[1] * row[1] * (double)sqrtl(moved) / (double)C : 0;
}
// (r - mean) rstd: r twice rounded and mean as a sum of C, at their own size, not that of the difference.
static double op_centred_squares(const double row[5], double r, int layernorm) {
    return row[1] * row[1] * (2 * r * r + 0.5 * layernorm * row[2] * row[2]);
}
// What rounding r = x + y to real does to u = (r - mean) rstd.
static double op_coarse_u(const double row[5], int y, double r) {
    double u = (r - row[0]) * row[1];
    return y < 0 ? 0 : sqrt((r * r + row[3] * row[3]) * row[1] * row[1] + u * u * row[4] * row[4]);
}
// rstd is off by half as much as the sum of C positive squares (C / 3 roundings): C / 12; root, quotient.
static double op_rstd_roundings(long C) { return 2 + (double)C / 12; }
// Forward: r, out and stat (array numbers) of x + y, w, b.
// out = (r - mean) rstd w + b: (r - mean) rstd, three more roundings.
static void op_norm_expect(int r, int out, int stat, int x, int y, int w, int b, double eps, int layernorm) {
    long n = op_run->array[out].rows, C = op_run->array[out].cols;
    double *e = op_squares(out), *e_stat = op_expect(stat), *e_r = op_expect(r), *bound = op_bounds(stat);
    double row[5];
    for (long i = 0; e && i < n; i++) {
        op_norm_row(row, x, y, i * C, C, eps, layernorm);
        for (long at = i * C; at < i * C + C; at++) {
            double r_c = op_at(x, at) + op_maybe(y, at), w_c = op_at(w, at - i * C);
            double u = (r_c - row[0]) * row[1];
            op_run->array[out].expect[at] = u * w_c + op_maybe(b, at - i * C);
            e[at] = op_centred_squares(row, r_c, layernorm) + u * u * (3 + op_rstd_roundings(C));
            e[at] *= w_c * w_c;
            if (e_r) e_r[at] = r_c;
            op_coarse(out, at, op_coarse_u(row, y, r_c) * w_c);         // r is rounded, then normalised
        }
        e_stat[2 * i] = row[0], e_stat[2 * i + 1] = row[1];
        op_coarse(stat, 2 * i, row[3]);
        op_coarse(stat, 2 * i + 1, row[1] * row[4]);
        bound[2 * i] = layernorm ? fabs(row[0]) / 2 + OP_SIGMAS * OP_ROUNDING * sqrt(0.5) * row[2] : 0;
        bound[2 * i + 1] = row[1] * (0.5 + OP_SIGMAS * OP_ROUNDING * sqrt(op_rstd_roundings(C)));
    }
}
// Backward: d_r = rstd (e - mean(e) - u mean(e u)), e = d_out w, u = (r - mean) rstd; d_w sums d_out u.
static void op_norm_backward_expect(int d_r, int d_w, int d_sum, int d_out, int x, int y, int w, double eps,
                                    int layernorm) {
    long n = op_run->array[d_out].rows, C = op_run->array[d_out].cols;
    double *e_r = op_squares(d_r), *e_w = op_squares(d_w), own = 3 + op_rstd_roundings(C), row[5];
    for (long i = 0; (e_r || e_w) && i < n; i++) {
        double sum_e = 0, sum_eu = 0, off_e = 0, off_eu = 0, moved = 0;
        op_norm_row(row, x, y, i * C, C, eps, layernorm);
        for (int pass = 0; pass < 2; pass++)
            for (long c = 0; c < C; c++) {
                double d = op_at(d_out, i * C + c), r = op_at(x, i * C + c) + op_maybe(y, i * C + c);
                double e = d * op_at(w, c), u = (r - row[0]) * row[1];
                double mean_e = layernorm ? sum_e / (double)C : 0, v = u * sum_eu / (double)C;
                if (!pass) {
                    sum_e += e, off_e += (sum_e * sum_e + e * e) / (double)(C * C);
                    sum_eu += e * u, off_eu += (sum_eu * sum_eu + own * pow(e * u, 2)) / (double)(C * C);
                }
                double off = op_centred_squares(row, r, layernorm), mean_eu = sum_eu / (double)C;
                if (!pass && e_w) op_term(d_w, c, d * u, own), e_w[c] += d * d * off;
                double u_moved = op_coarse_u(row, y, r);
                if (!pass) op_coarse(d_w, c, d * u_moved), moved += e * e * u_moved * u_moved;
                if (!pass || !e_r) continue;
                op_run->array[d_r].expect[i * C + c] = row[1] * (e - mean_e - v) + op_maybe(d_sum, i * C + c);
                off = (e * e + v * v) * own + off_e * layernorm + off_eu * u * u + off * mean_eu * mean_eu;
                e_r[i * C + c] = row[1] * row[1] * off;
                op_coarse(d_r, i * C + c, row[1] * (e - mean_e - v) * row[4]);
                op_coarse(d_r, i * C + c, row[1] * mean_eu * u_moved);
                op_coarse(d_r, i * C + c, row[1] * u * sqrt(moved) / (double)C);
            }
    }
}
// n, C, y present, r stored, type of w, type of b, layernorm, eps * 1e6, gradients (1 d_r, 2 d_w, 4 d_b)
static void op_norm(const int *p) {
    long n = p[0], C = p[1];
    int x = op_in("x", n, C, C, 1), y = p[2] ? op_in("y", n, C, C, 1) : -1, stored = p[2] || p[3];
    int w = op_weight("w", C, 1, 1, p[4], 1), b = op_weight("b", C, 1, 1, p[5], 1), layernorm = p[6];
    int r = stored ? op_out("r", n, C, C) : -1, out = op_out("out", n, C, C),
        stat = op_wide_out("stat", n, 2, 2);
    int d_out = op_seed("d_out", out), d_sum = stored ? op_seed("d_r2", r) : -1;
    double eps = p[7] * 1e-6;
    sb_add_norm_forward(op_p(r), op_p(out), op_p(stat), op_p(x), op_p(y), op_w(w), op_w(b), n, eps,
                        layernorm);
    op_norm_expect(r, out, stat, x, y, w, b, eps, layernorm);
    if (y < 0) op_exact(r);
    else op_rounded(r);
    if (!op_run->backward) return;
    int d_r = stored && (p[8] & 1) ? op_copy("d_r", d_sum) : op_grad_sum("d_r", x, C, p[8] & 1);
    int d_w = op_grad_sum("d_w", w, 1, p[8] & 2), d_b = op_grad_sum("d_b", b, 1, p[8] & 4);
    if (d_r >= 0) op_run->array[d_r].of = x;
    sb_norm_backward_add(op_p(d_r), op_p(d_w), op_p(d_b), op_p(d_out), op_p(stored ? r : x), op_p(stat),
                         op_w(w), n, layernorm);
    op_norm_backward_expect(d_r, d_w, d_sum, d_out, x, y, w, eps, layernorm);
    op_product(d_b, n, d_out, 1, C, -1, 0, 0, -1);
}

// Norm of every head's lanes: the rows of op_norm, dense copies of which give what is expected. n, heads,
// dim, ldx - heads dim, ldy - heads dim, type of w, type of b, layernorm, eps * 1e6, gradients (1 d_w, 2 d_b)
static void op_head_norm(const int *p) {
    long n = p[0], H = p[1], D = p[2], ldx = H * D + p[3], ldy = H * D + p[4];
    int x = op_in("x", n, H * D, ldx, 1), w = op_weight("w", D, 1, 1, p[5], 1),
        b = op_weight("b", D, 1, 1, p[6], 1);
    int y = op_out("y", n, H * D, ldy), stat = op_wide_out("stat", n, 2 * H, 2 * H), d_y = op_seed("d_y", y);
    double eps = p[8] * 1e-6, row[5];
    sb_head_norm_forward(op_p(y), ldy, op_p(stat), op_p(x), ldx, op_w(w), op_w(b), n, (int)H, eps, p[7]);
    int d_x = op_run->backward ? op_grad("d_x", x, ldx, 1) : -1;
    int d_w = op_run->backward ? op_grad_sum("d_w", w, 1, p[9] & 1) : -1;
    int d_b = op_run->backward ? op_grad_sum("d_b", b, 1, p[9] & 2) : -1;
    if (op_run->backward)
        sb_head_norm_backward(op_p(d_x), ldx, op_p(d_w), op_p(d_b), op_p(d_y), ldy, op_p(x), op_p(stat),
                              op_w(w), n, (int)H, p[7]);
    double *e = op_squares(y), *e_stat = op_expect(stat), *bound = op_bounds(stat),
           own = 3 + op_rstd_roundings(D);
    double *e_x = op_squares(d_x), *e_w = op_squares(d_w), *e_b = op_squares(d_b);
    for (long i = 0; e && i < n * H; i++) {     // one head after another of every row
        long at = i / H * ldx + i % H * D, to = i / H * ldy + i % H * D;
        double sum_e = 0, sum_eu = 0, off_e = 0, off_eu = 0;
        op_norm_row(row, x, -1, at, D, eps, p[7]);
        e_stat[2 * i] = row[0], e_stat[2 * i + 1] = row[1];
        bound[2 * i] = p[7] ? fabs(row[0]) / 2 + OP_SIGMAS * OP_ROUNDING * sqrt(0.5) * row[2] : 0;
        bound[2 * i + 1] = row[1] * (0.5 + OP_SIGMAS * OP_ROUNDING * sqrt(op_rstd_roundings(D)));
        for (int pass = 0; pass < 2; pass++)
            for (long c = 0; c < D; c++) {
                double r = op_at(x, at + c), u = (r - row[0]) * row[1],
                       off = op_centred_squares(row, r, p[7]);
                double w_c = op_at(w, c), d = op_at(d_y, to + c), s = d * w_c;
                if (!pass) {
                    op_run->array[y].expect[to + c] = u * w_c + op_maybe(b, c);
                    e[to + c] = (off + u * u * own) * w_c * w_c;
                    sum_e += s, off_e += (sum_e * sum_e + s * s) / (double)(D * D);
                    sum_eu += s * u, off_eu += (sum_eu * sum_eu + own * pow(s * u, 2)) / (double)(D * D);
                    if (e_w) op_term(d_w, c, d * u, own), e_w[c] += d * d * off;
                    if (e_b) op_term(d_b, c, d, 0);
                } else if (e_x) {
                    double mean_e = p[7] ? sum_e / (double)D : 0, mean_eu = sum_eu / (double)D,
                           v = u * mean_eu;
                    op_run->array[d_x].expect[at + c] = row[1] * (s - mean_e - v);
                    e_x[at + c] = row[1] * row[1] * ((s * s + v * v) * own + off_e * p[7] + off_eu * u * u +
                                                     off * mean_eu * mean_eu);
                }
            }
    }
}
// Elementwise: value, and how far float may be off, of what a formula says.
static void op_element_expect(double *e, double *bound, long i, double value, double off) {
    if (e) e[i] = value, bound[i] = off;
}
// n, C, type of s, gradient wanted
static void op_scale(const int *p) {
    long n = p[0], C = p[1];
    int x = op_in("x", n, C, C, 1), s = op_weight("s", C, 1, 1, p[2], 1), y = op_out("y", n, C, C),
        d_y = op_seed("d_y", y);
    sb_scale_forward(op_p(y), op_p(x), op_w(s), n);
    double *e = op_expect(y);
    for (long i = 0; e && i < n * C; i++) e[i] = op_at(x, i) * op_at(s, i % C);
    op_rounded(y);
    if (!op_run->backward) return;
    int d_x = op_grad("d_x", x, C, 1), d_s = op_grad_sum("d_s", s, 1, p[3]);
    sb_scale_backward(op_p(d_x), op_p(d_s), op_p(d_y), op_p(x), op_w(s), n);
    op_rounded(d_x);
    double *e_s = op_squares(d_s);
    for (long i = 0; e_s && i < n * C; i++) op_term(d_s, i % C, op_at(d_y, i) * op_at(x, i), 1);
}
// count.  Sigmoid: exp 0.9 eps, weighed by its share of 1 + exp, sum and quotient eps / 2 each.
static void op_gate(const int *p) {
    long n = p[0];
    int x = op_in("x", n, 1, 1, 1), a = op_in("a", n, 1, 1, 1), u = op_in("u", n, 1, 1, 2);
    int y = op_out("y", n, 1, 1), d_y = op_seed("d_y", y);
    sb_gate_forward(op_p(y), op_p(x), op_p(a), op_p(u), n);
    int d_a = op_run->backward ? op_grad("d_a", a, 1, 1) : -1,
        d_u = op_run->backward ? op_grad("d_u", u, 1, 1) : -1;
    if (op_run->backward) sb_gate_backward(op_p(d_a), op_p(d_u), op_p(d_y), op_p(a), op_p(u), n);
    double *e = op_expect(y), *bound = op_bounds(y), *b_a = op_bounds(d_a), *b_u = op_bounds(d_u);
    for (long i = 0; i < n; i++) {
        double s = 1 / (1 + exp(-op_at(u, i))), off = 0.9 * (1 - s) + 1, part = op_at(a, i) * s,
               d = op_at(d_y, i);
        op_element_expect(e, bound, i, op_at(x, i) + part,
                          fabs(op_at(x, i) + part) / 2 + fabs(part) * (off + 0.5));
        if (b_a) b_a[i] = fabs(d * s) * (off + 0.5);
        if (b_u) b_u[i] = fabs(d * part) * ((1 - s) * (off + 2) + s * off);
    }
}
// n, width.  Two products and two sums; each rounded at its size.
static void op_modulate(const int *p) {
    long n = p[0], C = p[1];
    int t = op_in("t", n, C, C, 1), x = op_in("x", n, C, C, 1), mod = op_in("mod", n, 3 * C, 3 * C, 1);
    int u = op_out("u", n, C, C), d_u = op_seed("d_u", u);
    sb_modulate_forward(op_p(u), op_p(t), op_p(x), op_p(mod), n, (int)C);
    int d_x = op_run->backward ? op_grad("d_x", x, C, 1) : -1;
    int d_mod = op_run->backward ? op_grad("d_mod", mod, 3 * C, 1) : -1;
    if (op_run->backward)
        sb_modulate_backward(op_p(d_x), op_p(d_mod), op_p(d_u), op_p(x), op_p(mod), n, (int)C);
    double *e = op_expect(u), *bound = op_bounds(u), *b_x = op_bounds(d_x), *b_m = op_bounds(d_mod);
    for (long i = 0; i < n * C; i++) {
        long m = i / C * 3 * C + i % C;
        double shift = op_at(mod, m), one = 1 + op_at(mod, m + C), gate = op_at(mod, m + 2 * C),
               z = op_at(x, i);
        double inner = z * one + shift, off = fabs(one * z) + (fabs(inner) + fabs(z * one)) / 2,
               d = op_at(d_u, i);
        op_element_expect(e, bound, i, op_at(t, i) + gate * inner,
                          fabs(op_at(t, i) + gate * inner) / 2 + fabs(gate) * (off + fabs(inner) / 2));
        if (b_x) b_x[i] = fabs(d * gate * one) * 1.5;
        if (!b_m) continue;
        b_m[m] = fabs(d * gate) / 2, b_m[m + C] = fabs(d * gate * z),
        b_m[m + 2 * C] = fabs(d) * (off + fabs(inner) / 2);
    }
}

// Head lanes by definition: lane c is a sum of products with lanes of its group of four, or of its pair.
static void op_turn_expect(int y, int x, int table, int dim, SbPairing turn, int side) {
    double *e = op_expect(y), *bound = op_bounds(y);
    const OpArray *a = op_run->array + y;
    long ldx = op_run->array[x].ld, row = op_run->array[table].cols,
         half = (dim - turn.mixed) / turn.blocks / 2, angles = half * turn.blocks;
    int back = side == SB_BACK_Q || side == SB_BACK_K, key = side == SB_TURN_K || side == SB_BACK_K;
    for (long i = 0; e && i < a->rows; i++)
        for (long c = 0; c < a->cols; c++) {
            long lane = c % dim, at = i * a->ld + c, of = i * ldx + c, first = i * row,
                 rest = lane - turn.mixed;
            if (rest < 0) {
                for (long k = 0, g = lane / 4 * 4; k < 4; k++) {
                    long m = key == back ? k * 4 + lane % 4 : lane % 4 * 4 + k;     // P^T, P^-T or P^-1, P
                    double term = op_at(table, first + 16 * key + m) * op_at(x, of - lane + g + k);
                    e[at] += term, bound[at] += (fabs(term) + fabs(e[at])) / 2;
                }
                continue;
            }
            long j = rest / (2 * half) * half + rest % half, low = rest % (2 * half) < half;
            first += turn.mixed ? 32 : 0;
            double sine = op_at(table, first + angles + j) * (low == back ? 1 : -1);
            double one = op_at(x, of) * op_at(table, first + j),
                   two = sine * op_at(x, low ? of + half : of - half);
            e[at] = one + two;
            bound[at] = (fabs(one) + fabs(two) + fabs(one + two)) / 2;
        }
}
// n, heads, dim, ldx - heads dim, ldy (-1: in place), mixed, blocks, side.  The table need hold neither
// cosines nor inverses: the operation is linear in it.
static void op_turn(const int *p) {
    long n = p[0], width = (long)p[1] * p[2], ldx = width + p[3], ldy = p[4] < 0 ? ldx : width + p[4];
    SbPairing turn = {p[5], p[6]};
    long row = sb_turn_row(p[2], turn);
    int back[4] = {SB_BACK_Q, SB_BACK_K, SB_TURN_Q, SB_TURN_K}, side = p[7];
    int x = op_in("x", n, width, ldx, 1), table = op_wide_in("table", n, row, row, 1);
    int y = p[4] < 0 ? op_copy("y", x) : op_out("y", n, width, ldy), d_y = op_seed("d_y", y);
    sb_turn_heads(op_p(y), ldy, op_p(p[4] < 0 ? y : x), ldx, op_p(table), n, p[1], p[2], turn, side);
    op_turn_expect(y, x, table, p[2], turn, side);
    if (!op_run->backward) return;
    int d_x = p[4] < 0 ? op_copy("d_x", d_y) : op_grad("d_x", x, ldx, 1);
    op_run->array[d_x].of = x;
    sb_turn_heads(op_p(d_x), ldx, op_p(p[4] < 0 ? d_x : d_y), ldy, op_p(table), n, p[1], p[2], turn,
                  back[side]);
    op_turn_expect(d_x, d_y, table, p[2], turn, back[side]);
}

// Who sees whom: row i of nq, nk keys.
enum {
    OP_FULL, OP_CAUSAL, OP_TURNS, OP_EMPTY, OP_NOBODY, OP_DISJOINT, OP_OVERLAP, OP_SECOND, OP_BACK, OP_ANY
};
static void op_keys_of_row(int *k, int pattern, int i, int nq, int nk) {
    int a = (int)(sb_mix64((uint64_t)i * 4 + 1) % (uint64_t)(nk + 1));
    int b = (int)(sb_mix64((uint64_t)i * 4 + 2) % 9);
    int half = nk / 2, prefix = half / 3, turn = prefix + 5, local = i % half, base = i < half ? 0 : half;
    k[0] = 0, k[1] = nk, k[2] = k[3] = nk;
    if (pattern == OP_CAUSAL) k[1] = k[2] = k[3] = nk - nq + i + 1;             // rows behind a cache
    if (pattern == OP_TURNS) {          // two samples of a prefix and turns of 5
        turn = local < prefix ? local : prefix + (local - prefix) / 5 * 5;
        k[0] = base, k[1] = base + (local < prefix ? local + 1 : prefix);
        k[2] = base + (local < prefix ? local + 1 : turn), k[3] = base + local + 1;
    }
    if (pattern == OP_EMPTY && i % 3 != 1) k[0] = k[1] = k[2] = k[3] = i % 5;   // the first row too
    if (pattern == OP_NOBODY) k[0] = k[1] = k[2] = k[3] = 0;
    if (pattern == OP_DISJOINT) k[0] = 1, k[1] = 2 + i % half / 2, k[2] = half + 2 + i % 3, k[3] = nk - i % 2;
    if (pattern == OP_OVERLAP)
        k[0] = i % half / 2, k[1] = k[0] + 3, k[2] = k[1] + i % 4, k[3] = k[2] + half / 2;
    if (pattern == OP_SECOND) k[0] = k[1] = 0, k[2] = i < half ? 0 : half, k[3] = k[2] + 1 + i % half;
    if (pattern == OP_BACK) {           // samples 0, 1, 2, ..., the last row sees keys of them all
        k[0] = i == nq - 1 ? 0 : i / 4 * 4 % nk, k[1] = k[0] + 2 < nk ? k[0] + 2 : nk, k[2] = k[3] = nk;
        if (i == nq - 1) k[2] = half, k[3] = nk;
    }
    if (pattern == OP_ANY) {            // anything that the contract allows, in short pieces
        k[0] = a, k[1] = a + b % 4 < nk ? a + b % 4 : nk;
        k[2] = k[1] + b / 3 < nk ? k[1] + b / 3 : nk, k[3] = k[2] + b % 5 < nk ? k[2] + b % 5 : nk;
        if (b == 8) k[0] = k[1] = 0;
        if (b == 7) k[2] = k[3] = k[1];
    }
}
static int op_sees(const int *k, long j) { return (j >= k[0] && j < k[1]) || (j >= k[2] && j < k[3]); }

// The attention at hand: the numbers of its arrays (gradients -1: absent).
typedef struct { int q, k, v, o, lse, d_o, d_q, d_k, d_v; const SbAttention *a; long ldo; } OpAttention;

// Dot product of D elements of x and w, from xi and wj on; in *squares those of its own error (see op_term).
static double op_dot(double *squares, int x, long xi, int w, long wj, int D) {
    double sum = 0;
    *squares = 0;
    for (int d = 0; d < D; d++) {
        double term = op_at(x, xi + d) * op_at(w, wj + d);
        sum += term;
        *squares += sum * sum + term * term;
    }
    return sum;
}
// Row i, head h from the definition: s = q.k / sqrt(D), p = softmax(s); returns log sum exp s (no keys: 0).
// own: squares of the error of p, relative: that of its score, the rounding of s - max (at the size of s),
// exp (rms 0.23 eps, about one rounding), sum and quotient: three more.
static double op_softmax(double *s, double *p, double *own, const OpAttention *t, long i, int h) {
    const SbAttention *a = t->a;
    int D = a->dim, kv = h * a->kv_heads / a->heads;
    double top = -INFINITY, sum = 0;
    for (long j = 0; j < a->nk; j++) {
        s[j] = op_dot(own + j, t->q, i * a->ldq + h * D, t->k, j * a->ldk + kv * D, D) / sqrt((double)D);
        own[j] = own[j] / D + 2 * s[j] * s[j] + 4;
        if (op_sees(a->keys + 4 * i, j) && s[j] > top) top = s[j];
    }
    for (long j = 0; j < a->nk; j++) sum += p[j] = op_sees(a->keys + 4 * i, j) ? exp(s[j] - top) : 0;
    for (long j = 0; j < a->nk; j++) p[j] = sum > 0 ? p[j] / sum : 0;
    return sum > 0 ? top + log(sum) : 0;
}
// Forward: o = sum p v;  lse = max + log(sum), each rounded at its size.
static void op_attention_expect(const OpAttention *t) {
    const SbAttention *a = t->a;
    double *e = op_squares(t->o), *e_lse = op_expect(t->lse), *bound = op_bounds(t->lse);
    double s[OP_ROWS], p[OP_ROWS], own[OP_ROWS];
    int D = a->dim, group = a->heads / a->kv_heads;
    for (long i = 0; e && i < a->nq; i++)
        for (int h = 0; h < a->heads; h++) {
            double lse = op_softmax(s, p, own, t, i, h), off = 0, run = 0, most = 0, sum_off = 0;
            for (long j = 0; j < a->nk; j++) {
                run += p[j];
                most = p[j] > most ? p[j] : most;
                off += p[j] * p[j] * own[j], sum_off += run * run * (p[j] > 0);
                for (int d = 0; p[j] > 0 && d < D; d++)
{
                    double term = p[j] * op_at(t->v, j * a->ldv + h / group * D + d);
                    op_term(t->o, i * t->ldo + h * D + d, term, own[j]);
                    op_coarse(t->o, i * t->ldo + h * D + d, term);      // p is rounded
                }
            }
            for (long d = i * t->ldo + h * D; d < i * t->ldo + h * D + D; d++)  // through the sum
                e[d] += (sum_off + off) * pow(op_run->array[t->o].expect[d], 2);
            e_lse[i * a->heads + h] = lse;
            if (run > 0) off += sum_off + pow(lse + log(most), 2) + pow(log(most), 2);
            bound[i * a->heads + h] = run > 0 ? fabs(lse) / 2 + OP_SIGMAS * OP_ROUNDING * sqrt(off) : 0;
        }
}
// Backward: d_v = sum p d_o;  dP = d_o.v, delta = sum p dP, dS = p (dP - delta) / sqrt(D);  d_q = sum dS k,
// d_k = sum dS q.  dP and delta are dot products of D terms; p as above, and lse (with max and log(sum)) is
// rounded at its size; delta has the forward's errors of p too, through o.
static void op_attention_backward_expect(const OpAttention *t) {
    const SbAttention *a = t->a;
    double s[OP_ROWS], p[OP_ROWS], own[OP_ROWS], dp[OP_ROWS], off[OP_ROWS];
    double *e_q = op_squares(t->d_q), *e_k = op_squares(t->d_k);
    double scale = 1 / sqrt((double)a->dim);
    if (!op_squares(t->d_v)) return;
    int D = a->dim, group = a->heads / a->kv_heads;
    for (long i = 0; i < a->nq; i++)
        for (int h = 0; h < a->heads; h++) {
            double lse = op_softmax(s, p, own, t, i, h), most = 0, delta = 0, off_delta = 0, coarse = 0;
            long o = i * t->ldo + h * D;
            for (long j = 0; j < a->nk; j++) most = p[j] > most ? p[j] : most;
            for (long j = 0; j < a->nk; j++) {
                own[j] += most > 0 ? 2 * lse * lse + pow(lse + log(most), 2) + pow(log(most), 2) : 0;
                dp[j] = op_dot(off + j, t->d_o, o, t->v, j * a->ldv + h / group * D, D);
                delta += p[j] * dp[j];
                off_delta += own[j] * pow(p[j] * dp[j], 2);
            }
            for (int d = 0; d < D; d++) {               // delta as a dot product with o, which is rounded
                double term = op_at(t->d_o, o + d) * op_run->array[t->o].expect[o + d];
                off_delta += D * term * term, coarse += term * term;
            }
            for (long j = 0; j < a->nk; j++) {
                double ds = p[j] * (dp[j] - delta) * scale;
                double from_dp = pow(p[j] * scale, 2) * (off[j] + off_delta);
                for (int d = 0; p[j] > 0 && d < D; d++) {
                    long q = i * a->ldq + h * D + d, k = j * a->ldk + h / group * D + d;
                    op_term(t->d_v, j * a->ldv + h / group * D + d, p[j] * op_at(t->d_o, o + d), own[j]);
                    op_term(t->d_q, q, ds * op_at(t->k, k), own[j]);
                    op_term(t->d_k, k, ds * op_at(t->q, q), own[j]);
                    op_coarse(t->d_v, j * a->ldv + h / group * D + d, p[j] * op_at(t->d_o, o + d));
                    double off_ds = fabs(ds) + p[j] * scale * sqrt(coarse);
                    op_coarse(t->d_q, q, off_ds * op_at(t->k, k));
                    op_coarse(t->d_k, k, off_ds * op_at(t->q, q));
                    e_q[q] += from_dp * pow(op_at(t->k, k), 2);
                    e_k[k] += from_dp * pow(op_at(t->q, q), 2);
                }
            }
        }
}
// nq, nk, heads, kv heads, dim, keys (OP_FULL, ...), extra columns of q, of k, of v, of o, size of q
static void op_attention(const int *p) {
    long nq = p[0], nk = p[1], ldq = p[2] * p[4] + p[6], ldk = p[3] * p[4] + p[7], ldv = p[3] * p[4] + p[8];
    int H = p[2], KV = p[3], D = p[4], keys[OP_ROWS * 4];
    int q = op_in("q", nq, H * D, ldq, p[10]), k = op_in("k", nk, KV * D, ldk, 1);
    int v = op_in("v", nk, KV * D, ldv, 1);
    long ldo = H * D + p[9];
    int o = op_out("o", nq, H * D, ldo), lse = op_wide_out("lse", nq, H, H), d_o = op_seed("d_o", o);
    for (int i = 0; i < nq; i++) op_keys_of_row(keys + 4 * i, p[5], i, (int)nq, (int)nk);
    SbAttention a = {op_p(q), op_p(k), op_p(v), ldq, ldk, ldv, nq, nk, op_ints(keys, 4 * nq), H, KV, D};
    OpAttention all = {q, k, v, o, lse, d_o, -1, -1, -1, &a, ldo};
    sb_attention_forward(op_p(o), ldo, op_p(lse), &a);
    op_attention_expect(&all);
    if (!op_run->backward) return;
    all.d_q = op_grad("d_q", q, ldq, 1);
    all.d_k = op_grad("d_k", k, ldk, 1);
    all.d_v = op_grad("d_v", v, ldv, 1);
    sb_attention_backward(op_p(all.d_q), op_p(all.d_k), op_p(all.d_v), op_p(d_o), op_p(o), ldo, op_p(lse),
                          &a);
    op_attention_backward_expect(&all);
}

// Which a an element of the fold has, and its alpha. a by row: [C]; by part of the columns: [1][parts]. j of
// cols columns; -1: the bias, whose alpha is the mean over the parts.
static long op_gate_at(int a, long i, long j, long cols) {
    const OpArray *g = op_run->array + a;
    return g->cols > 1 ? j / (cols / g->cols) : g->rows > 1 ? i : 0;
}
static double op_alpha(int a, long i, long j, long cols) {
    long parts = op_run->array[a].cols;
    double sum = 0;
    if (j >= 0) return 1 / (1 + exp(-op_at(a, op_gate_at(a, i, j, cols))));
    for (long q = 0; q < parts; q++) sum += op_alpha(a, i, q, parts) / (double)parts;
    return sum;
}
// How far s (other = 1: 1 - s) is off, in eps: 1 - s of what exp is, and 1 + exp and the quotient round.
// The mean of n: at most what one of its size is off, and its sums and its quotient round.
static double op_alpha_off(double s, long n, int other) {
    double off = 0.9 * (1 - s) + 1 + (n > 1 ? 0.5 * (double)n : 0);
    return other ? s / (1 - s) * off + 0.5 : off;
}
// A gradient of the fold: s (or, other = 1, 1 - s) times columns of d_wc or d_bc from `first` on. bias: 1 for
// that of a bias.
static void op_fold_grad_expect(int y, int d, long ld, long first, int a, int other, int bias) {
    double *e = op_expect(y), *bound = op_bounds(y);
    for (long i = 0; e && i < op_run->array[y].rows; i++)
        for (long j = 0, cols = op_run->array[y].cols; j < cols; j++) {
            double s = op_alpha(a, i, bias ? -1 : j, cols), *e_ij = e + i * op_run->array[y].ld + j;
            double off = op_alpha_off(s, bias ? op_run->array[a].cols : 1, other);
            if (other) s = 1 - s;
            *e_ij = s * op_at(d, i * ld + first + j);
            bound[e_ij - e] = fabs(op_start_at(y, e_ij - e) + *e_ij) / 2 + fabs(*e_ij) * (off + 0.5);
        }
}
// That of a: s (1 - s) times a sum of 2 M + 1 products of a row, or of 2 M / parts + 1 of a part of its
// columns, and the sum of these over the rows that share it.
static void op_fold_gate_expect(int d_a, int d_wc, int d_bc, int w, int b, int wp, int bp, int a) {
    double *squares = op_squares(d_a), parts = (double)op_run->array[a].cols;
    long C = op_run->array[w].rows, M = op_run->array[w].cols, ld = op_run->array[w].ld;
    for (long c = 0; squares && c < C; c++)
        for (long j = 0; j < M; j++) {
            long at = op_gate_at(a, c, j, M), last = j + 1 == M || op_gate_at(a, c, j + 1, M) != at;
            double s = op_alpha(a, c, j, M), slope = s * (1 - s);
            op_term(d_a, at, slope * op_at(d_wc, c * 2 * M + j) * op_at(w, c * ld + j), 1);
            op_term(d_a, at, -slope * op_at(d_wc, c * 2 * M + M + j) * op_at(wp, c * ld + j), 1);
            if (last && b >= 0)
                op_term(d_a, at, slope / parts * op_at(d_bc, c) * (op_at(b, c) - op_at(bp, c)), 3);
            if (last) squares[at] += 6 * pow(op_run->array[d_a].expect[at], 2);  // s, 1 - s, their products
        }
}
// C, M, ldw - M, type of w, b, of wp, bp, of a, biases, gradients (1 d_w, 2 d_b, 4 d_wp, 8 d_bp, 16 d_a),
// parts of the columns that have an a each (0: rows have)
static void op_dual_fold(const int *p) {
    long C = p[0], M = p[1], ld = M + p[2];
    int w = op_weight("w", C, M, ld, p[3], 1), wp = op_weight("wp", C, M, ld, p[4], 1);
    int b = op_weight("b", C, 1, 1, p[6] ? p[3] : OP_NONE, 1);
    int bp = op_weight("bp", C, 1, 1, p[6] ? p[4] : OP_NONE, 1), parts = p[8] ? p[8] : 1;
    int a = op_weight("a", p[8] ? 1 : C, parts, parts, p[5], 1);
    int wc = op_out("wc", C, 2 * M, 2 * M), bc = p[6] ? op_out("bc", C, 1, 1) : -1;
    int d_wc = op_wide_seed("d_wc", wc), d_bc = p[6] ? op_wide_seed("d_bc", bc) : -1;
    sb_dual_fold_forward(op_p(wc), op_p(bc), op_w(w), op_w(b), op_w(wp), op_w(bp), op_w(a));
    double *e = op_expect(wc), *e_bc = op_expect(bc), *bound = op_bounds(wc), *b_bc = op_bounds(bc);
    for (long c = 0; e && c < C; c++) {
        for (long j = 0; j < M; j++) {
            double s = op_alpha(a, c, j, M), off = op_alpha_off(s, 1, 0), rest = op_alpha_off(s, 1, 1);
            e[c * 2 * M + j] = s * op_at(w, c * ld + j);
            e[c * 2 * M + M + j] = (1 - s) * op_at(wp, c * ld + j);
            bound[c * 2 * M + j] = fabs(e[c * 2 * M + j]) * (off + 0.5);
            bound[c * 2 * M + M + j] = fabs(e[c * 2 * M + M + j]) * (rest + 0.5);
        }
        if (!e_bc) continue;
        double s = op_alpha(a, c, -1, M), off = op_alpha_off(s, parts, 0);
        double rest = op_alpha_off(s, parts, 1);
        e_bc[c] = s * op_at(b, c) + (1 - s) * op_at(bp, c);
        b_bc[c] = fabs(e_bc[c]) / 2 + fabs(s * op_at(b, c)) * (off + 0.5) +
                  fabs((1 - s) * op_at(bp, c)) * (rest + 0.5);
    }
    if (!op_run->backward) return;
    int d_w = op_grad_sum("d_w", w, M, p[7] & 1), d_b = op_grad_sum("d_b", b, 1, p[7] & 2);
    int d_wp = op_grad_sum("d_wp", wp, M, p[7] & 4), d_bp = op_grad_sum("d_bp", bp, 1, p[7] & 8);
    int d_a = op_grad_sum("d_a", a, parts, p[7] & 16);
    sb_dual_fold_backward(op_p(d_w), op_p(d_b), op_p(d_wp), op_p(d_bp), op_p(d_a), op_p(d_wc),
                          op_p(d_bc), op_w(w), op_w(b), op_w(wp), op_w(bp), op_w(a));
    op_fold_grad_expect(d_w, d_wc, 2 * M, 0, a, 0, 0);
    op_fold_grad_expect(d_b, d_bc, 1, 0, a, 0, 1);
    op_fold_grad_expect(d_wp, d_wc, 2 * M, M, a, 1, 0);
    op_fold_grad_expect(d_bp, d_bc, 1, 0, a, 1, 1);
    op_fold_gate_expect(d_a, d_wc, d_bc, w, b, wp, bp, a);
}

// Result y: row i of x is added to its row to[i] (-1: none), one after another, onto what is there.
static void op_rows_onto(int y, int x, const int *to) {
    long width = op_run->array[x].cols;
    if (!op_squares(y)) return;
    for (long i = 0; i < op_run->array[x].rows * width; i++) {
        long at = to[i / width] * width + i % width;
        if (at >= 0) op_term_from(y, at, op_at(x, i), 0, op_start_at(y, at));
    }
}
// C, side, type of w, type of the rest, gradients (1 d_w, 2 d_b, 4 d_cls, 8 d_pos, 16 d_registers), absent
// (the same bits).  Images of 3 x 2 and 1 x 4 patches on a grid of side 4; the second image begins with its
// patches, its CLS row comes last; two registers of each, the second image's turned round.
static void op_patch_embed(const int *p) {
    enum { ROWS = 16, GRID = 4, POSITIONS = 1 + GRID * GRID };
    int C = p[0], P = p[1], K = 3 * P * P, patch[3 * ROWS], row = 0;
    int pixels = op_in("pixels", 10 * P * P, 3, 3, 1), w = op_weight("w", C, K, K, p[2], 1);
    int b = op_weight("b", C, 1, 1, p[5] & 2 ? OP_NONE : p[3], 1), cls = op_weight("cls", C, 1, 1, p[3], 1);
    int pos = op_weight("pos", POSITIONS, C, C, p[5] & 8 ? OP_NONE : p[3], 1);
    int registers = op_weight("registers", 2, C, C, p[3], 1);
    int x = op_out("x", ROWS, C, C), col = op_out("col", ROWS, K, K), d_x = op_seed("d_x", x);
    for (int image = 0; image < 2; image++)
        for (int k = image ? 0 : -1, last = image ? 4 : 5; k <= last; k++, row++) {
            int wide = image ? 1 : 3, absent = k < 0 || (image && k == 4), y = k / wide, u = k % wide;
            patch[3 * row] = absent ? -1 : image * 6 * P * P + y * P * wide * P + u * P;
            patch[3 * row + 1] = wide * P, patch[3 * row + 2] = absent ? 0 : 1 + y * GRID + u;
            for (int r = 0; r < 2 && (k < 0 || (image && k == 4)); r++) {
                row++;
                patch[3 * row] = -2 - (image ? 1 - r : r), patch[3 * row + 1] = wide * P,
                          patch[3 * row + 2] = -1;
            }
        }
    const int *rows = op_ints(patch, 3 * ROWS);
    sb_patch_embed_forward(op_p(x), op_p(col), op_p(pixels), rows, op_w(w), op_w(b), op_w(cls),
                           op_w(registers), op_w(pos), ROWS, P);
    op_exact(col);
    double *e = op_squares(x), *e_col = op_expect(col);
    for (int i = 0; e && i < ROWS; i++) {
        for (int j = 0; j < K; j++) {
            int channel = j / (P * P), y = j / P % P, u = j % P;
            int first = patch[3 * i], wide = patch[3 * i + 1];
            e_col[i * K + j] = first < 0 ? 0 : op_at(pixels, (first + y * wide + u) * 3 + channel);
        }
        for (int c = 0; c < C; c++) {
            for (int j = 0; j < K; j++) op_term(x, i * C + c, e_col[i * K + j] * op_at(w, c * K + j), 1);
            op_coarse(x, i * C + c, op_run->array[x].expect[i * C + c]);        // the product is rounded
            int kind = patch[3 * i], at = patch[3 * i + 2];
            double own = kind < -1  ? op_at(registers, (-2 - kind) * C + c)
                         : kind < 0 ? op_at(cls, c)
                                    : op_maybe(b, c);
            op_term(x, i * C + c, own + (at < 0 ? 0 : op_maybe(pos, at * C + c)), 1);
        }
    }
    if (!op_run->backward) return;
    int d_w = op_grad_sum("d_w", w, K, p[4] & 1), d_b = op_grad_sum("d_b", b, 1, p[4] & 2);
    int d_cls = op_grad_sum("d_cls", cls, 1, p[4] & 4), d_pos = op_grad_sum("d_pos", pos, C, p[4] & 8);
    int d_registers = op_grad_sum("d_registers", registers, C, p[4] & 16);
    sb_patch_embed_backward(op_p(d_w), op_p(d_b), op_p(d_cls), op_p(d_registers), op_p(d_pos), op_p(d_x),
                            op_p(col), rows, ROWS, C, K, 2, POSITIONS);
    op_product(d_w, ROWS, d_x, 1, C, col, 1, K, -1);
    int to[4][ROWS];
    for (int i = 0; i < ROWS; i++) {
        int kind = patch[3 * i];
        to[0][i] = kind < 0 ? -1 : 0, to[1][i] = kind == -1 ? 0 : -1, to[2][i] = patch[3 * i + 2];
        to[3][i] = kind < -1 ? -2 - kind : -1;
    }
    op_rows_onto(d_b, d_x, to[0]);
    op_rows_onto(d_cls, d_x, to[1]);
    op_rows_onto(d_pos, d_x, to[2]);
    op_rows_onto(d_registers, d_x, to[3]);
}

// Words and image tokens of row i: bags of 0-4 words (one bag in five has a word twice); every third row
// shows an image token, two rows the same one, no row the last.
static void op_bag(int *token, int *vis_row, int i, int V, int n_vis) {
    int show = i / 3 < n_vis ? n_vis - 1 - i / 3 : -1;
    *vis_row = i % 3 == 0 && show >= 0 ? (show == n_vis - 1 ? n_vis - 2 : show) : -1;
    for (int j = 0; j < SB_BAG; j++)
        token[j] = j < i % 5 ? (int)(sb_mix64((uint64_t)(i * SB_BAG + j)) % (uint64_t)V) : -1;
    if (i % 5 == 3) token[1] = token[0];
}
// n, V, C, image tokens (0: none), type of emb, gradients (1 d_emb, 2 d_vis)
static void op_embed(const int *p) {
    int n = p[0], V = p[1], C = p[2], n_vis = p[3], token[OP_ROWS * SB_BAG], vis_row[OP_ROWS];
    int emb = op_weight("emb", V, C, C + 1, p[4], 1), vis = n_vis ? op_in("vis", n_vis, C, C, 1) : -1;
    int x = op_out("x", n, C, C), d_x = op_seed("d_x", x);
    for (int i = 0; i < n; i++) op_bag(token + i * SB_BAG, vis_row + i, i, V, n_vis);
    const int *words = op_ints(token, n * SB_BAG), *shown = op_ints(vis_row, n);
    sb_embed_forward(op_p(x), op_w(emb), words, op_p(vis), shown, n);
    double *e = op_expect(x), *bound = op_bounds(x);
    for (int i = 0; e && i < n * C; i++) {      // every sum but the first rounds
        int some = vis_row[i / C] >= 0;
        if (some) e[i] = op_at(vis, (long)vis_row[i / C] * C + i % C);
        for (int j = 0; j < SB_BAG; j++) {
            long word = token[i / C * SB_BAG + j];
            if (word < 0) continue;
            e[i] += op_at(emb, word * (C + 1) + i % C);
            bound[i] += some ? fabs(e[i]) / 2 : 0;
            some = 1;
        }
    }
    if (!op_run->backward) return;
    int d_emb = op_grad_sum("d_emb", emb, C, p[5] & 1), d_vis = op_grad("d_vis", vis, C, p[5] & 2);
    sb_embed_backward(op_p(d_emb), op_p(d_vis), op_p(d_x), words, shown, n, n_vis, V, C);
    double *e_emb = op_squares(d_emb), *e_vis = op_expect(d_vis), *b_vis = op_bounds(d_vis);
    for (int i = 0; i < n * C; i++) {
        double d = op_at(d_x, i);
        for (int j = 0; j < SB_BAG; j++) {
            long word = token[i / C * SB_BAG + j], at = word * C + i % C;
            if (e_emb && word >= 0) op_term_from(d_emb, at, d, 0, op_start_at(d_emb, at));
        }
        long at = (long)vis_row[i / C] * C + i % C;
        if (!e_vis || at < 0) continue;
        b_vis[at] = e_vis[at] == 0 ? 0 : fabs(e_vis[at] + d) / 2;
        e_vis[at] += d;
    }
}

// n, rows, width, ldy - width, a second buffer is added
static void op_gather(const int *p) {
    int n = p[0], rows = p[1], width = p[2], ldy = width + p[3], index[OP_ROWS];
    int x = op_in("x", rows, width, width, 1), more = p[4] ? op_in("more", rows, width, width, 0.01) : -1;
    int y = op_out("y", n, width, ldy), d_y = op_seed("d_y", y);
    for (int i = 0; i < n; i++) index[i] = (rows - 1 - 7 * i % rows + rows) % rows;         // no row twice
    const int *from = op_ints(index, n);
    sb_gather_rows(op_p(y), ldy, op_p(x), op_p(more), from, n, width);
    double *e = op_expect(y);
    for (int i = 0; e && i < n * width; i++) {
        long at = (long)index[i / width] * width + i % width;
        e[i / width * ldy + i % width] = op_at(x, at) + op_maybe(more, at);
    }
    if (more < 0) op_exact(y);
    else op_rounded(y);
    if (!op_run->backward) return;
    int d_x = op_grad_sum("d_x", x, width, 1);
    sb_scatter_rows_add(op_p(d_x), op_p(d_y), ldy, from, n, width);
    op_rounded(d_x);
}

static int op_target(int i, int classes) {
    return i % 5 == 3 ? -1 : (int)(sb_mix64((uint64_t)i + 77) % (uint64_t)classes);
}
// Independent cross-entropy of row z [classes].
static double op_expect_xent(int z, long at, int classes, int target) {
    long double sum = 0;
    if (target < 0) return 0;
    for (int j = 0; j < classes; j++) sum += expl(op_at(z, at + j));
    return (double)(logl(sum) - op_at(z, at + target));
}
// n, classes, gradient wanted.  Sum of `classes` positive exps, each 0.9 eps and its argument's rounding.
static void op_xent(const int *p) {
    int n = p[0], V = p[1], target[OP_ROWS];
    double scale = 0.375, sum = OP_SIGMAS * OP_ROUNDING * sqrt(V / 12.0);
    int z = op_in("logits", n, V, V, 2), loss = op_wide_out("loss", n, 1, 1);
    op_seed_loss(loss, scale);
    for (int i = 0; i < n; i++) target[i] = op_target(i, V);
    int d_z = op_run->backward ? op_grad("d_logits", z, V, p[2]) : -1;
    sb_xent(op_p(loss), op_p(d_z), op_p(z), op_ints(target, n), n, V, scale);
    double *e = op_expect(loss), *bound = op_bounds(loss), *b_z = d_z < 0 ? NULL : op_bounds(d_z);
    for (int i = 0; e && i < n; i++) {
        double lse = 0;
        for (int j = 0; j < V; j++) lse += exp(op_at(z, (long)i * V + j));
        e[i] = op_expect_xent(z, (long)i * V, V, target[i]);
        bound[i] = target[i] < 0 ? 0 : 1 + sum + fabs(log(lse)) / 2 + fabs(e[i]) / 2;
        for (int j = 0; b_z && j < V; j++) {
            double s = exp(op_at(z, (long)i * V + j)) / lse;
            b_z[(long)i * V + j] = target[i] < 0 ? 0 : scale * (s * (4 + sum) + (j == target[i] ? 0.5 : 0));
        }
    }
}

// n, classes, gradient wanted.  Computed in double: one rounding.
static void op_bce(const int *p) {
    int n = p[0], V = p[1];
    double scale = 0.375;
    int z = op_in("logits", n, V, V, 3), y = op_wide_in("y", n, V, V, 0.4),
        loss = op_wide_out("loss", n, 1, 1);
    op_seed_loss(loss, scale);
    for (long i = 0; op_run->fresh && i < (long)n * V; i++) {            // in [0, 1], with both ends
        double value = fabs(op_at(y, i));
        op_put(op_run->array + y, i, value > 1 || value < 0.1 ? value > 1 : value);
    }
    op_settle(y);
    int d_z = op_run->backward ? op_grad("d_logits", z, V, p[2]) : -1;
    sb_bce(op_p(loss), op_p(d_z), op_p(z), op_p(y), n, V, scale);
    op_rounded(loss);
    op_rounded(d_z);
    double *e = op_expect(loss);
    for (long i = 0; e && i < n; i++) {
        long double sum = 0;
        for (long at = i * V; at < i * V + V; at++) {
            long double s = 1 / (1 + expl(-(long double)op_at(z, at)));
            sum -= op_at(y, at) * logl(s) + (1 - op_at(y, at)) * logl(1 - s);
        }
        e[i] = (double)sum;
    }
}

// n, gradient wanted.  Computed in double: one rounding.
static void op_smooth_l1(const int *p) {
    double scale = 0.3;
    int pred = op_in("pred", p[0], 1, 1, 1), target = op_wide_in("target", p[0], 1, 1, 1);
    int loss = op_wide_out("loss", p[0], 1, 1);
    op_seed_loss(loss, scale);
    int d = op_run->backward ? op_grad("d_pred", pred, 1, p[1]) : -1;
    sb_smooth_l1(op_p(loss), op_p(d), op_p(pred), op_p(target), p[0], scale);
    op_rounded(loss);
    double *e = op_expect(loss), *bound = op_bounds(d);
    for (long i = 0; e && i < p[0]; i++) {
        double off = fabs(op_at(pred, i) - op_at(target, i));
        e[i] = off > 1 ? off - 0.5 : 0.5 * off * off;
        if (bound) bound[i] = scale * (off < 1 ? off : 1) / 2;
    }
}

// n, width, l1, gradient wanted.  Computed in double: one rounding. Row 1 has no weight, row 2 is its target.
static void op_feature_loss(const int *p) {
    long n = p[0], C = p[1];
    double scale = 0.3;
    int pred = op_in("pred", n, C, C, 1), target = op_in("target", n, C, C, 1),
        weight = op_wide_in("weight", n, 1, 1, 1);
    for (long i = 0; op_run->fresh && i < n; i++) {
        op_put(op_run->array + weight, i, i == 1 ? 0 : fabs(op_at(weight, i)));
        for (long c = 0; i == 2 && c < C; c++)
            op_put(op_run->array + pred, i * C + c, 2 * op_at(target, i * C + c));
    }
    op_settle(weight), op_settle(pred);
    int value = op_wide_out("value", n, 1, 1), angle = op_wide_out("angle", n, 1, 1);
    op_seed_loss(value, scale), op_seed_loss(angle, scale);
    int d = op_run->backward ? op_grad("d_pred", pred, C, p[3]) : -1;
    sb_feature_loss(op_p(value), op_p(angle), op_p(d), op_p(pred), op_p(target), op_p(weight), n, (int)C,
                    p[2], scale);
    double *e = op_expect(value), *e_angle = op_expect(angle), *b_value = op_bounds(value),
           *b_angle = op_bounds(angle);
    op_rounded(d);
    for (long i = 0; e && i < n; i++) {
        long double sum = 0, pp = 0, tt = 0, pt = 0;
        for (long at = i * C; at < i * C + C; at++) {
            long double off = fabs(op_at(pred, at) - op_at(target, at)), x = op_at(pred, at),
                        t = op_at(target, at);
            sum += p[2] || off > 1 ? off - (p[2] ? 0 : .5L) : off * off / 2;
            pp += x * x, tt += t * t, pt += x * t;
        }
        e[i] = (double)(sum / C) * op_at(weight, i);
        e_angle[i] = (double)(1 - pt / sqrtl(pp * tt)) * op_at(weight, i);
        b_value[i] = fabs(e[i]) / 2,
        b_angle[i] = fabs(e_angle[i]) / 2 + 1e-15 / (double)FLT_EPSILON * (op_at(weight, i) != 0);
    }
}

// Probabilities of row i by definition into prob [V], squares of the logits' errors into own; the loss.
static double op_head_row(double *prob, double *own, double *logit, int x, int w, long i, int V, int C,
                          int target) {
    double sum = 0, z_t = 0;
    for (int j = 0; j < V; j++) {
        double z = logit[j] = op_dot(own + j, x, i * C, w, (long)j * C, C);
        sum += prob[j] = exp(z);
        if (j == target) z_t = z;
    }
    for (int j = 0; j < V; j++) prob[j] /= sum;
    return target < 0 ? 0 : log(sum) - z_t;
}
// n, V, C, chunk, type of w, gradients (1 d_x, 2 d_w).  A logit is a sum of C products; a probability is off
// by as much, relative, and by exp, sum and quotient (4); d_x and d_w sum probabilities.
static void op_head_xent(const int *p) {
    int n = p[0], V = p[1], C = p[2], chunk = p[3], target[OP_ROWS];
    double scale = 0.375, prob[OP_ROWS], own[OP_ROWS], logit[OP_ROWS];
    int x = op_in("x", n, C, C, 1), w = op_weight("w", V, C, C, p[4], 0.1),
        loss = op_wide_out("loss", n, 1, 1);
    int logits = op_array("logits", OP_SCRATCH, SB_NATIVE, 2 * chunk, V, V, -1, 0);
    op_seed_loss(loss, scale);
    for (int i = 0; i < n; i++) target[i] = op_target(i, V);
    int d_x = op_run->backward ? op_grad("d_x", x, C, p[5] & 1) : -1;
    int d_w = op_run->backward ? op_grad_sum("d_w", w, C, p[5] & 2) : -1;
    sb_head_xent(op_p(loss), op_p(d_x), op_p(d_w), op_p(logits), chunk, op_p(x), op_w(w), op_ints(target, n),
                 n, scale);
    double *e = op_expect(loss), *bound = op_bounds(loss), *e_x = op_squares(d_x), *e_w = op_squares(d_w);
    for (int i = 0; e && i < n; i++) {
        e[i] = op_head_row(prob, own, logit, x, w, i, V, C, target[i]);
        double off_lse = 0;             // logits and their gradients are rounded
        for (int j = 0; j < V; j++) off_lse += pow(prob[j] * logit[j], 2);
        op_coarse(loss, i, target[i] < 0 ? 0 : sqrt(off_lse + pow(logit[target[i]], 2)));
        if (target[i] >= 0)
            bound[i] = 2 + fabs(e[i]) + OP_SIGMAS * OP_ROUNDING * sqrt(own[target[i]] + V / 3.0);
        for (int j = 0; j < V && target[i] >= 0; j++) {
            double d = scale * (prob[j] - (j == target[i]));
            double off = pow(scale * prob[j], 2) * (own[j] + 4);
            double coarse = fabs(d) + scale * prob[j] * (fabs(logit[j]) + sqrt(off_lse));
            for (int c = 0; c < C; c++) {
                double x_c = op_at(x, (long)i * C + c), w_c = op_at(w, (long)j * C + c);
                if (e_x) op_term(d_x, (long)i * C + c, d * w_c, 2), e_x[(long)i * C + c] += off * w_c * w_c;
                if (e_w) op_term(d_w, (long)j * C + c, d * x_c, 2), e_w[(long)j * C + c] += off * x_c * x_c;
                op_coarse(d_x, (long)i * C + c, coarse * w_c);
                op_coarse(d_w, (long)j * C + c, coarse * x_c);
            }
        }
        for (long at = 0; e_w && (i + 1) % chunk == 0 && at < (long)V * C; at++)        // a chunk is added
            op_term_from(d_w, at, 0, 0, op_start_at(d_w, at));
    }
}

// count, first step, steps, decay present.  Moments m, v start random (first step > 1) or 0.
// bound: 1 - beta in float is off by eps / 4 / (1 - beta); p moves by lr m / sqrt(v), rounded every step.
static void op_adamw(const int *p) {
    long n = p[0];
    int first = p[1], steps = p[2];
    double b1 = 0.9, b2 = 0.98, eps = 1e-8, lr = 0.01, decay = p[3] ? 0.1 : 0, scale = 0.5, clip = 2;
    long cut[3] = {0, n / 3, n - n / 4};                        // three tensors; the second never decays
    int p0 = op_wide_in("p0", n, 1, 1, 1), grad = op_wide_in("grad", steps, n, n, 1);
    int m0 = op_wide_in("m0", n, 1, 1, first > 1 ? 0.2 : 0),
        v0 = op_wide_in("v0", n, 1, 1, first > 1 ? 0.3 : 0);
    for (long i = 0; op_run->fresh && i < n; i++)
        op_put(op_run->array + v0, i, (double)(float)pow(op_at(v0, i), 2));
    for (long i = 0; op_run->fresh && i < n * steps; i++)       // some gradients as small as eps, some 0
        if (i % n % 4 == 3)
            op_put(op_run->array + grad, i, i % n % 8 == 3 ? (double)(float)(op_at(grad, i) * 1e-8) : 0);
    op_settle(v0);
    op_settle(grad);
    int w = op_copy("p", p0), m = op_copy("m", m0), v = op_copy("v", v0);
    param_t *at = op_p(w);
    double squares = pow(clip / scale, 2), none = NAN;          // of the norm: what is clipped; no number
    SbTrained list[3] = {{at, 0, 1}, {at + cut[1], cut[1], 0}, {at + cut[2], cut[2], 1}};
    const SbTrained *tensor = (const SbTrained *)op_bytes_of(list, sizeof list);
    const double *sum = (const double *)op_bytes_of(&squares, sizeof squares),
                 *bad = (const double *)op_bytes_of(&none, sizeof none);
    for (int s = 0; s < steps; s++)
        for (int real_one = 0; real_one < 2; real_one++)
            sb_adamw(tensor, 3, (param_t *)op_p(grad) + s * n, op_p(m), op_p(v), n, real_one ? sum : bad,
                     clip, lr, decay, b1, b2, eps, first + s);
    double *e_p = op_expect(w), *e_m = op_expect(m), *e_v = op_expect(v);
    double *b_p = op_bounds(w), *b_m = op_bounds(m), *b_v = op_bounds(v);
    for (long i = 0; e_p && i < n; i++) {
        double x = op_at(p0, i), off = 0, m_s = 0, v_s = 0, m_abs = 0;
        for (int s = 1; s <= steps; s++) {      // moments as weighted sums of all gradients, not by recursion
            m_s = pow(b1, s) * op_at(m0, i), v_s = pow(b2, s) * op_at(v0, i), m_abs = fabs(m_s);
            for (int k = 1; k <= s; k++) {
                double g = scale * op_at(grad, (k - 1) * n + i);
                m_s += (1 - b1) * pow(b1, s - k) * g, v_s += (1 - b2) * pow(b2, s - k) * g * g;
                m_abs += (1 - b1) * pow(b1, s - k) * fabs(g);
            }
            double root = sqrt(v_s / (1 - pow(b2, first + s - 1)));
            double unit = lr / (1 - pow(b1, first + s - 1)) / (root + eps);
            x = x - (i < cut[1] || i >= cut[2] ? lr * decay * x : 0) - unit * m_s;
            off += fabs(x) + unit * m_abs * (3 + 0.25 / (1 - b1) + 0.125 / (1 - b2));
        }
        e_p[i] = x, e_m[i] = m_s, e_v[i] = v_s;
        b_p[i] = off, b_m[i] = m_abs * (1 + 0.25 / (1 - b1)), b_v[i] = v_s * (1 + 0.25 / (1 - b2));
    }
}

// count.  Summed in double whatever real is, so equal but for the order: the result is an array of doubles.
static void op_sum_squares(const int *p) {
    int x = op_in("x", p[0], 1, 1, 1), sum = op_array("sum", OP_OUT, SB_F64, 1, 1, 1, -1, 0);
    sb_sum_squares(op_p(sum), op_p(x), SB_NATIVE, p[0]);
    double *e = op_expect(sum), *bound = op_bounds(sum);
    if (!e) return;
    e[0] = 0;
    for (long i = 0; i < p[0]; i++) e[0] += pow(op_at(x, i), 2);
    bound[0] = e[0] * 1e-13 / (double)FLT_EPSILON;
}

// bytes.  put, get and zero; alloc gives zeros.
static void op_memory_calls(const int *p) {
    int x = op_in("x", p[0], 1, 1, 1), y = op_out("y", p[0], 1, 1), z = op_out("z", p[0], 1, 1);
    size_t size = (size_t)p[0] * sizeof(real), half = size / 2;
    char *device = (char *)sb_alloc(size);
    sb_get(op_p(z), device, size);
    sb_put(device, op_p(x), size);
    sb_get(op_p(y), device, size);
    sb_zero(device, size);
    sb_get((char *)op_p(z) + half, device + half, size - half);
    sb_free(device);
    double *e = op_expect(y), *zero = op_expect(z);
    for (long i = 0; e && i < p[0]; i++) e[i] = op_at(x, i), zero[i] = 0;
    op_exact(y);
    op_exact(z);
}

#ifndef SB_OWN_BACKEND
// The product below all others: m, n, k, a transposed, b transposed, type of b, add.
static void op_matmul(const int *p) {
    int m = p[0], n = p[1], k = p[2], ta = p[3], tb = p[4], type = p[5] == OP_OWN ? (int)SB_NATIVE : p[5];
    long lda = (ta ? m : k) + 3, ldb = (tb ? k : n) + 1, ldc = n + 2;
    int a = op_in("a", ta ? k : m, ta ? m : k, lda, 1);
    int b = op_weight("b", tb ? n : k, tb ? k : n, ldb, type, 1);
    int c = op_array("c", p[6] ? OP_SUM : OP_OUT, SB_NATIVE, m, n, ldc, -1, 1);
    sb_matmul(m, n, k, op_p(a), ta ? 1 : lda, ta ? lda : 1, op_run->array[b].data, type, tb ? 1 : ldb,
              tb ? ldb : 1, op_p(c), ldc, p[6]);
    op_product(c, k, a, ta ? 1 : lda, ta ? lda : 1, b, tb ? ldb : 1, tb ? 1 : ldb, -1);
}
#endif

// ---- the shapes. Numbers as explained above each function; widths and rows lie off every register tile.
static const OpCase op_case[] = {
    {"linear", op_linear, {1, 24, 33, 0, 0, 0, OP_OWN, OP_OWN, 7}},
    {"linear", op_linear, {3, 33, 24, 5, 7, 2, OP_OWN, OP_OWN, 7}},
    {"linear", op_linear, {17, 40, 129, 0, 3, 0, SB_BF16, SB_F32, 1}},
    {"linear", op_linear, {65, 129, 40, 1, 0, 1, SB_F32, SB_BF16, 5}},
    {"linear", op_linear, {130, 24, 33, 0, 31, 0, OP_OWN, OP_NONE, 3}},
    {"linear", op_linear, {130, 129, 257, 2, 2, 0, OP_OWN, OP_OWN, 7}},     // more than one thread's worth
    {"linear", op_linear, {17, 801, 24, 0, 0, 0, OP_OWN, OP_OWN, 7}},       // more than a slab of SB_KC
    {"linear", op_linear, {785, 24, 33, 0, 0, 0, OP_OWN, OP_OWN, 6}},
    {"linear", op_linear, {1100, 24, 33, 0, 0, 0, OP_OWN, OP_OWN, 2}},      // gradients in parts of the rows
    {"linear", op_linear, {1600, 9, 8, 0, 0, 0, OP_OWN, OP_OWN, 2}},
    {"linear", op_linear, {17, 24, 785, 0, 0, 0, SB_BF16, OP_OWN, 3}},
    {"linear", op_linear, {9, 33, 24, 0, 0, 0, SB_F64, SB_F64, 1}},
    {"linear", op_linear, {5, 0, 9, 1, 2, 1, OP_OWN, OP_OWN, 7}},           // an empty sum
    {"linear", op_linear, {0, 7, 9, 0, 0, 0, OP_OWN, OP_OWN, 7}},           // no rows
    {"linear", op_linear, {1, 1, 1, 0, 0, 0, OP_OWN, OP_OWN, 2}},
    {"linear", op_linear, {17, 33, 24, 0, 0, 0, OP_OWN, OP_OWN, 0}},        // frozen
    {"linear_act", op_linear_act, {1, 24, 33, 0, OP_OWN, OP_OWN, SB_GELU}},
    {"linear_act", op_linear_act, {65, 40, 129, 3, OP_OWN, OP_NONE, SB_GELU}},
    {"linear_act", op_linear_act, {17, 129, 24, 0, SB_BF16, SB_BF16, SB_GELU}},
    {"linear_act", op_linear_act, {33, 40, 66, 0, OP_OWN, OP_OWN, SB_GELU_TANH}},
    {"linear_act", op_linear_act, {17, 24, 33, 1, OP_OWN, OP_OWN, SB_QUICK_GELU}},
    {"act", op_act, {1, SB_GELU}},
    {"act", op_act, {1299, SB_GELU}},
    {"act", op_act, {16999, SB_GELU}},
    {"act", op_act, {2088, SB_GELU}},
    {"act", op_act, {3, SB_SILU}},
    {"act", op_act, {16999, SB_SILU}},
    {"act", op_act, {1299, SB_GELU_TANH}},
    {"act", op_act, {16999, SB_GELU_TANH}},
    {"act", op_act, {2088, SB_QUICK_GELU}},
    {"act", op_act, {16999, SB_QUICK_GELU}},
    {"swiglu", op_swiglu, {1, 33}},
    {"swiglu", op_swiglu, {17, 24}},
    {"swiglu", op_swiglu, {130, 129}},
    {"add_norm", op_norm, {1, 24, 1, 1, OP_OWN, OP_OWN, 1, 1, 7}},
    {"add_norm", op_norm, {3, 33, 1, 1, OP_OWN, OP_OWN, 1, 300000, 7}},
    {"add_norm", op_norm, {17, 40, 0, 1, OP_OWN, OP_OWN, 1, 1, 7}},
    {"add_norm", op_norm, {65, 129, 0, 0, OP_OWN, OP_OWN, 1, 1, 7}},
    {"add_norm", op_norm, {130, 24, 1, 1, SB_BF16, SB_BF16, 1, 1, 1}},
    {"add_norm", op_norm, {17, 33, 1, 1, OP_OWN, OP_OWN, 1, 1, 6}},
    {"add_norm", op_norm, {5, 520, 1, 1, OP_OWN, OP_OWN, 1, 1, 7}},
    {"add_norm", op_norm, {270, 129, 1, 1, OP_OWN, OP_OWN, 1, 1, 7}},
    {"add_norm", op_norm, {1, 33, 1, 1, OP_OWN, OP_NONE, 0, 1, 7}},
    {"add_norm", op_norm, {17, 24, 1, 1, OP_OWN, OP_NONE, 0, 300000, 3}},
    {"add_norm", op_norm, {65, 129, 0, 0, OP_OWN, OP_NONE, 0, 1, 3}},
    {"add_norm", op_norm, {130, 40, 0, 1, SB_F32, OP_NONE, 0, 1, 1}},
    {"add_norm", op_norm, {3, 40, 0, 0, OP_OWN, OP_NONE, 0, 1, 2}},
    {"head_norm", op_head_norm, {1, 1, 16, 0, 0, OP_OWN, OP_OWN, 1, 10, 3}},
    {"head_norm", op_head_norm, {17, 3, 8, 5, 2, OP_OWN, OP_OWN, 1, 10, 3}},
    {"head_norm", op_head_norm, {65, 4, 10, 0, 7, SB_BF16, OP_NONE, 0, 1, 0}},
    {"head_norm", op_head_norm, {130, 9, 33, 3, 0, OP_OWN, OP_NONE, 0, 300000, 1}},
    {"head_norm", op_head_norm, {33, 2, 129, 0, 0, OP_OWN, OP_OWN, 1, 10, 2}},
    {"scale", op_scale, {1, 33, OP_OWN, 1}},
    {"scale", op_scale, {65, 24, OP_OWN, 1}},
    {"scale", op_scale, {130, 257, SB_BF16, 0}},
    {"gate", op_gate, {1}},
    {"gate", op_gate, {16999}},
    {"modulate", op_modulate, {1, 24}},
    {"modulate", op_modulate, {17, 33}},
    {"turn", op_turn, {1, 1, 2, 0, -1, 0, 1, SB_TURN_Q}},           // one block: the whole head (Qwen2)
    {"turn", op_turn, {17, 3, 8, 5, -1, 0, 1, SB_TURN_K}},
    {"turn", op_turn, {65, 4, 10, 0, 3, 0, 1, SB_BACK_Q}},
    {"turn", op_turn, {130, 9, 32, 3, 0, 0, 2, SB_TURN_Q}},         // two: rows and columns
    {"turn", op_turn, {17, 3, 12, 1, -1, 0, 2, SB_BACK_K}},
    {"turn", op_turn, {1, 1, 16, 0, -1, 8, 2, SB_TURN_Q}},          // cameras too
    {"turn", op_turn, {17, 3, 16, 5, 2, 8, 2, SB_TURN_K}},
    {"turn", op_turn, {65, 2, 32, 0, -1, 16, 2, SB_BACK_Q}},
    {"turn", op_turn, {130, 5, 48, 3, 0, 24, 2, SB_BACK_K}},
    {"attention", op_attention, {1, 17, 2, 1, 8, OP_CAUSAL, 0, 0, 0, 0, 1}},
    {"attention", op_attention, {17, 17, 1, 1, 33, OP_FULL, 3, 0, 0, 0, 1}},
    {"attention", op_attention, {17, 17, 4, 2, 8, OP_CAUSAL, 0, 5, 1, 2, 2}},
    {"attention", op_attention, {5, 65, 6, 2, 10, OP_CAUSAL, 1, 2, 3, 0, 1}},
    {"attention", op_attention, {130, 130, 4, 2, 8, OP_TURNS, 16, 8, 8, 0, 1}},
    {"attention", op_attention, {17, 33, 2, 2, 9, OP_EMPTY, 0, 0, 0, 1, 1}},
    {"attention", op_attention, {3, 5, 2, 1, 8, OP_NOBODY, 1, 1, 1, 1, 1}},
    {"attention", op_attention, {33, 40, 3, 1, 8, OP_DISJOINT, 0, 0, 0, 0, 2}},
    {"attention", op_attention, {24, 65, 2, 1, 8, OP_OVERLAP, 0, 1, 0, 0, 1}},
    {"attention", op_attention, {34, 40, 2, 2, 8, OP_SECOND, 0, 0, 1, 0, 1}},
    {"attention", op_attention, {21, 24, 2, 1, 8, OP_BACK, 0, 0, 0, 0, 1}},
    {"attention", op_attention, {65, 65, 2, 1, 8, OP_ANY, 2, 0, 0, 3, 1}},
    {"attention", op_attention, {300, 130, 2, 1, 8, OP_ANY, 0, 0, 0, 0, 1}},// more than SB_QB rows
    {"attention", op_attention, {300, 33, 1, 1, 17, OP_FULL, 0, 0, 0, 0, 1}},
    {"attention", op_attention, {150, 150, 2, 1, 12, OP_CAUSAL, 1, 1, 1, 1, 3}},
    {"dual_fold", op_dual_fold, {1, 1, 0, OP_OWN, OP_OWN, OP_OWN, 1, 31}},
    {"dual_fold", op_dual_fold, {33, 24, 0, OP_OWN, OP_OWN, OP_OWN, 1, 31}},
    {"dual_fold", op_dual_fold, {24, 129, 3, SB_BF16, OP_OWN, OP_OWN, 1, 28}},
    {"dual_fold", op_dual_fold, {17, 40, 1, SB_F32, SB_BF16, OP_OWN, 1, 16}},
    {"dual_fold", op_dual_fold, {40, 33, 0, OP_OWN, OP_OWN, OP_OWN, 0, 31}},
    {"dual_fold", op_dual_fold, {17, 33, 0, OP_OWN, OP_OWN, SB_BF16, 1, 3}},
    {"dual_fold", op_dual_fold, {33, 24, 0, OP_OWN, OP_OWN, OP_OWN, 1, 31, 3}},
    {"dual_fold", op_dual_fold, {24, 129, 3, SB_BF16, OP_OWN, OP_OWN, 1, 31, 43}},
    {"dual_fold", op_dual_fold, {17, 40, 1, SB_F32, SB_BF16, SB_BF16, 0, 5, 1}},
    {"dual_fold", op_dual_fold, {40, 33, 0, OP_OWN, OP_OWN, OP_OWN, 1, 31, 1}},
    {"dual_fold", op_dual_fold, {1, 68, 0, OP_OWN, OP_OWN, OP_OWN, 1, 31, 2}},
    {"patch_embed", op_patch_embed, {24, 3, OP_OWN, OP_OWN, 31, 0}},
    {"patch_embed", op_patch_embed, {129, 4, SB_BF16, SB_F32, 0, 2}},
    {"patch_embed", op_patch_embed, {33, 14, OP_OWN, OP_OWN, 1, 10}},
    {"patch_embed", op_patch_embed, {40, 2, OP_OWN, OP_OWN, 30, 0}},
    {"patch_embed", op_patch_embed, {40, 2, OP_OWN, OP_OWN, 20, 8}},
    {"embed", op_embed, {1, 3, 24, 0, OP_OWN, 1}},
    {"embed", op_embed, {65, 17, 33, 9, OP_OWN, 3}},
    {"embed", op_embed, {130, 40, 129, 50, OP_OWN, 1}},
    {"embed", op_embed, {65, 5, 24, 12, SB_BF16, 2}},
    {"gather", op_gather, {1, 1, 24, 0, 0}},
    {"gather", op_gather, {17, 65, 33, 7, 0}},
    {"gather", op_gather, {17, 40, 24, 24, 1}},
    {"xent", op_xent, {1, 3, 1}},
    {"xent", op_xent, {17, 33, 1}},
    {"xent", op_xent, {130, 129, 1}},
    {"xent", op_xent, {65, 24, 0}},
    {"xent", op_xent, {3, 700, 1}},
    {"bce", op_bce, {1, 17, 1}},
    {"bce", op_bce, {65, 24, 1}},
    {"bce", op_bce, {3, 33, 0}},
    {"smooth_l1", op_smooth_l1, {1, 1}},
    {"smooth_l1", op_smooth_l1, {130, 1}},
    {"smooth_l1", op_smooth_l1, {17, 0}},
    {"feature_loss", op_feature_loss, {1, 8, 0, 1}},
    {"feature_loss", op_feature_loss, {17, 33, 0, 1}},
    {"feature_loss", op_feature_loss, {65, 40, 1, 1}},
    {"feature_loss", op_feature_loss, {130, 129, 0, 0}},
    {"head_xent", op_head_xent, {1, 33, 24, 4, OP_OWN, 3}},
    {"head_xent", op_head_xent, {17, 65, 33, 5, OP_OWN, 3}},
    {"head_xent", op_head_xent, {65, 130, 40, 32, SB_BF16, 1}},
    {"head_xent", op_head_xent, {17, 40, 24, 17, OP_OWN, 2}},
    {"adamw", op_adamw, {1, 1, 1, 1}},
    {"adamw", op_adamw, {129, 1, 7, 1}},
    {"adamw", op_adamw, {65, 1000, 5, 0}},
    {"adamw", op_adamw, {16999, 3, 2, 1}},
    {"sum_squares", op_sum_squares, {1}},
    {"sum_squares", op_sum_squares, {9001}},
    {"sum_squares", op_sum_squares, {40000}},
    {"memory", op_memory_calls, {33}},
#ifndef SB_OWN_BACKEND
    {"matmul", op_matmul, {1, 1, 0, 0, 0, OP_OWN, 0}},
    {"matmul", op_matmul, {9, 17, 0, 1, 1, OP_OWN, 1}},
    {"matmul", op_matmul, {7, 33, 65, 0, 0, OP_OWN, 0}},
    {"matmul", op_matmul, {65, 31, 130, 1, 0, OP_OWN, 1}},
    {"matmul", op_matmul, {8, 32, 17, 0, 1, SB_BF16, 0}},
    {"matmul", op_matmul, {99, 3, 40, 1, 1, SB_F32, 0}},
    {"matmul", op_matmul, {97, 260, 385, 0, 1, OP_OWN, 1}},             // more than a slab and a unit of work
    {"matmul", op_matmul, {33, 65, 1153, 1, 0, OP_OWN, 0}},
#endif
};
enum { OP_CASES = sizeof op_case / sizeof op_case[0] };
