"""A real server in trouble: what its users see, and that it goes on.

Each fault is done to a process started as users start it, with small models of its own.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import resource
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from fakenews.classifiers.base import TextClassifier
from fakenews.engine.scheduler import LIMITS, Lane
from fakenews.serving.protocol import HEADER_SECONDS
from tests.running import Address, running

pytestmark = pytest.mark.slow

ARTICLE = "The council of the town met on Tuesday to talk about the old bridge and who would pay for all of it. " * 12
LONG_WORK = {"text": ARTICLE, "model": "tinybert", "method": "lime", "samples": 5000}  # for half a minute
OPEN = {"FAKENEWS_RATE": "0", "FAKENEWS_DEVICE": "cpu"}


@pytest.fixture(scope="module")
def models(classifiers: dict[str, TextClassifier], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for name in ("tfidf", "tinybert"):
        classifiers[name].save(folder / name)
    return folder


@pytest.fixture(scope="module")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """One that all but the deadly faults are done to, one after the other."""
    with running(tmp_path_factory.mktemp("server"), FAKENEWS_MODELS=str(models), **OPEN) as address:
        yield address


class Answer:
    """Status, headers, JSON and seconds of one exchange."""

    def __init__(self, address: str, path: str, body: Any = None, method: str = "POST") -> None:
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
        started = time.monotonic()
        connection.request(method, path, json.dumps(body), {"content-type": "application/json"})
        found = connection.getresponse()
        raw = found.read()
        self.seconds = time.monotonic() - started
        self.status, self.headers = found.status, dict(found.getheaders())
        self.json = json.loads(raw) if raw.startswith(b"{") else {}
        connection.close()


def analyse(address: str) -> Answer:
    return Answer(address, "/api/v1/analyse", {"text": ARTICLE})


def gauge(address: str, name: str) -> float:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
    connection.request("GET", "/metrics")
    found = re.search(rf"^{name} (\S+)$", connection.getresponse().read().decode(), re.MULTILINE)
    connection.close()
    assert found is not None
    return float(found[1])


def wait_for(true: Any, seconds: float = 30.0) -> float:
    """Seconds until it came true."""
    started = time.monotonic()
    while not true():
        assert time.monotonic() - started < seconds, "It did not come true."
        time.sleep(0.02)
    return time.monotonic() - started


def is_one_sentence(answer: Answer) -> bool:
    said = answer.json.get("error", "")
    return said.endswith(".") and "\n" not in said and "/" not in said


def begin_explanation(address: str, **changes: Any) -> socket.socket:
    """Ask for long work, and leave the connection open."""
    host, _, port = address.removeprefix("http://").partition(":")
    client = socket.create_connection((host, int(port)))
    body = json.dumps({**LONG_WORK, **changes}).encode()
    head = f"POST /api/v1/explain HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(body)}\r\n\r\n"
    client.sendall(head.encode() + body)
    return client


def test_a_full_disk_refuses_to_share_and_goes_on_judging(server: Address) -> None:
    kept = Answer(server, "/api/v1/shares", {"text": ARTICLE})
    assert kept.status == 200
    before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (0, before[1]))  # as if no file could grow
    try:
        refused = Answer(server, "/api/v1/shares", {"text": ARTICLE})
        assert refused.status == 503 and is_one_sentence(refused) and "retry-after" in refused.headers
        assert analyse(server).status == 200
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)
    assert Answer(server, "/api/v1/shares", {"text": ARTICLE}).status == 200
    assert Answer(server, f"/api/v1/shares/{kept.json['id']}", method="GET").status == 200


@pytest.mark.parametrize("stream", [False, True])
def test_whoever_leaves_frees_the_place_within_a_second(stream: bool, server: Address) -> None:
    def seconds() -> float:
        client = begin_explanation(server, stream=stream)
        wait_for(lambda: gauge(server, "fakenews_explanations_under_way") == 1)
        time.sleep(1.0)
        assert gauge(server, "fakenews_explanations_under_way") == 1
        client.close()
        return wait_for(lambda: gauge(server, "fakenews_explanations_under_way") == 0)

    assert any(seconds() < 1.0 for _ in range(3))  # the machine may be busy


def test_a_full_queue_answers_at_once_and_verdicts_go_on(server: Address) -> None:
    most = LIMITS[Lane.EXPLANATION].running + LIMITS[Lane.EXPLANATION].waiting
    clients = [begin_explanation(server) for _ in range(most)]
    try:
        wait_for(
            lambda: (
                gauge(server, "fakenews_explanations_under_way") == LIMITS[Lane.EXPLANATION].running
                and gauge(server, "fakenews_explanations_waiting") == LIMITS[Lane.EXPLANATION].waiting
            )
        )
        refusals = [Answer(server, "/api/v1/explain", LONG_WORK) for _ in range(5)]
        for refused in refusals:
            assert refused.status == 503 and is_one_sentence(refused)
            assert int(refused.headers["retry-after"]) > 0
        assert median(refused.seconds for refused in refusals) < 0.25
        assert analyse(server).status == 200
    finally:
        for client in clients:
            client.close()
    wait_for(lambda: gauge(server, "fakenews_explanations_waiting") == 0)


def test_connections_that_only_dribble_keep_nobody_out(server: Address) -> None:
    host, _, port = server.removeprefix("http://").partition(":")
    stop = threading.Event()
    slow = [socket.create_connection((host, int(port))) for _ in range(300)]

    def dribble() -> None:
        for client in slow:
            client.sendall(b"POST /api/v1/analyse HTTP/1.1\r\nhost: x\r\n")
        while not stop.wait(1.0):
            for client in slow:
                with contextlib.suppress(OSError):
                    client.sendall(b"x-a: b\r\n")

    thread = threading.Thread(target=dribble)
    thread.start()
    try:
        assert median(analyse(server).seconds for _ in range(10)) < 2.0
        slow[0].settimeout(HEADER_SECONDS + 5)
        with contextlib.suppress(ConnectionResetError):
            assert slow[0].recv(1) == b""  # closed by the server
        assert analyse(server).status == 200
    finally:
        stop.set()
        thread.join()
        for client in slow:
            client.close()


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_first_answers(told: signal.Signals, models: Path, tmp_path: Path) -> None:
    with running(tmp_path, FAKENEWS_MODELS=str(models), **OPEN) as address, ThreadPoolExecutor() as pool:
        work = {**LONG_WORK, "samples": 150}
        answers = [pool.submit(Answer, address, "/api/v1/explain", work)]
        wait_for(lambda: gauge(address, "fakenews_explanations_under_way") == 1)
        address.process.send_signal(told)
        assert answers[0].result().status == 200
        assert address.process.wait(10) == 0
        with pytest.raises(OSError):
            analyse(address)


def test_a_model_cut_short_leaves_the_others(models: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(models, tmp_path / "models")
    weights = broken / "tinybert" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with running(tmp_path, warm=False, FAKENEWS_MODELS=str(broken), **OPEN) as address:
        wait_for(lambda: Answer(address, "/healthz", method="GET").json["status"] == "failed", 60)
        assert Answer(address, "/readyz", method="GET").status == 503
        assert Answer(address, "/", method="GET").status == 200
        refused = Answer(address, "/api/v1/analyse", {"text": ARTICLE, "models": ["tinybert"]})
        assert refused.status == 503 and "tinybert" in refused.json["error"] and is_one_sentence(refused)
        assert Answer(address, "/api/v1/analyse", {"text": ARTICLE, "models": ["tfidf"]}).status == 200


def test_a_bucket_that_went_away_refuses_to_share_and_goes_on_judging(models: Path, tmp_path: Path) -> None:
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    with running(tmp_path, FAKENEWS_MODELS=str(models), FAKENEWS_BUCKET=str(bucket), **OPEN) as address:
        kept = Answer(address, "/api/v1/shares", {"text": ARTICLE})
        assert kept.status == 200
        bucket.rename(tmp_path / "elsewhere")
        bucket.write_text("a file where the mount was")
        refused = Answer(address, "/api/v1/shares", {"text": ARTICLE})
        assert refused.status == 503 and is_one_sentence(refused)
        assert analyse(address).status == 200
        assert Answer(address, f"/api/v1/shares/{kept.json['id']}", method="GET").status == 200
        bucket.unlink()
        (tmp_path / "elsewhere").rename(bucket)
        assert Answer(address, "/api/v1/shares", {"text": ARTICLE}).status == 200
