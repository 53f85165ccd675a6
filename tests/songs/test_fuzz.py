"""Any ``dataset.root`` gives all of its songs or an error of one line; never a traceback."""

import functools
import io
import os
import tempfile
from pathlib import Path

import numpy as np
import soundfile as sf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vocalseg.errors import BadInput, printable
from vocalseg.songs import catalog, folders, songs_csv, stems

fuzzed = functools.partial(settings, derandomize=True, deadline=None, database=None)


def wav(samples=80, channels=1):
    buffer = io.BytesIO()
    sf.write(buffer, np.zeros((samples, channels)), 8000, format="WAV")
    return buffer.getvalue()


WAV = wav()
SONG = {"mixture.wav": WAV, "vocals.wav": WAV}


def one_line(call):
    """Result of a call, or the line of its error."""
    try:
        return call()
    except BadInput as error:
        line = str(error)
        assert "\n" not in line and len(line) < 10_000, line
        line.encode()
        return line


# ------------------------------------------------------------------ folders and names

#: Characters of file names on Linux: all except slash and null.
CHARACTERS = st.characters(blacklist_characters="/\0", codec="utf-8")
NAMES = st.one_of(
    st.text(CHARACTERS, min_size=1, max_size=6),
    st.binary(min_size=1, max_size=4).map(lambda name: os.fsdecode(name.translate(None, b"/\0"))),
    st.sampled_from([
        "...dots", ".hidden", "-x", "a:b", "a\nb", "é", "e\u0301", "A", "a", "ß", "SS", "@eaDir",
        "lost+found", "._a", ".stem.mp4", "...stem.mp4", "a.stem.mp4", "A.STEM.MP4", "a.wav",
        "Mixture.WAV", "VOCALS.flac", "vocals.wav", "mixture.mp3", "train", "test", "Train",
        "songs.csv", "ü" * 127, "$MUSDB_PATH", "%s", "~",
    ]),
).filter(lambda name: name and name not in (".", ".."))  # fmt: skip

#: Files are given by their bytes, links by their targets, folders by their contents.
FILES = st.sampled_from([b"", b"not sound", WAV, WAV[:60], wav(0), wav(80, 3), wav(8000)])
LINKS = st.sampled_from(["gone", ".", "..", "a", "../a", "/dev/null", "/no/such", "x" * 300])
SONGS = st.just(SONG) | st.dictionaries(NAMES, FILES | LINKS, max_size=3)
SPLITS = st.dictionaries(NAMES, st.just(SONG) | SONGS | FILES | LINKS, max_size=4)
GOOD = st.dictionaries(NAMES, st.just(SONG), min_size=1, max_size=4)  # valid except for their names
LAYOUTS = st.one_of(
    st.fixed_dictionaries({"train": GOOD, "test": GOOD}),
    st.fixed_dictionaries({"train": GOOD, "test": st.just({"t": SONG})}),
    st.fixed_dictionaries({"train": SPLITS, "test": SPLITS}),
    st.fixed_dictionaries({"train": SPLITS, "test": st.just({"t": SONG})}),
    st.dictionaries(NAMES, st.fixed_dictionaries({"train": SPLITS, "test": SPLITS}), max_size=3),
    SPLITS,
)


def build(folder: Path, layout: dict) -> None:
    folder.mkdir()
    for name, content in layout.items():
        path = folder / name
        if isinstance(content, dict):
            build(path, content)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.symlink_to(content)


def built(layout: dict, check) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        build(root, layout)
        check(root)


def complete(folder: Path) -> list[str]:
    """Names of folders with both stems, found independently of the catalog."""
    if not folder.is_dir():
        return []
    return [
        path.name
        for path in folder.iterdir()
        if path.name.casefold() not in folders.SYSTEM_FOLDERS
        and path.is_dir()
        and {"mixture.wav", "vocals.wav"} <= set(os.listdir(path))  # noqa: PTH208
    ]


@fuzzed(max_examples=300)
@given(LAYOUTS)
@example({"train": {"...stem.mp4": WAV, ".stem.mp4": WAV}, "test": {"t": SONG}})
@example({"train": {"a": SONG, "b": {"vocals.wav": "vocals.wav"}}, "test": {"t": SONG}})
def test_any_folder_gives_all_its_songs_or_one_line(layout):
    def check(root):
        listed = catalog.files(root)
        found = one_line(lambda: catalog.locate(root))
        if isinstance(found, str):
            return
        songs = one_line(lambda: catalog.scan(found, root))
        if isinstance(songs, str):
            return
        for split in catalog.SPLITS:
            sources = {Path(song.source).name for song in songs if song.split == split}
            if (found / split).is_dir() and not any(found.glob("[sS]ongs.csv")):
                assert set(complete(found / split)) <= sources
        catalog.write(songs, root / "catalog.csv")
        assert catalog.read(root / "catalog.csv") == songs
        for song in songs:
            assert song.name not in ("", ".", "..") and "/" not in song.name
            path = catalog.song_path(song, root)
            assert stems.check(path)
            for file in stems.files(path):
                if path.is_relative_to(root):
                    assert printable(file.relative_to(root).as_posix()) in listed

    built(layout, check)


@fuzzed(max_examples=30)
@given(st.one_of(st.text(max_size=6), NAMES, LINKS, st.sampled_from(["/proc", "/", "x/" * 3000])))
def test_any_root_is_a_data_set_or_one_line(name):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root" / name
        (Path(folder) / "root").mkdir()
        assert isinstance(one_line(lambda: catalog.scan(catalog.locate(root), root)), str)
        assert catalog.files(root) == {}


# ------------------------------------------------------------------ songs.csv

CELLS = st.one_of(
    st.text(max_size=6),
    st.sampled_from([
        "name", "split", "train", "test", "validation", "One", "one ", "Björk", "Bjo\u0308rk",
        "", " ", '"One"', '"', "a,b", "../One", "/", ".", "Sub/Song", "x" * 300, "\0",
    ]),
)  # fmt: skip
ROWS = st.tuples(
    st.sampled_from(["Björk", "Bjo\u0308rk ", "BJÖRK", "Sub/Song", "sub/song", "./Sub/Song/"]),
    st.sampled_from(["train", " Test", "VALIDATION", "validation "]),
)
TABLES = st.builds(
    lambda rows, separator, newline, encoding: newline.join(
        separator.join(row) for row in rows
    ).encode(encoding, "replace"),
    st.lists(ROWS | st.lists(CELLS, max_size=3), max_size=2).map(
        lambda rows: [["name", "split"], ["One", "train"], ["Two", "test"], *rows]
    )
    | st.lists(st.lists(CELLS, max_size=3), max_size=4),
    st.sampled_from([",", ";", "\t", ", "]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1"]),
)
FOLDER = {"One": SONG, "Two": SONG, "Björk": SONG, "Sub": {"Song": SONG}, "Empty": {}}


@fuzzed(max_examples=300)
@given(TABLES | st.binary(max_size=40))
@example(b"name,split\nOne,train\nTwo,test\n")
def test_any_bytes_of_a_table_give_its_songs_or_one_line(content):
    rows = one_line(lambda: songs_csv.parse(content, Path("songs.csv")))

    def check(root):
        listed = catalog.files(root)
        assert "songs.csv" in listed
        songs = one_line(lambda: catalog.scan(root, root))
        if isinstance(rows, str):
            assert songs == rows.replace("songs.csv", str(root / "songs.csv"), 1)
        elif not isinstance(songs, str):
            assert len(songs) == len(rows)
            assert {folders.normalize_name(Path(row.name).name) for row in rows} == {
                folders.normalize_name(song.name) for song in songs
            }
        else:
            assert str(root) in songs

    built({**FOLDER, "songs.csv": content}, check)


@fuzzed(max_examples=100)
@given(st.lists(st.tuples(NAMES, st.sampled_from(["train", "test"])), min_size=1, max_size=5))
@example([("a\r\nb", "train"), ("\r", "test"), ('"', "test"), ("NA", "train")])
def test_the_catalogue_survives_every_name(rows):
    songs = [
        catalog.Song(name, split, 1.5, 8000, 1, "0" * 32, f"{split}/{name}")
        for name, split in rows
        if name.encode(errors="replace").decode() == name  # others are rejected earlier
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalog.csv"
        catalog.write(songs, path)
        if songs:
            assert catalog.read(path) == songs
