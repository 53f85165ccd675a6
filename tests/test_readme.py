"""The README's graph and tables, links in all pages, and the diffs of a how-to."""

import re
from pathlib import Path

import networkx as nx
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def dependencies():
    """Graph of the stages in dvc.yaml; edges lead from the writer of a file to its readers."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    written = {}
    for name, stage in stages.items():
        for kind in ("outs", "metrics", "plots"):
            for out in stage.get(kind, []):
                written[out if isinstance(out, str) else next(iter(out))] = name
    graph = nx.DiGraph()
    for name, stage in stages.items():
        for path in stage.get("deps", []):
            writers = {written[out] for out in written if (path + "/").startswith(out + "/")}
            assert writers, path
            graph.add_edges_from((writer, name) for writer in writers)
    return graph


def test_graph_is_the_transitive_reduction_of_the_pipeline():
    (drawing,) = re.findall(r"```mermaid\nflowchart LR\n(.*?)```", README, re.DOTALL)
    drawn = nx.DiGraph()
    for line in drawing.splitlines():
        stage, following = re.fullmatch(r' +(\w+)\["\1: .+?"\](?: --> (.+))?', line).groups()
        assert stage not in drawn or not drawn[stage]
        drawn.add_edges_from((stage, name) for name in (following or "").split(" & ") if name)
    assert set(drawn.edges) == set(nx.transitive_reduction(dependencies()).edges)


def test_tables_have_at_most_seven_columns():
    rows = [line for line in README.splitlines() if line.startswith("|")]
    assert rows and max(row.count("|") - 1 for row in rows) <= 7


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_point_to_files_of_the_repository(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    links = re.findall(r"\]\(([^)#\s]+)", text)
    external = ("http", "generated/")  # `make docs` generates pages and checks links to them
    missing = [
        link for link in links
        if not link.startswith(external) and not (page.parent / link).exists()
    ]  # fmt: skip
    assert not missing


def test_context_of_diffs_in_the_how_to_matches_the_code():
    page = (ROOT / "docs/add-a-loss.md").read_text(encoding="utf-8")
    file, checked = None, 0
    for paragraph, change in re.findall(r"(.*?)```diff\n(.*?)```", page, re.DOTALL):
        file = re.findall(r"`([\w/]+\.py)`", paragraph)[-1]
        lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
        for line in change.splitlines():
            if line[0] != "+":
                assert lines.count(line[1:]) == 1, f"{file}: {line[1:]}"
                checked += 1
    assert checked == 4
