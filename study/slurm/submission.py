"""A submission: a folder on the shared disk with what its jobs read and the logs that they write.

- ``settings.sh``: the settings of the cluster and the commit, as shell variables
- ``task.sh``: the script of every task
- ``WAVE.tsv``: a line per task, the arguments of `dvc exp run`
- ``logs/WAVE-INDEX.log``: what a task has printed
- ``jobs.txt``: numbers of the jobs, once all are submitted
"""

import secrets
import shlex
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from study.naming import Experiment
from study.plan import EXPERIMENTS, ONCE
from study.progress import lines_of
from study.repository import git
from study.slurm import jobs
from study.slurm.bare import branch
from study.slurm.settings import Cluster
from vocalseg.errors import BadInput

TASK = Path(__file__).with_name("task.sh")


@dataclass(frozen=True)
class Submission:
    """A folder that :func:`write` has made."""

    folder: Path

    @property
    def waves(self) -> dict[str, list[str]]:
        """Names of the tasks of each wave, in the order of their numbers."""
        return {
            file.stem: [line.split("\t")[1] for line in file.read_text("utf-8").splitlines()]
            for file in sorted(self.folder.glob("*.tsv"))
        }

    @property
    def is_submitted(self) -> bool:
        return (self.folder / "jobs.txt").exists()

    def job(self, wave: str) -> str:
        """The name of a wave's array job."""
        return f"vocalseg-{self.folder.name}-{wave}"

    def log(self, wave: str, index: int) -> Path:
        return self.folder / "logs" / f"{wave}-{index}.log"

    def log_of(self, name: str) -> list[str]:
        """What an experiment has printed; if it has not begun, what its preparation printed."""
        waves = self.waves
        own = lines_of(self.log(EXPERIMENTS, waves[EXPERIMENTS].index(name)))
        if own or ONCE not in waves:
            return own
        return lines_of(self.log(ONCE, 0))


def of_commit(work: Path, commit: str) -> list[Submission]:
    """The submissions of a commit, the newest last."""
    return [Submission(folder) for folder in sorted((work / "runs").glob(f"{commit[:12]}-*"))]


def write(cluster: Cluster, commit: str, waves: dict[str, list[Experiment]]) -> Submission:
    """Write the folder of a new submission."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    folder = cluster.work / "runs" / f"{commit[:12]}-{stamp}-{secrets.token_hex(2)}"
    (folder / "logs").mkdir(parents=True)
    shutil.copy(TASK, folder / TASK.name)
    (folder / "settings.sh").write_text(settings(cluster, commit), encoding="utf-8")
    for wave, experiments in waves.items():
        lines = "".join(f"{line(one)}\n" for one in experiments)
        (folder / f"{wave}.tsv").write_text(lines, encoding="utf-8")
    return Submission(folder)


def line(experiment: Experiment) -> str:
    """The arguments of `dvc exp run`, separated by tabs."""
    for argument in experiment.arguments:
        if {"\t", "\n"} & set(argument):
            raise BadInput(f"params.yaml: matrix: {argument!r}: holds a tab or a new line")
    return "\t".join(experiment.arguments)


def settings(cluster: Cluster, commit: str) -> str:
    """Text of ``settings.sh``."""
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
    """Submit an array job for each wave, each after the waves before it.

    Nothing runs if the first wave fails. If a run of a later one fails, the experiments that need
    it run it themselves, and their logs tell why it fails.

    Parameters
    ----------
    parallel : int
        Tasks of a wave that run at a time.
    options : list of str
        Further options of `sbatch`; those of :func:`arguments` override them.
    """
    numbers: list[str] = []
    before: list[str] = []
    try:
        for wave, tasks in waves.items():
            array = f"0-{len(tasks) - 1}%{parallel}"
            numbers.append(jobs.submit([*options, *arguments(submission, wave, array, before),
                                        str(submission.folder / TASK.name),
                                        str(submission.folder), wave]))  # fmt: skip
            before.append(f"{'afterok' if wave == ONCE else 'afterany'}:{numbers[-1]}")
    except BaseException:
        if numbers:
            jobs.cancel(numbers)
        raise
    (submission.folder / "jobs.txt").write_text("\n".join(numbers) + "\n")


def arguments(submission: Submission, wave: str, array: str, before: list[str]) -> list[str]:
    """Options of `sbatch` for a wave's array job."""
    log = str(submission.log(wave, 0)).replace("%", "%%").removesuffix("0.log") + "%a.log"
    options = [
        f"--job-name={submission.job(wave)}",
        f"--array={array}",
        f"--output={log}",
        "--open-mode=append",  # a task that is requeued goes on in its log
        "--requeue",
    ]
    if before:
        options += [f"--dependency={','.join(before)}", "--kill-on-invalid-dep=yes"]
    return options
