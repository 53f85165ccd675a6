"""What several test files share."""

import os
from contextlib import contextmanager

import numpy as np
import pytest

from vocalseg.errors import BadInput

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def rejects():
    """``with rejects(*texts)``: BadInput is raised, and its one line holds all the texts."""

    @contextmanager
    def expect(*texts):
        with pytest.raises(BadInput) as caught:
            yield
        line = str(caught.value)
        assert "\n" not in line
        missing = [text for text in map(str, texts) if text not in line]
        assert not missing, f"{missing} not in {line!r}"

    return expect
