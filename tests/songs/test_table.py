"""songs.csv as written by spreadsheets and editors: read, or an error that names the row."""

from pathlib import Path

import pytest

from vocalseg.songs import songs_csv
from vocalseg.songs.songs_csv import Row

PATH = Path("songs.csv")
TEXT = "name,split\nBjörk – Jóga,train\nTwo,validation\nThree,test\n"
ROWS = [Row(2, "Björk – Jóga", "train"), Row(3, "Two", "validation"), Row(4, "Three", "test")]


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"],
)
def test_table_is_read_in_encodings_of_spreadsheets(encoding):
    assert songs_csv.parse(TEXT.encode(encoding), PATH) == ROWS


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", ", ", " ; "])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_table_is_read_with_any_separator_and_line_ending(separator, newline):
    text = TEXT.replace(",", separator).replace("\n", newline)
    rows = songs_csv.parse(text.encode(), PATH)
    assert [(row.number, row.name.strip(), row.split) for row in rows] == ROWS


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("name,split", "Name,SPLIT"),
        lambda text: text.replace("name,split", '"name" , "split"'),
        lambda text: text.replace("train", " Train ").replace("test", '"TEST"'),
        lambda text: text.replace("\n", ",,\n"),
        lambda text: text.replace("\n", ",,\n").replace("split,,", "split"),
        lambda text: text + "\n,\n  ,  \n",
        lambda text: text.removesuffix("\n"),
        lambda text: "\n".join(",".join(reversed(r.split(","))) for r in text.split("\n")),
        lambda text: text.replace("\n", ",a remark\n").replace("split,a remark", "split,remark"),
    ],
    ids=[
        "header in capitals", "quoted header", "splits in capitals", "trailing empty columns",
        "trailing empty cells", "empty rows", "no last newline", "reversed columns",
        "additional column",
    ],
)  # fmt: skip
def test_table_is_read_with_common_variations(change):
    assert songs_csv.parse(change(TEXT).encode(), PATH) == ROWS


def test_rows_are_numbered_as_in_spreadsheets():
    text = 'sep=;\n\nname;split\n\n"Two\nlines; one name";train\n"She said ""no""";test\n'
    assert songs_csv.parse(text.encode(), PATH) == [
        Row(5, "Two\nlines; one name", "train"),
        Row(6, 'She said "no"', "test"),
    ]


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"", ("empty", "name,split")),
        (b" \n\n", ("empty",)),
        (b"\xef\xbb\xbf", ("empty",)),
        (b",,\n,,\n", ("columns must be name and split",)),
        (b"song,set\nOne,train\n", ("row 1", "columns must be name and split")),
        (b"One,train\nTwo,test\n", ("row 1", "columns must be name and split")),
        (b"name,split,name\nOne,train,\n", ("row 1", "two columns", "name")),
        (b"name,split\nEarth, Wind & Fire,train\n", ("row 2", "3 cells", "quotes")),
        (b"name,split,,\nEarth, Wind & Fire,train\n", ("row 2", "Wind & Fire", "quotes")),
        (b"name,split\n\n,train\n", ("row 3", "no name")),
        (b"name,split\nOne\n", ("row 2", "'One'", "train, validation or test")),
        (b"name,split\nOne,\n", ("row 2", "'One'", "''")),
        (b"name,split\nOne,tset\n", ("row 2", "'One'", "'tset'")),
        (b'name,split\n"One,train\nTwo,test\n', ("row 2", "train, validation or test")),
        (b"name,split\n" + 200_000 * b"x" + b",train\n", ("row 2", "field larger")),
        (b"PK\x03\x04\x81\x8d", ("UTF-8",)),
        (b"\xff\xfen\0a\0m", ("UTF-8",)),
    ],
)
def test_errors_name_the_row(content, texts, rejects):
    with rejects("songs.csv", *texts):
        songs_csv.parse(content, PATH)
