"""The daemon as a library: everything that its methods give or raise can be imported from one place."""

from __future__ import annotations

import inspect
import textwrap

from bridge import client, errors
from bridge.osc import replies


def test_every_reply_and_every_error_of_a_client_is_there():
    assert {type_.__name__ for type_ in replies.TYPES.values()} <= set(client.__all__)
    assert {"BridgeError", "MessageError", "NoDaemon", "Reply"} <= set(client.__all__)
    assert issubclass(client.NoDaemon, errors.BridgeError)


def test_the_example_of_its_docstring_is_right(monkeypatch):
    example = "\n".join(line for line in inspect.getdoc(client).splitlines() if line.startswith("    "))

    class Fake(client.Client):
        def generate(self, prompt: str, **pairs: object):
            assert (prompt, pairs) == ("dub techno, 124 bpm", {"bars": 8, "bpm": 124})
            yield client.Done("j", "/m/x.wav", 15.5)

    monkeypatch.setattr(client, "Client", Fake)
    printed: list[str] = []
    exec(textwrap.dedent(example), {"print": printed.append})
    assert printed == ["/m/x.wav"]
