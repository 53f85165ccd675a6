"""DVC's queue of experiments, watched: failures, lost workers, interruptions.

Left to itself, `dvc queue` ends with success when an experiment fails, and shows one whose worker
was killed as running for ever.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from celery.result import AsyncResult
from dvc.repo import Repo
from dvc.repo.experiments.executor.base import ExecutorInfo
from dvc.repo.experiments.queue.base import QueueEntry
from dvc.repo.experiments.queue.remove import remove_tasks
from dvc_task.proc.process import ProcessInfo

from study.naming import Experiment
from study.progress import lines_of, show
from vocalseg.errors import BadInput

POLL = 4.0  # seconds
PATIENCE = 3  # polls in a row without a worker behind it before an experiment counts as lost
GRACE = 20.0  # seconds for what was told to end
UNFIT = "#?%"  # in paths: of another meaning in a file:// address


@dataclass(frozen=True)
class Task:
    """An experiment as DVC's queue knows it."""

    name: str
    status: str  # queued | running | failed | done
    entry: QueueEntry
    process: ProcessInfo | None  # of `dvc exp exec-run`, once it has begun

    @property
    def log(self) -> list[str]:
        """Lines that the experiment has printed so far."""
        return lines_of(Path(self.process.stdout)) if self.process else []


def dvc(*arguments: str) -> None:
    """Run a DVC command; raises :class:`subprocess.CalledProcessError` if it fails."""
    subprocess.run([sys.executable, "-m", "dvc", *arguments], check=True)


def enqueue(experiment: Experiment) -> None:
    """Add an experiment to DVC's queue."""
    dvc("exp", "run", "--queue", "--quiet", *experiment.arguments)


def require_queue() -> None:
    """Raise :class:`BadInput` where DVC's queue cannot work.

    DVC clones the project from a ``file://`` address and writes the path of its cache in ASCII for
    each queued experiment; a path that these do not carry fails there, with an empty log.
    """
    with Repo() as repo:
        paths = {repo.root_dir, repo.scm.root_dir, repo.cache.local.path}
    for path in sorted(paths):
        odd = sorted({c for c in path if not c.isascii() or c in UNFIT})
        if odd:
            raise BadInput(
                f"{path}: DVC's queue cannot work below a folder with {' '.join(odd)} in its name; "
                "move the project to a path of plain letters"
            )


def work(experiments: Iterable[Experiment], jobs: int) -> dict[str, list[str]]:
    """Queue experiments, work them with ``jobs`` workers and wait until all have ended.

    What a killed worker leaves is stopped and queued again: a training goes on from its last
    finished epoch.

    Returns
    -------
    dict
        Names of those that failed, and what they printed.
    """
    wanted = {experiment.name: experiment for experiment in experiments}
    forget(wanted)
    try:
        for experiment in wanted.values():
            enqueue(experiment)
        return _watch(wanted, jobs)
    except KeyboardInterrupt:
        print("interrupted: stopping the experiments", flush=True)
        forget(wanted)
        stop()
        raise


def forget(names: Iterable[str]) -> None:
    """Take experiments out of the queue, whatever their state; kill those that run."""
    names = set(names)
    with Repo() as repo:
        _remove(repo, [task for task in tasks(repo, names) if task.status != "running"])
    deadline = time.monotonic() + GRACE
    while True:
        with Repo() as repo:
            found = tasks(repo, names)
            running = [task for task in found if task.status == "running"]
            # A worker that is left to itself tidies up after what it ran.
            if not running or time.monotonic() > deadline:
                return _remove(repo, found)
            if not _workers(repo):
                deadline = time.monotonic()
        for task in running:
            _kill(task)
        time.sleep(POLL / 8)


def stop() -> None:
    """End the workers."""
    with Repo() as repo:
        workers = _workers(repo)
    for worker in workers:
        worker.terminate()
    psutil.wait_procs(workers, timeout=GRACE)


def _watch(wanted: dict[str, Experiment], jobs: int) -> dict[str, list[str]]:
    shown: dict[str, int] = {}
    missed: dict[str, int] = {}
    while True:
        with Repo() as repo:
            found = {task.name: task for task in tasks(repo, wanted)}
            workers = _workers(repo)
        for task in found.values():
            shown[task.name] = show(task.name, task.log, shown.get(task.name, 0))
        queued, running = (
            [task for task in found.values() if task.status == status]
            for status in ("queued", "running")
        )
        if not queued and not running:
            failed = [task for task in found.values() if task.status == "failed"]
            return {task.name: task.log or _worker_log() for task in failed}
        missed = {task.name: missed.get(task.name, 0) + 1 for task in _orphans(running, workers)}
        lost = [name for name, polls in missed.items() if polls >= PATIENCE]
        if lost:
            print(f"{', '.join(lost)}: the worker is gone; queued again", flush=True)
            forget(lost)
            for name in lost:
                shown.pop(name, None)  # its log begins anew
                enqueue(wanted[name])
        elif queued and len(workers) < min(jobs, len(queued) + len(running) - len(missed)):
            dvc("queue", "start", "--quiet", "--jobs", str(jobs))
        time.sleep(POLL)


def tasks(repo: Repo, names: Iterable[str]) -> list[Task]:
    """What DVC's queue knows of the named experiments."""
    queue = repo.experiments.celery_queue
    found = [
        *((entry, "running") for entry in queue.iter_active()),
        *((entry, "queued") for entry in queue.iter_queued()),
        *((entry, "failed") for entry, _ in queue.iter_failed()),
        *((entry, "done") for entry, _ in queue.iter_success()),
    ]
    return [
        Task(entry.name, status, entry, queue.proc.get(entry.stash_rev))
        for entry, status in found
        if entry.name in names
    ]


def _worker_log() -> list[str]:
    """Last lines of what the workers printed, for an experiment that failed before it began."""
    with Repo() as repo:
        logs = sorted(Path(repo.experiments.celery_queue.wdir).glob("dvc-exp-worker-*.out"))
    texts = (log.read_text(encoding="utf-8", errors="replace") for log in logs)
    return [line for text in texts for line in text.splitlines()]


def _workers(repo: Repo) -> list[psutil.Process]:
    """The queue's living workers."""
    found = []
    for file in Path(repo.experiments.celery_queue.wdir).glob("dvc-exp-worker-*.json"):
        with suppress(psutil.Error, FileNotFoundError):
            process = psutil.Process(ProcessInfo.load(str(file)).pid)
            # The number of one that is gone may be another process' by now.
            if "queue-worker" in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _orphans(running: list[Task], workers: list[psutil.Process]) -> list[Task]:
    """Tasks that count as running, but that no living worker runs."""
    free = {worker.pid for worker in workers}
    unclear = []
    for task in running:
        parent = _parent(task.process)
        if parent in free:
            free.remove(parent)
        else:
            unclear.append(task)
    # A free worker may be setting a task up, or collecting its results.
    return unclear[len(free) :]


def _parent(process: ProcessInfo | None) -> int | None:
    try:
        return process and psutil.Process(process.pid).ppid()
    except psutil.NoSuchProcess:
        return None


def _kill(task: Task) -> None:
    """Kill an experiment's stage; DVC then ends by itself, in order, or is killed too."""
    if task.process is None:
        return
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(task.process.pid)
        if "exec-run" not in process.cmdline():
            return
        for stage in process.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                stage.kill()
        with suppress(psutil.TimeoutExpired):
            process.wait(GRACE / 4)
            return
        process.kill()


def _remove(repo: Repo, tasks: list[Task]) -> None:
    queue = repo.experiments.celery_queue
    revisions = {task.entry.stash_rev for task in tasks}
    for message, entry in queue._iter_processed():
        # A lost one has no result, and DVC cannot remove it without one.
        if entry.stash_rev in revisions and not AsyncResult(message.headers["id"]).ready():
            queue.celery.backend.mark_as_failure(message.headers["id"], None)
    remove_tasks(queue, [task.entry for task in tasks])
    for task in tasks:
        info = Path(queue.get_infofile_path(task.entry.stash_rev))
        if task.status == "running" and info.exists():
            shutil.rmtree(ExecutorInfo.load_json(str(info)).root_dir, ignore_errors=True)
