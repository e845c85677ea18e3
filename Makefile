# Everything lives in .venv and node_modules; nothing is needed beforehand but python3 (3.11 or newer) and make.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
# relative: make parts the names of its files at spaces, and a folder's path may have one
VENV := .venv
CHECKOV := $(VENV)/tools/checkov
BROWSER := $(VENV)/tools/browser
REVIEW := $(VENV)/tools/review_oracle
MUTATE := $(VENV)/tools/mutate
# of the tests beside the rooms, those that take a branch which no other test takes
COVERING := arguments door durations interfaces look_ups messages tokens wrong_apps
DOCS := $(VENV)/tools/docs
READY := $(VENV)/.ready node_modules/.ready $(CHECKOV)/.ready

# as `activate` does, whatever else is active
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
unexport PYTHONHOME PYTHONPATH
# these name other destinations; what names an index, a certificate or a proxy stays
unexport PIP_PREFIX PIP_PYTHON PIP_ROOT PIP_TARGET PIP_USER
unexport UV_PROJECT UV_PROJECT_ENVIRONMENT UV_PYTHON UV_SYSTEM_PYTHON UV_WORKING_DIR UV_WORKING_DIRECTORY

export UV_NO_CONFIG := 1
export UV_LINK_MODE := copy
# a proxy of an organization is trusted where its system trusts it
export UV_SYSTEM_CERTS := 1
export NODE_USE_SYSTEM_CA := 1

.PHONY: help setup synth test lint types mypy pyright unit policy compat up down docs reference links diagram bench corpus \
	coverage fuzz mutate oracles lock clean

help: ## What there is
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: $(READY) ## Make .venv with python, node and the cdk CLI, all from their locks

synth: $(READY) ## Synthesize the dev environment to cdk.out
	cdk synth --quiet 'dev/*'

test: $(READY) lint types unit ## Everything: lint, types, unit tests, snapshots, policy

lint: $(READY)
	ruff check .
	ruff format --check .
	flake8
	codespell
	python -m tools.english
	zizmor --offline --quiet .github
	check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	check-jsonschema --quiet --builtin-schema vendor.github-actions .github/actions/*/action.yml
	check-jsonschema --quiet --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci examples/ci/gitlab-ci.yml

types: $(READY)
	$(MAKE) --no-print-directory -j2 mypy pyright

mypy: $(READY)
	mypy

pyright: $(READY)
	python -m tools.pyright

unit: $(READY) $(BROWSER)/.ready $(DOCS)/.ready
	pytest -n 2 --dist worksteal

policy: $(READY) ## Check every environment with cdk-nag, cfn-lint, Guard and checkov; fails on what is not acknowledged
	mkdir -p .cache
	CDK_OUTDIR=.cache/policy python -m tools.policy >.cache/policy.log 2>&1 || { cat .cache/policy.log; exit 1; }
	PATH=$(CHECKOV)/bin:$$PATH moorage policy .cache/policy

up: $(READY) ## Deploy dev into an AWS that runs on this machine
	python -m moorage.local up 'dev/*'

down: $(READY) ## Remove what `make up` deployed, and stop that AWS
	python -m moorage.local down 'dev/*'

docs: $(DOCS)/.ready ## Build the documentation to site/; a warning fails
	python -m tools.docs

reference: $(READY) ## Write the pages of docs/reference that are generated from code
	python -m tools.docs.reference

links: $(READY) ## Request each external link of the documentation; fails on a broken one
	python -m tools.docs.links

diagram: $(READY) ## Draw production anew in the README
	cdk synth --quiet 'production/*'
	moorage diagram cdk.out production/ --into README.md

bench: $(READY) ## Compare with aws_ecs_patterns; fails over a limit
	python -m tools.bench

fuzz: $(READY) ## Define 2,000 random services and 500 updates; fails on any that AWS would refuse
	python -m tools.fuzz

coverage: $(READY) ## Run the tests of workload, ecs and ecr; fails on a branch that none of them takes
	pytest --cov -n 2 --dist worksteal tests/workload tests/ecs tests/ecr $(addprefix tests/test_,$(COVERING:=.py))

mutate: $(READY) $(MUTATE)/.ready ## Change values, routing, fit and lifecycles a little; fails if no test notices
	python -m tools.mutate $(if $(SAMPLE),--sample $(SAMPLE)) $(MODULES)

corpus: $(READY) ## Deploy each cloud assembly of CORPUS=dir into the AWS on this machine
	python -m tools.corpus $(CORPUS)

oracles: $(READY) $(REVIEW)/.ready ## Hold every program, 500 random services and 200 updates to rules of others
	pytest -n 2 --dist worksteal tests/oracles tests/policy
	python -m tools.oracles
	python -m tools.review_oracle $(CORPUS)

compat: $(READY) ## Synthesize the examples on the oldest and newest Python and aws-cdk-lib
	python -m tools.compat

lock: $(READY) ## Work the locks out anew, after a pin was changed
	python -m tools.lock

clean:
	rm -rf $(VENV) node_modules cdk.out site

$(VENV)/.ready: requirements.lock pyproject.toml Makefile
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-user \
		"$$(sed -n 's/^\(uv==[^ ]*\) .*/\1/p' requirements.lock)"
	$(VENV)/bin/uv pip sync --quiet --require-hashes --compile-bytecode --python $(VENV)/bin/python requirements.lock
	$(VENV)/bin/uv pip install --quiet --no-deps --no-build-isolation --python $(VENV)/bin/python --editable .
	$(VENV)/bin/python -m tools.node
	touch $@

node_modules/.ready: package-lock.json package.json $(VENV)/.ready
	$(VENV)/bin/npm ci --loglevel=error --no-audit --no-fund --include=dev --location=project --no-global
	mkdir -p $(@D)
	touch $@

$(CHECKOV)/.ready: tools/checkov/requirements.lock $(VENV)/.ready
	$(VENV)/bin/uv venv --quiet --clear --python $(VENV)/bin/python $(CHECKOV)
	$(VENV)/bin/uv pip sync --quiet --require-hashes --compile-bytecode --python $(CHECKOV)/bin/python tools/checkov/requirements.lock
	touch $@

$(MUTATE)/.ready: tools/mutate/requirements.lock $(VENV)/.ready
	$(VENV)/bin/uv venv --quiet --clear --python $(VENV)/bin/python $(MUTATE)
	$(VENV)/bin/uv pip sync --quiet --require-hashes --compile-bytecode --python $(MUTATE)/bin/python tools/mutate/requirements.lock
	touch $@

$(DOCS)/.ready: tools/docs/requirements.lock $(VENV)/.ready
	$(VENV)/bin/uv venv --quiet --clear --python $(VENV)/bin/python $(DOCS)
	$(VENV)/bin/uv pip sync --quiet --require-hashes --compile-bytecode --python $(DOCS)/bin/python tools/docs/requirements.lock
	touch $@

$(BROWSER)/.ready: tools/browser/package-lock.json tools/browser/unpack.mjs $(VENV)/.ready
	rm -rf $(BROWSER)
	mkdir -p $(BROWSER)
	cp tools/browser/package.json tools/browser/package-lock.json tools/browser/unpack.mjs $(BROWSER)
	$(VENV)/bin/npm ci --prefix $(BROWSER) --loglevel=error --no-audit --no-fund --location=project --no-global
	TMPDIR=$(CURDIR)/$(BROWSER) $(VENV)/bin/node $(BROWSER)/unpack.mjs
	touch $@

$(REVIEW)/.ready: $(addprefix tools/review_oracle/,package.json package-lock.json diff.mjs) $(VENV)/.ready
	rm -rf $(REVIEW)
	mkdir -p $(REVIEW)
	cp tools/review_oracle/package.json tools/review_oracle/package-lock.json tools/review_oracle/diff.mjs $(REVIEW)
	$(VENV)/bin/npm ci --prefix $(REVIEW) --loglevel=error --no-audit --no-fund --location=project --no-global
	touch $@
