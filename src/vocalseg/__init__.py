"""Vocal separation with a U-Net on magnitude spectrograms (arXiv 2405.20059)."""

import importlib

__all__ = ["BadInput", "Separator"]

_ROOM = {"BadInput": "vocalseg.errors", "Separator": "vocalseg.separator"}


def __getattr__(name: str):
    """Import on first use: a stage that never predicts never waits for TensorFlow."""
    if name in _ROOM:
        return getattr(importlib.import_module(_ROOM[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
