"""What became of a job that ran: its end, as clients receive it, and its sidecar."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from bridge.errors import BridgeError
from bridge.jobs.job import Job
from bridge.osc.replies import Cancelled, Done, End, Fail, fail, others_of
from bridge.results import sidecar, transcription
from engine.api import ClipError, Finished, clip_path, clip_text

Failure = BridgeError | ClipError


def before(job: Job) -> sidecar.Entries:
    """The sidecar's entries before it begins."""
    return {"id": job.id, "state": sidecar.RUNNING, "created": job.created_at, "request": asdict(job.exact)}


async def in_sidecar(job: Job, finished: Finished | None, failure: Failure | None) -> sidecar.Entries:
    """The sidecar's entries of a job that ran: what was asked, of what, what came of it."""
    assert job.started is not None and job.ended is not None, "it ran"
    state = "cancelled" if job.cancelled else "done"
    if failure:
        state = "interrupted" if failure.code == "interrupted" else "failed"
    entries = before(job) | {
        "state": state,
        "engine": finished.report.as_entries() if finished else {},
        "timings": {
            "waited_s": round(job.started - job.created, 3),
            "first_chunk_s": round(job.first_chunk_s, 3) if job.first_chunk_s is not None else None,
            "total_s": round(job.ended - job.started, 3),
            "rtf": round(job.rtf, 4),
        },
    }
    if failure:
        entries["failure"] = {"code": failure.code, "message": str(failure)}
    if job.request.clip is not None:
        clip = clip_path(job.request.clip)
        try:
            entries["source"] = {"path": clip_text(clip), "sha256": await asyncio.to_thread(sidecar.sha256, clip)}
        except OSError as error:
            entries["source"] = {"path": clip_text(clip), "sha256": None, "problem": error.strerror}
    return entries


def end_of(job: Job, finished: Finished | None, failure: Failure | None) -> End:
    """The one reply that ends a job that ran."""
    duration_s = job.recording.duration_s
    path = str(job.recording.path) if duration_s else ""
    others = others_of(job.growing.paths)
    if failure:
        reply = fail(failure, job.id)
        return Fail(reply.id, reply.code, reply.message, {"path": path, "duration_s": duration_s} | others if path else {})
    if job.cancelled or finished is None or finished.cancelled:
        return Cancelled(job.id, path, duration_s, others)
    first = finished.report.variations[0]
    pairs = others | {
        "samplerate": finished.samplerate,
        "seed": first.seed,
        "rtf": job.rtf,
        "first_chunk_s": job.first_chunk_s,
        "underruns": job.voice.underruns if job.voice else None,
        "bar": bar_of(job),
        "bpm": first.bpm,
        "bpm_measured": first.bpm_measured,
        "downbeat_ms": first.downbeat_ms,
        "grid_confidence": first.grid_confidence,
        "rolls": first.rolls,
        "midi_tracks": ", ".join(transcription.names({"engine": finished.report.as_entries()})) or None,
        "drawn": first.drawn,
        "key": first.key,
        "join_click_db": first.join_click_db,
        "note": "; ".join(finished.report.notes) or None,
        "weights": finished.report.model.weights,
    }
    return Done(job.id, path, duration_s, pairs)


def bar_of(job: Job) -> int | None:
    """The number of the host's bar that the result plays from; None where it waited for none."""
    if job.cued_bar is None or job.voice is None:
        return None
    return job.cued_bar + job.voice.missed * job.bars_until_again
