"""What waits for a host's bar or loop is on the audio device at that sample position, on a real JACK server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from bridge.osc.replies import Done, Fail
from tests.bridge.conftest import RunningDaemon, wait_for
from tests.jack import DEVICE, Listener

pytestmark = pytest.mark.realtime

RATE, BLOCK, BPM = 48_000, 1024, 120.0
LATENCY = BLOCK  # frames from the listener to the device: of a port two blocks, less one of the monitor (jack_lsp -l)


class Host:
    """Tells its transport twice a second, as a device in a DAW does: bars of two seconds, from beat 0 at `begun` on."""

    def __init__(self, daemon: RunningDaemon, loop: tuple[float, float] | None = None):
        self._client, self._loop, self._end = daemon.client(), loop, threading.Event()
        self._thread = threading.Thread(target=self._tell)
        self.late_s = 0.0  # that the daemon may have heard it, on a busy machine

    def __enter__(self) -> Host:
        self.begun = time.monotonic()
        self._thread.start()
        time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self._client.close()

    def beat(self) -> float:
        beat = (time.monotonic() - self.begun) * BPM / 60
        if self._loop is None or beat < self._loop[1]:
            return beat
        start, end = self._loop
        return start + (beat - end) % (end - start)

    def _tell(self) -> None:
        loop = {} if self._loop is None else {"loop_start_beats": self._loop[0], "loop_end_beats": self._loop[1]}
        while not self._end.wait(0.5):
            began_at = time.monotonic()
            self._client.tell_transport(BPM, self.beat(), True, beats_per_bar=4, **loop)
            self.late_s = max(self.late_s, time.monotonic() - began_at)


@pytest.fixture
def playing(jack_server, start_daemon) -> Iterator[tuple[RunningDaemon, Listener]]:
    jack_server.start(RATE, BLOCK)
    daemon = start_daemon(audio_device=DEVICE)
    with Listener(jack_server) as listener, daemon.client() as client:
        wait_for(lambda: client.status().pairs["audio_device"].startswith("system"))
        yield daemon, listener


def begins(listener: Listener, client, begun: float) -> float:
    """When the next sound begins, in seconds of the host's song, by the server's frames."""
    wait_for(lambda: np.abs(listener.captured()[:, 0]).max(initial=0) > 0.01)
    began_at = listener.frame_at(begun)  # now: on a busy machine the server's frames and its clock part
    wait_for(lambda: client.status().pairs["playing"] == 0, patience_s=30)
    captured = listener.captured()[:, 0]
    frame = listener.first_frame + int(np.flatnonzero(np.abs(captured) > 1e-4)[0])
    return (frame + LATENCY - began_at) / RATE


def is_on_time(off_s: float, host: Host) -> bool:
    """Within a block; the daemon knows the host's song as late as its messages come."""
    return -BLOCK <= off_s * RATE <= BLOCK + host.late_s * RATE


def test_a_result_is_on_the_device_at_the_bar_line(playing):
    daemon, listener = playing
    with Host(daemon) as host, daemon.client() as client:
        wait_for(lambda: client.status().pairs.get("transport") == "playing")
        on_time = 0
        for _ in range(5):  # a busy machine may hold the server up, but not most of the time
            listener.forget()
            done = list(client.generate("tune", duration_s=0.5, start="bar", play=1))[-1]
            assert isinstance(done, Done)
            at_s = begins(listener, client, host.begun)
            on_time += is_on_time(at_s - 2 * round(at_s / 2), host) and done.pairs["bar"] == round(at_s / 2) + 1
            time.sleep(0.37)
        assert on_time >= 3


def test_a_result_begins_with_the_hosts_loop_and_is_as_long(playing):
    daemon, listener = playing
    with Host(daemon, loop=(4.0, 10.0)) as host, daemon.client() as client:  # from bar 2 on, one and a half bars
        wait_for(lambda: client.status().pairs.get("transport") == "playing")
        on_time = 0
        for _ in range(3):
            listener.forget()
            done = list(client.generate("tune", start="next_loop", play=1))[-1]
            assert isinstance(done, Done) and done.duration_s == pytest.approx(3.0) and done.pairs["bar"] == 2
            at_s = begins(listener, client, host.begun)
            rounds = (at_s - 5.0) / 3.0  # it goes back at beat 10, then every six beats
            on_time += is_on_time((rounds - round(rounds)) * 3.0, host)
        assert on_time >= 2


def test_without_a_loop_there_is_no_next_one(start_daemon):
    daemon = start_daemon()
    with Host(daemon), daemon.client() as client:
        wait_for(lambda: client.status().pairs.get("transport") == "playing")
        (fail,) = client.generate("tune", start="next_loop")
        assert isinstance(fail, Fail) and fail.code == "no_clock" and "loop_start_beats" in fail.message
