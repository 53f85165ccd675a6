"""The one error that the user can fix."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class BadInput(ValueError):
    """A file, a song or a parameter that cannot be used.

    Each argument becomes one line of the message: it names the file or the key, says what is wrong
    with it and what to do. Whatever a file name contains, a line stays one line (see
    :func:`printable`). Commands print the message and stop; any other exception is a bug.
    """

    def __init__(self, *lines: object):
        super().__init__(*map(printable, lines))

    def __str__(self) -> str:
        return "\n".join(self.args)


class Incomplete(BadInput):
    """A sound file that ends early or is damaged; what can be decoded can be had on request."""


def printable(text: object) -> str:
    r"""Text on one line: control characters and bytes outside UTF-8 as escapes such as ``\xf6``."""
    return "".join(map(_escaped, str(text)))


@contextmanager
def refusals_named(default: str | Path, advice: str) -> Iterator[None]:
    """Turn an :class:`OSError` into :class:`BadInput` that names the file and the system's reason.

    Parameters
    ----------
    default : str or Path
        What to name if the error names no file.
    advice : str
        What to do about it.
    """
    try:
        yield
    except OSError as error:
        path = default if error.filename is None else error.filename
        path = path.decode(errors="surrogateescape") if isinstance(path, bytes) else path
        raise BadInput(f"{path}: {error.strerror or error}; {advice}") from error


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # what Python makes of byte 0x80 to 0xFF in a file name
        return f"\\x{code - 0xDC00:02x}"
    if character.isprintable() or character == " ":
        return character
    return character.encode("unicode_escape").decode()
