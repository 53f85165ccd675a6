"""Training options beyond the paper: their effects, and resuming after a kill."""

import shutil

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from vocalseg.losses import OutputSpec
from vocalseg.mixed_store import MixedStore
from vocalseg.mixing import Mixer, MixingOptions
from vocalseg.model_file import Settings
from vocalseg.networks import build
from vocalseg.trainer import Trainer
from vocalseg.training import best_epoch, fit
from vocalseg.unet import build_unet

FRAME, HOP, FRAMES, TILES, SONGS = 32, 8, 16, 4, 4


def make_store(scaler="log", targets=1, **mixing):
    rng = np.random.default_rng(1)
    songs = {}
    for number in range(SONGS):
        time = np.arange(TILES * FRAMES * HOP + 50)
        voice = np.sin(0.4 * time * (1 + number / 9)) * rng.uniform(0.2, 1)
        songs[f"{number}"] = tuple(
            x.astype(np.float32) for x in (voice + rng.normal(0, 0.3, len(time)), voice)
        )
    tiles = pd.DataFrame(
        [(f"{s}", t * FRAMES) for s in range(SONGS) for t in range(TILES)],
        columns=["track", "first_frame"],
    )
    examples = make_examples()
    sizes = {"frame_size": FRAME, "hop": HOP, "frames": FRAMES}
    pool = examples[examples["part"] == "train"]
    mixer = Mixer(songs, tiles, pool, **sizes, mixing=MixingOptions(**mixing), seed=5)
    standard = (np.ones((1, FRAME // 2, 1), np.float32),) * 2 if scaler == "standard" else None
    return MixedStore(mixer, "frequency", scaler, standard, targets)


def make_examples():
    rows = [("original", tile, -1) for tile in range(TILES * SONGS)]
    rows += [("splice", 0, -1), ("splice", 13, -1), ("blackout", 2, 5), ("blackout", 14, 1)]
    table = pd.DataFrame(rows, columns=["kind", "tile", "blackout_start"])
    return table.assign(part=np.where(table["tile"] >= 12, "validation", "train"))


MIXING = {
    "remix": 0.5, "gain": 3.0, "crop": "random", "pitch": 2.0, "tones": 0.3, "noise": 0.3,
}  # fmt: skip
CASES = [
    ("strided", "mask", "both", "sdr", "standard", {}),
    ("unet", "mask", "vocals", "l1_linear", "log", {"tempo": 0.1}),
    ("unet", "magnitude", "both", "mae", "minmax", {"tempo": 0.1}),
    ("strided", "magnitude", "vocals", "sdr", "robust", {}),
]


def train(folder, case, seed=1, **changes):
    name, output, targets, loss, scaler, more = case
    sizes = 11025, FRAME, HOP, FRAMES, "frequency", scaler, 2, 1
    settings = Settings(*sizes, name=name, output=output, targets=targets)
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    model = build(settings)
    options = {
        "loss": loss, "epochs": 4, "batch_size": 4, "learning_rate": 0.01, "seed": 5,
        "schedule": "cosine", "optimizer": "muon", "ema": 0.9, "select": "val_sdr",
        "backup": folder / "backup.npz",
        "spec": OutputSpec(output, scaler in ("log", "standard"), HOP),
    }  # fmt: skip
    channels = 1 if targets == "vocals" else 2
    store = make_store(scaler, channels, **MIXING, **more)
    history = fit(model, store, make_examples(), **options | changes)
    return model, history.drop(columns=["seconds", "cpu"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(case[:5]))
def test_resumed_training_with_all_options_gives_byte_identical_weights(tmp_path, case):
    (tmp_path / "b").mkdir()

    def copy_checkpoint(epoch):
        if epoch["epoch"] == 2:  # what a training leaves that is killed after this epoch
            shutil.copy(tmp_path / "a/backup.npz", tmp_path / "b")

    uninterrupted, expected = train(tmp_path / "a", case, on_epoch=copy_checkpoint)
    resumed, history = train(tmp_path / "b", case, seed=99)
    pd.testing.assert_frame_equal(history, expected, check_exact=True)
    assert history.columns.tolist() == ["epoch", "loss", "val_loss", "val_sdr"]
    files = []
    for model, name in ((uninterrupted, "a"), (resumed, "b")):
        model.save_weights(tmp_path / f"{name}.weights.h5")
        files.append((tmp_path / f"{name}.weights.h5").read_bytes())
    assert files[0] == files[1]


def test_best_epoch_is_the_first_with_the_lowest_loss_or_highest_sdr():
    history = [
        {"epoch": n, "val_loss": loss, "val_sdr": sdr}
        for n, (loss, sdr) in enumerate([(3, 1), (1, 2), (2, 4), (1, 4)], 1)
    ]
    assert best_epoch(history, "val_loss")["epoch"] == 2
    assert best_epoch(history, "val_sdr")["epoch"] == 3


# ------------------------------------------------------------------ training step


def one_variable():
    """The smallest network: its output is its input times a weight of 2."""
    x = keras.Input((1, 1, 1))
    model = keras.Model(x, keras.layers.Conv2D(1, 1, use_bias=False)(x))
    model.set_weights([np.full((1, 1, 1, 1), 2, np.float32)])
    return model


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_adam_follows_its_formula_at_the_rate_of_the_schedule(schedule):
    model, rate, steps = one_variable(), 0.1, 8
    trainer = Trainer(model, "mse", rate, steps=steps if schedule == "cosine" else None)
    weight, m, v = 2.0, 0.0, 0.0
    for t in range(1, steps + 1):
        x, y = 1.0 + 0.1 * t, 0.5
        trainer.step({k: tf.fill((1, 1, 1, 1), a) for k, a in (("input", x), ("target", y))})
        gradient = 2 * (weight * x - y) * x
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        cosine = (1 + np.cos(np.pi * (t - 1) / steps)) / 2 if schedule == "cosine" else 1
        corrected = m / (1 - 0.9**t), np.sqrt(v / (1 - 0.999**t))
        weight -= rate * cosine * corrected[0] / (corrected[1] + 1e-7)
        assert model.get_weights()[0].item() == pytest.approx(weight, rel=1e-4)


def test_average_of_the_weights_is_validated_and_returned(tmp_path):
    case = CASES[1]
    model, history = train(tmp_path / "a", case, epochs=1)
    plain, other = train(tmp_path / "b", case, epochs=1, ema=0.0)
    assert history["loss"][0] == other["loss"][0]  # the average has no effect on training
    assert history["val_loss"][0] != other["val_loss"][0]
    pairs = zip(model.get_weights(), plain.get_weights(), strict=True)
    assert any((one != two).any() for one, two in pairs)


def test_default_options_give_the_steps_of_a_plain_loop():
    """With all options at their defaults, steps are those of Keras' optimizer."""
    rng = np.random.default_rng(0)
    mixture, vocals = rng.random((2, 6, 4, 16, 16, 1), dtype=np.float32)
    models = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        models.append(build_unet(16, 16, 2, 1))
    trainer, optimizer = Trainer(models[0], "mae", 0.01), keras.optimizers.Adam(0.01)
    for x, y in zip(mixture, vocals, strict=True):
        trainer.step({"input": x, "target": y})
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.abs(models[1](x, training=True) - y))
        variables = models[1].trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
    for one, other in zip(*(m.get_weights() for m in models), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
