# reproduce.awk: what the probes of one experiment said.
#
#     awk -v list=1 -f reproduce.awk SEED/times.csv SEED/ARM.probe.csv ...   the list: arm,seed,metric,base,value,seconds
#     awk -f reproduce.awk NAME.csv                                          its table
#
# The table: change against the base in %, mean over seeds +- half the range; below it, of every arm but the first, the
# difference from the first arm of the same seed, in points: mean and 95 % interval by Student's t over seeds. An
# interval that holds zero is not distinguishable from it: "~".
BEGIN {
    FS = OFS = ","
    split("12.71 4.30 3.18 2.78 2.57 2.45 2.36 2.31 2.26", student, " ") # of n - 1 degrees of freedom
    if (list) print "arm,seed,metric,base,value,seconds"
}
/^#/ { next }
list && FILENAME ~ /times.csv$/ {
    n = split(FILENAME, part, "/")
    seconds[part[n - 1], $1] = $2
    next
}
list && FNR == 1 {
    n = split(FILENAME, part, "/")
    arm = part[n]
    sub(/\.probe\.csv$/, "", arm)
    seed = part[n - 1]
    next
}
list { print arm, seed, $1 " " $2, $3, $4, seconds[seed, arm]; next }
$1 == "arm" { next }
{
    if (!($1 in known_arm)) { known_arm[$1] = 1; arms[++n_arms] = $1 }
    if (!($2 in known_seed)) { known_seed[$2] = 1; seeds[++n_seeds] = $2 }
    if (!($3 in known_metric)) { known_metric[$3] = 1; metrics[++n_metrics] = $3 }
    change[$1, $2, $3] = 100 * ($5 / $4 - 1)
    time[$1] += $6
    if ($3 == metrics[1]) runs[$1]++
}
function row(arm, against,    k, i, x, n, sum, square, low, high, half) {
    printf "%-14s", arm
    for (k = 1; k <= n_metrics; k++) {
        n = sum = square = 0
        for (i = 1; i <= n_seeds; i++) {
            if (!((arm, seeds[i], metrics[k]) in change)) continue
            x = change[arm, seeds[i], metrics[k]] - (against == "" ? 0 : change[against, seeds[i], metrics[k]])
            if (!n || x < low) low = x
            if (!n || x > high) high = x
            n++
            sum += x
            square += x * x
        }
        half = against == "" ? (high - low) / 2 : 0
        if (against != "" && n > 1) half = student[n - 1] * sqrt((square - sum * sum / n) / (n - 1) / n)
        printf " %+7.1f +- %4.1f %s", sum / n, half, against != "" && (n < 2 || half >= (sum < 0 ? -sum : sum) / n) ? "~" : " "
    }
    printf " %8.0f\n", runs[arm] ? time[arm] / n_metrics / runs[arm] : 0
}
END {
    if (list) exit
    printf "%-14s", "%, seeds: " n_seeds
    for (k = 1; k <= n_metrics; k++) printf " %17s", metrics[k]
    printf "  seconds\n"
    for (j = 1; j <= n_arms; j++) row(arms[j], "")
    if (n_arms > 1) print "less " arms[1] ", points (95 % interval over seeds; ~ holds zero)"
    for (j = 2; j <= n_arms; j++) row(arms[j], arms[1])
}
