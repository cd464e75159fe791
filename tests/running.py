"""Processes of their own: `python app.py` as users start it, for tests in a real browser; code against the clock."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fakenews.config import REPOSITORY

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
WAIT = 60_000  # milliseconds; the machine may be slow and busy


def ends_within(seconds: float, code: str) -> None:
    """Run Python code in a process of its own: patterns that backtrack for ever cannot be stopped from within."""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=seconds)


class Address(str):
    """Where a server answers, and its process."""

    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """Return of the process."""
        return self.process.pid

    def peak_mb(self) -> float:
        """Most memory it has held so far, in megabytes."""
        return self._memory("VmHWM")

    def resident_mb(self) -> float:
        """Memory it holds, in megabytes."""
        return self._memory("VmRSS")

    def cpu_seconds(self) -> float:
        """Seconds of a processor it has used so far, which a busy machine does not lengthen."""
        used = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK")

    def _memory(self, kind: str) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition(f"{kind}:")[2].split()[0]) / 1000


@contextmanager
def running(
    folder: Path, *, warm: bool = True, port: int = 0, root: Path = REPOSITORY, **settings: str
) -> Iterator[Address]:
    """Address of a server that ends with the block.

    Parameters
    ----------
    folder : Path
        For its log, and for what it shares unless `settings` say otherwise.
    warm : bool
        Whether to wait until the models are loaded, or only for an answer.
    port : int
        Where it listens; any free one otherwise.
    root : Path
        Folder of `app.py`.
    settings : str
        Of the environment, without any corpus but the demo's by default.
    """
    port = port or free_port()
    kept = {k: v for k, v in os.environ.items() if k != "FAKENEWS_DATA"}
    environment = kept | {"FAKENEWS_PORT": str(port), "XDG_DATA_HOME": str(folder)} | settings
    log = folder / "log"
    with log.open("ab") as output:
        server = subprocess.Popen([sys.executable, "app.py"], cwd=root, env=environment, stdout=output, stderr=output)
    address = Address(f"http://127.0.0.1:{port}")
    address.process = server
    try:
        deadline = time.monotonic() + 240
        while health(address) not in (("ok",) if warm else ("ok", "starting", "failed")):
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(60)  # it waits for open pages, and the machine may be busy


def health(address: str) -> str:
    """Return what the server says of itself; empty while it does not answer."""
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=5) as answer:
            return str(json.load(answer)["status"])
    except OSError:
        return ""


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
