"""`vocalseg app` in a browser: it separates songs and contacts no other computers."""

import io
import os
import re
import signal
import socket
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import psutil
import pytest
import soundfile as sf
import stempeg
from typer.testing import CliRunner

from tests.test_cli import make_model
from vocalseg import cli
from vocalseg.progress import STEMS

FILE = "input[type=file]"
EXCERPT = Path(stempeg.example_stem_path())

#: The command, which records every other host that it looks up or connects to.
START = """
import sys
def audit(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        host = arguments[1] if event == "socket.connect" else arguments[0]
        host = host[0] if isinstance(host, tuple) else host
        if host not in (None, "127.0.0.1", "localhost"):
            print(event, host, file=open(sys.argv[1], "a"))
sys.addaudithook(audit)
from vocalseg.cli import app
app(sys.argv[2:])
"""

#: Collects all lines of the status until the song is separated or refused.
STATUS = """
window.lines = new Promise(done => {
  const lines = [];
  new MutationObserver(() => {
    const line = document.querySelector(".status p");
    if (!line) return;
    if (line.textContent != lines.at(-1)) lines.push(line.textContent);
    if (line.textContent.startsWith("Separated") || line.role == "alert") done(lines);
  }).observe(document.body, {subtree: true, childList: true, characterData: true});
}), 0
"""


class App:
    """The running command."""

    def __init__(self, folder: Path):
        self.connections, self.temporary = folder / "connections", folder / "tmp"
        for name in ("tmp", "small", "large"):
            (folder / name).mkdir()
        self.models = [make_model(folder / "small", 1), make_model(folder / "large", 2)]
        options = [o for model in self.models for o in ("--model", model)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, self.connections, "app", *options, "--megabytes", "2"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "TMPDIR": str(self.temporary), "GRADIO_ANALYTICS_ENABLED": "True"},
        )  # fmt: skip
        line = self.process.stdout.readline()
        self.url = re.match(r"http://127\.0\.0\.1:\d+/", line)[0]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """The command. On SIGTERM, it removes all uploads; it has never contacted other hosts."""
    app = App(tmp_path_factory.mktemp("app"))
    yield app
    app.process.send_signal(signal.SIGTERM)
    assert app.process.wait(60) == 0
    assert [p for p in app.temporary.rglob("*") if p.is_file()] == []
    assert not app.connections.exists(), app.connections.read_text()


@pytest.fixture
def window(running, browser):
    """The page in a wide window; all its resources must come from the command."""
    show(browser, running.url, width=1280)
    yield browser
    assert not [line for line in browser.complaints if "network for" in line]


def show(browser, url: str, **options) -> None:
    browser.open(url, **options)
    wait(browser, "document.querySelector('input[type=file]')")
    browser.run(STATUS)


def wait(browser, expression: str):
    """Wait until an expression in the page is true; return its value."""
    return browser.run(f"""new Promise(done => {{
      const timer = setInterval(() => {{
        const value = {expression};
        if (value) done(value) || clearInterval(timer);
      }}, 20);
    }})""")


def button(label: str) -> str:
    """Expression for the button if it is enabled, else undefined; a disabled one ignores clicks."""
    return f"[...document.querySelectorAll('button:enabled')].find(b => b.innerText == '{label}')"


def click(browser, label: str) -> None:
    wait(browser, f"(found => found && (found.click(), true))({button(label)})")


def stems(browser) -> dict[str, tuple[str, np.ndarray]]:
    """Names and samples of the files that the page offers for download."""
    found = {}
    for stem in STEMS:
        link = f"document.querySelector('#{stem} a[download]')"
        url, name = wait(browser, f"{link} && [{link}.href, {link}.download]")
        with urlopen(url) as answer:
            found[stem] = name, sf.read(io.BytesIO(answer.read()))[0]
    return found


def assert_same_stems_as_command(browser, folder: Path, *options) -> None:
    command = map(str, ["separate", EXCERPT, "-o", folder, *options])
    assert CliRunner().invoke(cli.app, list(command)).exit_code == 0
    found = stems(browser)
    for stem in ("vocals", "accompaniment"):
        name, samples = found[stem]
        assert name == f"{EXCERPT.stem} ({stem}).wav"
        expected = sf.read(folder / EXCERPT.stem / f"{stem}.wav")[0]
        np.testing.assert_allclose(samples, expected, atol=1e-6)
    total = found["vocals"][1] + found["accompaniment"][1]
    np.testing.assert_allclose(found["mixture"][1], total, atol=1e-6)


def test_real_song_is_separated_with_the_chosen_model_and_overlap(window, running, tmp_path):
    window.choose(FILE, EXCERPT)
    first, *middle, last = window.run("window.lines")
    assert first == "Reading the song …" and last == "Separated 0:06 of sound."
    assert middle and all(re.fullmatch("Separating: 0:0[1-6] of 0:06", line) for line in middle)
    assert_same_stems_as_command(window, tmp_path / "one", "--model", running.models[0])
    for stem in STEMS:
        picture = f"document.querySelector('img[alt=\"Spectrogram: {stem}\"]')"
        assert wait(window, f"{picture} && {picture}.naturalWidth") > 100

    window.run(STATUS)
    window.run("document.querySelector('[aria-label=Model]').focus()")
    option = f"document.querySelector('[role=option][aria-label=\"{running.models[1]}\"]')"
    wait(window, option)
    window.run(f"{option}.dispatchEvent(new MouseEvent('mousedown', {{bubbles: true}}))")
    slider = "document.querySelector('input[type=range]')"
    window.run(f"{slider}.value = 0.5, {slider}.dispatchEvent(new Event('input'))")
    click(window, "Separate")
    assert window.run("window.lines")[-1] == last
    assert_same_stems_as_command(
        window, tmp_path / "two", "--model", running.models[1], "--overlap", 0.5
    )


def test_separation_can_be_stopped(window, tmp_path):
    song = tmp_path / "long.flac"
    sf.write(song, np.zeros(22_050 * 120), 22_050)
    window.run(f"""
    window.stopped = new Promise(done => new MutationObserver((_, observer) => {{
      if (!document.querySelector(".status")?.innerText.startsWith("Separating")) return;
      const stop = {button("Stop")};
      if (!stop) return;
      observer.disconnect();
      stop.click();
      done(true);
    }}).observe(document.body, {{subtree: true, childList: true, attributes: true}})), 0
    """)
    window.choose(FILE, song)
    assert window.run("window.stopped")
    wait(window, "document.querySelector('.status').innerText == 'Stopped.'")
    window.run(STATUS)
    click(window, "Separate")  # starts only if the stopped one has ended
    assert window.run("window.lines")[-1] == "Separated 2:00 of sound."


def test_bad_file_is_an_error_of_one_line(window, tmp_path):
    song = tmp_path / "Größe & <b>notes<b>.mp3"
    song.write_text("not audio")
    window.choose(FILE, song)
    line = window.run("window.lines")[-1]
    assert re.fullmatch(r"Größe & .*notes.*\.mp3: not audio that .*", line)
    assert str(tmp_path.parent) not in line and "gradio" not in line
    click(window, "Separate")
    assert wait(window, "document.querySelector('.status [role=alert]').innerText") == line


def test_size_of_uploads_is_limited_by_page_and_server(window, running, tmp_path):
    song = tmp_path / "large.wav"
    song.write_bytes(bytes(2_200_000))
    window.choose(FILE, song)
    wait(window, "document.body.innerText.includes('maximum allowed size')")
    server = HTTPConnection("127.0.0.1", int(running.url.rstrip("/").rpartition(":")[2]))
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.wav"\r\n\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    body = head + song.read_bytes() + b"\r\n--x--\r\n"
    server.request("POST", "/gradio_api/upload", body, kind)
    assert server.getresponse().status == 413


def test_server_listens_locally_and_does_not_serve_other_files(running):
    sockets = psutil.Process(running.process.pid).net_connections()
    assert {s.laddr.ip for s in sockets if s.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
    server = HTTPConnection("127.0.0.1", int(running.url.rstrip("/").rpartition(":")[2]))
    for path in (running.models[0], Path(__file__), Path("/etc/passwd")):
        server.request("GET", f"/gradio_api/file={path}")
        answer = server.getresponse()
        assert answer.status in (403, 404)
        answer.read()


@pytest.mark.parametrize("width", [320, 1280])
def test_page_needs_no_horizontal_scrolling(running, browser, width):
    show(browser, running.url, width=width, dark=True)
    browser.choose(FILE, EXCERPT)
    browser.run("window.lines")
    wait(browser, "document.querySelector('#accompaniment a[download]')")
    assert browser.run("document.documentElement.scrollWidth") <= width


def test_occupied_port_is_an_error_of_one_line(rejects, monkeypatch):
    from vocalseg import app

    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with rejects("127.0.0.1", port, "--port"):
            app.serve({"model": None}, "127.0.0.1", port, app.Limits())


def test_missing_gradio_is_an_error_that_names_the_command_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.delitem(sys.modules, "vocalseg.app", raising=False)
    done = CliRunner().invoke(cli.app, ["app"])
    assert done.exit_code == 2
    assert "pip install 'vocalseg[app]'" in done.output and done.output.count("\n") == 1
