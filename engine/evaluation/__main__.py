"""`python -m engine.evaluation sketch`: a model against its bars and beside InspireMusic's paper, as one HTML report.

`--quick` takes minutes, the whole hours. Without a corpus (see engine.corpus.render) no classifier is trained, and reference
clips are recordings that are given, or rendered.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, replace
from pathlib import Path

from engine.api import EngineError
from engine.evaluation.results import Result
from engine.evaluation.sections import Section

PARTS = ("targets", "paper", "long")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m engine.evaluation", description="Measures a model against its bars.")
    parser.add_argument("model", help="a model's name or directory")
    parser.add_argument("--quick", action="store_true", help="less of everything: minutes, not hours")
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=list(PARTS),
        help="targets: each measure against its bar; paper: the paper's experiments; long: drift and repetition in a long piece",
    )  # fmt: skip
    parser.add_argument("--prompts", type=int, help="that are played (20; with --quick 4)")
    parser.add_argument("--corpus", type=Path, help="the corpus the model was trained on, with its held-out pieces")
    parser.add_argument("--loops", type=Path, help="a folder of recorded loops to continue")
    parser.add_argument("--recordings", type=Path, help="a folder of recorded and produced music, of which clips are continued")
    parser.add_argument(
        "--decode", choices=("full", "fast"), help="the path that prompts and clips are played on (full, where there is one)"
    )
    parser.add_argument("--long", type=float, metavar="MINUTES", help="play one piece of this length too (8 is the bar)")
    parser.add_argument("--beside", nargs="+", default=[], metavar="MODEL", help="play the prompts with these too: MusicGen …")
    parser.add_argument("--clap", type=Path, metavar="FOLDER", help="a CLAP model, to score prompts by")
    parser.add_argument("--openl3", action="store_true", help="Fréchet distance on openl3, where that package is installed")
    parser.add_argument("--passt", action="store_true", help="divergence on PaSST, where hear21passt is installed")
    parser.add_argument("--paper", type=Path, metavar="FILE", help="the paper's figures, a JSON object of row and figure")
    parser.add_argument(
        "--report", type=Path, default=Path("evaluation"),
        help="write report.html, results.json, report.md and evaluation.png into this folder (evaluation); "
        "a run that was stopped goes on there with what it has played",
    )  # fmt: skip
    parser.add_argument("--keep-takes", action="store_true", help="leave what was played in the report's folder, to hear it")
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
    from engine.evaluation import html_report, long_form_trial, paper, paper_trials, plots, report
    from engine.evaluation.prompts import draw_prompts
    from engine.evaluation.references import reference_clips
    from engine.evaluation.scores import scorers
    from engine.evaluation.takes import TakeFolder
    from engine.evaluation.targets import target_trials
    from engine.evaluation.trials import ModelUnderTest
    from engine.pipeline import create_engine

    scale = paper_trials.QUICK if options.quick else paper_trials.Scale()
    scale = scale if options.prompts is None else replace(scale, prompts=options.prompts)
    plots.new_figure(1, 1)  # says at once that matplotlib is missing
    scored, figures = scorers(options.clap, options.openl3, options.passt), paper.figures(options.paper)
    prepared = prepare(load_checkpoint(options.model), choose_runtime())
    paths = ("fast",) if prepared.checkpoint.flow is None else ("full", "fast")
    decode = options.decode or paths[0]
    engine = create_engine()
    loaded = engine.load(options.model)
    takes = TakeFolder(options.report / "takes", loaded.weights, loaded.device)
    if len(takes):
        _say(f"going on with {len(takes)} takes that are in {takes.folder}; remove it to play everything anew")
    model = ModelUnderTest(engine, options.model, decode, prepared.checkpoint.config.guidance, takes)
    facts = asdict(loaded) | {"decode": decode, "prompts": scale.prompts}
    facts.pop("paces")
    results: list[Result] = []
    sections = [Section("The paper's models", paper.NOTES, [paper.variants(), paper.musicgen()])]
    if "targets" in options.parts:
        results, learnt = target_trials(model, prepared, paths, scale.prompts, options, _say)
        facts |= learnt
        sections.append(html_report.targets(results, scale.prompts))
        print(report.table(results))
    if "paper" in options.parts:
        _say("getting reference clips")
        clips, origin = reference_clips(
            scale.references, scale.reference_s, corpus=options.corpus, recordings=options.recordings
        )
        facts["reference clips"] = origin
        comparison = paper_trials.Comparison(scale, clips, scored, figures)
        prompts = draw_prompts(scale.prompts)
        sections += paper_trials.paper_sections(prepared, model, prompts, comparison, paths, _say)
        if options.beside:
            _say("playing other models")
            sections.append(paper_trials.baseline_trial(model, prompts, comparison, options.beside))
    if "long" in options.parts:
        seconds = scale.long_s if options.long is None else 60 * options.long
        _say(f"playing {seconds / 60:g} minutes, measured over time")
        sections.append(long_form_trial.long_form_section(model, seconds))
        sections.append(long_form_trial.drift_section(model, scale, paths, _say))
    report.write(options.report, results, facts)
    html_report.write(options.report / "report.html", facts["model"], facts, sections)
    if not options.keep_takes:
        takes.remove()
    _say(f"written: {options.report / 'report.html'}")
    return 0


def _say(what: str) -> None:
    print(f"{what} …", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
