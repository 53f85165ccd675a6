"""A line per experiment of `matrix`, or of a study: missing, waiting, running, done or failed.

python -m study.status [--study NAME]
"""

import argparse
from collections import Counter

from dvc.repo import Repo

from study import plan
from study.command import run
from study.plan import Matrix
from study.progress import State, last, news
from study.queue import Task, tasks
from study.repository import git, lock_here, locks, require_repository
from study.slurm.runner import Cluster


def local_states(matrix: Matrix) -> dict[str, State]:
    """The state of each experiment on this machine: of its ref, or of its task in DVC's queue."""
    missing = matrix.missing(locks(), lock_here())
    with Repo() as repo:
        queued = {task.name: local_state(task) for task in tasks(repo, missing)}
    return {
        name: queued.get(name, State("missing")) if name in missing else State("done")
        for name in matrix.experiments
    }


def local_state(task: Task) -> State:
    """The state of an experiment that is not made and is in DVC's queue."""
    if task.status == "queued":
        return State("waiting")
    if task.status == "failed":
        return State("failed", last(task.log))
    return State("running", "".join(news(task.log)[-1:]))


def states(matrix: Matrix) -> dict[str, State]:
    """The state of each experiment, on a cluster if this commit was submitted to one, or here."""
    here = local_states(matrix)
    cluster = Cluster(matrix, git("rev-parse", "HEAD").strip())
    if not cluster.submissions():
        return here
    there = cluster.states()
    return {n: here[n] if state.word == "missing" else state for n, state in there.items()}


def text(found: dict[str, State]) -> str:
    """A line per experiment, and how many there are of each state."""
    width = max(map(len, found))
    lines = [
        f"{n:{width}}  {word:8}{detail and f' {detail}'}" for n, (word, detail) in found.items()
    ]
    counts = Counter(state.word for state in found.values())
    return (
        "\n".join(map(str.rstrip, lines)) + "\n" + ", ".join(f"{n} {w}" for w, n in counts.items())
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", metavar="NAME", help="of `studies`; by default, `matrix`")
    study = parser.parse_args().study
    require_repository()
    print(text(states(plan.read(study))))


if __name__ == "__main__":
    run(main)
