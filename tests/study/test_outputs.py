"""Files that a command writes are complete or absent, and errors name them in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from study import command
from study.outputs import replaced, save
from vocalseg.errors import BadInput


def write(path: Path, text: str) -> None:
    with replaced(path) as part:
        part.write_text(text)


def test_a_new_file_replaces_the_old_one_and_its_folder_is_created(tmp_path):
    for text in ("first", "second"):
        write(tmp_path / "new/table.csv", text)
        assert (tmp_path / "new/table.csv").read_text() == text
    assert os.listdir(tmp_path / "new") == ["table.csv"]  # noqa: PTH208


def test_the_old_file_is_kept_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "table.csv"
    write(path, "old")
    with pytest.raises(KeyboardInterrupt), replaced(path) as part:
        part.write_text("ne")
        assert path.read_text() == "old"
        raise KeyboardInterrupt
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_links_and_devices_are_written_and_not_replaced(tmp_path):
    (tmp_path / "link.csv").symlink_to("target.csv")
    write(tmp_path / "link.csv", "text")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "target.csv").read_text() == "text"
    with replaced(Path(os.devnull)) as part:
        assert part == Path(os.devnull)


@pytest.mark.parametrize("name", ["matrix.png", "matrix.SVG", "matrix.pdf"])
def test_pictures_have_the_format_of_their_extension(tmp_path, name):
    save(Figure(), tmp_path / name)
    start = (tmp_path / name).read_bytes()[:5]
    assert start == {".png": b"\x89PNG\r", ".SVG": b"<?xml", ".pdf": b"%PDF-"}[name[6:]]


@pytest.mark.parametrize("name", ["matrix.doc", "matrix"])
def test_a_picture_of_an_unknown_format_is_refused(tmp_path, name):
    with pytest.raises(BadInput, match=f"{name}: pictures are saved as .*png.*; rename it"):
        save(Figure(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as ended:
        command.run(lambda: write(tmp_path / "file/table.csv", "text"))
    assert str(ended.value).startswith(f"{tmp_path}/file: ")
    assert "\n" not in str(ended.value)


def test_a_closed_pipe_ends_a_command_silently():
    def main():
        raise BrokenPipeError

    command.run(main)


def test_commands_that_draw_nothing_do_not_import_matplotlib():
    code = (
        "import sys, study.compare, study.listen, study.matrix, study.status;"
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
