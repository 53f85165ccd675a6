"""Benchmarks. They report ratios within one run, because machines are noisy; no test uses them."""

import stages  # noqa: F401  (puts this folder's src first on the path, before TensorFlow is imported)
