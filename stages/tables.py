"""Tables of scores that one stage writes and others read."""

from pathlib import Path

import pandas as pd

BOUNDS, SONGS = Path("plots/bounds.csv"), Path("plots/songs.csv")


def read(path: Path) -> pd.DataFrame:
    """Read :data:`BOUNDS` or :data:`SONGS`; song names that look like numbers or NA remain strings.

    Parameters
    ----------
    path : Path
        One of the tables.

    Returns
    -------
    DataFrame
        ``song``, ``protocol``, ``metric``, ``value`` (dB, NaN where undefined), and ``estimate`` or
        ``gain``.
    """
    numbers = {"value": "", "gain": ""}
    return pd.read_csv(path, dtype={"song": str}, keep_default_na=False, na_values=numbers)
