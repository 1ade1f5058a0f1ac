// rigid.h: the motion that carries one set of points onto another: least squares, and RANSAC among matches.
//
// A motion is 12 numbers as of sb_relative_pose: q = R p + t, R [3][3] row by row, then t.
// Refuses: nothing; too few points give the motion that moves nothing. Read from top: the fit, matches,
// RANSAC.
#ifndef SB_RIGID_H
#define SB_RIGID_H
#include "fit.h"

static SB_UNUSED void sb_rigid_apply(const double m[12], const double p[3], double q[3]) {
    for (int i = 0; i < 3; i++) q[i] = m[3 * i] * p[0] + m[3 * i + 1] * p[1] + m[3 * i + 2] * p[2] + m[9 + i];
}
static SB_UNUSED double sb_rigid_off(const double m[12], const double p[3], const double q[3]) {
    double c[3];
    sb_rigid_apply(m, p, c);
    return hypot(hypot(c[0] - q[0], c[1] - q[1]), c[2] - q[2]);
}

// ---- the fit

// The eigenvector of the largest eigenvalue of a symmetric a [4][4], which is destroyed, by Jacobi's
// rotations (Golub and Van Loan, 8.5).
static void sb_largest_axis(double a[4][4], double axis[4]) {
    double v[4][4] = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}};
    int best = 0;
    for (int turn = 0; turn < 20 * 6; turn++) {
        static const int pair[6][2] = {{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}};
        int p = pair[turn % 6][0], q = pair[turn % 6][1];
        if (fabs(a[p][q]) < 1e-300) continue;
        double tau = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        double t = (tau < 0 ? -1 : 1) / (fabs(tau) + sqrt(1 + tau * tau)), c = 1 / sqrt(1 + t * t), s = t * c;
        for (int k = 0; k < 4; k++) {
            double x = a[k][p], y = a[k][q];
            a[k][p] = c * x - s * y, a[k][q] = s * x + c * y;
        }
        for (int k = 0; k < 4; k++) {
            double x = a[p][k], y = a[q][k];
            a[p][k] = c * x - s * y, a[q][k] = s * x + c * y;
        }
        for (int k = 0; k < 4; k++) {
            double x = v[k][p], y = v[k][q];
            v[k][p] = c * x - s * y, v[k][q] = s * x + c * y;
        }
    }
    for (int k = 1; k < 4; k++) if (a[k][k] > a[best][best]) best = k;
    for (int k = 0; k < 4; k++) axis[k] = v[k][best];
}
// m: the minimum of sum |R p + t - q|^2 over n pairs with use[i] (NULL: all): the rotation is the unit
// quaternion of the largest eigenvalue of a matrix of sums (Horn 1987).
static SB_UNUSED void sb_rigid_fit(double m[12], const double (*p)[3], const double (*q)[3],
                                   const unsigned char *use, int n) {
    static const double still[12] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0};
    double a[3] = {0}, b[3] = {0}, s[3][3] = {{0}}, e[4], count = 0;
    memcpy(m, still, sizeof still);
    for (int i = 0; i < n; i++) {
        if (use && !use[i]) continue;
        for (int k = 0; k < 3; k++) a[k] += p[i][k], b[k] += q[i][k];
        count++;
    }
    if (count < 3) return;
    for (int k = 0; k < 3; k++) a[k] /= count, b[k] /= count;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < 3 && (!use || use[i]); j++)
            for (int k = 0; k < 3; k++) s[j][k] += (p[i][j] - a[j]) * (q[i][k] - b[k]);
    double x = s[1][2] - s[2][1], y = s[2][0] - s[0][2], z = s[0][1] - s[1][0];
    double h[4][4] = {{s[0][0] + s[1][1] + s[2][2], x, y, z},
                      {x, s[0][0] - s[1][1] - s[2][2], s[0][1] + s[1][0], s[2][0] + s[0][2]},
                      {y, s[0][1] + s[1][0], s[1][1] - s[0][0] - s[2][2], s[1][2] + s[2][1]},
                      {z, s[2][0] + s[0][2], s[1][2] + s[2][1], s[2][2] - s[0][0] - s[1][1]}};
    sb_largest_axis(h, e);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) m[3 * i + j] = 2 * e[1 + i] * e[1 + j] + (i == j) * (2 * e[0] * e[0] - 1);
    m[1] -= 2 * e[0] * e[3], m[2] += 2 * e[0] * e[2], m[3] += 2 * e[0] * e[3];
    m[5] -= 2 * e[0] * e[1], m[6] -= 2 * e[0] * e[2], m[7] += 2 * e[0] * e[1];
    for (int i = 0; i < 3; i++) m[9 + i] = b[i] - m[3 * i] * a[0] - m[3 * i + 1] * a[1] - m[3 * i + 2] * a[2];
}

// ---- matches

// Of rows a [n][C] and b [k][C] of length 1 those that are each other's nearest: match [n], -1: none. Returns
// how many.
static SB_UNUSED int sb_mutual(int *match, const real *a, int n, const real *b, int k, int C) {
    real *cosine = (real *)sb_calloc((size_t)n * (size_t)k + 1, sizeof *cosine);
    int *back = (int *)sb_calloc((size_t)k + 1, sizeof *back), found = 0;
    if (n && k) SB_CPU sb_matmul(n, k, C, a, C, 1, b, SB_NATIVE, 1, C, cosine, k, 0);
    for (int j = 0; j < k; j++)
        for (int i = 1; i < n; i++)
            if (cosine[(long)i * k + j] > cosine[(long)back[j] * k + j]) back[j] = i;
    for (int i = 0; i < n; i++) {
        match[i] = k ? sb_argmax(cosine + (long)i * k, k) : -1;
        if (k && back[match[i]] != i) match[i] = -1;
        found += match[i] >= 0;
    }
    free(cosine), free(back);
    return found;
}

// ---- RANSAC (Fischler and Bolles 1981)

// Pairs that the motion carries to within `limit`.
static int sb_rigid_inliers(unsigned char *use, const double m[12], const double (*p)[3],
                            const double (*q)[3], int n, double limit) {
    int count = 0;
    for (int i = 0; i < n; i++) use[i] = sb_rigid_off(m, p[i], q[i]) <= limit, count += use[i];
    return count;
}
// The motion of three of n pairs that most agree with, of `rounds` draws; then twice fitted to these. Returns
// how many agree.
static SB_UNUSED int sb_rigid_ransac(double m[12], const double (*p)[3], const double (*q)[3], int n,
                                     double limit, int rounds, SbRandom *random) {
    unsigned char *use = (unsigned char *)sb_calloc((size_t)n + 1, 1);
    double tried[12];
    int most = 0;
    sb_rigid_fit(m, p, q, NULL, 0);
    for (int round = 0; round < rounds && n >= 3; round++) {
        double a[3][3], b[3][3];
        for (int k = 0; k < 3; k++) {
            int i = (int)sb_next_int(random, (uint32_t)n);
            memcpy(a[k], p[i], sizeof a[k]), memcpy(b[k], q[i], sizeof b[k]);
        }
        sb_rigid_fit(tried, (const double(*)[3])a, (const double(*)[3])b, NULL, 3);
        int count = sb_rigid_inliers(use, tried, p, q, n, limit);
        if (count > most) most = count, memcpy(m, tried, sizeof tried);
    }
    for (int k = 0; k < 2 && most >= 3; k++) {
        most = sb_rigid_inliers(use, m, p, q, n, limit);
        sb_rigid_fit(m, p, q, use, n);
    }
    free(use);
    return most;
}
#endif
