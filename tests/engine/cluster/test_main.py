"""The command that serves the engine: what it asks for before it starts anything."""

import sys

import pytest

from engine.cluster.__main__ import main
from engine.cluster.access import TOKEN


@pytest.fixture(autouse=True)
def no_ray(monkeypatch):
    """As on a machine without it."""
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delenv(TOKEN, raising=False)


def test_an_address_that_others_reach_needs_a_token(capsys, monkeypatch):
    assert main(["--host", "0.0.0.0"]) == 2
    said = capsys.readouterr().err
    assert "needs a token" in said and TOKEN in said and len(said.splitlines()) == 1
    monkeypatch.setenv(TOKEN, "secret")
    assert main(["--host", "0.0.0.0"]) == 2 and "needs Ray" in capsys.readouterr().err  # the token was enough


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_without_ray_it_says_how_to_get_it(host, capsys):
    assert main(["--host", host]) == 2
    assert capsys.readouterr().err == "engine: serving needs Ray: pip install 'inspire-daw[cluster]'\n"


@pytest.mark.parametrize("option", [["--replicas", "two"], ["--port", "x"], ["--unknown"]])
def test_an_option_that_is_none_ends_it(option, capsys):
    with pytest.raises(SystemExit) as raised:
        main(option)
    assert raised.value.code == 2 and option[0] in capsys.readouterr().err
