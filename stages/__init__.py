"""Common parts of all stages: import path, parameters, outputs, reports of bad input.

``python -m stages.NAME`` puts the current folder first on the path, and the code below puts its
``src`` before it, so an experiment in a temporary copy runs the code of the copy, whatever package
is installed.
"""

import os
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # hides messages about missing GPUs
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from stages.schema.section import Section, read_yaml
from vocalseg.errors import BadInput, os_errors_as_bad_input

S = TypeVar("S", bound=Section)


def read_params(section: type[S]) -> S:
    """Read the parameters of one class of :mod:`stages.schema` from ``params.yaml``.

    ``dvc.yaml`` lists the same parameters for the stage.

    Parameters
    ----------
    section : type
        Subclass of :class:`Section`.

    Returns
    -------
    Section
        Validated parameters.

    Raises
    ------
    BadInput
        If ``params.yaml`` is missing, is not YAML, or has a wrong value for one of the parameters.
    """
    values = read_yaml(Path("params.yaml"))
    return section.of_file(values if isinstance(values, dict) else {})


def fresh(*outputs: Path) -> None:
    """Remove outputs and create their parent folders.

    DVC links outputs to its cache, so overwriting one in place would change the cache as well. DVC
    removes outputs itself; this function is for stages that are run by hand.
    """
    for path in outputs:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)


def run(stage: Callable[[], None]) -> None:
    """Run a stage: an error that the user can fix ends it with one line and exit status 1.

    Any other exception is a bug; its traceback is printed with a request to report it.
    """
    try:
        advice = "run `dvc repro` if it is missing, or give yourself access or free some space"
        with os_errors_as_bad_input(Path.cwd(), advice):
            stage()
    except BadInput as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except MemoryError:
        sys.exit("out of memory; close other programs, or lower train.batch_size")
    except Exception:
        traceback.print_exc()
        sys.exit("vocalseg: this is a bug; please report it with the lines above")
