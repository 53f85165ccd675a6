"""Settings and fixtures shared by the tests."""

import gc
import os
import shutil
from collections.abc import Callable
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from vocalseg import compute
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

BFLOAT16 = pytest.mark.skipif(
    compute._onednn_rejects_bfloat16(), reason="ONEDNN_MAX_CPU_ISA excludes bfloat16"
)

#: Tests that need no project. Two processes would wait for each other if they shared them.
EARLY = ("test_lint.py", "test_site.py")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Run slow tests first in each process; pytest-xdist gives each an equal part of the list.

    Otherwise one process would run the longest tests alone at the end. In the last process, they
    are reversed, because the last one, the study on SLURM, takes longest. It makes the project that
    most of them need, while the first process runs other tests.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    early, slow, rest = [], [], []
    for item in items:
        is_slow = item.get_closest_marker("slow")
        (early if item.path.name in EARLY else slow if is_slow else rest).append(item)
    parts, others = early, iter(rest)
    for number in range(1, processes + 1):
        some = slow[(number - 1) * len(slow) // processes : number * len(slow) // processes]
        parts += reversed(some) if number == processes else some
        parts += islice(others, max(0, number * len(items) // processes - len(parts)))
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
