"""How fast this machine works, measured on every job that is done and kept across restarts: estimates what a request will take.

A job's time is what prepares it, a step for each token, and the windows that are rendered; each part is the median of the last
jobs that are most like it: same model and device, then same decode path, with or without a clip, number of variations. Before
the first job the engine's own warm-up counts. A fill goes out once it is whole, and each of its candidates is one window as long
as the region: fills are estimated from fills, the first from continuations.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.api import CANDIDATES, FIRST_CHUNK_S, LONGEST_CHUNK_S, GenerationRequest, ModelReport, Pace

_KEPT = 60  # jobs that are remembered, of all kinds
_COUNTED = 5  # of the most like
_READ_S = 8.0  # seconds of audio that the fast path renders while a clip is prepared, or what is on one side of a region
# A step, for each variation more up to MANY and for each above, where that was not measured: where it reads weights, once for all
# of them; where it is arithmetic alone, on one core.
_MANY = 8
_DEARER, _DEARER_APART = (0.15, 0.22), (0.87, 0.58)
_PARTS = ("first_s", "prepare_s", "step_s", "steps_per_s", "render_s", "render_per_s", "left_s", "ahead_s", "rest_per_s")

log = logging.getLogger(__name__)
_Record = dict[str, Any]


@dataclass(frozen=True)
class Estimated:
    """Seconds from a job's begin to its first new audio and to its end; on how many jobs that rests, 0: the warm-up alone."""

    first_s: float
    total_s: float
    measured: int


class Rates:
    """`file` need not exist; one that cannot be read or written costs what was measured, nothing else. Blocks on the disk only
    when it is made and in `save`.
    """

    def __init__(self, file: Path | None = None):
        self._file = file
        self._jobs: list[_Record] = []
        self._warm: list[_Record] = []
        self._loads: dict[str, float] = {}
        self.device = ""  # the engine's: until it reports it, the last one
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            kept = json.loads(file.read_text("utf-8")) if file else {}
            self._loads = {str(model): float(seconds) for model, seconds in kept.get("loads_s", {}).items()}
            self.device = str(kept.get("device", ""))
            self._jobs = [record for record in kept.get("jobs", []) if _is_whole(record)]

    def warmed_up(self, model: str, report: ModelReport) -> None:
        """What the engine's warm-up measured of a model that was loaded."""
        self.device = report.device
        self._warm = [record for record in self._warm if record["model"] != model]
        self._warm += [self._record(model, decode, False, pace) for decode, pace in (report.paces or {}).items()]

    def loaded(self, model: str, seconds: float) -> None:
        """How long it took."""
        self._loads[model] = seconds

    def done(self, request: GenerationRequest, pace: Pace) -> None:
        """What a job's work took."""
        record = self._record(str(request.model), _path_of(request), request.clip is not None, pace) | {"fill": request.is_fill}
        if _is_whole(record):
            self._jobs = [*self._jobs, record][-_KEPT:]

    def save(self) -> None:
        if self._file is None:
            return
        part = self._file.with_suffix(".part")
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.write_text(json.dumps({"device": self.device, "loads_s": self._loads, "jobs": self._jobs}) + "\n", "utf-8")
            os.replace(part, self._file)
        except OSError as error:
            log.warning("cannot write %s (%s): the next daemon measures anew", self._file, error.strerror)

    def estimate(self, request: GenerationRequest, is_loaded: bool = True) -> Estimated | None:
        """None where nothing is known of the request's model."""
        jobs = [record for record in self._jobs if self._is_of(record, request) and bool(record.get("fill")) == request.is_fill]
        known = jobs or (self._others(request) if request.is_fill else [])
        known = known or [record for record in self._warm if self._is_of(record, request)]
        if not known:
            return None
        variations = (request.candidates or CANDIDATES) if request.is_fill else request.variations
        decode = _path_of(request)
        same = [("decode", decode), ("clip", request.clip is not None), ("variations", variations)]
        cores = float(known[-1].get("takes_at_once", 1))
        known = [_alone(record) for record in known]
        part = {name: _median(known, name, same) for name in ("render_s", "render_per_s", "left_s", "ahead_s")}
        if all(record["decode"] != decode for record in known):  # the warm-up knows both paths
            warm = [record for record in self._warm if self._is_of(record, request) and record["decode"] == decode]
            part |= {name: _median(warm or known, name, same) for name in part}
        part |= {name: _median(known, name, [same[1], same[0], same[2]]) for name in ("prepare_s", "steps_per_s", "rest_per_s")}
        steps = [record | {"step_s": _step_s(record, variations)} for record in known]
        part["prepare_s"] += self._reading_s(request, known, part["render_per_s"])
        if request.is_fill and not jobs:
            part["render_s"] *= 2  # a candidate is matched at both ends and judged, too
        part["step_s"] = _median(steps, "step_s", [same[2], same[1], same[0]])
        if request.is_fill:
            first_s, total_s = _work_of_fill(part, request.made_s, variations)
        else:
            first_s, total_s = _work(part, request.made_s, math.ceil(variations / cores))
        alike = [record for record in known if all(record[key] == value for key, value in same) and record["first_s"]]
        if alike and request.seconds > FIRST_CHUNK_S + part["ahead_s"]:
            first_s = _median(alike, "first_s", same)  # however long the rest is
        first_s = total_s if request.on_grid or request.is_fill else first_s  # these go out once they are whole and measured
        load_s = 0.0 if is_loaded else self._loads.get(str(request.model), 0.0)
        return Estimated(load_s + first_s, load_s + total_s, len(jobs))

    def _reading_s(self, request: GenerationRequest, known: list[_Record], render_per_s: float) -> float:
        """What it takes to read, encode and measure a request's clip, where no job that is known has done that."""
        if request.clip is None or any(bool(record.get("fill")) == request.is_fill and record["clip"] for record in known):
            return 0.0
        fast = [record for record in self._warm if self._is_of(record, request) and record["decode"] == "fast"]
        sides = int(request.is_fill) + int(not any(record["clip"] for record in known))
        return sides * _READ_S * float(fast[0]["render_per_s"] if fast else render_per_s)

    def _others(self, request: GenerationRequest) -> list[_Record]:
        """Jobs that a fill is estimated from while none was made."""
        return [record for record in self._jobs if self._is_of(record, request) and record["clip"]]

    def _record(self, model: str, decode: str, clip: bool, pace: Pace) -> _Record:
        return {"model": model, "device": self.device, "decode": decode, "clip": clip, **pace}

    def _is_of(self, record: _Record, request: GenerationRequest) -> bool:
        return bool(record["model"] == request.model and record["device"] == self.device)


def _path_of(request: GenerationRequest) -> str:
    """The decode path that renders it: in a clip's own sound what the model plays is only compared, and the fast one does."""
    return "fast" if request.clip is not None and request.timbre != "model" else request.decode


def measured_outside(first_s: float, work_s: float, new_s: float, variations: int) -> Pace:
    """The pace of an engine that reports none, from what the daemon sees of a job."""
    per_s = max(0.0, work_s - first_s) / max(new_s - FIRST_CHUNK_S, FIRST_CHUNK_S) / variations
    prepare_s = max(0.0, first_s - per_s * min(new_s, FIRST_CHUNK_S))
    rest = {"step_s": 0.0, "steps_per_s": 0.0, "render_s": 0.0, "left_s": 0.0, "ahead_s": 0.0, "rest_per_s": 0.0}
    return {"variations": variations, "first_s": first_s, "prepare_s": prepare_s, "render_per_s": per_s, **rest}


def _work(part: Pace, seconds: float, turns: int) -> tuple[float, float]:
    """Until the first new audio, and until the end. turns: in which all variations' windows of a chunk are rendered."""
    windows = [part["render_s"] + s * part["render_per_s"] for s in _windows_s(seconds, part["left_s"], part["ahead_s"])]
    step_s = part["step_s"] * part["steps_per_s"]  # for a second of new audio
    first_s = part["prepare_s"] + step_s * min(seconds, FIRST_CHUNK_S + part["ahead_s"]) + windows[0]
    return first_s, part["prepare_s"] + (step_s + part["rest_per_s"]) * seconds + turns * sum(windows)


def _work_of_fill(part: Pace, seconds: float, candidates: int) -> tuple[float, float]:
    steps_s = part["step_s"] * part["steps_per_s"] * seconds
    total_s = part["prepare_s"] + steps_s + candidates * (part["render_s"] + part["render_per_s"] * seconds)
    return total_s, total_s


def _windows_s(seconds: float, left_s: float, ahead_s: float) -> Iterator[float]:
    """How much audio is rendered for each chunk, contexts included: chunks double, and the last takes in what is left."""
    start, size = 0.0, FIRST_CHUNK_S
    while start < seconds:
        end = seconds if seconds - start <= size + ahead_s else start + size
        yield min(seconds, end + ahead_s) - max(0.0, start - left_s)
        start, size = end, min(2 * size, LONGEST_CHUNK_S)


def _alone(record: _Record) -> _Record:
    """A window's time as it would be of one variation. Candidates of a fill are played one after the other."""
    if record.get("fill"):
        return record
    count = float(record["variations"])
    at_once = count / max(1, math.ceil(count / float(record.get("takes_at_once", 1))))
    return record | {name: record[name] * max(1.0, at_once) for name in ("render_s", "render_per_s")}


def _step_s(record: _Record, variations: int) -> float:
    """As a step would be with so many variations."""
    return float(record["step_s"]) * _dearer(variations, record) / _dearer(float(record["variations"]), record)


def _dearer(variations: float, record: _Record) -> float:
    """A step with so many than with one, with the record's model."""
    each, above = _DEARER_APART if record.get("rows_apart") else _DEARER
    more = each * (min(variations, _MANY) - 1) + above * max(0.0, variations - _MANY)
    cores = max(1.0, min(variations, float(record.get("takes_at_once", 1)))) if record.get("rows_apart") else 1.0
    return 1 + more / cores


def _median(records: list[_Record], name: str, same: list[tuple[str, Any]]) -> float:
    """Of the last that are the most alike; what stands first in `same` counts most."""
    likeness = [tuple(record[key] == value for key, value in same) for record in records]
    best = [record for record, alike in zip(records, likeness, strict=True) if alike == max(likeness)]
    return statistics.median(float(record[name]) for record in best[-_COUNTED:])


def _is_whole(record: Any) -> bool:
    names = ("model", "device", "decode", "clip", "variations", *_PARTS)
    if not isinstance(record, dict) or any(name not in record for name in names):
        return False
    return all(isinstance(record[name], (int, float)) and 0 <= record[name] < 1e6 for name in ("variations", *_PARTS))
