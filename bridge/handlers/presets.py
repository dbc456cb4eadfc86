"""Presets: listed, selected, saved."""

from __future__ import annotations

from dataclasses import replace

from bridge.config.presets import Preset, Presets
from bridge.handlers import Caller, Replies, Table
from bridge.jobs.runner import Jobs
from bridge.osc import spec
from bridge.osc.arguments import cut
from bridge.osc.commands import ListPresets, SavePreset, SelectBank, SelectPreset, StepPreset
from bridge.osc.replies import PresetInfo


class PresetHandlers:
    """`usual_model` is the one that a request gets which names none."""

    def __init__(self, presets: Presets, jobs: Jobs, usual_model: str):
        self._presets = presets
        self._jobs = jobs
        self._usual_model = usual_model

    @property
    def table(self) -> Table:
        return {
            ListPresets: self.list,
            StepPreset: self.step,
            SelectPreset: self.select,
            SelectBank: self.select_bank,
            SavePreset: self.save,
        }

    async def list(self, command: ListPresets, caller: Caller) -> Replies:
        presets = self._presets.all(command.bank)
        for index, preset in enumerate(presets):
            yield _preset_info(command.id, preset, index, len(presets))

    async def step(self, command: StepPreset, caller: Caller) -> Replies:
        yield _preset_info(command.id, self._presets.step(command.by))

    async def select(self, command: SelectPreset, caller: Caller) -> Replies:
        yield _preset_info(command.id, self._presets.select(command.preset))

    async def select_bank(self, command: SelectBank, caller: Caller) -> Replies:
        yield _preset_info(command.id, self._presets.select_bank(command.bank))

    async def save(self, command: SavePreset, caller: Caller) -> Replies:
        await self._jobs.recall(command.job)
        request = self._jobs.get(command.job).request
        if request.model == self._usual_model:  # nobody named one: it goes with any
            request = replace(request, model=None)
        yield _preset_info(command.id, self._presets.save(command.name, request))


def _preset_info(id: str, preset: Preset, index: int = 0, count: int = 1) -> PresetInfo:
    values = {name: preset.values.get(name) for name in ("prompt", "bpm", "key", "bars")}
    values["prompt"] = cut(str(values["prompt"] or ""), spec.MAX_BEGINNING) or None
    return PresetInfo(id, index, count, preset.name, preset.bank, {"description": preset.description or None, **values})
