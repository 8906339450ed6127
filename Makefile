# `make` alone lists the targets.

PYTHON ?= python3
PORT ?= 4566
EXIT ?=
KILLS ?= 200

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help demo test bench torture clean
.DEFAULT_GOAL := help

help:  ## this list
	@echo "make demo           the whole tutorial, walked through with the real AWS CLI; Ctrl-C ends it"
	@echo "make demo EXIT=1    the same, and ends by itself: status 0 only if every check held"
	@echo "make demo PORT=N    the same on another port"
	@echo "make test           format, lint, types and all tests"
	@echo "make bench          the figures of this machine, then Tabletop beside every peer that can be installed here"
	@echo "make torture        kills the server 400 times under load, then injects faults; half an hour (KILLS=N: fewer)"
	@echo "make clean          removes what these targets made"

demo: .venv/.has-cli
	@$(BIN)/python -m demo --port $(PORT) $(if $(filter-out 0,$(EXIT)),--exit)

test: .venv/.has-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict src
	$(BIN)/python -m pytest

bench: .venv/.has-dev
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.compare

torture: .venv/.has-dev
	$(BIN)/python -m benchmarks.torture --kills $(KILLS)
	$(BIN)/python -m benchmarks.torture --kills $(KILLS) --workers 2
	$(BIN)/python -m benchmarks.torture --faults

clean:
	rm -rf .venv .demo .bench build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp says what the environment holds; it is made anew when the dependencies change.
.venv/.has-cli: .venv/.made pyproject.toml constraints.txt
	@echo "Installing Tabletop and the AWS CLI into .venv (once) ..."
	@$(PIP) --editable '.[cli]'
	@touch $@

.venv/.has-dev: .venv/.made pyproject.toml constraints.txt
	@echo "Installing Tabletop and what its tests need into .venv (once) ..."
	@$(PIP) --editable '.[dev]'
	@touch $@ .venv/.has-cli

# Debian and Ubuntu ship python3 without venv's pip; virtualenv or the system's pip can stand in for it.
.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Tabletop needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..."; exit 1; }
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then $(PYTHON) -m venv .venv; \
	elif $(PYTHON) -c 'import virtualenv' 2>/dev/null; then $(PYTHON) -m virtualenv --quiet .venv; \
	elif $(PYTHON) -m pip --version >/dev/null 2>&1; then \
		$(PYTHON) -m venv --without-pip .venv && $(PYTHON) -m pip --quiet --python $(BIN)/python install pip; \
	else echo "Python's venv module is missing; install it: sudo apt install python3-venv"; exit 1; fi
	@touch $@
