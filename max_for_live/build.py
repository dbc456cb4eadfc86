"""Builds the device: `python -m max_for_live.build`. Equal sources make equal bytes.

Writes beside itself `Inspire.maxpat` and `inspire.js`, which Max opens as they are, `Inspire.amxd`, the frozen device that goes
on a track, and preview pictures (which need Pillow and matplotlib, of the extra `test`).
"""

from __future__ import annotations

import re
from pathlib import Path

from max_for_live.amxd import Frozen, freeze, patcher_text
from max_for_live.patch import SCRIPT, patcher
from max_for_live.protocol import script_table

FOLDER = Path(__file__).parent
DEVICE = "Inspire.amxd"
_LOGIC = ("osc", "music", "words", "sections", "requests", "session", "replies", "rungs", "placing")
_DEVICE = ("device", "controls", "verbs", "face")


def script() -> str:
    """The one script that the device runs: the message table, the logic, then what speaks to Max."""
    parts = [
        "// Built by python -m max_for_live.build from script/ and the daemon's table of messages: change those instead.\n",
        script_table(),
    ]
    parts += [_read("logic", name) for name in _LOGIC]
    # Max calls a global function whenever a message of its name comes: the device's own are inside another.
    device = [
        "var Device = (function () {\n",
        *(_read("glue", name) for name in _DEVICE),
        "return { receive: receive, end: end };\n})();\n",
    ]
    return _ascii("\n".join([*parts, _read("glue", "live"), *device, _read("glue", "max")]))


def _ascii(code: str) -> str:
    """Other letters as JavaScript escapes: nothing is said of the encoding in which Max 8 reads a script."""
    return re.sub(r"[^\x00-\x7f]", lambda letter: f"\\u{ord(letter[0]):04x}", code)


def _read(half: str, name: str) -> str:
    return (FOLDER / "script" / half / f"{name}.js").read_text("utf-8")


def build() -> dict[str, bytes]:
    """Every file that is built, by name; pictures are drawn from the first of them, see `preview`."""
    patch, code = patcher(), script().encode()
    return {
        "Inspire.maxpat": patcher_text(patch).encode(),
        SCRIPT: code,
        DEVICE: freeze(DEVICE, patch, [Frozen(SCRIPT, "TEXT", code)]),
    }


def main() -> None:
    for name, data in build().items():
        (FOLDER / name).write_bytes(data)
        print(f"{name}: {len(data):,} bytes")
    from max_for_live import preview  # needs Pillow, which building the device does not

    for path in preview.draw_all(FOLDER):
        print(path.name)


if __name__ == "__main__":
    main()
