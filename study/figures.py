"""The paper's Figures 1 to 6 from this pipeline's own data, as docs/figures.md shows them.

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

#: Figure 4's integers: a spectrogram of 5 bins and 6 frames.
INTEGERS = np.random.default_rng(4).integers(0, 10, (5, 6))


def save(figure: Figure, name: str) -> None:
    """A PNG of few colours: the pictures are committed."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", facecolor="white")
    few = Image.open(drawn).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    OUT.mkdir(parents=True, exist_ok=True)
    few.save(OUT / f"{name}.png", optimize=True)
    print(OUT / f"{name}.png")


def loudest(examples: pd.DataFrame, index: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The example of a kind whose vocals are loudest in each of its tiles: a table of one row."""
    rows = examples[examples["kind"] == kind]
    loudness = index["vocal_l1"].to_numpy()
    second = rows["tile"] + (kind == "splice")
    worth = np.minimum(loudness[rows["tile"]], loudness[second])
    return rows.iloc[[np.argmax(worth)]]


def augmented(store: TileStore, index: pd.DataFrame, seconds: float, top: float) -> None:
    """Figures 2 and 3, from the examples that the network is trained on."""
    examples = pd.read_csv(EXAMPLES)
    row = loudest(examples, index, "splice")
    tile = int(row["tile"].iloc[0])
    spliced = store.examples(row)[0][0, ..., 0]
    pair = store.mixture[tile], store.mixture[tile + 1]
    save(figures.splice(*pair, spliced, seconds, top), "2-splice")

    row = loudest(examples, index, "blackout")
    tile, start = int(row["tile"].iloc[0]), int(row["blackout_start"].iloc[0])
    after = store.examples(row)
    pairs = {
        "mixture": (store.mixture[tile], after[0][0, ..., 0]),
        "vocals": (store.vocals[tile], after[1][0, ..., 0]),
    }
    start = start / store.frames * seconds
    save(figures.blackout(pairs, start, seconds, top), "3-blackout")


def example_of_scaling() -> None:
    """Figures 4, 5 and 6."""
    save(figures.integers(INTEGERS), "4-integers")
    tile = INTEGERS[np.newaxis].astype(np.float32)
    headings = {
        "frequency": "axis: frequency. Statistics of each bin, over its frames",
        "time": "axis: time. Statistics of each frame, over its bins",
    }
    for number, scaler, labels, calls in (
        (5, "minmax", ("min {:g}", "range {:g}"), ("frequency", "time")),
        (6, "robust", ("median {:g}", "IQR {:g}"), ("time", "frequency")),
    ):
        names = {
            axis: (heading, f"the paper's Fig. {number} calls this “across the {call} axis”")
            for (axis, heading), call in zip(headings.items(), calls, strict=True)
        }
        values, texts = {}, {}
        for axis in names:
            offset, scale = scaling.statistics(tile, axis, scaler)
            values[axis] = scaling.apply(tile, offset, scale)[0]
            joint = ", " if axis == "frequency" else "\n"
            texts[axis] = [
                joint.join(label.format(value) for label, value in zip(labels, pair, strict=True))
                for pair in zip(offset.ravel(), scale.ravel(), strict=True)
            ]
        save(figures.scaled(values, texts, names), f"{number}-{scaler}")


def system(index: pd.DataFrame, hop: int, frame: int, frames: int) -> None:
    """Figure 1, on the tile whose vocals are loudest."""
    row = index.iloc[index["vocal_l1"].argmax()]
    mixture, _ = audio.read(SONGS / row["track"] / "mixture.wav")
    whole = spectrogram.stft(mixture[:, 0], frame, hop)
    here = slice(row["first_frame"], row["first_frame"] + frames)
    tile = whole[: frame // 2, here]
    magnitude, phase = np.abs(tile), spectrogram.phase(tile)
    estimate = Estimator.load(MODEL).magnitudes(magnitude[np.newaxis])[0]
    waveforms = spectrogram.tile_waveforms(
        np.stack([magnitude, estimate]), np.stack([phase, phase]), hop
    )
    save(diagrams.system(tuple(waveforms), (magnitude, estimate), phase), "1-system")
    save(diagrams.network(frame // 2, frames, 64, 4), "1-network")


def main() -> None:
    for path in (TILES / "tiles.json", EXAMPLES, MODEL):
        if not path.exists():
            raise BadInput(f"{path}: not there; run `dvc repro` first")
    settings = json.loads((TILES / "tiles.json").read_text())
    frames, hop = settings["tile_frames"], settings["hop"]
    seconds, top = frames * hop / settings["sample_rate"], settings["sample_rate"] / 2
    index = pd.read_csv(TILES / "index.csv", dtype={"track": str}, keep_default_na=False)
    mixture, vocals = (np.load(TILES / f"{s}.npy", mmap_mode="r") for s in ("mixture", "vocals"))
    # Pictures are of magnitudes: nothing is scaled.
    unscaled = np.zeros((len(mixture), 1, 1), np.float32), np.ones((len(mixture), 1, 1), np.float32)
    augmented(TileStore(mixture, vocals, *unscaled), index, seconds, top)
    example_of_scaling()
    system(index, hop, settings["frame_size"], frames)


if __name__ == "__main__":
    run(main)
