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
$(OUT)/latents.csv:  $(OUT)/append$(S)
	./eval questions --out $(OUT) --boost $(OUT)/vlm$(S) --control $(OUT)/append$(S) --views 4 --mix lean --to latents
$(OUT)/field.done:   $(OUT)/latents.csv      ; $(REPORT) && touch $@
