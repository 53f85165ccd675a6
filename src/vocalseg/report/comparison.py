"""HTML page that compares experiments: table, estimates on a common timeline, and blind test.

The page is one file and needs no network. For each song it contains the mixture, the true vocals
and the estimate of each experiment.
"""

import hashlib
import json
import math
from html import escape
from typing import NamedTuple

import pandas as pd

from vocalseg.report.document import SCRIPTS, decibels, document
from vocalseg.report.excerpts import STEMS, Excerpt
from vocalseg.report.listening import clock, colour_key
from vocalseg.report.player import HELP, Track, embedded, player

#: Tracks that are the same for all experiments.
GIVEN = ("mixture", "vocals")


class Song(NamedTuple):
    """A song of the page.

    Attributes
    ----------
    excerpt : Excerpt
        It has a track for each of :data:`GIVEN` and for each experiment that is not in ``missing``.
    scores : dict of float
        museval SDR of the whole song by experiment, in dB.
    missing : dict of str
        The reason for each experiment without a track.
    """

    excerpt: Excerpt
    scores: dict[str, float]
    missing: dict[str, str]


def page(songs: list[Song], table: pd.DataFrame) -> str:
    """Format the page.

    Parameters
    ----------
    songs : list of Song
        In the order of the page.
    table : DataFrame
        One row for each experiment, indexed by its name, in the order of the page. Float columns
        are scores in dB; other columns are shown unchanged.

    Returns
    -------
    str
        HTML document.
    """
    names = list(table.index)
    chooser = "".join(
        f'<button type="button" data-song="{escape(song.excerpt.song)}" aria-pressed="false">'
        f"{escape(song.excerpt.song)}</button>\n"
        for song in songs
    )
    sections = "".join(_section(i, song, names) for i, song in enumerate(songs, 1))
    body = f"""<a class="skip" href="#songs">Skip to the songs</a>
<header>
<h1>Experiments side by side</h1>
<p>Choose an experiment in the table to hear its estimate of the singing voice, and a song below it.
The position stays the same, so differences can be heard directly. A <a href="#blind">blind test</a>
asks which one is better without naming them.</p>
</header>
<main>
{_table(table)}
<p class="note">In dB, higher is better, over all test songs. SDR, SIR and SAR: museval; gain: SDR
over that of the mixture. Click a heading to sort by its column, or a row to play its
experiment.</p>
<div class="chooser" role="group" aria-label="Song" id="songs" tabindex="-1">
{chooser}</div>
{sections}{HELP}{colour_key()}
{_blind(names, page_id(songs))}</main>
<footer>Audio: observe the licences of the songs.</footer>
"""
    scripts = (*SCRIPTS, "comparison.js", "trials.js", "blind.js")
    return document("Listen: experiments side by side", body, scripts)


def page_id(songs: list[Song]) -> str:
    """Compute a digest of the sounds of a page; only blind tests of the same page are pooled."""
    digest = hashlib.sha256()
    for song in songs:
        for key, sound in song.excerpt.sounds.items():
            digest.update(f"{song.excerpt.song}\n{key}\n{len(sound)}\n".encode())
            digest.update(sound)
    return digest.hexdigest()[:12]


def _section(number: int, song: Song, names: list[str]) -> str:
    part = song.excerpt
    tracks = {key: Track(STEMS[key]) for key in GIVEN}
    for name in names:
        note = song.missing.get(name) or f"SDR {decibels(song.scores.get(name, math.nan))}"
        tracks[name] = Track(name, note)
    return f"""<section class="song" aria-labelledby="song-{number}">
<h2 id="song-{number}" tabindex="-1">{escape(part.song)}</h2>
<p>Excerpt: {clock(part.start)} to {clock(part.start + part.seconds)}. SDR: museval, of the whole
song.</p>
{player(part, tracks)}{embedded(part)}</section>
"""


def _table(table: pd.DataFrame) -> str:
    numeric = [False, *(table[head].dtype.kind == "f" for head in table)]
    heads = "".join(
        f'<th scope="col" class="{"number" if number else "text"}">'
        f'<button type="button">{escape(str(head))}</button></th>'
        for head, number in zip(["experiment", *table], numeric, strict=True)
    )
    rows = "".join(
        f'<tr data-track="{escape(name)}"><th scope="row" data-value="{escape(name)}">'
        f'<button type="button" aria-pressed="false" aria-label="Play {escape(name)}">'
        f'<span aria-hidden="true">▶</span> {escape(name)}</button></th>'
        f"{''.join(map(_cell, row))}</tr>\n"
        for name, row in zip(table.index, table.itertuples(index=False), strict=True)
    )
    return f"""<div class="scroll" tabindex="0" role="region" aria-label="Experiments and scores">
<table class="experiments">
<thead><tr>{heads}</tr></thead>
<tbody>
{rows}</tbody>
</table>
</div>"""


def _cell(value) -> str:
    if not isinstance(value, float):
        return f'<td class="text" data-value="{escape(str(value))}">{escape(str(value))}</td>'
    text = f"{value:.2f}".replace("-", "\N{MINUS SIGN}") if math.isfinite(value) else "–"
    return f'<td data-value="{value if math.isfinite(value) else ""}">{text}</td>'


def _blind(names: list[str], page: str) -> str:
    if len(names) < 2:
        return '<section id="blind"><p>A blind test needs two experiments.</p></section>'
    boxes = "".join(
        f'<label><input type="checkbox" name="experiment" value="{escape(name)}"'
        f"{' checked' if place < 2 else ''}> {escape(name)}</label>\n"
        for place, name in enumerate(names)
    )
    settings = escape(json.dumps({"page": page}))
    return f"""<section id="blind" class="own-keys" aria-labelledby="blind-title" \
data-settings="{settings}">
<h2 id="blind-title" tabindex="-1">Blind test</h2>
<form class="setup">
<p>Each trial has two estimates, A and B, and X, which is one of the two. Choose the better estimate
of the singing voice alone, and say whether X is A or B. In some trials, one of the two is the true
vocals, as a check of the answers' reliability. With two experiments, the test takes about three
minutes. Use headphones.</p>
<fieldset><legend>Experiments</legend>
{boxes}</fieldset>
<div class="fields">
<label>Your name or initials <input name="listener" required maxlength="40" autocomplete="off">
</label>
<label>Trials <input name="trials" type="number" value="12" min="4" max="100" required></label>
<label>Seed of the random order <input name="seed" required maxlength="40" autocomplete="off">
</label>
</div>
<p class="status error" role="alert"></p>
<button type="submit" class="main">Start</button>
</form>
<div class="trial" hidden>
<p class="progress" role="status"></p>
<div class="sounds" role="group" aria-label="Sounds">
<button type="button" data-sound="A" aria-pressed="false">A</button>
<button type="button" data-sound="B" aria-pressed="false">B</button>
<button type="button" data-sound="X" aria-pressed="false">X</button>
<button type="button" data-sound="mixture" aria-pressed="false">Mixture</button>
<button type="button" class="pause">Pause</button>
</div>
<fieldset><legend>Which is the better estimate of the singing voice alone?</legend>
<label><input type="radio" name="preferred" value="A"> A</label>
<label><input type="radio" name="preferred" value=""> no preference</label>
<label><input type="radio" name="preferred" value="B"> B</label>
</fieldset>
<fieldset><legend>Which of the two is X?</legend>
<label><input type="radio" name="guess" value="A"> A</label>
<label><input type="radio" name="guess" value="B"> B</label>
</fieldset>
<p class="status error" role="alert"></p>
<div class="row"><button type="button" class="next main" disabled>Next</button>
<button type="button" class="stop">Stop here</button></div>
<p class="note">Keys: <kbd>A</kbd> <kbd>B</kbd> <kbd>X</kbd> and <kbd>M</kbd> (mixture) switch, \
<kbd>Space</kbd> plays or pauses.</p>
</div>
<div class="result" hidden>
<p class="summary" role="status" tabindex="-1"></p>
<div class="row"><button type="button" class="download main">Download the answers (CSV)</button>
<button type="button" class="again">Another test</button></div>
<p class="note"><code>python -m study.listening FILES…</code> evaluates the files of one or more
listeners.</p>
</div>
</section>
"""
