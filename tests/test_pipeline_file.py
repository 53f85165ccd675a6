"""dvc.yaml names for each stage what the stage uses: no file and no parameter less, none more."""

import ast
from functools import cache
from pathlib import Path

import grimp
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


@cache
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("stages", "vocalseg", cache_dir=None)


def modules(stage: str) -> set[str]:
    """Modules that Python loads for a stage: what it imports, also indirectly, and packages."""
    direct = {f"stages.{stage}", *imports().find_upstream_modules(f"stages.{stage}")}
    packages = {
        module[:end] for module in direct for end, c in enumerate(module) if c == "."
    }
    return direct | packages


def source_file(module: str) -> str:
    base = Path("" if module.startswith("stages") else "src", *module.split("."))
    package = ROOT / base / "__init__.py"
    return str(package.relative_to(ROOT) if package.exists() else base.with_suffix(".py"))


def sections_read(module: str) -> set[str]:
    """Literal arguments of every ``read_params(...)`` call in a module."""
    tree = ast.parse((ROOT / source_file(module)).read_text())
    return {
        argument.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "read_params"
        for argument in node.args
    }


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_exactly_the_source_files_that_it_imports(stage):
    named = {d for d in STAGES[stage]["deps"] if d.endswith(".py")}
    assert named == {source_file(module) for module in modules(stage)}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_exactly_the_parameters_that_it_reads(stage):
    read = set().union(*(sections_read(m) for m in modules(stage) if m != "stages"))
    assert set(STAGES[stage]["params"]) == read


def test_no_stage_depends_on_the_matrix():
    assert not [s for s, stage in STAGES.items() if "matrix" in str(stage["params"])]


def test_no_package_init_runs_more_than_it_says():
    # vocalseg/__init__.py imports its rooms by name on first use, which no import graph sees:
    # a stage that used it would escape the tests above.
    for module in set().union(*(modules(stage) for stage in STAGES)) - {"vocalseg"}:
        for node in ast.walk(ast.parse((ROOT / source_file(module)).read_text())):
            owner = getattr(getattr(node, "value", None), "id", "")
            assert not (owner == "vocalseg" and getattr(node, "attr", "") == "Separator")
            if isinstance(node, ast.ImportFrom) and node.module == "vocalseg":
                assert "Separator" not in {alias.name for alias in node.names}
