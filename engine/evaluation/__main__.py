"""`python -m engine.evaluation sketch --corpus FOLDER --report FOLDER`: a model against its bars.

Without a corpus (see engine.corpus.render) only what needs no reference is measured: size, tempo, key, sections, speed.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from engine.api import EngineError


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m engine.evaluation", description="Measures a model against its bars.")
    parser.add_argument("model", help="a model's name or directory")
    parser.add_argument("--prompts", type=int, default=20)
    parser.add_argument("--corpus", type=Path, help="the corpus the model was trained on, with its held-out pieces")
    parser.add_argument("--loops", type=Path, help="a folder of recorded loops to continue")
    parser.add_argument("--recordings", type=Path, help="a folder of recorded and produced music, of which clips are continued")
    parser.add_argument(
        "--decode", choices=("full", "fast"), help="the path that prompts and clips are played on (full, where there is one)"
    )
    parser.add_argument("--long", type=float, metavar="MINUTES", help="play one piece of this length too (8 is the bar)")
    parser.add_argument("--report", type=Path, help="write results.json, report.md and evaluation.png here")
    options = parser.parse_args(arguments)
    try:
        return run(options)
    except EngineError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return 2


def run(options: argparse.Namespace) -> int:
    # torch loads here, after the arguments have been found good
    from engine.acceleration import choose_runtime, prepare
    from engine.checkpoints.checkpoint import load_checkpoint
    from engine.corpus.dataset import Corpus
    from engine.evaluation import continuation_trials, recorded_trials, report, sound_trials, trials
    from engine.evaluation.classifier import PIECES, MusicClassifier
    from engine.evaluation.codec_trial import FAST, FULL, codec_trial, through
    from engine.evaluation.prompts import draw_prompts
    from engine.evaluation.results import Result
    from engine.pipeline import create_engine

    prepared = prepare(load_checkpoint(options.model), choose_runtime())
    paths = ("fast",) if prepared.checkpoint.flow is None else ("full", "fast")
    decode = options.decode or paths[0]
    engine = create_engine()
    model = trials.ModelUnderTest(engine, options.model, decode)
    facts = asdict(engine.load(options.model)) | {"decode": decode, "prompts": options.prompts}
    results = [Result("shipped weights", prepared.checkpoint.bytes / 1e6, "MB", 40.0, at_most=True)]
    reconstruct = through(prepared, FULL if decode == "full" else FAST)
    classifier: MusicClassifier | None = None
    accuracy: dict[str, float] = {}
    if options.corpus is not None:
        training, held_out = Corpus(options.corpus), Corpus(options.corpus, held_out=True)
        if not training.names or not held_out.names:
            raise EngineError(
                f"{options.corpus} is no corpus: it needs pieces to learn from and held-out ones, as p000000.wav and .json"
            )

        _say(f"training the classifier on {min(PIECES, len(training.names))} pieces")
        classifier = MusicClassifier.train(training, change=through(prepared, FAST))
        accuracy = trials.classifier_accuracy(classifier, held_out)
        facts["classifier right on held-out pieces, %"] = {name: round(value) for name, value in accuracy.items()}
        after_codec = trials.classifier_accuracy(classifier, held_out, reconstruct)
        facts["classifier right on the same after the codec, %"] = {name: round(value) for name, value in after_codec.items()}
        _say("coding held-out pieces")
        results += codec_trial(prepared, held_out)
    _say(f"playing {options.prompts} prompts")
    results += trials.prompt_trial(model, draw_prompts(options.prompts), classifier, accuracy)
    _say("measuring loudness, peaks and width")
    results += sound_trials.sound_trial(model, draw_prompts(options.prompts))
    if classifier is not None:
        _say("continuing held-out pieces")
        results += continuation_trials.continuation_trial(model, held_out, classifier, options.prompts)
        _say("changing held-out pieces")
        results += continuation_trials.edit_trial(model, held_out, classifier, options.prompts)
        _say("playing held-out captions")
        results.append(trials.distribution_trial(model, held_out, classifier, options.prompts, reconstruct))
        _say("playing one prompt with several seeds")
        results.append(sound_trials.diversity_trial(model, draw_prompts(options.prompts), classifier, held_out))
    else:
        results.append(Result("style, drums, codec, continuation, Fréchet distance", None, note="give --corpus"))
    if options.loops is not None:
        _say("continuing recorded loops")
        results += continuation_trials.loop_trial(model, options.loops, reconstruct)
    if options.recordings is not None:
        _say("continuing clips of recordings")
        results += recorded_trials.recorded_trial(model, options.recordings, options.prompts)
    if options.long is not None:
        _say(f"playing {options.long:g} minutes")
        results += trials.long_form_trial(model, 60 * options.long)
    results += trials.speed_trial(model, paths)
    print(report.table(results))
    if options.report is not None:
        report.write(options.report, results, facts)
    return 0


def _say(what: str) -> None:
    print(f"{what} …", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
