"""Read the progress of an experiment from its log."""

from pathlib import Path
from typing import NamedTuple

TAIL = 15  # lines to print of a failed experiment's log


class State(NamedTuple):
    """State of an experiment.

    Attributes
    ----------
    status : {"missing", "waiting", "running", "done", "failed"}
    detail : str
        For example, the node and the last epoch.
    """

    status: str
    detail: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the experiment waits or runs."""
        return self.status in ("waiting", "running")


def read_log(log: Path) -> list[str]:
    """Read the lines of a log, empty if there is no such file.

    A carriage return, as progress bars print it, ends a line as well.
    """
    if not log.is_file():
        return []
    text = log.read_text(encoding="utf-8", errors="replace")
    return text.replace("\r", "\n").splitlines()


def progress_lines(lines: list[str]) -> list[str]:
    """Select the lines of a log that report a started stage or a finished epoch."""
    return [line.rstrip(":") for line in lines if line.startswith(("Running stage", "epoch "))]


def print_progress(name: str, lines: list[str], start: int) -> int:
    """Print an experiment's progress from line ``start`` on; return the number of lines."""
    for line in progress_lines(lines[start:]):
        print(f"{name}: {line}", flush=True)
    return len(lines)


def last_message(lines: list[str]) -> str:
    """Return the last line of a log that is not blank, or an empty text.

    DVC's line about a failed stage is skipped, because the stage's own message comes before it.
    """
    stripped = (line.strip() for line in reversed(lines))
    return next((s for s in stripped if s and not s.startswith("ERROR: failed to reproduce")), "")
