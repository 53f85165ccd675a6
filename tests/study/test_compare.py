"""Comparison with Table I on small tables: order, ranks, seeds, text."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from study import paper
from study.compare import markdown, rank_correlation, table, table_notes, terminal
from study.experiments import BOUNDS, SCORES, factors, finished
from study.picture import draw

AXIS, SCALER, LOSS = paper.FACTORS


def run(axis: str, scaler: str, loss: str, table1: float | None, **others) -> dict:
    """A row as in study.experiments.rows; museval and global are 1 and 2 dB below table1."""
    base = table1 or 0.0
    scores = {"museval.sdr": base - 1, "global.sdr": base - 2}
    row = dict.fromkeys([*SCORES, *BOUNDS], 0.5) | scores | {"table1.sdr": table1}
    gains = {"museval.gain": base + 4, "global.gain": base + 5}
    levels = {AXIS: axis, SCALER: scaler, LOSS: loss, "seed": 42}
    name = f"{axis}-{scaler}-{loss}"
    return {"name": name, "rev": "0123456"} | levels | row | gains | others


def full_matrix() -> pd.DataFrame:
    """The eight experiments in reverse order, with scores 3 dB below the published values."""
    published = paper.TABLE_I.iloc[::-1].to_dict("records")
    return pd.DataFrame(run(*(p[f] for f in paper.FACTORS), p["paper.sdr"] - 3) for p in published)


def test_table_is_sorted_as_in_the_paper_and_has_its_values():
    compared = table(full_matrix())
    assert compared["rank"].tolist() == compared["paper.rank"].tolist() == list(range(1, 9))
    assert compared["paper.sdr"].tolist() == paper.TABLE_I["paper.sdr"].tolist()
    assert np.allclose(compared["table1.sdr"], compared["paper.sdr"] - 3)
    assert compared["museval.gain"][0] == pytest.approx(7.115 - 3 + 4)
    assert list(compared)[:6] == ["rank", "name", "runs", *paper.FACTORS]


def test_table_i_has_the_published_values():
    assert paper.TABLE_I["paper.sdr"].is_monotonic_decreasing
    # In all rows of the paper, SIR is about 18 dB above SAR.
    gap = paper.TABLE_I["paper.sir"] - paper.TABLE_I["paper.sar"]
    assert gap.between(17, 18.1).all()
    assert not paper.TABLE_I.duplicated(paper.FACTORS).any()


def test_max_is_compared_with_minmax_of_the_paper_and_other_scalers_with_none():
    compared = table(
        pd.DataFrame([run("time", "max", "mae", 2.0), run("time", "minmax", "mae", 1.0)])
    )
    assert compared["paper.rank"].tolist() == [2, 2]
    unpublished = table(pd.DataFrame([run("time", "other", "mae", 2.0)]))
    assert unpublished["paper.sdr"].isna().all() and unpublished["paper.rank"].isna().all()


def test_rank_correlation_needs_four_rows():
    rows = full_matrix()
    assert rank_correlation(table(rows)) == (1.0, 8)
    rows["table1.sdr"] = [1.0, 3, 2, 4, 8, 7, 6, 5]
    expected = stats.spearmanr(rows["table1.sdr"], paper.TABLE_I["paper.sdr"][::-1]).statistic
    assert rank_correlation(table(rows)) == (pytest.approx(expected), 8)
    rho, count = rank_correlation(table(rows[:3]))
    assert np.isnan(rho) and count == 3
    assert "Spearman" not in table_notes(table(rows[:3]))


def test_seeds_are_summarized_by_mean_and_standard_deviation():
    values = [1.0, 2.0, 4.5]
    rows = pd.DataFrame(
        run("time", "minmax", "mae", v, seed=s, name=f"n{s}") for s, v in enumerate(values)
    )
    (row,) = table(rows).to_dict("records")
    assert (row["runs"], row["name"]) == (3, "n0 n1 n2")
    assert row["table1.sdr"] == 2.5
    assert row["table1.sdr.std"] == pytest.approx(np.std(values, ddof=1), abs=5e-4)
    assert "2.50±1.80" in terminal(table(rows)) and "seed" not in factors(rows)


def test_undefined_score_is_last_and_has_no_rank():
    rows = pd.DataFrame([run("time", "robust", "mae", None), run("time", "minmax", "mae", 1.0)])
    rows["table1.sdr"] = rows["table1.sdr"].astype(float)
    compared = table(rows)
    assert compared["rank"].tolist()[0] == 1 and pd.isna(compared["rank"][1])
    assert "–" in markdown(compared).splitlines()[-1]


def test_additional_parameter_is_a_column():
    rows = pd.DataFrame(
        [run("time", "minmax", "mae", 1.0, **{"train.learning_rate": r}) for r in (0.001, 0.0003)]
    )
    assert factors(rows) == [*paper.FACTORS, "train.learning_rate"]
    assert len(table(rows)) == 2
    assert "| learning_rate |" in markdown(table(rows))


def test_markdown_from_the_csv_file_is_the_same(tmp_path):
    compared = table(full_matrix())
    compared.to_csv(tmp_path / "matrix.csv", index=False)
    text = markdown(compared)
    assert markdown(pd.read_csv(tmp_path / "matrix.csv")) == text
    head, rule, first = text.splitlines()[:3]
    assert head.startswith("| # | axis | scaler | loss | table1 SDR | table1 SIR | table1 SAR |")
    assert rule.startswith("| ---: | --- | --- | --- | ---: |")
    assert first.startswith("| 1 | frequency | minmax | mae | 4.12 |")
    assert first.endswith("| 7.115 | 25.200 | 7.229 | 1 |")


def test_table_fits_the_terminal():
    lines = terminal(table(full_matrix())).splitlines()
    assert max(map(len, lines)) <= 120
    assert lines[0].split() == ["table1", "museval", "global", "Table", "I"]
    starts = [lines[0].index(name) for name in ("table1", "museval", "global", "Table I")]
    assert all(lines[1][start - 2 : start] == "  " for start in starts)


def test_custom_names_are_shown():
    rows = full_matrix()
    assert "name" not in terminal(table(rows))
    rows.loc[0, "name"] = "urban-sign"
    assert "urban-sign" in terminal(table(rows))


@pytest.mark.parametrize(
    ("kind", "state", "included"),
    [
        ("baseline", None, False),
        ("branch_commit", None, True),
        ("branch_base", "Success", True),
        ("branch_commit", "Failed", False),
        ("branch_base", "Queued", False),
        ("branch_commit", "Running", False),
    ],
)
def test_only_finished_experiments_are_included(kind, state, included):
    shown = pd.DataFrame({"typ": [kind, "baseline"], "State": [state, None]}, dtype=object)
    assert finished(shown).tolist() == [included, False]


@pytest.mark.parametrize("seeds", [1, 2])
def test_picture_is_drawn(tmp_path, seeds):
    rows = pd.concat([full_matrix().assign(seed=seed) for seed in range(seeds)])
    rows["mixture.museval.sar"] = 100.0
    draw(table(rows), rows, tmp_path / "matrix.png")
    assert (tmp_path / "matrix.png").read_bytes().startswith(b"\x89PNG")
