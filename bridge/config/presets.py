"""Presets: named values for a request, from the factory's folder and the user's. A request's own keys win over its preset's.

A file is a bank, a `[[preset]]` table in it a preset: `name`, `description`, and field names of GenerationRequest. The user's
replace the factory's of the same name. What has changed is read again before a look-up. What is wrong in a file is logged with
file and line; everything else goes on.
"""

from __future__ import annotations

import logging
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from bridge import toml_file
from bridge.errors import PresetError
from engine.api import GenerationRequest, RequestError

MAX_NAME_CHARS = 60
MAX_DESCRIPTION_CHARS = 200
SELECTED = "selected"  # in place of a name: the one chosen with select, next, previous or bank
USER_BANK = "user"  # where saved ones go

# A preset is not of one recording or a place in it, nor how often it is asked for.
_NOT_KEPT = {"clip", "from_s", "from_bar", "to_s", "to_bar", "candidates", "part", "piece_s", "variations", "task"}
_KEYS = tuple(f.name for f in fields(GenerationRequest) if f.name not in _NOT_KEPT)
_LENGTHS = {"duration_s", "bars", "arrangement"}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Preset:
    name: str
    bank: str
    description: str
    values: Mapping[str, object]

    def under(self, own: Mapping[str, object]) -> dict[str, object]:
        """A request's keys, completed. An empty prompt is none, and a length of one kind also replaces one of the other, as the
        end of a region does.
        """
        own = {name: value for name, value in own.items() if name != "prompt" or str(value).strip()}
        replaced = _LENGTHS if _LENGTHS & own.keys() else {"duration_s", "arrangement"} if own.get("loop") else set()
        if {"to_s", "to_bar", "arrangement"} & own.keys():
            replaced = _LENGTHS | {"loop"}
        return {name: value for name, value in self.values.items() if name not in replaced} | own


NO_PRESET = Preset("", "", "", {})


class Presets:
    """All of them. `folder` is the user's; it need not exist. No bad file makes a look-up fail."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._banks: dict[Path, _Bank] = {}
        self._selected = ""

    @property
    def problems(self) -> list[str]:
        self._reload()
        return [problem for bank in self._banks.values() for problem in bank.problems]

    def all(self, bank: str | None = None) -> list[Preset]:
        """By bank, in their files' order, the factory's first. Raises PresetError when there is no such bank."""
        self._reload()
        named = {preset.name.casefold(): preset for one in self._banks.values() for preset in one.presets}
        found = [preset for preset in named.values() if bank is None or preset.bank == bank]
        if bank is not None and not found:
            banks = dict.fromkeys(preset.bank for preset in named.values())
            raise PresetError(f"no bank {bank!r}: there are {', '.join(banks)}{self._excuse()}", "no_such_preset")
        return found

    def get(self, name: str) -> Preset:
        """By name in any case. Raises PresetError."""
        if name == SELECTED and not self._selected:
            raise PresetError("no preset is selected: use select, next, previous or bank first", "no_such_preset")
        wanted = (self._selected if name == SELECTED else name).casefold()
        for preset in self.all():
            if preset.name.casefold() == wanted:
                return preset
        raise PresetError(f"no preset {name!r}: 'inspire presets' lists them{self._excuse()}", "no_such_preset")

    def step(self, by: int) -> Preset:
        """Selects the one `by` places on, round the end; of none selected, the first or the last."""
        names = [preset.name for preset in self.all()]
        here = names.index(self._selected) if self._selected in names else -1 if by > 0 else 0
        return self._select(self.get(names[(here + by) % len(names)]))

    def select(self, name: str) -> Preset:
        """By name, or by its number in `all`, from 0. Raises PresetError."""
        presets = self.all()
        named = any(preset.name.casefold() == name.casefold() for preset in presets)
        if named or not (name.isascii() and name.isdigit()):
            return self._select(self.get(name))
        if int(name) >= len(presets):
            raise PresetError(f"no preset number {name}: there are 0 to {len(presets) - 1}", "no_such_preset")
        return self._select(presets[int(name)])

    def select_bank(self, bank: str) -> Preset:
        """Selects a bank's first. Raises PresetError."""
        return self._select(self.all(bank)[0])

    def save(self, name: str, request: GenerationRequest) -> Preset:
        """Keeps what a request asked for beyond the defaults; not its clip and not its seed. Raises PresetError."""
        defaults = {f.name: f.default for f in fields(GenerationRequest) if f.default is not MISSING}
        asked = {key: value for key, value in asdict(request).items() if key in _KEYS and value != defaults[key]}
        asked.pop("seed", None)
        if request.arrangement is not None:
            asked.pop("bars", None)  # its sections'
        known = next((preset for preset in self.all() if preset.name.casefold() == name.casefold()), None)
        if known and known.values == asked:
            return known  # a command may come twice
        if known:
            raise PresetError(f"there is a preset {name!r} already: choose another name")
        file = self._folder / f"{USER_BANK}.toml"
        try:
            old = toml_file.read_text(file) if file.exists() else ""
            text = toml_file.with_table(old, "preset", {"name": name, **asked})
            _read_bank(USER_BANK, str(file), tomllib.loads(text), text).raise_problem_with(name)
            toml_file.write(file, text)
        except (OSError, ValueError) as error:
            raise PresetError(f"cannot save the preset to {file}: {error}") from None
        return self.get(name)

    def _select(self, preset: Preset) -> Preset:
        self._selected = preset.name
        return preset

    def _excuse(self) -> str:
        """What may be the reason why something is not there."""
        problems = self.problems
        return f"; {problems[0]}" if problems else ""

    def _reload(self) -> None:
        factory = Path(str(resources.files("presets")))
        files = [file for folder in (factory, self._folder) for file in _files(folder)]
        banks = {}
        for file in files:
            stamp = toml_file.stamp(file)
            bank = self._banks.get(file)
            if bank is None or bank.stamp != stamp:
                bank = _load(file, stamp)
                for problem in bank.problems:
                    log.warning("%s", problem)
            banks[file] = bank
        self._banks = banks


# ---- one file


@dataclass(frozen=True)
class _Bank:
    presets: tuple[Preset, ...]
    problems: tuple[str, ...]
    stamp: toml_file.Stamp = ()

    def raise_problem_with(self, name: str) -> None:
        if name not in {preset.name for preset in self.presets}:
            raise ValueError(self.problems[-1])


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.toml")) if folder.is_dir() else []


def _load(file: Path, stamp: toml_file.Stamp) -> _Bank:
    try:
        values, text = toml_file.read(file)
    except (OSError, ValueError) as error:
        return _Bank((), (f"{file}: cannot be read: {error}",), stamp)
    bank = _read_bank(file.stem, str(file), values, text)
    return _Bank(bank.presets, bank.problems, stamp)


def _read_bank(bank: str, file: str, values: dict[str, Any], text: str) -> _Bank:
    presets: dict[str, Preset] = {}
    problems = []
    tables = values.pop("preset", [])
    for key in values:
        line = toml_file.line_of(text, key) or "?"
        problems.append(f"{file}, line {line}: unknown key {key!r}: presets are tables, [[preset]]")
    if not (isinstance(tables, list) and all(isinstance(table, dict) for table in tables)):
        problems.append(f"{file}, line {toml_file.line_of(text, 'preset') or '?'}: preset is not a table: write [[preset]]")
        tables = []
    for number, table in enumerate(tables):
        try:
            preset = _read_preset(bank, table)
            if preset.name.casefold() in presets:
                raise _Wrong("name", f"a preset {preset.name!r} stands above already")
        except _Wrong as error:
            problems.append(f"{file}, line {toml_file.line_of(text, error.key, number) or '?'}: {error}")
        else:
            presets[preset.name.casefold()] = preset
    return _Bank(tuple(presets.values()), tuple(problems))


class _Wrong(Exception):
    """A preset that cannot be used, for its `key`."""

    def __init__(self, key: str, message: str):
        super().__init__(message)
        self.key = key


def _read_preset(bank: str, table: dict[str, Any]) -> Preset:
    values = dict(table)
    name, description = values.pop("name", None), values.pop("description", "")
    for key, text, most in (("name", name, MAX_NAME_CHARS), ("description", description, MAX_DESCRIPTION_CHARS)):
        if not isinstance(text, str) or len(text) > most or (key == "name" and not text.strip()):
            raise _Wrong(key, f"{key} is {text!r}: a text of at most {most} characters is needed")
    if name == SELECTED:
        raise _Wrong("name", f"{name!r} stands for the selected preset: choose another name")
    for key in values:
        if key not in _KEYS:
            raise _Wrong(key, f"preset {name!r} has an unknown key {key!r}: known are name, description, {', '.join(_KEYS)}")
    try:
        # The request may bring what is missing here: its prompt, its tempo.
        GenerationRequest(**{"prompt": "any", "bpm": 120.0 if "bars" in values else None, **values})
    except RequestError as error:
        key = next((key for key in values if re.search(rf"\b{key}\b", str(error))), "name")
        raise _Wrong(key, f"preset {name!r}: {error}") from None
    return Preset(name, bank, description, values)
