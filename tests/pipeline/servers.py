"""Local servers for DVC remotes: SSH, S3 and HTTP."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import asyncssh

HOST = "127.0.0.1"


@contextmanager
def ssh(home: Path) -> Iterator[str]:
    """An SFTP server for the files of this computer; yields ``ssh://user@host:port``.

    The client's key and the known host are written to ``home``.
    """
    key, host_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    folder = home / ".ssh"
    folder.mkdir(parents=True)
    key.write_private_key(folder / "id_ed25519")
    key.write_public_key(folder / "authorized_keys")

    async def serve() -> None:
        async with asyncssh.listen(
            HOST, 0, server_host_keys=[host_key], sftp_factory=True,
            authorized_client_keys=str(folder / "authorized_keys"),
        ) as server:  # fmt: skip
            started.set_result((asyncio.get_running_loop(), server))
            await server.wait_closed()

    started: Future = Future()
    thread = threading.Thread(target=asyncio.run, args=[serve()], daemon=True)
    thread.start()
    loop, server = started.result(60)
    port = server.get_port()
    public = host_key.export_public_key().decode()
    (folder / "known_hosts").write_text(f"[{HOST}]:{port} {public}")
    try:
        yield f"ssh://me@{HOST}:{port}"
    finally:
        loop.call_soon_threadsafe(server.close)
        thread.join()


@contextmanager
def s3(bucket: str) -> Iterator[str]:
    """An S3 server with an empty bucket; yields its URL."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(HOST, port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        url = f"http://{HOST}:{port}"
        credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **credentials)
        client.create_bucket(Bucket=bucket)
        yield url
    finally:
        server.stop()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def web(folder: Path) -> Iterator[str]:
    """A read-only web server for the files of a folder; yields its URL."""
    with ThreadingHTTPServer((HOST, 0), partial(_Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
