"""A matrix runs each stage once for each of its settings and loses nothing when disturbed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from study import matrix as command
from tests.pipeline.conftest import GRID, OWN_PROCESSES
from tests.pipeline.matrix import Matrix, processes

LOSSES = {"train.loss": ["mae", "mse"]}
LONG = "epochs-8"  # each process that trains it stops after its third epoch


@pytest.fixture
def matrix(project, tmp_path):
    """A finished project with a matrix of two losses; it already has the results of `mae`."""
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
    """The same project with a second training, which stops three times before its end."""
    matrix.set({"train.epochs": [2, 8]})
    matrix.project.commit("A long training")
    matrix.env["STOP_TRAINING"] = "3"
    return matrix


@pytest.fixture
def undisturbed(finished, made_once) -> str:
    """Checksum of the weights of the long training without interruptions."""

    def make(folder: Path) -> None:
        project = finished.copy(folder / "project")
        project.set(train={"epochs": 8})
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
    assert matrix.ran(reset=False) == once | {"normalize": 2, "augment": 2} | four
    names = [f"{scaler}-seed-{seed}" for scaler in GRID["normalize.scaler"]
             for seed in GRID["seed"]]  # fmt: skip
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
    """The command is ended by Ctrl-C, then killed; in its third run, the worker is killed."""
    matrix = long_training
    interrupted = matrix.start_until(f"{LONG}: epoch 3/")
    interrupted.process.send_signal(signal.SIGINT)
    status, log = interrupted.end(120)
    assert status != 0 and "the same command again to resume" in log
    assert processes(matrix.project) == []
    finished = {name: matrix.lock(name) for name in matrix.names()}

    killed = matrix.start_until(f"{LONG}: epoch 5/")
    killed.process.kill()
    _, resumed = killed.end()
    assert f"{LONG}: epoch 2/" not in resumed

    without_worker = matrix.start_until(f"{LONG}: epoch 7/")
    for process in processes(matrix.project):
        if "queue-worker" in process.cmdline():
            process.kill()
    status, log = without_worker.end()
    assert status == 0, log
    assert "lost its worker; queued again" in log
    assert f"{LONG}: epoch 4/" not in log
    assert matrix.names() == ["epochs-2", LONG]
    assert finished.items() <= {name: matrix.lock(name) for name in matrix.names()}.items()
    assert weights(matrix.lock(LONG)) == undisturbed


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="fills a small file system on Linux")
def test_full_disk_fails_one_experiment_and_two_users_complete_the_matrix(matrix):
    """The full disk is the one with the checkpoints of unfinished trainings."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("this system does not allow tests to mount a file system")
    matrix.set({"model.filters": [2, 32]})
    matrix.project.commit("A small and a large network")
    home = matrix.project.path / "cache-home"
    home.mkdir(exist_ok=True)
    mount = f"mount -t tmpfs -o size=256k none '{home}'"
    command = f"{mount} && exec {' '.join(matrix.command())}"
    env = {**matrix.env, **OWN_PROCESSES}
    done = matrix.project.run("unshare", "-rm", "sh", "-c", command, check=False, **env)
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


def test_dry_run_counts_runs_and_cached_results_of_each_stage(project, tmp_path):
    """The project has the results of one experiment of the paper's matrix."""
    matrix = Matrix(project, tmp_path)
    done = matrix.run("--dry-run")
    assert "8 experiments, 0 of them finished" in done.stdout
    assert "download: 1 runs, 1 cached" in done.stdout
    assert "normalize: 4 runs, 1 cached" in done.stdout
    assert "train: 8 runs, 1 cached" in done.stdout
    assert matrix.ran() == {} and matrix.names() == []


def test_status_lists_experiments_and_counts_the_missing_ones(matrix):
    done = matrix.project.run("python", "-m", "study.status", **matrix.env)
    assert done.stdout.splitlines() == ["mae  missing", "mse  missing", "2 missing"]


def error_line(monkeypatch, capsys, project, *options) -> str:
    """Run `python -m study.matrix`, which must fail, and return its error line."""
    monkeypatch.chdir(project.path)
    monkeypatch.setenv("PATH", os.environ["PATH"])  # restored after the test
    monkeypatch.setattr(sys, "argv", ["matrix", *options])
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(SystemExit) as caught:
            command.run(command.main)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert "Traceback" not in capsys.readouterr().err
    assert "\n" not in caught.value.code
    return caught.value.code


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--jobs", "0"], "--jobs 0: must be at least 1"),
        (["--detach"], "--detach need --runner slurm; add it"),
        (["--runner", "slurm", "--sbatch=--time='1"], "No closing quotation"),
        (["--study", "none"], "studies.none: no such study"),
    ],
)
def test_invalid_options_are_an_error_of_one_line(
    matrix, monkeypatch, capsys, options, line
):
    assert line in error_line(monkeypatch, capsys, matrix.project, *options)


@pytest.mark.parametrize(
    ("grid", "line"),
    [
        ({}, "matrix: is empty"),
        ({"train.los": ["mae"]}, "matrix.train.los"),
        ({"train.loss": ["mea"]}, "'mea'"),
    ],
)
def test_invalid_matrix_is_an_error_of_one_line(matrix, monkeypatch, capsys, grid, line):
    matrix.set(grid)
    assert line in error_line(monkeypatch, capsys, matrix.project)
