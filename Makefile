# Every target sets up what it needs by itself; `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
JOBS ?= 2

.PHONY: help demo test test-slow figures check format lint types clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

# The environment is rebuilt when what it should hold changes.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Ballpark needs Python >= 3.11; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

demo: $(VENV)/.installed ## train, score and compare three short agents on Pong (10 minutes on 2 cores)
	$(PY) -m studies.demo

test: $(VENV)/.installed ## the fast test suite (5 minutes on 2 cores)
	$(PY) -m pytest -q -n $(JOBS) -m "not slow and not gpu"

test-slow: $(VENV)/.installed ## the tests that train something
	$(PY) -m pytest -q -m slow

figures: $(VENV)/.installed ## the README's figures, from results/
	$(PY) -m reporting.figures

format: $(VENV)/.installed ## rewrite the files as ruff would have them
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

lint: $(VENV)/.installed
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .

types: $(VENV)/.installed
	$(PY) -m mypy

check: lint types test ## what CI runs: format, lint, types, tests

clean: ## remove the environment and caches; runs/ and results/ stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache *.egg-info
