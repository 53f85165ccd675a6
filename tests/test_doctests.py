"""The examples in the library's docstrings give the results that they show."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src"
MODULES = [
    ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    for path in sorted(SOURCE.rglob("*.py"))
    if ">>>" in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name, capsys):
    result = doctest.testmod(import_module(name.removesuffix(".__init__")))
    assert not result.failed, capsys.readouterr().out
    assert result.attempted
