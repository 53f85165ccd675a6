"""Reference pages derived from the code: parameters, commands, modules."""

import ast
import io
import os
import re
import sys
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from unittest.mock import patch

import typer
import yaml
from pydantic.fields import FieldInfo

LIMITS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def parameters(root: Path) -> str:
    """Tables of all parameters, as Markdown.

    Parameters
    ----------
    root : Path
        Folder of the repository, with ``params.yaml`` and ``dvc.yaml``.
    """
    from stages.schema.params import PLANS, Params

    text = (root / "params.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    notes = comments(text)
    stages = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    parts = [*_table(Params, ["seed"], "", values, notes, stages)]
    for section in [name for name in Params.model_fields if name not in PLANS | {"seed"}]:
        schema = Params.model_fields[section].annotation
        parts.append(f"\n## {section}\n")
        parts += _table(schema, schema.model_fields, section, values[section], notes, stages)
    for plan in sorted(PLANS):
        parts.append(f"\n## {plan}\n\n{notes[plan][0]}\n\n```yaml")
        parts.append(yaml.safe_dump({plan: values[plan]}, sort_keys=False).rstrip())
        parts.append("```")
    return "\n".join(parts) + "\n"


def _table(schema, keys, section, values, notes, stages) -> list[str]:
    """Rows of a section; a comment line above a key starts a new table below that text."""
    head = ["", "| key | value | allowed | what it is | read by |", "|---|---|---|---|---|"]
    lines = [] if section else list(head)
    for key in sorted(keys, key=list(values).index):
        name = f"{section}.{key}" if section else key
        above, beside = notes[name]
        if section and above:
            lines += ["", above]
        if not lines or (section and above):
            lines += head
        readers = [
            f"`{stage}`" for stage, entry in stages.items()
            if {name, section} & set(entry.get("params", []))
        ]  # fmt: skip
        cells = (
            f"`{name}`", f"`{_literal(values[key])}`", allowed(schema.model_fields[key]), beside,
            ", ".join(readers),
        )  # fmt: skip
        lines.append("| " + " | ".join(map(_escaped, cells)) + " |")
    return lines


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


def comments(text: str) -> dict[str, tuple[str, str]]:
    """Comments of a parameter file.

    Parameters
    ----------
    text : str
        Content of ``params.yaml``. A comment beside a key may continue on the next lines, indented
        further than the keys.

    Returns
    -------
    dict
        For each key, such as ``train.loss``, the text above it and the text beside it.
    """
    found: dict[str, tuple[str, str]] = {}
    section, above, last = "", [], ""
    for line in text.splitlines():
        if not line.strip():
            above = []
        elif comment := re.match(r"( *)# ?(.*)", line):
            if len(comment[1]) > 2:
                start, rest = found[last][1], comment[2].strip()
                between = "; " if re.match(r"[\w.]+:", rest) else " "
                found[last] = found[last][0], start + between + rest
            else:
                above.append(comment[2].strip())
        elif key := re.match(r"( *)([\w.-]+):(?: +[^#]*?)?(?: +# *(.*))?$", line):
            if len(key[1]) > 2 or (key[1] and section in ("matrix", "studies")):
                continue
            if not key[1]:
                section = key[2]
            last = f"{section}.{key[2]}" if key[1] else section
            found[last] = " ".join(above), key[3] or ""
            above = []
    return found


def allowed(field: FieldInfo) -> str:
    """What a field of a schema takes, as Markdown."""
    limits = [
        f"{sign} {getattr(rule, name):,}"
        for rule in field.metadata for name, sign in LIMITS.items() if hasattr(rule, name)
    ]  # fmt: skip
    return ", ".join([_kind(field.annotation), *limits])


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{word}`" for word in get_args(annotation))
    if get_origin(annotation) in (UnionType, Union):
        return " or ".join(map(_kind, get_args(annotation)))
    names = {int: "integer", float: "number", bool: "`true`, `false`", str: "text"}
    return "`null`" if annotation is NoneType else names[annotation]


def _literal(value: Any) -> str:
    return yaml.safe_dump(value).removesuffix("...\n").strip()


def commands(root: Path) -> str:
    """Commands as Markdown: targets of the Makefile, then the texts of ``--help``.

    Parameters
    ----------
    root : Path
        Folder of the repository.
    """
    from vocalseg.cli import app

    targets = re.findall(r"^([a-z]+):.*?## (.*)", (root / "Makefile").read_text(), re.MULTILINE)
    rows = [f"| `make {name}` | {_escaped(text)} |" for name, text in targets]
    texts = {
        f"vocalseg {name}": _printed(app, "vocalseg", name)
        for name in typer.main.get_command(app).commands
    }
    for path in sorted((root / "study").glob("*.py")):
        program, source = f"python -m study.{path.stem}", path.read_text(encoding="utf-8")
        if "ArgumentParser(" in source:
            texts[program] = _printed(import_module(f"study.{path.stem}").main, program)
        elif '__name__ == "__main__"' in source:
            texts[program] = ast.get_docstring(ast.parse(source))
    sections = [f"## {name}\n\n```text\n{text.strip()}\n```" for name, text in texts.items()]
    table = ["## make", "", "| command | what it does |", "|---|---|", *rows]
    return "\n\n".join(["\n".join(table), *sections]) + "\n"


def modules(root: Path) -> str:
    """Lists of the library's modules by package, as Markdown; each gets a page of its own.

    Parameters
    ----------
    root : Path
        Folder of the repository.
    """
    library = root / "src/vocalseg"
    parts = []
    for init in sorted(library.rglob("__init__.py"), key=lambda path: len(path.parts)):
        name = ".".join(init.parent.relative_to(root / "src").parts)
        found = [f"   {name}"] + [
            f"   {name}.{path.stem}" for path in sorted(init.parent.glob("*.py")) if path != init
        ]
        parts += [f"## {name}\n", "```{eval-rst}", ".. autosummary::"]
        parts += ["   :toctree: generated/api\n", *found, "```\n"]
    return "\n".join(parts)


def _printed(main: Callable[[], None], *words: str) -> str:
    """What a command prints for ``--help``."""
    printed = io.StringIO()
    with (
        patch.object(sys, "argv", [*words, "--help"]),
        patch.dict(os.environ, COLUMNS="88", NO_COLOR="1"),
        patch.object(typer.core, "HAS_RICH", False),  # no boxes
        redirect_stdout(printed),
        suppress(SystemExit),
    ):
        main()
    return printed.getvalue()
