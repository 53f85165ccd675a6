"""Code blocks of docs/recipes.md run unchanged, except for addresses of local servers."""

import re
import shutil
import sys
from pathlib import Path

from tests.pipeline import servers
from tests.pipeline.conftest import ROOT, Project

TEXT = (ROOT / "docs/recipes.md").read_text()
WEIGHTS = "unet.weights.h5"


def block(before: str, language: str = "bash") -> str:
    """First code block of a language after a text."""
    assert TEXT.count(before) == 1
    return re.search(rf"```{language}\n(.*?)```", TEXT.partition(before)[2], re.DOTALL)[1]


def run(project: Project, script: str, *replacements: tuple[str, str], **env: str) -> None:
    for old, new in replacements:
        assert old in script
        script = script.replace(old, new)
    project.run("bash", "-e", "-c", script, **env)


def assert_pulled(project: Project, folder: Path, **env: str) -> None:
    """Check that another clone gets the model from the project's remote."""
    other = Project(folder / "clone")
    project.run("git", "clone", "-q", str(project.path), str(other.path))
    other.run("dvc", "pull", "models", **env)
    expected = (project.path / "models" / WEIGHTS).read_bytes()
    assert (other.path / "models" / WEIGHTS).read_bytes() == expected


def test_other_projects_can_download_and_track_the_model_and_read_metrics(finished, tmp_path):
    source = {"VOCALSEG": str(finished.path)}
    expected = (finished.path / "models" / WEIGHTS).read_bytes()
    anywhere = Project(tmp_path / "anywhere")
    anywhere.path.mkdir()
    run(anywhere, block("## Download the model"), **source)
    assert (anywhere.path / "unet" / WEIGHTS).read_bytes() == expected
    metrics = (finished.path / "metrics/eval.json").read_bytes()
    assert (anywhere.path / "eval.json").read_bytes() == metrics

    own = Project(tmp_path / "own")
    (own.path / ".dvc").mkdir(parents=True)
    (own.path / ".dvc/config").touch()
    own.run("git", "init", "-q")
    for key, value in (("email", "test@example.org"), ("name", "Test")):
        own.run("git", "config", f"user.{key}", value)
    run(own, block("## Track the model"), **source)
    assert (own.path / "unet" / WEIGHTS).read_bytes() == expected
    assert own.run("git", "ls-files").stdout.split() == [".gitignore", "unet.dvc"]
    commit = finished.run("git", "rev-parse", "HEAD").stdout.strip()
    assert f"rev_lock: {commit}" in (own.path / "unet.dvc").read_text()

    script = block("## Read parameters", "python")
    loss, sdr, head = anywhere.run(sys.executable, "-c", script, **source).stdout.splitlines()
    assert loss == finished.params()["train"]["loss"]
    assert float(sdr) == finished.metrics("eval")["museval"]["sdr"]
    assert head.startswith("song,")


def test_model_is_pulled_from_a_folder(project, tmp_path):
    run(project, block("A folder, also"), ("/mnt/store", str(tmp_path / "store")))
    assert_pulled(project, tmp_path)


def test_model_is_pulled_from_an_ssh_server(project, tmp_path):
    home = {"HOME": str(tmp_path / "home")}
    with servers.ssh(tmp_path / "home") as url:
        address = f"{url}{tmp_path}/store"
        run(project, block("SSH ("), ("ssh://me@server.example.org/srv/store", address), **home)
        assert (tmp_path / "store").is_dir()
        assert_pulled(project, tmp_path, **home)


def test_model_is_pulled_from_an_s3_bucket(project, tmp_path):
    keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "test")
    with servers.s3("bucket") as url:
        run(project, block("S3 ("), ("https://s3.example.org", url), **keys)
        assert_pulled(project, tmp_path, **keys)


def test_web_server_is_a_read_only_remote(project, tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    with servers.web(store) as url:
        addresses = ("https://example.org/store", url), ("/mnt/store", str(store))
        run(project, block("## A public, read-only remote"), *addresses)
        assert_pulled(project, tmp_path)
        shutil.rmtree(store)
        store.mkdir()
        assert project.run("dvc", "push", "models", check=False).returncode
        assert list(store.iterdir()) == []
