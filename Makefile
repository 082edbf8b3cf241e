# dioptre: `make demo` and `make test` set up what they need; `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
ifeq ($(UV),)
MAKE_VENV = $(PYTHON) -m venv $(VENV)
INSTALL = $(BIN)/python -m pip install -q --disable-pip-version-check
else
MAKE_VENV = $(UV) venv -q --allow-existing --python $(PYTHON) $(VENV)
INSTALL = $(UV) pip install -q --python $(BIN)/python
endif
PINS := deploy/requirements

.PHONY: help setup demo test lint test-faults test-engines kafka flink prism kafka-stop flink-stop prism-stop bench bench-keys bench-sql bench-readers bench-stream bench-templates bench-cascade bench-models train-models train-exits train-tiny pins clean exactly-once soak soak-long bench-freshness bench-checkpoints bench-energy bench-relabel bench-learn

help: ## list the targets
	@grep -hE '^[a-z -]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 36

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "dioptre needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 setup"; exit 2; }
	@$(MAKE_VENV)

$(VENV)/runtime.stamp: $(PINS)/runtime.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing the pinned packages into $(VENV) ..."
	@$(INSTALL) --require-hashes -r $(PINS)/runtime.txt
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(PINS)/dev.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing the pinned packages, with those for development, into $(VENV) ..."
	@$(INSTALL) --require-hashes -r $(PINS)/dev.txt
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/runtime.stamp

setup: $(VENV)/runtime.stamp ## install what dioptre needs into .venv; leaves .venv/bin/dioptre

demo: setup ## label the sample logs into a lake and answer a first question
	@deploy/demo.sh

test: $(VENV)/dev.stamp lint ## lint, types, layers, and all quick tests
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile -m "not slow and not engines"

lint: $(VENV)/dev.stamp
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test-faults: $(VENV)/dev.stamp ## kill, fill and bomb it for some minutes
	@$(BIN)/python -m pytest -m "slow and not engines" tests

test-engines: $(VENV)/dev.stamp ## all that needs a real Kafka, Flink, Prism or rsyslog (needs java, mvn, go)
	@$(BIN)/python -m pytest -m engines tests/engines

kafka flink prism: $(VENV)/dev.stamp ## fetch and start a real one beside the terminal; say how to use it
	@$(BIN)/python -m tests.engines.background $@ start

kafka-stop flink-stop prism-stop: $(VENV)/dev.stamp ## stop it again, by its process id
	@$(BIN)/python -m tests.engines.background $(@:-stop=) stop

exactly-once: $(VENV)/dev.stamp ## kill streams on three engines and count what was lost and doubled (needs java, mvn, go; half an hour)
	@$(BIN)/python -m tests.engines.exactly_once

soak: $(VENV)/dev.stamp ## a stream at 70 % of its peak for half an hour: memory, open files, conservation
	@$(BIN)/python -m tests.bench.bench_soak --verbose

soak-long: $(VENV)/dev.stamp ## the same for two hours
	@$(BIN)/python -m tests.bench.bench_soak --verbose --minutes 120

bench-checkpoints: $(VENV)/dev.stamp ## how Flink's checkpoints grow under a stream, over an hour
	@$(BIN)/python -m tests.bench.bench_checkpoints --verbose

bench-freshness: $(VENV)/dev.stamp ## from the broker's log to SQL, at 1,000 records a second, on three engines
	@$(BIN)/python -m tests.bench.bench_freshness

bench: $(VENV)/dev.stamp ## speed of the whole backfill against Drain3, memory, scaling, novelty
	@$(BIN)/python -m tests.bench.bench_backfill

bench-keys: $(VENV)/dev.stamp ## kinds in a million lines, and the share of the hundred largest
	@$(BIN)/python -m tests.bench.bench_keys

bench-sql: $(VENV)/dev.stamp ## the twelve questions on ten million events
	@$(BIN)/python -m tests.bench.bench_sql

bench-readers: $(VENV)/dev.stamp ## four sessions ask for ten minutes while segments land and compactions run
	@$(BIN)/python -m tests.bench.bench_readers

bench-stream: $(VENV)/dev.stamp ## topics into a lake beside kafka-python's own poll loop, on Kafka, Prism and Flink
	@$(BIN)/python -m tests.bench.bench_stream

bench-templates: $(VENV)/dev.stamp ## score templates on Loghub-2k beside Drain3 (needs ../shared/data)
	@$(BIN)/python -m tests.bench.bench_templates

bench-learn: $(VENV)/dev.stamp ## calls by stage on a stream with new kinds, and what a flood of junk kinds does
	@$(BIN)/python -m tests.bench.bench_learn

bench-relabel: $(VENV)/dev.stamp ## relabel a kind with a million events, ask, undo it, ask again
	@$(BIN)/python -m tests.bench.bench_relabel

bench-energy: $(VENV)/dev.stamp ## Wh of a million events, from a real Kafka broker to the lake, warm, as `dioptre report` tells
	@$(BIN)/python -m tests.bench.bench_energy

bench-certify: $(VENV)/dev.stamp ## how often certificates are wrong and how far they reach, beside other methods; what depth costs
	@$(BIN)/python -m tests.bench.bench_certify

bench-cascade: $(VENV)/dev.stamp ## who answers what: kinds by stage, calls and CPU for a million events
	@$(BIN)/python -m tests.bench.bench_cascade

bench-models: $(VENV)/dev.stamp ## what each model and all together are worth on programs nobody trained on, beside simpler ways
	@$(BIN)/python -m tests.bench.bench_models

train-models: $(VENV)/dev.stamp ## train all models anew, one after the other (needs torch: the extra `train`, and BASE=)
	@$(BIN)/dioptre train tiny
	@$(BIN)/dioptre train large --base $(or $(BASE),sentence-transformers/all-MiniLM-L6-v2) --keep $(VENV)/network
	@$(BIN)/dioptre train small --kept $(VENV)/network
	@$(BIN)/dioptre train exits

train-exits: $(VENV)/dev.stamp ## fit when stages may answer alone, anew after any model
	@$(BIN)/dioptre train exits

train-tiny: $(VENV)/dev.stamp ## train the tiny classifier anew from sample_data/corpus
	@$(BIN)/dioptre train tiny

pins: ## resolve the pinned requirements anew (needs uv)
	@printf 'hatchling>=1.27\neditables\n' > $(VENV)/build.in
	@for kind in runtime dev; do \
	  $(or $(UV),uv) pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	    --no-header $$([ $$kind = dev ] && echo "--extra dev -c $(PINS)/runtime.txt") pyproject.toml $(VENV)/build.in \
	    -o $(PINS)/$$kind.txt; done

clean: ## remove .venv and caches
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
