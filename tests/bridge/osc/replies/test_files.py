"""A result's files are named once by a path, the others by their names beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.osc.replies import Cancelled, Done, Entry, Fail, others_of, paths_of

FILES = [Path("/m/x.1.wav"), Path("/m/x.2.wav"), Path("/m/x.3.wav")]


def test_what_is_named_is_found_again():
    pairs = others_of(FILES)
    assert pairs == {"others": "x.2.wav/x.3.wav"} and others_of(FILES[:1]) == {}
    whole = [str(path) for path in FILES]
    assert paths_of(Done("j", whole[0], 1.0, pairs)) == paths_of(Cancelled("j", whole[0], 1.0, pairs)) == whole
    assert paths_of(Fail("j", "engine", "x", {"path": whole[0], **pairs})) == whole
    assert paths_of(Entry("h", 0, "j", "done", {"path": whole[0]})) == whole[:1]


@pytest.mark.parametrize("end", [Cancelled("j", "", 0.0), Fail("j", "engine", "x"), Entry("h", 0, "j", "queued")])
def test_without_audio_there_are_none(end):
    assert paths_of(end) == []
