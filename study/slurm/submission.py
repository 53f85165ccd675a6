"""A submission: a folder on the shared disk with the input of its jobs and their logs.

- ``settings.sh``: the cluster's settings and the commit, as shell variables
- ``task.sh``: the script that each task runs
- ``WAVE.tsv``: one line per task with its arguments of `dvc exp run`
- ``logs/WAVE-INDEX.log``: the log of a task
- ``jobs.txt``: the job IDs, written when all jobs are submitted
"""

import secrets
import shlex
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from study.naming import Experiment
from study.plan import EXPERIMENTS, ONCE
from study.progress import read_log
from study.repository import git
from study.slurm import jobs
from study.slurm.bare_repository import branch
from study.slurm.settings import ClusterSettings
from vocalseg.errors import BadInput

TASK = Path(__file__).with_name("task.sh")


@dataclass(frozen=True)
class Submission:
    """A folder that :func:`write` has created."""

    folder: Path

    @property
    def waves(self) -> dict[str, list[str]]:
        """Names of each wave's tasks, in the order of their indices."""
        return {
            file.stem: [line.split("\t")[1] for line in file.read_text("utf-8").splitlines()]
            for file in sorted(self.folder.glob("*.tsv"))
        }

    @property
    def is_submitted(self) -> bool:
        """Whether all jobs have been submitted."""
        return (self.folder / "jobs.txt").exists()

    def job(self, wave: str) -> str:
        """Name of a wave's array job."""
        return f"vocalseg-{self.folder.name}-{wave}"

    def log(self, wave: str, index: int) -> Path:
        """Path of a task's log."""
        return self.folder / "logs" / f"{wave}-{index}.log"

    def log_of(self, name: str) -> list[str]:
        """Read the log of an experiment, or that of the first wave if it has not started."""
        waves = self.waves
        own = read_log(self.log(EXPERIMENTS, waves[EXPERIMENTS].index(name)))
        if own or ONCE not in waves:
            return own
        return read_log(self.log(ONCE, 0))


def of_commit(work: Path, commit: str) -> list[Submission]:
    """List the submissions of a commit, the newest last."""
    return [Submission(folder) for folder in sorted((work / "runs").glob(f"{commit[:12]}-*"))]


def write(cluster: ClusterSettings, commit: str, waves: dict[str, list[Experiment]]) -> Submission:
    """Write the folder of a new submission.

    Parameters
    ----------
    cluster : ClusterSettings
    commit : str
        Full hash of the commit that the jobs run.
    waves : dict
        Result of :meth:`study.plan.Matrix.waves`.

    Returns
    -------
    Submission

    Raises
    ------
    BadInput
        If a setting of an experiment has a tab or a line feed.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    folder = cluster.work / "runs" / f"{commit[:12]}-{stamp}-{secrets.token_hex(2)}"
    (folder / "logs").mkdir(parents=True)
    shutil.copy(TASK, folder / TASK.name)
    (folder / "settings.sh").write_text(shell_settings(cluster, commit), encoding="utf-8")
    for wave, experiments in waves.items():
        lines = "".join(f"{tsv_line(one)}\n" for one in experiments)
        (folder / f"{wave}.tsv").write_text(lines, encoding="utf-8")
    return Submission(folder)


def tsv_line(experiment: Experiment) -> str:
    """Join the arguments of `dvc exp run` with tabs.

    Raises
    ------
    BadInput
        If an argument has a tab or a line feed.
    """
    for argument in experiment.arguments:
        if {"\t", "\n"} & set(argument):
            raise BadInput(
                f"params.yaml: matrix: {argument!r}: has a tab or a line feed; remove it"
            )
    return "\t".join(experiment.arguments)


def shell_settings(cluster: ClusterSettings, commit: str) -> str:
    """Format the content of ``settings.sh``."""
    user = {
        key: git("config", "--default", "vocalseg", "--get", f"user.{key}").strip()
        for key in ("name", "email")
    }
    values = {
        "commit": commit,
        "branch": branch(commit),
        "prefix": git("rev-parse", "--show-prefix").strip(),
        "author": user["name"],
        "email": user["email"],
        "repository": cluster.repository,
        "cache": cluster.cache,
        "trainings": cluster.trainings,
        "environment": cluster.environment,
    }
    lines = [f"{key}={shlex.quote(str(value))}" for key, value in values.items()]
    return "\n".join([*cluster.before, *lines, f'scratch="{cluster.scratch}"']) + "\n"


def submit(
    submission: Submission, waves: dict[str, list[Experiment]], parallel: int, options: list[str]
) -> None:
    """Submit one array job per wave; each starts after the waves before it.

    If the first wave fails, SLURM cancels all others. If a run of another wave fails, the
    experiments that need it run it themselves, so that their logs have its error message. If one
    job cannot be submitted, the others are cancelled.

    Parameters
    ----------
    submission : Submission
    waves : dict
        As in :func:`write`.
    parallel : int
        Number of tasks of a wave that run at the same time.
    options : list of str
        Further options of `sbatch`; those of :func:`sbatch_options` override them.

    Raises
    ------
    BadInput
        If SLURM refuses a job.
    """
    job_ids: list[str] = []
    dependencies: list[str] = []
    try:
        for wave, tasks in waves.items():
            array = f"0-{len(tasks) - 1}%{parallel}"
            own = sbatch_options(submission, wave, array, dependencies)
            script = [str(submission.folder / TASK.name), str(submission.folder), wave]
            job_ids.append(jobs.submit([*options, *own, *script]))
            dependencies.append(f"{'afterok' if wave == ONCE else 'afterany'}:{job_ids[-1]}")
    except BaseException:
        if job_ids:
            jobs.cancel(job_ids)
        raise
    (submission.folder / "jobs.txt").write_text("\n".join(job_ids) + "\n")


def sbatch_options(
    submission: Submission, wave: str, array: str, dependencies: list[str]
) -> list[str]:
    """Options of `sbatch` for a wave's array job."""
    log = str(submission.log(wave, 0)).replace("%", "%%").removesuffix("0.log") + "%a.log"
    options = [
        f"--job-name={submission.job(wave)}",
        f"--array={array}",
        f"--output={log}",
        "--open-mode=append",  # a requeued task continues its log
        "--requeue",
    ]
    if dependencies:
        options += [f"--dependency={','.join(dependencies)}", "--kill-on-invalid-dep=yes"]
    return options
