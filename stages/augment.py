"""augment: write the table of training examples (originals, splices, blackouts) and their split.

It is a separate stage because the choice of examples does not depend on scaling or training, and
the table is small: an example is a row, not a copy of a tile.
"""

import json
from pathlib import Path

import pandas as pd

from stages import fresh, read_params, run
from stages.schema.augment import Augment
from stages.schema.study import Study
from vocalseg.examples import make_table

CATALOG, TILES, OUT = Path("data/raw/catalog.csv"), Path("data/tiles"), Path("data/examples.csv")


def main():
    augment, seed = read_params(Augment), read_params(Study).seed
    tiles = pd.read_csv(TILES / "index.csv", dtype={"track": str}, keep_default_na=False)
    songs = pd.read_csv(CATALOG, dtype={"name": str}, keep_default_na=False)
    table = make_table(
        tiles,
        **augment.model_dump(),
        tile_frames=json.loads((TILES / "tiles.json").read_text())["tile_frames"],
        seed=seed,
        validation_songs=songs.loc[songs["part"] == "validation", "name"],
    )
    fresh(OUT)
    table.to_csv(OUT, index=False)
    print(table.groupby(["part", "kind"]).size().to_string())


if __name__ == "__main__":
    run(main)
