// test_spatialboost.c: every proof of this project in one program. `make test`.
//
// C++17, because the model is in here twice: in float (through train.c) and, in namespace f64, in double,
// where gradients are checked and from where float is judged; a GPU backend will stand where float stands.
// The tests themselves, by subject: dev/test_ops.h (every operation: finite differences, float against
// double), dev/test_model.h (PyTorch's numbers, whole steps, KV cache, threads), dev/test_files.h (readers
// and what they refuse), dev/test_simulate.h, dev/test_converse.h (geometry and answers), dev/test_runs.h
// (programs, kills, full disks). Arguments choose tests by parts of their names:  ./build/test kv_cache op_
#define SB_NO_MAIN
#include "train.c"

#include "dev/op_cases.h"
namespace f64 {
#undef SB_REAL
#define SB_REAL double
#include "spatialboost.h"
#include "dev/op_cases.h"
}
#include "dev/test.h"

#include "dev/test_ops.h"
#include "dev/test_model.h"
#include "dev/test_files.h"
#include "dev/test_simulate.h"
#include "dev/test_converse.h"
#include "dev/test_runs.h"
