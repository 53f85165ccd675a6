"""The embedded data set: synthetic songs, and one real excerpt to test on, in MUSDB18-HQ layout.

30 songs are synthesised (:mod:`vocalseg.songs.demo`); the real one is the excerpt that the package
stempeg ships in MUSDB18's own format: The Easton Ellises - Falcon 69, CC BY-NC-SA 3.0.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile as sf
import stempeg

from vocalseg.songs.demo import SAMPLE_RATE, synthesise, title
from vocalseg.songs.musdb import STREAMS, SUFFIX

#: Test songs are a little longer: whole tiles are what the paper's protocol counts.
SECONDS = {"train": 20.0, "test": 24.0}
COUNT = {"train": 24, "test": 6}


class Entry(NamedTuple):
    """One synthetic song of the set."""

    number: int
    split: str


def entries() -> list[Entry]:
    """The synthetic songs, numbered through."""
    splits = [split for split, count in COUNT.items() for _ in range(count)]
    return [Entry(number, split) for number, split in enumerate(splits)]


def write_song(entry: Entry, seed: int, root: Path) -> None:
    """Synthesise a song and write its stems and their sum; the same bytes for the same seed."""
    stems = synthesise(seed, entry.number, SECONDS[entry.split])
    stems = {"mixture": sum(stems.values()), **stems}
    _write(root / entry.split / title(seed, entry.number), stems, SAMPLE_RATE)


def write_real_excerpt(root: Path) -> None:
    """Decode the excerpt of stempeg into the test split."""
    path = Path(stempeg.example_stem_path())
    waveforms, rate = stempeg.read_stems(str(path))
    name = path.name.removesuffix(SUFFIX)
    _write(root / "test" / name, dict(zip(STREAMS, waveforms, strict=True)), rate)


def _write(folder: Path, stems: dict[str, np.ndarray], rate: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for stem, waveform in stems.items():
        sf.write(folder / f"{stem}.wav", waveform, rate, subtype="PCM_16")
