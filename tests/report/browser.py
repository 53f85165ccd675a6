"""A headless Chromium, controlled over a pipe (Chrome DevTools Protocol)."""

import base64
import json
import os
import select
import subprocess
import time
from pathlib import Path

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--mute-audio", "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip

#: Names and codes of keys other than letters and digits.
KEYS = {
    "Tab": ("Tab", 9), "Enter": ("Enter", 13), "Escape": ("Escape", 27), "Space": (" ", 32),
    "ArrowLeft": ("ArrowLeft", 37), "ArrowUp": ("ArrowUp", 38),
    "ArrowRight": ("ArrowRight", 39), "ArrowDown": ("ArrowDown", 40),
}  # fmt: skip


class Browser:
    """A browser window. ``complaints`` are errors and warnings logged or thrown by pages."""

    def __init__(self, program: Path, profile: Path):
        # Chromium reads commands from file descriptor 3 and answers on 4, which a shell opens.
        command, self.commands = os.pipe()
        self.answers, answer = os.pipe()
        flags = (*FLAGS, f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank")
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{command} 4>&{answer}', "bash", program, *flags],
            pass_fds=(command, answer),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(command)
        os.close(answer)
        self.buffer, self.count, self.session = b"", 0, None
        self.complaints: list[str] = []
        self.origin = "file:"  # pages may load resources from here only
        self.loaded: set[str] = set()  # identifiers of loaded documents
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        os.close(self.commands)
        os.close(self.answers)

    def open(self, page: Path | str, width: int, height: int = 900, dark: bool = False) -> None:
        """Load a file or URL in a window of the given size; narrow windows emulate a phone."""
        url = page if isinstance(page, str) else page.resolve().as_uri()
        self.origin = url if isinstance(page, str) else "file:"
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        features = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce",  # a smooth scroll would move the target of a click
        }
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": name, "value": value} for name, value in features.items()],
        )
        self.complaints.clear()
        started = self.call("Page.navigate", url=url)
        assert "errorText" not in started, (url, started["errorText"])
        while started["loaderId"] not in self.loaded:
            event = self._next()
            self._note(event.get("method"), event.get("params", {}))

    def run(self, script: str):
        """Evaluate an expression in the page; promises are awaited."""
        done = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True,
            userGesture=True,
        )  # fmt: skip
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def choose(self, selector: str, file: Path) -> None:
        """Choose a file in the page's file input."""
        found = self.call("Runtime.evaluate", expression=f"document.querySelector('{selector}')")
        node = found["result"]["objectId"]
        self.call("DOM.setFileInputFiles", files=[str(file)], objectId=node)

    def press(self, key: str, shift: bool = False) -> None:
        """Press a key: a letter, a digit or one of :data:`KEYS`."""
        name, number = KEYS.get(key, (key, ord(key[0].upper())))
        code = f"Digit{key}" if key.isdigit() else f"Key{key.upper()}" if len(key) == 1 else key
        text = "\r" if key == "Enter" else name if len(name) == 1 else ""
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=name, code=code, text=text,
                windowsVirtualKeyCode=number, modifiers=8 * shift,
            )  # fmt: skip

    def click(self, selector: str) -> None:
        """Click on the center of an element."""
        self.drag(selector, 0.5, 0.5)

    def drag(self, selector: str, start: float, end: float) -> None:
        """Drag the mouse from one fraction of an element's width to another."""
        left, top, width, height = self.run(f"""(() => {{
            const element = document.querySelector({json.dumps(selector)});
            element.scrollIntoView({{ behavior: "instant", block: "center" }});
            const box = element.getBoundingClientRect();
            return [box.left, box.top, box.width, box.height];
        }})()""")
        steps = ("mousePressed", start), ("mouseMoved", end), ("mouseReleased", end)
        for kind, position in steps if start != end else (steps[0], steps[2]):
            self.call(
                "Input.dispatchMouseEvent", type=kind, x=left + position * width,
                y=top + height / 2,
                button="left", buttons=int(kind != "mouseReleased"), clickCount=1,
            )  # fmt: skip

    def downloads(self, folder: Path) -> None:
        """Set the folder of downloads."""
        self.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def screenshot(self, path: Path, whole: bool = True) -> None:
        """Save a PNG of the whole page, or of the visible part."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def call(self, method: str, **params) -> dict:
        """Send a command and return its result; events in the meantime are recorded."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.count:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self._note(answer.get("method"), answer.get("params", {}))

    def _next(self, seconds: float = 60) -> dict:
        deadline = time.monotonic() + seconds
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.answers], [], [], max(0, deadline - time.monotonic()))
            assert ready, "the browser does not answer"
            data = os.read(self.answers, 1 << 20)
            assert data, "the browser has ended"
            self.buffer += data
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def _note(self, event: str | None, params: dict) -> None:
        if event == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.complaints.append(str(params["args"]))
        elif event == "Page.lifecycleEvent" and params["name"] == "load":
            self.loaded.add(params["loaderId"])
        elif event == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(str(params["entry"]))
        elif event == "Network.requestWillBeSent":
            url = params["request"]["url"]
            if not url.startswith((self.origin, "data:", "blob:")):
                self.complaints.append(f"asks the network for {url}")
