"""Errors carry a stable code, and all that reach a client are in the table."""

from __future__ import annotations

import inspect

from bridge import errors
from bridge.osc import spec
from engine.api import ClipError, EngineError, ModelError, RequestError


def test_every_code_is_in_the_table():
    sent = [errors.MessageError, errors.JobError, errors.EngineFailure, errors.OutputError, errors.JournalError]
    codes = {error.code for error in (*sent, errors.BridgeFault, EngineError, RequestError, ClipError, ModelError)}
    assert codes <= set(spec.FAIL_CODES)


def test_an_error_has_its_classs_code_unless_it_is_given_one():
    assert errors.JobError("no").code == "no_such_job" and errors.JobError("full", "busy").code == "busy"
    message = errors.MessageError("no", id="j", reply_port=9000)
    assert (str(message), message.code, message.id, message.reply_port) == ("no", "bad_packet", "j", 9000)
    assert errors.SettingsError("no", "port").setting == "port" and "log" in str(errors.BridgeFault())


def test_all_have_one_root_and_a_code_of_their_own():
    types = [type_ for _, type_ in inspect.getmembers(errors, inspect.isclass) if issubclass(type_, errors.BridgeError)]
    codes = [type_.code for type_ in types]
    assert len(types) > 10 and len(set(codes)) == len(codes)
