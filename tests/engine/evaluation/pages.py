"""A written report, as a browser would take it apart."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.tags, self.addresses = text, [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]


def read_page(path: Path) -> Page:
    """It needs nothing beside it: no script, no style or picture from elsewhere."""
    page = Page(path.read_text("utf-8"))
    assert "script" not in page.tags and "link" not in page.tags
    assert all(address.startswith(("data:image/", "#")) for address in page.addresses)
    assert not re.search(r"url\(|@import", page.text)
    return page
