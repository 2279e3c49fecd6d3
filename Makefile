# One tool per job; the same commands here, before a commit and in CI.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Three at a time: most tests wait for processes of their own. A file stays in one of them, so
# that its server starts once, and what takes long begins first (tests/conftest.py). `make test JOBS=0` runs all in one process.
JOBS ?= 3
# What to run, and how: `make test TESTS=tests/unit OPTIONS="-k cidr"`.
TESTS ?=
OPTIONS ?=
# What to measure: parts of benchmarks/end_to_end, or files of benchmarks/ without their .py, as in
# `make bench BENCH=matching` or `make bench BENCH=end_to_end OPTIONS="--system eventflow --rate 500"`.
BENCH ?= end_to_end batch growth troubles async memory profile

.PHONY: help
help: ## List what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt scripts/make-venv
	@scripts/make-venv $(VENV)
	@touch $@

.PHONY: setup
setup: $(STAMP) ## Install the project and its tools into .venv

.PHONY: demo
demo: $(STAMP) ## Run a day of parcels, start to end
	@$(BIN)/eventflow demo

.PHONY: test
test: $(STAMP) ## Run every test (TESTS=…, OPTIONS=…, JOBS=3)
	@scripts/install-test-services
	@$(BIN)/python -m compileall -q eventflow workers # else each process of a test compiles it
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(OPTIONS) $(TESTS); status=$$?; \
	if [ $$status = 5 ]; then echo "No test was collected, which is a failure." >&2; fi; \
	exit $$status

.PHONY: check
check: $(STAMP) ## Check format, lint, types, floors, docstrings, spelling and schemas
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/mypy
	@# Each example is a project of its own, and all of them call their package `shop`.
	for place in examples/*_shop; do (cd $$place && ../../$(BIN)/mypy --config-file ../../pyproject.toml .) || exit 1; done
	$(BIN)/lint-imports
	$(BIN)/interrogate --quiet eventflow workers examples
	$(BIN)/interrogate --quiet --whitelist-regex '^test_' tests
	$(BIN)/codespell
	$(BIN)/eventflow schemas export --check

.PHONY: format
format: $(STAMP) ## Format the code, and mend what lint can
	$(BIN)/ruff check --fix --quiet
	$(BIN)/ruff format --quiet

.PHONY: docs
docs: $(STAMP) ## Write the generated pages of docs/ again
	$(BIN)/python scripts/generate-docs

.PHONY: bench
bench: $(STAMP) ## Measure how fast whole deployments are, or one thing (BENCH=matching …)
	@for name in $(BENCH); do \
		if [ -f benchmarks/$$name.py ]; then \
			echo "== benchmarks/$$name.py" && $(BIN)/python benchmarks/$$name.py || exit 1; \
		else \
			$(BIN)/python -m benchmarks.end_to_end $$name \
				--json benchmarks/results/$$name.json $(OPTIONS) || exit 1; \
		fi; \
	done

.PHONY: clean
clean: ## Remove everything that is made, .venv and .eventflow among it
	rm -rf $(VENV) .eventflow build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
