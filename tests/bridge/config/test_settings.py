"""Where a setting comes from, and what is rejected."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.config.settings import Settings, load_settings, trace_settings
from bridge.errors import SettingsError
from tests.bridge.conftest import ROOT, daemon_environment, wait_for


def test_flag_over_environment_over_file_over_default(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text('port = 1\naudio_device = "file"\nmodel = "file"\nfolder = "~/file"\n')
    environment = {"INSPIRE_SETTINGS": str(file), "INSPIRE_PORT": "2", "INSPIRE_AUDIO_DEVICE": "environment"}
    settings = load_settings({"port": 3, "audio_device": None}, environment)
    assert (settings.port, settings.audio_device, settings.model) == (3, "environment", "file")
    assert settings.folder == Path.home() / "file"
    assert settings.engine == "engine.pipeline:create_engine"


def test_no_file_is_no_error(tmp_path):
    settings = load_settings({}, {"INSPIRE_SETTINGS": str(tmp_path / "none.toml")})
    assert settings.port == 7770 and settings.folder.name == "Inspire" and settings.folder.is_absolute()


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("\nvolume = 3", "line 2: unknown setting 'volume'"),
        ("port = true", "a whole number or auto is allowed .*line 1"),
        ("port = 7.5", "a whole number"),
        ("model = [1]", "text is allowed"),
        ("port = ", "settings.toml"),
        ('model = "m"\nport = 70000', "65535.*settings.toml, line 2"),
        ('port = "x"', "port is 'x'"),
        ('engine = "nowhere"', "package.module:callable"),
        ("stall_timeout_s = 0", "more than 0"),
        ("prebuffer_s = nan", "0 to 60"),
        ('audio_channels = "1,1"', "1,2 or 3,6, or one"),
        ('audio_channels = "0"', "counted from 1"),
        ('audio_channels = "1,2,3"', "two channels"),
        ("midi_beats_per_bar = 17", "1 to 16, or 0"),
        (f'folder = "/{"x" * 1000}"', "1000 bytes"),
    ],
)
def test_refusals_say_what_is_allowed(tmp_path, text, reported):
    file = tmp_path / "settings.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=reported):
        load_settings({}, {"INSPIRE_SETTINGS": str(file)})


@pytest.mark.parametrize(("text", "channels"), [('"3,4"', (3, 4)), ('"7, 2"', (7, 2)), ("5", (5,)), ('"5"', (5,))])
def test_any_two_channels_or_one_are_played_on(tmp_path, text, channels):
    (tmp_path / "settings.toml").write_text(f"audio_channels = {text}")
    assert load_settings({}, {"INSPIRE_SETTINGS": str(tmp_path / "settings.toml")}).device_channels == channels


def test_a_port_may_be_found(tmp_path):
    for text in ('port = "auto"', "port = 0", "port = 8000"):
        (tmp_path / "settings.toml").write_text(text)
        settings = load_settings({}, {"INSPIRE_SETTINGS": str(tmp_path / "settings.toml")})
        assert (settings.port, settings.usual_port) in (("auto", 7770), (0, 0), (8000, 8000))


def test_each_value_reports_where_it_comes_from(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text('# mine\nmodel = "file"\nport = 1\n')
    environment = {"INSPIRE_SETTINGS": str(file), "INSPIRE_PREBUFFER_S": "1", "INSPIRE_PORT": "2"}
    settings, origins = trace_settings({"port": "3"}, environment)
    assert (settings.port, settings.prebuffer_s) == (3, 1.0)
    assert settings.presets_folder == tmp_path / "presets"  # beside the file
    assert origins["model"] == f"{file}, line 2" and origins["prebuffer_s"] == "INSPIRE_PREBUFFER_S"
    assert origins["port"] == "--port" and origins["folder"] == "default"


@pytest.mark.parametrize(
    ("flags", "environment", "reported"),
    [({"port": "x"}, {}, "port is 'x'.*--port"), ({}, {"INSPIRE_STALL_TIMEOUT_S": "-1"}, "more than 0.*INSPIRE_STALL_TIMEOUT_S")],
)
def test_a_bad_value_reports_where_it_comes_from(tmp_path, flags, environment, reported):
    with pytest.raises(SettingsError, match=reported):
        load_settings(flags, {"INSPIRE_SETTINGS": str(tmp_path / "none.toml"), **environment})


def test_an_unknown_acceleration_is_rejected_with_those_there_are(tmp_path):
    allowed = "acceleration is 'warp': one of auto, exact, int8, off is allowed.*INSPIRE_ACCELERATION"
    with pytest.raises(SettingsError, match=allowed):
        load_settings({}, {"INSPIRE_SETTINGS": str(tmp_path / "none.toml"), "INSPIRE_ACCELERATION": "warp"})


def test_the_engine_is_accelerated_as_the_settings_file_says(start_daemon, tmp_path):
    """Its own process reports it, in the state that `inspire status` shows."""
    (tmp_path / "daemon0").mkdir()
    (tmp_path / "daemon0" / "settings.toml").write_text('acceleration = "int8"\n')
    with start_daemon().client() as client:
        state = wait_for(lambda: (found := client.status()).pairs.get("engine_device") and found)
    assert state.pairs["engine_device"] == "cpu, int8"


def some_value(field: dataclasses.Field, number: int) -> object:
    """A right one, another for each number."""
    rules = {
        "host": f"192.0.2.{number}",  # beyond loopback, for service_name
        "token": f"correct horse battery {number}",
        "audio_samplerate_hz": 48_000 + number,
        "audio_channels": f"{number},{number + 1}",
        "midi_in": f"socket:127.0.0.1:{number}",
        "engine": f"module:create_{number}",
        "mailbox": f"/somewhere/{number}",
        "acceleration": ("exact", "int8", "off")[number - 1],
    }
    types = {"int": number, "int | str": number, "float": number + 0.5, "Path": f"/somewhere/{number}", "str": f"text {number}"}
    return rules.get(field.name, types[field.type])


def test_every_setting_is_taken_from_file_environment_and_flag(tmp_path):
    fields = dataclasses.fields(Settings)
    file = tmp_path / "settings.toml"
    file.write_text("".join(f"{field.name} = {json.dumps(some_value(field, 1))}\n" for field in fields))
    environment = {f"INSPIRE_{field.name.upper()}": str(some_value(field, 2)) for field in fields}
    flags = {field.name: str(some_value(field, 3)) for field in fields}
    here = {"INSPIRE_SETTINGS": str(file)}
    for number, (given, around) in enumerate([({}, here), ({}, here | environment), (flags, here | environment)], 1):
        settings, origins = trace_settings(given, around)
        for line, field in enumerate(fields, 1):
            assert str(getattr(settings, field.name)) == str(some_value(field, number)), field.name
            variable, flag = f"INSPIRE_{field.name.upper()}", f"--{field.name.replace('_', '-')}"
            assert origins[field.name] == (f"{file}, line {line}", variable, flag)[number - 1]


def test_every_setting_is_a_flag_and_reported_with_where_it_comes_from(tmp_path):
    fields = dataclasses.fields(Settings)
    flags = [f"--{field.name.replace('_', '-')}={some_value(field, 3)}" for field in fields]
    command = [sys.executable, "-m", "bridge", "settings", "--json", *flags]
    said = subprocess.run(command, cwd=ROOT, env=daemon_environment(tmp_path), capture_output=True, text=True, check=True).stdout
    reported = {line["name"]: line for line in map(json.loads, said.splitlines())}
    assert list(reported) == [field.name for field in fields]
    for field in fields:
        assert reported[field.name]["from"] == f"--{field.name.replace('_', '-')}"
        wanted = "…" if field.name == "token" else str(some_value(field, 3))
        assert str(reported[field.name]["value"]) == wanted
