"""One call for each item: how many at once, in which order, and what happens without memory."""

import os
import signal

import pytest

from vocalseg.errors import BadInput
from vocalseg.parallel import parallel_map, worker_count

GIB = 2**30


@pytest.mark.parametrize(
    ("item", "free", "cores", "expected"),
    [
        (0, 0, 8, 8),  # next to nothing: one for each core
        (1 * GIB, 100 * GIB, 8, 8),  # never more than cores
        (1 * GIB, 5 * GIB, 8, 4),  # a fifth of the memory stays free
        (1 * GIB, 5 * GIB, 2, 2),
        (1 * GIB, 13 * GIB, 64, 10),
        (3 * GIB, 5 * GIB, 8, 1),
        (9 * GIB, 5 * GIB, 8, 1),  # one works in any case
        (1, 0, 8, 1),
    ],
)
def test_workers_follow_the_free_memory(item, free, cores, expected):
    assert worker_count(item, free, cores) == expected


@pytest.mark.parametrize("processes", [False, True])
def test_results_come_in_the_items_order(processes):
    assert list(parallel_map(abs, [-3, 2, -1], label="x", processes=processes)) == [3, 2, 1]


def pid(_):
    return os.getpid()


def test_where_memory_holds_one_item_the_calls_follow_one_another(monkeypatch, capsys):
    monkeypatch.setattr("vocalseg.memory.available_bytes", lambda: 3 * GIB)
    pids = set(parallel_map(pid, range(4), label="bounds", processes=True, item_bytes=2 * GIB))
    assert len(pids) == 1
    assert capsys.readouterr().err == ""


def test_an_item_larger_than_the_free_memory_is_announced(monkeypatch, capsys):
    monkeypatch.setattr("vocalseg.memory.available_bytes", lambda: GIB)
    assert list(parallel_map(abs, [-1], label="bounds", item_bytes=2 * GIB)) == [1]
    assert "bounds: a song needs 2.0 GiB of memory, but 1.0 GiB are free" in capsys.readouterr().err


def killed_at_two(item):
    if item == 2:
        os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when memory runs out
    return item


def exhausted_at_two(item):
    if item == 2:
        raise MemoryError
    return item


@pytest.mark.parametrize(
    ("function", "processes"),
    [
        pytest.param(
            killed_at_two,
            True,
            marks=pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals"),
        ),
        (exhausted_at_two, True),
        (exhausted_at_two, False),
    ],
)
def test_where_memory_runs_out_one_line_says_so(monkeypatch, function, processes):
    monkeypatch.setattr("vocalseg.parallel.cpu_count", lambda: 2)
    with pytest.raises(
        BadInput, match=r"bounds: memory ran out after \d of 5 songs; close"
    ) as info:
        list(parallel_map(function, range(5), label="bounds", processes=processes))
    assert "\n" not in str(info.value)


def broken(item):
    raise ZeroDivisionError


@pytest.mark.parametrize("processes", [False, True])
def test_other_errors_stay_what_they_are(processes):
    with pytest.raises(ZeroDivisionError):
        list(parallel_map(broken, range(3), label="x", processes=processes))
