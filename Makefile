# Two commands: `make run` opens the workbench, `make test` checks everything. Both set up what they lack.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
STAMP   = $(VENV)/.ready
# Processes that tests run in: make test WORKERS=3
WORKERS ?= 2

.PHONY: run test lint types setup format report clean

run: $(STAMP)
	@$(BIN)/assay ui

# Types are checked beside the tests; what mypy says comes last, and fails as they do. Bytecode is
# kept, also where the environment says no: each of the processes would compile the project anew.
test: $(STAMP) lint
	@told=$$(mktemp); $(BIN)/mypy >"$$told" 2>&1 & types=$$!; \
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n $(WORKERS) --dist loadgroup; tests=$$?; \
	wait $$types; types=$$?; cat "$$told"; rm -f "$$told"; \
	exit $$((tests || types))

lint: $(STAMP)
	@$(BIN)/ruff check --no-cache .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo

types: $(STAMP)
	@$(BIN)/mypy

format: $(STAMP)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# The reports in docs/report, from a fresh catalog: a test holds that they are today's.
report: $(STAMP)
	@home=$$(mktemp -d) && trap 'rm -rf "$$home"' EXIT && unset ASSAY_DATABASE_URL && export ASSAY_HOME="$$home" && \
	$(BIN)/assay init && \
	for language in en zh; do for ending in md html; do \
	$(BIN)/assay report --lang $$language -o docs/report/priority-report.$$language.$$ending || exit 1; \
	done; done

setup: $(STAMP)

# Versions come from constraints.txt; torch first, so that one build of it satisfies everything else.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Assay needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up $(VENV) (once; about two minutes, 2.6 GB)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1' --disable-pip-version-check
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --editable . --group dev
	@touch $(STAMP)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
