"""Results from elsewhere: a DVC remote that may not be there, and the model by its name."""

import shutil

import pytest

from tests.pipeline.conftest import ROOT

SCRIPT = str(ROOT / "scripts/pull_cache.sh")


@pytest.fixture
def bare(project):
    """A project as it is just cloned: no cache and no outputs."""
    for name in (".dvc/cache", "data", "models", "plots", "reports"):
        shutil.rmtree(project.path / name)
    return project


def test_without_a_remote_there_is_nothing_to_pull(bare):
    assert "nothing to pull" in bare.run("bash", SCRIPT).stdout


def test_results_come_from_a_remote_that_only_the_credentials_name(finished, bare, tmp_path):
    store = tmp_path / "store"
    shutil.copytree(finished.path / ".dvc/cache", store)
    settings = f"['remote \"store\"']\n    url = {store}\n[core]\n    remote = store"
    bare.run("bash", SCRIPT, DVC_CONFIG_LOCAL=settings)
    assert bare.run("dvc", "status").stdout.split() == ["inputs:", "always", "changed"]
    assert not (bare.path / ".dvc/config.local").exists()


def test_a_remote_that_does_not_answer_is_told_and_no_error(bare):
    bare.run("dvc", "remote", "add", "-q", "-d", "store", "http://127.0.0.1:9/store")
    done = bare.run("bash", SCRIPT)
    assert "missing ones will be computed" in done.stdout


def test_the_model_is_fetched_by_its_name_and_version(project, tmp_path):
    project.run("git", "tag", "-a", "unet@v1.0.0", "-m", "First")
    got = tmp_path / "got"
    project.run("dvc", "artifacts", "get", str(project.path), "unet", "-o", str(got))
    for name in ("unet.json", "unet.weights.h5"):
        assert (got / name).read_bytes() == (project.path / "models" / name).read_bytes()
