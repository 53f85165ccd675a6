"""A changed parameter or file re-runs what uses it, and nothing else."""

import json
import shutil
from contextlib import contextmanager

import pytest
import yaml
from dvc.repo import Repo

from tests.pipeline.conftest import ROOT, STAGES, Project

#: Stages that read a parameter, by section; `train.loss` re-runs train and so on.
READERS = {
    "seed": {"augment", "train"},
    "dataset": {"download"},
    "audio": {"resample", "bounds"},
    "stft": {"stft_tile", "bounds"},
    "normalize": {"normalize"},
    "augment": {"augment"},
    "model": {"train"},
    "train": {"train"},
    "eval": {"eval"},
    "reports": {"eval"},
    "matrix": set(),
}

#: Another valid value for every parameter there is.
OTHER = {
    "seed": 43,
    "dataset.name": "musdb18-hq", "dataset.root": "/elsewhere", "dataset.seed": 1,
    "audio.sample_rate": 22050,
    "stft.frame_size": 512, "stft.hop": 128, "stft.tile_frames": 64,
    "normalize.axis": "time", "normalize.scaler": "robust",
    "augment.splice": 0.5, "augment.blackout": 0.25, "augment.min_vocal_l1": 2.0,
    "augment.validation": 0.4,
    "model.filters": 3, "model.depth": 2,
    "train.loss": "mse", "train.epochs": 1, "train.batch_size": 2,
    "train.learning_rate": 0.01, "train.precision": "float32",
    "eval.overlap": 0.25, "eval.extend": False,
    "reports.embed_audio": False, "reports.seconds": 2.5,
    "matrix": {"train.loss": ["mse"]},
}  # fmt: skip


def leaves(params: dict) -> set[str]:
    return {
        f"{section}.{key}" if section != "matrix" and isinstance(values, dict) else section
        for section, values in params.items()
        for key in (values if isinstance(values, dict) else [None])
    }


def changed_stages(project) -> set[str]:
    """Stages that DVC would run again for what differs now (`dvc status`)."""
    with Repo(str(project.path)) as repo:
        # Seen from another folder, a stage's name follows the path of its dvc.yaml.
        return {name.rpartition(":")[2] for name in repo.status()}


@pytest.fixture(scope="module")
def scratch(finished, tmp_path_factory) -> Project:
    """One copy for all cases that only look: each puts back what it changed."""
    return finished.copy(tmp_path_factory.mktemp("scratch") / "project")


@contextmanager
def changed(path):
    before = path.read_bytes()
    try:
        yield
    finally:
        path.write_bytes(before)


def test_every_parameter_has_its_case_below():
    assert leaves(yaml.safe_load((ROOT / "params.yaml").read_text())) == set(OTHER)


@pytest.mark.parametrize("key", OTHER)
def test_a_changed_parameter_concerns_its_readers_only(scratch, key):
    section, _, name = key.partition(".")
    with changed(scratch.path / "params.yaml"):
        scratch.set(**{section: {name: OTHER[key]} if name else OTHER[key]})
        assert changed_stages(scratch) == READERS[section]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("src/vocalseg/scaling.py", {"normalize", "train", "eval"}),
        ("src/vocalseg/unet.py", {"train", "eval"}),
        ("src/vocalseg/separator.py", {"eval"}),
        ("src/vocalseg/report/listening.py", {"eval"}),
        ("src/vocalseg/examples.py", {"augment"}),
        ("src/vocalseg/scores/table1.py", {"bounds", "eval"}),
        ("src/vocalseg/songs/demo/voice.py", {"download"}),
        ("stages/__init__.py", set(STAGES)),
    ],
)
def test_a_changed_file_concerns_the_stages_that_import_it(scratch, file, expected):
    path = scratch.path / file
    with changed(path):
        path.write_text(path.read_text() + "# a change\n")
        assert changed_stages(scratch) == expected


def test_a_changed_song_in_a_folder_of_ones_own_is_noticed(finished, songs, tmp_path):
    project = finished.copy(tmp_path / "project")
    own = shutil.copytree(songs, tmp_path / "songs")
    project.set(dataset={"root": str(own)})
    project.run("dvc", "repro", "download")
    assert changed_stages(project) & {"download"} == set()
    song = own / "train/Song 1/vocals.wav"
    content = bytearray(song.read_bytes())
    content[-1] ^= 1
    song.write_bytes(content)
    assert "download" in changed_stages(project)
    done = project.run("python", "-m", "stages.resample", check=False)
    assert "changed since it was catalogued" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"train": {"loss": "mse"}}, ["train", "eval"]),
        ({"normalize": {"axis": "time"}}, ["normalize", "train", "eval"]),
        ({"eval": {"overlap": 0.25}}, ["eval"]),
        ({"matrix": {"train.loss": ["mse"]}}, []),
    ],
)
def test_what_follows_from_a_change_runs_too_and_the_rest_stays(project, change, expected):
    project.set(**change)
    assert project.repro() == expected


@pytest.mark.slow
def test_a_queued_experiment_runs_the_code_that_was_queued(project, tmp_path):
    train = project.path / "stages/train.py"
    original = train.read_text()
    train.write_text(original.replace('"best_epoch":', '"queued_code": 1, "best_epoch":'))
    project.run("dvc", "exp", "run", "--queue", "--name", "changed")
    train.write_text(original)
    # A package of the same name elsewhere on the path, as an editable install of another folder.
    other = tmp_path / "elsewhere/vocalseg"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("raise ImportError('the wrong folder')")
    project.run("dvc", "exp", "run", "--run-all", PYTHONPATH=str(other.parent))
    table = json.loads(project.run("dvc", "exp", "show", "--json").stdout)
    metrics = [
        revision["data"]["metrics"]["metrics/train.json"]["data"]
        for branch in table if branch.get("experiments")
        for experiment in branch["experiments"]
        for revision in experiment["revs"]
    ]
    assert [m.get("queued_code") for m in metrics] == [1]
    assert "queued_code" not in project.metrics("train")
