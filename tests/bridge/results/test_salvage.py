"""What a daemon that died left unfinished becomes a result, and what is not its own is left alone."""

from __future__ import annotations

import pytest

from bridge.results import sidecar
from bridge.results.salvage import salvage
from engine.api import GenerationRequest
from tests.bridge.results.test_recording import RATE, record, sidecar_of


def unfinished(result, entries: dict) -> None:
    """As a daemon leaves it that is killed while the job runs."""
    sidecar.path_of(result).unlink()
    sidecar.reserve(result, entries)


@pytest.mark.parametrize("died_before", ["the sidecar", "the MIDI file", "its journal knew"])
def test_a_dead_daemons_midi_file_is_not_lost(tmp_path, died_before):
    request = GenerationRequest("dub", bpm=120.0)
    result = record(tmp_path, request).finish(sidecar_of(request))
    midi = result.with_suffix(".mid").read_bytes()
    if died_before != "its journal knew":
        result.with_suffix(".mid").unlink()
    if died_before == "the sidecar":
        unfinished(result, sidecar_of(request))
    path, duration_s, reported = salvage(result, sidecar_of(request) | {"state": "interrupted"})
    assert (path, duration_s) == (result, 100 / RATE)
    assert result.with_suffix(".mid").read_bytes() == midi
    assert reported["state"] == sidecar.read(result)["state"] == ("interrupted" if died_before == "the sidecar" else "done")


def test_what_a_failed_write_left_behind_is_cut_off(tmp_path):
    result = record(tmp_path, GenerationRequest("dub")).finish({})
    unfinished(result, {"id": "j"})
    whole = result.read_bytes()
    result.write_bytes(whole + b"half a write")
    assert salvage(result, {"id": "j", "state": "interrupted"})[:2] == (result, 100 / RATE)
    assert result.read_bytes() == whole


@pytest.mark.parametrize("theirs", ["another job's", "no sidecar", "their own sidecar"])
def test_what_is_not_the_jobs_is_not_mended(tmp_path, theirs):
    result = record(tmp_path, GenerationRequest("dub")).finish({"id": "other"})
    if theirs == "no sidecar":
        sidecar.path_of(result).unlink()
    if theirs == "their own sidecar":
        sidecar.path_of(result).write_text("[]")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert salvage(result, {"id": "j"})[0] is None
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
