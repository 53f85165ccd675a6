"""Errors that the user can fix."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class BadInput(ValueError):
    r"""A file, a song or a parameter that cannot be used.

    Each argument becomes one line of the message. The line names the file or the key, says what is
    wrong with it and what to do. Control characters in file names are escaped (see
    :func:`printable`), so a line stays one line. Commands print the message and exit; any other
    exception is a bug.

    Parameters
    ----------
    *lines : object
        Lines of the message.

    Examples
    --------
    >>> print(BadInput("a\nb.wav: no such file; correct the name"))
    a\nb.wav: no such file; correct the name
    """

    def __init__(self, *lines: object):
        super().__init__(*map(printable, lines))

    def __str__(self) -> str:
        return "\n".join(self.args)


class Incomplete(BadInput):
    """A sound file that is truncated or damaged; ``partial=True`` reads what can be decoded."""


def printable(text: object) -> str:
    r"""Return text on one line, with escapes such as ``\xf6`` for control and raw bytes."""
    return "".join(map(_escaped, str(text)))


@contextmanager
def os_errors_as_bad_input(default: str | Path, advice: str) -> Iterator[None]:
    """Convert an :class:`OSError` into a :class:`BadInput` with the file and the system's reason.

    Parameters
    ----------
    default : str or Path
        File to name if the error names none.
    advice : str
        What the user can do about it.

    Raises
    ------
    BadInput
        If the body raises an :class:`OSError`.
    """
    try:
        yield
    except OSError as error:
        path = default if error.filename is None else error.filename
        path = path.decode(errors="surrogateescape") if isinstance(path, bytes) else path
        raise BadInput(f"{path}: {error.strerror or error}; {advice}") from error


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # surrogate escape of a byte 0x80 to 0xFF in a file name
        return f"\\x{code - 0xDC00:02x}"
    if character.isprintable() or character == " ":
        return character
    return character.encode("unicode_escape").decode()
