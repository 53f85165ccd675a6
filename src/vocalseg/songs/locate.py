"""Locate a data set's folder, its songs and the files it consists of."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from vocalseg.errors import BadInput, os_errors_as_bad_input, printable
from vocalseg.songs import folders, musdb, songs_csv, stems
from vocalseg.songs.detection import SPLITS, FoundSong, has_sound, is_song, warn_skipped
from vocalseg.songs.folders import (
    entries,
    find_entry,
    is_broken_link,
    is_folder,
    is_hidden,
    list_or_empty,
    to_nfc,
)
from vocalseg.songs.table_layout import find_in_table, song_folders


def locate(root: Path, name: str | None = None) -> Path:
    """Find the folder that holds the splits: ``root`` or one of its subfolders.

    Parameters
    ----------
    root : Path
        Folder of the data set, or its parent.
    name : str, optional
        Name of the data set. If several subfolders hold splits, "musdb18-hq" selects the one with
        WAV files, "musdb18" and "musdb18-7s" the one with stem files.

    Returns
    -------
    Path
        ``root`` if no folder holds splits.

    Raises
    ------
    BadInput
        If ``root`` is not a folder or cannot be listed, or if several subfolders hold splits.
    """
    if is_broken_link(root):
        raise BadInput(f"{root}: a broken link; correct dataset.root")
    found = folders.status(root)
    if found is None:
        raise BadInput(f"{root}: no such folder; set dataset.root to the folder of songs")
    if not is_folder(root):
        raise BadInput(f"{root}: a file; unpack it, and set dataset.root to the folder of songs")
    with os_errors_as_bad_input(root, "give yourself access, or correct dataset.root"):
        sets = _sets(root)
    if len(sets) > 1 and name and name.startswith("musdb18"):
        wanted = name != "musdb18-hq"
        sets = [folder for folder in sets if _has_stem_files(folder) == wanted] or sets
    if len(sets) > 1:
        raise BadInput(
            f"{root}: {' and '.join(folder.name for folder in sets)} each hold a data set; set "
            "dataset.root to one of them"
        )
    return sets[0] if sets else root


def find(root: Path) -> list[FoundSong]:
    """Find the songs of a data set, sorted by name, training songs first.

    Parameters
    ----------
    root : Path
        Folder that holds the splits, or the table of songs.

    Returns
    -------
    list of FoundSong
        All songs.

    Raises
    ------
    BadInput
        If a split has no songs or two songs of one name, or if something looks like a song but
        cannot be used.
    OSError
        If the folder, or a song's folder, cannot be read.
    """
    table = find_entry(root, songs_csv.FILE_NAME)
    if table is not None and is_broken_link(table):
        raise BadInput(f"{table}: a broken link; replace it with the table")
    if table is None or is_folder(table):
        found = _find_in_splits(root)
    else:
        found = find_in_table(root, table)
    for song in found:
        _check_name(song.path)
    _check_unique(root, found)
    return found


def files(root: Path) -> dict[str, tuple[int, int]]:
    r"""List the files that a data set consists of, without opening a song.

    The result includes every file whose change could change the catalogue: the table, stem files,
    and all sound files in songs' folders, following links. Unreadable files are omitted.

    Parameters
    ----------
    root : Path
        Folder of the data set, or its parent.

    Returns
    -------
    dict
        Sorted: path relative to ``root`` (bytes outside UTF-8 as ``\\xf6``) to size in bytes and
        modification time in nanoseconds.
    """
    found = {}
    for folder in list_or_empty(_sets, root):
        for path in _catalogued_files(folder):
            if state := folders.status(path):
                name = printable(path.relative_to(root).as_posix())
                found[name] = (state.st_size, state.st_mtime_ns)
    return dict(sorted(found.items()))


def _sets(root: Path) -> list[Path]:
    """Return the folders that hold splits: ``root``, or otherwise its subfolders, once each."""
    if _holds_splits(root):
        return [root]
    inside = [p for p in entries(root) if not is_hidden(p) and _holds_splits(p)]
    # A link to a sibling is the same data set.
    inside.sort(key=lambda path: (path.is_symlink(), path))
    unique = {path.resolve(): path for path in reversed(inside)}
    return sorted(unique.values())


def _holds_splits(path: Path) -> bool:
    if not is_folder(path):
        return False
    table, train = find_entry(path, songs_csv.FILE_NAME), find_entry(path, "train")
    return (table is not None and not is_folder(table)) or (train is not None and is_folder(train))


def _has_stem_files(folder: Path) -> bool:
    parents = (folder, find_entry(folder, "train"))
    inside = [path for parent in parents if parent for path in list_or_empty(entries, parent)]
    return any(stems.is_stem_file(path) for path in inside)


def _find_in_splits(root: Path) -> list[FoundSong]:
    """Find the songs in ``train/`` and ``test/``."""
    found = []
    splits = {split: find_entry(root, split) or root / split for split in SPLITS}
    for split, folder in splits.items():
        if is_broken_link(folder):
            raise BadInput(f"{folder}: a broken link; replace it with the folder")
        inside = entries(folder) if is_folder(folder) else []
        paths = [path for path in inside if is_song(path)]
        for path in inside:
            if is_folder(path) and path not in paths and not is_hidden(path):
                warn_skipped(path, "it has no sound files")
        if not paths:
            raise BadInput(
                f"{folder}: no songs; put each {split} song in a folder of its own there, with a "
                "mixture and a vocals file"
            )
        found += [FoundSong(path, split) for path in sorted(paths, key=stems.name)]
    for path in list_or_empty(entries, root):
        if path not in splits.values() and not is_hidden(path) and _holds_songs(path):
            reason = f"songs are read from train/ and test/, or as {songs_csv.FILE_NAME} lists them"
            warn_skipped(path, reason)
    return found


def _holds_songs(path: Path) -> bool:
    """Return whether a path is a sound file, or a folder with sound at most two levels down."""
    return has_sound(path) or any(has_sound(p) for p in list_or_empty(entries, path))


def _check_name(path: Path) -> None:
    """Check that a song's name can be used as a folder name and in a table's cell."""
    try:
        f"{path} {path.resolve()}".encode()
    except UnicodeEncodeError:
        raise BadInput(f"{path}: its name is not UTF-8; rename it") from None
    name = stems.name(path)
    if name in ("", ".", ".."):
        raise BadInput(f"{path}: has no name before {musdb.SUFFIX}; rename it")
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise BadInput(f"{path}: has a line break or control character in its name; rename it")


def _check_unique(root: Path, found: list[FoundSong]) -> None:
    groups = defaultdict(list)
    for song in found:
        groups[song.split, to_nfc(stems.name(song.path))].append(song.path.name)
    for (split, name), paths in groups.items():
        if len(paths) > 1:
            raise BadInput(
                f"{root}: {name!r} exists twice in {split} ({' and '.join(paths)}); keep one of "
                "them"
            )


def _catalogued_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a data set that the catalogue depends on."""
    table = find_entry(folder, songs_csv.FILE_NAME)
    if table is None or is_folder(table):
        parents = [path for split in SPLITS if (path := find_entry(folder, split))]
    else:
        yield table
        parents = [folder, *list_or_empty(song_folders, folder, table)]
    for parent in parents:
        for path in list_or_empty(entries, parent):
            if is_folder(path):
                yield from list_or_empty(stems.sound_files, path)
            elif path.suffix.lower() in stems.SOUND_SUFFIXES:
                yield path


