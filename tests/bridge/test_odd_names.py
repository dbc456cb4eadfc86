"""File names in no encoding, addresses, quoted paths, pipes that lack letters: understood or shown, and never a traceback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.errors import MessageError
from bridge.osc.parsing import encode_command
from bridge.osc.replies import Done
from engine.api import ClipError, clip_text, resolve_clip
from tests.bridge.conftest import ROOT

LATIN_1 = os.fsdecode(b"caf\xe9.wav")


def write(path: Path) -> Path:
    soundfile.write(path.with_name("plain.wav"), 0.1 * np.ones(48_000), 48_000)
    if path.name != "plain.wav":
        shutil.copy(path.with_name("plain.wav"), os.fsencode(path))
    return path


@pytest.mark.parametrize("name", ["my loop.wav", "50% #1?.wav", "äöü.wav", "it's.wav", LATIN_1])
def test_a_clip_is_found_as_path_as_address_and_in_quotes(tmp_path, name):
    clip = write(tmp_path / name)
    for text in (
        str(clip),
        clip.as_uri(),
        clip.as_uri().replace("file://", "file://localhost"),
        f"'{clip}'",
        f'"{clip}"',
        f" {clip}\n",
    ):
        assert resolve_clip(text) == clip, text
    assert resolve_clip(str(clip).replace(" ", "\\ ").replace("'", "\\'")) == clip
    assert resolve_clip(clip_text(clip)) == clip and clip_text(clip).encode()


def test_quotes_that_belong_to_a_name_stay(tmp_path):
    clip = write(tmp_path / "'quoted'")
    assert resolve_clip(str(clip)) == clip


def test_an_address_leads_out_of_no_folder(tmp_path):
    inside = tmp_path / "clips"
    inside.mkdir()
    clip = write(tmp_path / "secret.wav")
    for text in (clip.as_uri(), f"'{clip}'", f"file://{inside}/../secret.wav", f"file://{inside}/%2e%2e/secret.wav"):
        with pytest.raises(ClipError, match="clips are read only from"):
            resolve_clip(text, (inside,))


@pytest.mark.parametrize("text", ["file://elsewhere/a.wav", "file:", "''", "file:///%00", "file:///%ff%fe"])
def test_an_address_that_leads_nowhere_is_one_sentence(text):
    with pytest.raises(ClipError, match="no such clip|not a file"):
        resolve_clip(text)


def test_text_in_no_encoding_is_rejected_in_one_sentence():
    with pytest.raises(MessageError, match="no text in UTF-8"):
        encode_command("/inspire/generate", "1", [os.fsdecode(b"caf\xe9")], {})


@pytest.mark.parametrize("name", ["my loop.wav", LATIN_1])
def test_a_daemon_continues_it(daemon, tmp_path, name):
    clip = write(tmp_path / name)
    with daemon.client() as client:
        for text in (clip.as_uri(), clip_text(clip)):
            done = list(client.continue_clip(text, duration_s=1.0))[-1]
            assert isinstance(done, Done), done
            reported = json.loads(Path(done.path).with_suffix(".json").read_text())
            assert resolve_clip(reported["source"]["path"]) == clip and reported["source"]["sha256"]


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_output_into_a_pipe_of_any_encoding(tmp_path, encoding):
    """Help, and an error that names a file in no encoding and in letters which the pipe lacks."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "HOME": str(tmp_path)}
    missing = os.fsencode(tmp_path / "曲") + b"\xe9.wav"
    for command in (
        ["bridge", "--help"],
        ["bridge", "generate", "--help"],
        ["engine", "--continue", missing],
        ["engine", "--help"],
    ):
        done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, timeout=120)
        assert b"Traceback" not in done.stderr and (done.stdout + done.stderr).strip(), command
    assert (
        b"no such clip"
        in subprocess.run(
            [sys.executable, "-m", "engine", "--continue", missing], cwd=ROOT, env=environment, capture_output=True, timeout=120
        ).stderr
    )


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_report_with_letters_that_the_pipe_lacks(encoding):
    program = (
        "from bridge.cli.consoles import out, report, write_any_text; write_any_text(); "
        "out.print('曲 ★ caf\\udce9'); report({}, '曲', False)"
    )
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, timeout=60)
    assert done.returncode == 0 and b"\\u66f2" in done.stdout, done.stderr
