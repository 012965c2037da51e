# Everything a newcomer needs: `make demo` and `make test`. Both install first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install demo test test-slow test-oldest test-gpu check lint types layers bench docs release-check clean clean-kernels help

help:
	@echo "make demo       install, build the embedded corpus, train on it, look at the result"
	@echo "make test       install, run the fast tests"
	@echo "make test-slow  install the rivals, run the slow tests too"
	@echo "make test-oldest  the fast tests with the oldest versions of what fastw2v needs"
	@echo "make test-gpu   the exact softmax by PyTorch, in an environment of its own, without a GPU"
	@echo "make check      lint, types, layers"
	@echo "make bench      micro-benchmarks of the kernels, and the product's main rates"
	@echo "make docs       build the site of documents in build/site; a warning is an error"
	@echo "make release-check  build sdist and wheel, check them, install the wheel alone and use it"
	@echo "make clean-kernels  remove compiled kernels from the checkout, to time a first start"

install: $(STAMP)

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $(STAMP)

demo: install
	$(BIN)/python corpora/wikipedia.py
	$(BIN)/python bench/demo.py

# A process for each core.
test: install
	$(BIN)/python -m pytest -n auto

test-slow: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[browser,chinese,databases,dev,docs,faiss,interop,japanese,korean,map,rivals,thai,trackers]'
	command -v chromium >/dev/null || test "$$(id -u)" != 0 || (apt-get update && apt-get install -y chromium)
	$(BIN)/python -m pytest -m 'slow or not slow'

# The oldest versions that pyproject.toml allows, in an environment of their own.
OLDEST := .venv-oldest/bin/python
test-oldest:
	test -x $(OLDEST) || $(PYTHON) -m venv .venv-oldest
	$(OLDEST) -m pip install --quiet --disable-pip-version-check uv
	$(OLDEST) -m uv pip install --quiet --python $(OLDEST) --resolution lowest-direct --editable '.[dev]'
	$(OLDEST) -m pytest -n auto

# The output layer by PyTorch, in an environment of its own: PyTorch is large, on Linux with CUDA's
# libraries. GPU_OPTIONS may name an index of smaller builds for pip.
GPU := .venv-gpu/bin/python
test-gpu:
	test -x $(GPU) || $(PYTHON) -m venv .venv-gpu
	$(GPU) -m pip install --quiet --disable-pip-version-check $(GPU_OPTIONS) --editable '.[dev,gpu]'
	$(GPU) -m pytest -m 'slow or not slow' tests/objectives/test_device_layer.py tests/objectives/test_device_inputs.py tests/training/test_device_runs.py tests/training/test_devices_missing.py tests/bench/test_bench_gpu.py

bench: install
	$(BIN)/python -m pytest bench --benchmark-only --benchmark-disable-gc -m 'not slow'
	$(BIN)/python bench/bench_exact_step.py
	$(BIN)/python bench/bench_counting.py
	$(BIN)/python bench/bench_vocabulary.py
	$(BIN)/python bench/bench_formats.py

check: lint types layers

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

layers: install
	$(BIN)/lint-imports

# The entrance is build/site/index.html, which opens without a server.
docs: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,docs]'
	rm -rf build/site
	$(BIN)/python -m sphinx -q -W --keep-going -b html -c site -d build/doctrees . build/site

# What the release workflow publishes: built from the sdist, installed where nothing else is, used
# from another folder, so that the checkout cannot stand in for what the wheel lacks.
RELEASE := build/release
release-check: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,release]'
	rm -rf dist $(RELEASE)
	$(BIN)/python -m build --outdir dist
	$(BIN)/twine check --strict dist/*
	$(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	$(RELEASE)/bin/fastw2v --version
	$(RELEASE)/bin/python -P corpora/wikipedia.py $(CURDIR)/$(RELEASE)/corpus.txt
	cp bench/demo.py $(RELEASE)/demo.py
	cd $(RELEASE) && bin/python demo.py --corpus corpus.txt --output $(CURDIR)/$(RELEASE)/model
	cd $(RELEASE) && bin/fastw2v neighbors model river

clean-kernels:
	find fastw2v/kernels -name __pycache__ -type d -prune -exec rm -rf {} +

clean:
	rm -rf $(VENV) .venv-oldest .venv-gpu .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
