# ---- readers against bytes that nobody meant: dev/fuzz/targets.h lists them
#     make fuzz                               every target for 5 s, a minute in all; stops at a finding
#     make fuzz_long TARGET=tokenizer FOR=600 one of them; inputs that lead further stay in build/fuzz/TARGET
FUZZ_CC      ?= clang
FUZZ_TARGETS := $(notdir $(wildcard dev/fuzz/corpus/*))
FUZZ_SAN     := fuzzer,address,undefined,float-cast-overflow
FUZZ_TRY     := echo 'int LLVMFuzzerTestOneInput(const char *d, long n) { return d == 0 ? (int)n : 0; }' | \
                $(FUZZ_CC) -fsanitize=$(FUZZ_SAN) -x c - -o build/fuzz/try
FOR          ?= 600
# the limits on memory: a small file must not cost much; a picture of 2^26 pixels is 256 MB
FUZZ_RUN      = TARGET=$(1) ASAN_OPTIONS=detect_leaks=0 build/fuzz/fuzz -max_total_time=$(2) \
                -close_fd_mask=3 -max_len=100000 -timeout=20 -rss_limit_mb=2500 -malloc_limit_mb=1200 \
                -artifact_prefix=build/fuzz/ build/fuzz/$(1) dev/fuzz/corpus/$(1) build/fuzz/seeds/$(1)

.PHONY: fuzz fuzz_long fuzz_run fuzz_long_run
build/fuzz/fuzz: dev/fuzz/fuzz.c dev/fuzz/targets.h $(HEADERS) | deps
	$(FUZZ_CC) -std=c11 -g -O1 -Wall -Wextra -fopenmp-simd -fsanitize=$(FUZZ_SAN) -fno-sanitize-recover=all \
	  $< -o $@ $(LIBS)
# the goldens are inputs too
build/fuzz/seeds.done: $(wildcard dev/goldens_models/*/* dev/goldens_text/*/*)
	@for t in $(FUZZ_TARGETS); do mkdir -p build/fuzz/$$t build/fuzz/seeds/$$t; done
	@for d in dev/goldens_text/*/; do cp $${d}tokenizer.json build/fuzz/seeds/tokenizer/$$(basename $$d); done
	@for d in dev/goldens_models/*/; do o=; test -f $${d}config.json || o=open_clip_; \
	  { if test $$o; then printf '{}\n=== open_clip_config.json\n'; fi; cat $$d$${o}config.json; \
	    for f in $$d*model*.safetensors*; do printf '\n=== %s\n' $$(basename $$f); cat $$f; done; } \
	  > build/fuzz/seeds/folder/$$(basename $$d); done
	@touch $@
fuzz fuzz_long:
	@mkdir -p build/fuzz
	@if $(FUZZ_TRY) 2>/dev/null; then $(MAKE) -s $@_run; \
	else echo 'skipped: $(FUZZ_CC) has no libFuzzer (Debian: apt-get install clang libclang-rt-14-dev)'; fi
fuzz_run: build/fuzz/fuzz build/fuzz/seeds.done
	@for t in $(FUZZ_TARGETS); do log=build/fuzz/$$t.log; \
	  { $(call FUZZ_RUN,$$t,5); } > $$log 2>&1 || { tail -30 $$log; echo "FAIL $$t: see $$log"; exit 1; }; \
	  echo "ok   $$t: $$(grep -a DONE $$log | cut -c1-60)"; done
fuzz_long_run: build/fuzz/fuzz build/fuzz/seeds.done
	@test -d dev/fuzz/corpus/$(TARGET)/ && test $(TARGET) || { echo 'TARGET= one of $(FUZZ_TARGETS)'; exit 1; }
	@$(call FUZZ_RUN,$(TARGET),$(FOR))
