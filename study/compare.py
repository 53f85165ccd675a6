"""The finished experiments beside Table I, and what each factor of the study is worth.

    python -m study.compare [--csv FILE] [--picture FILE] [--format markdown]

A table in the paper's order, by the SDR of its own protocol; below it a paired test of each factor
over songs, because a difference between two means says nothing by itself.
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
from study.experiments import GAINS, SCORES, factors, rows, song_scores
from study.layout import decibels
from vocalseg.errors import BadInput

__all__ = [
    "agreement", "brief", "effects", "markdown", "notes", "rows", "song_scores", "table",
    "terminal",
]  # fmt: skip

#: Scores in the order of the columns, a gain behind its score.
ORDER = [name for score in SCORES for name in (score, *(g for g in GAINS if GAINS[g] == score))]


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """The comparison, best ``table1.sdr`` first.

    Parameters
    ----------
    rows : DataFrame
        Of :func:`study.experiments.rows`.

    Returns
    -------
    DataFrame
        ``rank``, ``name`` (or names), ``runs`` (how many, one for each seed), the factors, scores
        and gains in dB (means over seeds), and the published ``paper.sdr``, ``paper.sir``,
        ``paper.sar`` (dB) and ``paper.rank``; with several seeds also the standard deviations over
        them, as ``protocol.metric.std``. Ranks are missing where there is no score.
    """
    keys = factors(rows)
    runs = rows.groupby(keys, sort=False, dropna=False)
    means = runs[ORDER].mean().round(3)
    means.insert(0, "name", runs["name"].agg(" ".join))
    means.insert(1, "runs", runs.size())
    if (means["runs"] > 1).any():
        means = means.join(runs[SCORES].std().round(3).add_suffix(".std"))
    means = means.reset_index().sort_values(
        ["table1.sdr", "global.sdr"], ascending=False, ignore_index=True
    )
    means["rank"] = means["table1.sdr"].rank(ascending=False, method="min").astype("Int64")
    means = means.join(paper.beside(means))
    first = ["rank", "name", "runs", *keys, *ORDER, *paper.VALUES]
    return means[[*first, *(column for column in means if column not in first)]]


def agreement(table: pd.DataFrame) -> tuple[float, int]:
    """Spearman's rank correlation of ``table1.sdr`` with Table I's, and how many rows it is of.

    NaN for fewer than four rows.
    """
    both = table[["table1.sdr", "paper.sdr"]].dropna()
    if len(both) < 4:
        return np.nan, len(both)
    return float(stats.spearmanr(both["table1.sdr"], both["paper.sdr"]).statistic), len(both)


def notes(table: pd.DataFrame) -> str:
    """What has to be read with :func:`table`."""
    text = (
        "All in dB; gain: over the unprocessed mixture. Table I: as published, on MUSDB18 and by "
        "the paper's own protocol, to be compared with `table1` alone. Its text says minmax, its "
        "published code divides by the maximum alone, so `minmax` and `max` have the same row."
    )
    rho, count = agreement(table)
    if np.isnan(rho):
        return text
    return f"{text} Rank correlation (Spearman) with its order: {rho:.2f} ({count} rows)."


def effect_notes(effects: pd.DataFrame) -> str:
    """What has to be read with :func:`study.effects.effects`."""
    text = (
        "Mean difference (dB) of the same songs under two levels of a factor, averaged over the "
        "other factors; interval and p by t test, d_z: the difference over its standard deviation "
        "between songs; both p values are Holm-corrected. "
    )
    if effects["seeds"].max() > 1:
        return f"{text}Songs and seeds are samples in the t test, songs alone in Wilcoxon's."
    return f"{text}One seed: how much another training would change is not in them."


def markdown(table: pd.DataFrame) -> str:
    """A comparison (:func:`table`, also read back from CSV) or effects as Markdown."""
    return layout.markdown(_cells(table))


def brief(table: pd.DataFrame) -> str:
    """A comparison as Markdown for the README: factors, and SDR by `table1`, museval, Table I."""
    cells = _cells(table)
    shown = [head for head in cells if not head[0] or (head[1] == "SDR" and head[0] != "global")]
    return layout.markdown(cells[shown])


def terminal(table: pd.DataFrame) -> str:
    """The same, aligned, protocols above their metrics."""
    return layout.terminal(_cells(table))


def _cells(table: pd.DataFrame) -> pd.DataFrame:
    """Text of a table under pairs of heads, (protocol, metric)."""
    cells = _effect_cells(table) if "d_z" in table else _comparison_cells(table)
    return pd.DataFrame(cells)


def _comparison_cells(table: pd.DataFrame) -> dict[tuple[str, str], pd.Series]:
    keys = [c for c in table if "." in c and c.removesuffix(".std") not in [*ORDER, *paper.VALUES]]
    cells = {("", "#"): table["rank"].map(_count)}
    if (table["runs"] > 1).any():
        cells["", "runs"] = table["runs"].map(_count)
    elif any(str(row[key]) not in row["name"] for row in table.to_dict("records") for key in keys):
        cells["", "name"] = table["name"]  # it does not say the levels
    ends = [key.rpartition(".")[2] for key in keys]
    for key, end in zip(keys, ends, strict=True):
        cells["", end if ends.count(end) == 1 else key] = table[key].astype(str)
    for score in ORDER:
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
        description="The finished experiments beside Table I, and what each factor is worth.",
    )
    add = parser.add_argument
    add("--format", choices=("terminal", "markdown", "brief", "csv"), default="terminal")
    add("--csv", type=Path, metavar="FILE", help="write the comparison, all digits")
    add("--markdown", type=Path, metavar="FILE", help="write all that is printed, as Markdown")
    add("--picture", type=Path, metavar="FILE", help="draw the comparison (.png, .svg, .pdf)")
    add("--protocol", choices=("global", "museval"), default="global", help="of the paired tests")
    add("--all-commits", action="store_true", help="also experiments of earlier commits")
    return parser


def report(found: pd.DataFrame, protocol: str, form: Callable[[pd.DataFrame], str]) -> list[str]:
    """Comparison, tests and notes as paragraphs.

    Parameters
    ----------
    found : DataFrame
        Of :func:`study.experiments.rows`.
    protocol : str
        Whose SDR the tests take, ``global`` or ``museval``.
    form : callable
        :func:`terminal` or :func:`markdown`.
    """
    compared = table(found)
    paragraphs = [form(compared), notes(compared)]
    try:
        worth = effects(song_scores(found, protocol=protocol))
    except BadInput as error:
        return [*paragraphs, f"No paired tests: {error}"]
    if len(worth):
        paragraphs += [f"SDR by {protocol}:", form(worth), effect_notes(worth)]
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
            # Tables are as wide as they are.
            print(paragraph if "\n" in paragraph else fill(paragraph, 100), end="\n\n")
    for path in filter(None, (options.csv, options.markdown, options.picture)):
        path.parent.mkdir(parents=True, exist_ok=True)
    if options.csv:
        compared.to_csv(options.csv, index=False)
    if options.markdown:
        options.markdown.write_text("\n\n".join(report(found, options.protocol, markdown)) + "\n")
    if options.picture:
        from study.picture import draw  # Matplotlib takes half a second to import

        draw(compared, found, options.picture)


if __name__ == "__main__":
    run(main)
