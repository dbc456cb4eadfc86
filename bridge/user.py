"""Who runs this process, as its system identifies users."""

from __future__ import annotations

import functools
import getpass
import os


@functools.cache
def number() -> str:
    """The same for all processes of one user, and for no other's."""
    return str(os.getuid()) if hasattr(os, "getuid") else getpass.getuser()


@functools.cache
def name() -> str:
    """For people. Not from the environment, where it may be anything."""
    try:
        import pwd
    except ImportError:  # Windows
        return getpass.getuser()
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # as in a container
        return f"user {number()}"
