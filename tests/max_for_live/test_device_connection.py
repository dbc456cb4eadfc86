"""The device finds its daemon: later, again, on another port, beside another device, or says why it cannot."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import pytest
import soundfile

from bridge.osc import codec
from tests.max_for_live.conftest import wait_until


def _made(device) -> Path:
    """The file that the device loaded when its job was done."""
    return Path(device.shown["result_sound replace"][0])


def test_a_daemon_that_comes_later_is_found(start_daemon, put_on_track):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    device = put_on_track(port, prompt="pad")
    device.until("no daemon: in a terminal type  inspire serve")
    device.press("go")
    device.until("there is no daemon")
    start_daemon(port=port)
    device.until("ready")
    device.press("go")
    device.until("done")
    assert soundfile.info(str(_made(device))).frames > 0


def test_a_daemon_that_is_killed_and_started_anew_is_found_again(start_daemon, put_on_track):
    first = start_daemon()
    device = put_on_track(first.port, prompt="slow pad")
    device.until("ready")
    device.turn("auto_place", 0)
    device.press("go")
    device.until("making bar 1")
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()
    device.until("the daemon is gone")
    start_daemon(port=first.port, state_folder=first.home / "state", folder=first.folder)
    device.until("not made:")
    device.do("prompt", text="pad")
    device.press("go")
    device.until("done")
    assert soundfile.info(str(_made(device))).frames > 0


def test_two_devices_make_one_after_the_other_and_receive_only_their_own(daemon, put_on_track):
    one, two = put_on_track(daemon.port, prompt="slow one"), put_on_track(daemon.port, prompt="two")
    for device in (one, two):
        device.until("ready")
        device.turn("auto_place", 0)
        device.turn("bars", 1)
    one.press("go")
    one.until("making")
    two.press("go")
    two.until("waiting")
    one.until("done")
    two.until("done")
    assert _made(one) != _made(two)
    ids = [{command[1] for command in device.commands if command[0] == "/inspire/generate"} for device in (one, two)]
    assert len(ids[0]) == len(ids[1]) == 1 and ids[0] != ids[1]


def test_a_port_that_another_program_holds_is_left_for_the_next(daemon, put_on_track):
    held = []
    try:
        for port in range(18_800, 18_803):  # all but some of those it may choose from
            held.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            held[-1].bind(("127.0.0.1", port))
        device = put_on_track(daemon.port, first_port=18_800, ports=6)
        device.until("ready")
        assert device.ports[-1] >= 18_803
    finally:
        for one in held:
            one.close()


def test_a_job_whose_end_was_lost_is_found_by_asking(daemon, put_on_track):
    device = put_on_track(daemon.port, prompt="slow pad")
    device.until("ready")
    device.turn("auto_place", 0)
    device.turn("bars", 1)
    device.turn("takes", 1)
    device.press("go")
    device.until("making")
    device.do("deaf", on=True)
    (job,) = {command[1] for command in device.commands if command[0] == "/inspire/generate"}
    with daemon.client() as client:
        wait_until(lambda: client.status(job).state == "done")
    time.sleep(0.5)
    assert not device.status.startswith("done")
    device.do("deaf", on=False)
    device.until("done")
    device.do("control", message=["take", 1])
    wait_until(lambda: _made(device).name.endswith(".2.wav"))  # its second take was found too


@pytest.mark.parametrize(
    ("code", "words"),
    [("protocol", "daemon and device do not match"), ("token", "this daemon asks for a token")],
)
def test_a_daemon_that_it_cannot_speak_to_is_named(put_on_track, code, words):
    """A daemon of another protocol version does not exist yet: its answer does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as foreign:
        foreign.bind(("127.0.0.1", 0))
        foreign.settimeout(30)
        device = put_on_track(foreign.getsockname()[1])
        address, (id, *values) = codec.decode(foreign.recv(2048))
        assert address == "/inspire/hello"
        pairs = dict(zip(values[2::2], values[3::2], strict=True))
        wait_until(lambda: device.ports)
        foreign.sendto(codec.encode("/inspire/fail", [id, code, "no"]), ("127.0.0.1", int(pairs["reply_port"])))
        foreign.sendto(codec.encode("/inspire/fail", [id, code, "no"]), ("127.0.0.1", device.ports[-1]))
        device.until(words)
