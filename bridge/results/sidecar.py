"""What is written beside a result: `<name>.json`, where it comes from, and `<name>.mid`, its tempo and bars.

The sidecar is there first: it reserves the name, and says `"state": "running"` until the job has ended. A result whose sidecar
still says so when no daemon runs was left by a crash. Everything here blocks on the disk, and may raise OSError.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from bridge.results import tempo_map, transcription
from engine.api import RequestError, request_from_mapping

RUNNING = "running"
_ROOM = 1000  # bytes, for an end that is written when the disk is full
_IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"

Entries = dict[str, Any]


class Audio(Protocol):
    """A sidecar's entries about the audio itself."""

    @property
    def samplerate(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def frames(self) -> int: ...
    @property
    def duration_s(self) -> float: ...


def path_of(target: Path) -> Path:
    return target.with_suffix(".json")


def reserve(target: Path, entries: Entries) -> None:
    """Takes the name of `target`, and room to say how it ends. Raises FileExistsError where the name is taken."""
    with open(path_of(target), "xb") as file:
        file.write(_encoded({"audio": {"file": target.name}, **entries, "state": RUNNING}) + b" " * _ROOM + b"\n")


def of_variation(entries: Entries, number: int, targets: Sequence[Path]) -> Entries:
    """What a variation's sidecar says: which of the files it is, and the seed that makes it alone."""
    if len(targets) == 1:
        return entries
    seed = request_from_mapping(entries["request"]).seed_of(number)
    return entries | {"variation": {"number": number, "seed": seed, "files": [target.name for target in targets]}}


def write(target: Path, audio: Audio, entries: Entries) -> None:
    """The sidecar and, where a tempo is known, the MIDI file of a result that has ended."""
    contents = {"audio": _facts(target, audio), "digital_source_type": _source_type(entries), **entries}
    midi = _midi(contents)
    if midi is not None:
        contents["midi"] = {"file": f"{target.stem}.mid", "sha256": hashlib.sha256(midi).hexdigest()}
        if names := transcription.names(contents):
            contents["midi"]["tracks"] = names
    _replace(path_of(target), _encoded(contents))
    write_midi(target, contents)


def write_end_in_place(target: Path, audio: Audio, entries: Entries) -> None:
    """Where there is no room for a sidecar (`write`): the one there is says that the job has ended, and takes no more room.

    As much as fits is written of the audio and of what was asked for; what cannot be done is left.
    """
    contents = {"id": entries.get("id"), "state": "failed" if entries.get("state") == "done" else entries.get("state")}
    contents["failure"] = {"code": "output"} | entries.get("failure", {})
    facts = {"audio": _facts(target, audio)}
    asked = {"created": entries.get("created"), "request": entries.get("request")}
    with contextlib.suppress(OSError), open(path_of(target), "r+b", buffering=0) as file:
        room = os.fstat(file.fileno()).st_size
        for choice in (facts | contents | asked, facts | contents, contents):
            text = json.dumps(choice, ensure_ascii=False, separators=(",", ":")).encode()
            if len(text) < room:
                file.write(text.ljust(room - 1) + b"\n")
                return


def write_midi(target: Path, contents: Entries) -> None:
    """As the sidecar promises it; not over what is there."""
    midi = _midi(contents) if "midi" in contents and not target.with_suffix(".mid").exists() else None
    if midi is not None:
        _replace(target.with_suffix(".mid"), midi)


def read(target: Path) -> Entries | None:
    """None where there is no file; empty where it is not one of ours."""
    try:
        contents = json.loads(path_of(target).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return contents if isinstance(contents, dict) else {}


def belongs_to(target: Path, id: str) -> bool:
    """Whether the files of this name are the job's: its sidecar says so, or had no time to say anything."""
    contents = read(target)
    unwritten = contents == {} and path_of(target).stat().st_size == 0 and not target.exists()
    return contents is not None and (contents.get("id") == id or unwritten)


def files_beside(path: Path, id: str) -> list[Path]:
    """The sidecar of the job `id`, and its MIDI file where nobody changed it."""
    contents, midi = read(path) or {}, path.with_suffix(".mid")
    if contents.get("id") != id:
        return []
    untouched = midi.is_file() and contents.get("midi", {}).get("sha256") == sha256(midi)
    return [path_of(path), *([midi] if untouched else [])]


def sha256(path: Path) -> str:
    """Of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _midi(contents: Entries) -> bytes | None:
    """A sidecar's musical time, as a MIDI file; None where no tempo was kept, asked for or measured."""
    request, bpm = contents.get("request", {}), tempo_of(contents)
    if not bpm:
        return None
    kept = {"beats_per_bar": 4, "beat_unit": 4} | request | contents.get("engine", {})
    markers = [(0.0, request["section"])]
    if (join_s := join_of(contents)) is not None:
        markers = [(0.0, "clip"), (join_s, request["section"])]
    if (exit_s := exit_of(contents)) is not None:
        markers.append((exit_s, "clip"))
    markers = sections_of(contents) or markers
    seconds = contents["audio"]["duration_s"]
    parts = transcription.parts(contents, join_s or 0.0, seconds if exit_s is None else exit_s)
    return tempo_map.encode(seconds, bpm, kept["beats_per_bar"], kept["beat_unit"], markers, parts)


def _source_type(entries: Entries) -> str:
    """What the audio is, in the words of IPTC: made by a model, or, with a clip in it, in part."""
    request = entries.get("request", {})
    in_part = request.get("clip") is not None and request.get("join") == "append"
    return _IPTC + ("compositeWithTrainedAlgorithmicMedia" if in_part else "trainedAlgorithmicMedia")


def tempo_of(contents: Entries) -> float | None:
    """In beats per minute: kept, asked for or measured."""
    request, facts = contents.get("request", {}), contents.get("engine", {})
    return facts.get("grid_bpm") or request.get("bpm") or facts.get("bpm") or None


def join_of(contents: Entries) -> float | None:
    """Where a clip ends and the new audio begins, in seconds; None where there is no clip in the file."""
    request = contents.get("request", {})
    if request.get("clip") is None or request.get("join") != "append":
        return None
    return contents.get("engine", {}).get("from_s") or None


def exit_of(contents: Entries) -> float | None:
    """Where the new audio ends and the clip goes on, in seconds; None where it does not."""
    facts = contents.get("engine", {})
    if contents.get("request", {}).get("join") != "append" or facts.get("to_s", 0.0) >= facts.get("clip_s", 0.0):
        return None
    return float(facts["to_s"]) if "to_s" in facts else None


def _facts(target: Path, audio: Audio) -> Entries:
    """A sidecar's entries about the audio itself."""
    shape = {"samplerate": audio.samplerate, "channels": audio.channels, "frames": audio.frames}
    return {"file": target.name, **shape, "duration_s": audio.duration_s}


def sections_of(contents: Entries) -> list[tuple[float, str]]:
    """Where an arrangement's sections begin, in seconds, and their names; after the clip that it goes on from."""
    try:
        request = request_from_mapping(contents["request"])
        begin_s = request.piece_s if request.part else join_of(contents) or 0.0
        if request.sections and request.bpm is None and (bpm := tempo_of(contents)):
            request = replace(request, bpm=bpm)
        found = [(begin_s + request.bar_s(section.start), section.name) for section in request.sections]
        return [(0.0, "clip"), *found] if found and begin_s else found
    except (KeyError, TypeError, RequestError):  # of another version
        return []


def _encoded(contents: Entries) -> bytes:
    return (json.dumps(contents, indent=2, ensure_ascii=False) + "\n").encode()


def _replace(file: Path, content: bytes) -> None:
    """All of it or nothing."""
    part = file.with_suffix(f".part{file.suffix}")
    try:
        part.unlink(missing_ok=True)  # a link there would be followed
        part.write_bytes(content)
        os.replace(part, file)
    finally:
        part.unlink(missing_ok=True)
