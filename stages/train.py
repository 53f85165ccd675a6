"""train: the U-Net, its best epoch by validation loss.

Why a stage: hours of computing, for whatever of data, network or loss has changed.
"""

import hashlib
import json
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow
from dvclive import Live
from platformdirs import user_cache_dir

import vocalseg
from stages import fresh, read_params, run
from vocalseg import model_file
from vocalseg.errors import BadInput
from vocalseg.loader import TileStore
from vocalseg.precision import computing_in
from vocalseg.training import fit, reference_losses
from vocalseg.unet import build_unet

TILES, SCALING, EXAMPLES = Path("data/tiles"), Path("data/scaling"), Path("data/examples.csv")
MODEL, METRICS, CURVES = (
    Path("models/unet.json"),
    Path("metrics/train.json"),
    Path("plots/training"),
)


def main():
    params = read_params("model", "train", "seed")
    model_params, train = params.model, params.train
    tiles = json.loads((TILES / "tiles.json").read_text())
    scaling = json.loads((SCALING / "scaling.json").read_text())
    shape = model_params.model_dump(exclude={"momentum"})
    settings = model_file.Settings(**tiles, **scaling, **shape)
    examples = pd.read_csv(EXAMPLES)
    store = TileStore(
        *(np.load(TILES / f"{stem}.npy", mmap_mode="r") for stem in ("mixture", "vocals")),
        *(np.load(SCALING / f"{name}.npy", mmap_mode="r") for name in ("offset", "scale")),
        rescale=(settings.axis, settings.scaler) if train.augment_on == "magnitudes" else None,
    )

    backup = backup_file(json.dumps(vars(params), default=lambda section: section.model_dump()))

    keras.utils.set_random_seed(params.seed)
    size = settings.bins, settings.tile_frames, settings.filters, settings.depth
    with computing_in(train.precision):
        model = build_unet(*size, momentum=model_params.momentum)
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
                seed=params.seed,
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
    fresh(MODEL, MODEL.with_suffix(".weights.h5"))
    model_file.save(MODEL, trained, settings)
    best = history.loc[history["val_loss"].idxmin()]
    baselines = reference_losses(store, examples, train.loss, train.batch_size)
    metrics = {
        "best_epoch": int(best["epoch"]),
        "loss": best["loss"],
        "val_loss": best["val_loss"],
        **{f"val_loss_of_{name}": value for name, value in baselines.items()},
    }
    metrics = {k: round(v, 6) for k, v in metrics.items()}
    fresh(METRICS)
    METRICS.write_text(json.dumps(metrics, indent=2) + "\n")
    backup.unlink(missing_ok=True)  # another clone may have trained the same


def backup_file(params: str) -> Path:
    """Where an unfinished training is kept: outside the outputs, which DVC clears before a run.

    Its name is a digest of what the training depends on, so a killed training goes on wherever it
    is started again (also in another temporary copy) and nothing else ever picks it up. Scaling
    and index are functions of every tile and stand for the tiles' gigabytes.
    """
    digest = hashlib.sha256(f"{params} {keras.__version__} {tensorflow.__version__}".encode())
    code = Path(vocalseg.__file__).parent
    modules = "training", "precision", "loader", "scaling", "unet"
    files = (
        *(TILES / name for name in ("tiles.json", "index.csv")),
        *sorted(SCALING.iterdir()),
        EXAMPLES,
        *(code / f"{module}.py" for module in modules),
    )
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return Path(user_cache_dir("vocalseg")) / "trainings" / f"{digest.hexdigest()[:32]}.npz"


if __name__ == "__main__":
    run(main)
