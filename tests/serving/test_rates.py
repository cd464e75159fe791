"""How often one client may ask, and who counts as one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from fakenews.config import Settings
from fakenews.serving.rates import RateLimit, client_of, kind_of

ANALYSE = "/api/v1/analyse"


def client(verdicts_per_minute: int, **options: Any) -> TestClient:
    async def ok(_: Any) -> PlainTextResponse:
        return PlainTextResponse("ok")

    app = Starlette(routes=[Route("/{path:path}", ok, methods=["GET", "POST", "PUT", "DELETE"])])
    return TestClient(RateLimit(app, verdicts_per_minute, **options))


def scope(path: str = ANALYSE, method: str = "POST", address: str = "203.0.113.7", via: str = "") -> dict[str, Any]:
    headers = [(b"x-forwarded-for", via.encode())] if via else []
    return {"type": "http", "method": method, "path": path, "client": (address, 1), "headers": headers}


def test_one_too_many_gets_429_a_sentence_and_when_to_come_again() -> None:
    asking = client(3)
    assert [asking.post(ANALYSE).status_code for _ in range(3)] == [200] * 3
    refused = asking.post("/api/v1/what-if")  # counted with the verdicts
    assert refused.status_code == 429
    assert refused.json() == {"error": f"More than 3 verdicts in a minute: try again in {wait(refused)} seconds."}
    assert 1 <= wait(refused) <= 60
    assert asking.post("/api/v1/explain").status_code == 200  # of its own kind
    assert asking.get(ANALYSE).status_code == 200  # reads nothing but what is there


def wait(answer: Any) -> int:
    return int(answer.headers["retry-after"])


def test_what_costs_more_may_be_asked_for_less_often() -> None:
    asking = client(6)
    assert [asking.post("/api/v1/explain").status_code for _ in range(3)] == [200, 200, 429]
    assert [asking.post("/gradio_api/upload").status_code for _ in range(2)] == [200, 429]


SETS = "/api/v1/review-sets"


def test_a_class_behind_one_router_may_answer_three_times_a_second() -> None:
    """Thirty students at one address begin together and then answer for a minute, at the rate of a new server."""
    asking = client(Settings().verdicts_per_minute)
    answers = [asking.post(f"{SETS}/x/reviewers") for _ in range(30)]
    answers += [asking.put(f"{SETS}/x/answers/{n % 40}") for n in range(180)]
    assert {a.status_code for a in answers} == {200}


def test_making_review_sets_counts_like_tables_and_changing_them_like_shares() -> None:
    asking = client(6)
    assert [asking.post(path).status_code for path in (SETS, f"{SETS}/x/articles")] == [200, 429]
    assert [asking.delete(f"{SETS}/x").status_code for _ in range(4)] == [200] * 3 + [429]
    refused = [asking.put(f"{SETS}/x/answers/0") for _ in range(25)][-1]
    assert refused.json()["error"].startswith("More than 24 answers in a minute")
    assert asking.get(f"{SETS}/x").status_code == 200


def test_the_page_shows_the_sentence() -> None:
    asking = client(1)
    answers = [asking.post("/gradio_api/queue/join") for _ in range(5)]
    assert [a.status_code for a in answers] == [200] * 4 + [429]
    assert answers[-1].json()["detail"] == answers[-1].json()["error"]


def test_zero_is_no_limit() -> None:
    asking = client(0)
    assert {asking.post(ANALYSE).status_code for _ in range(50)} == {200}


@pytest.mark.parametrize("proxies", [0, 1])
def test_the_proxy_is_believed_only_where_there_is_one(proxies: int) -> None:
    asking = client(1, proxies=proxies)
    statuses = [asking.post(ANALYSE, headers={"x-forwarded-for": f"198.51.100.{n}"}) for n in range(3)]
    assert [s.status_code for s in statuses] == ([200] * 3 if proxies else [200, 429, 429])


def test_what_a_client_writes_before_the_proxy_makes_nobody_else_of_it() -> None:
    asking = client(1, proxies=1)
    statuses = [asking.post(ANALYSE, headers={"x-forwarded-for": f"203.0.113.{n}, 198.51.100.1"}) for n in range(3)]
    assert [s.status_code for s in statuses] == [200, 429, 429]


@pytest.mark.parametrize(
    ("found", "proxies", "client"),
    [
        (scope(), 1, "203.0.113.7"),
        (scope(via="198.51.100.1"), 1, "198.51.100.1"),
        (scope(via="192.0.2.1, 198.51.100.1"), 1, "198.51.100.1"),
        (scope(via="192.0.2.1, 198.51.100.1, 10.0.0.1"), 2, "198.51.100.1"),
        (scope(via="192.0.2.1"), 0, "203.0.113.7"),
        (scope(via="192.0.2.1"), 2, "203.0.113.7"),  # it went past a proxy
        (scope(address="2001:db8:1:2:3::4"), 1, "2001:db8:1:2::/64"),
        (scope(address="::ffff:203.0.113.7"), 1, "203.0.113.7"),
        (scope(via="<script>" * 100), 1, ("<script>" * 100)[:64]),
        ({**scope(), "client": None}, 1, ""),
    ],
)
def test_who_asks(found: dict[str, Any], proxies: int, client: str) -> None:
    assert client_of(found, proxies) == client


def test_of_two_headers_the_proxy_wrote_the_last() -> None:
    found = scope(via="192.0.2.1")
    found["headers"].append((b"x-forwarded-for", b"198.51.100.1"))
    assert client_of(found, 1) == "198.51.100.1"


def test_only_so_many_clients_are_remembered() -> None:
    async def ok(_: Any) -> PlainTextResponse:
        return PlainTextResponse("ok")

    limit = RateLimit(Starlette(routes=[Route(ANALYSE, ok, methods=["POST"])]), 1, proxies=1, most_clients=3)
    asking = TestClient(limit)
    for n in range(20):
        assert asking.post(ANALYSE, headers={"x-forwarded-for": f"198.51.100.{n}"}).status_code == 200
    assert len(limit.limiter.storage.events) <= 3
    assert asking.post(ANALYSE, headers={"x-forwarded-for": "198.51.100.19"}).status_code == 429


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_limited_only_where_it_is_asked_for(address: str) -> None:
    async def statuses(limit: RateLimit, found: dict[str, Any]) -> list[int]:
        seen: list[int] = []

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                seen.append(message["status"])

        for _ in range(3):
            await limit(found, None, send)  # type: ignore[arg-type]
        return seen

    async def ok(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    here, away = scope(address=address), scope(address="203.0.113.7")
    assert asyncio.run(statuses(RateLimit(ok, 1, local=False), here)) == [200, 200, 200]
    assert asyncio.run(statuses(RateLimit(ok, 1, local=False), away)) == [200, 429, 429]
    assert asyncio.run(statuses(RateLimit(ok, 1), here)) == [200, 429, 429]
    claimed = scope(address=address, via="127.0.0.1")  # anybody can write that
    assert asyncio.run(statuses(RateLimit(ok, 1, proxies=1, local=False), claimed)) == [200, 429, 429]


def test_every_costly_route_is_counted(settings_routes: set[tuple[str, str]]) -> None:
    uncounted = {path for method, path in settings_routes if kind_of(scope(path, method)) is None}
    assert {path for path in uncounted if path.startswith("/api/v1/")} == {
        path for method, path in settings_routes if path.startswith("/api/v1/") and method == "GET"
    }


@pytest.fixture
def settings_routes() -> set[tuple[str, str]]:
    from fastapi.routing import APIRoute

    from fakenews.api import analysis, shares

    routes = [r for router in (analysis.router, shares.router) for r in router.routes if isinstance(r, APIRoute)]
    return {(method, route.path.replace("{id}", "abc")) for route in routes for method in route.methods or ()}


def test_other_traffic_passes() -> None:
    async def lifespan() -> list[str]:
        seen = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            seen.append(scope["type"])

        await RateLimit(app, 1)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
        return seen

    assert asyncio.run(lifespan()) == ["lifespan"]
