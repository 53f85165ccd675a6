"""List the entries of folders, without those that operating systems create."""

import stat
import unicodedata
from collections.abc import Callable, Iterable
from os import stat_result
from pathlib import Path

#: Folders that operating systems, network drives and tools create, in lower case.
SYSTEM_FOLDERS = frozenset(
    name.casefold()
    for name in (
        # Unix, Windows, macOS
        "lost+found", ".Trash", "$RECYCLE.BIN", "RECYCLER", "RECYCLED", "found.000",
        "System Volume Information", "__MACOSX", ".Trashes", ".Spotlight-V100", ".fseventsd",
        ".DocumentRevisions-V100", ".TemporaryItems", ".AppleDouble", ".AppleDB", ".AppleDesktop",
        "Network Trash Folder", "Temporary Items", "TheVolumeSettingsFolder",
        # Synology, QNAP, NetApp, ZFS
        "@eaDir", "@tmp", "#recycle", "#snapshot", "@Recycle", "@Recently-Snapshot", ".@__thumb",
        ".streams", ".snapshot", ".zfs",
        # Tools
        ".git", ".dvc", ".cache", ".thumbnails", ".stversions", ".stfolder", ".ipynb_checkpoints",
        "__pycache__",
    )
)  # fmt: skip


def status(path: Path) -> stat_result | None:
    """Return the status of a path, following links; None if missing or inaccessible."""
    try:
        return path.stat()
    except (OSError, ValueError):  # ValueError: a null character
        return None


def is_folder(path: Path) -> bool:
    """Return whether a path is an accessible folder, following links."""
    found = status(path)
    return found is not None and stat.S_ISDIR(found.st_mode)


def is_regular(path: Path) -> bool:
    """Return whether a path is an accessible regular file, following links."""
    found = status(path)
    return found is not None and stat.S_ISREG(found.st_mode)


def is_broken_link(path: Path) -> bool:
    """Return whether a path is a link without a target, or a circular link."""
    try:
        return path.is_symlink() and status(path) is None
    except (OSError, ValueError):
        return False


def is_hidden(path: Path) -> bool:
    """Return whether a path is hidden by file managers."""
    return path.name.startswith(".")


def is_system_entry(path: Path) -> bool:
    """Return whether a path was created by an operating system or a tool for its own use."""
    name = path.name.casefold()
    if name in SYSTEM_FOLDERS or name.startswith(".trash-"):
        return True
    # "._song.wav" holds macOS attributes of "song.wav"; ".#song.wav" is an editor's lock file.
    return name.startswith(("._", ".#")) and not is_folder(path)


def entries(folder: Path) -> list[Path]:
    """List a folder, sorted by name, without entries that systems create.

    Parameters
    ----------
    folder : Path
        Folder to list.

    Returns
    -------
    list of Path
        Files and folders.

    Raises
    ------
    OSError
        If the folder cannot be listed.
    """
    return sorted(path for path in folder.iterdir() if not is_system_entry(path))


def find_entry(folder: Path, name: str) -> Path | None:
    """Find the entry with a name, or the only one whose name differs in case only.

    Parameters
    ----------
    folder : Path
        Folder to search.
    name : str
        Name of the entry.

    Returns
    -------
    Path or None
        None if there is no such entry, or if the folder cannot be listed.
    """
    if status(folder / name) or is_broken_link(folder / name):
        return folder / name
    try:
        found = [path for path in entries(folder) if path.name.casefold() == name.casefold()]
    except OSError:
        return None
    return found[0] if len(found) == 1 else None


def to_nfc(name: str) -> str:
    """Return a name in Unicode's normal form C, which is equal for names that look the same."""
    return unicodedata.normalize("NFC", name)


def normalize_name(name: str) -> str:
    r"""Normalise what people and spreadsheets change in a name: Unicode form, case, outer blanks.

    Parameters
    ----------
    name : str
        Name of a song.

    Returns
    -------
    str
        Form for comparison.

    Examples
    --------
    >>> normalize_name(" Cafe\u0301 ") == normalize_name("CAF\u00c9")
    True
    """
    return to_nfc(to_nfc(name).casefold()).strip()


def list_or_empty(function: Callable[..., Iterable[Path]], *arguments: Path) -> Iterable[Path]:
    """Call a function that lists paths; return an empty list if it fails to read or parse them."""
    try:
        return function(*arguments)
    except (OSError, ValueError):  # BadInput is a ValueError
        return []
