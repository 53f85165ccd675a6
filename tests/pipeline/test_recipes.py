"""Recipes of the README for experiments: apply, branch, share and compare them."""

from pathlib import Path

import pytest

from tests.pipeline.conftest import Project

ROBUST = "robust-seed-42"


@pytest.fixture
def shared(studied, tmp_path) -> Project:
    """A project with a git remote, a DVC remote and finished experiments."""
    project = studied.copy(tmp_path / "project")
    project.run("git", "init", "-q", "--bare", "-b", "main", str(tmp_path / "origin.git"))
    project.run("git", "remote", "add", "origin", str(tmp_path / "origin.git"))
    project.run("git", "push", "-q", "origin", "main")
    add_store(project, tmp_path)
    assert project.params()["normalize"]["scaler"] == "minmax"
    return project


def add_store(project: Project, folder: Path) -> None:
    project.run("dvc", "remote", "add", "--local", "--default", "store", str(folder / "store"))


@pytest.mark.slow
def test_experiment_can_be_pushed_pulled_applied_and_branched(shared, tmp_path):
    before = shared.metrics("eval")
    shared.run("dvc", "exp", "push", "origin", ROBUST)

    other = Project(tmp_path / "other")
    origin = shared.run("git", "remote", "get-url", "origin").stdout.strip()
    shared.run("git", "clone", "-q", origin, str(other.path))
    add_store(other, tmp_path)
    other.run("dvc", "exp", "pull", "origin", ROBUST)
    other.run("dvc", "exp", "apply", ROBUST)
    assert other.params()["normalize"]["scaler"] == "robust"
    assert (other.path / "models/unet.weights.h5").exists()
    assert (other.path / "reports/index.html").exists()
    assert other.metrics("eval") != before
    other.run("dvc", "checkout", check=False)
    assert not {"train", "eval"} & set(other.repro())  # their outputs were pulled too

    shared.run("dvc", "exp", "branch", ROBUST, "my-branch")
    params = shared.run("git", "show", "my-branch:params.yaml").stdout
    assert "scaler: robust" in params
    assert shared.params()["normalize"]["scaler"] == "minmax"


@pytest.mark.slow
def test_table_of_the_readme_has_scores_and_no_hashes(shared):
    shown = shared.run(
        "dvc", "exp", "show", "--csv", "--hide-workspace", "--hide-failed",
        "--sort-by", "table1.sdr", "--sort-order", "desc", "--drop", ".*",
        "--keep", "Experiment|normalize|train.loss|table1|museval.sdr|global.sdr",
    )  # fmt: skip
    head, *rows = shown.stdout.splitlines()
    assert "table1.sdr" in head and "train.loss" in head
    assert len(head.split(",")) <= 12 and ".py" not in head
    assert any("robust" in row for row in rows)
