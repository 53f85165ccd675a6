"""download: songs in MUSDB layout, and the catalogue that lists them.

Why a stage: everything after it reads songs the same way, wherever they come from.

Songs that are synthesised lie in the stage's output. Songs that are someone's property do not: they
stay where they are (``dataset.root``, ``MUSDB_PATH``), or are fetched once for all projects of a
machine. So no copy of them is made, and none can reach a DVC remote; the catalogue holds their
checksums, by which later stages notice a change.
"""

import os
from functools import partial
from pathlib import Path

from stages import fresh, read_params, run
from vocalseg.errors import BadInput, refusals_named
from vocalseg.parallel import each
from vocalseg.songs import catalog, embedded, musdb, zenodo

RAW = Path("data/raw")


@refusals_named(RAW, "give yourself access or free some space, and run again")
def main():
    dataset = read_params("dataset").dataset
    fresh(RAW)
    RAW.mkdir()
    place = None
    if dataset.name == "demo":
        root = RAW
        write = partial(embedded.write_song, seed=dataset.seed, root=root)
        list(each(write, embedded.entries(), label="synthesise", processes=True))
        embedded.write_real_excerpt(root)
    elif dataset.root:
        root = Path(dataset.root)
    elif dataset.name == "folder":
        raise BadInput(
            f"params.yaml: dataset.root = null: {dataset.name} needs the folder that holds its "
            "train/ and test/ songs"
        )
    elif dataset.name in zenodo.MUSDB18 and os.environ.get("MUSDB_PATH"):
        place = "MUSDB_PATH"
        root = catalog.place(place)
    else:
        place = "VOCALSEG_SONGS"
        root = fetched(dataset.name, catalog.place(place))
    songs = catalog.scan(
        catalog.locate(root, dataset.name),
        RAW,
        place_name=place,
        musdb18=dataset.name.startswith("musdb18"),
    )
    catalog.write(songs, RAW / "catalog.csv")
    for song in songs:
        if song.remark:
            print(f"{song.name}: {song.remark}")


def fetched(name: str, downloads: Path) -> Path:
    """The folder of a data set that is downloaded, once; its zip file is not kept."""
    songs = downloads / name
    if songs.exists():
        return songs
    downloads.mkdir(parents=True, exist_ok=True)
    if name == "musdb18-7s":
        zenodo.require_space(downloads, 2 * musdb.SAMPLE_BYTES)
        with zenodo.all_or_nothing(songs) as part:
            musdb.download_sample(part)
        return songs
    zip_file = zenodo.fetch(zenodo.MUSDB18[name], downloads)
    with zenodo.all_or_nothing(songs) as part:
        zenodo.unpack(zip_file, part)
    zip_file.unlink()
    return songs


if __name__ == "__main__":
    run(main)
