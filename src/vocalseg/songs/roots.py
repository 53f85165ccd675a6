"""Folders of songs that an environment variable names on each machine."""

import os
from pathlib import Path

from platformdirs import user_cache_path

from vocalseg.errors import BadInput

#: What may stand for a folder at the head of a source, so that the catalogue of the same songs is
#: the same on every machine: an environment variable, and where the folder is when that is not set.
ROOTS = {"MUSDB_PATH": None, "VOCALSEG_SONGS": user_cache_path("vocalseg") / "songs"}


def is_set(name: str) -> bool:
    """Whether the environment names one of :data:`ROOTS`."""
    return bool(os.environ.get(name))


def root_folder(name: str) -> Path:
    """The folder that one of :data:`ROOTS` stands for on this machine."""
    path = os.environ.get(name) or ROOTS[name]
    if path is None:
        raise BadInput(f"{name}: not set; let this environment variable name the folder of songs")
    try:
        return Path(path).expanduser()
    except RuntimeError:  # ~ of a user that there is not
        raise BadInput(f"{name}: {path}: no such home folder; write the full path") from None
