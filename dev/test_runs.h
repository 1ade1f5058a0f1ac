// test_runs.h: the programs as a person runs them: whole paths, kill -9, Ctrl-C, nonsense on the command
// line, full disks.
//
// Programs are taken from SB_BIN (default: the project's root), variants of train from build/. Everything
// happens in test_folder(). Read from top: starting a program, then the tests.
#ifndef SB_TEST_RUNS_H
#define SB_TEST_RUNS_H
#include "../data/diff.h"
#include "../data/page.h"
#include "test.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

// Run a shell command line (%B: folder of the programs, %T: test folder); output goes to %T/said. Returns the
// exit code, 128 + n for signal n.
static int test_shell(const char *format, ...) SB_PRINTF(1, 2);
static int test_shell(const char *format, ...) {
    SbText line = {NULL, 0, 0};
    char command[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    for (const char *c = command; *c; c++) {
        if (c[0] == '@' && c[1] == 'B') sb_text_add(&line, "%s", test_bin()), c++;
        else if (c[0] == '@' && c[1] == 'T') sb_text_add(&line, "%s", test_folder()), c++;
        else sb_text_bytes(&line, c, 1);
    }
    sb_text_add(&line, " >%s 2>&1 </dev/null", test_path("said"));
    int status = system(line.data);
    free(line.data);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
static char *test_said(void) {
    size_t size;
    return sb_read_file(test_path("said"), &size);
}
// Same bytes?
static int test_same_files(const char *a, const char *b) {
    size_t na, nb;
    if (!sb_exists(a) || !sb_exists(b)) return 0;
    char *x = sb_read_file(a, &na), *y = sb_read_file(b, &nb);
    int same = na == nb && !memcmp(x, y, na);
    free(x), free(y);
    return same;
}
// The first four stages at toy size in @T/base, once.
static int test_base(void) {
    static int made;
    if (made) return 1;
    made = test_shell("@B/train encoder --preset toy --out @T/base && for s in llm align instruct; do "
                      "@B/train $s --out @T/base || exit 1; done") == 0;
    CHECK(made, "the toy path fails: %s", test_said());
    return made;
}

// Nothing, a folder of scenes, a file of conversations: every way into boost, then the probes and the page.
static void test_run_path(void) {
    if (!test_base()) return;
    CHECK(!test_shell("@B/data/simulate --scene 5 --count 3 --size 32 --out @T/rooms"), "simulate: %s",
          test_said());
    CHECK(!test_shell("@B/data/converse --scenes @T/rooms --out @T/talk.jsonl --mix mix"), "converse: %s",
          test_said());
    const char *way[] = {"",
                         "--mix rec",
                         "--mix full --order random",
                         "--tune full",
                         "--tune lora --rank 3 --matrices q,v,up --micro 3",
                         "--random_plus",
                         "--freeze_projector",
                         "--regress depth",
                         "--regress both --scenes @T/rooms",
                         "--noise depth=.2,swap=.5,sign=.1",
                         "--noise scale=1.3 --scenes @T/rooms",
                         "--blind_balance",
                         "--mix full --levels pixel,scene",
                         "--views 3 --single .5 --noise sign=1",
                         "--scenes @T/rooms",
                         "--data @T/talk.jsonl",
                         "--views 3",
                         "--scenes @T/rooms --data @T/talk.jsonl --share .5",
                         "--isolate 0 --restart 0 --order random",
                         "--gate_by 1 --gate 2",
                         "--gate_by 2"};
    for (int i = 0; i < (int)(sizeof way / sizeof *way); i++)
        CHECK(!test_shell(
                  "@B/train boost --from @T/base/instruct.safetensors --out @T/way --to w%d --steps 4 %s", i,
                  way[i]),
              "boost %s: %s", way[i], test_said());
    CHECK(!test_shell("@B/train encoder --preset toy --patch_labels --steps 3 --out @T/labels"),
          "patch labels: %s", test_said());
    CHECK(!test_shell(
              "@B/eval probe --out @T/way --base @T/base/encoder.safetensors --boost @T/way/w0.safetensors "
              "--control @T/way/w1.safetensors --images 200"),
          "probe: %s", test_said());
    CHECK(!test_shell("(for n in 1 2; do @B/eval probe --out @T/way --base @T/base/encoder.safetensors "
                      "--boost @T/way/w0.safetensors --images 90 --fit 100 --shared $n --to shared$n || exit "
                      "1; done)"),
          "probe --shared: %s", test_said());
    char *said = test_said();
    CHECK(strstr(said, "rooms 0 to 189 of those that are trained on"), "probe --shared: %s", said);
    CHECK(!test_same_files(test_path("way/shared1.csv"), test_path("way/shared2.csv")), "one camera");
    free(said);
    CHECK(!test_shell(
              "cp @T/base/* @T/way && cp @T/way/w0.safetensors @T/way/boost.safetensors && @B/eval questions "
              "--out @T/way --images 32 && grep -q '^depth,' @T/way/questions.csv"),
          "questions: %s", test_said());
    // the page says what has an alpha of its own and where it began: sigmoid(2)
    CHECK(!test_shell("cp @T/base/* @T/way && mv @T/way/w19.safetensors @T/way/boost.safetensors && mv "
                      "@T/way/w20.safetensors @T/way/control.safetensors && @B/eval report --out @T/way && "
                      "grep -q 'one &alpha; for each head. All of them started at 0.881' @T/way/report.html"),
          "report: %s", test_said());
}
// The second paper's way to the page, from simulated rooms and from a scene folder; what is refused.
static void test_run_field(void) {
    if (!test_base()) return;
    CHECK(!test_shell(
              "cp -r @T/base @T/field && @B/data/simulate --scene 9 --count 2 --views 6 --overlap 30,80 "
              "--size 32 --out @T/strolls"),
          "simulate: %s", test_said());
    CHECK(!test_shell(
              "for s in aggregator spa3r vlm; do @B/train $s --out @T/field --steps 6 || exit 1; done && "
              "@B/train spa3r --out @T/field --steps 6 --blind 1 --to blind && "
              "@B/train vlm --out @T/field --steps 6 --adapter 2 --to append && "
              "@B/train vlm --out @T/field --steps 6 --adapter 0 --tune_llm --to none_tuned && "
              "@B/train vlm --out @T/field --steps 6 --tune_llm --to vlm_tuned && "
              "@B/train spa3r --out @T/field --steps 6 --context_camera 0 --pose 1 --asymmetric 0 --to paper "
              "&& "
              "@B/train spa3r --out @T/field --steps 6 --scenes @T/strolls --views 3 --to real"),
          "the stages: %s", test_said());
    CHECK(!test_shell(
              "t='@B/train spa3r --out @T/field --steps 24' && $t --to whole && for k in .15 .3 .45; do "
              "timeout -s KILL $k $t --to parts --save_every 0.01; done; $t --to parts && cmp "
              "@T/field/whole.safetensors @T/field/parts.safetensors && cmp @T/field/whole.csv "
              "@T/field/parts.csv"),
          "killed and resumed: %s", test_said());
    CHECK(
        !test_shell("@B/eval field --out @T/field --rooms 8 && grep -q '^sem,l1,' @T/field/field.csv && "
                    "grep -q '^depth,rmse_context_3,' @T/field/field.csv && "
                    "grep -q '^latents,cosine_other_room,,,,1,' @T/field/field.csv && "
                    "grep -q '^latents,rank_rooms,,,,0,' @T/field/field.csv && "
                    "@B/eval latents --out @T/field --views 3 --images 32 && "
                    "grep -q '^question,.*,none,.*,cross_tuned_blank,' @T/field/latents.csv && "
                    "@B/eval field --out @T/field --scenes @T/strolls && "
                    "@B/eval report --out @T/field && grep -q 'class=reel' @T/field/report.html && "
                    "grep -q 'Real rooms' @T/field/report.html"),
        "the measures: %s", test_said());
    CHECK(test_shell("cp @T/field/vlm.safetensors @T/field/none_tuned.safetensors; @B/eval latents --out "
                     "@T/field --images 8") == 1 && strstr(test_said(), "of kind 1, expected 0"),
          "an adapter where none is expected: %s", test_said());
    CHECK(
        !test_shell("d=$(ls -d @T/strolls/* | head -1) && @B/eval field --out @T/field --scenes $d --camera "
                    "$d/pose/$(ls $d/pose | head -1) --png @T/asked.png"),
        "a camera of one's own: %s", test_said());
    CHECK(test_shell("@B/eval field --out @T/field --camera @T/strolls") == 1 &&
              strstr(test_said(), "go together"),
          "a camera without a scene: %s", test_said());
    CHECK(test_shell("@B/train spa3r --out @T/field --scenes @T/strolls --views 9 --to x") == 1 &&
              strstr(test_said(), "6 views, but 9"),
          "more views than there are: %s", test_said());
    CHECK(test_shell("@B/eval field --out @T/field --blind @T/field/spa3r.safetensors") == 1 &&
              strstr(test_said(), "not trained blind"),
          "another model for the blind one: %s", test_said());
    CHECK(test_shell("@B/eval field --out @T/field --field @T/field/instruct.safetensors") == 1 &&
              strstr(test_said(), "no Spa3R"),
          "a model without Spa3R: %s", test_said());
}
// Same bits by the guarded build (only operations touch tensors), by the build without OpenMP, by other
// thread counts.
static void test_run_variants(void) {
    if (getenv("SB_BIN")) SKIP("variants are compared in the plain build only");
    const char *program[] = {"build/guard/train", "build/serial/train", "OMP_NUM_THREADS=1 ./train",
                             "OMP_NUM_THREADS=3 ./train", "OMP_NUM_THREADS=5 ./train"};
    for (int i = -1; i < 5; i++) {
        CHECK(!test_shell("for s in encoder llm align instruct boost aggregator spa3r vlm; do "
                          "p=; [ $s = encoder ] && p='--preset toy'; %s $s $p --steps 4 --out @T/variant%d "
                          "|| exit 1; done",
                          i < 0 ? "./train" : program[i], i),
              "%s: %s", i < 0 ? "./train" : program[i], test_said());
        for (int s = 0; s < 8 && i >= 0; s++) {
            const char *stage[] = {"encoder", "llm",        "align", "instruct",
                                   "boost",   "aggregator", "spa3r", "vlm"};
            char a[64], b[64];
            for (int csv = 0; csv < 2; csv++) {
                snprintf(a, sizeof a, "variant-1/%s.%s", stage[s], csv ? "csv" : "safetensors");
                snprintf(b, sizeof b, "variant%d/%s.%s", i, stage[s], csv ? "csv" : "safetensors");
                CHECK(test_same_files(test_path(a), test_path(b)), "%s: %s differs", program[i], b);
            }
        }
    }
}

// Start ./train boost in the background; returns its pid.
static pid_t test_start(const char *out, const char *preload) {
    pid_t child = fork();
    if (child) return child;
    char *train = sb_format("%s/train", test_bin()), *from = sb_copy(test_path("base/instruct.safetensors"));
    int null = open("/dev/null", O_RDWR);
    dup2(null, 1), dup2(null, 2);
    if (preload) setenv("LD_PRELOAD", preload, 1);
    execl(train, train, "boost", "--from", from, "--out", test_path(out), "--steps", "24", "--save_every",
          "0.01", (char *)NULL);
    _exit(9);
}
static int test_wait(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
static void test_nap(double seconds) {
    struct timespec t;
    t.tv_sec = (time_t)seconds, t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    nanosleep(&t, NULL);
}
// kill -9 at 20 moments spread over a run, again and again until it is through: bytes of weights and log as
// undisturbed.
static void test_run_kill(void) {
    if (!test_base()) return;
    double start = test_seconds();
    CHECK(!test_wait(test_start("calm", NULL)), "the undisturbed run fails");
    double length = test_seconds() - start;
    SbRandom r = sb_random(2026, 11);
    int kills = 0, runs = 0;
    for (int round = 0; kills < 20 && round < 40; round++) {
        char out[32], file[64];
        snprintf(out, sizeof out, "killed%d", round);
        for (int tries = 0; tries < 12; tries++, runs++) {
            pid_t child = test_start(out, NULL);
            if (tries < 5)
                test_nap(length * (.05 + .9 * sb_next_unit(&r))), kills += kill(child, SIGKILL) == 0;
            int code = test_wait(child);
            if (code == 0) break;
            CHECK(code == 128 + SIGKILL, "a resumed run ends with %d", code);
        }
        snprintf(file, sizeof file, "%s/boost.safetensors", out);
        CHECK(test_same_files(test_path("calm/boost.safetensors"), test_path(file)), "%s: other weights",
              out);
        snprintf(file, sizeof file, "%s/boost.csv", out);
        CHECK(test_same_files(test_path("calm/boost.csv"), test_path(file)), "%s: another log", out);
    }
    CHECK(kills >= 20, "only %d kills", kills);
}
// Killed after a checkpoint is written and before it gets its name (a rename() that kills, loaded in front of
// libc).
static void test_run_kill_rename(void) {
    if (getenv("SB_BIN") || !test_base()) SKIP("needs the plain build");
    FILE *f = fopen(test_path("kill.c"), "w");
    if (!f) SKIP("cannot write");
    fprintf(f, "#include <signal.h>\n#include <unistd.h>\nint rename(const char *a, const char *b);\n"
               "int rename(const char *a, const char *b) { (void)a, (void)b; kill(getpid(), SIGKILL); return "
               "0; }\n");
    fclose(f);
    if (test_shell("cc -shared -fPIC @T/kill.c -o @T/kill.so")) SKIP("no shared libraries here");
    if (!sb_exists(test_path("calm/boost.safetensors")))
        CHECK(!test_wait(test_start("calm", NULL)), "calm run fails");
    int code = test_wait(test_start("renamed", test_path("kill.so")));
    if (code == 0) SKIP("this system does not preload libraries");
    CHECK(code == 128 + SIGKILL, "exit %d", code);
    CHECK(!sb_exists(test_path("renamed/boost.safetensors")), "a result appeared before its time");
    CHECK(!test_wait(test_start("renamed", NULL)), "does not start again");
    CHECK(test_same_files(test_path("calm/boost.safetensors"), test_path("renamed/boost.safetensors")),
          "other weights");
}
static void test_run_interrupt(void) {
    if (!test_base()) return;
    if (!sb_exists(test_path("calm/boost.safetensors")))
        CHECK(!test_wait(test_start("calm", NULL)), "calm run fails");
    int stopped = 0;
    for (int tries = 0; tries < 10 && !stopped; tries++) {
        pid_t child = test_start("ctrlc", NULL);
        test_nap(.05 + .03 * tries);
        kill(child, SIGINT);
        int code = test_wait(child);
        stopped = code == 130;
        CHECK(code == 130 || code == 0 || code == 128 + SIGINT, "Ctrl-C ends with %d", code);
        if (stopped)
            CHECK(sb_exists(test_path("ctrlc/boost.partial.safetensors")), "no checkpoint at Ctrl-C");
        if (code == 0) sb_remove(test_path("ctrlc"));
    }
    CHECK(stopped, "no Ctrl-C came in time");
    CHECK(!test_wait(test_start("ctrlc", NULL)), "does not go on");
    CHECK(test_same_files(test_path("calm/boost.safetensors"), test_path("ctrlc/boost.safetensors")),
          "other weights");
    CHECK(test_same_files(test_path("calm/boost.csv"), test_path("ctrlc/boost.csv")), "another log");
}
// A loss that is no number: the step, the tensor, and what was there before stays.
static void test_run_nan(void) {
    if (!test_base()) return;
    CHECK(test_shell("@B/train boost --from @T/base/instruct.safetensors --out @T/nan --lr 1e38 --clip 0 "
                     "--steps 60") == 1,
          "it trained: %s", test_said());
    char *said = test_said();
    CHECK(strstr(said, "error: step ") && strstr(said, "first tensor that is not finite: ") &&
          !strstr(said, "second look"), "said: %s", said);
    CHECK(!sb_exists(test_path("nan/boost.safetensors")), "a result was written");
    free(said);
}
static void test_copy(const char *from, const char *to) {
    size_t size;
    char *data = sb_read_file(test_path(from), &size);
    sb_write_file(test_path(to), data, size);
    free(data);
}
// Six simulated rooms of two views as data sets are laid out: four to fit on, two to report on. lay/one has
// one label everywhere, lay/in the same pictures in train and val, lay/rox each query among the pictures.
static void test_layouts(void) {
    static const char *const part[2][2] = {{"train", "training"}, {"test", "validation"}};
    SbText gnd = {NULL, 0, 0}, asked = {NULL, 0, 0}, names = {NULL, 0, 0};
    for (int i = 0; i < 6; i++) {
        const char *const *p = part[i >= 4];
        const struct { const char *from, *to; } copy[] = {
            {"color/0", "nyu/%s/rgb/%d.png"},       {"depth/0", "nyu/%s/depth/%d.png"},
            {"color/0", "ade/images/%s/%d.png"},    {"instance/0", "ade/annotations/%s/%d.png"},
            {"color/0", "one/images/%s/%d.png"},    {"", "one/annotations/%s/%d.png"},
            {"color/0", "in/train/c%d/a.png"},      {"color/0", "in/val/c%d/a.png"},
            {"color/1", "rox/jpg/a%d.jpg"},         {"color/1", "rox/jpg/q%d.jpg"}};
        for (int k = 0; k < (int)(sizeof copy / sizeof *copy); k++) {
            char *name = k < 6 ? sb_format(copy[k].to, p[k >= 2], i) : sb_format(copy[k].to, i);
            char *to = sb_format("lay/%s", name);
            char *from = sb_format("scan/scene_%06d/%s.png", 40 + i, copy[k].from);
            unsigned short seven[48 * 48];
            for (int j = 0; j < 48 * 48; j++) seven[j] = 7;
            if (*copy[k].from) test_copy(from, to);
            else sb_png16_write(test_path(to), seven, 48, 48);
            free(name), free(to), free(from);
        }
        sb_text_add(&names, "%s\"a%d\"", i ? ", " : "", i);
        sb_text_add(&asked, "%s\"q%d\"", i ? ", " : "", i);
        sb_text_add(&gnd, "%s{\"bbx\": [0, 0, 48, 48], \"easy\": [%d], \"hard\": [], \"junk\": []}",
                    i ? ", " : "", i);
    }
    char *all = sb_format("{\"imlist\": [%s], \"qimlist\": [%s], \"gnd\": [%s]}", names.data, asked.data,
                          gnd.data);
    sb_write_file(test_path("lay/rox/gnd_r.json"), all, strlen(all));
    free(all), free(gnd.data), free(asked.data), free(names.data);
}
// Every task of --data and --scenes, onto the page: a query that stands among the pictures is found first, a
// picture that was seen is its own neighbour, labels that are all the same are all right.
static void test_run_measures(void) {
    static const struct { const char *flags, *table, *metric; double low, high; } run[] = {
        {"nyud --data @T/lay/nyu --scales 1,1.5", "nyud", "rmse", .05, 10},
        {"nyud --data @T/lay/nyu --bins 0 --rows 64 --fit 3", "nyud", "delta1", 0, 1},
        {"ade20k --data @T/lay/ade --images 1", "ade20k", "miou", 1e-6, .9},
        {"ade20k --data @T/lay/one", "ade20k", "miou", 1, 1},
        {"imagenet --data @T/lay/in --neighbours 1", "imagenet", "knn", 1, 1},
        {"imagenet --data @T/lay/in --decay .001", "imagenet", "linear", .5, 1},
        {"revisited --data @T/lay/rox", "revisited", "map_easy", 1, 1},
        {"register --scenes @T/scan --images 5", "register", "rte", 0, 20},
        {"points --scenes @T/scan", "points", "accuracy", .05, 1},
        {"nyud --data @T/lay/nyu --layers 2", "nyud_layers2", "rmse", .05, 10},
        {"ade20k --data @T/lay/one --layers 2", "ade20k_layers2", "miou", 1, 1},
        {"rooms --images 20 --fit 20 --layers 2", "layers2", "rmse", .05, 10},
        {"rooms --images 20 --fit 20 --dpt --layers 2", "layers2", "absrel", .02, 10},
        {"rooms --scenes @T/scan --dpt --to probe_dpt", "dpt", "delta1", .01, 1},
        {"pose --images 20 --fit 40", "pose", "rotation_deg", 2, 90},
        {"pose --scenes @T/scan", "pose_scenes", "mean_translation_m", .01, 4}};
    static const char *const bad[][2] = {
        {"--task dance", "expected rooms, pose, register, points, imagenet"},
        {"--task nyud --data @T/lay/nyu --dpt", "--dpt: depth of patches, for rooms and --scenes"},
        {"--task pose --shared 1", "no --tune, no --scenes"},
        {"--task pose --scenes @T/scan/scene_000040", "1 pairs of views to fit on, 0 to report on"},
        {"--task nyud", "--data DIR is missing"},
        {"--task points", "--scenes DIR is missing"},
        {"--data @T/lay/nyu", "--task rooms reads none; imagenet"},
        {"--task nyud --data @T/lay/nyu --scenes @T/scan", "reads --data, not --scenes"},
        {"--task nyud --data @T/lay/nyu --scales 0", "--scales 0: expected numbers from 1 to 8"},
        {"--task nyud --data @T/lay/ade", "train/rgb: missing; the layout nyud"},
        {"--layers 3", "has 2 blocks to take features from"},
        {"--task imagenet --data @T/lay/in --layers 2", "--task imagenet takes one"},
        {"--task points --scenes @T/scan --layers 2", "--task points takes one"},
        {"--task register --scenes @T/scan/scene_000040 --images many", "expected a whole number"},
        {"--task points --scenes @T/scan/scene_000040", "one scene; points are fitted on every other one"}};
    if (!test_base()) return;
    CHECK(!test_shell("@B/data/simulate --scene 40 --count 6 --size 48 --views 2 --overlap 60,90 --out "
                      "@T/scan && mkdir @T/m && cp @T/base/* @T/m && @B/train boost --out @T/m --steps 2"),
          "%s", test_said());
    test_layouts();
    for (int i = 0; i < (int)(sizeof run / sizeof *run); i++) {
        SbCsv csv;
        double found = NAN;
        int dpt = strstr(run[i].flags, "--dpt") != NULL;
        CHECK(!test_shell("@B/eval probe --out @T/m --task %s", run[i].flags), "%s: %s", run[i].flags,
              test_said());
        char *path = sb_format("m/probe_%s.csv", run[i].table);
        if (sb_csv_read(&csv, test_path(path), NULL))
            for (int k = 0; k < csv.rows; k++)
                if (!strcmp(sb_csv_text(&csv, k, "metric"), run[i].metric) &&
                    (!dpt || !strcmp(sb_csv_text(&csv, k, "probe"), "depth_dpt")))
                    found = sb_csv_number(&csv, k, "base");
        CHECK(found >= run[i].low && found <= run[i].high, "%s: %s is %g", run[i].flags, run[i].metric,
              found);
        sb_csv_free(&csv), free(path);
    }
    for (int i = 0; i < (int)(sizeof bad / sizeof *bad); i++) {
        int code = test_shell("@B/eval probe --out @T/m --to bad %s", bad[i][0]);
        char *said = test_said();
        CHECK(code == 1 && strstr(said, bad[i][1]), "%s: exit %d, said: %s", bad[i][0], code, said);
        free(said);
    }
    CHECK(!sb_exists(test_path("m/bad.csv")), "a refused run left a table");
    CHECK(!test_shell("@B/eval probe --out @T/m --images 40 --fit 40 && @B/eval report --out @T/m && "
                      "grep -q 'buildings that are found again' @T/m/report.html && "
                      "grep -q 'registration, recall' @T/m/report.html"),
          "the page: %s", test_said());
}
// Nonsense: one line that names it, exit 1, no result.
static void test_run_refuses(void) {
    if (!test_base()) return;
    static const struct { const char *line, *says;
    } bad[] = {
        {"@B/train", "usage"},
        {"@B/train dance", "no stage is called dance"},
        {"@B/train boost --speed 3", "unknown flag --speed"},
        {"@B/train boost --steps", "wants a value"},
        {"@B/train boost --steps many", "expected a whole number"},
        {"@B/train boost --steps 1.5", "expected a whole number"},
        {"@B/train boost --lr nan", "expected a number"},
        {"@B/train boost extra", "unexpected argument extra"},
        {"@B/train encoder --preset huge", "expected toy, mini or small"},
        {"@B/train encoder --enc_heads 5", "enc_width must be a multiple"},
        {"@B/train llm --out @T/none", "run ./train encoder first"},
        {"@B/train boost --from @T --out @T/bad", "error: "},
        {"@B/train boost --from @T/said --out @T/bad", "safetensors"},
        {"@B/train boost --from @T/base/instruct.safetensors --enc_width 64 --out @T/bad",
         "sizes are chosen"},
        {"@B/train boost --from @T/base/instruct.safetensors --mix dept=3 --out @T/bad", "dept"},
        {"@B/train boost --from @T/base/instruct.safetensors --order sideways --out @T/bad", "sideways"},
        {"@B/train boost --from @T/base/instruct.safetensors --tune head --out @T/bad", "expected plus"},
        {"@B/train boost --from @T/base/instruct.safetensors --scenes @T/nowhere --out @T/bad", "nowhere"},
        {"@B/train boost --from @T/base/instruct.safetensors --data @T/nothing.json --out @T/bad",
         "nothing.json"},
        {"@B/train llm --from @T/base/encoder.safetensors --data x.json --out @T/bad", "reads no dialogues"},
        {"@B/eval probe --out @T/none", "error: "},
        {"@B/eval probe --out @T/base --shared 1 --tune", "no --tune, no --scenes"},
        {"@B/train llm --from @T/base/encoder.safetensors --regress depth --out @T/bad", "stage boost only"},
        {"@B/train boost --from @T/base/instruct.safetensors --regress words --out @T/bad",
         "depth, labels or"},
        {"@B/train boost --from @T/base/instruct.safetensors --noise depth=-1 --out @T/bad", "from 0 to 100"},
        {"@B/train boost --from @T/base/instruct.safetensors --levels view --out @T/bad", "there are pixel"},
        {"@B/train boost --from @T/base/instruct.safetensors --regress depth --noise sign=1 --out @T/bad",
         "with --regress asks no questions"},
        {"@B/train boost --from @T/base/instruct.safetensors --single .5 --out @T/bad", "--views of 2"},
        {"@B/train boost --from @T/base/instruct.safetensors --blind_balance --views 3 --out @T/bad",
         "one view of simulated rooms"},
        {"@B/train llm --from @T/base/encoder.safetensors --preset toy --out @T/bad", "presets are for"},
        {"@B/eval nothing", "error: "},
        {"@B/data/simulate --count 0 --out @T/s", "--count"},
        {"@B/data/simulate --overlap 30 --out @T/s", "two whole numbers"},
        {"@B/data/simulate --overlap 30,40 --out @T/s", "overlap of 30..40 percent"},
        {"@B/data/converse --scenes @T/nowhere --out @T/c.json", "nowhere"},
        {"@B/eval vsi", "--questions FILE is missing"},
        {"@B/eval score", "--predictions FILE is missing"},
        {"@B/eval score --predictions @T/nowhere", "nowhere"},
        {"@B/eval vsi --questions @T/nowhere --predictions @T/nowhere", "nowhere"},
        {"@B/data/import @T/nowhere @T/i", "nowhere"}};
    for (int i = 0; i < (int)(sizeof bad / sizeof *bad); i++) {
        int code = test_shell("%s", bad[i].line);
        char *said = test_said();
        CHECK(code == 1, "%s: exit %d", bad[i].line, code);
        CHECK(strstr(said, bad[i].says) != NULL, "%s: \"%s\" is not in: %s", bad[i].line, bad[i].says, said);
        free(said);
    }
    CHECK(!sb_exists(test_path("bad/boost.safetensors")), "a refused run left a result");
}
// Every type with every option: the census is drawn and printed, noise is counted, the same again from the
// same seed; a window that leaves no pair of views, and values that are none.
static void test_run_converse(void) {
    static const char *const bad[][2] = {{"--views 2 --overlap 99,100 --baseline 50,60", "no two views"},
                                         {"--overlap 30", "two numbers A,B"},
                                         {"--overlap 60,30", "two numbers A,B"},
                                         {"--baseline 1,x", "two numbers A,B"},
                                         {"--noise blur=1", "noise"},
                                         {"--levels pixles", "no level"},
                                         {"--levels views", "asks only for what is not there"},
                                         {"--units yd", "expected one of"},
                                         {"--mix clock+=1", "no such mix"},
                                         {"--overlap 0,50", "--overlap chooses pairs of views"},
                                         {"--baseline 1,2", "--baseline chooses pairs of views"},
                                         {"--vsi 2", "--mix is for dialogues; --vsi asks"}};
    for (int i = 0; i < 2; i++)
        CHECK(
            !test_shell("@B/data/converse --scenes @T/walk --out @T/e%d.json --mix everything --views 3 "
                        "--noise depth=.1,scale=1.1,erode=1,swap=.2,sign=.1 --blind-balance --stats --units "
                        "mixed --rationale --order random --overlap 10,90 --baseline .05,5",
                        i),
            "%s", test_said());
    char *said = test_said();
    CHECK(strstr(said, "answers changed") && strstr(said, "\nclock "), "no census: %s", said);
    CHECK(test_same_files(test_path("e0.json"), test_path("e1.json")), "not the same again");
    CHECK(sb_exists(test_path("e0.html")), "no page");
    free(said);
    for (int i = 0; i < (int)(sizeof bad / sizeof *bad); i++) {
        int code = test_shell("@B/data/converse --scenes @T/walk --out @T/refused.json --mix everything %s",
                              bad[i][0]);
        said = test_said();
        CHECK(code == 1 && strstr(said, bad[i][1]), "%s: exit %d, %s", bad[i][0], code, said);
        free(said);
    }
    CHECK(!sb_exists(test_path("refused.json")), "a refused run left a file");
    sb_remove(test_path("doubt"));
    SbScene s;
    sb_scene_load(&s, test_path("walk/scene_000000"));
    s.unproven = 1;
    sb_scene_save(&s, test_path("doubt"));
    CHECK(!test_shell("@B/data/converse --scenes @T/doubt @T/walk/scene_000000 --mix pixel --out @T/d.json"),
          "%s", test_said());
    said = test_said();
    CHECK(strstr(said, "nothing proved the poses of 1 of 2 scenes"), "no word of unproven scenes: %s", said);
    sb_scene_free(&s), free(said);
}
// Two groups of views by hand: pictures 0 1 2 and 3 4 5 look alike as a whole, even and odd ones patch by
// patch. Dialogues are about pairs that a window allows, and no others.
static void test_run_pairs(void) {
    static const struct { const char *flags; int group, parity; // 1: the same, 0: not, 2: any
    } row[] = {{"--cls-cosine .5,1", 1, 2},
               {"--patch-cosine 0,.5", 2, 0},
               {"--cls-cosine -1,.5 --patch-cosine .9,1", 0, 1}};
    static const char *const bad[][2] = {
        {"--cls-cosine .2,.3",
         "no two views of a scene have --overlap 0,100 and --baseline 0,1e6 and --cls-cosine "
         ".2,.3 (there are 0.000 to 1.000)"},
        {"--cls-cosine .2", "two numbers A,B with -1"},
        {"--patch-cosine 0,2", "two numbers A,B with -1"},
        {"--views 1 --patch-cosine 0,1", "--patch-cosine chooses pairs of views: --views 2 or more"}};
    CHECK(!test_shell("@B/data/simulate --views 6 --overlap 20,60 --count 1 --out @T/pairs"), "%s",
          test_said());
    CHECK(!test_shell("@B/data/converse --scenes @T/pairs --out @T/alone.json --mix depth=2,views=3"), "%s",
          test_said());
    char *alone = test_said();
    CHECK(strstr(alone, "note: 3 questions a dialogue are about several pictures: --views 2"), "%s", alone);
    free(alone);
    float cls[12] = {0}, patches[12] = {0};
    SbScene s;
    SbText names = {NULL, 0, 0};
    int count;
    char **folder = sb_list_folder(test_path("pairs"), &count);
    char *scene = sb_format("%s/%s", test_path("pairs"), folder[0]);
    char *features = sb_format("%s/features.safetensors", scene);
    sb_scene_load(&s, scene);
    for (int v = 0; v < 6; v++) {
        cls[2 * v + v / 3] = 1, patches[2 * v + v % 2] = 1;
        sb_text_add(&names, "color/%s.png\n", s.view[v].name);
    }
    CHECK(test_shell("@B/data/converse --scenes @T/pairs --out @T/pairs.json --mix multi --views 2 "
                     "--cls-cosine 0,1") == 1 &&
              strstr(test_said(), "make it with ./eval features --pictures"),
          "%s", test_said());
    SbFileTensor t[2] = {{"cls", "F32", 2, {6, 2}, cls}, {"patches", "F32", 3, {6, 1, 2}, patches}};
    SbPair pair = {"names", names.data};
    sb_checkpoint_write(features, t, 2, &pair, 1);
    for (int i = 0; i < 3; i++) {
        SbConversations file;
        SbConversation c;
        int records = 0, wrong = 0;
        CHECK(!test_shell(
                  "@B/data/converse --scenes @T/pairs --out @T/pairs%d.json --mix multi --views 2 --per-view "
                  "4 %s",
                  i, row[i].flags),
              "%s", test_said());
        char *path = sb_format("%s/pairs%d.json", test_folder(), i);
        sb_conversations_open(&file, path);
        free(path);
        for (; sb_conversations_next(&file, &c); sb_conversation_free(&c), records++) {
            int view[2] = {-1, -1};
            for (int k = 0; k < 2 && c.images == 2; k++)
                for (int v = 0; v < 6; v++) {
                    char *name = sb_format("/%s.png", s.view[v].name);
                    if (strstr(c.image[k], name)) view[k] = v;
                    free(name);
                }
            int group = view[0] / 3 == view[1] / 3, parity = view[0] % 2 == view[1] % 2;
            wrong += view[0] < 0 || view[1] < 0 || (row[i].group < 2 && group != row[i].group) ||
                     (row[i].parity < 2 && parity != row[i].parity);
        }
        sb_conversations_close(&file);
        CHECK(records >= 16 && wrong == 0, "%s: %d of %d dialogues are about other pairs", row[i].flags,
              wrong, records);
    }
    for (int i = 0; i < (int)(sizeof bad / sizeof *bad); i++) {
        int code = test_shell(
            "@B/data/converse --scenes @T/pairs --out @T/refused.json --mix multi --views 2 %s", bad[i][0]);
        char *said = test_said();
        CHECK(code == 1 && strstr(said, bad[i][1]), "%s: exit %d, %s", bad[i][0], code, said);
        free(said);
    }
    CHECK(!sb_exists(test_path("refused.json")), "a refused run left a file");
    free(names.data), free(scene), free(features);
    sb_free_names(folder, count), sb_scene_free(&s);
}
// What make real does, on rooms that play photographs: one with masks and a licence, one with depth alone.
static void test_run_real(void) {
    if (!test_base()) return;
    CHECK(!test_shell("(@B/data/simulate --views 3 --overlap 30,80 --size 32 --count 2 --out @T/photos && cd "
                      "@T/photos && set -- * && rm -r $2/instance && echo '{\"unproven\": true}' > "
                      "$2/objects.json && printf 'by <me>, 2026\n\nFree for all.\n' > $1/licence.txt)"), "%s",
          test_said());
    CHECK(!test_shell("(t='@B/train boost --out @T/photo --steps 3'; $t --from @T/base/instruct.safetensors "
                      "&& $t --from @T/photo/boost.safetensors --to real --scenes @T/photos --share .5 --mix "
                      "real --views 2 && @B/eval real --scenes @T/photos --out @T/photo --base "
                      "@T/base/encoder.safetensors)"), "%s", test_said());
    static const char *const part[] = {"6 real photographs",
                                       "<tr><td>depth of a point<td>",
                                       "<tr><td>about objects<td>",
                                       "<tr><td>about both pictures<td>",
                                       "<figcaption>picture 2</figcaption>",
                                       "</b>: by &#60;me&#62;, 2026</p>",
                                       "\n\nFree for all.\n</pre>",
                                       "</b>: the scene folder states no licence (licence.txt) "
                                       "<b>Nothing proved the poses</b> when it was imported.</p>"};
    char *html = sb_exists(test_path("photo/real.html")) ? sb_read_file(test_path("photo/real.html"), NULL)
                                                         : sb_copy("");
    for (int i = 0; i < (int)(sizeof part / sizeof *part); i++)
        CHECK(strstr(html, part[i]) != NULL, "real.html has no \"%s\"", part[i]);
    free(html);
    // the miniature's own features choose pairs too: cosines of a view with itself and others lie in -1 .. 1
    CHECK(!test_shell("(for s in @T/photos/*; do @B/eval features --model @T/photo/boost.safetensors "
                      "--pictures $s/color --to $s/features.safetensors || exit 1; done; @B/data/converse "
                      "--scenes @T/photos --out @T/like.json --mix real --views 2 --cls-cosine -1,1 "
                      "--patch-cosine -1,1)"), "%s", test_said());
    char *said = test_said();
    CHECK(strstr(said, "cosines of patches: ") && strstr(said, "cosines of pictures: "), "%s", said);
    free(said);
}
// Rooms with a camera that walks, their questions in VSI-Bench's layout and as dialogues, and a score of 100
// for who answers them all. Dialogues about three pictures, and two steps of training on them.
static void test_run_vsi(void) {
    CHECK(!test_shell("@B/data/simulate --views 6 --overlap 20,60 --difficulty 2 --count 4 --out @T/walk && "
                      "@B/data/converse --scenes @T/walk --out @T/q.jsonl --vsi 2 && "
                      "@B/data/converse --scenes @T/walk --out @T/q.json --vsi 2"), "%s", test_said());
    CHECK(!test_shell("sed -E 's/.*\"id\": ([0-9]+),.*\"ground_truth\": \"([^\"]*)\".*/{\"id\": \\1, "
                      "\"prediction\": \"\\2\"}/' @T/q.jsonl > @T/p.jsonl && @B/eval vsi --out @T/vsi "
                      "--questions @T/q.jsonl --predictions @T/p.jsonl"), "%s", test_said());
    SbCsv csv;
    CHECK(sb_csv_read(&csv, test_path("vsi/vsi.csv"), "type,questions,score,usual"), "vsi.csv");
    int all = sb_csv_find(&csv, "all"), count = (int)sb_csv_number(&csv, all, "questions");
    CHECK(count > 40 && sb_csv_number(&csv, all, "score") == 100, "%d questions score %g", count,
          sb_csv_number(&csv, all, "score"));
    SbConversations file;
    SbConversation c;
    int records = 0, prompts = 0;
    sb_conversations_open(&file, test_path("q.json"));
    for (; sb_conversations_next(&file, &c); records++, sb_conversation_free(&c))
        prompts += c.images == 6 && c.turns == 1 && strstr(c.turn[0].question, "These are frames of a");
    CHECK(records == count && prompts == count, "%d dialogues, %d as they should be, of %d", records, prompts,
          count);
    sb_conversations_close(&file);
    sb_csv_free(&csv);
    CHECK(!test_shell("@B/data/converse --scenes @T/walk --out @T/m.jsonl --mix multi --views 3 --grid 8"),
          "%s", test_said());
    sb_conversations_open(&file, test_path("m.jsonl"));
    for (records = prompts = 0; sb_conversations_next(&file, &c); records++, sb_conversation_free(&c))
        prompts += c.images == 3 && c.turns > 10 && strcmp(c.image[0], c.image[1]) && c.image[2][0] != '/';
    CHECK(records == 24 && prompts == 24, "%d dialogues, %d as they should be", records, prompts);
    sb_conversations_close(&file);
    CHECK(test_shell("@B/data/converse --scenes @T/walk --out @T/x.json --views 8") == 1, "8 of 6 views");
    test_run_converse();
    if (!test_base()) return;
    CHECK(!test_shell("@B/train boost --from @T/base/instruct.safetensors --out @T/multi --steps 2 --share 1 "
                      "--data @T/m.jsonl"), "%s", test_said());
}
// A checkpoint cut short, or with one byte changed in its header.
static void test_run_damaged(void) {
    if (!test_base()) return;
    size_t size;
    char *whole = sb_read_file(test_path("base/instruct.safetensors"), &size);
    for (int i = 0; i < 12; i++) {
        FILE *f = fopen(test_path("cut.safetensors"), "wb");
        fwrite(whole, 1, size * (size_t)i / 12, f);
        fclose(f);
        CHECK(test_shell("@B/train boost --from @T/cut.safetensors --out @T/cut --steps 2") == 1,
              "cut at %d/12 is taken", i);
        char *said = test_said();
        CHECK(strstr(said, "error: ") && strstr(said, "cut.safetensors"), "cut at %d/12: %s", i, said);
        free(said);
    }
    free(whole);
}
// Tables of experiments: changes, half ranges and t intervals by hand; files that hold something else.
static void test_run_experiments(void) {
    static const char *const bad[][2] = {{"arm,seed,metric,base,value\na,1,m,1,2\n", "columns are not"},
                                         {"# only a note\n", "no line of figures"},
                                         {"arm,seed,metric,base,value,seconds\na,1,m,1,x,5\n", "numbers"}};
    CHECK(!test_shell("(mkdir -p @T/results && cd @T/results && { echo '# what <it> is about'; "
                      "echo arm,seed,metric,base,value,seconds; for s in 1 2 3; do "
                      "echo one,$s,depth rmse,2,1.8$((4 - 2 * s + 2)),100; done; "
                      "echo two,1,depth rmse,2,1.66,50; echo two,2,depth rmse,2,1.64,50; "
                      "echo two,3,depth rmse,2,1.58,50; echo two,1,of nothing,0,1,50; } > some.csv)"),
          "a file");
    CHECK(!test_shell("@B/eval experiments --results @T/results --out @T/page"), "%s", test_said());
    // one: 1.84 1.82 1.80 of 2: -8 -9 -10; two: -17 -18 -21; two less one: -9 -9 -11: mean -9.667, standard
    // deviation 1.155, t of two degrees 4.303: 4.303 * 1.155 / sqrt(3) = 2.869
    char *said = test_said();
    CHECK(strstr(said, "-9.0 +-   1.0") && strstr(said, "-18.7 +-   2.0") && strstr(said, "-9.7 +-   2.9"),
          "%s", said);
    free(said);
    char *page = sb_read_file(test_path("page/experiments.html"), NULL);
    CHECK(strstr(page, "what &#60;it&#62; is about") && strstr(page, "<td class=good>") &&
          strstr(page, "3 seeds") && strstr(page, "9.7 &plusmn;&thinsp;2.9") &&
          strstr(page, "<td class=even>&ndash;"), "the page");
    free(page);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(!test_shell("(printf '%s' > @T/results/some.csv)", bad[i][0]), "a file");
        CHECK(test_shell("@B/eval experiments --results @T/results --out @T/page") == 1, "%s passes",
              bad[i][0]);
        said = test_said();
        CHECK(strstr(said, bad[i][1]) && strstr(said, "some.csv"), "%s: %s", bad[i][0], said);
        free(said);
    }
    CHECK(test_shell("rm @T/results/some.csv; @B/eval experiments --results @T/results --out @T/page") == 1,
          "an empty folder passes");
}
// The list of experiments at toy size: an arm that is another's, seeds of the command line, nothing twice,
// and no results of one setting for those of another.
static void test_run_reproduce(void) {
    static const char *const how = "TRAIN=@B/train EVAL=@B/eval IMAGES=20 FIT=20 SEEDS=3 TOY='--preset toy'";
    static const struct { const char *flags, *says; int fails; } row[] = {
        {"EXPERIMENTS=heads STEPS=2", "2 results are missing", 0},
        {"EXPERIMENTS=heads STEPS=2", "0 results are missing", 0},
        {"EXPERIMENTS=heads STEPS=3", "holds results of --preset toy STEPS=2", 1},
        {"EXPERIMENTS=haeds STEPS=2", "there is no haeds", 1}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        int failed = test_shell("(make -s -f dev/reproduce.mk R=@T/list %s %s) 2>&1", how, row[i].flags) != 0;
        char *said = test_said();
        CHECK(failed == row[i].fails && strstr(said, row[i].says), "%s: %s", row[i].flags, said);
        free(said);
    }
    char *csv = sb_exists(test_path("list/results/heads.csv"))
                    ? sb_read_file(test_path("list/results/heads.csv"), NULL) : sb_copy("");
    CHECK(strstr(csv, "block_1,3,depth_dpt rmse,") && strstr(csv, "block_4,3,depth rmse,") &&
          strstr(csv, "means nothing"), "%s", csv);
    free(csv);
}
// One element of every tensor of a dump off by four times its bound, or written on one side only: seen, and
// where.
static void check_diff_sees(const char *path) {
    SbDiff f;
    sb_diff_open(&f, path, path, 0);
    for (SbDifference *d = f.row; d < f.row + f.rows; d++) {
        size_t bytes = (size_t)sb_tensor_bytes(&d->a, path);
        int64_t at = (int64_t)(sb_mix64((uint64_t)(d - f.row)) % (uint64_t)sb_diff_count(&d->a));
        float *number = (float *)memcpy(sb_calloc(bytes, 1), d->a.data, bytes), was = number[at];
        SbDifference off = *d, absent = *d;
        off.b.data = absent.b.data = number;
        number[at] = d->bound > 0 ? was + 4 * (float)d->bound : was + 1e-30f;
        sb_diff_error(&off);
        number[at] = NAN;
        sb_diff_error(&absent);
        CHECK(off.ratio > 1 && off.at == at, "%s: four times its bound passes: %g", d->a.name, off.ratio);
        CHECK(absent.ratio == INFINITY && absent.at == at, "%s: not written, and it passes", d->a.name);
        free(number);
    }
    sb_diff_close(&f);
}
// Dumps of a step: the same on one and on more threads, one element off seen for what it is.
static void test_run_diff(void) {
    if (!test_base()) return;
    for (int i = 1; i < 3; i++)
        CHECK(
            !test_shell("OMP_NUM_THREADS=%d @B/train boost --from @T/base/instruct.safetensors --out @T/dump "
                        "--dump @T/dump%d.safetensors",
                        i, i),
            "dump: %s", test_said());
    CHECK(!test_shell("@B/eval diff @T/dump1.safetensors @T/dump2.safetensors --csv @T/diff.csv"), "%s",
          test_said());
    check_diff_sees(test_path("dump1.safetensors"));
    SbCheckpoint f;
    sb_checkpoint_open(&f, test_path("dump1.safetensors"));
    float element;
    size_t size, at = (size_t)((const char *)sb_checkpoint_find(&f, "enc.1.att")->data - (const char *)f.map);
    sb_checkpoint_close(&f);
    char *whole = sb_read_file(test_path("dump1.safetensors"), &size);
    memcpy(&element, whole + at + 4 * 70, sizeof element);          // row 1, column 6 of [rows][64]
    element += 0.01f;
    memcpy(whole + at + 4 * 70, &element, sizeof element);
    FILE *out = fopen(test_path("dump2.safetensors"), "wb");
    CHECK(out && fwrite(whole, 1, size, out) == size && !fclose(out), "cannot write a test's file");
    free(whole);
    CHECK(test_shell("@B/eval diff @T/dump1.safetensors @T/dump2.safetensors") == 1, "an error passes");
    char *said = test_said();
    CHECK(strstr(said, "enc.1.att") && strstr(said, "[1, 6]") && strstr(said, " 1 beyond"), "%s", said);
    free(said);
    CHECK(test_shell("@B/eval diff @T/dump1.safetensors @T/base/instruct.safetensors") == 1, "not a dump");
    CHECK(!test_shell("@B/train boost --from @T/base/instruct.safetensors --out @T/dump --steps 2") &&
              !test_shell("@B/train boost --from @T/base/instruct.safetensors --out @T/dump --seed 2 --dump "
                          "@T/dump2.safetensors"),
          "a dump beside a result: %s", test_said());
    CHECK(test_shell("@B/eval diff @T/dump1.safetensors @T/dump2.safetensors") == 1 &&
              strstr(test_said(), "not the same step") && strstr(test_said(), "dump2.safetensors: seed=2"),
          "another seed: %s", test_said());
    CHECK(test_shell("@B/train boost --from @T/base/instruct.safetensors --recompute --dump @T/none") == 1 &&
              strstr(test_said(), "not with --recompute"),
          "%s", test_said());
}
// A disk that is full (a limit on file size): an error, and what stood there stands.
static void test_run_full_disk(void) {
    if (!test_base()) return;
    CHECK(!test_shell("@B/train boost --from @T/base/instruct.safetensors --out @T/full --steps 2"), "%s",
          test_said());
    CHECK(!test_shell("cp @T/full/boost.safetensors @T/full/before"), "cp");
    CHECK(test_shell(
              "(trap '' XFSZ; ulimit -f 40; @B/train boost --from @T/base/instruct.safetensors --out @T/full "
              "--steps 3 --again | head -c 20000)") == 0,
          "shell");
    char *said = test_said();
    CHECK(strstr(said, "error: ") != NULL, "a full disk went unnoticed: %s", said);
    CHECK(test_same_files(test_path("full/before"), test_path("full/boost.safetensors")),
          "the old result was damaged");
    free(said);
}
// The house's own limits: columns, lines of the header, lines of a function.
static void check_source(const char *path) {
    FILE *f = fopen(path, "r");
    char line[4096], name[128] = "";
    int number = 0, begin = 0;
    CHECK(f != NULL, "%s cannot be read", path);
    while (f && fgets(line, sizeof line, f)) {
        size_t columns = 0, n = strcspn(line, "\n");
        for (size_t i = 0; i < n; i++) columns += ((unsigned char)line[i] & 0xC0) != 0x80;
        number++;
        CHECK(columns <= 110, "%s:%d: %zu columns", path, number, columns);
        if (line[0] == '}' && begin) {
            CHECK(number - begin < 100, "%s: %s has %d lines", path, name, number - begin + 1);
            begin = 0;
        }
        if (strchr("}#/ \n\t", line[0]) == NULL && strchr(line, '('))
            begin = number, snprintf(name, sizeof name, "%.100s", line);
    }
    if (f) fclose(f);
    if (!strcmp(path, "./spatialboost.h")) CHECK(number <= 2999, "%s has %d lines", path, number);
    if (!strcmp(path, "./train.c")) CHECK(number < 1000, "%s has %d lines", path, number);
    if (!strncmp(path, "data/", 5)) CHECK(number <= 600, "%s has %d lines", path, number);
}
// Every source file: columns, lines of a function, lines of a file.
static void test_source_limits(void) {
    static const char *const folder[] = {".", "data", "dev", "dev/cuda", "dev/cuda_on_cpu"};
    if (!sb_exists("spatialboost.h")) SKIP("run from the project's root (spatialboost.h is not here)");
    for (int i = 0; i < (int)(sizeof folder / sizeof *folder); i++) {
        int count, sources = 0;
        char **name = sb_list_folder(folder[i], &count);
        for (int k = 0; k < count; k++) {
            const char *dot = strrchr(name[k], '.');
            if (!dot || (strcmp(dot, ".h") && strcmp(dot, ".c") && strcmp(dot, ".cu") && strcmp(dot, ".cpp")))
                continue;
            char *path = sb_format("%s/%s", folder[i], name[k]);
            check_source(path), sources++;
            free(path);
        }
        CHECK(sources > 2, "%s: %d source files", folder[i], sources);
        sb_free_names(name, count);
    }
}
static void test_runs_all(void) {
    RUN(test_run_path);
    RUN(test_run_field);
    RUN(test_run_variants);
    RUN(test_run_kill);
    RUN(test_run_kill_rename);
    RUN(test_run_interrupt);
    RUN(test_run_nan);
    RUN(test_run_refuses);
    RUN(test_run_vsi);
    RUN(test_run_pairs);
    RUN(test_run_real);
    RUN(test_run_measures);
    RUN(test_run_damaged);
    RUN(test_run_diff);
    RUN(test_run_experiments);
    RUN(test_run_reproduce);
    RUN(test_run_full_disk);
    RUN(test_source_limits);
}
#endif
