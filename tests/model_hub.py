"""The few endpoints of the Hub that a download needs, on the loopback; it can gate, lose or cut off."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.loopback import LoopbackServer

SHA = "0123456789abcdef0123456789abcdef01234567"


class ModelHub(LoopbackServer):
    """A Hub with models and data sets by id.

    Attributes
    ----------
    models : dict of str to dict of str to bytes
        Files of each model or data set.
    wrong : set of str
        Files of which it names another SHA-256.
    slow : float
        Seconds before each answer.
    calls : list of str
        Paths that were asked for.
    gated : set of str
        Models that nobody may read.
    cut : set of str
        Files whose answer ends in the middle.
    """

    def __init__(self) -> None:
        self.models: dict[str, dict[str, bytes]] = {}
        self.gated: set[str] = set()
        self.cut: set[str] = set()
        self.wrong: set[str] = set()
        self.slow = 0.0
        self.calls: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def _do(self) -> None:
                hub.answer(self)

            do_GET = do_HEAD = do_POST = _do

        super().__init__(Handler)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.partition("?")[0]
        self.calls.append(path)
        time.sleep(self.slow)
        for prefix in ("/api", "/models", "/datasets"):
            path = path.removeprefix(prefix)
        parts = path.strip("/").split("/")
        model = "/".join(parts[:2])
        if model in self.gated:
            return _send(request, 401, {"error": "Access is restricted"}, {"X-Error-Code": "GatedRepo"})
        if model not in self.models:
            return _send(request, 401, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        files, rest = self.models[model], parts[2:]
        revision = rest[1] if len(rest) > 1 else "main"
        if revision not in ("main", SHA):
            return _send(request, 404, {"error": "Revision not found"}, {"X-Error-Code": "RevisionNotFound"})
        if rest[:1] == ["resolve"]:
            content = files.get("/".join(rest[2:]))
            if content is None:
                return _send(request, 404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
            headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": SHA}
            return _send(request, 200, content, headers, cut="/".join(rest[2:]) in self.cut)
        if rest[:1] == ["tree"]:
            listed = [
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for name, content in files.items()
            ]
            return _send(request, 200, listed)
        siblings = [
            {"rfilename": name, "size": len(c), "blobId": hashlib.sha1(c).hexdigest(), "lfs": self._lfs(name, c)}
            for name, c in files.items()
        ]
        _send(request, 200, {"id": model, "sha": SHA, "siblings": siblings, "cardData": {"license": "mit"}})

    def _lfs(self, name: str, content: bytes) -> dict[str, Any]:
        sha256 = hashlib.sha256(content + b"other" * (name in self.wrong)).hexdigest()
        return {"sha256": sha256, "size": len(content), "pointerSize": 130}


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelHub]:
    """Yield a Hub that `huggingface_hub` calls, without the waits it would make on a real network."""
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    server = ModelHub()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "ENDPOINT", server.address)
    url = server.address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url)
    monkeypatch.setattr(_http.time, "sleep", lambda seconds: None)
    try:
        yield server
    finally:
        server.close()


def _send(
    request: BaseHTTPRequestHandler, status: int, answer: Any, headers: dict[str, str] | None = None, cut: bool = False
) -> None:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    request.send_response(status)
    for name, value in (headers or {}).items():
        request.send_header(name, value)
    request.send_header("content-length", str(len(body)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body[: len(body) // 2] if cut else body)
    if cut:
        request.close_connection = True
