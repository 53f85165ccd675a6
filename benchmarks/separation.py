"""Compare separation with the forward pass of its network, and measure the memory of a long song.

    python -m benchmarks.separation [--filters 16 64] [--precision float32 bfloat16] [--hours 2]

Speed: stereo noise at 44.1 kHz through ``Separator.stream``, compared with the forward pass of the
same number of tiles in the same run: wall time and CPU time. The ratio of CPU times is about the
lowest possible ratio of wall times, because the forward pass keeps all cores busy. "FFTs" is the
time of the Fourier transforms alone, relative to the forward pass. The rates, in 10^9
multiplications per second, are those of the forward pass and of a matrix product, which is an upper
bound for a network of plain convolutions.
Memory: the peak of a process that separates a song of ``--hours`` as a stream, minus its memory
after loading the model; not measured with ``--hours 0``.
"""

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator

import numpy as np
import psutil
import scipy.fft

from vocalseg.estimator import Estimator
from vocalseg.model_file import Settings
from vocalseg.separator import Separator

RATE = 44_100
REPEATS = 5


def random_separator(filters: int, precision: str = "float32") -> Separator:
    """Create a separator with the paper's network and random weights."""
    from vocalseg.unet import build_unet

    settings = Settings(11025, 1024, 256, 128, "frequency", "minmax", filters, 4)
    network = build_unet(512, 128, filters, 4, precision).predict_on_batch
    return Separator(Estimator(network, settings))


def blocks(seconds: int) -> Iterator[np.ndarray]:
    """Yield blocks of one second of stereo noise, all with the same content."""
    noise = 0.1 * np.random.default_rng(0).standard_normal((RATE, 2), dtype=np.float32)
    for _ in range(seconds):
        yield noise.copy()


def run(separator: Separator, seconds: int) -> None:
    """Separate noise as a stream and discard the result."""
    for _ in separator.stream(blocks(seconds), RATE):
        pass


def seconds_of(function: Callable[..., object]) -> float:
    """Measure the wall time of a call, in seconds."""
    return times_of(function)[0]


def times_of(function: Callable[..., object]) -> np.ndarray:
    """Measure the wall time and the CPU time of a call, in seconds."""
    start = time.perf_counter(), time.process_time()
    function()
    return np.subtract((time.perf_counter(), time.process_time()), start)


def multiplications(filters: int) -> int:
    """Count the multiplications of all convolutions of the network, for one tile."""
    from vocalseg.unet import build_unet

    total = 0
    for layer in build_unet(512, 128, filters, 4).layers:
        if hasattr(layer, "kernel"):  # a transposed convolution applies it to each *input*
            grid = layer.input if "transpose" in layer.name else layer.output
            total += int(np.prod(grid.shape[1:3]) * np.prod(layer.kernel.shape))
    return total


def matrix_product(precision: str, size: int = 2048) -> float:
    """Measure the multiplications per second of a matrix product, the best of ten."""
    import tensorflow as tf

    matrix = tf.cast(tf.random.normal((size, size)), precision)
    return size**3 / min(seconds_of(lambda: (matrix @ matrix).numpy()) for _ in range(10))


def fourier_transforms(seconds: int, size: int = 4096, hop: int = 1024) -> None:
    """Transform as many stereo frames as a song has, and back, without windows or overlap-add."""
    frames = np.random.default_rng(0).standard_normal((2, 64, size), dtype=np.float32)
    for _ in range(seconds * RATE // (64 * hop)):
        scipy.fft.irfft(scipy.fft.rfft(frames))


def separation_speed(filters: int, precision: str, seconds: int) -> str:
    """Measure the speed of separation and format a row of the first table."""
    separator = random_separator(filters, precision)
    calls = 0
    assert isinstance(separator.estimator, Estimator), "random_separator makes no ensemble"
    network = separator.estimator.network

    def counted(tiles):
        nonlocal calls
        calls += 1
        return network(tiles)

    separator.estimator.network = counted
    run(separator, 5)  # warm up
    batch = np.random.default_rng(0).random((separator.estimator.batch, 512, 128, 1), np.float32)
    measured = []
    for _ in range(REPEATS):
        calls = 0
        total = times_of(lambda: run(separator, seconds))
        batches = [batch] * calls
        forward = times_of(lambda batches=batches: [network(tiles) for tiles in batches])
        transforms = seconds_of(lambda: fourier_transforms(seconds))
        network_rate = calls * separator.estimator.batch * multiplications(filters) / forward[0]
        rates = network_rate / 1e9, matrix_product(precision) / 1e9
        ratios = *(total / forward), transforms / forward[0]
        measured.append((seconds / total[0], *ratios, *rates))
    speed, *ratios, rate, product = np.median(measured, axis=0)
    columns = " | ".join(f"{ratio:.2f}" for ratio in ratios)
    return f"| {filters} | {precision} | {speed:.1f} | {columns} | {rate:.0f} | {product:.0f} |"


def memory(filters: int, seconds: int) -> str:
    """Measure the peak memory of separation and format a row of the second table."""
    separator = random_separator(filters)
    # The current memory, because loading TensorFlow may have had a higher peak.
    loaded = psutil.Process().memory_info().rss / 2**20
    elapsed = seconds_of(lambda: run(separator, seconds))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return (
        f"| {filters} | {seconds / 60:g} min | {peak - loaded:.0f} MiB | {elapsed / 60:.1f} min |"
    )


def print_from_subprocess(function: Callable[..., str], *arguments) -> None:
    """Call a function in a new process and print its result."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.apply(function, arguments), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--filters", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--precision", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--hours", type=float, default=2)
    arguments = parser.parse_args()
    names = (
        "s of audio per s", "x forward pass", "CPU time", "FFTs", "rate of the pass",
        "matrix product",
    )  # fmt: skip
    print("| filters | precision |", " | ".join(names), "|")
    print("|---:|---|" + "---:|" * len(names))
    for filters in arguments.filters:
        for precision in arguments.precision:
            print_from_subprocess(separation_speed, filters, precision, 1920 // filters)
    if not arguments.hours:
        return
    print("\n| filters | song | peak above the model | time |\n|---:|---|---:|---:|")
    for filters, seconds in ((16, 60), (16, round(arguments.hours * 3600)), (64, 60), (64, 600)):
        print_from_subprocess(memory, filters, seconds)


if __name__ == "__main__":
    main()
