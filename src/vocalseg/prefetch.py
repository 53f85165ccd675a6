"""Iterate over items that another thread computes ahead."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def prefetched(items: Iterable[T], ahead: int = 1) -> Iterator[T]:
    """Yield items in order, while another thread computes the following ones.

    It saves time where the items and their use take turns with the processor's cores, as NumPy and
    TensorFlow release the GIL. All items are computed by one thread.

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
