"""Health: whether the models are loaded and visitors should come, and the metrics of the server."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, HTTPException, Response

from fakenews import __version__
from fakenews.api.answers import UncachedJSON
from fakenews.api.errors import OneSentenceRoute
from fakenews.classifiers import inventory
from fakenews.config import pick_device
from fakenews.engine import Engine
from fakenews.serving import memory
from fakenews.serving.hub_models import HubModels
from fakenews.serving.metrics import Metrics
from fakenews.share.store import ShareStore

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Readiness:
    """Whether the default models are loaded, and whether the server is about to end."""

    status: Literal["starting", "ok", "failed"] = "starting"
    draining: bool = False

    @property
    def ready(self) -> bool:
        """Return whether visitors should be sent here."""
        return self.status == "ok" and not self.draining

    def warm_up(self, engine: Engine, store: ShareStore) -> None:
        """Load the models; a failure is logged and shown by the health check, and the page still opens.

        What a bucket holds is taken into the index too, so that no reader of a link waits for it.
        """
        status: Literal["ok", "failed"] = "ok"
        try:
            engine.warm_up()
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


def router(
    engine: Engine, readiness: Readiness, metrics: Metrics | None, hub_models: HubModels | None = None
) -> APIRouter:
    """Return the endpoints that a load balancer asks; without `metrics` there is none for Prometheus."""
    router = APIRouter(route_class=OneSentenceRoute, default_response_class=UncachedJSON, include_in_schema=False)

    @router.api_route("/healthz", methods=["GET", "HEAD"])
    async def healthz() -> dict[str, Any]:
        models = [model for model in engine.pool.models if model not in engine.pool.damaged]
        health = {"status": readiness.status, "models": models, "version": __version__, "memory": _memory(engine)}
        return {**health, "hub_models": hub_models.to_dict()} if hub_models and hub_models.wanted else health

    @router.api_route("/readyz", methods=["GET", "HEAD"])
    async def readyz() -> Response:
        status = "draining" if readiness.draining else readiness.status
        return UncachedJSON({"ready": readiness.ready, "status": status}, 200 if readiness.ready else 503)

    if metrics is not None:

        @router.api_route("/metrics", methods=["GET", "HEAD"])
        async def prometheus() -> Response:
            return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    for path in [route.path for route in router.routes if isinstance(route, OneSentenceRoute)]:
        router.add_api_route(path, _read_only, methods=METHODS)
    return router


def nothing_else() -> APIRouter:
    """Return the last routes of the API: whatever else is asked gets a sentence, and not the page."""
    router = APIRouter(route_class=OneSentenceRoute, include_in_schema=False)
    router.add_api_route("/api/{rest:path}", _nothing_here, methods=METHODS)
    router.add_api_route("/gradio_api/openapi.json", _nothing_here, methods=["GET"])  # Gradio would publish the page's
    return router


def _memory(engine: Engine) -> dict[str, Any]:
    """Return megabytes of this process, and of the weights of each model that is loaded."""
    weights = {model: _weights_mb(str(engine.pool.stored(model).folder)) for model in engine.pool.loaded}
    return {"process_mb": memory.resident_mb(), "models_mb": {m: mb for m, mb in weights.items() if mb is not None}}


@cache
def _weights_mb(folder: str) -> float | None:
    found = inventory.memory_mb(Path(folder), 2 if pick_device() == "cuda" else 4)
    return None if found is None else round(found, 1)


async def _read_only() -> None:
    raise HTTPException(405, "This is only read: ask with GET.", {"allow": "GET, HEAD"})


async def _nothing_here() -> None:
    paths = "analyse, explain, compare, what-if, flip, extract, export, shares or review-sets"
    raise HTTPException(404, f"There is nothing here: POST to /api/v1/{paths}.")
