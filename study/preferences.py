"""Shares of preferences and correct answers in blind tests, with intervals and sign tests."""

import numpy as np
import pandas as pd
from scipy import stats

from study.effects import holm

#: Columns of the answers: page, listener and seed of a test, then the columns of each trial. ``a``,
#: ``b``, ``x``, ``preferred`` (or empty) and ``guess`` are names of experiments or REFERENCE.
COLUMNS = ["page", "listener", "seed", "trial", "song", "a", "b", "x", "preferred", "guess"]
REFERENCE = "true vocals"  # the hidden reference; names of experiments have no spaces
LEVEL = 0.95  # confidence level of the intervals


def share(successes: int, trials: int, alternative: str = "two-sided") -> dict[str, float]:
    """Compute a share with its Wilson interval and the exact binomial test against one half.

    Parameters
    ----------
    successes, trials : int
    alternative : str
        Alternative of the test, as in :func:`scipy.stats.binomtest`; the interval is two-sided.

    Returns
    -------
    dict
        ``share``, ``low``, ``high`` and ``p``; NaN without trials.
    """
    if trials == 0:
        return dict.fromkeys(("share", "low", "high", "p"), np.nan)
    interval = stats.binomtest(successes, trials).proportion_ci(LEVEL, method="wilson")
    p = stats.binomtest(successes, trials, alternative=alternative).pvalue
    return {"share": successes / trials, "low": interval.low, "high": interval.high, "p": p}


def pairs(answers: pd.DataFrame) -> pd.DataFrame:
    """Count how often one experiment was preferred to another.

    Parameters
    ----------
    answers : DataFrame
        Answers to trials (:data:`COLUMNS`), one row each.

    Returns
    -------
    DataFrame
        One row per pair, the most often compared pair first: ``better`` (the experiment that was
        preferred more often) and ``worse``; ``listeners``, ``answers``, ``ties`` (counts);
        ``share`` of ``better`` in the answers with a preference, its interval ``low`` and ``high``;
        ``p`` (sign test, Holm-corrected over the pairs); ``x`` (share of correctly named X).
    """
    compared = _without_reference(answers)
    ordered = np.sort(compared[["a", "b"]].to_numpy(dtype=str), axis=1)
    found = []
    for (one, two), rows in compared.groupby([ordered[:, 0], ordered[:, 1]]):
        wins = [int((rows["preferred"] == name).sum()) for name in (one, two)]
        better, worse = (one, two) if wins[0] >= wins[1] else (two, one)
        found.append(
            {"better": better, "worse": worse}
            | _counts(rows)
            | share(max(wins), sum(wins))
            | {"x": float((rows["x"] == rows["guess"]).mean())}
        )
    columns = ["better", "worse", "listeners", "answers", "ties", "share", "low", "high", "p", "x"]
    return _corrected(found, columns, by="answers")


def overall(answers: pd.DataFrame) -> pd.DataFrame:
    """Count how often each experiment was preferred to any other.

    Parameters
    ----------
    answers : DataFrame
        As in :func:`pairs`.

    Returns
    -------
    DataFrame
        ``experiment``, then columns as in :func:`pairs`; the most preferred experiment first.
    """
    compared = _without_reference(answers)
    found = []
    for name in sorted({*compared["a"], *compared["b"]}):
        rows = compared[(compared["a"] == name) | (compared["b"] == name)]
        decided = rows[rows["preferred"] != ""]
        wins = int((decided["preferred"] == name).sum())
        found.append({"experiment": name} | _counts(rows) | share(wins, len(decided)))
    columns = ["experiment", "listeners", "answers", "ties", "share", "low", "high", "p"]
    return _corrected(found, columns, by="share")


def listeners(answers: pd.DataFrame) -> pd.DataFrame:
    """Count the correct answers of each listener, and of all listeners if there are several.

    Parameters
    ----------
    answers : DataFrame
        As in :func:`pairs`.

    Returns
    -------
    DataFrame
        ``listener``, ``answers``; ``x`` (number of correctly named X), its ``share``, ``low``,
        ``high`` and ``p`` (one-sided, against guessing); ``references`` (trials with the hidden
        reference) and ``reference`` (how often it was preferred).
    """
    groups = list(answers.groupby("listener"))
    if len(groups) > 1:
        groups.append(("all", answers))
    found = []
    for name, rows in groups:
        right = int((rows["x"] == rows["guess"]).sum())
        hidden = rows[(rows["a"] == REFERENCE) | (rows["b"] == REFERENCE)]
        found.append(
            {"listener": name, "answers": len(rows), "x": right}
            | share(right, len(rows), "greater")
            | {
                "reference": int((hidden["preferred"] == REFERENCE).sum()),
                "references": len(hidden),
            }
        )
    return pd.DataFrame(found)


def _without_reference(answers: pd.DataFrame) -> pd.DataFrame:
    return answers[(answers["a"] != REFERENCE) & (answers["b"] != REFERENCE)]


def _corrected(rows: list[dict], columns: list[str], by: str) -> pd.DataFrame:
    """Tabulate rows with Holm-corrected p values, the largest of column ``by`` first."""
    table = pd.DataFrame(rows, columns=columns)
    table["p"] = holm(table["p"])
    return table.sort_values(by, ascending=False, kind="stable", ignore_index=True)


def _counts(rows: pd.DataFrame) -> dict[str, int]:
    return {
        "listeners": rows["listener"].nunique(),
        "answers": len(rows),
        "ties": int((rows["preferred"] == "").sum()),
    }
