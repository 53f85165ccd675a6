"""A small copy of the repository with short songs, run with the real DVC."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import chdir, contextmanager, suppress
from functools import cache
from pathlib import Path

import pytest
import soundfile as sf
import yaml

from study.queue import stop_workers
from vocalseg.songs.demo import SAMPLE_RATE, synthesise

ROOT = Path(__file__).resolve().parents[2]
STAGES = (
    "download", "resample", "stft_tile", "normalize", "augment", "train", "bounds", "eval",
    "report",
)  # fmt: skip

#: Small settings for all stages: 0.2 s tiles, a U-Net with one pooling layer, two epochs.
SMALL = {
    "stft": {"frame_size": 256, "hop": 64, "tile_frames": 32},
    "augment": {"min_vocal_l1": 1.0, "validation": 0.3},
    "model": {"filters": 2, "depth": 1},
    "train": {"epochs": 2},
}


#: Environment in which each command is a process of its own, as for users.
OWN_PROCESSES = {"FORKS": ""}


@cache
def fork_server() -> str:
    """Return the address of the fork server, which the first pytest process starts."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)  # common to all processes
    folder = Path(tempfile.gettempdir(), f"fork-server-{run}")
    pytest_process = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    with suppress(FileExistsError):
        folder.mkdir()
        subprocess.Popen(
            [sys.executable, ROOT / "tests/startup/fork_server.py",
             folder / "socket", str(pytest_process)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    return str(folder / "socket")


class Project:
    """A clone with its own git history, parameters, songs and cache."""

    def __init__(self, path: Path):
        self.path = path

    def run(self, *command: str, check: bool = True, **env: str) -> subprocess.CompletedProcess:
        """Run a command in the clone; with ``check``, an error fails the test."""
        done = subprocess.run(
            command,
            cwd=self.path,
            env={**self.environment(), **env},
            capture_output=True,
            text=True,
        )
        if check and done.returncode:
            pytest.fail(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}", pytrace=False)
        return done

    def environment(self) -> dict[str, str]:
        """Environment variables of the commands that run in the clone.

        Songs are scored in the process of the stage, because starting other processes takes longer
        than scoring two short songs. One test of `dvc repro --force` uses several processes.
        Commands are forks of a process with their libraries, except with :data:`OWN_PROCESSES`.
        """
        return {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "XDG_CACHE_HOME": str(self.path / "cache-home"),
            "LOKY_MAX_CPU_COUNT": "1",
            "FORK_SERVER": fork_server(),
            "FORKS": "stages study dvc",
        }

    def repro(self, *arguments: str, **options) -> list[str]:
        """Run ``dvc repro`` and return the stages that ran, in order."""
        return executed_stages(self.run("dvc", "repro", *arguments, **options))

    def run_queue(self, **env: str) -> None:
        """Run the experiments in DVC's queue.

        Its worker would hold a pipe open until it ends, ten seconds later; it is terminated.
        """
        self.run("sh", "-c", "dvc exp run --run-all > .dvc/tmp/queue.log 2>&1", **env)
        with chdir(self.path):
            stop_workers()

    def params(self) -> dict:
        return yaml.safe_load((self.path / "params.yaml").read_text())

    def set(self, **sections: dict | int) -> None:
        """Change parameters, which are given by section."""
        params = self.params()
        for section, values in sections.items():
            if isinstance(values, dict):
                params[section].update(values)
            else:
                params[section] = values
        (self.path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    def commit(self, message: str) -> None:
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "-m", message)

    def copy(self, path: Path) -> "Project":
        """Copy the project with its history, results and cache."""
        shutil.copytree(self.path, path, symlinks=True)
        return Project(path)

    def metrics(self, name: str) -> dict:
        return json.loads((self.path / f"metrics/{name}.json").read_text())


def executed_stages(done: subprocess.CompletedProcess) -> list[str]:
    """Stages that a DVC command ran, except cached ones and `inputs`, which always runs."""
    started = [
        line.split("'")[1]
        for line in done.stdout.splitlines()
        if line.startswith("Running stage '")
    ]
    return [stage for stage in started if stage != "inputs"]


def write_songs(folder: Path, train: int = 3, test: int = 2, seconds: float = 3.0) -> None:
    """Write short synthetic songs in the layout of a user's folder of songs."""
    for split, numbers in (("train", range(train)), ("test", range(50, 50 + test))):
        for number in numbers:
            stems = synthesise(7, number, seconds)
            song = folder / split / f"Song {number}"
            song.mkdir(parents=True)
            for name, waveform in (("mixture", sum(stems.values())), ("vocals", stems["vocals"])):
                sf.write(song / f"{name}.wav", waveform, SAMPLE_RATE, subtype="PCM_16")


def clone(path: Path, songs: Path) -> Project:
    """Copy code and parameters of the working tree to a new repository with small settings."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")
    wanted = (
        "src/", "stages/", "study/", ".dvc", ".gitignore", "Makefile", "dvc.yaml", "params.yaml",
    )  # fmt: skip
    for name in filter(None, listed):
        if name.startswith(wanted) and (ROOT / name).exists():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, path / name)
    project = Project(path)
    with (path / ".gitignore").open("a") as file:
        file.write("/cache-home/\n")
    project.set(dataset={"name": "folder", "root": str(songs)}, **SMALL)
    project.run("git", "init", "-q", "-b", "main")
    project.run("git", "config", "user.email", "test@example.org")
    project.run("git", "config", "user.name", "Test")
    project.commit("Small project")
    return project


@pytest.fixture(scope="session")
def songs(made_once) -> Path:
    return made_once("songs", write_songs)


@pytest.fixture(scope="session")
def finished(made_once, songs) -> Project:
    """A project whose pipeline has run once. Tests use copies (``project``) and never change it."""

    def make(path: Path) -> None:
        project = clone(path, songs)
        assert sorted(project.repro(**OWN_PROCESSES)) == sorted(STAGES)
        project.commit("Results")

    return Project(made_once("finished", make))


#: Four experiments: each output of `normalize` and each of `augment` is shared by two of them.
GRID = {"normalize.scaler": ["minmax", "robust"], "seed": [42, 7]}


@pytest.fixture(scope="session")
def studied(finished, made_once) -> Project:
    """A project whose matrix of four experiments has run without previous results.

    Tests use copies and never change it. Files in its parent folder list the stages that ran
    (stages.txt) and contain the output of the command (printed.txt).
    """
    from tests.pipeline.matrix import Matrix

    def make(folder: Path) -> None:
        project = finished.copy(folder / "project")
        project.run("git", "clean", "-qfdX")  # removes results and cache
        matrix = Matrix(project, folder)
        matrix.set(GRID)
        project.commit("Four experiments")
        (folder / "printed.txt").write_text(matrix.run("--jobs", "2").stdout)

    return Project(made_once("studied", make) / "project")


@pytest.fixture(scope="module")
def scratch(finished, tmp_path_factory) -> Project:
    """One copy for all tests of a module that restore the files they change (``restored``)."""
    return finished.copy(tmp_path_factory.mktemp("scratch") / "project")


@contextmanager
def restored(path: Path) -> Iterator[None]:
    """Restore the content of a file on exit."""
    before = path.read_bytes()
    try:
        yield
    finally:
        path.write_bytes(before)


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A copy of the finished project that the test may change."""
    return finished.copy(tmp_path / "project")
