"""How much memory this machine has, and how much of it this process may still take. Bytes; no torch here."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import sys
from pathlib import Path

from engine.api import OutOfMemory

SPARE = 0.8  # of the machine's memory, for a model: the system and a DAW want the rest
_SHORTAGE = re.compile(
    r"can(no|')t allocate memory|not enough memory|out of memory|bad_alloc|could not create a (memory|primitive(?! descriptor))",
    re.IGNORECASE,
)
_CGROUP = Path("/sys/fs/cgroup")
_MEMINFO, _STATUS = Path("/proc/meminfo"), Path("/proc/self/status")


def machine_memory() -> int:
    """All that this machine has; 0 where the system does not say."""
    if sys.platform == "win32":
        return _windows_memory()
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def fits(needed: int, memory: int) -> bool:
    """Whether a model that takes `needed` bytes leaves the machine enough of its `memory`; yes where that is not known."""
    return not memory or needed <= SPARE * memory


def available_memory() -> int | None:
    """What this process may still take: of what is free, of its own limit and of its container's. None where none is known."""
    limits = [_kilobytes(_MEMINFO, "MemAvailable"), _below_own_limit(), _below_containers_limit()]
    known = [one for one in limits if one is not None]
    return max(0, min(known)) if known else None


def require(needed: int, what: str) -> None:
    """Raises OutOfMemory where `what` certainly does not fit."""
    free = available_memory()
    if free is not None and needed > free:
        raise OutOfMemory(
            f"{what} takes {needed / 1e9:.2f} GB of memory, and {free / 1e9:.2f} GB are free: end other programs, or choose a "
            "smaller model ('inspire models' lists what each takes)"
        )


def is_shortage(error: BaseException) -> bool:
    """Whether an allocation failed: torch and oneDNN raise plain RuntimeErrors, memory mapping an OSError or one of those."""
    return (
        isinstance(error, MemoryError)
        or getattr(error, "errno", None) == errno.ENOMEM
        or (isinstance(error, RuntimeError) and _SHORTAGE.search(str(error)) is not None)
    )


def _below_own_limit() -> int | None:
    if sys.platform == "win32":
        return None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    used = _kilobytes(_STATUS, "VmSize")
    return None if limit == resource.RLIM_INFINITY or used is None else limit - used


def _below_containers_limit() -> int | None:
    try:
        limit, used = ((_CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return int(limit) - int(used)
    except (OSError, ValueError):  # no container, or "max"
        return None


def _kilobytes(file: Path, name: str) -> int | None:
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB", file.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def _windows_memory() -> int:
    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_uint32), ("load", ctypes.c_uint32)] + [(f"n{i}", ctypes.c_uint64) for i in range(7)]

    status = Status(length=ctypes.sizeof(Status))
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - only Windows has it
    return int(status.n0) if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else 0
