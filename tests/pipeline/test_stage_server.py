"""Forks of tests/startup/stage_server.py behave as processes of their own."""

import subprocess

import pytest

from tests.pipeline.matrix import processes, wait_for


def test_fork_gives_the_same_outputs_as_a_process_of_its_own(project):
    before = (project.path / "dvc.lock").read_bytes()
    assert project.repro("--force", "--single-item", "train") == ["train"]
    assert (project.path / "dvc.lock").read_bytes() == before


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
