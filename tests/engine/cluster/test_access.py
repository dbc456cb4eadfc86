"""Whom a served engine turns away."""

from __future__ import annotations

import pytest

from engine.cluster.access import rejection


@pytest.mark.parametrize("token", ["", "secret"])
@pytest.mark.parametrize("sent", ["origin", "sec-fetch-mode", "sec-fetch-site"])
def test_a_web_page_is_rejected_even_with_the_token(token, sent):
    """A page may post text to any address, this machine's too, without being asked for leave."""
    rejected = rejection({sent: "https://example.org", "authorization": f"Bearer {token}", "content-type": "text/plain"}, token)
    assert rejected is not None and rejected[0] == 403


def test_a_daemon_needs_the_token_where_one_is_set():
    assert rejection({}, "") is None and rejection({"authorization": "Bearer secret"}, "secret") is None
    asks = (401, "token", "this engine asks for a token: set INSPIRE_CLUSTER_TOKEN as it is set there")
    for given in ("", "Bearer other", "secret", "Bearer sécret"):
        assert rejection({"authorization": given}, "secret") == asks
    assert rejection({}, "secret") == asks
