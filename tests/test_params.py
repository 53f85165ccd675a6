"""The parameter file: what is valid, and the one line that says what is not."""

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


def put(values, key, value):
    section, _, name = key.partition(".")
    if name:
        values[section][name] = value
    else:
        values[section] = value
    return values


def test_the_committed_file_is_valid():
    assert (
        params.load(COMMITTED).model_dump()
        == params.check(yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))).model_dump()
    )


def test_empty_eval_and_reports_and_a_dataset_without_seed_are_valid(values):
    read = params.check(values)
    assert (read.eval.overlap, read.eval.extend, read.dataset.seed) == (0.125, True, 42)
    assert (read.reports.embed_audio, read.reports.seconds) == (True, 5)


def test_values_arrive_as_they_were_written(values):
    read = params.check(values)
    for section, content in values.items():
        if section not in ("eval", "matrix", "seed"):
            assert content.items() <= getattr(read, section).model_dump().items()
    assert read.seed == values["seed"]
    assert read.matrix == values["matrix"]


def test_nothing_is_changed_once_read(values):
    with pytest.raises(ValueError):
        params.check(values).train.epochs = 3


# ------------------------------------------------------------------ numbers that DVC writes as text


@pytest.mark.parametrize(
    ("key", "text", "number"),
    [
        ("train.learning_rate", "1e-05", 1e-5),
        ("train.epochs", "3", 3),
        ("augment.splice", "0.25", 0.25),
        ("seed", "7", 7),
    ],
)
def test_a_number_that_arrives_as_a_string_becomes_a_number(values, key, text, number):
    section, _, name = key.partition(".")
    read = getattr(params.check(put(values, key, text)), section)
    read = getattr(read, name) if name else read
    assert read == number
    assert type(read) is type(number)


def test_a_learning_rate_without_a_dot_is_a_string_in_yaml_and_a_number_here(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(VALID.replace("0.001", "1e-05"))
    assert yaml.safe_load(path.read_text())["train"]["learning_rate"] == "1e-05"
    assert params.load(path).train.learning_rate == 1e-5


# ------------------------------------------------------------------ keys


def test_an_unknown_section_is_named_with_those_that_exist(values, rejects):
    values["plots"] = {"dpi": 100}
    with rejects("params.yaml: plots:", "unknown key", "dataset", "train", "eval"):
        params.check(values)


@pytest.mark.parametrize(
    ("key", "meant"),
    [("train.epoch", "epochs"), ("stft.frame_sizes", "frame_size"), ("trian", "train")],
)
def test_a_misspelt_key_is_named_with_the_one_that_was_meant(values, rejects, key, meant):
    with rejects("params.yaml", f"{key}: unknown key", f"did you mean {meant!r}?"):
        params.check(put(values, key, 5))


@pytest.mark.parametrize(
    "section", ["seed", "dataset", "stft", "model", "train", "eval", "reports"]
)
def test_a_missing_section_is_named(values, rejects, section):
    del values[section]
    with rejects(f"params.yaml: {section}: missing"):
        params.check(values)


def test_a_missing_key_is_named(values, rejects):
    del values["augment"]["splice"]
    with rejects("params.yaml: augment.splice: missing"):
        params.check(values)


def test_several_faults_are_one_line_each(values):
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
def test_a_value_out_of_range_is_named_with_what_is_allowed(values, rejects, key, value, allowed):
    with rejects(f"params.yaml: {key} = {value!r}: ", *allowed):
        params.check(put(values, key, value))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), "nan", "inf"])
@pytest.mark.parametrize("key", ["train.learning_rate", "augment.min_vocal_l1", "eval.overlap"])
def test_a_value_that_is_no_finite_number_is_an_error(values, rejects, key, value):
    with rejects(f"params.yaml: {key} = {value!r}: "):
        params.check(put(values, key, value))


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
def test_a_value_of_the_wrong_type_is_an_error(values, rejects, key, value):
    with rejects(f"params.yaml: {key} = {value!r}: "):
        params.check(put(values, key, value))


# ------------------------------------------------------------------ values that must fit together


@pytest.mark.parametrize("hop", [300, 1024, 2048])
def test_a_hop_that_does_not_divide_the_frame_at_least_twice_is_an_error(values, rejects, hop):
    with rejects("params.yaml: stft", f"hop = {hop}", "a divisor of frame_size = 1024"):
        params.check(put(values, "stft.hop", hop))


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("stft.tile_frames", 120, "stft.tile_frames = 120"),
        ("stft.frame_size", 1040, "stft.frame_size / 2 = 520"),
    ],
)
def test_a_tile_that_cannot_be_halved_at_each_level_is_an_error(values, rejects, key, value, named):
    values["stft"]["hop"] = 16 if key == "stft.frame_size" else 256
    with rejects("params.yaml", named, "multiple of 2^model.depth = 16"):
        params.check(put(values, key, value))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model.output", "mask"), ("model.targets", "both"), ("train.select", "val_sdr"),
        ("train.loss", "l1_linear"), ("train.loss", "sdr"), ("augment.remix", 0.5),
        ("augment.gain", 3), ("augment.crop", "random"), ("augment.pitch", 1),
        ("augment.tempo", 0.1), ("augment.tones", 0.1), ("augment.noise", 0.1),
    ],
)  # fmt: skip
def test_what_is_about_magnitudes_or_waveforms_needs_them_scaled_last(values, rejects, key, value):
    with rejects(f"params.yaml: {key} = ", "needs train.augment_on = magnitudes"):
        params.check(put(values, key, value))
    params.check(put(values, "train.augment_on", "magnitudes"))


def test_the_sdr_of_waveforms_is_not_for_magnitudes_of_another_tempo(values, rejects):
    put(values, "train.augment_on", "magnitudes")
    put(values, "augment.tempo", 0.1)
    with rejects("params.yaml: augment.tempo", "set it to 0, or choose another train.loss"):
        params.check(put(values, "train.loss", "sdr"))
    params.check(put(values, "train.loss", "l1_linear"))


def test_statistics_of_the_data_set_are_per_bin(values, rejects):
    put(values, "normalize.scaler", "standard")  # also where the matrix has the other axis
    params.check(values)
    with rejects("params.yaml: normalize", "one statistic per bin", "axis = frequency"):
        params.check(put(values, "normalize.axis", "time"))


def test_the_demo_has_no_official_validation_songs(values, rejects):
    values["augment"]["split"] = "official"
    with rejects("params.yaml: augment.split = 'official'", "the demo", "use song"):
        params.check(values)
    values["dataset"]["name"] = "musdb18"
    assert params.check(values).augment.split == "official"


@pytest.mark.parametrize(
    ("key", "varied"),
    [
        ("train.los", ["mae", "mse"]),
        ("trian.loss", ["mae", "mse"]),
        ("train", [1, 2]),
        ("matrix.train.loss", ["mae"]),
        ("seed.x", [1, 2]),
        ("train.loss", []),
    ],
)
def test_a_matrix_varies_known_parameters_over_at_least_one_value(values, rejects, key, varied):
    values["matrix"] = {key: varied}
    with rejects("params.yaml", f"matrix.{key}"):
        params.check(values)


def test_a_matrix_entry_is_a_list(values, rejects):
    values["matrix"] = {"train.loss": "mae"}
    with rejects("params.yaml: matrix.train.loss = 'mae'", "list"):
        params.check(values)


def test_a_study_without_a_matrix_is_valid(values):
    del values["matrix"]
    assert params.check(values).matrix == {}


# ------------------------------------------------------------------ files


@pytest.mark.parametrize("text", ["", "- seed\n- 42\n", "just a sentence\n", "42\n"])
def test_a_file_that_holds_no_sections_is_an_error(tmp_path, rejects, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with rejects(path, "must hold sections", "seed"):
        params.load(path)


@pytest.mark.parametrize(
    "content", [b"seed: [1, 2", b"seed: 1\n  dataset: {\n", b"a: b: c", b"seed: \xff\xfe", b"\t- x"]
)
def test_broken_yaml_is_one_line_that_names_the_file(tmp_path, rejects, content):
    path = tmp_path / "broken.yaml"
    path.write_bytes(content)
    with rejects(path, "cannot be read as YAML"):
        params.load(path)


def test_a_missing_file_is_named(tmp_path, rejects):
    path = tmp_path / "nowhere.yaml"
    with rejects(path, "no such file"):
        params.load(path)


def test_messages_name_the_file_that_was_read(tmp_path, rejects):
    path = tmp_path / "other.yaml"
    path.write_text(VALID.replace("mae,", "mea,", 1))
    with rejects(f"{path}: train.loss = 'mea': "):
        params.load(path)
