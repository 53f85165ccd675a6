"""A matrix in unusual places works, or ends with one line that says what to do."""

import os
import shutil
import subprocess

import pytest
import yaml

from study import doctor
from study.queue import require_queue
from tests.pipeline.conftest import Project, ran

ONE = ("dvc", "exp", "run", "--queue", "--name", "time", "-S", "normalize.axis=time", "normalize")


def moved(finished: Project, path) -> Project:
    path.parent.mkdir(parents=True, exist_ok=True)
    return finished.copy(path)


def matrix(project: Project, **options):
    return project.run("python", "-m", "study.matrix", check=False, **options)


@pytest.mark.parametrize("folder", ["Größe", "a#b", "a?b", "100%"])
def test_a_path_that_the_queue_cannot_work_in_is_said_before_anything_is_queued(
    finished, tmp_path, folder, monkeypatch, rejects
):
    project = moved(finished, tmp_path / folder / "project")
    monkeypatch.chdir(project.path)
    with rejects(folder, "move the project"):
        require_queue()
    assert any(name == "queue" and status == doctor.WARN for name, status, _ in doctor.dvc())


def test_such_a_path_ends_the_matrix_with_one_line(finished, tmp_path):
    done = matrix(moved(finished, tmp_path / "Größe" / "project"))
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "Größe" in line and "move the project" in line
    assert "Queued" not in done.stdout


@pytest.mark.slow
def test_other_odd_characters_in_a_path_do_no_harm(finished, tmp_path):
    project = moved(finished, tmp_path / "it's a [folder], & more; x=1" / "project")
    project.run(*ONE)
    assert "normalize" in ran(project.run("dvc", "exp", "run", "--run-all"))
    assert "time" in project.run("git", "for-each-ref", "refs/exps").stdout


@pytest.mark.slow
def test_a_project_below_the_git_root_has_its_matrix(finished, tmp_path):
    root = tmp_path / "root"
    project = moved(finished, root / "below/project")
    shutil.rmtree(project.path / ".git")
    for command in (["init", "-q", "-b", "main"], ["config", "user.email", "test@example.org"],
                    ["config", "user.name", "Test"]):  # fmt: skip
        subprocess.run(["git", *command], cwd=root, check=True)
    params = project.params() | {"matrix": {"eval.overlap": [0.25]}}
    (project.path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    project.run("git", "add", "-A", ".")
    project.run("git", "commit", "-q", "-m", "Below")
    done = matrix(project)
    assert done.returncode == 0, done.stderr
    assert "overlap-0.25" in project.run("git", "for-each-ref", "refs/exps").stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_clone_of_another_user_is_one_line(project):
    for folder in (project.path, project.path / ".git"):
        os.chown(folder, 12345, 12345)
    done = matrix(project, HOME=str(project.path), SUDO_UID="")
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "belongs to another user" in line and "safe.directory" in line


def test_a_merge_conflict_in_the_lock_file_is_one_line(project):
    lock = project.path / "dvc.lock"
    lock.write_text(f"<<<<<<< HEAD\n{lock.read_text()}=======\n>>>>>>> other\n")
    done = matrix(project)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "dvc.lock: has a merge conflict" in line and "git checkout" in line


def test_without_a_repository_or_a_commit_it_is_one_line(project):
    shutil.rmtree(project.path / ".git")
    (line,) = matrix(project).stderr.strip().splitlines()
    assert "clone the project with git" in line
    project.run("git", "init", "-q")
    (line,) = matrix(project).stderr.strip().splitlines()
    assert "no commit yet" in line


@pytest.mark.slow
def test_songs_within_the_clone_have_their_matrix(finished, songs, tmp_path):
    project = finished.copy(tmp_path / "project")
    shutil.copytree(songs, project.path / "songs")
    with (project.path / ".gitignore").open("a") as file:
        file.write("/songs/\n")
    params = project.params() | {"matrix": {"eval.overlap": [0.25]}}
    params["dataset"]["root"] = str(project.path / "songs")
    (project.path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    project.commit("Songs within the clone")
    done = matrix(project)
    assert done.returncode == 0, done.stderr
    assert "1 experiments, 1 of them finished" in matrix(project).stdout
