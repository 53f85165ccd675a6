"""Separation against the bare forward pass of its network, and the memory of a long song.

    python -m benchmarks.separation [--hours 2]

Speed: stereo noise at 44.1 kHz through ``Separator.stream``, at 16 and at 64 filters, beside the
forward pass of as many tiles in the same run. Rates, in 10^9 multiplications a second: that of the
pass, and that of the product of two matrices, which no network of plain convolutions can outrun.
Memory: the peak of a process that separates a song of ``--hours`` as a stream, above what it had
when the model was loaded.
"""

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator

import numpy as np
import psutil

from vocalseg.estimator import Estimator
from vocalseg.model_file import Settings
from vocalseg.separator import Separator

RATE = 44_100
REPEATS = 3


def separator(filters: int, precision: str = "float32") -> Separator:
    """The paper's network with random weights."""
    from vocalseg.unet import build_unet

    settings = Settings(11025, 1024, 256, 128, "frequency", "minmax", filters, 4)
    network = build_unet(512, 128, filters, 4, precision).predict_on_batch
    return Separator(Estimator(network, settings))


def blocks(seconds: int) -> Iterator[np.ndarray]:
    """Stereo noise, a second at a time; only the first second is drawn."""
    noise = 0.1 * np.random.default_rng(0).standard_normal((RATE, 2), dtype=np.float32)
    for _ in range(seconds):
        yield noise.copy()


def run(subject: Separator, seconds: int) -> None:
    """Separate and forget."""
    for _ in subject.stream(blocks(seconds), RATE):
        pass


def seconds_of(work: Callable[..., object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def operations(filters: int) -> int:
    """Multiplications of a tile's way through the network's convolutions."""
    from vocalseg.unet import build_unet

    total = 0
    for layer in build_unet(512, 128, filters, 4).layers:
        if hasattr(layer, "kernel"):  # a transposed one spreads each *input* over its kernel
            grid = layer.input if "transpose" in layer.name else layer.output
            total += int(np.prod(grid.shape[1:3]) * np.prod(layer.kernel.shape))
    return total


def matrix_product(precision: str, size: int = 2048) -> float:
    """Multiplications a second of the product of two matrices, the best of some."""
    import tensorflow as tf

    matrix = tf.cast(tf.random.normal((size, size)), precision)
    return size**3 / min(seconds_of(lambda: (matrix @ matrix).numpy()) for _ in range(10))


def speed(filters: int, precision: str, seconds: int) -> str:
    """A row of the table."""
    subject = separator(filters, precision)
    calls = 0
    assert isinstance(subject.estimator, Estimator), "separator() makes no ensemble"
    network = subject.estimator.network

    def counted(tiles):
        nonlocal calls
        calls += 1
        return network(tiles)

    subject.estimator.network = counted
    run(subject, 5)  # warm
    batch = np.random.default_rng(0).random((subject.estimator.batch, 512, 128, 1), np.float32)
    measured = []
    for _ in range(REPEATS):
        calls = 0
        whole = seconds_of(lambda: run(subject, seconds))
        batches = [batch] * calls
        bare = seconds_of(lambda batches=batches: [network(tiles) for tiles in batches])
        network_rate = calls * subject.estimator.batch * operations(filters) / bare
        rates = network_rate / 1e9, matrix_product(precision) / 1e9
        measured.append((seconds / whole, whole / bare, *rates))
    heard, ratio, forward, product = np.median(measured, axis=0)
    return (
        f"| {filters} | {precision} | {heard:.1f} | {ratio:.2f} | {forward:.0f} | {product:.0f} |"
    )


def memory(filters: int, seconds: int) -> str:
    """A row of the table."""
    subject = separator(filters)
    # What is there now; the peak so far may be that of loading TensorFlow.
    loaded = psutil.Process().memory_info().rss / 2**20
    took = seconds_of(lambda: run(subject, seconds))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return f"| {filters} | {seconds / 60:g} min | {peak - loaded:.0f} MiB | {took / 60:.1f} min |"


def alone(function: Callable[..., str], *arguments) -> None:
    """Print what a function returns in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.apply(function, arguments), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=2)
    arguments = parser.parse_args()
    print("| filters | precision | s of audio per s | x forward pass | its rate | matrices' |")
    print("|---:|---|---:|---:|---:|---:|")
    for filters, seconds in ((16, 120), (64, 30)):
        for precision in ("float32", "bfloat16"):
            alone(speed, filters, precision, seconds)
    print("\n| filters | song | peak above the model | took |\n|---:|---|---:|---:|")
    for filters, seconds in ((16, 60), (16, round(arguments.hours * 3600)), (64, 60), (64, 600)):
        alone(memory, filters, seconds)


if __name__ == "__main__":
    main()
