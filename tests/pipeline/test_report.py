"""The report on a change, made in a clone by the command of the workflow."""

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from study import changes, report
from study.change_charts import songs_chart
from tests.pipeline.conftest import Project


def table(text: str, section: str) -> dict[str, list[str]]:
    """Rows of the first table of a section, by their first cell."""
    body = text.split(f"### {section}\n")[1].split("\n### ")[0]
    rows = [line.strip("| ").split(" | ") for line in body.splitlines() if line.startswith("|")]
    return {row[0].strip("`"): row[1:] for row in rows[2:]}


def git(*command: str, cwd=None) -> None:
    subprocess.run(["git", *command], cwd=cwd, check=True, capture_output=True)


def fresh_clone(origin, path, cache) -> Project:
    """A clone with a restored cache and without outputs, as in CI."""
    git("clone", "-q", str(origin), str(path))
    git("config", "user.email", "test@example.org", cwd=path)
    git("config", "user.name", "Test", cwd=path)
    shutil.copytree(cache, path / ".dvc/cache")
    return Project(path)


@pytest.fixture(scope="module")
def changed(finished, made_once, tmp_path_factory) -> Project:
    """A clone in CI after the report on a pushed branch with another loss.

    The author and CI clone a bare repository, whose main has the results of ``finished``.
    """

    def make(folder: Path) -> None:
        origin, cache = folder / "origin.git", finished.path / ".dvc/cache"
        git("clone", "-q", "--bare", str(finished.path), str(origin))
        author = fresh_clone(origin, folder / "author", cache)
        author.run("git", "checkout", "-q", "-b", "change")
        author.set(train={"loss": "mse"})
        author.commit("Another loss")
        author.run("git", "push", "-q", "origin", "change")

        runner = fresh_clone(origin, folder / "runner", cache)
        runner.run("git", "checkout", "-q", "change")
        runner.run("make", "-o", "setup", "report", BASE="origin/main")

    made = Project(made_once("changed", make) / "runner")
    return made.copy(tmp_path_factory.mktemp("changed") / "runner")


def read(project: Project, name: str = "report") -> str:
    return (project.path / f"report/{name}.md").read_text()


def test_changed_parameter_is_listed_with_both_values(changed):
    assert table(read(changed), "Parameters") == {"train.loss": ["mae", "mse"]}


def test_changed_stages_are_listed_with_reason_and_time(changed):
    stages = table(read(changed), "Stages")
    assert list(stages) == ["train", "eval", "report"]
    assert stages["train"][0] == "`train`"
    assert "`models`" in stages["eval"][0]
    for _, time in stages.values():
        minutes, seconds = map(int, re.fullmatch(r"(\d+):(\d\d)", time).groups())
        assert 0 < 60 * minutes + seconds < 300


def test_metrics_are_listed_with_both_values_and_their_difference(finished, changed):
    shown = table(read(changed), "Metrics")
    for name in ("train", "eval"):
        before, now = finished.metrics(name), changed.metrics(name)
        flat = pd.json_normalize([before, now])
        for key in flat:
            old, new = flat[key]
            if old == new or old != old or new != new:
                continue
            values = [float(value) for value in shown.pop(f"{name}: {key}")]
            assert values == pytest.approx([old, new, new - old], rel=1e-5, abs=1e-9)
    assert not [key for key in shown if key.startswith("bounds")]
    assert "cannot be compared, because" in read(changed)


def test_curves_and_gains_are_pictures_in_the_report_and_charts_in_the_comment(finished, changed):
    text, comment = read(changed), read(changed, "comment")
    for name in ("training", "songs"):
        picture = changed.path / f"report/{name}.png"
        assert f"]({name}.png)" in text and f"{name}.png" not in comment
        assert picture.read_bytes().startswith(b"\x89PNG")
    assert "not in the DVC cache" not in text
    assert comment.startswith(report.MARKER)
    charts = re.findall(r"```mermaid\n(.*?)```", comment, re.DOTALL)
    assert len(charts) == 3  # different losses have separate charts
    for folder, chart in zip((finished, changed), charts, strict=False):
        table = pd.read_csv(folder.path / changes.CURVES.format("val_loss"), sep="\t")
        drawn = [float(v) for v in re.search(r"line \[(.*)\]", chart)[1].split(", ")]
        assert drawn == pytest.approx(table["val_loss"].tolist(), abs=1e-5)


def test_each_song_is_listed_with_both_gains(finished, changed):
    shown = table(read(changed), "Songs")
    for column, folder in enumerate((finished, changed)):
        songs = pd.read_csv(folder.path / changes.SONGS)
        songs = songs[(songs["protocol"] == "museval") & (songs["metric"] == "sdr")]
        expected = dict(zip(songs["song"], songs["gain"], strict=True))
        assert {song: float(row[column]) for song, row in shown.items()} == pytest.approx(
            expected, abs=0.006
        )


def test_second_run_reports_that_all_results_were_up_to_date(changed):
    done = changed.run("python", "-m", "study.report", "--base", "origin/main", "--repro")
    stages = table(done.stdout, "Stages")
    assert {name: row[1] for name, row in stages.items()} == dict.fromkeys(
        ("train", "eval", "report"), "no, its results were up to date"
    )


def test_uncached_curves_of_the_base_are_reported_as_missing(changed, tmp_path):
    project = changed.copy(tmp_path / "project")
    shutil.rmtree(project.path / ".dvc/cache")
    project.run("python", "-m", "study.report", "--base", "origin/main")
    text = read(project)
    assert text.count("The base's are not in the DVC cache") == 2
    assert "![Loss by epoch" in text and table(text, "Songs").keys() == {"Song 50", "Song 51"}


def test_report_without_changes_is_one_sentence(project):
    done = project.run("python", "-m", "study.report", "--repro", "--base", "HEAD")
    assert done.stdout.splitlines()[2:] == ["**Nothing**: no parameter, no stage, no metric.", ""]
    assert read(project, "comment").startswith(report.MARKER)


def test_base_is_the_merge_base_and_ignores_later_commits_of_others(project, monkeypatch):
    project.run("git", "checkout", "-q", "-b", "change")
    project.run("git", "checkout", "-q", "main")
    project.set(matrix={"train.loss": ["mse"]})
    project.commit("Somebody else's")
    project.run("git", "checkout", "-q", "change")
    monkeypatch.chdir(project.path)
    assert changes.base_commit("main") == project.run("git", "rev-parse", "HEAD").stdout.strip()


def test_base_without_metrics_is_reported(project):
    project.run("git", "checkout", "-q", "HEAD~1")  # the commit before the results
    project.run("git", "checkout", "-q", "-b", "results")
    project.run("git", "checkout", "-q", "main", "--", "metrics", "dvc.lock")
    project.commit("Results again")
    done = project.run("python", "-m", "study.report", "--base", "HEAD~1")
    assert "The base has no metrics to compare with." in done.stdout


@pytest.mark.parametrize(
    ("prepare", "base", "expected"),
    [
        (lambda p: None, "no-such-branch", "--base no-such-branch: no such commit here; fetch it"),
        (lambda p: None, "--help-me", "--base --help-me: no such commit here"),
        (lambda p: shutil.rmtree(p / ".git"), "main", "not a git repository"),
        (lambda p: (p / "dvc.yaml").unlink(), "main", "dvc.yaml: no such file; run from"),
    ],
)
def test_invalid_base_or_folder_is_an_error_of_one_line(
    project, monkeypatch, prepare, base, expected
):
    prepare(project.path)
    monkeypatch.chdir(project.path)
    with pytest.raises(SystemExit) as caught:
        changes.base_commit(base)
    assert caught.value.code.startswith(expected) and "\n" not in caught.value.code


def test_failed_stage_ends_the_report_and_is_named_in_the_error(project):
    stage = project.path / "stages/eval.py"
    stage.write_text("raise SystemExit('broken')\n")
    done = project.run("python", "-m", "study.report", "--repro", check=False)
    assert done.returncode == 1
    assert "dvc repro failed in stage eval" in done.stderr.splitlines()[-1]
    assert not (project.path / "report").exists()


def test_markup_in_song_names_is_escaped():
    frame = pd.DataFrame({"now": [1.0]}, index=['a|b <img src=x> "quoted"\nline'])
    row = report.songs_table(frame).splitlines()[4]
    assert row == '| a\\|b &lt;img src=x> "quoted" line | 1.00 |'
    assert "\"a|b <img src=x> 'quoted'" in songs_chart(frame).replace("\n", " ")
