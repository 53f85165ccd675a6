"""Parts common to the listening pages: an HTML document that includes its style and scripts."""

from base64 import b64encode
from collections.abc import Iterable
from html import escape
from importlib.resources import files

#: Scripts that play tracks in synchrony, load their sound, control the player, and handle its keys.
SCRIPTS = ("deck.js", "sounds.js", "player.js", "keys.js")


def document(title: str, body: str, scripts: Iterable[str] = SCRIPTS) -> str:
    """Format an HTML document.

    Parameters
    ----------
    title : str
        Plain text.
    body : str
        HTML.
    scripts : iterable of str
        JavaScript files of this package, in the order in which they run.

    Returns
    -------
    str
        HTML document.
    """
    code = "\n".join(map(resource, scripts))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>{resource("page.css")}</style>
</head>
<body>
{body}<script>{code}</script>
</body>
</html>
"""


def resource(name: str) -> str:
    """Read a text file of this package."""
    return (files(__package__) / name).read_text(encoding="utf-8")


def data_uri(content: bytes, kind: str) -> str:
    """Encode content as a data URI; ``kind`` is its MIME type."""
    return f"data:{kind};base64,{b64encode(content).decode()}"


def decibels(value: float, sign: str = "") -> str:
    """Format a number with one decimal and a Unicode minus sign, or a dash if it is not finite."""
    text = f"{value:{sign}.1f}" if abs(value) < float("inf") else "–"
    return text.replace("-", "\N{MINUS SIGN}")
