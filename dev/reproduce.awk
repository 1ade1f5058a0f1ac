# reproduce.awk: the probes of one experiment as a list. Who was not trained, only probed otherwise, has 0 seconds.
#
#     awk -f reproduce.awk SEED/times.csv SEED/ARM.probe.csv ...      to arm,seed,metric,base,value,seconds
BEGIN {
    FS = OFS = ","
    print "arm,seed,metric,base,value,seconds"
}
{
    n = split(FILENAME, part, "/")
    seed = part[n - 1]
}
part[n] == "times.csv" { seconds[seed, $1] = $2; next }
FNR > 1 {
    arm = part[n]
    sub(/\.probe\.csv$/, "", arm)
    print arm, seed, $1 " " $2, $3, $4, seconds[seed, arm] + 0
}
