"""A local server that speaks the hubs' protocols as strictly as they do, for tests of getting models.

Hugging Face's: `/api/models/…` with sizes and hashes of all files, `/…/resolve/REVISION/FILE` with X-Repo-Commit and ETag, large
files by a redirect (X-Linked-ETag, X-Linked-Size) to another address that takes no credentials and serves ranges. ModelScope's:
`/api/v1/models/…`, `…/repo/files`, `…/repo?FilePath=…`. What neither hub would understand is answered by 400 and kept in
`violations`.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = 100_000  # bytes, from which a file is kept as a large one
COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY, NAME = "FunAudioLLM/InspireMusic-Base", "InspireMusic-Base"
SIZES = {"llm.pt": 25_000_000, "flow.pt": 400_000, "wavtokenizer/model.pt": 300_000, "music_tokenizer/model.pt": 200_000}
SMALL = ("inspiremusic.yaml", "config.json", "tokenizer.json", "wavtokenizer/config.yaml", "music_tokenizer/config.json")
NOT_NEEDED = {"README.md": b"a card", "model.safetensors": bytes(150_000), ".gitattributes": b"*.pt"}


@dataclass
class Hub:
    """`files` by repository and path, of its one commit. `scope`: is it ModelScope."""

    files: dict[str, dict[str, bytes]]
    scope: bool = False
    licence: str = "apache-2.0"
    commit: str = COMMIT
    spoilt: set[str] = field(default_factory=set)  # paths whose content comes wrong
    cut_at: int | None = None  # bytes of a body after which the connection ends, once
    down_at: int | None = None  # bytes of all bodies after which no byte more is ever sent
    slow_s: float = 0.0  # before each 64 KiB
    sent: int = 0
    ranges: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def __enter__(self) -> Hub:
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.elsewhere = f"http://localhost:{self._server.server_address[1]}"  # another host, to a client
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def blobs(self) -> dict[str, bytes]:
        return {hashlib.sha256(content).hexdigest(): content for files in self.files.values() for content in files.values()}


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.hub.requests.append(f"{self.command} {self.path}")
        if self.hub.down_at is not None and self.hub.sent >= self.hub.down_at:
            self.close_connection = True
            return
        address = urlsplit(self.path)
        path, asked = unquote(address.path), {key: values[0] for key, values in parse_qs(address.query).items()}
        if self.hub.scope:
            self._scope(path, asked)
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/([^/]+))?", path):
            self._info(found[1], found[2] or "main", asked)
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(found[1], found[2], found[3])
        elif found := re.fullmatch(r"/large/([0-9a-f]{64})", path):
            self._large(found[1])
        elif path == "/api/agent-harnesses":  # which the hub's own client asks for now and then
            self._error(404, "EntryNotFound", "Entry not found")
        else:
            self._reject(f"no such address: {self.path}")

    # --- Hugging Face

    def _info(self, repository: str, revision: str, asked: dict[str, str]) -> None:
        if (files := self._files(repository, revision)) is None:
            return
        if asked.get("blobs", "").lower() not in ("1", "true"):
            self._reject("sizes and hashes are sent to blobs=true only")
            return
        siblings: list[dict[str, Any]] = []
        for name, content in files.items():
            one: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": git_sha1(content)}
            if len(content) >= LARGE:
                one["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
            siblings.append(one)
        card = {"license": self.hub.licence} if self.hub.licence else {}
        reported = {"id": repository, "modelId": repository, "sha": self.hub.commit, "siblings": siblings, "cardData": card}
        self._json({**reported, "private": False, "tags": [], "downloads": 0})

    def _resolve(self, repository: str, revision: str, name: str) -> None:
        if (files := self._files(repository, revision)) is None:
            return
        if name not in files:
            self._error(404, "EntryNotFound", "Entry not found")
            return
        content, commit = files[name], {"X-Repo-Commit": self.hub.commit}
        if len(content) < LARGE:
            self._body(self._maybe_spoilt(name, content), commit | {"ETag": f'"{git_sha1(content)}"'})
            return
        sha256 = hashlib.sha256(content).hexdigest()
        headers = commit | {"X-Linked-ETag": f'"{sha256}"', "X-Linked-Size": str(len(content))}
        self._headers(302, headers | {"Location": f"{self.hub.elsewhere}/large/{sha256}", "Content-Length": "0"})

    def _large(self, sha256: str) -> None:
        if self.headers.get("Authorization"):
            self._reject("credentials were sent on to where large files lie")
        elif (content := self.hub.blobs.get(sha256)) is None:
            self._reject(f"no such content: {sha256}")
        else:
            names = {name for files in self.hub.files.values() for name, one in files.items() if one == content}
            self._body(self._maybe_spoilt(min(names), content), {"ETag": f'"{sha256[:32]}"'})

    def _files(self, repository: str, revision: str) -> dict[str, bytes] | None:
        if repository not in self.hub.files:
            self._error(401, "RepoNotFound", "Repository Not Found")
        elif revision not in ("main", self.hub.commit):
            self._error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            return self.hub.files[repository]
        return None

    def _error(self, status: int, code: str, message: str) -> None:
        self._headers(status, {"X-Error-Code": code, "X-Error-Message": message, "Content-Length": "0"})

    # --- ModelScope

    def _scope(self, path: str, asked: dict[str, str]) -> None:
        found = re.fullmatch(r"/api/v1/models/([^/]+/[^/]+)(/repo/files|/repo)?", path)
        if found is None:
            self._reject(f"no such address: {self.path}")
            return
        files = self.hub.files.get(found[1])
        if files is None or asked.get("Revision", "master") != "master":
            self._json({"Code": 10010205001, "Data": None, "Message": "not found", "Success": False}, 404)
        elif found[2] is None:
            self._json({"Code": 200, "Data": {"Name": found[1], "License": self.hub.licence}, "Success": True})
        elif found[2] == "/repo/files":
            reported: list[dict[str, Any]] = [{"Path": "wavtokenizer", "Type": "tree", "Size": 0}]
            for name, content in files.items():
                one = {"Path": name, "Name": name.split("/")[-1], "Type": "blob", "Size": len(content)}
                reported.append(one | {"Sha256": hashlib.sha256(content).hexdigest()})
            self._json({"Code": 200, "Data": {"Files": reported}, "Success": True})
        elif (name := asked.get("FilePath", "")) in files:
            self._body(self._maybe_spoilt(name, files[name]), {"ETag": f'"{hashlib.sha256(files[name]).hexdigest()}"'})
        else:
            self._json({"Code": 404, "Data": None, "Message": "no such file", "Success": False}, 404)

    # --- HTTP

    def _maybe_spoilt(self, name: str, content: bytes) -> bytes:
        return bytes([content[0] ^ 1]) + content[1:] if name in self.hub.spoilt else content

    def _json(self, content: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(content).encode()
        self._headers(status, {"Content-Type": "application/json", "Content-Length": str(len(body))})
        if self.command == "GET":
            self.wfile.write(body)

    def _reject(self, why: str) -> None:
        self.hub.violations.append(why)
        self._headers(400, {"Content-Length": "0"})

    def _headers(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _body(self, content: bytes, headers: dict[str, str]) -> None:
        first, status, asked = 0, 200, self.headers.get("Range")
        headers = headers | {"Accept-Ranges": "bytes"}
        if asked is not None:
            self.hub.ranges.append(asked)
            found = re.fullmatch(r"bytes=(\d+)-(\d*)", asked)
            if found is None:
                self._reject(f"not a range: {asked}")
                return
            first, last = int(found[1]), min(int(found[2] or len(content)), len(content) - 1)
            if first > last:
                self._headers(416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"})
                return
            status, headers = 206, headers | {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
            content = content[first : last + 1]
        self._headers(status, headers | {"Content-Length": str(len(content))})
        if self.command != "GET":
            return
        for start in range(0, len(content), 65_536):
            piece = content[start : start + 65_536]
            if self.hub.cut_at is not None and start >= self.hub.cut_at:
                self.hub.cut_at, self.close_connection = None, True
                return
            if self.hub.down_at is not None and self.hub.sent >= self.hub.down_at:
                self.close_connection = True
                return
            time.sleep(self.hub.slow_s)
            try:
                self.wfile.write(piece)
            except OSError:  # the client is gone
                self.close_connection = True
                return
            self.hub.sent += len(piece)


def release() -> dict[str, bytes]:
    """Noise under the names of a published model, and files of its repository that nobody needs."""
    noise = random.Random(1)
    files = {name: noise.randbytes(size) for name, size in SIZES.items()}
    return files | {name: f"{name}: 1\n".encode() for name in SMALL} | NOT_NEEDED


def nowhere() -> str:
    """An address on this machine where nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"
