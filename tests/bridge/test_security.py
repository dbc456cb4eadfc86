"""Who is let in, and what may be read: the token, the address, the folders of clips, and that no file can bring code."""

from __future__ import annotations

import ast
import hmac
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from bridge import limits
from bridge.config.settings import Settings
from bridge.errors import MessageError, NoDaemon, SettingsError
from bridge.osc import codec, spec
from bridge.osc.client import Client
from bridge.osc.commands import Ping
from bridge.osc.parsing import encode_command, parse_command
from bridge.osc.replies import Ack, Done, Fail, Pong, Reply, decode_reply
from tests import fake_engine
from tests.bridge.conftest import ROOT, RawClient, RunningDaemon
from tests.bridge.osc.test_codec import bundle
from tests.bridge.osc.test_server import timetag

TOKEN = "correct horse battery staple"
REQUIRED = {"s": "text", "i": 1, "f": 1.0}  # any value will do: it is not looked at


@pytest.fixture(scope="module")
def guarded(tmp_path_factory) -> Iterator[RunningDaemon]:
    """A daemon that listens to the network."""
    running = RunningDaemon(tmp_path_factory.mktemp("guarded"), host="0.0.0.0", token=TOKEN)
    yield running
    running.stop()
    assert "Traceback" not in running.log and TOKEN not in running.log, running.log


@pytest.fixture
def stranger(guarded) -> Iterator[RawClient]:
    client = RawClient(guarded.port)
    yield client
    client.close()


def ask(client: RawClient, address: str, *arguments) -> Reply:
    client.send(address, *arguments)
    return client.receive()


def test_only_loopback_without_a_token():
    assert Settings().is_local and Settings(host="127.0.0.2").is_local
    assert Settings(host="0.0.0.0", token=TOKEN).near_host == "127.0.0.1"
    for wrong in ({"host": "0.0.0.0"}, {"host": "192.168.1.7"}, {"host": "studio"}, {"host": "::1"}, {"token": "short"}):
        with pytest.raises(SettingsError):
            Settings(**wrong)
    with pytest.raises(SettingsError, match="host is '0.0.0.0': without a token"):
        Settings(host="0.0.0.0")


def test_a_daemon_does_not_answer_at_other_addresses(daemon):
    with Client(daemon.port, "127.0.0.2", patience_s=1.0) as elsewhere, pytest.raises(NoDaemon):
        elsewhere.ping()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", daemon.port), 5)


def test_an_address_that_is_not_this_machines_is_said(start_daemon):
    with pytest.raises(AssertionError, match="no network interface"):  # it ends before it serves
        start_daemon(host="192.0.2.1", token=TOKEN)


@pytest.mark.parametrize("address", [*spec.COMMANDS, "/inspire/compose"])
@pytest.mark.parametrize("token", [[], ["token", ""], ["token", TOKEN[:-1]], ["token", TOKEN + "x"], ["token", 0]], ids=str)
def test_no_command_is_served_without_the_token(stranger, address, token):
    message = spec.COMMANDS.get(address)
    arguments = [REQUIRED[field.type] for field in message.arguments] if message else []
    reply = ask(stranger, address, "me", *arguments, *token)
    assert isinstance(reply, Fail) and (reply.id, reply.code) == ("me", "token")
    assert TOKEN not in reply.message and len(reply.message) < 120  # one that forges its source gains nothing by it


def test_a_token_is_no_position(stranger):
    """A required argument that reads token is not the key."""
    assert ask(stranger, "/inspire/generate", "me", "token", TOKEN).code == "token"
    assert ask(stranger, "/inspire/preset/bank", "me", "token", "token", TOKEN).code == "no_such_preset"


def test_who_said_hello_is_not_let_in_by_its_address(stranger):
    """The source of a datagram can be forged."""
    hello = ["/inspire/hello", "h", "Live", spec.PROTOCOL, "token", TOKEN]
    stranger.send(*hello)
    assert stranger.receive().id == "h"
    assert ask(stranger, "/inspire/ping", "p").code == "token"
    assert ask(stranger, "/inspire/ping", "p", "token", TOKEN).id == "p"


def test_a_bundle_and_a_connection_need_it_too(guarded, stranger):
    without, with_it = codec.encode("/inspire/ping", ["out"]), codec.encode("/inspire/ping", ["in", "token", TOKEN])
    stranger.send_bytes(bundle(without, with_it))
    assert [stranger.receive().id, stranger.receive().id] == ["out", "in"]
    asked = time.time()
    stranger.send_bytes(bundle(without, with_it, timetag=timetag(1.0)))
    assert stranger.receive().code == "token"  # at once: who has no token does not wait in the daemon's memory
    assert isinstance(stranger.receive(), Pong) and time.time() - asked > 0.5
    with socket.create_connection(("127.0.0.1", guarded.port), 20) as stream:
        reader, replies = codec.SlipReader(), []
        stream.sendall(codec.slip(with_it) + codec.slip(without))
        while len(replies) < 2:
            replies += [decode_reply(*codec.decode(frame)) for frame in reader.feed(stream.recv(65_536))]
    assert [type(reply) for reply in replies] == [Pong, Fail]


def test_strangers_cannot_take_all_connections(guarded):
    strangers = [socket.create_connection(("127.0.0.1", guarded.port), 20) for _ in range(limits.MAX_CONNECTIONS + 10)]
    with socket.create_connection(("127.0.0.1", guarded.port), 20) as peer:
        peer.sendall(codec.slip(codec.encode("/inspire/ping", ["in", "token", TOKEN])))
        (frame,) = codec.SlipReader().feed(peer.recv(65_536))
        assert isinstance(decode_reply(*codec.decode(frame)), Pong)
    for one in strangers:
        one.close()


def test_the_client_brings_its_token(guarded):
    with Client(guarded.port, token=TOKEN) as client:
        assert isinstance(list(client.generate("tune", duration_s=0.5))[-1], Done)
    with Client(guarded.port) as client:
        assert client.ping().code == "token"


def test_from_the_network_clips_are_read_from_the_output_folder_only(guarded, tmp_path):
    secret = tmp_path / "secret.wav"
    inside = guarded.folder / "loop.wav"
    guarded.folder.mkdir(exist_ok=True)
    for file in (secret, inside):
        soundfile.write(file, fake_engine.tone(48_000, 48_000), 48_000)
    (guarded.folder / "link.wav").symlink_to(secret)
    (guarded.folder / "links").symlink_to(tmp_path)
    up = guarded.folder / ".." / ".." / secret.relative_to(secret.parents[1])
    outside = [secret, guarded.folder / "link.wav", guarded.folder / "links" / "secret.wav", up, "/etc/passwd", "/nowhere", "~/x"]
    with Client(guarded.port, token=TOKEN) as client:
        for clip in outside:  # whether it exists is not said either
            (reply,) = client.continue_clip(str(clip), duration_s=0.5)
            assert reply.code == "bad_clip" and "clip_roots" in reply.message, clip
        assert isinstance(list(client.continue_clip(str(inside), duration_s=0.5))[-1], Done)
        (reply,) = client.generate("tune", model=str(tmp_path), duration_s=0.5)
        assert reply.code == "bad_value" and "model" in reply.message


def test_on_loopback_clips_are_read_from_anywhere_unless_roots_are_set(daemon, start_daemon, tmp_path):
    kept, other = tmp_path / "kept", tmp_path / "other"
    for folder in (kept, other):
        folder.mkdir()
        soundfile.write(folder / "loop.wav", fake_engine.tone(48_000, 48_000), 48_000)
    with daemon.client() as client:
        assert isinstance(next(client.continue_clip(str(other / "loop.wav"), duration_s=0.5)), Ack)
    with start_daemon(clip_roots=f"{tmp_path / 'none'}:{kept}").client() as client:
        assert isinstance(next(client.continue_clip(str(kept / "loop.wav"), duration_s=0.5)), Ack)
        assert next(client.continue_clip(str(other / "loop.wav"), duration_s=0.5)).code == "bad_clip"


def test_a_clip_too_large_is_rejected_before_it_is_read(daemon, tmp_path):
    huge = tmp_path / "huge.wav"
    huge.touch()
    try:
        os.truncate(huge, 5 * 2**30)  # a file of holes
    except OSError:
        pytest.skip("no large files here")
    with daemon.client() as client:
        (reply,) = client.continue_clip(str(huge), duration_s=0.5)
    assert reply.code == "bad_clip" and "4 GiB" in reply.message


def test_the_token_is_compared_in_constant_time(monkeypatch):
    compared = []
    digest = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda given, right: compared.append((given, right)) or digest(given, right))
    for given in ("", TOKEN[:-1], TOKEN + "x", "é" * 30):
        with pytest.raises(MessageError, match="asks for its token"):
            parse_command("/inspire/ping", ["p", "token", given], TOKEN)
    assert isinstance(parse_command("/inspire/ping", ["p", "token", TOKEN], TOKEN), Ping)
    assert [one[0].decode() for one in compared] == ["", TOKEN[:-1], TOKEN + "x", "é" * 30, TOKEN]


def test_every_client_command_can_carry_the_token():
    for address, message in spec.COMMANDS.items():
        arguments = [REQUIRED[field.type] for field in message.arguments]
        assert TOKEN in encode_command(address, "i", arguments, {"token": TOKEN})[1]


def calls() -> Iterator[tuple[Path, str, ast.Call]]:
    """Every call in what is shipped: file, "module.function", the call."""
    for package in ("bridge", "engine", "presets"):
        for file in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    yield file, ast.unparse(node.func), node


def test_no_file_can_bring_code():
    """Pickles are read with weights_only, YAML with a loader that makes plain data, and no text is ever run."""
    loads = 0
    for file, name, call in calls():
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        there = f"{file}:{call.lineno}: {name}"
        assert name not in ("eval", "exec", "compile", "os.system", "os.popen", "__import__"), there
        assert not name.startswith(("pickle.", "marshal.", "shelve.", "dill.", "joblib.")), there
        assert keywords.get("shell") in (None, "False") and keywords.get("allow_pickle") in (None, "False"), there
        assert keywords.get("trust_remote_code") in (None, "False"), there
        if name == "torch.load":
            loads += 1
            assert keywords.get("weights_only") == "True", there
        if name.startswith("yaml.") and "load" in name:
            assert "safe" in name or "_PlainLoader" in [*map(ast.unparse, call.args), keywords.get("Loader")], there
    assert loads, "the check looks at nothing"
