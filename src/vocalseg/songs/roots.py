"""Root folders of songs, which environment variables set on each machine."""

import os
from pathlib import Path

from platformdirs import user_cache_path

from vocalseg.errors import BadInput

#: Environment variables that a song's source may begin with, and the folder if the variable is not
#: set. With them, the catalogue of the same songs is equal on all machines.
ROOTS = {"MUSDB_PATH": None, "VOCALSEG_SONGS": user_cache_path("vocalseg") / "songs"}


def is_set(name: str) -> bool:
    """Return whether the environment sets one of :data:`ROOTS`."""
    return bool(os.environ.get(name))


def root_folder(name: str) -> Path:
    """Return the folder of one of :data:`ROOTS` on this machine."""
    path = os.environ.get(name) or ROOTS[name]
    if path is None:
        raise BadInput(f"{name}: not set; set this environment variable to the folder of songs")
    try:
        return Path(path).expanduser()
    except RuntimeError:  # ~user of an unknown user
        raise BadInput(f"{name}: {path}: no such home folder; write the full path") from None
