"""Compare the sizes in headers of uncompressed sound files with what the files hold.

A program that crashes or writes to a pipe leaves unknown or wrong sizes in the header although all
samples are there. A truncated file has a correct header and too few samples. This module
distinguishes the two cases for WAV (RIFF, RF64, BW64), W64, AIFF, AU and CAF.
"""

import io
import struct
from typing import BinaryIO, NamedTuple

#: 32-bit sizes that mean "unknown". Programs that write to a pipe use 2**32 - 1 (ffmpeg),
#: 2**31 - 4096 (SoX) or 2**31 (arecord), or slightly less.
_UNKNOWN_SIZES = (range(2**31 - 2**16, 2**31 + 2**8), range(2**32 - 2**16, 2**32))

#: A size field that is too large by at most this many bytes is the writer's mistake, provided that
#: the header contradicts itself.
_SIZE_SLACK = 16

#: Fewer bytes than this after the data chunk are junk, unless they are chunks. More are samples
#: that the header does not count: the writer crashed, or they lie beyond 4 GiB.
_MIN_UNCOUNTED = 4096

_W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")


class Container(NamedTuple):
    """Extent of the samples in a file, in bytes, and whether some are missing.

    If ``header`` is given, it replaces the bytes of the file before ``start``.
    """

    start: int
    end: int
    truncated: bool
    header: bytes | None = None


def inspect(file: BinaryIO) -> Container | None:
    """Locate the samples of a file.

    Parameters
    ----------
    file : binary file
        Seekable; its position changes.

    Returns
    -------
    Container or None
        None for formats that this module does not cover.

    Raises
    ------
    EOFError
        If the file ends before its samples begin.
    """
    file.seek(0)
    magic = file.read(12)
    kind = magic[8:12]
    if magic[:4] in (b"RIFF", b"RF64", b"BW64") and kind == b"WAVE":
        return _wav(file, magic)
    if magic[:4] == b"riff":
        return _w64(file)
    if magic[:4] == b"FORM" and kind in (b"AIFF", b"AIFC"):
        return _aiff(file, magic)
    if magic[:4] == b".snd":
        return _au(file)
    if magic[:4] == b"caff":
        return _caf(file)
    return None


def _length(file: BinaryIO) -> int:
    return file.seek(0, io.SEEK_END)


def _read_at(file: BinaryIO, offset: int, count: int) -> bytes:
    if not 0 <= offset <= _length(file) - count:
        raise EOFError
    file.seek(offset)
    return file.read(count)


def _wav(file: BinaryIO, magic: bytes) -> Container:
    length = _length(file)
    riff_end = 8 + struct.unpack("<I", magic[4:8])[0]
    kept, data_size, position = b"", None, 12
    while True:
        name, size = struct.unpack("<4sI", _read_at(file, position, 8))
        if name == b"data":
            break
        if name == b"ds64":
            riff_size, data_size = struct.unpack("<QQ", _read_at(file, position + 8, 16))
            riff_end = 8 + riff_size
        elif name in (b"fmt ", b"fact"):
            body = _read_at(file, position + 8, size)
            kept += struct.pack("<4sI", name, size) + body + b"\0" * (size % 2)
        position += 8 + size + size % 2
    start = position + 8
    if data_size is None or size != 0xFFFFFFFF:
        data_size = size
    unknown = _is_unknown(size) if data_size == size else data_size == 2**64 - 1
    end, truncated = _data_end(file, start, data_size, length, riff_end, unknown, "<")
    header = None
    if not truncated and (end != start + data_size or magic[:4] == b"BW64"):
        header = _wav_header(kept, end - start)
    return Container(start, end, truncated, header)


def _wav_header(chunks: bytes, size: int) -> bytes:
    if size < 2**32 - 2**16:
        head = b"RIFF" + struct.pack("<I", 4 + len(chunks) + 8 + size) + b"WAVE"
        return head + chunks + b"data" + struct.pack("<I", size)
    sizes = struct.pack("<4sIQQQI", b"ds64", 28, 4 + 36 + len(chunks) + 8 + size, size, 0, 0)
    return b"RF64\xff\xff\xff\xffWAVE" + sizes + chunks + b"data\xff\xff\xff\xff"


def _w64(file: BinaryIO) -> Container:
    length, position = _length(file), 40
    riff_end = struct.unpack("<Q", _read_at(file, 16, 8))[0]
    while True:
        name, size = struct.unpack("<16sQ", _read_at(file, position, 24))
        if name == b"data" + _W64_TAIL:
            break
        if size < 24:
            raise EOFError
        position += (size + 7) // 8 * 8
    start, size = position + 24, max(size - 24, 0)  # the size includes the chunk's header
    unknown = size == 0 or size >= 2**63 - 2**16
    truncated = not unknown and _is_truncated(start + size, length, riff_end)
    return Container(start, min(start + size, length), truncated)


def _aiff(file: BinaryIO, magic: bytes) -> Container:
    length, position = _length(file), 12
    form_end = 8 + struct.unpack(">I", magic[4:8])[0]
    while True:
        name, size = struct.unpack(">4sI", _read_at(file, position, 8))
        if name == b"SSND":
            break
        position += 8 + size + size % 2
    start, size_of_samples = position + 16, max(size - 8, 0)  # offset and block size come first
    unknown = _is_unknown(size)
    end, truncated = _data_end(file, start, size_of_samples, length, form_end, unknown, ">")
    header = None
    if not truncated and end != start + size_of_samples:
        head = _read_at(file, 0, start)
        stated = min(end - start + 8, 2**32 - 1)
        header = head[: position + 4] + struct.pack(">I", stated) + head[position + 8 :]
    return Container(start, end, truncated, header)


def _au(file: BinaryIO) -> Container:
    length = _length(file)
    start, size = struct.unpack(">II", _read_at(file, 4, 8))
    unknown = _is_unknown(size) or size == 0
    truncated = not unknown and start + size > length
    header = None
    if size == 0:
        head = _read_at(file, 0, start)
        header = head[:8] + b"\xff\xff\xff\xff" + head[12:]
    return Container(start, length if unknown else min(start + size, length), truncated, header)


def _caf(file: BinaryIO) -> Container:
    length, position = _length(file), 8
    while True:
        name, size = struct.unpack(">4sq", _read_at(file, position, 12))
        if name == b"data":
            break
        if size < 0:
            raise EOFError
        position += 12 + size
    start = position + 16  # an edit count comes first
    truncated = size > 0 and position + 12 + size > length
    return Container(start, length, truncated)


def _is_unknown(size: int) -> bool:
    return any(size in sizes for sizes in _UNKNOWN_SIZES)


def _is_truncated(data_end: int, length: int, outer_end: int) -> bool:
    """Decide whether a file lacks samples or only has a wrong size in its header.

    The header of a truncated file is consistent: the outer chunk reaches at least as far as the
    samples, and both reach beyond the end of the file.
    """
    if data_end <= length or abs(outer_end - length) <= 1:
        return False
    return not (outer_end < data_end <= length + _SIZE_SLACK)


def _data_end(
    file: BinaryIO, start: int, size: int, length: int, outer_end: int, unknown: bool, order: str
) -> tuple[int, bool]:
    """Return the end of samples whose header says ``size`` bytes, and whether some are missing."""
    end = start + size
    if unknown:
        return length, False
    if end > length:
        return length, _is_truncated(end, length, outer_end)
    rest = end + size % 2
    if length - rest >= _MIN_UNCOUNTED or size == 0:
        return (end, False) if _only_chunks(file, rest, length, order) else (length, False)
    return end, False


def _only_chunks(file: BinaryIO, position: int, length: int, order: str) -> bool:
    """Check that only chunks follow, up to the end of the file (the last may be truncated)."""
    while position + 8 <= length:
        name, size = struct.unpack(f"{order}4sI", _read_at(file, position, 8))
        if not all(32 <= byte < 127 for byte in name):
            return False
        after = position + 8 + size + size % 2
        if after > length + _SIZE_SLACK:
            return False
        position = after
    return True
