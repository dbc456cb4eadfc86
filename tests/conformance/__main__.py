"""Does a server speak the interface in bridge/osc/README.md? Try any: `python -m tests.conformance HOST PORT [--token T]`.

Prints one line a rule: that it conforms, or what differs. Exit code 1 if anything differs. Needs python-osc, and nothing else of
this repository. It makes some seconds of music, which stay in the output folder, pauses the queue for a moment and sends 2,000
pings at once: ask a server that has nothing else to do. The time of bundles is judged by this machine's clock.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from tests.conformance import asking, jobs, midi, packets, replies
from tests.conformance.peers import Differs, Server
from tests.conformance.rules import RULES

MODULES = (asking, jobs, midi, packets, replies)  # each has added its rules; the last judges what was said to the others


def check(
    host: str, port: int, patience_s: float = 10.0, rules: list[str] | None = None, token: str = ""
) -> Iterator[tuple[str, str]]:
    """Each rule as it has been checked, with what differs: empty where the server conforms."""
    server = Server(host, port, patience_s, token)
    for reported in rules or RULES:
        differs = ""
        try:
            RULES[reported](server)
        except Differs as error:
            differs = str(error)
        except (IndexError, TypeError) as error:  # an answer too short or of other types to be looked into
            differs = f"an answer is not as the table has it: {error}"
        finally:
            server.close()
        yield reported, differs


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__.splitlines()[0])
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--token", default="", help="the server's, where it asks for one")
    parser.add_argument("--patience", type=float, default=10.0, help="seconds to wait for an answer")
    asked = parser.parse_args(arguments)
    count = 0
    for reported, differs in check(asked.host, asked.port, asked.patience, token=asked.token):
        count += bool(differs)
        print(f"differs   {reported}: {differs}" if differs else f"conforms  {reported}", flush=True)
    print(f"{count} of {len(RULES)} rules differ" if count else f"conforms: {len(RULES)} rules")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
