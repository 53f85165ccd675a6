"""The doctor reports what is missing and how to fix it, even before anything is installed."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf
import yaml

from study import doctor
from vocalseg import compute

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def folder(tmp_path):
    """A repository with a DVC project and parameters."""
    path = tmp_path / "project"
    path.mkdir()
    git(path, "init", "-q")
    git(path, "config", "user.name", "Test")
    git(path, "config", "user.email", "test@example.org")
    (path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    (path / ".dvc").mkdir()
    return path


def git(path, *arguments):
    subprocess.run(["git", *arguments], cwd=path, check=True, capture_output=True)


def examine(folder, *flags, dvc=False, gpu=False, **env):
    """Mark and message of each check, and the exit status; checks of DVC and the GPU are slow."""
    hide = "" if dvc else "doctor.dvc = lambda: []; "
    hide += "" if gpu else "doctor.gpu = lambda params: ('ok', ''); "
    code = f"import sys; from study import doctor; {hide}sys.exit(doctor.main())"
    done = subprocess.run(
        [sys.executable, *flags, "-c", code],
        cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
    )  # fmt: skip
    assert not done.stderr, done.stderr
    rows = {}
    for line in done.stdout.splitlines():
        mark, message = line.split(None, 1)
        name = next(n for n in (*NAMES, message.split("  ")[0].strip()) if message.startswith(n))
        rows[name] = (mark, message.removeprefix(name).strip())
    return rows, done.returncode


NAMES = (
    "python", "packages", "ffmpeg", "git", "memory", "processor", "songs", "disk", "gpu",
    "cache links", "queue", "remote", "the rest",
)  # fmt: skip


def set_dataset(folder, **values):
    path = folder / "params.yaml"
    params = yaml.safe_load(path.read_text())
    params["dataset"].update(values)
    path.write_text(yaml.safe_dump(params))


def path_without(tmp_path, *missing):
    """A PATH with the programs that the checks call, except the missing ones."""
    bin = tmp_path / "bin"
    bin.mkdir()
    for folder in os.environ["PATH"].split(os.pathsep):
        for name in ("git", "ffmpeg", "ffprobe"):
            program = Path(folder) / name
            if name not in missing and program.exists() and not (bin / name).exists():
                (bin / name).symlink_to(program)
    return str(bin)


def test_complete_machine_has_no_failures(folder):
    rows, status = examine(folder, dvc=True, gpu=True)
    assert status == 0 and "FAIL" not in [mark for mark, _ in rows.values()]
    assert rows.keys() == set(NAMES) - {"the rest"}
    assert rows["gpu"][0] == "ok" and rows["python"][0] == "ok"
    assert rows["cache links"][1] in ("reflink", "hardlink", "symlink")
    assert rows["remote"] == ("ok", "none configured; results stay on this machine")


def test_missing_ffmpeg_fails_and_the_fix_is_named(folder, tmp_path):
    rows, status = examine(folder, PATH=path_without(tmp_path, "ffmpeg", "ffprobe"))
    assert status == 1
    assert rows["ffmpeg"] == (
        "FAIL", "ffmpeg, ffprobe not found -> make ffmpeg, or: sudo apt install ffmpeg"
    )  # fmt: skip


def test_missing_git_fails_and_missing_identity_warns(folder, tmp_path):
    assert examine(folder, PATH=path_without(tmp_path, "git"))[0]["git"][0] == "FAIL"
    git(folder, "config", "--unset", "user.email")
    nobody = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    rows, status = examine(folder, **nobody)
    assert rows["git"][0] == "warn" and "git config --global user.email" in rows["git"][1]
    assert status == 0


def test_folder_without_git_repository_fails(folder):
    (folder / ".git").rename(folder.parent / "elsewhere")
    rows, status = examine(folder, GIT_CEILING_DIRECTORIES=str(folder.parent))
    assert status == 1 and rows["git"][0] == "FAIL"


def test_missing_songs_fail(folder):
    set_dataset(folder, name="folder", root="/no/such/songs")
    rows, status = examine(folder)
    assert status == 1 and rows["songs"][0] == "FAIL"
    assert "dataset.root = /no/such/songs: no such folder" in rows["songs"][1]
    set_dataset(folder, root=None)
    assert examine(folder)[0]["songs"][0] == "FAIL"


def test_unreadable_parameters_fail(folder):
    (folder / "params.yaml").write_text("dataset: [")
    rows, status = examine(folder)
    assert status == 1 and rows["songs"] == ("FAIL", "params.yaml: cannot be read -> make check")


def test_insufficient_disk_space_warns_with_required_and_free_space(folder, monkeypatch):
    set_dataset(folder, name="musdb18-hq")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("VOCALSEG_SONGS", str(folder / "songs"))
    monkeypatch.delenv("MUSDB_PATH", raising=False)
    size = type("Usage", (), {"free": 20e9})
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: size)
    mark, message = doctor.disk(yaml.safe_load(Path("params.yaml").read_text()))
    assert mark == "warn"
    assert "take 65.6 GB more, 20.0 are free" in message and "VOCALSEG_SONGS" in message


def test_existing_files_do_not_count_as_required_space(folder, monkeypatch):
    monkeypatch.chdir(folder)
    Path(".venv").mkdir()
    cached = Path(".dvc/cache/files")
    cached.mkdir(parents=True)
    with (cached / "big").open("wb") as file:
        file.truncate(2 * 10**9)  # a sparse file, which takes no space
    params = yaml.safe_load(Path("params.yaml").read_text())
    assert doctor.disk(params) == ("ok", "everything of demo is here")


@pytest.mark.parametrize(
    ("url", "mark", "message"),
    [
        ("/no/such/mount/store", "warn", "/no/such/mount/store: no such folder"),
        ("s3://bucket/store", "warn", "s3"),
        ("http://127.0.0.1:9/store", "warn", "127.0.0.1"),
    ],
)
def test_unreachable_remote_warns(folder, url, mark, message):
    (folder / ".dvc/config").write_text(f"['remote \"far\"']\n    url = {url}\n")
    rows, status = examine(folder, dvc=True)
    assert rows["remote"][0] == mark and message in rows["remote"][1]
    assert rows["remote"][1].startswith("far") and status == 0


def test_reachable_remote_is_ok(folder, tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    (folder / ".dvc/config").write_text(f"['remote \"near\"']\n    url = {store}\n")
    mark, message = examine(folder, dvc=True)[0]["remote"]
    assert mark == "ok" and str(store) in message


def test_next_step_is_shown_before_packages_are_installed(folder):
    rows, status = examine(folder, "-S")  # no packages
    assert status == 0
    assert rows["packages"] == (
        "warn", "dvc, tensorflow, stempeg not installed yet -> make setup"
    )  # fmt: skip
    assert "make setup" in rows["the rest"][1]


@pytest.mark.parametrize("flags", [[], ["-S"]], ids=["installed", "nothing installed"])
def test_kernels_and_threads_of_the_processor_are_shown(folder, monkeypatch, flags):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
    rows, _ = examine(folder, *flags, TF_NUM_INTRAOP_THREADS="3")
    mark, message = rows["processor"]
    kernels = "oneDNN" if platform.machine().lower() in ("x86_64", "amd64") else "default"
    assert mark == "ok" and f"{kernels} kernels, 3 threads" in message
    assert compute.choose("auto") in message or tf.config.list_physical_devices("GPU")


def test_disabled_onednn_warns(folder):
    mark, message = examine(folder, TF_ENABLE_ONEDNN_OPTS="0")[0]["processor"]
    assert mark == "warn" and "unset TF_ENABLE_ONEDNN_OPTS" in message


def test_large_network_without_a_gpu_warns(monkeypatch):
    output = subprocess.CompletedProcess([], 0, stdout="a note\n[]\n", stderr="")
    monkeypatch.setattr(doctor, "run", lambda *command, **env: output)
    assert doctor.gpu({"model": {"filters": 64}})[0] == "warn"
    assert doctor.gpu({"model": {"filters": 8}})[0] == "ok"
