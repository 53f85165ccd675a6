"""Items are computed ahead by one other thread, and arrive in order, errors included."""

import threading

import pytest

from vocalseg.prefetch import prefetched


@pytest.mark.parametrize("ahead", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 20])
def test_items_arrive_in_order(count, ahead):
    assert list(prefetched(range(count), ahead)) == list(range(count))


def test_the_next_item_is_computed_while_one_is_used():
    second = threading.Event()

    def items():
        yield 1
        second.set()
        yield 2

    for item in prefetched(items()):
        assert second.wait(timeout=60) and item in (1, 2)


def test_one_other_thread_computes_all_items():
    threads = set(prefetched(threading.get_ident() for _ in range(5)))
    assert len(threads) == 1 and threading.get_ident() not in threads


@pytest.mark.parametrize("ahead", [1, 3])
def test_an_error_is_raised_after_the_items_before_it(ahead):
    def items():
        yield 1
        yield 2
        raise ValueError("broken")

    found = prefetched(items(), ahead)
    assert [next(found), next(found)] == [1, 2]
    with pytest.raises(ValueError, match="broken"):
        next(found)


def test_a_consumer_that_stops_closes_the_source_and_ends_the_thread():
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    running = threading.active_count()
    for _ in prefetched(endless()):
        break
    assert closed.is_set() and threading.active_count() == running
