"""Where the songs of a data set are: which folder is the set, and what in it is a song.

A song is taken, or named with the reason: by :class:`BadInput` where something that looks like a
song cannot be used, by a logged warning where a folder is passed over. Only what systems and tools
leave behind, and hidden folders without songs, are passed over silently.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from vocalseg.errors import BadInput, printable, refusals_named
from vocalseg.songs import folders, musdb, stems, table
from vocalseg.songs.folders import child, composed, entries, is_dangling, is_folder, is_hidden

SPLITS = ("train", "test")

log = logging.getLogger(__name__)


class Found(NamedTuple):
    """A song's folder or stem file, its split, and "validation" if it is held out of training."""

    path: Path
    split: str
    part: str = ""


def locate(root: Path, name: str | None = None) -> Path:
    """The folder below ``root`` that holds the splits: itself, or the one inside that does.

    Parameters
    ----------
    root : Path
    name : str, optional
        The data set's name: of several folders, "musdb18-hq" takes the one with WAV files,
        "musdb18" and "musdb18-7s" the one with stem files.

    Returns
    -------
    Path
        ``root`` if no folder does.

    Raises
    ------
    BadInput
        If ``root`` is no folder that can be listed, or if several folders inside hold splits.
    """
    if is_dangling(root):
        raise BadInput(f"{root}: a link whose target is not there; correct dataset.root")
    found = folders.status(root)
    if found is None:
        raise BadInput(f"{root}: no such folder; set dataset.root to the folder of songs")
    if not is_folder(root):
        raise BadInput(f"{root}: a file; unpack it, and set dataset.root to the folder of songs")
    with refusals_named(root, "give yourself access, or correct dataset.root"):
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


def find(root: Path) -> list[Found]:
    """The songs of the folder that holds the splits, sorted by name, training songs first.

    Raises
    ------
    BadInput
        If a split has no songs or a name twice, or if something cannot be used that looks like a
        song.
    OSError
        If the folder, or a song's, cannot be read.
    """
    sheet = child(root, table.NAME)
    if sheet is not None and is_dangling(sheet):
        raise BadInput(f"{sheet}: a link whose target is not there; replace it by the table")
    found = _foldered(root) if sheet is None or is_folder(sheet) else _tabled(root, sheet)
    for song in found:
        _check_name(song.path)
    _check_unique(root, found)
    return found


def files(root: Path) -> dict[str, tuple[int, int]]:
    """The files that a data set consists of, without opening a song.

    Every file is there whose change could change the catalogue: the table, stem files, and all
    sound files in songs' folders, links followed. What cannot be read is left out.

    Parameters
    ----------
    root : Path
        The data set's folder, or the one around it.

    Returns
    -------
    dict
        Sorted: path relative to ``root`` (bytes outside UTF-8 as ``\\xf6``) to size in bytes and
        time of the last change in nanoseconds.
    """
    found = {}
    for folder in _readable(_sets, root):
        for path in _sound_and_table(folder):
            if state := folders.status(path):
                name = printable(path.relative_to(root).as_posix())
                found[name] = (state.st_size, state.st_mtime_ns)
    return dict(sorted(found.items()))


def _sets(root: Path) -> list[Path]:
    """The folders that hold splits: ``root``, or else those in it, each once."""
    if _holds_splits(root):
        return [root]
    inside = [p for p in entries(root) if not is_hidden(p) and _holds_splits(p)]
    # A link to a neighbour is the same set.
    inside.sort(key=lambda path: (path.is_symlink(), path))
    unique = {path.resolve(): path for path in reversed(inside)}
    return sorted(unique.values())


def _holds_splits(path: Path) -> bool:
    if not is_folder(path):
        return False
    sheet, train = child(path, table.NAME), child(path, "train")
    return (sheet is not None and not is_folder(sheet)) or (train is not None and is_folder(train))


def _has_stem_files(folder: Path) -> bool:
    places = (folder, child(folder, "train"))
    return any(stems.is_stem_file(p) for place in places if place for p in _readable(entries, place))


# ------------------------------------------------------------------ by train/ and test/


def _foldered(root: Path) -> list[Found]:
    """The songs in ``train/`` and ``test/``."""
    found = []
    for split in SPLITS:
        folder = child(root, split) or root / split
        if is_dangling(folder):
            raise BadInput(f"{folder}: a link whose target is not there; replace it by the folder")
        paths = [p for p in entries(folder) if _is_song(p)] if is_folder(folder) else []
        if not paths:
            raise BadInput(
                f"{folder}: no songs; put each {split} song there, in a folder of its own "
                "with a mixture and a vocals file"
            )
        found += [Found(path, split) for path in sorted(paths, key=stems.name)]
    for path in entries(root):
        if path.name.casefold() not in SPLITS and not is_hidden(path) and _holds_songs(path):
            _pass_over(path, "holds songs, but only train/, test/ or a songs.csv are read")
    return found


def _is_song(path: Path) -> bool:
    """Whether an entry of a split is a song.

    Raises
    ------
    BadInput
        If it may be one but cannot be used.
    """
    if is_dangling(path):
        raise BadInput(f"{path}: a link whose target is not there; bring it back, or remove it")
    if is_folder(path):
        try:
            found = stems.sound_files(path)
        except PermissionError:
            if is_hidden(path):
                return False
            raise
        if not found and not is_hidden(path):
            _pass_over(path, "no sound file in it")
        return bool(found)
    if path.suffix.lower() not in stems.SOUND:
        return False
    if not stems.is_stem_file(path):
        raise BadInput(
            f"{path}: a sound file on its own; put mixture and vocals in a folder named after the "
            "song, or move it away"
        )
    if not folders.is_regular(path):
        raise BadInput(f"{path}: not a regular file; replace it, or remove it")
    return True


def _holds_songs(path: Path) -> bool:
    """Whether a path is sound, or a folder with folders of sound."""
    return _is_sound(path) or any(_is_sound(p) for p in _readable(entries, path))


def _is_sound(path: Path) -> bool:
    """Whether a path is a sound file, or a folder with some."""
    if is_folder(path):
        return bool(_readable(stems.sound_files, path))
    return path.suffix.lower() in stems.SOUND


# ------------------------------------------------------------------ by a table


def _tabled(root: Path, sheet: Path) -> list[Found]:
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
        if path not in rows and not is_hidden(path) and _is_sound(path)
    ]
    if unused:
        more = f" and {len(unused) - 10} more" if len(unused) > 10 else ""
        _pass_over(sheet, f"no row for {', '.join(map(repr, unused[:10]))}{more}")
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
    if not _is_song(found[0]):
        raise BadInput(f"{where}: {found[0]} holds no sound file; add the song's, or remove the row")
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


# ------------------------------------------------------------------ what both share


def _check_name(path: Path) -> None:
    """Songs' names become names of folders and cells of tables."""
    try:
        f"{path} {path.resolve()}".encode()
    except UnicodeEncodeError:
        raise BadInput(f"{path}: its name is not UTF-8; rename it") from None
    if stems.name(path) in ("", ".", ".."):
        raise BadInput(f"{path}: no name before {musdb.SUFFIX}; rename it")


def _check_unique(root: Path, found: list[Found]) -> None:
    groups = defaultdict(list)
    for song in found:
        groups[song.split, composed(stems.name(song.path))].append(song.path.name)
    for (split, name), paths in groups.items():
        if len(paths) > 1:
            raise BadInput(
                f"{root}: {name!r} is there twice for {split} ({' and '.join(paths)}); keep one "
                "of them"
            )


def _sound_and_table(folder: Path) -> Iterator[Path]:
    """The files of a data set that the catalogue depends on."""
    sheet = child(folder, table.NAME)
    if sheet is None or is_folder(sheet):
        places = [place for split in SPLITS if (place := child(folder, split))]
    else:
        yield sheet
        places = [folder, *_readable(_parents, folder, sheet)]
    for place in places:
        for path in _readable(entries, place):
            if is_folder(path):
                yield from _readable(stems.sound_files, path)
            elif path.suffix.lower() in stems.SOUND:
                yield path


def _parents(root: Path, sheet: Path) -> set[Path]:
    """The folders, other than ``root``, that a table's names lead through."""
    listing = cache(_by_name)
    rows = table.parse(sheet.read_bytes(), sheet)
    return {_parent(root, row.name, listing) for row in rows} - {None, root}


def _readable(function: Callable[..., Iterable[Path]], *arguments: Path) -> Iterable[Path]:
    """What a function finds, or nothing where it cannot read or understand what is there."""
    try:
        return function(*arguments)
    except (OSError, ValueError):  # BadInput is a ValueError
        return []


def _pass_over(path: Path, reason: str) -> None:
    log.warning("%s", printable(f"{path}: passed over: {reason}"))
