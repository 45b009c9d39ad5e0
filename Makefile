# Every verb of the project; each works on a fresh machine with Python >= 3.11 and nothing else.
#
#   make up                Postgres, Redis, hubs and api on this machine; HUBS=4 for more hubs,
#                          LAN=1 to let phones on this network in
#   make chat AS=ada       a terminal chat against what `make up` runs
#   make test              the whole suite against real Postgres and Redis, a worker per core (at most 4);
#                          MUSTER_TEST_WORKERS=1 for fewer, ARGS="-n 0 tests/api" for a part in one process
#   make browser           Chromium for the tests of the page, by apt-get where there is none (as root)
#   make autobahn          Autobahn's WebSocket suite against the hub's driver; writes docs/autobahn.md
#   make fuzz              a million frames of noise; FRAMES=, SEED=, GUIDED=1 with atheris
#   make bench             every benchmark beside every peer, onto docs/benchmarks.md, in half an hour;
#                          ONLY="idle rest" for a part, SHORT=1 to see that it runs
#   make peers             what the benchmarks are shown beside: npm packages, and nginx with nchan
#   make load              Locust on a Muster of its own, or on URL=; USERS=, RATE= (posts a second), TIME=, SPAWN=,
#                          SHAPE=, SCENARIO=, STORM=, WITHIN= (seconds), WORKERS=, HUBS=, PEOPLE= (a file), WEB=1 for its page
#   make check             format, lint, types, import rules
#   make setup             the environment alone
#   make lock              resolve requirements.lock anew

SHELL := /bin/sh
VENV := .venv
PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.stamp
HUBS ?= $(or $(MUSTER_HUBS),2)
LAN ?= $(or $(MUSTER_LAN),0)
AS ?=
WORKERS ?= $(or $(MUSTER_TEST_WORKERS),auto)

FRAMES ?= 1000000
LOAD_URL = $(or $(URL),$(if $(filter command,$(origin HOST)),$(HOST)))

.PHONY: setup up chat browser test prove autobahn fuzz peers bench load check lock
.DEFAULT_GOAL := up

setup: $(STAMP)

# Redone when what it installs has changed. A half-made environment has no stamp.
$(STAMP): requirements.lock pyproject.toml
	@rm -f $@
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { \
	  for name in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	    if command -v $$name >/dev/null 2>&1 && $$name -c \
	      'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' \
	      >/dev/null 2>&1; then found=$$name; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "Muster needs Python 3.11 to 3.14 with venv and pip (on Debian: python3-venv); none found." >&2; \
	    exit 1; \
	  fi; \
	  echo "making $(VENV) with $$($$found --version)"; \
	  rm -rf $(VENV) && $$found -m venv $(VENV); \
	}
	@echo "installing the locked dependencies"
	@$(PYTHON) -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements.lock
	@$(PYTHON) -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation -e .
	@touch $@

up: setup
	@exec env MUSTER_HUBS=$(HUBS) MUSTER_LAN=$(LAN) $(PYTHON) -m muster up

chat: setup
	@exec $(PYTHON) -m muster chat $(if $(AS),--as $(AS))

# Only tests need it: without one they are skipped, and with CI=true they fail.
browser:
	@for name in chromium chromium-browser google-chrome; do \
	  if command -v $$name >/dev/null 2>&1; then echo "$$name is here"; exit 0; fi; \
	done; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then \
	  echo "No Chromium here. As root on Debian this installs it; else: apt-get install chromium." >&2; \
	  exit 1; \
	fi; \
	export DEBIAN_FRONTEND=noninteractive; \
	apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-color-emoji >/dev/null

# In memory where there is room (4 GiB, of which a run takes 1.5): databases of tests need no disk, and one that stands
# still for seconds, as shared machines' do, fails what waits for it.
test: setup
	@memory=/dev/shm; \
	if [ -d $$memory ] && [ -w $$memory ] && [ "$$(df -Pk $$memory | awk 'NR == 2 { print $$4 }')" -gt 4194304 ]; then \
	  export TMPDIR=$$(mktemp -d $$memory/muster-tests-XXXXXX); trap 'rm -rf "$$TMPDIR"' EXIT INT TERM; \
	fi; \
	$(PYTHON) -m pytest -m "not prove" -n $(WORKERS) --maxprocesses 4 $(ARGS)

prove: setup
	$(PYTHON) -m pytest -m prove $(ARGS)

# Puts the suite, a program of Python 2.7, into build/ first; says so if it cannot.
autobahn: setup
	$(PYTHON) -m tests.autobahn

fuzz: setup
	$(PYTHON) -m tests.fuzz --frames $(FRAMES) $(if $(SEED),--seed $(SEED)) $(if $(GUIDED),--guided)

# What the benchmarks are shown beside, into build/peers. What cannot be had is said, and is absent.
peers: setup
	@$(PYTHON) -m loadtest.peers.install

# Records into docs/bench and makes docs/benchmarks.md; `taskset -c 0,1 make bench` for two cores.
bench: peers
	$(PYTHON) -m loadtest bench $(addprefix --only ,$(ONLY)) $(if $(SHORT),--short)

# Locust's report ends up in build/load.html; what was started for it is gone when it ends.
load: setup
	@exec $(PYTHON) -m loadtest load --hubs $(HUBS) $(if $(LOAD_URL),--url $(LOAD_URL)) \
	  $(if $(USERS),--users $(USERS)) $(if $(RATE),--rate $(RATE)) $(if $(TIME),--time $(TIME)) \
	  $(if $(SPAWN),--spawn $(SPAWN)) $(if $(SHAPE),--shape $(SHAPE)) $(if $(PEOPLE),--people $(PEOPLE)) \
	  $(if $(STORM),--storm-every $(STORM)) $(if $(WITHIN),--within $(WITHIN)) $(if $(WEB),--web) $(if $(SCENARIO),--scenario $(SCENARIO)) \
	  $(if $(filter command environment,$(origin WORKERS)),--workers $(WORKERS))

check: setup
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/bandit --quiet --configfile pyproject.toml --recursive proto muster realtime api pushers
	$(PYTHON) -m tests.architecture.secrets_scan

# uv resolves for every platform and Python at once; it is needed here and nowhere else.
lock:
	@python3 -m venv build/lock && build/lock/bin/python -m pip install --quiet uv
	build/lock/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	  --extra dev --output-file requirements.lock pyproject.toml
	@rm -rf build/lock
