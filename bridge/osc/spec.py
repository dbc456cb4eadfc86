"""The OSC interface in one place: every address, its arguments, keys, ranges, answers and failures.

Commands and replies are the classes of commands/ and replies.py; what is here is gathered from them. Every command's first
argument is a request id that the client chooses; then the command's arguments in order; then key, value pairs in any order. The
first argument of every reply is the request's id. Only int32, float32 and strings go to a client. A command may also use d, h, T
and F, an integral float for an integer and an integer for a float; a number is taken for a text as it is written.
"""

from __future__ import annotations

from bridge.osc.commands import COMMANDS
from bridge.osc.fields import COMMON, ID, REPLY_PORT, TOKEN, USER, Field, Message, short_name
from bridge.osc.protocol import (
    DEFAULT_PORT,
    HISTORY_LIMIT,
    JOB_STATES,
    LEARN_S,
    LEAST_DATAGRAM_OUT,
    LEAST_GAIN_DB,
    MAX_BEGINNING,
    MAX_DATAGRAM_OUT,
    MAX_FOLDER_BYTES,
    MAX_GAIN_DB,
    MAX_LISTED,
    MAX_LIVE_IN_A_ROW,
    MAX_PROGRESS_PER_S,
    MIDI_ACTIONS,
    MIDI_KINDS,
    PROTOCOL,
    SKETCH_BARS,
    SKETCH_S,
    SKETCHES,
    STARTS,
)
from bridge.osc.replies import REPLIES

__all__ = [
    "COMMANDS",
    "COMMON",
    "DEFAULT_PORT",
    "FAIL_CODES",
    "Field",
    "HISTORY_LIMIT",
    "ID",
    "JOB_STATES",
    "LEARN_S",
    "LEAST_DATAGRAM_OUT",
    "LEAST_GAIN_DB",
    "MAX_BEGINNING",
    "MAX_DATAGRAM_OUT",
    "MAX_FOLDER_BYTES",
    "MAX_GAIN_DB",
    "MAX_LISTED",
    "MAX_LIVE_IN_A_ROW",
    "MAX_PROGRESS_PER_S",
    "MIDI_ACTIONS",
    "MIDI_KINDS",
    "Message",
    "PROTOCOL",
    "REPLIES",
    "REPLY_PORT",
    "SKETCHES",
    "SKETCH_BARS",
    "SKETCH_S",
    "STARTS",
    "TOKEN",
    "USER",
    "short_name",
]

FAIL_CODES = {
    "bad_packet": "not an OSC message this daemon can read, or text that is not UTF-8",
    "too_early": "a bundle's time is more than 60 s ahead",
    "too_late": "a request lay in the mailbox for more than 60 s while no daemon ran",
    "unknown_address": "no such command",
    "token": "the daemon asks for a token, and this command has none or a wrong one",
    "other_user": "the daemon is another user's, and the command does not bring its token",
    "no_id": "the first argument must be a request id",
    "missing_argument": "an argument, or a key's value, is not there",
    "unknown_key": "the command has no such key, or it is given twice",
    "bad_value": "a value of the wrong type or out of range",
    "bad_request": "values that do not go together",
    "bad_clip": "the clip cannot be read or holds nothing usable",
    "bad_model": "the model is missing, incomplete or damaged",
    "protocol": "the client speaks another protocol",
    "id_taken": "the id belongs to another request",
    "no_clock": "no host reports that it plays and no MIDI clock does: there is no next bar to start on",
    "no_midi": "midi_in is not set: there is nothing to learn from",
    "not_learnt": "nothing came that could be learnt, or the learn was cancelled",
    "no_such_binding": "this note, program or controller does nothing",
    "settings": "the settings file cannot be read or written",
    "no_such_job": "no job has this id",
    "not_ended": "the job must end first",
    "no_audio": "the job has no result, or its file is gone or cannot be read",
    "no_device": "there is no audio device to play on",
    "interrupted": "the daemon ended while it had the job; what was made until then is kept",
    "no_estimate": "nothing was measured of this model yet, so nothing can be told of how long it takes",
    "journal": "the history cannot be read or written; the log has the details",
    "no_such_preset": "no preset or bank has this name",
    "preset": "the preset cannot be saved: its name is taken, or its file cannot be written",
    "busy": "the queue is full: try again later",
    "shutting_down": "the daemon is ending",
    "output": "the result cannot be written: folder, disk or path",
    "bridge_fault": "a fault of the daemon's own; the log has the details",
    "engine": "the engine cannot do this; its message says why",
    "engine_error": "the engine failed in a way it did not foresee; the log has the details",
    "engine_died": "the engine process ended while it worked; the next job gets a fresh one",
    "engine_stalled": "the engine stopped answering and was ended; the next job gets a fresh one",
}
