"""Where a result goes on disk: the growing WAV, its JSON sidecar and its MIDI file. The record: it never drops a sample.

While a job runs its file is `<name>.part.wav`, playable at any moment; at the job's end, however that comes, it is renamed
`<name>.wav`, `<name>.json` tells where it came from and, where its tempo is known, `<name>.mid` what its bars are. Its name
is `result_names`' choice and never overwrites anything.

Several variations are `<name>.1.wav`, `<name>.2.wav` and so on, each with a sidecar and a MIDI file of its own.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import OutputError
from bridge.results import paths, tempo_map, wav
from bridge.results.wav import GrowingWav
from engine.api import AudioChunk, GenerationRequest, request_from_mapping


class Recording:
    """One result on disk, a file for each variation. Blocks on the disk, so it is called from a thread of its own, one call at a
    time.

    `open` reserves the names, before the engine has worked for them; `write` appends; `finish` renames and writes the sidecars.
    Each raises OutputError; what was written before stays playable.
    """

    def __init__(self, folder: Path, request: GenerationRequest, path: str | None = None):
        """`path` is a name inside `folder`, made from the prompt when None. Raises OutputError when it leads outside."""
        self._request = request
        self._folder = folder
        self._target = folder / f"{paths.slug(request)}.wav" if path is None else paths.inside(folder, path)
        self._files = [_File(target) for target in paths.numbered(self._target, request.variations)]

    @property
    def path(self) -> Path:
        """The first file as it is now: the part, then the result."""
        return self._files[0].path

    @property
    def paths(self) -> list[Path]:
        """Those of the variations of which there is audio."""
        return [file.path for file in self._files if file.wav]

    @property
    def duration_s(self) -> float:
        wav = self._files[0].wav
        return wav.duration_s if wav else 0.0

    def path_of(self, variation: int) -> Path:
        return self._files[variation - 1].path

    def likely_part(self) -> Path:
        """What `open` will make unless someone takes the name first: told to the journal before, so that a kill in between
        leaves no file that nobody knows of.
        """
        with _explained(self._target):
            return next(paths.free_names(self._target, len(self._files)))[0][0]

    def open(self) -> None:
        """Reserves free names with empty `.part.wav`s. Where a link was put meanwhile, it must not lead outside."""
        with _explained(self._target):
            paths.refuse_outside(self._folder, self._target.parent)
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._files = [_File(target, part) for part, target in paths.reserve(self._target, len(self._files))]

    def write(self, chunk: AudioChunk) -> None:
        file = self._files[chunk.variation - 1]
        with _explained(file.path):
            if file.wav is None:
                file.wav = self._create(file.path, chunk)
            file.wav.write(chunk.samples)
            file.check_it_is_there()

    def finish(self, story: dict, facts: Sequence[dict] = ()) -> Path | None:
        """Ends the files and tells in each one's sidecar its `story`; `facts` are what each variation has of its own of the
        engine's. Returns the first result's path, None where there is no audio.
        """
        problem: OutputError | None = None
        for number, file in enumerate(self._files, 1):
            told = _of_variation(story, number, [file.target for file in self._files])
            if facts:
                told = told | {"engine": told["engine"] | facts[number - 1]}
            try:
                file.finish(told)
            except OutputError as error:  # what the others hold is no less wanted
                problem = problem or error
        if problem:
            raise problem
        return self.path if self._files[0].wav else None

    def _create(self, part: Path, chunk: AudioChunk) -> GrowingWav:
        request = self._request
        return GrowingWav(
            part,
            chunk.samplerate,
            chunk.samples.shape[1],
            description=request.prompt or request.clip or "",
            time_reference_frames=round(request.time_start_s * chunk.samplerate),
            bpm=request.bpm,
            beats_per_bar=request.beats_per_bar,
        )


@dataclass
class _File:
    """One variation's."""

    target: Path
    part: Path | None = None  # while there is one
    wav: GrowingWav | None = None

    @property
    def path(self) -> Path:
        return self.part or self.target

    def finish(self, story: dict) -> None:
        with _explained(self.path):
            if self.wav is None:
                if self.part:
                    self.part.unlink(missing_ok=True)
                return
            self.check_it_is_there()
            self.wav.close()
            try:  # the sidecar first: with a part that was left, it says that the job had ended
                _write_beside(self.target, _sidecar(self.target, self.wav, story))
            finally:
                os.replace(self.part, self.target)
                self.part = None

    def check_it_is_there(self) -> None:
        """Raises OSError when the file was deleted or moved: then there is no audio that could be promised."""
        try:
            os.stat(self.part)
        except FileNotFoundError:
            self.wav.close()
            self.wav = None
            raise


@dataclass(frozen=True)
class Kept:
    """What is left of a Recording of an earlier daemon."""

    path: Path
    duration_s: float


def salvage(part: Path, story: dict, count: int = 1) -> tuple[Path | None, float, dict]:
    """Ends what a dead daemon left of `count` variations, the first of them at `part`: result's path (None where there is no
    audio), its seconds, its story.

    That is the given one, or what that daemon had already written in the sidecar. Blocks. Raises OutputError.
    """
    parts = paths.variation_paths(part, count)
    targets = [one.with_name(one.name.removesuffix(paths.PART) + ".wav") for one in parts]
    with _explained(part):
        if any(one.exists() and _is_anothers(target, story["id"]) for one, target in zip(parts, targets, strict=True)):
            reserved = paths.reserve(paths.unnumbered(targets[0], count), count)
            for old, (free, _) in zip(parts, reserved, strict=True):
                os.replace(old, free) if old.exists() else free.unlink()
            parts, targets = ([*column] for column in zip(*reserved, strict=True))
    stories = [_of_variation(story, number, targets) for number in range(1, count + 1)]
    return [_salvage(*one) for one in zip(parts, targets, stories, strict=True)][0]


def _salvage(part: Path, target: Path, story: dict) -> tuple[Path | None, float, dict]:
    with _explained(part):
        told = _read_sidecar(target)
        known = told is not None and told.get("id") == story["id"]
        if not part.exists():
            if not (known and target.exists()):
                return None, 0.0, story
            _write_midi(target, told)  # the daemon may have died before it came to that
            return target, told["audio"]["duration_s"], told
        shape = wav.mend(part)
        if shape is None:
            part.unlink()
            return None, 0.0, story
        if known:
            _write_midi(target, told)
        else:
            _write_beside(target, _sidecar(target, shape, story))
        os.replace(part, target)
        return target, shape.duration_s, told if known else story


def move_away(files: Sequence[Path], id: str) -> Path:
    """Moves a result's files and what is beside them to a folder `Deleted` there; returns where the first is now. Blocks. Raises
    OutputError.
    """
    with _explained(files[0]):
        folder = files[0].parent / "Deleted"
        folder.mkdir(exist_ok=True)
        reserved = paths.reserve(folder / paths.unnumbered(files[0], len(files)).name, len(files))
        for path, (part, target) in zip(files, reserved, strict=True):
            beside = _ours_beside(path, id)
            os.replace(path, target)
            part.unlink()
            for other in beside:
                os.replace(other, target.with_suffix(other.suffix))
        return reserved[0][1]


def remove(files: Sequence[Path], id: str) -> None:
    """Removes a result's files and what is beside them from the disk. Blocks. Raises OSError."""
    for path in files:
        for one in (*_ours_beside(path, id), path):
            one.unlink()


def sha256(path: Path) -> str:
    """Of a file's bytes: says in a sidecar which clip was continued. Blocks."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _of_variation(story: dict, number: int, targets: Sequence[Path]) -> dict:
    """What a variation's sidecar says: which of the files it is, and the seed that makes it alone."""
    if len(targets) == 1:
        return story
    seed = request_from_mapping(story["request"]).seed_of(number)
    return story | {"variation": {"number": number, "seed": seed, "files": [target.name for target in targets]}}


def _sidecar(target: Path, audio: GrowingWav | wav.Shape, story: dict) -> dict:
    facts = {
        "file": target.name,
        "samplerate": audio.samplerate,
        "channels": audio.channels,
        "frames": audio.frames,
        "duration_s": audio.duration_s,
    }
    told = {"audio": facts, **story}
    midi = _midi(told)
    return told if midi is None else told | {"midi": {"file": f"{target.stem}.mid", "sha256": hashlib.sha256(midi).hexdigest()}}


def _write_beside(target: Path, told: dict) -> None:
    _write(target.with_suffix(".json"), (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode())
    _write_midi(target, told)


def _write_midi(target: Path, told: dict) -> None:
    """As the sidecar promises it; not over what is there."""
    if "midi" in told and not target.with_suffix(".mid").exists():
        _write(target.with_suffix(".mid"), _midi(told))


def _midi(told: dict) -> bytes | None:
    """What a sidecar tells of musical time, as a MIDI file; None where no tempo was kept, asked for or measured."""
    request, facts = told.get("request", {}), told.get("engine", {})
    bpm = facts.get("grid_bpm") or request.get("bpm") or facts.get("bpm")
    if not bpm:
        return None
    markers = [(0.0, request["section"])]
    if request["clip"] is not None and request["join"] == "append" and facts.get("from_s"):
        markers = [(0.0, "clip"), (facts["from_s"], request["section"])]
    return tempo_map.encode(told["audio"]["duration_s"], bpm, request["beats_per_bar"], markers)


def _write(file: Path, content: bytes) -> None:
    """All of it or nothing."""
    part = file.with_suffix(f".part{file.suffix}")
    try:
        part.unlink(missing_ok=True)  # a link there would be followed
        part.write_bytes(content)
        os.replace(part, file)
    finally:
        part.unlink(missing_ok=True)


def _read_sidecar(target: Path) -> dict | None:
    """None where there is no file; empty where it is not one of ours."""
    try:
        told = json.loads(target.with_suffix(".json").read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _is_anothers(target: Path, id: str) -> bool:
    """Someone took the name meanwhile."""
    return not paths.is_free(target) and (_read_sidecar(target) or {}).get("id") != id


def _ours_beside(path: Path, id: str) -> list[Path]:
    """The sidecar of the job `id`, and its MIDI file where nobody changed it."""
    told, midi = _read_sidecar(path) or {}, path.with_suffix(".mid")
    if told.get("id") != id:
        return []
    untouched = midi.is_file() and told.get("midi", {}).get("sha256") == sha256(midi)
    return [path.with_suffix(".json"), *([midi] if untouched else [])]


class _explained:
    """Turns an OSError into an OutputError that says what to do."""

    _REASONS = {
        errno.ENOSPC: "the disk is full: free some space",
        errno.EDQUOT: "your quota is used up: free some space",
        errno.EFBIG: "the file would grow larger than the system allows",
        errno.EROFS: "it is on a read-only disk: choose another output folder",
        errno.EACCES: "this user may not write there: choose another output folder",
        errno.EPERM: "this user may not write there: choose another output folder",
        errno.ENOTDIR: "a part of the path is not a folder: choose another output folder",
        errno.ENOENT: "it was moved or deleted meanwhile",
    }

    def __init__(self, path: Path):
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type, error, _traceback) -> None:
        if isinstance(error, OSError):
            reason = self._REASONS.get(error.errno, error.strerror or str(error))
            raise OutputError(f"cannot write the result: {reason} ({self._path})") from error
