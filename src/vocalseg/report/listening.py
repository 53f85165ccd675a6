"""Listening page of one model: an HTML file that needs no network."""

import math
from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from vocalseg.report import spectrograms
from vocalseg.report.document import decibels, document
from vocalseg.report.excerpts import STEMS, Excerpt
from vocalseg.report.player import HELP, Track, embedded, player

#: Scores in dB by estimate, protocol and metric.
Scores = dict[str, dict[str, dict[str, float]]]

ROWS = {"mixture": "Floor: mixture", "vocalseg": "Estimate", "irm": "Ceiling: ideal mask"}
COLUMNS = {
    "museval": {"sdr": "SDR", "sir": "SIR", "sar": "SAR"},
    "global": {"sdr": "SDR", "si_sdr": "SI-SDR"},
}
TRACKS = {key: Track(label) for key, label in STEMS.items()}


class Song(NamedTuple):
    """A song of the page.

    Attributes
    ----------
    excerpt : Excerpt
    scores : Scores
        Scores of the whole song.
    file : str, optional
        Relative URL of the script with the sound, see :func:`vocalseg.report.player.linked`; by
        default, the sound is embedded in the page.
    """

    excerpt: Excerpt
    scores: Scores
    file: str | None = None


def gain(scores: Scores) -> float:
    """Compute the gain over the mixture in museval SDR, else in global SDR, else -inf (dB)."""
    gains = (scores["vocalseg"][p]["sdr"] - scores["mixture"][p]["sdr"] for p in COLUMNS)
    return next((value for value in gains if math.isfinite(value)), -math.inf)


def page(songs: Iterable[Song], overall: Scores, facts: dict[str, str]) -> str:
    """Format the page; songs are sorted by decreasing gain.

    Parameters
    ----------
    songs : iterable of Song
        In any order.
    overall : Scores
        Scores over all songs.
    facts : dict of str
        Description of the model by heading, see :func:`vocalseg.report.model_card.facts`.

    Returns
    -------
    str
        HTML document.
    """
    ordered = sorted(songs, key=lambda song: -gain(song.scores))
    entries = "".join(
        f'<li><a href="#song-{i}">{escape(song.excerpt.song)}</a> {_gain(song.scores)}</li>\n'
        for i, song in enumerate(ordered, 1)
    )
    sections = "".join(_section(i, song) for i, song in enumerate(ordered, 1))
    terms = "".join(
        f"<div><dt>{escape(heading)}</dt><dd>{escape(text)}</dd></div>\n"
        for heading, text in facts.items()
    )
    body = f"""<a class="skip" href="#songs">Skip to the songs</a>
<header>
<h1>Singing voice separation</h1>
<p>Listen to the test songs as separated by the trained network. Each excerpt has the song's loudest
singing. The scores are compared with those of the unprocessed mixture (floor) and of the ideal
mask, which is computed from the true vocals (ceiling).</p>
<dl>
{terms}</dl>
{_table(overall, "All songs")}
<p class="note">Scores of the vocals in dB over whole songs; higher is better. museval: median over
windows of one second, then over songs; global: over the whole song at once, mean over songs.</p>
<nav aria-label="Songs">
<h2>Songs by gain over the mixture</h2>
<ol>
{entries}</ol>
</nav>
{HELP}{colour_key()}</header>
<main id="songs">
{sections}</main>
<footer>Audio: observe the licences of the songs.</footer>
"""
    return document("Listen: singing voice separation", body)


def colour_key() -> str:
    """Format the colour key of the spectrograms."""
    return (
        f'<p class="key">Colours of the spectrograms: <span>\N{MINUS SIGN}{spectrograms.RANGE} dB'
        "</span><i></i><span>0 dB</span>, the loudest value of a song's tracks.</p>\n"
    )


def clock(seconds: float) -> str:
    """Format a time as minutes and seconds."""
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{minutes:.0f}:{rest:04.1f}"


def _section(number: int, song: Song) -> str:
    part, name = song.excerpt, escape(song.excerpt.song)
    sounds = "" if song.file else embedded(part)
    return f"""<section aria-labelledby="song-{number}">
<h2 id="song-{number}" tabindex="-1">{name}</h2>
<p>Gain over the mixture: {_gain(song.scores)} · excerpt: {clock(part.start)} to \
{clock(part.start + part.seconds)}</p>
{player(part, TRACKS, song.file)}{_table(song.scores, part.song)}
{sounds}</section>
"""


def _table(scores: Scores, caption: str) -> str:
    columns = [(protocol, metric) for protocol, metrics in COLUMNS.items() for metric in metrics]
    groups = "".join(
        f'<th scope="colgroup" colspan="{len(metrics)}">{protocol}</th>'
        for protocol, metrics in COLUMNS.items()
    )
    heads = "".join(f'<th scope="col">{COLUMNS[p][m]}</th>' for p, m in columns)
    rows = "".join(
        f'<tr class="{key}"><th scope="row">{label}</th>'
        + "".join(f"<td>{decibels(scores[key][p][m])}</td>" for p, m in columns)
        + "</tr>\n"
        for key, label in ROWS.items()
    )
    return f"""<table>
<caption>Scores in dB: {escape(caption)}</caption>
<thead><tr><td rowspan="2"></td>{groups}</tr><tr>{heads}</tr></thead>
<tbody>
{rows}</tbody>
</table>"""


def _gain(scores: Scores) -> str:
    value = gain(scores)
    text = f"{decibels(value, '+')} dB" if math.isfinite(value) else "no score"
    return f'<span class="won">{text}</span>'
