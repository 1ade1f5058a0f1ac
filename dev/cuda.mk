# ---- the GPU: the same program with train.cu's kernels; activations in bf16, or (build/gpu/train32) in float
NVCC    ?= $(firstword $(shell command -v nvcc) $(wildcard /usr/local/cuda/bin/nvcc) nvcc)
ARCH    := -gencode arch=compute_80,code=sm_80 -gencode arch=compute_90,code=[sm_90,compute_90]
# g++ warns of dangling addresses in nvcc's launch stubs; 550: nvcc does not count (void)x as a use of x
NVFLAGS := -std=c++17 -O3 -lineinfo --diag-suppress 550 $(ARCH) -Xcompiler -O3,-fopenmp,-fno-math-errno,-Wall,-Wextra,-Wno-dangling-pointer,-Wno-nonnull \
           $(addprefix -Xcompiler ,$(NATIVE))
ifeq ($(CUBLASLT),1)                    # products without an epilogue by cuBLASLt instead of our own kernel
NVFLAGS += -DSB_CUBLASLT -lcublasLt
endif
build/gpu build/cuda:
	@mkdir -p $@
build/gpu/train build/gpu/train32: train.cu train.c $(HEADERS) | deps build/gpu
	@command -v $(NVCC) >/dev/null || { echo 'nvcc is missing: install the CUDA toolkit, or say NVCC=/path/to/nvcc'; exit 1; }
	$(NVCC) $(NVFLAGS) $(if $(findstring 32,$@),-DSB_FP32) train.cu -o $@ $(FILES)
# the probes, and the tests, with a GPU in the CPU's place
build/gpu/eval build/gpu/test32: eval.c train.cu $(TESTS) | deps build/gpu
	$(NVCC) $(NVFLAGS) -DSB_FP32 -DSB_MODEL='"train.cu"' -I. -x cu $(if $(findstring eval,$@),eval.c,test_spatialboost.c) -o $@ $(FILES)
# the operations alone, on tensor cores
build/gpu/test16: dev/cuda_on_cpu/ops.cpp train.cu $(TESTS) | deps build/gpu
	$(NVCC) $(NVFLAGS) -DSB_MODEL='"train.cu"' -I. -x cu $< -o $@
# from naive kernels to those in use, rung by rung
build/gpu/matmul build/gpu/attention: build/gpu/%: dev/cuda/%.cu dev/cuda/ladder.h train.cu $(HEADERS) | build/gpu
	$(NVCC) $(NVFLAGS) -I. $< -o $@
build/gpu/bench_gpu: dev/bench_gpu.cu dev/bench.h train.cu $(HEADERS) | build/gpu
	$(NVCC) $(NVFLAGS) -I. $< -o $@
build_gpu: $(addprefix build/gpu/,train train32 eval test16 test32 matmul attention bench_gpu)
	@ln -sf build/gpu/train train_gpu && ln -sf build/gpu/train32 train_gpu32 && ln -sf build/gpu/eval eval_gpu
eval_gpu: build_gpu
# on a GPU: every operation in both types, the ladders, a step of every stage
check_gpu: build_gpu
	@./build/gpu/test16 && ./build/gpu/test32 && ./build/gpu/matmul && ./build/gpu/attention && ./train_gpu --check
bench_gpu: build/gpu/bench_gpu
	@mkdir -p $(OUT)
	@./build/gpu/bench_gpu $(OUT)/bench_gpu.csv $(BENCH)
train_gpu: build_gpu all
	@./train_gpu --check
	@$(MAKE) -s run TRAIN=./train_gpu OUT=$(OUT)/gpu

# ---- the same kernels, unchanged, on the CPU (dev/cuda_on_cpu): the tests of the model with train.cu in its place
SHIM := -std=c++17 -x c++ -O1 $(NATIVE) -ffp-contract=fast -fno-math-errno -fopenmp-simd $(WARN) \
        -I. -Idev/cuda_on_cpu
SANITIZE := -fsanitize=address,undefined
TRANSLATED := '"build/cuda/train.h"'
build/cuda/train.h: train.cu dev/cuda_on_cpu/translate.c | build/cuda
	$(CC) -std=c11 -O1 $(WARN) dev/cuda_on_cpu/translate.c -o build/cuda/translate
	./build/cuda/translate train.cu > $@.partial && mv $@.partial $@
build/cuda/test16 build/cuda/test32: build/cuda/train.h dev/cuda_on_cpu/cuda_shim.h $(TESTS) | deps
	$(CXX) $(SHIM) $(if $(findstring 32,$@),-DSB_FP32) -DSB_MODEL=$(TRANSLATED) test_spatialboost.c -o $@ $(LIBS)
build/cuda/train16 build/cuda/train32 build/cuda/asan_train16: build/cuda/train.h dev/cuda_on_cpu/cuda_shim.h train.c $(HEADERS) | deps
	$(CXX) $(SHIM) $(if $(findstring 32,$@),-DSB_FP32) $(if $(findstring asan,$@),$(SANITIZE)) -DSB_SELF=$(TRANSLATED) build/cuda/train.h -o $@ $(LIBS)
OPS := dev/cuda_on_cpu/ops.cpp
build/cuda/lt: build/cuda/train.h dev/cuda_on_cpu/cuda_shim.h dev/cuda_on_cpu/cublasLt.h $(OPS) $(TESTS)
	$(CXX) $(SHIM) -DSB_MODEL=$(TRANSLATED) -DSB_CUBLASLT $(OPS) -o $@ -lm
build/cuda/asan16 build/cuda/asan32: build/cuda/train.h dev/cuda_on_cpu/cuda_shim.h $(OPS) $(TESTS)
	$(CXX) $(SHIM) $(if $(findstring 32,$@),-DSB_FP32) -DSB_MODEL=$(TRANSLATED) $(SANITIZE) $(OPS) -o $@ -lm
build/cuda/racecheck.o: dev/cuda_on_cpu/racecheck.cpp dev/cuda_on_cpu/cuda_shim.h | build/cuda
	$(CXX) $(SHIM) -c $< -o $@
build/cuda/race16 build/cuda/race32: build/cuda/train.h build/cuda/racecheck.o $(OPS) $(TESTS)
	$(CXX) $(SHIM) $(if $(findstring 32,$@),-DSB_FP32) -DSB_MODEL=$(TRANSLATED) -fsanitize=thread -c $(OPS) -o $@.o
	$(CXX) $@.o build/cuda/racecheck.o -o $@ -lm
build/cuda/matmul build/cuda/attention: build/cuda/%: dev/cuda/%.cu dev/cuda/ladder.h build/cuda/train.h dev/cuda_on_cpu/cuda_shim.h
	./build/cuda/translate $< > $@.h
	$(CXX) $(SHIM) -Idev/cuda -DSB_MODEL=$(TRANSLATED) $@.h -o $@ -lm
build/cuda/bench_gpu: dev/bench_gpu.cu dev/bench.h build/cuda/train.h dev/cuda_on_cpu/cuda_shim.h
	./build/cuda/translate $< > $@.h
	$(CXX) $(SHIM) -DSB_MODEL=$(TRANSLATED) $@.h -o $@ -lm
ladders: build/cuda/matmul build/cuda/attention
	@./build/cuda/matmul && ./build/cuda/attention
build/cuda/test_shim: dev/cuda_on_cpu/test_shim.cu dev/cuda_on_cpu/cuda_shim.h build/cuda/train.h
	./build/cuda/translate $< > $@.h
	$(CXX) $(SHIM) $@.h -o $@
check_cuda: $(addprefix build/cuda/,test_shim lt matmul attention bench_gpu asan_train16) $(foreach b,test train asan race,build/cuda/$(b)16 build/cuda/$(b)32)
	@sh dev/cuda_on_cpu/check.sh
check_faults: | deps
	@sh dev/cuda_on_cpu/faults.sh
