"""Iterate over items that another thread computes ahead."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def prefetched(items: Iterable[T], ahead: int = 1) -> Iterator[T]:
    """Yield items in order, while another thread computes the following ones.

    This saves time where neither the items nor their use keep all cores busy, because NumPy, FFTs
    and TensorFlow release the GIL. One thread computes all items.

    Parameters
    ----------
    items : iterable
        Items, computed lazily; what they raise is raised here.
    ahead : int
        Maximum number of items that are computed and not yet requested, at least 1.

    Yields
    ------
    object
        The items.

    Examples
    --------
    >>> list(prefetched(n**2 for n in range(4)))
    [0, 1, 4, 9]
    """
    iterator, end = iter(items), object()
    with ThreadPoolExecutor(1) as thread:
        waiting = deque(thread.submit(next, iterator, end) for _ in range(ahead))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(thread.submit(next, iterator, end))
            yield item  # type: ignore[misc]
