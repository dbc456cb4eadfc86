"""Trials with recorded and produced music that a user names: continuations as users get them beside the model's own sound.

Such music is for evaluation only: nothing learns from it, and none of it is part of the project.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from engine.api import EngineError
from engine.arrays import Audio
from engine.evaluation import measures
from engine.evaluation.excerpts import RATE
from engine.evaluation.measures import key_met
from engine.evaluation.results import Result, Row, share
from engine.evaluation.trials import ModelUnderTest
from engine.music.analysis import measure_bpm, measure_key
from engine.music.level import rms_db

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif")
CLIP_S, CONTINUED_S, END_S = 12.0, 8.0, 2.0
FROM_S = 24.0  # of a recording: past its introduction
LEAST_DB = -34.0  # RMS of a clip; what is softer has nothing to be kept
LOST_HIGHS_DB, LOST_LEVEL_DB, STEREO_DB = 12.0, 6.0, 3.0
OCTAVES, TEMPO = (0.5, 1.0, 2.0), 0.04


@dataclass(frozen=True)
class Bars:
    """What a continuation shall reach, in percent of clips but for likeness."""

    highs: float | None = None  # at most, like the next
    level: float | None = None
    likeness: float | None = None  # at least, like the rest
    tempo: float | None = None
    scale: float | None = None
    stereo: float | None = None


BARS = {"clip": Bars(15, 5, 80, 85, 58, 90), "model": Bars()}  # what users get by default is judged


def recorded_trial(model: ModelUnderTest, folder: Path, count: int) -> list[Result]:
    """Continues a clip of each recording with the clip's own sound, with the model's, and as it really goes on.

    Raises EngineError where the folder holds nothing that is long and loud enough.
    """
    rows: dict[str, list[Row]] = {"clip": [], "model": [], "true": []}
    with tempfile.TemporaryDirectory() as work:
        for number, path in enumerate(_recordings(folder)):
            if len(rows["true"]) == count:
                break
            if (excerpt := _excerpt(path)) is None:
                continue
            clip, true, rate = excerpt
            name = Path(work, f"{number}.wav")
            soundfile.write(name, clip, rate, subtype="FLOAT")
            rows["true"].append(_compared(path.name, clip, true, true, rate))
            for timbre in ("clip", "model"):
                audio, made_rate, _ = model.play_channels(
                    clip=str(name), duration_s=CONTINUED_S, join="new", seed=number, timbre=timbre
                )
                continued = soxr.resample(audio, made_rate, rate)
                rows[timbre].append(_compared(path.name, clip, continued, true, rate))
    if not rows["true"]:
        raise EngineError(f"{folder} has no recording of {FROM_S + CLIP_S + CONTINUED_S:g} s or more: name a folder of music")
    return [result for timbre in ("clip", "model") for result in _results(timbre, rows[timbre], rows["true"])]


def _recordings(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def _excerpt(path: Path) -> tuple[Audio, Audio, int] | None:
    """A clip and what follows it, (frames, channels) both, and their rate; None where a recording is too short or too soft."""
    info = soundfile.info(path)
    if info.duration < FROM_S + CLIP_S + CONTINUED_S:
        return None
    frames = [round(seconds * info.samplerate) for seconds in (FROM_S, CLIP_S, CONTINUED_S)]
    audio, rate = soundfile.read(path, frames[1] + frames[2], frames[0], dtype="float32", always_2d=True)
    clip, true = audio[: frames[1]], audio[frames[1] :]
    return (clip, true, rate) if rms_db(clip) >= LEAST_DB else None


def _compared(name: str, clip: Audio, continued: Audio, true: Audio, rate: int) -> Row:
    """A continuation against its clip: its last two seconds for highs and level, all of it for the rest."""
    end, mono, before = continued[-round(END_S * rate) :], continued.mean(1), clip.mean(1)
    own, wanted = (measures.timbre(audio.mean(1), rate) for audio in (continued, true))
    kept = measures.timbre(before, rate)
    bpm, key = _tempo_and_key(before, rate)
    continued_bpm, continued_key = _tempo_and_key(mono, rate)
    return {
        "clip": name,
        "highs_db": measures.highs_db(end.mean(1), rate) - measures.highs_db(before[-len(end) :], rate),
        "level_db": rms_db(end) - rms_db(clip),
        "likeness": min(1.0, float(np.linalg.norm(wanted - kept) / max(float(np.linalg.norm(own - kept)), 1e-9))),
        "tempo_kept": bpm and any(continued_bpm and abs(continued_bpm * octave / bpm - 1) <= TEMPO for octave in OCTAVES),
        "scale_kept": key and key_met(continued_key, key),
        "side_db": measures.side_db(continued) - measures.side_db(clip),
    }


def _tempo_and_key(mono: Audio, rate: int) -> tuple[float | None, tuple[int, str] | None]:
    low = soxr.resample(mono, rate, RATE)
    return measure_bpm(low, RATE), measure_key(low, RATE)


def _results(timbre: str, rows: list[Row], true: list[Row]) -> list[Result]:
    """The rows of one timbre, beside what true continuations have."""
    bars = BARS[timbre]
    where = "recorded clips continued in their own sound" if timbre == "clip" else "… in the model's sound"

    def of_true_ones(hits: list[bool]) -> str:
        return f"true continuations: {100 * np.mean(hits):.0f} %" if hits else ""

    def lost(name: str, key: str, most_db: float, bar: float | None) -> Result:
        value = 100 * float(np.mean([row[key] < -most_db for row in rows]))
        note = of_true_ones([row[key] < -most_db for row in true])
        return Result(f"{where}: {name}", value, "%", bar, at_most=True, count=len(rows), note=note, details=rows)

    def kept(name: str, key: str, bar: float | None) -> Result:
        hits = [bool(row[key]) for row in rows if row[key] is not None]
        return share(f"{where}: {name}", hits, bar, of_true_ones([bool(row[key]) for row in true if row[key] is not None]))

    likeness = 100 * float(np.mean([row["likeness"] for row in rows]))
    stereo = [abs(row["side_db"]) <= STEREO_DB for row in rows]
    return [
        lost("highs of the last 2 s down by more than 12 dB", "highs_db", LOST_HIGHS_DB, bars.highs),
        lost("level of the last 2 s down by more than 6 dB", "level_db", LOST_LEVEL_DB, bars.level),
        Result(f"{where}: likeness to the clip", likeness, "%", bars.likeness, count=len(rows), note="true ones: 100 %"),
        kept("tempo kept, octave allowed", "tempo_kept", bars.tempo),
        kept("scale kept", "scale_kept", bars.scale),
        share(f"{where}: side within 3 dB of the clip's", stereo, bars.stereo,
              of_true_ones([abs(row["side_db"]) <= STEREO_DB for row in true])),
    ]  # fmt: skip
