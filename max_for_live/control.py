"""A control of the device's face, and the kinds of control that it has: each a Max class with the attributes that it needs.

`invisible` follows Max: 0 can be automated and mapped to MIDI, 1 is saved with the set only, 2 is neither: what the patch moves
by itself must be 2, or each move would be a step of Live's undo.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MAPPABLE, STORED, HIDDEN = 0, 1, 2

_MENU = {"bgfillcolor": "live_control_text_bg", "textcolor": "live_control_fg", "elementcolor": "live_control_fg"}
_WAVE = {"bgcolor": "live_lcd_bg", "gridcolor": "live_contrast_frame", "selectioncolor": "live_selection"}


@dataclass(frozen=True)
class Control:
    """One visible box. `name` is its scripting name and the message the script gets from it."""

    name: str
    kind: str  # a Max class
    rect: tuple[int, int, int, int]  # x, y, width, height
    text: str = ""  # what stands on it at first
    long: str = ""  # of a parameter
    short: str = ""
    info: str = ""  # Live's info view
    choices: tuple[str, ...] = ()
    low: float = 0
    high: float = 1
    initial: float = 0
    unit: str = ""  # of a number: "", "dB" or "int"
    invisible: int = STORED
    size: float = 9.5  # of its letters, in points
    colours: dict[str, str] = field(default_factory=dict)  # attribute → Live's name of a colour
    more: dict[str, object] = field(default_factory=dict)  # other attributes

    @property
    def is_parameter(self) -> bool:
        return bool(self.long)


def label(name: str, x: int, y: int, width: int, text: str, height: int = 16) -> Control:
    return Control(name, "live.comment", (x, y, width, height), text, more={"textjustification": 0})


def tab(
    name: str, rect: tuple[int, int, int, int], long: str, short: str, info: str, choices: tuple[str, ...], **more
) -> Control:
    return Control(name, "live.tab", rect, "", long, short, info, choices, high=len(choices) - 1, **more)


def button(name: str, rect: tuple[int, int, int, int], text: str, long: str, info: str, **more) -> Control:
    """A push button: it acts when the mouse is let go on it, so that a slip can be taken back."""
    attributes = {"mode": 0, "outputmode": 1, **more.pop("more", {})}
    short = more.pop("short", text)
    return Control(
        name, "live.text", rect, text, long, short, info, ("off", "on"), more=attributes, **{"invisible": HIDDEN, **more}
    )


def toggle(name: str, rect: tuple[int, int, int, int], text: str, long: str, info: str, **more) -> Control:
    return Control(
        name,
        "live.text",
        rect,
        text,
        long,
        more.pop("short", text),
        info,
        ("off", "on"),
        more={"mode": 1, "texton": text},
        **more,
    )


def menu(name: str, rect: tuple[int, int, int, int], hint: str, info: str) -> Control:
    """A list that the daemon fills. What is chosen is saved by name, elsewhere: its number would not outlast the list."""
    return Control(name, "umenu", rect, hint, info=info, colours=_MENU, more={"arrow": 1, "truncate": 1})


def wave(name: str, rect: tuple[int, int, int, int], colour: str, info: str, **more) -> Control:
    attributes = {"buffername": f"---{name}", "labels": 0, "ticks": 0, "vticks": 0, "vlabels": 0, "grid": 1000.0, **more}
    return Control(name, "waveform~", rect, info=info, colours={**_WAVE, "waveformcolor": colour}, more=attributes)
