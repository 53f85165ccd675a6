"""eval: separates every test song, scores it by the field's protocols and by Table I's, shows it.

Why a stage: scores depend on how a network is applied as much as on the network.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd

from stages import fresh, read_params, run, scoring
from vocalseg.errors import BadInput
from vocalseg.parallel import each
from vocalseg.report import listening, model_card, spectrograms
from vocalseg.report.excerpts import Excerpt, excerpt
from vocalseg.scores import standard
from vocalseg.separator import Separator
from vocalseg.songs import catalog, stems
from vocalseg.unet import build_unet

MODEL, BOUNDS = Path("models/unet.json"), Path("plots/bounds.csv")
METRICS, TABLE, REPORTS = Path("metrics/eval.json"), Path("plots/songs.csv"), Path("reports")
PICTURE = Path("plots/spectrograms.png")

#: The song of the picture, where it is among the test songs: the demo's real one, and MUSDB18's.
PICTURED = "The Easton Ellises - Falcon 69"


def estimates(
    separator: Separator, songs: list[catalog.Song]
) -> Iterator[tuple[catalog.Song, np.ndarray]]:
    """Each song with the estimate of its vocals, (samples, channels), at its own rate."""
    for song in songs:
        mixture, _, rate = stems.read(catalog.folder(song, scoring.RAW))
        vocals, _ = separator.separate(mixture, rate)
        if not np.isfinite(vocals).all():
            raise BadInput(
                f"{MODEL}: its estimate of {song.name!r} is not a number; train again with a lower "
                "train.learning_rate"
            )
        yield song, vocals


def score(
    separated: tuple[catalog.Song, np.ndarray], seconds: float
) -> tuple[pd.DataFrame, Excerpt]:
    """Scores of one song (song, protocol, metric, value), and what is heard of it."""
    song, estimate = separated
    mixture, vocals, rate = stems.read(catalog.folder(song, scoring.RAW))
    table = standard.score_song(mixture, vocals, estimate, rate)
    table.insert(0, "song", song.name)
    return table, excerpt(song.name, mixture, vocals, estimate, rate, seconds)


def sources(part: Excerpt, embed: bool) -> dict[str, str]:
    """Where the page finds each stem's sound: in itself, or in a file beside it."""
    if embed:
        return {stem: listening.data_uri(sound, "audio/ogg") for stem, sound in part.sounds.items()}
    links = {}
    for stem, sound in part.sounds.items():
        path = Path("audio", part.song, f"{stem}.ogg")
        (REPORTS / path).parent.mkdir(parents=True, exist_ok=True)
        (REPORTS / path).write_bytes(sound)
        links[stem] = quote(path.as_posix())
    return links


def picture(parts: list[Excerpt]) -> bytes:
    """Mixture, estimate and truth of one song, side by side."""
    part = next((p for p in parts if p.song == PICTURED), min(parts, key=lambda p: p.song))
    headings = {"mixture": "mixture", "estimate": "estimated vocals", "vocals": "true vocals"}
    levels = {heading: part.levels[stem] for stem, heading in headings.items()}
    return spectrograms.figure(levels, part.song, part.seconds, part.top)


def by_estimate(scores: pd.DataFrame) -> listening.Scores:
    """Summaries of the rows of each estimate."""
    return {name: standard.summarise(rows) for name, rows in scores.groupby("estimate")}


def show(
    parts: list[Excerpt], scores: pd.DataFrame, facts: dict[str, str], embed_audio: bool
) -> None:
    """Write the page to listen on, the model card and the picture.

    Parameters
    ----------
    scores : DataFrame
        ``estimate``, ``song``, ``protocol``, ``metric``, ``value``, the bounds among them.
    """
    overall = by_estimate(scores)
    of_song = {name: by_estimate(rows) for name, rows in scores.groupby("song")}
    REPORTS.mkdir()
    songs = [listening.Song(p, sources(p, embed_audio), of_song[p.song]) for p in parts]
    page, card = REPORTS / "index.html", REPORTS / "model_card.md"
    page.write_text(listening.page(songs, overall, facts), encoding="utf-8")
    catalogue = catalog.read(scoring.RAW / "catalog.csv")
    card.write_text(model_card.card(facts, overall, catalogue), encoding="utf-8")
    PICTURE.write_bytes(picture(parts))


def main():
    params = read_params("eval", "reports")
    separator = Separator.load(MODEL, **params.eval.model_dump())
    settings = separator.settings
    test_songs = scoring.test_songs()
    # The network works in this process while others score what it has separated.
    results = each(
        partial(score, seconds=params.reports.seconds),
        estimates(separator, test_songs),
        label="separate, score",
        total=len(test_songs),
        processes=True,
    )
    tables, parts = zip(*results, strict=True)
    songs = pd.concat(tables, ignore_index=True)
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

    # Names of songs that look like numbers or NA stay names.
    as_written = {"dtype": {"song": str}, "keep_default_na": False, "na_values": {"value": ""}}
    bounds = pd.read_csv(BOUNDS, **as_written)
    floor = bounds.query("estimate == 'mixture'").drop(columns="estimate")
    table = songs.merge(floor, on=["song", "protocol", "metric"], suffixes=("", "_of_mixture"))
    table["gain"] = table["value"] - table.pop("value_of_mixture")
    fresh(TABLE, PICTURE, REPORTS)
    table.round({"value": 3, "gain": 3}).to_csv(TABLE, index=False)

    size = settings.bins, settings.tile_frames, settings.filters, settings.depth
    parameters = build_unet(*size).count_params()
    facts = model_card.facts(settings, parameters, **params.eval.model_dump())
    scores = pd.concat([bounds, songs.assign(estimate="vocalseg")])
    show(parts, scores, facts, params.reports.embed_audio)


if __name__ == "__main__":
    run(main)
