"""The parameter file: valid values, and one-line errors for invalid ones."""

from pathlib import Path

import pytest
import yaml

from stages.schema import params

COMMITTED = Path(__file__).parents[1] / "params.yaml"

VALID = """
seed: 42
dataset: {name: demo, root: null}
audio: {sample_rate: 11025}
stft: {frame_size: 1024, hop: 256, tile_frames: 128}
normalize: {axis: frequency, scaler: minmax}
augment: {splice: 1.0, blackout: 0.5, min_vocal_l1: 100, validation: 0.1}
model: {filters: 16, depth: 4}
train: {loss: mae, epochs: 10, batch_size: 16, learning_rate: 0.001, precision: auto}
eval: {}
reports: {}
matrix: {normalize.axis: [time, frequency], train.loss: [mae, mse], seed: [1, 2]}
"""


@pytest.fixture
def values():
    return yaml.safe_load(VALID)


def set_value(values, key, value):
    section, _, name = key.partition(".")
    if name:
        values[section][name] = value
    else:
        values[section] = value
    return values


def test_committed_file_is_valid():
    assert (
        params.load(COMMITTED).model_dump()
        == params.check(yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))).model_dump()
    )


def test_sections_of_optional_keys_may_be_empty(values):
    read = params.check(values)
    assert (read.eval.overlap, read.eval.extend, read.dataset.seed) == (0.125, True, 42)
    assert (read.reports.embed_audio, read.reports.seconds) == (True, 5)


def test_values_are_read_unchanged(values):
    read = params.check(values)
    for section, content in values.items():
        if section not in ("eval", "matrix", "seed"):
            assert content.items() <= getattr(read, section).model_dump().items()
    assert read.seed == values["seed"]
    assert read.matrix == values["matrix"]


def test_parameters_are_immutable(values):
    with pytest.raises(ValueError):
        params.check(values).train.epochs = 3


# ------------------------------------------------------------------ numbers as strings


@pytest.mark.parametrize(
    ("key", "text", "number"),
    [
        ("train.learning_rate", "1e-05", 1e-5),
        ("train.epochs", "3", 3),
        ("augment.splice", "0.25", 0.25),
        ("seed", "7", 7),
    ],
)
def test_numbers_in_strings_are_converted(values, key, text, number):
    section, _, name = key.partition(".")
    read = getattr(params.check(set_value(values, key, text)), section)
    read = getattr(read, name) if name else read
    assert read == number
    assert type(read) is type(number)


def test_number_without_a_dot_is_a_string_in_yaml_and_is_converted(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(VALID.replace("0.001", "1e-05"))
    assert yaml.safe_load(path.read_text())["train"]["learning_rate"] == "1e-05"
    assert params.load(path).train.learning_rate == 1e-5


# ------------------------------------------------------------------ keys


def test_error_for_an_unknown_section_lists_existing_ones(values, rejects):
    values["plots"] = {"dpi": 100}
    with rejects("params.yaml: plots:", "unknown key", "dataset", "train", "eval"):
        params.check(values)


@pytest.mark.parametrize(
    ("key", "suggestion"),
    [("train.epoch", "epochs"), ("stft.frame_sizes", "frame_size"), ("trian", "train")],
)
def test_error_for_a_misspelled_key_suggests_the_closest_key(values, rejects, key, suggestion):
    with rejects("params.yaml", f"{key}: unknown key", f"did you mean {suggestion!r}?"):
        params.check(set_value(values, key, 5))


@pytest.mark.parametrize(
    "section", ["seed", "dataset", "stft", "model", "train", "eval", "reports"]
)
def test_missing_section_is_named_in_the_error(values, rejects, section):
    del values[section]
    with rejects(f"params.yaml: {section}: missing"):
        params.check(values)


def test_missing_key_is_named_in_the_error(values, rejects):
    del values["augment"]["splice"]
    with rejects("params.yaml: augment.splice: missing"):
        params.check(values)


def test_several_errors_are_one_line_each(values):
    values["train"]["loss"] = "mea"
    values["model"]["filters"] = 0
    with pytest.raises(params.BadInput) as caught:
        params.check(values)
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert all(line.startswith("params.yaml: ") for line in lines)


# ------------------------------------------------------------------ values


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("dataset.name", "musdb", ["demo", "musdb18-7s", "musdb18", "musdb18-hq", "folder"]),
        ("normalize.axis", "freq", ["time", "frequency"]),
        ("normalize.scaler", "quantile", ["minmax", "robust", "max"]),
        ("train.loss", "mea", ["mae", "mse", "l1_linear", "sdr"]),
        ("train.schedule", "linear", ["constant", "cosine"]),
        ("train.optimizer", "sgd", ["adam", "muon"]),
        ("train.ema", 1, ["less than 1"]),
        ("train.select", "sdr", ["val_loss", "val_sdr"]),
        ("model.name", "resnet", ["unet", "strided"]),
        ("model.output", "phase", ["magnitude", "mask"]),
        ("model.targets", "drums", ["vocals", "both"]),
        ("augment.remix", 1.5, ["1"]),
        ("augment.gain", -1, ["0"]),
        ("augment.crop", "any", ["grid", "random"]),
        ("augment.pitch", 13, ["12"]),
        ("augment.tempo", 0.6, ["0.5"]),
        ("augment.tones", 2, ["1"]),
        ("augment.noise", -0.5, ["0"]),
        ("augment.level", 21, ["20"]),
        ("train.precision", "float16", ["auto", "float32", "bfloat16"]),
        ("audio.sample_rate", 16000, ["11025", "22050", "44100"]),
        ("stft.frame_size", 32, ["64"]),
        ("stft.frame_size", 16384, ["8192"]),
        ("stft.frame_size", 1023, ["multiple of 2"]),
        ("stft.hop", 0, ["16"]),
        ("stft.tile_frames", 8, ["16"]),
        ("augment.splice", 1.5, ["1"]),
        ("augment.blackout", -0.1, ["0"]),
        ("augment.min_vocal_l1", -1, ["0"]),
        ("augment.validation", 0, ["greater than 0"]),
        ("augment.validation", 1, ["less than 1"]),
        ("augment.originals", 0, ["1"]),
        ("augment.choose", "last", ["random", "first"]),
        ("augment.split", "songs", ["auto", "song", "official", "example"]),
        ("model.momentum", 1, ["less than 1"]),
        ("train.augment_on", "tiles", ["scaled", "magnitudes"]),
        ("train.last_batch", "pad", ["drop", "keep"]),
        ("eval.output", "phase", ["mask", "magnitude"]),
        ("model.filters", 0, ["1"]),
        ("model.depth", -4, ["1"]),
        ("model.depth", 8, ["7"]),
        ("train.epochs", 0, ["1"]),
        ("train.batch_size", -16, ["1"]),
        ("train.learning_rate", 0, ["greater than 0"]),
        ("train.learning_rate", 2.0, ["1"]),
        ("eval.overlap", 0.75, ["0.5"]),
        ("eval.overlap", -0.25, ["0"]),
        ("reports.seconds", 0, ["greater than 0"]),
        ("reports.seconds", 61, ["60"]),
        ("seed", -1, ["0"]),
        ("seed", 2**32, [str(2**32)]),
        ("dataset.seed", -1, ["0"]),
    ],
)
def test_error_for_an_invalid_value_lists_what_is_allowed(values, rejects, key, value, allowed):
    with rejects(f"params.yaml: {key} = {value!r}: ", *allowed):
        params.check(set_value(values, key, value))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), "nan", "inf"])
@pytest.mark.parametrize("key", ["train.learning_rate", "augment.min_vocal_l1", "eval.overlap"])
def test_non_finite_number_is_an_error(values, rejects, key, value):
    with rejects(f"params.yaml: {key} = {value!r}: "):
        params.check(set_value(values, key, value))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("train.epochs", "many"),
        ("train.epochs", 2.5),
        ("train.epochs", None),
        ("train.epochs", [5]),
        ("train.epochs", True),
        ("augment.splice", True),
        ("augment.originals", "most"),
        ("augment.originals", True),
        ("augment.exact", "perhaps"),
        ("train.loss", 1),
        ("eval.extend", "perhaps"),
        ("eval.overlap", "half"),
        ("reports.embed_audio", "perhaps"),
        ("reports.seconds", True),
        ("dataset.root", 5),
        ("stft", 1024),
        ("eval", None),
        ("matrix", ["train.loss"]),
    ],
)
def test_value_of_the_wrong_type_is_an_error(values, rejects, key, value):
    with rejects(f"params.yaml: {key} = {value!r}: "):
        params.check(set_value(values, key, value))


# ------------------------------------------------------------------ combinations of values


@pytest.mark.parametrize("hop", [300, 1024, 2048])
def test_hop_that_is_not_a_proper_divisor_of_the_frame_size_is_an_error(values, rejects, hop):
    with rejects("params.yaml: stft", f"hop = {hop}", "a divisor of frame_size = 1024"):
        params.check(set_value(values, "stft.hop", hop))


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("stft.tile_frames", 120, "stft.tile_frames = 120"),
        ("stft.frame_size", 1040, "stft.frame_size / 2 = 520"),
    ],
)
def test_tile_not_divisible_by_two_at_each_level_is_an_error(values, rejects, key, value, expected):
    values["stft"]["hop"] = 16 if key == "stft.frame_size" else 256
    with rejects("params.yaml", expected, "multiple of 2^model.depth = 16"):
        params.check(set_value(values, key, value))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model.output", "mask"), ("model.targets", "both"), ("train.select", "val_sdr"),
        ("train.loss", "l1_linear"), ("train.loss", "sdr"), ("augment.remix", 0.5),
        ("augment.gain", 3), ("augment.crop", "random"), ("augment.pitch", 1),
        ("augment.tempo", 0.1), ("augment.tones", 0.1), ("augment.noise", 0.1),
    ],
)  # fmt: skip
def test_options_on_magnitudes_require_augment_on_magnitudes(values, rejects, key, value):
    with rejects(f"params.yaml: {key} = ", "needs train.augment_on = magnitudes"):
        params.check(set_value(values, key, value))
    params.check(set_value(values, "train.augment_on", "magnitudes"))


def test_sdr_loss_is_incompatible_with_changes_of_tempo(values, rejects):
    set_value(values, "train.augment_on", "magnitudes")
    set_value(values, "augment.tempo", 0.1)
    with rejects("params.yaml: augment.tempo", "set it to 0, or choose another train.loss"):
        params.check(set_value(values, "train.loss", "sdr"))
    params.check(set_value(values, "train.loss", "l1_linear"))


def test_standard_scaler_requires_statistics_per_bin(values, rejects):
    set_value(values, "normalize.scaler", "standard")  # valid although the matrix has axis: time
    params.check(values)
    with rejects("params.yaml: normalize", "one statistic per bin", "axis = frequency"):
        params.check(set_value(values, "normalize.axis", "time"))


def test_demo_has_no_official_validation_songs(values, rejects):
    values["augment"]["split"] = "official"
    with rejects("params.yaml: augment.split = 'official'", "the demo", "use song"):
        params.check(values)
    values["dataset"]["name"] = "musdb18"
    assert params.check(values).augment.split == "official"


@pytest.mark.parametrize(
    ("key", "levels"),
    [
        ("train.los", ["mae", "mse"]),
        ("trian.loss", ["mae", "mse"]),
        ("train", [1, 2]),
        ("matrix.train.loss", ["mae"]),
        ("seed.x", [1, 2]),
        ("train.loss", []),
    ],
)
def test_matrix_with_unknown_keys_or_empty_lists_is_an_error(values, rejects, key, levels):
    values["matrix"] = {key: levels}
    with rejects("params.yaml", f"matrix.{key}"):
        params.check(values)


def test_matrix_entries_must_be_lists(values, rejects):
    values["matrix"] = {"train.loss": "mae"}
    with rejects("params.yaml: matrix.train.loss = 'mae'", "list"):
        params.check(values)


def test_matrix_is_optional(values):
    del values["matrix"]
    assert params.check(values).matrix == {}


# ------------------------------------------------------------------ files


@pytest.mark.parametrize("text", ["", "- seed\n- 42\n", "just a sentence\n", "42\n"])
def test_file_without_sections_is_an_error(tmp_path, rejects, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with rejects(path, "must hold sections", "seed"):
        params.load(path)


@pytest.mark.parametrize(
    "content", [b"seed: [1, 2", b"seed: 1\n  dataset: {\n", b"a: b: c", b"seed: \xff\xfe", b"\t- x"]
)
def test_invalid_yaml_is_an_error_of_one_line(tmp_path, rejects, content):
    path = tmp_path / "broken.yaml"
    path.write_bytes(content)
    with rejects(path, "cannot be read as YAML"):
        params.load(path)


def test_missing_file_is_named_in_the_error(tmp_path, rejects):
    path = tmp_path / "nowhere.yaml"
    with rejects(path, "no such file"):
        params.load(path)


def test_errors_name_the_file_that_was_read(tmp_path, rejects):
    path = tmp_path / "other.yaml"
    path.write_text(VALID.replace("mae,", "mea,", 1))
    with rejects(f"{path}: train.loss = 'mea': "):
        params.load(path)
