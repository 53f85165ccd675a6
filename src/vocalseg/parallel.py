"""One call for each song, over the cores, with a progress bar."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from joblib import Parallel, delayed
from tqdm import tqdm


def each(
    function: Callable,
    items: Iterable,
    *,
    label: str,
    unit: str = "song",
    total: int | None = None,
    processes: bool = False,
) -> Iterator[Any]:
    """Results of ``function(item)`` in the items' order, as they come.

    At most twice as many items as cores are in flight, so memory does not grow with their number.

    Parameters
    ----------
    processes : bool
        For work that is mostly Python. The default, threads, starts at once and suits NumPy, FFT
        and soxr, which let go of the interpreter.
    """
    pool = Parallel(
        n_jobs=-1,
        prefer="processes" if processes else "threads",
        return_as="generator",
        pre_dispatch="2 * n_jobs",
    )
    results = pool(delayed(function)(item) for item in items)
    total = len(items) if total is None and hasattr(items, "__len__") else total
    return tqdm(results, total=total, desc=label, unit=unit, disable=None)
