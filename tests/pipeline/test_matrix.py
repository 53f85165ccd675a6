"""The matrix: every stage once for each of its settings, and nothing lost when it is disturbed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from study import matrix as command
from tests.pipeline.conftest import FOUR
from tests.pipeline.matrix import Matrix, processes

LOSSES = {"train.loss": ["mae", "mse"]}
LONG = "epochs-100"
SHORT_AND_LONG = sorted(["epochs-2", LONG])


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
    matrix.set({"train.epochs": [2, 100]})
    matrix.project.commit("A long training")
    return matrix


@pytest.fixture
def undisturbed(finished, made_once) -> str:
    """Hash of the weights of the long training, if nothing disturbs it."""

    def make(folder: Path) -> None:
        project = finished.copy(folder / "project")
        project.set(train={"epochs": 100})
        project.run("dvc", "repro", "--single-item", "train")

    lock = made_once("undisturbed", make) / "project/dvc.lock"
    return weights(yaml.safe_load(lock.read_text())["stages"])


def weights(lock: dict) -> str:
    (out,) = [o for o in lock["train"]["outs"] if o["path"] == "models"]
    return out["md5"]


@pytest.mark.slow
def test_two_workers_run_each_stage_once_for_each_of_its_settings(studied, tmp_path):
    matrix = Matrix(studied, studied.path.parent)
    once = dict.fromkeys(("download", "resample", "stft_tile", "bounds"), 1)
    four = dict.fromkeys(("train", "eval", "report"), 4)
    assert matrix.ran(forget=False) == once | {"normalize": 2, "augment": 2} | four
    names = [f"{scaler}-seed-{seed}" for scaler in FOUR["normalize.scaler"]
             for seed in FOUR["seed"]]  # fmt: skip
    assert matrix.names() == sorted(names)
    compared = (studied.path.parent / "printed.txt").read_text().split("rank", 1)[-1]
    for name in names:
        scaler, seed = name.split("-seed-")
        lock = matrix.lock(name)
        used = lock["normalize"]["params"]["params.yaml"]["normalize"]
        assert used == {"axis": "frequency", "scaler": scaler}
        assert lock["train"]["params"]["params.yaml"]["seed"] == int(seed)
        assert scaler in compared
    again = Matrix(studied.copy(tmp_path / "project"), tmp_path)
    done = again.run("--jobs", "2")
    assert again.ran() == {}
    assert "4 experiments, 4 of them finished" in done.stdout


@pytest.mark.slow
def test_disturbed_training_resumes_and_ends_with_the_same_weights(long_training, undisturbed):
    """First Ctrl-C ends the command, then a kill does, then its worker is killed."""
    matrix = long_training
    interrupted = matrix.start_until(f"{LONG}: epoch 3/")
    interrupted.process.send_signal(signal.SIGINT)
    status, log = interrupted.end(120)
    assert status != 0 and "the same command again to resume" in log
    assert processes(matrix.project) == []
    finished = {name: matrix.lock(name) for name in matrix.names()}

    killed = matrix.start_until(f"{LONG}: epoch ")
    killed.process.kill()
    _, resumed = killed.end()
    assert f"{LONG}: epoch 1/" not in resumed

    without_worker = matrix.start_until(f"{LONG}: epoch ")
    for process in processes(matrix.project):
        if "queue-worker" in process.cmdline():
            process.kill()
    status, log = without_worker.end()
    assert status == 0, log
    assert "lost its worker; queued again" in log
    assert f"{LONG}: epoch 1/" not in log
    assert matrix.names() == SHORT_AND_LONG
    assert finished.items() <= {name: matrix.lock(name) for name in matrix.names()}.items()
    assert weights(matrix.lock(LONG)) == undisturbed


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="fills a small file system of Linux")
def test_full_disk_fails_one_experiment_and_two_users_complete_the_matrix(matrix):
    """The disk that is full is the one with the checkpoints of unfinished trainings."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("this system does not let a test mount a small file system")
    matrix.set({"model.filters": [2, 32]})
    matrix.project.commit("A small and a large network")
    home = matrix.project.path / "cache-home"
    home.mkdir(exist_ok=True)
    mount = f"mount -t tmpfs -o size=256k none '{home}'"
    command = f"{mount} && exec {' '.join(matrix.command())}"
    done = matrix.project.run("unshare", "-rm", "sh", "-c", command, check=False, **matrix.env)
    assert done.returncode != 0
    assert "filters-32 failed:" in done.stderr and "No space left" in done.stderr
    assert matrix.names() == ["filters-2"]
    small = matrix.lock("filters-2")
    matrix.ran()

    first, second = matrix.start(), matrix.start()
    (status1, log1), (status2, log2) = first.end(), second.end()
    assert (status1, status2) == (0, 0), log1 + log2
    assert "another matrix runs in this folder" in log1 + log2
    assert matrix.names() == ["filters-2", "filters-32"]
    assert matrix.lock("filters-2") == small
    assert matrix.ran() == {"train": 1, "eval": 1, "report": 1}


def test_what_would_run_can_be_seen_first(project, tmp_path):
    """The study of the paper, of which the project has one experiment's results."""
    matrix = Matrix(project, tmp_path)
    done = matrix.run("--dry-run")
    assert "8 experiments, 0 of them finished" in done.stdout
    assert "download: 1 runs, 1 cached" in done.stdout
    assert "normalize: 4 runs, 1 cached" in done.stdout
    assert "train: 8 runs, 1 cached" in done.stdout
    assert matrix.ran() == {} and matrix.names() == []


def test_status_has_a_line_for_each_experiment_and_their_number(matrix):
    done = matrix.project.run("python", "-m", "study.status", **matrix.env)
    assert done.stdout.splitlines() == ["mae  missing", "mse  missing", "2 missing"]


def refusal(monkeypatch, capsys, project, *options) -> str:
    """The line that `python -m study.matrix` ends with."""
    monkeypatch.chdir(project.path)
    monkeypatch.setenv("PATH", os.environ["PATH"])  # put back afterwards
    monkeypatch.setattr(sys, "argv", ["matrix", *options])
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(SystemExit) as ended:
            command.run(command.main)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert "Traceback" not in capsys.readouterr().err
    assert "\n" not in ended.value.code
    return ended.value.code


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--jobs", "0"], "--jobs 0: must be at least 1"),
        (["--detach"], "--detach need --runner slurm; add it"),
        (["--runner", "slurm", "--sbatch=--time='1"], "No closing quotation"),
        (["--study", "none"], "studies.none: no such study"),
    ],
)
def test_options_that_make_no_sense_end_with_one_line(
    matrix, monkeypatch, capsys, options, line
):
    assert line in refusal(monkeypatch, capsys, matrix.project, *options)


@pytest.mark.parametrize(
    ("grid", "line"),
    [
        ({}, "matrix: is empty"),
        ({"train.los": ["mae"]}, "matrix.train.los"),
        ({"train.loss": ["mea"]}, "'mea'"),
    ],
)
def test_a_matrix_that_makes_no_sense_ends_with_one_line(matrix, monkeypatch, capsys, grid, line):
    matrix.set(grid)
    assert line in refusal(monkeypatch, capsys, matrix.project)
