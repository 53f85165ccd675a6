"""A SLURM cluster of two nodes, and a project that submits experiments to it."""

import os
from pathlib import Path

import pytest
import yaml

from tests.pipeline.conftest import Project, finished, project, songs
from tests.pipeline.matrix import Matrix
from tests.slurm.cluster import Cluster, missing_commands

__all__ = ["finished", "project", "songs"]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """Tests are skipped without SLURM, which CI requires (scripts/install_slurm.sh)."""
    if missing_commands():
        reason = f"SLURM is not installed ({', '.join(missing_commands())})"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


class Submitter(Matrix):
    """`python -m study.matrix --runner slurm` in a project, with the logs of its tasks."""

    def __init__(self, project: Project, folder: Path, cluster: Cluster):
        folder.mkdir()
        super().__init__(project, folder)
        # Commands are processes of the cluster, which stops them; only their stages are forks.
        self.env |= {**cluster.env, "FORKS": "stages"}
        self.work = project.path / "cluster"

    @staticmethod
    def command(*arguments: str) -> list[str]:
        return Matrix.command("--runner", "slurm", *arguments)

    def status(self, *arguments: str) -> dict[str, list[str]]:
        """Words of the line of each experiment in `make status`, without its name."""
        command = "python", "-m", "study.status", *arguments
        lines = self.project.run(*command, **self.env).stdout.splitlines()
        return {line.split()[0]: line.split()[1:] for line in lines[:-1]}

    def submissions(self) -> list[list[str]]:
        """Names of the experiments of each submission, from oldest to newest."""
        files = sorted(self.work.glob("runs/*/experiments.tsv"), key=lambda f: f.stat().st_mtime)
        return [[line.split("\t")[1] for line in f.read_text().splitlines()] for f in files]

    def task(self, name: str) -> str:
        """``JOB_INDEX`` of the task of an experiment, or empty if it neither waits nor runs."""
        listed = self.project.run(
            "squeue", "--noheader", "--array", "--format=%F_%K|%j", **self.env
        ).stdout.splitlines()
        index = self.submissions()[-1].index(name)
        tasks = (line.split("|") for line in listed if line.endswith("-experiments"))
        return next((task for task, _ in tasks if task.endswith(f"_{index}")), "")

    def log(self, name: str) -> str:
        """Output of an experiment in the newest submission that contains it."""
        files = sorted(self.work.glob("runs/*/experiments.tsv"), key=lambda f: f.stat().st_mtime)
        for file in reversed(files):
            names = [line.split("\t")[1] for line in file.read_text().splitlines()]
            if name in names:
                log = file.parent / "logs" / f"experiments-{names.index(name)}.log"
                return log.read_text() if log.exists() else ""
        return ""

    def checksums(self) -> dict[str, dict[str, str]]:
        """Checksums of the outputs of each experiment in the bare repository, by path."""
        bare = self.work / "repository.git"
        listed = self.project.run("git", "-C", str(bare), "for-each-ref", "refs/exps").stdout
        return {
            ref.rpartition("/")[2]: outputs(self.project.run(
                "git", "-C", str(bare), "show", f"{ref}:dvc.lock").stdout)
            for ref in (line.split()[2] for line in listed.splitlines())
        }  # fmt: skip


def outputs(lock: str) -> dict[str, str]:
    """Checksums of the outputs in a ``dvc.lock``, by path, without those of `inputs`."""
    stages = yaml.safe_load(lock)["stages"]
    del stages["inputs"]
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", [])}
