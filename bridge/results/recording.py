"""A result while it is made: files that grow and their sidecars. The record: it never drops a sample.

`<name>.wav` appears with the first chunk under the name it keeps, and is playable at every moment. `<name>.json` is there before
it, says that the job runs and, at its end, where the result comes from; `<name>.mid` then has its bars where its tempo is
known. The name is `paths`' choice and never overwrites anything.

Several variations are `<name>.1.wav`, `<name>.2.wav` and so on, each with a sidecar and a MIDI file of its own.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import soundfile

from bridge.errors import OutputError
from bridge.results import paths, sidecar, splice, tags
from bridge.results.disk_errors import explained
from bridge.results.sidecar import Entries
from bridge.results.wav import PCM_24, GrowingWav, SampleFormat
from engine.api import AudioChunk, GenerationRequest


class Recording:
    """One result on disk, a file for each variation. Blocks on the disk, so it is called from a thread of its own, one call at a
    time.

    `open` reserves the names, before the engine has worked for them; `write` appends; `finish` ends the files and writes the
    sidecars. Each raises OutputError; what was written before stays playable.
    """

    def __init__(self, folder: Path, request: GenerationRequest, path: str | None = None):
        """`path` is a name inside `folder`, made from the prompt when None. Raises OutputError when it leads outside."""
        self._request = request
        self._folder = folder
        self._target = folder / f"{paths.slug(request)}.wav" if path is None else paths.inside(folder, path)
        self._files = [_File(target) for target in paths.numbered(self._target, request.variations)]
        self._entries: Entries = {}

    @property
    def path(self) -> Path:
        """The first file."""
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

    def likely_path(self) -> Path:
        """What `open` will take unless someone takes the name first: written to the journal before, so that a kill in between
        leaves no file that nobody knows of.
        """
        with explained(self._target):
            return next(paths.free_names(self._target, len(self._files)))[0]

    def open(self, entries: Entries | None = None) -> None:
        """Reserves free names with sidecars with the `entries` so far. Where a link was put meanwhile, it must not lead
        outside.
        """
        self._entries = entries or {}
        with explained(self._target):
            paths.require_inside(self._folder, self._target.parent)
            self._target.parent.mkdir(parents=True, exist_ok=True)
            targets = paths.reserve(self._target, len(self._files), self._entries)
            self._files = [_File(target, reserved=True) for target in targets]

    def write(self, chunk: AudioChunk) -> None:
        """The first chunk makes the file; `path` is another from then on where someone else took the name meanwhile."""
        file = self._files[chunk.variation - 1]
        if file.wav is None:
            file = self._created(chunk)
        else:
            with explained(file.path):
                file.wav.write(chunk.samples)
        with explained(file.path):
            file.check_it_is_there()

    def finish(self, entries: Entries, reports: Sequence[Entries] = ()) -> Path | None:
        """Ends the files and writes each one's sidecar: its `entries`, with what the engine reports of each variation. Returns
        the first result's path, None where there is no audio.
        """
        problem: OutputError | None = None
        for number, file in enumerate(self._files, 1):
            contents = sidecar.of_variation(entries, number, [file.path for file in self._files])
            if reports:
                contents = contents | {"engine": reports[number - 1]}
            if reports and "variation" in contents:  # made again with another seed, or the best of many: only the engine knows it
                contents["variation"] = contents["variation"] | {"seed": reports[number - 1]["seed"]}
            try:
                file.finish(contents)
            except OutputError as error:  # what the others hold is no less wanted
                problem = problem or error
        if problem:
            raise problem
        return self.path if self._files[0].wav else None

    def splice(self, source: Path, from_s: float) -> None:
        """Each file becomes a copy of `source` in which it stands from `from_s` on. Raises OutputError."""
        for number, file in enumerate(self._files, 1):
            if file.wav is None:
                continue
            part = file.path.with_suffix(paths.PART)
            with explained(file.path):
                with open(file.path, "rb") as content:
                    region, _ = soundfile.read(content, dtype="float32", always_2d=True)
                whole = self._wav(part, number, file.wav.samplerate, splice.channels(source), splice.sample_format(source))
                try:
                    splice.copy(source, round(from_s * file.wav.samplerate), region, whole)
                    file.wav.close()
                    whole.take_over(file.path)
                except OSError:
                    whole.close()
                    part.unlink(missing_ok=True)
                    raise
            file.wav = whole

    def _created(self, chunk: AudioChunk) -> _File:
        """The variation's file with its first chunk."""
        file = self._files[chunk.variation - 1]
        try:
            with explained(file.path):
                self._create(file, chunk)
        except OutputError as error:
            if not isinstance(error.__cause__, FileExistsError) or any(one.wav for one in self._files):
                raise
            for one in self._files:
                one.finish({})  # there is no audio: gives the name back
            self.open(self._entries)
            file = self._files[chunk.variation - 1]
            with explained(file.path):
                self._create(file, chunk)
        return file

    def _entries_of(self, variation: int) -> Entries:
        if "request" not in self._entries:
            return self._entries
        return sidecar.of_variation(self._entries, variation, [file.path for file in self._files])

    def _create(self, file: _File, chunk: AudioChunk) -> None:
        """Whole from the first moment that it is there: made under another name, on which nobody else has a claim."""
        part = file.path.with_suffix(paths.PART)
        wav = self._wav(part, chunk.variation, chunk.samplerate, chunk.samples.shape[1])
        try:
            wav.write(chunk.samples)
            wav.move_to(file.path)
        except OSError:
            wav.close()
            part.unlink(missing_ok=True)
            raise
        file.wav = wav

    def _wav(self, path: Path, variation: int, samplerate: int, channels: int, form: SampleFormat = PCM_24) -> GrowingWav:
        request = self._request
        return GrowingWav(
            path,
            samplerate,
            channels,
            description=request.prompt or request.clip or "",
            history=tags.of_sidecar(self._entries_of(variation), samplerate).comment,
            time_reference_frames=round(request.time_start_s * samplerate),
            bpm=request.bpm,
            beats_per_bar=request.beats_per_bar,
            beat_unit=request.beat_unit,
            sample_format=form,
        )


@dataclass
class _File:
    """One variation's."""

    path: Path
    reserved: bool = False  # its sidecar is there
    wav: GrowingWav | None = None

    def finish(self, entries: Entries) -> None:
        with explained(self.path):
            if self.wav is None:
                self._give_back()
                return
            self.check_it_is_there()
            self.wav.close(tags.of_sidecar(entries, self.wav.samplerate))
            try:
                sidecar.write(self.path, self.wav, entries)
            except OSError:
                sidecar.write_end_in_place(self.path, self.wav, entries)
                raise

    def check_it_is_there(self) -> None:
        """Raises OSError when the file was deleted or moved: then there is no audio that could be promised."""
        assert self.wav is not None
        try:
            os.stat(self.path)
        except FileNotFoundError:
            self.wav.close()
            self.wav = None
            self._give_back()
            raise

    def _give_back(self) -> None:
        if self.reserved:
            sidecar.path_of(self.path).unlink(missing_ok=True)
            self.reserved = False


@dataclass(frozen=True)
class Kept:
    """What is left of a Recording of an earlier daemon."""

    path: Path
    duration_s: float
