# Everything from a fresh machine: `make demo`, `make test`. Needs Python 3.11 or later and, for sound, PortAudio.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup demo test lint benchmarks evaluate clean

setup: $(STAMP)

$(STAMP): pyproject.toml
	@echo "setting up …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@
	@echo "setting up … done"

# A prompt and the continuation of a recorded loop, asked for over OSC, streamed to disk and, where there is one, to the audio device.
# On a port of its own, so that a daemon that is already at work is left alone.
DEMO_PORT := 7779
demo: $(STAMP)
	@$(BIN)/inspire generate "dub techno, 124 bpm, A minor" --bars 8 --bpm 124 --port $(DEMO_PORT)
	@$(BIN)/inspire continue tests/loops/compus.flac --bars 4 --bpm 148 --port $(DEMO_PORT)
	@$(BIN)/inspire stop --port $(DEMO_PORT)

test: lint
	$(BIN)/python -m pytest

lint: $(STAMP)
	@$(BIN)/ruff check .

benchmarks: $(STAMP)
	$(BIN)/python -m tests.benchmarks

evaluate: $(STAMP)
	$(BIN)/python -m engine.evaluation sketch

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache *.egg-info
