# Strongroom. `make help` lists the targets.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
T      ?=
# A file's tests stay together, two files run at once.
PYTEST := $(BIN)/pytest -n 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help venv run test check fix lock bench bench-scale api-reference fuzz clean test-setup

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## build .venv from the hash-locked requirements

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src  # a hook would compile it at each run where nothing may be written
	@touch $@

run: venv ## start a server on the embedded store, unsealed, and say what to try
	@mkdir -p data && PATH="$(CURDIR)/$(BIN):$$PATH" strongroom server --dev --data data/dev

test-setup: venv
	@scripts/test-setup.sh

test: test-setup ## set up what tests need and run them (T=path for some)
	$(PYTEST) $(T)

check: test-setup ## format, lint, types, import floors, tests: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST)

fix: venv ## format and repair what can be repaired
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## make requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-strip-extras \
	  --no-emit-index-url --no-header --no-annotate pyproject.toml -o requirements.lock

api-reference: venv ## write docs/api.md from the route tables
	$(BIN)/python scripts/api_reference.py docs/api.md

bench: venv ## measure ours and the peers side by side and print ratios
	scripts/bench-setup.sh
	$(BIN)/python -m bench

bench-scale: venv ## half an hour of mixed traffic over a large store
	scripts/bench-setup.sh
	$(BIN)/python -m bench.scale.bench

fuzz: venv ## run the fuzz targets for a while
	$(BIN)/python -m tests.fuzz

clean: ## remove what the targets made
	rm -rf $(VENV) .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache data
