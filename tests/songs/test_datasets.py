"""Data sets on disk: found, cataloged and read in any format, and never modified."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import stempeg

from tests.songs import small_musdb
from vocalseg import audio
from vocalseg.songs import catalog, musdb, stems

RATE = 8000


def tone(hertz, seconds=1.0, rate=RATE):
    time = np.arange(round(seconds * rate)) / rate
    return 0.25 * np.sin(2 * np.pi * hertz * time)[:, np.newaxis] * [1.0, 0.5]


def write_song(path, stem_names=("mixture", "vocals"), suffix=".wav"):
    path.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(stem_names):
        waveform = tone(200 + 100 * number)
        if suffix in (".m4a", ".mka"):
            sf.write(path / "wave.wav", waveform, RATE)
            coded = path / f"{name}{suffix}"
            subprocess.run(["ffmpeg", "-v", "error", "-i", path / "wave.wav", coded], check=True)
            (path / "wave.wav").unlink()
        else:
            sf.write(path / f"{name}{suffix}", waveform, RATE)
    return path


def write_set(root):
    for song in ("train/One", "train/Two", "test/Three"):
        write_song(root / song)
    return root


def snapshot(root):
    """Times and sizes of all files in a folder, which any change would affect."""
    return {
        path.relative_to(root): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in [root, *root.rglob("*")]
    }


def names(songs):
    return [(song.split, song.name) for song in songs]


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / "data" / "raw"
    folder.mkdir(parents=True)
    return folder


# ------------------------------------------------------------------ songs of a data set


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    folder = tmp_path_factory.mktemp("musdb")
    small_musdb.write_musdb(folder / "stems", folder / "wav", seconds=1.0)
    return folder


@pytest.mark.parametrize("form", ["stems", "wav"])
def test_existing_copy_is_cataloged_and_never_modified(twins, base, form):
    before = snapshot(twins / form)
    songs = catalog.scan(twins / form, base, musdb18=True)
    assert names(songs) == [(s, n) for s, split in small_musdb.SONGS.items() for n in sorted(split)]
    for song in songs:
        stems.read(catalog.song_path(song, base))
    assert snapshot(twins / form) == before
    assert list(base.iterdir()) == []
    suffix = musdb.SUFFIX if form == "stems" else ""
    assert songs[0].source == str(twins / form / "train" / f"{songs[0].name}{suffix}")


def test_both_formats_give_the_same_catalog_except_for_bytes_and_paths(twins, base):
    one, other = (
        pd.DataFrame(catalog.scan(twins / form, base, musdb18=True)) for form in ("stems", "wav")
    )
    same = ["name", "split", "sample_rate", "channels", "part", "remark"]
    pd.testing.assert_frame_equal(one[same], other[same])
    assert np.allclose(one["seconds"], other["seconds"], atol=0.05)
    assert set(one["checksum"]).isdisjoint(other["checksum"])


def test_catalog_is_deterministic(twins, base):
    for number in range(2):
        catalog.write(catalog.scan(twins / "stems", base), base / f"{number}.csv")
    assert (base / "0.csv").read_bytes() == (base / "1.csv").read_bytes()


def test_catalog_has_the_number_of_bytes_that_are_read(twins, base):
    stem_file = catalog.scan(twins / "stems", base)[0]
    assert stem_file.bytes == Path(stem_file.source).stat().st_size
    wav = catalog.scan(twins / "wav", base)[0]
    files = [Path(wav.source) / f"{stem}.wav" for stem in ("mixture", "vocals")]
    assert wav.bytes == sum(file.stat().st_size for file in files)


@pytest.mark.parametrize("wrapper", [".", "musdb18hq"])
def test_folder_with_the_splits_may_be_nested(tmp_path, base, wrapper):
    write_set(tmp_path / "root" / wrapper)
    root = catalog.locate(tmp_path / "root")
    assert len(catalog.scan(root, base)) == 3


def test_hidden_files_and_files_beside_songs_are_ignored(twins, base, tmp_path):
    root = tmp_path / "root"
    for song in ("train/A", "test/B"):
        shutil.copytree(
            twins / "wav" / "train" / small_musdb.SONGS["train"][0], root / song
        )
    (root / "train" / "._A.stem.mp4").write_bytes(b"what a file manager leaves")
    (root / "train" / ".DS_Store").write_bytes(b"")
    (root / "train" / "README.md").write_text("About the songs")
    (root / "train" / ".cache").mkdir()
    assert names(catalog.scan(root, base)) == [("train", "A"), ("test", "B")]


def test_song_in_both_formats_is_an_error(twins, base, tmp_path, rejects):
    for form in ("stems", "wav"):
        shutil.copytree(twins / form, tmp_path / "root", dirs_exist_ok=True)
    with rejects("A Classic Education - NightOwl", "twice", "train"):
        catalog.scan(tmp_path / "root", base)


def test_missing_folder_is_named_in_the_error(tmp_path, rejects):
    with rejects(tmp_path / "nowhere", "no such folder", "dataset.root"):
        catalog.locate(tmp_path / "nowhere")


# ------------------------------------------------------------------ split by a table


def write_table(root, **splits):
    rows = [f"{name.replace('_', ' ')},{split}" for name, split in splits.items()]
    (root / "songs.csv").write_text("\n".join(["name,split", *rows]) + "\n")


def test_table_can_split_a_folder_of_songs(tmp_path, base):
    for song in ("Zoë", "My song", "007", "unused"):
        write_song(tmp_path / song)
    small_musdb.write_stem_file(tmp_path / "S.stem.mp4", small_musdb.stems(0, 1.0))
    write_table(tmp_path, Zoë="train", S="train", My_song="test", **{"007": "validation"})
    songs = catalog.scan(catalog.locate(tmp_path), base)
    assert names(songs) == [("train", "007"), ("train", "S"), ("train", "Zoë"), ("test", "My song")]
    assert [song.part for song in songs] == ["validation", "", "", ""]


@pytest.mark.parametrize(
    ("table", "texts"),
    [
        ("song,set\nOne,train\n", ("name and split",)),
        ("name,split\nOne,train\nTwo,tset\n", ("Two", "'tset'", "train, validation or test")),
        ("name,split\nOne,train\nFour,test\n", ("Four", "no such song")),
        ("name,split\nOne,train\n", ("no test songs",)),
        ("name,split\nOne,validation\nOne,train\nTwo,test\n", ("One", "also in row")),
    ],
)
def test_errors_in_a_table_are_named(tmp_path, base, rejects, table, texts):
    for song in ("One", "Two"):
        write_song(tmp_path / song)
    (tmp_path / "songs.csv").write_text(table)
    with rejects(tmp_path, *texts):
        catalog.scan(tmp_path, base)


# ------------------------------------------------------------------ formats of a song's files


@pytest.mark.parametrize(
    "suffix", [".wav", ".flac", ".mp3", ".ogg", ".m4a", ".aiff", ".w64", ".caf", ".au", ".mka"]
)
def test_songs_of_every_format_are_read(tmp_path, suffix):
    song = write_song(tmp_path / "song", suffix=suffix)
    mixture, vocals, rate = stems.read(song)
    assert (rate, mixture.shape[1], vocals.shape[1]) == (RATE, 2, 2)
    for waveform, hertz in ((mixture, 200), (vocals, 300)):
        middle = waveform[RATE // 4 : RATE // 4 + RATE // 2, 0]
        assert 2 * np.abs(np.fft.rfft(middle)).argmax() == hertz
    samples, *form = stems.check(song)
    assert form == [RATE, 2]
    assert abs(samples - RATE) < 0.1 * RATE


def test_truncated_m4a_is_named_in_the_error(tmp_path, rejects):
    song = write_song(tmp_path / "song", suffix=".m4a")
    content = (song / "vocals.m4a").read_bytes()
    (song / "vocals.m4a").write_bytes(content[: len(content) // 2])
    with rejects(song / "vocals.m4a"):
        stems.read(song)


def test_missing_mixture_is_the_sum_of_the_stems(tmp_path):
    song = write_song(tmp_path / "song", ("drums", "bass", "other", "vocals"))
    mixture, vocals, _ = stems.read(song)
    parts = [audio.read(song / f"{name}.wav")[0] for name in musdb.STREAMS[1:]]
    np.testing.assert_allclose(mixture, sum(parts), atol=1e-6)
    assert np.array_equal(vocals, parts[-1])
    assert [p.stem for p in stems.files(song)] == ["drums", "bass", "other", "vocals"]


@pytest.mark.parametrize("missing", ["drums", "vocals"])
def test_missing_mixture_without_all_stems_is_an_error(tmp_path, rejects, missing):
    kept = [name for name in musdb.STREAMS[1:] if name != missing]
    with rejects(tmp_path / "song", "no mixture stem"):
        stems.check(write_song(tmp_path / "song", kept))


# ------------------------------------------------------------------ facts about songs of MUSDB18


def test_validation_songs_and_known_errors_are_flagged(twins, base):
    songs = {song.name: song for song in catalog.scan(twins / "wav", base, musdb18=True)}
    flagged = {name for name, song in songs.items() if song.part == "validation"}
    assert flagged == {"Actions - One Minute Smile", "ANiMAL - Rockshow"}
    remarks = {name: song.remark for name, song in songs.items() if song.remark}
    assert remarks.keys() == {"Chris Durban - Celebrate", "PR - Oh No"}
    assert "mixture" in remarks["PR - Oh No"]


def test_songs_of_other_sets_are_not_flagged_by_their_name(twins, base):
    assert not [s for s in catalog.scan(twins / "wav", base) if s.part or s.remark]


def test_flags_are_restored_from_the_file(twins, base):
    songs = catalog.scan(twins / "wav", base, musdb18=True)
    catalog.write(songs, base / "catalog.csv")
    assert catalog.read(base / "catalog.csv") == songs


# ------------------------------------------------------------------ songs in other folders


def test_changed_file_is_detected_when_it_is_read(tmp_path, base, rejects):
    song = catalog.scan(write_set(tmp_path / "root"), base)[0]
    path = tmp_path / "root" / "train" / "One" / "vocals.wav"
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # same size and time
    with rejects(path.parent, "changed", "dvc repro --force download"):
        catalog.song_path(song, base)


def test_removed_song_is_detected(tmp_path, base, rejects):
    song = catalog.scan(write_set(tmp_path / "root"), base)[0]
    shutil.rmtree(tmp_path / "root")
    with rejects("One", "no such song", "dvc repro --force download"):
        catalog.song_path(song, base)


def test_catalog_with_a_named_root_does_not_depend_on_its_path(tmp_path, base, monkeypatch):
    for home in ("one", "other"):
        monkeypatch.setenv("MUSDB_PATH", str(write_set(tmp_path / home)))
        songs = catalog.scan(tmp_path / home, base, root_name="MUSDB_PATH")
        assert [s.source for s in songs] == [
            f"$MUSDB_PATH/{p}" for p in ("train/One", "train/Two", "test/Three")
        ]
        assert catalog.song_path(songs[0], base) == tmp_path / home / "train" / "One"
        catalog.write(songs, base / f"{home}.csv")
    assert (base / "one.csv").read_bytes() == (base / "other.csv").read_bytes()


def test_unset_variable_of_the_root_is_named_in_the_error(tmp_path, base, monkeypatch, rejects):
    monkeypatch.setenv("MUSDB_PATH", str(write_set(tmp_path)))
    song = catalog.scan(tmp_path, base, root_name="MUSDB_PATH")[0]
    monkeypatch.delenv("MUSDB_PATH")
    with rejects("MUSDB_PATH", "not set"):
        catalog.song_path(song, base)


def test_checksums_of_songs_inside_the_folder_of_the_catalog_are_left_to_dvc(base):
    songs = catalog.scan(write_set(base), base)
    assert [song.source for song in songs] == ["train/One", "train/Two", "test/Three"]
    changed = replace(songs[0], checksum="another")
    assert catalog.song_path(changed, base) == base / "train" / "One"


def test_real_excerpt_is_cataloged(tmp_path, base):
    for split in catalog.SPLITS:
        (tmp_path / split).mkdir()
        shutil.copy(stempeg.example_stem_path(), tmp_path / split)
    train, test = catalog.scan(tmp_path, base, musdb18=True)
    assert train.name == test.name == "The Easton Ellises - Falcon 69"
    assert (train.seconds, train.sample_rate, train.channels) == (6.084, 44100, 2)


