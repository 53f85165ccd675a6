"""Print the state of each experiment: missing, waiting, running, done or failed.

python -m study.status [--study NAME]
"""

import argparse
from collections import Counter

from dvc.repo import Repo

from study import plan
from study.command import run
from study.plan import Matrix
from study.progress import State, last_message, progress_lines
from study.queue_tasks import Task, tasks
from study.repository import git, locks, require_repository, workspace_lock
from study.slurm.runner import ClusterMatrix


def local_states(matrix: Matrix) -> dict[str, State]:
    """Find the state of each experiment on this machine, from its ref or DVC's queue."""
    missing = matrix.missing(locks(), workspace_lock())
    with Repo() as repo:
        queued = {task.name: local_state(task) for task in tasks(repo, missing)}
    return {
        name: queued.get(name, State("missing")) if name in missing else State("done")
        for name in matrix.experiments
    }


def local_state(task: Task) -> State:
    """Return the state of an unfinished experiment in DVC's queue."""
    if task.status == "queued":
        return State("waiting")
    if task.status == "failed":
        return State("failed", last_message(task.log))
    return State("running", "".join(progress_lines(task.log)[-1:]))


def states(matrix: Matrix) -> dict[str, State]:
    """Find the state of each experiment, on the cluster if this commit was submitted to one."""
    local = local_states(matrix)
    cluster = ClusterMatrix(matrix, git("rev-parse", "HEAD").strip())
    if not cluster.submissions():
        return local
    remote = cluster.states()
    return {n: local[n] if state.status == "missing" else state for n, state in remote.items()}


def report(found: dict[str, State]) -> str:
    """Format one line per experiment and a line with the number of experiments in each state."""
    width = max(map(len, found))
    lines = [
        f"{n:{width}}  {status:8}{detail and f' {detail}'}" for n, (status, detail) in found.items()
    ]
    counts = Counter(state.status for state in found.values())
    total = ", ".join(f"{count} {status}" for status, count in counts.items())
    return "\n".join([*map(str.rstrip, lines), total])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", metavar="NAME", help="one of `studies`; default: `matrix`")
    study = parser.parse_args().study
    require_repository()
    print(report(states(plan.load_matrix(study))))


if __name__ == "__main__":
    run(main)
