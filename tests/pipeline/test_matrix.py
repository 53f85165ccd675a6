"""The matrix: every stage once for each of its settings, and nothing lost when it is disturbed."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
import yaml

from tests.pipeline.conftest import Project, clone

STUDY = {
    "normalize.axis": ["time", "frequency"],
    "normalize.scaler": ["minmax", "robust"],
    "train.loss": ["mae", "mse"],
}
LOSSES = {"train.loss": ["mae", "mse"]}
LONG = "epochs-60"
SHORT_AND_LONG = sorted(["epochs-2", LONG])

#: Python reads this at every start: it counts the stages that really run.
COUNTING = """
import os, sys
words = sys.orig_argv
if "-m" in words and words[words.index("-m") + 1].startswith("stages."):
    with open(os.environ["COUNT_STAGES"], "a") as file:
        file.write(words[words.index("-m") + 1].removeprefix("stages.") + "\\n")
"""


class Matrix:
    """`python -m study.matrix` in a project, and a count of the stages that ran."""

    def __init__(self, project: Project, folder: Path):
        self.project, self.count = project, folder / "stages.txt"
        (folder / "sitecustomize.py").write_text(COUNTING)
        self.env = {"PYTHONPATH": str(folder), "COUNT_STAGES": str(self.count)}

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

    def ran(self) -> Counter:
        """Runs of each stage since the last call, but for `inputs`."""
        ran = Counter(self.count.read_text().split()) if self.count.exists() else Counter()
        self.count.unlink(missing_ok=True)
        del ran["inputs"]  # runs each time
        return ran

    def lock(self, name: str) -> dict:
        """dvc.lock of an experiment."""
        text = self.project.run("git", "show", f"{self.ref(name)}:dvc.lock").stdout
        return yaml.safe_load(text)["stages"]

    def ref(self, name: str) -> str:
        """The reference of an experiment."""
        (ref,) = [r for r in self.refs() if r.endswith(f"/{name}")]
        return ref

    def refs(self) -> list[str]:
        """Finished experiments."""
        listed = self.project.run("git", "for-each-ref", "--format=%(refname)", "refs/exps")
        return [r for r in listed.stdout.split() if "/celery/" not in r]

    def names(self) -> list[str]:
        return sorted(ref.rpartition("/")[2] for ref in self.refs())


class Started:
    """A matrix at work in the background, to be disturbed."""

    def __init__(self, matrix: Matrix, *arguments: str):
        self.log = matrix.project.path / ".dvc/tmp" / f"started-{time.monotonic_ns()}.log"
        search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        home = str(matrix.project.path / "cache-home")
        self.process = subprocess.Popen(
            matrix.command(*arguments),
            cwd=matrix.project.path,
            env={**os.environ, "PATH": search, "XDG_CACHE_HOME": home, **matrix.env},
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


def processes(project: Project) -> list[psutil.Process]:
    """What still runs for a project: workers, experiments, stages."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(project.path):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


@pytest.fixture
def matrix(project, tmp_path):
    """A finished project with a matrix of two losses; `mae` is what it has already."""
    folder = tmp_path / "count"
    folder.mkdir()
    matrix = Matrix(project, folder)
    matrix.set(LOSSES)
    project.commit("Two losses")
    yield matrix
    for process in processes(project):
        process.kill()


@pytest.fixture
def long_training(matrix):
    """The same with a training long enough to be hit, beside the one that is there."""
    matrix.set({"train.epochs": [2, 60]})
    matrix.project.commit("A long training")
    return matrix


@pytest.fixture
def undisturbed(finished, made_once) -> str:
    """Hash of the weights of the long training, if nothing disturbs it."""

    def make(folder: Path) -> None:
        project = finished.copy(folder / "project")
        project.set(train={"epochs": 60})
        project.run("dvc", "repro", "--single-item", "train")

    lock = made_once("undisturbed", make) / "project/dvc.lock"
    return weights(yaml.safe_load(lock.read_text())["stages"])


def weights(lock: dict) -> str:
    (out,) = [o for o in lock["train"]["outs"] if o["path"] == "models"]
    return out["md5"]


@pytest.mark.slow
def test_two_workers_run_each_stage_once_for_each_of_its_settings(songs, tmp_path):
    (tmp_path / "count").mkdir()
    matrix = Matrix(clone(tmp_path / "project", songs), tmp_path / "count")
    assert matrix.project.params()["matrix"] == STUDY
    done = matrix.run("--jobs", "2")
    once = {"download", "resample", "stft_tile", "augment", "bounds"}
    eight = dict.fromkeys(("train", "eval", "report"), 8)
    assert matrix.ran() == dict.fromkeys(once, 1) | {"normalize": 4} | eight
    names = [f"{axis}-{scaler}-{loss}" for axis in STUDY["normalize.axis"]
             for scaler in STUDY["normalize.scaler"] for loss in STUDY["train.loss"]]  # fmt: skip
    assert matrix.names() == sorted(names)
    for name in names:
        axis, scaler, loss = name.split("-")
        lock = matrix.lock(name)
        used = lock["normalize"]["params"]["params.yaml"]["normalize"]
        assert used == {"axis": axis, "scaler": scaler}
        assert lock["train"]["params"]["params.yaml"]["train"]["loss"] == loss
        assert name in done.stdout.split("rank", 1)[-1]  # in the comparison at the end
    again = matrix.run("--jobs", "2")
    assert matrix.ran() == {}
    assert "8 experiments, 8 of them finished" in again.stdout


@pytest.mark.slow
def test_a_failed_experiment_is_named_with_its_log_and_the_others_stay(matrix, tmp_path):
    obstacle = tmp_path / "obstacle"
    train = matrix.project.path / "stages/train.py"
    train.write_text(train.read_text().replace(
        "    keras.utils.set_random_seed",
        f"    if train.loss == 'mse' and Path({str(obstacle)!r}).exists():\n"
        "        raise BadInput('an obstacle in the way')\n    keras.utils.set_random_seed",
    ))  # fmt: skip
    matrix.project.commit("A training that can fail")
    obstacle.touch()
    done = matrix.run(check=False)
    assert done.returncode != 0
    assert "mse failed:" in done.stderr and "an obstacle in the way" in done.stderr
    assert matrix.names() == ["mae"]
    assert matrix.ran()["train"] == 2
    obstacle.unlink()
    matrix.run()
    assert matrix.names() == ["mae", "mse"]
    assert matrix.ran() == {"train": 1, "eval": 1, "report": 1}


@pytest.mark.slow
def test_ctrl_c_leaves_nothing_running_and_the_same_command_goes_on(long_training, undisturbed):
    matrix = long_training
    started = matrix.start_until(f"{LONG}: epoch 3/")
    started.process.send_signal(signal.SIGINT)
    status, log = started.end(120)
    assert status != 0 and "the same command resumes" in log
    assert processes(matrix.project) == []
    finished = {name: matrix.lock(name) for name in matrix.names()}
    again = matrix.run()
    assert matrix.names() == SHORT_AND_LONG
    assert finished.items() <= {name: matrix.lock(name) for name in matrix.names()}.items()
    assert f"{LONG}: epoch 1/" not in again.stdout
    assert weights(matrix.lock(LONG)) == undisturbed


@pytest.mark.slow
def test_an_experiment_whose_worker_was_killed_is_taken_up_by_another(long_training, undisturbed):
    matrix = long_training
    started = matrix.start_until(f"{LONG}: epoch 3/")
    for process in processes(matrix.project):
        if "queue-worker" in process.cmdline():
            process.kill()
    status, log = started.end()
    assert status == 0, log
    assert "the worker is gone; queued again" in log
    assert matrix.names() == SHORT_AND_LONG
    assert log.count(f"{LONG}: epoch 1/") == 1
    assert weights(matrix.lock(LONG)) == undisturbed


@pytest.mark.slow
def test_a_killed_matrix_is_completed_by_the_same_command(long_training, undisturbed):
    matrix = long_training
    started = matrix.start_until(f"{LONG}: epoch 3/")
    started.process.kill()
    started.end()
    matrix.run()
    assert matrix.names() == SHORT_AND_LONG
    assert weights(matrix.lock(LONG)) == undisturbed


@pytest.mark.slow
def test_two_users_at_once_share_one_matrix(matrix):
    first, second = matrix.start(), matrix.start()
    (status1, log1), (status2, log2) = first.end(), second.end()
    assert (status1, status2) == (0, 0), log1 + log2
    assert "another matrix runs in this folder" in log1 + log2
    assert matrix.names() == ["mae", "mse"]
    assert matrix.ran() == {"train": 1, "eval": 1, "report": 1}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="fills a small file system of Linux")
def test_a_full_disk_fails_one_experiment_and_the_same_command_completes_the_matrix(
    matrix, tmp_path
):
    """The disk that is full is the one with the backup of unfinished trainings."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("this system does not let a test mount a small file system")
    matrix.set({"model.filters": [2, 96]})
    matrix.project.commit("A small and a large network")
    home = matrix.project.path / "cache-home"
    home.mkdir(exist_ok=True)
    command = f"mount -t tmpfs -o size=2m none '{home}' && exec {' '.join(matrix.command())}"
    done = matrix.project.run("unshare", "-rm", "sh", "-c", command, check=False, **matrix.env)
    assert done.returncode != 0
    assert "filters-96 failed:" in done.stderr and "No space left" in done.stderr
    assert matrix.names() == ["filters-2"]
    small = matrix.lock("filters-2")
    matrix.ran()
    matrix.run()
    assert matrix.names() == ["filters-2", "filters-96"]
    assert matrix.lock("filters-2") == small
    assert matrix.ran() == {"train": 1, "eval": 1, "report": 1}


def test_what_would_run_can_be_seen_first(matrix):
    done = matrix.run("--dry-run")
    assert "2 experiments, 0 of them finished" in done.stdout
    assert "download: 1 runs, 1 cached" in done.stdout
    assert "train: 2 runs, 1 cached" in done.stdout
    assert matrix.ran() == {} and matrix.names() == []


def test_status_has_a_line_for_each_experiment_and_their_number(matrix):
    done = matrix.project.run("python", "-m", "study.status", **matrix.env)
    assert done.stdout.splitlines() == ["mae  missing", "mse  missing", "2 missing"]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--jobs", "0"], "--jobs 0: must be at least 1"),
        (["--detach"], "options of --runner slurm"),
        (["--runner", "slurm", "--sbatch=--time='1"], "No closing quotation"),
        (["--study", "none"], "studies.none: no such study"),
    ],
)
def test_options_that_make_no_sense_end_with_one_line(matrix, options, line):
    done = matrix.run(*options, check=False)
    assert done.returncode == 1
    assert line in done.stderr and len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("grid", "line"),
    [
        ({}, "matrix: is empty"),
        ({"train.los": ["mae"]}, "matrix.train.los"),
        ({"train.loss": ["mea"]}, "'mea'"),
    ],
)
def test_a_matrix_that_makes_no_sense_ends_with_one_line(matrix, grid, line):
    matrix.set(grid)
    done = matrix.run(check=False)
    assert done.returncode == 1
    assert line in done.stderr and len(done.stderr.strip().splitlines()) == 1
