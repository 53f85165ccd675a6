"""report: write the listening page, the model card and the picture of spectrograms.

It is a separate stage because presentation changes often and needs no new separation of songs.
"""

from pathlib import Path
from urllib.parse import quote

import h5py
import pandas as pd
import soundfile as sf

from stages import fresh, read_params, run, tables
from stages.schema.eval import Eval
from stages.schema.page import Page
from vocalseg import model_file
from vocalseg.parallel import parallel_map
from vocalseg.report import listening, model_card, player, spectrograms
from vocalseg.report.excerpts import Excerpt, excerpt, with_accompaniment
from vocalseg.scores.summary import summarise
from vocalseg.songs import catalog

CATALOG, EXCERPTS = Path("data/raw/catalog.csv"), Path("data/excerpts")
MODEL = Path("models/unet.json")
REPORTS, PICTURE = Path("reports"), Path("plots/spectrograms.png")

#: Song of the picture if it is among the test songs, as in MUSDB18 and in the demo (an excerpt).
PICTURED = "The Easton Ellises - Falcon 69"


def read(song: str, start: float, peak: float) -> Excerpt:
    """Read an excerpt written by eval and encode it for the page."""
    files = {path.stem: sf.read(path, dtype="float32", always_2d=True)
             for path in (EXCERPTS / song).glob("*.flac")}
    (rate,) = {rate for _, rate in files.values()}
    stems = {stem: files[stem][0] * peak for stem in ("mixture", "vocals", "estimate")}
    return excerpt(song, start, with_accompaniment(stems), rate)


def write_sounds(part: Excerpt) -> str:
    """Write the sound of an excerpt to a separate file and return its relative URL."""
    path = Path("audio", f"{part.song}.js")
    (REPORTS / path).parent.mkdir(parents=True, exist_ok=True)
    (REPORTS / path).write_text(player.linked(part), encoding="utf-8")
    return quote(path.as_posix())


def picture(parts: list[Excerpt]) -> bytes:
    """Draw mixture, estimated vocals and true vocals of one song side by side."""
    part = next((p for p in parts if p.song == PICTURED), min(parts, key=lambda p: p.song))
    headings = {"mixture": "mixture", "estimate": "estimated vocals", "vocals": "true vocals"}
    levels = {heading: part.levels[stem] for stem, heading in headings.items()}
    return spectrograms.figure(levels, part.song, part.seconds, part.top)


def by_estimate(scores: pd.DataFrame) -> listening.Scores:
    """Summarise the scores of each estimate."""
    return {name: summarise(rows) for name, rows in scores.groupby("estimate")}


def parameters(weights: Path) -> int:
    """Count the parameters in a weights file."""
    sizes = []
    with h5py.File(weights) as file:
        file.visititems(lambda _, item: sizes.append(getattr(item, "size", 0)))
    return sum(sizes)


def main():
    settings, weights = model_file.load(MODEL)
    index = pd.read_csv(EXCERPTS / "index.csv", dtype={"song": str}, keep_default_na=False)
    parts = list(parallel_map(lambda row: read(**row), index.to_dict("records"), label="report"))
    scored = tables.read(tables.SONGS).drop(columns="gain").assign(estimate="vocalseg")
    scores = pd.concat([tables.read(tables.BOUNDS), scored])
    overall = by_estimate(scores)
    of_song = {name: by_estimate(rows) for name, rows in scores.groupby("song")}
    facts = model_card.facts(settings, parameters(weights), **read_params(Eval).model_dump())

    fresh(PICTURE, REPORTS)
    REPORTS.mkdir()
    embed = read_params(Page).embed_audio
    songs = [
        listening.Song(part, of_song[part.song], None if embed else write_sounds(part))
        for part in parts
    ]
    page, card = REPORTS / "index.html", REPORTS / "model_card.md"
    page.write_text(listening.page(songs, overall, facts), encoding="utf-8")
    catalogue = catalog.read(CATALOG)
    card.write_text(model_card.card(facts, overall, catalogue), encoding="utf-8")
    PICTURE.write_bytes(picture(parts))


if __name__ == "__main__":
    run(main)
