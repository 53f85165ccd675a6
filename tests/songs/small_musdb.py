"""A small MUSDB18 in its real formats: stem files of five AAC streams, and WAV as in the HQ set."""

from pathlib import Path

import numpy as np
import soundfile as sf
import stempeg

from vocalseg.songs.musdb import STREAMS

RATE = 44100

#: Names of real songs, including two official validation songs and two with known errors.
SONGS = {
    "train": (
        "A Classic Education - NightOwl",
        "Actions - One Minute Smile",
        "ANiMAL - Rockshow",
        "Chris Durban - Celebrate",
    ),
    "test": ("Al James - Schoolboy Facination", "PR - Oh No"),
}


def stems(number: int, seconds: float = 4.0) -> dict[str, np.ndarray]:
    """Stems of a synthetic song in stream order, (samples, 2) each; the mixture is their sum."""
    rng = np.random.default_rng(number)
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = 110 * 2 ** (rng.integers(0, 24) / 12)
    vibrato = 0.004 * np.sin(2 * np.pi * 5 * time)
    vocals = sum(np.sin(2 * np.pi * k * 2 * pitch * (time + vibrato)) / k for k in range(1, 9))
    sounds = {
        "drums": rng.normal(size=len(time)) * np.exp(-8 * (2 * time % 1)),
        "bass": np.sin(2 * np.pi * pitch / 2 * time),
        "other": np.sin(2 * np.pi * 3 * pitch * time) * np.sin(2 * np.pi * time),
        "vocals": vocals * (0.5 + 0.5 * np.sin(2 * np.pi * 0.5 * time)),
    }
    levels = {name: 0.1 * sound[:, np.newaxis] * [1.0, 0.8] for name, sound in sounds.items()}
    levels = {name: np.round(level * 2**15) / 2**15 for name, level in levels.items()}
    return {"mixture": sum(levels.values()), **levels}


def write_stem_file(path: Path, song: dict[str, np.ndarray]) -> None:
    """Write a song as in MUSDB18: 256 kbit/s AAC."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stempeg.write_stems(
        str(path),
        np.stack([song[stream] for stream in STREAMS]),
        RATE,
        writer=stempeg.StreamsWriter(codec="aac", bitrate=256_000, stem_names=list(STREAMS)),
    )


def write_folder(path: Path, song: dict[str, np.ndarray], suffix: str = ".wav") -> None:
    """Write a song as in MUSDB18-HQ, or in another format of libsndfile."""
    path.mkdir(parents=True, exist_ok=True)
    for name, waveform in song.items():
        sf.write(path / f"{name}{suffix}", waveform, RATE)


def write_musdb(stem_files: Path | None, wav: Path | None, seconds: float = 4.0) -> None:
    """Write the small data set as stem files, as WAV, or both."""
    number = 0
    for split, names in SONGS.items():
        for name in names:
            song, number = stems(number, seconds), number + 1
            if stem_files:
                write_stem_file(stem_files / split / f"{name}.stem.mp4", song)
            if wav:
                write_folder(wav / split / name, song)
