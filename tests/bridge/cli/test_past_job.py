"""Which job a command means, and what it says of jobs: in processes of their own, with a real daemon."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.bridge.conftest import ROOT, RunningDaemon


def made(daemon: RunningDaemon, id: str, **pairs) -> str:
    with daemon.client() as client:
        return list(client.generate("tune", **{"id": id, "duration_s": 0.5, **pairs}))[-1].path


def test_last_a_path_and_an_id_name_a_job(inspire, daemon):
    path = Path(made(daemon, "named", seed=4))
    for word in ("last", str(path), f"file://{path}", str(path.with_suffix(".json")), path.name, "named"):
        assert json.loads(inspire("status", word, "--json").stdout)["job"] == "named", word
    assert "seed 4" in inspire("again", path.name, "-o", "once more").stderr
    assert inspire("keep", str(path)).returncode == 0
    assert [json.loads(line)["job"] for line in inspire("history", "--kept", "--json").stdout.splitlines()] == ["named"]
    assert inspire("save", "Of a path", str(path)).returncode == 0
    assert inspire("delete", str(path)).returncode == 0
    assert not path.exists()


def test_a_word_that_names_no_job_is_one_sentence(inspire, daemon, tmp_path):
    (tmp_path / "foreign.wav").touch()
    (tmp_path / "odd.wav").touch()
    (tmp_path / "odd.json").write_text('{"of": "another program"}')
    for word, reported in (("nobody", "no job has the id"), (str(tmp_path / "foreign.wav"), "there is none"),
                       (str(tmp_path / "odd.wav"), "does not name a job"), ("nowhere/x.wav", "there is none")):  # fmt: skip
        rejected = inspire("again", word)
        assert rejected.returncode == 1 and reported in rejected.stderr and "Traceback" not in rejected.stderr, word


def test_there_is_no_last_job_before_the_first(start_daemon):
    daemon = start_daemon()
    environment = daemon.environment | {"INSPIRE_PORT": str(daemon.port)}
    command = [sys.executable, "-m", "bridge", "again", "last"]
    rejected = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert rejected.returncode == 1 and "nothing was made yet" in rejected.stderr


def test_the_id_of_a_job_is_reported_and_can_be_used(inspire):
    reported = inspire("generate", "tune", "--duration-s", "0.5", "--path", "named").stderr
    id = next(line.removeprefix("job ") for line in reported.splitlines() if line.startswith("job "))
    assert json.loads(inspire("status", "last", "--json").stdout)["job"] == id
    assert inspire("again", id).returncode == 0


def test_play_says_why_nothing_is_played(inspire, daemon):
    made(daemon, "silent")
    rejected = inspire("play", "silent")
    assert rejected.returncode == 1 and "playing" not in rejected.stdout + rejected.stderr
    assert "audio device is none: switched off in the settings" in rejected.stderr


def test_what_only_looks_starts_no_daemon_and_says_so(inspire, tmp_path):
    for command in (["history"], ["jobs"], ["play", "last"]):
        own = {"INSPIRE_STATE_FOLDER": str(tmp_path / "state"), "INSPIRE_PORT": "1"}
        rejected = inspire(*command, **own)
        assert rejected.returncode == 3 and "none is started for this" in rejected.stderr, command
        assert not (tmp_path / "state").exists(), command


def test_what_keeps_a_daemon_from_starting_is_one_sentence(inspire, daemon, tmp_path):
    """Serving a port that is taken, and a home that is taken."""
    own = {"INSPIRE_STATE_FOLDER": str(tmp_path / "state")}
    tried = {
        "port": inspire("serve", "--port", str(daemon.port), **own),
        "home": inspire("serve", "--port", "0"),
    }
    for name, rejected in tried.items():
        errors = [line for line in rejected.stderr.splitlines() if line]
        assert rejected.returncode == 2 and "Traceback" not in rejected.stderr, (name, rejected.stderr)
        assert len(errors) == 1, (name, rejected.stderr)
