"""Count requests for Prometheus, by route, status and seconds; never a word of a text."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZES = (1, 2, 4, 8, 16, 32)
_ROUTE = re.compile(
    r"/api/v1/(?:analyse|explain|what-if|flip|compare|extract|export)|/(?:healthz|readyz|metrics)"
    r"|/api/v1/(?:shares|review-sets)|/gradio_api/(?:queue/join|queue/data|upload|heartbeat|call|mcp)"
)


class Metrics:
    """Counters of one server.

    Attributes
    ----------
    batch_size : Histogram
        Articles that one call of the models answered.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "fakenews_requests", "Answers, by route and status.", ("method", "route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "fakenews_request_seconds", "Until an answer began.", ("route",), buckets=SECONDS, registry=self.registry
        )
        self.batch_size = Histogram(
            "fakenews_batch_size", "Articles judged in one call.", buckets=SIZES, registry=self.registry
        )
        self.under_way = Gauge("fakenews_requests_under_way", "Being answered.", registry=self.registry)

    def add_gauge(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Add a gauge that asks for its value when it is read."""
        Gauge(name, description, registry=self.registry).set_function(value)

    def text(self) -> bytes:
        """Return all of it in the format of Prometheus."""
        return generate_latest(self.registry)


@dataclass
class MetricsMiddleware:
    """Pure ASGI middleware that counts every answer, and logs one line for each."""

    app: ASGIApp
    metrics: Metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request and count it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status, seconds = time.perf_counter(), 0, 0.0

        async def counted(message: Message) -> None:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status, seconds = message["status"], time.perf_counter() - started
            await send(message)

        route = route_of(scope["path"])
        method = scope["method"] if scope["method"] in METHODS else "other"
        self.metrics.under_way.inc()
        try:
            await self.app(scope, receive, counted)
        finally:
            self.metrics.under_way.dec()
            if status:
                self.metrics.requests.labels(method, route, str(status)).inc()
                self.metrics.seconds.labels(route).observe(seconds)
                whole = round(time.perf_counter() - started, 4)
                facts = {"method": method, "route": route, "status": status, "seconds": whole}
                logger.info("request", extra={"facts": facts})


def route_of(path: str) -> str:
    """Return the route of a path without what visitors put into it; "/" for the page and its parts."""
    match = _ROUTE.match(path)
    return match[0] if match else "/api" if path.startswith("/api/") else "/"
