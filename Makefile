# Everything lives in .venv and node_modules; nothing is needed beforehand but python3 (3.11 or newer) and make.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := $(CURDIR)/.venv
export PATH := $(VENV)/bin:$(PATH)
export UV_NO_CONFIG := 1
export UV_LINK_MODE := copy
# a proxy of an organization is trusted where its system trusts it
export UV_SYSTEM_CERTS := 1

READY := $(VENV)/.ready
CHECKOV := $(VENV)/tools/checkov

.PHONY: help setup synth test lint types unit up down diagram bench fuzz lock clean

help: ## What there is
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: $(READY) ## Make .venv with python, node and the cdk CLI, all from their locks

synth: $(READY) ## Synthesize the dev environment to cdk.out
	cdk synth --quiet 'dev/*'

test: $(READY) lint types unit ## Everything: lint, types, unit tests, snapshots, policy

lint: $(READY)
	ruff check .
	ruff format --check .

types: $(READY)
	mypy

unit: $(READY)
	pytest -n 2 --dist worksteal

up: $(READY) ## Deploy dev into an AWS that runs on this machine
	python -m moorage.local up 'dev/*'

down: $(READY) ## Remove what `make up` deployed, and stop that AWS
	python -m moorage.local down 'dev/*'

diagram: synth ## Draw dev anew in the README
	python -m moorage.local.diagram cdk.out dev/ --into README.md

bench: $(READY) ## Compare with aws_ecs_patterns; fails over a limit
	python -m tools.bench

fuzz: $(READY) ## Define 2,000 random services; fails on any that AWS would refuse, and on refusals that say nothing
	python -m tools.fuzz

lock: $(READY) ## Work the locks out anew, after a pin was changed
	python -m tools.lock

clean:
	rm -rf $(VENV) node_modules cdk.out

$(READY): requirements.lock tools/checkov/requirements.lock package-lock.json package.json pyproject.toml Makefile
	$(PYTHON) -m venv --clear $(VENV)
	pip install --quiet --disable-pip-version-check --no-compile "$$(sed -n 's/^\(uv==[^ ]*\) .*/\1/p' requirements.lock)"
	uv pip sync --quiet --require-hashes --compile-bytecode requirements.lock
	uv pip install --quiet --no-deps --no-build-isolation --editable .
	python -m tools.node
	npm ci --silent
	python -m venv $(CHECKOV)
	uv pip sync --quiet --require-hashes --compile-bytecode --python $(CHECKOV)/bin/python tools/checkov/requirements.lock
	touch $@
