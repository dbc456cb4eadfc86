"""One end of a pipe between the daemon and a process of its own: JSON messages, some with audio. Nothing is pickled."""

from __future__ import annotations

import json
import threading
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]  # (frames, channels)


class Link:
    """Any thread may send; one thread receives. A lock keeps a message and its audio together."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._sending = threading.Lock()

    def send(self, message: dict[str, Any], samples: Samples | None = None) -> None:
        """`samples`: float32 (frames, channels). Raises OSError when the other end is gone."""
        if samples is not None:
            message = message | {"shape": samples.shape}
        with self._sending:
            self._connection.send_bytes(json.dumps(message).encode())
            if samples is not None:
                self._connection.send_bytes(np.ascontiguousarray(samples).data)

    def receive(self) -> tuple[dict[str, Any], Samples | None]:
        """The next message, waited for. Raises EOFError or OSError when the other end is gone."""
        message = json.loads(self._connection.recv_bytes())
        if "shape" not in message:
            return message, None
        return message, np.frombuffer(self._connection.recv_bytes(), np.float32).reshape(message["shape"])

    def close(self) -> None:
        self._connection.close()
