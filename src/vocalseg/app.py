"""Web page of ``vocalseg app``: upload a song, listen to its stems and see their spectrograms.

The page works offline: it uses no fonts or scripts of other servers and sends no statistics.
"""

import math
import os
import signal
import tempfile
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from vocalseg.errors import BadInput
from vocalseg.estimator import Estimator
from vocalseg.progress import STEMS, Progress, separate
from vocalseg.report import spectrograms
from vocalseg.separator import Separator

# Gradio reads both during its import, and contacts other servers if they are not set.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"
try:
    import gradio as gr
except ModuleNotFoundError:
    raise BadInput(
        "vocalseg app: Gradio is not installed; run: pip install 'vocalseg[app]' (in a clone: "
        "make app)"
    ) from None

ACCENT = "#db2777"  # from the theme's hue "pink"
TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)  # seconds between labels
KEEP_SECONDS = 3600  # how long uploads and stems are kept
STYLE = """
.gradio-container { width: 100%; max-width: 76rem !important; margin: 0 auto !important; }
.status, .status .html-container { padding: 0 !important; }
.status p { margin: 0 0 .3rem; }
.status progress { appearance: none; width: 100%; height: .5rem; border: 0; }
.status progress, .status ::-webkit-progress-bar {
  background: var(--border-color-primary); border-radius: 4px; overflow: hidden;
}
.status ::-webkit-progress-value { background: var(--color-accent); }
.status ::-moz-progress-bar { background: var(--color-accent); }
.status [role=alert] { color: var(--error-text-color); font-weight: 600; overflow-wrap: anywhere; }
.spectrogram { display: grid; grid-template: 9rem 1.4rem / 3rem 1fr; margin: 0; }
.spectrogram figcaption { position: absolute; clip-path: inset(50%); }
.spectrogram img { grid-area: 1 / 2; width: 100%; height: 100%; margin: 0; border-radius: 4px; }
.spectrogram div { position: relative; color: var(--body-text-color-subdued); }
.spectrogram b { position: absolute; font-size: .7rem; font-weight: 400; line-height: 1; }
.hertz { grid-area: 1 / 1; }
.hertz b { right: .4rem; transform: translateY(50%); }
.times { grid-area: 2 / 2; }
.times b { top: .4rem; transform: translateX(-50%); }
"""


class Limits(NamedTuple):
    """Limits of one song: size of its file in MB, and length in minutes."""

    megabytes: int = 200
    minutes: int = 15


def build(estimators: Mapping[str, Estimator], limits: Limits) -> gr.Blocks:
    """Build the page.

    Parameters
    ----------
    estimators : mapping of Estimator
        Models by displayed name; the first one is selected.
    limits : Limits
        Limits of an uploaded song.
    """
    names = list(estimators)
    pictures, players = {}, {}
    with gr.Blocks(
        title="vocalseg", analytics_enabled=False, delete_cache=(KEEP_SECONDS, KEEP_SECONDS)
    ) as page:
        gr.Markdown(
            "# Separate the singing voice\n"
            "Drop a song: any audio format, mono or stereo, "
            f"up to {limits.megabytes} MB and {limits.minutes} minutes. "
            "It is processed on the computer that runs this page and is not sent elsewhere."
        )
        song = gr.File(label="Song", file_count="single", type="filepath", height=150)
        with gr.Row(equal_height=True):
            model = gr.Dropdown(names, value=names[0], label="Model", min_width=300)
            overlap = gr.Slider(
                0, 0.5, value=0.125, step=0.125, label="Overlap of neighbouring tiles",
                info="More is smoother and slower.", min_width=300,
            )  # fmt: skip
        with gr.Row():
            start = gr.Button("Separate", variant="primary")
            stop = gr.Button("Stop", interactive=False)
        status = gr.HTML(elem_classes="status", padding=False)
        with gr.Row(visible=False) as results:
            for stem in STEMS:
                with gr.Column(min_width=300):
                    gr.Markdown(f"### {stem.capitalize()}")
                    pictures[stem] = gr.HTML(padding=False)
                    players[stem] = gr.Audio(
                        label=stem.capitalize(), show_label=False, interactive=False,
                        buttons=["download"], elem_id=stem, visible=False,
                        waveform_options=gr.WaveformOptions(waveform_progress_color=ACCENT),
                    )  # fmt: skip

        def running(yes: bool) -> dict[Any, Any]:
            return {start: gr.Button(interactive=not yes), stop: gr.Button(interactive=yes)}

        def run(path: str | None, name: str, overlap: float) -> Iterator[dict[Any, Any]]:
            yield {
                status: _status("Reading the song …"),
                results: gr.Row(visible=False),
                **running(True),
                **{player: gr.Audio(value=None, visible=False) for player in players.values()},
            }
            try:
                if path is None:
                    raise BadInput("Choose a song first: drop a file above")
                separator = Separator(estimators[name], overlap=overlap)
                with tempfile.TemporaryDirectory() as folder:
                    for state in separate(separator, Path(path), Path(folder), limits.minutes):
                        yield {
                            status: _progress(state),
                            results: gr.Row(visible=True),
                            **running(not state.files),
                            **{pictures[s]: _figure(s, state) for s in STEMS},
                            **{
                                players[stem]: gr.Audio(value=file, visible=True)
                                for stem, file in state.files.items()
                            },
                        }
            except BadInput as error:
                yield {
                    status: f'<p role="alert">{escape(str(error))}</p>',
                    results: gr.Row(visible=False),
                    **running(False),
                }

        def stopped() -> dict[Any, Any]:
            return {status: _status("Stopped."), results: gr.Row(visible=False), **running(False)}

        controls = [status, start, stop, results]
        separation = gr.on(
            [song.upload, start.click], run, [song, model, overlap],
            [*controls, *pictures.values(), *players.values()],
            show_progress="hidden", trigger_mode="multiple", api_visibility="private",
        )  # fmt: skip
        stop.click(
            stopped, None, controls, cancels=[separation],
            show_progress="hidden", queue=False, api_visibility="private",
        )  # fmt: skip
    return page


def serve(estimators: Mapping[str, Estimator], host: str, port: int | None, limits: Limits) -> None:
    """Serve the page until Ctrl-C or SIGTERM, and then remove uploads and stems.

    Parameters
    ----------
    estimators : mapping of Estimator
        Models by displayed name.
    host : str
        Name or address of the network interface.
    port : int or None
        None selects the first free port from 7860.
    limits : Limits
        Limits of an uploaded song.

    Raises
    ------
    BadInput
        If the server cannot listen on the address.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        tempfile.TemporaryDirectory(prefix="vocalseg-") as folder,
        suppress(KeyboardInterrupt),
    ):
        os.environ["GRADIO_TEMP_DIR"] = folder
        try:
            _, url, _ = build(estimators, limits).queue(max_size=8).launch(
                server_name=host, server_port=port, share=False, quiet=True,
                prevent_thread_lock=True, max_file_size=f"{limits.megabytes}mb",
                footer_links=[], run_history=False, enable_monitoring=False, mcp_server=False,
                ssr_mode=False, theme=_theme(), css=STYLE,
            )  # fmt: skip
        except OSError:
            where = host if port is None else f"{host}, port {port}"
            raise BadInput(f"{where}: cannot listen; choose another --host or --port") from None
        print(f"{url} (press Ctrl-C to stop)", flush=True)
        threading.Event().wait()


def _theme() -> gr.Theme:
    return gr.themes.Default(
        primary_hue="pink", neutral_hue="zinc",
        font=["system-ui", "Segoe UI", "Noto Sans", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )  # fmt: skip


def _status(text: str, done: float | None = None) -> str:
    """Format a line of text, and a progress bar if the fraction ``done`` in [0, 1] is given."""
    bar = "" if done is None else f'<progress value="{done:.3f}"></progress>'
    return f'<div role="status"><p>{escape(text)}</p>{bar}</div>'


def _progress(state: Progress) -> str:
    if state.files:
        return _status(f"Separated {_clock(state.done)} of sound.")
    if math.isnan(state.total):
        return _status(f"Separating: {_clock(state.done)} so far")
    text = f"Separating: {_clock(state.done)} of {_clock(state.total)}"
    return _status(text, state.done / state.total)


def _figure(stem: str, state: Progress) -> str:
    """Format a spectrogram with labelled axes."""
    image = b64encode(spectrograms.picture(state.levels[stem])).decode()
    hertz = "".join(
        f'<b style="bottom:{100 * spectrograms.height(hz, state.top):.1f}%">{hz}</b>'
        for hz in spectrograms.ticks(state.top)
    )
    step = next((tick for tick in TICKS if state.axis <= 5 * tick), TICKS[-1])
    times = "".join(
        f'<b style="left:{100 * second / state.axis:.1f}%">{_clock(second)}</b>'
        for second in range(0, math.floor(state.axis) + 1, step)
    )
    return (
        f'<figure class="spectrogram"><figcaption>Spectrogram in Hz: {stem}</figcaption>'
        f'<div class="hertz" aria-hidden="true">{hertz}</div>'
        f'<img src="data:image/webp;base64,{image}" alt="Spectrogram: {stem}">'
        f'<div class="times" aria-hidden="true">{times}</div></figure>'
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(math.floor(seconds), 60)
    return f"{minutes}:{rest:02}"
