"""Figures show the input of the network and the numbers of scikit-learn."""

import json

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from PIL import Image
from sklearn.preprocessing import MinMaxScaler, RobustScaler

from study import figures
from vocalseg import model_file, spectrogram
from vocalseg.compute import compute_settings
from vocalseg.examples import make_table
from vocalseg.report import diagrams
from vocalseg.report import figures as drawing
from vocalseg.unet import build_unet

STFT = {"sample_rate": 11025, "frame_size": 256, "hop": 64, "tile_frames": 32}
NAMES = [
    "1-network", "1-system", "2-splice", "3-blackout", "4-integers", "5-minmax", "6-robust",
]  # fmt: skip


def images(figure):
    """Values shown in each panel of a figure."""
    return [np.asarray(ax.images[0].get_array()) for ax in figure.axes if ax.images]


def texts(ax):
    return [text.get_text() for text in ax.texts]


@pytest.fixture
def project(tmp_path, monkeypatch, rng):
    """Output of a pipeline run with two songs."""
    monkeypatch.chdir(tmp_path)
    tiles, rows = {"mixture": [], "vocals": []}, []
    for name in ("a", "b"):
        folder = tmp_path / "data/resampled/train" / name
        folder.mkdir(parents=True)
        song = rng.standard_normal((64 * 32 * 4, 1)).astype(np.float32)
        for stem, gain in (("mixture", 0.1), ("vocals", 0.05)):
            sf.write(folder / f"{stem}.wav", gain * song, 11025, subtype="FLOAT")
            spectrum = spectrogram.stft(gain * song[:, 0], 256, 64)
            tiles[stem].append(spectrogram.tiles(np.abs(spectrum), 32))
        rows += [(name, 32 * i, 1000.0 + i) for i in range(len(tiles["mixture"][-1]))]
    store = tmp_path / "data/tiles"
    store.mkdir()
    for stem, parts in tiles.items():
        np.save(store / f"{stem}.npy", np.concatenate(parts))
    index = pd.DataFrame(rows, columns=["track", "first_frame", "vocal_l1"])
    index.to_csv(store / "index.csv", index=False)
    (store / "tiles.json").write_text(json.dumps(STFT))
    make_table(
        index, splice=1, blackout=0.5, min_vocal_l1=100, validation=0.5, tile_frames=32, seed=1
    ).to_csv(tmp_path / "data/examples.csv", index=False)
    settings = model_file.Settings(**STFT, axis="time", scaler="max", filters=1, depth=2)
    network = build_unet(128, 32, 1, 2)
    model_file.save(tmp_path / "models/unet.json", network, settings, compute_settings("float32"))
    return tmp_path


def test_command_draws_every_figure(project):
    figures.main()
    drawn = sorted((project / "docs/figures").iterdir())
    assert [path.stem for path in drawn] == NAMES
    for path in drawn:
        picture = Image.open(path)
        assert min(picture.size) > 300
        assert len(picture.getcolors()) > 10


def test_missing_results_are_an_error_with_advice(tmp_path, monkeypatch, rejects):
    monkeypatch.chdir(tmp_path)
    with rejects("data/tiles/tiles.json", "dvc repro"):
        figures.main()


def test_panels_of_the_splice_show_their_tiles_in_db(rng):
    first, second, spliced = rng.uniform(0.1, 1, (3, 8, 6))
    figure = drawing.splice(first, second, spliced, 3.0, 5512.5)
    loudest = max(first.max(), second.max())
    for shown, tile in zip(images(figure), (first, second, spliced), strict=True):
        np.testing.assert_allclose(shown, 20 * np.log10(tile / loudest))
    # The marked halves are the last, the first, and both.
    marks = [[patch.get_x() for patch in ax.patches] for ax in figure.axes[:3]]
    assert marks == [[1.5], [0], [0, 1.5]]


def test_blackout_is_marked_at_its_position(rng):
    before = rng.uniform(0.1, 1, (8, 6))
    after = before.copy()
    after[:, 2:5] = 0
    figure = drawing.blackout({"mixture": (before, after)}, 1.0, 3.0, 5512.5)
    above, below = images(figure)
    assert (below[:, 2:5] == -drawing.RANGE).all()
    np.testing.assert_array_equal(above[:, :2], below[:, :2])
    (mark,) = figure.axes[1].patches
    assert (mark.get_x(), mark.get_width()) == (1.0, 1.5)


@pytest.mark.parametrize(
    ("number", "scaler"), [("5-minmax", MinMaxScaler()), ("6-robust", RobustScaler())]
)
def test_integers_are_scaled_as_by_scikit_learn(monkeypatch, number, scaler):
    drawn = {}
    monkeypatch.setattr(figures, "save_png", lambda figure, name: drawn.update({name: figure}))
    figures.draw_scaling()
    values = figures.INTEGERS.astype(float)
    expected = scaler.fit_transform(values.T).T, scaler.fit_transform(values)
    for ax, matrix in zip(drawn[number].axes, expected, strict=True):
        written = texts(ax)[: matrix.size]
        assert written == [f"{value + 0.0:.2f}" for value in matrix.astype(np.float32).ravel()]
    assert texts(drawn["4-integers"].axes[0]) == [f"{value}" for value in figures.INTEGERS.ravel()]


@pytest.mark.parametrize(("filters", "depth"), [(64, 4), (8, 2)])
def test_network_is_drawn_with_its_sizes(filters, depth):
    (ax,) = diagrams.network(512, 128, filters, depth).axes
    levels = [*range(depth + 1), *reversed(range(depth))]
    expected = [f"{filters << level}" for level in levels]
    assert [text for text in texts(ax) if text.isdigit()] == expected
    assert f"{512 >> depth} × {128 >> depth}" in texts(ax)
