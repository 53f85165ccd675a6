"""What each factor of the study is worth, from scores of the same songs under its levels."""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

LEVEL = 0.95  # of the intervals
COLUMNS = [
    *("factor", "better", "worse", "songs", "seeds"),
    *("difference", "low", "high", "d_z", "p", "wilcoxon"),
]


def effects(songs: pd.DataFrame) -> pd.DataFrame:
    """Paired differences between the levels of each factor.

    A pair is one song and one seed under two networks that differ in this factor alone. Songs are
    the units: pairs of a song are averaged first, over the levels of the other factors.

    The test is the t test of the mean difference: it comes with an interval, and seeds can enter.
    With several, the variance between seeds is added to that between songs (crossed random effects,
    degrees of freedom by Satterthwaite), and the result speaks of other songs *and* other
    trainings; with one it speaks of other songs only. Wilcoxon's signed-rank test over songs, which
    assumes no normal distribution, stands beside it.

    Parameters
    ----------
    songs : DataFrame
        ``song``, ``value`` (dB), ``seed``; every other column is a factor.

    Returns
    -------
    DataFrame
        ``factor``, ``better``, ``worse`` (levels), ``songs``, ``seeds`` (how many), ``difference``
        with its 95 % interval ``low`` and ``high`` (dB), ``d_z`` (the difference over its standard
        deviation between songs), ``p`` and ``wilcoxon`` (p values, Holm-corrected over the rows).
        A row for each two levels that share at least two songs.
    """
    keys = [column for column in songs if column not in ("song", "value", "seed")]
    tests = []
    for factor in keys:
        others = [key for key in keys if key != factor]
        runs = songs.set_index(["song", "seed", *others, factor])["value"].unstack(factor)
        for one, two in combinations(runs.columns, 2):
            pairs = (runs[one] - runs[two]).dropna().groupby(["song", "seed"]).mean()
            pairs = pairs.unstack("seed").dropna().to_numpy()
            if len(pairs) < 2:
                continue
            if pairs.mean() < 0:
                one, two, pairs = two, one, -pairs
            tests.append({"factor": factor, "better": one, "worse": two} | paired_test(pairs))
    table = pd.DataFrame(tests, columns=COLUMNS)
    return table.assign(p=holm(table["p"]), wilcoxon=holm(table["wilcoxon"]))


def paired_test(differences: np.ndarray) -> dict[str, float]:
    """The tests of :func:`effects` for one pair of levels, p values not corrected.

    Parameters
    ----------
    differences : float array, (songs, seeds)
        In dB; at least two songs.
    """
    by_song, by_seed = differences.mean(axis=1), differences.mean(axis=0)
    samples = [by_song] if len(by_seed) == 1 else [by_song, by_seed]
    freedoms = np.array([len(sample) - 1 for sample in samples])
    variances = np.array([sample.var(ddof=1) / len(sample) for sample in samples])
    mean, error = by_song.mean(), np.sqrt(variances.sum())
    with np.errstate(divide="ignore", invalid="ignore"):  # songs that all differ by the same
        freedom = variances.sum() ** 2 / (variances**2 / freedoms).sum()
        t, d_z = mean / error, mean / by_song.std(ddof=1)
        signed_rank = stats.wilcoxon(by_song).pvalue if by_song.any() else 1.0
    reach = stats.t.ppf((1 + LEVEL) / 2, freedom) * error
    return {
        "songs": len(by_song),
        "seeds": len(by_seed),
        "difference": mean,
        "low": mean - reach,
        "high": mean + reach,
        "d_z": d_z,
        "p": 2 * stats.t.sf(abs(t), freedom),
        "wilcoxon": signed_rank,
    }


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's correction of p values for how many they are; NaN stays and does not count."""
    p = np.asarray(p, dtype=float)
    order = np.argsort(p)[: np.isfinite(p).sum()]  # NaN comes last
    corrected = np.full(len(p), np.nan)
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.maximum.accumulate(steps).clip(max=1)
    return corrected
