"""Model files: loading restores the saved network, and any damage is detected."""

import json

import keras
import numpy as np
import pytest

from tests.conftest import BFLOAT16
from vocalseg import Separator, model_file
from vocalseg.compute import ComputeSettings
from vocalseg.estimator import Estimator
from vocalseg.model_file import Settings
from vocalseg.unet import build_unet

SETTINGS = Settings(11025, 64, 16, 16, "time", "robust", 2, 2)
TRAINED = ComputeSettings(onednn=True, threads=2, precision="float32")


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(5)
    return build_unet(SETTINGS.bins, SETTINGS.tile_frames, SETTINGS.filters, SETTINGS.depth)


@pytest.fixture
def saved(model, tmp_path):
    path = tmp_path / "unet.json"
    model_file.save(path, model, SETTINGS, TRAINED)
    return path


def weights_path(path):
    return path.with_suffix(".weights.h5")


def rewrite(path, **changes):
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in content.items() if v is not ...}))


# ------------------------------------------------------------------ round trip


def test_loaded_network_equals_the_saved_one(model, saved, rng):
    settings, weights = model_file.load(saved)
    assert settings == SETTINGS
    other = build_unet(settings.bins, settings.tile_frames, settings.filters, settings.depth)
    tiles = rng.random((3, 32, 16, 1), dtype=np.float32)
    before = other.predict_on_batch(tiles)
    other.load_weights(weights)
    assert not np.array_equal(before, model.predict_on_batch(tiles))
    np.testing.assert_array_equal(other.predict_on_batch(tiles), model.predict_on_batch(tiles))


def test_separator_loads_the_network_with_its_settings(model, saved, rng):
    separator = Separator.load(saved, overlap=0.25, extend=False)
    assert separator.settings == SETTINGS
    assert (separator.overlap_frames, separator.extend) == (4, False)
    song = rng.uniform(-0.5, 0.5, (5000, 2)).astype(np.float32)
    estimator = Estimator(model.predict_on_batch, SETTINGS)
    expected = Separator(estimator, overlap=0.25, extend=False)
    for one, other in zip(
        separator.separate(song, 44100), expected.separate(song, 44100), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@BFLOAT16
def test_separator_computes_in_the_requested_precision(saved, rng):
    song = rng.uniform(-0.5, 0.5, 5000).astype(np.float32)
    exact, _ = Separator.load(saved).separate(song, 44100)
    same, _ = Separator.load(saved, precision="float32").separate(song, 44100)
    rounded, _ = Separator.load(saved, precision="bfloat16").separate(song, 44100)
    np.testing.assert_array_equal(exact, same)
    assert 0 < np.abs(exact - rounded).max() < 0.05


def test_saving_twice_gives_the_same_bytes(model, tmp_path):
    for folder in ("a", "b"):
        model_file.save(tmp_path / folder / "unet.json", model, SETTINGS, TRAINED)
    for name in ("unet.json", "unet.weights.h5"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_file_contains_the_compute_settings_of_the_training(saved):
    assert ComputeSettings(**json.loads(saved.read_text())["trained"]) == TRAINED


def test_both_files_can_be_moved_together(saved, tmp_path):
    folder = tmp_path / "Björk – Jóga 🎤"
    folder.mkdir()
    for path in (saved, weights_path(saved)):
        path.rename(folder / path.name)
    assert model_file.load(folder / saved.name) == (SETTINGS, folder / "unet.weights.h5")
    Separator.load(folder / saved.name)


# ------------------------------------------------------------------ damage


def test_missing_model_is_named_in_the_error(tmp_path, rejects):
    path = tmp_path / "nowhere.json"
    for load in (model_file.load, Separator.load):
        with rejects(path, "no such model"):
            load(path)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"not json", b"[1, 2]", b"null", b"\xff\xfe\x00", b'{"format": 1}']
)
def test_invalid_json_is_named_in_the_error(saved, rejects, content):
    saved.write_bytes(content)
    with rejects(saved):
        Separator.load(saved)


@pytest.mark.parametrize("key", ["format", "weights", "sha256", "scaler", "depth", "trained"])
def test_missing_key_is_an_error(saved, rejects, key):
    rewrite(saved, **{key: ...})
    with rejects(saved):
        Separator.load(saved)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("filters", "many"),
        ("axis", "sideways"),
        ("scaler", "quantile"),
        ("sample_rate", 0),
        ("weights", None),
        ("trained", {"onednn": True}),
        ("trained", {"onednn": True, "threads": "many", "precision": "float32"}),
        ("unknown", 1),
    ],
)
def test_invalid_value_is_an_error(saved, rejects, key, value):
    rewrite(saved, **{key: value})
    with rejects(saved.name):
        Separator.load(saved)


def test_error_for_another_format_names_the_supported_one(saved, rejects):
    rewrite(saved, format=1)
    with rejects(saved, "format 1", "reads 2"):
        Separator.load(saved)


def test_missing_weights_are_named_in_the_error(saved, rejects):
    weights_path(saved).unlink()
    with rejects(weights_path(saved), "missing"):
        Separator.load(saved)


@pytest.mark.parametrize("position", [0, 0.5, 1])
def test_single_changed_bit_of_the_weights_is_detected(saved, rejects, position):
    content = bytearray(weights_path(saved).read_bytes())
    content[round(position * (len(content) - 1))] ^= 1
    weights_path(saved).write_bytes(content)
    with rejects(weights_path(saved), "damaged"):
        Separator.load(saved)


def test_truncated_weights_are_detected(saved, rejects):
    content = weights_path(saved).read_bytes()
    weights_path(saved).write_bytes(content[:-100])
    with rejects(weights_path(saved), "damaged"):
        Separator.load(saved)


@pytest.mark.filterwarnings("ignore:Skipping nested container")
@pytest.mark.parametrize(("key", "value"), [("filters", 4), ("depth", 3), ("depth", 1)])
def test_weights_of_a_network_of_another_size_are_an_error(saved, rejects, key, value):
    rewrite(saved, **{key: value})
    with rejects(weights_path(saved), "not the weights of"):
        Separator.load(saved)


def test_optional_settings_are_restored_and_defaults_are_not_written(tmp_path, model, saved):
    written = json.loads(saved.read_text()).keys()
    assert not {"name", "output", "targets", "offset", "scale"} & written
    values = {"name": "strided", "output": "mask", "targets": "both", "offset": (0.5, 1.25)}
    settings = Settings(**{**vars(SETTINGS), **values})
    path = tmp_path / "other.json"
    model_file.save(path, model, settings, TRAINED)
    assert model_file.load(path)[0] == settings
