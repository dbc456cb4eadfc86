"""What a person reads first: short, its links lead somewhere, its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from bridge.cli import app

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page.relative_to(ROOT)
    for page in ROOT.rglob("*.md")
    if not {".venv", ".venv-latest", "node_modules", "demo"} & set(page.relative_to(ROOT).parts)
)


def headings(page: Path) -> set[str]:
    """Anchors, as forges make them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_readme_is_two_screens():
    assert len((ROOT / "README.md").read_bytes()) <= 8_000


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / page).parent / path if path else ROOT / page
        assert found.exists(), f"{page} links to {target}"
        if anchor:
            assert anchor in headings(found), f"{page} links to {target}"


def test_commands_of_the_readme_exist():
    code = re.findall(r"```\n(.*?)```|`([^`\n]+)`", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    named = set(re.findall(r"\binspire ([a-z]+)", "\n".join(block or inline for block, inline in code)))
    assert named and named <= set(get_command(app).commands)
