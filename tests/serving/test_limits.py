"""Clients that send slowly, or nothing; memory that goes back."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from fakenews.serving import memory, protocol
from fakenews.serving.guard import Guard


async def answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def listening() -> AsyncIterator[int]:
    """Port of a server with our protocol."""
    server = uvicorn.Server(
        uvicorn.Config(answer, port=0, http=protocol.HeaderTimeout, lifespan="off", log_level="critical")
    )
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


def scene(play: Callable[[int], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with listening() as port:
            return await asyncio.wait_for(play(port), 10)

    return asyncio.run(run())


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEADER_SECONDS", 0.3)


async def send_slowly(port: int, pieces: list[bytes], pause: float) -> tuple[bytes, float]:
    """Return what comes back until the server closes, and after how many seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    started = time.monotonic()
    try:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(pause)
            if reader.at_eof():
                break
        return await reader.read(), time.monotonic() - started
    except ConnectionError:
        return b"", time.monotonic() - started
    finally:
        writer.close()


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    "pieces",
    [[], [b"GET / HTTP/1.1\r\n"], [b"GET / HTTP/1.1\r\nHost: x\r\n", *[b"X-A: 1\r\n"] * 50]],
    ids=["silence", "half a request", "one header at a time"],
)
def test_a_connection_without_a_whole_request_is_closed(pieces: list[bytes]) -> None:
    received, seconds = scene(lambda port: send_slowly(port, pieces, 0.05))
    assert received == b""
    assert 0.2 < seconds < 2


@pytest.mark.usefixtures("hurried")
def test_a_connection_that_asks_again_and_again_stays_open() -> None:
    async def play(port: int) -> list[bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answers = []
        for _ in range(4):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            answers.append(head.split(b"\r\n")[0] + await reader.readexactly(2))
            await asyncio.sleep(0.2)  # longer in all than a request may take to arrive
        writer.close()
        return answers

    assert scene(play) == [b"HTTP/1.1 200 OKok"] * 4


def test_a_body_that_does_not_come_is_answered_and_the_connection_given_up() -> None:
    async def play() -> list[Any]:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(0.05)
            return {"type": "http.request", "body": b"a", "more_body": True}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/api/v1/analyse", "headers": []}
        await Guard(answer, body_seconds=0.2)(scope, receive, send)
        return sent

    start, body = asyncio.run(play())
    assert start["status"] == 408
    assert (b"connection", b"close") in start["headers"]
    assert b'"error"' in body["body"]


def test_garbage_waits_for_the_end_of_the_start() -> None:
    assert gc.isenabled()
    kept = gc.get_freeze_count()
    memory.settle()  # of a server that never put it off
    assert gc.get_freeze_count() == kept
    memory.put_off_collection()
    try:
        assert not gc.isenabled()
        memory.settle()
        assert gc.isenabled() and gc.get_freeze_count() > kept
    finally:
        gc.enable()
        gc.unfreeze()


def test_memory_goes_back_where_the_c_library_can(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(memory, "_of_the_c_library", lambda function: calls.append)
    assert memory.give_back() and calls == [0]
    monkeypatch.setattr(memory, "_of_the_c_library", lambda function: None)  # musl's cannot
    assert not memory.give_back() and not memory.share_heaps()
