"""What `inspire monitor` shows: one snapshot after the other, asked for over OSC, as data and as lines of text.

The waveform is read from the running job's growing file, which the daemon names.
"""

from __future__ import annotations

import numpy as np
import soundfile

from bridge.client import Client
from bridge.replies import Fail

WAVEFORM_S = 10.0  # of the result's end
_BLOCKS = " ▁▂▃▄▅▆▇█"
_BARS = 120  # values of a waveform in a snapshot
_RANGE_DB = 60.0  # below full scale, shown as nothing


def snapshot(client: Client) -> dict:
    """The daemon's state, and the running job's under `job`, with the peaks of its last seconds. Raises NoDaemon."""
    state = client.status()
    if isinstance(state, Fail):
        return {"state": "unknown", "problem": state.message}
    told = {"state": state.state, **state.pairs}
    if running := state.pairs.get("running"):
        job = client.status(running)
        if not isinstance(job, Fail):  # else it has been forgotten meanwhile
            told["job"] = {"state": job.state, **job.pairs, "peaks_db": peaks_db(job.pairs.get("path"))}
    return told


def peaks_db(path: str | None) -> list[float]:
    """Peaks, in dBFS, of equal parts of the last seconds of a file that may be growing; none where it cannot be read."""
    if path is None:
        return []
    try:
        with soundfile.SoundFile(path) as file:
            file.seek(max(0, file.frames - int(WAVEFORM_S * file.samplerate)))
            samples = np.abs(file.read(dtype="float32", always_2d=True)).max(axis=1)
    except (OSError, soundfile.SoundFileError):  # renamed at its end, or not begun
        return []
    peaks = [part.max() for part in np.array_split(samples, _BARS) if len(part)]
    return [round(float(20 * np.log10(max(peak, 1e-6))), 1) for peak in peaks]


def lines(told: dict, width: int, blocks: bool = True) -> list[str]:
    """A snapshot in lines of at most `width` characters; `blocks`: the terminal can draw a waveform."""
    queue = f"{told.get('queued', 0)} waiting" + (", paused" if told.get("paused") else "")
    shown = [f"inspire {told.get('version', '')}  {told['state']}  {queue}", f"model   {told.get('model', 'none')}"]
    if job := told.get("job"):
        shown.append(f"job     {job['job']}")
        shown.append(f"        {job.get('done_s', 0):.1f} of {job.get('total_s', 0):.1f} s, rtf {job.get('rtf', 0):.2f}")
        if blocks and job["peaks_db"]:
            shown.append(waveform(job["peaks_db"], width))
    shown.append(f"sound   {told.get('audio_device', 'unknown')}")
    levels = f"peak {told['peak_db']:.1f}, rms {told['rms_db']:.1f} dBFS, " if "peak_db" in told else ""
    shown.append(f"        {levels}gain {told.get('gain_db', 0):g} dB, {told.get('underruns', 0)} underruns")
    if told.get("problem"):
        shown.append(f"problem {told['problem']}")
    return [line[:width] for line in shown]


def waveform(peaks_db: list[float], width: int) -> str:
    """One character a part, the newest at the right."""
    parts = np.array_split(np.asarray(peaks_db), min(width, len(peaks_db)))
    levels = [np.clip((part.max() + _RANGE_DB) / _RANGE_DB, 0, 1) for part in parts]
    return "".join(_BLOCKS[round(float(level) * (len(_BLOCKS) - 1))] for level in levels)
