"""The web server: the JSON API and the health check, the page mounted beside them, and limits around all of it."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fakenews import __version__
from fakenews.api import analysis, documents, preview, shares
from fakenews.api.answers import Refusal, answering, refused
from fakenews.config import Settings
from fakenews.services import Services
from fakenews.share.store import ShareStore, StorageError

if TYPE_CHECKING:
    import gradio as gr

logger = logging.getLogger(__name__)

MAX_BODY = 200_000  # bytes
MAX_UPLOAD = 5_000_000  # bytes, of a table to be scored
UPLOADS = "/gradio_api/upload"
EXPLANATIONS_AT_ONCE = 2
GRACE_SECONDS = 8  # for answers under way when the server is told to end; open pages would hold it for ever

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


@dataclass(slots=True)
class Readiness:
    """Whether the default models are loaded."""

    status: Literal["starting", "ok", "failed"] = "starting"

    def warm_up(self, services: Services, store: ShareStore) -> None:
        """Load the models; a failure is logged and shown by the health check, and the page still opens.

        What a bucket holds is taken into the index too, so that no reader of a link waits for it.
        """
        try:
            services.warm_up()
            self.status = "ok"
        except Exception:
            logger.exception("The models could not be loaded.")
            self.status = "failed"
        if store.bucket is not None:
            try:
                store.open()
            except StorageError as error:
                logger.error("%s", error)


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
            await refused(refusal)(scope, receive, guarded)
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
    store: ShareStore | None = None,
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
        Host and port, as the page is told them, and what is switched on.
    store : ShareStore, optional
        Where shared analyses are kept; the one the settings name if left out.
    blocks : Blocks, optional
        The page; `ui.app.build_app(services, store)` if left out.
    page : mapping, optional
        Theme, style sheet and the like for `gradio.mount_gradio_app`; `ui.app.PAGE` if left out.
    """
    stay_offline()
    import gradio as gr

    store = store or ShareStore.of(settings)
    if blocks is None or page is None:
        from fakenews.ui.app import PAGE, build_app

        blocks = build_app(services, store) if blocks is None else blocks
        page = PAGE if page is None else page
    readiness = Readiness()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        threading.Thread(target=readiness.warm_up, args=(services, store), name="warm-up", daemon=True).start()
        yield

    app = FastAPI(
        routes=_routes(services, store, settings, readiness),
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
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
        mcp_server=settings.mcp,
        max_file_size=MAX_UPLOAD,
        app_kwargs={"openapi_url": None, "docs_url": None, "redoc_url": None},
        **page,
    )
    app.add_middleware(preview.SharedPage, store=store, public_url=settings.public_url)
    app.add_middleware(Guard)
    return app


def serve(settings: Settings) -> None:
    """Serve page and API until interrupted; no line is logged per request, so no article text can be."""
    import uvicorn

    if settings.mcp and importlib.util.find_spec("mcp") is None:
        raise ValueError("FAKENEWS_MCP needs a package that is not here: pip install mcp==1.30.0.")
    app = create_app(Services(settings), settings)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def stay_offline() -> None:
    """Keep gradio and transformers from calling home, unless the environment says otherwise; before their import."""
    for name, value in (
        ("GRADIO_ANALYTICS_ENABLED", "False"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        ("HF_HUB_OFFLINE", "1"),
    ):
        os.environ.setdefault(name, value)


def _routes(services: Services, store: ShareStore, settings: Settings, readiness: Readiness) -> list[BaseRoute]:
    places = asyncio.Semaphore(EXPLANATIONS_AT_ONCE)

    async def health(_: Request) -> Mapping[str, Any]:
        return {"status": readiness.status, "models": list(services.models), "version": __version__}

    async def nothing(_: Request) -> Mapping[str, Any]:
        raise Refusal(404, "There is nothing here: POST to /api/v1/analyse, explain, compare, what-if, flip or shares.")

    operations = [
        *analysis.operations(services, places),
        *shares.operations(services, store, settings, places),
    ]

    async def described(_: Request) -> Mapping[str, Any]:
        return documents.openapi(operations)

    every_method = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    return [
        Route("/healthz", answering(health), methods=["GET"]),
        *(operation.route() for operation in operations),
        *([Route("/api/v1/openapi.json", answering(described), methods=["GET"])] if settings.api_docs else []),
        Route("/card/{id}.png", answering(preview.card_of(store)), methods=["GET"]),
        Route("/api/{rest:path}", answering(nothing), methods=every_method),
        Route("/gradio_api/openapi.json", answering(nothing), methods=["GET"]),  # Gradio would publish the page's
    ]


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again
