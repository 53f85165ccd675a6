"""The comparison reads DVC's experiments: those that finished, each with its own scores."""

import json
from pathlib import Path

import pandas as pd
import pytest

from study.compare import rows, song_scores, table
from study.effects import effects
from tests.pipeline.conftest import FOUR, Project

pytestmark = pytest.mark.slow


NAMES = {f"{scaler}-seed-{seed}" for scaler in FOUR["normalize.scaler"] for seed in FOUR["seed"]}


@pytest.fixture(scope="module")
def compared(studied, made_once, tmp_path_factory) -> Project:
    """Four experiments that finished, one that failed, one that ran in part, one queued."""

    def make(folder: Path) -> None:
        project = studied.copy(folder / "project")
        queue = ("dvc", "exp", "run", "--queue")
        project.run(*queue, "--name", "broken", "-S", "train.loss=huber")
        project.run(*queue, "--name", "partial", "-S", "normalize.axis=time", "normalize")
        project.run("dvc", "exp", "run", "--run-all")
        project.run(*queue, "--name", "waiting", "-S", "train.epochs=3")

    made = Project(made_once("compared", make) / "project")
    return made.copy(tmp_path_factory.mktemp("compared") / "project")


def test_what_finished_is_a_row_and_nothing_else(compared, capsys):
    found = rows(compared.path).set_index("name")
    assert set(found.index) == NAMES
    assert "partial: skipped" in capsys.readouterr().err
    for name, row in found.iterrows():
        levels = row[["normalize.axis", "normalize.scaler", "train.loss", "seed"]].tolist()
        scaler, seed = name.split("-seed-")
        assert levels == ["frequency", scaler, "mae", int(seed)]


def test_every_row_has_its_own_scores(compared):
    found = rows(compared.path)
    baseline = compared.metrics("eval")["global"]["sdr"]
    floor = compared.metrics("bounds")["mixture"]["global"]["sdr"]
    for number, row in enumerate(found.to_dict("records")):
        scores = json.loads(compared.run("git", "show", f"{row['rev']}:metrics/eval.json").stdout)
        assert row["global.sdr"] == scores["global"]["sdr"]
        assert (row["global.sdr"] == baseline) == (row["name"] == "minmax-seed-42")
        assert row["museval.sdr"] == scores["museval"]["sdr"]
        assert row["global.gain"] == pytest.approx(row["global.sdr"] - floor, abs=0.0011)
        # The scores of the songs are that run's as well.
        songs = song_scores(found[number : number + 1], compared.path)
        assert songs["value"].mean() == pytest.approx(row["global.sdr"], abs=0.0011)


def test_runs_that_differ_in_two_things_tell_of_no_factor(compared):
    found = rows(compared.path).set_index("name", drop=False)
    two = found.loc[["minmax-seed-42", "robust-seed-7"]]
    assert effects(song_scores(two, compared.path)).empty


def test_the_command_prints_and_writes(compared):
    done = compared.run(
        "python", "-m", "study.compare", "--csv", "matrix.csv", "--picture", "a/matrix.png"
    )
    assert "museval" in done.stdout and "frequency" in done.stdout
    written = pd.read_csv(compared.path / "matrix.csv")
    expected = table(rows(compared.path))
    assert written["name"].tolist() == expected["name"].tolist()
    assert written["global.sdr"].tolist() == expected["global.sdr"].tolist()
    assert (compared.path / "a/matrix.png").exists()


def test_a_report_shows_them_and_after_another_commit_those_that_are_committed(compared, tmp_path):
    project = compared.copy(tmp_path / "project")
    project.set(seed=8)
    report = ("python", "-m", "study.report", "--base", "main")
    table = project.run(*report).stdout.split("### Experiments")[1]
    assert "| 1 |" in table and "| 2 |" in table and "robust" in table
    project.run("python", "-m", "study.compare", "--csv", "metrics/matrix.csv")
    project.commit("Another commit")
    project.set(seed=9)
    section = project.run(*report).stdout.split("### Experiments")[1]
    assert "This commit has none; from `metrics/matrix.csv`" in section
    assert section.rstrip().endswith(table.strip())


def test_after_another_commit_they_are_those_of_all_commits(compared, tmp_path):
    project = compared.copy(tmp_path / "project")
    (project.path / "notes.txt").write_text("seen\n")
    project.commit("Notes")
    assert "--all-commits" in project.run("python", "-m", "study.compare", check=False).stderr
    assert set(rows(project.path, num=-1)["name"]) == NAMES


def test_no_experiment_is_one_line(project):
    done = project.run("python", "-m", "study.compare", check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and "make matrix" in done.stderr
