"""Draws the panel as it stands in the README, from its own layout: `python -m bridge.reaper.draw_panel`.

Needs Lua 5.4 and Pillow. `record_panel.lua` runs the panel's drawing on a canvas that records; here it is painted.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

FOLDER = Path(__file__).parent
PICTURE = FOLDER / "panel.png"
STATES = ("empty", "working", "rejected", "no_daemon")
_SCALE = 2
_GAP = 12


def recorded(state: str, *size: int) -> list[list[Any]]:
    """Drawing steps: ["rect", x, y, w, h, rgba], ["text", x, y, w, h, text, rgba, align], ["area", x, y, w, h, id]."""
    command = ["lua5.4", FOLDER / "record_panel.lua", state, *size]
    output = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def draw() -> None:
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf", 11 * _SCALE)
    panels = [recorded(state) for state in STATES]
    _, _, _, width, height, _ = panels[0][0]
    picture = Image.new("RGB", ((2 * width + 3 * _GAP) * _SCALE, (2 * height + 3 * _GAP) * _SCALE), (120, 122, 128))
    paint = ImageDraw.Draw(picture)
    for number, steps in enumerate(panels):
        left, top = _GAP + number % 2 * (width + _GAP), _GAP + number // 2 * (height + _GAP)
        for kind, x, y, w, h, *rest in steps:
            x, y, w, h = ((left + x) * _SCALE, (top + y) * _SCALE, w * _SCALE, h * _SCALE)
            if kind == "rect":
                paint.rectangle((x, y, x + w - 1, y + h - 1), _rgb(rest[0]))
            elif kind == "text":
                text, rgba, align = rest
                at = (x + w / 2, y + h / 2) if align == "centre" else (x, y + h / 2)
                paint.text(at, _fitted(text, w, font), _rgb(rgba), font, "mm" if align == "centre" else "lm")
    picture.save(PICTURE, optimize=True)


def _fitted(text: str, width: float, font: FreeTypeFont) -> str:
    shown = text
    while shown and font.getlength(shown + ("…" if shown != text else "")) > width:
        shown = shown[:-1]
    return shown if shown == text else shown + "…"


def _rgb(rgba: int) -> tuple[int, int, int]:
    return rgba >> 24 & 255, rgba >> 16 & 255, rgba >> 8 & 255


if __name__ == "__main__":
    draw()
