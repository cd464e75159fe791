"""Every outcome that is no answer, as JSON: {"error": one sentence}."""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from fakenews.engine.errors import CorruptModel, InputError, Overloaded
from fakenews.explain.base import Cancelled
from fakenews.share.shared import NotShared
from fakenews.share.storage import StorageError

logger = logging.getLogger(__name__)

STORAGE_SECONDS = 2  # after which the storage may be asked again
GONE = 499  # nginx's status for a client that left; nobody reads it

_ID = re.compile("(?:(?<=/shares)|(?<=/review-sets)|(?<=/set))/[^/]+|(?<=/card)/.+")
_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonRequest(Request):
    """A request whose body is JSON whatever its content type says, as `curl --data` sends it.

    Lone surrogates, which JSON can spell and UTF-8 cannot, become U+FFFD.
    """

    def __init__(self, request: Request) -> None:
        headers = [(name, value) for name, value in request.scope["headers"] if name != b"content-type"]
        headers.append((b"content-type", b"application/json"))
        super().__init__({**request.scope, "headers": headers}, request.receive)

    async def json(self) -> Any:
        """Parse the body.

        Raise `HTTPException` 400 if it is not JSON.
        """
        try:
            value = json.loads(await self.body())
            return json.loads(_SURROGATE.sub("\ufffd", json.dumps(value, ensure_ascii=False)))
        except (ValueError, RecursionError):
            raise HTTPException(400, "The body is not JSON: send an object in UTF-8.") from None


class OneSentenceRoute(APIRoute):
    """A route whose every error is one sentence."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(JsonRequest(request))
            except RequestValidationError as error:
                fields = getattr(self.body_field and self.body_field.field_info.annotation, "model_fields", {})
                return error_response(422, _sentence(error, fields))
            except Exception as error:
                return response_to(error, request.url.path)

        return handle


def response_to(error: Exception, path: str) -> Response:
    """Return the response to an error; one that is none of ours is logged without what it says."""
    match error:
        case HTTPException():
            return error_response(error.status_code, error.detail, error.headers)
        case Overloaded():
            return error_response(503, str(error), {"retry-after": str(error.retry_after)})
        case StorageError():
            return error_response(503, str(error), {"retry-after": str(STORAGE_SECONDS)})
        case CorruptModel():
            return error_response(503, str(error))
        case InputError():
            return error_response(400, str(error))
        case NotShared():
            return error_response(404, str(error))
        case Cancelled() | ClientDisconnect():
            return Response(status_code=GONE)
    # Where it happened, but neither the message, which could quote the article, nor the id of a link.
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s failed: %s\n%s", _ID.sub("/…", path), type(error).__name__, frames)
    return error_response(500, "Something went wrong on our side; the text was not kept.")


def error_response(
    status: int, sentence: str, headers: Mapping[str, str] | None = None, *, to_page: bool = False
) -> Response:
    """Return an error as JSON; Gradio's page shows what it finds under "detail"."""
    content = {"error": sentence, **({"detail": sentence} if to_page else {})}
    return JSONResponse(content, status, {"cache-control": "no-store", **(headers or {})})


def _sentence(error: RequestValidationError, fields: Mapping[str, Any]) -> str:
    first = error.errors()[0]
    path = [str(part) for part in first["loc"][1:]]  # behind "body"
    where = f'"{path[0][:40]}"' if path else "the body"
    takes = f": it takes {', '.join(fields)}" if fields else ""
    return f"Bad request at {where}, {first['msg']}{takes}."
