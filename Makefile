# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
PYTHON ?= python3
BIN := .venv/bin
PARTS := unit services sanity integration smoke browser events lint rules molecule simulator-test docs build examples-test secrets-scan demo-test bench-test scale-test

.PHONY: help setup matrix demo check test bench deep sim lock mutation release readmes clean $(PARTS)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' $(MAKEFILE_LIST)
	@echo "single parts of the tests: $(PARTS)"

setup:
	@$(PYTHON) dev/setup.py

matrix:
	@$(PYTHON) dev/setup.py --all

demo: setup ## set up, then do the main job against the simulator
	@$(BIN)/python examples/demo/run.py

test: matrix ## set up, then run every test
	@$(BIN)/python dev/check.py

check: setup ## for every save: style, types and unit tests on one Python
	@$(BIN)/python dev/check.py check

docs: setup ## the documentation site, into docs/build, ready for any static host
	@$(BIN)/python dev/check.py docs

# As targets of make, some of these are something else.
$(filter-out docs,$(PARTS)): matrix
	@$(BIN)/python dev/check.py $(firstword $(subst -, ,$@))

deep: setup ## every matrix whole, into docs/MATRICES.md, 10,000 notifications at the receiver, and atheris; fifteen minutes
	@$(BIN)/python dev/deep.py

sim: setup ## the simulator on port 8765, until stopped
	@$(BIN)/python extensions/simulator --port 8765 $(SIM_ARGS)

bench: setup ## how fast it is, into docs/BENCHMARKS.md; SIZES=1,100 or PROFILE=1 only print
	@$(BIN)/python tests/bench/run.py $(if $(SIZES),--sizes $(SIZES)) $(if $(PROFILE),--profile)

lock: setup ## pin requirements/dev.in anew
	@{ head -n 2 requirements/dev.in; $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--no-header --no-annotate --no-emit-package ansible-core requirements/dev.in; } > requirements/dev.new
	@mv requirements/dev.new requirements/dev.txt

mutation: setup ## break the code that decides and see whether tests notice; takes hours, goes on where it was stopped
	@nice $(BIN)/python dev/mutation.py $(AREA) $(if $(REPORT),--report)

release: setup ## the files of a release, signed by KEY=<ID of a GnuPG key>; uploads nothing
	@$(BIN)/python dev/release.py "$(KEY)"

readmes: setup ## write the roles' README.md from their argument specifications
	@$(BIN)/python dev/role_readmes.py

clean: ## remove everything that was set up or built
	rm -rf .venv .venvs .cache .ansible docs/build tests/output collections
