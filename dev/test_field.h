// test_field.h: Spa3R and Spa3-VLM: camera algebra, whole toy models, what may see what, PyTorch's numbers.
//
// Refuses: single operations (test_ops.h). Included behind test_model.h, whose helpers it uses: Net, Tally, a
// text of a test for both precisions. Read from top: cameras, scenes, gradients, invariants, sizes.
#ifndef SB_TEST_FIELD_H
#define SB_TEST_FIELD_H
#if !defined SB_GPU || defined SB_FP32  // data/field.h's fits are for float
#define SB_HAS_FITS
#include "../data/field.h"
#endif
namespace proof {

// ------------------------------------------------------------------------------------------------- >>cameras
// A camera by quaternion (any length), translation and fields of view, as a float would hold them.
template <class Camera> Camera camera_of(const double *q, const double *t, double across, double down, int w,
                                         int h) {
    Camera c;
    double e[9] = {t[0], t[1], t[2], q[0], q[1], q[2], q[3], down, across};
    sb_pose_decode(&c, e, w, h);
    return c;
}
static void near_to(const char *what, const double *got, const double *want, int n, double bound) {
    for (int i = 0; i < n; i++)
        CHECK(fabs(got[i] - want[i]) <= bound, "%s[%d] = %.9g, expected %.9g", what, i, got[i], want[i]);
}
// Numbers made with a few lines of Python from the formulas; seven digits.
static void check_cameras(void) {
    const double q[4] = {.1, -.2, .3, .9}, t[3] = {.5, -.25, 1}, pi = acos(-1);
    SbCamera c = camera_of<SbCamera>(q, t, pi / 3, pi / 4, 518, 378);
    const double rotation[9] = {.7263158, -.6105263, -.3157895, .5263158, .7894737, -.3157895, .4421053,
                                .0631579, .8947368};
    for (int i = 0; i < 3; i++) near_to("rotation", c.pose + 4 * i, rotation + 3 * i, 3, 6e-8);
    const double focal[2] = {448.6011592, 456.2863633}, found[2] = {c.fx, c.fy};
    near_to("focal length", found, focal, 2, 6e-8);
    double d[3], e[9], inverse[16], one[16], p[32], line[6],
        unit[16] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
    const double first[3] = {-.46258815, -.32846436, .82348246}, last[3] = {.46258815, .32846436, .82348246},
                 middle[3] = {0, 0, 1};
    sb_camera_ray(d, &c, 14, 0, 0), near_to("first ray", d, first, 3, 6e-9);
    sb_camera_ray(d, &c, 14, 18, 13), near_to("middle ray", d, middle, 3, 1e-15);
    sb_camera_ray(d, &c, 14, 36, 26), near_to("last ray", d, last, 3, 6e-9);
    sb_camera_prope(p, &c);
    const double rows[12] = {.6290079,  -.5287313, -.2734817, .4330127, .6353194, .9529790,
                             -.3811916, -.3017767, .4421053,  .0631579, .8947368, 1};
    near_to("PRoPE", p, rows, 12, 6e-8), near_to("PRoPE, last row", p + 12, unit + 12, 4, 0);
    sb_mat4(one, p, p + 16), near_to("PRoPE times its inverse", one, unit, 16, 1e-15);
    const double across[4] = {3.225962, 1.566700, 1.648346, 6.829459},
                 back[4] = {.342285, 2.550436, -1.466807, 4};
    for (int i = 0; i < 4; i++) {
        double sum[2] = {0, 0}, want[2] = {across[i], back[i]};
        for (int j = 0; j < 4; j++) sum[0] += p[4 * j + i] * (j + 1), sum[1] += p[16 + 4 * i + j] * (j + 1);
        near_to("P^T and P^-1 times 1 2 3 4", sum, want, 2, 6e-7);
    }
    sb_pose_inverse(inverse, c.pose), sb_mat4(one, c.pose, inverse), near_to("E E^-1", one, unit, 16, 1e-15);
    sb_pose_inverse(one, inverse), near_to("E^-1^-1", one, c.pose, 16, 1e-15);
    sb_pose_encode(e, &c);
    double length = sqrt(.95);
    for (int i = 0; i < 4; i++)
        CHECK(fabs(e[3 + i] - q[i] / length) < 1e-15, "quaternion[%d] = %.17g", i, e[3 + i]);
    CHECK(fabs(e[7] - pi / 4) < 1e-15 && fabs(e[8] - pi / 3) < 1e-15, "fields of view %g %g", e[7], e[8]);
    sb_camera_line(line, &c, middle);   // both ends of the line: the camera's centre, and a metre ahead of it
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 3; i++) {
            int a = (i + 1) % 3, b = (i + 2) % 3;
            double x_a = inverse[4 * a + 3] + k * inverse[4 * a + 2],
                   x_b = inverse[4 * b + 3] + k * inverse[4 * b + 2];
            CHECK(fabs(x_a * line[3 + b] - x_b * line[3 + a] - line[i]) < 1e-15,
                  "the moment is not x cross d");
            CHECK(fabs(line[3 + i] - inverse[4 * i + 2]) < 1e-15, "the direction is not R^T d");
        }
}
// Quaternion to pose and back, at every place where a component is the largest or nearly 0.
static void check_quaternions(void) {
    for (int trial = 0; trial < 500; trial++) {
        double q[4], back[4], e[16], norm = 0;
        for (int i = 0; i < 4; i++) {
            q[i] = sb_normal(7, (uint64_t)(4 * trial + i)) * ((trial >> i & 1) && trial < 32 ? 1e-9 : 1);
            norm += q[i] * q[i];
        }
        memset(e, 0, sizeof e);
        sb_quaternion_pose(e, q), sb_pose_quaternion(back, e);
        for (int i = 0; i < 4; i++)
            CHECK(fabs(back[i] - q[i] / sqrt(norm) * (q[3] < 0 ? -1 : 1)) < 1e-14, "trial %d: q[%d] = %.17g",
                  trial, i, back[i]);
    }
}
static void check_camera_errors(void) {
    const double q[4] = {0, 0, 0, 1}, t[3] = {0, 0, 0};
    SbCamera good = camera_of<SbCamera>(q, t, 1, 1, 10, 10), bad = good;
    CHECK(!sb_camera_error(&good), "a good camera: %s", sb_camera_error(&good));
    for (int k = 0; k < 5; k++) {
        bad = good;
        double *wrong[5] = {&bad.pose[0], &bad.pose[3], &bad.pose[13], &bad.fx, &bad.pose[10]},
               value[5] = {2, NAN, 1, -1, -1};
        *wrong[k] = value[k];
        CHECK(sb_camera_error(&bad) != NULL, "camera %d was accepted", k);
    }
}

// -------------------------------------------------------------------------------------------------- >>scenes
enum { GEOMETRIC = SB_AGGREGATOR | SB_SPA3R, EVERYTHING = SB_AGGREGATOR | SB_SPA3R | SB_ADAPTER };
// Images of 3 x 2 patches (and others) on a grid of 3 x 3; heads of 16, cameras in 8 of it.
static SbConfig field_config(void) {
    SbConfig c = tiny_config();
    c.image = 12, c.enc_width = 16, c.enc_layers = 1, c.agg_layers = 2, c.agg_heads = 2, c.agg_mlp = 12;
    c.agg_registers = 2, c.agg_scale = .5, c.camera_layers = 1, c.camera_rounds = 1;
    c.field_width = 32, c.field_layers = 2, c.field_heads = 2, c.field_mlp = 20, c.latents = 5;
    c.llm_width = 16, c.context = .5, c.labels = 4;
    return c;
}
template <class S> ::SbCamera random_camera(Net<S> &n, const std::string &name, int w, int h) {
    Vec z = normals(name, 8);
    double q[4] = {.2 * z[0], .2 * z[1], .2 * z[2], 1}, t[3] = {.5 * z[3], .3 * z[4], .5 * z[5]};
    (void)n;
    return camera_of<::SbCamera>(q, t, 1.1 + .05 * z[6], .9 + .05 * z[7], w, h);
}
template <class S> void close_scene(Net<S> &n, const std::vector<::SbCamera> &camera, const int *context) {
    typedef typename S::Camera Camera;
    std::vector<Camera> own(camera.size());
    for (size_t v = 0; v < camera.size(); v++) memcpy(&own[v], &camera[v], sizeof own[v]);
    sb_batch_scene(&n.b, &n.c, own.data(), context, (int)camera.size());
}
// A scene of views whose context is given by bits; the second view is smaller.
template <class S> void add_scene(Net<S> &n, int views, int bits, int geometry) {
    std::vector<::SbCamera> camera;
    std::vector<int> context;
    int first = (int)n.b.n.images;
    for (int v = 0; v < views; v++) {
        int w = (v == 1 ? 2 : 3) * n.c.patch, h = (v == 1 ? 3 : 2) * n.c.patch;
        add_image(n, w, h);
        camera.push_back(random_camera(n, "camera " + std::to_string(first + v), w, h));
        context.push_back(bits >> v & 1);
    }
    close_scene(n, camera, context.data());
    for (int vis = n.b.image_vis[first]; geometry && vis < n.b.n.vis; vis += 2)
        sb_batch_geometry(&n.b, &n.c, vis, (float)(.5 + .3 * (vis % 7)));
}
// Two scenes, of four views and of one.
template <class S> void add_scenes(Net<S> &n, int geometry) {
    sb_batch_clear(&n.b);
    add_scene(n, 4, 1 + 4, geometry), add_scene(n, 1, 1, geometry);
}
// Dialogues about two scenes.
template <class S> void add_talk(Net<S> &n) {
    sb_batch_clear(&n.b);
    for (int scene = 0, image = 0; scene < 2; scene++) {
        add_scene(n, 2 + scene, 7, 0);
        sb_batch_sample(&n.b);
        for (; image < n.b.n.images; image++) sb_batch_prefix_image(&n.b, &n.c, image);
        if (n.c.adapter == 2) sb_batch_prefix_latents(&n.b, &n.c, scene);
        add_turn(n, 4, 2), add_turn(n, 3, 2);
    }
}

// ----------------------------------------------------------------------------------------------- >>gradients
struct Variant {
    const char *what;
    int global_norm, asymmetric, context_camera, pose, targets, loss_views;
    double scale;
};
static const Variant variants[] = {
    {": LayerNorm, asymmetric, PRoPE", SB_LAYERNORM, 1, 1, 0, 3, 0, .5},
    {": RMSNorm, two passes, RoPE2D and PRoPE, target views", SB_RMS, 0, 0, 0, 3, 1, .5},
    {": no norm, no LayerScale, Pluecker, geo alone", SB_NO_NORM, 1, 0, 1, 1, 0, 0},
    {": no pose, sem alone", SB_RMS, 1, 1, 2, 2, 0, .5}};
static SbConfig variant_config(const Variant &v) {
    SbConfig c = field_config();
    c.global_norm = v.global_norm, c.asymmetric = v.asymmetric, c.context_camera = v.context_camera;
    c.pose = v.pose, c.targets = v.targets, c.loss_views = v.loss_views, c.agg_scale = v.scale;
    return c;
}
// The camera head's rounds after the first read a pose without giving it a gradient, so there is one here;
// the probe's gradient stops at the features, so its loss is checked on its own tensors.
static void check_field_gradients(const Variant &v) {
    SbConfig c = variant_config(v);
    Net<Double> a(c, SB_AGGREGATOR, SB_AGG | SB_BASE), f(c, GEOMETRIC, SB_FIELD);
    add_scenes(a, 1), step(a, AGGREGATE, 1);
    check_slopes(a, AGGREGATE, v.what, "", v.scale > 0 ? 110 : 90);
    add_scenes(f, 0), step(f, FIELD, 1);
    check_slopes(f, FIELD, v.what, "", 80);
    std::vector<Vec> without = all_gradients(f);
    add_scenes(f, 1), step(f, FIELD, 1);
    check_slopes(f, FIELD, ", probe", "probe", 4);
    std::vector<Vec> with = all_gradients(f);
    for (int p = 0; p < f.m.params; p++)
        CHECK(strstr(f.m.param[p]->name, "probe") || with[p] == without[p], "the probe moves %s",
              f.m.param[p]->name);
}
static void check_talk_gradients(int adapter) {
    SbConfig c = field_config();
    c.adapter = adapter;
    Net<Double> n(c, EVERYTHING, SB_ADAPT | SB_LLM | SB_PROJ);
    add_talk(n), step(n, LM, 1);
    const char *what[3] = {" without adapter", " with cross-attention", " with latents appended"};
    check_slopes(n, LM, what[adapter], "", adapter == 1 ? 50 : 30);
}

// ------------------------------------------------------------------------------------------------ >>rounding
static void check_field_rounding(void) {
    SbConfig c = field_config();
    c.camera_rounds = 2;
    Net<Single> a(c, SB_AGGREGATOR, SB_AGG | SB_BASE), f(c, GEOMETRIC, SB_FIELD),
        t(c, EVERYTHING, SB_ADAPT | SB_LLM);
    Net<Double> b(c, SB_AGGREGATOR, SB_AGG | SB_BASE), g(c, GEOMETRIC, SB_FIELD),
        u(c, EVERYTHING, SB_ADAPT | SB_LLM);
    Tally tally;
    add_scenes(a, 1), add_scenes(b, 1), check_rounding_of_step(tally, a, b, AGGREGATE);
    add_scenes(f, 1), add_scenes(g, 1), check_rounding_of_step(tally, f, g, FIELD);
    add_talk(t), add_talk(u), check_rounding_of_step(tally, t, u, LM);
    tally.report("aggregator, spa3r, spa3-vlm");
}
// Sizes at which every loop with an `if` is parallel.
static SbConfig wide_field_config(void) {
    SbConfig c = field_config();
    c.image = 24, c.enc_width = 64, c.enc_heads = 4, c.agg_heads = 4, c.agg_mlp = 160, c.field_width = 64;
    c.field_heads = 4, c.field_mlp = 160, c.latents = 40, c.llm_width = 64, c.llm_heads = 4, c.llm_mlp = 160;
    c.vocab = 64, c.patch_word = 20, c.agg_layers = c.field_layers = 1;
    return c;
}
static std::vector<Vec> train_field(int threads, int objective) {
    Threads set(threads);
    Net<Single> n(wide_field_config(), EVERYTHING, objective == LM ? SB_ADAPT | SB_LLM | SB_PROJ
                                                  : objective == FIELD ? SB_FIELD : SB_AGG | SB_BASE);
    std::vector<Vec> out;
    if (objective == LM) add_talk(n);
    else for (int k = 0; k < 6; k++) add_scene(n, 4, 5, 1);
    for (int t = 1; t <= 2; t++) {
        out.push_back(Vec(1, step(n, objective, 1)));
        for (Vec &g : all_gradients(n)) out.push_back(g);
        sb_update(&n.m, 1e-3, 0.05, t);
    }
    for (Vec &w : all_weights(n)) out.push_back(w);
    return out;
}
static void check_field_threads(void) {
    for (int objective : {(int)AGGREGATE, (int)FIELD, (int)LM})
        for (int threads : {2, 3})
            CHECK(train_field(threads, objective) == train_field(1, objective),
                  "%s: other bits with %d threads", objective_name[objective], threads);
}
// The same in memory that only operations may touch.
static void check_field_guarded(void) {
    SbConfig c = field_config();
    Net<Guarded> a(c, EVERYTHING, SB_AGG), f(c, EVERYTHING, SB_FIELD), t(c, EVERYTHING, SB_ADAPT | SB_LLM);
    Net<Single> b(c, EVERYTHING, SB_AGG), g(c, EVERYTHING, SB_FIELD), u(c, EVERYTHING, SB_ADAPT | SB_LLM);
    add_scenes(a, 1), add_scenes(f, 1), add_talk(t), add_scenes(b, 1), add_scenes(g, 1), add_talk(u);
    int how = ending([&] { step(a, AGGREGATE, 1), step(f, FIELD, 1), step(t, LM, 1); });
    CHECK(how == 0, "a step touched a tensor outside of the operations: signal %d", how);
    if (how) return;
    CHECK(step(a, AGGREGATE, 1) == step(b, AGGREGATE, 1) && all_gradients(a) == all_gradients(b),
          "aggregator");
    CHECK(step(f, FIELD, 1) == step(g, FIELD, 1) && all_gradients(f) == all_gradients(g), "spa3r");
    CHECK(step(t, LM, 1) == step(u, LM, 1) && all_gradients(t) == all_gradients(u), "spa3-vlm");
}

// ---------------------------------------------------------------------------------------------- >>invariants
template <class S> Vec latents(Net<S> &n) {
    return read<S>(n.m.acts.latent, n.b.n.scenes * n.c.latents * n.c.field_width);
}
template <class S> Vec decoded(Net<S> &n) { return read<S>(n.m.acts.decoded, n.b.n.vis * n.c.field_width); }
static double apart(const Vec &a, const Vec &b) {
    double worst = a.size() == b.size() ? 0 : INFINITY;
    for (size_t i = 0; i < a.size() && i < b.size(); i++) worst = std::max(worst, fabs(a[i] - b[i]));
    return worst;
}
// One scene of views with given cameras and pictures: seed[v] draws view v's pixels.
static void pictures(Net<Double> &n, const std::vector<int> &seed, const std::vector<::SbCamera> &camera,
                     const std::vector<int> &context) {
    sb_batch_clear(&n.b);
    for (size_t v = 0; v < seed.size(); v++) {
        long first = n.b.n.pixels * 3;
        add_image(n, 3 * n.c.patch, 2 * n.c.patch);
        for (long i = first; i < n.b.n.pixels * 3; i++)
            n.b.pixels[i] = pick("view", 1000 * seed[v] + i - first, 65536) / 32768.0 - 1;
    }
    close_scene(n, camera, context.data());
    step(n, FIELD, 0);
}
static void check_what_sees_what(int asymmetric, int context_camera) {
    SbConfig c = field_config();
    c.asymmetric = asymmetric, c.context_camera = context_camera;
    Net<Double> n(c, GEOMETRIC, 0);
    std::vector<::SbCamera> k;
    for (int v = 0; v < 4; v++) k.push_back(random_camera(n, "seen " + std::to_string(v), 12, 8));
    pictures(n, {0, 1, 2, 3}, k, {1, 0, 1, 1});
    Vec z = latents(n), y = decoded(n);
    CHECK(rms(z) > .1 && rms(y) > .1, "nothing was computed");
    // other context views in another order, each with its camera: the same latents
    pictures(n, {0, 1, 3, 2}, {k[0], k[1], k[3], k[2]}, {1, 0, 1, 1});
    CHECK(apart(latents(n), z) < 1e-12, "the order of context views moves latents by %g",
          apart(latents(n), z));
    // another target picture: the same latents, the same decoded features
    pictures(n, {0, 9, 2, 3}, k, {1, 0, 1, 1});
    CHECK(latents(n) == z && decoded(n) == y, "a target's picture leaks into what is predicted");
    pictures(n, {0, 1, 9, 3}, k, {1, 0, 1, 1});
    CHECK(apart(latents(n), z) > 1e-4, "a context picture does not matter");
    // another target camera: the same latents, other features of that view alone
    std::vector<::SbCamera> moved = k;
    moved[1].pose[3] += .5;
    pictures(n, {0, 1, 2, 3}, moved, {1, 0, 1, 1});
    Vec other = decoded(n);
    long view = 6L * n.c.field_width;
    Vec before(y.begin() + view, y.begin() + 2 * view), after(other.begin() + view, other.begin() + 2 * view);
    CHECK(latents(n) == z && apart(before, after) > 1e-4, "the asked camera does not matter");
    std::copy(before.begin(), before.end(), other.begin() + view);
    CHECK(other == y, "a view's camera moves other views");
    // another context camera
    moved = k, moved[2].pose[3] += .5;
    pictures(n, {0, 1, 2, 3}, moved, {1, 0, 1, 1});
    CHECK((apart(latents(n), z) > 1e-5) == (context_camera != 0), "context cameras %s",
          context_camera ? "do not matter" : "leak");
    // the world's frame is nobody's business: all cameras moved together
    moved = k;
    for (::SbCamera &m : moved) {
        double turned[16];
        sb_mat4(turned, m.pose, random_camera(n, "world", 12, 8).pose), memcpy(m.pose, turned, sizeof turned);
    }
    pictures(n, {0, 1, 2, 3}, moved, {1, 0, 1, 1});
    CHECK(apart(latents(n), z) < 1e-11 && apart(decoded(n), y) < 1e-11, "the world's frame matters: %g",
          apart(decoded(n), y));
    // all context = no mask: one pass or two, the same
    pictures(n, {0, 1, 2, 3}, k, {1, 1, 1, 1});
    Vec all = latents(n);
    n.m.config.asymmetric = n.c.asymmetric = !asymmetric;
    pictures(n, {0, 1, 2, 3}, k, {1, 1, 1, 1});
    CHECK(latents(n) == all, "all views context, yet one pass and two differ");
    // a single view; and no view at all: latents know nothing
    pictures(n, {5}, {k[0]}, {1});
    CHECK(std::isfinite(rms(latents(n))) && rms(decoded(n)) > .1, "a scene of one view");
    n.c.blind = 1;
    pictures(n, {0, 1, 2, 3}, k, {1, 0, 1, 1}), z = latents(n), y = decoded(n);
    pictures(n, {6, 7, 8, 9}, k, {1, 0, 1, 1});
    CHECK(latents(n) == z && decoded(n) == y && n.b.n.context == 0, "the blind model sees");
}
// Rays among themselves do not see a camera: with only rays for keys, PRoPE's cameras cancel. Identity
// cameras are no cameras: the projective lanes are plain.
static void check_prope(void) {
    enum { N = 6, H = 2, D = 16 };
    f64::SbPairing pairing = {D / 2, 2};
    long row = f64::sb_turn_row(D, pairing);
    Vec q = normals("prope q", N * H * D), k = normals("prope k", N * H * D),
        v = normals("prope v", N * H * D), first;
    int keys[4 * N];
    for (int i = 0; i < N; i++) keys[4 * i] = 0, keys[4 * i + 1] = keys[4 * i + 2] = keys[4 * i + 3] = N;
    for (int trial = 0; trial < 4; trial++) {
        Vec table((size_t)(N * row)), qt(q.size()), kt(q.size()), vt(q.size()), o(q.size()), lse(N * H);
        double z[3] = {.3, -.2, .4}, t[3] = {1, -2, .5}, unit[4] = {.2 * trial, -.1, .3, 1}, p[32];
        ::SbCamera camera = camera_of<::SbCamera>(unit, t, .8 + .1 * trial, .9, 12, 8);
        camera.pose[3] += z[trial % 3], sb_camera_prope(p, &camera);
        for (int i = 0; i < N; i++)
            f64::sb_turn_table(&table[(size_t)(i * row)], D, pairing, i / 3, i % 3, trial ? p : NULL);
        f64::sb_turn_heads(qt.data(), H * D, q.data(), H * D, table.data(), N, H, D, pairing, f64::SB_TURN_Q);
        f64::sb_turn_heads(kt.data(), H * D, k.data(), H * D, table.data(), N, H, D, pairing, f64::SB_TURN_K);
        f64::sb_turn_heads(vt.data(), H * D, v.data(), H * D, table.data(), N, H, D, pairing, f64::SB_TURN_K);
        f64::SbAttention a = {qt.data(), kt.data(), vt.data(), H * D, H * D, H * D, N, N, keys, H, H, D};
        f64::sb_attention_forward(o.data(), H * D, lse.data(), &a);
        f64::sb_turn_heads(o.data(), H * D, o.data(), H * D, table.data(), N, H, D, pairing, f64::SB_BACK_Q);
        if (!trial) first = o;
        CHECK(apart(o, first) < 1e-12, "trial %d: cameras do not cancel among rays: %g", trial,
              apart(o, first));
        for (int c = 0; !trial && c < D / 2; c++)
            CHECK(qt[(size_t)c] == q[(size_t)c] && kt[(size_t)c] == k[(size_t)c],
                  "an identity camera moves lane %d", c);
    }
}
// At first the adapter changes nothing, and only its last linear can move.
static void check_adapter_start(void) {
    SbConfig c = field_config();
    Net<Double> n(c, EVERYTHING, SB_ADAPT);
    sb_model_random(&n.m, SB_ADAPT, 3, 1);
    add_talk(n);
    double with = step(n, LM, 1);
    for (int i = 0; i < n.m.params; i++) {
        const auto *p = n.m.param[i];
        int last = !strcmp(p->name, "adapt.w2") || !strcmp(p->name, "adapt.b2");
        if (p->grad)
            CHECK((rms(read<Double>(p->grad, sb_param_count(p))) > 0) == last, "%s: %s", p->name,
                  last ? "no gradient" : "a gradient");
    }
    n.m.parts &= ~SB_ADAPTER;
    CHECK(step(n, LM, 0) == with, "the adapter changes the loss before it has learned");
}
// What a batch refuses, and how views are split (the counts of the paper's code).
static void check_scenes(void) {
    const int count[13] = {0, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6};
    int context[12], seen[12] = {0};
    for (int n = 1; n <= 12; n++)
        for (int s = 0; s < 200; s++) {
            int sum = 0;
            sb_view_split(context, n, .5, 11, (uint64_t)s);
            for (int v = 0; v < n; v++) sum += context[v], seen[v] += n == 12 && context[v];
            CHECK(sum == count[n] && context[0], "%d views: %d are context", n, sum);
        }
    for (int v = 1; v < 12; v++)
        CHECK(abs(seen[v] - 91) < 40, "view %d was context %d times of 200", v, seen[v]);
}

// ------------------------------------------------------------------------------------------------- >>goldens
// dev/reference_field.py: its sizes, parameters and batch; a and b are its variants.
static SbConfig golden_field_config(const std::string &variant) {
    SbConfig c = field_config();
    c.camera_rounds = 2, c.field_layers = 1, c.field_mlp = 12;
    c.llm_width = 16, c.llm_heads = 2, c.theta = 1e6, c.enc_eps = 1e-6;
    c.global_norm = variant == "a" ? SB_LAYERNORM : SB_RMS, c.asymmetric = c.context_camera = variant == "a";
    return c;
}
template <class S> void golden_field_load(Net<S> &n, const SbCheckpoint &f) {
    int found = 0;
    for (int i = 0; i < n.m.params; i++) {
        std::string name = "f." + name_of(n.m.param[i]);
        if (!golden_find(f, name)) continue;
        Vec v = golden(f, name);
        CHECK((long)v.size() == sb_param_count(n.m.param[i]), "%s has %zu elements", name.c_str(), v.size());
        write<S>(weights<S>(n.m.param[i]), v), found++;
    }
    CHECK(found > 60, "the file has %d of our tensors", found);
}
template <class S> void golden_field_batch(Net<S> &n, const SbCheckpoint &f, int talk) {
    Vec pixels = golden(f, "f.in.pixels"), pose = golden(f, "f.in.pose"), scene = golden(f, "f.in.scene");
    Vec context = golden(f, "f.in.context"), row = golden(f, "f.in.row"), depth = golden(f, "f.in.depth");
    int w = 3 * n.c.patch, h = 2 * n.c.patch;
    for (size_t v = 0, e; v < scene.size(); v = e) {
        std::vector<::SbCamera> camera;
        std::vector<int> chosen;
        for (e = v; e < scene.size() && scene[e] == scene[v]; e++) {
            add_image(n, w, h);
            camera.emplace_back(), chosen.push_back((int)context[e]);
            ::sb_pose_decode(&camera.back(), &pose[9 * e], w, h);
        }
        for (long i = 0; i < n.b.n.pixels * 3; i++)
            n.b.pixels[i] = rounded<typename S::Real>(pixels[(size_t)i]);
        close_scene(n, camera, chosen.data());
        if (talk) sb_batch_sample(&n.b), sb_batch_prefix_image(&n.b, &n.c, (int)v), add_turn(n, 2, 1);
    }
    for (size_t i = 0; i < row.size(); i++) sb_batch_geometry(&n.b, &n.c, (int)row[i], depth[i]);
}
template <class S> void golden_field_gradients(Goldens<S> &g, const std::string &stage) {
    int found = 0;
    for (size_t i = 0; i < g.list.size(); i++) {
        if (g.list[i].name.compare(0, 5, "grad ")) continue;
        std::string name = stage + ".grad." + g.list[i].name.substr(5);
        if (golden_find(g.f, name)) g.check(name, g.list[i].value, roundings(g.list, i)), found++;
    }
    CHECK(found > 30, "%s: %d gradients", stage.c_str(), found);
}
template <class S> void golden_field(const SbCheckpoint &f, const std::string &variant, Tally &tally) {
    SbConfig c = golden_field_config(variant);
    std::string v = "f." + variant + ".";
    Net<S> a(c, EVERYTHING, SB_AGG | SB_BASE), n(c, EVERYTHING, SB_FIELD), t(c, EVERYTHING, 0);
    golden_field_load(a, f), golden_field_batch(a, f, 0);
    double loss = step(a, AGGREGATE, 1);
    Goldens<S> g = {a, f, tally, tensors(a)};
    g.loss(v + "agg.loss", loss, "loss");
    g.blocks(v, "frame", c.agg_layers), g.blocks(v, "global", c.agg_layers);
    Vec pose = g.at("cam_in").value, bound = g.noise("cam_in");
    long first = a.b.n.images * 9;
    g.check(v + "pose", Vec(pose.begin() + first, pose.end()), Vec(bound.begin() + first, bound.end()));
    g.check(v + "geometry", "geometry_y"), golden_field_gradients(g, v + "agg");
    golden_field_load(n, f), golden_field_batch(n, f, 0);
    loss = step(n, FIELD, 1);
    Goldens<S> h = {n, f, tally, tensors(n)};
    h.loss(v + "field.loss", loss, "loss");
    h.blocks(v, "fenc", c.field_layers), h.blocks(v, "fdec", c.field_layers);
    h.check(v + "geo", "fgeo_y"), h.check(v + "sem", "fsem_y"), h.check(v + "probe", "probe_y");
    if (variant == "a") golden_field_gradients(h, v + "field");
    golden_field_load(t, f), golden_field_batch(t, f, 1), step(t, LM, 0);
    Goldens<S> k = {t, f, tally, tensors(t)};
    k.check(v + "seen", "seen");
}
template <class S> void field_goldens(const char *what) {
    SbCheckpoint f;
    Tally tally;
    sb_checkpoint_open(&f, "dev/goldens.safetensors");
    golden_field<S>(f, "a", tally), golden_field<S>(f, "b", tally);
    tally.report(what);
    sb_checkpoint_close(&f);
}

// --------------------------------------------------------------------------------------------------- >>files
// A model with all its parts comes back as it was; a file from before the second paper, and from before a
// gate was anything but by channel, is read as well, but not one that lacks some of its settings.
static void check_field_files(void) {
    static SbNotes none;
    const char *whole = test_path("field.safetensors"), *old = test_path("old.safetensors");
    ::SbModel back;
    for (int parts : {(int)EVERYTHING, (int)SB_DUAL}) {
        SbConfig c = field_config();
        c.gate_by = parts == EVERYTHING;
        Net<Single> n(c, parts, 0);
        sb_model_save(&n.m, whole, 0, &none);
        SbCheckpoint f;
        sb_checkpoint_open(&f, whole);
        std::vector<SbPair> pair(f.pair, f.pair + f.pairs), before, damaged;
        for (const SbPair &p : pair) {
            const char *key = p.key;
            int field = !strcmp(key, "config.enc_dim") || !strcmp(key, "config.gate_by");
#define X(type, name, toy, mini, small, help) field |= !strcmp(key, "config." #name);
            SB_CONFIG_FIELD(X)
#undef X
            if (!field) before.push_back(p);
            if (strcmp(key, "config.latents")) damaged.push_back(p);
        }
        sb_checkpoint_write(old, f.tensor, f.tensors, parts == SB_DUAL ? before.data() : damaged.data(),
                            (int)(parts == SB_DUAL ? before : damaged).size());
        sb_checkpoint_close(&f);
        if (parts == EVERYTHING) EXPECT_DIE(sb_model_load(&back, old), "config.latents is missing");
        sb_model_load(&back, parts == SB_DUAL ? old : whole);
        CHECK(back.parts == parts && back.params == n.m.params, "parts %d, expected %d", back.parts, parts);
        CHECK(back.config.gate_by == c.gate_by, "gate_by is %d, was %d", back.config.gate_by, c.gate_by);
        for (int i = 0; i < back.params; i++)
            CHECK(read<Single>(weights<Single>(back.param[i]), sb_param_count(back.param[i])) ==
                      n.weight(back.param[i]->name), "%s came back otherwise", back.param[i]->name);
        sb_model_free(&back);
    }
}

// What a first batch tells Spa3R: what it projects becomes w (x - mean) / spread, the heads' last biases the
// targets' means; column by column, from the definition. Sums of 32 products in double: 1e-12.
static void check_field_start(void) {
    Net<Double> n(field_config(), GEOMETRIC, SB_FIELD);
    add_scenes(n, 1);
    Vec w = n.weight("field.proj_w");
    sb_field_start(&n.m, &n.b), step(n, FIELD, 0);
    const int K = 2 * n.c.enc_width, W = n.c.field_width;
    long rows = n.b.n.context, vis = n.b.n.vis;
    Vec x = read<Double>(n.m.acts.context_feature, rows * K), y = read<Double>(n.m.acts.context_x, rows * W);
    Vec scaled(x.size());
    auto mean_of = [](const Vec &v, int width, int c) {
        double sum = 0;
        for (size_t i = (size_t)c; i < v.size(); i += (size_t)width) sum += v[i];
        return sum * width / (double)v.size();
    };
    for (int c = 0; c < K; c++) {
        double mean = mean_of(x, K, c), square = 0;
        for (long r = 0; r < rows; r++) square += (x[r * K + c] - mean) * (x[r * K + c] - mean);
        for (long r = 0; r < rows; r++)
            scaled[r * K + c] = (x[r * K + c] - mean) / sqrt(square / (double)rows + 1e-6);
    }
    double worst = 0;
    for (long r = 0; r < rows; r++)
        for (int o = 0; o < W; o++) {
            double want = 0;
            for (int c = 0; c < K; c++) want += w[o * K + c] * scaled[r * K + c];
            worst = fmax(worst, fabs(y[r * W + o] - want));
        }
    CHECK(worst < 1e-12, "projected context: %g from w (x - mean) / spread", worst);
    Vec geo = read<Double>(n.m.acts.geo_feature, vis * K);
    Vec sem = read<Double>(n.m.acts.patch_feature, vis * K / 2);
    for (int c = 0; c < K; c++)
        CHECK(fabs(n.weight("field.geo_b2")[c] - mean_of(geo, K, c)) < 1e-12, "geo head's bias %d", c);
    for (int c = 0; c < K / 2; c++)
        CHECK(fabs(n.weight("field.sem_b2")[c] - mean_of(sem, K / 2, c)) < 1e-12, "sem head's bias %d", c);
}

// --------------------------------------------------------------------------------------------------- >>sizes
static double millions(f64::SbModel *m, const char *prefix) {
    double sum = 0;
    for (int i = 0; i < m->params; i++)
        if (!strncmp(m->param[i]->name, prefix, strlen(prefix)))
            sum += (double)f64::sb_param_count(m->param[i]) / 1e6;
    return sum;
}
// The published sizes, without memory for them: VGGT-1B and Spa3R, 0.01 million near.
static void check_published_sizes(void) {
    f64::SbConfig c = f64::sb_config_preset(SB_SMALL);
    f64::SbModel m;
    c.image = 518, c.patch = 14, c.enc_width = 1024, c.enc_layers = 24, c.enc_heads = 16, c.enc_mlp = 4096;
    c.agg_layers = 24, c.agg_heads = 16, c.agg_mlp = 4096, c.agg_registers = 4, c.camera_layers = 4;
    c.field_width = 768, c.field_layers = 6, c.field_heads = 12, c.field_mlp = 3072, c.latents = 256;
    c.vocab = 4096, c.patch_word = -1, c.llm_width = 2048, c.llm_heads = 16, c.context_camera = 0;
    f64::sb_model_plan(&m, &c, EVERYTHING);
    const struct { const char *prefix; double want;
    } table[] = {// the published encoder has LayerScale, four registers and a mask token beside ours
                 {"enc.", 304.37 - (24 * 2 * 1024 + 4 * 1024 + 1024) / 1e6},
                 {"frame.", 302.36},
                 {"global.", 302.36},
                 {"agg.tokens", 2 * 5 * 1024 / 1e6},
                 {"camera.", 216.17},
                 {"field.proj", 1.57},
                 {"field.ray", .0031},
                 {"fenc.", 42.53},
                 {"fdec.", 42.53},
                 {"field.geo_", 8.66},
                 {"field.sem_", 5.51},
                 {"field.probe_", 2.37},
                 {"field.tokens", .197},
                 {"adapt.", 28.86}};
    for (const auto &row : table) {
        double got = millions(&m, row.prefix);
        if (!strcmp(row.prefix, "camera.")) got += millions(&m, "cam.");
        CHECK(fabs(got - row.want) < .011, "%s: %.3f million parameters, published %.3f", row.prefix, got,
              row.want);
    }
    f64::sb_model_free(&m);
}
} // namespace proof

static void test_cameras(void) {
    proof::check_cameras(), proof::check_quaternions(), proof::check_camera_errors();
}
static void test_field_gradients(void) {
    for (const proof::Variant &v : proof::variants) proof::check_field_gradients(v);
}
static void test_talk_gradients(void) {
    for (int adapter = 0; adapter < 3; adapter++) proof::check_talk_gradients(adapter);
}
static void test_field_rounding(void) { proof::check_field_rounding(); }
static void test_field_start(void) { proof::check_field_start(); }
static void test_spa3r_threads(void) { proof::check_field_threads(); }
static void test_spa3r_guarded(void) { proof::check_field_guarded(); }
static void test_field_sees(void) {
    for (int mode = 0; mode < 4; mode++) proof::check_what_sees_what(mode & 1, mode >> 1);
}
static void test_field_prope(void) { proof::check_prope(); }
static void test_field_adapter(void) { proof::check_adapter_start(); }
static void test_field_scenes(void) { proof::check_scenes(); }
static void test_field_sizes(void) { proof::check_published_sizes(); }
static void test_field_goldens(void) {
    proof::field_goldens<proof::Double>("Spa3R, double against PyTorch");  // float: test_field_rounding
}
static void test_field_files(void) { proof::check_field_files(); }
#ifdef SB_HAS_FITS
// The baselines of data/field.h where the answer is known. A: a target that stands where a context view
// stands is copied and warped from the same patch. B: a wall at 2 m seen by two cameras side by side, one
// patch of wall apart: warp finds the neighbouring patch, and none where it leaves the picture or something
// stands before it.
static void test_field_baselines(void) {
    SbModel m;
    SbFieldSide s;
    memset(&m, 0, sizeof m);
    m.config = sb_config_preset(SB_MINI);
    const SbConfig *c = &m.config;
    int grid = c->image / c->patch, P = grid * grid, wrong = 0, context[2] = {1, 0};
    unsigned char *grey = (unsigned char *)sb_calloc((size_t)(c->image * c->image), 3);
    for (int part = 0; part < 2; part++) {
        SbCamera camera[2];
        sb_field_open(&s, &m, SB_POOL_TEST, 2, 1);
        memset(camera, 0, sizeof camera);
        for (int v = 0; v < 2; v++) {
            for (int i = 0; i < 16; i += 5) camera[v].pose[i] = 1;
            camera[v].fx = camera[v].fy = c->image, camera[v].cx = camera[v].cy = c->image / 2.0;
            camera[v].w = camera[v].h = c->image;
            sb_batch_image(&s.batch, c, grey, c->image, c->image);
        }
        camera[1].pose[3] = part ? -2.0 * c->patch / c->image : 0;      // the target stands to the right
        sb_batch_scene(&s.batch, c, camera, context, 2);
        s.said.depth = (double *)sb_calloc((size_t)(2 * P), sizeof(double));
        for (int p = 0; p < 2 * P; p++) s.said.depth[p] = 2;
        if (part) s.said.depth[3 * grid + 3] = 1; // something near, in the context alone
        CHECK(sb_field_nearest(&s.batch, 1) == 0, "the nearest context view is %d",
              sb_field_nearest(&s.batch, 1));
        for (int p = 0; p < P; p++) {
            long want = p + part, found = sb_field_warp(&s, 1, p);
            if (part && (p % grid == grid - 1 || want == 3 * grid + 3)) want = -1;
            wrong += found != want;
        }
        CHECK(wrong == 0, "part %d: %d of %d patches are warped from elsewhere", part, wrong, P);
        sb_field_close(&s);
    }
    SbCamera a, b;
    memset(&a, 0, sizeof a);
    for (int i = 0; i < 16; i += 5) a.pose[i] = 1;
    b = a;
    b.pose[0] = b.pose[10] = 0, b.pose[2] = -1, b.pose[8] = 1, b.pose[7] = 3;   // a quarter turn, 3 m along y
    double apart = sb_field_apart(&a, &b);
    CHECK(fabs(apart - 3 - 3.141592653589793 / 2) < 1e-12, "cameras are %.15g apart", apart);
    free(grey);
}
// Closed forms: k directions of equal variance have rank k, wherever their mean lies; variances 3 : 1 have
// (3 + 1)^2 / (9 + 1) = 1.6; rows that are all the same have 0. Whole numbers and their halves are exact in
// float, the sums are doubles: 1e-12 is a few hundred roundings.
static void test_field_rank(void) {
    enum { C = 7 };
    real x[2 * C * C];
    for (int k = 0; k <= C; k++) {
        for (int i = 0; i < 2 * C * C; i++) x[i] = (real)(i % C + 3);
        for (int i = 0; i < 2 * k; i++) x[i * C + i / 2] += (real)(i % 2 ? .5 : -.5);
        double rank = sb_effective_rank(x, k ? 2 * k : C, C);
        CHECK(fabs(rank - k) < 1e-12, "%d equal directions have rank %.15g", k, rank);
    }
    real y[8 * 2] = {1, 0, -1, 0, 1, 0, -1, 0, 1, 0, -1, 0, 0, 1, 0, -1};
    double rank = sb_effective_rank(y, 8, 2);
    CHECK(fabs(rank - 1.6) < 1e-12, "variances 3 : 1 have rank %.15g", rank);
}
// Two rooms whose first rows stand at a right angle, the second ones turned from them by an angle a: cos a in
// a room, (sin a - sin a) / 2 = 0 between rooms; one of the two is found past 45 degrees, both before, at 135
// none. Lengths do not count. Rows are floats of cosines: 1e-6 is ten of their roundings.
static void test_field_likeness(void) {
    static const double angle[] = {0, 30, 60, 150};
    static const double share[] = {1, 1, .5, 0};
    for (int i = 0; i < 4; i++) {
        double a = angle[i] * acos(-1) / 180, other, found;
        real first[4] = {1, 0, 0, 2},
             second[4] = {(real)(3 * cos(a)), (real)(3 * sin(a)), (real)(-5 * sin(a)), (real)(5 * cos(a))};
        SbFieldPair p = {2, 2, {first, second}};
        double same = sb_pair_likeness(&p, &other, &found);
        CHECK(fabs(same - cos(a)) < 1e-6 && fabs(other) < 1e-6, "%g degrees: %g in a room, %g between",
              angle[i], same, other);
        CHECK(found == share[i], "%g degrees: a share of %g is found, not %g", angle[i], found, share[i]);
    }
}
#endif
static void test_field_all(void) {
    proof::Threads one(1);
    RUN(test_cameras);
    RUN(test_field_gradients);
    RUN(test_talk_gradients);
    RUN(test_field_rounding);
    RUN(test_field_goldens);
    RUN(test_field_sees);
    RUN(test_field_prope);
    RUN(test_field_adapter);
    RUN(test_field_scenes);
#ifdef SB_HAS_FITS
    RUN(test_field_baselines);
    RUN(test_field_rank);
    RUN(test_field_likeness);
#endif
    RUN(test_field_files);
    RUN(test_field_sizes);
    RUN(test_field_start);
    RUN(test_spa3r_threads);
    RUN(test_spa3r_guarded);
}
#endif
