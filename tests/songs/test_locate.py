"""Location of the data set and of its songs: found, or rejected with a reason."""

import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

import pytest
import stempeg

from tests.songs.test_catalog import make_set, put
from vocalseg.songs import catalog, locate, stems
from vocalseg.songs.folders import SYSTEM_FOLDERS

NFC, NFD = (unicodedata.normalize(form, "Björk – Jóga") for form in ("NFC", "NFD"))
BYTES = os.fsdecode(b"Bj\xf6rk")  # a name that is not UTF-8


@pytest.fixture
def root(tmp_path):
    return make_set(tmp_path / "songs", train=("a",))


def names(root):
    return [song.name for song in catalog.scan(root, root)]


def put_stem_file(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(stempeg.example_stem_path(), path))


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# ------------------------------------------------------------------ songs that are found


@pytest.mark.parametrize(
    "name",
    [
        "...And You Will Know Us", ".hidden", "-dash", "Mix: one", "*?[x]", "~",
        'a "quote"', "$MUSDB_PATH", "Mr. Foo", "song.wav", " x ", NFD, "ü" * 127, "%s {x}", "\\",
    ],
)  # fmt: skip
def test_songs_with_any_name_are_found_and_restored_from_the_catalog(root, name, caplog):
    put(root / "train" / name)
    songs = catalog.scan(root, root)
    assert sorted(song.name for song in songs) == sorted(["a", name, "c"])
    catalog.write(songs, root / "catalog.csv")
    assert catalog.read(root / "catalog.csv") == songs
    assert all(stems.check(catalog.song_path(song, root)) for song in songs)
    assert warnings(caplog) == []


@pytest.mark.parametrize("suffix", [".stem.mp4", ".STEM.MP4", ".Stem.Mp4"])
@pytest.mark.parametrize("name", ["Song", "...And You Will Know Us"])
def test_stem_file_is_found_with_a_suffix_in_any_case(root, name, suffix):
    path = put_stem_file(root / "train" / f"{name}{suffix}")
    song = next(song for song in catalog.scan(root, root) if song.name == name)
    assert catalog.song_path(song, root) == path
    assert stems.read(path)[2] == 44_100


@pytest.mark.parametrize("file_name", ["Mixture.WAV", "MIXTURE.wav", "mixture.Wav"])
def test_stem_is_found_with_a_name_in_any_case(root, file_name):
    song = root / "train" / "a"
    (song / "mixture.wav").rename(song / file_name)
    assert stems.stem_file(song, "mixture").name == file_name
    assert names(root) == ["a", "c"]


def test_mixture_is_the_sum_of_four_stems_with_names_in_any_case(root):
    song = root / "train" / "a"
    for stem in ("Drums.WAV", "BASS.wav", "other.wav"):
        shutil.copy(song / "vocals.wav", song / stem)
    (song / "mixture.wav").unlink()
    assert [path.name for path in stems.files(song)] == [
        "Drums.WAV", "BASS.wav", "other.wav", "vocals.wav",
    ]  # fmt: skip


def test_splits_are_found_with_names_in_any_case(root):
    (root / "train").rename(root / "Train")
    (root / "test").rename(root / "TEST")
    assert catalog.locate(root.parent) == root
    assert [(song.split, song.name) for song in catalog.scan(root, root)] == [
        ("train", "a"),
        ("test", "c"),
    ]


def test_songs_and_stems_may_be_symlinks(root, tmp_path):
    song = put(tmp_path / "elsewhere" / "b")
    (root / "train" / "b").symlink_to(song)
    (song / "vocals.wav").rename(tmp_path / "moved.wav")
    (song / "vocals.wav").symlink_to(tmp_path / "moved.wav")
    assert names(root) == ["a", "b", "c"]


# ------------------------------------------------------------------ songs that are rejected


def loose_sound(train):
    shutil.copy(train / "a" / "mixture.wav", train / "Lonely.WAV")
    return "Lonely.WAV", "outside a song's folder"


def link_without_target(train):
    (train / "b").symlink_to(train / "gone")
    return train / "b", "broken link"


def link_to_itself(train):
    (train / "b").symlink_to(train / "b")
    return train / "b", "broken link"


def stem_link_without_target(train):
    (put(train / "b") / "vocals.wav").unlink()
    (train / "b" / "vocals.wav").symlink_to("/no/such/file.wav")
    return train / "b" / "vocals.wav", "broken link"


def stem_that_is_a_pipe(train):
    (put(train / "b") / "vocals.wav").unlink()
    os.mkfifo(train / "b" / "vocals.wav")
    return train / "b" / "vocals.wav", "not a readable file"


def stem_file_that_is_a_socket(train):
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{short}/s")
        Path(f"{short}/s").rename(train / "b.stem.mp4")
    return train / "b.stem.mp4", "not a regular file"


def hidden_song_without_vocals(train):
    (put(train / "...b") / "vocals.wav").unlink()
    return train / "...b", "no vocals stem"


def other_sound_alone(train):
    (train / "b").mkdir()
    shutil.copy(train / "a" / "mixture.wav", train / "b" / "Song (instrumental).WAV")
    return train / "b", "no mixture stem"


def stem_twice_but_for_case(train):
    shutil.copy(train / "a" / "mixture.wav", train / "a" / "MIXTURE.wav")
    return train / "a", "MIXTURE.wav and mixture.wav", "keep one"


def name_twice_but_for_unicode_form(train):
    put(train / NFC)
    put(train / NFD)
    return NFC, "twice", "train"


def name_outside_utf8(train):
    put(train / "b").rename(train / BYTES)
    return r"Bj\xf6rk", "not UTF-8", "rename"


def target_outside_utf8(train):
    put(train / "b").rename(train.parent / BYTES)
    (train / "b").symlink_to(train.parent / BYTES)
    return train / "b", "not UTF-8"


def control_character_in_the_name(train):
    put(train / "two\r\nlines")
    return r"two\r\nlines", "line break", "rename"


def nothing_before_the_suffix(train):
    put_stem_file(train / ".stem.mp4")
    return train / ".stem.mp4", "no name"


def two_dots_before_the_suffix(train):
    put_stem_file(train / "...stem.mp4")
    return train / "...stem.mp4", "no name"


def split_without_target(train):
    shutil.rmtree(train.parent / "test")
    (train.parent / "test").symlink_to("/no/such/folder")
    return train.parent / "test", "broken link"


@pytest.mark.parametrize(
    "damage",
    [
        loose_sound, link_without_target, link_to_itself, stem_link_without_target,
        stem_that_is_a_pipe, stem_file_that_is_a_socket, hidden_song_without_vocals,
        other_sound_alone, stem_twice_but_for_case, name_twice_but_for_unicode_form,
        name_outside_utf8, target_outside_utf8, control_character_in_the_name,
        nothing_before_the_suffix,
        two_dots_before_the_suffix, split_without_target,
    ],
)  # fmt: skip
def test_unusable_song_is_named_in_the_error(root, damage, rejects):
    with rejects(*damage(root / "train")):
        catalog.scan(root, root)


def test_folder_that_is_removed_while_it_is_read_is_an_error(root, rejects, monkeypatch):
    check = stems.check

    def vanishing(song):
        shutil.rmtree(song)
        return check(song)

    monkeypatch.setattr(stems, "check", vanishing)
    with rejects(root, "No such file", "run again"):
        catalog.scan(root, root)


# ------------------------------------------------------------------ ignored files


@pytest.mark.parametrize("folder", ["train", "test", "."])
def test_system_files_are_ignored_without_warnings(root, folder, caplog):
    for name in SYSTEM_FOLDERS:
        put(root / folder / name.upper() / "train" / "x")
        put(root / folder / name.upper() / "y", seconds=0.01)
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._a.stem.mp4", "._x.wav", "notes.txt"):
        (root / folder / name).write_bytes(b"\x00\x05\x16\x07")
    (root / folder / ".#notes.txt").symlink_to("user@host.1234")
    (root / folder / ".Trash-1000" / "files").mkdir(parents=True)
    (root / "train" / "a" / "@eaDir").mkdir()
    for name in ("._mixture.wav", "._vocals.wav", "Thumbs.db"):
        (root / "train" / "a" / name).write_bytes(b"\x00\x05\x16\x07")
    before = [p for p in catalog.files(root) if not p.startswith(("train/a/", "test/c/"))]
    assert names(root) == ["a", "c"]
    assert before == []
    assert catalog.locate(root) == catalog.locate(root.parent) == root
    assert warnings(caplog) == []


def test_folders_named_like_lock_files_are_songs(root):
    for name in (".#1 hit", "._hidden"):
        put(root / "train" / name)
    assert names(root) == [".#1 hit", "._hidden", "a", "c"]


def test_folders_without_audio_and_songs_outside_the_splits_give_warnings(root, caplog):
    (root / "train" / "artwork").mkdir()
    (root / "train" / ".config").mkdir()
    (root / "notes").mkdir()
    put(root / "train" / "An artist" / "A song")
    put(root / "validation" / "v")
    put(root / "left\nover")
    assert names(root) == ["a", "c"]
    assert [warning.split(": ", 1)[0].removeprefix(f"{root}/") for warning in warnings(caplog)] == [
        "train/An artist", "train/artwork", "left\\nover", "validation",
    ]  # fmt: skip


# ------------------------------------------------------------------ location of the data set


def two_sets(tmp_path, wav="musdb18hq", stem_files="musdb18"):
    for split in ("train", "test"):
        put(tmp_path / wav / split / "song")
        put_stem_file(tmp_path / stem_files / split / "song.stem.mp4")
    return tmp_path


def test_two_data_sets_are_ambiguous(tmp_path, rejects):
    two_sets(tmp_path)
    for name in (None, "folder"):
        with rejects(tmp_path, "musdb18 and musdb18hq", "dataset.root"):
            catalog.locate(tmp_path, name)


@pytest.mark.parametrize("wav, stem_files", [("a", "b"), ("b", "a")])
def test_dataset_name_selects_one_of_two_data_sets_by_format(tmp_path, wav, stem_files):
    two_sets(tmp_path, wav, stem_files)
    assert catalog.locate(tmp_path, "musdb18-hq") == tmp_path / wav
    assert catalog.locate(tmp_path, "musdb18") == tmp_path / stem_files
    assert catalog.locate(tmp_path, "musdb18-7s") == tmp_path / stem_files


def test_two_data_sets_of_one_format_are_ambiguous(tmp_path, rejects):
    for folder in ("one", "other"):
        make_set(tmp_path / folder, train=("a",))
    for name in ("musdb18", "musdb18-hq"):
        with rejects("one and other"):
            catalog.locate(tmp_path, name)


def test_symlink_to_a_data_set_is_not_a_second_one(tmp_path):
    make_set(tmp_path / "musdb18hq", train=("a",))
    (tmp_path / "current").symlink_to("musdb18hq")
    (tmp_path / "old").symlink_to("gone")
    assert catalog.locate(tmp_path) == tmp_path / "musdb18hq"


def test_hidden_folders_are_not_data_sets(tmp_path):
    for folder in (".old", "new"):
        make_set(tmp_path / folder, train=("a",))
    assert catalog.locate(tmp_path) == tmp_path / "new"
    assert {name.split("/")[0] for name in catalog.files(tmp_path)} == {"new"}


def a_file(path):
    path.write_bytes(b"PK")
    return "a file"


def a_broken_link(path):
    path.symlink_to("gone")
    return "broken link"


def a_loop_of_links(path):
    path.symlink_to("other")
    path.with_name("other").symlink_to(path.name)
    return "broken link"


def missing(path):
    return "no such folder"


def an_empty_folder(path):
    path.mkdir()
    return "no songs"


def a_folder_that_links_to_itself(path):
    path.mkdir()
    (path / "train").symlink_to(".")
    (path / "test").symlink_to("..")
    return "no songs"


def a_pipe(path):
    os.mkfifo(path)
    return "a file"


@pytest.mark.parametrize(
    "make",
    [
        a_file, a_broken_link, a_loop_of_links, missing, an_empty_folder,
        a_folder_that_links_to_itself, a_pipe,
    ],
)  # fmt: skip
def test_root_that_is_not_a_data_set_is_an_error_of_one_line(tmp_path, rejects, make):
    root = tmp_path / "root"
    with rejects(root, make(root)):
        catalog.scan(catalog.locate(root), tmp_path)
    assert catalog.files(root) == {}


@pytest.mark.parametrize("root", [f"/{'x' * 300}", "/x" * 5000, "/nul\0", "/dev/null", "/proc"])
def test_invalid_root_is_an_error_of_one_line(root, tmp_path, rejects):
    with rejects(root.replace("\0", r"\x00")):
        catalog.scan(catalog.locate(Path(root)), tmp_path)
    assert catalog.files(Path(root)) == {}


UNPRIVILEGED = """
import multiprocessing.dummy, os, sys  # before the interpreter may become inaccessible
from pathlib import Path
from vocalseg.errors import BadInput
from vocalseg.songs import catalog
root = Path(sys.argv[1])
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
def line(call):
    try:
        return [song.name for song in call()]
    except BadInput as error:
        return str(error)
for folder in ("disk", "secret", "listed", "train-locked", "song-locked", "file-locked"):
    print(folder, line(lambda: catalog.scan(catalog.locate(root / folder), root)), sep=": ")
    print(len(catalog.files(root / folder)))
"""


def test_unreadable_files_are_ignored_outside_a_data_set_and_an_error_within():
    """Permissions are tested as an unprivileged user, even if the tests run as root."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        locked = []
        for case in ("disk/set", "secret", "listed", "train-locked", "song-locked", "file-locked"):
            make_set(root / case, train=("a", "b"))
        for path in ("disk/lost+found", "disk/private", "disk/set/.Trashes", "disk/set/train/.t"):
            (root / path).mkdir()
            locked.append(root / path)
        locked += [root / "secret", root / "train-locked/train", root / "song-locked/train/b"]
        locked.append(root / "file-locked/train/b/vocals.wav")
        for path in locked:
            path.chmod(0)
        (root / "listed/train").chmod(0o444)  # names can be listed, but nothing can be opened
        try:
            done = subprocess.run(
                [sys.executable, "-c", UNPRIVILEGED, root],
                capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
                env={"PYTHONPATH": os.pathsep.join(sys.path), "HOME": folder},
            )  # fmt: skip
        finally:
            for path in (*locked, root / "listed/train"):
                path.chmod(0o755)
    lines = done.stdout.splitlines()
    assert lines[0] == "disk: ['a', 'b', 'c']" and lines[1] == "6"
    for line, path in (
        (lines[2], "secret"),
        (lines[4], "listed/train/"),
        (lines[6], "train-locked/train"),
        (lines[8], "song-locked/train/b"),
        (lines[10], "file-locked/train/b/vocals.wav"),
    ):
        assert f": {root / path}" in line, line
    assert [int(number) for number in lines[3::2]] == [0, 2, 2, 4, 6]


# ------------------------------------------------------------------ songs in a table


def make_table(root, *rows, names=("One", "Two", NFD)):
    for name in names:
        put(root / name)
    (root / "songs.csv").write_text("\n".join(["name,split", *rows]) + "\n", encoding="utf-8")
    return root


def test_names_of_a_table_match_in_any_case_and_unicode_form(tmp_path):
    root = make_table(tmp_path, "ONE,train", f"{NFC.upper()},validation", "Two ,test")
    assert [(s.name, s.part) for s in catalog.scan(root, root)] == [
        (NFD, "validation"),
        ("One", ""),
        ("Two", ""),
    ]


def test_exact_name_takes_precedence(tmp_path):
    both = ["One", "one", "Two", NFC, NFD]
    root = make_table(tmp_path, "one,train", f"{NFC},train", "Two,test", names=both)
    assert sorted(names(root)) == sorted([NFC, "Two", "one"])


def test_names_of_a_table_may_be_paths(tmp_path):
    put(tmp_path / "Artist" / "Song")
    put_stem_file(tmp_path / "Artist" / "Other.stem.mp4")
    root = make_table(tmp_path, "artist/Song,train", "./Artist/Other/,train", "Two,test")
    assert [song.source for song in catalog.scan(root, root)] == [
        "Artist/Other.stem.mp4", "Artist/Song", "Two",
    ]  # fmt: skip
    assert {"Artist/Song/vocals.wav", "Artist/Other.stem.mp4", "songs.csv"} <= set(
        catalog.files(root)
    )


def test_songs_missing_in_a_table_give_a_warning(tmp_path, caplog):
    root = make_table(tmp_path, "One,train", "Two,test")
    (root / "notes").mkdir()
    assert names(root) == ["One", "Two"]
    (warning,) = warnings(caplog)
    assert warning.startswith(f"{root / 'songs.csv'}: skipped") and NFD in warning


@pytest.mark.parametrize(
    ("row", "texts"),
    [
        ("Three,train", ("row 2", "'Three'", "no such song")),
        ("Bjørk,train", ("row 2", "'Bjørk'", "no such song", "UTF-8")),
        ("../outside/Song,train", ("row 2", "no such song")),
        ("/,train", ("row 2", "no such song")),
        (".,train", ("row 2", "no such song")),
        ("x/y/z,train", ("row 2", "no such song")),
        (f"{'x' * 300},train", ("row 2", "xxx", "no such song")),
        ("two,train", ("row 2", "'Two'", "also in row 3")),
        ("Empty,train", ("row 2", "no sound files")),
        ("Link,train", ("Link", "broken link")),
        ("Both,train", ("row 2", "Both and Both.stem.mp4", "keep one")),
        ("both,train", ("row 2", "Both and Both.stem.mp4", "keep one")),
    ],
)
def test_row_that_does_not_match_one_song_is_an_error(tmp_path, rejects, row, texts):
    root = make_table(tmp_path / "root", row, "Two,test", "One,train")
    put(tmp_path / "outside" / "Song")
    (root / "Empty").mkdir()
    (root / "Link").symlink_to("gone")
    put(root / "Both")
    put_stem_file(root / "Both.stem.mp4")
    with rejects(root, *texts):
        catalog.scan(root, root)
    assert len(catalog.files(root)) == 10


def test_table_is_found_with_a_name_in_any_case_and_as_a_symlink(tmp_path, rejects):
    root = make_table(tmp_path / "root", "One,train", "Two,test")
    (root / "songs.csv").rename(root / "Songs.CSV")
    assert catalog.locate(tmp_path) == root
    assert names(root) == ["One", "Two"]
    (root / "Songs.CSV").rename(tmp_path / "table")
    (root / "songs.csv").symlink_to(tmp_path / "table")
    assert names(root) == ["One", "Two"]
    (tmp_path / "table").unlink()
    with rejects(root / "songs.csv", "broken link"):
        catalog.scan(root, root)


# ------------------------------------------------------------------ files of a data set


def test_files_lists_everything_that_the_catalog_depends_on(root, tmp_path):
    linked_song = put(tmp_path / "linked")
    (root / "train" / "linked").symlink_to(linked_song)
    put_stem_file(root / "test" / ".s.STEM.MP4")
    (root / "README.md").write_text("notes")
    (root / "train" / "a" / "cover.jpg").write_bytes(b"")
    put(root / "train" / "x").rename(root / "train" / BYTES)
    found = catalog.files(root)
    folders = (r"train/Bj\xf6rk", "train/a", "train/linked", "test/c")
    stem_paths = [f"{song}/{stem}.wav" for song in folders for stem in ("mixture", "vocals")]
    assert list(found) == sorted(["test/.s.STEM.MP4", *stem_paths])
    status = (linked_song / "vocals.wav").stat()
    assert found["train/linked/vocals.wav"] == (status.st_size, status.st_mtime_ns)
    of_parent = catalog.files(tmp_path)
    assert {f"songs/{name}": state for name, state in found.items()} == of_parent


def test_files_lists_all_files_of_songs(root):
    found = catalog.files(root)
    for song in locate.find(root):
        for path in stems.files(song.path):
            assert path.relative_to(root).as_posix() in found
