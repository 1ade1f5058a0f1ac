# The papers' claims in miniature: one list of experiments, each a list of arms, each a few flags.    make reproduce
#
# Every result is a file under R, so a stopped run goes on; -j and one thread a process use the cores best. One
# experiment alone: make reproduce EXPERIMENTS=noise. Learning rates are chosen, where an arm has several, by the depth
# error on the scenes of pool TUNE at the same length on the first seed; TEST scenes are used once, for the figures.
# dev/reproduce.awk makes RESULTS/NAME.csv of an experiment, ./eval experiments the tables and the page of them; those
# of this repository are in dev/results.
# STEPS=0: the stage's own length. TOY='--preset toy' tries all of it in minutes; its figures mean nothing.
# The second paper's ablations (EXPERIMENTS=field) follow below: the same aggregator, one setting of Spa3R changed at a time; all are asked
# for the same view after the same two context views. dev/reproduce_field.awk makes their table.
R          := out/reproduce
RESULTS    := $(R)/results
SEEDS      := 1 2 3
IMAGES     := 4000
FIT        := 4000
STEPS      := 0
TOY        :=
S          := .safetensors
TRAIN      := OMP_NUM_THREADS=1 ./train
EVAL       := ./eval
PROBE      := OMP_NUM_THREADS=1 $(EVAL) probe --images $(IMAGES) --fit $(FIT)

# ---- the experiments: what they are about, what the paper says of it, and their arms, of which the first is what the
# others are compared with. (The paper's figures: DINOv2 ViT-L/14; class 86.3, mIoU 47.7, depth RMSE .38 before.)
EXPERIMENTS    := decoder tuning content noise levels order order_any views scale leakage heads gate instruct patch field
ABOUT_decoder  := what supervises: the LLM, or depth and labels without language, matched steps, matched time (Table 6)
PAPER_decoder  := LLM: depth -15.8 %, mIoU +8.0, class +2.3; depth decoder: depth -7.9, mIoU +.4
ARMS_decoder   := dual regress labels both regress_time
# three cannot tell the LLM from depth
SEEDS_decoder  := 1 2 3 5 6
ABOUT_tuning   := what may change: Attn+ (a copy, or from random), the whole encoder, LoRA, the last block (Figure 6)
PAPER_tuning   := class and mIoU: dual 87.6 and 49.2; all of the encoder: class 79.5; LoRA: class 83.7
ARMS_tuning    := dual random full lora last
ABOUT_content  := what is asked: space, recognition, captions alone; guessable answers asked less
PAPER_content  := no such experiment; its reviewers asked for it
ARMS_content   := dual rec captions balanced
ABOUT_instruct := spatial questions already in stage instruct
PAPER_instruct := no such experiment
ARMS_instruct  := spatial_dual spatial_rec
# of mix's answers about depth noise gets wrong by more than a quarter (./data/converse --mix mix --noise X): .3 m 9 %,
# 1 m 47 %, 3 m 83 %, a scale of 1.3 or 2 all; of closer 30 % are turned round, of what 19 and 31 % name another object
ABOUT_noise    := answers with errors: of depth (.3, 1, 3 m), of scale (1.3, 2), turned round (.3), of masks (.3, .5)
PAPER_noise    := depth from a network instead of a sensor: hardly any difference (T19)
ARMS_noise     := dual depth_noise depth_1m depth_3m scale_bias scale_2 sign_flips swaps swaps_half
ABOUT_levels   := which levels of question (Table 15)
PAPER_levels   := pixel questions help depth and mIoU most, object questions class, all three are best
ARMS_levels    := pos p o s po ps os
SEEDS_levels   := 1 2 3 5 6
ABOUT_order    := order of a dialogue's turns, which see those before them (Table 7)
PAPER_order    := forward: mIoU 48.9, depth .34; reverse: 48.4, .35; random: 48.5, .36
ARMS_order     := pos reverse shuffled
SEEDS_order    := 1 2 3 5 6
ABOUT_order_any := the same, by an LLM that was taught dialogues in any order
PAPER_order_any := no such experiment
ARMS_order_any := any_forward any_reverse any_random
SEEDS_order_any := 1 2 3 5 6
ABOUT_views    := one view, three, or half of the samples each, at equal samples and at equal pictures (Table 7)
PAPER_views    := single: mIoU 48.9, depth .34; several: 48.2, .36; both: 49.2, .32
ARMS_views     := single multi mixed multi_third
ABOUT_scale    := rooms, at matched steps, and at two looks at each room (Figure 5)
PAPER_scale    := more is better, up to the largest
ARMS_scale     := dual rooms400 rooms1600 rooms6400 twice400 twice1600 twice6400
ABOUT_leakage  := probes on rooms never seen, on the rooms trained on, and on those from another camera
PAPER_leakage  := ScanNet is in its training set and in its 3-D probes; no such experiment
ARMS_leakage   := unseen same_views same_rooms
ABOUT_heads    := a linear head and a small DPT head, on the last block and on the last four (Tables 1 and 2)
PAPER_heads    := DINOv2: depth linear -18.9 %, DPT -13.8; mIoU linear +5.5, four blocks +3.6
ARMS_heads     := block_1 block_4
ABOUT_gate     := alpha a channel, a head, a layer; at its start 1/2 or nearly the base alone; Wo shared
PAPER_gate     := a = 0 at first; share_o is the reading that gives its 25 to 30 % of parameters
ARMS_gate      := dual gate4 share_o gate_head gate_scalar

ABOUT_patch    := the method on a base that saw labels of patches (seed 4 alone)
PAPER_patch    := its encoders are strong: class rises
ARMS_patch     := dual
# no other experiment's
SEEDS_patch    := 4

# ---- the arms: flags of ./train boost; where they differ from the stage's: START (dual: instruct; pos and its
# like: broad, an LLM that was taught all levels, in dialogues whose turns see those before them; single and its
# like: several, an LLM that was asked about several pictures), RATES, STEPS
FLAGS_rec         := --mix rec
FLAGS_captions    := --mix describe=4
FLAGS_balanced    := --blind_balance
FLAGS_regress     := --regress depth
FLAGS_regress_time := --regress depth
FLAGS_labels      := --regress labels
FLAGS_both        := --regress both
FLAGS_random      := --random_plus
FLAGS_full        := --tune full
# as many added parameters as Attn+ has: 8 r C a block against 4 C^2, C = 128; the last block: 12 C^2, of 16 C^2
FLAGS_lora        := --tune lora $(if $(TOY),,--rank 64 --rank_alpha 64)
FLAGS_last        := --tune last --last_layers 1
FLAGS_depth_noise := --noise depth=.3
FLAGS_depth_1m    := --noise depth=1
FLAGS_depth_3m    := --noise depth=3
FLAGS_scale_bias  := --noise scale=1.3
FLAGS_scale_2     := --noise scale=2
FLAGS_sign_flips  := --noise sign=.3
FLAGS_swaps       := --noise swap=.3
FLAGS_swaps_half  := --noise swap=.5
FLAGS_pos         := --mix full
# as many questions of the levels that stay as there were of all, in the proportion of full, and its two captions
FLAGS_p           := --mix pixel=10,caption=2
FLAGS_o           := --mix object=10,caption=2
FLAGS_s           := --mix scene=10,caption=2
FLAGS_po          := --mix pixel=6.25,object=3.75,caption=2
FLAGS_ps          := --mix pixel=7.14,scene=2.86,caption=2
FLAGS_os          := --mix object=6,scene=4,caption=2
FLAGS_reverse     := --mix full --order reverse
FLAGS_shuffled    := --mix full --order random
FLAGS_any_forward := --mix full
FLAGS_any_reverse := --mix full --order reverse
FLAGS_any_random  := --mix full --order random
# what mix asks of each picture, and what two of three have to do with each other
VIEWS             := --views 3 --mix depth=12,closer=2,what=8,describe=1,views=4
FLAGS_single      := --mix mix
FLAGS_multi       := $(VIEWS)
FLAGS_multi_third := $(VIEWS)
FLAGS_mixed       := $(VIEWS) --single .5
FLAGS_rooms400    := --rooms 400
FLAGS_rooms1600   := --rooms 1600
FLAGS_unseen      := --rooms $(shell echo $$(($(IMAGES) + $(FIT))))
FLAGS_rooms6400   := --rooms 6400
FLAGS_twice400    := --rooms 400
FLAGS_twice1600   := --rooms 1600
FLAGS_twice6400   := --rooms 6400
FLAGS_gate4       := --gate 4
FLAGS_share_o     := --share_o 1
FLAGS_gate_head   := --gate_by 1
FLAGS_gate_scalar := --gate_by 2
FLAGS_spatial_rec := --mix rec
BROAD             := pos p o s po ps os reverse shuffled
SEVERAL           := single multi mixed multi_third
start              = $(if $(filter $(1),$(BROAD)),broad,$(if $(filter $(1),$(SEVERAL)),several,$(if \
                       $(filter any_%,$(1)),any,$(if $(filter spatial_%,$(1)),spatial,instruct))))
# a third of them: as many pictures in three views each as others see in one
BOOST_STEPS       := $(if $(filter-out 0,$(STEPS)),$(STEPS),700)
STEPS_multi_third := $(shell echo $$(($(BOOST_STEPS) / 3)))
# a step without the LLM takes a core 1 / 2.07 of the time (seeds 5 and 6)
STEPS_regress_time := $(shell echo $$(($(BOOST_STEPS) * 207 / 100)))
# batches of 32 that show so many rooms twice
STEPS_twice400    := 25
STEPS_twice1600   := 100
STEPS_twice6400   := 400
# another arm's encoder, otherwise probed; same_: on the rooms that it was trained on
OF_same_views     := unseen
OF_same_rooms     := unseen
OF_block_1        := dual
OF_block_4        := dual
PROBE_same_views  := --shared 1
PROBE_same_rooms  := --shared 2
PROBE_block_1     := --dpt
PROBE_block_4     := --dpt --layers $(if $(TOY),2,4) --to probe
# 2e-3 is the best of 1e-3, 2e-3 and 4e-3 for dual, rec, regress and random, of 5e-4 to 2e-3 for full (NOTEBOOK)
RATES_dual        := 2e-3
RATES_lora        := 1e-3 2e-3 4e-3
RATES_last        := 5e-4 1e-3 2e-3
rated              = $(if $(RATES_$(1)),$(1),dual)

$(foreach e,$(filter-out field,$(EXPERIMENTS)),$(if $(ARMS_$(e)),,$(error EXPERIMENTS: there is no $(e) in dev/reproduce.mk)))
# results of other settings are not these: one folder, one setting
SETTINGS := $(strip $(TOY) STEPS=$(STEPS) IMAGES=$(IMAGES) FIT=$(FIT))
WAS      := $(shell mkdir -p $(R); [ -s $(R)/settings ] || echo "$(SETTINGS)" > $(R)/settings; cat $(R)/settings)
$(if $(subst x$(SETTINGS)x,,x$(WAS)x),$(error $(R) holds results of $(WAS), not of $(SETTINGS): name another folder \
  (OUT=...) or remove this one))

FIRST  := $(filter-out field,$(EXPERIMENTS))
ARMS   := $(sort $(foreach e,$(FIRST),$(ARMS_$(e)) $(foreach a,$(ARMS_$(e)),$(OF_$(a)))))
TABLES := $(FIRST:%=$(RESULTS)/%.csv)
# those of the command line, else the experiment's own, else SEEDS
seeds   = $(if $(and $(filter command,$(origin SEEDS)),$(filter-out patch,$(1))),$(SEEDS),$(or $(SEEDS_$(1)),$(SEEDS)))
PROBES := $(sort $(foreach e,$(FIRST),$(foreach s,$(call seeds,$(e)),$(ARMS_$(e):%=$(R)/$(s)/%.probe.csv))))
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

# what is missing, in minutes of one core as dev/NOTEBOOK.md has them: the stages before a boost 5, taught all levels 5
# more, a boost of 700 steps 4, its probes 1; Spa3R with its control and the rest of `make field` 60, a variant 15, three
# tuned language models 25. A choice of learning rates is not counted.
SECOND := $(if $(filter field,$(EXPERIMENTS)),$(FIELDS) $(TALKS))
missing = $(words $(filter-out $(wildcard $(1)),$(1)))
BASES  := $(sort $(foreach e,$(FIRST),$(foreach s,$(call seeds,$(e)),$(R)/$(s)/align$(S) \
            $(foreach a,$(ARMS_$(e)),$(if $(filter broad any,$(call start,$(a))),$(R)/$(s)/$(call start,$(a))$(S))))))
COST := $(if $(TOY),a minute or two,$(shell echo $$((5 * $(call missing,$(BASES)) + \
          $(call missing,$(PROBES)) * (350 + 4 * $(BOOST_STEPS)) / 700))) of the first paper, \
        $(shell echo $$((60 * $(call missing,$(filter %field.done,$(SECOND))) + \
          15 * $(call missing,$(filter %.csv,$(SECOND))) + 25 * $(call missing,$(filter %tuned.done,$(SECOND)))))) of the second)
$(info $(call missing,$(PROBES) $(SECOND)) results are missing, minutes of one core: about $(COST))

both: $(if $(FIRST),first) $(if $(SECOND),$(R)/field.txt)
first: $(TABLES)
	@$(EVAL) experiments --results $(RESULTS) --out $(R)
.DELETE_ON_ERROR:
.PHONY: both first
# $(1) experiment
define EXPERIMENT
$(RESULTS)/$(1).csv: $(foreach s,$(call seeds,$(1)),$(ARMS_$(1):%=$(R)/$(s)/%.probe.csv))
	@mkdir -p $(RESULTS)
	@{ echo "# $(ABOUT_$(1))"; echo "# the paper: $(PAPER_$(1))"; \
	  echo "# arms: $(foreach a,$(ARMS_$(1)),$(a) $(or $(strip $(OF_$(a):%=that of %) $(FLAGS_$(a)) $(STEPS_$(a):%=--steps %) $(PROBE_$(a))),as it is);)"; \
	  echo "# make reproduce EXPERIMENTS=$(1) STEPS=$(STEPS) IMAGES=$(IMAGES) FIT=$(FIT) SEEDS='$(call seeds,$(1))'$(if $(TOY), TOY='$(TOY)': means nothing)"; \
	  echo "# commit $$$$(git rev-parse --short HEAD 2>/dev/null), $$$$(sed -n 's/^model name.*: //p' /proc/cpuinfo 2>/dev/null | head -1)"; \
	  awk -f dev/reproduce.awk $(foreach s,$(call seeds,$(1)),$(R)/$(s)/times.csv $(ARMS_$(1):%=$(R)/$(s)/%.probe.csv)); \
	} > $$@
endef
$(foreach e,$(FIRST),$(eval $(call EXPERIMENT,$(e))))

# objects and scenes take long to learn from maps
BROAD_STEPS := $(if $(TOY),,--steps 1500)
# $(1) seed, $(2) extra flags of the encoder: the stages before boost
define SEED
$(R)/$(1)/encoder$(S):  ; @$(TRAIN) encoder --seed $(1) --out $(R)/$(1) $(TOY) $(2) >$(R)/$(1).log 2>&1 || { cat $(R)/$(1).log; false; }
$(R)/$(1)/llm$(S):      $(R)/$(1)/encoder$(S)  ; @$(TRAIN) llm --out $(R)/$(1) >>$(R)/$(1).log 2>&1
$(R)/$(1)/align$(S):    $(R)/$(1)/llm$(S)      ; @$(TRAIN) align --out $(R)/$(1) >>$(R)/$(1).log 2>&1
$(R)/$(1)/instruct$(S): $(R)/$(1)/align$(S)    ; @$(TRAIN) instruct --out $(R)/$(1) >>$(R)/$(1).log 2>&1
$(R)/$(1)/spatial$(S):  $(R)/$(1)/align$(S)
	@$(TRAIN) instruct --mix lean --to spatial --out $(R)/$(1) >>$(R)/$(1).log 2>&1
$(R)/$(1)/several$(S):     $(R)/$(1)/align$(S)
	@$(TRAIN) instruct $(VIEWS) --single .5 --steps 120 --lr 1e-3 --from $$< --to several --out $(R)/$(1) \
	  >>$(R)/$(1).log 2>&1
endef
# $(1) seed, $(2) name, $(3) flags: a base that knows all levels, in dialogues whose turns see those before them
define BROAD_SEED
$(R)/$(1)/$(2)_llm$(S):   $(R)/$(1)/llm$(S)
	@$(TRAIN) llm --mix full $(3) --isolate 0 --from $$< --to $(2)_llm $(BROAD_STEPS) --out $(R)/$(1) >>$(R)/$(1).log 2>&1
$(R)/$(1)/$(2)_align$(S): $(R)/$(1)/$(2)_llm$(S)
	@$(TRAIN) align --mix full $(3) --from $$< --to $(2)_align --out $(R)/$(1) >>$(R)/$(1).log 2>&1
$(R)/$(1)/$(2)$(S):       $(R)/$(1)/$(2)_align$(S)
	@$(TRAIN) instruct --from $$< --to $(2) --out $(R)/$(1) >>$(R)/$(1).log 2>&1
endef
# $(1) seed, $(2) arm
define BOOST
$(R)/$(1)/$(2)$(S): $(R)/$(1)/$(call start,$(2))$(S) $(R)/tune/$(call rated,$(2)).rate
	@$(TRAIN) boost $(FLAGS_$(2)) --steps $(or $(STEPS_$(2)),$(STEPS)) --lr $$$$(cat $(R)/tune/$(call rated,$(2)).rate) \
	  --from $$< --to $(2) --out $(R)/$(1) >$$@.log 2>&1 || { cat $$@.log; false; }
$(R)/$(1)/$(2).probe.csv: $(R)/$(1)/$(or $(OF_$(2)),$(2))$(S)
	@mkdir -p $$@.d && $(PROBE) $(PROBE_$(2)) --base $(R)/$(1)/encoder$(S) --boost $$< --out $$@.d >$$@.log 2>&1 \
	  || { cat $$@.log; false; }
	@mv $$@.d/probe.csv $$@ && rmdir $$@.d; echo $$@
endef
# $(1) arm, $(2) rate, on seed 1
define TUNE
$(R)/tune/$(1)_$(2)$(S): $(R)/1/$(call start,$(1))$(S)
	@$(TRAIN) boost $(FLAGS_$(1)) --steps $(STEPS) --lr $(2) --from $$< --to $(1)_$(2) --out $(R)/tune >$$@.log 2>&1 \
	  || { cat $$@.log; false; }
$(R)/tune/$(1)_$(2).probe.csv: $(R)/tune/$(1)_$(2)$(S)
	@mkdir -p $$@.d && $(PROBE) --tune --base $(R)/1/encoder$(S) --boost $$< --out $$@.d >/dev/null 2>&1
	@mv $$@.d/probe.csv $$@ && rmdir $$@.d; echo $$@
endef
# $(1) arm; one rate needs no choice
define CHOOSE
$(R)/tune/$(1).rate: $(if $(word 2,$(RATES_$(1))),$(RATES_$(1):%=$(R)/tune/$(1)_%.probe.csv))
	@mkdir -p $(R)/tune; if [ -z "$(word 2,$(RATES_$(1)))" ]; then echo $(RATES_$(1)); else for r in $(RATES_$(1)); do \
	  awk -F, -v r=$$$$r '$$$$1 == "depth" && $$$$2 == "rmse" { print $$$$4, r }' $(R)/tune/$(1)_$$$$r.probe.csv; done \
	  | sort -g | head -1 | cut -d' ' -f2; fi > $$@
	@echo "$(1): learning rate $$$$(cat $$@)"
endef
# learning rates are chosen on seed 1
ALL_SEEDS := $(sort 1 $(SEEDS) $(foreach e,$(FIRST),$(call seeds,$(e))))
$(foreach s,$(ALL_SEEDS),$(eval $(call SEED,$(s),$(if $(filter $(s),$(SEEDS_patch)),--patch_labels))))
$(foreach s,$(ALL_SEEDS),$(eval $(call BROAD_SEED,$(s),broad,)) $(eval $(call BROAD_SEED,$(s),any,--order random)))
$(foreach s,$(ALL_SEEDS),$(foreach a,$(ARMS),$(eval $(call BOOST,$(s),$(a)))))
RATED := $(sort $(foreach a,$(ARMS),$(call rated,$(a))))
$(foreach a,$(RATED),$(foreach r,$(RATES_$(a)),$(eval $(call TUNE,$(a),$(r)))))
$(foreach a,$(RATED),$(eval $(call CHOOSE,$(a))))

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
	@mkdir -p $$@.d && OMP_NUM_THREADS=1 $(EVAL) field --field $$< --blind $(R)/$(1)/blind$(S) --out $$@.d >/dev/null
	@mv $$@.d/field.csv $$@ && rm $$@.d/field.html && rmdir $$@.d; echo $$@
endef
$(foreach s,$(SEEDS),$(eval $(call FIELD,$(s),field.done,instruct$(S))))
$(foreach s,$(SEEDS),$(eval $(call FIELD,$(s),field_tuned.done,field.done)))
$(foreach s,$(SEEDS),$(foreach v,$(VARIANTS),$(eval $(call VARIANT,$(s),$(v)))))
