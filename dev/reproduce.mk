# The papers' claims in miniature: seeds, controls, each method at its own best learning rate.    make reproduce
#
# Every result is a file under R, so a stopped run goes on; -j and one thread a process use the cores best.
# Learning rates are chosen by the depth error on the scenes of pool TUNE, at full length on the first seed (short runs
# favour high rates); TEST scenes are used once, for the figures. dev/reproduce.awk makes the table. PATCH is the seed
# of a base that saw labels of patches.
R          := out/reproduce
SEEDS      := 1 2 3
PATCH      := 4
IMAGES     := 4000
STEPS      := 0
S          := .safetensors
TRAIN      := OMP_NUM_THREADS=1 ./train
PROBE      := OMP_NUM_THREADS=1 ./eval probe --images $(IMAGES)

METHODS       := dual rec regress random full
FLAGS_dual    :=
FLAGS_rec     := --mix rec
FLAGS_regress := --regress
FLAGS_random  := --random_plus
FLAGS_full    := --tune full
RATES_dual    := 1e-3 2e-3 4e-3
RATES_rec     := 1e-3 2e-3 4e-3
RATES_regress := 1e-3 2e-3 4e-3
RATES_random  := 1e-3 2e-3 4e-3
RATES_full    := 5e-4 1e-3 2e-3

RESULTS := $(foreach s,$(SEEDS),$(METHODS:%=$(R)/$(s)/%.probe.csv) $(R)/$(s)/spatial_dual.probe.csv \
             $(R)/$(s)/spatial_rec.probe.csv) $(R)/$(PATCH)/dual.probe.csv
$(R)/table.txt: $(RESULTS) $(METHODS:%=$(R)/tune/%.rate)
	@awk -f dev/reproduce.awk $(RESULTS) | tee $@
	@for m in $(METHODS); do printf 'learning rate of %-8s %s\n' $$m "$$(cat $(R)/tune/$$m.rate)"; done | tee -a $@
.SECONDARY:
.DELETE_ON_ERROR:

# $(1) seed, $(2) extra flags of the encoder: the stages before boost
define SEED
$(R)/$(1)/encoder$(S):  ; @$(TRAIN) encoder --seed $(1) --out $(R)/$(1) $(2) >$(R)/$(1).log 2>&1 || { cat $(R)/$(1).log; false; }
$(R)/$(1)/llm$(S):      $(R)/$(1)/encoder$(S)  ; @$(TRAIN) llm --out $(R)/$(1) >>$(R)/$(1).log 2>&1
$(R)/$(1)/align$(S):    $(R)/$(1)/llm$(S)      ; @$(TRAIN) align --out $(R)/$(1) >>$(R)/$(1).log 2>&1
$(R)/$(1)/instruct$(S): $(R)/$(1)/align$(S)    ; @$(TRAIN) instruct --out $(R)/$(1) >>$(R)/$(1).log 2>&1
$(R)/$(1)/spatial$(S):  $(R)/$(1)/align$(S)
	@$(TRAIN) instruct --mix lean --to spatial --out $(R)/$(1) >>$(R)/$(1).log 2>&1
endef
# $(1) seed, $(2) method, $(3) name of the result, $(4) the checkpoint it starts from
define BOOST
$(R)/$(1)/$(3)$(S): $(R)/$(1)/$(4)$(S) $(R)/tune/$(2).rate
	@rate=$$$$(cat $(R)/tune/$(2).rate); if [ $(1) = 1 ] && [ $(3) = $(2) ]; then cp $(R)/tune/$(2)_$$$$rate$(S) $$@; else \
	  $(TRAIN) boost $(FLAGS_$(2)) --steps $(STEPS) --lr $$$$rate --from $$< --to $(3) --out $(R)/$(1) >$$@.log 2>&1 \
	  || { cat $$@.log; false; }; fi
$(R)/$(1)/$(3).probe.csv: $(R)/$(1)/$(3)$(S)
	@mkdir -p $$@.d && $(PROBE) --base $(R)/$(1)/encoder$(S) --boost $$< --out $$@.d >/dev/null 2>&1
	@mv $$@.d/probe.csv $$@ && rmdir $$@.d; echo $$@
endef
# $(1) method, $(2) rate, on seed 1
define TUNE
$(R)/tune/$(1)_$(2)$(S): $(R)/1/instruct$(S)
	@$(TRAIN) boost $(FLAGS_$(1)) --steps $(STEPS) --lr $(2) --from $$< --to $(1)_$(2) --out $(R)/tune >$$@.log 2>&1 \
	  || { cat $$@.log; false; }
$(R)/tune/$(1)_$(2).probe.csv: $(R)/tune/$(1)_$(2)$(S)
	@mkdir -p $$@.d && $(PROBE) --tune --base $(R)/1/encoder$(S) --boost $$< --out $$@.d >/dev/null 2>&1
	@mv $$@.d/probe.csv $$@ && rmdir $$@.d; echo $$@
endef
define CHOOSE
$(R)/tune/$(1).rate: $(RATES_$(1):%=$(R)/tune/$(1)_%.probe.csv)
	@for r in $(RATES_$(1)); do awk -F, -v r=$$$$r '$$$$1 == "depth" && $$$$2 == "rmse" { print $$$$4, r }' $(R)/tune/$(1)_$$$$r.probe.csv; done \
	  | sort -g | head -1 | cut -d' ' -f2 > $$@
	@echo "$(1): learning rate $$$$(cat $$@)"
endef
$(foreach s,$(SEEDS),$(eval $(call SEED,$(s),)))
$(eval $(call SEED,$(PATCH),--patch_labels))
$(foreach s,$(SEEDS),$(foreach m,$(METHODS),$(eval $(call BOOST,$(s),$(m),$(m),instruct))))
$(foreach s,$(SEEDS),$(foreach m,dual rec,$(eval $(call BOOST,$(s),$(m),spatial_$(m),spatial))))
$(eval $(call BOOST,$(PATCH),dual,dual,instruct))
$(foreach m,$(METHODS),$(foreach r,$(RATES_$(m)),$(eval $(call TUNE,$(m),$(r)))))
$(foreach m,$(METHODS),$(eval $(call CHOOSE,$(m))))
