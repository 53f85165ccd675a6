"""stft_tile: cut magnitude spectrograms of the training songs into tiles, each stored once.

It is a separate stage because all experiments share these tiles; scaling and augmentation only add
a few megabytes of statistics and tables.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.lib.format import open_memmap

from stages import fresh, read_params, run
from stages.schema.stft import Stft
from vocalseg import audio, spectrogram
from vocalseg.errors import BadInput
from vocalseg.parallel import parallel_map

SONGS, OUT = Path("data/resampled/train"), Path("data/tiles")
STEMS = {"mixture": OUT / "mixture.npy", "vocals": OUT / "vocals.npy"}


def main():
    stft = read_params(Stft)
    frame, hop, size = stft.frame_size, stft.hop, stft.tile_frames
    songs = sorted(SONGS.iterdir())
    headers = [audio.properties(song / "mixture.wav") for song in songs]
    counts = [spectrogram.tile_count(samples, hop, size) for samples, _, _ in headers]
    if not sum(counts):
        rate = headers[0][1]
        raise BadInput(
            f"{SONGS}: no song is as long as one tile ({size * hop / rate:.1f} s); add longer "
            "songs, or lower stft.tile_frames"
        )
    firsts = np.cumsum([0, *counts[:-1]])

    fresh(OUT)
    OUT.mkdir()
    shape = (sum(counts), frame // 2, size)
    # Headers are written once: in Python 3.11, ast.literal_eval is not reliable in several threads.
    offsets = {
        path: open_memmap(path, mode="w+", dtype=np.float32, shape=shape).offset
        for path in STEMS.values()
    }

    def cut(job):
        song, first, count = job
        tiles = {}
        for stem, path in STEMS.items():
            waveform, _ = audio.read(song / f"{stem}.wav")
            spectrum = spectrogram.stft(waveform[:, 0], frame, hop)
            tiles[stem] = spectrogram.tiles(np.abs(spectrum), size)
            # The file is mapped again for each song, because pages of a kept mapping count as this
            # process' memory.
            whole = np.memmap(path, np.float32, "r+", offsets[path], shape)
            whole[first : first + count] = tiles[stem]
            if stem == "mixture":
                phases = spectrogram.tiles(spectrogram.phase(spectrum), size)
        energy = np.abs(spectrogram.tile_waveforms(tiles["vocals"], phases, hop)).sum(axis=1)
        return pd.DataFrame(
            {
                "track": song.name,
                "first_frame": np.arange(count) * size,
                "vocal_l1": energy.round(3),
            }
        )

    jobs = [job for job in zip(songs, firsts, counts, strict=True) if job[2]]
    index = pd.concat(parallel_map(cut, jobs, label="stft_tile"), ignore_index=True)
    index.to_csv(OUT / "index.csv", index=False)
    settings = {"sample_rate": headers[0][1], **stft.model_dump()}
    (OUT / "tiles.json").write_text(json.dumps(settings, indent=2) + "\n")


if __name__ == "__main__":
    run(main)
