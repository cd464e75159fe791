"""Pack the page, which is mostly the description of its components; Gradio packs files by their ending alone."""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Receive, Scope, Send

PIECES = "/set/"  # of the page of a review set: articles with their highlights


class PackedPage(GZipMiddleware):
    """Pure ASGI middleware: page and pieces go out compressed to browsers that take it; all else passes as it is."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_page = scope["type"] == "http" and (scope["path"] == "/" or scope["path"].startswith(PIECES))
        await (super().__call__(scope, receive, send) if is_page else self.app(scope, receive, send))
