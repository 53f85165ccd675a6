"""The notebook shows a finished experiment without errors or warnings."""

import json
import shutil

import pytest

from tests.pipeline.conftest import ROOT

PATH = "notebooks/first-look.ipynb"


@pytest.fixture
def notebook():
    return json.loads((ROOT / PATH).read_text(encoding="utf-8"))


def test_notebook_is_committed_without_outputs(notebook):
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in cells)


def test_notebook_runs_in_a_finished_project(project, monkeypatch):
    nbclient = pytest.importorskip("nbclient", reason="requirements-dev.txt is not installed")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(ROOT / PATH, as_version=4)
    (project.path / "notebooks").mkdir()
    shutil.copy(ROOT / PATH, project.path / PATH)
    for name, value in project.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    resources = {"metadata": {"path": project.path / "notebooks"}}
    nbclient.NotebookClient(notebook, resources=resources, timeout=60).execute()

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [o["text"] for o in outputs if o.get("name") == "stderr"]
    shown = [output["data"] for output in outputs if "data" in output]
    assert sum("image/png" in data for data in shown) == 2  # training curves, spectrograms
    players = [data["text/html"] for data in shown if "<audio" in data.get("text/html", "")]
    assert len(players) == 3
    tables = "".join(data.get("text/plain", "") for data in shown)
    score = project.metrics("eval")["museval"]["sdr"]
    assert f"{score:.1f}" in tables and "this experiment" in tables
