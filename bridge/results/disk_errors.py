"""What went wrong on the disk, in words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.errors import OutputError

_REASONS = {
    errno.ENOSPC: "the disk is full: free some space",
    errno.EDQUOT: "your quota is used up: free some space",
    errno.EFBIG: "the file would grow larger than the system allows",
    errno.EROFS: "it is on a read-only disk: choose another output folder",
    errno.EACCES: "this user may not write there: choose another output folder",
    errno.EPERM: "this user may not write there: choose another output folder",
    errno.ENOTDIR: "a part of the path is not a folder: choose another output folder",
    errno.ENOENT: "it was moved or deleted meanwhile",
    errno.EEXIST: "another program made a file of this name meanwhile: ask again",
}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns an OSError into an OutputError that says what to do."""
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        raise OutputError(f"cannot write the result: {reason} ({path})") from error
