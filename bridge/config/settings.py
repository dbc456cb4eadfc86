"""What can be set, and from where: a flag, else the environment (INSPIRE_PORT …), else settings.toml, else the default.

The MIDI map (`midi_map`) stands in settings.toml only.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

from bridge import toml_file
from bridge.errors import SettingsError
from bridge.limits import MIN_TOKEN
from bridge.midi import MIDI_SOCKET, bindings
from bridge.osc.fields import MAX_TOKEN_CHARS
from bridge.osc.spec import DEFAULT_PORT, LEAST_GAIN_DB, MAX_FOLDER_BYTES, MAX_GAIN_DB
from engine.api import ACCELERATIONS
from engine.checkpoints.library import MODELS_FOLDER, default_models_folder

T = TypeVar("T")
LOOPBACK = "127.0.0.1"
AUTO = "auto"
_CHANNELS = re.compile(r"[1-9]\d{0,2}(, ?[1-9]\d{0,2})?")
_LOOPBACK = re.compile(MIDI_SOCKET + r"(?:127\.0\.0\.1|localhost):(\d{1,5})")
_MIDI_INS = "none, virtual, a part of a port's name, or socket:127.0.0.1:PORT"


def _user_path(kind: str) -> Path:
    return Path(getattr(platformdirs, f"user_{kind}_dir")("inspire", appauthor=False))


def _setting(default: T, doc: str) -> T:
    """A field with its meaning."""
    return dataclasses.field(default=default, metadata={"doc": doc})


def _folder(default: Callable[[], Path], doc: str) -> Path:
    """A field with its meaning, whose default is asked for when it is needed."""
    return dataclasses.field(default_factory=default, metadata={"doc": doc})


@dataclass(frozen=True)
class Settings:
    """All of them, checked. Field names are the keys of settings.toml and, with INSPIRE_ before, of the environment."""

    port: int | str = _setting(DEFAULT_PORT, "the daemon's OSC port; auto: the usual, or another if taken; 0: any free one")
    host: str = _setting(LOOPBACK, "the IPv4 address it listens on; another than this machine's own loopback needs a token too")
    token: str = _setting("", f"what every command must bring: {MIN_TOKEN} characters or more; sent as it is: trust the network")
    service_name: str = _setting("", "with host: announced under this name as _osc._udp (zeroconf); none: not announced")
    clip_roots: str = _setting("", f"where clips are read from, {os.pathsep!r} between; none: on loopback any, else folder")
    folder: Path = _folder(lambda: Path(platformdirs.user_music_dir()) / "Inspire", "where results go")
    results_cap_gb: float = _setting(0.0, "space that results may take: the oldest are removed first; 0: all there is")
    audio_device: str = _setting("default", "default, none, an index or a part of its name")
    audio_channels: str = _setting("1,2", "the device's that play left and right, such as 3,4 or 7,2; one plays both")
    audio_samplerate_hz: int = _setting(0, "rate at which the device is opened; 0: its own")
    gain_db: float = _setting(0.0, "how loud the device plays; 0: as it is in the file")
    prebuffer_s: float = _setting(0.3, "least audio ahead before it is played")
    midi_in: str = _setting("none", f"where MIDI comes from: {_MIDI_INS}; virtual is a port of its own")
    midi_beats_per_bar: int = _setting(0, "the host's metre, as MIDI clock has none; 0: that of what is asked for, else 4")
    soundfont: str = _setting("", "a SoundFont file that plays MIDI clips; where systems keep one if not given")
    model: str = _setting("sketch", "a model's name or its folder, loaded at the start")
    engine: str = _setting("engine.pipeline:create_engine", "package.module:callable that makes it, or where one is served: http://…")
    acceleration: str = _setting(AUTO, f"{', '.join(ACCELERATIONS)}: what a model's steps run on, on a CPU; int8 is the fastest")
    silence_timeout_s: float = _setting(30.0, "the engine is given up after so long without a sign of life")
    stall_timeout_s: float = _setting(300.0, "… at work without an event")
    cancel_timeout_s: float = _setting(20.0, "… after a cancel")
    models_folder: Path = _folder(default_models_folder, "your own models")
    presets_folder: Path = _folder(lambda: _user_path("config") / "presets", "your own presets")
    mailbox: str = _setting("default", "a folder for clients without sockets; default: mailbox in state_folder; none: no door")
    home: str = _setting("", "of a second daemon: a folder for its state, journal and log; none: the user's own")
    state_folder: Path = _folder(lambda: _user_path("state"), "has the journal, and says where the daemon is: one daemon's own")
    log_folder: Path = _folder(lambda: _user_path("log"), "of a daemon that a client started")

    def __post_init__(self) -> None:
        right = self.port == AUTO if isinstance(self.port, str) else 0 <= self.port <= 65535
        _check("port", right, self.port, "a port from 1 to 65535, auto, or 0 for any free one")
        _check("host", _is_address(self.host), self.host, "an IPv4 address of this machine")
        right = not self.token or (MIN_TOKEN <= len(self.token) <= MAX_TOKEN_CHARS and self.token.isascii())
        _check("token", right, "…", f"{MIN_TOKEN} to {MAX_TOKEN_CHARS} ASCII characters")
        _check("host", self.is_local or self.token != "", self.host, f"without a token (setting token) only {LOOPBACK}")
        right = self.service_name == "" or (not self.is_local and len(self.service_name.encode()) <= 63)
        _check("service_name", right, self.service_name, "with a host that others reach, a name of at most 63 bytes")
        _check("folder", len(os.fsencode(self.folder)) <= MAX_FOLDER_BYTES, self.folder, f"at most {MAX_FOLDER_BYTES} bytes")
        right = _CHANNELS.fullmatch(self.audio_channels) is not None and len({*self.device_channels}) == len(self.device_channels)
        _check("audio_channels", right, self.audio_channels, "two channels such as 1,2 or 3,6, or one, counted from 1,")
        rate = self.audio_samplerate_hz
        _check("audio_samplerate_hz", rate == 0 or 44_100 <= rate <= 192_000, rate, "44100 to 192000, or 0 for the device's own,")
        gain = f"{LEAST_GAIN_DB:g} to {MAX_GAIN_DB:g} dB"
        _check("gain_db", LEAST_GAIN_DB <= self.gain_db <= MAX_GAIN_DB, self.gain_db, gain)
        _check("prebuffer_s", 0 <= self.prebuffer_s <= 60, self.prebuffer_s, "0 to 60 seconds")
        _check("results_cap_gb", 0 <= self.results_cap_gb < 1e9, self.results_cap_gb, "a number of gigabytes, or 0 for no limit")
        _check("midi_in", _is_midi_in(self.midi_in), self.midi_in, _MIDI_INS)
        _check("midi_beats_per_bar", 0 <= self.midi_beats_per_bar <= 16, self.midi_beats_per_bar, "1 to 16, or 0 if it varies,")
        _check("engine", ":" in self.engine, self.engine, "package.module:callable or an address such as http://gpu-box:8000")
        choices = ", ".join(ACCELERATIONS)
        _check("acceleration", self.acceleration in ACCELERATIONS, self.acceleration, f"one of {choices}")
        right = self.mailbox in ("default", "none") or os.path.isabs(os.path.expanduser(self.mailbox))
        _check("mailbox", right, self.mailbox, "default, none or a folder's whole path")
        for name in ("silence_timeout_s", "stall_timeout_s", "cancel_timeout_s"):
            _check(name, getattr(self, name) > 0, getattr(self, name), "more than 0 seconds")

    @property
    def device_channels(self) -> tuple[int, ...]:
        """One or two, counted from 1."""
        return tuple(map(int, self.audio_channels.split(",")))

    @property
    def usual_port(self) -> int:
        """Which the daemon tries first, and its clients; 0: there is none."""
        return DEFAULT_PORT if isinstance(self.port, str) else self.port

    @property
    def is_local(self) -> bool:
        """Nobody from outside this machine can reach the daemon."""
        return ipaddress.IPv4Address(self.host).is_loopback

    @property
    def near_host(self) -> str:
        """The address at which clients of this machine reach it."""
        return LOOPBACK if ipaddress.IPv4Address(self.host).is_unspecified else self.host

    @property
    def clip_folders(self) -> tuple[Path, ...]:
        """Clips are read only from within these; empty: from anywhere."""
        named = tuple(Path(root).expanduser().absolute() for root in self.clip_roots.split(os.pathsep) if root)
        return named or (() if self.is_local else (self.folder,))

    @property
    def engine_environment(self) -> dict[str, str]:
        """What the engine's process takes from its environment."""
        return {MODELS_FOLDER: str(self.models_folder), "INSPIRE_ACCELERATION": self.acceleration}

    @property
    def mailbox_folder(self) -> Path | None:
        if self.mailbox == "none":
            return None
        return self.state_folder / "mailbox" if self.mailbox == "default" else Path(os.path.expanduser(self.mailbox))

    @property
    def journal_file(self) -> Path:
        return self.state_folder / "journal.sqlite"

    @property
    def state_file(self) -> Path:
        return self.state_folder / "daemon.json"


def load_settings(flags: Mapping[str, object] | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in force. A flag that is None is not given. Raises SettingsError."""
    return trace_settings(flags, environment)[0]


def trace_settings(
    flags: Mapping[str, object] | None = None, environment: Mapping[str, str] = os.environ
) -> tuple[Settings, dict[str, str]]:
    """The settings in force, and where each came from, in words. Raises SettingsError that says the same of a bad one."""
    known = {f.name: str(f.type) for f in dataclasses.fields(Settings)}
    file = settings_file(environment)
    values: dict[str, object] = {"presets_folder": file.parent / "presets"}
    origins = dict.fromkeys(known, "default")
    for name, (value, line) in _read_file(file, known).items():
        values[name], origins[name] = value, f"{file}, line {line or '?'}"
    for name in known:
        if (variable := f"INSPIRE_{name.upper()}") in environment:
            values[name], origins[name] = environment[variable], variable
    for name, value in (flags or {}).items():
        if value is not None:
            values[name], origins[name] = value, f"--{name.replace('_', '-')}"
    if home := str(values.get("home") or ""):
        for name in ("state", "log"):
            if f"{name}_folder" not in values:
                values[f"{name}_folder"], origins[f"{name}_folder"] = os.path.join(home, name), f"in home ({origins['home']})"
    try:
        checked: dict[str, Any] = {name: _convert(name, known[name], value) for name, value in values.items()}
        return Settings(**checked), origins
    except SettingsError as error:
        raise SettingsError(f"{error} ({origins[error.setting]})", error.setting) from None


def settings_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where settings.toml is, or would be."""
    return Path(environment.get("INSPIRE_SETTINGS") or _user_path("config") / "settings.toml")


def _read_file(file: Path, known: Mapping[str, str]) -> dict[str, tuple[object, int | None]]:
    """Value and line of each key. The MIDI map is checked and left to who plays it: it may change while the daemon runs."""
    try:
        values, text = toml_file.read(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"cannot read {file}: {error}") from None
    try:
        bindings.read_tables(values.pop(bindings.TABLE, []), text)
    except bindings.MapError as error:
        raise SettingsError(f"{file}, {error}") from None
    lines = {name: toml_file.line_of(text, name) for name in values}
    for name in values:
        if name not in known:
            there = f"{file}, line {lines[name]}" if lines[name] else f"{file}"
            raise SettingsError(f"{there}: unknown setting {name!r}: there are {', '.join(known)}")
    return {name: (value, lines[name]) for name, value in values.items()}


def _convert(name: str, type_: str, value: object) -> object:
    """`value` as a field's type: the environment has only text, TOML has types of its own."""
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str, Path)):
            raise TypeError
        if type_ == "int | str" and value == AUTO:
            return AUTO
        if type_ == "Path":
            return Path(str(value)).expanduser().absolute()
        if type_ == "str":
            return str(value)
        if isinstance(value, Path):
            raise TypeError
        match type_:
            case "int" | "int | str":
                if int(value) != float(value):
                    raise ValueError
                return int(value)
            case "float":
                return float(value)
            case _:
                raise AssertionError(f"a setting of an unknown type: {type_}")
    except (TypeError, ValueError, OverflowError, RuntimeError):  # the last: a home there is not
        number = "a whole number"
        allowed = {"int": number, "int | str": f"{number} or {AUTO}", "float": "a number", "Path": "a path", "str": "text"}[type_]
        raise SettingsError(f"{name} is {value!r}: {allowed} is allowed", name) from None


def _is_address(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def _is_midi_in(name: str) -> bool:
    """A socket is on loopback only: whoever can reach it can play."""
    if not name.startswith(MIDI_SOCKET):
        return bool(name.strip())
    match = _LOOPBACK.fullmatch(name)
    return match is not None and int(match[1]) <= 65535


def _check(name: str, right: bool, value: object, allowed: str) -> None:
    if not right:
        raise SettingsError(f"{name} is {str(value)!r}: {allowed} is allowed", name)
