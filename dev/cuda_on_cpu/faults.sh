#!/bin/sh
# faults.sh: plant faults in train.cu's kernels, one at a time; the checks of the operations must notice each.
#
# A line below is "what is broken @ float type @ sed expression": 16 or 32 says for which type of activations. It
# is applied to a copy; an expression that changes nothing is stale and counts as a failure, as does a fault that
# survives. Says which check caught it. Exit 1 on either.        sh dev/cuda_on_cpu/faults.sh [number ...]
cd "$(dirname "$0")/../.." || exit 1
faults() { cat <<'LIST'
nothing, in float @ 32 @
nothing, in bf16 @ 16 @
a missing barrier: the tile is multiplied before it is there @ 32 @ /sb_load_tile(b, g.b/{n;s/__syncthreads();//}
a missing barrier: the next tile overwrites this one @ 32 @ /+= a\[d\]\[row + i\] \* b/{n;s/__syncthreads();//}
a missing barrier: tensor cores read a tile half written @ 16 @ /sb_copy_wait<SB_MMA_STAGES - 2>/{n;s/__syncthreads();//}
a missing barrier: a copy under way overwrites keys that are read @ 16 @ /nobody reads tile t - 1 any more: tile t + 1/s/__syncthreads();//
a wait left out: the tile is still on its way @ 16 @ s/sb_copy_wait<SB_MMA_STAGES - 2>();//
a wait for one group too few @ 16 @ s/sb_copy_wait<1>();/sb_copy_wait<2>();/
a stale tile: the buffers are not exchanged @ 16 @ s/int at = t % SB_MMA_STAGES \* SB_MMA_SIZE;/int at = 0;/
the last part of a long sum is left out @ 16 @ s/s < split.parts; s++) sum/s < split.parts - 1; s++) sum/
AdamW takes the next tensor one element late @ 32 @ s/list\[t + 1\].begin <= i) t++/list[t + 1].begin < i) t++/
blockDim for threadIdx @ 32 @ s/return (int)(threadIdx.x % SB_WARP);/return (int)(blockDim.x % SB_WARP);/
the last element of a launch is left out @ 32 @ /sb_act_forward_kernel(real/,/^}/s/if (i >= count) return;/if (i >= count - 1) return;/
a warp function with half a mask @ 32 @ s/__any_sync(~0u, sees)) continue/__any_sync(0xFFFFu, sees)) continue/
a warp's sum over 16 lanes @ 32 @ /^static __device__ float sb_warp_sum/,/^}/s/step = SB_WARP \/ 2/step = SB_WARP \/ 4/
an unwritten scratch is read: delta @ 32 @ s/    if (!sb_lane()) delta\[row\] = sum;//
an output is added to before it was assigned: loss @ 32 @ s/if (!threadIdx.x) loss\[i\] = target/if (!threadIdx.x) loss[i] += target/
a lost +=: a gain's gradient is assigned @ 32 @ s/    sum\[c\] += all;/    sum[c] = all;/
keys where values should be @ 16 @ s/sb_add_product<D, N>(out, s, v\[buffer\]);/sb_add_product<D, N>(out, s, k[buffer]);/
key heads mixed up @ 16 @ s|kv = h / (a.heads / a.kv_heads) \* a.dim|kv = h % a.kv_heads * a.dim|
no 1 - alpha @ 32 @ s/(1.0f - s) \* sb_load(wp.p/1.0f * sb_load(wp.p/
rows that share an a: the gradient of the first alone @ 32 @ s|part, w.rows / a.rows, gates|part, 1, gates|
log-sum-exp without the maximum @ 16 @ s/top\[half\] + logf(sum\[half\])/logf(sum[half])/
the running maximum forgets what was summed @ 16 @ s/sum\[half\] \* shrink + sb_quad_sum/sum[half] + sb_quad_sum/
a row counted twice @ 32 @ s/for (long i = span \* SB_SPAN + sb_warp();/for (long i = span * SB_SPAN + sb_warp() - (sb_warp() == 1);/
blocks write the same partial sum @ 32 @ s/part\[span \* cols + c\] = sum/part[c] = sum/
the second interval of keys is not seen @ 16 @ s/ | ((j >= k\[2\]) & (j < k\[3\]))//
halves of a fragment exchanged @ 16 @ s/left\[2\] = {y\[0\], y\[1\]}, right\[2\] = {y\[2\], y\[3\]}/left[2] = {y[2], y[3]}, right[2] = {y[0], y[1]}/
a fragment that is not turned @ 16 @ s/    else sb_ldmatrix_x4_trans(/    else sb_ldmatrix_x4(/
the camera's matrix instead of its inverse, for keys @ 32 @ s/table + 16 \* key, row/table, row/
a feature's own length left out of the cosine's gradient @ 32 @ s/cosine \* x \/ np - y/0 * x \/ np - y/
a leaked target: a context row sees all keys that its block reads @ 16 @ s/return ((j >= k\[0\]).*/return j >= 0 || !k;/
a leaked target: a context row sees the key behind its own @ 32 @ s/j0 < keys\[r + 1\]; j0 += SB_WARP/j0 < keys[r + 1] + (keys[r + 1] < a.nk); j0 += SB_WARP/;s/min((int)SB_WARP, keys\[r + 1\] - j0)/min((int)SB_WARP, keys[r + 1] + (keys[r + 1] < a.nk) - j0)/
a tile of keys left out @ 16 @ s/int j1; j0 < span\[1\]; j0 = j1/int j1; j0 < span[1] - N; j0 = j1/
LIST
}
count=$(faults | wc -l)
[ $# != 0 ] || set -- $(seq 0 $((count - 1)))
status=0
mkdir -p build/cuda && ${CC:-cc} -std=c11 -O1 dev/cuda_on_cpu/translate.c -o build/cuda/translate || exit 1
for n; do
    line=$(faults | sed -n "$((n + 1))p")
    name=${line%% @*} rest=${line#* @ } work=$(mktemp -d) || exit 1
    type=${rest%% @*} expression=${rest#* @}
    sed "$expression" train.cu > "$work/train.cu"
    [ "$type" = 32 ] && define=-DSB_FP32 || define=
    if [ -n "${expression# }" ] && cmp -s train.cu "$work/train.cu"; then result="FAIL stale"
    elif ! build/cuda/translate "$work/train.cu" > "$work/train.h" ||
         ! ${CXX:-c++} -std=c++17 -O1 ${NATIVE--march=native} -ffp-contract=fast -fno-math-errno -fopenmp-simd -w \
           -I. -Idev/cuda_on_cpu -DSB_MODEL="\"$work/train.h\"" $define dev/cuda_on_cpu/ops.cpp -o "$work/test" \
           2> "$work/out"; then result="FAIL does not compile"
    elif (ulimit -t 60; SHIM_ORDER=random:3 "$work/test") > "$work/out" 2>&1; then
        result="FAIL survived"
        [ -n "${expression# }" ] || result="ok   passes"
    else
        result="ok   caught"
        [ -n "${expression# }" ] || result="FAIL fails unbroken"
    fi
    by=$(grep -hoE '^cuda_shim: .*|^FAIL [a-z_]+' "$work/out" 2>/dev/null | head -1 | sed 's/^FAIL //; s/^cuda_//')
    echo "$result: $n $name${by:+  ($by)}"
    rm -r "$work"
    case $result in FAIL*) status=1 ;; esac
done
exit $status
