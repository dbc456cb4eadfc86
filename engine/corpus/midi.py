"""A composed piece as a MIDI file."""

from __future__ import annotations

import mido

from engine.corpus.piece import FRAME_RATE, Piece

TICKS = 480  # a beat


def to_midi(piece: Piece) -> mido.MidiFile:
    """The piece as a type-1 MIDI file. One beat lasts a whole number of microseconds, so bars meet token frames exactly."""
    midi = mido.MidiFile(ticks_per_beat=TICKS)
    head = mido.MidiTrack()
    head.append(mido.MetaMessage("set_tempo", tempo=piece.bar_frames * 1_000_000 // FRAME_RATE // piece.style.beats))
    head.append(mido.MetaMessage("time_signature", numerator=piece.style.beats, denominator=4))
    midi.tracks.append(head)
    for channel in sorted({n.channel for n in piece.notes}):
        events = [(0, 0, mido.Message("program_change", channel=channel, program=piece.programs.get(channel, 0)))]
        if piece.style.pump and channel in (1, 2):
            events += _pump(channel, piece)
        for n in piece.notes:
            if n.channel == channel:
                on, off = round(n.start * TICKS), round((n.start + n.length) * TICKS)
                events.append((on, 2, mido.Message("note_on", channel=channel, note=n.pitch, velocity=n.velocity)))
                events.append((off, 1, mido.Message("note_off", channel=channel, note=n.pitch)))
        track, before = mido.MidiTrack(), 0
        for tick, _, message in sorted(events, key=lambda e: (e[0], e[1])):
            track.append(message.copy(time=tick - before))
            before = tick
        midi.tracks.append(track)
    return midi


def _pump(channel: int, piece: Piece) -> list[tuple[int, int, mido.Message]]:
    """Side-chain-like ducking: expression dips on each beat of the bars where the kick plays and recovers over half of it."""
    events = []
    for section in piece.sections:
        if "drums" not in section.layers or "bass" not in section.layers:
            continue
        for beat in range(section.first_bar * piece.style.beats, (section.first_bar + section.bars) * piece.style.beats):
            for step, value in enumerate((40, 64, 88, 108, 120, 127)):
                events.append(
                    (
                        round((beat + step / 10) * TICKS),
                        0,
                        mido.Message("control_change", channel=channel, control=11, value=value),
                    )
                )
    return events
