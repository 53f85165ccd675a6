"""Tabulate the gain and the cost of each rung of a study, or the effects of the factors of a grid.

    python -m study.ladder STUDY [--format markdown] [--picture FILE]

Reads only the tables that `make matrix STUDY=…` has written to metrics/.
"""

import argparse
from pathlib import Path
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.schema.params import Params, load
from study import compare, layout
from study.command import run
from study.cost import network_cost
from study.effects import LEVEL, effects, paired_test
from study.outputs import save
from study.records import Records
from vocalseg.errors import BadInput

ABLATION = "without-"  # prefix of steps that leave one rung out
SDR = "global.sdr"
PAPER_SDR = "table1.sdr"


def table(
    rows: pd.DataFrame,
    songs: pd.DataFrame,
    costs: dict[str, tuple[int, int]],
    *,
    grid: bool = False,
) -> pd.DataFrame:
    """Summarize the steps of a study, one row each.

    Parameters
    ----------
    rows, songs : DataFrame
        Results of :meth:`study.records.Records.table` and
        :meth:`study.records.Records.song_scores`.
    costs : dict
        Parameters and multiplications of each step's network.
    grid : bool
        Whether the steps are the combinations of a grid, which are not compared in their order.

    Returns
    -------
    DataFrame
        - ``step``, ``runs``
        - ``museval.sdr`` and ``global.sdr``, for a grid also ``table1.sdr``: means over seeds in
          dB, and their standard deviations (``….std``)
        - ``difference``, ``low``, ``high``: mean difference of ``global.sdr`` (dB) and its 95 %
          interval, paired by song and seed; a rung is compared with the rung before, a step that
          leaves one rung out with the last rung
        - ``minutes``, ``cpu_minutes`` of training; ``per_minute``: gain over the mixture in dB per
          CPU minute
        - ``parameters``, ``multiplications`` (of a tile)
    """
    steps = list(dict.fromkeys(rows["step"]))
    rungs = [] if grid else [step for step in steps if not step.startswith(ABLATION)]
    scores = [*([PAPER_SDR] if grid else []), "museval.sdr", SDR]
    found = []
    for step in steps:
        runs = rows[rows["step"] == step]
        row = {"step": step, "runs": len(runs)}
        for score in scores:
            row |= {score: runs[score].mean(), f"{score}.std": runs[score].std()}
        position = rungs.index(step) if step in rungs else len(rungs)
        if position:
            row |= difference(songs, step, rungs[position - 1])
        row |= {key: runs[key].mean() for key in ("minutes", "cpu_minutes")}
        gain = (runs[SDR] - runs[f"mixture.{SDR}"]).mean()
        row["per_minute"] = gain / row["cpu_minutes"]
        row["parameters"], row["multiplications"] = costs.get(step, (np.nan, np.nan))
        found.append(row)
    columns = ["difference", "low", "high"]
    names = dict.fromkeys([*found[0], *columns, *found[-1]])
    return pd.DataFrame(found).reindex(columns=list(names))


def difference(songs: pd.DataFrame, step: str, other: str) -> dict[str, float]:
    """Test the difference of two steps over their common songs and seeds.

    Parameters
    ----------
    songs : DataFrame
        ``song``, ``seed``, ``step`` and ``global`` (dB).
    step, other : str

    Returns
    -------
    dict
        ``difference``, ``low``, ``high`` in dB; empty for fewer than two songs.
    """
    by = songs.set_index(["song", "seed", "step"])["global"].unstack("step")
    pairs = (by[step] - by[other]).unstack("seed").dropna(axis=1, how="all").dropna()
    if len(pairs) < 2:
        return {}
    test = paired_test(pairs.to_numpy())
    return {key: test[key] for key in ("difference", "low", "high")}


def factor_effects(songs: pd.DataFrame, settings: dict[str, dict]) -> pd.DataFrame:
    """Test the effect of each factor of a grid on ``global.sdr``.

    Parameters
    ----------
    songs : DataFrame
        ``name``, ``seed``, ``song`` and ``global`` (dB).
    settings : dict
        Settings of each experiment, by name.

    Returns
    -------
    DataFrame
        Result of :func:`study.effects.effects`.
    """
    factors = pd.DataFrame([{"name": name, **of_one} for name, of_one in settings.items()])
    factors = factors.drop(columns="seed", errors="ignore")
    values = songs[["name", "song", "seed", "global"]].rename(columns={"global": "value"})
    return effects(values.merge(factors, on="name").drop(columns="name"))


def cells(table: pd.DataFrame) -> pd.DataFrame:
    """Format the values of :func:`table` as text, with columns (group, head)."""
    text = {("", "step"): table["step"], ("", "runs"): table["runs"].astype(str)}
    for score in (name for name in (PAPER_SDR, "museval.sdr", SDR) if name in table):
        spread = table[f"{score}.std"].map(lambda v: "" if pd.isna(v) else f"±{v:.2f}")
        text[score.partition(".")[0], "SDR"] = table[score].map(layout.decibels) + spread
    if table["difference"].notna().any():
        text["global", "step"] = table["difference"].map(layout.decibels)
        interval = table["low"].map(layout.decibels) + " to " + table["high"].map(layout.decibels)
        text["global", "95 % interval"] = interval.where(table["low"].notna(), "–")
    text["training", "min"] = table["minutes"].map(_one_decimal)
    text["training", "CPU min"] = table["cpu_minutes"].map(_one_decimal)
    text["training", "dB/CPU min"] = table["per_minute"].map(layout.decibels)
    for name, unit in (("parameters", "M"), ("multiplications", "G")):
        divisor = {"M": 1e6, "G": 1e9}[unit]
        text["network", f"{name} ({unit})"] = (table[name] / divisor).map(layout.decibels)
    return pd.DataFrame(text)


def draw(table: pd.DataFrame, rows: pd.DataFrame, path: Path) -> None:
    """Draw the SDR of each step, between a lower and an upper bound, beside its CPU time.

    Error bars are 95 % intervals of the mean over seeds, where there are several.

    Parameters
    ----------
    table : DataFrame
        Result of :func:`table`.
    rows : DataFrame
        Result of :meth:`study.records.Records.table`.
    path : Path
        The file extension selects PNG, SVG or PDF.
    """
    figure = Figure(figsize=(9, 1.6 + 0.36 * len(table)), layout="constrained")
    scores, times = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    runs = rows.groupby("step", sort=False)
    errors = [interval_half_width(runs.get_group(step)[SDR]) for step in table["step"]]
    scores.errorbar(
        table[SDR], table["step"], xerr=errors, fmt="o", color="#33506b", ecolor="#8fb1cf",
        capsize=3,
    )  # fmt: skip
    lines = {"mixture": ("unprocessed mixture", ":"), "irm": ("ideal ratio mask", "-")}
    for bound, (label, style) in lines.items():
        scores.axvline(rows[f"{bound}.{SDR}"].mean(), color="#333333", lw=1, ls=style, label=label)
    scores.set_xlabel("global SDR of the vocals (dB)")
    times.barh(table["step"], table["cpu_minutes"], height=0.5, color="#8fb1cf")
    times.set_xlabel("CPU minutes of training")
    scores.invert_yaxis()
    for panel in (scores, times):
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="x", color="#dddddd", lw=0.6)
        panel.set_axisbelow(True)
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    save(figure, path)


def interval_half_width(values: pd.Series) -> float:
    """Compute half the width of the 95 % interval of a mean; 0 for a single value."""
    from scipy import stats

    if len(values) < 2:
        return 0.0
    return float(stats.t.ppf((1 + LEVEL) / 2, len(values) - 1) * values.std() / len(values) ** 0.5)


def precision_warning(rows: pd.DataFrame) -> str:
    """Return a sentence if runs were computed in different precisions, otherwise nothing."""
    runs = rows["precision"].value_counts()
    if len(runs) < 2:
        return ""
    parts = ", ".join(f"{count} in {precision}" for precision, count in runs.items())
    return f"Runs differ in precision ({parts}): their scores and times are not comparable."


def _one_decimal(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.1f}"


def network_costs(params: Params, study: str) -> dict[str, tuple[int, int]]:
    """Count parameters and multiplications of each step's network.

    See :func:`study.cost.network_cost`.
    """
    return {
        step: network_cost(params.changed(settings))
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
            f"{records.path}: has no results of the current code and settings; run "
            f"`make matrix STUDY={options.study}`"
        )
    songs, grid = records.song_scores(), bool(params.studies[options.study].grid)
    found = table(rows, songs, network_costs(params, options.study), grid=grid)
    if options.format == "csv":
        print(found.round(3).to_csv(index=False), end="")
    else:
        is_markdown = options.format == "markdown"
        print((layout.markdown if is_markdown else layout.terminal)(cells(found)))
        if grid and len(tests := factor_effects(songs, records.experiments)):
            effect_table = (compare.markdown if is_markdown else compare.terminal)(tests)
            notes = fill(compare.effect_notes(tests), 100)
            print("\nSDR by global:", effect_table, notes, sep="\n\n")
    if warning := precision_warning(rows):
        print(f"\n{warning}")
    missing = len(records.experiments) - len(rows)
    if missing and options.format == "terminal":
        print(f"\n{missing} of {len(records.experiments)} experiments are missing")
    if options.picture:
        draw(found, rows, options.picture)


if __name__ == "__main__":
    run(main)
