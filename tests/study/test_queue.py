"""Tasks and workers of DVC's queue are found with what DVC has written about them."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.repo.experiments.executor.base import ExecutorInfo
from dvc.repo.experiments.queue.base import QueueEntry
from dvc.repo.experiments.queue.tasks import run_exp

from study.queue_tasks import live_workers, tasks
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


@pytest.fixture
def repo(tmp_path):
    """An empty project with a queue."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    with Repo.init(str(tmp_path)) as repo:
        yield repo


def put(repo: Repo, name: str, status: str) -> None:
    """Add a task as DVC and its workers do, without an experiment."""
    queue = repo.experiments.celery_queue
    entry = QueueEntry(repo.root_dir, repo.root_dir, "ref", f"stash-{name}", "base", None, name, "")
    message = queue.celery.signature(run_exp.s(entry.asdict())).delay()
    if status == "queued":
        return
    start(repo)
    if status == "running":
        return
    state = "SUCCESS" if status == "done" else "FAILURE"
    queue.celery.backend.store_result(message.id, None, state)
    if status != "failed early":
        folder, ref = str(repo.root_dir), f"refs/exps/00/{38 * '0'}/{name}"
        done = {"result_hash": "hash", "result_ref": ref} if status == "done" else {}
        info = ExecutorInfo(folder, "base", "dvc-task", folder, ".dvc", name, **done)
        info.dump_json(queue.get_infofile_path(entry.stash_rev))


def start(repo: Repo) -> None:
    """Move the only queued task to those that a worker has taken."""
    app = repo.experiments.celery_queue.celery
    with app.connection_for_write() as connection, connection.channel() as channel:
        (path,) = Path(channel.data_folder_in).iterdir()
        path.rename(Path(channel.processed_folder, path.name))


def test_tasks_have_the_status_that_dvc_gives_them(repo):
    for status in ("running", "done", "failed", "failed early", "queued"):
        put(repo, status, status)
    found = {task.name: task.status for task in tasks(repo, ["running", "done", "queued"])}
    assert found == {"running": "running", "done": "done", "queued": "queued"}
    every = tasks(repo, ["running", "done", "failed", "failed early", "queued", "other"])
    queue = repo.experiments.celery_queue
    by_dvc = {
        "running": queue.iter_active(),
        "queued": queue.iter_queued(),
        "done": (entry for entry, _ in queue.iter_success()),
        "failed": (entry for entry, _ in queue.iter_failed()),
    }
    for status, entries in by_dvc.items():
        expected = {entry.name for entry in entries}
        assert {task.name for task in every if task.status == status} == expected != set()


def test_a_task_that_starts_while_the_queue_is_read_is_listed_once(repo, monkeypatch):
    put(repo, "experiment", "queued")
    queue = repo.experiments.celery_queue
    (queued,) = queue.iter_queued()
    start(repo)
    monkeypatch.setattr(queue, "iter_queued", lambda: [queued])
    assert [task.status for task in tasks(repo, ["experiment"])] == ["running"]


def test_the_queue_is_read_once_for_any_number_of_tasks(repo, monkeypatch):
    """`make matrix` looks at its tasks every second, while they train."""
    names = [f"experiment-{number}" for number in range(5)]
    for name in names:
        put(repo, name, "done")
    app, reads = repo.experiments.celery_queue.celery, []
    read = app.iter_processed
    monkeypatch.setattr(app, "iter_processed", lambda *args: reads.append(args) or read(*args))
    assert [task.status for task in tasks(repo, names)] == 5 * ["done"]
    assert len(reads) == 1
