# Everything a person or a machine does with a checkout. `make help` lists it.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run test check fmt docs bench soak lock vendor setup setup-dev clean

# The newest Python is not always the best tried one; any from 3.11 on is fine.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python3.14; do \
	$$p -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv/bin
ARGS ?=

help: ## list the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | awk -F'|' '{printf "%-14s %s\n", $$1, $$2}'

run: setup ## set everything up and start Cesar (options: make run ARGS="--port 9000")
	@exec $(VENV)/cesar serve $(ARGS)

test: setup-dev ## run the tests (a part: make test ARGS="tests/unit -k lifecycle")
	@$(VENV)/python scripts/debian_packages.py
	@$(VENV)/python -m pytest $(or $(ARGS),-n 4 --dist loadfile --no-loadscope-reorder)

check: setup-dev ## format, lint, types, import rules, documentation in step
	@$(VENV)/ruff format --check .
	@$(VENV)/ruff check .
	@$(VENV)/mypy
	@$(VENV)/lint-imports
	@$(VENV)/python scripts/write_docs.py --check
	@$(VENV)/python scripts/page_tools.py vendor --check
	@$(VENV)/python scripts/page_tools.py check

fmt: setup-dev ## put the code in its form
	@$(VENV)/ruff check --fix-only .
	@$(VENV)/ruff format .

docs: setup-dev ## write the tables of the documentation anew
	@$(VENV)/python scripts/write_docs.py

# Modules that belong to a program say what they own; the programs themselves say what they measure.
bench: setup-dev ## measure: prints ratio, baseline and machine
	@failed=0; for program in $$(grep -L '^"""Owns' benchmarks/[a-z]*.py); do \
		name=$$(basename $$program .py); echo "== $$name"; $(VENV)/python -m benchmarks.$$name || failed=1; \
	done; exit $$failed

soak: setup-dev ## the long campaigns (hours)
	@$(VENV)/python -m pytest tests/unit -m hypothesis --hypothesis-profile=campaign -n 2 --timeout=0
	@$(VENV)/python -m pytest tests/soak --timeout=0 $(ARGS)

lock: setup-dev ## resolve all dependencies anew and pin them
	@$(VENV)/python scripts/lock.py

vendor: setup-dev ## bundle the page's third-party modules from frontend/package-lock.json
	@$(VENV)/python scripts/page_tools.py vendor

setup: python-found
	@$(PYTHON) scripts/set_up.py

setup-dev: python-found
	@$(PYTHON) scripts/set_up.py --dev --engines-required

.PHONY: python-found
python-found:
	@$(if $(PYTHON),$(PYTHON),false) -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' || { \
		echo "Cesar needs Python 3.11 or newer (looked for python3.11, python3.12, python3.13, python3, python3.14)." >&2; exit 1; }

clean: ## remove the virtual environment and every cache
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .grimp_cache .hypothesis build *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
