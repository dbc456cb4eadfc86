"""`inspire models` and what gets, verifies and removes them, as processes, from a server that speaks the hubs' protocols."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from engine.checkpoints.library import LOCK
from engine.checkpoints.published import PUBLISHED
from tests.bridge.conftest import ROOT, daemon_environment, wait_for
from tests.hub import COMMIT, NAME, REPOSITORY, SIZES, Hub, nowhere, release


@pytest.fixture
def hub():
    with Hub({REPOSITORY: release()}) as one:
        yield one
    assert not one.violations


@pytest.fixture
def environment(hub, tmp_path):
    hubs = {"HF_ENDPOINT": hub.address, "MODELSCOPE_DOMAIN": nowhere()}
    return daemon_environment(tmp_path, models_folder=tmp_path / "models") | hubs


def start(environment, *arguments):
    command = [sys.executable, "-m", "bridge", "models", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def models(environment, *arguments, code=0):
    process = start(environment, *arguments)
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, out + err
    return out, err


def test_the_list_says_what_is_to_be_had_and_whether_it_fits(environment, tmp_path):
    baseline = tmp_path / "models" / "stable-audio-open"
    baseline.mkdir(parents=True)
    (baseline / "model_index.json").write_text('{"_class_name": "StableAudioPipeline"}')
    out, _ = models(environment, "--json")
    reported = {one["name"]: one for one in map(json.loads, out.splitlines())}
    assert set(reported) == {"sketch", "stable-audio-open", *PUBLISHED}
    assert reported["stable-audio-open"]["kind"] == "stable-audio" and reported["sketch"]["licence"] == "Apache-2.0"
    assert reported["stable-audio-open"]["licence"].startswith("Stability AI Community License")
    assert reported["sketch"]["here"] and reported["sketch"]["samplerate"] == 48_000
    base = reported[NAME]
    assert not base["here"] and base["samplerate"] == 48_000 and base["licence"] == "Apache-2.0"
    assert base["what"] and "fits" in base and base["memory_bytes"] > base["bytes"]
    out, _ = models(environment)
    assert "  Stability AI Community License" in out
    assert all(f" {name} " in out for name in reported) and "to be had with 'inspire models pull NAME'" in out


def test_pull_verify_remove(environment, tmp_path):
    out, err = models(environment, "pull", "base")
    assert out.startswith(f"{tmp_path / 'models' / NAME}  whole: revision {COMMIT} of {REPOSITORY} (Hugging Face)")
    assert "its licence: apache-2.0" in err and "llm.pt: " in err and f"--model {NAME}" in err
    here = [json.loads(line) for line in models(environment, "--json")[0].splitlines()][1]
    assert here["here"] and here["kind"] == "released" and here["revision"] == COMMIT and here["samplerate"] == 48_000
    assert models(environment, "verify")[0] == f"{NAME}: as it was pulled\n"
    with (tmp_path / "models" / NAME / "llm.pt").open("r+b") as file:
        file.write(b"damage")
    out, _ = models(environment, "verify", NAME, code=1)
    assert "llm.pt has another content" in out and f"'inspire models pull {NAME}' mends it" in out
    reported = [json.loads(line) for line in models(environment, "pull", NAME, "--json")[0].splitlines()]
    assert reported[0]["event"] == "listed" and reported[-1] == {**reported[-1], "fetched": True, "revision": COMMIT}
    assert json.loads(models(environment, "remove", NAME, "--json")[0]) == {"removed": str(tmp_path / "models" / NAME)}
    assert not (tmp_path / "models" / NAME).exists()


def test_a_pull_killed_in_the_middle_goes_on(environment, hub, tmp_path):
    hub.slow_s = 0.002
    process = start(environment, "pull", NAME)
    wait_for(lambda: hub.sent > 15_000_000)
    process.kill()
    process.communicate()
    assert not (tmp_path / "models" / NAME).exists()
    assert f"({10:.0f} MB of it are here)" in models(environment)[0]  # the hub's client keeps ten megabytes at a time
    hub.slow_s, hub.sent, hub.ranges[:] = 0, 0, []
    models(environment, "pull", NAME)
    assert hub.ranges[0].startswith("bytes=10") and hub.sent < sum(SIZES.values()) - 9_000_000
    models(environment, "verify", NAME)


def test_ctrl_c_stops_a_pull_in_one_sentence(environment, hub, tmp_path):
    hub.slow_s = 0.002
    process = start(environment, "pull", NAME)
    wait_for(lambda: hub.sent > 11_000_000)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and err.splitlines()[-1] == "stopped; the same command goes on from here"
    assert "Traceback" not in err and not (tmp_path / "models" / NAME).exists()
    assert models(environment, "remove", NAME)[0].startswith("removed ")
    assert "of it are here" not in models(environment)[0]


def test_what_goes_wrong_is_one_sentence(environment, tmp_path):
    for arguments, said in [
        (("pull", "InspireMusic-Bass"), "no model 'InspireMusic-Bass' is published: did you mean InspireMusic-Base?"),
        (("pull", "1.5B"), "Hugging Face has no FunAudioLLM/InspireMusic-1.5B: it may have moved"),
        (("verify",), "no model here was pulled, so there is none to verify"),
        (("verify", "sketch"), "sketch came with the program and goes with it: there is nothing to verify or remove"),
        (("remove", "sketch"), "sketch came with the program and goes with it: there is nothing to verify or remove"),
    ]:
        _, err = models(environment, *arguments, code=1)
        assert err.startswith(said) and len(err.splitlines()) == 1, err
    _, err = models(environment | {"HF_ENDPOINT": nowhere()}, "pull", NAME, code=1)
    assert err.startswith("nothing was pulled: Hugging Face cannot be reached (") and len(err.splitlines()) == 1


def test_a_model_of_ones_own_is_not_removed_without_a_word(environment, tmp_path):
    own = tmp_path / "models" / "mine"
    own.mkdir(parents=True)
    (own / "model.json").write_text("{}")
    process = subprocess.run(
        [sys.executable, "-m", "bridge", "models", "remove", "mine"], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True,
    )  # fmt: skip
    assert process.returncode == 2 and "it cannot be had again: say --yes" in process.stderr and own.exists()
    models(environment, "remove", "mine", "--yes")
    assert not own.exists() and not os.path.exists(own / LOCK)
