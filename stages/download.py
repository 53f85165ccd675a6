"""download: songs in MUSDB layout, and the catalogue that lists them.

Why a stage: everything after it reads songs the same way, wherever they come from.
"""

from functools import partial
from pathlib import Path

from stages import fresh, read_params, run
from vocalseg.errors import BadInput
from vocalseg.parallel import each
from vocalseg.songs import catalog, embedded

RAW = Path("data/raw")


def main():
    dataset = read_params("dataset").dataset
    fresh(RAW)
    RAW.mkdir()
    if dataset.name == "demo":
        root = RAW
        write = partial(embedded.write_song, seed=dataset.seed, root=root)
        list(each(write, embedded.entries(), label="synthesise", processes=True))
        embedded.write_real_excerpt(root)
    elif dataset.root:
        root = Path(dataset.root).expanduser()
    else:
        raise BadInput(
            f"params.yaml: dataset.root = null: {dataset.name} needs the folder that holds its "
            "train/ and test/ songs"
        )
    catalog.write(catalog.scan(root, RAW), RAW / "catalog.csv")


if __name__ == "__main__":
    run(main)
