"""The disk that a finished matrix takes in DVC's cache beyond a single experiment.

    python -m benchmarks.matrix

Run after `make matrix`. Counts what the experiments on HEAD name in their dvc.lock, as it lies in
the cache, each content once; beside it the limit: a tenth of the tiles and eight models.
"""

import json
from pathlib import Path

from dvc.repo import Repo

from study.repository import locks


def contents(repo: Repo, lock: dict, stages: set[str]) -> dict[str, int]:
    """Bytes of every file and listing that stages' outputs need, by its hash."""
    found = {}
    for out in (out for name in stages & lock.keys() for out in lock[name].get("outs", [])):
        path = Path(repo.cache.local.oid_to_path(out["md5"]))
        if not path.exists():
            continue  # metrics are in git
        found[out["md5"]] = path.stat().st_size
        if out["md5"].endswith(".dir"):
            for entry in json.loads(path.read_text()):
                file = Path(repo.cache.local.oid_to_path(entry["md5"]))
                found[entry["md5"]] = file.stat().st_size
    return found


def main():
    with Repo() as repo:
        experiments = locks()
        stages = {stage.name for stage in repo.index.stages}
        by_experiment = [contents(repo, lock, stages) for lock in experiments.values()]
        one = sum(by_experiment[0].values())
        every: dict[str, int] = {}
        for files in by_experiment:
            every |= files
        added = sum(every.values()) - one
        lock = next(iter(experiments.values()))
        tiles = sum(contents(repo, lock, {"stft_tile"}).values())
        model = Path("models/unet.weights.h5").stat().st_size
    limit = 0.1 * tiles + len(experiments) * model
    print(
        f"{len(experiments)} experiments; one takes {one / 1e6:.1f} MB, the others add "
        f"{added / 1e6:.1f} MB; a tenth of the tiles and {len(experiments)} models: "
        f"{limit / 1e6:.1f} MB"
    )


if __name__ == "__main__":
    main()
