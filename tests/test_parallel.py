"""Parallel calls: number of workers, order of results, and lack of memory."""

import os
import signal

import pytest

from vocalseg.errors import BadInput
from vocalseg.parallel import parallel_map, worker_count

GIB = 2**30


@pytest.mark.parametrize(
    ("item", "free", "cores", "expected"),
    [
        (0, 0, 8, 8),  # items need almost no memory: one worker for each core
        (1 * GIB, 100 * GIB, 8, 8),  # never more workers than cores
        (1 * GIB, 5 * GIB, 8, 4),  # a fifth of the free memory stays free
        (1 * GIB, 5 * GIB, 2, 2),
        (1 * GIB, 13 * GIB, 64, 10),
        (3 * GIB, 5 * GIB, 8, 1),
        (9 * GIB, 5 * GIB, 8, 1),  # always at least one worker
        (1, 0, 8, 1),
    ],
)
def test_number_of_workers_depends_on_free_memory_and_cores(item, free, cores, expected):
    assert worker_count(item, free, cores) == expected


@pytest.mark.parametrize("processes", [False, True])
def test_results_are_in_the_order_of_the_items(processes):
    assert list(parallel_map(abs, [-3, 2, -1], label="x", processes=processes)) == [3, 2, 1]


def pid(_):
    return os.getpid()


def test_calls_are_sequential_if_memory_suffices_for_one_item(monkeypatch, capsys):
    monkeypatch.setattr("vocalseg.memory.available_bytes", lambda: 3 * GIB)
    pids = set(parallel_map(pid, range(4), label="bounds", processes=True, item_bytes=2 * GIB))
    assert len(pids) == 1
    assert capsys.readouterr().err == ""


def test_warns_of_an_item_larger_than_the_free_memory(monkeypatch, capsys):
    monkeypatch.setattr("vocalseg.memory.available_bytes", lambda: GIB)
    assert list(parallel_map(abs, [-1], label="bounds", item_bytes=2 * GIB)) == [1]
    assert "bounds: a song needs 2.0 GiB of memory, but 1.0 GiB are free" in capsys.readouterr().err


def kill_at_two(item):
    if item == 2:
        os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when memory runs out
    return item


def run_out_of_memory_at_two(item):
    if item == 2:
        raise MemoryError
    return item


@pytest.mark.parametrize(
    ("function", "processes"),
    [
        pytest.param(
            kill_at_two,
            True,
            marks=pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals"),
        ),
        (run_out_of_memory_at_two, True),
        (run_out_of_memory_at_two, False),
    ],
)
def test_exhausted_memory_is_an_error_of_one_line(monkeypatch, function, processes):
    monkeypatch.setattr("vocalseg.parallel.cpu_count", lambda: 2)
    with pytest.raises(
        BadInput, match=r"bounds: memory ran out after \d of 5 songs; close"
    ) as info:
        list(parallel_map(function, range(5), label="bounds", processes=processes))
    assert "\n" not in str(info.value)


def divide_by_zero(item):
    raise ZeroDivisionError


@pytest.mark.parametrize("processes", [False, True])
def test_other_errors_are_passed_through(processes):
    with pytest.raises(ZeroDivisionError):
        list(parallel_map(divide_by_zero, range(3), label="x", processes=processes))
