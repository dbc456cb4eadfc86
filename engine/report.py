"""What the engine reports of a loaded model and of a finished generation, for the sidecar and a client's reply.

A new measurement is one line: a field here with a default of None, which means that it does not apply or that there was nothing
to measure, and its value where the pipeline makes the report. It then reaches the sidecar under the field's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

# How long the parts of a generation took: variations; first_s to the first new audio, 0 where unknown; prepare_s before the first
# token; step_s a token of each variation, and steps_per_s of new audio; render_s a window and render_per_s of its audio, of which
# left_s and ahead_s lie beside what is kept; rest_per_s of new audio, for what else is done. takes_at_once are rendered side by
# side, so that each takes its share of a window's time; rows_apart 1: a step's work is each take's own and divided among so many
# cores, 0: most of it is for all of them.
Pace = dict[str, float]


@dataclass(frozen=True)
class ModelReport:
    """A loaded model, and what it runs on."""

    model: str
    weights: str  # the first digits of the SHA-256 of all weight files
    bytes: int  # of the weights, on disk
    device: str
    samplerate_full: int  # Hz; 0: the model has no full path
    samplerate_fast: int  # Hz
    paces: dict[str, Pace] | None = None  # as its warm-up measured them, by the decode path


@dataclass(frozen=True)
class VariationReport:
    """What one variation is. Times in seconds, levels in dB, tempo in beats per minute."""

    seed: int
    frames: int  # of the result, the repeated clip included
    level_db: float | None = None  # root mean square of the new audio, dB full scale
    peak: float | None = None  # of the new audio; 1: full scale
    loudness_lufs: float | None = None  # integrated, of the new audio, like the next two; one channel counts as two alike
    true_peak_db: float | None = None  # dBTP
    side_db: float | None = None  # of two channels the side against the middle
    bpm: float | None = None  # measured in the new audio, like the key
    key: str | None = None  # "A minor"
    bpm_measured: float | None = None  # against the grid it keeps, as are the next two; the grid's own where no drift was found
    downbeat_ms: float | None = None  # milliseconds by which its beats, downbeats before all, come late; negative: early
    grid_confidence: float | None = None  # 0 to 1: how much of what begins, begins on that grid; below 0.3 no beat is reported
    moved_ms: float | None = None  # by which the audio was moved onto its grid: what was late begins so much later
    rolls: int | None = None  # takes that were made for it, one kept: what is asked to be on its grid may be made again
    loop_gain_db: float | None = None  # of a loop: by which its last bar rises, up to its end, to the level of the first
    loop_step_db: float | None = None  # of a loop that was measured: from the level of its last bar to that of its first
    loop_change: float | None = None  # and which share of its changes of level, from 10 ms to the next, is less than that there
    chords: tuple[str, ...] | None = None  # "2.000 Am7": from this second of the new audio on; "-": no chord. Where it was asked
    drums: tuple[str, ...] | None = None  # "2.000 kick+hat 96": struck there, with this MIDI velocity; as chords where asked
    bass: tuple[str, ...] | None = None  # "2.000 2.480 33": from one second of the new audio to another, this MIDI pitch
    join_level_db: float | None = None  # the level's step where a clip ends and the new audio begins
    join_click_db: float | None = None  # of that place against the loudest moment around it; 0 or less: no click
    exit_level_db: float | None = None  # the same two where a filled region ends and the clip goes on
    exit_click_db: float | None = None
    cuts: int | None = None  # phrases of the clip that the new part is made of, in the clip's own sound
    timbre: str | None = None  # one of engine.api.TIMBRES; this and the next four only of a continuation
    from_s: float | None = None  # where in the clip the new part begins
    to_s: float | None = None  # of a fill: where the clip goes on
    clip_s: float | None = None  # the clip's length
    clip_gain_db: float | None = None  # by which the clip was brought down to fit below full scale
    edge_hz: float | None = None  # of an upsampled clip: up to here it is the recording, above it the model
    asked_bpm: float | None = None
    asked_key: str | None = None
    drawn: str | None = None  # from the seed, where the prompt leaves it open: key, mood, instruments, as words of a prompt


@dataclass(frozen=True)
class CandidateReport:
    """How well one of a fill's candidates leads to what follows, see `engine.fill.exit`. `score`: the more the better."""

    seed: int
    score: float
    likelihood: float  # nats a token, of what follows after it; of all below less is better
    spectrum_db: float
    energy_db: float
    key: float
    tempo: float


@dataclass(frozen=True)
class GenerationReport:
    """A finished or cancelled generation: what it was made with, how long it took, and each of its variations, one at least."""

    model: ModelReport
    seed: int
    guidance: float
    top_k: int
    temperature: float
    caption: str  # the words the language model was given
    decode: str  # one of engine.api.DECODE_PATHS
    new_s: float  # seconds of new audio
    elapsed_s: float
    first_chunk_s: float  # seconds from the request to the first new audio
    rtf: float  # seconds of work for a second of new audio, without the loading of the model
    beats_per_bar: float
    beat_unit: int
    variations: tuple[VariationReport, ...]
    width: float | None = None  # of the stereo that is made of the model's one channel; None: the clip's
    grid_bpm: float | None = None  # the tempo that is kept; None: no musical time
    pace: Pace | None = None  # what an estimate of the next generation is made from
    candidates: tuple[CandidateReport, ...] = ()  # of a fill, the best first; none where nothing follows to lead to
    notes: tuple[str, ...] = ()  # what was understood otherwise than it was written, in sentences

    def as_entries(self, variation: int = 1) -> dict[str, Any]:
        """All that is known of a variation, counted from 1, as one flat mapping of JSON values without those that are None."""
        own = asdict(self.variations[variation - 1])
        whole = asdict(self)
        del whole["variations"], whole["model"]["paces"]
        entries = whole.pop("model") | whole | own
        if not entries["candidates"]:
            del entries["candidates"]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in entries.items() if value is not None}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> GenerationReport:
        """`dataclasses.asdict` backwards, also by way of JSON, which has no tuples. Raises TypeError for other fields."""
        fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        fields |= {"model": ModelReport(**fields["model"])}
        fields |= {"variations": tuple(VariationReport(**variation) for variation in fields["variations"])}
        fields |= {"candidates": tuple(CandidateReport(**candidate) for candidate in fields.get("candidates", ()))}
        return cls(**fields)
