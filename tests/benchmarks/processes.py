"""What a process holds, as Linux tells it."""

from __future__ import annotations

from pathlib import Path


def memory_mb(pid: int) -> float:
    """What is its own in memory, in megabytes: without the libraries' code."""
    fields = Path(f"/proc/{pid}/status").read_text().split("\n")
    return sum(int(line.split()[1]) for line in fields if line.startswith("RssAnon:")) * 1024 / 1e6


def descriptors(pid: int) -> int:
    return len([*Path(f"/proc/{pid}/fd").iterdir()])


def threads(pid: int) -> int:
    return len([*Path(f"/proc/{pid}/task").iterdir()])
