"""Evaluation of blind tests: shares, intervals and tests, and unusable files."""

import numpy as np
import pandas as pd
import pytest

from study import listening, preferences
from study.preferences import COLUMNS, REFERENCE


def answers(listener: str, *trials: tuple[str, str, str, bool], seed: str = "1") -> pd.DataFrame:
    """Answers from (a, b, preferred, X identified correctly)."""
    rows = [
        ("page", listener, seed, str(number), "Song, one", a, b, a, preferred, a if correct else b)
        for number, (a, b, preferred, correct) in enumerate(trials, 1)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


ANN = answers(
    "Ann",
    *[("one", "two", "one", True)] * 5,
    *[("two", "one", "two", False)] * 1,
    *[("one", "two", "", True)] * 2,
    ("one", REFERENCE, REFERENCE, True),
    (REFERENCE, "two", "two", False),
    ("three", "one", "one", True),
)
BOB = answers("Bob", *[("two", "one", "one", True)] * 4)


def test_pairs_are_counted_over_listeners_without_ties_and_the_reference():
    found = preferences.pairs(pd.concat([ANN, BOB]))
    first, second = found.to_dict("records")
    assert (first["better"], first["worse"]) == ("one", "two")
    assert (first["listeners"], first["answers"], first["ties"]) == (2, 12, 2)
    assert first["share"] == pytest.approx(9 / 10)
    assert first["x"] == pytest.approx(11 / 12)
    # Sign test: 2 (1 + 10) / 2^10, times 2 for two pairs (Holm).
    assert first["p"] == pytest.approx(2 * 22 / 1024)
    assert (second["better"], second["worse"], second["p"]) == ("one", "three", 1.0)


def test_interval_is_that_of_wilson():
    """The expected interval for 9 of 10 follows from the formula."""
    n, share, z = 10, 0.9, 1.959964
    center = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half_width = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    found = preferences.share(9, 10)
    expected = pytest.approx([center - half_width, center + half_width], abs=1e-6)
    assert [found["low"], found["high"]] == expected
    assert all(np.isnan(value) for value in preferences.share(0, 0).values())


def test_overall_table_counts_all_comparisons_of_an_experiment():
    found = preferences.overall(pd.concat([ANN, BOB])).set_index("experiment")
    assert found["answers"].to_dict() == {"one": 13, "two": 12, "three": 1}
    assert found["share"].to_dict() == pytest.approx({"one": 10 / 11, "two": 1 / 10, "three": 0})


def test_listeners_are_evaluated_by_x_and_the_hidden_reference():
    found = preferences.listeners(pd.concat([ANN, BOB])).set_index("listener")
    assert found["x"].to_dict() == {"Ann": 9, "Bob": 4, "all": 13}
    assert found.loc["Ann", ["reference", "references"]].tolist() == [1, 2]
    # One-sided: all four right by guessing.
    assert found.loc["Bob", "p"] == pytest.approx(1 / 16)
    assert list(preferences.listeners(ANN)["listener"]) == ["Ann"]


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_command_pools_files_and_prints_all_tables(tmp_path, capsys, form):
    ANN.to_csv(tmp_path / "ann.csv", index=False)
    BOB.to_csv(tmp_path / "bob.csv", index=False, lineterminator="\r\n")
    paths = map(str, tmp_path.iterdir())
    listening.main([*paths, "--format", form])
    printed = capsys.readouterr().out
    for text in ("Pairs", "Overall", "Listeners", "90 %", "0.043", "1 of 2", "Wilson"):
        assert text in printed


def test_two_experiments_with_ties_only_have_no_share(tmp_path, capsys):
    answers("A", ("one", "two", "", True)).to_csv(tmp_path / "a.csv", index=False)
    listening.main([str(tmp_path / "a.csv")])
    printed = capsys.readouterr().out
    assert "Overall" not in printed and "– to –" in printed


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda t: t.drop(columns="guess"), "columns must be page,listener"),
        (lambda t: t[:0], "has no answers"),
        (lambda t: t.assign(guess="none"), ":2: x, guess and preferred must be a or b"),
        (lambda t: t.assign(b=t["a"]), ":2: x, guess and preferred"),
        (lambda t: pd.concat([t, t]), "has several tests"),
        (lambda t: t.assign(page="other", seed="2"), "from another page than"),
        (lambda t: t, "same listener and seed as in"),
    ],
)
def test_files_that_cannot_be_evaluated_are_errors_of_one_line(tmp_path, rejects, change, expected):
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    BOB.to_csv(first, index=False)
    change(BOB).to_csv(second, index=False)
    with rejects(second, expected):
        listening.read([first, second])


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'a,b\n"', None])
def test_other_files_are_errors_of_one_line(tmp_path, rejects, content):
    path = tmp_path / "file.csv"
    if content is not None:
        path.write_bytes(content)
    with rejects(path):
        listening.read([path])
