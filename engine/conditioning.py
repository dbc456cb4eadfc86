"""Request → language-model input: text ids, time span, section row, musical time.

Tempo and key may stand in the prompt or in fields of their own; the model only knows words, so fields become words here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from engine.api import GenerationRequest, ModelError, RequestError, parse_key
from engine.checkpoints.checkpoint import Checkpoint
from engine.config import ModelConfig
from engine.continuation.clip import LISTEN_S, Clip
from engine.models.language_model import SECTION_ROWS, Condition
from engine.music.analysis import grid_offset, key_name, measure_bpm, measure_key, scale_of
from engine.music.grid import MOST_SLOWED, Grid, clock, lasts_bars, loop_bpm, slowing

MAX_TEXT_TOKENS = 512
JUDGED_TOKENS = 256  # of a clip's end, by which its musical time is told
EVIDENCE = 0.15  # nats a token by which another time must be likelier than the most obvious one
MISTAKEN = (1 / 2, 2, 2 / 3, 3 / 2)  # true tempo over measured tempo, where a measurement takes another level of the metre
DRUMS, AMBIENT = "drums", "ambient"
SHORT_LOOP_S = 4.0  # a beat that is not heard in so short a clip once is heard when it goes round
TEMPI = (55.0, 190.0)  # that music is likely to have
BPM = re.compile(r"(\d{2,3}(?:\.\d+)?)\s*-?\s*bpm", re.IGNORECASE)
WALTZ = re.compile(r"\bwaltz|\b3/4\b|three[- ]four", re.IGNORECASE)
KEY = re.compile(r"\b([A-Ga-g])([#b♯♭]?)\s+(major|minor|maj|min)\b", re.IGNORECASE)


def asked_bpm(request: GenerationRequest) -> float | None:
    """The tempo a request states, in its field or else in its prompt."""
    if request.bpm is not None:
        return float(request.bpm)
    found = BPM.search(request.prompt)
    return float(found[1]) if found and 20 <= float(found[1]) <= 400 else None


def asked_key(request: GenerationRequest) -> tuple[int, str] | None:
    """(pitch class, mode) a request states, in its field or else in its prompt."""
    return key_in(request.prompt) if request.key is None else parse_key(request.key)


def key_in(words: str) -> tuple[int, str] | None:
    """(pitch class, mode) that words name."""
    found = KEY.search(words)
    return parse_key(f"{found[1]}{found[2]} {found[3]}") if found else None


def asked_beats(request: GenerationRequest) -> int:
    """Beats to a bar: three where only the prompt says so."""
    return 3 if request.bars is None and request.beats_per_bar == 4 and WALTZ.search(request.prompt) else request.beats_per_bar


def usual_bpm(prompt: str, usual: tuple[tuple[str, float], ...]) -> float | None:
    """The tempo of the style a prompt names. Of several the longest decides: dub techno is no techno."""
    found = [(len(word), bpm) for word, bpm in usual if word in prompt.lower()]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def grids(request: GenerationRequest, config: ModelConfig, clip: Clip | None = None) -> list[Grid]:
    """The musical times a result may keep, from where it begins, the first the most obvious one.

    Tempo: as asked; else the clip's; else the usual one of the style. What is measured in a clip may be half or double of what a
    listener taps, and says nothing of its metre, so that there are more than one: `likeliest_grid` chooses. A clip that is cut as
    loops are begins on a downbeat, any other as near to one as its onsets say. None at all for a model without a sense of time,
    and for a clip without a beat. Where words say whether drums play beside it, a phrase begins: that is where the model lets
    things come and go (`engine.training.turns`).
    """
    if not config.language_model.clocks_per_bar:
        return []
    beats_per_bar, bpm = asked_beats(request), asked_bpm(request)
    if clip is None:
        return [Grid(bpm or usual_bpm(request.prompt, config.usual_bpm) or 120.0, beats_per_bar)]
    heard = clip.heard
    tempi, metres = [bpm], [beats_per_bar]
    if bpm is None:
        measured = measure_bpm(heard, clip.samplerate)
        if measured is None and clip.whole and clip.duration_s < SHORT_LOOP_S:
            measured = measure_bpm(np.tile(heard, round(LISTEN_S / clip.duration_s)), clip.samplerate)
        if measured is None:
            return []
        bpm = loop_bpm(measured, clip.duration_s, beats_per_bar)
        tempi = [bpm, *(bpm * ratio for ratio in MISTAKEN if TEMPI[0] <= bpm * ratio <= TEMPI[1])]
        if beats_per_bar == 4 and request.bars is None:
            metres = [4, 3]
    beat, late = clip.from_s * bpm / 60.0, 0.0
    if not (clip.whole and lasts_bars(bpm, clip.duration_s, beats_per_bar)):
        late = grid_offset(heard, clip.samplerate, bpm, beat - len(heard) / clip.samplerate * bpm / 60.0)
    found = [Grid(tempo, metre, (beat - late) * tempo / bpm) for metre in metres for tempo in tempi]
    return [time.new_phrase() for time in found] if says_what_plays(request.prompt, config.deniable) else found


def says_what_plays(words: str, deniable: tuple[str, ...]) -> bool:
    """Whether words name something that a model lets come in or fall silent, or deny it."""
    named = (re.search(rf"\b{re.escape(word)}\b", words, re.IGNORECASE) for word in deniable)
    return refused_words(words, deniable) is not None or any(named)


def likeliest_grid(
    found: list[Grid], hear: Callable[[float], list[int]], ids: list[int], request: GenerationRequest, checkpoint: Checkpoint
) -> Grid | None:
    """Of the musical times a clip may have (`grids`), the one in which the model finds it likeliest.

    Each is judged as the model would play it: slowed until bars last whole tokens. hear(by): the clip's last tokens when it lasts
    `by` times as long; JUDGED_TOKENS are enough.
    """
    if len(found) < 2:
        return found[0] if found else None
    model, rate, views = checkpoint.language_model, checkpoint.config.token_rate, checkpoint.wavtokenizer.views
    slowings = [slowing(time, rate, views, MOST_SLOWED) for time in found]
    heard = {by: hear(by) for by in set(slowings)}
    length = min(JUDGED_TOKENS, *map(len, heard.values()))
    played = [(time.slowed(by), heard[by][-length:]) for time, by in zip(found, slowings, strict=True)]
    rows = torch.from_numpy(np.stack([clock(time, rate, -length, length + 1) for time, _ in played]))
    condition, device = build_condition(ids, request), model.llm_decoder.weight.device
    columns = {name: column.expand(len(found), -1) for name, column in vars(condition).items() if column is not None}
    condition = Condition(**{name: column.to(device) for name, column in (columns | {"clock": rows}).items()})
    likely = model.likelihood(condition, torch.tensor([tokens for _, tokens in played], device=device)).tolist()
    likely[0] += EVIDENCE
    return found[likely.index(max(likely))]


def is_beatless(request: GenerationRequest, grid: Grid | None, config: ModelConfig) -> bool:
    """Whether a model with a sense of time is told none (`grid`), and no words either: a clip without a beat."""
    return grid is None and config.language_model.clocks_per_bar > 0 and not request.prompt.strip()


def heard_words(clip: Clip, beatless: bool) -> str | None:
    """What a clip is, in the model's words: ambient, where it is `beatless`; the key it is in; else nothing. That there are drums
    is never said: beside a clip that is to ask for others.
    """
    key = measure_key(clip.heard, clip.samplerate)
    words = [AMBIENT] * beatless + ([key_name(key)] if key is not None else [])
    return ", ".join(words) or None


def caption(
    request: GenerationRequest, known_bpm: tuple[int, ...] = (), grid: Grid | None = None, heard: str | None = None
) -> str:
    """The words the model hears: the prompt, plus tempo and key where only the fields state them, or a clip (`grid`, `heard`).

    A model that knows only certain tempi hears the nearest of them in place of the asked one.
    """
    parts = [request.prompt.strip()] if request.prompt.strip() else []
    bpm = request.bpm if request.bpm is not None or asked_bpm(request) or grid is None else round(grid.bpm)
    if bpm is not None:
        tempo = f"{bpm:g} bpm"
        parts = [BPM.sub(tempo, part) for part in parts] if BPM.search(request.prompt) else [*parts, tempo]
    if (said := request.key or heard) and not KEY.search(request.prompt):
        parts.append(said)
    text = ", ".join(parts)
    if known_bpm:
        text = BPM.sub(lambda found: f"{nearest(float(found[1]), known_bpm)} bpm", text)
    return text


def denied_last(words: str, deniable: tuple[str, ...]) -> str:
    """Words with what they deny at their end: "house, no drums, 120 bpm" → "house, 120 bpm, no drums".

    So what they do not deny stands where it stands without the "no" (`refused_words`): one place further a key counts as another
    word, and what is kept away from would be the key.
    """
    if (denial := _denial(deniable)) is None:
        return words
    denials = [found[0] if found["before"] else f", {found[0]}" for found in denial.finditer(words)]
    return (denial.sub("", words).strip(", ") + "".join(denials)).strip(", ") if denials else words


def refused_words(words: str, deniable: tuple[str, ...]) -> str | None:
    """What words deny, asked for: "house, no drums" → "house, drums". None where they deny none of `deniable`.

    A model hears little of a "no": what it would play without it says what to keep away from.
    """
    denial = _denial(deniable)
    asked = denial.sub(lambda found: f"{found['before']}{found['denied'] or DRUMS}", words) if denial else words
    return asked if asked != words else None


def _denial(deniable: tuple[str, ...]) -> re.Pattern | None:
    if not deniable:
        return None
    phrases = rf"(?:no|without)\s+(?P<denied>{'|'.join(map(re.escape, deniable))})" + r"|drumless" * (DRUMS in deniable)
    return re.compile(rf"(?P<before>,?\s*)\b(?:{phrases})\b", re.IGNORECASE)


def nearest(bpm: float, known_bpm: tuple[int, ...]) -> int:
    """The known tempo nearest to `bpm`."""
    return min(known_bpm, key=lambda known: abs(known - bpm))


def load_text_encoder(checkpoint: Checkpoint) -> Callable[[str], list[int]]:
    """The model's own tokenizer as a function from text to ids. Raises ModelError."""
    directory, size = checkpoint.directory, checkpoint.config.language_model.text_vocab_size
    if (directory / "model.json").is_file():
        tokenizer = _read_tokenizer(directory / "tokenizer.json")
        return lambda text: tokenizer.encode(text).ids
    return _load_qwen_tokenizer(directory, size)


def read_words(
    words: str, request: GenerationRequest, encode_text: Callable[[str], list[int]], deniable: tuple[str, ...]
) -> Condition:
    """`build_condition` of words, of what they deny, and, where a clip goes on as it is, of the scale of the key that they name.

    To lean towards a scale is to lean away from strokes: prompts alone, and words that turn a clip, keep the key as they are.
    """
    key, kept_away_from = None, deniable
    if request.clip is not None:
        key = None if says_what_plays(words, deniable) else key_in(words)
        # Words need no more weight than guidance gives them here; to keep away from what a clip plays would lose its key.
        kept_away_from = ()
    words = denied_last(words, kept_away_from)
    denied = refused_words(words, kept_away_from)
    condition = build_condition(encode_text(words), request, None if denied is None else encode_text(denied))
    return condition if key is None else replace(condition, scale=torch.tensor([scale_of(key)]))


def build_condition(ids: list[int], request: GenerationRequest, refused: list[int] | None = None) -> Condition:
    """One row, without musical time, which comes frame by frame (`engine.music.grid.clock`). refused: ids of a text that is
    no longer.

    Raises RequestError when the text is too long for the model.
    """
    if len(ids) > MAX_TEXT_TOKENS:
        raise RequestError(f"the prompt is {len(ids)} tokens long: at most {MAX_TEXT_TOKENS} are allowed, shorten it")
    end = request.time_end_s if request.time_end_s is not None else request.time_start_s + request.seconds
    return Condition(
        text=torch.tensor([ids], dtype=torch.long),
        time_start=torch.tensor([[request.time_start_s]], dtype=torch.float64),
        time_end=torch.tensor([[end]], dtype=torch.float64),
        section=torch.tensor([[SECTION_ROWS[request.section]]]),
        # A shorter text is filled up as shorter ones were in training.
        refused=None if refused is None else torch.tensor([refused + [0] * (len(ids) - len(refused))], dtype=torch.long),
    )


def _read_tokenizer(path: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise ModelError(f"cannot read {path}: {error}; get the file again") from None


def _load_qwen_tokenizer(directory: Path, vocabulary: int) -> Callable[[str], list[int]]:
    """Qwen's byte-pair tokenizer with the specials the language model was trained with, in their order."""
    from transformers import AutoTokenizer  # seconds to import, and the embedded model does without

    specials = ["<|im_start|>", "<|im_end|>", "<|endofprompt|>", "[breath]", "<strong>", "</strong>", "[noise]", "[laughter]",
                "[cough]", "[clucking]", "[accent]", "[quick_breath]"]  # fmt: skip
    try:
        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"no usable tokenizer in {directory}: {str(error).splitlines()[0]}; get the tokenizer files again"
        ) from None
    tokenizer.add_special_tokens(
        {"eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>", "additional_special_tokens": specials}
    )
    if len(tokenizer) > vocabulary:
        raise ModelError(
            f"the tokenizer in {directory} has {len(tokenizer)} words, the language model {vocabulary}: another variant's files"
        )
    return lambda text: tokenizer([text]).input_ids[0]
