"""Estimate magnitudes or masks of the vocals from tiles of a mixture's magnitudes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from vocalseg import masks, model_file, scaling
from vocalseg.errors import BadInput
from vocalseg.model_file import Settings


class Estimator:
    """A trained network together with the scaling of its input and output.

    Parameters
    ----------
    network : callable
        Function from scaled mixture tiles (n, bins, frames, 1) to the output that ``settings``
        describes, float32 (n, bins, frames, targets): scaled magnitudes or masks of the vocals and,
        in a second channel, of the accompaniment.
    settings : Settings
        Settings of the network.
    """

    #: Batch size, constant so that a tile's estimate does not depend on the other tiles.
    batch = 4

    def __init__(self, network: Callable, settings: Settings):
        self.network, self.settings = network, settings
        self.log = settings.scaler in scaling.LOGARITHMIC

    @classmethod
    def load(cls, path: str | Path, precision: str = "float32") -> "Estimator":
        """Load a model that :func:`vocalseg.model_file.save` wrote.

        Parameters
        ----------
        path : path
            JSON file; the weights lie beside it.
        precision : {"float32", "bfloat16", "auto"}
            Number format that the network computes in.

        Returns
        -------
        Estimator
            The model, ready to use.

        Raises
        ------
        BadInput
            If a file is missing, damaged, or of another version.
        """
        from vocalseg import networks

        path = Path(path)
        settings, weights = model_file.load(path)
        model = networks.build(settings, precision)
        try:
            model.load_weights(weights)
        except (ValueError, OSError) as error:
            reason = str(error).strip().splitlines()[0]
            raise BadInput(f"{weights}: does not fit {path.name} ({reason})") from None
        return cls(model.predict_on_batch, settings)

    def magnitudes(self, mixture: np.ndarray) -> np.ndarray:
        """Estimate the magnitudes of the vocals.

        Parameters
        ----------
        mixture : float32 array, (n, bins, tile_frames)
            Magnitudes at the network's sample rate.

        Returns
        -------
        float32 array
            Estimate of the same shape. The output of a network that estimates magnitudes of the
            vocals alone is not clipped at 0, because its last layer is linear.
        """
        estimate = np.empty_like(mixture)
        for start in range(0, len(mixture), self.batch):
            tiles = mixture[start : start + self.batch]
            offset, scale = self._statistics(tiles)
            scaled = np.zeros((self.batch, *tiles.shape[1:], 1), np.float32)
            scaled[: len(tiles), ..., 0] = scaling.apply(tiles, offset, scale, self.log)
            output = np.moveaxis(np.asarray(self.network(scaled))[: len(tiles)], 3, 0)
            if self.settings.output == "mask":
                targets = output * tiles
            else:
                targets = [scaling.undo(x, offset, scale, self.log) for x in output]
            estimate[start : start + self.batch] = (
                targets[0] if len(targets) == 1 else masks.soft_mask(*targets) * tiles
            )
        return estimate

    def masks(self, mixture: np.ndarray) -> np.ndarray:
        """Estimate masks: estimate over mixture, clipped to [0, 1]; 0 where the mixture is silent.

        Parameters
        ----------
        mixture : float32 array, (n, bins, tile_frames)
            Magnitudes at the network's sample rate.

        Returns
        -------
        float32 array
            Masks of the same shape.
        """
        return masks.ratio_mask(self.magnitudes(mixture), mixture)

    def _statistics(self, tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        settings = self.settings
        if settings.scaler != "standard":
            return scaling.statistics(tiles, settings.axis, settings.scaler)
        offset, scale = (np.array(x, np.float32) for x in (settings.offset, settings.scale))
        return offset[:, np.newaxis], scale[:, np.newaxis]


class Ensemble:
    """Several estimators whose results are averaged, with the interface of one.

    Parameters
    ----------
    estimators : sequence of Estimator
        At least one; they must agree in the shape and rate of their tiles only.

    Raises
    ------
    BadInput
        If their tiles differ in sample rate, frame size, hop or number of frames.
    """

    batch = Estimator.batch

    def __init__(self, estimators: Sequence[Estimator]):
        self.estimators, self.settings = list(estimators), estimators[0].settings
        for name in ("sample_rate", "frame_size", "hop", "tile_frames"):
            found = sorted({getattr(e.settings, name) for e in estimators})
            if len(found) > 1:
                values = " and ".join(map(str, found))
                raise BadInput(
                    f"models with a {name} of {values}: only models with the same tiles can be "
                    "averaged"
                )

    def magnitudes(self, mixture: np.ndarray) -> np.ndarray:
        """Return the mean of the estimated magnitudes; see :meth:`Estimator.magnitudes`."""
        return self._mean([estimator.magnitudes(mixture) for estimator in self.estimators])

    def masks(self, mixture: np.ndarray) -> np.ndarray:
        """Return the mean of the masks; see :meth:`Estimator.masks`."""
        return self._mean([estimator.masks(mixture) for estimator in self.estimators])

    @staticmethod
    def _mean(arrays: list[np.ndarray]) -> np.ndarray:
        return np.asarray(np.mean(arrays, axis=0, dtype=np.float32))
