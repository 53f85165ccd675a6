"""Score an ensemble, the mean of several experiments' masks, beside each experiment.

    python -m study.ensemble EXPERIMENT EXPERIMENT... [--keep FOLDER]

An ensemble needs no training, so it is not an experiment and adds nothing to DVC's cache. The
models are read from that cache; --keep copies them to a folder, for
`vocalseg separate --model FOLDER/NAME/unet.json --model ...`.
"""

import argparse
import json
import tempfile
from pathlib import Path

import pandas as pd

from stages import eval as stage
from stages import read_params, scoring
from stages.schema.eval import Eval
from study.command import run
from study.models import copy_model
from study.repository import file_at, require_repository, revision
from study.scores import markdown
from vocalseg.errors import BadInput
from vocalseg.parallel import parallel_map
from vocalseg.scores import standard
from vocalseg.separator import Separator
from vocalseg.songs import catalog, stems


def scores(separator: Separator, label: str) -> dict:
    """Score a separator on the test songs.

    Parameters
    ----------
    separator : Separator
    label : str
        Label of the progress bar.

    Returns
    -------
    dict
        Scores with the structure of ``metrics/eval.json``.
    """
    songs = scoring.test_songs()
    results = parallel_map(
        _score,
        stage.estimates(separator, songs),
        label=label,
        total=len(songs),
        processes=True,
        item_bytes=scoring.score_bytes(songs, waveforms=3),
    )
    songs = pd.concat(results, ignore_index=True)
    return scoring.summary(songs, stage.table1(separator.estimator))


def _score(separated: tuple) -> pd.DataFrame:
    song, estimate = separated
    mixture, vocals, rate = stems.read(catalog.song_path(song, scoring.RAW))
    table = standard.score_song(mixture, vocals, estimate, rate)
    table.insert(0, "song", song.name)
    return table


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiments", nargs="+", metavar="EXPERIMENT")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="copy the models to a folder")
    options = parser.parse_args(arguments)
    require_repository()
    names = list(dict.fromkeys(options.experiments))
    if len(names) < 2:
        raise BadInput("an ensemble needs at least two experiments; name them")
    with tempfile.TemporaryDirectory() as scratch:
        models = [copy_model(name, options.keep or Path(scratch)) for name in names]
        separator = Separator.load(models, **read_params(Eval).model_dump())
        ensemble = scores(separator, "separate, score")
    rows = {name: json.loads(file_at(revision(name), stage.METRICS)) for name in names}
    print(markdown({**rows, "mean of their masks": ensemble}, digits=2))


if __name__ == "__main__":
    run(main)
