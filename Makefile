# Causeway. `make help` lists what there is. Runs on GNU make from 3.81 (macOS) on.
#
# All paths are relative: make cuts a path with a space in two, the shell need not.

# "make up PYTHON=python3.12" takes another Python than the first one on the PATH.
PYTHON ?= python3
# "make up ARGS='--scale orders=2'", "make test ARGS='-k relay'"
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
CODE := gateway bridge client services stack tests benchmarks
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help up down check test test-long bench generate lock

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

up: $(INSTALLED) ## set up and run everything in the foreground; Ctrl-C stops it cleanly
	@exec $(BIN)/causeway up $(ARGS)

down: $(INSTALLED) ## stop what `causeway up --detach` started, or what a crash left
	@exec $(BIN)/causeway down $(ARGS)

check: $(INSTALLED) ## the inner loop: format, lint, types, import rules, generated files, schema gate, unit tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports
	$(BIN)/python -m gateway.generate --check
	$(BIN)/buf lint
	$(BIN)/causeway compile --check
	$(BIN)/causeway check --static
	$(BIN)/causeway schemas check
	$(BIN)/python -m pytest tests/unit tests/gateway tests/contract -q -n 3 --dist loadfile \
	  -m "not programs" $(ARGS)

test: $(INSTALLED) ## the suite on real parts, on ports and state of its own
	@exec $(BIN)/python -m tests -m "not long" $(ARGS)

test-long: $(INSTALLED) ## the same with full counts
	@exec $(BIN)/python -m tests $(ARGS)

bench: $(INSTALLED) ## each figure of bridge, edge and API beside its limit or peer, as a table (15 minutes)
	@exec $(BIN)/python -m benchmarks $(ARGS)

generate: $(INSTALLED) ## write the generated modules, stubs and descriptors anew
	$(BIN)/python -m gateway.generate

# Its own environment: what resolves the versions is no part of what it resolves.
lock: ## resolve pyproject.toml anew, with hashes, for every system and Python
	@$(PYTHON) -m venv .causeway/lock
	@.causeway/lock/bin/python -m pip --disable-pip-version-check --quiet install uv
	.causeway/lock/bin/uv pip compile --quiet --upgrade --all-extras --universal \
	  --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --output-file requirements.lock pyproject.toml

# Only files with a hash in the lock are installed; the project itself is linked, not copied.
$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Causeway needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1 || true)."; \
	  echo "Next: make $(or $(MAKECMDGOALS),up) PYTHON=python3.12   (or wherever a newer one is)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "$(PYTHON) has no venv module: it can't make an environment."; \
	  echo "Next: install it (Debian, Ubuntu: apt install python3-venv), then make $(or $(MAKECMDGOALS),up)"; exit 1; }
	@echo "Installing the locked packages into $(VENV), once: a minute, or several on a busy machine."
	@$(PYTHON) -m venv $(VENV)
	@rm -f $(VENV)/packages
	@{ $(BIN)/python -m pip --disable-pip-version-check install --require-hashes \
	    --requirement requirements.lock && touch $(VENV)/packages; } | awk '\
	  /^Collecting / && ++n % 25 == 0 { print "  " n " packages fetched"; fflush() } \
	  /^Installing / { print "  unpacking all " n; fflush() }'; test -e $(VENV)/packages
	@# xds-protos ships an older opentelemetry/proto/ over the one of opentelemetry-proto, and the
	@# last one installed wins: the newer one, which has all that xds-protos needs, is put last.
	@# Cause: https://github.com/grpc/grpc/tree/master/tools/distrib/python/xds_protos
	@sed -n '/^opentelemetry-proto==/,/[^\\]$$/p' requirements.lock > $(VENV)/last.lock
	@$(PIP) install --require-hashes --no-deps --force-reinstall --requirement $(VENV)/last.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(INSTALLED)
