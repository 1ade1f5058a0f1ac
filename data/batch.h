// batch.h: samples of images and turns, and scenes of posed views, as the rows of a batch (spatialboost.h,
// >>batch). Include the header first; no include guard: it is included once a namespace that has the model.
//
// Refuses: images that do not fit the patches, a pose that is no rotation, intrinsics that are none, numbers
// that are not finite, a scene whose first view is no context, more than SB_VIEWS views. All but the last
// part runs on the host, in double where geometry is concerned; nothing of it trains. Read from top:
// samples, cameras, tables of turns, who is context, a scene's rows, its geometry; predicted poses,
// generated words.
//
// A batch is samples; a sample is a prefix (images of any size up to the position grid, or a text map) and
// turns. All rows lie packed one after another; who sees whom is two key intervals a row:
//     image in the encoder   [first, last] of the same image
//     prefix in the LLM      [sample, row]   (stored as two touching intervals behind its first image)
//     turn, isolate = 1      [sample, prefix) and [turn, row]
//     turn, isolate = 0      [sample, row]
// Rotary positions: the prefix counts from 0; a turn goes on from it (restart = 1) or from the row before.
//
// The second paper: scenes. The images last added are the views of one scene. Views that give context are
// read first:
//     aggregator, a view's frame      [camera token, registers, patches]
//     its global rows                 context sees [pass, end of context), a target [pass, end of pass)
//     Spa3R's encoder                 a scene's registers, queries, context patches: all see all
//     its decoder, once a view        registers, the scene's latents, the view's rays: all see all
// asymmetric = 0: the context has a pass of its own before one of all views. Cameras are made relative to the
// scene's first view, whose pose becomes the identity; units stay (metres).
//
//     int context[4];  SbCamera camera[4];             // of the V views that are added now
//     for (v...) sb_batch_image(&b, &c, rgb, w, h);    // nothing else between them
//     sb_view_split(context, V, c.context, seed, i);   // i: the sample's number
//     sb_batch_scene(&b, &c, camera, context, V);
//     for (vis = b.image_vis[first]; vis < b.n.vis; vis++)     // where depth is known: what an aggregator
//         sb_batch_geometry(&b, &c, vis, depth);               // learns from; Spa3R's depth probe
//     sb_step_field(&m, &b, 1);
//
// Camera axes: x right, y down, z forward. A pose is 4x4, row-major, world to camera (E); a quaternion is x,
// y, z, w; angles are radians; a patch's centre is its point.

// ---- samples

// Host memory for at least n.
static void sb_batch_reserve(SbBatch *b, const SbConfig *c, SbSizes n) {
    if (b->image_vis && sb_sizes_fit(b->room, n)) return;
    SbSizes r = b->room;
#define X(f) if (n.f > r.f) r.f = 2 * n.f;
    SB_ROWS(X)
#undef X
    b->room = r;
    SB_SIZES(r);
#define X(type, name, rows, row) \
    b->name = (type *)sb_regrow(b->name, (size_t)(rows) * (size_t)(row) * sizeof(type));
    SB_BATCH(X)
#undef X
    b->image_vis = (int *)sb_regrow(b->image_vis, (size_t)(NI + 1) * sizeof(int));
    b->type = (int *)sb_regrow(b->type, (size_t)NR * sizeof(int));
    b->view = (SbPosed *)sb_regrow(b->view, (size_t)NI * sizeof *b->view);
}
SB_FN void sb_batch_clear(SbBatch *b) {
    memset(&b->n, 0, sizeof b->n);
    b->sample = b->prefix = b->turn = 0;
    b->position = b->views = 0;
}
SB_FN void sb_batch_free(SbBatch *b) {
#define X(type, name, rows, row) free(b->name);
    SB_BATCH(X)
#undef X
    free(b->image_vis), free(b->type), free(b->angle), free(b->view);
    memset(b, 0, sizeof *b);
}
// Position of image token vis in the grid of positions, row by row.
static int sb_batch_position(const SbBatch *b, const SbConfig *c, int vis) {
    return b->patch[3 * b->patch_row[vis] + 2] - c->enc_cls;
}
// Rows of an image of gw x gh patches whose first pixel is `first`: CLS, registers (patch -1, -2 ...: rows of
// parameters, no pixels), patches. Position: row of enc.pos, -1: none.
static void sb_batch_patches(SbBatch *b, const SbConfig *c, long first, long row, int gw, int gh) {
    int special = c->enc_cls + c->enc_registers, grid = c->image / c->patch, D = SB_HEAD_DIM(c, enc);
    long end = row + special + gw * gh, vis = b->n.vis - gw * gh;
    for (int k = -special; row < end; k++, row++) {
        int *patch = b->patch + 3 * row, *keys = b->enc_keys + 4 * row, y = k / gw, x = k % gw;
        patch[0] = k < 0 ? c->enc_cls ? -1 - (k + special) : -2 - (k + special)
                         : (int)(first + ((long)y * gw * c->patch + x) * c->patch);
        patch[1] = gw * c->patch;
        patch[2] = k >= 0 ? c->enc_cls + y * grid + x : patch[0] == -1 ? 0 : -1;
        keys[0] = (int)(end - special - gw * gh), keys[1] = keys[2] = keys[3] = (int)end;
        if (k >= 0) b->patch_row[vis + k] = (int)row, b->label[vis + k] = -1;
        for (int i = 0; i < (c->enc_rope > 0 ? D / 2 : 0); i++) {   // DINOv3: angles by y, then by x
            double at = i < D / 4 ? (y + 0.5) / gh : (x + 0.5) / gw;
            double angle = 6.283185307179586 * (2 * at - 1) * pow(c->enc_rope, -4.0 * (i % (D / 4)) / D);
            b->enc_table[row * D + i] = (stat_t)(k < 0 ? 1 : cos(angle));
            b->enc_table[row * D + D / 2 + i] = (stat_t)(k < 0 ? 0 : sin(angle));
        }
    }
}
// Room for the pixels [h][w][3] and rows of an image (sides multiples of the patch, at most config.image)
// that the encoder reads; returns its number. The caller fills multi, main_class and label (-1: none).
static int sb_batch_picture(SbBatch *b, const SbConfig *c, int w, int h) {
    int gw = w / c->patch, gh = h / c->patch, grid = c->image / c->patch;
    if (gw < 1 || gh < 1 || gw > grid || gh > grid || w % c->patch || h % c->patch)
        SB_FAIL("an image of %dx%d pixels does not fit patches of %d and a grid of %dx%d", w, h, c->patch,
                grid, grid);
    SbSizes n = b->n;
    long first = n.pixels, row = n.enc, vis = n.vis;
    int image = (int)n.images;
    n.pixels += (long)w * h, n.vis += gw * gh, n.images += 1;
    n.enc += c->enc_cls + c->enc_registers + gw * gh;
    sb_batch_reserve(b, c, n);
    b->n = n;
    b->cls_row[image] = (int)row;
    b->image_vis[image] = (int)vis;
    b->image_vis[image + 1] = (int)n.vis;
    b->main_class[image] = -1;
    memset(b->multi + (long)image * c->classes, 0, (size_t)c->classes * sizeof(stat_t));
    sb_batch_patches(b, c, first, row, gw, gh);
    if (c->enc_pool) memcpy(b->pool_keys + 4 * image, b->enc_keys + 4 * row, 4 * sizeof(int));
    return image;
}
// Add an image of bytes, v / 127.5 - 1, or of numbers that are normalised already.
SB_FN int sb_batch_image(SbBatch *b, const SbConfig *c, const unsigned char *rgb, int w, int h) {
    long first = b->n.pixels * 3;
    int image = sb_batch_picture(b, c, w, h);
    for (long i = 0; i < (long)w * h * 3; i++) b->pixels[first + i] = (real)(rgb[i] / 127.5 - 1);
    return image;
}
SB_FN int sb_batch_pixels(SbBatch *b, const SbConfig *c, const float *pixels, int w, int h) {
    long first = b->n.pixels * 3;
    int image = sb_batch_picture(b, c, w, h);
    for (long i = 0; i < (long)w * h * 3; i++) b->pixels[first + i] = (real)pixels[i];
    return image;
}
// Begin a sample of the LLM.
SB_FN void sb_batch_sample(SbBatch *b) {
    b->sample = b->prefix = b->turn = b->n.llm;
    b->position = 0;
}
// Radians a position of pair i: theta^(-2i/D). Rope type llama3 divides those by `factor` whose wave is
// longer than original / low, leaves those alone whose is shorter than original / high, and blends between.
static double sb_rope_frequency(const SbConfig *c, int i) {
    double f = pow(c->theta, -2.0 * i / SB_HEAD_DIM(c, llm)), wave = 6.283185307179586 / f;
    if (c->rope_factor <= 0 || wave < c->rope_original / c->rope_high) return f;
    double keep = (c->rope_original / wave - c->rope_low) / (c->rope_high - c->rope_low);
    return keep <= 0 ? f / c->rope_factor : (1 - keep) * f / c->rope_factor + keep * f;
}
// Append one row to the LLM's sequence; words [SB_BAG], -1 = none.
static long sb_batch_row(SbBatch *b, const SbConfig *c, const int *words, int vis_row) {
    SbSizes n = b->n;
    long row = n.llm++;
    int D = SB_HEAD_DIM(c, llm);
    sb_batch_reserve(b, c, n);
    b->n = n;
    memcpy(b->token + row * SB_BAG, words, SB_BAG * sizeof(int));
    b->vis_row[row] = vis_row;
    if (b->position >= b->angles) {
        int more = 2 * b->position + 64;
        b->angle = (stat_t *)sb_regrow(b->angle, (size_t)more * (size_t)D * sizeof(stat_t));
        for (int p = b->angles; p < more; p++)
            for (int i = 0; i < D / 2; i++) {
                double angle = p * sb_rope_frequency(c, i);
                b->angle[(long)p * D + i] = (stat_t)cos(angle);
                b->angle[(long)p * D + D / 2 + i] = (stat_t)sin(angle);
            }
        b->angles = more;
    }
    memcpy(b->rotation + row * D, b->angle + (long)b->position++ * D, (size_t)D * sizeof(stat_t));
    int *keys = b->llm_keys + 4 * row, split = c->isolate && b->turn > b->sample;
    keys[0] = (int)b->sample, keys[1] = split ? (int)b->prefix : (int)row + 1;
    keys[2] = split ? (int)b->turn : (int)row + 1, keys[3] = (int)row + 1;
    return row;
}
// Put an image into the prefix. Its patch k carries coordinate word k too, if there are such words.
SB_FN void sb_batch_prefix_image(SbBatch *b, const SbConfig *c, int image) {
    for (int v = b->image_vis[image]; v < b->image_vis[image + 1]; v++) {
        int position = sb_batch_position(b, c, v);
        int words[SB_BAG] = {c->patch_word < 0 ? -1 : c->patch_word + position, -1, -1, -1};
        sb_batch_row(b, c, words, v);
    }
    b->prefix = b->turn = b->n.llm;
}
// Put a text map into the prefix: n patches, each the sum of up to three words (words [n][3], -1 = none).
SB_FN void sb_batch_prefix_map(SbBatch *b, const SbConfig *c, const int *words, int n) {
    for (int k = 0; k < n; k++) {
        int bag[SB_BAG] = {c->patch_word < 0 ? -1 : c->patch_word + k, words[3 * k], words[3 * k + 1],
                           words[3 * k + 2]};
        sb_batch_row(b, c, bag, -1);
    }
    b->prefix = b->turn = b->n.llm;
}
// Append n tokens to the turn. target[i]: the word that should follow token i, -1: no loss; NULL: none.
SB_FN void sb_batch_tokens(SbBatch *b, const SbConfig *c, const int *token, const int *target,
                           const int *type, int n) {
    for (int i = 0; i < n; i++) {
        int words[SB_BAG] = {token[i], -1, -1, -1};
        long row = sb_batch_row(b, c, words, -1);
        if (!target || target[i] < 0) continue;
        SbSizes more = b->n;
        long at = more.loss++;
        sb_batch_reserve(b, c, more);
        b->n = more;
        b->loss_row[at] = (int)row;
        b->target[at] = target[i];
        b->type[at] = type ? type[i] : 0;
    }
}
// Begin a turn and append its tokens.
SB_FN void sb_batch_turn(SbBatch *b, const SbConfig *c, const int *token, const int *target, const int *type,
                         int n) {
    b->turn = b->n.llm;
    if (c->restart) b->position = (int)(b->prefix - b->sample);
    sb_batch_tokens(b, c, token, target, type, n);
}
// Ask for the depth of image token vis (an index over the batch's image tokens): loss of sb_step_regress.
SB_FN void sb_batch_depth(SbBatch *b, const SbConfig *c, int vis, double metres) {
    SbSizes n = b->n;
    long at = n.reg++;
    sb_batch_reserve(b, c, n);
    b->n = n;
    b->reg_row[at] = vis;
    b->reg_target[at] = (stat_t)metres;
}
static void sb_batch_one(int *words, int word) {            // a bag of one word (-1: none)
    for (int j = 0; j < SB_BAG; j++) words[j] = j ? -1 : word;
}
// Put a scene's latents into the prefix (adapter = 2, appended).
SB_FN void sb_batch_prefix_latents(SbBatch *b, const SbConfig *c, int scene) {
    int words[SB_BAG];
    sb_batch_one(words, -1);
    for (int k = 0; k < c->latents; k++) sb_batch_row(b, c, words, -2 - (scene * c->latents + k));
    b->prefix = b->turn = b->n.llm;
}
// ---- cameras
static void sb_mat4(double out[16], const double a[16], const double b[16]) {
    for (int i = 0; i < 16; i++) {
        const double *r = a + i / 4 * 4, *c = b + i % 4;
        out[i] = r[0] * c[0] + r[1] * c[4] + r[2] * c[8] + r[3] * c[12];
    }
}
// World-to-camera to camera-to-world, and back: [R^T | -R^T T].
SB_FN void sb_pose_inverse(double out[16], const double e[16]) {
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) out[4 * i + j] = e[4 * j + i];
        out[4 * i + 3] = -(e[i] * e[3] + e[4 + i] * e[7] + e[8 + i] * e[11]);
        out[12 + i] = 0;
    }
    out[15] = 1;
}
// Any multiple of a unit quaternion to the rotation part of a pose, and back (w >= 0, length 1).
SB_FN void sb_quaternion_pose(double e[16], const double q[4]) {
    double i = q[0], j = q[1], k = q[2], r = q[3], s = 2 / (i * i + j * j + k * k + r * r);
    double rows[9] = {1 - s * (j * j + k * k), s * (i * j - k * r), s * (i * k + j * r),
                      s * (i * j + k * r), 1 - s * (i * i + k * k), s * (j * k - i * r),
                      s * (i * k - j * r), s * (j * k + i * r), 1 - s * (i * i + j * j)};
    for (int c = 0; c < 9; c++) e[c / 3 * 4 + c % 3] = rows[c];
}
SB_FN void sb_pose_quaternion(double q[4], const double e[16]) {
    double d[4] = {e[0] - e[5] - e[10], e[5] - e[0] - e[10], e[10] - e[0] - e[5], e[0] + e[5] + e[10]};
    int top = 3;                        // the largest component: nothing cancels
    for (int i = 0; i < 3; i++) if (d[i] > d[top]) top = i;
    double x = sqrt(1 + d[top]) / 2, f = 0.25 / x, sign;
    double minus[3] = {e[9] - e[6], e[2] - e[8], e[4] - e[1]},
           plus[3] = {e[9] + e[6], e[2] + e[8], e[4] + e[1]};
    for (int i = 0; i < 3; i++) q[i] = top == 3 ? minus[i] * f : i == top ? x : plus[3 - i - top] * f;
    q[3] = top == 3 ? x : minus[top] * f;
    sign = q[3] < 0 ? -1 : 1;
    for (int i = 0; i < 4; i++) q[i] *= sign;
}
SB_FN double sb_fov(double size, double focal) { return 2 * atan(size / 2 / focal); }
SB_FN double sb_focal(double size, double fov) { return size / 2 / tan(fov / 2); }
// VGGT's pose encoding: T (3), quaternion (4), field of view down, across.
SB_FN void sb_pose_encode(double e[9], const SbCamera *c) {
    for (int i = 0; i < 3; i++) e[i] = c->pose[4 * i + 3];
    sb_pose_quaternion(e + 3, c->pose);
    e[7] = sb_fov(c->h, c->fy), e[8] = sb_fov(c->w, c->fx);
}
// The principal point is the middle; fields of view are kept off 0 and pi.
SB_FN void sb_pose_decode(SbCamera *c, const double e[9], int w, int h) {
    memset(c, 0, sizeof *c);
    sb_quaternion_pose(c->pose, e + 3);
    for (int i = 0; i < 3; i++) c->pose[4 * i + 3] = e[i];
    c->pose[15] = 1, c->w = w, c->h = h, c->cx = w / 2.0, c->cy = h / 2.0;
    c->fy = sb_focal(h, fmin(fmax(e[7], 0.01), 3)), c->fx = sb_focal(w, fmin(fmax(e[8], 0.01), 3));
}
// NULL, or what is wrong with a camera.
SB_FN const char *sb_camera_error(const SbCamera *c) {
    double off = fabs(c->pose[12]) + fabs(c->pose[13]) + fabs(c->pose[14]) + fabs(c->pose[15] - 1), sum = 0;
    for (int i = 0; i < 16; i++) sum += c->pose[i];
    if (!isfinite(sum + c->fx + c->fy + c->cx + c->cy)) return "a pose or intrinsics that are no numbers";
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            const double *a = c->pose + 4 * i, *b = c->pose + 4 * j;
            off = fmax(off, fabs(a[0] * b[0] + a[1] * b[1] + a[2] * b[2] - (i == j)));
        }
    const double *r = c->pose;
    double det = r[0] * (r[5] * r[10] - r[6] * r[9]) - r[1] * (r[4] * r[10] - r[6] * r[8]) +
                 r[2] * (r[4] * r[9] - r[5] * r[8]);
    if (off > 1e-3 || det < 0) return "a pose that is no rotation and translation over 0 0 0 1";
    return c->fx > 0 && c->fy > 0 && c->w > 0 && c->h > 0 ? NULL
                                                          : "focal lengths or sizes that are not positive";
}
// Ray through the centre of patch (x, y), in the camera's frame, length 1.
SB_FN void sb_camera_ray(double d[3], const SbCamera *c, int patch, double x, double y) {
    d[0] = ((x + 0.5) * patch - c->cx) / c->fx, d[1] = ((y + 0.5) * patch - c->cy) / c->fy, d[2] = 1;
    double length = fmax(sqrt(d[0] * d[0] + d[1] * d[1] + 1), 1e-3);
    for (int i = 0; i < 3; i++) d[i] /= length;
}
// Pluecker coordinates of a ray d of the camera, in the world: moment o x d, then d; o = -R^T T.
SB_FN void sb_camera_line(double line[6], const SbCamera *c, const double d[3]) {
    double inverse[16], *w = line + 3;
    sb_pose_inverse(inverse, c->pose);
    for (int i = 0; i < 3; i++)
        w[i] = inverse[4 * i] * d[0] + inverse[4 * i + 1] * d[1] + inverse[4 * i + 2] * d[2];
    for (int i = 0; i < 3; i++) {
        int j = (i + 1) % 3, k = (i + 2) % 3;
        line[i] = inverse[4 * j + 3] * w[k] - inverse[4 * k + 3] * w[j];
    }
}
// PRoPE's matrices: P = lift(K) E and its inverse, K normalised by the image size, offsets from its middle.
SB_FN void sb_camera_prope(double p[32], const SbCamera *c) {
    double fx = c->fx / c->w, fy = c->fy / c->h, cx = c->cx / c->w - 0.5, cy = c->cy / c->h - 0.5, e[16];
    double k[16] = {fx, 0, cx, 0, 0, fy, cy, 0, 0, 0, 1, 0, 0, 0, 0, 1};
    double i[16] = {1 / fx, 0, -cx / fx, 0, 0, 1 / fy, -cy / fy, 0, 0, 0, 1, 0, 0, 0, 0, 1};
    sb_mat4(p, k, c->pose);
    sb_pose_inverse(e, c->pose);
    sb_mat4(p + 16, e, i);
}
// A row of sb_turn_heads' table for a patch at row y, column x. RoPE2D: base 100, y first; PRoPE: x first and
// the other way round, p its matrices (NULL: identities, as for tokens that lie nowhere).
static void sb_turn_table(stat_t *t, int dim, SbPairing turn, double y, double x, const double *p) {
    int half = (dim - turn.mixed) / turn.blocks / 2, angles = half * turn.blocks;
    for (int i = 0; i < (turn.mixed ? 32 : 0); i++) *t++ = (stat_t)(p ? p[i] : i % 16 % 5 == 0);
    for (int j = 0; j < angles; j++) {
        double at = turn.mixed ? -(j < half ? x : y)
                    : j < half ? y
                               : x,
               angle = at * pow(100, -(j % half) / (double)half);
        t[j] = (stat_t)cos(angle), t[angles + j] = (stat_t)sin(angle);
    }
}

// ---- scenes
// Which of n views give context: max(1, int(n share)), the first always, the others drawn; seed and counter
// decide, nothing else.
SB_FN void sb_view_split(int *context, int n, double share, uint64_t seed, uint64_t counter) {
    int count = (int)(n * share);
    for (int v = 0; v < n; v++) context[v] = v == 0;
    for (int k = 1; k < count; k++) {
        uint64_t least = 0;
        int best = -1;
        for (int v = 1; v < n; v++) {
            uint64_t z = sb_mix64(sb_mix64(seed ^ 0x5b3a) + counter * 0x9E3779B97F4A7C15ull + (uint64_t)v);
            if (!context[v] && (best < 0 || z < least)) best = v, least = z;
        }
        context[best] = 1;
    }
}
static void sb_batch_all(int *keys, long rows, long from, long to) {        // rows see [from, to)
    for (long i = 0; i < rows; i++, keys += 4) keys[0] = (int)from, keys[1] = keys[2] = keys[3] = (int)to;
}
static int sb_batch_patch(const SbBatch *b, const SbConfig *c, int vis, int *y) {   // column and row
    int grid = c->image / c->patch, at = sb_batch_position(b, c, vis);
    *y = at / grid;
    return at % grid;
}
// One pass of the aggregator over n images, of which the first `seen` are context. targets: what it computes
// of an image is the geometric target; context: the context's part is what Spa3R's encoder reads.
static void sb_batch_pass(SbBatch *b, const SbConfig *c, const int *image, int n, int seen, int targets,
                          int context) {
    int special = 1 + c->agg_registers, dim = c->enc_width / c->agg_heads;
    long pass = b->n.agg, behind = pass;
    for (int v = 0; v < n; v++) {
        SbSizes more = b->n;
        int vis = b->image_vis[image[v]], patches = b->image_vis[image[v] + 1] - vis;
        long row = more.agg, from = more.context;
        more.agg += special + patches;
        if (context && v < seen) more.context += patches;
        sb_batch_reserve(b, c, more);
        b->n = more;
        for (int i = 0, x, y; i < special + patches; i++) {
            int patch = i - special;
            x = patch < 0 ? (y = -1) : sb_batch_patch(b, c, vis + patch, &y);
            sb_batch_one(b->agg_token + (row + i) * SB_BAG, patch < 0 ? i + (v ? special : 0) : -1);
            b->agg_vis[row + i] = patch < 0 ? -1 : vis + patch;
            sb_turn_table(b->agg_table + (row + i) * dim, dim, sb_turn_of(SB_TURN_2D, dim), y + 1, x + 1,
                          NULL);
            if (patch >= 0 && targets) b->geo_row[vis + patch] = (int)(row + i);
            if (patch >= 0 && more.context > from) b->context_row[from + patch] = (int)(row + i);
        }
        if (targets) b->cam_row[image[v]] = (int)row;
        sb_batch_all(b->frame_keys + 4 * row, special + patches, row, more.agg);
        if (v < seen) behind = more.agg;
    }
    sb_batch_all(b->global_keys + 4 * pass, behind - pass, pass, behind);
    sb_batch_all(b->global_keys + 4 * behind, b->n.agg - behind, pass, b->n.agg);
}
// A scene's rows of Spa3R's encoder; its context patches begin at row `from` of the context.
static void sb_batch_encoder(SbBatch *b, const SbConfig *c, const int *image, int seen, long from) {
    int special = c->field_registers + c->latents, dim = c->field_width / c->field_heads,
        scene = b->n.scenes - 1;
    SbPairing turn = sb_turn_of(c->context_camera ? SB_TURN_CAMERA : SB_TURN_2D, dim);
    SbSizes more = b->n;
    long row = more.fenc, wide = sb_turn_row(dim, turn), first = row;
    more.fenc += special + b->n.context - from;
    sb_batch_reserve(b, c, more);
    b->n = more;
    sb_batch_all(b->fenc_keys + 4 * row, more.fenc - row, row, more.fenc);
    for (int i = 0; i < special; i++, row++) {
        sb_batch_one(b->fenc_token + row * SB_BAG, i);
        b->fenc_vis[row] = -1;
        sb_turn_table(b->fenc_table + row * wide, dim, turn, 0, 0, NULL);
        if (i >= c->field_registers) b->latent_row[scene * c->latents + i - c->field_registers] = (int)row;
    }
    for (int v = 0; v < seen && row < more.fenc; v++) {
        double p[32];
        sb_camera_prope(p, &b->view[image[v]].camera);
        for (int vis = b->image_vis[image[v]], x, y; vis < b->image_vis[image[v] + 1]; vis++, row++) {
            x = sb_batch_patch(b, c, vis, &y);
            sb_batch_one(b->fenc_token + row * SB_BAG, -1);
            b->fenc_vis[row] = (int)(from + row - first - special);
            sb_turn_table(b->fenc_table + row * wide, dim, turn, y + !turn.mixed, x + !turn.mixed, p);
        }
    }
}
// A view's rows of Spa3R's decoder. fdec_vis: rays as image tokens, latent k as -2 - k (sb_batch_upload).
static void sb_batch_decoder(SbBatch *b, const SbConfig *c, int image) {
    int special = c->field_registers + c->latents, dim = c->field_width / c->field_heads;
    int vis = b->image_vis[image], patches = b->image_vis[image + 1] - vis;
    SbPairing turn = sb_turn_of(c->pose ? SB_TURN_2D : SB_TURN_CAMERA, dim);
    SbSizes more = b->n;
    long row = more.fdec, wide = sb_turn_row(dim, turn);
    double p[32], line[9];
    more.fdec += special + patches;
    sb_batch_reserve(b, c, more);
    b->n = more;
    const SbPosed *view = b->view + image;      // it may have moved
    sb_camera_prope(p, &view->camera);
    sb_batch_all(b->fdec_keys + 4 * row, special + patches, row, more.fdec);
    for (int i = -special, x, y; i < patches; i++, row++) {
        int latent = i + c->latents;
        sb_batch_one(b->fdec_token + row * SB_BAG, latent < 0 ? i + special : -1);
        b->fdec_vis[row] = latent < 0 ? -1 : i < 0 ? -2 - (view->scene * c->latents + latent) : vis + i;
        x = i < 0 ? (y = -1) : sb_batch_patch(b, c, vis + i, &y);
        if (i < 0) sb_turn_table(b->fdec_table + row * wide, dim, turn, 0, 0, NULL);
        else sb_turn_table(b->fdec_table + row * wide, dim, turn, y + !turn.mixed, x + !turn.mixed, p);
        if (i < 0) continue;
        b->ray_row[vis + i] = (int)row;
        b->feature_weight[vis + i] = (stat_t)(!c->loss_views || !view->context);
        sb_camera_ray(line, &view->camera, c->patch, x, y);
        if (c->pose == 1)
            memcpy(line + 6, line, 3 * sizeof *line), sb_camera_line(line, &view->camera, line + 6);
        for (int k = 0; k < SB_RAY(c); k++) b->ray[(vis + i) * SB_RAY(c) + k] = (real)line[k];
    }
}
// The camera head's rows: every iteration has one for every view, which sees those of its scene.
static void sb_batch_poses(SbBatch *b, const SbConfig *c) {
    SB_SIZES(b->n);
    for (long k = 0; k < NK; k++) {
        long v = k % NI, from = v, to = v;
        double e[SB_POSE];
        while (from > 0 && b->view[from - 1].scene == b->view[v].scene) from--;
        while (to < NI && b->view[to].scene == b->view[v].scene) to++;
        b->cam_view[k] = (int)v;
        sb_batch_all(b->cam_keys + 4 * k, 1, k - v + from, k - v + to);
        sb_pose_encode(e, &b->view[v].camera);
        for (int i = 0; i < SB_POSE; i++) b->pose[k * SB_POSE + i] = (stat_t)e[i];
    }
}
enum { SB_VIEWS = 64 };                 // most views of a scene
// The last `views` images that were added are a scene. camera [views], or NULL: unknown (then Spa3R's encoder
// must read none, context_camera = 0, and nothing can be decoded). context [views]: which views are read, the
// first always; NULL: all, and nothing is decoded. A batch with scenes has no images outside of them.
SB_FN void sb_batch_scene(SbBatch *b, const SbConfig *c, const SbCamera *camera, const int *context,
                          int views) {
    int order[SB_VIEWS], natural[SB_VIEWS], first = b->views, seen = 0;
    double origin[16], unknown[SB_POSE] = {0, 0, 0, 0, 0, 0, 1, 1, 1};
    if (views < 1 || views > SB_VIEWS || first + views != b->n.images)
        SB_FAIL("a scene of %d views, but %ld images were added for it (1 to %d)", views, b->n.images - first,
                SB_VIEWS);
    if (!camera && (c->context_camera || context))
        SB_FAIL("this scene needs cameras: give poses and intrinsics");
    if (context && !context[0]) SB_FAIL("the first view of a scene must be context");
    SbSizes more = b->n;
    more.scenes++;
    sb_batch_reserve(b, c, more);
    b->n = more;
    for (int v = 0; v < views; v++) {
        SbPosed *view = b->view + first + v;
        memset(view, 0, sizeof *view);
        const char *wrong = camera ? sb_camera_error(camera + v) : NULL;
        if (wrong) SB_FAIL("view %d of a scene: %s", v, wrong);
        view->scene = (int)b->n.scenes - 1, view->context = !context || context[v],
        view->posed = camera != NULL;
        view->asked = context != NULL;
        sb_pose_decode(&view->camera, unknown, c->image, c->image);
        if (!camera) continue;
        view->camera = camera[v];
        if (!v) sb_pose_inverse(origin, camera->pose);
        sb_mat4(view->camera.pose, camera[v].pose, origin);
    }
    b->views += views;
    for (int v = first; v < first + views; v++) if (b->view[v].context) order[seen++] = v;
    for (int v = first, k = seen; v < first + views; v++) if (!b->view[v].context) order[k++] = v;
    for (int v = 0; v < views; v++) natural[v] = first + v;
    long from = b->n.context;
    int two = !c->asymmetric && seen < views;
    if (two) sb_batch_pass(b, c, order, seen, seen, 0, !c->blind);
    sb_batch_pass(b, c, two ? natural : order, views, two ? views : seen, 1, !two && !c->blind);
    sb_batch_encoder(b, c, order, seen, from);
    for (int v = first; v < first + (context ? views : 0); v++) sb_batch_decoder(b, c, v);
    for (int v = b->image_vis[first]; v < b->image_vis[first + views]; v++)
        sb_batch_all(b->vis_keys + 4 * v, 1, (b->n.scenes - 1) * c->latents, b->n.scenes * c->latents);
    sb_batch_poses(b, c);
    for (int v = 0; v < (b->n.fdec ? b->views : 0); v++)    // scenes of a mixed batch that nobody asks about
        for (int vis = b->image_vis[v]; !b->view[v].asked && vis < b->image_vis[v + 1]; vis++) {
            b->ray_row[vis] = 0, b->feature_weight[vis] = 0;
            for (int k = 0; k < SB_RAY(c); k++) b->ray[vis * SB_RAY(c) + k] = 0;
        }
}
// What is known of image token vis of a scene: planar depth at the patch's centre, in the unit of the poses.
SB_FN void sb_batch_geometry(SbBatch *b, const SbConfig *c, int vis, double depth) {
    int image = 0, y, x = sb_batch_patch(b, c, vis, &y);
    while (b->image_vis[image + 1] <= vis) image++;
    const SbCamera *k = &b->view[image].camera;
    if (!b->view[image].posed) SB_FAIL("the geometry of an image without a camera");
    double at[4] = {depth * ((x + 0.5) * c->patch - k->cx) / k->fx,
                    depth * ((y + 0.5) * c->patch - k->cy) / k->fy, depth, 1},
           inverse[16];
    sb_pose_inverse(inverse, k->pose);
    SbSizes more = b->n;
    long row = more.geometry++;
    sb_batch_reserve(b, c, more);
    b->n = more;
    b->geometry_row[row] = vis;
    b->geometry[row * SB_GEOMETRY] = b->depth[row] = (stat_t)depth;
    for (int i = 0; i < 3; i++)
        b->geometry[row * SB_GEOMETRY + 1 + i] =
            (stat_t)(inverse[4 * i] * at[0] + inverse[4 * i + 1] * at[1] + inverse[4 * i + 2] * at[2] +
                     inverse[4 * i + 3]);
}

// ---- poses
// The aggregator's poses, of every view of the batch, in units of the poses it was trained with.
SB_FN void sb_predict_poses(SbModel *m, const SbBatch *b, SbCamera *camera) {
    sb_step_begin(m, b, 0);
    if (!(m->parts & SB_AGGREGATOR) || !m->config.camera_layers) SB_FAIL("this model has no camera head");
    sb_encoder_forward(m), sb_patches_forward(m), sb_aggregator_forward(m), sb_camera_forward(m);
    for (long v = 0; v < m->n.images; v++) {
        real pose[SB_POSE];
        double e[SB_POSE];
        sb_get(pose, m->acts.cam_in + (m->config.camera_rounds * m->n.images + v) * SB_POSE, sizeof pose);
        for (int i = 0; i < SB_POSE; i++) e[i] = (double)pose[i];
        sb_pose_decode(camera + v, e, b->view[v].camera.w, b->view[v].camera.h);
    }
}

// ---- words
// Continue the last turn of a batch of ONE sample greedily, until done(context, word) or max words; returns
// how many. The batch's rows must not have been computed yet.
SB_FN int sb_generate(SbModel *m, SbBatch *b, int *word, int max, int (*done)(void *context, int word),
                      void *context) {
    SbSizes room = b->n;
    room.llm += max, room.loss += 1;
    sb_acts_reserve(m, room);
    real *logits = (real *)sb_regrow(NULL, (size_t)m->config.vocab * sizeof(real));
    int count = 0;
    for (long row0 = 0; count < max; row0 = m->n.llm) {
        sb_batch_upload(m, b);
        if (!row0 && m->n.images) sb_vision_forward(m);
        sb_llm_forward(m, row0, m->n.llm - row0);
        sb_llm_logits(m, m->n.llm - 1, logits);
        int best = 0;
        for (int i = 1; i < m->config.vocab; i++) if (logits[i] > logits[best]) best = i;
        word[count++] = best;
        if (done(context, best)) break;
        sb_batch_tokens(b, &m->config, &best, NULL, NULL, 1);
    }
    free(logits);
    return count;
}
