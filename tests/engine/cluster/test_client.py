"""The daemon's side against a real HTTP server that speaks the wire's messages, with the fake engine behind it. No Ray."""

import io
import socket
import threading
import time
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from engine.api import AudioChunk, ClipError, EngineError, Finished, GenerationRequest, ModelReport
from engine.cluster import wire
from engine.cluster.access import TOKEN
from engine.cluster.client import create_engine
from tests import fake_engine


def loaded():
    engine = fake_engine.create_engine()
    engine.load("fake")
    return engine


class Handler(BaseHTTPRequestHandler):
    """`engine.cluster.server`'s three commands. The prompt "vanish" breaks the connection after two chunks."""

    cancelled: set[str] = set()
    clips: list[bytes] = []
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        message, content = wire.unpack(io.BytesIO(body).read)
        if self.headers.get("Authorization") == "Bearer wrong":
            return self._answer(401, b'{"code": "token", "message": "this engine asks for a token"}')
        if self.path == "/load" and message["model"] == "none":
            return self._answer(200, wire.pack({"type": "failed", "code": "bad_model", "message": "no model 'none'"}))
        if self.path == "/load":
            report = ModelReport(message["model"], "w", 1, "box", samplerate_full=48_000, samplerate_fast=24_000)
            return self._answer(200, wire.pack({"type": "loaded", "model": asdict(report)}))
        if self.path == "/cancel":
            self.cancelled.add(message["run"])
            return self._answer(200, wire.pack({"type": "cancelled"}))
        self._generate(message, content)

    def _generate(self, message, content):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.clips.append(content)
        values = message["request"] | {"clip": None}
        words = values["prompt"].split()
        self._send(wire.pack({"type": "alive", "replica": "7 on box"}))
        try:
            made = loaded().generate(GenerationRequest(**values), lambda: message["run"] in self.cancelled)
            for event in made:
                self._send(wire.encode(event))
                if "vanish" in words and getattr(event, "index", 0) == 1:
                    return self.connection.shutdown(socket.SHUT_RDWR)
        except EngineError as error:
            self._send(wire.encode(error))
        self.wfile.write(b"0\r\n\r\n")

    def _send(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _answer(self, status, data):
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_events_come_while_they_are_made(address):
    engine, times = create_engine(address), []
    assert engine.load("sketch").model == "sketch"
    events = []
    request = GenerationRequest(prompt="slow", duration_s=1.0, seed=1, model="fake")
    for event in engine.generate(request):
        events.append(event)
        times.append(time.monotonic())
    audio = np.concatenate([event.samples for event in events if isinstance(event, AudioChunk)])
    local = loaded().generate(request, lambda: False)
    np.testing.assert_array_equal(audio, np.concatenate([event.samples for event in local if isinstance(event, AudioChunk)]))
    assert isinstance(events[-1], Finished) and times[-1] - times[0] > 0.1 and engine.replica == "7 on box"


def test_a_cancel_reaches_the_other_side_and_what_was_made_stands(address):
    stop = threading.Event()
    events, request = [], GenerationRequest(prompt="slow", duration_s=60, seed=1, model="fake")
    for event in create_engine(address).generate(request, stop.is_set):
        events.append(event)
        if isinstance(event, AudioChunk):
            stop.set()
    assert isinstance(events[-1], Finished) and events[-1].cancelled and 0 < events[-1].frames < 20 * events[-1].samplerate


def test_the_clip_goes_along(address, tmp_path):
    (tmp_path / "take.wav").write_bytes(b"RIFF and more")
    take = str(tmp_path / "take.wav")
    list(create_engine(address).generate(GenerationRequest(prompt="jazz", clip=take, duration_s=0.5, model="fake")))
    assert Handler.clips[-1] == b"RIFF and more"
    with pytest.raises(ClipError, match="no such clip"):
        list(create_engine(address).generate(GenerationRequest(clip=str(tmp_path / "gone.wav"), model="fake")))


def code_of(run):
    with pytest.raises(EngineError) as caught:
        run()
    return caught.value.code, str(caught.value)


def test_a_lost_connection_fails_by_name_and_the_next_job_runs(address):
    engine, made = create_engine(address), []
    request = GenerationRequest(prompt="vanish", duration_s=2.0, seed=1, model="fake")
    code, said = code_of(lambda: made.extend(engine.generate(request)))
    assert code == "engine_died" and "was lost in the middle" in said
    assert [type(one) for one in made].count(AudioChunk) >= 1
    *_, end = engine.generate(GenerationRequest(prompt="tone", duration_s=0.5, seed=1, model="fake"))
    assert isinstance(end, Finished)


def test_what_the_engine_rejects_comes_as_its_own_error(address):
    engine = create_engine(address)
    assert code_of(lambda: engine.load("none")) == ("bad_model", "no model 'none'")
    request = GenerationRequest(prompt="refuse", duration_s=1.0, model="fake")
    assert code_of(lambda: list(engine.generate(request)))[0] == "bad_request"


def test_nobody_there_a_stranger_and_a_wrong_token_are_one_sentence_each(address, monkeypatch):
    code, said = code_of(lambda: create_engine("http://127.0.0.1:1").load("sketch"))
    assert code == "engine_error" and "cannot be reached" in said and "python -m engine.cluster" in said
    assert code_of(lambda: create_engine("gpu-box:8000"))[0] == "settings"
    monkeypatch.setenv(TOKEN, "wrong")
    assert code_of(lambda: create_engine(address).load("sketch")) == ("token", "this engine asks for a token")
