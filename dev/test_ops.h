// test_ops.h: every operation against central differences, against formulas, and float against double.
//
// Included by a C++ program that holds spatialboost.h and dev/op_cases.h twice: as float at global scope, as
// double in namespace f64. It refuses nothing and tunes nothing: the cases say what is expected and how far
// float may be off. How to read it: running a case, then one function a test.
#ifndef SB_TEST_OPS_H
#define SB_TEST_OPS_H

// ---- running a case

static void op_free(OpRun *t) {
    for (OpArray *a = t->array; a < t->array + t->arrays; a++) {
        void *all[] = {a->data, a->start, a->expect, a->bound, a->squares, a->coarse};
        for (void *p : all) if (p) op_forget(p);
    }
    for (int i = 0; i < t->lists; i++) op_forget(t->list[i]);
    t->arrays = t->lists = 0;
}
// A first run of case number c. drop, drop_at: input element set to 0 (-1: none).
static void op_start(OpRun *t, const OpCase *cases, int c, int reference, int drop, long drop_at) {
    memset(t, 0, sizeof *t);
    t->seed = 0;                        // by what the case is, not by its place in the table
    for (const char *s = cases[c].op; *s; s++) t->seed = sb_mix64(t->seed + (uint64_t)(unsigned char)*s);
    for (int i = 0; i < OP_NUMBERS; i++) t->seed = sb_mix64(t->seed + (uint64_t)(cases[c].p[i] + 3));
    t->fresh = t->backward = 1;
    t->reference = reference;
    t->drop = drop;
    t->drop_at = drop_at;
    op_run = t;
    cases[c].run(cases[c].p);
    op_wait();
    t->fresh = 0;
}
// Forward alone, on the inputs as they stand.
static void op_again(OpRun *t, const OpCase *c) {
    int arrays = t->arrays;
    t->arrays = t->backward = 0;
    op_run = t;
    c->run(c->p);
    t->arrays = arrays;
}
static long op_element(const OpArray *a, long n) { return n / a->cols * a->ld + n % a->cols; }
static long op_count(const OpArray *a) { return a->rows * a->cols; }
// What the operation made of element i: what it added, if it accumulates.
static double op_value(const OpArray *a, long i) {
    return op_get(a, a->data, i) - (a->kind == OP_SUM ? op_get(a, a->start, i) : 0);
}
static int op_result(const OpArray *a) {
    return a->kind == OP_OUT || a->kind == OP_SUM || a->kind == OP_COPY;
}
// The larger, or NaN if either is.
static double op_worse(double worst, double x) { return worst != worst || x <= worst ? worst : x; }
static double op_mean_square(const OpArray *a, long first, long count) {
    double sum = 0;
    for (long n = first; n < first + count; n++) sum += pow(op_value(a, op_element(a, n)), 2);
    return count ? sum / (double)count : 0;
}
// The bound of every element, from what the case said.
static void op_finish_bounds(OpRun *t) {
    for (OpArray *a = t->array; a < t->array + t->arrays; a++) {
        if (!op_result(a)) continue;
        if (a->judge == OP_UNSAID) SB_FAIL("%s: this case says no bound", a->name);
        for (long n = 0; n < op_count(a); n++) {
            long i = op_element(a, n);
            double last = fabs(op_get(a, a->data, i)) / 2;
            double all = OP_SIGMAS * OP_ROUNDING * sqrt(a->squares[i]);
            double bound = a->judge == OP_HARD ? a->bound[i] : last + (a->judge == OP_SQUARES ? all : 0);
            a->bound[i] = a->judge == OP_EXACT ? 0 : (double)FLT_EPSILON * bound;
            if (OP_COARSE == 0 || a->bound[i] == 0) continue;
            a->bound[i] += OP_COARSE * ((a->wide ? 0 : last) + OP_SIGMAS * OP_ROUNDING * sqrt(a->coarse[i]));
        }
    }
}

// ---- 1. gradients

// Sum over outputs of output times seed: what the gradients are gradients of.
static long double op_functional(const OpRun *t) {
    long double sum = 0;
    for (int s = 0; s < t->arrays; s++) {
        const OpArray *seed = t->array + s, *y = seed->of < 0 ? NULL : t->array + seed->of;
        if (seed->kind != OP_SEED) continue;
        for (long n = 0; n < op_count(y); n++)
            sum += (long double)op_at(s, op_element(seed, n)) * op_at(seed->of, op_element(y, n));
    }
    return sum;
}
// +-1 for directions, which change every element of an input at once.
static double op_sign(uint64_t direction, long n) {
    return sb_mix64(direction * 1000003 + (uint64_t)n) & 1 ? 1 : -1;
}

// Central difference along element `one` of an input, or (one < 0) along a direction of signs.
static double op_difference(OpRun *t, const OpCase *c, int input, long one, uint64_t direction) {
    OpArray *x = t->array + input;
    long double side[2];
    double h = one < 0 ? 1e-4 / sqrt((double)op_count(x)) : 1e-5;
    for (int s = 0; s < 2; s++) {
        for (long n = one < 0 ? 0 : one; n < (one < 0 ? op_count(x) : one + 1); n++) {
            double step = h * (s ? -1 : 1) * (one < 0 ? op_sign(direction, n) : 1);
            op_put(x, op_element(x, n), op_get(x, x->start, op_element(x, n)) + step);
        }
        op_again(t, c);
        side[s] = op_functional(t);
        memcpy(x->data, x->start, op_bytes(x));
    }
    return (double)((side[0] - side[1]) / (2 * h));
}
// Largest error of gradient g relative to its scale: 48 elements (all, if there are no more), and two
// directions, which no element escapes: an error in one alone shows there. An element's scale is the root
// mean square of all.
static double op_gradient_error(OpRun *t, const OpCase *c, int g) {
    const OpArray *a = t->array + g;
    double worst = 0, square = op_mean_square(a, 0, op_count(a));
    long count = op_count(a), tried = count < 48 ? count : 48;
    double *value = (double *)op_memory((size_t)count * sizeof(double));
    for (long n = 0; n < count; n++) value[n] = op_value(a, op_element(a, n));      // the runs below touch it
    for (long k = 0; k < tried; k++) {
        long n = tried == count ? k : (long)(sb_mix64((uint64_t)(count * 64 + k)) % (uint64_t)count);
        double error = fabs(op_difference(t, c, a->of, n, 0) - value[n]);
        error /= fmax(fabs(value[n]), sqrt(square) + 1e-300);
        worst = op_worse(worst, error);
    }
    for (uint64_t d = 1; d <= 2 && count; d++) {
        double slope = 0;
        for (long n = 0; n < count; n++) slope += op_sign(d, n) * value[n];
        double error = fabs(op_difference(t, c, a->of, -1, d) - slope);
        error /= sqrt(square * (double)count) + 1e-300;
        worst = op_worse(worst, error);
    }
    op_forget(value);
    return worst;
}
static void test_op_gradients(void) {
    OpRun t;
    double worst = 0;
    for (int c = 0; c < f64::OP_CASES; c++) {
        op_start(&t, f64::op_case, c, 0, -1, 0);
        for (int g = 0, arrays = t.arrays; g < arrays; g++) {
            OpArray *a = t.array + g;
            if (!op_result(a) || a->of < 0 || t.array[a->of].type != SB_F64) continue;
            double error = op_gradient_error(&t, f64::op_case + c, g);
            CHECK(error <= 1e-6, "%s (case %d), %s: relative error %.3g", f64::op_case[c].op, c, a->name,
                  error);
            worst = op_worse(worst, error);
        }
        op_free(&t);
    }
    printf("     largest relative error of a gradient %.2g\n", worst);
}

// ---- 2. forward against independent formulas, in double

static void test_op_formulas(void) {
    OpRun t;
    for (int c = 0; c < f64::OP_CASES; c++) {
        op_start(&t, f64::op_case, c, 1, -1, 0);
        for (OpArray *a = t.array; a < t.array + t.arrays; a++) {
            if (!a->expect) continue;
            double worst = 0, scale = sqrt(op_mean_square(a, 0, op_count(a)));
            for (long n = 0; n < op_count(a); n++) {
                double error = fabs(op_value(a, op_element(a, n)) - a->expect[op_element(a, n)]);
                worst = op_worse(worst, error);
            }
            CHECK(worst <= 1e-13 * scale, "%s (case %d), %s: off by %.3g of %.3g", f64::op_case[c].op, c,
                  a->name, worst, scale);
        }
        op_free(&t);
    }
}

// ---- 3. what may be touched, in both types

// Name of an array of which something was touched that should not be, or left that should not be; NULL: none.
static const char *op_trespass(const OpRun *t) {
    for (const OpArray *a = t->array; a < t->array + t->arrays; a++) {
        size_t size = op_bytes(a) / (size_t)(a->rows * a->ld > 0 ? a->rows * a->ld : 1);
        if ((a->kind == OP_IN || a->kind == OP_SEED) && memcmp(a->data, a->start, op_bytes(a)))
            return a->name;
        for (long i = 0; op_result(a) && i < a->rows * a->ld; i++) {
            const char *now = (const char *)a->data + (size_t)i * size;
            const char *then = (const char *)a->start + (size_t)i * size;
            double value = op_get(a, a->data, i);
            if (i % a->ld < a->cols ? value != value : memcmp(now, then, size)) return a->name;
        }
    }
    return NULL;
}
static void test_op_memory(void) {
    OpRun t;
    for (int c = 0; c < OP_CASES; c++)
        for (int wide = 0; wide < 2; wide++) {
            op_start(&t, wide ? f64::op_case : op_case, c, 0, -1, 0);
            const char *name = op_trespass(&t);
            CHECK(!name, "%s (case %d, %s), %s: an input or a gap was written, or an output left",
                  op_case[c].op, c, wide ? "double" : "float", name);
            op_free(&t);
        }
}

// ---- 4. float against double

typedef struct {                        // error / bound over many elements, in steps of 1/1000
    long bin[1001], count;
    double worst;
} OpRatios;

// Largest error / bound of array a of a float run against the double run (both finished); counts go to r (or
// NULL). Elements that may not differ, and those that are 0 in both, say nothing about a bound: they are not
// counted; nor are, where real is coarse, sums in float of products that are exact in float.
static double op_ratio(const OpArray *f, const OpArray *d, OpRatios *r) {
    double worst = 0;
    for (long n = 0; n < op_count(d); n++) {
        long i = op_element(d, n);
        double error = fabs(op_value(f, i) - op_value(d, i)), bound = d->bound[i];
        double ratio = error == 0 ? 0 : error / bound;
        worst = op_worse(worst, ratio);
        if (!r || bound == 0 || (error == 0 && op_value(d, i) == 0) || (OP_COARSE > 0 && d->wide)) continue;
        r->count++;
        r->bin[ratio < 1 ? (int)(ratio * 1000) : 1000]++;
    }
    if (r) r->worst = op_worse(r->worst, worst);
    return worst;
}
static double op_worst_ratio(const OpRun *f, const OpRun *d) {
    double worst = 0;
    for (int i = 0; i < d->arrays; i++) {
        double ratio = op_result(d->array + i) ? op_ratio(f->array + i, d->array + i, NULL) : 0;
        worst = op_worse(worst, ratio);
    }
    return worst;
}
static double op_median(const OpRatios *r) {
    long seen = 0;
    for (int b = 0; b <= 1000; b++) if ((seen += r->bin[b]) * 2 >= r->count) return (b + 0.5) / 1000;
    return 0;
}
// Every result of every case within its bound; the bounds' use an operation is printed.
static void test_op_float(void) {
    OpRun f, d;
    OpRatios r;
    memset(&r, 0, sizeof r);
    for (int c = 0; c < OP_CASES; c++) {
        op_start(&d, f64::op_case, c, 1, -1, 0);
        op_start(&f, op_case, c, 0, -1, 0);
        op_finish_bounds(&d);
        for (int i = 0; i < d.arrays; i++) {
            if (!op_result(d.array + i)) continue;
            double ratio = op_ratio(f.array + i, d.array + i, &r);
            CHECK(ratio <= 1, "%s (case %d), %s: %.3g times its bound", op_case[c].op, c, d.array[i].name,
                  ratio);
        }
        op_free(&f);
        op_free(&d);
        if (c + 1 < OP_CASES && !strcmp(op_case[c].op, op_case[c + 1].op)) continue;
        if (r.count >= 20) {
            printf("     %-12s error / bound: median %.3f, worst %.3f, of %ld\n", op_case[c].op,
                   op_median(&r), r.worst, r.count);
            CHECK(op_median(&r) > 0.05, "%s: nothing comes near the bound: median %.3f", op_case[c].op,
                  op_median(&r));
        }
        memset(&r, 0, sizeof r);
    }
}

// ---- 5. the comparison can fail

// Four times the bound on one element of every result.
static void op_check_perturbed(OpRun *f, const OpRun *d, int c) {
    for (int i = 0; i < d->arrays; i++) {
        OpArray *a = f->array + i;
        if (!op_result(a) || !op_count(a)) continue;
        long n = (long)(sb_mix64((uint64_t)(c * 64 + i)) % (uint64_t)op_count(a)), at = op_element(a, n);
        double was = op_get(a, a->data, at), bound = d->array[i].bound[at];
        double least = FLT_EPSILON + 2 * (FLT_EPSILON + OP_COARSE) * fabs(was);     // where it is exact
        op_put(a, at, was + (bound > 0 ? 4 * bound : least));
        CHECK(op_ratio(a, d->array + i, NULL) > 1, "%s (case %d), %s: four times the bound passes",
              op_case[c].op, c, a->name);
        op_put(a, at, was);
    }
}
// An element of input x whose gradient is of middling size, by the double run; -1: it has none.
static long op_middling(const OpRun *d, int x) {
    for (int g = 0; g < d->arrays; g++) {
        const OpArray *a = d->array + g;
        if (!op_result(a) || a->of != x) continue;
        double square = op_mean_square(a, 0, op_count(a));
        for (long k = 0, n; k < op_count(a); k++) {
            n = (k * 17 + 5) % op_count(a);
            if (square > 0 && pow(op_value(a, op_element(a, n)), 2) >= square / 2)
                return op_element(d->array + x, n);
        }
    }
    return -1;
}
static void test_op_sensitivity(void) {
    OpRun f, d;
    for (int c = 0; c < OP_CASES; c++) {
        op_start(&d, f64::op_case, c, 1, -1, 0);
        op_start(&f, op_case, c, 0, -1, 0);
        op_finish_bounds(&d);
        op_check_perturbed(&f, &d, c);
        op_free(&f);
        for (int x = 0; x < d.arrays; x++) {    // an element set to 0: a term of every sum that it is in
            long at = d.array[x].kind == OP_IN ? op_middling(&d, x) : -1;
            if (at < 0) continue;
            op_start(&f, op_case, c, 0, x, at);
            CHECK(op_worst_ratio(&f, &d) > 1, "%s (case %d): leaving out %s[%ld] passes", op_case[c].op, c,
                  d.array[x].name, at);
            op_free(&f);
        }
        op_free(&d);
    }
}

// ---- 6. threads

// Results are the same bits for any number of threads.
static void test_op_threads(void) {
#ifdef _OPENMP
    OpRun one, more;
    int threads = omp_get_max_threads();
    for (int c = 0; c < OP_CASES; c++) {
        omp_set_num_threads(1);
        op_start(&one, op_case, c, 0, -1, 0);
        omp_set_num_threads(3);
        op_start(&more, op_case, c, 0, -1, 0);
        for (int i = 0; i < one.arrays; i++)
            CHECK(one.array[i].kind == OP_SCRATCH ||
                      !memcmp(one.array[i].data, more.array[i].data, op_bytes(one.array + i)),
                  "%s (case %d), %s: differs between 1 and 3 threads", op_case[c].op, c, one.array[i].name);
        op_free(&one);
        op_free(&more);
    }
    omp_set_num_threads(threads);
#else
    SKIP("built without OpenMP");
#endif
}

#ifndef SB_GPU
// ---- 7. elementary functions over their whole range, against libm

static void test_op_elementary(void) {
    double exp_error = 0, phi_error = 0;
    for (long i = -870000; i <= 880000; i++) {
        float x = (float)i * 1e-4f;
        exp_error = op_worse(exp_error, fabs((double)sb_exp(x) / exp((double)x) - 1));
    }
    for (long i = -1000000; i <= 1000000; i++) {
        float x = (float)i * 2e-5f;
        phi_error = op_worse(phi_error, fabs((double)sb_phi(x) - f64::op_phi((double)x)));
    }
    printf("     exp: relative error %.2g, Phi: absolute error %.2g\n", exp_error, phi_error);
    CHECK(exp_error < 1e-7 && exp_error > 3e-8, "exp: relative error %.3g", exp_error);
    CHECK(phi_error < OP_PHI_ERROR * (double)FLT_EPSILON && phi_error > 6e-8, "Phi: absolute error %.3g",
          phi_error);
    CHECK(sb_exp(-1000) < 2e-38f && sb_exp(-1e7f) < 2e-38f, "exp(-1000) = %g, exp(-1e7) = %g",
          (double)sb_exp(-1000), (double)sb_exp(-1e7f));
    CHECK(sb_exp(1000) > 1e38f, "exp(1000) = %g", (double)sb_exp(1000));
    CHECK(sb_exp(NAN) != sb_exp(NAN) && sb_phi(NAN) != sb_phi(NAN), "NaN does not stay NaN");
    for (double x = 12; x < 1e4; x *= 1.03) {           // far out: 1 and 0
        float h[2] = {(float)x, (float)-x}, one[2] = {1, 1}, g[2], d[2];
        sb_act_forward(g, h, 2, SB_GELU);
        sb_act_backward(d, one, h, 2, SB_GELU);
        CHECK(g[0] == h[0] && fabsf(g[1]) < 1e-25f, "gelu(+-%g) = %g, %g", x, (double)g[0], (double)g[1]);
        CHECK(d[0] == 1 && fabsf(d[1]) < 1e-25f, "gelu'(+-%g) = %g, %g", x, (double)d[0], (double)d[1]);
    }
}

// ---- 8. islands of attention: no two share a key, every row's keys lie in its own

static void test_op_islands(void) {
    enum { N = 40 };
    SbRowSpan span[N];
    int keys[4 * N];
    for (int trial = 0; trial < 4000; trial++) {
        for (int i = 0; i < N; i++) {
            uint64_t z = sb_mix64((uint64_t)(trial * N + i)), at = z % 16 + (uint64_t)(trial % 4 ? i : N - i);
            int *k = keys + 4 * i;
            k[0] = (int)at, k[1] = k[0] + (int)(z >> 8 & 3), k[2] = k[1] + (int)(z >> 16 & 3),
            k[3] = k[2] + (int)(z >> 24 & 3);
            if (z >> 32 & 1) k[0] = k[1] = 0;
            if (z >> 33 & 1) k[3] = k[2];
        }
        long count = sb_islands(span, keys, N), row = 0;
        for (long s = 0; s < count; s++) {
            CHECK(span[s].row0 == row && span[s].row1 > row, "trial %d: island %ld has rows %ld to %ld",
                  trial, s, span[s].row0, span[s].row1);
            for (row = span[s].row0; row < span[s].row1; row++)
                for (int r = 0; r < 4; r += 2)
                    CHECK(keys[4 * row + r] >= keys[4 * row + r + 1] ||
                              (keys[4 * row + r] >= span[s].key0 && keys[4 * row + r + 1] <= span[s].key1),
                          "trial %d: row %ld sees keys outside its island", trial, row);
            for (long o = 0; o < s; o++)
                CHECK(span[s].key0 >= span[o].key1 || span[o].key0 >= span[s].key1,
                      "trial %d: islands %ld and %ld share keys", trial, o, s);
        }
        CHECK(row == N, "trial %d: islands end at row %ld", trial, row);
    }
}
#else
static void test_op_refuses(void) {
    SbAttention a;
    memset(&a, 0, sizeof a);
    a.nq = a.nk = a.heads = a.kv_heads = 1, a.dim = SB_HEAD + 8;
    EXPECT_DIE(sb_attention_forward(NULL, 0, NULL, &a), "heads of 136 channels; its kernels take 1 to 128");
}
#endif

static SB_UNUSED void test_ops_all(void) {
    RUN(test_op_gradients);
    RUN(test_op_formulas);
    RUN(test_op_memory);
    RUN(test_op_float);
    RUN(test_op_sensitivity);
    RUN(test_op_threads);
#ifndef SB_GPU
    RUN(test_op_elementary);
    RUN(test_op_islands);
#else
    RUN(test_op_refuses);
#endif
}
#endif
