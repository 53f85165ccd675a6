"""Find the modules, resource files and libraries that can change a stage's result."""

import ast
import csv
import hashlib
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from inspect import getmodulename
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from vocalseg.errors import BadInput

#: Packages of this project, and the folders that hold them.
PACKAGES = {"stages": ".", "vocalseg": "src"}

#: Syntax nodes that may have a docstring.
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def dependencies(module: str, root: Path = Path()) -> dict[str, dict[str, str]]:
    """List what a module imports, directly or indirectly, including imports within functions.

    Parameters
    ----------
    module : str
        Name of a module of this project, such as ``stages.train``.
    root : Path
        Folder of the project.

    Returns
    -------
    dict
        ``modules``: digest (see :func:`digest`) by name, of the module itself, the modules of this
        project that it needs, and their packages. ``distributions``: installed version by name, of
        the third-party distributions that those modules import. ``resources``, only if there are
        any: digest by path, of the files that those modules read (see :func:`_resources`).

    Raises
    ------
    BadInput
        If a source file is not valid Python, or imports a package that is not installed.
    """
    digests: dict[str, str] = {}
    resources: dict[str, str] = {}
    libraries: set[str] = set()
    pending = [module]
    while pending:
        name = pending.pop()
        if name.partition(".")[0] not in PACKAGES:
            libraries.add(name.partition(".")[0])
            continue
        if name in digests or (path := _source(name, root)) is None:
            continue
        status = path.stat()
        source = _read(name, path, status.st_mtime_ns, status.st_size)
        digests[name] = source.digest
        pending += [*source.imports, *_parents(name)]
        for resource in _resources(path, source.strings):
            resources[resource.relative_to(root).as_posix()] = _digest_of_text(resource)
    found = {"modules": dict(sorted(digests.items())), "distributions": versions(libraries)}
    return found | ({"resources": dict(sorted(resources.items()))} if resources else {})


def digest(tree: ast.AST) -> str:
    """Return a digest of a syntax tree that ignores comments, docstrings and layout.

    It is the same under every version of Python that can parse the source: empty fields are ignored
    because new versions add some.
    """
    return hashlib.sha256(_canonical(tree).encode()).hexdigest()[:16]


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the installed version of each distribution that provides one of the packages."""
    wanted = sorted(set(packages) - sys.stdlib_module_names)
    missing = [name for name in wanted if name not in _distributions()]
    if missing:
        raise BadInput(f"{', '.join(missing)}: not installed; run `make setup`")
    found: dict[str, str] = {}
    for distribution in chain.from_iterable(_distributions()[name] for name in wanted):
        found.setdefault(*_name_and_version(distribution))  # Python imports the first on its path
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


@cache
def _distributions() -> dict[str, list[metadata.Distribution]]:
    """Installed distributions by the packages that they provide.

    As :func:`importlib.metadata.packages_distributions`, in a tenth of the time, because that
    reads the metadata of all distributions.
    """
    found = defaultdict(list)
    for distribution in metadata.distributions():
        declared = distribution.read_text("top_level.txt")
        for package in set(declared.split()) if declared else _installed(distribution):
            found[package].append(distribution)
    return dict(found)


def _installed(distribution: metadata.Distribution) -> set[str]:
    """Names of the folders and modules that a distribution has installed."""
    record = distribution.read_text("RECORD") or ""
    paths = {row[0].partition("/")[::2] for row in csv.reader(record.splitlines()) if row}
    return {first if rest else getmodulename(first) or first for first, rest in paths}


@cache
def _name_and_version(distribution: metadata.Distribution) -> tuple[str, str]:
    described = distribution.metadata
    return described["Name"], described["Version"]


def _source(module: str, root: Path) -> Path | None:
    """Return the file of a module; None if the name is not a module but a name within one."""
    base = root / PACKAGES[module.partition(".")[0]] / Path(*module.split("."))
    files = base / "__init__.py", base.with_suffix(".py")
    return next((path for path in files if path.is_file()), None)


class _Source(NamedTuple):
    """Digest of a module, the dotted names that it imports, and its string constants."""

    digest: str
    imports: frozenset[str]
    strings: frozenset[str]


@cache  # because several stages import the same modules
def _read(module: str, path: Path, mtime_ns: int, size: int) -> _Source:
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise BadInput(f"{path}:{line}: not valid Python ({error}); correct it") from None
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    nodes = list(ast.walk(tree))
    constants = (node.value for node in nodes if isinstance(node, ast.Constant))
    strings = frozenset(value for value in constants if isinstance(value, str))
    return _Source(digest(tree), frozenset(_imports(nodes, package)), strings)


def _resources(module: Path, strings: Iterable[str]) -> list[Path]:
    """Files beside a module that are not Python and that one of its string constants names."""
    others = (path for path in module.parent.iterdir() if path.suffix not in ("", ".py"))
    return [path for path in others if path.name in strings and path.is_file()]


def _digest_of_text(path: Path) -> str:
    """Digest of a text file that ignores the kind of its line ends."""
    return hashlib.sha256(path.read_text(encoding="utf-8").encode()).hexdigest()[:16]


def _parents(module: str) -> Iterator[str]:
    """Yield the packages that contain a module, which Python imports first."""
    while module := module.rpartition(".")[0]:
        yield module


def _imports(nodes: Iterable[ast.AST], package: str) -> Iterator[str]:
    """Yield dotted names that a module of a package may import; some may not be modules."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                base = ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [base])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _canonical(node) -> str:
    if isinstance(node, list):
        return f"[{','.join(map(_canonical, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.Constant):
        return f"Constant(value={node.value!r})"
    fields = {}
    for name in node._fields:
        if (value := getattr(node, name, None)) is not None and value != []:
            fields[name] = value
    if isinstance(node, ast.JoinedStr):  # Python 3.12 appends an empty constant to some of them
        fields["values"] = [v for v in node.values if getattr(v, "value", None) != ""]
    elif isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
        fields["body"] = node.body[1:]
    content = ",".join([f"{name}={_canonical(value)}" for name, value in fields.items()])
    return f"{type(node).__name__}({content})"
