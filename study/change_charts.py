"""Draw losses and songs of a base commit and now, as pictures and as Mermaid charts."""

import json

import pandas as pd
from matplotlib.figure import Figure

BASE, NOW = "#9a9a9a", "#0b6bcb"  # colours
MAX_BARS = 12  # songs in a chart


def training_picture(base: pd.DataFrame | None, now: pd.DataFrame, comparable: bool) -> Figure:
    """Draw loss by epoch, in a panel each for base and now.

    The panels share the axis of losses only if these are comparable.
    """
    runs = [("base", base, BASE), ("now", now, NOW)]
    runs = [run for run in runs if run[1] is not None]
    figure = Figure(figsize=(4.2 * len(runs), 3.2), layout="constrained")
    panels = figure.subplots(1, len(runs), squeeze=False, sharex=True, sharey=comparable)[0]
    for panel, (name, table, color) in zip(panels, runs, strict=True):
        panel.plot(table.index, table["loss"], "--", color=color, label="training")
        panel.plot(table.index, table["val_loss"], "o-", color=color, label="validation")
        panel.set(title=name, xlabel="epoch", ylabel="loss on scaled tiles")
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.tick_params(labelleft=True)
        panel.grid(alpha=0.3)
        panel.legend(frameon=False)
    return figure


def songs_picture(table: pd.DataFrame) -> Figure:
    """Draw each song's gain as two dots, base and now, joined by a line.

    Parameters
    ----------
    table : DataFrame
        ``now`` and optionally ``base``, in dB, indexed by song.
    """
    height = max(1.8, 0.28 * len(table) + 1)
    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.subplots()
    positions = range(len(table))
    if "base" in table:
        axes.hlines(positions, table["base"], table["now"], color=BASE, linewidth=1.5)
        axes.plot(table["base"], positions, "o", color=BASE, label="base")
    axes.plot(table["now"], positions, "o", color=NOW, label="now")
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(positions, [str(name)[:40] for name in table.index])
    axes.set(xlabel="gain over the mixture, dB (museval SDR)", ylim=(-0.7, len(table) - 0.3))
    axes.grid(axis="x", alpha=0.3)
    axes.legend(frameon=False, loc="best")
    return figure


def chart(title: str, x: str, y: str, series: dict[str, tuple[str, list]]) -> str:
    """Format a Mermaid chart, which GitHub draws.

    Parameters
    ----------
    title : str
    x : str
        Mermaid's definition of the x axis.
    y : str
        Label of the y axis.
    series : dict
        ("line" or "bar", values) by colour.
    """
    theme = json.dumps({"themeVariables": {"xyChart": {"plotColorPalette": ",".join(series)}}})
    drawn = [f"  {kind} {[round(float(v), 5) for v in values]}" for kind, values in series.values()]
    lines = [f"%%{{init: {theme}}}%%", "xychart-beta", f'  title "{title}"', f"  x-axis {x}"]
    return "\n".join(["```mermaid", *lines, f'  y-axis "{y}"', *drawn, "```"])


def training_chart(base: pd.DataFrame | None, now: pd.DataFrame, comparable: bool) -> str:
    """Format validation losses as a Mermaid chart, or two if they are not comparable."""

    def losses(**runs):
        last = max(len(run) for run in runs.values())
        colors = {"base": BASE, "now": NOW}
        series = {colors[name]: ("line", list(run["val_loss"])) for name, run in runs.items()}
        epochs = f'"epoch" {list(range(1, last + 1))}'
        return chart(f"Validation loss: {' and '.join(runs)}", epochs, "loss", series)

    if base is None:
        return losses(now=now)
    # Mermaid stretches each line over the whole axis, so only runs of equal length share a chart.
    if comparable and len(base) == len(now):
        return "Grey: base, blue: now.\n\n" + losses(base=base, now=now)
    return losses(base=base) + "\n\n" + losses(now=now)


def songs_chart(table: pd.DataFrame) -> str:
    """Format each song's gain as a Mermaid chart; takes a table as :func:`songs_picture`."""
    if len(table) > MAX_BARS:
        return f"{len(table)} songs do not fit a chart; see the table and the picture."
    table = table[::-1]  # best first
    names = [" ".join(str(name).replace('"', "'").split())[:24] for name in table.index]
    series = {NOW: ("bar", list(table["now"]))}
    note = ""
    if "base" in table and not table["base"].isna().any():
        series[BASE] = ("line", list(table["base"]))
        note = "Blue bars: now, grey line: base.\n\n"
    x = "[" + ", ".join(f'"{name}"' for name in names) + "]"
    return note + chart("Gain over the mixture, museval SDR", x, "dB", series)
