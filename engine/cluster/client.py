"""`engine.api.Engine` for an engine that `python -m engine.cluster` serves elsewhere. Needs neither torch nor Ray.

The clip is sent along; events come back while they are made. A connection that breaks, or on which nothing comes for a while, is
a failure of that job with the code `engine_died`: what came until then is whole, and the next job may reach another replica.
"""

from __future__ import annotations

import http.client
import json
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from engine.api import Event, Finished, GenerationRequest, ModelReport, resolve_clip
from engine.cluster import wire
from engine.cluster.access import TOKEN

SILENCE_S = 30.0
LOAD_S = 600.0  # a large model from a slow disk
_ASK_EVERY_S = 0.05
_DIED = "engine_died"


def create_engine(address: str) -> ClusterEngine:
    return ClusterEngine(address)


class ClusterEngine:
    """address: such as http://gpu-box:8000."""

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")
        parts = urlsplit(self._address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise wire.RemoteError(f"{address} is no engine's address: give one such as http://gpu-box:8000", "settings")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connect: Callable[[float], http.client.HTTPConnection] = lambda seconds: kind(parts.netloc, timeout=seconds)
        self._path = parts.path
        self.replica = ""  # who worked on the last generation: process and machine
        self._headers = {"Authorization": f"Bearer {token}"} if (token := os.environ.get(TOKEN)) else {}

    def load(self, model: str) -> ModelReport:
        """By the name that it has there. Raises EngineError."""
        with self._answer("/load", wire.pack({"model": model}), LOAD_S) as response:
            message, _ = wire.unpack(_reader(response))
            if message["type"] == "failed":
                raise wire.RemoteError(message["message"], message["code"])
            report: dict[str, Any] = message["model"]
            return ModelReport(**report)

    def generate(self, request: GenerationRequest, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Event]:
        run, clip = uuid.uuid4().hex, b""
        values = asdict(request)
        if request.clip is not None:
            path = resolve_clip(request.clip)
            clip, values["clip"] = path.read_bytes(), path.name
        with self._answer("/generate", wire.pack({"run": run, "request": values}, clip), SILENCE_S) as response, self._watching(
            run, cancelled
        ):
            read = _reader(response)
            while True:
                message, content = wire.unpack(read)
                self.replica = message.get("replica", self.replica)
                event = wire.decode(message, content)
                if isinstance(event, wire.RemoteError):
                    raise event
                if event is not None:
                    yield event
                if isinstance(event, Finished):
                    return

    @contextmanager
    def _watching(self, run: str, cancelled: Callable[[], bool]) -> Iterator[None]:
        """Tells the other side of a cancel, as soon as there is one, while this one waits for events."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(_ASK_EVERY_S):
                if cancelled():
                    try:
                        with self._answer("/cancel", wire.pack({"run": run}), SILENCE_S):
                            return
                    except wire.RemoteError:
                        return  # the run's own connection fails too, and says so

        watcher = threading.Thread(target=watch, name="cancel", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()

    @contextmanager
    def _answer(self, path: str, body: bytes, seconds: float) -> Iterator[http.client.HTTPResponse]:
        """A successful answer; whatever breaks while it is read becomes one sentence."""
        connection, began = self._connect(seconds), False
        try:
            connection.request("POST", self._path + path, body, self._headers)
            response = connection.getresponse()
            if response.status != 200:
                raise wire.RemoteError(*_refusal(response, self._address))
            began = True
            yield response
        except (OSError, EOFError, http.client.HTTPException) as error:
            said = f"{type(error).__name__}: {error}".rstrip(": ")[:200]
            if began:
                text = f"the engine at {self._address} died or was lost in the middle ({said}); what it had made is kept"
                raise wire.RemoteError(f"{text}, the next job may reach another", _DIED) from None
            text = f"the engine at {self._address} cannot be reached ({said}): start it there with python -m engine.cluster"
            raise wire.RemoteError(text, "engine_error") from None
        except (ValueError, KeyError, TypeError) as error:
            text = f"{self._address} does not answer as an engine ({error}): both sides need the same version"
            raise wire.RemoteError(text, "engine_error") from None
        finally:
            connection.close()


def _reader(response: http.client.HTTPResponse) -> Callable[[int], bytes]:
    def read(count: int) -> bytes:
        found = response.read(count)
        if len(found) < count:
            raise EOFError("the answer ended early")
        return found

    return read


def _refusal(response: http.client.HTTPResponse, address: str) -> tuple[str, str]:
    """The message and code of an answer that is no success."""
    text = response.read(2000).decode("utf-8", "replace")
    try:
        said = json.loads(text)
        return str(said["message"]), str(said["code"])
    except (ValueError, KeyError, TypeError):
        one_line = " ".join(text.split())[:200]
        return f"the engine at {address} answered {response.status}: {one_line}; its log has the details", _DIED
