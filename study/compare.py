"""Compare the finished experiments with Table I and estimate the effect of each factor.

    python -m study.compare [--csv FILE] [--picture FILE] [--format markdown]

Prints a table sorted by the SDR of Table I's protocol, as in the paper, and a paired test of each
factor over songs, because a difference between two means is not evidence by itself.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from textwrap import fill

import numpy as np
import pandas as pd
from scipy import stats

from study import layout, paper
from study.command import run
from study.effects import effects
from study.experiments import GAINS, SCORES, factors, rows
from study.layout import decibels
from study.outputs import replaced
from study.song_scores import song_scores
from vocalseg.errors import BadInput

__all__ = [
    *("brief", "effects", "markdown", "rank_correlation", "rows", "song_scores"),
    *("table", "table_notes", "terminal"),
]

#: Columns of scores and gains, in order; each gain follows its score.
SCORE_COLUMNS = [
    name for score in SCORES for name in (score, *(g for g in GAINS if GAINS[g] == score))
]


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Average experiments over seeds and sort them by ``table1.sdr``, best first.

    Parameters
    ----------
    rows : DataFrame
        Result of :func:`study.experiments.rows`.

    Returns
    -------
    DataFrame
        ``rank``, ``name`` (all names, separated by spaces), ``runs`` (number of seeds), the
        factors, scores and gains in dB (means over seeds), and the published ``paper.sdr``,
        ``paper.sir``, ``paper.sar`` (dB) and ``paper.rank``. With several seeds, also the standard
        deviations over them, as ``protocol.metric.std``. A row without a score has no rank.
    """
    keys = factors(rows)
    runs = rows.groupby(keys, sort=False, dropna=False)
    means = runs[SCORE_COLUMNS].mean().round(3)
    means.insert(0, "name", runs["name"].agg(" ".join))
    means.insert(1, "runs", runs.size())
    if (means["runs"] > 1).any():
        means = means.join(runs[SCORES].std().round(3).add_suffix(".std"))
    means = means.reset_index().sort_values(
        ["table1.sdr", "global.sdr"], ascending=False, ignore_index=True
    )
    means["rank"] = means["table1.sdr"].rank(ascending=False, method="min").astype("Int64")
    means = means.join(paper.published_values(means))
    first = ["rank", "name", "runs", *keys, *SCORE_COLUMNS, *paper.VALUES]
    return means[[*first, *(column for column in means if column not in first)]]


def rank_correlation(table: pd.DataFrame) -> tuple[float, int]:
    """Compute Spearman's rank correlation between ``table1.sdr`` and Table I.

    Returns the correlation, which is NaN for fewer than four rows, and the number of rows.
    """
    both = table[["table1.sdr", "paper.sdr"]].dropna()
    if len(both) < 4:
        return np.nan, len(both)
    return float(stats.spearmanr(both["table1.sdr"], both["paper.sdr"]).statistic), len(both)


def table_notes(table: pd.DataFrame) -> str:
    """Explain the columns of :func:`table` in a paragraph to print below it."""
    text = (
        "All values are in dB; a gain is relative to the unprocessed mixture. The columns Table I "
        "are the published values on MUSDB18 by the paper's own protocol; only `table1` can be "
        "compared with them. The paper's text describes min/max scaling, its published code "
        "divides by the maximum, so `minmax` and `max` are compared with the same row."
    )
    correlation, count = rank_correlation(table)
    if np.isnan(correlation):
        return text
    return f"{text} Rank correlation (Spearman) with Table I: {correlation:.2f} ({count} rows)."


def effect_notes(effects: pd.DataFrame) -> str:
    """Explain the columns of :func:`study.effects.effects` in a paragraph to print below it."""
    text = (
        "Each difference (dB) is the mean over the same songs under two levels of a factor, "
        "averaged over the other factors. The interval and p come from a t test; d_z is the "
        "difference divided by its standard deviation between songs; both p values are "
        "Holm-corrected. "
    )
    if effects["seeds"].max() > 1:
        return f"{text}The t test samples songs and seeds, the Wilcoxon test songs only."
    return f"{text}There is one seed, so the variance between trainings is not included."


def markdown(table: pd.DataFrame) -> str:
    """Format a comparison (:func:`table`, also read back from CSV) or effects as Markdown."""
    return layout.markdown(_cells(table))


def brief(table: pd.DataFrame) -> str:
    """Format a comparison as Markdown for the README: factors and the SDRs of three protocols."""
    cells = _cells(table)
    shown = [head for head in cells if not head[0] or (head[1] == "SDR" and head[0] != "global")]
    return layout.markdown(cells[shown])


def terminal(table: pd.DataFrame) -> str:
    """Format a comparison or effects as aligned text, with protocols above their metrics.

    Takes the same tables as :func:`markdown`.
    """
    return layout.terminal(_cells(table))


def _cells(table: pd.DataFrame) -> pd.DataFrame:
    """Text of a table, with columns (protocol, metric)."""
    cells = _effect_cells(table) if "d_z" in table else _comparison_cells(table)
    return pd.DataFrame(cells)


def _comparison_cells(table: pd.DataFrame) -> dict[tuple[str, str], pd.Series]:
    others = {*SCORE_COLUMNS, *paper.VALUES}
    keys = [c for c in table if "." in c and c.removesuffix(".std") not in others]
    cells = {("", "#"): table["rank"].map(_count)}
    if (table["runs"] > 1).any():
        cells["", "runs"] = table["runs"].map(_count)
    elif any(str(row[key]) not in row["name"] for row in table.to_dict("records") for key in keys):
        cells["", "name"] = table["name"]  # names that do not contain the factors' levels
    short_keys = [key.rpartition(".")[2] for key in keys]
    for key, short in zip(keys, short_keys, strict=True):
        cells["", short if short_keys.count(short) == 1 else key] = table[key].astype(str)
    for score in SCORE_COLUMNS:
        protocol, metric = score.split(".")
        text = table[score].map(decibels)
        if metric == "sdr" and f"{score}.std" in table:
            text += table[f"{score}.std"].map(lambda v: "" if pd.isna(v) else f"±{v:.2f}")
        cells[protocol, "gain" if metric == "gain" else metric.upper()] = text
    for value in paper.VALUES[:-1]:
        cells["Table I", value.split(".")[1].upper()] = table[value].map(_as_published)
    return cells | {("Table I", "#"): table["paper.rank"].map(_count)}


def _effect_cells(effects: pd.DataFrame) -> dict[tuple[str, str], pd.Series]:
    cells = {
        "factor": effects["factor"].str.rpartition(".")[2],
        "better": effects["better"].astype(str),
        "worse": effects["worse"].astype(str),
        "difference": effects["difference"].map(decibels),
        "95 % interval": effects["low"].map(decibels) + " to " + effects["high"].map(decibels),
        "d_z": effects["d_z"].map(decibels),
        "p": effects["p"].map(_p_value),
        "p (Wilcoxon)": effects["wilcoxon"].map(_p_value),
        "songs": effects["songs"].map(_count),
        "seeds": effects["seeds"].map(_count),
    }
    return {("", head): text for head, text in cells.items()}


def _as_published(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.3f}"


def _count(value: float) -> str:
    return "–" if pd.isna(value) else str(int(value))


def _p_value(p: float) -> str:
    return "–" if pd.isna(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m study.compare",
        description="Compare the finished experiments with Table I and test each factor.",
    )
    add = parser.add_argument
    add("--format", choices=("terminal", "markdown", "brief", "csv"), default="terminal")
    add("--csv", type=Path, metavar="FILE", help="write the comparison as CSV")
    add("--markdown", type=Path, metavar="FILE", help="write comparison and tests as Markdown")
    add("--picture", type=Path, metavar="FILE", help="draw the comparison (.png, .svg, .pdf)")
    add("--protocol", choices=("global", "museval"), default="global", help="for the paired tests")
    add("--all-commits", action="store_true", help="include experiments of earlier commits")
    return parser


def report(
    found: pd.DataFrame, protocol: str, formatter: Callable[[pd.DataFrame], str]
) -> list[str]:
    """Format comparison, tests and notes as paragraphs.

    Parameters
    ----------
    found : DataFrame
        Result of :func:`study.experiments.rows`.
    protocol : {"global", "museval"}
        Protocol of the SDR that the tests compare.
    formatter : callable
        :func:`terminal` or :func:`markdown`.
    """
    compared = table(found)
    paragraphs = [formatter(compared), table_notes(compared)]
    try:
        tests = effects(song_scores(found, protocol=protocol))
    except BadInput as error:
        return [*paragraphs, f"No paired tests: {error}"]
    if len(tests):
        paragraphs += [f"SDR by {protocol}:", formatter(tests), effect_notes(tests)]
    return paragraphs


def main(arguments: list[str] | None = None):
    options = _parser().parse_args(arguments)
    found = rows(num=-1 if options.all_commits else 1)
    compared = table(found)
    if options.format == "csv":
        print(compared.to_csv(index=False), end="")
    elif options.format == "brief":
        print(brief(compared))
    elif options.format == "markdown":
        print("\n\n".join(report(found, options.protocol, markdown)))
    else:
        for paragraph in report(found, options.protocol, terminal):
            # Tables are not wrapped.
            print(paragraph if "\n" in paragraph else fill(paragraph, 100), end="\n\n")
    if options.csv:
        with replaced(options.csv) as part:
            compared.to_csv(part, index=False)
    if options.markdown:
        text = "\n\n".join(report(found, options.protocol, markdown))
        with replaced(options.markdown) as part:
            part.write_text(f"{text}\n", encoding="utf-8")
    if options.picture:
        from study.picture import draw  # imported lazily: Matplotlib takes half a second

        draw(compared, found, options.picture)


if __name__ == "__main__":
    run(main)
