# Everything a newcomer needs: `make demo` and `make test`. Both install first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install demo test test-slow check lint types layers bench clean help

help:
	@echo "make demo       install, build the embedded corpus, train on it, look at the result"
	@echo "make test       install, run the fast tests"
	@echo "make test-slow  install the rivals, run the slow tests too"
	@echo "make check      lint, types, layers"
	@echo "make bench      micro-benchmarks of the kernels"

install: $(STAMP)

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $(STAMP)

demo: install
	$(BIN)/python corpora/wikipedia.py
	$(BIN)/python bench/demo.py

test: install
	$(BIN)/python -m pytest

check: lint types layers

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

layers: install
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
