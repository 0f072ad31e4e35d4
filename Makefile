# Stridelog. `make` lists what there is; docs/stack.md says more about the local stack.

PYTHON     := .venv/bin/python
UV         := .venv/bin/uv
STACK      ?= local
BROKERS    ?= 1
ACTIVITIES ?=
ARGS       ?=
SEEDS      ?= 5
FIRST      ?= 1
SOURCES    := agents bench compose domain models recordings schemas simulator sinks stridelog tests verification packages
PRESENT     = $(wildcard $(SOURCES))

export STACK

.DEFAULT_GOAL := help
.PHONY: help setup install up down status clean run test chaos seeds bench check lint types lock fmt

help: ## list the targets
	@awk 'BEGIN {FS = ":[^#]*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo '  Variables: ACTIVITIES=folder with FIT, GPX or TCX files, ARGS="more options", BROKERS=1|3, STACK=local|docker, SEEDS=n, FIRST=k'

setup: ## make or update .venv from the lock file; quick when nothing has changed
	@sh compose/bootstrap.sh

$(PYTHON):
	@sh compose/bootstrap.sh

install: setup ## get what the local stack needs: Debian packages (as root) and jars
	@$(PYTHON) -m compose install

up: install ## start the local stack, wait until it answers, show the table
	@$(PYTHON) -m compose up --brokers $(BROKERS)

down: $(PYTHON) ## stop what `make up` has started, and nothing else
	@$(PYTHON) -m compose down

status: $(PYTHON) ## show the services: port, version, state, memory, log
	@$(PYTHON) -m compose status

clean: $(PYTHON) ## stop the stack and remove all that its services have stored
	@$(PYTHON) -m compose clean

run: up ## the whole thing: stack, town, models, workers, replay of ACTIVITIES, live view
	@echo 'stridelog run: topics and tables, a town of athletes, models, workers, replay, live view'
	@.venv/bin/stridelog run $(if $(ACTIVITIES),--activities '$(ACTIVITIES)') $(ARGS)

test: setup ## all tests, on the real servers of the local stack
	@$(PYTHON) -m compose install --services kafka,clickhouse,mongo,redis,postgres,s3
	@echo 'pytest: unit, property, contract, integration, two files of tests at a time (ARGS="-n 0": one)'
	@$(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

chaos: install ## faults of all kinds on a stack of its own, then everything is compared; SEEDS=n, FIRST=k (docs/reliability.md)
	@echo 'chaos: seeds $(FIRST) and on, $(SEEDS) of them'
	@$(PYTHON) -m tests.chaos run --first $(FIRST) --seeds $(SEEDS) $(ARGS)

seeds: install ## five seeds of chaos in their short form, which bring every kind of fault between them, as in CI
	@echo 'chaos: five short seeds'
	@$(PYTHON) -m tests.chaos run --short --first 20 --seeds 5

bench: up ## the main benchmarks on an idle machine, twenty minutes (docs/performance.md)
	@.venv/bin/stridelog bench transport --chart .local/bench/transport.svg
	@.venv/bin/stridelog bench sensors
	@.venv/bin/stridelog bench workouts
	@.venv/bin/stridelog bench freshness
	@.venv/bin/stridelog bench boards

check: lint types test seeds ## lint, types, tests and five seeds of chaos: what must pass before a commit

lint: setup ## ruff, and that generated files are up to date
	@echo 'ruff: rules and format'
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@echo 'stridelog schemas check: generated files, compatibility with every published version'
	@.venv/bin/stridelog schemas check

types: setup ## mypy, strict
	@echo 'mypy --strict'
	@.venv/bin/mypy $(filter-out packages,$(PRESENT)) packages/faust-batches/faust_batches conftest.py

fmt: setup ## format the code, and repair what ruff can repair
	@echo 'ruff: repair and format'
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

lock: setup ## solve the dependencies anew and write requirements.lock
	@echo 'uv: requirements.lock, every package with its hashes'
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --group stack --group dev \
		--no-emit-package faust-batches --output-file requirements.lock pyproject.toml
	@sh compose/bootstrap.sh
