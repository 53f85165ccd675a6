"""A local replacement for doi.org, zenodo.org and GitHub's downloads.

DOIs redirect to records, and records list their files. As on zenodo.org, a record's link to a file
serves ranges, but the API's link to the same file does not. :meth:`Server.intercept` redirects
requests for the real hosts to this server, so the code under test and pooch run unchanged.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.request import Request, urlopen

import musdb
import requests

HOSTS = ("doi.org", "zenodo.org", "github.com")


class Server:
    """A server with given files and failures.

    Attributes
    ----------
    files : dict
        Content by (record number, file name).
    cuts : list of int
        Number of bytes after which each successive download is cut off, until the list is empty.
    refusals : list of int
        Status with which each successive request is refused, until the list is empty.
    ranges : bool
        Whether ranges are served.
    requests : list of (str, str)
        Path and range of each request.
    """

    def __init__(self):
        self.files: dict[tuple[int, str], bytes] = {}
        self.cuts: list[int] = []
        self.refusals: list[int] = []
        self.ranges = True
        self.requests: list[tuple[str, str]] = []

    @contextmanager
    def running(self) -> Iterator["Server"]:
        handler = type("Handler", (_Handler,), {"server_state": self})
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            self.address = f"http://127.0.0.1:{server.server_port}"
            Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            yield self
            server.shutdown()

    def intercept(self, monkeypatch) -> None:
        """Redirect requests for the real hosts here, from requests and from musdb's urllib."""
        here = self._here

        class Adapter(requests.adapters.HTTPAdapter):
            def send(self, request, **options):
                real, request.url = request.url, here(request.url)
                response = super().send(request, **options)
                response.url = request.url = real
                return response

        monkeypatch.setattr(requests.sessions, "HTTPAdapter", Adapter)
        monkeypatch.setattr(
            musdb, "urlopen", lambda asked: urlopen(Request(here(asked.full_url)))
        )

    def downloads(self) -> list[str]:
        """Requested ranges of files, in order; empty for a request without a range."""
        return [part for path, part in self.requests if "/files/" in path or "/releases/" in path]

    def _here(self, url: str) -> str:
        host = re.match(r"https://([^/]+)/", url)
        assert host and host[1] in HOSTS, f"{url}: not a replaced host"
        return url.replace("https://", f"{self.address}/", 1)


class _Handler(BaseHTTPRequestHandler):
    server_state: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        state, path = self.server_state, self.path
        state.requests.append((path, self.headers.get("Range", "")))
        if state.refusals:
            self._answer(state.refusals.pop(0), b"<html>busy</html>", {"Retry-After": "0"})
        elif match := re.fullmatch(r"/doi\.org/10\.5281/zenodo\.(\d+)", path):
            self._redirect(f"https://zenodo.org/record/{match[1]}")
        elif match := re.fullmatch(r"/zenodo\.org/record/(\d+)", path):
            self._redirect(f"https://zenodo.org/records/{match[1]}")
        elif re.fullmatch(r"/zenodo\.org/records/\d+", path):
            self._answer(200, b"<html>a record</html>", {"Content-Type": "text/html"})
        elif match := re.fullmatch(r"/zenodo\.org/api/records/(\d+)", path):
            self._record(int(match[1]))
        elif match := re.fullmatch(r"/zenodo\.org/api/records/(\d+)/files/(.+)/content", path):
            self._file(int(match[1]), match[2], ranges=False)
        elif match := re.fullmatch(r"/zenodo\.org/records/(\d+)/files/(.+)\?download=1", path):
            self._file(int(match[1]), match[2], ranges=state.ranges)
        elif match := re.fullmatch(r"/github\.com/.+/releases/download/.+/(.+)", path):
            self._file(0, match[1], ranges=False)
        else:
            self._answer(404, b'{"status": 404, "message": "not found"}')

    def _record(self, number: int) -> None:
        files = [
            {
                "key": name,
                "size": len(content),
                "checksum": f"md5:{hashlib.md5(content, usedforsecurity=False).hexdigest()}",
                "links": {
                    "self": f"https://zenodo.org/api/records/{number}/files/{name}/content"
                },
            }
            for (record, name), content in self.server_state.files.items()
            if record == number
        ]
        self._answer(200, json.dumps({"id": number, "files": files}).encode())

    def _file(self, record: int, name: str, ranges: bool) -> None:
        content = self.server_state.files.get((record, name))
        if content is None:
            self._answer(404, b"")
            return
        first, total = 0, len(content)
        headers = {"Accept-Ranges": "bytes"} if ranges else {}
        if ranges and (match := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))):
            first = int(match[1])
            if first >= total:
                self._answer(416, b"", {"Content-Range": f"bytes */{total}"})
                return
            headers["Content-Range"] = f"bytes {first}-{total - 1}/{total}"
        status = 206 if "Content-Range" in headers else 200
        self._answer(status, content[first:], headers, cut=True)

    def _redirect(self, location: str) -> None:
        self._answer(302, b"", {"Location": location})

    def _answer(self, status: int, body: bytes, headers: dict | None = None, cut=False) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if cut and self.server_state.cuts:
            body = body[: self.server_state.cuts.pop(0)]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass
