"""Where the songs of a data set are, and the state of their files."""

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
    """A folder of songs; ``place`` names the variable of :mod:`vocalseg.songs.roots` it is in."""

    folder: Path
    root_name: str | None = None

    @property
    def downloaded(self) -> bool:
        """Whether this program fetches the songs."""
        return self.root_name == "VOCALSEG_SONGS"


def source(dataset: Dataset) -> Source | None:
    """The songs of a data set; None for the demo, whose songs are synthesised."""
    if dataset.name == "demo":
        return None
    if dataset.root:
        folder = Path(dataset.root)
        if is_folder(folder) and folder.resolve().is_relative_to(RAW.resolve()):
            raise BadInput(
                f"params.yaml: dataset.root = {dataset.root!r}: the stage download writes this "
                "folder anew; move the songs elsewhere"
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
    """Size and modification time (ns) of every file of the songs, by path within their folder.

    Links are followed. Empty for the demo, and before a download.
    """
    found = source(dataset)
    if found is None or (found.downloaded and not found.folder.exists()):
        return {}
    from vocalseg.songs import locate  # audio libraries, which the demo need not wait for

    return {name: list(stat) for name, stat in locate.files(found.folder).items()}


def update(dataset: Dataset) -> None:
    """Write :func:`state` anew to what the stage ``download`` depends on, if that was written."""
    if INPUTS.is_file():
        content = json.loads(INPUTS.read_text(encoding="utf-8"))
        write_json(INPUTS, content | {"songs": state(dataset)})


def write_json(path: Path, content: dict) -> None:
    """Write sorted JSON, a value a line; a file that holds the same content is not touched."""
    text = json.dumps(content, indent=1, sort_keys=True) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
