"""How much memory is free for runs: of the machine, and of the job or container they are in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")
"""Where Linux shows control groups."""

OWN = Path("/proc/self/cgroup")
"""In which of them this process is."""

VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
VERSION_2 = ("memory.max", "memory.current", "inactive_file")
"""Limit, what is taken, and (in memory.stat) what of it are files that make room when asked."""


def free_memory(cgroups: Path = CGROUPS, own: Path = OWN) -> int:
    """Return the bytes that runs can still take.

    What the machine has free is not what a batch system or a container grants: going past the
    limit of a control group ends processes without a word.

    Args:
        cgroups: Where control groups are shown.
        own: The file that names those of this process; without it the machine's memory counts.
    """
    return min([psutil.virtual_memory().available, *_granted(cgroups, own)])


def _granted(cgroups: Path, own: Path) -> Iterator[int]:
    """Yield what is left in each control group that this process is in, those around it too."""
    try:
        lines = own.read_text().splitlines()
    except OSError:  # another system
        return
    for line in lines:
        _, controllers, path = (line.split(":", 2) + [""] * 2)[:3]
        if not path:  # nothing that Linux writes
            continue
        if not controllers:
            root, names = cgroups, VERSION_2
        elif "memory" in controllers.split(","):
            root, names = cgroups / "memory", VERSION_1
        else:
            continue
        folder = root / path.lstrip("/")  # a container may not see its own, but its root
        for group in (folder, *folder.parents):
            left = _left(group, *names) if group.is_relative_to(root) else None
            if left is not None:
                yield left


def _left(group: Path, limit: str, taken: str, files: str) -> int | None:
    """Return the bytes left in a control group; `None` if it sets no limit or is not there."""
    try:
        most, now = (int((group / name).read_text()) for name in (limit, taken))
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return max(0, most - now + int(stat.get(files, 0)))
    except (OSError, ValueError):  # "max" is no number: no limit
        return None
