# reproduce_field.awk: field.csv, field_VARIANT.csv and latents.csv of many seeds (.../SEED/NAME.csv) to two tables:
# errors of the same view after the same two context views by variant, and right answers; mean over seeds +- half the
# range. Baselines are those beside the base. A variant that does not predict a target has a dash.
BEGIN {
    FS = ","
    answerers = split("none cross append cross_blank none_tuned cross_tuned append_tuned cross_tuned_blank blind", \
        answerer, " ")
}
FNR == 1 {
    split("", column)
    for (i = 1; i <= NF; i++) column[$i] = i
    n = split(FILENAME, part, "/")
    name = part[n]; sub(/\.csv$/, "", name); sub(/^field_/, "", name)
    talk = name == "latents"
    if (name == "field") name = "base"
    next
}
function note(row, key, v) {
    if (v == "") return
    if (!(row in known)) { known[row] = 1; order[++rows] = row }
    key = row SUBSEP key
    sum[key] += v; count[key]++
    if (count[key] == 1 || v < low[key]) low[key] = v
    if (count[key] == 1 || v > high[key]) high[key] = v
}
function cell(row, key, digits) {
    key = row SUBSEP key
    if (!(key in sum)) printf " %18s", "-"
    else printf "  %9.*f +- %-4.*f", digits, sum[key] / count[key], digits, (high[key] - low[key]) / 2
}
talk {
    for (k = 1; k <= answerers; k++) {
        v = $column[answerer[k]]
        note("talk " $1 " " $2, answerer[k], v == "" ? v : 100 * v)
    }
    next
}
$2 ~ /_context_2$/ && $2 !~ /cosine/ || $1 == "latents" && $2 == "rank_rooms" {
    note("field " name, $1, $column["ours"])
    for (i = split("blind copy mean", baseline, " "); i > 0 && name == "base"; i--)
        note("field " baseline[i], $1, $column[baseline[i]])
}
END {
    print "\nthe same view of every room after the same two context views, mean over seeds +- half the range\n"
    printf "%-12s %18s %18s %18s %18s\n", "", "sem, L1", "geo, L1", "depth, RMSE in m", "rank of latents"
    for (i = 1; i <= rows; i++) {
        if (order[i] !~ /^field /) continue
        printf "%-12s", substr(order[i], 7)
        cell(order[i], "sem", 3); cell(order[i], "geo", 3); cell(order[i], "depth", 3); cell(order[i], "latents", 1)
        printf "\n"
    }
    printf "\n%-22s", "right answers, %"
    for (k = 1; k <= answerers; k++) printf " %18s", answerer[k]
    printf "\n"
    for (i = 1; i <= rows; i++) {
        if (order[i] !~ /^talk /) continue
        printf "%-22s", substr(order[i], 6)
        for (k = 1; k <= answerers; k++) cell(order[i], answerer[k], 1)
        printf "\n"
    }
    print "\nbase: half of the views are context in training, both targets, PRoPE, one pass, context cameras known;"
    print "context25, 75: a quarter, three quarters; geo, sem: one target; pluecker: its rays; twopass: the context passes"
    print "the aggregator alone, so its geo truth is another; nocamera: the paper's way, no camera in the encoder"
    print "the paper (VSI-Bench average): mask 25 % 57.5, 50 % 58.6, 75 % 58.1; geo 57.5, sem 56.7, both 58.6; Pluecker 57.6;"
    print "none 50.9, append 51.1, cross-attention 58.6"
}
