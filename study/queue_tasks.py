"""The tasks and workers of DVC's queue."""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from celery.result import AsyncResult
from dvc.repo import Repo
from dvc.repo.experiments.executor.base import ExecutorInfo
from dvc.repo.experiments.queue.base import QueueEntry
from dvc.repo.experiments.queue.celery import LocalCeleryQueue
from dvc_task.proc.process import ProcessInfo

from study.progress import read_log


@dataclass(frozen=True)
class Task:
    """An experiment in DVC's queue.

    Attributes
    ----------
    name : str
    status : {"queued", "running", "failed", "done"}
    entry : QueueEntry
    process : ProcessInfo or None
        The process of `dvc exp exec-run`; None before it has started.
    """

    name: str
    status: str
    entry: QueueEntry
    process: ProcessInfo | None

    @property
    def log(self) -> list[str]:
        """Lines that the experiment has printed so far."""
        return read_log(Path(self.process.stdout)) if self.process and self.process.stdout else []


def tasks(repo: Repo, names: Iterable[str]) -> list[Task]:
    """List the tasks of the named experiments in DVC's queue, the ended ones last.

    The queue is read once. ``iter_success`` and ``iter_failed`` of DVC read all of it for each task
    that has ended.
    """
    queue, names = repo.experiments.celery_queue, set(names)
    # The queued ones first: a task that starts meanwhile is in both lists instead of in neither.
    found = {entry.stash_rev: (entry, "queued") for entry in queue.iter_queued()}
    for message, entry in queue._iter_processed():
        if entry.name in names:
            found[entry.stash_rev] = entry, _status(queue, message.headers["id"], entry)
    listed = [
        Task(entry.name, status, entry, queue.proc.get(revision))
        for revision, (entry, status) in found.items()
        if entry.name in names
    ]
    return sorted(listed, key=lambda task: task.status in ("failed", "done"))


def _status(queue: LocalCeleryQueue, task_id: str, entry: QueueEntry) -> str:
    """Return the status of a task that a worker has taken."""
    if not AsyncResult(task_id).ready():
        return "running"
    try:
        result = ExecutorInfo.load_json(queue.get_infofile_path(entry.stash_rev)).result
    except FileNotFoundError:  # it failed before DVC had prepared it
        result = None
    return "failed" if result is None else "done"


def worker_log() -> list[str]:
    """Read the logs of all workers, for an experiment that failed before it had a log."""
    with Repo() as repo:
        logs = sorted(Path(repo.experiments.celery_queue.wdir).glob("dvc-exp-worker-*.out"))
    texts = (log.read_text(encoding="utf-8", errors="replace") for log in logs)
    return [line for text in texts for line in text.splitlines()]


def live_workers(repo: Repo) -> list[psutil.Process]:
    """List the queue's live workers.

    They are found by their command line. DVC has a file with the PID of each worker, but on a busy
    machine it starts another worker of the same name and overwrites the file.
    """
    queue = hashlib.sha256(repo.experiments.celery_queue.wdir.encode()).hexdigest()[:6]
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            command = process.cmdline()
            names = any(word.startswith(f"dvc-exp-{queue}-") for word in command)
            if names and "queue-worker" in command:
                found.append(process)
    return found


def orphans(running: list[Task], live: list[psutil.Process]) -> list[Task]:
    """Select the tasks with the status "running" that no live worker can be running.

    Parameters
    ----------
    running : list of Task
        All tasks with that status.
    live : list of Process
        Result of :func:`live_workers`.
    """
    idle = {worker.pid for worker in live}
    without_worker = []
    for task in running:
        parent = _parent(task.process)
        if parent in idle:
            idle.remove(parent)
        else:
            without_worker.append(task)
    # Each remaining worker may be preparing one of these tasks or collecting its results.
    return without_worker[len(idle) :]


def _parent(process: ProcessInfo | None) -> int | None:
    try:
        return psutil.Process(process.pid).ppid() if process else None
    except psutil.NoSuchProcess:
        return None
