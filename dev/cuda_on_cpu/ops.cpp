// ops.cpp: the tests of train.cu's operations alone (dev/test_ops.h), for checks that need a build of their
// own: planted faults, races, sanitizers. -DSB_MODEL names the translated train.cu.
#include "data/file.h"
#define SB_FAIL(...) sb_die(__VA_ARGS__)
#include SB_MODEL
#include "dev/op_cases.h"
#undef SB_OWN_BACKEND
namespace f64 {
#undef SB_REAL
#define SB_REAL double
#include "spatialboost.h"
#include "dev/op_cases.h"
}
#include "dev/test.h"
#include "dev/test_ops.h"

int main(int argc, char **argv) {
    test_begin(argc, argv);
    RUN(test_op_memory); // the race checker multiplies time by ten: this one alone is enough for it
    if (!test_failed && argc < 2) RUN(test_op_float);
    return test_end();
}
