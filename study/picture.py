"""The comparison as a picture: one panel for each metric, between the floor and a ceiling."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from study.experiments import SCORES, factors

TITLES = {"table1": "Table I's protocol", "museval": "museval", "global": "global"}
LINES = {"mixture": ("unprocessed mixture", ":"), "irm": ("ideal ratio mask", "-")}
VALUE = {"va": "center", "fontsize": 9, "color": "#444444"}
PUBLISHED = {"mfc": "white", "mec": "#b03a2e", "label": "Table I (MUSDB18)"}
PERFECT = 100  # dB, of a bound that is one by construction and would flatten the panel


def draw(table: pd.DataFrame, rows: pd.DataFrame, path: str | Path) -> None:
    """Write the picture.

    Parameters
    ----------
    table : DataFrame
        Of :func:`study.compare.table`: a bar for each row, from the top.
    rows : DataFrame
        Of :func:`study.experiments.rows`: their floor and ceiling.
    path : path
        By its ending PNG, SVG or PDF.
    """
    places = np.arange(len(table))
    labels = table[factors(rows)].astype(str).agg(" · ".join, axis=1)
    figure = Figure(figsize=(13, 2 + 0.56 * max(len(table), 4)), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.15, h_pad=0.1)
    grid = figure.subplots(2, 4, sharey=True)
    panels = [*grid[0, :3], *grid[1]]  # three scores of Table I above, the field's below
    for panel, score in zip(panels, SCORES, strict=True):
        protocol, metric = score.split(".")
        panel.set_title(f"{TITLES[protocol]}: {metric.upper()}", loc="left", fontsize=10)
        panel.barh(
            places,
            table[score],
            xerr=table.get(f"{score}.std"),
            color="#8fb1cf",
            error_kw={"ecolor": "#33506b", "capsize": 2},
            label="this repository",
        )
        side = panel.get_yaxis_transform()  # beside the panel nothing crosses the values
        for place, value in table[score].round(1).add(0.0).dropna().items():
            panel.annotate(f" {value:.1f}", (1, place), xycoords=side, **VALUE)
        if protocol == "table1":
            published = table[f"paper.{metric}"].astype(float)
            panel.plot(published, places, "D", **PUBLISHED)
        for bound, (label, style) in LINES.items():
            for value in rows[f"{bound}.{score}"].dropna().unique():
                if value < PERFECT:
                    panel.axvline(value, color="#333333", lw=1.2, ls=style, label=label)
        panel.axvline(0, color="#999999", lw=0.8)
        panel.margins(x=0.06)
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.tick_params(axis="both", length=0, labelsize=9)
    panels[0].set_yticks(places, labels)
    panels[0].invert_yaxis()  # shared by all
    grid[0, 3].axis("off")
    handles, names = panels[0].get_legend_handles_labels()
    once = dict(zip(names, handles, strict=True))
    grid[0, 3].legend(once.values(), once, loc="center left", frameon=False, fontsize=10)
    figure.supxlabel("dB, higher is better", fontsize=10)
    figure.savefig(path, dpi=110)
