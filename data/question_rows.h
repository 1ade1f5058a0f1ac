// question_rows.h: the table of questions, one row each; the frame and the margins are stated in questions.h.
//
// Refuses: to answer: a row's function is in answers.h (pixels, first object and scene questions), spatial.h
// (the other ones about objects and rooms) or pair.h (two pictures). To add a question: a row here, its
// function there, its check_NAME in dev/test_converse.h, dev/test_spatial.h or dev/test_pair.h (no test
// compiles without), its words in words.h if the miniature is to be asked.
#ifndef SB_QUESTION_ROWS_H
#define SB_QUESTION_ROWS_H

// X(name, level, kind of answer, what the view must have, function, "frame: formula", words, more words).
// Rows stand in the order of levels. Wordings are separated by |, at least four a row, each naming the same;
// one that begins with ! asks the opposite. The first list is all that the miniature's vocabulary can say; a
// row that has none there is only asked where a mix names it or says "level+". {P} {Q} {R} {S} {T} are
// points, {A} {B} {C} {D} objects, {N} is A as "a red box", {K} A's category, {L} a length, {I} {J} are
// pictures.
// Frames: camera = planar z; level = X right, Y up, Z ahead, made horizontal; at A = level, moved to A and
// turned; I = level, of picture I.
#define SB_QUESTIONS(X) SB_QUESTIONS_PIXEL(X) SB_QUESTIONS_OBJECT(X) SB_QUESTIONS_SCENE(X) \
    SB_QUESTIONS_CAPTION(X) SB_QUESTIONS_VIEWS(X)

#define SB_QUESTIONS_PIXEL(X)                                                                               \
    X(depth, PIXEL, LENGTH, DEPTH, sb_ask_depth, "camera: z(P)",                                            \
      "What is the depth at {P}?|What is the depth value at coordinate {P}?|How deep is the point {P}?",    \
      "How far along the viewing direction is the point {P}?|Give the depth of {P}.")                       \
    X(closer, PIXEL, CHOICE, DEPTH, sb_ask_closer, "camera: z(P) < z(Q)",                                   \
      "Which point is closer, {P} or {Q}?|Which is nearer to the camera, {P} or {Q}?",                      \
      "!Which point lies deeper, {P} or {Q}?|!Which of {P} and {Q} is farther from the camera?")            \
    X(difference, PIXEL, LENGTH, DEPTH, sb_ask_two_points, "camera: |z(P) - z(Q)|",                         \
      "What is the depth difference between {P} and {Q}?",                                                  \
      "By how much do the depths of {P} and {Q} differ?|How much depth lies between {P} and {Q}?|"          \
      "How much deeper is one of the points {P} and {Q} than the other?")                                   \
    X(position, PIXEL, POSITION, DEPTH, sb_ask_position, "level: P",                                        \
      "What is the 3-D position of {P}?|Where is {P} in 3-D?",                                              \
      "Give X, Y and Z of the point {P}.|Which place in space does {P} show?")                              \
    X(separation, PIXEL, LENGTH, DEPTH, sb_ask_two_points, "level: |P - Q|",                                \
      "What is the 3-D distance between {P} and {Q}?|How far apart in 3-D are {P} and {Q}?",                \
      "How long is a straight line from {P} to {Q} in space?|"                                              \
      "Give the distance in space from {P} to {Q}.")                                                        \
    X(what, PIXEL, NAME, MASK, sb_ask_what, "picture: whose pixel is P",                                    \
      "What is at {P}?|Which object is at {P}?|What object do you see at {P}?",                             \
      "Name the thing at {P}.|To what does the point {P} belong?")                                          \
    X(facing, PIXEL, CHOICE, DEPTH, sb_ask_facing, "level: normal(P) nearest to Y, -Y, -Z, X or -X", "",    \
      "Which way does the surface at {P} face?|Where does the surface at {P} point to?|"                    \
      "In which direction is the surface at {P} turned?|"                                                   \
      "Does the surface at {P} face up, down, left, right or towards us?")                                  \
    X(rank, PIXEL, POINTS, DEPTH, sb_ask_rank, "camera: P, Q, R by z", "",                                  \
      "Order the points {P}, {Q} and {R}, nearest first.|Sort {P}, {Q} and {R} by depth, nearest first.|"   \
      "Which of the points {P}, {Q} and {R} is nearest, which next, which farthest?|Put {P}, {Q} and "      \
      "{R} in order of depth, from the nearest to the farthest.")

#define SB_QUESTIONS_OBJECT(X)                                                                              \
    X(left, OBJECT, YESNO, OBJECT, sb_ask_relation, "level: X(A) < X(B)",                                   \
      "Is {A} to the left of {B}?|Is {A} on the left side of {B}?|!Is {A} to the right of {B}?",            \
      "!Is {A} on the right side of {B}?|Does {A} stand further left than {B}?")                            \
    X(front, OBJECT, YESNO, OBJECT, sb_ask_relation, "level: least Z(A) < least Z(B)",                      \
      "Is {A} in front of {B}?|!Is {A} behind {B}?",                                                        \
      "Does {A} begin nearer to us than {B}?|!Does {A} begin farther from us than {B}?")                    \
    X(above, OBJECT, YESNO, OBJECT, sb_ask_relation, "level: Y(A) > Y(B)",                                  \
      "Is the centre of {A} above that of {B}?|!Is the centre of {A} below that of {B}?",                   \
      "Is the middle of {A} higher up than that of {B}?|!Is the middle of {A} lower than that of {B}?")     \
    X(taller, OBJECT, YESNO, OBJECT, sb_ask_relation, "level: height(A) > height(B)",                       \
      "Is {A} taller than {B}?|!Is {A} shorter than {B}?",                                                  \
      "Does {A} reach higher from its foot than {B} does?|!Has {A} less height than {B}?")                  \
    X(bigger, OBJECT, YESNO, OBJECT, sb_ask_relation, "own axes: volume(A) > volume(B)",                    \
      "Is {A} bigger than {B}?|Does {A} have a larger volume than {B}?|!Is {A} smaller than {B}?",          \
      "Does {A} fill more space than {B}?|!Does {A} fill less space than {B}?")                             \
    X(wider, OBJECT, YESNO, OBJECT, sb_ask_relation, "level: width(A) > width(B)", "",                      \
      "Is {A} wider than {B}, seen from here?|!Is {A} thinner than {B}, seen from here?|"                   \
      "Does {A} spread further from left to right than {B}?|"                                               \
      "Is the width of {A}, seen from here, larger than that of {B}?")                                      \
    X(which_left, OBJECT, NAME, OBJECT, sb_ask_relation, "level: smaller X", "",                            \
      "Which is further to the left, {A} or {B}?|!Which is further to the right, {A} or {B}?|"              \
      "Of {A} and {B}, which stands on the left?|!Of {A} and {B}, which stands on the right?")              \
    X(which_front, OBJECT, NAME, OBJECT, sb_ask_relation, "level: smaller least Z", "",                     \
      "Which is in front, {A} or {B}?|!Which is behind the other, {A} or {B}?|"                             \
      "Of {A} and {B}, which begins nearer to us?|"                                                         \
      "!Of {A} and {B}, which begins farther from us?")                                                     \
    X(which_above, OBJECT, NAME, OBJECT, sb_ask_relation, "level: larger Y", "",                            \
      "Whose centre is higher, that of {A} or that of {B}?|"                                                \
      "!Whose centre is lower, that of {A} or that of {B}?|"                                                \
      "Of {A} and {B}, which has the higher centre?|!Of {A} and {B}, which has the lower centre?")          \
    X(which_taller, OBJECT, NAME, OBJECT, sb_ask_relation, "level: larger height", "",                      \
      "Which is taller, {A} or {B}?|!Which is shorter, {A} or {B}?|Of {A} and {B}, which has more height?|" \
      "!Of {A} and {B}, which has less height?")                                                            \
    X(which_bigger, OBJECT, NAME, OBJECT, sb_ask_relation, "own axes: larger volume", "",                   \
      "Which is bigger, {A} or {B}?|!Which is smaller, {A} or {B}?|Of {A} and {B}, which has more volume?|" \
      "!Of {A} and {B}, which has less volume?")                                                            \
    X(which_wider, OBJECT, NAME, OBJECT, sb_ask_relation, "level: larger width", "",                        \
      "Which is wider, seen from here, {A} or {B}?|!Which is thinner, seen from here, {A} or {B}?|"         \
      "Of {A} and {B}, which spreads further from left to right?|Of {A} and {B}, which has the larger "     \
      "width, seen from here?")                                                                             \
    X(width, OBJECT, LENGTH, OBJECT, sb_ask_extent, "level: extent of A along X",                           \
      "How wide is {A}, seen from here?|What is the width of {A}, seen from here?",                         \
      "How far does {A} stretch from left to right?|Give the width of {A} as seen from here.")              \
    X(height, OBJECT, LENGTH, OBJECT, sb_ask_extent, "level: extent of A along Y",                          \
      "How tall is {A}?|What is the height of {A}?", "How high is {A} from its foot to its top?|"           \
      "Give the height of {A}.")                                                                            \
    X(bounds, OBJECT, BOUNDS, OBJECT, sb_ask_bounds, "level: centre and extents of A",                      \
      "What are the 3-D bounds of {A}?|Which 3-D bounds contain {A}?",                                      \
      "What is the bounding cuboid of {A}?|Give centre and extents of {A}.")                                \
    X(clock, OBJECT, TURN, OBJECT, sb_ask_clock, "at A, 12 o'clock along Z: bearing of B / 30 degrees", "", \
      "You stand at {A} and look where the camera looks. At what o'clock is {B}?|"                          \
      "Seen from {A}, with twelve o'clock where the camera looks, at what hour is {B}?|"                    \
      "Stand at {A} and call the camera's direction twelve o'clock. At what hour lies {B}?|If you look "    \
      "from {A} along the camera's direction, at what o'clock do you see {B}?")                             \
    X(on, OBJECT, YESNO, OBJECT, sb_ask_on, "level: foot(A) = top(B), centre(A) over B", "",                \
      "Is {A} on {B}?|Does {A} stand on top of {B}?|Does {B} carry {A}?|"                                   \
      "Does {A} rest upon {B}?")                                                                            \
    X(proximity, OBJECT, YESNO, OBJECT, sb_ask_proximity, "level: |A - B| < |A - C|", "",                   \
      "Is {A} nearer to {B} than to {C}?|!Is {A} farther from {B} than from {C}?|"                          \
      "Is {B} closer to {A} than {C} is?|"                                                                  \
      "Does {A} stand nearer to {B} than to {C}?")                                                          \
    X(touch, OBJECT, YESNO, OBJECT, sb_ask_touch, "level: gap(A, B) = 0", "",                               \
      "Do {A} and {B} touch?|Is {A} in contact with {B}?|!Is there space between {A} and {B}?|"             \
      "Does {A} touch {B}?")                                                                                \
    X(count, OBJECT, NUMBER, MASK, sb_ask_count, "picture: how many of A's category", "",                   \
      "How many objects of the kind {K} are in view?|Count what you see of the kind {K}.|"                  \
      "How many things of the kind {K} do you see?|Give the number of objects of the kind {K} in view.")    \
    X(exists, OBJECT, YESNO, MASK, sb_ask_exists, "picture: A has pixels", "",                              \
      "Is there {N} in view?|Do you see {N}?|!Is {N} missing from the view?|"                               \
      "Does the view show {N}?")                                                                            \
    X(sizes, OBJECT, NAMES, OBJECT, sb_ask_sizes, "own axes: A, B, C by volume", "",                        \
      "Order {A}, {B} and {C}, biggest first.|Sort {A}, {B} and {C} by volume, the largest first.|"         \
      "Which of {A}, {B} and {C} is biggest, which next, which smallest?|Put {A}, {B} and {C} in order "    \
      "of volume, from the largest to the smallest.")                                                       \
    X(away, OBJECT, LENGTH, OBJECT, sb_ask_away, "level: |A|", "",                                          \
      "How far is the centre of {A} from the camera?|What is the distance from the camera to the centre "   \
      "of {A}?|"                                                                                            \
      "How long is a straight line from the camera to the middle of {A}?|Give the distance between the "    \
      "camera and the centre of {A}.")                                                                      \
    X(deep, OBJECT, LENGTH, OBJECT, sb_ask_deep, "camera: z(A)", "",                                        \
      "What is the depth of the centre of {A}?|How far along the viewing direction is the centre of {A}?|"  \
      "At what depth does the centre of {A} lie?|Give the depth of the middle of {A}.")                     \
    X(deeper, OBJECT, LENGTH, OBJECT, sb_ask_deep, "camera: |z(A) - z(B)|", "",                             \
      "By how much do the depths of the centres of {A} and {B} differ?|"                                    \
      "What is the depth difference between the centres of {A} and {B}?|"                                   \
      "How much depth lies between the centres of {A} and {B}?|Give the difference in depth between "       \
      "the middle of {A} and that of {B}.")                                                                 \
    X(bearing, OBJECT, TURN, OBJECT, sb_ask_bearing, "level: atan2(X(A), Z(A))", "",                        \
      "How far must the camera turn to face {A}?|By which angle does {A} lie beside the viewing direction?|"\
      "By how many degrees is {A} to the left or right of the viewing direction?|Seen from above, how "     \
      "wide is the angle from the viewing direction to {A}, and to which side?")                            \
    X(stand, OBJECT, TURN, OBJECT, sb_ask_stand, "at A, facing B: quadrant of C", "",                       \
      "You stand at {A} and face {B}. Where is {C}: in front of you, behind you, to the left or right?|"    \
      "Imagine to stand at {A} with your eyes on {B}. On which side of you is {C}?|"                        \
      "If you stood at {A} and looked at {B}, where would {C} be?|From {A}, facing {B}, is {C} in "         \
      "front of you, behind you, to the left or to the right?")                                             \
    X(turned, OBJECT, YESNO, OBJECT, sb_ask_stand, "at A, facing the camera: is B left", "",                \
      "You stand at {A} and face the camera. Is {B} to your left?|"                                         \
      "!You stand at {A} and face the camera. Is {B} to your right?|"                                       \
      "From {A}, looking at the camera, is {B} on the left?|!From {A}, looking at the camera, is {B} "      \
      "on the right?")

#define SB_QUESTIONS_SCENE(X)                                                                               \
    X(distance, SCENE, LENGTH, OBJECT, sb_ask_distance, "level: |A - B|",                                   \
      "How far is {A} from {B}, centre to centre?|"                                                         \
      "What is the distance between the centres of {A} and {B}?",                                           \
      "How long is a line from the middle of {A} to the middle of {B}?|"                                    \
      "Give the distance from the centre of {A} to that of {B}.")                                           \
    X(gap, SCENE, LENGTH, OBJECT, sb_ask_gap, "level: nearest points of A and B",                           \
      "What is the gap between {A} and {B}?|What is the smallest gap between the surfaces of {A} and {B}?", \
      "How much free space is between {A} and {B} where they are nearest?|"                                 \
      "How far apart are the nearest points of {A} and {B}?")                                               \
    X(vertical, SCENE, LENGTH, OBJECT, sb_ask_distance, "level: |Y(A) - Y(B)|",                             \
      "What is the vertical distance between {A} and {B}, centre to centre?",                               \
      "By how much do the heights of the centres of {A} and {B} differ?|"                                   \
      "What is the difference in height between the centres of {A} and {B}?|How far up or down is it "      \
      "from the centre of {A} to that of {B}?")                                                             \
    X(horizontal, SCENE, LENGTH, OBJECT, sb_ask_distance, "level: |(X, Z)(A) - (X, Z)(B)|",                 \
      "What is the horizontal distance between {A} and {B}, centre to centre?",                             \
      "How far apart are the centres of {A} and {B}, seen from above?|"                                     \
      "How far is {A} from {B} on a plan of the room, centre to centre?|Leaving height aside, how far "     \
      "is the centre of {A} from that of {B}?")                                                             \
    X(nearest, SCENE, NAME, OBJECT, sb_ask_nearest, "level: least |A - .|",                                 \
      "Which is nearest to {A}: {B}, {C} or {D}?",                                                          \
      "!Which is farthest from {A}: {B}, {C} or {D}?|Of {B}, {C} and {D}, which stands closest to {A}?|"    \
      "From {A}, centre to centre, which is nearest: {B}, {C} or {D}?")                                     \
    X(order, SCENE, NAMES, OBJECT, sb_ask_order, "level: A, B, C by |.|",                                   \
      "Order {A}, {B} and {C}, nearest first.",                                                             \
      "Sort {A}, {B} and {C} by their distance from the camera, nearest first.|"                            \
      "Which of {A}, {B} and {C} is nearest to the camera, which next, which farthest?|Put {A}, {B} "       \
      "and {C} in order, from the nearest to the camera to the farthest.")                                  \
    X(clearance, SCENE, LENGTH, OBJECT, sb_ask_clearance, "level: gap of A and B along Y", "",              \
      "What is the vertical gap between {A} and {B}?|How much height is free between {A} and {B}?|"         \
      "How much free height separates {A} from {B}?|How far is it straight up from the top of the "         \
      "lower of {A} and {B} to the foot of the upper?")                                                     \
    X(room, SCENE, AREA, ROOM, sb_ask_room, "world: area of the floor", "",                                 \
      "How large is this room, seen from above?|What is the area of this room?|"                            \
      "What area does this room cover?|Give the area of this room, seen from above.")                       \
    X(route, SCENE, TURN, OBJECT, sb_ask_route, "at each stop, facing on: quadrant of the next", "",        \
      "You walk from {A} straight to {B}, then to {C}, then to {D}. How do you turn at the two stops?|"     \
      "A robot drives in straight lines from {A} to {B}, {C} and {D}. How does it turn at each stop?|"      \
      "Which two turns does a path of straight lines from {A} over {B} and {C} to {D} make?|You start "     \
      "at {A} and walk straight to {B}, then {C}, then {D}. What are your two turns?")                      \
    X(fit, SCENE, YESNO, OBJECT, sb_ask_fit, "level: gap of the floor plans of A and B > L", "",            \
      "Is the gap between {A} and {B} wide enough for a robot {L} wide?|"                                   \
      "Could something {L} wide pass between {A} and {B}?|"                                                 \
      "!Would something {L} wide get stuck between {A} and {B}?|"                                           \
      "Is there room for a cart {L} wide between {A} and {B}?")

#define SB_QUESTIONS_CAPTION(X)                                                                             \
    X(describe, CAPTION, TEXT, MASK, sb_ask_describe, "picture: objects from left to right",                \
      "Describe the view.|Describe what you see.", "What is in view, from left to right?|"                  \
      "List the objects in view, from left to right.")                                                      \
    X(layout, CAPTION, TEXT, OBJECT, sb_ask_layout, "level: left and front of neighbours",                  \
      "Describe the layout.|Describe the layout of the view.", "How are the objects arranged?|"             \
      "How many objects are there, and how do neighbours stand to each other?")

#define SB_QUESTIONS_VIEWS(X)                                                                               \
    X(match, VIEWS, POINT, VIEWS_DEPTH, sb_ask_match, "picture J: where P of I lands",                      \
      "Where in {J} is the point {P} of {I}?|Where in {J} do you see the point {P} of {I}?",                \
      "Which point of {J} shows the same spot as {P} in {I}?|"                                              \
      "Where in {J} does the point {P} of {I} appear?")                                                     \
    X(moved, VIEWS, LENGTH, VIEWS, sb_ask_moved, "world: |camera I - camera J|",                            \
      "How far did the camera move from {I} to {J}?|How far is it from the camera of {I} to that of {J}?",  \
      "How long is a line between the cameras of {I} and {J}?|"                                             \
      "Give the distance between the places from which {I} and {J} were taken.")                            \
    X(aside, VIEWS, YESNO, VIEWS, sb_ask_move, "I: X of camera J < 0",                                      \
      "From {I} to {J}, did the camera move to the left?|"                                                  \
      "!From {I} to {J}, did the camera move to the right?",                                                \
      "Against {I}, was {J} taken from further to the left?|"                                               \
      "!Against {I}, was {J} taken from further to the right?")                                             \
    X(ahead, VIEWS, YESNO, VIEWS, sb_ask_move, "I: Z of camera J > 0",                                      \
      "From {I} to {J}, did the camera move forward?|!From {I} to {J}, did the camera move backward?",      \
      "Against {I}, was {J} taken from further ahead?|"                                                     \
      "!Against {I}, was {J} taken from further back?")                                                     \
    X(higher, VIEWS, YESNO, VIEWS, sb_ask_move, "I: Y of camera J > 0",                                     \
      "From {I} to {J}, did the camera move up?|!From {I} to {J}, did the camera move down?",               \
      "Against {I}, was {J} taken from higher up?|"                                                         \
      "!Against {I}, was {J} taken from lower down?")                                                       \
    X(look, VIEWS, YESNO, VIEWS, sb_ask_move, "I: level direction of J left of Z",                          \
      "Does {J} look further to the left than {I}?|!Does {J} look further to the right than {I}?",          \
      "Is the direction of {J} turned to the left against that of {I}?|"                                    \
      "!Is the direction of {J} turned to the right against that of {I}?")                                  \
    X(angle, VIEWS, NUMBER, VIEWS, sb_ask_angle, "world: angle between the directions of view",             \
      "How wide is the angle between the directions of view of {I} and {J}?",                               \
      "By how many degrees do the directions of {I} and {J} differ?|"                                       \
      "How many degrees lie between the viewing directions of {I} and {J}?|Give the angle between the "     \
      "directions in which {I} and {J} look.")                                                              \
    X(same, VIEWS, YESNO, VIEWS_MASK, sb_ask_same, "pictures: one object owns P and Q",                     \
      "Is the object at {P} of {I} the same as the one at {Q} of {J}?",                                     \
      "Do {P} in {I} and {Q} in {J} belong to one object?|"                                                 \
      "Is one object seen at {P} in {I} and at {Q} in {J}?|Does the object at {P} of {I} appear again "     \
      "at {Q} of {J}?")                                                                                     \
    X(across, VIEWS, LENGTH, VIEWS_DEPTH, sb_ask_across, "world: |P - Q|",                                  \
      "How far is the point {P} of {I} from the point {Q} of {J}?",                                         \
      "What is the distance in space between {P} in {I} and {Q} in {J}?|"                                   \
      "How long is a straight line from what {P} of {I} shows to what {Q} of {J} shows?|Give the "          \
      "distance in space from the point {P} of {I} to the point {Q} of {J}.")                               \
    X(between, VIEWS, LENGTH, VIEWS_OBJECT, sb_ask_between, "world: |A - B|",                               \
      "How far is {A} of {I} from {B} of {J}, centre to centre?",                                           \
      "What is the distance between the centres of {A} in {I} and {B} in {J}?|"                             \
      "How long is a line from the centre of {A} in {I} to that of {B} in {J}?|Give the distance, "         \
      "centre to centre, between {A} of {I} and {B} of {J}.")                                               \
    X(overlap, VIEWS, NUMBER, VIEWS_DEPTH, sb_ask_overlap, "pictures: share of I that J shows",             \
      "Which share of {I} is also seen in {J}?|How much of {I} is also seen in {J}?",                       \
      "How many percent of what {I} shows does {J} show as well?|"                                          \
      "Give the share of {I} that {J} shows too.")                                                          \
    X(choose, VIEWS, CHOICE, VIEWS_DEPTH, sb_ask_choose, "picture J: which is where P of I lands", "",      \
      "Which point of {J} shows what {P} of {I} shows: {Q}, {R}, {S} or {T}?|"                              \
      "Where in {J} is {P} of {I} seen again: at {Q}, {R}, {S} or {T}?|"                                    \
      "In {J}, which shows the same spot as {P} in {I}: {Q}, {R}, {S} or {T}?|One point of {J} shows "      \
      "what {P} of {I} shows. Is it {Q}, {R}, {S} or {T}?")                                                 \
    X(shift, VIEWS, POSITION, VIEWS, sb_ask_shift, "I: camera J along X, Z, Y", "",                         \
      "How did the camera move from {I} to {J}?|Which shift takes the camera of {I} to that of {J}?|"       \
      "From {I} to {J}, how far did the camera move aside, ahead and up or down?|As the camera of {I} "     \
      "sees it, where does the camera of {J} stand?")                                                       \
    X(turn, VIEWS, TURN, VIEWS, sb_ask_turn, "I: yaw and pitch of J's direction", "",                       \
      "How did the camera turn from {I} to {J}?|Which turn takes the direction of {I} to that of {J}?|"     \
      "From {I} to {J}, by how many degrees did the camera turn to the side, and up or down?|By which "     \
      "angles, aside and up or down, does the direction of view change from {I} to {J}?")                   \
    X(tilt, VIEWS, YESNO, VIEWS, sb_ask_move, "I: pitch of J > pitch of I", "",                             \
      "Does {J} look further up than {I}?|!Does {J} look further down than {I}?|"                           \
      "Is the direction of {J} tilted up against that of {I}?|!Is the direction of {J} tilted down "        \
      "against that of {I}?")                                                                               \
    X(action, VIEWS, CHOICE, VIEWS, sb_ask_action, "I: the largest of X, Y, Z, yaw, pitch of J's camera", "",\
      "What did the camera mainly do from {I} to {J}: move left, right, up, down, forward or backward, or " \
      "turn left, right, up or down?|What did the camera mainly do from {I} to {J}, and which way?|"        \
      "Did the camera mainly move or turn from {I} to {J}, and in which direction?|"                        \
      "Name the camera's main motion from {I} to {J}, a move or a turn, and its direction.")                \
    X(find, VIEWS, POINT, VIEWS_OBJECT, sb_ask_find, "picture J: mean pixel of A", "",                      \
      "Where in {J} is {A} of {I}?|At which point of {J} is the middle of what is seen of {A} of {I}?|"     \
      "At which point of {J} is the visible part of {A} of {I} centred?|Give the point of {J} that is "     \
      "the middle of what it shows of {A} of {I}.")                                                         \
    X(grows, VIEWS, YESNO, VIEWS_OBJECT, sb_ask_grows, "pictures: pixels of A in J > in I", "",             \
      "Does {A} take up more of {J} than of {I}?|!Does {A} take up less of {J} than of {I}?|"               \
      "Does {A} look larger in {J} than in {I}?|!Does {A} fill less of {J} than of {I}?")                   \
    X(motion, VIEWS, POSITION, VIEWS_OBJECT, sb_ask_motion, "J: A, less I: A", "",                          \
      "Seen from the camera, how did {A} move from {I} to {J}?|"                                            \
      "By how much does the place of {A} before the camera change from {I} to {J}?|"                        \
      "Before the camera, how does {A} shift from {I} to {J}?|Give the move of {A} in the camera's "        \
      "frame from {I} to {J}.")                                                                             \
    X(unseen, VIEWS, LENGTH, VIEWS_OBJECT, sb_ask_unseen, "I: |A|, where only J shows A", "",               \
      "How far is {A} of {J} from the camera of {I}?|"                                                      \
      "What is the distance of {A}, which {J} shows, from the camera of {I}?|"                              \
      "How long is a line from the centre of {A} in {J} to the camera of {I}?|Give the distance "           \
      "between the centre of {A} of {J} and the camera of {I}.")                                            \
    X(nearer, VIEWS, NAME, VIEWS_OBJECT, sb_ask_nearer, "I: smaller |.|, where only J shows B", "",         \
      "Which is nearer to the camera of {I}: {A} shown there or {B} of {J}?|"                               \
      "!Which is farther from the camera of {I}: {A} shown there or {B} of {J}?|"                           \
      "From the camera of {I}, which is nearer: {A} shown there or {B} of {J}?|!From the camera of "        \
      "{I}, which is farther: {A} shown there or {B} of {J}?")                                              \
    X(appears, VIEWS, NAME, VIEWS_OBJECT, sb_ask_appears, "pictures: first that shows it", "",              \
      "Which comes into view first as the pictures go on, {A} or {B}?|"                                     \
      "Going through the pictures in their order, which is seen first, {A} or {B}?|"                        \
      "Which do the pictures show first, {A} or {B}?|In the order of the pictures, which comes into "       \
      "view earlier, {A} or {B}?")
#endif
