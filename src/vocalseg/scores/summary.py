"""Summarise scores of songs over a test set."""

import pandas as pd

#: Metrics of a song by protocol; see :mod:`vocalseg.scores.standard`.
METRICS = {"museval": ("sdr", "sir", "sar", "isr"), "global": ("sdr", "si_sdr")}


def summarise(songs: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Compute the median over songs for ``museval`` and the mean over songs for ``global``.

    Parameters
    ----------
    songs : DataFrame
        ``protocol``, ``metric``, ``value`` of all songs; NaN is ignored.

    Returns
    -------
    dict
        Values in dB by protocol and metric.
    """
    average = {"museval": "median", "global": "mean"}
    values = songs.groupby(["protocol", "metric"])["value"]
    return {
        protocol: {
            metric: float(values.get_group((protocol, metric)).agg(average[protocol]))
            for metric in metrics
        }
        for protocol, metrics in METRICS.items()
    }
