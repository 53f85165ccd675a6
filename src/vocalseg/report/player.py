"""HTML of a player, which shows the tracks of one excerpt on a common timeline.

``player.js`` controls it. The sound is either embedded in the page (:func:`embedded`) or in a
separate script (:func:`linked`), because browsers allow a page on disk to run local scripts but not
to read the samples of local sound files.
"""

import json
import math
from base64 import b64encode
from html import escape
from typing import NamedTuple

from vocalseg.report import spectrograms
from vocalseg.report.document import data_uri, decibels
from vocalseg.report.excerpts import Excerpt

HELP = """<details class="help">
<summary>Mouse, touch and keys</summary>
<p>Choose a track to hear it; the position stays the same. Drag across a spectrogram to loop that
part, click or tap to move there. <b>S</b>olo several tracks to hear them together, at their
original levels; <b>M</b>ute silences one. Single tracks are played equally loud (ITU-R BS.1770)
unless <i>Match loudness</i> is off.</p>
<p><kbd>Space</kbd> play or pause · <kbd>1</kbd>–<kbd>9</kbd> or <kbd>↑</kbd> <kbd>↓</kbd> choose a
track · <kbd>←</kbd> <kbd>→</kbd> move by half a second · <kbd>S</kbd> solo, <kbd>M</kbd> mute the
chosen track, <kbd>Shift</kbd>+<kbd>1</kbd>–<kbd>9</kbd> solo any · <kbd>A</kbd> <kbd>B</kbd> set
start and end of the loop, <kbd>L</kbd> loop on or off, <kbd>Esc</kbd> loop everything</p>
</details>
<noscript><p class="error">Listening needs JavaScript, which is switched off here.</p></noscript>
"""


class Track(NamedTuple):
    """Label of a track, and a note such as its score or the reason why it has no sound."""

    label: str
    note: str = ""


def player(part: Excerpt, tracks: dict[str, Track], file: str | None = None) -> str:
    """Format the player of one excerpt.

    Parameters
    ----------
    part : Excerpt
        The excerpt.
    tracks : dict of Track
        Tracks to show, from top to bottom, by their key in the excerpt. Tracks that the excerpt
        does not have are shown as missing.
    file : str, optional
        URL of the script with the sound (:func:`linked`); by default, the sound is in the page.

    Returns
    -------
    str
        HTML element.
    """
    lanes = "".join(
        _lane(number, key, track, part) for number, (key, track) in enumerate(tracks.items(), 1)
    )
    name = escape(part.song)
    source = f' data-file="{escape(file)}"' if file else ""
    return f"""<div class="player" role="group" aria-label="Player: {name}" data-song="{name}" \
data-seconds="{part.seconds:.6f}"{source}>
<div class="transport">
<button type="button" class="play" aria-label="Play">▶</button>
<input type="range" class="seek" min="0" max="{part.seconds:.3f}" step="0.01" value="0" \
aria-label="Position in seconds">
<span class="time">0.0 / {part.seconds:.1f} s</span>
<button type="button" class="loop" aria-pressed="true">Loop all</button>
<button type="button" class="whole" hidden>Whole excerpt</button>
<button type="button" class="match" aria-pressed="true">Match loudness</button>
</div>
<ol class="lanes">
{lanes}</ol>
{_times(part.seconds)}
<p class="status" role="status"></p>
</div>
"""


def _lane(number: int, key: str, track: Track, part: Excerpt) -> str:
    name, label = escape(key), escape(track.label)
    digit = f"<kbd>{number % 10}</kbd> " if number <= 10 else ""
    note = f'<span class="note">{escape(track.note)}</span>' if track.note else ""
    if key not in part.sounds:
        return f"""<li class="lane missing" data-track="{name}">
<div class="controls"><button type="button" class="pick" disabled>{digit}{label}</button></div>
<p class="plot">{note or '<span class="note">no sound</span>'}</p>
</li>
"""
    image = data_uri(spectrograms.picture(part.levels[key]), "image/webp")
    gain = part.gains[key]
    return f"""<li class="lane" data-track="{name}" data-gain="{gain}">
<div class="controls">
<button type="button" class="pick" aria-pressed="false">{digit}<span>{label}</span></button>
<button type="button" class="solo" aria-pressed="false" aria-label="Solo: {label}" \
title="Solo">S</button>
<button type="button" class="mute" aria-pressed="false" aria-label="Mute: {label}" \
title="Mute">M</button>
{note}<span class="gain" title="Gain that matches the loudness">{decibels(gain, "+")} dB</span>
</div>
<div class="plot">{_hertz(part.top)}
<div class="image"><img src="{image}" alt="Spectrogram: {label}, {escape(part.song)}" \
draggable="false"></div></div>
</li>
"""


def embedded(part: Excerpt) -> str:
    """Format the sound of an excerpt as an element of the page."""
    return (
        f'<script type="application/json" class="sounds" data-song="{escape(part.song)}">'
        f"{_json(_base64(part))}</script>\n"
    )


def linked(part: Excerpt) -> str:
    """Format the sound of an excerpt as a separate script."""
    return f"registerSounds({_json(part.song)}, {_json(_base64(part))});\n"


def _base64(part: Excerpt) -> dict[str, str]:
    return {key: b64encode(sound).decode() for key, sound in part.sounds.items()}


def _json(value) -> str:
    """Format JSON that cannot close the script element that contains it."""
    return json.dumps(value).replace("<", "\\u003c")


def _hertz(top: float) -> str:
    """Format the frequency labels, which are hidden from screen readers."""
    labels = "".join(
        f'<b style="--y:{100 * spectrograms.height(hz, top):.1f}%">{_short(hz)}</b>'
        for hz in spectrograms.ticks(top)
        if hz
    )
    return f'<div class="hertz" aria-hidden="true">{labels}</div>'


def _times(seconds: float) -> str:
    step = max(1, math.ceil(seconds / 6))
    labels = "".join(
        f'<b style="left:{100 * second / seconds:.1f}%">{second} s</b>'
        for second in range(0, math.floor(seconds) + 1, step)
    )
    return f'<div class="times" aria-hidden="true"><div>{labels}</div></div>'


def _short(hz: int) -> str:
    return f"{hz // 1000} kHz" if hz >= 1000 else f"{hz} Hz"
