"""Musical time: the tempi, metres and downbeats a result may keep, and which of them a clip most likely has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from engine.acceleration.side_by_side import side_by_side
from engine.api import GenerationRequest, RequestError
from engine.checkpoints.checkpoint import Checkpoint
from engine.conditioning.condition import build_condition
from engine.conditioning.prompt import ClipDescription, asked_beats, asked_bpm, names_instruments, usual_bpm
from engine.config import ModelConfig
from engine.continuation.clip import EXCERPT_S, Clip, read_beginning
from engine.continuation.recent import Recent, digest
from engine.models.condition import Condition
from engine.music.analysis import grid_offset, measure_bpm
from engine.music.grid import MAX_STRETCH, Grid, clock, lasts_bars, loop_bpm, stretch_ratio
from engine.words import metre_in

JUDGED_TOKENS = 256  # of a clip's end, by which its musical time is chosen
EVIDENCE = 0.15  # nats a token by which another time must be likelier than the most obvious one
MISTAKEN = (1 / 2, 2, 2 / 3, 3 / 2)  # true tempo over measured tempo, where a measurement finds another level of the metre
SHORT_LOOP_S = 4.0  # a beat that is not found in so short a clip once is found when it is repeated
TEMPI = (55.0, 190.0)  # that music is likely to have


def grids(request: GenerationRequest, config: ModelConfig, clip: Clip | None = None) -> list[Grid]:
    """The musical times a result may keep, from where it begins, the first the most obvious one.

    Tempo: as asked; else the clip's; else the usual one of the style. What is measured in a clip may be half or double of what a
    listener taps, and says nothing of its metre, so that there are more than one: `likeliest_grid` chooses. A clip that is cut as
    loops are begins on a downbeat, any other as near to one as its onsets say. None at all for a model without a musical clock,
    and for a clip without a beat. Where words say whether drums play beside it, a phrase begins: that is where the model lets
    things come and go (`engine.training.clip_editing`).
    """
    if not config.language_model.clocks_per_bar:
        return []
    beats_per_bar, bpm = asked_beats(request), asked_bpm(request)
    if clip is None:
        return [Grid(bpm or usual_bpm(request.prompt, config.usual_bpm) or 120.0, beats_per_bar)]
    excerpt = clip.excerpt
    metres = [beats_per_bar]
    if bpm is None:
        measured = clip.bpm
        if measured is None and clip.whole and clip.duration_s < SHORT_LOOP_S:
            measured = measure_bpm(np.tile(excerpt, round(EXCERPT_S / clip.duration_s)), clip.samplerate)
        if measured is None:
            return []
        bpm = loop_bpm(measured, clip.duration_s, beats_per_bar)
        tempi = [bpm, *(bpm * ratio for ratio in MISTAKEN if TEMPI[0] <= bpm * ratio <= TEMPI[1])]
        if beats_per_bar == 4 and request.bars is None and metre_in(request.prompt) is None:
            metres = [4, 3]
    else:
        tempi = [bpm]
    beat, late = clip.from_s * bpm / 60.0, 0.0
    if not (clip.whole and lasts_bars(bpm, clip.duration_s, beats_per_bar)):
        late = grid_offset(excerpt, clip.samplerate, bpm, beat - len(excerpt) / clip.samplerate * bpm / 60.0)
    found = [Grid(tempo, metre, (beat - late) * tempo / bpm) for metre in metres for tempo in tempi]
    return [time.new_phrase() for time in found] if names_instruments(request.prompt, config.negatable) else found


def likeliest_grid(
    found: list[Grid], encode: Callable[[float], list[int]], ids: list[int], request: GenerationRequest, checkpoint: Checkpoint,
    recent: Recent[list[float]] | None = None, likelihood: Callable[[Condition, torch.Tensor], torch.Tensor] | None = None,
) -> Grid | None:  # fmt: skip
    """Of the musical times a clip may have (`grids`), the one in which the model finds it likeliest.

    Each is judged as the model would play it: stretched until bars last whole tokens. encode(ratio): the clip's last tokens when
    it lasts `ratio` times as long, called on several threads at once; JUDGED_TOKENS are enough. recent: likelihoods that this
    model gave. likelihood: what gives them, `LanguageModel.likelihood` or the same sooner; the model if not given.
    """
    if len(found) < 2:
        return found[0] if found else None
    model, rate, views = checkpoint.language_model, checkpoint.config.token_rate, checkpoint.wavtokenizer.views
    ratios = [stretch_ratio(time, rate, views, MAX_STRETCH) for time in found]
    each = list(dict.fromkeys(ratios))
    encoded = dict(zip(each, side_by_side([partial(encode, ratio) for ratio in each]), strict=True))
    length = min(JUDGED_TOKENS, *map(len, encoded.values()))
    played = [(time.stretched(ratio), encoded[ratio][-length:]) for time, ratio in zip(found, ratios, strict=True)]
    rows = torch.from_numpy(np.stack([clock(time, rate, -length, length + 1) for time, _ in played]))
    condition, device = build_condition(ids, request), model.llm_decoder.weight.device
    columns = {name: column.expand(len(found), -1) for name, column in vars(condition).items() if column is not None}
    condition, tokens = replace(Condition(**columns), clock=rows), torch.tensor([tokens for _, tokens in played])
    key = digest(*(column.numpy() for column in vars(condition).values() if column is not None), tokens.numpy())
    recent, likelihood = recent or Recent(1), likelihood or model.likelihood
    likely = list(recent.of(key, lambda: likelihood(condition.to(device), tokens.to(device)).tolist()))
    likely[0] += EVIDENCE
    return found[likely.index(max(likely))]


def is_beatless(request: GenerationRequest, grid: Grid | None, config: ModelConfig) -> bool:
    """Whether a model with a musical clock is given no time (`grid`), and no words either: a clip without a beat."""
    return grid is None and config.language_model.clocks_per_bar > 0 and not request.prompt.strip()


def tempo_of(request: GenerationRequest, clip: Clip, grid: Grid | None) -> float:
    """Of a clip whose continuation is asked for in bars without a tempo. Raises RequestError where none is found."""
    bpm = grid.bpm if grid else clip.bpm
    if bpm is None:
        raise RequestError("bars needs bpm: no tempo was found in the clip, so say it, or give duration_s in place of bars")
    return loop_bpm(bpm, clip.duration_s, asked_beats(request))


def in_seconds(request: GenerationRequest) -> GenerationRequest:
    """With places in the clip that are given in bars given in seconds: bars from 1, where the clip begins, at the tempo that is
    asked for, or else the clip's. Raises RequestError where none was found, and ClipError.
    """
    if request.from_bar is None and request.to_bar is None:
        return request
    bpm = asked_bpm(request)
    if bpm is None:
        beginning, samplerate, duration_s = read_beginning(request)
        bpm = measure_bpm(beginning, samplerate)
        if bpm is None:
            raise RequestError("from_bar needs bpm: no tempo was found in the clip, so say it, or give places in seconds")
        bpm = loop_bpm(bpm, duration_s, asked_beats(request))
    bar_s = asked_beats(request) * 60 / bpm
    from_s = None if request.from_bar is None else (request.from_bar - 1) * bar_s
    to_s = None if request.to_bar is None else (request.to_bar - 1) * bar_s
    return replace(request, from_bar=None, to_bar=None, from_s=from_s, to_s=to_s)


def describe_clip(clip: Clip, request: GenerationRequest, grid: Grid | None, config: ModelConfig) -> ClipDescription:
    """What words can say of a clip: the key it is in, if any; ambient, where it has no beat."""
    return ClipDescription(clip.key, is_beatless(request, grid, config))
