"""The local runner: run the missing experiments of a matrix in DVC's queue on this machine.

1. Stages that do not depend on any key of the matrix run in the workspace (`dvc repro`).
2. A stage that several experiments share (such as `normalize` for two losses) runs once for each of
   its settings, in a temporary experiment that is removed afterwards. Otherwise two workers would
   compute it at the same time.
3. The experiments run in DVC's queue and take the shared results from the run-cache.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from stages import inputs
from study.lock import exclusive_lock
from study.naming import experiment
from study.plan import SHARED, Matrix
from study.queue import dvc, remove_results, require_queue, run_experiments, stop_workers
from study.repository import locks, workspace_lock

LOCK = Path(".dvc", "tmp", "matrix.lock")


def run(
    load_matrix: Callable[[], Matrix], jobs: int, dry_run: bool = False
) -> dict[str, list[str]] | None:
    """Print a summary of the matrix, run the missing experiments and wait for them.

    Parameters
    ----------
    load_matrix : callable
        Returns the matrix; called after changed code, libraries and songs have been detected.
    jobs : int
        Number of experiments that run at the same time.
    dry_run : bool
        Only print the summary.

    Returns
    -------
    dict or None
        Log lines of each experiment that failed, by name; None after a dry run.
    """
    with exclusive_lock(LOCK):
        inputs.main()  # detects changed code, libraries and songs before anything runs
        matrix = load_matrix()
        matrix.print_summary(locks())
        if dry_run:
            return None
        try:
            return run_missing(matrix, jobs)
        except KeyboardInterrupt:
            sys.exit("interrupted; run the same command again to resume")
        finally:
            stop_workers()
            matrix.collect(matrix.missing(locks(), workspace_lock()))


def run_missing(matrix: Matrix, jobs: int) -> dict[str, list[str]]:
    """Run the missing experiments and return the log lines of each that failed, by name."""
    known = locks()
    leftovers = [name for name in known if name.startswith(SHARED)]
    if leftovers:
        remove_results(leftovers)
    if matrix.outdated:
        dvc("repro", *matrix.common_stages)
    names = matrix.missing(known, workspace_lock())
    if not names:
        return {}
    require_queue()
    if jobs > 1:
        for stage in matrix.pipeline.commands:
            run_shared(matrix, stage, names, jobs)
    outdated = [name for name in names if name in known]
    if outdated:
        print(
            f"replacing experiments of other code or parameters: {', '.join(outdated)}", flush=True
        )
        remove_results(outdated)
    logs = run_experiments([experiment(name, matrix.experiments[name]) for name in names], jobs)
    return {name: logs.get(name, []) for name in matrix.missing(locks(), workspace_lock())}


def run_shared(matrix: Matrix, stage: str, names: list[str], jobs: int) -> None:
    """Run a stage once for each of its settings that several of the named experiments share."""
    shared = matrix.shared_runs(stage, names)
    if not shared:
        return
    cached = {f"{SHARED}{run}" for run in matrix.cached(stage, locks())}
    uncached = [one for one in shared if one.name not in cached]
    failed = run_experiments(uncached, jobs) if uncached else {}
    finished = [one.name for one in uncached if one.name not in failed]
    if finished:
        remove_results(finished)
