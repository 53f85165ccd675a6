"""Draw the paper's Figures 1 to 6 from this pipeline's data, for docs/figures.md.

python -m study.figures

Needs a finished run (`dvc repro`): the tiles, the table of examples and the model.
"""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from stages import run
from vocalseg import audio, scaling, spectrogram
from vocalseg.errors import BadInput
from vocalseg.estimator import Estimator
from vocalseg.loader import TileStore
from vocalseg.report import diagrams, figures

TILES, SONGS = Path("data/tiles"), Path("data/resampled/train")
EXAMPLES, MODEL, OUT = Path("data/examples.csv"), Path("models/unet.json"), Path("docs/figures")

#: The integers of Figure 4: a spectrogram of 5 bins and 6 frames.
INTEGERS = np.random.default_rng(4).integers(0, 10, (5, 6))


def save_png(figure: Figure, name: str) -> None:
    """Save a figure as PNG with 128 colours, to keep the committed files small."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor="white")
    image = Image.open(buffer).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    OUT.mkdir(parents=True, exist_ok=True)
    image.save(OUT / f"{name}.png", optimize=True)
    print(OUT / f"{name}.png")


def loudest(examples: pd.DataFrame, index: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Select the example of a kind with the loudest vocals; of two tiles the quieter one counts.

    Parameters
    ----------
    examples, index : DataFrame
        Contents of ``data/examples.csv`` and ``data/tiles/index.csv``.
    kind : {"splice", "blackout"}

    Returns
    -------
    DataFrame
        One row of ``examples``.
    """
    rows = examples[examples["kind"] == kind]
    loudness = index["vocal_l1"].to_numpy()
    second = rows["tile"] + (kind == "splice")
    quieter = np.minimum(loudness[rows["tile"]], loudness[second])
    return rows.iloc[[np.argmax(quieter)]]


def draw_augmentation(store: TileStore, index: pd.DataFrame, seconds: float, top: float) -> None:
    """Draw Figures 2 and 3 from training examples.

    Parameters
    ----------
    store : TileStore
        Tiles without scaling.
    index : DataFrame
        Content of ``data/tiles/index.csv``.
    seconds : float
        Duration of a tile.
    top : float
        Highest frequency, in Hz.
    """
    examples = pd.read_csv(EXAMPLES)
    row = loudest(examples, index, "splice")
    tile = int(row["tile"].iloc[0])
    spliced = store.examples(row)[0][0, ..., 0]
    pair = store.mixture[tile], store.mixture[tile + 1]
    save_png(figures.splice(*pair, spliced, seconds, top), "2-splice")

    row = loudest(examples, index, "blackout")
    tile, start = int(row["tile"].iloc[0]), int(row["blackout_start"].iloc[0])
    after = store.examples(row)
    pairs = {
        "mixture": (store.mixture[tile], after[0][0, ..., 0]),
        "vocals": (store.vocals[tile], after[1][0, ..., 0]),
    }
    start = start / store.frames * seconds
    save_png(figures.blackout(pairs, start, seconds, top), "3-blackout")


def draw_scaling() -> None:
    """Draw Figures 4, 5 and 6 from :data:`INTEGERS`."""
    save_png(figures.integers(INTEGERS), "4-integers")
    tile = INTEGERS[np.newaxis].astype(np.float32)
    headings = {
        "frequency": "axis: frequency. Statistics of each bin, over its frames",
        "time": "axis: time. Statistics of each frame, over its bins",
    }
    for number, scaler, labels, paper_axes in (
        (5, "minmax", ("min {:g}", "range {:g}"), ("frequency", "time")),
        (6, "robust", ("median {:g}", "IQR {:g}"), ("time", "frequency")),
    ):
        names = {
            axis: (heading, f"the paper's Fig. {number} calls this “across the {name} axis”")
            for (axis, heading), name in zip(headings.items(), paper_axes, strict=True)
        }
        values, texts = {}, {}
        for axis in names:
            offset, scale = scaling.statistics(tile, axis, scaler)
            values[axis] = scaling.apply(tile, offset, scale)[0]
            comma = ", " if axis == "frequency" else "\n"
            texts[axis] = [
                comma.join(label.format(value) for label, value in zip(labels, pair, strict=True))
                for pair in zip(offset.ravel(), scale.ravel(), strict=True)
            ]
        save_png(figures.scaled(values, texts, names), f"{number}-{scaler}")


def draw_system(index: pd.DataFrame, hop: int, frame: int, frames: int) -> None:
    """Draw Figure 1 on the tile with the loudest vocals.

    Parameters
    ----------
    index : DataFrame
        Content of ``data/tiles/index.csv``.
    hop, frame : int
        Hop and frame size of the STFT, in samples.
    frames : int
        Frames of a tile.
    """
    row = index.iloc[index["vocal_l1"].argmax()]
    mixture, _ = audio.read(SONGS / row["track"] / "mixture.wav")
    spectrum = spectrogram.stft(mixture[:, 0], frame, hop)
    in_tile = slice(row["first_frame"], row["first_frame"] + frames)
    tile = spectrum[: frame // 2, in_tile]
    magnitude, phase = np.abs(tile), spectrogram.phase(tile)
    estimate = Estimator.load(MODEL).magnitudes(magnitude[np.newaxis])[0]
    waveforms = spectrogram.tile_waveforms(
        np.stack([magnitude, estimate]), np.stack([phase, phase]), hop
    )
    save_png(diagrams.system(tuple(waveforms), (magnitude, estimate), phase), "1-system")
    save_png(diagrams.network(frame // 2, frames, 64, 4), "1-network")


def main() -> None:
    for path in (TILES / "tiles.json", EXAMPLES, MODEL):
        if not path.exists():
            raise BadInput(f"{path}: no such file; run `dvc repro` first")
    settings = json.loads((TILES / "tiles.json").read_text())
    frames, hop = settings["tile_frames"], settings["hop"]
    seconds, top = frames * hop / settings["sample_rate"], settings["sample_rate"] / 2
    index = pd.read_csv(TILES / "index.csv", dtype={"track": str}, keep_default_na=False)
    mixture, vocals = (np.load(TILES / f"{s}.npy", mmap_mode="r") for s in ("mixture", "vocals"))
    # The figures show magnitudes, so the scaling is the identity.
    unscaled = np.zeros((len(mixture), 1, 1), np.float32), np.ones((len(mixture), 1, 1), np.float32)
    draw_augmentation(TileStore(mixture, vocals, *unscaled), index, seconds, top)
    draw_scaling()
    draw_system(index, hop, settings["frame_size"], frames)


if __name__ == "__main__":
    run(main)
