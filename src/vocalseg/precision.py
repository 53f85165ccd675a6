"""The number format that a network computes in; its weights and its output stay float32."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import tensorflow as tf


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Networks that are built inside compute in a number format.

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16"}
        As :func:`choose` takes it.
    """
    before = keras.config.dtype_policy()
    policy = {"float32": "float32", "bfloat16": "mixed_bfloat16"}[choose(precision)]
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def choose(precision: str) -> str:
    """``auto`` decided: ``float32`` or ``bfloat16``.

    It is bfloat16 where the hardware has instructions for it (an NVIDIA GPU from compute capability
    8, a CPU with AVX-512 BF16 or AMX) and float32 elsewhere, where bfloat16 is emulated and slower.
    What the hardware has, not a stopwatch, decides: the same machine always trains the same
    weights.
    """
    if precision != "auto":
        return precision
    return "bfloat16" if _in_hardware() else "float32"


def _in_hardware() -> bool:
    for gpu in tf.config.list_physical_devices("GPU"):
        capability = tf.config.experimental.get_device_details(gpu).get("compute_capability", (0,))
        return capability[0] >= 8
    cpu = Path("/proc/cpuinfo")
    flags = cpu.read_text().split() if cpu.exists() else []
    return "amx_bf16" in flags or "avx512_bf16" in flags
