"""Containers of uncompressed samples: what their headers say against what the files hold.

Programs that write to a pipe, or crash, leave sizes in a header that are unknown or wrong although
all samples are there; a file that was cut has a right header and too few samples. This module tells
one from the other for WAV (RIFF, RF64, BW64), W64, AIFF, AU and CAF.
"""

import io
import struct
from typing import BinaryIO, NamedTuple

#: Sizes of 32 bits that mean "unknown": programs that stream write
#: 2**32 - 1 (ffmpeg), 2**31 - 4096 (SoX) or 2**31 (arecord), or a little less.
_UNKNOWN = (range(2**31 - 2**16, 2**31 + 2**8), range(2**32 - 2**16, 2**32))

#: A size field that is this much too large is a mistake of the program that wrote it, provided that
#: the header contradicts itself.
_SLIP = 16

#: Fewer bytes after the data chunk that are no chunk are junk; more are samples that the program
#: did not live to count, or those beyond 4 GiB.
_JUNK = 4096

_W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")


class Container(NamedTuple):
    """The samples of a file: where they start and end, and whether some are missing.

    ``header`` replaces the file's own, up to ``start``, where that must be corrected.
    """

    start: int
    end: int
    cut: bool
    header: bytes | None = None


def inspect(file: BinaryIO) -> Container | None:
    """Find the samples of a file; None for formats other than those of this module.

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


def _take(file: BinaryIO, offset: int, count: int) -> bytes:
    if not 0 <= offset <= _length(file) - count:
        raise EOFError
    file.seek(offset)
    return file.read(count)


def _wav(file: BinaryIO, magic: bytes) -> Container:
    length = _length(file)
    riff_end = 8 + struct.unpack("<I", magic[4:8])[0]
    kept, data_size, position = b"", None, 12
    while True:
        name, size = struct.unpack("<4sI", _take(file, position, 8))
        if name == b"data":
            break
        if name == b"ds64":
            riff_size, data_size = struct.unpack("<QQ", _take(file, position + 8, 16))
            riff_end = 8 + riff_size
        elif name in (b"fmt ", b"fact"):
            body = _take(file, position + 8, size)
            kept += struct.pack("<4sI", name, size) + body + b"\0" * (size % 2)
        position += 8 + size + size % 2
    start = position + 8
    if data_size is None or size != 0xFFFFFFFF:
        data_size = size
    unknown = _unknown(size) if data_size == size else data_size == 2**64 - 1
    end, cut = _extent(file, start, data_size, length, riff_end, unknown, "<")
    header = None
    if not cut and (end != start + data_size or magic[:4] == b"BW64"):
        header = _wav_header(kept, end - start)
    return Container(start, end, cut, header)


def _wav_header(chunks: bytes, size: int) -> bytes:
    if size < 2**32 - 2**16:
        head = b"RIFF" + struct.pack("<I", 4 + len(chunks) + 8 + size) + b"WAVE"
        return head + chunks + b"data" + struct.pack("<I", size)
    sizes = struct.pack("<4sIQQQI", b"ds64", 28, 4 + 36 + len(chunks) + 8 + size, size, 0, 0)
    return b"RF64\xff\xff\xff\xffWAVE" + sizes + chunks + b"data\xff\xff\xff\xff"


def _w64(file: BinaryIO) -> Container:
    length, position = _length(file), 40
    riff_end = struct.unpack("<Q", _take(file, 16, 8))[0]
    while True:
        name, size = struct.unpack("<16sQ", _take(file, position, 24))
        if name == b"data" + _W64_TAIL:
            break
        if size < 24:
            raise EOFError
        position += (size + 7) // 8 * 8
    start, size = position + 24, max(size - 24, 0)  # the size counts the chunk's own head
    unknown = size == 0 or size >= 2**63 - 2**16
    cut = not unknown and _too_short(start + size, length, riff_end)
    return Container(start, min(start + size, length), cut)


def _aiff(file: BinaryIO, magic: bytes) -> Container:
    length, position = _length(file), 12
    form_end = 8 + struct.unpack(">I", magic[4:8])[0]
    while True:
        name, size = struct.unpack(">4sI", _take(file, position, 8))
        if name == b"SSND":
            break
        position += 8 + size + size % 2
    start, size_of_samples = position + 16, max(size - 8, 0)  # offset and block size come first
    end, cut = _extent(file, start, size_of_samples, length, form_end, _unknown(size), ">")
    header = None
    if not cut and end != start + size_of_samples:
        head = _take(file, 0, start)
        stated = min(end - start + 8, 2**32 - 1)
        header = head[: position + 4] + struct.pack(">I", stated) + head[position + 8 :]
    return Container(start, end, cut, header)


def _au(file: BinaryIO) -> Container:
    length = _length(file)
    start, size = struct.unpack(">II", _take(file, 4, 8))
    unknown = _unknown(size) or size == 0
    cut = not unknown and start + size > length
    header = None
    if size == 0:
        head = _take(file, 0, start)
        header = head[:8] + b"\xff\xff\xff\xff" + head[12:]
    return Container(start, length if unknown else min(start + size, length), cut, header)


def _caf(file: BinaryIO) -> Container:
    length, position = _length(file), 8
    while True:
        name, size = struct.unpack(">4sq", _take(file, position, 12))
        if name == b"data":
            break
        if size < 0:
            raise EOFError
        position += 12 + size
    start = position + 16  # an edit count comes first
    cut = size > 0 and position + 12 + size > length
    return Container(start, length, cut)


def _unknown(size: int) -> bool:
    return any(size in sizes for sizes in _UNKNOWN)


def _too_short(data_end: int, length: int, outer_end: int) -> bool:
    """Whether a file lacks samples, or only has a wrong size in its header.

    A file that was cut agrees with itself: the outer chunk reaches at least as far as the samples,
    and both beyond the end of the file.
    """
    if data_end <= length or abs(outer_end - length) <= 1:
        return False
    return not (outer_end < data_end <= length + _SLIP)


def _extent(
    file: BinaryIO, start: int, size: int, length: int, outer_end: int, unknown: bool, order: str
) -> tuple[int, bool]:
    """Where samples that a header gives ``size`` bytes end, and whether some are missing."""
    end = start + size
    if unknown:
        return length, False
    if end > length:
        return length, _too_short(end, length, outer_end)
    rest = end + size % 2
    if length - rest >= _JUNK or size == 0:
        return (end, False) if _chunks(file, rest, length, order) else (length, False)
    return end, False


def _chunks(file: BinaryIO, position: int, length: int, order: str) -> bool:
    """Whether nothing but chunks follows, up to the end of the file (the last may be cut)."""
    while position + 8 <= length:
        name, size = struct.unpack(f"{order}4sI", _take(file, position, 8))
        if not all(32 <= byte < 127 for byte in name):
            return False
        after = position + 8 + size + size % 2
        if after > length + _SLIP:
            return False
        position = after
    return True


class Spliced(io.RawIOBase):
    """A file with another header: ``header``, then what stands between ``start`` and ``end``."""

    def __init__(self, file: BinaryIO, container: Container):
        self.file, self.header = file, container.header
        self.start = container.start
        self.length = len(self.header) + container.end - container.start
        self.position = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.length}[whence]
        self.position = max(base + offset, 0)
        return self.position

    def readinto(self, buffer) -> int:
        if self.position < len(self.header):
            content = self.header[self.position : self.position + len(buffer)]
        else:
            at = self.position - len(self.header)
            self.file.seek(self.start + at)
            content = self.file.read(max(min(len(buffer), self.length - self.position), 0))
        buffer[: len(content)] = content
        self.position += len(content)
        return len(content)
