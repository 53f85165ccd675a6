"""How the page to listen on looks and moves."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f5f8; --card: #fff; --text: #1d1b24; --quiet: #645f70; --line: #dfdce6;
  --accent: #a02c72; --mark: #f7eaf2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #131217; --card: #1d1b23; --text: #eceaf1; --quiet: #a7a2b4; --line: #35323f;
    --accent: #f08bc0; --mark: #35202d;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body {
  margin: 0 auto; padding: 1.5rem 1rem; max-width: 76rem;
  background: var(--page); color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif;
  overflow-wrap: anywhere;
}
h1 { margin: 0 0 .5rem; font-size: clamp(1.6rem, 5vw, 2.3rem); line-height: 1.15; }
h2 { margin: 0; font-size: 1.25rem; line-height: 1.3; }
header > p { max-width: 44rem; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 4px; }
.skip { position: absolute; left: -100vw; }
.skip:focus { position: static; }
.note, .key, caption, footer, section > p { color: var(--quiet); font-size: .9rem; }
.gain { color: var(--accent); font-weight: 600; font-variant-numeric: tabular-nums; }
dl {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr));
  gap: .8rem 1.5rem; margin: 1.2rem 0;
}
dt { color: var(--quiet); font-size: .85rem; }
dd { margin: 0; }
nav { margin: 2rem 0 1.5rem; }
nav ol { columns: 20rem; column-gap: 2rem; margin: .5rem 0; padding-left: 1.6rem; }
section {
  margin: 1.2rem 0; padding: 1.2rem; border: 1px solid var(--line); border-radius: 12px;
  background: var(--card);
}
section > p { margin: .2rem 0 .8rem; }
table { border-collapse: collapse; width: 100%; max-width: 40rem; font-size: .92rem; }
caption { text-align: left; padding-bottom: .3rem; }
section caption {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
}
th, td {
  padding: .3rem .35rem; border-bottom: 1px solid var(--line); text-align: right;
  font-weight: 400; font-variant-numeric: tabular-nums; overflow-wrap: normal;
}
thead th { color: var(--quiet); font-size: .85rem; white-space: nowrap; }
th[scope=colgroup] { border: 0; padding-bottom: 0; text-align: center; }
th[scope=row] { text-align: left; }
.vocalseg > * { background: var(--mark); font-weight: 600; }
.stems {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr));
  gap: 1.2rem; margin-top: 1.2rem;
}
figure { --at: 0; margin: 0; min-width: 0; }
figcaption { font-weight: 600; margin-bottom: .4rem; }
.plot { display: grid; grid-template: 8rem 1.3rem / 3rem 1fr; }
.image { grid-area: 1 / 2; position: relative; overflow: hidden; border-radius: 4px; }
.image img { display: block; width: 100%; height: 100%; }
.image::after {
  content: ""; position: absolute; inset: 0 auto 0 calc(100% * var(--at)); width: 2px;
  background: #fff; opacity: min(1, var(--at) * 1000);
}
.hertz { grid-area: 1 / 1; position: relative; }
.times { grid-area: 2 / 2; position: relative; }
.plot b {
  position: absolute; color: var(--quiet); font: .7rem/1 system-ui, sans-serif; white-space: nowrap;
}
.hertz b { right: .35rem; transform: translateY(50%); }
.times b { top: .35rem; transform: translateX(-50%); }
audio { display: block; width: 100%; height: 2.6rem; margin-top: .3rem; }
.key i {
  display: inline-block; width: 8rem; height: .7rem; margin: 0 .5rem; border-radius: 2px;
  background: linear-gradient(90deg,
    #000004, #1d1147, #51127c, #832681, #b73779, #e75263, #fc8961, #fec488, #fcfdbf);
}
.key span { white-space: nowrap; }
@media (max-width: 30rem) {
  body { padding: 1rem .6rem; }
  section { padding: .9rem .7rem; }
  table { font-size: .8rem; }
  th, td { padding: .3rem .2rem; }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
"""

#: One player at a time; a line in its spectrogram shows where it is.
SCRIPT = """
const players = document.querySelectorAll("audio");
for (const player of players) {
  player.addEventListener("play", () => {
    for (const other of players) if (other !== player) other.pause();
  });
  player.addEventListener("timeupdate", () => {
    player.closest("figure").style.setProperty("--at", player.currentTime / player.duration);
  });
}
"""
