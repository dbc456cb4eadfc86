"""Every measure that a model is judged by, each against its own bar."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from engine.acceleration import Prepared
from engine.api import EngineError
from engine.corpus.dataset import Corpus
from engine.evaluation import continuation_trials, music_trials, recorded_trials, sound_trials, trials
from engine.evaluation.classifier import PIECES, MusicClassifier
from engine.evaluation.codec_trial import FAST, FULL, codec_trial, through
from engine.evaluation.excerpts import MEASURED, whole
from engine.evaluation.prompts import draw_prompts
from engine.evaluation.results import Result


def target_trials(
    model: trials.ModelUnderTest, prepared: Prepared, paths: tuple[str, ...], count: int, options: argparse.Namespace,
    say: Callable[[str], None],
) -> tuple[list[Result], dict[str, Any]]:  # fmt: skip
    """All rows, and how good the classifier is. options: corpus, loops, recordings, long, see the command line.

    Raises EngineError.
    """
    facts: dict[str, Any] = {}
    results = [Result("shipped weights", prepared.checkpoint.bytes / 1e6, "MB", 40.0, at_most=True)]
    reconstruct = through(prepared, FULL if model.decode == "full" else FAST)
    classifier: MusicClassifier | None = None
    accuracy: dict[str, float] = {}
    if options.corpus is not None:
        training, held_out = Corpus(options.corpus), Corpus(options.corpus, held_out=True)
        held_out.names = whole(held_out)
        if not training.names or not held_out.names:
            raise EngineError(
                f"{options.corpus} is no corpus: it needs pieces to learn from and held-out ones with {', '.join(MEASURED)}, "
                "as p000000.wav and .json"
            )

        say(f"training the classifier on {min(PIECES, len(training.names))} pieces")
        classifier = MusicClassifier.train(training, change=through(prepared, FAST))
        accuracy = trials.classifier_accuracy(classifier, held_out)
        facts["classifier right on held-out pieces, %"] = {name: round(value) for name, value in accuracy.items()}
        after_codec = trials.classifier_accuracy(classifier, held_out, reconstruct)
        facts["classifier right on the same after the codec, %"] = {name: round(value) for name, value in after_codec.items()}
        say("coding held-out pieces")
        results += codec_trial(prepared, held_out)
    say(f"playing {count} prompts as chorus and intro")
    results += trials.prompt_trial(model, draw_prompts(count), classifier, accuracy)
    say(f"playing {count} prompts, measuring loudness, peaks and width")
    results += sound_trials.sound_trial(model, draw_prompts(count))
    say("measuring what comes and goes")
    results += music_trials.steadiness_trial(model, draw_prompts(count))
    if classifier is not None:
        say("continuing held-out pieces")
        results += continuation_trials.continuation_trial(model, held_out, classifier, count)
        say("changing held-out pieces")
        results += continuation_trials.edit_trial(model, held_out, classifier, count)
        say("playing held-out captions")
        results.append(trials.distribution_trial(model, held_out, classifier, count, reconstruct))
        say("playing one prompt with several seeds")
        results.append(sound_trials.diversity_trial(model, draw_prompts(count), classifier, held_out))
        results += music_trials.variety_trial(model, draw_prompts(count), held_out)
    else:
        results.append(Result("style, drums, codec, continuation, Fréchet distance", None, note="give --corpus"))
    if options.loops is not None:
        say("continuing recorded loops")
        results += continuation_trials.loop_trial(model, options.loops, reconstruct)
    if options.recordings is not None:
        say("continuing clips of recordings")
        results += recorded_trials.recorded_trial(model, options.recordings, count)
    if options.long is not None:
        say(f"playing {options.long:g} minutes")
        results += trials.long_form_trial(model, 60 * options.long)
    return results + trials.speed_trial(model, paths), facts
