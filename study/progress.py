"""How far an experiment is, read from what it has printed."""

from pathlib import Path
from typing import NamedTuple

TAIL = 15  # lines of a failed experiment's log


class State(NamedTuple):
    """What has become of an experiment.

    Attributes
    ----------
    word : str
        missing, waiting, running, done or failed.
    detail : str
        Such as the node and the last epoch.
    """

    word: str
    detail: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it waits or runs."""
        return self.word in ("waiting", "running")


def lines_of(log: Path) -> list[str]:
    """Lines of a log; none if there is no such file. Progress bars end in carriage returns."""
    if not log.is_file():
        return []
    text = log.read_text(encoding="utf-8", errors="replace")
    return text.replace("\r", "\n").splitlines()


def news(lines: list[str]) -> list[str]:
    """The lines that tell how far an experiment is: stages that began, epochs that ended."""
    return [line.rstrip(":") for line in lines if line.startswith(("Running stage", "epoch "))]


def show(name: str, lines: list[str], seen: int) -> int:
    """Print the news of an experiment since line ``seen``; return how many lines it has."""
    for line in news(lines[seen:]):
        print(f"{name}: {line}", flush=True)
    return len(lines)


def last(lines: list[str]) -> str:
    """The last line that tells something, or an empty text.

    DVC's own line about a stage that failed stands below the stage's, which says why.
    """
    said = (line.strip() for line in reversed(lines))
    return next((s for s in said if s and not s.startswith("ERROR: failed to reproduce")), "")
