# The papers' claims in miniature: seeds, controls, each method at its own best learning rate.    make reproduce
#
# Every result is a file under R, so a stopped run goes on; -j and one thread a process use the cores best.
# Learning rates are chosen by the depth error on the scenes of pool TUNE, at full length on the first seed (short runs
# favour high rates); TEST scenes are used once, for the figures. dev/reproduce.awk makes the table. PATCH is the seed
# of a base that saw labels of patches. TOY='--preset toy' tries all of it in minutes; its figures mean nothing.
# The second paper's ablations follow below: the same aggregator, one setting of Spa3R changed at a time; all are asked
# for the same view after the same two context views. dev/reproduce_field.awk makes their table.
R          := out/reproduce
SEEDS      := 1 2 3
PATCH      := 4
IMAGES     := 4000
STEPS      := 0
TOY        :=
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
VARIANTS          := context25 context75 geo sem pluecker twopass nocamera
VARIANT_context25 := --context .25
VARIANT_context75 := --context .75
VARIANT_geo       := --targets 1
VARIANT_sem       := --targets 2
VARIANT_pluecker  := --pose 1
VARIANT_twopass   := --asymmetric 0
VARIANT_nocamera  := --context_camera 0
FIELDS  := $(foreach s,$(SEEDS),$(R)/$(s)/field.done $(VARIANTS:%=$(R)/$(s)/field_%.csv))
TALKS   := $(SEEDS:%=$(R)/%/field_tuned.done)

# what is missing, in minutes of one core as dev/NOTEBOOK.md has them: a probed boost 10; Spa3R with its control and
# the rest of `make field` 60, a variant 15, three tuned language models 25
missing = $(words $(filter-out $(wildcard $(1)),$(1)))
COST := $(shell echo $$((10 * $(call missing,$(RESULTS)) + 60 * $(call missing,$(filter %field.done,$(FIELDS))) + \
          15 * $(call missing,$(filter %.csv,$(FIELDS))) + 25 * $(call missing,$(TALKS)))))
$(info $(call missing,$(RESULTS) $(FIELDS) $(TALKS)) results are missing: about $(COST) minutes of one core)

both: $(R)/table.txt $(R)/field.txt
$(R)/table.txt: $(RESULTS) $(METHODS:%=$(R)/tune/%.rate)
	@awk -f dev/reproduce.awk $(RESULTS) | tee $@
	@for m in $(METHODS); do printf 'learning rate of %-8s %s\n' $$m "$$(cat $(R)/tune/$$m.rate)"; done | tee -a $@
.SECONDARY:
.DELETE_ON_ERROR:

# $(1) seed, $(2) extra flags of the encoder: the stages before boost
define SEED
$(R)/$(1)/encoder$(S):  ; @$(TRAIN) encoder --seed $(1) --out $(R)/$(1) $(TOY) $(2) >$(R)/$(1).log 2>&1 || { cat $(R)/$(1).log; false; }
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

# ---- the second paper
$(R)/field.txt: $(FIELDS) $(TALKS)
	@awk -f dev/reproduce_field.awk $(foreach s,$(SEEDS),$(R)/$(s)/field.csv $(VARIANTS:%=$(R)/$(s)/field_%.csv) \
	  $(R)/$(s)/latents.csv) | tee $@
# $(1) seed, $(2) what of dev/field.mk, $(3) what it goes on from
define FIELD
$(R)/$(1)/$(2): $(R)/$(1)/$(3)
	@$$(MAKE) -s -f Makefile OUT=$(R)/$(1) TRAIN='$(TRAIN)' REPORT=: $$@ >>$(R)/$(1).log 2>&1 || { cat $(R)/$(1).log; false; }
	@echo $$@
endef
# $(1) seed, $(2) variant
define VARIANT
$(R)/$(1)/spa3r_$(2)$(S): $(R)/$(1)/field.done
	@$(TRAIN) spa3r $(VARIANT_$(2)) --to spa3r_$(2) --out $(R)/$(1) >$$@.log 2>&1 || { cat $$@.log; false; }
$(R)/$(1)/field_$(2).csv: $(R)/$(1)/spa3r_$(2)$(S)
	@mkdir -p $$@.d && OMP_NUM_THREADS=1 ./eval field --field $$< --blind $(R)/$(1)/blind$(S) --out $$@.d >/dev/null
	@mv $$@.d/field.csv $$@ && rm $$@.d/field.html && rmdir $$@.d; echo $$@
endef
$(foreach s,$(SEEDS),$(eval $(call FIELD,$(s),field.done,instruct$(S))))
$(foreach s,$(SEEDS),$(eval $(call FIELD,$(s),field_tuned.done,field.done)))
$(foreach s,$(SEEDS),$(foreach v,$(VARIANTS),$(eval $(call VARIANT,$(s),$(v)))))
