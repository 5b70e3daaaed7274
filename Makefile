# A fresh machine needs Python 3.11 or newer, gcc and make. `make demo` trains a model; `make test` proves the code.
# The first target to run sets up .venv (some minutes); afterwards that costs nothing until what is needed changes.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JOBS ?= 2
# Tests run side by side, one thread each: more threads than cores make every one of them slower.
PYTEST := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS)

.PHONY: help demo test test-all lint format studio venv clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##/  make \1\t/p' $(MAKEFILE_LIST)

demo: $(READY)  ## train the default recipe on the embedded data (about two minutes on two cores)
	@$(BIN)/danlu train

test: $(READY)  ## the tests, without the long proofs
	@$(PYTEST) -m "not slow"

test-all: $(READY)  ## all tests
	@$(PYTEST)

lint: $(READY)  ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(READY)  ## let ruff format the code
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

studio:  ## check and build the page from studio-ui into the package (needs Node and npm)
	@cd studio-ui && npm ci --no-audit --no-fund && npm run check && npm run build

venv: $(READY)  ## set up .venv only

clean:  ## remove .venv and what tools left behind
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist

# Interrupted at any point, .installing stays, and the next try begins with an empty .venv; .ready comes last.
$(READY): pyproject.toml constraints.txt tools/set-up.sh
	@bash tools/set-up.sh $(VENV)
	@touch $@
