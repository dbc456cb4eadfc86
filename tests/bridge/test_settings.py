"""Where a setting comes from, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import SettingsError
from bridge.settings import load_settings, trace_settings


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
    ("text", "told"),
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
def test_refusals_say_what_is_allowed(tmp_path, text, told):
    file = tmp_path / "settings.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=told):
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


def test_each_value_tells_where_it_comes_from(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text('# mine\nmodel = "file"\nport = 1\n')
    environment = {"INSPIRE_SETTINGS": str(file), "INSPIRE_PREBUFFER_S": "1", "INSPIRE_PORT": "2"}
    settings, origins = trace_settings({"port": "3"}, environment)
    assert (settings.port, settings.prebuffer_s) == (3, 1.0)
    assert settings.presets_folder == tmp_path / "presets"  # beside the file
    assert origins["model"] == f"{file}, line 2" and origins["prebuffer_s"] == "INSPIRE_PREBUFFER_S"
    assert origins["port"] == "--port" and origins["folder"] == "default"


@pytest.mark.parametrize(
    ("flags", "environment", "told"),
    [({"port": "x"}, {}, "port is 'x'.*--port"), ({}, {"INSPIRE_STALL_TIMEOUT_S": "-1"}, "more than 0.*INSPIRE_STALL_TIMEOUT_S")],
)
def test_a_bad_value_tells_where_it_comes_from(tmp_path, flags, environment, told):
    with pytest.raises(SettingsError, match=told):
        load_settings(flags, {"INSPIRE_SETTINGS": str(tmp_path / "none.toml"), **environment})
