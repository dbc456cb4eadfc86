"""A request for music as it comes: with all its values, or with some that are still to come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from bridge.errors import MessageError
from bridge.osc.commands.table import Command
from bridge.osc.protocol import SKETCH_BARS, SKETCH_S, SKETCHES
from engine.api import GenerationRequest, RequestError

_MUSIC_FIELDS = {f.name for f in fields(GenerationRequest)}


@dataclass(frozen=True)
class Submit(Command):
    """A job with all its values, whichever command asked for it. `path` is the result's name.

    `weights` are those that the model must have, empty for any: what a job was made with that is asked for again.
    """

    request: GenerationRequest
    play: bool = False
    path: str | None = None
    weights: str = ""
    start: str = "now"  # one of STARTS
    draft: Draft | None = None  # what it was made from


@dataclass(frozen=True)
class Draft(Command):
    """A submit that leaves values to where they are known, a preset's, a MIDI clip's, the clock's: `complete` makes it a Submit.

    `music` are the request's own fields, `ours` the rest of Submit's. A sketch need not name a preset.
    """

    preset: str | None
    music: dict[str, Any]
    ours: dict[str, Any]
    is_sketch: bool = False

    def above(self, preset: Mapping[str, Any], music: dict[str, Any]) -> dict[str, Any]:
        """What wins over a preset's values: `music`, and of a sketch how short it is, and how many there are."""
        if not self.is_sketch:
            return music
        length: dict[str, Any] = {}
        if not {"bars", "duration_s"} & music.keys():
            has_tempo = (music | dict(preset)).get("bpm")
            length = {"bars": SKETCH_BARS} if has_tempo or music.get("loop") else {"duration_s": SKETCH_S}
        return {"variations": SKETCHES} | length | music

    def complete(self, music: dict[str, Any]) -> Submit:
        """Raises MessageError when the values do not go together."""
        try:
            return Submit(self.id, GenerationRequest(**music), **self.ours, reply_port=self.reply_port, draft=self)
        except RequestError as error:
            message = f"{error} (with preset {self.preset})" if self.preset else str(error)
            raise MessageError(message, error.code, self.id, self.reply_port) from None


def is_midi_clip(clip: str | None) -> bool:
    """By its name: one that is not what it says fails when it is read."""
    return clip is not None and clip.lower().strip("'\" ").endswith((".mid", ".midi"))


def submission(id: str, values: dict[str, Any], is_sketch: bool) -> Submit | Draft:
    """Of the checked values of a command: a Submit, or a Draft where a preset, a MIDI clip or the host has the rest."""
    reply_port, preset = values.pop("reply_port", None), values.pop("preset", None)
    music = {name: value for name, value in values.items() if name in _MUSIC_FIELDS}
    ours = {"play": False} | {name: value for name, value in values.items() if name not in _MUSIC_FIELDS}
    if preset or is_sketch or values.get("start", "now") != "now" or is_midi_clip(values.get("clip")):
        return Draft(id, preset, music, ours, is_sketch, reply_port=reply_port)
    return Submit(id, GenerationRequest(**music), **ours, reply_port=reply_port)
