"""One call for each song, over the cores as far as memory allows, with a progress bar."""

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from joblib import Parallel, cpu_count, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError
from tqdm import tqdm

from vocalseg import memory
from vocalseg.errors import BadInput

MIB, GIB = 2**20, 2**30
PROCESS_BYTES = 200 * MIB  # a worker with NumPy, SciPy, pandas and the metrics: 160 MiB, measured
USED = 0.8  # part of the free memory; the rest is for other programs and for the files' cache


def workers(item_bytes: int, free_bytes: int, cores: int) -> int:
    """How many calls may run at once: one for each core, fewer where memory would not suffice.

    Parameters
    ----------
    item_bytes : int
        Memory that one call needs, its process included; 0 for next to nothing.
    free_bytes, cores : int
    """
    fitting = int(USED * free_bytes) // item_bytes if item_bytes else cores
    return max(1, min(cores, fitting))


def each(
    function: Callable,
    items: Iterable,
    *,
    label: str,
    unit: str = "song",
    total: int | None = None,
    processes: bool = False,
    item_bytes: int = 0,
) -> Iterator[Any]:
    """Results of ``function(item)`` in the items' order, as they come.

    At most twice as many items as workers are in flight, or one more than there are workers where
    an item's memory is given, so memory does not grow with their number.

    Parameters
    ----------
    processes : bool
        For work that is mostly Python. The default, threads, starts at once and suits NumPy, FFT
        and soxr, which let go of the interpreter.
    item_bytes : int
        Memory that one call needs at most: there are as many workers as fit the free memory.

    Raises
    ------
    BadInput
        While the results are taken: if memory does not suffice, or the system killed a worker.
    """
    needed, free = item_bytes + processes * PROCESS_BYTES, memory.free()
    jobs = workers(needed, free, cpu_count())
    if needed > free:
        print(
            f"{label}: a {unit} needs {needed / GIB:.1f} GiB of memory and {free / GIB:.1f} are "
            "free: this may be slow or be stopped",
            file=sys.stderr,
        )
    pool = Parallel(
        n_jobs=jobs,
        prefer="processes" if processes else "threads",
        return_as="generator",
        pre_dispatch=jobs + 1 if item_bytes else 2 * jobs,
    )
    results = pool(delayed(function)(item) for item in items)
    total = len(items) if total is None and hasattr(items, "__len__") else total
    return _or_one_line(results, total, label, unit)


def _or_one_line(results: Iterator, total: int | None, label: str, unit: str) -> Iterator[Any]:
    """The results, with a progress bar; where memory runs out, one line that says so."""
    done = 0
    try:
        for result in tqdm(results, total=total, desc=label, unit=unit, disable=None):
            yield result
            done += 1
    except (TerminatedWorkerError, MemoryError) as error:
        if isinstance(error, TerminatedWorkerError) and "SIGKILL" not in str(error):
            raise  # a crash, not the system's answer to a lack of memory
        raise BadInput(
            f"{label}: memory ran out after {done} of {total or 'the'} {unit}s; close other "
            f"programs or use a machine with more memory ({memory.free() / GIB:.1f} GiB are free "
            "now), and run it again"
        ) from None
