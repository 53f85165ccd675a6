"""Workers of DVC's queue are found also if DVC has started one of them twice."""

import hashlib
import subprocess
import sys

import pytest
from dvc.repo import Repo

from study.queue_tasks import live_workers
from tests.pipeline.conftest import ROOT


@pytest.fixture
def start_worker():
    """Start a process whose command line is that of a worker."""
    started = []

    def start(node: str) -> int:
        command = [sys.executable, "-c", "input()", "exp", "queue-worker", node]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE))
        return started[-1].pid

    yield start
    for process in started:
        process.communicate()


def test_two_workers_of_the_same_name_are_both_alive(start_worker):
    with Repo(str(ROOT)) as repo:
        folder = repo.experiments.celery_queue.wdir
        queue = hashlib.sha256(folder.encode()).hexdigest()[:6]
        mine = {start_worker(f"dvc-exp-{queue}-1@localhost") for _ in range(2)}
        start_worker("dvc-exp-000000-1@localhost")  # of another project
        assert {process.pid for process in live_workers(repo)} == mine
