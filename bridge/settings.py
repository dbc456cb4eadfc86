"""What can be set, and from where: a flag, else the environment (INSPIRE_PORT …), else settings.toml, else the default."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from bridge.errors import SettingsError
from bridge.osc_spec import DEFAULT_PORT, MAX_FOLDER_BYTES

HOST = "127.0.0.1"  # loopback only


def _user_path(kind: str) -> Path:
    return Path(getattr(platformdirs, f"user_{kind}_dir")("inspire", appauthor=False))


@dataclass(frozen=True)
class Settings:
    """All of them, checked. Field names are the keys of settings.toml and, with INSPIRE_ before, of the environment."""

    port: int = DEFAULT_PORT  # 0: any free one
    folder: Path = field(default_factory=lambda: Path(platformdirs.user_music_dir()) / "Inspire")  # where results go
    audio_device: str = "default"  # or none, an index, a part of a name
    prebuffer_s: float = 0.3  # least audio ahead before it is heard
    model: str = "sketch"  # loaded at start
    engine: str = "engine.pipeline:create_engine"  # resolved in the engine's process
    silence_timeout_s: float = 30.0  # see supervisor.Patience
    stall_timeout_s: float = 300.0
    cancel_timeout_s: float = 20.0
    state_folder: Path = field(default_factory=lambda: _user_path("state"))  # says where the daemon is
    log_folder: Path = field(default_factory=lambda: _user_path("log"))  # of a daemon started by a client

    def __post_init__(self) -> None:
        _check("port", 0 <= self.port <= 65535, self.port, "a port from 1 to 65535, or 0 for any free one")
        _check("folder", len(os.fsencode(self.folder)) <= MAX_FOLDER_BYTES, self.folder, f"at most {MAX_FOLDER_BYTES} bytes")
        _check("prebuffer_s", 0 <= self.prebuffer_s <= 60, self.prebuffer_s, "0 to 60 seconds")
        _check("engine", ":" in self.engine, self.engine, "package.module:callable")
        for name in ("silence_timeout_s", "stall_timeout_s", "cancel_timeout_s"):
            _check(name, getattr(self, name) > 0, getattr(self, name), "more than 0 seconds")

    @property
    def state_file(self) -> Path:
        return self.state_folder / "daemon.json"


def load_settings(flags: Mapping[str, object] | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in force. A flag that is None is not given. Raises SettingsError."""
    known = {f.name: f.type for f in dataclasses.fields(Settings)}
    file = Path(environment.get("INSPIRE_SETTINGS") or _user_path("config") / "settings.toml")
    values = _read_file(file, known)
    values |= {name: environment[key] for name in known if (key := f"INSPIRE_{name.upper()}") in environment}
    values |= {name: value for name, value in (flags or {}).items() if value is not None}
    return Settings(**{name: _convert(name, known[name], value) for name, value in values.items()})


def _read_file(file: Path, known: Mapping[str, str]) -> dict[str, object]:
    try:
        values = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"cannot read {file}: {error}") from None
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise SettingsError(f"{file}: unknown setting {unknown[0]!r}: there are {', '.join(known)}")
    return values


def _convert(name: str, type_: str, value: object) -> object:
    try:
        match type_:
            case "int":
                return int(value)
            case "float":
                return float(value)
            case "Path":
                return Path(str(value)).expanduser().absolute()
            case _:
                return str(value)
    except (TypeError, ValueError):
        raise SettingsError(f"{name} is {value!r}: {type_} expected") from None


def _check(name: str, right: bool, value: object, allowed: str) -> None:
    if not right:
        raise SettingsError(f"{name} is {str(value)!r}: {allowed} is allowed")
