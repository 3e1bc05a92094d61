# `make help` lists what there is. Everything is built into .venv, build/ and the testbed's cache.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Tests start hundreds of processes: none compiles again what another one has compiled.
unexport PYTHONDONTWRITEBYTECODE

NODES ?= 1
CORES := $(shell nproc 2>/dev/null || echo 2)
# A core less, a part less: tests that wait for each other wait longer than they are given.
PARTS ?= $(if $(filter 1,$(CORES)),2,3)
CONTEXT ?=
NATS_IMAGE ?=
IMAGE ?=
PYTEST_ARGS ?=
BENCH ?=
FUZZ_EXAMPLES ?= 20000
SEARCH = --hypothesis-profile=search
PYTHON :=

VERSION_OF = $(shell $(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
VENV := .venv$(if $(PYTHON),-$(call VERSION_OF,$(PYTHON)))
VENV_PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.installed
DATA := $(CURDIR)/build/coverage
COVERAGE := $(VENV_PYTHON) -m coverage
PYTEST := pytest --durations=10 --durations-min=1 $(PYTEST_ARGS)
# $(call parts,tier,most): what runs a command in parts side by side.
parts = $(VENV_PYTHON) -m tests.parts $(if $(filter 1,$(PARTS)),1,$(or $(2),$(PARTS))) $(1)
PURE := natsctl/model/*,natsctl/api/*,natsctl/render/*,natsctl/plan/*
AROUND := natsctl/controllers/*,natsctl/kube/*
SYSTEM_PYTHON := $(shell for p in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& { echo $$p; break; }; done)
PLACE := NATSCTL_CONTEXT='$(CONTEXT)' NATSCTL_NATS_IMAGE='$(NATS_IMAGE)' $(if $(IMAGE),NATSCTL_IMAGE='$(IMAGE)')

# $(call step,what,command): say what is done, and how long it took.
define step
@printf '\n== %s\n' '$(1)'; SECONDS=0; status=0; { $(2); } || status=$$?; \
if [ $$status = 0 ]; then printf '== %s: done in %s s\n' '$(1)' $$SECONDS; \
else printf '== %s: FAILED after %s s (exit status %s)\n' '$(1)' $$SECONDS $$status >&2; exit $$status; fi
endef

# $(call tier,name,runner): the tests in tests/<name>; the runner runs that command. What they need is made before: no
# test's time limit includes a build.
define tier
$(if $(CONTEXT),,@$(VENV_PYTHON) -m testbed prepare $(1))
$(call step,tests/$(1),$(PLACE) $(2) $(VENV_PYTHON) -m $(PYTEST) tests/$(1))
endef

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' \
		| while IFS=$$'\t' read -r name text; do printf '  make %-16s %s\n' "$$name" "$$text"; done
	@echo; printf '  %s\n' 'NODES=1       nodes of the testbed that testbed-up starts' \
		'PARTS=3       parts of the tests that run side by side; 2 where there is one core' \
		'CONTEXT=      a context of your kubeconfig: demo and e2e use that cluster instead' \
		'NATS_IMAGE=   image of nats-server, without a tag, for demo and e2e' \
		'IMAGE=        image of natsctl that the nodes of that cluster can pull, REGISTRY/NAME:TAG' \
		'BENCH=        parts of the benchmarks: fleet kubelet growth jetstream (the last two take 15 minutes)' \
		'PYTHON=       python3.11 to python3.13, for a .venv of its own; else the newest on the PATH' \
		'PYTEST_ARGS=  such as "-x -k scale"'

.PHONY: venv
venv: $(STAMP) ## create .venv with pinned dependencies; does nothing the second time

$(STAMP): requirements/dev.txt pyproject.toml README.md LICENSE
	@[ -n '$(SYSTEM_PYTHON)' ] || { echo 'natsctl needs Python 3.11, 3.12 or 3.13: on the PATH, or as PYTHON=' >&2; exit 1; }
	@$(SYSTEM_PYTHON) -c 'import ensurepip' 2>/dev/null || \
		{ echo "$(SYSTEM_PYTHON) has no venv: on Debian, apt-get install python3-venv" >&2; exit 1; }
	$(call step,.venv for $(SYSTEM_PYTHON),[ -x $(VENV_PYTHON) ] || $(SYSTEM_PYTHON) -m venv $(VENV) && \
		$(VENV_PYTHON) -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt && \
		$(VENV_PYTHON) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .)
	@touch $@

.PHONY: lint
lint: $(STAMP) ## ruff, mypy --strict, import-linter
	$(call step,ruff check,$(VENV)/bin/ruff check .)
	$(call step,ruff format,$(VENV)/bin/ruff format --check .)
	$(call step,mypy,$(VENV)/bin/mypy)
	$(call step,import-linter,$(VENV)/bin/lint-imports)

.PHONY: unit
unit: $(STAMP) ## tests that only need Python; they cover the pure layers to 100 %, all others to 95 %
	@rm -rf $(DATA); mkdir -p $(DATA)
	$(call step,tests/unit,COVERAGE_FILE=$(DATA)/part COVERAGE_PROCESS_START=$(CURDIR)/pyproject.toml \
		$(call parts,unit,2) $(VENV_PYTHON) -m $(PYTEST) tests/unit tests/demo tests/benchmarks)
	@$(COVERAGE) combine -q --data-file=$(DATA)/all $(DATA)/part.*
	@$(COVERAGE) report --data-file=$(DATA)/all --include='$(PURE)' --fail-under=100
	@$(COVERAGE) report --data-file=$(DATA)/all --include='$(AROUND)' --fail-under=95
	@$(COVERAGE) report --data-file=$(DATA)/all --fail-under=95

.PHONY: server
server: $(STAMP) ## rendered configurations on real nats-server processes
	$(call tier,server,$(call parts,server))

.PHONY: fuzz
fuzz: $(STAMP) ## new examples for all properties; 20,000 specs on real nats-servers, as many hostile objects (FUZZ_EXAMPLES=)
	$(call step,new examples,$(VENV_PYTHON) -m pytest $(PYTEST_ARGS) $(SEARCH) -m hypothesis tests/unit)
	$(call step,$(FUZZ_EXAMPLES) specs and hostile objects,NATSCTL_FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(VENV_PYTHON) -m pytest $(PYTEST_ARGS) \
		$(SEARCH) tests/server/test_fuzz.py tests/unit/controllers/test_hostile_objects.py \
		tests/unit/controllers/test_hostile_leases.py tests/unit/kube/test_hostile_answers.py --timeout 0)

.PHONY: integration
integration: $(STAMP) check-machine ## client, reflector, operator against a real API server
	$(call tier,integration,$(call parts,integration))

.PHONY: testbed-test
testbed-test: $(STAMP) check-machine ## the testbed itself: starts, stops, leaves nothing behind
	$(call tier,testbed,$(call parts,testbed,1))

.PHONY: e2e
e2e: $(STAMP) ## end-to-end tests on a real Kubernetes; CONTEXT= selects your own
	$(call tier,e2e,$(if $(CONTEXT),,$(call parts,e2e)))

.PHONY: build
build: $(STAMP) check-machine ## build what tests and the demo run: Kubernetes, nats-servers, images
	$(call step,programs and images,$(VENV_PYTHON) -m testbed prepare)

.PHONY: test
test: check-machine ## lint and all tiers of tests; sets up what it needs
	@SECONDS=0; for part in venv lint build unit '-k -j$(if $(filter 1,$(CORES)),1,2) server testbed-test' integration e2e; do \
		NATSCTL_NO_SKIPS=$(if $(CONTEXT),,1) $(MAKE) $$part || { status=$$?; echo "make test: FAILED in make $$part after $$SECONDS s" >&2; \
		exit $$status; }; done; echo; echo "make test: all passed in $$SECONDS s"

.PHONY: matrix
matrix: $(STAMP) check-machine ## test every version of nats-server and of the API server; takes hours
	@$(VENV_PYTHON) -m tests.matrix

.PHONY: check-machine
check-machine: ## list what this machine lacks for the testbed
	@lacks() { echo "this machine lacks: $$1" >&2; missing=1; }; missing=; \
	[ "$$(uname -s)" = Linux ] || lacks 'Linux (make unit and make lint run anywhere)'; \
	[ "$$(id -u)" = 0 ] || lacks 'root: the testbed makes namespaces and mounts (run as root, or in a VM)'; \
	[ -n '$(SYSTEM_PYTHON)' ] || lacks 'Python 3.11, 3.12 or 3.13'; \
	command -v git >/dev/null || lacks 'git: apt-get install git'; \
	command -v apt-get >/dev/null || lacks 'apt-get: the testbed takes containerd and others from Debian'; \
	unshare --net true 2>/dev/null || lacks 'network namespaces (a container needs to be privileged)'; \
	command -v go >/dev/null || echo 'no Go on the PATH: the testbed fetches one into its cache'; \
	[ -z "$$missing" ]

.PHONY: testbed-up
testbed-up: $(STAMP) check-machine ## start a real Kubernetes here (NODES=1); builds what is missing
	$(call step,testbed,$(VENV_PYTHON) -m testbed up --nodes $(NODES))

.PHONY: testbed-down
testbed-down: $(STAMP) ## stop it; only the cache remains
	$(call step,end of the testbed,$(VENV_PYTHON) -m testbed down)

.PHONY: testbed-status
testbed-status: $(STAMP) ## show what is running
	@$(VENV_PYTHON) -m testbed status

.PHONY: testbed-shell
testbed-shell: $(STAMP) ## open a shell in which kubectl connects to it
	@$(VENV_PYTHON) -m testbed exec -- bash

.PHONY: demo
demo: $(STAMP) ## show NATS clusters that scale, heal and upgrade under clients
	@[ -n '$(CONTEXT)' ] || $(MAKE) check-machine
	@$(PLACE) $(VENV_PYTHON) -m demo up

.PHONY: demo-down
demo-down: $(STAMP) ## stop what the demo left running
	@$(PLACE) $(VENV_PYTHON) -m demo down

.PHONY: bench
bench: $(STAMP) check-machine ## measure the cost against a bare client, idle requests, memory
	@$(VENV_PYTHON) -m benchmarks $(BENCH)

.PHONY: crds
crds: $(STAMP) ## print the CustomResourceDefinitions
	@$(VENV)/bin/natsctl crds

.PHONY: chart
chart: $(STAMP) ## write the CustomResourceDefinitions and rights into the Helm chart, and lint it
	@$(VENV_PYTHON) -m deploy.render chart
	@helm=$$($(VENV_PYTHON) -m testbed path helm); $$helm lint --strict --quiet charts/nats-operator

.PHONY: manifests
manifests: chart ## render deploy/*.yaml from the chart
	@$(VENV_PYTHON) -m deploy.render manifests $$($(VENV_PYTHON) -m testbed path helm)

.PHONY: images
images: $(STAMP) ## build the images of docker/ without a container engine, into build/images
	@$(VENV_PYTHON) docker/build.py

.PHONY: reference
reference: $(STAMP) ## regenerate docs/reference.md
	@$(VENV_PYTHON) -c 'from natsctl.api.schema.reference import reference; print(reference(), end="")' > docs/reference.md

.PHONY: pod-fields
pod-fields: $(STAMP) ## regenerate the list of pod fields from the installed models of Kubernetes
	@$(VENV_PYTHON) -m deploy.pod_fields

.PHONY: requirements
requirements: $(STAMP) ## compile requirements/*.txt again
	@for name in runtime dev; do $(VENV)/bin/uv pip compile -q --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
		-o requirements/$$name.txt requirements/$$name.in; done

.PHONY: clean
clean: ## remove .venv, build/ and caches of tools; keep the cache of the testbed
	@rm -rf .venv .venv-* build dist *.egg-info .coverage* .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache
