"""The paper's Figures 2 to 6: augmented tiles, and scaling of a small integer spectrogram."""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

RANGE = 70  # dB, of the colour map
COLOURS = colormaps["magma"].resampled(RANGE // 2)  # steps of 2 dB; few enough for a PNG palette
MARK = "#d93a55"
QUIET = "#555555"


def splice(
    first: np.ndarray, second: np.ndarray, spliced: np.ndarray, seconds: float, top: float
) -> Figure:
    """Draw Figure 2: two neighbouring mixture tiles and their splice.

    Parameters
    ----------
    first, second, spliced : float arrays, (bins, frames)
        Magnitudes.
    seconds, top : float
        Length of a tile in s, and its upper frequency limit in Hz.

    Returns
    -------
    Figure
        One panel for each tile.
    """
    figure = Figure(figsize=(11, 3.7), dpi=110, layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    loudest = max(first.max(), second.max())
    titles = "tile i", "tile i + 1", "their splice: last half, first half"
    for ax, tile, title in zip(panels, (first, second, spliced), titles, strict=True):
        image = _tile(ax, tile, loudest, seconds, top)
        ax.set_title(title, loc="left", fontsize=11)
    half = seconds / 2
    for ax, start in ((panels[0], half), (panels[1], 0), (panels[2], 0), (panels[2], half)):
        _mark(ax, start, half, top)
    _decibels(figure, image, panels)
    return figure


def blackout(
    tiles: dict[str, tuple[np.ndarray, np.ndarray]], start: float, seconds: float, top: float
) -> Figure:
    """Draw Figure 3: tiles of mixture and vocals, and below each its blackout of half the frames.

    Parameters
    ----------
    tiles : dict of pairs of float arrays, (bins, frames)
        Magnitudes before and after the blackout, by the title of the column.
    start : float
        Start of the blackout, in s.
    seconds, top : float
        Length of a tile in s, and its upper frequency limit in Hz.

    Returns
    -------
    Figure
        One column for each pair of tiles.
    """
    figure = Figure(figsize=(8.6, 6.2), dpi=110, layout="constrained")
    grid = figure.subplots(2, len(tiles), sharex=True, sharey=True, squeeze=False)
    loudest = max(before.max() for before, _ in tiles.values())
    for column, (heading, pair) in zip(grid.T, tiles.items(), strict=True):
        for ax, tile, state in zip(column, pair, ("", ", blacked out"), strict=True):
            image = _tile(ax, tile, loudest, seconds, top)
            ax.set_title(heading + state, loc="left", fontsize=11)
        column[0].set_xlabel("")
        _mark(column[1], start, seconds / 2, top)
    _decibels(figure, image, grid)
    return figure


def integers(values: np.ndarray) -> Figure:
    """Draw Figure 4: a spectrogram of small integers.

    Parameters
    ----------
    values : int array, (bins, frames)
        The spectrogram.

    Returns
    -------
    Figure
        One panel with the numbers.
    """
    figure = Figure(figsize=(4.6, 3.5), dpi=110, layout="constrained")
    _matrix(figure.subplots(), values, "{:.0f}")
    return figure


def scaled(
    values: dict[str, np.ndarray],
    statistics: dict[str, list[str]],
    names: dict[str, tuple[str, str]],
) -> Figure:
    """Draw Figures 5 and 6: the integers scaled along both axes, with the statistics used.

    Parameters
    ----------
    values : dict of float arrays, (bins, frames)
        Scaled spectrogram by axis, "frequency" and "time".
    statistics : dict of lists of str
        Labels by axis: one beside each bin ("frequency") or above each frame ("time").
    names : dict of pairs of str
        Title and subtitle of each panel, by axis.

    Returns
    -------
    Figure
        One panel for each axis.
    """
    figure = Figure(figsize=(12, 4.4), dpi=110, layout="constrained")
    panels = figure.subplots(1, 2)
    for ax, (axis, matrix) in zip(panels, values.items(), strict=True):
        _matrix(ax, matrix, "{:.2f}")
        bins, frames = matrix.shape
        heading, remark = names[axis]
        ax.text(0, 1.23, heading, transform=ax.transAxes, fontsize=11.5, weight="bold")
        ax.text(0, 1.16, remark, transform=ax.transAxes, fontsize=9.5, color=MARK)
        style = {"fontsize": 8.5, "color": QUIET}
        for i, text in enumerate(statistics[axis]):
            if axis == "frequency":
                ax.text(frames - 0.4, i, text, va="center", **style)
            else:
                ax.text(i, bins - 0.4, text, ha="center", va="bottom", **style)
        # Mark one group of values that have the same statistics.
        row = axis == "frequency"
        corner, size = ((-0.5, 1.5), (frames, 1)) if row else ((1.5, -0.5), (1, bins))
        ax.add_patch(Rectangle(corner, *size, fill=False, ec=MARK, lw=2.5, clip_on=False))
    return figure


def _tile(ax: Axes, tile: np.ndarray, loudest: float, seconds: float, top: float):
    """Draw a tile in dB relative to the loudest value, with the lowest frequency at the bottom."""
    decibels = 20 * np.log10(np.maximum(tile / loudest, 10 ** (-RANGE / 20)))
    ax.set(xlabel="time in s")
    place = ax.get_subplotspec()
    assert place is not None, "the panels are made by Figure.subplots"
    if place.is_first_col():
        ax.set_ylabel("frequency in kHz")
    return ax.imshow(
        decibels, vmin=-RANGE, vmax=0, cmap=COLOURS, origin="lower", aspect="auto",
        extent=(0, seconds, 0, top / 1000), interpolation="nearest",
    )  # fmt: skip


def _mark(ax: Axes, start: float, width: float, top: float) -> None:
    height = top / 1000
    inset = 0.012 * height
    ax.add_patch(
        Rectangle((start, inset), width, height - 2 * inset, fill=False, ec=MARK, lw=2.2)
    )


def _decibels(figure: Figure, image, panels) -> None:
    figure.colorbar(image, ax=panels, label="dB, the loudest at 0", pad=0.01)


def _matrix(ax: Axes, values: np.ndarray, form: str) -> None:
    """Draw numbers on coloured squares, with time from left to right and frequency upwards."""
    low, high = values.min(), values.max()
    ax.imshow(values, cmap="viridis", origin="lower", vmin=low, vmax=high, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        light = (value - low) / ((high - low) or 1) < 0.6
        ax.text(
            column, row, form.format(value + 0.0), ha="center", va="center", fontsize=10,
            color="white" if light else "black",
        )  # fmt: skip
    ax.set(xlabel="time (frame)", ylabel="frequency (bin)")
    ax.set_xticks(range(values.shape[1]))
    ax.set_yticks(range(values.shape[0]))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
