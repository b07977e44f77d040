# One verb a line: `make demo` shows the main job, `make test` runs the tests, `make check` all other checks.
# Everything is installed into $(VENV); name another interpreter by `make PYTHON=python3.12 …`.

PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
PIP = $(VENV)/bin/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo test check format perf perf-bulk perf-solve clean

help:
	@echo "make demo    build a small channel, create an environment from it, use it, remove it"
	@echo "make test    run all tests"
	@echo "make check   lint, format, types, layers"
	@echo "make format  put the code into its format"
	@echo "make perf    measure against py-rattler; writes perf/RESULTS.md"
	@echo "make perf-bulk  the same for 1, 10 and 50 environments in one run (many minutes)"
	@echo "make perf-solve  the same for solving, at conda-forge's size, and the quality of answers (minutes)"
	@echo "make clean   remove $(VENV) and caches"

demo: $(VENV)/installed
	@$(VENV)/bin/python -m tests.kit.demo

test: $(VENV)/installed-dev
	$(VENV)/bin/python -m pytest -q -n $(JOBS)

check: $(VENV)/installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/installed-dev
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

perf: $(VENV)/installed-dev
	$(VENV)/bin/python -m perf.create

perf-bulk: $(VENV)/installed-dev
	$(VENV)/bin/python -m perf.bulk

perf-solve: $(VENV)/installed-dev
	$(VENV)/bin/python -m perf.solve
	$(VENV)/bin/python -m perf.solve_quality

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/installed: pyproject.toml .ci/prerequisites.py
	@$(PYTHON) .ci/prerequisites.py
	@echo "Setting up $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	@$(PIP) install -e '.[dev]'
	@touch $@
