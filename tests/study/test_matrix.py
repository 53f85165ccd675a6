"""Expansion of a matrix: combinations, descriptive names, and stages affected by each key."""

import pytest
import yaml
from dvc.repo import Repo

from stages.schema.params import check
from study.naming import combinations, experiment, experiment_name
from study.pipeline import Pipeline, with_settings
from tests.pipeline.conftest import ROOT

PARAMS = check(yaml.safe_load((ROOT / "params.yaml").read_text()))
PREPARATION, SCORED = {"download", "resample", "stft_tile"}, {"eval", "report"}


def test_matrix_has_eight_experiments_with_descriptive_names():
    grid = {
        "normalize.axis": ["time", "frequency"],
        "normalize.scaler": ["minmax", "robust"],
        "train.loss": ["mae", "mse"],
    }
    assert [experiment_name(settings) for settings in combinations(grid)] == [
        "time-minmax-mae", "time-minmax-mse", "time-robust-mae", "time-robust-mse",
        "frequency-minmax-mae", "frequency-minmax-mse", "frequency-robust-mae",
        "frequency-robust-mse",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"train.loss": "mae", "seed": 3}, "mae-seed-3"),
        ({"train.learning_rate": 0.001}, "learning_rate-0.001"),
        ({"train.learning_rate": 1e-05}, "learning_rate-1e-05"),
        ({"eval.extend": False}, "extend-false"),
        ({"dataset.root": None}, "root-null"),
        ({"dataset.root": "/data/my songs"}, "_data_my_songs"),
    ],
)
def test_names_contain_the_key_of_values_that_are_not_words(settings, name):
    assert experiment_name(settings) == name


def test_arguments_of_an_experiment_are_those_of_the_readme():
    planned = experiment("time-mse", {"normalize.axis": "time", "train.loss": "mse"})
    assert " ".join(planned.arguments) == "--name time-mse -S normalize.axis=time -S train.loss=mse"


def test_changing_some_keys_preserves_the_others():
    changed = with_settings(PARAMS, {"train.loss": "mse", "seed": 7})
    assert (changed.train.loss, changed.seed) == ("mse", 7)
    back = changed.model_copy(update={"train": PARAMS.train, "seed": PARAMS.seed})
    assert back == PARAMS.model_copy(update={"matrix": {}, "studies": {}})


@pytest.mark.parametrize(
    ("key", "affected"),
    [
        ("normalize.axis", {"normalize", "train"} | SCORED),
        ("train.loss", {"train"} | SCORED),
        ("seed", {"augment", "train"} | SCORED),
        ("eval.overlap", SCORED),
        ("reports.seconds", SCORED),
        ("reports.embed_audio", {"report"}),
        ("dataset.seed", PREPARATION | {"normalize", "augment", "train", "bounds"} | SCORED),
    ],
)
def test_key_affects_the_stages_that_read_it_and_later_ones(key, affected):
    with Repo(str(ROOT)) as repo:
        pipeline = Pipeline(repo, [key])
    assert {name.rpartition(":")[2] for name, keys in pipeline.keys.items() if keys} == affected
