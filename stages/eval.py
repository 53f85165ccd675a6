"""eval: separates every test song and scores it by the field's protocols and by Table I's.

Why a stage: scores depend on how a network is applied as much as on the network.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf
from tqdm import tqdm

from stages import fresh, read_params, run, scoring
from vocalseg import audio
from vocalseg.errors import BadInput
from vocalseg.parallel import each
from vocalseg.scores import standard
from vocalseg.separator import Separator
from vocalseg.songs import catalog, stems

MODEL, BOUNDS = Path("models/unet.json"), Path("plots/bounds.csv")
METRICS, TABLE, REPORTS = Path("metrics/eval.json"), Path("plots/songs.csv"), Path("reports")


def estimate_file(song: catalog.Song, stem: str = "vocals") -> Path:
    """Where a song's estimate is kept: what is scored is what can be heard."""
    return REPORTS / "audio" / song.name / f"{stem}.flac"


def separate(separator: Separator, song: catalog.Song) -> None:
    """Write the estimates of one song at its own rate and channels."""
    mixture, _, rate = stems.read(catalog.folder(song, scoring.RAW))
    vocals, accompaniment = separator.separate(mixture, rate)
    if not np.isfinite(vocals).all():
        raise BadInput(
            f"{MODEL}: its estimate of {song.name!r} is not a number; train again with a lower "
            "train.learning_rate"
        )
    for stem, waveform in (("vocals", vocals), ("accompaniment", accompaniment)):
        path = estimate_file(song, stem)
        path.parent.mkdir(parents=True, exist_ok=True)
        sf.write(path, waveform, rate, subtype="PCM_16")


def score(song: catalog.Song) -> pd.DataFrame:
    """Scores of one song: song, protocol, metric, value."""
    mixture, vocals, rate = stems.read(catalog.folder(song, scoring.RAW))
    table = standard.score_song(mixture, vocals, audio.read(estimate_file(song))[0], rate)
    table.insert(0, "song", song.name)
    return table


def main():
    options = read_params("eval").eval
    separator = Separator.load(MODEL, **options.model_dump())
    settings = separator.settings
    fresh(REPORTS)
    test_songs = scoring.test_songs()
    for song in tqdm(test_songs, desc="separate", unit="song", disable=None):
        separate(separator, song)
    songs = pd.concat(each(score, test_songs, label="score", processes=True), ignore_index=True)
    row = scoring.table1_scores(
        lambda mixture, vocals: separator.estimate_tiles(mixture),
        settings.frame_size,
        settings.hop,
        settings.tile_frames,
        label="table1",
    )
    metrics = scoring.summary(songs, row)
    metrics["songs"] = scoring.announce_left_out(songs)
    scoring.write_metrics(METRICS, metrics)

    floor = pd.read_csv(BOUNDS).query("estimate == 'mixture'").drop(columns="estimate")
    songs = songs.merge(floor, on=["song", "protocol", "metric"], suffixes=("", "_of_mixture"))
    songs["gain"] = songs["value"] - songs.pop("value_of_mixture")
    fresh(TABLE)
    songs.round({"value": 3, "gain": 3}).to_csv(TABLE, index=False)


if __name__ == "__main__":
    run(main)
