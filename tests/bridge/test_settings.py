"""Where a setting comes from, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import SettingsError
from bridge.settings import load_settings


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
        ("volume = 3", "unknown setting 'volume'"),
        ("port = ", "settings.toml"),
        ("port = 70000", "65535"),
        ('port = "x"', "port is 'x'"),
        ('engine = "nowhere"', "package.module:callable"),
        ("stall_timeout_s = 0", "more than 0"),
        ("prebuffer_s = nan", "0 to 60"),
        (f'folder = "/{"x" * 1000}"', "1000 bytes"),
    ],
)
def test_refusals_say_what_is_allowed(tmp_path, text, told):
    file = tmp_path / "settings.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=told):
        load_settings({}, {"INSPIRE_SETTINGS": str(file)})
