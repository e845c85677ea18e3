# Everything lives in .venv and node_modules; nothing is needed beforehand but python3 (3.11 or newer) and make.
# It runs with macOS's tools too: GNU make 3.81, and no options of sed, awk, cp or df that only GNU's have.
.DEFAULT_GOAL := help
# not /bin/sh: with make's default shell, macOS's make looks for programs only in the PATH that make was started with
SHELL := sh
PYTHON ?= python3
# relative: make parts the names of its files at spaces, and a folder's path may have one
VENV := .venv
CHECKOV := $(VENV)/tools/checkov
BROWSER := $(VENV)/tools/browser
REVIEW_ORACLE := $(VENV)/tools/review_oracle
MUTATE := $(VENV)/tools/mutate
DOCS := $(VENV)/tools/docs
# of the tests beside the rooms, those that take a branch which no other test takes
COVERING := arguments door durations interfaces look_ups messages tokens wrong_apps

# Parts of the set-up. The file of each is made when the part is complete; an interrupted part is done again.
SYNTH := $(VENV)/.synth node_modules/.synth
PROMOTION := $(SYNTH) $(VENV)/.promotion
REVIEW := $(SYNTH) $(VENV)/.review
LOCAL := $(SYNTH) $(VENV)/.local node_modules/.ready
READY := $(SYNTH) $(VENV)/.ready node_modules/.ready
# this Chromium is only for Linux; elsewhere the tests with a browser are skipped
UNIT := $(READY) $(CHECKOV)/.ready $(DOCS)/.ready $(if $(filter Linux,$(shell uname -s)),$(BROWSER)/.ready)

# the user's own, in which python3 is not that of an incomplete .venv
export OUTER_PATH := $(PATH)
# as `activate` does, whatever else is active
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
unexport PYTHONHOME PYTHONPATH
# byte code is written when a module is first imported: all of aws-cdk-lib would take a minute and 300 MB
unexport PYTHONDONTWRITEBYTECODE
# these name other destinations; what names an index, a certificate or a proxy stays
unexport PIP_PREFIX PIP_PYTHON PIP_ROOT PIP_TARGET PIP_USER
unexport UV_COMPILE_BYTECODE UV_PROJECT UV_PROJECT_ENVIRONMENT UV_PYTHON UV_SYSTEM_PYTHON
unexport UV_WORKING_DIR UV_WORKING_DIRECTORY

export UV_NO_CONFIG := 1
export UV_LINK_MODE := copy
# a proxy of an organization is trusted where its system trusts it
export UV_SYSTEM_CERTS := 1
export NODE_USE_SYSTEM_CA := 1
# each retry prints a line
PIP_RETRIES ?= 2
export PIP_RETRIES

# a terminal shows the progress of pip, uv and npm; a log gets only what fails
QUIET := $(shell test -t 2 || echo --quiet)
NPM_QUIET := $(if $(QUIET),--loglevel=error --no-progress)

say = @printf '%s\n' '$(1)' >&2
# $(call or_stop,NAME) stops with the sentence of that name
or_stop = || { printf '%s\n' "$($(1))" >&2; exit 1; }
or_again = $(call or_stop,AGAIN)
AGAIN = The set-up stopped for the reason above: check the network, HTTPS_PROXY and the space on the disk, and run the same \
	command again; it goes on here.
NO_PYTHON = $(PYTHON) is not installed: install Python 3.11 or newer, or name yours, such as \
	'make $(MAKECMDGOALS) PYTHON=python3.13'.
OLD = moorage needs Python 3.11 or newer, but $(PYTHON) is '$$version': install one and name it, such as \
	'make $(MAKECMDGOALS) PYTHON=$$newer'.
NO_VENV = $(PYTHON) lacks the module venv or ensurepip: install it (on Debian and Ubuntu: apt install python3-venv), or \
	name another Python, such as 'make $(MAKECMDGOALS) PYTHON=python3.13'.
READ_ONLY = The set-up writes .venv and node_modules into this folder, which is read-only: clone the repository elsewhere.
FULL = The set-up needs 1 GB in this folder, and its disk has less: make space, or clone the repository to another disk.
FULL_READY = Tests and checks need 2.5 GB beside the set-up of 'make synth', and the disk of this folder has less: make space, \
	or clone the repository to another disk.
# $(call room,KB,NAME) stops with the sentence of that name if the disk has less
room = @test "$$(df -Pk . | awk 'NR == 2 { print $$4 }')" -ge $(1) $(call or_stop,$(2))
# $(call install,lock) adds packages. uv downloads all of them before it installs the first. An installation that was cut
# off left files that look installed, so that everything is installed again, from what is downloaded already.
install = @begun=; test ! -e $@-begun || begun=1; touch $@-begun; \
	test "$$begun" && $(VENV)/bin/uv pip install --quiet --offline --reinstall $(FROM_LOCK) $(1) 2>/dev/null || \
	$(VENV)/bin/uv pip install $(QUIET) $(FROM_LOCK) $(1) $(or_again)
FROM_LOCK := --no-deps --require-hashes --python $(VENV)/bin/python --requirements
# $(call separate,folder,lock) makes an environment of its own
separate = @$(VENV)/bin/uv venv --quiet --clear --python $(VENV)/bin/python $(1) && \
	$(VENV)/bin/uv pip sync $(QUIET) --require-hashes --python $(1)/bin/python $(2) $(or_again)
# $(call npm_ci,folder,options) installs what the lock in the folder names
npm_ci = @$(VENV)/bin/npm ci --prefix $(1) $(2) $(NPM_QUIET) --no-audit --no-fund --location=project --no-global $(or_again)
# $(call node_modules,options) replaces node_modules when everything is there
define node_modules
	@rm -rf $(VENV)/npm && mkdir -p $(VENV)/npm && cp package.json package-lock.json .npmrc $(VENV)/npm
	$(call npm_ci,$(VENV)/npm,$(1))
	@mkdir -p $(VENV)/npm/node_modules
	@rm -rf node_modules && mv $(VENV)/npm/node_modules node_modules && rm -rf $(VENV)/npm
endef

# a .venv whose Python was removed, or that was moved, is made anew
ifneq ($(wildcard $(VENV)/.python),)
$(shell test -x $(VENV)/bin/python && test "$$(cat $(VENV)/.python)" = "$$(pwd)" || \
	rm -f $(VENV)/.python $(VENV)/.synth node_modules/.synth)
endif

.PHONY: help setup setup-synth setup-promotion setup-review setup-local synth test lint types mypy pyright unit policy compat up down docs reference links diagram kept bench corpus \
	coverage fuzz mutate oracles lock clean

help: ## What there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-17s%s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(READY) $(CHECKOV)/.ready ## Install everything that the tests and checks need; the other commands install their part

setup-synth: $(SYNTH) ## Install what cdk synth and cdk deploy need

setup-promotion: $(PROMOTION) ## The same and moorage promote

setup-review: $(REVIEW) ## The same as setup-synth and moorage review

setup-local: $(LOCAL) ## The same as setup-synth and the local AWS

synth: $(SYNTH) ## Synthesize the dev environment to cdk.out
	$(call say,Synthesizing dev: 20 seconds the first time; then 6 seconds)
	cdk synth --quiet 'dev/*'

test: $(UNIT) lint types unit ## Everything: lint, types, unit tests, snapshots, policy

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

unit: $(UNIT)
	pytest -n 2 --dist worksteal

policy: $(REVIEW) $(CHECKOV)/.ready ## Check every environment with cdk-nag, cfn-lint, Guard and checkov; fails on what is not acknowledged
	mkdir -p .cache
	CDK_OUTDIR=.cache/policy python -m tools.policy >.cache/policy.log 2>&1 || { cat .cache/policy.log; exit 1; }
	PATH=$(CHECKOV)/bin:$$PATH moorage policy .cache/policy

up: $(LOCAL) ## Deploy dev into an AWS that runs on this machine
	$(VENV)/bin/python -m moorage.local up 'dev/*'

down: $(LOCAL) ## Remove what `make up` deployed, and stop that AWS
	$(VENV)/bin/python -m moorage.local down 'dev/*'

docs: $(DOCS)/.ready ## Build the documentation to site/; a warning fails
	python -m tools.docs

reference: $(READY) ## Write the pages of docs/reference that are generated from code
	python -m tools.docs.reference

links: $(READY) ## Request each external link of the documentation; fails on a broken one
	python -m tools.docs.links

diagram: $(SYNTH) ## Draw production anew in the README
	cdk synth --quiet 'production/*'
	moorage diagram cdk.out 'production/*' --into README.md

kept: $(SYNTH) ## Keep the templates of this version, from which tests/upgrade deploys the next one
	CDK_OUTDIR=.cache/kept python app.py
	python -m tools.kept_assembly .cache/kept tests/upgrade/kept

bench: $(READY) ## Compare with aws_ecs_patterns, and time an estimate of costs; fails over a limit
	python -m tools.bench
	python -m tools.bench.cost

fuzz: $(READY) ## Define 2,000 random services and 500 updates; fails on any that AWS would refuse
	python -m tools.fuzz

coverage: $(READY) ## Run the tests of workload, ecs and ecr; fails on a branch that none of them takes
	pytest --cov -n 2 --dist worksteal tests/workload tests/ecs tests/ecr $(addprefix tests/test_,$(COVERING:=.py))

mutate: $(READY) $(MUTATE)/.ready ## Change values, routing, fit and lifecycles a little; fails if no test notices
	python -m tools.mutate $(if $(SAMPLE),--sample $(SAMPLE)) $(MODULES)

corpus: $(LOCAL) ## Deploy each cloud assembly of CORPUS=dir into the AWS on this machine
	python -m tools.corpus $(CORPUS)

oracles: $(READY) $(CHECKOV)/.ready $(REVIEW_ORACLE)/.ready ## Hold every program, 500 random services and 200 updates to rules of others
	pytest -n 2 --dist worksteal tests/oracles tests/policy
	pytest -n 2 --dist worksteal -m oracle
	python -m tools.oracles
	python -m tools.review_oracle $(CORPUS)

compat: $(READY) ## Synthesize the examples on the oldest and newest Python and aws-cdk-lib
	python -m tools.compat

lock: $(READY) ## Work the locks out anew, after a pin was changed
	python -m tools.lock

clean:
	rm -rf $(VENV) node_modules cdk.out site

# nothing is made before everything that is needed is checked
$(VENV)/.python:
	@PATH=$$OUTER_PATH command -v $(PYTHON) >/dev/null $(call or_stop,NO_PYTHON)
	@version=$$(PATH=$$OUTER_PATH $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>&1 | tail -n 1); \
	for newer in python3.14 python3.13 python3.12 python3.11 python3.13; do \
		PATH=$$OUTER_PATH command -v $$newer >/dev/null && break; done; \
	case $$version in 3.1[1-9] | 3.[2-9][0-9]) ;; *) false ;; esac $(call or_stop,OLD)
	@PATH=$$OUTER_PATH $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null $(call or_stop,NO_VENV)
	@test -w . $(call or_stop,READ_ONLY)
	$(call room,1000000,FULL)
	$(call say,Making .venv with uv: 20 MB to download; 10 seconds)
	@PATH=$$OUTER_PATH $(PYTHON) -m venv --clear $(VENV) $(or_again)
	@$(VENV)/bin/python -m pip install $(QUIET) --disable-pip-version-check --no-compile --no-user \
		"$$(sed -n 's/^\(uv==[^ ]*\) .*/\1/p' requirements-synth.lock)" $(or_again)
	@pwd >$@

$(VENV)/.synth: requirements-synth.lock pyproject.toml tools/node.py $(VENV)/.python
	$(call say,Installing aws-cdk-lib and Node.js into .venv: 140 MB to download; half a minute)
	$(call install,requirements-synth.lock)
	@$(VENV)/bin/uv pip install --quiet --no-deps --no-build-isolation --python $(VENV)/bin/python --editable . $(or_again)
	@$(VENV)/bin/python -m tools.node
	@rm -f $@-begun && touch $@

$(VENV)/.promotion $(VENV)/.review $(VENV)/.local: $(VENV)/.%: requirements-%.lock $(VENV)/.synth
	$(call say,Installing what $(FOR_$*) needs into .venv: $(SIZE_$*) to download; 10 seconds)
	$(call install,requirements-$*.lock)
	@rm -f $@-begun && touch $@

$(VENV)/.ready: requirements.lock $(VENV)/.synth
	$(call room,2500000,FULL_READY)
	$(call say,Installing what tests and checks need into .venv: 90 MB to download; half a minute)
	$(call install,requirements.lock)
	@touch $(VENV)/.promotion $(VENV)/.review $(VENV)/.local
	@rm -f $@-begun && touch $@

FOR_promotion := moorage promote
FOR_review := moorage review
FOR_local := the local AWS
SIZE_promotion := 15 MB
SIZE_review := 30 MB
SIZE_local := 50 MB

node_modules/.synth: package-lock.json package.json .npmrc $(VENV)/.synth
	$(call say,Installing the CDK CLI into node_modules: 10 MB to download; 10 seconds)
	$(call node_modules,--omit=dev)
	@touch $@

node_modules/.ready: package-lock.json package.json .npmrc $(VENV)/.synth
	$(call say,Installing the CDK CLI and the SDK for JavaScript into node_modules: 35 MB to download; 20 seconds)
	$(call node_modules,--include=dev)
	@touch node_modules/.synth $@

$(CHECKOV)/.ready: tools/checkov/requirements.lock $(VENV)/.python
	$(call say,Installing checkov into an environment of its own: 40 MB to download; 10 seconds)
	$(call separate,$(CHECKOV),$<)
	@touch $@

$(MUTATE)/.ready: tools/mutate/requirements.lock $(VENV)/.python
	$(call say,Installing cosmic-ray into an environment of its own: 10 seconds)
	$(call separate,$(MUTATE),$<)
	@touch $@

$(DOCS)/.ready: tools/docs/requirements.lock $(VENV)/.python
	$(call say,Installing zensical into an environment of its own: 20 MB to download; 10 seconds)
	$(call separate,$(DOCS),$<)
	@touch $@

$(BROWSER)/.ready: tools/browser/package-lock.json tools/browser/unpack.mjs $(VENV)/.synth
	$(call say,Installing Chromium for the tests: 70 MB to download; 20 seconds)
	@rm -rf $(BROWSER) && mkdir -p $(BROWSER)
	@cp tools/browser/package.json tools/browser/package-lock.json tools/browser/unpack.mjs $(BROWSER)
	$(call npm_ci,$(BROWSER))
	@TMPDIR="$$PWD/$(BROWSER)" $(VENV)/bin/node $(BROWSER)/unpack.mjs
	@touch $@

$(REVIEW_ORACLE)/.ready: $(addprefix tools/review_oracle/,package.json package-lock.json diff.mjs) $(VENV)/.synth
	$(call say,Installing the comparison of the CDK CLI: 10 seconds)
	@rm -rf $(REVIEW_ORACLE) && mkdir -p $(REVIEW_ORACLE)
	@cp tools/review_oracle/package.json tools/review_oracle/package-lock.json tools/review_oracle/diff.mjs $(REVIEW_ORACLE)
	$(call npm_ci,$(REVIEW_ORACLE))
	@touch $@
