// field_page.h: Spa3R on the page: table, curves, cards of rooms, a camera that turns where none stood.
//
// Refuses: figures of its own (all come from field.csv, field.h makes it), a prediction without the truth
// beside it. Pictures of one card have one scale: colours are principal components of its true features,
// depth runs from 0 to SB_FIELD_DEEP metres.
// Read from top: tables, answers, curves, pictures, cards, the turning camera, one asked view as a PNG.
#ifndef SB_FIELD_PAGE_H
#define SB_FIELD_PAGE_H
#include "field.h"
#include "page.h"

// ---- figures from field.csv

// A cell of the row of a target and a metric; NaN: there is none.
static SB_UNUSED double sb_field_cell(const SbCsv *c, const char *target, const char *metric,
                                      const char *who) {
    for (int r = 0; r < c->rows; r++)
        if (!strcmp(sb_csv_text(c, r, "target"), target) && !strcmp(sb_csv_text(c, r, "metric"), metric))
            return sb_csv_number(c, r, who);
    return NAN;
}
static void sb_field_td(SbText *t, double v, int digits, const char *style) {
    if (isfinite(v)) sb_text_add(t, "<td class=\"%s\">%.*f", style, digits, v);
    else sb_text_add(t, "<td class=\"%s\">&ndash;", style);
}
// By how much ours is below another error, in %.
static void sb_field_change(SbText *t, double ours, double other) {
    double v = 100 * (ours / other - 1);
    if (!isfinite(v)) { sb_html(t, "<td>&ndash;"); return; }
    sb_text_add(t, "<td class=%s>", v < 0 ? "good" : "bad");
    sb_html_number(t, v, 1, 1);
    sb_html(t, "&thinsp;%");
}
static const char *const sb_field_rows[3][3] = {{"sem", "l1", "semantic features, L1"},
                                                {"geo", "l1", "geometric features, L1"},
                                                {"depth", "rmse", "depth, RMSE in metres"}};
static SB_UNUSED void sb_field_errors_html(SbText *t, const SbCsv *c) {
    sb_html(t, "<div class=wide><table class=probe><thead><tr><th>views that nobody saw");
    for (int w = 0; w < SB_WHOS; w++)
        sb_text_add(t, "<th%s>%s", w == SB_BY_WARP ? " class=off" : "", sb_who_name[w]);
    sb_html(t, "<th>ours against<br>copy or mean<th>ours against<br>blind\n<tbody>");
    for (int i = 0; i < 3; i++) {
        double v[SB_WHOS];
        const char *const *row = sb_field_rows[i];
        sb_text_add(t, "<tr><td>%s", row[2]);
        for (int w = 0; w < SB_WHOS; w++) {
            v[w] = sb_field_cell(c, row[0], row[1], sb_who_name[w]);
            sb_field_td(t, v[w], 3, w == SB_BY_WARP ? "off" : "");
        }
        sb_field_change(t, v[SB_BY_US], fmin(v[SB_BY_COPY], v[SB_BY_MEAN]));
        sb_field_change(t, v[SB_BY_US], v[SB_BY_BLIND]);
        sb_html(t, "\n");
    }
    sb_html(t, "</table></div>\n<p class=small>copy: the nearest context view at the same place; warp: the "
               "context patch that shows the same point, found by the true depth, which no predictor has; "
               "mean: of that place over other rooms; blind: the same model, trained for as many steps, but "
               "its context is hidden: it sees only the asked camera. Aims: semantic features 15&thinsp;% "
               "below the better of copy and mean, geometric ones 5&thinsp;% and depth 10&thinsp;% below "
               "blind.</p>\n");
}
// Likeness of what two contexts without a common view lead to, in one room and across rooms.
static SB_UNUSED void sb_field_likes_html(SbText *t, const SbCsv *c, int rooms) {
    static const char *const row[3][2] = {
        {"latents", "latents"},
        {"sem", "predicted semantic features"},
        {"geo", "predicted geometric features"}};
    static const char *const metric[3] = {"cosine_same_room", "cosine_other_room", "rank_rooms"};
    sb_text_add(t, "<h3>Is it the room that the latents know?</h3>\n<p>Every room is read twice, by contexts "
                   "that share no view. Cosines between both, in the same room and between different rooms: "
                   "a high one says something only if the other is lower. Latents speak in the frame of the "
                   "first view that was read, so they may differ where predictions for one camera do not. "
                   "For %.0f&thinsp;%% of the rooms the second latents are nearest to the first ones of the "
                   "same room (by chance %.1f&thinsp;%%).</p>\n<div class=wide><table><thead><tr>"
                   "<th rowspan=2>cosine, rank",
                100 * sb_field_cell(c, "latents", "found", "ours"), 100. / rooms);
    for (int w = SB_BY_BLIND; w < SB_FIELD_COLUMNS; w++)
        sb_text_add(t, "<th class=over colspan=3>%s", sb_who_name[w]);
    sb_html(t, "\n<tr>");
    for (int w = SB_BY_BLIND; w < SB_FIELD_COLUMNS; w++) sb_html(t, "<th>same room<th>others<th>rank");
    sb_html(t, "\n<tbody>");
    for (int i = 0; i < 3; i++) {
        sb_text_add(t, "<tr><td>%s", row[i][1]);
        for (int w = SB_BY_BLIND; w < SB_FIELD_COLUMNS; w++)
            for (int m = 0; m < 3; m++) {
                double v = sb_field_cell(c, row[i][0], metric[m], sb_who_name[w]);
                sb_field_td(t, v, m == 2 ? 1 : 3, "");
            }
        sb_html(t, "\n");
    }
    double within = sb_field_cell(c, "latents", "rank_within", "ours");
    sb_text_add(t, "</table></div>\n<p class=small>rank: how many directions of equal strength would vary as "
                   "much from room to room, however little that is (participation ratio; 0: nothing "
                   "varies). Within one room, over its latents: %.1f. The true geometric features of one "
                   "camera may differ a little by context, since the aggregator reads both together.</p>\n",
                within);
}

// ---- what a language model makes of the latents

// Cells of a row of latents.csv: suffix "" with standard errors, "_mra" without.
static void sb_latents_row(SbText *t, const SbCsv *q, int row, int tuned, const char *suffix) {
    static const char *const column[9] = {
        "none",        "cross",        "append",            "cross_blank", "none_tuned",
        "cross_tuned", "append_tuned", "cross_tuned_blank", "blind"};
    for (int k = 0; k < 9; k++) {
        char *name = sb_format("%s%s", column[k], suffix), *error = sb_format("%s_se", name);
        double v = sb_csv_number(q, row, name), se = sb_csv_number(q, row, error);
        if (k < 4 || k == 8 || tuned) {
            sb_field_td(t, 100 * v, 1, "");
            if (isfinite(se)) sb_text_add(t, " <small class=se>&plusmn;&thinsp;%.1f</small>", 100 * se);
        }
        free(name), free(error);
    }
    sb_html(t, "\n");
}
// latents.csv, if it is there: answers about a view, by an LLM that has, or has not, the latents of several.
static SB_UNUSED void sb_latents_html(SbText *t, const char *path) {
    SbCsv q;
    int tuned = 0;
    if (!sb_csv_read(&q, path, NULL)) return;
    for (int r = 0; r < q.rows; r++) tuned |= isfinite(sb_csv_number(&q, r, "none_tuned"));
    sb_html(t, "<h3>What a language model makes of the latents</h3>\n<p>Spa3-VLM: questions about one view; "
               "its image tokens ask the latents of several views of the room (cross), or the latents stand "
               "behind them (append), or there are none. Grey: cross, with grey pictures. As it was: only "
               "the adapter was trained. Tuned: the language model too, by the same questions; what "
               "<i>none</i> gains by that, it gains without any view but the one.</p>\n<div class=wide>"
               "<table><thead><tr><th rowspan=2>right answers, %<th rowspan=2>asked<th class=over colspan=4>"
               "as it was");
    if (tuned) sb_html(t, "<th class=over colspan=4>tuned");
    sb_html(t, "<th rowspan=2>blind<br>guess\n<tr>");
    for (int i = 0; i <= tuned; i++) sb_html(t, "<th>none<th>cross<th>append<th>grey");
    sb_html(t, "\n<tbody>");
    for (int r = 0; r < q.rows; r++) {
        const char *name = sb_csv_text(&q, r, "question"), *level = sb_csv_text(&q, r, "level");
        int all = !strcmp(name, "all");
        sb_text_add(t, "<tr><td>%s%s%s<td>%s", name, all ? ", " : "", all ? level : "",
                    sb_csv_text(&q, r, "answers"));
        sb_latents_row(t, &q, r, tuned, "");
        if (all || !isfinite(sb_csv_number(&q, r, "none_mra"))) continue;
        sb_html(t, "<tr><td>&emsp;mean relative accuracy<td>");
        sb_latents_row(t, &q, r, tuned, "_mra");
    }
    sb_html(t, "</table></div>\n<p class=small>Mean relative accuracy is VSI-Bench's measure of numbers. Of "
               "its types the miniature's words allow distances (gap, between nearest points) and the "
               "nearest of three objects, to the metre and within one view. They do not allow counts, sizes "
               "of rooms, directions seen from another object, routes, or the order of appearance: "
               "<i>./data/converse --vsi</i> asks those, <i>./eval vsi</i> scores anybody's answers.</p>\n");
    sb_csv_free(&q);
}

// ---- errors by the number of context views

static void sb_field_curve(SbText *t, const SbCsv *c, const char *const row[3], int views) {
    static const int who[4] = {SB_BY_MEAN, SB_BY_COPY, SB_BY_BLIND, SB_BY_US};
    static const char *const style[4] = {"mean", "copy", "train", "valid"};
    double x[SB_ROOM_VIEWS], y[4][SB_ROOM_VIEWS];
    SbFrame f = {1, views - 1., 1e30, -1e30};
    for (int k = 0; k < 4; k++)
        for (int n = 1; n < views; n++) {
            char *metric = sb_format("%s_context_%d", row[1], n);
            x[n - 1] = n, y[k][n - 1] = sb_field_cell(c, row[0], metric, sb_who_name[who[k]]);
            if (isfinite(y[k][n - 1])) f.y0 = fmin(f.y0, y[k][n - 1]), f.y1 = fmax(f.y1, y[k][n - 1]);
            free(metric);
        }
    if (!(f.y1 > f.y0)) return;
    double margin = .08 * (f.y1 - f.y0);
    f.y0 -= margin, f.y1 += margin;
    sb_html(t, "<figure>");
    sb_chart_begin(t, &f, row[2], 1);
    for (int k = 0; k < 4; k++) sb_chart_line(t, &f, x, y[k], views - 1, style[k], 1);
    sb_text_add(t, "</svg><figcaption><b>%s</b></figcaption></figure>\n", row[2]);
}
static SB_UNUSED void sb_field_curves(SbText *t, const SbCsv *c, int views) {
    if (views < 3) return;
    sb_text_add(t, "<h3>More context, less error?</h3>\n<p>The same last view of every room, asked for after "
                   "1 to %d context views; trained with half of the views as context.</p>\n<p class=\"key "
                   "small\"><i style=\"background:var(--boost)\"></i>ours<i style=\"background:var(--soft)\">"
                   "</i>blind<i style=\"background:var(--control)\"></i>copy<i class=dashed></i>mean</p>\n"
                   "<div class=charts>\n", views - 1);
    for (int i = 0; i < 3; i++) sb_field_curve(t, c, sb_field_rows[i], views);
    sb_html(t, "</div>\n");
}

// ---- pictures

enum { SB_FIELD_DEEP = 6, SB_FIELD_TILE = 96 };
static void sb_field_depth_rgb(unsigned char *rgb, const double *depth, int n) {
    for (int p = 0; p < n; p++)
        if (depth[p] > 0) sb_heat_colour(1 - depth[p] / SB_FIELD_DEEP, rgb + 3 * p);
        else memset(rgb + 3 * p, 128, 3);
}
// rgb [n][n][3] as a figure; the caption may be empty.
static void sb_field_figure(SbText *t, const unsigned char *rgb, int n, const char *style, const char *alt,
                            const char *caption) {
    sb_text_add(t, "<figure class=\"%s\">", style);
    sb_html_picture(t, rgb, n, n, alt);
    if (*caption) sb_text_add(t, "<figcaption>%s</figcaption>", caption);
    sb_html(t, "</figure>\n");
}
// Colours from the true features of the batch at hand, for all that is predicted of it.
static SB_UNUSED void sb_field_colours(SbColours *colours, const SbFieldSide *s) {
    sb_colours_fit(colours, s->said.truth[SB_SEM_TARGET], s->said.n, s->said.width[SB_SEM_TARGET]);
}

// ---- cards: the batch at hand, one of its views

// Mean absolute error of the semantic features of P rows, and the root mean square error of depth where it is
// known.
static void sb_field_off(const SbFieldSide *truth, const SbFieldSide *s, long row, int P, double *l1,
                         double *rmse) {
    int W = s->said.width[SB_SEM_TARGET], known = 0;
    *l1 = *rmse = 0;
    for (long i = row * W; i < (row + P) * W; i++)
        *l1 += fabs((double)s->said.guess[SB_SEM_TARGET][i] - (double)truth->said.truth[SB_SEM_TARGET][i]) /
               ((double)P * W);
    for (long i = row; i < row + P; i++) {
        double off = s->said.probe[i] - truth->said.depth[i];
        if (truth->said.depth[i] > 0) known++, *rmse += off * off;
    }
    *rmse = known ? sqrt(*rmse / known) : NAN;
}
// picture [views][side][side][3]: of the batch's views; v: the one that is asked for. blind: the same, or
// NULL.
static SB_UNUSED void sb_field_card(SbText *t, const SbFieldSide *s, const SbFieldSide *blind,
                                    unsigned char *const *picture, int v, const char *title) {
    const SbBatch *b = &s->batch;
    const SbFieldSide *who[3] = {NULL, s, blind};
    int grid = s->source.grid, side = s->source.config.image, P = grid * grid;
    long row = b->image_vis[v], first = row * s->said.width[SB_SEM_TARGET];
    unsigned char *rgb = (unsigned char *)sb_calloc((size_t)P, 3);
    SbColours colours;
    sb_field_colours(&colours, s);
    sb_html(t, "<div class=room>\n<h3>"), sb_html_text(t, title);
    sb_html(t, "</h3>\n<div class=\"sees pair\">\n");
    for (int u = 0; u < b->views; u++)
        if (b->view[u].context) sb_field_figure(t, picture[u], side, "tile", "a context view", "context");
    sb_field_figure(t, picture[v], side, "tile asked", "the view that is asked for", "asked for");
    sb_text_add(t, "</div>\n<div class=cells>\n<b>truth</b><b>predicted</b><b>%s</b>\n",
                blind ? "blind" : "");
    for (int part = 0; part < 2; part++) {
        sb_html(t, part ? "<p>depth, and its error in metres</p>\n"
                        : "<p>semantic features as colours, and their L1 error</p>\n");
        for (int k = 0; k < 3; k++) {
            char caption[32] = "";
            double off[2];
            if (k && !who[k]) { sb_html(t, "<span></span>"); continue; }
            if (k) sb_field_off(s, who[k], row, P, off, off + 1);
            if (k && isfinite(off[part])) snprintf(caption, sizeof caption, "%.2f", off[part]);
            const SbFieldView *said = &(k ? who[k] : s)->said;
            if (part) sb_field_depth_rgb(rgb, (k ? said->probe : said->depth) + row, P);
            else sb_colours_of(&colours, rgb, (k ? said->guess : said->truth)[SB_SEM_TARGET] + first, P);
            sb_field_figure(t, rgb, grid, "tile", part ? "depth" : "features as colours", caption);
        }
    }
    sb_html(t, "</div></div>\n");
    sb_colours_free(&colours), free(rgb);
}
// The first view of the batch that is not context.
static SB_UNUSED int sb_field_asked(const SbFieldSide *s) {
    int v = 0;
    while (v < s->batch.views - 1 && s->batch.view[v].context) v++;
    return v;
}

// ---- a camera that turns where none stood: it stands between two context views and turns once around

enum { SB_TURN_FRAMES = 24, SB_TURN_CONTEXT = 2 };
// A place on the line between the two, as near to its middle as objects allow.
static void sb_turn_place(const SbRoom *room, int at[3]) {
    const int *a = room->camera[0].at, *b = room->camera[1].at;
    for (int step = 0; step <= 20; step++) {
        int share = 10 + (step % 2 ? 1 : -1) * (step + 1) / 2, blocked = 0;
        for (int j = 0; j < 3; j++) at[j] = a[j] + (b[j] - a[j]) * share / 20;
        for (int k = 0; k < room->objects; k++) blocked |= sb_room_near(&room->object[k], at, 300);
        if (!blocked) return;
    }
}
// The first test room whose first two cameras stand a metre apart.
static SB_UNUSED uint64_t sb_turn_room(const SbFieldSide *s) {
    for (uint64_t i = 0;; i++) {
        SbRoom room;
        sb_room_make(&room, &s->source.sim, sb_pool(s->source.pool, i));
        const int *a = room.camera[0].at, *b = room.camera[1].at;
        if (hypot(a[0] - b[0], a[1] - b[1]) > 1000) return i;
    }
}
// Views of a room: its first two, then the frames, which begin where the first one looks. scene: filled; free
// it.
static void sb_turn_scene(SbScene *scene, SbRoom *room, const SbSimConfig *sim) {
    SbSimConfig one = *sim;
    SbRoom turned = *room;
    one.views = turned.views = SB_TURN_CONTEXT + SB_TURN_FRAMES;
    memset(scene, 0, sizeof *scene);
    scene->views = one.views;
    scene->view = (SbView *)sb_calloc((size_t)one.views, sizeof *scene->view);
    sb_turn_place(room, turned.camera[0].at);
    for (int f = 0; f < one.views; f++) {
        SbView *v = scene->view + f;
        int frame = f - SB_TURN_CONTEXT;
        size_t pixels = (size_t)sim->w * (size_t)sim->h;
        SbRoom *from = frame < 0 ? room : &turned;
        v->w = v->dw = sim->w, v->h = v->dh = sim->h;
        v->rgb = (unsigned char *)sb_calloc(pixels, 3), v->depth = (float *)sb_calloc(pixels, sizeof(float));
        turned.camera[0].yaw = room->camera[0].yaw + 6283 * frame / SB_TURN_FRAMES;
        turned.camera[0].pitch = -150;
        sb_room_camera(from, sim, frame < 0 ? f : 0, &v->k, v->pose);
        v->dk = v->k;
        sb_room_render(from, sim, frame < 0 ? f : 0, v->rgb, v->depth, NULL);
    }
}
// Frames side by side: pictures, or feature [image tokens][W] as colours, or depth [image tokens].
static void sb_turn_film(SbText *t, const SbScene *scene, const SbFieldSide *s, const SbColours *colours,
                         const real *feature, const double *depth, const char *caption) {
    int n = feature || depth ? s->source.grid : s->source.config.image, W = s->said.width[SB_SEM_TARGET];
    size_t line = (size_t)(SB_TURN_FRAMES * n) * 3;
    unsigned char *film = (unsigned char *)sb_calloc((size_t)n, line),
                  *one = (unsigned char *)sb_calloc((size_t)(n * n), 3);
    for (int f = 0; f < SB_TURN_FRAMES; f++) {
        long row = s->batch.image_vis[SB_TURN_CONTEXT + f];
        if (feature) sb_colours_of(colours, one, feature + row * W, n * n);
        else if (depth) sb_field_depth_rgb(one, depth + row, n * n);
        else memcpy(one, scene->view[SB_TURN_CONTEXT + f].rgb, (size_t)(n * n) * 3);
        for (int y = 0; y < n; y++)
            memcpy(film + (size_t)y * line + (size_t)(f * n) * 3, one + (size_t)(y * n) * 3, (size_t)n * 3);
    }
    sb_html(t, "<figure><span class=film>");
    sb_html_picture(t, film, SB_TURN_FRAMES * n, n, caption);
    sb_text_add(t, "</span><figcaption>%s</figcaption></figure>\n", caption);
    free(film), free(one);
}
// A camera on the plan, in decimetres, y up: a wedge as wide as its view.
static void sb_turn_wedge(SbText *t, const SbRoom *room, const int at[3], int yaw, int fov,
                          const char *style) {
    double x = at[0] / 100., y = (room->size[1] - at[1]) / 100., far_off = 9;
    sb_text_add(t, "<path class=\"%s\" style=\"transform-origin:%.1fpx %.1fpx\" d=\"M%.1f %.1f", style, x, y,
                x, y);
    for (int k = -1; k <= 1; k++) {
        double a = yaw * 1e-3 + k * fov * .5e-3;
        sb_text_add(t, "L%.1f %.1f", x - far_off * sin(a), y - far_off * cos(a));
    }
    sb_html(t, "Z\"/>\n");
}
static void sb_turn_plan(SbText *t, const SbRoom *room) {
    int w = room->size[0] / 100, h = room->size[1] / 100, at[3];
    const SbRoomCamera *c = room->camera;
    sb_text_add(t, "<figure><svg class=plan viewBox=\"-1 -1 %d %d\" role=img aria-label=\"the room from "
                   "above\"><rect class=rule x=0 y=0 width=%d height=%d />\n", w + 2, h + 2, w, h);
    for (int k = 0; k < room->objects; k++) {
        const SbRoomObject *o = room->object + k;
        sb_text_add(t, "<circle class=thing cx=%.1f cy=%.1f r=%.1f />\n", o->at[0] / 100.,
                    (room->size[1] - o->at[1]) / 100., sb_room_reach(o) / 100.);
    }
    for (int v = 0; v < SB_TURN_CONTEXT; v++) sb_turn_wedge(t, room, c[v].at, c[v].yaw, c[v].fov, "seen");
    sb_turn_place(room, at);
    sb_turn_wedge(t, room, at, c[0].yaw, c[0].fov, "turning");
    sb_html(t, "</svg><figcaption>from above: context cameras orange, the asked one blue, objects grey"
               "</figcaption></figure>\n");
}
// Shares of every frame's patches that a context view shows, for the player.
static void sb_turn_shares(SbText *t, const SbFieldSide *s) {
    int P = s->source.grid * s->source.grid;
    for (int f = 0; f < SB_TURN_FRAMES; f++) {
        int shown = 0;
        for (int p = 0; p < P; p++) shown += sb_field_warp(s, SB_TURN_CONTEXT + f, p) >= 0;
        sb_text_add(t, "%s%d", f ? " " : "", 100 * shown / P);
    }
}
// Test room number i of the side's source, as a player.
static SB_UNUSED void sb_field_turn(SbText *t, SbFieldSide *s, uint64_t i) {
    enum { N = SB_TURN_CONTEXT + SB_TURN_FRAMES };
    const SbView *view[N];
    unsigned char *picture[N];
    int context[N];
    SbRoom room;
    SbScene scene;
    SbColours colours;
    sb_room_make(&room, &s->source.sim, sb_pool(s->source.pool, i));
    sb_turn_scene(&scene, &room, &s->source.sim);
    for (int v = 0; v < N; v++)
        view[v] = scene.view + v, picture[v] = scene.view[v].rgb, context[v] = v < SB_TURN_CONTEXT;
    sb_field_views(s, view, picture, context, N);
    sb_field_colours(&colours, s);
    sb_text_add(t, "<div class=reel style=\"--frames:%d;--at:0\" data-shown=\"", SB_TURN_FRAMES);
    sb_turn_shares(t, s);
    sb_text_add(t, "\">\n<div class=turn>\n<label>turn the camera (arrow keys)<input type=range min=0 "
                   "value=0 max=%d></label><output></output>\n", SB_TURN_FRAMES - 1);
    sb_turn_plan(t, &room);
    sb_html(t, "</div>\n<div class=cells>\n<b>context</b><b>truth</b><b>predicted</b>\n");
    sb_field_figure(t, picture[0], s->source.config.image, "tile", "a context view", "the first view");
    sb_turn_film(t, &scene, s, NULL, NULL, NULL, "picture");
    sb_html(t, "<span></span>");
    sb_field_figure(t, picture[1], s->source.config.image, "tile", "a context view", "the second");
    sb_turn_film(t, &scene, s, &colours, s->said.truth[SB_SEM_TARGET], NULL, "features");
    sb_turn_film(t, &scene, s, &colours, s->said.guess[SB_SEM_TARGET], NULL, "features");
    sb_html(t, "<span></span>");
    sb_turn_film(t, &scene, s, NULL, NULL, s->said.depth, "depth");
    sb_turn_film(t, &scene, s, NULL, NULL, s->said.probe, "depth");
    sb_html(t, "</div></div>\n");
    sb_colours_free(&colours), sb_scene_free(&scene);
}

// ---- a camera of one's own, as a PNG

// After sb_field_ask: the context, the features that the asked camera would see, their depth. rgb
// [SB_FIELD_TILE] [tiles * SB_FIELD_TILE][3]; returns how many tiles.
static SB_UNUSED int sb_field_strip(const SbFieldSide *s, const SbScene *scene, unsigned char **rgb) {
    int grid = s->source.grid, side = s->source.config.image, n = s->batch.views - 1, tiles = n + 2,
        T = SB_FIELD_TILE, W = s->said.width[SB_SEM_TARGET];
    long row = s->batch.image_vis[n];
    SbColours colours;
    unsigned char *small = (unsigned char *)sb_calloc((size_t)(side * side), 3);
    *rgb = (unsigned char *)sb_calloc((size_t)(tiles * T * T), 3);
    sb_colours_fit(&colours, s->said.truth[SB_SEM_TARGET], row, W);
    for (int i = 0; i < tiles; i++) {
        const SbView *v = scene->view + (long)i * (scene->views - 1) / (n - 1);
        int wide = i < n ? side : grid;
        if (i < n) sb_image_resize(v->rgb, v->w, v->h, small, side, side);
        else if (i == n) sb_colours_of(&colours, small, s->said.guess[SB_SEM_TARGET] + row * W, grid * grid);
        else sb_field_depth_rgb(small, s->said.probe + row, grid * grid);
        for (int y = 0; y < T; y++)
            for (int x = 0; x < T; x++)
                memcpy(*rgb + 3 * ((long)y * tiles * T + i * T + x),
                       small + 3 * (y * wide / T * wide + x * wide / T), 3);
    }
    sb_colours_free(&colours), free(small);
    return tiles;
}
#endif
