"""The Hub's endpoints that a deployment uses, on the loopback: it keeps commits, and fails on demand.

What a Space would run is `live`: the files of the last commit that was built. `fail` makes calls go wrong as the Hub's
do: a status, a connection that ends before or after the work was done, an answer that never comes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.loopback import LoopbackServer

LARGE = 1_000_000  # bytes; from here a file goes to the large file storage


@dataclass
class Commit:
    sha: str
    title: str
    files: dict[str, bytes]


@dataclass
class Fault:
    """What goes wrong with calls whose "METHOD path" fits `pattern`, `times` of them, after `after` that went well."""

    pattern: re.Pattern[str]
    how: int | str  # a status, "drop", "drop after", "hang"
    times: int
    after: int = 0


@dataclass
class Space:
    commits: list[Commit] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    hardware: str = "cpu-basic"
    sleep: int | None = None
    volumes: list[dict[str, Any]] = field(default_factory=list)
    stage: str = "NO_APP_FILE"
    built: str | None = None  # sha that runs


class Hub(LoopbackServer):
    """A Hub of its own at `address`, with the Spaces it was told to make.

    Attributes
    ----------
    calls : list of str
        "METHOD path" of everything it was asked.
    builds : list of str
        Stages in which the next builds end; RUNNING when it is used up.
    start : callable, optional
        Is given the files of a commit that was built, and gives the address where they run.
    """

    def __init__(self) -> None:
        self.spaces: dict[str, Space] = {}
        self.objects: dict[str, bytes] = {}
        self.calls: list[str] = []
        self.bodies: list[bytes] = []
        self.faults: list[Fault] = []
        self.builds: list[str] = []
        self.start: Callable[[dict[str, bytes]], str] | None = None
        self.host = "http://127.0.0.1:9"  # nothing listens there
        self.lock = threading.RLock()
        super().__init__(self._handler())

    def fail(self, pattern: str, how: int | str, times: int = 1_000, after: int = 0) -> None:
        self.faults.append(Fault(re.compile(pattern), how, times, after))

    def live(self, space: str) -> dict[str, bytes]:
        """Files that run."""
        found = self.spaces[space]
        return next(commit.files for commit in found.commits if commit.sha == found.built)

    def state(self, space: str) -> dict[str, Any]:
        """All that a visitor or an owner would notice."""
        found = self.spaces[space]
        return {
            "live": self.live(space), "variables": dict(found.variables), "hardware": found.hardware,
            "sleep": found.sleep, "volumes": list(found.volumes), "stage": found.stage,
        }  # fmt: skip

    def put(self, space: str, files: dict[str, bytes], title: str = "Before", **values: Any) -> None:
        """Have a Space with a version that runs."""
        self.spaces[space] = Space(stage="RUNNING", **values)
        self.commit(self.spaces[space], title, files)

    def commit(self, space: Space, title: str, files: dict[str, bytes]) -> str:
        sha = hashlib.sha1(f"{len(space.commits)}{title}{time.monotonic_ns()}".encode()).hexdigest()
        space.commits.append(Commit(sha, title, files))
        if space.stage != "PAUSED":
            self.build(space)
        return sha

    def build(self, space: Space) -> None:
        """Build the last commit; a Space that is paused is only built when it is restarted."""
        head = space.commits[-1]
        space.stage = self.builds.pop(0) if self.builds else "RUNNING"
        if space.stage == "RUNNING":
            space.built = head.sha
            if self.start is not None:
                self.host = self.start(head.files)

    def _handler(hub) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except (ConnectionError, TimeoutError):
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                pass

            def _do(self) -> None:
                path = urlsplit(self.path)
                call = f"{self.command} {unquote(path.path)}"
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                how: int | str | None = None
                with hub.lock:
                    hub.calls.append(call)
                    hub.bodies.append(body)
                    for fault in hub.faults:
                        if fault.pattern.search(call):
                            if fault.after:
                                fault.after -= 1
                            elif fault.times:
                                fault.times -= 1
                                how = fault.how
                                break
                if how == "hang":
                    time.sleep(3)
                if how in ("drop", "hang"):
                    self.close_connection = True
                    self.connection.close()
                    return
                if isinstance(how, int):
                    known = {"X-Error-Code": "RepoNotFound"} if how == 401 else {}  # all that a wrong token is shown
                    self._answer({"error": f"made to fail with {how}"}, how, known)
                    return
                with hub.lock:
                    status, answer, headers = hub._answer(call, parse_qs(path.query), body)
                if how == "drop after":
                    self.close_connection = True
                    self.connection.close()
                    return
                self._answer(answer, status, headers)

            def _answer(self, answer: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
                packed = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(packed)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(packed)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _do

        return Handler

    def _answer(self, call: str, query: dict[str, list[str]], body: bytes) -> tuple[int, Any, dict[str, str]]:
        method, _, path = call.partition(" ")
        sent = json.loads(body) if body[:1] == b"{" and b"\n{" not in body and "/blob/" not in path else {}
        if path == "/api/repos/create":
            name = f"{sent['organization']}/{sent['name']}"
            if name in self.spaces:
                return 409, {"error": "You already created this space repo", "url": f"{self.address}/spaces/{name}"}, {}
            self.spaces[name] = Space()
            self.commit(self.spaces[name], "initial commit", {".gitattributes": b"*.safetensors filter=lfs\n"})
            self.spaces[name].stage = "NO_APP_FILE"
            return 200, {"url": f"{self.address}/spaces/{name}", "name": name}, {}
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}, {}
        if path.startswith("/blob/"):
            if hashlib.sha256(body).hexdigest() != path.removeprefix("/blob/"):
                return 400, {"error": "The content is not what was announced."}, {}
            self.objects[path.removeprefix("/blob/")] = body
            return 200, {}, {}
        found = re.fullmatch(r"/(?:api/)?spaces/([\w.-]+/[\w-]+)(\.git)?(?:/(.*))?", path)
        if found is None or found[1] not in self.spaces:
            return 404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"}
        return self._of_space(method, self.spaces[found[1]], found[1], found[3] or "", sent, body)

    def _of_space(
        self, method: str, space: Space, name: str, path: str, sent: dict[str, Any], body: bytes
    ) -> tuple[int, Any, dict[str, str]]:
        head = space.commits[-1]
        what, _, rest = path.partition("/")
        if what in ("", "revision"):
            return 200, {"id": name, "sha": head.sha, "host": self.host, "siblings": []}, {}
        if what == "runtime" or what in ("hardware", "sleeptime", "pause", "restart"):
            if what == "hardware":
                space.hardware = sent["flavor"]
            elif what == "sleeptime":
                space.sleep = sent["seconds"]
            elif what == "pause":
                space.stage = "PAUSED"
            elif what == "restart":
                self.build(space)
            runtime = {
                "stage": space.stage, "sha": head.sha, "gcTimeout": space.sleep, "volumes": space.volumes,
                "hardware": {"current": space.hardware, "requested": space.hardware},
            }  # fmt: skip
            if space.stage.endswith("ERROR"):
                runtime["errorMessage"] = "ERROR: No matching distribution found"
            return 200, runtime, {}
        if what in ("variables", "secrets"):
            kept = space.variables if what == "variables" else space.secrets
            if method == "POST":
                kept[sent["key"]] = sent["value"]
            elif method == "DELETE":
                kept.pop(sent["key"])
            shown = {key: {"value": value} if what == "variables" else {} for key, value in kept.items()}
            return 200, shown, {}
        if what == "volumes":
            space.volumes = sent.get("volumes", []) if method == "PUT" else []
            return 200, {}, {}
        if what == "commits":
            return 200, [_listed(commit) for commit in reversed(space.commits)], {}
        if what == "tree":
            commit = self._at(space, rest.split("/")[0])
            return 200, [_entry(path, content) for path, content in commit.files.items()], {}
        if what == "resolve":
            sha, _, file = rest.partition("/")
            commit = self._at(space, sha)
            content = commit.files[file]
            return 200, content, {"ETag": f'"{_entry(file, content)["oid"]}"', "X-Repo-Commit": commit.sha}
        if what == "preupload":
            files = [
                {"path": f["path"], "uploadMode": "lfs" if f["size"] >= LARGE else "regular", "shouldIgnore": False,
                 "oid": _announced(head.files[f["path"]]) if f["path"] in head.files else None}
                for f in sent["files"]
            ]  # fmt: skip
            return 200, {"files": files}, {}
        if path == "info/lfs/objects/batch":
            objects = []
            for wanted in sent["objects"]:
                where = {"upload": {"href": f"{self.address}/blob/{wanted['oid']}"}}
                objects.append(wanted if wanted["oid"] in self.objects else {**wanted, "actions": where})
            return 200, {"transfer": "basic", "objects": objects}, {}
        if what == "commit":
            return self._commit(space, name, [json.loads(line) for line in body.splitlines() if line.strip()])
        return 404, {"error": f"{method} {path} is not known here"}, {}

    def _commit(self, space: Space, name: str, lines: list[dict[str, Any]]) -> tuple[int, Any, dict[str, str]]:
        files, head = dict(space.commits[-1].files), {}
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                head = value
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                if value["oid"] not in self.objects:
                    return 400, {"error": "A large file was announced and never came."}, {}
                files[value["path"]] = self.objects[value["oid"]]
            else:
                files.pop(value["path"], None)
        if head.get("parentCommit") not in (None, space.commits[-1].sha):
            return 412, {"error": "A commit has happened since."}, {}
        sha = self.commit(space, head["summary"], files)
        return 200, {"commitUrl": f"{self.address}/spaces/{name}/commit/{sha}", "commitOid": sha, "success": True}, {}

    @staticmethod
    def _at(space: Space, revision: str) -> Commit:
        return next((commit for commit in space.commits if commit.sha == revision), space.commits[-1])


def _entry(path: str, content: bytes) -> dict[str, Any]:
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": blob}
    if len(content) >= LARGE:
        entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
    return entry


def _announced(content: bytes) -> str:
    """Return what a file is compared by before it is sent: a large one by its SHA-256."""
    entry = _entry("", content)
    return str(entry.get("lfs", entry)["oid"])


def _listed(commit: Commit) -> dict[str, Any]:
    return {
        "id": commit.sha, "title": commit.title, "message": "", "authors": [], "date": "2026-01-01T00:00:00.000Z",
    }  # fmt: skip
