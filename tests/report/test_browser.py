"""The page in a real browser: nothing missing, nothing to scroll sideways, usable by keyboard."""

import pytest

from tests.report.conftest import NAMES

STATE = """
Promise.all([...document.querySelectorAll("audio")].map(player => new Promise(done => {
  const tell = () => done([player.error && player.error.message, player.duration]);
  if (player.readyState >= 1 || player.error) tell();
  player.onloadedmetadata = player.onerror = tell;
})))
"""


@pytest.fixture(scope="module")
def file(page, tmp_path_factory):
    path = tmp_path_factory.mktemp("reports") / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def test_every_player_has_its_sound_and_nothing_complains(browser, file):
    browser.open(file, width=1280)
    states = browser.run(STATE)
    assert len(states) == 4 * len(NAMES)
    for error, seconds in states:
        assert error is None
        assert seconds == pytest.approx(0.8, abs=0.03)
    assert browser.run("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert browser.complaints == []


def test_missing_sound_would_be_noticed(browser, file, songs):
    sound = songs[0].sources["estimate"]
    broken = file.with_name("broken.html")
    broken.write_text(file.read_text().replace(sound, "audio/none.ogg"))
    browser.open(broken, width=1280)
    assert sum(error is not None for error, _ in browser.run(STATE)) == 1


def test_linked_files_play_as_well(browser, file, songs):
    page = file.read_text()
    for number, song in enumerate(songs):
        for stem, sound in song.excerpt.sounds.items():
            name = f"{number}-{stem}.ogg"
            file.with_name(name).write_bytes(sound)
            page = page.replace(song.sources[stem], name)
    linked = file.with_name("linked.html")
    linked.write_text(page)
    browser.open(linked, width=1280)
    assert [error for error, _ in browser.run(STATE)] == [None] * 8


@pytest.mark.parametrize("width", [320, 375, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_no_width_needs_sideways_scrolling(browser, file, width, dark):
    browser.open(file, width=width, dark=dark)
    assert browser.run("innerWidth") == width
    assert browser.run("document.documentElement.scrollWidth") <= width


def test_names_arrive_as_they_are(browser, file):
    browser.open(file, width=1280)
    headings = browser.run("[...document.querySelectorAll('section h2')].map(h => h.textContent)")
    assert headings == [NAMES[1], NAMES[0]]
    labels = browser.run("[...document.querySelectorAll('audio')].map(a => a.ariaLabel)")
    assert labels[4] == f"Mixture, {NAMES[0]}"


def test_the_keyboard_reaches_a_player_and_starts_it(browser, file):
    browser.open(file, width=1280)
    browser.run(STATE)
    browser.press("Tab")
    assert browser.run("document.activeElement.textContent") == "Skip to the songs"
    browser.press("Enter")
    browser.press("Tab")
    assert browser.run("document.activeElement.ariaLabel") == f"Mixture, {NAMES[1]}"
    started = "new Promise(done => document.activeElement.onplay = () => done(true))"
    browser.run(f"window.started = {started}, 0")
    browser.press("Space")
    assert browser.run("window.started")


def test_one_player_at_a_time(browser, file):
    browser.open(file, width=1280)
    playing = browser.run("""(async () => {
      const [first, second] = document.querySelectorAll("audio");
      first.loop = second.loop = true;
      await first.play();
      await second.play();
      await new Promise(done => setTimeout(done, 300));
      const line = second.closest("figure").style.getPropertyValue("--at");
      return [first.paused, second.paused, Number(line) >= 0];
    })()""")
    assert playing == [True, False, True]
