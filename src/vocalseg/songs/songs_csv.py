"""Parse the table ``songs.csv`` of a data set, as spreadsheets and editors write it."""

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from vocalseg.errors import BadInput

#: A folder of songs may hold this table instead of ``train/`` and ``test/``: columns ``name`` (of
#: the song, within the folder) and ``split`` (train, validation or test).
FILE_NAME = "songs.csv"
COLUMNS = ("name", "split")
SPLITS = ("train", "validation", "test")

#: Separators that spreadsheets use.
SEPARATORS = ",;\t|"

#: Byte order marks. UTF-32 comes first because its mark begins with that of UTF-16.
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class Row(NamedTuple):
    """A song's row: its number as spreadsheets count, name and split."""

    number: int
    name: str
    split: str


def parse(content: bytes, path: Path) -> list[Row]:
    r"""Parse the rows of a table.

    Parameters
    ----------
    content : bytes
        UTF-8, UTF-16, UTF-32 or, from older spreadsheets, Windows' cp1252.
    path : Path
        The table's file, for messages.

    Returns
    -------
    list of Row
        Rows with content, in order.

    Raises
    ------
    BadInput
        If it is not such a table; the message names the row if one is wrong.

    Examples
    --------
    >>> parse(b"name;split\nOne;train\nTwo;test\n", Path("songs.csv"))
    [Row(number=2, name='One', split='train'), Row(number=3, name='Two', split='test')]
    """
    text = _decode(content, path)
    if not text.strip():
        raise BadInput(f"{path}: empty; write a line name,split and one line for each song")
    head, separator, columns = _find_header(text, path)
    return [
        _row(number, cells, columns, path)
        for number, cells in _records(text, separator, path)
        if number > head and any(cell.strip() for cell in cells)
    ]


def _records(text: str, separator: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield numbered rows of cells."""
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            yield number, cells
    except csv.Error as error:
        raise BadInput(f"{path}: row {number + 1}: {error}; check its quotes") from None


def _decode(content: bytes, path: Path) -> str:
    try:
        for mark, encoding in BYTE_ORDER_MARKS.items():
            if content.startswith(mark):
                return content.decode(encoding)
        # Without a mark, UTF-16 is recognised by the zero byte of each ASCII character.
        if content[1:2] == b"\0":
            return content.decode("utf-16-le")
        if content[:1] == b"\0":
            return content.decode("utf-16-be")
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            return content.decode("cp1252")
    except UnicodeDecodeError:
        raise BadInput(f"{path}: not valid UTF-8 text; save it as CSV in UTF-8") from None


def _find_header(text: str, path: Path) -> tuple[int, str, list[str]]:
    """Return the number of the header row, the separator, and the names of the columns."""
    for separator in SEPARATORS:
        filled = (
            (number, [cell.strip().casefold() for cell in cells])
            for number, cells in _records(text, separator, path)
            if any(cell.strip() for cell in cells)
        )
        head, columns = next(filled, (1, []))
        if columns and columns[0].startswith("sep="):  # Excel's own hint, before the header
            head, columns = next(filled, (1, []))
        if set(COLUMNS) <= set(columns):
            break
    else:
        raise BadInput(
            f"{path}: row {head}: the columns must be name and split; rename them"
        )
    for column in COLUMNS:
        if columns.count(column) > 1:
            raise BadInput(f"{path}: row {head}: two columns are called {column}; keep one")
    return head, separator, columns


def _row(number: int, cells: list[str], columns: list[str], path: Path) -> Row:
    where = f"{path}: row {number}"
    while len(cells) > len(columns) and not cells[-1].strip():
        cells.pop()
    if len(cells) > len(columns):
        raise BadInput(
            f"{where}: {len(cells)} cells, but {len(columns)} columns; put quotes around a name "
            "with a comma"
        )
    name, split = (
        cells[columns.index(column)] if columns.index(column) < len(cells) else ""
        for column in COLUMNS
    )
    if not name.strip():
        raise BadInput(f"{where}: no name; write the song's name, or remove the row")
    if split.strip().casefold() not in SPLITS:
        raise BadInput(
            f"{where}: {quoted(name)}: split {quoted(split)}; write train, validation or test, and "
            "put quotes around a name with a comma"
        )
    return Row(number, name, split.strip().casefold())


def quoted(cell: str) -> str:
    """Return a cell in quotes, shortened for a message."""
    return repr(cell if len(cell) <= 80 else f"{cell[:79]}…")
