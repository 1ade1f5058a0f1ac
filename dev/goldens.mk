# ---- what other programs compute: the goldens are made again, and our exports opened
#     make goldens                      makes $(ORACLE), a Python with dev/requirements.txt (6 GB; pip downloads)
#     make goldens ORACLE=folder        takes or makes another one
# All is written to $(GOLDENS). To keep what was made anew: cp -r $(GOLDENS)/goldens* dev
ORACLE  ?= build/oracle
GOLDENS := build/goldens
ORACLE_PY := OMP_NUM_THREADS=1 $(ORACLE)/bin/python

.PHONY: goldens
$(ORACLE)/made: dev/requirements.txt
	$(PYTHON) -m venv $(ORACLE)
	$(ORACLE)/bin/pip install --quiet -r dev/requirements.txt
	@touch $@
goldens: $(ORACLE)/made build/test
	@rm -rf $(GOLDENS)
	@mkdir -p $(GOLDENS)/exported
	@cp dev/*.py $(GOLDENS)
	@for name in reference goldens_models goldens_pixels goldens_text; do echo "dev/$$name.py"; \
	  $(ORACLE_PY) $(GOLDENS)/$$name.py $(GOLDENS)/$$name > $(GOLDENS)/$$name.log 2>&1 \
	  || { tail -20 $(GOLDENS)/$$name.log; exit 1; }; done
	@$(ORACLE_PY) dev/goldens_check.py $(GOLDENS) dev
	@SB_EXPORT=$(GOLDENS)/exported ./build/test family_round_trip
	@$(ORACLE_PY) dev/export_check.py $(GOLDENS)/exported
