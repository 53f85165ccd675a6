"""The effect of each factor of a study: paired tests of the same songs under its levels."""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

LEVEL = 0.95  # confidence level of the intervals
COLUMNS = [
    *("factor", "better", "worse", "songs", "seeds"),
    *("difference", "low", "high", "d_z", "p", "wilcoxon"),
]


def effects(songs: pd.DataFrame) -> pd.DataFrame:
    """Test the paired differences between the levels of each factor.

    A pair is one song and one seed under two networks that differ in this factor alone. Songs are
    the sampling units: the pairs of a song are averaged over the levels of the other factors first.

    The main test is the t test of the mean difference, because it comes with an interval and can
    include seeds. With several seeds, the variance between seeds is added to the variance between
    songs (crossed random effects, degrees of freedom by Satterthwaite's approximation), and the
    result generalizes to other songs *and* other trainings. With one seed it generalizes to other
    songs only. Wilcoxon's signed-rank test over songs, which does not assume a normal distribution,
    is reported as well.

    Parameters
    ----------
    songs : DataFrame
        ``song``, ``value`` (dB), ``seed``; every other column is a factor.

    Returns
    -------
    DataFrame
        One row for each two levels that share at least two songs: ``factor``, ``better``,
        ``worse`` (levels), ``songs``, ``seeds`` (counts), ``difference`` with its 95 % interval
        ``low`` and ``high`` (dB), ``d_z`` (difference divided by its standard deviation between
        songs), ``p`` and ``wilcoxon`` (p values, Holm-corrected over the rows).
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
    """Run the tests of :func:`effects` for one pair of levels.

    Parameters
    ----------
    differences : float array, shape (songs, seeds)
        In dB; at least two songs.

    Returns
    -------
    dict
        ``songs``, ``seeds``, ``difference``, ``low``, ``high``, ``d_z``, ``p`` and ``wilcoxon`` as
        in :func:`effects`, but with uncorrected p values.
    """
    by_song, by_seed = differences.mean(axis=1), differences.mean(axis=0)
    samples = [by_song] if len(by_seed) == 1 else [by_song, by_seed]
    dofs = np.array([len(sample) - 1 for sample in samples])
    variances = np.array([sample.var(ddof=1) / len(sample) for sample in samples])
    mean, error = by_song.mean(), np.sqrt(variances.sum())
    with np.errstate(divide="ignore", invalid="ignore"):  # the variance may be zero
        dof = variances.sum() ** 2 / (variances**2 / dofs).sum()
        t, d_z = mean / error, mean / by_song.std(ddof=1)
        signed_rank = stats.wilcoxon(by_song).pvalue if by_song.any() else 1.0
    half_width = stats.t.ppf((1 + LEVEL) / 2, dof) * error
    return {
        "songs": len(by_song),
        "seeds": len(by_seed),
        "difference": mean,
        "low": mean - half_width,
        "high": mean + half_width,
        "d_z": d_z,
        "p": 2 * stats.t.sf(abs(t), dof),
        "wilcoxon": signed_rank,
    }


def holm(p: np.ndarray) -> np.ndarray:
    """Correct p values for multiple testing by Holm's step-down method.

    Parameters
    ----------
    p : array_like of float
        NaN stays NaN and does not count as a test.

    Returns
    -------
    float array
        Of the same length and order.

    Examples
    --------
    >>> holm([0.04, 0.01, 0.02]).tolist()
    [0.04, 0.03, 0.04]
    """
    p = np.asarray(p, dtype=float)
    order = np.argsort(p)[: np.isfinite(p).sum()]  # argsort puts NaN last
    corrected = np.full(len(p), np.nan)
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.maximum.accumulate(steps).clip(max=1)
    return corrected
