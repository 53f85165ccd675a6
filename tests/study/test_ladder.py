"""Studies: their experiments, committed rows, and differences between rungs."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from stages.schema.params import check
from study import ladder, records
from study.cost import network_cost
from study.repository import git
from tests.pipeline.conftest import ROOT

COMMITTED = yaml.safe_load((ROOT / "params.yaml").read_text())
PLAN = {
    "seed": [1, 2],
    "rungs": [
        {"paper": {}},
        {"mask": {"train.augment_on": "magnitudes", "model.output": "mask"}},
        {"wide": {"model.filters": 16}},
        {"log": {"normalize.scaler": "log"}},
    ],
    "without": ["wide"],
}


def with_studies(**studies):
    return check({**COMMITTED, "studies": studies})


def test_rungs_are_cumulative_and_one_may_be_left_out():
    runs = with_studies(mine=PLAN).studies["mine"].experiments("mine")
    assert list(runs) == [
        f"mine-{step}-seed-{seed}"
        for seed in (1, 2) for step in ("paper", "mask", "wide", "log", "without-wide")
    ]  # fmt: skip
    mask = {"train.augment_on": "magnitudes", "model.output": "mask"}
    assert runs["mine-paper-seed-2"] == ("paper", {"seed": 2})
    assert runs["mine-wide-seed-1"][1] == mask | {"model.filters": 16, "seed": 1}
    assert runs["mine-without-wide-seed-1"][1] == mask | {"normalize.scaler": "log", "seed": 1}


def test_a_grid_has_every_combination():
    plan = {"grid": {"train.loss": ["mae", "mse"], "model.filters": [4, 8]}}
    steps = with_studies(mine=plan).studies["mine"].steps()
    assert list(steps) == ["mae-4", "mae-8", "mse-4", "mse-8"]
    assert steps["mse-4"] == {"train.loss": "mse", "model.filters": 4}


@pytest.mark.parametrize(
    ("plan", "messages"),
    [
        ({}, ["studies.mine", "either a grid or rungs"]),
        ({"rungs": [{"a": {}}], "without": ["b"]}, ["without names no rung: b"]),
        ({"rungs": [{"a": {}}, {"a": {}}]}, ["two rungs have the same name"]),
        ({"rungs": [{"a": {}, "b": {}}]}, ["studies.mine.rungs"]),
        ({"rungs": [{"a": {"train.los": "mae"}}]}, ["studies.mine.train.los must be"]),
        ({"rungs": [{"a": {"train.loss": "mea"}}]}, ["studies.mine.train.loss: 'mea'"]),
        ({"rungs": [{"a": {"loss": "mae"}}]}, ["studies.mine.loss must be"]),
        ({"rungs": [{"a": {}}], "seed": [-1]}, ["studies.mine.seed: -1"]),
        ({"rungs": [{"a": {}}], "seeds": [1]}, ["studies.mine.seeds: unknown key"]),
    ],
)
def test_invalid_study_is_an_error_of_one_line(rejects, plan, messages):
    with rejects("params.yaml: studies", *messages):
        with_studies(mine=plan)


def test_incompatible_settings_of_a_study_are_an_error(rejects):
    params = with_studies(mine={"rungs": [{"a": {"model.output": "mask"}}]})
    with rejects("studies.mine: mine-a: model.output", "needs train.augment_on = magnitudes"):
        records.Records(params, "mine")


def test_name_of_a_study_must_be_a_file_name(rejects):
    with rejects("params.yaml: studies"):
        with_studies(**{"../mine": PLAN})


# ------------------------------------------------------------------ the committed rows


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A study with two finished experiments, in a temporary folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inputs").mkdir()
    (tmp_path / "metrics").mkdir()
    for stage in ("train", "report"):
        (tmp_path / f"inputs/{stage}.json").write_text(json.dumps({"modules": {"a": "1"}}))
    found = records.Records(with_studies(mine=PLAN), "mine")
    row_names = ["mine-paper-seed-1", "mine-log-seed-2"]
    rows = [
        {"name": n, "step": found.steps[n], "seed": found.params[n].seed,
         "made_by": records.digest(found.params[n]), "global.sdr": 4.0} for n in row_names
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv("metrics/mine.csv", index=False)
    songs = [{"name": n, "song": s, "museval": 1.0, "global": 2.0} for n in row_names for s in "ab"]
    pd.DataFrame(songs).to_csv("metrics/mine.songs.csv", index=False)
    return tmp_path


def row_names(**changes):
    params = with_studies(mine=PLAN | changes.pop("plan", {}))
    return records.Records(params.model_copy(update=changes), "mine").up_to_date()


def test_rows_of_the_same_code_and_settings_are_kept(kept):
    assert row_names() == ["mine-paper-seed-1", "mine-log-seed-2"]
    assert row_names(plan={"seed": [1, 2, 3]}) == row_names()  # more seeds keep existing rows
    assert row_names(plan={"without": []}) == row_names()


def test_rows_of_other_code_or_settings_are_not_kept(kept):
    params = with_studies(mine=PLAN)
    other = params.train.model_copy(update={"epochs": 99})
    assert row_names(train=other) == []
    changed_rungs = [*PLAN["rungs"][:2], {"wide": {"model.filters": 4}}, PLAN["rungs"][3]]
    assert row_names(plan={"rungs": changed_rungs}) == ["mine-paper-seed-1"]
    (kept / "inputs/report.json").write_text("{}")  # the report has no effect on scores
    assert len(row_names()) == 2
    (kept / "inputs/train.json").write_text(json.dumps({"modules": {"a": "2"}}))
    assert row_names() == []


def test_row_without_scores_of_songs_is_not_kept(kept):
    (kept / "metrics/mine.songs.csv").unlink()
    assert row_names() == []


def test_tables_that_cannot_be_written_keep_their_rows(kept, monkeypatch):
    git("init", "-q")
    identity = "-c", "user.name=x", "-c", "user.email=x@example.org"
    git(*identity, "commit", "-q", "--allow-empty", "-m", "a")
    before = {path: path.read_text() for path in Path("metrics").iterdir()}

    def disk_full(table, path, **options):
        Path(path).write_text("name,st")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", disk_full)
    found = records.Records(with_studies(mine=PLAN), "mine")
    with pytest.raises(OSError, match="No space left"):
        found.collect(list(found.experiments))
    assert {path: path.read_text() for path in Path("metrics").iterdir()} == before


def test_unknown_study_is_an_error_of_one_line(kept, rejects):
    with rejects("studies.other: no such study", "mine"):
        records.Records(with_studies(mine=PLAN), "other")


# ------------------------------------------------------------------ table and picture


def results():
    """Two rungs and one step without a rung, for three songs and two seeds."""
    rows, songs = [], []
    gains = {"paper": 0.0, "mask": 1.0, "without-paper": 0.5}
    for step, gain in gains.items():
        for seed in (1, 2):
            name = f"{step}-{seed}"
            rows.append({"name": name, "step": step, "seed": seed, "museval.sdr": gain,
                         "table1.sdr": 2 * gain, "global.sdr": 4 + gain + seed / 10,
                         "mixture.global.sdr": -4.0, "irm.global.sdr": 9.0,
                         "minutes": 2.0, "cpu_minutes": 4.0})  # fmt: skip
            songs += [
                {"name": name, "step": step, "seed": seed, "song": song,
                 "global": level + gain * (1 + song_part) + seed / 10}
                for song, level, song_part in (("a", 1, 0.1), ("b", 5, -0.1), ("c", 9, 0.0))
            ]  # fmt: skip
    return pd.DataFrame(rows), pd.DataFrame(songs)


def test_steps_are_compared_with_the_previous_or_last_rung_by_song_and_seed():
    found = ladder.table(*results(), {"mask": (10, 20)}).set_index("step")
    assert np.isnan(found.loc["paper", "difference"])
    assert found.loc["mask", "difference"] == pytest.approx(1.0)
    assert found.loc["without-paper", "difference"] == pytest.approx(-0.5)
    by_song = [1.1, 0.9, 1.0]  # the same for both seeds, so the interval is due to songs only
    half = stats.t.ppf(0.975, 2) * stats.sem(by_song)
    assert found.loc["mask", "low"] == pytest.approx(1 - half)
    assert found.loc["mask", "high"] == pytest.approx(1 + half)
    assert found.loc["mask", "global.sdr"] == pytest.approx(5.15)
    assert found.loc["mask", "global.sdr.std"] == pytest.approx(np.std([5.1, 5.2], ddof=1))
    assert found.loc["mask", "per_minute"] == pytest.approx(9.15 / 4)
    assert found.loc["mask", ["parameters", "multiplications"]].tolist() == [10, 20]


def test_table_and_picture_are_created(tmp_path):
    rows, songs = results()
    found = ladder.table(rows, songs, {})
    assert "1.00" in ladder.cells(found)["global", "step"].tolist()
    ladder.draw(found, rows, tmp_path / "ladder.png")
    assert (tmp_path / "ladder.png").stat().st_size > 10_000


def test_steps_of_a_grid_are_not_compared_in_their_order():
    found = ladder.table(*results(), {}, grid=True).set_index("step")
    assert found["difference"].isna().all()
    assert found["table1.sdr"].tolist() == [0.0, 2.0, 1.0]
    heads = list(ladder.cells(found.reset_index()))
    assert ("table1", "SDR") in heads and ("global", "step") not in heads


def test_effects_of_factors_of_a_grid_are_paired_by_song_and_seed():
    plan = {"seed": [1, 2], "grid": {"train.loss": ["mae", "mse"], "normalize.axis": ["time"]}}
    settings = records.Records(with_studies(mine=plan), "mine").experiments
    songs = pd.DataFrame([
        {"name": name, "song": song, "seed": of_one["seed"],
         "global": level + gain * (of_one["train.loss"] == "mse")}
        for name, of_one in settings.items() for song, level, gain in (("a", 1, 2.0), ("b", 5, 3.0))
    ])  # fmt: skip
    (effect,) = ladder.factor_effects(songs, settings).to_dict("records")
    assert (effect["factor"], effect["better"], effect["worse"]) == ("train.loss", "mse", "mae")
    assert effect["difference"] == pytest.approx(2.5)
    assert (effect["songs"], effect["seeds"]) == (2, 2)


def test_runs_in_different_precisions_are_pointed_out():
    rows = pd.DataFrame({"precision": ["float32", "bfloat16", "float32"]})
    assert "2 in float32, 1 in bfloat16" in ladder.precision_warning(rows)
    assert not ladder.precision_warning(rows[::2])


def test_multiplications_equal_a_count_by_hand():
    params = with_studies()
    small = {"stft.frame_size": 64, "stft.hop": 16, "stft.tile_frames": 16, "model.depth": 1,
             "model.filters": 2}  # fmt: skip
    _, unet = network_cost(params.changed(small))
    full, half = 32 * 16, 16 * 8
    expected = full * 9 * (1 * 2 + 2 * 2) + half * 9 * (2 * 4 + 4 * 4) + half * 4 * 4 * 2
    expected += full * 9 * (4 * 2 + 2 * 2) + full * 2
    assert unet == expected
    small |= {"model.name": "strided", "model.depth": 2}
    count, strided = network_cost(params.changed(small))
    quarter = 8 * 4
    expected = half * 25 * 2 + quarter * 25 * 2 * 4 + quarter * 25 * 4 * 2 + half * 25 * 4
    assert strided == expected
    assert count == 25 * (2 + 8 + 8 + 4) + 1 + 4 * (2 + 4 + 2)
