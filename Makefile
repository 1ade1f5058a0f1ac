# spatialboost.c. `make` builds and says what can be done. No Python, no GPU, no network.
CC      ?= cc
CXX     ?= c++
PYTHON  ?= python3
SB_DATA ?= ../shared/data
OUT     ?= out

# -march=native matters (5x). No -ffast-math anywhere: it deletes NaN checks.
NATIVE  := $(shell for f in -march=native -mcpu=native; do $(CC) $$f -x c -c /dev/null -o /dev/null 2>/dev/null && { echo $$f; break; }; done)
OPT     := -O3 $(NATIVE) -ffp-contract=fast -fno-math-errno
WARN    := -Wall -Wextra $(shell $(CC) --version 2>/dev/null | grep -q clang && echo -Wno-pass-failed)
FILES   := -lcjson -lpcre2-8 -lutf8proc
LIBS    := $(FILES) -lm

# OpenMP where the compiler has it (macOS: brew install libomp); without it the pragmas still vectorise, so the bits
# are the same and only the time is not.
OMP_TRY := $(shell echo 'int main(void){return 0;}' | $(CC) -fopenmp -x c - -o /dev/null 2>/dev/null && echo yes)
ifeq ($(OPENMP),0)
OMP     := -fopenmp-simd
else ifeq ($(OMP_TRY),yes)
OMP     := -fopenmp
else ifneq ($(wildcard /opt/homebrew/opt/libomp/include/omp.h),)
OMP     := -Xpreprocessor -fopenmp -I/opt/homebrew/opt/libomp/include
LIBS    += -L/opt/homebrew/opt/libomp/lib -lomp
else
OMP     := -fopenmp-simd
endif
ifneq ($(wildcard /opt/homebrew/include),)
OPT     += -I/opt/homebrew/include
LIBS    += -L/opt/homebrew/lib
endif
# waiting threads sleep soon: a machine that does something else as well is not brought to its knees
export GOMP_SPINCOUNT ?= 10000
ALL     := $(OPT) $(OMP) $(WARN) $(CFLAGS)

HEADERS := spatialboost.h $(wildcard data/*.h)
TESTS   := test_spatialboost.c train.c $(HEADERS) $(wildcard dev/*.h dev/goldens*.safetensors dev/goldens_models/*/*)
TOOLS   := data/simulate data/converse data/import

.PHONY: all help run quick real field field_tuned reproduce test test_asan mutate bench clean deps build_gpu train_gpu eval_gpu check_gpu bench_gpu check_cuda check_faults check_questions ladders
all: train eval $(TOOLS)
	@$(MAKE) -s help

help:
	@echo 'make run         SpatialBoost from nothing, with its control, onto out/report.html (./train plan says how long)'
	@echo 'make quick       the same path at toy size (under a minute; its figures mean nothing)'
	@echo 'make field       Spa3R and Spa3-VLM: views that nobody saw (after the first stages of run)'
	@echo 'make field_tuned  after it: the language model trained along, with and without latents'
	@echo 'make real        after run: the same job on real RGB-D photos (needs SB_DATA, now $(SB_DATA))'
	@echo 'make reproduce   the papers'\'' claims in miniature: three seeds, controls, ablations (says first how long)'
	@echo 'make test        all tests           make test_asan   the same under ASan and UBSan'
	@echo 'make fuzz        every reader of files against damaged ones, for a minute (clang)'
	@echo 'make goldens     what PyTorch and others compute, made again; our exports opened (pip downloads 6 GB once)'
	@echo 'make check_questions  10^5 questions of all types answered again by brute force (make test: 10^4)'
	@echo 'make mutate      break the kernels on purpose; every break must be noticed'
	@echo 'make train_gpu   the same on a GPU (needs nvcc)      make build_gpu   only compile it'
	@echo 'make check_cuda  every CUDA kernel on the CPU, against the C and against PyTorch'\''s numbers; needs no GPU'
	@echo 'make check_faults  plant faults in those kernels: each must be found      make check_gpu   all checks on a GPU'
	@echo 'make bench       speed: out/bench.csv (BENCH=features names a group; peers: BENCH_PYTHON=python with torch, gguf'
	@echo '                 and tokenizers, BENCH_LLAMA=llama-bench)'
	@echo 'make bench_gpu   speed on a GPU: out/bench_gpu.csv (BENCH=--help lists groups and flags; BENCH_PYTHON as above)'
	@echo './train --help   ./eval --help   ./data/simulate --help   ./data/converse --help   ./data/import --help'

# Missing headers: say what to install, once.
deps:
	@printf '#include <cjson/cJSON.h>\n#define PCRE2_CODE_UNIT_WIDTH 8\n#include <pcre2.h>\n#include <utf8proc.h>\n#if __has_include(<stb/stb_image.h>)\n#include <stb/stb_image.h>\n#else\n#include "stb_image.h"\n#endif\n' \
	  | $(CC) $(OPT) -x c -fsyntax-only - 2>/dev/null || { \
	  echo 'cJSON, stb_image, PCRE2 or utf8proc is missing. Install them with one of'; \
	  echo '    sudo apt-get install -y gcc g++ make libstb-dev libcjson-dev libpcre2-dev libutf8proc-dev     (Debian, Ubuntu)'; \
	  echo '    brew install libomp cjson stb pcre2 utf8proc                                                  (macOS)'; exit 1; }

train eval: %: %.c $(HEADERS) | deps
	$(CC) -std=c11 $(ALL) $< -o $@ $(LIBS)
eval: train.c
$(TOOLS): %: %.c $(wildcard data/*.h) | deps
	$(CC) -std=c11 $(ALL) $< -o $@ $(LIBS)

# ---- the job. Every stage is a file, so running it again goes on where it stopped.
S  := .safetensors
TRAIN := ./train
run: all
	@$(TRAIN) plan
	@$(MAKE) -s $(OUT)/report.done
	@echo 'look at $(OUT)/report.html'
$(OUT)/encoder$(S):  ; $(TRAIN) encoder --out $(OUT) $(TOY) && $(REPORT)
$(OUT)/llm$(S):      $(OUT)/encoder$(S)  ; $(TRAIN) llm --out $(OUT) && $(REPORT)
$(OUT)/align$(S):    $(OUT)/llm$(S)      ; $(TRAIN) align --out $(OUT) && $(REPORT)
$(OUT)/instruct$(S): $(OUT)/align$(S)    ; $(TRAIN) instruct --out $(OUT) && $(REPORT)
$(OUT)/boost$(S):    $(OUT)/instruct$(S) ; $(TRAIN) boost --out $(OUT) && $(REPORT)
$(OUT)/control$(S):  $(OUT)/boost$(S)    ; $(TRAIN) boost --mix rec --to control --out $(OUT) && $(REPORT)
$(OUT)/probe.csv:    $(OUT)/control$(S)  ; ./eval probe --out $(OUT) $(IMAGES)
$(OUT)/questions.csv: $(OUT)/probe.csv   ; ./eval questions --out $(OUT) $(IMAGES)
$(OUT)/report.done:  $(OUT)/questions.csv ; $(REPORT) && touch $@
REPORT = ./eval report --out $(OUT) $(NOTE)

quick: all
	@rm -rf $(OUT)/quick
	@$(MAKE) -s OUT=$(OUT)/quick TOY='--preset toy' IMAGES='--images 600' \
	  NOTE='--note "toy run: its figures mean nothing"' $(OUT)/quick/report.done
	@echo 'look at $(OUT)/quick/report.html'

# Real photos: import (proven by reprojection), a short boost with a share of pairs of them, before and after on the page.
REAL := $(OUT)/real
real: all $(OUT)/boost$(S)
	@test -d $(SB_DATA)/hololens_office || { echo 'no real scenes at $(SB_DATA); set SB_DATA'; exit 1; }
	@test -d $(REAL)/hololens || ./data/import $(SB_DATA)/hololens_office $(REAL)/hololens --depth-scale 1000 \
	  --credit 'github.com/ardaduz/deep-video-mvs, sample data of a HoloLens; (c) 2020 Arda Duzceker, MIT licence; 12 frames of 373'
	@test -d $(REAL)/tum || ./data/import $(SB_DATA)/tum_fr1_rpy $(REAL)/tum \
	  --credit 'TUM RGB-D, freiburg1_rpy (J. Sturm, N. Engelhard, F. Endres, W. Burgard, D. Cremers: A Benchmark for the Evaluation of RGB-D SLAM Systems, IROS 2012), CC BY 4.0 (creativecommons.org/licenses/by/4.0); 5 frames of it'
	@test -d $(REAL)/shelf || ./data/import $(SB_DATA)/apc_shelf $(REAL)/shelf --names dev/shelf.json \
	  --credit 'github.com/andyzeng/apc-vision-toolbox, sample scene 0; (c) 2016 The Trustees of Princeton University, BSD 2-clause; 6 frames of 15'
	@./train boost --from $(OUT)/boost$(S) --to real --scenes $(REAL) --share .25 --mix real --views 2 --lr 5e-4 --steps 250 --out $(OUT)
	@./eval real --scenes $(REAL) --out $(OUT)
	@test ! -f $(OUT)/spa3r$(S) || ./eval field --scenes $(REAL) --out $(OUT)
	@test ! -f $(OUT)/spa3r$(S) || ./eval field --scenes $(REAL)/tum --out $(OUT) --png $(OUT)/field_real.png \
	  --camera $(REAL)/tum/pose/$$(ls $(REAL)/tum/pose | sed -n 4p)
	@$(REPORT)

JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
reproduce: train eval
	@mkdir -p $(OUT)/reproduce/tune
	@$(MAKE) -f dev/reproduce.mk -j$(JOBS) R=$(OUT)/reproduce

include dev/field.mk                    # field: the second paper
include dev/cuda.mk                     # build_gpu, train_gpu, check_cuda
include dev/fuzz.mk                     # fuzz, fuzz_long
include dev/goldens.mk                  # goldens

# ---- proofs
build/test: $(TESTS) data/import.c | deps
	@mkdir -p build
	$(CXX) -std=c++17 -x c++ $(ALL) -I. $< -o $@ $(LIBS)
# the same trainer on memory that only operations may touch, and without threads: same bits
build/guard/train: train.c dev/guard.h $(HEADERS) | deps
	@mkdir -p build/guard
	$(CC) -std=c11 $(ALL) -include dev/guard.h $< -o $@ $(LIBS)
build/serial/train: train.c $(HEADERS) | deps
	@mkdir -p build/serial
	$(CC) -std=c11 $(OPT) -fopenmp-simd $(WARN) $(CFLAGS) $< -o $@ $(LIBS)
test: all build/test build/guard/train build/serial/train
	@SB_DATA=$(SB_DATA) ./build/test
build/asan/test: $(TESTS) eval.c $(TOOLS:=.c) | deps
	@mkdir -p build/asan/data
	for p in train eval $(TOOLS); do $(CC) -std=c11 -g -O1 $(NATIVE) $(OMP) $(WARN) -fsanitize=address,undefined $$p.c -o build/asan/$$p $(LIBS) || exit 1; done
	$(CXX) -std=c++17 -x c++ -g -O1 $(NATIVE) $(OMP) $(WARN) -fsanitize=address,undefined -I. $< -o $@ $(LIBS)
test_asan: build/asan/test
	@SB_DATA=$(SB_DATA) SB_BIN=build/asan ASAN_OPTIONS=detect_leaks=0:exitcode=99 UBSAN_OPTIONS=halt_on_error=1:exitcode=99 ./build/asan/test
check_questions: build/test
	@SB_ROOMS=800 ./build/test converse_answers pair_answers
mutate: | deps
	sh dev/mutate.sh

build/bench: dev/bench.c dev/bench.h dev/qwen_folder.h $(HEADERS) | deps
	@mkdir -p build
	$(CC) -std=c11 $(ALL) -I. $< -o $@ $(LIBS) -ldl
bench: build/bench
	@mkdir -p $(OUT)
	@./build/bench $(OUT)/bench.csv $(BENCH)

clean:
	rm -rf build train eval $(TOOLS) train_gpu train_gpu32 eval_gpu
