"""Sound files and waveforms: read, mix down, resample, write."""

import struct
from functools import lru_cache
from pathlib import Path

import ffmpeg
import numpy as np
import soundfile as sf
import soxr
import stempeg
from scipy.io import wavfile

from vocalseg.errors import BadInput

#: Decoded by ffmpeg (through stempeg), all other formats by libsndfile.
FFMPEG_FORMATS = (".m4a", ".mp4")

#: By how much a whole M4A or MP4 may be shorter than its header says: an encoder's padding.
PADDING_SECONDS = 0.1


def properties(path: str | Path, stream: int = 0) -> tuple[int, int, int]:
    """Length in samples, sample rate in Hz and channels of a file, from its header alone.

    Parameters
    ----------
    path : path
    stream : int
        Which audio stream; only M4A and MP4 have more than one.

    Raises
    ------
    BadInput
        If the file is not audio, is cut short, or holds no samples.
    """
    path = Path(path)
    if path.suffix.lower() in FFMPEG_FORMATS:
        info = _probe(path, stream)
        rate = info.sample_rate(stream)
        return round(info.duration(stream) * rate), rate, info.channels(stream)
    try:
        info = sf.info(path)
    except (sf.LibsndfileError, OSError) as error:
        raise BadInput(f"{path}: not readable as audio ({error}); replace the file") from None
    if _cut_short(path):
        raise BadInput(f"{path}: shorter than its header says, cut off; fetch it again")
    if info.frames == 0:
        raise BadInput(f"{path}: holds no samples; remove or replace the song")
    return info.frames, info.samplerate, info.channels


def read(path: str | Path, stream: int = 0) -> tuple[np.ndarray, int]:
    """Read a sound file.

    Parameters
    ----------
    path : path
    stream : int
        Which audio stream; only M4A and MP4 have more than one.

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
    frames, sample_rate, _ = properties(path, stream)
    if Path(path).suffix.lower() in FFMPEG_FORMATS:
        waveform = _decode(Path(path), stream)[:frames]  # without what the last frame pads
        frames -= round(PADDING_SECONDS * sample_rate)
    else:
        try:
            waveform = _read(path)
        except sf.LibsndfileError as error:
            raise BadInput(f"{path}: cannot be decoded ({error}); fetch it again") from None
    if len(waveform) < frames or not len(waveform):
        raise BadInput(f"{path}: shorter than its header says, cut off; fetch it again")
    if not np.isfinite(waveform).all():
        raise BadInput(f"{path}: holds NaN or infinite samples; repair or remove the song")
    return waveform, sample_rate


def _read(path: str | Path) -> np.ndarray:
    """All samples by libsndfile, whose own conversion of 16-bit integers is slow."""
    with sf.SoundFile(path) as file:
        if file.subtype != "PCM_16":
            return file.read(dtype="float32", always_2d=True)
        waveform = file.read(dtype="int16", always_2d=True).astype(np.float32)
    waveform *= np.float32(2**-15)
    return waveform


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


@lru_cache(maxsize=64)
def _info(path: Path, size: int, modified: int) -> stempeg.Info:
    """What ffprobe says, asked once for a file that stays as it is."""
    return stempeg.Info(str(path))


def _probe(path: Path, stream: int) -> stempeg.Info:
    """What ffprobe says of a file that has the stream."""
    try:
        status = path.stat()
        info = _info(path, status.st_size, status.st_mtime_ns)
    except FileNotFoundError as error:
        if error.filename == str(path):
            raise BadInput(f"{path}: not there; add the file") from None
        raise BadInput(
            f"{path}: needs ffmpeg, which is not installed; install it (apt install ffmpeg, "
            "brew install ffmpeg)"
        ) from None
    except ffmpeg.Error as error:
        reason = error.stderr.decode(errors="replace").strip().splitlines()[-1]
        reason = reason.removeprefix(f"{path}: ")
        raise BadInput(f"{path}: not readable as audio ({reason}); replace the file") from None
    if info.nb_audio_streams <= stream:
        raise BadInput(
            f"{path}: {info.nb_audio_streams} audio stream(s), but number {stream + 1} is needed; "
            "fetch the file again"
        )
    return info


def _decode(path: Path, stream: int) -> np.ndarray:
    """One stream, (samples, channels), float32."""
    info = _probe(path, stream)
    try:
        waveforms, _ = stempeg.read_stems(
            str(path),
            stem_id=info.audio_stream_idx()[stream],
            info=info,
            sample_rate=info.sample_rate(stream),
            dtype=np.float32,
            always_3d=True,
        )
    except (RuntimeError, ValueError) as error:  # streams that differ in channels; half a sample
        raise BadInput(f"{path}: cannot be decoded ({error}); fetch it again") from None
    return waveforms[0]


def _cut_short(path: Path) -> bool:
    """Whether a WAV file ends before its RIFF header says (libsndfile reads on in silence)."""
    with path.open("rb") as file:
        head = file.read(12)
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return False
    size = struct.unpack("<I", head[4:8])[0]
    streamed = size >= 0xFFFFFFF0  # writers that could not seek back leave it so
    return not streamed and path.stat().st_size < size + 8
