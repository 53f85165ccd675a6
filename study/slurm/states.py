"""What has become of each experiment: missing, waiting, running, done or failed."""

from study.plan import EXPERIMENTS
from study.progress import State, last, news
from study.slurm.jobs import Job
from study.slurm.submission import Submission

Queue = dict[tuple[str, int], Job]


def states(
    names: list[str], missing: list[str], submissions: list[Submission], queue: Queue
) -> dict[str, State]:
    """The state of each of the named experiments.

    Parameters
    ----------
    missing : list of str
        Those of them that are not made.
    submissions : list of Submission
        The newest last.
    queue : dict
        Of :func:`study.slurm.jobs.unfinished`, asked before ``missing`` was found out.
    """
    found = {name: State("missing") for name in names}
    for submission in submissions:
        tasks = submission.waves.get(EXPERIMENTS, [])
        for index, name in enumerate(tasks):
            # An earlier submission's task may still run.
            if name in found and not found[name].is_open:
                job = queue.get((submission.job(EXPERIMENTS), index))
                found[name] = state(name, job, submission)
    return found | {name: State("done") for name in names if name not in missing}


def state(name: str, job: Job | None, submission: Submission) -> State:
    """The state of an experiment that a submission holds and that is not made."""
    if job is None and not submission.is_submitted:
        return State("missing")
    log = submission.log_of(name)
    if job is None:
        return State("failed", last(log) or "ended without a log")
    if job.state == "PENDING":
        return State("waiting", job.reason)
    return State("running", ", ".join(filter(None, [job.node, *news(log)[-1:]])))
