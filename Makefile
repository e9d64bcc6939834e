# Each command does all its own set-up: it needs Python 3.11 or newer, make and git, nothing else.
# Several environments, since the tap's dependencies, their lowest and newest versions, Meltano's and a builder's must not
# decide each other's versions. `make test PYTHON=python3.12` has environments of its own, so that nothing is made anew
# when the next command asks for another Python.

PYTHON ?= python3
OTHER := $(addprefix -,$(filter-out python3,$(notdir $(PYTHON))))
DEV := .venv$(OTHER)
MELTANO := .venv-meltano$(OTHER)
DIST := .venv-dist$(OTHER)
LOWEST := .venv-lowest$(OTHER)
NEWEST := .venv-newest$(OTHER)
COLLECT := .venv-wheels$(OTHER)
DOCS := .venv-docs$(OTHER)
# What builds a release, and what the container is made of: each program's list of versions and hashes.
PINS := pins
# Where the wheels for the container go, for which Python and machine, and which programs it has beside the tap.
WHEELS := wheels
IMAGE_PYTHON := $(shell sed -n 's/^FROM python:\([0-9.]*\).*/\1/p' Dockerfile)
IMAGE_MACHINE := x86_64
WITH :=
IMAGE = --pins $(PINS) --python $(IMAGE_PYTHON) --machine $(IMAGE_MACHINE) $(WHEELS)
SCHEMA := $(DEV)/bin/check-jsonschema --builtin-schema vendor
# Left out: compiling all of what is downloaded, most of which is never imported.
QUIETLY := --quiet --disable-pip-version-check --no-compile
INSTALL := -m pip install $(QUIETLY)
# Compiled in an environment instead, once: each process would do it anew where a shell says that nothing is to be kept.
COMPILED = PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX="$(CURDIR)/$(1)/compiled"
# Both archives, by the pinned tools alone, and with the time of the commit instead of that of the build.
BUILD = SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} $(DIST)/bin/python -m build --no-isolation
# The sandbox needs nothing that Meltano does not have, so that there is no environment to make for it.
DEMO = $(call COMPILED,$(MELTANO)) $(MELTANO)/bin/python -X utf8 -m tests.demo $(MELTANO)/bin/meltano \
  .meltano/extractors/tap-interviewflow/venv/bin/tap-interviewflow

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo demo-picture test lint test-lowest test-newest test-meltano test-slow test-targets test-examples test-dist \
  bench moving hub docs pins dist wheels clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: .meltano/installed ## show in a minute what the tap does, with made-up candidates; needs no account
	@$(DEMO)

demo-picture: .meltano/installed ## run the demo, and draw what it prints into docs/demo.svg
	@$(DEMO) docs/demo.svg

test: $(DEV)/installed-test ## run the quick tests
	$(call COMPILED,$(DEV)) $(DEV)/bin/pytest --numprocesses auto

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
	$(DEV)/bin/pre-commit validate-config

test-lowest: $(LOWEST)/installed-lowest ## run the quick tests with the lowest versions of what the tap depends on
	$(LOWEST)/bin/pytest --numprocesses auto

test-newest: $(NEWEST)/installed-newest ## run the quick tests with the newest SDK, although the tap does not allow it yet
	$(NEWEST)/bin/pytest --numprocesses auto

test-meltano: $(DEV)/installed-test $(MELTANO)/installed-meltano ## run real pipelines with Meltano
	MELTANO="$(CURDIR)/$(MELTANO)/bin/meltano" $(DEV)/bin/pytest -m meltano

test-slow: $(DEV)/installed-test ## run the tests that wait or read a lot
	HYPOTHESIS_PROFILE=slow $(DEV)/bin/pytest -m "slow or hypothesis"

test-targets: $(DEV)/installed-test $(MELTANO)/installed-meltano ## load into real targets, each in its own environment
	MELTANO="$(CURDIR)/$(MELTANO)/bin/meltano" $(DEV)/bin/pytest -m targets

test-examples: $(DEV)/installed-test $(MELTANO)/installed-meltano ## run the examples as they stand, with made-up candidates
	MELTANO="$(CURDIR)/$(MELTANO)/bin/meltano" $(DEV)/bin/pytest -m examples

test-dist: dist docs $(DEV)/installed-test ## try the wheel by itself, by the README's quick start; check the site
	BUILDER="$(CURDIR)/$(DIST)/bin/python" $(DEV)/bin/pytest -m dist

bench: $(DEV)/installed-test ## measure the tap beside its peers, alone and into databases
	$(DEV)/bin/python -m tests.benchmarks

moving: $(DEV)/installed-test ## show what readers lose of a list that moves, and what the tap does not
	$(DEV)/bin/python -m tests.moving

hub: $(DEV)/installed-test ## write the listing for Meltano Hub, plugin.yaml and .env.example
	$(DEV)/bin/python -m tests.project.hub

docs: $(DOCS)/installed-docs ## build the documentation as a site, in site/
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --quiet
	@echo "The documentation is in site/index.html. Its search needs a server: $(DOCS)/bin/mkdocs serve"

pins: $(COLLECT)/installed-collect ## pin what builds a release and what the container is made of, with the hash of each file
	$(COLLECT)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make pins" --group build --output-file $(PINS)/build.txt
	$(COLLECT)/bin/python -m tests.project.wheels --pin $(IMAGE) $(WITH)

dist: $(DIST)/installed-dist ## build the wheel and the source distribution, twice, and compare
	rm -rf dist build
	$(BUILD) --outdir dist
	$(BUILD) --outdir build/again
	@diff -r dist build/again || { rm -rf dist; echo "The two builds differ: there is nothing to publish." >&2; exit 1; }
	@rm -rf build
	@$(DIST)/bin/python -m pip --disable-pip-version-check hash dist/*

wheels: dist $(COLLECT)/installed-collect ## collect what the container is made of; WITH="meltano target-…" puts more into it
	$(COLLECT)/bin/python -m tests.project.wheels $(IMAGE) $(WITH)

clean: ## remove what these commands have made
	rm -rf .venv .venv-* .meltano dist build output/demo site wheels *.egg-info
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache

# A file in an environment says what is installed there; it is older than what it was made from when that changes.

ENVIRONMENTS := $(DEV) $(LOWEST) $(NEWEST) $(MELTANO) $(DIST) $(COLLECT) $(DOCS)

$(LOWEST)/installed-venv $(NEWEST)/installed-venv $(MELTANO)/installed-venv: WITHOUT := --without-pip
$(ENVIRONMENTS:=/installed-venv):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@echo "Making $(@D) ..."
	@$(PYTHON) -m venv --clear $(WITHOUT) $(@D)
	@touch $@

$(DEV)/installed-pip $(DOCS)/installed-pip: %/installed-pip: %/installed-venv
	@$*/bin/python $(INSTALL) --upgrade pip
	@touch $@

# By Python's own pip, since one in the environment takes longer than uv itself; and by that where there is none, or an old one.
$(LOWEST)/installed-uv $(NEWEST)/installed-uv $(MELTANO)/installed-uv: %/installed-uv: %/installed-venv
	@$(PYTHON) -m pip --python $* install $(QUIETLY) uv 2>/dev/null || \
	  { $*/bin/python -m ensurepip >/dev/null && $*/bin/python $(INSTALL) uv; }
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

$(LOWEST)/installed-lowest: $(LOWEST)/installed-uv pyproject.toml
	@echo "Installing the lowest versions ..."
	@$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST) --resolution lowest-direct --editable . --group test
	@touch $@

$(NEWEST)/installed-newest: $(NEWEST)/installed-uv pyproject.toml
	@echo "Installing the newest SDK ..."
	@echo singer-sdk > $(NEWEST)/override.txt
	@$(NEWEST)/bin/uv pip install --quiet --python $(NEWEST) --upgrade --override $(NEWEST)/override.txt --editable . --group test
	@touch $@

# Nothing but what is pinned gets in, not even a newer pip; and no file that runs code to be installed.
$(DIST)/installed-dist: $(DIST)/installed-venv $(PINS)/build.txt
	@echo "Installing what builds ..."
	@$(DIST)/bin/python $(INSTALL) --only-binary :all: --require-hashes --requirement $(PINS)/build.txt
	@touch $@

$(COLLECT)/installed-collect: $(COLLECT)/installed-venv
	@echo "Installing what collects wheels ..."
	@$(COLLECT)/bin/python $(INSTALL) --upgrade packaging pip uv
	@touch $@

$(DOCS)/installed-docs: $(DOCS)/installed-pip pyproject.toml
	@echo "Installing MkDocs ..."
	@$(DOCS)/bin/python $(INSTALL) --group docs
	@touch $@

# Meltano needs uv anyway, and uv installs the rest of it in a fraction of pip's time.
$(MELTANO)/installed-meltano: $(MELTANO)/installed-uv
	@echo "Installing Meltano ..."
	@$(MELTANO)/bin/uv pip install --quiet --python $(MELTANO) 'meltano~=4.4'
	@touch $@

.meltano/installed: $(MELTANO)/installed-meltano pyproject.toml meltano.yml
	@echo "Installing the tap and the loader with Meltano ..."
	@$(call COMPILED,$(MELTANO)) $(MELTANO)/bin/meltano --log-level=warning install
	@touch $@
