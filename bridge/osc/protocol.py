"""Numbers and words of the OSC interface that more than one message, or the daemon itself, goes by."""

from __future__ import annotations

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
STARTS = ("now", "bar", "next_loop")
MIDI_KINDS = ("note", "program", "controller")
MIDI_ACTIONS = (  # commands without /inspire/, and guidance: a key of the jobs that MIDI asks for
    *("preset/select", "preset/next", "preset/previous", "preset/bank"),
    *("generate", "sketch", "cancel", "pause", "resume", "gain", "guidance"),
)
LEARN_S = 30.0  # until a learn gets what it waits for
TRANSPORT_S = 3.0  # a host's report of its transport counts so long: a device that sends it once a second may be held up
SKETCHES, SKETCH_BARS, SKETCH_S = 4, 4, 8.0  # how many, and how long each is, unless said
JOB_STATES = ("queued", "running", "done", "failed", "cancelled", "interrupted")
