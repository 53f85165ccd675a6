"""`make demo` trains the preset beside the paper's setting, for `vocalseg separate`."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from study.experiments import rows
from tests.pipeline.matrix import Matrix
from vocalseg.cli import last_trained

pytestmark = pytest.mark.slow


def test_preset_is_the_model_for_separate_and_leaves_the_workspace_as_it_was(
    studied, tmp_path, monkeypatch
):
    """Its settings are those of an experiment that DVC's cache has already."""
    project = studied.copy(tmp_path / "project")
    matrix = Matrix(project, tmp_path)
    rung = {"other": {"normalize.scaler": "robust", "seed": 7}}
    params = project.params() | {"studies": {"preset": {"rungs": [rung]}}}
    (project.path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    project.commit("A preset")
    project.repro()
    monkeypatch.chdir(project.path)
    assert last_trained().as_posix() == "models/unet.json"

    command = "python", "-m", "study.preset"
    matrix.ran()
    printed = project.run(*command, **matrix.env).stdout
    assert "**params.yaml**" in printed and "**preset**" in printed
    assert matrix.ran() == {}
    assert last_trained().as_posix() == "presets/preset-other/unet.json"
    weights = [folder / "unet.weights.h5" for folder in (last_trained().parent, Path("models"))]
    assert weights[0].read_bytes() != weights[1].read_bytes()
    changed = project.run("git", "status", "--porcelain").stdout.splitlines()
    assert [line[3:] for line in changed] == ["metrics/preset.csv", "metrics/preset.songs.csv"]
    (row,) = pd.read_csv(project.path / "metrics/preset.csv").to_dict("records")
    assert row["precision"] in ("float32", "bfloat16")
    assert row["museval.sdr"] != project.metrics("eval")["museval"]["sdr"]

    assert "1 experiments, 1 of them finished" in project.run(*command, **matrix.env).stdout
    assert matrix.ran() == {}
    assert "preset-other" not in set(rows(num=-1)["name"])
    assert "preset-other" in set(rows(num=-1, studies=True)["name"])
