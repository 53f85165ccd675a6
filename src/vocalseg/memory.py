"""Memory that this process may still use, including limits of its container."""

from pathlib import Path

import psutil

#: Files with a control group's limit and current usage, by version of the interface.
CGROUP_FILES = {
    2: ("memory.max", "memory.current"),
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes"),
}

#: Entries of memory.stat for the page cache, which the kernel reclaims before it kills a process.
_RECLAIMABLE = {
    2: ("active_file", "inactive_file"),
    1: ("total_active_file", "total_inactive_file"),
}


def available_bytes() -> int:
    """Return the bytes that can be used without swapping and within all control-group limits."""
    available = psutil.virtual_memory().available
    return max(0, min([available, *cgroup_bytes_left(Path("/"))]))


def cgroup_bytes_left(root: Path) -> list[int]:
    """Return the bytes left in each memory control group of this process that has a limit (Linux).

    Parameters
    ----------
    root : path
        Root of the file system, with ``proc`` and ``sys``.

    Returns
    -------
    list of int
        Limit minus usage, page cache not counted; empty if there is no limit.
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
        # A limit also applies to all descendants. In a container only the top may be visible.
        for folder in (group, *group.parents):
            if folder.is_relative_to(top):
                left += _bytes_left(folder, version)
    return left


def _bytes_left(group: Path, version: int) -> list[int]:
    limit, used = (group / name for name in CGROUP_FILES[version])
    if not (limit.exists() and used.exists()) or limit.read_text().strip() == "max":
        return []
    lines = (group / "memory.stat").read_text().splitlines()
    pages = dict(line.split(maxsplit=1) for line in lines)
    reclaimable = sum(int(pages.get(name, 0)) for name in _RECLAIMABLE[version])
    return [int(limit.read_text()) - int(used.read_text()) + reclaimable]
