"""The table as Markdown holds every message, key and code, and the README has it."""

from __future__ import annotations

import math
from pathlib import Path

from bridge.osc import markdown, spec

CONTINUE = spec.COMMANDS["/inspire/continue"]


def test_markdown_names_everything():
    text = markdown.as_markdown()
    for message in (*spec.COMMANDS.values(), *spec.REPLIES.values()):
        assert message.address in text
    for field in CONTINUE.pairs:
        assert f"| `{field.name}` |" in text
        if field.high is not None and math.isfinite(field.high):
            assert field.allowed in text


def test_the_readme_has_the_table():
    """To renew it: paste what `inspire osc --markdown` prints between the two comments."""
    readme = (Path(__file__).parents[3] / "bridge" / "osc" / "README.md").read_text("utf-8")
    assert readme.split("<!-- osc -->")[1].split("<!-- /osc -->")[0].strip() == markdown.as_markdown().strip()


def test_a_key_stands_once_with_all_that_take_it_and_codes_with_what_they_mean():
    lines = markdown.as_markdown().splitlines()
    assert "| `/inspire/gain id gain_db:f [key value …]` |" in "\n".join(lines)
    (drop,) = [line for line in lines if line.startswith("| `drop` ")]
    assert drop.endswith("| quit |")
    assert all(f"| `{code}` | {meaning} |" in lines for code, meaning in spec.FAIL_CODES.items())
