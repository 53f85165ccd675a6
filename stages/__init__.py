"""What the stages share: the folder they belong to, its parameters, one line for bad input.

``python -m stages.NAME`` puts the current folder first on the path, and the line below its
``src``: an experiment in a temporary copy runs the copy's code, whatever is installed.
"""

import os
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # notes about missing GPUs are no errors
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from stages.schema.section import Section, read_yaml
from vocalseg.errors import BadInput, os_errors_as_bad_input

S = TypeVar("S", bound=Section)


def read_params(section: type[S]) -> S:
    """Read the parameters that a class of :mod:`stages.schema` describes, no others.

    ``dvc.yaml`` names the same parameters for the stage.

    Raises
    ------
    BadInput
        If ``params.yaml`` is missing, not YAML, or holds a wrong value for one of them.
    """
    values = read_yaml(Path("params.yaml"))
    return section.of_file(values if isinstance(values, dict) else {})


def fresh(*outputs: Path) -> None:
    """Remove outputs and make their folders' place.

    DVC links outputs to its cache: what is written over in place would change the cache as well.
    DVC removes them itself; this is for a stage that is run by hand.
    """
    for path in outputs:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)


def run(stage: Callable[[], None]) -> None:
    """Run a stage: a fault that the user can fix ends it with one line and exit status 1.

    Any other exception is a bug: its traceback is printed, and where to report it.
    """
    try:
        advice = "give yourself access or free some space, then run again"
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
