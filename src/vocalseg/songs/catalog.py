"""The catalogue: one row for each song of a data set, made once, read by every later stage."""

import hashlib
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path

import pandas as pd

from vocalseg.errors import BadInput, os_errors_as_bad_input
from vocalseg.parallel import parallel_map
from vocalseg.songs import folders, musdb, stems
from vocalseg.songs.locate import SPLITS, FoundSong, files, find, locate
from vocalseg.songs.roots import ROOTS, root_folder

__all__ = [
    "ROOTS",
    "SPLITS",
    "Song",
    "files",
    "locate",
    "read",
    "root_folder",
    "scan",
    "song_path",
    "write",
]  # fmt: skip

@dataclass(frozen=True)
class Song:
    """A song: ``source`` is its folder or stem file.

    The source is relative to the catalogue's folder where it lies inside it, begins with ``$NAME``
    for one of :data:`ROOTS`, and is absolute otherwise. ``bytes`` and ``checksum`` (MD5) are those
    of the files that are read. ``part`` is "validation" for a training song that is meant for it;
    ``remark`` says what is wrong with the song.
    """

    name: str
    split: str
    seconds: float
    sample_rate: int
    channels: int
    checksum: str
    source: str
    bytes: int = 0
    part: str = ""
    remark: str = ""


def scan(
    root: Path, base: Path, *, root_name: str | None = None, musdb18: bool = False
) -> list[Song]:
    """Find and check the songs of a folder: folders with a file for each stem, or stem files.

    Parameters
    ----------
    root : Path
        Holds ``train/`` and ``test/``, or a table :data:`vocalseg.songs.songs_csv.FILE_NAME`.
    base : Path
        The catalogue's folder.
    root_name : str, optional
        Which of :data:`ROOTS` ``root`` lies in.
    musdb18 : bool
        Mark MUSDB18's validation songs and faults.

    Returns
    -------
    list of Song
        Sorted by name, training songs first.

    Raises
    ------
    BadInput
        If a split has no songs or a name twice, something that looks like a song cannot be used
        (see :func:`vocalseg.songs.locate.find` and :func:`stems.check`), or the system refuses to
        show a file.
    """
    describe = partial(_song, base=base, root_name=root_name, musdb18=musdb18)
    with os_errors_as_bad_input(root, "bring it back or give yourself access, and run again"):
        return list(parallel_map(describe, find(root), label="catalogue"))


def write(songs: list[Song], path: Path) -> None:
    """Write ``catalog.csv``."""
    pd.DataFrame([asdict(song) for song in songs]).to_csv(path, index=False)


def read(path: Path) -> list[Song]:
    """Read ``catalog.csv``; names that look like numbers or NA stay names."""
    text = {field.name: str for field in fields(Song) if field.type is str}
    try:
        rows = pd.read_csv(path, dtype=text, keep_default_na=False, lineterminator="\n")
        return [Song(**row) for row in rows.to_dict("records")]
    except FileNotFoundError:
        raise BadInput(f"{path}: not there; run `dvc repro download`") from None
    except (OSError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: {error}; run `dvc repro --force download`") from None


def song_path(song: Song, base: Path) -> Path:
    """A song's folder or stem file.

    DVC watches what lies in the catalogue's folder; of a song elsewhere, the bytes are compared
    with the catalogue each time, so that nothing is computed from a file that has changed.

    Raises
    ------
    BadInput
        If such a song is not there, or not what it was.
    """
    head, _, rest = song.source.partition("/")
    path = root_folder(head[1:]) / rest if head[1:] in ROOTS else base / song.source
    if song.bytes and not path.is_relative_to(base):
        again = "run `dvc repro --force download`"
        if not folders.status(path):
            raise BadInput(f"{path}: not there; bring it back, or {again}")
        with os_errors_as_bad_input(path, f"bring it back, or {again}"):
            if (_size(path), _checksum(path)) != (song.bytes, song.checksum):
                raise BadInput(f"{path}: changed since it was catalogued; {again}")
    return path


def _song(found: FoundSong, base: Path, root_name: str | None, musdb18: bool) -> Song:
    path, split, part = found
    name = stems.name(path)
    samples, rate, channels = stems.check(path)
    if musdb18 and split == "train" and name in musdb.VALIDATION:
        part = "validation"
    return Song(
        name=name,
        split=split,
        seconds=round(samples / rate, 3),
        sample_rate=rate,
        channels=channels,
        checksum=_checksum(path),
        source=_source(path, base, root_name),
        bytes=_size(path),
        part=part,
        remark=musdb.ERRATA.get(name, "") if musdb18 else "",
    )


def _source(path: Path, base: Path, root_name: str | None) -> str:
    if root_name:
        return f"${root_name}/{path.relative_to(root_folder(root_name)).as_posix()}"
    return (path.relative_to(base) if path.is_relative_to(base) else path.resolve()).as_posix()


def _size(path: Path) -> int:
    """Bytes of what later stages read."""
    return sum(file.stat().st_size for file in stems.files(path))


def _checksum(path: Path) -> str:
    """MD5 of what later stages read: the mixture's bytes, then the vocals'."""
    digest = hashlib.md5(usedforsecurity=False)
    for source in stems.files(path):
        with source.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
