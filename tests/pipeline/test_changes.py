"""A changed parameter or file reruns the stages that use it, and no others."""

import json
import os
import shutil
from contextlib import chdir

import pytest
import yaml
from dvc.repo import Repo

from stages import inputs
from stages.schema.mixing import Mixing
from stages.schema.params import PLANS
from tests.pipeline.conftest import ROOT, STAGES, Project, restored
from tests.test_fidelity import BEYOND

#: Stages that read a parameter, by key or section. Later stages follow and are not listed.
READERS = {
    "seed": {"augment", "train"},
    "dataset": {"download"},
    "audio": {"resample", "bounds"},
    "stft": {"stft_tile", "bounds"},
    "normalize": {"normalize"},
    "augment": {"augment"},
    **{f"augment.{key}": {"train"} for key in Mixing.model_fields},
    "model": {"train"},
    "train": {"train"},
    "eval": {"eval", "report"},
    "reports.seconds": {"eval"},
    "reports.embed_audio": {"report"},
    "matrix": set(),
    "studies": set(),
}

#: Another valid value for every parameter.
OTHER = {
    "seed": 43,
    "dataset.name": "musdb18-hq", "dataset.root": "/elsewhere", "dataset.seed": 1,
    "audio.sample_rate": 22050,
    "stft.frame_size": 512, "stft.hop": 32, "stft.tile_frames": 64,
    "normalize.axis": "time", "normalize.scaler": "robust",
    "augment.splice": 0.5, "augment.blackout": 0.25, "augment.min_vocal_l1": 2.0,
    "augment.validation": 0.4, "augment.originals": 10, "augment.exact": True,
    "augment.choose": "first", "augment.across_songs": True, "augment.split": "song",
    "model.filters": 3, "model.depth": 2, "model.momentum": 0.99,
    "train.loss": "mse", "train.epochs": 1, "train.batch_size": 2,
    "train.learning_rate": 0.01, "train.precision": "float32",
    "train.augment_on": "magnitudes", "train.last_batch": "keep",
    "train.schedule": "cosine", "train.ema": 0.5, "train.select": "val_sdr",
    "train.optimizer": "muon",
    "model.name": "strided", "model.output": "mask", "model.targets": "both",
    "augment.remix": 0.5, "augment.gain": 3.0, "augment.crop": "random", "augment.pitch": 1.0,
    "augment.tempo": 0.1, "augment.tones": 0.5, "augment.noise": 0.5, "augment.level": -10.0,
    "eval.overlap": 0.25, "eval.extend": False, "eval.output": "magnitude",
    "eval.wiener": 1,
    "reports.embed_audio": False, "reports.seconds": 2.5,
    "matrix": {"train.loss": ["mse"]},
    "studies": {"other": {"grid": {"train.loss": ["mse"]}}},
}  # fmt: skip


#: Parameters that the schema rejects if scaled tiles are augmented.
NEED_MAGNITUDES = {
    "model.output", "model.targets", "train.select",
    *(f"augment.{key}" for key in Mixing.model_fields),
}  # fmt: skip


def parameter_keys(params: dict) -> set[str]:
    return {
        f"{section}.{key}" if section not in PLANS and isinstance(values, dict) else section
        for section, values in params.items()
        for key in (values if isinstance(values, dict) else [None])
    }


def changed_stages(project) -> set[str]:
    """Run the stage `inputs` and return the stages whose dependencies have changed."""
    with chdir(project.path):
        inputs.main()
    return stale_stages(project)


def stale_stages(project) -> set[str]:
    with Repo(str(project.path)) as repo:
        # In another working directory, the name of a stage has the path of dvc.yaml as a prefix.
        return {name.rpartition(":")[2] for name in repo.status()} - {"inputs"}


def test_every_parameter_has_another_value_in_this_file():
    assert parameter_keys(yaml.safe_load((ROOT / "params.yaml").read_text())) == set(OTHER)


@pytest.mark.parametrize("key", OTHER)
def test_changed_parameter_affects_only_the_stages_that_read_it(scratch, key):
    section, _, name = key.partition(".")
    with restored(scratch.path / "params.yaml"):
        scratch.set(**{section: {name: OTHER[key]} if name else OTHER[key]})
        if key in NEED_MAGNITUDES:  # the other key is read by the same stage
            scratch.set(train={"augment_on": "magnitudes"})
        assert changed_stages(scratch) == READERS.get(key, READERS.get(section))


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("src/vocalseg/scaling.py", {"normalize", "train", "eval"}),
        ("src/vocalseg/report/player.py", {"report"}),
        ("stages/__init__.py", set(STAGES)),
    ],
)
def test_changed_code_affects_the_stages_that_import_it_unless_it_is_a_comment(
    scratch, file, expected
):
    path = scratch.path / file
    with restored(path):
        path.write_text(path.read_text() + "# a comment\n")
        assert changed_stages(scratch) == set()
        path.write_text(path.read_text() + "ADDED = 1\n")
        assert changed_stages(scratch) == expected
    assert changed_stages(scratch) == set()


@pytest.mark.parametrize(
    ("file", "section", "expected"),
    [
        ("eval.py", "eval", {"eval", "report"}),
        ("page.py", "reports", {"report"}),
        ("train.py", "train", {"train"}),
    ],
)
def test_new_key_affects_only_the_stages_that_read_its_section(scratch, file, section, expected):
    path = scratch.path / "stages/schema" / file
    with restored(path), restored(scratch.path / "params.yaml"):
        path.write_text(path.read_text() + "    new_key: int = 1\n")
        assert changed_stages(scratch) == expected  # because their schema changed
        scratch.set(**{section: {"new_key": 2}})
        scratch.run("python", "-m", "stages.inputs")  # reads the new schema
        assert stale_stages(scratch) == expected


def test_new_version_of_a_library_affects_the_stages_that_import_it(scratch, tmp_path):
    """The new version is a distribution with the same name that comes first on the path."""
    fake = tmp_path / "soxr-99.0.dist-info"
    fake.mkdir()
    (fake / "METADATA").write_text("Metadata-Version: 2.1\nName: soxr\nVersion: 99.0\n")
    (fake / "top_level.txt").write_text("soxr\n")
    scratch.run("python", "-m", "stages.inputs", PYTHONPATH=str(tmp_path))
    found = stale_stages(scratch)
    listed = json.loads((scratch.path / "inputs/resample.json").read_text())
    assert listed["distributions"]["soxr"] == "99.0"
    importing = {path.stem for path in (scratch.path / "inputs").glob("*.json")
                 if "soxr" in json.loads(path.read_text()).get("distributions", {})}
    assert found == importing != set(STAGES)


@pytest.fixture
def project_with_link(finished, songs, tmp_path) -> Project:
    """A project with its own copy of the songs, one of which is a symbolic link."""
    project = finished.copy(tmp_path / "project")
    shutil.copytree(songs, tmp_path / "songs")
    (tmp_path / "songs/train/Song 1").rename(tmp_path / "elsewhere")
    (tmp_path / "songs/train/Song 1").symlink_to(tmp_path / "elsewhere")
    project.set(dataset={"root": str(tmp_path / "songs")})
    project.run("dvc", "repro", "resample")
    assert "download" not in changed_stages(project)
    return project


@pytest.mark.parametrize("song", ["elsewhere", "songs/test/Song 50"])
def test_changed_song_is_detected_also_behind_a_symbolic_link(project_with_link, tmp_path, song):
    path = tmp_path / song / "vocals.wav"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert "download" in changed_stages(project_with_link)
    done = project_with_link.run("python", "-m", "stages.resample", check=False)
    assert "changed since it was catalogued" in done.stderr


def test_changed_modification_time_only_reruns_the_download_stage(project_with_link, tmp_path):
    os.utime(tmp_path / "elsewhere/vocals.wav", (1, 1))
    assert project_with_link.repro("resample") == ["download"]


def test_changed_song_inside_the_clone_is_detected(finished, songs, tmp_path):
    project = finished.copy(tmp_path / "project")
    shutil.copytree(songs, project.path / "songs")
    project.set(dataset={"root": str(project.path / "songs")})
    project.run("dvc", "repro", "download")
    assert "download" not in changed_stages(project)
    (project.path / "songs/train/Song 1/vocals.wav").touch()
    assert "download" in changed_stages(project)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"normalize": {"axis": "time"}}, ["normalize", "train", "eval", "report"]),
        ({"eval": {"overlap": 0.25}}, ["eval", "report"]),
        ({"matrix": {"train.loss": ["mse"]}}, []),
    ],
)
def test_changed_parameter_reruns_its_readers_and_the_stages_after_them(project, change, expected):
    """A change of `train.loss` is tested in tests/pipeline/test_report.py."""
    project.set(**change)
    assert project.repro() == expected


def test_table_of_experiments_has_few_columns_and_no_source_files(finished):
    shown = finished.run("dvc", "exp", "show", "--csv").stdout
    columns = set(shown.splitlines()[0].split(",")) - {"rev", "typ", "parent"}  # only in the CSV
    assert {"val_loss", "museval.sdr", "train.loss", "inputs/train.json"} <= columns
    # Keys beyond the paper (docs/ladder.md) and the lists of studies do not count.
    assert len({c for c in columns - BEYOND if not c.startswith("studies.")}) <= 70
    assert not [name for name in columns if name.endswith(".py")]


@pytest.mark.slow
def test_queued_experiment_runs_the_code_at_the_time_of_queueing(project, tmp_path):
    train = project.path / "stages/train.py"
    original = train.read_text()
    train.write_text(original.replace('"val_loss":', '"queued_code": 1, "val_loss":'))
    project.run("dvc", "exp", "run", "--queue", "--name", "changed", "train")
    train.write_text(original)
    # A package with the same name on the path, like an editable install of another folder.
    other = tmp_path / "elsewhere/vocalseg"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("raise ImportError('the wrong folder')")
    project.run_queue(PYTHONPATH=str(other.parent))
    table = json.loads(project.run("dvc", "exp", "show", "--json").stdout)
    metrics = [
        revision["data"]["metrics"]["metrics/train.json"]["data"]
        for branch in table if branch.get("experiments")
        for experiment in branch["experiments"]
        for revision in experiment["revs"]
    ]
    assert [m.get("queued_code") for m in metrics] == [1]
    assert "queued_code" not in project.metrics("train")
