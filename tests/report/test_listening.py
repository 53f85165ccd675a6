"""The HTML of the listening page; tests/report/test_browser.py opens it in a browser."""

import math
import re
from html.parser import HTMLParser

import pytest

from tests.report.conftest import NAMES, scores
from vocalseg.report import listening
from vocalseg.report.excerpts import STEMS

VOID = {"meta", "link", "img", "input"}


class PageParser(HTMLParser):
    """Collects elements and attributes, and asserts that all elements are closed."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_each_song_has_a_player_of_four_tracks(page):
    parsed = PageParser(page)
    players = [e["data-song"] for e in parsed.all("div") if e.get("class") == "player"]
    assert players == list(NAMES[::-1])
    tracks = [lane["data-track"] for lane in parsed.all("li") if "data-track" in lane]
    assert tracks == [*STEMS, *STEMS]
    labels = [b["aria-label"] for b in parsed.all("button") if b["class"] == "solo"]
    assert labels == [f"Solo: {label}" for label in STEMS.values()] * 2


def test_each_track_has_a_picture(page):
    images = PageParser(page).all("img")
    assert len(images) == 4 * len(NAMES)
    assert all(image["src"].startswith("data:image/webp;base64,") for image in images)
    assert images[0]["alt"] == f"Spectrogram: Mixture, {NAMES[1]}"


def test_songs_are_sorted_by_decreasing_gain(songs):
    def order(*gains):
        made = [
            song._replace(scores=value) for song, value in zip(songs, gains, strict=True)
        ]
        page = listening.page(made, scores(1.0), {})
        return re.findall(r'<h2 id="song-\d" tabindex="-1">(\w+)', page)

    assert order(scores(1.0), scores(2.0)) == ["Plain", "Björk"]
    assert order(scores(2.0), scores(1.0)) == ["Björk", "Plain"]
    assert order(scores(math.nan), scores(-9.0)) == ["Plain", "Björk"]


def test_global_gain_is_used_if_museval_has_no_value():
    assert listening.gain(scores(4.0, museval=math.nan)) == pytest.approx(4.0)
    assert listening.gain(scores(math.nan)) == -math.inf


def test_scores_are_between_floor_and_ceiling_and_missing_ones_are_dashes(songs):
    page = listening.page([songs[0]._replace(scores=scores(math.nan))], scores(5.0), {})
    assert "no score" in page and "nan" not in re.sub(r"base64,[^\"]*", "", page)
    rows = re.findall(r'<tr class="(\w+)">.*?</th>(.*?)</tr>', page)
    assert [name for name, _ in rows] == ["mixture", "vocalseg", "irm"] * 2
    assert rows[0][1] == "<td>\N{MINUS SIGN}5.0</td>" * 5
    assert rows[1][1] == "<td>0.0</td>" * 5
    assert rows[4][1] == "<td>–</td>" * 5


def test_page_loads_no_external_resources(page):
    addresses = [
        value
        for _, attributes in PageParser(page).elements
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "data", "action", "poster")
    ]
    assert addresses and all(a.startswith(("data:", "#")) for a in addresses)
    text = re.sub(r"[A-Za-z0-9+/]{80,}", "", page)  # base64
    assert not re.search(r"https?:|//\w|@import|url\(", text)


def test_page_has_language_title_and_viewport(page):
    parsed = PageParser(page)
    assert parsed.all("html") == [{"lang": "en"}]
    fit = {"name": "viewport", "content": "width=device-width, initial-scale=1"}
    assert fit in parsed.all("meta")
    assert "<title>Listen" in page


def test_links_point_to_sections_of_the_page(page):
    parsed = PageParser(page)
    ids = {attributes["id"] for _, attributes in parsed.elements if "id" in attributes}
    links = [a["href"][1:] for a in parsed.all("a")]
    assert links == ["songs", "song-1", "song-2"] and set(links) <= ids
    assert page.count("<h1>") == 1


def test_facts_are_shown_and_escaped(page):
    assert "<dt>Network</dt><dd>U-Net &amp; &lt;more&gt;</dd>" in page
    assert "<Sígur>" not in page


def test_the_same_songs_give_the_same_page(songs, page):
    assert listening.page(songs, scores(5.0), {"Network": "U-Net & <more>"}) == page
