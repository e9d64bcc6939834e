# Each command does all its own set-up: it needs Python 3.11 or newer, make and git, nothing else.
# Four environments, since the tap's dependencies, their lowest versions, Meltano's and a builder's must not decide each
# other's versions.

PYTHON ?= python3
DEV := .venv
MELTANO := .venv-meltano
DIST := .venv-dist
LOWEST := .venv-lowest
SCHEMA := $(DEV)/bin/check-jsonschema --builtin-schema vendor
# Left out: compiling all of what is downloaded, most of which is never imported.
INSTALL := -m pip install --quiet --disable-pip-version-check --no-compile

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint test-lowest test-meltano test-slow test-targets test-examples test-dist bench moving hub dist clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: $(DEV)/installed-tap .meltano/installed ## read some thousand made-up candidates with Meltano; needs no account
	@$(MELTANO)/bin/python -X utf8 -m tests.demo $(MELTANO)/bin/meltano

test: $(DEV)/installed-test ## run the quick tests
	$(DEV)/bin/pytest --numprocesses auto

lint: $(DEV)/installed-lint ## check style, types and workflows
	$(DEV)/bin/ruff check
	$(DEV)/bin/ruff format --check
	$(DEV)/bin/mypy
	$(DEV)/bin/ty check --python $(DEV)
	$(DEV)/bin/zizmor --quiet --offline --no-progress --persona=pedantic .github
	$(SCHEMA).github-workflows .github/workflows/*.yml
	$(SCHEMA).dependabot .github/dependabot.yml
	$(SCHEMA).github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/idea.yml
	$(SCHEMA).meltano meltano.yml

test-lowest: $(LOWEST)/installed-lowest ## run the quick tests with the lowest versions of what the tap depends on
	$(LOWEST)/bin/pytest --numprocesses auto

test-meltano: $(DEV)/installed-test $(MELTANO)/installed-meltano ## run real pipelines with Meltano
	MELTANO="$(CURDIR)/$(MELTANO)/bin/meltano" $(DEV)/bin/pytest -m meltano

test-slow: $(DEV)/installed-test ## run the tests that wait or read a lot
	$(DEV)/bin/pytest -m slow

test-targets: $(DEV)/installed-test $(MELTANO)/installed-meltano ## load into real targets, each in its own environment
	MELTANO="$(CURDIR)/$(MELTANO)/bin/meltano" $(DEV)/bin/pytest -m targets

test-examples: $(DEV)/installed-test $(MELTANO)/installed-meltano ## run the examples as they stand, with made-up candidates
	MELTANO="$(CURDIR)/$(MELTANO)/bin/meltano" $(DEV)/bin/pytest -m examples

test-dist: dist $(DEV)/installed-test ## try the wheel by itself, by the README's quick start
	$(DEV)/bin/pytest -m dist

bench: $(DEV)/installed-test ## measure how fast the tap reads, and in how much memory
	$(DEV)/bin/python -m tests.benchmarks

moving: $(DEV)/installed-test ## show what readers lose of a list that moves, and what the tap does not
	$(DEV)/bin/python -m tests.moving

hub: $(DEV)/installed-test ## write the listing for Meltano Hub, and plugin.yaml
	$(DEV)/bin/python -m tests.hub

dist: $(DIST)/installed-dist ## build the wheel and the source distribution
	rm -rf dist
	$(DIST)/bin/python -m build
	$(DIST)/bin/twine check --strict dist/*

clean: ## remove what these commands have made
	rm -rf $(DEV) $(LOWEST) $(MELTANO) $(DIST) .meltano dist build output/demo *.egg-info
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache

# A file in an environment says what is installed there; it is older than what it was made from when that changes.

$(DEV)/installed-pip $(LOWEST)/installed-pip $(MELTANO)/installed-pip $(DIST)/installed-pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@echo "Making $(@D) ..."
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python $(INSTALL) --upgrade pip
	@touch $@

$(DEV)/installed-tap: $(DEV)/installed-pip pyproject.toml
	@echo "Installing the tap ..."
	@$(DEV)/bin/python $(INSTALL) --editable .
	@touch $@

$(DEV)/installed-test: $(DEV)/installed-tap
	@echo "Installing the test tools ..."
	@$(DEV)/bin/python $(INSTALL) --group test
	@touch $@

$(DEV)/installed-lint: $(DEV)/installed-test
	@echo "Installing the checkers ..."
	@$(DEV)/bin/python $(INSTALL) --group lint
	@touch $@

$(LOWEST)/installed-lowest: $(LOWEST)/installed-pip pyproject.toml
	@echo "Installing the lowest versions ..."
	@$(LOWEST)/bin/python $(INSTALL) uv
	@$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST) --resolution lowest-direct --editable . --group test
	@touch $@

$(DIST)/installed-dist: $(DIST)/installed-pip
	@echo "Installing what builds ..."
	@$(DIST)/bin/python $(INSTALL) build twine
	@touch $@

$(MELTANO)/installed-meltano: $(MELTANO)/installed-pip
	@echo "Installing Meltano ..."
	@$(MELTANO)/bin/python $(INSTALL) 'meltano~=4.4'
	@touch $@

.meltano/installed: $(MELTANO)/installed-meltano pyproject.toml meltano.yml
	@echo "Installing the tap and the loader with Meltano ..."
	@$(MELTANO)/bin/meltano --log-level=warning install
	@touch $@
