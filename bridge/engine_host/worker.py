"""The child's half of the engine process: hosts the engine, obeys the pipe.

Threads: the main thread imports and runs the engine; `_obey` reads commands, so that a cancel is seen while the engine works
and the end of the pipe (the daemon is gone, however it went) ends the process at once; `_beat` proves every second that the
interpreter still runs. All of them send through one `Link`: messages have a `type`, a chunk brings its samples.
"""

from __future__ import annotations

import importlib
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from bridge import log as log_lines
from bridge.engine_host import protocol
from bridge.link import Link
from engine.api import AudioChunk, Engine, EngineError, Event, Finished, ModelError, Progress, request_from_mapping

HEARTBEAT_S = 1.0
_ELSEWHERE = "engine.cluster.client:create_engine"
NICENESS = 5  # of 19: what a DAW does comes first
_BELOW_NORMAL_PRIORITY_CLASS = 0x4000  # Windows' name for it

log = logging.getLogger("inspire.worker")


def main(connection: Connection, engine_name: str) -> None:
    """Entry point of the spawned process. `engine_name` is "package.module:callable", which returns an Engine."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal reaches the daemon, which ends us in order
    log_lines.start()
    _yield_to_others()
    _Worker(Link(connection)).run(engine_name)


def _yield_to_others() -> None:
    """Lowers the priority of this process. On Linux each thread has its own, and NumPy started some when it was imported; those
    to come inherit it.
    """
    try:
        if sys.platform == "win32":
            import ctypes

            kernel = ctypes.WinDLL("kernel32", use_last_error=True)
            kernel.GetCurrentProcess.restype = ctypes.c_void_p
            kernel.SetPriorityClass.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
            if not kernel.SetPriorityClass(kernel.GetCurrentProcess(), _BELOW_NORMAL_PRIORITY_CLASS):
                raise ctypes.WinError(ctypes.get_last_error())
        else:
            threads = os.listdir("/proc/self/task") if os.path.isdir("/proc/self/task") else ["0"]
            for thread in threads:
                os.setpriority(os.PRIO_PROCESS, int(thread), max(NICENESS, os.getpriority(os.PRIO_PROCESS, int(thread))))
    except OSError as error:
        log.warning("the engine's priority stays as it is: %s", error)


class _Worker:
    def __init__(self, link: Link):
        self._link = link
        self._tasks: queue.SimpleQueue[protocol.Message] = queue.SimpleQueue()
        self._cancelled_run = 0  # this run and all before it are cancelled; runs count up
        self._loaded = self._weights = ""

    def run(self, engine_name: str) -> None:
        threading.Thread(target=self._obey, name="obey", daemon=True).start()
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        try:
            engine = create_engine(engine_name)
            self._link.send({"type": "ready"})
            while True:
                self._perform(engine, self._tasks.get())
        except Exception as error:
            # An error the engine did not mean leaves it in a state no one knows: say so and let a fresh process take over.
            log.exception("the engine process ends")
            self._link.send({"type": "dying", "message": f"{type(error).__name__}: {error}"[:300]})
            os._exit(1)

    def _perform(self, engine: Engine, task: protocol.Message) -> None:
        try:
            if task["type"] == "load":
                self._load(engine, task["model"])
            else:
                self._generate(engine, task["run"], task["request"], task["weights"])
        except EngineError as error:
            self._send_event(task.get("run"), error)

    def _load(self, engine: Engine, model: str) -> None:
        report = engine.load(model)
        self._loaded, self._weights = model, report.weights
        self._link.send({"type": "loaded", "name": model, "model": asdict(report)})

    def _generate(self, engine: Engine, run: int, values: dict[str, Any], weights: str) -> None:
        request = request_from_mapping(values)
        assert request.model is not None, "the daemon names the model of each request"
        if request.model != self._loaded:
            self._send_event(run, Progress("loading", 0.0, request.seconds))
            self._load(engine, request.model)
        if weights not in ("", self._weights):
            problem = f"the model {request.model} has changed since: its weights were {weights}, now they are {self._weights}"
            raise ModelError(f"{problem}; give another seed to hear it as it is now")
        for event in checked(engine.generate(request, lambda: run <= self._cancelled_run)):
            self._send_event(run, event)

    def _send_event(self, run: int | None, event: Event | EngineError) -> None:
        self._link.send(*protocol.encode(run, event))

    def _obey(self) -> None:
        try:
            while True:
                message, _ = self._link.receive()
                match message["type"]:
                    case "cancel":
                        self._cancelled_run = message["run"]
                    case "quit":
                        os._exit(0)
                    case _:
                        self._tasks.put(message)
        except (EOFError, OSError):
            os._exit(0)  # the daemon is gone

    def _beat(self) -> None:
        try:
            while True:
                self._link.send({"type": "heartbeat"})
                time.sleep(HEARTBEAT_S)
        except OSError:
            os._exit(0)


def create_engine(name: str) -> Engine:
    """name: "package.module:callable", or the address of an engine that is served elsewhere."""
    module, _, attribute = (_ELSEWHERE if "://" in name else name).partition(":")
    engine: Engine = getattr(importlib.import_module(module), attribute)(*([name] if "://" in name else []))
    return engine


def checked(events: Iterator[Progress | AudioChunk | Finished]) -> Iterator[Progress | AudioChunk | Finished]:
    """The engine's events, held to the contract of `engine.api`: consecutive finite float32 chunks, one Finished last."""
    ends: dict[int, tuple[int, int]] = {}  # of each variation: the next chunk's index and frame
    finished = None
    for event in events:
        assert finished is None, "the engine went on after Finished"
        if isinstance(event, AudioChunk):
            assert event.samples.ndim == 2 and event.samples.dtype == np.float32, "a chunk is not float32 (frames, channels)"
            index, frame = ends.get(event.variation, (0, 0))
            assert (event.index, event.start_frame) == (index, frame), "a chunk does not follow the one before"
            assert np.isfinite(event.samples).all(), "a chunk holds samples that are not finite"
            ends[event.variation] = (index + 1, frame + len(event.samples))
        elif isinstance(event, Finished):
            finished = event
            _, frames = ends.get(1, (0, 0))
            assert event.frames == frames, f"the engine counts {event.frames} frames, its chunks hold {frames}"
        yield event
    assert finished is not None, "the engine ended without Finished"
