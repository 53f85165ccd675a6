"""`dvc repro` runs each stage once, and its results are deterministic."""

import shutil

import pytest

from tests.pipeline.conftest import OWN_PROCESSES


def test_finished_pipeline_runs_no_stage(project):
    assert project.repro() == []


def test_metrics_have_all_protocols_and_scores_between_the_bounds(finished):
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


def test_listening_page_contains_the_test_songs(finished):
    page = (finished.path / "reports/index.html").read_text()
    for song in ("Song 50", "Song 51"):
        assert f'class="sounds" data-song="{song}">{{"mixture": "T2dn' in page  # "Ogg" in base64
    assert sorted(p.name for p in (finished.path / "reports").iterdir()) == [
        "index.html",
        "model_card.md",
    ]


def test_audio_is_in_separate_files_if_it_is_not_embedded(project):
    project.set(reports={"embed_audio": False})
    assert project.repro() == ["report"]
    page = (project.path / "reports/index.html").read_text()
    assert "T2dn" not in page  # "Ogg" in base64
    for song in ("Song 50", "Song 51"):
        assert f'data-file="audio/{song.replace(" ", "%20")}.js"' in page
        sounds = (project.path / f"reports/audio/{song}.js").read_text()
        for stem in ("mixture", "vocals", "estimate", "accompaniment"):
            assert f'"{stem}": "T2dn' in sounds


def test_model_card_states_the_training_songs_and_the_score(finished):
    card = (finished.path / "reports/model_card.md").read_text()
    assert "- Trained on: a folder of songs; 3 songs" in card
    assert f"{finished.metrics('eval')['museval']['sdr']:.1f}" in card


def test_spectrograms_are_among_the_plots(project):
    assert (project.path / "plots/spectrograms.png").read_bytes().startswith(b"\x89PNG")
    shown = project.run("dvc", "plots", "show", "plots/spectrograms.png", "--out", "shown")
    assert "index.html" in shown.stdout


def test_scaling_and_examples_are_much_smaller_than_the_tiles(finished):
    size = {
        name: sum(f.stat().st_size for f in (finished.path / "data" / name).rglob("*"))
        for name in ("tiles", "scaling")
    }
    assert size["scaling"] < 0.1 * size["tiles"]
    assert (finished.path / "data/examples.csv").stat().st_size < 0.01 * size["tiles"]


@pytest.mark.slow
def test_forced_run_reproduces_the_lock_file_to_the_byte(project):
    before = (project.path / "dvc.lock").read_bytes()
    project.repro("--force", LOKY_MAX_CPU_COUNT="2", **OWN_PROCESSES)
    assert (project.path / "dvc.lock").read_bytes() == before


def test_lost_outputs_are_restored_from_the_cache_without_running_a_stage(project):
    shutil.rmtree(project.path / "data")
    shutil.rmtree(project.path / "models")
    project.run("dvc", "checkout")
    assert project.repro() == []
