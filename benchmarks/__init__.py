"""Measurements, as ratios taken in one run: machines are noisy, tests never depend on time."""
