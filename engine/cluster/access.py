"""Who may use a served engine: a daemon that knows the token, and no web page, which reaches this machine's addresses too."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

TOKEN = "INSPIRE_CLUSTER_TOKEN"  # in the environment of both sides, where the network is not trusted
_OF_BROWSERS = ("origin", "sec-fetch-mode", "sec-fetch-site")  # one at least with every POST, and no page can leave it away


def rejection(headers: Mapping[str, str], token: str) -> tuple[int, str, str] | None:
    """HTTP status, code and message; None for whom it serves. headers: by names in lower case. token: "" where none is set."""
    if any(name in headers for name in _OF_BROWSERS):
        return 403, "forbidden", "an engine serves daemons and no web page"
    given = headers.get("authorization", "")
    if token and not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return 401, "token", f"this engine asks for a token: set {TOKEN} as it is set there"
    return None
