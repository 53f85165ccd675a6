"""Whether a compressed file is whole by its own structure: MPEG frames, Ogg pages, AVI chunks.

ffmpeg decodes what it finds and does not say that the rest is missing.
"""

import re
import struct
from collections.abc import Callable

CUT = "ends early, cut off"
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
_NOT_ZERO = re.compile(rb"[^\0]")
_SYNC = re.compile(rb"\xff[\xe2-\xff]")


def mpeg(content: bytes) -> str:
    """What is wrong with MPEG audio (MP1, MP2, MP3): :data:`CUT`, :data:`DAMAGED` or nothing.

    Walks over the frames (ISO 11172-3, 2.4.2.3) of all streams in the file. Where a Xing, Info or
    VBRI frame counts the frames of its stream, as many must follow.

    Parameters
    ----------
    content : bytes-like
        The whole file.
    """
    position, end, adjacent, damaged = 0, len(content), False, False
    announced = found = 0
    while position + 4 <= end:
        length = _frame_length(content[position : position + 4])
        if not length:
            after = _after_tag(content, position)
            if after is None:  # padding may stand between two streams, but not within one
                padding = content[position] == 0
                after = (_next_sound if padding else _next_frame)(content, position)
                damaged |= adjacent and after < end and not (padding and _begins(content, after))
            position, adjacent = after, False
            continue
        if position + length > end:
            if adjacent:
                return CUT
            break
        count = _announced(content[position : position + 60])
        if count is None:
            found += 1
        elif found < announced - 1:
            return CUT
        else:
            announced, found = count, 0
        position += length
        adjacent = True
    if found < announced - 1:
        return DAMAGED if damaged else CUT
    return DAMAGED if damaged else ""


def ogg(content: bytes) -> str:
    """The same of Ogg (RFC 3533): the last page must be whole and be marked as the last."""
    position = content.rfind(b"OggS")
    head = content[position : position + 27]
    if len(head) < 27:
        return CUT
    lacing = content[position + 27 : position + 27 + head[26]]
    whole = position + 27 + head[26] + sum(lacing) <= len(content) and len(lacing) == head[26]
    return "" if whole and head[5] & 4 else CUT


def avi(content: bytes) -> str:
    """The same of an AVI file: its RIFF chunks must end within the file."""
    position, end = 0, len(content)
    while position + 8 <= end and content[position : position + 4] == b"RIFF":
        size = struct.unpack("<I", content[position + 4 : position + 8])[0]
        position += 8 + size + size % 2
    return CUT if position > end + 1 else ""


#: By ffprobe's name of the format.
CHECKS: dict[str, Callable[[bytes], str]] = {"mp3": mpeg, "ogg": ogg, "avi": avi}


def _frame_length(head: bytes) -> int:
    """Bytes of an MPEG audio frame by its first four; 0 if they are no frame's."""
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


def _announced(frame: bytes) -> int | None:
    """How many frames a Xing, Info or VBRI frame counts (0: none); None for other frames."""
    for tag, field in ((b"Xing", 8), (b"Info", 8), (b"VBRI", 14)):
        at = frame.find(tag, 4, 44)
        if at > 0:
            told = tag == b"VBRI" or (len(frame) > at + 7 and frame[at + 7] & 1)
            number = frame[at + field : at + field + 4]
            return int.from_bytes(number, "big") if told and len(number) == 4 else 0
    return None


def _after_tag(content: bytes, position: int) -> int | None:
    """Where a tag (ID3, APE, Lyrics3) that begins here ends; None if none does."""
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


def _begins(content: bytes, position: int) -> bool:
    """Whether a stream begins here: with a tag, or with a frame that counts the others."""
    if _after_tag(content, position) is not None:
        return True
    frame = content[position : position + 60]
    return len(frame) >= 4 and bool(_frame_length(frame[:4])) and _announced(frame) is not None


def _next_sound(content: bytes, position: int) -> int:
    """Where a stretch of zeros ends."""
    found = _NOT_ZERO.search(content, position)
    return found.start() if found else len(content)


def _next_frame(content: bytes, position: int) -> int:
    """Where two frames or a tag and a frame follow each other next; the end if nowhere."""
    end = len(content)
    for match in _SYNC.finditer(content, position + 1):
        at = match.start()
        following = at + (_frame_length(content[at : at + 4]) if at + 4 <= end else end)
        if at < following <= end - 4 and _frame_length(content[following : following + 4]):
            return at
    return end
