# Needs python3 (3.11 or newer), git and make. Everything else goes into $(VENV); Icarus Verilog,
# which the tests of the offload blocks simulate with, comes from the system's package manager.

SHELL := /bin/bash
VENV ?= .venv
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$python; break; }; done)
# processes for the tests; 0 runs them in one
JOBS ?= $(shell n=$$(nproc 2>/dev/null || echo 1); \
	if [ $$n -gt 8 ]; then echo 8; elif [ $$n -gt 1 ]; then echo $$n; else echo 0; fi)
# more arguments for pytest, such as TEST="tests/engine -x"
TEST ?=

RUN := $(VENV)/bin/python
# installed again when the requirements change or the tree has moved
STATE := $(shell { pwd; cat pyproject.toml; } | cksum | cut -d' ' -f1)
READY := $(VENV)/.ready-$(STATE)
TOOLS := $(VENV)/.tools-$(STATE)
INSTALL := $(RUN) -m pip install -qq --disable-pip-version-check --retries 3

.PHONY: help ready demo test lint types wheel-test bench reproduce docs clean

help:
	@echo "make demo        replay every system on its packaged sample, beside its baselines"
	@echo "make test        the tests, without the slow ones"
	@echo "make lint types  ruff, mypy --strict"
	@echo "make wheel-test  build the wheel through the source archive, run the tests against it"
	@echo "make bench       benchmarks"
	@echo "make reproduce   published against simulated: writes the tables in the documentation"
	@echo "make docs        writes what is generated in docs/: reference and index"
	@echo "make clean       remove what builds and tests leave behind"

ready: $(TOOLS)

demo: $(READY)
	@$(VENV)/bin/rackwright demo

test: $(TOOLS)
	@.ci/icarus
	@$(RUN) -m pytest -n $(JOBS) --dist loadgroup $(TEST)

lint: $(TOOLS)
	@$(RUN) -m ruff check

types: $(TOOLS)
	@$(RUN) -m mypy

wheel-test: $(READY)
	@.ci/run wheel

bench: $(TOOLS)
	@ls bench/bench_*.py >/dev/null 2>&1 || { echo "there are no benchmarks in this tree"; exit 1; }
	@for script in bench/bench_*.py; do $(RUN) $$script || exit 1; done

# third-party data, which some rows need: make reproduce DATA=/path; with SENSITIVITY=1 it takes
# half an hour
reproduce: $(READY)
	@$(VENV)/bin/rackwright reproduce $(if $(SENSITIVITY),--sensitivity) --jobs 2 $(if $(DATA),--data $(DATA)) \
		--update README.md --update docs/reproduction.md

docs: $(READY)
	@$(RUN) docs/generate.py

clean:
	@rm -rf build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	@find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
	@find . -name sim_build -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(READY):
	@test -n "$(PYTHON)" || { echo "rackwright needs Python 3.11 or newer: install python3.11" \
		"with its venv module, or name one: make PYTHON=/path/to/python"; exit 4; }
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@echo "installing rackwright and what it needs into $(VENV) (a few minutes at first)"
	@$(INSTALL) -e '.[plot,hdl]' || $(RUN) .ci/installed plot hdl
	@rm -f $(VENV)/.ready-*
	@touch $@

# what tests and checks need on top
$(TOOLS): $(READY)
	@echo "installing what the tests need"
	@$(INSTALL) -e '.[dev]' || $(RUN) .ci/installed dev
	@rm -f $(VENV)/.tools-*
	@touch $@
