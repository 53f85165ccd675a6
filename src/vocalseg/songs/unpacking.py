"""Unpack archives safely: checked names and sizes, enough disk space, all or nothing."""

import shutil
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile, ZipInfo

from tqdm import tqdm

from vocalseg.errors import BadInput

#: Maximum ratio of unpacked to packed size; more indicates a zip bomb.
MAX_RATIO = 100


def require_space(folder: Path, needed: int) -> None:
    """Check that the disk of a folder has enough free space.

    Parameters
    ----------
    folder : Path
        Folder; it need not exist.
    needed : int
        Bytes.

    Raises
    ------
    BadInput
        If there is less.
    """
    free = shutil.disk_usage(next(p for p in (folder, *folder.parents) if p.exists())).free
    if free < needed:
        raise BadInput(
            f"{folder}: {free / 1e9:.1f} GB free, but {needed / 1e9:.1f} GB are needed; free some, "
            "or set the environment variable VOCALSEG_SONGS to a folder on another disk"
        )


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that is renamed to ``folder`` on success and removed on failure."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def unpack(zip_file: Path, folder: Path) -> None:
    """Unpack a zip file into an empty folder; all checks but those of the content come first.

    Parameters
    ----------
    zip_file : Path
        Archive.
    folder : Path
        Folder to fill.

    Raises
    ------
    BadInput
        If it is not a complete zip file, a member's name leads out of the folder, the unpacked size
        exceeds :data:`MAX_RATIO` times its size, or disk space does not suffice.
    """
    try:
        with ZipFile(zip_file) as archive:
            members = archive.infolist()
            _check(zip_file, members)
            require_space(folder, sum(member.file_size for member in members))
            for member in tqdm(members, desc=f"unpack {zip_file.name}", unit="file", disable=None):
                archive.extract(member, folder)
    except (BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise BadInput(
            f"{zip_file}: not a complete zip file ({error}); remove it and run again"
        ) from None


def _check(zip_file: Path, members: list[ZipInfo]) -> None:
    for member in members:
        name = PurePosixPath(member.filename)
        leads_out = name.is_absolute() or ".." in name.parts or member.filename[1:2] == ":"
        if leads_out or "\\" in member.filename or stat.S_ISLNK(member.external_attr >> 16):
            raise BadInput(
                f"{zip_file}: holds {member.filename!r}, which leads out of the folder; "
                "remove the file and do not trust its source"
            )
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAX_RATIO * zip_file.stat().st_size:
        raise BadInput(
            f"{zip_file}: unpacks to {unpacked:,} bytes, more than {MAX_RATIO} times its size; "
            "remove the file and do not trust its source"
        )
