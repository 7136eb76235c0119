# Every target sets up .venv first where that is needed: Python >= 3.11 with pip, make and git are all it takes.
# ARGS is passed on: make test ARGS='-k field', make verify ARGS=--help.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
LINKS := bptt_oracle/manual bptt_oracle/reference

# Of everything that is installed, the build backend included, the version that constraints.txt names.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt

# By --dist loadfile a module stays on one worker, since its tests share what takes long to work out.
WORKERS := -n auto --maxprocesses 4

# What Python compiles is kept, whatever the environment says: each worker and each command would compile it again.
export PYTHONDONTWRITEBYTECODE :=

# What takes XLA long to compile is kept for the next run.
export JAX_COMPILATION_CACHE_DIR := $(CURDIR)/.jax_cache

.PHONY: help setup verify report readme test slow proof docs lint types bench score clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) $(LINKS)  ## make .venv and install the project in it

verify: setup  ## check every line of every equation, and write reports/
	$(BIN)/bptt-oracle verify $(ARGS)

report: setup  ## draw reports/index.html from the data in reports/
	$(BIN)/bptt-oracle report $(ARGS)

readme: setup  ## put the findings of reports/verdicts.json into README.md, and what its commands print
	$(BIN)/python -m bptt_oracle.report.readme
	$(BIN)/python -m bptt_oracle.report.transcripts

docs: setup  ## build the site in docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going -q -b html -d docs/_build/read docs docs/_build/html

test: setup  ## run the tests
	$(BIN)/pytest $(WORKERS) --dist loadfile $(ARGS)

slow: setup  ## run the tests that take long
	$(BIN)/pytest $(WORKERS) --dist loadfile -m slow $(ARGS)

proof:  ## have Coq check the theorems (installs Debian's coq if it is missing), and write reports/theorems.json
	PYTHON=$(PYTHON) proof/run

lint: setup  ## check style and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: setup  ## check types, strictly
	$(BIN)/mypy

bench: setup  ## measure how fast it all is, and write reports/benchmarks.*; ARGS=--quick takes up to 3 minutes, not 20
	$(BIN)/bptt-oracle bench $(ARGS)

score: setup  ## measure how often the oracle names what is wrong, and write reports/oracle.*; takes long
	$(BIN)/python -m benchmarks.score $(ARGS)

clean:  ## remove everything that was made here, .venv included
	rm -rf .venv $(LINKS) build dist docs/_build *.egg-info
	rm -rf .hypothesis .jax_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python >= 3.11 is needed: make PYTHON=...")'
	$(PYTHON) -m venv --clear .venv

$(INSTALLED): $(BIN)/pip pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# Type checkers and editors do not read what the installation maps to manual/ and reference/; these they follow.
$(LINKS): bptt_oracle/%:
	ln -sfn ../$* $@
