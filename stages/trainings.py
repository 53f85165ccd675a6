"""What is kept of trainings outside DVC's outputs: unfinished ones, and durations of finished ones.

DVC clears outputs before a run, and a duration is another one each time, where an output has the
same bytes.
"""

import hashlib
import math
import os
import tempfile
from pathlib import Path

from platformdirs import user_cache_path

from vocalseg.errors import BadInput


def folder() -> Path:
    """``VOCALSEG_TRAININGS``, or a folder in the user's cache.

    Raises
    ------
    BadInput
        If it cannot be written.
    """
    path = _path()
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        raise BadInput(
            f"{path}: unfinished trainings cannot be kept there ({error.strerror}); let the "
            "environment variable VOCALSEG_TRAININGS name a folder that can be written"
        ) from None


def record(metrics: Path, seconds: float, cpu: float = math.nan) -> None:
    """Remember how long the training took that wrote a file of metrics, and its processor time."""
    digest = hashlib.md5(metrics.read_bytes(), usedforsecurity=False).hexdigest()
    (folder() / f"{digest}.seconds").write_text(f"{seconds:.1f}\n{cpu:.1f}\n")


def seconds(md5: str) -> float:
    """Duration of the training whose metrics have this MD5; NaN if it ran on another machine."""
    return _times(md5)[0]


def cpu_seconds(md5: str) -> float:
    """Processor time of the same, of all cores together."""
    return _times(md5)[1]


def _times(md5: str) -> list[float]:
    path = _path() / f"{md5}.seconds"
    lines = path.read_text().split() if path.is_file() else []
    return [*map(float, lines), math.nan, math.nan][:2]


def _path() -> Path:
    default = user_cache_path("vocalseg") / "trainings"
    return Path(os.environ.get("VOCALSEG_TRAININGS") or default).expanduser()
