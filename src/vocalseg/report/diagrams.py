"""The paper's Figure 1, in two diagrams: the separation of a real signal, and the network."""

from itertools import pairwise

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from vocalseg.report.figures import COLOURS, QUIET, RANGE

INK = "#222222"
SKIP = "#a02c72"
BOX = "#eef1f6"


def system(
    waveforms: tuple[np.ndarray, np.ndarray],
    magnitudes: tuple[np.ndarray, np.ndarray],
    phases: np.ndarray,
) -> Figure:
    """Draw Figure 1: STFT, network on the magnitude, the mixture's phase, inverse STFT.

    Parameters
    ----------
    waveforms : pair of float arrays, (samples,)
        Mixture and estimated vocals.
    magnitudes : pair of float arrays, (bins, frames)
        Magnitudes of the mixture and of the estimated vocals.
    phases : complex array, (bins, frames)
        The mixture's spectrogram divided by its magnitude.

    Returns
    -------
    Figure
        Diagram with pictures of the signals.
    """
    figure = Figure(figsize=(13, 4), dpi=110)
    loudest = magnitudes[0].max()
    peak = np.abs(waveforms[0]).max()

    def picture(left: float, bottom: float, title: str) -> Axes:
        ax = figure.add_axes((left, bottom, 0.13, 0.36))
        ax.set_title(title, fontsize=10.5, color=INK)
        ax.set(xticks=[], yticks=[])
        return ax

    def spectrogram(ax: Axes, magnitude: np.ndarray) -> None:
        decibels = 20 * np.log10(np.maximum(magnitude / loudest, 10 ** (-RANGE / 20)))
        ax.imshow(
            decibels, vmin=-RANGE, vmax=0, cmap=COLOURS, origin="lower", aspect="auto",
            interpolation="nearest",
        )  # fmt: skip

    places = (0.015, "mixture"), (0.855, "vocals")
    for waveform, (left, title) in zip(waveforms, places, strict=True):
        ax = picture(left, 0.32, title)
        ax.plot(waveform, lw=0.3, color=INK)
        ax.set(ylim=(-peak, peak), xlim=(0, len(waveform)))
        ax.spines[:].set_color("#cccccc")
    bins, frames = phases.shape
    spectrogram(picture(0.245, 0.555, f"magnitude, tiles of {bins} × {frames}"), magnitudes[0])
    spectrogram(picture(0.625, 0.555, "estimated vocal magnitude"), magnitudes[1])
    ax = picture(0.435, 0.06, "phase of the mixture (the lowest quarter)")
    few = colormaps["twilight"].resampled(24)
    ax.imshow(
        np.angle(phases[: bins // 4]), cmap=few, origin="lower", aspect="auto",
        interpolation="nearest",
    )  # fmt: skip

    canvas = figure.add_axes((0, 0, 1, 1), zorder=-1)
    canvas.set(xlim=(0, 1), ylim=(0, 1))
    canvas.axis("off")
    _box(canvas, (0.195, 0.5), "STFT")
    _box(canvas, (0.5, 0.735), "scale → U-Net\n→ scale back")
    _box(canvas, (0.775, 0.5), "×")
    _box(canvas, (0.82, 0.5), "iSTFT")
    for path in (
        ((0.147, 0.5), (0.172, 0.5)),
        ((0.195, 0.55), (0.195, 0.735), (0.241, 0.735)),
        ((0.195, 0.45), (0.195, 0.24), (0.431, 0.24)),
        ((0.378, 0.735), (0.443, 0.735)),
        ((0.557, 0.735), (0.621, 0.735)),
        ((0.757, 0.735), (0.775, 0.735), (0.775, 0.55)),
        ((0.567, 0.24), (0.775, 0.24), (0.775, 0.45)),
        ((0.787, 0.5), (0.797, 0.5)),
        ((0.843, 0.5), (0.852, 0.5)),
    ):
        _path(canvas, path)
    return figure


def network(bins: int, frames: int, filters: int, depth: int) -> Figure:
    """Draw the U-Net's blocks; a block is lower for smaller tiles and wider for more filters."""
    figure = Figure(figsize=(13, 4.6), dpi=110, layout="constrained")
    ax = figure.subplots()
    levels = [*range(depth + 1), *reversed(range(depth))]
    gap, x, places = 0.62, 0.0, []
    for level in levels:
        width, height = 0.32 + 0.11 * level, 3.2 * 0.62**level
        base = -0.95 * level
        _block(ax, x, base, width, height)
        size = f"{bins >> level} × {frames >> level}"
        ax.text(
            x + width / 2, base - 0.12, f"{filters << level}", ha="center", va="top",
            fontsize=11, color=INK, weight="bold",
        )  # fmt: skip
        ax.text(x + width / 2, base - 0.46, size, ha="center", va="top", fontsize=8.5, color=QUIET)
        places.append((x, base, width, height))
        x += width + gap
    for i, (a, b) in enumerate(pairwise(places)):
        start = a[0] + a[2] + 0.05, a[1] + min(a[3], b[3]) / 2
        end = b[0] - 0.05, b[1] + min(a[3], b[3]) / 2
        down = i < depth
        _arrow(ax, start, end, "#3b6ea5" if down else "#2f8f5b")
    for level in range(depth):
        a, b = places[level], places[-1 - level]
        y = a[1] + a[3] - 0.2
        _arrow(ax, (a[0] + a[2] + 0.05, y), (b[0] - 0.05, y), SKIP, style=(0, (4, 3)))
    first, last = places[0], places[-1]
    middle = first[1] + first[3] / 2
    _arrow(ax, (first[0] - 0.75, middle), (first[0] - 0.05, middle), INK)
    ax.text(first[0] - 0.8, middle, "scaled\nmixture", ha="right", va="center", fontsize=10.5)
    end = last[0] + last[2]
    _arrow(ax, (end + 0.05, middle), (end + 0.75, middle), INK)
    ax.text(end + 0.8, middle, "scaled\nvocals", ha="left", va="center", fontsize=10.5)
    for place, (colour, text) in enumerate(
        (
            ("#3b6ea5", "2 × 2 max-pooling"),
            ("#2f8f5b", "2 × 2 transposed convolution"),
            (SKIP, "skip connection, concatenated"),
            (INK, "in: one channel; out: 1 × 1 convolution, linear"),
        )
    ):
        y = -0.95 * depth + 0.9 - 0.42 * place
        ax.plot([-1.9, -1.45], [y, y], color=colour, lw=2, ls="--" if colour == SKIP else "-")
        ax.text(-1.3, y, text, va="center", fontsize=9.5, color=INK)
    ax.text(
        end + 1.9, -0.95 * depth - 0.36, "each block: two 3 × 3 convolutions with batch "
        "normalization and ReLU;\nbold: its filters", ha="right", va="bottom", fontsize=9.5,
        color=INK,
    )  # fmt: skip
    ax.set(xlim=(-2, end + 2), ylim=(-0.95 * depth - 0.9, 3.4))
    ax.axis("off")
    return figure


def _block(ax: Axes, x: float, y: float, width: float, height: float) -> None:
    for half in (0, 1):
        ax.add_patch(
            Rectangle(
                (x + half * width / 2, y), width / 2, height, fc="#c9d7ea", ec="#5b7596", lw=1
            )
        )


def _arrow(ax: Axes, start, end, colour: str, style="-") -> None:
    ax.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=11, color=colour, lw=1.6, ls=style,
            shrinkA=0, shrinkB=0,
        )
    )  # fmt: skip


def _box(ax: Axes, centre: tuple[float, float], text: str) -> None:
    wide = 0.108 if "\n" in text else 0.019 if len(text) == 1 else 0.042
    tall = 0.17 if "\n" in text else 0.09
    ax.add_patch(
        FancyBboxPatch(
            (centre[0] - wide / 2, centre[1] - tall / 2), wide, tall, fc=BOX, ec="#9aa7bb",
            boxstyle="round,pad=0,rounding_size=0.008",
        )
    )  # fmt: skip
    ax.text(*centre, text, ha="center", va="center", fontsize=11, color=INK)


def _path(ax: Axes, points) -> None:
    xs, ys = zip(*points, strict=True)
    ax.plot(xs[:-1] if len(xs) > 2 else [], ys[:-1] if len(ys) > 2 else [], color=INK, lw=1.3)
    ax.annotate(
        "", points[-1], points[-2],
        arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.3, "shrinkA": 0, "shrinkB": 0},
    )  # fmt: skip
