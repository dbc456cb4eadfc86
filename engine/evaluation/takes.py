"""What the model under test has played, kept on disk: each request is played once, whichever trials measure it.

A run that is stopped goes on with the takes that are there. Samples are kept as the engine gives them, in 32-bit float WAV files.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import soundfile

from engine.api import EngineError, GenerationReport, GenerationRequest
from engine.arrays import Audio

ENGINE = Path(__file__).parents[1]


@dataclass(frozen=True, eq=False)
class Take:
    """A request's result. `audio`: float32 (frames, channels); `samplerate` in Hz; `tokens`: of its first variation, none where
    the engine does not report them.
    """

    audio: Audio
    samplerate: int
    report: GenerationReport
    tokens: tuple[int, ...] = ()


class TakeFolder:
    """Takes by what was asked for. `weights` and `device`: of the model that plays, as `ModelReport` has them; takes of others,
    and of an engine whose code has changed since, are not found.
    """

    def __init__(self, folder: Path, weights: str, device: str) -> None:
        self.folder, self._played_by = folder, (weights, device, _code())

    def __len__(self) -> int:
        return len(list(self.folder.glob("*.json")))

    def find(self, request: GenerationRequest) -> Take | None:
        """None where it has not been played, or what is there cannot be read."""
        name = self._name(request)
        try:
            entry = json.loads((self.folder / f"{name}.json").read_text("utf-8"))
            audio, samplerate = soundfile.read(self.folder / f"{name}.wav", dtype="float32", always_2d=True)
            return Take(audio, samplerate, GenerationReport.from_mapping(entry["report"]), tuple(entry["tokens"]))
        except (OSError, ValueError, KeyError, TypeError, soundfile.LibsndfileError):
            return None

    def keep(self, request: GenerationRequest, take: Take) -> None:
        """The JSON file comes last, so that one whose audio is not whole is not found. Raises EngineError."""
        name = self._name(request)
        entry = {"report": asdict(take.report), "tokens": take.tokens}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._whole(f"{name}.wav") as path:
                soundfile.write(path, take.audio, take.samplerate, subtype="FLOAT", format="WAV")
            with self._whole(f"{name}.json") as path:
                path.write_text(json.dumps(entry), "utf-8")
        except (OSError, soundfile.LibsndfileError) as error:
            raise EngineError(
                f"cannot keep what was played in {self.folder} ({error}): free some space there, or give another --report folder"
            ) from None

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _whole(self, name: str) -> _Whole:
        return _Whole(self.folder / name)

    def _name(self, request: GenerationRequest) -> str:
        asked = asdict(request)
        if request.clip is not None and os.path.isfile(request.clip):
            asked["clip"] = hashlib.sha256(Path(request.clip).read_bytes()).hexdigest()  # a temporary file's name says nothing
        text = json.dumps([self._played_by, asked], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]


def _code() -> str:
    """A digest of the engine's sources."""
    digest = hashlib.sha256()
    for path in sorted(ENGINE.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class _Whole:
    """A file that appears under its name when all of it is written."""

    def __init__(self, path: Path) -> None:
        self._path, self._part = path, path.with_name(f"{path.name}.{os.getpid()}.part")

    def __enter__(self) -> Path:
        return self._part

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is None:
            os.replace(self._part, self._path)
        else:
            self._part.unlink(missing_ok=True)
