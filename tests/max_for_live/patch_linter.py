"""Finds what Max would not say: it ignores a class, key or attribute that it does not know, and a cord that leads nowhere.

Reads three tables, in `tables/objects.json`: inlets and outlets by number of arguments, attributes, theme colours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

TABLE = json.loads((Path(__file__).parent / "tables" / "objects.json").read_text("utf-8"))
OBJECTS, THEME = TABLE["objects"], set(TABLE["theme"])
HEIGHT, MARGIN = 169, 6
CHARACTER_PX = 4.36 / 9.5  # of Ableton Sans Medium, for each point of size
# Of every box, whatever its class; Max's own file format.
BOX_KEYS = {
    *(
        "id",
        "maxclass",
        "numinlets",
        "numoutlets",
        "outlettype",
        "patching_rect",
        "presentation",
        "presentation_rect",
        "varname",
        "text",
    ),
    *(
        "fontname",
        "fontsize",
        "textjustification",
        "saved_attribute_attributes",
        "saved_object_attributes",
        "annotation",
        "annotation_name",
    ),
    *("parameter_enable", "num_lines_patching", "num_lines_presentation", "filename", "textfile", "livemode", "items"),
}
PARAMETER_KEYS = {
    *("parameter_annotation_name", "parameter_info", "parameter_invisible", "parameter_longname", "parameter_modmode"),
    *(
        "parameter_shortname",
        "parameter_initial",
        "parameter_initial_enable",
        "parameter_enum",
        "parameter_mmax",
        "parameter_mmin",
    ),
    *("parameter_type", "parameter_unitstyle"),
}
FORBIDDEN = {"dac~", "adc~", "print", "node.script"}
SELF_MOVED = {"favourite", "take"}  # controls that the script sets by itself
PUSHED = {"lock"}  # sets another control, when pressed


def lint(patcher: dict) -> list[str]:
    """Every fault, in words."""
    boxes = {}
    faults = []
    for entry in patcher["boxes"]:
        box = entry["box"]
        if box["id"] in boxes:
            faults.append(f"{box['id']} is there twice")
        boxes[box["id"]] = box
    for box in boxes.values():
        faults += _objects(box)
        faults += _attributes(box)
        faults += _parameter(box)
    faults += _cords(patcher["lines"], boxes)
    faults += _layout(patcher, [box for box in boxes.values() if box.get("presentation")])
    faults += _names(boxes)
    if set(patcher["parameters"]) != {id for id, box in boxes.items() if _valueof(box)}:
        faults.append("the patcher's list of parameters is not that of its boxes")
    return faults


def name_of(box: dict) -> str:
    return box["text"].split()[0] if box["maxclass"] == "newobj" else box["maxclass"]


def _valueof(box: dict) -> dict:
    return box.get("saved_attribute_attributes", {}).get("valueof", {})


def _objects(box: dict) -> Iterator[str]:
    name = name_of(box)
    if name in FORBIDDEN:
        yield f"{name} must not be in a device"
    if name not in OBJECTS:
        yield f"Max has no {name}"
        return
    if box["maxclass"] == "newobj" and name.startswith("live.") and name not in ("live.thisdevice", "live.colors"):
        yield f"{name} is no object box"
    if (box["numinlets"], box["numoutlets"]) not in _arity(box, name):
        yield f"{name}: {box['numinlets']} inlets and {box['numoutlets']} outlets, Max has {_arity(box, name)}"
    outlets = box.get("outlettype", [])
    if len(outlets) != box["numoutlets"] or ("outlettype" in box and not outlets):
        yield f"{name}: types of {len(outlets)} outlets where there are {box['numoutlets']}"


def _arity(box: dict, name: str) -> list[tuple[int, int]]:
    words = box.get("text", "").split()[1:] if box["maxclass"] == "newobj" else []
    arguments = len(words[: next((i for i, word in enumerate(words) if word.startswith("@")), len(words))])
    if name == "js":
        return [(2, 4)]  # as the script says: `inlets` and `outlets`, compared in test_script.py
    if name == "route":
        return [(arguments + 1, arguments + 1)]
    if name in ("sfplay~", "sfrecord~"):
        channels = int(words[0]) if arguments else 1
        return [(2, channels + 1)] if name == "sfplay~" else [(channels, 1)]
    known = OBJECTS[name]
    measured = [tuple(pair) for pair in known["by_arguments"].get(str(arguments), [])]
    return measured or [(known["in"], known["out"])]


def _attributes(box: dict) -> Iterator[str]:
    name = name_of(box)
    known = BOX_KEYS | set(OBJECTS.get(name, {}).get("attributes", []))
    if name in ("comment", "live.comment"):
        known.add("textcolor")  # of every box with letters: in Ableton's own CPU Reporter, though not in the reference
    for key in box:
        if key not in known:
            yield f"{name} has no attribute {key}"
    if box["maxclass"] == "newobj":
        for word in box["text"].split():
            if word.startswith("@") and word[1:] not in OBJECTS.get(name, {}).get("attributes", []):
                yield f"{name} has no attribute {word}"
    for key, value in box.get("saved_attribute_attributes", {}).items():
        if key == "valueof":
            continue
        if key not in known or key not in box:
            yield f"{name} has no colour {key}"
        colour = value.get("expression", "")
        if not colour.startswith("themecolor.") or colour.removeprefix("themecolor.") not in THEME:
            yield f"{name}.{key} follows no colour of Live's: {colour!r}"
    if "fontname" in box and not box["fontname"].startswith("Ableton Sans"):
        yield f"{name}: Live's own devices are written in Ableton Sans only"


def _parameter(box: dict) -> Iterator[str]:
    values, name = _valueof(box), box.get("varname", box["id"])
    if not values:
        if box["maxclass"].startswith("live.") and box["maxclass"] not in ("live.comment", "live.line"):
            yield f"{name} is a control without a parameter"
        return
    if "varname" not in box:
        yield f"{box['id']} is a parameter without a scripting name"
    for key in values:
        if key not in PARAMETER_KEYS:
            yield f"{name}: a parameter has no {key}"
    for key in ("parameter_longname", "parameter_shortname", "parameter_info", "parameter_annotation_name"):
        if not values.get(key):
            yield f"{name}: {key} is missing"
    if "[" in values.get("parameter_longname", ""):
        yield f"{name}: Max made this long name up"
    if values.get("parameter_type") not in (0, 1, 2, 3, 4):
        yield f"{name}: there is no parameter_type {values.get('parameter_type')}"
    if values.get("parameter_type") == 2 and values.get("parameter_mmax") != len(values.get("parameter_enum", [])) - 1:
        yield f"{name}: as many names as values, please"
    if values.get("parameter_type") in (0, 1, 2):
        low, high = values.get("parameter_mmin", 0), values.get("parameter_mmax", 0)
        initial = values.get("parameter_initial", [None])[0]
        if values.get("parameter_initial_enable") != 1 or initial is None or not low <= initial <= high:
            yield f"{name}: no default that a set could be reset to"
        if values.get("parameter_type") == 1 and high - low > 255:
            yield f"{name}: Live's whole-number parameters have 256 steps at most"
    if values.get("parameter_invisible") not in (0, 1, 2):
        yield f"{name}: parameter_invisible is 0, 1 or 2"
    if name in SELF_MOVED and values.get("parameter_invisible") != 2:
        yield f"{name}: the device moves it itself, each time a step of Live's undo"
    if box["maxclass"] == "live.text" and box.get("mode") == 0 and box.get("outputmode") != 1:
        yield f"{name}: a button acts when the mouse is let go"
    if values.get("parameter_type") == 3 and values.get("parameter_invisible") != 1:
        yield f"{name}: a text can only be stored"


def _cords(lines: list[dict], boxes: dict[str, dict]) -> Iterator[str]:
    seen = set()
    for line in lines:
        (source, outlet), (destination, inlet) = line["patchline"]["source"], line["patchline"]["destination"]
        if source not in boxes or destination not in boxes:
            yield f"a cord from {source} to {destination}: one of them does not exist"
            continue
        start, end = name_of(boxes[source]), name_of(boxes[destination])
        if not 0 <= outlet < boxes[source]["numoutlets"]:
            yield f"{start} has no outlet {outlet}"
        elif boxes[source].get("outlettype", [])[outlet : outlet + 1] == ["signal"] and not end.endswith("~"):
            yield f"a signal of {start} goes into {end}"
        if not 0 <= inlet < boxes[destination]["numinlets"]:
            yield f"{end} has no inlet {inlet}"
        if (source, outlet, destination, inlet) in seen:
            yield f"a cord from {start} to {end} is there twice"
        seen.add((source, outlet, destination, inlet))
    touched = {line["patchline"][side][0] for line in lines for side in ("source", "destination")}
    for id, box in boxes.items():
        if id not in touched and box["maxclass"] != "live.comment":
            yield f"{box.get('varname', name_of(box))} is connected to nothing"


def _layout(patcher: dict, visible: list[dict]) -> Iterator[str]:
    width = patcher["devicewidth"]
    for box in visible:
        x, y, w, h = box["presentation_rect"]
        if any(number != int(number) for number in (x, y, w, h)):
            yield f"{box['varname']} is not on whole pixels"
        if x < MARGIN or y < MARGIN - 1 or x + w > width - MARGIN or y + h > HEIGHT - MARGIN + 1:
            yield f"{box['varname']} is not inside the margins"
        for text, room in _texts(box):
            if len(text) * CHARACTER_PX * box.get("fontsize", 9.5) > room:
                yield f"{box['varname']}: {text!r} does not fit {room} pixels"
    for one, other in combinations(visible, 2):
        (ax, ay, aw, ah), (bx, by, bw, bh) = one["presentation_rect"], other["presentation_rect"]
        if ax < bx + bw and bx < ax + aw and ay < by + bh and by < ay + ah:
            yield f"{one['varname']} lies over {other['varname']}"
    edges = [box["presentation_rect"] for box in visible]
    if min(x for x, *_ in edges) != width - max(x + w for x, _, w, _ in edges):
        yield "left and right margins differ"


def _texts(box: dict) -> Iterator[tuple[str, float]]:
    """Each text with the pixels it has."""
    width = box["presentation_rect"][2]
    if box["maxclass"] == "live.tab":
        names = _valueof(box)["parameter_enum"]
        yield from ((name, width / len(names) - 2) for name in names)
    elif box["maxclass"] == "live.menu":
        yield from ((name, width - 16) for name in _valueof(box)["parameter_enum"])
    elif box["maxclass"] == "umenu":
        yield from ((name, width - 16) for name in box["items"])
    elif box["maxclass"] == "live.dial":
        yield _valueof(box)["parameter_shortname"], width
    elif "text" in box:
        yield box["text"], width - 4


def _names(boxes: dict[str, dict]) -> Iterator[str]:
    for key, found in (
        ("varname", [box["varname"] for box in boxes.values() if "varname" in box]),
        ("long name", [_valueof(box)["parameter_longname"] for box in boxes.values() if _valueof(box)]),
    ):
        for name in sorted({name for name in found if found.count(name) > 1}):
            yield f"the {key} {name} is there twice"
    for box in boxes.values():
        if name_of(box) == "buffer~" and not box["text"].split()[1].startswith("---"):
            yield "a buffer~ without --- is shared by all devices of a set"
        if "buffername" in box and not box["buffername"].startswith("---"):
            yield "a waveform~ without --- shows another device's sound"
