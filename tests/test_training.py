"""Training is deterministic, resumes after a kill, and returns the weights of the best epoch."""

import keras
import numpy as np
import pandas as pd
import pytest

from vocalseg.loader import TileStore
from vocalseg.training import fit, loss_of_zeros
from vocalseg.unet import build_unet

SIZE, TILES, HELD_OUT, EPOCHS = 16, 20, 8, 5


def make_store():
    """An easy task: the vocals are the lower half of the bins.

    In the validation tiles, their sign is flipped. Training therefore increases the validation loss
    in the end, and the best epoch is not the last.
    """
    mixture = np.random.default_rng(0).random((TILES, SIZE, SIZE), dtype=np.float32)
    vocals = mixture.copy()
    vocals[:, SIZE // 2 :] = 0
    vocals[TILES - HELD_OUT :] *= -1
    ones = np.ones((TILES, SIZE, 1), np.float32)
    return TileStore(mixture, vocals, 0 * ones, ones)


def make_examples():
    """Some examples of each kind; the last tiles are for validation."""
    rows = [("original", tile, -1) for tile in range(TILES)]
    rows += [("splice", tile, -1) for tile in range(0, 11, 3)]
    rows += [("blackout", tile, tile % 8) for tile in range(1, 12, 3)]
    table = pd.DataFrame(rows, columns=["kind", "tile", "blackout_start"])
    held_out = table["tile"] >= TILES - HELD_OUT
    return table.assign(part=np.where(held_out, "validation", "train"))


def network(seed):
    keras.utils.clear_session()  # layers get the same names as in a new process
    keras.utils.set_random_seed(seed)
    return build_unet(SIZE, SIZE, 2, 1)


def train(folder, initial=1, store=None, **changes):
    model = network(initial)
    settings = {
        "loss": "mae",
        "epochs": EPOCHS,
        "batch_size": 4,
        "learning_rate": 0.03,
        "seed": 42,
        "backup": folder / "backup.npz",
    }
    history = fit(model, store or make_store(), make_examples(), **settings | changes)
    return model, history


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return train(tmp_path_factory.mktemp("uninterrupted"))


def losses(history):
    """A history without the durations of its epochs."""
    return history.drop(columns=["seconds", "cpu"])


def weights_file(model, path):
    model.save_weights(path)
    return path.read_bytes()


# ------------------------------------------------------------------ determinism and resuming


def test_same_arguments_give_byte_identical_weights(uninterrupted, tmp_path):
    model, history = uninterrupted
    again, same_history = train(tmp_path)
    pd.testing.assert_frame_equal(losses(history), losses(same_history), check_exact=True)
    assert weights_file(model, tmp_path / "a.weights.h5") == weights_file(
        again, tmp_path / "b.weights.h5"
    )


def test_resumed_training_equals_an_uninterrupted_one(uninterrupted, tmp_path):
    def kill(epoch):
        if epoch["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, on_epoch=kill)
    seen = []
    model, history = train(tmp_path, initial=99, on_epoch=seen.append)  # other initial weights

    expected_model, expected_history = uninterrupted
    pd.testing.assert_frame_equal(losses(history), losses(expected_history), check_exact=True)
    for weight, expected in zip(model.get_weights(), expected_model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
    assert seen == history.to_dict("records")


def test_different_seeds_give_different_losses(uninterrupted, tmp_path):
    _, history = train(tmp_path, seed=43, epochs=1)
    assert history["loss"][0] != uninterrupted[1]["loss"][0]


def test_history_has_all_columns_and_counts_epochs_from_one(uninterrupted):
    _, history = uninterrupted
    assert history.columns.tolist() == ["epoch", "loss", "val_loss", "seconds", "cpu"]
    assert (history["seconds"] > 0).all()
    assert history["epoch"].tolist() == [1, 2, 3, 4, 5]
    assert np.isfinite(history).all(axis=None)


@pytest.mark.parametrize(("last_batch", "sizes"), [("drop", [8, 8, 8]), ("keep", [8, 8, 4, 8])])
def test_incomplete_last_batch_is_dropped_or_kept(tmp_path, last_batch, sizes):
    seen = []
    store = make_store()
    make = store.examples
    store.examples = lambda rows: seen.append(len(rows)) or make(rows)
    train(tmp_path, store=store, epochs=1, batch_size=8, last_batch=last_batch)  # 20 examples
    assert seen == sizes  # the last one is the validation part


# ------------------------------------------------------------------ the result


def test_loss_decreases_on_an_easy_task(uninterrupted):
    _, history = uninterrupted
    assert history["loss"].iloc[-1] < 0.7 * history["loss"].iloc[0]


def validation_error(model):
    examples = make_examples()
    mixture, vocals = make_store().examples(examples[examples["part"] == "validation"])
    return keras.ops.convert_to_numpy(model(mixture, training=False)) - vocals


def test_model_has_the_weights_of_the_best_epoch(uninterrupted):
    model, history = uninterrupted
    assert history["val_loss"].idxmin() < len(history) - 1  # else the last one would pass, too
    expected = np.mean(np.abs(validation_error(model)))
    assert history["val_loss"].min() == pytest.approx(expected, rel=1e-4)


def test_requested_loss_is_used(tmp_path):
    model, history = train(tmp_path, loss="mse", epochs=2)
    expected = np.mean(validation_error(model) ** 2)
    assert history["val_loss"].min() == pytest.approx(expected, rel=1e-4)


def test_nan_loss_stops_the_training(tmp_path):
    store = make_store()
    store.vocals[0] = np.nan
    with pytest.raises(FloatingPointError, match="epoch 1"):
        train(tmp_path, store=store, epochs=2)
    assert not (tmp_path / "backup.npz").exists()


# ------------------------------------------------------------------ the loss of silence


def test_loss_of_zeros_is_the_mean_over_the_validation_tiles():
    vocals = np.array([[[1, 1], [1, 0]], [[0, 2], [2, 2]], [[5, 5], [5, 5]]], np.float32)
    store = TileStore(vocals + 9, vocals, np.zeros((3, 2, 1)), np.ones((3, 2, 1)))
    table = pd.DataFrame({"kind": "original", "tile": range(3), "blackout_start": -1})
    table["part"] = ["validation", "validation", "train"]
    for batch_size in (1, 2, 5):
        assert loss_of_zeros(store, table, "mae", batch_size) == pytest.approx((3 + 6) / 8)
        assert loss_of_zeros(store, table, "mse", batch_size) == pytest.approx((3 + 12) / 8)


def test_loss_of_zeros_is_computed_on_scaled_tiles():
    mixture = np.full((1, 2, 2), 10, np.float32)
    store = TileStore(mixture, mixture / 2, np.full((1, 2, 1), 3.0), np.full((1, 2, 1), 2.0))
    table = pd.DataFrame(
        {"kind": ["original"], "tile": [0], "blackout_start": [-1], "part": ["validation"]}
    )
    assert loss_of_zeros(store, table, "mae", 1) == pytest.approx((5 - 3) / 2)
