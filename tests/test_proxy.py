"""The page below a path, as https://example.org/news/: in a real browser, through a proxy that cuts the path."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from fakenews.data.registry import load
from tests.running import WAIT, free_port, running

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@contextmanager
def proxy(port: int, upstream: str) -> Iterator[None]:
    """Serve `upstream` below /news/, and nothing beside it."""
    client = httpx.AsyncClient(base_url=upstream, timeout=None)

    async def forward(request: Request) -> Response:
        headers = [(k, v) for k, v in request.headers.raw if k not in (b"host", b"accept-encoding")]
        path = "/" + request.path_params["rest"] + ("?" + request.url.query if request.url.query else "")
        asked = client.build_request(request.method, path, headers=headers, content=await request.body())
        answer = await client.send(asked, stream=True)

        async def body() -> AsyncIterator[bytes]:
            async for part in answer.aiter_raw():
                yield part
            await answer.aclose()

        kept = {k: v for k, v in answer.headers.items() if k not in ("transfer-encoding", "connection")}
        return StreamingResponse(body(), answer.status_code, kept)

    app = Starlette(routes=[Route("/news/{rest:path}", forward, methods=["GET", "HEAD", "POST", "DELETE"])])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield
    server.should_exit = True
    thread.join(10)


def test_the_page_works_below_a_path(browser: Any, tmp_path: Path) -> None:
    article = load("demo")["text"].iloc[0]
    port = free_port()
    public = f"http://127.0.0.1:{port}/news"
    with running(tmp_path, FAKENEWS_PUBLIC_URL=public) as upstream, proxy(port, upstream):
        page = browser.new_page()
        lost: list[str] = []
        page.on("response", lambda answer: lost.append(answer.url) if answer.status >= 400 else None)
        page.goto(f"{public}/")
        page.wait_for_selector("#fn-analyse", timeout=WAIT)
        page.fill("#fn-body textarea", article)
        page.click("#fn-analyse")
        page.wait_for_selector("#fn-highlight mark", timeout=WAIT)
        assert page.locator("h1 a").evaluate("link => link.href") == f"{public}/"
        assert lost == []
