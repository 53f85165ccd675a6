"""The page that compares experiments, in a browser: table, songs, blind test."""

import json
from collections import Counter

import pandas as pd
import pytest

from study import listening
from study.preferences import REFERENCE
from tests.report.conftest import NAMES, RATE, tone
from vocalseg.report import comparison
from vocalseg.report.excerpts import excerpt

EXPERIMENTS = ("time-mae", "frequency-mse", "last")
TABLE = pd.DataFrame(
    {"axis": ["time", "frequency", "time"], "SDR": [3.5, -1.25, float("nan")]}, index=EXPERIMENTS
)


def song(name: str, *experiments: str) -> comparison.Song:
    """An excerpt with the estimates of some experiments."""
    tracks = {"mixture": tone(200, 0.6) + tone(900, 0.6), "vocals": tone(200, 0.6)}
    for number, experiment in enumerate(experiments, 3):
        tracks[experiment] = tone(200, 0.6) + tone(900, 0.6) / number
    missing = {name: "no audio: no excerpt" for name in EXPERIMENTS if name not in experiments}
    part = excerpt(name, 61.0, tracks, RATE)
    return comparison.Song(part, dict.fromkeys(experiments, 2.0), missing)


@pytest.fixture(scope="module")
def songs() -> list[comparison.Song]:
    return [song(NAMES[0], *EXPERIMENTS), song(NAMES[1], *EXPERIMENTS[:2])]


@pytest.fixture(scope="module")
def file(songs, tmp_path_factory):
    path = tmp_path_factory.mktemp("listen") / "listen.html"
    path.write_text(comparison.page(songs, TABLE), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser, file):
    browser.open(file, width=1280)
    return browser


def order(browser) -> list[str]:
    return browser.run("[...document.querySelectorAll('.experiments tbody tr')]"
                       ".map(row => row.dataset.track)")  # fmt: skip


# ------------------------------------------------------------------ table and songs


def test_headings_sort_the_table_with_missing_values_last(opened):
    head = ".experiments thead th:nth-child({}) button"
    opened.click(head.format(3))
    assert order(opened) == ["time-mae", "frequency-mse", "last"]
    opened.click(head.format(3))
    assert order(opened) == ["frequency-mse", "time-mae", "last"]
    opened.click(head.format(1))
    assert order(opened) == ["frequency-mse", "last", "time-mae"]
    sorts = "[...document.querySelectorAll('.experiments thead th')].map(head => head.ariaSort)"
    assert opened.run(sorts) == ["ascending", None, None]


def test_clicking_a_row_plays_and_pauses_its_experiment(opened):
    state = "[Player.current.song, Player.current.chosen, Player.current.playing]"
    opened.click('tr[data-track="frequency-mse"] td')
    opened.run("Player.current.load()")
    assert opened.run(state) == [NAMES[0], "frequency-mse", True]
    pressed = "[...document.querySelectorAll('tbody [aria-pressed=true]')].length"
    assert opened.run(pressed) == 1
    opened.click('tr[data-track="frequency-mse"] td')
    assert opened.run(state)[2] is False


def test_changing_the_song_keeps_the_experiment(opened):
    opened.click('tr[data-track="frequency-mse"] button')
    opened.click(".chooser button:nth-child(2)")
    opened.run("Player.current.load()")
    assert opened.run("Player.all.map(p => [p.chosen, p.playing, p.root.checkVisibility()])") == [
        ["frequency-mse", False, False], ["frequency-mse", True, True],
    ]  # fmt: skip


def test_experiment_without_audio_of_the_song_is_reported(opened):
    opened.click(".chooser button:nth-child(2)")
    opened.click('tr[data-track="last"] td')
    assert opened.run("Player.current.part.status.textContent") == "last: no sound of this song"
    lane = "Player.current.lanes.get('last')"
    assert opened.run(f"{lane}.textContent.includes('no excerpt')")
    assert opened.run(f"{lane}.querySelector('.pick').disabled")


@pytest.mark.parametrize("width", [320, 1280])
def test_page_needs_no_horizontal_scrolling_and_has_no_errors(browser, file, width):
    browser.open(file, width=width)
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.complaints == []


# ------------------------------------------------------------------ trials


def plan(browser, seed: str, count: int, songs: dict[str, list[str]] | None = None) -> list[dict]:
    songs = songs or {f"Song {n}": EXPERIMENTS for n in range(4)}
    sets = f"Object.entries({json.dumps(songs)}).map(([song, names]) => [song, new Set(names)])"
    experiments = json.dumps(EXPERIMENTS)
    return browser.run(f"planTrials(new Map({sets}), {experiments}, {count}, '{seed}')")


def test_trials_depend_on_the_seed_only(opened):
    assert plan(opened, "a", 20) == plan(opened, "a", 20) != plan(opened, "b", 20)


def test_pairs_are_equally_frequent_and_a_fifth_contain_the_reference(opened):
    trials = plan(opened, "a", 30)
    pairs = Counter(frozenset([t["a"], t["b"]]) for t in trials)
    assert sorted(n for pair, n in pairs.items() if REFERENCE not in pair) == [8, 8, 8]
    assert sorted(n for pair, n in pairs.items() if REFERENCE in pair) == [2, 2, 2]
    songs_of_pair = [t["song"] for t in trials if {t["a"], t["b"]} == set(EXPERIMENTS[:2])]
    assert set(Counter(songs_of_pair).values()) == {2}
    assert all(t["x"] in (t["a"], t["b"]) for t in trials)


def test_order_of_pairs_and_choice_of_x_are_random(opened):
    trials = [trial for seed in range(10) for trial in plan(opened, str(seed), 30)]
    assert 0.4 < sum(t["x"] == t["a"] for t in trials) / len(trials) < 0.6
    pairs = [t for t in trials if {t["a"], t["b"]} == set(EXPERIMENTS[:2])]
    assert 0.35 < sum(t["a"] == EXPERIMENTS[0] for t in pairs) / len(pairs) < 0.65


def test_pairs_are_played_with_songs_of_both_experiments(opened):
    trials = plan(opened, "a", 20, {"Whole": EXPERIMENTS, "Part": EXPERIMENTS[:2]})
    assert {t["song"] for t in trials if "last" in (t["a"], t["b"])} == {"Whole"}


# ------------------------------------------------------------------ blind test

#: Prefers the reference and the first experiment, identifies X, and is undecided once.
ANSWER = """
(async () => {
  const root = document.querySelector("#blind"), next = root.querySelector(".next");
  const keys = player => new Set(player.keys.filter(key => player.playable(key)));
  const songs = new Map(Player.all.map(player => [player.song, keys(player)]));
  const trials = planTrials(songs, ["time-mae", "frequency-mse"], 6, "seed 1");
  const heard = [];
  for (const [number, { a, b, x }] of trials.entries()) {
    while (root.querySelector(".pause").textContent !== "Pause" || !next.disabled
           || !root.querySelector(".progress").textContent.startsWith(`Trial ${number + 1} `)) {
      await new Promise(done => setTimeout(done, 10));
    }
    root.querySelector("[data-sound=X]").click();
    heard.push(root.querySelector(".sounds [aria-pressed=true]").dataset.sound);
    const best = ["true vocals", "time-mae"].find(name => name === a || name === b);
    const preferred = number === 0 ? "" : best === a ? "A" : "B";
    root.querySelector(`[name=preferred][value="${preferred}"]`).click();
    root.querySelector(`[name=guess][value="${x === a ? "A" : "B"}"]`).click();
    next.click();
  }
  return [heard, trials];
})()
"""


def test_blind_test_gives_a_file_that_the_study_reads(opened, file, songs, tmp_path):
    opened.downloads(tmp_path)
    opened.run("""(() => {
      const form = document.querySelector(".setup");
      form.elements.listener.value = 'Ann "B", Ö';
      form.elements.seed.value = "seed 1";
      form.elements.trials.value = 6;
    })()""")
    opened.click(".setup .main")
    heard, trials = opened.run(ANSWER)
    assert heard == ["X"] * 6
    summary = opened.run("document.querySelector('.summary').textContent")
    assert "X identified correctly: 6 of 6." in summary
    opened.click(".download")
    path = tmp_path / "listening-Ann_B_-seed_1.csv"
    for _ in range(200):
        if path.exists():
            break
        opened.run("new Promise(done => setTimeout(done, 50))")

    answers = listening.read([path])
    assert answers[["song", "a", "b", "x"]].to_dict("records") == trials
    assert (answers["guess"] == answers["x"]).all()
    assert set(answers["listener"]) == {'Ann "B", Ö'} and set(answers["seed"]) == {"seed 1"}
    assert set(answers["page"]) == {comparison.page_id(songs)}
    assert answers["preferred"].tolist()[0] == ""
    assert set(answers["preferred"][1:]) <= {"time-mae", REFERENCE}


def test_blind_test_needs_two_experiments(opened):
    opened.run("document.querySelectorAll('[name=experiment]').forEach(box => box.checked = false)")
    opened.run("document.querySelector('[name=listener]').value = 'A'")
    opened.click(".setup .main")
    message = opened.run("document.querySelector('.setup .error').textContent")
    assert message == "Choose two experiments or more."


def test_blind_test_can_be_stopped_and_keys_switch_sounds(opened):
    opened.run("document.querySelector('[name=listener]').value = 'A'")
    opened.click(".setup .main")
    playing = "document.querySelector('.pause').textContent === 'Pause'"
    opened.run(f"""(async () => {{
      while (!({playing})) await new Promise(done => setTimeout(done, 10));
    }})()""")
    for key, sound in (("x", "X"), ("b", "B"), ("m", "mixture")):
        opened.press(key)
        pressed = "document.querySelector('.sounds [aria-pressed=true]').dataset.sound"
        assert opened.run(pressed) == sound
    opened.press("Space")
    assert not opened.run(playing)
    opened.click(".stop")
    assert opened.run("document.querySelector('.summary').textContent") == "No answers."
