"""How much the daemon takes from those who speak to it: every limit of its own, in one place.

What a request may ask for (lengths, ranges, the size of a clip) is limited in `engine.api`, what a message may hold in the
classes of `bridge.osc.commands`.
"""

from __future__ import annotations

MAX_DATAGRAM_IN = 65_535  # bytes
MAX_FRAME = 65_536  # bytes of a packet in a stream
MAX_NESTING = 8  # of bundles
MAX_BUNDLED = 2000  # messages of a bundle
MAX_ARGUMENTS = 256  # of a message
MAX_UNREADABLE = 100  # packets in a row of a connection that are no OSC
MAX_UNREADABLE_BYTES = 2**18  # … and bytes without a message among them: more than two frames of the largest kind
MAX_BACKLOG_BYTES = 64 * 2**20  # packets received but not yet served, with what it takes to keep them
MAX_BACKLOG_BYTES_OF_ONE = 16 * 2**20  # … of one source: 2,000 commands at once and a good deal more
MAX_DRAINED = 1_000  # datagrams taken from the socket before one is served
MAX_UNANSWERED = 10_000  # commands that wait for the journal
MAX_AHEAD_S = 60.0  # of a bundle's time
MAX_SCHEDULED = 1_000  # bundles whose time has not come
MAX_CONNECTIONS = 64
MAX_UNREAD = 2**20  # bytes that a peer leaves unread before it is given up
PROVE_S = 10.0  # until a connection must have brought a command that is right, with the token where there is one
IDLE_S = 300.0  # of a connection, without a byte in either direction
LEASE_S = 60.0  # of a client, without a word
MAX_QUEUED = 5_000  # jobs
MAX_REMEMBERED = 5_000  # ended jobs whose id still answers
MAX_AT_HAND = 100  # … without the journal being asked
MAX_BLOCKING = 4  # threads for what may block: a job's files, the engine's end, the sound's end, MIDI ports
MAX_BINDINGS = 500  # in the MIDI map
MIN_TOKEN = 16  # characters
MAX_BOXES = 64  # clients of the mailbox
MAX_LETTERS = 200  # requests taken from one box at a time
MAX_BACKLOG_LETTERS = 10_000  # … looked at to find the oldest
MAX_LETTER_AGE_S = 60.0  # of a request that lay there while no daemon ran: whoever put it there has long given up
MAX_UNREAD_LETTER_S = 86_400.0  # until what nobody reads is removed
MAX_UNWRITTEN = 10_000  # replies that wait for the mailbox's disk
