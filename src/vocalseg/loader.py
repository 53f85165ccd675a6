"""Load batches of training examples from tiles, scaling statistics and the table of examples."""

import numpy as np
import pandas as pd

from vocalseg import scaling


class TileStore:
    """Mixture and vocal tiles with their scaling statistics, all memory-mapped.

    Parameters
    ----------
    mixture, vocals : float32 arrays, (n, bins, frames)
        Magnitudes of the tiles.
    offset, scale : float32 arrays, (n, bins, 1) or (n, 1, frames)
        Scaling statistics; see :func:`vocalseg.scaling.statistics`.
    rescale : (axis, scaler), optional
        Augment magnitudes and scale the result with the statistics of its own mixture. By default,
        scaled tiles are augmented.
    log : bool
        Whether the scaler is one of :data:`vocalseg.scaling.LOGARITHMIC`.
    """

    def __init__(
        self,
        mixture,
        vocals,
        offset,
        scale,
        rescale: tuple[str, str] | None = None,
        log: bool = False,
    ):
        self.mixture, self.vocals, self.offset, self.scale = mixture, vocals, offset, scale
        self.frames, self.rescale, self.log = mixture.shape[2], rescale, log

    def batch(
        self, rows: pd.DataFrame, names: tuple[str, ...] = ("target",), epoch: int | None = None
    ) -> dict[str, np.ndarray]:
        """Return examples as a batch of ``input`` and ``target``, the same in every epoch."""
        return dict(zip(("input", "target"), self.examples(rows), strict=True))

    def examples(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Make the examples of a table.

        Augmentation is applied to scaled tiles unless ``rescale`` is given: each half of a splice
        keeps the statistics of its own tile, and a blackout is zero in the scaled domain.

        Parameters
        ----------
        rows : DataFrame
            Rows of a table by :func:`vocalseg.examples.make_table`.

        Returns
        -------
        mixture, vocals : float32 arrays, (len(rows), bins, frames, 1)
            Scaled examples.
        """
        tile = rows["tile"].to_numpy()
        spliced = np.flatnonzero(rows["kind"] == "splice")
        start = rows["blackout_start"].to_numpy()
        half = self.frames // 2
        # Without the column `next`, splices join adjacent tiles.
        second = rows["next"].to_numpy() if "next" in rows else tile + 1
        parts = []
        for tiles in (self.mixture, self.vocals):
            x = self._load(tiles, tile)
            if len(spliced):
                following = self._load(tiles, second[spliced])
                x[spliced] = np.concatenate((x[spliced, :, half:], following[:, :, :half]), axis=2)
            for i in np.flatnonzero(start >= 0):
                x[i, :, start[i] : start[i] + half] = 0
            parts.append(x)
        if self.rescale is not None:
            axis, scaler = self.rescale
            if scaler == "standard":
                statistics = self.offset[:1], self.scale[:1]
            else:
                statistics = scaling.statistics(parts[0], axis, scaler)
            parts = [scaling.apply(x, *statistics, self.log) for x in parts]
        return parts[0][..., np.newaxis], parts[1][..., np.newaxis]

    def _load(self, tiles, which):
        if self.rescale is not None:
            return np.array(tiles[which])
        return scaling.apply(tiles[which], self.offset[which], self.scale[which], self.log)


def batches(
    examples: pd.DataFrame, batch_size: int, seed: tuple[int, int] | None = None
) -> list[pd.DataFrame]:
    """Split a table into batches; the last one may be smaller.

    Parameters
    ----------
    examples : DataFrame
        Any table.
    batch_size : int
        Rows per batch.
    seed : (seed, epoch), optional
        Seed of the order of the rows; by default the order is kept. Because it includes the epoch,
        a resumed training uses the order that an uninterrupted one would have used.

    Returns
    -------
    list of DataFrame
        Batches.

    Examples
    --------
    >>> [len(batch) for batch in batches(pd.DataFrame({"tile": range(10)}), 4)]
    [4, 4, 2]
    """
    if seed is not None:
        examples = examples.iloc[np.random.default_rng(seed).permutation(len(examples))]
    return [examples.iloc[i : i + batch_size] for i in range(0, len(examples), batch_size)]
