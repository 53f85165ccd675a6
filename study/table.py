"""Print the finished experiments of this commit: differing parameters and the main scores.

    python -m study.table [--sort COLUMN] [--format markdown]

Parameters with the same value in all experiments and hashes are omitted, so that the table fits a
terminal.
"""

import argparse

import pandas as pd

from study.command import run
from study.experiments import durations, factors, rows
from study.layout import decibels, markdown, terminal
from vocalseg.errors import BadInput

WIDTH = 120  # columns of a terminal
SCORES = ["museval.sdr", "museval.sir", "museval.sar", "museval.gain", "global.sdr", "table1.sdr"]
MINUTES = "minutes"


def table(found: pd.DataFrame, sort: str = "museval.sdr") -> pd.DataFrame:
    """Tabulate the experiments, one row each.

    Parameters
    ----------
    found : DataFrame
        Result of :func:`study.experiments.rows`.
    sort : str
        A column of the result. Numbers are sorted in descending order, text in ascending order.

    Returns
    -------
    DataFrame
        ``name``, the parameters that differ, :data:`SCORES` in dB (the gain is over the mixture),
        and ``minutes`` of training, NaN for a training that ran on another machine.

    Raises
    ------
    BadInput
        If there is no such column.
    """
    keys = [key for key in ["seed", *factors(found)] if found[key].astype(str).nunique() > 1]
    shown = found[["name", *keys, *SCORES]].assign(minutes=durations(found) / 60)
    if sort not in shown:
        raise BadInput(f"--sort {sort}: no such column; choose one of {', '.join(shown)}")
    descending = pd.api.types.is_numeric_dtype(shown[sort])
    return shown.sort_values(sort, ascending=not descending, ignore_index=True)


def cells(shown: pd.DataFrame) -> pd.DataFrame:
    """Format the values of :func:`table` as text, with columns (group, head)."""
    text = {}
    for column in shown:
        group, _, head = column.rpartition(".")
        if column in SCORES:
            text[group, head if head == "gain" else head.upper()] = shown[column].map(decibels)
        elif column == MINUTES:
            text["training", "min"] = shown[column].map(lambda v: "–" if pd.isna(v) else f"{v:.1f}")
        else:
            text[group, head] = shown[column].astype(str)
    return pd.DataFrame(text)


def fitted(shown: pd.DataFrame, width: int = WIDTH) -> str:
    """Format the table for a terminal.

    If it is too wide, long texts are shortened; if that is not enough, parameters are omitted,
    beginning with the last.

    Parameters
    ----------
    shown : DataFrame
        Result of :func:`table`.
    width : int
        Maximum number of columns.
    """
    text = cells(shown)
    for longest in (40, 24, 16, 12, 8):
        if _width(text) <= width:
            break
        text = text.map(lambda cell, n=longest: cell if len(cell) <= n else f"{cell[: n - 1]}…")
    parameters = list(text)[1 : -len(SCORES) - 1]
    omitted = []
    while parameters and _width(text) > width:
        omitted.append(parameters.pop())
        text = text.drop(columns=omitted[-1:])
    note = f"\n{len(omitted)} more parameters differ: --format csv" if omitted else ""
    return terminal(text) + note


def _width(text: pd.DataFrame) -> int:
    return max(map(len, terminal(text).splitlines()))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sort", default="museval.sdr", metavar="COLUMN", help="column to sort by")
    parser.add_argument("--format", choices=("terminal", "markdown", "csv"), default="terminal")
    parser.add_argument(
        "--all-commits", action="store_true", help="include experiments of earlier commits"
    )
    options = parser.parse_args(arguments)
    shown = table(rows(num=-1 if options.all_commits else 1, studies=True), options.sort)
    if options.format == "csv":
        print(shown.round(3).to_csv(index=False), end="")
    else:
        print(markdown(cells(shown)) if options.format == "markdown" else fitted(shown))


if __name__ == "__main__":
    run(main)
