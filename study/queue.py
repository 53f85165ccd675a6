"""Run experiments in DVC's queue and handle failures, lost workers and interruptions.

On its own, `dvc queue` exits with status 0 when an experiment fails, and an experiment whose worker
was killed remains running forever.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil
from celery.result import AsyncResult
from dvc.repo import Repo
from dvc.repo.experiments.executor.base import ExecutorInfo
from dvc.repo.experiments.queue.remove import remove_tasks

from study.naming import Experiment
from study.progress import print_progress
from study.queue_tasks import Task, live_workers, orphans, tasks, worker_log
from vocalseg.errors import BadInput

POLL_SECONDS = 1.0  # a poll takes 0.02 s of CPU time
MAX_MISSED_POLLS = 12  # an experiment without a worker in so many polls in a row is lost
START_POLLS = 4  # polls until new workers appear
TIMEOUT = 20.0  # seconds to wait for a process to terminate
UNSUPPORTED = "#?%"  # characters of a path that have another meaning in a file:// URL


def dvc(*arguments: str) -> None:
    """Run a DVC command in a process of its own.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails.
    """
    subprocess.run([sys.executable, "-m", "dvc", *arguments], check=True)


def enqueue(experiments: Iterable[Experiment]) -> None:
    """Add experiments to DVC's queue."""
    with Repo() as repo:
        for experiment in experiments:
            repo.experiments.run(
                targets=experiment.stages,
                params=experiment.overrides,
                name=experiment.name,
                queue=True,
            )


def remove_results(names: Iterable[str]) -> None:
    """Remove finished experiments."""
    with Repo() as repo:
        repo.experiments.remove(list(names))


def require_queue() -> None:
    """Check that DVC's queue supports the paths of the project and of its cache.

    For each queued experiment, DVC clones the project from a ``file://`` URL and writes the path of
    its cache in ASCII. With any other path the experiment fails with an empty log.

    Raises
    ------
    BadInput
        If a path has a character that does not work.
    """
    with Repo() as repo:
        paths = {repo.root_dir, repo.scm.root_dir, repo.cache.local.path}
    for path in sorted(paths):
        characters = sorted({c for c in path if not c.isascii() or c in UNSUPPORTED})
        if characters:
            raise BadInput(
                f"{path}: DVC's queue does not support the characters {' '.join(characters)} in a "
                "path; move the project to an ASCII path without #, ? and %"
            )


def run_experiments(experiments: Iterable[Experiment], jobs: int) -> dict[str, list[str]]:
    """Queue experiments, run them with several workers and wait until all have ended.

    An experiment whose worker was killed is stopped and queued again; its training resumes after
    its last finished epoch.

    Parameters
    ----------
    experiments : iterable of Experiment
    jobs : int
        Number of workers.

    Returns
    -------
    dict
        Log lines of each experiment that failed, by name.
    """
    by_name = {experiment.name: experiment for experiment in experiments}
    remove(by_name)
    try:
        enqueue(by_name.values())
        with Repo() as repo:
            return _watch(repo, by_name, jobs)
    except KeyboardInterrupt:
        print("interrupted: stopping the experiments", flush=True)
        remove(by_name)
        stop_workers()
        raise


def remove(names: Iterable[str]) -> None:
    """Remove experiments from the queue, in any state; kill those that run."""
    names = set(names)
    with Repo() as repo:
        _remove(repo, [task for task in tasks(repo, names) if task.status != "running"])
    deadline = time.monotonic() + TIMEOUT
    while True:
        with Repo() as repo:
            found = tasks(repo, names)
            running = [task for task in found if task.status == "running"]
            # A worker cleans up after its experiment, so it gets time to do that.
            if not running or time.monotonic() > deadline:
                return _remove(repo, found)
            if not live_workers(repo):
                deadline = time.monotonic()
        for task in running:
            _kill(task)
        time.sleep(POLL_SECONDS / 2)


def stop_workers() -> None:
    """Terminate the queue's workers and wait for them."""
    with Repo() as repo:
        workers = live_workers(repo)
    for worker in workers:
        worker.terminate()
    psutil.wait_procs(workers, timeout=TIMEOUT)


def _watch(repo: Repo, experiments: dict[str, Experiment], jobs: int) -> dict[str, list[str]]:
    printed: dict[str, int] = {}  # lines of each log
    missed: dict[str, int] = {}  # polls in a row without a worker
    starting = 0  # polls until workers may be started again
    while True:
        found = {task.name: task for task in tasks(repo, experiments)}
        workers = live_workers(repo)
        for task in found.values():
            printed[task.name] = print_progress(task.name, task.log, printed.get(task.name, 0))
        queued, running = (
            [task for task in found.values() if task.status == status]
            for status in ("queued", "running")
        )
        if not queued and not running:
            failed = [task for task in found.values() if task.status == "failed"]
            return {task.name: task.log or worker_log() for task in failed}
        missed = {task.name: missed.get(task.name, 0) + 1 for task in orphans(running, workers)}
        lost = [name for name, polls in missed.items() if polls >= MAX_MISSED_POLLS]
        if lost:
            print(f"{', '.join(lost)}: lost its worker; queued again", flush=True)
            remove(lost)
            for name in lost:
                printed.pop(name, None)  # it gets a new log
            enqueue(experiments[name] for name in lost)
        wanted = min(jobs, len(queued) + len(running) - len(missed))
        starting = max(0, starting - 1)
        if queued and not starting and len(workers) < wanted:
            dvc("queue", "start", "--quiet", "--jobs", str(jobs))
            starting = START_POLLS
        time.sleep(POLL_SECONDS)


def _kill(task: Task) -> None:
    """Kill an experiment's stage, so that DVC can clean up; kill DVC if it does not end."""
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
            process.wait(TIMEOUT / 4)
            return
        process.kill()


def _remove(repo: Repo, tasks: list[Task]) -> None:
    queue = repo.experiments.celery_queue
    revisions = {task.entry.stash_rev for task in tasks}
    for message, entry in queue._iter_processed():
        # DVC removes only tasks with a result, and a lost task has none.
        if entry.stash_rev in revisions and not AsyncResult(message.headers["id"]).ready():
            queue.celery.backend.mark_as_failure(message.headers["id"], None)
    remove_tasks(queue, [task.entry for task in tasks])
    for task in tasks:
        info = Path(queue.get_infofile_path(task.entry.stash_rev))
        if task.status == "running" and info.exists():
            shutil.rmtree(ExecutorInfo.load_json(str(info)).root_dir, ignore_errors=True)
