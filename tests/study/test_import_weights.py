"""Import of Keras files with networks of the published shape."""

import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import h5py
import keras
import numpy as np
import pytest
import tf_keras

from study.import_weights import main
from vocalseg import Separator

BINS, FRAMES = 512, 128


def published_network(library, filters=3, depth=4, head="Conv1D", bias=True):
    """A network of the published shape, with biases and Keras' defaults."""
    layers = library.layers

    def block(x, count):
        for _ in range(2):
            x = layers.Conv2D(count, 3, strides=1, padding="same", use_bias=bias)(x)
            x = layers.BatchNormalization()(x)
            x = layers.Activation("relu")(x)
        return x

    x = inputs = library.Input((BINS, FRAMES, 1))
    skips = []
    for level in range(depth):
        skips.append(block(x, filters * 2**level))
        x = layers.MaxPooling2D((2, 2))(skips[-1])
    x = block(x, filters * 2**depth)
    for skip in reversed(skips):
        x = layers.Conv2DTranspose(skip.shape[-1], 2, strides=2, padding="same")(x)
        x = block(layers.Concatenate()([x, skip]), skip.shape[-1])
    outputs = getattr(layers, head)(1, 1, activation="linear")(x)
    model = library.Model(inputs, outputs)
    randomize(model)
    return model


def randomize(model, seed=3):
    """Set random weights of plausible magnitude, which all differ from the initial ones."""
    rng = np.random.default_rng(seed)
    weights = []
    for array in model.get_weights():
        if array.ndim > 1:
            fan_in = np.prod(array.shape[:-1])
            weights.append(rng.normal(0, np.sqrt(2 / fan_in), array.shape))
        else:
            weights.append(rng.uniform(0.5, 1.5, array.shape))  # variances must be positive
    model.set_weights(weights)


def tile():
    return np.random.default_rng(0).random((1, BINS, FRAMES, 1), dtype=np.float32)


def import_model(file, output, *options):
    main([str(file), "-o", str(output), "--axis", "frequency", "--scaler", "max", *options])
    return Separator.load(output)


def difference(separator, model):
    """Relative RMS difference of the outputs of both networks."""
    expected = np.asarray(model(tile(), training=False))
    return np.linalg.norm(separator.estimator.network(tile()) - expected) / np.linalg.norm(expected)


@pytest.fixture(scope="module")
def keras_2_model():
    return published_network(tf_keras)


def save_weights(model, path):
    model.save_weights(path)


def save(model, path):
    model.save(path)


@pytest.mark.filterwarnings("ignore:.*HDF5 file via")
@pytest.mark.parametrize(
    ("write", "name"),
    [
        (save_weights, "model-val.hdf5"),  # as the published code writes them
        (save, "model.hdf5"),
        (save, "model.keras"),
    ],
)
def test_imported_keras_2_network_has_the_same_output(keras_2_model, tmp_path, write, name):
    write(keras_2_model, tmp_path / name)
    separator = import_model(tmp_path / name, tmp_path / "unet.json")
    assert (separator.settings.filters, separator.settings.depth) == (3, 4)
    assert difference(separator, keras_2_model) < 1e-6


@pytest.mark.parametrize("name", ["model.keras", "model.weights.h5"])
@pytest.mark.parametrize(("filters", "depth", "bias"), [(2, 4, True), (3, 2, False)])
def test_imported_keras_3_network_has_the_same_output(tmp_path, name, filters, depth, bias):
    model = published_network(keras, filters, depth, "Conv2D", bias)
    (save if name.endswith(".keras") else save_weights)(model, tmp_path / name)
    separator = import_model(tmp_path / name, tmp_path / "unet.json")
    assert (separator.settings.filters, separator.settings.depth) == (filters, depth)
    assert difference(separator, model) < 1e-6


def test_imported_model_separates_a_song(keras_2_model, tmp_path):
    keras_2_model.save_weights(tmp_path / "model.hdf5")
    separator = import_model(tmp_path / "model.hdf5", tmp_path / "unet.json")
    song = np.random.default_rng(1).uniform(-0.5, 0.5, (44100, 2)).astype(np.float32)
    vocals, accompaniment = separator.separate(song, 44100)
    np.testing.assert_allclose(vocals + accompaniment, song, atol=1e-6)
    assert vocals.any()


# ------------------------------------------------------------------ settings of the training


@pytest.mark.parametrize(
    ("quantile", "axis", "scaler"), [(True, "time", "robust"), (False, "frequency", "max")]
)
def test_axis_and_scaler_are_read_from_the_file_beside_the_weights(
    keras_2_model, tmp_path, quantile, axis, scaler
):
    keras_2_model.save_weights(tmp_path / "model.hdf5")
    args = {"normalization": axis, "quantile_scaler": quantile, "loss": "mae"}
    (tmp_path / "args.json").write_text(json.dumps(args))
    main([str(tmp_path / "model.hdf5"), "-o", str(tmp_path / "unet.json")])
    settings = json.loads((tmp_path / "unet.json").read_text())
    assert (settings["axis"], settings["scaler"]) == (axis, scaler)
    main([str(tmp_path / "model.hdf5"), "-o", str(tmp_path / "b.json"), "--scaler", "minmax"])
    assert json.loads((tmp_path / "b.json").read_text())["scaler"] == "minmax"


@pytest.mark.parametrize("content", [None, "{}", "[", '{"normalization": 1, "quantile_scaler": 0}'])
def test_axis_and_scaler_are_required_without_that_file(keras_2_model, tmp_path, rejects, content):
    keras_2_model.save_weights(tmp_path / "model.hdf5")
    if content is not None:
        (tmp_path / "args.json").write_text(content)
    with rejects("args.json", "give --axis and --scaler"):
        main([str(tmp_path / "model.hdf5"), "-o", str(tmp_path / "unet.json")])
    assert not (tmp_path / "unet.json").exists()


# ------------------------------------------------------------------ existing files


def test_existing_model_is_replaced_only_with_overwrite(keras_2_model, tmp_path, rejects):
    file, output = tmp_path / "model.hdf5", tmp_path / "unet.json"
    keras_2_model.save_weights(file)
    cached = tmp_path / "cached"  # linked, as from DVC's cache
    cached.write_bytes(b"cached")
    os.link(cached, output.with_suffix(".weights.h5"))
    with rejects("unet.weights.h5", "--overwrite"):
        import_model(file, output)
    import_model(file, output, "--overwrite")
    assert cached.read_bytes() == b"cached"


# ------------------------------------------------------------------ other files


def other_shape(path):
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
    model.save_weights(path)


def additional_block(path):
    model = published_network(keras, 2, 2, "Conv2D")
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(2, 3)(model.output))
    keras.Model(model.input, x).save_weights(path)


def other_widths(path):
    published_network(keras, 2, 2, "Conv2D").save_weights(path)
    with h5py.File(path, "r+") as file:
        kernel = file["layers/conv2d_3/vars/0"][()]
        del file["layers/conv2d_3/vars/0"]
        file["layers/conv2d_3/vars/0"] = np.concatenate([kernel, kernel], axis=3)


def not_finite(path):
    model = published_network(keras, 2, 2, "Conv2D")
    model.set_weights([np.full_like(array, np.nan) for array in model.get_weights()])
    model.save_weights(path)


def empty_table(path):
    with h5py.File(path, "w") as file:
        file["numbers"] = np.arange(3)


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.write_bytes(b"no HDF5"), "not a Keras file"),
        (lambda path: path.write_bytes(b"PK\5\6" + 18 * b"\0"), "not a Keras file"),
        (empty_table, "not a Keras file"),
        (other_shape, "not a network of the published code"),
        (additional_block, "not a network of the published code"),
        (other_widths, "not a network of the published code"),
        (not_finite, "not finite"),
    ],
)
def test_other_files_are_errors_of_one_line(tmp_path, rejects, write, reason):
    path = tmp_path / "other.weights.h5"
    write(path)
    with rejects(path, reason):
        import_model(path, tmp_path / "unet.json")
    assert not (tmp_path / "unet.json").exists()
