"""A request's file becomes a command, a reply a line; whatever else lies there is one error with the id it can be sent to."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bridge.errors import MessageError
from bridge.mailbox.letters import NAMELESS, read_request, reply_file, reply_line
from bridge.osc.commands import Ping
from bridge.osc.replies import Ack, Fail
from tests.bridge.mailbox.test_door import BAD


def put(folder: Path, name: str, content: bytes | str) -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def test_a_file_is_the_message_without_its_id(tmp_path):
    message = '["/inspire/generate", "dub – techno", "bars", 8, "bpm", 124, "play", true]'
    command = read_request(put(tmp_path, "job-1.json", message))
    assert (command.id, command.request.prompt, command.request.bars, command.play) == ("job-1", "dub – techno", 8, True)
    assert read_request(put(tmp_path, "p.json", b'\xef\xbb\xbf["/inspire/ping"]')) == Ping("p")  # as Windows' editors save it


@pytest.mark.parametrize("case", [case for case in BAD if case != "a path outside"])  # which the jobs know of
def test_what_is_wrong_is_one_error_with_its_id(tmp_path, case):
    content, code, reported = BAD[case]
    with pytest.raises(MessageError) as caught:
        read_request(put(tmp_path, "bad.json", content))
    assert (caught.value.code, caught.value.id) == (code, "bad") and reported in str(caught.value)


@pytest.mark.parametrize("name", ["über.json", "a b.json", ".json", ".hidden.json", "x" * 101 + ".json"])
def test_a_name_that_is_no_id_goes_where_such_errors_go(tmp_path, name):
    with pytest.raises(MessageError, match="1 to 100 letters") as caught:
        read_request(put(tmp_path, name, '["/inspire/ping"]'))
    assert (caught.value.code, caught.value.id) == ("no_id", NAMELESS)


@pytest.mark.skipif(os.name != "posix", reason="needs links and pipes")
def test_neither_a_link_is_followed_nor_a_pipe_waited_for(tmp_path):
    secret = put(tmp_path, "secret", '["/inspire/ping"]')
    (tmp_path / "link.json").symlink_to(secret)
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    for name in ("link", "pipe", "folder"):
        with pytest.raises(MessageError) as caught:
            read_request(tmp_path / f"{name}.json")
        assert caught.value.id == name


def test_a_request_that_was_taken_back_is_no_error_of_its_own(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_request(tmp_path / "gone.json")


def test_a_reply_is_a_line_of_json_in_utf_8():
    assert reply_line(Ack("j")) == b'["/inspire/ack", "j"]\n'
    line = reply_line(Fail("j", "bad_clip", "no such clip: Größe\nx"))
    assert line.count(b"\n") == 1 and json.loads(line)[3] == "no such clip: Größe\nx" and "Größe".encode() in line


def test_every_id_has_a_file_of_its_own_whatever_it_is():
    assert reply_file("job-1") == "job-1.jsonl" and reply_file("") == f"{NAMELESS}.jsonl"
    strange = {reply_file(id) for id in ("über", "../x", "a/b", ".hidden", "x" * 101, "\udcff")}
    assert len(strange) == 6 and all(name.startswith("~") and "/" not in name for name in strange)
