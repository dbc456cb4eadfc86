"""The version of this package."""

from __future__ import annotations

from importlib import metadata


def version() -> str:
    try:
        return metadata.version("inspire-daw")
    except metadata.PackageNotFoundError:  # run from a checkout
        return "0"
