"""Scores of the mean of several experiments' masks, beside those of each experiment.

    python -m study.ensemble EXPERIMENT EXPERIMENT... [--keep FOLDER]

An ensemble follows from models that are finished, so it is no experiment: nothing is trained, and
nothing enters DVC's cache. The models come from that cache; --keep leaves them in a folder, for
`vocalseg separate --model FOLDER/NAME/unet.json --model ...`.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import pandas as pd
from dvc.api import DVCFileSystem

from stages import eval as stage
from stages import read_params, scoring
from stages.schema.eval import Eval
from study.command import run
from study.repository import file_at, require_repository, revision
from study.scores import markdown
from vocalseg.errors import BadInput
from vocalseg.parallel import parallel_map
from vocalseg.scores import standard
from vocalseg.separator import Separator
from vocalseg.songs import catalog, stems


def fetch(name: str, folder: Path) -> Path:
    """Write an experiment's model into a folder; return the model's path.

    Raises
    ------
    BadInput
        If this commit has no such experiment.
    """
    try:
        rev = revision(name)
    except subprocess.CalledProcessError:
        raise BadInput(f"{name}: no such experiment of this commit; see `make table`") from None
    target = folder / name
    DVCFileSystem(".", rev=rev).get(stage.MODEL.parent.as_posix(), str(target), recursive=True)
    return target / stage.MODEL.name


def scores(separator: Separator, label: str) -> dict:
    """What ``metrics/eval.json`` would be, of a separator."""
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
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the models there")
    options = parser.parse_args(arguments)
    require_repository()
    names = list(dict.fromkeys(options.experiments))
    if len(names) < 2:
        raise BadInput("an ensemble has two experiments or more; name them")
    with tempfile.TemporaryDirectory() as scratch:
        models = [fetch(name, options.keep or Path(scratch)) for name in names]
        separator = Separator.load(models, **read_params(Eval).model_dump())
        together = scores(separator, "separate, score")
    rows = {name: json.loads(file_at(revision(name), stage.METRICS)) for name in names}
    print(markdown({**rows, "mean of their masks": together}, digits=2))


if __name__ == "__main__":
    run(main)
