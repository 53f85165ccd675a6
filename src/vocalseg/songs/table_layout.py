"""Find the songs of a data set that lists them in a table instead of ``train/`` and ``test/``."""

from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path, PurePosixPath

from vocalseg.errors import BadInput
from vocalseg.songs import songs_csv, stems
from vocalseg.songs.detection import SPLITS, FoundSong, has_sound, is_song, warn_skipped
from vocalseg.songs.folders import (
    entries,
    is_broken_link,
    is_folder,
    is_hidden,
    normalize_name,
    to_nfc,
)


def find_in_table(root: Path, table: Path) -> list[FoundSong]:
    """Find the songs that the table lists, training songs first."""
    index = cache(_index_by_name)
    found: list[FoundSong] = []
    rows: dict[Path, int] = {}
    for row in sorted(songs_csv.parse(table.read_bytes(), table), key=lambda row: row.name):
        where = f"{table}: row {row.number}: {songs_csv.quoted(row.name)}"
        path = _song_of_row(root, row.name, where, index)
        if path in rows:
            raise BadInput(
                f"{where}: {stems.name(path)!r} is also in row {rows[path]}; keep one of them"
            )
        rows[path] = row.number
        held_out = row.split == "validation"
        found.append(FoundSong(path, "train" if held_out else row.split, "validation" * held_out))
    for split in SPLITS:
        if split not in {song.split for song in found}:
            raise BadInput(f"{table}: no {split} songs; add some")
    unused = [
        path.name
        for path in entries(root)
        if path not in rows and not is_hidden(path) and has_sound(path)
    ]
    if unused:
        more = f" and {len(unused) - 10} more" if len(unused) > 10 else ""
        warn_skipped(table, f"no row for {', '.join(map(repr, unused[:10]))}{more}")
    return sorted(found, key=lambda song: SPLITS.index(song.split))


def _song_of_row(root: Path, name: str, where: str, index: Callable) -> Path:
    """Find the song of a row by its name."""
    parent = _parent_folder(root, name, index)
    found = _matching(index(parent), PurePosixPath(name).name) if parent else []
    if not found:
        encoding = "" if name.isascii() else f", or save {songs_csv.FILE_NAME} as UTF-8"
        raise BadInput(f"{where}: no such song in {root}; correct its name{encoding}")
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise BadInput(f"{where}: {names} both have this name; keep one of them")
    if not is_song(found[0]):
        raise BadInput(f"{where}: no sound files in {found[0]}; add some, or remove the row")
    return found[0]


def _parent_folder(root: Path, name: str, index: Callable) -> Path | None:
    """Return the folder that should contain the last component of a row's name."""
    folder = root
    for part in PurePosixPath(name).parts[:-1]:
        found = [path for path in _matching(index(folder), part) if is_folder(path)]
        if len(found) != 1:
            return None
        folder = found[0]
    return folder


#: Forms in which names are compared: exact, then any Unicode form, then any case.
FORMS: tuple[Callable[[str], str], ...] = (str, to_nfc, normalize_name)


def _index_by_name(folder: Path) -> list[dict[str, list[Path]]]:
    """Index the folders and stem files of a folder by name, for each of :data:`FORMS`."""
    indexes: list[dict[str, list[Path]]] = [defaultdict(list) for _ in FORMS]
    for path in entries(folder):
        if is_folder(path) or is_broken_link(path) or stems.is_stem_file(path):
            for form, index in zip(FORMS, indexes, strict=True):
                for name in {form(path.name), form(stems.name(path))}:
                    index[name].append(path)
    return indexes


def _matching(indexes: list[dict[str, list[Path]]], name: str) -> list[Path]:
    """Return the paths with a name, by the strictest form with a match."""
    hits = (index.get(form(name)) for form, index in zip(FORMS, indexes, strict=True))
    return next(filter(None, hits), [])


def song_folders(root: Path, table: Path) -> set[Path]:
    """Return the folders, other than ``root``, that contain songs of the table."""
    index = cache(_index_by_name)
    rows = songs_csv.parse(table.read_bytes(), table)
    parents = (_parent_folder(root, row.name, index) for row in rows)
    return {parent for parent in parents if parent not in (None, root)}
