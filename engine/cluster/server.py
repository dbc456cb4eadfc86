"""The engine behind Ray Serve: replicas that each hold one, and a gateway that HTTP clients talk to.

`EngineReplica` one engine, one generation at a time, in a thread of its own.
`Gateway`       streams a replica's events to who asked, and passes a cancel on.
`Cancels`       a small Ray actor that replicas wait at: a request to a busy replica would wait until it is no longer busy.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import socket
import tempfile
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import ray
from ray import serve
from ray.exceptions import RayActorError
from ray.serve.exceptions import DeploymentUnavailableError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from engine.api import Engine, EngineError, GenerationRequest, request_from_mapping
from engine.cluster import wire
from engine.cluster.access import rejection

log = logging.getLogger(__name__)

_BODY = "application/octet-stream"
_LOST = "the replica that worked on it died; what it had made is kept, the next job runs on another"
_RUNS_KEPT = 1000  # more than there are at once


class Cancels:
    """Which runs are cancelled or over. An async actor: any number may wait."""

    def __init__(self) -> None:
        self._runs: dict[str, asyncio.Event] = {}

    async def wait(self, run: str) -> None:
        """Returns once the run is cancelled or over, also when that was before."""
        await self._event(run).wait()

    async def end(self, run: str) -> None:
        self._event(run).set()

    def _event(self, run: str) -> asyncio.Event:
        while len(self._runs) > _RUNS_KEPT:
            self._runs.pop(next(iter(self._runs))).set()
        return self._runs.setdefault(run, asyncio.Event())


class EngineReplica:
    """One engine. Loads its model at the start, another when a request names it."""

    def __init__(self, engine: str, model: str) -> None:
        self._engine_thread = ThreadPoolExecutor(1, "engine")
        module, _, attribute = engine.partition(":")
        self._engine: Engine = getattr(importlib.import_module(module), attribute)()
        self._engine_thread.submit(self._engine.load, model).result()
        self._fault = ""

    def check_health(self) -> None:
        """Asked by Serve: an engine that failed unforeseen is in a state no one knows, and a new replica takes its place."""
        if self._fault:
            raise RuntimeError(self._fault)

    async def load(self, model: str) -> bytes:
        """Raises nothing: what went wrong is in the answer, as a message of `wire`."""
        try:
            report = await asyncio.get_running_loop().run_in_executor(self._engine_thread, self._engine.load, model)
        except EngineError as error:
            return wire.encode(error)
        return wire.pack({"type": "loaded", "model": asdict(report)})

    async def generate(self, run: str, values: dict[str, Any], clip: bytes, cancels: Any) -> AsyncIterator[bytes]:
        """Messages of `wire`, first who works on it. Closing it cancels the generation."""
        loop, stop = asyncio.get_running_loop(), threading.Event()
        messages: asyncio.Queue[bytes | None] = asyncio.Queue()

        def put(message: bytes | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended with its replica
                loop.call_soon_threadsafe(messages.put_nowait, message)

        async def watch() -> None:
            await cancels.wait.remote(run)
            stop.set()

        watching = asyncio.create_task(watch())
        work = loop.run_in_executor(self._engine_thread, self._perform, values, clip, stop, put)
        try:
            yield wire.pack({"type": "alive", "replica": f"{os.getpid()} on {socket.gethostname()}"})
            while (message := await messages.get()) is not None:
                yield message
        finally:
            stop.set()
            watching.cancel()
            cancels.end.remote(run)  # for what `watch` has left waiting there
        await work

    def _perform(self, values: dict[str, Any], clip: bytes, stop: threading.Event, put: Any) -> None:
        """In the engine's thread: all events of a request."""
        try:
            with _with_clip(request_from_mapping(values), clip) as request:
                try:
                    for event in self._engine.generate(request, stop.is_set):
                        put(wire.encode(event))
                except EngineError as error:
                    message = str(error).replace(str(request.clip), str(values.get("clip")))
                    put(wire.pack({"type": "failed", "code": error.code, "message": message}))
        except EngineError as error:
            put(wire.encode(error))
        except Exception as error:  # one the engine did not mean
            log.exception("the engine failed")
            self._fault = f"{type(error).__name__}: {error}"[:300]
            put(wire.pack({"type": "failed", "code": "engine_error", "message": f"the engine failed: {self._fault}"}))
        finally:
            put(None)


class Gateway:
    """`POST /load`, `/generate`, `/cancel`. Bodies and answers are messages of `wire`; an error is JSON of code and message."""

    def __init__(self, replicas: Any, token: str) -> None:
        self._replicas, self._token = replicas, token
        self._cancels = ray.remote(Cancels).options(num_cpus=0, max_concurrency=1000).remote()

    async def __call__(self, request: Request) -> Response:
        if rejected := rejection(request.headers, self._token):
            status, code, said = rejected
            return JSONResponse({"code": code, "message": said}, status)
        try:
            message, content = _message(await request.body())
            match request.url.path:
                case "/load":
                    return Response(await self._replicas.load.remote(str(message["model"])), media_type=_BODY)
                case "/generate":
                    stream = self._stream(str(message["run"]), dict(message["request"]), content)
                    return StreamingResponse(stream, media_type=_BODY)
                case "/cancel":
                    await self._cancels.end.remote(str(message["run"]))
                    return Response(wire.pack({"type": "cancelled"}), media_type=_BODY)
        except (ValueError, KeyError, TypeError, EOFError) as error:
            return JSONResponse({"code": "bad_request", "message": f"no request of an engine's: {error}"}, 400)
        return JSONResponse({"code": "bad_request", "message": "there is /load, /generate and /cancel"}, 404)

    async def _stream(self, run: str, values: dict[str, Any], clip: bytes) -> AsyncIterator[bytes]:
        """A replica's messages, with a sign of life where none comes for long, also while all replicas are busy."""
        messages = aiter(self._replicas.options(stream=True).generate.remote(run, values, clip, self._cancels))
        waiting: asyncio.Future[bytes | None] | None = None
        try:
            while True:
                waiting = waiting or asyncio.ensure_future(_next(messages))
                await asyncio.wait({waiting}, timeout=wire.ALIVE_S)
                if not waiting.done():
                    yield wire.pack({"type": "alive"})
                elif (message := waiting.result()) is None:
                    return
                else:
                    waiting = None
                    yield message
        except (RayActorError, DeploymentUnavailableError) as error:
            log.error("run %s lost its replica: %s", run, error)
            yield wire.pack({"type": "failed", "code": "engine_died", "message": _LOST})
        finally:
            if waiting is not None:
                waiting.cancel()
            self._cancels.end.remote(run)  # who asked is gone, or all is done


async def _next(messages: AsyncIterator[bytes]) -> bytes | None:
    return await anext(messages, None)


def deployment(engine: str, model: str, replicas: int, cpus: float, gpus: float, token: str) -> Any:
    """What `serve.run` takes. cpus, gpus: that each replica reserves."""
    how = {"num_cpus": cpus, "num_gpus": gpus}
    options = {"num_replicas": replicas, "max_ongoing_requests": 1, "ray_actor_options": how}
    engines = serve.deployment(EngineReplica).options(name="engine", health_check_period_s=2, **options).bind(engine, model)
    entry = serve.deployment(Gateway).options(name="gateway", max_ongoing_requests=100, ray_actor_options={"num_cpus": 0})
    return entry.bind(engines, token)


def _message(body: bytes) -> tuple[wire.Message, bytes]:
    """The one message of a request's body."""
    place = 0

    def read(count: int) -> bytes:
        nonlocal place
        found = body[place : place + count]
        if len(found) < count:
            raise EOFError("the body ended early")
        place += count
        return found

    return wire.unpack(read)


@contextlib.contextmanager
def _with_clip(request: GenerationRequest, clip: bytes) -> Any:
    """The request with its clip in a file here, for as long as it is worked on."""
    if request.clip is None:
        yield request
        return
    file, name = tempfile.mkstemp(suffix=Path(request.clip).suffix)
    try:
        with os.fdopen(file, "wb") as written:
            written.write(clip)
        yield replace(request, clip=name)
    finally:
        os.unlink(name)
