"""Run a command of the study; an error that the user can fix is one line, not a traceback."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from dvc.exceptions import DvcException

from vocalseg.errors import BadInput, os_errors_as_bad_input


def run(main: Callable[[], None]) -> None:
    """Run a command; exit with one line and status 1 on bad input or an error of DVC or git.

    Parameters
    ----------
    main : callable
        The command, called without arguments.

    Raises
    ------
    SystemExit
        On :class:`BadInput`, an exception of DVC, a subprocess that failed, or a file that cannot
        be read or written.
    """
    try:
        with (
            os_errors_as_bad_input(Path.cwd(), "give yourself access or free some space"),
            suppress(BrokenPipeError),  # the reader of the output, such as `head`, has ended
        ):
            main()
    except BadInput as error:
        sys.exit(str(error))
    except DvcException as error:
        sys.exit(f"dvc: {' '.join(str(error).split())}")
    except subprocess.CalledProcessError as error:
        command = " ".join(map(str, error.cmd))
        lines = (error.stderr or "").strip().splitlines()
        sys.exit(f"failed: {command}{f': {lines[-1]}' if lines else ''}")
