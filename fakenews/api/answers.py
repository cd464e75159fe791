"""What every endpoint shares: its lane of the scheduler, stopping when the client leaves, streaming, no caching."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, Any, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.routing import APIRoute
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.types import Receive, Scope, Send

from fakenews.api.errors import OneSentenceRoute
from fakenews.api.schemas import Error
from fakenews.engine import Engine
from fakenews.engine.scheduler import Lane, Scheduler
from fakenews.engine.tokens import Token
from fakenews.explain.base import Cancelled, Progress
from fakenews.review_sets.preparing import Preparer
from fakenews.share.store import ShareStore

STORED_AT_ONCE = 15  # as many connections as the storage has
LINES = "application/x-ndjson"

_STORAGE = CapacityLimiter(STORED_AT_ONCE)

Result = TypeVar("Result")


class UncachedJSON(JSONResponse):
    """JSON that nobody keeps on the way."""

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Say so in the headers."""
        super().init_headers({"cache-control": "no-store", **(headers or {})})


def api_router() -> APIRouter:
    """Return a router of the API: every error one sentence, no answer cached."""
    error: dict[str, Any] = {"model": Error, "description": "One sentence that says what is wrong."}
    return APIRouter(
        prefix="/api/v1",
        route_class=OneSentenceRoute,
        default_response_class=UncachedJSON,
        responses={"default": error, 422: error},
        generate_unique_id_function=_operation_id,
    )


async def _engine(request: Request) -> Any:
    return request.app.state.engine


async def _store(request: Request) -> Any:
    return request.app.state.store


async def _preparer(request: Request) -> Any:
    return request.app.state.preparer


CurrentEngine = Annotated[Engine, Depends(_engine)]  # what `server.add_api` gave the app
CurrentPreparer = Annotated[Preparer, Depends(_preparer)]
CurrentStore = Annotated[ShareStore, Depends(_store)]


def _operation_id(route: APIRoute) -> str:
    method = min(route.methods or {""})
    return re.sub(r"\W+", "_", f"{method.lower()} {route.path_format}").strip("_")


async def stored(work: Callable[..., Result], *arguments: Any) -> Result:
    """Ask the storage in a thread of its own few: while it hangs, verdicts have theirs."""
    return await to_thread.run_sync(work, *arguments, limiter=_STORAGE)


async def in_lane(
    scheduler: Scheduler, lane: Lane, request: Request, work: Callable[[Progress, Token], Result]
) -> Result:
    """Run `work` in a thread once it has a slot; it is stopped, at its next report, when the client leaves."""
    async with _listening(request) as token, scheduler.slot_async(lane, token) as progress:
        return await run_in_threadpool(work, progress, token)


async def streamed(
    scheduler: Scheduler, request: Request, steps: Callable[[Progress], Iterator[Mapping[str, Any]]]
) -> Response:
    """Explain in one line of JSON for each step; whoever stops reading stops the work, at its next report."""
    async with AsyncExitStack() as resources:
        token = await resources.enter_async_context(_listening(request))
        progress = await resources.enter_async_context(scheduler.slot_async(Lane.EXPLANATION, token))
        answers = steps(progress)
        first = await run_in_threadpool(next, answers)  # what is wrong with the request is heard here

        async def lines() -> AsyncIterator[str]:
            try:
                yield json.dumps(first, allow_nan=False) + "\n"
                async for step in iterate_in_threadpool(answers):
                    yield json.dumps(step, allow_nan=False) + "\n"
            except Cancelled:
                return

        return _Stream(lines(), resources.pop_all())


class _Stream(StreamingResponse):
    """Lines of JSON, and what is kept until they are sent, or will not be."""

    def __init__(self, lines: AsyncIterator[str], resources: AsyncExitStack) -> None:
        super().__init__(lines, media_type=LINES)
        self._kept = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them; to a client that has left already, not even the first is."""
        async with self._kept:
            await super().__call__(scope, receive, send)


@asynccontextmanager
async def _listening(request: Request) -> AsyncIterator[Token]:
    """Yield a token that is cancelled once the client has left."""
    token = Token()

    async def listen() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        token.cancel()

    listener = asyncio.create_task(listen())
    try:
        yield token
    finally:
        listener.cancel()
