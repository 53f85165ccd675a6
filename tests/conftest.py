"""Settings and fixtures shared by the tests."""

import gc
import os
import shutil
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from vocalseg.errors import BadInput

# Settings of all processes that pytest-xdist and the tests start.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# There are as many test processes as processors, so threads of a process would wait for each other.
for threads in ("OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
    os.environ.setdefault(threads, "1")
# Python imports sitecustomize.py of this folder when a process starts.
STARTUP = str(Path(__file__).parent / "startup")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [STARTUP, os.environ.get("PYTHONPATH")]))

# Saves time, as in the processes that the tests start.
gc.set_threshold(100_000, 20, 20)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Run slow tests first in each process; pytest-xdist gives each an equal part of the list.

    Otherwise one process would run the longest tests alone at the end. In the last process, they
    are reversed, because the last one, the study on SLURM, takes longest. It makes the project that
    most of them need, while the first process runs a test with other songs.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    slow = [item for item in items if item.get_closest_marker("slow")]
    rest = [item for item in items if item not in set(slow)]
    parts, ends = [], [n * len(items) // processes for n in range(processes + 1)]
    slow_ends = [n * len(slow) // processes for n in range(processes + 1)]
    for number in range(processes):
        some = slow[slow_ends[number] : slow_ends[number + 1]]
        parts += reversed(some) if number == processes - 1 else some
        parts += rest[ends[number] - slow_ends[number] : ends[number + 1] - slow_ends[number + 1]]
    items[:] = parts


def pytest_collection_finish():
    """Exclude imported modules from garbage collection; `clear_session` of Keras runs it."""
    gc.freeze()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory) -> Callable[[str, Callable[[Path], None]], Path]:
    """``made_once(name, make)``: a folder that ``make`` fills once for all pytest processes.

    A test that changes the folder must work on a copy.
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent

    def folder(name: str, make: Callable[[Path], None]) -> Path:
        path, complete = base / name, base / f"{name}.whole"
        with FileLock(base / f"{name}.lock"):
            if not complete.exists():
                shutil.rmtree(path, ignore_errors=True)  # left by a process that failed
                path.mkdir()
                make(path)
                complete.touch()
        return path

    return folder


@pytest.fixture
def rejects():
    """``with rejects(*texts)``: BadInput is raised with one line that contains all texts."""

    @contextmanager
    def expect(*texts):
        with pytest.raises(BadInput) as caught:
            yield
        line = str(caught.value)
        assert "\n" not in line
        missing = [text for text in map(str, texts) if text not in line]
        assert not missing, f"{missing} not in {line!r}"

    return expect
