"""How TensorFlow computes: its kernels, its threads and the number format of the network.

Kernels
    TensorFlow enables its oneDNN kernels by default only on processors with AVX-512 VNNI or newer
    instructions, but they are faster on every x86 processor: on AVX2 a training step takes about
    half the time. ``vocalseg/__init__.py`` enables them on every x86 processor, before TensorFlow
    can be imported; a user's ``TF_ENABLE_ONEDNN_OPTS`` wins. Where a program imports TensorFlow
    before ``vocalseg``, the choice comes too late: results are equal to rounding but take longer,
    and :func:`check` warns of it.
Threads
    TensorFlow's rule: one for each processor that the process may run on, or the user's
    ``TF_NUM_INTRAOP_THREADS``.
Number format
    :func:`choose`.

All of it follows from the processor, nothing is timed: the same machine always trains the same
weights. :func:`computing` tells what was chosen; it is saved with every model.

The module imports nothing but the standard library until TensorFlow is needed, because
``study.doctor`` shows the choice before anything is installed.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vocalseg.errors import BadInput

ONEDNN, THREADS = "TF_ENABLE_ONEDNN_OPTS", "TF_NUM_INTRAOP_THREADS"


@dataclass(frozen=True)
class Computing:
    """How a network was trained: on another choice the same training rounds differently.

    Attributes
    ----------
    onednn : bool
        Whether TensorFlow used its oneDNN kernels.
    threads : int
        That shared an operation; the order of sums depends on it.
    precision : {"float32", "bfloat16"}
        Number format of the network's layers.
    """

    onednn: bool
    threads: int
    precision: Literal["float32", "bfloat16"]


def check() -> None:
    """Check that what ``vocalseg`` chose when it was imported is in force.

    Raises
    ------
    BadInput
        If Keras was imported earlier, with another backend than TensorFlow.

    Warns
    -----
    RuntimeWarning
        If oneDNN was chosen, but TensorFlow was imported earlier and does not use it.
    """
    import keras

    if keras.config.backend() != "tensorflow":
        raise BadInput(
            f"Keras runs on {keras.config.backend()} in this process, but the network needs "
            "TensorFlow; import vocalseg before keras, or set KERAS_BACKEND=tensorflow"
        )
    if onednn_chosen() and not _uses_onednn():
        warnings.warn(
            "TensorFlow does not use oneDNN, so the network may take twice as long: it was "
            f"imported before vocalseg; import vocalseg first, or set {ONEDNN}=1 beforehand",
            RuntimeWarning,
            stacklevel=3,
        )


def onednn_chosen() -> bool:
    """Whether the environment tells TensorFlow to use its oneDNN kernels."""
    return os.environ.get(ONEDNN, "").lower() in ("1", "true")


def threads_chosen() -> int:
    """Threads that share an operation, by TensorFlow's rule or the user's environment variable."""
    users = os.environ.get(THREADS, "")
    if users.isdecimal() and int(users):
        return int(users)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def computing(precision: str) -> Computing:
    """What TensorFlow uses in this process, for a network of a precision (see :func:`choose`)."""
    import tensorflow as tf

    set_by_program = tf.config.threading.get_intra_op_parallelism_threads()  # 0 if it was not
    return Computing(_uses_onednn(), set_by_program or threads_chosen(), choose(precision))


def choose(precision: str) -> str:
    """Resolve ``auto`` to ``float32`` or ``bfloat16``; the others are returned as they are.

    ``auto`` is bfloat16 where the hardware has instructions for it (an NVIDIA GPU from compute
    capability 8, a CPU with AVX-512 BF16 or AMX), and float32 elsewhere, where bfloat16 is emulated
    and slower.
    """
    if precision != "auto":
        return precision
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        capability = tf.config.experimental.get_device_details(gpu).get("compute_capability", (0,))
        return "bfloat16" if capability[0] >= 8 else "float32"
    return "bfloat16" if cpu_has_bfloat16() else "float32"


@contextmanager
def keras_defaults(precision: str) -> Iterator[None]:
    """Inside, Keras has its own defaults, not those of the user's ``keras.json``.

    Parameters
    ----------
    precision : {"float32", "bfloat16"}
        What layers that are made inside compute in; their weights are float32.
    """
    import keras

    settings = keras.config
    before = settings.floatx(), settings.image_data_format(), settings.dtype_policy()
    try:
        settings.set_floatx("float32")
        settings.set_image_data_format("channels_last")
        settings.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
        yield
    finally:
        settings.set_floatx(before[0])
        settings.set_image_data_format(before[1])
        settings.set_dtype_policy(before[2])


def cpu_has_bfloat16() -> bool:
    """Whether the processor has instructions for bfloat16; known on Linux only."""
    cpu = Path("/proc/cpuinfo")
    flags = cpu.read_text().split() if cpu.exists() else []
    return "amx_bf16" in flags or "avx512_bf16" in flags


def _uses_onednn() -> bool:
    from tensorflow.python.util import _pywrap_util_port  # TensorFlow has no public way to ask

    return bool(_pywrap_util_port.IsMklEnabled())
