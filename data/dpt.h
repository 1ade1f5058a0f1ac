// dpt.h: a small DPT head (Ranftl et al. 2021) that reads depth off frozen features of several blocks.
// Include spatialboost.h and file.h first.
//
// Features x [P][L][C] of a picture's grid x grid patches behind L blocks. From the last block to the first:
//     u_l = W_l x_l + b_l + o_(l+1)      o_l = u_l + conv3x3(relu(u_l))       (reassemble, fuse; o_L = 0)
// then o_0 is enlarged to twice the grid (linear), relu(conv3x3), and a map to one number a place; a patch's
// depth is the mean of its four places. Trained by Adam on the mean square error of the patches whose depth
// is known (> 0); features and depths are standardised for it, which is folded into the weights in the end.
// A convolution is a product with the nine neighbours side by side (outside: 0).
// Refuses: results that hang on the number of threads (spatialboost.h's products, all else in order). No
// include guard: the tests hold it twice, in float and in double. Read from top: weights, the two layers that
// are no products, forward, backward, training, depth.
#ifndef SB_CPU
#define SB_CPU
#endif
enum { SB_DPT_WIDTH = 32, SB_DPT_BATCH = 16, SB_DPT_EPOCHS = 20 };
#define SB_DPT_RATE 2e-3

// w: maps 0 .. L - 1 reassemble, L .. 2 L - 1 fuse, 2 L is behind the enlargement, 2 L + 1 the last; each
// [out][in], then its bias [out]. g: gradient; m, v: Adam's moments. The rest: of a batch of `most` pictures.
typedef struct {
    int L, C, grid, most;
    long size;
    real *w, *g, *m, *v;
    real *u, *col, *o, *big, *big_col, *h, *y, *depth, *d_o, *d_big, *d_col;
    real *block;
} SbDpt;
typedef struct { int in, out; long at; } SbDptMap;

static SbDptMap sb_dpt_map(const SbDpt *d, int k) {
    enum { D = SB_DPT_WIDTH };
    SbDptMap m = {D, D, 0};
    int first = k < d->L ? k : d->L, nine = k < 2 * d->L + 1 ? k - first : d->L + 1;
    if (k < d->L) m.in = d->C;
    else if (k <= 2 * d->L) m.in = 9 * D;
    else m.out = 1;
    m.at = (long)first * (D * d->C + D) + (long)nine * (9 * D * D + D);
    return m;
}
static SB_UNUSED void sb_dpt_make(SbDpt *d, int L, int C, int grid, int most, uint64_t seed) {
    enum { D = SB_DPT_WIDTH };
    SbRandom random = sb_random(seed, 0);
    size_t P = (size_t)most * (size_t)(grid * grid), W = D, l = (size_t)L;
    memset(d, 0, sizeof *d);
    d->L = L, d->C = C, d->grid = grid, d->most = most;
    SbDptMap last = sb_dpt_map(d, 2 * L + 1);
    d->size = last.at + last.in + 1;
    d->w = (real *)sb_calloc(4 * (size_t)d->size, sizeof(real));
    d->g = d->w + d->size, d->m = d->g + d->size, d->v = d->m + d->size;
    real **part[] = {&d->u, &d->col, &d->o, &d->big, &d->big_col, &d->h, &d->y, &d->depth, &d->d_o, &d->d_big,
                     &d->d_col};
    size_t rows[] = {l * P * W, l * P * 9 * W, P * W, 4 * P * W, 36 * P * W, 4 * P * W, 4 * P, P,
                     P * W, 4 * P * W, 36 * P * W}, all = 0;
    for (int i = 0; i < 11; i++) all += rows[i];
    real *at = d->block = (real *)sb_calloc(all, sizeof(real));
    for (int i = 0; i < 11; at += rows[i++]) *part[i] = at;
    for (int k = 0; k <= 2 * L + 1; k++) {
        SbDptMap m = sb_dpt_map(d, k);
        for (long i = 0; i < (long)m.in * m.out; i++)
            d->w[m.at + i] = (real)((2 * sb_next_unit(&random) - 1) * sqrt(3. / m.in));
    }
}
static SB_UNUSED void sb_dpt_free(SbDpt *d) { free(d->w), free(d->block), d->w = d->block = NULL; }

// y [n][out] = (add: +=) x w^T + b of map k, rows of x ld apart; and back: gradients of the map are added, dx
// [n][in] = dy w unless NULL.
static void sb_dpt_linear(const SbDpt *d, int k, real *y, const real *x, long ld, long n, int add) {
    SbDptMap m = sb_dpt_map(d, k);
    const real *w = d->w + m.at, *b = w + (long)m.in * m.out;
    SB_CPU sb_matmul((int)n, m.out, m.in, x, ld, 1, w, SB_NATIVE, 1, m.in, y, m.out, add);
    for (long i = 0; i < n * m.out; i++) y[i] += b[i % m.out];
}
static void sb_dpt_linear_back(const SbDpt *d, int k, real *dx, const real *dy, const real *x, long ld,
                               long n) {
    SbDptMap m = sb_dpt_map(d, k);
    real *g = d->g + m.at, *gb = g + (long)m.in * m.out;
    SB_CPU sb_matmul(m.out, m.in, (int)n, dy, 1, m.out, x, SB_NATIVE, ld, 1, g, m.in, 1);
    for (long i = 0; i < n * m.out; i++) gb[i % m.out] += dy[i];
    if (dx)
        SB_CPU sb_matmul((int)n, m.in, m.out, dy, m.out, 1, d->w + m.at, SB_NATIVE, m.in, 1, dx, m.in, 0);
}

// ---- neighbours, enlargement

// col [n side side][9][D] = the nine neighbours of each place of u (relu: of its positive part); back: u's
// gradient du += what col's says.
static void sb_dpt_columns(real *col, const real *u, real *du, int n, int side, int relu) {
    enum { D = SB_DPT_WIDTH };
    for (int p = 0; p < n * side * side; p++)
        for (int tap = 0; tap < 9; tap++) {
            int y = p / side % side + tap / 3 - 1, x = p % side + tap % 3 - 1, in = y >= 0 && x >= 0;
            real *c = col + ((long)p * 9 + tap) * D;
            long at = ((long)p + (tap / 3 - 1) * side + tap % 3 - 1) * D;
            in = in && y < side && x < side;
            if (!in && !du) memset(c, 0, D * sizeof *c);
            for (int k = 0; in && k < D; k++) {
                int on = !relu || u[at + k] > 0;
                if (du) du[at + k] += on ? c[k] : 0;
                else c[k] = on ? u[at + k] : 0;
            }
        }
}
// big [n][2 side][2 side][D] from o [n][side][side][D], linear between the centres, at the border the
// nearest; back: o += what big's gradient says.
static void sb_dpt_enlarge(real *big, real *o, int n, int side, int back) {
    enum { D = SB_DPT_WIDTH };
    if (!back) memset(big, 0, (size_t)(4 * n * side * side) * D * sizeof *big);
    for (int p = 0; p < 4 * n * side * side; p++)
        for (int corner = 0; corner < 4; corner++) {
            int y = p / (2 * side) % (2 * side), x = p % (2 * side), far_y = corner / 2, far_x = corner % 2;
            int v = y / 2 + far_y * (y % 2 ? 1 : -1), u = x / 2 + far_x * (x % 2 ? 1 : -1);
            v = v < 0 ? 0 : v < side ? v : side - 1, u = u < 0 ? 0 : u < side ? u : side - 1;
            real weight = (real)((far_y ? .25 : .75) * (far_x ? .25 : .75));
            real *b = big + (long)p * D;
            real *at = o + ((long)p / (4 * side * side) * side * side + v * side + u) * D;
            for (int k = 0; k < D; k++)
                if (back) at[k] += weight * b[k];
                else b[k] += weight * at[k];
        }
}

// ---- forward, backward

// depth [n][P] of n (at most `most`) pictures.
static SB_UNUSED void sb_dpt_forward(SbDpt *d, const real *x, int n) {
    enum { D = SB_DPT_WIDTH };
    int L = d->L, side = d->grid;
    long rows = (long)n * side * side, ld = (long)L * d->C;
    for (int l = L - 1; l >= 0; l--) {
        real *u = d->u + l * rows * D, *col = d->col + l * rows * 9 * D;
        if (l < L - 1) memcpy(u, d->o, (size_t)(rows * D) * sizeof *u);
        sb_dpt_linear(d, l, u, x + (long)l * d->C, ld, rows, l < L - 1);
        sb_dpt_columns(col, u, NULL, n, side, 1);
        memcpy(d->o, u, (size_t)(rows * D) * sizeof *u);
        sb_dpt_linear(d, L + l, d->o, col, 9 * D, rows, 1);
    }
    sb_dpt_enlarge(d->big, d->o, n, side, 0);
    sb_dpt_columns(d->big_col, d->big, NULL, n, 2 * side, 0);
    sb_dpt_linear(d, 2 * L, d->h, d->big_col, 9 * D, 4 * rows, 0);
    for (long i = 0; i < 4 * rows * D; i++) d->h[i] = d->h[i] > 0 ? d->h[i] : 0;
    sb_dpt_linear(d, 2 * L + 1, d->y, d->h, D, 4 * rows, 0);
    for (long p = 0; p < rows; p++) {
        const real *y = d->y + p / side * 4 * side + p % side * 2;
        d->depth[p] = (y[0] + y[1] + y[2 * side] + y[2 * side + 1]) / 4;
    }
}
// Mean square error against z [n][P] (known: above SB_DPT_UNKNOWN); after sb_dpt_forward: its gradient to g.
#define SB_DPT_UNKNOWN -1e6
static SB_UNUSED double sb_dpt_backward(SbDpt *d, const real *x, const real *z, int n) {
    enum { D = SB_DPT_WIDTH };
    int L = d->L, side = d->grid;
    long rows = (long)n * side * side, ld = (long)L * d->C, known = 0;
    double loss = 0;
    memset(d->g, 0, (size_t)d->size * sizeof *d->g);
    for (long p = 0; p < rows; p++) known += z[p] > SB_DPT_UNKNOWN;
    for (long p = 0; p < rows; p++) {
        real *y = d->y + p / side * 4 * side + p % side * 2;
        double off = z[p] > SB_DPT_UNKNOWN ? (double)(d->depth[p] - z[p]) : 0;
        y[0] = y[1] = y[2 * side] = y[2 * side + 1] = (real)(off / (2. * (double)(known ? known : 1)));
        loss += off * off;
    }
    sb_dpt_linear_back(d, 2 * L + 1, d->d_big, d->y, d->h, D, 4 * rows);
    for (long i = 0; i < 4 * rows * D; i++) d->d_big[i] = d->h[i] > 0 ? d->d_big[i] : 0;
    sb_dpt_linear_back(d, 2 * L, d->d_col, d->d_big, d->big_col, 9 * D, 4 * rows);
    memset(d->d_big, 0, (size_t)(4 * rows * D) * sizeof(real));
    sb_dpt_columns(d->d_col, NULL, d->d_big, n, 2 * side, 0);
    memset(d->d_o, 0, (size_t)(rows * D) * sizeof(real));
    sb_dpt_enlarge(d->d_big, d->d_o, n, side, 1);
    for (int l = 0; l < L; l++) {               // d_o: of o_l, becomes that of u_l, which is that of o_(l+1)
        sb_dpt_linear_back(d, L + l, d->d_col, d->d_o, d->col + l * rows * 9 * D, 9 * D, rows);
        sb_dpt_columns(d->d_col, d->u + l * rows * D, d->d_o, n, side, 1);
        sb_dpt_linear_back(d, l, NULL, d->d_o, x + (long)l * d->C, ld, rows);
    }
    return loss / (double)(known ? known : 1);
}

// ---- training

// Adam (Kingma and Ba 2015), step counts from 1.
static void sb_dpt_step(SbDpt *d, double rate, int step) {
    double c1 = 1 - pow(.9, step), c2 = 1 - pow(.999, step);
    for (long i = 0; i < d->size; i++) {
        double g = d->g[i], m = .9 * d->m[i] + .1 * g, v = .999 * d->v[i] + .001 * g * g;
        d->m[i] = (real)m, d->v[i] = (real)v;
        d->w[i] = (real)(d->w[i] - rate * (m / c1) / (sqrt(v / c2) + 1e-8));
    }
}
// mean, sd [n columns] of rows x; of z > 0 with one column.
static void sb_dpt_spread(double *mean, double *sd, const real *x, long rows, int columns, int positive) {
    double n = 0;
    for (int c = 0; c < columns; c++) mean[c] = sd[c] = 0;
    for (long i = 0; i < rows * columns; i++)
        if (!positive || x[i] > 0) mean[i % columns] += x[i], n += 1. / columns;
    for (int c = 0; c < columns; c++) mean[c] /= fmax(n, 1);
    for (long i = 0; i < rows * columns; i++)
        if (!positive || x[i] > 0) sd[i % columns] += pow(x[i] - mean[i % columns], 2);
    for (int c = 0; c < columns; c++) sd[c] = sqrt(sd[c] / fmax(n, 1)) + 1e-6;
}
// The weights as they act on features as they are, and give metres.
static void sb_dpt_fold(SbDpt *d, const double *mean, const double *sd, double z_mean, double z_sd) {
    for (int l = 0; l < d->L; l++) {
        SbDptMap m = sb_dpt_map(d, l);
        real *w = d->w + m.at, *b = w + (long)m.in * m.out;
        for (int i = 0; i < m.out * m.in; i++) {
            int c = l * d->C + i % m.in;
            w[i] = (real)(w[i] / sd[c]), b[i / m.in] -= (real)(w[i] * mean[c]);
        }
    }
    real *w = d->w + sb_dpt_map(d, 2 * d->L + 1).at;
    for (int k = 0; k < SB_DPT_WIDTH; k++) w[k] = (real)(w[k] * z_sd);
    w[SB_DPT_WIDTH] = (real)(w[SB_DPT_WIDTH] * z_sd + z_mean);
}
// Fit to n pictures, in batches of as many as the head was made for: x [n][P][L][C], depths z [n][P] metres,
// 0: not known. The rate falls to 0 as a cosine.
static SB_UNUSED void sb_dpt_fit(SbDpt *d, const real *x, const real *z, long n, int epochs) {
    int P = d->grid * d->grid, W = d->L * d->C, batch = d->most;
    double *mean = (double *)sb_calloc((size_t)(2 * W), sizeof *mean), *sd = mean + W, z_mean, z_sd;
    real *bx = (real *)sb_calloc((size_t)(batch * P) * (size_t)(W + 1), sizeof *bx);
    real *bz = bx + (long)batch * P * W;
    sb_dpt_spread(mean, sd, x, n * P, W, 0), sb_dpt_spread(&z_mean, &z_sd, z, n * P, 1, 1);
    long each = (n + batch - 1) / batch, steps = each * epochs;
    for (long s = 0; s < steps; s++) {
        for (long i = 0; i < batch; i++) {      // the last batch of an epoch begins the next one
            uint64_t at = (uint64_t)(s * batch + i), lap = at / (uint64_t)n;
            long from = (long)sb_shuffled(at % (uint64_t)n, (uint64_t)n, lap);
            for (long k = 0; k < (long)P * W; k++)
                bx[i * P * W + k] = (real)((x[from * P * W + k] - mean[k % W]) / sd[k % W]);
            for (int p = 0; p < P; p++) {
                double depth = z[from * P + p];
                bz[i * P + p] = (real)(depth > 0 ? (depth - z_mean) / z_sd : 2 * SB_DPT_UNKNOWN);
            }
        }
        sb_dpt_forward(d, bx, batch);
        sb_dpt_backward(d, bx, bz, batch);
        double done = (double)s / (double)steps;
        sb_dpt_step(d, SB_DPT_RATE * .5 * (1 + cos(3.14159265358979323846 * done)), (int)s + 1);
    }
    sb_dpt_fold(d, mean, sd, z_mean, z_sd);
    free(mean), free(bx);
}
// Depths [n][P] of x [n][P][L][C], in metres.
static SB_UNUSED void sb_dpt_apply(SbDpt *d, real *depth, const real *x, int n) {
    long P = (long)d->grid * d->grid;
    for (int i = 0, k; i < n; i += k) {
        k = n - i < d->most ? n - i : d->most;
        sb_dpt_forward(d, x + i * P * d->L * d->C, k);
        memcpy(depth + i * P, d->depth, (size_t)(k * P) * sizeof *depth);
    }
}
