"""What the pages to listen on share: one HTML file with its style and scripts within."""

from base64 import b64encode
from collections.abc import Iterable
from html import escape
from importlib.resources import files

#: Playing tracks in lockstep, loading their sound, the player and its keys.
SCRIPTS = ("deck.js", "sounds.js", "player.js", "keys.js")


def document(title: str, body: str, scripts: Iterable[str] = SCRIPTS) -> str:
    """A whole page.

    Parameters
    ----------
    title : str
    body : str
        HTML.
    scripts : iterable of str
        JavaScript files of this package, in the order in which they run.
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
    """Text of a file of this package."""
    return (files(__package__) / name).read_text(encoding="utf-8")


def data_uri(content: bytes, kind: str) -> str:
    """Content as an address within the page; ``kind`` is its MIME type."""
    return f"data:{kind};base64,{b64encode(content).decode()}"


def decibels(value: float, sign: str = "") -> str:
    """A number with one decimal and a true minus sign; a dash where it is not finite."""
    text = f"{value:{sign}.1f}" if abs(value) < float("inf") else "–"
    return text.replace("-", "\N{MINUS SIGN}")
