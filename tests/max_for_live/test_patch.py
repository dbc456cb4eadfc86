"""The patch, by what is known of Max and Live: and mutants of it, so that the linter is known to see."""

from __future__ import annotations

import copy
import json

import pytest

from max_for_live.build import FOLDER
from max_for_live.layout import CONTROLS
from tests.max_for_live.patch_linter import lint, name_of

# A set recalls by long name, so that a name here is never changed or taken away. New ones are added at the end.
RELEASED = {
    *("Prompt", "Daemon Port", "Record Input", "Mode", "Bars", "Takes", "Drums", "Key", "Guidance", "Monitor Gain", "Seed"),
    *("Seed Lock", "Hear While Made", "Go", "Stop and Keep", "Again", "Place Where", "Favourite", "Take", "Listen", "Place"),
    *("Show Folder", "Place All", "Auto Place", "Bank Name", "Preset Name", "Model Name"),
}
RELEASED_CHOICES = {
    "Mode": ["Generate", "Continue", "Fill", "Arrange"],
    "Bars": ["1", "2", "4", "8", "16"],
    "Takes": ["1", "2", "3", "4"],
    "Drums": ["Auto", "With", "Without"],
    "Key": ["Prompt", "Live"],
    "Place Where": ["Auto", "Slot", "Arrangement", "Take lane", "New track"],
}


@pytest.fixture
def patcher() -> dict:
    return json.loads((FOLDER / "Inspire.maxpat").read_text("utf-8"))["patcher"]


def _box(patcher: dict, name: str) -> dict:
    return next(
        entry["box"]
        for entry in patcher["boxes"]
        if name in (entry["box"].get("varname"), name_of(entry["box"]), entry["box"].get("text"))
    )


def test_the_patch_has_no_fault(patcher):
    assert lint(patcher) == []


def test_parameters_are_never_renamed(patcher):
    values = [box["box"].get("saved_attribute_attributes", {}).get("valueof", {}) for box in patcher["boxes"]]
    names = {value["parameter_longname"]: value.get("parameter_enum") for value in values if value}
    assert set(names) == RELEASED
    for name, choices in RELEASED_CHOICES.items():
        assert names[name] == choices, f"the choices of {name} are saved by number in every set"


def test_what_is_used_most_is_largest(patcher):
    """Of what is pressed: Go. Of what is read: prompt and waveforms."""
    area = {}
    for entry in patcher["boxes"]:
        if entry["box"].get("presentation"):
            *_, width, height = entry["box"]["presentation_rect"]
            area[entry["box"]["varname"]] = width * height
    buttons = [control.name for control in CONTROLS if control.kind == "live.text"]
    assert max(buttons, key=area.get) == "go"
    assert sorted(area, key=area.get)[-4:] == ["status", "source_wave", "result_wave", "prompt"]


def _typo(key: str, value: object):
    def mutate(patcher: dict, box: dict) -> None:
        box[key] = value

    return mutate


def _valueof(key: str, value: object):
    def mutate(patcher: dict, box: dict) -> None:
        box["saved_attribute_attributes"]["valueof"][key] = value

    return mutate


def _rename(old: str, new: str):
    def mutate(patcher: dict, box: dict) -> None:
        box[new] = box.pop(old)

    return mutate


def _line(side: str, index: int, value: object):
    def mutate(patcher: dict, box: dict) -> None:
        line = next(line["patchline"] for line in patcher["lines"] if line["patchline"][side][0] == box["id"])
        line[side][index] = value

    return mutate


def _cord(source: str, destination: str) -> dict:
    return {"patchline": {"source": [source, 0], "destination": [destination, 0]}}


MUTANTS = {
    "class": ("go", _typo("maxclass", "live.txt")),
    "object": ("deferlow", _typo("text", "deferlo")),
    "forbidden": ("deferlow", _typo("text", "print")),
    "inlets": ("result_wave", _typo("numinlets", 4)),
    "outlets": ("udpreceive", _typo("numoutlets", 2)),
    "no outlettype": ("go", lambda patcher, box: box.pop("outlettype")),
    "outlettype of none": ("status", _typo("outlettype", [])),
    "route's outlets": ("route text", _typo("text", "route text more")),
    "channels of sfplay~": ("sfplay~", _typo("text", "sfplay~ 4")),
    "attribute": ("result_wave", _rename("buffername", "buffernam")),
    "attribute in a box": ("udpreceive", _typo("text", "udpreceive 7800 @deffer 1")),
    "colour": (
        "result_wave",
        lambda patcher, box: box["saved_attribute_attributes"].update(wavecolor={"expression": "themecolor.live_alert"}),
    ),
    "theme": (
        "result_wave",
        lambda patcher, box: box["saved_attribute_attributes"]["bgcolor"].update(expression="themecolor.live_lcd"),
    ),
    "font": ("go", _typo("fontname", "Arial")),
    "id twice": ("go", lambda patcher, box: box.update(id=_box(patcher, "stop")["id"])),
    "cord from nowhere": ("go", _line("source", 0, "obj-999")),
    "cord to nowhere": ("go", _line("destination", 0, "obj-999")),
    "outlet that is not there": ("go", _line("source", 1, 2)),
    "inlet that is not there": ("plugout~", _line("destination", 1, 2)),
    "signal into a message": ("plugin~", lambda patcher, box: patcher["lines"].append(_cord(box["id"], "obj-1"))),
    "cord twice": ("go", lambda patcher, box: patcher["lines"].append(copy.deepcopy(patcher["lines"][0]))),
    "unconnected": (
        "go",
        lambda patcher, box: patcher.update(lines=[one for one in patcher["lines"] if box["id"] not in str(one)]),
    ),
    "overlap": ("go", _typo("presentation_rect", [624, 6, 110, 40])),
    "outside": ("go", _typo("presentation_rect", [764, 6, 96, 40])),
    "half a pixel": ("go", _typo("presentation_rect", [624, 6.5, 96, 40])),
    "text too long": ("place_all", _typo("text", "Place all of the takes")),
    "tab too narrow": ("mode", _typo("presentation_rect", [192, 6, 120, 18])),
    "margins": ("mode", lambda patcher, box: patcher.update(devicewidth=790)),
    "long name": ("go", _valueof("parameter_longname", "Place")),
    "made-up long name": ("go", _valueof("parameter_longname", "live.text[1]")),
    "no info": ("go", _valueof("parameter_info", "")),
    "parameter key": ("go", _valueof("parameter_longnme", "x")),
    "choices": ("mode", _valueof("parameter_mmax", 4)),
    "type": ("seed", _valueof("parameter_type", 5)),
    "too many steps": ("port", _valueof("parameter_type", 1)),
    "default out of range": ("port", _valueof("parameter_initial", [80])),
    "no default": ("gain", _valueof("parameter_initial_enable", 0)),
    "undo flood": ("take", _valueof("parameter_invisible", 0)),
    "text that is automated": ("prompt", _valueof("parameter_invisible", 0)),
    "acts on the way down": ("go", _typo("outputmode", 0)),
    "no parameter": ("go", lambda patcher, box: box["saved_attribute_attributes"].pop("valueof")),
    "no scripting name": ("pattr", lambda patcher, box: box.pop("varname")),
    "shared buffer": ("buffer~", _typo("text", "buffer~ source_wave")),
    "shared waveform": ("result_wave", _typo("buffername", "result_wave")),
    "list of parameters": ("go", lambda patcher, box: patcher["parameters"].pop(box["id"])),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught(patcher, name):
    target, mutate = MUTANTS[name]
    mutate(patcher, _box(patcher, target))
    assert lint(patcher), f"nothing is said of a patch with a wrong {name}"
