"""Data of trainings outside DVC's outputs: checkpoints of unfinished ones, times of finished ones.

DVC removes outputs before a run, and a run time differs each time, while outputs must be
reproducible.
"""

import hashlib
import math
import os
import tempfile
from pathlib import Path

from platformdirs import user_cache_path

from vocalseg.errors import BadInput


def folder() -> Path:
    """Return ``VOCALSEG_TRAININGS``, or a folder in the user's cache.

    Returns
    -------
    Path
        Existing folder.

    Raises
    ------
    BadInput
        If it is not writable.
    """
    path = _path()
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        raise BadInput(
            f"{path}: unfinished trainings cannot be kept there ({error.strerror}); set the "
            "environment variable VOCALSEG_TRAININGS to a writable folder"
        ) from None


def record(metrics: Path, seconds: float, cpu: float = math.nan) -> None:
    """Record wall time and CPU time of the training that wrote a file of metrics."""
    digest = hashlib.md5(metrics.read_bytes(), usedforsecurity=False).hexdigest()
    (folder() / f"{digest}.seconds").write_text(f"{seconds:.1f}\n{cpu:.1f}\n")


def seconds(md5: str) -> float:
    """Return the wall time of the training whose metrics have this MD5; NaN if unknown."""
    return _times(md5)[0]


def cpu_seconds(md5: str) -> float:
    """Return the CPU time of the training whose metrics have this MD5, summed over cores."""
    return _times(md5)[1]


def _times(md5: str) -> list[float]:
    path = _path() / f"{md5}.seconds"
    lines = path.read_text().split() if path.is_file() else []
    return [*map(float, lines), math.nan, math.nan][:2]


def _path() -> Path:
    default = user_cache_path("vocalseg") / "trainings"
    return Path(os.environ.get("VOCALSEG_TRAININGS") or default).expanduser()
