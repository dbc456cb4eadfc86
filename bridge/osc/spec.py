"""THE table of the OSC interface: every address, its arguments, keys, ranges, answers and failures.

Server, client, `inspire osc` and README are read from it or checked against it. Every command's first argument is a request
id that the client chooses; then the command's arguments in order; then key, value pairs in any order. The first argument of
every reply is the request's id. Only int32, float32 and strings go to a client. A command may also use d, h, T and F, an
integral float for an integer and an integer for a float; a number is taken for an id as its text.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.api import DECODE_PATHS, JOINS, MAX_CLIP_S, MAX_DURATION_S, MAX_PROMPT_CHARS, MAX_VARIATIONS, SECTIONS

PROTOCOL = 1
DEFAULT_PORT = 7770
MAX_DATAGRAM_OUT = 4096  # bytes; a client needs no larger buffer
LEAST_DATAGRAM_OUT = 1024  # bytes; every reply can be made to fit
MAX_BEGINNING = 500  # bytes of a prompt in a list
MAX_FOLDER_BYTES = 1000  # of the output folder's path, so that every result's path fits a datagram
MAX_PROGRESS_PER_S = 10
LEAST_GAIN_DB, MAX_GAIN_DB = -100.0, 12.0
MAX_LIVE_IN_A_ROW = 4  # continuations, while text waits
HISTORY_LIMIT = 20
MAX_LISTED = 100
STARTS = ("now", "bar")
MIDI_KINDS = ("note", "program", "controller")
MIDI_ACTIONS = (  # commands without /inspire/, and guidance: a key of the jobs that MIDI asks for
    *("preset/select", "preset/next", "preset/previous", "preset/bank"),
    *("generate", "sketch", "cancel", "pause", "resume", "gain", "guidance"),
)
LEARN_S = 30.0  # until a learn hears what it waits for
SKETCHES, SKETCH_BARS, SKETCH_S = 4, 4, 8.0  # how many, and how long each is, unless said
JOB_STATES = ("queued", "running", "done", "failed", "cancelled", "interrupted")


@dataclass(frozen=True)
class Field:
    """One value of a message. `low` and `high` bound a number, or a string's length in characters."""

    name: str
    type: str  # "i", "f" or "s"
    doc: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    is_sentence: bool = False  # of a reply: it may lose its end where there is no room

    @property
    def is_switch(self) -> bool:
        return self.type == "i" and (self.low, self.high) == (0, 1)

    @property
    def allowed(self) -> str:
        """What may stand here, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        kind = {"i": "a whole number", "f": "a number", "s": "text"}[self.type]
        unit = " characters" if self.type == "s" else ""
        if self.low is not None and self.high is not None:
            return f"{kind} {'of' if unit else 'from'} {_plain(self.low)} to {_plain(self.high)}{unit}"
        return kind


@dataclass(frozen=True)
class Message:
    """One address. `arguments` come first and in order (before them, the id); `pairs` are optional; `answers` name replies."""

    address: str
    doc: str
    arguments: tuple[Field, ...] = ()
    pairs: tuple[Field, ...] = ()
    answers: tuple[str, ...] = ()

    def pair(self, name: str) -> Field | None:
        return next((field for field in self.pairs if field.name == name), None)


ID = Field("id", "s", "chosen by the client; a repeated id answers with the job's state instead of starting again", 1, 100)
REPLY_PORT = Field("reply_port", "i", "answer to this port of the sender's host, not to the packet's own source", 1, 65535)
TOKEN = Field("token", "s", "the daemon's, where its settings have one: needed with every command", 0, 200)
COMMON = (REPLY_PORT, TOKEN)

_JOB_EVENTS = ("ack", "queued", "progress", "chunk", "done", "fail", "cancelled")
_PROMPT = Field("prompt", "s", "what to play: style, tempo, key, instruments", 0, MAX_PROMPT_CHARS)
_JOB_ID = Field("job", "s", "the id of a generate, continue or again", 1, 100)

_MUSIC = (
    Field("duration_s", "f", "length of the new audio in seconds; 10 when neither this nor bars is given", 0.5, MAX_DURATION_S),
    Field("bars", "i", "length of the new audio in bars; needs bpm", 1, 512),
    Field("bpm", "f", "tempo in beats per minute", 20, 400),
    Field("beats_per_bar", "i", "beats in a bar", 1, 16),
    Field("key", "s", "such as A minor or F# major", 1, 20),
    Field("section", "s", "which part of a piece this is", choices=SECTIONS),
    Field("time_start_s", "f", "where in the whole piece the result begins", 0, 3600),
    Field("time_end_s", "f", "how long the whole piece is", 0, 3600),
    Field("seed", "i", "same seed, same machine, same audio; drawn at random when not given", 0, 2**31 - 1),
    Field("variations", "i", "so many in one go: the first with this seed, the others with the next", 1, MAX_VARIATIONS),
    Field("guidance", "f", "how strictly prompt and clip are followed", 0, 20),
    Field("top_k", "i", "how many tokens the sampler chooses from", 1, 100_000),
    Field("temperature", "f", "how freely it chooses", 0, 5),
    Field("decode", "s", "full: flow matching, 48 kHz; fast: token decoder, 24 kHz", choices=DECODE_PATHS),
    Field("model", "s", "a model's name or its folder; the settings' one when not given", 1, 1000),
    Field("preset", "s", "a preset's name, or selected; the request's own keys win over it, and its prompt unless empty", 1, 60),
    Field("play", "i", "1: heard on the audio device while it is generated", 0, 1),
    Field("start", "s", "bar: heard from the MIDI clock's next bar on, at its tempo unless bpm is given", choices=STARTS),
    Field("path", "s", "file name of the result, inside the output folder", 1, 200),
    *COMMON,
)
_CONTINUATION = (
    _PROMPT,
    Field("from_s", "f", "continue from this second of the clip; its end when not given", 0, MAX_CLIP_S),
    Field("context_s", "f", "how many seconds before from_s the model hears", 1, 30),
    Field("join", "s", "append: the clip and the new part in one file; new: only the new part", choices=JOINS),
)

_LIMIT = Field("limit", "i", f"entries at most; {HISTORY_LIMIT} when not given", 1, MAX_LISTED)
_OTHER_SEED = Field("seed", "i", "in place of the job's own", 0, 2**31 - 1)
_BANK = Field("bank", "s", "a bank of presets: electronic, band, jazz_latin, cinematic, utilities, or a file of your own", 1, 100)
_PRESET = Field("preset", "s", "a preset's name, or its number in the list that presets tells, from 0", 1, 60)
_ACTION = Field("action", "s", "what it does", choices=MIDI_ACTIONS)
_KIND = Field("kind", "s", "which MIDI message does it", choices=MIDI_KINDS)
_NUMBER = Field("number", "i", "the note, program or controller; any when not given", 0, 127)
_CHANNEL = Field("channel", "i", "the MIDI channel; any when not given", 1, 16)
_LOW = Field("low", "f", "of gain in dB and guidance: what a controller's 0 stands for", LEAST_GAIN_DB, 20)
_HIGH = Field("high", "f", "of gain in dB and guidance: what a controller's 127 stands for", LEAST_GAIN_DB, 20)

_COMMANDS = (
    Message(
        "/inspire/hello",
        "registers a client: its replies go to one place, it hears events; any message renews the lease",
        (Field("name", "s", "who is speaking", 0, 100), Field("protocol", "i", f"the protocol it speaks: {PROTOCOL}", 1, 1000)),
        (
            Field("events", "s", "own: of the jobs it asked for; all: of every job", choices=("own", "all")),
            Field("max_datagram", "i", "bytes of the largest reply it can read", LEAST_DATAGRAM_OUT, MAX_DATAGRAM_OUT),
            *COMMON,
        ),
        ("welcome", "fail"),
    ),
    Message("/inspire/generate", "text to music", (_PROMPT,), _MUSIC, _JOB_EVENTS),
    Message(
        "/inspire/continue",
        "goes on from a recorded clip",
        (Field("clip", "s", "path of an audio file, or of a MIDI file, which FluidSynth plays", 1, 1000),),
        _CONTINUATION + _MUSIC,
        _JOB_EVENTS,
    ),
    Message(
        "/inspire/sketch",
        f"generate, to choose from: {SKETCHES} variations of {SKETCH_BARS} bars, without a tempo {SKETCH_S:g} s, unless it says",
        (_PROMPT,),
        _MUSIC,
        _JOB_EVENTS,
    ),
    Message(
        "/inspire/again",
        "asks for a job's request again: the same audio, or a fail where its model has changed, unless another seed is given",
        (_JOB_ID,),
        (*(f for f in _MUSIC if f.name in ("play", "path")), _OTHER_SEED, *COMMON),
        _JOB_EVENTS,
    ),
    Message(
        "/inspire/cancel",
        "stops the job with this id (or the one named by job) within a token step; what was generated stays; again: its state",
        pairs=(_JOB_ID, *COMMON),
        answers=("ack", "state", "fail"),
    ),
    Message(
        "/inspire/pause",
        "the running job ends, no other begins until resume, also not after a restart",
        pairs=COMMON,
        answers=("ack",),
    ),
    Message("/inspire/resume", "waiting jobs begin again", pairs=COMMON, answers=("ack",)),
    Message("/inspire/status", "asks for the daemon's state, or a job's", pairs=(_JOB_ID, *COMMON), answers=("state", "fail")),
    Message(
        "/inspire/jobs",
        "asks for the jobs that run and wait, in the order of their turns",
        pairs=(_LIMIT, Field("offset", "i", "leave out so many of the first", 0, 2**31 - 1), *COMMON),
        answers=("found", "entry"),
    ),
    Message(
        "/inspire/history",
        "searches what was made, also by daemons before this one; the newest first",
        pairs=(
            Field("words", "s", "all of these stand in the prompt or the clip's name", 0, 200),
            Field("state", "s", "only jobs that ended so, or have not", choices=JOB_STATES),
            Field("since", "s", "only from this day (UTC) on: 2026, 2026-11 or 2026-11-21", 4, 10),
            Field("until", "s", "only up to and with this day, month or year (UTC)", 4, 10),
            Field("kept", "i", "1: only favourites", 0, 1),
            _LIMIT,
            Field("offset", "i", "leave out this many of the newest", 0, 2**31 - 1),
            *COMMON,
        ),
        answers=("found", "entry", "fail"),
    ),
    Message(
        "/inspire/keep",
        "makes a result a favourite: it is never removed for its space",
        (_JOB_ID,),
        (Field("keep", "i", "0: no longer", 0, 1), *COMMON),
        ("ack", "fail"),
    ),
    Message(
        "/inspire/delete",
        "moves a result and the files of its name to a folder Deleted beside them, and forgets the job",
        (_JOB_ID,),
        COMMON,
        ("ack", "fail"),
    ),
    Message(
        "/inspire/presets",
        "asks for all presets, or a bank's: one reply each",
        pairs=(_BANK, *COMMON),
        answers=("preset", "fail"),
    ),
    Message("/inspire/preset/select", "selects a preset", (_PRESET,), COMMON, ("preset", "fail")),
    Message("/inspire/preset/next", "selects the next preset", pairs=COMMON, answers=("preset",)),
    Message("/inspire/preset/previous", "selects the one before", pairs=COMMON, answers=("preset",)),
    Message("/inspire/preset/bank", "selects a bank's first preset", (_BANK,), COMMON, ("preset", "fail")),
    Message(
        "/inspire/preset/save",
        "keeps what a job asked for, without its clip and seed, as a preset",
        (Field("name", "s", "the new preset's name", 1, 60), _JOB_ID),
        COMMON,
        ("preset", "fail"),
    ),
    Message(
        "/inspire/gain",
        "sets how loud the audio device plays, at once and without a click; files keep their level",
        (Field("gain_db", "f", "0: as it is in the file", LEAST_GAIN_DB, MAX_GAIN_DB),),
        COMMON,
        ("ack", "fail"),
    ),
    Message("/inspire/midi/list", "asks what MIDI does: one reply each", pairs=COMMON, answers=("found", "midi/binding", "fail")),
    Message(
        "/inspire/midi/learn",
        f"the next note, program or controller that comes does this from now on; a cancel of its id or {LEARN_S:g} s end it",
        (_ACTION,),
        (
            Field("preset", "s", "of preset/select, generate and sketch: which", 1, 60),
            Field("bank", "s", "of preset/bank: which", 1, 100),
            Field("start", "s", "of generate and sketch: when it is heard", choices=STARTS),
            _LOW,
            _HIGH,
            *COMMON,
        ),
        ("ack", "midi/binding", "fail"),
    ),
    Message(
        "/inspire/midi/forget", "what this did, it does no more", (_KIND,), (_NUMBER, _CHANNEL, *COMMON), ("ack", "fail")
    ),
    Message("/inspire/models", "asks for all models: one reply each", pairs=COMMON, answers=("model",)),
    Message("/inspire/ping", "are you there", pairs=COMMON, answers=("pong",)),
    Message("/inspire/quit", "ends the daemon; a running job keeps what it has", pairs=COMMON, answers=("ack",)),
)

_PATH = Field("path", "s", "the file; empty when there is no audio")
_OTHERS = Field("others", "s", "names of the other variations' files beside path, '/' between")
_DURATION = Field("duration_s", "f", "seconds of audio in the file")
_PLACE = (Field("index", "i", "counts from 0"), Field("count", "i", "how many there are in this answer"))
_VERSION = Field("version", "s", "the daemon's version")
_SHORTENED = Field("shortened", "i", "1: something in it was cut or left out, to fit your max_datagram", 0, 1)
_PROTOCOL = Field("protocol", "i", "the protocol it speaks")

_REPLIES = (
    Message("/inspire/pong", "here I am", (_VERSION, _PROTOCOL)),
    Message(
        "/inspire/welcome",
        "you are registered",
        (_VERSION, _PROTOCOL, Field("lease_s", "f", "seconds without a message until you are forgotten")),
    ),
    Message("/inspire/ack", "the command is accepted"),
    Message(
        "/inspire/preset",
        "a preset",
        (*_PLACE, Field("name", "s", "its name"), Field("bank", "s", "its bank")),
        (
            Field("description", "s", "what it is for", is_sentence=True),
            Field("prompt", "s", "what it plays, the beginning of it", is_sentence=True),
            Field("bpm", "f", "its tempo"),
            Field("key", "s", "its key"),
            Field("bars", "i", "its length in bars"),
            _SHORTENED,
        ),
    ),
    Message(
        "/inspire/model",
        "a model",
        (*_PLACE, Field("name", "s", "what to call it")),
        (
            Field("kind", "s", "embedded; own: in your models folder; released: as InspireMusic publishes them"),
            Field("megabytes", "f", "size of its weights"),
            Field("loaded", "i", "1: it is in memory"),
            Field("path", "s", "its folder"),
            _SHORTENED,
        ),
    ),
    Message(
        "/inspire/midi/binding",
        "what a MIDI message does: settings.toml has it",
        (Field("index", "i", "counts from 0"), _ACTION, _KIND),
        (
            *(_NUMBER, _CHANNEL, _LOW, _HIGH),
            Field("values", "s", "arguments and keys that go with the action, as TOML has them"),
            _SHORTENED,
        ),
    ),
    Message(
        "/inspire/queued",
        f"the job waits: continuations go before text, but not more than {MAX_LIVE_IN_A_ROW} in a row; clients take turns",
        (Field("position", "i", "jobs ahead of it"),),
        (Field("paused", "i", "1: none begins until resume"),),
    ),
    Message(
        "/inspire/progress",
        f"at most {MAX_PROGRESS_PER_S} a second",
        (
            Field("done_s", "f", "seconds of new audio generated"),
            Field("total_s", "f", "seconds of new audio asked for"),
            Field("rtf", "f", "seconds of work for a second of audio; 0 while unknown"),
        ),
    ),
    Message(
        "/inspire/chunk",
        "a piece of audio is on disk",
        (
            Field("index", "i", "counts from 0"),
            Field("start_s", "f", "where in the file it begins"),
            Field("duration_s", "f", "how long it is"),
            Field("path", "s", "the growing file, playable now and under the name it keeps"),
        ),
        (
            Field("variation", "i", "which, counted from 1, where there are several; index and start_s are its own"),
            _SHORTENED,
        ),
    ),
    Message(
        "/inspire/done",
        "the job's end: all of it is on disk",
        (_PATH, _DURATION),
        (
            _OTHERS,
            Field("samplerate", "i", "Hz"),
            Field("seed", "i", "the seed used"),
            Field("rtf", "f", "seconds of work for a second of audio"),
            Field("first_chunk_s", "f", "seconds from the job's start to its first chunk on disk"),
            Field("underruns", "i", "gaps heard on the audio device"),
            Field("bpm", "f", "tempo measured in the result"),
            Field("weights", "s", "the model's weights, as a hash: again asks for the same"),
            _SHORTENED,
        ),
    ),
    Message(
        "/inspire/fail",
        "the command's or the job's end: it cannot be done",
        (
            Field("code", "s", "one of the codes below"),
            Field("message", "s", "what was wrong, what is allowed, what to do", is_sentence=True),
        ),
        (_PATH, _DURATION, _OTHERS, _SHORTENED),
    ),
    Message("/inspire/cancelled", "the job's end: stopped as asked", (_PATH, _DURATION), (_OTHERS, _SHORTENED)),
    Message(
        "/inspire/found",
        "how many fit the question; as many entries (or bindings) as shown follow",
        (Field("count", "i", "how many fit"), Field("shown", "i", "entries that follow")),
    ),
    Message(
        "/inspire/entry",
        "a job: in the history, or of those that run and wait",
        (
            Field("index", "i", "counts from offset; of one that waits, the jobs ahead of it"),
            _JOB_ID,
            Field("state", "s", "what became of it", choices=JOB_STATES),
        ),
        (
            Field("created", "s", "when it was asked for: ISO 8601, UTC"),
            Field("client", "s", "who asked: as it said hello, else its address"),
            Field("kept", "i", "1: a favourite"),
            Field("prompt", "s", "what was to be played; its beginning", is_sentence=True),
            Field("clip", "s", "the name of the clip that was continued"),
            Field("seed", "i", "the seed used"),
            _PATH,
            _OTHERS,
            _DURATION,
            _SHORTENED,
        ),
    ),
    Message(
        "/inspire/state",
        "the daemon's state, or a job's where job is given",
        (
            Field(
                "state",
                "s",
                f"daemon: starting, idle, busy, down; job: {', '.join(JOB_STATES)}",
                choices=("starting", "idle", "busy", "down", *JOB_STATES),
            ),
        ),
        (
            _JOB_ID,
            _VERSION,
            _PROTOCOL,
            Field("pid", "i", "the daemon's process"),
            Field("engine_pid", "i", "the engine's process; absent while it is down"),
            Field("model", "s", "the model that is loaded"),
            Field("engine_device", "s", "what the model runs on"),
            Field("restarts", "i", "times the engine had to be started again"),
            Field("running", "s", "the running job"),
            Field("queued", "i", "jobs that wait"),
            Field("paused", "i", "1: none begins until resume"),
            Field("clients", "i", "registered clients"),
            Field("folder", "s", "where results go"),
            Field("audio_device", "s", "where sound goes, or why it does not", is_sentence=True),
            Field("playing", "i", "1 while the audio device sounds"),
            Field("underruns", "i", "gaps heard on the audio device"),
            Field("midi_in", "s", "where MIDI comes from, or why it does not", is_sentence=True),
            Field("transport", "s", "by the MIDI clock, while there is one: playing or stopped"),
            Field("bpm", "f", "the MIDI clock's tempo"),
            Field("bar", "i", "where it is, in bars from 1"),
            Field("beats_per_bar", "i", "of these bars: the setting midi_beats_per_bar, else the running job's, else 4"),
            Field("gain_db", "f", "how loud the audio device plays; 0: as it is in the file"),
            Field("peak_db", "f", "highest level of the last 0.3 s on the audio device, in dBFS; only while it is open"),
            Field("rms_db", "f", "mean level of the last 0.3 s on the audio device, in dBFS; only while it is open"),
            Field("problem", "s", "what is wrong with the engine, if anything", is_sentence=True),
            Field("position", "i", "jobs ahead of it"),
            Field("done_s", "f", "seconds of new audio generated"),
            Field("total_s", "f", "seconds of new audio asked for"),
            Field("rtf", "f", "seconds of work for a second of audio"),
            _PATH,
            _DURATION,
            _SHORTENED,
        ),
    ),
)

COMMANDS = {message.address: message for message in _COMMANDS}
REPLIES = {message.address: message for message in _REPLIES}

FAIL_CODES = {
    "bad_packet": "not an OSC message this daemon can read, or text that is not UTF-8",
    "too_early": "a bundle's time is more than 60 s ahead",
    "too_late": "a request lay in the mailbox for more than 60 s while no daemon ran",
    "unknown_address": "no such command",
    "token": "the daemon asks for a token, and this command has none or a wrong one",
    "no_id": "the first argument must be a request id",
    "missing_argument": "an argument, or a key's value, is not there",
    "unknown_key": "the command has no such key, or it is given twice",
    "bad_value": "a value of the wrong type or out of range",
    "bad_request": "values that do not go together",
    "bad_clip": "the clip cannot be read or holds nothing usable",
    "bad_model": "the model is missing, incomplete or damaged",
    "protocol": "the client speaks another protocol",
    "id_taken": "the id belongs to another request",
    "no_clock": "no MIDI clock plays: there is no next bar to start on",
    "no_midi": "midi_in is not set: there is nothing to learn from",
    "not_learnt": "nothing came that could be learnt, or the learn was cancelled",
    "no_such_binding": "this note, program or controller does nothing",
    "settings": "the settings file cannot be read or written",
    "no_such_job": "no job has this id",
    "not_ended": "the job must end first",
    "interrupted": "the daemon was killed while it had the job; what was made until then is kept",
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


def short_name(address: str) -> str:
    """ "/inspire/generate" → "generate"."""
    return address.removeprefix("/inspire/")


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)
