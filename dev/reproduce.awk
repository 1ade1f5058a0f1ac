# reproduce.awk: many probe.csv files (.../SEED/METHOD.probe.csv) to one table: mean change against the base and its
# spread (half the range over seeds), beside the direction that the paper reports.
BEGIN { FS = "," }
FNR == 1 {
    for (i = 1; i <= NF; i++) column[$i] = i
    n = split(FILENAME, part, "/")
    method = part[n]; sub(/\.probe\.csv$/, "", method)
    if (part[n - 1] == 4) method = "patch_" method
    if (!(method in seen)) { seen[method] = 1; order[++methods] = method }
    seeds[method]++
    next
}
{
    name = $1 " " $2; v = 100 * $column["boost_change"]
    if (!(name in known)) { known[name] = 1; metric[++metrics] = name }
    key = method SUBSEP name
    sum[key] += v; count[key]++
    if (count[key] == 1 || v < low[key]) low[key] = v
    if (count[key] == 1 || v > high[key]) high[key] = v
}
END {
    printf "change against the base in %%, mean over seeds +- half the range\n\n%-16s seeds", "method"
    for (k = 1; k <= metrics; k++) printf " %16s", metric[k]
    printf "\n"
    for (j = 1; j <= methods; j++) {
        printf "%-16s %5d", order[j], seeds[order[j]]
        for (k = 1; k <= metrics; k++) {
            key = order[j] SUBSEP metric[k]
            printf "   %+6.1f +- %4.1f", sum[key] / count[key], (high[key] - low[key]) / 2
        }
        printf "\n"
    }
    print "\nthe paper (Table 6, DINOv2 ViT-L/14): LLM: depth -15.8, segmentation +8.0, class +2.3;"
    print "depth decoder: depth -7.9, segmentation +0.4, class -0.7 points of 86.3; Fig. 6: class 86.3 to 79.5 by full fine-tuning, 83.7 by LoRA"
    print "dual: the method; rec: control, recognition only; regress: depth without language; random: Attn+ not a copy;"
    print "full: the base itself is trained; lora: low-rank changes of its attention; last: its last block"
    print "spatial_*: spatial questions already in instruct; patch_*: a base that saw patch labels"
}
