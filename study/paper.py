"""Table I of the paper (arXiv 2405.20059): the published values, in the paper's order."""

import pandas as pd

VALUES = ["paper.sdr", "paper.sir", "paper.sar", "paper.rank"]
FACTORS = ["normalize.axis", "normalize.scaler", "train.loss"]

#: The factors; ``paper.sdr``, ``paper.sir``, ``paper.sar`` in dB; ``paper.rank``, 1 for the best.
TABLE_I = pd.DataFrame(
    [
        ("frequency", "minmax", "mae", 7.115, 25.200, 7.229),
        ("time", "minmax", "mae", 7.050, 25.142, 7.177),
        ("frequency", "minmax", "mse", 6.650, 24.778, 6.765),
        ("time", "robust", "mae", 5.711, 23.905, 5.831),
        ("time", "minmax", "mse", 5.595, 23.337, 5.723),
        ("time", "robust", "mse", 4.766, 22.625, 4.899),
        ("frequency", "robust", "mse", -0.865, 16.579, -0.648),
        ("frequency", "robust", "mae", -2.071, 15.834, -1.835),
    ],
    columns=[*FACTORS, *VALUES[:3]],
)
TABLE_I["paper.rank"] = range(1, len(TABLE_I) + 1)


def published_values(table: pd.DataFrame) -> pd.DataFrame:
    """Look up the published values for each row of a table.

    Parameters
    ----------
    table : DataFrame
        Has the columns :data:`FACTORS`. The paper's "min/max" is ``minmax`` in its text and
        ``max`` in its published code, so both get the same row.

    Returns
    -------
    DataFrame
        ``paper.sdr``, ``paper.sir``, ``paper.sar`` (dB) and ``paper.rank``, indexed as ``table``;
        missing where Table I has no such row.
    """
    keys = table[FACTORS].replace({"normalize.scaler": {"max": "minmax"}}).astype(object)
    found = keys.merge(TABLE_I, how="left", on=FACTORS).set_axis(table.index)
    return found.drop(columns=FACTORS).astype({"paper.rank": "Int64"})
