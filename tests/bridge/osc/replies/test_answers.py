"""Answers to commands: what stands where in a list's entries."""

from __future__ import annotations

from bridge.osc.replies import BindingInfo, ModelReply, PresetInfo, decode_reply, encode_reply


def test_a_preset_a_model_and_a_binding_are_numbered_and_have_their_keys():
    preset = PresetInfo("p", 3, 40, "Swing", "jazz_latin", {"description": "a trio", "bpm": 140.0, "key": "C major", "bars": 8})
    assert encode_reply(preset)[1][:5] == ["p", 3, 40, "Swing", "jazz_latin"]
    model = ModelReply("m", 0, 1, "sketch", {"kind": "embedded", "megabytes": 30.5, "loaded": 1, "path": "/m"})
    binding = BindingInfo("b", 0, "gain", "controller", {"number": 7, "channel": 1, "low": -60.0, "high": 6.0, "values": None})
    for reply in (preset, model):
        assert decode_reply(*encode_reply(reply)) == reply
    address, values = encode_reply(binding)
    assert values == ["b", 0, "gain", "controller", "number", 7, "channel", 1, "low", -60.0, "high", 6.0]
    assert address == "/inspire/midi/binding"
