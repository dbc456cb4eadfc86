"""Where the daemon is: written whole, read by clients, removed only by the daemon that wrote it."""

from __future__ import annotations

import json
import os

import pytest

from bridge.config import state_file
from bridge.config.settings import AUTO, Settings, load_settings
from bridge.osc.spec import DEFAULT_PORT


def settings(tmp_path, **values) -> Settings:
    return Settings(state_folder=tmp_path / "state", **values)


def test_clients_look_where_the_daemon_said_it_is_then_at_the_usual_port(tmp_path):
    own = settings(tmp_path)
    usual = (own.near_host, own.usual_port)
    assert state_file.addresses(own, False) == [usual]
    state_file.write(own, {"host": "127.0.0.1", "port": 9_123, "pid": os.getpid()})
    assert state_file.addresses(own, False) == [("127.0.0.1", 9_123), usual]
    assert state_file.addresses(own, True) == [usual]  # somebody asked for the port of the settings
    assert state_file.addresses(settings(tmp_path, port=AUTO), True)[0] == ("127.0.0.1", 9_123)


def test_the_folder_is_the_users_alone_and_nothing_is_left_beside_the_file(tmp_path):
    own = settings(tmp_path)
    state_file.write(own, {"host": "127.0.0.1", "port": 1, "pid": os.getpid()})
    assert own.state_file.parent.stat().st_mode & 0o077 == 0
    assert [one.name for one in own.state_file.parent.iterdir()] == [own.state_file.name]
    own.state_file.unlink()
    own.state_file.mkdir()
    with pytest.raises(OSError):
        state_file.write(own, {"host": "127.0.0.1", "port": 1, "pid": os.getpid()})
    assert [one.name for one in own.state_file.parent.iterdir()] == [own.state_file.name]


def test_another_daemons_file_stays(tmp_path):
    own = settings(tmp_path)
    state_file.write(own, {"port": 1, "pid": os.getpid() + 1})
    state_file.remove(own)
    assert own.state_file.exists()
    state_file.write(own, {"port": 1, "pid": os.getpid()})
    state_file.remove(own)
    state_file.remove(own)  # once more is no error
    assert not own.state_file.exists()


def test_what_is_no_state_is_as_good_as_none(tmp_path):
    own = settings(tmp_path)
    own.state_file.parent.mkdir()
    for text in ("", "[1]", "{", json.dumps({"port": "x"})):
        own.state_file.write_text(text)
        assert state_file.addresses(own, False) == [(own.near_host, own.usual_port)]


def test_a_port_that_was_asked_for_is_where_clients_look(tmp_path):
    state = {"INSPIRE_STATE_FOLDER": str(tmp_path)}
    reported = load_settings({}, state)
    state_file.write(reported, {"host": "127.0.0.1", "port": 7999, "pid": 1})
    usual, other = ("127.0.0.1", DEFAULT_PORT), ("127.0.0.1", 7999)
    assert state_file.addresses(reported, False) == [other, usual]
    assert state_file.addresses(load_settings({"port": DEFAULT_PORT}, state), True) == [usual]
    assert state_file.addresses(load_settings({"port": "auto"}, state), True) == [other, usual]
    assert state_file.addresses(load_settings({"port": 0}, state), True) == [other]
    reported.state_file.write_text("{")
    assert state_file.addresses(reported, False) == [usual]
