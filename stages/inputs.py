"""inputs: checks params.yaml and writes what each stage depends on beside its data.

Why a stage: a stage runs again when something that can change its result has changed. Of code that
is the syntax of the modules that it imports, not their comments, the other files that these modules
read (style sheets, scripts), and the versions of the libraries; of songs the files, wherever they
are. Neither is a path that dvc.yaml could name.
"""

import shutil
from pathlib import Path

import yaml

from stages import code, run, sources
from stages.schema.params import load

OUT = Path("inputs")


def main():
    params = load()
    pipeline = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"]
    stages = [name for name in pipeline if name != "inputs"]
    for name in stages:
        content = code.dependencies(f"stages.{name}")
        if name == "download":
            content["songs"] = sources.state(params.dataset)
        sources.write_json(OUT / f"{name}.json", content)
    # DVC leaves this folder as it is (`persist`): what no stage needs any more is removed here.
    for path in set(OUT.iterdir()) - {OUT / f"{name}.json" for name in stages}:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


if __name__ == "__main__":
    run(main)
