"""A clip's name, as people and programs write it, the file that it means, and how large that may be."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes
from urllib.request import url2pathname

from engine.errors import ClipError

MIN_CLIP_S = 1.0
MAX_CLIP_S = 1_200.0
MAX_CLIP_BYTES = 4 * 2**30
MAX_CLIP_SAMPLES = 500_000_000  # read into memory: 20 minutes of stereo at 192 kHz


def resolve_clip(path: str, roots: tuple[Path, ...] = ()) -> Path:
    """The clip as an existing regular file; where there are `roots`, one inside of them, links followed. Raises ClipError."""
    try:
        found = clip_path(path)
        found = found.resolve() if roots else found
        if roots and not any(found.is_relative_to(root.resolve()) for root in roots):
            allowed = ", ".join(map(str, roots))
            raise ClipError(f"clips are read only from {allowed} (setting clip_roots), and this is not there: {path}")
        exists = found.exists()
    except (OSError, RuntimeError) as error:  # a name too long, a user there is not
        raise ClipError(f"no such clip, {getattr(error, 'strerror', None) or error}: {path}") from None
    if not exists:
        raise ClipError(f"no such clip: {path}: give an audio or MIDI file's whole path")
    if not found.is_file():
        raise ClipError(f"not a file: {path}: give an audio or MIDI file's whole path")
    if (size := found.stat().st_size) > MAX_CLIP_BYTES:
        raise ClipError(f"this clip has {size / 2**30:.1f} GiB: at most {MAX_CLIP_BYTES / 2**30:g} GiB are allowed: {path}")
    return found


def clip_text(path: Path) -> str:
    """A path as text that is UTF-8, as `resolve_clip` understands it: a file:// address where the name is in no encoding."""
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return path.absolute().as_uri()
    return text


def clip_path(text: str) -> Path:
    """Of a path, of a file:// address, and of both in quotes or with a shell's backslashes, as terminals and file managers give
    them; the text as it is where there is such a file.
    """
    plain = Path(text).expanduser()
    if plain.exists():
        return plain
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    if text.lower().startswith("file:"):
        place = re.sub(r"^file:(//(localhost)?(?=/))?", "", text, flags=re.IGNORECASE)
        return Path(url2pathname(place) if os.name == "nt" else os.fsdecode(unquote_to_bytes(place)))
    found = Path(text).expanduser()
    unescaped = Path(re.sub(r"\\(.)", r"\1", text)).expanduser()
    return unescaped if os.name != "nt" and not found.exists() and unescaped.exists() else found
