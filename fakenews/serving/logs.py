"""Write the log: a line a request as JSON, or what needs attention as text; never a word of an article.

The message of an exception could quote a text, so exceptions are logged by their type and where they were raised.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from pathlib import Path
from types import TracebackType

logger = logging.getLogger(__name__)

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class AsText(logging.Formatter):
    """Level and message; of an exception its type and where it came from."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s: %(message)s")

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802
        """Return the lines of code that lead to it, and its type."""
        return "".join(traceback.format_tb(ei[2])) + (ei[0].__name__ if ei[0] else "")


class AsJson(logging.Formatter):
    """One line of JSON for each record: time, level, logger, message, and facts where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
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
