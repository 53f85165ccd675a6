"""What the stages share: the folder they belong to, its parameters, one line for bad input.

``python -m stages.NAME`` puts the current folder first on the path, and the line below its
``src``: an experiment in a temporary copy runs the copy's code, whatever is installed.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # notes about missing GPUs are no errors
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from vocalseg.errors import BadInput
from vocalseg.params import load


def read_params(*sections: str) -> SimpleNamespace:
    """Check all of ``params.yaml`` and return the named sections, no other.

    A stage can only use what it names here, and ``dvc.yaml`` must name the same sections.
    """
    params = load()
    return SimpleNamespace(**{section: getattr(params, section) for section in sections})


def fresh(*outputs: Path) -> None:
    """Remove outputs and make their folders' place.

    DVC links outputs to its cache: what is written over in place would change the cache as well.
    DVC removes them itself; this is for a stage that is run by hand.
    """
    for path in outputs:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)


def run(stage: Callable[[], None]) -> None:
    """Run a stage; bad input ends it with its one line and exit status 1."""
    try:
        stage()
    except BadInput as error:
        sys.exit(str(error))
