"""Presets over OSC: listed, used, saved and selected; one that cannot be used is one fail."""

from __future__ import annotations

import pytest

from bridge.config.presets import SELECTED, Presets
from bridge.osc import codec, spec
from bridge.osc.replies import Ack, Done, Fail, PresetInfo, encode_reply
from tests.bridge.conftest import ROOT

FACTORY = Presets(ROOT / "no such folder").all()


def test_the_list_comes_whole_and_fits_small_buffers(daemon, raw):
    raw.send("/inspire/presets", "p")
    replies = [raw.receive() for _ in FACTORY]
    assert [(r.index, r.count, r.name) for r in replies] == [(i, len(FACTORY), p.name) for i, p in enumerate(FACTORY)]
    assert replies[0].pairs["bpm"] == FACTORY[0].values["bpm"]
    assert all(len(codec.encode(*encode_reply(reply))) <= 1024 for reply in replies)
    raw.send("/inspire/presets", "b", "bank", "polka")
    assert raw.receive().code == "no_such_preset"


def test_generate_with_a_preset_save_it_select_it(daemon, raw):
    raw.send("/inspire/generate", "job", "", "preset", "deep house", "bars", 1, "bpm", 240.0)
    ack, *_, done = raw.until_end()
    assert isinstance(ack, Ack) and isinstance(done, Done) and done.duration_s == pytest.approx(1.0)
    raw.send("/inspire/preset/save", "s", "Fast house", "job")
    saved = raw.receive()
    assert isinstance(saved, PresetInfo) and (saved.name, saved.bank, saved.pairs["bpm"]) == ("Fast house", "user", 240.0)
    assert 'name = "Fast house"' in (saved_file := (daemon.home / "presets" / "user.toml").read_text())
    assert "model" not in saved_file  # nobody named one
    raw.send("/inspire/preset/bank", "b", "user")
    assert raw.receive().name == "Fast house"
    raw.send("/inspire/preset/previous", "v")
    raw.send("/inspire/preset/next", "n")
    assert (raw.receive().name, raw.receive().name) == (FACTORY[-1].name, "Fast house")
    raw.send("/inspire/generate", "again", "", "preset", SELECTED)
    assert raw.until_end()[-1].duration_s == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["x", "preset", "lost"], "no_such_preset"),
        (["", "preset", "continue tight"], "bad_request"),
        (["x", "preset", ""], "bad_value"),
    ],
)
def test_a_preset_that_cannot_be_used_is_one_fail(raw, arguments, code):
    raw.send("/inspire/generate", "bad", *arguments)
    fail = raw.receive()
    assert isinstance(fail, Fail) and (fail.id, fail.code) == ("bad", code) and code in spec.FAIL_CODES


def test_a_bad_file_while_the_daemon_runs(daemon, raw):
    folder = daemon.home / "presets"
    folder.mkdir(exist_ok=True)
    (folder / "bad.toml").write_text("[[preset]]\nname = 3\n")
    raw.send("/inspire/presets", "p", "bank", "band")
    assert raw.receive().bank == "band"
    assert "bad.toml, line 2" in daemon.log
