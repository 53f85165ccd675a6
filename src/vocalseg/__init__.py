"""Vocal separation with a U-Net on magnitude spectrograms (arXiv 2405.20059)."""

import importlib
import os
import platform

__all__ = ["BadInput", "Separator"]

_MODULES = {"BadInput": "vocalseg.errors", "Separator": "vocalseg.separator"}

# TensorFlow and Keras read these variables at import, so they are set here: oneDNN kernels on every
# x86 processor unless the user has chosen otherwise (see vocalseg.compute), and the backend that
# the network is written for, even if the user's default is another.
if platform.machine().lower() in ("x86_64", "amd64"):
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ["KERAS_BACKEND"] = "tensorflow"


def __getattr__(name: str):
    """Import public names lazily: stages that do not predict need not import TensorFlow."""
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
