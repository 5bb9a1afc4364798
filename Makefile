# make train                 train Pong into logs/pong, or go on with it; Ctrl+C saves
# make train GAME=breakout ARGS="--arch NATURE"
# make test                  the quick tests; make test-all: every test
# make lint                  format and types; make format: correct the format
# make docs                  the documentation's pages into site/; docs-serve: on http://127.0.0.1:8000
# make tensorboard           the curves of all runs, on http://127.0.0.1:6006

PYTHON ?= python3
GAME ?= pong
VENV := .venv
BIN := $(VENV)/bin
# A process for each core, four at most. All tests of one file run in one process and share its trained runs.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: train test test-all lint format docs docs-serve tensorboard benchmark clean

train: $(VENV)/run.installed
	exec $(BIN)/python train.py -g $(GAME) -df logs/$(GAME) $(ARGS)

test: $(VENV)/test.installed
	$(PYTEST) -m "not slow" $(ARGS)

test-all: $(VENV)/test.installed
	$(PYTEST) $(ARGS)

lint: $(VENV)/test.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/test.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

benchmark: $(VENV)/run.installed
	$(BIN)/python script/benchmark.py $(ARGS)

# Strict: a broken link or a page that the menu does not list is an error.
docs: $(VENV)/docs.installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

docs-serve: $(VENV)/docs.installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve --dev-addr 127.0.0.1:8000

tensorboard: $(VENV)/run.installed
	@$(BIN)/python -m paac.summaries.address
	$(BIN)/tensorboard --logdir logs --host 127.0.0.1

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.installed: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/test.installed: tests/requirements.txt script/requirements-ray.txt script/requirements-tune.txt requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	touch $@

$(VENV)/docs.installed: docs/requirements.txt | $(VENV)/run.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r docs/requirements.txt
	touch $@
