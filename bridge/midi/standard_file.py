"""Standard MIDI files as the world writes them, made plain: what music and its time need is kept, all else left out.

So what nobody needs (a key signature of 18 flats, a damaged text, a manufacturer's own event) never stops a file, and what is
damaged is read as far as it goes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_TEMPO, _METRE, _END = 0x51, 0x58, 0x2F  # meta events
_DATA_BYTES = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, 0xC: 1, 0xD: 1, 0xE: 2}
_TICKS_PER_BEAT = 480  # where a file says 0


def plain(content: bytes) -> bytes:
    """A file of type 1 with the notes, controllers, tempi and metres of `content`. Raises ValueError where it is no MIDI file."""
    begin = content.find(b"MThd", 0, 64)  # RIFF may stand around it
    if begin < 0 or len(content) < begin + 14:
        raise ValueError("it has no header of a MIDI file")
    size, kind, _, division = struct.unpack_from(">IHHH", content, begin + 4)
    steady = division >= 0x8000  # ticks of time code: no tempo changes them
    if steady:
        division = round((29.97 if (rate := 256 - (division >> 8)) == 29 else rate) * (division & 0xFF) / 2)  # at 120 bpm
    found = [_plain_track(events, steady) for events in _tracks(content, begin + 8 + max(size, 6))]
    if kind == 2:  # pieces that do not belong together
        found = [one for one in found if one[1]][:1]
    tracks = [track for track, _ in found]
    header = b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks), min(division, 0x7FFF) or _TICKS_PER_BEAT)
    return header + b"".join(b"MTrk" + struct.pack(">I", len(track)) + track for track in tracks)


def _tracks(content: bytes, place: int) -> Iterator[bytes]:
    """The events of each. A length that leads nowhere is not believed."""
    while (found := content.find(b"MTrk", place)) >= 0 and found + 8 <= len(content):
        begin = found + 8
        place = begin + struct.unpack_from(">I", content, found + 4)[0]
        if place != len(content) and not (content[place : place + 4].isalnum() and len(content) > place + 4):
            following = content.find(b"MTrk", begin)
            place = len(content) if following < 0 else following
        yield content[begin:place]


def _plain_track(events: bytes, steady: bool) -> tuple[bytes, bool]:
    """The track, and whether it has notes."""
    kept, waited, has_notes = bytearray(), 0, False
    for delta, event in _events(events):
        waited += delta
        if event[0] == 0xFF:
            if event[1] == _END:
                break
            if not _is_needed(event[1], event[2:], steady):
                continue
            event = event[:2] + _number(len(event) - 2) + event[2:]
        has_notes = has_notes or (event[0] >> 4 == 0x9 and event[2] > 0)
        kept += _number(waited) + event
        waited = 0
    return bytes(kept + _number(waited) + bytes([0xFF, _END, 0])), has_notes


def _is_needed(kind: int, value: bytes, steady: bool) -> bool:
    """Whether a meta event says something of time, and something possible."""
    if kind == _TEMPO:
        return len(value) == 3 and any(value) and not steady
    return kind == _METRE and len(value) == 4 and value[0] > 0 and value[1] <= 6


def _events(track: bytes) -> Iterator[tuple[int, bytes]]:
    """(delta time, event), to where the track is damaged. A meta event comes without its length: FF, its kind, its value."""
    place = status = 0
    try:
        while place < len(track):
            delta, place = _read_number(track, place)
            if track[place] >= 0x80:
                event, place = track[place], place + 1
            else:
                event = status  # running: the same as before
            if event == 0xFF:
                kind, (size, place) = track[place], _read_number(track, place + 1)
                yield delta, bytes([0xFF, kind]) + track[place : place + size]
                place += size
            elif event in (0xF0, 0xF7):
                size, place = _read_number(track, place)
                place += size
                yield delta, bytes([0xFF, 0x7F])  # time has passed
            elif count := _DATA_BYTES.get(event >> 4):
                data = track[place : place + count]
                if len(data) < count:
                    return
                status, place = event, place + count
                yield delta, bytes([event, *(min(byte, 0x7F) for byte in data)])
            else:  # nothing that belongs into a file
                place += not event
                yield delta, bytes([0xFF, 0x7F])
    except IndexError:
        return


def _read_number(track: bytes, place: int) -> tuple[int, int]:
    """One of variable length, and where it ends."""
    value = 0
    for _ in range(4):
        byte, place = track[place], place + 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return value, place


def _number(value: int) -> bytes:
    value = min(value, 2**28 - 1)
    groups: list[int] = []
    while True:
        groups.insert(0, value & 0x7F | (0x80 if groups else 0))
        value >>= 7
        if not value:
            return bytes(groups)
