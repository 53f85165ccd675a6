"""The runner for clusters: submit the missing experiments, wait for them and report failures.

An experiment exists if, and only if, its ref is in the bare repository. The command keeps no state
of its own: it reads the bare repository, SLURM's queue and the folders of submissions, so it can be
interrupted and restarted at any time.
"""

import os
import sys
import time
from pathlib import Path

from stages import inputs
from study import plan
from study.lock import exclusive_lock
from study.plan import EXPERIMENTS, Matrix
from study.progress import State, print_progress, read_log
from study.slurm import bare_repository, jobs, settings, submission
from study.slurm.states import Queue, states
from study.slurm.submission import Submission

POLL_SECONDS = 5.0


class ClusterMatrix:
    """The matrix of a commit on a cluster.

    Parameters
    ----------
    matrix : Matrix
    commit : str
        Full hash of the commit that the jobs run.

    Raises
    ------
    BadInput
        If cluster.yaml is invalid.
    """

    def __init__(self, matrix: Matrix, commit: str):
        self.matrix, self.commit = matrix, commit
        self.settings = settings.load(Path(sys.prefix))

    def submissions(self) -> list[Submission]:
        """List the submissions of this commit, the newest last."""
        return submission.of_commit(self.settings.work, self.commit)

    def queue(self) -> Queue:
        """List the tasks of this commit that wait or run."""
        jobs.require_slurm()
        names = [one.job(wave) for one in self.submissions() for wave in one.waves]
        return jobs.unfinished(names)

    def states(self) -> dict[str, State]:
        """Find the state of each experiment."""
        # The queue is read first: a task that ends in between counts as running, not as failed.
        queue = self.queue()
        known = bare_repository.fetch(self.settings.repository, self.commit)
        missing = self.matrix.missing(known, workspace=None)
        return states(list(self.matrix.experiments), missing, self.submissions(), queue)

    def submit(self, names: list[str], parallel: int, options: list[str]) -> None:
        """Submit the named experiments and the runs that they share.

        See :func:`study.slurm.submission.submit`.
        """
        waves = self.matrix.waves(names)
        for wave, runs in waves.items():
            print(f"  {wave}: {', '.join(run.name for run in runs)}", flush=True)
        new = submission.write(self.settings, self.commit, waves)
        submission.submit(new, waves, parallel, options)
        print(f"submitted; logs: {new.folder / 'logs'}", flush=True)

    def wait(self) -> None:
        """Print the progress of the tasks until none waits or runs."""
        printed: dict[tuple[str, int], int] = {}  # lines of each log
        while True:
            queue = self.queue()
            logs = {
                (one.job(wave), index): (name, one.log(wave, index))
                for one in self.submissions()
                for wave, names in one.waves.items()
                for index, name in enumerate(names)
            }
            started = {task for task, job in queue.items() if job.state != "PENDING"}
            for task in sorted(started | printed.keys()):
                name, log = logs[task]
                printed[task] = print_progress(name, read_log(log), printed.get(task, 0))
            if not queue:
                return
            time.sleep(POLL_SECONDS)


def run(
    study: str | None,
    parallel: int,
    options: list[str],
    dry_run: bool = False,
    detach: bool = False,
) -> dict[str, list[str]] | None:
    """Submit the missing experiments and wait for them.

    Parameters
    ----------
    study : str or None
        One of ``studies`` in params.yaml; None for ``matrix``.
    parallel : int
        Number of experiments that run at the same time.
    options : list of str
        Options of `sbatch` for every job.
    dry_run : bool
        Only print what would run.
    detach : bool
        Return after the submission.

    Returns
    -------
    dict or None
        Log lines of each experiment that failed, by name; None with ``dry_run`` or ``detach``.
    """
    inputs.main()  # detects changed libraries and songs before anything is submitted
    cluster = ClusterMatrix(plan.load_matrix(study), bare_repository.clean_head())
    settings.make_work_folder(cluster.settings)
    lock = cluster.settings.work / "matrix.lock"
    with exclusive_lock(lock):
        found = cluster.states()
        print_counts(found)
        pending = [name for name, state in found.items() if state.status in ("missing", "failed")]
        if dry_run:
            for wave, runs in cluster.matrix.waves(pending).items() if pending else ():
                print(f"  {wave}: {', '.join(run.name for run in runs)}")
            return None
        settings.share_cache(cluster.settings.cache)
        if pending:
            bare_repository.publish(cluster.settings.repository, cluster.commit)
            cluster.submit(pending, parallel, options)
    if detach:
        print("`make status` shows the progress; the same command without --detach waits")
        return None
    try:
        cluster.wait()
    except KeyboardInterrupt:
        names = [one.job(EXPERIMENTS) for one in cluster.submissions()[-1:]]
        sys.exit(
            "interrupted; the jobs continue, and the same command waits for them; "
            f"`scancel --name={','.join(names)}` cancels them"
        )
    os.environ["VOCALSEG_TRAININGS"] = str(cluster.settings.trainings)  # has the durations
    with exclusive_lock(lock):  # commands that wait for the same tasks end at the same time
        failed = failures(cluster)
        cluster.matrix.collect(list(failed))
    return failed


def print_counts(found: dict[str, State]) -> None:
    """Print how many experiments there are, are finished and are in the queue."""
    statuses = [state.status for state in found.values()]
    print(
        f"{len(statuses)} experiments, {statuses.count('done')} of them finished, "
        f"{statuses.count('waiting') + statuses.count('running')} in the queue",
        flush=True,
    )


def failures(cluster: ClusterMatrix) -> dict[str, list[str]]:
    """Collect the log lines of each experiment that is not done, by name."""
    logs: dict[str, list[str]] = {}
    for one in cluster.submissions():
        logs |= {name: one.log_of(name) for name in one.waves.get(EXPERIMENTS, [])}
    unfinished = [name for name, state in cluster.states().items() if state.status != "done"]
    return {name: logs.get(name, []) for name in unfinished}
