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
install = $(1)/bin/python -m pip install -qq --disable-pip-version-check
endif

.PHONY: demo build test coverage lint docs wheel wheels bench guard fuzz lock clean

demo: export PAGER = cat
demo: build
	@echo
	@echo '$$ unpacket streams $(SAMPLE)'
	@$(BIN)/unpacket streams $(SAMPLE)
	@echo
	@echo '$$ unpacket follow $(SAMPLE) 2 | head -n 30'
	@$(BIN)/unpacket follow $(SAMPLE) 2 | head -n 30
	@echo
	@echo 'The capture missed a packet of that answer, and no byte was made up for it.'
	@echo 'Next:  $(BIN)/unpacket streams YOUR.pcapng   the streams of your own capture'
	@echo '       $(BIN)/unpacket check YOUR.pcapng     whether it can be trusted'
	@echo '       docs/guide.md                            what else it does, step by step'
	@echo '       make test                                the tests, on both cores'

build: $(VENV)/built

$(BIN)/python:
	@echo 'making $(VENV)'
	@$(call new_environment,$(VENV))

# What compiles and runs the package; the demo needs no more.
$(VENV)/build-tools: requirements-build.txt | $(BIN)/python
	@echo 'installing requirements-build.txt'
	@$(call install,$(VENV)) -r requirements-build.txt
	@touch $@

# What tests, lints and documents it. Behind the other installs: two at once, as with
# --jobs, spoil the environment.
$(VENV)/tools: requirements-dev.txt | $(VENV)/installed
	@echo 'installing requirements-dev.txt'
	@$(call install,$(VENV)) -r requirements-dev.txt
	@touch $@

# The install writes the command and the metadata; the next rule compiles.
$(VENV)/installed: $(VENV)/build-tools pyproject.toml setup.py src/unpacket/_version.py
	@UNPACKET_PURE=1 $(call install,$(VENV)) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/built: $(VENV)/installed $(CORE)
	@$(BIN)/python setup.py --quiet build_ext --inplace
	@touch $@

test: build $(VENV)/tools
	$(BIN)/python -m pytest -n $(JOBS) --hypothesis-profile=$(PROFILE)
	$(BIN)/python -m pytest -n $(JOBS) --hypothesis-profile=$(PROFILE) --pure

coverage: build $(VENV)/tools
	$(BIN)/python -m coverage run -m pytest --pure
	$(BIN)/python -m coverage report --skip-covered --show-missing

lint: $(VENV)/tools
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	PATH="$(CURDIR)/$(BIN):$$PATH" cython-lint src

# Fetches nothing; a warning is an error, a reference that leads nowhere too.
docs: build $(VENV)/tools
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --nitpicky \
		--fresh-env -b html docs build/docs

# The wheel takes the extensions that are built; what else an earlier build has left
# must not come into it. The sdist is tried without compiling all of it again: as the
# wheel without extensions, by pip and in an environment of its own.
wheel: build $(VENV)/tools
	rm -rf dist $(WHEEL_VENV)
	find build -path 'build/lib*' -type f ! -name '*.so' -delete
	$(BIN)/python -m build --no-isolation --sdist
	$(BIN)/python -m build --no-isolation --wheel
	$(call new_environment,$(WHEEL_VENV))
	$(call install,$(WHEEL_VENV)) dist/*.whl
	$(WHEEL_VENV)/bin/python .ci/check_wheel.py $(SAMPLE)
	UNPACKET_PURE=1 $(call install,$(WHEEL_VENV)) --force-reinstall --no-deps dist/*.tar.gz
	$(WHEEL_VENV)/bin/python .ci/check_wheel.py --pure $(SAMPLE)

# For each Python that this machine has, from the sdist: RELEASING.md.
wheels: $(VENV)/tools
	rm -rf dist
	$(BIN)/python -m build --sdist
	$(BIN)/python .ci/wheels.py dist $(SAMPLE)

bench: build $(VENV)/tools
	$(BIN)/python -m bench

# Instructions of a small fixed run, against those stored in bench/guard.json.
guard: build $(VENV)/tools
	$(BIN)/python -m bench.guard

# The corpus and some mutations of it, on both cores; fuzz/README.md has more.
fuzz: build $(VENV)/tools
	$(BIN)/python -m fuzz --runs $(RUNS)
	$(BIN)/python -m fuzz --runs $(RUNS) --pure

# uv.lock names the host that served each file, so the lock is this file: exact
# versions and hashes, from wherever they are fetched.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --custom-compile-command "make lock" pyproject.toml
lock:
	$(LOCK) --upgrade --group dev --all-extras --output-file requirements-dev.txt
	$(LOCK) --group build --constraint requirements-dev.txt \
		--output-file requirements-build.txt

clean:
	rm -rf $(VENV) build dist src/*.egg-info
	find src -name '*.so' -delete
