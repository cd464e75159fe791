"""The web server: the JSON API and the health check, the page mounted beside them, and limits around all of it.

What the API takes and gives is what the commands take and give. Bad input is answered with `{"error": "one sentence"}`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import threading
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fakenews import __version__
from fakenews.config import Settings
from fakenews.explain.base import Cancelled
from fakenews.explain.flip import without
from fakenews.schema import Span, Target
from fakenews.services import InputError, Services

if TYPE_CHECKING:
    import gradio as gr

logger = logging.getLogger(__name__)

MAX_BODY = 200_000  # bytes
MAX_UPLOAD = 5_000_000  # bytes, of a table to be scored
UPLOADS = "/gradio_api/upload"
EXPLANATIONS_AT_ONCE = 2
WAIT_SECONDS = 20.0  # for a free place among them
GONE = 499  # nginx's status for a client that left; nobody reads it

# Inline script and eval are what Gradio and plotly need; nothing may be fetched from, or sent to, another host.
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; "
        "frame-ancestors 'self' https://huggingface.co"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}

_SURROGATE = re.compile("[\ud800-\udfff]")

Body = TypeVar("Body", bound=BaseModel)
Endpoint = Callable[[Request], Awaitable[Mapping[str, Any] | Response]]
Progress = Callable[[float], None]


class AnalyseRequest(BaseModel):
    """Body of `POST /api/v1/analyse`; without `models` the default ones are asked, with `formatting` also edited."""

    model_config = ConfigDict(strict=True, extra="forbid")

    title: str = ""
    text: str
    models: list[str] | None = Field(default=None, min_length=1)
    formatting: bool = False


class ExplainRequest(BaseModel):
    """Body of `POST /api/v1/explain`; without `samples` the method's own number.

    With `grade` the answer also says whether the explanation holds. With `stream` it is one line of JSON for each
    refinement: `share` of the work done, `seconds_left`, and the `explanation` so far, the grade with the last.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    title: str = ""
    text: str
    model: str
    method: str
    samples: int | None = None
    seed: int = 42
    target: Target = "fake"
    grade: bool = False
    stream: bool = False


class WhatIfRequest(BaseModel):
    """Body of `POST /api/v1/what-if`: a text, and how it is edited.

    Either `edited`, the whole text as it would be, or `remove`, stretches of characters of title, empty line and text.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    title: str = ""
    text: str
    edited: str | None = None
    remove: list[list[int]] = Field(default_factory=list, max_length=10_000)
    models: list[str] | None = Field(default=None, min_length=1)


class FlipRequest(BaseModel):
    """Body of `POST /api/v1/flip`."""

    model_config = ConfigDict(strict=True, extra="forbid")

    title: str = ""
    text: str
    model: str


class CompareRequest(BaseModel):
    """Body of `POST /api/v1/compare`: models and methods whose explanations are put side by side."""

    model_config = ConfigDict(strict=True, extra="forbid")

    title: str = ""
    text: str
    models: list[str] = Field(min_length=1)
    methods: list[str] | None = Field(default=None, min_length=1)


class Refusal(Exception):
    """An answer other than 200: its status and the sentence that says why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(slots=True)
class Readiness:
    """Whether the default models are loaded."""

    status: Literal["starting", "ok", "failed"] = "starting"

    def warm_up(self, services: Services) -> None:
        """Load the models; a failure is logged and shown by the health check, and the page still opens."""
        try:
            services.warm_up()
            self.status = "ok"
        except Exception:
            logger.exception("The models could not be loaded.")
            self.status = "failed"


class Guard:
    """Pure ASGI middleware: refuses bodies that are too long, however they are sent, and sets security headers.

    Parameters
    ----------
    max_body, max_upload : int
        Bytes; of any body, and of what is sent to `UPLOADS`.
    """

    def __init__(self, app: ASGIApp, max_body: int = MAX_BODY, max_upload: int = MAX_UPLOAD) -> None:
        self.app = app
        self.max_body = max_body
        self.max_upload = max_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the body is held here, so that a refusal can still be the whole answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            body = await self._read(scope, receive)
        except Refusal as refusal:
            await _refused(refusal)(scope, receive, guarded)
        except ClientDisconnect:
            return
        else:
            await self.app(scope, _replay(body, receive), guarded)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        upload = scope["path"] == UPLOADS
        most = self.max_upload if upload else self.max_body
        what = "a table" if upload else "one article"
        refusal = Refusal(413, f"This is more than {most // 1000:,} kB: send {what}, at most that long.")
        announced = dict(scope["headers"]).get(b"content-length", b"")
        if announced.isdigit() and int(announced) > most:
            raise refusal
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > most:
                raise refusal
        return bytes(body)


def create_app(
    services: Services,
    settings: Settings,
    *,
    blocks: gr.Blocks | None = None,
    page: Mapping[str, Any] | None = None,
) -> FastAPI:
    """Build the server; the models are loaded in the background once it starts.

    Parameters
    ----------
    services : Services
        What the API asks, and the page.
    settings : Settings
        Host and port, as the page is told them.
    blocks : Blocks, optional
        The page; `ui.app.build_app(services)` if left out.
    page : mapping, optional
        Theme, style sheet and the like for `gradio.mount_gradio_app`; `ui.app.PAGE` if left out.
    """
    stay_offline()
    import gradio as gr

    if blocks is None or page is None:
        from fakenews.ui.app import PAGE, build_app

        blocks = build_app(services) if blocks is None else blocks
        page = PAGE if page is None else page
    readiness = Readiness()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        threading.Thread(target=readiness.warm_up, args=(services,), name="warm-up", daemon=True).start()
        yield

    app = FastAPI(
        routes=_routes(services, readiness), lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None
    )
    gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        server_name=settings.host,
        server_port=settings.port,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        ssr_mode=False,
        mcp_server=False,
        max_file_size=MAX_UPLOAD,
        app_kwargs={"openapi_url": None, "docs_url": None, "redoc_url": None},
        **page,
    )
    app.add_middleware(Guard)
    return app


def serve(settings: Settings) -> None:
    """Serve page and API until interrupted; no line is logged per request, so no article text can be."""
    import uvicorn

    app = create_app(Services(settings), settings)
    uvicorn.run(app, host=settings.host, port=settings.port, access_log=False, server_header=False)


def stay_offline() -> None:
    """Keep gradio and transformers from calling home, unless the environment says otherwise; before their import."""
    for name, value in (
        ("GRADIO_ANALYTICS_ENABLED", "False"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        ("HF_HUB_OFFLINE", "1"),
    ):
        os.environ.setdefault(name, value)


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
        where = f"«{str(first['loc'][0])[:40]}»" if first["loc"] else "the body"
        raise Refusal(422, f"Bad request at {where}, {first['msg']}: it takes {_fields(kind)}.") from None


def _routes(services: Services, readiness: Readiness) -> list[BaseRoute]:
    places = asyncio.Semaphore(EXPLANATIONS_AT_ONCE)

    async def health(_: Request) -> Mapping[str, Any]:
        return {"status": readiness.status, "models": list(services.models), "version": __version__}

    async def analyse(request: Request) -> Mapping[str, Any]:
        asked = parse(AnalyseRequest, await request.body())
        models = None if asked.models is None else _here(services, asked.models)

        def work() -> Mapping[str, Any]:
            text = services.check(asked.title, asked.text)
            analysis = services.analyse(text, models)
            if asked.formatting:
                analysis = analysis.tested(services.formatting_test(text, models))
            return analysis.to_dict()

        return await run_in_threadpool(work)

    async def explain(request: Request) -> Mapping[str, Any] | Response:
        asked = parse(ExplainRequest, await request.body())
        (model,) = _here(services, [asked.model])
        text = services.check(asked.title, asked.text)

        def steps(progress: Callable[[float], None]) -> Iterator[Mapping[str, Any]]:
            for step in services.refine(text, model, asked.method, asked.samples, asked.seed, asked.target, progress):
                explanation = step.explanation
                if step.share >= 1.0 and asked.grade:
                    if asked.stream:
                        yield {"share": 1.0, "seconds_left": None, "explanation": explanation.to_dict()}
                    explanation = services.grade(explanation, model, progress)
                yield {
                    "share": step.share,
                    "seconds_left": round(step.seconds_left, 3),
                    "explanation": explanation.to_dict(),
                }

        if asked.stream:
            return await _streamed(places, steps)

        def work(progress: Callable[[float], None]) -> Mapping[str, Any]:
            *_, last = steps(progress)
            found: Mapping[str, Any] = last["explanation"]
            return found

        return await _in_turn(places, request, work)

    async def what_if(request: Request) -> Mapping[str, Any]:
        asked = parse(WhatIfRequest, await request.body())
        models = None if asked.models is None else _here(services, asked.models)

        def work() -> Mapping[str, Any]:
            text = services.check(asked.title, asked.text)
            edited = without(text, _spans(asked.remove, text)) if asked.edited is None else asked.edited
            return services.what_if(text, edited, models).to_dict()

        return await run_in_threadpool(work)

    async def flip(request: Request) -> Mapping[str, Any]:
        asked = parse(FlipRequest, await request.body())
        (model,) = _here(services, [asked.model])
        text = services.check(asked.title, asked.text)
        return await _in_turn(
            places, request, lambda progress: services.smallest_flip(text, model, progress).to_dict(text)
        )

    async def compare(request: Request) -> Mapping[str, Any]:
        asked = parse(CompareRequest, await request.body())
        models = _here(services, asked.models)
        text = services.check(asked.title, asked.text)
        return await _in_turn(
            places, request, lambda progress: services.agreement(text, models, asked.methods, progress).to_dict(text)
        )

    async def nothing(_: Request) -> Mapping[str, Any]:
        raise Refusal(404, "There is nothing here: POST to /api/v1/analyse, explain, compare, what-if or flip.")

    every_method = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    return [
        Route("/healthz", _answering(health), methods=["GET"]),
        Route("/api/v1/analyse", _answering(analyse), methods=["POST"]),
        Route("/api/v1/explain", _answering(explain), methods=["POST"]),
        Route("/api/v1/what-if", _answering(what_if), methods=["POST"]),
        Route("/api/v1/flip", _answering(flip), methods=["POST"]),
        Route("/api/v1/compare", _answering(compare), methods=["POST"]),
        Route("/api/{rest:path}", _answering(nothing), methods=every_method),
        Route("/gradio_api/openapi.json", _answering(nothing), methods=["GET"]),  # Gradio would publish the page's
    ]


def _answering(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint with every outcome as a JSON response."""

    async def answer(request: Request) -> Response:
        try:
            found = await endpoint(request)
            return found if isinstance(found, Response) else _json(found)
        except Refusal as refusal:
            return _refused(refusal)
        except InputError as error:
            return _json({"error": str(error)}, 400)
        except (Cancelled, ClientDisconnect):
            return Response(status_code=GONE)
        except Exception as error:
            # Where it happened, but not the message: that could quote the article.
            frames = "".join(traceback.format_tb(error.__traceback__))
            logger.error("%s failed: %s\n%s", request.url.path, type(error).__name__, frames)
            return _json({"error": "Something went wrong on our side; the text was not kept."}, 500)

    return answer


async def _place(places: asyncio.Semaphore) -> None:
    """Wait for a free place among the explanations under way.

    Raises
    ------
    Refusal
        503 if none came free in time.
    """
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await places.acquire()
    except TimeoutError:
        raise Refusal(503, "Too many explanations are being computed: try again in a minute.") from None


async def _in_turn(
    places: asyncio.Semaphore, request: Request, work: Callable[[Progress], Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Run `work` in a thread once there is a place, and stop it, at its next report, when the client leaves."""
    await _place(places)
    try:
        return await _unless_gone(request, work)
    finally:
        places.release()


async def _streamed(places: asyncio.Semaphore, steps: Callable[[Progress], Iterator[Mapping[str, Any]]]) -> Response:
    """One line of JSON for each step; whoever stops reading stops the work, at its next report."""
    await _place(places)
    gone = threading.Event()

    def progress(_: float) -> None:
        if gone.is_set():
            raise Cancelled

    found = steps(progress)
    try:
        first = await run_in_threadpool(next, found)  # what is wrong with the request is heard here
    except BaseException:
        places.release()
        raise

    async def lines() -> AsyncIterator[str]:
        try:
            yield json.dumps(first, allow_nan=False) + "\n"
            async for step in iterate_in_threadpool(found):
                yield json.dumps(step, allow_nan=False) + "\n"
        except Cancelled:
            return
        finally:
            gone.set()
            places.release()

    return StreamingResponse(lines(), media_type="application/x-ndjson")


async def _unless_gone(request: Request, work: Callable[[Progress], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Run `work` in a thread and stop it, at its next progress report, when the client leaves."""
    gone = threading.Event()

    def progress(_: float) -> None:
        if gone.is_set():
            raise Cancelled

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone.set()

    watcher = asyncio.create_task(watch())
    try:
        return await run_in_threadpool(work, progress)
    finally:
        watcher.cancel()


def _spans(pairs: Sequence[Sequence[int]], text: str) -> list[Span]:
    """Stretches of `text` from pairs of characters.

    Raises
    ------
    InputError
        If one is not [start, end] within the text.
    """
    for pair in pairs:
        if len(pair) != 2 or not 0 <= pair[0] < pair[1] <= len(text):
            raise InputError(f"Got the stretch {list(pair)[:4]}: each is [start, end] within 0 to {len(text)}.")
    return [Span(start, end) for start, end in pairs]


def _here(services: Services, models: Sequence[str]) -> tuple[str, ...]:
    """The models without repeats; only names of models that are here, since a folder would be one of the server's."""
    for model in models:
        if model not in services.models:
            raise InputError(f"Unknown model {model[:40]!r}. Here: {', '.join(services.models) or 'none'}.")
    return tuple(dict.fromkeys(models))


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again


def _refused(refusal: Refusal) -> Response:
    return _json({"error": str(refusal)}, refusal.status)


def _json(content: Mapping[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(content, allow_nan=False), status, media_type="application/json")


def _fields(kind: type[BaseModel]) -> str:
    return ", ".join(kind.model_fields)
