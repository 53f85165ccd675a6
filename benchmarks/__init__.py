"""Measurements, as ratios taken in one run: machines are noisy, tests never depend on time."""

import stages  # noqa: F401  (puts this folder's src first on the path, before TensorFlow comes)
