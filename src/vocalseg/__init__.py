"""Vocal separation with a U-Net on magnitude spectrograms (arXiv 2405.20059)."""

import importlib
import os
import platform

__all__ = ["BadInput", "Separator"]

_HOME = {"BadInput": "vocalseg.errors", "Separator": "vocalseg.separator"}

# TensorFlow and Keras read these variables when they are imported, so this comes before: the same
# kernels on every x86 processor, unless the user decides otherwise (see vocalseg.compute), and the
# network's own backend, whatever the user's is.
if platform.machine().lower() in ("x86_64", "amd64"):
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ["KERAS_BACKEND"] = "tensorflow"


def __getattr__(name: str):
    """Import on first use: a stage that never predicts never waits for TensorFlow."""
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
