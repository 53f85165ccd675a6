"""download: provide songs in MUSDB layout, and the catalogue that lists them.

It is a separate stage so that all later stages read songs of any data set in the same way.

Synthesised songs are written to the stage's output. Songs under copyright are not: they remain
where they are (``dataset.root``, ``MUSDB_PATH``), or are downloaded once for all projects of a
machine. Thus they are not copied and cannot reach a DVC remote; the catalogue holds their
checksums, by which later stages detect changes.
"""

from functools import partial
from pathlib import Path

from stages import fresh, read_params, run, sources
from stages.schema.dataset import Dataset
from stages.sources import RAW
from vocalseg.errors import os_errors_as_bad_input
from vocalseg.parallel import parallel_map
from vocalseg.songs import catalog, demo_set, musdb, unpacking, zenodo


@os_errors_as_bad_input(RAW, "give yourself access or free some space, and run again")
def main():
    dataset = read_params(Dataset)
    songs = sources.source(dataset)
    fresh(RAW)
    RAW.mkdir()
    if songs is None:
        write = partial(demo_set.write_song, seed=dataset.seed, root=RAW)
        list(parallel_map(write, demo_set.entries(), label="synthesise", processes=True))
        demo_set.write_real_excerpt(RAW)
        songs = sources.Source(RAW)
    elif songs.downloaded and not songs.folder.exists():
        fetch(dataset.name, songs.folder)
        sources.update(dataset)  # the stage `inputs` ran before the songs existed
    found = catalog.scan(
        catalog.locate(songs.folder, dataset.name),
        RAW,
        root_name=songs.root_name,
        musdb18=dataset.name.startswith("musdb18"),
    )
    catalog.write(found, RAW / "catalog.csv")
    for song in found:
        if song.remark:
            print(f"{song.name}: {song.remark}")


def fetch(name: str, songs: Path) -> None:
    """Download a data set to a folder; the archive is not kept."""
    downloads = songs.parent
    downloads.mkdir(parents=True, exist_ok=True)
    if name == "musdb18-7s":
        unpacking.require_space(downloads, 2 * musdb.SAMPLE_BYTES)
        with unpacking.atomic_folder(songs) as part:
            musdb.download_sample(part)
        return
    zip_file = zenodo.fetch(zenodo.MUSDB18[name], downloads)
    with unpacking.atomic_folder(songs) as part:
        unpacking.unpack(zip_file, part)
    zip_file.unlink()


if __name__ == "__main__":
    run(main)
