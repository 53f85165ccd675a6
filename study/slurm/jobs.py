"""SLURM's commands: submit an array job, list unfinished jobs, cancel jobs."""

import shutil
import subprocess
import time
from collections.abc import Iterable
from typing import NamedTuple

from vocalseg.errors import BadInput

MAX_ATTEMPTS = 60  # to reach the scheduler, which may be restarting
RETRY_SECONDS = 5.0


class Job(NamedTuple):
    """A task of an array job that waits or runs.

    Attributes
    ----------
    state : str
        SLURM's state, such as PENDING, RUNNING or COMPLETING.
    node : str
        Empty while the task waits.
    reason : str
        Why the task waits.
    """

    state: str
    node: str
    reason: str


def require_slurm() -> None:
    """Check that SLURM's commands are installed.

    Raises
    ------
    BadInput
        If one is missing.
    """
    for command in ("sbatch", "squeue"):
        if shutil.which(command) is None:
            raise BadInput(f"{command}: not found; use a host that can submit jobs to SLURM")


def submit(arguments: Iterable[str]) -> str:
    """Submit a job.

    Parameters
    ----------
    arguments : iterable of str
        Arguments of `sbatch`.

    Returns
    -------
    str
        The job ID.

    Raises
    ------
    BadInput
        If SLURM refuses the job.
    """
    done = _call("sbatch", "--parsable", *arguments)
    if done.returncode:
        raise BadInput(f"sbatch refused the job: {_last_line(done.stderr)}")
    return done.stdout.strip().partition(";")[0]


def cancel(job_ids: Iterable[str]) -> None:
    """Cancel jobs in any state."""
    _call("scancel", *job_ids)


def unfinished(names: Iterable[str]) -> dict[tuple[str, int], Job]:
    """List the tasks of array jobs that wait or run.

    Parameters
    ----------
    names : iterable of str
        Names of array jobs.

    Returns
    -------
    dict
        The tasks by (name of the job, index of the task).

    Raises
    ------
    BadInput
        If the scheduler does not answer for five minutes.
    """
    wanted = ",".join(names)
    if not wanted:
        return {}
    command = "squeue", "--noheader", "--array", f"--name={wanted}", "--format=%j|%K|%T|%N|%r"
    for _ in range(MAX_ATTEMPTS):
        done = _call(*command)
        if done.returncode == 0:
            return parse(done.stdout)
        time.sleep(RETRY_SECONDS)
    raise BadInput(
        f"squeue: {_last_line(done.stderr)}; the jobs continue, run the same command again later"
    )


def parse(output: str) -> dict[tuple[str, int], Job]:
    """Parse the output of squeue in the format of :func:`unfinished`."""
    found = {}
    for line in output.splitlines():
        name, index, state, node, reason = line.split("|", 4)
        found[name, int(index)] = Job(state, node, reason)
    return found


def _call(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]
