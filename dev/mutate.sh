#!/bin/sh
# mutate.sh: break spatialboost.h's kernels one line at a time; dev/test_ops.h must notice every break.
#
# Works on copies in a temporary folder. A line below is "what is broken @ sed expression"; an expression that
# changes nothing is stale and counts as a failure, as does a break that survives. Exit 1 on either.
# Usage: sh dev/mutate.sh [number ...]     (these lines alone; 0 is the unbroken header, which must pass)
# JOBS: how many at once (all cores).  CXX, NATIVE: the compiler and its flag for this machine.
cd "$(dirname "$0")/.." || exit 1
breaks() { cat <<'LIST'
nothing @
linear: no bias @ s/if (bias) t\[i\]\[j\] +=/if (0) t[i][j] +=/
matmul: the last term of every sum @ s/for (long k = 0; k < kc \* ak; k += ak/for (long k = 0; k < (kc - 1) * ak; k += ak/
matmul: full tiles assign where they should add @ s/if (whole \&\& add) \*o +=/if (0) *o +=/
matmul: edge tiles assign where they should add @ s/ + (add ? c\[i \* ldc + j\] : (real)0);/;/
matmul: a slab forgets the slabs before it @ s/g->add || k0,/g->add,/
matmul: the last row of a tile repeats the one before @ s/row\[i\] = a + sb_min(i, m - 1) \* ai/row[i] = a + sb_min(i, m > 1 ? m - 2 : 0) * ai/
weights: bf16 read with the wrong exponent @ s/(const uint16_t \*)p)\[i\] << 16/(const uint16_t *)p)[i] << 15/
linear backward: d_x adds where it should assign @ s/w.p, w.type, w.ld, 1, d_x, ldx, 0);/w.p, w.type, w.ld, 1, d_x, ldx, 1);/
linear backward: d_x (add) assigns @ s/w.p, w.type, w.ld, 1, d_x, ldx, 1);/w.p, w.type, w.ld, 1, d_x, ldx, 0);/
linear backward: d_w assigns @ s/SB_NATIVE, ldx, 1, d_w, in, 1);/SB_NATIVE, ldx, 1, d_w, in, 0);/
linear backward: d_b assigns @ s/sum\[c0 + c\] += s\[c\];/sum[c0 + c] = s[c];/
linear backward: d_b without the first row @ /^static void sb_column_sums_add/,/^}/s/for (long i = 0; i < n/for (long i = 1; i < n/
gelu backward: no h phi(h) @ s/(sb_phi_of(h\[i\], bell) + h\[i\] \* (real)0.39894228040143268 \* bell)/sb_phi_of(h[i], bell)/
gelu backward: no Phi(h) @ s/(sb_phi_of(h\[i\], bell) + h\[i\] \* (real)0.398/(h[i] * (real)0.398/
swiglu backward: silu' = s @ s/ \* s \* (1 + gate\[j\] \* (1 - s));/ * s;/
swiglu backward: d_up without s @ s/d_up\[j\] = d\[j\] \* gate\[j\] \* s;/d_up[j] = d[j] * gate[j];/
norm: variance around 0 @ s/square += (r\[c\] - mean) \* (r\[c\] - mean);/square += r[c] * r[c];/
norm: no epsilon @ s|sqrt((double)square / C + eps)|sqrt((double)square / C)|
norm backward: no mean(e) @ s/rstd \* (e - mean_e - u \* mean_eu)/rstd * (e - u * mean_eu)/
norm backward: no mean(e u) @ s/rstd \* (e - mean_e - u \* mean_eu)/rstd * (e - mean_e)/
norm backward: RMSNorm has mean(e) too @ s/mean_e = layernorm ? sum_e/mean_e = 1 ? sum_e/
norm backward: d_r assigns @ s/ + (keep ? d\[c\] : (real)0);/;/
norm backward: d_w without rstd @ s/(r\[i \* ldr + c0 + c\] - mean) \* rstd : 1/(r[i * ldr + c0 + c] - mean) : 1/
turn: the inverse turns forward @ s/s = back ? -sine\[b \* half + j\] : sine/s = sine/
turn: every block takes the first one's angles @ s/real c = cosine\[b \* half + j\]/real c = cosine[j]/
turn: keys take the camera's matrix, not its inverse @ s/(side == SB_TURN_K || side == SB_BACK_K ? 16 : 0)/0/
turn: no matrix is transposed @ s/across = side == SB_TURN_Q || side == SB_BACK_K;/across = 0;/
feature loss: the cosine's gradient without its own length @ s/(cosine \* (double)p\[c\] \/ np - /(0 - /
feature loss: rows weigh the same @ s/w = (double)weight\[i\];/w = 1;/
gate backward: no 1 - s @ s/d_u\[i\] = d_y\[i\] \* a\[i\] \* s \* (1 - s);/d_u[i] = d_y[i] * a[i] * s;/
act backward: u' of a straight line @ s/(a + 3 \* b \* hh)/(a + b * hh)/
act: quick gelu is silu @ s/act == SB_QUICK_GELU ? 1.702 : 1/1/
modulate backward: the gate's gradient without the shift @ s/(x_c \* (1 + m\[width\]) + m\[0\])/(x_c * (1 + m[width]))/
gather: the second addend is not read @ s/(more ? width : 0); c++) y\[i \* ldy + c\] += /0; c++) y[i * ldy + c] += /
attention: lse without log(sum) @ s/(stat_t)(top \* scale + (stat_t)log((double)sum))/(stat_t)(top * scale)/
attention: columns between the intervals not cleared @ s/for (long j = c\[1\]; j < c\[2\]; j++) s\[j\] = 0;/;/
attention: columns before the first interval not cleared @ s/for (long j = 0; j < c\[0\]; j++) s\[j\] = 0;/;/
attention: columns behind the last interval not cleared (a target leaks into its context) @ s/for (long j = c\[3\]; j < ld; j++) s\[j\] = 0;/;/
attention: the second key range replaces the first @ s/o + i0 \* ldo + h \* D, ldo, r);/o + i0 * ldo + h * D, ldo, 0);/
attention: overlapping key ranges stay two @ s/if (s.gap1 <= s.gap0 || !s.hi)/if (!s.hi)/
attention: grouped heads read key head 0 @ s|kv = h / (a->heads / a->kv_heads) \* D|kv = 0 * h|
attention: islands that share keys stay apart @ s/if (!none && !lone && s.key0 >= back->key1) break;/if (!none \&\& !lone) break;/
attention: a row joins one island only @ s/for (; count; count--) {/for (int once = 1; count \&\& once; count--, once = 0) {/
attention: an island forgets the second interval @ s/some \* k\[0\], some \* k\[3\]/some * k[0], some * k[1]/
attention backward: no rowsum(d_o o) @ s/dp_i\[j\] = p_i\[j\] \* (dp_i\[j\] - delta\[i\]) \* scale;/dp_i[j] = p_i[j] * dp_i[j] * scale;/
attention backward: no 1 - sqrt(D) @ s/dp_i\[j\] = p_i\[j\] \* (dp_i\[j\] - delta\[i\]) \* scale;/dp_i[j] = p_i[j] * (dp_i[j] - delta[i]);/
attention backward: no lse @ s/p_i\[j\] = sb_exp(p_i\[j\] \* scale - l);/p_i[j] = sb_exp(p_i[j] * scale - 0 * l);/
attention backward: rowsum(d_o o) without its last term @ s/for (int d = 0; d < D; d++) sum +=/for (int d = 0; d < D - 1; d++) sum +=/
attention backward: d_k of the last head only @ s/d_k + k0 \* a->ldk + kv, a->ldk, 1);/d_k + k0 * a->ldk + kv, a->ldk, 0);/
attention backward: d_v of the last head only @ s/d_v + k0 \* a->ldv + kv, a->ldv, 1);/d_v + k0 * a->ldv + kv, a->ldv, 0);/
attention backward: d_k not cleared @ s/memset(d_k + j \* a->ldk + kv \* D, 0, (size_t)D \* sizeof(real));/;/
attention backward: d_q of the second range only @ s/1, d_q, a->ldq, r);/1, d_q, a->ldq, 0);/
fold: Attn+ weighted by alpha @ s/= (1 - s) \* sb_load(wp.p/= s * sb_load(wp.p/
fold backward: d_a without Attn+ @ s/  m2\[j\] \* sb_load(wp.p, wp.type, c \* wp.ld + j);/  0;/
fold backward: d_a without the biases @ s/if (b.p) d_s += d_bc/if (0) d_s += d_bc/
fold backward: d_a without 1 - alpha @ s/\] += s \* (1 - s) \* d_s;/] += s * d_s;/
fold backward: d_wp assigns @ s/d_wp\[(long)c \* M + j\] += /d_wp[(long)c * M + j] = /
fold backward: d_bp by alpha @ s/d_bp\[c\] += (1 - t) \*/d_bp[c] += t */
fold: every head has the first one's alpha @ s/: 0) + q; }/: 0) + 0 * q; }/
fold: every row has the first one's alpha @ s/(a.rows > 1 ? c \* a.ld : 0) + q/(a.rows > 1 ? 0 * c : 0) + q/
fold: the bias's alpha is the last head's @ s/            t += s;/            t = s * (real)Q;/
fold backward: a head's d_a takes all of the bias @ s|d_bc\[c\] / (real)Q \*|d_bc[c] *|
fold backward: d_a assigns @ s/d_a\[sb_gate_at(a, c, q)\] += /d_a[sb_gate_at(a, c, q)] = /
patches: no position @ s/(at >= 0 \&\& pos.p ? sb_load(pos.p/(0 ? sb_load(pos.p/
patches: every register is the first @ s/long row = kind < -1 ? (-2 - kind) \* own.ld : 0;/long row = 0;/
patches: rows of a picture by the wrong stride @ s/(long)y \* p\[1\] + u/(long)y * side + u/
patches backward: the bias takes CLS too @ s/if (kind >= 0 \&\& d_b)/if (d_b)/
patches backward: CLS takes registers too @ s/if (kind == -1 \&\& d_cls)/if (kind < 0 \&\& d_cls)/
patches backward: d_w assigns @ s/SB_NATIVE, cols, 1, d_w, cols, 1);/SB_NATIVE, cols, 1, d_w, cols, 0);/
words: the last of a bag is lost @ s/for (int j = 0; j < SB_BAG; j++) {/for (int j = 0; j < SB_BAG - 1; j++) {/
words backward: d_emb assigns @ s/d_emb\[(long)token\[t\] \* width + c\] += /d_emb[(long)token[t] * width + c] = /
words backward: d_vis not cleared @ s/if (d_vis) memset(d_vis, 0/if (0) memset(d_vis, 0/
scatter assigns @ s/d_x\[(long)index\[i\] \* width + c\] += /d_x[(long)index[i] * width + c] = /
cross-entropy: the sum misses its first term @ s/for (int j = 0; j < classes; j++) sum += sb_exp/for (int j = 1; j < classes; j++) sum += sb_exp/
cross-entropy: gradient misses the target @ s/d_logits\[i \* classes + target\[i\]\] -= factor;/;/
cross-entropy: rows without target get a gradient @ s/factor = target\[i\] < 0 ? (real)0 : (real)scale/factor = (real)scale/
binary cross-entropy: gradient without y @ s|(1 / (1 + exp(-z)) - (double)y\[at\])|(1 / (1 + exp(-z)))|
Huber: slope not limited below @ s/(e > 1 ? 1 : e < -1 ? -1 : e)/(e > 1 ? 1 : e)/
head: d_w of the first chunk only @ s/if (d_w) sb_linear_backward_weight(d_w, NULL, d_logits/if (d_w \&\& !i) sb_linear_backward_weight(d_w, NULL, d_logits/
AdamW: first moment not corrected @ s|real rate = (real)(lr / (1 - pow(beta1, (double)step)))|real rate = (real)lr|
AdamW: second moment not corrected @ s|(real)(1 / (1 - pow(beta2, (double)step)))|(real)1|
AdamW: no decay @ s/(list\[t\].decay ? lr \* decay : 0)/0/
AdamW: no epsilon @ s/(sb_sqrt(v\[i\] \* fix) + e)/sb_sqrt(v[i] * fix)/
AdamW: gradient not scaled @ s/real g = s \* grad\[i\];/real g = grad[i];/
norm of gradients: one block is lost @ s/for (long i = 0; i < count; i += 4096)/for (long i = 0; i < count - 4096; i += 4096)/
exp: a coefficient off by 1e-6 @ s/1.6666665459e-1f/1.6666765459e-1f/
exp: the exponent not limited below @ s/e = e < 0x4B400000 - 126/e = e == 0x4B400000 - 126/
Phi: a coefficient off by 1e-5 @ s/0.254829592f/0.254839592f/
LIST
}
count=$(breaks | wc -l)
if [ $# = 0 ]; then                     # all of them, as many at once as there are cores
    work=$(mktemp -d) || exit 1
    seq 0 $((count - 1)) | xargs -P "${JOBS:-$(getconf _NPROCESSORS_ONLN)}" -n 1 sh dev/mutate.sh |
        tee "$work/log"
    bad=$(grep -vc '^ok ' "$work/log")
    echo "$(grep -c '^ok   caught' "$work/log") of $((count - 1)) breaks caught"
    rm -r "$work"
    [ "$bad" = 0 ]
    exit
fi
status=0
for n; do
    line=$(breaks | sed -n "$((n + 1))p")
    name=${line%% @*} expression=${line#*@}
    work=$(mktemp -d) || exit 1
    sed "$expression" spatialboost.h > "$work/spatialboost.h"
    cat > "$work/main.cpp" <<'MAIN'
#include "spatialboost.h"
#include "dev/op_cases.h"
namespace f64 {
#undef SB_REAL
#define SB_REAL double
#include "spatialboost.h"
#include "dev/op_cases.h"
}
#include "dev/test.h"
#include "dev/test_ops.h"
#define TRY(test) if (!test_failed) RUN(test)
int main(int argc, char **argv) {
    test_begin(argc, argv);
    TRY(test_op_memory);
    TRY(test_op_formulas);
    TRY(test_op_gradients);
    TRY(test_op_float);
    TRY(test_op_elementary);
    TRY(test_op_islands);
    return test_end();
}
MAIN
    if [ "$n" != 0 ] && cmp -s spatialboost.h "$work/spatialboost.h"; then result="FAIL stale"
    elif ! ${CXX:-c++} -std=c++17 -O1 ${NATIVE--march=native} -ffp-contract=fast -fno-math-errno -fopenmp-simd \
        -w -I"$work" -I. "$work/main.cpp" -o "$work/test" 2> "$work/error"; then result="FAIL does not compile"
    elif "$work/test" > "$work/out" 2>&1; then
        result="FAIL survived"
        [ "$n" = 0 ] && result="ok   passes"
    else
        result="ok   caught"
        [ "$n" = 0 ] && result="FAIL fails unbroken"
    fi
    by=$(sed -n 's/^FAIL \([a-z_]*\):.*/\1/p' "$work/out" 2>/dev/null | tr '\n' ' ')
    echo "$result: $n $name${by:+  ($by)}"
    rm -r "$work"
    case $result in FAIL*) status=1 ;; esac
done
exit $status
