"""A web page cannot drive the daemon: real browsers are shown a page that tries, in every way a page has to reach a port.

Headless Chromium and Firefox, as Debian packages them. That the tries arrive is seen in the daemon's log, and at sockets of the
test's own that a browser is pointed at in the same way.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bridge.osc import codec
from bridge.osc.replies import Fail, Pong
from tests.bridge.conftest import RawClient, RunningDaemon, wait_for

QUIT = [*codec.slip(codec.encode("/inspire/quit", ["from a web page"]))]
ATTEMPTS = 8  # connections that the page makes at least: one for each way that does not share one

PAGE = """<!doctype html><meta charset="utf-8"><title>a page</title><body><script>
const quit = new Uint8Array(QUIT), text = "\\u00c0/inspire/quit";
const http = "http://127.0.0.1:PORT/", wait = ms => new Promise(r => setTimeout(r, ms));
const tried = {};
async function attempt(name, act) {
  try { await Promise.race([act(), wait(2000)]); tried[name] = "went through"; } catch (error) { tried[name] = String(error); }
}
function form(enctype) {
  const frame = Object.assign(document.createElement("iframe"), {name: enctype});
  const form = Object.assign(document.createElement("form"), {action: http, method: "POST", enctype: enctype, target: enctype});
  const field = Object.assign(document.createElement("textarea"), {name: "/inspire/quit", value: text});
  form.append(field); document.body.append(frame, form); form.submit();
  return wait(500);
}
function socket() {
  return new Promise((resolve, reject) => {
    const one = new WebSocket("ws://127.0.0.1:PORT/", []);
    one.binaryType = "arraybuffer"; one.onopen = () => { one.send(quit); resolve(); }; one.onerror = reject;
  });
}
function rtc(urls) {
  const peer = new RTCPeerConnection({iceServers: [{urls: urls, username: "/inspire/quit", credential: "x"}]});
  peer.createDataChannel("d"); peer.createOffer().then(offer => peer.setLocalDescription(offer));
  return wait(1500);
}
async function all() {
  const post = (body, more) => fetch(http, {method: "POST", mode: "no-cors", body: body, ...more});
  await attempt("fetch", () => post(quit));
  await attempt("fetch text/plain", () => post(new Blob([quit], {type: "text/plain"})));
  await attempt("fetch many", () => post(new Blob([...Array(200)].map(_ => quit))));
  await attempt("fetch https", () => fetch("https://127.0.0.1:PORT/", {method: "POST", mode: "no-cors", body: quit}));
  await attempt("fetch ::1", () => fetch("http://[::1]:PORT/", {method: "POST", mode: "no-cors", body: quit}));
  await attempt("fetch localhost", () => fetch("http://localhost:PORT/", {method: "POST", mode: "no-cors", body: quit}));
  await attempt("preflight", () => post(quit, {method: "#bundle", mode: "cors"}));
  await attempt("form text", () => form("text/plain"));
  await attempt("form parts", () => form("multipart/form-data"));
  await attempt("beacon", async () => { navigator.sendBeacon(http, quit); await wait(500); });
  await attempt("image", () => new Promise(r => Object.assign(new Image(), {onload: r, onerror: r, src: http + "inspire/quit"})));
  await attempt("websocket", socket);
  await attempt("stun", () => rtc(["stun:127.0.0.1:PORT", "stun:127.0.0.1:WITNESS"]));
  await attempt("turn", () => rtc(["turn:127.0.0.1:PORT?transport=tcp", "turn:127.0.0.1:PORT", "turn:127.0.0.1:WITNESS",
                                   "turn:127.0.0.1:WITNESS?transport=tcp"]));
  if (self.WebTransport) await attempt("webtransport", () => new WebTransport("https://127.0.0.1:PORT/").ready);
  await fetch("/told", {method: "POST", body: JSON.stringify(tried)});
}
all();
</script>"""


class Witness:
    """UDP and TCP on one port number: what a browser sends first to a server that is none of its kind."""

    def __init__(self) -> None:
        self.datagrams: list[bytes] = []
        self.streams: list[bytes] = []
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self.port = self._udp.getsockname()[1]
        self._tcp = socket.create_server(("127.0.0.1", self.port))
        for run in (self._collect, self._accept):
            threading.Thread(target=run, daemon=True).start()

    def _collect(self) -> None:
        while datagram := self._receive():
            self.datagrams.append(datagram)

    def _receive(self) -> bytes:
        try:
            return self._udp.recv(65_535)
        except OSError:
            return b""

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._tcp.accept()
            except OSError:
                return
            with peer:
                peer.settimeout(2)
                try:
                    self.streams.append(peer.recv(65_536))
                except OSError:
                    continue

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", ("127.0.0.1", self.port))
        self._tcp.shutdown(socket.SHUT_RDWR)
        self._udp.close()
        self._tcp.close()


class PageServer:
    """Serves one page on loopback and keeps what it tells."""

    def __init__(self, page: str):
        self.reported: dict[str, str] = {}
        reported = self.reported

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path == "/" else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(page.encode() if self.path == "/" else b"")

            def do_POST(self) -> None:
                reported.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://localhost:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def chromium(profile: Path, address: str) -> list[str]:
    flags = "headless no-sandbox disable-gpu no-first-run disable-background-networking disable-component-update disable-sync"
    more = ["--disable-dev-shm-usage", "--allow-loopback-in-peer-connection", "--enable-quic", f"--user-data-dir={profile}"]
    return ["chromium", *(f"--{flag}" for flag in flags.split()), *more, address]


def firefox(profile: Path, address: str) -> list[str]:
    quiet = {
        "app.normandy.enabled": False,
        "app.update.enabled": False,
        "browser.aboutwelcome.enabled": False,
        "browser.shell.checkDefaultBrowser": False,
        "datareporting.policy.dataSubmissionEnabled": False,
        "extensions.update.enabled": False,
        "media.peerconnection.ice.loopback": True,
        "network.captive-portal-service.enabled": False,
        "network.connectivity-service.enabled": False,
        "toolkit.telemetry.enabled": False,
    }
    profile.mkdir()
    prefs = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in quiet.items()]
    (profile / "user.js").write_text("\n".join(prefs))
    return ["firefox-esr", "--headless", "--no-remote", "--profile", str(profile), address]


BROWSERS = {"chromium": chromium, "firefox-esr": firefox}


@pytest.fixture(params=BROWSERS)
def browse(request, tmp_path) -> Iterator:
    """Shows a browser an address."""
    name = request.param
    if shutil.which(name) is None:
        pytest.skip(f"needs {name}: install the Debian package {name}")
    running: list[subprocess.Popen] = []

    def show(address: str) -> subprocess.Popen:
        command = BROWSERS[name](tmp_path / "profile", address)
        with open(tmp_path / "browser.log", "wb") as log:
            running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True))
        return running[-1]

    yield show
    for process in running:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_a_web_page_cannot_drive_the_daemon(browse, start_daemon):
    daemon: RunningDaemon = start_daemon()
    witness = Witness()
    page = PAGE.replace("QUIT", str(QUIT)).replace("PORT", str(daemon.port)).replace("WITNESS", str(witness.port))
    server = PageServer(page)
    try:
        browser = browse(server.address)
        wait_for(lambda: server.reported or browser.poll() is not None, 120)
        assert server.reported, "the page did not come to its end"
    finally:
        server.close()
        witness.close()
    assert daemon.process.poll() is None and "/inspire/quit" not in daemon.log
    rejected = [line for line in daemon.log.splitlines() if "ended the connection" in line]
    assert len(rejected) >= ATTEMPTS, f"{server.reported}\n{daemon.log}"
    assert all("began with" in line for line in rejected), daemon.log
    assert any("HTTP" in line for line in rejected) and any("TLS" in line for line in rejected), daemon.log
    assert witness.datagrams, "no STUN was seen"
    raw = RawClient(daemon.port)
    try:
        for datagram in witness.datagrams:  # they were sent to the daemon too: now its answers are seen
            raw.send_bytes(datagram)
            reply = raw.receive()
            assert isinstance(reply, Fail) and reply.code == "bad_packet"
        raw.send("/inspire/ping", "p")
        assert isinstance(raw.receive(), Pong)
    finally:
        raw.close()
    assert daemon.serves_on()
