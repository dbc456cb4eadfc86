"""The moments that the preview pictures show: what the device's boxes would hold then, in which of Live's themes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scene:
    """A moment: what the script would have sent to the boxes."""

    texts: dict[str, str]
    values: dict[str, float] = field(default_factory=dict)
    mood: tuple[str, str] = ("live_control_bg", "live_control_fg")  # colours of the banner and its letters
    inactive: frozenset[str] = frozenset()
    source: tuple[float, float] | None = None  # the region, as shares of the width
    made: float = 0.0  # share of the result that is there
    bars: int = 8


_MENUS = {"bank": "electronic", "preset": "Dub techno", "model": "sketch"}
_PROMPT = {"prompt": "dub techno, warm chords, deep bass, no vocals, slowly opening filter", "host": "124.00 bpm · 4/4 · A minor"}
_RULER = {f"ruler{i + 1}": str(17 + i) for i in range(8)}
_SOURCE = {"source": "loop_compus · 4 bars · 0.0 s to 7.7 s"}
_SETTINGS = {"mode": 1, "bars": 3, "takes": 3, "key": 1, "hear": 1, "auto_place": 1, "seed": 4711, "port": 7770, "guidance": 3}
_DONE = {
    **{"status": "done · 8 bars · 4 takes", "go": "Continue 8 bars", "results": "♥ dub techno, warm chor…"},
    "grid": "124.00 bpm, downbeat +3 ms, A minor, join −31 dB, seed 4711",
}
_MAKING = {"status": "making bar 4 of 8 · 6 s left", "go": "Continue 8 bars", "results": "breakbeat, dusty"}
_ARRANGED = {"status": "ready · sketch · first sound in 0.3 s", "go": "Arrange 40 bars"}
_ARRANGED |= {"source": "Intro 8 · Verse 8 · Drop 16 · Outro 8"}
_ARRANGED |= {f"ruler{i + 1}": str(1 + 5 * i) for i in range(8)}
SCENES = {
    "done": Scene(
        {**_MENUS, **_PROMPT, **_RULER, **_SOURCE, **_DONE},
        {**_SETTINGS, "favourite": 1, "take": 1},
        ("live_value_arc", "live_control_fg_on"),
        inactive=frozenset({"stop"}),
        source=(0.0, 0.5),
        made=1.0,
    ),
    "arranged": Scene(
        {**_MENUS, **_PROMPT, **_ARRANGED},
        {**_SETTINGS, "mode": 3, "takes": 0},
        inactive=frozenset({"stop", "again", "listen", "place", "place_all", "favourite"}),
        source=(0.0, 0.0),
    ),
    "making": Scene(
        {**_MENUS, **_PROMPT, **_RULER, **_SOURCE, **_MAKING},
        _SETTINGS,
        ("live_control_selection", "live_control_fg_on"),
        inactive=frozenset({"go", "again", "listen", "place", "place_all", "favourite"}),
        source=(0.0, 0.5),
        made=0.42,
    ),
}
PICTURES = {
    "preview-dark.png": ("done", "dark"),
    "preview-light.png": ("arranged", "light"),
    "preview-making.png": ("making", "dark"),
}
