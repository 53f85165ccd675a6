"""The page to listen on: one HTML file that needs no network."""

import math
from base64 import b64encode
from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from vocalseg.report import spectrograms
from vocalseg.report.excerpts import STEMS, Excerpt
from vocalseg.report.style import SCRIPT, STYLE

#: dB by estimate, protocol and metric.
Scores = dict[str, dict[str, dict[str, float]]]

ROWS = {"mixture": "Floor: mixture", "vocalseg": "Estimate", "irm": "Ceiling: ideal mask"}
COLUMNS = {
    "museval": {"sdr": "SDR", "sir": "SIR", "sar": "SAR"},
    "global": {"sdr": "SDR", "si_sdr": "SI-SDR"},
}


class Song(NamedTuple):
    """A song of the page: where the sound of each stem is found, and the scores."""

    excerpt: Excerpt
    sources: dict[str, str]
    scores: Scores


def data_uri(content: bytes, kind: str) -> str:
    """Content as an address within the page; ``kind`` is its MIME type."""
    return f"data:{kind};base64,{b64encode(content).decode()}"


def gain(scores: Scores) -> float:
    """dB won over the mixture, in museval SDR or else in the global one; -inf if neither is."""
    gains = (scores["vocalseg"][p]["sdr"] - scores["mixture"][p]["sdr"] for p in COLUMNS)
    return next((value for value in gains if math.isfinite(value)), -math.inf)


def page(songs: Iterable[Song], overall: Scores, facts: dict[str, str]) -> str:
    """The whole page, the song with the largest gain first.

    Parameters
    ----------
    songs : iterable of Song
    overall : Scores
        Over all songs.
    facts : dict
        What was evaluated, as headings and texts.
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
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Listen: singing voice out of music</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body>
<a class="skip" href="#songs">Skip to the songs</a>
<header>
<h1>Singing voice out of music</h1>
<p>What the trained network makes of the test songs: hear and see the loudest singing of each, and
compare its scores with doing nothing (floor) and with a mask that knows the vocals (ceiling).</p>
<dl>
{terms}</dl>
{_table(overall, "All songs")}
<p class="note">dB, higher is better, of whole songs and their vocals. museval: median over windows
of one second, then over songs; global: the whole song at once, mean over songs.</p>
<nav aria-label="Songs">
<h2>Songs by gain over the mixture</h2>
<ol>
{entries}</ol>
</nav>
<p class="key">Colours of the spectrograms: <span>\N{MINUS SIGN}{spectrograms.RANGE} dB</span>\
<i></i><span>0 dB</span>, which is the loudest of a song's four.</p>
</header>
<main id="songs">
{sections}</main>
<footer>Audio: keep to the licence of the songs.</footer>
<script>{SCRIPT}</script>
</body>
</html>
"""


def _section(number: int, song: Song) -> str:
    part, name = song.excerpt, escape(song.excerpt.song)
    players = "".join(_player(part, stem, song.sources[stem]) for stem in STEMS)
    return f"""<section aria-labelledby="song-{number}">
<h2 id="song-{number}" tabindex="-1">{name}</h2>
<p>Gain over the mixture: {_gain(song.scores)} · heard here: {_clock(part.start)} to \
{_clock(part.start + part.seconds)}</p>
{_table(song.scores, song.excerpt.song)}
<div class="stems">
{players}</div>
</section>
"""


def _player(part: Excerpt, stem: str, source: str) -> str:
    image = data_uri(spectrograms.picture(part.levels[stem]), "image/webp")
    name = escape(f"{STEMS[stem]}, {part.song}")
    return f"""<figure>
<figcaption>{STEMS[stem]}</figcaption>
<div class="plot">{_axes(part.seconds, part.top)}
<div class="image"><img src="{image}" alt="Spectrogram: {name}"></div></div>
<audio controls preload="metadata" aria-label="{name}" src="{escape(source)}"></audio>
</figure>
"""


def _axes(seconds: float, top: float) -> str:
    """Labels at the left edge, in Hz, and below, in s; the picture itself says it to no reader."""
    hertz = "".join(
        f'<b style="bottom:{100 * spectrograms.height(hz, top):.1f}%">{_short(hz)}</b>'
        for hz in spectrograms.ticks(top)
    )
    step = max(1, math.ceil(seconds / 6))
    times = "".join(
        f'<b style="left:{100 * second / seconds:.1f}%">{second} s</b>'
        for second in range(0, math.floor(seconds) + 1, step)
    )
    return (
        f'<div class="hertz" aria-hidden="true">{hertz}</div>'
        f'<div class="times" aria-hidden="true">{times}</div>'
    )


def _table(scores: Scores, caption: str) -> str:
    columns = [(protocol, metric) for protocol, metrics in COLUMNS.items() for metric in metrics]
    groups = "".join(
        f'<th scope="colgroup" colspan="{len(metrics)}">{protocol}</th>'
        for protocol, metrics in COLUMNS.items()
    )
    heads = "".join(f'<th scope="col">{COLUMNS[p][m]}</th>' for p, m in columns)
    rows = "".join(
        f'<tr class="{key}"><th scope="row">{label}</th>'
        + "".join(f"<td>{_decibels(scores[key][p][m])}</td>" for p, m in columns)
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
    text = f"{_decibels(value, '+')} dB" if math.isfinite(value) else "no score"
    return f'<span class="gain">{text}</span>'


def _decibels(value: float, sign: str = "") -> str:
    return f"{value:{sign}.1f}".replace("-", "\N{MINUS SIGN}") if math.isfinite(value) else "–"


def _short(hz: int) -> str:
    return f"{hz // 1000} kHz" if hz >= 1000 else f"{hz} Hz"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{minutes:.0f}:{rest:04.1f}"
