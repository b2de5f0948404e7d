# What one types. Nothing but Python >= 3.11 and make is expected; everything else comes, pinned, into .venv.
# The environment follows pyproject.toml and the constraints by two stamps: what Seatrial needs to run, and what its developers need.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PINNED := $(PIP) install --constraint .ci/constraints.txt
PYTEST := $(BIN)/python -m pytest
REPORTS ?= reports

# Starting Seatrial hundreds of times, nobody wants to compile it hundreds of times, whatever is usual on this machine.
export PYTHONDONTWRITEBYTECODE :=

# Tests that start no clusters of processes first; those that do spend much of their time waiting, and would be disturbed by the others.
SHARED := $(wildcard tests/unit tests/lint tests/golden tests/violations)
PAIRED := $(wildcard tests/strangers tests/packaging tests/implementations)

.DEFAULT_GOAL := help
.PHONY: help conformance test check install ledger constraints kill-matrix strangers bench clean
.PHONY: implementations conformance-kubernetes smoke-kubernetes soak

help:
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1: \2/p' Makefile

conformance: .venv/runtime.stamp ## the whole suite on the reference; reports go to reports/
	$(BIN)/seatrial run -i reference -o $(REPORTS)

test: .venv/development.stamp ## everything that proves Seatrial itself
	$(PYTEST) -n 2 --dist worksteal $(SHARED)
	$(if $(PAIRED),$(PYTEST) -n 2 --dist worksteal $(PAIRED))

# Real Kubernetes is built outside the tree, once. A cluster waits more than it works: three side by side leave two cores little idle; with
# four, leases of two seconds may be lost.
BUILT := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/seatrial
MINORS := $(patsubst tests/implementations/kubernetes/%/kubernetes.yaml,%,$(wildcard tests/implementations/kubernetes/*/kubernetes.yaml))

implementations: .venv/runtime.stamp ## builds real Kubernetes and etcd from source; MINOR=1.30 chooses
	PYTHONPATH=tests $(BIN)/python -m implementations.build --minor "$(MINOR)"

conformance-kubernetes: .venv/development.stamp ## judges real Kubernetes: whole, its older minors, and one component at a time
	$(PYTEST) tests/kubernetes
	$(BIN)/seatrial run -i kubernetes -n 3 -o $(REPORTS)/kubernetes
	set -e; for minor in $(MINORS); do \
	  $(BIN)/seatrial run -i tests/implementations/kubernetes/$$minor/kubernetes.yaml -n 3 -o $(REPORTS)/kubernetes-$$minor; done
	PYTHONPATH=tests $(BIN)/python -m implementations.exchange $(REPORTS)/one-component

RUNS ?= 20
soak: .venv/runtime.stamp ## judges real Kubernetes RUNS times in a row; ends where a verdict is another one, flaky ones included
	set -e; for run in $$(seq $(RUNS)); do $(BIN)/seatrial run -i kubernetes -n 3 -o $(REPORTS)/soak/$$run; done

smoke-kubernetes: .venv/runtime.stamp ## a quick look at real Kubernetes, where it has been built
	@if test -f $(BUILT)/kubernetes/1.37/stamp.json -a -f $(BUILT)/etcd/3.7/stamp.json; \
	  then $(BIN)/seatrial run -i kubernetes --smoke -n 3 -o $(REPORTS)/smoke; \
	  else echo "Real Kubernetes is not judged here: there is none in $(BUILT). make implementations builds it."; fi

check: .venv/development.stamp ## lint, format, types, import contracts, features
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) tests/lint

install: .venv/development.stamp ## the environment, and nothing else

ledger: .venv/development.stamp ## rewrites the states in features/ledger.yaml from the features
	PYTHONPATH=tests $(BIN)/python -m lint.ledger --write

kill-matrix: .venv/development.stamp ## which violation is caught by which rule, and by which scenario first; rewrites what is committed
	PYTHONPATH=tests $(BIN)/python -m violations.matrix --write
	PYTHONPATH=tests $(BIN)/python -m violations.found_by --write

strangers: .venv/development.stamp ## what is found of components that are not ours; rewrites the committed tables
	PYTHONPATH=tests $(BIN)/python -m strangers.tables --write

bench: .venv/development.stamp ## measures the budgets; prints ratios
	PYTHONPATH=tests $(BIN)/python -m bench

clean: ## removes what the other targets made
	rm -rf .venv $(REPORTS) dist build .mypy_cache .ruff_cache .import_linter_cache .hypothesis .pytest_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# A fresh environment without any pins says what today's answer is. The list holds names and versions, no addresses.
constraints: ## pins all dependencies anew, from pyproject.toml
	rm -rf .venv/pins && $(PYTHON) -m venv .venv/pins
	.venv/pins/bin/python -m pip --quiet install --upgrade pip
	.venv/pins/bin/python -m pip --quiet install --group dev
	.venv/pins/bin/python -m pip --quiet install --no-build-isolation --editable .
	.venv/pins/bin/python -m pip list --format=freeze --exclude seatrial > .ci/constraints.txt
	rm -rf .venv/pins

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Seatrial needs Python 3.11 or later: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

.venv/runtime.stamp: pyproject.toml .ci/constraints.txt | .venv/bin/python
	$(PINNED) --upgrade pip
	$(PINNED) --group build
	$(PINNED) --no-build-isolation --editable .
	@touch $@

.venv/development.stamp: .venv/runtime.stamp
	$(PINNED) --group dev
	@touch $@
