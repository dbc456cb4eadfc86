"""Everything the bridge raises on purpose, with one root.

`code` is the stable word that `/inspire/fail` carries (all of them stand in `bridge.osc.spec.FAIL_CODES`); the message is
one sentence for people: what was wrong, what is allowed, what to do.
"""

from __future__ import annotations


class BridgeError(Exception):
    """Root of the bridge's errors. `code` is the class's, unless one is given."""

    code = "bridge"

    def __init__(self, message: str, code: str | None = None):
        super().__init__(message)
        self.code = code or type(self).code


class MessageError(BridgeError):
    """An OSC message that cannot be served. `id` and `reply_port` are the message's, where they could be read."""

    code = "bad_packet"

    def __init__(self, message: str, code: str | None = None, id: str = "", reply_port: int | None = None):
        super().__init__(message, code)
        self.id = id
        self.reply_port = reply_port


class JobError(BridgeError):
    """A command that does not fit the jobs there are: a taken id, an unknown job, a full queue."""

    code = "no_such_job"


class EngineFailure(BridgeError):
    """The engine rejected a request, failed at it, died or stopped answering."""

    code = "engine_error"
    DIED = "engine_died"


class OutputError(BridgeError):
    """A result cannot be written: the folder is missing or read-only, the disk is full, the path is not allowed."""

    code = "output"


class JournalError(BridgeError):
    """The journal cannot be read or written."""

    code = "journal"


class BridgeFault(BridgeError):
    """A fault of the daemon's own, reported to who asked; it serves on."""

    code = "bridge_fault"

    def __init__(self) -> None:
        super().__init__("a fault of the daemon's own: its log has the details, please report it")


class PortTaken(BridgeError):
    """The OSC port is held by another program."""

    code = "port_taken"


class HomeTaken(BridgeError):
    """Another daemon keeps its state where this one would."""

    code = "home_taken"


class PresetError(BridgeError):
    """There is no such preset, or it cannot be saved."""

    code = "preset"


class SettingsError(BridgeError):
    """A setting has a name or value that is not known. `setting` is its name, where it is the value."""

    code = "settings"

    def __init__(self, message: str, setting: str = ""):
        super().__init__(message)
        self.setting = setting


class UnexpectedReply(BridgeError):
    """A daemon answered with something that its command does not answer, or left out what it always gives."""

    code = "unexpected_reply"


class NoDaemon(BridgeError):
    """A client got no answer."""

    code = "no_daemon"
