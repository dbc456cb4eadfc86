"""Samples several candidates for each prompt from a model and computes a reward for every one of them.

`python -m engine.training.candidates CORPUS TOKENS MODEL FOLDER --minutes 30` writes a file for each prompt and section; a second
start goes on where the first stopped, and several processes may share the work (`--part 0/2`). `engine.training.preference`
learns from pairs of them.

Some candidates of a prompt play its chorus, some its intro; every second round continues a piece of the corpus instead.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.acceleration import Prepared, choose_runtime, prepare, use_threads
from engine.api import GenerationRequest
from engine.arrays import Audio, FloatArray, TokenArray
from engine.checkpoints.checkpoint import load_checkpoint
from engine.conditioning.condition import condition_of
from engine.conditioning.prompt import DRUMS, asked_beats, choose_words
from engine.conditioning.tokenizer import load_text_encoder
from engine.corpus.dataset import Corpus
from engine.corpus.facts import PieceFacts, has_key, section_of
from engine.evaluation.classifier import MusicClassifier
from engine.evaluation.codec_trial import FAST, through
from engine.evaluation.prompts import Prompt, draw_prompt, draw_prompts
from engine.models.condition import Condition
from engine.models.generation import generate_tokens, start_variations
from engine.music.analysis import key_name
from engine.music.grid import MAX_STRETCH_WITHOUT_CLIP, Grid, clock, stretch_ratio
from engine.rendering.windows import FastRenderer
from engine.training.command import stage_options, stage_parser
from engine.training.rewards import Reward

CHORUSES, INTROS = 6, 4  # candidates of a prompt
CONTINUATIONS, CONTINUED_EVERY = 8, 2
CANDIDATE_S = 10.0
SEEDS = 1000  # reserved for each prompt
PREFIX_TOKENS = 384  # of a piece that is continued: half of what the language model was trained on


@dataclass(frozen=True, eq=False)
class Candidates:
    """One condition and the K candidates of it, each of F tokens, after the H tokens of prefix that all of them continue."""

    text: TokenArray  # [L] ids
    section: int  # row, see SECTION_ROWS
    end_s: float  # of the time span, which starts at 0
    clock: NDArray[np.int64]  # [H + F + 1, 2], see `engine.music.grid.clock`
    prefix: TokenArray  # [H]
    tokens: TokenArray  # [K, F]
    rewards: FloatArray  # [K], to be compared with each other only

    def save(self, path: Path) -> None:
        new = path.with_suffix(".new.npz")
        np.savez(new, **vars(self))
        new.replace(path)

    @classmethod
    def load(cls, path: Path) -> Candidates:
        columns = dict(np.load(path))
        return cls(**columns | {"section": int(columns["section"]), "end_s": float(columns["end_s"])})


class Sampler:
    """Samples many candidates of a request at once, on the fast path."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared, self.config = prepared, prepared.checkpoint.config
        self.encode_text = load_text_encoder(prepared.checkpoint)

    def sample(
        self, request: GenerationRequest, grid: Grid, prefix: Sequence[int] = ()
    ) -> tuple[Candidates, list[Audio]]:
        """The request's variations as candidates with rewards of 0, and their audio: mono [N] at the tokenizer's rate."""
        config = self.config
        frames = round(request.seconds * config.token_rate)
        rows = clock(grid, config.token_rate, -len(prefix), len(prefix) + frames + 1)
        condition = condition_of(choose_words(request, config, grid), request, self.encode_text)
        tokens = self._tokens(request, replace(condition, clock=torch.from_numpy(rows)[None]), prefix, frames)
        lead = list(prefix[-round(config.token_rate) :])
        sounds = [self.render(row, lead) for row in tokens.tolist()]
        candidates = Candidates(
            condition.text[0].numpy(), int(condition.section), float(condition.time_end), rows,
            np.array(prefix, np.int16), tokens.numpy().astype(np.int16), np.zeros(len(tokens)),
        )  # fmt: skip
        return candidates, sounds

    @torch.inference_mode()
    def _tokens(self, request: GenerationRequest, condition: Condition, prefix: Sequence[int], frames: int) -> torch.Tensor:
        """[variations, frames], sampled as the engine does."""
        seeds = [request.seed_of(number) for number in range(1, request.variations + 1)]
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        guidance = self.config.guidance if request.guidance is None else request.guidance
        generation = start_variations(
            self.prepared.decoder, [condition] * len(seeds), [list(prefix)] * len(seeds), given=len(prefix), max_tokens=frames,
            guidance=guidance, generators=generators,
        )  # fmt: skip
        tokens = generate_tokens(
            generation, min_tokens=frames, max_tokens=frames, top_k=self.config.top_k,
            temperature=self.config.temperature, views=self.prepared.checkpoint.wavtokenizer.views, generators=generators,
        )  # fmt: skip
        return torch.tensor(list(tokens)).T

    def render(self, tokens: list[int], lead: Sequence[int] = ()) -> Audio:
        """Audio of tokens that follow those in `lead`."""
        renderer = FastRenderer(self.prepared)
        sound = renderer.render([*lead, *tokens], 0, len(lead) + len(tokens), ended=True)
        assert sound is not None, "nothing cancels it"
        return sound[round(len(lead) / renderer.token_rate * renderer.samplerate) :]


def sample_prompt(sampler: Sampler, reward: Reward, prompt: Prompt, seed: int) -> list[Candidates]:
    """Choruses and intros of a prompt. Their reward is higher where a chorus is fuller than most intros, and an intro less full
    than most choruses.
    """
    config = sampler.config
    request = GenerationRequest(prompt=prompt.text, duration_s=CANDIDATE_S, seed=SEEDS * seed, guidance=config.guidance)
    grid = Grid(float(prompt.bpm), round(asked_beats(request)))
    views = sampler.prepared.checkpoint.wavtokenizer.views
    grid = grid.stretched(stretch_ratio(grid, config.token_rate, views, MAX_STRETCH_WITHOUT_CLIP))
    chorus, choruses = sampler.sample(replace(request, section="chorus", variations=CHORUSES), grid)
    intro, intros = sampler.sample(replace(request, section="intro", variations=INTROS), grid)
    full, thin = (np.array([reward.fullness(sound) for sound in sounds]) for sounds in (choruses, intros))
    fuller = (full > np.median(thin, 0)).all(1)
    thinner = (thin < np.median(full, 0)).all(1)
    return [
        replace(chorus, rewards=np.array([reward.of_chorus(sound, prompt) for sound in choruses]) + fuller),
        replace(intro, rewards=np.array([reward.of_intro(sound, prompt) for sound in intros]) + 2 * thinner),
    ]


def sample_continuation(
    sampler: Sampler, reward: Reward, facts: PieceFacts, tokens: TokenArray, seed: int
) -> list[Candidates]:
    """Continuations of a piece in mid-chorus, prompted with its tempo and key as the engine prompts with what it measured in a
    clip. The half that sounds more like the piece has a reward that is higher by 1.
    """
    chorus = section_of(facts, "chorus")
    join = chorus["first_frame"] + 4 * facts["bar_frames"]
    prefix = tokens[max(0, join - PREFIX_TOKENS) : join].tolist()
    grid = Grid(facts["bpm"], facts["beats"], 4.0 * facts["beats"])
    key = (facts["key"], facts["mode"])
    request = GenerationRequest(
        prompt=f"{round(facts['bpm'])} bpm" + f", {key_name(key)}" * has_key(facts), section="chorus",
        duration_s=PREFIX_TOKENS / sampler.config.token_rate, guidance=sampler.config.clip_guidance,
        seed=SEEDS * seed, variations=CONTINUATIONS,
    )  # fmt: skip
    candidates, sounds = sampler.sample(request, grid, prefix)
    asked = Prompt("", facts["style"], round(facts["bpm"]), key, DRUMS in chorus["layers"])
    source = sampler.render(prefix)
    distances = np.array([reward.distance(sound, source) for sound in sounds])
    rewards = np.array([reward.of_chorus(sound, asked) for sound in sounds])
    return [replace(candidates, rewards=rewards + (distances < np.median(distances)))]


def collect(corpus: Path, tokens_file: Path, model: str, folder: Path, *, minutes: float, classifier: MusicClassifier,
            part: tuple[int, int] = (0, 1), seed: int = 1) -> None:  # fmt: skip
    """Writes every `part[1]`th round, from number `part[0]` on, into `folder`, one round at least; files that are there stay."""
    begun = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    prepared = prepare(load_checkpoint(model), choose_runtime("cpu"))
    sampler = Sampler(prepared)
    reward = Reward(classifier, prepared.checkpoint.config.wavtokenizer.sample_rate)
    training, tokens = Corpus(corpus), dict(np.load(tokens_file))
    pieces = [name for name in training.names if name in tokens and _long_enough(training.facts[name])]
    evaluated = {prompt.text for prompt in draw_prompts(100)}
    with use_threads(1):  # a second one is better spent on another part
        for number in itertools.count(*part):
            if (folder / f"{number:05d}-0.npz").exists() or (prompt := draw_prompt(number, seed)).text in evaluated:
                continue
            if number % CONTINUED_EVERY == CONTINUED_EVERY - 1 and pieces:
                name = str(np.random.default_rng([seed, number]).choice(pieces))
                made = sample_continuation(sampler, reward, training.facts[name], tokens[name], number)
            else:
                made = sample_prompt(sampler, reward, prompt, number)
            for index, candidates in reversed(list(enumerate(made))):
                candidates.save(folder / f"{number:05d}-{index}.npz")
            if time.monotonic() - begun > 60 * minutes:
                return


def train_classifier(corpus: Path, model: str) -> MusicClassifier:
    """A classifier of the corpus' pieces as they are and as the model's tokens give them."""
    return MusicClassifier.train(Corpus(corpus), change=through(prepare(load_checkpoint(model), choose_runtime("cpu")), FAST))


def _long_enough(facts: PieceFacts) -> bool:
    choruses = [section for section in facts["sections"] if section["label"] == "chorus"]
    return bool(choruses) and choruses[0]["frames"] >= 4 * facts["bar_frames"]


def main() -> None:
    parser = stage_parser(__doc__, minutes=30)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokens", type=Path)
    parser.add_argument("model", help="the model that is sampled")
    parser.add_argument("candidates", type=Path, help="folder of the files")
    parser.add_argument("--part", default="0/1", help="which share of the rounds, as 0/2 and 1/2 of two processes")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other prompts")
    options = stage_options(parser)
    first, step = (int(number) for number in options.part.split("/"))
    classifier = train_classifier(options.corpus, options.model)
    collect(options.corpus, options.tokens, options.model, options.candidates, minutes=options.minutes, classifier=classifier,
            part=(first, step), seed=options.seed)  # fmt: skip


if __name__ == "__main__":
    main()
