"""Sound files and waveforms: read, mix down, resample, write."""

import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np
import soxr
from scipy.io import wavfile

from vocalseg.errors import BadInput
from vocalseg.reader import Sound, opened


def properties(path: str | Path, stream: int = 0) -> tuple[int, int, int]:
    """Length in samples, sample rate in Hz and channels of a file.

    They come from its header, unless that only estimates the length (MP3, AAC without a container,
    live recordings): such a file is decoded to count. Where an encoder pads, samples that
    :func:`read` returns may be up to 0.1 s more or fewer.

    Parameters
    ----------
    path : path
    stream : int
        Which audio stream; stem files have several.

    Raises
    ------
    BadInput
        If the file is not audio, ends early by its header, or holds no samples.
    """
    path = Path(path)
    with opened(path, stream) as sound:
        if sound.frames is not None:
            length = sound.frames
        else:
            status = path.stat()
            length = _counted(path, stream, status.st_ino, status.st_size, status.st_mtime_ns)
        if not length:
            raise BadInput(f"{path}: holds no samples; remove or replace it")
        return length, sound.sample_rate, sound.channels


def read(path: str | Path, stream: int = 0, *, partial: bool = False) -> tuple[np.ndarray, int]:
    """Read a sound file: the blocks of :func:`vocalseg.reader.opened`, joined.

    Parameters
    ----------
    path : path
    stream : int
        Which audio stream; stem files have several.
    partial : bool
        Take what can be decoded of a file that ends early or is damaged; a warning tells how much.

    Returns
    -------
    waveform : float32 array, (samples, channels)
        In [-1, 1] for integer formats.
    sample_rate : int
        In Hz.

    Raises
    ------
    BadInput
        As :func:`properties`, and if samples are not finite or the file cannot be decoded whole.
    """
    with opened(path, stream, partial=partial) as sound:
        waveform = _joined(sound, path)
        if sound.missing:
            warnings.warn(sound.missing, stacklevel=2)
        return waveform, sound.sample_rate


def _joined(sound: Sound, path: str | Path) -> np.ndarray:
    """All blocks in one array, without a second copy where the header tells how many samples."""
    frames = sound.frames or 0
    if 4 * frames * sound.channels > 64 * Path(path).stat().st_size:
        frames = 0  # no file can hold as many: memory for them is not worth a try
    waveform = np.empty((frames, sound.channels), np.float32)
    count, more = 0, []
    for block in sound.blocks:
        if not more and count + len(block) <= frames:
            waveform[count : count + len(block)] = block
            count += len(block)
        else:
            more.append(block)
    return np.concatenate([waveform[:count], *more]) if more else waveform[:count]


@lru_cache(maxsize=64)
def _counted(path: Path, stream: int, *_: int) -> int:
    """Samples that decode, counted once for a file that stays as it is."""
    with opened(path, stream) as sound:
        return sum(map(len, sound.blocks))


def to_mono(waveform: np.ndarray) -> np.ndarray:
    """Mean of the channels: (samples, channels) to (samples,), same dtype."""
    mono = waveform[:, 0].copy()
    for channel in range(1, waveform.shape[1]):  # many times faster than a mean over pairs
        mono += waveform[:, channel]
    mono /= waveform.shape[1]
    return mono


def resample(waveform: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """Change the sample rate with soxr's HQ filter, as ``librosa.load`` does by default.

    Parameters
    ----------
    waveform : float array, (samples,) or (samples, channels)
    rate, new_rate : int
        In Hz.
    """
    return waveform if rate == new_rate else soxr.resample(waveform, rate, new_rate, quality="HQ")


def write(path: str | Path, waveform: np.ndarray, sample_rate: int) -> None:
    """Write 32-bit float WAV: lossless, not clipped, the same bytes each time.

    SciPy writes it because libsndfile stamps the time of day into float WAV files.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, sample_rate, np.asarray(waveform, dtype=np.float32))
