"""train: the U-Net, its best epoch by validation loss.

Why a stage: hours of computing, for whatever of data, network or loss has changed.
"""

import hashlib
import json
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from dvclive import Live

from stages import fresh, read_params, run, trainings
from stages.schema.model import Model
from stages.schema.study import Study
from stages.schema.train import Train
from vocalseg import model_file
from vocalseg.compute import computing
from vocalseg.errors import BadInput
from vocalseg.loader import TileStore
from vocalseg.training import fit, loss_of_zeros
from vocalseg.unet import build_unet

TILES, SCALING, EXAMPLES = Path("data/tiles"), Path("data/scaling"), Path("data/examples.csv")
CODE = Path("inputs/train.json")
MODEL = Path("models/unet.json")
METRICS, CURVES = Path("metrics/train.json"), Path("plots/training")


def main():
    network, train, seed = read_params(Model), read_params(Train), read_params(Study).seed
    tiles = json.loads((TILES / "tiles.json").read_text())
    scaling = json.loads((SCALING / "scaling.json").read_text())
    shape = network.model_dump(exclude={"momentum"})
    settings = model_file.Settings(**tiles, **scaling, **shape)
    examples = pd.read_csv(EXAMPLES)
    store = TileStore(
        *(np.load(TILES / f"{stem}.npy", mmap_mode="r") for stem in ("mixture", "vocals")),
        *(np.load(SCALING / f"{name}.npy", mmap_mode="r") for name in ("offset", "scale")),
        rescale=(settings.axis, settings.scaler) if train.augment_on == "magnitudes" else None,
    )

    computed = computing(train.precision)
    used = {**network.model_dump(), **train.model_dump(), "seed": seed}
    backup = backup_file(json.dumps(used), repr(computed))

    keras.utils.set_random_seed(seed)
    size = settings.bins, settings.tile_frames, settings.filters, settings.depth
    model = build_unet(*size, train.precision, network.momentum)
    fresh(CURVES)
    with Live(str(CURVES), save_dvc_exp=False, dvcyaml=None) as live:

        def log(epoch):
            for name in ("loss", "val_loss"):
                live.log_metric(name, epoch[name])
            live.next_step()

        try:
            history = fit(
                model,
                store,
                examples,
                **train.model_dump(exclude={"precision", "augment_on"}),
                seed=seed,
                backup=backup,
                on_epoch=log,
            )
        except FloatingPointError as error:
            raise BadInput(
                f"params.yaml: train.learning_rate = {train.learning_rate}: {error}; lower it"
            ) from None

    # A network that was never compiled saves its weights alone, without the optimizer's state.
    trained = build_unet(*size)
    trained.set_weights(model.get_weights())
    fresh(MODEL.parent)
    MODEL.parent.mkdir()
    model_file.save(MODEL, trained, settings, computed)
    metrics = {
        "val_loss": history["val_loss"].min(),
        "val_loss_of_zeros": loss_of_zeros(store, examples, train.loss, train.batch_size),
    }
    metrics = {key: round(loss, 9) for key, loss in metrics.items()}
    fresh(METRICS)
    METRICS.write_text(json.dumps(metrics, indent=2) + "\n")
    trainings.record(METRICS, history["seconds"].sum())
    backup.unlink(missing_ok=True)  # another clone may have trained the same


def backup_file(params: str, computed: str) -> Path:
    """Where an unfinished training is kept: outside the outputs, which DVC clears before a run.

    Its name is a digest of all that the training depends on, so a killed training resumes wherever
    it is started again (also in another temporary copy), and nothing else ever picks it up. Code
    and versions of libraries are those that the stage ``inputs`` found; scaling and index are
    functions of every tile and stand for the tiles' gigabytes.
    """
    digest = hashlib.sha256(f"{params} {computed}".encode())
    tables = TILES / "tiles.json", TILES / "index.csv", EXAMPLES
    for file in (CODE, *tables, *sorted(SCALING.iterdir())):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return trainings.folder() / f"{digest.hexdigest()[:32]}.npz"


if __name__ == "__main__":
    run(main)
