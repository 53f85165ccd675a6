"""The catalog: every song of a data set once, in a fixed order, with its checksum."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from vocalseg.songs import catalog
from vocalseg.songs.catalog import Song

NAMES = ["007", "NA", "nan", "1e5", "True", "Björk – Jóga 🎤, live", 'She said "no"', " x ", "-"]


def put(folder, seconds=0.1, channels=2, rate=44100, seed=0):
    folder.mkdir(parents=True)
    samples = round(seconds * rate)
    waveforms = np.random.default_rng(seed).uniform(-0.5, 0.5, (2, samples, channels))
    for stem, waveform in zip(("mixture", "vocals"), waveforms, strict=True):
        sf.write(folder / f"{stem}.wav", waveform, rate)
    return folder


def make_set(root, train=("b", "a"), test=("c",)):
    for split, names in (("train", train), ("test", test)):
        for name in names:
            put(root / split / name, seed=len(name))
    return root


def entry(name="song", **changes):
    values = {
        "name": name,
        "split": "train",
        "seconds": 200.123,
        "sample_rate": 44100,
        "channels": 2,
        "checksum": "0123456789abcdef0123456789abcdef",
        "source": f"train/{name}",
    }
    return Song(**values | changes)


# ------------------------------------------------------------------ write and read


@pytest.mark.parametrize("name", NAMES)
def test_song_with_any_name_is_restored(tmp_path, name):
    songs = [entry(name)]
    catalog.write(songs, tmp_path / "catalog.csv")
    assert catalog.read(tmp_path / "catalog.csv") == songs


def test_songs_are_restored_in_order(tmp_path):
    songs = [entry(name, seconds=10.0 * i, split="test") for i, name in enumerate(NAMES)]
    catalog.write(songs, tmp_path / "catalog.csv")
    back = catalog.read(tmp_path / "catalog.csv")
    assert back == songs
    assert {type(song.seconds) for song in back} == {float}
    assert {type(song.sample_rate) for song in back} == {int}


@pytest.mark.parametrize(
    "checksum",
    [
        "12345678901234567890123456789012",
        "00000000000000000000000000000007",
        "1234567890123456789012345678e123",
    ],
)
def test_checksum_of_digits_is_read_as_text(tmp_path, checksum):
    songs = [entry(checksum=checksum)]
    catalog.write(songs, tmp_path / "catalog.csv")
    assert catalog.read(tmp_path / "catalog.csv") == songs


def test_the_same_songs_give_the_same_bytes(tmp_path):
    songs = [entry(name) for name in NAMES]
    catalog.write(songs, tmp_path / "a.csv")
    catalog.write(catalog.read(tmp_path / "a.csv"), tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


# ------------------------------------------------------------------ scan


def test_songs_are_sorted_by_split_and_name(tmp_path):
    songs = catalog.scan(make_set(tmp_path, ["b", "a", "10", "9"], ["z", "c"]), tmp_path)
    assert [(song.split, song.name) for song in songs] == [
        ("train", "10"),
        ("train", "9"),
        ("train", "a"),
        ("train", "b"),
        ("test", "c"),
        ("test", "z"),
    ]


def test_song_has_its_length_format_and_checksum(tmp_path):
    put(tmp_path / "train" / "Björk – Jóga 🎤", seconds=0.25, channels=1, rate=8000)
    make_set(tmp_path, [], ["c"])
    song = catalog.scan(tmp_path, tmp_path)[0]
    content = b"".join(
        (tmp_path / "train" / song.name / f"{stem}.wav").read_bytes()
        for stem in ("mixture", "vocals")
    )
    assert song == Song(
        name="Björk – Jóga 🎤",
        split="train",
        seconds=0.25,
        sample_rate=8000,
        channels=1,
        checksum=hashlib.md5(content).hexdigest(),
        source="train/Björk – Jóga 🎤",
        bytes=len(content),
    )


@pytest.mark.parametrize("stem", ["mixture", "vocals"])
def test_changed_byte_changes_the_checksum_of_its_song_only(tmp_path, stem):
    before = catalog.scan(make_set(tmp_path), tmp_path)
    path = tmp_path / "train" / "b" / f"{stem}.wav"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    after = catalog.scan(tmp_path, tmp_path)
    assert [b.checksum == a.checksum for b, a in zip(before, after, strict=True)] == [
        True,
        False,
        True,
    ]


def test_files_outside_the_folders_of_songs_are_ignored(tmp_path):
    make_set(tmp_path)
    (tmp_path / "train" / "README.txt").write_text("notes")
    assert len(catalog.scan(tmp_path, tmp_path)) == 3


@pytest.mark.parametrize("split", ["train", "test"])
def test_split_without_songs_is_an_error(tmp_path, rejects, split):
    make_set(tmp_path, **{split: ()})
    with rejects(tmp_path / split, "no songs"):
        catalog.scan(tmp_path, tmp_path)
    (tmp_path / split).mkdir()
    with rejects(tmp_path / split, "no songs"):
        catalog.scan(tmp_path, tmp_path)


def test_unusable_song_is_named_in_the_error(tmp_path, rejects):
    make_set(tmp_path)
    (tmp_path / "test" / "c" / "vocals.wav").unlink()
    with rejects(tmp_path / "test" / "c", "no vocals stem"):
        catalog.scan(tmp_path, tmp_path)


# ------------------------------------------------------------------ paths of songs


def test_songs_inside_the_folder_of_the_catalog_can_be_moved_with_it(tmp_path):
    base = tmp_path / "raw"
    songs = catalog.scan(make_set(base / "songs"), base)
    assert songs[0].source == "songs/train/a"
    base.rename(tmp_path / "moved")
    assert (catalog.song_path(songs[0], tmp_path / "moved") / "vocals.wav").is_file()


def test_songs_outside_are_found_by_their_absolute_path(tmp_path, monkeypatch):
    make_set(tmp_path / "elsewhere")
    (tmp_path / "raw").mkdir()
    monkeypatch.chdir(tmp_path)
    songs = catalog.scan(Path("elsewhere"), tmp_path / "raw")
    catalog.write(songs, tmp_path / "raw" / "catalog.csv")
    monkeypatch.chdir("/")
    for song in catalog.read(tmp_path / "raw" / "catalog.csv"):
        assert Path(song.source).is_absolute()
        assert (catalog.song_path(song, tmp_path / "raw") / "mixture.wav").is_file()


def test_relative_paths_to_songs_inside_give_the_same_catalog(tmp_path, monkeypatch):
    make_set(tmp_path / "raw")
    absolute = catalog.scan(tmp_path / "raw", tmp_path / "raw")
    monkeypatch.chdir(tmp_path)
    assert catalog.scan(Path("raw"), Path("raw")) == absolute
