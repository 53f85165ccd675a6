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


def test_a_page_to_listen_on_holds_the_separated_songs(finished):
    page = (finished.path / "reports/index.html").read_text()
    for song in ("Song 50", "Song 51"):
        assert f'class="sounds" data-song="{song}">{{"mixture": "T2dn' in page  # "Ogg" in base64
    assert sorted(p.name for p in (finished.path / "reports").iterdir()) == [
        "index.html",
        "model_card.md",
    ]


def test_sound_that_must_not_be_published_stays_in_files_beside_the_page(project):
    project.set(reports={"embed_audio": False})
    assert project.repro() == ["report"]
    page = (project.path / "reports/index.html").read_text()
    assert "T2dn" not in page  # "Ogg" in base64
    for song in ("Song 50", "Song 51"):
        assert f'data-file="audio/{song.replace(" ", "%20")}.js"' in page
        sounds = (project.path / f"reports/audio/{song}.js").read_text()
        for stem in ("mixture", "vocals", "estimate", "accompaniment"):
            assert f'"{stem}": "T2dn' in sounds


def test_the_model_card_says_what_was_scored_and_how_well(finished):
    card = (finished.path / "reports/model_card.md").read_text()
    assert "- Trained on: a folder of songs; 3 songs" in card
    assert f"{finished.metrics('eval')['museval']['sdr']:.1f}" in card


def test_spectrograms_are_among_the_plots(project):
    assert (project.path / "plots/spectrograms.png").read_bytes().startswith(b"\x89PNG")
    shown = project.run("dvc", "plots", "show", "plots/spectrograms.png", "--out", "shown")
    assert "index.html" in shown.stdout


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
    project.repro("--force", LOKY_MAX_CPU_COUNT="2")
    assert (project.path / "dvc.lock").read_bytes() == before


def test_lost_outputs_come_back_from_the_cache_without_running_anything(project):
    shutil.rmtree(project.path / "data")
    shutil.rmtree(project.path / "models")
    project.run("dvc", "checkout")
    assert project.repro() == []
