"""The whole training: `python -m engine.training all CORPUS RUNS --minutes 120` from composed music to a model directory.

Every stage is a command of its own too (`python -m engine.corpus.render`, `engine.training.codec`, `.decoder`,
`.language_model`, `.flow_matching`, `.candidates`, `.preference`, `.clip_editing`); `all` runs them in order, two at a time where
there are cores, goes on where it stopped, and leaves the model in RUNS/model.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from engine.config import ModelConfig
from engine.corpus.augmentation import augment
from engine.corpus.dataset import Corpus
from engine.corpus.render import render
from engine.models.flow_matching import FlowMatching
from engine.models.hifi_codec import HiFiCodec
from engine.models.sketch.language_model import build_language_model
from engine.models.wavtokenizer import WavTokenizer
from engine.training import (
    candidates,
    clip_editing,
    codec,
    decoder,
    flow_matching,
    language_model,
    levels,
    preference,
    vocabulary,
)
from engine.training.codec import CODECS
from engine.training.pack import (
    corpus_summary,
    flow_config,
    hifi_config,
    last_values,
    load_average,
    load_codec,
    pack,
    run_part,
    sample_latents,
    whiten,
)  # fmt: skip
from engine.training.scales import scale_bias
from engine.training.sketch import SKETCH
from engine.training.tokens import encode_corpus

# Shares of the minutes. The codecs come first, side by side; then the language model beside flow and decoders; then preference
# learning from candidates that it generates; last, clip editing.
CODEC_SHARE, LANGUAGE_MODEL_SHARE, CANDIDATES_SHARE, PREFERENCE_SHARE, CLIP_EDITING_SHARE = 0.3, 0.4, 0.1, 0.05, 0.15
FLOW_SHARE, DECODER_SHARE = 0.3, 0.12  # the two decoders get one share each
FITTED_CROPS = 256  # of two seconds: what the 48 kHz codec's levels are fitted to

Job = tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]]


def train_all(folder: Path, runs: Path, *, minutes: float, workers: int = 2, config: ModelConfig = SKETCH) -> Path:
    """All that follows the corpus: about `minutes` with two workers, twice that with one. Returns the model's directory."""
    codecs: list[Job] = [
        (codec.train, (kind, folder, runs / kind), {"minutes": minutes * CODEC_SHARE, "config": config}) for kind in CODECS
    ]
    _together([[job] for job in codecs], workers)
    tokens, tokenizer = prepare_tokens(folder, runs, config)
    language: Job = (
        language_model.train, (folder, tokens, Tokenizer.from_file(str(tokenizer)), runs / "language_model"),
        {"minutes": minutes * LANGUAGE_MODEL_SHARE, "config": config.language_model},
    )  # fmt: skip
    flow: Job = (_train_flow, (folder, tokens, runs, minutes * FLOW_SHARE, config), {})
    decoders: list[Job] = [
        (decoder.train, (kind, folder, runs / f"{kind}.safetensors", runs / f"{kind}_decoder"),
         {"minutes": minutes * DECODER_SHARE, "config": config})
        for kind in CODECS
    ]  # fmt: skip
    _together([[language], [flow, *decoders]], workers)
    plain = pack_model(folder, runs, config, runs / "language_model")
    options = {"minutes": minutes * CANDIDATES_SHARE, "classifier": candidates.train_classifier(folder, str(plain))}
    sampling: list[Job] = [
        (candidates.collect, (folder, tokens, str(plain), runs / "candidates"), options | {"part": (number, workers)})
        for number in range(workers)
    ]
    _together([[job] for job in sampling], workers)
    words, model = Tokenizer.from_file(str(tokenizer)), build_language_model(config.language_model)
    preference.train(
        load_average(model, runs / "language_model"), words, runs / "candidates", folder, tokens, runs / "preference",
        minutes=minutes * PREFERENCE_SHARE,
    )  # fmt: skip
    clip_editing.train(
        load_average(model, runs / "preference"), words, folder, tokens, runs / "clip_editing",
        minutes=minutes * CLIP_EDITING_SHARE,
    )  # fmt: skip
    return pack_model(folder, runs, config, runs / "clip_editing")


def prepare_tokens(folder: Path, runs: Path, config: ModelConfig) -> tuple[Path, Path]:
    """Freezes both codecs as `<kind>.safetensors`, encodes the corpus with them, builds the tokenizer. Returns both files."""
    training, held_out = Corpus(folder), Corpus(folder, held_out=True)
    wavtokenizer = load_codec(WavTokenizer(config.wavtokenizer), runs / "wavtokenizer")
    hifi_codec = load_codec(HiFiCodec(hifi_config(config)), runs / "hifi_codec")
    crops = training.crops(FITTED_CROPS, 2 * 48_000, np.random.default_rng(0)).flatten().numpy()
    whiten(hifi_codec, sample_latents(hifi_codec, crops))
    levels.fit(hifi_codec, sample_latents(hifi_codec, crops))
    for kind, module in zip(CODECS, (wavtokenizer, hifi_codec), strict=True):
        if not (runs / f"{kind}.safetensors").exists():  # once: tokens must keep their meaning when a run is continued
            save_file(module.state_dict(), runs / f"{kind}.safetensors")
        module.load_state_dict(load_file(runs / f"{kind}.safetensors"))
    encode_corpus([training, held_out], runs / "tokens.npz", wavtokenizer, hifi_codec)
    if not (runs / "tokenizer.json").exists():
        captions = vocabulary.caption_sample([training.facts[name] for name in training.names], per_section=4)
        vocabulary.build(captions, config.language_model.text_vocab_size).save(str(runs / "tokenizer.json"))
    return runs / "tokens.npz", runs / "tokenizer.json"


def pack_model(folder: Path, runs: Path, config: ModelConfig, language_run: Path) -> Path:
    """The runs' results as a model directory with its card. Returns the directory."""
    wavtokenizer, hifi_codec = WavTokenizer(config.wavtokenizer).eval(), HiFiCodec(hifi_config(config)).eval()
    for kind, refined in zip(CODECS, (wavtokenizer, hifi_codec), strict=True):
        refined.load_state_dict(run_part(runs / f"{kind}_decoder", "codec"))
    language = load_average(build_language_model(config.language_model), language_run)
    if config.language_model.n_scales:
        tokens, vocabulary = dict(np.load(runs / "tokens.npz")), config.language_model.audio_vocab_size
        with torch.no_grad():
            language.get_buffer("scale_bias").copy_(scale_bias(Corpus(folder), tokens, vocabulary, wavtokenizer.views))
    pack(
        runs / "model", config, wavtokenizer=wavtokenizer, hifi_codec=hifi_codec,
        language_model=language,
        flow=load_average(FlowMatching(flow_config(config)), runs / "flow_matching"),
        tokenizer=Tokenizer.from_file(str(runs / "tokenizer.json")), card=card(folder, runs, config),
    )  # fmt: skip
    return runs / "model"


def card(folder: Path, runs: Path, config: ModelConfig) -> str:
    """The model card: what it was trained on, for how long, how far it got."""
    facts = corpus_summary(list(Corpus(folder).facts.values()))
    lines = [
        f"# {config.name}",
        "",
        "Trained from nothing on music composed and rendered by this repository (`engine/training/`):",
    ]
    lines += [f"- {name}: {value}" for name, value in facts.items()]
    lines += ["", "| run | minutes | steps | held out |", "|---|---|---|---|"]
    for log in sorted(runs.glob("*/log.jsonl")):
        last = last_values(log.parent)
        held_out = ", ".join(f"{name.removeprefix('held_out').strip('_') or 'loss'} {value}" for name, value in last.items()
                             if name.startswith("held_out"))  # fmt: skip
        lines.append(f"| {log.parent.name} | {last['minutes']} | {last['step']} | {held_out} |")
    lines += [
        "",
        "It plays the corpus' styles, tempi and keys, electronic ones synthesised, others in General MIDI sounds; no voices.",
    ]
    return "\n".join(lines) + "\n"


def _train_flow(folder: Path, tokens: Path, runs: Path, minutes: float, config: ModelConfig) -> None:
    hifi_codec = flow_matching.load_hifi_codec(config, runs / "hifi_codec.safetensors")
    flow_matching.train(folder, tokens, hifi_codec, runs / "flow_matching", minutes=minutes, config=config.flow)


def _together(lanes: list[list[Job]], workers: int) -> None:
    """Runs each lane's jobs in order, the lanes side by side in processes of their own, or all in this one."""
    if workers < 2:
        for lane in lanes:
            _run_lane(lane)
        return
    threads = max(1, (os.cpu_count() or 1) // len(lanes))
    with ProcessPoolExecutor(len(lanes), get_context("spawn"), torch.set_num_threads, (threads,)) as pool:
        for done in [pool.submit(_run_lane, lane) for lane in lanes]:
            done.result()


def _run_lane(lane: list[Job]) -> None:
    for function, arguments, options in lane:
        function(*arguments, **options)  # what it returns is in its checkpoint


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m engine.training", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("stage", choices=("all",), help="one stage alone is a command of its own, such as engine.training.codec")
    parser.add_argument("corpus", type=Path, help="folder of the corpus; rendered first where it has fewer than --pieces")
    parser.add_argument("runs", type=Path, help="folder of the runs' checkpoints and logs, and of the model")
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--pieces", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2, help="stages trained, and pieces rendered, at a time")
    options = parser.parse_args(arguments)
    render(options.corpus, range(options.pieces), seed=options.seed, workers=options.workers)
    augment(options.corpus, seed=options.seed, workers=options.workers)
    directory = train_all(options.corpus, options.runs, minutes=options.minutes, workers=options.workers)
    print(json.dumps({"model": str(directory)}))


if __name__ == "__main__":
    main()
