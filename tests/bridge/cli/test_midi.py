"""What MIDI does, in the terminal: listed, learnt and forgotten, from a daemon with a MIDI input of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

from tests.bridge.conftest import ROOT, RunningDaemon
from tests.bridge.midi.test_input import controller, note


def midi(daemon: RunningDaemon, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "bridge", "midi", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=daemon.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # in the background of a script it is ignored
    )  # fmt: skip


def test_the_terminal_lists_learns_and_forgets(learner, midi_port):
    learning = midi(learner, "learn", "generate", "--preset", "Funk", "--start", "bar")
    assert "play the note" in learning.stderr.readline()
    midi_port.send(note(36, 10))
    out, _ = learning.communicate(timeout=60)
    assert learning.returncode == 0 and out.strip() == 'note 36, channel 10  generate  preset = "Funk", start = "bar"'
    out, reported = midi(learner).communicate(timeout=60)
    assert "note 36, channel 10  generate" in out and "MIDI comes from socket:127.0.0.1:" in reported
    out, _ = midi(learner, "--json").communicate(timeout=60)
    values = 'preset = "Funk", start = "bar"'
    assert json.loads(out) == {"kind": "note", "action": "generate", "number": 36, "channel": 10, "values": values}
    forgetting = midi(learner, "forget", "note", "36", "--channel", "10")
    assert forgetting.communicate(timeout=60) == ("", "") and forgetting.returncode == 0
    forgetting = midi(learner, "forget", "note", "36")
    assert "does nothing: there are none" in forgetting.communicate(timeout=60)[1] and forgetting.returncode == 1


def test_ctrl_c_ends_a_learn(learner, midi_port):
    learning = midi(learner, "learn", "gain")
    assert "play the note" in learning.stderr.readline()
    learning.send_signal(signal.SIGINT)
    _, reported = learning.communicate(timeout=60)
    assert learning.returncode == 130 and "nothing was learnt" in reported and "Traceback" not in reported
    midi_port.send(controller(1, 9))
    assert learner.serves_on() and not (learner.home / "settings.toml").exists()


def test_without_an_input_there_is_nothing_to_learn_from(inspire_here):
    listed = inspire_here("midi")
    assert listed.stdout == "" and "MIDI comes from" in listed.stderr
    learnt = inspire_here("midi", "learn", "pause")
    assert learnt.returncode == 1 and "midi_in is not set" in learnt.stderr
