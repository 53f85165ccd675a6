"""Model card: the model, its data, scores, limits and intended use."""

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
    """Describe a model and its application.

    Parameters
    ----------
    settings : Settings
        Settings of the model file.
    parameters : int
        Number of parameters of the network.
    overlap : float
        Overlap of neighbouring tiles as a fraction of a tile; like the other parameters below, see
        :class:`vocalseg.separator.Separator`.
    extend : bool
        Whether the mask is extended above the network's band.
    output : {"mask", "magnitude"}
        How vocals are computed from the estimated magnitudes.
    wiener : int
        Iterations of the Wiener filter.

    Returns
    -------
    dict of str
        Texts by heading.
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
        "Application": f"tiles overlap by {overlap:g}; above {top:.1f} kHz, "
        + ("the mask is extended" if extend else "silence"),
        "Output": _OUTPUTS[output]
        + (f"; Wiener filter with {wiener} iterations for stereo" if wiener else ""),
    }


_NETWORKS = {"unet": "U-Net", "strided": "U-Net with strided convolutions"}
_ESTIMATES = {"magnitude": "estimates magnitudes", "mask": "estimates masks"}

_OUTPUTS = {
    "mask": "a mask in [0, 1] on the mixture's spectrogram; the mixture's phase is kept",
    "magnitude": "the estimated magnitude with the mixture's phase, mono",
}


def origin(songs: list[Song]) -> str:
    """Name the kind of songs of a catalogue, according to their sources and remarks."""
    if any(song.source.startswith("$") or song.remark for song in songs):
        return MUSDB18
    return FOLDER if any(song.source.startswith("/") for song in songs) else SYNTHETIC


def card(facts: dict[str, str], scores: dict, songs: list[Song]) -> str:
    """Format the model card.

    Parameters
    ----------
    facts : dict of str
        Result of :func:`facts`.
    scores : dict
        Scores over all test songs in dB, by estimate, protocol and metric.
    songs : list of Song
        Catalogue of both splits.

    Returns
    -------
    str
        Markdown.
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

A network for singing-voice separation: it estimates the magnitude spectrogram of the vocals from
that of the mixture, following *Spectral Mapping of Singing Voices* (arXiv 2405.20059).

## Model

{_lines(described)}

## Data

- Trained on: {source}; {_amount(train)}, some of which are held out to select the best epoch
- Evaluated on: {_amount(test)}, none of which are used in training

## Scores

{_lines(table)}

Scores of the vocals, at the sample rate and channels of the songs; higher is better. museval
(BSSEval v4): median over windows of one second, then over songs; global: over the whole song at
once, mean over songs.

## Limits

- {_LIMITS[source]}
- The phase of the mixture is kept: the last row above is close to the best score of such methods
- The network does not process frequencies above its band, and does not separate singers

## Intended use

Research and teaching on source separation: comparing the settings of this study.

## Licence

Code: MIT. The songs have their own licences{_LICENCES[source]}.
"""


_LICENCES = {
    SYNTHETIC: "; the synthetic ones are this project's",
    MUSDB18: ": MUSDB18 is for academic and educational use only; its audio must not be published",
    FOLDER: "",
}

_LIMITS = {
    SYNTHETIC: "Synthetic music, except for one excerpt among the test songs: the scores show that "
    "the pipeline works, not how well the model separates real songs",
    MUSDB18: "The scores apply to songs similar to those of MUSDB18",
    FOLDER: "The scores apply to songs similar to those of the folder",
}


def _amount(songs: list[Song]) -> str:
    return f"{len(songs)} songs, {sum(song.seconds for song in songs) / 60:.1f} minutes"


def _row(label: str, cells: Iterable[str]) -> str:
    return f"| {label} | {' | '.join(cells)} |"


def _decibels(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "–"


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)
