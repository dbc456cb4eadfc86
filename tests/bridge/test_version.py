"""The version is the package's, and something where there is none."""

from __future__ import annotations

import re
from importlib import metadata

import pytest

from bridge.version import version


@pytest.fixture(autouse=True)
def unread():
    """It is read once: here, each time."""
    version.cache_clear()
    yield
    version.cache_clear()


def test_it_is_that_of_the_package():
    assert version() == metadata.version("inspire-daw") and re.match(r"\d+\.\d+", version())


def test_a_checkout_that_is_not_installed_has_one_too(monkeypatch):
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert version() == "0"
