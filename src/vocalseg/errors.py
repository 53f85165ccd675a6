"""The one error that is the user's to mend."""


class BadInput(ValueError):
    """A file, a song or a parameter that cannot be used.

    The message is one line: it names the file or the key, says what is wrong with it and what to
    do. Commands print it and stop; anything else that is raised is a fault of this project.
    """

    def __init__(self, message: str):
        super().__init__(one_line(message))


class Incomplete(BadInput):
    """A sound file that ends early or is damaged; what can be decoded can be had on request."""


def one_line(text: str) -> str:
    r"""Text that can be printed in one line: line ends, and bytes that are not UTF-8, as ``\x..``.

    File names may hold both; Python represents such bytes as lone surrogates.
    """
    return "".join(map(_printable, text))


def _printable(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if 0xD800 <= code <= 0xDFFF or not (character.isprintable() or character == " "):
        return character.encode("unicode_escape").decode()
    return character
