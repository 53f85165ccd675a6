"""Excerpts of songs as the pages show them: encoded sound, spectrograms and gains."""

import subprocess
from dataclasses import dataclass

import numpy as np

from vocalseg.errors import BadInput
from vocalseg.report import loudness, spectrograms

#: Labels of the tracks of a separated song.
STEMS = {
    "mixture": "Mixture",
    "vocals": "True vocals",
    "estimate": "Estimated vocals",
    "accompaniment": "Accompaniment",
}

BITS_PER_SECOND = 48_000


@dataclass(frozen=True)
class Excerpt:
    """An excerpt of a song, in several tracks of equal length.

    Attributes
    ----------
    song : str
        Name of the song.
    start, seconds : float
        Position of the excerpt in the song and its length, in seconds.
    top : float
        Highest frequency of the spectrograms, in Hz.
    sounds : dict of bytes
        Ogg Opus file of each track.
    levels : dict of float32 arrays, (rows, columns)
        Spectrogram of each track, in dB; see :func:`vocalseg.report.spectrograms.levels`.
    gains : dict of float
        Gains in dB that make the tracks equally loud; see
        :func:`vocalseg.report.loudness.gains`.
    """

    song: str
    start: float
    seconds: float
    top: float
    sounds: dict[str, bytes]
    levels: dict[str, np.ndarray]
    gains: dict[str, float]


def excerpt(
    song: str,
    start: float,
    tracks: dict[str, np.ndarray],
    sample_rate: int,
    bits_per_second: int = BITS_PER_SECOND,
) -> Excerpt:
    """Encode the tracks of an excerpt and compute their spectrograms and gains.

    Parameters
    ----------
    song : str
        Name of the song.
    start : float
        Position of the excerpt in the song, in seconds.
    tracks : dict of float32 arrays, (samples, channels)
        Waveforms of equal shape.
    sample_rate : int
        In Hz.
    bits_per_second : int
        Bit rate of each encoded track.

    Returns
    -------
    Excerpt
        The dicts have the keys of ``tracks``.

    Raises
    ------
    BadInput
        If ffmpeg is not installed, or has no Opus encoder.
    """
    waveforms = list(tracks.values())
    levels = spectrograms.levels(np.stack(waveforms), sample_rate)
    gains = loudness.gains(waveforms, sample_rate)
    return Excerpt(
        song=song,
        start=start,
        seconds=len(waveforms[0]) / sample_rate,
        top=spectrograms.top(sample_rate),
        sounds={key: opus(w, sample_rate, bits_per_second) for key, w in tracks.items()},
        levels=dict(zip(tracks, levels, strict=True)),
        gains=dict(zip(tracks, gains, strict=True)),
    )


def with_accompaniment(stems: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Add the estimated accompaniment, which is the mixture minus the estimated vocals."""
    return {**stems, "accompaniment": stems["mixture"] - stems["estimate"]}


def opus(
    waveform: np.ndarray, sample_rate: int, bits_per_second: int = BITS_PER_SECOND
) -> bytes:
    """Encode a waveform as Ogg Opus with ffmpeg; the result is reproducible.

    libsndfile is not used because it gives Ogg streams random serial numbers.

    Parameters
    ----------
    waveform : float32 array, (samples, channels)
        Values in [-1, 1].
    sample_rate : int
        In Hz; ffmpeg resamples to a rate that Opus supports.
    bits_per_second : int
        Bit rate.

    Returns
    -------
    bytes
        Ogg Opus file.

    Raises
    ------
    BadInput
        If ffmpeg is not installed, or has no Opus encoder.
    """
    raw = ["-f", "f32le", "-ar", str(sample_rate), "-ac", str(waveform.shape[1]), "-i", "-"]
    coded = ["-c:a", "libopus", "-b:a", str(bits_per_second), "-f", "ogg"]
    exact = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact"]
    try:
        done = subprocess.run(
            ["ffmpeg", "-v", "error", *raw, *coded, *exact, "-"],
            input=waveform.astype("<f4").tobytes(),
            capture_output=True,
            check=True,
        )
    except FileNotFoundError:
        raise BadInput(
            "ffmpeg: not installed, but needed for the listening page; install it (apt install "
            "ffmpeg, brew install ffmpeg)"
        ) from None
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().splitlines()
        raise BadInput(
            f"ffmpeg: cannot encode Opus ({reason[-1] if reason else error.returncode}); install "
            "an ffmpeg with libopus"
        ) from None
    return done.stdout
