// posed.h: cameras, and scenes of posed views as rows of a batch (spatialboost.h, >>batch). Include the
// header first; no include guard: it is included once a namespace that has the model.
//
// Refuses: a pose that is no rotation, intrinsics that are none, numbers that are not finite, a scene whose
// first view is no context, more than SB_VIEWS views. All but sb_predict_poses runs on the host, in double;
// nothing of it trains. Camera axes: x right, y down, z forward. A pose is 4x4, row-major, world to camera
// (E); a quaternion is x, y, z, w; angles are radians; a patch's centre is its point.
//
//     int context[4];  SbCamera camera[4];             // of the V views that are added now
//     for (v...) sb_batch_image(&b, &c, rgb, w, h);    // nothing else between them
//     sb_view_split(context, V, c.context, seed, i);   // i: the sample's number
//     sb_batch_scene(&b, &c, camera, context, V);
//     for (vis = b.image_vis[first]; vis < b.n.vis; vis++)         // where depth is known: all that an
//     aggregator
//         sb_batch_geometry(&b, &c, vis, depth);                   // learns from; Spa3R's depth probe
//     sb_step_field(&m, &b, 1);
//
// Read from top: camera algebra, tables of turns, who is context, a scene's rows, its geometry, predicted
// poses.

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
    int grid = c->image / c->patch, at = b->patch[3 * b->patch_row[vis] + 2] - 1;
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
    const SbPosed *view = b->view + image;
    SbPairing turn = sb_turn_of(c->pose ? SB_TURN_2D : SB_TURN_CAMERA, dim);
    SbSizes more = b->n;
    long row = more.fdec, wide = sb_turn_row(dim, turn);
    double p[32], line[9];
    more.fdec += special + patches;
    sb_batch_reserve(b, c, more);
    b->n = more;
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
