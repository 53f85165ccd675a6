"""Detect truncated compressed files from their structure: MPEG frames, Ogg pages, AVI chunks.

ffmpeg decodes what it finds and does not report that the rest is missing.
"""

import mmap
import re
import struct
from collections.abc import Callable

Buffer = bytes | mmap.mmap

TRUNCATED = "ends early, cut off"
DAMAGED = "damaged, cannot be decoded whole"

_BITRATES = {  # kbit/s by (MPEG-1?, layer)
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_NONZERO = re.compile(rb"[^\0]")
_FRAME_SYNC = re.compile(rb"\xff[\xe2-\xff]")


def mpeg(content: Buffer) -> str:
    """Check MPEG audio (MP1, MP2, MP3).

    All frames (ISO 11172-3, 2.4.2.3) of all streams in the file are visited. If a Xing, Info or
    VBRI frame gives the number of frames of its stream, that many must follow.

    Parameters
    ----------
    content : bytes or mmap
        The whole file.

    Returns
    -------
    str
        :data:`TRUNCATED`, :data:`DAMAGED` or an empty string.
    """
    position, end, adjacent, damaged = 0, len(content), False, False
    expected = found = 0
    while position + 4 <= end:
        length = _frame_length(content[position : position + 4])
        if not length:
            after = _after_tag(content, position)
            if after is None:  # zeros may separate two streams, but not interrupt one
                zeros = content[position] == 0
                after = (_end_of_zeros if zeros else _next_frame)(content, position)
                separated = zeros and _stream_begins(content, after)
                damaged |= adjacent and after < end and not separated
            position, adjacent = after, False
            continue
        if position + length > end:
            if adjacent:
                return TRUNCATED
            break
        count = _frame_count(content[position : position + 60])
        if count is None:
            found += 1
        elif found < expected - 1:
            return TRUNCATED
        else:
            expected, found = count, 0
        position += length
        adjacent = True
    if found < expected - 1:
        return DAMAGED if damaged else TRUNCATED
    return DAMAGED if damaged else ""


def ogg(content: Buffer) -> str:
    """Check Ogg (RFC 3533): the last page must be complete and flagged as the last."""
    position = content.rfind(b"OggS")
    head = content[position : position + 27]
    if len(head) < 27:
        return TRUNCATED
    lacing = content[position + 27 : position + 27 + head[26]]
    whole = position + 27 + head[26] + sum(lacing) <= len(content) and len(lacing) == head[26]
    return "" if whole and head[5] & 4 else TRUNCATED


def avi(content: Buffer) -> str:
    """Check AVI: the RIFF chunks must end within the file."""
    position, end = 0, len(content)
    while position + 8 <= end and content[position : position + 4] == b"RIFF":
        size = struct.unpack("<I", content[position + 4 : position + 8])[0]
        position += 8 + size + size % 2
    return TRUNCATED if position > end + 1 else ""


#: Checks by ffprobe's name of the format.
CHECKS: dict[str, Callable[[Buffer], str]] = {"mp3": mpeg, "ogg": ogg, "avi": avi}


def _frame_length(head: bytes) -> int:
    """Return the bytes of an MPEG audio frame, from its first four; 0 if they are not a header."""
    if head[0] != 0xFF or head[1] < 0xE2:
        return 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bitrate, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return 0
    bits = 1000 * _BITRATES[version == 3, layer][bitrate - 1]
    hertz = _RATES[version][rate]
    if layer == 1:
        return (12 * bits // hertz + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // hertz + padding


def _frame_count(frame: bytes) -> int | None:
    """Return the number of frames that a Xing, Info or VBRI frame states (0: none); else None."""
    for tag, field in ((b"Xing", 8), (b"Info", 8), (b"VBRI", 14)):
        at = frame.find(tag, 4, 44)
        if at > 0:
            has_count = tag == b"VBRI" or (len(frame) > at + 7 and frame[at + 7] & 1)
            number = frame[at + field : at + field + 4]
            return int.from_bytes(number, "big") if has_count and len(number) == 4 else 0
    return None


def _after_tag(content: Buffer, position: int) -> int | None:
    """Return the end of the tag (ID3, APE, Lyrics3) that begins here; None if there is none."""
    head = content[position : position + 32]
    if head[:3] == b"ID3" and len(head) > 9:
        size = sum((byte & 0x7F) << 7 * (3 - i) for i, byte in enumerate(head[6:10]))
        return position + 10 + size + 10 * bool(head[5] & 0x10)
    if head[:4] == b"TAG+":
        return position + 227
    if head[:3] == b"TAG":
        return position + 128
    if head[:8] == b"APETAGEX" and len(head) == 32:
        size, _, flags = struct.unpack("<III", head[12:24])
        return position + 32 + (size if flags & 0x20000000 else 0)
    if head[:11] == b"LYRICSBEGIN":
        tail = content.find(b"LYRICS", position + 11)
        return tail + 9 if tail > 0 else None
    return None


def _stream_begins(content: Buffer, position: int) -> bool:
    """Check whether a stream begins here: with a tag, or with a frame that counts the others."""
    if _after_tag(content, position) is not None:
        return True
    frame = content[position : position + 60]
    return len(frame) >= 4 and bool(_frame_length(frame[:4])) and _frame_count(frame) is not None


def _end_of_zeros(content: Buffer, position: int) -> int:
    """Return the end of a run of zeros."""
    found = _NONZERO.search(content, position)
    return found.start() if found else len(content)


def _next_frame(content: Buffer, position: int) -> int:
    """Return the next position where one frame follows another; the end if there is none."""
    end = len(content)
    for match in _FRAME_SYNC.finditer(content, position + 1):
        at = match.start()
        following = at + (_frame_length(content[at : at + 4]) if at + 4 <= end else end)
        if at < following <= end - 4 and _frame_length(content[following : following + 4]):
            return at
    return end
