"""Puts a result on a bar of an LMMS project: `python -m bridge.examples.place_in_lmms SONG.mmp RESULT.wav --bar 5`.

It goes on a sample track called Inspire, on a new one where the place is taken. LMMS must not have the project open; what it was
before stays beside it, with .bak at its end. Reads .mmp and .mmpz.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import sys
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path

import soundfile

TICKS_PER_QUARTER = 48
_SAMPLE_TRACK = "2"


class PlaceError(Exception):
    """What was wrong, what is allowed, what to do."""


def place(project: Path, result: Path, bar: int, track: str = "Inspire") -> tuple[int, int]:
    """`bar` counts from 1. Returns position and length in ticks. Raises PlaceError; then nothing is changed."""
    if bar < 1:
        raise PlaceError(f"bar is {bar}: bars are counted from 1")
    try:
        info = soundfile.info(result)
    except (soundfile.LibsndfileError, OSError) as error:
        raise PlaceError(f"cannot read {result}: {error}") from None
    root = _read(project)
    head, song = root.find("head"), root.find("song/trackcontainer[@type='song']")
    if root.tag != "lmms-project" or head is None or song is None:
        raise PlaceError(f"{project} is no LMMS song: save one with LMMS first")
    bar_ticks = TICKS_PER_QUARTER * 4 * _number(head, "timesig_numerator", 4) // _number(head, "timesig_denominator", 4)
    position = (bar - 1) * bar_ticks
    length = math.ceil(info.frames / info.samplerate * _number(head, "bpm", 140) / 60 * TICKS_PER_QUARTER)
    where = _free_track(song, track, position, length)
    clip = {"pos": position, "len": length, "muted": 0, "src": result.absolute(), "sample_rate": info.samplerate}
    ET.SubElement(where, "sampletco", {name: str(value) for name, value in clip.items()})
    _write(project, root)
    return position, length


def _free_track(song: ET.Element, name: str, position: int, length: int) -> ET.Element:
    for track in song.findall("track"):
        if track.get("type") == _SAMPLE_TRACK and track.get("name") == name:
            clips = [(int(clip.get("pos", 0)), int(clip.get("len", 0))) for clip in track.findall("sampletco")]
            if all(position >= start + size or position + length <= start for start, size in clips):
                return track
    track = ET.SubElement(song, "track", {"type": _SAMPLE_TRACK, "name": name, "muted": "0", "solo": "0"})
    ET.SubElement(
        ET.SubElement(track, "sampletrack", {"vol": "100", "pan": "0"}), "fxchain", {"numofeffects": "0", "enabled": "0"}
    )
    return track


def _number(head: ET.Element, name: str, usual: int) -> int:
    """Of a value that is automated, what it begins with."""
    automated = head.find(name)
    return int(float(automated.get("value", usual) if automated is not None else head.get(name, usual)))


def _read(project: Path) -> ET.Element:
    try:
        content = project.read_bytes()
        return ET.fromstring(zlib.decompress(content[4:]) if project.suffix == ".mmpz" else content)
    except (OSError, zlib.error, ET.ParseError) as error:
        raise PlaceError(f"cannot read {project}: {error}") from None


def _write(project: Path, root: ET.Element) -> None:
    content = b'<?xml version="1.0"?>\n<!DOCTYPE lmms-project>\n' + ET.tostring(root)
    if project.suffix == ".mmpz":
        content = len(content).to_bytes(4, "big") + zlib.compress(content)
    shutil.copy2(project, project.with_name(project.name + ".bak"))
    part = project.with_name(f".{project.name}.part")
    part.write_bytes(content)
    os.replace(part, project)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--bar", type=int, required=True, help="counted from 1")
    parser.add_argument("--track", default="Inspire")
    asked = parser.parse_args()
    try:
        place(asked.project, asked.result, asked.bar, asked.track)
    except PlaceError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
