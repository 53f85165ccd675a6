"""BadInput has one line per error, whatever characters a file name contains."""

import os
import pickle

import pytest

from vocalseg.errors import BadInput, os_errors_as_bad_input, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Björk – Jóga 🎤", "Björk – Jóga 🎤"),
        ("two\nlines\r\n", r"two\nlines\r\n"),
        ("a\u2028b\x85c\x1b[31m", r"a\u2028b\x85c\x1b[31m"),
        (os.fsdecode(b"Bj\xf6rk"), r"Bj\xf6rk"),
        ("\ud800", r"\ud800"),
        (r"C:\temp", r"C:\temp"),
    ],
)
def test_printable_text_is_one_line_of_valid_utf8(text, shown):
    assert printable(text) == shown
    assert str(BadInput(text)) == shown
    assert printable(shown) == shown


def test_several_errors_are_several_lines():
    error = BadInput("one", "an\nother")
    assert str(error) == "one\nan\\nother"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # as if raised in another process


def test_operating_system_errors_name_the_file(tmp_path, rejects):
    gone = tmp_path / "gone"
    with rejects(gone, "No such file", "find it"), os_errors_as_bad_input("default", "find it"):
        gone.read_bytes()
    with rejects("default", "no details", "again"), os_errors_as_bad_input("default", "again"):
        raise OSError("no details")
