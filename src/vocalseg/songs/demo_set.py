"""The demo's data set in MUSDB18-HQ layout: synthetic songs and a real excerpt for testing.

30 songs are synthesised (:mod:`vocalseg.songs.demo`). The real excerpt is shipped by the package
stempeg in MUSDB18's own format: The Easton Ellises - Falcon 69, CC BY-NC-SA 3.0.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile as sf
import stempeg

from vocalseg.songs.demo import SAMPLE_RATE, synthesise, title
from vocalseg.songs.musdb import STREAMS, SUFFIX

#: Test songs are slightly longer because the paper's protocol only counts complete tiles.
SECONDS = {"train": 20.0, "test": 24.0}
COUNT = {"train": 24, "test": 6}


class Entry(NamedTuple):
    """Number and split of a synthetic song."""

    number: int
    split: str


def entries() -> list[Entry]:
    """Return the synthetic songs, numbered consecutively."""
    splits = [split for split, count in COUNT.items() for _ in range(count)]
    return [Entry(number, split) for number, split in enumerate(splits)]


def write_song(entry: Entry, seed: int, root: Path) -> None:
    """Synthesise a song and write its stems and their sum; byte-identical for the same seed."""
    stems = synthesise(seed, entry.number, SECONDS[entry.split])
    mixture = np.sum(list(stems.values()), axis=0)
    folder = root / entry.split / title(seed, entry.number)
    _write(folder, {"mixture": mixture, **stems}, SAMPLE_RATE)


def write_real_excerpt(root: Path) -> None:
    """Decode stempeg's excerpt into the test split."""
    path = Path(stempeg.example_stem_path())
    waveforms, rate = stempeg.read_stems(str(path))
    name = path.name.removesuffix(SUFFIX)
    _write(root / "test" / name, dict(zip(STREAMS, waveforms, strict=True)), rate)


def _write(folder: Path, stems: dict[str, np.ndarray], rate: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for stem, waveform in stems.items():
        sf.write(folder / f"{stem}.wav", waveform, rate, subtype="PCM_16")
