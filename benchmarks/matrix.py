"""Measure the size of a finished matrix in DVC's cache, compared with a single experiment.

    python -m benchmarks.matrix

Run it after `make matrix`. It adds up the sizes of all cached outputs in the dvc.lock of the
experiments on HEAD, each content once, and prints the limit beside it: a tenth of the tiles and one
model per experiment.
"""

import json
from pathlib import Path

from dvc.repo import Repo

from study.repository import locks


def cached_sizes(repo: Repo, lock: dict, stages: set[str]) -> dict[str, int]:
    """Look up the outputs of stages in the cache.

    Parameters
    ----------
    repo : Repo
    lock : dict
        Stages of a ``dvc.lock``.
    stages : set of str

    Returns
    -------
    dict
        Bytes of each file and directory listing, by MD5.
    """
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
        by_experiment = [cached_sizes(repo, lock, stages) for lock in experiments.values()]
        one = sum(by_experiment[0].values())
        union: dict[str, int] = {}
        for sizes in by_experiment:
            union |= sizes
        added = sum(union.values()) - one
        lock = next(iter(experiments.values()))
        tiles = sum(cached_sizes(repo, lock, {"stft_tile"}).values())
        model = Path("models/unet.weights.h5").stat().st_size
    limit = 0.1 * tiles + len(experiments) * model
    print(
        f"{len(experiments)} experiments; one takes {one / 1e6:.1f} MB, the others add "
        f"{added / 1e6:.1f} MB; a tenth of the tiles and {len(experiments)} models: "
        f"{limit / 1e6:.1f} MB"
    )


if __name__ == "__main__":
    main()
