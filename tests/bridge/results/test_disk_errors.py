"""An error of the disk becomes one sentence that says what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bridge.errors import OutputError
from bridge.results.disk_errors import explained


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "free some space"), (errno.EACCES, "choose another output folder"), (errno.ENOENT, "moved or deleted"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)  # fmt: skip
def test_what_to_do_is_said_with_the_path(number, words):
    with pytest.raises(OutputError, match=f"{words}.*/music/a.wav"), explained(Path("/music/a.wav")):
        raise OSError(number, os.strerror(number))


def test_other_errors_pass():
    with pytest.raises(ValueError), explained(Path("/music/a.wav")):
        raise ValueError
