"""Lets a model play what is asked of it several times over and a listener judge every take.

`python -m engine.training.takes CORPUS TOKENS MODEL TAKES --minutes 30` writes one file a wish; a second start goes on where the
first stopped, and several processes may share the work (`--part 0/2`). `engine.training.preference` learns from them.

Some takes of a wish play its chorus, some its intro; every second round continues a piece of the corpus instead.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from engine.acceleration import Prepared, choose_runtime, prepare, use_threads
from engine.api import GenerationRequest
from engine.checkpoints.checkpoint import load_checkpoint
from engine.conditioning.condition import condition_of
from engine.conditioning.prompt import DRUMS, asked_beats, choose_words
from engine.conditioning.tokenizer import load_text_encoder
from engine.corpus.dataset import Corpus
from engine.corpus.facts import has_key
from engine.evaluation import measures
from engine.evaluation.classifier import MusicClassifier
from engine.evaluation.codec_trial import FAST, through
from engine.evaluation.measures import key_met, tempo_met
from engine.evaluation.prompts import Prompt, draw_prompt, draw_prompts
from engine.models.condition import Condition
from engine.models.generation import generate_tokens, start_variations
from engine.music.analysis import key_name
from engine.music.grid import MOST_DETUNED, Grid, clock, slowing
from engine.rendering.windows import FastRenderer

CHORUSES, INTROS = 6, 4  # takes of a wish
CONTINUATIONS, CONTINUED_EVERY = 8, 2
TAKE_S = 10.0
SEEDS = 1000  # kept for each wish
HEARD_TOKENS = 384  # of a piece that is continued: half of what the language model was trained on
MOST_SILENCE_S = 1.0


@dataclass(frozen=True, eq=False)
class Takes:
    """What was asked for once, and what was played. Of one length F each, after the H tokens that all of them went on from."""

    text: np.ndarray  # [L] ids
    section: int  # row, see SECTION_ROWS
    end_s: float  # of the time span, which starts at 0
    clock: np.ndarray  # [H + F + 1, 2], see `engine.music.grid.clock`
    heard: np.ndarray  # [H]
    tokens: np.ndarray  # [K, F]
    points: np.ndarray  # [K], the more the better; to be compared with each other only

    def save(self, path: Path) -> None:
        new = path.with_suffix(".new.npz")
        np.savez(new, **vars(self))
        new.replace(path)

    @classmethod
    def load(cls, path: Path) -> Takes:
        columns = dict(np.load(path))
        return cls(**columns | {"section": int(columns["section"]), "end_s": float(columns["end_s"])})


class Player:
    """A model that plays a wish many times at once, on the fast path."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared, self.config = prepared, prepared.checkpoint.config
        self.encode_text = load_text_encoder(prepared.checkpoint)

    def play(self, request: GenerationRequest, grid: Grid, heard: Sequence[int] = ()) -> tuple[Takes, list[np.ndarray]]:
        """The request's variations as takes, no points yet, and how they sound: mono [N] at the tokenizer's rate."""
        config = self.config
        frames = round(request.seconds * config.token_rate)
        rows = clock(grid, config.token_rate, -len(heard), len(heard) + frames + 1)
        condition = condition_of(choose_words(request, config, grid), request, self.encode_text)
        tokens = self._sample(request, replace(condition, clock=torch.from_numpy(rows)[None]), heard, frames)
        lead = list(heard[-round(config.token_rate) :])
        sounds = [self.render(take, lead) for take in tokens.tolist()]
        takes = Takes(
            condition.text[0].numpy(), int(condition.section), float(condition.time_end), rows,
            np.array(heard, np.int16), tokens.numpy().astype(np.int16), np.zeros(len(tokens)),
        )  # fmt: skip
        return takes, sounds

    @torch.inference_mode()
    def _sample(self, request: GenerationRequest, condition: Condition, heard: Sequence[int], frames: int) -> torch.Tensor:
        """[variations, frames], sampled as the engine does."""
        seeds = [request.seed_of(number) for number in range(1, request.variations + 1)]
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        generation = start_variations(
            self.prepared.decoder, condition, [list(heard)] * len(seeds), given=len(heard), max_tokens=frames,
            guidance=request.guidance, generators=generators,
        )  # fmt: skip
        tokens = generate_tokens(
            generation, min_tokens=frames, max_tokens=frames, top_k=self.config.top_k,
            temperature=self.config.temperature, generators=generators,
        )  # fmt: skip
        return torch.tensor(list(tokens)).T

    def render(self, take: list[int], lead: Sequence[int] = ()) -> np.ndarray:
        """How tokens sound after those in `lead`."""
        renderer = FastRenderer(self.prepared)
        sound = renderer.render([*lead, *take], 0, len(lead) + len(take), ended=True)
        return sound[round(len(lead) / renderer.token_rate * renderer.samplerate) :]


class Judge:
    """Gives points for what was asked for and is heard."""

    def __init__(self, listener: MusicClassifier, samplerate: int) -> None:
        self.listener, self.samplerate = listener, samplerate

    def fulfilled(self, sound: np.ndarray, prompt: Prompt) -> float:
        """Two points each for tempo and key, without which nothing fits what is there; one each for style and drums or none."""
        heard = self.listener.classify(sound, self.samplerate)
        fitting = tempo_met(heard.bpm, prompt.bpm) + key_met(heard.key, prompt.key)
        return 2.0 * fitting + (heard.style == prompt.style) + ((heard.drums > 0) == prompt.drums) - self._silent(sound)

    def recognised(self, sound: np.ndarray, prompt: Prompt) -> float:
        """Of an intro, which may do without beat and drums: one point each for key and style."""
        heard = self.listener.classify(sound, self.samplerate)
        return float(key_met(heard.key, prompt.key)) + float(heard.style == prompt.style) - 2 * self._silent(sound)

    def fullness(self, sound: np.ndarray) -> np.ndarray:
        """[2]: loudness and onset density, both of which grow from the intro to the chorus."""
        return np.array([measures.loudness_db(sound, self.samplerate), measures.onset_density(sound, self.samplerate)])

    def apart(self, sound: np.ndarray, source: np.ndarray) -> float:
        """How far a continuation's texture lies from its source's, on average over both."""
        here, there = (self.listener.embed(audio, self.samplerate).mean(0) for audio in (sound, source))
        return float(np.linalg.norm(here - there))

    def _silent(self, sound: np.ndarray) -> bool:
        return measures.longest_silence_s(sound, self.samplerate) > MOST_SILENCE_S


def take_wish(player: Player, judge: Judge, prompt: Prompt, seed: int) -> list[Takes]:
    """Choruses and intros of a prompt. Either gets a point more for being fuller, or less full, than most of the others are."""
    config = player.config
    request = GenerationRequest(prompt=prompt.text, duration_s=TAKE_S, seed=SEEDS * seed, guidance=config.guidance)
    grid = Grid(float(prompt.bpm), asked_beats(request))
    views = player.prepared.checkpoint.wavtokenizer.views
    grid = grid.slowed(slowing(grid, config.token_rate, views, MOST_DETUNED))
    chorus, choruses = player.play(replace(request, section="chorus", variations=CHORUSES), grid)
    intro, intros = player.play(replace(request, section="intro", variations=INTROS), grid)
    full, thin = (np.array([judge.fullness(sound) for sound in sounds]) for sounds in (choruses, intros))
    fuller = (full > np.median(thin, 0)).all(1)
    thinner = (thin < np.median(full, 0)).all(1)
    return [
        replace(chorus, points=np.array([judge.fulfilled(sound, prompt) for sound in choruses]) + fuller),
        replace(intro, points=np.array([judge.recognised(sound, prompt) for sound in intros]) + 2 * thinner),
    ]


def take_continuation(player: Player, judge: Judge, facts: dict, tokens: np.ndarray, seed: int) -> list[Takes]:
    """Takes of how a piece goes on in mid-chorus: told its tempo and key, as the engine tells what it heard. Those
    that sound more like what was heard than most of the others do get a point more.
    """
    chorus = next(s for s in facts["sections"] if s["label"] == "chorus")
    join = chorus["first_frame"] + 4 * facts["bar_frames"]
    heard = tokens[max(0, join - HEARD_TOKENS) : join].tolist()
    grid = Grid(facts["bpm"], facts["beats"], 4.0 * facts["beats"])
    key = (facts["key"], facts["mode"])
    request = GenerationRequest(
        prompt=f"{round(facts['bpm'])} bpm" + f", {key_name(key)}" * has_key(facts), section="chorus",
        duration_s=HEARD_TOKENS / player.config.token_rate, guidance=player.config.clip_guidance,
        seed=SEEDS * seed, variations=CONTINUATIONS,
    )  # fmt: skip
    takes, sounds = player.play(request, grid, heard)
    asked = Prompt("", facts["style"], round(facts["bpm"]), key, DRUMS in chorus["layers"])
    source = player.render(heard)
    apart = np.array([judge.apart(sound, source) for sound in sounds])
    return [replace(takes, points=np.array([judge.fulfilled(sound, asked) for sound in sounds]) + (apart < np.median(apart)))]


def record(corpus: Path, tokens_file: Path, model: str, folder: Path, *, minutes: float, listener: MusicClassifier,
           part: tuple[int, int] = (0, 1), seed: int = 1) -> None:  # fmt: skip
    """Every `part[1]`th round, from number `part[0]` on, as files in `folder`, one round at least; those that are there stay."""
    begun = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    prepared = prepare(load_checkpoint(model), choose_runtime("cpu"))
    player = Player(prepared)
    judge = Judge(listener, prepared.checkpoint.config.wavtokenizer.sample_rate)
    training, tokens = Corpus(corpus), dict(np.load(tokens_file))
    pieces = [name for name in training.names if name in tokens and _long_enough(training.facts[name])]
    evaluated = {prompt.text for prompt in draw_prompts(100)}
    with use_threads(1):  # a second one is better spent on another part
        for number in itertools.count(*part):
            if (folder / f"{number:05d}-0.npz").exists() or (prompt := draw_prompt(number, seed)).text in evaluated:
                continue
            if number % CONTINUED_EVERY == CONTINUED_EVERY - 1 and pieces:
                name = str(np.random.default_rng([seed, number]).choice(pieces))
                made = take_continuation(player, judge, training.facts[name], tokens[name], number)
            else:
                made = take_wish(player, judge, prompt, number)
            for index, takes in reversed(list(enumerate(made))):
                takes.save(folder / f"{number:05d}-{index}.npz")
            if time.monotonic() - begun > 60 * minutes:
                return


def learn_by_ear(corpus: Path, model: str) -> MusicClassifier:
    """A listener that knows the corpus as it is and as the model's tokens give it."""
    return MusicClassifier.train(Corpus(corpus), change=through(prepare(load_checkpoint(model), choose_runtime("cpu")), FAST))


def _long_enough(facts: dict) -> bool:
    chorus = next((s for s in facts["sections"] if s["label"] == "chorus"), None)
    return chorus is not None and chorus["frames"] >= 4 * facts["bar_frames"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokens", type=Path)
    parser.add_argument("model", help="the model that plays")
    parser.add_argument("takes", type=Path)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--part", default="0/1", help="which share of the rounds, as 0/2 and 1/2 of two processes")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other wishes")
    options = parser.parse_args()
    first, step = (int(number) for number in options.part.split("/"))
    listener = learn_by_ear(options.corpus, options.model)
    record(options.corpus, options.tokens, options.model, options.takes, minutes=options.minutes, listener=listener,
           part=(first, step), seed=options.seed)  # fmt: skip


if __name__ == "__main__":
    main()
