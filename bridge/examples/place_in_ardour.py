"""Puts a result on a bar of an Ardour session: `python -m bridge.examples.place_in_ardour SESSION RESULT.wav --bar 5`.

The file is copied into the session, at the session's rate, and becomes a region of its own without fades, on the audio track
called Inspire, or as --track says. Ardour must not have the session open; what it was before stays beside it, with
.before-inspire at its end. Tried with Ardour 7.3.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import xml.etree.ElementTree as ET
from itertools import count
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

TICKS_PER_QUARTER = 1920
SUPERCLOCKS = 282_240_000  # a second


class PlaceError(Exception):
    """What was wrong, what is allowed, what to do."""


def place(session: Path, result: Path, bar: int, track: str = "Inspire") -> int:
    """`session` is its folder, `bar` counts from 1. Returns the position in ticks. Raises PlaceError; then nothing is changed."""
    if bar < 1:
        raise PlaceError(f"bar is {bar}: bars are counted from 1")
    file = session / f"{session.name}.ardour"
    try:
        tree = ET.parse(file)
    except (OSError, ET.ParseError) as error:
        raise PlaceError(f"cannot read {file}: {error}") from None
    root = tree.getroot()
    playlist = _playlist(root, track)
    position = _ticks_of(root, bar)
    rate = int(_value(root, "sample-rate"))
    audio = _read(result, rate)
    length = len(audio) * SUPERCLOCKS // rate
    _reject_overlap(root, playlist, position, length, track)
    ids, listed, locations = count(int(_value(root, "id-counter"))), _element(root, "Sources"), _element(root, "Locations")
    end = _superclocks_of(root, position) + length
    copy = _write_audio(audio, rate, session / "interchange" / session.name / "audiofiles", result.stem)
    sources = [str(next(ids)) for _ in range(audio.shape[1])]
    for channel, source in enumerate(sources):
        values = {"name": copy.name, "take-id": "", "type": "audio", "flags": "", "id": source, "channel": str(channel)}
        ET.SubElement(listed, "Source", {**values, "origin": str(result), "gain": "1"})
    ET.SubElement(playlist, "Region", _region(copy.stem, str(next(ids)), sources, position, length))
    _stretch_range(locations, end, str(next(ids)))
    root.set("id-counter", str(next(ids)))
    _write(file, tree)
    return position


def _playlist(root: ET.Element, track: str) -> ET.Element:
    routes = {route.get("name"): route for route in root.findall("Routes/Route") if route.get("audio-playlist")}
    if track not in routes:
        there = ", ".join(map(repr, routes)) or "none"
        raise PlaceError(f"the session has no audio track {track!r}: there are {there}; add one in Ardour, or name another")
    wanted = routes[track].get("audio-playlist")
    return next(one for one in root.findall("Playlists/Playlist") if one.get("id") == wanted)


def _ticks_of(root: ET.Element, bar: int) -> int:
    """Where a bar begins, by the session's metres."""
    meters = [(int(_value(meter, "bbt").split("|")[0]), meter) for meter in root.iter("Meter")]
    before = [(first, meter) for first, meter in meters if first <= bar]
    if not before:
        raise PlaceError("the session has no metre at its beginning: save it with Ardour 7 first")
    first, meter = before[-1]
    bar_ticks = int(_value(meter, "divisions-per-bar")) * TICKS_PER_QUARTER * 4
    return _quarters(_value(meter, "quarters")) + (bar - first) * bar_ticks // int(_value(meter, "note-value"))


def _superclocks_of(root: ET.Element, ticks: int) -> int:
    """By the session's tempi, each of which stays until the next. Raises PlaceError for one that glides."""
    tempi = sorted(root.iter("Tempo"), key=lambda tempo: int(_value(tempo, "sclock")))
    for tempo, following in zip(tempi, [*tempi[1:], None], strict=True):
        if following is None or ticks < _quarters(_value(following, "quarters")):
            notes_per_minute = float(_value(tempo, "npm"))
            if abs(notes_per_minute - float(_value(tempo, "enpm"))) > 1e-6:
                raise PlaceError("the session's tempo glides here: only tempi that stay are understood")
            quarter = SUPERCLOCKS * 60 / notes_per_minute * int(_value(tempo, "note-type")) / 4
            quarters = (ticks - _quarters(_value(tempo, "quarters"))) / TICKS_PER_QUARTER
            return int(_value(tempo, "sclock")) + round(quarters * quarter)
    raise PlaceError("the session has no tempo")


def _element(root: ET.Element, name: str) -> ET.Element:
    """Raises PlaceError where a session lacks what Ardour always writes."""
    if (found := root.find(name)) is None:
        raise PlaceError(f"the session has no {name}: save it with Ardour 7 first")
    return found


def _value(element: ET.Element, name: str) -> str:
    """Raises PlaceError where a session lacks what Ardour always writes."""
    if (value := element.get(name)) is None:
        raise PlaceError(f"the session's {element.tag} has no {name}: save it with Ardour 7 first")
    return value


def _quarters(text: str) -> int:
    """ "4:960" in ticks."""
    quarters, ticks = text.split(":")
    return int(quarters) * TICKS_PER_QUARTER + int(ticks)


def _read(result: Path, rate: int) -> NDArray[np.float32]:
    """Float32 (frames, channels) at `rate`."""
    try:
        audio, own_rate = soundfile.read(result, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise PlaceError(f"cannot read {result}: {error}") from None
    resampled: NDArray[np.float32] = audio if own_rate == rate else soxr.resample(audio, own_rate, rate, "VHQ")
    return resampled


def _write_audio(audio: NDArray[np.float32], rate: int, folder: Path, stem: str) -> Path:
    """In the session, under a name that is free; 32-bit floats, so that nothing is rounded."""
    if not folder.is_dir():
        raise PlaceError(f"{folder} is not there: is this an Ardour session?")
    names = (folder / f"{stem}{f'-{number}' if number else ''}.wav" for number in count())
    name = next(name for name in names if not name.exists())
    soundfile.write(name, audio, rate, subtype="FLOAT")
    return name


def _reject_overlap(root: ET.Element, playlist: ET.Element, position: int, length: int, track: str) -> None:
    start = _superclocks_of(root, position)
    for region in playlist.findall("Region"):
        size, at = _value(region, "length").split("@")
        there = int(at[1:]) if at[0] == "a" else _superclocks_of(root, int(at[1:]))
        if size[0] == "a" and there < start + length and there + int(size[1:]) > start:
            raise PlaceError(f"the region {region.get('name')!r} is on {track!r} already at this place: name another track")


def _region(name: str, id: str, sources: list[str], position: int, length: int) -> dict[str, str]:
    off = [
        "muted", "locked", "video-locked", "automatic", "whole-file", "import", "external", "sync-marked", "hidden",
        "left-of-split", "right-of-split", "position-locked", "valid-transients", "envelope-active", "layering-index",
        "default-fade-in", "default-fade-out", "fade-in-active", "fade-out-active",  # it meets its neighbours as it is
    ]  # fmt: skip
    values = {
        "id": id,
        "name": name,
        "type": "audio",
        "first-edit": "nothing",
        "opaque": "1",
        "start": "a0",
        "sync-position": "a0",
    }
    values |= {"ancestral-start": "a0", "ancestral-length": "a0@a0", "stretch": "1", "shift": "1", "scale-amplitude": "1"}
    values |= {"length": f"a{length}@b{position}", "position": f"b{position}", "channels": str(len(sources))}
    for channel, source in enumerate(sources):
        values |= {f"source-{channel}": source, f"master-source-{channel}": source}
    return dict.fromkeys(off, "0") | values


def _stretch_range(locations: ET.Element, end: int, id: str) -> None:
    """So that an export reaches the end of the region."""
    for location in locations:
        if "IsSessionRange" in location.get("flags", ""):
            old = location.get("end", "a0")
            if old[0] == "a":
                location.set("end", f"a{max(end, int(old[1:]))}")
            return
    values = {"id": id, "name": "session", "start": "a0", "end": f"a{end}", "flags": "IsSessionRange", "locked": "0", "cue": "0"}
    ET.SubElement(locations, "Location", values)


def _write(file: Path, tree: ET.ElementTree[ET.Element]) -> None:
    shutil.copy2(file, file.with_name(file.name + ".before-inspire"))
    part = file.with_name(f".{file.name}.part")
    tree.write(part, encoding="UTF-8", xml_declaration=True)
    os.replace(part, file)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("session", type=Path, help="its folder")
    parser.add_argument("result", type=Path)
    parser.add_argument("--bar", type=int, required=True, help="counted from 1")
    parser.add_argument("--track", default="Inspire")
    asked = parser.parse_args()
    try:
        place(asked.session.absolute(), asked.result.absolute(), asked.bar, asked.track)
    except PlaceError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
