"""inputs: check params.yaml and write what each stage depends on besides its data.

It is a separate stage so that a stage runs again when, and only when, something that can change its
result has changed: the syntax trees of the modules that it imports (without comments), the
style sheets and scripts that these modules read, the versions of libraries, and the files of the
songs, wherever they are. None of these is a path that dvc.yaml could list.
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
        content: dict = code.dependencies(f"stages.{name}")
        if name == "download":
            content["songs"] = sources.state(params.dataset)
        sources.write_json(OUT / f"{name}.json", content)
    # DVC keeps this folder (`persist`), so files that no stage needs any more are removed here.
    for path in set(OUT.iterdir()) - {OUT / f"{name}.json" for name in stages}:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


if __name__ == "__main__":
    run(main)
