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
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fastapi import FastAPI

from fakenews import __version__
from fakenews.api import analysis, preview, review_sets, set_pages, shares
from fakenews.config import Settings
from fakenews.data.unpacked import MAX_UPLOAD
from fakenews.engine import Engine
from fakenews.engine.device import Device
from fakenews.engine.scheduler import Lane, Scheduler
from fakenews.engine.zero import ZeroDevice, runs_on_zero
from fakenews.review_sets.preparing import CorpusTexts, Preparer
from fakenews.review_sets.store import SetStore
from fakenews.serving import health, memory
from fakenews.serving.guard import Guard, longest_articles, longest_body
from fakenews.serving.health import Readiness
from fakenews.serving.hub_models import HubModels
from fakenews.serving.logs import log_as, log_page_errors
from fakenews.serving.metrics import Metrics, MetricsMiddleware
from fakenews.serving.packed import PackedPage
from fakenews.serving.rates import RateLimit
from fakenews.share.store import ShareStore

if TYPE_CHECKING:
    import gradio as gr

logger = logging.getLogger(__name__)

CLICKS_WAITING = 64  # of one kind, on the page
SESSIONS = 300  # whose state the page keeps; Gradio's own default is ten thousand
PURGE_SECONDS = 3600  # between two looks for shared analyses that have expired
GRACE_SECONDS = 8  # for answers under way when the server has to end; open pages would hold it for ever


def create_app(
    engine: Engine,
    settings: Settings,
    store: ShareStore | None = None,
    *,
    blocks: gr.Blocks | None = None,
    page: Mapping[str, Any] | None = None,
    readiness: Readiness | None = None,
    hub_models: HubModels | None = None,
) -> FastAPI:
    """Build the server; the models are loaded in the background once it starts.

    Parameters
    ----------
    engine : Engine
        What the API asks, and the page.
    settings : Settings
        Host and port, as the page knows them, and what is switched on.
    store : ShareStore, optional
        Where shared analyses are kept; the one the settings name if left out.
    blocks : Blocks, optional
        The page; `ui.app.build_app(engine, store, preparer)` if left out.
    page : mapping, optional
        Theme, style sheet and the like for `gradio.mount_gradio_app`; `ui.app.PAGE` if left out.
    readiness : Readiness, optional
        What /healthz and /readyz tell; one of its own if left out.
    hub_models : HubModels, optional
        Models to be brought from the Hub once those that are here are loaded.
    """
    stay_offline()
    store = store or ShareStore.of(settings)
    preparer = Preparer(engine, SetStore(store, CorpusTexts(engine)))
    if blocks is None or page is None:
        from fakenews.ui.app import PAGE, build_app

        blocks = build_app(engine, store, preparer) if blocks is None else blocks
        page = PAGE if page is None else page
    readiness = readiness or Readiness()
    log_page_errors()
    metrics = Metrics()
    if not engine.device.is_lent:
        engine.scheduler.batch_verdicts(metrics.batch_size.observe)
    _add_gauges(metrics, engine.scheduler)

    def warm_up() -> None:
        readiness.warm_up(engine, store)
        preparer.start()
        if hub_models is not None:
            hub_models.bring(engine.pool)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
        tidying = asyncio.create_task(_tidy(blocks, store))
        yield
        tidying.cancel()
        await asyncio.to_thread(preparer.stop)
        if hub_models is not None:
            hub_models.stop()

    app = FastAPI(
        title="fakenews",
        version=__version__,
        description="Version 1 of the API.",
        lifespan=lifespan,
        openapi_url="/api/v1/openapi.json" if settings.api_docs else None,
        docs_url=None,
        redoc_url=None,
    )
    add_api(app, engine, store, readiness, metrics, preparer, hub_models)
    _mount(app, blocks, settings, page)
    _surround(app, settings, store, preparer.sets, metrics)
    return app


def _surround(app: FastAPI, settings: Settings, store: ShareStore, sets: SetStore, metrics: Metrics) -> None:
    """Put what a request passes before it is answered around the server, from the inside out."""
    app.add_middleware(preview.SharedPage, store=store, public_url=settings.public_url)
    app.add_middleware(set_pages.SetPage, sets=sets, public_url=settings.public_url)
    app.add_middleware(PackedPage, compresslevel=6)
    app.add_middleware(
        RateLimit,
        verdicts_per_minute=settings.verdicts_per_minute,
        proxies=settings.proxies,
        local=settings.limit_local,
    )
    app.add_middleware(
        Guard, max_body=longest_body(settings.max_chars), max_articles=longest_articles(settings.max_chars)
    )
    app.add_middleware(MetricsMiddleware, metrics=metrics)


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
        root_path=urlsplit(settings.public_url).path or None,  # a proxy may serve all of it below a path
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


def add_api(
    app: FastAPI,
    engine: Engine,
    store: ShareStore,
    readiness: Readiness,
    metrics: Metrics,
    preparer: Preparer | None = None,
    hub_models: HubModels | None = None,
) -> None:
    """Add everything but the page."""
    app.state.engine, app.state.store = engine, store
    app.state.preparer = preparer or Preparer(engine, SetStore(store, CorpusTexts(engine)))
    app.include_router(health.router(engine, readiness, metrics if engine.settings.metrics else None, hub_models))
    drawn = (preview.router, set_pages.router)
    for router in (analysis.router, shares.router, review_sets.router, *drawn, health.nothing_else()):
        app.include_router(router)


def _add_gauges(metrics: Metrics, scheduler: Scheduler) -> None:
    metrics.add_gauge("fakenews_articles_queued", "Articles that wait for the models.", scheduler.queued)
    for lane, name in ((Lane.VERDICT, "verdicts"), (Lane.EXPLANATION, "explanations")):
        metrics.add_gauge(f"fakenews_{name}_under_way", "Being computed.", partial(scheduler.running, lane))
        metrics.add_gauge(f"fakenews_{name}_waiting", "Waiting for a place.", partial(scheduler.waiting, lane))


async def _tidy(blocks: gr.Blocks, store: ShareStore) -> None:
    """Trim memory that answers have left behind and delete what has expired, while the server runs."""
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
    """Serve page and API until interrupted or asked to end; what is under way then is still answered.

    Logs never hold a text, a link or an address; with `settings.log` "json" there is one line for each request.
    """
    import uvicorn

    from fakenews.serving.protocol import HeaderTimeout

    if settings.mcp and importlib.util.find_spec("mcp") is None:
        raise ValueError("FAKENEWS_MCP needs a package that is not here: pip install mcp==1.30.0.")
    log_as(settings.log)
    memory.put_off_collection()
    memory.share_heaps()
    engine = Engine.open(settings, ZeroDevice() if runs_on_zero() else Device())
    readiness, hub_models = Readiness(), HubModels(settings)
    hub_models.take_cached()
    engine.pool.awaited = frozenset(hub_models.awaited)

    class Draining(uvicorn.Server):
        def handle_exit(self, sig: int, frame: Any) -> None:
            readiness.draining = True
            super().handle_exit(sig, frame)

    config = uvicorn.Config(
        create_app(engine, settings, readiness=readiness, hub_models=hub_models),
        host=settings.host,
        port=settings.port,
        http=HeaderTimeout,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # uvicorn would believe whoever asks from this machine; `RateLimit` knows whom to
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn hands it on when all is answered
        signal.signal(number, lambda *_: sys.exit(0))
    Draining(config).run()


def stay_offline() -> None:
    """Keep gradio and transformers from calling home, unless the environment says otherwise; before their import."""
    for name, value in (
        ("GRADIO_ANALYTICS_ENABLED", "False"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        ("HF_HUB_OFFLINE", "1"),
    ):
        os.environ.setdefault(name, value)
