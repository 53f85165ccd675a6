"""How much memory this process may still use, limits of its container included."""

from pathlib import Path

import psutil

#: Where a control group says its limit and its use, of version 2 and of version 1.
FILES = {2: ("memory.max", "memory.current"), 1: ("memory.limit_in_bytes", "memory.usage_in_bytes")}

#: Pages of files in memory.stat, which the kernel takes back before it kills.
RECLAIMABLE = {2: ("active_file", "inactive_file"), 1: ("total_active_file", "total_inactive_file")}


def free() -> int:
    """Bytes that can be used without swapping and without passing a control group's limit."""
    available = psutil.virtual_memory().available
    return max(0, min([available, *left_in_groups(Path("/"))]))


def left_in_groups(root: Path) -> list[int]:
    """Bytes left in each of this process' memory control groups that has a limit (Linux).

    Parameters
    ----------
    root : path
        Of the file system, with ``proc`` and ``sys``.
    """
    memberships = root / "proc/self/cgroup"
    if not memberships.exists():
        return []
    left = []
    for line in memberships.read_text().splitlines():
        _, controllers, name = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        version = 1 if controllers else 2
        top = root / "sys/fs/cgroup" / ("memory" if controllers else "")
        group = top / name.lstrip("/")
        # A limit holds for all groups below. In a container only the top may be visible.
        for folder in (group, *group.parents):
            if folder.is_relative_to(top):
                left += _left(folder, version)
    return left


def _left(group: Path, version: int) -> list[int]:
    limit, used = (group / name for name in FILES[version])
    if not (limit.exists() and used.exists()) or limit.read_text().strip() == "max":
        return []
    lines = (group / "memory.stat").read_text().splitlines()
    pages = dict(line.split(maxsplit=1) for line in lines)
    reclaimable = sum(int(pages.get(name, 0)) for name in RECLAIMABLE[version])
    return [int(limit.read_text()) - int(used.read_text()) + reclaimable]
