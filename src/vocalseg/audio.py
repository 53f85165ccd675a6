"""Sound files and waveforms: read, mix down, resample, write."""

import struct
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from scipy.io import wavfile

from vocalseg.errors import BadInput


def properties(path: str | Path) -> tuple[int, int, int]:
    """Length in samples, sample rate in Hz and channels of a file, from its header alone.

    Raises
    ------
    BadInput
        If the file is not audio, is cut short, or holds no samples.
    """
    path = Path(path)
    try:
        info = sf.info(path)
    except (sf.LibsndfileError, OSError) as error:
        raise BadInput(f"{path}: not readable as audio ({error}); replace the file") from None
    if _cut_short(path):
        raise BadInput(f"{path}: shorter than its header says, cut off; fetch it again")
    if info.frames == 0:
        raise BadInput(f"{path}: holds no samples; remove or replace the song")
    return info.frames, info.samplerate, info.channels


def read(path: str | Path) -> tuple[np.ndarray, int]:
    """Read a sound file.

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
    frames, sample_rate, _ = properties(path)
    try:
        waveform, _ = sf.read(path, dtype="float32", always_2d=True)
    except sf.LibsndfileError as error:
        raise BadInput(f"{path}: cannot be decoded ({error}); fetch it again") from None
    if len(waveform) < frames:
        raise BadInput(f"{path}: shorter than its header says, cut off; fetch it again")
    if not np.isfinite(waveform).all():
        raise BadInput(f"{path}: holds NaN or infinite samples; repair or remove the song")
    return waveform, sample_rate


def to_mono(waveform: np.ndarray) -> np.ndarray:
    """Mean of the channels: (samples, channels) to (samples,), same dtype."""
    return waveform.mean(axis=1)


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


def _cut_short(path: Path) -> bool:
    """Whether a WAV file ends before its RIFF header says (libsndfile reads on in silence)."""
    with path.open("rb") as file:
        head = file.read(12)
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return False
    size = struct.unpack("<I", head[4:8])[0]
    streamed = size >= 0xFFFFFFF0  # writers that could not seek back leave it so
    return not streamed and path.stat().st_size < size + 8
