// test_spatialboost.c: every proof of this project in one program. `make test`.
//
// C++17, because the model is in here twice: in float (through train.c) and, in namespace f64, in double,
// where gradients are checked and from where float is judged; train.cu stands where float stands if SB_MODEL
// names it.
// The tests themselves, by subject: dev/test_ops.h (every operation: finite differences, float against
// double), dev/test_model.h (PyTorch's numbers, whole steps, KV cache, threads), dev/test_variants.h (what
// families of pretrained models vary), dev/test_field.h (the same of Spa3R; cameras), dev/test_files.h
// (readers and what they refuse), dev/test_pixels.h (pictures as pretrained encoders want them),
// dev/test_families.h (folders of the hub, transformers' numbers), dev/test_text.h (tokenizers, chat
// layouts), dev/test_import.h (recordings of others, objects from masks), dev/test_simulate.h and
// dev/test_converse.h, dev/test_spatial.h, dev/test_pair.h (geometry and answers), dev/test_options.h (noise,
// balance, windows; frames by hand), dev/test_vsi.h (VSI-Bench), dev/test_measures.h (the field's measures),
// dev/test_fuzz.h (what a fuzzer found, sizes that lie), dev/test_runs.h (programs, kills, full disks),
// dev/test_lora.h, dev/test_hub.h (models of the hub from folders to folders).
// Arguments choose tests by parts of their names:  ./build/test kv_cache op_
#define SB_NO_MAIN
#include "train.c"

#include "dev/op_cases.h"
#undef SB_OWN_BACKEND
namespace f64 {
#undef SB_REAL
#define SB_REAL double
#include "spatialboost.h"
#include "data/batch.h"
#include "data/lora.h"
#include "dev/op_cases.h"
#pragma push_macro("SB_CPU")            // of float, on a GPU
#undef SB_CPU
#include "data/dpt.h"
#pragma pop_macro("SB_CPU")
}
#include "dev/test.h"

#include "dev/test_ops.h"
#include "dev/test_model.h"
#include "dev/test_variants.h"
#include "dev/test_field.h"
#include "dev/test_files.h"
#include "dev/test_pixels.h"
#include "dev/test_families.h"
#include "dev/test_text.h"
#include "dev/test_simulate.h"
#include "dev/test_import.h"
#include "dev/test_options.h"
#include "dev/test_vsi.h"
#ifdef SB_HAS_FITS      // what reads numbers for data/fit.h, which is for float
#include "dev/test_fuzz.h"
#include "dev/test_measures.h"
#endif
#include "dev/test_runs.h"
#include "dev/test_lora.h"
#include "dev/test_hub.h"

int main(int argc, char **argv) {
    test_begin(argc, argv);
#ifdef _OPENMP
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);  // tiny operations: threads would only wait for each other
#endif
    test_ops_all();
#ifdef _OPENMP
    omp_set_num_threads(threads);
#endif
    test_model_all();
    test_variants_all();
    test_field_all();
    test_files_all();
    test_pixels_all();
    test_families_all();
    test_text_all();
    test_simulate_all();
    test_import_all();
#ifdef SB_HAS_FITS
    test_fuzz_all();
    test_measures_all();
#endif
    test_converse_all();
    test_pair_all();
    test_options_all();
    test_vsi_all();
    test_runs_all();
    test_lora_all();
    test_hub_all();
    return test_end();
}
