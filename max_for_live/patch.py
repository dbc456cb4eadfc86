"""The patch: every box and cord of the device. Pure: layout in, a patcher as Max's JSON has it out.

controls ──prepend name──▶ js inspire.js ──▶ udpsend (commands)
udpreceive (replies) ────▶               ──▶ udpreceive's port
                                         ──▶ route ──▶ texts, menus, waveforms
                                         ──▶ route ──▶ sfplay~, sfrecord~, gain
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from max_for_live.amxd import AUDIO_EFFECT
from max_for_live.control import Control
from max_for_live.layout import CONTROLS, HEIGHT, WIDTH
from max_for_live.theme import rgba

SCRIPT = "inspire.js"
FONT = "Ableton Sans Medium"
SAVED_NAMES = ("bank", "preset", "model")  # of menus whose choice is saved by name
COMMANDS_PORT, REPLIES_PORT = 7770, 7800
# In and outlets of what is no control; of `route` they follow from its arguments.
_SIGNAL, _ANY = "signal", ""
_OBJECTS: dict[str, tuple[int, tuple[str, ...]]] = {
    "js": (2, (_ANY, _ANY, _ANY, _ANY)),
    "prepend": (1, (_ANY,)),
    "deferlow": (1, (_ANY,)),
    "live.thisdevice": (1, ("bang", "int", "int")),
    "live.colors": (1, (_ANY, "bang")),
    "udpsend": (1, ()),
    "udpreceive": (1, (_ANY,)),
    "buffer~": (1, ("float", "bang")),
    "pattr": (1, (_ANY, _ANY, _ANY)),
    "plugin~": (2, (_SIGNAL, _SIGNAL)),
    "plugout~": (2, (_SIGNAL, _SIGNAL)),
    "sfplay~": (2, (_SIGNAL, _SIGNAL, "bang")),
    "sfrecord~": (2, (_SIGNAL,)),
    "line~": (2, (_SIGNAL, "bang")),
    "*~": (2, (_SIGNAL,)),
    "message": (2, (_ANY,)),
}
_CONTROLS: dict[str, tuple[int, tuple[str, ...]]] = {
    "live.dial": (1, (_ANY, "float")),
    "live.numbox": (1, (_ANY, "float")),
    "live.text": (1, (_ANY, _ANY)),
    "live.menu": (1, (_ANY, _ANY, "float")),
    "live.tab": (1, (_ANY, _ANY, "float")),
    "live.comment": (1, ()),
    "comment": (1, ()),
    "textedit": (1, (_ANY, "int", _ANY, _ANY)),
    "umenu": (1, ("int", _ANY, _ANY)),
    "waveform~": (5, ("float", "float", "float", "float", "list", _ANY)),
}
_UNITS = {"": 1, "int": 0, "dB": 4}


@dataclass
class Patch:
    """Boxes and cords in the order they are added. A box is known by the id that `add` returns."""

    boxes: list[dict] = field(default_factory=list)
    lines: list[dict] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)  # of controls, by name

    def add(self, text: str, **more: Any) -> str:
        """An object box, by what stands in it."""
        name, *words = text.split()
        arguments = words[: next((i for i, word in enumerate(words) if word.startswith("@")), len(words))]
        inlets, outlets = _OBJECTS[name] if name != "route" else (len(arguments) + 1, (_ANY,) * (len(arguments) + 1))
        return self._box("newobj", inlets, outlets, self._free_place(text), text=text, **more)

    def message(self, text: str) -> str:
        inlets, outlets = _OBJECTS["message"]
        return self._box("message", inlets, outlets, self._free_place(text), text=text)

    def control(self, control: Control) -> str:
        inlets, outlets = _CONTROLS[control.kind]
        x, y, width, height = control.rect
        box: dict[str, Any] = {
            "presentation": 1,
            "presentation_rect": list(control.rect),
            "varname": control.name,
            **control.more,
        }
        box |= _words_of(control)
        saved: dict[str, Any] = {name: {"expression": f"themecolor.{colour}"} for name, colour in control.colours.items()}
        box |= {name: rgba(colour) for name, colour in control.colours.items()}  # until Live has said what they are
        if control.is_parameter:
            box["parameter_enable"] = 1
            saved["valueof"] = _parameter(control)
        if saved:
            box["saved_attribute_attributes"] = saved
        id = self._box(control.kind, inlets, outlets, [x, 700 + y, width, height], **box)
        if control.is_parameter:
            self.parameters[id] = [control.long, control.short, 0]
        self.ids[control.name] = id
        return id

    def cord(self, source: str, outlet: int, destination: str, inlet: int = 0) -> None:
        self.lines.append({"patchline": {"destination": [destination, inlet], "source": [source, outlet]}})

    def _box(self, maxclass: str, inlets: int, outlets: tuple[str, ...], rect: list[int], **more: Any) -> str:
        id = f"obj-{len(self.boxes) + 1}"
        box = {"id": id, "maxclass": maxclass, "numinlets": inlets, "numoutlets": len(outlets), "patching_rect": rect}
        if outlets:
            box["outlettype"] = list(outlets)
        self.boxes.append({"box": dict(sorted({**box, **more}.items()))})
        return id

    def _free_place(self, text: str) -> list[int]:
        """In rows of eight: whoever opens the patch sees every box."""
        count = len(self.boxes)
        return [20 + 150 * (count % 8), 20 + 30 * (count // 8), max(40, 7 * len(text)), 22]


def _words_of(control: Control) -> dict[str, Any]:
    box: dict[str, Any] = {}
    if control.kind in ("comment", "live.comment", "live.text", "textedit", "umenu", "waveform~"):
        box |= {"fontname": FONT, "fontsize": control.size} if control.kind != "waveform~" else {}
    if control.kind in ("comment", "live.comment", "live.text"):
        box["text"] = control.text
    if control.kind == "umenu":
        box["items"] = [control.text]
    if control.kind == "live.tab":
        box |= {"livemode": 1, "num_lines_patching": 1, "num_lines_presentation": 1, "fontname": FONT, "fontsize": control.size}
    if control.info:
        box |= {"annotation": control.info, "annotation_name": control.long or control.name.replace("_", " ").capitalize()}
    return box


def _parameter(control: Control) -> dict[str, Any]:
    values: dict[str, Any] = {
        "parameter_annotation_name": control.long,
        "parameter_info": control.info,
        "parameter_invisible": control.invisible,
        "parameter_longname": control.long,
        "parameter_modmode": 0,
        "parameter_shortname": control.short,
    }
    if control.kind == "textedit":
        return values | {"parameter_type": 3}
    values |= {"parameter_initial": [control.initial], "parameter_initial_enable": 1}
    if control.choices:
        return values | {"parameter_enum": list(control.choices), "parameter_mmax": len(control.choices) - 1, "parameter_type": 2}
    numbers = {"parameter_mmax": control.high, "parameter_mmin": control.low, "parameter_type": 0}
    return values | numbers | {"parameter_unitstyle": _UNITS[control.unit]}


def build_patch() -> Patch:
    patch = Patch()
    script = patch.add(
        f"js {SCRIPT}",
        filename=SCRIPT,
        saved_object_attributes={"filename": SCRIPT, "parameter_enable": 0},
        textfile={"filename": SCRIPT, "flags": 0, "embed": 0, "autowatch": 1},
        varname="script",
    )
    for control in CONTROLS:
        patch.control(control)
    _start(patch, script)
    _daemon(patch, script)
    _to_script(patch, script)
    _face(patch, script)
    _sound(patch, script)
    return patch


def _start(patch: Patch, script: str) -> None:
    """Live's object model may be used only after this bang, and never in the scheduler's thread."""
    device, later, ready = patch.add("live.thisdevice"), patch.add("deferlow"), patch.message("ready")
    patch.cord(device, 0, later)
    patch.cord(later, 0, ready)
    patch.cord(ready, 0, script)


def _daemon(patch: Patch, script: str) -> None:
    replies = patch.add(f"udpreceive {REPLIES_PORT} @defer 1")
    patch.cord(replies, 0, script, 1)
    patch.cord(script, 0, patch.add(f"udpsend 127.0.0.1 {COMMANDS_PORT}"))
    patch.cord(script, 1, replies)


def _to_script(patch: Patch, script: str) -> None:
    for control in CONTROLS:
        if control.kind == "textedit":
            named = _named(patch, script, control.name)
            text = patch.add("route text")
            patch.cord(patch.ids[control.name], 0, text)
            patch.cord(text, 0, named)
        elif control.name in SAVED_NAMES:  # its text, not its number
            patch.cord(patch.ids[control.name], 1, _named(patch, script, control.name))
        elif control.is_parameter or control.kind == "umenu":
            patch.cord(patch.ids[control.name], 0, _named(patch, script, control.name))
    for outlet, edge in ((2, "select_start"), (3, "select_end")):
        patch.cord(patch.ids["source_wave"], outlet, _named(patch, script, edge))


def _named(patch: Patch, script: str, name: str) -> str:
    named = patch.add(f"prepend {name}")
    patch.cord(named, 0, script)
    return named


def _face(patch: Patch, script: str) -> None:
    """What the script shows: each message is for one box, which it names first."""
    targets: dict[str, tuple[str, int]] = {control.name: (patch.ids[control.name], 0) for control in CONTROLS}
    targets = {name: target for name, target in targets.items() if not name.endswith("_label")}
    for inlet, edge in ((2, "region_start"), (3, "region_end")):
        targets[edge] = (patch.ids["source_wave"], inlet)
    for name in ("source_wave", "result_wave"):
        buffer = patch.add(f"buffer~ ---{name}")
        read = patch.message(f"{name}_read")
        patch.cord(buffer, 1, read)
        patch.cord(read, 0, script)
        targets[name.replace("_wave", "_sound")] = (buffer, 0)
    for name in SAVED_NAMES:
        targets[f"{name}_saved"] = (_saved(patch, script, name), 0)
    colours, theme = patch.add("live.colors"), patch.message("theme")
    targets["colours"] = (colours, 0)
    patch.cord(colours, 0, _named(patch, script, "colour"))
    patch.cord(colours, 1, theme)
    patch.cord(theme, 0, script)
    _route(patch, script, 2, targets)


def _saved(patch: Patch, script: str, name: str) -> str:
    """Keeps a name with the set, and tells it again when the set is opened."""
    long = f"{name.capitalize()} Name"
    values = {
        "parameter_invisible": 1,
        "parameter_longname": long,
        "parameter_shortname": name.capitalize(),
        "parameter_type": 3,
        "parameter_modmode": 0,
        "parameter_annotation_name": long,
        "parameter_info": f"The {name} that is chosen. Saved in the set.",
    }
    saved = patch.add(
        f"pattr {name}_name",
        saved_object_attributes={"parameter_enable": 1},
        saved_attribute_attributes={"valueof": values},
        varname=f"{name}_name",
    )
    patch.parameters[saved] = [long, name.capitalize(), 0]
    patch.cord(saved, 0, _named(patch, script, f"{name}_saved"))
    return saved


def _sound(patch: Patch, script: str) -> None:
    """The track passes through; a take that is listened to is added to it, so that it is heard where it will land."""
    ins, outs = patch.add("plugin~"), patch.add("plugout~")
    recorder, player, gain = patch.add("sfrecord~ 2"), patch.add("sfplay~ 2"), patch.add("line~ 1.")
    played = patch.message("played")
    patch.cord(player, 2, played)
    patch.cord(played, 0, script)
    for side in (0, 1):
        level = patch.add("*~ 1.")
        patch.cord(ins, side, outs, side)
        patch.cord(ins, side, recorder, side)
        patch.cord(player, side, level)
        patch.cord(gain, 0, level, 1)
        patch.cord(level, 0, outs, side)
    _route(patch, script, 3, {"player": (player, 0), "recorder": (recorder, 0), "level": (gain, 0)})


def _route(patch: Patch, script: str, outlet: int, targets: dict[str, tuple[str, int]]) -> None:
    route = patch.add("route " + " ".join(targets))
    patch.cord(script, outlet, route)
    for index, (target, inlet) in enumerate(targets.values()):
        patch.cord(route, index, target, inlet)


def patcher() -> dict:
    """The whole of it, as Max's JSON has it, without `{"patcher": …}` around."""
    patch = build_patch()
    return {
        "fileversion": 1,
        "appversion": {"major": 8, "minor": 6, "revision": 0, "architecture": "x64", "modernui": 1},
        "classnamespace": "box",
        "rect": [60, 90, 1300, 900],
        "openrect": [0, 0, WIDTH, HEIGHT],
        "openinpresentation": 1,
        "devicewidth": WIDTH,
        "default_fontsize": 9.5,
        "default_fontname": FONT,
        "description": "Music from words, and from what you play, in the set's tempo and key",
        "boxes": patch.boxes,
        "lines": patch.lines,
        "parameters": patch.parameters,
        "dependency_cache": [{"name": SCRIPT, "bootpath": ".", "type": "TEXT", "implicit": 1}],
        "latency": 0,
        "is_mpe": 0,
        "minimum_live_version": "11.1",
        "minimum_max_version": "8.2",
        "platform_compatibility": 0,
        "project": {
            "version": 1,
            "creationdate": 3_847_132_800,
            "modificationdate": 3_847_132_800,
            "viewrect": [0, 0, 300, 500],
            "autoorganize": 1,
            "hideprojectwindow": 1,
            "showdependencies": 1,
            "autolocalize": 0,
            "contents": {"patchers": {}, "code": {SCRIPT: {"kind": "javascript", "local": 1}}},
            "layout": {},
            "searchpath": {},
            "detailsvisible": 0,
            "amxdtype": int.from_bytes(AUDIO_EFFECT, "big"),
            "readonly": 0,
            "devpathtype": 0,
            "devpath": ".",
            "sortmode": 0,
            "viewmode": 0,
            "includepackages": 0,
        },
        "autosave": 0,
    }
