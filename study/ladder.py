"""What each rung of a study brings, and what it costs.

    python -m study.ladder STUDY [--format markdown] [--picture FILE]

Reads what `make matrix STUDY=…` has collected in metrics/, nothing else.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.schema.params import Params, load
from study import cost, layout
from study.command import run
from study.effects import LEVEL, paired_test
from study.records import Records
from vocalseg.errors import BadInput

LEFT_OUT = "without-"
SDR = "global.sdr"


def table(
    rows: pd.DataFrame, songs: pd.DataFrame, costs: dict[str, tuple[int, int]]
) -> pd.DataFrame:
    """One row for each step of a study.

    Parameters
    ----------
    rows, songs : DataFrame
        Of :class:`study.records.Records`: ``table`` and ``song_scores``.
    costs : dict
        Parameters and multiplications by step.

    Returns
    -------
    DataFrame
        ``step``, ``runs``, means over seeds of ``museval.sdr`` and ``global.sdr`` (dB) and their
        standard deviations (``….std``); ``difference`` (dB, by ``global``) to the rung before, of
        a step that leaves one out to the last rung, with its 95 % interval ``low`` and ``high``,
        paired by song and seed; ``minutes`` and ``cpu_minutes`` of training; ``per_minute``, dB
        over the mixture for each of the latter; ``parameters``, ``multiplications`` of a tile.
    """
    steps = list(dict.fromkeys(rows["step"]))
    rungs = [step for step in steps if not step.startswith(LEFT_OUT)]
    found = []
    for step in steps:
        runs = rows[rows["step"] == step]
        row = {"step": step, "runs": len(runs)}
        for score in ("museval.sdr", SDR):
            row |= {score: runs[score].mean(), f"{score}.std": runs[score].std()}
        place = rungs.index(step) if step in rungs else len(rungs)
        if place:
            row |= difference(songs, step, rungs[place - 1])
        row |= {key: runs[key].mean() for key in ("minutes", "cpu_minutes")}
        gain = (runs[SDR] - runs[f"mixture.{SDR}"]).mean()
        row["per_minute"] = gain / row["cpu_minutes"]
        row["parameters"], row["multiplications"] = costs.get(step, (np.nan, np.nan))
        found.append(row)
    columns = ["difference", "low", "high"]
    names = dict.fromkeys([*found[0], *columns, *found[-1]])
    return pd.DataFrame(found).reindex(columns=list(names))


def difference(songs: pd.DataFrame, step: str, other: str) -> dict[str, float]:
    """Mean difference of two steps over songs and seeds that both have, and its interval."""
    by = songs.set_index(["song", "seed", "step"])["global"].unstack("step")
    pairs = (by[step] - by[other]).unstack("seed").dropna(axis=1, how="all").dropna()
    if len(pairs) < 2:
        return {}
    test = paired_test(pairs.to_numpy())
    return {key: test[key] for key in ("difference", "low", "high")}


def cells(table: pd.DataFrame) -> pd.DataFrame:
    """Text of :func:`table`, under pairs of heads."""
    text = {("", "step"): table["step"], ("", "runs"): table["runs"].astype(str)}
    for score in ("museval.sdr", SDR):
        spread = table[f"{score}.std"].map(lambda v: "" if pd.isna(v) else f"±{v:.2f}")
        text[score.partition(".")[0], "SDR"] = table[score].map(layout.decibels) + spread
    text["global", "step"] = table["difference"].map(layout.decibels)
    interval = table["low"].map(layout.decibels) + " to " + table["high"].map(layout.decibels)
    text["global", "95 % interval"] = interval.where(table["low"].notna(), "–")
    text["training", "min"] = table["minutes"].map(_one)
    text["training", "CPU min"] = table["cpu_minutes"].map(_one)
    text["training", "dB/CPU min"] = table["per_minute"].map(layout.decibels)
    for name, unit in (("parameters", "M"), ("multiplications", "G")):
        divisor = {"M": 1e6, "G": 1e9}[unit]
        text["network", f"{name} ({unit})"] = (table[name] / divisor).map(layout.decibels)
    return pd.DataFrame(text)


def draw(table: pd.DataFrame, rows: pd.DataFrame, path: str | Path) -> None:
    """dB against processor time, rung by rung, between the floor and a ceiling.

    Parameters
    ----------
    table : DataFrame
        Of :func:`table`; bars are the interval of the mean over seeds where there are several.
    rows : DataFrame
        Of :meth:`study.records.Records.table`.
    path : path
        By its ending PNG, SVG or PDF.
    """
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    panel = figure.subplots()
    rungs = table[~table["step"].str.startswith(LEFT_OUT)]
    reach = rungs.apply(lambda row: interval(rows.loc[rows["step"] == row["step"], SDR]), axis=1)
    panel.errorbar(
        rungs["cpu_minutes"], rungs[SDR], yerr=reach, fmt="o-", color="#33506b", ecolor="#8fb1cf",
        capsize=3,
    )  # fmt: skip
    for _, row in rungs.iterrows():
        place = row["cpu_minutes"], row[SDR]
        panel.annotate(row["step"], place, (6, -12), textcoords="offset points", fontsize=9)
    lines = {"mixture": ("unprocessed mixture", ":"), "irm": ("ideal ratio mask", "-")}
    for bound, (label, style) in lines.items():
        panel.axhline(rows[f"{bound}.{SDR}"].mean(), color="#333333", lw=1, ls=style, label=label)
    panel.set_xlabel("CPU minutes of training")
    panel.set_ylabel("global SDR of the vocals (dB)")
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(frameon=False)
    figure.savefig(path, dpi=110)


def interval(values: pd.Series) -> float:
    """Half the 95 % interval of a mean; 0 for a single value."""
    from scipy import stats

    if len(values) < 2:
        return 0.0
    return float(stats.t.ppf((1 + LEVEL) / 2, len(values) - 1) * values.std() / len(values) ** 0.5)


def _one(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.1f}"


def costs(params: Params, study: str) -> dict[str, tuple[int, int]]:
    """Parameters and multiplications of each step's network."""
    return {
        step: cost.of(params.changed(settings))
        for step, settings in params.studies[study].steps().items()
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study")
    parser.add_argument("--format", choices=("terminal", "markdown", "csv"), default="terminal")
    parser.add_argument("--picture", type=Path, metavar="FILE", help=".png, .svg or .pdf")
    options = parser.parse_args(arguments)
    params = load()
    records = Records(params, options.study)
    rows = records.table()
    if rows.empty:
        raise BadInput(
            f"{records.path}: no result of this code and these settings; "
            f"`make matrix STUDY={options.study}` makes them"
        )
    found = table(rows, records.song_scores(), costs(params, options.study))
    if options.format == "csv":
        print(found.round(3).to_csv(index=False), end="")
    else:
        form = layout.markdown if options.format == "markdown" else layout.terminal
        print(form(cells(found)))
    left = len(records.experiments) - len(rows)
    if left and options.format == "terminal":
        print(f"\n{left} of {len(records.experiments)} experiments are missing")
    if options.picture:
        options.picture.parent.mkdir(parents=True, exist_ok=True)
        draw(found, rows, options.picture)


if __name__ == "__main__":
    run(main)
