"""SLURM's commands: submit an array job, list the jobs that have not ended, cancel."""

import shutil
import subprocess
import time
from collections.abc import Iterable
from typing import NamedTuple

from vocalseg.errors import BadInput

PATIENCE = 60  # attempts to reach the scheduler, which may be starting again
PAUSE = 5.0  # seconds between them


class Job(NamedTuple):
    """A task of an array job that waits or runs."""

    state: str  # as SLURM calls it: PENDING, RUNNING, COMPLETING, ...
    node: str
    reason: str


def require() -> None:
    """Raise :class:`BadInput` where SLURM's commands are not installed."""
    for command in ("sbatch", "squeue"):
        if shutil.which(command) is None:
            raise BadInput(f"{command}: not found; go to a host that submits jobs to SLURM")


def submit(arguments: Iterable[str]) -> str:
    """Submit a job and return its number; raises :class:`BadInput` if SLURM refuses it."""
    done = _call("sbatch", "--parsable", *arguments)
    if done.returncode:
        raise BadInput(f"sbatch refused the job: {_last(done.stderr)}")
    return done.stdout.strip().partition(";")[0]


def cancel(numbers: Iterable[str]) -> None:
    """Cancel jobs, in whatever state they are."""
    _call("scancel", *numbers)


def unfinished(names: Iterable[str]) -> dict[tuple[str, int], Job]:
    """Tasks of the named array jobs that wait or run, by job's name and task's number.

    Raises
    ------
    BadInput
        If the scheduler does not answer for minutes.
    """
    wanted = ",".join(names)
    if not wanted:
        return {}
    command = "squeue", "--noheader", "--array", f"--name={wanted}", "--format=%j|%K|%T|%N|%r"
    for _ in range(PATIENCE):
        done = _call(*command)
        if done.returncode == 0:
            return parse(done.stdout)
        time.sleep(PAUSE)
    raise BadInput(f"squeue: {_last(done.stderr)}; the jobs go on, run the same command later")


def parse(listed: str) -> dict[tuple[str, int], Job]:
    """Tasks in what squeue prints in the format of :func:`unfinished`."""
    found = {}
    for line in listed.splitlines():
        name, index, state, node, reason = line.split("|", 4)
        found[name, int(index)] = Job(state, node, reason)
    return found


def _call(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True)


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]
