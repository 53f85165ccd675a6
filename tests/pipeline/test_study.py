"""A study of rungs keeps its results in metrics/ and only runs missing experiments."""

import pandas as pd
import pytest
import yaml

from tests.pipeline.matrix import Matrix

RUNGS = [
    {"paper": {}},
    {
        "everything": {
            "train.augment_on": "magnitudes", "model.output": "mask", "model.name": "strided",
            "model.targets": "both", "normalize.scaler": "standard", "train.loss": "l1_linear",
            "train.schedule": "cosine", "train.ema": 0.9, "train.select": "val_sdr",
            "train.optimizer": "muon",
            "augment.remix": 0.5, "augment.gain": 3.0, "augment.crop": "random",
            "augment.pitch": 1.0, "augment.tempo": 0.1, "augment.tones": 0.5, "augment.noise": 0.5,
        }
    },
]  # fmt: skip


def set_study(matrix, rungs, seeds):
    params = matrix.project.params()
    params["studies"] = {"small": {"seed": seeds, "rungs": rungs}}
    (matrix.project.path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def table(project):
    return pd.read_csv(project.path / "metrics/small.csv")


@pytest.mark.slow
def test_study_keeps_its_results_and_is_completed_in_a_fresh_clone(finished, tmp_path):
    folders = [tmp_path / name for name in ("count", "recount")]
    for folder in folders:
        folder.mkdir()
    matrix = Matrix(finished.copy(tmp_path / "project"), folders[0])
    set_study(matrix, RUNGS, [42])
    matrix.project.commit("A study")
    done = matrix.run("--study", "small", "--jobs", "2")
    assert matrix.ran()["train"] == 1  # of "everything"; the project has the results of "paper"
    first = table(matrix.project)
    assert first["step"].tolist() == ["paper", "everything"]
    assert first["global.sdr"].notna().all() and (first["cpu_minutes"] >= 0).all()
    assert "everything" in done.stdout.split("95 % interval", 1)[-1]

    project = matrix.project
    names = "small-paper-seed-42", "small-everything-seed-42"
    printed = project.run("python", "-m", "study.ensemble", *names, "--keep", "kept").stdout
    assert [line.split(" | ")[0] for line in printed.splitlines()[2:]] == [
        *(f"| {name}" for name in names), "| mean of their masks"
    ]  # fmt: skip
    assert all((project.path / "kept" / name / "unet.json").is_file() for name in names)
    assert "no such experiment" in project.run(
        "python", "-m", "study.ensemble", names[0], "other", check=False
    ).stderr

    project.run("git", "add", "-A", "metrics")
    project.commit("Its results")
    other = Matrix(project, folders[1])
    other.project = type(project)(tmp_path / "fresh")  # without DVC's cache and experiments
    project.run("git", "clone", "-q", str(project.path), str(other.project.path))
    other.project.run("git", "config", "user.email", "test@example.org")
    other.project.run("git", "config", "user.name", "Test")
    set_study(other, RUNGS[:1], [42, 2])
    other.project.commit("Fewer rungs, more seeds")
    done = other.run("--study", "small", "--dry-run")
    assert "2 experiments, 1 of them finished" in done.stdout
    cache = project.path / ".dvc/cache"
    other.project.run("dvc", "cache", "dir", "--local", str(cache))  # avoids another preparation
    other.run("--study", "small", "--jobs", "2")
    assert other.ran()["train"] == 1
    second = table(other.project)
    assert second["name"].tolist() == ["small-paper-seed-42", "small-paper-seed-2"]
    same = second.set_index("name").loc[first["name"][:1]].reset_index()
    pd.testing.assert_frame_equal(same, first[:1])
