"""The model card: what was trained, on what, how well it does and what it is for."""

import math
from collections.abc import Iterable

from vocalseg.model_file import Settings
from vocalseg.songs.catalog import Song

ESTIMATES = {
    "mixture": "mixture (floor)",
    "vocalseg": "**this model**",
    "irm": "ideal ratio mask (ceiling)",
    "mix_phase": "true magnitude, mixture's phase (ceiling)",
}
COLUMNS = {"museval": ("sdr", "sir", "sar", "isr"), "global": ("sdr", "si_sdr")}

SYNTHETIC = "synthetic songs (a singing voice over drums, bass and chords)"
MUSDB18 = "MUSDB18"
FOLDER = "a folder of songs"


def facts(
    settings: Settings,
    parameters: int,
    overlap: float,
    extend: bool,
    output: str = "mask",
    wiener: int = 0,
) -> dict[str, str]:
    """What a model is and how it is applied, as headings and texts.

    Parameters
    ----------
    settings : Settings
    parameters : int
        How many the network has.
    overlap : float
        Of tiles, as a part of one.
    extend : bool
        Whether the mask is carried on above the network's band.
    output : {"mask", "magnitude"}
        How the estimated magnitudes become vocals.
    wiener : int
        Iterations of a Wiener filter on songs in stereo.
    """
    rate, top = settings.sample_rate, settings.sample_rate / 2000
    return {
        "Network": f"{_NETWORKS[settings.name]}, {settings.depth} levels, "
        f"{settings.filters} filters in the first, {parameters:,} parameters, "
        + _ESTIMATES[settings.output]
        + (" of vocals and accompaniment" if settings.targets == "both" else ""),
        "Input": f"magnitudes at {rate:,} Hz, tiles of {settings.bins} × {settings.tile_frames} "
        f"(frames of {settings.frame_size}, hop {settings.hop})",
        "Normalization": f"scaler {settings.scaler}, axis {settings.axis}",
        "Applied": f"tiles overlap by {overlap:g}; above {top:.1f} kHz "
        + ("the mask is carried on" if extend else "silence"),
        "Output": _OUTPUTS[output]
        + (f"; Wiener filter of {wiener} iterations for stereo" if wiener else ""),
    }


_NETWORKS = {"unet": "U-Net", "strided": "U-Net of strided convolutions"}
_ESTIMATES = {"magnitude": "estimates magnitudes", "mask": "estimates masks"}

_OUTPUTS = {
    "mask": "a mask in [0, 1] on the mixture's spectrogram; the mixture's phase is kept",
    "magnitude": "the estimated magnitude with the mixture's phase, mono",
}


def origin(songs: list[Song]) -> str:
    """What songs a catalogue's rows are, by where they lie and what is known of them."""
    if any(song.source.startswith("$") or song.remark for song in songs):
        return MUSDB18
    return FOLDER if any(song.source.startswith("/") for song in songs) else SYNTHETIC


def card(facts: dict[str, str], scores: dict, songs: list[Song]) -> str:
    """The card, as Markdown.

    Parameters
    ----------
    facts : dict
        As :func:`facts` gives them.
    scores : dict
        dB over all test songs, by estimate, protocol and metric.
    songs : list of Song
        The catalogue, both splits.
    """
    train, test = ([s for s in songs if s.split == split] for split in ("train", "test"))
    source = origin(train)
    columns = [(protocol, metric) for protocol, metrics in COLUMNS.items() for metric in metrics]
    table = [
        _row("dB", (f"{p} {m.upper().replace('_', '-')}" for p, m in columns)),
        "|---" + "|---:" * len(columns) + "|",
        *(
            _row(label, (_decibels(scores[estimate][p][m]) for p, m in columns))
            for estimate, label in ESTIMATES.items()
        ),
    ]
    described = [f"- {heading}: {text}" for heading, text in facts.items()]
    return f"""# Model card: vocalseg

A network that takes the singing voice out of music: it estimates the vocals' magnitude spectrogram
from the mixture's, after *Spectral Mapping of Singing Voices* (arXiv 2405.20059).

## Model

{_lines(described)}

## Data

- Trained on: {source}; {_amount(train)}, some of them held out to choose the best epoch
- Scored on: {_amount(test)}, none of them trained on

## Scores

{_lines(table)}

Of the vocals, at the songs' own rate and channels. museval (BSSEval v4): median over windows of one
second, then over songs; global: the whole song at once, mean over songs. Higher is better.

## Limits

- {_LIMITS[source]}
- The mixture's phase is kept: the last row above is about what such a method can reach
- The network sees nothing above its band, and does not tell singers apart

## Intended use

Research and teaching on source separation: comparing the settings of this study with each other.

## Licence

Code: MIT. The songs keep their own licences{_LICENCES[source]}.
"""


_LICENCES = {
    SYNTHETIC: "; the synthetic ones are this project's",
    MUSDB18: ": MUSDB18 is for academic and educational use only; its audio must not be published",
    FOLDER: "",
}

_LIMITS = {
    SYNTHETIC: "Synthetic music, but for one excerpt among the test songs: the scores show that it "
    "works, not what it does on real songs",
    MUSDB18: "The scores hold for songs like those of MUSDB18",
    FOLDER: "The scores hold for songs like those of the folder",
}


def _amount(songs: list[Song]) -> str:
    return f"{len(songs)} songs, {sum(song.seconds for song in songs) / 60:.1f} minutes"


def _row(label: str, cells: Iterable[str]) -> str:
    return f"| {label} | {' | '.join(cells)} |"


def _decibels(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "–"


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)
