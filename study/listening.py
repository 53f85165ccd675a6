"""What listeners preferred in the blind tests of a page by `python -m study.listen`.

    python -m study.listening FILES… [--format markdown]

FILES are the CSV files that the page offers, of one or more listeners; they are pooled.
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
    "Shares with 95 % Wilson intervals; p: sign test (exact binomial, two-sided), Holm-corrected "
    "over the rows. Answers without preference do not count in shares and tests. X: how often it "
    "was named correctly, with an exact one-sided p against guessing. Answers of one listener are "
    "not independent: with few listeners, the p values say what these listeners prefer, not what "
    "listeners in general do."
)


def read(files: Iterable[Path]) -> pd.DataFrame:
    """The answers of all files, one row each.

    Raises
    ------
    BadInput
        If a file cannot be read, is not such a CSV, holds impossible answers, is of another page
        than the first one, or holds a test that another file holds as well.
    """
    tables = []
    for path in files:
        table = _read(path)
        for other, known in tables:
            if known["page"].iloc[0] != table["page"].iloc[0]:
                raise BadInput(
                    f"{path}: answers to another page than those of {other}; evaluate them apart"
                )
            keys = ["listener", "seed"]
            if len(known[keys].drop_duplicates().merge(table[keys].drop_duplicates())):
                raise BadInput(
                    f"{path}: the same listener and seed as in {other}; give each test once"
                )
        tables.append((path, table))
    return pd.concat([table for _, table in tables], ignore_index=True)


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:  # pandas' errors of parsing, and of decoding
        reason = " ".join(str(error).split())
        raise BadInput(f"{path}: not a CSV file of answers ({reason})") from None
    if list(table) != COLUMNS:
        raise BadInput(
            f"{path}: not a CSV file of answers; its columns must be {','.join(COLUMNS)}"
        )
    if table.empty:
        raise BadInput(f"{path}: holds no answers")
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
        raise BadInput(f"{path}: several tests joined by hand; give the files as downloaded")
    return table


def _is_one_of(values: pd.Series, others: list[pd.Series]) -> pd.Series:
    return (values == others[0]) | (values == others[1])


def cells(table: pd.DataFrame) -> pd.DataFrame:
    """Text of a table of :mod:`study.preferences`, under pairs of heads."""
    heads = {"better": "preferred", "worse": "to", "ties": "no preference"}
    about_x = "references" in table  # the shares are of X named correctly, not of preferences
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
        prog="python -m study.listening", description="What listeners preferred in blind tests."
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="CSV from the page")
    parser.add_argument("--format", choices=("terminal", "markdown"), default="terminal")
    options = parser.parse_args(arguments)
    answers = read(options.files)
    form = layout.markdown if options.format == "markdown" else layout.terminal
    tables = {"Pairs": pairs(answers), "Overall": overall(answers), "Listeners": listeners(answers)}
    if len(tables["Pairs"]) < 2:
        del tables["Overall"]  # it would say the same as the pair
    for title, table in tables.items():
        if len(table):
            print(f"{title}\n\n{form(cells(table))}\n")
    print(fill(NOTES, 100) if options.format == "terminal" else NOTES)


if __name__ == "__main__":
    run(main)
