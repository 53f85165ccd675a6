"""Copy models of experiments out of DVC's cache."""

import subprocess
from pathlib import Path

from dvc.api import DVCFileSystem

from study.repository import revision
from vocalseg.errors import BadInput

MODEL = Path("models/unet.json")


def copy_model(name: str, folder: Path) -> Path:
    """Copy an experiment's model from DVC's cache.

    Parameters
    ----------
    name : str
        An experiment of the current commit.
    folder : Path
        The model is written to the subfolder ``name``.

    Returns
    -------
    Path
        The model's JSON file.

    Raises
    ------
    BadInput
        If this commit has no such experiment.
    """
    try:
        rev = revision(name)
    except subprocess.CalledProcessError:
        raise BadInput(
            f"{name}: no such experiment of this commit; `make table` lists them"
        ) from None
    target = folder / name
    DVCFileSystem(".", rev=rev).get(MODEL.parent.as_posix(), str(target), recursive=True)
    (target / MODEL.name).touch()  # `vocalseg separate` takes the newest model
    return target / MODEL.name
