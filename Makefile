# For a stranger with Python 3.11 or later, make and a C compiler: `make demo`.
# Packages come from wherever pip or uv is set up to find them.

PYTHON ?= python3
# Hypothesis profile of `make test`: default or thorough (tests/conftest.py).
PROFILE ?= default
JOBS ?= 2
# Of each target of `make fuzz`: mutations of its corpus.
RUNS ?= 40

VENV := .venv
BIN := $(VENV)/bin
# Each module that is compiled, and its declarations.
CORE := $(shell find src -name '*.pxd') $(wildcard $(patsubst %.pxd,%.py, \
	$(shell find src -name '*.pxd')))
SAMPLE := examples/sample.pcapng
WHEEL_VENV := build/wheel-venv

ifneq ($(shell uv --version 2>/dev/null),)
new_environment = uv venv --quiet --python $(PYTHON) $(1)
install = uv pip install --quiet --python $(1)/bin/python
else
new_environment = $(PYTHON) -m venv $(1)
install = $(1)/bin/python -m pip install --quiet --disable-pip-version-check
endif

.PHONY: demo build test coverage lint docs wheel bench guard fuzz lock clean

demo: export PAGER = cat
demo: build
	$(BIN)/unpacket streams $(SAMPLE)
	$(BIN)/unpacket follow $(SAMPLE)

build: $(VENV)/built

$(BIN)/python:
	$(call new_environment,$(VENV))

$(VENV)/tools: requirements-dev.txt | $(BIN)/python
	$(call install,$(VENV)) -r requirements-dev.txt
	touch $@

# The install writes the command and the metadata; the next rule compiles.
$(VENV)/installed: $(VENV)/tools pyproject.toml setup.py src/unpacket/_version.py
	UNPACKET_PURE=1 $(call install,$(VENV)) --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/built: $(VENV)/installed $(CORE)
	$(BIN)/python setup.py --quiet build_ext --inplace
	touch $@

test: build
	$(BIN)/python -m pytest -n $(JOBS) --hypothesis-profile=$(PROFILE)
	$(BIN)/python -m pytest -n $(JOBS) --hypothesis-profile=$(PROFILE) --pure

coverage: build
	$(BIN)/python -m coverage run -m pytest --pure
	$(BIN)/python -m coverage report --skip-covered --show-missing

lint: $(VENV)/tools
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	PATH="$(CURDIR)/$(BIN):$$PATH" cython-lint src

# Fetches nothing; a warning is an error, a reference that leads nowhere too.
docs: build
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --nitpicky \
		--fresh-env -b html docs build/docs

wheel: $(VENV)/tools
	rm -rf dist $(WHEEL_VENV)
	$(BIN)/python -m build --no-isolation
	$(call new_environment,$(WHEEL_VENV))
	$(call install,$(WHEEL_VENV)) dist/*.whl
	$(WHEEL_VENV)/bin/python .ci/check_wheel.py $(SAMPLE)

bench: build
	$(BIN)/python -m bench

# Instructions of a small fixed run, against those stored in bench/guard.json.
guard: build
	$(BIN)/python -m bench.guard

# The corpus and some mutations of it, on both cores; fuzz/README.md has more.
fuzz: build
	$(BIN)/python -m fuzz --runs $(RUNS)
	$(BIN)/python -m fuzz --runs $(RUNS) --pure

# uv.lock names the host that served each file, so the lock is this file: exact
# versions and hashes, from wherever they are fetched.
lock:
	uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--group dev --all-extras pyproject.toml --generate-hashes --no-annotate \
		--custom-compile-command "make lock" --output-file requirements-dev.txt

clean:
	rm -rf $(VENV) build dist src/*.egg-info
	find src -name '*.so' -delete
