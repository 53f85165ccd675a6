"""The state of each experiment on a cluster: missing, waiting, running, done or failed."""

from study.plan import EXPERIMENTS
from study.progress import State, last_message, progress_lines
from study.slurm.jobs import Job
from study.slurm.submission import Submission

Queue = dict[tuple[str, int], Job]


def states(
    names: list[str], missing: list[str], submissions: list[Submission], queue: Queue
) -> dict[str, State]:
    """Find the state of each experiment.

    Parameters
    ----------
    names : list of str
        All experiments.
    missing : list of str
        Those without a result.
    submissions : list of Submission
        The newest last.
    queue : dict
        Result of :func:`study.slurm.jobs.unfinished`, called before ``missing`` was determined.

    Returns
    -------
    dict
        The state of each experiment, by name.
    """
    found = {name: State("missing") for name in names}
    for submission in submissions:
        tasks = submission.waves.get(EXPERIMENTS, [])
        for index, name in enumerate(tasks):
            # A task of an earlier submission may still be running.
            if name in found and not found[name].is_open:
                job = queue.get((submission.job(EXPERIMENTS), index))
                found[name] = state(name, job, submission)
    return found | {name: State("done") for name in names if name not in missing}


def state(name: str, job: Job | None, submission: Submission) -> State:
    """Find the state of an experiment of a submission that has no result.

    Parameters
    ----------
    name : str
    job : Job or None
        Its task, if it waits or runs.
    submission : Submission
    """
    if job is None and not submission.is_submitted:
        return State("missing")
    log = submission.log_of(name)
    if job is None:
        return State("failed", last_message(log) or "ended without a log")
    if job.state == "PENDING":
        return State("waiting", job.reason)
    return State("running", ", ".join(filter(None, [job.node, *progress_lines(log)[-1:]])))
