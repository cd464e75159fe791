"""The few endpoints of the Hub that a download of a model needs, on the loopback; it can gate, lose or cut off."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SHA = "0123456789abcdef0123456789abcdef01234567"


class ModelHub:
    """A Hub with models by id.

    Attributes
    ----------
    models : dict of str to dict of str to bytes
        Files of each model.
    gated : set of str
        Models that nobody may read.
    cut : set of str
        Files whose answer ends in the middle.
    """

    def __init__(self) -> None:
        self.models: dict[str, dict[str, bytes]] = {}
        self.gated: set[str] = set()
        self.cut: set[str] = set()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def _do(self) -> None:
                hub.answer(self)

            do_GET = do_HEAD = do_POST = _do

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.partition("?")[0]
        parts = path.removeprefix("/api/models").removeprefix("/datasets").strip("/").split("/")
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
        siblings = [{"rfilename": name} for name in files]
        _send(request, 200, {"id": model, "sha": SHA, "siblings": siblings, "cardData": {"license": "mit"}})


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
