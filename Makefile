# Each command does all its own set-up: it needs Python 3.11 or newer, make and git, nothing else.
# Two environments, since the tap's dependencies and Meltano's must not decide each other's versions.

PYTHON ?= python3
DEV := .venv
MELTANO := .venv-meltano
# Left out: compiling all of what is downloaded, most of which is never imported.
INSTALL := -m pip install --quiet --disable-pip-version-check --no-compile

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint test-meltano test-slow test-targets bench dist clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: .meltano/installed ## read some thousand made-up candidates with Meltano; needs no account
	@$(MELTANO)/bin/python -X utf8 -m tests.demo $(MELTANO)/bin/meltano

test: $(DEV)/installed-test ## run the quick tests
	$(DEV)/bin/pytest

lint: $(DEV)/installed-lint ## check style and types
	$(DEV)/bin/ruff check
	$(DEV)/bin/ruff format --check
	$(DEV)/bin/mypy
	$(DEV)/bin/ty check --python $(DEV)

test-meltano: $(DEV)/installed-test $(MELTANO)/installed-meltano ## run real pipelines with Meltano
	MELTANO="$(CURDIR)/$(MELTANO)/bin/meltano" $(DEV)/bin/pytest -m meltano

test-slow: $(DEV)/installed-test ## run the tests that wait or read a lot
	$(DEV)/bin/pytest -m slow

test-targets: $(DEV)/installed-test ## load into real targets, each in its own environment
	$(DEV)/bin/pytest -m targets

bench: $(DEV)/installed-test ## measure how fast the tap reads, and in how much memory
	$(DEV)/bin/python -m tests.benchmarks

dist: $(DEV)/installed-dist ## build the wheel and the source distribution
	rm -rf dist
	$(DEV)/bin/python -m build
	$(DEV)/bin/twine check --strict dist/*

clean: ## remove what these commands have made
	rm -rf $(DEV) $(MELTANO) .meltano dist build output/demo *.egg-info
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache

# A file in an environment says what is installed there; it is older than what it was made from when that changes.

$(DEV)/installed-pip $(MELTANO)/installed-pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@echo "Making $(@D) ..."
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python $(INSTALL) --upgrade pip
	@touch $@

$(DEV)/installed-test: $(DEV)/installed-pip pyproject.toml
	@echo "Installing the tap and its test tools ..."
	@$(DEV)/bin/python $(INSTALL) --group test --editable .
	@touch $@

$(DEV)/installed-lint: $(DEV)/installed-test
	@echo "Installing the checkers ..."
	@$(DEV)/bin/python $(INSTALL) --group lint
	@touch $@

$(DEV)/installed-dist: $(DEV)/installed-pip
	@$(DEV)/bin/python $(INSTALL) build twine
	@touch $@

$(MELTANO)/installed-meltano: $(MELTANO)/installed-pip
	@echo "Installing Meltano ..."
	@$(MELTANO)/bin/python $(INSTALL) 'meltano~=4.4'
	@touch $@

.meltano/installed: $(MELTANO)/installed-meltano pyproject.toml meltano.yml
	@echo "Installing the tap and the loader with Meltano ..."
	@$(MELTANO)/bin/meltano --log-level=warning install
	@touch $@
