"""train: train the network and keep its best epoch.

It is a separate stage because it takes hours and depends on data, network and loss.
"""

import hashlib
import json
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from dvclive import Live
from scipy.io import wavfile

from stages import fresh, read_params, run, trainings
from stages.schema.mixing import Mixing
from stages.schema.model import Model
from stages.schema.study import Study
from stages.schema.train import Train
from vocalseg import mixing as mixes
from vocalseg import model_file, networks
from vocalseg.compute import compute_settings
from vocalseg.errors import BadInput
from vocalseg.loader import TileStore
from vocalseg.losses import OutputSpec
from vocalseg.mixed_store import MixedStore
from vocalseg.scaling import LOGARITHMIC
from vocalseg.training import best_epoch, fit, loss_of_zeros

SONGS = Path("data/resampled/train")
TILES, SCALING, EXAMPLES = Path("data/tiles"), Path("data/scaling"), Path("data/examples.csv")
CODE = Path("inputs/train.json")
MODEL = Path("models/unet.json")
METRICS, CURVES = Path("metrics/train.json"), Path("plots/training")
CURVE_NAMES = "loss", "val_loss", "val_sdr"


def main():
    network, train, seed = read_params(Model), read_params(Train), read_params(Study).seed
    mixing = read_params(Mixing)
    tiles = json.loads((TILES / "tiles.json").read_text())
    scaling = json.loads((SCALING / "scaling.json").read_text())
    statistics = [np.load(SCALING / f"{name}.npy", mmap_mode="r") for name in ("offset", "scale")]
    if scaling["scaler"] == "standard":
        scaling["offset"], scaling["scale"] = (x[0, :, 0].tolist() for x in statistics)
    shape = network.model_dump(exclude={"momentum"})
    settings = model_file.Settings(**tiles, **scaling, **shape)
    examples = pd.read_csv(EXAMPLES)
    store: TileStore | MixedStore
    if from_waveforms(network, train, mixing):
        store = mixed_store(settings, examples, statistics, mixing, seed)
    else:
        store = tile_store(settings, statistics, train.augment_on)

    computed = compute_settings(train.precision)
    used = {**network.model_dump(), **train.model_dump(), **mixing.model_dump(), "seed": seed}
    backup = backup_file(json.dumps(used), repr(computed))

    keras.utils.set_random_seed(seed)
    model = networks.build(settings, train.precision, network.momentum)
    fresh(CURVES)
    with Live(str(CURVES), save_dvc_exp=False, dvcyaml=None) as live:

        def log(epoch):
            for name in filter(epoch.__contains__, CURVE_NAMES):
                live.log_metric(name, epoch[name])
            live.next_step()

        try:
            history = fit(
                model,
                store,
                examples,
                **train.model_dump(exclude={"precision", "augment_on"}),
                spec=OutputSpec(settings.output, settings.scaler in LOGARITHMIC, settings.hop),
                seed=seed,
                backup=backup,
                on_epoch=log,
            )
        except FloatingPointError as error:
            raise BadInput(
                f"params.yaml: train.learning_rate = {train.learning_rate}: {error}; lower it"
            ) from None

    # A network that was not trained saves only its weights, without the optimizer's state.
    trained = networks.build(settings)
    trained.set_weights(model.get_weights())
    fresh(MODEL.parent)
    MODEL.parent.mkdir()
    model_file.save(MODEL, trained, settings, computed)
    best = best_epoch(history.to_dict("records"), train.select)
    metrics = {
        "val_loss": best["val_loss"],
        "val_sdr": best.get("val_sdr", np.nan),
        "val_loss_of_zeros": loss_of_zeros(store, examples, train.loss, train.batch_size),
    }
    metrics = {key: round(loss, 9) for key, loss in metrics.items() if np.isfinite(loss)}
    fresh(METRICS)
    METRICS.write_text(json.dumps(metrics, indent=2) + "\n")
    trainings.record(METRICS, history["seconds"].sum(), history["cpu"].sum())
    backup.unlink(missing_ok=True)  # another clone may have removed it


def from_waveforms(network: Model, train: Train, mixing: Mixing) -> bool:
    """Return whether examples need more than the scaled magnitudes of the tiles."""
    return (
        network.output == "mask"
        or network.targets == "both"
        or train.loss in ("l1_linear", "sdr")
        or train.select == "val_sdr"
        or mixes.MixingOptions(**mixing.model_dump()).active
    )


def tile_store(
    settings: model_file.Settings, statistics: list[np.ndarray], augment_on: str
) -> TileStore:
    """Return the paper's examples: tiles that are scaled before or after augmentation."""
    offset, scale = statistics
    return TileStore(
        np.load(TILES / "mixture.npy", mmap_mode="r"),
        np.load(TILES / "vocals.npy", mmap_mode="r"),
        offset,
        scale,
        rescale=(settings.axis, settings.scaler) if augment_on == "magnitudes" else None,
        log=settings.scaler in LOGARITHMIC,
    )


def waveform(path: Path) -> np.ndarray:
    """Return the samples of a file of the stage resample, memory-mapped, (samples,)."""
    return wavfile.read(path, mmap=True)[1]


def mixed_store(
    settings: model_file.Settings,
    examples: pd.DataFrame,
    statistics: list[np.ndarray],
    mixing: Mixing,
    seed: int,
) -> MixedStore:
    """Return examples that are made from the songs' waveforms."""
    tiles = pd.read_csv(TILES / "index.csv", dtype={"track": str}, keep_default_na=False)
    songs = {
        track: (waveform(SONGS / track / "mixture.wav"), waveform(SONGS / track / "vocals.wav"))
        for track in tiles["track"].unique()
    }
    mixer = mixes.Mixer(
        songs,
        tiles,
        examples[examples["part"] == "train"],
        frame_size=settings.frame_size,
        hop=settings.hop,
        frames=settings.tile_frames,
        mixing=mixes.MixingOptions(**mixing.model_dump()),
        seed=seed,
    )
    standard = tuple(x[:1] for x in statistics) if settings.scaler == "standard" else None
    targets = 1 if settings.targets == "vocals" else 2
    return MixedStore(mixer, settings.axis, settings.scaler, standard, targets)


def backup_file(params: str, computed: str) -> Path:
    """Return the file for the checkpoint of an unfinished training.

    It lies outside the stage's outputs, which DVC removes before a run. Its name is a digest of
    everything that the training depends on, so an interrupted training resumes wherever it is
    started again (including another temporary copy), and no other training uses the file. Code and
    library versions are those that the stage ``inputs`` recorded; scaling and index depend on every
    tile and represent the tiles' gigabytes.
    """
    digest = hashlib.sha256(f"{params} {computed}".encode())
    tables = TILES / "tiles.json", TILES / "index.csv", EXAMPLES
    for file in (CODE, *tables, *sorted(SCALING.iterdir())):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return trainings.folder() / f"{digest.hexdigest()[:32]}.npz"


if __name__ == "__main__":
    run(main)
