"""The table of experiments: differing parameters and scores, fitted to a terminal."""

import pandas as pd
import pytest

from stages import trainings
from study import table as command
from study.experiments import BOUNDS
from study.table import SCORES, cells, fitted, table


@pytest.fixture
def found(monkeypatch):
    """Rows as from study.experiments: two settings, one seed."""
    monkeypatch.setattr(command, "durations", lambda rows: pd.Series([90.0, float("nan")]))
    scores = {score: [1.0, 2.0] for score in [*SCORES, *BOUNDS]}
    factors = {"normalize.axis": ["time", "time"], "train.loss": ["mse", "mae"]}
    return pd.DataFrame({"name": ["b", "a"], "rev": ["1", "2"], "seed": 42, **factors, **scores})


def test_parameters_common_to_all_experiments_are_omitted(found):
    assert list(table(found)) == ["name", "train.loss", *SCORES, "minutes"]


def test_table_is_sorted_by_any_column(found):
    assert table(found, "global.sdr")["name"].tolist() == ["a", "b"]
    assert table(found, "train.loss")["train.loss"].tolist() == ["mae", "mse"]
    assert table(found, "minutes")["name"].tolist() == ["b", "a"]


def test_unknown_column_is_an_error_of_one_line(found, rejects):
    with rejects("--sort sdr: no such column", "global.sdr"):
        table(found, "sdr")


def test_unknown_duration_is_a_dash(found):
    text = cells(table(found, "minutes"))
    assert text["training", "min"].tolist() == ["1.5", "–"]


@pytest.mark.parametrize("differing", [1, 5, 30])
def test_table_is_at_most_120_characters_wide(found, differing):
    for number in range(differing):
        found[f"section.a_rather_long_key_{number}"] = ["first" * 9, "second" * 9]
    found["name"] = ["an-experiment-with-a-long-name" * 3, "another"]
    lines = fitted(table(found)).splitlines()
    assert max(map(len, lines)) <= 120
    assert all(head in lines[1] for head in ("SDR", "SIR", "SAR", "gain", "min"))
    if differing == 30:
        assert "more parameters differ" in lines[-1]


def test_durations_are_recorded_by_the_digest_of_the_metrics(tmp_path, monkeypatch):
    monkeypatch.setenv("VOCALSEG_TRAININGS", str(tmp_path / "kept"))
    metrics = tmp_path / "train.json"
    metrics.write_text('{"val_loss": 0.5}')
    trainings.record(metrics, 12.34)
    (digest,) = [path.stem for path in (tmp_path / "kept").glob("*.seconds")]
    assert trainings.seconds(digest) == 12.3


@pytest.mark.parametrize("folder", ["file/below", "/proc/nowhere"])
def test_unwritable_folder_is_reported_before_training(tmp_path, monkeypatch, rejects, folder):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VOCALSEG_TRAININGS", str(tmp_path / folder))
    with rejects("unfinished trainings cannot be kept there", "VOCALSEG_TRAININGS"):
        trainings.folder()
