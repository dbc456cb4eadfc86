"""What `inspire doctor` looks at of MIDI and sound: each is tried the way the daemon uses it."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import mido
import numpy as np

from bridge.audio.device import AudioDevice
from bridge.cli.finding import Finding
from bridge.midi import clip
from bridge.midi.input import MidiIn
from bridge.osc.replies import State
from engine.api import AudioChunk, ClipError

CLICK_DB = -40.0
_NOTE = (mido.Message("note_on", note=69), mido.Message("note_off", note=69, time=480))


def midi(name: str, running: State | None = None) -> Finding:
    """Opens the port that the setting midi_in names, unless the daemon that runs has it."""
    if name == "none":
        return Finding("MIDI", True, "none, as set")
    fact = running.pairs.get("midi_in", "none in the daemon that runs") if running else asyncio.run(_opened(name))
    opened = not fact.startswith("none")
    return Finding("MIDI", opened, fact.removeprefix("none: "), "start what gives the port, or set midi_in to another or to none")


async def _opened(name: str) -> str:
    port = MidiIn(name, lambda *_: None)
    await port.start()
    await port.close()
    return port.description


def synth(soundfont: str) -> Finding:
    """Renders a note with FluidSynth, which plays MIDI files that are to be continued."""
    advice = "install fluidsynth and a SoundFont, or set soundfont to another, to continue MIDI files"
    try:
        _, font = clip.find_synth(soundfont)
        with tempfile.TemporaryDirectory(prefix="inspire-") as place:
            file = Path(place) / "note.mid"
            mido.MidiFile(tracks=[mido.MidiTrack(_NOTE)]).save(file)
            clip.render(file, soundfont, Path(place))
    except ClipError as error:
        return Finding("FluidSynth", False, str(error), advice, optional=not soundfont)
    return Finding("FluidSynth", True, f"plays {font}")


def audio(device: str, channels: tuple[int, ...] = (1, 2), samplerate: int = 0) -> Finding:
    """Plays 0.3 s of silence with one click at -40 dB in it, the way results are played."""
    if device == "none":
        return Finding("audio device", True, "none, as set: results go to disk only")
    fact, played = asyncio.run(_click(device, channels, samplerate))
    return Finding("audio device", played, fact, "install PortAudio, plug the device in, or set audio_device to another or none")


async def _click(device: str, channels: tuple[int, ...], samplerate: int) -> tuple[str, bool]:
    samples = np.zeros((14_400, 1), np.float32)
    samples[7_200] = 10 ** (CLICK_DB / 20)
    output = AudioDevice(device, 0.0, 0.0, channels, samplerate)
    output.start()
    voice = output.play(0.3)
    voice.feed(AudioChunk(0, 0, 48_000, samples), is_new=False)
    voice.end()
    while output.playing:
        await asyncio.sleep(0.01)
    played = not voice.stopped  # by the device, which stops what it cannot play
    await output.stop()
    name = output.description.removeprefix("none: ")
    return f"{name}: {f'played a click at {CLICK_DB:g} dB' if played else 'nothing could be played'}", played
