"""A matrix in an unusual location works or fails with one line of advice."""

import os
import shutil
import subprocess

import pytest
import yaml

from study import doctor
from study.queue import require_queue
from tests.pipeline.conftest import Project


def copy_to(finished: Project, path) -> Project:
    path.parent.mkdir(parents=True, exist_ok=True)
    return finished.copy(path)


def run_matrix(project: Project, **options):
    return project.run("python", "-m", "study.matrix", check=False, **options)


@pytest.mark.parametrize("folder", ["Größe", "a#b", "a?b", "100%"])
def test_path_unsupported_by_the_queue_is_detected_before_anything_is_queued(
    finished, tmp_path, folder, monkeypatch, rejects
):
    project = copy_to(finished, tmp_path / folder / "project")
    monkeypatch.chdir(project.path)
    with rejects(folder, "move the project"):
        require_queue()
    assert any(name == "queue" and status == doctor.WARN for name, status, _ in doctor.dvc())


def test_matrix_in_an_unsupported_path_is_an_error_of_one_line(finished, tmp_path):
    done = run_matrix(copy_to(finished, tmp_path / "Größe" / "project"))
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "Größe" in line and "move the project" in line
    assert "Queued" not in done.stdout


@pytest.mark.slow
def test_matrix_runs_in_a_subfolder_with_special_characters_and_with_songs_inside_it(
    finished, songs, tmp_path
):
    root = tmp_path / "it's a [folder], & more; x=1"
    project = copy_to(finished, root / "below/project")
    shutil.rmtree(project.path / ".git")
    for command in (["init", "-q", "-b", "main"], ["config", "user.email", "test@example.org"],
                    ["config", "user.name", "Test"]):  # fmt: skip
        subprocess.run(["git", *command], cwd=root, check=True)
    shutil.copytree(songs, project.path / "songs")
    with (project.path / ".gitignore").open("a") as file:
        file.write("/songs/\n")
    params = project.params() | {"matrix": {"eval.overlap": [0.25]}}
    params["dataset"]["root"] = str(project.path / "songs")
    (project.path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    project.run("git", "add", "-A", ".")
    project.run("git", "commit", "-q", "-m", "Below")
    done = run_matrix(project)
    assert done.returncode == 0, done.stderr
    assert "overlap-0.25" in project.run("git", "for-each-ref", "refs/exps").stdout
    assert "1 experiments, 1 of them finished" in run_matrix(project).stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the owner of a folder")
def test_clone_of_another_user_is_an_error_of_one_line(project):
    for folder in (project.path, project.path / ".git"):
        os.chown(folder, 12345, 12345)
    done = run_matrix(project, HOME=str(project.path), SUDO_UID="")
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "belongs to another user" in line and "safe.directory" in line


def test_merge_conflict_in_the_lock_file_is_an_error_of_one_line(project):
    lock = project.path / "dvc.lock"
    lock.write_text(f"<<<<<<< HEAD\n{lock.read_text()}=======\n>>>>>>> other\n")
    done = run_matrix(project)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "dvc.lock: has a merge conflict" in line and "git checkout" in line


def test_missing_repository_or_commit_is_an_error_of_one_line(project):
    shutil.rmtree(project.path / ".git")
    (line,) = run_matrix(project).stderr.strip().splitlines()
    assert "clone the project with git" in line
    project.run("git", "init", "-q")
    (line,) = run_matrix(project).stderr.strip().splitlines()
    assert "no commit yet" in line
