"""The page in a browser: audio, appearance, and control by mouse, touch and keyboard."""

import pytest

from tests.report.conftest import NAMES, scores
from vocalseg.report import listening
from vocalseg.report import player as markup

SECONDS = 0.8
PLAYER = "section:first-of-type .player"

#: Two tracks of two seconds, a constant 0.25 and a ramp, rendered by a Deck to an array.
RENDER = """
(async () => {
  const rate = 48000;
  const context = new OfflineAudioContext(1, rate, rate);
  const buffers = new Map([["constant", () => 0.25], ["ramp", sample => sample / (2 * rate)]].map(
    ([key, value]) => {
      const buffer = new AudioBuffer({ length: 2 * rate, numberOfChannels: 1, sampleRate: rate });
      buffer.copyToChannel(Float32Array.from({ length: 2 * rate }, (_, i) => value(i)), 0);
      return [key, buffer];
    }));
  const deck = new Deck(context, buffers);
  deck.setLevels(new Map([["constant", 1]]));
  %s
  const sound = (await context.startRendering()).getChannelData(0);
  return [0.2, 0.45, 0.6, 0.9].map(second => sound[second * rate]);
})()
"""
SWITCH = """context.suspend(0.3).then(() => {
    deck.setLevels(new Map([["ramp", 1]]));
    context.resume();
  });"""


@pytest.fixture(scope="module")
def file(page, tmp_path_factory):
    path = tmp_path_factory.mktemp("reports") / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


@pytest.fixture
def opened(browser, file):
    """The page in a wide window."""
    browser.open(file, width=1280)
    browser.run("window.player = Player.all[0], 0")
    return browser


def pressed(browser, kind: str) -> list[str]:
    """Tracks of the first song whose button of this kind is pressed."""
    button = f"player.lanes.get(key).querySelector('.{kind}')"
    return browser.run(f"player.keys.filter(key => {button}.ariaPressed == 'true')")


def levels(browser) -> dict[str, float]:
    """Gain of each track of the first song after fades."""
    return browser.run("""(async () => {
      for (const { level } of player.deck.tracks.values()) level.gain.cancelScheduledValues(0);
      const set = new Map();
      for (const [key, { level }] of player.deck.tracks) {
        level.gain.setTargetAtTime = value => set.set(key, value);
      }
      player.show();
      for (const { level } of player.deck.tracks.values()) delete level.gain.setTargetAtTime;
      return Object.fromEntries(set);
    })()""")


# ------------------------------------------------------------------ audio


def test_switching_tracks_keeps_the_exact_position(opened):
    """After the switch at 0.3 s, the ramp continues as if it had been playing from the start."""
    sound = opened.run(RENDER % f"deck.play(0); {SWITCH}")
    lead = 0.02
    ramp = [(second - lead) / 2 for second in (0.45, 0.6, 0.9)]
    assert sound == pytest.approx([0.25, *ramp], abs=1e-5)


def test_loop_wraps_all_tracks_at_the_same_position(opened):
    """The loop from 0.1 s to 0.5 s is in its third pass 0.9 s after the start."""
    commands = f"deck.setLoop(true, [0.1, 0.5]); deck.play(0.1); {SWITCH}"
    sound = opened.run(RENDER % commands)
    positions = [0.1 + (second - 0.02) % 0.4 for second in (0.45, 0.6, 0.9)]
    assert sound == pytest.approx([0.25, *(position / 2 for position in positions)], abs=1e-4)


def test_every_track_is_decoded_without_errors(opened):
    opened.run("Promise.all(Player.all.map(player => player.load()))")
    seconds = opened.run("Player.all.flatMap(p => [...p.buffers.values()].map(b => b.duration))")
    assert seconds == pytest.approx([SECONDS] * 8, abs=0.001)
    assert opened.run("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert opened.complaints == []


def test_only_one_player_plays_and_its_cursor_moves(opened):
    opened.click(f"{PLAYER} .play")
    position = opened.run("""(async () => {
      while (player.position < 0.1) await new Promise(requestAnimationFrame);
      return Number(player.root.style.getPropertyValue("--at"));
    })()""")
    assert 0 < position < 1
    opened.run("Player.all[1].play()")
    assert opened.run("Player.all.map(player => [player.playing, player.deck.playing])") == [
        [False, False], [True, True],
    ]  # fmt: skip


def test_playback_without_loop_stops_at_the_end(opened):
    opened.click(f"{PLAYER} .loop")
    opened.run("""(async () => {
      await player.play();
      while (player.playing) await new Promise(done => setTimeout(done, 10));
    })()""")
    assert opened.run("player.position") == pytest.approx(SECONDS, abs=0.001)


# ------------------------------------------------------------------ choice of tracks


def test_single_track_has_matched_loudness_and_several_their_own(opened):
    opened.run("player.load()")
    opened.run("player.choose('estimate')")
    gain = opened.run("Number(player.lanes.get('estimate').dataset.gain)")
    silent = dict.fromkeys(("mixture", "vocals", "accompaniment"), 0)
    assert levels(opened) == {**silent, "estimate": pytest.approx(10 ** (gain / 20))}

    opened.click(f"{PLAYER} .match")
    assert levels(opened) == {**silent, "estimate": 1}
    opened.click(f"{PLAYER} .match")

    opened.run("player.solo('estimate'), player.solo('accompaniment')")
    assert levels(opened) == {"mixture": 0, "vocals": 0, "estimate": 1, "accompaniment": 1}
    opened.run("player.mute('accompaniment')")
    assert levels(opened)["accompaniment"] == 0
    opened.run("player.choose('accompaniment')")
    assert set(levels(opened).values()) == {0}
    opened.run("player.mute('accompaniment')")
    assert pressed(opened, "pick") == ["accompaniment"] and pressed(opened, "solo") == []


def test_buttons_choose_solo_and_mute(opened):
    lane = f'{PLAYER} [data-track="vocals"]'
    opened.click(f"{lane} .pick")
    assert pressed(opened, "pick") == ["vocals"]
    opened.click(f"{lane} .mute")
    assert pressed(opened, "mute") == ["vocals"] and opened.run("player.heard") == []
    opened.click(f"{lane} .mute")
    opened.click(f"{lane} .solo")
    assert pressed(opened, "solo") == ["vocals"] and opened.run("player.heard") == ["vocals"]


# ------------------------------------------------------------------ time


def test_dragging_on_a_spectrogram_sets_a_loop_and_clicking_seeks(opened):
    opened.drag(f'{PLAYER} [data-track="mixture"] .image', 0.75, 0.25)
    region = [SECONDS / 4, 3 * SECONDS / 4]
    assert opened.run("player.region") == pytest.approx(region, abs=0.01)
    assert opened.run("player.position") == pytest.approx(region[0], abs=0.01)
    assert opened.run("player.part.loop.textContent") == "Loop 0.2–0.6 s"
    opened.click(f'{PLAYER} [data-track="vocals"] .image')
    assert opened.run("[player.chosen, player.position]") == [
        "vocals", pytest.approx(SECONDS / 2, abs=0.01),
    ]  # fmt: skip
    opened.run("player.load()")
    assert opened.run("player.deck.region") == pytest.approx(region, abs=0.01)
    opened.click(f"{PLAYER} .whole")
    assert opened.run("player.region") is None


def test_dragging_by_touch_sets_a_loop(browser, file):
    browser.open(file, width=375)
    left, top, width = browser.run("""(() => {
      const image = document.querySelector(".image");
      image.scrollIntoView({ behavior: "instant", block: "center" });
      const box = image.getBoundingClientRect();
      return [box.left, box.top + 20, box.width];
    })()""")
    for kind, position in (("Start", 0.2), ("Move", 0.3), ("Move", 0.8), ("End", None)):
        points = [] if position is None else [{"x": left + position * width, "y": top}]
        browser.call("Input.dispatchTouchEvent", type=f"touch{kind}", touchPoints=points)
    region = browser.run("Player.all[0].region")
    assert region == pytest.approx([0.2 * SECONDS, 0.8 * SECONDS], abs=0.05)


# ------------------------------------------------------------------ keyboard


def test_keys_play_seek_switch_loop_solo_and_mute(opened):
    opened.press("Space")
    assert opened.run("player.load().then(() => player.playing)")
    opened.press("Space")
    opened.run("player.seek(0.1)")
    opened.press("ArrowRight")
    assert opened.run("player.position") == pytest.approx(0.6)
    opened.press("ArrowLeft")
    assert opened.run("player.position") == pytest.approx(0.1)
    opened.press("3")
    assert pressed(opened, "pick") == ["estimate"]
    opened.press("s")
    opened.press("m")
    opened.press("4", shift=True)
    assert pressed(opened, "solo") == ["estimate", "accompaniment"]
    assert pressed(opened, "mute") == ["estimate"]
    opened.press("a")
    opened.run("player.seek(0.7)")
    opened.press("b")
    assert opened.run("player.region") == pytest.approx([0.1, 0.7])
    opened.press("Escape")
    opened.press("l")
    assert opened.run("[player.region, player.loops]") == [None, False]


def test_arrow_keys_switch_tracks_within_a_player_only(opened):
    opened.press("ArrowDown")
    assert pressed(opened, "pick") == ["mixture"]
    opened.run(f"document.querySelector('{PLAYER} .seek').focus()")
    opened.press("ArrowDown")
    opened.press("ArrowDown")
    opened.press("ArrowUp")
    assert pressed(opened, "pick") == ["vocals"]


def test_tab_reaches_all_buttons_and_space_presses_the_focused_one(opened):
    opened.press("Tab")
    assert opened.run("document.activeElement.textContent") == "Skip to the songs"
    opened.press("Enter")
    opened.press("Tab")
    assert opened.run("document.activeElement.ariaLabel") == "Play"
    for _ in range(4):
        opened.press("Tab")
    assert opened.run("document.activeElement.textContent").strip() == "1 Mixture"
    opened.press("Tab")
    opened.press("Space")
    assert pressed(opened, "solo") == ["mixture"] and not opened.run("player.playing")
    opened.click(f"{PLAYER} .match")  # a click does not move the focus
    assert opened.run("document.activeElement.ariaLabel") == "Solo: Mixture"


# ------------------------------------------------------------------ missing audio


def test_undecodable_track_is_reported_and_the_others_play(browser, file):
    broken = file.with_name("broken.html")
    broken.write_text(file.read_text().replace('{"mixture": "T2dn', '{"mixture": "AAAA', 1))
    browser.open(broken, width=1280)
    browser.run("window.player = Player.all[0], player.play()")
    assert "1 Mixture: cannot be decoded" in browser.run("player.part.status.textContent")
    assert browser.run("player.lanes.get('mixture').querySelector('.pick').disabled")
    assert browser.run("[player.deck.playing, player.chosen]") == [True, "vocals"]


def test_audio_in_separate_scripts_plays_and_missing_scripts_are_reported(browser, songs, file):
    """The page of stages/report.py with ``reports.embed_audio: false``."""
    linked = [song._replace(file=f"{number}.js") for number, song in enumerate(songs)]
    path = file.with_name("linked.html")
    path.write_text(listening.page(linked, scores(5.0), {}), encoding="utf-8")
    file.with_name("1.js").write_text(markup.linked(songs[1].excerpt), encoding="utf-8")
    browser.open(path, width=1280)
    browser.run("Player.all[0].play()")
    assert browser.run("Player.all[0].deck.playing") and browser.complaints == []
    browser.run("Player.all[1].play()")
    status = "Player.all[1].part.status.textContent"
    assert browser.run(status) == "No sound: 0.js is not beside this page."
    assert not browser.run("Player.all[1].playing")

    file.with_name("0.js").write_text(markup.linked(songs[0].excerpt), encoding="utf-8")
    browser.run("Player.all[1].play()")
    assert browser.run(f"[Player.all[1].deck.playing, {status}]") == [True, ""]


# ------------------------------------------------------------------ appearance


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_page_needs_no_horizontal_scrolling(browser, file, width):
    browser.open(file, width=width, dark=width == 375)
    assert browser.run("innerWidth") == width
    assert browser.run("document.documentElement.scrollWidth") <= width


def test_names_are_shown_unchanged(opened):
    headings = opened.run("[...document.querySelectorAll('section h2')].map(h => h.textContent)")
    assert headings == [NAMES[1], NAMES[0]]
    assert opened.run("Player.all.map(player => player.song)") == headings
