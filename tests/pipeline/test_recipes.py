"""The README's recipes with experiments: keep one, branch from it, hand it to somebody else."""

from pathlib import Path

import pytest

from tests.pipeline.conftest import Project


@pytest.fixture
def shared(finished, made_once, tmp_path) -> Project:
    """A project with a git remote, a DVC remote and a finished experiment."""

    def make(folder: Path) -> None:
        project = finished.copy(folder / "project")
        project.run("git", "init", "-q", "--bare", "-b", "main", str(folder / "origin.git"))
        project.run("git", "remote", "add", "origin", str(folder / "origin.git"))
        project.run("dvc", "remote", "add", "--default", "store", str(folder / "store"))
        project.commit("Remotes")
        project.run("git", "push", "-q", "origin", "main")
        project.run("dvc", "exp", "run", "--queue", "--name", "mse", "-S", "train.loss=mse")
        project.run("dvc", "exp", "run", "--run-all")
        assert project.params()["train"]["loss"] == "mae"

    return Project(made_once("shared", make) / "project").copy(tmp_path / "project")


@pytest.mark.slow
def test_an_experiment_is_applied_branched_pushed_and_pulled(shared, tmp_path):
    before = shared.metrics("eval")
    shared.run("dvc", "exp", "push", "origin", "mse")

    other = Project(tmp_path / "other")
    origin = shared.run("git", "remote", "get-url", "origin").stdout.strip()
    shared.run("git", "clone", "-q", origin, str(other.path))
    other.run("dvc", "exp", "pull", "origin", "mse")
    other.run("dvc", "exp", "apply", "mse")
    assert other.params()["train"]["loss"] == "mse"
    assert (other.path / "models/unet.weights.h5").exists()
    assert (other.path / "reports/index.html").exists()
    assert other.metrics("eval") != before
    other.run("dvc", "checkout", check=False)
    assert not {"train", "eval"} & set(other.repro())  # what it is of came with it

    shared.run("dvc", "exp", "branch", "mse", "my-branch")
    params = shared.run("git", "show", "my-branch:params.yaml").stdout
    assert "loss: mse" in params
    assert shared.params()["train"]["loss"] == "mae"


@pytest.mark.slow
def test_the_table_of_the_readme_has_scores_and_no_hashes(shared):
    shown = shared.run(
        "dvc", "exp", "show", "--csv", "--hide-workspace", "--hide-failed",
        "--sort-by", "table1.sdr", "--sort-order", "desc", "--drop", ".*",
        "--keep", "Experiment|normalize|train.loss|table1|museval.sdr|global.sdr",
    )  # fmt: skip
    head, *rows = shown.stdout.splitlines()
    assert "table1.sdr" in head and "train.loss" in head
    assert len(head.split(",")) <= 12 and ".py" not in head
    assert any("mse" in row for row in rows)
