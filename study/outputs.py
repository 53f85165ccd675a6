"""Write the files that a command was asked for, completely or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vocalseg.errors import BadInput

if TYPE_CHECKING:  # Matplotlib takes half a second, and most commands draw nothing
    from matplotlib.figure import Figure


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Yield a temporary path; what is written there replaces ``path`` at the end of the context.

    Nothing is left if the body raises, and other processes never read an incomplete file. A link
    or a device, such as ``/dev/stdout``, is kept: its own path is yielded.

    Parameters
    ----------
    path : Path
        File to write; its folder is created.

    Yields
    ------
    Path
        File in the same folder with the same extension.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or (path.exists() and not path.is_file()):
        yield path
        return
    part = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def save(figure: "Figure", path: Path) -> None:
    """Save a figure; the file extension selects PNG, SVG, PDF or another format of Matplotlib.

    Raises
    ------
    BadInput
        If Matplotlib does not know the extension.
    """
    formats = figure.canvas.get_supported_filetypes()
    if path.suffix[1:].lower() not in formats:
        raise BadInput(f"{path}: pictures are saved as {', '.join(sorted(formats))}; rename it")
    with replaced(path) as part:
        figure.savefig(part, dpi=110)
