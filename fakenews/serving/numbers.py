"""What the server counts for Prometheus and writes to its log: routes, seconds, outcomes, never a word of a text.

The message of an exception could quote a text, so exceptions are logged by their type and the place of the fault.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZES = (1, 2, 4, 8, 16, 32)
_ROUTE = re.compile(
    r"/api/v1/(?:analyse|explain|what-if|flip|compare|extract|export)|/(?:healthz|readyz|metrics)"
    r"|/api/v1/shares|/gradio_api/(?:queue/join|queue/data|upload|heartbeat|call|mcp)"
)


class Numbers:
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

    def watch(self, name: str, what: str, value: Callable[[], float]) -> None:
        """Have a gauge that asks when it is read."""
        Gauge(name, what, registry=self.registry).set_function(value)

    def text(self) -> bytes:
        """All of it, in Prometheus' format."""
        return generate_latest(self.registry)


class Counted:
    """Pure ASGI middleware that counts every answer, and logs one line for each."""

    def __init__(self, app: ASGIApp, numbers: Numbers) -> None:
        self.app = app
        self.numbers = numbers

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
        self.numbers.under_way.inc()
        try:
            await self.app(scope, receive, counted)
        finally:
            self.numbers.under_way.dec()
            if status:
                self.numbers.requests.labels(method, route, str(status)).inc()
                self.numbers.seconds.labels(route).observe(seconds)
                whole = round(time.perf_counter() - started, 4)
                facts = {"method": method, "route": route, "status": status, "seconds": whole}
                logger.info("request", extra={"facts": facts})


def route_of(path: str) -> str:
    """The route of a path without what visitors put into it; "/" for the page and its parts."""
    found = _ROUTE.match(path)
    return found[0] if found else "/api" if path.startswith("/api/") else "/"


ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class AsText(logging.Formatter):
    """Level and message; of an exception its type and where it came from."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s: %(message)s")

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802
        """Lines of code that lead to it, and its type."""
        return "".join(traceback.format_tb(ei[2])) + (ei[0].__name__ if ei[0] else "")


class AsJson(logging.Formatter):
    """One line of JSON for each record: time, level, logger, message, and facts where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            if frames := traceback.extract_tb(record.exc_info[2]):
                line["at"] = f"{frames[-1].name}, {Path(frames[-1].filename).name}:{frames[-1].lineno}"
        return json.dumps(line, ensure_ascii=False)


def log_as(form: str) -> None:
    """Send all logs to standard error: "json", a line for every request too, or "text", what needs attention."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(AsJson() if form == "json" else AsText())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("uvicorn").setLevel(logging.INFO)
    logger.setLevel(logging.INFO if form == "json" else logging.WARNING)


class PrintedByGradio:
    """Stands where Gradio has the module traceback, which prints an exception whole: some quote all that was sent."""

    @staticmethod
    def print_exc() -> None:
        """Log the exception that is being handled, as all others are."""
        logger.error("A handler of the page failed.", exc_info=True)


def log_page_errors() -> None:
    """Have exceptions in handlers of the page logged like all others."""
    from gradio import queueing, routes

    for module in (queueing, routes):
        module.traceback = PrintedByGradio  # type: ignore[attr-defined]
