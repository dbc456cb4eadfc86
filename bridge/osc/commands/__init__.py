"""What a client may ask: one frozen class a command, with its fields' types, ranges, defaults and meanings, a file a noun.

These classes are the table of commands: the parser, clients, `inspire osc` and the documentation read them. Every command's first
argument is a request id that the client chooses; then the command's arguments in order (fields without a default); then key,
value pairs in any order (fields with one). Pure: no socket, no clock.
"""

from __future__ import annotations

from bridge.osc.commands import audio, connection, daemon, jobs, midi, music, presets
from bridge.osc.commands.audio import Play, ReportTransport, SetGain
from bridge.osc.commands.connection import Hello
from bridge.osc.commands.daemon import ListModels, Ping, Quit
from bridge.osc.commands.jobs import Again, Cancel, Delete, History, Keep, ListJobs, Pause, Resume, SetPaused, Status
from bridge.osc.commands.midi import Action, Channel, Forget, High, Kind, Learn, LearnAction, ListBindings, Low, Number
from bridge.osc.commands.music import (
    Continue,
    Estimate,
    Fill,
    Generate,
    Reconstruct,
    Sketch,
    Upsample,
)
from bridge.osc.commands.presets import ListPresets, NextPreset, PreviousPreset, SavePreset, SelectBank, SelectPreset, StepPreset
from bridge.osc.commands.submission import Draft, Submit, is_midi_clip
from bridge.osc.commands.table import Command, JobId
from bridge.osc.fields import Message

__all__ = [
    "ALIASES",
    "Action",
    "Again",
    "COMMANDS",
    "Cancel",
    "Channel",
    "Command",
    "Continue",
    "Delete",
    "Draft",
    "Estimate",
    "Fill",
    "Forget",
    "Generate",
    "Hello",
    "High",
    "History",
    "JobId",
    "Keep",
    "Kind",
    "Learn",
    "LearnAction",
    "ListBindings",
    "ListJobs",
    "ListModels",
    "ListPresets",
    "Low",
    "NextPreset",
    "Number",
    "Pause",
    "Ping",
    "Play",
    "PreviousPreset",
    "Quit",
    "Reconstruct",
    "ReportTransport",
    "Resume",
    "SavePreset",
    "SelectBank",
    "SelectPreset",
    "SetGain",
    "SetPaused",
    "Sketch",
    "Status",
    "StepPreset",
    "Submit",
    "TYPES",
    "Upsample",
    "is_midi_clip",
]

_TABLES = (connection.TABLE, music.TABLE, jobs.TABLE, presets.TABLE, audio.TABLE, midi.TABLE, daemon.TABLE)

ALIASES = {  # what the command line calls them
    "/inspire/ideas": "/inspire/sketch",
    "/inspire/save": "/inspire/preset/save",
    "/inspire/stop": "/inspire/quit",
}
COMMANDS: dict[str, Message] = {address: message for table in _TABLES for address, message in table.messages.items()}
TYPES: dict[str, type[Command]] = {address: type_ for table in _TABLES for address, type_ in table.types.items()}
