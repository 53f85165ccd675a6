"""`dvc repro`: one command runs everything once, nothing twice, and the same to the bit."""

import shutil

import pytest


def test_a_finished_pipeline_has_nothing_to_do(project):
    assert project.repro() == []


def test_every_run_says_what_table_1_would_print_and_how_good_the_separation_is(finished):
    scores = finished.metrics("eval")
    assert set(scores) == {"table1", "museval", "global", "songs"}
    assert set(scores["table1"]) == {"sdr", "sir", "sar"}
    assert set(scores["museval"]) == {"sdr", "sir", "sar", "isr"}
    assert set(scores["global"]) == {"sdr", "si_sdr"}
    assert scores["songs"] == 2
    bounds = finished.metrics("bounds")
    assert set(bounds) == {"mixture", "irm", "mix_phase", "songs"}
    for estimate in ("mixture", "irm", "mix_phase"):
        assert bounds[estimate].keys() == scores.keys() - {"songs"}
    assert bounds["mixture"]["global"]["sdr"] < scores["global"]["sdr"]
    assert scores["global"]["sdr"] < bounds["irm"]["global"]["sdr"]


def test_the_separated_songs_are_there_to_listen_to(finished):
    for song in ("Song 50", "Song 51"):
        for stem in ("vocals", "accompaniment"):
            assert (finished.path / f"reports/audio/{song}/{stem}.flac").stat().st_size > 10_000


def test_an_artifact_is_never_a_copy_of_another(finished):
    size = {
        name: sum(f.stat().st_size for f in (finished.path / "data" / name).rglob("*"))
        for name in ("tiles", "scaling")
    }
    assert size["scaling"] < 0.1 * size["tiles"]
    assert (finished.path / "data/examples.csv").stat().st_size < 0.01 * size["tiles"]


@pytest.mark.slow
def test_running_everything_again_gives_the_same_lock_file_to_the_byte(project):
    before = (project.path / "dvc.lock").read_bytes()
    project.repro("--force")
    assert (project.path / "dvc.lock").read_bytes() == before


def test_lost_outputs_come_back_from_the_cache_without_running_anything(project):
    shutil.rmtree(project.path / "data")
    shutil.rmtree(project.path / "models")
    project.run("dvc", "checkout")
    assert project.repro() == []
