"""Run `python -m study.matrix` in tests, in the foreground or in the background."""

import subprocess
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
import yaml

from tests.pipeline.conftest import Project


class Matrix:
    """`python -m study.matrix` in a project, and a count of the stages that ran."""

    def __init__(self, project: Project, folder: Path):
        self.project, self.count = project, folder / "stages.txt"
        self.env = {"COUNT_STAGES": str(self.count)}

    def set(self, matrix: dict, **sections) -> None:
        params = self.project.params() | {"matrix": matrix}
        (self.project.path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
        self.project.set(**sections)

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        return self.project.run(*self.command(*arguments), check=check, **self.env)

    def start(self, *arguments: str) -> "Started":
        return Started(self, *arguments)

    def start_until(self, text: str) -> "Started":
        started = self.start()
        started.wait_for(text)
        return started

    @staticmethod
    def command(*arguments: str) -> list[str]:
        return ["python", "-m", "study.matrix", *arguments]

    def ran(self, *, reset: bool = True) -> Counter:
        """Number of runs of each stage, except `inputs`, since the last call with ``reset``."""
        ran = Counter(self.count.read_text().split()) if self.count.exists() else Counter()
        if reset:
            self.count.unlink(missing_ok=True)
        del ran["inputs"]  # always runs
        return ran

    def lock(self, name: str) -> dict:
        """Stages in the dvc.lock of an experiment."""
        text = self.project.run("git", "show", f"{self.ref(name)}:dvc.lock").stdout
        return yaml.safe_load(text)["stages"]

    def ref(self, name: str) -> str:
        """Git reference of an experiment."""
        (ref,) = [r for r in self.refs() if r.endswith(f"/{name}")]
        return ref

    def refs(self) -> list[str]:
        """Git references of the finished experiments."""
        listed = self.project.run("git", "for-each-ref", "--format=%(refname)", "refs/exps")
        return [r for r in listed.stdout.split() if "/celery/" not in r]

    def names(self) -> list[str]:
        return sorted(ref.rpartition("/")[2] for ref in self.refs())


class Started:
    """A matrix that runs in the background, so that a test can interrupt it."""

    def __init__(self, matrix: Matrix, *arguments: str):
        self.log = matrix.project.path / ".dvc/tmp" / f"started-{time.monotonic_ns()}.log"
        self.process = subprocess.Popen(
            matrix.command(*arguments),
            cwd=matrix.project.path,
            # A process of its own, which receives signals; its stages are forks.
            env={**matrix.project.environment(), "FORKS": "stages", **matrix.env},
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait_for(self, text: str, seconds: float = 300) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.log.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"no {text!r} in:\n{self.log.read_text()}", pytrace=False)
            time.sleep(0.05)

    def end(self, seconds: float = 600) -> tuple[int, str]:
        status = self.process.wait(seconds)
        return status, self.log.read_text()


def wait_for(condition, what: str, seconds: float = 120):
    """Wait until a condition holds and return its value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: timed out after {seconds} s"
        time.sleep(0.1)
    return value


def processes(project: Project) -> list[psutil.Process]:
    """Running processes in the folder of a project: workers, experiments, stages."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(project.path):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found
