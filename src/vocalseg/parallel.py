"""Parallel map over songs, with a progress bar, limited by cores and free memory."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any

from joblib import Parallel, cpu_count, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError
from tqdm import tqdm

from vocalseg import memory
from vocalseg.errors import BadInput

MIB, GIB = 2**20, 2**30
PROCESS_BYTES = 200 * MIB  # measured for a worker with NumPy, SciPy, pandas and metrics: 160 MiB
MEMORY_FRACTION = 0.8  # of the free memory; the rest is left to other programs and the page cache


def worker_count(item_bytes: int, free_bytes: int, cores: int) -> int:
    """Return how many calls may run at once: one per core, fewer if memory does not suffice.

    Parameters
    ----------
    item_bytes : int
        Memory of one call including its process; 0 if it is negligible.
    free_bytes : int
        Free memory.
    cores : int
        Number of CPU cores.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> worker_count(item_bytes=2 * GIB, free_bytes=6 * GIB, cores=8)
    2
    """
    fitting = int(MEMORY_FRACTION * free_bytes) // item_bytes if item_bytes else cores
    return max(1, min(cores, fitting))


def parallel_map(
    function: Callable,
    items: Iterable,
    *,
    label: str,
    unit: str = "song",
    total: int | None = None,
    processes: bool = False,
    item_bytes: int = 0,
) -> Iterator[Any]:
    """Apply a function to items in parallel; yield the results in the order of the items.

    At most twice as many items as workers are in flight (with ``item_bytes``: one more than there
    are workers), so memory use does not grow with the number of items.

    Parameters
    ----------
    function : callable
        Called with one item.
    items : iterable
        Consumed lazily.
    label, unit : str
        Text of the progress bar: the task, and the name of one item.
    total : int, optional
        Number of items, if ``items`` has no length.
    processes : bool
        Use processes, for functions that are mostly Python. The default, threads, starts
        immediately and suits NumPy, FFT and soxr, which release the GIL.
    item_bytes : int
        Maximum memory of one call; limits the number of workers.

    Returns
    -------
    iterator
        Results of ``function``.

    Raises
    ------
    BadInput
        While iterating, if memory runs out or the system kills a worker.
    """
    needed, free = item_bytes + processes * PROCESS_BYTES, memory.available_bytes()
    jobs = worker_count(needed, free, cpu_count())
    if needed > free:
        print(
            f"{label}: a {unit} needs {needed / GIB:.1f} GiB of memory, but {free / GIB:.1f} GiB "
            "are free; the system may swap or stop it",
            file=sys.stderr,
        )
    pool = Parallel(
        n_jobs=jobs,
        prefer="processes" if processes else "threads",
        return_as="generator",
        pre_dispatch=jobs + 1 if item_bytes else 2 * jobs,
    )
    results = pool(delayed(function)(item) for item in items)
    total = len(items) if total is None and isinstance(items, Sized) else total
    return _with_progress(results, total, label, unit)


def _with_progress(results: Iterator, total: int | None, label: str, unit: str) -> Iterator[Any]:
    """Yield the results with a progress bar; report a lack of memory in one line."""
    done = 0
    try:
        for result in tqdm(results, total=total, desc=label, unit=unit, disable=None):
            yield result
            done += 1
    except (TerminatedWorkerError, MemoryError) as error:
        if isinstance(error, TerminatedWorkerError) and "SIGKILL" not in str(error):
            raise  # a crash, not a kill for lack of memory
        free = memory.available_bytes() / GIB
        raise BadInput(
            f"{label}: memory ran out after {done} of {total or 'the'} {unit}s; close other "
            f"programs or use a machine with more memory ({free:.1f} GiB are free now), and run it "
            "again"
        ) from None
