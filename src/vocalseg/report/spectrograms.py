"""Spectrograms in dB with rows equally spaced on the mel scale, and pictures of them.

matplotlib and Pillow are imported in the functions that draw, to keep other imports fast.
"""

from io import BytesIO

import numpy as np

from vocalseg.spectrogram import stft

ROWS, COLUMNS = 96, 240
TOP = 8000  # Hz
RANGE = 70  # dB, of the colour map
COLOURS = "magma"
FRAME_SECONDS = 0.046  # long enough to resolve the harmonics of a voice


def top(sample_rate: int) -> float:
    """Return the upper frequency limit of the spectrograms, in Hz."""
    return min(TOP, sample_rate / 2)


def height(hz: float | np.ndarray, top: float) -> float | np.ndarray:
    """Compute the position of a frequency in a picture, from 0 (lower edge) to 1 (upper edge)."""
    return np.log1p(np.divide(hz, 700)) / np.log1p(top / 700)


def edges(top: float) -> np.ndarray:
    """Compute the ``ROWS + 1`` frequencies that bound the rows of a picture, in Hz."""
    return 700 * np.expm1(np.linspace(0, np.log1p(top / 700), ROWS + 1))


def ticks(top: float) -> list[int]:
    """List the frequencies of the axis labels, in Hz."""
    return [hz for hz in (0, 500, 1000, 2000, 4000, 8000) if hz <= top]


def levels(waveforms: np.ndarray, sample_rate: int) -> np.ndarray:
    """Compute spectrograms of several signals relative to their common maximum.

    Parameters
    ----------
    waveforms : float32 array, (signals, samples, channels)
        Signals.
    sample_rate : int
        In Hz.

    Returns
    -------
    float32 array, (signals, ROWS, at most COLUMNS)
        In dB, from ``-RANGE`` to 0, the maximum of all signals; the lowest frequency is first.
    """
    mono = waveforms.mean(axis=2)
    frame = 2 ** round(np.log2(FRAME_SECONDS * sample_rate))
    hop = max(1, mono.shape[1] // COLUMNS)
    power = np.abs(stft(mono, frame, hop)[..., :COLUMNS]) ** 2
    return decibels(rows(power, frame / sample_rate * edges(top(sample_rate))))


def decibels(power: np.ndarray) -> np.ndarray:
    """Convert power to dB relative to its maximum, clipped at ``-RANGE``; float32."""
    relative = np.maximum(power, 1e-20) / max(power.max(), 1e-12)
    return np.maximum(10 * np.log10(relative), -RANGE).astype(np.float32)


def rows(power: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Average power (..., bins, frames) between neighbouring edges, in (fractional) bins."""
    until = np.cumsum(power, axis=-2, dtype=np.float64)
    until = np.concatenate([np.zeros_like(until[..., :1, :]), until], axis=-2)
    position = np.minimum(edges + 0.5, power.shape[-2])  # a bin extends half a step to each side
    below = np.minimum(position.astype(int), power.shape[-2] - 1)
    part = (position - below)[:, np.newaxis]
    area = (1 - part) * until[..., below, :] + part * until[..., below + 1, :]
    return np.diff(area, axis=-2) / np.diff(position)[:, np.newaxis]


def picture(levels: np.ndarray) -> bytes:
    """Draw one spectrogram of :func:`levels` without axes, as a WebP file."""
    from matplotlib.image import imsave

    file = BytesIO()
    imsave(
        file, levels, vmin=-RANGE, vmax=0, cmap=COLOURS, origin="lower", format="webp",
        pil_kwargs={"quality": 30, "method": 6},
    )  # fmt: skip
    return file.getvalue()


def figure(levels: dict[str, np.ndarray], title: str, seconds: float, top: float) -> bytes:
    """Draw spectrograms side by side, with axes and a colour bar.

    Parameters
    ----------
    levels : dict of float32 arrays, (rows, columns)
        Spectrograms of :func:`levels`, by the title of the panel.
    title : str
        Title of the figure.
    seconds, top : float
        Length in s, and upper frequency limit in Hz.

    Returns
    -------
    bytes
        PNG file.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from PIL import Image

    colours = colormaps[COLOURS].resampled(RANGE // 2)  # steps of 2 dB; few enough for a palette
    canvas = Figure(figsize=(11, 3.6), dpi=100, layout="constrained")
    canvas.suptitle(title, parse_math=False)
    axes = canvas.subplots(1, len(levels), sharey=True)
    for ax, (heading, values) in zip(axes, levels.items(), strict=True):
        image = ax.imshow(
            values, vmin=-RANGE, vmax=0, cmap=colours, origin="lower", aspect="auto",
            extent=(0, seconds, 0, 1), interpolation="nearest",
        )  # fmt: skip
        ax.set(title=heading, xlabel="time in s")
    axes[0].set_yticks([height(hz, top) for hz in ticks(top)], ticks(top))
    axes[0].set_ylabel("frequency in Hz")
    canvas.colorbar(image, ax=axes, label="dB, the loudest at 0", pad=0.01)
    drawn, file = BytesIO(), BytesIO()
    canvas.savefig(drawn, format="png")
    few = Image.open(drawn).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    few.save(file, "png", optimize=True)
    return file.getvalue()
