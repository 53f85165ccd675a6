"""The catalogue: a table of all songs of a data set, written once and read by every later stage."""

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
    """A song of the catalogue.

    Attributes
    ----------
    name, split : str
        Name, and "train" or "test".
    seconds : float
        Length.
    sample_rate, channels : int
        Rate in Hz; number of channels.
    checksum : str
        MD5 of the files that are read.
    source : str
        Folder or stem file: relative to the catalogue's folder if it lies inside; beginning with
        ``$NAME`` for one of :data:`ROOTS`; otherwise absolute.
    bytes : int
        Size of the files that are read.
    part : str
        "validation" for a training song that the data set holds out for validation.
    remark : str
        Known error of the song.
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
    """Find and check the songs of a folder: folders with a file per stem, or stem files.

    Parameters
    ----------
    root : Path
        Folder with ``train/`` and ``test/``, or with a table
        :data:`vocalseg.songs.songs_csv.FILE_NAME`.
    base : Path
        The catalogue's folder.
    root_name : str, optional
        Which of :data:`ROOTS` contains ``root``.
    musdb18 : bool
        Whether to mark MUSDB18's validation songs and known errors.

    Returns
    -------
    list of Song
        Sorted by name, training songs first.

    Raises
    ------
    BadInput
        If a split has no songs or two songs of one name, if something looks like a song but cannot
        be used (see :func:`vocalseg.songs.locate.find` and :func:`vocalseg.songs.stems.check`), or
        if the system denies access to a file.
    """
    describe = partial(_describe, base=base, root_name=root_name, musdb18=musdb18)
    with os_errors_as_bad_input(root, "restore it or give yourself access, and run again"):
        return list(parallel_map(describe, find(root), label="catalogue"))


def write(songs: list[Song], path: Path) -> None:
    """Write ``catalog.csv``."""
    pd.DataFrame([asdict(song) for song in songs]).to_csv(path, index=False)


def read(path: Path) -> list[Song]:
    """Read ``catalog.csv``; names that look like numbers or NA remain strings."""
    text = {field.name: str for field in fields(Song) if field.type is str}
    try:
        rows = pd.read_csv(path, dtype=text, keep_default_na=False, lineterminator="\n")
        return [Song(**row) for row in rows.to_dict("records")]
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file; run `dvc repro download`") from None
    except (OSError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: {error}; run `dvc repro --force download`") from None


def song_path(song: Song, base: Path) -> Path:
    """Return a song's folder or stem file.

    DVC tracks songs inside the catalogue's folder. The bytes of a song elsewhere are compared with
    the catalogue each time, so that nothing is computed from a changed file.

    Parameters
    ----------
    song : Song
        Entry of the catalogue.
    base : Path
        The catalogue's folder.

    Returns
    -------
    Path
        Absolute, or relative to the working directory like ``base``.

    Raises
    ------
    BadInput
        If the song does not exist or has changed.
    """
    head, _, rest = song.source.partition("/")
    path = root_folder(head[1:]) / rest if head[1:] in ROOTS else base / song.source
    if song.bytes and not path.is_relative_to(base):
        again = "run `dvc repro --force download`"
        if not folders.status(path):
            raise BadInput(f"{path}: no such song; restore it, or {again}")
        with os_errors_as_bad_input(path, f"restore it, or {again}"):
            if (_size(path), _checksum(path)) != (song.bytes, song.checksum):
                raise BadInput(f"{path}: changed since it was catalogued; {again}")
    return path


def _describe(found: FoundSong, base: Path, root_name: str | None, musdb18: bool) -> Song:
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
    """Return the total size of the files that later stages read."""
    return sum(file.stat().st_size for file in stems.files(path))


def _checksum(path: Path) -> str:
    """Return the MD5 of the files that later stages read: the mixture's bytes, then the vocals'."""
    digest = hashlib.md5(usedforsecurity=False)
    for source in stems.files(path):
        with source.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
