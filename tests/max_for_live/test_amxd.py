"""The device's file: read by a parser that shares nothing with the writer, and put together again byte for byte."""

from __future__ import annotations

import json

import pytest

from max_for_live.amxd import AUDIO_EFFECT, Frozen, freeze
from max_for_live.build import FOLDER
from tests.max_for_live.amxd_reader import Device, NotADevice, read_device, write_device
from tests.missing import needs_module


@pytest.fixture(scope="module")
def device() -> Device:
    return read_device((FOLDER / "Inspire.amxd").read_bytes())


def test_the_file_is_read_and_put_together_again_byte_for_byte(device):
    assert write_device(device) == (FOLDER / "Inspire.amxd").read_bytes()


def test_it_is_a_frozen_audio_effect_with_its_script_inside(device):
    assert (device.kind, device.meta) == ("aaaa", 7)
    assert [(file.name, file.type, file.flag) for file in device.files] == [
        ("Inspire.amxd", "JSON", 0x11),
        ("inspire.js", "TEXT", 0),
    ]


def test_what_is_frozen_is_what_is_committed_beside_it(device):
    patch, script = device.files
    assert patch.data.endswith(b"}\n\0")
    assert json.loads(patch.data[:-1]) == json.loads((FOLDER / "Inspire.maxpat").read_text("utf-8"))
    assert script.data == (FOLDER / "inspire.js").read_bytes()


def test_both_types_agree_and_what_max_or_live_rejects_is_not_there(device):
    patcher = json.loads(device.files[0].data[:-1])["patcher"]
    assert patcher["project"]["amxdtype"] == int.from_bytes(device.kind.encode(), "big")
    assert "parameterbanks" not in patcher["parameters"], "an empty bank crashes Live 12.4"
    assert (
        patcher["devicewidth"] == patcher["openrect"][2] and patcher["openrect"][3] == 169 and patcher["openinpresentation"] == 1
    )
    assert [need["name"] for need in patcher["dependency_cache"]] == [file.name for file in device.files[1:]]


@pytest.mark.parametrize(
    ("offset", "byte"),
    [(0, b"x"), (8, b"b"), (16, b"\x05"), (28, b"\xff"), (32, b"x"), (36, b"\x01"), (47, b"\x01")],
)
def test_the_reader_notices_a_byte_that_is_wrong(offset, byte):
    data = bytearray((FOLDER / "Inspire.amxd").read_bytes())
    data[offset : offset + 1] = byte
    with pytest.raises(NotADevice):
        read_device(bytes(data))


def test_a_device_of_two_types_is_not_written():
    with pytest.raises(AssertionError, match="refuses"):
        freeze("x.amxd", {"project": {"amxdtype": 1}}, [], AUDIO_EFFECT)


def test_names_are_padded_to_four_and_payloads_follow_each_other():
    patcher = {"project": {"amxdtype": int.from_bytes(AUDIO_EFFECT, "big")}}
    for name in ("a.js", "ab.js", "abc.js", "abcd.js"):
        device = read_device(freeze("x.amxd", patcher, [Frozen(name, "TEXT", b"1"), Frozen("z.png", "PNG ", b"22")]))
        assert [file.name for file in device.files] == ["x.amxd", name, "z.png"]
        assert device.files[2].data == b"22"


def test_py2max_reads_the_patch(tmp_path):
    """A library that other people read Max's patches with."""
    py2max = needs_module("py2max", "py2max")
    copy = tmp_path / "Inspire.maxpat"
    copy.write_bytes((FOLDER / "Inspire.maxpat").read_bytes())
    patcher = py2max.Patcher.from_file(str(copy))
    assert len(patcher._boxes) == len(json.loads(copy.read_text("utf-8"))["patcher"]["boxes"])
