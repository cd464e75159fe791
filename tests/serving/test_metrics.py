"""What is counted and logged: routes and outcomes, never what visitors wrote."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from fakenews.serving import metrics
from fakenews.serving.logs import AsJson, AsText
from fakenews.serving.metrics import Metrics, MetricsMiddleware, route_of

SECRET = "a-secret-nobody-may-read"


@pytest.fixture
def counted() -> tuple[TestClient, Metrics]:
    async def answer(request: Request) -> PlainTextResponse:
        if b"fail" in await request.body():
            raise ValueError(SECRET)
        return PlainTextResponse(SECRET)

    found = Metrics()
    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST", "DELETE"])])
    return TestClient(MetricsMiddleware(app, found), raise_server_exceptions=False), found


def value(found: Metrics, name: str, **labels: str) -> float | None:
    return found.registry.get_sample_value(name, labels)


def test_answers_are_counted_by_route_and_status(counted: tuple[TestClient, Metrics]) -> None:
    client, found = counted
    for id in ("one", "two", SECRET):
        client.delete(f"/api/v1/shares/{id}")
    client.post("/api/v1/analyse", content=b"fail")
    assert value(found, "fakenews_requests_total", method="DELETE", route="/api/v1/shares", status="200") == 3
    assert value(found, "fakenews_requests_total", method="POST", route="/api/v1/analyse", status="500") == 1
    assert value(found, "fakenews_request_seconds_count", route="/api/v1/analyse") == 1
    assert value(found, "fakenews_requests_under_way") == 0


def test_the_text_is_prometheus_own_format_and_holds_no_id(counted: tuple[TestClient, Metrics]) -> None:
    client, found = counted
    client.post(f"/api/v1/shares/{SECRET}/reviews?name={SECRET}", content=SECRET)
    found.add_gauge("fakenews_waiting", "Waiting.", lambda: 7)
    text = found.text().decode()
    families = {family.name for family in text_string_to_metric_families(text)}
    assert {"fakenews_requests", "fakenews_waiting", "process_resident_memory_bytes"} <= families
    assert "fakenews_waiting 7.0" in text
    assert SECRET not in text


def test_unknown_methods_and_paths_make_no_new_series(counted: tuple[TestClient, Metrics]) -> None:
    client, found = counted
    client.get("/wp-admin")
    before = found.text().count(b"\n")
    for n in range(50):
        client.request(f"X{n}", f"/{n}/api/v1")
        client.get(f"/path{n}")
    assert found.text().count(b"\n") - before < 10


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/", "/"),
        ("/api/v1/analyse", "/api/v1/analyse"),
        ("/api/v1/shares/Zm9v/reviews/3", "/api/v1/shares"),
        ("/api/v2/x", "/api"),
        ("/card/Zm9v.png", "/"),
        ("/gradio_api/queue/join", "/gradio_api/queue/join"),
        ("/gradio_api/file=x/y.csv", "/"),
    ],
)
def test_routes(path: str, route: str) -> None:
    assert route_of(path) == route


def test_a_line_of_json_for_each_request_without_a_word_of_it(
    counted: tuple[TestClient, Metrics], caplog: pytest.LogCaptureFixture
) -> None:
    client, _ = counted
    with caplog.at_level(logging.INFO, metrics.logger.name):
        client.post(f"/api/v1/shares/{SECRET}", content=SECRET, headers={"authorization": f"Bearer {SECRET}"})
    (record,) = [r for r in caplog.records if r.name == metrics.logger.name]
    line = AsJson().format(record)
    assert SECRET not in line
    found: dict[str, Any] = json.loads(line)
    assert (found["method"], found["route"], found["status"]) == ("POST", "/api/v1/shares", 200)
    assert found["seconds"] >= 0 and found["time"].endswith("Z") and found["level"] == "info"


def test_an_error_is_named_and_not_quoted() -> None:
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "it failed", None, info)
    line = AsJson().format(record)
    told = json.loads(line)
    assert told["error"] == "ValueError"
    assert told["at"].startswith("test_an_error_is_named_and_not_quoted, test_metrics.py:")
    text = AsText().format(record)
    assert text.startswith("ERROR: it failed\n") and text.endswith("\nValueError")
    assert "raise ValueError(SECRET)" in text
    assert SECRET not in line + text
