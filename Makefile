# Every target sets up what it needs by itself; `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
JOBS ?= 2
# A folder of wheels to install from without a network; `make wheelhouse` fills it.
WHEELHOUSE ?=
PIP_FROM := $(if $(WHEELHOUSE),--no-index --find-links $(WHEELHOUSE))
PIP := $(PY) -m pip --quiet --disable-pip-version-check
# Of the machine for which wheels are collected, where it is not like this one.
PLATFORM ?=
FOR_PYTHON ?=

.PHONY: help demo test test-slow test-cluster figures check format lint types wheelhouse clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

# The environment is rebuilt when what it should hold changes.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Ballpark needs Python >= 3.11; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install $(PIP_FROM) -c constraints.txt -e ".[dev]"
	@touch $@

$(VENV)/.cluster: $(VENV)/.installed
	$(PIP) install $(PIP_FROM) -c constraints.txt -e ".[dev,cluster]"
	@touch $@

demo: $(VENV)/.installed ## train, score and compare three short agents on Pong (some 3 minutes on 2 cores)
	$(PY) -m studies.demo

# A file's tests stay in one process, so that what they share is built once.
test: $(VENV)/.installed ## the fast test suite (6 to 7 minutes on 2 cores)
	$(PY) -m pytest -q -n $(JOBS) --dist loadfile -m "not slow and not gpu and not cluster"

test-slow: $(VENV)/.installed ## the tests that train something
	$(PY) -m pytest -q -m slow

test-cluster: $(VENV)/.cluster ## the tests that need Ray, on two nodes of this machine (minutes)
	$(PY) -m pytest -q -m cluster

figures: $(VENV)/.installed ## the README's figures and results/claims.json, from results/
	$(PY) -m reporting.figures
	$(PY) evaluate.py --claims --json > results/claims.json.new
	mv results/claims.json.new results/claims.json

format: $(VENV)/.installed ## rewrite the files as ruff would have them
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

lint: $(VENV)/.installed
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .

types: $(VENV)/.installed
	$(PY) -m mypy

check: lint types test ## what CI runs: format, lint, types, tests

wheelhouse: ## collect what a machine without network needs; see docs/clusters.md
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PIP) wheel --no-deps --wheel-dir $(or $(WHEELHOUSE),wheelhouse) .
	$(PIP) download --only-binary=:all: --dest $(or $(WHEELHOUSE),wheelhouse) -c constraints.txt \
		$(addprefix --platform ,$(PLATFORM)) $(addprefix --python-version ,$(FOR_PYTHON)) \
		"$$(ls $(or $(WHEELHOUSE),wheelhouse)/ballpark-*.whl)[dev,cluster]" "setuptools>=77" wheel

clean: ## remove the environment and caches; runs/ and results/ stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache *.egg-info
