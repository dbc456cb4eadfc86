"""Renders the training corpus: composed pieces, synthesised or through FluidSynth, checked, with their facts.

`python -m engine.corpus.render FOLDER --pieces 600 --seed 1 --workers 2` writes `p000123.wav` (48 kHz mono, 16 bit) and
`p000123.json` for each piece. Electronic styles are made by `engine.corpus.synthesis`, the others play General MIDI sounds;
`--synthesised 0` has these play all, as the corpus of the shipped `sketch` does, and `--stereo` keeps both channels. Piece n
depends on n and these options alone, so folders can be grown, and made in parallel.
`--first 20000 --pieces 340 --drumless 1` adds pieces without drums: prompts with "no drums" need more examples than their share.
`--first 40000 --pieces 900 --build-ups 1` adds pieces that lead to their chorus with a riser and a roll, in styles that do so.
What is not synthesised needs the programs `fluidsynth` and `mma`, and a SoundFont under a licence that leaves the music ours
(FluidR3, MIT).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import zlib
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import soundfile
from scipy import signal

from engine.arrays import Audio, FloatArray
from engine.corpus.arrange import DRUMLESS, compose, tempi
from engine.corpus.build_ups import add_sweeps, build_up, may_build_up
from engine.corpus.facts import PieceFacts, SectionFacts
from engine.corpus.midi import to_midi
from engine.corpus.piece import FRAME_RATE, Piece, Section
from engine.corpus.styles import PROGRESSIONS, STYLES, Style
from engine.corpus.synthesis import mix

SAMPLE_RATE = 48_000
SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
HELD_OUT_SHARE = 0.05
LEVEL_DB = -18.4  # RMS of every piece


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pieces", type=int, default=600)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--drumless", type=float, default=DRUMLESS, help="share of pieces without drums in styles that have them")
    parser.add_argument("--build-ups", type=float, default=0.0, help="share of pieces with a build-up in styles that have them")
    parser.add_argument("--synthesised", type=float, default=1.0, help="share of electronic pieces that are synthesised")
    parser.add_argument("--stereo", action="store_true", help="write two channels, which are equal in pieces not synthesised")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--soundfont", type=Path, default=SOUNDFONT)
    options = parser.parse_args()
    numbers = range(options.first, options.first + options.pieces)
    render(
        options.folder, numbers, seed=options.seed, workers=options.workers, soundfont=options.soundfont,
        drumless=options.drumless, build_ups=options.build_ups, synthesised=options.synthesised, stereo=options.stereo,
    )  # fmt: skip


def render(
    folder: Path, numbers: range, *, seed: int = 1, workers: int = 1, soundfont: Path = SOUNDFONT, drumless: float = DRUMLESS,
    build_ups: float = 0.0, synthesised: float = 1.0, stereo: bool = False,
) -> None:  # fmt: skip
    """Renders those of the pieces that `folder` does not have yet, `workers` at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [n for n in numbers if not (folder / f"p{n:06d}.json").exists()]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:  # a fork of torch's threads may hang
        jobs = [pool.submit(render_piece, folder, n, seed, soundfont, drumless, build_ups, synthesised, stereo) for n in missing]
        for done, job in enumerate(jobs, 1):
            job.result()
            if done % 20 == 0:
                print(json.dumps({"pieces": done, "of": len(jobs)}), flush=True)


def render_piece(
    folder: Path, number: int, seed: int, soundfont: Path = SOUNDFONT, drumless: float = DRUMLESS, build_ups: float = 0.0,
    synthesised: float = 1.0, stereo: bool = False,
) -> PieceFacts:  # fmt: skip
    """Composes, renders, checks and writes piece `number`. Returns its facts. Raises ValueError when the check fails."""
    rng = np.random.default_rng([seed, number])
    style = STYLES[number % len(STYLES)]
    piece = compose(style, rng, drumless=drumless)
    if may_build_up(piece) and build_ups and rng.random() < build_ups:
        piece = build_up(piece)
    facts = describe(piece, number, seed)
    if synthesised and mix.can_synthesise(piece) and rng.random() < synthesised:
        facts["synthesised"] = True
        audio = to_level(add_sweeps(mix.synthesise(piece, rng), piece, SAMPLE_RATE))
        audio = audio if stereo else to_level(audio.mean(1))
    else:
        audio = add_effects(add_sweeps(synthesise(piece, soundfont), piece, SAMPLE_RATE), piece, rng)
        audio = np.stack([audio, audio], axis=1) if stereo else audio
    check(audio, facts)
    soundfile.write(folder / f"p{number:06d}.wav", audio, SAMPLE_RATE, subtype="PCM_16")
    (folder / f"p{number:06d}.json").write_text(json.dumps(facts))
    return facts


def describe(piece: Piece, number: int, seed: int) -> PieceFacts:
    """The facts that captions, training windows and the held-out split are made from. Sections in token frames."""
    return {
        "number": number, "seed": seed, "style": piece.style.name, "synonyms": list(piece.style.synonyms), "mood": piece.mood,
        "key": piece.key, "mode": piece.mode, "bpm": piece.bpm, "beats": piece.style.beats, "bar_frames": piece.bar_frames,
        "instruments": piece.instruments, "progression": list(piece.progression), "seconds": piece.seconds,
        "held_out": is_held_out(piece.style, piece.mode, piece.progression, piece.bar_frames),
        "sections": [_describe_section(section, piece.bar_frames) for section in piece.sections],
    }  # fmt: skip


def _describe_section(section: Section, bar_frames: int) -> SectionFacts:
    facts: SectionFacts = {
        "label": section.label, "first_frame": section.first_bar * bar_frames, "frames": section.bars * bar_frames,
        "layers": list(section.layers),
    }  # fmt: skip
    if section.build_up:
        facts["build_up"] = section.build_up
    return facts


def is_held_out(style: Style, mode: str, progression: tuple[int, ...], bar_frames: int) -> bool:
    """Whether training never sees this style × progression × tempo: a small share of them, and at least one of every style."""
    drawn = _draw(style, mode, progression, bar_frames)
    return drawn < HELD_OUT_SHARE or drawn == _least_draws()[style.name]


def _draw(style: Style, mode: str, progression: tuple[int, ...], bar_frames: int) -> float:
    return zlib.crc32(f"{style.name}|{progression}|{mode}|{bar_frames}".encode()) % 1000 / 1000


@cache
def _least_draws() -> dict[str, float]:
    return {
        style.name: min(
            _draw(style, mode, progression, frames)
            for mode in style.modes
            for progression in PROGRESSIONS[style.progressions, mode]
            for frames in tempi(style)
        )
        for style in STYLES
    }


def synthesise(piece: Piece, soundfont: Path) -> Audio:
    """FluidSynth's rendering, float32 mono [N], exactly the piece's bars long. No chorus or reverb: they would not repeat."""
    with tempfile.TemporaryDirectory() as folder:
        midi, wave = Path(folder, "piece.mid"), Path(folder, "piece.wav")
        to_midi(piece).save(midi)
        subprocess.run(
            ["fluidsynth", "-niq", "-R", "0", "-C", "0", "-g", "0.4", "-r", str(SAMPLE_RATE), "-F", wave, soundfont, midi],
            check=True,
            capture_output=True,
        )
        audio, _ = soundfile.read(wave, dtype="float32", always_2d=True)
    audio = audio.mean(1)
    frames = piece.bars * piece.bar_frames * SAMPLE_RATE // FRAME_RATE
    return np.pad(audio, (0, max(0, frames - len(audio))))[:frames]


def add_effects(audio: FloatArray, piece: Piece, rng: np.random.Generator) -> Audio:
    """What a producer would put on the bus of what FluidSynth played: a duller top, saturation, room or echo, then level."""
    name = piece.style.name
    if name in ("lo-fi hip hop", "dub techno", "reggae"):
        audio = signal.sosfilt(signal.butter(2, float(rng.uniform(5000, 9000)), "low", fs=SAMPLE_RATE, output="sos"), audio)
    if name in ("dub techno", "reggae", "ambient", "trance"):
        audio = _echo(audio, round(0.75 * 60 / piece.bpm * SAMPLE_RATE), 0.35)
    if name in ("ambient", "ballad", "dub techno", "synthwave", "trap"):
        audio = _room(audio, 1.6 if name == "ambient" else 0.7)
    if name in ("techno", "rock", "lo-fi hip hop", "blues", "trap"):
        audio = np.tanh(audio * (1.5 / (np.sqrt(np.mean(audio**2)) * 8 + 1e-6)))
    return to_level(audio)


def to_level(audio: FloatArray) -> Audio:
    """Audio at LEVEL_DB, float32."""
    loud = np.sqrt(np.mean(audio**2)) + 1e-9
    audio = audio * (10 ** (LEVEL_DB / 20) / loud)
    over = np.abs(audio) > 0.6  # soft knee above 0.6, so that nothing clips and quiet sections stay quiet
    audio[over] = np.sign(audio[over]) * (0.6 + 0.35 * np.tanh((np.abs(audio[over]) - 0.6) / 0.35))
    return audio.astype(np.float32)


def _echo(audio: FloatArray, delay: int, feedback: float) -> FloatArray:
    wet = audio.copy()
    for tap in range(1, 5):
        if tap * delay < len(audio):
            wet[tap * delay :] += feedback**tap * audio[: -tap * delay]
    return wet


def _room(audio: FloatArray, seconds: float) -> FloatArray:
    """A fixed exponential noise room: the same impulse for every piece, so that equal bars stay equal."""
    noise = np.random.default_rng(0).standard_normal(round(seconds * SAMPLE_RATE)) * np.exp(
        -6.9 * np.arange(round(seconds * SAMPLE_RATE)) / (seconds * SAMPLE_RATE)
    )
    noise = signal.sosfilt(signal.butter(1, 4000, "low", fs=SAMPLE_RATE, output="sos"), noise)
    wet: FloatArray = signal.oaconvolve(audio, noise / np.sqrt(np.sum(noise**2)))[: len(audio)]
    return audio + 0.35 * wet


def check(audio: FloatArray, facts: PieceFacts) -> None:
    """Raises ValueError for a piece that is silent, clipped or mostly quiet."""
    level = np.sqrt(np.mean(audio**2))
    if not np.isfinite(audio).all() or np.abs(audio).max() >= 0.999 or level < 0.02:
        raise ValueError(f"piece {facts['number']} ({facts['style']}): level {level:.3f}, peak {np.abs(audio).max():.3f}")


if __name__ == "__main__":
    main()
