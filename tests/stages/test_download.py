"""The stage `download` for every data set, followed by `resample` and `stft_tile`."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import stempeg
import yaml

from stages import augment, download, resample, stft_tile
from tests.songs import small_musdb
from tests.songs.server import Server
from tests.songs.test_datasets import snapshot
from vocalseg.songs import catalog, stems, zenodo

ROOT = Path(__file__).resolve().parents[2]
RECORDS = {"musdb18": 1117372, "musdb18-hq": 3338373}


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    folder = tmp_path_factory.mktemp("musdb")
    small_musdb.write_musdb(folder / "stems", folder / "wav", seconds=2.0)
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project folder to run stages in."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MUSDB_PATH", raising=False)
    monkeypatch.setenv("VOCALSEG_SONGS", str(tmp_path / "downloads"))
    return folder


def set_params(**sections):
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for section, values in sections.items():
        params[section].update(values)
    Path("params.yaml").write_text(yaml.safe_dump(params))


def run_download(name, root=None):
    set_params(
        dataset={"name": name, "root": root and str(root)},
        stft={"frame_size": 512, "hop": 128, "tile_frames": 64},
        augment={"min_vocal_l1": 0},
    )
    download.main()
    return catalog.read(download.RAW / "catalog.csv")


def zipped(folder: Path, names=lambda name: name) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, names(path.relative_to(folder).as_posix()))
    return buffer.getvalue()


@pytest.fixture
def server(monkeypatch):
    with Server().running() as server:
        server.intercept(monkeypatch)
        monkeypatch.setattr(zenodo, "RETRY_DELAYS", (0.01,) * 4)
        yield server


def publish(server, monkeypatch, name, content):
    """Replace the zip file of a record, and make the code expect the new one."""
    archive = zenodo.MUSDB18[name]
    server.files[RECORDS[name], archive.file] = content
    expected = archive._replace(
        bytes=len(content), md5=hashlib.md5(content).hexdigest(), unpacked=len(content)
    )
    monkeypatch.setitem(zenodo.MUSDB18, name, expected)


# ------------------------------------------------------------------ by DOI


@pytest.mark.parametrize(("name", "form"), [("musdb18", "stems"), ("musdb18-hq", "wav")])
def test_musdb18_is_downloaded_and_unpacked_once_and_resampled(
    project, server, monkeypatch, twins, tmp_path, name, form
):
    content = zipped(twins / form)
    publish(server, monkeypatch, name, content)
    server.cuts = [len(content) // 2]
    server.refusals = [503]
    songs = run_download(name)

    assert [p.name for p in Path("data/raw").iterdir()] == ["catalog.csv"]
    assert [p.name for p in (tmp_path / "downloads").iterdir()] == [name]
    assert len(songs) == 6
    assert songs[0].source.startswith(f"$VOCALSEG_SONGS/{name}/train/A Classic Education")
    assert {s.name for s in songs if s.part} == {"Actions - One Minute Smile", "ANiMAL - Rockshow"}

    resample.main()
    for song in songs:
        for stem in ("mixture", "vocals"):
            info = sf.info(f"data/resampled/{song.split}/{song.name}/{stem}.wav")
            assert (info.samplerate, info.channels) == (11025, 1)
            assert info.duration == pytest.approx(song.seconds, abs=0.01)

    table, count = Path("data/raw/catalog.csv").read_bytes(), len(server.requests)
    run_download(name)
    assert len(server.requests) == count
    assert Path("data/raw/catalog.csv").read_bytes() == table


def test_wrong_checksum_is_an_error_and_no_files_are_left(
    project, server, monkeypatch, twins, tmp_path, rejects
):
    publish(server, monkeypatch, "musdb18", zipped(twins / "stems"))
    monkeypatch.setitem(
        zenodo.MUSDB18, "musdb18", zenodo.MUSDB18["musdb18"]._replace(md5="0" * 32)
    )
    with rejects("0" * 32, "musdb18.zip", "nothing was kept"):
        run_download("musdb18")
    assert list((tmp_path / "downloads").iterdir()) == []


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda twins: zipped(twins / "stems")[:100_000], "not a complete zip"),
        (lambda twins: zipped(twins / "stems", lambda name: f"../{name}"), "leads out"),
    ],
    ids=["truncated", "leads out"],
)
def test_invalid_zip_file_is_not_unpacked(
    project, server, monkeypatch, twins, tmp_path, rejects, damage, text
):
    publish(server, monkeypatch, "musdb18", damage(twins))
    with rejects("musdb18.zip", text):
        run_download("musdb18")
    assert [p.name for p in (tmp_path / "downloads").iterdir()] == ["musdb18.zip"]
    assert not list(tmp_path.rglob("*.stem.mp4"))


def test_zip_file_with_a_single_top_folder_is_used(project, server, monkeypatch, twins):
    content = zipped(twins / "stems", lambda name: f"musdb18/{name}")
    publish(server, monkeypatch, "musdb18", content)
    assert run_download("musdb18")[0].source.startswith("$VOCALSEG_SONGS/musdb18/musdb18/train/")
    resample.main()


def test_sample_is_downloaded_once_by_musdb(project, server, twins):
    server.files[0, "MUSDB18-7-STEMS.zip"] = zipped(twins / "stems")
    songs = run_download("musdb18-7s")
    assert len(songs) == 6
    assert songs[0].source.startswith("$VOCALSEG_SONGS/musdb18-7s/train/")
    run_download("musdb18-7s")
    assert len(server.downloads()) == 1
    resample.main()


def test_incomplete_sample_is_downloaded_again(project, server, twins, tmp_path, rejects):
    server.files[0, "MUSDB18-7-STEMS.zip"] = zipped(twins / "stems")
    server.cuts = [100_000]
    with rejects("MUSDB18-7-STEMS.zip"):
        run_download("musdb18-7s")
    assert list((tmp_path / "downloads").iterdir()) == []
    assert len(run_download("musdb18-7s")) == 6


# ------------------------------------------------------------------ an existing copy


@pytest.mark.parametrize(
    ("name", "form"),
    [("musdb18", "stems"), ("musdb18-hq", "wav"), ("musdb18-hq", "stems"), ("musdb18-7s", "stems")],
)
def test_existing_copy_is_used_in_place(project, server, twins, name, form):
    before = snapshot(twins)
    songs = run_download(name, twins / form)
    resample.main()
    assert snapshot(twins) == before
    assert server.requests == []
    assert [p.name for p in Path("data/raw").iterdir()] == ["catalog.csv"]
    assert Path(songs[0].source).is_relative_to(twins / form)
    assert [s.name for s in songs if s.remark] == ["Chris Durban - Celebrate", "PR - Oh No"]


def test_musdb_path_selects_an_existing_copy(project, server, monkeypatch, twins):
    monkeypatch.setenv("MUSDB_PATH", str(twins / "wav"))
    songs = run_download("musdb18-hq")
    assert server.requests == []
    assert songs[0].source == "$MUSDB_PATH/train/A Classic Education - NightOwl"
    resample.main()


def test_changed_file_of_an_existing_copy_stops_later_stages(
    project, twins, tmp_path, rejects
):
    shutil.copytree(twins / "wav", tmp_path / "copy")
    songs = run_download("musdb18-hq", tmp_path / "copy")
    changed = Path(songs[1].source) / "vocals.wav"
    sf.write(changed, np.zeros((2 * 44100, 2)), 44100)
    with rejects(changed.parent, "changed", "dvc repro --force download"):
        resample.main()
    before = songs[1].checksum
    assert run_download("musdb18-hq", tmp_path / "copy")[1].checksum != before
    resample.main()


# ------------------------------------------------------------------ following stages


def test_stems_and_wav_of_the_same_songs_give_the_same_tiles(project, twins):
    tiles = {}
    for form in ("stems", "wav"):
        run_download("musdb18", twins / form)
        resample.main()
        stft_tile.main()
        index = pd.read_csv("data/tiles/index.csv")
        tiles[form] = index, *(np.load(f"data/tiles/{s}.npy") for s in ("mixture", "vocals"))
    (one, *coded), (other, *exact) = tiles["stems"], tiles["wav"]
    pd.testing.assert_frame_equal(one[["track", "first_frame"]], other[["track", "first_frame"]])
    np.testing.assert_allclose(one["vocal_l1"], other["vocal_l1"], rtol=0.05)
    for lossy, lossless in zip(coded, exact, strict=True):
        assert lossy.shape == lossless.shape
        error = np.linalg.norm(lossy - lossless) / np.linalg.norm(lossless)
        assert error < 0.1, error


def test_official_validation_songs_are_held_out(project, twins):
    run_download("musdb18", twins / "wav")
    resample.main()
    stft_tile.main()
    augment.main()
    examples = pd.read_csv("data/examples.csv")
    track = pd.read_csv("data/tiles/index.csv")["track"].to_numpy()
    parts = {p: set(track[rows["tile"]]) for p, rows in examples.groupby("part")}
    assert parts == {
        "validation": {"Actions - One Minute Smile", "ANiMAL - Rockshow"},
        "train": {"A Classic Education - NightOwl", "Chris Durban - Celebrate"},
    }


@pytest.mark.parametrize("form", ["stem file", "folder"])
def test_real_excerpt_passes_through_the_stages(project, tmp_path, form):
    excerpt = Path(stempeg.example_stem_path())
    root = tmp_path / "songs"
    for split, number in (("train", 1), ("train", 2), ("test", 3)):
        song = root / split / f"Song {number}.stem.mp4"
        song.parent.mkdir(parents=True, exist_ok=True)
        if form == "stem file":
            shutil.copy(excerpt, song)
        else:
            mixture, vocals, rate = stems.read(excerpt)
            small_musdb.write_folder(
                song.with_name(f"Song {number}"), {"mixture": mixture, "vocals": vocals}, ".flac"
            )
            assert rate == small_musdb.RATE
    songs = run_download("folder", root)
    assert {song.seconds for song in songs} == {6.084}
    for stage in (resample, stft_tile, augment):
        stage.main()
    tiles = np.load("data/tiles/mixture.npy")
    assert len(tiles) == 2 * (round(6.084 * 11025) // 128 // 64)
    assert tiles.max() > 1
    assert json.loads(Path("data/tiles/tiles.json").read_text())["sample_rate"] == 11025


# ------------------------------------------------------------------ unusable roots


def test_folder_of_songs_requires_its_root(project, rejects):
    with rejects("dataset.root = null"):
        run_download("folder")


def test_missing_root_is_named_in_the_error(project, tmp_path, rejects):
    with rejects(tmp_path / "nowhere", "no such folder"):
        run_download("musdb18", tmp_path / "nowhere")


@pytest.mark.parametrize("location", ["data/raw", "data/raw/mine", "link"])
def test_songs_in_the_output_folder_are_not_modified(project, twins, rejects, location):
    root = project / location
    if location == "link":
        root.symlink_to("data/raw")
    shutil.copytree(twins / "wav", root.resolve())
    before = snapshot(project / "data")
    with rejects("dataset.root", root, "move the songs"):
        run_download("folder", root)
    assert snapshot(project / "data") == before


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda root: root.write_bytes(b"PK"), "a file"),
        (lambda root: root.symlink_to("gone"), "broken link"),
        (lambda root: root.symlink_to(root), "broken link"),
        (lambda root: root.mkdir(), "no songs"),
        (lambda root: shutil.copytree(root.parent / "two", root), "each hold a data set"),
    ],
    ids=["file", "broken link", "loop", "empty", "two data sets"],
)
def test_root_that_is_not_a_data_set_is_an_error(project, twins, tmp_path, rejects, make, text):
    for name in ("one", "other"):
        shutil.copytree(twins / "wav" / "test", tmp_path / "two" / name / "train")
    make(tmp_path / "root")
    with rejects(tmp_path / "root", text):
        run_download("folder", tmp_path / "root")


READ_ONLY = """
import multiprocessing.dummy, os, sys  # before the interpreter may become inaccessible
from stages import download, run
os.chdir(sys.argv[1])
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
run(download.main)
"""


def test_read_only_data_folder_is_named_in_the_error(project, twins):
    """Permissions are tested as an unprivileged user, even if the tests run as root."""
    with tempfile.TemporaryDirectory() as folder:
        location = Path(folder) / "project"
        shutil.copytree(twins / "wav", Path(folder) / "songs")
        set_params(dataset={"name": "folder", "root": f"{folder}/songs"})
        (location / "data").mkdir(parents=True)
        shutil.move("params.yaml", location)
        for path in (folder, location, location / "data"):
            Path(path).chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, location],
            capture_output=True, text=True, cwd=ROOT,
            env={"PYTHONPATH": os.pathsep.join(sys.path), "HOME": folder},
        )  # fmt: skip
        for path in (folder, location, location / "data"):
            Path(path).chmod(0o755)
    assert done.returncode == 1
    assert done.stderr == (
        "data/raw: Permission denied; give yourself access or free some space, and run again\n"
    )


def test_archives_are_those_published_on_zenodo():
    assert zenodo.MUSDB18["musdb18"][:4] == (
        "10.5281/zenodo.1117372", "musdb18.zip", 4684228845, "af06762477334799bfc5abf237648207",
    )  # fmt: skip
    assert zenodo.MUSDB18["musdb18-hq"][:4] == (
        "10.5281/zenodo.3338373", "musdb18hq.zip", 22656664047, "12d4f2ecd55245a4688754dd76363103",
    )  # fmt: skip
