"""Evaluate the blind tests of a listening page (`python -m study.listen`).

    python -m study.listening FILES… [--format markdown]

FILES are CSV files of one or more listeners, downloaded from the page. Their answers are pooled.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path
from textwrap import fill

import numpy as np
import pandas as pd

from study import layout
from study.command import run
from study.preferences import COLUMNS, listeners, overall, pairs
from vocalseg.errors import BadInput

NOTES = (
    "Shares have 95 % Wilson intervals; p is from a sign test (exact binomial, two-sided), "
    "Holm-corrected over the rows. Answers without preference are not included in shares and "
    "tests. X is the number of correct identifications, with an exact one-sided p against "
    "guessing. Answers of one listener are not independent: with few listeners, the p values apply "
    "to these listeners and not to listeners in general."
)


def read(files: Iterable[Path]) -> pd.DataFrame:
    """Read the answers of all files.

    Parameters
    ----------
    files : iterable of Path

    Returns
    -------
    DataFrame
        One row per answer, with the columns :data:`study.preferences.COLUMNS`.

    Raises
    ------
    BadInput
        If a file cannot be read, has another format or invalid answers, is from another page than
        the first file, or has a test that another file has as well.
    """
    tables: list[tuple[Path, pd.DataFrame]] = []
    for path in files:
        table = _read(path)
        for other, known in tables:
            if known["page"].iloc[0] != table["page"].iloc[0]:
                raise BadInput(
                    f"{path}: from another page than {other}; evaluate them separately"
                )
            keys = ["listener", "seed"]
            if len(known[keys].drop_duplicates().merge(table[keys].drop_duplicates())):
                raise BadInput(
                    f"{path}: same listener and seed as in {other}; give each test only once"
                )
        tables.append((path, table))
    return pd.concat([table for _, table in tables], ignore_index=True)


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:  # pandas raises it for errors of parsing and decoding
        reason = " ".join(str(error).split())
        raise BadInput(f"{path}: not a CSV file of answers ({reason})") from None
    if list(table) != COLUMNS:
        raise BadInput(
            f"{path}: not a CSV file of answers; its columns must be {','.join(COLUMNS)}"
        )
    if table.empty:
        raise BadInput(f"{path}: has no answers")
    pair = [table["a"], table["b"]]
    valid = (
        (table["a"] != table["b"])
        & _is_one_of(table["x"], pair)
        & _is_one_of(table["guess"], pair)
        & (_is_one_of(table["preferred"], pair) | (table["preferred"] == ""))
    )
    if not valid.all():
        raise BadInput(
            f"{path}:{int(np.argmin(valid)) + 2}: x, guess and preferred must be a or b, and a and "
            "b must differ"
        )
    if table["page"].nunique() > 1 or table.duplicated(["listener", "seed", "trial"]).any():
        raise BadInput(f"{path}: has several tests; give the files as downloaded")
    return table


def _is_one_of(values: pd.Series, others: list[pd.Series]) -> pd.Series:
    return (values == others[0]) | (values == others[1])


def cells(table: pd.DataFrame) -> pd.DataFrame:
    """Format a table of :mod:`study.preferences` as text, with columns (group, head)."""
    heads = {"better": "preferred", "worse": "to", "ties": "no preference"}
    about_x = "references" in table  # shares of correctly named X instead of preferences
    group = "X" if about_x else ""
    text = {}
    for column in table:
        values = table[column]
        if column == "share":
            text[group, "share"] = values.map(_percent)
            text[group, "95 % interval"] = [
                f"{_percent(low)} to {_percent(high)}"
                for low, high in zip(table["low"], table["high"], strict=True)
            ]
        elif column == "p":
            text[group, "p"] = values.map(_p_value)
        elif column == "x":
            text["X", "correct"] = values.astype(str) if about_x else values.map(_percent)
        elif column == "reference":
            counts = zip(values, table["references"], strict=True)
            text["true vocals", "preferred"] = [f"{n} of {of}" for n, of in counts]
        elif column not in ("low", "high", "references"):
            text["", heads.get(column, column)] = values.astype(str)
    return pd.DataFrame(text)


def _percent(value: float) -> str:
    return "–" if pd.isna(value) else f"{100 * value:.0f} %"


def _p_value(value: float) -> str:
    return "–" if pd.isna(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m study.listening", description="Evaluate the blind tests of a page."
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="CSV from the page")
    parser.add_argument("--format", choices=("terminal", "markdown"), default="terminal")
    options = parser.parse_args(arguments)
    answers = read(options.files)
    formatter = layout.markdown if options.format == "markdown" else layout.terminal
    tables = {"Pairs": pairs(answers), "Overall": overall(answers), "Listeners": listeners(answers)}
    if len(tables["Pairs"]) < 2:
        del tables["Overall"]  # equal to the only pair
    for title, table in tables.items():
        if len(table):
            print(f"{title}\n\n{formatter(cells(table))}\n")
    print(fill(NOTES, 100) if options.format == "terminal" else NOTES)


if __name__ == "__main__":
    run(main)
