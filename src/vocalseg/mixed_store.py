"""Load batches of examples that are remixed in each epoch, with the arrays that losses take."""

import numpy as np
import pandas as pd

from vocalseg import scaling
from vocalseg.mixing import Mixer
from vocalseg.spectrogram import phase


class MixedStore:
    """Examples of a :class:`vocalseg.mixing.Mixer`, scaled by statistics of their own mixtures.

    Parameters
    ----------
    mixer : Mixer
        Source of the examples' spectra.
    axis, scaler : str
        See :func:`vocalseg.scaling.statistics`.
    standard : (offset, scale), optional
        Statistics of the scaler ``standard``, (1, bins, 1) each.
    targets : int
        1 for vocals; 2 for vocals and accompaniment.
    """

    def __init__(self, mixer: Mixer, axis: str, scaler: str, standard=None, targets: int = 1):
        self.mixer, self.axis, self.scaler = mixer, axis, scaler
        self.standard, self.targets = standard, targets

    def batch(
        self, rows: pd.DataFrame, names: tuple[str, ...], epoch: int | None = None
    ) -> dict[str, np.ndarray]:
        """Return ``input`` and the named arrays (see :mod:`vocalseg.losses`) of some examples."""
        sources = self.mixer.spectra(rows, epoch)
        spectrum = sources.sum(axis=1)
        mixture = np.abs(spectrum)
        log = self.scaler in scaling.LOGARITHMIC
        offset, scale = self.standard or scaling.statistics(mixture, self.axis, self.scaler)
        arrays = {"input": scaling.apply(mixture, offset, scale, log)[..., np.newaxis]}
        spectra = sources[:, : self.targets]
        truth = np.abs(spectra)
        if "target" in names:
            scaled = [scaling.apply(x, offset, scale, log) for x in truth.swapaxes(0, 1)]
            arrays["target"] = np.stack(scaled, axis=-1)
        if "truth" in names:
            arrays["truth"] = np.moveaxis(truth, 1, -1)
        if "mixture" in names:
            arrays["mixture"] = mixture[..., np.newaxis]
        if "offset" in names:
            arrays |= {"offset": offset[..., np.newaxis], "scale": scale[..., np.newaxis]}
        if "phase" in names:
            arrays |= {"phase": phase(spectrum), "spectra": spectra}
        return arrays
