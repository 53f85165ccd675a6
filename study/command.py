"""How a command of the study ends: a fault that the user can fix is one line, not a traceback."""

import subprocess
import sys
from collections.abc import Callable

from dvc.exceptions import DvcException

from vocalseg.errors import BadInput


def run(main: Callable[[], None]) -> None:
    """Run a command; bad input, or what DVC or git refuse, ends it with one line and status 1."""
    try:
        main()
    except BadInput as error:
        sys.exit(str(error))
    except DvcException as error:
        sys.exit(f"dvc: {' '.join(str(error).split())}")
    except subprocess.CalledProcessError as error:
        command = " ".join(map(str, error.cmd))
        said = (error.stderr or "").strip().splitlines()
        sys.exit(f"failed: {command}{f': {said[-1]}' if said else ''}")
