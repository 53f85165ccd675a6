"""resample: convert mixture and vocals of every song to mono at the network's sample rate.

It is a separate stage because reading and resampling songs is the slowest part of the preparation
and depends only on the sample rate.
"""

from pathlib import Path

from stages import fresh, read_params, run
from stages.schema.audio import Audio
from vocalseg import audio
from vocalseg.parallel import parallel_map
from vocalseg.songs import catalog, stems

RAW, OUT = Path("data/raw"), Path("data/resampled")


def main():
    fresh(OUT)
    rate = read_params(Audio).sample_rate

    def resample(song: catalog.Song):
        mixture, vocals, song_rate = stems.read(catalog.song_path(song, RAW))
        for stem, waveform in (("mixture", mixture), ("vocals", vocals)):
            mono = audio.resample(audio.to_mono(waveform), song_rate, rate)
            audio.write(OUT / song.split / song.name / f"{stem}.wav", mono, rate)

    list(parallel_map(resample, catalog.read(RAW / "catalog.csv"), label="resample"))


if __name__ == "__main__":
    run(main)
