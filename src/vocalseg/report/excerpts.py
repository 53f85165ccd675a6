"""The seconds of a song that are worth hearing, small enough for a page that holds them all."""

import subprocess
from dataclasses import dataclass

import numpy as np

from vocalseg.errors import BadInput
from vocalseg.report import spectrograms

#: What can be heard of a song, and how it is called.
STEMS = {
    "mixture": "Mixture",
    "vocals": "True vocals",
    "estimate": "Estimated vocals",
    "accompaniment": "Accompaniment",
}

BITS_PER_SECOND = 24_000


@dataclass(frozen=True)
class Excerpt:
    """Some seconds of a song.

    ``start`` and ``seconds`` say which. ``sounds`` holds an Ogg Opus file of each of :data:`STEMS`,
    ``levels`` its spectrogram (rows, columns) in dB, which ends at ``top`` (Hz).
    """

    song: str
    start: float
    seconds: float
    top: float
    sounds: dict[str, bytes]
    levels: dict[str, np.ndarray]


def excerpt(
    song: str,
    mixture: np.ndarray,
    vocals: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    seconds: float,
) -> Excerpt:
    """Cut out where the true vocals are loudest, or the mixture if they are silent throughout.

    Parameters
    ----------
    song : str
        Its name.
    mixture, vocals, estimate : float32 arrays, (samples, channels)
    sample_rate : int
        In Hz.
    seconds : float
        How long at most.

    Raises
    ------
    BadInput
        As :func:`opus`.
    """
    part = loudest(vocals if vocals.any() else mixture, round(seconds * sample_rate))
    mixture, vocals, estimate = mixture[part], vocals[part], estimate[part]
    stems = dict(zip(STEMS, (mixture, vocals, estimate, mixture - estimate), strict=True))
    top = spectrograms.top(sample_rate)
    levels = spectrograms.levels(np.stack(list(stems.values())), sample_rate)
    return Excerpt(
        song=song,
        start=part.start / sample_rate,
        seconds=len(mixture) / sample_rate,
        top=top,
        sounds={stem: opus(waveform, sample_rate) for stem, waveform in stems.items()},
        levels=dict(zip(STEMS, levels, strict=True)),
    )


def loudest(waveform: np.ndarray, length: int) -> slice:
    """The ``length`` samples with the most energy, or all if there are fewer.

    Parameters
    ----------
    waveform : float array, (samples, channels)
    length : int
    """
    length = min(max(length, 1), len(waveform))
    energy = np.sum(waveform**2, axis=1, dtype=np.float64)
    until = np.concatenate([[0.0], np.cumsum(energy)])
    start = int(np.argmax(until[length:] - until[: len(until) - length]))
    return slice(start, start + length)


def opus(waveform: np.ndarray, sample_rate: int) -> bytes:
    """Encode as Ogg Opus with ffmpeg, the same bytes each time.

    libsndfile would do it too, but numbers its Ogg streams by chance.

    Parameters
    ----------
    waveform : float32 array, (samples, channels)
    sample_rate : int
        In Hz; ffmpeg resamples to what Opus knows.

    Raises
    ------
    BadInput
        If there is no ffmpeg, or it has no Opus encoder.
    """
    raw = ["-f", "f32le", "-ar", str(sample_rate), "-ac", str(waveform.shape[1]), "-i", "-"]
    coded = ["-c:a", "libopus", "-b:a", str(BITS_PER_SECOND), "-f", "ogg"]
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
            "ffmpeg: not installed, and the page to listen on needs it; install it (apt install "
            "ffmpeg, brew install ffmpeg)"
        ) from None
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().splitlines()
        raise BadInput(
            f"ffmpeg: cannot encode Opus ({reason[-1] if reason else error.returncode}); install "
            "an ffmpeg that has libopus"
        ) from None
    return done.stdout
