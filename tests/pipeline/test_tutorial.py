"""All commands of the tutorial run in order in a clean clone with short songs."""

import re
import shutil
from pathlib import Path

import pytest

from tests.pipeline.conftest import ROOT, Project

PAGE = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")


def clean_clone(finished: Project, path: Path) -> Project:
    """A clone with a Python environment and cached results, but without outputs."""
    project = Project(path)
    finished.run("git", "clone", "--quiet", str(finished.path), str(path))
    project.run("git", "config", "user.email", "test@example.org")
    project.run("git", "config", "user.name", "Test")
    shutil.copytree(finished.path / ".dvc/cache", path / ".dvc/cache")
    for name in ("requirements.txt", "pyproject.toml", "scripts"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, path / name)
    with (path / ".git/info/exclude").open("a") as file:
        file.write("/requirements.txt\n/pyproject.toml\n/scripts/\n/out/\n")
    (path / ".venv/bin").mkdir(parents=True)
    (path / ".venv/bin/activate").touch()  # the environment of the tests is active
    (path / ".venv/.done").touch()
    return project


@pytest.mark.slow
def test_every_command_of_the_tutorial_runs(finished, tmp_path):
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert {language for language, _ in blocks} == {"bash"}
    project = clean_clone(finished, tmp_path / "clone")
    script = "set -eu\n" + "\n".join(f"echo '=== {i}'\n{b}" for i, (_, b) in enumerate(blocks))
    printed = project.run("bash", "-c", script).stdout
    outputs = re.split(r"^=== \d+\n", printed, flags=re.MULTILINE)[1:]
    demo, separated, again, _, change, own, table, *_ = outputs

    assert "| **params.yaml** |" in demo and "| **preset** |" in demo
    assert (project.path / "reports/index.html").exists()
    assert separated.split() == ["accompaniment.wav", "vocals.wav"]
    assert "Running stage 'inputs'" in again and "Running stage 'resample'" not in again
    assert "Running stage 'train'" in change and "museval.sdr" in change
    assert "Running stage 'eval'" in own and "Running stage 'train'" not in own
    assert "mse" in table and "overlap" in table
    assert project.params()["train"]["loss"] == "mse"
