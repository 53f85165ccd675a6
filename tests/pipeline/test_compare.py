"""The comparison reads finished experiments from DVC, each with its own scores."""

import json
from pathlib import Path

import pandas as pd
import pytest

from study.compare import rows, song_scores, table
from study.effects import effects
from tests.pipeline.conftest import GRID, Project

pytestmark = pytest.mark.slow


NAMES = {f"{scaler}-seed-{seed}" for scaler in GRID["normalize.scaler"] for seed in GRID["seed"]}


@pytest.fixture(scope="module")
def compared(studied, made_once, tmp_path_factory) -> Project:
    """Four finished experiments, one that failed, one that ran only in part, and one queued."""

    def make(folder: Path) -> None:
        project = studied.copy(folder / "project")
        queue = ("dvc", "exp", "run", "--queue")
        project.run(*queue, "--name", "broken", "-S", "train.loss=huber")
        project.run(*queue, "--name", "partial", "-S", "normalize.axis=time", "normalize")
        project.run_queue()
        project.run(*queue, "--name", "waiting", "-S", "train.epochs=3")

    made = Project(made_once("compared", make) / "project")
    return made.copy(tmp_path_factory.mktemp("compared") / "project")


def test_only_finished_experiments_are_rows(compared, capsys):
    found = rows(compared.path).set_index("name")
    assert set(found.index) == NAMES
    assert "partial: skipped" in capsys.readouterr().err
    for name, row in found.iterrows():
        levels = row[["normalize.axis", "normalize.scaler", "train.loss", "seed"]].tolist()
        scaler, seed = name.split("-seed-")
        assert levels == ["frequency", scaler, "mae", int(seed)]


def test_each_row_has_the_scores_of_its_experiment(compared):
    found = rows(compared.path)
    baseline = compared.metrics("eval")["global"]["sdr"]
    floor = compared.metrics("bounds")["mixture"]["global"]["sdr"]
    for number, row in enumerate(found.to_dict("records")):
        scores = json.loads(compared.run("git", "show", f"{row['rev']}:metrics/eval.json").stdout)
        assert row["global.sdr"] == scores["global"]["sdr"]
        assert (row["global.sdr"] == baseline) == (row["name"] == "minmax-seed-42")
        assert row["museval.sdr"] == scores["museval"]["sdr"]
        assert row["global.gain"] == pytest.approx(row["global.sdr"] - floor, abs=0.0011)
        # The scores of songs are also those of this experiment.
        songs = song_scores(found[number : number + 1], compared.path)
        assert songs["value"].mean() == pytest.approx(row["global.sdr"], abs=0.0011)


def test_experiments_that_differ_in_two_factors_give_no_effect(compared):
    found = rows(compared.path).set_index("name", drop=False)
    two = found.loc[["minmax-seed-42", "robust-seed-7"]]
    assert effects(song_scores(two, compared.path)).empty


def test_command_prints_a_table_and_writes_csv_and_picture(compared):
    done = compared.run(
        "python", "-m", "study.compare", "--csv", "matrix.csv", "--picture", "a/matrix.png"
    )
    assert "museval" in done.stdout and "frequency" in done.stdout
    written = pd.read_csv(compared.path / "matrix.csv")
    expected = table(rows(compared.path))
    assert written["name"].tolist() == expected["name"].tolist()
    assert written["global.sdr"].tolist() == expected["global.sdr"].tolist()
    assert (compared.path / "a/matrix.png").exists()


def test_report_shows_experiments_of_the_commit_or_else_the_committed_table(compared, tmp_path):
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


def test_experiments_of_earlier_commits_are_found_among_all_commits(compared, tmp_path):
    project = compared.copy(tmp_path / "project")
    (project.path / "notes.txt").write_text("seen\n")
    project.commit("Notes")
    assert "--all-commits" in project.run("python", "-m", "study.compare", check=False).stderr
    assert set(rows(project.path, num=-1)["name"]) == NAMES


def test_missing_experiments_are_an_error_of_one_line(project):
    done = project.run("python", "-m", "study.compare", check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and "make matrix" in done.stderr
