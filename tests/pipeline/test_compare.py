"""The comparison reads DVC's experiments: those that finished, each with its own scores."""

import json
from pathlib import Path

import pandas as pd
import pytest

from study.compare import rows, song_scores, table
from study.effects import effects
from tests.pipeline.conftest import Project

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def studied(finished, made_once, tmp_path_factory) -> Project:
    """Two experiments that finish, one that fails, one that ran in part, one queued."""

    def make(folder: Path) -> None:
        project = finished.copy(folder / "project")
        queue = ("dvc", "exp", "run", "--queue")
        project.run(*queue, "--name", "minmax", "-S", "normalize.axis=time")
        project.run(*queue, "--name", "other-loss", "-S", "train.loss=mse", "-S", "seed=7")
        project.run(*queue, "--name", "broken", "-S", "train.loss=huber")
        project.run(*queue, "--name", "partial", "-S", "normalize.scaler=robust", "normalize")
        project.run("dvc", "exp", "run", "--run-all")
        project.run(*queue, "--name", "waiting", "-S", "train.epochs=3")

    made = Project(made_once("studied", make) / "project")
    return made.copy(tmp_path_factory.mktemp("studied") / "project")


def test_what_finished_is_a_row_and_nothing_else(studied, capsys):
    found = rows(studied.path).set_index("name")
    assert set(found.index) == {"minmax", "other-loss"}
    assert "left out: partial" in capsys.readouterr().err
    assert found.loc["minmax", ["normalize.axis", "train.loss", "seed"]].tolist() == [
        "time", "mae", 42,
    ]  # fmt: skip
    assert found.loc["other-loss", ["normalize.axis", "train.loss", "seed"]].tolist() == [
        "frequency", "mse", 7,
    ]  # fmt: skip


def test_every_row_has_its_own_scores(studied):
    found = rows(studied.path)
    baseline = studied.metrics("eval")["global"]["sdr"]
    floor = studied.metrics("bounds")["mixture"]["global"]["sdr"]
    for number, row in enumerate(found.to_dict("records")):
        scores = json.loads(studied.run("git", "show", f"{row['rev']}:metrics/eval.json").stdout)
        assert row["global.sdr"] == scores["global"]["sdr"] != baseline
        assert row["museval.sdr"] == scores["museval"]["sdr"]
        assert row["global.gain"] == pytest.approx(row["global.sdr"] - floor, abs=0.0011)
        # The scores of the songs are that run's as well.
        songs = song_scores(found[number : number + 1], studied.path)
        assert songs["value"].mean() == pytest.approx(row["global.sdr"], abs=0.0011)


def test_runs_that_differ_in_two_things_tell_of_no_factor(studied):
    assert effects(song_scores(rows(studied.path), studied.path)).empty


def test_the_command_prints_and_writes(studied):
    done = studied.run(
        "python", "-m", "study.compare", "--csv", "matrix.csv", "--picture", "a/matrix.png"
    )
    assert "museval" in done.stdout and "frequency" in done.stdout
    written = pd.read_csv(studied.path / "matrix.csv")
    compared = table(rows(studied.path))
    assert written["name"].tolist() == compared["name"].tolist()
    assert written["global.sdr"].tolist() == compared["global.sdr"].tolist()
    assert (studied.path / "a/matrix.png").exists()


def test_a_report_shows_them_and_after_another_commit_those_that_are_committed(studied, tmp_path):
    project = studied.copy(tmp_path / "project")
    project.set(seed=8)
    report = ("python", "-m", "study.report", "--base", "main")
    table = project.run(*report).stdout.split("### Experiments")[1]
    assert "| 1 |" in table and "| 2 |" in table and "mse" in table
    project.run("python", "-m", "study.compare", "--csv", "metrics/matrix.csv")
    project.commit("Another commit")
    project.set(seed=9)
    section = project.run(*report).stdout.split("### Experiments")[1]
    assert "None on this commit; as in `metrics/matrix.csv`" in section
    assert section.rstrip().endswith(table.strip())


def test_after_another_commit_they_are_those_of_all_commits(studied, tmp_path):
    project = studied.copy(tmp_path / "project")
    (project.path / "notes.txt").write_text("seen\n")
    project.commit("Notes")
    assert "--all-commits" in project.run("python", "-m", "study.compare", check=False).stderr
    assert set(rows(project.path, num=-1)["name"]) == {"minmax", "other-loss"}


def test_no_experiment_is_one_line(project):
    done = project.run("python", "-m", "study.compare", check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and "make matrix" in done.stderr
