"""The web server: the JSON API and the health check, the page mounted beside them, and limits around all of it."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fakenews import __version__
from fakenews.api import analysis, documents, preview, shares
from fakenews.api.answers import BUSY_SECONDS, Endpoint, answering, as_json
from fakenews.api.places import Places
from fakenews.api.refusal import Refusal
from fakenews.config import Settings
from fakenews.data.unpacked import MAX_UPLOAD
from fakenews.services import Services
from fakenews.serving import memory
from fakenews.serving.guard import Guard, longest_body
from fakenews.serving.numbers import Counted, Numbers, log_as, log_page_errors
from fakenews.serving.rates import RateLimit
from fakenews.share.store import ShareStore
from fakenews.zero import ZeroServices, lent_here

if TYPE_CHECKING:
    import gradio as gr

logger = logging.getLogger(__name__)

EXPLANATIONS_AT_ONCE, EXPLANATIONS_WAITING = 2, 8
VERDICTS_AT_ONCE, VERDICTS_WAITING = 32, 64
CLICKS_WAITING = 64  # of one kind, on the page
SESSIONS = 300  # whose state the page keeps; Gradio's own default is ten thousand
PURGE_SECONDS = 3600  # between two looks for shared analyses that have expired
GRACE_SECONDS = 8  # for answers under way when the server is told to end; open pages would hold it for ever


@dataclass(slots=True)
class Readiness:
    """Whether the default models are loaded, and whether the server is about to end."""

    status: Literal["starting", "ok", "failed"] = "starting"
    draining: bool = False

    @property
    def ready(self) -> bool:
        """Whether visitors should be sent here."""
        return self.status == "ok" and not self.draining

    def warm_up(self, services: Services, store: ShareStore) -> None:
        """Load the models; a failure is logged and shown by the health check, and the page still opens.

        What a bucket holds is taken into the index too, so that no reader of a link waits for it.
        """
        status: Literal["ok", "failed"] = "ok"
        try:
            services.warm_up()
        except Exception as error:
            logger.exception("The models could not be loaded: %s", error)  # no visitor's text is near it yet
            status = "failed"
        memory.settle()
        memory.give_back()
        self.status = status
        if store.bucket is not None:
            try:
                store.open()
            except Exception as error:  # its message could quote a review
                logger.error("The storage for shared analyses cannot be used: %s.", type(error).__name__)


def create_app(
    services: Services,
    settings: Settings,
    store: ShareStore | None = None,
    *,
    blocks: gr.Blocks | None = None,
    page: Mapping[str, Any] | None = None,
    readiness: Readiness | None = None,
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
    readiness : Readiness, optional
        What /healthz and /readyz tell; one of its own if left out.
    """
    stay_offline()
    store = store or ShareStore.of(settings)
    if blocks is None or page is None:
        from fakenews.ui.app import PAGE, build_app

        blocks = build_app(services, store) if blocks is None else blocks
        page = PAGE if page is None else page
    readiness = readiness or Readiness()
    log_page_errors()
    numbers = Numbers()
    services.answer_together(numbers.batch_size.observe)
    numbers.watch("fakenews_articles_queued", "Articles that wait for the models, the page's too.", services.waiting)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        threading.Thread(target=readiness.warm_up, args=(services, store), name="warm-up", daemon=True).start()
        tidying = asyncio.create_task(_tidy(blocks, store))
        yield
        tidying.cancel()

    app = FastAPI(
        routes=_routes(services, store, settings, readiness, numbers),
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    _mount(app, blocks, settings, page)
    app.add_middleware(preview.SharedPage, store=store, public_url=settings.public_url)
    app.add_middleware(
        RateLimit,
        verdicts_per_minute=settings.verdicts_per_minute,
        proxies=settings.proxies,
        local=settings.limit_local,
    )
    app.add_middleware(Guard, max_body=longest_body(settings.max_chars))
    app.add_middleware(Counted, numbers=numbers)
    return app


def _mount(app: FastAPI, blocks: gr.Blocks, settings: Settings, page: Mapping[str, Any]) -> None:
    """Put the page, and the MCP server where it is switched on, under the server's root."""
    import gradio as gr

    blocks.state_session_capacity = SESSIONS
    blocks.queue(max_size=CLICKS_WAITING)
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
    if blocks.mcp_server_obj is not None:
        from fakenews.ui.endpoints import answer_in_json

        answer_in_json(blocks.mcp_server_obj)


async def _tidy(blocks: gr.Blocks, store: ShareStore) -> None:
    """While the server runs, memory that answers have left behind goes back to the machine; what has expired goes."""
    from fakenews.ui.endpoints import Page

    purged = time.monotonic()
    while True:
        await asyncio.sleep(memory.EVERY_SECONDS)
        await asyncio.to_thread(memory.give_back)
        if isinstance(blocks, Page):
            await asyncio.to_thread(blocks.tidy)
        if time.monotonic() - purged >= PURGE_SECONDS:
            purged = time.monotonic()
            await asyncio.to_thread(_purge, store)


def _purge(store: ShareStore) -> None:
    try:
        store.purge()
    except Exception as error:  # its message could quote a review
        logger.error("Shared analyses that have expired cannot be deleted: %s.", type(error).__name__)


def serve(settings: Settings) -> None:
    """Serve page and API until interrupted or told to end; what is under way then is still answered.

    Logs never hold a text, a link or an address; with `settings.log` "json" there is one line for each request.
    """
    import uvicorn

    from fakenews.serving.protocol import Patience

    if settings.mcp and importlib.util.find_spec("mcp") is None:
        raise ValueError("FAKENEWS_MCP needs a package that is not here: pip install mcp==1.30.0.")
    log_as(settings.log)
    memory.put_off_collection()
    memory.share_heaps()
    services = ZeroServices(settings) if lent_here() else Services(settings)
    readiness = Readiness()

    class Draining(uvicorn.Server):
        def handle_exit(self, sig: int, frame: Any) -> None:
            readiness.draining = True
            super().handle_exit(sig, frame)

    config = uvicorn.Config(
        create_app(services, settings, readiness=readiness),
        host=settings.host,
        port=settings.port,
        http=Patience,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # uvicorn would believe whoever asks from this machine; `RateLimit` knows whom to
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    for told in (signal.SIGTERM, signal.SIGINT):  # uvicorn hands it on when all is answered
        signal.signal(told, lambda *_: sys.exit(0))
    Draining(config).run()


def stay_offline() -> None:
    """Keep gradio and transformers from calling home, unless the environment says otherwise; before their import."""
    for name, value in (
        ("GRADIO_ANALYTICS_ENABLED", "False"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        ("HF_HUB_OFFLINE", "1"),
    ):
        os.environ.setdefault(name, value)


def _routes(
    services: Services, store: ShareStore, settings: Settings, readiness: Readiness, numbers: Numbers
) -> list[BaseRoute]:
    places = Places(EXPLANATIONS_AT_ONCE, EXPLANATIONS_WAITING, "Too many explanations are being computed")
    verdicts = Places(VERDICTS_AT_ONCE, VERDICTS_WAITING, "Too many articles are being read", BUSY_SECONDS)
    numbers.watch("fakenews_verdicts_under_way", "Articles being read for the API.", lambda: verdicts.taken)
    numbers.watch("fakenews_verdicts_waiting", "Articles that wait for a place.", lambda: verdicts.waiting)
    numbers.watch("fakenews_explanations_under_way", "Being computed for the API.", lambda: places.taken)
    numbers.watch("fakenews_explanations_waiting", "Waiting for a place.", lambda: places.waiting)

    async def health(_: Request) -> Mapping[str, Any]:
        models = [model for model in services.models if model not in services.damaged]
        return {"status": readiness.status, "models": models, "version": __version__}

    async def ready(_: Request) -> Response:
        status = "draining" if readiness.draining else readiness.status
        return as_json({"ready": readiness.ready, "status": status}, 200 if readiness.ready else 503)

    async def metrics(_: Request) -> Response:
        return Response(numbers.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def read_only(_: Request) -> Response:
        answer = as_json({"error": "This is only read: ask with GET."}, 405)
        answer.headers["allow"] = "GET, HEAD"
        return answer

    async def nothing(_: Request) -> Mapping[str, Any]:
        here = "analyse, explain, compare, what-if, flip, extract, export or shares"
        raise Refusal(404, f"There is nothing here: POST to /api/v1/{here}.")

    operations = [
        *analysis.operations(services, places, verdicts),
        *shares.operations(services, store, settings, places),
    ]

    async def described(_: Request) -> Mapping[str, Any]:
        return documents.openapi(operations)

    every_method = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    read: dict[str, Endpoint] = {"/healthz": health, "/readyz": ready}
    if settings.metrics:
        read["/metrics"] = metrics
    return [
        *(Route(path, answering(endpoint), methods=["GET"]) for path, endpoint in read.items()),
        *(Route(path, answering(read_only), methods=every_method) for path in read),
        *(operation.route() for operation in operations),
        *([Route("/api/v1/openapi.json", answering(described), methods=["GET"])] if settings.api_docs else []),
        Route("/card/{id}.png", answering(preview.card_of(store)), methods=["GET"]),
        Route("/api/{rest:path}", answering(nothing), methods=every_method),
        Route("/gradio_api/openapi.json", answering(nothing), methods=["GET"]),  # Gradio would publish the page's
    ]
