"""Results are pulled from a DVC remote if there is one; the model is fetched by its name."""

import shutil

import pytest

from tests.pipeline.conftest import ROOT

SCRIPT = str(ROOT / "scripts/pull_cache.sh")


@pytest.fixture
def fresh(project):
    """A project as after `git clone`, without cache and outputs."""
    for name in (".dvc/cache", "data", "models", "plots", "reports"):
        shutil.rmtree(project.path / name)
    return project


def test_nothing_is_pulled_without_a_remote(fresh):
    assert "nothing to pull" in fresh.run("bash", SCRIPT).stdout


def test_results_are_pulled_from_a_remote_in_an_environment_variable(finished, fresh, tmp_path):
    store = tmp_path / "store"
    shutil.copytree(finished.path / ".dvc/cache", store)
    settings = f"['remote \"store\"']\n    url = {store}\n[core]\n    remote = store"
    fresh.run("bash", SCRIPT, DVC_CONFIG_LOCAL=settings)
    assert fresh.run("dvc", "status").stdout.split() == ["inputs:", "always", "changed"]
    assert not (fresh.path / ".dvc/config.local").exists()


def test_unreachable_remote_is_reported_and_is_not_an_error(fresh):
    fresh.run("dvc", "remote", "add", "-q", "-d", "store", "http://127.0.0.1:9/store")
    done = fresh.run("bash", SCRIPT)
    assert "missing ones will be computed" in done.stdout


def test_model_is_fetched_by_its_name_and_version(project, tmp_path):
    project.run("git", "tag", "-a", "unet@v1.0.0", "-m", "First")
    got = tmp_path / "got"
    project.run("dvc", "artifacts", "get", str(project.path), "unet", "-o", str(got))
    for name in ("unet.json", "unet.weights.h5"):
        assert (got / name).read_bytes() == (project.path / "models" / name).read_bytes()
