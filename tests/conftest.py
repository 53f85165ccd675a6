"""Settings and fixtures shared by the tests."""

import gc
import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from vocalseg.errors import BadInput

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Numba's cache is not safe if several processes compile the same functions of librosa at the same
# time: a process may load code compiled for another signature and crash.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).parents[1] / ".pytest_cache" / WORKER)

# Saves time, as in tests/startup/sitecustomize.py.
gc.set_threshold(100_000, 20, 20)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Run the slow tests of each half first; pytest-xdist gives the halves to two processes.

    Otherwise one process would run the longest tests alone at the end.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    rest = [item for item in items if not item.get_closest_marker("slow")]
    first, half = len(slow) // 2, len(rest) // 2
    items[:] = [*slow[:first], *rest[:half], *slow[first:], *rest[half:]]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


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
