# ---- views that nobody saw: the second paper, from what `make run` has after its fourth stage, onto the same page
field: all
	@$(MAKE) -s $(OUT)/field.done
	@echo 'look at $(OUT)/report.html'
$(OUT)/aggregator$(S): $(OUT)/instruct$(S)   ; $(TRAIN) aggregator --out $(OUT)
$(OUT)/spa3r$(S):    $(OUT)/aggregator$(S)   ; $(TRAIN) spa3r --out $(OUT)
$(OUT)/blind$(S):    $(OUT)/spa3r$(S)        ; $(TRAIN) spa3r --blind 1 --to blind --out $(OUT)
$(OUT)/field.csv:    $(OUT)/blind$(S)        ; ./eval field --out $(OUT)
$(OUT)/vlm$(S):      $(OUT)/field.csv        ; $(TRAIN) vlm --out $(OUT)
$(OUT)/append$(S):   $(OUT)/vlm$(S)          ; $(TRAIN) vlm --adapter 2 --to append --out $(OUT)
$(OUT)/latents.csv:  $(OUT)/append$(S)       ; ./eval latents --out $(OUT)
$(OUT)/field.done:   $(OUT)/latents.csv      ; $(REPORT) && touch $@

# The same with the language model trained along, and without latents as the control: is it the latents, or language?
# Its questions are VSI-Bench's types as far as the miniature has words.    make field_tuned
TUNED_MIX := depth=10,closer=2,what=6,left=1,front=1,distance=2,gap=2,nearest=2
field_tuned: field
	@$(MAKE) -s $(OUT)/field_tuned.done
	@echo 'look at $(OUT)/report.html'
TUNED = $(TRAIN) vlm --tune_llm --mix $(TUNED_MIX) --out $(OUT)
$(OUT)/none_tuned$(S):   $(OUT)/spa3r$(S)    ; $(TUNED) --adapter 0 --to none_tuned
$(OUT)/vlm_tuned$(S):    $(OUT)/spa3r$(S)    ; $(TUNED) --adapter 1 --to vlm_tuned
$(OUT)/append_tuned$(S): $(OUT)/spa3r$(S)    ; $(TUNED) --adapter 2 --to append_tuned
$(OUT)/field_tuned.done: $(OUT)/none_tuned$(S) $(OUT)/vlm_tuned$(S) $(OUT)/append_tuned$(S) $(OUT)/latents.csv
	./eval latents --mix $(TUNED_MIX) --out $(OUT) && $(REPORT) && touch $@
