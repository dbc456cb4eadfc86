"""Presets: listed, selected, saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from bridge.osc.commands.table import Command, JobId, Table
from bridge.osc.fields import Meta

TABLE = Table()

_BANKS = "electronic, band, jazz_latin, cinematic, utilities, or a file of your own"
_Bank = Annotated[str, Meta(f"a bank of presets: {_BANKS}", 1, 100)]


@TABLE.command("/inspire/presets", "asks for all presets, or a bank's: one reply each", "preset", "fail")
@dataclass(frozen=True)
class ListPresets(Command):
    bank: _Bank | None = None


@TABLE.command("/inspire/preset/select", "selects a preset", "preset", "fail")
@dataclass(frozen=True)
class SelectPreset(Command):
    preset: Annotated[str, Meta("a preset's name, or its number in the list that presets gives, from 0", 1, 60)]


@dataclass(frozen=True)
class StepPreset(Command):
    by: int


@TABLE.command("/inspire/preset/next", "selects the next preset", "preset")
@dataclass(frozen=True)
class NextPreset(Command):
    @classmethod
    def read(cls, id: str, **values: Any) -> StepPreset:
        return StepPreset(id, 1, **values)


@TABLE.command("/inspire/preset/previous", "selects the one before", "preset")
@dataclass(frozen=True)
class PreviousPreset(Command):
    @classmethod
    def read(cls, id: str, **values: Any) -> StepPreset:
        return StepPreset(id, -1, **values)


@TABLE.command("/inspire/preset/bank", "selects a bank's first preset", "preset", "fail")
@dataclass(frozen=True)
class SelectBank(Command):
    bank: _Bank


@TABLE.command("/inspire/preset/save", "keeps what a job asked for, without its clip and seed, as a preset", "preset", "fail")
@dataclass(frozen=True)
class SavePreset(Command):
    name: Annotated[str, Meta("the new preset's name", 1, 60)]
    job: JobId
