#!/bin/sh
# check.sh: every CUDA kernel of train.cu on this CPU, unchanged. Called by `make check_cuda`, which builds.
#
# For activations in float (32) and in bf16 (16): every operation against double with a bound of its own, the
# whole model against PyTorch's numbers and against double (the tests of `make test`, train.cu standing where
# the CPU stood); then a step of every stage against the CPU, tensor by tensor, and in four orders of blocks and
# threads, which must give the same bits: sums that hang on the order, and most races, do not. Then every
# operation, and a step of the boost, under AddressSanitizer and UBSan, and every operation under the race
# checker; last, what is said on a GPU that will not do.
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0 skipped=0
say() { if [ "$1" = 0 ]; then echo "ok   $2"; passed=$((passed + 1)); else echo "FAIL $2"; failed=$((failed + 1)); fi; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
# the translation, on small pieces
translates() {
    printf '%s\n' "$1" > "$work/in.cu"
    build/cuda/translate "$work/in.cu" 2>&1 | sed '/^#line/d' > "$work/translated"
    printf '%s\n' "$2" | cmp -s - "$work/translated"
    result=$?
    [ $result = 0 ] || cat "$work/translated"
    say $result "translate: $1"
}
translates 'k<<<g, b>>>(x);' 'SHIM_LAUNCH(g, b).of(SHIM_KERNEL(k))(x);'
translates 'f(1), ns::k<int, N><<<dim3(a, b), c, s>>>(x, y);' \
    'f(1), SHIM_LAUNCH(dim3(a, b), c, s).of(SHIM_KERNEL(ns::k<int, N>))(x, y);'
translates '__shared__ float a[4][N + 1], b[2];' 'SHIM_SHARED(float, a, [4][N + 1]); SHIM_SHARED(float, b, [2]);'
translates '__shared__ unsigned long a[3];' 'SHIM_SHARED(unsigned long, a, [3]);'
translates 'extern __shared__ float d[];' 'SHIM_DYNAMIC(float, d);'
translates '// k<<<1, 2>>>(); "' '// k<<<1, 2>>>(); "'
translates 'puts("__shared__ <<<");' 'puts("__shared__ <<<");'
translates 'k<<<1, 2;' "error: $work/in.cu:1: <<< without >>>"
translates '__shared__ float x;' "error: $work/in.cu:1: __shared__: expected a type, names with [sizes], and ;"
for order in forward reverse random:5; do
    SHIM_ORDER=$order build/cuda/test_shim > "$work/log" 2>&1
    result=$?
    [ $result = 0 ] || cat "$work/log"
    say $result "the shim's own checks, order $order"
done
for type in 32 16; do
    build/cuda/test$type op_ goldens model variant_ family_ second frozen clipping freezing masks patches kv_cache field_ talk cameras \
        > "$work/log" 2>&1
    grep -E '^(ok|FAIL|skip) ' "$work/log" | sed "s/^\(....\) /\1 $type: /"
    skipped=$((skipped + $(grep -c '^skip ' "$work/log")))
    passed=$((passed + $(grep -c '^ok ' "$work/log"))) failed=$((failed + $(grep -c '^FAIL ' "$work/log")))
    tail -n 1 "$work/log" | grep -q ' 0 failed' || { cat "$work/log"; say 1 "$type: the tests ended early"; }
    for order in forward reverse random:1 random:2; do
        mkdir -p "$work/$type/$order"
        (cd "$work/$type/$order" && SHIM_ORDER=$order "$OLDPWD/build/cuda/train$type" --check > said 2>&1)
        result=$?
        [ $result = 0 ] || cat "$work/$type/$order/said"
        say $result "$type: a step of every stage against the CPU, order $order"
        awk '/ median / { stages++; sub(/.* median /, ""); if ($0 + 0 <= .05) low = 1 }
             END { exit low || stages != 8 }' "$work/$type/$order/said"
        say $? "$type: its bounds are near enough: the median of error / bound above .05, order $order"
        same=0
        for f in "$work/$type/forward/out/check/"*_gpu.safetensors; do
            cmp -s "$f" "$work/$type/$order/out/check/${f##*/}" || same=1
        done
        say $same "$type: the same bits as in order forward, order $order"
    done
    ASAN_OPTIONS=detect_leaks=0 build/cuda/asan$type > "$work/log" 2>&1
    result=$?
    [ $result = 0 ] || cat "$work/log"
    say $result "$type: every operation under AddressSanitizer and UBSan"
    build/cuda/race$type op_memory > "$work/log" 2>&1
    result=$?
    [ $result = 0 ] || cat "$work/log"
    say $result "$type: no races in any operation, within blocks or between"
done
(cd "$work" && ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1 \
    "$OLDPWD/build/cuda/asan_train16" --check --stage boost > log 2>&1)
result=$?
[ $result = 0 ] || cat "$work/log"
say $result "16: a step of the boost under AddressSanitizer and UBSan"
# GPUs that will not do: one line says what was found and what is needed
root=$PWD train=$PWD/build/cuda/train16
refuses() {
    (cd "$work" && SHIM_DEVICE=$1 "$train" encoder --preset toy > said 2> log)
    [ $? = 1 ] && [ "$(wc -l < "$work/log")" = 1 ] && grep -qF "$2" "$work/log"
    result=$?
    [ $result = 0 ] || cat "$work/log"
    say $result "refused, as it should be: $1 ($2)"
}
refuses 'driver 0' 'no GPU to run on (no driver found)'
refuses 'driver 11040' 'driver is for CUDA 11.4, this program was built with 13.0'
refuses 'count 0' 'no GPU to run on (no CUDA-capable device is detected)'
refuses 'arch 75' 'has compute capability 7.5; this program needs 8.0'
refuses 'memory 900' 'out of GPU memory'
grep -q '^  memory .* MB: weights' "$work/said"
say $? 'and what was needed had been said before'
(cd "$work" && SHIM_DEVICE='driver 0' "$train" encoder --preset toy --memory) | grep -q '^  memory .* MB: weights'
say $? 'train_gpu --memory, without a GPU'
# memory that ends in the middle of a run, at a sample longer than those before: its checkpoint is kept, and
# from there a run ends as one that was never stopped
dialogue() {                            # of so many turns
    printf '{"image":"%s/dev/page.png","conversations":[' "$root"
    image='<image>\n' comma=
    for _ in $(seq "$1"); do
        printf '%s{"from":"human","value":"%swhat is it ?"},{"from":"gpt","value":"a red box"}' "$comma" "$image"
        image='' comma=,
    done
    echo ']}'
}
(
    cd "$work" || exit 1
    for turns in 1 1 1 1 1 1 1 1 1 1 2 3 5 8 12 18; do dialogue $turns; done > talk.jsonl
    for stage in encoder llm align instruct; do
        [ $stage = encoder ] && toy='--preset toy' || toy=
        "$train" $stage $toy --steps 1 --out base || exit 1
    done
    boost="$train boost --from base/instruct.safetensors --data talk.jsonl --batch 1 --steps 20 --save_every 0"
    $boost --out whole || exit 1
    SHIM_DEVICE='full 1000' $boost --out cut && exit 1
    [ -e cut/boost.partial.safetensors ] && [ "$(wc -l < cut/boost.csv)" -gt 3 ] && $boost --out cut &&
        cmp whole/boost.safetensors cut/boost.safetensors && cmp whole/boost.csv cut/boost.csv
) > "$work/log" 2>&1 && grep -q 'error: out of GPU memory.*Checkpoints are kept' "$work/log"
result=$?
[ $result = 0 ] || cat "$work/log"
say $result 'out of memory in the middle of a run: goes on from its checkpoint, to the same bits'
build/cuda/lt > "$work/log" 2>&1
result=$?
[ $result = 0 ] || cat "$work/log"
say $result "16: what is asked of cuBLASLt (make CUBLASLT=1), by its documentation"
for ladder in matmul attention; do
    build/cuda/$ladder > "$work/log" 2>&1
    result=$?
    cat "$work/log"
    say $result "every rung of dev/cuda/$ladder.cu"
done
build/cuda/bench_gpu "$work/bench.csv" --dry > "$work/log" 2>&1 &&
    awk -F'",' 'NR > 1 && $1 !~ /memory/ && !($2 + 0 > 0) { bad = 1 } END { exit bad || NR < 40 }' "$work/bench.csv"
result=$?
[ $result = 0 ] || cat "$work/log"
say $result "make bench_gpu, at tiny sizes: every row has a figure"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
