# Everything from a fresh machine: `make demo`, `make test`. Needs Python 3.11 or later; with PortAudio the demo is heard.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
TESTS := $(VENV)/.tests
# Some machines forbid compiled files; tests start hundreds of processes, and each would compile the program again.
export PYTHONDONTWRITEBYTECODE :=
SYSTEM := $(PYTHON) .ci/system_programs.py
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet install --constraint constraints.txt

.PHONY: setup demo test test-latest test-cluster lock lint benchmarks evaluate clean

# All that the tests use: system programs where this user may install them, then the Python packages.
setup:
	@$(SYSTEM) --all
	@$(MAKE) --no-print-directory $(TESTS)

# What the program needs, no more.
$(RUNTIME): pyproject.toml constraints.txt
	@echo "setting up Python packages, which takes a few minutes the first time …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) setuptools
	@$(PIP) --no-build-isolation --editable .
# The kernels are compiled here, once, not by each process that comes first. Without them ONNX Runtime takes the steps.
	@$(BIN)/python -c "import engine.acceleration.kernels" || true
	@touch $@
	@echo "setting up Python packages … done"

$(TESTS): $(RUNTIME)
	@echo "setting up the tests …"
	@$(PIP) --no-build-isolation --editable '.[test]'
	@touch $@
	@echo "setting up the tests … done"

# A prompt and the continuation of a recorded loop, asked for over OSC, streamed to disk and, where there is one, to the audio device.
# With folders, settings, a state file and a port of its own, so that a daemon that is already at work is left alone.
DEMO := $(CURDIR)/demo
demo: export INSPIRE_SETTINGS := $(DEMO)/settings.toml
demo: export INSPIRE_FOLDER := $(DEMO)/music
demo: export INSPIRE_STATE_FOLDER := $(DEMO)/state
demo: export INSPIRE_LOG_FOLDER := $(DEMO)/log
demo: export INSPIRE_PORT := 0
demo: $(RUNTIME)
	@$(SYSTEM) --sound
	@$(BIN)/inspire generate "dub techno, 124 bpm, A minor" --bars 8 --bpm 124 \
	&& $(BIN)/inspire continue tests/loops/compus.flac --bars 4 --bpm 148; \
	ended=$$?; $(BIN)/inspire stop; exit $$ended
	@echo "The results are in demo/music. To have inspire on the PATH of this shell: . $(BIN)/activate (of every shell: uv tool install . or pipx install .)"

# First what can share the machine, three at a time, as tests wait for other processes more than they work; then what measures time or
# plays on a sound server, alone. Both run, also where the first fails.
# ARGS chooses tests: `make test ARGS=tests/bridge/midi`; then one of the two may have none (5).
PYTEST = $(BIN)/python -m pytest $(ARGS)
NONE = { ended=$$?; [ -n "$(ARGS)" ] && [ $$ended -eq 5 ]; }
test: lint
	@failed=0; \
	OMP_NUM_THREADS=1 $(PYTEST) -n 3 --dist loadfile -m "not realtime and not cluster" || $(NONE) || failed=1; \
	$(PYTEST) -m realtime || $(NONE) || failed=1; \
	exit $$failed

# What needs packages that the lock does not have: the engine behind Ray Serve and Stable Audio. Installs 150 MB, takes two minutes.
test-cluster: $(TESTS)
	@$(PIP) --no-build-isolation --editable '.[test,cluster,baselines]'
	@$(BIN)/python -m pytest tests/engine/cluster tests/engine/baselines

lint: $(TESTS)
	@$(BIN)/ruff check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo

# The newest that pyproject.toml allows, without the lock, in the newest Python there is: tells what tomorrow's releases will break.
LATEST := .venv-latest
test-latest:
	@newest=$(PYTHON); for minor in 11 12 13 14 15 16 17 18 19; do \
		python3.$$minor -c "import venv, ensurepip" 2>/dev/null && newest=python3.$$minor; \
	done; echo "the newest Python here: $$newest"; rm -rf $(LATEST); $$newest -m venv $(LATEST)
	@$(LATEST)/bin/python -m pip --disable-pip-version-check --quiet install --upgrade --upgrade-strategy eager --editable '.[test]'
	@$(LATEST)/bin/python -m pip --disable-pip-version-check list
	@touch $(LATEST)/.runtime $(LATEST)/.tests
	@$(MAKE) --no-print-directory test VENV=$(LATEST)

# Writes the lock anew, with the newest versions that pyproject.toml allows.
lock: $(TESTS)
	@$(BIN)/python -m pip --disable-pip-version-check --quiet install uv
	@head -n 2 constraints.txt >constraints.new
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra test --extra midi --no-header --no-annotate --upgrade \
		pyproject.toml >>constraints.new
	@mv constraints.new constraints.txt

benchmarks: $(TESTS)
	$(BIN)/python -m tests.benchmarks

evaluate: $(TESTS)
	$(BIN)/python -m engine.evaluation sketch --quick

clean:
	rm -rf $(VENV) $(LATEST) demo .pytest_cache .ruff_cache .mypy_cache .import_linter_cache *.egg-info
