"""One matrix at a time plans its runs: a lock on a file, which a dying process releases."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock of a file; wait for it if another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another matrix runs in this folder; waiting for it to end", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
