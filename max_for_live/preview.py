"""Draws the device as Live would show it, from the committed patch, in Live's dark and its light theme.

A drawing, not a photograph: Ableton's font is not free, so that DejaVu Sans is squeezed to its measured width, and colours are
those of published themes. What the boxes show stands in `scenes`; all else is read from the patch.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path

from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from max_for_live.scenes import PICTURES, SCENES, Scene
from max_for_live.theme import THEMES

SCALE = 2  # pixels of the picture for one of Live's
_FINE = 3 * SCALE  # drawn larger, then made small: smooth edges
CHARACTER_PX = 4.36 / 9.5  # of Ableton Sans Medium: mean width of a letter for each point of its size, measured in public devices
_TITLE = 17  # Live's own bar above a device


def draw_all(folder: Path) -> Iterator[Path]:
    """Writes the pictures beside the patch. Each says which patch it shows, see `digest`."""
    text = (folder / "Inspire.maxpat").read_text("utf-8")
    patcher = json.loads(text)["patcher"]
    for name, (scene, theme) in PICTURES.items():
        about = PngImagePlugin.PngInfo()
        about.add_text("patch", digest(patcher))
        draw(patcher, SCENES[scene], THEMES[theme]).save(folder / name, pnginfo=about, optimize=True)
        yield folder / name


def digest(patcher: dict) -> str:
    """Of all that is drawn: the visible boxes."""
    visible = [box["box"] for box in patcher["boxes"] if box["box"].get("presentation")]
    return hashlib.sha256(json.dumps([patcher["devicewidth"], visible], sort_keys=True).encode()).hexdigest()[:16]


def text_width(text: str, size: float) -> float:
    """Pixels that it takes in Live, about."""
    return len(text) * CHARACTER_PX * size


def draw(patcher: dict, scene: Scene, theme: dict[str, str]) -> Image.Image:
    width, height = patcher["devicewidth"], patcher["openrect"][3]
    image = Image.new("RGB", (width * _FINE, (height + _TITLE) * _FINE), theme["live_surface_bg"])
    pen = _Pen(image, scene, theme)
    pen.title(width)
    for box in patcher["boxes"]:
        if box["box"].get("presentation"):
            pen.box(box["box"])
    return image.resize((width * SCALE, (height + _TITLE) * SCALE), Image.Resampling.LANCZOS)


class _Pen:
    def __init__(self, image: Image.Image, scene: Scene, theme: dict[str, str]):
        self._image, self._draw = image, ImageDraw.Draw(image)
        self._scene, self._theme = scene, theme

    def title(self, width: int) -> None:
        self._fill((0, -_TITLE, width, _TITLE), self._theme["title"])
        self._draw.ellipse([s * _FINE for s in (5, 4, 14, 13)], fill=self._theme["live_control_selection"])
        self._text(
            (18, -_TITLE, 100, _TITLE),
            "Inspire",
            10,
            self._theme["live_control_fg_on" if self._theme["title"] == "#a5a5a5" else "live_control_fg"],
        )

    def box(self, box: dict) -> None:
        kind, name, rect = box["maxclass"], box["varname"], tuple(box["presentation_rect"])
        painters = {
            **{"comment": self._comment, "live.comment": self._comment, "live.tab": self._tab, "live.text": self._button},
            **{"live.dial": self._dial, "live.numbox": self._number, "umenu": self._menu, "live.menu": self._menu},
            **{"textedit": self._edit, "waveform~": self._wave},
        }
        painters[kind](box, name, rect)

    def _colour(self, box: dict, attribute: str, usual: str) -> str:
        expression = box.get("saved_attribute_attributes", {}).get(attribute, {}).get("expression", f"themecolor.{usual}")
        return self._theme[expression.removeprefix("themecolor.")]

    def _value(self, box: dict, name: str) -> float:
        return self._scene.values.get(name, _parameter(box).get("parameter_initial", [0])[0])

    def _comment(self, box: dict, name: str, rect: tuple) -> None:
        ink = self._colour(box, "textcolor", "live_control_fg")
        if name == "status":
            ground, letters = self._scene.mood
            self._fill(rect, self._theme[ground])
            ink = self._theme[letters]
        text = self._scene.texts.get(name, box["text"] if name not in ("grid",) else "")
        self._text((rect[0] + 2, *rect[1:]), text, box["fontsize"], ink)

    def _tab(self, box: dict, name: str, rect: tuple) -> None:
        names, chosen = _parameter(box)["parameter_enum"], int(self._value(box, name))
        x, y, width, height = rect
        each = width / len(names)
        for index, word in enumerate(names):
            part = (x + index * each, y, each - 1, height)
            on = index == chosen
            self._fill(part, self._theme["live_control_selection" if on else "live_control_bg"], frame=True)
            self._text(part, word, box["fontsize"], self._theme["live_control_fg_on" if on else "live_control_fg_off"], True)

    def _button(self, box: dict, name: str, rect: tuple) -> None:
        on = box["mode"] == 1 and self._value(box, name)
        ground = (
            self._colour(box, "activebgoncolor", "live_control_selection")
            if on
            else self._colour(box, "activebgcolor", "live_control_bg")
        )
        ink = self._theme["live_control_fg_on"] if on else self._colour(box, "activetextcolor", "live_control_fg_off")
        if name in self._scene.inactive:
            ground, ink = self._theme["live_surface_bg"], self._theme["live_control_fg_zombie"]
        self._fill(rect, ground, frame=True)
        self._text(rect, self._scene.texts.get(name, box["text"]), box["fontsize"], ink, True)

    def _dial(self, box: dict, name: str, rect: tuple) -> None:
        values, (x, y, width, _) = _parameter(box), rect
        low, high = values["parameter_mmin"], values["parameter_mmax"]
        value = self._value(box, name)
        share = (value - low) / (high - low)
        self._text((x, y, width, 12), values["parameter_shortname"], 9.5, self._theme["live_control_fg"], True)
        middle, radius = (x + width / 2, y + 24), 10
        edges = [
            (middle[0] - radius) * _FINE,
            (middle[1] - radius + _TITLE) * _FINE,
            (middle[0] + radius) * _FINE,
            (middle[1] + radius + _TITLE) * _FINE,
        ]
        self._draw.arc(edges, 135, 405, self._theme["live_control_fg_zombie"], 2 * _FINE)
        self._draw.arc(edges, 135, 135 + 270 * share, self._theme["live_value_arc"], 2 * _FINE)
        angle = math.radians(135 + 270 * share)
        tip = ((middle[0] + radius * math.cos(angle)) * _FINE, (middle[1] + radius * math.sin(angle) + _TITLE) * _FINE)
        self._draw.line([(middle[0] * _FINE, (middle[1] + _TITLE) * _FINE), tip], self._theme["live_control_fg"], 2 * _FINE)
        self._text(
            (x, y + 36, width, 12),
            f"{value:.1f} dB" if values["parameter_unitstyle"] == 4 else f"{value:.1f}",
            9.5,
            self._theme["live_control_fg"],
            True,
        )

    def _number(self, box: dict, name: str, rect: tuple) -> None:
        self._fill(rect, self._theme["live_control_text_bg"], frame=True)
        self._text(rect, f"{self._value(box, name):.0f}", 9.5, self._theme["live_control_fg"], True)

    def _menu(self, box: dict, name: str, rect: tuple) -> None:
        x, y, width, height = rect
        self._fill(rect, self._colour(box, "bgfillcolor", "live_control_text_bg"), frame=True)
        first = box["items"][0] if "items" in box else _parameter(box)["parameter_enum"][int(self._value(box, name))]
        self._text(
            (x + 3, y, width - 16, height),
            self._scene.texts.get(name, first),
            box.get("fontsize", 9.5),
            self._theme["live_control_fg"],
        )
        corner = [
            ((x + width - 12) * _FINE, (y + height / 2 - 2 + _TITLE) * _FINE),
            ((x + width - 4) * _FINE, (y + height / 2 - 2 + _TITLE) * _FINE),
        ]
        self._draw.polygon(
            [*corner, ((x + width - 8) * _FINE, (y + height / 2 + 3 + _TITLE) * _FINE)], fill=self._theme["live_control_fg"]
        )

    def _edit(self, box: dict, name: str, rect: tuple) -> None:
        x, y, width, _ = rect
        self._fill(rect, self._colour(box, "bgcolor", "live_control_text_bg"), frame=True)
        for row, line in enumerate(_wrapped(self._scene.texts.get(name, ""), box["fontsize"], width - 10)):
            self._text(
                (x + 5, y + 4 + 15 * row, width - 10, 15),
                line,
                box["fontsize"],
                self._colour(box, "textcolor", "live_control_fg"),
            )

    def _wave(self, box: dict, name: str, rect: tuple) -> None:
        x, y, width, height = rect
        self._fill(rect, self._colour(box, "bgcolor", "live_lcd_bg"), frame=True)
        is_source = name == "source_wave"
        if is_source and self._scene.source:
            left, right = self._scene.source
            shade = Image.new(
                "RGBA", (int((right - left) * width * _FINE), height * _FINE), _rgba(self._theme["live_selection"], 70)
            )
            self._image.paste(shade.convert("RGB"), (int((x + left * width) * _FINE), (y + _TITLE) * _FINE), shade)
        bars = 8 if is_source else self._scene.bars
        for bar in range(1, bars):
            self._fill((x + bar * width / bars, y, 0.5, height), self._theme["live_contrast_frame"])
        ink = self._colour(box, "waveformcolor", "live_value_arc")
        made = 1.0 if is_source else self._scene.made
        for column in range(int(width * 2 * made)):
            peak = _loudness(column / width / 2 * bars, is_source) * (height / 2 - 2)
            middle = y + height / 2
            self._fill((x + column / 2, middle - peak, 0.5, 2 * peak), ink)

    def _fill(self, rect: tuple, colour: str, frame: bool = False) -> None:
        x, y, width, height = rect
        edges = [x * _FINE, (y + _TITLE) * _FINE, (x + width) * _FINE - 1, (y + height + _TITLE) * _FINE - 1]
        self._draw.rectangle(edges, fill=colour, outline=self._theme["live_contrast_frame"] if frame else None, width=_FINE // 2)

    def _text(self, rect: tuple, text: str, size: float, colour: str, centred: bool = False) -> None:
        """Squeezed to the width that Ableton's font would take."""
        x, y, width, height = rect
        if not text.strip():
            return
        font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), int(size * _FINE))
        left, _, right, _ = font.getbbox(text)
        rise, fall = font.getmetrics()
        wanted = max(1, min(int(text_width(text, size) * _FINE), right - left))
        mask = Image.new("L", (right - left + 2, rise + fall))
        ImageDraw.Draw(mask).text((-left, 0), text, 255, font)
        mask = mask.resize((wanted, mask.height), Image.Resampling.LANCZOS)
        at_x = x * _FINE + ((width * _FINE - wanted) / 2 if centred else 0)
        at_y = (y + _TITLE) * _FINE + (height * _FINE - mask.height) / 2
        self._image.paste(Image.new("RGB", mask.size, colour), (int(at_x), int(at_y)), mask)


def _parameter(box: dict) -> dict:
    return box.get("saved_attribute_attributes", {}).get("valueof", {})


def _rgba(colour: str, alpha: int) -> tuple[int, int, int, int]:
    return (*(int(colour[i : i + 2], 16) for i in (1, 3, 5)), alpha)


def _wrapped(text: str, size: float, width: float) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _loudness(bar: float, is_source: bool) -> float:
    """Peaks of a beat that could be: strokes that ring off, louder on the one."""
    step = (bar * (16 if is_source else 8)) % 1
    accent = (0.95, 0.35, 0.6, 0.4)[int(bar * (16 if is_source else 8)) % 4]
    return max(0.06, accent * math.exp(-3.5 * step)) * (0.85 + 0.15 * math.sin(91.7 * bar))
