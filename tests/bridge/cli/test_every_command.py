"""What holds for all commands of `inspire`: --json, exit codes, help. In this process, with a real daemon."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable

import pytest
import soundfile
import typer

from bridge import cli
from bridge.osc.replies import Chunk
from tests.bridge.conftest import RunningDaemon, daemon_environment

ALIASES = {"ideas", "quit", "preset save"}  # of sketch, stop and save
NO_REPORT = {"serve", "keep", "delete", "midi forget"}  # these do something, and say nothing when it is done
OF_MODELS = {"models pull", "models verify", "models remove"}
WITHOUT_DAEMON = {"serve", "presets", "models", "train", "doctor", "settings", "osc", *OF_MODELS}
TRIED_ELSEWHERE = {"serve", "train", "doctor", "midi learn", "midi forget", "play", *OF_MODELS}  # in tests of their own


def walk(group, *names: str) -> dict[str, object]:
    """Commands by their words; a group that is a command too stands for itself."""
    found = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= walk(command, *names, name)
        if not hasattr(command, "commands") or command.invoke_without_command:
            found[" ".join((*names, name))] = command
    return found


COMMANDS = walk(typer.main.get_command(cli.app))
ARGUMENTS = {  # the least that a command needs
    "continue": ["loop.wav"], "again": ["made"], "keep": ["made"], "delete": ["made"], "play": ["made"], "sketch": ["Swing"],
    "arrange": ["a:1"], "fill": ["loop.wav", "0.2", "0.7"],
    "ideas": ["Swing"], "preset save": ["Mine", "made"],
    "save": ["Mine", "made"], "train": ["--on", "x"], "midi learn": ["generate"], "midi forget": ["note"],
    "upsample": ["loop.wav"], "reconstruct": ["loop.wav"], "models pull": ["Base"], "models remove": ["mine"],
}  # fmt: skip


def options(name: str) -> set[str]:
    return {option for parameter in COMMANDS[name].params for option in parameter.opts}


@pytest.fixture
def home(monkeypatch, tmp_path) -> Callable[[dict[str, str]], None]:
    """Makes an environment ours."""

    def settle(environment: dict[str, str]) -> None:
        for name in {name for name in environment if name.startswith("INSPIRE_")}:
            monkeypatch.setenv(name, environment[name])

    return settle


@pytest.mark.parametrize("name", COMMANDS)
def test_whatever_reports_has_json_and_everything_has_help(call, name):
    assert ("--json" in options(name)) == (name not in NO_REPORT)
    code, reported, _ = call(*name.split(), "--help")
    assert code == 0 and "Usage" in reported and COMMANDS[name].help.split()[0] in reported


@pytest.mark.parametrize("name", COMMANDS)
def test_wrong_usage_is_2(call, name):
    code, _, reported = call(*name.split(), "--no-such-option")
    assert code == 2 and "no-such-option" in reported


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - WITHOUT_DAEMON))
def test_no_daemon_is_3(call, home, name, tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        home(daemon_environment(tmp_path, port=probe.getsockname()[1]))
    once = [option for option in ("--no-start", "--once") if option in options(name)]
    code, said, reported = call(*name.split(), *ARGUMENTS.get(name, []), *once)
    assert code == 3 and said == "" and "inspire serve" in reported


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {"serve", "osc", "train"}))
def test_a_wrong_setting_is_2(call, home, name, tmp_path):
    home(daemon_environment(tmp_path, prebuffer_s=-1))
    code, said, reported = call(*name.split(), *ARGUMENTS.get(name, []))
    assert code == 2 and said == "" and "prebuffer_s is '-1.0'" in reported and "INSPIRE_PREBUFFER_S" in reported


def test_json_and_exit_codes_of_what_works(call, home, start_daemon, tmp_path):
    daemon: RunningDaemon = start_daemon()
    home(daemon.environment | {"INSPIRE_PORT": str(daemon.port)})
    clip = tmp_path / "loop.wav"
    soundfile.write(clip, [0.0] * 24_000, 24_000)
    tried = set()

    def works(name: str, *words: str) -> list[dict]:
        tried.add(name)
        code, said, reported = call(*name.split(), *words, *(["--json"] if "--json" in options(name) else []))
        assert code == 0 and reported == "", reported
        lines = [json.loads(line) for line in said.splitlines()]
        assert bool(lines) == (name not in NO_REPORT)
        return lines

    with daemon.client() as client:
        list(client.generate("tune", id="made", duration_s=0.5))
        assert works("generate", "tune", "--duration", "0.5")[-1]["event"] == "done"
        assert works("arrange", "a:1 b:1", "--prompt", "tune", "--bpm", "240")[-1]["duration_s"] == 2
        assert works("estimate", "tune", "--duration", "1")[0]["new_s"] == 1
        assert works("continue", str(clip), "--duration", "0.5")[-1]["event"] == "done"
        assert works("again", "made")[-1]["event"] == "done"
        assert works("fill", str(clip), "0.2", "0.7")[-1]["duration_s"] == 1.0
        assert works("sketch", "Swing", "--duration", "0.5", "--variations", "2")[-1]["others"]
        assert len(works("history")) == 7 and len(works("history", "SWING", "jazz")) == 1
        assert works("history", "--no-kept") and call("history", "--kept", "--json") == (0, "", "")
        assert call("history", "tune", "polka")[:2] == (0, "") and "nothing" in call("history", "polka")[2]
        for result in daemon.folder.glob("swing*.wav"):
            result.unlink()
        assert call("history", "swing")[1].count("wav  (gone)") == 2 and "(gone)" not in call("history", "tune")[1]
        for task in ("upsample", "reconstruct"):
            assert works(task, str(clip))[-1]["event"] == "done"
        works("keep", "made")
        assert [line["job"] for line in works("history", "--kept")] == ["made"]
        assert works("save", "My tune", "made") == [{"name": "My tune", "bank": "user"}]
        assert {line["name"]: line.get("prompt") for line in works("presets", "--bank", "user")} == {"My tune": "tune"}
        works("delete", "made")
        events = client.generate("slow tune", id="slow", duration_s=100)
        while not isinstance(next(events), Chunk):
            pass
        assert works("jobs")[0]["client"].startswith("127.0.0.1")
        assert works("monitor", "--once")[0]["job"]["job"] == "slow"
        assert works("status", "slow")[0]["state"] == "running"
        assert works("cancel") == [{"cancelled": "slow"}]
        list(events)
    assert works("pause") == [{"paused": 1}] and works("resume") == [{"paused": 0}]
    assert works("ping")[0]["protocol"] and works("presets")[0]["bank"] and works("models")[0]["default"]
    assert {line["name"]: line["value"] for line in works("settings")}["port"] == daemon.port
    works("osc")
    assert call("midi", "--json") == (0, "", "")  # it reports what is bound: nothing yet
    assert works("stop") == [{"ending": 1}]
    assert tried | {"midi"} == COMMANDS.keys() - TRIED_ELSEWHERE - ALIASES


@pytest.mark.parametrize(
    "words",
    [
        ("generate", "refuse this"), ("generate", "tune", "--duration", "-3"), ("generate", "--preset", "no such"),
        ("fill", "/nowhere/loop.wav", "1", "2"), ("fill", "/nowhere/loop.wav"),
        ("continue", "/nowhere/loop.wav"), ("again", "nobody"), ("sketch", "no such"), ("cancel", "nobody"), ("cancel",),
        ("status", "nobody"), ("keep", "nobody"), ("save", "Mine", "nobody"), ("delete", "nobody"),
        ("history", "--since", "yesterday"),
        ("history", "--until", "2026-13"),
        ("midi", "learn", "dance"), ("midi", "forget", "note"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_fails_is_1_and_a_sentence(call, home, daemon, words):
    home(daemon.environment | {"INSPIRE_PORT": str(daemon.port)})
    code, said, error = call(*words)
    assert code == 1 and said == "" and len(error.split()) > 3 and "Traceback" not in error and "play the note" not in error


def test_a_daemon_that_is_slow_to_start_is_not_said_to_have_failed(call, home, tmp_path, monkeypatch):
    started, start = [], subprocess.Popen
    monkeypatch.setattr("bridge.cli.connection._START_PATIENCE_S", 0.0)
    monkeypatch.setattr(subprocess, "Popen", lambda *what, **how: started.append(start(*what, **how)) or started[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        home(daemon_environment(tmp_path, port=silent.getsockname()[1]))
        code, said, reported = call("generate", "tune")
        assert code == 3 and said == "" and "try again" in reported
        started[0].wait(60)  # it ends by itself: the port is taken
