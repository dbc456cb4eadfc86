"""A folder of someone's recordings as training material: the model's tokens, words, musical time.

Any file `engine.continuation.recorded_audio` opens, in subfolders too. Words, tempo and key of a file come from
`captions.csv` in the folder (file,caption[,bpm,key]), else from its name ("dusty_break_92bpm_Am.wav"), else they are
measured. Audio is encoded and its tempo and key are measured as for a clip that is continued (`engine.conditioning`), so that
training and inference have the same inputs.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from engine.api import MIN_CLIP_S, EngineError, GenerationRequest, RequestError
from engine.arrays import Audio
from engine.checkpoints.checkpoint import Checkpoint
from engine.conditioning.prompt import caption
from engine.conditioning.tempo import MISTAKEN, describe_clip, grids, likeliest_grid
from engine.conditioning.tokenizer import load_text_encoder
from engine.continuation.clip import EXCERPT_S, SILENCE, Clip
from engine.continuation.clip_encoder import ClipEncoder
from engine.continuation.recorded_audio import SUFFIXES, SUFFIXES_OF_FFMPEG, UnreadableError, open_recording
from engine.music.analysis import measure_bpm
from engine.music.channels import to_mono
from engine.music.grid import BARS_PER_PHRASE, MAX_STRETCH, Grid, lasts_bars, stretch_ratio

CAPTIONS = "captions.csv"
COLUMNS = ("file", "caption", "bpm", "key")
PART_S = EXCERPT_S  # a longer recording is read in parts, so that its tempo may drift and any length fits into memory
HELD_OUT = 0.15  # of all recordings
SAME_TEMPO = 0.02  # within which a bare number in a name and what is measured are the same

NAME_BPM = re.compile(r"(?<![\d.])(\d{2,3}(?:\.\d+)?) ?bpm(?![a-z])|(?<![a-z])bpm ?(\d{2,3}(?:\.\d+)?)", re.IGNORECASE)
# A lower-case am is a word; so is a capital letter alone.
NAME_KEY = re.compile(r"(?<![A-Za-z])(?:([A-Ga-g])([#b♯♭]?) ?(?i:(maj|min)(?:or)?)|([A-G])([#b♯♭]?)(m))(?![A-Za-z0-9])")
NUMBER = re.compile(r"(?<![\w.#])\d{2,3}(?![\w.])")


class TrainingError(EngineError):
    """The recordings, or what is asked of them, cannot be used."""

    code = "bad_recordings"


@dataclass(frozen=True, eq=False)
class Part:
    """Up to PART_S of a recording, as the language model is trained on it."""

    file: str
    tokens: NDArray[np.int16]  # int16 [frames]
    grid: Grid | None  # as the model plays it; None where there is no beat
    caption: str
    first: int = 0  # the first token's frame on the grid
    stretch: float = 1.0  # ratio, so that bars last whole tokens

    @property
    def bpm(self) -> float | None:
        """As recorded."""
        return None if self.grid is None else self.grid.bpm * self.stretch


@dataclass(frozen=True)
class Label:
    """Caption, tempo and key of a file. `numbers`: bare ones in its name, which may be a tempo."""

    words: str
    bpm: float | None = None
    key: str | None = None
    numbers: tuple[float, ...] = ()


class Report(Protocol):
    """Is called with each event of a training and its figures. What it raises ends the training."""

    def __call__(self, event: str, /, **figures: Any) -> None: ...


def report_nothing(event: str, /, **figures: Any) -> None:
    """For who does not want to know."""


def read_recordings(folder: Path, checkpoint: Checkpoint, report: Report = report_nothing) -> list[Part]:
    """Reads and encodes all recordings in a folder. Raises TrainingError.

    report("encoded", file=, done=, total=) after every part, done counting files; report("skipped", file=, reason=) for files
    that cannot be used. Raises what `report` does.
    """
    files = find_recordings(folder)
    labels = read_captions(folder / CAPTIONS)
    for name in sorted(set(labels) - {file.relative_to(folder).as_posix() for file in files}):
        report("skipped", file=name, reason=f"{CAPTIONS} names it, but it is not in the folder")
    reader = _Reader(checkpoint)
    parts: list[Part] = []
    known: dict[bytes, str] = {}  # digest of the tokens → file
    for number, file in enumerate(files, 1):
        name = file.relative_to(folder).as_posix()
        label, stated = label_of_name(file.stem), labels.get(name)
        if stated is not None:
            label = Label(stated.words or label.words, stated.bpm or label.bpm, stated.key or label.key, label.numbers)
        encoded = []
        try:
            for part in reader.read(file, name, label):
                encoded.append(part)
                report("encoded", file=name, done=number, total=len(files))
            if not encoded:
                raise TrainingError("it is silent")
            digest = hashlib.sha256(b"".join(part.tokens.tobytes() for part in encoded)).digest()
            if (same := known.setdefault(digest, name)) != name:
                raise TrainingError(f"it sounds the same as {same}")
            parts += encoded
        except (TrainingError, UnreadableError) as error:
            report("skipped", file=name, reason=str(error).split(": ", 1)[-1].rstrip("."))
    return parts


def find_recordings(folder: Path) -> list[Path]:
    """All audio files below a folder. Raises TrainingError."""
    if not folder.is_dir():
        raise TrainingError(f"{folder} is no folder: give the one that holds your recordings")
    suffixes = SUFFIXES | SUFFIXES_OF_FFMPEG if shutil.which("ffmpeg") else SUFFIXES
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in suffixes and not f.name.startswith(".") and f.is_file())
    if not files:
        raise TrainingError(f"{folder} holds no recordings: {', '.join(sorted(suffixes))} are read")
    return files


def read_captions(path: Path) -> dict[str, Label]:
    """File name → what captions.csv says of it; nothing where there is none. Raises TrainingError."""
    if not path.exists():
        return {}
    labels = {}
    try:
        with path.open(newline="", encoding=_encoding(path)) as file:
            head = file.readline()
            file.seek(0)
            separator = next((one for one in (",", ";", "\t") if one in head), ",")  # spreadsheets with decimal commas write ;
            rows = csv.DictReader(file, restkey="more", restval="", delimiter=separator)
            columns = rows.fieldnames or []
            if "file" not in columns or "caption" not in columns or not set(columns) <= set(COLUMNS):
                raise TrainingError(f"{path.name}: its first line must be file,caption or file,caption,bpm,key")
            for row in rows:
                if "more" in row:
                    raise TrainingError(f'{path.name}, line {rows.line_num}: too many commas; put the caption in "quotes"')
                cells = {name: row[name].strip() for name in columns}
                bpm = float(cells["bpm"].replace(",", ".")) if cells.get("bpm") else None
                label = Label(cells["caption"], bpm, cells.get("key") or None)
                _request(label)
                labels[Path(cells["file"]).as_posix()] = label
    except OSError as error:
        raise TrainingError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise TrainingError(f"{path.name} is not UTF-8: save it again as CSV in UTF-8") from None
    except (RequestError, ValueError, csv.Error) as error:
        raise TrainingError(f"{path.name}, line {rows.line_num}: {error}") from None
    return labels


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        return "utf-16" if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def label_of_name(stem: str) -> Label:
    """Words, tempo and key of a file name without its suffix. Numbers that are no tempo are left out."""
    text = re.sub(r"_|-|\.(?!\d)|(?<=[a-z])(?=[A-Z])", " ", stem)
    bpm = key = None
    if found := NAME_BPM.search(text):
        text, stated = text.replace(found[0], " "), float(found[1] or found[2])
        bpm = stated if 20 <= stated <= 400 else None
    if found := NAME_KEY.search(text):
        text = text.replace(found[0], " ")
        tonic, sign, mode = found.groups()[:3] if found[1] else found.groups()[3:]
        key = f"{tonic.upper()}{sign} {'major' if mode.lower() == 'maj' else 'minor'}"
    numbers = tuple(float(number) for number in NUMBER.findall(text) if 50 <= float(number) <= 200)
    words = " ".join(word for word in text.split() if not any(letter.isdigit() for letter in word))
    return Label(words, bpm, key, numbers)


def split(parts: list[Part]) -> tuple[list[Part], list[Part]]:
    """(training, held out): whole files, chosen by a hash of their names, or the end of the only one."""
    files = sorted({part.file for part in parts}, key=lambda name: hashlib.sha256(os.fsencode(name)).digest())
    wanted = HELD_OUT * sum(len(part.tokens) for part in parts)
    held_out: set[str] = set()
    while len(held_out) < len(files) - 1 and sum(len(part.tokens) for part in parts if part.file in held_out) < wanted:
        held_out.add(files[len(held_out)])
    if held_out:
        return [p for p in parts if p.file not in held_out], [p for p in parts if p.file in held_out]
    *whole, last = parts
    cut = 2 * (max(0, len(last.tokens) - max(1, round(wanted))) // 2)  # an even one: two kinds of token may alternate
    kept = [replace(last, tokens=last.tokens[:cut])] if cut else []
    return whole + kept, [replace(last, tokens=last.tokens[cut:], first=last.first + cut)]


class _Reader:
    """Turns files into parts, with the model's own encoder."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint, self.config = checkpoint, checkpoint.config
        self.encode_text = load_text_encoder(checkpoint)
        self.clips = ClipEncoder(checkpoint)
        self.rate, self.views = self.clips.samplerate, checkpoint.wavtokenizer.views

    def read(self, path: Path, name: str, label: Label) -> Iterator[Part]:
        """The parts of a file that are not silent."""
        with open_recording(path) as file:
            duration_s, before = file.frames / file.samplerate, None
            if duration_s < MIN_CLIP_S:
                raise TrainingError(f"it lasts {duration_s:.2f} s, {MIN_CLIP_S:g} s at least are needed")
            for block in file.blocks(PART_S):
                if not np.isfinite(block).all():
                    raise TrainingError("it holds values that are no numbers (NaN or infinity)")
                audio = soxr.resample(to_mono(block), file.samplerate, self.rate, "VHQ")
                if len(audio) < MIN_CLIP_S * self.rate or np.ptp(audio) < 2 * SILENCE:
                    before = None
                    continue
                part, before = self._encode(audio, name, label, duration_s, before)
                yield part

    @torch.inference_mode()
    def _encode(
        self, audio: Audio, name: str, label: Label, duration_s: float, before: Grid | None
    ) -> tuple[Part, Grid | None]:
        """The part, and the musical time at its end. audio: mono [N] at the model's rate. before: the musical time where it
        begins, as measured in the part right before it.
        """
        levelled = self.clips.at_model_level(audio)
        label = _with_tempo(label, audio, self.rate, duration_s)
        seconds = len(audio) / self.rate
        # Bars are counted from the file's beginning, part by part: each corrects the drift of the last.
        begun_s = before.beat % (BARS_PER_PHRASE * before.beats_per_bar) * 60.0 / before.bpm if before else 0.0
        clip = Clip(audio[:, None], audio, self.rate, begun_s + seconds, duration_s)
        request = _request(label)
        found = grids(request, self.config, clip)
        if before:  # a piece keeps its tempo and metre, if it can
            alike = [g for g in found if abs(g.bpm / before.bpm - 1) < SAME_TEMPO and g.beats_per_bar == before.beats_per_bar]
            found = alike or found

        def encode(stretch: float) -> list[int]:
            tokens: list[int] = self.clips.encode(levelled, stretch=stretch, from_end=True).tolist()
            return tokens

        end = likeliest_grid(found, encode, self.encode_text(request.prompt), request, self.checkpoint)
        by = stretch_ratio(end, self.config.token_rate, self.views, MAX_STRETCH) if end else 1.0
        tokens = self.clips.encode(levelled, stretch=by)
        begin = end and end.after(-seconds).stretched(by)
        described = None if label.key else describe_clip(clip, request, end, self.config)
        return Part(name, tokens, begin, caption(request, self.config.tempo_words, end, described), stretch=by), end


def _request(label: Label) -> GenerationRequest:
    """A continuation that states what the label does. Raises RequestError for values that none may have."""
    return GenerationRequest(prompt=label.words, bpm=label.bpm, key=label.key, clip="-")


def _with_tempo(label: Label, audio: Audio, samplerate: int, duration_s: float) -> Label:
    """A bare number in the name is the tempo where the measured tempo agrees, or where the file lasts whole bars at it."""
    if label.bpm is not None or not label.numbers:
        return label
    measured = measure_bpm(audio, samplerate) or 0.0
    matching = (n for n in label.numbers if any(abs(measured * ratio / n - 1) < SAME_TEMPO for ratio in (1, *MISTAKEN)))
    return replace(label, bpm=next(matching, None) or next((n for n in label.numbers if lasts_bars(n, duration_s)), None))
