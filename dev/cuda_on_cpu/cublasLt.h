// cublasLt.h: the part of cuBLASLt that train.cu calls, by its documentation, on a CPU: plain loops. With it
// the shim checks what train.cu asks of the library: sizes, transpositions, leading dimensions, alignment.
// What it refuses: everything else (epilogues, batches, layouts by rows).
#ifndef CUBLASLT_ON_CPU_H
#define CUBLASLT_ON_CPU_H
#include "cuda_shim.h"
enum cublasStatus_t { CUBLAS_STATUS_SUCCESS, CUBLAS_STATUS_INVALID_VALUE = 7 };
enum cublasOperation_t { CUBLAS_OP_N, CUBLAS_OP_T };
enum cudaDataType_t { CUDA_R_32F = 0, CUDA_R_16BF = 14 };
enum { CUBLAS_COMPUTE_32F = 68, CUBLASLT_MATMUL_DESC_TRANSA = 3, CUBLASLT_MATMUL_DESC_TRANSB = 4 };
enum { CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE = 2, CUBLASLT_ALGO_CONFIG_ID = 0 };
enum cublasLtMatmulPreferenceAttributes_t {
    CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES = 1, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK = 3,
    CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES = 5, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
    CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES
};
struct LtProduct { cublasOperation_t of_a, of_b; };
struct LtLayout { cudaDataType_t type; long rows, cols, ld; };     // by columns
typedef int cublasLtHandle_t, cublasLtMatmulPreference_t;
typedef LtProduct *cublasLtMatmulDesc_t;
typedef LtLayout *cublasLtMatrixLayout_t;
struct cublasLtMatmulAlgo_t { int id; };
struct cublasLtMatmulHeuristicResult_t { cublasLtMatmulAlgo_t algo; };

inline cublasStatus_t cublasLtCreate(cublasLtHandle_t *lt) { return *lt = 1, CUBLAS_STATUS_SUCCESS; }
inline cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *p, int compute, cudaDataType_t scale) {
    if (compute != CUBLAS_COMPUTE_32F || scale != CUDA_R_32F) shim::die("cuBLASLt: sums in float only");
    *p = new LtProduct{CUBLAS_OP_N, CUBLAS_OP_N};
    return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t p, int which, const void *value,
                                                     size_t size) {
    if (size != sizeof(cublasOperation_t)) shim::die("cuBLASLt: size of an attribute");
    (which == CUBLASLT_MATMUL_DESC_TRANSA ? p->of_a : p->of_b) = *(const cublasOperation_t *)value;
    return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *p, cudaDataType_t type,
                                                 uint64_t rows, uint64_t cols, int64_t ld) {
    if (ld < (int64_t)rows) shim::die("cuBLASLt: a leading dimension below the number of rows");
    *p = new LtLayout{type, (long)rows, (long)cols, (long)ld};
    return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *p) {
    return *p = 1, CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t, int which,
                                                           const void *, size_t size) {
    if (size != (which == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES ? 8 : 4))
        shim::die("cuBLASLt: size of a preference");
    return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t) {
    return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t p,
                                                     cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                                     cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t,
                                                     cublasLtMatmulPreference_t, int,
                                                     cublasLtMatmulHeuristicResult_t *found, int *count) {
    long m = p->of_a == CUBLAS_OP_N ? a->rows : a->cols, k = p->of_a == CUBLAS_OP_N ? a->cols : a->rows;
    long n = p->of_b == CUBLAS_OP_N ? b->cols : b->rows, other = p->of_b == CUBLAS_OP_N ? b->rows : b->cols;
    if (k != other || c->rows != m || c->cols != n) return CUBLAS_STATUS_INVALID_VALUE;
    found->algo.id = 66, *count = 1;
    return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t *algorithm, int,
                                                           void *to, size_t size, size_t *) {
    return memcpy(to, &algorithm->id, size), CUBLAS_STATUS_SUCCESS;
}
inline float lt_get(const void *p, const LtLayout *l, long row, long col) {
    long at = col * l->ld + row;
    return l->type == CUDA_R_16BF ? (float)((const __nv_bfloat16 *)p)[at] : ((const float *)p)[at];
}
inline cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t p, const void *alpha,
                                     const void *a, cublasLtMatrixLayout_t la, const void *b,
                                     cublasLtMatrixLayout_t lb, const void *beta, const void *c,
                                     cublasLtMatrixLayout_t lc, void *d, cublasLtMatrixLayout_t,
                                     const cublasLtMatmulAlgo_t *, void *, size_t, int) {
    long inner = p->of_a == CUBLAS_OP_N ? la->cols : la->rows;
    if (c != d || ((size_t)a | (size_t)b | (size_t)c) % 16) shim::die("cuBLASLt: alignment, or C is not D");
    for (long j = 0; j < lc->cols; j++)
        for (long i = 0; i < lc->rows; i++) {
            float sum = 0, start = *(const float *)beta;
            for (long k = 0; k < inner; k++)
                sum += (p->of_a == CUBLAS_OP_N ? lt_get(a, la, i, k) : lt_get(a, la, k, i)) *
                       (p->of_b == CUBLAS_OP_N ? lt_get(b, lb, k, j) : lt_get(b, lb, j, k));
            sum = *(const float *)alpha * sum + (start != 0 ? start * lt_get(c, lc, i, j) : 0);
            if (lc->type == CUDA_R_16BF) ((__nv_bfloat16 *)d)[j * lc->ld + i] = sum;
            else ((float *)d)[j * lc->ld + i] = sum;
        }
    return CUBLAS_STATUS_SUCCESS;
}
#endif
