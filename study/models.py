"""Copy models of experiments out of DVC's cache."""

import shutil
import subprocess
import tempfile
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
    with tempfile.TemporaryDirectory() as scratch:
        # DVC may link to its cache instead of copying.
        linked = f"{scratch}/model"
        DVCFileSystem(".", rev=rev).get(MODEL.parent.as_posix(), linked, recursive=True)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(linked, target, copy_function=shutil.copyfile)
    return target / MODEL.name
