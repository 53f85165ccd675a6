"""The runner for clusters: submit what is missing of a matrix, wait for it, report what failed.

An experiment exists if, and only if, its ref is in the bare repository. All that the command knows
it reads from there, from SLURM's queue and from the folders of submissions, so that it can be ended
and started again at any time.
"""

import os
import sys
import time
from pathlib import Path

from stages import inputs
from study import plan
from study.lock import alone
from study.plan import EXPERIMENTS, Matrix
from study.progress import State, lines_of, show
from study.slurm import bare, jobs, settings, submission
from study.slurm.states import Queue, states
from study.slurm.submission import Submission

POLL = 5.0  # seconds


class Cluster:
    """The matrix of a commit on a cluster."""

    def __init__(self, matrix: Matrix, commit: str):
        self.matrix, self.commit = matrix, commit
        self.settings = settings.load(Path(sys.prefix))

    def submissions(self) -> list[Submission]:
        return submission.of_commit(self.settings.work, self.commit)

    def queue(self) -> Queue:
        """The tasks of this commit that wait or run."""
        jobs.require()
        names = [one.job(wave) for one in self.submissions() for wave in one.waves]
        return jobs.unfinished(names)

    def states(self) -> dict[str, State]:
        """The state of each experiment."""
        queue = self.queue()  # asked first: what ends meanwhile counts as running, not as failed
        known = bare.fetch(self.settings.repository, self.commit)
        missing = self.matrix.missing(known, here=None)
        return states(list(self.matrix.experiments), missing, self.submissions(), queue)

    def submit(self, names: list[str], parallel: int, options: list[str]) -> None:
        """Submit the named experiments, and before them what they share."""
        waves = self.matrix.waves(names)
        for wave, runs in waves.items():
            print(f"  {wave}: {', '.join(run.name for run in runs)}", flush=True)
        new = submission.write(self.settings, self.commit, waves)
        submission.submit(new, waves, parallel, options)
        print(f"submitted; logs: {new.folder / 'logs'}", flush=True)

    def wait(self) -> None:
        """Show the progress of the tasks until none waits or runs."""
        shown: dict[tuple[str, int], int] = {}
        while True:
            queue = self.queue()
            logs = {
                (one.job(wave), index): (name, one.log(wave, index))
                for one in self.submissions()
                for wave, names in one.waves.items()
                for index, name in enumerate(names)
            }
            began = {task for task, job in queue.items() if job.state != "PENDING"}
            for task in sorted(began | shown.keys()):
                name, log = logs[task]
                shown[task] = show(name, lines_of(log), shown.get(task, 0))
            if not queue:
                return
            time.sleep(POLL)


def run(
    study: str | None,
    parallel: int,
    options: list[str],
    dry_run: bool = False,
    detach: bool = False,
) -> dict[str, list[str]] | None:
    """Submit what is missing and wait for it.

    Parameters
    ----------
    study : str or None
        One of ``studies``; None: `matrix`.
    parallel : int
        Experiments at a time.
    options : list of str
        Options of `sbatch` for every job.

    Returns
    -------
    dict or None
        Names of the experiments that failed, and what they printed; None after a dry run, or if
        the command does not wait.
    """
    inputs.main()  # a change of libraries or songs is seen before anything is submitted
    cluster = Cluster(plan.read(study), bare.committed())
    settings.make_work(cluster.settings)
    with alone(cluster.settings.work / "matrix.lock"):
        found = cluster.states()
        summarise(found)
        todo = [name for name, state in found.items() if state.word in ("missing", "failed")]
        if dry_run:
            for wave, runs in cluster.matrix.waves(todo).items() if todo else ():
                print(f"  {wave}: {', '.join(run.name for run in runs)}")
            return None
        settings.share_cache(cluster.settings.cache)
        if todo:
            bare.publish(cluster.settings.repository, cluster.commit)
            cluster.submit(todo, parallel, options)
    if detach:
        print("`make status` shows how far they are; the same command waits for them")
        return None
    try:
        cluster.wait()
    except KeyboardInterrupt:
        names = [one.job(EXPERIMENTS) for one in cluster.submissions()[-1:]]
        sys.exit(
            "interrupted; the jobs go on and the same command waits for them; "
            f"`scancel --name={','.join(names)}` cancels them"
        )
    failed = failures(cluster)
    os.environ["VOCALSEG_TRAININGS"] = str(cluster.settings.trainings)  # their durations
    cluster.matrix.collect(list(failed))
    return failed


def summarise(found: dict[str, State]) -> None:
    """Print how many experiments there are and which of them will be submitted."""
    words = [state.word for state in found.values()]
    print(
        f"{len(words)} experiments, {words.count('done')} of them finished, "
        f"{words.count('waiting') + words.count('running')} in the queue",
        flush=True,
    )


def failures(cluster: Cluster) -> dict[str, list[str]]:
    """Names of the experiments that are not made, and what they printed."""
    logs = {}
    for one in cluster.submissions():
        logs |= {name: one.log_of(name) for name in one.waves.get(EXPERIMENTS, [])}
    left = [name for name, state in cluster.states().items() if state.word != "done"]
    return {name: logs.get(name, []) for name in left}
