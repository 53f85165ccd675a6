"""Keys, defaults, commands and recipe of docs/fidelity.md match this repository."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Literal, get_args, get_origin

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import yaml

from stages.schema import params
from stages.schema.augment import Augment
from stages.schema.mixing import Mixing
from vocalseg.examples import make_table
from vocalseg.songs import catalog

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/fidelity.md").read_text(encoding="utf-8")

#: Parameters that are neither in the paper nor in its code (docs/ladder.md).
BEYOND = {
    *(f"augment.{key}" for key in Mixing.model_fields),
    *(f"model.{key}" for key in ("name", "output", "targets")),
    *(f"train.{key}" for key in ("schedule", "optimizer", "ema", "select")),
    "eval.wiener",
}
COMMITTED = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def rows():
    """Cells of each row of the tables: statement, text, code, parameter, default, test."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [row for row in cells if len(row) == 6 and row[0] != "statement"]


def blocks():
    return re.findall(r"```\n(.*?)```", PAGE, re.DOTALL)


def settings(name):
    """Parameters that are set by the page's command of this name."""
    (block,) = (b for b in blocks() if b.startswith(f"dvc exp run -n {name} "))
    words = shlex.split(block)
    return dict(word.split("=", 1) for word in words if "=" in word)


def with_settings(changes):
    values = yaml.safe_load(yaml.safe_dump(COMMITTED))
    for key, value in changes.items():
        section, name = key.split(".")
        values[section][name] = yaml.safe_load(value)
    return params.check(values)


# ------------------------------------------------------------------ the table


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_every_row_has_the_committed_default_or_a_reason_and_an_existing_test(row):
    _, _, _, parameter, default, test = row
    assert (ROOT / test.strip("`")).is_file()
    if parameter.startswith("–: ") or parameter.startswith("`matrix`"):
        assert not default
        return
    section, name = re.match(r"`(\w+)\.(\w+)`", parameter).groups()
    assert yaml.safe_load(default.strip("`")) == COMMITTED[section][name]


def test_every_parameter_that_decides_between_text_and_code_has_a_row():
    named = set(re.findall(r"`(\w+\.\w+)`", " ".join(row[3] for row in rows())))
    keys = {
        f"{section}.{key}"
        for section in ("stft", "normalize", "augment", "model", "train", "eval")
        for key in COMMITTED[section]
        if f"{section}.{key}" not in BEYOND
    }
    assert named >= keys


def test_every_choice_in_a_row_is_valid_for_its_parameter():
    offered = 0
    for row in rows():
        if found := re.match(r"`(\w+)\.(\w+)`: (.*)", row[3]):
            section, key, choices = found.groups()
            field = params.Params.model_fields[section].annotation.model_fields[key]
            if get_origin(field.annotation) is Literal:
                words = set(re.findall(r"`([\w-]+)`", choices))
                assert words <= set(get_args(field.annotation)), row[3]
                offered += len(words)
    assert offered > 10


# ------------------------------------------------------------------ the commands


@pytest.mark.parametrize(("name", "counts"), [("text", (3657, 3656)), ("code", (5224, 2611))])
def test_commands_are_valid_and_give_9141_examples_of_musdb18(name, counts):
    config = with_settings(settings(name))
    rng = np.random.default_rng(0)
    index = pd.DataFrame(
        {
            "track": np.repeat([f"song {i:03}" for i in range(100)], 80),
            "first_frame": np.tile(np.arange(80) * 128, 100),
            "vocal_l1": np.where(rng.random(8000) < 0.25, 1.0, 1000.0),
        }
    )
    chosen = config.augment.model_dump(include=set(Augment.model_fields))
    table = make_table(index, **chosen, tile_frames=config.stft.tile_frames, seed=config.seed)
    kinds = table["kind"].value_counts()
    assert (kinds["original"], kinds["splice"], len(table)) == (*counts, 9141)


def test_commands_use_the_sizes_of_the_paper():
    for name in ("text", "code"):
        config = with_settings(settings(name))
        assert (config.model.filters, config.model.depth) == (64, 4)
        assert (config.train.epochs, config.train.batch_size) == (20, 64)
        assert (config.train.learning_rate, config.train.precision) == (0.001, "float32")
        assert config.dataset.name == "musdb18-hq"
        stft = (config.stft.frame_size, config.stft.hop, config.stft.tile_frames)
        assert stft == (1024, 256, 128)


# ------------------------------------------------------------------ 75 and 75 songs


def run_recipe(folder):
    (block,) = (b for b in blocks() if b.startswith("cd /data/musdb18hq"))
    script = block.replace("/data/musdb18hq", shlex.quote(str(folder)))
    subprocess.run(["bash", "-euc", script], check=True)
    return pd.read_csv(folder / "songs.csv")


def test_recipe_splits_150_songs_into_75_and_75(tmp_path):
    folder = tmp_path / "my songs"
    for split, count in (("train", 100), ("test", 50)):
        for number in range(count):
            (folder / split / f"Björk, A & B - Song {number:03}").mkdir(parents=True)
    table = run_recipe(folder)
    assert table["split"].value_counts().to_dict() == {"train": 75, "test": 75}
    assert table["name"].is_unique
    assert all((folder / name).is_dir() for name in table["name"])
    assert all(name.startswith("train/") for name in table["name"][table["split"] == "train"])


def test_catalog_reads_the_table_of_the_recipe(tmp_path):
    for split, count in (("train", 77), ("test", 1)):
        for number in range(count):
            song = tmp_path / split / f"{split} {number:03}"
            song.mkdir(parents=True)
            for stem in ("mixture", "vocals"):
                sf.write(song / f"{stem}.wav", np.full(800, 0.1), 8000)
    run_recipe(tmp_path)
    songs = catalog.scan(tmp_path, tmp_path / "raw")
    names = {split: [s.name for s in songs if s.split == split] for split in ("train", "test")}
    assert len(names["train"]) == 75
    assert names["test"] == ["test 000", "train 075", "train 076"]


# ------------------------------------------------------------------ the figures


def test_every_figure_is_shown_on_the_page_of_figures():
    page = (ROOT / "docs/figures.md").read_text(encoding="utf-8")
    shown = re.findall(r"\]\(figures/(.*?)\)", page)
    assert sorted(shown) == sorted(path.name for path in (ROOT / "docs/figures").iterdir())
