"""Locate the songs of a data set, and record the state of their files."""

import json
from pathlib import Path
from typing import NamedTuple

from stages.schema.dataset import Dataset
from vocalseg.errors import BadInput
from vocalseg.songs import roots
from vocalseg.songs.folders import is_folder

RAW = Path("data/raw")
INPUTS = Path("inputs/download.json")
MUSDB18 = ("musdb18", "musdb18-hq")


class Source(NamedTuple):
    """A folder of songs, and the name of the :data:`vocalseg.songs.roots.ROOTS` it lies in."""

    folder: Path
    root_name: str | None = None

    @property
    def downloaded(self) -> bool:
        """Whether this program downloads the songs."""
        return self.root_name == "VOCALSEG_SONGS"


def source(dataset: Dataset) -> Source | None:
    """Return the folder of a data set's songs; None for the demo, whose songs are synthesised."""
    if dataset.name == "demo":
        return None
    if dataset.root:
        folder = Path(dataset.root)
        if is_folder(folder) and folder.resolve().is_relative_to(RAW.resolve()):
            raise BadInput(
                f"params.yaml: dataset.root = {dataset.root!r}: the stage download "
                "replaces this folder; move the songs elsewhere"
            )
        return Source(folder)
    if dataset.name == "folder":
        raise BadInput(
            f"params.yaml: dataset.root = null: {dataset.name} needs the folder that holds its "
            "train/ and test/ songs"
        )
    if dataset.name in MUSDB18 and roots.is_set("MUSDB_PATH"):
        return Source(roots.root_folder("MUSDB_PATH"), "MUSDB_PATH")
    return Source(roots.root_folder("VOCALSEG_SONGS") / dataset.name, "VOCALSEG_SONGS")


def state(dataset: Dataset) -> dict[str, list[int]]:
    """Return size and modification time (ns) of every file of the songs by relative path.

    Links are followed. The result is empty for the demo, and before a download.
    """
    found = source(dataset)
    if found is None or (found.downloaded and not found.folder.exists()):
        return {}
    from vocalseg.songs import locate  # lazy: imports audio libraries

    return {name: list(stat) for name, stat in locate.files(found.folder).items()}


def update(dataset: Dataset) -> None:
    """Update :func:`state` in the dependencies of the stage ``download``, if they exist."""
    if INPUTS.is_file():
        content = json.loads(INPUTS.read_text(encoding="utf-8"))
        write_json(INPUTS, content | {"songs": state(dataset)})


def write_json(path: Path, content: dict) -> None:
    """Write sorted JSON with one value per line, unless the file has the same content."""
    text = json.dumps(content, indent=1, sort_keys=True) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
