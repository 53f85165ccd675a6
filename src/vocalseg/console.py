"""Report errors of the command as one line on stderr and an exit status."""

import errno
import os
import sys
import traceback
from typing import Any

import typer
from typer.core import TyperGroup

from vocalseg.errors import BadInput, printable

#: Exit status of a user error, of a bug, and of Ctrl-C (the shells' convention).
USER, PROGRAM, INTERRUPTED = 2, 1, 130

REPORT = (
    "vocalseg: this is a bug; please report it, with all lines above, to the project's issue "
    "tracker"
)

#: Base class of errors in arguments; typer does not export it.
_UsageError: Any = typer.BadParameter.__mro__[2]


class OneLineGroup(TyperGroup):
    """Command group that reports a user error in one line and a bug with its traceback."""

    def main(self, *args, standalone_mode: bool = True, **options):
        try:
            options["standalone_mode"] = False
            status = super().main(*args, **options)
            if status == INTERRUPTED:  # typer has handled it already
                raise KeyboardInterrupt
        except BadInput as error:
            status = fail(str(error))
        except _UsageError as error:
            status = fail(f"vocalseg: {error.format_message()} (vocalseg --help)", error.exit_code)
        except (KeyboardInterrupt, typer.Abort):
            status = fail("vocalseg: interrupted", INTERRUPTED)
        except OSError as error:
            status = PROGRAM if error.errno == errno.EPIPE else unexpected()
            if error.errno == errno.EPIPE:
                _discard_output()
        except MemoryError:
            status = fail("vocalseg: out of memory; close other programs, or shorten the song")
        except Exception:
            status = unexpected()
        if not standalone_mode:
            return status
        sys.exit(status if isinstance(status, int) else 0)


def fail(line: str, status: int = USER) -> int:
    """Print one line on stderr and return the exit status."""
    typer.echo(printable(line), err=True)
    return status


def unexpected() -> int:
    """Print the traceback of a bug and how to report it; return the exit status."""
    traceback.print_exc()
    return fail(REPORT, PROGRAM)


def _discard_output() -> None:
    """Redirect output to the null device, so that the final flush succeeds on a broken pipe."""
    sink = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(sink, number)
    os.close(sink)
