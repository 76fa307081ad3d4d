# Everything one needs, with nothing but Python 3.11 and make. `make help` lists it.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
AS_OF ?= 2017-09-30
PORT ?= 8080
CUSTOMERS ?= 200000
ORDERS ?= 2000000

.DEFAULT_GOAL := help
.PHONY: help install demo nightly ui docs test lint format bench stop clean

help:  ## What can be done here
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 12
	@echo
	@echo "AS_OF=2017-10-01 chooses the night, STAY=1 leaves the embedded server running, PORT=8081 moves the pages."

install: $(VENV)/installed  ## The command .venv/bin/perennial and all it needs, nothing else

demo: $(VENV)/installed  ## The whole nightly run on two sample shops; ends with what came out
	@$(BIN)/perennial sample --until $(AS_OF)
	@$(BIN)/perennial nightly --as-of $(AS_OF) $(if $(STAY),--stay)

nightly: $(VENV)/installed  ## One night of the sample shops, e.g. make nightly AS_OF=2017-10-01
	@$(BIN)/perennial sample --until $(AS_OF)
	@$(BIN)/perennial nightly --as-of $(AS_OF) $(if $(STAY),--stay)

ui: $(VENV)/installed  ## Airflow's own pages on the same warehouse, until Ctrl-C
	@$(BIN)/perennial ui --port $(PORT)

docs: $(VENV)/installed  ## dbt's documentation of every table as one HTML file, after a night
	@$(BIN)/perennial dbt docs generate --static
	@ls -t $${PERENNIAL_STATE:-.perennial}/dbt/*/static_index.html | head -1

test: $(VENV)/installed-dev  ## The whole test suite
	@$(BIN)/pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/installed-dev  ## Style of Python, SQL and YAML, the configuration, and docs/reference
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar dbt_project/models sql
	@$(BIN)/yamllint --strict config dbt_project docker-compose.yml
	@$(BIN)/perennial check --all | tail -1
	@$(BIN)/perennial reference --check

format: $(VENV)/installed-dev  ## Put Python and SQL into shape
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/sqlfluff fix --disable-progress-bar --processes 2 dbt_project/models

bench: $(VENV)/installed-dev  ## How long sources, identity, timeline, value, marts, activation and the report take, e.g. make bench CUSTOMERS=1000000 ORDERS=10000000
	@$(BIN)/python bench/sources.py
	@-$(BIN)/python bench/mariadb.py
	@$(BIN)/python bench/identity.py --customers $(CUSTOMERS)
	@$(BIN)/python bench/timeline.py --customers $(CUSTOMERS) --orders $(ORDERS)
	@$(BIN)/python bench/value.py --customers $(CUSTOMERS)
	@$(BIN)/python bench/marts.py --customers $(CUSTOMERS) --orders $(ORDERS)
	@$(BIN)/python bench/activation.py --customers $(CUSTOMERS) $(if $(DRT),--drt $(DRT))
	@$(BIN)/python bench/report.py --customers $(CUSTOMERS)

stop:  ## Stop the embedded server
	@if [ -x $(BIN)/perennial ]; then $(BIN)/perennial stop; else echo "nothing is installed, nothing runs"; fi

clean: ## Remove the virtual environment and everything the demo made
	@if [ -x $(BIN)/perennial ]; then $(BIN)/perennial stop --force; fi
	@rm -rf $(VENV) .perennial tests/node_modules

# The package is used from plugins/ as it stands: no build step, nothing fetched but the lock.
$(VENV)/installed: requirements.lock Makefile
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v == (3, 11) else \
	  "Perennial needs Python 3.11, %s is %d.%d. Install it, or name it: make PYTHON=python3.11 demo" % (sys.executable, *v))'
	@echo "installing into $(VENV), once (about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(call install,requirements.lock)
	@$(BIN)/python -c 'import pathlib, sysconfig; \
	  pathlib.Path(sysconfig.get_path("purelib"), "perennial.pth").write_text("$(CURDIR)/plugins\n")'
	@printf '#!/bin/sh\nexec "%s" -P -m perennial.cli "$$@"\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/perennial
	@chmod +x $(BIN)/perennial
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock tests/package-lock.json
	@$(call install,requirements-dev.lock)
	@npm ci --prefix tests --ignore-scripts --no-audit --no-fund --silent > /dev/null 2>&1 || \
	  echo "no axe-core, as npm cannot be had: whether everybody can use the pages is not tested"
	@touch $@

# --no-deps: the lock is complete, and older pip takes `package[extra]==version` for another, unpinned package
define install
if command -v uv >/dev/null; then uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r $(1); \
else $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(1); fi
endef
