"""The outermost wall: how long a body may be and take, and the headers of every answer."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from fastapi import HTTPException
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fakenews.api.errors import error_response
from fakenews.data.unpacked import MAX_UPLOAD
from fakenews.review_sets.values import MAX_ARTICLES

MAX_BODY = 200_000  # bytes, unless longer texts are asked for
BYTES_A_CHARACTER = 6  # one that JSON escapes, such as \u2014
ENVELOPE = 10_000  # bytes that a browser sends around a file
UPLOADS = "/gradio_api/upload"
MAX_ARTICLES_BODY = 8_000_000  # bytes of all articles of a review set, unless longer texts are asked for
ARTICLES = re.compile(r"/api/v1/review-sets(/[^/]+/articles)?")
BODY_SECONDS = 20.0  # in which a body has to be here

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


def longest_body(max_chars: int) -> int:
    """Return the bytes of a body that may hold a text of so many characters; `MAX_BODY` at least."""
    return max(MAX_BODY, BYTES_A_CHARACTER * max_chars)


def longest_articles(max_chars: int) -> int:
    """Return the bytes of a body that may hold the articles of a review set; `MAX_ARTICLES_BODY` at least."""
    return max(MAX_ARTICLES_BODY, 2 * MAX_ARTICLES * max_chars)


@dataclass
class Guard:
    """Pure ASGI middleware: refuses bodies that are too long or too slow, and sets security headers."""

    app: ASGIApp
    max_body: int = MAX_BODY  # bytes
    max_articles: int = MAX_ARTICLES_BODY  # bytes of what is sent to `ARTICLES`
    max_upload: int = MAX_UPLOAD + ENVELOPE  # bytes of what is sent to `UPLOADS`
    body_seconds: float = BODY_SECONDS  # until the whole body is here

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
            async with asyncio.timeout(self.body_seconds):
                body = await self._read(scope, receive)
        except HTTPException as error:
            await error_response(error.status_code, error.detail)(scope, receive, guarded)
        except TimeoutError:
            sentence = f"The request did not arrive within {self.body_seconds:.0f} seconds: send it again."
            await error_response(408, sentence, {"connection": "close"})(scope, receive, guarded)
        except ClientDisconnect:
            return
        else:
            await self.app(scope, _replay(body, receive), guarded)

    def _most(self, path: str) -> tuple[int, str]:
        """Return the bytes that may be sent to a path, and what to send instead of more."""
        if path == UPLOADS:
            return self.max_upload, "a table, at most that long"
        if ARTICLES.fullmatch(path):
            return self.max_articles, "fewer articles, and add the others to the set afterwards"
        return self.max_body, "one article, at most that long"

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        most, what = self._most(scope["path"])
        refusal = HTTPException(413, f"This is more than {most // 1000:,} kB: send {what}.")
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


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again
