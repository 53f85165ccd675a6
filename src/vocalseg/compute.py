"""Settings that decide how TensorFlow computes: kernels, threads and number format.

Kernels
    TensorFlow enables its oneDNN kernels by default only on processors with AVX-512 VNNI or newer
    instructions, but they are faster on every x86 processor: on AVX2 a training step takes about
    half the time. ``vocalseg/__init__.py`` enables them on every x86 processor before TensorFlow
    is imported; ``TF_ENABLE_ONEDNN_OPTS`` in the user's environment takes precedence. If a program
    imports TensorFlow before ``vocalseg``, the setting has no effect: results are equal up to
    rounding but take longer, and :func:`check` warns.
Threads
    TensorFlow's default, one for each processor that the process may run on, or the user's
    ``TF_NUM_INTRAOP_THREADS``.
Number format
    See :func:`choose`.

All settings follow from the processor and none from a timing, so one machine always trains the same
weights. :func:`compute_settings` returns them; they are saved with every model.

The module imports only the standard library until TensorFlow is needed, because ``study.doctor``
shows the settings before anything is installed.
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
LIMIT = "ONEDNN_MAX_CPU_ISA"  # newest instructions that oneDNN may use

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class ComputeSettings:
    """How a network was trained; with other settings the same training rounds differently.

    Attributes
    ----------
    onednn : bool
        Whether TensorFlow used its oneDNN kernels.
    threads : int
        Threads per operation (intra-op); the order of floating-point sums depends on it.
    precision : {"float32", "bfloat16"}
        Number format of the network's layers.
    """

    onednn: bool
    threads: int
    precision: Precision


def check() -> None:
    """Check that the settings which ``vocalseg`` made when it was imported are in force.

    Raises
    ------
    BadInput
        If Keras was imported earlier with another backend than TensorFlow.

    Warns
    -----
    RuntimeWarning
        If oneDNN was requested, but TensorFlow was imported earlier and does not use it.
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
    """Return whether the environment tells TensorFlow to use its oneDNN kernels."""
    return os.environ.get(ONEDNN, "").lower() in ("1", "true")


def threads_chosen() -> int:
    """Return the threads per operation: the user's setting or TensorFlow's default."""
    from_user = os.environ.get(THREADS, "")
    if from_user.isdecimal() and int(from_user):
        return int(from_user)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compute_settings(precision: str) -> ComputeSettings:
    """Return the settings in force in this process; :func:`choose` resolves the precision."""
    import tensorflow as tf

    set_by_program = tf.config.threading.get_intra_op_parallelism_threads()  # 0 if not set
    return ComputeSettings(_uses_onednn(), set_by_program or threads_chosen(), choose(precision))


def choose(precision: str) -> Precision:
    """Resolve ``auto`` to ``float32`` or ``bfloat16``; return other values unchanged.

    ``auto`` is bfloat16 if the hardware has instructions for it (an NVIDIA GPU from compute
    capability 8, a CPU with AVX-512 BF16 or AMX), and otherwise float32, because bfloat16 would be
    emulated and slower.

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16"}
        Requested number format.

    Returns
    -------
    {"float32", "bfloat16"}
        Number format to compute in.

    Raises
    ------
    BadInput
        If TensorFlow cannot compute in bfloat16 because of the user's ``ONEDNN_MAX_CPU_ISA``.

    Examples
    --------
    >>> choose("float32")
    'float32'
    """
    if precision == "float32":
        return "float32"
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if precision == "bfloat16":
        if not gpus and _onednn_rejects_bfloat16():
            raise BadInput(
                f"precision bfloat16: excluded by {LIMIT}={os.environ[LIMIT]}; unset the variable, "
                "or choose float32"
            )
        return "bfloat16"
    for gpu in gpus:
        capability = tf.config.experimental.get_device_details(gpu).get("compute_capability", (0,))
        return "bfloat16" if capability[0] >= 8 else "float32"
    return "bfloat16" if cpu_has_bfloat16() else "float32"


@contextmanager
def keras_defaults(precision: str) -> Iterator[None]:
    """Use Keras' own defaults inside the context instead of the user's ``keras.json``.

    Parameters
    ----------
    precision : {"float32", "bfloat16"}
        Number format of layers that are made in the context; their weights are float32.
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
    """Return whether the processor has instructions for bfloat16; detected on Linux only."""
    limit = os.environ.get(LIMIT, "DEFAULT").upper()
    if not any(name in limit for name in ("DEFAULT", "ALL", "BF16", "FP16", "AMX", "AVX10")):
        return False
    return not _cpu_flags().isdisjoint(("amx_bf16", "avx512_bf16"))


def _onednn_rejects_bfloat16() -> bool:
    """Return whether oneDNN may not use the instructions that TensorFlow relies on in bfloat16.

    On a processor with AVX-512, TensorFlow leaves bfloat16 to oneDNN, which emulates it with
    AVX-512 if necessary; on others, TensorFlow computes it itself.
    """
    limit = os.environ.get(LIMIT, "").upper()
    older = limit.startswith("SSE") or limit in ("AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2")
    return older and onednn_chosen() and "avx512f" in _cpu_flags()


def _cpu_flags() -> set[str]:
    """Return the instruction sets that Linux reports; empty on other systems."""
    cpu = Path("/proc/cpuinfo")
    return set(cpu.read_text().split()) if cpu.exists() else set()


def _uses_onednn() -> bool:
    from tensorflow.python.util import _pywrap_util_port  # there is no public function

    return bool(_pywrap_util_port.IsMklEnabled())
