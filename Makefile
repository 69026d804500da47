# `make demo` and `make test` start from an empty clone: plain pip in a virtual environment, nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Options of pip for torch alone. Where the registry's torch is a CUDA build of several gigabytes, name an
# index of CPU builds: make test TORCH_INDEX="--index-url URL".
TORCH_INDEX ?=
# The package for CPU-only TensorFlow; on macOS it is called tensorflow.
TENSORFLOW ?= tensorflow-cpu
BACKENDS := tensorflow jax torch
PYTEST := $(BIN)/python -m pytest
# Processes that share the suite, a file of tests at a time.
WORKERS ?= 2
# `make bench`: the models and pictures (none: noise), and the methods measured on PyTorch and JAX.
REAL := ../shared/real
MODEL ?= $(firstword $(wildcard $(REAL)/models/mobilenet_v2*.keras) keras:MobileNetV2)
SMALL ?= $(firstword $(wildcard $(REAL)/models/resnet8*.keras) $(MODEL))
PICTURES ?= $(wildcard $(REAL)/images/coral_cat.*)
SOME := $(addprefix -m ,gradient grad_cam layer_cam smooth_grad integrated_gradients occlusion feature_ablation lime kernel_shap)
BENCH := .venv-bench
DOCS := .venv-docs
PACKAGES := -c 'import sysconfig; print(sysconfig.get_path("purelib"))'
KERASCOPE := $(BENCH)/bin/python -c "from kerascope.cli.main import run; run()" bench
# Many tests start processes: where bytecode is not written, each compiles all of Kerascope anew.
export PYTHONDONTWRITEBYTECODE :=
QUIET := TF_CPP_MIN_LOG_LEVEL=3 OMP_WAIT_POLICY=PASSIVE

.PHONY: help demo test lint types layers packages matrix leaks soak fields bench docs pictures clean

help: ## Show what there is to make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/demo.stamp ## Explain two bundled nets on bundled pictures; prints where the report is
	@$(QUIET) $(BIN)/kerascope demo -o kerascope-demo

test: $(VENV)/test.stamp ## Run the suite on TensorFlow, JAX and PyTorch (tests/once.py: what runs on some of them only)
	@rm -f tests/.saved/contract-*.npz tests/.saved/field-*.json
	$(BIN)/python tests/parity/make_references.py
	@set -e; for backend in $(BACKENDS); do \
		echo "== $$backend"; \
		$(QUIET) KERASCOPE_KEEP=1 KERAS_BACKEND=$$backend $(PYTEST) -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations=15 --ignore=tests/across; \
	done
	@echo "== across backends"
	@$(PYTEST) -q tests/across
	@$(BIN)/python tests/methods/proof.py

lint: $(VENV)/test.stamp ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test.stamp ## Check types
	$(BIN)/mypy

layers: $(VENV)/test.stamp ## Check that imports go down only
	$(BIN)/lint-imports

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: $(BIN)/python pyproject.toml requirements/constraints.txt
	@echo "Setting up $(VENV) with TensorFlow (CPU) …"
	$(PIP) -c requirements/constraints.txt $(TENSORFLOW)
	$(PIP) -c requirements/constraints.txt -e '.[audit]'
	@touch $@

# torch first: what comes later finds it installed and does not fetch another build.
$(VENV)/test.stamp: $(BIN)/python pyproject.toml requirements/constraints.txt requirements/test.txt requirements/oracles.txt
	@echo "Setting up $(VENV) with TensorFlow, JAX and PyTorch …"
	$(PIP) -c requirements/constraints.txt $(TORCH_INDEX) torch
	$(PIP) -c requirements/constraints.txt $(TENSORFLOW) -r requirements/test.txt
	$(PIP) -c requirements/constraints.txt -e .
	$(PIP) --no-deps -r requirements/oracles.txt
	@touch $@ $(VENV)/demo.stamp

packages: ## Build wheel and sdist, and try each in an empty environment of one backend
	@PYTHON="$(PYTHON)" TORCH_INDEX="$(TORCH_INDEX)" TENSORFLOW="$(TENSORFLOW)" .ci/packages

matrix: $(VENV)/test.stamp ## Run every architecture of Keras Applications, and what `make test` samples in full: every method on every shape, compiled = eager; then leaks and soak
	$(QUIET) KERAS_BACKEND=tensorflow $(BIN)/python tests/applications.py
	@rm -f tests/.saved/contract-*.npz tests/.saved/field-*.json
	@set -e; for backend in $(BACKENDS); do \
		$(QUIET) KERASCOPE_KEEP=1 KERASCOPE_FULL=1 KERAS_BACKEND=$$backend $(PYTEST) -q tests/contract; \
	done
	@KERASCOPE_FULL=1 $(PYTEST) -q tests/across/test_field_table.py tests/across/test_backends_agree.py
	$(MAKE) leaks soak

leaks: $(VENV)/test.stamp ## Write docs/leaks.md: memory over 500 calls of every method
	$(QUIET) KERAS_BACKEND=tensorflow $(BIN)/python tests/leaks.py

soak: $(VENV)/test.stamp ## Write docs/soak.md: memory of the studio over 10,000 requests
	$(QUIET) KERAS_BACKEND=tensorflow $(BIN)/python tests/soak.py

fields: $(VENV)/test.stamp ## Write docs/field-table.md: what every method does on every shape of model
	$(QUIET) KERAS_BACKEND=tensorflow $(BIN)/python tests/field_table.py

# An environment on top of $(VENV), so that the libraries measured beside Kerascope change nothing there.
$(BENCH)/stamp: $(VENV)/test.stamp benchmarks/requirements.txt
	$(BIN)/python -m venv $(BENCH)
	@echo "import site; site.addsitedir('$$($(BIN)/python $(PACKAGES))')" > \
		"$$($(BENCH)/bin/python $(PACKAGES))/below.pth"
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r benchmarks/requirements.txt
	@touch $@

bench: $(BENCH)/stamp ## Measure every method against its pass-count floor, beside other libraries
	@$(QUIET) KERAS_BACKEND=tensorflow $(KERASCOPE) $(MODEL) $(PICTURES) --peers benchmarks/peers_tensorflow.py --repeats 3 -o benchmarks/RESULTS.md
	@$(QUIET) KERAS_BACKEND=torch $(KERASCOPE) $(MODEL) $(PICTURES) --peers benchmarks/peers_torch.py --repeats 3 $(SOME) -o benchmarks/RESULTS.md
	@$(QUIET) KERAS_BACKEND=jax $(KERASCOPE) $(SMALL) $(PICTURES) --preprocess none --repeats 3 $(SOME) -o benchmarks/RESULTS.md

# Another environment on top of $(VENV), for what builds the site.
$(DOCS)/stamp: $(VENV)/demo.stamp requirements/docs.txt requirements/constraints.txt
	$(BIN)/python -m venv $(DOCS)
	@echo "import site; site.addsitedir('$$($(BIN)/python $(PACKAGES))')" > \
		"$$($(DOCS)/bin/python $(PACKAGES))/below.pth"
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check -c requirements/constraints.txt -r requirements/docs.txt
	@touch $@

docs: $(DOCS)/stamp ## Build the documentation site into build/site, warnings as errors
	@$(QUIET) KERAS_BACKEND=tensorflow $(DOCS)/bin/python -m docs_site.build

pictures: $(VENV)/test.stamp ## Draw the pictures of the methods' pages anew
	@$(QUIET) KERAS_BACKEND=tensorflow $(BIN)/python -m docs_site.pictures $(MODEL) $(addprefix -l ,$(wildcard $(REAL)/imagenet_class_index.json))

clean: ## Remove what make made
	rm -rf $(VENV) $(BENCH) $(DOCS) kerascope-demo tests/.saved .pytest_cache .mypy_cache .ruff_cache build dist
