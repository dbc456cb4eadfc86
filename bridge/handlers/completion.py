"""Requests as they came → requests with all their values: the preset's, the MIDI clip's, the host's tempo, the usual model."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any

from bridge.config.presets import NO_PRESET, Presets
from bridge.config.settings import Settings
from bridge.errors import MessageError
from bridge.midi import clip as midi_clip
from bridge.midi.transport import Transport
from bridge.osc.commands import Draft, Submit, is_midi_clip
from engine.api import clip_text, resolve_clip


class Completion:
    def __init__(self, settings: Settings, presets: Presets, transport: Transport):
        self._settings = settings
        self._presets = presets
        self._transport = transport

    def admit(self, command: Submit) -> Submit:
        """With its model named and its clip's file found. Raises ClipError and MessageError for what may not be read."""
        settings = self._settings
        model = command.request.model or settings.model
        request = replace(command.request, model=model)
        if not settings.is_local and model != settings.model and os.path.basename(model) != model:
            allowed = "beyond loopback only models with a name, and the one in the settings, may be asked for"
            raise MessageError(f"model is a folder: {allowed}", "bad_value")
        if request.clip is not None:
            request = replace(request, clip=clip_text(resolve_clip(request.clip, settings.clip_folders)))
        return replace(command, request=request)

    def complete(self, draft: Draft) -> Submit:
        """With its MIDI clip's tempo and metre, or the host's, and its preset's values.

        Raises MessageError, ClipError and PresetError.
        """
        music = draft.music
        if is_midi_clip(music.get("clip")):
            midi_clip.find_synth(self._settings.soundfont)  # known now, rather than when its turn comes
            clip = midi_clip.read(resolve_clip(music["clip"], self._settings.clip_folders))
            music = {"bpm": clip.bpm, "beats_per_bar": clip.beats_per_bar, "beat_unit": clip.beat_unit} | music
        if (start := draft.ours.get("start", "now")) != "now":
            now = time.monotonic()
            if not self._transport.playing(now):
                what, why = start.replace("_", " ").removeprefix("next "), self._why_no_bar(now)
                raise MessageError(f"there is no next {what}, {why}: start the host, or leave start away", "no_clock")
            metre = self._transport.metre(now) if "beats_per_bar" not in music else {}
            music = {"bpm": self._transport.bpm(now)} | metre | music
            if start == "next_loop":
                music = self._length_of_loop(now, music) | music
        preset = self._presets.get(draft.preset) if draft.preset else NO_PRESET
        return draft.complete(preset.under(draft.above(preset.values, music)))

    def _length_of_loop(self, now: float, music: dict[str, Any]) -> dict[str, Any]:
        """The host's loop's, in bars where those are whole, as a request has it; empty where the request has a length."""
        quarters = self._transport.loop_quarters(now)
        if quarters is None or self._transport.next_loop_s(now, now) is None:
            why = "reports a loop to /inspire/transport (loop_start_beats, loop_end_beats) and plays towards its end"
            raise MessageError(f"there is no next loop: no host {why}; let it loop, or ask for start bar", "no_clock")
        if {"bars", "duration_s"} & music.keys():
            return {}
        bars = quarters / (music.get("beats_per_bar", 4) * 4 / music.get("beat_unit", 4))
        if abs(bars - round(bars)) < 1e-3 and round(bars):
            return {"bars": round(bars)}
        return {"duration_s": quarters * 60 / music["bpm"]}

    def _why_no_bar(self, now: float) -> str:
        if self._transport.reported(now):
            return "the host reports that it does not play"
        clock = "no MIDI clock plays" if self._settings.midi_in != "none" else "midi_in is not set"
        return f"no host reports its transport and {clock}"
