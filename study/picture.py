"""Draw the comparison: one panel per metric, with a lower and an upper bound."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from study.experiments import SCORES, factors
from study.outputs import save

TITLES = {"table1": "Table I's protocol", "museval": "museval", "global": "global"}
LINES = {"mixture": ("unprocessed mixture", ":"), "irm": ("ideal ratio mask", "-")}
VALUE = {"va": "center", "fontsize": 9, "color": "#444444"}
PUBLISHED = {"mfc": "white", "mec": "#b03a2e", "label": "Table I (MUSDB18)"}
PERFECT = 100  # dB; bounds that are perfect by construction are not drawn


def draw(table: pd.DataFrame, rows: pd.DataFrame, path: Path) -> None:
    """Draw the comparison and save it.

    Parameters
    ----------
    table : DataFrame
        Result of :func:`study.compare.table`; each row is a bar, the first at the top.
    rows : DataFrame
        Result of :func:`study.experiments.rows`, with the bounds.
    path : Path
        The file extension selects PNG, SVG or PDF.
    """
    positions = np.arange(len(table))
    labels = table[factors(rows)].astype(str).agg(" · ".join, axis=1)
    layout = ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.1)
    figure = Figure(figsize=(13, 2 + 0.56 * max(len(table), 4)), layout=layout)
    grid = figure.subplots(2, 4, sharey=True)
    panels = [*grid[0, :3], *grid[1]]  # scores of Table I above, standard scores below
    for panel, score in zip(panels, SCORES, strict=True):
        protocol, metric = score.split(".")
        panel.set_title(f"{TITLES[protocol]}: {metric.upper()}", loc="left", fontsize=10)
        panel.barh(
            positions,
            table[score],
            xerr=table.get(f"{score}.std"),
            color="#8fb1cf",
            error_kw={"ecolor": "#33506b", "capsize": 2},
            label="this repository",
        )
        right_edge = panel.get_yaxis_transform()  # values stand right of the panel
        for position, value in table[score].round(1).add(0.0).dropna().items():
            panel.annotate(f" {value:.1f}", (1, position), xycoords=right_edge, **VALUE)
        if protocol == "table1":
            published = table[f"paper.{metric}"].astype(float)
            panel.plot(published, positions, "D", **PUBLISHED)
        for bound, (label, style) in LINES.items():
            for value in rows[f"{bound}.{score}"].dropna().unique():
                if value < PERFECT:
                    panel.axvline(value, color="#333333", lw=1.2, ls=style, label=label)
        panel.axvline(0, color="#999999", lw=0.8)
        panel.margins(x=0.06)
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.tick_params(axis="both", length=0, labelsize=9)
    panels[0].set_yticks(positions, labels)
    panels[0].invert_yaxis()  # all panels share this axis
    grid[0, 3].axis("off")
    handles, names = panels[0].get_legend_handles_labels()
    unique = dict(zip(names, handles, strict=True))
    grid[0, 3].legend(unique.values(), unique, loc="center left", frameon=False, fontsize=10)
    figure.supxlabel("dB, higher is better", fontsize=10)
    save(figure, path)
