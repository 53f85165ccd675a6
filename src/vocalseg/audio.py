"""Read, mix down, resample and write sound files."""

import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np
import soxr
from scipy.io import wavfile

from vocalseg.errors import BadInput
from vocalseg.reader import Sound, opened


def properties(path: str | Path, stream: int = 0) -> tuple[int, int, int]:
    """Return length in samples, sample rate in Hz and number of channels of a sound file.

    The values come from the header, unless the header only estimates the length (MP3, AAC without a
    container, live recordings): such a file is decoded to count its samples. Because of an
    encoder's padding, :func:`read` may return up to 0.1 s more or less.

    Parameters
    ----------
    path : path
        Sound file.
    stream : int
        Index of the audio stream; stem files have several.

    Returns
    -------
    samples : int
        Length per channel.
    sample_rate : int
        Rate in Hz.
    channels : int
        Number of channels.

    Raises
    ------
    BadInput
        If the file is not audio, is truncated according to its header, or holds no samples.
    """
    path = Path(path)
    with opened(path, stream) as sound:
        if sound.frames is not None:
            length = sound.frames
        else:
            status = path.stat()
            length = _count(path, stream, status.st_ino, status.st_size, status.st_mtime_ns)
        if not length:
            raise BadInput(f"{path}: holds no samples; remove or replace it")
        return length, sound.sample_rate, sound.channels


def read(path: str | Path, stream: int = 0, *, partial: bool = False) -> tuple[np.ndarray, int]:
    """Read a sound file as one array; see :func:`vocalseg.reader.opened` for formats.

    Parameters
    ----------
    path : path
        Sound file.
    stream : int
        Index of the audio stream; stem files have several.
    partial : bool
        Return what can be decoded of a truncated or damaged file, with a warning that says how
        much.

    Returns
    -------
    waveform : float32 array, (samples, channels)
        Samples, in [-1, 1] for integer formats.
    sample_rate : int
        Rate in Hz.

    Raises
    ------
    BadInput
        As :func:`properties`, and if samples are not finite or the file cannot be decoded
        completely.
    """
    with opened(path, stream, partial=partial) as sound:
        waveform = _concatenate(sound, path)
        if sound.missing:
            warnings.warn(sound.missing, stacklevel=2)
        return waveform, sound.sample_rate


def _concatenate(sound: Sound, path: str | Path) -> np.ndarray:
    """Concatenate all blocks, without a second copy if the header gives the number of samples."""
    frames = sound.frames or 0
    if 4 * frames * sound.channels > 64 * Path(path).stat().st_size:
        frames = 0  # more than the file can hold: do not allocate memory for them
    waveform = np.empty((frames, sound.channels), np.float32)
    count = 0
    more: list[np.ndarray] = []
    for block in sound.blocks:
        if not more and count + len(block) <= frames:
            waveform[count : count + len(block)] = block
            count += len(block)
        else:
            more.append(block)
    return np.concatenate([waveform[:count], *more]) if more else waveform[:count]


@lru_cache(maxsize=64)
def _count(path: Path, stream: int, *_: int) -> int:
    """Count the samples that decode; cached while the file does not change."""
    with opened(path, stream) as sound:
        return sum(map(len, sound.blocks))


def to_mono(waveform: np.ndarray) -> np.ndarray:
    """Average the channels.

    Parameters
    ----------
    waveform : float array, (samples, channels)
        Not changed.

    Returns
    -------
    array, (samples,)
        Same dtype as ``waveform``.

    Examples
    --------
    >>> to_mono(np.array([[1.0, 3.0], [0.5, -0.5]]))
    array([2., 0.])
    """
    mono = waveform[:, 0].copy()
    for channel in range(1, waveform.shape[1]):  # many times faster than mean(axis=1)
        mono += waveform[:, channel]
    mono /= waveform.shape[1]
    return mono


def resample(waveform: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """Change the sample rate with soxr's HQ filter, the default of ``librosa.load``.

    Parameters
    ----------
    waveform : float array, (samples,) or (samples, channels)
        Returned unchanged if the rates are equal.
    rate, new_rate : int
        Sample rates in Hz.

    Returns
    -------
    array
        Waveform at ``new_rate``, same dtype and channels.

    Examples
    --------
    >>> resample(np.zeros((44_100, 2), np.float32), 44_100, 11_025).shape
    (11025, 2)
    """
    return waveform if rate == new_rate else soxr.resample(waveform, rate, new_rate, quality="HQ")


def write(path: str | Path, waveform: np.ndarray, sample_rate: int) -> None:
    """Write a 32-bit float WAV file: lossless, not clipped, byte-identical for equal samples.

    SciPy is used because libsndfile writes a time stamp into float WAV files.

    Parameters
    ----------
    path : path
        File to write; its folder is created.
    waveform : array, (samples,) or (samples, channels)
        Converted to float32.
    sample_rate : int
        Rate in Hz.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, sample_rate, np.asarray(waveform, dtype=np.float32))
