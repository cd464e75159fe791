"""What every endpoint shares: reading a request, refusing in one sentence, waiting its turn, stopping when left."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from pydantic import BaseModel, ValidationError
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fakenews.api.places import Places
from fakenews.api.refusal import Refusal
from fakenews.explain.base import Cancelled
from fakenews.services import Busy, InputError, Unusable
from fakenews.share.shared import NotShared
from fakenews.share.store import StorageError

logger = logging.getLogger(__name__)

BUSY_SECONDS = 2  # after which a verdict that was refused may be asked for again
STORED_AT_ONCE = 15  # as many connections as the storage has
LINES = "application/x-ndjson"
GONE = 499  # nginx's status for a client that left; nobody reads it

_ID = re.compile("(?<=/shares)/[^/]+|(?<=/card)/.+")
_SURROGATE = re.compile("[\ud800-\udfff]")

_STORAGE = CapacityLimiter(STORED_AT_ONCE)

Body = TypeVar("Body", bound=BaseModel)
Result = TypeVar("Result")
Endpoint = Callable[[Request], Awaitable[Mapping[str, Any] | Response]]
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing the API can be asked.

    Attributes
    ----------
    method, path : str
    summary : str
        What it gives, in a sentence.
    endpoint : callable
    answer : type
        One of `api.schemas`: what is given, as JSON.
    body : type of BaseModel, optional
        What is sent.
    also : mapping of str to type
        Other media types that can be asked for, each with the type of one line of it, or with str for a text.
    query : mapping of str to str
        Names of optional parameters behind "?", each with what it is.
    owner : bool
        Whether an owner's key has to be sent.
    """

    method: str
    path: str
    summary: str
    endpoint: Endpoint
    answer: Any
    body: type[BaseModel] | None = None
    also: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    owner: bool = False

    def route(self) -> Route:
        """The endpoint at its path, every outcome a response."""
        return Route(self.path, answering(self.endpoint), methods=[self.method])


def parse(kind: type[Body], raw: bytes) -> Body:
    """Read a request body; lone surrogates, which JSON can spell and UTF-8 cannot, become U+FFFD.

    Raises
    ------
    Refusal
        400 if the body is not JSON, 422 if it is not of this kind.
    """
    try:
        clean = _SURROGATE.sub("\ufffd", json.dumps(json.loads(raw), ensure_ascii=False))
    except (ValueError, RecursionError):
        raise Refusal(400, f"The body is not JSON: send an object with {_fields(kind)}, in UTF-8.") from None
    try:
        return kind.model_validate_json(clean)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = f'"{str(first["loc"][0])[:40]}"' if first["loc"] else "the body"
        raise Refusal(422, f"Bad request at {where}, {first['msg']}: it takes {_fields(kind)}.") from None


def answering(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint with every outcome as a JSON response."""

    async def answer(request: Request) -> Response:
        try:
            found = await endpoint(request)
            return found if isinstance(found, Response) else as_json(found)
        except Refusal as refusal:
            return refused(refusal)
        except Busy as error:
            return refused(Refusal(503, str(error), retry_after=BUSY_SECONDS))
        except Unusable as error:
            return as_json({"error": str(error)}, 503)
        except InputError as error:
            return as_json({"error": str(error)}, 400)
        except NotShared as missing:
            return as_json({"error": str(missing)}, 404)
        except StorageError as error:
            return refused(Refusal(503, str(error), retry_after=BUSY_SECONDS))
        except (Cancelled, ClientDisconnect):
            return Response(status_code=GONE)
        except Exception as error:
            # Where it happened, but neither the message, which could quote the article, nor the id of a link.
            frames = "".join(traceback.format_tb(error.__traceback__))
            path = _ID.sub("/…", request.url.path)
            logger.error("%s failed: %s\n%s", path, type(error).__name__, frames)
            return as_json({"error": "Something went wrong on our side; the text was not kept."}, 500)

    return answer


async def stored(work: Callable[..., Result], *arguments: Any) -> Result:
    """Ask the storage in a thread of its own few: while it hangs, verdicts have theirs."""
    return await to_thread.run_sync(work, *arguments, limiter=_STORAGE)


async def in_turn(places: Places, request: Request, work: Callable[[Progress], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Run `work` in a thread once there is a place, and stop it, at its next report, when the client leaves."""
    async with _listening(request) as (left, progress), places.one(left):
        return await run_in_threadpool(work, progress)


async def streamed(
    places: Places, request: Request, steps: Callable[[Progress], Iterator[Mapping[str, Any]]]
) -> Response:
    """One line of JSON for each step; whoever stops reading stops the work, at its next report."""
    async with AsyncExitStack() as kept:
        left, progress = await kept.enter_async_context(_listening(request))
        await kept.enter_async_context(places.one(left))
        found = steps(progress)
        first = await run_in_threadpool(next, found)  # what is wrong with the request is heard here

        async def lines() -> AsyncIterator[str]:
            try:
                yield json.dumps(first, allow_nan=False) + "\n"
                async for step in iterate_in_threadpool(found):
                    yield json.dumps(step, allow_nan=False) + "\n"
            except Cancelled:
                return

        return _Stream(lines(), kept.pop_all())


class _Stream(StreamingResponse):
    """Lines of JSON, and what is kept until they are sent, or will not be."""

    def __init__(self, lines: AsyncIterator[str], kept: AsyncExitStack) -> None:
        super().__init__(lines, media_type=LINES)
        self._kept = kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them; to a client that has left already, not even the first is."""
        async with self._kept:
            await super().__call__(scope, receive, send)


@asynccontextmanager
async def _listening(request: Request) -> AsyncIterator[tuple[asyncio.Task[None], Progress]]:
    """A task that is done once the client has left, and a report of progress that then stops the work."""
    gone = threading.Event()

    def progress(_: float) -> None:
        if gone.is_set():
            raise Cancelled

    async def listen() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone.set()

    left = asyncio.create_task(listen())
    try:
        yield left, progress
    finally:
        left.cancel()


def refused(refusal: Refusal, to_page: bool = False) -> Response:
    """The refusal as an answer; Gradio's page shows what it finds under "detail"."""
    said = {"error": str(refusal), **({"detail": str(refusal)} if to_page else {})}
    answer = as_json(said, refusal.status)
    answer.headers.update(refusal.headers)
    return answer


def as_json(content: Mapping[str, Any], status: int = 200) -> Response:
    """A JSON answer."""
    packed = json.dumps(content, allow_nan=False)
    return Response(packed, status, {"cache-control": "no-store"}, media_type="application/json")


def _fields(kind: type[BaseModel]) -> str:
    return ", ".join(kind.model_fields)
