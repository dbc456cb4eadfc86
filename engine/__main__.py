"""`python -m engine "dub techno, 124 bpm, A minor" -o out.wav`: one piece of music without daemon or DAW."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from pathlib import Path

import soundfile
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from engine.api import AudioChunk, EngineError, Finished, GenerationRequest
from engine.api import Progress as Made


def main(arguments: list[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):  # a pipe's encoding may lack a letter, a file's name may have none
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    try:
        request = GenerationRequest(
            prompt=options.prompt or "",
            clip=options.clip or options.upsample or options.reconstruct,
            seed=options.seed,
            key=options.key,
            bpm=options.bpm,
            bars=options.bars,
            duration_s=options.seconds,
            section=options.section,
            guidance=options.guidance,
            top_k=options.top_k,
            temperature=options.temperature,
            decode="fast" if options.fast else "full",
            model=options.model,
            join="new" if options.only_new else "append",
            from_s=options.from_s,
            context_s=options.context_s,
            variations=options.variations,
            width=options.width,
            task="upsample" if options.upsample else "reconstruct" if options.reconstruct else "music",
        )
        return _run(request, options.output, console)
    except EngineError as error:
        console.print(f"[red]{error.code}[/red]: {error}", highlight=False)
        return 2


def _run(request: GenerationRequest, output: Path, console: Console) -> int:
    from engine.pipeline import create_engine  # torch loads here, after the request has been found good

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.1f}/{task.total:.1f} s"),
        TimeElapsedColumn(),
    )
    paths = _paths(output, request.variations)
    files: dict[int, soundfile.SoundFile] = {}
    finished: Finished | None = None
    try:
        with contextlib.ExitStack() as opened, Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("loading", total=request.seconds)
            for event in create_engine().generate(request):
                match event:
                    case Made():
                        bar.update(task, description=event.phase, completed=event.done_s)
                    case AudioChunk():
                        number = event.variation
                        if number not in files:
                            files[number] = opened.enter_context(_open(paths[number - 1], event))
                        files[number].write(event.samples)
                        files[number].flush()
                    case Finished():
                        finished = event
    except KeyboardInterrupt:
        made = ", ".join(str(paths[number - 1]) for number in sorted(files))
        console.print(f"stopped: {made} holds what was made so far" if made else "stopped before the first sound")
        return 130
    assert finished is not None, "a generation ends with Finished"
    for path, result in zip(paths, finished.report.variations, strict=True):
        console.print(
            f"{path}  {result.frames / finished.samplerate:.2f} s at {finished.samplerate} Hz, seed {result.seed}, "
            f"{result.bpm or '?'} bpm, {result.key or '?'}, rtf {finished.report.rtf}",
            highlight=False,
        )
    return 0


def _paths(output: Path, variations: int) -> list[Path]:
    """name.wav, or of several name.1.wav, name.2.wav …"""
    if variations == 1:
        return [output]
    return [output.with_name(f"{output.stem}.{number}{output.suffix}") for number in range(1, variations + 1)]


def _open(output: Path, chunk: AudioChunk) -> soundfile.SoundFile:
    try:
        return soundfile.SoundFile(output, "w", chunk.samplerate, chunk.samples.shape[1], subtype="PCM_24")
    except (soundfile.LibsndfileError, OSError, TypeError) as error:
        raise EngineError(f"cannot write {output}: {error}; choose another place with -o, ending in .wav or .flac") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engine", description="Makes a piece of music from words, or continues a clip."
    )
    parser.add_argument("prompt", nargs="?", help='what to play, such as "dub techno, 124 bpm, A minor"')
    recording = parser.add_mutually_exclusive_group()
    recording.add_argument("--continue", dest="clip", metavar="CLIP", help="the recording to go on from")
    recording.add_argument("--upsample", metavar="CLIP", help="the recording to give its missing highs, at 48 kHz")
    recording.add_argument("--reconstruct", metavar="CLIP", help="the recording to send through the model's codec and back")
    parser.add_argument("-o", "--output", type=Path, default=Path("out.wav"))
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, help="length of the new audio (10)")
    length.add_argument("--bars", type=int, help="length in bars, needs --bpm")
    parser.add_argument("--bpm", type=float)
    parser.add_argument("--key", help="such as 'F# minor'")
    parser.add_argument("--section", default="verse", help="intro, verse, chorus, verse2 or outro")
    parser.add_argument("--from", dest="from_s", type=float, help="continue from this second of the clip instead of its end")
    parser.add_argument("--context", dest="context_s", type=float, help="seconds of the clip the model reads")
    parser.add_argument("--only-new", action="store_true", help="write only the new part, not the clip before it")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--variations", type=int, default=1, help="so many at once: out.1.wav, out.2.wav …")
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--top-k", type=int)
    parser.add_argument("--temperature", type=float)
    parser.add_argument("--width", type=float, help="of a prompt's stereo, 0 (mono) to 1")
    parser.add_argument("--fast", action="store_true", help="24 kHz straight from the tokens, without flow matching")
    parser.add_argument("--model", default="sketch", help="a model's name or directory")
    return parser


if __name__ == "__main__":
    sys.exit(main())
