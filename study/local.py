"""The local runner: what is missing of a matrix goes through DVC's queue on this machine.

1. Stages that no key of the matrix touches run in the workspace (`dvc repro`).
2. Stages that several experiments share (`normalize`, for two losses) run once for each of their
   settings, as experiments of their own that are removed again: two workers would both compute
   them.
3. The experiments go through DVC's queue; what they share comes from its run-cache.
"""

import sys
from pathlib import Path

from stages import inputs
from study import plan
from study.lock import alone
from study.naming import experiment
from study.plan import SHARED, Matrix
from study.queue import dvc, require_queue, stop, work
from study.repository import lock_here, locks

LOCK = Path(".dvc", "tmp", "matrix.lock")


def run(study: str | None, jobs: int, dry_run: bool = False) -> dict[str, list[str]] | None:
    """Show what there is, run what is missing and wait for it.

    Returns
    -------
    dict or None
        Names of the experiments that failed, and what they printed; None after a dry run.
    """
    with alone(LOCK):
        inputs.main()  # what has changed is seen before anything runs
        matrix = plan.read(study)
        matrix.show(locks())
        if dry_run:
            return None
        try:
            return run_missing(matrix, jobs)
        except KeyboardInterrupt:
            sys.exit("interrupted; the same command resumes from here")
        finally:
            stop()
            matrix.collect(matrix.missing(locks(), lock_here()))


def run_missing(matrix: Matrix, jobs: int) -> dict[str, list[str]]:
    """Run what is missing; return the names of what failed, with what it printed."""
    known = locks()
    leftovers = [name for name in known if name.startswith(SHARED)]
    if leftovers:
        dvc("exp", "remove", "--quiet", *leftovers)
    if matrix.outdated:
        dvc("repro", *matrix.once)
    names = matrix.missing(known, lock_here())
    if not names:
        return {}
    require_queue()
    if jobs > 1:
        for stage in matrix.pipeline.commands:
            run_shared(matrix, stage, names, jobs)
    outdated = [name for name in names if name in known]
    if outdated:
        print(f"made by other code or parameters, replaced: {', '.join(outdated)}", flush=True)
        dvc("exp", "remove", "--quiet", *outdated)
    logs = work([experiment(name, matrix.experiments[name]) for name in names], jobs)
    return {name: logs.get(name, []) for name in matrix.missing(locks(), lock_here())}


def run_shared(matrix: Matrix, stage: str, names: list[str], jobs: int) -> None:
    """Run a stage for each setting that several of the named experiments share."""
    shared = matrix.shared(stage, names)
    if not shared:
        return
    cached = {f"{SHARED}{unit}" for unit in matrix.cached(stage, locks())}
    todo = [one for one in shared if one.name not in cached]
    failed = work(todo, jobs) if todo else {}
    made = [one.name for one in todo if one.name not in failed]
    if made:
        dvc("exp", "remove", "--quiet", *made)
