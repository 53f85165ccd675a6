"""An exclusive lock on a file, so that only one matrix at a time plans its runs.

The system releases the lock when the process ends, also if it is killed.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold the lock of a file; wait while another process holds it.

    Parameters
    ----------
    path : Path
        Is created with its folder if it does not exist.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another matrix runs in this folder; waiting until it ends", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
