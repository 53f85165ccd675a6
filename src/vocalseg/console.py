"""What a command's faults look like: one line on stderr and an exit status."""

import errno
import os
import sys
import traceback

import typer
from typer.core import TyperGroup

from vocalseg.errors import BadInput, printable

#: Status of a fault of the user's, of a fault of this program's, and of Ctrl-C, as shells have it.
USER, PROGRAM, INTERRUPTED = 2, 1, 130

REPORT = (
    "vocalseg: this is a fault of the program; please report it, with all lines above, to its "
    "issue tracker"
)

#: Raised for arguments that cannot be parsed; typer does not export it.
_UsageError = typer.BadParameter.__mro__[2]


class OneLineGroup(TyperGroup):
    """Commands that end with one line for a fault of the user's, and a traceback for their own."""

    def main(self, *args, standalone_mode: bool = True, **options):
        try:
            status = super().main(*args, standalone_mode=False, **options)
            if status == INTERRUPTED:  # typer has caught it
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
    """Print one line on stderr; the status that the command ends with."""
    typer.echo(printable(line), err=True)
    return status


def unexpected() -> int:
    """Print the traceback of a fault of this program's, and what to do with it."""
    traceback.print_exc()
    return fail(REPORT, PROGRAM)


def _discard_output() -> None:
    """Nobody reads the output any more: let the interpreter's last flush go nowhere."""
    sink = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(sink, number)
    os.close(sink)
