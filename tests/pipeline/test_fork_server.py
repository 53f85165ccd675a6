"""Forks of tests/startup/fork_server.py behave as processes of their own."""

import subprocess

import pytest

from tests.pipeline.conftest import OWN_PROCESSES
from tests.pipeline.matrix import processes, wait_for


def test_fork_gives_the_same_outputs_as_a_process_of_its_own(project):
    before = (project.path / "dvc.lock").read_bytes()
    assert project.repro("--force", "--single-item", "train") == ["train"]
    assert (project.path / "dvc.lock").read_bytes() == before


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("python -m study.status", 0),
        ("python -m study.matrix --jobs 0", 1),
        ("dvc params diff --all", 0),
        ("dvc repro no-such-stage", 255),
    ],
)
def test_fork_prints_the_same_and_ends_with_the_same_status(scratch, command, status):
    fork, own = (scratch.run(*command.split(), check=False, **env) for env in ({}, OWN_PROCESSES))
    assert own.returncode == fork.returncode == status
    assert own.stdout == fork.stdout
    assert own.stderr == fork.stderr


@pytest.fixture
def training(project):
    """A process that trains for very many epochs."""
    project.set(train={"epochs": 100_000})
    log = project.path / ".dvc/tmp/train.log"
    command = ["python", "-m", "stages.train"]
    with log.open("w") as file:
        process = subprocess.Popen(
            command, cwd=project.path, env=project.environment(), stdout=file
        )
    wait_for(lambda: "epoch 1/" in log.read_text(), "first epoch")
    yield process
    process.kill()
    process.wait()


def test_fork_ends_if_its_process_is_killed(project, training):
    (fork,) = {process.pid for process in processes(project)} - {training.pid}
    training.kill()
    wait_for(lambda: fork not in {process.pid for process in processes(project)}, "end of the fork")
