"""A JACK server of our own on no hardware, and an ear on what it plays."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import numpy as np

DEVICE = "system, JACK"  # as PortAudio names the server's own outputs
ENVIRONMENT = {"JACK_NO_AUDIO_RESERVATION": "1", "JACK_NO_START_SERVER": "1"}


class JackServer:
    """`jackd` with the dummy driver, in real time. Clients find it where JACK_DEFAULT_SERVER has its `name`."""

    def __init__(self, name: str, log: Path, playback_ports: int = 6):
        self.name = name
        self._log = log
        self._ports = playback_ports
        self._process: subprocess.Popen | None = None

    def start(self, samplerate: int, period: int = 1024) -> None:
        dummy = ["-d", "dummy", "-r", str(samplerate), "-p", str(period), "-P", str(self._ports), "-m"]
        with open(self._log, "ab") as log:
            command = ["jackd", "-n", self.name, "--no-realtime", *dummy]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **ENVIRONMENT})
        waiting = ["jack_wait", "-s", self.name, "-w", "-t", "60"]
        subprocess.run(waiting, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """As a crash would."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()
        for left in Path("/dev/shm").glob(f"jack*{self.name[-16:]}*"):  # by those that were killed
            left.unlink(missing_ok=True)


class Listener:
    """Records all that the server's outputs play, or with `direct` what is played to itself, while it is used as a context."""

    def __init__(self, server: JackServer, playback_ports: int = 6, direct: bool = False):
        import jack

        self.delay_s = 0.0  # of each block: a server that freewheels waits for its slowest client
        self._direct = direct
        self._client = jack.Client("listener", no_start_server=True, servername=server.name)
        self._ports = [self._client.inports.register(f"in_{number}") for number in range(1, playback_ports + 1)]
        self._blocks: list[np.ndarray] = []
        self.first_frame = 0  # of what was heard, on the server's own clock
        self._client.set_process_callback(self._receive)

    def __enter__(self) -> Listener:
        self._client.activate()
        for number, port in enumerate(() if self._direct else self._ports, 1):
            self._client.connect(f"system:monitor_{number}", port)
        return self

    def __exit__(self, *_) -> None:
        self._client.deactivate()
        self._client.close()

    def forget(self) -> None:
        self._blocks.clear()

    def freewheel(self, on: bool) -> None:
        """The server runs as fast as it can, not as its clock says."""
        self._client.set_freewheel(on)

    def frame_at(self, moment: float) -> float:
        """The server's frame at a moment of time.monotonic, which is near."""
        return self._client.frame_time + (moment - time.monotonic()) * self._client.samplerate

    def captured(self) -> np.ndarray:
        """So far: float32 (frames, playback ports)."""
        return np.concatenate([np.zeros((0, len(self._ports)), np.float32), *self._blocks])

    def _receive(self, _frames: int) -> None:
        """JACK's thread."""
        if self.delay_s:
            time.sleep(self.delay_s)
        if not self._blocks:
            self.first_frame = self._client.last_frame_time
        self._blocks.append(np.stack([port.get_array() for port in self._ports], axis=1))


def begun(captured: np.ndarray, channel: int = 0) -> np.ndarray:
    """From the first sample that is not silence on."""
    return captured[np.flatnonzero(captured[:, channel])[0] :]
