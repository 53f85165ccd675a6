"""An excerpt of a song as the page holds it: encoded sound and spectrograms."""

import subprocess
from dataclasses import dataclass

import numpy as np

from vocalseg.errors import BadInput
from vocalseg.report import spectrograms

#: What can be heard of a song, and its heading.
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
    song: str, start: float, stems: dict[str, np.ndarray], sample_rate: int
) -> Excerpt:
    """Encode the stems of an excerpt and compute their spectrograms.

    Parameters
    ----------
    song : str
        Name of the song.
    start : float
        Where the excerpt begins in it, in seconds.
    stems : dict of float32 arrays, (samples, channels)
        ``mixture``, ``vocals`` and ``estimate``; the accompaniment is the mixture minus the
        estimate.
    sample_rate : int
        In Hz.

    Raises
    ------
    BadInput
        As :func:`opus`.
    """
    heard = {**stems, "accompaniment": stems["mixture"] - stems["estimate"]}
    waveforms = [heard[stem] for stem in STEMS]
    levels = spectrograms.levels(np.stack(waveforms), sample_rate)
    return Excerpt(
        song=song,
        start=start,
        seconds=len(waveforms[0]) / sample_rate,
        top=spectrograms.top(sample_rate),
        sounds={s: opus(w, sample_rate) for s, w in zip(STEMS, waveforms, strict=True)},
        levels=dict(zip(STEMS, levels, strict=True)),
    )


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
