"""The catalogue: one row for each song of a data set, made once, read by every later stage."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from vocalseg.errors import BadInput
from vocalseg.songs import stems

SPLITS = ("train", "test")


@dataclass(frozen=True)
class Song:
    """A song: ``source`` is its folder, relative to the catalogue's where it lies inside it."""

    name: str
    split: str
    seconds: float
    sample_rate: int
    channels: int
    checksum: str
    source: str


def scan(root: Path, base: Path) -> list[Song]:
    """Find and check the songs below ``root/train`` and ``root/test``, one folder each.

    Parameters
    ----------
    root : Path
        Where the songs are.
    base : Path
        The catalogue's folder.

    Raises
    ------
    BadInput
        If a split has no songs, or a song's files do not do (see :func:`stems.check`).
    """
    songs = []
    for split in SPLITS:
        folders = sorted(p for p in (root / split).glob("*") if p.is_dir())
        if not folders:
            raise BadInput(
                f"{root / split}: no songs; put each {split} song there, in a folder of its own "
                "with a mixture and a vocals file"
            )
        songs += [_song(folder, split, base) for folder in folders]
    return songs


def write(songs: list[Song], path: Path) -> None:
    """Write ``catalog.csv``."""
    pd.DataFrame([asdict(song) for song in songs]).to_csv(path, index=False)


def read(path: Path) -> list[Song]:
    """Read ``catalog.csv``; names that look like numbers or NA stay names."""
    rows = pd.read_csv(path, dtype={"name": str, "source": str}, keep_default_na=False)
    return [Song(**row) for row in rows.to_dict("records")]


def folder(song: Song, base: Path) -> Path:
    """A song's folder: absolute sources stand for themselves."""
    return base / song.source


def _song(path: Path, split: str, base: Path) -> Song:
    samples, rate, channels = stems.check(path)
    return Song(
        name=path.name,
        split=split,
        seconds=round(samples / rate, 3),
        sample_rate=rate,
        channels=channels,
        checksum=_checksum(path),
        source=str(path.relative_to(base) if path.is_relative_to(base) else path.resolve()),
    )


def _checksum(path: Path) -> str:
    """MD5 of what later stages read: the mixture's bytes, then the vocals'."""
    digest = hashlib.md5(usedforsecurity=False)
    for stem in ("mixture", "vocals"):
        with stems.stem_file(path, stem).open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
