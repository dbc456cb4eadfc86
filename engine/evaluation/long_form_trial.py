"""Long pieces, played and measured: how far they drift, how much they repeat, and what guidance and flow do to that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import soxr

from engine.arrays import Audio, FloatArray
from engine.evaluation import paper, plots
from engine.evaluation.excerpts import RATE
from engine.evaluation.long_form import (
    BANDS,
    BLOCK_S,
    N_GRAMS,
    Window,
    drift,
    longest_repeat,
    repetition,
    repetition_by_window,
    self_similarity,
    similarity_to_beginning,
    windows,
)  # fmt: skip
from engine.evaluation.measures import Key
from engine.evaluation.paper_trials import Say, Scale
from engine.evaluation.sections import Section, Table, figure
from engine.evaluation.trials import ModelUnderTest
from engine.music.analysis import key_name

PROMPT, BPM, KEY = "house, 124 bpm, A minor", 124.0, (9, "minor")
_COMPARED = 8  # tokens of the n-grams that are drawn and compared


@dataclass(frozen=True, eq=False)
class LongPiece:
    """A piece at RATE and the tokens it was made of."""

    audio: Audio
    tokens: list[int]
    token_rate: float
    windows: list[Window]
    similarity: FloatArray  # see `self_similarity`
    bpm: float = BPM
    key: Key = KEY

    @property
    def beginning(self) -> list[float]:
        return similarity_to_beginning(self.similarity)


def play_long(model: ModelUnderTest, seconds: float, **request: object) -> LongPiece:
    """One piece with its tokens. The model must be one whose engine reports them (`Pipeline.on_tokens`)."""
    take = model.take(**{"prompt": PROMPT, "seed": 1, "duration_s": seconds, "decode": "fast"} | request)
    low, tokens = soxr.resample(take.audio.mean(1), take.samplerate, RATE), list(take.tokens)
    return LongPiece(low, tokens, len(tokens) / seconds, windows(low, RATE, BPM), self_similarity(low, RATE))


def long_form_section(model: ModelUnderTest, seconds: float) -> Section:
    """One long piece in detail."""
    piece = play_long(model, seconds)
    starts = [one.start_s for one in piece.windows]
    again = repetition_by_window(piece.tokens, _COMPARED, piece.token_rate)
    rows: list[tuple[str, ...]] = []
    for one, alike, share in zip(piece.windows, piece.beginning, again, strict=True):
        key = "none" if one.key is None else key_name(one.key)
        rows.append((
            f"{one.start_s:.0f}-{one.start_s + one.seconds:.0f} s", "none" if one.bpm is None else f"{one.bpm:.1f}", key,
            figure(one.loudness_db, 1), *(figure(level, 1) for level in one.balance_db), figure(alike),
            figure(100 * share, 0, "%"),
        ))  # fmt: skip
    bands = tuple(f"{name} {low:g}-{high:g} Hz, dB" for name, low, high in BANDS)
    loudness, repeated = "loudness of the mono mix, LUFS", f"{_COMPARED}-grams repeated"
    columns = ("window", "bpm", "key", loudness, *bands, "likeness to the first", repeated)
    grams: list[tuple[str, ...]] = [
        (f"{n} tokens ({n / piece.token_rate:.2f} s)", figure(100 * repetition(piece.tokens, n), 1, "%")) for n in N_GRAMS
    ]
    longest = longest_repeat(piece.tokens)
    grams.append(("longest run that occurs twice", f"{longest} tokens ({longest / piece.token_rate:.1f} s)"))
    minutes = f"{seconds / 60:g} minutes"
    return Section(
        f"A piece of {minutes}",
        (
            f'"{PROMPT}", one seed, without flow. Likeness to the first window: the mean correlation of each second\'s log-mel '
            "spectrum with the best second of the first window; an n-gram repeats when the same tokens have come earlier "
            "in the piece. Loudness is of the mono mix: some 3 dB lower than that of Targets, which is of both channels.",
        ),
        [
            Table(f"{minutes}, in windows of 30 s", columns, rows),
            Table("repetition of tokens: share of n-grams that have come before", ("n-gram", "repeated"), grams),
        ],
        [
            plots.matrix(piece.similarity, BLOCK_S),
            plots.lines("tempo", "bpm", [("tempo", starts, [one.bpm for one in piece.windows])]),
            plots.lines("loudness of the mono mix", "LUFS", [("loudness", starts, [one.loudness_db for one in piece.windows])]),
            plots.lines(
                "band balance", "dB",
                [(name, starts, [one.balance_db[band] for one in piece.windows]) for band, (name, _, _) in enumerate(BANDS)],
            ),
            plots.lines(
                "repetition and likeness", "share",
                [(f"{_COMPARED}-grams repeated", starts, again), ("likeness to the first window", starts, piece.beginning)],
            ),
        ],
    )  # fmt: skip


def drift_section(model: ModelUnderTest, scale: Scale, paths: Sequence[str], say: Say) -> Section:
    """The same piece at each guidance, and with flow: what drifts, and how much is repeated."""
    rows: list[tuple[str, ...]] = []
    series: list[tuple[str, list[float], list[float | None]]] = []
    settings: list[tuple[str, dict[str, float | str]]] = []
    settings += [(f"guidance {guidance:g}", {"guidance": guidance}) for guidance in scale.guidances]
    if "full" in paths:
        settings.append(("with flow, usual guidance", {"decode": "full"}))
        settings.append(("without flow, usual guidance", {"decode": "fast"}))
    for name, request in settings:
        say(f"playing {scale.sweep_s:g} s: {name}")
        piece = play_long(model, scale.sweep_s, **request)
        found = drift(piece.windows, piece.key)
        rows.append((
            name, figure(None if found.tempo is None else 100 * found.tempo, 1, "%"),
            figure(None if found.in_key is None else 100 * found.in_key, 0, "%"), figure(found.loudness_db, 1, "dB"),
            figure(found.balance_db, 1, "dB"), figure(piece.beginning[-1]),
            figure(100 * repetition(piece.tokens, _COMPARED), 1, "%"),
            f"{longest_repeat(piece.tokens) / piece.token_rate:.1f} s",
        ))  # fmt: skip
        series.append((name, [one.start_s for one in piece.windows], [one.loudness_db for one in piece.windows]))
    columns = (
        "setting", "tempo drift", "windows in the asked key", "loudness range", "largest change of a band",
        "likeness of the last window", f"{_COMPARED}-grams repeated", "longest repeated run",
    )  # fmt: skip
    text = (
        "The same prompt and seed. Drift is measured over windows of 30 s: tempo against their median, loudness as loudest less "
        "softest (of the mono mix), a band's share against the first window.",
        f"In the paper: {paper.FINDINGS['guidance']}; {paper.FINDINGS['length']}.",
    )
    return Section("Drift by guidance and path", text, [Table(f"{scale.sweep_s:g} s each", columns, rows)],
                   [plots.lines("loudness of the mono mix", "LUFS", series)])  # fmt: skip
