// test_options.h: tests of what dialogues can be made with (data/noise.h, data/balance.h, windows of views,
// units, wordings, levels) and of the wider questions by hand; included by test_spatialboost.c.
//
// The frames are checked on a scene whose numbers a reader can follow in the head.
#ifndef SB_TEST_OPTIONS_H
#define SB_TEST_OPTIONS_H
#include "../data/likeness.h"
#include "test_converse.h"

// ---- the old mixes, to the letter

static uint64_t test_hash_dialogue(uint64_t hash, const SbDialogue *d) {
    for (int t = 0; t < d->turns; t++) {
        const char *text[2] = {sb_dialogue_question(d, t), sb_dialogue_answer(d, t)};
        for (int i = 0; i < 2; i++)
            for (size_t k = 0; k <= strlen(text[i]); k++)
                hash = (hash ^ (unsigned char)text[i][k]) * 0x100000001B3ull;
    }
    return hash;
}

// Dialogues of the mixes that training uses are what they were before there were wider ones: their hashes
// were taken then (of the last two again, when "between", "across" and "moved" got a rationale; without any
// they are as they were).
// A change that means to alter them must alter these, and every figure made with them.
static void test_converse_unchanged(void) {
    static const char *const spec[8] = {"full", "mix", "rec", "lean", "recshort", "pixel", "multi",
                                        "views=20,pixel=6.5,object=12,scene=9,caption=2,nearest=2,closer=3"};
    static const uint64_t before[8] = {0xB17084E0215F1576ull, 0x754A8C970FA81988ull, 0x32666B7AA6E00606ull,
                                       0x602A5D6609C53708ull, 0xAC53E29E4F0A3230ull, 0x202C2AD7B295C978ull,
                                       0x689999307B792553ull, 0x64F621C868F4144Aull};
    SbSimConfig c = sb_sim_default();
    SbScene scene;
    SbRoom room;
    SbDialogue d;
    SbViewInfo info[3];
    const SbViewInfo *all[3] = {info, info + 1, info + 2};
    uint64_t hash[8];
    memset(&scene, 0, sizeof scene);
    memset(&d, 0, sizeof d);
    memset(info, 0, sizeof info);
    c.views = 3, c.overlap_min = 20, c.overlap_max = 70;
    for (int m = 0; m < 8; m++) hash[m] = 0xCBF29CE484222325ull;
    for (int r = 0; r < 24; r++) {
        sb_room_make(&room, &c, (uint64_t)r);
        sb_room_scene(&scene, &room, &c);
        for (int m = 0; m < 8; m++) {
            SbMix mix = sb_mix_parse(spec[m]);
            mix.grid = r % 2 ? 8 : 0, mix.units = r / 2 % 2, mix.rationale = r / 4 % 2, mix.order = r % 3;
            for (int v = 0; v < 3; v++) sb_view_info(info + v, &scene, v, mix.grid);
            sb_converse_views(&d, all, 1 + 2 * (m > 5 || r % 5 == 4), &mix, 5, (uint64_t)r);
            hash[m] = test_hash_dialogue(hash[m], &d);
        }
    }
    for (int m = 0; m < 8; m++) CHECK(hash[m] == before[m], "the mix \"%s\" says something else", spec[m]);
    for (int v = 0; v < 3; v++) sb_view_info_free(info + v);
    sb_dialogue_free(&d);
    sb_scene_free(&scene);
}

// ---- the wider questions by hand

// The camera stands 1.5 m above the origin and looks along world y. Seen: a red box 1 m left and 3 m ahead; a
// blue sphere right of it; a green box behind the red one, a yellow cylinder on top of that; a cyan box near
// by on the right. Not seen: a purple cylinder.
typedef struct {
    SbScene scene;
    SbView view[2];
    SbObject object[7];
    float depth[2][64 * 64];
    unsigned short mask[2][64 * 64];
} TestHand;
static void test_hand_make(TestHand *h) {
    static const SbObject object[7] = {
        {2, "wall", "wall", 0, {0, 0, 0}, {0, 0, 0}, 0},
        {4, "red box", "box", 1, {-1, 3, .5}, {.4, .4, 1}, 0},
        {5, "blue sphere", "sphere", 1, {1, 3.1, .3}, {.6, .6, .6}, 0},
        {6, "green box", "box", 1, {-1, 5, .25}, {.5, .5, .5}, 0},
        {7, "yellow cylinder", "cylinder", 1, {-1, 5, .9}, {.3, .3, .8}, 0},
        {8, "cyan box", "box", 1, {1, 1.5, .2}, {.4, .4, .4}, 0},
        {9, "purple cylinder", "cylinder", 1, {9, 9, 9}, {1, 1, 1}, 0}};
    memset(h, 0, sizeof *h);
    test_hand_scene(&h->scene, h->view, h->object, h->depth[0], h->mask[0]);
    memcpy(h->object, object, sizeof object);
    h->scene.objects = 7;
    h->scene.floor_area = 31.49;
    // Left to right as in space: red, green below yellow, blue, cyan; a room of 4 x 2.5 x 4 m around it.
    for (int q = 0; q < 64 * 64; q++) {
        int u = q % 64, v = q / 64, strip = v < 20 || v > 43 ? 0 : u / 8;
        double x = (u - 31.5) / 32, y = (v - 31.5) / 32, z = fmin(4, y > 0 ? 1.5 / y : 1 / -y);
        static const unsigned short of[8] = {2, 4, 2, 6, 2, 5, 8, 2};
        h->mask[0][q] = of[strip];
        if (strip == 3 && v < 32) h->mask[0][q] = 7;
        h->depth[0][q] = (float)fmin(z, 2 / fabs(x));
    }
}

static unsigned test_hand_ask(const TestHand *h, const char *spec, const TestPair *pair, int pairs) {
    char text[200];
    snprintf(text, sizeof text, "%s,pixel+=0.0001", spec);      // a mix of all wordings
    return test_expect(&h->scene, text, pair, pairs);
}

static void test_spatial_signs(void) {
    static const TestPair pair[] = {
        {"You stand at the red box and look where the camera looks. At what o'clock is the blue sphere?",
         "3 o'clock"},
        {"You stand at the blue sphere and look where the camera looks. At what o'clock is the red box?",
         "9 o'clock"},
        {"You stand at the red box and look where the camera looks. At what o'clock is the green box?",
         "12 o'clock"},
        {"You stand at the green box and look where the camera looks. At what o'clock is the red box?",
         "6 o'clock"},
        {"You stand at the red box and face the blue sphere. Where is the green box: in front of you, behind "
         "you, to the left or right?", "to the left"},
        {"You stand at the red box and face the green box. Where is the blue sphere: in front of you, behind "
         "you, to the left or right?", "to the right"},
        {"You stand at the red box and face the camera. Is the blue sphere to your left?", "yes"},
        {"You stand at the blue sphere and face the camera. Is the red box to your left?", "no"},
        {"How far must the camera turn to face the red box?", "18 degrees to the left"},  // atan(1/3)
        {"How far must the camera turn to face the cyan box?", "34 degrees to the right"},
        {"Is the yellow cylinder on the green box?", "yes"},
        {"Does the green box carry the yellow cylinder?", "yes"},
        {"Is the green box on the yellow cylinder?", "no"},
        {"Do the green box and the yellow cylinder touch?", "yes"},
        {"Is there space between the red box and the blue sphere?", "yes"},
        {"Is the green box nearer to the yellow cylinder than to the red box?", "yes"},
        {"Is the green box farther from the yellow cylinder than from the red box?", "no"},
        {"How many objects of the kind box are in view?", "3"},
        {"How many objects of the kind sphere are in view?", "1"},
        {"Is there a purple cylinder in view?", "no"},
        {"Is a purple cylinder missing from the view?", "yes"},
        {"Do you see a red box?", "yes"},
        {"Order the red box, the blue sphere and the yellow cylinder, biggest first.",
         "red box, blue sphere, yellow cylinder"},
        {"How far is the centre of the red box from the camera?", "332 cm"},             // sqrt(1 + 9 + 1)
        {"What is the depth of the centre of the red box?", "300 cm"},
        {"By how much do the depths of the centres of the red box and the cyan box differ?", "150 cm"},
        {"Which is further to the left, the cyan box or the red box?", "red box"},
        {"Which is further to the right, the cyan box or the red box?", "cyan box"},
        {"Is the green box wider than the yellow cylinder, seen from here?", "yes"},
        {"How large is this room, seen from above?", "31.5 square metres"}};
    static const TestPair far_off[] = {
        {"What is the vertical gap between the yellow cylinder and the cyan box?", "10 cm"}, // .5 - .4
        {"What is the vertical gap between the red box and the cyan box?", "none, their heights overlap"},
        {"You walk from the green box straight to the red box, then to the blue sphere, then to the cyan box."
         " How do you turn at the two stops?",
         "left, then right"},
        {"Which is farthest from the yellow cylinder: the green box, the red box or the cyan box?",
         "cyan box"}};
    static TestHand h;
    test_hand_make(&h);
    unsigned came = test_hand_ask(&h,
                                  "clock=300,stand=900,turned=200,bearing=200,on=300,touch=300,"
                                  "proximity=900,count=200,exists=200,sizes=900,away=200,deep=200,deeper=200,"
                                  "which_left=300,wider=300,room=40",
                                  pair, 30);
    CHECK(came == 0x3FFFFFFFu, "of 30 questions by hand only %x came", came);
    came = test_hand_ask(&h, "clearance=400,route=900,nearest=900", far_off, 4);
    CHECK(came == 0xFu, "of 4 questions by hand only %x came", came);
}
// On the border between two answers nothing is asked.
static void test_spatial_borders(void) {
    static TestHand h;
    test_hand_make(&h);
    SbDialogue d;       // a centre 3 cm inside the border of what carries it: too close to call
    SbMix mix = sb_mix_parse("on=300");
    int others = 0;
    memset(&d, 0, sizeof d);
    h.object[4].center[0] = -.78;
    sb_converse(&d, &h.scene, 0, &mix, 3, 0);
    for (int t = 0; t < d.turns; t++) {
        const char *question = sb_dialogue_question(&d, t), *on = strstr(question, "on top of the green");
        CHECK(!strstr(question, "yellow cylinder on the green") && !(on && strstr(question, "yellow")) &&
                  !strstr(question, "green box carry the yellow"),
              "%s %s", question, sb_dialogue_answer(&d, t));
        others++;
    }
    CHECK(others > 50, "%d other questions", others);
    h.object[5].center[0] = -.57, h.object[5].center[1] = 3;   // 3 cm from the red box: neither touch nor not
    mix = sb_mix_parse("touch=300");
    sb_converse(&d, &h.scene, 0, &mix, 3, 0);
    for (int t = 0; t < d.turns; t++) {
        const char *question = sb_dialogue_question(&d, t);
        CHECK(!strstr(question, "red box") || !strstr(question, "cyan box"), "%s", question);
    }
    CHECK(d.turns > 100, "%d other questions", d.turns);
    sb_dialogue_free(&d);
}

// From above, the red box's nearest point to the blue sphere is (-.8, 3.1), the sphere's (.7, 3.1).
static void test_spatial_fit(void) {
    static TestHand h;
    SbDialogue d;
    SbMix mix = sb_mix_parse("fit=1000");
    int came[2] = {0, 0};
    memset(&d, 0, sizeof d);
    test_hand_make(&h);
    mix.wordings = SB_WORDINGS;
    sb_converse(&d, &h.scene, 0, &mix, 3, 0);
    for (int t = 0; t < d.turns; t++) {
        const char *question = sb_dialogue_question(&d, t), *answer = sb_dialogue_answer(&d, t);
        double width;
        if (!strstr(question, "red box") || !strstr(question, "blue sphere")) continue;
        test_read_lengths(question, question + strlen(question), &width, 1);
        int fits = width < 1.5;
        CHECK(!strcmp(answer, fits != (strstr(question, "stuck") != NULL) ? "yes" : "no"), "%s: %s", question,
              answer);
        CHECK(fabs(width - 1.5) > .0999 && width < 2.001, "a width of %g was asked for", width);
        came[fits]++;
    }
    CHECK(came[0] > 10 && came[1] > 20, "%d do not fit, %d do", came[0], came[1]);
    sb_dialogue_free(&d);
}

// The hand's room: which plane a pixel shows says which way it faces.
static void test_spatial_facing(void) {
    static TestHand h;
    SbDialogue d;
    SbMix mix = sb_mix_parse("facing=900");
    int came[5] = {0};
    memset(&d, 0, sizeof d);
    test_hand_make(&h);
    for (int q = 0; q < 64 * 64; q++) h.mask[0][q] = 2;
    sb_converse(&d, &h.scene, 0, &mix, 3, 0);
    CHECK(d.turns > 800, "%d of 900", d.turns);
    for (int t = 0; t < d.turns; t++) {
        static const char *const name[5] = {"up", "down", "towards us", "left", "right"};
        int at[5][2], best = 0;
        test_read_points(sb_dialogue_question(&d, t), at);
        double x = (at[0][0] + .5) * .064 - 32, y = (at[0][1] + .5) * .064 - 32;     // pixels off the middle
        const double depth[5] = {y > 0 ? 48 / y : 99, y < 0 ? 32 / -y : 99, 4, x > 0 ? 64 / x : 99,
                                 x < 0 ? 64 / -x : 99};
        for (int k = 1; k < 5; k++) best = depth[k] < depth[best] ? k : best;
        came[best]++;
        CHECK(!strcmp(sb_dialogue_answer(&d, t), name[best]), "%s: %s, expected %s",
              sb_dialogue_question(&d, t), sb_dialogue_answer(&d, t), name[best]);
    }
    for (int k = 0; k < 5; k++) CHECK(came[k] > 20, "direction %d came %d times", k, came[k]);
    h.view[0].mask = NULL;      // a step between two planes, which no mask shows, faces nowhere
    for (int q = 0; q < 64 * 64; q++) h.depth[0][q] = q % 64 < 32 ? 1.f : 1.2f;
    sb_converse(&d, &h.scene, 0, &mix, 3, 0);
    for (int t = 0; t < d.turns; t++)
        CHECK(!strcmp(sb_dialogue_answer(&d, t), "towards us"), "%s: %s", sb_dialogue_question(&d, t),
              sb_dialogue_answer(&d, t));
    CHECK(d.turns > 800, "%d of 900", d.turns);
    sb_dialogue_free(&d);
}

// A camera that is pitched and rolled: the depth of a centre is planar z in its own axes.
static void test_spatial_rolled(void) {
    static TestHand h;
    SbDialogue d;
    SbMix mix = sb_mix_parse("deep=60");
    const double a = .35, b = .5;                           // down, and to the side
    const double ahead[3] = {0, cos(a), -sin(a)}, x[3] = {1, 0, 0}, y[3] = {0, -sin(a), -cos(a)};
    memset(&d, 0, sizeof d);
    test_hand_make(&h);
    for (int i = 0; i < 3; i++) {
        h.view[0].pose[4 * i] = cos(b) * x[i] + sin(b) * y[i];
        h.view[0].pose[4 * i + 1] = cos(b) * y[i] - sin(b) * x[i];
        h.view[0].pose[4 * i + 2] = ahead[i];
    }
    sb_converse(&d, &h.scene, 0, &mix, 3, 0);
    for (int t = 0; t < d.turns; t++) {
        const char *question = sb_dialogue_question(&d, t);
        int object[2];
        CHECK(test_read_objects(&h.scene, question, strlen(question), object, 2) == 1, "%s", question);
        const double *p = h.object[object[0]].center;
        double z = p[1] * cos(a) - (p[2] - 1.5) * sin(a);
        CHECK(fabs(atof(sb_dialogue_answer(&d, t)) - 100 * z) < .51, "%s: %s, z %.3f", question,
              sb_dialogue_answer(&d, t), z);
    }
    CHECK(d.turns == 60, "%d of 60", d.turns);
    sb_dialogue_free(&d);
}

// The second camera: 1 m to the right, half a metre ahead, 20 cm higher; turned 30 degrees left, 10 down.
static void test_spatial_views(void) {
    static TestHand h;
    static const TestPair pair[] = {
        {"How did the camera move from picture 1 to picture 2?",
         "100 cm to the right, 50 cm forward, 20 cm up"},
        {"How did the camera turn from picture 1 to picture 2?", "30 degrees to the left, 10 degrees down"},
        {"What did the camera mainly do from picture 1 to picture 2, and which way?", "move right"},
        {"Does picture 2 look further up than picture 1?", "no"},
        {"Does picture 2 look further down than picture 1?", "yes"},
        {"Where in picture 1 is the cyan box of picture 2?", "(812, 500)"},     // columns 48..55, rows 20..43
        {"Which is nearer to the camera of picture 2: the purple cylinder shown there or the blue sphere of "
         "picture 1?", "blue sphere"},
        {"How far is the blue sphere of picture 1 from the camera of picture 2?", "295 cm"},
        {"Which comes into view first as the pictures go on, the blue sphere or the purple cylinder?",
         "blue sphere"},
        {"Seen from the camera, how did the red box move from picture 1 to picture 2?",
         "X 52 cm, Y -20 cm, Z 17 cm"}};
    const double pi = acos(-1), yaw = pi / 6, pitch = -pi / 18;
    const double right[3] = {cos(yaw), sin(yaw), 0};
    const double ahead[3] = {-sin(yaw) * cos(pitch), cos(yaw) * cos(pitch), sin(pitch)};
    SbViewInfo info[2];
    const SbViewInfo *all[2] = {info, info + 1};
    SbDialogue d;
    SbMix mix =
        sb_mix_parse("shift=60,turn=60,action=60,tilt=60,find=60,nearer=300,unseen=90,"
                     "appears=200,motion=200");
    unsigned came = 0;
    memset(&d, 0, sizeof d);
    memset(info, 0, sizeof info);
    test_hand_make(&h);
    h.scene.views = 2;
    h.view[1] = h.view[0];
    h.view[1].depth = h.depth[1], h.view[1].mask = h.mask[1];
    memcpy(h.depth[1], h.depth[0], sizeof h.depth[0]);
    for (int q = 0; q < 64 * 64; q++) // the sphere is out of sight, the purple cylinder stands in its place
        h.mask[1][q] = h.mask[0][q] == 5 ? 9 : h.mask[0][q];
    for (int i = 0; i < 3; i++) {
        int j = (i + 1) % 3, k = (i + 2) % 3;
        h.view[1].pose[4 * i] = right[i];
        h.view[1].pose[4 * i + 1] = ahead[j] * right[k] - ahead[k] * right[j];
        h.view[1].pose[4 * i + 2] = ahead[i];
    }
    h.view[1].pose[3] = 1, h.view[1].pose[7] = .5, h.view[1].pose[11] = 1.7;
    for (int v = 0; v < 2; v++) sb_view_info(info + v, &h.scene, v, 0);
    mix.wordings = SB_WORDINGS;
    sb_converse_views(&d, all, 2, &mix, 4, 0);
    for (int t = 0; t < d.turns; t++)
        for (int i = 0; i < 10; i++) {
            if (strcmp(pair[i].question, sb_dialogue_question(&d, t))) continue;
            came |= 1u << i;
            CHECK(!strcmp(pair[i].answer, sb_dialogue_answer(&d, t)), "%s \"%s\", expected \"%s\"",
                  pair[i].question, sb_dialogue_answer(&d, t), pair[i].answer);
        }
    CHECK(came == 0x3FFu, "of 10 questions by hand only %x came", came);
    for (int v = 0; v < 2; v++) sb_view_info_free(info + v);
    sb_dialogue_free(&d);
}

// Ten actions, and what is too close to call. Moves: right, up, ahead, in cm; turns: right, up, in degrees.
static void test_spatial_actions(void) {
    static const struct { double move[3], turn[2]; const char *answer; } row[] = {
        {{-30, 0, 0}, {0, 0}, "move left"},      {{30, 5, -5}, {9, -9}, "move right"},
        {{0, -30, 0}, {0, 0}, "move down"},      {{5, 40, 5}, {-12, 0}, "move up"},
        {{0, 0, -30}, {0, 0}, "move backward"},  {{19, 0, 30}, {0, 11}, "move forward"},
        {{0, 0, 0}, {-20, 0}, "turn left"},      {{10, 0, 20}, {20, 5}, "turn right"},
        {{0, 0, 0}, {0, -20}, "turn down"},      {{0, 10, 0}, {-9, 15}, "turn up"},
        {{0, 0, 0}, {140, 0}, "turn right"},     {{0, 0, 0}, {160, 0}, NULL},
        {{9, 0, 0}, {0, 0}, NULL},               {{0, 0, 0}, {5, 0}, NULL},
        {{30, 0, 0}, {13, 0}, NULL},             {{20, 0, 0}, {17, 0}, NULL},
        {{30, 21, 0}, {0, 0}, NULL},             {{0, 0, 0}, {20, 14}, NULL}};
    static TestHand h;
    SbViewInfo info[2];
    const SbViewInfo *all[2] = {info, info + 1};
    SbMix mix = sb_mix_parse("action=40");
    SbDialogue d;
    memset(&d, 0, sizeof d);
    memset(info, 0, sizeof info);
    test_hand_make(&h);
    h.scene.views = 2;
    h.view[1] = h.view[0];
    for (int n = 0; n < (int)(sizeof row / sizeof *row); n++) {
        double yaw = row[n].turn[0] * acos(-1) / 180, pitch = row[n].turn[1] * acos(-1) / 180;
        const double right[3] = {cos(yaw), -sin(yaw), 0};
        const double ahead[3] = {sin(yaw) * cos(pitch), cos(yaw) * cos(pitch), sin(pitch)};
        int asked = 0;
        for (int i = 0; i < 3; i++) {
            int j = (i + 1) % 3, k = (i + 2) % 3;
            h.view[1].pose[4 * i] = right[i];
            h.view[1].pose[4 * i + 1] = ahead[j] * right[k] - ahead[k] * right[j];
            h.view[1].pose[4 * i + 2] = ahead[i];
            h.view[1].pose[4 * i + 3] = h.view[0].pose[4 * i + 3] + .01 * row[n].move[i == 0 ? 0 : 3 - i];
        }
        for (int v = 0; v < 2; v++) sb_view_info(info + v, &h.scene, v, 0);
        sb_converse_views(&d, all, 2, &mix, 4, (uint64_t)n);
        for (int t = 0; t < d.turns; t++) {
            if (!strstr(sb_dialogue_question(&d, t), "from picture 1 to picture 2")) continue;
            const char *answer = sb_dialogue_answer(&d, t);
            asked++;
            CHECK(row[n].answer && !strcmp(answer, row[n].answer), "case %d: %s", n, answer);
        }
        CHECK(!asked == !row[n].answer, "case %d: asked %d times", n, asked);
    }
    for (int v = 0; v < 2; v++) sb_view_info_free(info + v);
    sb_dialogue_free(&d);
}

// ---- units, wordings, levels

static void test_converse_units(void) {
    static const char *const said[5][2] = {{"300 cm", "300.0 cm"}, {"3.00 m", "3.0 m"}, {"9.84 ft", "9.8 ft"},
                                           {"118 in", "118.1 in"}, {"", ""}};
    static TestHand h;
    SbDialogue d;
    SbMix mix = sb_mix_parse("deep=60");
    memset(&d, 0, sizeof d);
    test_hand_make(&h);
    for (mix.units = 0; mix.units < SB_UNITS; mix.units++)
        for (int decimals = 0; decimals < 2; decimals++) {
            unsigned mixed = 0;
            mix.decimals = 2 * decimals;
            sb_converse(&d, &h.scene, 0, &mix, 3, 0);
            for (int t = 0; t < d.turns; t++) {
                const char *answer = sb_dialogue_answer(&d, t);
                if (!strstr(sb_dialogue_question(&d, t), "red box")) continue;
                for (int k = 0; k < 4; k++) mixed |= (unsigned)!strcmp(answer, said[k][decimals]) << k;
                CHECK(mix.units == SB_UNITS_MIXED || !strcmp(answer, said[mix.units][decimals]),
                      "units %d: %s", mix.units, answer);
            }
            CHECK(mixed == (mix.units == SB_UNITS_MIXED ? 15u : 1u << mix.units), "units %d: %x came",
                  mix.units, mixed);
        }
    sb_dialogue_free(&d);
}

// What a wording names: a bit for each letter in braces.
static unsigned test_wording_names(const char *wording) {
    unsigned named = 0;
    for (const char *brace = strchr(wording, '{'); brace; brace = strchr(brace + 1, '{')) {
        CHECK(strchr("ABCDIJKLNPQRST", brace[1]) && brace[2] == '}', "odd braces: %s", wording);
        named |= 1u << (brace[1] - 'A');
    }
    return named;
}

// Every type has at least four wordings, all types together none twice. Each is a sentence and names what
// the first of its type names (a blind model's key is read off that one).
static void test_converse_wordings(void) {
    enum { ROOM = SB_ASK_COUNT * 8, SIZE = 160 };
    static char known[ROOM][SIZE];
    int all = 0;
    for (int i = 0; i < SB_ASK_COUNT; i++) {
        const SbQuestion *row = sb_question_row(i);
        char text[2000];
        int first = all;
        snprintf(text, sizeof text, "%s%s%s", row->words, *row->words && *row->more ? "|" : "", row->more);
        for (char *c = strtok(text, "|"); c && all < ROOM; c = strtok(NULL, "|"), all++) {
            int size = snprintf(known[all], SIZE, "%s", c + (*c == '!')), k = 0;
            while (strcmp(known[k], known[all])) k++;
            CHECK(k == all, "%s: \"%s\" is there already", row->name, c);
            CHECK(size < SIZE && *known[k] >= 'A' && *known[k] <= 'Z' && strchr("?.", known[k][size - 1]),
                  "%s: no sentence: \"%s\"", row->name, c);
            CHECK(test_wording_names(c) == test_wording_names(known[first]), "%s: \"%s\" names other things",
                  row->name, c);
        }
        CHECK(all - first >= 4, "%s: %d wordings only", row->name, all - first);
    }
}

// wordings=1: one wording a type; the more, the more; the paper's layout of 12; levels.
static void test_converse_layout(void) {
    static const int layout[SB_LEVELS] = {5, 3, 2, 2, 0};
    static TestHand h;
    SbDialogue d;
    SbMix mix = sb_mix_parse("depth=200");
    memset(&d, 0, sizeof d);
    test_hand_make(&h);
    for (int most = 0; most <= 6; most++) {
        char words[16][80];
        int n = 0;
        mix.wordings = most;
        sb_converse(&d, &h.scene, 0, &mix, 3, 0);
        for (int t = 0; t < d.turns; t++) {
            int k = 0, size = 0;
            char plain[80];
            for (const char *c = sb_dialogue_question(&d, t); *c; c++)
                if (!sb_is_digit(*c)) plain[size++] = *c;
            plain[size] = 0;
            while (k < n && strcmp(words[k], plain)) k++;
            if (k == n && n < 16) strcpy(words[n++], plain);
        }
        int expected = most == 0 ? 3 : most < 5 ? most : 5;
        CHECK(n == expected, "wordings %d: %d ways to ask for depth, expected %d", most, n, expected);
    }
    mix = sb_mix_parse("paper");
    for (uint64_t i = 0; i < 40; i++) {
        int count[SB_LEVELS] = {0};
        sb_converse(&d, &h.scene, 0, &mix, 3, i);
        for (int t = 0; t < d.turns; t++) count[sb_question_row(d.turn[t].type)->level]++;
        CHECK(!memcmp(count, layout, sizeof count), "paper: %d pixel, %d object, %d scene, %d caption",
              count[0], count[1], count[2], count[3]);
    }
    sb_mix_levels(&mix, "scene,pixel");
    sb_converse(&d, &h.scene, 0, &mix, 3, 0);
    CHECK(d.turns == 7 && sb_question_row(d.turn[0].type)->level == SB_LEVEL_PIXEL &&
              sb_question_row(d.turn[6].type)->level == SB_LEVEL_SCENE, "two levels: %d turns", d.turns);
    EXPECT_DIE(sb_mix_levels(&mix, "scene,"), "no level at \"\"");
    EXPECT_DIE(sb_mix_levels(&mix, "pixels"), "no level");
    EXPECT_DIE(sb_mix_levels(&mix, "views"), "no questions of them");
    EXPECT_DIE(sb_mix_parse("+=3"), "no such");
    EXPECT_DIE(sb_mix_parse("depth+=3"), "no such");
    mix = sb_mix_parse("depth=3,clock=1");
    EXPECT_DIE(sb_words_mix(&mix), "clock");
    mix = sb_mix_parse("object+=3");
    EXPECT_DIE(sb_words_mix(&mix), "no words");
    mix = sb_mix_parse("object=3");
    sb_words_mix(&mix);
    mix.units = SB_UNITS_FT;
    EXPECT_DIE(sb_words_mix(&mix), "cm and m only");
    sb_dialogue_free(&d);
}

// ---- noise

enum { TEST_VIEWS = 3 };
typedef struct {
    SbScene scene, noisy;
    SbViewInfo info[TEST_VIEWS], heard[TEST_VIEWS];
    const SbViewInfo *all[TEST_VIEWS], *all_heard[TEST_VIEWS];
    SbDialogue exact, d;
} TestNoise;

// Room r, and what it is taken for.
static void test_noise_room(TestNoise *n, int r, const SbNoise *noise, int grid) {
    SbSimConfig c = sb_sim_default();
    SbRoom room;
    c.views = TEST_VIEWS, c.overlap_min = 20, c.overlap_max = 70, c.difficulty = 2;
    sb_room_make(&room, &c, sb_pool(SB_POOL_TEST, (uint64_t)r));
    sb_room_scene(&n->scene, &room, &c);
    for (int v = 0; v < TEST_VIEWS; v++) test_pile(&n->scene, v ? 3 : r);
    sb_scene_free(&n->noisy);
    sb_noise_scene(&n->noisy, &n->scene, noise, 77 + (uint64_t)r);
    for (int v = 0; v < TEST_VIEWS; v++) {
        sb_view_info(n->info + v, &n->scene, v, grid);
        sb_view_info(n->heard + v, &n->noisy, v, grid);
        n->all[v] = n->info + v, n->all_heard[v] = n->heard + v;
    }
}
static void test_noise_converse(TestNoise *n, const SbNoise *noise, const SbMix *mix, int pictures, int r) {
    SbExtras extras = {noise, n->all_heard, NULL, NULL};
    sb_converse_views(&n->exact, n->all, pictures, mix, 6, (uint64_t)r);
    sb_converse_with(&n->d, n->all, pictures, mix, 6, (uint64_t)r, &extras);
}
static void test_noise_free(TestNoise *n) {
    sb_scene_free(&n->scene);
    sb_scene_free(&n->noisy);
    for (int v = 0; v < TEST_VIEWS; v++) sb_view_info_free(n->info + v), sb_view_info_free(n->heard + v);
    sb_dialogue_free(&n->exact);
    sb_dialogue_free(&n->d);
}
// All types, in all wordings.
static SbMix test_noise_mix(int times) {
    SbMix mix = sb_mix_parse("pixel+=1");
    memset(mix.wide, 0, sizeof mix.wide);
    for (int i = 0; i < SB_ASK_COUNT; i++) mix.count[i] = times;
    return mix;
}

// One who does not err answers every drawn question again as it was answered, whatever its type.
static void test_noise_none(void) {
    static TestNoise n;
    SbNoise none = {0, 1, 0, 0, 0};
    SbMix mix = test_noise_mix(2);
    long asked[SB_ASK_COUNT] = {0};
    for (int r = 0; r < 24; r++) {
        mix.grid = r % 2 ? 8 : 0, mix.rationale = r / 2 % 2;
        test_noise_room(&n, r, &none, mix.grid);
        test_noise_converse(&n, &none, &mix, r % 3 ? TEST_VIEWS : 1, r);
        CHECK(n.exact.turns == n.d.turns && n.d.lost == 0 && n.d.changed == 0 && n.d.again == n.d.turns,
              "room %d: %d turns, without error %d, %d lost, %d changed", r, n.exact.turns, n.d.turns,
              n.d.lost, n.d.changed);
        for (int t = 0; t < n.d.turns && t < n.exact.turns; t++) {
            const char *before = sb_dialogue_answer(&n.exact, t), *again = sb_dialogue_answer(&n.d, t);
            CHECK(!strcmp(before, again) &&
                      !strcmp(sb_dialogue_question(&n.exact, t), sb_dialogue_question(&n.d, t)),
                  "%s: %s, again %s", sb_dialogue_question(&n.exact, t), before, again);
            asked[n.d.turn[t].type]++;
        }
    }
    for (int i = 0; i < SB_ASK_COUNT; i++)
        CHECK(asked[i] > 2, "%s: answered again %ld times only", sb_question_row(i)->name, asked[i]);
    test_noise_free(&n);
}

// Each turn of d is one of exact, in its order; the others are lost. changed: how many have another answer.
static int test_noise_follows(const TestNoise *n, int *changed) {
    int at = 0;
    *changed = 0;
    for (int t = 0; t < n->exact.turns && at < n->d.turns; t++) {
        if (strcmp(sb_dialogue_question(&n->exact, t), sb_dialogue_question(&n->d, at))) continue;
        *changed += strcmp(sb_dialogue_answer(&n->exact, t), sb_dialogue_answer(&n->d, at)) != 0;
        at++;
    }
    return at == n->d.turns && n->d.turns + n->d.lost == n->exact.turns;
}

// With noise the same questions are asked; what changed and what was lost is counted; the same again from the
// same seed.
static void test_noise_counts(void) {
    static const char *const text[7] = {"depth=.2",
                                        "scale=1.3",
                                        "erode=2",
                                        "swap=.5",
                                        "sign=.3",
                                        "scale=1.004",
                                        "depth=.05,scale=.95,erode=1,swap=.1,sign=.05"};
    static TestNoise n;
    SbMix each = test_noise_mix(1), drawn = sb_mix_parse("everything");
    for (int k = 0; k < 7; k++) {
        SbNoise noise = sb_noise_parse(text[k]);
        long all = 0, changes = 0, lost = 0;
        for (int r = 0; r < 6; r++) {
            int changed;
            SbMix mix = r % 3 ? each : drawn;
            mix.grid = r % 2 ? 8 : 0;
            test_noise_room(&n, r, &noise, mix.grid);
            test_noise_converse(&n, &noise, &mix, TEST_VIEWS, r);
            CHECK(test_noise_follows(&n, &changed), "%s, room %d: %d turns and %d lost of %d", text[k], r,
                  n.d.turns, n.d.lost, n.exact.turns);
            CHECK(n.d.wrong <= changed && (k != 5 || n.d.wrong <= 3), "%s: %d wrong", text[k], n.d.wrong);
            CHECK(changed == n.d.changed && n.d.again == n.d.turns, "%s: %d answers differ, %d are counted",
                  text[k], changed, n.d.changed);
            uint64_t once = test_hash_dialogue(1, &n.d);
            test_noise_room(&n, r, &noise, mix.grid);
            test_noise_converse(&n, &noise, &mix, TEST_VIEWS, r);
            CHECK(once == test_hash_dialogue(1, &n.d), "%s, room %d: not the same again", text[k], r);
            all += n.d.turns, changes += n.d.changed, lost += n.d.lost;
        }
        CHECK(changes > all / 25 && changes < all, "%s changed %ld of %ld answers", text[k], changes, all);
        CHECK(k == 2 || k == 6 || k == 3 || lost < all / 10, "%s lost %ld of %ld", text[k], lost, all);
    }
    test_noise_free(&n);
}

// Scale: all lengths times it, no yes turned to no. Sign: at 1 every yes is no. Swap: at 1 others' names.
// Depth: the errors' spread. Erode: by hand.
static void test_noise_kinds(void) {
    static TestNoise n;
    SbNoise scale = sb_noise_parse("scale=1.25"), sign = sb_noise_parse("sign=1");
    SbMix mix =
        sb_mix_parse("depth=5,separation=5,distance=5,height=5,moved=3,left=5,taller=5,aside=3,look=3");
    long lengths = 0, answers = 0;
    for (int r = 0; r < 10; r++) {
        for (int k = 0; k < 2; k++) {
            test_noise_room(&n, r, k ? &sign : &scale, 0);
            test_noise_converse(&n, k ? &sign : &scale, &mix, TEST_VIEWS, r);
            for (int t = 0; t < n.d.turns && n.d.turns == n.exact.turns; t++) {
                const char *before = sb_dialogue_answer(&n.exact, t), *again = sb_dialogue_answer(&n.d, t);
                double cm[2];
                int length = test_read_lengths(before, before + strlen(before), cm, 1);
                test_read_lengths(again, again + strlen(again), cm + 1, 1);
                const char *opposite = !strcmp(before, "yes") ? "no" : "yes";
                int right = length ? fabs(cm[1] - 1.25 * cm[0]) < .0051 * 2.25 : !strcmp(before, again);
                if (k) right = length ? !strcmp(before, again) : !strcmp(again, opposite);
                CHECK(right, "%s of %s: %s", k ? "sign" : "scale", before, again);
                lengths += length && !k, answers += !length && k;
            }
            CHECK(n.d.turns == n.exact.turns, "%d of %d", n.d.turns, n.exact.turns);
        }
    }
    CHECK(lengths > 150 && answers > 80, "%ld lengths, %ld answers", lengths, answers);
    SbNoise depth = sb_noise_parse("depth=.1");
    double sum = 0, square = 0, count = 0;
    test_noise_room(&n, 3, &depth, 0);
    for (int q = 0; q < 64 * 64; q++) {
        double error = (double)n.noisy.view[1].depth[q] - (double)n.scene.view[1].depth[q];
        sum += error, square += error * error, count++;
    }
    // 4096 errors: the mean's standard error is .0016, the spread's .0011
    CHECK(fabs(sum / count) < .008 && fabs(sqrt(square / count) - .1) < .006,
          "errors of mean %.4f, spread %.4f", sum / count, sqrt(square / count));
    test_noise_free(&n);
    SbText text = {NULL, 0, 0};
    static const char *const flip[6][2] = {
        {"the red box X 35 cm, the blue box X 60 cm, so yes",
         "the red box X 35 cm, the blue box X 60 cm, so no"},
        {"12 degrees to the left, 3 degrees up", "12 degrees to the right, 3 degrees down"},
        {"X -35 cm, Y 0 cm, Z 2 cm", "X 35 cm, Y 0 cm, Z 2 cm"},
        {"X 0 cm, Y 5 cm, Z 2 cm", "X 0 cm, Y 5 cm, Z 2 cm"},
        {"third", "fourth"},
        {"a nobody", "a nobody"}};
    for (int i = 0; i < 6; i++) {
        text.size = 0;
        sb_text_add(&text, "%s", flip[i][0]);
        sb_flip(&text, 0);
        CHECK(!strcmp(text.data, flip[i][1]), "%s became %s", flip[i][0], text.data);
    }
    free(text.data);
}

static void test_noise_masks(void) {
    static TestHand h;
    static TestNoise n;
    SbNoise two = sb_noise_parse("erode=2"), all = sb_noise_parse("swap=1");
    SbScene noisy;
    test_hand_make(&h);
    h.mask[0][64 * 30] = h.mask[0][63] = 4;     // edges and corners of the picture too
    sb_noise_scene(&noisy, &h.scene, &two, 1);
    for (int q = 0; q < 64 * 64; q++) {
        int whole = 1;
        for (int y = -2; y <= 2; y++)
            for (int x = -2; x <= 2; x++) {
                int u = q % 64 + x, v = q / 64 + y;
                if (u >= 0 && v >= 0 && u < 64 && v < 64) whole &= h.mask[0][v * 64 + u] == h.mask[0][q];
            }
        CHECK(noisy.view[0].mask[q] == (whole ? h.mask[0][q] : 0), "pixel %d: %d", q, noisy.view[0].mask[q]);
    }
    sb_scene_free(&noisy);
    sb_noise_scene(&noisy, &h.scene, &all, 1);
    int moved = 0, lost = 0;
    for (int i = 1; i < 7; i++) {       // each box is somewhere, under some name, with its pixels
        const SbObject *o = h.object + i;
        int found = 0;
        for (int k = 1; k < 7; k++) {
            if (memcmp(noisy.object[k].center, o->center, sizeof o->center)) continue;
            found++;
            moved += k != i;
            for (int q = 0; q < 64 * 64; q++)
                lost += (h.mask[0][q] == o->id) != (noisy.view[0].mask[q] == noisy.object[k].id);
            CHECK(!strcmp(noisy.object[k].name, h.object[k].name) && noisy.object[k].id == h.object[k].id &&
                      !strcmp(noisy.object[k].category, o->category),
                  "%s became %s", o->name, noisy.object[k].category);
        }
        CHECK(found == 1, "%s is there %d times", o->name, found);
    }
    CHECK(moved >= 3 && lost == 0, "%d of 6 moved, %d pixels do not fit", moved, lost);
    sb_scene_free(&noisy);
    static const char *const bad[] = {"",       "depth",   "depth=",   "depth=x", "depth=-1",  "erode=1.5",
                                      "sign=2", "scale=0", "depth=1,", "blur=1",  "depth=nan", "depth=1x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) EXPECT_DIE(sb_noise_parse(bad[i]), "noise");
    SbNoise five = sb_noise_parse("erode=5");       // nothing is left of eight pixels
    SbMix mix = sb_mix_parse("taller=20");
    sb_noise_scene(&n.noisy, &h.scene, &five, 1);
    sb_view_info(n.info, &h.scene, 0, 0);
    sb_view_info(n.heard, &n.noisy, 0, 0);
    n.all[0] = n.info, n.all_heard[0] = n.heard;
    test_noise_converse(&n, &five, &mix, 1, 0);
    CHECK(n.exact.turns == 20 && n.d.turns == 0 && n.d.lost == 20, "%d asked, %d answered, %d lost",
          n.exact.turns, n.d.turns, n.d.lost);
    test_noise_free(&n);
}

// ---- balance and census

// Without a balance a blind model beats chance; with it no answer to questions that look alike leads by more
// than two, and what a blind model learns from one half does not help it in the other.
static void test_balance(void) {
    static const int type[3] = {SB_ASK_closer, SB_ASK_wider, SB_ASK_facing};
    static SbCensusRow row[2][SB_ASK_COUNT];
    SbBalance balance;
    SbScene scene;
    SbViewInfo info;
    const SbViewInfo *all[1] = {&info};
    SbDialogue d;
    SbMix mix = sb_mix_parse("closer=8,wider=4,facing=8,depth=4,fit=2,what=4");
    memset(&scene, 0, sizeof scene);
    memset(&info, 0, sizeof info);
    memset(&d, 0, sizeof d);
    for (int k = 0; k < 2; k++) {
        SbCensus census = {NULL, 0, 0, 0};
        SbExtras extras = {NULL, NULL, k ? &balance : NULL, &census};
        memset(&balance, 0, sizeof balance);
        for (int r = 0; r < 300; r++) {
            test_room_scene(&scene, r);
            sb_view_info(&info, &scene, 0, 0);
            census.half = r % 2;
            sb_converse_with(&d, all, 1, &mix, 4, (uint64_t)r, &extras);
        }
        sb_census_rows(&census, row[k]);
        long worst = 0;
        for (long i = 0; i < census.turns && k;) {      // yes and no of one key, side by side
            long n[2] = {0, 0}, j = i;
            for (; j < census.turns && census.turn[j].key == census.turn[i].key; j++)
                n[census.turn[j].answer != census.turn[i].answer]++;
            if (sb_question_row(census.turn[i].type)->kind == SB_KIND_YESNO)
                worst = labs(n[0] - n[1]) > worst ? labs(n[0] - n[1]) : worst;
            i = j;
        }
        CHECK(worst <= 2, "yes and no differ by %ld", worst);
        free(census.turn);
        sb_balance_free(&balance);
    }
    for (int i = 0; i < 3; i++) {
        const SbCensusRow *before = &row[0][type[i]], *after = &row[1][type[i]];
        CHECK(before->blind > before->chance + .1, "%s: blind %.3f without a balance",
              sb_question_row(type[i])->name, before->blind);
        CHECK(after->blind < after->chance + (type[i] == SB_ASK_facing ? .1 : .02) && after->asked > 300,
              "%s: blind %.3f of %ld with it", sb_question_row(type[i])->name, after->blind, after->asked);
    }
    sb_view_info_free(&info);
    sb_dialogue_free(&d);
    sb_scene_free(&scene);
}

// The rule by hand, and a census by hand: key 1 has yes yes no in one half, yes no in the other; key 2 is new
// to either half.
static void test_census(void) {
    SbBalance b;
    static SbCensusRow row[SB_ASK_COUNT];
    static const int half[7] = {0, 0, 0, 1, 1, 0, 1}, key[7] = {1, 1, 1, 1, 1, 2, 3},
                     answer[7] = {5, 5, 7, 5, 7, 7, 7};
    SbCensus c = {NULL, 0, 0, 0};
    memset(&b, 0, sizeof b);
    int taken = sb_balance_take(&b, 9, 1, NULL);
    taken += 2 * sb_balance_take(&b, 9, 1, NULL) + 4 * sb_balance_take(&b, 9, 1, NULL);
    CHECK(taken == 3, "of three equal answers in a row: %x", taken);
    taken = 1 * sb_balance_take(&b, 9, 2, NULL);      // two of one, one of the other
    taken += 2 * sb_balance_take(&b, 9, 1, NULL);     // 2 is not above 3 / 2 + .5
    taken += 4 * sb_balance_take(&b, 9, 1, NULL);     // 3 is above 4 / 2 + .5
    CHECK(taken == 3, "two of one, then another: %x", taken);
    CHECK(sb_balance_take(&b, 9, -1, NULL) && sb_balance_take(&b, 8, 1, NULL), "no class, or another key");
    for (uint64_t i = 0; i < 5000; i++) sb_balance_take(&b, 100 + i, 1, NULL);
    int again = 0;
    for (uint64_t i = 0; i < 5000; i++)
        again += sb_balance_take(&b, 100 + i, 1, NULL) && !sb_balance_take(&b, 100 + i, 1, NULL);
    CHECK(again == 5000, "%d of 5000 keys are remembered", again);
    sb_balance_free(&b);
    c.turn = (SbCounted *)sb_calloc(7, sizeof *c.turn);
    for (int i = 0; i < 7; i++) {
        SbCounted t = {SB_ASK_left, half[i], (uint64_t)key[i], answer[i], 0};
        c.turn[c.turns++] = t;
    }
    sb_census_rows(&c, row);
    const SbCensusRow *r = row + SB_ASK_left;
    // Key 1 from half 0: 5; tested on half 1: one of two. From half 1: a tie, 5; on half 0: two of three.
    // Keys 2 and 3: the other half's commonest; half 1 has 7 twice of three: right; half 0 a tie, 5: wrong.
    CHECK(r->asked == 7 && r->answers == 2 && fabs(r->commonest - 4 / 7.) < 1e-9 && r->chance == .5 &&
              fabs(r->blind - 4 / 7.) < 1e-9, "%ld asked, %ld answers, commonest %g, blind %g", r->asked,
          r->answers, r->commonest, r->blind);
    CHECK(row[SB_ASK_depth].asked == 0 && isnan(row[SB_ASK_depth].blind), "nothing asked");
    free(c.turn);
}

// The balance of a stream: levels by hand; in rooms that it has not counted a blind model is near chance, and
// a sample is the same whatever came before it.
static void test_stream_balance(void) {
    const long few[3] = {20, 20, 60}, many[3] = {1, 1, 98}, one[1] = {7};
    double level[3] = {sb_balance_level(few, 3), sb_balance_level(many, 3), sb_balance_level(one, 1)};
    CHECK(level[0] == 20 && level[1] == 10.5 && level[2] == 7, "levels %g, %g, %g", level[0], level[1],
          level[2]);
    static SbSource s;
    static SbSample slot[2];
    static SbCensusRow row[2][SB_ASK_COUNT];
    SbConfig c = sb_config_preset(SB_MINI);
    char *told = NULL;
    sb_source_init(&s, &c, SB_TASK_DIALOGUE, SB_POOL_TRAIN, "closer=8,what=12", 1, 3);
    for (int k = 0; k < 2; k++) {
        SbCensus census = {NULL, 0, 0, 0};
        SbExtras e = {NULL, NULL, k ? &s.balance : NULL, &census};
        if (k) sb_source_balance(&s);
        for (uint64_t i = 5000; i < 5400; i++) {
            slot->tells = 1;
            sb_sample_room(&s, slot, i);
            census.half = (int)(i % 2);
            sb_converse_with(&slot->dialogue, slot->told, 1, &s.mix, s.seed, i, &e);
        }
        sb_census_rows(&census, row[k]);
        free(census.turn);
    }
    const SbCensusRow *before = row[0] + SB_ASK_closer, *after = row[1] + SB_ASK_closer;
    // chance is .5; of some 3,000 answers the share has a standard error of .009
    CHECK(before->blind > .65 && after->blind < .58 && after->asked > 2500,
          "closer: blind %.3f, then %.3f of %ld", before->blind, after->blind, after->asked);
    before = row[0] + SB_ASK_what, after = row[1] + SB_ASK_what;
    CHECK(after->blind < .6 * before->blind, "what: blind %.3f, then %.3f", before->blind, after->blind);
    for (int k = 0; k < 2; k++) { // sample 77 first or second
        sb_source_samples(&s, slot, 2, 77 - (uint64_t)k);
        const SbDialogue *d = &slot[k].dialogue;
        char *text = sb_format("%s %s %d", sb_dialogue_answer(d, 0), sb_dialogue_answer(d, 7), d->turns);
        CHECK(!told || !strcmp(text, told), "%s, then %s", told, text);
        free(told);
        told = text;
    }
    free(told);
    sb_balance_free(&s.balance);
}

// Noise in a stream of samples: pictures and questions are those without it, answers are not; errors of 0
// change nothing; of a stored scene as of a simulated room.
static void test_stream_noise(void) {
    static const char *const noise[3] = {"depth=0", "scale=1.5", "depth=.5"};
    SbConfig c = sb_config_preset(SB_MINI);
    size_t bytes = (size_t)(c.image * c.image * 3);
    for (int k = 0; k < 6; k++) {
        static SbSource s[2];
        static SbSample slot[2][8];
        long changed = 0, turns = 0, moved = 0;
        for (int i = 0; i < 2; i++) {
            memset(slot[i], 0, sizeof slot[i]);
            sb_source_init(s + i, &c, SB_TASK_DIALOGUE, SB_POOL_TRAIN, "depth=9,closer=3", 1, 3);
            if (i) s[i].noisy = 1, s[i].noise = sb_noise_parse(noise[k % 3]);
            if (k >= 3) {
                s[i].scene = (SbScene *)sb_calloc(1, sizeof(SbScene)), s[i].scenes = 1;
                test_room_scene(s[i].scene, 11);
                sb_source_ready(s + i);
            }
            sb_source_samples(s + i, slot[i], 8, 40);
        }
        for (int i = 0; i < 8; i++) {
            const SbDialogue *a = &slot[0][i].dialogue, *b = &slot[1][i].dialogue;
            moved += memcmp(slot[0][i].picture[0], slot[1][i].picture[0], bytes) != 0;
            moved += a->turns != b->turns;
            for (int t = 0; t < a->turns && t < b->turns; t++, turns++) {
                moved += strcmp(sb_dialogue_question(a, t), sb_dialogue_question(b, t)) != 0;
                changed += strcmp(sb_dialogue_answer(a, t), sb_dialogue_answer(b, t)) != 0;
            }
        }
        CHECK(moved == 0 && turns > 80, "%s: %ld pictures or questions differ, %ld turns", noise[k % 3],
              moved, turns);
        CHECK(k % 3 ? changed > turns / (k % 3 == 1 ? 2 : 8) : changed == 0, "%s: %ld of %ld answers changed",
              noise[k % 3], changed, turns);
    }
}

// ---- windows of pairs

static void test_pair_window(void) {
    static SbView view[4];
    SbScene scene;
    double overlap[16];
    long count[4] = {0};
    memset(&scene, 0, sizeof scene);
    memset(view, 0, sizeof view);
    scene.views = 4, scene.view = view;
    view[1].pose[3] = 1, view[2].pose[7] = 2, view[3].pose[11] = 3;     // 1, 2 and 3 m from view 0
    for (int i = 0; i < 16; i++)
        overlap[i] = i % 5 == 0 ? 1 : .1 * (i / 4 + i % 4); // pair (a, b): (a + b) / 10
    const SbWindow w = {{{.05, .45}, {1.5, 3.01}, {.2, .6}, {0, 1}}};
    // (0,1) .1, 1 m out; (0,2) .2, 2 m; (0,3) .3, 3 m; (1,2) .3, 2.24 m; (1,3) .4, 3.16 m out; (2,3) .5 out
    double *const no_cosine[2] = {NULL, NULL};
    long left = sb_window(&scene, &w, overlap, no_cosine);
    CHECK(left == 3 && overlap[1] == -1 && overlap[4] == -1 && overlap[2] == .2 && overlap[12] > .29 &&
              overlap[9] > .29 && overlap[7] == -1 && overlap[11] == -1, "%ld pairs left", left);
    for (uint64_t i = 0; i < 400; i++) {
        int two[4] = {0}, alone[4] = {3};
        SbRandom r = sb_random(4, i);
        int n = sb_draw_views(overlap, 4, 2, &r, two), m = sb_draw_views(overlap, 4, 2, &r, alone);
        CHECK(n == 2 && m == 2 && alone[1] == 0, "%d and %d views; view 3 with %d", n, m, alone[1]);
        count[two[1]]++;
    }
    // two bins have a pair: of five drawn ones four lead to the first, one to the second
    CHECK(labs(count[2] - 320) < 40 && count[2] + count[3] == 400 && count[1] == 0,
          "view 0 with 1: %ld, 2: %ld, 3: %ld", count[1], count[2], count[3]);
    double patches[16], pictures[16];
    double *const cosine[2] = {patches, pictures}, *const second[2] = {NULL, pictures};
    for (int i = 0; i < 16; i++) patches[i] = i == 12 ? .61 : .6, pictures[i] = i == 8 ? -.01 : 0;
    // of the three that are left (0,2) goes by its pictures, (0,3) by its patches
    left = sb_window(&scene, &w, overlap, second);
    CHECK(left == 2 && overlap[2] == -1 && overlap[8] == -1 && overlap[12] > .29, "%ld by pictures", left);
    left = sb_window(&scene, &w, overlap, cosine);
    CHECK(left == 1 && overlap[3] == -1 && overlap[9] > .29, "%ld by both", left);
    const SbWindow none = {{{.9, 1}, {0, 9}, {-1, 1}, {-1, 1}}};
    int lonely[4] = {1};
    SbRandom r = sb_random(4, 0);
    CHECK(sb_window(&scene, &none, overlap, no_cosine) == 0 && sb_draw_views(overlap, 4, 3, &r, lonely) == 1,
          "some are left");
}

// Features by hand of views a, b, c, in another order in the file. tensors: how many of patches, cls, pooled.
static const float likeness_patches[12] = {-1, 0, 1, 1, /* c */ 3, 4, 0, 1, /* b */ 1, 0, 0, 2 /* a */};
static const float likeness_cls[6] = {-2, 0, 1, 0, 1, 1}, likeness_pooled[6] = {0, 3, 0, 1, 1, 0};
static void likeness_write(const char *names, const char *type, int tensors, const float *patches) {
    SbFileTensor t[3] = {{"patches", type, 3, {3, 2, 2}, patches},
                         {"cls", "F32", 2, {3, 2}, likeness_cls},
                         {"pooled", "F32", 2, {3, 2}, likeness_pooled}};
    SbPair pair = {"names", names};
    sb_checkpoint_write(test_path("likeness.safetensors"), t, tensors, &pair, names ? 1 : 0);
}
static void test_pair_likeness(void) {
    static SbView view[3];
    SbScene scene;
    const char *path = test_path("likeness.safetensors"), *names = "x/c.png\nb.jpg\n/y/x.z/a.png\n";
    memset(&scene, 0, sizeof scene);
    memset(view, 0, sizeof view);
    scene.views = 3, scene.view = view;
    for (int v = 0; v < 3; v++) view[v].name[0] = (char)('a' + v);
    const double root = sqrt(.5);       // ab, ac, bc
    const double expected[3][3] = {
        {(.6 + 1) / 2, (root - 1) / 2, (root - .6) / 2}, {root, -root, -1}, {0, 0, 1}};
    for (int k = 0; k < 3; k++) {
        likeness_write(names, "F32", k == 2 ? 3 : 2, likeness_patches);
        double *c = sb_likeness(&scene, path, k == 0);
        const double is[3] = {c[1], c[2], c[5]};
        for (int i = 0; i < 3; i++)     // sums of a few products of small numbers, in double
            CHECK(fabs(is[i] - expected[k][i]) < 1e-14, "%d, pair %d: %.17g, expected %.17g", k, i, is[i],
                  expected[k][i]);
        CHECK(c[3] == c[1] && c[6] == c[2] && c[7] == c[5] && fabs(c[8] - 1) < 1e-14, "not symmetric");
        free(c);
    }
    float bad[12];
    memcpy(bad, likeness_patches, sizeof bad);
    EXPECT_DIE(sb_likeness(&scene, test_path("none.safetensors"), 1), "none.safetensors");
    likeness_write(NULL, "F32", 1, bad);
    EXPECT_DIE(sb_likeness(&scene, path, 1), "no \"names\" in it");
    EXPECT_DIE(sb_likeness(&scene, path, 0), "no tensor pooled or cls");
    likeness_write("a.png\nb.png\n", "F32", 1, bad);
    EXPECT_DIE(sb_likeness(&scene, path, 1), "features of 3 pictures, 2 names");
    likeness_write("a.png\nb.png\nd.png\n", "F32", 1, bad);
    EXPECT_DIE(sb_likeness(&scene, path, 1), "no features of view c");
    likeness_write(names, "I32", 1, bad);
    EXPECT_DIE(sb_likeness(&scene, path, 1), "expected F32 [pictures,patches,width], found I32 [3,2,2]");
    for (int k = 0; k < 2; k++) {
        bad[4] = k ? NAN : 0, bad[5] = 0;
        likeness_write(names, "F32", 1, bad);
        EXPECT_DIE(sb_likeness(&scene, path, 1), "zero or not finite");
    }
}
static void test_options_all(void) {
    RUN(test_converse_unchanged);
    RUN(test_converse_units);
    RUN(test_converse_layout);
    RUN(test_converse_wordings);
    RUN(test_spatial_signs);
    RUN(test_spatial_borders);
    RUN(test_spatial_facing);
    RUN(test_spatial_rolled);
    RUN(test_spatial_fit);
    RUN(test_spatial_views);
    RUN(test_spatial_actions);
    RUN(test_noise_none);
    RUN(test_noise_counts);
    RUN(test_noise_kinds);
    RUN(test_noise_masks);
    RUN(test_balance);
    RUN(test_stream_balance);
    RUN(test_stream_noise);
    RUN(test_census);
    RUN(test_pair_window);
    RUN(test_pair_likeness);
}
#endif
