"""The version of this package."""

from __future__ import annotations

import functools
from importlib import metadata


@functools.cache  # it is read from a file, and sent with every pong
def version() -> str:
    try:
        return metadata.version("inspire-daw")
    except metadata.PackageNotFoundError:  # run from a checkout
        return "0"
