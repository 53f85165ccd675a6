"""Train the preset, the model for `vocalseg separate`, and print its scores.

    python -m study.preset

`make demo` runs this after `dvc repro`. The preset is the study ``preset`` of params.yaml, a single
experiment. It does not change the workspace, but its model is copied to ``presets/``. If the
experiment exists with the current code and parameters, nothing is trained.
"""

import json
from pathlib import Path

from stages.schema.params import load
from study import local, scores
from study.command import run
from study.matrix import exit_if_failed, prepare_process
from study.models import copy_model
from study.plan import Matrix
from study.records import Records
from study.repository import file_at, revision

STUDY = "preset"
FOLDER = Path("presets")


def load_preset() -> Matrix:
    """Read the preset as a matrix that ignores committed scores, because the model is needed."""
    params = load()
    return Matrix(params, Records(params, STUDY).experiments)


def main() -> None:
    prepare_process()
    exit_if_failed(local.run(load_preset, jobs=1) or {})
    records = Records(load(), STUDY)
    records.collect(missing=[])
    (name,) = records.experiments
    copy_model(name, FOLDER)
    last, bounds = (Path(f"metrics/{name}.json").read_text() for name in ("eval", "bounds"))
    preset = file_at(revision(name), "metrics/eval.json")
    print(scores.table(*map(json.loads, (last, bounds, preset))))


if __name__ == "__main__":
    run(main)
