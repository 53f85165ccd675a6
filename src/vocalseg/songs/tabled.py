"""The songs that a table names: each row's song is found in the table's folder."""

from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path, PurePosixPath

from vocalseg.errors import BadInput
from vocalseg.songs import stems, table
from vocalseg.songs.candidates import SPLITS, Found, is_song, is_sound, pass_over
from vocalseg.songs.folders import composed, entries, is_dangling, is_folder, is_hidden, loose


def tabled(root: Path, sheet: Path) -> list[Found]:
    """The songs that the table names."""
    listing = cache(_by_name)
    found, rows = [], {}
    for row in sorted(table.parse(sheet.read_bytes(), sheet), key=lambda row: row.name):
        where = f"{sheet}: row {row.number}: {table.shown(row.name)}"
        path = _named(root, row.name, where, listing)
        if path in rows:
            raise BadInput(
                f"{where}: {stems.name(path)!r} is there twice, in row {rows[path]} as well; "
                "keep one of them"
            )
        rows[path] = row.number
        held_out = row.split == "validation"
        found.append(Found(path, "train" if held_out else row.split, "validation" * held_out))
    for split in SPLITS:
        if split not in {song.split for song in found}:
            raise BadInput(f"{sheet}: no {split} songs; add some")
    unused = [
        path.name
        for path in entries(root)
        if path not in rows and not is_hidden(path) and is_sound(path)
    ]
    if unused:
        more = f" and {len(unused) - 10} more" if len(unused) > 10 else ""
        pass_over(sheet, f"no row for {', '.join(map(repr, unused[:10]))}{more}")
    return sorted(found, key=lambda song: SPLITS.index(song.split))


def _named(root: Path, name: str, where: str, listing: Callable) -> Path:
    """The song of a row, by its name."""
    parent = _parent(root, name, listing)
    found = _matching(listing(parent), PurePosixPath(name).name) if parent else []
    if not found:
        encoding = "" if name.isascii() else f", or save {table.NAME} as UTF-8"
        raise BadInput(f"{where}: no such song in {root}; correct its name{encoding}")
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise BadInput(f"{where}: {names} both have this name; keep one of them")
    if not is_song(found[0]):
        raise BadInput(f"{where}: no sound file in {found[0]}; add some, or remove the row")
    return found[0]


def _parent(root: Path, name: str, listing: Callable) -> Path | None:
    """The folder in which the last part of a row's name is looked for."""
    folder = root
    for part in PurePosixPath(name).parts[:-1]:
        found = [path for path in _matching(listing(folder), part) if is_folder(path)]
        if len(found) != 1:
            return None
        folder = found[0]
    return folder


#: How a name is compared: as it is, else whatever its Unicode form, else whatever its case.
FORMS = (str, composed, loose)


def _by_name(folder: Path) -> list[dict[str, list[Path]]]:
    """Folders and stem files in a folder, by name, for each of :data:`FORMS`."""
    indexes = [defaultdict(list) for _ in FORMS]
    for path in entries(folder):
        if is_folder(path) or is_dangling(path) or stems.is_stem_file(path):
            for form, index in zip(FORMS, indexes, strict=True):
                for name in {form(path.name), form(stems.name(path))}:
                    index[name].append(path)
    return indexes


def _matching(indexes: list[dict[str, list[Path]]], name: str) -> list[Path]:
    """The paths of a name, by the strictest form that finds any."""
    hits = (index.get(form(name)) for form, index in zip(FORMS, indexes, strict=True))
    return next(filter(None, hits), [])


def parents(root: Path, sheet: Path) -> set[Path]:
    """The folders, other than ``root``, that a table's names lead through."""
    listing = cache(_by_name)
    rows = table.parse(sheet.read_bytes(), sheet)
    return {_parent(root, row.name, listing) for row in rows} - {None, root}
