"""Unusual input works, and bad input is detected early with an error line that names it."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from stages import download, inputs, resample
from tests.pipeline.conftest import clone, restored, write_songs

RATE = 44_100


@pytest.fixture(scope="module")
def short_songs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("short")
    write_songs(folder, train=2, test=1, seconds=1.0)
    return folder


@pytest.fixture
def own_songs(short_songs, tmp_path) -> Path:
    return shutil.copytree(short_songs, tmp_path / "songs")


def noise(seconds: float, channels: int = 2, rate: int = RATE, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 0.1 * rng.standard_normal((round(seconds * rate), channels)).astype(np.float32)


def write_song(folder: Path, mixture: np.ndarray, vocals: np.ndarray, rate: int = RATE) -> Path:
    folder.mkdir(parents=True)
    for stem, waveform in (("mixture", mixture), ("vocals", vocals)):
        sf.write(folder / f"{stem}.wav", waveform, rate, subtype="FLOAT")
    return folder


def remove_vocals(song):
    (song / "vocals.wav").unlink()
    return "no vocals stem"


def shorten_vocals(song):
    sf.write(song / "vocals.wav", noise(0.5), RATE)
    return "0.50 s long, but the mixture has 1.00 s"


def change_rate_of_vocals(song):
    sf.write(song / "vocals.wav", noise(1.0, rate=48_000), 48_000)
    return "export both stems with the same format"


def write_three_channels(song):
    for stem in ("mixture", "vocals"):
        sf.write(song / f"{stem}.wav", noise(1.0, channels=3), RATE)
    return "3 channels"


def write_empty_mixture(song):
    sf.write(song / "mixture.wav", noise(0), RATE)
    return "no samples"


def insert_nan(song):
    waveform = noise(1.0)
    waveform[1000] = np.nan
    sf.write(song / "vocals.wav", waveform, RATE, subtype="FLOAT")
    return "NaN"


def truncate_mixture(song):
    content = (song / "mixture.wav").read_bytes()
    (song / "mixture.wav").write_bytes(content[: len(content) // 2])
    return "cut off"


def replace_mixture_by_text(song):
    (song / "mixture.wav").write_text("not a song")
    return "not audio"


@pytest.mark.parametrize(
    "damage",
    [
        remove_vocals, shorten_vocals, change_rate_of_vocals, write_three_channels,
        write_empty_mixture, insert_nan, truncate_mixture, replace_mixture_by_text,
    ],
)  # fmt: skip
def test_damaged_song_is_an_error_of_one_line_that_names_it(
    damage, own_songs, tmp_path, monkeypatch, rejects
):
    """The stages that read songs detect the damage, before tiles are computed."""
    expected = damage(own_songs / "train/Song 1")
    monkeypatch.chdir(clone(tmp_path / "project", own_songs).path)
    with rejects("Song 1", expected):
        for stage in (inputs, download, resample):  # as `dvc repro` runs them
            stage.main()


def test_dvc_repro_prints_the_error_line_without_a_traceback(own_songs, tmp_path):
    expected = remove_vocals(own_songs / "train/Song 1")
    project = clone(tmp_path / "project", own_songs)
    done = project.run("dvc", "repro", check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if "Song 1" in line]
    assert len(lines) == 1 and expected in lines[0], done.stderr
    assert not (project.path / "data/tiles").exists()


INVALID_PARAMETERS = pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"train": {"loss": "mea"}}, "train.loss = 'mea'"),
        ({"train": {"epocs": 3}}, "train.epocs"),
        ({"stft": {"hop": -1}}, "stft.hop = -1"),
        ({"dataset": {"root": None}}, "dataset.root"),
        ({"dataset": {"root": "no/full/path"}}, "no/full/path"),
        ({"dataset": {"root": "/no/such/folder"}}, "/no/such/folder"),
    ],
)


@INVALID_PARAMETERS
def test_invalid_parameter_is_detected_by_the_first_stages(
    scratch, change, expected, monkeypatch, rejects
):
    monkeypatch.chdir(scratch.path)
    with restored(scratch.path / "params.yaml"):
        scratch.set(**change)
        with rejects(expected):
            for stage in (inputs, download):
                stage.main()


def test_invalid_parameter_does_not_change_existing_results(project):
    change, expected = {"train": {"loss": "mea"}}, "train.loss = 'mea'"
    results = {f: f.read_bytes() for f in (project.path / "metrics").iterdir()}
    before = (project.path / "params.yaml").read_text()
    project.set(**change)
    done = project.run("dvc", "repro", check=False)
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if expected in line]
    assert len(lines) == 1 and "Traceback" not in done.stderr, done.stderr
    assert (project.path / "metrics/eval.json").read_bytes() == results[
        project.path / "metrics/eval.json"
    ]
    (project.path / "params.yaml").write_text(before)
    assert project.repro() == []  # all results are still in the cache
    assert {f: f.read_bytes() for f in (project.path / "metrics").iterdir()} == results


@pytest.mark.slow
def test_pipeline_runs_with_unusual_songs(own_songs, tmp_path):
    """Mono, 8 kHz, 96 kHz, silent or short songs; a name with spaces, umlauts and an emoji."""
    for split in ("train", "test"):
        folder = own_songs / split
        write_song(folder / "Mono", noise(1.0, 1), noise(1.0, 1, seed=1) / 2)
        low = noise(1.0, rate=8000)
        write_song(folder / "8 kHz", low, low / 2, 8000)
        high = noise(1.0, rate=96_000)
        write_song(folder / "96 kHz", high, high / 2, 96_000)
        write_song(folder / "No singer", noise(1.0), noise(1.0) * 0)
        write_song(folder / "Silence", noise(1.0) * 0, noise(1.0) * 0)
        write_song(folder / "Short", noise(0.1), noise(0.1, seed=1))
        shutil.move(
            write_song(tmp_path / "moved", noise(1.0), noise(1.0, seed=1) / 2),
            folder / "Björk & Sígur – Jóga, Größe 🎤 100%",
        )
    project = clone(tmp_path / "project", own_songs)
    done = project.run("dvc", "repro")
    assert project.metrics("eval")["songs"] == 6  # of eight; the vocals of two are silent
    for song in ("No singer", "Silence"):
        assert f"left out: {song}: its vocals are silent throughout" in done.stdout
    table = (project.path / "plots/songs.csv").read_text()
    assert "Björk & Sígur – Jóga, Größe 🎤 100%" in table
