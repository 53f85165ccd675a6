"""Small audio files in many formats: encoded by ffmpeg, or built with chosen header fields."""

import struct
import subprocess
from pathlib import Path

import numpy as np
import soundfile as sf

RATE = 44_100
SECONDS = 3

#: ffmpeg's arguments for a file in each format.
FORMATS = {
    "a.wav": ["-c:a", "pcm_s16le"],
    "float.wav": ["-c:a", "pcm_f32le"],
    "rf64.wav": ["-c:a", "pcm_s24le", "-rf64", "always"],
    "a.w64": ["-c:a", "pcm_s16le"],
    "a.aiff": [],
    "a.au": [],
    "a.caf": [],
    "a.flac": [],
    "a.mp3": ["-c:a", "libmp3lame"],
    "noxing.mp3": ["-c:a", "libmp3lame", "-write_xing", "0"],
    "a.ogg": ["-c:a", "libvorbis"],
    "a.opus": ["-c:a", "libopus"],
    "a.m4a": ["-c:a", "aac"],
    "front.m4a": ["-c:a", "aac", "-movflags", "faststart"],
    "alac.m4a": ["-c:a", "alac"],
    "a.webm": ["-c:a", "libopus"],
    "live.webm": ["-c:a", "libopus", "-live", "1"],
    "a.mkv": ["-c:a", "aac"],
    "a.mka": ["-c:a", "flac"],
    "a.flv": ["-c:a", "aac"],
    "a.aac": ["-c:a", "aac"],
    "a.avi": ["-c:a", "mp3"],
    "a.wma": [],
    "a.wv": [],
}

LOSSLESS = ("wav", "w64", "aiff", "au", "caf", "flac", "mka", "wv")


def sound(seconds: float = SECONDS, rate: int = RATE, channels: int = 2) -> np.ndarray:
    """A rising tone with a little noise, so that no two seconds are the same."""
    t = np.arange(round(seconds * rate)) / rate
    tone = 0.3 * np.sin(2 * np.pi * (200 * t + 150 * t * t))
    noise = 0.02 * np.random.default_rng(0).standard_normal((len(t), channels))
    return (tone[:, np.newaxis] + noise).astype(np.float32)


def ffmpeg(*arguments) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)


def write_all(folder: Path) -> dict[str, Path]:
    """Write the same sound in every format; return the files by name."""
    sf.write(folder / "source.wav", sound(), RATE)
    for name, arguments in FORMATS.items():
        ffmpeg("-i", folder / "source.wav", *arguments, folder / name)
    ffmpeg(
        "-f", "lavfi", "-i", f"testsrc=s=64x64:d={2 * SECONDS}", "-i", folder / "source.wav",
        "-c:v", "mpeg4", "-c:a", "aac", folder / "video.mp4",
    )  # fmt: skip
    ffmpeg("-i", folder / "video.mp4", "-c", "copy", folder / "video.mkv")
    return {path.name: path for path in folder.iterdir() if path.name != "source.wav"}


def decoded(path: Path, stream: int = 0) -> np.ndarray:
    """Samples of a stereo file, as decoded by ffmpeg."""
    command = ["ffmpeg", "-v", "quiet", "-i", path, "-map", f"0:a:{stream}", "-f", "f32le", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    return np.frombuffer(done.stdout, "<f4").reshape(-1, 2)


def wav(data: bytes, riff=None, size=None, kind=b"RIFF", before=b"", after=b"") -> bytes:
    """A WAV file of 16-bit stereo with the given sizes in its header."""
    form = struct.pack("<HHIIHH", 1, 2, RATE, 4 * RATE, 4, 16)
    body = b"WAVE" + before + b"fmt " + struct.pack("<I", 16) + form + b"data"
    body += struct.pack("<I", len(data) if size is None else size) + data + after
    return kind + struct.pack("<I", len(body) if riff is None else riff) + body


def ds64(riff: int, data: int, frames: int) -> bytes:
    return b"ds64" + struct.pack("<IQQQI", 28, riff, data, frames, 0)


def w64(data: bytes, riff: int, size: int) -> bytes:
    tail = bytes.fromhex("f3acd3118cd100c04f8edb8a")
    form = struct.pack("<HHIIHH", 1, 2, RATE, 4 * RATE, 4, 16)
    head = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000") + struct.pack("<Q", riff)
    head += b"wave" + tail + b"fmt " + tail + struct.pack("<Q", 40) + form
    return head + b"data" + tail + struct.pack("<Q", size) + data


def aiff(data: bytes, form: int, frames: int, size: int) -> bytes:
    """AIFF of 16-bit stereo; ``data`` is little-endian as for the others."""
    rate = struct.pack(">HQ", 16383 + 15, RATE << 48)  # 80-bit float of 44,100
    common = struct.pack(">hIh", 2, frames, 16) + rate
    samples = np.frombuffer(data, "<i2").astype(">i2").tobytes()
    head = b"FORM" + struct.pack(">I", form) + b"AIFFCOMM" + struct.pack(">I", 18) + common
    return head + b"SSND" + struct.pack(">III", size, 0, 0) + samples


def au(data: bytes, size: int) -> bytes:
    samples = np.frombuffer(data, "<i2").astype(">i2").tobytes()
    return b".snd" + struct.pack(">IIIII", 24, size, 3, RATE, 2) + samples


def caf(data: bytes, size: int) -> bytes:
    form = struct.pack(">d4sIIIII", RATE, b"lpcm", 2, 4, 1, 2, 16)
    head = b"caff\0\1\0\0desc" + struct.pack(">q", 32) + form
    return head + b"data" + struct.pack(">qI", size, 0) + data
