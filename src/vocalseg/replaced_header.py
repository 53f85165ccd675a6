"""Read a sound file as if it had another header."""

import io
from typing import BinaryIO

from vocalseg.containers import Container


class ReplacedHeader(io.RawIOBase):
    """Read-only view of a file whose header is replaced by that of a :class:`Container`.

    Parameters
    ----------
    file : binary file
        Seekable file.
    container : Container
        Extent of the samples and the new header.
    """

    def __init__(self, file: BinaryIO, container: Container):
        self.file, self.header = file, container.header or b""
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
