"""The committed results are those of the committed code, and README and docs show them."""

import hashlib
import io
import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from stages.schema.params import lookup
from study import compare
from study.scores import table

ROOT = Path(__file__).resolve().parents[1]
LOCK = yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"]
ADVICE = "run `dvc repro`, then commit dvc.lock, inputs/ and metrics/"


def metrics(name: str) -> dict:
    return json.loads((ROOT / f"metrics/{name}.json").read_text())


@pytest.fixture(scope="module", autouse=True)
def inputs():
    """Run the stage `inputs`, which rewrites the folder that git tracks."""
    subprocess.run([sys.executable, "-m", "stages.inputs"], cwd=ROOT, check=True)


@pytest.mark.parametrize("stage", [stage for stage in LOCK if stage != "inputs"])
def test_results_were_computed_by_the_committed_code_and_parameters(stage):
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for key, value in LOCK[stage].get("params", {}).get("params.yaml", {}).items():
        assert lookup(params, key) == value, ADVICE
    for dependency in LOCK[stage]["deps"]:
        path = ROOT / dependency["path"]
        if path.parent.name == "inputs":
            found = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            assert found == dependency["md5"], f"{dependency['path']} has changed; {ADVICE}"


@pytest.mark.parametrize("name", ["train", "bounds", "eval"])
def test_metrics_match_the_lock_file(name):
    path = f"metrics/{name}.json"
    (out,) = [o for o in LOCK[name]["outs"] if o["path"] == path]
    found = hashlib.md5((ROOT / path).read_bytes(), usedforsecurity=False).hexdigest()
    assert found == out["md5"], ADVICE


def test_validation_loss_is_well_below_that_of_silence():
    train = metrics("train")
    assert train["val_loss"] < 0.9 * train["val_loss_of_zeros"]


@pytest.mark.parametrize(("protocol", "metric"), [("global", "sdr"), ("museval", "sdr")])
def test_scores_are_between_those_of_mixture_and_ideal_mask(protocol, metric):
    bounds, score = metrics("bounds"), metrics("eval")[protocol][metric]
    assert bounds["mixture"][protocol][metric] + 1 < score < bounds["irm"][protocol][metric]


def test_readme_and_results_page_show_the_committed_results():
    """Committed files are compared, because other machines give slightly different results."""

    def committed(path: str) -> str:
        return subprocess.run(
            ["git", "show", f"HEAD:{path}"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout

    scores, bounds = (json.loads(committed(f"metrics/{name}.json")) for name in ("eval", "bounds"))
    matrix = pd.read_csv(io.StringIO(committed("metrics/matrix.csv")))
    results, readme = committed("docs/results.md"), committed("README.md")
    assert table(scores, bounds) in results
    assert compare.markdown(matrix) in results
    assert compare.brief(matrix) in readme
    floor, ceiling = (bounds[name]["museval"]["sdr"] for name in ("mixture", "irm"))
    floor, ceiling = f"{floor:.1f} dB for the unprocessed", f"{ceiling:.1f} dB for an ideal ratio"
    assert f"between {floor} mixture and {ceiling} mask" in " ".join(readme.split())


def test_committed_matrix_has_all_experiments_and_matches_the_bounds():
    matrix = pd.read_csv(ROOT / "metrics/matrix.csv")
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    settings = matrix[list(params["matrix"])].itertuples(index=False, name=None)
    assert set(settings) == set(itertools.product(*params["matrix"].values()))
    bounds = metrics("bounds")["mixture"]
    for protocol in ("museval", "global"):
        gains = matrix[f"{protocol}.sdr"] - bounds[protocol]["sdr"]
        assert np.allclose(gains, matrix[f"{protocol}.gain"], atol=2e-3)
